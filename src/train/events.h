/* SPDX-License-Identifier: MIT */
/* The log of a run for TensorBoard: RUN/events.out.tfevents.planish. Records of TFRecord (length,
 * its checksum, bytes, their checksum), each an Event with a Summary of scalars. */
#ifndef PLN_TRAIN_EVENTS_H
#define PLN_TRAIN_EVENTS_H

#include "train/history.h"

typedef struct pln_events pln_events;

/* Makes the file anew, with what the run's log has so far. PLN_E_WRITE. */
pln_status pln_events_open(pln_context *ctx, const char *run, pln_events **events) PLN_CHECK;
void pln_events_close(pln_events *events);
/* loss, rate, seconds, and scores under their keys. */
pln_status pln_events_write(pln_events *events, const pln_history_line *line) PLN_CHECK;

/* CRC-32C as TFRecord masks it. */
uint32_t pln_events_checksum(const void *bytes, size_t n);

#endif
