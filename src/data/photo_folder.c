/* SPDX-License-Identifier: MIT */
#include "data/photo_folder.h"

#include <string.h>

#include "data/folder.h"
#include "data/make.h"
#include "image/image.h"

enum { VALIDATION = 10 }; /* every tenth */

static pln_status sub_folder(pln_context *ctx, const char *folder, const char *sub, bool *there)
{
    char *path = NULL;
    pln_status s = pln_text_of(ctx, &path, "%s/%s", folder, sub);
    *there = !s && pln_is_folder(path);
    pln_free(path);
    return s;
}

bool pln_is_photo_folder(pln_context *ctx, const char *folder)
{
    bool there = false;
    return !sub_folder(ctx, folder, "photo", &there) && there;
}

/* FOLDER/class/NAME.png of "photo/NAME.EXT". */
static pln_status class_path(pln_context *ctx, const char *folder, const char *file, char **path)
{
    const char *name = strrchr(file, '/') + 1, *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : strlen(name);
    return pln_text_of(ctx, path, "%s/class/%.*s.png", folder, (int)n, name);
}

/* "photo/NAME.EXT" of every photograph that counts, sorted. */
static pln_status list_photos(pln_context *ctx, const char *folder, bool classes,
                              struct pln_names *all)
{
    struct pln_names names = {0};
    char *path = NULL, *file = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &path, "%s/photo", folder));
    PLN_TRY(pln_list_pictures(ctx, path, false, &names));
    for (size_t i = 0; i < names.count; i++) {
        pln_free(path);
        pln_free(file);
        path = file = NULL;
        PLN_TRY(pln_text_of(ctx, &file, "photo/%s", names.list[i]));
        PLN_TRY(class_path(ctx, folder, file, &path));
        if (!classes || pln_is_file(path)) PLN_TRY(pln_names_add(ctx, all, file));
    }
done:
    pln_free(file);
    pln_free(path);
    pln_names_free(&names);
    return s;
}

pln_status pln_photo_folder_open(pln_context *ctx, const char *folder,
                                 struct pln_side_by_side *list, char hash[65])
{
    struct pln_side_by_side p = {.photos = true};
    struct pln_names all = {0};
    pln_status s = PLN_OK;

    PLN_TRY(pln_strdup(ctx, folder, &p.folder));
    PLN_TRY(sub_folder(ctx, folder, "class", &p.classes));
    PLN_TRY(list_photos(ctx, folder, p.classes, &all));
    if (all.count < 2) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s: %zu photographs in photo/%s: expected two at least",
                     folder, all.count, p.classes ? " with a map of their name in class/" : "");
        goto done;
    }
    PLN_TRY(pln_alloc(ctx, all.count, sizeof *p.files, &p.files));
    for (int split = PLN_SPLIT_TRAIN; split <= PLN_SPLIT_VAL; split++)
        for (size_t i = 0; i < all.count; i++)
            if ((i % VALIDATION == 0) == (split == PLN_SPLIT_VAL)) {
                p.files[p.count++] = all.list[i];
                p.counts[split]++;
            }
    pln_free(all.list);
    all = (struct pln_names){0};
    PLN_TRY(pln_side_by_side_hash(ctx, &p, hash));
    *list = p;
    p = (struct pln_side_by_side){0};
done:
    pln_names_free(&all);
    pln_side_by_side_close(&p);
    return s;
}

pln_status pln_photo_folder_read(pln_context *ctx, const struct pln_side_by_side *p, size_t i,
                                 uint8_t **rgb, uint8_t **classes, size_t *w, size_t *h)
{
    char *path = NULL;
    pln_image *image = NULL;
    uint8_t *bytes = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &path, "%s/%s", p->folder, p->files[i]));
    PLN_TRY(pln_image_load(ctx, path, &image));
    *w = image->pixels.w;
    *h = image->pixels.h;
    PLN_TRY(pln_bytes_of(ctx, image, 3, &bytes));
    if (classes) {
        pln_free(path);
        path = NULL;
        PLN_TRY(class_path(ctx, p->folder, p->files[i], &path));
        PLN_TRY(pln_make_label(ctx, path, true, *w, *h, classes));
    }
    *rgb = bytes;
    bytes = NULL;
done:
    pln_free(bytes);
    pln_image_free(image);
    pln_free(path);
    return s;
}
