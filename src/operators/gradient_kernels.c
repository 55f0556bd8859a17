/* SPDX-License-Identifier: MIT */
/* Rows of gradients: l0's threshold and the penalties of ils. */
#include "core/vmath.h"
#include "operators/gradient.h"

static void right(float *restrict h, const float *restrict u, float last, size_t n)
{
    for (size_t x = 0; x + 1 < n; x++) h[x] = u[x + 1] - u[x];
    h[n - 1] = last - u[n - 1];
}

static void down(float *restrict v, const float *restrict u, const float *restrict below, size_t n)
{
    for (size_t x = 0; x < n; x++) v[x] = below[x] - u[x];
}

static void add(float *restrict f, const float *restrict base, const float *restrict h,
                float before, const float *restrict above, const float *restrict v, float k,
                size_t n)
{
    f[0] = base[0] + k * (before - h[0] + above[0] - v[0]);
    for (size_t x = 1; x < n; x++) f[x] = base[x] + k * (h[x - 1] - h[x] + above[x] - v[x]);
}

static void threshold(const void *params, float *const *h, float *const *v, size_t c, size_t n)
{
    const float t = *(const float *)params;
    if (c == 1) {
        float *restrict a = h[0], *restrict b = v[0];
        PLN_VECTORISE
        for (size_t x = 0; x < n; x++) {
            bool keep = a[x] * a[x] + b[x] * b[x] >= t;
            a[x] = keep ? a[x] : 0;
            b[x] = keep ? b[x] : 0;
        }
        return;
    }
    float *restrict a0 = h[0], *restrict a1 = h[1], *restrict a2 = h[2];
    float *restrict b0 = v[0], *restrict b1 = v[1], *restrict b2 = v[2];
    PLN_VECTORISE
    for (size_t x = 0; x < n; x++) {
        float sum = a0[x] * a0[x] + a1[x] * a1[x] + a2[x] * a2[x] + b0[x] * b0[x] + b1[x] * b1[x] +
                    b2[x] * b2[x];
        bool keep = sum >= t;
        a0[x] = keep ? a0[x] : 0;
        a1[x] = keep ? a1[x] : 0;
        a2[x] = keep ? a2[x] : 0;
        b0[x] = keep ? b0[x] : 0;
        b1[x] = keep ? b1[x] : 0;
        b2[x] = keep ? b2[x] : 0;
    }
}

static void charbonnier_row(const struct ils_penalty *p, float *restrict g, size_t n)
{
    const float exponent = p->p / 2 - 1, eps = p->eps, c = p->c, factor = p->p;
    for (size_t x = 0; x < n; x++)
        g[x] *= c - factor * pln_exp2(exponent * pln_log2(g[x] * g[x] + eps));
}

static void welsch_row(const struct ils_penalty *p, float *restrict g, size_t n)
{
    const float rate = -0.5f * 1.442695041f / (p->gamma * p->gamma); /* e^x = 2^(x log2 e) */
    for (size_t x = 0; x < n; x++) g[x] *= 2 - 2 * pln_exp2(rate * g[x] * g[x]);
}

static void charbonnier(const void *params, float *const *h, float *const *v, size_t c, size_t n)
{
    for (size_t k = 0; k < c; k++) {
        charbonnier_row(params, h[k], n);
        charbonnier_row(params, v[k], n);
    }
}

static void welsch(const void *params, float *const *h, float *const *v, size_t c, size_t n)
{
    for (size_t k = 0; k < c; k++) {
        welsch_row(params, h[k], n);
        welsch_row(params, v[k], n);
    }
}

const struct gradient_kernels PLN_KERNELS(pln_gradient_kernels) = {
    .right = right,
    .down = down,
    .add = add,
    .threshold = threshold,
    .charbonnier = charbonnier,
    .welsch = welsch,
};
