/* SPDX-License-Identifier: MIT */
/* Separable convolution: each output row is the sum over the column taps, then over the row taps.
 */
#include <math.h>
#include <string.h>

#include "solve/gaussian_kernels.h"
#include "solve/solve.h"

void pln_gaussian_taps(double sigma, int radius, float *taps)
{
    /* 2.2e-16: MATLAB's fspecial drops entries below eps of the largest. */
    const double least = 2.220446049250313e-16;
    double sum = 1;

    for (int t = 1; t <= radius; t++) {
        double v = exp(-((double)t * t) / (2 * sigma * sigma));
        if (v >= least) sum += 2 * v;
    }
    taps[radius] = (float)(1 / sum);
    for (int t = 1; t <= radius; t++) {
        double v = exp(-((double)t * t) / (2 * sigma * sigma));
        taps[radius - t] = taps[radius + t] = v >= least ? (float)(v / sum) : 0;
    }
}

struct convolution {
    const struct gaussian_kernels *kernels;
    const pln_view *in, *out;
    const float *taps;
    ptrdiff_t radius;
    pln_border border;
    size_t task_rows;
    size_t pad, line;     /* radius x c; floats of a bordered row */
    float *lines;         /* a bordered row for each thread */
    const float **rows;   /* 2 radius + 1 row pointers for each thread */
    const float *inverse; /* shrink: 1 / sum of the taps inside, for each column */
};

/* Fills the radius pixels left and right of a row of w pixels of c channels. */
static void extend_row(float *line, ptrdiff_t w, size_t c, ptrdiff_t radius, pln_border border)
{
    float *first = line + (size_t)radius * c;

    for (ptrdiff_t k = 1; k <= radius; k++) {
        ptrdiff_t l = pln_border_index(-k, w, border), r = pln_border_index(w - 1 + k, w, border);
        for (size_t j = 0; j < c; j++) {
            first[-k * (ptrdiff_t)c + (ptrdiff_t)j] =
                l < 0 ? 0 : first[l * (ptrdiff_t)c + (ptrdiff_t)j];
            first[(w - 1 + k) * (ptrdiff_t)c + (ptrdiff_t)j] =
                r < 0 ? 0 : first[r * (ptrdiff_t)c + (ptrdiff_t)j];
        }
    }
}

static void convolve_rows(void *arg, size_t index, int thread)
{
    const struct convolution *v = arg;
    const pln_view *in = v->in;
    size_t n_taps = 2 * (size_t)v->radius + 1, n = in->w * in->c;
    float *line = v->lines + (size_t)thread * v->line;
    const float **rows = v->rows + (size_t)thread * n_taps;
    size_t end = pln_min((index + 1) * v->task_rows, in->h);

    for (size_t y = index * v->task_rows; y < end; y++) {
        /* Rows outside that count as nothing are only possible at the two ends of the tap list. */
        size_t first = n_taps, used = 0;
        float sum = 0;
        for (size_t k = 0; k < n_taps; k++) {
            ptrdiff_t at = pln_border_index((ptrdiff_t)y + (ptrdiff_t)k - v->radius,
                                            (ptrdiff_t)in->h, v->border);
            if (at < 0) continue;
            if (first == n_taps) first = k;
            rows[used++] = pln_row(in, (size_t)at);
            sum += v->taps[k];
        }
        float *middle = line + v->pad, *dst = pln_row(v->out, y);
        v->kernels->columns(middle, rows, v->taps + first, used, n);
        extend_row(line, (ptrdiff_t)in->w, in->c, v->radius, v->border);
        v->kernels->row(dst, line, v->taps, n_taps, in->c, n);
        if (v->border != PLN_BORDER_SHRINK) continue;
        for (size_t x = 0, i = 0; x < in->w; x++)
            for (size_t j = 0; j < in->c; j++, i++) dst[i] *= v->inverse[x] / sum;
    }
}

pln_status pln_convolve_separable(pln_context *ctx, const pln_view *in, const pln_view *out,
                                  const float *taps, int radius, pln_border border)
{
    struct convolution v = {.kernels = PLN_KERNELS_PICK(ctx, pln_gaussian_kernels),
                            .in = in,
                            .out = out,
                            .taps = taps,
                            .radius = radius,
                            .border = border};
    size_t n_taps = 2 * (size_t)radius + 1, threads = (size_t)pln_context_threads(ctx);
    float *inverse = NULL;
    pln_status s;

    v.pad = (size_t)radius * in->c;
    v.line = pln_div_up(in->w * in->c + 2 * v.pad, 16) * 16;
    /* About 4 million multiplications a task. */
    v.task_rows = pln_min(64, 1 + ((size_t)1 << 22) / (2 * n_taps * in->w * in->c));
    PLN_TRY(pln_alloc(ctx, threads * v.line, sizeof *v.lines, &v.lines));
    PLN_TRY(pln_alloc(ctx, threads * n_taps, sizeof *v.rows, &v.rows));
    if (border == PLN_BORDER_SHRINK) {
        PLN_TRY(pln_alloc(ctx, in->w, sizeof *inverse, &inverse));
        for (size_t x = 0; x < in->w; x++) {
            float sum = 0;
            for (ptrdiff_t k = -(ptrdiff_t)radius; k <= radius; k++) {
                ptrdiff_t at = (ptrdiff_t)x + k;
                if (at >= 0 && at < (ptrdiff_t)in->w) sum += taps[k + radius];
            }
            inverse[x] = 1 / sum;
        }
        v.inverse = inverse;
    }
    PLN_TRY(pln_parallel(ctx, pln_div_up(in->h, v.task_rows), convolve_rows, &v));
done:
    pln_free(inverse);
    pln_free(v.rows);
    pln_free(v.lines);
    return s;
}
