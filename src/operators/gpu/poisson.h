/* SPDX-License-Identifier: MIT */
/* The screened Poisson equation (1 + k D) u = f of solve/solve.h on a device. */
#ifndef PLN_OPERATORS_GPU_POISSON_H
#define PLN_OPERATORS_GPU_POISSON_H

#include "operators/gpu/gpu.h"

struct gpu_poisson {
    size_t w, h, planes; /* of the transforms: twice the picture's sides when reflecting */
    size_t columns;      /* complex numbers of a spectrum's row */
    pln_fourier *fourier;
    size_t work_bytes;
    float *f; /* planes of w x h; when reflecting, with their mirror images */
    float *dx, *dy;
    cu_complex *spectrum;
    void *work;
};

/* Sizes, with a guess of what the transforms need; open knows it. */
struct gpu_poisson gpu_poisson_of(size_t w, size_t h, size_t planes, bool reflect);
/* Before the block is made. PLN_E_UNSUPPORTED, PLN_E_LIMIT as fourier_new. */
pln_status gpu_poisson_open(pln_device *d, struct gpu_poisson *p) PLN_CHECK;
/* NULL plans are fine. */
void gpu_poisson_close(pln_device *d, struct gpu_poisson *p);
void gpu_poisson_take(struct gpu *g, struct gpu_poisson *p);
pln_status gpu_poisson_fill(struct gpu *g, const struct gpu_poisson *p) PLN_CHECK;
/* u: planes of w x h. */
pln_status gpu_poisson_solve(struct gpu *g, const struct gpu_poisson *p, double k,
                             float *u) PLN_CHECK;

#endif
