/* SPDX-License-Identifier: MIT */
/* Edge-aware total variation of MI: after Zhu et al., The Visual Computer 2024 (its abstract). */
#include "losses/losses.h"

static pnn_node absolute(pnn_graph *g, pnn_node x) { return pnn_unary(g, PNN_ABS, x, 0, 0); }

/* x without its last (at 0) or first (at 1) row or column. */
static pnn_node but_one(pnn_graph *g, pnn_node x, pnn_axis axis, long at)
{
    pnn_shape s = pnn_shape_of(g, x);
    long offset[4] = {0, 0, 0, 0};
    pnn_dim *d = axis == PNN_AXIS_H ? &s.h : &s.w;
    *d = pnn_dim_add(g, *d, -1);
    offset[axis] = at;
    return pnn_window(g, x, offset, s);
}

/* sum w |y(next) - y|, w = 1 - max(e(next), e) */
static pnn_node variation(pnn_graph *g, pnn_node y, pnn_node e, pnn_axis axis)
{
    pnn_node d = pnn_sub(g, but_one(g, y, axis, 1), but_one(g, y, axis, 0));
    pnn_node w = pnn_binary(g, PNN_MAX, but_one(g, e, axis, 1), but_one(g, e, axis, 0));
    return pnn_reduce(g, PNN_SUM, pnn_mul(g, absolute(g, d), pnn_affine(g, w, -1, 1)),
                      PNN_OVER_ALL);
}

pnn_node ploss_eatv(pnn_graph *g, pnn_node y, pnn_node truth, pnn_node e)
{
    pnn_node tv = pnn_add(g, variation(g, y, e, PNN_AXIS_W), variation(g, y, e, PNN_AXIS_H));
    pnn_node on_edges =
        pnn_reduce(g, PNN_SUM, pnn_mul(g, absolute(g, pnn_sub(g, y, truth)), e), PNN_OVER_ALL);
    pnn_node nchw = pnn_reduce(g, PNN_SUM, pnn_fill(g, y, 1), PNN_OVER_ALL);
    return pnn_binary(g, PNN_DIV, pnn_add(g, tv, on_edges), nchw);
}
