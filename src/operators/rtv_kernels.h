/* SPDX-License-Identifier: MIT */
/* Rows of rtv. */
#ifndef PLN_OPERATORS_RTV_KERNELS_H
#define PLN_OPERATORS_RTV_KERNELS_H

#include "core/core.h"

struct rtv_kernels {
    /* Edge weights of the n pixels of a row: x the picture, b the blurred one, rows of c
     * interleaved channels, with the rows below (NULL in the last row: wy is 0). The last wx is 0.
     */
    void (*weights)(float *restrict wx, float *restrict wy, const float *restrict x,
                    const float *restrict x_below, const float *restrict b,
                    const float *restrict b_below, size_t c, size_t n, float factor, float eps_s);
};

PLN_KERNELS_DECLARE(struct rtv_kernels, pln_rtv_kernels);

#endif
