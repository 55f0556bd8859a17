/* SPDX-License-Identifier: MIT */
/* Where values come from: inputs, parameters, constants, noise. None has a gradient rule: they are
 * the leaves. */
#include <string.h>

#include "nn/graph_store.h"

pnn_node pnn_input_shaped(pnn_graph *g, const char *name, pnn_shape shape)
{
    if (pnn_find(g, PNN_OP_INPUT, name).id)
        return pnn_error(g, PLN_E_INTERNAL, "two inputs are called '%s'", name);
    pnn_vertex v = {.op = PNN_OP_INPUT, .shape = shape, .name = pnn_name(g, "%s", name)};
    return pnn_append(g, &v);
}

pnn_node pnn_input(pnn_graph *g, const char *name, long c)
{
    return pnn_input_shaped(
        g, name, (pnn_shape){pnn_dim_n(g), pnn_dim_h(g), pnn_dim_w(g), pnn_dim_const(g, c)});
}

void pnn_freeze(pnn_graph *g, bool frozen) { g->frozen = frozen; }

pnn_node pnn_param(pnn_graph *g, const char *name, pnn_param_kind kind, const long dims[4],
                   pnn_init init)
{
    if (g->frozen) kind = PNN_FROZEN;
    pnn_vertex v = {.op = PNN_OP_PARAM,
                    .shape = pnn_shape_const(g, dims[0], dims[1], dims[2], dims[3]),
                    .attr.param = {kind, init}};
    pnn_node same = pnn_find(g, PNN_OP_PARAM, name);
    if (same.id) {
        if (!pnn_same_shape(pnn_shape_of(g, same), v.shape) ||
            pnn_vertex_of(g, same)->attr.param.kind != kind)
            return pnn_error(g, PLN_E_INTERNAL, "parameter '%s' is asked for in two shapes", name);
        return same;
    }
    v.name = pnn_name(g, "%s", name);
    return pnn_append(g, &v);
}

pnn_node pnn_constant_tensor(pnn_graph *g, const float *values, const long dims[4])
{
    size_t n = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
    float *copy = pnn_graph_alloc(g, n, sizeof *copy);
    if (!copy) return (pnn_node){0};
    memcpy(copy, values, n * sizeof *copy);
    pnn_vertex v = {.op = PNN_OP_CONSTANT,
                    .shape = pnn_shape_const(g, dims[0], dims[1], dims[2], dims[3]),
                    .attr.constant = {copy}};
    return pnn_append(g, &v);
}

pnn_node pnn_constant_vector(pnn_graph *g, const float *values, long n)
{
    return pnn_constant_tensor(g, values, (const long[4]){1, 1, 1, n});
}

pnn_node pnn_constant(pnn_graph *g, double value)
{
    float v = (float)value;
    return pnn_constant_vector(g, &v, 1);
}

pnn_node pnn_noise(pnn_graph *g, pnn_node like, uint64_t stream)
{
    if (pnn_any_invalid(&like, 1)) return (pnn_node){0};
    pnn_vertex v = {.op = PNN_OP_NOISE, .shape = pnn_shape_of(g, like), .attr.stream = stream};
    return pnn_append(g, &v);
}

pnn_node pnn_fill(pnn_graph *g, pnn_node like, double value)
{
    if (pnn_any_invalid(&like, 1)) return (pnn_node){0};
    pnn_vertex v = {.op = PNN_OP_FILL, .shape = pnn_shape_of(g, like), .attr.fill = value};
    return pnn_append(g, &v);
}
