/* SPDX-License-Identifier: MIT */
/* Pooling over k x k cells. Rows and columns that fill no cell have no gradient. */
#ifndef PLN_DEVICE_KERNELS_POOL_H
#define PLN_DEVICE_KERNELS_POOL_H

#include "device/kernels/base.h"

typedef struct cu_pool {
    cu_view x, dy, y; /* y: the result; dy: of gradients */
    size_t d[4];      /* of y */
    size_t cells[2];  /* rows and columns of cells, of gradients */
    size_t k;
} cu_pool;

/* Number of the first maximum of cell (n, h, w) in channel c, in raster order; its value. */
CU_BODY size_t cu_first_maximum(const cu_pool *p, size_t n, size_t h, size_t w, size_t c,
                                float *value)
{
    size_t best = 0;
    float most = cu_get(&p->x, cu_at(&p->x, n, h * p->k, w * p->k, c));
    for (size_t i = 1; i < p->k * p->k; i++) {
        float v = cu_get(&p->x, cu_at(&p->x, n, h * p->k + i / p->k, w * p->k + i % p->k, c));
        if (v > most) {
            most = v;
            best = i;
        }
    }
    *value = most;
    return best;
}

CU_BODY void cu_max_pool_body(const cu_pool *p, size_t i)
{
    size_t at[4];
    float value;
    cu_indices(p->d, i, at);
    cu_first_maximum(p, at[0], at[1], at[2], at[3], &value);
    cu_put(&p->y, cu_offset(&p->y, at), value);
}

CU_BODY void cu_max_pool_grad_body(const cu_pool *p, size_t i)
{
    size_t at[4];
    float value, d = 0;
    cu_indices(p->d, i, at);
    size_t h = at[1] / p->k, w = at[2] / p->k;
    if (h < p->cells[0] && w < p->cells[1] &&
        cu_first_maximum(p, at[0], h, w, at[3], &value) ==
            (at[1] - h * p->k) * p->k + at[2] - w * p->k)
        d = cu_get(&p->dy, cu_at(&p->dy, at[0], h, w, at[3]));
    cu_put(&p->y, cu_offset(&p->y, at), d);
}

CU_BODY void cu_average_pool_body(const cu_pool *p, size_t i)
{
    size_t at[4];
    double sum = 0;
    cu_indices(p->d, i, at);
    for (size_t v = 0; v < p->k; v++)
        for (size_t u = 0; u < p->k; u++)
            sum += (double)cu_get(&p->x,
                                  cu_at(&p->x, at[0], at[1] * p->k + v, at[2] * p->k + u, at[3]));
    cu_put(&p->y, cu_offset(&p->y, at), (float)(sum / (double)(p->k * p->k)));
}

CU_BODY void cu_average_pool_grad_body(const cu_pool *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    size_t h = at[1] / p->k, w = at[2] / p->k;
    bool in = h < p->cells[0] && w < p->cells[1];
    float d = in ? cu_get(&p->dy, cu_at(&p->dy, at[0], h, w, at[3])) : 0.0f;
    cu_put(&p->y, cu_offset(&p->y, at), d / (float)(p->k * p->k));
}

#endif
