/* SPDX-License-Identifier: MIT */
/* Less memory in training: of the values that the backward pass reads, some are kept, the others
 * made again from those, just before they are read first. Chen, Xu, Zhang, Guestrin: "Training deep
 * nets with sublinear memory cost", arXiv 2016. The bytes of the results do not change. */
#include <string.h>

#include "nn/graph_store.h"
#include "nn/passes/passes.h"

/* A value of at most a share of the largest is kept: one that is cheap, one that is dear. */
enum { TINY = 64, SMALL = 4 };
/* Values that lie between one that is kept and one that is made again from it. */
enum { CHAIN_MOST = 2 };

struct plan {
    pnn_pass *p;
    int forward, count; /* nodes of the network and its loss; all */
    uint64_t *bytes; /* of each forward node; 0: not needed, or lies in memory that stays anyway */
    uint64_t largest;
    int *last; /* the last forward node that reads it */
    bool *kept;
};

static const pnn_vertex *vertex(const struct plan *m, int id)
{
    return pnn_vertex_of(m->p->g, (pnn_node){id});
}

static bool is_source(pnn_op op)
{
    return op == PNN_OP_INPUT || op == PNN_OP_PARAM || op == PNN_OP_CONSTANT;
}

/* A walk through memory, or less. */
static bool is_cheap(pnn_op op)
{
    switch (op) {
    case PNN_OP_FILL:
    case PNN_OP_UNARY:
    case PNN_OP_BINARY:
    case PNN_OP_FUSED:
    case PNN_OP_NORM:
    case PNN_OP_CONCAT:
    case PNN_OP_WINDOW:
    case PNN_OP_EXPAND:
    case PNN_OP_RESHAPE:
        return true;
    default:
        return false;
    }
}

static pln_status measure(struct plan *m)
{
    pln_status s = PLN_OK;
    size_t n = (size_t)m->count + 1;
    PLN_TRY(pln_calloc(m->p->ctx, n, sizeof *m->bytes, &m->bytes));
    PLN_TRY(pln_calloc(m->p->ctx, n, sizeof *m->last, &m->last));
    PLN_TRY(pln_calloc(m->p->ctx, n, sizeof *m->kept, &m->kept));
    for (int i = 1; i <= m->forward; i++) {
        const pnn_vertex *v = vertex(m, i);
        size_t d[4];
        for (int k = 0; k < v->n_inputs; k++) m->last[v->in[k].id] = i;
        if (!m->p->users[i] || is_source(v->op)) continue;
        if (!pnn_shape_values(m->p->g, v->shape, m->p->size, d)) continue;
        m->bytes[i] = (uint64_t)d[0] * d[1] * d[2] * d[3] * sizeof(float);
        if (m->bytes[i] > m->largest) m->largest = m->bytes[i];
    }
done:
    return s;
}

/* ---- What is kept ---- */

static bool is_small(const struct plan *m, int id)
{
    return (is_cheap(vertex(m, id)->op) ? TINY : SMALL) * m->bytes[id] <= m->largest;
}

/* Values that have to be made to get at x. */
struct chain {
    int walks, dear;
};

/* Views are none. */
static struct chain chain(const struct plan *m, const struct chain *chains, int id)
{
    const pnn_vertex *v = vertex(m, id);
    bool view = v->op == PNN_OP_WINDOW || v->op == PNN_OP_RESHAPE || v->op == PNN_OP_CONCAT;
    struct chain c = {.walks = !view && is_cheap(v->op), .dear = !is_cheap(v->op)};
    for (int k = 0; k < v->n_inputs; k++)
        if (v->in[k].id <= m->forward && !m->kept[v->in[k].id]) {
            c.walks += chains[v->in[k].id].walks;
            c.dear += chains[v->in[k].id].dear;
        }
    return c;
}

/* All but what a short walk makes again, from at most so many others that are dear. */
static pln_status keep_all_but(struct plan *m, int dear)
{
    struct chain *chains = NULL;
    pln_status s = pln_calloc(m->p->ctx, (size_t)m->count + 1, sizeof *chains, &chains);
    if (s) return s;
    for (int i = 1; i <= m->forward; i++) {
        if (!m->bytes[i]) continue;
        chains[i] = chain(m, chains, i);
        m->kept[i] = chains[i].dear > dear || chains[i].walks > CHAIN_MOST || is_small(m, i);
    }
    pln_free(chains);
    return PLN_OK;
}

/* Bytes of the values that are made up to node `at` and read behind it. */
static uint64_t across(const struct plan *m, int at)
{
    uint64_t sum = 0;
    for (int i = 1; i <= at; i++)
        if (m->last[i] > at) sum += m->bytes[i];
    return sum;
}

/* Cuts the network where little memory crosses, into parts of at most `most` bytes or between two
 * cuts that cannot be nearer: where[0 .. n). Returns the bytes that are needed: what crosses the
 * cuts, and the largest part. */
static uint64_t cut(const struct plan *m, const uint64_t *crossing, uint64_t most, int *where,
                    int *n)
{
    uint64_t all = 0, largest = 0, part = 0;
    int from = 1;
    *n = 0;
    for (int i = 1; i <= m->forward; i++) {
        part += m->bytes[i];
        if (part <= most || i == from) continue;
        int best = from;
        for (int k = from; k < i; k++)
            if (crossing[k] <= crossing[best]) best = k;
        where[(*n)++] = best;
        all += crossing[best];
        part = 0;
        for (int k = from; k <= best; k++) part += m->bytes[k];
        if (part > largest) largest = part;
        part = 0;
        from = best + 1;
        i = best;
    }
    return all + (part > largest ? part : largest);
}

/* What crosses the best cuts, what is small and dear, and the last part, which the backward pass
 * reads at once. */
static pln_status keep_cuts(struct plan *m)
{
    uint64_t *crossing = NULL, all = 0, best = UINT64_MAX, most = 0;
    int *where = NULL, n = 0;
    pln_status s = PLN_OK;
    PLN_TRY(pln_calloc(m->p->ctx, (size_t)m->count + 1, sizeof *crossing, &crossing));
    PLN_TRY(pln_calloc(m->p->ctx, (size_t)m->count + 1, sizeof *where, &where));
    for (int i = 1; i <= m->forward; i++) {
        crossing[i] = across(m, i);
        all += m->bytes[i];
    }
    for (uint64_t t = all; t >= m->largest && t; t -= t / 4 + 1) {
        uint64_t needs = cut(m, crossing, t, where, &n);
        if (needs >= best) continue;
        best = needs;
        most = t;
    }
    (void)cut(m, crossing, most, where, &n);
    for (int k = 0; k < n; k++)
        for (int i = 1; i <= where[k]; i++)
            if (m->last[i] > where[k] && m->bytes[i]) m->kept[i] = true;
    for (int i = 1; i <= m->forward; i++)
        if (is_small(m, i) || (n && i > where[n - 1])) m->kept[i] = true;
done:
    pln_free(crossing);
    pln_free(where);
    return s;
}

/* ---- The graph again, with copies ---- */

struct rebuilt {
    const struct plan *m;
    pnn_vertex *vertices;
    size_t count;
    int *place; /* of each old node in the new graph */
    int *copy;  /* of each forward node that was made again; 0: not yet */
};

static int put(struct rebuilt *r, const pnn_vertex *v)
{
    r->vertices[r->count++] = *v;
    return (int)r->count;
}

static bool made_again(const struct plan *m, int id)
{
    return id <= m->forward && m->bytes[id] && !m->kept[id];
}

/* The node that the backward pass reads for x. */
static int read_again(struct rebuilt *r, int id)
{
    const struct plan *m = r->m;
    if (!made_again(m, id)) return r->place[id];
    if (r->copy[id]) return r->copy[id];
    pnn_vertex v = *vertex(m, id);
    for (int k = 0; k < v.n_inputs; k++)
        if (v.in[k].id) v.in[k].id = read_again(r, v.in[k].id);
    return r->copy[id] = put(r, &v);
}

static void rebuild(struct rebuilt *r)
{
    const struct plan *m = r->m;
    for (int i = 1; i <= m->count; i++)
        if (i <= m->forward || is_source(vertex(m, i)->op)) r->place[i] = put(r, vertex(m, i));
    for (int i = 0; i < m->forward; i++)
        for (int k = 0; k < r->vertices[i].n_inputs; k++)
            r->vertices[i].in[k].id = r->place[r->vertices[i].in[k].id];
    for (int i = m->forward + 1; i <= m->count; i++) {
        pnn_vertex v = *vertex(m, i);
        if (is_source(v.op)) continue;
        for (int k = 0; k < v.n_inputs; k++)
            if (v.in[k].id)
                v.in[k].id = m->p->users[i] ? read_again(r, v.in[k].id) : r->place[v.in[k].id];
        r->place[i] = put(r, &v);
    }
}

pln_status pnn_pass_recompute(pnn_pass *p)
{
    pnn_graph *g = p->g;
    struct plan m = {.p = p, .forward = g->forward, .count = pnn_count(g)};
    struct rebuilt r = {.m = &m};
    size_t n = (size_t)m.count + 1;
    pln_status s = PLN_OK;

    if (p->keep == PNN_KEEP_ALL || !m.forward) return PLN_OK;
    PLN_TRY(measure(&m));
    PLN_TRY(p->keep == PNN_KEEP_CUTS ? keep_cuts(&m) : keep_all_but(&m, p->keep == PNN_KEEP_HALF));
    PLN_TRY(pln_alloc(p->ctx, 2 * n, sizeof *r.vertices, &r.vertices));
    PLN_TRY(pln_calloc(p->ctx, n, sizeof *r.place, &r.place));
    PLN_TRY(pln_calloc(p->ctx, n, sizeof *r.copy, &r.copy));
    rebuild(&r);
    pln_free(g->vertices);
    g->vertices = r.vertices;
    g->vertex_count = r.count;
    g->vertex_room = 2 * n;
    r.vertices = NULL;
    for (size_t i = 0; i < g->output_count; i++)
        g->outputs[i].node.id = r.place[g->outputs[i].node.id];
    for (size_t i = 0; i < g->effect_count; i++) g->effects[i].id = r.place[g->effects[i].id];
done:
    pln_free(m.bytes);
    pln_free(m.last);
    pln_free(m.kept);
    pln_free(r.vertices);
    pln_free(r.place);
    pln_free(r.copy);
    return s;
}
