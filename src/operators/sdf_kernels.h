/* SPDX-License-Identifier: MIT */
/* Rows of sdf. */
#ifndef PLN_OPERATORS_SDF_KERNELS_H
#define PLN_OPERATORS_SDF_KERNELS_H

#include "core/core.h"

struct sdf_kernels {
    /* d = sum of (a - b)^2 over the c channels of n pixels. */
    void (*distance)(float *restrict d, const float *restrict a, const float *restrict b, size_t c,
                     size_t n);
    /* min and max of n values, into those that are there. */
    void (*extremes)(const float *restrict d, size_t n, float *min, float *max);
    /* w = factor (exp(-k (d - min) scale) + 1e-5), times `times` if that is not NULL. */
    void (*weight)(float *restrict w, const float *restrict d, const float *restrict times,
                   size_t n, float k, float min, float scale, float factor);
};

PLN_KERNELS_DECLARE(struct sdf_kernels, pln_sdf_kernels);

#endif
