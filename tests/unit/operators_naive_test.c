/* SPDX-License-Identifier: MIT */
/* Operators against definitions written out in double on small random pictures: what the stored
 * outputs of the authors' programs do not cover (guides, reflecting borders, single rows and
 * columns). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

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

static pln_image *noise(uint64_t stream, size_t w, size_t h, size_t c)
{
    pln_image *image = NULL;
    assert_int_equal(pln_image_new_f32(ctx, w, h, c, &image), PLN_OK);
    pln_view v = pln_image_pixels(image);
    for (size_t y = 0; y < h; y++)
        for (size_t i = 0; i < w * c; i++) /* a step, noise on it */
            pln_row(&v, y)[i] =
                (float)(0.6 * (i / c > w / 2) + 0.4 * pln_random(9, stream, y * w * c + i));
    return image;
}

static double px(const pln_image *image, size_t x, size_t y, size_t k)
{
    pln_view v = pln_image_pixels(image);
    return (double)pln_row(&v, y)[x * v.c + k];
}

static pln_image *smooth(const char *method, const char *values, const pln_image *in,
                         const pln_image *guide)
{
    pln_params *p = NULL;
    pln_image *out = NULL;
    if (pln_params_new(ctx, method, &p) || pln_params_apply(ctx, p, values) ||
        pln_smooth(ctx, p, in, guide, &out))
        fail_msg("%s %s: %s", method, values, pln_context_message(ctx));
    pln_params_free(p);
    return out;
}

/* ---- Dense linear systems ---- */

/* a x = b, n unknowns, in place; the answer is b. */
static void eliminate(double *a, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t best = i;
        for (size_t r = i + 1; r < n; r++)
            if (fabs(a[r * n + i]) > fabs(a[best * n + i])) best = r;
        for (size_t k = 0; k < n; k++) {
            double t = a[i * n + k];
            a[i * n + k] = a[best * n + k];
            a[best * n + k] = t;
        }
        double t = b[i];
        b[i] = b[best];
        b[best] = t;
        for (size_t r = i + 1; r < n; r++) {
            double f = a[r * n + i] / a[i * n + i];
            if (f == 0) continue;
            for (size_t k = i; k < n; k++) a[r * n + k] -= f * a[i * n + k];
            b[r] -= f * b[i];
        }
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
}

/* ---- Guided filter: one linear model a window, by least squares over its pixels ---- */

enum { MOST = 20 };

/* a_k and b_k of the window around (x, y) for channel k of the input. g: channels of the guide, one
 * of them (first) or all. */
static void model(const pln_image *in, const pln_image *guide, size_t first, size_t g, size_t k,
                  size_t x, size_t y, size_t r, double eps, double a[3], double *b)
{
    size_t w = pln_image_width(in), h = pln_image_height(in), n = 0;
    double mi[3] = {0}, mp = 0, s[9] = {0}, v[3] = {0};
    size_t x0 = x > r ? x - r : 0, y0 = y > r ? y - r : 0;
    size_t x1 = pln_min(w - 1, x + r), y1 = pln_min(h - 1, y + r);
    for (size_t q = y0; q <= y1; q++)
        for (size_t p = x0; p <= x1; p++, n++) {
            mp += px(in, p, q, k);
            for (size_t i = 0; i < g; i++) mi[i] += px(guide, p, q, first + i);
        }
    mp /= (double)n;
    for (size_t i = 0; i < g; i++) mi[i] /= (double)n;
    for (size_t q = y0; q <= y1; q++)
        for (size_t p = x0; p <= x1; p++)
            for (size_t i = 0; i < g; i++) {
                double d = px(guide, p, q, first + i) - mi[i];
                v[i] += d * (px(in, p, q, k) - mp) / (double)n;
                for (size_t j = 0; j < g; j++)
                    s[i * g + j] += d * (px(guide, p, q, first + j) - mi[j]) / (double)n;
            }
    for (size_t i = 0; i < g; i++) s[i * g + i] += eps;
    eliminate(s, v, g);
    *b = mp;
    for (size_t i = 0; i < g; i++) a[i] = v[i], *b -= v[i] * mi[i];
}

static double guided(const pln_image *in, const pln_image *guide, bool colour, size_t k, size_t x,
                     size_t y, size_t r, double eps)
{
    size_t w = pln_image_width(in), h = pln_image_height(in), n = 0;
    size_t gc = pln_image_channels(guide), g = colour ? gc : 1, first = colour || gc == 1 ? 0 : k;
    double q = 0;
    for (size_t j = y > r ? y - r : 0; j <= pln_min(h - 1, y + r); j++)
        for (size_t i = x > r ? x - r : 0; i <= pln_min(w - 1, x + r); i++, n++) {
            double a[3], b;
            model(in, guide, first, g, k, i, j, r, eps, a, &b);
            for (size_t c = 0; c < g; c++) b += a[c] * px(guide, x, y, first + c);
            q += b;
        }
    return q / (double)n;
}

static void guided_filter(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {1, 9}, {8, 1}, {3, 2}, {9, 7}};
    for (size_t t = 0; t < 5; t++)
        for (size_t c = 1; c <= 3; c += 2)
            for (size_t g = 0; g <= 3; g++) /* 0: itself */
                for (int mode = 0; mode <= 1; mode++) {
                    if (g == 2 || (mode == 1 && c == 1 && g == 3)) continue;
                    size_t w = sizes[t][0], h = sizes[t][1];
                    pln_image *in = noise(1, w, h, c), *guide = g ? noise(2, w, h, g) : NULL;
                    pln_image *out = smooth(
                        "gf", mode ? "radius=2 eps=0.003 guide-mode=channel" : "radius=2 eps=0.003",
                        in, guide);
                    for (size_t y = 0; y < h; y++)
                        for (size_t x = 0; x < w; x++)
                            for (size_t k = 0; k < c; k++) {
                                double want =
                                    guided(in, guide ? guide : in, mode == 0, k, x, y, 2, 0.003);
                                double got = px(out, x, y, k);
                                if (fabs(got - want) > 5e-6)
                                    fail_msg("gf %zux%zux%zu guide %zu mode %d: %g, expected %g", w,
                                             h, c, g, mode, got, want);
                            }
                    pln_image_free(out);
                    pln_image_free(guide);
                    pln_image_free(in);
                }
}

/* ---- l0 and ils: the steps of their papers, with dense solves ---- */

struct grid {
    size_t w, h, c;
    bool reflect;
};

/* Neighbour of (x, y) to the right or below, and whether it counts. */
static bool right(const struct grid *g, size_t x, size_t *to)
{
    *to = (x + 1) % g->w;
    return x + 1 < g->w || !g->reflect;
}

static bool below(const struct grid *g, size_t y, size_t *to)
{
    *to = (y + 1) % g->h;
    return y + 1 < g->h || !g->reflect;
}

/* (1 + k D) u = f */
static void solve(const struct grid *g, double k, double *f)
{
    size_t n = g->w * g->h, to;
    double *a = calloc(n * n, sizeof *a);
    for (size_t y = 0; y < g->h; y++)
        for (size_t x = 0; x < g->w; x++) {
            size_t i = y * g->w + x, j;
            a[i * n + i] += 1;
            for (int side = 0; side < 2; side++) {
                if (side ? !below(g, y, &to) : !right(g, x, &to)) continue;
                j = side ? to * g->w + x : y * g->w + to;
                a[i * n + i] += k;
                a[j * n + j] += k;
                a[i * n + j] -= k;
                a[j * n + i] -= k;
            }
        }
    eliminate(a, f, n);
    free(a);
}

/* u <- (1 + k D)^-1 (base + s div(change(gradients of u))), div the negative adjoint. */
typedef void change_fn(double *h, double *v, size_t c, const double *p);

static void step(const struct grid *g, double u[3][MOST * MOST], double base[3][MOST * MOST],
                 double s, double k, change_fn *change, const double *p)
{
    static double f[3][MOST * MOST];
    memcpy(f, base, sizeof f);
    for (size_t y = 0; y < g->h; y++)
        for (size_t x = 0; x < g->w; x++) {
            double h[3] = {0}, v[3] = {0};
            size_t tx, ty, i = y * g->w + x;
            bool r = right(g, x, &tx), b = below(g, y, &ty);
            for (size_t c = 0; c < g->c; c++) {
                if (r) h[c] = u[c][y * g->w + tx] - u[c][i];
                if (b) v[c] = u[c][ty * g->w + x] - u[c][i];
            }
            change(h, v, g->c, p);
            for (size_t c = 0; c < g->c; c++) {
                f[c][i] -= s * (h[c] + v[c]);
                f[c][y * g->w + tx] += r ? s * h[c] : 0;
                f[c][ty * g->w + x] += b ? s * v[c] : 0;
                if (!r) f[c][i] += s * h[c];
                if (!b) f[c][i] += s * v[c];
            }
        }
    for (size_t c = 0; c < g->c; c++) {
        solve(g, k, f[c]);
        memcpy(u[c], f[c], g->w * g->h * sizeof(double));
    }
}

static void threshold(double *h, double *v, size_t c, const double *p)
{
    double sum = 0;
    for (size_t k = 0; k < c; k++) sum += h[k] * h[k] + v[k] * v[k];
    for (size_t k = 0; k < c && sum < *p; k++) h[k] = v[k] = 0;
}

/* g -> c g - phi'(g); p: power, eps, gamma (0: charbonnier) */
static void penalty(double *h, double *v, size_t c, const double *p)
{
    for (size_t k = 0; k < 2 * c; k++) {
        double *g = k < c ? &h[k] : &v[k - c];
        if (p[2] > 0)
            *g = 2 * *g - 2 * *g * exp(-*g * *g / (2 * p[2] * p[2]));
        else
            *g =
                p[0] * pow(p[1], p[0] / 2 - 1) * *g - p[0] * *g * pow(*g * *g + p[1], p[0] / 2 - 1);
    }
}

static void load(const pln_image *image, const struct grid *g, double u[3][MOST * MOST])
{
    for (size_t c = 0; c < g->c; c++)
        for (size_t i = 0; i < g->w * g->h; i++) u[c][i] = px(image, i % g->w, i / g->w, c);
}

static void compare(const pln_image *out, const struct grid *g, double u[3][MOST * MOST],
                    double tolerance, const char *what)
{
    for (size_t c = 0; c < g->c; c++)
        for (size_t i = 0; i < g->w * g->h; i++) {
            double got = px(out, i % g->w, i / g->w, c);
            if (fabs(got - u[c][i]) > tolerance)
                fail_msg("%s %zux%zux%zu: %g, expected %g at x %zu, y %zu", what, g->w, g->h, g->c,
                         got, u[c][i], i % g->w, i / g->w);
        }
}

static const struct grid grids[] = {{1, 1, 1, false}, {7, 1, 3, false}, {1, 6, 1, false},
                                    {2, 2, 3, false}, {9, 8, 3, false}, {11, 5, 1, false},
                                    {1, 1, 1, true},  {7, 1, 3, true},  {1, 6, 1, true},
                                    {2, 2, 3, true},  {9, 8, 3, true},  {11, 5, 1, true}};

static void l0_gradients(void **state)
{
    (void)state;
    static double u[3][MOST * MOST], base[3][MOST * MOST];
    for (size_t t = 0; t < sizeof grids / sizeof *grids; t++) {
        const struct grid *g = &grids[t];
        pln_image *in = noise(3, g->w, g->h, g->c);
        pln_image *out =
            smooth("l0", g->reflect ? "lambda=0.03 border=reflect" : "lambda=0.03", in, NULL);
        load(in, g, u);
        load(in, g, base);
        for (double beta = 0.06; beta < 1e5; beta *= 2) {
            double limit = 0.03 / beta;
            step(g, u, base, beta, beta, threshold, &limit);
        }
        compare(out, g, u, 1e-3, g->reflect ? "l0 reflect" : "l0");
        pln_image_free(out);
        pln_image_free(in);
    }
}

static void iterative_least_squares(void **state)
{
    (void)state;
    static double u[3][MOST * MOST], base[3][MOST * MOST];
    for (size_t t = 0; t < 6; t++)
        for (int welsch = 0; welsch <= 1; welsch++)
            for (int anchor = 0; anchor <= 1; anchor++) {
                const struct grid *g = &grids[t];
                const double p[3] = {0.8, 1e-4, welsch ? 0.1 : 0};
                double lambda = welsch ? 5 : 1, c = welsch ? 2 : 0.8 * pow(1e-4, -0.6);
                char values[96];
                snprintf(values, sizeof values, "%s iterations=3 anchor=%s",
                         welsch ? "penalty=welsch lambda=5 gamma=0.1" : "lambda=1",
                         anchor ? "input" : "previous");
                pln_image *in = noise(4, g->w, g->h, g->c), *out = smooth("ils", values, in, NULL);
                load(in, g, u);
                load(in, g, base);
                for (int i = 0; i < 3; i++) {
                    if (!anchor) memcpy(base, u, sizeof base);
                    step(g, u, base, lambda / 2, c * lambda / 2, penalty, p);
                }
                compare(out, g, u, 2e-5, values);
                pln_image_free(out);
                pln_image_free(in);
            }
}

/* ---- fgs: lines, with dense solves ---- */

/* (1 + lambda Lap(exp(-|difference of guide| / sigma))) u = u along n pixels */
static void smooth_line(double u[3][MOST * MOST], size_t c, double guide[3][MOST * MOST],
                        size_t guides, size_t first, size_t step, size_t n, double lambda,
                        double sigma)
{
    double w[MOST], f[MOST], a[MOST * MOST];
    for (size_t i = 0; i + 1 < n; i++) {
        const size_t at = first + i * step;
        double sum = 0;
        for (size_t k = 0; k < guides; k++)
            sum += (guide[k][at + step] - guide[k][at]) * (guide[k][at + step] - guide[k][at]);
        w[i] = lambda * exp(-sqrt(sum) / sigma);
    }
    for (size_t k = 0; k < c; k++) {
        memset(a, 0, sizeof a);
        for (size_t i = 0; i < n; i++) {
            f[i] = u[k][first + i * step];
            a[i * n + i] += 1;
            if (i + 1 == n) continue;
            a[i * n + i] += w[i];
            a[(i + 1) * n + i + 1] += w[i];
            a[i * n + i + 1] = a[(i + 1) * n + i] = -w[i];
        }
        eliminate(a, f, n);
        for (size_t i = 0; i < n; i++) u[k][first + i * step] = f[i];
    }
}

static void fast_global_smoother(void **state)
{
    (void)state;
    enum { INPUT, GREY, MOVING, COLOUR };
    static double u[3][MOST * MOST], guide[3][MOST * MOST];
    for (size_t t = 0; t < 6; t++)
        for (int mode = INPUT; mode <= COLOUR; mode++)
            for (int strong = 0; strong <= 1; strong++) {
                const struct grid *g = &grids[t];
                size_t guides = mode == GREY ? 1 : mode == COLOUR ? 3 : g->c;
                double lambda = strong ? 1e6 : 20, sigma = strong ? 10 : 0.1;
                char values[96];
                snprintf(values, sizeof values, "lambda=%g sigma=%g attenuation=3 guide-mode=%s",
                         lambda, sigma, mode == MOVING ? "moving" : "input");
                pln_image *in = noise(5, g->w, g->h, g->c);
                pln_image *steer =
                    mode == GREY || mode == COLOUR ? noise(6, g->w, g->h, guides) : NULL;
                pln_image *out = smooth("fgs", values, in, steer);
                load(in, g, u);
                load(steer ? steer : in, &(struct grid){g->w, g->h, guides, false}, guide);
                lambda *= 1.5 * 16 / 63;
                for (int i = 0; i < 3; i++, lambda /= 3) {
                    for (size_t y = 0; y < g->h; y++)
                        smooth_line(u, g->c, mode == MOVING ? u : guide, guides, y * g->w, 1, g->w,
                                    lambda, sigma);
                    for (size_t x = 0; x < g->w; x++)
                        smooth_line(u, g->c, mode == MOVING ? u : guide, guides, x, g->w, g->h,
                                    lambda, sigma);
                }
                compare(out, g, u, 1e-6, values);
                pln_image_free(out);
                pln_image_free(steer);
                pln_image_free(in);
            }
}

/* ---- Domain transform: each pixel of a line by its definition, from all others ---- */

typedef double line_fn(const double *F, const double *ct, size_t n, size_t x, double r);

static double in_box(const double *F, const double *ct, size_t n, size_t x, double r)
{
    double sum = 0, count = 0;
    for (size_t y = 0; y < n; y++)
        if (ct[y] > ct[x] - r && ct[y] <= ct[x] + r) sum += F[y], count++;
    return sum / count;
}

/* Of the line that joins the pixels. */
static double value_at(const double *F, const double *ct, size_t n, double t)
{
    size_t k = 0;
    while (k < n && ct[k] < t) k++;
    if (k == 0 || k == n) return F[k ? n - 1 : 0];
    return F[k - 1] + (F[k] - F[k - 1]) * (t - ct[k - 1]) / (ct[k] - ct[k - 1]);
}

/* Piece by piece: before the first pixel, between two, after the last. */
static double of_joined(const double *F, const double *ct, size_t n, size_t x, double r)
{
    double sum = 0;
    for (size_t k = 0; k <= n; k++) {
        double a = ct[x] - r, b = ct[x] + r;
        if (k > 0) a = fmax(a, ct[k - 1]);
        if (k < n) b = fmin(b, ct[k]);
        if (a < b) sum += (value_at(F, ct, n, a) + value_at(F, ct, n, b)) / 2 * (b - a);
    }
    return sum / (2 * r);
}

/* One line of u, pixels `apart`; guide: of three channels at most. */
static void transformed(const struct grid *g, double u[3][MOST * MOST],
                        double guide[3][MOST * MOST], size_t guides, size_t first, size_t n,
                        size_t apart, double sigma, line_fn *box)
{
    const double ratio = 5 / 0.3;
    double ct[MOST], F[MOST];
    for (size_t x = 0; x < n; x++) {
        ct[x] = x ? ct[x - 1] + 1 : 0;
        for (size_t c = 0; c < guides && x; c++)
            ct[x] += ratio * fabs(guide[c][first + x * apart] - guide[c][first + (x - 1) * apart]);
    }
    for (size_t c = 0; c < g->c; c++) {
        for (size_t x = 0; x < n; x++) F[x] = u[c][first + x * apart];
        if (box) {
            for (size_t x = 0; x < n; x++)
                u[c][first + x * apart] = box(F, ct, n, x, sqrt(3) * sigma);
            continue;
        }
        for (size_t x = 1; x < n; x++)
            F[x] += exp(-sqrt(2) / sigma * (ct[x] - ct[x - 1])) * (F[x - 1] - F[x]);
        for (size_t x = n - 1; x-- > 0;)
            F[x] += exp(-sqrt(2) / sigma * (ct[x + 1] - ct[x])) * (F[x + 1] - F[x]);
        for (size_t x = 0; x < n; x++) u[c][first + x * apart] = F[x];
    }
}

static void domain_transform(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        line_fn *box;
    } filters[] = {{"dt-nc", in_box}, {"dt-ic", of_joined}, {"dt-rf", NULL}};
    static double u[3][MOST * MOST], by[3][MOST * MOST];
    for (size_t f = 0; f < 3; f++)
        for (size_t t = 0; t < 6; t++)
            for (size_t guides = 0; guides <= 3; guides++) { /* 0: itself */
                const struct grid *g = &grids[t];
                const struct grid of_guide = {.w = g->w, .h = g->h, .c = guides ? guides : g->c};
                if (guides == 2) continue;
                pln_image *in = noise(5, g->w, g->h, g->c);
                pln_image *guide = guides ? noise(6, g->w, g->h, guides) : NULL;
                pln_image *out =
                    smooth(filters[f].name, "sigma-s=5 sigma-r=0.3 iterations=2", in, guide);
                load(in, g, u);
                load(guide ? guide : in, &of_guide, by);
                for (int pass = 0; pass < 2; pass++) {
                    double sigma = 5 * sqrt(3) * (pass ? 1 : 2) / sqrt(15);
                    for (size_t y = 0; y < g->h; y++)
                        transformed(g, u, by, of_guide.c, y * g->w, g->w, 1, sigma, filters[f].box);
                    for (size_t x = 0; x < g->w; x++)
                        transformed(g, u, by, of_guide.c, x, g->h, g->w, sigma, filters[f].box);
                }
                compare(out, g, u, 1e-6, filters[f].name);
                pln_image_free(out);
                pln_image_free(guide);
                pln_image_free(in);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guided_filter),           cmocka_unit_test(l0_gradients),
        cmocka_unit_test(iterative_least_squares), cmocka_unit_test(fast_global_smoother),
        cmocka_unit_test(domain_transform),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
