/* SPDX-License-Identifier: MIT */
#include "nn/layout.h"

#include <stdlib.h>
#include <string.h>

#include "nn/graph_store.h"

enum { ALIGN = 64 };

struct work {
    pln_context *ctx;
    const pnn_graph *g;
    pnn_size size;
    pnn_layout *l;
    bool *needed;
    int *last; /* last step that reads a node */
    int *step; /* of each node; -1: none */
};

static const pnn_vertex *vertex(const struct work *w, int id)
{
    return pnn_vertex_of(w->g, (pnn_node){id});
}

static bool is_source(pnn_op op)
{
    return op == PNN_OP_INPUT || op == PNN_OP_PARAM || op == PNN_OP_CONSTANT;
}
static bool is_effect(pnn_op op) { return op == PNN_OP_ASSIGN || op == PNN_OP_ADAM; }
static size_t type_size(pnn_type type) { return type == PNN_BF16 ? 2 : 4; }

/* ---- Sizes ---- */

static pln_status fail_size(const struct work *w, int id)
{
    char shape[400];
    pnn_shape_text(w->g, vertex(w, id)->shape, shape, sizeof shape);
    return pln_fail(w->ctx, PLN_E_SHAPE, "the network does not fit %zux%zu: %s of node %d is %s",
                    w->size.w, w->size.h, pnn_op_info_of(vertex(w, id)->op)->name, id, shape);
}

static pln_status set_sizes(struct work *w)
{
    for (int i = 1; i <= pnn_count(w->g); i++) {
        const pnn_vertex *v = vertex(w, i);
        pnn_tensor *t = &w->l->places[i].tensor;
        if (!w->needed[i]) continue;
        if (!pnn_shape_values(w->g, v->shape, w->size, t->d)) return fail_size(w, i);
        t->stride = t->d[3];
        t->type = v->type;
        w->l->places[i].root = i;
        if (v->op == PNN_OP_WINDOW || v->op == PNN_OP_EMBED) {
            const size_t *x = w->l->places[v->in[0].id].tensor.d,
                         *inner = v->op == PNN_OP_WINDOW ? t->d : x,
                         *outer = v->op == PNN_OP_WINDOW ? x : t->d;
            for (int k = 0; k < 4; k++)
                if ((size_t)v->attr.box.offset[k] + inner[k] > outer[k]) return fail_size(w, i);
        }
    }
    return PLN_OK;
}

/* ---- Order ---- */

/* Effects change parameters: after all that read these. */
struct key {
    int key, id;
};
static int by_key(const void *a, const void *b)
{
    const struct key *p = a, *q = b;
    return p->key != q->key ? (p->key > q->key) - (p->key < q->key)
                            : (p->id > q->id) - (p->id < q->id);
}

static pln_status set_order(struct work *w)
{
    int count = pnn_count(w->g), n = 0;
    int *readers = NULL; /* last node that reads a parameter's values */
    struct key *keys = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(w->ctx, (size_t)count + 1, sizeof *readers, &readers));
    PLN_TRY(pln_alloc(w->ctx, (size_t)count + 1, sizeof *keys, &keys));
    for (int i = 1; i <= count; i++) {
        const pnn_vertex *v = vertex(w, i);
        if (!w->needed[i] || is_effect(v->op)) continue;
        for (int k = 0; k < v->n_inputs; k++) readers[v->in[k].id] = i;
    }
    /* Who reads a view reads the memory behind it. */
    for (int i = count; i > 0; i--) {
        const pnn_vertex *v = vertex(w, i);
        bool view = v->op == PNN_OP_WINDOW || v->op == PNN_OP_RESHAPE;
        if (w->needed[i] && view && readers[i] > readers[v->in[0].id])
            readers[v->in[0].id] = readers[i];
    }
    for (int i = 1; i <= count; i++) {
        const pnn_vertex *v = vertex(w, i);
        int key = i, changed = v->op == PNN_OP_ASSIGN ? 1 : v->op == PNN_OP_ADAM ? 3 : 0;
        if (!w->needed[i] || is_source(v->op)) continue;
        if (changed) {
            key = 0;
            for (int k = 0; k < v->n_inputs; k++) {
                if (v->in[k].id > key) key = v->in[k].id;
                if (k < changed && readers[v->in[k].id] > key) key = readers[v->in[k].id];
            }
        }
        keys[n++] = (struct key){2 * key + (changed != 0), i};
    }
    qsort(keys, (size_t)n, sizeof *keys, by_key);
    for (int i = 0; i < n; i++) w->l->order[i] = keys[i].id;
    w->l->steps = n;
    for (int i = 0; i <= count; i++) w->step[i] = w->last[i] = -1;
    for (int i = 0; i < n; i++) {
        const pnn_vertex *v = vertex(w, keys[i].id);
        w->step[keys[i].id] = i;
        for (int k = 0; k < v->n_inputs; k++) w->last[v->in[k].id] = i;
    }
    for (size_t i = 0; i < w->g->output_count; i++) w->last[w->g->outputs[i].node.id] = n;
done:
    pln_free(readers);
    pln_free(keys);
    return s;
}

/* ---- Views ---- */

/* A slice of channels or of pictures, or another shape of dense memory. */
static bool viewable(const struct work *w, int id)
{
    const pnn_vertex *v = vertex(w, id);
    if (v->op != PNN_OP_WINDOW && v->op != PNN_OP_RESHAPE) return false;
    const pnn_tensor *x = &w->l->places[v->in[0].id].tensor, *y = &w->l->places[id].tensor;
    if (x->type != y->type) return false;
    if (v->op == PNN_OP_RESHAPE) return pnn_dense(x);
    return x->d[1] == y->d[1] && x->d[2] == y->d[2];
}

static void set_view(struct work *w, int id)
{
    const pnn_vertex *v = vertex(w, id);
    const pnn_place *x = &w->l->places[v->in[0].id];
    pnn_place *y = &w->l->places[id];
    y->root = x->root;
    y->offset = x->offset;
    y->view = true;
    if (v->op == PNN_OP_WINDOW) {
        const long *o = v->attr.box.offset;
        y->tensor.stride = x->tensor.stride;
        y->offset +=
            (size_t)o[0] * x->tensor.d[1] * x->tensor.d[2] * x->tensor.stride + (size_t)o[3];
    }
}

/* ---- Parts made where the whole is ---- */

/* A part that the backward pass reads again, whose whole it does not read: it would keep all of the
 * whole's memory, or the whole of the backward pass memory in the forward pass. */
static bool apart(const struct work *w, int part, int whole)
{
    int forward = w->g->forward, last = w->last[part], last_whole = w->last[whole];
    if (!forward || whole <= part || last < 0 || last >= w->l->steps) return false;
    bool read_back = w->l->order[last] > forward;
    bool whole_back =
        last_whole >= 0 && last_whole < w->l->steps && w->l->order[last_whole] > forward;
    return part <= forward && (whole > forward || (read_back && !whole_back));
}

/* From the last concatenation up, so that parts that are concatenations follow their whole. */
static void set_parts(struct work *w)
{
    for (int i = pnn_count(w->g); i > 0; i--) {
        const pnn_vertex *v = vertex(w, i);
        const pnn_place *whole = &w->l->places[i];
        size_t at = whole->offset;
        if (!w->needed[i] || v->op != PNN_OP_CONCAT || v->attr.axis != PNN_AXIS_C) continue;
        for (int k = 0; k < v->n_inputs; k++) {
            int part = v->in[k].id;
            pnn_place *p = &w->l->places[part];
            pnn_op op = vertex(w, part)->op;
            if (p->root == part && !is_source(op) && op != PNN_OP_WINDOW && op != PNN_OP_RESHAPE &&
                p->tensor.type == whole->tensor.type && !apart(w, part, i)) {
                p->root = whole->root;
                p->offset = at;
                p->tensor.stride = whole->tensor.stride;
            }
            at += p->tensor.d[3];
        }
    }
}

/* ---- In place ---- */

static bool may_overwrite(const pnn_vertex *v, int k)
{
    if (v->op == PNN_OP_CONV) return k == 3;
    if (v->op == PNN_OP_NORM) return k == 0 || k == 4;
    return pnn_op_info_of(v->op)->in_place;
}

static bool same_tensor(const pnn_tensor *a, const pnn_tensor *b)
{
    return !memcmp(a->d, b->d, sizeof a->d) && a->stride == b->stride && a->type == b->type;
}

/* Step `at`'s result takes the memory of an operand that nobody needs afterwards. */
static void try_in_place(struct work *w, int at, const int *root_last, int *moved)
{
    int id = w->l->order[at];
    const pnn_vertex *v = vertex(w, id);
    pnn_place *y = &w->l->places[id];
    if (y->root != id || y->view) return;
    for (int k = 0; k < v->n_inputs; k++) {
        if (!v->in[k].id || !may_overwrite(v, k)) continue;
        const pnn_place *x = &w->l->places[v->in[k].id];
        int root = moved[x->root];
        bool good = !is_source(vertex(w, root)->op) && root_last[root] == at && x->offset == 0 &&
                    same_tensor(&x->tensor, &y->tensor) &&
                    same_tensor(&w->l->places[root].tensor, &y->tensor);
        for (int j = 0; j < v->n_inputs && good; j++) {
            const pnn_place *other = &w->l->places[v->in[j].id];
            if (!v->in[j].id || moved[other->root] != root) continue;
            good = may_overwrite(v, j) && other->offset == 0 &&
                   same_tensor(&other->tensor, &y->tensor);
        }
        if (!good) continue;
        moved[id] = root;
        return;
    }
}

/* Lifetimes of roots, then what can be made in place, then all roots final. */
static pln_status set_roots(struct work *w, bool plain)
{
    int count = pnn_count(w->g), *root_last = NULL, *moved = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_alloc(w->ctx, (size_t)count + 1, sizeof *root_last, &root_last));
    PLN_TRY(pln_alloc(w->ctx, (size_t)count + 1, sizeof *moved, &moved));
    for (int i = 0; i <= count; i++) {
        root_last[i] = -1;
        moved[i] = i;
    }
    for (int i = 1; i <= count; i++) {
        if (!w->needed[i]) continue;
        int root = w->l->places[i].root;
        int last = w->last[i] > w->step[i] ? w->last[i] : w->step[i];
        if (last > root_last[root]) root_last[root] = last;
    }
    for (int i = 0; i < w->l->steps && !plain; i++) {
        int id = w->l->order[i];
        try_in_place(w, i, root_last, moved);
        if (moved[id] != id && root_last[id] > root_last[moved[id]])
            root_last[moved[id]] = root_last[id];
    }
    for (int i = 1; i <= count; i++) {
        if (!w->needed[i]) continue;
        pnn_place *p = &w->l->places[i];
        p->root = moved[p->root];
        pnn_extent *e = &w->l->extents[p->root];
        if (is_source(vertex(w, p->root)->op) || is_effect(vertex(w, i)->op)) continue;
        int step = w->step[i];
        if (e->last < e->first) { /* the first member seen */
            const pnn_tensor *t = &w->l->places[p->root].tensor;
            e->bytes = pnn_positions(t) * t->stride * type_size(t->type);
            e->first = e->last = step;
        }
        if (step < e->first) e->first = step;
        if (root_last[p->root] > e->last) e->last = root_last[p->root];
    }
done:
    pln_free(root_last);
    pln_free(moved);
    return s;
}

/* ---- Offsets: the largest first, each as low as its contemporaries allow ---- */

struct room {
    size_t bytes;
    int id;
};
static int by_bytes(const void *a, const void *b)
{
    const struct room *p = a, *q = b;
    return p->bytes != q->bytes ? (p->bytes < q->bytes) - (p->bytes > q->bytes)
                                : (p->id > q->id) - (p->id < q->id);
}

struct span {
    size_t from, to;
};
static int by_from(const void *a, const void *b)
{
    const struct span *p = a, *q = b;
    return (p->from > q->from) - (p->from < q->from);
}

static pln_status set_offsets(struct work *w)
{
    int count = pnn_count(w->g), n = 0;
    struct room *rooms = NULL;
    struct span *busy = NULL;
    pnn_extent *extents = w->l->extents;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(w->ctx, (size_t)count + 1, sizeof *rooms, &rooms));
    PLN_TRY(pln_alloc(w->ctx, (size_t)count + 1, sizeof *busy, &busy));
    for (int i = 1; i <= count; i++)
        if (w->needed[i] && extents[i].last >= extents[i].first)
            rooms[n++] = (struct room){extents[i].bytes, i};
    qsort(rooms, (size_t)n, sizeof *rooms, by_bytes);
    for (int i = 0; i < n; i++) {
        pnn_extent *e = &extents[rooms[i].id];
        size_t at = 0, m = 0;
        for (int j = 0; j < i; j++) {
            const pnn_extent *o = &extents[rooms[j].id];
            if (o->first <= e->last && e->first <= o->last)
                busy[m++] = (struct span){o->at, o->at + o->bytes};
        }
        qsort(busy, m, sizeof *busy, by_from);
        for (size_t j = 0; j < m && at + e->bytes > busy[j].from; j++)
            if (busy[j].to > at) at = (busy[j].to + ALIGN - 1) / ALIGN * ALIGN;
        e->at = at;
        if (at + e->bytes > w->l->arena_bytes) w->l->arena_bytes = at + e->bytes;
    }
done:
    pln_free(rooms);
    pln_free(busy);
    return s;
}

pln_status pnn_layout_make(pln_context *ctx, const pnn_graph *g, pnn_size size, bool plain,
                           pnn_layout *layout)
{
    size_t n = g->vertex_count + 1;
    struct work w = {ctx, g, size, layout, NULL, NULL, NULL};
    pln_status s = PLN_OK;

    *layout = (pnn_layout){0};
    PLN_TRY(pln_calloc(ctx, n, sizeof *layout->order, &layout->order));
    PLN_TRY(pln_calloc(ctx, n, sizeof *layout->places, &layout->places));
    PLN_TRY(pln_calloc(ctx, n, sizeof *layout->extents, &layout->extents));
    PLN_TRY(pln_alloc(ctx, n, sizeof *w.needed, &w.needed));
    PLN_TRY(pln_alloc(ctx, n, sizeof *w.last, &w.last));
    PLN_TRY(pln_alloc(ctx, n, sizeof *w.step, &w.step));
    for (size_t i = 0; i < n; i++) layout->extents[i].last = -1;
    pnn_mark_needed(g, w.needed);
    PLN_TRY(set_sizes(&w));
    PLN_TRY(set_order(&w));
    if (!plain) {
        set_parts(&w);
        for (int i = 1; i <= pnn_count(g); i++)
            if (w.needed[i] && viewable(&w, i)) set_view(&w, i);
    }
    PLN_TRY(set_roots(&w, plain));
    PLN_TRY(set_offsets(&w));
done:
    pln_free(w.needed);
    pln_free(w.last);
    pln_free(w.step);
    if (s) pnn_layout_free(layout);
    return s;
}

void pnn_layout_free(pnn_layout *layout)
{
    pln_free(layout->order);
    pln_free(layout->places);
    pln_free(layout->extents);
    *layout = (pnn_layout){0};
}
