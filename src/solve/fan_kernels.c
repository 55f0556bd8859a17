/* SPDX-License-Identifier: MIT */
/* Pairs of pixels, an offset of the window at a time. */
#include "solve/fan_kernels.h"

#include "core/vmath.h"

extern const fan_kernels PLN_KERNELS(pln_fan_kernels);

#define INLINE static inline __attribute__((always_inline))

/* e^(2 v) for -0.602 < v <= 0, v = nearness |YUV_i - YUV_j|^2, and 0 below: weights under 0.3 do
 * not count (authors' code). e^u for |u| <= 0.301 by a polynomial: relative error 3e-8. */
INLINE float colour_weight(float v)
{
    const float least = -0.6019864022f; /* log(0.3) / 2 */
    float u = (v < least ? least : v) + 0.301f;
    float p =
        1 +
        u * (1 + u * (0.49999368f + u * (0.16667184f + u * (0.041854553f + u * 0.0083064082f))));
    p *= 0.7400777727f; /* e^-0.301 */
    return v < least ? 0 : p * p;
}

/* d^-0.2 for d >= 1e-12: a guess y from the exponent, off by 3 % at most, times (d y^5)^-0.2 by a
 * polynomial about 1: relative error 2e-7. */
INLINE float fifth_root_inverse(float d)
{
    const float base = 1.2f * 126.9485f * 0x1p23f;
    float y = pln_float_of_bits((int32_t)(base - 0.2f * (float)pln_bits_of_float(d)));
    float y2 = y * y, u = d * y * (y2 * y2) - 1;
    return y * (1 + u * (-0.2f + u * (0.11998305f + u * (-0.087972067f +
                                                         u * (0.072278123f - u * 0.061231401f)))));
}

INLINE float at_least(float x, float least) { return x < least ? least : x; }
INLINE float at_most(float x, float most) { return x > most ? most : x; }

/* i's slope is -s of a tie, as j's is, where the authors' code has it so: tie = -1. */
INLINE float signed_slope(float s, float d, float tie)
{
    return d == 0 ? tie * s : copysignf(s, d);
}

/* Integrals of the bounded slopes min(|d|, 1) * 2 and 0.8 min(|d|^-0.2, 1), a = |d|, r = a^-0.2. */
INLINE float bounded_square(float a) { return a < 1 ? a * a : 2 * a - 1; }
INLINE float bounded_power(float a, float r) { return a < 1 ? 0.8f * a : a * r - 0.2f; }

enum kind { VALUE, BOUNDED, EXACT, CODE, APPLY };

INLINE void pairs(const pln_fan_pairs *p, enum kind kind)
{
    const float *restrict ti0 = p->i.t[0], *restrict ti1 = p->i.t[1], *restrict ti2 = p->i.t[2];
    const float *restrict tj0 = p->j.t[0], *restrict tj1 = p->j.t[1], *restrict tj2 = p->j.t[2];
    const float *restrict yi0 = p->i.y[0], *restrict yi1 = p->i.y[1], *restrict yi2 = p->i.y[2];
    const float *restrict yj0 = p->j.y[0], *restrict yj1 = p->j.y[1], *restrict yj2 = p->j.y[2];
    const float *restrict xi0 = p->i.x[0], *restrict xi1 = p->i.x[1], *restrict xi2 = p->i.x[2];
    const float *restrict xj0 = p->j.x[0], *restrict xj1 = p->j.x[1], *restrict xj2 = p->j.x[2];
    const float *restrict qi = p->i.q, *restrict li = p->i.l, *restrict mi = p->i.m,
                          *restrict ini = p->i.in;
    const float *restrict qj = p->j.q, *restrict lj = p->j.l, *restrict mj = p->j.m,
                          *restrict inj = p->j.in;
    float *restrict gi0 = p->i.g[0], *restrict gi1 = p->i.g[1], *restrict gi2 = p->i.g[2];
    float *restrict gj0 = p->j.g[0], *restrict gj1 = p->j.g[1], *restrict gj2 = p->j.g[2];
    float *restrict e = p->e;
    const float alpha = p->alpha, ws = p->ws, nearness = p->nearness, eps = p->eps, tie = p->tie;

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
        /* What both ends weigh alike, squares and powers; a pair with one end outside has none. */
        float square = alpha * ws * (qi[x] * inj[x] + qj[x] * ini[x]), power = wr * (li[x] + lj[x]);
        if (kind == BOUNDED)
            e[x] += square * (bounded_square(a0) + bounded_square(a1) + bounded_square(a2)) +
                    power * (bounded_power(a0, r0) + bounded_power(a1, r1) + bounded_power(a2, r2));
        else if (kind != APPLY)
            e[x] += square * (d0 * d0 + d1 * d1 + d2 * d2) + power * (a0 * r0 + a1 * r1 + a2 * r2);
        if (kind == APPLY || kind == EXACT) {
            float s0, s1, s2;
            if (kind == APPLY) { /* d^-1.2 = (d^-0.2)^6 */
                s0 = r0 * r0 * r0, s1 = r1 * r1 * r1, s2 = r2 * r2 * r2;
                s0 = (square + 0.4f * power * (s0 * s0)) * (xi0[x] - xj0[x]);
                s1 = (square + 0.4f * power * (s1 * s1)) * (xi1[x] - xj1[x]);
                s2 = (square + 0.4f * power * (s2 * s2)) * (xi2[x] - xj2[x]);
            } else {
                float hi = 2 * square, lo = 0.8f * power;
                s0 = hi * d0 + (a0 > 0 ? copysignf(lo * r0, d0) : 0);
                s1 = hi * d1 + (a1 > 0 ? copysignf(lo * r1, d1) : 0);
                s2 = hi * d2 + (a2 > 0 ? copysignf(lo * r2, d2) : 0);
            }
            gi0[x] += s0;
            gi1[x] += s1;
            gi2[x] += s2;
            gj0[x] -= s0;
            gj1[x] -= s1;
            gj2[x] -= s2;
        }
        if (kind == CODE) {
            float wi = inj[x] * (mj[x] > 0 ? ws : wr), wj = ini[x] * (mi[x] > 0 ? ws : wr);
            float hi = 2 * alpha * (qi[x] + qj[x]), lo = 0.8f * (li[x] + lj[x]);
            float s0 = hi * at_most(a0, 1) + lo * at_most(r0, 1),
                  s1 = hi * at_most(a1, 1) + lo * at_most(r1, 1),
                  s2 = hi * at_most(a2, 1) + lo * at_most(r2, 1);
            gi0[x] += wi * signed_slope(s0, d0, tie);
            gi1[x] += wi * signed_slope(s1, d1, tie);
            gi2[x] += wi * signed_slope(s2, d2, tie);
            gj0[x] += wj * signed_slope(s0, -d0, tie);
            gj1[x] += wj * signed_slope(s1, -d1, tie);
            gj2[x] += wj * signed_slope(s2, -d2, tie);
        }
    }
}

static void value(const pln_fan_pairs *p) { pairs(p, VALUE); }
static void bounded(const pln_fan_pairs *p) { pairs(p, BOUNDED); }
static void exact(const pln_fan_pairs *p) { pairs(p, EXACT); }
static void code(const pln_fan_pairs *p) { pairs(p, CODE); }
static void apply(const pln_fan_pairs *p) { pairs(p, APPLY); }

static void above(size_t n, const double *ei, const double *ej, double *count)
{
    PLN_VECTORISE
    for (size_t x = 0; x < n; x++) count[x] += ei[x] - ej[x] > (ei[x] >= 60 ? 30 : 20) ? 1.0 : 0.0;
}

const fan_kernels PLN_KERNELS(pln_fan_kernels) = {
    .value = value,
    .bounded = bounded,
    .exact = exact,
    .code = code,
    .apply = apply,
    .above = above,
};
