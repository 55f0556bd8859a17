/* SPDX-License-Identifier: MIT */
/* Kernels of fgs.c: lines of a picture, rows or columns, FGS_LANES at once, one a lane of a vector.
 * They are laid out as [pixel][channel][lane], so that the recurrences along lines are the same
 * loops for both directions. */
#ifndef PLN_OPERATORS_FGS_KERNELS_H
#define PLN_OPERATORS_FGS_KERNELS_H

#include "core/core.h"

enum { FGS_LANES = 16 };

/* n pixels of c channels in `count` neighbouring lines of a picture, the first at `data`; count may
 * be below FGS_LANES. */
struct fgs_lines {
    float *data;
    ptrdiff_t stride; /* floats from row to row */
    bool columns;     /* else rows */
    size_t n, c, count;
};

struct fgs_kernels {
    /* To `lanes` and back. Lanes beyond `count` become 0, and are left out on the way back. */
    void (*gather)(float *restrict lanes, const struct fgs_lines *from);
    void (*scatter)(const struct fgs_lines *to, const float *restrict lanes);
    /* w_i = 2^(rate |g_i+1 - g_i|), the norm over c channels, for i < n - 1. */
    void (*weights)(float *restrict w, const float *restrict g, size_t n, size_t c, float rate);
    /* f becomes the solution u of u_i + lambda (w_i (u_i - u_i+1) + w_i-1 (u_i - u_i-1)) = f_i. q:
     * room for n x FGS_LANES. */
    void (*solve)(float *restrict f, float *restrict q, const float *restrict w, float lambda,
                  size_t n, size_t c);
};

PLN_KERNELS_DECLARE(struct fgs_kernels, pln_fgs_kernels);

#endif
