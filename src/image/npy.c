/* SPDX-License-Identifier: MIT */
/* .npy, the lossless exchange format: NumPy enhancement proposal 1 (format versions 1.0 to 3.0). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/image.h"

/* ---- Header: a Python dictionary with the keys descr, fortran_order, shape ---- */

struct header {
    char order, kind; /* '<' or '>' or '|'; 'u' or 'f' */
    int size;         /* bytes an element */
    bool fortran;
    size_t shape[4];
    int dims;
};

struct cursor {
    const char *at, *end;
};

static void skip(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == ','))
        c->at++;
}

static bool take(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n)) return false;
    c->at += n;
    return true;
}

/* 'text' or "text" of at most size - 1 bytes. */
static bool take_string(struct cursor *c, char *text, size_t size)
{
    size_t n = 0;
    skip(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
    char quote = *c->at++;
    while (c->at < c->end && *c->at != quote && n + 1 < size) text[n++] = *c->at++;
    text[n] = 0;
    if (c->at == c->end || *c->at != quote) return false;
    c->at++;
    return true;
}

static bool take_shape(struct cursor *c, struct header *h)
{
    if (!take(c, "(")) return false;
    for (;;) {
        if (take(c, ")")) return true;
        skip(c);
        if (c->at == c->end || *c->at < '0' || *c->at > '9' || h->dims == 4) return false;
        size_t v = 0;
        while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
            if (!pln_mul(v, 10, &v) || __builtin_add_overflow(v, (size_t)(*c->at - '0'), &v))
                return false;
            c->at++;
        }
        take(c, "L");
        h->shape[h->dims++] = v;
    }
}

static bool parse_header(struct cursor c, struct header *h, char descr[16])
{
    char key[16];
    bool have_descr = false, have_order = false, have_shape = false;

    if (!take(&c, "{")) return false;
    while (!take(&c, "}")) {
        if (!take_string(&c, key, sizeof key) || !take(&c, ":")) return false;
        if (!strcmp(key, "descr")) {
            if (!take_string(&c, descr, 16)) return false;
            have_descr = true;
        } else if (!strcmp(key, "fortran_order")) {
            h->fortran = take(&c, "True");
            if (!h->fortran && !take(&c, "False")) return false;
            have_order = true;
        } else if (!strcmp(key, "shape")) {
            if (have_shape || !take_shape(&c, h)) return false;
            have_shape = true;
        } else {
            return false;
        }
    }
    return have_descr && have_order && have_shape;
}

static pln_status read_header(pln_context *ctx, const uint8_t *bytes, size_t length,
                              const char *name, struct header *h, size_t *offset)
{
    static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    char descr[16] = "";
    size_t size, start;

    if (length < 10 || memcmp(bytes, magic, 6))
        return pln_fail(ctx, PLN_E_FORMAT, "%s: not a .npy file", name);
    if (bytes[6] < 1 || bytes[6] > 3)
        return pln_fail(ctx, PLN_E_FORMAT, "%s: .npy version %d.%d: expected 1 to 3", name,
                        bytes[6], bytes[7]);
    if (bytes[6] == 1) {
        size = (size_t)(bytes[8] | bytes[9] << 8);
        start = 10;
    } else {
        if (length < 12)
            return pln_fail(ctx, PLN_E_FORMAT, "%s: the .npy header is cut short", name);
        size = (size_t)bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16 |
               (size_t)bytes[11] << 24;
        start = 12;
    }
    if (size > length - start)
        return pln_fail(ctx, PLN_E_FORMAT, "%s: the .npy header is cut short", name);
    struct cursor c = {(const char *)bytes + start, (const char *)bytes + start + size};
    if (!parse_header(c, h, descr))
        return pln_fail(ctx, PLN_E_FORMAT, "%s: the .npy header makes no sense", name);
    if (strlen(descr) != 3 || !strchr("<>|=", descr[0]) ||
        (strcmp(descr + 1, "u1") && strcmp(descr + 1, "u2") && strcmp(descr + 1, "f4") &&
         strcmp(descr + 1, "f8")))
        return pln_fail(ctx, PLN_E_FORMAT,
                        "%s: .npy of type '%s': expected uint8, uint16, float32 or float64", name,
                        descr);
    h->order = descr[0];
    h->kind = descr[1];
    h->size = descr[2] - '0';
    if (h->fortran && h->dims > 1)
        return pln_fail(ctx, PLN_E_FORMAT,
                        "%s: .npy in Fortran order: save numpy.ascontiguousarray(a)", name);
    if (h->dims < 2 || h->dims > 3 || (h->dims == 3 && (h->shape[2] < 1 || h->shape[2] > 4)))
        return pln_fail(ctx, PLN_E_FORMAT,
                        "%s: .npy with %d dimensions: expected H x W or H x W x C, C 1 to 4", name,
                        h->dims);
    *offset = start + size;
    return PLN_OK;
}

/* ---- Elements ---- */

static bool swapped(const struct header *h)
{
    const uint16_t one = 1;
    bool little = *(const uint8_t *)&one;
    return h->size > 1 && ((h->order == '<' && !little) || (h->order == '>' && little));
}

static float element(const uint8_t *p, const struct header *h, bool swap)
{
    uint8_t b[8];
    for (int i = 0; i < h->size; i++) b[i] = p[swap ? h->size - 1 - i : i];
    if (h->kind == 'u' && h->size == 1) return (float)b[0] / 255;
    if (h->kind == 'u') {
        uint16_t v;
        memcpy(&v, b, 2);
        return (float)v / 65535;
    }
    if (h->size == 4) {
        float v;
        memcpy(&v, b, 4);
        return v;
    }
    double v;
    memcpy(&v, b, 8);
    return (float)v;
}

pln_status pln_npy_read(pln_context *ctx, const void *data, size_t length, const char *name,
                        pln_nan nan, pln_image **result)
{
    const uint8_t *bytes = data;
    struct header h = {0};
    pln_image *image = NULL;
    size_t offset = 0, samples;
    pln_status s = PLN_OK;

    PLN_TRY(read_header(ctx, bytes, length, name, &h, &offset));
    size_t rows = h.shape[0], w = h.shape[1], c = h.dims == 3 ? h.shape[2] : 1;
    if (rows == 0 || w == 0) {
        s = pln_fail(ctx, PLN_E_FORMAT, "%s: a picture of %zux%zu has no pixels", name, w, rows);
        goto done;
    }
    if (!pln_mul(rows, w, &samples) || !pln_mul(samples, c, &samples) ||
        samples > (size_t)1 << 31) {
        s = pln_fail(ctx, PLN_E_LIMIT, "%s: %zux%zux%zu is over 2^31 samples", name, w, rows, c);
        goto done;
    }
    if ((length - offset) / (size_t)h.size < samples) {
        s = pln_fail(ctx, PLN_E_FORMAT, "%s: truncated .npy: %zu of %zu values are there", name,
                     (length - offset) / (size_t)h.size, samples);
        goto done;
    }
    bool alpha = c == 2 || c == 4, swap = swapped(&h);
    PLN_TRY(pln_image_make(ctx, w, rows, c < 3 ? 1 : 3, alpha, NULL, &image));
    image->depth = h.kind == 'f' ? 32 : 8 * h.size;
    size_t colours = image->pixels.c;
    for (size_t y = 0; y < rows; y++) {
        const uint8_t *p = bytes + offset + y * w * c * (size_t)h.size;
        float *to = pln_row(&image->pixels, y), *a = alpha ? pln_row(&image->alpha, y) : NULL;
        if (!alpha && h.kind == 'f' && h.size == 4 && !swap) {
            memcpy(to, p, w * c * sizeof(float));
        } else {
            for (size_t x = 0; x < w; x++)
                for (size_t k = 0; k < c; k++, p += h.size) {
                    float v = element(p, &h, swap);
                    if (k < colours)
                        to[x * colours + k] = v;
                    else
                        a[x] = v;
                }
        }
    }
    PLN_TRY(pln_image_check_finite(ctx, image, name, nan));
    *result = image;
    image = NULL;
done:
    pln_image_free(image);
    return s;
}

/* ---- Writing ---- */

pln_status pln_npy_write(pln_context *ctx, const pln_image *image, int depth, void **result,
                         size_t *length)
{
    const uint16_t one = 1;
    bool alpha = image->alpha.data != NULL, little = *(const uint8_t *)&one;
    size_t w = image->pixels.w, h = image->pixels.h, colours = image->pixels.c, c = colours + alpha,
           bytes;
    size_t size = (size_t)depth / 8;
    char header[192], shape[64];
    uint8_t *out = NULL;
    pln_status s = PLN_OK;

    if (c == 1)
        snprintf(shape, sizeof shape, "(%zu, %zu)", h, w);
    else
        snprintf(shape, sizeof shape, "(%zu, %zu, %zu)", h, w, c);
    int n =
        snprintf(header, sizeof header, "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }",
                 depth == 8 ? '|'
                 : little   ? '<'
                            : '>',
                 depth == 8    ? "u1"
                 : depth == 16 ? "u2"
                               : "f4",
                 shape);
    size_t start = ((size_t)n + 11 + 63) / 64 * 64; /* the data starts on a multiple of 64 */
    if (!pln_mul(w * h, c * size, &bytes))
        return pln_fail(ctx, PLN_E_LIMIT, "%zux%zu is too large for .npy", w, h);
    PLN_TRY(pln_alloc(ctx, start + bytes, 1, &out));
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (uint8_t)((start - 10) & 255);
    out[9] = (uint8_t)((start - 10) >> 8);
    memset(out + 10, ' ', start - 10);
    memcpy(out + 10, header, (size_t)n);
    out[start - 1] = '\n';

    uint8_t *p = out + start;
    for (size_t y = 0; y < h; y++) {
        const float *v = pln_row(&image->pixels, y), *a = alpha ? pln_row(&image->alpha, y) : NULL;
        if (depth == 32 && !alpha) {
            memcpy(p, v, w * c * sizeof(float));
            p += w * c * sizeof(float);
            continue;
        }
        for (size_t x = 0; x < w; x++)
            for (size_t k = 0; k < c; k++, p += size) {
                float u = k < colours ? v[x * colours + k] : a[x];
                if (depth == 32) {
                    memcpy(p, &u, 4);
                    continue;
                }
                u = u < 0 ? 0 : u > 1 ? 1 : u;
                if (depth == 8) {
                    *p = (uint8_t)lrintf(255 * u);
                } else {
                    uint16_t i = (uint16_t)lrintf(65535 * u);
                    memcpy(p, &i, 2);
                }
            }
    }
    *result = out;
    *length = start + bytes;
    out = NULL;
done:
    pln_free(out);
    return s;
}
