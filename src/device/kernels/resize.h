/* SPDX-License-Identifier: MIT */
/* Bilinear resizing: along each axis a value is a mixture of two neighbours. Half-pixel sources
 * before the first centre count as 0; with align_corners a side of 1 takes source 0. */
#ifndef PLN_DEVICE_KERNELS_RESIZE_H
#define PLN_DEVICE_KERNELS_RESIZE_H

#include "device/kernels/base.h"

typedef struct cu_resize {
    cu_view x, y;          /* forward: small, large; gradient: dy, dx */
    size_t from[4], to[4]; /* sizes of the forward's input and output */
    bool align_corners;
} cu_resize;

typedef struct cu_mix {
    size_t low, high;
    double weight; /* of high */
} cu_mix;

CU_BODY cu_mix cu_mix_of(size_t i, size_t in, size_t out, bool align_corners)
{
    double s = 0;
    cu_mix m;
    if (!align_corners) {
        s = ((double)i + 0.5) * (double)in / (double)out - 0.5;
        s = s > 0 ? s : 0;
    } else if (out > 1) {
        s = (double)i * (double)(in - 1) / (double)(out - 1);
    }
    m.low = cu_min((size_t)s, in - 1);
    m.high = cu_min(m.low + 1, in - 1);
    m.weight = s - (double)m.low;
    return m;
}

/* i: of an element of the output */
CU_BODY void cu_resize_body(const cu_resize *p, size_t i)
{
    size_t at[4];
    cu_indices(p->to, i, at);
    cu_mix v = cu_mix_of(at[1], p->from[1], p->to[1], p->align_corners),
           u = cu_mix_of(at[2], p->from[2], p->to[2], p->align_corners);
    double a = (double)cu_get(&p->x, cu_at(&p->x, at[0], v.low, u.low, at[3])),
           b = (double)cu_get(&p->x, cu_at(&p->x, at[0], v.low, u.high, at[3])),
           c = (double)cu_get(&p->x, cu_at(&p->x, at[0], v.high, u.low, at[3])),
           d = (double)cu_get(&p->x, cu_at(&p->x, at[0], v.high, u.high, at[3]));
    double upper = (1 - u.weight) * a + u.weight * b, lower = (1 - u.weight) * c + u.weight * d;
    cu_put(&p->y, cu_offset(&p->y, at), (float)((1 - v.weight) * upper + v.weight * lower));
}

/* Outputs [*first, *last] among which are all that mix input i. */
CU_BODY void cu_mixed_into(size_t i, size_t in, size_t out, bool align_corners, size_t *first,
                           size_t *last)
{
    double scale, shift, low, high;
    *first = 0;
    *last = out - 1;
    if (in == 1 || (align_corners && out == 1)) return;
    scale = align_corners ? (double)(out - 1) / (double)(in - 1) : (double)out / (double)in;
    shift = align_corners ? 0 : 0.5;
    low = ((double)i - 1 + shift) * scale - shift - 1;
    high = ((double)i + 1 + shift) * scale - shift + 2;
    if (low > 0) *first = cu_min((size_t)low, out - 1);
    if (high < (double)(out - 1)) *last = (size_t)high;
}

CU_BODY double cu_mix_share(cu_mix m, size_t i)
{
    return (m.low == i ? 1 - m.weight : 0) + (m.high == i ? m.weight : 0);
}

/* i: of an element of the forward's input */
CU_BODY void cu_resize_grad_body(const cu_resize *p, size_t i)
{
    size_t at[4], y0, y1, x0, x1;
    double sum = 0;
    cu_indices(p->from, i, at);
    cu_mixed_into(at[1], p->from[1], p->to[1], p->align_corners, &y0, &y1);
    cu_mixed_into(at[2], p->from[2], p->to[2], p->align_corners, &x0, &x1);
    for (size_t y = y0; y <= y1; y++) {
        double v = cu_mix_share(cu_mix_of(y, p->from[1], p->to[1], p->align_corners), at[1]);
        if (v == 0) continue;
        for (size_t x = x0; x <= x1; x++) {
            double u = cu_mix_share(cu_mix_of(x, p->from[2], p->to[2], p->align_corners), at[2]);
            if (u == 0) continue;
            sum += v * u * (double)cu_get(&p->x, cu_at(&p->x, at[0], y, x, at[3]));
        }
    }
    cu_put(&p->y, cu_offset(&p->y, at), (float)sum);
}

#endif
