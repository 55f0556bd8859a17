/* SPDX-License-Identifier: MIT */
/* Errors by pixel: PSNR, MAE, RMSE. */
#include <math.h>

#include "metrics/metrics.h"

enum { ROWS = 32 };

struct pair {
    const pln_view *a, *b;
    bool square;
};

static double sum_rows(void *arg, size_t index, int thread)
{
    const struct pair *p = arg;
    double sum = 0;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(p->a->h, (index + 1) * ROWS); y++) {
        const float *a = pln_row(p->a, y), *b = pln_row(p->b, y);
        for (size_t i = 0; i < p->a->w * p->a->c; i++) {
            double d = (double)a[i] - (double)b[i];
            sum += p->square ? d * d : fabs(d);
        }
    }
    return sum;
}

static pln_status mean_error(pln_context *ctx, const pln_view *a, const pln_view *b, bool square,
                             double *mean)
{
    struct pair p = {a, b, square};
    pln_status s = pln_parallel_sum(ctx, pln_div_up(a->h, ROWS), sum_rows, &p, mean);
    if (!s) *mean /= (double)(a->w * a->h * a->c);
    return s;
}

pln_status pln_psnr(pln_context *ctx, const pln_view *a, const pln_view *b, double *db)
{
    double mse;
    pln_status s = mean_error(ctx, a, b, true, &mse);
    if (!s) *db = mse < 1e-10 ? 100 : 10 * log10(1 / mse);
    return s;
}

pln_status pln_mae(pln_context *ctx, const pln_view *a, const pln_view *b, double *mae)
{
    return mean_error(ctx, a, b, false, mae);
}

pln_status pln_rmse(pln_context *ctx, const pln_view *a, const pln_view *b, double *rmse)
{
    double mse;
    pln_status s = mean_error(ctx, a, b, true, &mse);
    if (!s) *rmse = sqrt(mse);
    return s;
}
