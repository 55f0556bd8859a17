/* SPDX-License-Identifier: MIT */
/* Maximum and mean in one walk through memory, over the channels of each pixel or over the pixels
 * of each picture. */
#include <math.h>

#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/max_mean_kernels.h"

struct max_mean {
    const max_mean_kernels *k;
    const pnn_call *call;
    size_t pixels, chunk, chunks; /* of a picture; pixels of a task; tasks of a picture */
    double *sums;                 /* over pixels: [picture][chunk][c] */
    float *most;                  /* likewise */
};

static struct max_mean plan_of(const pnn_call *call)
{
    const pnn_tensor *x = &call->in[0];
    struct max_mean m = {
        .call = call, .pixels = x->d[1] * x->d[2], .chunk = pnn_task_pixels(x->d[3])};
    m.chunks = pln_div_up(m.pixels, m.chunk);
    return m;
}

static bool over_channels(const pnn_call *call) { return call->v->attr.reduce.axes == PNN_OVER_C; }

static void task(void *arg, size_t index, int thread)
{
    const struct max_mean *m = arg;
    const pnn_tensor *x = &m->call->in[0], *factor = &m->call->in[1], *y = &m->call->out;
    size_t c = x->d[3], picture = index / m->chunks, from = index % m->chunks * m->chunk;
    size_t n = pln_min(m->chunk, m->pixels - from), at = picture * m->pixels + from;
    const float *values = (const float *)x->data + at * x->stride, *f = factor->data;

    (void)thread;
    if (over_channels(m->call)) {
        if (f && factor->d[0] > 1) f += picture * factor->stride;
        m->k->channels(n, values, x->stride, c, f, (float *)y->data + at * y->stride, y->stride);
        return;
    }
    float *most = m->most + index * c;
    double *sum = m->sums + index * c;
    for (size_t k = 0; k < c; k++) most[k] = -INFINITY, sum[k] = 0;
    m->k->pixels(n, values, x->stride, c, most, sum);
}

/* The chunks of a picture, in their order. */
static void finish(const struct max_mean *m, size_t picture)
{
    const pnn_tensor *y = &m->call->out;
    size_t c = y->d[3], first = picture * m->chunks * c;
    float *row = (float *)y->data + 2 * picture * y->stride;
    for (size_t k = 0; k < c; k++) {
        float most = -INFINITY;
        double sum = 0;
        for (size_t i = 0; i < m->chunks; i++) {
            float v = m->most[first + i * c + k];
            most = v > most ? v : most;
            sum += m->sums[first + i * c + k];
        }
        row[k] = most;
        row[y->stride + k] = (float)(sum / (double)m->pixels);
    }
}

static pln_status run(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call, void *work)
{
    struct max_mean m = plan_of(call);
    size_t pictures = call->in[0].d[0];
    pln_status s = PLN_OK;

    (void)kernel;
    m.k = PLN_KERNELS_PICK(ctx, pln_max_mean_kernels);
    m.sums = work;
    m.most = (float *)(m.sums + pictures * m.chunks * call->in[0].d[3]);
    PLN_TRY(pln_parallel(ctx, pictures * m.chunks, task, &m));
    for (size_t i = 0; i < pictures && !over_channels(call); i++) finish(&m, i);
done:
    return s;
}

pln_status pnn_cpu_prepare_max_mean(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    const pnn_tensor *x = &call->in[0];
    size_t values = over_channels(call) ? 0 : x->d[0] * plan_of(call).chunks * x->d[3];
    (void)ctx;
    *kernel = (pnn_kernel){
        .run = run, .work_bytes = values * (sizeof(double) + sizeof(float)), .name = "one walk"};
    return PLN_OK;
}
