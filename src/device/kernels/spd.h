/* SPDX-License-Identifier: MIT */
/* Conjugate gradients with the diagonal as preconditioner, for the five-point systems of
 * solve/solve.h: planes of c channels at once, the matrix in difference form, sums in double as
 * partial ones (reduce.h). What decides and what scales stays here, one cu_spd_scalars a channel.
 */
#ifndef PLN_DEVICE_KERNELS_SPD_H
#define PLN_DEVICE_KERNELS_SPD_H

#include "device/kernels/reduce.h"

typedef struct cu_spd_scalars {
    double norm;     /* |f|² */
    double relative; /* |r| / |f| */
    double rho;      /* r . z, z = r / diagonal */
    float alpha, beta;
} cu_spd_scalars;

typedef struct cu_spd {
    size_t w, n, parts;        /* n: pixels */
    const float *right, *down; /* 0 in the last column, in the last row */
    float *inverse;            /* 1 / diagonal */
    const float *f;
    float *u, *r, *p, *q;
    bool warm; /* u is a guess; else it becomes 0 */
    size_t c;
    cu_pair *part;                 /* parts x c */
    const cu_spd_scalars *scalars; /* c */
} cu_spd;

/* (A v)_i = v_i + sum of w_ij (v_i - v_j). Beside a pixel that has no neighbour its weight is 0. */
CU_BODY float cu_spd_product(const cu_spd *p, const float *v, size_t i)
{
    const float here = v[i];
    float sum = here;
    if (i + 1 < p->n) sum += p->right[i] * (here - v[i + 1]);
    if (i > 0) sum += p->right[i - 1] * (here - v[i - 1]);
    if (i + p->w < p->n) sum += p->down[i] * (here - v[i + p->w]);
    if (i >= p->w) sum += p->down[i - p->w] * (here - v[i - p->w]);
    return sum;
}

/* i: of a pixel */
CU_BODY void cu_spd_inverse_body(const cu_spd *p, size_t i)
{
    float sum = 1 + p->right[i] + p->down[i];
    if (i > 0) sum += p->right[i - 1];
    if (i >= p->w) sum += p->down[i - p->w];
    p->inverse[i] = 1 / sum;
}

/* r = f - A u; sums of r r and r z. i = channel parts + part. */
CU_BODY void cu_spd_start_body(const cu_spd *p, size_t i)
{
    const size_t k = cu_quotient(i, p->parts), part = i - k * p->parts, plane = k * p->n;
    cu_pair sum;
    sum.a = sum.b = 0;
    for (size_t at = part; at < p->n; at += p->parts) {
        float r = p->f[plane + at];
        if (p->warm)
            r -= cu_spd_product(p, p->u + plane, at);
        else
            p->u[plane + at] = 0;
        p->r[plane + at] = r;
        sum.a += (double)r * (double)r;
        sum.b += (double)r * (double)(r * p->inverse[at]);
    }
    p->part[part * p->c + k] = sum;
}

/* p = z + beta p; i: of a sample. */
CU_BODY void cu_spd_direction_body(const cu_spd *p, size_t i)
{
    const size_t k = cu_quotient(i, p->n);
    const float beta = p->scalars[k].beta, z = p->r[i] * p->inverse[i - k * p->n];
    p->p[i] = beta == 0 ? z : z + beta * p->p[i]; /* p may be anything at first */
}

/* q = A p; sums of p q. i = channel parts + part. */
CU_BODY void cu_spd_apply_body(const cu_spd *p, size_t i)
{
    const size_t k = cu_quotient(i, p->parts), part = i - k * p->parts, plane = k * p->n;
    cu_pair sum;
    sum.a = sum.b = 0;
    for (size_t at = part; at < p->n; at += p->parts) {
        const float q = cu_spd_product(p, p->p + plane, at);
        p->q[plane + at] = q;
        sum.a += (double)p->p[plane + at] * (double)q;
    }
    p->part[part * p->c + k] = sum;
}

/* u += alpha p, r -= alpha q; sums of r r and r z. i = channel parts + part. */
CU_BODY void cu_spd_step_body(const cu_spd *p, size_t i)
{
    const size_t k = cu_quotient(i, p->parts), part = i - k * p->parts, plane = k * p->n;
    const float alpha = p->scalars[k].alpha;
    cu_pair sum;
    sum.a = sum.b = 0;
    for (size_t at = part; at < p->n; at += p->parts) {
        const float r = p->r[plane + at] - alpha * p->q[plane + at];
        p->u[plane + at] += alpha * p->p[plane + at];
        p->r[plane + at] = r;
        sum.a += (double)r * (double)r;
        sum.b += (double)r * (double)(r * p->inverse[at]);
    }
    p->part[part * p->c + k] = sum;
}

/* ---- Scalars of channel i ---- */

typedef struct cu_spd_decide {
    const cu_pair *total; /* c: sums of the kernel before */
    cu_spd_scalars *scalars;
    double tolerance;
    bool first, cold; /* of spd_beta: after spd_start, whose u was 0 */
} cu_spd_decide;

/* A channel that has what was asked for stays as it is. */
CU_BODY void cu_spd_alpha_body(const cu_spd_decide *p, size_t i)
{
    cu_spd_scalars *s = p->scalars + i;
    const double pq = p->total[i].a;
    s->alpha = s->relative > p->tolerance && pq > 0 ? (float)(s->rho / pq) : 0;
}

CU_BODY void cu_spd_beta_body(const cu_spd_decide *p, size_t i)
{
    cu_spd_scalars *s = p->scalars + i;
    const double rr = p->total[i].a, rho = p->total[i].b;
    if (p->cold) s->norm = rr;
    s->relative = s->norm > 0 ? sqrt(rr / s->norm) : 0;
    s->beta = !p->first && s->rho > 0 ? (float)(rho / s->rho) : 0;
    s->rho = rho;
}

#endif
