/* SPDX-License-Identifier: MIT */
/* Sums and maxima. Each output value is that of a box of the input; a box is dealt out to `parts`
 * indices (element k to part k mod parts), whose partial results are folded in turn, until one is
 * left. Partial results are pairs of doubles: two sums, or a maximum and its place in the box. */
#ifndef PLN_DEVICE_KERNELS_REDUCE_H
#define PLN_DEVICE_KERNELS_REDUCE_H

#include "device/kernels/base.h"

typedef enum cu_sum_fn {
    CU_SUM,     /* sum x */
    CU_MAXIMUM, /* the maximum and the first place of it */
    CU_MOMENTS, /* sum (x - k) and sum (x - k)^2, where k is the box's first value */
    CU_NORM_DY, /* sum dy and sum dy xhat */
    CU_PRODUCT  /* sum a b: the matrix product over pixels */
} cu_sum_fn;

typedef struct cu_pair {
    double a, b;
} cu_pair;

typedef struct cu_partial {
    cu_sum_fn fn;
    cu_view x, y;           /* y: dy, or the second factor */
    size_t kept[4], box[4]; /* sizes of what is kept and of a box; 1 where the other goes */
    size_t outs, count;     /* their products */
    size_t parts;
    cu_view moments; /* of CU_NORM_DY: rows x 1 x 2 x c */
    double eps;
    cu_pair *out; /* parts x outs */
} cu_partial;

typedef struct cu_norm_scale {
    double mean, scale;
} cu_norm_scale;

/* 1 / sqrt(var + eps) and the mean, of row n (repeated where there is one) and channel c. */
CU_BODY cu_norm_scale cu_norm_scale_of(const cu_view *moments, size_t n, size_t c, double eps)
{
    cu_norm_scale s;
    s.mean = (double)cu_get(moments, cu_at(moments, n, 0, 0, c));
    s.scale = 1 / sqrt((double)cu_get(moments, cu_at(moments, n, 0, 1, c)) + eps);
    return s;
}

CU_BODY cu_pair cu_better(cu_pair p, cu_pair q)
{
    return q.a > p.a || (q.a == p.a && q.b < p.b) ? q : p;
}

/* i = part outs + output: neighbours take neighbouring outputs. */
CU_BODY void cu_partial_body(const cu_partial *p, size_t i)
{
    size_t part = cu_quotient(i, p->outs), o = i - part * p->outs, at[4], in[4];
    cu_pair r;
    cu_norm_scale s;
    double shift = 0;

    r.a = r.b = 0;
    s.mean = s.scale = 0;
    cu_indices(p->kept, o, at);
    size_t first = cu_offset(&p->x, at), second = p->y.data ? cu_offset(&p->y, at) : 0;
    if (p->fn == CU_NORM_DY) s = cu_norm_scale_of(&p->moments, at[0], at[3], p->eps);
    if (p->fn == CU_MOMENTS) shift = (double)cu_get(&p->x, first);
    for (size_t k = part; k < p->count; k += p->parts) {
        cu_indices(p->box, k, in);
        double x = (double)cu_get(&p->x, first + cu_offset(&p->x, in)), y;
        switch (p->fn) {
        case CU_SUM:
            r.a += x;
            break;
        case CU_MAXIMUM:
            if (k == part || x > r.a) {
                r.a = x;
                r.b = (double)k;
            }
            break;
        case CU_MOMENTS:
            r.a += x - shift;
            r.b += (x - shift) * (x - shift);
            break;
        case CU_NORM_DY:
            y = (double)cu_get(&p->y, second + cu_offset(&p->y, in));
            r.a += y;
            r.b += y * (x - s.mean) * s.scale;
            break;
        case CU_PRODUCT:
            r.a += x * (double)cu_get(&p->y, second + cu_offset(&p->y, in));
            break;
        }
    }
    p->out[i] = r;
}

typedef struct cu_fold {
    bool maximum;
    const cu_pair *in; /* parts x outs */
    cu_pair *out;      /* folded x outs */
    size_t outs, parts, folded;
} cu_fold;

CU_BODY void cu_fold_body(const cu_fold *p, size_t i)
{
    size_t part = cu_quotient(i, p->outs), o = i - part * p->outs;
    cu_pair r = p->in[i];
    for (size_t k = part + p->folded; k < p->parts; k += p->folded) {
        cu_pair q = p->in[k * p->outs + o];
        if (p->maximum) {
            r = cu_better(r, q);
        } else {
            r.a += q.a;
            r.b += q.b;
        }
    }
    p->out[i] = r;
}

/* The last pairs into a tensor. */
typedef struct cu_finish {
    cu_sum_fn fn;
    const cu_pair *in; /* outs */
    cu_view x, y;      /* x: of CU_MOMENTS, the reduced tensor */
    size_t kept[4];
    double factor; /* 1 / count of means and moments */
} cu_finish;

CU_BODY void cu_finish_body(const cu_finish *p, size_t i)
{
    size_t at[4];
    cu_pair r = p->in[i];
    cu_indices(p->kept, i, at);
    size_t to = cu_offset(&p->y, at);
    if (p->fn == CU_MOMENTS) {
        double mean = r.a * p->factor, var = r.b * p->factor - mean * mean;
        cu_put(&p->y, to, (float)(mean + (double)cu_get(&p->x, cu_offset(&p->x, at))));
        cu_put(&p->y, cu_at(&p->y, at[0], 0, 1, at[3]), (float)(var > 0 ? var : 0));
    } else {
        cu_put(&p->y, to, (float)(r.a * p->factor));
        if (p->fn == CU_NORM_DY) cu_put(&p->y, cu_at(&p->y, at[0], 0, 1, at[3]), (float)r.b);
    }
}

/* Gradient of a maximum: dy where the first one is. */
typedef struct cu_max_grad {
    const cu_pair *in; /* outs */
    cu_view dy, y;
    size_t d[4];            /* of y */
    size_t kept[4], box[4]; /* as above */
} cu_max_grad;

CU_BODY void cu_max_grad_body(const cu_max_grad *p, size_t i)
{
    size_t at[4], out = 0, place = 0, kept[4];
    cu_indices(p->d, i, at);
    for (int k = 0; k < 4; k++) {
        kept[k] = p->box[k] > 1 ? 0 : at[k];
        out = out * p->kept[k] + kept[k];
        place = place * p->box[k] + (p->box[k] > 1 ? at[k] : 0);
    }
    bool here = p->in[out].b == (double)place;
    cu_put(&p->y, cu_offset(&p->y, at), here ? cu_get(&p->dy, cu_offset(&p->dy, kept)) : 0.0f);
}

#endif
