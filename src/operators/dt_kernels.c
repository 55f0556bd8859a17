/* SPDX-License-Identifier: MIT */
/* Distances and the recursion of dt.c. */
#include "core/vmath.h"
#include "operators/dt.h"

static inline float bounded(float d) { return d < DT_FAR ? d : DT_FAR; }

static void distance(float *restrict d, const float *a, const float *b, size_t c, size_t n,
                     float ratio)
{
    if (c == 1) {
        for (size_t i = 0; i < n; i++) d[i] = bounded(1 + ratio * fabsf(a[i] - b[i]));
        return;
    }
    for (size_t i = 0; i < n; i++)
        d[i] =
            bounded(1 + ratio * (fabsf(a[3 * i] - b[3 * i]) + fabsf(a[3 * i + 1] - b[3 * i + 1]) +
                                 fabsf(a[3 * i + 2] - b[3 * i + 2])));
}

static void power(float *d, size_t n, float log2_a)
{
    for (size_t i = 0; i < n; i++) d[i] = pln_exp2(log2_a * d[i]);
}

/* F[x] += V (F[x'] - F[x]) at one place of all lines; x': the neighbour that was there before. */
static inline void step(float *restrict F, const float *restrict before, const float *restrict V,
                        const struct dt_lines *l, ptrdiff_t across, ptrdiff_t d_across, size_t c)
{
    for (ptrdiff_t j = 0; j < (ptrdiff_t)l->count; j++)
        for (size_t k = 0; k < c; k++) {
            float *f = F + j * across + k;
            *f += V[j * d_across] * (before[j * across + k] - *f);
        }
}

/* The place moves along all lines together: columns fill vectors, the chains of a few rows hide
 * each other's latency. */
static inline void recur_with(const struct dt_lines *l, ptrdiff_t across, ptrdiff_t d_across,
                              size_t c)
{
    for (size_t x = 1; x < l->n; x++) {
        float *F = l->F + (ptrdiff_t)x * l->along;
        step(F, F - l->along, l->d + (ptrdiff_t)x * l->d_along, l, across, d_across, c);
    }
    for (size_t x = l->n - 1; x-- > 0;) {
        float *F = l->F + (ptrdiff_t)x * l->along, *V = l->d + (ptrdiff_t)(x + 1) * l->d_along;
        step(F, F + l->along, V, l, across, d_across, c);
        for (ptrdiff_t j = 0; j < (ptrdiff_t)l->count; j++) V[j * d_across] *= V[j * d_across];
    }
}

/* Columns are next to each other: with that known the compiler makes vectors. */
static void recur(const struct dt_lines *l)
{
    bool columns = l->across == (ptrdiff_t)l->c && l->d_across == 1;
    if (l->c == 1)
        columns ? recur_with(l, 1, 1, 1) : recur_with(l, l->across, l->d_across, 1);
    else
        columns ? recur_with(l, 3, 1, 3) : recur_with(l, l->across, l->d_across, 3);
}

const struct dt_kernels PLN_KERNELS(pln_dt_kernels) = {
    .distance = distance,
    .power = power,
    .recur = recur,
};
