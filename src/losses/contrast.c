/* SPDX-License-Identifier: MIT */
/* Contrastive loss of CSGIS-Net: the result is drawn to the truth and pushed from a negative, in
 * style (Gram matrices of features) and in brightness (means over the colours). Wang et al., CGF
 * 2022, eq. 9; scales, margins and E on pictures as in the public code. */
#include "losses/losses.h"

/* G_ij = sum_k f_ik f_jk / (C H W) */
static pnn_node gram(pnn_graph *g, pnn_node f)
{
    pnn_node chw = pnn_reduce(g, PNN_SUM, pnn_fill(g, f, 1), PNN_OVER_H | PNN_OVER_W | PNN_OVER_C);
    return pnn_binary(g, PNN_DIV, pnn_gram(g, f, f), chw);
}

pnn_node ploss_gram_distance(pnn_graph *g, const pnn_node *fx, const pnn_node *fy, size_t layers)
{
    pnn_node total = {0};
    for (size_t l = 0; l < layers; l++) {
        pnn_node d = pnn_sub(g, gram(g, fx[l]), gram(g, fy[l]));
        d = pnn_reduce(g, PNN_SUM, pnn_unary(g, PNN_SQUARE, d, 0, 0), PNN_OVER_ALL);
        total = l ? pnn_add(g, total, d) : d;
    }
    return total;
}

pnn_node ploss_mean_distance(pnn_graph *g, pnn_node x, pnn_node y)
{
    return ploss_l1(g, pnn_reduce(g, PNN_MEAN, x, PNN_OVER_C),
                    pnn_reduce(g, PNN_MEAN, y, PNN_OVER_C));
}

/* max(d(+) - d(-) + m, 0) of the whole batch's distances; at 0 the gradient still flows. */
static pnn_node hinge(pnn_graph *g, pnn_node difference, double margin)
{
    pnn_node v = pnn_affine(g, difference, 1, margin);
    return pnn_binary(g, PNN_MAX, v, pnn_constant(g, 0));
}

pnn_node ploss_contrast(pnn_graph *g, const ploss_features *anchor, const ploss_features *positive,
                        const ploss_features *negative, double margin_gram, double margin_mean)
{
    size_t n = anchor->layers;
    pnn_node style = pnn_sub(g, ploss_gram_distance(g, anchor->f, positive->f, n),
                             ploss_gram_distance(g, anchor->f, negative->f, n));
    pnn_node brightness = pnn_sub(g, ploss_mean_distance(g, anchor->x, positive->x),
                                  ploss_mean_distance(g, anchor->x, negative->x));
    return pnn_add(g, hinge(g, pnn_group_sum(g, style), margin_gram),
                   hinge(g, pnn_group_mean(g, brightness), margin_mean));
}
