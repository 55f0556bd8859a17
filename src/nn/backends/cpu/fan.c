/* SPDX-License-Identifier: MIT */
/* Fan's energy and its gradient: solve's, a picture after the other. */
#include "nn/backends/cpu/cpu.h"

static const float *picture(const pnn_tensor *t, size_t n)
{
    return (const float *)t->data + n * t->d[1] * t->d[2] * t->stride;
}

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *T = &call->in[0], *I = &call->in[1], *GB = &call->in[2];
    pln_status s = PLN_OK;
    (void)k;
    for (size_t n = 0; n < T->d[0]; n++) {
        const pln_fan_problem p = {
            .energy = &call->v->attr.fan,
            .w = T->d[2],
            .h = T->d[1],
            .T = picture(T, n),
            .I = picture(I, n),
            .GB = picture(GB, n),
            .T_step = T->stride,
            .I_step = I->stride,
            .GB_step = GB->stride,
        };
        pln_fan_terms terms;
        float *y = (float *)picture(&call->out, n);
        PLN_TRY(pln_fan_evaluate(ctx, &p, work, 1, y, call->out.stride, &terms));
        for (size_t i = 0; i < p.w * p.h; i++) y[i * call->out.stride + 3] = (float)terms.total;
    }
done:
    return s;
}

pln_status pnn_cpu_prepare_fan(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx;
    *kernel = (pnn_kernel){
        .run = run,
        .work_bytes = pln_fan_space(call->in[0].d[2], call->in[0].d[1], call->v->attr.fan.radius),
        .name = "fan"};
    return PLN_OK;
}
