/* SPDX-License-Identifier: MIT */
/* Inner loops of element-wise programs, compiled once for each instruction set. */
#ifndef PLN_NN_BACKENDS_CPU_POINTWISE_KERNELS_H
#define PLN_NN_BACKENDS_CPU_POINTWISE_KERNELS_H

#include "nn/graph.h"

/* y[i] = f(a[i], b[i]) with parameters p, q of the function. y may be a or b. */
typedef void pnn_map(size_t n, const float *a, const float *b, float p, float q, float *y);

/* A part of memory that a block holds: element (r, c), r < rows, c < cols, is at
 * r row_step + c col_step. In the block it is at r cols + c. */
typedef struct pnn_patch {
    size_t rows, cols, row_step, col_step;
} pnn_patch;

/* m = keep1 m + take1 g, v = keep2 v + take2 g^2, w -= rate m / (sqrt(v) root + eps) */
typedef struct pnn_adam_factors {
    float keep1, take1, keep2, take2, rate, root, eps;
} pnn_adam_factors;

typedef struct pointwise_kernels {
    pnn_map *unary[PNN_UNARY_COUNT];
    pnn_map *slope[PNN_UNARY_COUNT]; /* slope at a times b */
    pnn_map *binary[PNN_BINARY_COUNT];
    /* Between memory, of f32 or of bf16, and a block. Steps of a stored patch are not 0. */
    void (*load)(float *block, const void *memory, pnn_patch p);
    void (*load_half)(float *block, const void *memory, pnn_patch p);
    void (*store)(const float *block, void *memory, pnn_patch p);
    void (*store_half)(const float *block, void *memory, pnn_patch p);
    void (*adam)(size_t n, const float *g, pnn_adam_factors s, float *m, float *v, float *w);
} pointwise_kernels;

PLN_KERNELS_DECLARE(pointwise_kernels, pln_pointwise_kernels);

#endif
