/* SPDX-License-Identifier: MIT */
/* The parts of `planish bench`: what is measured (bench_measure.c), and how it is asked for and
 * said (bench.c). */
#ifndef PLN_CLI_BENCH_H
#define PLN_CLI_BENCH_H

#include <jansson.h>

#include "cli/peers.h"
#include "planish/planish.h"

/* Milliseconds of wall time. */
typedef struct bench_time {
    double median, least;
    int runs;
} bench_time;

/* One method at one parameter point, alone or beside a peer that does the same. */
typedef struct bench_row {
    bench_time own, peer;    /* interleaved: own, peer, own, peer ... */
    unsigned long long peak; /* working bytes beyond input and output */
    double rmse;             /* between the two results */
} bench_row;

typedef struct bench_spd_row {
    bench_time own, peer;
    unsigned long long own_bytes, peer_bytes;
    double residual; /* relative, worst channel */
    int iterations;
} bench_spd_row;

/* RGB picture of the bench: a procedural scene under texture; pixels without gaps, to be freed by
 * pln_free. */
pln_status bench_picture(pln_context *ctx, size_t w, size_t h, float **rgb) PLN_CHECK;

/* `repeat` timed runs of each after one to warm up; 0: five, fewer where one takes seconds. peer
 * may be NULL. */
pln_status bench_method(pln_context *ctx, const pln_params *params, const pln_peer *peer,
                        const float *rgb, size_t w, size_t h, int repeat, bench_row *row) PLN_CHECK;

/* The first system of RTV (lambda 0.015, sigma 3) to a relative residual of 1e-4. peer may be NULL.
 */
pln_status bench_spd(pln_context *ctx, const pln_spd_peer *peer, const float *rgb, size_t w,
                     size_t h, int repeat, bench_spd_row *row) PLN_CHECK;

/* The peers' module, or NULL: not built, or a library of it is gone; *why says so. Stays loaded. */
const pln_peers *bench_load_peers(char why[256]);

/* Name of the processor. */
void bench_cpu(char name[128]);

/* ---- The report ---- */

typedef struct bench_line {
    const char *method, *values, *peer; /* peer NULL: none */
    size_t w, h;
    int threads;
    bool sweep; /* belongs to the growth with the size */
    bench_row row;
} bench_line;

typedef struct bench_spd_line {
    const char *peer;
    size_t w, h;
    int threads;
    bench_spd_row row;
} bench_spd_line;

/* Time grows as pixels^exponent between the two sizes, by least squares over the sizes between. */
typedef struct bench_slope {
    const char *method;
    int threads;
    double from, to, exponent;
} bench_slope;

typedef struct bench_report {
    char cpu[128];
    const char *isa, *commit, *no_peers; /* no_peers NULL: they are there or not wanted */
    int processors;
    bench_line *lines;
    bench_spd_line *spd;
    bench_slope *slopes;
    size_t line_count, spd_count, slope_count;
} bench_report;

/* To standard output, as aligned text or as Markdown. */
void bench_print(const bench_report *report, bool markdown);
/* NULL without memory. */
json_t *bench_json(const bench_report *report);

#endif
