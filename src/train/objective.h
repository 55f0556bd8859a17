/* SPDX-License-Identifier: MIT */
/* What a network learns: the loss of a batch as a node of the step's graph, out of the terms of
 * losses/losses.h that the recipe weighs; and the frozen networks that some terms look through. */
#ifndef PLN_TRAIN_OBJECTIVE_H
#define PLN_TRAIN_OBJECTIVE_H

#include "nn/plan.h"
#include "train/recipe.h"

/* The networks whose weights never change. */
typedef struct pln_frozen {
    pnet_vgg16_options vgg16;
    pnet_deeplabv3_options deeplabv3;
    pnet_eme_options eme;
} pln_frozen;
/* Loads into `store` what the recipe's terms need. PLN_E_MODEL: a term needs a network whose
 * weights the recipe does not name. EME's are looked for among the models too. */
pln_status pln_frozen_load(pln_context *ctx, const pln_recipe *recipe, pnn_store *store,
                           pln_frozen *frozen) PLN_CHECK;

/* Does the energy, if the recipe has one, part objects from what lies behind them? */
bool pln_energy_looks_at_objects(const pln_recipe *recipe);
/* PLN_WITH_...: what a batch must hold beside input and truth. */
unsigned pln_objective_companions(const pln_recipe *recipe);

/* The batch as nodes; {0}: not in it. */
typedef struct pln_lesson {
    pnn_node x, truth;                /* N x P x P x 3 in [0, 1] */
    pnn_node edge, classes, boundary; /* N x P x P x 1 */
    pnn_node negative;                /* as x */
} pln_lesson;
/* The scalar to be made small. Errors stick in the graph. */
pnn_node pln_objective(pnn_graph *g, const pln_recipe *recipe, const pln_frozen *frozen,
                       const pln_lesson *lesson);

#endif
