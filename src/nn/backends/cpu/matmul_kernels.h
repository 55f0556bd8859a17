/* SPDX-License-Identifier: MIT */
/* Inner loops of matrix products, compiled once for each instruction set. */
#ifndef PLN_NN_BACKENDS_CPU_MATMUL_KERNELS_H
#define PLN_NN_BACKENDS_CPU_MATMUL_KERNELS_H

#include "core/core.h"

typedef struct matmul_kernels {
    size_t panel; /* columns of b that a product takes; at most MATMUL_PANEL */
    /* y[i y_row + j] (+)= sum over t of a[i a_row + t a_term] b[t b_term + j], i < rows, j < cols
     * <= panel; whole panels of b are read. */
    void (*product)(size_t rows, size_t cols, size_t terms, const float *a, size_t a_row,
                    size_t a_term, const float *b, size_t b_term, float *y, size_t y_row, bool add);
} matmul_kernels;
enum { MATMUL_PANEL = 32 };

PLN_KERNELS_DECLARE(matmul_kernels, pln_matmul_kernels);

#endif
