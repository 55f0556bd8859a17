/* SPDX-License-Identifier: MIT */
/* What ils and l0 have in common on a device, beside their kernel. */
#ifndef PLN_OPERATORS_GPU_GRADIENT_H
#define PLN_OPERATORS_GPU_GRADIENT_H

#include "operators/gpu/poisson.h"
#include "operators/gradient.h"

/* pixels: the input; becomes q's u, with what the means of its channels lack of the input's added.
 * sums: of c outputs. */
pln_status gpu_keep_mean(struct gpu *g, const struct gpu_sums *sums, const cu_gradient *q,
                         float *pixels) PLN_CHECK;

#endif
