/* SPDX-License-Identifier: MIT */
/* Moving values about: another shape, borders, the Haar lattice. */
#ifndef PLN_DEVICE_KERNELS_SHAPE_H
#define PLN_DEVICE_KERNELS_SHAPE_H

#include "device/kernels/base.h"

/* ---- The same elements in the same order ---- */

typedef struct cu_reshape {
    cu_view x, y;
    size_t xc, yc; /* channels */
} cu_reshape;

/* i: of an element. Only the steps of pixels and channels count. */
CU_BODY void cu_reshape_body(const cu_reshape *p, size_t i)
{
    size_t a = cu_quotient(i, p->xc), b = cu_quotient(i, p->yc);
    cu_put(&p->y, b * p->y.step[2] + (i - b * p->yc),
           cu_get(&p->x, a * p->x.step[2] + (i - a * p->xc)));
}

/* ---- x at `offset` in zeros ---- */

typedef struct cu_embed {
    cu_view x, y;
    size_t xd[4], yd[4], offset[4];
} cu_embed;

/* i: of an element of y */
CU_BODY void cu_embed_body(const cu_embed *p, size_t i)
{
    size_t at[4], from[4];
    bool in = true;
    cu_indices(p->yd, i, at);
    for (int k = 0; k < 4; k++) {
        from[k] = at[k] - p->offset[k]; /* wraps before the box: not below its size */
        in = in && at[k] >= p->offset[k] && from[k] < p->xd[k];
    }
    cu_put(&p->y, cu_offset(&p->y, at), in ? cu_get(&p->x, cu_offset(&p->x, from)) : 0.0f);
}

/* ---- Borders ---- */

typedef enum cu_pad_mode { CU_PAD_ZERO, CU_PAD_REFLECT, CU_PAD_REPLICATE } cu_pad_mode;

/* inner: h x w, outer: H x W with the inner at (top, left). */
typedef struct cu_pad {
    cu_view x, y; /* forward: inner, outer; gradient: outer, inner */
    cu_pad_mode mode;
    size_t inner[4], outer[4];
    size_t top, left;
} cu_pad;

/* Inner coordinate of outer one `i`; false: from nowhere. */
CU_BODY bool cu_pad_source(cu_pad_mode mode, size_t i, size_t before, size_t side, size_t *from)
{
    ptrdiff_t at = (ptrdiff_t)i - (ptrdiff_t)before, n = (ptrdiff_t)side;
    bool in = at >= 0 && at < n;
    if (mode == CU_PAD_REFLECT)
        at = at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
    else
        at = at < 0 ? 0 : at >= n ? n - 1 : at;
    *from = (size_t)at;
    return in || mode != CU_PAD_ZERO;
}

/* i: of an element of the outer tensor */
CU_BODY void cu_pad_body(const cu_pad *p, size_t i)
{
    size_t at[4], v, u;
    cu_indices(p->outer, i, at);
    bool some = cu_pad_source(p->mode, at[1], p->top, p->inner[1], &v);
    some = cu_pad_source(p->mode, at[2], p->left, p->inner[2], &u) && some;
    cu_put(&p->y, cu_offset(&p->y, at), some ? cu_get(&p->x, cu_at(&p->x, at[0], v, u, at[3])) : 0);
}

/* Outer coordinates whose source is inner coordinate i: at most three runs [from, to). */
typedef struct cu_runs {
    int count;
    size_t from[3], to[3];
} cu_runs;

CU_BODY cu_runs cu_pad_targets(cu_pad_mode mode, size_t i, size_t before, size_t side, size_t outer)
{
    cu_runs r;
    size_t here = before + i, behind = before + 2 * (side - 1) - i;
    r.count = 0;
    if (mode == CU_PAD_REPLICATE) {
        r.from[0] = i == 0 ? 0 : here;
        r.to[0] = i == side - 1 ? outer : here + 1;
        r.count = 1;
        return r;
    }
    if (mode == CU_PAD_REFLECT && i > 0 && i <= before) {
        r.from[r.count] = before - i;
        r.to[r.count++] = before - i + 1;
    }
    r.from[r.count] = here;
    r.to[r.count++] = here + 1;
    if (mode == CU_PAD_REFLECT && i + 1 < side && behind < outer) {
        r.from[r.count] = behind;
        r.to[r.count++] = behind + 1;
    }
    return r;
}

/* i: of an element of the inner tensor */
CU_BODY void cu_pad_grad_body(const cu_pad *p, size_t i)
{
    size_t at[4];
    double sum = 0;
    cu_indices(p->inner, i, at);
    cu_runs v = cu_pad_targets(p->mode, at[1], p->top, p->inner[1], p->outer[1]),
            u = cu_pad_targets(p->mode, at[2], p->left, p->inner[2], p->outer[2]);
    for (int a = 0; a < v.count; a++)
        for (size_t y = v.from[a]; y < v.to[a]; y++)
            for (int b = 0; b < u.count; b++)
                for (size_t x = u.from[b]; x < u.to[b]; x++)
                    sum += (double)cu_get(&p->x, cu_at(&p->x, at[0], y, x, at[3]));
    cu_put(&p->y, cu_offset(&p->y, at), (float)sum);
}

/* ---- Haar ---- */

typedef struct cu_haar {
    cu_view x, y;
    size_t d[4]; /* of y */
} cu_haar;

/* Sign of the cell's pixel k (p q / r s) in band b of LL, LH, HL, HH: both sums alternate as the
 * bits that b and k share. */
CU_BODY float cu_haar_sign(size_t b, size_t k)
{
    size_t common = b & k;
    return (common ^ common >> 1) & 1 ? -1.0f : 1.0f;
}

CU_BODY void cu_haar_body(const cu_haar *p, size_t i)
{
    size_t at[4], c = p->d[3] / 4;
    float sum = 0;
    cu_indices(p->d, i, at);
    size_t band = cu_quotient(at[3], c);
    for (size_t k = 0; k < 4; k++)
        sum += cu_haar_sign(band, k) * cu_get(&p->x, cu_at(&p->x, at[0], 2 * at[1] + k / 2,
                                                           2 * at[2] + k % 2, at[3] - band * c));
    cu_put(&p->y, cu_offset(&p->y, at), sum / 4);
}

CU_BODY void cu_haar_inverse_body(const cu_haar *p, size_t i)
{
    size_t at[4], c = p->d[3];
    float sum = 0;
    cu_indices(p->d, i, at);
    size_t pixel = at[1] % 2 * 2 + at[2] % 2;
    for (size_t k = 0; k < 4; k++)
        sum += cu_haar_sign(k, pixel) *
               cu_get(&p->x, cu_at(&p->x, at[0], at[1] / 2, at[2] / 2, k * c + at[3]));
    cu_put(&p->y, cu_offset(&p->y, at), sum);
}

#endif
