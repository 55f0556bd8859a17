/* SPDX-License-Identifier: MIT */
/* Vectors of floats, as wide as the instruction set that a kernel file is compiled for, and the
 * epilogue on one of them. For kernel files only. */
#ifndef PLN_NN_BACKENDS_CPU_VECTORS_H
#define PLN_NN_BACKENDS_CPU_VECTORS_H

#include "nn/backends/cpu/conv_types.h"

#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ivec __attribute__((vector_size(LANES * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v) { memcpy(p, &v, sizeof v); }

/* The first n lanes, n <= LANES; a load fills the others with zeros. */
INLINE vec load_part(const float *p, size_t n)
{
#if defined(__AVX512F__)
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    vec v = {0};
    memcpy(&v, p, n * sizeof *p);
    return v;
#endif
}

INLINE void store_part(float *p, vec v, size_t n)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    memcpy(p, &v, n * sizeof *p);
#endif
}

INLINE vec load_n(const float *p, size_t n) { return n == LANES ? load(p) : load_part(p, n); }

INLINE void store_n(float *p, vec v, size_t n)
{
    if (n == LANES)
        store(p, v);
    else
        store_part(p, v, n);
}

INLINE vec choose(ivec which, vec a, vec b)
{
    return (vec)((which & (ivec)a) | (~which & (ivec)b));
}

/* The larger of each lane; b where one is no number. */
INLINE vec larger(vec a, vec b)
{
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return choose(a > b, a, b);
#endif
}

/* Lane f: the sum, or the largest, of the lanes of v[f], f in [0, few), few <= 4. */
INLINE vec fold_lanes(const vec *v, const size_t few, const bool largest)
{
#if defined(__AVX512F__)
#define FOLD(a, b) (largest ? _mm512_max_ps(a, b) : _mm512_add_ps(a, b))
    __m512 none = _mm512_setzero_ps(), a = (__m512)v[0], b = few > 1 ? (__m512)v[1] : none,
           c = few > 2 ? (__m512)v[2] : none, d = few > 3 ? (__m512)v[3] : none;
    __m512 ab = FOLD(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = FOLD(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 quarters = FOLD(_mm512_shuffle_ps(ab, cd, _MM_SHUFFLE(1, 0, 1, 0)),
                           _mm512_shuffle_ps(ab, cd, _MM_SHUFFLE(3, 2, 3, 2)));
    __m512 halves = FOLD(quarters, _mm512_shuffle_f32x4(quarters, quarters, 0x4e));
    return (vec)FOLD(halves, _mm512_shuffle_f32x4(halves, halves, 0xb1));
#undef FOLD
#else
    float all[LANES] = {0};
    for (size_t f = 0; f < few; f++) {
        float lane[LANES];
        store(lane, v[f]);
        for (size_t half = LANES / 2; half; half /= 2)
            for (size_t i = 0; i < half; i++) {
                float p = lane[i], q = lane[i + half];
                lane[i] = largest ? (p > q ? p : q) : p + q;
            }
        all[f] = lane[0];
    }
    return load(all);
#endif
}

/* The epilogue on n channels of one pixel. */
INLINE vec finish(vec y, const pln_conv_epilogue *e, const float *residual, const float *mask,
                  size_t n)
{
    vec r = {0};

    if (residual) r = load_n(residual, n);
    if (!e->residual_last) y += r;
    if (e->activate) y = choose(y > 0, y, e->slope * y);
    if (e->residual_last) y += r;
    if (mask) y = choose(load_n(mask, n) > 0, y, (vec){0});
    return y;
}

#endif
