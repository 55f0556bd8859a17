/* SPDX-License-Identifier: MIT */
/* image: the picture struct, files, colour spaces. Everything about formats, depth, profiles,
 * orientation and alpha stays in this room. */
#ifndef PLN_IMAGE_IMAGE_H
#define PLN_IMAGE_IMAGE_H

#include "core/core.h"

/* What the file said and the saver needs again: depth, profile, EXIF, XMP, resolution ... Shared,
 * counted. */
typedef struct pln_file_info pln_file_info;
pln_file_info *pln_file_info_ref(pln_file_info *info);
void pln_file_info_unref(pln_file_info *info);

struct pln_image {
    pln_view pixels;     /* c = 1 or 3; rows of all pages */
    pln_view alpha;      /* c = 1, or data == NULL */
    size_t pages;        /* pixels.h is a multiple of it */
    int depth;           /* bits a sample in the file; 32: float */
    bool borrowed;       /* pixels belong to the caller */
    pln_file_info *info; /* NULL for pictures that come from no file */
};

/* Uninitialised pixels of w x h (h = rows of all pages) x c (1 or 3), alpha if asked. PLN_E_LIMIT
 * over 2^31 samples or the memory limit. Takes depth, pages and a reference of the file information
 * from `like` (NULL: 32, 1, none). */
pln_status pln_image_make(pln_context *ctx, size_t w, size_t h, size_t c, bool alpha,
                          const pln_image *like, pln_image **image) PLN_CHECK;
/* Rows of page `page` (from 0) of a view that holds `pages` stacked pages. */
pln_view pln_page(pln_view v, size_t pages, size_t page);

/* ---- Colour (colour.c). Exact formulas: operators/README of the specification, quoted in colour.c
 * ---- */

/* Y = 0.2989360212937754 R + 0.5870430744511212 G + 0.1140209042551033 B, n pixels of 3. */
void pln_luma(float *dst, const float *rgb, size_t n);
/* CIELAB with the Rec. 709 curve and D65 white (0.950456, 1, 1.088754): L in 0..100. In place is
 * fine. */
void pln_rgb_to_lab(float *lab, const float *rgb, size_t n);
/* And back: desaturated into the gamut, clipped to [0,1]. */
void pln_lab_to_rgb(float *rgb, const float *lab, size_t n);
/* The matrices within both, by rows: linear RGB to XYZ over white, and back; NULL is fine. */
void pln_lab_matrices(float xyz[9], float rgb[9]);
/* sRGB curve, odd-symmetric, values above 1 continued: encoded <-> linear light. n samples, in
 * place is fine. */
void pln_srgb_to_linear(float *dst, const float *src, size_t n);
void pln_linear_to_srgb(float *dst, const float *src, size_t n);

/* ---- .npy (npy.c): H x W or H x W x C (1..4), uint8, uint16, float32, float64, C order, either
 * byte order ---- */

/* Integers are scaled by their maximum. `name` appears in messages. */
pln_status pln_npy_read(pln_context *ctx, const void *bytes, size_t length, const char *name,
                        pln_nan nan, pln_image **image) PLN_CHECK;
/* depth 8, 16 or 32 (float32). The whole file in memory, *bytes to be freed by pln_free. One
 * channel is written as H x W. */
pln_status pln_npy_write(pln_context *ctx, const pln_image *image, int depth, void **bytes,
                         size_t *length) PLN_CHECK;

/* ---- Files ---- */

/* The bytes that pln_image_save would write in o->format. *bytes to be freed by pln_free. */
pln_status pln_image_encode(pln_context *ctx, const pln_image *image, const pln_save_options *o,
                            void **bytes, size_t *length) PLN_CHECK;
/* NaN and Inf: PLN_E_FORMAT naming the first pixel, or replaced by 0. */
pln_status pln_image_check_finite(pln_context *ctx, const pln_image *image, const char *name,
                                  pln_nan policy) PLN_CHECK;

/* ---- For sheets ---- */

/* A copy of the colours, shrunk so that the longer side has at most `longest` pixels (0: as it is).
 */
pln_status pln_image_shrink(pln_context *ctx, const pln_image *image, size_t longest,
                            pln_image **small) PLN_CHECK;
/* One line of text, `px` high, as coverage in [0,1]; coverage->data to be freed by pln_free. */
pln_status pln_text(pln_context *ctx, const char *text, double px, pln_view *coverage) PLN_CHECK;

/* Canonical format name for an extension ("jpg" -> "jpeg") or NULL; and whether this build can
 * write it. */
const char *pln_format_of(const char *path);
bool pln_format_writable(const char *format);
/* Line i of the formats, "PNG read write"; false past the end. For --version. */
bool pln_format_line(size_t i, char line[64]);

#endif
