/* SPDX-License-Identifier: MIT */
/* Kernels of gaussian.c: one output block stays in registers while all taps are added. */
#include "solve/gaussian_kernels.h"

#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));

#define LOAD(v, p)  memcpy(&(v), (p), sizeof(vec))
#define STORE(p, v) memcpy((p), &(v), sizeof(vec))

static void columns(float *restrict dst, const float *const *rows, const float *taps, size_t n_taps,
                    size_t n)
{
    size_t i = 0;

    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        vec a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, v;
        for (size_t k = 0; k < n_taps; k++) {
            const float *p = rows[k] + i;
            LOAD(v, p);
            a0 += v * taps[k];
            LOAD(v, p + LANES);
            a1 += v * taps[k];
            LOAD(v, p + 2 * LANES);
            a2 += v * taps[k];
            LOAD(v, p + 3 * LANES);
            a3 += v * taps[k];
        }
        STORE(dst + i, a0);
        STORE(dst + i + LANES, a1);
        STORE(dst + i + 2 * LANES, a2);
        STORE(dst + i + 3 * LANES, a3);
    }
    for (; i < n; i++) {
        float a = 0;
        for (size_t k = 0; k < n_taps; k++) a += rows[k][i] * taps[k];
        dst[i] = a;
    }
}

static void row(float *restrict dst, const float *restrict src, const float *taps, size_t n_taps,
                size_t step, size_t n)
{
    size_t i = 0;

    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        vec a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, v;
        const float *p = src + i;
        for (size_t k = 0; k < n_taps; k++, p += step) {
            LOAD(v, p);
            a0 += v * taps[k];
            LOAD(v, p + LANES);
            a1 += v * taps[k];
            LOAD(v, p + 2 * LANES);
            a2 += v * taps[k];
            LOAD(v, p + 3 * LANES);
            a3 += v * taps[k];
        }
        STORE(dst + i, a0);
        STORE(dst + i + LANES, a1);
        STORE(dst + i + 2 * LANES, a2);
        STORE(dst + i + 3 * LANES, a3);
    }
    for (; i < n; i++) {
        float a = 0;
        for (size_t k = 0; k < n_taps; k++) a += src[i + k * step] * taps[k];
        dst[i] = a;
    }
}

const struct gaussian_kernels PLN_KERNELS(pln_gaussian_kernels) = {
    .columns = columns,
    .row = row,
};
