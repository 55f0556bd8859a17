/* SPDX-License-Identifier: MIT */
/* Sums, means and maxima along axes: each output value is that of a box of the input. */
#include <math.h>

#include "nn/backends/ref/ref.h"

struct box {
    size_t from[4], d[4], count;
};

static struct box box_of(const pnn_tensor *x, const size_t at[4], unsigned axes)
{
    struct box b = {.count = 1};
    for (int k = 0; k < 4; k++) {
        bool over = axes & 1u << k;
        b.from[k] = over ? 0 : at[k];
        b.d[k] = over ? x->d[k] : 1;
        b.count *= b.d[k];
    }
    return b;
}

/* Indices of the i-th value of the box in N H W C order. */
static void box_nth(const struct box *b, size_t i, size_t at[4])
{
    for (int k = 3; k >= 0; k--) {
        at[k] = b->from[k] + i % b->d[k];
        i /= b->d[k];
    }
}

static double value(const pnn_tensor *x, const size_t at[4])
{
    return pnn_ref_get(x, pnn_ref_at(x, at[0], at[1], at[2], at[3]));
}

/* at: the first maximum of the box. */
static double maximum(const pnn_tensor *x, const struct box *b, size_t at[4])
{
    size_t first = 0;
    box_nth(b, 0, at);
    double best = value(x, at);
    for (size_t i = 1; i < b->count; i++) {
        box_nth(b, i, at);
        if (value(x, at) > best) {
            best = value(x, at);
            first = i;
        }
    }
    box_nth(b, first, at);
    return best;
}

void pnn_ref_reduce(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    pnn_reduce_fn fn = call->v->attr.reduce.fn;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        double sum = 0;
        pnn_ref_indices(out, i, at);
        struct box b = box_of(x, at, call->v->attr.reduce.axes);
        if (fn == PNN_REDUCE_MAX) {
            sum = maximum(x, &b, at);
        } else {
            for (size_t k = 0; k < b.count; k++) {
                box_nth(&b, k, at);
                sum += value(x, at) * (call->in[1].data ? value(&call->in[1], at) : 1);
            }
            if (fn == PNN_MEAN) sum /= (double)b.count;
        }
        pnn_ref_put(out, pnn_ref_nth(out, i), sum);
    }
}

void pnn_ref_max_mean(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *factor = &call->in[1], *out = &call->out;
    bool over_c = call->v->attr.reduce.axes == PNN_OVER_C;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4], half;
        double most = -INFINITY, sum = 0;
        pnn_ref_indices(out, i, at);
        half = at[over_c ? 3 : 2];
        struct box b = box_of(x, at, call->v->attr.reduce.axes);
        for (size_t k = 0; k < b.count; k++) {
            size_t from[4];
            box_nth(&b, k, from);
            double v = value(x, from);
            if (factor->data)
                v *= pnn_ref_get(factor,
                                 pnn_ref_at(factor, factor->d[0] > 1 ? from[0] : 0, 0, 0, from[3]));
            most = v > most ? v : most;
            sum += v;
        }
        pnn_ref_put(out, pnn_ref_nth(out, i), half ? sum / (double)b.count : most);
    }
}

void pnn_ref_reduce_max_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *dy = &call->in[1], *out = &call->out;
    (void)sums;
    pnn_ref_fill(out, 0);
    for (size_t i = 0; i < pnn_elements(dy); i++) {
        size_t at[4];
        pnn_ref_indices(dy, i, at);
        struct box b = box_of(x, at, call->v->attr.reduce.axes);
        maximum(x, &b, at);
        pnn_ref_put(out, pnn_ref_at(out, at[0], at[1], at[2], at[3]),
                    pnn_ref_get(dy, pnn_ref_nth(dy, i)));
    }
}
