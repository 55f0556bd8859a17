/* SPDX-License-Identifier: MIT */
#include "train/history.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "data/folder.h"

const pln_judge pln_judge_smoothing = {{"psnr", "ssim"}, {"dB", "SSIM"}},
                pln_judge_boundaries = {{"ap", NULL}, {"average precision", NULL}},
                pln_judge_energy = {{"energy", NULL}, {"energy", NULL}, .least = true};

bool pln_is_better(const pln_judge *j, double score, double than)
{
    return j->least ? score < than : score > than;
}

void pln_scores_text(const pln_judge *j, const double scores[2], char text[64])
{
    if (j->key[1])
        snprintf(text, 64, "%.2f %s, %s %.4f", scores[0], j->unit[0], j->unit[1], scores[1]);
    else
        snprintf(text, 64, "%s %.4f", j->unit[0], scores[0]);
}

static bool real(const json_t *o, const char *key, double *value)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_number(v)) return false;
    *value = json_number_value(v);
    return true;
}

static bool judged_by(const json_t *o, const pln_judge *j, pln_history_line *l)
{
    for (int i = 0; i < 2 && j->key[i]; i++)
        if (!real(o, j->key[i], &l->scores[i])) return false;
    l->judge = j;
    return true;
}

static bool parse(const char *text, size_t length, pln_history_line *l)
{
    json_t *o = json_loadb(text, length, 0, NULL);
    double step = 0;
    *l = (pln_history_line){0};
    bool good = real(o, "step", &step) && step >= 1 && real(o, "loss", &l->loss) &&
                real(o, "rate", &l->rate) && real(o, "seconds", &l->seconds);
    l->step = good ? (uint64_t)step : 0;
    if (good && !judged_by(o, &pln_judge_smoothing, l) && !judged_by(o, &pln_judge_boundaries, l))
        judged_by(o, &pln_judge_energy, l);
    json_decref(o);
    return good;
}

static pln_status read_lines(pln_context *ctx, const char *path, const char *text, size_t length,
                             pln_history *h)
{
    size_t n = 0;
    pln_status s = PLN_OK;
    for (size_t i = 0; i < length; i++) n += text[i] == '\n';
    PLN_TRY(pln_alloc(ctx, n, sizeof *h->lines, &h->lines));
    for (const char *p = text, *end; (end = memchr(p, '\n', length - (size_t)(p - text)));
         p = end + 1) {
        pln_history_line *l = &h->lines[h->count++];
        if (!parse(p, (size_t)(end - p), l)) {
            s = pln_fail(ctx, PLN_E_MODEL,
                         "%s: line %zu: expected {\"step\":..,\"loss\":..,\"rate\":..,"
                         "\"seconds\":..}",
                         path, h->count);
            goto done;
        }
        h->seconds += l->seconds;
    }
    h->best = h->count;
    for (size_t i = 0; i < h->count; i++)
        if (h->lines[i].judge &&
            (h->best == h->count ||
             pln_is_better(h->lines[i].judge, h->lines[i].scores[0], h->lines[h->best].scores[0])))
            h->best = i;
done:
    return s;
}

pln_status pln_history_read(pln_context *ctx, const char *run, pln_history *history)
{
    char *path = NULL;
    void *text = NULL;
    size_t length = 0;
    pln_status s = PLN_OK;

    *history = (pln_history){0};
    PLN_TRY(pln_text_of(ctx, &path, "%s/log.jsonl", run));
    if (!pln_is_file(path)) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s: no run: there is no log.jsonl", run);
        goto done;
    }
    PLN_TRY(pln_file_read(ctx, path, (size_t)1 << 30, &text, &length));
    PLN_TRY(read_lines(ctx, path, text, length, history));
done:
    if (s) pln_history_free(history);
    pln_free(text);
    pln_free(path);
    return s;
}

void pln_history_free(pln_history *history)
{
    pln_free(history->lines);
    *history = (pln_history){0};
}
