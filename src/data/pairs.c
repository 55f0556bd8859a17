/* SPDX-License-Identifier: MIT */
#include "data/pairs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/folder.h"
#include "image/image.h"

/* ---- Listing ---- */

/* 2.png before 10.png; names that are no numbers bytewise, after the numbers. */
static int by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    char *xe, *ye;
    long long m = strtoll(x, &xe, 10), n = strtoll(y, &ye, 10);
    bool xn = xe > x && *xe == '.', yn = ye > y && *ye == '.';
    if (xn != yn) return xn ? -1 : 1;
    if (xn && m != n) return m < n ? -1 : 1;
    return strcmp(x, y);
}

static pln_status add_split(pln_context *ctx, struct pln_side_by_side *p, const char *sub,
                            pln_split split, struct pln_names *all)
{
    struct pln_names names = {0};
    char *folder = NULL, *path = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &folder, "%s/%s", p->folder, sub));
    if (!pln_is_folder(folder)) goto done;
    PLN_TRY(pln_list_pictures(ctx, folder, false, &names));
    if (names.count) qsort(names.list, names.count, sizeof *names.list, by_number);
    for (size_t i = 0; i < names.count; i++) {
        pln_free(path);
        path = NULL;
        PLN_TRY(pln_text_of(ctx, &path, "%s%s%s", sub, *sub ? "/" : "", names.list[i]));
        PLN_TRY(pln_names_add(ctx, all, path));
    }
    p->counts[split] = names.count;
done:
    pln_free(path);
    pln_free(folder);
    pln_names_free(&names);
    return s;
}

pln_status pln_side_by_side_hash(pln_context *ctx, const struct pln_side_by_side *p, char hash[65])
{
    struct pln_names lines = {0};
    char *path = NULL, *line = NULL, *text = NULL;
    size_t length = 0;
    struct stat st;
    pln_status s = PLN_OK;

    for (size_t i = 0; i < p->count; i++) {
        pln_free(path);
        pln_free(line);
        path = line = NULL;
        PLN_TRY(pln_text_of(ctx, &path, "%s/%s", p->folder, p->files[i]));
        if (stat(path, &st)) st = (struct stat){0};
        PLN_TRY(pln_text_of(ctx, &line, "%s %lld %lld.%09ld\n", p->files[i], (long long)st.st_size,
                            (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec));
        PLN_TRY(pln_names_add(ctx, &lines, line));
        length += strlen(line);
    }
    PLN_TRY(pln_alloc(ctx, length + 1, 1, &text));
    length = 0;
    for (size_t i = 0; i < lines.count; i++) {
        size_t n = strlen(lines.list[i]);
        memcpy(text + length, lines.list[i], n);
        length += n;
    }
    pln_sha256(text, length, hash);
done:
    pln_free(text);
    pln_free(line);
    pln_free(path);
    pln_names_free(&lines);
    return s;
}

pln_status pln_side_by_side_open(pln_context *ctx, const char *folder,
                                 struct pln_side_by_side *pairs, char hash[65])
{
    struct pln_side_by_side p = {0};
    struct pln_names all = {0};
    pln_status s = PLN_OK;

    PLN_TRY(pln_strdup(ctx, folder, &p.folder));
    for (int k = PLN_SPLIT_TRAIN; k <= PLN_SPLIT_TEST; k++)
        PLN_TRY(add_split(ctx, &p, pln_split_name((pln_split)k), (pln_split)k, &all));
    if (all.count == 0) PLN_TRY(add_split(ctx, &p, "", PLN_SPLIT_TEST, &all));
    if (all.count == 0) {
        s = pln_fail(ctx, PLN_E_MODEL,
                     "%s: no manifest.json and no pictures: not a dataset, or 'dataset make' was "
                     "interrupted: run it again",
                     folder);
        goto done;
    }
    p.files = all.list;
    p.count = all.count;
    all = (struct pln_names){0};
    PLN_TRY(pln_side_by_side_hash(ctx, &p, hash));
    *pairs = p;
    p = (struct pln_side_by_side){0};
done:
    pln_names_free(&all);
    pln_side_by_side_close(&p);
    return s;
}

void pln_side_by_side_close(struct pln_side_by_side *p)
{
    for (size_t i = 0; i < p->count; i++) pln_free(p->files[i]);
    pln_free(p->files);
    pln_free(p->folder);
    *p = (struct pln_side_by_side){0};
}

/* ---- Halves ---- */

pln_status pln_side_by_side_read(pln_context *ctx, const struct pln_side_by_side *p, size_t i,
                                 uint8_t **truth, uint8_t **in, size_t *w, size_t *h)
{
    char *path = NULL;
    pln_image *image = NULL;
    uint8_t *both = NULL, *left = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &path, "%s/%s", p->folder, p->files[i]));
    PLN_TRY(pln_image_load(ctx, path, &image));
    size_t width = image->pixels.w, height = image->pixels.h, half = width / 2;
    if (width % 2) {
        s = pln_fail(ctx, PLN_E_SHAPE,
                     "%s: is %zu pixels wide: truth and input side by side have an even width",
                     path, width);
        goto done;
    }
    PLN_TRY(pln_bytes_of(ctx, image, 3, &both));
    PLN_TRY(pln_alloc(ctx, half * height, 3, &left));
    for (size_t y = 0; y < height; y++) {
        memcpy(left + y * half * 3, both + y * width * 3, half * 3);
        memmove(both + y * half * 3, both + (y * width + half) * 3, half * 3);
    }
    *truth = left;
    *in = both;
    *w = half;
    *h = height;
    left = both = NULL;
done:
    pln_free(left);
    pln_free(both);
    pln_image_free(image);
    pln_free(path);
    return s;
}

pln_status pln_dataset_write_pair(pln_context *ctx, const pln_dataset *d, const char *folder,
                                  pln_split split, size_t i, char sha256[65])
{
    struct pln_pair pair = {0};
    uint8_t *truth = NULL, *in = NULL, *both = NULL;
    char *path = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_dataset_pair(ctx, d, split, i, 0, &pair));
    PLN_TRY(pln_bytes_of(ctx, pair.truth, 3, &truth));
    PLN_TRY(pln_bytes_of(ctx, pair.in, 3, &in));
    size_t w = pair.in->pixels.w, h = pair.in->pixels.h;
    PLN_TRY(pln_alloc(ctx, w * h, 6, &both));
    for (size_t y = 0; y < h; y++) {
        memcpy(both + 6 * y * w, truth + 3 * y * w, 3 * w);
        memcpy(both + 6 * y * w + 3 * w, in + 3 * y * w, 3 * w);
    }
    PLN_TRY(pln_text_of(ctx, &path, "%s/%s", folder, pln_split_name(split)));
    PLN_TRY(pln_make_folder(ctx, path));
    pln_free(path);
    path = NULL;
    PLN_TRY(pln_text_of(ctx, &path, "%s/%s/%zu.png", folder, pln_split_name(split), i));
    PLN_TRY(pln_bytes_save(ctx, both, 2 * w, h, 3, path));
    pln_sha256(in, 3 * w * h, sha256);
done:
    pln_free(path);
    pln_free(both);
    pln_free(in);
    pln_free(truth);
    pln_pair_free(&pair);
    return s;
}
