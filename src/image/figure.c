/* SPDX-License-Identifier: MIT */
/* For sheets: a line of text as pixels (Pango through libvips), and pictures made smaller. */
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

pln_status pln_image_shrink(pln_context *ctx, const pln_image *image, size_t longest,
                            pln_image **result)
{
    size_t w = image->pixels.w, h = image->pixels.h, c = image->pixels.c, side = pln_max(w, h);
    double scale = longest && side > longest ? (double)longest / (double)side : 1;
    VipsImage *in = NULL, *out = NULL;
    pln_image *small = NULL;
    float *pixels = NULL;
    char text[512];
    size_t n;
    pln_status s = PLN_OK;

    PLN_TRY(pln_vips_start(ctx));
    PLN_TRY(pln_alloc(ctx, w * h, c * sizeof *pixels, &pixels));
    for (size_t y = 0; y < h; y++)
        memcpy(pixels + y * w * c, pln_row(&image->pixels, y), w * c * sizeof *pixels);
    in = vips_image_new_from_memory(pixels, w * h * c * sizeof *pixels, (int)w, (int)h, (int)c,
                                    VIPS_FORMAT_FLOAT);
    if (!in || vips_resize(in, &out, scale, NULL)) {
        s = pln_fail(ctx, PLN_E_MEMORY, "shrinking: %s", pln_vips_error(text));
        goto done;
    }
    PLN_TRY(pln_image_make(ctx, (size_t)out->Xsize, (size_t)out->Ysize, c, false, NULL, &small));
    small->depth = image->depth;
    float *data = vips_image_write_to_memory(out, &n);
    if (!data) {
        s = pln_fail(ctx, PLN_E_MEMORY, "shrinking: %s", pln_vips_error(text));
        goto done;
    }
    memcpy(small->pixels.data, data, n);
    g_free(data);
    *result = small;
    small = NULL;
done:
    pln_image_free(small);
    if (out) g_object_unref(out);
    if (in) g_object_unref(in);
    pln_free(pixels);
    return s;
}
