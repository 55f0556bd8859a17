/* SPDX-License-Identifier: MIT */
#include "train/recipe.h"

#include <glib.h>
#include <string.h>

/* ---- Keys ---- */

typedef enum kind { COUNT, REAL, TEXT } kind;
struct key {
    const char *section, *name;
    kind kind;
    size_t offset;
    double min, max, init;
};
#define KEY(section_, kind_, member_, name_, ...)                                                  \
    {                                                                                              \
        .section = section_, .name = name_, .kind = kind_,                                         \
        .offset = offsetof(struct values, member_), __VA_ARGS__                                    \
    }

struct values {
    char *system, *config, *manifest, *augmentation;
    uint64_t batch, patch, steps, halve, every, val_pairs, val_patch, save;
    double rate, beta1, beta2, eps, clip, l1, ms_ssim, edge, dtv;
};

static const struct key keys[] = {
    KEY("network", TEXT, system, "system"),
    KEY("network", TEXT, config, "config"),
    KEY("data", TEXT, manifest, "manifest"),
    KEY("data", TEXT, augmentation, "augmentation"),
    KEY("data", COUNT, batch, "batch", .min = 1, .max = 4096, .init = 8),
    KEY("data", COUNT, patch, "patch", .min = 16, .max = 4096, .init = 128),
    KEY("optimiser", COUNT, steps, "steps", .min = 1, .max = 1e9, .init = 60000),
    KEY("optimiser", REAL, rate, "rate", .min = 0, .max = 1, .init = 2e-4),
    KEY("optimiser", COUNT, halve, "halve", .min = 0, .max = 1e9, .init = 0),
    KEY("optimiser", REAL, beta1, "beta1", .min = 0, .max = 1, .init = 0.9),
    KEY("optimiser", REAL, beta2, "beta2", .min = 0, .max = 1, .init = 0.999),
    KEY("optimiser", REAL, eps, "eps", .min = 0, .max = 1, .init = 1e-8),
    KEY("optimiser", REAL, clip, "clip", .min = 0, .max = 1e9, .init = 0),
    KEY("loss", REAL, l1, "l1", .min = 0, .max = 1e6, .init = 0),
    KEY("loss", REAL, ms_ssim, "ms_ssim", .min = 0, .max = 1e6, .init = 0),
    KEY("loss", REAL, edge, "edge", .min = 0, .max = 1e6, .init = 0),
    KEY("loss", REAL, dtv, "dtv", .min = 0, .max = 1e6, .init = 0),
    KEY("validation", COUNT, every, "every", .min = 1, .max = 1e9, .init = 1000),
    KEY("validation", COUNT, val_pairs, "pairs", .min = 1, .max = 1e6, .init = 16),
    KEY("validation", COUNT, val_patch, "patch", .min = 16, .max = 4096, .init = 256),
    KEY("validation", COUNT, save, "save", .min = 1, .max = 1e9, .init = 500),
};
enum { KEYS = sizeof keys / sizeof *keys };

static const struct key *find(const char *section, const char *name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (!strcmp(keys[i].section, section) && !strcmp(keys[i].name, name)) return &keys[i];
    return NULL;
}

static pln_status put(pln_context *ctx, const char *path, const struct key *k, const char *text,
                      struct values *v)
{
    void *to = (char *)v + k->offset;
    double x;
    if (k->kind == TEXT) {
        pln_free(*(char **)to);
        return pln_strdup(ctx, text, (char **)to);
    }
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
static pln_status read_keys(pln_context *ctx, const char *path, GKeyFile *file, struct values *v)
{
    gchar **sections = g_key_file_get_groups(file, NULL);
    pln_status s = PLN_OK;
    for (size_t i = 0; sections[i] && !s; i++) {
        gchar **names = g_key_file_get_keys(file, sections[i], NULL, NULL);
        for (size_t j = 0; names && names[j] && !s; j++) {
            const struct key *k = find(sections[i], names[j]);
            gchar *text = k ? g_key_file_get_string(file, sections[i], names[j], NULL) : NULL;
            s = text ? put(ctx, path, k, text, v)
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

static pln_status fill(pln_context *ctx, const char *path, struct values *v, pln_recipe *r)
{
    pln_status s = PLN_OK;
    if (!v->system || !*v->system)
        return pln_fail(ctx, PLN_E_MODEL, "%s: [network] says no system", path);
    PLN_TRY(pnet_find(ctx, v->system, &r->net, &r->options));
    if (v->config && *v->config) PLN_TRY(pnet_configure(ctx, r->net, v->config, path, &r->options));
    const char *wanted = v->augmentation ? v->augmentation : r->net->name;
    const pln_augmentation *a = pln_augmentation_find(wanted);
    if (!a)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: [data] augmentation = %s: there is none of that name", path, wanted);
    r->augmentation = *a;
    r->augmentation.patch = v->patch;
    r->batch = v->batch;
    r->steps = v->steps;
    r->rate = v->rate;
    r->halve = v->halve;
    r->beta1 = v->beta1;
    r->beta2 = v->beta2;
    r->eps = v->eps;
    r->clip = v->clip;
    r->l1 = v->l1;
    r->ms_ssim = v->ms_ssim;
    r->edge = v->edge;
    r->dtv = v->dtv;
    r->every = v->every;
    r->val_pairs = v->val_pairs;
    r->val_patch = v->val_patch;
    r->save = v->save;
    if (r->l1 + r->ms_ssim + r->edge + r->dtv == 0)
        return pln_fail(ctx, PLN_E_MODEL, "%s: [loss] has no term above 0", path);
    PLN_TRY(pln_strdup(ctx, v->config ? v->config : "", &r->config));
    PLN_TRY(pln_strdup(ctx, v->manifest ? v->manifest : "", &r->manifest));
done:
    return s;
}

pln_status pln_recipe_load(pln_context *ctx, const char *path, const char *const *settings,
                           size_t n, pln_recipe *recipe)
{
    GKeyFile *file = g_key_file_new();
    GError *error = NULL;
    gchar *text = NULL;
    struct values v = {0};
    pln_status s = PLN_OK;

    *recipe = (pln_recipe){0};
    for (size_t i = 0; i < KEYS; i++) {
        if (keys[i].kind == COUNT)
            *(uint64_t *)(void *)((char *)&v + keys[i].offset) = (uint64_t)keys[i].init;
        if (keys[i].kind == REAL) *(double *)(void *)((char *)&v + keys[i].offset) = keys[i].init;
    }
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &error)) {
        s = pln_fail(ctx, error->domain == G_KEY_FILE_ERROR ? PLN_E_MODEL : PLN_E_READ, "%s: %s",
                     path, error->message);
        goto done;
    }
    for (size_t i = 0; i < n; i++) PLN_TRY(set(ctx, path, file, settings[i]));
    PLN_TRY(read_keys(ctx, path, file, &v));
    PLN_TRY(fill(ctx, path, &v, recipe));
    text = g_key_file_to_data(file, NULL, NULL);
    PLN_TRY(pln_strdup(ctx, text, &recipe->text));
done:
    if (s) pln_recipe_free(recipe);
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].kind == TEXT) pln_free(*(char **)(void *)((char *)&v + keys[i].offset));
    if (error) g_error_free(error);
    g_free(text);
    g_key_file_free(file);
    return s;
}

void pln_recipe_free(pln_recipe *recipe)
{
    pln_free(recipe->text);
    pln_free(recipe->config);
    pln_free(recipe->manifest);
    *recipe = (pln_recipe){0};
}
