/* SPDX-License-Identifier: MIT */
/* Picture files through libvips: everything about formats, profiles, orientation and depth. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"
#include "image/vips_room.h"

#define BAND 64 /* rows fetched at a time */

/* ---- libvips itself ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool started;

static void start(void)
{
    started = vips_init("planish") == 0;
    /* Every picture is decoded once: a cache would only hold memory. */
    if (started) vips_cache_set_max(0);
}

pln_status pln_vips_start(pln_context *ctx)
{
    pthread_once(&once, start);
    if (started) return PLN_OK;
    return pln_fail(ctx, PLN_E_UNSUPPORTED, "libvips cannot be started");
}

const char *pln_vips_error(char text[512])
{
    g_strlcpy(text, vips_error_buffer(), 512);
    vips_error_clear();
    g_strstrip(text);
    char *line = strrchr(text, '\n'); /* the last line is the nearest to the cause */
    if (line) memmove(text, line + 1, strlen(line + 1) + 1);
    return text;
}

/* ---- Formats ---- */

enum { ANY_DEPTH = 8 | 16 | 32 };

static const struct format {
    const char *name, *title, *suffix, *extensions, *options; /* options: printf of the quality */
    int depths, quality;
    bool alpha;
} formats[] = {
    {"png", "PNG", ".png", "png", "", 8 | 16, 0, true},
    {"jpeg", "JPEG", ".jpg", "jpg jpeg jpe", "[Q=%d,optimize-coding]", 8, 92, false},
    {"tiff", "TIFF", ".tif", "tif tiff", "[compression=deflate,predictor=horizontal]", ANY_DEPTH, 0,
     true},
    {"webp", "WebP", ".webp", "webp", "[Q=%d]", 8, 90, true},
    {"avif", "AVIF", ".avif", "avif", "[Q=%d]", 8, 80, true},
    {"heif", "HEIF", ".heic", "heic heif", "[Q=%d]", 8, 80, true},
    {"jxl", "JPEG XL", ".jxl", "jxl", "[Q=%d]", ANY_DEPTH, 90, true},
    {"pfm", "PFM", ".pfm", "pfm", "[strip]", 32, 0, false},
    {"ppm", "PPM", ".ppm", "ppm pgm pnm", "[strip]", 8 | 16, 0, false}, /* else: a date inside */
    {"hdr", "Radiance HDR", ".hdr", "hdr rad", "", 32, 0, false},
    {"exr", "OpenEXR", ".exr", "exr", "", 32, 0, false},
    {"npy", "NumPy", ".npy", "npy", "", ANY_DEPTH, 0, true},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (!strcmp(formats[i].name, name)) return &formats[i];
    return NULL;
}

const char *pln_format_of(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (!dot || (slash && dot < slash)) return NULL;
    for (size_t i = 0; i < FORMATS; i++) {
        char **words = g_strsplit(formats[i].extensions, " ", -1);
        bool found = false;
        for (char **w = words; *w; w++) found |= g_ascii_strcasecmp(*w, dot + 1) == 0;
        g_strfreev(words);
        if (found) return formats[i].name;
    }
    /* The name itself, for --format. */
    const struct format *f = find_format(dot + 1);
    return f ? f->name : NULL;
}

bool pln_format_writable(const char *format)
{
    const struct format *f = find_format(format);
    if (!f) return false;
    if (!strcmp(f->name, "npy")) return true;
    pthread_once(&once, start);
    bool can = started && vips_foreign_find_save_target(f->suffix);
    vips_error_clear();
    return can;
}

static bool readable(const struct format *f)
{
    static const char *const loaders[][2] = {
        {"png", "pngload"},   {"jpeg", "jpegload"}, {"tiff", "tiffload"},   {"webp", "webpload"},
        {"avif", "heifload"}, {"heif", "heifload"}, {"jxl", "jxlload"},     {"pfm", "ppmload"},
        {"ppm", "ppmload"},   {"hdr", "radload"},   {"exr", "openexrload"},
    };
    if (!strcmp(f->name, "npy")) return true;
    pthread_once(&once, start);
    for (size_t i = 0; started && i < sizeof loaders / sizeof *loaders; i++)
        if (!strcmp(loaders[i][0], f->name))
            return vips_type_find("VipsOperation", loaders[i][1]) != 0;
    return false;
}

const char *pln_format_list(size_t i)
{
    static char lines[FORMATS][48]; /* filled with the same text by whoever comes */
    if (i >= FORMATS) return NULL;
    bool r = readable(&formats[i]), w = pln_format_writable(formats[i].name);
    snprintf(lines[i], sizeof lines[i], "%s %s", formats[i].title,
             r && w ? "read write"
             : r    ? "read"
             : w    ? "write"
                    : "not in this libvips");
    return lines[i];
}

/* ---- File information ---- */

struct pln_file_info {
    atomic_int references;
    VipsImage *head; /* one pixel with the file's metadata */
    char format[16];
};

pln_file_info *pln_file_info_ref(pln_file_info *info)
{
    if (info) atomic_fetch_add(&info->references, 1);
    return info;
}

void pln_file_info_unref(pln_file_info *info)
{
    if (!info || atomic_fetch_sub(&info->references, 1) > 1) return;
    if (info->head) g_object_unref(info->head);
    pln_free(info);
}

static void copy_fields(VipsImage *from, VipsImage *to)
{
    char **names = vips_image_get_fields(from);
    for (char **n = names; n && *n; n++) {
        GValue value = G_VALUE_INIT;
        /* Size and format of the picture itself are not metadata. */
        if (vips_image_get_typeof(to, *n) && !g_str_has_prefix(*n, "icc") &&
            !g_str_has_prefix(*n, "exif"))
            continue;
        if (vips_image_get(from, *n, &value)) continue;
        vips_image_set(to, *n, &value);
        g_value_unset(&value);
    }
    g_strfreev(names);
    to->Xres = from->Xres;
    to->Yres = from->Yres;
}

static pln_status make_info(pln_context *ctx, VipsImage *from, const char *format, pln_image *image)
{
    pln_file_info *info = NULL;
    VipsImage *black = NULL;
    char text[512];
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *info, &info));
    atomic_init(&info->references, 1);
    g_strlcpy(info->format, format, sizeof info->format);
    if (vips_black(&black, 1, 1, NULL) || !(info->head = vips_image_copy_memory(black))) {
        s = pln_fail(ctx, PLN_E_MEMORY, "metadata: %s", pln_vips_error(text));
        goto done;
    }
    if (info->head == black) black = NULL;
    copy_fields(from, info->head);
    image->info = info;
    info = NULL;
done:
    pln_file_info_unref(info);
    if (black) g_object_unref(black);
    return s;
}

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
            f->title = find_format(map[i][1])->title;
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
        pln_log(ctx, 0, "%s: CMYK becomes RGB through its profile", f->name);
        s = step(f,
                 vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "input_profile", "cmyk",
                                    "depth", depth, NULL),
                 image, &out);
        if (!s) vips_image_remove(*image, VIPS_META_ICC_NAME);
        return s;
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_LABQ:
    case VIPS_INTERPRETATION_LABS:
    case VIPS_INTERPRETATION_XYZ:
    case VIPS_INTERPRETATION_LCH:
    case VIPS_INTERPRETATION_YXY:
        pln_log(ctx, 0, "%s: Lab becomes RGB", f->name);
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
        return pln_fail(f->ctx, PLN_E_FORMAT,
                        "%s: truncated %s: %u %% of the rows decoded; --allow-truncated uses them",
                        f->name, f->title, percent);
    return pln_fail(f->ctx, PLN_E_FORMAT,
                    "%s: damaged %s: %u %% of the rows decoded; --allow-truncated uses them",
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
    PLN_TRY(make_info(f->ctx, in, f->format, image));
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
    struct source f = {.ctx = ctx, .name = name, .bytes = bytes, .length = length, .o = &o};

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
            struct source source = {.ctx = ctx, .name = path, .path = path, .o = &o};
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

/* ---- Saving ---- */

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

static pln_status choose_depth(pln_context *ctx, const struct format *f, const pln_image *image,
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

static void describe(VipsImage *out, const pln_image *image, const struct format *f, int depth,
                     bool strip)
{
    static const char *const extras[] = {VIPS_META_EXIF_NAME, VIPS_META_XMP_NAME,
                                         VIPS_META_IPTC_NAME, VIPS_META_PHOTOSHOP_NAME,
                                         VIPS_META_IMAGEDESCRIPTION};
    bool grey = out->Bands < 3;
    if (image->info) copy_fields(image->info->head, out);
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

static pln_status encode_vips(pln_context *ctx, const pln_image *image, const struct format *f,
                              int depth, const pln_save_options *o, void **bytes, size_t *length)
{
    size_t w = image->pixels.w, h = image->pixels.h, size;
    bool alpha = image->alpha.data && f->alpha;
    size_t c = image->pixels.c + alpha;
    VipsImage *borrowed = NULL, *out = NULL;
    VipsTarget *target = NULL;
    void *packed = NULL;
    char options[80], text[512];
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
    /* ".ppm" makes three channels of grey. */
    bool pgm = !strcmp(f->name, "ppm") && c == 1;
    snprintf(options, sizeof options, "%s", pgm ? ".pgm" : f->suffix);
    g_strlcat(options, f->options, sizeof options);
    if (f->quality) {
        char with[80];
        snprintf(with, sizeof with, "%s[Q=%d%s]", f->suffix, o->quality ? o->quality : f->quality,
                 !strcmp(f->name, "jpeg") ? ",optimize-coding" : "");
        g_strlcpy(options, with, sizeof options);
    }
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
    const struct format *f;
    int depth = 8;

    if (options) memcpy(&o, options, pln_min(options->size, sizeof o));
    f = o.format ? find_format(o.format) : NULL;
    if (!f) {
        char dotted[32];
        snprintf(dotted, sizeof dotted, ".%s", o.format ? o.format : "");
        const char *name = pln_format_of(dotted);
        f = name ? find_format(name) : NULL;
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
    if (!strcmp(f->name, "npy")) {
        /* Arrays carry no depth of their own beyond their type: float unless asked otherwise. */
        return pln_npy_write(ctx, image, o.depth ? o.depth : 32, bytes, length);
    }
    return encode_vips(ctx, image, f, depth, &o, bytes, length);
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

/* ---- Shrinking, for sheets ---- */

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
