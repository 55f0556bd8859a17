/* SPDX-License-Identifier: MIT */
/* Normalisation. Statistics are one pass: sums in double of values less the first pixel's, so that
 * nothing cancels; normalising itself is an element-wise program over tables of a row for each
 * picture (or one for all). */
#include <math.h>

#include "nn/backends/cpu/pointwise.h"
#include "nn/backends/cpu/sums_kernels.h"

/* ---- Sums over the pixels of a group: a picture, or the whole batch ---- */

struct sums {
    const sums_kernels *kernels;
    const pnn_tensor *x, *dy, *moments; /* dy and moments NULL: sums of x and its square */
    size_t groups, pixels;              /* of a group */
    size_t chunk, chunks;               /* pixels of a task, tasks of a group */
    double *partial;                    /* [groups][chunks][2][c] */
};

static size_t sums_bytes(const pnn_tensor *x, size_t groups)
{
    size_t pixels = pnn_positions(x) / groups;
    return groups * pln_div_up(pixels, pnn_task_pixels(x->d[3])) * 2 * x->d[3] * sizeof(double);
}

static float *first_pixel(const struct sums *s, size_t group)
{
    return (float *)s->x->data + group * s->pixels * s->x->stride;
}

/* Row i, mean or variance, of a group. */
static float *moment_row(const pnn_tensor *t, size_t group, size_t i)
{
    return (float *)t->data + (2 * group + i) * t->stride;
}

static void sums_task(void *arg, size_t index, int thread)
{
    const struct sums *s = arg;
    size_t c = s->x->d[3], group = index / s->chunks, from = index % s->chunks * s->chunk;
    size_t n = pln_min(s->chunk, s->pixels - from), at = group * s->pixels + from;
    double *sum = s->partial + index * 2 * c;
    const float *x = (const float *)s->x->data + at * s->x->stride;

    (void)thread;
    for (size_t k = 0; k < 2 * c; k++) sum[k] = 0;
    if (s->dy)
        s->kernels->products(n, (const float *)s->dy->data + at * s->dy->stride, s->dy->stride, x,
                             s->x->stride, c, moment_row(s->moments, group, 0), sum, sum + c);
    else
        s->kernels->moments(n, x, s->x->stride, c, first_pixel(s, group), sum, sum + c);
}

static pln_status sum_groups(pln_context *ctx, struct sums *s)
{
    size_t c = s->x->d[3];
    pln_status status;

    s->kernels = PLN_KERNELS_PICK(ctx, pln_sums_kernels);
    s->pixels = pnn_positions(s->x) / s->groups;
    s->chunk = pnn_task_pixels(c);
    s->chunks = pln_div_up(s->pixels, s->chunk);
    status = pln_parallel(ctx, s->groups * s->chunks, sums_task, s);
    for (size_t g = 0; g < s->groups && status == PLN_OK; g++) {
        double *total = s->partial + g * s->chunks * 2 * c;
        for (size_t i = 1; i < s->chunks; i++)
            for (size_t k = 0; k < 2 * c; k++) total[k] += total[i * 2 * c + k];
    }
    return status;
}

static const double *group_sums(const struct sums *s, size_t group)
{
    return s->partial + group * s->chunks * 2 * s->x->d[3];
}

static pln_status run_moments(pln_context *ctx, const pnn_kernel *k, const pnn_call *call,
                              void *work)
{
    const pnn_tensor *out = &call->out;
    struct sums sums = {.x = &call->in[0], .groups = out->d[0], .partial = work};
    size_t c = sums.x->d[3];
    pln_status s = PLN_OK;

    (void)k;
    PLN_TRY(sum_groups(ctx, &sums));
    for (size_t g = 0; g < sums.groups; g++) {
        const double *t = group_sums(&sums, g);
        const float *shift = first_pixel(&sums, g);
        for (size_t i = 0; i < c; i++) {
            double mean = t[i] / (double)sums.pixels;
            double var = t[c + i] / (double)sums.pixels - mean * mean;
            moment_row(out, g, 0)[i] = (float)((double)shift[i] + mean);
            moment_row(out, g, 1)[i] = (float)(var > 0 ? var : 0);
        }
    }
done:
    return s;
}

/* 1 / sqrt(var + eps) of a channel. */
static double scale_of(const pnn_call *call, size_t group, size_t channel)
{
    double var = (double)moment_row(&call->in[1], group, 1)[channel];
    return 1 / sqrt(var + call->v->attr.norm.eps);
}

static pln_status run_reduce(pln_context *ctx, const pnn_kernel *k, const pnn_call *call,
                             void *work)
{
    struct sums sums = {.x = &call->in[0],
                        .moments = &call->in[1],
                        .dy = &call->in[2],
                        .groups = call->out.d[0],
                        .partial = work};
    size_t c = sums.x->d[3];
    pln_status s = PLN_OK;

    (void)k;
    PLN_TRY(sum_groups(ctx, &sums));
    for (size_t g = 0; g < sums.groups; g++) {
        const double *t = group_sums(&sums, g);
        for (size_t i = 0; i < c; i++) {
            moment_row(&call->out, g, 0)[i] = (float)t[i];
            moment_row(&call->out, g, 1)[i] = (float)(t[c + i] * scale_of(call, g, i));
        }
    }
done:
    return s;
}

/* ---- Normalising and its gradient: programs over tables ---- */

/* y = (x - mean) scale + beta, scale = gamma / sqrt(var + eps). Inputs x, mean, scale, beta. */
static const pnn_instr norm_program[] = {{.binary = true, .fn = PNN_SUB, .a = 0, .b = 1},
                                         {.binary = true, .fn = PNN_MUL, .a = 4, .b = 2},
                                         {.binary = true, .fn = PNN_ADD, .a = 5, .b = 3}};
/* dx = scale dy - offset - (x - mean) lean, offset = scale s0 / m, lean = scale s1 / (m sqrt(var +
 * eps)). Inputs dy, scale, x, mean, lean, offset. */
static const pnn_instr grad_program[] = {
    {.binary = true, .fn = PNN_SUB, .a = 2, .b = 3},
    {.binary = true, .fn = PNN_MUL, .a = 6, .b = 4},
    {.binary = true, .fn = PNN_MUL, .a = 0, .b = 1},
    {.binary = true, .fn = PNN_SUB, .a = 8, .b = 7},
    {.binary = true, .fn = PNN_SUB, .a = 9, .b = 5},
};
/* Constant moments: dx = scale dy. */
static const pnn_instr scale_program[] = {{.binary = true, .fn = PNN_MUL, .a = 0, .b = 1}};

/* A row of c values for each group, as an operand. */
static pnn_view rows_view(void *data, size_t groups, size_t step)
{
    return (pnn_view){data, PNN_F32, {groups > 1 ? step : 0, 0, 0, 1}};
}

static pln_status run_norm(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *x = &call->in[0], *moments = &call->in[1];
    const float *gamma = call->in[2].data;
    size_t groups = moments->d[0], c = x->d[3];
    float *scale = work;

    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < c; i++)
            scale[g * c + i] = (float)((double)gamma[i] * scale_of(call, g, i));
    const pnn_view in[] = {pnn_view_of(x), rows_view(moments->data, groups, 2 * moments->stride),
                           rows_view(scale, groups, c), rows_view(call->in[3].data, 1, 0)};
    return pnn_pointwise_run(ctx, k->state, x->d, in, pnn_view_of(&call->out),
                             (char *)work + pln_div_up(groups * c, 16) * 64);
}

static pln_status run_grad(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *x = &call->in[0], *moments = &call->in[1], *dy = &call->in[3],
                     *sums = &call->in[4];
    const float *gamma = call->in[2].data;
    size_t groups = moments->d[0], c = x->d[3], table = pln_div_up(groups * c, 16) * 16;
    double pixels = (double)(pnn_positions(x) / groups);
    float *scale = work, *lean = scale + table, *offset = lean + table;

    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < c; i++) {
            double r = scale_of(call, g, i), a = (double)gamma[i] * r;
            scale[g * c + i] = (float)a;
            if (call->v->attr.norm.constant) continue;
            offset[g * c + i] = (float)(a * (double)moment_row(sums, g, 0)[i] / pixels);
            lean[g * c + i] = (float)(a * r * (double)moment_row(sums, g, 1)[i] / pixels);
        }
    const pnn_view in[] = {pnn_view_of(dy),
                           rows_view(scale, groups, c),
                           pnn_view_of(x),
                           rows_view(moments->data, groups, 2 * moments->stride),
                           rows_view(lean, groups, c),
                           rows_view(offset, groups, c)};
    return pnn_pointwise_run(ctx, k->state, x->d, in, pnn_view_of(&call->out), offset + table);
}

static pln_status prepare_program(pln_context *ctx, const pnn_call *call, const pnn_instr *code,
                                  int count, int inputs, int tables, pnn_kernel *kernel)
{
    pnn_pointwise *program;
    size_t table = pln_div_up(call->in[1].d[0] * call->in[0].d[3], 16) * 64;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, 1, sizeof *program, &program));
    pnn_pointwise_compile(ctx, code, count, inputs, program);
    kernel->state = program;
    kernel->release = pln_free;
    kernel->work_bytes = (size_t)tables * table + pnn_pointwise_bytes(ctx, program);
done:
    return s;
}

pln_status pnn_cpu_prepare_norm(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    switch (call->v->op) {
    case PNN_OP_MOMENTS:
        *kernel = (pnn_kernel){.run = run_moments, .name = "shifted sums"};
        kernel->work_bytes = sums_bytes(&call->in[0], call->out.d[0]);
        return PLN_OK;
    case PNN_OP_NORM_REDUCE:
        *kernel = (pnn_kernel){.run = run_reduce, .name = "sums"};
        kernel->work_bytes = sums_bytes(&call->in[0], call->out.d[0]);
        return PLN_OK;
    case PNN_OP_NORM:
        *kernel = (pnn_kernel){.run = run_norm, .name = "blocks"};
        return prepare_program(ctx, call, norm_program, 3, 4, 1, kernel);
    default:
        *kernel = (pnn_kernel){.run = run_grad, .name = "blocks"};
        if (call->v->attr.norm.constant)
            return prepare_program(ctx, call, scale_program, 1, 2, 3, kernel);
        return prepare_program(ctx, call, grad_program, 5, 6, 3, kernel);
    }
}
