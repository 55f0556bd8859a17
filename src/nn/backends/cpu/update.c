/* SPDX-License-Identifier: MIT */
/* A step of Adam. Its rates are bias-corrected in double. */
#include <math.h>

#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/pointwise_kernels.h"

struct update {
    const pointwise_kernels *kernels;
    const pnn_call *call;
    pnn_adam_factors factors;
    size_t row, rows; /* values that follow each other in every operand, and how many such runs */
    size_t task_rows, task_row;
};

static void update_row(const struct update *u, size_t row, size_t from, size_t n)
{
    const pnn_tensor *t = u->call->in;
    float *at[4];
    for (int i = 0; i < 4; i++) at[i] = (float *)t[i].data + row * t[i].stride + from;
    u->kernels->adam(n, at[3], u->factors, at[1], at[2], at[0]);
}

static void update_task(void *arg, size_t index, int thread)
{
    const struct update *u = arg;
    size_t parts = pln_div_up(u->row, u->task_row), from = index % parts * u->task_row;
    size_t end = pln_min(u->rows, (index / parts + 1) * u->task_rows);
    (void)thread;
    for (size_t i = index / parts * u->task_rows; i < end; i++)
        update_row(u, i, from, pln_min(u->task_row, u->row - from));
}

static pln_status run_adam(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                           void *work)
{
    const pnn_adam *a = &call->v->attr.adam;
    const float *rate = call->in[4].data;
    double step = (double)rate[1];
    double unbias1 = 1 - pow(a->beta1, step), unbias2 = 1 - pow(a->beta2, step);
    struct update u = {.kernels = PLN_KERNELS_PICK(ctx, pln_pointwise_kernels),
                       .call = call,
                       .factors = {.keep1 = (float)a->beta1,
                                   .take1 = (float)(1 - a->beta1),
                                   .keep2 = (float)a->beta2,
                                   .take2 = (float)(1 - a->beta2),
                                   .rate = (float)((double)rate[0] / unbias1),
                                   .root = (float)(1 / sqrt(unbias2)),
                                   .eps = (float)a->eps},
                       .row = call->in[0].d[3],
                       .rows = pnn_positions(&call->in[0])};
    bool dense = true;

    (void)kernel, (void)work;
    for (int i = 0; i < 4; i++) dense = dense && pnn_dense(&call->in[i]);
    if (dense) {
        u.row *= u.rows;
        u.rows = 1;
    }
    u.task_row = pln_min(u.row, PNN_TASK_ELEMENTS);
    u.task_rows = pnn_task_pixels(u.task_row);
    return pln_parallel(ctx, pln_div_up(u.row, u.task_row) * pln_div_up(u.rows, u.task_rows),
                        update_task, &u);
}

pln_status pnn_cpu_prepare_adam(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx, (void)call;
    *kernel = (pnn_kernel){.run = run_adam, .name = "rows"};
    return PLN_OK;
}
