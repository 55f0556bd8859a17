/* SPDX-License-Identifier: MIT */
/* Bilinear resizing: along each axis a value is a mixture of two neighbours. */
#include <math.h>

#include "nn/backends/ref/ref.h"

struct mix {
    size_t at[2];
    double weight[2];
};

static struct mix mix_of(size_t i, size_t in, size_t out, bool align_corners)
{
    double s = 0;
    if (!align_corners)
        s = fmax(((double)i + 0.5) * (double)in / (double)out - 0.5, 0);
    else if (out > 1)
        s = (double)i * (double)(in - 1) / (double)(out - 1);
    size_t low = pln_min((size_t)s, in - 1);
    return (struct mix){{low, pln_min(low + 1, in - 1)}, {1 - (s - (double)low), s - (double)low}};
}

void pnn_ref_resize(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    bool corners = call->v->attr.align_corners;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        struct mix v = mix_of(at[1], x->d[1], out->d[1], corners),
                   u = mix_of(at[2], x->d[2], out->d[2], corners);
        for (int k = 0; k < 4; k++)
            sum += v.weight[k / 2] * u.weight[k % 2] *
                   pnn_ref_get(x, pnn_ref_at(x, at[0], v.at[k / 2], u.at[k % 2], at[3]));
        pnn_ref_put(out, pnn_ref_nth(out, i), sum);
    }
}

void pnn_ref_resize_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *dy = &call->in[0], *out = &call->out;
    bool corners = call->v->attr.align_corners;
    for (size_t i = 0; i < pnn_elements(out); i++) sums[i] = 0;
    for (size_t i = 0; i < pnn_elements(dy); i++) {
        size_t at[4];
        pnn_ref_indices(dy, i, at);
        struct mix v = mix_of(at[1], out->d[1], dy->d[1], corners),
                   u = mix_of(at[2], out->d[2], dy->d[2], corners);
        for (int k = 0; k < 4; k++)
            sums[((at[0] * out->d[1] + v.at[k / 2]) * out->d[2] + u.at[k % 2]) * out->d[3] +
                 at[3]] += v.weight[k / 2] * u.weight[k % 2] * pnn_ref_get(dy, pnn_ref_nth(dy, i));
    }
    for (size_t i = 0; i < pnn_elements(out); i++) pnn_ref_put(out, pnn_ref_nth(out, i), sums[i]);
}
