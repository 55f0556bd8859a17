/* SPDX-License-Identifier: MIT */
/* Convolutions: which kernel for which shape, by measurement. 3x3 of stride 1 in f32 goes to
 * Winograd, at any dilation; all else to oneDNN's direct kernels. */
#include <string.h>

#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/onednn.h"
#include "nn/backends/cpu/winograd.h"

/* ---- Winograd ---- */

struct winograd {
    pln_wino_shape shape;
    bool gradient, fixed;
    _Alignas(64) float u[];
};

static void transform(const struct winograd *k, const float *w, float *u)
{
    pln_wino_weights(w, PLN_CONV_OIYX, k->gradient ? k->shape.cout : k->shape.cin,
                     k->gradient ? k->shape.cin : k->shape.cout, k->gradient, u);
}

static pln_status run_winograd(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                               void *work)
{
    struct winograd *k = kernel->state;
    const pnn_epilogue *e = &call->v->attr.conv.e;
    const pnn_tensor *r = &call->in[3];
    pln_conv_epilogue epilogue = {
        .bias = call->in[2].data,
        .residual = r->data,
        .residual_stride = r->stride,
        .residual_last = e->residual_after,
        .activate = e->act != PNN_ACT_NONE,
        .slope = e->act == PNN_ACT_LEAKY_RELU ? (float)e->slope : 0,
    };
    if (!k->fixed) transform(k, call->in[1].data, k->u);
    return pln_wino_forward(ctx, &k->shape, call->in[0].data, call->in[0].stride, k->u, &epilogue,
                            call->out.data, call->out.stride, work);
}

/* Channels are padded to panels of 16: few or odd ones would waste the gain. */
static bool worth_padding(size_t cin, size_t cout)
{
    size_t padded = pln_div_up(cin, 16) * pln_div_up(cout, 16) * 256;
    return cin >= 16 && cout >= 16 && 5 * padded <= 8 * cin * cout;
}

static bool takes_winograd(const pnn_call *call)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_epilogue *e = &call->v->attr.conv.e;
    int d = a->dilation;
    bool same = a->pad_top == d && a->pad_left == d && a->pad_bottom == d && a->pad_right == d;
    bool f32 = call->in[0].type == PNN_F32 && call->out.type == PNN_F32 &&
               (!call->in[3].data || call->in[3].type == PNN_F32);
    return call->v->op != PNN_OP_CONV_WEIGHT && a->kh == 3 && a->kw == 3 && a->stride == 1 &&
           a->groups == 1 && same && f32 && e->act != PNN_ACT_RELU6 &&
           worth_padding(call->in[0].d[3], call->out.d[3]);
}

static pln_status prepare_winograd(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    const pnn_tensor *x = &call->in[0];
    struct winograd *k = NULL;
    size_t floats = pln_wino_weights_floats(x->d[3], call->out.d[3]);
    pln_status s = pln_alloc(ctx, 1, sizeof *k + floats * sizeof *k->u, &k);
    if (s) return s;
    k->shape = (pln_wino_shape){x->d[0], x->d[1],        x->d[2],
                                x->d[3], call->out.d[3], (size_t)call->v->attr.conv.a.dilation};
    k->gradient = call->v->op == PNN_OP_CONV_DATA;
    k->fixed = call->fixed[1];
    if (k->fixed) transform(k, call->in[1].data, k->u);
    *kernel = (pnn_kernel){
        .run = run_winograd,
        .release = pln_free,
        .state = k,
        .work_bytes = pln_wino_forward_floats(&k->shape, pln_context_threads(ctx)) * sizeof(float),
        .name = "winograd"};
    return PLN_OK;
}

pln_status pnn_cpu_prepare_conv(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    if (takes_winograd(call)) return prepare_winograd(ctx, call, kernel);
    return pnn_onednn_prepare(ctx, call, kernel);
}
