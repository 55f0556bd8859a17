/* SPDX-License-Identifier: MIT */
/* Means over processes: communication, which back ends in the host's memory share. */
#include <string.h>

#include "nn/backends/backend.h"

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_group *group = &call->v->attr.group;
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    size_t c = y->d[3];
    float *dense = work;
    (void)ctx, (void)k;
    for (size_t i = 0; i < pnn_positions(y); i++)
        memcpy(dense + i * c, (const float *)x->data + i * x->stride, c * sizeof *dense);
    pln_status s = group->mean(group->user, dense, pnn_elements(y));
    for (size_t i = 0; i < pnn_positions(y); i++)
        memcpy((float *)y->data + i * y->stride, dense + i * c, c * sizeof *dense);
    return s;
}

pln_status pnn_prepare_group_mean(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx;
    *kernel = (pnn_kernel){
        .run = run, .work_bytes = pnn_elements(&call->out) * sizeof(float), .name = "group"};
    return PLN_OK;
}
