/* SPDX-License-Identifier: MIT */
/* Storage of graphs: nodes, names, errors, outputs. */
#include "nn/graph.h"

#include <stdio.h>
#include <string.h>

#include "nn/graph_store.h"

/* Blocks that live as long as the graph, chained. */
struct block {
    struct block *next;
};

pln_status pnn_graph_new(pln_context *ctx, pnn_graph **graph)
{
    pnn_graph *g = NULL;
    pln_status s = pln_calloc(ctx, 1, sizeof *g, &g);
    if (s) return s;
    g->ctx = ctx;
    *graph = g;
    return PLN_OK;
}

void pnn_graph_free(pnn_graph *g)
{
    if (!g) return;
    for (struct block *b = g->blocks, *next; b; b = next) {
        next = b->next;
        pln_free(b);
    }
    pln_free(g->vertices);
    pln_free(g->dims);
    pln_free(g->outputs);
    pln_free(g->effects);
    pln_free(g);
}

pln_context *pnn_graph_context(const pnn_graph *g) { return g->ctx; }

pln_status pnn_graph_status(const pnn_graph *g)
{
    return g->status ? pln_fail(g->ctx, g->status, "%s", g->message) : PLN_OK;
}

pnn_node pnn_error(pnn_graph *g, pln_status status, const char *format, ...)
{
    if (g->status) return (pnn_node){0};
    va_list args;
    va_start(args, format);
    vsnprintf(g->message, sizeof g->message, format, args);
    va_end(args);
    g->status = status;
    return (pnn_node){0};
}

void *pnn_graph_alloc(pnn_graph *g, size_t count, size_t size)
{
    struct block *b = NULL;
    size_t bytes, header = 64; /* keeps the alignment of pln_alloc */
    if (g->status) return NULL;
    if (!pln_mul(count, size, &bytes) || bytes > SIZE_MAX - header) {
        pnn_error(g, PLN_E_LIMIT, "a graph's table of %zu x %zu bytes is too large", count, size);
        return NULL;
    }
    if (pln_calloc(g->ctx, 1, header + bytes, &b)) {
        pnn_error(g, PLN_E_MEMORY, "out of memory while building a network");
        return NULL;
    }
    b->next = g->blocks;
    g->blocks = b;
    return (char *)b + header;
}

const char *pnn_name(pnn_graph *g, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) {
        pnn_error(g, PLN_E_INTERNAL, "a layer's name has %d characters: at most 255", n);
        return "";
    }
    char *copy = pnn_graph_alloc(g, (size_t)n + 1, 1);
    if (!copy) return "";
    memcpy(copy, text, (size_t)n + 1);
    return copy;
}

/* Grows an array of the graph by doubling; false and an error if memory is short. */
bool pnn_grow(pnn_graph *g, void *array, size_t *room, size_t used, size_t size)
{
    if (used < *room) return true;
    size_t more = *room ? 2 * *room : 64;
    void *old, *bigger = NULL;
    memcpy(&old, array, sizeof old);
    if (pln_alloc(g->ctx, more, size, &bigger)) {
        pnn_error(g, PLN_E_MEMORY, "out of memory while building a network");
        return false;
    }
    if (used) memcpy(bigger, old, used * size);
    pln_free(old);
    memcpy(array, &bigger, sizeof bigger);
    *room = more;
    return true;
}

pnn_node pnn_append(pnn_graph *g, const pnn_vertex *v)
{
    if (g->status || !pnn_grow(g, &g->vertices, &g->vertex_room, g->vertex_count, sizeof *v))
        return (pnn_node){0};
    g->vertices[g->vertex_count] = *v;
    g->vertices[g->vertex_count++].type = PNN_F32;
    return (pnn_node){(int)g->vertex_count};
}

const pnn_vertex *pnn_vertex_of(const pnn_graph *g, pnn_node x) { return &g->vertices[x.id - 1]; }
pnn_vertex *pnn_vertex_mut(pnn_graph *g, pnn_node x) { return &g->vertices[x.id - 1]; }
int pnn_count(const pnn_graph *g) { return (int)g->vertex_count; }

bool pnn_any_invalid(const pnn_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (nodes[i].id <= 0) return true;
    return false;
}

pnn_shape pnn_shape_of(const pnn_graph *g, pnn_node x)
{
    return x.id > 0 ? pnn_vertex_of(g, x)->shape : (pnn_shape){{0}, {0}, {0}, {0}};
}

const char *pnn_name_of(const pnn_graph *g, pnn_node x)
{
    return x.id > 0 && pnn_vertex_of(g, x)->name ? pnn_vertex_of(g, x)->name : "";
}

long pnn_channels(const pnn_graph *g, pnn_node x)
{
    long c = 0;
    if (x.id > 0 && !pnn_dim_is_const(g, pnn_vertex_of(g, x)->shape.c, &c)) return 0;
    return c;
}

pnn_node pnn_find(const pnn_graph *g, pnn_op op, const char *name)
{
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        if (v->op == op && v->name && !strcmp(v->name, name)) return (pnn_node){i};
    }
    return (pnn_node){0};
}

bool pnn_has_param(const pnn_graph *g, const char *name)
{
    return pnn_find(g, PNN_OP_PARAM, name).id > 0;
}

/* ---- Outputs and effects ---- */

void pnn_output(pnn_graph *g, pnn_node x, const char *name)
{
    if (x.id <= 0) return;
    for (size_t i = 0; i < g->output_count; i++)
        if (!strcmp(g->outputs[i].name, name)) {
            pnn_error(g, PLN_E_INTERNAL, "two outputs are called '%s'", name);
            return;
        }
    const char *kept = pnn_name(g, "%s", name);
    if (g->status ||
        !pnn_grow(g, &g->outputs, &g->output_room, g->output_count, sizeof *g->outputs))
        return;
    g->outputs[g->output_count++] = (struct pnn_named){x, kept};
}

size_t pnn_output_count(const pnn_graph *g) { return g->output_count; }
pnn_node pnn_output_node(const pnn_graph *g, size_t i) { return g->outputs[i].node; }
const char *pnn_output_name(const pnn_graph *g, size_t i) { return g->outputs[i].name; }
void pnn_set_output(pnn_graph *g, size_t i, pnn_node x) { g->outputs[i].node = x; }

void pnn_add_effect(pnn_graph *g, pnn_node x)
{
    if (x.id <= 0 ||
        !pnn_grow(g, &g->effects, &g->effect_room, g->effect_count, sizeof *g->effects))
        return;
    g->effects[g->effect_count++] = x;
}

size_t pnn_effect_count(const pnn_graph *g) { return g->effect_count; }
pnn_node pnn_effect_node(const pnn_graph *g, size_t i) { return g->effects[i]; }

size_t pnn_params(const pnn_graph *g, pnn_param_kind kind, pnn_node *params, size_t max)
{
    size_t n = 0;
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        if (v->op != PNN_OP_PARAM || v->attr.param.kind != kind) continue;
        if (n < max) params[n] = (pnn_node){i};
        n++;
    }
    return n;
}

/* ---- Copies ---- */

pln_status pnn_graph_copy(pln_context *ctx, const pnn_graph *g, pnn_graph **copy)
{
    pnn_graph *c = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_graph_status(g));
    PLN_TRY(pnn_graph_new(ctx, &c));
    c->forward = g->forward;
    for (size_t i = 0; i < g->dim_count && !c->status; i++)
        if (pnn_grow(c, &c->dims, &c->dim_room, i, sizeof *c->dims)) {
            c->dims[i] = g->dims[i];
            c->dim_count++;
        }
    for (int i = 1; i <= pnn_count(g); i++) {
        pnn_vertex v = *pnn_vertex_of(g, (pnn_node){i});
        if (v.name) v.name = pnn_name(c, "%s", v.name);
        if (v.op == PNN_OP_CONSTANT) {
            size_t dims[4];
            bool fits = pnn_shape_values(g, v.shape, (pnn_size){1, 1, 1}, dims);
            size_t n = fits ? dims[0] * dims[1] * dims[2] * dims[3] : 0;
            float *values = pnn_graph_alloc(c, n, sizeof *values);
            if (values) memcpy(values, v.attr.constant.values, n * sizeof *values);
            v.attr.constant.values = values;
        }
        if (v.op == PNN_OP_FUSED) {
            size_t n = (size_t)v.attr.fused.count;
            pnn_instr *code = pnn_graph_alloc(c, n, sizeof *code);
            if (code) memcpy(code, v.attr.fused.code, n * sizeof *code);
            v.attr.fused.code = code;
        }
        pnn_node x = pnn_append(c, &v);
        if (x.id) pnn_vertex_mut(c, x)->type = v.type;
    }
    for (size_t i = 0; i < g->output_count; i++)
        pnn_output(c, g->outputs[i].node, g->outputs[i].name);
    for (size_t i = 0; i < g->effect_count; i++) pnn_add_effect(c, g->effects[i]);
    PLN_TRY(pnn_graph_status(c));
    *copy = c;
    c = NULL;
done:
    pnn_graph_free(c);
    return s;
}

/* ---- Counting ---- */

uint64_t pnn_parameters(const pnn_graph *g)
{
    uint64_t total = 0;
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        size_t d[4];
        if (v->op == PNN_OP_PARAM && v->attr.param.kind == PNN_TRAINED &&
            pnn_shape_values(g, v->shape, (pnn_size){1, 1, 1}, d))
            total += (uint64_t)d[0] * d[1] * d[2] * d[3];
    }
    return total;
}

/* Marks what the outputs and effects need; inputs come before their users, so one sweep down. */
void pnn_mark_needed(const pnn_graph *g, bool *needed)
{
    memset(needed, 0, (g->vertex_count + 1) * sizeof *needed);
    for (size_t i = 0; i < g->output_count; i++) needed[g->outputs[i].node.id] = true;
    for (size_t i = 0; i < g->effect_count; i++) needed[g->effects[i].id] = true;
    for (int i = pnn_count(g); i > 0; i--) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        if (!needed[i]) continue;
        for (int k = 0; k < v->n_inputs; k++) needed[v->in[k].id] = true;
    }
    needed[0] = false;
}

uint64_t pnn_macs(const pnn_graph *g, pnn_size size)
{
    uint64_t total = 0;
    bool *needed = NULL;
    if (pln_alloc(g->ctx, g->vertex_count + 1, sizeof *needed, &needed)) return 0;
    pnn_mark_needed(g, needed);
    bool all = g->output_count == 0;
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        const pnn_op_info *info = pnn_op_info_of(v->op);
        if ((all || needed[i]) && info->macs) total += info->macs(g, v, size);
    }
    pln_free(needed);
    return total;
}
