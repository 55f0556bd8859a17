/* SPDX-License-Identifier: MIT */
/* Noise, and steps of Adam. */
#include "nn/backends/cuda/cuda.h"

static pln_status noise(cu_job *job, const pnn_call *call)
{
    cu_noise p = {
        .y = cu_view_of(&call->out), .seed = call->device->seed, .stream = call->v->attr.stream};
    cu_copy4(p.d, call->out.d);
    return cu_job_launch(job, CU_noise, &p, sizeof p, pnn_elements(&call->out), NULL);
}

pln_status cu_prepare_update(cu_job *job, const pnn_call *call)
{
    const pnn_adam *a = &call->v->attr.adam;
    const pnn_tensor *in = call->in;
    if (call->v->op == PNN_OP_NOISE) return noise(job, call);
    cu_adam p = {.w = cu_view_of(&in[0]),
                 .m = cu_view_of(&in[1]),
                 .v = cu_view_of(&in[2]),
                 .g = cu_view_of(&in[3]),
                 .count = pnn_elements(&in[0]),
                 .rate = in[4].data,
                 .beta1 = a->beta1,
                 .beta2 = a->beta2,
                 .eps = a->eps};
    cu_copy4(p.d, in[0].d);
    return cu_job_launch(job, CU_adam, &p, sizeof p, cu_adam_threads(p.count), NULL);
}
