/* SPDX-License-Identifier: MIT */
/* 3x3 convolution, stride 1, any dilation, by Winograd's minimal filtering F(4x4, 3x3): forward,
 * gradient of the data, gradient of the weights. Lavin, Gray: "Fast algorithms for convolutional
 * neural networks", CVPR 2016.
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

#include "core/core.h"

/* Every member >= 1. */
typedef struct pln_wino_shape {
    size_t n, h, w; /* images, rows, columns */
    size_t cin, cout;
    size_t dilation;
} pln_wino_shape;

/* Order of 3x3 weights in memory: o output channel, i input channel, (y, x) tap. */
typedef enum pln_wino_order { PLN_WINO_OIYX, PLN_WINO_OYXI } pln_wino_order;

/* Floats of the transformed weights U = G g G' of cin x cout filters. */
size_t pln_wino_weights_floats(size_t cin, size_t cout);
/* u = U of the weights w, in f64. `gradient`: for the gradient of the data, which is the
 * convolution with cin and cout exchanged and the filters turned by 180 degrees; cin and cout are
 * still those of w. */
void pln_wino_weights(const float *w, pln_wino_order order, size_t cin, size_t cout, bool gradient,
                      float *u);

/* y = activation(conv(x) + bias + residual), or activation(conv(x) + bias) + residual; then 0 where
 * mask <= 0. All pointers may be NULL, which leaves that step out. Strides are floats from pixel to
 * pixel. residual may be the output itself; the mask as well. */
typedef struct pln_wino_epilogue {
    const float *bias; /* cout */
    const float *residual;
    size_t residual_stride;
    bool residual_last; /* added after the activation */
    bool activate;      /* v > 0 ? v : slope v; slope 0 is ReLU */
    float slope;
    const float *mask; /* output of a ReLU: its gradient passes where it is positive */
    size_t mask_stride;
} pln_wino_epilogue;

/* Floats of work memory for pln_wino_forward with this many threads. */
size_t pln_wino_forward_floats(const pln_wino_shape *shape, int threads);
/* out[n, h, w, cout] from in[n, h, w, cin]. u: from pln_wino_weights. out may lie in the same
 * buffer as in where the channels do not overlap. `epilogue` NULL: the convolution alone. */
pln_status pln_wino_forward(pln_context *ctx, const pln_wino_shape *shape, const float *in,
                            size_t in_stride, const float *u, const pln_wino_epilogue *epilogue,
                            float *out, size_t out_stride, float *work) PLN_CHECK;

#endif
