/* SPDX-License-Identifier: MIT */
/* Scores of pictures, for the public interface. */
#include "image/image.h"
#include "metrics/metrics.h"

pln_status pln_score_check(pln_context *ctx, const pln_image *a, const pln_image *b)
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
    pln_status s = pln_score_check(ctx, image, reference);
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
    case PLN_SCORE_EDGES:
        return pln_edge_preservation(ctx, a, b, value);
    case PLN_SCORE_REVERSALS:
        return pln_gradient_reversals(ctx, a, b, value);
    case PLN_SCORE_FAN_SMOOTH:
    case PLN_SCORE_FAN_ABSTRACTION:
    case PLN_SCORE_FAN_DETAIL:
    case PLN_SCORE_FAN_TEXTURE:
        return pln_fan_energy_of(ctx, (size_t)(kind - PLN_SCORE_FAN_SMOOTH), a, b, value);
    }
    return pln_fail(ctx, PLN_E_ARG, "unknown score %d", (int)kind);
}
