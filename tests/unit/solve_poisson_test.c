/* SPDX-License-Identifier: MIT */
/* Screened Poisson equation: the solution, put back into the equation in double, gives the
 * right-hand side. Sizes with large primes, single rows and columns, both borders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "solve/solve.h"

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

struct problem {
    size_t w, h;
};

static float value(const struct problem *p, size_t c, size_t y, size_t x)
{
    return (float)pln_random(5, c, y * p->w + x);
}

static void fill(void *arg, size_t y0, size_t n, float *dst, size_t plane, size_t row)
{
    const struct problem *p = arg;
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < n; y++)
            for (size_t x = 0; x < p->w; x++) dst[c * plane + y * row + x] = value(p, c, y0 + y, x);
}

/* u at a neighbour that may lie outside. */
static double at(const float *u, const struct problem *p, bool reflect, ptrdiff_t y, ptrdiff_t x)
{
    ptrdiff_t w = (ptrdiff_t)p->w, h = (ptrdiff_t)p->h;
    if (reflect) {
        x = x < 0 ? 0 : x >= w ? w - 1 : x;
        y = y < 0 ? 0 : y >= h ? h - 1 : y;
    }
    return (double)u[(size_t)((y + h) % h) * pln_poisson_stride(p->w) + (size_t)((x + w) % w)];
}

static void check(size_t w, size_t h, bool reflect, double k)
{
    struct problem p = {w, h};
    pln_poisson *poisson = NULL;
    size_t stride = pln_poisson_stride(w), plane = h * stride;
    float *one = NULL, *two = NULL;
    uint64_t before = pln_context_bytes(ctx);

    assert_int_equal(pln_alloc(ctx, 3 * plane, sizeof *one, &one), PLN_OK);
    assert_int_equal(pln_alloc(ctx, 3 * plane, sizeof *two, &two), PLN_OK);
    memset(one, 0, 3 * plane * sizeof *one);
    memset(two, 0, 3 * plane * sizeof *two);
    for (int threads = 1; threads <= 2; threads++) {
        assert_int_equal(pln_context_set_threads(ctx, threads), PLN_OK);
        pln_context_reset_peak(ctx);
        uint64_t held = pln_context_bytes(ctx);
        assert_int_equal(pln_poisson_new(ctx, w, h, 3, reflect, &poisson), PLN_OK);
        assert_int_equal(pln_poisson_solve(ctx, poisson, k, fill, &p, threads == 1 ? one : two),
                         PLN_OK);
        assert_true(pln_context_peak(ctx) - held <= pln_poisson_memory(w, h, 3, reflect, threads));
        pln_poisson_free(poisson);
    }
    assert_memory_equal(one, two, 3 * plane * sizeof *one);
    for (size_t c = 0; c < 3; c++)
        for (ptrdiff_t y = 0; y < (ptrdiff_t)h; y++)
            for (ptrdiff_t x = 0; x < (ptrdiff_t)w; x++) {
                const float *u = one + c * plane;
                double mid = at(u, &p, reflect, y, x);
                double d = 4 * mid - at(u, &p, reflect, y, x - 1) - at(u, &p, reflect, y, x + 1) -
                           at(u, &p, reflect, y - 1, x) - at(u, &p, reflect, y + 1, x);
                double f = (double)value(&p, c, (size_t)y, (size_t)x), got = mid + k * d;
                if (fabs(got - f) > 2e-6 * (1 + 8 * k))
                    fail_msg("%zux%zu %s k %g: %g instead of %g at channel %zu, x %td, y %td", w, h,
                             reflect ? "reflect" : "periodic", k, got, f, c, x, y);
            }
    pln_free(two);
    pln_free(one);
    assert_int_equal(pln_context_bytes(ctx), before);
}

static void equation_holds(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1},   {1, 7},   {5, 1},   {2, 2},   {3, 2},
                                      {16, 16}, {17, 13}, {31, 37}, {97, 5},  {5, 101},
                                      {64, 48}, {33, 65}, {127, 3}, {48, 130}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int reflect = 0; reflect <= 1; reflect++)
            for (double k = 0.25; k < 1000; k *= 30) check(sizes[i][0], sizes[i][1], reflect, k);
}

static void fill_constant(void *arg, size_t y0, size_t n, float *dst, size_t plane, size_t row)
{
    const struct problem *p = arg;
    (void)y0;
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < n; y++)
            for (size_t x = 0; x < p->w; x++) dst[c * plane + y * row + x] = 0.75f;
}

static void the_mean_is_kept(void **state)
{
    (void)state;
    struct problem p = {61, 83};
    pln_poisson *poisson = NULL;
    float *u = NULL;
    assert_int_equal(pln_alloc(ctx, 3 * p.h * pln_poisson_stride(p.w), sizeof *u, &u), PLN_OK);
    assert_int_equal(pln_poisson_new(ctx, p.w, p.h, 3, false, &poisson), PLN_OK);
    assert_int_equal(pln_poisson_solve(ctx, poisson, 1e5, fill_constant, &p, u), PLN_OK);
    for (size_t y = 0; y < 3 * p.h; y++)
        for (size_t x = 0; x < p.w; x++)
            assert_true(fabsf(u[y * pln_poisson_stride(p.w) + x] - 0.75f) < 5e-7f);
    pln_poisson_free(poisson);
    pln_free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equation_holds),
        cmocka_unit_test(the_mean_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
