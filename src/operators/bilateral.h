/* SPDX-License-Identifier: MIT */
/* The joint bilateral filter behind bf and rgf:
 *
 *     O_p = sum over q in W(p) of w_pq I_q / sum of w_pq,
 *     w_pq = exp(-|p - q|^2 / (2 sigma_s^2) - d(G_p, G_q)^2 / (2 sigma_r^2))
 */
#ifndef PLN_OPERATORS_BILATERAL_H
#define PLN_OPERATORS_BILATERAL_H

#include "operators/operators.h"
#include "solve/solve.h"

/* Values of the choices, in the order of their names. */
enum pln_range_norm { PLN_NORM_L2, PLN_NORM_L1, PLN_NORM_CHANNEL, PLN_NORM_LAB };
enum pln_window { PLN_WINDOW_SQUARE, PLN_WINDOW_DISK };
extern const char *const pln_bilateral_norms[], *const pln_bilateral_windows[];
/* replicate, reflect101, shrink: the first three of pln_border. */
extern const char *const pln_bilateral_borders[];

/* The members that bf and rgf have in common. */
struct pln_bilateral_params {
    double sigma_s, sigma_r;
    int radius; /* 0: ceil(2 sigma_s), as MATLAB's imbilatfilt */
    int range_norm, window, border;
};
struct bf_params {
    struct pln_bilateral_params b;
};
enum { RGF_INIT_CONSTANT, RGF_INIT_INPUT };
struct rgf_params {
    struct pln_bilateral_params b;
    int iterations, init;
};

/* In pixels, at most 256. */
int pln_bilateral_radius(const struct pln_bilateral_params *p);
/* What a guide of so many channels is multiplied by, so that its squared distances are exponents of
 * two; flat: it is constant, spatial weights alone. */
float pln_bilateral_scale(const struct pln_bilateral_params *p, size_t guides, bool flat);
/* Window and spatial weights, as exponents of two: [dy (2 radius + 1) + radius + dx] and the
 * largest |dx| at [dy], dy in [0, radius]. */
void pln_bilateral_window(const struct pln_bilateral_params *p, float *log_space, ptrdiff_t *reach);

/* Rows in_y .. of a picture of w x h, enough for the window of the rows y0 .. y1 - 1 of `out`. */
struct pln_bilateral {
    const struct pln_bilateral_params *params;
    size_t w, h;
    pln_view data, guide; /* the same rows; guide.data NULL: the data */
    size_t in_y;
    pln_view out;
    size_t y0, y1;
    bool flat;   /* the guide is constant: spatial weights alone */
    bool to_rgb; /* the data are CIELAB, the output is RGB */
};
/* Data and guide as they are: for the norm `lab` they come from pln_bilateral_lab. */
pln_status pln_bilateral_filter(pln_context *ctx, const struct pln_bilateral *b) PLN_CHECK;
/* Bytes that it holds at most, for any guide. */
size_t pln_bilateral_memory(const struct pln_bilateral_params *p, size_t w, size_t h, size_t c,
                            int threads);
/* RGB to CIELAB in a new buffer, which goes to pln_free. */
pln_status pln_bilateral_lab(pln_context *ctx, const pln_view *rgb, pln_view *lab) PLN_CHECK;
/* Roughly, for one pass of the filter over c channels. */
double pln_bilateral_nanoseconds(const struct pln_bilateral_params *p, size_t c);

#endif
