/* SPDX-License-Identifier: MIT */
/* Normalisation. Moments and sums have one row for the batch or one for each picture. */
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

/* Rows x 1 x 2 x c, one row repeated along N where there is one. */
static cu_view rows_of(const pnn_tensor *t)
{
    cu_view v = cu_view_of(t);
    if (t->d[0] == 1) v.step[0] = 0;
    return v;
}

/* MOMENTS, NORM_REDUCE */
static pln_status sums(cu_job *job, const pnn_call *call)
{
    static const int patches[] = {offsetof(cu_finish, in), -1};
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    bool moments = call->v->op == PNN_OP_MOMENTS;
    size_t rows = out->d[0], pairs;
    cu_partial p = {.fn = moments ? CU_MOMENTS : CU_NORM_DY,
                    .x = cu_view_of(x),
                    .kept = {rows, 1, 1, x->d[3]},
                    .box = {x->d[0] / rows, x->d[1], x->d[2], 1},
                    .eps = call->v->attr.norm.eps};
    if (!moments) {
        p.y = cu_view_of(&call->in[2]);
        p.moments = rows_of(&call->in[1]);
    }
    pln_status s = cu_launch_sums(job, p, false, &pairs);
    if (s) return s;
    cu_finish f = {.fn = p.fn,
                   .in = cu_later(pairs),
                   .x = p.x,
                   .y = cu_view_of(out),
                   .factor = moments ? 1 / (double)cu_count(p.box) : 1};
    cu_copy4(f.kept, p.kept);
    return cu_job_launch(job, CU_finish, &f, sizeof f, cu_count(p.kept), patches);
}

pln_status cu_prepare_norm(cu_job *job, const pnn_call *call)
{
    const pnn_tensor *x = &call->in[0], *moments = &call->in[1], *out = &call->out;
    bool forward = call->v->op == PNN_OP_NORM;
    if (call->v->op == PNN_OP_MOMENTS || call->v->op == PNN_OP_NORM_REDUCE) return sums(job, call);
    cu_norm p = {.x = cu_view_of(x),
                 .moments = rows_of(moments),
                 .gamma = cu_view_of(&call->in[2]),
                 .y = cu_view_of(out),
                 .eps = call->v->attr.norm.eps,
                 .count = (double)(pnn_positions(x) / moments->d[0]),
                 .constant = call->v->attr.norm.constant};
    cu_copy4(p.d, out->d);
    if (forward) {
        p.beta = cu_view_of(&call->in[3]);
    } else {
        p.dy = cu_view_of(&call->in[3]);
        if (!p.constant) p.sums = rows_of(&call->in[4]);
    }
    return cu_job_launch(job, forward ? CU_norm : CU_norm_grad, &p, sizeof p, pnn_elements(out),
                         NULL);
}
