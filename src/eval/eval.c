/* SPDX-License-Identifier: MIT */
/* Scoring: one picture, one point, once; then the choice of points and the means. */
#include "eval/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/folder.h"
#include "eval/internal.h"
#include "image/image.h"
#include "metrics/metrics.h"

const char *const pln_eval_score_names[PLN_EVAL_SCORES] = {"psnr", "ssim-a", "ssim-b", "edges",
                                                           "reversals"};
const char *const pln_eval_score_titles[PLN_EVAL_SCORES] = {"PSNR dB", "SSIM-A", "SSIM-B", "edges",
                                                            "reversals"};
static const pln_score kinds[PLN_EVAL_SCORES] = {PLN_SCORE_PSNR, PLN_SCORE_SSIM_A, PLN_SCORE_SSIM_B,
                                                 PLN_SCORE_EDGES, PLN_SCORE_REVERSALS};

/* ---- Keys ---- */

static void score_key(const pln_eval *e, const struct pln_point *p, const char *sha, char key[65])
{
    char text[4096];
    int n = snprintf(text, sizeof text, "score\nplanish %s\n%s\n%s\n%s", pln_version(), p->identity,
                     sha, e->o.truncate ? "truncate" : "round");
    pln_sha256(text, pln_min((size_t)n, sizeof text - 1), key);
}

static void format_scores(const double scores[PLN_EVAL_SCORES], char text[PLN_CACHE_TEXT])
{
    char value[32];
    size_t n = 0;
    for (int i = 0; i < PLN_EVAL_SCORES; i++) {
        pln_format_real(scores[i], value);
        n += (size_t)snprintf(text + n, PLN_CACHE_TEXT - n, "%s%s", i ? " " : "", value);
    }
}

static bool parse_scores(char *text, double scores[PLN_EVAL_SCORES])
{
    char *rest = NULL, *word = strtok_r(text, " ", &rest);
    for (int i = 0; i < PLN_EVAL_SCORES; i++, word = strtok_r(NULL, " ", &rest))
        if (!word || !pln_parse_real(word, &scores[i])) return false;
    return !word;
}

static bool find_sha(const pln_eval *e, const struct pln_drawn *d, char sha[65])
{
    char text[PLN_CACHE_TEXT];
    if (!pln_cache_find(e->cache, d->key, text) || strlen(text) != 64) return false;
    memcpy(sha, text, 65);
    return true;
}

static bool find_scores(const pln_eval *e, const char key[65], double scores[PLN_EVAL_SCORES])
{
    char text[PLN_CACHE_TEXT];
    return pln_cache_find(e->cache, key, text) && parse_scores(text, scores);
}

bool pln_eval_find(const pln_eval *e, pln_phase phase, size_t pair, const struct pln_point *point,
                   double scores[PLN_EVAL_SCORES])
{
    char sha[65], key[65];
    if (!find_sha(e, &e->drawn[phase][pair], sha)) return false;
    score_key(e, point, sha, key);
    return find_scores(e, key, scores);
}

pln_status pln_eval_picture_path(pln_context *ctx, const pln_eval *e, size_t pair,
                                 const struct pln_point *point, char **path)
{
    char sha[65], key[65];
    if (!find_sha(e, &e->drawn[PLN_TEST][pair], sha))
        return pln_fail(ctx, PLN_E_INTERNAL, "%s: not scored", e->drawn[PLN_TEST][pair].name);
    if (point)
        score_key(e, point, sha, key);
    else
        memcpy(key, sha, sizeof key);
    return pln_text_of(ctx, path, "%s/%s.jpg", e->cache_folder, key);
}

/* ---- Units ---- */

static size_t width_of(const pln_eval *e, pln_phase phase)
{
    return phase == PLN_TUNE ? e->tuned_count : e->entry_count;
}

static const struct pln_point *point_of(const pln_eval *e, pln_phase phase, size_t column)
{
    return &e->points[phase == PLN_TUNE ? e->tuned[column] : e->entries[column].best];
}

/* The truth's picture is kept together with the input's. */
static pln_status pictures_are_there(pln_context *ctx, const pln_eval *e, size_t pair,
                                     const struct pln_point *point, bool *there)
{
    const struct pln_point *all[] = {point, NULL};
    size_t n = point->params ? 1 : 2;
    *there = true;
    for (size_t i = 0; i < n; i++) {
        char *path = NULL;
        pln_status s = pln_eval_picture_path(ctx, e, pair, all[i], &path);
        if (s) return s;
        *there &= access(path, R_OK) == 0;
        pln_free(path);
    }
    return PLN_OK;
}

static pln_status is_done(pln_context *ctx, const pln_eval *e, pln_phase phase, size_t unit,
                          bool *done)
{
    size_t pair = unit / width_of(e, phase);
    const struct pln_point *point = point_of(e, phase, unit % width_of(e, phase));
    double scores[PLN_EVAL_SCORES];
    *done = pln_eval_find(e, phase, pair, point, scores);
    if (!*done || !e->drawn[phase][pair].shown) return PLN_OK;
    return pictures_are_there(ctx, e, pair, point, done);
}

pln_status pln_eval_pending(pln_context *ctx, const pln_eval *e, pln_phase phase, size_t **units,
                            size_t *count, size_t *missing)
{
    size_t width = width_of(e, phase), n = e->drawn_count[phase] * width, *list = NULL;
    size_t mine = 0, all = 0;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, n, sizeof *list, &list));
    for (size_t i = 0; i < n; i++) {
        bool done;
        PLN_TRY(is_done(ctx, e, phase, i, &done));
        if (done) continue;
        all++;
        /* On the diagonal, so that no shard has all the slow methods. */
        if ((i / width + i % width) % e->o.shards == e->o.shard) list[mine++] = i;
    }
    *units = list;
    *count = mine;
    if (missing) *missing = all;
    list = NULL;
done:
    pln_free(list);
    return s;
}

pln_status pln_eval_reload(pln_context *ctx, pln_eval *e)
{
    return pln_cache_reload(ctx, e->cache);
}

/* ---- One unit ---- */

void pln_eval_worker_clear(struct pln_eval_worker *w)
{
    if (w->loaded) pln_pair_free(&w->pictures);
    w->loaded = false;
}

static pln_status load(pln_context *ctx, const pln_eval *e, struct pln_eval_worker *w,
                       pln_phase phase, size_t pair)
{
    if (w->loaded && w->phase == phase && w->pair == pair) return PLN_OK;
    pln_eval_worker_clear(w);
    pln_status s = pln_dataset_pair(ctx, e->dataset, e->split[phase], e->drawn[phase][pair].index,
                                    0, &w->pictures);
    if (s) return s;
    w->loaded = true;
    w->phase = phase;
    w->pair = pair;
    return PLN_OK;
}

/* Of the pixels of both pictures, as 8 bits. */
static pln_status pair_sha(pln_context *ctx, const struct pln_pair *pair, char sha[65])
{
    const pln_image *images[] = {pair->in, pair->truth};
    char text[256] = "";
    for (int i = 0; i < 2; i++) {
        pln_view v = pln_image_pixels(images[i]);
        char one[65];
        uint8_t *bytes = NULL;
        pln_status s = pln_bytes_of(ctx, images[i], v.c, &bytes);
        if (s) return s;
        pln_sha256(bytes, v.w * v.h * v.c, one);
        pln_free(bytes);
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%zux%zux%zu %s\n", v.w, v.h, v.c, one);
    }
    pln_sha256(text, strlen(text), sha);
    return PLN_OK;
}

static void quantise(const pln_image *image, bool truncate)
{
    pln_view v = pln_image_pixels(image);
    for (size_t y = 0; y < v.h; y++) {
        float *p = pln_row(&v, y);
        for (size_t i = 0; i < v.w * v.c; i++) {
            float u = p[i] > 0 ? (p[i] < 1 ? p[i] : 1) : 0;
            p[i] = floorf(255 * u + (truncate ? 0 : 0.5f)) / 255;
        }
    }
}

static pln_status save_picture(pln_context *ctx, const pln_eval *e, size_t pair,
                               const struct pln_point *point, const pln_image *image)
{
    pln_save_options o = {.size = sizeof o, .depth = 8, .quality = 90, .strip = true};
    char *path = NULL;
    pln_status s = pln_eval_picture_path(ctx, e, pair, point, &path);
    if (!s) s = pln_image_save(ctx, image, path, &o);
    pln_free(path);
    return s;
}

static pln_status score(pln_context *ctx, pln_eval *e, struct pln_eval_worker *w, pln_phase phase,
                        const struct pln_point *point, const char key[65])
{
    const struct pln_drawn *d = &e->drawn[phase][w->pair];
    const pln_image *out = w->pictures.in;
    pln_image *smooth = NULL;
    double scores[PLN_EVAL_SCORES];
    char text[PLN_CACHE_TEXT], why[512];
    pln_status s = PLN_OK;

    if (point->params) {
        s = pln_smooth(ctx, point->params, w->pictures.in, NULL, &smooth);
        if (s) {
            snprintf(why, sizeof why, "%s", pln_context_message(ctx));
            s = pln_fail(ctx, s, "%s on %s: %s", point->identity, d->name, why);
            goto done;
        }
        quantise(smooth, e->o.truncate);
        out = smooth;
    }
    for (int i = 0; i < PLN_EVAL_SCORES; i++)
        PLN_TRY(pln_score_images(ctx, kinds[i], out, w->pictures.truth, &scores[i]));
    if (d->shown) PLN_TRY(save_picture(ctx, e, w->pair, point, out));
    if (d->shown && !point->params) PLN_TRY(save_picture(ctx, e, w->pair, NULL, w->pictures.truth));
    format_scores(scores, text);
    PLN_TRY(pln_cache_add(ctx, e->cache, key, text));
done:
    pln_image_free(smooth);
    return s;
}

pln_status pln_eval_unit(pln_context *ctx, pln_eval *e, struct pln_eval_worker *w, pln_phase phase,
                         size_t unit)
{
    size_t pair = unit / width_of(e, phase);
    const struct pln_drawn *d = &e->drawn[phase][pair];
    const struct pln_point *point = point_of(e, phase, unit % width_of(e, phase));
    char sha[65], key[65];
    bool done;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (!find_sha(e, d, sha)) {
        PLN_TRY(load(ctx, e, w, phase, pair));
        PLN_TRY(pair_sha(ctx, &w->pictures, sha));
        PLN_TRY(pln_cache_add(ctx, e->cache, d->key, sha));
    }
    PLN_TRY(is_done(ctx, e, phase, unit, &done));
    if (done) goto done;
    PLN_TRY(load(ctx, e, w, phase, pair));
    score_key(e, point, sha, key);
    PLN_TRY(score(ctx, e, w, phase, point, key));
done:
    return s;
}

/* ---- Choice and means ---- */

static pln_status missing(pln_context *ctx, const struct pln_drawn *d, const struct pln_point *p)
{
    return pln_fail(ctx, PLN_E_INTERNAL, "%s: no score of %s", d->name, p->identity);
}

pln_status pln_eval_choose(pln_context *ctx, pln_eval *e)
{
    size_t n = e->drawn_count[PLN_TUNE];
    int by = e->o.by_ssim ? PLN_EVAL_SSIM_A : PLN_EVAL_PSNR;
    double scores[PLN_EVAL_SCORES];

    for (size_t k = 0; k < e->tuned_count; k++) {
        struct pln_point *p = &e->points[e->tuned[k]];
        memset(p->mean, 0, sizeof p->mean);
        for (size_t i = 0; i < n; i++) {
            if (!pln_eval_find(e, PLN_TUNE, i, p, scores))
                return missing(ctx, &e->drawn[PLN_TUNE][i], p);
            for (int q = 0; q < PLN_EVAL_SCORES; q++) p->mean[q] += scores[q] / (double)n;
        }
    }
    for (size_t i = 0; i < e->entry_count; i++) {
        struct pln_entry *entry = &e->entries[i];
        entry->best = entry->first;
        for (size_t k = entry->first + 1; k < entry->first + entry->count; k++)
            if (e->points[k].mean[by] > e->points[entry->best].mean[by]) entry->best = k;
    }
    return PLN_OK;
}

static pln_status summarise_entry(pln_context *ctx, pln_eval *e, struct pln_entry *entry)
{
    const struct pln_point *p = &e->points[entry->best];
    struct pln_eval_row *row = &entry->row;
    size_t n = e->drawn_count[PLN_TEST];
    pln_status s = PLN_OK;

    *row = (struct pln_eval_row){.method = entry->name, .params = p->text};
    if (!entry->scores) PLN_TRY(pln_alloc(ctx, n, sizeof *entry->scores, &entry->scores));
    for (size_t i = 0; i < n; i++) {
        if (!pln_eval_find(e, PLN_TEST, i, p, entry->scores[i]))
            return missing(ctx, &e->drawn[PLN_TEST][i], p);
        for (int q = 0; q < PLN_EVAL_SCORES; q++) row->mean[q] += entry->scores[i][q] / (double)n;
    }
    for (int q = 0; q < PLN_EVAL_SCORES; q++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            double d = entry->scores[i][q] - row->mean[q];
            sum += d * d;
        }
        row->deviation[q] = sqrt(sum / (double)n);
    }
done:
    return s;
}

pln_status pln_eval_summarise(pln_context *ctx, pln_eval *e)
{
    pln_status s = PLN_OK;
    if (!e->order) PLN_TRY(pln_alloc(ctx, e->entry_count, sizeof *e->order, &e->order));
    for (size_t i = 0; i < e->entry_count; i++) {
        PLN_TRY(summarise_entry(ctx, e, &e->entries[i]));
        double psnr = e->entries[i].row.mean[PLN_EVAL_PSNR];
        size_t at = i;
        for (; at > 1 && e->entries[e->order[at - 1]].row.mean[PLN_EVAL_PSNR] < psnr; at--)
            e->order[at] = e->order[at - 1];
        e->order[at] = i;
    }
done:
    return s;
}

const struct pln_eval_row *pln_eval_row(const pln_eval *e, size_t i)
{
    return e->order && i < e->entry_count ? &e->entries[e->order[i]].row : NULL;
}

pln_status pln_eval_write_file(pln_context *ctx, const pln_eval *e, const char *name,
                               const char *text, size_t length)
{
    char *path = NULL;
    pln_status s = pln_text_of(ctx, &path, "%s/%s", e->folder, name);
    if (!s) s = pln_file_write(ctx, path, text, length);
    pln_free(path);
    return s;
}

pln_status pln_eval_write(pln_context *ctx, pln_eval *e)
{
    pln_clear(ctx);
    pln_status s = pln_eval_summarise(ctx, e);
    if (!s) s = pln_eval_write_tables(ctx, e);
    return s ? s : pln_eval_write_page(ctx, e);
}
