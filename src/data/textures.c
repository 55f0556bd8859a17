/* SPDX-License-Identifier: MIT */
/* Procedural textures: twelve families, periodic on n x n pixels. The order of the random draws is
 * part of the definition. */
#include <math.h>
#include <string.h>

#include "data/data.h"
#include "solve/solve.h"

static const double pi = 3.141592653589793;

/* What a family sees: n, the random numbers, its output, two layers of scratch. */
struct loom {
    pln_context *ctx;
    struct pln_rng r;
    size_t n;
    double *out, *field, *other;
};

#define EACH_PIXEL(l)                                                                              \
    for (size_t j = 0; j < (l)->n; j++)                                                            \
        for (size_t i = 0; i < (l)->n; i++)

static double uniform(struct loom *l, double lo, double hi)
{
    return pln_rng_uniform(&l->r, lo, hi);
}

static double log_uniform(struct loom *l, double lo, double hi)
{
    return pln_rng_log_uniform(&l->r, lo, hi);
}

static void draw_field(struct loom *l, double *field) { pln_rng_field(&l->r, field, l->n * l->n); }

/* x mod p in [0, p). */
static double wrap(double x, double p)
{
    double r = fmod(x, p);
    return r < 0 ? r + p : r;
}

static double odd(double row) { return wrap(row, 2); }

/* The period next to p that divides n. */
static double fit(const struct loom *l, double p)
{
    double n = (double)l->n;
    return n / fmax(1, nearbyint(n / p));
}

/* out += strength (noise - 1/2), noise drawn now. */
static void add_noise(struct loom *l, double strength)
{
    draw_field(l, l->field);
    for (size_t i = 0; i < l->n * l->n; i++) l->out[i] += strength * (l->field[i] - 0.5);
}

/* ---- Filters in the Fourier domain ---- */

typedef double weight_fn(const double *p, double fx, double fy);

/* v times weight(fx, fy) in the Fourier domain, frequencies in cycles a pixel, v in place. */
static pln_status filter(struct loom *l, double *v, weight_fn *weight, const double *p)
{
    pln_context *ctx = l->ctx;
    size_t n = l->n, row = pln_div_up(n + 2, 16) * 16, half = n / 2 + 1;
    size_t columns = pln_div_up(half, 8) * 8;
    float *real = NULL, *spectrum = NULL, *column = NULL, *wave = NULL, *scratch = NULL;
    pln_fft *fft = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_fft_new(ctx, n, n, &fft));
    PLN_TRY(pln_alloc(ctx, row, sizeof *real, &real));
    PLN_TRY(pln_alloc(ctx, n * columns, 2 * sizeof *spectrum, &spectrum));
    PLN_TRY(pln_alloc(ctx, n, 2 * sizeof *column, &column));
    PLN_TRY(pln_alloc(ctx, n, 2 * sizeof *wave, &wave));
    PLN_TRY(pln_alloc(ctx, pln_fft_scratch(n, n), sizeof *scratch, &scratch));
    for (size_t y = 0; y < n; y++) {
        for (size_t x = 0; x < n; x++) real[x] = (float)v[y * n + x];
        pln_fft_row(fft, real, spectrum + 2 * y * columns, scratch);
    }
    for (size_t x = 0; x < half; x++) {
        double fx = ((double)x - (2 * x >= n ? (double)n : 0)) / (double)n;
        for (size_t y = 0; y < n; y++)
            memcpy(column + 2 * y, spectrum + 2 * (y * columns + x), 2 * sizeof *column);
        pln_fft_column(fft, column, wave, false, scratch);
        for (size_t y = 0; y < n; y++) {
            double fy = ((double)y - (2 * y >= n ? (double)n : 0)) / (double)n;
            float k = (float)(weight(p, fx, fy) / (double)(n * n));
            wave[2 * y] *= k;
            wave[2 * y + 1] *= k;
        }
        pln_fft_column(fft, wave, column, true, scratch);
        for (size_t y = 0; y < n; y++)
            memcpy(spectrum + 2 * (y * columns + x), column + 2 * y, 2 * sizeof *column);
    }
    for (size_t y = 0; y < n; y++) {
        pln_fft_row_inverse(fft, spectrum + 2 * y * columns, real, scratch);
        for (size_t x = 0; x < n; x++) v[y * n + x] = (double)real[x];
    }
done:
    pln_free(scratch);
    pln_free(wave);
    pln_free(column);
    pln_free(spectrum);
    pln_free(real);
    pln_fft_free(fft);
    return s;
}

static pln_status noise(struct loom *l, weight_fn *weight, const double *p)
{
    draw_field(l, l->out);
    for (size_t i = 0; i < l->n * l->n; i++) l->out[i] -= 0.5;
    return filter(l, l->out, weight, p);
}

/* v convolved with a periodic Gaussian, rows then columns; in double, directly. */
static pln_status blur(struct loom *l, double *v, double sigma)
{
    size_t n = l->n;
    double *kernel = NULL, *line = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(l->ctx, n, sizeof *kernel, &kernel));
    PLN_TRY(pln_alloc(l->ctx, 2 * n, sizeof *line, &line));
    for (size_t k = 0; k < n; k++) { /* from its transform */
        double f = ((double)k - (2 * k >= n ? (double)n : 0)) / (double)n, a = pi * sigma * f;
        double weight = exp(-2 * a * a) / (double)n;
        for (size_t x = 0; x < n; x++) kernel[x] += weight * cos(2 * pi * f * (double)x);
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t row = 0; row < n; row++) {
            double *at = v + row * (pass ? 1 : n);
            size_t step = pass ? n : 1;
            for (size_t x = 0; x < 2 * n; x++) line[x] = at[x % n * step];
            for (size_t x = 0; x < n; x++) {
                double sum = 0;
                for (size_t k = 0; k < n; k++)
                    sum += kernel[k] * line[x + k]; /* the kernel is even */
                at[x * step] = sum;
            }
        }
done:
    pln_free(line);
    pln_free(kernel);
    return s;
}

static double band_weight(const double *p, double fx, double fy)
{
    double t = log(hypot(fx, fy) * p[0] + 1e-9) / p[1];
    return exp(-0.5 * t * t);
}

static double fibre_weight(const double *p, double fx, double fy)
{
    double along = p[1] * (fx * cos(p[0]) + fy * sin(p[0])),
           across = p[2] * (fy * cos(p[0]) - fx * sin(p[0]));
    return hypot(fx, fy) > 1.0 / 32 ? exp(-2 * pi * pi * (along * along + across * across)) : 0;
}

static double fractal_weight(const double *p, double fx, double fy)
{
    double f = hypot(fx, fy);
    return f > 1.0 / 40 ? pow(fmax(f, 1e-9), -p[0]) : 0;
}

/* ---- The families ---- */

static pln_status band(struct loom *l)
{
    double p[2];
    p[0] = log_uniform(l, 2.5, 10);
    p[1] = uniform(l, 0.25, 0.8);
    return noise(l, band_weight, p);
}

static pln_status fibre(struct loom *l)
{
    double p[3];
    p[0] = uniform(l, 0, pi);
    p[1] = log_uniform(l, 8, 40);
    p[2] = log_uniform(l, 0.6, 2);
    return noise(l, fibre_weight, p);
}

static pln_status fractal(struct loom *l)
{
    double b = uniform(l, 0.4, 1.4);
    return noise(l, fractal_weight, &b);
}

static double deviation(const double *v, size_t n)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += v[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) square += (v[i] - mean) * (v[i] - mean);
    return sqrt(square / (double)n);
}

static pln_status stripes(struct loom *l)
{
    double n = (double)l->n, p = log_uniform(l, 3, 16), angle = uniform(l, 0, pi);
    double q = nearbyint(n / p * cos(angle)), m = nearbyint(n / p * sin(angle));
    pln_status s = PLN_OK;

    if (q == 0 && m == 0) q = 1;
    draw_field(l, l->field);
    for (size_t i = 0; i < l->n * l->n; i++) l->field[i] -= 0.5;
    PLN_TRY(blur(l, l->field, uniform(l, 6, 20)));
    double gain = uniform(l, 0.5, 4),
           wobble = uniform(l, 0, 1.5) / deviation(l->field, l->n * l->n);
    EACH_PIXEL(l)
    {
        size_t at = j * l->n + i;
        l->out[at] =
            tanh(gain * sin(2 * pi * (q * (double)i + m * (double)j) / n + wobble * l->field[at]));
    }
done:
    return s;
}

static pln_status weave(struct loom *l)
{
    double p = fit(l, log_uniform(l, 4, 20)), warp = uniform(l, 0.4, 1.5),
           weft = uniform(l, 0.4, 1.5);
    EACH_PIXEL(l)
    {
        double a = sin(2 * pi * (double)i / p), b = sin(2 * pi * (double)j / p);
        l->out[j * l->n + i] = a * b > 0 ? pow(fabs(a), warp) : -pow(fabs(b), weft);
    }
    add_noise(l, uniform(l, 0, 0.3));
    return PLN_OK;
}

static pln_status twill(struct loom *l)
{
    double p = fit(l, log_uniform(l, 4, 12)), block = fit(l, log_uniform(l, 16, 64));
    bool herringbone = pln_rng_unit(&l->r) < 0.6;
    double gain = uniform(l, 1, 4);
    EACH_PIXEL(l)
    {
        double side = herringbone && odd(floor((double)i / (block / 2))) != 0 ? -1 : 1;
        l->out[j * l->n + i] = tanh(gain * sin(2 * pi * ((double)j + side * (double)i) / p));
    }
    add_noise(l, uniform(l, 0, 0.5));
    return PLN_OK;
}

static pln_status brick(struct loom *l)
{
    double tone[64 * 64], n = (double)l->n, h = fit(l, log_uniform(l, 6, 24));
    double w = fit(l, h * uniform(l, 1.8, 3.2)), mortar = uniform(l, 0.8, 2.2);
    pln_rng_field(&l->r, tone, 64 * 64);
    double joint = pln_rng_unit(&l->r) < 0.5 ? -1.2 : 1.2, contrast = uniform(l, 0.2, 1);
    EACH_PIXEL(l)
    {
        double x = (double)i, y = (double)j, row = floor(y / h),
               shifted = wrap(x + odd(row) * w / 2, n);
        double column = floor(shifted / w), fx = wrap(shifted, w), fy = wrap(y, h);
        bool in_joint = fmin(fmin(fx, w - fx), fmin(fy, h - fy)) < mortar;
        size_t k = (size_t)wrap(row, 64) * 64 + (size_t)wrap(column, 64);
        l->out[j * l->n + i] = in_joint ? joint : contrast * (tone[k] - 0.5);
    }
    add_noise(l, uniform(l, 0.1, 0.5));
    return PLN_OK;
}

static pln_status dots(struct loom *l)
{
    double p = fit(l, log_uniform(l, 4, 14)), hexagonal = pln_rng_unit(&l->r) < 0.5;
    double radius = uniform(l, 0.22, 0.45) * p, sign = pln_rng_unit(&l->r) < 0.5 ? 1 : -1;
    EACH_PIXEL(l)
    {
        double x = (double)i, y = (double)j, row = floor(y / p);
        double fx = wrap(x + odd(row) * p / 2 * hexagonal, p) - p / 2, fy = wrap(y, p) - p / 2;
        l->out[j * l->n + i] = sign * fmin(1, fmax(0, 0.5 + (radius - hypot(fx, fy))));
    }
    return PLN_OK;
}

static pln_status cells(struct loom *l)
{
    double n = (double)l->n, count = fmax(2, nearbyint(n / log_uniform(l, 5, 24)));
    size_t g = (size_t)count;
    double *jx = l->field, *jy = l->other;
    pln_rng_field(&l->r, jx, g * g);
    pln_rng_field(&l->r, jy, g * g);
    bool cracks = pln_rng_unit(&l->r) < 0.6;
    double depth = cracks ? uniform(l, 0.08, 0.4) : 0;
    EACH_PIXEL(l)
    {
        double x = ((double)i + 0.5) * count / n, y = ((double)j + 0.5) * count / n, d1 = 1e9,
               d2 = 1e9;
        long cx = (long)x, cy = (long)y;
        for (long oy = -1; oy <= 1; oy++)
            for (long ox = -1; ox <= 1; ox++) {
                size_t at = (size_t)((cy + oy + (long)g) % (long)g) * g +
                            (size_t)((cx + ox + (long)g) % (long)g);
                double d = hypot(x - (double)(cx + ox) - jx[at], y - (double)(cy + oy) - jy[at]);
                if (d < d1)
                    d2 = d1, d1 = d;
                else if (d < d2)
                    d2 = d;
            }
        l->out[j * l->n + i] = cracks ? fmin(d2 - d1, depth) : d1;
    }
    return PLN_OK;
}

static pln_status scales(struct loom *l)
{
    double p = fit(l, log_uniform(l, 6, 20));
    EACH_PIXEL(l)
    {
        double x = (double)i, y = (double)j, o = 0;
        for (int k = 0; k < 3; k++) {
            double row = floor(y / (p / 2)) - k, fx = wrap(x + odd(row) * p / 2, p) - p / 2;
            double d = hypot(fx, y - row * (p / 2)) / (p * 0.62);
            if (d < 1 && o == 0) o = 0.1 + d;
        }
        l->out[j * l->n + i] = o;
    }
    add_noise(l, uniform(l, 0, 0.2));
    return PLN_OK;
}

static pln_status grain(struct loom *l)
{
    draw_field(l, l->field);
    double density = log_uniform(l, 0.004, 0.06);
    draw_field(l, l->other);
    double light = uniform(l, 0.2, 0.8);
    for (size_t i = 0; i < l->n * l->n; i++)
        l->out[i] = l->field[i] < density ? (l->other[i] < light ? 1 : -1) : 0;
    return blur(l, l->out, log_uniform(l, 0.5, 2.5));
}

static pln_status hatch(struct loom *l)
{
    double n = (double)l->n;
    size_t sets = 2 + pln_rng_below(&l->r, 3);
    pln_status s = PLN_OK;

    memset(l->out, 0, l->n * l->n * sizeof *l->out);
    for (size_t t = 0; t < sets; t++) {
        long q = (long)pln_rng_below(&l->r, 9) - 4, m = (long)pln_rng_below(&l->r, 9) - 4;
        if (q == 0 && m == 0) q = 1;
        double length = hypot((double)q, (double)m),
               k = fmax(1, nearbyint(log_uniform(l, 16, 80) / length));
        /* A profile of lines, the same in all rows. */
        pln_rng_field(&l->r, l->other, l->n);
        EACH_PIXEL(l) l->field[j * l->n + i] = l->other[i] < k * length / n;
        PLN_TRY(blur(l, l->field, uniform(l, 0.5, 1.2)));
        EACH_PIXEL(l)
        {
            long at = (q * (long)i + m * (long)j) % (long)l->n;
            double v = l->field[at < 0 ? at + (long)l->n : at], *o = &l->out[j * l->n + i];
            if (v > *o) *o = v;
        }
    }
    for (size_t i = 0; i < l->n * l->n; i++) l->out[i] = -l->out[i];
done:
    return s;
}

/* ---- Putting together ---- */

const char *const pln_texture_families[] = {"band",  "fibre", "fractal", "stripes", "weave",
                                            "twill", "brick", "dots",    "cells",   "scales",
                                            "grain", "hatch", NULL};
static pln_status (*const families[])(struct loom *) = {
    band, fibre, fractal, stripes, weave, twill, brick, dots, cells, scales, grain, hatch};
enum { FAMILIES = 12 };

/* Mean 0, deviation 1. */
static void normalise(double *v, size_t n)
{
    double mean = 0, d = fmax(deviation(v, n), 1e-9);
    for (size_t i = 0; i < n; i++) mean += v[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) v[i] = (v[i] - mean) / d;
}

pln_status pln_texture(pln_context *ctx, uint64_t seed, uint64_t index, size_t n,
                       const char *family, double *layer, const char **chosen)
{
    struct loom l = {.ctx = ctx, .r = pln_rng(seed, 0x10000000u + index), .n = n, .out = layer};
    size_t which = 0, count = n * n;
    double *first = NULL;
    pln_status s = PLN_OK;

    if (n < 8)
        return pln_fail(ctx, PLN_E_RANGE, "a texture of %zux%zu: expected at least 8x8", n, n);
    if (family) {
        while (which < FAMILIES && strcmp(pln_texture_families[which], family)) which++;
        if (which == FAMILIES) {
            const char *near = pln_nearest(family, pln_texture_families);
            return near ? pln_fail(ctx, PLN_E_ARG,
                                   "unknown texture family '%s': did you mean '%s'?", family, near)
                        : pln_fail(ctx, PLN_E_ARG,
                                   "unknown texture family '%s': expected band, fibre, fractal, "
                                   "stripes, weave, twill, brick, dots, cells, scales, grain or "
                                   "hatch",
                                   family);
        }
    } else {
        which = pln_rng_below(&l.r, FAMILIES);
    }
    PLN_TRY(pln_alloc(ctx, count, sizeof(double), &l.field));
    PLN_TRY(pln_alloc(ctx, count, sizeof(double), &l.other));
    PLN_TRY(pln_alloc(ctx, count, sizeof(double), &first));
    PLN_TRY(families[which](&l));
    normalise(layer, count);
    if (pln_rng_unit(&l.r) < 0.3) { /* mixed with fine noise */
        double share = uniform(&l, 0.2, 0.7);
        memcpy(first, layer, count * sizeof *first);
        PLN_TRY(band(&l));
        normalise(layer, count);
        for (size_t i = 0; i < count; i++) layer[i] = first[i] + share * layer[i];
    }
    normalise(layer, count);
    for (size_t i = 0; i < count; i++) layer[i] = 2.5 * tanh(layer[i] / 2.5);
    normalise(layer, count);
    if (chosen) *chosen = pln_texture_families[which];
done:
    pln_free(first);
    pln_free(l.other);
    pln_free(l.field);
    return s;
}
