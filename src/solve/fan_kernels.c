/* SPDX-License-Identifier: MIT */
/* Pairs of pixels, an offset of the window at a time. */
#include "solve/fan_kernels.h"

#include "core/vmath.h"

extern const fan_kernels PLN_KERNELS(pln_fan_kernels);

#define INLINE static inline __attribute__((always_inline))

/* e^(2 v) for -0.602 < v <= 0, v = nearness |YUV_i - YUV_j|^2, and 0 below: weights under 0.3 do
 * not count (authors' code). Series to the 6th power about the middle. */
INLINE float colour_weight(float v)
{
    const float least = -0.6019864022f; /* log(0.3) / 2 */
    float u = (v < least ? least : v) + 0.301f;
    float p =
        1 + u * (1 + u * (0.5f +
                          u * (1.0f / 6 + u * (1.0f / 24 + u * (1.0f / 120 + u * (1.0f / 720))))));
    p *= 0.7400777727f; /* e^-0.301 */
    return v < least ? 0 : p * p;
}

/* d^-0.2 for d >= 1e-12: a guess from the exponent, three steps of Newton: relative error 1e-7. */
INLINE float fifth_root_inverse(float d)
{
    const float base = 1.2f * 126.955f * 0x1p23f;
    float y = pln_float_of_bits((int32_t)(base - 0.2f * (float)pln_bits_of_float(d)));
    for (int k = 0; k < 3; k++) {
        float y2 = y * y;
        y *= 1.2f - 0.2f * (d * y) * (y2 * y2);
    }
    return y;
}

INLINE float at_least(float x, float least) { return x < least ? least : x; }
INLINE float at_most(float x, float most) { return x > most ? most : x; }

enum kind { VALUE, EXACT, CODE, APPLY };

INLINE void pairs(const pln_fan_pairs *p, enum kind kind)
{
    const float *restrict ti0 = p->ti[0], *restrict ti1 = p->ti[1], *restrict ti2 = p->ti[2];
    const float *restrict tj0 = p->tj[0], *restrict tj1 = p->tj[1], *restrict tj2 = p->tj[2];
    const float *restrict yi0 = p->yi[0], *restrict yi1 = p->yi[1], *restrict yi2 = p->yi[2];
    const float *restrict yj0 = p->yj[0], *restrict yj1 = p->yj[1], *restrict yj2 = p->yj[2];
    const float *restrict qi = p->qi, *restrict qj = p->qj, *restrict li = p->li,
                          *restrict lj = p->lj, *restrict mj = p->mj, *restrict in = p->in;
    float *restrict g0 = p->g[0], *restrict g1 = p->g[1], *restrict g2 = p->g[2],
                    *restrict e = p->e;
    const float alpha = p->alpha, ws = p->ws, nearness = p->nearness, eps = p->eps, tie = p->tie;
    const float *restrict xi0 = p->xi[0], *restrict xi1 = p->xi[1], *restrict xi2 = p->xi[2];
    const float *restrict xj0 = p->xj[0], *restrict xj1 = p->xj[1], *restrict xj2 = p->xj[2];

    PLN_VECTORISE
    for (size_t x = 0; x < p->n; x++) {
        float y0 = yi0[x] - yj0[x], y1 = yi1[x] - yj1[x], y2 = yi2[x] - yj2[x];
        float wr = colour_weight(nearness * (y0 * y0 + y1 * y1 + y2 * y2));
        float d0 = ti0[x] - tj0[x], d1 = ti1[x] - tj1[x], d2 = ti2[x] - tj2[x];
        float a0 = fabsf(d0), a1 = fabsf(d1), a2 = fabsf(d2);
        float least = kind == APPLY ? eps : 1e-12f;
        float r0 = fifth_root_inverse(at_least(a0, least)),
              r1 = fifth_root_inverse(at_least(a1, least)),
              r2 = fifth_root_inverse(at_least(a2, least));
        if (kind == APPLY) { /* d^-1.2 = (d^-0.2)^6 */
            float hi = alpha * ws * (qi[x] * in[x] + qj[x]), lo = 0.4f * wr * (li[x] + lj[x]);
            float s0 = r0 * r0 * r0, s1 = r1 * r1 * r1, s2 = r2 * r2 * r2;
            g0[x] += (hi + lo * s0 * s0) * (xi0[x] - xj0[x]);
            g1[x] += (hi + lo * s1 * s1) * (xi1[x] - xj1[x]);
            g2[x] += (hi + lo * s2 * s2) * (xi2[x] - xj2[x]);
            continue;
        }
        e[x] += alpha * ws * qi[x] * in[x] * (d0 * d0 + d1 * d1 + d2 * d2) +
                wr * li[x] * (a0 * r0 + a1 * r1 + a2 * r2);
        if (kind == EXACT) {
            float hi = 2 * alpha * ws * (qi[x] * in[x] + qj[x]), lo = 0.8f * wr * (li[x] + lj[x]);
            g0[x] += hi * d0 + (a0 > 0 ? copysignf(lo * r0, d0) : 0);
            g1[x] += hi * d1 + (a1 > 0 ? copysignf(lo * r1, d1) : 0);
            g2[x] += hi * d2 + (a2 > 0 ? copysignf(lo * r2, d2) : 0);
        }
        if (kind == CODE) {
            float wji = mj[x] > 0 ? ws : wr, inside = in[x] * wji;
            float hi = 2 * alpha * inside * (qi[x] + qj[x]), lo = 0.8f * inside * (li[x] + lj[x]);
            float s0 = hi * at_most(a0, 1) + lo * at_most(r0, 1),
                  s1 = hi * at_most(a1, 1) + lo * at_most(r1, 1),
                  s2 = hi * at_most(a2, 1) + lo * at_most(r2, 1);
            g0[x] += d0 > 0 ? s0 : d0 < 0 ? -s0 : tie * s0;
            g1[x] += d1 > 0 ? s1 : d1 < 0 ? -s1 : tie * s1;
            g2[x] += d2 > 0 ? s2 : d2 < 0 ? -s2 : tie * s2;
        }
    }
}

static void value(const pln_fan_pairs *p) { pairs(p, VALUE); }
static void exact(const pln_fan_pairs *p) { pairs(p, EXACT); }
static void code(const pln_fan_pairs *p) { pairs(p, CODE); }
static void apply(const pln_fan_pairs *p) { pairs(p, APPLY); }

static void above(size_t n, const double *ei, const double *ej, double *count)
{
    PLN_VECTORISE
    for (size_t x = 0; x < n; x++) count[x] += ei[x] - ej[x] > (ei[x] >= 60 ? 30 : 20) ? 1.0 : 0.0;
}

const fan_kernels PLN_KERNELS(pln_fan_kernels) = {
    .value = value, .exact = exact, .code = code, .apply = apply, .above = above};
