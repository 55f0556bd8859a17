/* SPDX-License-Identifier: MIT */
/* half: the two 16 bit floats of weights files and of reduced precision. IEEE 754 binary16 (f16: 5
 * bits of exponent, 10 of mantissa, largest 65504, smallest subnormal 2^-24) and bfloat16 (bf16:
 * the upper half of a binary32). Widening is exact. Narrowing rounds to nearest, ties to even, as
 * hardware does: what is too large becomes infinite, subnormal results are kept, a NaN stays one
 * (quiet). All four select and never branch: loops over them vectorise. */
#ifndef PLN_NN_HALF_H
#define PLN_NN_HALF_H

#include <stdint.h>

static inline uint32_t pnn_bits_of_f32(float value)
{
    union {
        float f;
        uint32_t u;
    } v = {.f = value};
    return v.u;
}

static inline float pnn_f32_of_bits(uint32_t bits)
{
    union {
        uint32_t u;
        float f;
    } v = {.u = bits};
    return v.f;
}

static inline float pnn_f32_of_bf16(uint16_t half) { return pnn_f32_of_bits((uint32_t)half << 16); }

static inline uint16_t pnn_bf16_of_f32(float value)
{
    uint32_t u = pnn_bits_of_f32(value);
    uint32_t rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16, quiet = u >> 16 | 0x40;
    return (uint16_t)((u & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

static inline float pnn_f32_of_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, u = (uint32_t)(half & 0x7fff) << 13;
    uint32_t exponent = u & 0x0f800000;
    uint32_t normal = u + ((127 - 15) << 23), special = u + ((255 - 31) << 23);
    /* 0 and subnormals: put behind a leading one of weight 2^-14, which is then taken off. */
    float small = pnn_f32_of_bits(u + ((127 - 14) << 23)) - 0x1p-14f;
    uint32_t magnitude = exponent == 0            ? pnn_bits_of_f32(small)
                         : exponent == 0x0f800000 ? special
                                                  : normal;
    return pnn_f32_of_bits(magnitude | sign);
}

static inline uint16_t pnn_f16_of_f32(float value)
{
    uint32_t bits = pnn_bits_of_f32(value), sign = bits >> 16 & 0x8000, u = bits & 0x7fffffff;
    uint32_t normal = (u - ((127 - 15) << 23) + 0xfff + (u >> 13 & 1)) >> 13;
    /* Below 2^-14 the step is 2^-24, the last place of 0.5: adding 0.5 rounds to it. */
    uint32_t small = pnn_bits_of_f32(pnn_f32_of_bits(u) + 0.5f) - 0x3f000000;
    uint32_t nan = 0x7e00 | (u >> 13 & 0x3ff);
    uint32_t magnitude = u > 0x7f800000    ? nan
                         : u >= 0x47800000 ? 0x7c00 /* 2^16 and more */
                         : u < 0x38800000  ? small
                                           : normal;
    return (uint16_t)(magnitude | sign);
}

#endif
