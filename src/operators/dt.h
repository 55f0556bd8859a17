/* SPDX-License-Identifier: MIT */
/* What the three filters of dt.c, their kernels and their versions for devices share. */
#ifndef PLN_OPERATORS_DT_H
#define PLN_OPERATORS_DT_H

#include "core/core.h"

struct dt_params {
    double sigma_s, sigma_r;
    int iterations;
};

/* sigma_H of pass i, from 0, as in the authors' code: all passes together have sigma_s. */
double pln_dt_sigma(const struct dt_params *p, int pass);
/* r of the boxes, ln a of the recursive filter. */
double pln_dt_box(double sigma);
double pln_dt_feedback(double sigma);

/* DIFF: neighbours are no further apart, which only values far above 1 could be: positions along a
 * line stay finite, and keep their fractions. */
#define DT_FAR 1e9f

/* ---- Kernels (dt_kernels.c) ---- */

/* Lines of a picture, all along its rows or all along its columns. */
struct dt_lines {
    size_t count, n, c;      /* lines, pixels of one, channels */
    float *F;                /* first pixel of the first line */
    ptrdiff_t along, across; /* from there to the next pixel, to the next line */
    float *d;                /* distance of each pixel to the one before it on its line, */
    ptrdiff_t d_along, d_across;
};

struct dt_kernels {
    /* d = 1 + ratio sum |a - b| of n pixels of c channels, at most DT_FAR */
    void (*distance)(float *restrict d, const float *a, const float *b, size_t c, size_t n,
                     float ratio);
    /* d = 2^(d log2_a) */
    void (*power)(float *d, size_t n, float log2_a);
    /* One pass of the recursive filter, d holding V = a^d; then V is squared. */
    void (*recur)(const struct dt_lines *lines);
};

PLN_KERNELS_DECLARE(struct dt_kernels, pln_dt_kernels);

#endif
