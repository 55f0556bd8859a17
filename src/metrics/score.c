/* SPDX-License-Identifier: MIT */
/* Scores of pictures, for the public interface. */
#include <math.h>

#include "image/image.h"
#include "metrics/metrics.h"

static pln_status check_pair(pln_context *ctx, const pln_image *a, const pln_image *b)
{
    if (!a || !b) return pln_fail(ctx, PLN_E_ARG, "a score needs a picture and a reference");
    if (a->pixels.w != b->pixels.w || a->pixels.h != b->pixels.h)
        return pln_fail(ctx, PLN_E_SHAPE,
                        "the picture is %zux%zu but the reference is %zux%zu: sizes must be equal",
                        a->pixels.w, a->pixels.h, b->pixels.w, b->pixels.h);
    if (a->pixels.c != b->pixels.c)
        return pln_fail(ctx, PLN_E_SHAPE,
                        "the picture is %s but the reference is %s: both must be of one kind",
                        a->pixels.c == 3 ? "RGB" : "grey", b->pixels.c == 3 ? "RGB" : "grey");
    return PLN_OK;
}

pln_status pln_score_images(pln_context *ctx, pln_score kind, const pln_image *image,
                            const pln_image *reference, double *value)
{
    pln_clear(ctx);
    pln_status s = check_pair(ctx, image, reference);
    if (s) return s;
    const pln_view *a = &image->pixels, *b = &reference->pixels;
    switch (kind) {
    case PLN_SCORE_PSNR:
        return pln_psnr(ctx, a, b, value);
    case PLN_SCORE_SSIM_A:
        return pln_ssim(ctx, 'a', a, b, value);
    case PLN_SCORE_SSIM_B:
        return pln_ssim(ctx, 'b', a, b, value);
    case PLN_SCORE_SSIM_C:
        return pln_ssim(ctx, 'c', a, b, value);
    case PLN_SCORE_MAE:
        return pln_mae(ctx, a, b, value);
    case PLN_SCORE_RMSE:
        return pln_rmse(ctx, a, b, value);
    }
    return pln_fail(ctx, PLN_E_ARG, "unknown score %d", (int)kind);
}

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
        pln_status s = check_pair(ctx, image, references[k]);
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
