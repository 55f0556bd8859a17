/* SPDX-License-Identifier: MIT */
/* Guide maps of Fan's energy: decisions, which every back end leaves to the same code. */
#include "nn/backends/backend.h"

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    const pnn_tensor *x = &call->in[0], *saliency = &call->in[1], *out = &call->out;
    size_t pixels = out->d[1] * out->d[2];
    pln_status s = PLN_OK;
    (void)k;
    for (size_t n = 0; n < out->d[0]; n++) {
        const float *S = saliency->data;
        PLN_TRY(pln_fan_maps(ctx, call->v->attr.fan_guide, out->d[2], out->d[1],
                             (const float *)x->data + n * pixels * x->stride, x->stride,
                             S ? S + n * pixels * saliency->stride : NULL, saliency->stride, work,
                             (float *)out->data + n * pixels * out->stride, out->stride));
    }
done:
    return s;
}

pln_status pnn_prepare_fan_maps(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    (void)ctx;
    *kernel = (pnn_kernel){.run = run,
                           .work_bytes = pln_fan_maps_space(call->out.d[2], call->out.d[1]),
                           .name = "fan"};
    return PLN_OK;
}
