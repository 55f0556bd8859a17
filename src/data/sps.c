/* SPDX-License-Identifier: MIT */
/* SPS: Feng, Deng, Yan, Yang, Wei, Liu, "Easy2Hard: Learning to Solve the Intractables From a
 * Synthetic Dataset for Structure-Preserving Image Smoothing", TNNLS 2021. Photographs whose
 * texture is weak, lightly smoothed and screened, with fine textures blended in. Published: 200
 * truths, input 20.28 dB, SSIM-A 0.26. */
#include "data/make.h"

const struct pln_kind pln_kind_sps = {
    .name = "sps",
    .companions = PLN_WITH_EDGE | PLN_WITH_NEGATIVE,
    .std = 0.102,
    .easy = 0.25,
    .textures = PLN_TEXTURES_FINE,
    .photographs = true,
    .pairs = true,
    .what = "photographs",
    .truth = pln_make_screened,
};
