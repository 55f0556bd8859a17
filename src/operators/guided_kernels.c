/* SPDX-License-Identifier: MIT */
/* Rows of the guided filter. Products of two floats are exact in double, so what enters a sum
 * leaves it again. */
#include "operators/guided.h"

static void split(float *const *planes, const float *restrict src, size_t c, size_t n)
{
    if (c == 1) {
        PLN_VECTORISE
        for (size_t i = 0; i < n; i++) planes[0][i] = src[i];
        return;
    }
    float *restrict r = planes[0], *restrict g = planes[1], *restrict b = planes[2];
    PLN_VECTORISE
    for (size_t i = 0; i < n; i++) {
        r[i] = src[3 * i];
        g[i] = src[3 * i + 1];
        b[i] = src[3 * i + 2];
    }
}

static void add(double *restrict sum, const float *restrict a, const float *restrict b, size_t n)
{
    if (b)
        for (size_t i = 0; i < n; i++) sum[i] += (double)a[i] * (double)b[i];
    else
        for (size_t i = 0; i < n; i++) sum[i] += (double)a[i];
}

static void slide(double *restrict sum, const float *restrict a, const float *restrict b,
                  const float *restrict c, const float *restrict d, size_t n)
{
    if (b)
        for (size_t i = 0; i < n; i++)
            sum[i] += (double)a[i] * (double)b[i] - (double)c[i] * (double)d[i];
    else
        for (size_t i = 0; i < n; i++) sum[i] += (double)a[i] - (double)c[i];
}

static void leave(double *restrict sum, const float *restrict a, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] -= (double)a[i];
}

/* Three rows at a time: the running sums are chains of dependent additions, three of them hide each
 * other's latency. */
static void across3(double *const *dst, const double *const *src, size_t n, size_t radius)
{
    const double *restrict a = src[0], *restrict b = src[1], *restrict c = src[2];
    double *restrict p = dst[0], *restrict q = dst[1], *restrict r = dst[2];
    double s = 0, t = 0, u = 0;
    ptrdiff_t lead = (ptrdiff_t)radius, trail = -(ptrdiff_t)radius - 1;
    for (ptrdiff_t i = 0; i < lead; i++) s += a[i], t += b[i], u += c[i];
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) {
        s += a[i + lead] - a[i + trail];
        t += b[i + lead] - b[i + trail];
        u += c[i + lead] - c[i + trail];
        p[i] = s;
        q[i] = t;
        r[i] = u;
    }
}

static void across1(double *restrict dst, const double *restrict src, size_t n, size_t radius)
{
    double s = 0;
    ptrdiff_t lead = (ptrdiff_t)radius, trail = -(ptrdiff_t)radius - 1;
    for (ptrdiff_t i = 0; i < lead; i++) s += src[i];
    for (ptrdiff_t i = 0; i < (ptrdiff_t)n; i++) {
        s += src[i + lead] - src[i + trail];
        dst[i] = s;
    }
}

static void across(double *const *dst, const double *const *src, int k, size_t n, size_t radius)
{
    int i = 0;
    for (; i + 3 <= k; i += 3) across3(dst + i, src + i, n, radius);
    for (; i < k; i++) across1(dst[i], src[i], n, radius);
}

static inline double positive(double v) { return v > 0 ? v : 0; }

/* The inverse of (Sigma + eps Id) by cofactors, in the order 00 01 02 11 12 22; its determinant is
 * at least eps^3. */
#define INVERT(s00, s01, s02, s11, s12, s22)                                                       \
    double c00 = s11 * s22 - s12 * s12, c01 = s02 * s12 - s01 * s22, c02 = s01 * s12 - s02 * s11,  \
           c11 = s00 * s22 - s02 * s02, c12 = s01 * s02 - s00 * s12, c22 = s00 * s11 - s01 * s01,  \
           det = 1 / (s00 * c00 + s01 * c01 + s02 * c02)

/* a_k = Sigma (Sigma + eps Id)^-1 = Id - eps (Sigma + eps Id)^-1, symmetric; b = mean - A mean. */
static void solve_self(double *const *sums, const double *restrict scale, double eps,
                       float *const *coefs, size_t n)
{
    const double *restrict r = sums[0], *restrict g = sums[1], *restrict b = sums[2];
    const double *restrict rr = sums[3], *restrict rg = sums[4], *restrict rb = sums[5];
    const double *restrict gg = sums[6], *restrict gb = sums[7], *restrict bb = sums[8];
    float *restrict a0 = coefs[0], *restrict a1 = coefs[1], *restrict a2 = coefs[2],
                    *restrict a3 = coefs[3];
    float *restrict a4 = coefs[4], *restrict a5 = coefs[5], *restrict b0 = coefs[6],
                    *restrict b1 = coefs[7];
    float *restrict b2 = coefs[8];
    PLN_VECTORISE
    for (size_t i = 0; i < n; i++) {
        double k = scale[i], mr = k * r[i], mg = k * g[i], mb = k * b[i];
        double s00 = positive(k * rr[i] - mr * mr) + eps, s01 = k * rg[i] - mr * mg,
               s02 = k * rb[i] - mr * mb;
        double s11 = positive(k * gg[i] - mg * mg) + eps, s12 = k * gb[i] - mg * mb;
        double s22 = positive(k * bb[i] - mb * mb) + eps;
        INVERT(s00, s01, s02, s11, s12, s22);
        det *= eps;
        double m00 = 1 - det * c00, m01 = -det * c01, m02 = -det * c02, m11 = 1 - det * c11,
               m12 = -det * c12;
        double m22 = 1 - det * c22;
        a0[i] = (float)m00;
        a1[i] = (float)m01;
        a2[i] = (float)m02;
        a3[i] = (float)m11;
        a4[i] = (float)m12;
        a5[i] = (float)m22;
        b0[i] = (float)(mr - m00 * mr - m01 * mg - m02 * mb);
        b1[i] = (float)(mg - m01 * mr - m11 * mg - m12 * mb);
        b2[i] = (float)(mb - m02 * mr - m12 * mg - m22 * mb);
    }
}

/* a = (Sigma + eps Id)^-1 cov(I, p), b = mean(p) - a . mean(I), for input channel number `channel`.
 */
static void solve_joint(double *const *sums, const double *restrict scale, double eps, int channel,
                        float *const *coefs, size_t n)
{
    double *const *p = sums + 9 + 4 * channel;
    PLN_VECTORISE
    for (size_t i = 0; i < n; i++) {
        double k = scale[i], mr = k * sums[0][i], mg = k * sums[1][i], mb = k * sums[2][i];
        double s00 = positive(k * sums[3][i] - mr * mr) + eps, s01 = k * sums[4][i] - mr * mg;
        double s02 = k * sums[5][i] - mr * mb, s11 = positive(k * sums[6][i] - mg * mg) + eps;
        double s12 = k * sums[7][i] - mg * mb, s22 = positive(k * sums[8][i] - mb * mb) + eps;
        INVERT(s00, s01, s02, s11, s12, s22);
        double mp = k * p[0][i], v0 = k * p[1][i] - mr * mp, v1 = k * p[2][i] - mg * mp,
               v2 = k * p[3][i] - mb * mp;
        double a0 = det * (c00 * v0 + c01 * v1 + c02 * v2),
               a1 = det * (c01 * v0 + c11 * v1 + c12 * v2);
        double a2 = det * (c02 * v0 + c12 * v1 + c22 * v2);
        coefs[0][i] = (float)a0;
        coefs[1][i] = (float)a1;
        coefs[2][i] = (float)a2;
        coefs[3][i] = (float)(mp - a0 * mr - a1 * mg - a2 * mb);
    }
}

/* One guide plane, one input plane: a = cov(I, p) / (var(I) + eps). */
static void solve_scalar(const double *restrict g, const double *restrict gg,
                         const double *restrict p, const double *restrict gp,
                         const double *restrict scale, double eps, float *restrict a,
                         float *restrict b, size_t n)
{
    PLN_VECTORISE
    for (size_t i = 0; i < n; i++) {
        double k = scale[i], m = k * g[i], var = positive(k * gg[i] - m * m), mp = k * p[i];
        double cov = p == g ? var : k * gp[i] - m * mp, c = cov / (var + eps);
        a[i] = (float)c;
        b[i] = (float)(mp - c * m);
    }
}

static void solve(const struct guided_plan *plan, double *const *sums, const double *restrict scale,
                  double eps, float *const *coefs, size_t n)
{
    if (plan->kind == GUIDED_SELF_COLOR) {
        solve_self(sums, scale, eps, coefs, n);
    } else if (plan->kind == GUIDED_JOINT_COLOR) {
        for (int c = 0; c < plan->inputs; c++) solve_joint(sums, scale, eps, c, coefs + 4 * c, n);
    } else {
        for (int c = 0; c < plan->inputs; c++) {
            double *const *g = sums + 2 * (plan->guides == 1 ? 0 : c);
            double *const *p = plan->self ? g : sums + 2 * plan->guides + 2 * c;
            solve_scalar(g[0], g[1], p[0], p[1], scale, eps, coefs[2 * c], coefs[2 * c + 1], n);
        }
    }
}

static void mean(float *restrict mean, const double *restrict sum, const double *restrict scale,
                 size_t n)
{
    for (size_t i = 0; i < n; i++) mean[i] = (float)(sum[i] * scale[i]);
}

static void apply_self(float *restrict dst, float *const *s, float *const *m, size_t n)
{
    const float *restrict r = s[0], *restrict g = s[1], *restrict b = s[2];
    const float *restrict a0 = m[0], *restrict a1 = m[1], *restrict a2 = m[2], *restrict a3 = m[3];
    const float *restrict a4 = m[4], *restrict a5 = m[5], *restrict b0 = m[6], *restrict b1 = m[7],
                          *restrict b2 = m[8];
    PLN_VECTORISE
    for (size_t i = 0; i < n; i++) {
        dst[3 * i] = a0[i] * r[i] + a1[i] * g[i] + a2[i] * b[i] + b0[i];
        dst[3 * i + 1] = a1[i] * r[i] + a3[i] * g[i] + a4[i] * b[i] + b1[i];
        dst[3 * i + 2] = a2[i] * r[i] + a4[i] * g[i] + a5[i] * b[i] + b2[i];
    }
}

static void apply(const struct guided_plan *plan, float *restrict dst, float *const *s,
                  float *const *m, size_t n)
{
    size_t c = (size_t)plan->inputs;
    if (plan->kind == GUIDED_SELF_COLOR) {
        apply_self(dst, s, m, n);
        return;
    }
    for (size_t k = 0; k < c; k++) {
        if (plan->kind == GUIDED_JOINT_COLOR) {
            float *const *a = m + 4 * k;
            PLN_VECTORISE
            for (size_t i = 0; i < n; i++)
                dst[c * i + k] =
                    a[0][i] * s[0][i] + a[1][i] * s[1][i] + a[2][i] * s[2][i] + a[3][i];
        } else {
            const float *restrict g = s[plan->guides == 1 ? 0 : k], *restrict a = m[2 * k],
                                  *restrict b = m[2 * k + 1];
            PLN_VECTORISE
            for (size_t i = 0; i < n; i++) dst[c * i + k] = a[i] * g[i] + b[i];
        }
    }
}

const struct guided_kernels PLN_KERNELS(pln_guided_kernels) = {
    .split = split,
    .add = add,
    .slide = slide,
    .leave = leave,
    .across = across,
    .solve = solve,
    .mean = mean,
    .apply = apply,
};
