/* SPDX-License-Identifier: MIT */
/* What surrounds a convolution, and convolutions of any kind one value at a time, for what no
 * engine of cuDNN takes. Tap (ky, kx) joins output pixel (y, x) with input pixel (y stride + ky
 * dilation - top, x stride + kx dilation - left). */
#ifndef PLN_DEVICE_KERNELS_CONV_H
#define PLN_DEVICE_KERNELS_CONV_H

#include "device/kernels/reduce.h"

/* ---- Operands as engines want them: dense, of one type, channels padded with zeros ---- */

typedef struct cu_pack {
    cu_view x, y;
    size_t d[4]; /* of y */
    size_t c;    /* channels of x */
} cu_pack;

CU_BODY void cu_pack_body(const cu_pack *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    cu_put(&p->y, i, at[3] < p->c ? cu_get(&p->x, cu_offset(&p->x, at)) : 0.0f);
}

/* Weights O x I x KH x KW to o x KH x KW x i (o, i: padded), or back (what is padding falls away).
 */
typedef struct cu_weights {
    cu_view x, y;
    size_t o, i, kh, kw;       /* of the O I KH KW side */
    size_t padded_o, padded_i; /* of the O KH KW I side */
} cu_weights;

/* n: of an element of the padded O KH KW I side */
CU_BODY void cu_weights_body(const cu_weights *p, size_t n)
{
    const size_t d[4] = {p->padded_o, p->kh, p->kw, p->padded_i};
    size_t at[4];
    cu_indices(d, n, at);
    bool in = at[0] < p->o && at[3] < p->i;
    size_t from = ((at[0] * p->i + at[3]) * p->kh + at[1]) * p->kw + at[2];
    cu_put(&p->y, n, in ? cu_get(&p->x, from) : 0.0f);
}

/* n: of an element of the O I KH KW side */
CU_BODY void cu_weights_back_body(const cu_weights *p, size_t n)
{
    const size_t d[4] = {p->o, p->i, p->kh, p->kw};
    size_t at[4];
    cu_indices(d, n, at);
    size_t from = ((at[0] * p->kh + at[2]) * p->kw + at[3]) * p->padded_i + at[1];
    cu_put(&p->y, n, cu_get(&p->x, from));
}

/* ---- Without an engine ---- */

typedef enum cu_act { CU_ACT_NONE, CU_ACT_RELU, CU_ACT_LEAKY_RELU, CU_ACT_RELU6 } cu_act;

typedef struct cu_conv {
    cu_view x, w, y;        /* x and w: operands; y: the result (forward: y; data: x; weight: w) */
    cu_view bias, residual; /* of what is not there, data is NULL */
    size_t xd[4], yd[4];    /* sizes of the convolution's input and output */
    size_t o, i, kh, kw;    /* weights; i: of a group */
    size_t outs;            /* output channels of a group */
    size_t stride, dilation, top, left;
    cu_act act;
    float slope;
    bool residual_before, residual_after;
    size_t parts; /* of the gradient of the weights */
    cu_pair *partial;
} cu_conv;

CU_BODY bool cu_forward_tap(const cu_conv *p, size_t out, size_t tap, size_t pad, size_t side,
                            size_t *in)
{
    size_t at = out * p->stride + tap * p->dilation;
    *in = at - pad;
    return at >= pad && *in < side;
}

CU_BODY bool cu_backward_tap(const cu_conv *p, size_t in, size_t tap, size_t pad, size_t side,
                             size_t *out)
{
    size_t at = in + pad, from = tap * p->dilation;
    if (at < from || (at - from) % p->stride != 0) return false;
    *out = (at - from) / p->stride;
    return *out < side;
}

/* y = act(sum + bias [+ residual]) [+ residual] */
CU_BODY void cu_conv_put(const cu_conv *p, double sum, const size_t at[4])
{
    float v, r = p->residual.data ? cu_get(&p->residual, cu_offset(&p->residual, at)) : 0.0f;
    if (p->bias.data) sum += (double)cu_get(&p->bias, at[3]);
    if (p->residual_before) sum += (double)r;
    v = (float)sum;
    if (p->act == CU_ACT_LEAKY_RELU)
        v = v > 0 ? v : p->slope * v;
    else if (p->act != CU_ACT_NONE)
        v = v > 0 ? v : 0.0f;
    if (p->act == CU_ACT_RELU6 && v > 6) v = 6;
    cu_put(&p->y, cu_offset(&p->y, at), p->residual_after ? v + r : v);
}

/* n: of an element of the output */
CU_BODY void cu_conv_body(const cu_conv *p, size_t n)
{
    size_t at[4], v, u;
    double sum = 0;
    cu_indices(p->yd, n, at);
    size_t first = at[3] / p->outs * p->i, w = at[3] * p->i * p->kh * p->kw;
    for (size_t ky = 0; ky < p->kh; ky++) {
        if (!cu_forward_tap(p, at[1], ky, p->top, p->xd[1], &v)) continue;
        for (size_t kx = 0; kx < p->kw; kx++) {
            if (!cu_forward_tap(p, at[2], kx, p->left, p->xd[2], &u)) continue;
            size_t x = cu_at(&p->x, at[0], v, u, first);
            for (size_t c = 0; c < p->i; c++)
                sum += (double)cu_get(&p->x, x + c) *
                       (double)cu_get(&p->w, w + (c * p->kh + ky) * p->kw + kx);
        }
    }
    cu_conv_put(p, sum, at);
}

/* n: of an element of the convolution's input; p->x is dy */
CU_BODY void cu_conv_data_body(const cu_conv *p, size_t n)
{
    size_t at[4], y, x;
    double sum = 0;
    cu_indices(p->xd, n, at);
    size_t group = at[3] / p->i, first = group * p->outs, c = at[3] - group * p->i;
    for (size_t ky = 0; ky < p->kh; ky++) {
        if (!cu_backward_tap(p, at[1], ky, p->top, p->yd[1], &y)) continue;
        for (size_t kx = 0; kx < p->kw; kx++) {
            if (!cu_backward_tap(p, at[2], kx, p->left, p->yd[2], &x)) continue;
            size_t from = cu_at(&p->x, at[0], y, x, first);
            for (size_t o = 0; o < p->outs; o++)
                sum += (double)cu_get(&p->x, from + o) *
                       (double)cu_get(&p->w, (((first + o) * p->i + c) * p->kh + ky) * p->kw + kx);
        }
    }
    cu_conv_put(p, sum, at);
}

/* n = part elements + element of O I KH KW: rows of dy are dealt out to the parts. p->w is dy. */
CU_BODY void cu_conv_weight_body(const cu_conv *p, size_t n)
{
    const size_t d[4] = {p->o, p->i, p->kh, p->kw}, elements = p->o * p->i * p->kh * p->kw;
    size_t part = cu_quotient(n, elements), at[4], v, u;
    cu_pair sum;
    sum.a = sum.b = 0;
    cu_indices(d, n - part * elements, at);
    size_t c = at[0] / p->outs * p->i + at[1];
    for (size_t row = part; row < p->yd[0] * p->yd[1]; row += p->parts) {
        size_t image = cu_quotient(row, p->yd[1]), y = row - image * p->yd[1];
        if (!cu_forward_tap(p, y, at[2], p->top, p->xd[1], &v)) continue;
        for (size_t x = 0; x < p->yd[2]; x++)
            if (cu_forward_tap(p, x, at[3], p->left, p->xd[2], &u))
                sum.a += (double)cu_get(&p->w, cu_at(&p->w, image, y, x, at[0])) *
                         (double)cu_get(&p->x, cu_at(&p->x, image, v, u, c));
    }
    p->partial[n] = sum;
}

#endif
