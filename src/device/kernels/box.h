/* SPDX-License-Identifier: MIT */
/* Sums over square windows, and the linear models of the guided filter (operators/guided.h).
 *
 * A window's sum is one down the columns of the picture and one down the columns of the transposed
 * picture, so that neighbouring indices always have neighbouring columns. A column is cut into
 * segments of fixed height; the sum of each starts anew and then slides. */
#ifndef PLN_DEVICE_KERNELS_BOX_H
#define PLN_DEVICE_KERNELS_BOX_H

#include "device/kernels/base.h"

enum { CU_BOX_TERMS = 24 };

typedef struct cu_box {
    const float *in;           /* planes of w x h: products of two of them, or */
    const double *sums;        /* planes as they are, one a term */
    double *out;               /* planes, one a term */
    size_t w, h, segment;      /* rows of a segment */
    size_t radius;             /* below h */
    int term[CU_BOX_TERMS][2]; /* planes of `in`; second < 0: the plane itself */
} cu_box;

CU_BODY double cu_box_value(const cu_box *p, size_t term, size_t at)
{
    const size_t n = p->w * p->h;
    if (p->sums) return p->sums[term * n + at];
    int a = p->term[term][0], b = p->term[term][1];
    double v = (double)p->in[(size_t)a * n + at];
    return b < 0 ? v : v * (double)p->in[(size_t)b * n + at];
}

/* i = (term segments + segment) w + column */
CU_BODY void cu_box_body(const cu_box *p, size_t i)
{
    const size_t segments = (p->h + p->segment - 1) / p->segment, line = cu_quotient(i, p->w),
                 x = i - line * p->w, term = cu_quotient(line, segments), r = p->radius;
    const size_t y0 = (line - term * segments) * p->segment, y1 = cu_min(p->h, y0 + p->segment);
    double sum = 0, *out = p->out + term * p->w * p->h;

    for (size_t y = y0 > r ? y0 - r : 0; y < cu_min(p->h, y0 + r); y++)
        sum += cu_box_value(p, term, y * p->w + x);
    for (size_t y = y0; y < y1; y++) {
        if (y + r < p->h) sum += cu_box_value(p, term, (y + r) * p->w + x);
        if (y > y0 && y > r) sum -= cu_box_value(p, term, (y - r - 1) * p->w + x);
        out[y * p->w + x] = sum;
    }
}

/* Planes of w x h to planes of h x w. */
typedef struct cu_transpose {
    const double *in;
    double *out;
    size_t w, h;
} cu_transpose;

/* In squares of 16, so that an index's neighbours read and write few lines of memory:
 * i = (plane squares + square) 256 + place. */
CU_BODY void cu_transpose_body(const cu_transpose *p, size_t i)
{
    const size_t across = (p->w + 15) / 16, squares = across * ((p->h + 15) / 16),
                 all = cu_quotient(i, 256), plane = cu_quotient(all, squares),
                 square = all - plane * squares, row = cu_quotient(square, across),
                 x = (square - row * across) * 16 + i % 256 / 16, y = row * 16 + i % 16,
                 n = p->w * p->h;
    if (x < p->w && y < p->h) p->out[plane * n + x * p->h + y] = p->in[plane * n + y * p->w + x];
}

typedef enum cu_guided_kind { CU_GUIDED_SELF, CU_GUIDED_JOINT, CU_GUIDED_SCALAR } cu_guided_kind;

/* Of w x h pixels: the transposed picture in guided_solve, the picture in guided_apply. */
typedef struct cu_guided {
    cu_guided_kind kind;
    bool self;
    int guides, inputs;
    size_t w, h, rx, ry;
    double eps;
    const double *sums; /* window sums: of the terms, or of the coefficients */
    float *coef;        /* planes */
    const float *in;    /* planes: guides from 0, inputs from 3 */
    float *out;         /* pixels */
} cu_guided;

CU_BODY double cu_positive(double v) { return v > 0 ? v : 0; }

/* 1 / pixels of the window. */
CU_BODY double cu_guided_scale(const cu_guided *p, size_t i)
{
    const size_t y = cu_quotient(i, p->w), x = i - y * p->w;
    size_t columns = cu_min(p->w - 1, x + p->rx) - (x > p->rx ? x - p->rx : 0) + 1,
           rows = cu_min(p->h - 1, y + p->ry) - (y > p->ry ? y - p->ry : 0) + 1;
    return 1 / ((double)columns * (double)rows);
}

/* Means of the guide's channels, and the inverse of (Sigma + eps Id): cofactors 00 01 02 11 12 22
 * and 1 / determinant. */
CU_BODY void cu_guided_invert(const cu_guided *p, size_t i, double k, double m[3], double c[6],
                              double *det)
{
    const size_t n = p->w * p->h;
    double s[6];
    for (size_t j = 0; j < 3; j++) m[j] = k * p->sums[j * n + i];
    for (size_t a = 0, j = 0; a < 3; a++)
        for (size_t b = a; b < 3; b++, j++) {
            double v = k * p->sums[(3 + j) * n + i] - m[a] * m[b];
            s[j] = a == b ? cu_positive(v) + p->eps : v;
        }
    c[0] = s[3] * s[5] - s[4] * s[4];
    c[1] = s[2] * s[4] - s[1] * s[5];
    c[2] = s[1] * s[4] - s[2] * s[3];
    c[3] = s[0] * s[5] - s[2] * s[2];
    c[4] = s[1] * s[2] - s[0] * s[4];
    c[5] = s[0] * s[3] - s[1] * s[1];
    *det = 1 / (s[0] * c[0] + s[1] * c[1] + s[2] * c[2]);
}

CU_BODY void cu_guided_self(const cu_guided *p, size_t i, double k)
{
    const size_t n = p->w * p->h;
    double m[3], c[6], det, a[6];
    cu_guided_invert(p, i, k, m, c, &det);
    det *= p->eps;
    for (int j = 0; j < 6; j++) a[j] = (j == 0 || j == 3 || j == 5) - det * c[j];
    for (size_t j = 0; j < 6; j++) p->coef[j * n + i] = (float)a[j];
    p->coef[6 * n + i] = (float)(m[0] - a[0] * m[0] - a[1] * m[1] - a[2] * m[2]);
    p->coef[7 * n + i] = (float)(m[1] - a[1] * m[0] - a[3] * m[1] - a[4] * m[2]);
    p->coef[8 * n + i] = (float)(m[2] - a[2] * m[0] - a[4] * m[1] - a[5] * m[2]);
}

CU_BODY void cu_guided_joint(const cu_guided *p, size_t i, double k)
{
    const size_t n = p->w * p->h;
    double m[3], c[6], det;
    cu_guided_invert(p, i, k, m, c, &det);
    for (size_t j = 0; j < (size_t)p->inputs; j++) {
        const double *sums = p->sums + (9 + 4 * j) * n + i;
        double mp = k * sums[0], v[3], a[3];
        for (size_t b = 0; b < 3; b++) v[b] = k * sums[(1 + b) * n] - m[b] * mp;
        a[0] = det * (c[0] * v[0] + c[1] * v[1] + c[2] * v[2]);
        a[1] = det * (c[1] * v[0] + c[3] * v[1] + c[4] * v[2]);
        a[2] = det * (c[2] * v[0] + c[4] * v[1] + c[5] * v[2]);
        float *coef = p->coef + 4 * j * n + i;
        for (size_t b = 0; b < 3; b++) coef[b * n] = (float)a[b];
        coef[3 * n] = (float)(mp - a[0] * m[0] - a[1] * m[1] - a[2] * m[2]);
    }
}

CU_BODY void cu_guided_scalar(const cu_guided *p, size_t i, double k)
{
    const size_t n = p->w * p->h;
    for (size_t j = 0; j < (size_t)p->inputs; j++) {
        const double *g = p->sums + 2 * (p->guides == 1 ? 0 : j) * n + i,
                     *q = p->sums + (2 * (size_t)p->guides + 2 * j) * n + i;
        double m = k * g[0], var = cu_positive(k * g[n] - m * m), mp = p->self ? m : k * q[0],
               cov = p->self ? var : k * q[n] - m * mp, a = cov / (var + p->eps);
        p->coef[2 * j * n + i] = (float)a;
        p->coef[(2 * j + 1) * n + i] = (float)(mp - a * m);
    }
}

CU_BODY void cu_guided_solve_body(const cu_guided *p, size_t i)
{
    double k = cu_guided_scale(p, i);
    if (p->kind == CU_GUIDED_SELF)
        cu_guided_self(p, i, k);
    else if (p->kind == CU_GUIDED_JOINT)
        cu_guided_joint(p, i, k);
    else
        cu_guided_scalar(p, i, k);
}

CU_BODY float cu_guided_mean(const cu_guided *p, size_t coef, size_t i, double k)
{
    return (float)(k * p->sums[coef * p->w * p->h + i]);
}

CU_BODY void cu_guided_apply_body(const cu_guided *p, size_t i)
{
    const size_t n = p->w * p->h;
    const int row[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};
    double k = cu_guided_scale(p, i);
    float g[3] = {0, 0, 0}, *out = p->out + (size_t)p->inputs * i;
    for (size_t j = 0; j < (size_t)p->guides; j++) g[j] = p->in[j * n + i];
    for (size_t j = 0; j < (size_t)p->inputs; j++) {
        float v = 0;
        if (p->kind == CU_GUIDED_SCALAR) {
            v = cu_guided_mean(p, 2 * j, i, k) * g[p->guides == 1 ? 0 : j] +
                cu_guided_mean(p, 2 * j + 1, i, k);
        } else {
            bool self = p->kind == CU_GUIDED_SELF;
            for (size_t b = 0; b < 3; b++)
                v += cu_guided_mean(p, self ? (size_t)row[j][b] : 4 * j + b, i, k) * g[b];
            v += cu_guided_mean(p, self ? 6 + j : 4 * j + 3, i, k);
        }
        out[j] = v;
    }
}

#endif
