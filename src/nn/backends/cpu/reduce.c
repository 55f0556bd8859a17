/* SPDX-License-Identifier: MIT */
/* Sums, means and maxima along axes. Neighbouring axes that are kept or reduced alike are merged;
 * the last one left is the line that kernels run along. An output value (or line of them, where
 * the last axis is kept) is a cell, a line of input that goes into it is a term. Many cells are
 * shared out among tasks; few cells of many terms are cut into chunks of terms, whose partial
 * results are folded in order. */
#include <math.h>
#include <string.h>

#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/sums_kernels.h"

enum { CELL = 1024, RUN = 4096 }; /* longest piece of a kept line; of a reduced one */

/* Up to three merged axes; steps in x, in y (of kept axes), in a third tensor: dx of
 * REDUCE_MAX_GRAD, the other factor of a sum of products. */
struct axes {
    size_t d[3], x[3], y[3], z[3];
    size_t count; /* product of d */
};

struct plan {
    struct axes kept, reduced; /* without the line */
    struct {
        bool kept;
        size_t d, x, y, z;
        size_t piece, pieces;
    } line;
    size_t cells, terms;      /* with the line's pieces */
    size_t chunk, chunks;     /* terms of a task */
    size_t cells_task, tasks; /* cells of a task, where chunks = 1 */
    double count;             /* values behind one output value */
};

static void put_axis(struct axes *a, size_t at, size_t d, size_t x, size_t y, size_t z)
{
    a->d[at] = d;
    a->x[at] = x;
    a->y[at] = y;
    a->z[at] = z;
    a->count *= d;
}

static void make_plan(const pnn_tensor *in, const pnn_tensor *y, const pnn_tensor *third,
                      unsigned axes, struct plan *p)
{
    pnn_view u = pnn_view_of(in), v = pnn_view_of(y), w = pnn_view_of(third ? third : in);
    struct {
        bool kept;
        size_t d, x, y, z;
    } m[5];
    size_t n = 0, at_kept = 3, at_reduced = 3;

    *p = (struct plan){
        .kept = {{1, 1, 1}, .count = 1}, .reduced = {{1, 1, 1}, .count = 1}, .count = 1};
    for (size_t i = 4; i-- > 0;) { /* m: the last axis first */
        bool kept = !(axes & 1u << i);
        size_t d = in->d[i], step = kept ? v.step[i] : 0;
        if (d == 1) continue;
        if (!kept) p->count *= (double)d;
        if (n == 0 &&
            (u.step[i] != 1 || w.step[i] != 1)) { /* apart in memory: a line of one channel */
            m[n].kept = true;
            m[n].d = m[n].x = m[n].y = m[n].z = 1;
            n++;
        }
        if (n > 0 && m[n - 1].kept == kept && u.step[i] == m[n - 1].x * m[n - 1].d &&
            w.step[i] == m[n - 1].z * m[n - 1].d && step == m[n - 1].y * m[n - 1].d) {
            m[n - 1].d *= d;
            continue;
        }
        m[n].kept = kept;
        m[n].d = d;
        m[n].x = u.step[i];
        m[n].y = step;
        m[n].z = w.step[i];
        n++;
    }
    if (n == 0) {
        m[0].kept = true;
        m[0].d = m[0].x = m[0].y = m[0].z = 1;
        n = 1;
    }
    p->line.kept = m[0].kept;
    p->line.d = m[0].d;
    p->line.x = m[0].x;
    p->line.y = m[0].y;
    p->line.z = m[0].z;
    for (size_t i = 1; i < n; i++) {
        if (m[i].kept)
            put_axis(&p->kept, --at_kept, m[i].d, m[i].x, m[i].y, m[i].z);
        else
            put_axis(&p->reduced, --at_reduced, m[i].d, m[i].x, m[i].y, m[i].z);
    }
    p->line.piece = pln_min(p->line.d, p->line.kept ? CELL : RUN);
    p->line.pieces = pln_div_up(p->line.d, p->line.piece);
    p->cells = p->kept.count * (p->line.kept ? p->line.pieces : 1);
    p->terms = p->reduced.count * (p->line.kept ? 1 : p->line.pieces);
    p->chunk = pnn_task_pixels(p->line.piece);
    p->chunks = pln_div_up(p->terms, p->chunk);
    p->cells_task = p->chunks > 1 ? 1 : pnn_task_pixels(p->terms * p->line.piece);
    p->tasks = p->chunks > 1 ? p->cells * p->chunks : pln_div_up(p->cells, p->cells_task);
}

/* Offsets of the i-th cell or term. */
static size_t offset(const struct axes *a, const size_t step[3], size_t i)
{
    size_t at = i % a->d[2] * step[2];
    i /= a->d[2];
    return at + i % a->d[1] * step[1] + i / a->d[1] * step[0];
}

struct reduce {
    struct plan p;
    pnn_fold *pixels, *channels;
    pnn_fold_products *pixels_products, *channels_products;
    pnn_reduce_fn fn;
    const float *x, *factor; /* factor NULL: none */
    float *y;
    double *partial; /* [cells][chunks][width] */
};

static size_t width_of(const struct plan *p) { return p->line.kept ? p->line.piece : 1; }

static void start(const struct reduce *r, double *sums, size_t n)
{
    for (size_t i = 0; i < n; i++) sums[i] = r->fn == PNN_REDUCE_MAX ? -INFINITY : 0;
}

/* Folds terms into the `width` values of a cell: a piece of a kept line. */
static void fold_line(const struct reduce *r, size_t cell, size_t from, size_t to, double *sums)
{
    const struct plan *p = &r->p;
    size_t piece = cell % p->line.pieces * p->line.piece;
    size_t width = pln_min(p->line.piece, p->line.d - piece);
    const float *x = r->x + offset(&p->kept, p->kept.x, cell / p->line.pieces) + piece * p->line.x;
    size_t other = offset(&p->kept, p->kept.z, cell / p->line.pieces) + piece * p->line.z;

    for (size_t i = from; i < to;) {
        size_t n = pln_min(p->reduced.d[2] - i % p->reduced.d[2], to - i);
        const float *v = x + offset(&p->reduced, p->reduced.x, i);
        if (r->factor)
            r->pixels_products(n, v, p->reduced.x[2],
                               r->factor + other + offset(&p->reduced, p->reduced.z, i),
                               p->reduced.z[2], width, sums);
        else
            r->pixels(n, v, p->reduced.x[2], width, sums);
        i += n;
    }
}

/* Folds terms, pieces of reduced lines, into n cells that follow each other along the last axis. */
static void fold_cells(const struct reduce *r, size_t cell, size_t n, size_t from, size_t to,
                       double *sums)
{
    const struct plan *p = &r->p;
    const float *x = r->x + offset(&p->kept, p->kept.x, cell);
    size_t other = offset(&p->kept, p->kept.z, cell);

    for (size_t i = from; i < to; i++) {
        size_t piece = i % p->line.pieces * p->line.piece;
        size_t width = pln_min(p->line.piece, p->line.d - piece);
        const float *v = x + offset(&p->reduced, p->reduced.x, i / p->line.pieces) + piece;
        if (r->factor)
            r->channels_products(n, v, p->kept.x[2],
                                 r->factor + other +
                                     offset(&p->reduced, p->reduced.z, i / p->line.pieces) + piece,
                                 p->kept.z[2], width, sums);
        else
            r->channels(n, v, p->kept.x[2], width, sums);
    }
}

static void finish_line(const struct reduce *r, size_t cell, const double *sums)
{
    const struct plan *p = &r->p;
    size_t piece = cell % p->line.pieces * p->line.piece;
    size_t width = pln_min(p->line.piece, p->line.d - piece);
    float *y = r->y + offset(&p->kept, p->kept.y, cell / p->line.pieces) + piece * p->line.y;

    for (size_t i = 0; i < width; i++)
        y[i * p->line.y] = (float)(r->fn == PNN_MEAN ? sums[i] / p->count : sums[i]);
}

static void finish_cells(const struct reduce *r, size_t cell, size_t n, const double *sums)
{
    const struct plan *p = &r->p;
    float *y = r->y + offset(&p->kept, p->kept.y, cell);
    for (size_t i = 0; i < n; i++)
        y[i * p->kept.y[2]] = (float)(r->fn == PNN_MEAN ? sums[i] / p->count : sums[i]);
}

static void reduce_task(void *arg, size_t index, int thread)
{
    const struct reduce *r = arg;
    const struct plan *p = &r->p;
    double sums[CELL];

    (void)thread;
    if (p->chunks > 1) {
        double *partial = r->partial + index * width_of(p);
        size_t from = index % p->chunks * p->chunk, to = pln_min(p->terms, from + p->chunk);
        start(r, partial, width_of(p));
        if (p->line.kept)
            fold_line(r, index / p->chunks, from, to, partial);
        else
            fold_cells(r, index / p->chunks, 1, from, to, partial);
        return;
    }
    size_t end = pln_min(p->cells, (index + 1) * p->cells_task);
    for (size_t cell = index * p->cells_task, n = 1; cell < end; cell += n) {
        if (p->line.kept) {
            start(r, sums, p->line.piece);
            fold_line(r, cell, 0, p->terms, sums);
            finish_line(r, cell, sums);
            continue;
        }
        n = pln_min(pln_min(CELL, end - cell), p->kept.d[2] - cell % p->kept.d[2]);
        start(r, sums, n);
        fold_cells(r, cell, n, 0, p->terms, sums);
        finish_cells(r, cell, n, sums);
    }
}

static size_t partial_bytes(const struct plan *p)
{
    return p->chunks > 1 ? p->tasks * width_of(p) * sizeof(double) : 0;
}

static const pnn_tensor *other_of(const pnn_call *call)
{
    return call->in[1].data ? &call->in[1] : NULL;
}

static pln_status run_reduce(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                             void *work)
{
    const sums_kernels *k = PLN_KERNELS_PICK(ctx, pln_sums_kernels);
    struct reduce r = {.fn = call->v->attr.reduce.fn,
                       .x = call->in[0].data,
                       .factor = call->in[1].data,
                       .y = call->out.data,
                       .partial = work,
                       .pixels_products = k->pixels_products,
                       .channels_products = k->channels_products};
    size_t width;
    pln_status s = PLN_OK;

    (void)kernel;
    r.pixels = r.fn == PNN_REDUCE_MAX ? k->pixels_max : k->pixels_sum;
    r.channels = r.fn == PNN_REDUCE_MAX ? k->channels_max : k->channels_sum;
    make_plan(&call->in[0], &call->out, other_of(call), call->v->attr.reduce.axes, &r.p);
    width = width_of(&r.p);
    PLN_TRY(pln_parallel(ctx, r.p.tasks, reduce_task, &r));
    for (size_t cell = 0; r.p.chunks > 1 && cell < r.p.cells; cell++) {
        double *sums = r.partial + cell * r.p.chunks * width;
        for (size_t i = 1; i < r.p.chunks; i++)
            for (size_t j = 0; j < width; j++) {
                double v = sums[i * width + j];
                sums[j] = r.fn == PNN_REDUCE_MAX ? (v > sums[j] ? v : sums[j]) : sums[j] + v;
            }
        if (r.p.line.kept)
            finish_line(&r, cell, sums);
        else
            finish_cells(&r, cell, 1, sums);
    }
done:
    return s;
}

/* ---- Gradient of the maximum: each cell clears its values and looks for its first one ---- */

struct max_grad {
    struct plan p;
    const sums_kernels *kernels;
    const float *x, *dy;
    float *dx;
};

static void clear(float *dx, size_t step, size_t n)
{
    if (step == 1)
        memset(dx, 0, n * sizeof *dx);
    else
        for (size_t i = 0; i < n; i++) dx[i * step] = 0;
}

/* A piece of a kept line: the first term of each of its values. */
static void max_grad_line(const struct max_grad *g, size_t cell)
{
    const struct plan *p = &g->p;
    size_t piece = cell % p->line.pieces * p->line.piece, kept = cell / p->line.pieces;
    size_t width = pln_min(p->line.piece, p->line.d - piece);
    const float *x = g->x + offset(&p->kept, p->kept.x, kept) + piece * p->line.x;
    const float *dy = g->dy + offset(&p->kept, p->kept.y, kept) + piece * p->line.y;
    float *dx = g->dx + offset(&p->kept, p->kept.z, kept) + piece * p->line.z;
    uint32_t first[CELL];
    float best[CELL];

    for (size_t i = 0; i < width; i++) {
        first[i] = 0;
        best[i] = -INFINITY;
    }
    for (size_t t = 0, n; t < p->reduced.count; t += n) {
        n = p->reduced.d[2];
        g->kernels->pixels_first(n, x + offset(&p->reduced, p->reduced.x, t), p->reduced.x[2],
                                 width, t, best, first);
        for (size_t i = 0; i < n; i++)
            clear(dx + offset(&p->reduced, p->reduced.z, t + i), p->line.z, width);
    }
    for (size_t i = 0; i < width; i++)
        dx[offset(&p->reduced, p->reduced.z, first[i]) + i * p->line.z] = dy[i * p->line.y];
}

/* n cells that follow each other along the last axis, each of reduced lines: the first value of the
 * first line that has the largest. */
static void max_grad_cells(const struct max_grad *g, size_t cell, size_t n)
{
    const struct plan *p = &g->p;
    const float *x = g->x + offset(&p->kept, p->kept.x, cell);
    const float *dy = g->dy + offset(&p->kept, p->kept.y, cell);
    float *dx = g->dx + offset(&p->kept, p->kept.z, cell), best[CELL];
    uint32_t first[CELL];
    size_t at[CELL]; /* in dx */

    for (size_t i = 0; i < n; i++) best[i] = -INFINITY, at[i] = i * p->kept.z[2];
    for (size_t t = 0; t < p->reduced.count; t++) {
        const float *v = x + offset(&p->reduced, p->reduced.x, t);
        size_t from = offset(&p->reduced, p->reduced.z, t);
        g->kernels->channels_first(n, v, p->kept.x[2], p->line.d, first);
        for (size_t i = 0; i < n; i++) {
            float most = v[i * p->kept.x[2] + first[i]];
            clear(dx + i * p->kept.z[2] + from, p->line.z, p->line.d);
            if (!(most > best[i])) continue;
            best[i] = most;
            at[i] = i * p->kept.z[2] + from + first[i] * p->line.z;
        }
    }
    for (size_t i = 0; i < n; i++) dx[at[i]] = dy[i * p->kept.y[2]];
}

static void max_grad_task(void *arg, size_t index, int thread)
{
    const struct max_grad *g = arg;
    const struct plan *p = &g->p;
    size_t end = pln_min(p->cells, (index + 1) * p->cells_task);
    (void)thread;
    for (size_t cell = index * p->cells_task, n = 1; cell < end; cell += n) {
        if (p->line.kept) {
            max_grad_line(g, cell);
            continue;
        }
        n = pln_min(pln_min(CELL, end - cell), p->kept.d[2] - cell % p->kept.d[2]);
        max_grad_cells(g, cell, n);
    }
}

static pln_status run_max_grad(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                               void *work)
{
    struct max_grad g = {.kernels = PLN_KERNELS_PICK(ctx, pln_sums_kernels),
                         .x = call->in[0].data,
                         .dy = call->in[1].data,
                         .dx = call->out.data};

    (void)kernel, (void)work;
    make_plan(&call->in[0], &call->in[1], &call->out, call->v->attr.reduce.axes, &g.p);
    return pln_parallel(ctx, pln_div_up(g.p.cells, g.p.cells_task), max_grad_task, &g);
}

pln_status pnn_cpu_prepare_reduce(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    struct plan p;
    (void)ctx;
    if (call->v->op == PNN_OP_REDUCE_MAX_GRAD) {
        *kernel = (pnn_kernel){.run = run_max_grad, .name = "first maximum"};
        return PLN_OK;
    }
    make_plan(&call->in[0], &call->out, other_of(call), call->v->attr.reduce.axes, &p);
    *kernel = (pnn_kernel){.run = run_reduce, .work_bytes = partial_bytes(&p), .name = "sums"};
    return PLN_OK;
}
