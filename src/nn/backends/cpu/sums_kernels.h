/* SPDX-License-Identifier: MIT */
/* Inner loops of reductions, in double, compiled once for each instruction set. n pixels of c
 * channels, `step` floats from pixel to pixel. */
#ifndef PLN_NN_BACKENDS_CPU_SUMS_KERNELS_H
#define PLN_NN_BACKENDS_CPU_SUMS_KERNELS_H

#include "core/core.h"

/* Over pixels: y[k] = y[k] + sum of x[i step + k], or the larger of y[k] and the maximum. Over
 * channels: the same of y[i]. */
typedef void pnn_fold(size_t n, const float *x, size_t step, size_t c, double *y);
/* The sum of a[i a_step + k] b[i b_step + k], products in f32. */
typedef void pnn_fold_products(size_t n, const float *a, size_t a_step, const float *b,
                               size_t b_step, size_t c, double *y);

typedef struct sums_kernels {
    pnn_fold *pixels_sum, *pixels_max, *channels_sum, *channels_max;
    pnn_fold_products *pixels_products, *channels_products;
    /* Over pixels: where x[i step + k] > best[k], best[k] is that and first[k] is at + i. */
    void (*pixels_first)(size_t n, const float *x, size_t step, size_t c, size_t at, float *best,
                         uint32_t *first);
    /* Over channels: the first of the largest of each pixel; 0 where there is none but NaN. */
    void (*channels_first)(size_t n, const float *x, size_t step, size_t c, uint32_t *first);
    /* sum += v, square += v v, with v = x - shift[k] in f32 */
    void (*moments)(size_t n, const float *x, size_t step, size_t c, const float *shift,
                    double *sum, double *square);
    /* sum += dy, product += dy (x - mean[k]) */
    void (*products)(size_t n, const float *dy, size_t dy_step, const float *x, size_t x_step,
                     size_t c, const float *mean, double *sum, double *product);
} sums_kernels;

PLN_KERNELS_DECLARE(sums_kernels, pln_sums_kernels);

#endif
