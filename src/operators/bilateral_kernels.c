/* SPDX-License-Identifier: MIT */
/* Sums of the joint bilateral filter over one tile.
 *
 * The weight of a pair of pixels serves both: rows are taken from top to bottom, each with the rows
 * below it, and a pair of rows is done in two passes over a piece of columns. The first computes
 * the weights, adds the lower row's data to the upper row's sums and keeps the weights; the second
 * adds the upper row's data to the lower row's sums. Every row so receives its contributions in
 * the order of the neighbour rows, and in each in the order of dx, whatever the tile; pairs that
 * leave the tile are done from one side with the same arithmetic.
 *
 * The spatial weight enters as an exponent: one exponential a pair. */
#include "operators/bilateral_kernels.h"

#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* ---- Vectors and the exponential ---- */

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ivec __attribute__((vector_size(LANES * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v) { memcpy(p, &v, sizeof v); }

INLINE vec magnitude(vec a) { return (vec)((ivec)a & 0x7fffffff); }

#if defined(__AVX512DQ__)
/* 2^t for t <= 0: i sixteenths of an octave from a table held in a register, the rest of the
 * fraction by a polynomial of degree 2 (minimax, relative error 4.3e-7), whole octaves by the
 * instruction for it. Adding 1.5 * 2^19 leaves i in the low bits of the sum. */
INLINE vec power_of_two(vec t)
{
    const __m512 table = (__m512)_mm512_set_epi32(0x3ff5257d, 0x3feac0c7, 0x3fe0ccdf, 0x3fd744fd,
                                                  0x3fce248c, 0x3fc5672a, 0x3fbd08a4, 0x3fb504f3,
                                                  0x3fad583f, 0x3fa5fed7, 0x3f9ef532, 0x3f9837f0,
                                                  0x3f91c3d3, 0x3f8b95c2, 0x3f85aac3, 0x3f800000);
    enum { DOWN = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC };
    vec i = _mm512_add_round_ps(t, _mm512_set1_ps(786432.0f), DOWN);
    vec f = _mm512_reduce_ps(t, 4 << 4 | DOWN);
    vec p = 1.00000042f + f * (0.693024194f + f * 0.245479584f);

    return _mm512_scalef_ps(_mm512_permutexvar_ps((__m512i)i, table) * p, t);
}
#else
INLINE vec at_least(vec a, float least)
{
#if defined(__AVX2__)
    return _mm256_max_ps(a, _mm256_set1_ps(least));
#elif defined(__SSE2__)
    return _mm_max_ps(a, _mm_set1_ps(least));
#else
    for (int i = 0; i < LANES; i++) a[i] = a[i] > least ? a[i] : least;
    return a;
#endif
}

/* 2^t for t <= 0, never below 2^-126: whole octaves go into the exponent, the rest is a polynomial
 * of degree 5 (minimax, relative error 9.2e-8). Adding 1.5 * 2^23 leaves the nearest integer in
 * the low bits of the sum. */
INLINE vec power_of_two(vec t)
{
    const float rounder = 12582912.0f;
    vec r, f, p;

    t = at_least(t, -126);
    r = t + rounder;
    f = t - (r - rounder);
    p = 0.009671512645f + f * 0.001326472712f;
    p = 0.05550733744f + f * p;
    p = 0.2402224209f + f * p;
    p = 0.6931469776f + f * p;
    p = 1.0f + f * p;
    return (vec)((ivec)p + ((ivec)r << 23));
}
#endif

/* Weights below 2^-126 and their products are zero: as denormal numbers they would be slow. The
 * mode belongs to the thread and is given back. */
INLINE unsigned flush_denormals(void)
{
#if defined(__SSE2__)
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    return mode;
#else
    return 0;
#endif
}

INLINE void restore_denormals(unsigned mode)
{
#if defined(__SSE2__)
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

/* ---- Pieces of a row ---- */

/* What is fixed while a kernel is compiled. */
struct kind {
    int guides, datas;
    bool l1, self;
};

struct line {
    const float *guide[3], *data[3];
};

INLINE struct line line_of(const struct bilateral_tile *t, ptrdiff_t row)
{
    const float *p = t->pixels + (size_t)(row + t->radius) * t->row_stride + t->margin;
    struct line l;

    for (int k = 0; k < 3; k++) {
        l.guide[k] = p + (size_t)t->guide[k] * t->plane_stride;
        l.data[k] = p + (size_t)t->data[k] * t->plane_stride;
    }
    return l;
}

/* Weight of the pixels with these guide values to those with these others. */
INLINE vec weight(struct kind kind, const vec *guide, const vec *other, float log_space)
{
    vec d = guide[0] - other[0], t = {0};

    t += log_space;
    if (kind.guides == 1) return power_of_two(t - d * d);
    vec e = guide[1] - other[1], f = guide[2] - other[2];
    if (kind.l1) {
        d = magnitude(d) + magnitude(e) + magnitude(f);
        return power_of_two(t - d * d);
    }
    return power_of_two(t - d * d - e * e - f * f);
}

/* Adds the neighbours at x + sign dx in `other` to the sums of the pixels x of `self`; keeps the
 * weights if asked. */
INLINE void add_block(struct kind kind, const struct bilateral_tile *t, const struct line *self,
                      const struct line *other, float *sums, const float *log_space,
                      ptrdiff_t first, ptrdiff_t last, ptrdiff_t sign, float *weights, ptrdiff_t x)
{
    vec guide[3], num[3] = {{0}, {0}, {0}}, den = {0};
    ptrdiff_t stride = (ptrdiff_t)t->weights_stride;

    for (int k = 0; k < kind.guides; k++) guide[k] = load(self->guide[k] + x);
    if (weights) weights += first * stride + x;
    for (ptrdiff_t dx = first; dx <= last; dx++) {
        vec there[3];
        for (int k = 0; k < kind.guides; k++) there[k] = load(other->guide[k] + x + sign * dx);
        vec w = weight(kind, guide, there, log_space[dx]);
        if (weights) {
            store(weights, w);
            weights += stride;
        }
        den += w;
        for (int k = 0; k < kind.datas; k++)
            num[k] += w * (kind.self ? there[k] : load(other->data[k] + x + sign * dx));
    }
    for (int k = 0; k < kind.datas; k++)
        store(sums + (size_t)k * t->n + x, load(sums + (size_t)k * t->n + x) + num[k]);
    store(sums + 3 * t->n + x, load(sums + 3 * t->n + x) + den);
}

/* The other side of kept weights: pixels x of the lower row receive x - dx of the upper one. */
INLINE void return_block(struct kind kind, const struct bilateral_tile *t, const struct line *upper,
                         float *sums, ptrdiff_t first, ptrdiff_t last, const float *weights,
                         ptrdiff_t x, int blocks)
{
    vec num[2][3] = {{{0}, {0}, {0}}, {{0}, {0}, {0}}}, den[2] = {{0}, {0}};

    for (ptrdiff_t dx = first; dx <= last; dx++) {
        for (int b = 0; b < blocks; b++) {
            ptrdiff_t from = x + b * LANES - dx;
            vec w = load(weights + dx * (ptrdiff_t)t->weights_stride + from);
            den[b] += w;
            for (int k = 0; k < kind.datas; k++) num[b][k] += w * load(upper->data[k] + from);
        }
    }
    for (int b = 0; b < blocks; b++) {
        float *to = sums + x + b * LANES;
        for (int k = 0; k < kind.datas; k++)
            store(to + (size_t)k * t->n, load(to + (size_t)k * t->n) + num[b][k]);
        store(to + 3 * t->n, load(to + 3 * t->n) + den[b]);
    }
}

/* ---- Pairs of rows ---- */

INLINE float *sums_of(const struct bilateral_tile *t, size_t row)
{
    return t->sums + row * 4 * t->n;
}

INLINE const float *log_space_of(const struct bilateral_tile *t, ptrdiff_t dy)
{
    return t->log_space + dy * (2 * t->radius + 1) + t->radius;
}

/* Row `row` of the tile receives row `other`; sign -1 if that lies above. */
INLINE void add_row(struct kind kind, const struct bilateral_tile *t, size_t row, ptrdiff_t other)
{
    struct line self = line_of(t, (ptrdiff_t)row), neighbour = line_of(t, other);
    ptrdiff_t below = other - (ptrdiff_t)row, dy = below < 0 ? -below : below, reach = t->reach[dy];

    for (ptrdiff_t x = 0; x < (ptrdiff_t)t->n; x += LANES)
        add_block(kind, t, &self, &neighbour, sums_of(t, row), log_space_of(t, dy), -reach, reach,
                  below < 0 ? -1 : 1, NULL, x);
}

/* Columns between the two passes over a pair of rows: far enough for the stored weights to have
 * reached the cache, near enough for them to be in its first level. */
enum { PIECE = 128 };

/* Rows `upper` and upper + dy of the tile receive each other, for dx = first .. reach. */
INLINE void exchange_rows(struct kind kind, const struct bilateral_tile *t, size_t upper,
                          ptrdiff_t dy, ptrdiff_t first)
{
    size_t lower = upper + (size_t)dy;
    struct line up = line_of(t, (ptrdiff_t)upper), low = line_of(t, (ptrdiff_t)lower);
    const float *log_space = log_space_of(t, dy);
    float *weights = t->weights + t->radius * (ptrdiff_t)t->weights_stride + t->margin;
    ptrdiff_t n = (ptrdiff_t)t->n, margin = (ptrdiff_t)t->margin, reach = t->reach[dy], done = 0;

    for (ptrdiff_t x0 = -margin; x0 < n + margin; x0 += PIECE) {
        ptrdiff_t x1 = x0 + PIECE < n + margin ? x0 + PIECE : n + margin;
        for (ptrdiff_t x = x0; x < x1; x += LANES) {
            if (x >= 0 && x < n) {
                add_block(kind, t, &up, &low, sums_of(t, upper), log_space, first, reach, 1,
                          weights, x);
                continue;
            }
            /* Left and right of the tile only the weights of pairs that end in it. */
            vec guide[3], there[3];
            ptrdiff_t from = -(x + LANES - 1) > first ? -(x + LANES - 1) : first;
            ptrdiff_t to = n - 1 - x < reach ? n - 1 - x : reach;
            for (int k = 0; k < kind.guides; k++) guide[k] = load(up.guide[k] + x);
            for (ptrdiff_t dx = from; dx <= to; dx++) {
                for (int k = 0; k < kind.guides; k++) there[k] = load(low.guide[k] + x + dx);
                store(weights + dx * (ptrdiff_t)t->weights_stride + x,
                      weight(kind, guide, there, log_space[dx]));
            }
        }
        ptrdiff_t ready = x1 == n + margin ? n : x1 - margin;
        for (; done + 2 * LANES <= ready; done += 2 * LANES)
            return_block(kind, t, &up, sums_of(t, lower), first, reach, weights, done, 2);
        for (; done + LANES <= ready; done += LANES)
            return_block(kind, t, &up, sums_of(t, lower), first, reach, weights, done, 1);
    }
}

/* ---- The tile ---- */

INLINE void tile_sums(struct kind kind, const struct bilateral_tile *t)
{
    ptrdiff_t radius = t->radius, rows = (ptrdiff_t)t->rows;
    unsigned mode = flush_denormals();

    /* The centre pixel has weight 1. */
    for (size_t y = 0; y < t->rows; y++) {
        struct line self = line_of(t, (ptrdiff_t)y);
        float *sums = sums_of(t, y);
        for (int k = 0; k < kind.datas; k++)
            memcpy(sums + (size_t)k * t->n, self.data[k], t->n * sizeof *sums);
        for (size_t x = 0; x < t->n; x++) sums[3 * t->n + x] = 1;
    }
    for (ptrdiff_t y = 0; y < rows && y < radius; y++)
        for (ptrdiff_t above = y - radius; above < 0; above++)
            if (t->present[above + radius]) add_row(kind, t, (size_t)y, above);
    for (ptrdiff_t y = 0; y < rows; y++) {
        exchange_rows(kind, t, (size_t)y, 0, 1);
        for (ptrdiff_t dy = 1; dy <= radius; dy++) {
            if (!t->present[y + dy + radius]) continue;
            if (y + dy < rows)
                exchange_rows(kind, t, (size_t)y, dy, -t->reach[dy]);
            else
                add_row(kind, t, (size_t)y, y + dy);
        }
    }
    restore_denormals(mode);
}

#define SUMS(name, ...)                                                                            \
    static void name(const struct bilateral_tile *t) { tile_sums((struct kind){__VA_ARGS__}, t); }
SUMS(self_grey, .guides = 1, .datas = 1, .self = true)
SUMS(self_l2, .guides = 3, .datas = 3, .self = true)
SUMS(self_l1, .guides = 3, .datas = 3, .l1 = true, .self = true)
SUMS(joint_grey_grey, .guides = 1, .datas = 1)
SUMS(joint_grey_rgb, .guides = 1, .datas = 3)
SUMS(joint_l2_grey, .guides = 3, .datas = 1)
SUMS(joint_l2_rgb, .guides = 3, .datas = 3)
SUMS(joint_l1_grey, .guides = 3, .datas = 1, .l1 = true)
SUMS(joint_l1_rgb, .guides = 3, .datas = 3, .l1 = true)

/* ---- Pixels to planes and back ---- */

static void split(float *restrict dst, size_t plane_stride, const float *restrict src, size_t c,
                  float scale, size_t n)
{
    if (c == 1) {
        for (size_t i = 0; i < n; i++) dst[i] = scale * src[i];
        return;
    }
    float *restrict second = dst + plane_stride, *restrict third = second + plane_stride;
    for (size_t i = 0; i < n; i++) {
        dst[i] = scale * src[3 * i];
        second[i] = scale * src[3 * i + 1];
        third[i] = scale * src[3 * i + 2];
    }
}

static void divide(float *restrict dst, size_t c, const float *restrict sums, size_t plane,
                   float scale, size_t n)
{
    const float *den = sums + 3 * plane;

    for (size_t i = 0; i < n; i++) dst[i * c] = sums[i] / den[i] * scale;
}

static void divide3(float *restrict dst, const float *restrict sums, size_t plane, float scale,
                    size_t n)
{
    const float *second = sums + plane, *third = second + plane, *den = third + plane;

    for (size_t i = 0; i < n; i++) {
        dst[3 * i] = sums[i] / den[i] * scale;
        dst[3 * i + 1] = second[i] / den[i] * scale;
        dst[3 * i + 2] = third[i] / den[i] * scale;
    }
}

const struct bilateral_kernels PLN_KERNELS(pln_bilateral_kernels) = {
    .self = {self_grey, self_l2, self_l1},
    .joint = {{joint_grey_grey, joint_grey_rgb},
              {joint_l2_grey, joint_l2_rgb},
              {joint_l1_grey, joint_l1_rgb}},
    .split = split,
    .divide = divide,
    .divide3 = divide3,
};
