/* SPDX-License-Identifier: MIT */
/* Plans on a device, without one: recorded and replayed, out of memory, lost in the middle. */
#include <unistd.h>

#include "../support.h"
#include "host_device.h"
#include "nn/plan.h"

static pln_context *ctx;
static pln_device *device;
static pnn_graph *g;
static pnn_store *store;
static pnn_plan *plan;
static float x[2 * 5 * 6 * 3], y[2 * 5 * 6 * 4];
static char other[4096]; /* PLANISH_MODULES as it was; "": untouched */

/* y = relu(convolution of x) + noise. */
static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = (float)(i % 11) / 11;
    if (pln_context_new(&ctx) || host_device_open(ctx, HOST_ENGINES_ALL, &device) ||
        pnn_graph_new(ctx, &g) || pnn_store_new(ctx, &store))
        return -1;
    pnn_node r = pnn_relu(
        g, pnn_conv(g, pnn_input(g, "x", 3), "c", (pnn_conv_spec){.out = 4, .k = 3, .pad = 1}));
    pnn_output(g, pnn_add(g, r, pnn_noise(g, r, 1)), "y");
    plan = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pnn_plan_free(plan);
    pnn_store_free(store);
    pnn_graph_free(g);
    pln_device_close(device);
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    if (*other) setenv("PLANISH_MODULES", other, 1);
    return held != 0;
}

static pln_status make(void)
{
    const pnn_plan_options o = {.size = {2, 5, 6}, .device = device};
    return pnn_plan_new(ctx, g, store, &o, &plan);
}

static void bind(void)
{
    OK(ctx, pnn_plan_bind(plan, "x", x));
    OK(ctx, pnn_plan_bind(plan, "y", y));
}

static void on_output(void *user, const char *name, float *values, size_t n)
{
    assert_string_equal(name, "y");
    assert_ptr_equal(values, y);
    assert_int_equal(n, sizeof y / sizeof *y);
    ++*(int *)user;
}

static void replays_follow_the_seed(void **state)
{
    float first[sizeof y / sizeof *y];
    size_t runs, replays, before;
    (void)state;
    OK(ctx, make());
    bind();
    int given = 0;
    pnn_plan_on_output(plan, on_output, &given);
    host_device_counts(device, &before, &replays);
    for (int run = 0; run < 5; run++) {
        pnn_plan_seed(plan, (uint64_t)(run == 3));
        memset(y, 0, sizeof y);
        OK(ctx, pnn_plan_run(plan));
        if (run == 0) memcpy(first, y, sizeof y);
        assert_int_equal(!memcmp(first, y, sizeof y), run != 3);
    }
    host_device_counts(device, &runs, &replays);
    assert_int_equal(replays, 4);
    assert_float_equal(pnn_plan_device_ms(plan), 1, 0);
    assert_int_equal(given, 5);
    assert_int_equal((runs - before) % 5, 0);
    assert_true(runs > before);
}

static void timed_plans_are_not_replayed(void **state)
{
    const pnn_plan_options o = {.size = {2, 5, 6}, .device = device, .timed = true};
    size_t runs, replays;
    char *text;
    (void)state;
    OK(ctx, pnn_plan_new(ctx, g, store, &o, &plan));
    bind();
    for (int run = 0; run < 3; run++) OK(ctx, pnn_plan_run(plan));
    host_device_counts(device, &runs, &replays);
    assert_int_equal(replays, 0);
    OK(ctx, pnn_plan_text(plan, &text));
    if (!strstr(text, "cudnn")) fail_msg("%s", text);
    assert_non_null(strstr(text, "   1.000 ms  conv  "));
    pln_free(text);
}

static void too_little_memory_is_said(void **state)
{
    (void)state;
    host_device_limit(device, 100);
    assert_int_equal(make(), PLN_E_LIMIT);
    assert_string_equal(pln_context_message(ctx),
                        "a network at 6x5: 960 bytes are needed, host:0 has 100 free");
    assert_null(plan);
}

/* Every copy and launch in turn: of the plan's making, of its first run, of a replay. */
static void a_lost_device_is_an_error(void **state)
{
    (void)state;
    for (int n = 1;; n++) {
        host_device_fail(device, n);
        pln_status s = make();
        if (!s) bind();
        for (int run = 0; run < 3 && !s; run++) s = pnn_plan_run(plan);
        host_device_fail(device, 0);
        pnn_plan_free(plan);
        plan = NULL;
        if (!s) {
            assert_true(n > 15);
            return;
        }
        assert_int_equal(s, PLN_E_DEVICE);
        assert_string_equal(pln_context_message(ctx), "host:0: lost");
    }
}

/* ---- The module ---- */

static void open_fails(int index, pln_status expected, const char *message)
{
    pln_device *gpu = device;
    assert_int_equal(pln_device_open(ctx, index, &gpu), expected);
    assert_null(gpu);
    if (message) assert_string_equal(pln_context_message(ctx), message);
    assert_int_equal(pln_device_check(ctx, index), expected);
    if (message) assert_string_equal(pln_context_message(ctx), message);
}

/* Neither without the module nor on a machine without a GPU is there a device. */
static void no_gpu_is_said(void **state)
{
    (void)state;
    if (pln_device_count()) skip();
    pln_status s = pln_device_check(ctx, 1);
    open_fails(1, s, NULL);
    if (s == PLN_E_UNSUPPORTED) {
        open_fails(1, s, "cuda:1: planish_cuda.so is not installed");
    } else {
        assert_int_equal(s, PLN_E_DEVICE);
        assert_int_equal(strncmp(pln_context_message(ctx), "cuda:1: ", 8), 0);
    }
}

static void modules(const char *folder)
{
    const char *now = getenv("PLANISH_MODULES");
    snprintf(other, sizeof other, "%s", now ? now : "");
    setenv("PLANISH_MODULES", folder, 1);
}

static void the_module_is_loaded(void **state)
{
    pln_device *own = device;
    (void)state;
    modules(STANDIN);
    assert_int_equal(pln_device_count(), 2);
    open_fails(2, PLN_E_DEVICE, "cuda:2: no such device: there are 2, from cuda:0");
    OK(ctx, pln_device_open(ctx, 1, &device));
    assert_string_equal(pln_device_name(device), "host:1");
    OK(ctx, make());
    bind();
    for (int run = 0; run < 3; run++) OK(ctx, pnn_plan_run(plan));
    pnn_plan_free(plan);
    plan = NULL;
    pln_device_close(device);
    device = own;
}

static void a_module_of_another_planish(void **state)
{
    char folder[] = "/tmp/planish_module_XXXXXX", file[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/planish_cuda.so", folder);
    assert_int_equal(symlink(STANDIN "/planish_cuda_old.so", file), 0);
    modules(folder);
    assert_int_equal(pln_device_count(), 0);
    open_fails(0, PLN_E_UNSUPPORTED, "cuda:0: planish_cuda.so is another planish's");
    unlink(file);
    rmdir(folder);
}

static void a_file_that_is_no_module(void **state)
{
    char folder[] = "/tmp/planish_module_XXXXXX", file[64], why[160];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/planish_cuda.so", folder);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("no module\n", f);
    fclose(f);
    modules(folder);
    snprintf(why, sizeof why, "cuda:0: %s: ", file);
    open_fails(0, PLN_E_UNSUPPORTED, NULL);
    assert_int_equal(strncmp(pln_context_message(ctx), why, strlen(why)), 0);
    unlink(file);
    rmdir(folder);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(replays_follow_the_seed),
                                       TEST(timed_plans_are_not_replayed),
                                       TEST(too_little_memory_is_said),
                                       TEST(a_lost_device_is_an_error),
                                       TEST(no_gpu_is_said),
                                       TEST(the_module_is_loaded),
                                       TEST(a_module_of_another_planish),
                                       TEST(a_file_that_is_no_module)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
