/* SPDX-License-Identifier: MIT */
/* Inside the back end ref: how elements are reached, and the loops of the families.
 *
 * What nn/nn.h leaves open, as in PyTorch:
 * - Resizing: half-pixel sources left of or above the first centre count as 0; with align_corners a
 *   side of 1 takes source 0.
 * - Pooling: rows and columns that fill no cell are left out, their gradient is 0.
 * - Transposed convolution to a size beyond the formula (PyTorch's output_padding): the bias alone.
 * - Adam: rate, moments and parameter are f32 in memory, one step is computed in double.
 * Values between the instructions of a fused program are not rounded. */
#ifndef PLN_NN_BACKENDS_REF_REF_H
#define PLN_NN_BACKENDS_REF_REF_H

#include "nn/backends/backend.h"
#include "nn/half.h"

/* Where the element with these four indices lies. */
static inline size_t pnn_ref_at(const pnn_tensor *t, size_t n, size_t h, size_t w, size_t c)
{
    return ((n * t->d[1] + h) * t->d[2] + w) * t->stride + c;
}

/* Where element i in memory order lies. */
static inline size_t pnn_ref_nth(const pnn_tensor *t, size_t i)
{
    return i / t->d[3] * t->stride + i % t->d[3];
}

/* The four indices of element i in memory order. */
static inline void pnn_ref_indices(const pnn_tensor *t, size_t i, size_t at[4])
{
    for (int k = 3; k >= 0; k--) {
        at[k] = i % t->d[k];
        i /= t->d[k];
    }
}

/* Where the element is that indices of a larger tensor fall on: dimensions of 1 are repeated. */
static inline size_t pnn_ref_repeated(const pnn_tensor *t, const size_t at[4])
{
    return pnn_ref_at(t, t->d[0] == 1 ? 0 : at[0], t->d[1] == 1 ? 0 : at[1],
                      t->d[2] == 1 ? 0 : at[2], t->d[3] == 1 ? 0 : at[3]);
}

static inline double pnn_ref_get(const pnn_tensor *t, size_t at)
{
    return t->type == PNN_BF16 ? (double)pnn_f32_of_bf16(((const uint16_t *)t->data)[at])
                               : (double)((const float *)t->data)[at];
}

static inline void pnn_ref_put(const pnn_tensor *t, size_t at, double value)
{
    if (t->type == PNN_BF16)
        ((uint16_t *)t->data)[at] = pnn_bf16_of_f32((float)value);
    else
        ((float *)t->data)[at] = (float)value;
}

/* All elements of t = value. */
static inline void pnn_ref_fill(const pnn_tensor *t, double value)
{
    for (size_t i = 0, n = pnn_elements(t); i < n; i++) pnn_ref_put(t, pnn_ref_nth(t, i), value);
}

/* One operation. sums: a double for each element of the output, for operations that scatter; else
 * NULL. */
typedef void pnn_ref_loop(const pnn_call *call, double *sums);
pnn_ref_loop pnn_ref_conv, pnn_ref_conv_data, pnn_ref_conv_weight;
pnn_ref_loop pnn_ref_moments, pnn_ref_norm, pnn_ref_norm_reduce, pnn_ref_norm_grad;
pnn_ref_loop pnn_ref_unary, pnn_ref_unary_grad, pnn_ref_binary, pnn_ref_fused, pnn_ref_fill_value,
    pnn_ref_noise;
pnn_ref_loop pnn_ref_concat, pnn_ref_window, pnn_ref_embed, pnn_ref_expand, pnn_ref_copy,
    pnn_ref_pad, pnn_ref_pad_grad, pnn_ref_haar, pnn_ref_haar_inverse;
pnn_ref_loop pnn_ref_max_pool, pnn_ref_max_pool_grad, pnn_ref_average_pool,
    pnn_ref_average_pool_grad;
pnn_ref_loop pnn_ref_reduce, pnn_ref_reduce_max_grad, pnn_ref_max_mean, pnn_ref_resize,
    pnn_ref_resize_grad;
pnn_ref_loop pnn_ref_matmul, pnn_ref_gram;
pnn_ref_loop pnn_ref_fan;
pnn_ref_loop pnn_ref_constant, pnn_ref_assign, pnn_ref_adam;

#endif
