/* SPDX-License-Identifier: MIT */
/* Extended BSD500, as MI and EME were trained on: photographs of BSDS500, their smoothed
 * counterparts, textures blended into these, and the boundaries that people drew. Only the abstract
 * of that work says what the set is: contrast and textures are those of SPS. */
#include "data/make.h"

const struct pln_kind pln_kind_bsds_ext = {
    .name = "bsds-ext",
    .companions = PLN_WITH_EDGE | PLN_WITH_BOUNDARY | PLN_WITH_PHOTO,
    .std = 0.102,
    .easy = 0.5,
    .textures = PLN_TEXTURES_FINE,
    .photographs = true,
    .labels = true,
    .pairs = true,
    .what = "photographs",
    .truth = pln_make_screened,
};
