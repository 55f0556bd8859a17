/* SPDX-License-Identifier: MIT */
/* Logarithm, exponential and power as polynomials, so that loops over them vectorise. Relative
 * errors about 1e-7 (exp2), absolute 1e-7 (log2 near 1), of x^p below 1e-6 while |p log2 x| < 8. */
#ifndef PLN_CORE_VMATH_H
#define PLN_CORE_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float pln_float_of_bits(int32_t i)
{
    float f;
    memcpy(&f, &i, sizeof f);
    return f;
}

static inline int32_t pln_bits_of_float(float f)
{
    int32_t i;
    memcpy(&i, &f, sizeof i);
    return i;
}

/* log2 of a normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)); log2 m by the odd series of s =
 * (m - 1) / (m + 1): 2/ln2 (s + s^3/3 + s^5/5 + ...), |s| < 0.172, first term left out 4e-9. */
static inline float pln_log2(float x)
{
    int32_t i = pln_bits_of_float(x), e = (i - 0x3f3504f3) >> 23;
    float m = pln_float_of_bits(i - e * 0x800000), s = (m - 1) / (m + 1), q = s * s;
    float p = 1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9)));
    return (float)e + 2.885390082f * (s + s * q * p);
}

/* 2^x, 0 below -126, for x < 127: x = n + r, |r| <= 1/2, Taylor series of e^(r ln 2) to the 7th
 * power. */
static inline float pln_exp2(float x)
{
    float y = x < -126 ? -126 : x, n = floorf(y + 0.5f), r = (y - n) * 0.6931471806f;
    float p = 1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040));
    p = 1 + r * (1 + r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * p))));
    p *= pln_float_of_bits(((int32_t)n + 127) * 0x800000);
    return x < -126 ? 0 : p;
}

/* x^p; x below 1e-30 counts as 1e-30. */
static inline float pln_pow(float x, float p)
{
    return pln_exp2(p * pln_log2(x < 1e-30f ? 1e-30f : x));
}

#endif
