/* SPDX-License-Identifier: MIT */
/* Normalisation by given moments, and its gradient. */
#ifndef PLN_DEVICE_KERNELS_NORM_H
#define PLN_DEVICE_KERNELS_NORM_H

#include "device/kernels/reduce.h"

typedef struct cu_norm {
    cu_view x, moments, gamma, beta; /* moments: step 0 along N where one row is for all */
    cu_view dy, sums;                /* of the gradient; sums as moments */
    cu_view y;
    size_t d[4];
    double eps, count; /* count: positions behind one row */
    bool constant;
} cu_norm;

CU_BODY void cu_norm_body(const cu_norm *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    cu_norm_scale s = cu_norm_scale_of(&p->moments, at[0], at[3], p->eps);
    float xhat = (cu_get(&p->x, cu_offset(&p->x, at)) - (float)s.mean) * (float)s.scale;
    cu_put(&p->y, cu_offset(&p->y, at), cu_get(&p->gamma, at[3]) * xhat + cu_get(&p->beta, at[3]));
}

CU_BODY void cu_norm_grad_body(const cu_norm *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    cu_norm_scale s = cu_norm_scale_of(&p->moments, at[0], at[3], p->eps);
    double d = (double)cu_get(&p->dy, cu_offset(&p->dy, at));
    if (!p->constant) {
        double xhat = ((double)cu_get(&p->x, cu_offset(&p->x, at)) - s.mean) * s.scale,
               s0 = (double)cu_get(&p->sums, cu_at(&p->sums, at[0], 0, 0, at[3])),
               s1 = (double)cu_get(&p->sums, cu_at(&p->sums, at[0], 0, 1, at[3]));
        d -= (s0 + xhat * s1) / p->count;
    }
    cu_put(&p->y, cu_offset(&p->y, at), (float)((double)cu_get(&p->gamma, at[3]) * s.scale * d));
}

#endif
