/* SPDX-License-Identifier: MIT */
/* Bilinear resizing. The neighbours and weights of all rows and columns are tables made once. The
 * gradient gathers: a row of it is the sum of the rows that were mixed from it, whose columns then
 * go where they came from. */
#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/pixel_kernels.h"

struct range {
    size_t from, to;
};

struct tables {
    const pixel_kernels *kernels;
    pnn_mix *rows, *cols;
    struct range *users; /* of each row of x: the rows of y mixed from it */
};

static void mix_line(pnn_mix *mix, size_t in, size_t out, bool align_corners)
{
    for (size_t i = 0; i < out; i++) {
        double at = 0;
        if (!align_corners)
            at = ((double)i + 0.5) * (double)in / (double)out - 0.5;
        else if (out > 1)
            at = (double)i * (double)(in - 1) / (double)(out - 1);
        at = at > 0 ? at : 0;
        size_t low = pln_min((size_t)at, in - 1), high = pln_min(low + 1, in - 1);
        mix[i] = (pnn_mix){{(uint32_t)low, (uint32_t)high}, (float)(at - (double)low)};
        if (low == high) mix[i].weight = 0;
    }
}

/* Neighbours move monotonically, so that the users of a row follow each other. */
static void find_users(struct range *users, size_t in, const pnn_mix *mix, size_t out)
{
    for (size_t i = 0; i < in; i++) users[i] = (struct range){out, 0};
    for (size_t i = 0; i < out; i++)
        for (int j = 0; j < 2; j++) {
            struct range *r = &users[mix[i].at[j]];
            r->from = pln_min(r->from, i);
            r->to = pln_max(r->to, i + 1);
        }
}

struct resize {
    const struct tables *tables;
    const pnn_tensor *x, *y; /* or dx, dy */
    size_t rows;             /* of a task */
    float *work;             /* a row of y for each thread */
};

static float *row_of(const pnn_tensor *t, size_t n, size_t y)
{
    return (float *)t->data + (n * t->d[1] + y) * t->d[2] * t->stride;
}

static void resize_task(void *arg, size_t index, int thread)
{
    const struct resize *s = arg;
    const pnn_tensor *x = s->x, *y = s->y;
    size_t h = y->d[1], end = pln_min(y->d[0] * h, (index + 1) * s->rows);

    (void)thread;
    for (size_t i = index * s->rows; i < end; i++) {
        const pnn_mix *v = &s->tables->rows[i % h];
        s->tables->kernels->resize(y->d[2], s->tables->cols, v->weight, row_of(x, i / h, v->at[0]),
                                   row_of(x, i / h, v->at[1]), x->stride, x->d[3],
                                   row_of(y, i / h, i % h), y->stride);
    }
}

static void grad_task(void *arg, size_t index, int thread)
{
    const struct resize *s = arg;
    const pnn_tensor *dx = s->x, *dy = s->y;
    size_t h = dx->d[1], c = dx->d[3], end = pln_min(dx->d[0] * h, (index + 1) * s->rows);
    float *sum = s->work + (size_t)thread * dy->d[2] * c;

    for (size_t i = index * s->rows; i < end; i++) {
        struct range users = s->tables->users[i % h];
        float *to = row_of(dx, i / h, i % h);
        for (size_t k = 0; k < dy->d[2] * c; k++) sum[k] = 0;
        for (size_t u = users.from; u < users.to; u++) {
            const pnn_mix *v = &s->tables->rows[u];
            float weight =
                (v->at[0] == i % h ? 1 - v->weight : 0) + (v->at[1] == i % h ? v->weight : 0);
            s->tables->kernels->add_scaled(dy->d[2], weight, row_of(dy, i / h, u), dy->stride, c,
                                           sum);
        }
        for (size_t j = 0; j < dx->d[2]; j++)
            for (size_t k = 0; k < c; k++) to[j * dx->stride + k] = 0;
        s->tables->kernels->resize_grad(dy->d[2], s->tables->cols, sum, c, to, dx->stride);
    }
}

static pln_status run_resize(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                             void *work)
{
    const struct tables *t = kernel->state;
    bool grad = call->v->op == PNN_OP_RESIZE_GRAD;
    struct resize s = {.tables = t,
                       .x = grad ? &call->out : &call->in[0],
                       .y = grad ? &call->in[0] : &call->out,
                       .work = work};
    size_t rows = call->out.d[0] * call->out.d[1];

    s.rows = pnn_task_pixels(pln_max(s.x->d[2], s.y->d[2]) * s.x->d[3]);
    return pln_parallel(ctx, pln_div_up(rows, s.rows), grad ? grad_task : resize_task, &s);
}

pln_status pnn_cpu_prepare_resize(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    bool grad = call->v->op == PNN_OP_RESIZE_GRAD, corners = call->v->attr.align_corners;
    const size_t *x = grad ? call->out.d : call->in[0].d, *y = grad ? call->in[0].d : call->out.d;
    struct tables *t;
    pln_status s = PLN_OK;

    /* One block: the structure, users, rows, columns. */
    PLN_TRY(pln_alloc(ctx, 1, sizeof *t + x[1] * sizeof *t->users + (y[1] + y[2]) * sizeof *t->rows,
                      &t));
    t->kernels = PLN_KERNELS_PICK(ctx, pln_pixel_kernels);
    t->users = (struct range *)(t + 1);
    t->rows = (pnn_mix *)(t->users + x[1]);
    t->cols = t->rows + y[1];
    mix_line(t->rows, x[1], y[1], corners);
    mix_line(t->cols, x[2], y[2], corners);
    find_users(t->users, x[1], t->rows, y[1]);
    *kernel = (pnn_kernel){
        .run = run_resize, .release = pln_free, .state = t, .name = grad ? "gather" : "rows"};
    if (grad) kernel->work_bytes = (size_t)pln_context_threads(ctx) * y[2] * y[3] * sizeof(float);
done:
    return s;
}
