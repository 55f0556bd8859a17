/* SPDX-License-Identifier: MIT */
/* The folder of a run: its log and what is kept of a batch that went wrong. */
#ifndef PLN_TRAIN_RUN_H
#define PLN_TRAIN_RUN_H

#include "train/trainer.h"

typedef struct pln_run_folder pln_run_folder;

/* Makes the folder and writes recipe.ini. resume: lines of log.jsonl after state->step are dropped,
 * for those steps are done again; else the folder must hold no run. events: for TensorBoard too. */
pln_status pln_run_open(pln_context *ctx, const char *folder, const pln_recipe *recipe, bool resume,
                        bool events, const pln_training_state *state,
                        pln_run_folder **run) PLN_CHECK;
void pln_run_close(pln_run_folder *run);
/* A line of log.jsonl: {"step":,"loss":,"rate":,"seconds":} and, if validated, the scores. */
pln_status pln_run_log(pln_run_folder *run, const pln_training_state *state) PLN_CHECK;
/* bad-batch.json says which pairs made the loss not finite; returns PLN_E_MODEL, which says so. */
pln_status pln_run_bad_batch(pln_run_folder *run, const pln_training_state *state,
                             const pln_batch *batch, uint64_t seed) PLN_CHECK;

#endif
