/* SPDX-License-Identifier: MIT */
/* Reading manifest.json: every field is checked before anything trusts it. */
#include <string.h>

#include "data/manifest.h"

static const char *const split_names[] = {"train", "val", "test", "test-truths", "test-textures"};

const char *pln_split_name(pln_split split)
{
    return (unsigned)split < PLN_SPLITS ? split_names[split] : "unknown";
}

bool pln_split_find(const char *name, pln_split *split)
{
    for (int i = 0; i < PLN_SPLITS; i++)
        if (!strcmp(name, split_names[i])) return *split = (pln_split)i, true;
    return false;
}

static const struct {
    unsigned bit;
    const char *folder;
} companions[] = {
    {PLN_WITH_EDGE, "edge"},         {PLN_WITH_CLASSES, "class"}, {PLN_WITH_NEGATIVE, "negative"},
    {PLN_WITH_BOUNDARY, "boundary"}, {PLN_WITH_PHOTO, "photo"},
};
enum { COMPANIONS = sizeof companions / sizeof *companions };

const char *pln_companion_folder(unsigned companion)
{
    for (size_t i = 0; i < COMPANIONS; i++)
        if (companions[i].bit == companion) return companions[i].folder;
    return "gt";
}

/* ---- Fields ---- */

struct reader {
    pln_context *ctx;
    const char *path;
};

static pln_status bad(const struct reader *r, const char *what)
{
    return pln_fail(r->ctx, PLN_E_MODEL,
                    "%s: %s: the manifest is damaged or not planish's: make the dataset again",
                    r->path, what);
}

/* A name is the stem of files: it may not leave the folder. */
static bool good_name(const json_t *value)
{
    const char *name = json_string_value(value);
    return name && *name && *name != '.' && strlen(name) < 120 && !strpbrk(name, "/\\");
}

static pln_status read_split(const struct reader *r, const json_t *entry, pln_split *split)
{
    const char *name = json_string_value(json_object_get(entry, "split"));
    if (!name || !pln_split_find(name, split) || *split > PLN_SPLIT_TEST)
        return bad(r, "an entry has no split train, val or test");
    return PLN_OK;
}

static pln_status read_truths(const struct reader *r, struct pln_manifest *m)
{
    const json_t *list = json_object_get(m->root, "truths"), *e;
    size_t i;
    pln_status s = PLN_OK;

    if (!json_is_array(list)) return bad(r, "'truths' is not a list");
    m->truth_count = json_array_size(list);
    PLN_TRY(pln_calloc(r->ctx, m->truth_count, sizeof *m->truths, &m->truths));
    json_array_foreach(list, i, e)
    {
        struct pln_truth_entry *t = &m->truths[i];
        json_int_t w = json_integer_value(json_object_get(e, "width")),
                   h = json_integer_value(json_object_get(e, "height"));
        if (!good_name(json_object_get(e, "name"))) return bad(r, "a truth has no name");
        if (w < 1 || h < 1 || w > 1 << 20 || h > 1 << 20)
            return bad(r, "a truth has no width and height");
        t->name = json_string_value(json_object_get(e, "name"));
        t->w = (size_t)w;
        t->h = (size_t)h;
        PLN_TRY(read_split(r, e, &t->split));
    }
done:
    return s;
}

static pln_status read_textures(const struct reader *r, struct pln_manifest *m)
{
    const json_t *list = json_object_get(m->root, "textures"), *e;
    size_t i;
    pln_status s = PLN_OK;

    if (!json_is_array(list)) return bad(r, "'textures' is not a list");
    m->texture_count = json_array_size(list);
    PLN_TRY(pln_calloc(r->ctx, m->texture_count, sizeof *m->textures, &m->textures));
    json_array_foreach(list, i, e)
    {
        struct pln_texture_entry *t = &m->textures[i];
        const json_t *scales = json_object_get(e, "scales");
        t->scale_count = json_array_size(scales);
        if (!good_name(json_object_get(e, "name"))) return bad(r, "a texture has no name");
        if (t->scale_count < 1 || t->scale_count > 2) return bad(r, "a texture has no scales");
        t->name = json_string_value(json_object_get(e, "name"));
        for (size_t k = 0; k < t->scale_count; k++) {
            double scale = json_number_value(json_array_get(scales, k));
            if (scale != 0.5 && scale != 1 && scale != 2)
                return bad(r, "a texture's scale is not 0.5, 1 or 2");
            t->scales[k] = scale;
        }
        PLN_TRY(read_split(r, e, &t->split));
    }
done:
    return s;
}

/* A name in two splits would undo the split. */
static pln_status check_names(const struct reader *r, const struct pln_manifest *m)
{
    json_t *seen = json_object();
    pln_status s = PLN_OK;
    for (size_t i = 0; i < m->truth_count && !s; i++) {
        if (json_object_get(seen, m->truths[i].name))
            s = bad(r, "a truth is listed twice");
        else if (json_object_set_new(seen, m->truths[i].name, json_true()))
            s = pln_fail(r->ctx, PLN_E_MEMORY, "%s: no memory to check it", r->path);
    }
    json_object_clear(seen);
    for (size_t i = 0; i < m->texture_count && !s; i++) {
        const struct pln_texture_entry *t = &m->textures[i];
        const json_t *split = json_object_get(seen, t->name);
        if (split && json_integer_value(split) != (json_int_t)t->split)
            s = bad(r, "a texture is in two splits");
        else if (json_object_set_new(seen, t->name, json_integer((json_int_t)t->split)))
            s = pln_fail(r->ctx, PLN_E_MEMORY, "%s: no memory to check it", r->path);
    }
    json_decref(seen);
    return s;
}

static pln_status read_companions(const struct reader *r, struct pln_manifest *m)
{
    const json_t *list = json_object_get(m->root, "companions"), *e;
    size_t i;
    if (!json_is_array(list)) return bad(r, "'companions' is not a list");
    json_array_foreach(list, i, e)
    {
        const char *name = json_string_value(e);
        size_t k = 0;
        while (k < COMPANIONS && name && strcmp(name, companions[k].folder)) k++;
        if (!name || k == COMPANIONS) return bad(r, "a companion is unknown");
        m->companions |= companions[k].bit;
    }
    return PLN_OK;
}

static pln_status read_files(const struct reader *r, const struct pln_manifest *m)
{
    json_t *files = json_object_get(m->root, "files"), *value;
    const char *name;
    if (!json_is_object(files)) return bad(r, "'files' is not a table");
    json_object_foreach(files, name, value) {
        const char *hex = json_string_value(value);
        if (*name == '/' || strstr(name, "..")) return bad(r, "a file lies outside of the folder");
        if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
            return bad(r, "a sha256 is not 64 hex digits");
    }
    return PLN_OK;
}

pln_status pln_manifest_parse(pln_context *ctx, const char *path, json_t *root,
                              struct pln_manifest *manifest)
{
    struct reader r = {ctx, path};
    struct pln_manifest m = {.root = root};
    pln_status s = PLN_OK;

    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *split = json_string_value(json_object_get(root, "split"));
    if (!schema || strcmp(schema, PLN_MANIFEST_SCHEMA)) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s: schema '%s': expected " PLN_MANIFEST_SCHEMA, path,
                     schema ? schema : "none");
        goto done;
    }
    m.kind = json_string_value(json_object_get(root, "kind"));
    m.seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
    m.std = json_number_value(json_object_get(root, "std"));
    if (!m.kind || !split || (strcmp(split, "strict") && strcmp(split, "published")) ||
        !json_is_integer(json_object_get(root, "seed")) ||
        !json_is_number(json_object_get(root, "std")) || !(m.std >= 0 && m.std <= 1)) {
        s = bad(&r, "kind, seed, split or std is missing");
        goto done;
    }
    m.published = !strcmp(split, "published");
    m.bgr_weights =
        json_is_true(json_object_get(json_object_get(root, "parameters"), "bgr_weights"));
    PLN_TRY(read_companions(&r, &m));
    PLN_TRY(read_truths(&r, &m));
    PLN_TRY(read_textures(&r, &m));
    PLN_TRY(check_names(&r, &m));
    PLN_TRY(read_files(&r, &m));
    *manifest = m;
    m = (struct pln_manifest){0};
done:
    pln_manifest_clear(&m);
    return s;
}

void pln_manifest_clear(struct pln_manifest *m)
{
    pln_free(m->truths);
    pln_free(m->textures);
    json_decref(m->root);
    *m = (struct pln_manifest){0};
}

const char *pln_manifest_sha256(const struct pln_manifest *m, const char *file)
{
    return json_string_value(json_object_get(json_object_get(m->root, "files"), file));
}

pln_status pln_dataset_path(pln_context *ctx, const char *folder, const char *sub, const char *name,
                            char **path)
{
    return pln_text_of(ctx, path, "%s/%s/%s.png", folder, sub, name);
}
