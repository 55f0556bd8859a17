/* SPDX-License-Identifier: MIT */
/* Pooling over k x k cells. */
#include <stdio.h>

#include "nn/graph.h"

static pnn_node pool(pnn_graph *g, pnn_op op, pnn_node x, long k)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    if (k < 1) return pnn_error(g, PLN_E_INTERNAL, "pooling by %ld: must be at least 1", k);
    pnn_shape s = pnn_shape_of(g, x);
    s.h = pnn_dim_div(g, s.h, k);
    s.w = pnn_dim_div(g, s.w, k);
    pnn_vertex v = {.op = op, .shape = s, .n_inputs = 1, .in = {x}, .attr.k = k};
    return pnn_append(g, &v);
}

pnn_node pnn_max_pool(pnn_graph *g, pnn_node x, long k) { return pool(g, PNN_OP_MAX_POOL, x, k); }
pnn_node pnn_average_pool(pnn_graph *g, pnn_node x, long k)
{
    return pool(g, PNN_OP_AVERAGE_POOL, x, k);
}

static void max_pool_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                              const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    pnn_vertex grad = {.op = PNN_OP_MAX_POOL_GRAD,
                       .shape = pnn_shape_of(g, v->in[0]),
                       .n_inputs = 2,
                       .in = {v->in[0], dy},
                       .attr = v->attr};
    dx[0] = pnn_append(g, &grad);
}

static void average_pool_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                                  const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    pnn_vertex grad = {.op = PNN_OP_AVERAGE_POOL_GRAD,
                       .shape = pnn_shape_of(g, v->in[0]),
                       .n_inputs = 1,
                       .in = {dy},
                       .attr = v->attr};
    dx[0] = pnn_append(g, &grad);
}

static void pool_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "%ldx%ld", v->attr.k, v->attr.k);
}

const pnn_op_info pnn_max_pool_info = {
    .name = "max_pool", .gradient = max_pool_gradient, .print = pool_print};
const pnn_op_info pnn_max_pool_grad_info = {.name = "max_pool_grad", .print = pool_print};
const pnn_op_info pnn_average_pool_info = {
    .name = "average_pool", .gradient = average_pool_gradient, .print = pool_print};
const pnn_op_info pnn_average_pool_grad_info = {.name = "average_pool_grad", .print = pool_print};
