/* SPDX-License-Identifier: MIT */
/* solve: the numerical tools that operators share. Each file is tested and timed alone. */
#ifndef PLN_SOLVE_SOLVE_H
#define PLN_SOLVE_SOLVE_H

#include "core/core.h"

/* What lies outside the picture:       ...|a b c d|...
 * replicate a a|, reflect101 c b|, shrink: the window is cut and renormalised, zero, periodic c d|.
 */
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

/* 2 radius + 1 taps exp(-t²/(2 sigma²)), sum 1 (double arithmetic); entries below 2.2e-16 of the
 * largest are 0 first. */
void pln_gaussian_taps(double sigma, int radius, float *taps);
/* Separable, odd number of taps 2 radius + 1, float arithmetic in a fixed order: a row does not
 * depend on strips. `shrink` divides by the sum of the taps used, in each direction. in and out:
 * same size, may not overlap. Working memory: a few rows a thread. */
pln_status pln_convolve_separable(pln_context *ctx, const pln_view *in, const pln_view *out,
                                  const float *taps, int radius, pln_border border) PLN_CHECK;

/* ---- 5- and 9-point symmetric positive definite systems (spd.c) ----
 *
 *     (Id + Lap(w)) u = f,    (Lap u)_i = sum over neighbours j of w_ij (u_i - u_j)
 *
 * on the w x h grid, weights >= 0 and finite, lambda already multiplied in. right[y*w+x] joins
 * (y,x) and (y,x+1), down (y+1,x), down_right (y+1,x+1), down_left (y+1,x-1); the entries that
 * would leave the grid are ignored. down_right and down_left NULL: five points. The matrix is
 * applied in difference form in float with double dot products (a stored float diagonal would
 * swallow the 1). */
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
    /* pln_spd_memory bytes from pln_alloc for solves in a row, contents free; NULL: the call
     * allocates */
    void *workspace;
} pln_spd_options;

typedef struct pln_spd_report {
    int iterations;
    double residual; /* relative, worst channel */
} pln_spd_report;

/* Solves all channels of f (c = 1 or 3) at once. f and u may be strided, may not overlap. report
 * may be NULL. */
pln_status pln_spd_solve(pln_context *ctx, const pln_spd *A, const pln_view *f, const pln_view *u,
                         const pln_spd_options *options, pln_spd_report *report) PLN_CHECK;
/* Bytes pln_spd_solve holds while it works. */
size_t pln_spd_memory(size_t w, size_t h, size_t c, bool nine_points, int threads);

/* ---- FFT of rows and columns (fft_fftw.c or fft_kiss.c, chosen at build) ---- */

/* Plans for pictures of w x h, any size >= 1. Complex numbers are pairs of floats (re, im). All
 * buffers come from pln_alloc and rows start at multiples of 64 bytes. Read-only after it is made:
 * any threads may use it at once. */
typedef struct pln_fft pln_fft;
pln_status pln_fft_new(pln_context *ctx, size_t w, size_t h, pln_fft **fft) PLN_CHECK;
void pln_fft_free(pln_fft *fft);
/* Floats of scratch a thread needs for the calls below. */
size_t pln_fft_scratch(size_t w, size_t h);
/* w reals -> w/2 + 1 complex numbers, and back without the factor 1/w; the inverse destroys `in`.
 */
void pln_fft_row(const pln_fft *fft, float *in, float *out, float *scratch);
void pln_fft_row_inverse(const pln_fft *fft, float *in, float *out, float *scratch);
/* A column of h complex numbers without the factor 1/h; out is another one. Columns are copied
 * together before: FFTW takes three to five times as long for strided ones, and a quarter longer in
 * place. */
void pln_fft_column(const pln_fft *fft, float *in, float *out, bool inverse, float *scratch);

/* ---- Screened Poisson equation (poisson.c) ----
 *
 *     (1 + k D) u = f,   D = -(second differences in x and y)
 *
 * periodic, or with reflecting borders (Neumann: no difference across them), for one or three
 * planes at once. */
typedef struct pln_poisson pln_poisson;
pln_status pln_poisson_new(pln_context *ctx, size_t w, size_t h, size_t planes, bool reflect,
                           pln_poisson **poisson) PLN_CHECK;
void pln_poisson_free(pln_poisson *poisson);
size_t pln_poisson_memory(size_t w, size_t h, size_t planes, bool reflect, int threads);
/* Floats from row to row of the planes that pln_poisson_solve writes. */
size_t pln_poisson_stride(size_t w);
/* Rows [y0, y0 + n) of f: row y of plane c goes to dst + c plane + (y - y0) row. Called from any
 * thread, n <= 16. */
typedef void pln_poisson_fill(void *arg, size_t y0, size_t n, float *dst, size_t plane, size_t row);
/* 2 - 2 cos(2 pi k / n) for k in [0, count), the part of D that one direction of n pixels has. */
void pln_poisson_eigenvalues(float *d, size_t count, size_t n);
/* u: planes of h rows. u may be what `fill` reads: all of f is read before u is written. */
pln_status pln_poisson_solve(pln_context *ctx, pln_poisson *poisson, double k,
                             pln_poisson_fill *fill, void *arg, float *u) PLN_CHECK;

#endif
