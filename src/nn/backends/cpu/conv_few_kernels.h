/* SPDX-License-Identifier: MIT */
/* Inner loops of convolutions with few channels on one side (conv_few.c), compiled once for each
 * instruction set. */
#ifndef PLN_NN_BACKENDS_CPU_CONV_FEW_KERNELS_H
#define PLN_NN_BACKENDS_CPU_CONV_FEW_KERNELS_H

#include "nn/backends/cpu/conv_few.h"

enum {
    FEW_MOST = 4,   /* channels of the narrow side */
    FEW_KERNEL = 7, /* taps along an axis */
    FEW_PANEL = 16, /* channels of the wide side are padded to whole panels */
    FEW_TERMS = FEW_KERNEL * FEW_KERNEL * FEW_MOST
};

/* What is added up for each pixel p of a run: the floats at at[i] + p step of the other side, with
 * row row[i] of the weights, i in [0, n). */
struct few_terms {
    size_t n;
    ptrdiff_t step;
    ptrdiff_t at[FEW_TERMS];
    size_t row[FEW_TERMS];
};

/* Pixels of an output, and what its epilogue reads, with the distance from pixel to pixel. */
struct few_out {
    float *y;
    ptrdiff_t step, residual_step, mask_step;
    pln_conv_epilogue epilogue;
};

typedef struct few_kernels {
    /* Wide out of narrow: a term is one channel of a tap. y[p][k] = sum over i of
     * x[at[i] + p step] u[row[i]][k], k in [0, c). A row of u is `padded` floats. */
    void (*widen)(const struct few_terms *terms, const float *x, const float *u, size_t padded,
                  size_t c, size_t pixels, const struct few_out *out);
    /* Narrow out of wide: a term is a tap. y[p][f] = sum over i and k of
     * x[at[i] + p step + k] u[row[i] + f][k], f in [0, few). */
    void (*narrow)(const struct few_terms *terms, const float *x, const float *u, size_t padded,
                   size_t c, size_t few, size_t pixels, const struct few_out *out);
    /* Gradient of the weights: du[row[i]][k] += sum over p of x[at[i] + p step] y[p y_step + k];
     * sum[k] += sum over p of y[p y_step + k], unless NULL. */
    void (*correlate)(const struct few_terms *terms, const float *x, const float *y,
                      ptrdiff_t y_step, size_t padded, size_t c, size_t pixels, float *du,
                      float *sum);
} few_kernels;

PLN_KERNELS_DECLARE(few_kernels, pln_few_kernels);

#endif
