/* SPDX-License-Identifier: MIT */
/* Logarithm and power by polynomials, so that rows vectorise. */
#include "operators/wls_kernels.h"

#include <math.h>
#include <string.h>

extern const struct wls_kernels PLN_KERNELS(pln_wls_kernels);

static inline float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* x > 0 = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh s, s = (m - 1) / (m + 1), whose
 * series in s^2 <= 0.0295 is cut after s^9: 2e-9. */
static inline float log_of(float x, float *exponent)
{
    uint32_t bits = bits_of(x) - 0x3f3504f3u; /* sqrt(1/2) */
    *exponent = (float)((int32_t)bits >> 23);
    float m = float_of((bits & 0x007fffffu) + 0x3f3504f3u);
    float s = (m - 1) / (m + 1), t = s * s;
    return 2 * s + 2 * s * t * (1 / 3.0f + t * (1 / 5.0f + t * (1 / 7.0f + t * (1 / 9.0f))));
}

static void row_log(float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float e, m = log_of((y[i] > 0 ? y[i] : 0) + 2.220446e-16f, &e);
        y[i] = e * 0.693147181f + m;
    }
}

/* 2^t for -126 <= t <= 127: the Taylor series of 2^f, |f| <= 1/2, to f^7: 2e-9. */
static inline float exp2_of(float t)
{
    float n = rintf(t), f = (t - n) * 0.693147181f;
    float p = 1 / 720.0f + f * (1 / 5040.0f);
    p = 1 / 24.0f + f * (1 / 120.0f + f * p);
    p = 1 + f * (1 + f * (0.5f + f * (1 / 6.0f + f * p)));
    return p * float_of((uint32_t)((int32_t)n + 127) << 23);
}

static void row_weights(float *restrict weight, const float *restrict a, const float *restrict b,
                        size_t n, float alpha, float lambda)
{
    float at_zero = alpha > 0 ? 0 : 1; /* |0|^alpha */
    for (size_t i = 0; i < n; i++) {
        float d = fabsf(a[i] - b[i]), e, m = log_of(d > 1e-36f ? d : 1e-36f, &e);
        float t = alpha * (e + m * 1.44269504f);
        t = t < -126 ? -126 : t > 126 ? 126 : t;
        float power = d > 1e-36f ? exp2_of(t) : at_zero;
        weight[i] = lambda / (power + 1e-4f);
    }
}

const struct wls_kernels PLN_KERNELS(pln_wls_kernels) = {
    .log = row_log,
    .weights = row_weights,
};
