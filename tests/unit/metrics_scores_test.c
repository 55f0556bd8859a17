/* SPDX-License-Identifier: MIT */
/* Scores against values computed once in double by independent programs: PSNR, SSIM-B, SSIM-C by
 * scikit-image 0.26, SSIM-A by a PyTorch convolution. Distortions of real photographs, made here in
 * double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "metrics/metrics.h"

static pln_context *ctx;

static int setup(void **state)
{
    (void)state;
    return pln_context_new(&ctx);
}

static int teardown(void **state)
{
    (void)state;
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return held != 0;
}

static pln_image *load(const char *name)
{
    char path[512];
    pln_image *image = NULL;
    snprintf(path, sizeof path, "%s/oracle/inputs/%s.npy", TEST_DATA, name);
    if (pln_image_load(ctx, path, &image)) fail_msg("%s", pln_context_message(ctx));
    return image;
}

/* Value of channel k, edges replicated. */
static double at(const pln_view *v, ptrdiff_t x, ptrdiff_t y, size_t k)
{
    x = x < 0 ? 0 : x >= (ptrdiff_t)v->w ? (ptrdiff_t)v->w - 1 : x;
    y = y < 0 ? 0 : y >= (ptrdiff_t)v->h ? (ptrdiff_t)v->h - 1 : y;
    return (double)pln_row(v, (size_t)y)[(size_t)x * v->c + k];
}

static double distorted(const pln_view *v, const char *kind, size_t x, size_t y, size_t k)
{
    double a = at(v, (ptrdiff_t)x, (ptrdiff_t)y, k), sum = 0;
    if (!strcmp(kind, "checker")) {
        a += (x / 2 + y / 2) % 2 == 0 ? 0.1 : -0.1;
        return a < 0 ? 0 : a > 1 ? 1 : a;
    }
    if (!strcmp(kind, "gain")) return 0.9 * a + 0.02;
    if (!strcmp(kind, "quant")) return floor(15.999 * a) / 15;
    for (ptrdiff_t j = -1; j <= 1; j++)
        for (ptrdiff_t i = -1; i <= 1; i++) sum += at(v, (ptrdiff_t)x + i, (ptrdiff_t)y + j, k);
    return sum / 9;
}

static pln_image *distort(const pln_image *image, const char *kind)
{
    pln_view v = pln_image_pixels(image);
    pln_image *out = NULL;
    assert_int_equal(pln_image_new_f32(ctx, v.w, v.h, v.c, &out), PLN_OK);
    pln_view o = pln_image_pixels(out);
    for (size_t y = 0; y < v.h; y++)
        for (size_t x = 0; x < v.w; x++)
            for (size_t k = 0; k < v.c; k++)
                pln_row(&o, y)[x * v.c + k] = (float)distorted(&v, kind, x, y, k);
    return out;
}

static const struct {
    const char *picture, *kind;
    double scores[6]; /* PSNR, SSIM-A, SSIM-B, SSIM-C, MAE, RMSE */
} vectors[] = {
    {"astronaut_96x128", "checker", {20.145375, 0.484392, 0.502473, 0.434654, 0.097487, 0.098340}},
    {"astronaut_96x128", "box3", {29.917957, 0.911476, 0.918339, 0.910178, 0.020761, 0.031923}},
    {"astronaut_96x128", "gain", {27.257661, 0.989030, 0.990627, 0.993469, 0.037832, 0.043363}},
    {"astronaut_96x128", "quant", {32.220259, 0.933602, 0.939189, 0.968270, 0.020045, 0.024490}},
    {"coffee_61x83", "checker", {20.249952, 0.335776, 0.240217, 0.193394, 0.095932, 0.097163}},
    {"coffee_61x83", "box3", {34.256822, 0.968654, 0.965238, 0.971448, 0.008391, 0.019371}},
    {"coffee_61x83", "gain", {25.138728, 0.995062, 0.994886, 0.995226, 0.051874, 0.055343}},
    {"coffee_61x83", "quant", {31.639716, 0.925410, 0.908008, 0.952392, 0.020948, 0.026183}},
    {"camera_96x128_grey",
     "checker",
     {20.122688, 0.406772, 0.393020, 0.358166, 0.098252, 0.098597}},
    {"camera_96x128_grey", "box3", {28.962188, 0.904041, 0.905655, 0.893055, 0.018531, 0.035636}},
    {"camera_96x128_grey", "gain", {28.189941, 0.993468, 0.993501, 0.993473, 0.030944, 0.038950}},
    {"camera_96x128_grey", "quant", {30.979616, 0.903411, 0.899668, 0.894680, 0.023353, 0.028250}},
};

static void scores_equal_other_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        pln_image *a = load(vectors[i].picture), *b = distort(a, vectors[i].kind);
        for (int kind = 0; kind < 6; kind++) {
            double v;
            assert_int_equal(pln_score_images(ctx, (pln_score)kind, b, a, &v), PLN_OK);
            if (!(fabs(v - vectors[i].scores[kind]) <= (kind == 0 ? 1e-5 : 1.5e-6)))
                fail_msg("%s %s, score %d: %.7f, expected %.6f", vectors[i].picture,
                         vectors[i].kind, kind, v, vectors[i].scores[kind]);
        }
        pln_image_free(b);
        pln_image_free(a);
    }
}

static void several_references(void **state)
{
    (void)state;
    pln_image *a = load("astronaut_96x128"), *out = distort(a, "box3"), *gain = distort(a, "gain");
    pln_image *quant = distort(a, "quant");
    const pln_image *references[] = {a, gain, quant};
    const double votes[] = {3, 1, 1}, bad[] = {1, -1, 1}, none[] = {0, 0, 0};
    double wmae, wrmse;
    assert_int_equal(pln_score_weighted(ctx, out, references, votes, 3, &wmae, &wrmse), PLN_OK);
    assert_true(fabs(wmae - 0.027424) <= 1e-6 && fabs(wrmse - 0.038489) <= 1e-6);
    assert_int_equal(pln_score_weighted(ctx, out, references, bad, 3, &wmae, &wrmse), PLN_E_RANGE);
    assert_int_equal(pln_score_weighted(ctx, out, references, none, 3, &wmae, &wrmse), PLN_E_RANGE);
    pln_image_free(quant);
    pln_image_free(gain);
    pln_image_free(out);
    pln_image_free(a);
}

static void equal_pictures(void **state)
{
    (void)state;
    pln_image *a = load("coffee_61x83"), *small = NULL, *grey = load("camera_96x128_grey"),
              *other = NULL;
    double v;
    assert_int_equal(pln_score_images(ctx, PLN_SCORE_PSNR, a, a, &v), PLN_OK);
    assert_true(v == 100);
    for (int kind = PLN_SCORE_SSIM_A; kind <= PLN_SCORE_SSIM_C; kind++) {
        assert_int_equal(pln_score_images(ctx, (pln_score)kind, a, a, &v), PLN_OK);
        assert_true(fabs(v - 1) < 1e-12);
    }
    assert_int_equal(pln_score_images(ctx, PLN_SCORE_PSNR, a, grey, &v), PLN_E_SHAPE);
    assert_int_equal(pln_image_new_f32(ctx, 61, 83, 1, &other), PLN_OK);
    assert_int_equal(pln_image_new_f32(ctx, 6, 9, 1, &small), PLN_OK);
    assert_int_equal(pln_score_images(ctx, PLN_SCORE_SSIM_B, small, small, &v), PLN_E_SHAPE);
    assert_string_equal(pln_context_message(ctx),
                        "SSIM-B needs at least 7x7 pixels: the pictures are 6x9");
    assert_int_equal(pln_score_images(ctx, PLN_SCORE_SSIM_A, small, small, &v), PLN_OK);
    pln_image_free(other);
    pln_image_free(small);
    pln_image_free(grey);
    pln_image_free(a);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    pln_image *a = load("astronaut_96x128"), *b = distort(a, "checker");
    double one, two;
    for (int kind = 0; kind < 6; kind++) {
        assert_int_equal(pln_context_set_threads(ctx, 1), PLN_OK);
        assert_int_equal(pln_score_images(ctx, (pln_score)kind, a, b, &one), PLN_OK);
        assert_int_equal(pln_context_set_threads(ctx, 2), PLN_OK);
        assert_int_equal(pln_score_images(ctx, (pln_score)kind, a, b, &two), PLN_OK);
        assert_memory_equal(&one, &two, sizeof one);
    }
    pln_image_free(b);
    pln_image_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_equal_other_programs),
        cmocka_unit_test(several_references),
        cmocka_unit_test(equal_pictures),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
