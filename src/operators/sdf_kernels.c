/* SPDX-License-Identifier: MIT */
/* Distances and weights of sdf. */
#include "operators/sdf_kernels.h"
#include "core/vmath.h"

static void distance(float *restrict d, const float *restrict a, const float *restrict b, size_t c,
                     size_t n)
{
    if (c == 1) {
        for (size_t i = 0; i < n; i++) d[i] = (a[i] - b[i]) * (a[i] - b[i]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        float x = a[3 * i] - b[3 * i], y = a[3 * i + 1] - b[3 * i + 1],
              z = a[3 * i + 2] - b[3 * i + 2];
        d[i] = x * x + y * y + z * z;
    }
}

static void extremes(const float *restrict d, size_t n, float *min, float *max)
{
    enum { LANES = 16 };
    float low[LANES], high[LANES];
    for (size_t k = 0; k < LANES; k++) low[k] = *min, high[k] = *max;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            low[k] = d[i + k] < low[k] ? d[i + k] : low[k];
            high[k] = d[i + k] > high[k] ? d[i + k] : high[k];
        }
    for (; i < n; i++) {
        low[0] = d[i] < low[0] ? d[i] : low[0];
        high[0] = d[i] > high[0] ? d[i] : high[0];
    }
    for (size_t k = 0; k < LANES; k++) {
        *min = low[k] < *min ? low[k] : *min;
        *max = high[k] > *max ? high[k] : *max;
    }
}

static void weight(float *restrict w, const float *restrict d, const float *restrict times,
                   size_t n, float k, float min, float scale, float factor)
{
    const float rate = -k * scale * 1.442695041f,
                floor = 1e-5f; /* e^x = 2^(x log2 e); 1e-5: authors' code */
    if (times)
        for (size_t i = 0; i < n; i++)
            w[i] = factor * times[i] * (pln_exp2(rate * (d[i] - min)) + floor);
    else
        for (size_t i = 0; i < n; i++) w[i] = factor * (pln_exp2(rate * (d[i] - min)) + floor);
}

const struct sdf_kernels PLN_KERNELS(pln_sdf_kernels) = {
    .distance = distance,
    .extremes = extremes,
    .weight = weight,
};
