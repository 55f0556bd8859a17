/* SPDX-License-Identifier: MIT */
/* Domain transform (operators/dt.c): distances of neighbours, and its filters of lines.
 *
 * A thread a line and channel. Neighbouring columns are neighbours in memory; of rows every thread
 * reads a sector of its own, whose other pixels it needs in the next steps: they are read from
 * memory once if the caches hold a sector a thread, else up to eight times. */
#ifndef PLN_DEVICE_KERNELS_DT_H
#define PLN_DEVICE_KERNELS_DT_H

#include "device/kernels/base.h"

typedef struct cu_dt {
    const float *I; /* pixels */
    size_t w, h, c;
    float ratio, far; /* sigma_s / sigma_r, most that a distance is */
    float *dx, *dy;   /* w x h: distance to the pixel before, along rows and along columns */
} cu_dt;

CU_BODY float cu_dt_distance(const cu_dt *p, size_t a, size_t b)
{
    float change = 0;
    for (size_t k = 0; k < p->c; k++) change += fabsf(p->I[a * p->c + k] - p->I[b * p->c + k]);
    float d = 1 + p->ratio * change;
    return d < p->far ? d : p->far;
}

/* i: of a pixel */
CU_BODY void cu_dt_transform_body(const cu_dt *p, size_t i)
{
    const size_t y = cu_quotient(i, p->w);
    p->dx[i] = cu_dt_distance(p, i, i > y * p->w ? i - 1 : i);
    p->dy[i] = cu_dt_distance(p, i, y ? i - p->w : i);
}

/* Lines along rows or along columns of planes of `plane` values. */
typedef struct cu_dt_lines {
    size_t count, n;      /* lines, pixels of one */
    size_t along, across; /* from a pixel to the next of its line, to the next line */
    size_t plane;
    const float *in; /* planes */
    float *out;      /* planes; of dt_rf: filtered in place, in is not read */
    const float *d;  /* of one plane, for all */
    double r;        /* half the width of the box: of dt_nc, dt_ic */
    float log_a;     /* ln a: of dt_rf */
} cu_dt_lines;

/* Where line i % count of plane i / count starts, in its plane and in all. */
CU_BODY size_t cu_dt_line(const cu_dt_lines *p, size_t i, size_t *in_plane)
{
    const size_t k = cu_quotient(i, p->count);
    *in_plane = (i - k * p->count) * p->across;
    return k * p->plane + *in_plane;
}

/* A position on the line: its place, and ct there, summed up again by each that moves. */
typedef struct cu_dt_place {
    size_t x;
    double ct;
} cu_dt_place;

CU_BODY cu_dt_place cu_dt_first(const float *d)
{
    cu_dt_place p;
    p.x = 0;
    p.ct = (double)d[0];
    return p;
}

CU_BODY void cu_dt_next(const cu_dt_lines *p, const float *d, cu_dt_place *at)
{
    if (++at->x < p->n) at->ct += (double)d[at->x * p->along];
}

/* i = channel count + line, here and below. */
CU_BODY void cu_dt_nc_body(const cu_dt_lines *p, size_t i)
{
    size_t in_plane, first = cu_dt_line(p, i, &in_plane);
    const float *F = p->in + first, *d = p->d + in_plane;
    float *out = p->out + first;
    cu_dt_place l = cu_dt_first(d), u = l, x = l;
    double sum = 0;

    for (; x.x < p->n; cu_dt_next(p, d, &x)) {
        for (; l.x < x.x && l.ct <= x.ct - p->r; cu_dt_next(p, d, &l))
            sum -= (double)F[l.x * p->along];
        for (; u.x < p->n && u.ct <= x.ct + p->r; cu_dt_next(p, d, &u))
            sum += (double)F[u.x * p->along];
        out[x.x * p->along] = (float)(sum / (double)(u.x - l.x));
    }
}

/* Between pixels x and x + 1; their distance is d of the second. */
CU_BODY double cu_dt_trapezoid(const cu_dt_lines *p, const float *F, const float *d, size_t x)
{
    const size_t a = x * p->along, b = a + p->along;
    return 0.5 * ((double)F[a] + (double)F[b]) * (double)d[b];
}

/* From pixel a towards pixel b, `gap` away: the integral over `length`. */
CU_BODY double cu_dt_end(double a, double b, double length, double gap)
{
    return length * (a + (b - a) * (length / (2 * gap)));
}

CU_BODY void cu_dt_ic_body(const cu_dt_lines *p, size_t i)
{
    size_t in_plane, first = cu_dt_line(p, i, &in_plane);
    const float *F = p->in + first, *d = p->d + in_plane;
    float *out = p->out + first;
    cu_dt_place l = cu_dt_first(d), u = l, x = l;
    double C = 0, last = u.ct; /* ct(u - 1) */

    for (; x.x < p->n; cu_dt_next(p, d, &x)) {
        for (; l.x < x.x && l.ct <= x.ct - p->r; cu_dt_next(p, d, &l))
            if (l.x + 1 < u.x) C -= cu_dt_trapezoid(p, F, d, l.x);
        for (; u.x < p->n && u.ct <= x.ct + p->r; cu_dt_next(p, d, &u)) {
            if (l.x < u.x) C += cu_dt_trapezoid(p, F, d, u.x - 1);
            last = u.ct;
        }
        const size_t a = l.x * p->along, b = (u.x - 1) * p->along;
        const double left = l.ct - (x.ct - p->r), right = x.ct + p->r - last, at_l = (double)F[a],
                     at_u = (double)F[b];
        const double L =
            l.x ? cu_dt_end(at_l, (double)F[a - p->along], left, (double)d[a]) : left * at_l;
        const double R =
            u.x < p->n ? cu_dt_end(at_u, (double)F[b + p->along], right, (double)d[b + p->along])
                       : right * at_u;
        out[x.x * p->along] = (float)((L + C + R) / (2 * p->r));
    }
}

CU_BODY void cu_dt_rf_body(const cu_dt_lines *p, size_t i)
{
    size_t in_plane, first = cu_dt_line(p, i, &in_plane);
    const float *d = p->d + in_plane;
    float *F = p->out + first, before = F[0];

    for (size_t x = 1; x < p->n; x++) {
        float *f = F + x * p->along;
        *f += expf(p->log_a * d[x * p->along]) * (before - *f);
        before = *f;
    }
    for (size_t x = p->n - 1; x-- > 0;) {
        float *f = F + x * p->along;
        *f += expf(p->log_a * d[(x + 1) * p->along]) * (before - *f);
        before = *f;
    }
}

#endif
