/* SPDX-License-Identifier: MIT */
/* Inner loops of convolutions with few channels on one side. The method is described in
 * conv_few.c. */
#include "nn/backends/cpu/conv_few_kernels.h"
#include "nn/backends/cpu/vectors.h"

extern const few_kernels PLN_KERNELS(pln_few_kernels);

/* Vectors of channels at a time: with six pixels, most of the registers. */
#if defined(__AVX512F__)
enum { WIDE = 4 };
#else
enum { WIDE = 2 };
#endif

/* ---- Wide out of narrow ---- */

/* n channels of `pixels` pixels, which are a constant where this is expanded, as is `vecs`. */
INLINE void widen_block(const size_t pixels, const size_t vecs, const struct few_terms *terms,
                        const float *x, const float *u, size_t padded, size_t k, size_t n,
                        size_t first, const struct few_out *out)
{
    vec sum[6][WIDE], bias[WIDE];
    const pln_conv_epilogue *e = &out->epilogue;

#pragma GCC unroll 4
    for (size_t a = 0; a < vecs; a++)
        bias[a] = e->bias ? load_n(e->bias + k + a * LANES, n) : (vec){0};
#pragma GCC unroll 6
    for (size_t p = 0; p < pixels; p++)
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) sum[p][a] = (vec){0};
    x += (ptrdiff_t)first * terms->step;
    for (size_t i = 0; i < terms->n; i++) {
        const float *at = x + terms->at[i], *row = u + terms->row[i] * padded + k;
        vec b[WIDE];
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) b[a] = load(row + a * LANES);
#pragma GCC unroll 6
        for (size_t p = 0; p < pixels; p++)
#pragma GCC unroll 4
            for (size_t a = 0; a < vecs; a++) sum[p][a] += at[(ptrdiff_t)p * terms->step] * b[a];
    }
#pragma GCC unroll 6
    for (size_t p = 0; p < pixels; p++) {
        ptrdiff_t at = (ptrdiff_t)(first + p);
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) {
            size_t c = k + a * LANES;
            store_n(out->y + at * out->step + c,
                    finish(sum[p][a] + bias[a], e,
                           e->residual ? e->residual + at * out->residual_step + c : NULL,
                           e->mask ? e->mask + at * out->mask_step + c : NULL, n),
                    n);
        }
    }
}

static void widen(const struct few_terms *terms, const float *x, const float *u, size_t padded,
                  size_t c, size_t pixels, const struct few_out *out)
{
    size_t p = 0;

    for (; p < pixels; p += p + 6 <= pixels ? 6 : 1) {
        size_t k = 0;
        if (p + 6 <= pixels) {
            for (; k + WIDE * LANES <= c; k += WIDE * LANES)
                widen_block(6, WIDE, terms, x, u, padded, k, LANES, p, out);
            for (; k < c; k += LANES)
                widen_block(6, 1, terms, x, u, padded, k, pln_min(LANES, c - k), p, out);
        } else {
            for (; k + WIDE * LANES <= c; k += WIDE * LANES)
                widen_block(1, WIDE, terms, x, u, padded, k, LANES, p, out);
            for (; k < c; k += LANES)
                widen_block(1, 1, terms, x, u, padded, k, pln_min(LANES, c - k), p, out);
        }
    }
}

/* ---- Narrow out of wide ---- */

INLINE void narrow_block(const size_t pixels, const size_t few, const struct few_terms *terms,
                         const float *x, const float *u, size_t padded, size_t c, size_t first,
                         const struct few_out *out)
{
    vec sum[8][FEW_MOST];
    const pln_conv_epilogue *e = &out->epilogue;
    const ptrdiff_t step = terms->step;

#pragma GCC unroll 8
    for (size_t p = 0; p < pixels; p++)
#pragma GCC unroll 4
        for (size_t f = 0; f < few; f++) sum[p][f] = (vec){0};
    x += (ptrdiff_t)first * step;
    for (size_t i = 0; i < terms->n; i++) {
        const float *at = x + terms->at[i], *row = u + terms->row[i] * padded;
        size_t k = 0;
        for (; k + LANES <= c; k += LANES) {
            vec b[FEW_MOST];
#pragma GCC unroll 4
            for (size_t f = 0; f < few; f++) b[f] = load(row + f * padded + k);
#pragma GCC unroll 8
            for (size_t p = 0; p < pixels; p++) {
                vec v = load(at + (ptrdiff_t)p * step + k);
#pragma GCC unroll 4
                for (size_t f = 0; f < few; f++) sum[p][f] += v * b[f];
            }
        }
        if (k < c)
#pragma GCC unroll 8
            for (size_t p = 0; p < pixels; p++) {
                vec v = load_part(at + (ptrdiff_t)p * step + k, c - k);
#pragma GCC unroll 4
                for (size_t f = 0; f < few; f++) sum[p][f] += v * load(row + f * padded + k);
            }
    }
#pragma GCC unroll 8
    for (size_t p = 0; p < pixels; p++) {
        ptrdiff_t at = (ptrdiff_t)(first + p);
        vec v = fold_lanes(sum[p], few, false);
        if (e->bias) v += load_part(e->bias, few);
        store_part(out->y + at * out->step,
                   finish(v, e, e->residual ? e->residual + at * out->residual_step : NULL,
                          e->mask ? e->mask + at * out->mask_step : NULL, few),
                   few);
    }
}

/* Pixels at a time: as many sums as there are registers for. */
#if defined(__AVX512F__)
enum { PIXELS_1 = 8, PIXELS_2 = 8, PIXELS_3 = 8, PIXELS_4 = 6 };
#else
enum { PIXELS_1 = 8, PIXELS_2 = 4, PIXELS_3 = 4, PIXELS_4 = 2 };
#endif

INLINE void narrow_few(const size_t at_once, const size_t few, const struct few_terms *terms,
                       const float *x, const float *u, size_t padded, size_t c, size_t pixels,
                       const struct few_out *out)
{
    const size_t ahead = 2 * at_once;
    ptrdiff_t lowest = 0;
    size_t p = 0;
    for (size_t i = 0; i < terms->n; i++)
        if (!i || terms->at[i] > lowest) lowest = terms->at[i];
    for (; p + at_once <= pixels; p += at_once) {
        /* The lowest tap is the first to meet a pixel: its row is not in the cache yet. */
        for (size_t q = p + ahead; q < pln_min(p + ahead + at_once, pixels); q++) {
            const float *next = x + lowest + (ptrdiff_t)q * terms->step;
            for (size_t k = 0; k < c; k += FEW_PANEL) __builtin_prefetch(next + k);
        }
        narrow_block(at_once, few, terms, x, u, padded, c, p, out);
    }
    for (; p < pixels; p++) narrow_block(1, few, terms, x, u, padded, c, p, out);
}

/* Weights of dense pixels, repeated over the lanes. */
struct dense {
    vec weights[FEW_MOST][FEW_KERNEL * FEW_KERNEL], bias;
};

/* `vecs` vectors of dense pixels from `first` on. The sums are those of narrow_block, in its order.
 */
INLINE void dense_block(const size_t vecs, const struct dense *d, const struct few_terms *terms,
                        const float *x, size_t c, size_t few, size_t first,
                        const struct few_out *out)
{
    float sums[WIDE * LANES][FEW_MOST];
    const pln_conv_epilogue *e = &out->epilogue;
    size_t pixels = vecs * LANES / c;

    for (size_t f = 0; f < few; f++) {
        vec sum[WIDE];
        float lanes[WIDE * LANES];
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) sum[a] = (vec){0};
        for (size_t i = 0; i < terms->n; i++) {
            const float *at = x + terms->at[i] + first * c;
#pragma GCC unroll 4
            for (size_t a = 0; a < vecs; a++) sum[a] += load(at + a * LANES) * d->weights[f][i];
        }
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) store(lanes + a * LANES, sum[a]);
        for (size_t p = 0; p < pixels; p++) {
            const float *t = lanes + p * c;
            sums[p][f] = c == 1 ? t[0] : c == 2 ? t[0] + t[1] : (t[0] + t[2]) + (t[1] + t[3]);
        }
    }
    for (size_t p = 0; p < pixels; p++) {
        ptrdiff_t at = (ptrdiff_t)(first + p);
        store_part(out->y + at * out->step,
                   finish(load_part(sums[p], few) + d->bias, e,
                          e->residual ? e->residual + at * out->residual_step : NULL,
                          e->mask ? e->mask + at * out->mask_step : NULL, few),
                   few);
    }
}

/* Dense pixels of 1, 2 or 4 channels: a vector holds LANES / c of them. Returns how many pixels are
 * done: what is left does not fill a vector. */
static size_t narrow_dense(const struct few_terms *terms, const float *x, const float *u,
                           size_t padded, size_t c, size_t few, size_t pixels,
                           const struct few_out *out)
{
    const float *bias = out->epilogue.bias;
    struct dense d;
    size_t p = 0, one = LANES / c;

    if (pixels < one) return 0;
    d.bias = bias ? load_part(bias, few) : (vec){0};
    for (size_t f = 0; f < few; f++)
        for (size_t i = 0; i < terms->n; i++) {
            float w[LANES];
            for (size_t l = 0; l < LANES; l++)
                w[l] = u[(terms->row[i] + f) * padded + (l & (c - 1))];
            d.weights[f][i] = load(w);
        }
    for (; p + WIDE * one <= pixels; p += WIDE * one)
        dense_block(WIDE, &d, terms, x, c, few, p, out);
    for (; p + one <= pixels; p += one) dense_block(1, &d, terms, x, c, few, p, out);
    return p;
}

static void narrow(const struct few_terms *terms, const float *x, const float *u, size_t padded,
                   size_t c, size_t few, size_t pixels, const struct few_out *out)
{
    struct few_out rest = *out;
    if ((c == 1 || c == 2 || c == 4) && terms->step == (ptrdiff_t)c) {
        ptrdiff_t done = (ptrdiff_t)narrow_dense(terms, x, u, padded, c, few, pixels, out);
        x += done * terms->step;
        pixels -= (size_t)done;
        rest.y += done * out->step;
        if (rest.epilogue.residual) rest.epilogue.residual += done * out->residual_step;
        if (rest.epilogue.mask) rest.epilogue.mask += done * out->mask_step;
        out = &rest;
    }
    if (few == 1) narrow_few(PIXELS_1, 1, terms, x, u, padded, c, pixels, out);
    if (few == 2) narrow_few(PIXELS_2, 2, terms, x, u, padded, c, pixels, out);
    if (few == 3) narrow_few(PIXELS_3, 3, terms, x, u, padded, c, pixels, out);
    if (few == 4) narrow_few(PIXELS_4, 4, terms, x, u, padded, c, pixels, out);
}

/* ---- Gradient of the weights ---- */

/* n channels of `rows` terms from the i-th on. */
INLINE void correlate_block(const size_t rows, const size_t vecs, const struct few_terms *terms,
                            size_t i, const float *x, const float *y, ptrdiff_t y_step,
                            size_t padded, size_t k, size_t n, size_t pixels, float *du)
{
    vec sum[6][WIDE];
    const float *at[6];

#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        at[r] = x + terms->at[i + r];
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) sum[r][a] = (vec){0};
    }
    y += k;
    for (size_t p = 0; p < pixels; p++) {
        vec b[WIDE];
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) b[a] = load_n(y + (ptrdiff_t)p * y_step + a * LANES, n);
#pragma GCC unroll 6
        for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (size_t a = 0; a < vecs; a++) sum[r][a] += at[r][(ptrdiff_t)p * terms->step] * b[a];
    }
    /* Sums of sums: a single long one would be less exact. */
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (size_t a = 0; a < vecs; a++) {
            float *all = du + terms->row[i + r] * padded + k + a * LANES;
            store(all, load(all) + sum[r][a]);
        }
}

INLINE void correlate_rows(const size_t rows, const struct few_terms *terms, size_t i,
                           const float *x, const float *y, ptrdiff_t y_step, size_t padded,
                           size_t c, size_t pixels, float *du)
{
    size_t k = 0;
    for (; k + WIDE * LANES <= c; k += WIDE * LANES)
        correlate_block(rows, WIDE, terms, i, x, y, y_step, padded, k, LANES, pixels, du);
    for (; k < c; k += LANES)
        correlate_block(rows, 1, terms, i, x, y, y_step, padded, k, pln_min(LANES, c - k), pixels,
                        du);
}

static void correlate(const struct few_terms *terms, const float *x, const float *y,
                      ptrdiff_t y_step, size_t padded, size_t c, size_t pixels, float *du,
                      float *sum)
{
    size_t i = 0;

    for (; i + 6 <= terms->n; i += 6)
        correlate_rows(6, terms, i, x, y, y_step, padded, c, pixels, du);
    for (; i + 3 <= terms->n; i += 3)
        correlate_rows(3, terms, i, x, y, y_step, padded, c, pixels, du);
    for (; i < terms->n; i++) correlate_rows(1, terms, i, x, y, y_step, padded, c, pixels, du);
    for (size_t k = 0; sum && k < c; k += LANES) {
        size_t n = pln_min(LANES, c - k);
        vec all = {0};
        for (size_t p = 0; p < pixels; p++) all += load_n(y + (ptrdiff_t)p * y_step + k, n);
        store(sum + k, load(sum + k) + all);
    }
}

const few_kernels PLN_KERNELS(pln_few_kernels) = {
    .widen = widen,
    .narrow = narrow,
    .correlate = correlate,
};
