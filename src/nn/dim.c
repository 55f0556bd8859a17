/* SPDX-License-Identifier: MIT */
/* Symbolic sizes: expressions of N, H and W, each kept once, simplified when they are made so that
 * equal sizes have equal ids: H, padded to even, halved and doubled is the same dimension again. */
#include <stdio.h>
#include <string.h>

#include "nn/graph_store.h"

static const struct pnn_dim_node *get(const pnn_graph *g, pnn_dim d) { return &g->dims[d.id - 1]; }

static pnn_dim make(pnn_graph *g, pnn_dim_op op, pnn_dim a, long k)
{
    for (size_t i = 0; i < g->dim_count; i++)
        if (g->dims[i].op == op && g->dims[i].a == a.id && g->dims[i].k == k)
            return (pnn_dim){(int)i + 1};
    if (g->status || !pnn_grow(g, &g->dims, &g->dim_room, g->dim_count, sizeof *g->dims))
        return (pnn_dim){0};
    g->dims[g->dim_count++] = (struct pnn_dim_node){op, a.id, k};
    return (pnn_dim){(int)g->dim_count};
}

pnn_dim pnn_dim_const(pnn_graph *g, long value)
{
    return make(g, PNN_DIM_CONST, (pnn_dim){0}, value);
}
pnn_dim pnn_dim_n(pnn_graph *g) { return make(g, PNN_DIM_SYMBOL, (pnn_dim){0}, 0); }
pnn_dim pnn_dim_h(pnn_graph *g) { return make(g, PNN_DIM_SYMBOL, (pnn_dim){0}, 1); }
pnn_dim pnn_dim_w(pnn_graph *g) { return make(g, PNN_DIM_SYMBOL, (pnn_dim){0}, 2); }

static long floor_div(long a, long k)
{
    long q = a / k;
    return q * k > a ? q - 1 : q;
}

pnn_dim pnn_dim_add(pnn_graph *g, pnn_dim a, long k)
{
    if (a.id <= 0 || k == 0) return a;
    const struct pnn_dim_node d = *get(g, a);
    if (d.op == PNN_DIM_CONST) return pnn_dim_const(g, d.k + k);
    if (d.op == PNN_DIM_ADD) return pnn_dim_add(g, (pnn_dim){d.a}, d.k + k);
    if (d.op == PNN_DIM_MUL && k % d.k == 0) /* m a + m r = m (a + r) */
        return pnn_dim_mul(g, pnn_dim_add(g, (pnn_dim){d.a}, k / d.k), d.k);
    if (d.op == PNN_DIM_DIV) /* a / m + r = (a + m r) / m */
        return pnn_dim_div(g, pnn_dim_add(g, (pnn_dim){d.a}, k * d.k), d.k);
    return make(g, PNN_DIM_ADD, a, k);
}

pnn_dim pnn_dim_mul(pnn_graph *g, pnn_dim a, long k)
{
    if (a.id <= 0 || k == 1) return a;
    const struct pnn_dim_node d = *get(g, a);
    if (d.op == PNN_DIM_CONST) return pnn_dim_const(g, d.k * k);
    if (d.op == PNN_DIM_MUL) return pnn_dim_mul(g, (pnn_dim){d.a}, d.k * k);
    return make(g, PNN_DIM_MUL, a, k);
}

pnn_dim pnn_dim_div(pnn_graph *g, pnn_dim a, long k)
{
    if (a.id <= 0 || k == 1) return a;
    const struct pnn_dim_node d = *get(g, a);
    if (d.op == PNN_DIM_CONST) return pnn_dim_const(g, floor_div(d.k, k));
    if (d.op == PNN_DIM_DIV) return pnn_dim_div(g, (pnn_dim){d.a}, d.k * k);
    if (d.op == PNN_DIM_MUL && d.k % k == 0) return pnn_dim_mul(g, (pnn_dim){d.a}, d.k / k);
    if (d.op == PNN_DIM_ADD) {
        const struct pnn_dim_node inner = *get(g, (pnn_dim){d.a});
        if (inner.op == PNN_DIM_MUL && inner.k % k == 0) { /* (m k a + r) / k = m a + r / k */
            pnn_dim m = pnn_dim_mul(g, (pnn_dim){inner.a}, inner.k / k);
            return pnn_dim_add(g, m, floor_div(d.k, k));
        }
    }
    return make(g, PNN_DIM_DIV, a, k);
}

pnn_dim pnn_dim_round_up(pnn_graph *g, pnn_dim a, long k)
{
    if (a.id > 0 && k > 1) {
        const struct pnn_dim_node d = *get(g, a);
        if (d.op == PNN_DIM_MUL && d.k % k == 0) return a;
    }
    return pnn_dim_mul(g, pnn_dim_div(g, pnn_dim_add(g, a, k - 1), k), k);
}

long pnn_dim_value(const pnn_graph *g, pnn_dim a, pnn_size size)
{
    if (a.id <= 0) return 0;
    const struct pnn_dim_node *d = get(g, a);
    switch (d->op) {
    case PNN_DIM_CONST:
        return d->k;
    case PNN_DIM_SYMBOL:
        return (long)(d->k == 0 ? size.n : d->k == 1 ? size.h : size.w);
    case PNN_DIM_ADD:
        return pnn_dim_value(g, (pnn_dim){d->a}, size) + d->k;
    case PNN_DIM_MUL:
        return pnn_dim_value(g, (pnn_dim){d->a}, size) * d->k;
    case PNN_DIM_DIV:
        return floor_div(pnn_dim_value(g, (pnn_dim){d->a}, size), d->k);
    }
    return 0;
}

bool pnn_dim_is_const(const pnn_graph *g, pnn_dim d, long *value)
{
    if (d.id <= 0 || get(g, d)->op != PNN_DIM_CONST) return false;
    *value = get(g, d)->k;
    return true;
}

void pnn_dim_text(const pnn_graph *g, pnn_dim d, char *text, size_t room)
{
    char inner[96];
    if (d.id <= 0) {
        snprintf(text, room, "?");
        return;
    }
    const struct pnn_dim_node *v = get(g, d);
    if (v->op == PNN_DIM_CONST) {
        snprintf(text, room, "%ld", v->k);
        return;
    }
    if (v->op == PNN_DIM_SYMBOL) {
        snprintf(text, room, "%c", "NHW"[v->k]);
        return;
    }
    pnn_dim_text(g, (pnn_dim){v->a}, inner, sizeof inner);
    bool sum = get(g, (pnn_dim){v->a})->op == PNN_DIM_ADD;
    int n = v->op == PNN_DIM_ADD ? snprintf(text, room, "%s%+ld", inner, v->k)
                                 : snprintf(text, room, sum ? "(%s)%c%ld" : "%s%c%ld", inner,
                                            v->op == PNN_DIM_MUL ? '*' : '/', v->k);
    if (n < 0 || (size_t)n >= room) snprintf(text, room, "...");
}

bool pnn_same_shape(pnn_shape a, pnn_shape b)
{
    return a.n.id == b.n.id && a.h.id == b.h.id && a.w.id == b.w.id && a.c.id == b.c.id;
}

pnn_dim pnn_shape_axis(pnn_shape s, pnn_axis axis)
{
    return axis == PNN_AXIS_N ? s.n : axis == PNN_AXIS_H ? s.h : axis == PNN_AXIS_W ? s.w : s.c;
}

pnn_shape pnn_shape_const(pnn_graph *g, long n, long h, long w, long c)
{
    return (pnn_shape){pnn_dim_const(g, n), pnn_dim_const(g, h), pnn_dim_const(g, w),
                       pnn_dim_const(g, c)};
}

void pnn_shape_text(const pnn_graph *g, pnn_shape s, char *text, size_t room)
{
    char d[4][96];
    for (int i = 0; i < 4; i++) pnn_dim_text(g, pnn_shape_axis(s, (pnn_axis)i), d[i], sizeof d[i]);
    snprintf(text, room, "%s x %s x %s x %s", d[0], d[1], d[2], d[3]);
}

bool pnn_shape_values(const pnn_graph *g, pnn_shape s, pnn_size size, size_t dims[4])
{
    size_t product = 1;
    for (int i = 0; i < 4; i++) {
        long v = pnn_dim_value(g, pnn_shape_axis(s, (pnn_axis)i), size);
        if (v < 1) return false;
        dims[i] = (size_t)v;
        if (!pln_mul(product, dims[i], &product)) return false;
    }
    return true;
}
