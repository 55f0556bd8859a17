/* SPDX-License-Identifier: MIT */
/* Inside the back end `cpu`: how each family makes its calls ready. What all of them keep to: f32
 * values (element-wise programs and copies also read and write bf16), sums in double, pixel strides
 * of inputs and outputs honoured, work cut by sizes only, so that the bytes do not depend on the
 * number of threads. */
#ifndef PLN_NN_BACKENDS_CPU_CPU_H
#define PLN_NN_BACKENDS_CPU_CPU_H

#include "nn/backends/view.h"

typedef pln_status pnn_prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel);

pnn_prepare pnn_cpu_prepare_conv;      /* CONV, CONV_DATA, CONV_WEIGHT */
pnn_prepare pnn_cpu_prepare_pointwise; /* UNARY, UNARY_GRAD, BINARY, FUSED */
pnn_prepare pnn_cpu_prepare_norm;      /* MOMENTS, NORM, NORM_REDUCE, NORM_GRAD */
/* CONCAT, WINDOW, EMBED, EXPAND, RESHAPE, CONSTANT, FILL, CAST, ASSIGN */
pnn_prepare pnn_cpu_prepare_copy;
pnn_prepare pnn_cpu_prepare_pad;      /* PAD, PAD_GRAD */
pnn_prepare pnn_cpu_prepare_haar;     /* HAAR, HAAR_INVERSE */
pnn_prepare pnn_cpu_prepare_noise;    /* NOISE */
pnn_prepare pnn_cpu_prepare_pool;     /* MAX_POOL, AVERAGE_POOL and gradients */
pnn_prepare pnn_cpu_prepare_reduce;   /* REDUCE, REDUCE_MAX_GRAD */
pnn_prepare pnn_cpu_prepare_max_mean; /* MAX_MEAN */
pnn_prepare pnn_cpu_prepare_resize;   /* RESIZE, RESIZE_GRAD */
pnn_prepare pnn_cpu_prepare_matmul;   /* MATMUL, GRAM */
pnn_prepare pnn_cpu_prepare_fan;      /* FAN_ENERGY */
pnn_prepare pnn_cpu_prepare_adam;     /* ADAM */

/* Elements of a task: long enough to hide its start, short enough for caches and for stops. */
enum { PNN_TASK_ELEMENTS = 1 << 15 };

/* Pixels of c channels that make a task. */
static inline size_t pnn_task_pixels(size_t c)
{
    return pln_max(1, PNN_TASK_ELEMENTS / pln_max(c, 1));
}

#endif
