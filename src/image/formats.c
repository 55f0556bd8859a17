/* SPDX-License-Identifier: MIT */
/* Picture formats: what each can hold, and whether this libvips reads and writes it. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "image/image.h"
#include "image/vips_room.h"

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

static const struct pln_format formats[] = {
    {"png", "PNG", ".png", "png", "", 8 | 16, 0, true},
    {"jpeg", "JPEG", ".jpg", "jpg jpeg jpe", "optimize-coding", 8, 92, false},
    {"tiff", "TIFF", ".tif", "tif tiff", "compression=deflate,predictor=horizontal", ANY_DEPTH, 0,
     true},
    {"webp", "WebP", ".webp", "webp", "", 8, 90, true},
    {"avif", "AVIF", ".avif", "avif", "", 8, 80, true},
    {"heif", "HEIF", ".heic", "heic heif", "", 8, 80, true},
    {"jxl", "JPEG XL", ".jxl", "jxl", "", ANY_DEPTH, 90, true},
    {"pfm", "PFM", ".pfm", "pfm", "strip", 32, 0, false},
    {"ppm", "PPM", ".ppm", "ppm pgm pnm", "strip", 8 | 16, 0, false}, /* else: a date inside */
    {"hdr", "Radiance HDR", ".hdr", "hdr rad", "", 32, 0, false},
    {"exr", "OpenEXR", ".exr", "exr", "", 32, 0, false},
    {"npy", "NumPy", ".npy", "npy", "", ANY_DEPTH, 0, true},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const struct pln_format *pln_find_format(const char *name)
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
    const struct pln_format *f = pln_find_format(dot + 1);
    return f ? f->name : NULL;
}

bool pln_format_writable(const char *format)
{
    const struct pln_format *f = pln_find_format(format);
    if (!f) return false;
    if (!strcmp(f->name, "npy")) return true;
    pthread_once(&once, start);
    bool can = started && vips_foreign_find_save_target(f->suffix);
    vips_error_clear();
    return can;
}

static bool readable(const struct pln_format *f)
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

bool pln_format_line(size_t i, char line[64])
{
    if (i >= FORMATS) return false;
    bool r = readable(&formats[i]), w = pln_format_writable(formats[i].name);
    snprintf(line, 64, "%s %s", formats[i].title,
             r && w ? "read write"
             : r    ? "read"
             : w    ? "write"
                    : "not in this libvips");
    return true;
}
