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
