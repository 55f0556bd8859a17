/* SPDX-License-Identifier: MIT */
/* One step of training: network, losses, gradients, clipping, Adam and moving average as one
 * compiled graph. Where several processes train together on GPUs with NCCL, means over processes
 * are part of it; else gradients are a graph and the update another, and the host's sums over
 * processes start while the backward pass goes on. */
#ifndef PLN_TRAIN_STEP_H
#define PLN_TRAIN_STEP_H

#include "nn/plan.h"
#include "train/recipe.h"

/* Processes that train together, each on its part of every batch. */
typedef struct pln_group {
    size_t rank, world;
    void *user;
    /* Starts to add the n values of all processes, in place; they are left alone until wait, which
     * ends all that was started. The same calls in the same order everywhere. */
    pln_status (*sum)(void *user, float *values, size_t n);
    pln_status (*wait)(void *user);
} pln_group;

typedef struct pln_step pln_step;

typedef struct pln_step_options {
    const pln_group *group; /* NULL, or more than one process */
    uint64_t seed;
    /* What convolutions round their operands to; values, sums and parameters stay f32. auto: bf16
     * on a GPU and where the processor multiplies it (AMX). bf16 below AVX-512: PLN_E_UNSUPPORTED.
     */
    pln_precision precision;
} pln_step_options;

/* On the context's device. batch: where the samples of every run will be; n and patch are its
 * sizes. Parameters start in `store` as the graph says, where it has none. */
pln_status pln_step_new(pln_context *ctx, const pln_recipe *recipe, const pln_batch *batch,
                        pnn_store *store, const pln_step_options *options,
                        pln_step **step) PLN_CHECK;
void pln_step_free(pln_step *step);
/* The step after `done` are done, on what the batch holds now: loss (mean over processes), and the
 * parameters changed, where they are: in the store, or on the device. */
pln_status pln_step_run(pln_step *step, uint64_t done, double *loss) PLN_CHECK;
/* Before the store is read: it has what the steps made. After it was changed otherwise: the next
 * step takes its values. */
pln_status pln_step_fetch(pln_step *step) PLN_CHECK;
pln_status pln_step_send(pln_step *step) PLN_CHECK;
/* The graph that a step runs, for its times and sizes. */
const pnn_plan *pln_step_plan(const pln_step *step);
/* The values that the network has in use: the moving averages under the names of their parameters
 * if the recipe has any, else as they are in `store`. *used to be freed. */
pln_status pln_step_used(const pln_step *step, const pnn_graph *network,
                         pnn_store **used) PLN_CHECK;

#endif
