/* SPDX-License-Identifier: MIT */
/* Making a dataset: survey of the sources, then the truths, then the manifest. Every step leaves
 * its findings in DIR/work, so that a killed run goes on where it was; the manifest is written
 * last. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/data.h"
#include "data/make.h"
#include "image/image.h"

enum { SURVEY = 1, TRUTHS };

static const struct pln_kind *const kinds[] = {
    &pln_kind_sps,      &pln_kind_voc_smooth, &pln_kind_nks,
    &pln_kind_bsds_ext, &pln_kind_scenes,     &pln_kind_textures,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *const pln_dataset_kinds[] = {"sps",    "voc-smooth", "nks", "bsds-ext",
                                         "scenes", "textures",   NULL};

/* ---- Beginning ---- */

const struct pln_kind *pln_kind_find(const char *kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i]->name, kind)) return kinds[i];
    return NULL;
}

static pln_status unknown_kind(pln_context *ctx, const char *kind)
{
    const char *near = pln_nearest(kind, pln_dataset_kinds);
    if (near)
        return pln_fail(ctx, PLN_E_ARG, "unknown dataset '%s': did you mean '%s'?", kind, near);
    return pln_fail(ctx, PLN_E_ARG,
                    "unknown dataset '%s': expected sps, voc-smooth, nks, bsds-ext, scenes or "
                    "textures",
                    kind);
}

static pln_status make_folders(pln_context *ctx, const struct pln_make *make)
{
    char *path = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &path, "%s/manifest.json", make->o.folder));
    if (pln_is_file(path)) {
        s = pln_fail(ctx, PLN_E_ARG,
                     "%s: holds a dataset already: remove it or choose another "
                     "folder",
                     make->o.folder);
        goto done;
    }
    unsigned bits = make->kind->companions;
    const char *subs[8] = {"work", "tx", make->kind->pairs ? "gt" : NULL};
    size_t n = make->kind->pairs ? 3 : 2;
    for (unsigned bit = 1; bit <= PLN_WITH_PHOTO; bit *= 2)
        if (bits & bit) subs[n++] = pln_companion_folder(bit);
    for (size_t i = 0; i < n; i++) {
        pln_free(path);
        path = NULL;
        PLN_TRY(pln_text_of(ctx, &path, "%s/%s", make->o.folder, subs[i]));
        PLN_TRY(pln_make_folder(ctx, path));
    }
done:
    pln_free(path);
    return s;
}

pln_status pln_make_new(pln_context *ctx, const pln_make_options *options, struct pln_make **result)
{
    struct pln_make *make = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *make, &make));
    make->o = *options;
    make->kind = pln_kind_find(options->kind);
    if (!make->kind) PLN_TRY(unknown_kind(ctx, options->kind));
    pln_make_options *o = &make->o;
    if (!o->count) o->count = 40;
    if (!o->texture_count && !(o->textures && o->textures[0])) o->texture_count = 24;
    if (!o->w) o->w = 320, o->h = 240;
    if (!(o->std > 0)) o->std = make->kind->std;
    if (!(o->easy > 0)) o->easy = make->kind->easy;
    if (!o->longest) o->longest = 500;
    PLN_TRY(pln_make_sources(ctx, make));
    PLN_TRY(make_folders(ctx, make));
    PLN_TRY(pln_alloc(ctx, make->truths.count + make->textures.count, sizeof *make->order,
                      &make->order));
    *result = make;
    make = NULL;
done:
    pln_make_free(make);
    return s;
}

void pln_make_free(struct pln_make *make)
{
    if (!make) return;
    pln_sources_free(&make->truths);
    pln_sources_free(&make->textures);
    pln_free(make->order);
    pln_free(make);
}

/* ---- Rounds ---- */

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Of the photographs of one split the easiest share, at least one. */
static void choose_easiest(struct pln_make *make, pln_split split)
{
    struct pln_sources *t = &make->truths;
    size_t n = 0, good = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->list[i].split != split) continue;
        n++;
        good += !json_object_get(t->list[i].survey, "skip");
    }
    size_t keep = make->o.easy >= 1
                      ? good
                      : pln_min(good, pln_max(1, (size_t)rint(make->o.easy * (double)n)));
    for (; keep; keep--) {
        struct pln_source *best = NULL;
        for (size_t i = 0; i < t->count; i++) {
            struct pln_source *p = &t->list[i];
            if (p->split != split || p->chosen || json_object_get(p->survey, "skip")) continue;
            if (!best || number(p->survey, "flat_share") > number(best->survey, "flat_share"))
                best = p;
        }
        if (!best) return;
        best->chosen = true;
    }
}

pln_status pln_make_round(pln_context *ctx, struct pln_make *make, size_t *steps)
{
    (void)ctx;
    size_t photos = make->kind->photographs ? make->truths.count : 0;
    make->steps = 0;
    make->round++;
    if (make->round == SURVEY) {
        for (size_t i = 0; i < photos; i++) make->order[make->steps++] = i;
        for (size_t i = 0; i < make->textures.count; i++)
            make->order[make->steps++] = make->truths.count + i;
    } else if (make->round == TRUTHS) {
        for (int k = PLN_SPLIT_TRAIN; photos && k <= PLN_SPLIT_TEST; k++)
            choose_easiest(make, (pln_split)k);
        for (size_t i = 0; i < make->truths.count; i++) {
            if (!photos) make->truths.list[i].chosen = true;
            if (make->truths.list[i].chosen) make->order[make->steps++] = i;
        }
    }
    *steps = make->steps;
    return PLN_OK;
}

/* What a step depends on besides the files it reads. */
static pln_status step_key(pln_context *ctx, const struct pln_make *make,
                           const struct pln_source *source, char key[65])
{
    char *text = NULL, file[65] = "-", label[65] = "-";
    pln_status s = PLN_OK;

    if (source->path) PLN_TRY(pln_file_sha256(ctx, source->path, file));
    if (source->label) PLN_TRY(pln_file_sha256(ctx, source->label, label));
    PLN_TRY(pln_text_of(ctx, &text, "2 %s %d %llu %zu %zux%zu %zu %s %s%s", make->kind->name,
                        make->round, (unsigned long long)make->o.seed, source->index, make->o.w,
                        make->o.h, make->o.longest, file, label,
                        make->o.bgr_weights ? " bgr" : ""));
    pln_sha256(text, strlen(text), key);
done:
    pln_free(text);
    return s;
}

/* A picture that cannot be used is a finding, not a failure. */
static bool unusable(pln_status s)
{
    return s == PLN_E_FORMAT || s == PLN_E_READ || s == PLN_E_SHAPE;
}

static pln_status survey_photo(pln_context *ctx, const struct pln_make *make,
                               const struct pln_source *source, json_t *result)
{
    uint8_t *rgb = NULL;
    size_t w, h;
    double flat;
    pln_status s = PLN_OK;
    PLN_TRY(pln_make_photo(ctx, make, source->path, &rgb, &w, &h));
    PLN_TRY(pln_flat_share(ctx, rgb, w, h, &flat));
    if (json_object_set_new(result, "flat_share", json_real(flat)))
        s = pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings");
done:
    pln_free(rgb);
    return s;
}

pln_status pln_make_step(pln_context *ctx, struct pln_make *make, size_t i)
{
    size_t at = make->order[i];
    bool texture = at >= make->truths.count;
    struct pln_source *source =
        texture ? &make->textures.list[at - make->truths.count] : &make->truths.list[at];
    json_t **slot = make->round == SURVEY ? &source->survey : &source->result, *result = NULL;
    char *path = NULL, key[65];
    pln_status s = PLN_OK;

    pln_clear(ctx);
    s = step_key(ctx, make, source, key);
    if (unusable(s)) {
        result = json_pack("{s:s, s:s}", "key", "", "skip", pln_context_message(ctx));
        pln_clear(ctx);
        s = result ? PLN_OK : pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings");
        goto keep;
    }
    PLN_TRY(s);
    PLN_TRY(pln_text_of(ctx, &path, "%s/work/%s%d_%s.json", make->o.folder,
                        texture ? "texture" : "truth", make->round, source->name));
    if (pln_is_file(path)) {
        s = pln_json_read(ctx, path, &result);
        if (s == PLN_E_MODEL) s = PLN_OK; /* half written by something else: made again */
        PLN_TRY(s);
        const char *have = json_string_value(json_object_get(result, "key"));
        if (have && !strcmp(have, key)) goto keep;
        json_decref(result);
        result = NULL;
    }
    result = json_pack("{s:s}", "key", key);
    if (!result) PLN_TRY(pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings"));
    s = texture                 ? pln_make_texture(ctx, make, source, result)
        : make->round == SURVEY ? survey_photo(ctx, make, source, result)
                                : make->kind->truth(ctx, make, source, result);
    if (unusable(s)) {
        s = PLN_OK;
        if (json_object_set_new(result, "skip", json_string(pln_context_message(ctx))))
            PLN_TRY(pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings"));
        pln_clear(ctx);
    }
    PLN_TRY(s);
    PLN_TRY(pln_json_write(ctx, path, result));
keep:
    *slot = result;
    result = NULL;
done:
    json_decref(result);
    pln_free(path);
    return s;
}

/* ---- Pictures for the kinds ---- */

pln_status pln_make_photo(pln_context *ctx, const struct pln_make *make, const char *path,
                          uint8_t **rgb, size_t *w, size_t *h)
{
    pln_image *image = NULL, *small = NULL;
    pln_load_options first = {.size = sizeof first, .page = 1};
    pln_status s = PLN_OK;

    PLN_TRY(pln_image_load_with(ctx, path, &first, &image));
    const pln_image *use = image;
    if (pln_max(image->pixels.w, image->pixels.h) > make->o.longest) {
        PLN_TRY(pln_image_shrink(ctx, image, make->o.longest, &small));
        use = small;
    }
    if (use->pixels.w < 32 || use->pixels.h < 32) {
        s = pln_fail(ctx, PLN_E_SHAPE, "%s: %zux%zu is too small: expected at least 32x32", path,
                     use->pixels.w, use->pixels.h);
        goto done;
    }
    PLN_TRY(pln_bytes_of(ctx, use, 3, rgb));
    *w = use->pixels.w;
    *h = use->pixels.h;
done:
    pln_image_free(small);
    pln_image_free(image);
    return s;
}

pln_status pln_make_save(pln_context *ctx, const struct pln_make *make, const char *sub,
                         const char *name, const uint8_t *bytes, size_t w, size_t h, size_t c)
{
    char *path = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_dataset_path(ctx, make->o.folder, sub, name, &path));
    PLN_TRY(pln_bytes_save(ctx, bytes, w, h, c, path));
done:
    pln_free(path);
    return s;
}

pln_status pln_make_truth(pln_context *ctx, const struct pln_make *make, const char *name,
                          const uint8_t *rgb, size_t w, size_t h, json_t *result)
{
    uint8_t *edge = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, 1, &edge));
    pln_edge_label(rgb, w, h, 2, edge);
    for (size_t i = 0; i < w * h; i++) edge[i] = edge[i] ? 255 : 0;
    PLN_TRY(pln_make_save(ctx, make, "edge", name, edge, w, h, 1));
    PLN_TRY(pln_make_save(ctx, make, "gt", name, rgb, w, h, 3));
    if (json_object_set_new(result, "width", json_integer((json_int_t)w)) ||
        json_object_set_new(result, "height", json_integer((json_int_t)h)))
        s = pln_fail(ctx, PLN_E_MEMORY, "no memory for the findings");
done:
    pln_free(edge);
    return s;
}
