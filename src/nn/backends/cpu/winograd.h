/* SPDX-License-Identifier: MIT */
/* 3x3 convolution, stride 1, any dilation, by Winograd's minimal filtering F(4x4, 3x3): forward,
 * gradient of the data, gradient of the weights; and 4x4 transposed convolution of stride 2. Lavin,
 * Gray: "Fast algorithms for convolutional neural networks", CVPR 2016.
 *
 * Pixels lie in rows (NHWC): channel k of pixel (x, y) of image i is at
 * ((i h + y) w + x) stride + k, so that a slice of the channels of a wider buffer can be read and
 * written. The border is zero, as wide as the dilation. Pointers need no alignment.
 *
 * Arithmetic is f32: relative to the rms of the outputs, the rms error is about 8e-7 and a single
 * error below 2e-5. The bytes depend neither on the number of threads nor on strides or on other
 * images of the batch; they depend on the instruction set.
 *
 * Nothing here allocates: the caller brings the weights' and the work memory, of the sizes that
 * the functions ending in _floats say, aligned to 64 bytes for speed (pln_alloc). Of the statuses
 * only PLN_E_CANCELLED can occur. */
#ifndef PLN_NN_BACKENDS_CPU_WINOGRAD_H
#define PLN_NN_BACKENDS_CPU_WINOGRAD_H

#include "nn/backends/cpu/conv_types.h"

/* Every member >= 1. */
typedef struct pln_wino_shape {
    size_t n, h, w; /* images, rows, columns */
    size_t cin, cout;
    size_t dilation;
} pln_wino_shape;

/* Floats of the transformed weights U = G g G' of cin x cout filters. */
size_t pln_wino_weights_floats(size_t cin, size_t cout);
/* u = U of the weights w, in f64. `gradient`: for the gradient of the data, which is the
 * convolution with cin and cout exchanged and the filters turned by 180 degrees; cin and cout are
 * still those of w. */
pln_status pln_wino_weights(pln_context *ctx, const float *w, pln_conv_order order, size_t cin,
                            size_t cout, bool gradient, float *u) PLN_CHECK;

/* Floats of work memory for pln_wino_forward with this many threads. */
size_t pln_wino_forward_floats(const pln_wino_shape *shape, int threads);
/* out[n, h, w, cout] from in[n, h, w, cin]. u: from pln_wino_weights. out may lie in the same
 * buffer as in where the channels do not overlap. `epilogue` NULL: the convolution alone. */
pln_status pln_wino_forward(pln_context *ctx, const pln_wino_shape *shape, const float *in,
                            size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                            float *out, size_t out_stride, float *work) PLN_CHECK;

/* Transposed convolution 4x4, stride 2, padding 1: out[n, 2 h, 2 w, cout] from in[n, h, w, cin],
 * the shape's dilation is 1. u: from pln_wino_transposed_weights, of w[cin][cout][4][4]; work as
 * for pln_wino_forward. */
size_t pln_wino_transposed_weights_floats(size_t cin, size_t cout);
pln_status pln_wino_transposed_weights(pln_context *ctx, const float *w, size_t cin, size_t cout,
                                       float *u) PLN_CHECK;
pln_status pln_wino_transposed(pln_context *ctx, const pln_wino_shape *shape, const float *in,
                               size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                               float *out, size_t out_stride, float *work) PLN_CHECK;

/* Floats of work memory for pln_wino_weights_gradient with this many threads. */
size_t pln_wino_weights_gradient_floats(const pln_wino_shape *shape, int threads);
/* dw[cout][cin][3][3] (or in the other order) = gradient of the weights, db[cout] of the bias, from
 * the input x[n, h, w, cin] and the gradient dy[n, h, w, cout] of the output. db may be NULL. */
pln_status pln_wino_weights_gradient(pln_context *ctx, const pln_wino_shape *shape, const float *x,
                                     size_t x_stride, const float *dy, size_t dy_stride,
                                     pln_conv_order order, float *dw, float *db,
                                     float *work) PLN_CHECK;

#endif
