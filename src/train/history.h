/* SPDX-License-Identifier: MIT */
/* What a run has done: RUN/log.jsonl, a line a step. */
#ifndef PLN_TRAIN_HISTORY_H
#define PLN_TRAIN_HISTORY_H

#include "core/core.h"

typedef struct pln_history_line {
    uint64_t step;
    double loss, rate, seconds;
    bool validated; /* psnr, ssim are there */
    double psnr, ssim;
} pln_history_line;

typedef struct pln_history {
    pln_history_line *lines;
    size_t count;
    size_t best;    /* the line of the best validation PSNR; count: there is none */
    double seconds; /* of all steps */
} pln_history;

/* A last line that was cut off by a kill is left out. PLN_E_MODEL: RUN holds no run, or a line of
 * its log is damaged. */
pln_status pln_history_read(pln_context *ctx, const char *run, pln_history *history) PLN_CHECK;
void pln_history_free(pln_history *history);

#endif
