/* SPDX-License-Identifier: MIT */
/* The five-point systems (Id + Lap(w)) u = f of solve/solve.h on a device, all channels at once. */
#ifndef PLN_OPERATORS_GPU_SPD_H
#define PLN_OPERATORS_GPU_SPD_H

#include "operators/gpu/gpu.h"
#include "solve/solve.h"

struct gpu_spd {
    size_t w, h, c;
    float *right, *down; /* weights; 0 in the last column, in the last row */
    float *f, *u;        /* planes */
    float *inverse;
    float *r, *p, *q; /* planes; free between solves */
    cu_spd_scalars *scalars;
    struct gpu_sums sums;
};

void gpu_spd_take(struct gpu *g, size_t w, size_t h, size_t c, struct gpu_spd *m);
/* Errors as pln_spd_solve; max_iterations 0: 20000. warm: u is of a solve before, with the same f.
 */
pln_status gpu_spd_solve(struct gpu *g, const struct gpu_spd *m,
                         const pln_spd_options *options) PLN_CHECK;

#endif
