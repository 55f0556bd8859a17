/* SPDX-License-Identifier: MIT */
#include "train/recipe.h"

#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Keys ---- */

typedef enum kind { COUNT, REAL, TEXT, CHOICE } kind;
struct key {
    const char *section, *name;
    kind kind;
    size_t offset; /* in pln_recipe */
    double min, max, init;
    const char *const *choices; /* ends with NULL; the first is the default */
};
#define KEY(section_, kind_, member_, name_, ...)                                                  \
    {                                                                                              \
        .section = section_, .name = name_, .kind = kind_,                                         \
        .offset = offsetof(pln_recipe, member_), __VA_ARGS__                                       \
    }
#define WEIGHT(member_) KEY("loss", REAL, member_, #member_, .min = 0, .max = 1e6)

/* In the order of pnn_keep. */
static const char *const keeps[] = {"dear", "half", "cuts", "all", NULL};
/* In the order of pln_statistics. */
static const char *const statistics_of[] = {"batch", "running", NULL};
/* In the order of pln_schedule. */
static const char *const schedules[] = {"halve", "cosine", NULL};
static const char *const negatives[] = {"coin", "input", "over", NULL};
static const char *const edge_sources[] = {"truth", "input", "none", NULL};
static const char *const ternary_forms[] = {"hinge", "ratio", NULL};

static const char *const fan_variants[] = {"smooth",     "abstraction", "detail", "texture",
                                           "background", "foreground",  NULL};

static const struct key keys[] = {
    KEY("network", TEXT, system, "system"),
    KEY("network", TEXT, config, "config"),
    KEY("network", TEXT, start, "start"),
    KEY("network", CHOICE, statistics, "statistics", .choices = statistics_of),
    KEY("data", TEXT, manifest, "manifest"),
    KEY("data", TEXT, augmented, "augmentation"),
    KEY("data", COUNT, batch, "batch", .min = 1, .max = 4096, .init = 8),
    KEY("data", COUNT, patch, "patch", .min = 16, .max = 4096, .init = 128),
    KEY("data", REAL, std_lo, "std_lo", .min = 0, .max = 1, .init = 0),
    KEY("data", REAL, std_hi, "std_hi", .min = 0, .max = 1, .init = 0),
    KEY("optimiser", COUNT, steps, "steps", .min = 1, .max = 1e9, .init = 60000),
    KEY("optimiser", REAL, rate, "rate", .min = 0, .max = 1, .init = 2e-4),
    KEY("optimiser", CHOICE, schedule, "schedule", .choices = schedules),
    KEY("optimiser", COUNT, warmup, "warmup", .min = 0, .max = 1e9, .init = 0),
    KEY("optimiser", COUNT, halve, "halve", .min = 0, .max = 1e9, .init = 0),
    KEY("optimiser", TEXT, halve_at, "halve_at"),
    KEY("optimiser", REAL, beta1, "beta1", .min = 0, .max = 1, .init = 0.9),
    KEY("optimiser", REAL, beta2, "beta2", .min = 0, .max = 1, .init = 0.999),
    KEY("optimiser", REAL, eps, "eps", .min = 0, .max = 1, .init = 1e-8),
    KEY("optimiser", REAL, clip, "clip", .min = 0, .max = 1e9, .init = 0),
    KEY("optimiser", REAL, ema, "ema", .min = 0, .max = 0.999999, .init = 0),
    KEY("optimiser", CHOICE, keep, "keep", .choices = keeps),
    WEIGHT(l1),
    WEIGHT(ms_ssim),
    WEIGHT(edge),
    WEIGHT(dtv),
    WEIGHT(contrast),
    WEIGHT(segmentation),
    WEIGHT(ternary),
    WEIGHT(eatv),
    WEIGHT(boundary),
    WEIGHT(fan),
    KEY("loss", REAL, margin_gram, "margin_gram", .min = 0, .max = 1e6, .init = 0.04),
    KEY("loss", REAL, margin_mean, "margin_mean", .min = 0, .max = 1e6, .init = 0.3),
    KEY("loss", CHOICE, negative, "negative", .choices = negatives),
    KEY("loss", REAL, margin, "margin", .min = 0, .max = 1e6, .init = 0.5),
    KEY("loss", REAL, features, "features", .min = 0, .max = 1e6, .init = 1),
    KEY("loss", CHOICE, ternary_form, "ternary_form", .choices = ternary_forms),
    KEY("loss", CHOICE, edges, "edges", .choices = edge_sources),
    KEY("loss", REAL, low, "low", .min = 0, .max = 1, .init = 0),
    KEY("loss", REAL, high, "high", .min = 0, .max = 1, .init = 0.5),
    KEY("loss", CHOICE, variant, "variant", .choices = fan_variants),
    KEY("loss", CHOICE, slopes, "slopes", .choices = pln_fan_slope_names),
    KEY("frozen", TEXT, vgg16, "vgg16"),
    KEY("frozen", TEXT, deeplabv3, "deeplabv3"),
    KEY("frozen", TEXT, eme, "eme"),
    KEY("validation", COUNT, every, "every", .min = 1, .max = 1e9, .init = 1000),
    KEY("validation", COUNT, val_pairs, "pairs", .min = 1, .max = 1e6, .init = 16),
    KEY("validation", COUNT, val_patch, "patch", .min = 16, .max = 4096, .init = 256),
    KEY("validation", COUNT, save, "save", .min = 1, .max = 1e9, .init = 500),
};
enum { KEYS = sizeof keys / sizeof *keys };

static void *member(pln_recipe *r, const struct key *k) { return (char *)r + k->offset; }

static pln_status defaults(pln_context *ctx, pln_recipe *r)
{
    pln_status s = PLN_OK;
    for (size_t i = 0; i < KEYS && !s; i++) {
        void *to = member(r, &keys[i]);
        if (keys[i].kind == COUNT) *(uint64_t *)to = (uint64_t)keys[i].init;
        if (keys[i].kind == REAL) *(double *)to = keys[i].init;
        if (keys[i].kind == TEXT) s = pln_strdup(ctx, "", (char **)to);
    }
    return s;
}

static const struct key *find(const char *section, const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (!strcmp(keys[i].section, section) && !strcmp(keys[i].name, name)) return &keys[i];
    return NULL;
}

static pln_status put_choice(pln_context *ctx, const char *path, const struct key *k,
                             const char *text, int *to)
{
    char all[128] = "";
    for (int i = 0; k->choices[i]; i++) {
        if (!strcmp(k->choices[i], text)) {
            *to = i;
            return PLN_OK;
        }
        size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", k->choices[i]);
    }
    return pln_fail(ctx, PLN_E_MODEL, "%s: [%s] %s = %s: expected one of %s", path, k->section,
                    k->name, text, all);
}

static pln_status put(pln_context *ctx, const char *path, const struct key *k, const char *text,
                      pln_recipe *r)
{
    void *to = member(r, k);
    double x;
    if (k->kind == TEXT) {
        pln_free(*(char **)to);
        return pln_strdup(ctx, text, (char **)to);
    }
    if (k->kind == CHOICE) return put_choice(ctx, path, k, text, to);
    char min[32], max[32];
    pln_format_real(k->min, min);
    pln_format_real(k->max, max);
    if (!pln_parse_real(text, &x) || !(x >= k->min && x <= k->max) ||
        (k->kind == COUNT && x != (double)(uint64_t)x))
        return pln_fail(ctx, PLN_E_MODEL, "%s: [%s] %s = %s: expected %s in [%s, %s]", path,
                        k->section, k->name, text, k->kind == COUNT ? "an integer" : "a real", min,
                        max);
    if (k->kind == COUNT)
        *(uint64_t *)to = (uint64_t)x;
    else
        *(double *)to = x;
    return PLN_OK;
}

/* Every key of the file must be known: a misspelt one would be lost silently. */
static pln_status read_keys(pln_context *ctx, const char *path, GKeyFile *file, pln_recipe *r)
{
    gchar **sections = g_key_file_get_groups(file, NULL);
    pln_status s = PLN_OK;
    for (size_t i = 0; sections[i] && !s; i++) {
        gchar **names = g_key_file_get_keys(file, sections[i], NULL, NULL);
        for (size_t j = 0; names && names[j] && !s; j++) {
            const struct key *k = find(sections[i], names[j]);
            gchar *text = k ? g_key_file_get_string(file, sections[i], names[j], NULL) : NULL;
            s = text ? put(ctx, path, k, text, r)
                     : pln_fail(ctx, PLN_E_MODEL, "%s: [%s] has no key '%s'", path, sections[i],
                                names[j]);
            g_free(text);
        }
        g_strfreev(names);
    }
    g_strfreev(sections);
    return s;
}

static pln_status set(pln_context *ctx, const char *path, GKeyFile *file, const char *setting)
{
    const char *dot = strchr(setting, '.'), *equals = strchr(setting, '=');
    if (!dot || !equals || equals < dot)
        return pln_fail(ctx, PLN_E_ARG, "--set %s: expected SECTION.KEY=VALUE", setting);
    gchar *section = g_strndup(setting, (gsize)(dot - setting)),
          *name = g_strndup(dot + 1, (gsize)(equals - dot - 1));
    pln_status s = find(section, name) ? PLN_OK
                                       : pln_fail(ctx, PLN_E_ARG, "--set: %s has no key %s.%s",
                                                  path, section, name);
    if (!s) g_key_file_set_string(file, section, name, equals + 1);
    g_free(section);
    g_free(name);
    return s;
}

/* "0.6, 0.85": shares of all steps, rising. */
static pln_status read_halves(pln_context *ctx, const char *path, pln_recipe *r)
{
    gchar **words = g_strsplit_set(r->halve_at, ", ", -1);
    bool good = true;
    for (size_t i = 0; words[i] && good; i++) {
        double x, before = r->n_halves ? r->halves[r->n_halves - 1] : 0;
        if (!*words[i]) continue;
        good = r->n_halves < PLN_HALVES_MAX && pln_parse_real(words[i], &x) && x > before && x < 1;
        if (good) r->halves[r->n_halves++] = x;
    }
    g_strfreev(words);
    return good
               ? PLN_OK
               : pln_fail(ctx, PLN_E_MODEL,
                          "%s: [optimiser] halve_at = %s: expected at most %d rising shares of all "
                          "steps, in (0, 1)",
                          path, r->halve_at, PLN_HALVES_MAX);
}

static pln_status check_schedule(pln_context *ctx, const char *path, const pln_recipe *r)
{
    if (r->warmup && r->warmup >= r->steps)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: [optimiser] warmup = %" PRIu64 ": expected less than steps = %" PRIu64,
                        path, r->warmup, r->steps);
    if (r->schedule == PLN_SCHEDULE_COSINE && (r->halve || r->n_halves))
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: [optimiser] schedule = cosine: expected no %s beside it: it is of "
                        "schedule = halve",
                        path, r->halve ? "halve" : "halve_at");
    return PLN_OK;
}

/* The cosine of Loshchilov, Hutter: "SGDR", ICLR 2017, equation 5, without restarts, over the steps
 * after the warm-up. */
static double falling(const pln_recipe *r, uint64_t step)
{
    const double pi = 3.14159265358979323846;
    if (r->schedule == PLN_SCHEDULE_COSINE) {
        double share = (double)(step - r->warmup) / (double)(r->steps - r->warmup);
        return r->rate * 0.5 * (1 + cos(pi * share));
    }
    int halvings = r->halve ? (int)(step / r->halve) : 0;
    for (size_t i = 0; i < r->n_halves; i++)
        if ((double)step >= r->halves[i] * (double)r->steps) halvings++;
    return ldexp(r->rate, -halvings);
}

double pln_recipe_rate(const pln_recipe *r, uint64_t step)
{
    if (step < r->warmup) return r->rate * (double)(step + 1) / (double)r->warmup;
    return falling(r, step);
}

const pln_fan_variant *pln_recipe_energy(const pln_recipe *r)
{
    return r->fan > 0 ? &pln_fan_variants[r->variant] : NULL;
}

static pln_status resolve(pln_context *ctx, const char *path, pln_recipe *r)
{
    pln_status s = PLN_OK;
    if (!*r->system) return pln_fail(ctx, PLN_E_MODEL, "%s: [network] says no system", path);
    PLN_TRY(pnet_find(ctx, r->system, &r->net, &r->options));
    if (*r->config && strchr(r->system, ':'))
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: [network] config: %s has one already: expected a system without "
                        "variant beside it",
                        path, r->system);
    if (*r->config) PLN_TRY(pnet_configure(ctx, r->net, r->config, path, &r->options));
    const char *wanted = *r->augmented ? r->augmented : r->net->name;
    const pln_augmentation *a = pln_augmentation_find(wanted);
    if (!a)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: [data] augmentation = %s: there is none of that name", path, wanted);
    r->augmentation = *a;
    r->augmentation.patch = r->patch;
    /* An energy has no truths: photographs as they are, the small ones enlarged. */
    if (pln_recipe_energy(r)) r->augmentation.natural = 1, r->augmentation.enlarge = true;
    if (r->std_lo > 0 || r->std_hi > 0) {
        r->augmentation.std_lo = r->std_lo;
        r->augmentation.std_hi = r->std_hi;
    }
    PLN_TRY(read_halves(ctx, path, r));
    PLN_TRY(check_schedule(ctx, path, r));
    if (r->l1 + r->ms_ssim + r->edge + r->dtv + r->contrast + r->segmentation + r->ternary +
            r->eatv + r->boundary + r->fan ==
        0)
        return pln_fail(ctx, PLN_E_MODEL, "%s: [loss] has no term above 0", path);
done:
    return s;
}

pln_status pln_recipe_load(pln_context *ctx, const char *path, const char *const *settings,
                           size_t n, pln_recipe *recipe)
{
    GKeyFile *file = g_key_file_new();
    GError *error = NULL;
    gchar *text = NULL;
    pln_status s = PLN_OK;

    *recipe = (pln_recipe){0};
    PLN_TRY(defaults(ctx, recipe));
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &error)) {
        s = pln_fail(ctx, error->domain == G_KEY_FILE_ERROR ? PLN_E_MODEL : PLN_E_READ, "%s: %s",
                     path, error->message);
        goto done;
    }
    for (size_t i = 0; i < n; i++) PLN_TRY(set(ctx, path, file, settings[i]));
    PLN_TRY(read_keys(ctx, path, file, recipe));
    PLN_TRY(resolve(ctx, path, recipe));
    text = g_key_file_to_data(file, NULL, NULL);
    PLN_TRY(pln_strdup(ctx, text, &recipe->text));
done:
    if (s) pln_recipe_free(recipe);
    if (error) g_error_free(error);
    g_free(text);
    g_key_file_free(file);
    return s;
}

void pln_recipe_free(pln_recipe *recipe)
{
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].kind == TEXT) pln_free(*(char **)member(recipe, &keys[i]));
    pln_free(recipe->text);
    *recipe = (pln_recipe){0};
}
