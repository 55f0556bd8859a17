/* SPDX-License-Identifier: MIT */
/* Inner loops of reductions. Channels are taken in tiles of four vectors of doubles, which stay in
 * registers over all pixels. */
#include "nn/backends/cpu/sums_kernels.h"

#include <string.h>

extern const sums_kernels PLN_KERNELS(pln_sums_kernels);

#if defined(__AVX512F__)
enum { LANES = 8 };
#elif defined(__AVX2__)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif
enum { VECS = 4, TILE = VECS * LANES };
typedef float half __attribute__((vector_size(LANES * sizeof(float))));
typedef double vec __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t ivec __attribute__((vector_size(LANES * sizeof(double))));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
    half v;
    memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, vec);
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

INLINE void pixels(bool sum, size_t n, const float *x, size_t step, size_t c, double *y)
{
    size_t k = 0;
    for (; k + TILE <= c; k += TILE) {
        vec s[VECS];
        for (int j = 0; j < VECS; j++) s[j] = load_double(y + k + j * LANES);
        for (size_t i = 0; i < n; i++)
            for (int j = 0; j < VECS; j++) {
                vec v = load(x + i * step + k + j * LANES);
                s[j] = sum ? s[j] + v : larger(s[j], v);
            }
        for (int j = 0; j < VECS; j++) store_double(y + k + j * LANES, s[j]);
    }
    for (; k + LANES <= c; k += LANES) {
        vec s = load_double(y + k);
        for (size_t i = 0; i < n; i++) {
            vec v = load(x + i * step + k);
            s = sum ? s + v : larger(s, v);
        }
        store_double(y + k, s);
    }
    for (; k < c; k++)
        for (size_t i = 0; i < n; i++)
            y[k] = sum ? y[k] + (double)x[i * step + k] : larger_of(y[k], (double)x[i * step + k]);
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

static void channels_sum(size_t n, const float *x, size_t step, size_t c, double *y)
{
    channels(true, n, x, step, c, y);
}

static void channels_max(size_t n, const float *x, size_t step, size_t c, double *y)
{
    channels(false, n, x, step, c, y);
}

/* sum += a, product += a b, where a = dy, b = x - centre[k], or with dy NULL both are the
 * latter. */
INLINE void pairs(size_t n, const float *dy, size_t dy_step, const float *x, size_t x_step,
                  size_t c, const float *centre, double *sum, double *product)
{
    size_t k = 0;
    for (; k + TILE <= c; k += TILE) {
        vec s[VECS], p[VECS], m[VECS];
        for (int j = 0; j < VECS; j++) {
            s[j] = load_double(sum + k + j * LANES);
            p[j] = load_double(product + k + j * LANES);
            m[j] = load(centre + k + j * LANES);
        }
        for (size_t i = 0; i < n; i++)
            for (int j = 0; j < VECS; j++) {
                vec b = load(x + i * x_step + k + j * LANES) - m[j];
                vec a = dy ? load(dy + i * dy_step + k + j * LANES) : b;
                s[j] += a;
                p[j] += a * b;
            }
        for (int j = 0; j < VECS; j++) {
            store_double(sum + k + j * LANES, s[j]);
            store_double(product + k + j * LANES, p[j]);
        }
    }
    for (; k < c; k++)
        for (size_t i = 0; i < n; i++) {
            double b = (double)x[i * x_step + k] - (double)centre[k];
            double a = dy ? (double)dy[i * dy_step + k] : b;
            sum[k] += a;
            product[k] += a * b;
        }
}

static void moments(size_t n, const float *x, size_t step, size_t c, const float *shift,
                    double *sum, double *square)
{
    pairs(n, NULL, 0, x, step, c, shift, sum, square);
}

static void products(size_t n, const float *dy, size_t dy_step, const float *x, size_t x_step,
                     size_t c, const float *mean, double *sum, double *product)
{
    pairs(n, dy, dy_step, x, x_step, c, mean, sum, product);
}

const sums_kernels PLN_KERNELS(pln_sums_kernels) = {.pixels_sum = pixels_sum,
                                                    .pixels_max = pixels_max,
                                                    .channels_sum = channels_sum,
                                                    .channels_max = channels_max,
                                                    .moments = moments,
                                                    .products = products};
