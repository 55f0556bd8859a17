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

#endif
