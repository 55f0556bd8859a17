/* SPDX-License-Identifier: MIT */
/* Graphs as text and for Graphviz. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nn/graph_store.h"

struct text {
    pln_context *ctx;
    pln_status status;
    char *data;
    size_t used, room;
};

PLN_PRINTF(2, 3) static void say(struct text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (t->status || n < 0) return;
    size_t length = pln_min((size_t)n, sizeof line - 1);
    if (t->used + length + 1 > t->room) {
        size_t room = 2 * t->room + length + 1024;
        char *more = NULL;
        if ((t->status = pln_alloc(t->ctx, room, 1, &more))) return;
        if (t->used) memcpy(more, t->data, t->used);
        pln_free(t->data);
        t->data = more;
        t->room = room;
    }
    memcpy(t->data + t->used, line, length + 1);
    t->used += length;
}

static void shape_text(const pnn_graph *g, pnn_shape s, pnn_size size, char *text, size_t room)
{
    size_t d[4];
    if (size.n && pnn_shape_values(g, s, size, d))
        snprintf(text, room, "%zu x %zu x %zu x %zu", d[0], d[1], d[2], d[3]);
    else
        pnn_shape_text(g, s, text, room);
}

static pln_status finish(struct text *t, char **text)
{
    if (t->status) {
        pln_free(t->data);
        return t->status;
    }
    *text = t->data;
    return PLN_OK;
}

pln_status pnn_dump_text(pln_context *ctx, const pnn_graph *g, pnn_size size, char **text)
{
    struct text t = {.ctx = ctx};
    char shape[400], attr[400];
    pln_status s = pnn_graph_status(g);
    if (s) return s;
    say(&t, "# %d nodes\n", pnn_count(g));
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        const pnn_op_info *info = pnn_op_info_of(v->op);
        shape_text(g, v->shape, size, shape, sizeof shape);
        attr[0] = 0;
        if (info->print) info->print(v, attr, sizeof attr);
        say(&t, "%%%d = %s%s%s%s%s(", i, info->name, v->name ? " " : "", v->name ? v->name : "",
            attr[0] ? " " : "", attr);
        for (int k = 0; k < v->n_inputs; k++)
            say(&t, v->in[k].id ? "%s%%%d" : "%s-", k ? ", " : "", v->in[k].id);
        say(&t, "): %s\n", shape);
    }
    for (size_t i = 0; i < g->output_count; i++)
        say(&t, "output %s = %%%d\n", g->outputs[i].name, g->outputs[i].node.id);
    return finish(&t, text);
}

pln_status pnn_dump_dot(pln_context *ctx, const pnn_graph *g, pnn_size size, char **text)
{
    struct text t = {.ctx = ctx};
    char shape[400], attr[400];
    pln_status s = pnn_graph_status(g);
    if (s) return s;
    say(&t, "digraph net {\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n");
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        const pnn_op_info *info = pnn_op_info_of(v->op);
        if (v->op == PNN_OP_PARAM || v->op == PNN_OP_CONSTANT) continue;
        shape_text(g, v->shape, size, shape, sizeof shape);
        attr[0] = 0;
        if (info->print) info->print(v, attr, sizeof attr);
        say(&t, "  n%d [label=\"%s %s\\n%s\"];\n", i, info->name, v->name ? v->name : attr, shape);
        for (int k = 0; k < v->n_inputs; k++) {
            if (!v->in[k].id) continue;
            pnn_op op = pnn_vertex_of(g, v->in[k])->op;
            if (op == PNN_OP_PARAM || op == PNN_OP_CONSTANT) continue;
            say(&t, "  n%d -> n%d;\n", v->in[k].id, i);
        }
    }
    for (size_t i = 0; i < g->output_count; i++)
        say(&t, "  o%zu [label=\"%s\", shape=ellipse];\n  n%d -> o%zu;\n", i, g->outputs[i].name,
            g->outputs[i].node.id, i);
    say(&t, "}\n");
    return finish(&t, text);
}
