/* SPDX-License-Identifier: MIT */
/* The end of making: what survived, the table of the screening, the manifest. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/make.h"
#include "image/image.h"

/* Adds to an object or a list; the first failure sticks. */
static void put(json_t *object, const char *key, json_t *value, bool *lost)
{
    if (json_object_set_new(object, key, value)) *lost = true;
}

static void append(json_t *list, json_t *value, bool *lost)
{
    if (json_array_append_new(list, value)) *lost = true;
}

static pln_status check_lost(pln_context *ctx, bool lost)
{
    return lost ? pln_fail(ctx, PLN_E_MEMORY, "no memory for the manifest") : PLN_OK;
}

static const char *skipped(const struct pln_source *source)
{
    const char *why = json_string_value(json_object_get(source->survey, "skip"));
    return why ? why : json_string_value(json_object_get(source->result, "skip"));
}

/* ---- Files and their sha256 ---- */

struct table {
    pln_context *ctx;
    const struct pln_make *make;
    json_t *files, *owners; /* owners: sha256 -> split, of truths and textures */
    bool lost;
};

static pln_status add_file(struct table *t, const char *sub, const char *name, const char **sha256)
{
    char *path = NULL, hex[65];
    pln_status s = PLN_OK;
    PLN_TRY(pln_dataset_path(t->ctx, t->make->o.folder, sub, name, &path));
    PLN_TRY(pln_file_sha256(t->ctx, path, hex));
    const char *file = path + strlen(t->make->o.folder) + 1;
    put(t->files, file, json_string(hex), &t->lost);
    PLN_TRY(check_lost(t->ctx, t->lost));
    if (sha256) *sha256 = json_string_value(json_object_get(t->files, file));
done:
    pln_free(path);
    return s;
}

/* The same picture in two splits would be seen in training and asked for in the test. */
static pln_status refuse_twins(struct table *t, const struct pln_source *source, const char *sha256)
{
    const char *first = json_string_value(json_object_get(t->owners, sha256));
    char *text = NULL;
    pln_status s = PLN_OK;
    if (first && first[0] != '0' + (int)source->split && !t->make->o.published &&
        !t->make->kind->test_only)
        return pln_fail(t->ctx, PLN_E_FORMAT,
                        "%s and %s are the same picture in two splits: "
                        "remove one",
                        first + 1, source->name);
    if (first) return PLN_OK;
    PLN_TRY(pln_text_of(t->ctx, &text, "%c%s", '0' + (int)source->split, source->name));
    put(t->owners, sha256, json_string(text), &t->lost);
    s = check_lost(t->ctx, t->lost);
done:
    pln_free(text);
    return s;
}

/* ---- Entries ---- */

static pln_status truth_entry(struct table *t, const struct pln_source *source, json_t *list)
{
    static const char *const kept[] = {"width", "height", "operator", "level", "structure_ssim"};
    const char *sha256;
    pln_status s = PLN_OK;
    json_t *entry =
        json_pack("{s:s, s:s}", "name", source->name, "split", pln_split_name(source->split));

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        json_t *value = json_object_get(source->result, kept[i]);
        if (value) put(entry, kept[i], json_incref(value), &t->lost);
    }
    json_t *flat = json_object_get(source->survey, "flat_share");
    if (flat) put(entry, "flat_share", json_incref(flat), &t->lost);
    append(list, entry, &t->lost);
    PLN_TRY(check_lost(t->ctx, t->lost));
    PLN_TRY(add_file(t, "gt", source->name, &sha256));
    PLN_TRY(refuse_twins(t, source, sha256));
    for (unsigned bit = 1; bit <= PLN_WITH_PHOTO; bit *= 2)
        if (t->make->kind->companions & bit)
            PLN_TRY(add_file(t, pln_companion_folder(bit), source->name, NULL));
done:
    return s;
}

/* One entry for a texture at all its scales, or one for each scale that is fine; none: not used. */
static pln_status texture_entries(struct table *t, const struct pln_source *source, json_t *list,
                                  size_t *used)
{
    static const char *const kept[] = {"std", "local_ratio", "local_ratio_half", "family"};
    static const double fine = 0.7; /* local ratio, section 4.3 of the specification */
    enum pln_texture_rule rule = t->make->kind->textures;
    bool at[2] = {true, rule == PLN_TEXTURES_TURNS};
    const char *sha256;
    pln_status s = PLN_OK;

    /* Procedural ones alone are taken as they come: without a choice there is nothing to leave. */
    if (rule == PLN_TEXTURES_FINE && t->make->o.textures && t->make->o.textures[0]) {
        at[0] = json_number_value(json_object_get(source->survey, "local_ratio")) >= fine;
        at[1] = json_number_value(json_object_get(source->survey, "local_ratio_half")) >= fine;
    }
    for (int k = 0; k < 2; k++) {
        if (!at[k]) continue;
        json_t *entry = json_pack("{s:s, s:s, s:[f]}", "name", source->name, "split",
                                  pln_split_name(source->split), "scales", k ? 0.5 : 1.0);
        if (rule == PLN_TEXTURES_TURNS) {
            append(json_object_get(entry, "scales"), json_real(0.5), &t->lost);
            at[1] = false;
        }
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
            json_t *value = json_object_get(source->survey, kept[i]);
            if (value) put(entry, kept[i], json_incref(value), &t->lost);
        }
        append(list, entry, &t->lost);
        ++*used;
    }
    PLN_TRY(check_lost(t->ctx, t->lost));
    if (!at[0] && !at[1]) goto done;
    PLN_TRY(add_file(t, "tx", source->name, &sha256));
    PLN_TRY(refuse_twins(t, source, sha256));
done:
    return s;
}

/* Messages start with the path, which is no part of the dataset: the name instead. */
static void skip_entry(struct table *t, const struct pln_source *source, json_t *list)
{
    const char *why = skipped(source);
    size_t n = source->path ? strlen(source->path) : 0;
    if (n && !strncmp(why, source->path, n)) {
        why += n;
        why += strspn(why, ": ");
    }
    append(list, json_pack("{s:s, s:s}", "name", source->name, "why", why), &t->lost);
}

static pln_status too_few(pln_context *ctx, const struct pln_make *make, const char *what,
                          const size_t counts[PLN_SPLIT_TEST + 1], size_t of)
{
    size_t all = counts[0] + counts[1] + counts[2];
    for (int k = make->kind->test_only ? PLN_SPLIT_TEST : PLN_SPLIT_TRAIN; k <= PLN_SPLIT_TEST; k++)
        if (make->o.published ? all == 0 : counts[k] == 0)
            return pln_fail(
                ctx, PLN_E_FORMAT, "%s: %zu of %zu %s can be used, none for '%s': give more%s",
                make->o.folder, all, of, what, pln_split_name((pln_split)k),
                make->kind->photographs && !strcmp(what, make->kind->what) && make->o.easy < 1
                    ? ", or a larger --easy"
                    : "");
    return PLN_OK;
}

/* ---- screening.tsv ---- */

static pln_status write_screening(struct table *t)
{
    const struct pln_sources *sources = &t->make->truths;
    char *text = NULL, *path = NULL;
    size_t room = 256, n = 0;
    pln_status s = PLN_OK;

    for (size_t i = 0; i < sources->count; i++)
        room += 256 * json_array_size(json_object_get(sources->list[i].result, "rows"));
    if (room == 256) return PLN_OK;
    PLN_TRY(pln_alloc(t->ctx, room, 1, &text));
    n += (size_t)snprintf(text, room,
                          "photo\tsplit\tlevel\toperator\tedge_free_share\twindows\t"
                          "mean\tp90\tmax\tstructure_ssim\tpasses\twinner\n");
    for (size_t i = 0; i < sources->count; i++) {
        const struct pln_source *p = &sources->list[i];
        const json_t *rows = json_object_get(p->result, "rows"), *row;
        size_t k;
        json_array_foreach(rows, k, row)
        {
            const json_t *value = json_array_get(row, 0);
            n += (size_t)snprintf(
                text + n, room - n,
                "%.120s\t%s\t%lld\t%.12s\t%.5f\t%lld\t%.5f\t%.5f\t%.5f\t%.5f\t%lld\t%lld\n",
                p->name, pln_split_name(p->split), json_integer_value(value),
                json_string_value(json_array_get(row, 1)),
                json_number_value(json_array_get(row, 2)),
                json_integer_value(json_array_get(row, 3)),
                json_number_value(json_array_get(row, 4)),
                json_number_value(json_array_get(row, 5)),
                json_number_value(json_array_get(row, 6)),
                json_number_value(json_array_get(row, 7)),
                json_integer_value(json_array_get(row, 8)),
                json_integer_value(json_array_get(row, 9)));
        }
    }
    PLN_TRY(pln_text_of(t->ctx, &path, "%s/screening.tsv", t->make->o.folder));
    PLN_TRY(pln_file_write(t->ctx, path, text, n));
    char hex[65];
    pln_sha256(text, n, hex);
    put(t->files, "screening.tsv", json_string(hex), &t->lost);
    s = check_lost(t->ctx, t->lost);
done:
    pln_free(path);
    pln_free(text);
    return s;
}

/* ---- The manifest ---- */

static json_t *source_words(const char *const *folders)
{
    json_t *list = json_array();
    for (size_t i = 0; folders && folders[i]; i++) {
        size_t end = strlen(folders[i]);
        while (end > 1 && folders[i][end - 1] == '/') end--;
        size_t start = end;
        while (start && folders[i][start - 1] != '/') start--;
        if (json_array_append_new(list, json_stringn(folders[i] + start, end - start))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *companion_names(unsigned companions)
{
    json_t *list = json_array();
    for (unsigned bit = 1; bit <= PLN_WITH_PHOTO; bit *= 2)
        if ((companions & bit) &&
            json_array_append_new(list, json_string(pln_companion_folder(bit)))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static pln_status head(struct table *t, json_t *root)
{
    const pln_make_options *o = &t->make->o;
    const struct pln_kind *kind = t->make->kind;
    put(root, "schema", json_string(PLN_MANIFEST_SCHEMA), &t->lost);
    put(root, "kind", json_string(kind->name), &t->lost);
    put(root, "planish", json_string(pln_version()), &t->lost);
    put(root, "seed", json_integer((json_int_t)o->seed), &t->lost);
    put(root, "split", json_string(o->published ? "published" : "strict"), &t->lost);
    put(root, "std", json_real(o->std), &t->lost);
    put(root, "companions", companion_names(kind->companions), &t->lost);
    put(root, "sources",
        json_pack("{s:o, s:o, s:o}", "photos", source_words(o->photos), "textures",
                  source_words(o->textures), "labels", source_words(o->labels)),
        &t->lost);
    json_t *p = json_object();
    if (kind->photographs) {
        put(p, "easy", json_real(o->easy), &t->lost);
        put(p, "longest", json_integer((json_int_t)o->longest), &t->lost);
    } else if (kind->pairs) {
        put(p, "width", json_integer((json_int_t)o->w), &t->lost);
        put(p, "height", json_integer((json_int_t)o->h), &t->lost);
    }
    if (o->texture_count)
        put(p, "texture_count", json_integer((json_int_t)o->texture_count), &t->lost);
    if (o->bgr_weights) put(p, "bgr_weights", json_true(), &t->lost);
    put(root, "parameters", p, &t->lost);
    return check_lost(t->ctx, t->lost);
}

static void remove_work(const char *folder)
{
    char path[4096];
    struct dirent *entry;
    snprintf(path, sizeof path, "%s/work", folder);
    DIR *dir = opendir(path);
    if (!dir) return;
    while ((entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        snprintf(path, sizeof path, "%s/work/%s", folder, entry->d_name);
        if (n > 5 && !strcmp(entry->d_name + n - 5, ".json")) unlink(path);
    }
    closedir(dir);
    snprintf(path, sizeof path, "%s/work", folder);
    rmdir(path);
}

pln_status pln_make_finish(pln_context *ctx, struct pln_make *make)
{
    struct table t = {ctx, make, json_object(), json_object(), false};
    json_t *root = json_object(), *truths = json_array(), *textures = json_array(),
           *left_out = json_array();
    size_t counts[2][PLN_SPLIT_TEST + 1] = {{0}};
    char *path = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    PLN_TRY(head(&t, root));
    for (size_t i = 0; i < make->truths.count; i++) {
        const struct pln_source *p = &make->truths.list[i];
        if (skipped(p)) {
            skip_entry(&t, p, left_out);
        } else if (p->chosen) {
            PLN_TRY(truth_entry(&t, p, truths));
            counts[0][p->split]++;
        }
    }
    for (size_t i = 0; i < make->textures.count; i++) {
        const struct pln_source *p = &make->textures.list[i];
        if (skipped(p))
            skip_entry(&t, p, left_out);
        else
            PLN_TRY(texture_entries(&t, p, textures, &counts[1][p->split]));
    }
    if (make->kind->pairs)
        PLN_TRY(too_few(ctx, make, make->kind->what, counts[0], make->truths.count));
    PLN_TRY(too_few(ctx, make, "textures", counts[1], make->textures.count));
    PLN_TRY(write_screening(&t));
    put(root, "truths", json_incref(truths), &t.lost);
    put(root, "textures", json_incref(textures), &t.lost);
    put(root, "left_out", json_incref(left_out), &t.lost);
    put(root, "files", json_incref(t.files), &t.lost);
    PLN_TRY(check_lost(ctx, t.lost));
    PLN_TRY(pln_text_of(ctx, &path, "%s/manifest.json", make->o.folder));
    PLN_TRY(pln_json_write(ctx, path, root));
    remove_work(make->o.folder);
done:
    pln_free(path);
    json_decref(root);
    json_decref(truths);
    json_decref(textures);
    json_decref(left_out);
    json_decref(t.files);
    json_decref(t.owners);
    return s;
}

/* ---- What was left out, for the command ---- */

size_t pln_make_left_out(const struct pln_make *make, size_t i, const char **name, const char **why)
{
    const struct pln_sources *both[] = {&make->truths, &make->textures};
    size_t n = 0;
    for (int k = 0; k < 2; k++)
        for (size_t j = 0; j < both[k]->count; j++)
            if (skipped(&both[k]->list[j]) && n++ == i) {
                *name = both[k]->list[j].name;
                *why = skipped(&both[k]->list[j]);
            }
    return n;
}
