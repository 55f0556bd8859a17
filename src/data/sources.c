/* SPDX-License-Identifier: MIT */
/* Where pictures come from: folders and their lists, names, splits. */
#include <stdio.h>
#include <string.h>

#include "data/data.h"
#include "data/make.h"
#include "image/image.h"

/* ---- Splits ---- */

void pln_shuffle(uint64_t seed, size_t n, size_t *order)
{
    struct pln_rng r = pln_rng(seed, 0xFFFFFFFFu);
    for (size_t i = 0; i < n; i++) order[i] = i;
    for (size_t i = n; i-- > 1;) {
        size_t j = pln_rng_below(&r, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

pln_status pln_split_sources(pln_context *ctx, struct pln_sources *sources, uint64_t seed)
{
    size_t n = 0, *open = NULL, *order = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_alloc(ctx, sources->count, sizeof *open, &open));
    for (size_t i = 0; i < sources->count; i++)
        if (sources->list[i].split == PLN_SPLITS) open[n++] = i;
    size_t share = (15 * n + 50) / 100;
    if (n >= 3 && share == 0) share = 1;
    PLN_TRY(pln_alloc(ctx, n, sizeof *order, &order));
    pln_shuffle(seed, n, order);
    for (size_t i = 0; i < n; i++)
        sources->list[open[order[i]]].split = i < share       ? PLN_SPLIT_TEST
                                              : i < 2 * share ? PLN_SPLIT_VAL
                                                              : PLN_SPLIT_TRAIN;
done:
    pln_free(order);
    pln_free(open);
    return s;
}

/* ---- Lists: train.txt, val.txt, test.txt beside or above the pictures, one identifier a line ----
 */

struct lists {
    struct pln_names of[PLN_SPLIT_TEST + 1];
    bool any;
};

static pln_status read_list(pln_context *ctx, const char *path, struct pln_names *names)
{
    void *bytes = NULL;
    char *text = NULL;
    size_t length;
    pln_status s = PLN_OK;

    PLN_TRY(pln_file_read(ctx, path, 1 << 26, &bytes, &length));
    PLN_TRY(pln_alloc(ctx, length + 1, 1, &text));
    memcpy(text, bytes, length);
    text[length] = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\r\n"));)
        if (*line) PLN_TRY(pln_names_add(ctx, names, line));
    pln_names_sort(names);
done:
    pln_free(text);
    pln_free(bytes);
    return s;
}

static pln_status read_lists(pln_context *ctx, const char *folder, struct lists *lists)
{
    static const char *const places[] = {"", "/.."};
    char *path = NULL;
    pln_status s = PLN_OK;
    for (size_t p = 0; p < 2 && !lists->any; p++)
        for (int k = PLN_SPLIT_TRAIN; k <= PLN_SPLIT_TEST; k++) {
            pln_free(path);
            path = NULL;
            PLN_TRY(pln_text_of(ctx, &path, "%s%s/%s.txt", folder, places[p],
                                pln_split_name((pln_split)k)));
            if (!pln_is_file(path)) continue;
            PLN_TRY(read_list(ctx, path, &lists->of[k]));
            lists->any = true;
        }
done:
    pln_free(path);
    return s;
}

static void lists_free(struct lists *lists)
{
    for (int k = 0; k <= PLN_SPLIT_TEST; k++) pln_names_free(&lists->of[k]);
}

/* ---- Folders of pictures ---- */

/* The last part of a path that is not "images" or empty. */
static void folder_word(const char *path, char word[64])
{
    size_t end = strlen(path);
    word[0] = 0;
    while (end) {
        while (end && path[end - 1] == '/') end--;
        size_t start = end;
        while (start && path[start - 1] != '/') start--;
        size_t n = end - start;
        if (n && !(n == 6 && !strncmp(path + start, "images", 6)) &&
            !(n == 1 && path[start] == '.')) {
            snprintf(word, 64, "%.*s", (int)pln_min(n, 40), path + start);
            return;
        }
        end = start;
    }
}

static pln_status grow(pln_context *ctx, struct pln_sources *sources, size_t more)
{
    struct pln_source *list = NULL;
    pln_status s = pln_calloc(ctx, sources->count + more, sizeof *list, &list);
    if (s) return s;
    if (sources->count) memcpy(list, sources->list, sources->count * sizeof *list);
    pln_free(sources->list);
    sources->list = list;
    return PLN_OK;
}

static pln_status find_label(pln_context *ctx, const char *labels, const char *folder,
                             const char *file, const char *stem, char **label)
{
    static const char *const endings[] = {"png", "PNG", "tif", "jpg"};
    pln_status s = PLN_OK;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = NULL;
        s = pln_text_of(ctx, &path, "%s/%s.%s", labels, stem, endings[i]);
        if (s) return s;
        if (pln_is_file(path)) {
            *label = path;
            return PLN_OK;
        }
        pln_free(path);
    }
    return pln_fail(ctx, PLN_E_READ, "%s/%s.png: no such label for %s/%s", labels, stem, folder,
                    file);
}

/* One picture: FOLDER/FILE, its name made of `prefix` and its path without extension. */
static pln_status add_picture(pln_context *ctx, struct pln_sources *to, const char *folder,
                              const char *file, const char *prefix, const char *labels,
                              const struct lists *lists)
{
    struct pln_source *source = &to->list[to->count];
    char *stem = NULL;
    pln_status s = PLN_OK;

    source->split = PLN_SPLITS;
    PLN_TRY(pln_strdup(ctx, file, &stem));
    *strrchr(stem, '.') = 0;
    for (int k = 0; k <= PLN_SPLIT_TEST; k++)
        if (pln_names_have(&lists->of[k], stem)) source->split = (pln_split)k;
    if (lists->any && source->split == PLN_SPLITS) goto done; /* in no list: not meant */
    if (labels) PLN_TRY(find_label(ctx, labels, folder, file, stem, &source->label));
    PLN_TRY(pln_text_of(ctx, &source->path, "%s/%s", folder, file));
    PLN_TRY(pln_text_of(ctx, &source->name, "%s%s%s", prefix, *prefix ? "_" : "", stem));
    for (char *c = source->name; *c; c++)
        if (*c == '/' || *c == '\\') *c = '_';
    for (size_t i = 0; i < to->count; i++)
        if (!strcmp(to->list[i].name, source->name)) {
            s = pln_fail(ctx, PLN_E_ARG, "%s and %s would have the same name '%s': rename one",
                         to->list[i].path, source->path, source->name);
            goto done;
        }
    to->count++;
    source = NULL;
done:
    if (source) {
        pln_free(source->name);
        pln_free(source->path);
        pln_free(source->label);
        *source = (struct pln_source){0};
    }
    pln_free(stem);
    return s;
}

/* FOLDER, or FOLDER/images if that is there. */
static pln_status add_folder(pln_context *ctx, struct pln_sources *to, const char *folder,
                             const char *labels, bool several, const char *what)
{
    struct pln_names files = {0};
    struct lists lists = {0};
    char *images = NULL, prefix[64] = "";
    size_t before = to->count;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &images, "%s/images", folder));
    if (pln_is_folder(images)) folder = images;
    if (labels && !pln_is_folder(labels)) {
        s = pln_fail(ctx, PLN_E_READ, "%s: no such folder", labels);
        goto done;
    }
    if (several) folder_word(folder, prefix);
    PLN_TRY(pln_list_pictures(ctx, folder, true, &files));
    PLN_TRY(read_lists(ctx, folder, &lists));
    PLN_TRY(grow(ctx, to, files.count));
    for (size_t i = 0; i < files.count; i++)
        PLN_TRY(add_picture(ctx, to, folder, files.list[i], prefix, labels, &lists));
    if (to->count == before)
        s = pln_fail(ctx, PLN_E_READ, "%s: no %s in this folder%s", folder, what,
                     lists.any ? " that its lists name" : "");
done:
    lists_free(&lists);
    pln_names_free(&files);
    pln_free(images);
    return s;
}

static size_t folders(const char *const *list)
{
    size_t n = 0;
    while (list && list[n]) n++;
    return n;
}

static pln_status add_folders(pln_context *ctx, struct pln_make *make, struct pln_sources *to,
                              const char *const *list, const char *const *labels, const char *what)
{
    pln_status s = PLN_OK;
    size_t n = folders(list);
    for (size_t i = 0; i < n && !s; i++)
        s = add_folder(ctx, to, list[i], labels ? labels[i] : NULL, n > 1, what);
    if (s) return s;
    /* Textures in train and test lists only: every ninth of train is for validation. */
    bool val = false, train = false;
    for (size_t i = 0; i < to->count; i++) {
        val |= to->list[i].split == PLN_SPLIT_VAL;
        train |= to->list[i].split == PLN_SPLIT_TRAIN;
    }
    if (train && !val)
        for (size_t i = 0, k = 0; i < to->count; i++)
            if (to->list[i].split == PLN_SPLIT_TRAIN && k++ % 9 == 4)
                to->list[i].split = PLN_SPLIT_VAL;
    return pln_split_sources(ctx, to, make->o.seed);
}

static pln_status add_procedural(pln_context *ctx, struct pln_make *make, struct pln_sources *to,
                                 size_t count, const char *prefix)
{
    pln_status s = grow(ctx, to, count);
    for (size_t i = 0; i < count && !s; i++) {
        struct pln_source *source = &to->list[to->count];
        s = pln_text_of(ctx, &source->name, "%s%04zu", prefix, i);
        if (s) break;
        source->index = i;
        source->split = PLN_SPLITS;
        to->count++;
    }
    return s ? s : pln_split_sources(ctx, to, make->o.seed);
}

/* ---- All sources of a dataset ---- */

pln_status pln_make_photo_sources(pln_context *ctx, struct pln_make *make)
{
    return add_folders(ctx, make, &make->truths, make->o.photos, NULL, make->kind->what);
}

pln_status pln_make_sources(pln_context *ctx, struct pln_make *make)
{
    const struct pln_kind *kind = make->kind;
    const pln_make_options *o = &make->o;
    pln_status s = PLN_OK;

    if (kind->photographs && !folders(o->photos))
        return pln_fail(ctx, PLN_E_ARG, "%s needs %s: --photos DIR", kind->name, kind->what);
    if (!kind->photographs && folders(o->photos))
        return pln_fail(ctx, PLN_E_ARG, "--photos: %s is procedural and takes none", kind->name);
    if (kind->labels && folders(o->labels) != folders(o->photos))
        return pln_fail(ctx, PLN_E_ARG,
                        "%s needs %s for every folder of photographs: %zu --photos, %zu --labels",
                        kind->name,
                        kind->companions & PLN_WITH_CLASSES ? "class maps" : "human boundaries",
                        folders(o->photos), folders(o->labels));
    if (!kind->labels && folders(o->labels))
        return pln_fail(ctx, PLN_E_ARG, "--labels: %s has no use for them", kind->name);
    if (kind->photographs)
        PLN_TRY(add_folders(ctx, make, &make->truths, o->photos, kind->labels ? o->labels : NULL,
                            kind->what));
    else if (kind->pairs)
        PLN_TRY(add_procedural(ctx, make, &make->truths, o->count, "scene"));
    if (folders(o->textures))
        PLN_TRY(add_folders(ctx, make, &make->textures, o->textures, NULL, "textures"));
    if (o->texture_count)
        PLN_TRY(add_procedural(ctx, make, &make->textures, o->texture_count, "texture"));
    if (kind->test_only) {
        for (size_t i = 0; i < make->truths.count; i++) make->truths.list[i].split = PLN_SPLIT_TEST;
        for (size_t i = 0; i < make->textures.count; i++)
            make->textures.list[i].split = PLN_SPLIT_TEST;
    }
done:
    return s;
}

void pln_sources_free(struct pln_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct pln_source *source = &sources->list[i];
        pln_free(source->name);
        pln_free(source->path);
        pln_free(source->label);
        json_decref(source->survey);
        json_decref(source->result);
    }
    pln_free(sources->list);
    *sources = (struct pln_sources){0};
}
