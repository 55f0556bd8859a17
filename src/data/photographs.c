/* SPDX-License-Identifier: MIT */
/* The truth of a photograph: lightly smoothed candidates, the one that keeps the structure best
 * among those that are smooth enough; with what the kind wants beside it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/data.h"
#include "data/make.h"
#include "image/image.h"

/* Strengths of the overview figure of Easy2Hard's repository for easy samples, then twice and four
 * times as strong for photographs that none of them passes. Bilateral filters as OpenCV runs them,
 * which made the published set. */
static const struct {
    const char *method;
    const char *values[PLN_CANDIDATE_LEVELS];
} candidates[] = {
#define OPENCV " radius=9 range-norm=l1 window=disk border=reflect101"
    {"bf",
     {"sigma-s=6 sigma-r=0.08" OPENCV, "sigma-s=6 sigma-r=0.16" OPENCV,
      "sigma-s=6 sigma-r=0.32" OPENCV}},
    {"rgf",
     {"sigma-s=6 sigma-r=0.08 iterations=2 init=input" OPENCV,
      "sigma-s=6 sigma-r=0.16 iterations=2 init=input" OPENCV,
      "sigma-s=6 sigma-r=0.32 iterations=2 init=input" OPENCV}},
    {"l0", {"lambda=0.003", "lambda=0.006", "lambda=0.012"}},
    /* "eps_s .008, iter 1" of the figure, read as lambda and sigma. */
    {"rtv", {"lambda=0.008 sigma=1", "lambda=0.008 sigma=2", "lambda=0.008 sigma=3"}},
    {"sdf", {"lambda=3", "lambda=6", "lambda=12"}},
};
_Static_assert(sizeof candidates / sizeof *candidates == PLN_CANDIDATES, "make.h counts them");

/* A method's 8-bit result. */
static pln_status smoothed(pln_context *ctx, const char *method, const char *values,
                           const pln_image *photo, uint8_t **rgb)
{
    pln_params *params = NULL;
    pln_image *out = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_params_new(ctx, method, &params));
    if (values) PLN_TRY(pln_params_apply(ctx, params, values));
    PLN_TRY(pln_smooth(ctx, params, photo, NULL, &out));
    PLN_TRY(pln_bytes_of(ctx, out, 3, rgb));
done:
    pln_image_free(out);
    pln_params_free(params);
    return s;
}

const char *pln_candidate_method(size_t k) { return candidates[k].method; }

pln_status pln_make_candidate(pln_context *ctx, const pln_image *photo, size_t level, size_t k,
                              uint8_t **rgb)
{
    return smoothed(ctx, candidates[k].method, candidates[k].values[level], photo, rgb);
}

static pln_status add_row(pln_context *ctx, json_t *rows, size_t level, const char *method,
                          const struct pln_screen *r)
{
    json_t *row =
        json_pack("[i, s, f, i, f, f, f, f, b, b]", (int)level, method, r->edge_free_share,
                  (int)r->windows, r->mean, r->p90, r->max, r->structure_ssim, 0, 0);
    if (row && r->passes) json_array_set_new(row, 8, json_integer(1));
    if (row && !r->passes) json_array_set_new(row, 8, json_integer(0));
    if (row) json_array_set_new(row, 9, json_integer(0));
    return json_array_append_new(rows, row)
               ? pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings")
               : PLN_OK;
}

/* *best: bytes of the winner, NULL if none passes. */
static pln_status choose(pln_context *ctx, const uint8_t *photo, const pln_image *image,
                         uint8_t **best, json_t *result)
{
    size_t w = image->pixels.w, h = image->pixels.h, winner = 0;
    json_t *rows = json_array();
    uint8_t *one = NULL, *kept = NULL;
    double ssim = -1;
    bool windows = true;
    pln_status s = PLN_OK;

    if (json_object_set_new(result, "rows", rows))
        return pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings");
    for (size_t level = 0; level < PLN_CANDIDATE_LEVELS && !kept && windows; level++)
        for (size_t k = 0; k < PLN_CANDIDATES && windows; k++) {
            struct pln_screen r;
            pln_free(one);
            one = NULL;
            PLN_TRY(pln_make_candidate(ctx, image, level, k, &one));
            PLN_TRY(pln_screen(ctx, photo, one, w, h, &r));
            PLN_TRY(add_row(ctx, rows, level, candidates[k].method, &r));
            windows = r.windows >= 3;
            if (!r.passes || r.structure_ssim <= ssim) continue;
            ssim = r.structure_ssim;
            winner = json_array_size(rows) - 1;
            pln_free(kept);
            kept = one;
            one = NULL;
        }
    if (kept) {
        json_t *row = json_array_get(rows, winner);
        if (json_array_set_new(row, 9, json_integer(1)) ||
            json_object_set(result, "level", json_array_get(row, 0)) ||
            json_object_set(result, "operator", json_array_get(row, 1)) ||
            json_object_set(result, "structure_ssim", json_array_get(row, 7)))
            PLN_TRY(pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings"));
    }
    *best = kept;
    kept = NULL;
done:
    pln_free(kept);
    pln_free(one);
    return s;
}

static pln_status save_label(pln_context *ctx, const struct pln_make *make,
                             const struct pln_source *source, bool classes, size_t w, size_t h)
{
    uint8_t *map = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_make_label(ctx, source->label, classes, w, h, &map));
    PLN_TRY(pln_make_save(ctx, make, classes ? "class" : "boundary", source->name, map, w, h, 1));
done:
    pln_free(map);
    return s;
}

pln_status pln_make_screened(pln_context *ctx, const struct pln_make *make,
                             const struct pln_source *source, json_t *result)
{
    unsigned with = make->kind->companions;
    uint8_t *photo = NULL, *truth = NULL, *negative = NULL;
    pln_image *image = NULL;
    size_t w, h;
    pln_status s = PLN_OK;

    PLN_TRY(pln_make_photo(ctx, make, source->path, &photo, &w, &h));
    if (with & PLN_WITH_CLASSES) PLN_TRY(save_label(ctx, make, source, true, w, h));
    if (with & PLN_WITH_BOUNDARY) PLN_TRY(save_label(ctx, make, source, false, w, h));
    PLN_TRY(pln_image_of(ctx, photo, w, h, 3, 255, &image));
    PLN_TRY(choose(ctx, photo, image, &truth, result));
    if (!truth) {
        s = pln_fail(ctx, PLN_E_FORMAT, "%s: no candidate passes the screening", source->path);
        goto done;
    }
    if (with & PLN_WITH_NEGATIVE) {
        PLN_TRY(smoothed(ctx, "bf:over", NULL, image, &negative));
        PLN_TRY(pln_make_save(ctx, make, "negative", source->name, negative, w, h, 3));
    }
    if (with & PLN_WITH_PHOTO)
        PLN_TRY(pln_make_save(ctx, make, "photo", source->name, photo, w, h, 3));
    PLN_TRY(pln_make_truth(ctx, make, source->name, truth, w, h, result));
done:
    pln_image_free(image);
    pln_free(negative);
    pln_free(truth);
    pln_free(photo);
    return s;
}

/* ---- Labels ---- */

/* Colour i of the VOC palette: bits of i dealt to R, G, B, highest first. */
static void voc_colour(unsigned i, uint8_t rgb[3])
{
    rgb[0] = rgb[1] = rgb[2] = 0;
    for (int bit = 7; i; bit--, i >>= 3)
        for (int k = 0; k < 3; k++) rgb[k] |= (uint8_t)((i >> k & 1) << bit);
}

static bool voc_index(const uint8_t rgb[3], uint8_t *index)
{
    static const uint8_t classes = 20, nothing = 255;
    uint8_t colour[3];
    for (unsigned i = 0; i <= classes + 1u; i++) {
        unsigned value = i > classes ? nothing : i;
        voc_colour(value, colour);
        if (memcmp(colour, rgb, 3)) continue;
        *index = (uint8_t)value;
        return true;
    }
    return false;
}

/* Bytes of the map in its own size. A palette decodes to colours: they become indices again. */
static pln_status label_bytes(pln_context *ctx, const char *path, bool classes,
                              const pln_image *image, uint8_t **map)
{
    size_t n = image->pixels.w * image->pixels.h;
    uint8_t *bytes = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_bytes_of(ctx, image, 3, &bytes));
    bool grey = image->pixels.c == 1;
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = bytes + 3 * i;
        if (!classes || grey) {
            bytes[i] = p[0];
            if (!classes || p[0] <= 20 || p[0] == 255) continue;
        } else if (voc_index(p, &bytes[i])) {
            continue;
        }
        s = pln_fail(ctx, PLN_E_MODEL,
                     "%s: pixel (%zu, %zu) is no class: expected 0 to 20 or 255, grey or in VOC's "
                     "palette",
                     path, i % image->pixels.w, i / image->pixels.w);
        goto done;
    }
    *map = bytes;
    bytes = NULL;
done:
    pln_free(bytes);
    return s;
}

pln_status pln_make_label(pln_context *ctx, const char *path, bool classes, size_t w, size_t h,
                          uint8_t **map)
{
    pln_image *image = NULL;
    uint8_t *whole = NULL, *out = NULL;
    pln_status s = PLN_OK;

    s = pln_image_load(ctx, path, &image);
    if (s == PLN_E_FORMAT || s == PLN_E_READ) {
        char why[512];
        snprintf(why, sizeof why, "%s", pln_context_message(ctx));
        s = pln_fail(ctx, PLN_E_MODEL, "%s", why);
    }
    PLN_TRY(s);
    size_t lw = image->pixels.w, lh = image->pixels.h;
    double sx = (double)lw / (double)w, sy = (double)lh / (double)h;
    if (lw < w || lh < h || fabs(sx / sy - 1) > 0.01) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s: is %zux%zu, its photograph %zux%zu: not its label",
                     path, lw, lh, w, h);
        goto done;
    }
    PLN_TRY(label_bytes(ctx, path, classes, image, &whole));
    PLN_TRY(pln_alloc(ctx, w * h, 1, &out));
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            out[y * w + x] = whole[pln_min(lh - 1, (size_t)(((double)y + 0.5) * sy)) * lw +
                                   pln_min(lw - 1, (size_t)(((double)x + 0.5) * sx))];
    *map = out;
    out = NULL;
done:
    pln_free(out);
    pln_free(whole);
    pln_image_free(image);
    return s;
}
