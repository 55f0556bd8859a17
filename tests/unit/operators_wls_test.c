/* SPDX-License-Identifier: MIT */
/* wls against its definition in double, and its kernels against libm. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "operators/wls_kernels.h"

static const char *const isas[] = {"baseline", "avx2", "avx512"};

static pln_context *new_context(const char *isa)
{
    pln_context *ctx = NULL;
    pln_context_options o = {.size = sizeof o, .threads = 2, .isa = isa};
    assert_int_equal(pln_context_new_with(&o, &ctx), PLN_OK);
    return ctx;
}

/* ---- Kernels ---- */

static void logarithm(void **state)
{
    (void)state;
    enum { N = 4099 };
    static float x[N], y[N];
    for (size_t i = 0; i < N; i++) x[i] = (float)exp(-38 + 42.0 * (double)i / (N - 1));
    x[0] = 0;
    x[1] = -1;
    x[2] = 1;
    for (int i = 0; i <= (int)pln_isa_machine() && i < 3; i++) {
        pln_context *ctx = new_context(isas[i]);
        memcpy(y, x, sizeof y);
        PLN_KERNELS_PICK(ctx, pln_wls_kernels)->log(y, N);
        for (size_t k = 0; k < N; k++) {
            double want = log((double)(float)(fmax((double)x[k], 0) + 2.220446e-16));
            if (!(fabs((double)y[k] - want) <= 3e-7 * fmax(1, fabs(want))))
                fail_msg("%s: ln %.9g = %.9g, want %.9g", isas[i], (double)x[k], (double)y[k],
                         want);
        }
        pln_context_free(ctx);
    }
}

static void weights(void **state)
{
    (void)state;
    enum { N = 2051 };
    static float a[N], b[N], w[N];
    static const float alphas[] = {0, 0.01f, 0.5f, 1, 1.2f, 1.8f, 4};
    for (size_t i = 0; i < N; i++) {
        a[i] = 0;
        b[i] = (i & 1 ? 1.0f : -1.0f) * (float)exp(-20 + 23.6 * (double)i / (N - 1));
    }
    b[0] = b[1000] = 0;
    for (int i = 0; i <= (int)pln_isa_machine() && i < 3; i++) {
        pln_context *ctx = new_context(isas[i]);
        for (size_t k = 0; k < sizeof alphas / sizeof *alphas; k++) {
            PLN_KERNELS_PICK(ctx, pln_wls_kernels)->weights(w, a, b, N, alphas[k], 0.35f);
            for (size_t x = 0; x < N; x++) {
                double want = (double)0.35f / (pow(fabs((double)b[x]), (double)alphas[k]) + 1e-4);
                if (!(fabs((double)w[x] - want) <= 1e-6 * want))
                    fail_msg("%s: alpha %g, difference %.9g: %.9g, want %.9g", isas[i],
                             (double)alphas[k], (double)b[x], (double)w[x], want);
            }
        }
        pln_context_free(ctx);
    }
}

/* ---- The definition ---- */

enum { W = 13, H = 9, N = W * H };

/* Dense Gaussian elimination; the matrix is diagonally dominant. */
static void solve(double m[N][N], double *u)
{
    for (size_t i = 0; i < N; i++)
        for (size_t j = i + 1; j < N; j++) {
            double l = m[j][i] / m[i][i];
            if (l == 0) continue;
            for (size_t k = i; k < N; k++) m[j][k] -= l * m[i][k];
            u[j] -= l * u[i];
        }
    for (size_t i = N; i-- > 0;) {
        for (size_t k = i + 1; k < N; k++) u[i] -= m[i][k] * u[k];
        u[i] /= m[i][i];
    }
}

static void naive(const double *level, const double *g, double lambda, double alpha, double *u)
{
    static double m[N][N];
    memset(m, 0, sizeof m);
    for (size_t i = 0; i < N; i++) m[i][i] = 1, u[i] = g[i];
    for (size_t y = 0; y < H; y++)
        for (size_t x = 0; x < W; x++)
            for (int k = 0; k < 2; k++) {
                size_t i = y * W + x, j = k ? i + W : i + 1;
                if (k ? y + 1 == H : x + 1 == W) continue;
                double w = lambda / (pow(fabs(level[j] - level[i]), alpha) + 1e-4);
                m[i][i] += w;
                m[j][j] += w;
                m[i][j] -= w;
                m[j][i] -= w;
            }
    solve(m, u);
}

static double luma(const float *p)
{
    return 0.2989360212937754 * (double)p[0] + 0.5870430744511212 * (double)p[1] +
           0.1140209042551033 * (double)p[2];
}

static void matches_definition(void **state)
{
    (void)state;
    pln_context *ctx = new_context(NULL);
    static const char *const cases[] = {
        "lambda=1 tolerance=1e-6",
        "lambda=0.35 guide-mode=channel tolerance=1e-6",
        "lambda=8 alpha=1.8 affinity=linear tolerance=1e-6",
        "lambda=0.01 affinity=linear guide-mode=channel alpha=0.7 tolerance=1e-6",
    };
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++)
        for (size_t c = 1; c <= 3; c += 2)
            for (size_t gc = 0; gc <= 3; gc += gc ? 2 : 1) { /* channels of the guide, 0: none */
                pln_image *in = NULL, *guide = NULL, *out = NULL;
                pln_params *p = NULL;
                double lambda, alpha, linear, by_channel;
                assert_int_equal(pln_image_new_f32(ctx, W, H, c, &in), PLN_OK);
                pln_view v = pln_image_pixels(in), steer = v;
                for (size_t y = 0; y < H; y++)
                    for (size_t x = 0; x < W * c; x++) /* 8 bits: many neighbours are equal */
                        pln_row(&v, y)[x] =
                            (float)floor(8 * pln_random(1, c, y * W * c + x)) / 255 +
                            (x > 6 * c) * 0.5f;
                pln_row(&v, 2)[0] = 0;
                if (gc) {
                    assert_int_equal(pln_image_new_f32(ctx, W, H, gc, &guide), PLN_OK);
                    steer = pln_image_pixels(guide);
                    for (size_t y = 0; y < H; y++)
                        for (size_t x = 0; x < W * gc; x++)
                            pln_row(&steer, y)[x] = (float)pln_random(2, gc, y * W * gc + x);
                }
                if (pln_params_new(ctx, "wls", &p) || pln_params_apply(ctx, p, cases[t]) ||
                    pln_params_get(ctx, p, "lambda", &lambda) ||
                    pln_params_get(ctx, p, "alpha", &alpha) ||
                    pln_params_get(ctx, p, "affinity", &linear) ||
                    pln_params_get(ctx, p, "guide-mode", &by_channel) ||
                    pln_smooth(ctx, p, in, guide, &out))
                    fail_msg("%s", pln_context_message(ctx));
                pln_view o = pln_image_pixels(out);
                for (size_t b = 0; b < c; b++) {
                    double level[N], g[N], u[N];
                    for (size_t i = 0; i < N; i++) {
                        const float *s = pln_row(&steer, i / W) + i % W * steer.c;
                        double l = steer.c == 1                ? (double)s[0]
                                   : by_channel != 0 && c == 3 ? (double)s[b]
                                                               : luma(s);
                        level[i] = linear != 0 ? l : log(l + 2.220446e-16);
                        g[i] = (double)pln_row(&v, i / W)[i % W * c + b];
                    }
                    naive(level, g, lambda, alpha, u);
                    for (size_t i = 0; i < N; i++) {
                        double got = (double)pln_row(&o, i / W)[i % W * c + b];
                        if (!(fabs(got - u[i]) <= 2e-5))
                            fail_msg("%s, %zu channels, guide %zu: pixel %zu,%zu channel %zu is "
                                     "%.8f, want %.8f",
                                     cases[t], c, gc, i % W, i / W, b, got, u[i]);
                    }
                }
                pln_params_free(p);
                pln_image_free(out);
                pln_image_free(guide);
                pln_image_free(in);
            }
    pln_context_free(ctx);
}

/* ---- Steps ---- */

static void count_steps(void *user, int level, const char *text)
{
    const char *colon = strstr(text, ": ");
    (void)level;
    if (strncmp(text, "linear system", 13) == 0 && colon) *(int *)user = atoi(colon + 2);
}

/* Photographs and strong texture, mirrored up to 512x512, at lambda = 1 to a relative residual of
 * 1e-4: 30 preconditioned steps at most, where incomplete factors take hundreds. */
static void converges_in_thirty_steps(void **state)
{
    (void)state;
    enum { SIDE = 512 };
    static const char *const names[] = {"astronaut_96x128", "chelsea_96x128", "mosaic_96x128"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        pln_context *ctx = new_context(NULL);
        pln_image *crop = NULL, *in = NULL, *out = NULL;
        pln_params *p = NULL;
        char path[1024];
        int steps = 0;
        snprintf(path, sizeof path, "%s/oracle/inputs/%s.npy", TEST_DATA, names[n]);
        if (pln_image_load(ctx, path, &crop) || pln_image_new_f32(ctx, SIDE, SIDE, 3, &in) ||
            pln_params_new(ctx, "wls", &p) || pln_params_apply(ctx, p, "lambda=1 tolerance=1e-4"))
            fail_msg("%s: %s", names[n], pln_context_message(ctx));
        pln_view from = pln_image_pixels(crop), to = pln_image_pixels(in);
        for (size_t y = 0; y < SIDE; y++)
            for (size_t x = 0; x < SIDE; x++) {
                size_t v = y % (2 * from.h), u = x % (2 * from.w);
                v = v < from.h ? v : 2 * from.h - 1 - v;
                u = u < from.w ? u : 2 * from.w - 1 - u;
                memcpy(pln_row(&to, y) + 3 * x, pln_row(&from, v) + 3 * u, 3 * sizeof(float));
            }
        pln_context_on_log(ctx, count_steps, &steps);
        if (pln_smooth(ctx, p, in, NULL, &out)) fail_msg("%s", pln_context_message(ctx));
        print_message("%s: %d steps\n", names[n], steps);
        if (steps < 1 || steps > 30) fail_msg("%s: %d steps, expected 1 to 30", names[n], steps);
        pln_params_free(p);
        pln_image_free(out);
        pln_image_free(in);
        pln_image_free(crop);
        pln_context_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithm),
        cmocka_unit_test(weights),
        cmocka_unit_test(matches_definition),
        cmocka_unit_test(converges_in_thirty_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
