/* SPDX-License-Identifier: MIT */
/* data: the vectors of the definition (an independent program in double precision made them). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data/data.h"
#include "data/folder.h"
#include "data/make.h"
#include "image/image.h"

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

static void load(const char *name, pln_image **image, uint8_t **rgb)
{
    char path[512];
    snprintf(path, sizeof path, "%s/oracle/inputs/%s.npy", TEST_DATA, name);
    assert_int_equal(pln_image_load(ctx, path, image), PLN_OK);
    (*image)->depth = 8; /* multiples of 1/255 */
    assert_int_equal(pln_bytes_of(ctx, *image, 3, rgb), PLN_OK);
}

/* Of coloured pictures, what that program writes: sha256 of the bytes of R, G, B. */
static void blending_of_pictures(void **state)
{
    (void)state;
    static const struct {
        const char *truth, *texture;
        size_t edges;
        const char *plain[2], *normalised[2], *varied[2]; /* [1]: weights of B, G, R */
    } all[] = {
        {"astronaut_96x128",
         "coffee_61x83",
         5082,
         {"df86eeb63f55224a057a8a69da6cd099cf165e94479a3e0cd93889478b53ee53",
          "f930877c4df3ab109a1db2b0e66cc60ea25c5fabdf4bcb9adb8be04eb06a1d3f"},
         {"386117625843c3baba35a83154c2bfdbe8bd4dc26fd45ba6e5b1e4f404150ed1",
          "ac64b7cdf4e6220050b379baf5a1700b5e39ce3e90cc3438f006fd979e6d7ffc"},
         {"690782e8a863c14bd87e289dac19ff6a833a18cc5a8b08103c77783e04937dbe",
          "46513245f30dbd6d4b4d45d1fdcf3cf0de18078d3b5aff595f59a25394d96aff"}},
        {"chelsea_96x128",
         "rocket_96x128",
         3184,
         {"45639a5004d8a06ed3b519f0ac692b4054c5fe17c3543786ea1527cb589cc199",
          "02cab47818f1f05f27e3bcd71b175e7e9a4ddb264fb5cac95013c632ca4a7d37"},
         {"c779d9bf69e28b849b0f9738a79ac42d67aca6ec5b6c8076df9565bd14795cc2",
          "bd873d0b5fb414977f312b6bd30652caaf6c1be74481e4448c57a3623c416e86"},
         {"f7eb401892db0255e4021164559a17a5d2a32a37d3a6b8c8f9c59c81f650b817",
          "ed035eb07a17e1a2e070e38b03e908e69ff645979ee2c879983bc596165ec6e2"}},
    };
    enum { W = 128, H = 96 };
    uint8_t in[W * H * 3], edge[W * H];
    char sha[65];

    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        pln_image *truth = NULL, *texture = NULL;
        uint8_t *rgb = NULL, *unused = NULL;
        size_t edges = 0;
        load(all[k].truth, &truth, &rgb);
        load(all[k].texture, &texture, &unused);
        pln_edge_label(rgb, W, H, 2, edge);
        for (size_t i = 0; i < W * H; i++) edges += edge[i];
        assert_int_equal(edges, all[k].edges);
        for (int bgr = 0; bgr < 2; bgr++) {
            size_t w = texture->pixels.w, h = texture->pixels.h;
            double *grey = NULL, *half = NULL;
            assert_int_equal(pln_texture_grey(ctx, texture, bgr, &grey), PLN_OK);
            assert_int_equal(pln_blend(ctx, rgb, W, H, grey, w, h, 0, in), PLN_OK);
            pln_sha256(in, sizeof in, sha);
            assert_string_equal(sha, all[k].plain[bgr]);
            assert_int_equal(pln_blend(ctx, rgb, W, H, grey, w, h, 0.0403, in), PLN_OK);
            pln_sha256(in, sizeof in, sha);
            assert_string_equal(sha, all[k].normalised[bgr]);

            struct pln_rng r = pln_rng(1, 7);
            struct pln_varied v = pln_varied_draw(&r, 0.06, 0.14);
            struct pln_lay lay;
            assert_int_equal(pln_rescale(ctx, grey, w, h, v.scale, &half, &w, &h), PLN_OK);
            pln_varied_lay(&r, &v, half, w, h, &lay);
            pln_lay_fit(&lay, W, H, v.std);
            pln_lay_over(&lay, rgb, W, 0, 0, W, H, in);
            pln_sha256(in, sizeof in, sha);
            assert_string_equal(sha, all[k].varied[bgr]);
            pln_free(grey);
            pln_free(half);
        }
        pln_free(rgb);
        pln_free(unused);
        pln_image_free(truth);
        pln_image_free(texture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(scenes),
        cmocka_unit_test(textures),
        cmocka_unit_test(blending),
        cmocka_unit_test(blending_of_pictures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
