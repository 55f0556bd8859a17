/* SPDX-License-Identifier: MIT */
/* Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
 * 2011; and the numbers that are made of it. In a header, for it is C and CUDA at once. */
#ifndef PLN_CORE_PHILOX_H
#define PLN_CORE_PHILOX_H

#include <math.h>
#include <stdint.h>

#ifdef __CUDACC__
#define PLN_PHILOX static __device__ __host__ __forceinline__
#else
#define PLN_PHILOX static inline
#endif

PLN_PHILOX void pln_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* In [0, 1): 53 bits. */
PLN_PHILOX double pln_philox_unit(uint32_t high, uint32_t low)
{
    return (double)((((uint64_t)high << 32) | low) >> 11) * (1.0 / 9007199254740992.0); /* 2^-53 */
}

/* Box-Muller, of four words of pln_philox. */
PLN_PHILOX double pln_philox_normal(const uint32_t r[4])
{
    double u = 1 - pln_philox_unit(r[0], r[1]); /* in (0, 1] */
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * pln_philox_unit(r[2], r[3]));
}

#endif
