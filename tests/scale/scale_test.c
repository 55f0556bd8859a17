/* SPDX-License-Identifier: MIT */
/* Pictures of real cameras: 24 MP through a method of each kind and 12 MP through networks within
 * the declared memory, and 100 MP streamed in working memory that does not depend on the height. A
 * network is loaded and planned in no time. Many minutes, and gigabytes. */
#include "support.h"

#include <time.h>
#include <unistd.h>

#include "weights.h"

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

/* Working bytes beyond input and output. net: for networks, or NULL. */
static uint64_t run(const char *method, const pln_net_options *net, const float *rgb, float *out,
                    size_t w, size_t h)
{
    pln_context *ctx = NULL;
    pln_params *params = NULL;
    OK(NULL, pln_context_new(&ctx));
    OK(ctx, pln_context_set_threads(ctx, 2));
    OK(ctx, pln_params_new(ctx, method, &params));
    if (net) OK(ctx, pln_params_set_net(ctx, params, net));
    uint64_t before = pln_context_bytes(ctx);
    pln_context_reset_peak(ctx);
    double start = now();
    OK(ctx, pln_smooth_f32(ctx, params, rgb, w, h, C, 0, out, 0));
    uint64_t peak = pln_context_peak(ctx) - before;
    uint64_t declared = pln_params_method(params)->memory(pln_params_values(params), w, h, C, 2);
    print_message("%-6s %zux%zu: %.1f s, %.1f MB beyond input and output\n", method, w, h,
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
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        run(methods[i], NULL, rgb, out, W, H);
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
        uint64_t low = run(methods[i], NULL, rgb, out, W, H / 10);
        uint64_t high = run(methods[i], NULL, rgb, out, W, H);
        if (low != high)
            fail_msg("%s: %llu working bytes at %d rows, %llu at %d", methods[i],
                     (unsigned long long)low, H / 10, (unsigned long long)high, H);
    }
    free(out);
    free(rgb);
}

/* ---- Networks ---- */

/* Weights that the network starts from. */
static pln_net_options weights_of(const char *name, char path[64])
{
    pln_context *ctx = NULL;
    const pnet_net *net;
    pnet_options options;
    pnn_graph *g = NULL;
    pnn_store *store = NULL;

    snprintf(path, 64, "/tmp/planish-%ld-%s.safetensors", (long)getpid(), name);
    OK(NULL, pln_context_new(&ctx));
    OK(ctx, pnet_find(ctx, name, &net, &options));
    OK(ctx, pnet_graph(ctx, net, &options, PNET_EVAL, &g));
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pnn_store_init(store, g, 1));
    OK(ctx, write_weights(ctx, store, name, "{}", path));
    pnn_store_free(store);
    pnn_graph_free(g);
    pln_context_free(ctx);
    return (pln_net_options){
        .size = sizeof(pln_net_options), .weights = path, .precision = PLN_PRECISION_F32};
}

static void networks_12_megapixels(void **state)
{
    static const char *const methods[] = {"fan", "sasnet", "jess"};
    enum { W = 4000, H = 3000 };
    float *rgb = make_large(W, H), *out = malloc((size_t)W * H * C * sizeof *out);
    (void)state;
    assert_non_null(out);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char path[64];
        const pln_net_options net = weights_of(methods[i], path);
        uint64_t bytes = run(methods[i], &net, rgb, out, W, H);
        unlink(path);
        /* With input and output. */
        bytes += 2 * (uint64_t)W * H * C * sizeof(float);
        if (!strcmp(methods[i], "jess") && bytes > (uint64_t)4e9)
            fail_msg("jess at 12 MP takes %llu bytes", (unsigned long long)bytes);
    }
    free(out);
    free(rgb);
}

/* Processor time, which neighbours do not change. */
static void networks_start_at_once(void **state)
{
    static const char *const methods[] = {"fan", "sasnet", "jess"};
    float x[C] = {0.5f, 0.5f, 0.5f}, y[C];
    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char path[64];
        const pln_net_options net = weights_of(methods[i], path);
        clock_t start = clock();
        run(methods[i], &net, x, y, 1, 1);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        unlink(path);
        if (seconds > 0.3)
            fail_msg("%s: %g s to load, plan and run one pixel", methods[i], seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(camera_24_megapixels),
        cmocka_unit_test(streamed_100_megapixels),
        cmocka_unit_test(networks_start_at_once),
        cmocka_unit_test(networks_12_megapixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
