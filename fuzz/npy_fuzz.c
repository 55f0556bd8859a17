/* SPDX-License-Identifier: MIT */
/* Fuzz target: the .npy reader takes any bytes, gives a picture or an error, and what it gives can
 * be written and read back. */
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pln_context_options o = {.size = sizeof o, .threads = 1, .memory = (uint64_t)1 << 28};
    pln_context *ctx = NULL;
    pln_image *image = NULL, *again = NULL;
    void *bytes = NULL;
    size_t length = 0;

    if (pln_context_new_with(&o, &ctx)) abort();
    if (pln_npy_read(ctx, data, size, "fuzz.npy", size % 2 ? PLN_NAN_ZERO : PLN_NAN_ERROR,
                     &image)) {
        /* An error says something and leaves nothing. */
        if (!*pln_context_message(ctx) || image) abort();
    } else {
        if (pln_npy_write(ctx, image, 32, &bytes, &length)) abort();
        if (pln_npy_read(ctx, bytes, length, "again.npy", PLN_NAN_ERROR, &again)) abort();
        pln_view a = pln_image_pixels(image), b = pln_image_pixels(again);
        if (a.w != b.w || a.h != b.h || a.c != b.c) abort();
        for (size_t y = 0; y < a.h; y++)
            if (memcmp(pln_row(&a, y), pln_row(&b, y), a.w * a.c * sizeof(float))) abort();
    }
    pln_free(bytes);
    pln_image_free(again);
    pln_image_free(image);
    if (pln_context_bytes(ctx)) abort();
    pln_context_free(ctx);
    return 0;
}
