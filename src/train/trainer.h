/* SPDX-License-Identifier: MIT */
/* Training: one graph holds network, losses, gradients and Adam; a step binds a batch and runs it.
 * A run is a folder: recipe.ini, log.jsonl, the last two checkpoints, best.safetensors. A
 * checkpoint holds all that the next step depends on, so that a run goes on byte for byte as if
 * never interrupted. */
#ifndef PLN_TRAIN_TRAINER_H
#define PLN_TRAIN_TRAINER_H

#include "train/history.h"
#include "train/recipe.h"
#include "train/step.h"

/* By which scores the weights of a recipe are judged. */
const pln_judge *pln_judge_of(const pln_recipe *recipe);

typedef struct pln_training_state {
    uint64_t step, steps; /* done, wanted */
    double loss, rate;    /* of the last step */
    double seconds;       /* of the last step */
    size_t samples;       /* of a step */
    bool validated;       /* scores are new */
    double scores[2], best;
    uint64_t best_step;
} pln_training_state;

typedef struct pln_trainer_options {
    const pln_recipe *recipe;
    const pln_dataset *dataset;
    const char *run; /* folder; made */
    bool
        resume; /* go on from the newest checkpoint, if there is one; else the folder must be new */
    bool events; /* the log for TensorBoard too (train/events.h) */
    uint64_t seed;
    pln_precision precision; /* of pln_step_options */
    const pln_group *group;  /* NULL: alone. The first process validates, saves and reports */
    /* After each step; non-zero: save a checkpoint and stop. In a group: of every process, and the
     * same answer of all. */
    int (*report)(void *user, const pln_training_state *state);
    void *user;
} pln_trainer_options;

/* PLN_E_CANCELLED: report said so; the checkpoint is written. PLN_E_MODEL: the run is of another
 * recipe, or a loss was not finite (RUN/bad-batch.json says which batch). */
pln_status pln_train(pln_context *ctx, const pln_trainer_options *options) PLN_CHECK;

#endif
