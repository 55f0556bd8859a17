/* SPDX-License-Identifier: MIT */
/* core: contexts, memory, parallel loops, random numbers, numbers as text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

static pln_context *new_context(void)
{
    pln_context *ctx = NULL;
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    return ctx;
}

static void memory_is_counted_and_outlives_the_context(void **state)
{
    (void)state;
    pln_context *ctx = new_context();
    char *a = NULL, *b = NULL;
    uint64_t before = pln_context_bytes(ctx);
    assert_int_equal(pln_alloc(ctx, 1000, 3, &a), PLN_OK);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_true(pln_context_bytes(ctx) - before >= 3000);
    assert_int_equal(pln_calloc(ctx, 7, 1, &b), PLN_OK);
    for (int i = 0; i < 7; i++) assert_int_equal(b[i], 0);
    pln_free(b);
    assert_true(pln_context_peak(ctx) > pln_context_bytes(ctx));
    pln_context_reset_peak(ctx);
    assert_int_equal(pln_context_peak(ctx), pln_context_bytes(ctx));
    pln_context_free(ctx);
    a[2999] = 1; /* still ours */
    pln_free(a);
    pln_free(NULL);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    pln_context *ctx = new_context();
    void *p = &p;
    assert_int_equal(pln_alloc(ctx, SIZE_MAX / 2, 3, &p), PLN_E_LIMIT);
    assert_null(p);
    pln_context_set_memory(ctx, 1000);
    assert_int_equal(pln_reserve(ctx, 5000000, "this job"), PLN_E_LIMIT);
    assert_string_equal(pln_context_message(ctx),
                        "this job needs 5.0 MB, 1.0 kB may be used: give more with --memory");
    pln_context_free(ctx);
}

struct count {
    size_t seen[1000];
};

static void count_task(void *arg, size_t index, int thread)
{
    (void)thread;
    ((struct count *)arg)->seen[index]++;
}

static void every_task_runs_once(void **state)
{
    (void)state;
    pln_context *ctx = new_context();
    for (int threads = 1; threads <= 3; threads++) {
        struct count c = {{0}};
        assert_int_equal(pln_context_set_threads(ctx, threads), PLN_OK);
        assert_int_equal(pln_parallel(ctx, 1000, count_task, &c), PLN_OK);
        for (int i = 0; i < 1000; i++) assert_int_equal(c.seen[i], 1);
    }
    assert_int_equal(pln_parallel(ctx, 0, count_task, NULL), PLN_OK);
    pln_context_free(ctx);
}

static double reciprocal(void *arg, size_t index, int thread)
{
    (void)arg;
    (void)thread;
    return 1.0 / (double)(index + 1);
}

static void sums_do_not_depend_on_threads(void **state)
{
    (void)state;
    pln_context *ctx = new_context();
    double one, two;
    for (size_t n = 1; n < 2000; n = n * 3 + 1) {
        assert_int_equal(pln_context_set_threads(ctx, 1), PLN_OK);
        assert_int_equal(pln_parallel_sum(ctx, n, reciprocal, NULL, &one), PLN_OK);
        assert_int_equal(pln_context_set_threads(ctx, 2), PLN_OK);
        assert_int_equal(pln_parallel_sum(ctx, n, reciprocal, NULL, &two), PLN_OK);
        assert_memory_equal(&one, &two, sizeof one);
    }
    pln_context_free(ctx);
}

static int cancel_at_once(void *user, double fraction, const char *stage)
{
    (void)fraction;
    (void)stage;
    ++*(int *)user;
    return 1;
}

static void cancelling_stops_loops(void **state)
{
    (void)state;
    pln_context *ctx = new_context();
    int calls = 0;
    struct count c = {{0}};
    pln_context_on_progress(ctx, cancel_at_once, &calls);
    assert_int_equal(pln_parallel(ctx, 1000, count_task, &c), PLN_E_CANCELLED);
    assert_int_equal(pln_progress(ctx, 0.5, "half"), PLN_E_CANCELLED);
    assert_int_equal(calls, 2);
    pln_context_on_progress(ctx, NULL, NULL);
    assert_int_equal(pln_parallel(ctx, 1000, count_task, &c), PLN_OK); /* usable afterwards */
    pln_context_free(ctx);
}

static int released[4], releases;
static void release(void *value) { released[releases++] = *(int *)value; }

static void devices_are_chosen_by_name(void **state)
{
    static const struct {
        const char *text, *name;
        int device;
    } good[] = {{"auto", "auto", PLN_DEVICE_AUTO},
                {"cpu", "cpu", PLN_DEVICE_CPU},
                {"cuda", "cuda:0", 0},
                {"cuda:0", "cuda:0", 0},
                {"cuda:12", "cuda:12", 12},
                {NULL, "auto", PLN_DEVICE_AUTO}};
    static const char *const bad[] = {"",        "gpu",     "cuda1",    "cuda:", "cuda:x",
                                      "cuda:-1", "cuda:+1", "cuda:256", "CPU"};
    int one = 1, two = 2;
    pln_context *ctx = NULL;
    (void)state;
    unsetenv("PLANISH_DEVICE");
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(pln_context_set_device(ctx, good[i].text), PLN_OK);
        assert_string_equal(pln_context_device(ctx), good[i].name);
        assert_int_equal(pln_device_of(ctx), good[i].device);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(pln_context_set_device(ctx, bad[i]), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx),
                        "device: unknown device 'CPU': expected auto, cpu, cuda or cuda:N");
    assert_string_equal(pln_context_device(ctx), "auto");
    /* What is kept goes with the device, what may use it first. */
    pln_context_keep(ctx, PLN_KEPT_DEVICE, &one, release);
    pln_context_keep(ctx, PLN_KEPT_SESSION, &two, release);
    assert_int_equal(pln_context_set_device(ctx, "auto"), PLN_OK);
    assert_int_equal(releases, 0);
    assert_int_equal(pln_context_set_device(ctx, "cpu"), PLN_OK);
    assert_int_equal(releases, 2);
    assert_int_equal(released[0], 2);
    assert_int_equal(released[1], 1);
    assert_null(pln_context_kept(ctx, PLN_KEPT_DEVICE));
    pln_context_free(ctx);
    assert_int_equal(releases, 2);
    setenv("PLANISH_DEVICE", "gpu", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_E_ARG);
    setenv("PLANISH_DEVICE", "cpu", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    assert_string_equal(pln_context_device(ctx), "cpu");
    pln_context_free(ctx);
    unsetenv("PLANISH_DEVICE");
}

static void contexts_say_what_is_wrong(void **state)
{
    (void)state;
    pln_context *ctx = NULL;
    pln_context_options o = {.size = sizeof o, .threads = -1};
    assert_int_equal(pln_context_new_with(&o, &ctx), PLN_E_RANGE);
    assert_null(ctx);
    assert_string_equal(pln_context_message(NULL), "-1 threads: expected 1 to 256");
    setenv("PLANISH_ISA", "sse9", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_E_ARG);
    assert_string_equal(
        pln_context_message(NULL),
        "PLANISH_ISA: unknown instruction set 'sse9': expected baseline, avx2, avx512 or amx");
    setenv("PLANISH_ISA", "baseline", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    assert_string_equal(pln_context_isa(ctx), "baseline");
    pln_context_free(ctx);
    unsetenv("PLANISH_ISA");
    setenv("PLANISH_THREADS", "many", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_E_ARG);
    setenv("PLANISH_THREADS", "3", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    pln_context_free(ctx);
    unsetenv("PLANISH_THREADS");
    setenv("PLANISH_MEMORY", "lots", 1);
    assert_int_equal(pln_context_new(&ctx), PLN_E_ARG);
    unsetenv("PLANISH_MEMORY");
    for (int s = PLN_OK; s <= PLN_E_INTERNAL; s++)
        assert_string_not_equal(pln_status_name(s), "unknown");
    assert_string_equal(pln_status_name((pln_status)99), "unknown");
}

/* Known answers of Random123 for Philox 4x32-10. */
static void random_numbers_are_philox(void **state)
{
    (void)state;
    uint32_t r[4];
    pln_random4(0, 0, 0, r);
    assert_int_equal(r[0], 0x6627e8d5u);
    assert_int_equal(r[1], 0xe169c58du);
    assert_int_equal(r[2], 0xbc57ac4cu);
    assert_int_equal(r[3], 0x9b00dbd8u);
    pln_random4(UINT64_MAX, UINT64_MAX, UINT64_MAX, r);
    assert_int_equal(r[0], 0x408f276du);
    assert_int_equal(r[1], 0x41c83b0eu);
    assert_int_equal(r[2], 0xa20bc7c6u);
    assert_int_equal(r[3], 0x6d5451fdu);
    double mean = 0, square = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        double u = pln_random(1, 2, i), g = pln_random_normal(1, 3, i);
        assert_true(u >= 0 && u < 1);
        mean += g / 20000;
        square += g * g / 20000;
    }
    assert_true(fabs(mean) < 0.03 && fabs(square - 1) < 0.05);
}

static void numbers_read_back(void **state)
{
    (void)state;
    char text[32];
    double v;
    long long i;
    uint64_t b;
    static const double values[] = {0,   1,  0.1,  1e-5,       1e5,     -0.25, 0.02,
                                    1e6, 10, 3000, 123456.789, 1.0 / 3, 5e-324};
    static const char *const texts[] = {"0",    "1",   "0.1", "1e-5", "1e5",       "-0.25",
                                        "0.02", "1e6", "10",  "3000", "123456.789"};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        pln_format_real(values[k], text);
        if (k < sizeof texts / sizeof *texts) assert_string_equal(text, texts[k]);
        assert_true(pln_parse_real(text, &v) && v == values[k]);
    }
    assert_true(pln_parse_real("10/255", &v) && v == 10.0 / 255);
    static const char *const bad[] = {"",    "abc",  "1x",    "1/0", "1/", "nan",
                                      "inf", "0x10", "1e999", " 1",  "1,5"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) assert_false(pln_parse_real(bad[k], &v));
    assert_true(pln_parse_int("-12", &i) && i == -12);
    assert_false(pln_parse_int("1.5", &i));
    assert_false(pln_parse_int("99999999999999999999", &i));
    assert_true(pln_parse_size("1.5G", &b) && b == 3u << 29);
    assert_true(pln_parse_size("2MB", &b) && b == 2000000);
    assert_false(pln_parse_size("-1", &b));
    assert_false(pln_parse_size("4 parsecs", &b));
    pln_format_bytes(999, text);
    assert_string_equal(text, "999 bytes");
    pln_format_bytes(1234567, text);
    assert_string_equal(text, "1.2 MB");
    pln_format_bytes(234567890123u, text);
    assert_string_equal(text, "235 GB");
}

static void misspelt_words_find_their_neighbour(void **state)
{
    (void)state;
    static const char *const names[] = {"rtv", "rgf", "lambda", "sigma-s", NULL};
    assert_string_equal(pln_nearest("rvt", names), "rtv");
    assert_string_equal(pln_nearest("lamda", names), "lambda");
    assert_string_equal(pln_nearest("sigmas", names), "sigma-s");
    assert_null(pln_nearest("banana", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_counted_and_outlives_the_context),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(sums_do_not_depend_on_threads),
        cmocka_unit_test(cancelling_stops_loops),
        cmocka_unit_test(devices_are_chosen_by_name),
        cmocka_unit_test(contexts_say_what_is_wrong),
        cmocka_unit_test(random_numbers_are_philox),
        cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(misspelt_words_find_their_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
