/* SPDX-License-Identifier: MIT */
/* What the screening saw: the candidates of a photograph at the level where it was decided, with
 * the verdicts of screening.tsv. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/make.h"
#include "image/image.h"

struct verdict {
    bool passes, winner;
    double p90, structure_ssim;
};

struct entry {
    const struct pln_source *source;
    size_t level;
    bool tried[PLN_CANDIDATES], rejected, won;
    struct verdict verdicts[PLN_CANDIDATES];
};

struct pln_reviews {
    struct pln_make make; /* its photographs only */
    struct entry *entries;
    size_t count;
};

/* ---- screening.tsv ---- */

enum {
    PHOTO,
    SPLIT,
    LEVEL,
    OPERATOR,
    SHARE,
    WINDOWS,
    MEAN,
    P90,
    MAX,
    SSIM,
    PASSES,
    WINNER,
    FIELDS
};

static const struct pln_source *find_source(const pln_reviews *r, const char *name)
{
    for (size_t i = 0; i < r->make.truths.count; i++)
        if (!strcmp(r->make.truths.list[i].name, name)) return &r->make.truths.list[i];
    return NULL;
}

/* One row: a photograph's later levels replace the earlier ones. */
static pln_status add_row(pln_context *ctx, pln_reviews *r, const char *folder, size_t line,
                          char *text)
{
    char *fields[FIELDS + 1] = {0};
    size_t n = 0, k = 0, level;
    for (char *f; n <= FIELDS && (f = strsep(&text, "\t"));) fields[n++] = f;
    if (n == FIELDS)
        while (k < PLN_CANDIDATES && strcmp(pln_candidate_method(k), fields[OPERATOR])) k++;
    level = n == FIELDS ? strtoul(fields[LEVEL], NULL, 10) : 0;
    double p90 = 0, ssim = 0;
    if (n != FIELDS || k == PLN_CANDIDATES || level >= PLN_CANDIDATE_LEVELS ||
        !pln_parse_real(fields[P90], &p90) || !pln_parse_real(fields[SSIM], &ssim))
        return pln_fail(ctx, PLN_E_MODEL, "%s/screening.tsv: line %zu is damaged", folder, line);
    struct entry *e = r->count ? &r->entries[r->count - 1] : NULL;
    if (!e || strcmp(e->source->name, fields[PHOTO])) {
        const struct pln_source *source = find_source(r, fields[PHOTO]);
        if (!source)
            return pln_fail(
                ctx, PLN_E_READ,
                "%s: photograph '%s' is in none of the folders given: the same --photos "
                "in the same order as for 'make'",
                folder, fields[PHOTO]);
        e = &r->entries[r->count++];
        *e = (struct entry){.source = source};
    }
    if (level != e->level) memset(e->tried, 0, sizeof e->tried);
    e->level = level;
    e->tried[k] = true;
    e->verdicts[k] = (struct verdict){*fields[PASSES] == '1', *fields[WINNER] == '1', p90, ssim};
    e->rejected |= !e->verdicts[k].passes;
    e->won |= e->verdicts[k].winner;
    return PLN_OK;
}

static pln_status read_table(pln_context *ctx, pln_reviews *r, const char *folder)
{
    char *path = NULL, *text = NULL;
    void *bytes = NULL;
    size_t length, lines = 1;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &path, "%s/screening.tsv", folder));
    PLN_TRY(pln_file_read(ctx, path, 1 << 28, &bytes, &length));
    PLN_TRY(pln_alloc(ctx, length + 1, 1, &text));
    memcpy(text, bytes, length);
    text[length] = 0;
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    PLN_TRY(pln_alloc(ctx, lines, sizeof *r->entries, &r->entries));
    size_t line = 0;
    for (char *rest = text, *row; (row = strsep(&rest, "\n"));)
        if (++line > 1 && *row) PLN_TRY(add_row(ctx, r, folder, line, row));
done:
    pln_free(text);
    pln_free(bytes);
    pln_free(path);
    return s;
}

/* Those with a rejected candidate stay; without a winner first, else as in the table. */
static void keep_rejected(pln_reviews *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->entries[i].rejected) r->entries[n++] = r->entries[i];
    r->count = n;
    for (size_t i = 0, lost = 0; i < n; i++) {
        if (r->entries[i].won) continue;
        struct entry e = r->entries[i];
        memmove(&r->entries[lost + 1], &r->entries[lost], (i - lost) * sizeof e);
        r->entries[lost++] = e;
    }
}

/* ---- The reviews ---- */

pln_status pln_reviews_open(pln_context *ctx, const pln_dataset *dataset, const char *const *photos,
                            pln_reviews **reviews)
{
    const char *folder = pln_dataset_folder(dataset), *kind = pln_dataset_kind(dataset);
    pln_reviews *r = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *r, &r));
    r->make.kind = pln_kind_find(kind);
    if (!r->make.kind || r->make.kind->truth != pln_make_screened) {
        s = pln_fail(ctx, PLN_E_ARG, "%s: nothing was screened for a dataset '%s'", folder, kind);
        goto done;
    }
    r->make.o =
        (pln_make_options){.kind = kind, .photos = photos, .longest = pln_dataset_longest(dataset)};
    PLN_TRY(pln_make_photo_sources(ctx, &r->make));
    PLN_TRY(read_table(ctx, r, folder));
    keep_rejected(r);
    *reviews = r;
    r = NULL;
done:
    pln_reviews_free(r);
    return s;
}

void pln_reviews_free(pln_reviews *r)
{
    if (!r) return;
    pln_sources_free(&r->make.truths);
    pln_free(r->entries);
    pln_free(r);
}

size_t pln_reviews_count(const pln_reviews *r) { return r->count; }

pln_status pln_reviews_get(pln_context *ctx, const pln_reviews *r, size_t i,
                           struct pln_review *review)
{
    struct pln_review v = {0};
    uint8_t *photo = NULL, *rgb = NULL;
    size_t w, h;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (i >= r->count)
        return pln_fail(ctx, PLN_E_ARG, "photograph %zu: %zu have rejected candidates", i,
                        r->count);
    const struct entry *e = &r->entries[i];
    v.name = e->source->name;
    v.level = e->level;
    PLN_TRY(pln_make_photo(ctx, &r->make, e->source->path, &photo, &w, &h));
    PLN_TRY(pln_image_of(ctx, photo, w, h, 3, 255, &v.photo));
    for (size_t k = 0; k < PLN_CANDIDATES; k++) {
        const struct verdict *verdict = &e->verdicts[k];
        if (!e->tried[k]) continue;
        struct pln_candidate *c = &v.candidates[v.count];
        *c = (struct pln_candidate){pln_candidate_method(k), verdict->p90,
                                    verdict->structure_ssim, verdict->passes,
                                    verdict->winner,         NULL};
        pln_free(rgb);
        rgb = NULL;
        PLN_TRY(pln_make_candidate(ctx, v.photo, e->level, k, &rgb));
        PLN_TRY(pln_image_of(ctx, rgb, w, h, 3, 255, &c->image));
        v.count++;
    }
    *review = v;
    v = (struct pln_review){0};
done:
    pln_free(rgb);
    pln_free(photo);
    pln_review_free(&v);
    return s;
}

void pln_review_free(struct pln_review *v)
{
    pln_image_free(v->photo);
    for (size_t k = 0; k < PLN_CANDIDATES; k++) pln_image_free(v->candidates[k].image);
    *v = (struct pln_review){0};
}
