/* SPDX-License-Identifier: MIT */
/* Choice of ground truths: Wang et al. (CSGIS-Net), section 4.1, who describe it for Easy2Hard too:
 * smoothness of patches without edges below 0.05, structure kept in the others. Window, stride and
 * percentile are not published; how they were chosen is in docs/datasets.md. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "data/make.h"
#include "image/image.h"

enum { WINDOW = 16, STRIDE = 8, RADIUS = 5, CUT = 8 };
static const double smooth_limit = 0.05; /* paper */
/* There people put distorted pictures aside. Of 268 photographs' candidates that were smooth
 * enough, those below had lost eyes, petals and seams. */
static const double structure_limit = 0.8;

/* ---- Luma and the 11 x 11 Gaussian with zeros outside ---- */

static pln_status luma_of(pln_context *ctx, const uint8_t *rgb, size_t w, size_t h, double **luma)
{
    double *y = NULL;
    pln_status s = pln_alloc(ctx, w * h, sizeof *y, &y);
    if (s) return s;
    for (size_t i = 0; i < w * h; i++)
        y[i] = (0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2]) / 255;
    *luma = y;
    return PLN_OK;
}

static void gaussian_weights(double g[2 * RADIUS + 1])
{
    double sum = 0;
    for (int i = -RADIUS; i <= RADIUS; i++) sum += g[i + RADIUS] = exp(-i * i / 4.5);
    for (int i = 0; i <= 2 * RADIUS; i++) g[i] /= sum;
}

/* In place; row: w doubles, plane: w x h doubles of scratch. */
static void blur(double *v, size_t w, size_t h, double *plane)
{
    double g[2 * RADIUS + 1];
    gaussian_weights(g);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            double sum = 0;
            for (ptrdiff_t k = -RADIUS; k <= RADIUS; k++) {
                ptrdiff_t at = (ptrdiff_t)x + k;
                if (at >= 0 && at < (ptrdiff_t)w) sum += g[k + RADIUS] * v[y * w + (size_t)at];
            }
            plane[y * w + x] = sum;
        }
    memset(v, 0, w * h * sizeof *v);
    for (size_t y = 0; y < h; y++)
        for (ptrdiff_t k = -RADIUS; k <= RADIUS; k++) {
            ptrdiff_t at = (ptrdiff_t)y + k;
            if (at < 0 || at >= (ptrdiff_t)h) continue;
            const double *p = plane + (size_t)at * w;
            for (size_t x = 0; x < w; x++) v[y * w + x] += g[k + RADIUS] * p[x];
        }
}

/* Blurred a b (b NULL: a), as a new plane. */
static pln_status moment(pln_context *ctx, const double *a, const double *b, size_t w, size_t h,
                         double *plane, double **result)
{
    double *m = NULL;
    pln_status s = pln_alloc(ctx, w * h, sizeof *m, &m);
    if (s) return s;
    for (size_t i = 0; i < w * h; i++) m[i] = b ? a[i] * b[i] : a[i];
    blur(m, w, h, plane);
    *result = m;
    return PLN_OK;
}

/* Local variance of v, as a new plane. */
static pln_status local_variance(pln_context *ctx, const double *v, size_t w, size_t h,
                                 double **result)
{
    double *plane = NULL, *mean = NULL, *square = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_alloc(ctx, w * h, sizeof *plane, &plane));
    PLN_TRY(moment(ctx, v, NULL, w, h, plane, &mean));
    PLN_TRY(moment(ctx, v, v, w, h, plane, &square));
    for (size_t i = 0; i < w * h; i++) square[i] = fmax(0, square[i] - mean[i] * mean[i]);
    *result = square;
    square = NULL;
done:
    pln_free(square);
    pln_free(mean);
    pln_free(plane);
    return s;
}

/* ---- How easy a photograph, how fine a texture is ---- */

pln_status pln_flat_share(pln_context *ctx, const uint8_t *rgb, size_t w, size_t h, double *share)
{
    double *luma = NULL, *variance = NULL;
    size_t flat = 0;
    pln_status s = PLN_OK;

    if (w <= 2 * CUT || h <= 2 * CUT)
        return pln_fail(ctx, PLN_E_SHAPE, "%zux%zu is too small: expected more than %dx%d", w, h,
                        2 * CUT, 2 * CUT);
    PLN_TRY(luma_of(ctx, rgb, w, h, &luma));
    PLN_TRY(local_variance(ctx, luma, w, h, &variance));
    for (size_t y = CUT; y < h - CUT; y++)
        for (size_t x = CUT; x < w - CUT; x++) flat += variance[y * w + x] < 0.02 * 0.02;
    *share = (double)flat / (double)((w - 2 * CUT) * (h - 2 * CUT));
done:
    pln_free(variance);
    pln_free(luma);
    return s;
}

pln_status pln_grain(pln_context *ctx, const double *grey, size_t w, size_t h, double *std,
                     double *local_ratio)
{
    double *v = NULL, *variance = NULL, mean = 0, total = 0, local = 0;
    size_t inner = 0;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, sizeof *v, &v));
    for (size_t i = 0; i < w * h; i++) mean += grey[i] / 255;
    mean /= (double)(w * h);
    for (size_t i = 0; i < w * h; i++) {
        v[i] = grey[i] / 255 - mean;
        total += v[i] * v[i];
    }
    total /= (double)(w * h);
    PLN_TRY(local_variance(ctx, v, w, h, &variance));
    for (size_t y = RADIUS; y + RADIUS < h; y++)
        for (size_t x = RADIUS; x + RADIUS < w; x++, inner++) local += variance[y * w + x];
    *std = sqrt(total);
    *local_ratio = inner && total > 1e-12 ? local / (double)inner / total : 1;
done:
    pln_free(variance);
    pln_free(v);
    return s;
}

/* ---- Windows ---- */

struct windows {
    size_t across, down;
    bool *flat; /* without an edge of the photograph */
};

static double window_mean(const double *v, size_t w, size_t x, size_t y)
{
    double sum = 0;
    for (size_t j = 0; j < WINDOW; j++)
        for (size_t i = 0; i < WINDOW; i++) sum += v[(y + j) * w + x + i];
    return sum / (WINDOW * WINDOW);
}

static pln_status find_flat(pln_context *ctx, const uint8_t *photo, size_t w, size_t h,
                            struct windows *win)
{
    uint8_t *edge = NULL;
    pln_status s = PLN_OK;

    win->across = (w - WINDOW) / STRIDE + 1;
    win->down = (h - WINDOW) / STRIDE + 1;
    PLN_TRY(pln_alloc(ctx, w * h, 1, &edge));
    PLN_TRY(pln_alloc(ctx, win->across * win->down, sizeof *win->flat, &win->flat));
    pln_edge_label(photo, w, h, 2, edge);
    for (size_t k = 0; k < win->across * win->down; k++) {
        size_t x = k % win->across * STRIDE, y = k / win->across * STRIDE, edges = 0;
        for (size_t j = 0; j < WINDOW; j++)
            for (size_t i = 0; i < WINDOW; i++) edges += edge[(y + j) * w + x + i];
        win->flat[k] = edges == 0;
    }
done:
    pln_free(edge);
    return s;
}

static size_t mirror(ptrdiff_t i, size_t n)
{
    return i < 0 ? (size_t)-i : (size_t)i < n ? (size_t)i : 2 * n - 2 - (size_t)i;
}

/* |4-neighbour Laplacian|, reflect-101. */
static void laplacian(const double *v, size_t w, size_t h, double *out)
{
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            size_t l = mirror((ptrdiff_t)x - 1, w), r = mirror((ptrdiff_t)x + 1, w);
            const double *a = v + mirror((ptrdiff_t)y - 1, h) * w,
                         *b = v + mirror((ptrdiff_t)y + 1, h) * w, *c = v + y * w;
            out[y * w + x] = fabs(a[x] + b[x] + c[l] + c[r] - 4 * c[x]);
        }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* smooth_value = std + mean |Laplacian| over the windows without an edge. */
static pln_status smoothness(pln_context *ctx, const double *v, size_t w, size_t h,
                             const struct windows *win, struct pln_screen *r)
{
    double *plane = NULL, *values = NULL;
    size_t n = 0;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, sizeof *plane, &plane));
    PLN_TRY(pln_alloc(ctx, win->across * win->down, sizeof *values, &values));
    laplacian(v, w, h, plane);
    for (size_t k = 0; k < win->across * win->down; k++) {
        size_t x = k % win->across * STRIDE, y = k / win->across * STRIDE;
        if (!win->flat[k]) continue;
        double mean = window_mean(v, w, x, y), square = 0;
        for (size_t j = 0; j < WINDOW; j++)
            for (size_t i = 0; i < WINDOW; i++) {
                double d = v[(y + j) * w + x + i] - mean;
                square += d * d;
            }
        values[n++] = sqrt(square / (WINDOW * WINDOW)) + window_mean(plane, w, x, y);
    }
    r->windows = n;
    r->edge_free_share = (double)n / (double)(win->across * win->down);
    if (n == 0) goto done;
    for (size_t i = 0; i < n; i++) r->mean += values[i] / (double)n;
    qsort(values, n, sizeof *values, by_value);
    double at = 0.9 * (double)(n - 1);
    size_t below = (size_t)at, above = pln_min(below + 1, n - 1);
    r->p90 = values[below] + (at - (double)below) * (values[above] - values[below]);
    r->max = values[n - 1];
done:
    pln_free(values);
    pln_free(plane);
    return s;
}

/* SSIM of luma, 11 x 11 Gaussian, over the windows with an edge. */
static pln_status structure(pln_context *ctx, const double *a, const double *b, size_t w, size_t h,
                            const struct windows *win, double *ssim)
{
    double *plane = NULL, *m[5] = {NULL}, sum = 0;
    size_t n = 0;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, sizeof *plane, &plane));
    PLN_TRY(moment(ctx, a, NULL, w, h, plane, &m[0]));
    PLN_TRY(moment(ctx, b, NULL, w, h, plane, &m[1]));
    PLN_TRY(moment(ctx, a, a, w, h, plane, &m[2]));
    PLN_TRY(moment(ctx, b, b, w, h, plane, &m[3]));
    PLN_TRY(moment(ctx, a, b, w, h, plane, &m[4]));
    for (size_t i = 0; i < w * h; i++) {
        double p = m[0][i], q = m[1][i], pp = m[2][i] - p * p, qq = m[3][i] - q * q,
               pq = m[4][i] - p * q;
        plane[i] =
            (2 * p * q + 1e-4) * (2 * pq + 9e-4) / ((p * p + q * q + 1e-4) * (pp + qq + 9e-4));
    }
    for (size_t k = 0; k < win->across * win->down; k++) {
        if (win->flat[k]) continue;
        sum += window_mean(plane, w, k % win->across * STRIDE, k / win->across * STRIDE);
        n++;
    }
    *ssim = n ? sum / (double)n : 1;
done:
    for (int i = 0; i < 5; i++) pln_free(m[i]);
    pln_free(plane);
    return s;
}

pln_status pln_screen(pln_context *ctx, const uint8_t *photo, const uint8_t *candidate, size_t w,
                      size_t h, struct pln_screen *result)
{
    struct windows win = {0};
    struct pln_screen r = {0};
    double *a = NULL, *b = NULL;
    pln_status s = PLN_OK;

    if (w < WINDOW || h < WINDOW)
        return pln_fail(ctx, PLN_E_SHAPE, "%zux%zu is too small: expected at least %dx%d", w, h,
                        WINDOW, WINDOW);
    PLN_TRY(find_flat(ctx, photo, w, h, &win));
    PLN_TRY(luma_of(ctx, photo, w, h, &a));
    PLN_TRY(luma_of(ctx, candidate, w, h, &b));
    PLN_TRY(smoothness(ctx, b, w, h, &win, &r));
    PLN_TRY(structure(ctx, a, b, w, h, &win, &r.structure_ssim));
    r.passes = r.windows >= 3 && r.p90 < smooth_limit && r.structure_ssim >= structure_limit;
    *result = r;
done:
    pln_free(b);
    pln_free(a);
    pln_free(win.flat);
    return s;
}
