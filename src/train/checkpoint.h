/* SPDX-License-Identifier: MIT */
/* Checkpoints and weights of a run, as safetensors. */
#ifndef PLN_TRAIN_CHECKPOINT_H
#define PLN_TRAIN_CHECKPOINT_H

#include "nn/plan.h"
#include "train/trainer.h"

/* RUN/checkpoint-STEP.safetensors: all values of the store in f32, the recipe, the state. Older
 * ones but one are removed afterwards. */
pln_status pln_checkpoint_write(pln_context *ctx, const char *run, const pln_recipe *recipe,
                                const pnn_store *store, const pln_training_state *state,
                                uint64_t seed) PLN_CHECK;
/* The newest readable one into store and state; *found false if there is none. PLN_E_MODEL: of
 * another recipe, seed, or network. */
pln_status pln_checkpoint_read(pln_context *ctx, const char *run, const pln_recipe *recipe,
                               pnn_store *store, pln_training_state *state, uint64_t seed,
                               bool *found) PLN_CHECK;
/* What a value is stored as where `type` is asked for: statistics may be out of the reach of 16
 * bits and stay f32. */
pnn_dtype pln_weights_type(const char *name, pnn_dtype type);
/* Weights for use: the parameters of `graph`, without the optimiser's states; statistics in f32. */
pln_status pln_weights_write(pln_context *ctx, const char *path, const pln_recipe *recipe,
                             const pnn_graph *graph, const pnn_store *store,
                             const pln_training_state *state, const char *data_hash, uint64_t seed,
                             pnn_dtype type) PLN_CHECK;
/* PLN_E_MODEL: the weights say that they were trained on another dataset. */
pln_status pln_weights_check_data(pln_context *ctx, const pnn_st *weights,
                                  const pln_dataset *dataset) PLN_CHECK;

#endif
