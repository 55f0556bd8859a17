/* SPDX-License-Identifier: MIT */
/* Convolution to or from few channels (3 to 64, 64 to 3, 64 to 1), where libraries that take whole
 * vectors of channels on both sides waste most of their work: forward, gradient of the data,
 * gradient of the weights. Any kernel up to 7 x 7, stride, dilation, padding.
 *
 * Pixels lie in rows (NHWC): channel k of pixel (x, y) of image i is at
 * ((i h + y) w + x) stride + k, so that a slice of the channels of a wider buffer can be read and
 * written. Pointers need no alignment.
 *
 * Arithmetic is f32: relative to the rms of the outputs, the rms error is below 1e-6. The bytes
 * depend neither on the number of threads nor on strides or on other images of the batch; they
 * depend on the instruction set.
 *
 * Nothing here allocates: the caller brings the memory, of the sizes that the functions ending in
 * _floats say. Of the statuses only PLN_E_CANCELLED can occur. */
#ifndef PLN_NN_BACKENDS_CPU_CONV_FEW_H
#define PLN_NN_BACKENDS_CPU_CONV_FEW_H

#include "nn/backends/cpu/conv_types.h"

/* Output (x, y) is the sum over taps (i, j) of input
 * (x stride + j dilation - left, y stride + i dilation - top); outside the image it is zero. */
typedef struct pln_few_shape {
    size_t n; /* images */
    size_t in_h, in_w, out_h, out_w;
    size_t cin, cout;          /* the smaller one in [1, 4] */
    size_t kernel_h, kernel_w; /* in [1, 7] */
    size_t stride, dilation;   /* >= 1 */
    size_t top, left;          /* zeros before the first row and column */
} pln_few_shape;

bool pln_few_supported(const pln_few_shape *shape);

/* Floats of the weights in the order of the inner loops; the same for both directions. */
size_t pln_few_weights_floats(const pln_few_shape *shape);
/* u = w[cout][cin][kernel_h][kernel_w], or the other order, rearranged. */
void pln_few_weights(const pln_few_shape *shape, const float *w, pln_conv_order order, float *u);

/* out[n, out_h, out_w, cout] from in[n, in_h, in_w, cin]. u: from pln_few_weights. `epilogue` NULL:
 * the convolution alone. */
pln_status pln_few_forward(pln_context *ctx, const pln_few_shape *shape, const float *in,
                           size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                           float *out, size_t out_stride) PLN_CHECK;
/* dx[n, in_h, in_w, cin] from dy[n, out_h, out_w, cout]: the transposed convolution, which may have
 * an epilogue of its own. */
pln_status pln_few_gradient(pln_context *ctx, const pln_few_shape *shape, const float *dy,
                            size_t dy_stride, const float *u, const pln_conv_epilogue *epilogue,
                            float *dx, size_t dx_stride) PLN_CHECK;

/* Floats of work memory for pln_few_weights_gradient, for any number of threads. */
size_t pln_few_weights_gradient_floats(const pln_few_shape *shape);
/* dw[cout][cin][kernel_h][kernel_w] (or in the other order) and db[cout], which may be NULL. */
pln_status pln_few_weights_gradient(pln_context *ctx, const pln_few_shape *shape, const float *x,
                                    size_t x_stride, const float *dy, size_t dy_stride,
                                    pln_conv_order order, float *dw, float *db,
                                    float *work) PLN_CHECK;

#endif
