/* SPDX-License-Identifier: MIT */
/* What works on cells of k x k pixels: pooling, its gradients, and the Haar lattice (k = 2). A task
 * is a few rows of cells. */
#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/pixel_kernels.h"

struct cells {
    const pixel_kernels *kernels;
    const pnn_call *call;
    const pnn_tensor *fine, *coarse; /* sizes of the pixels' side and of the cells' side */
    size_t k, rows;                  /* rows of cells of a task */
};

/* Pixel (0, y) of picture n. */
static float *row_of(const pnn_tensor *t, size_t n, size_t y)
{
    return (float *)t->data + (n * t->d[1] + y) * t->d[2] * t->stride;
}

static size_t row_step(const pnn_tensor *t) { return t->d[2] * t->stride; }

static void zero(const pnn_tensor *t, float *row, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        for (size_t c = 0; c < t->d[3]; c++) row[i * t->stride + c] = 0;
}

/* Pixels that no cell covers: those right of the cells, and below the last row of cells. */
static void zero_rest(const struct cells *s, size_t n, size_t row)
{
    const pnn_tensor *dx = s->fine;
    size_t end = row + 1 == s->coarse->d[1] ? dx->d[1] : (row + 1) * s->k;
    for (size_t y = row * s->k; y < end; y++)
        zero(dx, row_of(dx, n, y), y < (row + 1) * s->k ? s->coarse->d[2] * s->k : 0, dx->d[2]);
}

static void cell_row(const struct cells *s, size_t n, size_t row)
{
    const pnn_tensor *x = &s->call->in[0], *dy = &s->call->in[1], *y = &s->call->out;
    const pixel_kernels *k = s->kernels;
    size_t cells = s->coarse->d[2], c = s->fine->d[3], fine = row * s->k;

    switch (s->call->v->op) {
    case PNN_OP_HAAR:
        k->haar(cells, row_of(x, n, fine), x->stride, row_step(x), c, row_of(y, n, row), y->stride);
        break;
    case PNN_OP_HAAR_INVERSE:
        k->haar_inverse(cells, row_of(x, n, row), x->stride, c, row_of(y, n, fine), y->stride,
                        row_step(y));
        break;
    case PNN_OP_MAX_POOL:
        k->max_pool(cells, s->k, row_of(x, n, fine), x->stride, row_step(x), c, row_of(y, n, row),
                    y->stride);
        break;
    case PNN_OP_AVERAGE_POOL:
        k->average_pool(cells, s->k, row_of(x, n, fine), x->stride, row_step(x), c,
                        row_of(y, n, row), y->stride);
        break;
    case PNN_OP_MAX_POOL_GRAD:
        k->max_pool_grad(cells, s->k, row_of(x, n, fine), x->stride, row_step(x),
                         row_of(dy, n, row), dy->stride, c, row_of(y, n, fine), y->stride,
                         row_step(y));
        zero_rest(s, n, row);
        break;
    default: /* AVERAGE_POOL_GRAD */
        k->average_pool_grad(cells, s->k, row_of(x, n, row), x->stride, c, row_of(y, n, fine),
                             y->stride, row_step(y));
        zero_rest(s, n, row);
    }
}

static void cells_task(void *arg, size_t index, int thread)
{
    const struct cells *s = arg;
    size_t h = s->coarse->d[1], end = pln_min(s->coarse->d[0] * h, (index + 1) * s->rows);
    (void)thread;
    for (size_t i = index * s->rows; i < end; i++) cell_row(s, i / h, i % h);
}

static pln_status run_cells(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                            void *work)
{
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    struct cells s = {.kernels = PLN_KERNELS_PICK(ctx, pln_pixel_kernels), .call = call};

    (void)kernel, (void)work;
    switch (call->v->op) {
    case PNN_OP_HAAR:
    case PNN_OP_MAX_POOL:
    case PNN_OP_AVERAGE_POOL:
        s.fine = x;
        s.coarse = y;
        break;
    case PNN_OP_MAX_POOL_GRAD:
        s.fine = y;
        s.coarse = &call->in[1];
        break;
    default:
        s.fine = y;
        s.coarse = x;
    }
    s.k = call->v->op == PNN_OP_HAAR || call->v->op == PNN_OP_HAAR_INVERSE
              ? 2
              : (size_t)call->v->attr.k;
    s.rows = pnn_task_pixels(s.fine->d[2] * s.fine->d[3] * s.k);
    return pln_parallel(ctx, pln_div_up(s.coarse->d[0] * s.coarse->d[1], s.rows), cells_task, &s);
}

pln_status pnn_cpu_prepare_pool(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx, (void)call;
    *kernel = (pnn_kernel){.run = run_cells, .name = "cells"};
    return PLN_OK;
}

pln_status pnn_cpu_prepare_haar(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    return pnn_cpu_prepare_pool(ctx, call, kernel);
}
