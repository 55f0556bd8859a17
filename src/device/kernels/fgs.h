/* SPDX-License-Identifier: MIT */
/* Lines of fgs (operators/fgs_kernels.c): rows or columns, one an index. Along columns neighbouring
 * indices read and write neighbouring pixels. Along rows each index walks through memory of its
 * own: what a step moves of it is used over the next steps, or moved again where the cache is too
 * small for a piece of every row. As many indices as lines leave much of a large GPU idle. */
#ifndef PLN_DEVICE_KERNELS_FGS_H
#define PLN_DEVICE_KERNELS_FGS_H

#include "device/kernels/base.h"

typedef struct cu_fgs {
    float *u; /* pixels of c channels: f, then the solution */
    size_t c;
    const float *guide; /* pixels of `guides` channels; NULL: f */
    size_t guides;
    float *q;             /* lines x n, those of a step beside each other */
    size_t lines, n;      /* lines of n pixels */
    size_t across, along; /* pixels from line to line, from step to step */
    float rate, lambda;
} cu_fgs;

/* lambda 2^(rate |a - b|) */
CU_BODY float cu_fgs_weight(const cu_fgs *p, const float *a, const float *b, size_t c)
{
    float sum = 0;
    for (size_t k = 0; k < c; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return p->lambda * exp2f(p->rate * sqrtf(sum));
}

/* c: known when it is compiled. */
CU_BODY void cu_fgs_line(const cu_fgs *p, size_t line, size_t c)
{
    const size_t step = p->along * c, guides = p->guide ? p->guides : c;
    float *u = p->u + line * p->across * c, *q = p->q + line;
    const float *g = p->guide ? p->guide + line * p->across * guides : u;
    float m[3], e = 1;

    for (size_t k = 0; k < c; k++) m[k] = u[k];
    for (size_t i = 0; i + 1 < p->n; i++, u += step, q += p->lines, g += p->along * guides) {
        const float a = cu_fgs_weight(p, g, g + p->along * guides, guides);
        *q = a / (e + a);
        e = 1 + *q * e;
        for (size_t k = 0; k < c; k++) {
            u[k] = m[k]; /* not before its weight is known, which may be of u */
            m[k] += (u[step + k] - m[k]) / e;
        }
    }
    for (size_t k = 0; k < c; k++) u[k] = m[k];
    for (size_t i = p->n - 1; i > 0; i--) {
        u -= step;
        q -= p->lines;
        for (size_t k = 0; k < c; k++) u[k] = m[k] = u[k] + *q * (m[k] - u[k]);
    }
}

/* i: of a line */
CU_BODY void cu_fgs_body(const cu_fgs *p, size_t i)
{
    if (p->c == 1)
        cu_fgs_line(p, i, 1);
    else
        cu_fgs_line(p, i, 3);
}

#endif
