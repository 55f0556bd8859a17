/* SPDX-License-Identifier: MIT */
/* The linear models of the guided filter, shared by gf and fgf: coefficients a, b of every window
 * and their window means. */
#ifndef PLN_OPERATORS_GUIDED_H
#define PLN_OPERATORS_GUIDED_H

#include "core/core.h"

enum { PLN_GUIDED_COLOR, PLN_GUIDED_CHANNEL, PLN_GUIDED_LUMA };
extern const char *const pln_guided_modes[]; /* "color", "channel", "luma" */

struct gf_params {
    double eps;
    int radius, mode;
};

#define GUIDED_SOURCES 6  /* guide planes 0..2, input planes 3..5 */
#define GUIDED_TERMS   24 /* sums over windows: at most 9 + 4 * 3 */
#define GUIDED_COEFS   12 /* coefficients of a pixel: at most 4 * 3 */

/* What is to be summed and solved for a kind of guide and input. */
struct guided_plan {
    enum { GUIDED_SELF_COLOR, GUIDED_JOINT_COLOR, GUIDED_SCALAR } kind;
    bool self;          /* the input is the guide */
    bool luma;          /* guide plane 0 is the luma of a colour guide */
    int guides, inputs; /* planes; inputs are the channels of the output */
    int terms, coefs;
    int term[GUIDED_TERMS][2]; /* product of these source planes; second < 0: the plane itself */
};

struct guided {
    struct guided_plan plan;
    size_t radius;
    double eps;
    size_t w, h;         /* of the whole picture */
    pln_view in, guide;  /* rows from in_y on; guide.data NULL: the input */
    size_t in_y, y0, y1; /* rows to emit */
    /* Called for each row y of [y0, y1), from any thread: source planes of the row (guides from 0,
     * inputs from 3) and mean coefficients. color, self: the symmetric A as 00 01 02 11 12 22, then
     * b of each channel; color, joint: a0 a1 a2 b of each channel; scalar: a b of each channel. */
    void (*emit)(void *arg, size_t y, float *const *sources, float *const *means);
    void *arg;
};

/* mode for an input of c channels and a guide of g (0: none). */
void pln_guided_plan(struct guided_plan *plan, int mode, size_t c, size_t g);
/* Rows of a block: sums start anew at its multiples, so that results do not depend on strips. */
size_t pln_guided_block(size_t radius);
size_t pln_guided_memory(const struct guided_plan *plan, size_t radius, size_t w, size_t h,
                         int threads);
pln_status pln_guided_run(pln_context *ctx, const struct guided *g) PLN_CHECK;

/* ---- Kernels (guided_kernels.c) ---- */

struct guided_kernels {
    /* Planes of n pixels of c interleaved channels. */
    void (*split)(float *const *planes, const float *restrict src, size_t c, size_t n);
    /* sum += a b (b NULL: a), or sum += a b - c d with c the row that leaves. */
    void (*add)(double *restrict sum, const float *restrict a, const float *restrict b, size_t n);
    void (*slide)(double *restrict sum, const float *restrict a, const float *restrict b,
                  const float *restrict c, const float *restrict d, size_t n);
    /* sum -= a */
    void (*leave)(double *restrict sum, const float *restrict a, size_t n);
    /* Window sums along k rows of n values with radius + 1 zeros before and radius after them. */
    void (*across)(double *const *dst, const double *const *src, int k, size_t n, size_t radius);
    /* Coefficients of n pixels from window sums; scale[x] = 1 / pixels of the window. */
    void (*solve)(const struct guided_plan *plan, double *const *sums, const double *restrict scale,
                  double eps, float *const *coefs, size_t n);
    /* means = sums scale */
    void (*mean)(float *restrict mean, const double *restrict sum, const double *restrict scale,
                 size_t n);
    /* n pixels q = mean(a) I + mean(b), interleaved. */
    void (*apply)(const struct guided_plan *plan, float *restrict dst, float *const *sources,
                  float *const *means, size_t n);
};

PLN_KERNELS_DECLARE(struct guided_kernels, pln_guided_kernels);

#endif
