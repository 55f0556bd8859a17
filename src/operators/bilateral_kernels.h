/* SPDX-License-Identifier: MIT */
/* Kernels of bilateral.c: the sums of one tile. */
#ifndef PLN_OPERATORS_BILATERAL_KERNELS_H
#define PLN_OPERATORS_BILATERAL_KERNELS_H

#include "core/core.h"

/* Columns come in blocks of this many; so do the margins left and right. */
#define BILATERAL_BLOCK  16
#define BILATERAL_PLANES 6 /* guide 0..2, data 3..5 */

/* A tile of rows x n pixels (n a multiple of the block) and its surroundings of `radius` pixels,
 * borders filled in. The guide is scaled so that the squared distance is the exponent of two. */
struct bilateral_tile {
    size_t rows, n;
    size_t margin; /* columns stored left and right of the tile, >= radius */
    ptrdiff_t radius;
    const float *pixels; /* rows + 2 radius rows of planes; column -margin of row -radius */
    size_t row_stride, plane_stride;
    const bool *present;   /* false for rows outside the picture that do not count */
    int guide[3], data[3]; /* planes to use */
    const ptrdiff_t
        *reach; /* [dy]: the window has |dx| <= reach[dy] in the rows dy above and below */
    const float
        *log_space; /* [dy * (2 radius + 1) + radius + dx]: exponent of the spatial weight */
    float range;    /* exponent = log_space - range d^2 */
    float *sums;    /* rows x 4 planes of n: numerators 0..2, denominator 3 */
    float *weights; /* 2 radius + 1 rows of weights_stride >= n + 2 margin */
    size_t weights_stride;
};

typedef void bilateral_sums_fn(const struct bilateral_tile *t);

enum bilateral_distance { DISTANCE_GREY, DISTANCE_L2, DISTANCE_L1 };

struct bilateral_kernels {
    /* The data are the guide. */
    bilateral_sums_fn *self[3];
    /* [distance][data have three channels] */
    bilateral_sums_fn *joint[3][2];
    /* scale times n pixels of c = 1 or 3 interleaved samples, to planes. */
    void (*split)(float *restrict dst, size_t plane_stride, const float *restrict src, size_t c,
                  float scale, size_t n);
    /* n pixels of one row: dst[i c] = scale times numerator 0 / denominator, or all three of
     * c = 3. */
    void (*divide)(float *restrict dst, size_t c, const float *restrict sums, size_t plane,
                   float scale, size_t n);
    void (*divide3)(float *restrict dst, const float *restrict sums, size_t plane, float scale,
                    size_t n);
};

PLN_KERNELS_DECLARE(struct bilateral_kernels, pln_bilateral_kernels);

#endif
