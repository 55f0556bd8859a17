/* SPDX-License-Identifier: MIT */
/* What an evaluation is made of: methods, their points, the pairs that are drawn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "eval/internal.h"
#include "nets/session.h"
#include "operators/operators.h"

/* ---- Points ---- */

static size_t grid_size(const pln_method *m)
{
    size_t n = 0;
    while (m->grid && m->grid[n]) n++;
    return n;
}

/* The sha256 of a network's weights. PLN_E_MODEL: it has none here. */
static pln_status weights_sha(pln_context *ctx, const pln_method *m, const char *preset,
                              char sha[65])
{
    char *path = NULL, model[64];
    pln_status s = PLN_OK;
    pnet_model_name(m, preset, model);
    PLN_TRY(pnet_find_model(ctx, model, &path));
    PLN_TRY(pln_file_sha256(ctx, path, sha));
done:
    pln_free(path);
    return s;
}

/* All parameters of a point, not only those that its text names; and which weights, run how. */
static pln_status identify(pln_context *ctx, const pln_eval *e, struct pln_point *p)
{
    char *text = NULL, value[32], sha[65] = "";
    size_t length;
    pln_status s = PLN_OK;
    if (!p->params) return pln_strdup(ctx, "original", &p->identity);
    const pln_method *m = pln_params_method(p->params);
    if (m->caps & PLN_CAP_NET) s = weights_sha(ctx, m, pln_params_preset(p->params), sha);
    if (s) return s;

    FILE *f = open_memstream(&text, &length);
    if (!f) return pln_fail(ctx, PLN_E_MEMORY, "out of memory");
    fputs(m->name, f);
    for (size_t i = 0; i < pln_method_param_count(m) && !s; i++) {
        const char *flag = pln_method_param(m, i)->flag;
        s = pln_params_text(ctx, p->params, flag, value);
        if (!s) fprintf(f, " %s=%s", flag, value);
    }
    if (*sha)
        fprintf(f, " weights=%s precision=%s%s", sha, e->o.bf16 ? "bf16" : "f32",
                e->o.ensemble ? " ensemble" : "");
    bool lost = ferror(f);
    if (fclose(f) || lost) s = pln_fail(ctx, PLN_E_MEMORY, "out of memory");
    if (!s) s = pln_strdup(ctx, text, &p->identity);
    free(text);
    return s;
}

/* Not what suits the machine ("auto"): a score must not depend on it. */
static pln_status set_network(pln_context *ctx, const pln_eval *e, pln_params *params)
{
    const pln_net_options o = {.size = sizeof o,
                               .precision = e->o.bf16 ? PLN_PRECISION_BF16 : PLN_PRECISION_F32,
                               .ensemble = e->o.ensemble};
    return pln_params_method(params)->caps & PLN_CAP_NET ? pln_params_set_net(ctx, params, &o)
                                                         : PLN_OK;
}

static pln_status add_point(pln_context *ctx, pln_eval *e, const struct pln_entry *entry,
                            const char *text)
{
    struct pln_point *p = &e->points[e->point_count++];
    pln_status s = PLN_OK;
    p->text = text;
    if (entry->method) {
        PLN_TRY(pln_params_new(ctx, entry->name, &p->params));
        PLN_TRY(pln_params_apply(ctx, p->params, text));
        PLN_TRY(set_network(ctx, e, p->params));
    }
    s = identify(ctx, e, p);
done:
    return s;
}

/* Evenly, with both ends of the grid. */
static size_t spread(size_t k, size_t n, size_t of)
{
    return n < 2 ? of / 2 : k * (of - 1) / (n - 1);
}

/* preset: instead of the grid; NULL: none. */
static pln_status add_entry(pln_context *ctx, pln_eval *e, const pln_method *m,
                            const pln_preset *preset)
{
    struct pln_entry *entry = &e->entries[e->entry_count++];
    size_t of = m && !preset ? grid_size(m) : 0, n = of;
    pln_status s = PLN_OK;

    if (e->o.points && n > e->o.points) n = e->o.points;
    *entry = (struct pln_entry){.method = m, .first = e->point_count, .count = pln_max(n, 1)};
    snprintf(entry->name, sizeof entry->name, "%s%s%s", m ? m->name : "original", preset ? ":" : "",
             preset ? preset->name : "");
    entry->best = entry->first;
    if (n == 0) return add_point(ctx, e, entry, preset ? preset->values : "");
    for (size_t k = 0; k < n && !s; k++) s = add_point(ctx, e, entry, m->grid[spread(k, n, of)]);
    for (size_t k = 0; k < n && !s && n > 1; k++) e->tuned[e->tuned_count++] = entry->first + k;
    return s;
}

/* "NAME" or "NAME:PRESET", the message of an unknown one is pln_params_new's. */
static pln_status add_named(pln_context *ctx, pln_eval *e, const char *name)
{
    pln_params *params = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_params_new(ctx, name, &params));
    const pln_method *m = pln_params_method(params);
    const pln_preset *preset = NULL;
    if (strchr(name, ':'))
        for (preset = m->presets; strcmp(preset->name, pln_params_preset(params));) preset++;
    for (size_t i = 0; i < e->entry_count; i++)
        if (!strcmp(e->entries[i].name, name)) {
            s = pln_fail(ctx, PLN_E_ARG, "'%s' is named twice", name);
            goto done;
        }
    PLN_TRY(add_entry(ctx, e, m, preset));
done:
    pln_params_free(params);
    return s;
}

/* Of "all": what is slow, and a network without weights, is left out. */
static pln_status add_if_ready(pln_context *ctx, pln_eval *e, const pln_method *m)
{
    char sha[65];
    if (m->caps & PLN_CAP_SLOW) return PLN_OK;
    pln_status s = m->caps & PLN_CAP_NET ? weights_sha(ctx, m, NULL, sha) : PLN_OK;
    if (s != PLN_E_MODEL) return s ? s : add_entry(ctx, e, m, NULL);
    pln_log(ctx, 1, "%s is left out: %s", m->name, pln_context_message(ctx));
    pln_clear(ctx);
    return PLN_OK;
}

static pln_status add_methods(pln_context *ctx, pln_eval *e)
{
    size_t methods = 1, points = 1;
    pln_status s = PLN_OK;

    for (const char *const *name = e->o.methods; name && *name; name++) methods++, points++;
    for (const pln_method *m = pln_method_first(ctx); m; m = pln_method_next(ctx, m)) {
        methods++;
        points += pln_max(grid_size(m), 1);
    }
    PLN_TRY(pln_calloc(ctx, methods, sizeof *e->entries, &e->entries));
    PLN_TRY(pln_calloc(ctx, points, sizeof *e->points, &e->points));
    PLN_TRY(pln_calloc(ctx, points, sizeof *e->tuned, &e->tuned));
    PLN_TRY(add_entry(ctx, e, NULL, NULL));
    if (!e->o.methods)
        for (const pln_method *m = pln_method_first(ctx); m; m = pln_method_next(ctx, m))
            PLN_TRY(add_if_ready(ctx, e, m));
    for (const char *const *name = e->o.methods; name && *name; name++)
        PLN_TRY(add_named(ctx, e, *name));
done:
    return s;
}

/* ---- Pairs ---- */

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* The first `limit` of a shuffled split, so that a larger limit keeps them. */
static pln_status draw(pln_context *ctx, pln_eval *e, pln_phase phase, size_t limit)
{
    size_t n = pln_dataset_pairs(e->dataset, e->split[phase]), *order = NULL;
    size_t count = limit && limit < n ? limit : n;
    struct pln_pair pair = {0};
    char *text = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, n, sizeof *order, &order));
    for (size_t i = 0; i < n; i++) order[i] = i;
    for (size_t i = 0; i < count && count < n; i++) {
        double u = pln_random(pln_context_seed(ctx), 0x6576616c + (uint64_t)e->split[phase], i);
        size_t j = i + (size_t)(u * (double)(n - i)), k = order[i];
        order[i] = order[j];
        order[j] = k;
    }
    qsort(order, count, sizeof *order, by_index);
    PLN_TRY(pln_calloc(ctx, count, sizeof *e->drawn[phase], &e->drawn[phase]));
    for (size_t i = 0; i < count; i++) {
        struct pln_drawn *d = &e->drawn[phase][i];
        d->index = order[i];
        PLN_TRY(pln_dataset_pair_name(ctx, e->dataset, e->split[phase], d->index, &pair));
        snprintf(d->name, sizeof d->name, "%s", pair.name);
        pln_pair_free(&pair);
        pln_free(text);
        text = NULL;
        PLN_TRY(pln_text_of(ctx, &text, "pair\n%s\n%s\n%s", pln_dataset_hash(e->dataset),
                            pln_split_name(e->split[phase]), d->name));
        pln_sha256(text, strlen(text), d->key);
    }
    e->drawn_count[phase] = count;
    size_t shown = phase == PLN_TEST ? pln_min(e->o.pictures, count) : 0;
    for (size_t k = 0; k < shown; k++) e->drawn[phase][spread(k, shown, count)].shown = true;
done:
    pln_free(text);
    pln_free(order);
    return s;
}

static pln_status draw_pairs(pln_context *ctx, pln_eval *e)
{
    const char *folder = pln_dataset_folder(e->dataset);
    e->split[PLN_TUNE] = PLN_SPLIT_VAL;
    e->split[PLN_TEST] = PLN_SPLIT_TEST;
    if (pln_dataset_pairs(e->dataset, PLN_SPLIT_TEST) == 0)
        return pln_fail(ctx, PLN_E_MODEL, "%s: no test pairs: nothing to judge by", folder);
    if (pln_dataset_pairs(e->dataset, PLN_SPLIT_VAL) == 0) e->split[PLN_TUNE] = PLN_SPLIT_TEST;
    pln_status s = draw(ctx, e, PLN_TUNE, e->o.tune_pairs);
    return s ? s : draw(ctx, e, PLN_TEST, e->o.test_pairs);
}

/* ---- All of it ---- */

pln_status pln_eval_new(pln_context *ctx, const pln_dataset *dataset, const pln_eval_options *o,
                        pln_eval **eval)
{
    pln_eval *e = NULL;
    char *journal = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *e, &e));
    e->dataset = dataset;
    e->o = *o;
    if (e->o.shards == 0) e->o.shards = 1;
    PLN_TRY(add_methods(ctx, e));
    PLN_TRY(draw_pairs(ctx, e));
    PLN_TRY(pln_strdup(ctx, o->folder, &e->folder));
    PLN_TRY(pln_text_of(ctx, &e->cache_folder, "%s/cache", o->folder));
    PLN_TRY(pln_text_of(ctx, &journal, "%zu-of-%zu", e->o.shard + 1, e->o.shards));
    PLN_TRY(pln_cache_open(ctx, e->cache_folder, journal, &e->cache));
    *eval = e;
    e = NULL;
done:
    pln_free(journal);
    pln_eval_free(e);
    return s;
}

void pln_eval_free(pln_eval *e)
{
    if (!e) return;
    for (size_t i = 0; i < e->point_count; i++) {
        pln_params_free(e->points[i].params);
        pln_free(e->points[i].identity);
    }
    for (size_t i = 0; i < e->entry_count; i++) pln_free(e->entries[i].scores);
    for (int p = 0; p < PLN_PHASES; p++) pln_free(e->drawn[p]);
    pln_cache_free(e->cache);
    pln_free(e->order);
    pln_free(e->tuned);
    pln_free(e->points);
    pln_free(e->entries);
    pln_free(e->cache_folder);
    pln_free(e->folder);
    pln_free(e);
}

bool pln_eval_tuned_on_test(const pln_eval *e) { return e->split[PLN_TUNE] == PLN_SPLIT_TEST; }

size_t pln_eval_pairs(const pln_eval *e, pln_phase phase, size_t *of)
{
    if (of) *of = pln_dataset_pairs(e->dataset, e->split[phase]);
    return e->drawn_count[phase];
}

size_t pln_eval_methods(const pln_eval *e) { return e->entry_count - 1; }
size_t pln_eval_points(const pln_eval *e) { return e->tuned_count; }
