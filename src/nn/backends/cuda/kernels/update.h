/* SPDX-License-Identifier: MIT */
/* Random numbers, and a step of Adam. What changes from run to run (seed, rate, step number) is
 * read from device memory, so that a recorded run can be replayed. */
#ifndef PLN_NN_BACKENDS_CUDA_KERNELS_UPDATE_H
#define PLN_NN_BACKENDS_CUDA_KERNELS_UPDATE_H

#include "nn/backends/cuda/kernels/base.h"

typedef struct cu_noise {
    cu_view y;
    size_t d[4];
    const uint64_t *seed;
    uint64_t stream;
} cu_noise;

CU_BODY double cu_unit(uint32_t high, uint32_t low)
{
    return (double)((((uint64_t)high << 32) | low) >> 11) * (1.0 / 9007199254740992.0); /* 2^-53 */
}

/* pln_random_normal of core: Philox 4x32-10, Box-Muller. i: of an element of y. */
CU_BODY void cu_noise_body(const cu_noise *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    uint64_t seed = *p->seed,
             index = ((at[0] * p->d[3] + at[3]) * p->d[1] + at[1]) * p->d[2] + at[2];
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32), c0 = (uint32_t)index,
             c1 = (uint32_t)(index >> 32), c2 = (uint32_t)p->stream,
             c3 = (uint32_t)(p->stream >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    double u = 1 - cu_unit(c0, c1);
    cu_put(&p->y, cu_offset(&p->y, at),
           (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * cu_unit(c2, c3))));
}

/* m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * w -= rate / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps) */
typedef struct cu_adam {
    cu_view w, m, v, g;
    size_t d[4], count;
    const float *rate; /* rate, step */
    double beta1, beta2, eps;
} cu_adam;

/* i as of cu_pointwise_body: the powers are computed once for four elements. */
enum { CU_ADAM_LANES = 4 };
CU_BODY size_t cu_adam_threads(size_t count)
{
    const size_t each = (size_t)CU_BLOCK * CU_ADAM_LANES;
    return (count + each - 1) / each * CU_BLOCK;
}

CU_BODY void cu_adam_body(const cu_adam *p, size_t i)
{
    size_t first = i / CU_BLOCK * ((size_t)CU_BLOCK * CU_ADAM_LANES) + i % CU_BLOCK;
    if (first >= p->count) return;
    double step = (double)p->rate[1];
    float rate = (float)((double)p->rate[0] / (1 - pow(p->beta1, step))),
          root = (float)(1 / sqrt(1 - pow(p->beta2, step)));
    for (int k = 0; k < CU_ADAM_LANES; k++) {
        size_t e = first + (size_t)k * CU_BLOCK, at[4];
        if (e >= p->count) return;
        cu_indices(p->d, e, at);
        size_t am = cu_offset(&p->m, at), av = cu_offset(&p->v, at), aw = cu_offset(&p->w, at);
        float g = cu_get(&p->g, cu_offset(&p->g, at));
        float m = (float)p->beta1 * cu_get(&p->m, am) + (float)(1 - p->beta1) * g;
        float v = (float)p->beta2 * cu_get(&p->v, av) + (float)(1 - p->beta2) * (g * g);
        cu_put(&p->m, am, m);
        cu_put(&p->v, av, v);
        cu_put(&p->w, aw, cu_get(&p->w, aw) - rate * m / (sqrtf(v) * root + (float)p->eps));
    }
}

#endif
