/* SPDX-License-Identifier: MIT */
/* Textures of a dataset: photographs as they decode, procedural layers as 16-bit grey, with the two
 * numbers that say what they do to a pair: contrast and grain. */
#include <math.h>

#include "data/data.h"
#include "data/make.h"
#include "image/image.h"

enum { PROCEDURAL_SIDE = 256 };

pln_status pln_texture_grey(pln_context *ctx, const pln_image *image, bool bgr_weights,
                            double **grey)
{
    const double red = bgr_weights ? 0.114 : 0.299, blue = bgr_weights ? 0.299 : 0.114;
    const pln_view *v = &image->pixels;
    double unit = image->depth <= 8 ? 255 : 65535, *g = NULL;
    pln_status s = pln_alloc(ctx, v->w * v->h, sizeof *g, &g);
    if (s) return s;
    for (size_t y = 0; y < v->h; y++) {
        const float *p = pln_row(v, y);
        for (size_t x = 0; x < v->w; x++) {
            double c[3];
            /* The file's integers: floats are not exact. */
            for (size_t k = 0; k < 3; k++)
                c[k] = rint(unit * (double)p[x * v->c + pln_min(k, v->c - 1)]) * (255 / unit);
            g[y * v->w + x] = v->c == 1 ? c[0] : red * c[0] + 0.587 * c[1] + blue * c[2];
        }
    }
    *grey = g;
    return PLN_OK;
}

/* 128 + 40 times the layer, in 1/257 of a grey level. */
static pln_status procedural(pln_context *ctx, const struct pln_make *make,
                             const struct pln_source *source, json_t *result, pln_image **image)
{
    enum { N = PROCEDURAL_SIDE };
    double *layer = NULL;
    const char *family;
    pln_image *made = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, N * N, sizeof *layer, &layer));
    PLN_TRY(pln_texture(ctx, make->o.seed, source->index, N, NULL, layer, &family));
    PLN_TRY(pln_image_make(ctx, N, N, 1, false, NULL, &made));
    made->depth = 16;
    for (size_t i = 0; i < N * N; i++)
        made->pixels.data[i] = (float)fmin(fmax((128 + 40 * layer[i]) / 255, 0), 1);
    if (json_object_set_new(result, "family", json_string(family)))
        PLN_TRY(pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings"));
    *image = made;
    made = NULL;
done:
    pln_image_free(made);
    pln_free(layer);
    return s;
}

pln_status pln_make_texture(pln_context *ctx, const struct pln_make *make,
                            const struct pln_source *source, json_t *result)
{
    pln_load_options first = {.size = sizeof first, .page = 1};
    pln_save_options as = {.size = sizeof as, .strip = true};
    pln_image *image = NULL;
    double *grey = NULL, *half = NULL, std, ratio, std2 = 0, ratio2 = 0;
    char *path = NULL;
    size_t w, h;
    pln_status s = PLN_OK;

    if (source->path)
        PLN_TRY(pln_image_load_with(ctx, source->path, &first, &image));
    else
        PLN_TRY(procedural(ctx, make, source, result, &image));
    if (image->pixels.w < 16 || image->pixels.h < 16) {
        s = pln_fail(ctx, PLN_E_SHAPE, "%s: %zux%zu is too small: expected at least 16x16",
                     source->path, image->pixels.w, image->pixels.h);
        goto done;
    }
    if (image->depth > 8) image->depth = 16;
    as.depth = image->depth > 8 ? 16 : 8;
    PLN_TRY(pln_dataset_path(ctx, make->o.folder, "tx", source->name, &path));
    PLN_TRY(pln_image_save(ctx, image, path, &as));
    PLN_TRY(pln_texture_grey(ctx, image, make->o.bgr_weights, &grey));
    PLN_TRY(pln_grain(ctx, grey, image->pixels.w, image->pixels.h, &std, &ratio));
    PLN_TRY(pln_rescale(ctx, grey, image->pixels.w, image->pixels.h, 0.5, &half, &w, &h));
    PLN_TRY(pln_grain(ctx, half, w, h, &std2, &ratio2));
    if (std < 1e-4) {
        s = pln_fail(ctx, PLN_E_SHAPE, "%s: has one colour only: not a texture", source->path);
        goto done;
    }
    if (json_object_set_new(result, "std", json_real(std)) ||
        json_object_set_new(result, "local_ratio", json_real(ratio)) ||
        json_object_set_new(result, "local_ratio_half", json_real(ratio2)))
        s = pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings");
done:
    pln_free(path);
    pln_free(half);
    pln_free(grey);
    pln_image_free(image);
    return s;
}
