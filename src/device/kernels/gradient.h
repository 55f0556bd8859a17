/* SPDX-License-Identifier: MIT */
/* Right-hand sides of l0 and ils (operators/gradient.h), the screened Poisson equation between the
 * transforms (solve/poisson.c), and the mean that its steps lose. */
#ifndef PLN_DEVICE_KERNELS_GRADIENT_H
#define PLN_DEVICE_KERNELS_GRADIENT_H

#include "device/kernels/reduce.h"

typedef enum cu_change { CU_CHANGE_THRESHOLD, CU_CHANGE_CHARBONNIER, CU_CHANGE_WELSCH } cu_change;

typedef struct cu_gradient {
    cu_change change;
    size_t w, h, c;
    bool reflect;   /* no difference across the border, f with its mirror images; else periodic */
    const float *u; /* planes: whose gradients */
    size_t row, plane; /* of u: floats from row to row, from plane to plane */
    const float *base; /* planes; what the divergence is added to */
    float *f;          /* planes, of 2 w x 2 h when reflecting */
    float k;
    float threshold;            /* of CU_CHANGE_THRESHOLD */
    float p, eps, gamma, bound; /* of the penalties */
} cu_gradient;

/* g -> c g - phi'(g) */
CU_BODY float cu_penalised(const cu_gradient *p, float g)
{
    if (p->change == CU_CHANGE_CHARBONNIER)
        return g * (p->bound - p->p * exp2f((p->p / 2 - 1) * log2f(g * g + p->eps)));
    const float rate = -0.5f * 1.442695041f / (p->gamma * p->gamma); /* e^x = 2^(x log2 e) */
    return g * (2 - 2 * exp2f(rate * g * g));
}

/* The changed forward differences of a pixel. c: known when it is compiled. */
CU_BODY void cu_changed(const cu_gradient *p, size_t x, size_t y, size_t c, float h[3], float v[3])
{
    const size_t right = x + 1 < p->w ? x + 1
                         : p->reflect ? x
                                      : 0,
                 below = y + 1 < p->h ? y + 1
                         : p->reflect ? y
                                      : 0;
    float sum = 0;
    for (size_t k = 0; k < c; k++) {
        const float *u = p->u + k * p->plane, here = u[y * p->row + x];
        h[k] = u[y * p->row + right] - here;
        v[k] = u[below * p->row + x] - here;
    }
    if (p->change != CU_CHANGE_THRESHOLD) {
        for (size_t k = 0; k < c; k++) {
            h[k] = cu_penalised(p, h[k]);
            v[k] = cu_penalised(p, v[k]);
        }
        return;
    }
    for (size_t k = 0; k < c; k++) sum += h[k] * h[k];
    for (size_t k = 0; k < c; k++) sum += v[k] * v[k];
    for (size_t k = 0; k < c && !(sum >= p->threshold); k++) h[k] = v[k] = 0;
}

CU_BODY void cu_gradient_at(const cu_gradient *p, size_t i, size_t c)
{
    const size_t y = cu_quotient(i, p->w), x = i - y * p->w, n = p->w * p->h;
    float h[3], v[3], left[3] = {0, 0, 0}, above[3] = {0, 0, 0}, unused[3];

    cu_changed(p, x, y, c, h, v);
    if (x > 0 || !p->reflect) cu_changed(p, x > 0 ? x - 1 : p->w - 1, y, c, left, unused);
    if (y > 0 || !p->reflect) cu_changed(p, x, y > 0 ? y - 1 : p->h - 1, c, unused, above);
    for (size_t k = 0; k < c; k++) {
        const float f = p->base[k * n + i] + p->k * (left[k] - h[k] + above[k] - v[k]);
        if (!p->reflect) {
            p->f[k * n + i] = f;
            continue;
        }
        const size_t row = 2 * p->w, other = row - 1 - x;
        float *up = p->f + (k * 2 * p->h + y) * row, *down = up + (2 * (p->h - y) - 1) * row;
        up[x] = up[other] = down[x] = down[other] = f;
    }
}

/* i: of a pixel */
CU_BODY void cu_gradient_body(const cu_gradient *p, size_t i)
{
    if (p->c == 1)
        cu_gradient_at(p, i, 1);
    else
        cu_gradient_at(p, i, 3);
}

/* ---- The spectrum over 1 + k D ---- */

typedef struct cu_complex {
    CU_ALIGNAS(8) float re;
    float im;
} cu_complex;

typedef struct cu_screen {
    cu_complex *spectrum; /* planes of h rows of `columns` */
    const float *dx, *dy; /* D = dx[kx] + dy[ky] */
    size_t columns, h;
    float k, scale;
} cu_screen;

/* i: of a complex number */
CU_BODY void cu_screen_body(const cu_screen *p, size_t i)
{
    const size_t line = cu_quotient(i, p->columns), plane = cu_quotient(line, p->h);
    const float d = p->dx[i - line * p->columns] + p->dy[line - plane * p->h],
                f = p->scale / (1 + p->k * d);
    cu_complex z = p->spectrum[i];
    z.re *= f;
    z.im *= f;
    p->spectrum[i] = z;
}

/* ---- Means ---- */

typedef struct cu_means {
    const float *of; /* pixels of c channels, whose means are to be kept */
    const float *u;  /* planes; row, plane: as above */
    size_t w, h, c, row, plane, parts;
    cu_pair *part;        /* parts x c: sums of `of` less those of u */
    const cu_pair *total; /* c */
    float *out;           /* pixels: u with what it lacks */
} cu_means;

CU_BODY float cu_means_value(const cu_means *p, size_t k, size_t i)
{
    const size_t y = cu_quotient(i, p->w);
    return p->u[k * p->plane + y * p->row + i - y * p->w];
}

/* i = channel parts + part */
CU_BODY void cu_lost_body(const cu_means *p, size_t i)
{
    const size_t k = cu_quotient(i, p->parts), part = i - k * p->parts;
    cu_pair r;
    r.a = r.b = 0;
    for (size_t at = part; at < p->w * p->h; at += p->parts)
        r.a += (double)p->of[at * p->c + k] - (double)cu_means_value(p, k, at);
    p->part[part * p->c + k] = r;
}

/* i: of a pixel */
CU_BODY void cu_restored_body(const cu_means *p, size_t i)
{
    for (size_t k = 0; k < p->c; k++)
        p->out[i * p->c + k] =
            cu_means_value(p, k, i) + (float)(p->total[k].a / ((double)p->w * (double)p->h));
}

#endif
