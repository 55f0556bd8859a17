/* SPDX-License-Identifier: MIT */
/* Files and folders of datasets: lists of names, 8-bit pictures, sha256. */
#ifndef PLN_DATA_FOLDER_H
#define PLN_DATA_FOLDER_H

#include <jansson.h>

#include "core/core.h"

/* Texts in the order they were added, or sorted bytewise. */
struct pln_names {
    char **list;
    size_t count, room;
};
pln_status pln_names_add(pln_context *ctx, struct pln_names *names, const char *text) PLN_CHECK;
void pln_names_sort(struct pln_names *names);
bool pln_names_have(const struct pln_names *names, const char *text);
void pln_names_free(struct pln_names *names);

bool pln_is_folder(const char *path);
bool pln_is_file(const char *path);
/* Pictures by their extension in FOLDER and (deep) below it, as paths from FOLDER, sorted. */
pln_status pln_list_pictures(pln_context *ctx, const char *folder, bool deep,
                             struct pln_names *names) PLN_CHECK;
/* FOLDER and its parents; PLN_E_WRITE. */
pln_status pln_make_folder(pln_context *ctx, const char *folder) PLN_CHECK;
/* printf into memory that goes to pln_free. */
pln_status pln_text_of(pln_context *ctx, char **text, const char *format, ...)
    PLN_PRINTF(3, 4) PLN_CHECK;

/* 64 hex digits and a zero. */
void pln_sha256(const void *bytes, size_t length, char hex[65]);
pln_status pln_file_sha256(pln_context *ctx, const char *path, char hex[65]) PLN_CHECK;
/* Whole documents, written as pln_file_write does. `document` is not released. */
pln_status pln_json_write(pln_context *ctx, const char *path, const json_t *document) PLN_CHECK;
/* PLN_E_MODEL with the line where it is damaged. */
pln_status pln_json_read(pln_context *ctx, const char *path, json_t **document) PLN_CHECK;

/* ---- 8-bit pictures ---- */

/* Interleaved bytes of c channels (1: grey or the first of equal ones, 3), rounded; to be freed by
 * pln_free. */
pln_status pln_bytes_of(pln_context *ctx, const pln_image *image, size_t c,
                        uint8_t **bytes) PLN_CHECK;
/* A float picture of bytes / unit. */
pln_status pln_image_of(pln_context *ctx, const uint8_t *bytes, size_t w, size_t h, size_t c,
                        double unit, pln_image **image) PLN_CHECK;
pln_status pln_bytes_save(pln_context *ctx, const uint8_t *bytes, size_t w, size_t h, size_t c,
                          const char *path) PLN_CHECK;

#endif
