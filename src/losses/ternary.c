/* SPDX-License-Identifier: MIT */
/* Ternary loss of MI: the result lies nearer to the smoothed picture than to the unsmoothed one, in
 * pixels (brightness) and in features of a frozen edge extractor (structure); the margin is
 * relative to the pair's own distance. After Zhu et al., The Visual Computer 2024 (its abstract).
 */
#include "losses/losses.h"

/* mean |a - b| of each picture: N x 1 x 1 x 1 */
static pnn_node each_l1(pnn_graph *g, pnn_node a, pnn_node b)
{
    return pnn_reduce(g, PNN_MEAN, pnn_unary(g, PNN_ABS, pnn_sub(g, a, b), 0, 0),
                      PNN_OVER_H | PNN_OVER_W | PNN_OVER_C);
}

pnn_node ploss_distances(pnn_graph *g, const ploss_features *a, const ploss_features *b,
                         double weight)
{
    pnn_node d = each_l1(g, a->x, b->x);
    if (weight == 0) return d;
    for (size_t l = 0; l < a->layers; l++)
        d = pnn_add(g, d,
                    pnn_affine(g, each_l1(g, a->f[l], b->f[l]), weight / (double)a->layers, 0));
    return d;
}

pnn_node ploss_ternary(pnn_graph *g, const ploss_features *y, const ploss_features *positive,
                       const ploss_features *negative, double margin, double weight)
{
    pnn_node near = ploss_distances(g, y, positive, weight),
             far = ploss_distances(g, y, negative, weight),
             gap = ploss_distances(g, positive, negative, weight);
    pnn_node v = pnn_add(g, pnn_sub(g, near, far), pnn_affine(g, gap, margin, 0));
    return pnn_reduce(g, PNN_MEAN, pnn_relu(g, v), PNN_OVER_ALL);
}

pnn_node ploss_ternary_ratio(pnn_graph *g, const ploss_features *y, const ploss_features *positive,
                             const ploss_features *negative, double weight)
{
    pnn_node near = ploss_distances(g, y, positive, weight),
             far = ploss_distances(g, y, negative, weight);
    pnn_node ratio = pnn_binary(g, PNN_DIV, near, pnn_affine(g, far, 1, 1e-7));
    return pnn_reduce(g, PNN_MEAN, ratio, PNN_OVER_ALL);
}
