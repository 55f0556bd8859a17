/* SPDX-License-Identifier: MIT */
/* data: the vectors of the definition (an independent program in double precision made them). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/data.h"

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

static void random_numbers(void **state)
{
    (void)state;
    struct pln_rng r = pln_rng(1, 7);
    assert_int_equal(pln_rng_next(&r), 0x27cf1707c6e1d01f);
    assert_int_equal(pln_rng_next(&r), 0xecb65194b1e2b74e);
    assert_int_equal(pln_rng_next(&r), 0x9ba8d1e9d77af63f);
}

static void scenes(void **state)
{
    (void)state;
    enum { W = 160, H = 120 };
    static uint8_t rgb[W * H * 3], classes[W * H];
    static const double means[3] = {113.026302, 99.649531, 158.626094};
    static const int counts[8] = {16540, 0, 0, 0, 1323, 742, 115, 480};
    int seen[8] = {0};
    double sum[3] = {0};
    assert_int_equal(pln_scene(ctx, 1, 0, W, H, rgb, classes), PLN_OK);
    for (int i = 0; i < W * H; i++) {
        seen[classes[i]]++;
        for (int k = 0; k < 3; k++) sum[k] += rgb[3 * i + k];
    }
    for (int k = 0; k < 8; k++) assert_int_equal(seen[k], counts[k]);
    for (int k = 0; k < 3; k++)
        if (fabs(sum[k] / (W * H) - means[k]) > 1e-6)
            fail_msg("channel %d: mean %.6f", k, sum[k] / (W * H));
}

static void textures(void **state)
{
    (void)state;
    enum { N = 64 };
    static double t[N * N];
    static const double first[4] = {-.231486, -.255378, -.231486, -.256793};
    static const double brick[4] = {1.685112, 1.792553, 2.288167, 1.484254};
    const char *family = NULL;
    assert_int_equal(pln_texture(ctx, 1, 0, N, NULL, t, &family), PLN_OK);
    assert_string_equal(family, "hatch");
    for (int i = 0; i < 4; i++)
        if (fabs(t[i] - first[i]) > 3e-6) fail_msg("hatch %d: %.7f", i, t[i]);
    assert_true(fabs(t[31 * N + 31] + .783459) < 3e-6);
    assert_int_equal(pln_texture(ctx, 1, 0, N, "brick", t, NULL), PLN_OK);
    for (int i = 0; i < 4; i++)
        /* This one is mixed with noise, which is filtered in single precision. */
        if (fabs(t[i] - brick[i]) > 1e-5) fail_msg("brick %d: %.7f", i, t[i]);
    for (int k = 0; pln_texture_families[k]; k++) {
        double mean = 0, square = 0, most = 0;
        assert_int_equal(pln_texture(ctx, 3, 5, N, pln_texture_families[k], t, &family), PLN_OK);
        assert_string_equal(family, pln_texture_families[k]);
        for (int i = 0; i < N * N; i++) {
            mean += t[i] / (N * N);
            square += t[i] * t[i] / (N * N);
            most = fmax(most, fabs(t[i]));
        }
        assert_true(fabs(mean) < 1e-9 && fabs(square - 1) < 1e-9 && most < 6);
    }
    assert_int_equal(pln_texture(ctx, 1, 0, N, "brik", t, NULL), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx),
                        "unknown texture family 'brik': did you mean 'brick'?");
    assert_int_equal(pln_texture(ctx, 1, 0, 4, NULL, t, NULL), PLN_E_RANGE);
}

/* Truth 4 x 5: R = 10 x, G = 60 y, B = 240 - 20 x; texture 3 x 2 given as luma. */
static void blending(void **state)
{
    (void)state;
    static const double layer[6] = {0, 65.55, 255, 54.45, 127.94, 128};
    static const uint8_t red[20] = {0,  0,  0,  7,  0,  166, 0, 186, 0, 206,
                                    39, 49, 59, 69, 79, 0,   0, 0,   7, 0};
    static const uint8_t green[20] = {0,   0,   0,   0,   0,   85,  55,  85,  55,  85,
                                      126, 126, 126, 126, 126, 167, 176, 167, 176, 167};
    uint8_t truth[60], in[60];
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 5; x++) {
            uint8_t *p = truth + 3 * (5 * y + x);
            p[0] = (uint8_t)(10 * x);
            p[1] = (uint8_t)(60 * y);
            p[2] = (uint8_t)(240 - 20 * x);
        }
    assert_int_equal(pln_blend(ctx, truth, 5, 4, layer, 2, 3, 0, in), PLN_OK);
    for (int i = 0; i < 20; i++) assert_int_equal(in[3 * i], red[i]);
    assert_int_equal(pln_blend(ctx, truth, 5, 4, layer, 2, 3, 0.05, in), PLN_OK);
    for (int i = 0; i < 20; i++) assert_int_equal(in[3 * i + 1], green[i]);
    assert_int_equal(pln_blend(ctx, truth, 5, 4, layer, 2, 3, -1, in), PLN_E_ARG);

    /* Varied, seed 1, stream 7; a window of it is the same pixels. */
    static const uint8_t varied[20] = {6,   6,  6,   6,  6,   45,  102, 45,  102, 45,
                                       108, 89, 108, 89, 108, 186, 186, 186, 186, 186};
    struct pln_rng r = pln_rng(1, 7);
    struct pln_varied v = {.std = 0.06 + 0.08 * pln_rng_unit(&r), .scale = 1};
    (void)pln_rng_next(&r); /* the only scale */
    v.symmetry = (unsigned)pln_rng_below(&r, 8);
    struct pln_lay lay;
    uint8_t window[12];
    pln_varied_lay(&r, &v, layer, 2, 3, &lay);
    assert_int_equal(v.symmetry, 4);
    assert_int_equal(lay.oy, 0);
    assert_int_equal(lay.ox, 1);
    assert_float_equal(v.std, 0.07244, 5e-6);
    pln_lay_fit(&lay, 5, 4, v.std);
    pln_lay_over(&lay, truth, 5, 0, 0, 5, 4, in);
    for (int i = 0; i < 20; i++) assert_int_equal(in[3 * i + 1], varied[i]);
    pln_lay_over(&lay, truth, 5, 3, 1, 2, 2, window);
    for (int i = 0; i < 12; i++) assert_int_equal(window[i], in[3 * (5 * (1 + i / 6) + 3) + i % 6]);
    r = pln_rng(1, 7);
    v = pln_varied_draw(&r, 0.06, 0.14);
    assert_float_equal(v.std, 0.07244, 5e-6);
    assert_int_equal(v.symmetry, 4);

    /* Turned: element (1, 0) of each symmetry of 0 1 / 2 3 / 4 5. */
    static const double six[6] = {0, 1, 2, 3, 4, 5}, second[8] = {1, 2, 0, 2, 5, 3, 4, 3};
    for (unsigned k = 0; k < 8; k++) {
        pln_lay_turn(&lay, six, 2, 3, k);
        assert_int_equal(lay.w, k & 1 ? 3 : 2);
        assert_float_equal(lay.at[lay.sx], second[k], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(scenes),
        cmocka_unit_test(textures),
        cmocka_unit_test(blending),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
