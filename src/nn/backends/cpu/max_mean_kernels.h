/* SPDX-License-Identifier: MIT */
/* Inner loops of maximum and mean at once (max_mean.c), compiled once for each instruction set. */
#ifndef PLN_NN_BACKENDS_CPU_MAX_MEAN_KERNELS_H
#define PLN_NN_BACKENDS_CPU_MAX_MEAN_KERNELS_H

#include "core/core.h"

typedef struct max_mean_kernels {
    /* most[k] = the larger of it and the maximum of x[i step + k], sum[k] += the sum. */
    void (*pixels)(size_t n, const float *x, size_t step, size_t c, float *most, double *sum);
    /* y[i y_step] = the maximum of x[i step + k] factor[k] over k in [0, c), y[i y_step + 1] = the
     * mean. factor NULL: ones. */
    void (*channels)(size_t n, const float *x, size_t step, size_t c, const float *factor, float *y,
                     size_t y_step);
} max_mean_kernels;

PLN_KERNELS_DECLARE(max_mean_kernels, pln_max_mean_kernels);

#endif
