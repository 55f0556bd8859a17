/* SPDX-License-Identifier: MIT */
/* Pictures from files: header first, then size and memory, then rows as they decode. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"
#include "image/vips_room.h"

#define BAND 64 /* rows fetched at a time */

/* ---- NaN ---- */

static pln_status check_view(pln_context *ctx, const pln_view *v, const char *name, pln_nan policy)
{
    for (size_t y = 0; y < v->h; y++) {
        float *p = pln_row(v, y);
        size_t n = v->w * v->c;
        /* x * 0 is 0 for finite x only; the sum finds a bad row quickly. */
        float sum = 0;
        for (size_t i = 0; i < n; i++) sum += p[i] * 0;
        if (sum == 0) continue;
        for (size_t i = 0; i < n; i++) {
            if (isfinite(p[i])) continue;
            if (policy == PLN_NAN_ERROR)
                return pln_fail(ctx, PLN_E_FORMAT,
                                "%s: %s at pixel (%zu, %zu): --nan zero replaces such values by 0",
                                name, isnan(p[i]) ? "NaN" : "Inf", i / v->c, y);
            p[i] = 0;
        }
    }
    return PLN_OK;
}

pln_status pln_image_check_finite(pln_context *ctx, const pln_image *image, const char *name,
                                  pln_nan policy)
{
    pln_status s = check_view(ctx, &image->pixels, name, policy);
    return s || !image->alpha.data ? s : check_view(ctx, &image->alpha, name, policy);
}

/* ---- Loading ---- */

struct source {
    pln_context *ctx;
    const char *name; /* for messages */
    const char *path; /* NULL: from memory */
    const void *bytes;
    size_t length;
    const pln_load_options *o;
    const char *format; /* canonical name, e.g. "jpeg" */
    const char *title;
    VipsInterpretation space; /* the file's: CMYK, LAB, else sRGB */
};

static pln_status not_an_image(const struct source *f)
{
    char text[512];
    pln_vips_error(text);
    return pln_fail(f->ctx, PLN_E_FORMAT, "%s: not an image planish can read", f->name);
}

/* libvips' loader class -> our format. */
static void name_format(struct source *f, const char *loader)
{
    static const char *const map[][2] = {
        {"Jpeg", "jpeg"}, {"Png", "png"}, {"Tiff", "tiff"}, {"Webp", "webp"},   {"Heif", "heif"},
        {"Jxl", "jxl"},   {"Ppm", "ppm"}, {"Rad", "hdr"},   {"Openexr", "exr"},
    };
    f->format = "png";
    f->title = "picture";
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (strstr(loader, map[i][0])) {
            f->format = map[i][1];
            f->title = pln_find_format(map[i][1])->title;
        }
}

static pln_status open_image(struct source *f, VipsAccess access, VipsImage **image)
{
    VipsFailOn fail = f->o->allow_truncated ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_TRUNCATED;
    const char *loader = f->path ? vips_foreign_find_load(f->path)
                                 : vips_foreign_find_load_buffer(f->bytes, f->length);
    char text[512], options[64] = "";
    if (!loader) return not_an_image(f);
    name_format(f, loader);
    /* Only loaders of formats with pages know these two. */
    VipsOperation *op = vips_operation_new(loader);
    if (op && g_object_class_find_property(G_OBJECT_GET_CLASS(op), "n"))
        snprintf(options, sizeof options, f->o->page ? "[page=%d,n=1]" : "[n=-1]", f->o->page - 1);
    else if (f->o->page > 1) {
        if (op) g_object_unref(op);
        return pln_fail(f->ctx, PLN_E_READ, "%s: page %d of a format without pages: use --page 1",
                        f->name, f->o->page);
    }
    if (op) g_object_unref(op);
    if (f->path) {
        char *name = g_strconcat(f->path, options, NULL);
        /* A name that ends in ']' would be read as options. */
        if (strchr(f->path, '[')) {
            VipsSource *source = vips_source_new_from_file(f->path);
            *image = source ? vips_image_new_from_source(source, options, "access", access,
                                                         "fail_on", fail, NULL)
                            : NULL;
            if (source) g_object_unref(source);
        } else {
            *image = vips_image_new_from_file(name, "access", access, "fail_on", fail, NULL);
        }
        g_free(name);
    } else {
        *image = vips_image_new_from_buffer(f->bytes, f->length, options, "access", access,
                                            "fail_on", fail, NULL);
    }
    if (*image) return PLN_OK;
    pln_vips_error(text);
    if (f->o->page > 1 && strstr(text, "page"))
        return pln_fail(f->ctx, PLN_E_READ, "%s: there is no page %d", f->name, f->o->page);
    if (!f->o->page &&
        (strstr(text, "differ") || strstr(text, "same size") || strstr(text, "page")))
        return pln_fail(f->ctx, PLN_E_FORMAT,
                        "%s: the pages differ in size: choose one with --page N", f->name);
    return pln_fail(f->ctx, PLN_E_FORMAT, "%s: damaged %s: %s", f->name, f->title, text);
}

/* Replaces *image by the result of an operation; `failed` is what the operation returned. */
static pln_status step(struct source *f, int failed, VipsImage **image, VipsImage **result)
{
    char text[512];
    if (failed) return pln_fail(f->ctx, PLN_E_FORMAT, "%s: %s", f->name, pln_vips_error(text));
    g_object_unref(*image);
    *image = *result;
    return PLN_OK;
}

static pln_status check_size(struct source *f, VipsImage *image)
{
    size_t w = (size_t)image->Xsize, h = (size_t)image->Ysize, c = (size_t)image->Bands, samples;
    if (!pln_mul(w, h, &samples) || !pln_mul(samples, c, &samples) || samples > (size_t)1 << 31)
        return pln_fail(f->ctx, PLN_E_LIMIT, "%s: %zux%zux%zu is over 2^31 samples", f->name, w, h,
                        c);
    return pln_reserve(f->ctx, samples * sizeof(float), f->name);
}

/* The CMYK profile stays with the picture, which is sRGB now: saving as CMYK goes back through it.
 */
static pln_status from_cmyk(struct source *f, int depth, VipsImage **image)
{
    VipsImage *out = NULL;
    GValue profile = G_VALUE_INIT;
    bool own = vips_image_get_typeof(*image, VIPS_META_ICC_NAME) &&
               !vips_image_get(*image, VIPS_META_ICC_NAME, &profile);
    pln_status s = step(f,
                        vips_icc_transform(*image, &out, "srgb", "embedded", TRUE, "input_profile",
                                           "cmyk", "depth", depth, NULL),
                        image, &out);
    if (!s) vips_image_remove(*image, VIPS_META_ICC_NAME);
    if (!s && own) vips_image_set(*image, VIPS_META_ICC_NAME, &profile);
    if (own) g_value_unset(&profile);
    f->space = VIPS_INTERPRETATION_CMYK;
    return s;
}

/* Grey or RGB with or without alpha, 8, 16 bits or float. */
static pln_status to_rgb(struct source *f, VipsImage **image)
{
    pln_context *ctx = f->ctx;
    VipsImage *in = *image, *out = NULL;
    pln_status s = PLN_OK;
    int depth = in->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8;

    if (in->Coding == VIPS_CODING_RAD) return step(f, vips_rad2float(in, &out, NULL), image, &out);
    switch (vips_image_guess_interpretation(in)) {
    case VIPS_INTERPRETATION_CMYK:
        return from_cmyk(f, depth, image);
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_LCH:
    case VIPS_INTERPRETATION_YXY:
        f->space = VIPS_INTERPRETATION_LAB;
        s = step(f,
                 vips_colourspace(in, &out,
                                  depth == 16 || in->BandFmt != VIPS_FORMAT_UCHAR
                                      ? VIPS_INTERPRETATION_RGB16
                                      : VIPS_INTERPRETATION_sRGB,
                                  NULL),
                 image, &out);
        if (!s) vips_image_remove(*image, VIPS_META_ICC_NAME);
        return s;
    default:
        break;
    }
    if (in->Coding != VIPS_CODING_NONE)
        return pln_fail(ctx, PLN_E_FORMAT, "%s: a coding planish cannot read", f->name);
    if (in->Bands > 4)
        return pln_fail(ctx, PLN_E_FORMAT,
                        "%s: %d channels: expected grey or RGB, with or without alpha", f->name,
                        in->Bands);
    if (vips_band_format_iscomplex(in->BandFmt))
        return pln_fail(ctx, PLN_E_FORMAT, "%s: complex numbers are no picture", f->name);
    return s;
}

/* n elements of a row as floats: integers by their maximum. */
static void to_float(float *dst, const void *src, VipsBandFormat format, size_t n)
{
#define CONVERT(type_, scale_)                                                                     \
    do {                                                                                           \
        const type_ *p = src;                                                                      \
        for (size_t i = 0; i < n; i++) dst[i] = (float)(p[i] scale_);                              \
    } while (0)
    switch (format) {
    case VIPS_FORMAT_UCHAR:
        CONVERT(uint8_t, / 255.0f);
        break;
    case VIPS_FORMAT_CHAR:
        CONVERT(int8_t, / 127.0f);
        break;
    case VIPS_FORMAT_USHORT:
        CONVERT(uint16_t, / 65535.0f);
        break;
    case VIPS_FORMAT_SHORT:
        CONVERT(int16_t, / 32767.0f);
        break;
    case VIPS_FORMAT_UINT:
        CONVERT(uint32_t, / 4294967295.0);
        break;
    case VIPS_FORMAT_INT:
        CONVERT(int32_t, / 2147483647.0);
        break;
    case VIPS_FORMAT_FLOAT:
        memcpy(dst, src, n * sizeof *dst);
        break;
    default:
        CONVERT(double, );
        break;
    }
#undef CONVERT
}

static pln_status damaged(struct source *f, size_t y, size_t h)
{
    char text[512], lower[512];
    pln_vips_error(text);
    for (size_t i = 0; i < sizeof text; i++) lower[i] = g_ascii_tolower(text[i]);
    unsigned percent = (unsigned)(100 * y / h);
    if (strstr(lower, "premature") || strstr(lower, "truncat") || strstr(lower, "eof") ||
        strstr(lower, "end of") || strstr(lower, "read error") || strstr(lower, "out of"))
        return pln_fail(
            f->ctx, PLN_E_FORMAT,
            "%s: truncated %s: %u %% of the rows decoded; smooth --allow-truncated uses them",
            f->name, f->title, percent);
    return pln_fail(f->ctx, PLN_E_FORMAT,
                    "%s: damaged %s: %u %% of the rows decoded; smooth --allow-truncated uses them",
                    f->name, f->title, percent);
}

static pln_status fetch_pixels(struct source *f, VipsImage *in, pln_image *image)
{
    size_t w = (size_t)in->Xsize, h = (size_t)in->Ysize, c = (size_t)in->Bands,
           colours = image->pixels.c;
    VipsRegion *region = vips_region_new(in);
    float *row = NULL;
    pln_status s = PLN_OK;

    if (image->alpha.data) PLN_TRY(pln_alloc(f->ctx, w * c, sizeof *row, &row));
    for (size_t y0 = 0; y0 < h; y0 += BAND) {
        VipsRect rect = {0, (int)y0, in->Xsize, (int)pln_min(BAND, h - y0)};
        PLN_TRY(pln_progress(f->ctx, (double)y0 / (double)h, "load"));
        if (vips_region_prepare(region, &rect)) {
            s = damaged(f, y0, h);
            goto done;
        }
        for (size_t y = y0; y < y0 + (size_t)rect.height; y++) {
            const void *from = VIPS_REGION_ADDR(region, 0, (int)y);
            float *to = pln_row(&image->pixels, y);
            to_float(row ? row : to, from, in->BandFmt, w * c);
            if (!row) continue;
            float *alpha = pln_row(&image->alpha, y);
            for (size_t x = 0; x < w; x++) {
                for (size_t k = 0; k < colours; k++) to[x * colours + k] = row[x * c + k];
                alpha[x] = row[x * c + colours];
            }
        }
    }
done:
    pln_free(row);
    g_object_unref(region);
    return s;
}

/* The file's own depth: what "keep" means when it is saved. */
static int depth_of(VipsImage *in)
{
    return in->BandFmt == VIPS_FORMAT_UCHAR || in->BandFmt == VIPS_FORMAT_CHAR     ? 8
           : in->BandFmt == VIPS_FORMAT_USHORT || in->BandFmt == VIPS_FORMAT_SHORT ? 16
                                                                                   : 32;
}

static pln_status load_vips(struct source *f, pln_image **result)
{
    VipsImage *in = NULL, *out = NULL;
    pln_image *image = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_vips_start(f->ctx));
    PLN_TRY(open_image(f, VIPS_ACCESS_SEQUENTIAL, &in));
    PLN_TRY(check_size(f, in));
    int page_height = vips_image_get_page_height(in), pages = in->Ysize / page_height;
    if (pages == 1 && vips_image_get_orientation(in) > 1) {
        /* Turning needs all rows. */
        g_object_unref(in);
        in = NULL;
        PLN_TRY(open_image(f, VIPS_ACCESS_RANDOM, &in));
        PLN_TRY(step(f, vips_autorot(in, &out, NULL), &in, &out));
    }
    PLN_TRY(to_rgb(f, &in));
    bool alpha = in->Bands == 2 || in->Bands == 4;
    PLN_TRY(pln_image_make(f->ctx, (size_t)in->Xsize, (size_t)in->Ysize, in->Bands < 3 ? 1 : 3,
                           alpha, NULL, &image));
    image->pages = (size_t)pages;
    image->depth = depth_of(in);
    PLN_TRY(fetch_pixels(f, in, image));
    PLN_TRY(pln_make_info(f->ctx, in, f->format, f->space, image));
    PLN_TRY(pln_image_check_finite(f->ctx, image, f->name, f->o->nan));
    *result = image;
    image = NULL;
done:
    pln_image_free(image);
    if (in) g_object_unref(in);
    return s;
}

static bool is_npy(const void *bytes, size_t length)
{
    return length >= 6 && !memcmp(bytes, "\x93NUMPY", 6);
}

static pln_load_options load_options(const pln_load_options *given)
{
    pln_load_options o = {.size = sizeof o};
    if (given) memcpy(&o, given, pln_min(given->size, sizeof o));
    return o;
}

pln_status pln_image_load_memory(pln_context *ctx, const void *bytes, size_t length,
                                 const char *name, const pln_load_options *options,
                                 pln_image **image)
{
    pln_load_options o = load_options(options);
    struct source f = {.ctx = ctx,
                       .name = name,
                       .bytes = bytes,
                       .length = length,
                       .o = &o,
                       .space = VIPS_INTERPRETATION_sRGB};

    pln_clear(ctx);
    if (!bytes || !name || !image)
        return pln_fail(ctx, PLN_E_ARG, "pln_image_load_memory: an argument is NULL");
    if (length == 0) return pln_fail(ctx, PLN_E_FORMAT, "%s: is empty", name);
    if (!is_npy(bytes, length)) return load_vips(&f, image);
    if (o.page > 1)
        return pln_fail(ctx, PLN_E_READ, "%s: page %d of a format without pages: use --page 1",
                        name, o.page);
    return pln_npy_read(ctx, bytes, length, name, o.nan, image);
}

pln_status pln_image_load(pln_context *ctx, const char *path, pln_image **image)
{
    return pln_image_load_with(ctx, path, NULL, image);
}

pln_status pln_image_load_with(pln_context *ctx, const char *path, const pln_load_options *options,
                               pln_image **image)
{
    pln_load_options o = load_options(options);
    const size_t limit = ((size_t)1 << 34) + 65536; /* 2^31 doubles and a header */
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (!path || !image) return pln_fail(ctx, PLN_E_ARG, "pln_image_load: an argument is NULL");
    if (strcmp(path, "-")) {
        char magic[6];
        struct stat st;
        FILE *f = fopen(path, "rbe");
        if (!f)
            return pln_fail(ctx, PLN_E_READ, "%s: %s", path,
                            errno == ENOENT ? "no such file" : strerror(errno));
        bool folder = fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode),
             plain = S_ISREG(st.st_mode);
        size_t n = folder || !plain ? 0 : fread(magic, 1, sizeof magic, f);
        fclose(f);
        if (folder) return pln_fail(ctx, PLN_E_READ, "%s: is a folder, not a picture", path);
        if (plain && n == 0) return pln_fail(ctx, PLN_E_FORMAT, "%s: is empty", path);
        if (plain && !is_npy(magic, n)) {
            struct source source = {
                .ctx = ctx, .name = path, .path = path, .o = &o, .space = VIPS_INTERPRETATION_sRGB};
            return load_vips(&source, image);
        }
    }
    PLN_TRY(pln_file_read(ctx, path, limit, &bytes, &length));
    PLN_TRY(pln_image_load_memory(ctx, bytes, length, strcmp(path, "-") ? path : "standard input",
                                  &o, image));
done:
    pln_free(bytes);
    return s;
}
