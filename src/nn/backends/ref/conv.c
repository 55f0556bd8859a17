/* SPDX-License-Identifier: MIT */
/* Convolution and its two gradients. Tap (ky, kx) joins output pixel (y, x) with input pixel
 * (y stride + ky dilation - pad_top, x stride + kx dilation - pad_left). */
#include "nn/backends/ref/ref.h"

/* Input coordinate of a tap; false outside [0, side). */
static bool forward_tap(size_t out, size_t tap, int stride, int dilation, int pad, size_t side,
                        size_t *in)
{
    size_t at = out * (size_t)stride + tap * (size_t)dilation;
    *in = at - (size_t)pad;
    return at >= (size_t)pad && *in < side;
}

/* The output coordinate whose tap falls on this input; false if there is none in [0, side). */
static bool backward_tap(size_t in, size_t tap, int stride, int dilation, int pad, size_t side,
                         size_t *out)
{
    size_t at = in + (size_t)pad, from = tap * (size_t)dilation;
    *out = (at - from) / (size_t)stride;
    return at >= from && (at - from) % (size_t)stride == 0 && *out < side;
}

/* y = act(sum + bias [+ residual]) [+ residual] */
static double finish(const pnn_call *call, double sum, size_t n, size_t y, size_t x, size_t o)
{
    const pnn_epilogue *e = &call->v->attr.conv.e;
    const pnn_tensor *bias = &call->in[2], *residual = &call->in[3];
    double r = residual->data ? pnn_ref_get(residual, pnn_ref_at(residual, n, y, x, o)) : 0;
    if (bias->data) sum += pnn_ref_get(bias, o);
    if (e->residual_before) sum += r;
    switch (e->act) {
    case PNN_ACT_NONE:
        break;
    case PNN_ACT_RELU:
        sum = pnn_unary_value(PNN_RELU, sum, 0, 0);
        break;
    case PNN_ACT_LEAKY_RELU:
        sum = pnn_unary_value(PNN_LEAKY_RELU, sum, e->slope, 0);
        break;
    case PNN_ACT_RELU6:
        sum = pnn_unary_value(PNN_RELU6, sum, 0, 0);
        break;
    }
    return e->residual_after ? sum + r : sum;
}

void pnn_ref_conv(const pnn_call *call, double *sums)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_tensor *in = &call->in[0], *weight = &call->in[1], *out = &call->out;
    size_t per_group = weight->d[1], outs = weight->d[0] / (size_t)a->groups, v, u;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        size_t first = at[3] / outs * per_group;
        for (size_t ky = 0; ky < weight->d[2]; ky++) {
            if (!forward_tap(at[1], ky, a->stride, a->dilation, a->pad_top, in->d[1], &v)) continue;
            for (size_t kx = 0; kx < weight->d[3]; kx++) {
                if (!forward_tap(at[2], kx, a->stride, a->dilation, a->pad_left, in->d[2], &u))
                    continue;
                size_t x = pnn_ref_at(in, at[0], v, u, first);
                for (size_t c = 0; c < per_group; c++)
                    sum += pnn_ref_get(in, x + c) *
                           pnn_ref_get(weight, pnn_ref_at(weight, at[3], c, ky, kx));
            }
        }
        pnn_ref_put(out, pnn_ref_nth(out, i), finish(call, sum, at[0], at[1], at[2], at[3]));
    }
}

void pnn_ref_conv_data(const pnn_call *call, double *sums)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_tensor *dy = &call->in[0], *weight = &call->in[1], *out = &call->out;
    size_t per_group = weight->d[1], outs = weight->d[0] / (size_t)a->groups, y, x;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        size_t first = at[3] / per_group * outs, c = at[3] % per_group;
        for (size_t ky = 0; ky < weight->d[2]; ky++) {
            if (!backward_tap(at[1], ky, a->stride, a->dilation, a->pad_top, dy->d[1], &y))
                continue;
            for (size_t kx = 0; kx < weight->d[3]; kx++) {
                if (!backward_tap(at[2], kx, a->stride, a->dilation, a->pad_left, dy->d[2], &x))
                    continue;
                size_t from = pnn_ref_at(dy, at[0], y, x, first);
                for (size_t o = 0; o < outs; o++)
                    sum += pnn_ref_get(dy, from + o) *
                           pnn_ref_get(weight, pnn_ref_at(weight, first + o, c, ky, kx));
            }
        }
        pnn_ref_put(out, pnn_ref_nth(out, i), finish(call, sum, at[0], at[1], at[2], at[3]));
    }
}

void pnn_ref_conv_weight(const pnn_call *call, double *sums)
{
    const pnn_conv_attr *a = &call->v->attr.conv.a;
    const pnn_tensor *in = &call->in[0], *dy = &call->in[1], *out = &call->out;
    size_t outs = out->d[0] / (size_t)a->groups, v, u;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4]; /* o, c, ky, kx */
        double sum = 0;
        pnn_ref_indices(out, i, at);
        size_t c = at[0] / outs * out->d[1] + at[1];
        for (size_t n = 0; n < dy->d[0]; n++)
            for (size_t y = 0; y < dy->d[1]; y++) {
                if (!forward_tap(y, at[2], a->stride, a->dilation, a->pad_top, in->d[1], &v))
                    continue;
                for (size_t x = 0; x < dy->d[2]; x++)
                    if (forward_tap(x, at[3], a->stride, a->dilation, a->pad_left, in->d[2], &u))
                        sum += pnn_ref_get(dy, pnn_ref_at(dy, n, y, x, at[0])) *
                               pnn_ref_get(in, pnn_ref_at(in, n, v, u, c));
            }
        pnn_ref_put(out, pnn_ref_nth(out, i), sum);
    }
}
