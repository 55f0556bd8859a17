/* SPDX-License-Identifier: MIT */
/* Kernels of gaussian.c. */
#ifndef PLN_SOLVE_GAUSSIAN_KERNELS_H
#define PLN_SOLVE_GAUSSIAN_KERNELS_H

#include "core/core.h"

struct gaussian_kernels {
    /* dst[i] = sum over k < n_taps of taps[k] rows[k][i], i < n. */
    void (*columns)(float *restrict dst, const float *const *rows, const float *taps, size_t n_taps,
                    size_t n);
    /* dst[i] = sum over k < n_taps of taps[k] src[i + k step], i < n. */
    void (*row)(float *restrict dst, const float *restrict src, const float *taps, size_t n_taps,
                size_t step, size_t n);
};

PLN_KERNELS_DECLARE(struct gaussian_kernels, pln_gaussian_kernels);

#endif
