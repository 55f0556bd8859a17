/* SPDX-License-Identifier: MIT */
/* Random numbers, and a step of Adam. What changes from run to run (seed, rate, step number) is
 * read from device memory, so that a recorded run can be replayed. */
#ifndef PLN_DEVICE_KERNELS_UPDATE_H
#define PLN_DEVICE_KERNELS_UPDATE_H

#include "core/philox.h"
#include "device/kernels/base.h"

typedef struct cu_noise {
    cu_view y;
    size_t d[4];
    const uint64_t *seed;
    uint64_t stream;
} cu_noise;

/* pln_random_normal of core. i: of an element of y. */
CU_BODY void cu_noise_body(const cu_noise *p, size_t i)
{
    size_t at[4];
    uint32_t r[4];
    cu_indices(p->d, i, at);
    pln_philox(*p->seed, p->stream, ((at[0] * p->d[3] + at[3]) * p->d[1] + at[1]) * p->d[2] + at[2],
               r);
    cu_put(&p->y, cu_offset(&p->y, at), (float)pln_philox_normal(r));
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
