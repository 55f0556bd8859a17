/* SPDX-License-Identifier: MIT */
/* solve: the numerical tools that operators share. Each file is tested and timed alone. */
#ifndef PLN_SOLVE_SOLVE_H
#define PLN_SOLVE_SOLVE_H

#include "core/core.h"

/* What lies outside the picture:       ...|a b c d|...
 * replicate a a|, reflect101 c b|, shrink: the window is cut and renormalised, zero, periodic c d|. */
typedef enum pln_border {
    PLN_BORDER_REPLICATE,
    PLN_BORDER_REFLECT101,
    PLN_BORDER_SHRINK,
    PLN_BORDER_ZERO,
    PLN_BORDER_PERIODIC
} pln_border;
/* Index in [0, n) that stands for i, or -1 (zero, shrink). Works for any i and n >= 1. */
ptrdiff_t pln_border_index(ptrdiff_t i, ptrdiff_t n, pln_border border);

/* ---- Gaussian (gaussian.c) ---- */

/* 2 radius + 1 taps exp(-t²/(2 sigma²)), sum 1 (double arithmetic); entries below 2.2e-16 of the largest are 0 first. */
void pln_gaussian_taps(double sigma, int radius, float *taps);
/* Separable, odd number of taps 2 radius + 1, float arithmetic in a fixed order: a row does not depend on strips.
 * `shrink` divides by the sum of the taps used, in each direction. in and out: same size, may not overlap.
 * Working memory: a few rows a thread. */
pln_status pln_convolve_separable(pln_context *ctx, const pln_view *in, const pln_view *out, const float *taps,
                                  int radius, pln_border border) PLN_CHECK;

/* ---- 5- and 9-point symmetric positive definite systems (spd.c) ----
 *
 *     (Id + Lap(w)) u = f,    (Lap u)_i = sum over neighbours j of w_ij (u_i - u_j)
 *
 * on the w x h grid, weights >= 0 and finite, lambda already multiplied in. right[y*w+x] joins (y,x) and (y,x+1),
 * down (y+1,x), down_right (y+1,x+1), down_left (y+1,x-1); the entries that would leave the grid are ignored.
 * down_right and down_left NULL: five points. The matrix is applied in difference form in float with double dot
 * products (a stored float diagonal would swallow the 1). */
typedef struct pln_spd {
    size_t w, h;
    const float *right, *down, *down_right, *down_left;
} pln_spd;

typedef struct pln_spd_options {
    double tolerance;   /* relative residual |f - A u| / |f| of every channel */
    int max_iterations; /* 0: 2000; reaching it is PLN_E_INTERNAL with the figures */
    bool warm;          /* u holds a starting guess; else zero */
    /* from < to: tells pln_progress how far it is between these two fractions, stage "solve" */
    double progress_from, progress_to;
} pln_spd_options;

typedef struct pln_spd_report {
    int iterations;
    double residual; /* relative, worst channel */
} pln_spd_report;

/* Solves all channels of f (c = 1 or 3) at once. f and u may be strided, may not overlap. report may be NULL. */
pln_status pln_spd_solve(pln_context *ctx, const pln_spd *A, const pln_view *f, const pln_view *u,
                         const pln_spd_options *options, pln_spd_report *report) PLN_CHECK;
/* Bytes pln_spd_solve holds while it works. */
size_t pln_spd_memory(size_t w, size_t h, size_t c, bool nine_points, int threads);

/* ---- Real 2-D FFT of c planes (fft.c), any size >= 1 ---- */

/* A plan is made once, may be used by one call at a time, and gives the same bytes for any number of threads. Spectra
 * are planar: c planes of h rows of w/2 + 1 complex (re, im) floats, row stride pln_fft_stride complex numbers. */
typedef struct pln_fft pln_fft;
pln_status pln_fft_new(pln_context *ctx, size_t w, size_t h, pln_fft **fft) PLN_CHECK;
void pln_fft_free(pln_fft *fft);
size_t pln_fft_memory(size_t w, size_t h, int threads);

#endif
