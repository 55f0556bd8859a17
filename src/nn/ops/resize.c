/* SPDX-License-Identifier: MIT */
/* Bilinear resizing. Half-pixel centres: source = (i + 1/2) in / out - 1/2, clamped at the edges.
 * Aligned corners: source = i (in - 1) / (out - 1). */
#include <stdio.h>

#include "nn/graph.h"

pnn_node pnn_resize_to(pnn_graph *g, pnn_node x, pnn_dim h, pnn_dim w, bool align_corners)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x);
    s.h = h;
    s.w = w;
    if (pnn_same_shape(s, pnn_shape_of(g, x))) return x;
    pnn_vertex v = {.op = PNN_OP_RESIZE,
                    .shape = s,
                    .n_inputs = 1,
                    .in = {x},
                    .attr.align_corners = align_corners};
    return pnn_append(g, &v);
}

pnn_node pnn_resize(pnn_graph *g, pnn_node x, pnn_node like, bool align_corners)
{
    if (pnn_any_invalid(&like, 1)) return (pnn_node){0};
    pnn_shape l = pnn_shape_of(g, like);
    return pnn_resize_to(g, x, l.h, l.w, align_corners);
}

static void resize_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    pnn_vertex grad = {.op = PNN_OP_RESIZE_GRAD,
                       .shape = pnn_shape_of(g, v->in[0]),
                       .n_inputs = 1,
                       .in = {dy},
                       .attr = v->attr};
    dx[0] = pnn_append(g, &grad);
}

static void resize_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "%s", v->attr.align_corners ? "align corners" : "half pixel");
}

const pnn_op_info pnn_resize_info = {
    .name = "resize", .gradient = resize_gradient, .print = resize_print};
const pnn_op_info pnn_resize_grad_info = {.name = "resize_grad", .print = resize_print};
