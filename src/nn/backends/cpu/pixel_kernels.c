/* SPDX-License-Identifier: MIT */
/* Inner loops over rows of pixels: along channels; one and three channels, which pictures have, are
 * loops of known length. */
#include "nn/backends/cpu/pixel_kernels.h"

#include "nn/half.h"

extern const pixel_kernels PLN_KERNELS(pln_pixel_kernels);

#define INLINE static inline __attribute__((always_inline))

/* call with c a constant where it is 1 or 3. */
#define FOR_CHANNELS(c, call)                                                                      \
    do {                                                                                           \
        if (c == 1) {                                                                              \
            const size_t channels = 1;                                                             \
            call;                                                                                  \
        } else if (c == 3) {                                                                       \
            const size_t channels = 3;                                                             \
            call;                                                                                  \
        } else {                                                                                   \
            const size_t channels = c;                                                             \
            call;                                                                                  \
        }                                                                                          \
    } while (0)

/* ---- Haar ---- */

INLINE void haar_cells(size_t n, const float *x, size_t x_step, size_t x_row, size_t c, float *y,
                       size_t y_step)
{
    for (size_t i = 0; i < n; i++, x += 2 * x_step, y += y_step) PLN_VECTORISE
    for (size_t k = 0; k < c; k++) {
        float p = x[k], q = x[x_step + k], r = x[x_row + k], s = x[x_row + x_step + k];
        y[k] = ((p + q) + (r + s)) * 0.25f;
        y[c + k] = ((p - q) + (r - s)) * 0.25f;
        y[2 * c + k] = ((p + q) - (r + s)) * 0.25f;
        y[3 * c + k] = ((p - q) - (r - s)) * 0.25f;
    }
}

static void haar(size_t n, const float *x, size_t x_step, size_t x_row, size_t c, float *y,
                 size_t y_step)
{
    FOR_CHANNELS(c, haar_cells(n, x, x_step, x_row, channels, y, y_step));
}

INLINE void haar_inverse_cells(size_t n, const float *x, size_t x_step, size_t c, float *y,
                               size_t y_step, size_t y_row)
{
    for (size_t i = 0; i < n; i++, x += x_step, y += 2 * y_step) PLN_VECTORISE
    for (size_t k = 0; k < c; k++) {
        float ll = x[k], lh = x[c + k], hl = x[2 * c + k], hh = x[3 * c + k];
        y[k] = (ll + lh) + (hl + hh);
        y[y_step + k] = (ll - lh) + (hl - hh);
        y[y_row + k] = (ll + lh) - (hl + hh);
        y[y_row + y_step + k] = (ll - lh) - (hl - hh);
    }
}

static void haar_inverse(size_t n, const float *x, size_t x_step, size_t c, float *y, size_t y_step,
                         size_t y_row)
{
    FOR_CHANNELS(c, haar_inverse_cells(n, x, x_step, channels, y, y_step, y_row));
}

/* ---- Pooling ---- */

INLINE void pool_cells(bool max, size_t n, size_t k, const float *x, size_t x_step, size_t x_row,
                       size_t c, float *y, size_t y_step)
{
    float scale = 1 / (float)(k * k);
    for (size_t i = 0; i < n; i++, x += k * x_step, y += y_step) {
        if (k == 2) {
            PLN_VECTORISE
            for (size_t l = 0; l < c; l++) {
                float p = x[l], q = x[x_step + l], r = x[x_row + l], s = x[x_row + x_step + l];
                p = max ? (p > q ? p : q) : p + q;
                r = max ? (r > s ? r : s) : r + s;
                y[l] = max ? (p > r ? p : r) : (p + r) * scale;
            }
            continue;
        }
        for (size_t l = 0; l < c; l++) y[l] = max ? x[l] : x[l] * scale;
        for (size_t j = 1; j < k * k; j++) {
            const float *p = x + j / k * x_row + j % k * x_step;
            PLN_VECTORISE
            for (size_t l = 0; l < c; l++)
                y[l] = max ? (p[l] > y[l] ? p[l] : y[l]) : y[l] + p[l] * scale;
        }
    }
}

static void max_pool(size_t n, size_t k, const float *x, size_t x_step, size_t x_row, size_t c,
                     float *y, size_t y_step)
{
    FOR_CHANNELS(c, pool_cells(true, n, k, x, x_step, x_row, channels, y, y_step));
}

static void average_pool(size_t n, size_t k, const float *x, size_t x_step, size_t x_row, size_t c,
                         float *y, size_t y_step)
{
    FOR_CHANNELS(c, pool_cells(false, n, k, x, x_step, x_row, channels, y, y_step));
}

static void max_pool_grad(size_t n, size_t k, const float *x, size_t x_step, size_t x_row,
                          const float *dy, size_t dy_step, size_t c, float *dx, size_t dx_step,
                          size_t dx_row)
{
    enum { TILE = 64 };
    float best[TILE];
    int32_t first[TILE];

    for (size_t i = 0; i < n; i++, x += k * x_step, dy += dy_step, dx += k * dx_step)
        for (size_t from = 0; from < c; from += TILE) {
            size_t t = pln_min(TILE, c - from);
            for (size_t l = 0; l < t; l++) {
                best[l] = x[from + l];
                first[l] = 0;
            }
            for (size_t j = 1; j < k * k; j++) {
                const float *p = x + j / k * x_row + j % k * x_step + from;
                for (size_t l = 0; l < t; l++) {
                    bool above = p[l] > best[l];
                    best[l] = above ? p[l] : best[l];
                    first[l] = above ? (int32_t)j : first[l];
                }
            }
            for (size_t j = 0; j < k * k; j++) {
                float *q = dx + j / k * dx_row + j % k * dx_step + from;
                PLN_VECTORISE
                for (size_t l = 0; l < t; l++) q[l] = first[l] == (int32_t)j ? dy[from + l] : 0;
            }
        }
}

static void average_pool_grad(size_t n, size_t k, const float *dy, size_t dy_step, size_t c,
                              float *dx, size_t dx_step, size_t dx_row)
{
    float scale = 1 / (float)(k * k);
    for (size_t i = 0; i < n; i++, dy += dy_step, dx += k * dx_step)
        for (size_t j = 0; j < k * k; j++) {
            float *q = dx + j / k * dx_row + j % k * dx_step;
            PLN_VECTORISE
            for (size_t l = 0; l < c; l++) q[l] = scale * dy[l];
        }
}

/* ---- Resizing ---- */

INLINE void resize_pixels(size_t n, const pnn_mix *mix, float v, const float *top,
                          const float *bottom, size_t x_step, size_t c, float *y, size_t y_step)
{
    for (size_t i = 0; i < n; i++, y += y_step) {
        size_t a = mix[i].at[0] * x_step, b = mix[i].at[1] * x_step;
        float u = mix[i].weight;
        PLN_VECTORISE
        for (size_t k = 0; k < c; k++) {
            float p = top[a + k] + u * (top[b + k] - top[a + k]);
            float q = bottom[a + k] + u * (bottom[b + k] - bottom[a + k]);
            y[k] = p + v * (q - p);
        }
    }
}

static void resize(size_t n, const pnn_mix *mix, float v, const float *top, const float *bottom,
                   size_t x_step, size_t c, float *y, size_t y_step)
{
    FOR_CHANNELS(c, resize_pixels(n, mix, v, top, bottom, x_step, channels, y, y_step));
}

static void resize_grad(size_t n, const pnn_mix *mix, const float *dy, size_t c, float *dx,
                        size_t dx_step)
{
    for (size_t i = 0; i < n; i++, dy += c) {
        float *a = dx + mix[i].at[0] * dx_step, *b = dx + mix[i].at[1] * dx_step;
        float u = mix[i].weight;
        PLN_VECTORISE
        for (size_t k = 0; k < c; k++) a[k] += (1 - u) * dy[k];
        PLN_VECTORISE
        for (size_t k = 0; k < c; k++) b[k] += u * dy[k];
    }
}

static void add_scaled(size_t n, float a, const float *x, size_t x_step, size_t c, float *y)
{
    if (x_step == c) {
        c *= n;
        n = 1;
    }
    for (size_t i = 0; i < n; i++, x += x_step, y += c) PLN_VECTORISE
    for (size_t k = 0; k < c; k++) y[k] += a * x[k];
}

/* ---- Normalising ---- */

/* What values are in memory. */
enum kind { NOTHING, FLOATS, HALVES };

INLINE float value_at(const void *p, enum kind kind, size_t i)
{
    return kind == NOTHING  ? 0
           : kind == FLOATS ? ((const float *)p)[i]
                            : pnn_f32_of_bf16(((const uint16_t *)p)[i]);
}

INLINE void normalise_pixels(size_t n, size_t c, const pixel_norm *p, enum kind residual,
                             enum kind y, bool relu)
{
    const float *mean = p->mean, *scale = p->scale, *beta = p->beta;
    for (size_t i = 0; i < n; i++) {
        const float *x = p->x + i * p->x_step;
        size_t r_at = i * p->residual_step, y_at = i * p->y_step;
        PLN_VECTORISE
        for (size_t k = 0; k < c; k++) {
            float v = (x[k] - mean[k]) * scale[k] + beta[k];
            if (residual != NOTHING) v += value_at(p->residual, residual, r_at + k);
            if (relu) v = v > 0 ? v : 0;
            if (y == HALVES)
                ((uint16_t *)p->y)[y_at + k] = pnn_bf16_of_f32(v);
            else
                ((float *)p->y)[y_at + k] = v;
        }
    }
}

INLINE void normalise_to(size_t n, size_t c, const pixel_norm *p, enum kind residual, enum kind y)
{
    if (p->relu)
        normalise_pixels(n, c, p, residual, y, true);
    else
        normalise_pixels(n, c, p, residual, y, false);
}

INLINE void normalise_with(size_t n, size_t c, const pixel_norm *p, enum kind residual)
{
    if (p->y_half)
        normalise_to(n, c, p, residual, HALVES);
    else
        normalise_to(n, c, p, residual, FLOATS);
}

static void normalise(size_t n, size_t c, const pixel_norm *p)
{
    if (p->residual && p->residual_half)
        normalise_with(n, c, p, HALVES);
    else if (p->residual)
        normalise_with(n, c, p, FLOATS);
    else
        FOR_CHANNELS(c, normalise_with(n, channels, p, NOTHING));
}

static void normalise_grad(size_t n, const float *dy, size_t dy_step, const float *x, size_t x_step,
                           size_t c, const float *mean, const float *scale, const float *lean,
                           const float *offset, float *dx, size_t dx_step)
{
    for (size_t i = 0; i < n; i++, dy += dy_step, x += x_step, dx += dx_step) PLN_VECTORISE
    for (size_t k = 0; k < c; k++)
        dx[k] = (scale[k] * dy[k] - (x[k] - mean[k]) * lean[k]) - offset[k];
}

const pixel_kernels PLN_KERNELS(pln_pixel_kernels) = {.haar = haar,
                                                      .haar_inverse = haar_inverse,
                                                      .max_pool = max_pool,
                                                      .average_pool = average_pool,
                                                      .max_pool_grad = max_pool_grad,
                                                      .average_pool_grad = average_pool_grad,
                                                      .resize = resize,
                                                      .resize_grad = resize_grad,
                                                      .normalise = normalise,
                                                      .normalise_grad = normalise_grad,
                                                      .add_scaled = add_scaled};
