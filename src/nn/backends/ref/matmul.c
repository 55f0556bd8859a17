/* SPDX-License-Identifier: MIT */
/* Matrix products of each picture. */
#include "nn/backends/ref/ref.h"

void pnn_ref_matmul(const pnn_call *call, double *sums)
{
    const pnn_tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out;
    bool transpose = call->v->attr.transpose_b;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        size_t row = pnn_ref_at(a, at[0], at[1], at[2], 0), n = b->d[0] == 1 ? 0 : at[0];
        for (size_t k = 0; k < a->d[3]; k++)
            sum +=
                pnn_ref_get(a, row + k) * pnn_ref_get(b, transpose ? pnn_ref_at(b, n, 0, at[3], k)
                                                                   : pnn_ref_at(b, n, 0, k, at[3]));
        pnn_ref_put(out, pnn_ref_nth(out, i), sum);
    }
}

void pnn_ref_gram(const pnn_call *call, double *sums)
{
    const pnn_tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out;
    size_t pixels = a->d[1] * a->d[2];
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        for (size_t p = at[0] * pixels; p < (at[0] + 1) * pixels; p++)
            sum += pnn_ref_get(a, p * a->stride + at[2]) * pnn_ref_get(b, p * b->stride + at[3]);
        pnn_ref_put(out, pnn_ref_nth(out, i), sum);
    }
}
