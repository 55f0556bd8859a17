/* SPDX-License-Identifier: MIT */
/* What a kernel of the back end cuda is: a function of its parameters and one index, that compiles
 * as CUDA and as C, so that every line of it is tested on a CPU. No two indices write the same
 * element, none reads what another writes; sums that need many indices go through partial sums in
 * memory, one launch after the other, cut by sizes only: the same bytes in every run. */
#ifndef PLN_DEVICE_KERNELS_BASE_H
#define PLN_DEVICE_KERNELS_BASE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define CU_BODY    static __device__ __host__ __forceinline__
#define CU_ALIGNAS alignas
#else
#define CU_BODY    static inline
#define CU_ALIGNAS _Alignas
#endif

/* Threads of a block. */
enum { CU_BLOCK = 256 };

/* A tensor with any step along each dimension; 0 repeats. */
typedef struct cu_view {
    void *data;
    size_t step[4];
    bool half; /* bf16, else f32 */
} cu_view;

CU_BODY float cu_widen(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To nearest, ties to even. */
CU_BODY uint16_t cu_narrow(float value)
{
    uint32_t u;
    memcpy(&u, &value, sizeof u);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

CU_BODY float cu_get(const cu_view *v, size_t at)
{
    return v->half ? cu_widen(((const uint16_t *)v->data)[at]) : ((const float *)v->data)[at];
}

CU_BODY void cu_put(const cu_view *v, size_t at, float value)
{
    if (v->half)
        ((uint16_t *)v->data)[at] = cu_narrow(value);
    else
        ((float *)v->data)[at] = value;
}

/* a / b, by the short division where it will do: the long one takes a hundred instructions. */
CU_BODY size_t cu_quotient(size_t a, size_t b)
{
    return (a | b) >> 32 ? a / b : (size_t)((uint32_t)a / (uint32_t)b);
}

/* The four indices of element i in memory order. */
CU_BODY void cu_indices(const size_t d[4], size_t i, size_t at[4])
{
    for (int k = 3; k > 0; k--) {
        size_t q = d[k] == 1 ? i : cu_quotient(i, d[k]);
        at[k] = i - q * d[k];
        i = q;
    }
    at[0] = i;
}

CU_BODY size_t cu_offset(const cu_view *v, const size_t at[4])
{
    return at[0] * v->step[0] + at[1] * v->step[1] + at[2] * v->step[2] + at[3] * v->step[3];
}

CU_BODY size_t cu_at(const cu_view *v, size_t n, size_t h, size_t w, size_t c)
{
    return n * v->step[0] + h * v->step[1] + w * v->step[2] + c * v->step[3];
}

CU_BODY size_t cu_min(size_t a, size_t b) { return a < b ? a : b; }

#endif
