/* SPDX-License-Identifier: MIT */
/* Pooling over k x k cells. */
#include "nn/backends/ref/ref.h"

/* Place of the first maximum of the cell. */
static size_t first_maximum(const pnn_tensor *x, const size_t cell[4], size_t k)
{
    size_t best = pnn_ref_at(x, cell[0], cell[1] * k, cell[2] * k, cell[3]);
    for (size_t i = 1; i < k * k; i++) {
        size_t at = pnn_ref_at(x, cell[0], cell[1] * k + i / k, cell[2] * k + i % k, cell[3]);
        if (pnn_ref_get(x, at) > pnn_ref_get(x, best)) best = at;
    }
    return best;
}

void pnn_ref_max_pool(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        pnn_ref_indices(out, i, at);
        pnn_ref_put(out, pnn_ref_nth(out, i),
                    pnn_ref_get(x, first_maximum(x, at, (size_t)call->v->attr.k)));
    }
}

void pnn_ref_max_pool_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *dy = &call->in[1], *out = &call->out;
    (void)sums;
    pnn_ref_fill(out, 0);
    for (size_t i = 0; i < pnn_elements(dy); i++) {
        size_t at[4];
        pnn_ref_indices(dy, i, at);
        /* The place in x, which may have another stride. */
        size_t best = first_maximum(x, at, (size_t)call->v->attr.k);
        pnn_ref_put(out, best / x->stride * out->stride + best % x->stride,
                    pnn_ref_get(dy, pnn_ref_nth(dy, i)));
    }
}

void pnn_ref_average_pool(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    size_t k = (size_t)call->v->attr.k;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        for (size_t p = 0; p < k * k; p++)
            sum +=
                pnn_ref_get(x, pnn_ref_at(x, at[0], at[1] * k + p / k, at[2] * k + p % k, at[3]));
        pnn_ref_put(out, pnn_ref_nth(out, i), sum / (double)(k * k));
    }
}

void pnn_ref_average_pool_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *dy = &call->in[0], *out = &call->out;
    size_t k = (size_t)call->v->attr.k;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        pnn_ref_indices(out, i, at);
        bool in = at[1] / k < dy->d[1] && at[2] / k < dy->d[2];
        double d = in ? pnn_ref_get(dy, pnn_ref_at(dy, at[0], at[1] / k, at[2] / k, at[3])) : 0;
        pnn_ref_put(out, pnn_ref_nth(out, i), d / (double)(k * k));
    }
}
