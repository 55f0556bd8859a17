/* SPDX-License-Identifier: MIT */
/* Normalisation. Statistics are one pass: sums of values less the mean of some pixels, so that
 * nothing cancels; normalising itself is another, over tables of a row for each picture (or one for
 * all). */
#include <math.h>

#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/pixel_kernels.h"
#include "nn/backends/cpu/sums_kernels.h"

/* ---- Sums over the pixels of a group: a picture, or the whole batch ---- */

struct sums {
    const sums_kernels *kernels;
    const pnn_tensor *x, *dy, *moments; /* dy and moments NULL: sums of x and its square */
    size_t groups, pixels;              /* of a group */
    size_t chunk, chunks;               /* pixels of a task, tasks of a group */
    double *partial;                    /* [groups][chunks][2][c] */
    float *shift;                       /* [groups][c] */
};

static size_t partial_doubles(const pnn_tensor *x, size_t groups)
{
    size_t pixels = pnn_positions(x) / groups;
    return groups * pln_div_up(pixels, pnn_task_pixels(x->d[3])) * 2 * x->d[3];
}

static size_t sums_bytes(const pnn_tensor *x, size_t groups)
{
    return partial_doubles(x, groups) * sizeof(double) + groups * x->d[3] * sizeof(float);
}

/* The mean of a few pixels from all over each group. */
static void set_shifts(const struct sums *s)
{
    enum { MOST = 16 };
    size_t c = s->x->d[3], n = pln_min(MOST, s->pixels);
    for (size_t g = 0; g < s->groups; g++)
        for (size_t k = 0; k < c; k++) {
            double sum = 0;
            for (size_t i = 0; i < n; i++)
                sum += (double)((const float *)s->x
                                    ->data)[(g * s->pixels + i * s->pixels / n) * s->x->stride + k];
            s->shift[g * c + k] = (float)(sum / (double)n);
        }
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
        s->kernels->moments(n, x, s->x->stride, c, s->shift + group * c, sum, sum + c);
}

static pln_status sum_groups(pln_context *ctx, struct sums *s)
{
    size_t c = s->x->d[3];
    pln_status status;

    s->kernels = PLN_KERNELS_PICK(ctx, pln_sums_kernels);
    s->pixels = pnn_positions(s->x) / s->groups;
    s->chunk = pnn_task_pixels(c);
    s->chunks = pln_div_up(s->pixels, s->chunk);
    s->shift = (float *)(s->partial + partial_doubles(s->x, s->groups));
    if (!s->dy) set_shifts(s);
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
        const float *shift = sums.shift + g * c;
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

/* ---- Normalising and its gradient ---- */

/* Tables of c values for each group: y = (x - mean) scale + beta, scale = gamma / sqrt(var + eps);
 * dx = scale dy - offset - (x - mean) lean, offset = scale s0 / m, lean = scale s1 / (m sqrt(var +
 * eps)). Constant moments: offset and lean are 0. */
struct norm {
    const pixel_kernels *kernels;
    const pnn_call *call;
    const float *scale, *lean, *offset;
    size_t pixels;        /* of a group */
    size_t chunk, chunks; /* pixels of a task, tasks of a group */
};

static void *pixel_of(const pnn_tensor *t, size_t at)
{
    if (!t->data) return NULL;
    return (char *)t->data + at * t->stride * (t->type == PNN_BF16 ? 2 : 4);
}

static void norm_task(void *arg, size_t index, int thread)
{
    const struct norm *n = arg;
    const pnn_call *call = n->call;
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    size_t c = x->d[3], group = index / n->chunks, from = index % n->chunks * n->chunk;
    size_t count = pln_min(n->chunk, n->pixels - from), at = group * n->pixels + from;
    const float *mean = moment_row(&call->in[1], group, 0), *scale = n->scale + group * c;
    (void)thread;
    if (call->v->op == PNN_OP_NORM) {
        const pnn_tensor *residual = &call->in[4];
        const pixel_norm p = {.x = pixel_of(x, at),
                              .x_step = x->stride,
                              .mean = mean,
                              .scale = scale,
                              .beta = call->in[3].data,
                              .residual = pixel_of(residual, at),
                              .residual_step = residual->stride,
                              .residual_half = residual->type == PNN_BF16,
                              .relu = call->v->attr.norm.relu,
                              .y = pixel_of(y, at),
                              .y_step = y->stride,
                              .y_half = y->type == PNN_BF16};
        n->kernels->normalise(count, c, &p);
    } else {
        n->kernels->normalise_grad(count, pixel_of(&call->in[3], at), call->in[3].stride,
                                   pixel_of(x, at), x->stride, c, mean, scale, n->lean + group * c,
                                   n->offset + group * c, pixel_of(y, at), y->stride);
    }
}

static pln_status run_norm(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *x = &call->in[0], *sums = &call->in[4];
    const float *gamma = call->in[2].data;
    size_t groups = call->in[1].d[0], c = x->d[3], pixels = pnn_positions(x) / groups;
    float *scale = work, *lean = scale + groups * c, *offset = lean + groups * c;
    bool sloped = call->v->op == PNN_OP_NORM_GRAD, constant = call->v->attr.norm.constant;
    struct norm n = {.kernels = PLN_KERNELS_PICK(ctx, pln_pixel_kernels),
                     .call = call,
                     .scale = scale,
                     .lean = lean,
                     .offset = offset,
                     .pixels = pixels,
                     .chunk = pnn_task_pixels(c)};

    (void)k;
    n.chunks = pln_div_up(pixels, n.chunk);
    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < c; i++) {
            double r = scale_of(call, g, i), a = (double)gamma[i] * r, m = (double)pixels;
            bool leans = sloped && !constant;
            scale[g * c + i] = (float)a;
            if (!sloped) continue;
            offset[g * c + i] = leans ? (float)(a * (double)moment_row(sums, g, 0)[i] / m) : 0;
            lean[g * c + i] = leans ? (float)(a * r * (double)moment_row(sums, g, 1)[i] / m) : 0;
        }
    return pln_parallel(ctx, groups * n.chunks, norm_task, &n);
}

pln_status pnn_cpu_prepare_norm(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx;
    switch (call->v->op) {
    case PNN_OP_MOMENTS:
        *kernel = (pnn_kernel){.run = run_moments, .name = "shifted sums"};
        kernel->work_bytes = sums_bytes(&call->in[0], call->out.d[0]);
        return PLN_OK;
    case PNN_OP_NORM_REDUCE:
        *kernel = (pnn_kernel){.run = run_reduce, .name = "sums"};
        kernel->work_bytes = sums_bytes(&call->in[0], call->out.d[0]);
        return PLN_OK;
    default:
        *kernel = (pnn_kernel){.run = run_norm, .name = "pixels"};
        kernel->work_bytes = 3 * call->in[1].d[0] * call->in[0].d[3] * sizeof(float);
        return PLN_OK;
    }
}
