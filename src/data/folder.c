/* SPDX-License-Identifier: MIT */
#include "data/folder.h"

#include <dirent.h>
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"

enum { LARGEST_FILE = 1 << 30 };

/* ---- Names ---- */

pln_status pln_names_add(pln_context *ctx, struct pln_names *names, const char *text)
{
    char *copy = NULL;
    pln_status s = PLN_OK;

    if (names->count == names->room) {
        char **grown = NULL;
        size_t room = 2 * names->room + 16;
        PLN_TRY(pln_alloc(ctx, room, sizeof *grown, &grown));
        if (names->count) memcpy(grown, names->list, names->count * sizeof *grown);
        pln_free(names->list);
        names->list = grown;
        names->room = room;
    }
    PLN_TRY(pln_strdup(ctx, text, &copy));
    names->list[names->count++] = copy;
done:
    return s;
}

static int bytewise(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pln_names_sort(struct pln_names *names)
{
    if (names->count) qsort(names->list, names->count, sizeof *names->list, bytewise);
}

bool pln_names_have(const struct pln_names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->list[i], text)) return true;
    return false;
}

void pln_names_free(struct pln_names *names)
{
    for (size_t i = 0; i < names->count; i++) pln_free(names->list[i]);
    pln_free(names->list);
    *names = (struct pln_names){0};
}

/* ---- Folders ---- */

bool pln_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool pln_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

pln_status pln_text_of(pln_context *ctx, char **text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    pln_status s = pln_alloc(ctx, (size_t)n + 1, 1, text);
    if (s == PLN_OK) vsnprintf(*text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return s;
}

static pln_status list_below(pln_context *ctx, const char *folder, const char *below, bool deep,
                             struct pln_names *names)
{
    char *path = NULL, *name = NULL, *full = NULL;
    DIR *dir = NULL;
    struct dirent *entry;
    pln_status s = PLN_OK;

    PLN_TRY(pln_text_of(ctx, &path, "%s/%s", folder, below));
    dir = opendir(path);
    if (!dir) {
        s = pln_fail(ctx, PLN_E_READ, "%s: %s", folder,
                     errno == ENOENT ? "no such folder" : strerror(errno));
        goto done;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        pln_free(name);
        pln_free(full);
        name = full = NULL;
        PLN_TRY(pln_text_of(ctx, &name, "%s%s%s", below, *below ? "/" : "", entry->d_name));
        PLN_TRY(pln_text_of(ctx, &full, "%s/%s", folder, name));
        if (pln_is_folder(full)) {
            if (deep) PLN_TRY(list_below(ctx, folder, name, deep, names));
        } else if (pln_format_of(entry->d_name)) {
            PLN_TRY(pln_names_add(ctx, names, name));
        }
    }
done:
    if (dir) closedir(dir);
    pln_free(full);
    pln_free(name);
    pln_free(path);
    return s;
}

pln_status pln_list_pictures(pln_context *ctx, const char *folder, bool deep,
                             struct pln_names *names)
{
    pln_status s = list_below(ctx, folder, "", deep, names);
    pln_names_sort(names);
    return s;
}

pln_status pln_make_folder(pln_context *ctx, const char *folder)
{
    if (g_mkdir_with_parents(folder, 0777) == 0) return PLN_OK;
    return pln_fail(ctx, PLN_E_WRITE, "%s: cannot be made: %s", folder, strerror(errno));
}

/* ---- Whole files ---- */

void pln_sha256(const void *bytes, size_t length, char hex[65])
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (const guchar *p = bytes; length;) {
        size_t n = pln_min(length, 1 << 30);
        g_checksum_update(sum, p, (gssize)n);
        p += n;
        length -= n;
    }
    memcpy(hex, g_checksum_get_string(sum), 65);
    g_checksum_free(sum);
}

pln_status pln_file_sha256(pln_context *ctx, const char *path, char hex[65])
{
    void *bytes = NULL;
    size_t length;
    pln_status s = pln_file_read(ctx, path, LARGEST_FILE, &bytes, &length);
    if (s == PLN_OK) pln_sha256(bytes, length, hex);
    pln_free(bytes);
    return s;
}

pln_status pln_json_write(pln_context *ctx, const char *path, const json_t *document)
{
    char *text = document ? json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    if (!text) return pln_fail(ctx, PLN_E_MEMORY, "%s: no memory for the document", path);
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the zero: the length is given */
    pln_status s = pln_file_write(ctx, path, text, n + 1);
    free(text);
    return s;
}

pln_status pln_json_read(pln_context *ctx, const char *path, json_t **document)
{
    void *bytes = NULL;
    size_t length;
    json_error_t error;
    pln_status s = PLN_OK;

    PLN_TRY(pln_file_read(ctx, path, LARGEST_FILE, &bytes, &length));
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (root)
        *document = root;
    else
        s = pln_fail(ctx, PLN_E_MODEL, "%s: line %d: %s", path, error.line, error.text);
done:
    pln_free(bytes);
    return s;
}

/* ---- 8-bit pictures ---- */

pln_status pln_bytes_of(pln_context *ctx, const pln_image *image, size_t c, uint8_t **bytes)
{
    const pln_view *v = &image->pixels;
    uint8_t *to = NULL;
    pln_status s = pln_alloc(ctx, v->w * v->h, c, &to);
    if (s) return s;
    for (size_t y = 0; y < v->h; y++) {
        const float *p = pln_row(v, y);
        for (size_t x = 0; x < v->w; x++)
            for (size_t k = 0; k < c; k++) {
                float u = p[x * v->c + pln_min(k, v->c - 1)];
                to[(y * v->w + x) * c + k] = (uint8_t)lrintf(255 * (u < 0 ? 0 : u > 1 ? 1 : u));
            }
    }
    *bytes = to;
    return PLN_OK;
}

pln_status pln_image_of(pln_context *ctx, const uint8_t *bytes, size_t w, size_t h, size_t c,
                        double unit, pln_image **image)
{
    pln_image *made = NULL;
    pln_status s = pln_image_make(ctx, w, h, c, false, NULL, &made);
    if (s) return s;
    made->depth = 8;
    for (size_t y = 0; y < h; y++) {
        float *p = pln_row(&made->pixels, y);
        for (size_t i = 0; i < w * c; i++) p[i] = (float)(bytes[y * w * c + i] / unit);
    }
    *image = made;
    return PLN_OK;
}

pln_status pln_bytes_save(pln_context *ctx, const uint8_t *bytes, size_t w, size_t h, size_t c,
                          const char *path)
{
    pln_image *image = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_image_of(ctx, bytes, w, h, c, 255, &image));
    PLN_TRY(pln_image_save(ctx, image, path, NULL));
done:
    pln_image_free(image);
    return s;
}
