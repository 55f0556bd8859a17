/* SPDX-License-Identifier: MIT */
/* Kernels of wls.c: logarithms and edge weights of a row. */
#ifndef PLN_OPERATORS_WLS_KERNELS_H
#define PLN_OPERATORS_WLS_KERNELS_H

#include "core/core.h"

struct wls_kernels {
    /* y = ln(max(y, 0) + 2.220446e-16); relative error below 3e-7 */
    void (*log)(float *y, size_t n);
    /* weight = lambda / (|a - b|^alpha + 1e-4); relative error below 1e-6 */
    void (*weights)(float *restrict weight, const float *restrict a, const float *restrict b,
                    size_t n, float alpha, float lambda);
};

PLN_KERNELS_DECLARE(struct wls_kernels, pln_wls_kernels);

#endif
