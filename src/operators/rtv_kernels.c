/* SPDX-License-Identifier: MIT */
/* Weights of rtv. */
#include <math.h>

#include "operators/rtv.h"
#include "operators/rtv_kernels.h"

static inline float at_least(float v, float least) { return v > least ? v : least; }

/* One pixel; dx and dy say which neighbours there are. */
static inline void weigh(float *restrict wx, float *restrict wy, const float *restrict x,
                         const float *restrict xb, const float *restrict b,
                         const float *restrict bb, size_t c, size_t i, bool dx, bool dy,
                         float factor, float eps_s)
{
    float total = 0, gx = 0, gy = 0, mean = 1 / (float)c;
    for (size_t k = 0; k < c; k++) {
        size_t p = i * c + k;
        float fx = dx ? x[p + c] - x[p] : 0, fy = dy ? xb[p] - x[p] : 0;
        /* The root first, then the mean over the channels. */
        total += sqrtf(fx * fx + fy * fy);
        gx += dx ? fabsf(b[p + c] - b[p]) : 0;
        gy += dy ? fabsf(bb[p] - b[p]) : 0;
    }
    float w = factor / at_least(total * mean, eps_s);
    wx[i] = dx ? w / at_least(gx * mean, RTV_EPS) : 0;
    wy[i] = dy ? w / at_least(gy * mean, RTV_EPS) : 0;
}

static void weights(float *restrict wx, float *restrict wy, const float *restrict x,
                    const float *restrict x_below, const float *restrict b,
                    const float *restrict b_below, size_t c, size_t n, float factor, float eps_s)
{
    if (x_below && c == 3)
        for (size_t i = 0; i + 1 < n; i++)
            weigh(wx, wy, x, x_below, b, b_below, 3, i, true, true, factor, eps_s);
    else if (x_below)
        for (size_t i = 0; i + 1 < n; i++)
            weigh(wx, wy, x, x_below, b, b_below, 1, i, true, true, factor, eps_s);
    else
        for (size_t i = 0; i + 1 < n; i++)
            weigh(wx, wy, x, x, b, b, c, i, true, false, factor, eps_s);
    if (x_below)
        weigh(wx, wy, x, x_below, b, b_below, c, n - 1, false, true, factor, eps_s);
    else
        weigh(wx, wy, x, x, b, b, c, n - 1, false, false, factor, eps_s);
}

const struct rtv_kernels PLN_KERNELS(pln_rtv_kernels) = {.weights = weights};
