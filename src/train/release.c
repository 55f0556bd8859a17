/* SPDX-License-Identifier: MIT */
#include "train/release.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/folder.h"
#include "nets/nets.h"
#include "train/checkpoint.h"
#include "train/history.h"

enum { TEXTS = 32 };

/* A row of an eval table. */
struct row {
    char method[64], params[256];
    double psnr, ssim;
};

struct release {
    pln_context *ctx;
    const pln_release_options *o;
    pln_history history;
    pnn_st *weights;
    const pnet_net *net;
    pnet_options options;
    char name[128]; /* "sasnet" of models/sasnet.safetensors */
    char *scores;   /* JSON */
    char *recipe;   /* as others may read it */
    struct row ours, input, best_operator;
    size_t pairs;
    bool tested;
};

/* ---- The table of test scores ---- */

/* Cuts `line` at commas; returns how many cells there are. */
static size_t cells_of(char *line, char *cells[], size_t most)
{
    size_t n = 0;
    for (char *p = line; p && n < most; n++) {
        cells[n] = p;
        p = strchr(p, ',');
        if (p) *p++ = 0;
    }
    return n;
}

static size_t column(char *const cells[], size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcmp(cells[i], name) != 0) i++;
    return i;
}

/* "fan:detail" is fan-detail.safetensors. Weights of another name: the network's row. */
static bool is_ours(const struct release *r, const char *method)
{
    char name[64];
    snprintf(name, sizeof name, "%s", method);
    for (char *p = name; *p; p++)
        if (*p == ':') *p = '-';
    return !strcmp(name, r->name) ||
           (!strcmp(name, r->net->name) && strcmp(r->ours.method, r->name) != 0);
}

static void take_row(struct release *r, const struct row *row)
{
    const pln_method *m = pln_method_find(r->ctx, row->method);
    if (!strcmp(row->method, "original"))
        r->input = *row;
    else if (is_ours(r, row->method)) {
        r->ours = *row;
        r->tested = true;
    } else if (m && !(m->caps & PLN_CAP_NET) && row->psnr > r->best_operator.psnr)
        r->best_operator = *row;
}

static pln_status read_table(struct release *r)
{
    const char *path = r->o->results;
    enum { CELLS = 32 };
    char *cells[CELLS], *text = NULL, *rest;
    void *bytes = NULL;
    size_t length, psnr = 0, ssim = 0, pairs = 0, wanted = 0, n;
    pln_status s = PLN_OK;

    if (!path) return PLN_OK;
    PLN_TRY(pln_file_read(r->ctx, path, (size_t)1 << 24, &bytes, &length));
    PLN_TRY(pln_text_of(r->ctx, &text, "%.*s", (int)length, (const char *)bytes));
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        n = cells_of(line, cells, CELLS);
        if (!wanted) {
            psnr = column(cells, n, "psnr");
            ssim = column(cells, n, "ssim-a");
            pairs = column(cells, n, "pairs");
            wanted = n;
            if (psnr < n && ssim < n && pairs < n) continue;
            s = pln_fail(r->ctx, PLN_E_MODEL,
                         "%s: no table of scores: expected the table.csv of planish eval", path);
            goto done;
        }
        struct row row;
        if (n != wanted) continue;
        snprintf(row.method, sizeof row.method, "%s", cells[0]);
        snprintf(row.params, sizeof row.params, "%s", cells[1]);
        if (!pln_parse_real(cells[psnr], &row.psnr) || !pln_parse_real(cells[ssim], &row.ssim)) {
            s = pln_fail(r->ctx, PLN_E_MODEL, "%s: row '%s': a score is no number", path, cells[0]);
            goto done;
        }
        r->pairs = strtoul(cells[pairs], NULL, 10);
        take_row(r, &row);
    }
    if (!r->tested)
        s = pln_fail(r->ctx, PLN_E_MODEL, "%s: no row '%s': planish eval --methods %s judges it",
                     path, r->name, r->net->name);
done:
    pln_free(text);
    pln_free(bytes);
    return s;
}

/* ---- Weights ---- */

/* The recipe for others: of absolute paths the last folder and the file. *text to pln_free; NULL if
 * the weights tell none. */
static pln_status public_recipe(const struct release *r, char **text)
{
    const char *from = pnn_st_metadata(r->weights, "recipe");
    *text = NULL;
    if (!from) return PLN_OK;
    pln_status s = pln_strdup(r->ctx, from, text);
    if (s) return s;
    char *to = *text;
    while (*from) {
        size_t line = strcspn(from, "\n"), key = strcspn(from, "=\n");
        const char *value = from + key + (from[key] == '='), *end = from + line, *kept = value;
        if (key < line && *value == '/') {
            int slashes = 2;
            kept = end;
            while (kept > value && slashes) slashes -= *--kept == '/';
            kept++;
        }
        memcpy(to, from, (size_t)(value - from));
        to += value - from;
        memcpy(to, kept, (size_t)(end - kept));
        to += end - kept;
        from = end;
        if (*from) *to++ = *from++;
    }
    *to = 0;
    return PLN_OK;
}

/* What the file says already, and the test's scores. */
static pln_status scores_of(struct release *r)
{
    const char *said = pnn_st_metadata(r->weights, "scores");
    json_t *o = said ? json_loads(said, 0, NULL) : NULL;
    char key[64] = "test", value[64], *text;
    pln_status s = PLN_OK;

    if (!json_is_object(o)) {
        json_decref(o);
        o = json_object();
    }
    if (r->tested) {
        if (r->o->dataset) snprintf(key, sizeof key, "%s_test", pln_dataset_kind(r->o->dataset));
        for (char *p = key; *p; p++)
            if (*p == '-') *p = '_';
        snprintf(value, sizeof value, "%.2f/%.4f", r->ours.psnr, r->ours.ssim);
        json_object_set_new(o, key, json_string(value));
    }
    text = json_dumps(o, JSON_SORT_KEYS);
    s = text ? pln_strdup(r->ctx, text, &r->scores)
             : pln_fail(r->ctx, PLN_E_MEMORY, "scores: out of memory");
    free(text);
    json_decref(o);
    return s;
}

static pln_status write_weights(struct release *r)
{
    size_t n = pnn_st_count(r->weights), m = 0;
    pnn_st_source *sources = NULL;
    float **values = NULL;
    pnn_st_text texts[TEXTS];
    const char *key, *text;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(r->ctx, n, sizeof *sources, &sources));
    PLN_TRY(pln_calloc(r->ctx, n, sizeof *values, &values));
    for (size_t i = 0; i < n; i++) {
        const pnn_st_tensor *t = pnn_st_at(r->weights, i);
        PLN_TRY(pln_alloc(r->ctx, t->count, sizeof **values, &values[i]));
        PLN_TRY(pnn_st_read_f32(r->ctx, r->weights, t, values[i]));
        sources[i] = (pnn_st_source){.name = t->name,
                                     .type = pln_weights_type(t->name, r->o->type),
                                     .rank = t->rank,
                                     .shape = t->shape,
                                     .values = values[i]};
    }
    for (size_t i = 0; pnn_st_metadata_at(r->weights, i, &key, &text); i++) {
        if (m + 2 > TEXTS) {
            s = pln_fail(r->ctx, PLN_E_LIMIT, "%s: more than %d texts in its metadata",
                         pnn_st_name(r->weights), TEXTS - 2);
            goto done;
        }
        if (!strcmp(key, "recipe")) text = r->recipe;
        if (strcmp(key, "scores") != 0 && (strcmp(key, "data_terms") != 0 || !r->o->terms))
            texts[m++] = (pnn_st_text){key, text};
    }
    texts[m++] = (pnn_st_text){"scores", r->scores};
    if (r->o->terms) texts[m++] = (pnn_st_text){"data_terms", r->o->terms};
    PLN_TRY(pnn_st_write(r->ctx, r->o->output, sources, n, texts, m));
done:
    for (size_t i = 0; values && i < n; i++) pln_free(values[i]);
    pln_free(values);
    pln_free(sources);
    return s;
}

/* ---- The card ---- */

static const char *said(const struct release *r, const char *key)
{
    const char *text = pnn_st_metadata(r->weights, key);
    return text ? text : "not said";
}

/* The network's variant that the file's configuration is, or NULL. */
static const pnet_variant *variant_of(const struct release *r)
{
    const char *text = pnn_st_metadata(r->weights, "config");
    json_t *config = json_loads(text ? text : "{}", 0, NULL);
    const pnet_variant *v = r->net->variants;
    for (; v->name; v++) {
        json_t *other = json_loads(v->config, 0, NULL);
        bool same = json_equal(config, other);
        json_decref(other);
        if (same) break;
    }
    json_decref(config);
    return v->name ? v : NULL;
}

static void print_network(FILE *f, const struct release *r)
{
    const pln_method *m = pln_method_find(r->ctx, r->net->name);
    const pnet_variant *v = variant_of(r);
    const char *config = said(r, "config");
    size_t values = 0;
    for (size_t i = 0; i < pnn_st_count(r->weights); i++) values += pnn_st_at(r->weights, i)->count;
    fprintf(f, "# %s\n\n%s: %s.\n\n%s.\n\n", r->name, r->net->title, r->net->summary,
            r->net->paper);
    if (m) fprintf(f, "**Use.** %s **Not.** %s\n\n", m->use, m->avoid);
    fprintf(f, "| | |\n|---|---|\n| network | `%s%s%s` |\n| configuration | %s%s%s |\n",
            r->net->name, v ? ":" : "", v ? v->name : "", strcmp(config, "{}") ? "`" : "",
            strcmp(config, "{}") ? config : "as published", strcmp(config, "{}") ? "`" : "");
    fprintf(f, "| values | %zu, as %s%s |\n| pictures | RGB, white is %g |\n", values,
            pnn_dtype_name(r->o->type), r->o->type == PNN_F32 ? "" : ", statistics as F32",
            r->net->range);
}

/* The run learned by an energy, from photographs without truths. */
static bool by_energy(const struct release *r)
{
    const pln_history *h = &r->history;
    return h->best < h->count && h->lines[h->best].judge == &pln_judge_energy;
}

static void print_data(FILE *f, const struct release *r)
{
    const pln_dataset *d = r->o->dataset;
    if (d && by_energy(r))
        fprintf(f, "| data | %zu photographs, %zu of them to train on |\n", pln_dataset_truths(d),
                pln_dataset_pairs(d, PLN_SPLIT_TRAIN));
    else if (d)
        fprintf(f,
                "| data | `%s`: %zu truths, %zu textures, %zu training pairs, seed %llu, %s split "
                "|\n",
                pln_dataset_kind(d), pln_dataset_truths(d), pln_dataset_textures(d),
                pln_dataset_pairs(d, PLN_SPLIT_TRAIN), (unsigned long long)pln_dataset_seed(d),
                pln_dataset_published_split(d) ? "published" : "strict");
    fprintf(f, "| data's hash | `%.16s` |\n", said(r, "data_hash"));
    fprintf(f, "| data's terms | %s |\n", r->o->terms ? r->o->terms : said(r, "data_terms"));
}

static void print_training(FILE *f, const struct release *r)
{
    const pln_history *h = &r->history;
    fprintf(f, "| steps | %s, of %llu that the run has done |\n", said(r, "steps"),
            (unsigned long long)(h->count ? h->lines[h->count - 1].step : 0));
    fprintf(f, "| hours | %.2f for all steps of the run |\n", h->seconds / 3600);
    fprintf(f, "| hardware | %s (where the card was made; the log does not say) |\n",
            r->o->machine);
    fprintf(f, "| seed | %s |\n", said(r, "seed"));
}

static void print_scores(FILE *f, const struct release *r)
{
    fprintf(f, "\n## Scores\n\n%s. In the file: `%s`.\n",
            by_energy(r)      ? "The energy, with the bounded slopes that training descends "
                                "(`planish metric --scores fan-...`): small is good"
            : r->net->smooths ? "PSNR in dB / SSIM-A"
                              : "Average precision against boundaries that people drew, one "
                                "threshold for all pictures",
            r->scores);
    if (!r->net->smooths || by_energy(r)) return;
    if (!r->tested) {
        fprintf(f, "\nNo test scores: `planish eval` has not judged these weights.\n");
        return;
    }
    fprintf(f, "\nMeans over %zu test pairs:\n\n| | PSNR | SSIM-A |\n|---|---:|---:|\n", r->pairs);
    if (*r->input.method) fprintf(f, "| the input | %.2f | %.4f |\n", r->input.psnr, r->input.ssim);
    if (*r->best_operator.method)
        fprintf(f, "| best operator: `%s` `%s` | %.2f | %.4f |\n", r->best_operator.method,
                r->best_operator.params, r->best_operator.psnr, r->best_operator.ssim);
    fprintf(f, "| **%s** | **%.2f** | **%.4f** |\n", r->name, r->ours.psnr, r->ours.ssim);
    if (*r->best_operator.method)
        fprintf(f, "\n%+.2f dB against the best operator, tuned on validation pairs.\n",
                r->ours.psnr - r->best_operator.psnr);
}

static void print_limits(FILE *f, const struct release *r)
{
    const pln_history *h = &r->history;
    size_t last = h->count, validations = 0;
    for (size_t i = 0; i < h->count; i++)
        if (h->lines[i].judge) last = i, validations++;
    fprintf(f, "\n## Limits\n\n- Trained on %s have not been judged.\n",
            by_energy(r) ? "photographs as they are: drawings, noise and strong texture"
            : r->net->smooths
                ? "pairs of a clean picture under a blended texture: other kinds of "
                  "texture, noise and pictures"
                : "photographs with boundaries that people drew, half of them under a "
                  "blended texture: other pictures");
    if (validations > 1 && h->best == last)
        fprintf(f, "- The last validation was the best one: more steps would give more.\n");
    if (r->net->radius(&r->options) < 0)
        fprintf(f, "- It sees the whole picture at once: tiles are not possible.\n");
    if (r->o->type != PNN_F32)
        fprintf(f, "- Scores are of f32 weights unless the table was made with this file.\n");
}

static pln_status write_card(struct release *r)
{
    size_t stem = strlen(r->o->output) - strlen(".safetensors"), length = 0;
    char *path = NULL, *text = NULL;
    FILE *f = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(r->ctx, &path, "%.*s.md", (int)stem, r->o->output));
    f = open_memstream(&text, &length);
    if (!f) return pln_fail(r->ctx, PLN_E_MEMORY, "%s: out of memory", path);
    fprintf(f, "<!-- Generated by `planish train release`: do not edit. -->\n");
    print_network(f, r);
    print_data(f, r);
    print_training(f, r);
    print_scores(f, r);
    fprintf(f, "\n## Recipe\n\n```ini\n%s```\n", r->recipe ? r->recipe : "not said\n");
    print_limits(f, r);
    bool lost = ferror(f);
    if (fclose(f) || lost)
        s = pln_fail(r->ctx, PLN_E_MEMORY, "%s: out of memory", path);
    else
        s = pln_file_write(r->ctx, path, text, length);
done:
    free(text);
    pln_free(path);
    return s;
}

/* ---- All ---- */

static pln_status name_of(struct release *r)
{
    const char *base = strrchr(r->o->output, '/'), *end = strstr(r->o->output, ".safetensors");
    base = base ? base + 1 : r->o->output;
    if (!end || end[strlen(".safetensors")] || end <= base ||
        (size_t)(end - base) >= sizeof r->name)
        return pln_fail(r->ctx, PLN_E_ARG, "%s: expected a name as sasnet.safetensors",
                        r->o->output);
    snprintf(r->name, sizeof r->name, "%.*s", (int)(end - base), base);
    return PLN_OK;
}

pln_status pln_release(pln_context *ctx, const pln_release_options *options)
{
    struct release r = {.ctx = ctx, .o = options};
    char *path = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(name_of(&r));
    PLN_TRY(pln_history_read(ctx, options->run, &r.history));
    PLN_TRY(options->weights ? pln_strdup(ctx, options->weights, &path)
                             : pln_text_of(ctx, &path, "%s/best.safetensors", options->run));
    PLN_TRY(pnn_st_open(ctx, path, 0, &r.weights));
    PLN_TRY(pnet_of_weights(ctx, r.weights, NULL, &r.net, &r.options));
    if (options->dataset) PLN_TRY(pln_weights_check_data(ctx, r.weights, options->dataset));
    PLN_TRY(public_recipe(&r, &r.recipe));
    PLN_TRY(read_table(&r));
    PLN_TRY(scores_of(&r));
    PLN_TRY(write_weights(&r));
    PLN_TRY(write_card(&r));
done:
    pln_free(r.scores);
    pln_free(r.recipe);
    pnn_st_free(r.weights);
    pln_history_free(&r.history);
    pln_free(path);
    return s;
}
