/* SPDX-License-Identifier: MIT */
/* What fgs.c and gpu/fgs.c share. */
#ifndef PLN_OPERATORS_FGS_H
#define PLN_OPERATORS_FGS_H

#include "core/core.h"

enum { FGS_GUIDE_INPUT, FGS_GUIDE_MOVING };

struct fgs_params {
    double sigma, lambda, attenuation;
    int iterations, guide_mode;
};

/* lambda of the first iteration. */
double pln_fgs_first_lambda(const struct fgs_params *p);
/* Of 2^(rate |difference|), the weight of two neighbours. */
float pln_fgs_rate(const struct fgs_params *p);
/* What steers throughout; data == NULL: each pass steers itself. */
pln_view pln_fgs_guide(const pln_run *r);

#endif
