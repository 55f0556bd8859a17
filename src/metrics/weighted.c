/* SPDX-License-Identifier: MIT */
/* Errors against several voted references. */
#include <math.h>

#include "image/image.h"
#include "metrics/metrics.h"

/* Zhu et al., "A benchmark for edge-preserving image smoothing", TIP 2019:
 * WMAE = sum_k w_k mean |O - G_k|, WRMSE = sqrt(sum_k w_k mean (O - G_k)^2), weights normalised to
 * sum 1. */
pln_status pln_score_weighted(pln_context *ctx, const pln_image *image,
                              const pln_image *const *references, const double *weights, size_t n,
                              double *wmae, double *wrmse)
{
    double sum = 0, absolute = 0, square = 0;

    pln_clear(ctx);
    for (size_t k = 0; k < n; k++) {
        if (!(weights[k] >= 0))
            return pln_fail(ctx, PLN_E_RANGE, "weight %g of a reference is negative", weights[k]);
        sum += weights[k];
    }
    if (!(sum > 0))
        return pln_fail(ctx, PLN_E_RANGE, "the weights of the references sum to nothing");
    for (size_t k = 0; k < n; k++) {
        double mae, rmse;
        pln_status s = pln_score_check(ctx, image, references[k]);
        if (!s) s = pln_mae(ctx, &image->pixels, &references[k]->pixels, &mae);
        if (!s) s = pln_rmse(ctx, &image->pixels, &references[k]->pixels, &rmse);
        if (s) return s;
        absolute += weights[k] / sum * mae;
        square += weights[k] / sum * rmse * rmse;
    }
    *wmae = absolute;
    *wrmse = sqrt(square);
    return PLN_OK;
}
