/* SPDX-License-Identifier: MIT */
/* libvips for the files of this room. */
#ifndef PLN_IMAGE_VIPS_ROOM_H
#define PLN_IMAGE_VIPS_ROOM_H

#include <vips/vips.h>

#include "image/image.h"

/* Starts libvips once for the process. PLN_E_UNSUPPORTED if it cannot. */
pln_status pln_vips_start(pln_context *ctx) PLN_CHECK;
/* libvips' error text on one line, emptied there. Valid until the next call with this buffer. */
const char *pln_vips_error(char text[512]);

/* ---- Formats (formats.c) ---- */

struct pln_format {
    const char *name, *title, *suffix, *extensions; /* extensions: separated by spaces */
    const char *options;                            /* of libvips' saver */
    int depths;                                     /* 8 | 16 | 32: bits a sample it can hold */
    int quality;                                    /* default of --quality; 0: lossless */
    bool alpha;
};
/* By its canonical name; NULL if there is none. */
const struct pln_format *pln_find_format(const char *name);

/* ---- File information (file_info.c) ---- */

struct pln_file_info {
    atomic_int references;
    VipsImage *head; /* one pixel with the file's metadata */
    /* What the file is when it is not grey or RGB: CMYK (its profile in head), LAB; else sRGB. */
    VipsInterpretation space;
    char format[16];
};

/* Metadata of one picture to another: all fields but those of size and format. */
void pln_copy_fields(VipsImage *from, VipsImage *to);
/* image->info from what the loader found. */
pln_status pln_make_info(pln_context *ctx, VipsImage *from, const char *format,
                         VipsInterpretation space, pln_image *image) PLN_CHECK;

#endif
