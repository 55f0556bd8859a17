/* SPDX-License-Identifier: MIT */
/* Inner loops of maximum and mean at once. A few values are summed in f32 before they are added to
 * others in double. */
#include "nn/backends/cpu/max_mean_kernels.h"

#include <math.h>

#include "nn/backends/cpu/vectors.h"

extern const max_mean_kernels PLN_KERNELS(pln_max_mean_kernels);

enum { GROUP = 16, VECS = 4 };        /* pixels, and vectors of their channels, at a time */
enum { PIXELS = 4, PIECE = 16 * 64 }; /* pixels at a time over channels; channels summed in f32 */

/* ---- Over pixels ---- */

/* vecs vectors of channels of `group` pixels: constants where this is expanded. */
INLINE void pixels_block(const size_t vecs, const size_t group, const float *x, size_t step,
                         float *most, double *sum)
{
    vec m[VECS], t[VECS];
    float sums[VECS * LANES];
    for (size_t j = 0; j < vecs; j++) {
        m[j] = load(most + j * LANES);
        t[j] = (vec){0};
    }
    for (size_t i = 0; i < group; i++)
        for (size_t j = 0; j < vecs; j++) {
            vec v = load(x + i * step + j * LANES);
            m[j] = larger(v, m[j]);
            t[j] += v;
        }
    for (size_t j = 0; j < vecs; j++) {
        store(most + j * LANES, m[j]);
        store(sums + j * LANES, t[j]);
    }
    PLN_VECTORISE
    for (size_t k = 0; k < vecs * LANES; k++) sum[k] += (double)sums[k];
}

INLINE void pixels_group(const size_t group, const float *x, size_t step, size_t c, float *most,
                         double *sum)
{
    size_t k = 0;
    for (; k + VECS * LANES <= c; k += VECS * LANES)
        pixels_block(VECS, group, x + k, step, most + k, sum + k);
    for (; k + LANES <= c; k += LANES) pixels_block(1, group, x + k, step, most + k, sum + k);
    for (; k < c; k++)
        for (size_t i = 0; i < group; i++) {
            float v = x[i * step + k];
            most[k] = v > most[k] ? v : most[k];
            sum[k] += (double)v;
        }
}

static void pixels(size_t n, const float *x, size_t step, size_t c, float *most, double *sum)
{
    size_t i = 0;
    for (; i + GROUP <= n; i += GROUP) pixels_group(GROUP, x + i * step, step, c, most, sum);
    for (; i < n; i++) pixels_group(1, x + i * step, step, c, most, sum);
}

/* ---- Over channels ---- */

/* n channels of `count` pixels, which are a constant where this is expanded. */
INLINE void channels_block(const size_t count, const float *x, size_t step, size_t n,
                           const float *factor, float *most, double *sum)
{
    vec m[PIXELS], t[PIXELS];
    float ms[LANES], ts[LANES];
    size_t k = 0;
    for (size_t i = 0; i < count; i++) {
        m[i] = (vec){0} - INFINITY;
        t[i] = (vec){0};
    }
    for (; k + LANES <= n; k += LANES) {
        vec f = factor ? load(factor + k) : (vec){0} + 1;
        for (size_t i = 0; i < count; i++) {
            vec v = load(x + i * step + k) * f;
            m[i] = larger(v, m[i]);
            t[i] += v;
        }
    }
    store(ms, fold_lanes(m, count, true));
    store(ts, fold_lanes(t, count, false));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = k; j < n; j++) {
            float v = x[i * step + j] * (factor ? factor[j] : 1);
            ms[i] = v > ms[i] ? v : ms[i];
            ts[i] += v;
        }
        most[i] = ms[i] > most[i] ? ms[i] : most[i];
        sum[i] += (double)ts[i];
    }
}

INLINE void channels_of(const size_t count, const float *x, size_t step, size_t c,
                        const float *factor, float *y, size_t y_step)
{
    float most[PIXELS];
    double sum[PIXELS];
    for (size_t i = 0; i < count; i++) most[i] = -INFINITY, sum[i] = 0;
    for (size_t k = 0; k < c; k += PIECE)
        channels_block(count, x + k, step, pln_min(PIECE, c - k), factor ? factor + k : NULL, most,
                       sum);
    for (size_t i = 0; i < count; i++) {
        y[i * y_step] = most[i];
        y[i * y_step + 1] = (float)(sum[i] / (double)c);
    }
}

static void channels(size_t n, const float *x, size_t step, size_t c, const float *factor, float *y,
                     size_t y_step)
{
    size_t i = 0;
    for (; i + PIXELS <= n; i += PIXELS)
        channels_of(PIXELS, x + i * step, step, c, factor, y + i * y_step, y_step);
    for (; i < n; i++) channels_of(1, x + i * step, step, c, factor, y + i * y_step, y_step);
}

const max_mean_kernels PLN_KERNELS(pln_max_mean_kernels) = {.pixels = pixels, .channels = channels};
