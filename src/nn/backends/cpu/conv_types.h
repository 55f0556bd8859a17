/* SPDX-License-Identifier: MIT */
/* What the convolutions here have in common: the order of weights, and the epilogue. */
#ifndef PLN_NN_BACKENDS_CPU_CONV_TYPES_H
#define PLN_NN_BACKENDS_CPU_CONV_TYPES_H

#include "core/core.h"

/* Order of weights in memory: o output channel, i input channel, (y, x) tap. */
typedef enum pln_conv_order { PLN_CONV_OIYX, PLN_CONV_OYXI } pln_conv_order;

/* y = activation(conv(x) + bias + residual), or activation(conv(x) + bias) + residual; then 0 where
 * mask <= 0. All pointers may be NULL, which leaves that step out. Strides are floats from pixel to
 * pixel. residual may be the output itself; the mask as well. */
typedef struct pln_conv_epilogue {
    const float *bias; /* one for each output channel */
    const float *residual;
    size_t residual_stride;
    bool residual_last; /* added after the activation */
    bool activate;      /* v > 0 ? v : slope v; slope 0 is ReLU */
    float slope;
    const float *mask; /* output of a ReLU: its gradient passes where it is positive */
    size_t mask_stride;
} pln_conv_epilogue;

#endif
