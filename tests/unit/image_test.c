/* SPDX-License-Identifier: MIT */
/* image: .npy, colour, and files of every kind that this libvips has, made here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#include <cmocka.h>

#include "image/image.h"

static pln_context *ctx;
static char dir[] = "/tmp/planish-image-XXXXXX";
static char last_warning[256];

static void keep_warning(void *user, int level, const char *text)
{
    (void)user;
    if (level == 0) snprintf(last_warning, sizeof last_warning, "%s", text);
}

static int setup(void **state)
{
    (void)state;
    if (pln_context_new(&ctx) || vips_init("test") || !mkdtemp(dir)) return -1;
    pln_context_on_log(ctx, keep_warning, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) || held;
}

static const char *path(const char *name)
{
    static char texts[4][256];
    static int next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0], "%s/%s", dir, name);
    return text;
}

#define OK(call)                                                                                   \
    do {                                                                                           \
        if (call) fail_msg("%s: %s", #call, pln_context_message(ctx));                             \
    } while (0)

/* A slope that lossy formats hold well. c: 1 to 4. Multiples of 1/255, so that 8 and 16 bits hold
 * them exactly. */
static pln_image *picture(size_t w, size_t h, size_t c, int depth)
{
    pln_image *image = NULL;
    OK(pln_image_new_f32(ctx, w, h, c, &image));
    pln_view v = pln_image_pixels(image), a = pln_image_alpha(image);
    for (size_t y = 0; y < h; y++) {
        for (size_t i = 0; i < w * v.c; i++) pln_row(&v, y)[i] = (float)((y * 3 + i) % 256) / 255;
        for (size_t x = 0; a.data && x < w; x++) pln_row(&a, y)[x] = (float)(255 - x % 256) / 255;
    }
    image->depth = depth;
    return image;
}

static double difference(const pln_view *a, const pln_view *b)
{
    double most = 0;
    assert_int_equal(a->w, b->w);
    assert_int_equal(a->h, b->h);
    assert_int_equal(a->c, b->c);
    for (size_t y = 0; y < a->h; y++)
        for (size_t i = 0; i < a->w * a->c; i++)
            most = fmax(most, fabs((double)pln_row(a, y)[i] - (double)pln_row(b, y)[i]));
    return most;
}

/* ---- .npy ---- */

static pln_status read_npy(const void *file, size_t length, pln_image **image)
{
    return pln_npy_read(ctx, file, length, "a.npy", PLN_NAN_ERROR, image);
}

static size_t make_npy(uint8_t *to, const char *header, const void *data, size_t n)
{
    size_t h = strlen(header);
    memcpy(to, "\x93NUMPY\x01\x00", 8);
    to[8] = (uint8_t)h;
    to[9] = (uint8_t)(h >> 8);
    memcpy(to + 10, header, h);
    memcpy(to + 10 + h, data, n);
    return 10 + h + n;
}

static void npy_round_trips(void **state)
{
    (void)state;
    for (size_t c = 1; c <= 4; c++)
        for (int depth = 8; depth <= 32; depth *= 2) {
            pln_image *in = picture(13, 9, c, depth), *out = NULL;
            void *file = NULL;
            size_t n;
            OK(pln_npy_write(ctx, in, depth, &file, &n));
            OK(read_npy(file, n, &out));
            assert_int_equal(pln_image_depth(out), depth);
            assert_true(difference(&in->pixels, &out->pixels) < 1e-7);
            if (c % 2 == 0) assert_true(difference(&in->alpha, &out->alpha) < 1e-7);
            pln_image_free(out);
            assert_int_equal(read_npy(file, n - 1, &out), PLN_E_FORMAT); /* a byte short */
            pln_free(file);
            pln_image_free(in);
        }
}

static void npy_types(void **state)
{
    (void)state;
    uint8_t file[256];
    pln_image *image = NULL;
    static const struct {
        const char *descr;
        uint8_t data[16];
        float first, second;
    } types[] = {
        {"|u1", {255, 51}, 1, 0.2f},
        {"<u2", {255, 255, 0x33, 0x33}, 1, 0.2f},
        {">u2", {0xff, 0xff, 0x33, 0x33}, 1, 0.2f},
        {"<f4", {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, 1, -2},
        {">f4", {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0}, 1, -2},
        {"<f8", {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, 1, -2},
        {">f8", {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0}, 1, -2},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char header[128];
        snprintf(header, sizeof header,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (1, 2), }\n", types[i].descr);
        size_t n = make_npy(file, header, types[i].data, 2 * (size_t)(types[i].descr[2] - '0'));
        OK(read_npy(file, n, &image));
        pln_view v = pln_image_pixels(image);
        if (v.data[0] != types[i].first || fabsf(v.data[1] - types[i].second) > 1e-6f)
            fail_msg("%s: %g %g", types[i].descr, (double)v.data[0], (double)v.data[1]);
        pln_image_free(image);
    }
}

static void npy_nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        pln_status status;
        const char *text;
    } bad[] = {
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }", PLN_E_FORMAT,
         "uint8, uint16"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", PLN_E_FORMAT,
         "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", PLN_E_FORMAT, "1 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 5), }", PLN_E_FORMAT,
         "C 1 to 4"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", PLN_E_FORMAT, "no pixels"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000), }", PLN_E_LIMIT,
         "2^31"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9, 9), }", PLN_E_FORMAT, "truncated"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 9), }",
         PLN_E_FORMAT, "makes no sense"},
        {"{'descr': '<f4', 'shape': (1, 2), }", PLN_E_FORMAT, "makes no sense"},
        {"hello", PLN_E_FORMAT, "makes no sense"},
    };
    uint8_t file[256];
    pln_image *image = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t held = pln_context_bytes(ctx);
        pln_context_reset_peak(ctx);
        size_t n = make_npy(file, bad[i].header, "\0\0\0\0\0\0\0\0", 8);
        if (read_npy(file, n, &image) != bad[i].status ||
            !strstr(pln_context_message(ctx), bad[i].text))
            fail_msg("%s: %s", bad[i].header, pln_context_message(ctx));
        assert_null(image);
        assert_true(pln_context_peak(ctx) - held < 4096); /* refused before allocation */
    }
    size_t n = make_npy(file, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
                        "\0\0\x80\x3f\0\0\xc0\x7f", 8);
    assert_int_equal(read_npy(file, n, &image), PLN_E_FORMAT);
    assert_string_equal(pln_context_message(ctx),
                        "a.npy: NaN at pixel (1, 0): --nan zero replaces such values by 0");
    OK(pln_npy_read(ctx, file, n, "a.npy", PLN_NAN_ZERO, &image));
    assert_true(image->pixels.data[1] == 0);
    pln_image_free(image);
}

/* ---- Colour ---- */

static void lab_vectors(void **state)
{
    (void)state;
    static const float rgb[][3] = {{1, 1, 1},       {1, 0, 0},       {0, 1, 0},          {0, 0, 1},
                                   {.5f, .5f, .5f}, {.2f, .4f, .6f}, {.01f, .02f, .03f}, {0, 0, 0}};
    static const float lab[][3] = {
        {99.999965f, 0.000043f, -0.000077f},   {53.240601f, 80.094177f, 67.201725f},
        {87.735061f, -86.181233f, 83.177266f}, {32.295623f, 79.186999f, -107.861828f},
        {57.998033f, 0.000027f, -0.000049f},   {47.222898f, -1.877040f, -30.477726f},
        {3.721201f, -0.893830f, -3.434841f},   {0, 0, 0}};
    float out[8][3], back[8][3];
    pln_rgb_to_lab(&out[0][0], &rgb[0][0], 8);
    pln_lab_to_rgb(&back[0][0], &lab[0][0], 8);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 3; k++) {
            if (fabsf(out[i][k] - lab[i][k]) > 4e-5f || fabsf(back[i][k] - rgb[i][k]) > 2e-6f)
                fail_msg("colour %d: %g instead of %g, back %g", i, (double)out[i][k],
                         (double)lab[i][k], (double)back[i][k]);
        }
}

static void curves_invert(void **state)
{
    (void)state;
    for (int i = -200; i <= 3000; i++) {
        float v = (float)i / 1000, linear, back;
        pln_srgb_to_linear(&linear, &v, 1);
        pln_linear_to_srgb(&back, &linear, 1);
        assert_true(fabsf(back - v) <= 2e-6f * (1 + fabsf(v)));
    }
    float half = 0.5f, linear;
    pln_srgb_to_linear(&linear, &half, 1);
    assert_true(fabsf(linear - 0.21404114f) < 3e-7f);
}

/* ---- Files ---- */

static const struct {
    const char *name;
    int depth; /* that the format keeps */
    size_t most;
    double tolerance;
} formats[] = {
    {"a.png", 8, 4, 1e-6},  {"b.png", 16, 4, 1e-6}, {"c.tif", 8, 4, 1e-6},  {"d.tif", 16, 4, 1e-6},
    {"e.tif", 32, 4, 1e-6}, {"f.jpg", 8, 3, 0.1},   {"g.webp", 8, 4, 0.1},  {"h.npy", 32, 4, 1e-6},
    {"i.pfm", 32, 3, 1e-6}, {"j.ppm", 8, 3, 1e-6},  {"k.hdr", 32, 3, 0.01}, {"l.jxl", 8, 4, 0.1},
    {"m.avif", 8, 4, 0.1},
};

static void formats_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const char *file = path(formats[i].name);
        if (!pln_format_writable(pln_format_of(file))) {
            print_message("%s: not in this libvips\n", formats[i].name);
            continue;
        }
        for (size_t c = 1; c <= formats[i].most; c++) {
            if (c == 2 && formats[i].most == 3) continue;
            pln_image *in = picture(40, 30, c, formats[i].depth), *out = NULL;
            OK(pln_image_save(ctx, in, file, NULL));
            OK(pln_image_load(ctx, file, &out));
            assert_int_equal(pln_image_depth(out), formats[i].depth);
            assert_int_equal(pln_image_has_alpha(out), c % 2 == 0);
            pln_view a = pln_image_pixels(in), b = pln_image_pixels(out);
            if (a.c == b.c && difference(&a, &b) > formats[i].tolerance)
                fail_msg("%s with %zu channels: off by %g", formats[i].name, c, difference(&a, &b));
            if (a.c != b.c)
                assert_true(formats[i].tolerance > 1e-3); /* grey as RGB: lossy or HDR */
            pln_image_free(out);
            pln_image_free(in);
        }
    }
}

static void depth_is_rounded_and_saturated(void **state)
{
    (void)state;
    pln_image *in = picture(4, 1, 1, 32), *out = NULL;
    static const float values[] = {-0.5f, 0.5004f / 255, 1.4996f / 255, 7};
    pln_save_options o = {.size = sizeof o, .depth = 8};
    memcpy(in->pixels.data, values, sizeof values);
    OK(pln_image_save(ctx, in, path("r.png"), &o));
    OK(pln_image_load(ctx, path("r.png"), &out));
    static const int want[] = {0, 1, 1, 255};
    for (int i = 0; i < 4; i++) assert_int_equal(lrintf(out->pixels.data[i] * 255), want[i]);
    pln_image_free(out);
    o.depth = 0;
    last_warning[0] = 0;
    OK(pln_image_save(ctx, in, path("r2.png"),
                      &o)); /* floats do not fit: 16 bits, and a word about it */
    assert_non_null(strstr(last_warning, "16 bits"));
    OK(pln_image_save(ctx, in, path("r.tif"), &o));
    OK(pln_image_load(ctx, path("r.tif"), &out));
    assert_true(out->pixels.data[3] == 7); /* floats above 1 are kept */
    pln_image_free(out);
    o.depth = 32;
    assert_int_equal(pln_image_save(ctx, in, path("r3.png"), &o), PLN_E_ARG);
    assert_int_equal(pln_image_save(ctx, in, path("r.xyz"), NULL), PLN_E_ARG);
    pln_image_free(in);
}

/* w x h x bands bytes as a vips picture. */
static VipsImage *vips_picture(const uint8_t *data, int w, int h, int bands,
                               VipsInterpretation kind)
{
    VipsImage *image = vips_image_new_from_memory_copy(data, (size_t)(w * h * bands), w, h, bands,
                                                       VIPS_FORMAT_UCHAR);
    assert_non_null(image);
    image->Type = kind;
    return image;
}

static uint8_t bytes[64 * 64 * 4]; /* i * 37 mod 256 */

static VipsImage *bytes_image(int w, int h, int bands, VipsInterpretation kind)
{
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37);
    return vips_picture(bytes, w, h, bands, kind);
}

static void orientation_is_applied(void **state)
{
    (void)state;
    /* Where the first stored pixel goes, of 8 x 4. */
    static const int corner[9][2] = {{0, 0}, {0, 0}, {7, 0}, {7, 3}, {0, 3},
                                     {0, 0}, {3, 0}, {3, 7}, {0, 7}};
    for (int o = 1; o <= 8; o++) {
        uint8_t data[32];
        memset(data, 10, sizeof data);
        data[0] = 200;
        VipsImage *v = vips_picture(data, 8, 4, 1, VIPS_INTERPRETATION_B_W);
        pln_image *image = NULL, *again = NULL;
        vips_image_set_int(v, VIPS_META_ORIENTATION, o);
        assert_int_equal(vips_image_write_to_file(v, path("o.tif"), NULL), 0);
        g_object_unref(v);
        OK(pln_image_load(ctx, path("o.tif"), &image));
        assert_int_equal(pln_image_width(image), o < 5 ? 8 : 4);
        pln_view p = pln_image_pixels(image);
        if (pln_row(&p, (size_t)corner[o][1])[corner[o][0]] < 0.7f) fail_msg("orientation %d", o);
        OK(pln_image_save(ctx, image, path("o2.tif"), NULL)); /* and not again */
        OK(pln_image_load(ctx, path("o2.tif"), &again));
        assert_true(difference(&image->pixels, &again->pixels) == 0);
        pln_image_free(again);
        pln_image_free(image);
    }
}

static void metadata_is_carried(void **state)
{
    (void)state;
    static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
    VipsImage *v = bytes_image(16, 16, 3, VIPS_INTERPRETATION_sRGB), *srgb = NULL;
    pln_image *image = NULL;
    const void *blob;
    size_t n;
    assert_int_equal(vips_icc_export(v, &srgb, "output_profile", "srgb", NULL) &&
                         vips_profile_load("srgb", NULL, NULL),
                     0);
    if (!srgb) srgb = g_object_ref(v);
    vips_image_set_blob_copy(srgb, VIPS_META_XMP_NAME, xmp, sizeof xmp - 1);
    vips_image_set_string(srgb, "exif-ifd0-Copyright",
                          "nobody (nobody, ASCII, 7 components, 7 bytes)");
    assert_int_equal(vips_image_write_to_file(srgb, path("m.jpg"), NULL), 0);
    g_object_unref(srgb);
    g_object_unref(v);
    OK(pln_image_load(ctx, path("m.jpg"), &image));
    for (int strip = 0; strip <= 1; strip++) {
        pln_save_options o = {.size = sizeof o, .strip = strip};
        OK(pln_image_save(ctx, image, path("m2.jpg"), &o));
        v = vips_image_new_from_file(path("m2.jpg"), NULL);
        assert_non_null(v);
        assert_int_equal(vips_image_get_typeof(v, VIPS_META_XMP_NAME) != 0, !strip);
        assert_int_equal(vips_image_get_typeof(v, "exif-ifd0-Copyright") != 0, !strip);
        if (!strip) {
            assert_int_equal(vips_image_get_blob(v, VIPS_META_XMP_NAME, &blob, &n), 0);
            assert_memory_equal(blob, xmp, sizeof xmp - 1);
        }
        g_object_unref(v);
    }
    pln_image_free(image);
}

static void pages_are_stacked(void **state)
{
    (void)state;
    VipsImage *v = bytes_image(10, 24, 3, VIPS_INTERPRETATION_sRGB);
    pln_image *image = NULL, *one = NULL, *again = NULL;
    vips_image_set_int(v, VIPS_META_PAGE_HEIGHT, 8);
    assert_int_equal(vips_image_write_to_file(v, path("p.tif"), NULL), 0);
    g_object_unref(v);
    OK(pln_image_load(ctx, path("p.tif"), &image));
    assert_int_equal(pln_image_pages(image), 3);
    assert_int_equal(pln_image_height(image), 8);
    pln_load_options o = {.size = sizeof o, .page = 2};
    OK(pln_image_load_with(ctx, path("p.tif"), &o, &one));
    pln_view second = pln_page(image->pixels, 3, 1);
    assert_true(difference(&second, &one->pixels) == 0);
    OK(pln_image_save(ctx, image, path("p2.tif"), NULL));
    OK(pln_image_load(ctx, path("p2.tif"), &again));
    assert_int_equal(pln_image_pages(again), 3);
    o.page = 7;
    pln_image_free(one);
    one = NULL;
    assert_int_equal(pln_image_load_with(ctx, path("p.tif"), &o, &one), PLN_E_READ);
    assert_null(one);
    pln_image_free(again);
    pln_image_free(image);
}

/* Saves under another name; what the file is then. */
static VipsInterpretation saved_as(const pln_image *image, const char *file, int depth, int *bands)
{
    pln_save_options o = {.size = sizeof o, .depth = depth};
    last_warning[0] = 0;
    OK(pln_image_save(ctx, image, path(file), &o));
    VipsImage *v = vips_image_new_from_file(path(file), NULL);
    assert_non_null(v);
    VipsInterpretation space = vips_image_guess_interpretation(v);
    *bands = v->Bands;
    g_object_unref(v);
    return space;
}

static void cmyk_goes_through_rgb_and_back(void **state)
{
    (void)state;
    VipsImage *v = bytes_image(16, 16, 3, VIPS_INTERPRETATION_sRGB), *cmyk = NULL;
    pln_image *image = NULL, *again = NULL;
    int bands;
    /* Colours that CMYK has: near grey. */
    VipsImage *grey = NULL;
    assert_int_equal(vips_linear1(v, &grey, 0.3, 90, "uchar", TRUE, NULL), 0);
    assert_int_equal(vips_icc_import(grey, &cmyk, "input_profile", "srgb", NULL), 0);
    g_object_unref(v);
    assert_int_equal(vips_icc_export(cmyk, &v, "output_profile", "cmyk", NULL), 0);
    for (int own = 0; own < 2; own++) { /* with its profile, and without one */
        if (!own) vips_image_remove(v, VIPS_META_ICC_NAME);
        const char *file = own ? "cmyk.tif" : "bare.tif";
        assert_int_equal(vips_image_write_to_file(v, path(file), NULL), 0);
        if (!own) {
            g_object_unref(v);
            assert_int_equal(vips_icc_export(cmyk, &v, "output_profile", "cmyk", NULL), 0);
        }
        last_warning[0] = 0;
        OK(pln_image_load(ctx, path(file), &image));
        assert_int_equal(pln_image_channels(image), 3);
        assert_false(pln_image_has_alpha(image));
        assert_string_equal(last_warning, "");
        static const char *const back[] = {"back.tif", "back.jpg"};
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(saved_as(image, back[i], 0, &bands), VIPS_INTERPRETATION_CMYK);
            assert_int_equal(bands, 4);
            assert_string_equal(last_warning, "");
            OK(pln_image_load(ctx, path(back[i]), &again));
            pln_view a = pln_image_pixels(image), b = pln_image_pixels(again);
            double sum = 0;
            for (size_t k = 0; k < 768; k++) sum += fabs((double)(a.data[k] - b.data[k])) / 768;
            if (sum > (i ? 0.04 : 0.01)) fail_msg("%s: %g away on average", back[i], sum);
            pln_image_free(again);
        }
        /* PNG knows no CMYK: a warning, sRGB, no CMYK profile. */
        assert_int_equal(saved_as(image, "back.png", 0, &bands), VIPS_INTERPRETATION_sRGB);
        assert_int_equal(bands, 3);
        assert_non_null(strstr(last_warning, "CMYK"));
        VipsImage *png = vips_image_new_from_file(path("back.png"), NULL);
        assert_int_equal(vips_image_get_typeof(png, VIPS_META_ICC_NAME), 0);
        g_object_unref(png);
        pln_image_free(image);
    }
    g_object_unref(cmyk);
    g_object_unref(grey);
    g_object_unref(v);
}

static void lab_goes_through_rgb_and_back(void **state)
{
    (void)state;
    static const VipsInterpretation kinds[] = {VIPS_INTERPRETATION_LABQ, VIPS_INTERPRETATION_LABS};
    VipsImage *v = bytes_image(16, 16, 3, VIPS_INTERPRETATION_sRGB), *lab = NULL;
    int bands;
    for (size_t kind = 0; kind < 2; kind++) {
        pln_image *image = NULL, *again = NULL;
        assert_int_equal(vips_colourspace(v, &lab, kinds[kind], NULL), 0);
        assert_int_equal(vips_image_write_to_file(lab, path("lab.tif"), NULL), 0);
        g_object_unref(lab);
        OK(pln_image_load(ctx, path("lab.tif"), &image));
        pln_view p = pln_image_pixels(image);
        /* On average: dark saturated colours are coarse in 8 bits. */
        double off = 0, moved = 0;
        for (size_t i = 0; i < 768; i++) off += fabs((double)p.data[i] - bytes[i] / 255.0) / 768;
        if (off > (kind ? 0.002 : 0.02)) fail_msg("Lab %zu: %g off on average", kind, off);
        saved_as(image, "lab2.tif", 0, &bands);
        assert_string_equal(last_warning, "");
        VipsImage *back = vips_image_new_from_file(path("lab2.tif"), NULL);
        VipsImage *first = vips_image_new_from_file(path("lab.tif"), NULL);
        assert_int_equal(back->Type, first->Type);
        assert_int_equal(back->BandFmt, first->BandFmt);
        assert_int_not_equal(back->Type, VIPS_INTERPRETATION_sRGB);
        g_object_unref(first);
        g_object_unref(back);
        OK(pln_image_load(ctx, path("lab2.tif"), &again));
        pln_view q = pln_image_pixels(again);
        for (size_t i = 0; i < 768; i++) moved += fabs((double)(p.data[i] - q.data[i])) / 768;
        if (moved > (kind ? 0.001 : 0.01)) fail_msg("Lab %zu: moved by %g", kind, moved);
        assert_int_equal(saved_as(image, "lab.png", 0, &bands),
                         kind ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
        assert_non_null(strstr(last_warning, "Lab"));
        pln_image_free(again);
        pln_image_free(image);
    }
    g_object_unref(v);
}

static void write_bytes(const char *file, const void *data, size_t n)
{
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static void refuse(const char *file, pln_status want, const char *text)
{
    pln_image *image = NULL;
    pln_status s = pln_image_load(ctx, file, &image);
    if (s != want || !strstr(pln_context_message(ctx), text))
        fail_msg("%s: status %s, '%s'", file, pln_status_name(s), pln_context_message(ctx));
    assert_null(image);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    pln_image *in = picture(200, 200, 3, 8), *out = NULL;
    void *file = NULL;
    size_t n = 0;
    refuse(path("none.png"), PLN_E_READ, "no such file");
    refuse(dir, PLN_E_READ, "is a folder");
    write_bytes(path("empty.png"), "", 0);
    refuse(path("empty.png"), PLN_E_FORMAT, "is empty");
    write_bytes(path("text.png"), "hello world, no picture", 23);
    refuse(path("text.png"), PLN_E_FORMAT, "not an image planish can read");
    /* Cut short. */
    OK(pln_image_save(ctx, in, path("whole.jpg"), NULL));
    OK(pln_file_read(ctx, path("whole.jpg"), 1 << 24, &file, &n));
    write_bytes(path("cut.jpg"), file, n / 2);
    refuse(path("cut.jpg"), PLN_E_FORMAT, "--allow-truncated uses them");
    pln_load_options o = {.size = sizeof o, .allow_truncated = true};
    OK(pln_image_load_with(ctx, path("cut.jpg"), &o, &out));
    assert_int_equal(pln_image_height(out), 200);
    pln_image_free(out);
    /* The content counts, not the name. */
    write_bytes(path("jpeg.png"), file, n);
    OK(pln_image_load(ctx, path("jpeg.png"), &out));
    pln_image_free(out);
    pln_free(file);
    /* A header that claims 100000 x 100000. */
    OK(pln_image_save(ctx, in, path("whole.png"), NULL));
    OK(pln_file_read(ctx, path("whole.png"), 1 << 24, &file, &n));
    static const uint8_t large[8] = {0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0};
    memcpy((uint8_t *)file + 16, large, 8);
    uint32_t crc = 0xffffffff; /* of the header chunk: CRC-32, bit by bit */
    for (int i = 12; i < 29; i++) {
        crc ^= ((uint8_t *)file)[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++) ((uint8_t *)file)[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    write_bytes(path("huge.png"), file, n);
    pln_context_reset_peak(ctx);
    uint64_t held = pln_context_bytes(ctx);
    pln_image *none = NULL;
    pln_status s = pln_image_load(ctx, path("huge.png"), &none);
    if (s != PLN_E_LIMIT && s != PLN_E_FORMAT) fail_msg("%s", pln_context_message(ctx));
    assert_true(pln_context_peak(ctx) - held < 1 << 20);
    pln_free(file);
    /* Nowhere to write. */
    assert_int_equal(pln_image_save(ctx, in, path("no/such/folder.png"), NULL), PLN_E_WRITE);
    assert_int_equal(
        pln_image_save(ctx, in, dir,
                       &(pln_save_options){.size = sizeof(pln_save_options), .format = "png"}),
        PLN_E_WRITE);
    pln_image_free(in);
}

static void palettes_and_single_bits(void **state)
{
    (void)state;
    VipsImage *v = bytes_image(16, 16, 4, VIPS_INTERPRETATION_sRGB);
    pln_image *image = NULL;
    assert_int_equal(vips_image_write_to_file(v, path("pal.png"), "palette", TRUE, NULL), 0);
    OK(pln_image_load(ctx, path("pal.png"), &image));
    assert_int_equal(pln_image_channels(image), 3);
    assert_true(pln_image_has_alpha(image));
    pln_image_free(image);
    g_object_unref(v);
    v = bytes_image(16, 16, 1, VIPS_INTERPRETATION_B_W);
    assert_int_equal(vips_image_write_to_file(v, path("bit.png"), "bitdepth", 1, NULL), 0);
    OK(pln_image_load(ctx, path("bit.png"), &image));
    assert_int_equal(pln_image_channels(image), 1);
    for (size_t i = 0; i < 256; i++)
        assert_true(image->pixels.data[i] == 0 || image->pixels.data[i] == 1);
    pln_image_free(image);
    g_object_unref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_round_trips),
        cmocka_unit_test(npy_types),
        cmocka_unit_test(npy_nonsense),
        cmocka_unit_test(lab_vectors),
        cmocka_unit_test(curves_invert),
        cmocka_unit_test(formats_round_trip),
        cmocka_unit_test(depth_is_rounded_and_saturated),
        cmocka_unit_test(orientation_is_applied),
        cmocka_unit_test(metadata_is_carried),
        cmocka_unit_test(pages_are_stacked),
        cmocka_unit_test(cmyk_goes_through_rgb_and_back),
        cmocka_unit_test(lab_goes_through_rgb_and_back),
        cmocka_unit_test(bad_files_are_named),
        cmocka_unit_test(palettes_and_single_bits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
