/* SPDX-License-Identifier: MIT */
/* Gradients, changed and differentiated again, for blocks of rows. */
#include <string.h>

#include "operators/gradient.h"

enum { ROWS = 32, PART = 512 }; /* rows a task; columns a part */

/* Row y of plane c; y may be h (the row below the last). NULL: no difference there. */
static const float *row_at(const struct gradient *g, const float *planes, size_t c, size_t y)
{
    if (y == g->h) {
        if (g->reflect) return NULL;
        y = 0;
    }
    return planes + (c * g->h + y) * g->stride;
}

/* Changed gradients of the columns [x0, x0 + n) of row y; h[-1] is that of the column before. */
static void gradients(const struct gradient *g, size_t y, size_t x0, size_t n, float h[3][PART + 1],
                      float v[3][PART])
{
    /* One column more on the left: f needs the difference that enters. */
    float *hs[3], *vs[3], before[3][2];
    for (size_t c = 0; c < g->c; c++) {
        const float *u = row_at(g, g->u, c, y), *below = row_at(g, g->u, c, y + 1);
        size_t left = x0 > 0 ? x0 - 1 : g->w - 1, end = x0 + n;
        float last = end < g->w ? u[end] : g->reflect ? u[g->w - 1] : u[0];
        g->kernels->right(h[c] + 1, u + x0, last, n);
        if (below)
            g->kernels->down(v[c], u + x0, below + x0, n);
        else
            memset(v[c], 0, n * sizeof(float));
        before[c][0] = x0 == 0 && g->reflect ? 0 : u[x0] - u[left];
        before[c][1] = below ? below[left] - u[left] : 0;
    }
    for (size_t c = 0; c < g->c; c++) hs[c] = &before[c][0], vs[c] = &before[c][1];
    g->change(g->params, hs, vs, g->c, 1);
    for (size_t c = 0; c < g->c; c++) h[c][0] = before[c][0], hs[c] = h[c] + 1, vs[c] = v[c];
    g->change(g->params, hs, vs, g->c, n);
}

void pln_gradient_fill(void *arg, size_t y0, size_t rows, float *dst, size_t plane, size_t row)
{
    const struct gradient *g = arg;
    float h[3][PART + 1], v[2][3][PART]; /* v: of the row above and of this one */

    for (size_t x0 = 0; x0 < g->w; x0 += PART) {
        size_t n = pln_min(PART, g->w - x0);
        int now = 0;
        if (y0 > 0 || !g->reflect)
            gradients(g, y0 > 0 ? y0 - 1 : g->h - 1, x0, n, h, v[1]);
        else
            memset(v[1], 0, sizeof v[1]);
        for (size_t y = y0; y < y0 + rows; y++, now = !now) {
            gradients(g, y, x0, n, h, v[now]);
            for (size_t c = 0; c < g->c; c++)
                g->kernels->add(dst + c * plane + (y - y0) * row + x0,
                                row_at(g, g->base, c, y) + x0, h[c] + 1, h[c][0], v[!now][c],
                                v[now][c], g->k, n);
        }
    }
}

/* ---- Means ---- */

struct means {
    const pln_view *of;
    size_t channel, stride;
    float *u, shift;
};

static double sum_differences(void *arg, size_t index, int thread)
{
    const struct means *m = arg;
    double sum = 0;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(m->of->h, (index + 1) * ROWS); y++) {
        const float *of = pln_row(m->of, y) + m->channel, *u = m->u + y * m->stride;
        for (size_t x = 0; x < m->of->w; x++) sum += (double)of[x * m->of->c] - (double)u[x];
    }
    return sum;
}

static void shift_rows(void *arg, size_t index, int thread)
{
    const struct means *m = arg;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(m->of->h, (index + 1) * ROWS); y++)
        for (size_t x = 0; x < m->of->w; x++) m->u[y * m->stride + x] += m->shift;
}

pln_status pln_planes_keep_mean(pln_context *ctx, const pln_view *of, float *u, size_t stride)
{
    pln_status s = PLN_OK;
    for (size_t k = 0; k < of->c; k++) {
        struct means m = {.of = of, .channel = k, .stride = stride, .u = u + k * of->h * stride};
        double sum;
        PLN_TRY(pln_parallel_sum(ctx, pln_div_up(of->h, ROWS), sum_differences, &m, &sum));
        m.shift = (float)(sum / ((double)of->w * (double)of->h));
        PLN_TRY(pln_parallel(ctx, pln_div_up(of->h, ROWS), shift_rows, &m));
    }
done:
    return s;
}

/* ---- Planes ---- */

struct planes {
    const pln_view *view;
    float *planes;
    size_t stride;
};

static void split_rows(void *arg, size_t index, int thread)
{
    const struct planes *p = arg;
    const pln_view *v = p->view;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(v->h, (index + 1) * ROWS); y++) {
        const float *from = pln_row(v, y);
        for (size_t c = 0; c < v->c; c++) {
            float *to = p->planes + (c * v->h + y) * p->stride;
            for (size_t x = 0; x < v->w; x++) to[x] = from[x * v->c + c];
        }
    }
}

static void merge_rows(void *arg, size_t index, int thread)
{
    const struct planes *p = arg;
    const pln_view *v = p->view;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(v->h, (index + 1) * ROWS); y++) {
        float *to = pln_row(v, y);
        for (size_t c = 0; c < v->c; c++) {
            const float *from = p->planes + (c * v->h + y) * p->stride;
            for (size_t x = 0; x < v->w; x++) to[x * v->c + c] = from[x];
        }
    }
}

pln_status pln_planes_from(pln_context *ctx, const pln_view *in, float *planes, size_t stride)
{
    struct planes p = {in, planes, stride};
    return pln_parallel(ctx, pln_div_up(in->h, ROWS), split_rows, &p);
}

pln_status pln_planes_to(pln_context *ctx, const float *planes, size_t stride, const pln_view *out)
{
    struct planes p = {out, (float *)planes, stride};
    return pln_parallel(ctx, pln_div_up(out->h, ROWS), merge_rows, &p);
}
