/* SPDX-License-Identifier: MIT */
/* Convolutions: which kernel for which shape, by measurement. 3x3 of stride 1 in f32 goes to
 * Winograd at any dilation, and 4x4 transposed of stride 2; few channels on one side to kernels of
 * our own; all else to oneDNN's direct kernels, which round to bf16 where the call says so. */
#include <string.h>

#include "nn/backends/cpu/conv_few.h"
#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/onednn.h"
#include "nn/backends/cpu/winograd.h"

static bool is_f32(const pnn_call *call)
{
    bool f32 = call->out.type == PNN_F32;
    for (int k = 0; k < 4; k++) f32 = f32 && (!call->in[k].data || call->in[k].type == PNN_F32);
    return f32;
}

static pln_conv_epilogue epilogue_of(const pnn_call *call)
{
    const pnn_epilogue *e = &call->v->attr.conv.e;
    return (pln_conv_epilogue){
        .bias = call->in[2].data,
        .residual = call->in[3].data,
        .residual_stride = call->in[3].stride,
        .residual_last = e->residual_after,
        .activate = e->act != PNN_ACT_NONE,
        .slope = e->act == PNN_ACT_LEAKY_RELU ? (float)e->slope : 0,
    };
}

/* ---- Winograd ---- */

static bool takes_winograd(const pnn_call *call)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    bool weight = call->v->op == PNN_OP_CONV_WEIGHT;
    size_t cin = call->in[0].d[3], cout = weight ? call->in[1].d[3] : call->out.d[3];
    int d = a->dilation;
    bool same = a->pad_top == d && a->pad_left == d && a->pad_bottom == d && a->pad_right == d;
    /* Channels are padded to panels of 16; Winograd gains 2.3 and more over direct kernels. */
    size_t padded = pln_div_up(cin, 16) * pln_div_up(cout, 16) * 256;
    return a->kh == 3 && a->kw == 3 && a->stride == 1 && a->groups == 1 && same && is_f32(call) &&
           call->v->attr.conv.e.act != PNN_ACT_RELU6 && cin > 4 && cout > 4 &&
           10 * padded <= 23 * cin * cout;
}

/* The weights are transformed at every run: under a hundredth of the work for a picture, where the
 * transformed weights of a deep network would be as much memory as its maps. */
static pln_status run_wino(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                           void *work)
{
    const pln_wino_shape *s = kernel->state;
    const pln_conv_epilogue e = epilogue_of(call);
    bool gradient = call->v->op == PNN_OP_CONV_DATA;
    float *u = work;
    pln_status status =
        pln_wino_weights(ctx, call->in[1].data, PLN_CONV_OIYX, gradient ? s->cout : s->cin,
                         gradient ? s->cin : s->cout, gradient, u);
    if (status) return status;
    return pln_wino_forward(ctx, s, call->in[0].data, call->in[0].stride, u, &e, call->out.data,
                            call->out.stride, u + pln_wino_weights_floats(s->cin, s->cout));
}

static pln_status run_wino_weight(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                                  void *work)
{
    return pln_wino_weights_gradient(ctx, kernel->state, call->in[0].data, call->in[0].stride,
                                     call->in[1].data, call->in[1].stride, PLN_CONV_OIYX,
                                     call->out.data, NULL, work);
}

/* Twice as high and wide by a kernel 4x4. */
static bool takes_wino_transposed(const pnn_call *call)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    size_t cin = x->d[3], cout = y->d[3];
    size_t padded = pln_div_up(cin, 16) * pln_div_up(cout, 16) * 256;
    return call->v->op == PNN_OP_CONV_DATA && a->kh == 4 && a->kw == 4 && a->stride == 2 &&
           a->dilation == 1 && a->groups == 1 && a->pad_top == 1 && a->pad_left == 1 &&
           y->d[1] == 2 * x->d[1] && y->d[2] == 2 * x->d[2] && is_f32(call) && cin > 4 &&
           cout > 4 && padded <= 2 * cin * cout;
}

static pln_status run_wino_transposed(pln_context *ctx, const pnn_kernel *kernel,
                                      const pnn_call *call, void *work)
{
    const pln_wino_shape *s = kernel->state;
    const pln_conv_epilogue e = epilogue_of(call);
    float *u = work;
    pln_status status = pln_wino_transposed_weights(ctx, call->in[1].data, s->cin, s->cout, u);
    if (status) return status;
    return pln_wino_transposed(ctx, s, call->in[0].data, call->in[0].stride, u, &e, call->out.data,
                               call->out.stride,
                               u + pln_wino_transposed_weights_floats(s->cin, s->cout));
}

static pln_status prepare_wino(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    const pnn_tensor *x = &call->in[0];
    bool weight = call->v->op == PNN_OP_CONV_WEIGHT;
    int threads = pln_context_threads(ctx);
    pln_wino_shape *k = NULL;
    pln_status s = pln_alloc(ctx, 1, sizeof *k, &k);
    if (s) return s;
    *k = (pln_wino_shape){x->d[0],
                          x->d[1],
                          x->d[2],
                          x->d[3],
                          weight ? call->in[1].d[3] : call->out.d[3],
                          (size_t)call->v->attr.conv.a.dilation};
    bool transposed = takes_wino_transposed(call);
    size_t u = transposed ? pln_wino_transposed_weights_floats(k->cin, k->cout)
                          : pln_wino_weights_floats(k->cin, k->cout);
    size_t floats = weight ? pln_wino_weights_gradient_floats(k, threads)
                           : u + pln_wino_forward_floats(k, threads);
    *kernel = (pnn_kernel){.run = weight       ? run_wino_weight
                                  : transposed ? run_wino_transposed
                                               : run_wino,
                           .release = pln_free,
                           .state = k,
                           .work_bytes = floats * sizeof(float),
                           .name = "winograd"};
    return PLN_OK;
}

/* ---- Few channels ---- */

/* The shape and the weights in the kernel's order, made once where they never change. */
struct few {
    pln_few_shape shape;
    bool fixed;
    _Alignas(64) float u[];
};

static pln_few_shape few_shape(const pnn_call *call)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_op op = call->v->op;
    const pnn_tensor *x = op == PNN_OP_CONV_DATA ? &call->out : &call->in[0],
                     *y = op == PNN_OP_CONV_DATA     ? &call->in[0]
                          : op == PNN_OP_CONV_WEIGHT ? &call->in[1]
                                                     : &call->out;
    return (pln_few_shape){.n = x->d[0],
                           .in_h = x->d[1],
                           .in_w = x->d[2],
                           .out_h = y->d[1],
                           .out_w = y->d[2],
                           .cin = x->d[3],
                           .cout = y->d[3],
                           .kernel_h = (size_t)a->kh,
                           .kernel_w = (size_t)a->kw,
                           .stride = (size_t)a->stride,
                           .dilation = (size_t)a->dilation,
                           .top = (size_t)a->pad_top,
                           .left = (size_t)a->pad_left};
}

static bool takes_few(const pnn_call *call)
{
    const pln_few_shape s = few_shape(call);
    return call->v->attr.conv.a.groups == 1 && is_f32(call) &&
           call->v->attr.conv.e.act != PNN_ACT_RELU6 && pln_few_supported(&s);
}

static pln_status run_few(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                          void *work)
{
    struct few *k = kernel->state;
    const pln_conv_epilogue e = epilogue_of(call);
    const pnn_tensor *x = &call->in[0], *y = &call->out;
    (void)work;
    if (!k->fixed) pln_few_weights(&k->shape, call->in[1].data, PLN_CONV_OIYX, k->u);
    return call->v->op == PNN_OP_CONV
               ? pln_few_forward(ctx, &k->shape, x->data, x->stride, k->u, &e, y->data, y->stride)
               : pln_few_gradient(ctx, &k->shape, x->data, x->stride, k->u, &e, y->data, y->stride);
}

static pln_status run_few_weight(pln_context *ctx, const pnn_kernel *kernel, const pnn_call *call,
                                 void *work)
{
    const struct few *k = kernel->state;
    return pln_few_weights_gradient(ctx, &k->shape, call->in[0].data, call->in[0].stride,
                                    call->in[1].data, call->in[1].stride, PLN_CONV_OIYX,
                                    call->out.data, NULL, work);
}

static pln_status prepare_few(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    const pln_few_shape shape = few_shape(call);
    bool weight = call->v->op == PNN_OP_CONV_WEIGHT;
    size_t floats = weight ? 0 : pln_few_weights_floats(&shape);
    struct few *k = NULL;
    pln_status s = pln_alloc(ctx, 1, sizeof *k + floats * sizeof *k->u, &k);
    if (s) return s;
    k->shape = shape;
    k->fixed = call->fixed[1];
    if (!weight && k->fixed) pln_few_weights(&shape, call->in[1].data, PLN_CONV_OIYX, k->u);
    *kernel = (pnn_kernel){.run = weight ? run_few_weight : run_few,
                           .release = pln_free,
                           .state = k,
                           .work_bytes =
                               weight ? pln_few_weights_gradient_floats(&shape) * sizeof(float) : 0,
                           .name = "few channels"};
    return PLN_OK;
}

pln_status pnn_cpu_prepare_conv(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    if (!call->narrow && (takes_winograd(call) || takes_wino_transposed(call)))
        return prepare_wino(ctx, call, kernel);
    if (takes_few(call)) return prepare_few(ctx, call, kernel);
    return pnn_onednn_prepare(ctx, call, kernel);
}
