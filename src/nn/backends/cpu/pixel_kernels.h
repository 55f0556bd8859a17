/* SPDX-License-Identifier: MIT */
/* Inner loops over rows of pixels: Haar, pooling, resizing, normalising. Compiled once for each
 * instruction set. Pixels have c channels; x_step, y_step, ... floats from pixel to pixel, x_row,
 * ... from row to row. */
#ifndef PLN_NN_BACKENDS_CPU_PIXEL_KERNELS_H
#define PLN_NN_BACKENDS_CPU_PIXEL_KERNELS_H

#include "core/core.h"

/* A value of a resized line: (1 - weight) of pixel at[0] and weight of pixel at[1]. */
typedef struct pnn_mix {
    uint32_t at[2];
    float weight;
} pnn_mix;

/* y = (x - mean) scale + beta [+ residual], tables of c values, and with relu its positive part; y
 * may be x or the residual. */
typedef struct pixel_norm {
    const float *x, *mean, *scale, *beta;
    const void *residual; /* float, or bf16 where residual_half; NULL: none */
    void *y;              /* float, or bf16 where y_half */
    size_t x_step, residual_step, y_step;
    bool residual_half, y_half, relu;
} pixel_norm;

typedef struct pixel_kernels {
    /* n cells of 2 x 2 pixels of x into n pixels of 4 c channels, and back. */
    void (*haar)(size_t n, const float *x, size_t x_step, size_t x_row, size_t c, float *y,
                 size_t y_step);
    void (*haar_inverse)(size_t n, const float *x, size_t x_step, size_t c, float *y, size_t y_step,
                         size_t y_row);
    /* n cells of k x k pixels. */
    void (*max_pool)(size_t n, size_t k, const float *x, size_t x_step, size_t x_row, size_t c,
                     float *y, size_t y_step);
    void (*average_pool)(size_t n, size_t k, const float *x, size_t x_step, size_t x_row, size_t c,
                         float *y, size_t y_step);
    /* dx of the n cells. */
    void (*max_pool_grad)(size_t n, size_t k, const float *x, size_t x_step, size_t x_row,
                          const float *dy, size_t dy_step, size_t c, float *dx, size_t dx_step,
                          size_t dx_row);
    void (*average_pool_grad)(size_t n, size_t k, const float *dy, size_t dy_step, size_t c,
                              float *dx, size_t dx_step, size_t dx_row);
    /* n pixels of a row between the rows top and bottom: (1 - v) top + v bottom. */
    void (*resize)(size_t n, const pnn_mix *mix, float v, const float *top, const float *bottom,
                   size_t x_step, size_t c, float *y, size_t y_step);
    /* dx[at[0]] += (1 - weight) dy, dx[at[1]] += weight dy */
    void (*resize_grad)(size_t n, const pnn_mix *mix, const float *dy, size_t c, float *dx,
                        size_t dx_step);
    void (*normalise)(size_t n, size_t c, const pixel_norm *p);
    /* dx = scale dy - (x - mean) lean - offset */
    void (*normalise_grad)(size_t n, const float *dy, size_t dy_step, const float *x, size_t x_step,
                           size_t c, const float *mean, const float *scale, const float *lean,
                           const float *offset, float *dx, size_t dx_step);
    /* y += a x; y is dense. */
    void (*add_scaled)(size_t n, float a, const float *x, size_t x_step, size_t c, float *y);
} pixel_kernels;

PLN_KERNELS_DECLARE(pixel_kernels, pln_pixel_kernels);

#endif
