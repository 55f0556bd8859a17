/* SPDX-License-Identifier: MIT */
/* VOC-smooth: Wang et al., "Contrastive Semantic-Guided Image Smoothing Network", CGF 2022. As SPS,
 * with VOC photographs, all textures, and the class map of every photograph. Published: 150 truths,
 * 100 textures, input 20.97 dB, SSIM-A 0.388. */
#include "data/make.h"

const struct pln_kind pln_kind_voc_smooth = {
    .name = "voc-smooth",
    .companions = PLN_WITH_EDGE | PLN_WITH_CLASSES | PLN_WITH_NEGATIVE,
    .std = 0.098,
    .easy = 0.5,
    .textures = PLN_TEXTURES_TURNS,
    .photographs = true,
    .labels = true,
    .pairs = true,
    .what = "photographs",
    .truth = pln_make_screened,
};
