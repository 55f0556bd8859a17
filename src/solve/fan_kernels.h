/* SPDX-License-Identifier: MIT */
/* Inner loops of Fan's energy, compiled once for each instruction set. */
#ifndef PLN_SOLVE_FAN_KERNELS_H
#define PLN_SOLVE_FAN_KERNELS_H

#include "core/core.h"

/* Pixels of a row with what belongs to them, outside the picture too: there q = l = m = in = 0 and
 * no colour is near. */
typedef struct pln_fan_end {
    const float *t[3], *y[3]; /* T, YUV of I */
    const float *x[3];        /* of `apply` */
    const float *q, *l;       /* [B = 0] m, [B = 0] (1 - m) */
    const float *m, *in;
    float *g[3]; /* added to */
} pln_fan_end;

/* n pixels i and, for one offset of the window, their neighbours j: what the pairs add to both. */
typedef struct pln_fan_pairs {
    size_t n;
    pln_fan_end i, j;
    float alpha, ws; /* ws: the weight of the offset where m = 1 */
    float nearness;  /* -1 / 4 sigma_r^2 */
    float tie;       /* of `code`: the sign of 0 */
    float eps;       /* of `apply` */
    float *e;        /* added to */
} pln_fan_pairs;

typedef void pln_fan_pair_loop(const pln_fan_pairs *p);

typedef struct fan_kernels {
    pln_fan_pair_loop *value;   /* e += w_ij sum_c phi_i + w_ji sum_c phi_j */
    pln_fan_pair_loop *bounded; /* of the phi whose slopes are the authors' bounded ones */
    pln_fan_pair_loop *exact;   /* and g += the derivative of both terms to T_i, and to T_j */
    pln_fan_pair_loop *code;    /* the authors' instead */
    /* g_i += s_ij (x_i - x_j), g_j -= it, s_ij = w_ij a_ij + w_ji a_ji */
    pln_fan_pair_loop *apply;
    /* count += [e_i - e_j > 30, or 20 where e_i is below 60] */
    void (*above)(size_t n, const double *ei, const double *ej, double *count);
} fan_kernels;

PLN_KERNELS_DECLARE(fan_kernels, pln_fan_kernels);

#endif
