/* SPDX-License-Identifier: MIT */
/* Kernels take channels by sixteens: a few beside them cost as much as sixteen more, and what lies
 * between the others moves them off the lines of caches. */
#include "nn/passes/passes.h"

enum { PANEL = 16 };

/* The weights of `count` input channels from `from` on. {0} if there is no memory. */
static pnn_node slice(pnn_graph *g, const float *w, const size_t d[4], size_t from, size_t count)
{
    size_t taps = d[2] * d[3];
    float *values = pnn_graph_alloc(g, d[0] * count * taps, sizeof *values);
    if (!values) return (pnn_node){0};
    for (size_t o = 0; o < d[0]; o++)
        for (size_t k = 0; k < count * taps; k++)
            values[o * count * taps + k] = w[(o * d[1] + from) * taps + k];
    pnn_vertex v = {.op = PNN_OP_CONSTANT,
                    .shape = pnn_shape_const(g, (long)d[0], (long)count, (long)d[2], (long)d[3]),
                    .attr.constant = {values}};
    return pnn_append(g, &v);
}

/* Which part of v's input is few channels beside sixteens, many for what v makes of them: -1 for
 * none. */
static int odd_part(const pnn_pass *p, const pnn_vertex *v)
{
    const pnn_vertex *whole = pnn_vertex_of(p->g, v->in[0]);
    if (v->op != PNN_OP_CONV || v->in[3].id || v->attr.conv.a.groups != 1 ||
        whole->op != PNN_OP_CONCAT || whole->attr.axis != PNN_AXIS_C || whole->n_inputs != 2 ||
        p->users[v->in[0].id] != 1)
        return -1;
    for (int k = 0; k < 2; k++) {
        long few = pnn_channels(p->g, whole->in[k]), many = pnn_channels(p->g, whole->in[1 - k]);
        long made = pnn_dim_value(p->g, v->shape.c, p->size);
        if (few < PANEL && many % PANEL == 0 && 4 * made <= many) return k;
    }
    return -1;
}

pln_status pnn_pass_split(pnn_pass *p)
{
    pnn_graph *g = p->g;
    int count = pnn_count(g);
    for (int i = 1; i <= count; i++) {
        const pnn_vertex conv = *pnn_vertex_of(g, (pnn_node){i});
        int odd = p->users[i] ? odd_part(p, &conv) : -1;
        const float *w = odd < 0 ? NULL : pnn_pass_known(p, conv.in[1]);
        size_t d[4];
        if (!w || !pnn_shape_values(g, pnn_shape_of(g, conv.in[1]), p->size, d)) continue;
        const pnn_vertex whole = *pnn_vertex_of(g, conv.in[0]);
        size_t first = (size_t)pnn_channels(g, whole.in[0]);
        pnn_node weights[2] = {slice(g, w, d, 0, first), slice(g, w, d, first, d[1] - first)};
        if (pnn_graph_status(g)) break;
        /* The concatenation becomes the convolution of the few, the residual of the others'. */
        pnn_vertex few = conv, many = conv;
        few.n_inputs = 2;
        few.in[0] = whole.in[odd];
        few.in[1] = weights[odd];
        few.in[2] = (pnn_node){0};
        many.n_inputs = 4;
        many.in[0] = whole.in[1 - odd];
        many.in[1] = weights[1 - odd];
        many.in[3] = conv.in[0];
        many.attr.conv.e.residual_before = true;
        *pnn_vertex_mut(g, conv.in[0]) = few;
        *pnn_vertex_mut(g, (pnn_node){i}) = many;
    }
    return pnn_graph_status(g);
}
