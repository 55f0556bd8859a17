/* SPDX-License-Identifier: MIT */
/* Pooling and resizing. */
#include "nn/backends/cuda/cuda.h"

pln_status cu_prepare_pool(cu_job *job, const pnn_call *call)
{
    pnn_op op = call->v->op;
    cu_pool p = {.y = cu_view_of(&call->out), .k = (size_t)call->v->attr.k};
    const pnn_tensor *dy = op == PNN_OP_MAX_POOL_GRAD ? &call->in[1] : &call->in[0];
    cu_kernel kernel = op == PNN_OP_MAX_POOL        ? CU_max_pool
                       : op == PNN_OP_MAX_POOL_GRAD ? CU_max_pool_grad
                       : op == PNN_OP_AVERAGE_POOL  ? CU_average_pool
                                                    : CU_average_pool_grad;
    p.x = cu_view_of(&call->in[0]);
    p.dy = cu_view_of(dy);
    p.cells[0] = dy->d[1];
    p.cells[1] = dy->d[2];
    cu_copy4(p.d, call->out.d);
    return cu_job_launch(job, kernel, &p, sizeof p, pnn_elements(&call->out), NULL);
}

pln_status cu_prepare_resize(cu_job *job, const pnn_call *call)
{
    bool forward = call->v->op == PNN_OP_RESIZE;
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    cu_resize p = {
        .x = cu_view_of(x), .y = cu_view_of(y), .align_corners = call->v->attr.align_corners};
    cu_copy4(p.from, forward ? x->d : y->d);
    cu_copy4(p.to, forward ? y->d : x->d);
    return cu_job_launch(job, forward ? CU_resize : CU_resize_grad, &p, sizeof p, pnn_elements(y),
                         NULL);
}
