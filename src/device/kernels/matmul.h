/* SPDX-License-Identifier: MIT */
/* y[n, p, m] = sum over k of a[n, p, k] b[n, k, m]. */
#ifndef PLN_DEVICE_KERNELS_MATMUL_H
#define PLN_DEVICE_KERNELS_MATMUL_H

#include "device/kernels/base.h"

typedef struct cu_matmul {
    cu_view a, b, y; /* b: steps of n, (none), k, m; step 0 along n where one is for all */
    size_t d[4];     /* of y */
    size_t k;
} cu_matmul;

CU_BODY void cu_matmul_body(const cu_matmul *p, size_t i)
{
    size_t at[4];
    double sum = 0;
    cu_indices(p->d, i, at);
    size_t a = cu_at(&p->a, at[0], at[1], at[2], 0), b = cu_at(&p->b, at[0], 0, 0, at[3]);
    for (size_t k = 0; k < p->k; k++)
        sum += (double)cu_get(&p->a, a + k) * (double)cu_get(&p->b, b + k * p->b.step[2]);
    cu_put(&p->y, cu_offset(&p->y, at), (float)sum);
}

#endif
