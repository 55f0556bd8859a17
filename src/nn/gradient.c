/* SPDX-License-Identifier: MIT */
/* Reverse-mode differentiation: a sweep from the loss down, each operation's rule appending nodes
 * to the same graph. */
#include "nn/graph_store.h"

/* depends[i]: node i lies between wrt and the loss. */
static void mark_paths(const pnn_graph *g, const pnn_node *wrt, size_t count, int last,
                       bool *depends)
{
    for (size_t i = 0; i < count; i++)
        if (wrt[i].id <= last) depends[wrt[i].id] = true;
    for (int i = 1; i <= last; i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        for (int k = 0; k < v->n_inputs; k++)
            if (v->in[k].id > 0 && depends[v->in[k].id]) depends[i] = true;
    }
}

static void pass_down(pnn_graph *g, int id, const bool *depends, pnn_node *total)
{
    const pnn_vertex v = *pnn_vertex_of(g, (pnn_node){id});
    const pnn_op_info *info = pnn_op_info_of(v.op);
    bool needed[PNN_MAX_INPUTS] = {false};
    pnn_node dx[PNN_MAX_INPUTS] = {{0}};
    if (!info->gradient) return;
    for (int k = 0; k < v.n_inputs; k++) needed[k] = v.in[k].id > 0 && depends[v.in[k].id];
    info->gradient(g, &v, (pnn_node){id}, total[id], needed, dx);
    for (int k = 0; k < v.n_inputs; k++) {
        if (!needed[k] || !dx[k].id) continue;
        pnn_node *t = &total[v.in[k].id];
        *t = t->id ? pnn_add(g, *t, dx[k]) : dx[k];
    }
}

void pnn_gradients(pnn_graph *g, pnn_node loss, const pnn_node *wrt, size_t count, pnn_node *grads)
{
    for (size_t i = 0; i < count; i++) grads[i] = (pnn_node){0};
    if (pnn_any_invalid(&loss, 1) || pnn_any_invalid(wrt, count)) return;
    if (!pnn_same_shape(pnn_shape_of(g, loss), pnn_shape_const(g, 1, 1, 1, 1))) {
        pnn_error(g, PLN_E_INTERNAL, "gradients of a loss that is no single number");
        return;
    }
    size_t n = (size_t)loss.id + 1;
    bool *depends = pnn_graph_alloc(g, n, sizeof *depends);
    pnn_node *total = pnn_graph_alloc(g, n, sizeof *total);
    if (!depends || !total) return;
    mark_paths(g, wrt, count, loss.id, depends);
    g->forward = pnn_count(g);
    total[loss.id] = pnn_fill(g, loss, 1);
    for (int i = loss.id; i > 0; i--)
        if (total[i].id && depends[i]) pass_down(g, i, depends, total);
    for (size_t i = 0; i < count; i++) {
        grads[i] = wrt[i].id <= loss.id ? total[wrt[i].id] : (pnn_node){0};
        if (!grads[i].id) grads[i] = pnn_fill(g, wrt[i], 0);
    }
}
