/* SPDX-License-Identifier: MIT */
/* The 5- and 9-point solver against a dense Cholesky factorisation in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "solve/solve.h"

enum weights { UNIT, ZERO, SMOOTH, WILD, CHAINS };
static const char *const weights_name[] = {"unit", "zero", "smooth", "wild", "chains"};

struct problem {
    size_t w, h, c;
    bool nine;
    float *edges[4], *f;
    pln_spd A;
};

static pln_context *new_context(int threads, const char *isa)
{
    pln_context *ctx = NULL;
    pln_context_options o = {.size = sizeof o, .threads = threads, .isa = isa};
    assert_int_equal(pln_context_new_with(&o, &ctx), PLN_OK);
    return ctx;
}

/* One-pixel-wide strong chains (a random walk of weights 1e5 among 1e-2) are what regular
 * coarsening fails on. */
static float weight(enum weights kind, uint64_t stream, size_t i)
{
    double u = pln_random(7, stream, i);
    switch (kind) {
    case UNIT:
        return 1;
    case ZERO:
        return 0;
    case SMOOTH:
        return (float)(30 * u);
    case WILD:
        return (float)pow(10, -10 + 16 * u);
    case CHAINS:
        return u < 0.4 ? 1e5f : 1e-2f;
    }
    return 0;
}

static void problem_new(struct problem *p, size_t w, size_t h, size_t c, bool nine,
                        enum weights kind)
{
    *p = (struct problem){.w = w, .h = h, .c = c, .nine = nine};
    for (int k = 0; k < 4; k++) {
        p->edges[k] = malloc(w * h * sizeof(float));
        for (size_t i = 0; i < w * h; i++) p->edges[k][i] = weight(kind, (uint64_t)k, i);
    }
    /* what leaves the grid must not matter */
    for (size_t y = 0; y < h; y++)
        p->edges[0][y * w + w - 1] = p->edges[2][y * w + w - 1] = p->edges[3][y * w] = NAN;
    for (size_t x = 0; x < w; x++)
        p->edges[1][(h - 1) * w + x] = p->edges[2][(h - 1) * w + x] = p->edges[3][(h - 1) * w + x] =
            NAN;
    p->f = malloc(w * h * c * sizeof(float));
    for (size_t i = 0; i < w * h * c; i++) p->f[i] = (float)(2 * pln_random(8, 0, i) - 0.5);
    p->A = (pln_spd){
        w, h, p->edges[0], p->edges[1], nine ? p->edges[2] : NULL, nine ? p->edges[3] : NULL};
}

static void problem_free(struct problem *p)
{
    for (int k = 0; k < 4; k++) free(p->edges[k]);
    free(p->f);
}

/* Dense reference. Excess and edges rather than sums keep small weights beside 1e6 exact enough for
 * double. */
static void reference(const struct problem *p, double *u)
{
    size_t n = p->w * p->h;
    double *m = calloc(n * n, sizeof *m), *e = malloc(n * sizeof *e);
    for (size_t y = 0; y < p->h; y++)
        for (size_t x = 0; x < p->w; x++) {
            const ptrdiff_t dx[4] = {1, 0, 1, -1}, dy[4] = {0, 1, 1, 1};
            for (int k = 0; k < (p->nine ? 4 : 2); k++) {
                ptrdiff_t xx = (ptrdiff_t)x + dx[k], yy = (ptrdiff_t)y + dy[k];
                if (xx < 0 || xx >= (ptrdiff_t)p->w || yy >= (ptrdiff_t)p->h) continue;
                size_t i = y * p->w + x, j = (size_t)yy * p->w + (size_t)xx;
                m[i * n + j] = m[j * n + i] = (double)p->edges[k][i];
            }
        }
    for (size_t i = 0; i < n; i++) e[i] = 1;
    for (size_t i = 0; i < n * p->c; i++) u[i] = (double)p->f[i];
    double *d = malloc(n * sizeof *d);
    for (size_t i = 0; i < n;
         i++) { /* Gaussian elimination on excesses and weights: no cancellation */
        d[i] = e[i];
        for (size_t j = i + 1; j < n; j++) d[i] += m[i * n + j];
        for (size_t j = i + 1; j < n; j++) {
            double l = m[i * n + j] / d[i];
            if (l == 0) continue;
            e[j] += l * e[i];
            for (size_t k = i + 1; k < n; k++)
                if (k != j) m[j * n + k] += l * m[i * n + k];
            for (size_t b = 0; b < p->c; b++) u[j * p->c + b] += l * u[i * p->c + b];
        }
    }
    for (size_t i = n; i-- > 0;)
        for (size_t b = 0; b < p->c; b++) {
            double sum = u[i * p->c + b];
            for (size_t j = i + 1; j < n; j++) sum += m[i * n + j] * u[j * p->c + b];
            u[i * p->c + b] = sum / d[i];
        }
    free(d);
    free(e);
    free(m);
}

static float *solve(pln_context *ctx, const struct problem *p, double tolerance, const float *start,
                    pln_spd_report *report)
{
    float *u = malloc(p->w * p->h * p->c * sizeof *u);
    if (start) memcpy(u, start, p->w * p->h * p->c * sizeof *u);
    pln_view fv = {p->f, p->w, p->h, p->c, (ptrdiff_t)(p->w * p->c)}, uv = fv;
    uv.data = u;
    pln_spd_options o = {.tolerance = tolerance, .warm = start != NULL};
    uint64_t before = pln_context_bytes(ctx);
    pln_context_reset_peak(ctx);
    if (pln_spd_solve(ctx, &p->A, &fv, &uv, &o, report) != PLN_OK)
        fail_msg("%s", pln_context_message(ctx));
    assert_true(pln_context_peak(ctx) - before <=
                pln_spd_memory(p->w, p->h, p->c, p->nine, pln_context_threads(ctx)));
    assert_int_equal(pln_context_bytes(ctx), before);
    return u;
}

static const size_t sizes[][2] = {{1, 1}, {1, 9}, {9, 1},   {2, 1},
                                  {3, 2}, {2, 5}, {17, 13}, {22, 19}};

static void matches_dense_solution(void **state)
{
    (void)state;
    pln_context *ctx = new_context(2, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = UNIT; kind <= CHAINS; kind++)
            for (int nine = 0; nine < 2; nine++)
                for (size_t c = 1; c <= 3; c += 2) {
                    struct problem p;
                    pln_spd_report report;
                    problem_new(&p, sizes[i][0], sizes[i][1], c, nine, (enum weights)kind);
                    size_t n = p.w * p.h * c;
                    double *want = malloc(n * sizeof *want);
                    reference(&p, want);
                    float *u = solve(ctx, &p, 1e-7, NULL, &report);
                    assert_true(report.residual <= 1e-7);
                    for (size_t j = 0; j < n; j++)
                        if (!(fabs((double)u[j] - want[j]) <= 3e-6))
                            fail_msg("%zux%zux%zu %d points, %s weights: u[%zu] = %.9g, want %.9g "
                                     "(%d steps)",
                                     p.w, p.h, c, nine ? 9 : 5, weights_name[kind], j, (double)u[j],
                                     want[j], report.iterations);
                    free(u);
                    free(want);
                    problem_free(&p);
                }
    pln_context_free(ctx);
}

static void zero_weights_copy(void **state)
{
    (void)state;
    pln_context *ctx = new_context(1, NULL);
    struct problem p;
    pln_spd_report report;
    problem_new(&p, 40, 21, 3, true, ZERO);
    float *u = solve(ctx, &p, 1e-6, NULL, &report);
    assert_true(report.iterations <= 1);
    for (size_t i = 0; i < p.w * p.h * p.c; i++) assert_true(fabsf(u[i] - p.f[i]) <= 1e-6f);
    free(u);
    problem_free(&p);
    pln_context_free(ctx);
}

/* The exact solution as the start needs no step; a nearby one fewer than zero. A zero right side
 * gives zero. */
static void warm_start_saves_steps(void **state)
{
    (void)state;
    pln_context *ctx = new_context(2, NULL);
    for (int nine = 0; nine < 2; nine++) {
        struct problem p;
        pln_spd_report cold, warm, near;
        problem_new(&p, 150, 120, 3, nine, SMOOTH);
        float *u = solve(ctx, &p, 1e-6, NULL, &cold);
        float *v = solve(ctx, &p, 1e-4, u, &warm);
        assert_int_equal(warm.iterations, 0);
        for (size_t i = 0; i < p.w * p.h * p.c; i++) v[i] += 1e-3f * (float)pln_random(3, 0, i);
        float *t = solve(ctx, &p, 1e-6, v, &near);
        assert_true(near.iterations < cold.iterations);
        for (size_t i = 0; i < p.w * p.h * p.c; i++) {
            assert_true(fabsf(t[i] - u[i]) <= 2e-5f);
            if (i % 3 == 1) p.f[i] = 0;
        }
        float *z = solve(ctx, &p, 1e-6, u, &warm);
        for (size_t i = 0; i < p.w * p.h * p.c; i++)
            assert_true(i % 3 == 1 ? z[i] == 0 : fabsf(z[i] - u[i]) <= 2e-5f);
        free(z);
        free(t);
        free(v);
        free(u);
        problem_free(&p);
    }
    pln_context_free(ctx);
}

/* Same bytes for one and two threads; the instruction sets agree to rounding. */
static void threads_and_instruction_sets(void **state)
{
    (void)state;
    pln_context *one = new_context(1, NULL), *two = new_context(2, NULL);
    for (int kind = SMOOTH; kind <= CHAINS; kind++)
        for (int nine = 0; nine < 2; nine++)
            for (size_t c = 1; c <= 3; c += 2) {
                struct problem p;
                problem_new(&p, 333, 271, c, nine, (enum weights)kind);
                size_t n = p.w * p.h * c;
                pln_spd_report report;
                float *u = solve(one, &p, 1e-6, NULL, &report),
                      *v = solve(two, &p, 1e-6, NULL, NULL);
                assert_memory_equal(u, v, n * sizeof *u);
                const char *const isas[] = {"baseline", "avx2", "avx512"};
                for (int i = 0; i <= (int)pln_isa_machine() && i < 3; i++) {
                    pln_context *ctx = new_context(1, isas[i]);
                    float *t = solve(ctx, &p, 1e-6, NULL, NULL);
                    for (size_t j = 0; j < n; j++)
                        if (!(fabsf(t[j] - u[j]) <= 2e-5f))
                            fail_msg("%s, %d points, %s weights: u[%zu] = %.9g, want %.9g", isas[i],
                                     nine ? 9 : 5, weights_name[kind], j, (double)t[j],
                                     (double)u[j]);
                    free(t);
                    pln_context_free(ctx);
                }
                free(u);
                free(v);
                problem_free(&p);
            }
    pln_context_free(one);
    pln_context_free(two);
}

static void strides_and_too_few_steps(void **state)
{
    (void)state;
    pln_context *ctx = new_context(2, NULL);
    struct problem p;
    problem_new(&p, 70, 50, 3, false, CHAINS);
    float *u = solve(ctx, &p, 1e-6, NULL, NULL);
    size_t stride = 70 * 3 + 5;
    float *wide = malloc(2 * stride * 50 * sizeof *wide), *f = wide, *v = wide + stride * 50;
    for (size_t i = 0; i < 2 * stride * 50; i++) wide[i] = -7;
    for (size_t y = 0; y < 50; y++) memcpy(f + y * stride, p.f + y * 210, 210 * sizeof(float));
    pln_view fv = {f, 70, 50, 3, (ptrdiff_t)stride}, uv = {v, 70, 50, 3, (ptrdiff_t)stride};
    pln_spd_options o = {.tolerance = 1e-6};
    assert_int_equal(pln_spd_solve(ctx, &p.A, &fv, &uv, &o, NULL), PLN_OK);
    for (size_t y = 0; y < 50; y++) {
        assert_memory_equal(v + y * stride, u + y * 210, 210 * sizeof(float));
        for (size_t x = 210; x < stride; x++) assert_true(v[y * stride + x] == -7);
    }
    o.workspace = malloc(pln_spd_memory(70, 50, 3, false, 2) + 64);
    void *workspace = o.workspace;
    o.workspace = (char *)workspace + (64 - (uintptr_t)workspace % 64);
    uint64_t held = pln_context_bytes(ctx);
    pln_context_reset_peak(ctx);
    memset(v, 0, stride * 50 * sizeof *v);
    assert_int_equal(pln_spd_solve(ctx, &p.A, &fv, &uv, &o, NULL), PLN_OK);
    assert_int_equal(pln_context_peak(ctx), held); /* nothing was allocated */
    for (size_t y = 0; y < 50; y++)
        assert_memory_equal(v + y * stride, u + y * 210, 210 * sizeof(float));
    o.workspace = NULL;
    free(workspace);
    o.max_iterations = 1;
    assert_int_equal(pln_spd_solve(ctx, &p.A, &fv, &uv, &o, NULL), PLN_E_INTERNAL);
    assert_non_null(strstr(pln_context_message(ctx), "1 step"));
    free(wide);
    free(u);
    problem_free(&p);
    pln_context_free(ctx);
}

/* Of any channel, in the right-hand side, in a weight or in the start: an error at once, not a
 * picture. */
static void values_must_be_finite(void **state)
{
    (void)state;
    pln_context *ctx = new_context(1, NULL);
    for (int nine = 0; nine < 2; nine++)
        for (int where = 0; where < 5; where++) {
            struct problem p;
            problem_new(&p, 40, 30, 3, nine, SMOOTH);
            float *u = calloc((size_t)40 * 30 * 3, sizeof *u);
            size_t at = 15 * 40 + 20;
            pln_spd_options o = {.tolerance = 1e-3, .warm = where == 4};
            if (where < 3) p.f[3 * at + (size_t)where] = NAN;
            if (where == 3) p.edges[0][at] = NAN;
            if (where == 4) u[3 * at] = u[3 * at + 3] = NAN; /* every other unknown is eliminated */
            pln_view f = {p.f, 40, 30, 3, 120}, v = {u, 40, 30, 3, 120};
            if (pln_spd_solve(ctx, &p.A, &f, &v, &o, NULL) != PLN_E_INTERNAL)
                fail_msg("nine %d, place %d: no error", nine, where);
            if (!strstr(pln_context_message(ctx), "residual of nan") &&
                !strstr(pln_context_message(ctx), "residual of -nan"))
                fail_msg("nine %d, place %d: %s", nine, where, pln_context_message(ctx));
            free(u);
            problem_free(&p);
        }
    pln_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_dense_solution),    cmocka_unit_test(zero_weights_copy),
        cmocka_unit_test(warm_start_saves_steps),    cmocka_unit_test(threads_and_instruction_sets),
        cmocka_unit_test(strides_and_too_few_steps), cmocka_unit_test(values_must_be_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
