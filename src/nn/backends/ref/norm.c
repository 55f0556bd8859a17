/* SPDX-License-Identifier: MIT */
/* Normalisation. Moments and sums have one row for the batch or one for each picture. */
#include <math.h>

#include "nn/backends/ref/ref.h"

/* The row of moments that belongs to a position. */
static size_t row_of(const pnn_tensor *t, size_t position, const pnn_tensor *moments)
{
    return position / (t->d[1] * t->d[2]) % moments->d[0];
}

/* Positions behind one row. */
static size_t per_row(const pnn_tensor *x, const pnn_tensor *moments)
{
    return pnn_positions(x) / moments->d[0];
}

void pnn_ref_moments(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    size_t count = per_row(x, out);
    (void)sums;
    for (size_t row = 0; row < out->d[0]; row++)
        for (size_t c = 0; c < x->d[3]; c++) {
            size_t first = row * count * x->stride + c;
            double mean = 0, var = 0;
            for (size_t i = 0; i < count; i++) mean += pnn_ref_get(x, first + i * x->stride);
            mean /= (double)count;
            for (size_t i = 0; i < count; i++) {
                double d = pnn_ref_get(x, first + i * x->stride) - mean;
                var += d * d;
            }
            pnn_ref_put(out, pnn_ref_at(out, row, 0, 0, c), mean);
            pnn_ref_put(out, pnn_ref_at(out, row, 0, 1, c), var / (double)count);
        }
}

struct stats {
    double mean, scale; /* 1 / sqrt(var + eps) */
};

static struct stats stats_of(const pnn_call *call, size_t row, size_t c)
{
    const pnn_tensor *moments = &call->in[1];
    double var = pnn_ref_get(moments, pnn_ref_at(moments, row, 0, 1, c));
    return (struct stats){pnn_ref_get(moments, pnn_ref_at(moments, row, 0, 0, c)),
                          1 / sqrt(var + call->v->attr.norm.eps)};
}

void pnn_ref_norm(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *gamma = &call->in[2], *beta = &call->in[3];
    const pnn_tensor *residual = &call->in[4], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_positions(x); i++)
        for (size_t c = 0; c < x->d[3]; c++) {
            struct stats s = stats_of(call, row_of(x, i, &call->in[1]), c);
            double xhat = (pnn_ref_get(x, i * x->stride + c) - s.mean) * s.scale;
            double y = pnn_ref_get(gamma, c) * xhat + pnn_ref_get(beta, c);
            if (residual->data) y += pnn_ref_get(residual, i * residual->stride + c);
            pnn_ref_put(out, i * out->stride + c, call->v->attr.norm.relu && !(y > 0) ? 0 : y);
        }
}

void pnn_ref_norm_reduce(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *dy = &call->in[2], *out = &call->out;
    size_t count = per_row(x, out);
    (void)sums;
    for (size_t row = 0; row < out->d[0]; row++)
        for (size_t c = 0; c < x->d[3]; c++) {
            struct stats s = stats_of(call, row, c);
            double s0 = 0, s1 = 0;
            for (size_t i = row * count; i < (row + 1) * count; i++) {
                double d = pnn_ref_get(dy, i * dy->stride + c);
                s0 += d;
                s1 += d * (pnn_ref_get(x, i * x->stride + c) - s.mean) * s.scale;
            }
            pnn_ref_put(out, pnn_ref_at(out, row, 0, 0, c), s0);
            pnn_ref_put(out, pnn_ref_at(out, row, 0, 1, c), s1);
        }
}

void pnn_ref_norm_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *moments = &call->in[1], *gamma = &call->in[2];
    const pnn_tensor *dy = &call->in[3], *s01 = &call->in[4], *out = &call->out;
    double count = (double)per_row(x, moments);
    (void)sums;
    for (size_t i = 0; i < pnn_positions(x); i++)
        for (size_t c = 0; c < x->d[3]; c++) {
            size_t row = row_of(x, i, moments);
            struct stats s = stats_of(call, row, c);
            double d = pnn_ref_get(dy, i * dy->stride + c);
            if (!call->v->attr.norm.constant) {
                double xhat = (pnn_ref_get(x, i * x->stride + c) - s.mean) * s.scale;
                d -= pnn_ref_get(s01, pnn_ref_at(s01, row, 0, 0, c)) / count +
                     xhat * pnn_ref_get(s01, pnn_ref_at(s01, row, 0, 1, c)) / count;
            }
            pnn_ref_put(out, i * out->stride + c, pnn_ref_get(gamma, c) * s.scale * d);
        }
}
