/* SPDX-License-Identifier: MIT */
/* The procedural kinds: scenes with textures, or textures alone. They need no input: the default of
 * demo, tests and a benchmark that anybody can repeat. */
#include <math.h>

#include "data/data.h"
#include "data/make.h"

static pln_status scene_truth(pln_context *ctx, const struct pln_make *make,
                              const struct pln_source *source, json_t *result)
{
    size_t w = make->o.w, h = make->o.h;
    uint8_t *rgb = NULL, *classes = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, 3, &rgb));
    PLN_TRY(pln_alloc(ctx, w * h, 1, &classes));
    PLN_TRY(pln_scene(ctx, make->o.seed, source->index, w, h, rgb, classes));
    PLN_TRY(pln_make_save(ctx, make, "class", source->name, classes, w, h, 1));
    PLN_TRY(pln_make_truth(ctx, make, source->name, rgb, w, h, result));
done:
    pln_free(classes);
    pln_free(rgb);
    return s;
}

const struct pln_kind pln_kind_scenes = {
    .name = "scenes",
    .companions = PLN_WITH_EDGE | PLN_WITH_CLASSES,
    .std = 0.1, /* as `planish sample pair` */
    .easy = 1,
    .textures = PLN_TEXTURES_ALL,
    .pairs = true,
    .what = "scenes",
    .truth = scene_truth,
};

const struct pln_kind pln_kind_textures = {
    .name = "textures",
    .easy = 1,
    .textures = PLN_TEXTURES_ALL,
    .what = "textures",
};
