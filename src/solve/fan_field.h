/* SPDX-License-Identifier: MIT */
/* Inside the room: pictures and maps as planes with room around each row, for Fan's energy and the
 * system of its re-weighted squares. */
#ifndef PLN_SOLVE_FAN_FIELD_H
#define PLN_SOLVE_FAN_FIELD_H

#include "solve/fan.h"
#include "solve/fan_kernels.h"

enum {
    FAN_T = 0, /* three: the picture T */
    FAN_Y = 3, /* three: YUV of I */
    FAN_Q = 6, /* [B = 0] m */
    FAN_L,     /* [B = 0] (1 - m) */
    FAN_M,
    FAN_S, /* R + G + B of T */
    FAN_E, /* 6 E(T) */
    FAN_V, /* values, a share for each pixel; before and after, what a step needs */
    FAN_G, /* three: gradient, or the result of `apply` */
    FAN_PLANES = FAN_G + 3,
    FAN_ROOM = PLN_FAN_RADIUS, /* before each row */
    FAN_LANES = 16,            /* rows are filled up to a multiple */
    FAN_BAND = 8,              /* rows whose windows are one task */
    FAN_SUMS = 5               /* a row */
};

typedef struct fan_field {
    const pln_fan_problem *p;
    const fan_kernels *kernels;
    size_t n, stride; /* what kernels go over, from row to row; in floats */
    float *plane[FAN_PLANES], *in;
    size_t bands;
    float *below; /* what each band adds to G of rows below it */
    float *x[3];  /* of `apply`, with room around rows as the planes have it; else NULL */
    double *sums; /* FAN_SUMS for each row */
} fan_field;

static inline float *fan_row(const fan_field *f, int plane, size_t y)
{
    return f->plane[plane] + y * f->stride;
}

/* 6 E of a row out of R + G + B. */
void pln_fan_response_row(const float *s, size_t stride, size_t w, size_t h, size_t y, float *e);

/* Lays the field out in `space` and fills T, Y, Q, L, M, S, E. */
pln_status pln_fan_field_fill(pln_context *ctx, const pln_fan_problem *p, void *space,
                              fan_field *field) PLN_CHECK;
/* x, of pln_fan_planes_space bytes. */
size_t pln_fan_planes_space(size_t w, size_t h);
void pln_fan_planes(fan_field *f, void *space);
/* The loop over all pairs, a row and an offset of the window at a time; what it adds up becomes V
 * and G. */
pln_status pln_fan_window(pln_context *ctx, fan_field *f, pln_fan_pair_loop *loop,
                          double eps) PLN_CHECK;
/* The sums of all rows, added in order. */
void pln_fan_add_rows(const fan_field *f, double sums[FAN_SUMS]);

#endif
