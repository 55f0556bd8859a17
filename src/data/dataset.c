/* SPDX-License-Identifier: MIT */
/* An open dataset: which pair is which truth with which texture, and the files behind them. */
#include "data/dataset.h"

#include <stdio.h>
#include <string.h>

#include "data/data.h"
#include "data/make.h"
#include "data/manifest.h"
#include "data/pairs.h"
#include "data/photo_folder.h"
#include "image/image.h"

enum { LARGEST_FILE = 1 << 30, PUBLISHED_TESTS = 100 };

struct pln_dataset {
    char *folder;
    char hash[65];
    struct pln_manifest m;
    struct pln_side_by_side pairs; /* instead of a manifest */
    /* Truths and textures of each split, by number; the published split has all of them. */
    size_t *truths[PLN_SPLIT_TEST + 1], *textures[PLN_SPLIT_TEST + 1];
    size_t truth_count[PLN_SPLIT_TEST + 1], texture_count[PLN_SPLIT_TEST + 1];
    size_t *order; /* of all pairs; published split only */
};

/* ---- Opening ---- */

static pln_status list_splits(pln_context *ctx, pln_dataset *d)
{
    const struct pln_manifest *m = &d->m;
    pln_status s = PLN_OK;
    for (int k = PLN_SPLIT_TRAIN; k <= PLN_SPLIT_TEST; k++) {
        PLN_TRY(pln_alloc(ctx, m->truth_count, sizeof(size_t), &d->truths[k]));
        PLN_TRY(pln_alloc(ctx, m->texture_count, sizeof(size_t), &d->textures[k]));
        for (size_t i = 0; i < m->truth_count; i++)
            if (m->published || m->truths[i].split == (pln_split)k)
                d->truths[k][d->truth_count[k]++] = i;
        for (size_t i = 0; i < m->texture_count; i++)
            if (m->published || m->textures[i].split == (pln_split)k)
                d->textures[k][d->texture_count[k]++] = i;
    }
    if (m->published) {
        size_t n = m->truth_count * m->texture_count;
        PLN_TRY(pln_alloc(ctx, n, sizeof(size_t), &d->order));
        pln_shuffle(m->seed, n, d->order);
    }
done:
    return s;
}

static pln_status read_manifest(pln_context *ctx, pln_dataset *d, const char *path)
{
    json_t *root = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_file_sha256(ctx, path, d->hash));
    PLN_TRY(pln_json_read(ctx, path, &root));
    PLN_TRY(pln_manifest_parse(ctx, path, root, &d->m));
    PLN_TRY(list_splits(ctx, d));
done:
    return s;
}

pln_status pln_dataset_open(pln_context *ctx, const char *path, pln_dataset **dataset)
{
    pln_dataset *d = NULL;
    char *manifest = NULL, *slash;
    pln_status s = PLN_OK;
    size_t n = strlen(path) + sizeof "/manifest.json";

    pln_clear(ctx);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *d, &d));
    PLN_TRY(pln_strdup(ctx, path, &d->folder));
    PLN_TRY(pln_alloc(ctx, n, 1, &manifest));
    if (pln_is_folder(path)) {
        snprintf(manifest, n, "%s/manifest.json", path);
        if (!pln_is_file(manifest)) {
            if (pln_is_photo_folder(ctx, path))
                PLN_TRY(pln_photo_folder_open(ctx, path, &d->pairs, d->hash));
            else
                PLN_TRY(pln_side_by_side_open(ctx, path, &d->pairs, d->hash));
            goto opened;
        }
    } else {
        snprintf(manifest, n, "%s", path);
        slash = strrchr(d->folder, '/');
        if (slash)
            slash[slash == d->folder] = 0;
        else
            strcpy(d->folder, *path ? "." : "");
    }
    PLN_TRY(read_manifest(ctx, d, manifest));
opened:
    *dataset = d;
    d = NULL;
done:
    pln_free(manifest);
    pln_dataset_free(d);
    return s;
}

void pln_dataset_free(pln_dataset *d)
{
    if (!d) return;
    for (int k = 0; k <= PLN_SPLIT_TEST; k++) {
        pln_free(d->truths[k]);
        pln_free(d->textures[k]);
    }
    pln_free(d->order);
    pln_side_by_side_close(&d->pairs);
    pln_manifest_clear(&d->m);
    pln_free(d->folder);
    pln_free(d);
}

/* ---- What it is ---- */

const char *pln_dataset_folder(const pln_dataset *d) { return d->folder; }
const char *pln_dataset_kind(const pln_dataset *d)
{
    return d->m.root ? d->m.kind : d->pairs.photos ? "photos" : "pairs";
}

const char *pln_dataset_hash(const pln_dataset *d) { return d->hash; }
uint64_t pln_dataset_seed(const pln_dataset *d) { return d->m.seed; }
bool pln_dataset_published_split(const pln_dataset *d) { return d->m.published; }
unsigned pln_dataset_companions(const pln_dataset *d)
{
    if (d->pairs.photos) return PLN_WITH_PHOTO | (d->pairs.classes ? PLN_WITH_CLASSES : 0);
    return d->m.root ? d->m.companions : PLN_WITH_EDGE;
}

double pln_dataset_std(const pln_dataset *d) { return d->m.std; }

size_t pln_dataset_longest(const pln_dataset *d)
{
    json_t *parameters = json_object_get(d->m.root, "parameters");
    json_int_t longest = json_integer_value(json_object_get(parameters, "longest"));
    return longest > 0 ? (size_t)longest : 0;
}

size_t pln_dataset_truths(const pln_dataset *d)
{
    return d->m.root ? d->m.truth_count : d->pairs.count;
}

size_t pln_dataset_textures(const pln_dataset *d) { return d->m.texture_count; }

void pln_dataset_truth_size(const pln_dataset *d, size_t truth, size_t *w, size_t *h)
{
    *w = d->m.root ? d->m.truths[truth].w : 0;
    *h = d->m.root ? d->m.truths[truth].h : 0;
}

const char *pln_dataset_truth_name(const pln_dataset *d, size_t truth)
{
    return d->m.root ? d->m.truths[truth].name : d->pairs.files[truth];
}

const char *pln_dataset_texture_name(const pln_dataset *d, size_t texture)
{
    return d->m.textures[texture].name;
}

/* ---- Files of the manifest ---- */

size_t pln_dataset_files(const pln_dataset *d)
{
    return json_object_size(json_object_get(d->m.root, "files"));
}

const char *pln_dataset_file(const pln_dataset *d, size_t i)
{
    json_t *files = json_object_get(d->m.root, "files");
    void *at = json_object_iter(files);
    while (at && i--) at = json_object_iter_next(files, at);
    return at ? json_object_iter_key(at) : NULL;
}

static pln_status changed(pln_context *ctx, const char *path, const char *hex, const char *wanted)
{
    return pln_fail(ctx, PLN_E_MODEL,
                    "%s: has changed since the dataset was made: sha256 %.12s, the manifest says "
                    "%.12s",
                    path, hex, wanted);
}

pln_status pln_dataset_check_file(pln_context *ctx, const pln_dataset *d, size_t i)
{
    const char *file = pln_dataset_file(d, i);
    char *path = NULL, hex[65];
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (!file)
        return pln_fail(ctx, PLN_E_ARG, "file %zu: the manifest has %zu", i, pln_dataset_files(d));
    PLN_TRY(pln_text_of(ctx, &path, "%s/%s", d->folder, file));
    PLN_TRY(pln_file_sha256(ctx, path, hex));
    const char *wanted = pln_manifest_sha256(&d->m, file);
    if (strcmp(hex, wanted)) s = changed(ctx, path, hex, wanted);
done:
    pln_free(path);
    return s;
}

/* ---- Which pair is what ---- */

/* The splits whose truths and whose textures make up a split. */
static void sides(pln_split split, pln_split *truths, pln_split *textures)
{
    *truths = split == PLN_SPLIT_TEST_TRUTHS     ? PLN_SPLIT_TEST
              : split == PLN_SPLIT_TEST_TEXTURES ? PLN_SPLIT_TRAIN
                                                 : split;
    *textures = split == PLN_SPLIT_TEST_TRUTHS     ? PLN_SPLIT_TRAIN
                : split == PLN_SPLIT_TEST_TEXTURES ? PLN_SPLIT_TEST
                                                   : split;
}

size_t pln_dataset_pairs(const pln_dataset *d, pln_split split)
{
    pln_split g, t;
    if (!d->m.root) return split <= PLN_SPLIT_TEST ? d->pairs.counts[split] : 0;
    sides(split, &g, &t);
    size_t n = d->truth_count[g] * d->texture_count[t], val = n / 10;
    if (!d->m.published) return n;
    return split == PLN_SPLIT_TRAIN  ? n - val
           : split == PLN_SPLIT_VAL  ? val
           : split == PLN_SPLIT_TEST ? pln_min(val, PUBLISHED_TESTS)
                                     : 0;
}

void pln_dataset_parts(const pln_dataset *d, pln_split split, size_t i, size_t *truth,
                       size_t *texture, double *scale)
{
    pln_split g, t;
    if (!d->m.root) {
        for (int k = 0; k < (int)split; k++) i += d->pairs.counts[k];
        *truth = i;
        *texture = SIZE_MAX;
        *scale = 1;
        return;
    }
    sides(split, &g, &t);
    if (d->m.published) { /* the first tenth of the order is validation, and its head the test */
        size_t val = d->truth_count[g] * d->texture_count[t] / 10;
        i = d->order[split == PLN_SPLIT_TRAIN ? val + i : i];
    }
    size_t a = i % d->truth_count[g], b = i / d->truth_count[g];
    *truth = d->truths[g][a];
    *texture = d->textures[t][b];
    const struct pln_texture_entry *e = &d->m.textures[*texture];
    *scale = e->scales[(a + b) % e->scale_count];
}

/* ---- Files ---- */

/* FOLDER/SUB/NAME.png, its sha256 compared. */
static pln_status read_picture(pln_context *ctx, const pln_dataset *d, const char *sub,
                               const char *name, pln_image **image)
{
    char *path = NULL, hex[65];
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;

    PLN_TRY(pln_dataset_path(ctx, d->folder, sub, name, &path));
    const char *wanted = pln_manifest_sha256(&d->m, path + strlen(d->folder) + 1);
    if (!wanted) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s: not in the manifest: make the dataset again", path);
        goto done;
    }
    PLN_TRY(pln_file_read(ctx, path, LARGEST_FILE, &bytes, &length));
    pln_sha256(bytes, length, hex);
    if (strcmp(hex, wanted)) {
        s = changed(ctx, path, hex, wanted);
        goto done;
    }
    PLN_TRY(pln_image_load_memory(ctx, bytes, length, path, NULL, image));
done:
    pln_free(bytes);
    pln_free(path);
    return s;
}

static pln_status read_bytes(pln_context *ctx, const pln_dataset *d, const char *sub,
                             const struct pln_truth_entry *t, size_t c, uint8_t **bytes)
{
    pln_image *image = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(read_picture(ctx, d, sub, t->name, &image));
    if (image->pixels.w != t->w || image->pixels.h != t->h) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s/%s/%s.png is %zux%zu but the manifest says %zux%zu",
                     d->folder, sub, t->name, image->pixels.w, image->pixels.h, t->w, t->h);
        goto done;
    }
    PLN_TRY(pln_bytes_of(ctx, image, c, bytes));
done:
    pln_image_free(image);
    return s;
}

pln_status pln_dataset_truth(pln_context *ctx, const pln_dataset *d, size_t truth,
                             unsigned companions, struct pln_truth *parts)
{
    struct pln_truth p = {0};
    pln_status s = PLN_OK;

    if (truth >= pln_dataset_truths(d))
        return pln_fail(ctx, PLN_E_ARG, "truth %zu: the dataset has %zu", truth,
                        pln_dataset_truths(d));
    if (d->pairs.photos) {
        bool classes = companions & PLN_WITH_CLASSES && d->pairs.classes;
        PLN_TRY(pln_photo_folder_read(ctx, &d->pairs, truth, &p.rgb, classes ? &p.classes : NULL,
                                      &p.w, &p.h));
        if (companions & PLN_WITH_PHOTO) {
            PLN_TRY(pln_alloc(ctx, p.w * p.h, 3, &p.photo));
            memcpy(p.photo, p.rgb, 3 * p.w * p.h);
        }
    } else if (!d->m.root) {
        PLN_TRY(pln_side_by_side_read(ctx, &d->pairs, truth, &p.rgb, &p.in, &p.w, &p.h));
        if (companions & PLN_WITH_EDGE) {
            PLN_TRY(pln_alloc(ctx, p.w * p.h, 1, &p.edge));
            pln_edge_label(p.rgb, p.w, p.h, 2, p.edge);
        }
    } else {
        const struct pln_truth_entry *t = &d->m.truths[truth];
        const struct {
            unsigned bit;
            size_t c;
            uint8_t **bytes;
        } files[] = {
            {0, 3, &p.rgb},
            {PLN_WITH_EDGE, 1, &p.edge},
            {PLN_WITH_CLASSES, 1, &p.classes},
            {PLN_WITH_NEGATIVE, 3, &p.negative},
            {PLN_WITH_BOUNDARY, 1, &p.boundary},
            {PLN_WITH_PHOTO, 3, &p.photo},
        };
        p.w = t->w;
        p.h = t->h;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            if (!files[i].bit || (companions & d->m.companions & files[i].bit))
                PLN_TRY(read_bytes(ctx, d, pln_companion_folder(files[i].bit), t, files[i].c,
                                   files[i].bytes));
        if (p.edge)
            for (size_t i = 0; i < p.w * p.h; i++) p.edge[i] = p.edge[i] > 100; /* authors' code */
    }
    *parts = p;
    p = (struct pln_truth){0};
done:
    pln_truth_free(&p);
    return s;
}

void pln_truth_free(struct pln_truth *p)
{
    pln_free(p->rgb);
    pln_free(p->in);
    pln_free(p->edge);
    pln_free(p->classes);
    pln_free(p->negative);
    pln_free(p->boundary);
    pln_free(p->photo);
    *p = (struct pln_truth){0};
}

pln_status pln_dataset_texture(pln_context *ctx, const pln_dataset *d, size_t texture, double scale,
                               double **layer, size_t *w, size_t *h)
{
    pln_image *image = NULL;
    double *grey = NULL;
    pln_status s = PLN_OK;

    if (texture >= d->m.texture_count)
        return pln_fail(ctx, PLN_E_ARG, "texture %zu: the dataset has %zu", texture,
                        d->m.texture_count);
    PLN_TRY(read_picture(ctx, d, "tx", d->m.textures[texture].name, &image));
    PLN_TRY(pln_texture_grey(ctx, image, d->m.bgr_weights, &grey));
    PLN_TRY(pln_rescale(ctx, grey, image->pixels.w, image->pixels.h, scale, layer, w, h));
done:
    pln_free(grey);
    pln_image_free(image);
    return s;
}

/* ---- Pairs ---- */

pln_status pln_dataset_pair_name(pln_context *ctx, const pln_dataset *d, pln_split split, size_t i,
                                 struct pln_pair *pair)
{
    size_t truth, texture;
    if ((unsigned)split >= PLN_SPLITS || i >= pln_dataset_pairs(d, split))
        return pln_fail(ctx, PLN_E_ARG, "pair %zu of '%s': there are %zu", i, pln_split_name(split),
                        (unsigned)split < PLN_SPLITS ? pln_dataset_pairs(d, split) : 0);
    *pair = (struct pln_pair){0};
    pln_dataset_parts(d, split, i, &truth, &texture, &pair->scale);
    pair->truth_name = pln_dataset_truth_name(d, truth);
    pair->texture_name = texture == SIZE_MAX ? "" : pln_dataset_texture_name(d, texture);
    if (texture == SIZE_MAX)
        snprintf(pair->name, sizeof pair->name, "%s", pair->truth_name);
    else
        snprintf(pair->name, sizeof pair->name, "%s+%s@%g", pair->truth_name, pair->texture_name,
                 pair->scale);
    return PLN_OK;
}

static pln_status blend(pln_context *ctx, const pln_dataset *d, size_t texture, double scale,
                        struct pln_truth *t)
{
    double *layer = NULL;
    size_t w, h;
    pln_status s = PLN_OK;

    PLN_TRY(pln_dataset_texture(ctx, d, texture, scale, &layer, &w, &h));
    PLN_TRY(pln_alloc(ctx, t->w * t->h, 3, &t->in));
    s = pln_blend(ctx, t->rgb, t->w, t->h, layer, w, h, d->m.std, t->in);
done:
    pln_free(layer);
    return s;
}

pln_status pln_dataset_pair(pln_context *ctx, const pln_dataset *d, pln_split split, size_t i,
                            unsigned companions, struct pln_pair *pair)
{
    struct pln_pair p = {0};
    struct pln_truth t = {0};
    size_t truth, texture;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (d->pairs.photos)
        return pln_fail(ctx, PLN_E_ARG, "%s: photographs without truths make no pairs", d->folder);
    PLN_TRY(pln_dataset_pair_name(ctx, d, split, i, &p));
    pln_dataset_parts(d, split, i, &truth, &texture, &p.scale);
    PLN_TRY(pln_dataset_truth(ctx, d, truth, companions, &t));
    if (!t.in) PLN_TRY(blend(ctx, d, texture, p.scale, &t));
    const struct {
        const uint8_t *bytes;
        size_t c;
        double unit;
        pln_image **image;
    } pictures[] = {
        {t.in, 3, 255, &p.in},
        {t.rgb, 3, 255, &p.truth},
        {t.edge, 1, 1, &p.edge},
        {t.classes, 1, 255, &p.classes},
        {t.negative, 3, 255, &p.negative},
        {t.boundary, 1, 255, &p.boundary},
        {t.photo, 3, 255, &p.photo},
    };
    for (size_t k = 0; k < sizeof pictures / sizeof *pictures; k++)
        if (pictures[k].bytes)
            PLN_TRY(pln_image_of(ctx, pictures[k].bytes, t.w, t.h, pictures[k].c, pictures[k].unit,
                                 pictures[k].image));
    *pair = p;
    p = (struct pln_pair){0};
done:
    pln_truth_free(&t);
    pln_pair_free(&p);
    return s;
}

void pln_pair_free(struct pln_pair *p)
{
    pln_image_free(p->in);
    pln_image_free(p->truth);
    pln_image_free(p->edge);
    pln_image_free(p->classes);
    pln_image_free(p->negative);
    pln_image_free(p->boundary);
    pln_image_free(p->photo);
    *p = (struct pln_pair){0};
}
