/* SPDX-License-Identifier: MIT */
/* Cross entropy of classes, as CSGIS-Net's semantic term has it. */
#include "losses/losses.h"

enum { CLASSES_MAX = 256 };

/* 1 at the class of each pixel. */
static pnn_node one_hot(pnn_graph *g, pnn_node label, long classes)
{
    float index[CLASSES_MAX];
    for (long c = 0; c < classes; c++) index[c] = (float)c;
    return pnn_binary(g, PNN_EQUAL, label, pnn_constant_vector(g, index, classes));
}

/* log sum_c exp z_c = m + log sum_c exp(z_c - m), m the greatest. */
static pnn_node log_sum_exp(pnn_graph *g, pnn_node z)
{
    pnn_node m = pnn_reduce(g, PNN_REDUCE_MAX, z, PNN_OVER_C);
    pnn_node e = pnn_unary(g, PNN_EXP, pnn_sub(g, z, m), 0, 0);
    return pnn_add(g, m, pnn_unary(g, PNN_LOG, pnn_reduce(g, PNN_SUM, e, PNN_OVER_C), 0, 0));
}

pnn_node ploss_segmentation(pnn_graph *g, pnn_node logits, pnn_node label)
{
    long classes = pnn_channels(g, logits);
    if (classes < 1 || classes >= CLASSES_MAX)
        return pnn_error(g, PLN_E_INTERNAL, "segmentation of %ld classes: 1 to %d", classes,
                         CLASSES_MAX - 1);
    pnn_node counted = pnn_binary(g, PNN_EQUAL, label, pnn_constant(g, PLOSS_IGNORED));
    counted = pnn_affine(g, counted, -1, 1);
    pnn_node its = pnn_mul(g, logits, one_hot(g, label, classes));
    pnn_node entropy = pnn_sub(g, log_sum_exp(g, logits), pnn_reduce(g, PNN_SUM, its, PNN_OVER_C));
    pnn_node sum = pnn_reduce(g, PNN_SUM, pnn_mul(g, entropy, counted), PNN_OVER_ALL),
             n = pnn_group_sum(g, pnn_reduce(g, PNN_SUM, counted, PNN_OVER_ALL));
    sum = pnn_affine(g, sum, pnn_group_world(g), 0);
    return pnn_binary(g, PNN_DIV, sum, pnn_binary(g, PNN_MAX, n, pnn_constant(g, 1)));
}
