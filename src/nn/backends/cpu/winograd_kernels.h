/* SPDX-License-Identifier: MIT */
/* Inner loops of the Winograd convolution (winograd.c), compiled once for each instruction set. */
#ifndef PLN_NN_BACKENDS_CPU_WINOGRAD_KERNELS_H
#define PLN_NN_BACKENDS_CPU_WINOGRAD_KERNELS_H

#include "nn/backends/cpu/winograd.h"

enum {
    WINO_POINTS = 36, /* products of a tile: 6 x 6 */
    WINO_TILES = 12,  /* tiles of a block */
    WINO_PANEL = 16   /* channels are padded to whole panels */
};

/* The points are 0, +-a, +-b and infinity. With a = 1, b = 2 of the paper the rms error is twice,
 * the largest error four times as large. Their powers in the transforms are exact in f32. */
#define WINO_A 0.625f
#define WINO_B 1.5f

/* A tile: outputs (y + d i, x + d j), i, j in [0, 4); inputs i, j in [-1, 5). */
struct wino_tile {
    size_t at, out;      /* number of the first output's pixel among all of the input and output */
    uint8_t top, bottom; /* of the six input rows, [top, bottom) lie in the image */
    uint8_t left, right; /* columns as well; all 0: no tile, reads as zeros */
    uint8_t rows, cols;  /* outputs in the image */
};

/* Where the pixels of tiles are: floats from pixel to pixel, from a row of a tile to the next, from
 * a column to the next. */
struct wino_steps {
    ptrdiff_t pixel, row, col;
};

typedef struct wino_kernels {
    /* v[p * plane + k] = (B' x B)[p], k in [0, c) and zeros up to whole panels. */
    void (*input)(const float *x, struct wino_steps s, const struct wino_tile *t, size_t c,
                  float *v, size_t plane);
    /* m (WINO_TILES x panels) = v (WINO_TILES x k) u (k x panels), row strides in floats. u is
     * [panels][k][WINO_PANEL]. */
    void (*multiply)(size_t k, size_t panels, const float *v, size_t v_stride, const float *u,
                     float *m);
    /* A' m A, m at m[p * plane], and the epilogue. r, q: steps of residual and mask. */
    void (*output)(const float *m, size_t plane, const struct wino_tile *t, size_t c,
                   const pln_conv_epilogue *e, struct wino_steps r, struct wino_steps q, float *y,
                   struct wino_steps s);
    /* z[p * plane + k] = (A y A')[p], for the gradient of the weights: y as x above, and the sum of
     * the outputs in the image added to bias. */
    void (*output_gradient)(const float *y, struct wino_steps s, const struct wino_tile *t,
                            size_t c, float *z, size_t plane, float *bias);
    /* m (k x panels) += v' (k x tiles) z (tiles x panels); rows of v are whole panels, of which
     * the first k channels count. */
    void (*accumulate)(size_t tiles, size_t k, size_t panels, const float *v, const float *z,
                       float *m);
} wino_kernels;

PLN_KERNELS_DECLARE(wino_kernels, pln_wino_kernels);

#endif
