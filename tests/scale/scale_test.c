/* SPDX-License-Identifier: MIT */
/* Pictures of real cameras: 24 MP through a method of each kind within the declared memory, and 100
 * MP streamed in working memory that does not depend on the height. Minutes, and gigabytes. */
#include "support.h"

#include <time.h>

enum { C = 3 };

/* Width x height of noise under slopes, filled by rows that repeat: making it is not what is
 * measured. */
static float *make_large(size_t w, size_t h)
{
    enum { PERIOD = 64 };
    float *rgb = malloc(w * h * C * sizeof *rgb);
    assert_non_null(rgb);
    for (size_t y = 0; y < h; y++)
        for (size_t i = 0; i < w * C && y < PERIOD; i++)
            rgb[y * w * C + i] = scene(i / C, y, i % C, w, PERIOD);
    for (size_t y = PERIOD; y < h; y++)
        memcpy(rgb + y * w * C, rgb + (y - PERIOD) * w * C, w * C * sizeof *rgb);
    return rgb;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Working bytes beyond input and output. */
static uint64_t run(const char *method, const float *rgb, float *out, size_t w, size_t h)
{
    pln_context *ctx = NULL;
    pln_params *params = NULL;
    OK(NULL, pln_context_new(&ctx));
    OK(ctx, pln_context_set_threads(ctx, 2));
    OK(ctx, pln_params_new(ctx, method, &params));
    uint64_t before = pln_context_bytes(ctx);
    pln_context_reset_peak(ctx);
    double start = now();
    OK(ctx, pln_smooth_f32(ctx, params, rgb, w, h, C, 0, out, 0));
    uint64_t peak = pln_context_peak(ctx) - before;
    uint64_t declared = pln_params_method(params)->memory(pln_params_values(params), w, h, C, 2);
    print_message("%-4s %zux%zu: %.1f s, %.1f MB beyond input and output\n", method, w, h,
                  now() - start, 1e-6 * (double)peak);
    if (peak > declared)
        fail_msg("%s %zux%zu: holds %llu bytes, declares %llu", method, w, h,
                 (unsigned long long)peak, (unsigned long long)declared);
    for (size_t i = 0; i < w * h * C; i++)
        if (!isfinite(out[i]))
            fail_msg("%s %zux%zu: sample %zu is %g", method, w, h, i, (double)out[i]);
    pln_params_free(params);
    pln_context_free(ctx);
    return peak;
}

static void camera_24_megapixels(void **state)
{
    static const char *const methods[] = {"gf", "l0", "rtv", "wls"};
    enum { W = 6000, H = 4000 };
    float *rgb = make_large(W, H), *out = malloc((size_t)W * H * C * sizeof *out);
    (void)state;
    assert_non_null(out);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) run(methods[i], rgb, out, W, H);
    free(out);
    free(rgb);
}

static void streamed_100_megapixels(void **state)
{
    static const char *const methods[] = {"gf", "bf"};
    enum { W = 10000, H = 10000 };
    float *rgb = make_large(W, H), *out = malloc((size_t)W * H * C * sizeof *out);
    (void)state;
    assert_non_null(out);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        uint64_t low = run(methods[i], rgb, out, W, H / 10), high = run(methods[i], rgb, out, W, H);
        if (low != high)
            fail_msg("%s: %llu working bytes at %d rows, %llu at %d", methods[i],
                     (unsigned long long)low, H / 10, (unsigned long long)high, H);
    }
    free(out);
    free(rgb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(camera_24_megapixels),
        cmocka_unit_test(streamed_100_megapixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
