/* SPDX-License-Identifier: MIT */
/* What passes share: users, known values. */
#include "nn/passes/passes.h"

#include <string.h>

#include "nn/graph_store.h"

pln_status pnn_pass_count(pnn_pass *p)
{
    pnn_graph *g = p->g;
    size_t n = g->vertex_count + 1;
    bool *needed = NULL;
    pln_status s = PLN_OK;

    pln_free(p->users);
    p->users = NULL;
    PLN_TRY(pln_calloc(p->ctx, n, sizeof *p->users, &p->users));
    PLN_TRY(pln_alloc(p->ctx, n, sizeof *needed, &needed));
    pnn_mark_needed(g, needed);
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        for (int k = 0; needed[i] && k < v->n_inputs; k++) p->users[v->in[k].id]++;
    }
    for (size_t i = 0; i < g->output_count; i++) p->users[g->outputs[i].node.id]++;
    for (size_t i = 0; i < g->effect_count; i++) p->users[g->effects[i].id]++;
    p->users[0] = 0;
done:
    pln_free(needed);
    return s;
}

const float *pnn_pass_known(const pnn_pass *p, pnn_node x)
{
    if (!x.id) return NULL;
    const pnn_vertex *v = pnn_vertex_of(p->g, x);
    if (v->op == PNN_OP_CONSTANT) return v->attr.constant.values;
    if (v->op == PNN_OP_PARAM && (!p->train || v->attr.param.kind == PNN_FROZEN))
        return pnn_store_find(p->store, v->name, NULL);
    return NULL;
}
