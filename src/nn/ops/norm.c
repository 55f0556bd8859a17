/* SPDX-License-Identifier: MIT */
/* Normalisation of channels by mean and variance. Ioffe, Szegedy: "Batch Normalization", ICML 2015.
 * xhat = (x - mean) / sqrt(var + eps), y = gamma xhat + beta. */
#include <stdio.h>

#include "nn/graph.h"

pnn_node pnn_moments(pnn_graph *g, pnn_node x, bool per_image)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_shape xs = pnn_shape_of(g, x);
    pnn_vertex v = {.op = PNN_OP_MOMENTS,
                    .shape = {per_image ? xs.n : pnn_dim_const(g, 1), pnn_dim_const(g, 1),
                              pnn_dim_const(g, 2), xs.c},
                    .n_inputs = 1,
                    .in = {x},
                    .attr.norm = {.per_image = per_image}};
    return pnn_append(g, &v);
}

pnn_node pnn_norm_with(pnn_graph *g, pnn_node x, pnn_node moments, pnn_node gamma, pnn_node beta,
                       double eps, bool constant)
{
    if (pnn_any_invalid((pnn_node[]){x, moments, gamma, beta}, 4)) return (pnn_node){0};
    pnn_shape xs = pnn_shape_of(g, x), m = pnn_shape_of(g, moments),
              vector = {pnn_dim_const(g, 1), pnn_dim_const(g, 1), pnn_dim_const(g, 1), xs.c},
              pair = vector;
    pair.n = m.n;
    pair.w = pnn_dim_const(g, 2);
    if (!pnn_same_shape(m, pair) || !pnn_same_shape(pnn_shape_of(g, gamma), vector) ||
        !pnn_same_shape(pnn_shape_of(g, beta), vector))
        return pnn_error(g, PLN_E_INTERNAL,
                         "normalisation of %ld channels: moments, gamma or beta "
                         "have another shape",
                         pnn_channels(g, x));
    pnn_vertex v = {.op = PNN_OP_NORM,
                    .shape = xs,
                    .n_inputs = 4,
                    .in = {x, moments, gamma, beta},
                    .attr.norm = {pnn_vertex_of(g, moments)->op == PNN_OP_MOMENTS &&
                                      pnn_vertex_of(g, moments)->attr.norm.per_image,
                                  constant, eps, false}};
    return pnn_append(g, &v);
}

/* running = (1 - momentum) running + momentum batch. A layer that is used again goes on from what
 * its last use made of the statistics. */
static void update(pnn_graph *g, pnn_node running, pnn_node batch, double momentum)
{
    pnn_node before = pnn_assigned(g, running);
    pnn_assign(
        g, running,
        pnn_add(g, pnn_affine(g, before, 1 - momentum, 0), pnn_affine(g, batch, momentum, 0)));
}

/* The variance unbiased: var n / (n - 1). */
static void update_running(pnn_graph *g, pnn_node x, pnn_node moments, pnn_node mean, pnn_node var,
                           double momentum)
{
    pnn_shape row = pnn_shape_of(g, mean);
    pnn_node batch_mean = pnn_window(g, moments, (const long[4]){0, 0, 0, 0}, row),
             batch_var = pnn_window(g, moments, (const long[4]){0, 0, 1, 0}, row);
    pnn_node n = pnn_affine(g, pnn_count_over(g, x, PNN_OVER_N | PNN_OVER_H | PNN_OVER_W),
                            pnn_group_world(g), 0);
    /* A single value has no unbiased variance: 0 then, not 0 / 0. */
    pnn_node less = pnn_unary(g, PNN_CLAMP, pnn_affine(g, n, 1, -1), 1, 1e30);
    update(g, mean, batch_mean, momentum);
    update(g, var, pnn_mul(g, batch_var, pnn_binary(g, PNN_DIV, n, less)), momentum);
}

/* Those of the whole batch, of which each process of a group has an equal part: the mean of means,
 * and the mean of variances about it. */
static pnn_node batch_moments(pnn_graph *g, pnn_node x)
{
    pnn_node part = pnn_moments(g, x, false);
    pnn_shape row = pnn_shape_of(g, x);
    if (pnn_group_world(g) == 1 || pnn_any_invalid(&part, 1)) return part;
    row.n = row.h = row.w = pnn_dim_const(g, 1);
    pnn_node mean = pnn_window(g, part, (const long[4]){0, 0, 0, 0}, row),
             var = pnn_window(g, part, (const long[4]){0, 0, 1, 0}, row);
    pnn_node all = pnn_group_mean(g, mean);
    pnn_node off = pnn_unary(g, PNN_SQUARE, pnn_sub(g, mean, all), 0, 0);
    return pnn_concat2(g, PNN_AXIS_W, all, pnn_group_mean(g, pnn_add(g, var, off)));
}

pnn_node pnn_norm(pnn_graph *g, pnn_node x, const char *name, pnn_norm_kind kind, double momentum)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    const long dims[4] = {1, 1, 1, pnn_channels(g, x)};
    const pnn_init zero = {PNN_INIT_VALUE, 0}, one = {PNN_INIT_VALUE, 1};
    pnn_node gamma = pnn_param(g, pnn_name(g, "%s.weight", name), PNN_TRAINED, dims, one),
             beta = pnn_param(g, pnn_name(g, "%s.bias", name), PNN_TRAINED, dims, zero);
    if (kind == PNN_NORM_IMAGE)
        return pnn_norm_with(g, x, pnn_moments(g, x, true), gamma, beta, 1e-5, false);
    pnn_node mean = pnn_param(g, pnn_name(g, "%s.running_mean", name), PNN_STATE, dims, zero),
             var = pnn_param(g, pnn_name(g, "%s.running_var", name), PNN_STATE, dims, one);
    if (kind == PNN_NORM_RUNNING) {
        pnn_node moments = pnn_concat2(g, PNN_AXIS_W, mean, var);
        return pnn_norm_with(g, x, moments, gamma, beta, 1e-5, true);
    }
    pnn_node moments = batch_moments(g, x);
    update_running(g, x, moments, mean, var, momentum);
    return pnn_norm_with(g, x, moments, gamma, beta, 1e-5, false);
}

/* With m values behind the moments, s0 = sum dy, s1 = sum dy xhat:
 *   dx = gamma / sqrt(var + eps) (dy - s0 / m - xhat s1 / m)
 * Constant moments: without the last two terms. The moments get none of their own: it is in dx. */
static void norm_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                          const bool *needed, pnn_node *dx)
{
    (void)y;
    pnn_shape vector = pnn_shape_of(g, v->in[2]);
    pnn_vertex sums = {.op = PNN_OP_NORM_REDUCE,
                       .shape = pnn_shape_of(g, v->in[1]),
                       .n_inputs = 3,
                       .in = {v->in[0], v->in[1], dy},
                       .attr = v->attr};
    pnn_node s = {0};
    if (!v->attr.norm.constant || needed[2] || needed[3]) s = pnn_append(g, &sums);
    if (needed[0]) {
        /* m and both sums are the group's: their mean over its m's. */
        pnn_node all = v->attr.norm.per_image ? s : pnn_group_mean(g, s);
        pnn_vertex grad = {
            .op = PNN_OP_NORM_GRAD,
            .shape = v->shape,
            .n_inputs = 5,
            .in = {v->in[0], v->in[1], v->in[2], dy, v->attr.norm.constant ? (pnn_node){0} : all},
            .attr = v->attr};
        dx[0] = pnn_append(g, &grad);
    }
    vector.n = pnn_shape_of(g, v->in[1]).n;
    if (needed[2])
        dx[2] = pnn_sum_to(g, pnn_window(g, s, (const long[4]){0, 0, 1, 0}, vector),
                           pnn_shape_of(g, v->in[2]));
    if (needed[3])
        dx[3] = pnn_sum_to(g, pnn_window(g, s, (const long[4]){0, 0, 0, 0}, vector),
                           pnn_shape_of(g, v->in[3]));
}

static void norm_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "%s%s eps %g%s%s", v->attr.norm.per_image ? "per image" : "per batch",
             v->attr.norm.constant ? " constant" : "", v->attr.norm.eps,
             v->op == PNN_OP_NORM && v->n_inputs > 4 ? " +residual" : "",
             v->attr.norm.relu ? " +relu" : "");
}

const pnn_op_info pnn_moments_info = {.name = "moments", .print = norm_print};
const pnn_op_info pnn_norm_info = {
    .name = "norm", .gradient = norm_gradient, .print = norm_print, .in_place = true};
const pnn_op_info pnn_norm_reduce_info = {.name = "norm_reduce", .print = norm_print};
const pnn_op_info pnn_norm_grad_info = {.name = "norm_grad", .print = norm_print};
