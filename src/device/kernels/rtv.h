/* SPDX-License-Identifier: MIT */
/* Weights of rtv (operators/rtv_kernels.c). Index i is that of a pixel. */
#ifndef PLN_DEVICE_KERNELS_RTV_H
#define PLN_DEVICE_KERNELS_RTV_H

#include "device/kernels/base.h"

typedef struct cu_rtv {
    const float *x, *blurred; /* planes */
    float *right, *down;      /* weights; 0 in the last column, in the last row */
    size_t w, h, c;
    float factor, eps, eps_s;
} cu_rtv;

CU_BODY void cu_rtv_body(const cu_rtv *p, size_t i)
{
    const size_t n = p->w * p->h, y = cu_quotient(i, p->w);
    const bool right = i + 1 < (y + 1) * p->w, down = y + 1 < p->h;
    const float mean = 1 / (float)p->c;
    float total = 0, gx = 0, gy = 0;

    for (size_t k = 0; k < p->c; k++) {
        const float *x = p->x + k * n + i, *b = p->blurred + k * n + i;
        const float dx = right ? x[1] - x[0] : 0, dy = down ? x[p->w] - x[0] : 0;
        total += sqrtf(dx * dx + dy * dy);
        gx += right ? fabsf(b[1] - b[0]) : 0;
        gy += down ? fabsf(b[p->w] - b[0]) : 0;
    }
    const float w = p->factor / fmaxf(total * mean, p->eps_s);
    p->right[i] = right ? w / fmaxf(gx * mean, p->eps) : 0;
    p->down[i] = down ? w / fmaxf(gy * mean, p->eps) : 0;
}

#endif
