/* SPDX-License-Identifier: MIT */
/* Distinctive total variation. */
#include "losses/losses.h"

/* x moved by one against the axis, around the border. */
static pnn_node next(pnn_graph *g, pnn_node x, pnn_axis axis)
{
    pnn_shape s = pnn_shape_of(g, x), rest = s, first = s;
    long offset[4] = {0, 0, 0, 0};
    offset[axis] = 1;
    pnn_dim *r = axis == PNN_AXIS_H ? &rest.h : &rest.w,
            *f = axis == PNN_AXIS_H ? &first.h : &first.w;
    *r = pnn_dim_add(g, *r, -1);
    *f = pnn_dim_const(g, 1);
    return pnn_concat2(g, axis, pnn_window(g, x, offset, rest),
                       pnn_window(g, x, (const long[4]){0, 0, 0, 0}, first));
}

/* Sum of mask (next - x)^2 along an axis. */
static pnn_node variation(pnn_graph *g, pnn_node x, pnn_node mask, pnn_axis axis)
{
    pnn_node d = pnn_sub(g, next(g, x, axis), x);
    return pnn_reduce(g, PNN_SUM, pnn_mul(g, pnn_unary(g, PNN_SQUARE, d, 0, 0), mask),
                      PNN_OVER_ALL);
}

pnn_node ploss_dtv(pnn_graph *g, pnn_node x, pnn_node y, pnn_node edge)
{
    const pnn_size any = {1, 1, 1};
    pnn_shape s = pnn_shape_of(g, x);
    double h = (double)pnn_dim_value(g, s.h, any), w = (double)pnn_dim_value(g, s.w, any);
    if (h < 2 || w < 2)
        return pnn_error(g, PLN_E_INTERNAL, "dtv: height and width must be numbers, at least 2");
    pnn_node on_edges = pnn_reduce(
        g, PNN_MEAN, pnn_mul(g, pnn_unary(g, PNN_ABS, pnn_sub(g, x, y), 0, 0), edge), PNN_OVER_ALL);
    pnn_node flat = pnn_affine(g, edge, -1, 1);
    /* Divided by N C (H - 1) W and N C H (W - 1). */
    pnn_node n = pnn_reduce(g, PNN_SUM, pnn_fill(g, x, 1 / (h * w)), PNN_OVER_ALL); /* N C */
    pnn_node down = pnn_affine(g, variation(g, x, flat, PNN_AXIS_H), 1 / ((h - 1) * w), 0),
             across = pnn_affine(g, variation(g, x, flat, PNN_AXIS_W), 1 / (h * (w - 1)), 0);
    return pnn_add(g, on_edges, pnn_binary(g, PNN_DIV, pnn_add(g, down, across), n));
}
