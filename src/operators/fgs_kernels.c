/* SPDX-License-Identifier: MIT */
/* Lines of fgs: between picture and lanes, weights, the solution. */
#include "operators/fgs_kernels.h"

#include <math.h>
#include <string.h>

#include "core/vmath.h"

extern const struct fgs_kernels PLN_KERNELS(pln_fgs_kernels);

#define INLINE static inline __attribute__((always_inline))

/* As wide as those of the instruction set; PARTS of them are all lanes. */
#if defined(__AVX512F__)
enum { PARTS = FGS_LANES / 16 };
#elif defined(__AVX2__)
enum { PARTS = FGS_LANES / 8 };
#else
enum { PARTS = FGS_LANES / 4 };
#endif
typedef float vec __attribute__((vector_size(FGS_LANES / PARTS * sizeof(float)), may_alias));

/* ---- From picture to lanes and `back` ---- */

typedef float four __attribute__((vector_size(16)));

/* Four rows of four floats: rows half of four apart are interleaved, twice. */
INLINE void transpose(float *to, ptrdiff_t to_stride, const float *from, ptrdiff_t from_stride)
{
    four a[4], b[4];
    for (int i = 0; i < 4; i++) memcpy(&a[i], from + i * from_stride, sizeof a[i]);
    for (int i = 0; i < 2; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 2], 0, 4, 1, 5);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 2], 2, 6, 3, 7);
    }
    for (int i = 0; i < 2; i++) {
        a[2 * i] = __builtin_shufflevector(b[i], b[i + 2], 0, 4, 1, 5);
        a[2 * i + 1] = __builtin_shufflevector(b[i], b[i + 2], 2, 6, 3, 7);
    }
    for (int i = 0; i < 4; i++) memcpy(to + i * to_stride, &a[i], sizeof a[i]);
}

/* One row's floats lie beside each other in the picture, and FGS_LANES apart among lanes, whatever
 * the channels. The inner blocks are of 16 floats, so that what a store begins of a cache line of
 * the picture is finished before the line leaves the cache. */
INLINE void move_rows(const struct fgs_lines *l, float *lanes, bool back)
{
    size_t n = l->n * l->c, whole = l->count == FGS_LANES ? n / 16 * 16 : 0;

    for (size_t block = 0; block < whole; block += 16)
        for (size_t lane = 0; lane < FGS_LANES; lane += 4)
            for (size_t x = block; x < block + 16; x += 4) {
                float *pixels = l->data + (ptrdiff_t)lane * l->stride + x;
                float *values = lanes + x * FGS_LANES + lane;
                if (back)
                    transpose(pixels, l->stride, values, FGS_LANES);
                else
                    transpose(values, FGS_LANES, pixels, l->stride);
            }
    for (size_t x = whole; x < n; x++)
        for (size_t lane = 0; lane < l->count; lane++) {
            float *pixel = l->data + (ptrdiff_t)lane * l->stride + x;
            float *value = lanes + x * FGS_LANES + lane;
            if (back)
                *pixel = *value;
            else
                *value = *pixel;
        }
}

INLINE void move_columns(const struct fgs_lines *l, float *lanes, size_t c, size_t count, bool back)
{
    for (size_t y = 0; y < l->n; y++)
        for (size_t lane = 0; lane < count; lane++)
            for (size_t k = 0; k < c; k++) {
                float *pixel = l->data + (ptrdiff_t)y * l->stride + lane * c + k;
                float *value = lanes + (y * c + k) * FGS_LANES + lane;
                if (back)
                    *pixel = *value;
                else
                    *value = *pixel;
            }
}

INLINE void move(const struct fgs_lines *l, float *lanes, bool back)
{
    if (!l->columns)
        move_rows(l, lanes, back);
    else if (l->c == 3 && l->count == FGS_LANES) /* counts that the compiler makes vectors of */
        move_columns(l, lanes, 3, FGS_LANES, back);
    else if (l->count == FGS_LANES)
        move_columns(l, lanes, 1, FGS_LANES, back);
    else
        move_columns(l, lanes, l->c, l->count, back);
}

static void gather(float *restrict lanes, const struct fgs_lines *from)
{
    if (from->count < FGS_LANES) memset(lanes, 0, from->n * from->c * FGS_LANES * sizeof *lanes);
    move(from, lanes, false);
}

static void scatter(const struct fgs_lines *to, const float *restrict lanes)
{
    move(to, (float *)lanes, true);
}

/* ---- Weights ---- */

INLINE void weigh(float *restrict w, const float *restrict g, size_t n, size_t c, float rate)
{
    for (size_t i = 0; i + 1 < n; i++, w += FGS_LANES, g += c * FGS_LANES)
        for (size_t lane = 0; lane < FGS_LANES; lane++) {
            float sum = 0;
            for (size_t k = 0; k < c; k++) {
                float d = g[(c + k) * FGS_LANES + lane] - g[k * FGS_LANES + lane];
                sum += d * d;
            }
            w[lane] = pln_exp2(rate * sqrtf(sum));
        }
}

static void weights(float *restrict w, const float *restrict g, size_t n, size_t c, float rate)
{
    if (c == 3)
        weigh(w, g, n, 3, rate);
    else
        weigh(w, g, n, 1, rate);
}

/* ---- The solution ----
 *
 * It minimises the sum of (u_i - f_i)^2 + a_i (u_i - u_i+1)^2 along the line, a = lambda w.
 * Minimised over all before u_i, the terms up to its own leave e_i (u_i - m_i)^2 + const: forward,
 *
 *     e_0 = 1,              m_0 = f_0
 *     q_i = a_i / (e_i + a_i)
 *     e_i+1 = 1 + q_i e_i,  m_i+1 = m_i + (f_i+1 - m_i) / e_i+1
 *
 * and back, from u = m in the last: u_i = m_i + q_i (u_i+1 - m_i).
 *
 * DIFF: the same elimination as the Thomas algorithm of the paper, whose pivots are e_i + a_i. But
 * there e_i is a difference of values as large as lambda, here nothing is subtracted but colours,
 * and both ways are averages of two: floats do for any lambda, and a constant stays one to the bit.
 */

INLINE void eliminate(float *restrict f, float *restrict factors, const float *restrict w,
                      float lambda, size_t n, size_t c)
{
    vec *u = (vec *)f, *q = (vec *)factors, m[3][PARTS], e[PARTS];
    const vec *weight = (const vec *)w;

    for (size_t p = 0; p < PARTS; p++) {
        e[p] = (vec){0} + 1;
        for (size_t k = 0; k < c; k++) m[k][p] = u[k * PARTS + p];
    }
    for (size_t i = 0; i + 1 < n; i++, q += PARTS, weight += PARTS) {
        u += c * PARTS;
        for (size_t p = 0; p < PARTS; p++) {
            vec a = lambda * weight[p];
            q[p] = a / (e[p] + a);
            e[p] = 1 + q[p] * e[p];
            vec share = 1 / e[p];
            for (size_t k = 0; k < c; k++) {
                vec *next = &u[k * PARTS + p];
                *next = m[k][p] += (*next - m[k][p]) * share;
            }
        }
    }
    for (size_t i = n - 1; i > 0; i--) {
        u -= c * PARTS;
        q -= PARTS;
        for (size_t p = 0; p < PARTS; p++)
            for (size_t k = 0; k < c; k++) {
                vec *here = &u[k * PARTS + p];
                *here = m[k][p] = *here + q[p] * (m[k][p] - *here);
            }
    }
}

static void solve(float *restrict f, float *restrict q, const float *restrict w, float lambda,
                  size_t n, size_t c)
{
    if (c == 3)
        eliminate(f, q, w, lambda, n, 3);
    else
        eliminate(f, q, w, lambda, n, 1);
}

const struct fgs_kernels PLN_KERNELS(pln_fgs_kernels) = {
    .gather = gather,
    .scatter = scatter,
    .weights = weights,
    .solve = solve,
};
