/* SPDX-License-Identifier: MIT */
/* Scores against values computed once in double by independent programs: PSNR, SSIM-B, SSIM-C by
 * scikit-image 0.26, SSIM-A by a PyTorch convolution, edges by SciPy's Laplacian and NumPy's
 * correlation, reversals by NumPy. Distortions of real photographs, made here in
 * double and stored as float. */
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

enum { SCORES = PLN_SCORE_REVERSALS + 1 };

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
    double scores[SCORES]; /* in the order of pln_score */
} vectors[] = {
    {"astronaut_96x128",
     "checker",
     {20.14537384, 0.4843921863, 0.5024733785, 0.4346540675, 0.0974866394, 0.09834024998,
      0.3037805365, 0.2370215574}},
    {"astronaut_96x128",
     "box3",
     {29.9179572, 0.9114757273, 0.9183391582, 0.9101783175, 0.02076108998, 0.03192288549,
      0.4041952555, 0.1298944127}},
    {"astronaut_96x128",
     "gain",
     {27.25766081, 0.9890302669, 0.9906265677, 0.9934687927, 0.03783199907, 0.04336276426, 1, 0}},
    {"astronaut_96x128",
     "quant",
     {32.2202577, 0.9336024549, 0.9391889164, 0.9682698093, 0.02004474205, 0.02448990582,
      0.848829136, 0}},
    {"coffee_61x83",
     "checker",
     {20.2499503, 0.3357756809, 0.2402168098, 0.1933937108, 0.09593231498, 0.09716335113,
      0.1760683752, 0.2335193222}},
    {"coffee_61x83",
     "box3",
     {34.25682237, 0.9686535656, 0.9652382569, 0.9714478939, 0.008390545685, 0.0193713051,
      0.3437163346, 0.07935523869}},
    {"coffee_61x83",
     "gain",
     {25.1387286, 0.9950623261, 0.9948859431, 0.9952257409, 0.05187350475, 0.05534311118, 1, 0}},
    {"coffee_61x83",
     "quant",
     {31.63971533, 0.9254104184, 0.9080083253, 0.952392441, 0.02094833727, 0.02618268816,
      0.7628484917, 0}},
    {"camera_96x128_grey",
     "checker",
     {20.1226875, 0.406772203, 0.3930196659, 0.3581664156, 0.09825209092, 0.09859743687,
      0.3084163673, 0.2273114874}},
    {"camera_96x128_grey",
     "box3",
     {28.96218771, 0.9040413457, 0.9056553497, 0.8930549696, 0.01853064564, 0.03563613656,
      0.2911953786, 0.1348519917}},
    {"camera_96x128_grey",
     "gain",
     {28.18994175, 0.9934683335, 0.9935006665, 0.9934732072, 0.03094385047, 0.03894959199, 1, 0}},
    {"camera_96x128_grey",
     "quant",
     {30.97961538, 0.9034108963, 0.899668455, 0.8946800871, 0.02335324627, 0.02825005067,
      0.8766529505, 0}},
};

static void scores_equal_other_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        pln_image *a = load(vectors[i].picture), *b = distort(a, vectors[i].kind);
        for (int kind = 0; kind < SCORES; kind++) {
            double v;
            assert_int_equal(pln_score_images(ctx, (pln_score)kind, b, a, &v), PLN_OK);
            if (!(fabs(v - vectors[i].scores[kind]) <= 1e-8))
                fail_msg("%s %s, score %d: %.9g, expected %.9g", vectors[i].picture,
                         vectors[i].kind, kind, v, vectors[i].scores[kind]);
        }
        pln_image_free(b);
        pln_image_free(a);
    }
}

/* As the energy's formulas with bounded slopes give in double precision, edges and texture found in
 * the picture at hand. Relative: weights and powers are taken in single precision. */
static void energies_of_fan(void **state)
{
    static const struct {
        const char *picture, *kind;
        double energies[4];
    } want[] = {
        {"astronaut_96x128", "checker", {13622.088, 37975.121, 216979.04, 23088.221}},
        {"astronaut_96x128", "box3", {1969.8044, 5426.7626, 27281.323, 6066.897}},
        {"coffee_61x83", "checker", {39019.551, 54809.044, 169857.08, 21700.96}},
        {"coffee_61x83", "box3", {1341.7274, 1806.9961, 16256.633, 1926.1882}},
        {"camera_96x128_grey", "checker", {26609.824, 48928.007, 192220.27, 21986.274}},
        {"camera_96x128_grey", "box3", {2430.7675, 7814.4837, 27240.793, 3830.9484}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        pln_image *a = load(want[i].picture), *b = distort(a, want[i].kind);
        for (int k = 0; k < 4; k++) {
            /* `detail` has m = 1 wherever E(T) > G, and box3 has ties: they fall as roundings do.
             */
            double v, e = want[i].energies[k], tolerance = k == 2 ? 2e-3 : 1e-4;
            assert_int_equal(pln_score_images(ctx, (pln_score)(PLN_SCORE_FAN_SMOOTH + k), b, a, &v),
                             PLN_OK);
            if (!(fabs(v - e) <= tolerance * e))
                fail_msg("%s %s, variant %d: %.8g, expected %.8g", want[i].picture, want[i].kind, k,
                         v, e);
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

/* Counted by hand: 6 steep steps of 7 in the reference, one of them turned round. */
static void reversals_of_a_row(void **state)
{
    (void)state;
    const float reference[] = {0.1f, 0.2f, 0.3f, 0.31f, 0.2f, 0.1f, 0.5f, 0.4f};
    const float turned[] = {0.1f, 0.2f, 0.3f, 0.2f, 0.2f, 0.1f, 0.0f, 0.0f};
    pln_view b = {(float *)reference, 8, 1, 1, 8}, a = {(float *)turned, 8, 1, 1, 8};
    double share;
    assert_int_equal(pln_gradient_reversals(ctx, &a, &b, &share), PLN_OK);
    assert_true(fabs(share - 1.0 / 6) < 1e-12);
    pln_view column_a = {a.data, 1, 8, 1, 1}, column_b = {b.data, 1, 8, 1, 1};
    assert_int_equal(pln_gradient_reversals(ctx, &column_a, &column_b, &share), PLN_OK);
    assert_true(fabs(share - 1.0 / 6) < 1e-12);
}

static void pictures_without_edges(void **state)
{
    (void)state;
    const float flat[] = {0.5f, 0.5f, 0.5f, 0.5f}, step[] = {0.1f, 0.1f, 0.9f, 0.9f};
    pln_view f = {(float *)flat, 4, 1, 1, 4}, s = {(float *)step, 4, 1, 1, 4};
    double v;
    assert_int_equal(pln_edge_preservation(ctx, &f, &f, &v), PLN_OK);
    assert_true(v == 1);
    assert_int_equal(pln_edge_preservation(ctx, &f, &s, &v), PLN_OK);
    assert_true(v == 0);
    assert_int_equal(pln_gradient_reversals(ctx, &s, &f, &v), PLN_OK);
    assert_true(v == 0);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    pln_image *a = load("astronaut_96x128"), *b = distort(a, "checker");
    double one, two;
    for (int kind = 0; kind <= PLN_SCORE_FAN_TEXTURE; kind++) {
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
        cmocka_unit_test(scores_equal_other_programs), cmocka_unit_test(energies_of_fan),
        cmocka_unit_test(several_references),          cmocka_unit_test(equal_pictures),
        cmocka_unit_test(reversals_of_a_row),          cmocka_unit_test(pictures_without_edges),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
