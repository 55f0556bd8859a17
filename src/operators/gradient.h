/* SPDX-License-Identifier: MIT */
/* Right-hand sides of l0 and ils: u or I plus a multiple of the negative divergence of changed
 * gradients, made row by row for the screened Poisson solver. */
#ifndef PLN_OPERATORS_GRADIENT_H
#define PLN_OPERATORS_GRADIENT_H

#include "core/core.h"

enum { ILS_CHARBONNIER, ILS_WELSCH };
enum { ILS_PREVIOUS, ILS_INPUT };
struct ils_params {
    double lambda, power, eps, gamma;
    int penalty, iterations, anchor;
};
/* c of the curvature bound of phi: phi(x) <= c/2 (x - mu/c)^2 + const at mu = c x - phi'(x). */
double pln_ils_bound(const struct ils_params *p);

enum { L0_PERIODIC, L0_REFLECT };
struct l0_params {
    double lambda, kappa, beta_max;
    int border;
};
/* Values of beta, from 2 lambda on. */
int pln_l0_steps(const struct l0_params *p);

/* Changes the forward differences h (to the right) and v (down) of n pixels of c planes in place.
 */
typedef void gradient_change_fn(const void *params, float *const *h, float *const *v, size_t c,
                                size_t n);

struct gradient_kernels {
    /* h[x] = u[x + 1] - u[x], the last one `last - u[n - 1]`. */
    void (*right)(float *restrict h, const float *restrict u, float last, size_t n);
    /* v = below - u */
    void (*down)(float *restrict v, const float *restrict u, const float *restrict below, size_t n);
    /* f = base + k (h[x - 1] - h[x] + above[x] - v[x]); `before` stands for h[-1]. */
    void (*add)(float *restrict f, const float *restrict base, const float *restrict h,
                float before, const float *restrict above, const float *restrict v, float k,
                size_t n);
    /* Sets all planes of a pixel to 0 where the sum of their squares is below *(float *)params. */
    gradient_change_fn *threshold;
    /* g -> c g - phi'(g): struct ils_penalty. */
    gradient_change_fn *charbonnier, *welsch;
};

/* phi(x) = (x^2 + eps)^(p/2), c = p eps^(p/2-1); or 2 gamma^2 (1 - exp(-x^2/(2 gamma^2))), c = 2.
 */
struct ils_penalty {
    float p, eps, gamma, c;
};

PLN_KERNELS_DECLARE(struct gradient_kernels, pln_gradient_kernels);

/* What pln_gradient_fill needs, the `arg` of pln_poisson_solve. */
struct gradient {
    const struct gradient_kernels *kernels;
    gradient_change_fn *change;
    const void *params; /* of change */
    size_t w, h, c;
    const float *u; /* planes of h rows of `stride` floats: whose gradients */
    size_t stride;
    const float *base; /* alike; what the divergence is added to */
    float k;
    bool reflect; /* no difference across the border; else periodic */
};

/* A pln_poisson_fill. */
void pln_gradient_fill(void *gradient, size_t y0, size_t n, float *dst, size_t plane, size_t row);

/* Adds to each plane of u, a channel of `of` each, what its mean lacks of that channel's. */
pln_status pln_planes_keep_mean(pln_context *ctx, const pln_view *of, float *u,
                                size_t stride) PLN_CHECK;

/* Interleaved picture to planes of rows of `stride` floats, and back. */
pln_status pln_planes_from(pln_context *ctx, const pln_view *in, float *planes,
                           size_t stride) PLN_CHECK;
pln_status pln_planes_to(pln_context *ctx, const float *planes, size_t stride,
                         const pln_view *out) PLN_CHECK;

#endif
