/* SPDX-License-Identifier: MIT */
/* A line of text as pixels, for the labels of sheets (Pango through libvips). */
#include <string.h>
#include <vips/vips.h>

#include "image/image.h"
#include "image/vips_room.h"

pln_status pln_text(pln_context *ctx, const char *text, double px, pln_view *coverage)
{
    VipsImage *mask = NULL;
    char *markup = NULL, font[64], size[32];
    pln_view v = {.c = 1};
    pln_status s = PLN_OK;

    PLN_TRY(pln_vips_start(ctx));
    markup = g_markup_escape_text(text, -1);
    pln_format_real(px, size);
    g_snprintf(font, sizeof font, "DejaVu Sans %s", size);
    /* 72 dots an inch: a point is a pixel. */
    if (vips_text(&mask, markup, "font", font, "dpi", 72, NULL)) {
        s = pln_fail(ctx, PLN_E_UNSUPPORTED, "text cannot be drawn: %s", vips_error_buffer());
        vips_error_clear();
        goto done;
    }
    v.w = (size_t)mask->Xsize;
    v.h = (size_t)mask->Ysize;
    v.stride = (ptrdiff_t)v.w;
    PLN_TRY(pln_alloc(ctx, v.w * v.h, sizeof *v.data, &v.data));
    size_t n;
    uint8_t *bytes = vips_image_write_to_memory(mask, &n);
    if (!bytes || n < v.w * v.h) {
        s = pln_fail(ctx, PLN_E_MEMORY, "text cannot be drawn: %s", vips_error_buffer());
        vips_error_clear();
        g_free(bytes);
        goto done;
    }
    for (size_t i = 0; i < v.w * v.h; i++) v.data[i] = (float)bytes[i] / 255;
    g_free(bytes);
    *coverage = v;
    v.data = NULL;
done:
    pln_free(v.data);
    g_free(markup);
    if (mask) g_object_unref(mask);
    return s;
}
