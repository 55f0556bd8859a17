/* SPDX-License-Identifier: MIT */
/* Sums, means and maxima along axes. */
#include <stdio.h>

#include "nn/graph.h"

static pnn_shape reduced(pnn_graph *g, pnn_shape s, unsigned axes)
{
    pnn_dim one = pnn_dim_const(g, 1);
    if (axes & PNN_OVER_N) s.n = one;
    if (axes & PNN_OVER_H) s.h = one;
    if (axes & PNN_OVER_W) s.w = one;
    if (axes & PNN_OVER_C) s.c = one;
    return s;
}

pnn_node pnn_reduce(pnn_graph *g, pnn_reduce_fn fn, pnn_node x, unsigned axes)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_shape s = reduced(g, pnn_shape_of(g, x), axes);
    if (pnn_same_shape(s, pnn_shape_of(g, x))) return x;
    pnn_vertex v = {
        .op = PNN_OP_REDUCE, .shape = s, .n_inputs = 1, .in = {x}, .attr.reduce = {fn, axes}};
    return pnn_append(g, &v);
}

pnn_node pnn_count_over(pnn_graph *g, pnn_node x, unsigned axes)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_vertex ones = {.op = PNN_OP_FILL,
                       .shape = reduced(g, pnn_shape_of(g, x), PNN_OVER_ALL & ~axes),
                       .attr.fill = 1};
    return pnn_reduce(g, PNN_SUM, pnn_append(g, &ones), axes);
}

static void reduce_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    pnn_node x = v->in[0];
    (void)y, (void)needed;
    switch (v->attr.reduce.fn) {
    case PNN_SUM:
        dx[0] = pnn_expand(g, dy, x);
        break;
    case PNN_MEAN: {
        pnn_node n = pnn_count_over(g, x, v->attr.reduce.axes);
        dx[0] = pnn_expand(g, pnn_binary(g, PNN_DIV, dy, n), x);
        break;
    }
    case PNN_REDUCE_MAX: {
        pnn_vertex grad = {.op = PNN_OP_REDUCE_MAX_GRAD,
                           .shape = pnn_shape_of(g, x),
                           .n_inputs = 2,
                           .in = {x, dy},
                           .attr = v->attr};
        dx[0] = pnn_append(g, &grad);
        break;
    }
    }
}

static void reduce_print(const pnn_vertex *v, char *text, size_t room)
{
    static const char *const names[] = {"sum", "mean", "max"};
    unsigned a = v->attr.reduce.axes;
    snprintf(text, room, "%s over %s%s%s%s", names[v->attr.reduce.fn], a & 1 ? "N" : "",
             a & 2 ? "H" : "", a & 4 ? "W" : "", a & 8 ? "C" : "");
}

static void max_mean_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "max, mean over %s%s", v->attr.reduce.axes == PNN_OVER_C ? "C" : "HW",
             v->n_inputs > 1 ? " of the product" : "");
}

const pnn_op_info pnn_max_mean_info = {.name = "max_mean", .print = max_mean_print};
const pnn_op_info pnn_reduce_info = {
    .name = "reduce", .gradient = reduce_gradient, .print = reduce_print};
const pnn_op_info pnn_reduce_max_grad_info = {.name = "reduce_max_grad", .print = reduce_print};
