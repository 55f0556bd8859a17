/* SPDX-License-Identifier: MIT */
/* Means over the devices of several processes. */
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

pln_status cu_prepare_group(cu_job *job, const pnn_call *call)
{
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    size_t n = pnn_elements(y);
    cu_view dense = {.step = {y->d[1] * y->d[2] * y->d[3], y->d[2] * y->d[3], y->d[3], 1}};
    pln_status s = PLN_OK;

    if (pnn_dense(y) && y->type == PNN_F32) {
        if (x->data != y->data) PLN_TRY(cu_launch_copy(job, cu_view_of(x), cu_view_of(y), y->d));
        return cu_job_mean(job, y->data, n, false);
    }
    static const int out[] = {offsetof(cu_pointwise, out.data), -1},
                     in[] = {offsetof(cu_pointwise, in[0].data), -1};
    cu_view from = cu_view_of(x);
    dense.data = cu_later(cu_job_work(job, n * sizeof(float)) + 1);
    PLN_TRY(cu_launch_program(job, NULL, 0, &from, 1, dense, y->d, out));
    PLN_TRY(cu_job_mean(job, dense.data, n, true));
    s = cu_launch_program(job, NULL, 0, &dense, 1, cu_view_of(y), y->d, in);
done:
    return s;
}
