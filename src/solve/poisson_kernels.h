/* SPDX-License-Identifier: MIT */
/* Blocks of columns for poisson.c. */
#ifndef PLN_SOLVE_POISSON_KERNELS_H
#define PLN_SOLVE_POISSON_KERNELS_H

#include "core/core.h"

#define POISSON_LANES 16 /* columns of a block */

struct poisson_kernels {
    /* n rows of POISSON_LANES complex numbers, `row` floats apart, to as many columns, `column`
     * floats apart; and back. */
    void (*gather)(float *restrict columns, size_t column, const float *restrict rows, size_t row,
                   size_t n);
    void (*scatter)(float *restrict rows, size_t row, const float *restrict columns, size_t column,
                    size_t n);
    /* A column of n complex numbers: z *= scale / (1 + k (dx + dy[y])). */
    void (*divide)(float *restrict z, const float *restrict dy, float dx, float k, float scale,
                   size_t n);
};

PLN_KERNELS_DECLARE(struct poisson_kernels, pln_poisson_kernels);

#endif
