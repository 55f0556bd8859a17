/* SPDX-License-Identifier: MIT */
/* Pictures to files: packed into the depth of the format, encoded in memory, written whole. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "image/image.h"
#include "image/vips_room.h"

static float saturate(float v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

/* Rows as the file wants them: c channels (colours, alpha) of `depth` bits; flattened on white when
 * alpha is left out. */
static void pack(const pln_image *image, size_t c, int depth, void *to)
{
    size_t w = image->pixels.w, colours = image->pixels.c;
    size_t shown = c - (image->alpha.data && (c == 2 || c == 4));
    for (size_t y = 0; y < image->pixels.h; y++) {
        const float *p = pln_row(&image->pixels, y);
        const float *a = image->alpha.data ? pln_row(&image->alpha, y) : NULL;
        for (size_t x = 0; x < w; x++)
            for (size_t k = 0; k < c; k++) {
                size_t at = (y * w + x) * c + k;
                float v = k == shown ? a[x] : p[x * colours + pln_min(k, colours - 1)];
                if (a && shown == c) v = a[x] * v + (1 - a[x]);
                if (depth == 8)
                    ((uint8_t *)to)[at] = (uint8_t)lrintf(255 * saturate(v));
                else if (depth == 16)
                    ((uint16_t *)to)[at] = (uint16_t)lrintf(65535 * saturate(v));
                else
                    ((float *)to)[at] = v;
            }
    }
}

static pln_status choose_depth(pln_context *ctx, const struct pln_format *f, const pln_image *image,
                               int wanted, int *depth)
{
    if (wanted && wanted != 8 && wanted != 16 && wanted != 32)
        return pln_fail(ctx, PLN_E_ARG, "depth %d: expected 8, 16 or 32 (float)", wanted);
    if (wanted && !(f->depths & wanted))
        return pln_fail(ctx, PLN_E_ARG, "%s has no %s: choose another --depth or format", f->title,
                        wanted == 32   ? "floats"
                        : wanted == 16 ? "16 bits a sample"
                                       : "8 bits a sample");
    *depth = wanted ? wanted : image->depth <= 8 ? 8 : image->depth;
    if (f->depths & *depth) return PLN_OK;
    int have = *depth;
    *depth = f->depths & 16 && have > 16 ? 16 : f->depths & 8 ? 8 : f->depths & 16 ? 16 : 32;
    if (*depth < have)
        pln_log(ctx, 0, "%s holds %d bits a sample: reduced from %s", f->title, *depth,
                have == 32 ? "floats" : "16");
    return PLN_OK;
}

static void describe(VipsImage *out, const pln_image *image, const struct pln_format *f, int depth,
                     bool strip)
{
    static const char *const extras[] = {VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME,
                                         VIPS_META_IPTC_NAME, VIPS_META_PHOTOSHOP_NAME,
                                         VIPS_META_IMAGEDESCRIPTION};
    bool grey = out->Bands < 3;
    if (image->info) pln_copy_fields(image->info->head, out);
    if (strip) {
        for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
            vips_image_remove(out, extras[i]);
        char **names = vips_image_get_fields(out);
        for (char **n = names; n && *n; n++)
            if (g_str_has_prefix(*n, "exif-") || g_str_has_prefix(*n, "png-comment"))
                vips_image_remove(out, *n);
        g_strfreev(names);
    }
    vips_image_remove(out, VIPS_META_ORIENTATION);
    if (vips_image_get_typeof(out, "exif-ifd0-Orientation"))
        vips_image_set_string(out, "exif-ifd0-Orientation",
                              "1 (Top-left, Short, 1 components, 2 bytes)");
    vips_image_remove(out, "palette-bit-depth");
    vips_image_remove(out, "bits-per-sample");
    vips_image_remove(out, VIPS_META_PAGE_HEIGHT);
    vips_image_remove(out, VIPS_META_N_PAGES);
    if (image->pages > 1 && (!strcmp(f->name, "tiff") || !strcmp(f->name, "webp")))
        vips_image_set_int(out, VIPS_META_PAGE_HEIGHT, (int)pln_image_height(image));
    out->Type = depth == 32   ? grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_scRGB
                : depth == 16 ? grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16
                : grey        ? VIPS_INTERPRETATION_B_W
                              : VIPS_INTERPRETATION_sRGB;
}

/* Whether the picture goes back to the colour space of the file it came from. Else a warning: its
 * pixels are sRGB, and so is what is written. */
static VipsInterpretation space_for(pln_context *ctx, const pln_image *image,
                                    const struct pln_format *f, int depth)
{
    VipsInterpretation space = image->info ? image->info->space : VIPS_INTERPRETATION_sRGB;
    bool cmyk = space == VIPS_INTERPRETATION_CMYK;
    if ((!cmyk && space != VIPS_INTERPRETATION_LAB) || image->pixels.c != 3)
        return VIPS_INTERPRETATION_sRGB;
    bool tiff = !strcmp(f->name, "tiff");
    if ((tiff || (cmyk && !strcmp(f->name, "jpeg"))) && depth != 32) return space;
    pln_log(ctx, 0, "%s: written as RGB, not as %s", f->title, cmyk ? "CMYK" : "Lab");
    return VIPS_INTERPRETATION_sRGB;
}

/* From sRGB; *out is replaced. */
static pln_status to_space(pln_context *ctx, const struct pln_format *f, VipsInterpretation space,
                           int depth, VipsImage **out)
{
    VipsImage *lab = NULL, *next = NULL;
    char text[512];
    bool failed;

    if (space == VIPS_INTERPRETATION_LAB) {
        /* LABQ, 8 bits, is a coding without alpha. */
        failed = vips_colourspace(*out, &next,
                                  depth == 8 && (*out)->Bands == 3 ? VIPS_INTERPRETATION_LABQ
                                                                   : VIPS_INTERPRETATION_LABS,
                                  NULL);
    } else {
        /* The import leaves the profile that it came through: the file's own one goes back. */
        GValue profile = G_VALUE_INIT;
        bool own = vips_image_get_typeof(*out, VIPS_META_ICC_NAME) &&
                   !vips_image_get(*out, VIPS_META_ICC_NAME, &profile);
        failed = vips_icc_import(*out, &lab, "input_profile", "srgb", "pcs", VIPS_PCS_LAB, NULL);
        if (!failed && own) vips_image_set(lab, VIPS_META_ICC_NAME, &profile);
        if (own) g_value_unset(&profile);
        if (!failed)
            failed =
                own ? vips_icc_export(lab, &next, "depth", depth, NULL)
                    : vips_icc_export(lab, &next, "output_profile", "cmyk", "depth", depth, NULL);
        if (lab) g_object_unref(lab);
    }
    if (failed)
        return pln_fail(ctx, PLN_E_WRITE, "%s: %s: %s", f->title,
                        space == VIPS_INTERPRETATION_LAB ? "Lab" : "CMYK", pln_vips_error(text));
    g_object_unref(*out);
    *out = next;
    return PLN_OK;
}

static pln_status encode_vips(pln_context *ctx, const pln_image *image, const struct pln_format *f,
                              VipsInterpretation space, int depth, const pln_save_options *o,
                              void **bytes, size_t *length)
{
    size_t w = image->pixels.w, h = image->pixels.h, size;
    bool alpha = image->alpha.data && f->alpha;
    size_t c = image->pixels.c + alpha;
    VipsImage *borrowed = NULL, *out = NULL;
    VipsTarget *target = NULL;
    void *packed = NULL;
    char options[96], quality[16] = "", text[512];
    pln_status s = PLN_OK;

    PLN_TRY(pln_vips_start(ctx));
    if (!pln_format_writable(f->name)) {
        s = pln_fail(ctx, PLN_E_UNSUPPORTED, "%s cannot be written by this libvips", f->title);
        goto done;
    }
    if (!strcmp(f->name, "hdr")) c = 3; /* the format knows no grey */
    if (image->alpha.data && !alpha)
        pln_log(ctx, 0, "%s has no transparency: flattened on white", f->title);
    if (image->pages > 1 && strcmp(f->name, "tiff") && strcmp(f->name, "webp"))
        pln_log(ctx, 0, "%s has no pages: the %zu pages are stacked", f->title, image->pages);
    PLN_TRY(pln_alloc(ctx, w * h, c * (size_t)depth / 8, &packed));
    pack(image, c, depth, packed);
    size = w * h * c * (size_t)depth / 8;
    borrowed = vips_image_new_from_memory(packed, size, (int)w, (int)h, (int)c,
                                          depth == 8    ? VIPS_FORMAT_UCHAR
                                          : depth == 16 ? VIPS_FORMAT_USHORT
                                                        : VIPS_FORMAT_FLOAT);
    if (!borrowed || vips_copy(borrowed, &out, NULL)) {
        s = pln_fail(ctx, PLN_E_MEMORY, "%s: %s", f->title, pln_vips_error(text));
        goto done;
    }
    describe(out, image, f, depth, o->strip);
    if (space != VIPS_INTERPRETATION_sRGB)
        PLN_TRY(to_space(ctx, f, space, depth, &out));
    else if (image->info && image->info->space == VIPS_INTERPRETATION_CMYK)
        vips_image_remove(out, VIPS_META_ICC_NAME);
    /* ".ppm" makes three channels of grey. */
    bool pgm = !strcmp(f->name, "ppm") && c == 1;
    /* ".jpg[optimize-coding,Q=92]"; empty brackets are an error */
    if (f->quality)
        snprintf(quality, sizeof quality, "%sQ=%d", *f->options ? "," : "",
                 o->quality ? o->quality : f->quality);
    bool any = *f->options || *quality;
    snprintf(options, sizeof options, "%s%s%s%s%s", pgm ? ".pgm" : f->suffix, any ? "[" : "",
             f->options, quality, any ? "]" : "");
    target = vips_target_new_to_memory();
    if (vips_image_write_to_target(out, options, target, NULL)) {
        s = pln_fail(ctx, PLN_E_WRITE, "%s: %s", f->title, pln_vips_error(text));
        goto done;
    }
    /* The saver has ended the target: its bytes are in a blob now, not to be stolen. */
    VipsBlob *blob = NULL;
    size_t n;
    g_object_get(target, "blob", &blob, NULL);
    const void *data = vips_blob_get(blob, &n);
    s = pln_alloc(ctx, n, 1, bytes);
    if (!s) {
        memcpy(*bytes, data, n);
        *length = n;
    }
    vips_area_unref(VIPS_AREA(blob));
done:
    if (target) g_object_unref(target);
    if (out) g_object_unref(out);
    if (borrowed) g_object_unref(borrowed);
    pln_free(packed);
    return s;
}

pln_status pln_image_encode(pln_context *ctx, const pln_image *image,
                            const pln_save_options *options, void **bytes, size_t *length)
{
    pln_save_options o = {.size = sizeof o};
    const struct pln_format *f;
    int depth = 8;

    if (options) memcpy(&o, options, pln_min(options->size, sizeof o));
    f = o.format ? pln_find_format(o.format) : NULL;
    if (!f) {
        char dotted[32];
        snprintf(dotted, sizeof dotted, ".%s", o.format ? o.format : "");
        const char *name = pln_format_of(dotted);
        f = name ? pln_find_format(name) : NULL;
    }
    if (!f)
        return pln_fail(
            ctx, PLN_E_ARG,
            "unknown format '%s': expected png, jpeg, tiff, webp, avif, heif, jxl, pfm, ppm, "
            "hdr or npy",
            o.format ? o.format : "");
    if (o.quality < 0 || o.quality > 100)
        return pln_fail(ctx, PLN_E_RANGE, "quality %d: expected 1 to 100", o.quality);
    pln_status s = choose_depth(ctx, f, image, o.depth, &depth);
    if (s) return s;
    VipsInterpretation space = space_for(ctx, image, f, depth);
    if (!strcmp(f->name, "npy")) {
        /* Arrays carry no depth of their own beyond their type: float unless asked otherwise. */
        return pln_npy_write(ctx, image, o.depth ? o.depth : 32, bytes, length);
    }
    return encode_vips(ctx, image, f, space, depth, &o, bytes, length);
}

pln_status pln_image_save(pln_context *ctx, const pln_image *image, const char *path,
                          const pln_save_options *options)
{
    pln_save_options o = {.size = sizeof o};
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (!image || !path) return pln_fail(ctx, PLN_E_ARG, "pln_image_save: an argument is NULL");
    if (options) memcpy(&o, options, pln_min(options->size, sizeof o));
    if (!o.format && !strcmp(path, "-"))
        return pln_fail(ctx, PLN_E_ARG,
                        "standard output needs a format: --format png, jpeg, npy ...");
    if (!o.format) o.format = pln_format_of(path);
    if (!o.format)
        return pln_fail(
            ctx, PLN_E_ARG,
            "%s: no picture format has this extension: expected .png, .jpg, .tif, .webp, .npy ...",
            path);
    s = pln_image_encode(ctx, image, &o, &bytes, &length);
    if (s) {
        char text[512];
        g_strlcpy(text, pln_context_message(ctx), sizeof text);
        return pln_fail(ctx, s, "%s: %s", path, text);
    }
    s = pln_file_write(ctx, path, bytes, length);
    pln_free(bytes);
    return s;
}
