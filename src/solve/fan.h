/* SPDX-License-Identifier: MIT */
/* The energy of unsupervised smoothing, its guide maps, and what minimises it on one picture.
 * Fan, Yang, Wipf, Chen, Tong: "Image Smoothing via Unsupervised Learning", ACM TOG 37(6), 2018,
 * with the scaling, the neighbourhoods, the rules of ties and the edge detector of the authors'
 * Torch7 code. Pictures are RGB of 0..255 (not cut), interleaved; maps have a value a pixel.
 * `step`: floats from a pixel to the next; rows are w steps apart. */
#ifndef PLN_SOLVE_FAN_H
#define PLN_SOLVE_FAN_H

#include "core/core.h"

/* What is taken as the gradient; m and w are held still in all. */
typedef enum pln_fan_slopes {
    /* The authors': the slope of d^2 is that of 1 at most, |d|^-0.2 is 1 at most, w_ji stands in
     * place of w_ij; ties count as negative, and i is among its own j, so that what is exactly flat
     * drifts. */
    PLN_FAN_AUTHORS,
    PLN_FAN_EXACT,  /* of the value, 0 at ties */
    PLN_FAN_CLAMPED /* the authors', 0 at ties: what is flat stays */
} pln_fan_slopes;
extern const char *const pln_fan_slope_names[]; /* in this order; NULL at the end */

/* E = E_d + lambda_f E_f + lambda_e E_e of I and T, N pixels:
 *
 *     E_d = sum_ic (T_ic - I_ic)^2 / 3N
 *     E_f = sum_i [B_i = 0] sum_{j in window} w_ij sum_c phi_i(T_ic - T_jc) / 3N
 *     E_e = sum_i B_i (E_i(T) - G_i)^2 / sum_i B_i                        (0 without any B)
 *
 * phi_i(d) = |d|^0.8 and w_ij = exp(-|YUV_i - YUV_j|^2 / 2 sigma_r^2), 0 where it is below 0.3;
 * where m_i = 1, alpha d^2 and exp(-|i - j|^2 / 2 sigma_s^2). m_i = 1 where G_i < c1 and E_i(T) -
 * G_i > c2, and where G_i = 0 and E_i(T) > 0; then dilated by a square. YUV of I in 0..1. E_i: a
 * sixth of the absolute differences of R+G+B to the 8 neighbours and those two up, down, left,
 * right. */
typedef struct pln_fan_energy {
    int radius;              /* of the window, 1 to PLN_FAN_RADIUS */
    int grow;                /* radius of the square that m is dilated by */
    double alpha, c1, c2;    /* c1 may be infinite */
    double sigma_r, sigma_s; /* in colour, in pixels */
    double lambda_f, lambda_e;
    int slopes; /* pln_fan_slopes */
} pln_fan_energy;
enum { PLN_FAN_RADIUS = 16 };

/* The published variants. */
typedef enum pln_fan_guide {
    PLN_FAN_PLAIN,       /* G = E(I), B the edges of I */
    PLN_FAN_TEXTURE,     /* G = E(I) where there is no texture, B = 0 */
    PLN_FAN_SALIENT,     /* both where S > 0.5: the rest is smoothed */
    PLN_FAN_NOT_SALIENT, /* both where S < 0.5: what is salient is smoothed */
} pln_fan_guide;
typedef struct pln_fan_variant {
    const char *name; /* "smooth", "abstraction", "detail", "texture", "background", "foreground" */
    pln_fan_guide guide;
    pln_fan_energy energy;
} pln_fan_variant;
enum { PLN_FAN_VARIANTS = 6 };
extern const pln_fan_variant pln_fan_variants[PLN_FAN_VARIANTS];

/* ---- Guide maps ---- */

/* 6 E: whole numbers for pictures of 8 bits. sum: w h floats, becomes R + G + B. */
pln_status pln_fan_response(pln_context *ctx, size_t w, size_t h, const float *x, size_t step,
                            float *sum, float *e6) PLN_CHECK;
/* 1 where the response stands out of its 21 x 21 window, else 0. space: 2 w h doubles. */
pln_status pln_fan_select(pln_context *ctx, size_t w, size_t h, const float *e6, double *space,
                          uint8_t *selected) PLN_CHECK;
/* 1 where what is selected lies on a long enough line. */
pln_status pln_fan_prune(pln_context *ctx, size_t w, size_t h, const uint8_t *selected,
                         uint8_t *edges) PLN_CHECK;
/* 1 where a strong response has alike means on its two sides along the gradient. */
pln_status pln_fan_texture(pln_context *ctx, size_t w, size_t h, const float *sum, const float *e6,
                           uint8_t *texture) PLN_CHECK;

/* G and B of a picture, two values a pixel. S: saliency in 0..1, NULL unless the guide asks for it.
 * space: pln_fan_maps_space bytes. */
size_t pln_fan_maps_space(size_t w, size_t h);
pln_status pln_fan_maps(pln_context *ctx, pln_fan_guide guide, size_t w, size_t h, const float *x,
                        size_t step, const float *S, size_t S_step, void *space, float *GB,
                        size_t GB_step) PLN_CHECK;

/* ---- The energy ---- */

typedef struct pln_fan_problem {
    const pln_fan_energy *energy;
    size_t w, h;
    const float *I, *T, *GB; /* GB: G, B */
    size_t I_step, T_step, GB_step;
} pln_fan_problem;
typedef struct pln_fan_terms {
    double data, flat, edge, total;
    double share; /* of the pixels with m = 1 */
} pln_fan_terms;

/* The value and, if grad is not NULL, factor times the gradient with respect to T. space:
 * pln_fan_space bytes for the window's radius or a larger one, aligned as pln_alloc does. */
size_t pln_fan_space(size_t w, size_t h, int radius);
pln_status pln_fan_evaluate(pln_context *ctx, const pln_fan_problem *problem, void *space,
                            double factor, float *grad, size_t grad_step,
                            pln_fan_terms *terms) PLN_CHECK;

/* The same terms with the phi whose slopes are those that the authors' code takes: alpha d^2 goes
 * on as a line from |d| = 1, |d|^0.8 is 0.8 |d| below it. It is what training descends: a few
 * pixels with m = 1 beside an edge outweigh all else in E, so much that the authors' own results
 * have more of it than the picture as it was. */
pln_status pln_fan_bounded(pln_context *ctx, const pln_fan_problem *problem, void *space,
                           pln_fan_terms *terms) PLN_CHECK;

/* ---- What makes it small, from T = I on; both tell pln_progress ---- */

/* T: 3 w h floats, dense; the problem's own T is not looked at. Adam: steps of `rate` grey levels,
 * moments as usual (0.9, 0.999, 1e-8). space: pln_fan_adam_space bytes. */
size_t pln_fan_adam_space(size_t w, size_t h, int radius);
pln_status pln_fan_adam(pln_context *ctx, const pln_fan_problem *problem, int steps, double rate,
                        void *space, float *T) PLN_CHECK;

/* Iteratively re-weighted least squares of E_d + lambda_f E_f. A round takes m and the weights of
 * squares from T, |d| at least eps, and solves by conjugate gradients from T on, until the residual
 * of every channel is `tolerance` of |I|, or for `solver_steps`. */
typedef struct pln_fan_rounds {
    int rounds, solver_steps;
    double eps; /* grey levels */
    double tolerance;
} pln_fan_rounds;
size_t pln_fan_irls_space(size_t w, size_t h, int radius);
pln_status pln_fan_irls(pln_context *ctx, const pln_fan_problem *problem,
                        const pln_fan_rounds *rounds, void *space, float *T) PLN_CHECK;

#endif
