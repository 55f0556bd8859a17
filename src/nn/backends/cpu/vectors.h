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
