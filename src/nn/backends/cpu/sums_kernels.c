/* SPDX-License-Identifier: MIT */
/* Inner loops of reductions. Memory is read in its order, a few pixels at a time: tiles of channels
 * that stay in registers over all pixels jump in it, and are slower. */
#include "nn/backends/cpu/sums_kernels.h"

#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

extern const sums_kernels PLN_KERNELS(pln_sums_kernels);

#if defined(__AVX512F__)
enum { LANES = 8 };
#elif defined(__AVX2__)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif
enum { VECS = 4, TILE = VECS * LANES }; /* of a sum over channels */
enum { GROUP = 4 };
typedef float half __attribute__((vector_size(LANES * sizeof(float)), unused));
typedef double vec __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t ivec __attribute__((vector_size(LANES * sizeof(double))));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
#if defined(__AVX2__) && !defined(__AVX512F__)
    return (vec)_mm256_cvtps_pd(_mm_loadu_ps(p)); /* what gcc 12 does not make of the below */
#else
    half v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, vec);
#endif
}

INLINE vec load_double(const double *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store_double(double *p, vec v) { memcpy(p, &v, sizeof v); }

INLINE vec larger(vec a, vec b)
{
    ivec which = a > b;
    return (vec)((which & (ivec)a) | (~which & (ivec)b));
}

INLINE double larger_of(double a, double b) { return a > b ? a : b; }

/* GROUP pixels are summed among themselves first. */
INLINE void pixels_group(bool sum, size_t group, const float *x, size_t step, size_t c, double *y)
{
    size_t k = 0;
    for (; k + LANES <= c; k += LANES) {
        vec s = load(x + k);
        for (size_t i = 1; i < group; i++) {
            vec v = load(x + i * step + k);
            s = sum ? s + v : larger(s, v);
        }
        store_double(y + k, sum ? load_double(y + k) + s : larger(load_double(y + k), s));
    }
    for (; k < c; k++)
        for (size_t i = 0; i < group; i++)
            y[k] = sum ? y[k] + (double)x[i * step + k] : larger_of(y[k], (double)x[i * step + k]);
}

INLINE void pixels(bool sum, size_t n, const float *x, size_t step, size_t c, double *y)
{
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP) pixels_group(sum, GROUP, x + i * step, step, c, y);
    for (; i < n; i++) pixels_group(sum, 1, x + i * step, step, c, y);
}

/* Dense pixels of few channels are wide pixels of many, folded at the end. */
INLINE void pixels_any(bool sum, size_t n, const float *x, size_t step, size_t c, double *y)
{
    enum { WIDE = 16, FEW = 16 };
    if (step == c && c < FEW && n >= 4 * WIDE) {
        double wide[WIDE * FEW];
        size_t many = n / WIDE, width = c * WIDE;
        for (size_t k = 0; k < width; k++) wide[k] = sum ? 0 : y[k % c];
        pixels(sum, many, x, width, width, wide);
        for (size_t k = 0; k < width; k++)
            y[k % c] = sum ? y[k % c] + wide[k] : larger_of(y[k % c], wide[k]);
        x += many * width;
        n -= many * WIDE;
    }
    pixels(sum, n, x, step, c, y);
}

static void pixels_sum(size_t n, const float *x, size_t step, size_t c, double *y)
{
    pixels_any(true, n, x, step, c, y);
}

static void pixels_max(size_t n, const float *x, size_t step, size_t c, double *y)
{
    pixels_any(false, n, x, step, c, y);
}

INLINE void channels(bool sum, size_t n, const float *x, size_t step, size_t c, double *y)
{
    for (size_t i = 0; i < n; i++, x += step) {
        double one = y[i];
        size_t k = 0;
        if (c >= LANES) {
            vec s[VECS];
            for (int j = 0; j < VECS; j++) s[j] = (vec){0} + (sum ? 0 : one);
            for (; k + TILE <= c; k += TILE)
                for (int j = 0; j < VECS; j++) {
                    vec v = load(x + k + j * LANES);
                    s[j] = sum ? s[j] + v : larger(s[j], v);
                }
            for (; k + LANES <= c; k += LANES)
                s[0] = sum ? s[0] + load(x + k) : larger(s[0], load(x + k));
            for (int j = 1; j < VECS; j++) s[0] = sum ? s[0] + s[j] : larger(s[0], s[j]);
            for (int l = 0; l < LANES; l++) one = sum ? one + s[0][l] : larger_of(one, s[0][l]);
        }
        for (; k < c; k++) one = sum ? one + (double)x[k] : larger_of(one, (double)x[k]);
        y[i] = one;
    }
}

/* Few channels are a loop of known length. */
INLINE void channels_any(bool sum, size_t n, const float *x, size_t step, size_t c, double *y)
{
    switch (c) {
    case 1:
        channels(sum, n, x, step, 1, y);
        break;
    case 2:
        channels(sum, n, x, step, 2, y);
        break;
    case 3:
        channels(sum, n, x, step, 3, y);
        break;
    case 4:
        channels(sum, n, x, step, 4, y);
        break;
    default:
        channels(sum, n, x, step, c, y);
    }
}

static void channels_sum(size_t n, const float *x, size_t step, size_t c, double *y)
{
    channels_any(true, n, x, step, c, y);
}

static void channels_max(size_t n, const float *x, size_t step, size_t c, double *y)
{
    channels_any(false, n, x, step, c, y);
}

INLINE vec load_product(const float *a, const float *b)
{
    float p[LANES];
    PLN_VECTORISE
    for (int l = 0; l < LANES; l++) p[l] = a[l] * b[l];
    return load(p);
}

static void pixels_products(size_t n, const float *a, size_t a_step, const float *b, size_t b_step,
                            size_t c, double *y)
{
    for (size_t i = 0, group; i < n; i += group, a += group * a_step, b += group * b_step) {
        size_t k = 0;
        group = i + GROUP <= n ? GROUP : 1;
        for (; k + LANES <= c; k += LANES) {
            vec s = load_product(a + k, b + k);
            for (size_t g = 1; g < group; g++)
                s += load_product(a + g * a_step + k, b + g * b_step + k);
            store_double(y + k, load_double(y + k) + s);
        }
        for (; k < c; k++)
            for (size_t g = 0; g < group; g++)
                y[k] += (double)(a[g * a_step + k] * b[g * b_step + k]);
    }
}

static void channels_products(size_t n, const float *a, size_t a_step, const float *b,
                              size_t b_step, size_t c, double *y)
{
    for (size_t i = 0; i < n; i++, a += a_step, b += b_step) {
        vec s[2] = {{0}, {0}};
        double one = 0;
        size_t k = 0;
        for (; k + 2 * LANES <= c; k += 2 * LANES)
            for (size_t j = 0; j < 2; j++)
                s[j] += load_product(a + k + j * LANES, b + k + j * LANES);
        for (; k < c; k++) one += (double)(a[k] * b[k]);
        s[0] += s[1];
        for (int l = 0; l < LANES; l++) one += s[0][l];
        y[i] += one;
    }
}

static void pixels_first(size_t n, const float *x, size_t step, size_t c, size_t at, float *best,
                         uint32_t *first)
{
    for (size_t i = 0; i < n; i++, x += step) PLN_VECTORISE
    for (size_t k = 0; k < c; k++) {
        bool more = x[k] > best[k];
        best[k] = more ? x[k] : best[k];
        first[k] = more ? (uint32_t)(at + i) : first[k];
    }
}

/* The largest of c values in vectors of lanes, then the first that equals it. */
static void channels_first(size_t n, const float *x, size_t step, size_t c, uint32_t *first)
{
    enum { WIDE = 2 * LANES };
    for (size_t i = 0; i < n; i++, x += step) {
        float lane[WIDE], most = -INFINITY;
        size_t k = 0, wide = c / WIDE * WIDE;
        for (size_t l = 0; l < WIDE; l++) lane[l] = -INFINITY;
        for (; k < wide; k += WIDE) PLN_VECTORISE
        for (size_t l = 0; l < WIDE; l++) lane[l] = x[k + l] > lane[l] ? x[k + l] : lane[l];
        for (size_t l = 0; l < WIDE; l++) most = lane[l] > most ? lane[l] : most;
        for (; k < c; k++) most = x[k] > most ? x[k] : most;
        first[i] = 0;
        for (k = 0; k < wide; k += WIDE) {
            int there = 0;
            for (size_t l = 0; l < WIDE; l++) there |= x[k + l] == most;
            if (there) break;
        }
        while (k < c && !(x[k] == most)) k++;
        if (k < c) first[i] = (uint32_t)k;
    }
}

/* Deviations from a value near the mean are exact enough in f32, which holds twice as many in a
 * vector; a few of them are summed in it. */
enum { FLOATS = 2 * LANES, MOMENTS_GROUP = 16 };
typedef float floats __attribute__((vector_size(FLOATS * sizeof(float))));

INLINE floats load_floats(const float *p)
{
    floats v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void add_floats(double *sum, floats v)
{
    float one[FLOATS];
    memcpy(one, &v, sizeof v);
    for (size_t j = 0; j < FLOATS; j += LANES)
        store_double(sum + j, load_double(sum + j) + load(one + j));
}

/* vecs vectors of channels from k on; a constant where this is expanded. */
INLINE void moments_vecs(const size_t vecs, size_t group, const float *x, size_t step,
                         const float *shift, double *sum, double *square)
{
    floats m[VECS], t[VECS], q[VECS];
    for (size_t j = 0; j < vecs; j++) {
        m[j] = load_floats(shift + j * FLOATS);
        t[j] = q[j] = (floats){0};
    }
    for (size_t i = 0; i < group; i++)
        for (size_t j = 0; j < vecs; j++) {
            floats v = load_floats(x + i * step + j * FLOATS) - m[j];
            t[j] += v;
            q[j] += v * v;
        }
    for (size_t j = 0; j < vecs; j++) {
        add_floats(sum + j * FLOATS, t[j]);
        add_floats(square + j * FLOATS, q[j]);
    }
}

INLINE void moments_group(size_t group, const float *x, size_t step, size_t c, const float *shift,
                          double *sum, double *square)
{
    size_t k = 0;
    for (; k + VECS * FLOATS <= c; k += VECS * FLOATS)
        moments_vecs(VECS, group, x + k, step, shift + k, sum + k, square + k);
    for (; k + FLOATS <= c; k += FLOATS)
        moments_vecs(1, group, x + k, step, shift + k, sum + k, square + k);
    for (; k < c; k++) {
        float t = 0, q = 0;
        for (size_t i = 0; i < group; i++) {
            float v = x[i * step + k] - shift[k];
            t += v;
            q += v * v;
        }
        sum[k] += (double)t;
        square[k] += (double)q;
    }
}

static void moments(size_t n, const float *x, size_t step, size_t c, const float *shift,
                    double *sum, double *square)
{
    size_t i = 0;
    for (; i + MOMENTS_GROUP <= n; i += MOMENTS_GROUP)
        moments_group(MOMENTS_GROUP, x + i * step, step, c, shift, sum, square);
    for (; i < n; i++) moments_group(1, x + i * step, step, c, shift, sum, square);
}

INLINE void products_group(size_t group, const float *dy, size_t dy_step, const float *x,
                           size_t x_step, size_t c, const float *mean, double *sum, double *product)
{
    size_t k = 0;
    for (; k + LANES <= c; k += LANES) {
        vec m = load(mean + k), t = {0}, q = {0};
        for (size_t i = 0; i < group; i++) {
            vec a = load(dy + i * dy_step + k);
            t += a;
            q += a * (load(x + i * x_step + k) - m);
        }
        store_double(sum + k, load_double(sum + k) + t);
        store_double(product + k, load_double(product + k) + q);
    }
    for (; k < c; k++)
        for (size_t i = 0; i < group; i++) {
            double a = (double)dy[i * dy_step + k];
            sum[k] += a;
            product[k] += a * ((double)x[i * x_step + k] - (double)mean[k]);
        }
}

static void products(size_t n, const float *dy, size_t dy_step, const float *x, size_t x_step,
                     size_t c, const float *mean, double *sum, double *product)
{
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP)
        products_group(GROUP, dy + i * dy_step, dy_step, x + i * x_step, x_step, c, mean, sum,
                       product);
    for (; i < n; i++)
        products_group(1, dy + i * dy_step, dy_step, x + i * x_step, x_step, c, mean, sum, product);
}

const sums_kernels PLN_KERNELS(pln_sums_kernels) = {.pixels_sum = pixels_sum,
                                                    .pixels_max = pixels_max,
                                                    .channels_sum = channels_sum,
                                                    .channels_max = channels_max,
                                                    .pixels_products = pixels_products,
                                                    .channels_products = channels_products,
                                                    .pixels_first = pixels_first,
                                                    .channels_first = channels_first,
                                                    .moments = moments,
                                                    .products = products};
