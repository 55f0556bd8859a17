/* SPDX-License-Identifier: MIT */
/* Inner loops of Fan's energy, compiled once for each instruction set. */
#ifndef PLN_SOLVE_FAN_KERNELS_H
#define PLN_SOLVE_FAN_KERNELS_H

#include "core/core.h"

/* A row of pixels i and, for one offset of the window, their neighbours j: n of both, with what
 * belongs to them, outside the picture too: there q = l = m = in = 0 and no colour is near. */
typedef struct pln_fan_pairs {
    size_t n;
    const float *ti[3], *tj[3]; /* T */
    const float *yi[3], *yj[3]; /* YUV of I */
    /* q = [B = 0] m, l = [B = 0] (1 - m) */
    const float *qi, *qj, *li, *lj, *mj, *in;
    float alpha, ws;            /* ws: the weight of the offset where m = 1 */
    float nearness;             /* -1 / 4 sigma_r^2 */
    float tie;                  /* of `code`: the sign of 0 */
    float eps;                  /* of `apply` */
    const float *xi[3], *xj[3]; /* of `apply` */
    float *g[3], *e;            /* added to */
} pln_fan_pairs;

typedef void pln_fan_pair_loop(const pln_fan_pairs *p);

typedef struct fan_kernels {
    pln_fan_pair_loop *value; /* e += w_ij sum_c phi_i */
    pln_fan_pair_loop *exact; /* and g += the derivative of all terms that hold T_i */
    pln_fan_pair_loop *code;  /* the authors' instead */
    pln_fan_pair_loop *apply; /* g += s_ij (x_i - x_j), s_ij = w_ij a_ij + w_ji a_ji */
    /* count += [e_i - e_j > 30, or 20 where e_i is below 60] */
    void (*above)(size_t n, const double *ei, const double *ej, double *count);
} fan_kernels;

PLN_KERNELS_DECLARE(fan_kernels, pln_fan_kernels);

#endif
