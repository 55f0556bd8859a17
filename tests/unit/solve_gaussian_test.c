/* SPDX-License-Identifier: MIT */
/* Borders, Gaussian taps and the separable convolution against direct sums in double. */
#include "../support.h"
#include "solve/gaussian_kernels.h"
#include "solve/solve.h"

static const pln_border borders[] = {PLN_BORDER_REPLICATE, PLN_BORDER_REFLECT101, PLN_BORDER_SHRINK,
                                     PLN_BORDER_ZERO, PLN_BORDER_PERIODIC};

/* The pattern of the header, spelled out for four samples and positions -7 .. 10. */
static void border_indices(void **state)
{
    static const int want[5][18] = {
        {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3},
        {1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2},
        {-1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1},
        {-1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1},
        {1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2},
    };

    (void)state;
    for (int b = 0; b < 5; b++)
        for (int i = -7; i <= 10; i++)
            if (pln_border_index(i, 4, borders[b]) != want[b][i + 7])
                fail_msg("border %d, index %d of 4: %td instead of %d", b, i,
                         pln_border_index(i, 4, borders[b]), want[b][i + 7]);
    for (int i = -5; i <= 5; i++) {
        assert_int_equal(pln_border_index(i, 1, PLN_BORDER_REPLICATE), 0);
        assert_int_equal(pln_border_index(i, 1, PLN_BORDER_REFLECT101), 0);
        assert_int_equal(pln_border_index(i, 1, PLN_BORDER_PERIODIC), 0);
        assert_int_equal(pln_border_index(i, 1, PLN_BORDER_SHRINK), i ? -1 : 0);
    }
}

static void taps(void **state)
{
    /* fspecial('gaussian',[1 5],1) */
    static const double want[5] = {0.05448868454964294, 0.24420134200323332, 0.40261994689424746,
                                   0.24420134200323332, 0.05448868454964294};
    float t[41];

    (void)state;
    pln_gaussian_taps(1, 2, t);
    for (int i = 0; i < 5; i++) assert_true(fabs(t[i] - want[i]) < 1e-7);
    pln_gaussian_taps(1, 20, t);
    assert_true(t[20 - 8] > 0);  /* exp(-32) = 1.3e-14 */
    assert_true(t[20 - 9] == 0); /* exp(-40.5) = 2.6e-18 */
    pln_gaussian_taps(1e-3, 3, t);
    assert_true(t[3] == 1 && t[2] == 0 && t[4] == 0);
    pln_gaussian_taps(2, 0, t);
    assert_true(t[0] == 1);
}

/* Row y, column x, channel k of the truth. */
static double direct(const pln_view *in, const float *t, int radius, pln_border border, size_t y,
                     size_t x, size_t k)
{
    double sum = 0, weight = 0;

    for (int dy = -radius; dy <= radius; dy++) {
        for (int dx = -radius; dx <= radius; dx++) {
            ptrdiff_t v = pln_border_index((ptrdiff_t)y + dy, (ptrdiff_t)in->h, border);
            ptrdiff_t u = pln_border_index((ptrdiff_t)x + dx, (ptrdiff_t)in->w, border);
            double wt = (double)t[dy + radius] * t[dx + radius];
            if (u < 0 || v < 0) continue;
            weight += wt;
            sum += wt * pln_row(in, (size_t)v)[(size_t)u * in->c + k];
        }
    }
    return border == PLN_BORDER_SHRINK ? sum / weight : sum;
}

static void check_size(pln_context *ctx, size_t w, size_t h, size_t c, int radius)
{
    float *a = calloc((w * c + 5) * h, sizeof *a), *b = calloc((w * c + 3) * h, sizeof *b);
    float *t = calloc(2 * (size_t)radius + 1, sizeof *t);
    pln_view in = {a, w, h, c, (ptrdiff_t)(w * c + 5)}, out = {b, w, h, c, (ptrdiff_t)(w * c + 3)};

    for (size_t y = 0; y < h; y++)
        for (size_t i = 0; i < w * c; i++) pln_row(&in, y)[i] = scene(i / c, y, i % c, w, h);
    pln_gaussian_taps(0.5 * radius + 0.3, radius, t);
    for (size_t n = 0; n < sizeof borders / sizeof *borders; n++) {
        OK(ctx, pln_convolve_separable(ctx, &in, &out, t, radius, borders[n]));
        for (size_t y = 0; y < h; y++)
            for (size_t i = 0; i < w * c; i++) {
                double d = direct(&in, t, radius, borders[n], y, i / c, i % c);
                if (!(fabs(d - pln_row(&out, y)[i]) < 1e-6))
                    fail_msg("%zux%zux%zu radius %d border %zu row %zu sample %zu: %.9g, not %.9g",
                             w, h, c, radius, n, y, i, pln_row(&out, y)[i], d);
            }
    }
    free(t);
    free(b);
    free(a);
}

static void convolution(void **state)
{
    static const size_t sizes[][2] = {{1, 1}, {1, 5}, {5, 1}, {3, 2}, {17, 9}, {70, 13}};
    static const int radii[] = {0, 1, 2, 7};
    pln_context *ctx = *state;

    for (pln_isa isa = PLN_ISA_BASELINE; isa <= pln_isa_machine(); isa++) {
        OK(ctx, pln_context_set_isa(ctx, pln_isa_name(isa)));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t r = 0; r < sizeof radii / sizeof *radii; r++)
                for (size_t c = 1; c <= 3; c += 2)
                    check_size(ctx, sizes[i][0], sizes[i][1], c, radii[r]);
    }
    OK(ctx, pln_context_set_isa(ctx, NULL));
}

/* A row depends on its neighbours only: the middle of a picture cut out with `radius` rows above
 * and below gives the same bytes, and so does another number of threads. */
static void any_strip(void **state)
{
    enum { W = 61, H = 150, C = 3, R = 9, Y0 = 40, Y1 = 97 };
    pln_context *ctx = *state;
    float *a = calloc(W * H * C, sizeof *a), *b = calloc(W * H * C, sizeof *b);
    float *d = calloc(W * H * C, sizeof *d), t[2 * R + 1];
    pln_view in = {a, W, H, C, W * C}, out = {b, W, H, C, W * C};
    pln_view part = {a + (Y0 - R) * W * C, W, Y1 - Y0 + 2 * R, C, W * C};
    pln_view part_out = {d, W, Y1 - Y0 + 2 * R, C, W * C};

    for (size_t i = 0; i < W * H * C; i++) a[i] = scene(i / C % W, i / C / W, i % C, W, H);
    pln_gaussian_taps(4, R, t);
    OK(ctx, pln_context_set_threads(ctx, 1));
    OK(ctx, pln_convolve_separable(ctx, &in, &out, t, R, PLN_BORDER_REPLICATE));
    OK(ctx, pln_context_set_threads(ctx, 2));
    OK(ctx, pln_convolve_separable(ctx, &part, &part_out, t, R, PLN_BORDER_REPLICATE));
    assert_memory_equal(b + Y0 * W * C, d + R * W * C, (Y1 - Y0) * W * C * sizeof *b);
    part_out.h = H;
    OK(ctx, pln_convolve_separable(ctx, &in, &part_out, t, R, PLN_BORDER_REPLICATE));
    assert_memory_equal(b, d, W * H * C * sizeof *b);
    OK(ctx, pln_context_set_threads(ctx, 0));
    free(d);
    free(b);
    free(a);
}

static int setup(void **state) { return pln_context_new((pln_context **)state) != PLN_OK; }

static int teardown(void **state)
{
    pln_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(border_indices),
        cmocka_unit_test(taps),
        cmocka_unit_test(convolution),
        cmocka_unit_test(any_strip),
    };
    return cmocka_run_group_tests_name("solve_gaussian", tests, setup, teardown);
}
