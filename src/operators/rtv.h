/* SPDX-License-Identifier: MIT */
/* What rtv and its version for devices share. */
#ifndef PLN_OPERATORS_RTV_H
#define PLN_OPERATORS_RTV_H

struct rtv_params {
    double lambda, sigma, sharpness, tolerance;
    int iterations;
};

/* Of the inherent variation: paper, section 3, and the authors' code. */
#define RTV_EPS 1e-3f

/* The Gaussian has 2 radius + 1 taps: 5 sigma rounded, made odd. */
int pln_rtv_radius(double sigma);
/* Of the step after. */
double pln_rtv_next(double sigma);

#endif
