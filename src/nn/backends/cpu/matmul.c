/* SPDX-License-Identifier: MIT */
/* Matrix products of each picture. MATMUL packs b into panels of columns, then cuts the pixels.
 * GRAM cuts the pixels into chunks and the rows into blocks: each task sums its chunk in f32,
 * BLOCK pixels at a time, and the chunks are summed in double. */
#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/matmul_kernels.h"

struct matmul {
    const matmul_kernels *kernels;
    const pnn_tensor *a, *b, *y;
    size_t area; /* pixels of a picture */
    size_t k, m; /* of the product: y has m columns; gram: k rows */
    size_t panels;
    size_t pixels, parts; /* of a task; tasks of a picture (and of a block of rows) */
    bool transpose;
    float *work;
};

static const float *pixel(const pnn_tensor *t, size_t i)
{
    return (const float *)t->data + i * t->stride;
}

static size_t columns(const struct matmul *s, size_t panel)
{
    return pln_min(s->kernels->panel, s->m - panel * s->kernels->panel);
}

/* ---- y = a b ---- */

/* Fewest pixels of a task, and products where there are more. */
enum { TASK = 96, TASK_PRODUCTS = 1 << 22 };

/* packed[picture][panel][k][columns], zeros behind the last column. */
static void pack_task(void *arg, size_t index, int thread)
{
    const struct matmul *s = arg;
    size_t width = s->kernels->panel, panel = index % s->panels, picture = index / s->panels;
    size_t row = s->transpose ? 1 : s->b->stride, col = s->transpose ? s->b->stride : 1;
    const float *b = pixel(s->b, picture * s->b->d[2]) + panel * width * col;
    float *to = s->work + index * s->k * width;

    (void)thread;
    for (size_t i = 0; i < s->k; i++)
        for (size_t j = 0; j < width; j++)
            to[i * width + j] = j < columns(s, panel) ? b[i * row + j * col] : 0;
}

static void matmul_task(void *arg, size_t index, int thread)
{
    const struct matmul *s = arg;
    size_t picture = index / s->parts, from = index % s->parts * s->pixels;
    size_t rows = pln_min(s->pixels, s->area - from), width = s->kernels->panel;
    size_t at = picture * s->area + from;
    const float *b = s->work + (s->b->d[0] > 1 ? picture : 0) * s->panels * s->k * width;
    float *y = (float *)s->y->data + at * s->y->stride;

    (void)thread;
    for (size_t p = 0; p < s->panels; p++)
        s->kernels->product(rows, columns(s, p), s->k, pixel(s->a, at), s->a->stride, 1,
                            b + p * s->k * width, width, y + p * width, s->y->stride, false);
}

static pln_status run_matmul(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                             void *work)
{
    struct matmul s = {.kernels = PLN_KERNELS_PICK(ctx, pln_matmul_kernels),
                       .a = &call->in[0],
                       .b = &call->in[1],
                       .y = &call->out,
                       .transpose = call->v->attr.transpose_b,
                       .work = work};
    pln_status status = PLN_OK;

    (void)kernel;
    s.area = s.a->d[1] * s.a->d[2];
    s.k = s.a->d[3];
    s.m = s.y->d[3];
    s.panels = pln_div_up(s.m, s.kernels->panel);
    s.pixels = TASK * pln_max(1, pln_min(64, TASK_PRODUCTS / (TASK * s.k * s.m)));
    s.parts = pln_div_up(s.area, s.pixels);
    status = pln_parallel(ctx, s.b->d[0] * s.panels, pack_task, &s);
    return status ? status : pln_parallel(ctx, s.a->d[0] * s.parts, matmul_task, &s);
}

/* ---- y = a' b ---- */

enum {
    BLOCK = 256,        /* pixels summed in registers */
    ROWS = 48,          /* of y, of a task */
    PARTIALS = 1 << 20, /* values of all chunks together */
    CHUNK = 512         /* fewest pixels of a chunk */
};

static void shape_gram(const pnn_call *call, struct matmul *s)
{
    const pnn_tensor *a = &call->in[0], *b = &call->in[1];
    s->a = a;
    s->b = b;
    s->y = &call->out;
    s->area = a->d[1] * a->d[2];
    s->k = a->d[3];
    s->m = b->d[3];
    s->parts = pln_min(pln_div_up(s->area, CHUNK), PARTIALS / (a->d[0] * s->k * s->m));
    s->pixels = pln_div_up(s->area, pln_max(s->parts, 1));
    s->parts = pln_div_up(s->area, s->pixels);
}

/* partial[picture][part][k][m] */
static void gram_task(void *arg, size_t index, int thread)
{
    const struct matmul *s = arg;
    size_t blocks = pln_div_up(s->k, ROWS), row = index % blocks * ROWS, width = s->kernels->panel;
    size_t part = index / blocks, picture = part / s->parts;
    size_t from = part % s->parts * s->pixels, to = pln_min(s->area, from + s->pixels);
    float *sums = s->work + (part * s->k + row) * s->m;
    float last[BLOCK * MATMUL_PANEL]; /* columns of b that do not fill a panel */

    (void)thread;
    for (size_t i = from; i < to; i += BLOCK) {
        size_t n = pln_min(BLOCK, to - i), at = picture * s->area + i;
        for (size_t p = 0; p < s->panels; p++) {
            size_t cols = columns(s, p), step = s->b->stride;
            const float *b = pixel(s->b, at) + p * width;
            if (cols < width) {
                for (size_t j = 0; j < n; j++)
                    for (size_t c = 0; c < width; c++)
                        last[j * width + c] = c < cols ? b[j * step + c] : 0;
                b = last;
                step = width;
            }
            s->kernels->product(pln_min(ROWS, s->k - row), cols, n, pixel(s->a, at) + row, 1,
                                s->a->stride, b, step, sums + p * width, s->m, i > from);
        }
    }
}

static pln_status run_gram(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                           void *work)
{
    struct matmul s = {.kernels = PLN_KERNELS_PICK(ctx, pln_matmul_kernels), .work = work};
    pln_status status;

    (void)kernel;
    shape_gram(call, &s);
    s.panels = pln_div_up(s.m, s.kernels->panel);
    status = pln_parallel(ctx, s.a->d[0] * s.parts * pln_div_up(s.k, ROWS), gram_task, &s);
    if (status) return status;
    for (size_t i = 0; i < s.a->d[0] * s.k; i++) {
        size_t picture = i / s.k, row = i % s.k;
        float *y = (float *)s.y->data + i * s.y->stride;
        for (size_t j = 0; j < s.m; j++) {
            double sum = 0;
            for (size_t p = 0; p < s.parts; p++)
                sum += (double)s.work[((picture * s.parts + p) * s.k + row) * s.m + j];
            y[j] = (float)sum;
        }
    }
    return PLN_OK;
}

pln_status pnn_cpu_prepare_matmul(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    struct matmul s = {0};
    if (call->v->op == PNN_OP_GRAM) {
        shape_gram(call, &s);
        *kernel = (pnn_kernel){.run = run_gram, .name = "register blocks"};
        kernel->work_bytes = s.a->d[0] * s.parts * s.k * s.m * sizeof(float);
        return PLN_OK;
    }
    size_t panel = PLN_KERNELS_PICK(ctx, pln_matmul_kernels)->panel;
    size_t panels = pln_div_up(call->out.d[3], panel);
    *kernel = (pnn_kernel){.run = run_matmul, .name = "register blocks"};
    kernel->work_bytes = call->in[1].d[0] * panels * call->in[0].d[3] * panel * sizeof(float);
    return PLN_OK;
}
