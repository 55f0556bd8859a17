/* SPDX-License-Identifier: MIT */
/* NKS: Xu et al., "Pixel-level Non-local Image Smoothing with Objective Evaluation", TMM 2020.
 * Drawings as they are with every texture; a test set only. Published: 20 drawings, 10 textures,
 * input 28.04 dB, SSIM-A 0.574. */
#include "data/make.h"

static pln_status drawing(pln_context *ctx, const struct pln_make *make,
                          const struct pln_source *source, json_t *result)
{
    uint8_t *rgb = NULL;
    size_t w, h;
    pln_status s = PLN_OK;
    PLN_TRY(pln_make_photo(ctx, make, source->path, &rgb, &w, &h));
    PLN_TRY(pln_make_truth(ctx, make, source->name, rgb, w, h, result));
done:
    pln_free(rgb);
    return s;
}

const struct pln_kind pln_kind_nks = {
    .name = "nks",
    .companions = PLN_WITH_EDGE,
    .std = 0.0403,
    .easy = 1,
    .textures = PLN_TEXTURES_ALL,
    .photographs = true,
    .test_only = true,
    .pairs = true,
    .what = "drawings",
    .truth = drawing,
};
