/* SPDX-License-Identifier: MIT */
/* Edge preservation index: Sattar, Floreby, Salomonsson, Lövström, "Image enhancement based on a
 * nonlinear multiscale method", TIP 1997: correlation of the two pictures' Laplacians,
 * Γ(Δa, Δb) / sqrt(Γ(Δa, Δa) Γ(Δb, Δb)), Γ the sum of products over all pixels and channels. Δ is
 * the 4-neighbour Laplacian; neighbours outside the picture contribute nothing, so that its mean,
 * which the paper subtracts, is 0. */
#include <math.h>

#include "metrics/metrics.h"

enum { ROWS = 32 };

struct product {
    const pln_view *a, *b;
};

static double laplacian(const pln_view *v, size_t x, size_t y, size_t k)
{
    const float *row = pln_row(v, y);
    size_t i = x * v->c + k;
    double u = (double)row[i], sum = 0;
    if (x > 0) sum += (double)row[i - v->c] - u;
    if (x + 1 < v->w) sum += (double)row[i + v->c] - u;
    if (y > 0) sum += (double)pln_row(v, y - 1)[i] - u;
    if (y + 1 < v->h) sum += (double)pln_row(v, y + 1)[i] - u;
    return sum;
}

static double sum_rows(void *arg, size_t index, int thread)
{
    const struct product *p = arg;
    double sum = 0;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(p->a->h, (index + 1) * ROWS); y++)
        for (size_t x = 0; x < p->a->w; x++)
            for (size_t k = 0; k < p->a->c; k++)
                sum += laplacian(p->a, x, y, k) * laplacian(p->b, x, y, k);
    return sum;
}

static pln_status gamma_of(pln_context *ctx, const pln_view *a, const pln_view *b, double *sum)
{
    struct product p = {a, b};
    return pln_parallel_sum(ctx, pln_div_up(a->h, ROWS), sum_rows, &p, sum);
}

pln_status pln_edge_preservation(pln_context *ctx, const pln_view *a, const pln_view *b,
                                 double *index)
{
    double aa, bb, ab;
    pln_status s = gamma_of(ctx, a, a, &aa);
    if (!s) s = gamma_of(ctx, b, b, &bb);
    if (!s) s = gamma_of(ctx, a, b, &ab);
    if (s) return s;
    if (aa == 0 || bb == 0)
        *index = aa == bb; /* without any edge: alike only if both are */
    else
        *index = ab / sqrt(aa * bb);
    return PLN_OK;
}
