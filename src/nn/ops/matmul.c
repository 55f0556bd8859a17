/* SPDX-License-Identifier: MIT */
/* Matrix products of each picture: pixels x K times K x M, and the sum over pixels. The two close
 * under differentiation. */
#include <stdio.h>

#include "nn/graph.h"

/* Matrices may be one for all pictures. */
static bool same_pictures(pnn_graph *g, pnn_dim a, pnn_dim b)
{
    long one = 0;
    return a.id == b.id || (pnn_dim_is_const(g, b, &one) && one == 1);
}

static pnn_node matmul(pnn_graph *g, pnn_node a, pnn_node b, bool transpose_b)
{
    if (pnn_any_invalid((pnn_node[]){a, b}, 2)) return (pnn_node){0};
    pnn_shape p = pnn_shape_of(g, a), q = pnn_shape_of(g, b);
    pnn_dim k = transpose_b ? q.c : q.w, m = transpose_b ? q.w : q.c;
    if (p.c.id != k.id || q.h.id != pnn_dim_const(g, 1).id || !same_pictures(g, p.n, q.n)) {
        char first[120], second[120];
        pnn_shape_text(g, p, first, sizeof first);
        pnn_shape_text(g, q, second, sizeof second);
        return pnn_error(g, PLN_E_INTERNAL, "matmul of %s and %s%s", first, second,
                         transpose_b ? " transposed" : "");
    }
    pnn_vertex v = {.op = PNN_OP_MATMUL,
                    .shape = {p.n, p.h, p.w, m},
                    .n_inputs = 2,
                    .in = {a, b},
                    .attr.transpose_b = transpose_b};
    return pnn_append(g, &v);
}

pnn_node pnn_matmul(pnn_graph *g, pnn_node a, pnn_node b) { return matmul(g, a, b, false); }

pnn_node pnn_gram(pnn_graph *g, pnn_node a, pnn_node b)
{
    if (pnn_any_invalid((pnn_node[]){a, b}, 2)) return (pnn_node){0};
    pnn_shape p = pnn_shape_of(g, a), q = pnn_shape_of(g, b);
    if (p.n.id != q.n.id || p.h.id != q.h.id || p.w.id != q.w.id)
        return pnn_error(g, PLN_E_INTERNAL, "gram of two sizes");
    pnn_vertex v = {.op = PNN_OP_GRAM,
                    .shape = {p.n, pnn_dim_const(g, 1), p.c, q.c},
                    .n_inputs = 2,
                    .in = {a, b}};
    return pnn_append(g, &v);
}

static void matmul_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    bool t = v->attr.transpose_b;
    (void)y;
    if (needed[0]) dx[0] = matmul(g, dy, v->in[1], !t);
    if (needed[1]) {
        pnn_node db = t ? pnn_gram(g, dy, v->in[0]) : pnn_gram(g, v->in[0], dy);
        dx[1] = pnn_sum_to(g, db, pnn_shape_of(g, v->in[1]));
    }
}

/* y = a' b: da = b dy', db = a dy. */
static void gram_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                          const bool *needed, pnn_node *dx)
{
    (void)y;
    if (needed[0]) dx[0] = matmul(g, v->in[1], dy, true);
    if (needed[1]) dx[1] = matmul(g, v->in[0], dy, false);
}

static uint64_t product_macs(const pnn_graph *g, const pnn_vertex *v, pnn_size size)
{
    size_t a[4], y[4];
    if (!pnn_shape_values(g, pnn_shape_of(g, v->in[0]), size, a) ||
        !pnn_shape_values(g, v->shape, size, y))
        return 0;
    return (uint64_t)a[0] * a[1] * a[2] * a[3] * y[3];
}

static void matmul_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "%s", v->attr.transpose_b ? "b transposed" : "");
}

const pnn_op_info pnn_matmul_info = {
    .name = "matmul", .gradient = matmul_gradient, .macs = product_macs, .print = matmul_print};
const pnn_op_info pnn_gram_info = {.name = "gram", .gradient = gram_gradient, .macs = product_macs};
