/* SPDX-License-Identifier: MIT */
/* The picture struct. */
#include <string.h>

#include "image/image.h"

pln_status pln_image_make(pln_context *ctx, size_t w, size_t h, size_t c, bool alpha,
                          const pln_image *like, pln_image **result)
{
    pln_image *image = NULL;
    size_t pixels, samples;
    pln_status s = PLN_OK;

    if (w == 0 || h == 0)
        return pln_fail(ctx, PLN_E_SHAPE, "a picture of %zux%zu has no pixels", w, h);
    if (!pln_mul(w, h, &pixels) || !pln_mul(pixels, c + alpha, &samples) ||
        samples > (size_t)1 << 31)
        return pln_fail(ctx, PLN_E_LIMIT, "%zux%zux%zu is over 2^31 samples", w, h, c + alpha);
    PLN_TRY(pln_reserve(ctx, samples * sizeof(float), "the picture"));
    PLN_TRY(pln_calloc(ctx, 1, sizeof *image, &image));
    image->pages = like ? like->pages : 1;
    image->depth = like ? like->depth : 32;
    image->info = like ? pln_file_info_ref(like->info) : NULL;
    image->pixels = (pln_view){.w = w, .h = h, .c = c, .stride = (ptrdiff_t)(w * c)};
    PLN_TRY(pln_alloc(ctx, pixels, c * sizeof(float), &image->pixels.data));
    if (alpha) {
        image->alpha = (pln_view){.w = w, .h = h, .c = 1, .stride = (ptrdiff_t)w};
        PLN_TRY(pln_alloc(ctx, pixels, sizeof(float), &image->alpha.data));
    }
    *result = image;
    image = NULL;
done:
    pln_image_free(image);
    return s;
}

pln_status pln_image_new_f32(pln_context *ctx, size_t w, size_t h, size_t c, pln_image **result)
{
    pln_image *image = NULL;
    pln_clear(ctx);
    if (!result || c < 1 || c > 4)
        return pln_fail(ctx, PLN_E_ARG, "pln_image_new_f32: %zu channels: expected 1, 2, 3 or 4",
                        c);
    pln_status s = pln_image_make(ctx, w, h, c < 3 ? 1 : 3, c == 2 || c == 4, NULL, &image);
    if (s) return s;
    memset(image->pixels.data, 0, w * h * image->pixels.c * sizeof(float));
    if (image->alpha.data) memset(image->alpha.data, 0, w * h * sizeof(float));
    *result = image;
    return PLN_OK;
}

pln_status pln_image_view_f32(pln_context *ctx, const float *pixels, size_t w, size_t h, size_t c,
                              ptrdiff_t stride, pln_image **result)
{
    pln_image *image = NULL;
    pln_status s = PLN_OK;
    size_t samples;

    pln_clear(ctx);
    if (!result || !pixels || (c != 1 && c != 3))
        return pln_fail(ctx, PLN_E_ARG, "pln_image_view_f32: pixels of 1 or 3 channels are needed");
    if (w == 0 || h == 0)
        return pln_fail(ctx, PLN_E_SHAPE, "a picture of %zux%zu has no pixels", w, h);
    if (!pln_mul(w, h, &samples) || !pln_mul(samples, c, &samples) || samples > (size_t)1 << 31)
        return pln_fail(ctx, PLN_E_LIMIT, "%zux%zux%zu is over 2^31 samples", w, h, c);
    if (stride && stride < (ptrdiff_t)(w * c))
        return pln_fail(ctx, PLN_E_SHAPE, "a stride of %td floats cannot hold rows of %zu x %zu",
                        stride, w, c);
    PLN_TRY(pln_calloc(ctx, 1, sizeof *image, &image));
    image->pages = 1;
    image->depth = 32;
    image->borrowed = true;
    image->pixels = (pln_view){.data = (float *)pixels,
                               .w = w,
                               .h = h,
                               .c = c,
                               .stride = stride ? stride : (ptrdiff_t)(w * c)};
    *result = image;
done:
    return s;
}

void pln_image_free(pln_image *image)
{
    if (!image) return;
    if (!image->borrowed) pln_free(image->pixels.data);
    pln_free(image->alpha.data);
    pln_file_info_unref(image->info);
    pln_free(image);
}

size_t pln_image_width(const pln_image *image) { return image->pixels.w; }
size_t pln_image_height(const pln_image *image) { return image->pixels.h / image->pages; }
size_t pln_image_pages(const pln_image *image) { return image->pages; }
size_t pln_image_channels(const pln_image *image) { return image->pixels.c; }
bool pln_image_has_alpha(const pln_image *image) { return image->alpha.data != NULL; }
int pln_image_depth(const pln_image *image) { return image->depth; }
pln_view pln_image_pixels(const pln_image *image) { return image->pixels; }
pln_view pln_image_alpha(const pln_image *image) { return image->alpha; }

pln_view pln_page(pln_view v, size_t pages, size_t page)
{
    v.h /= pages;
    v.data += (ptrdiff_t)(page * v.h) * v.stride;
    return v;
}
