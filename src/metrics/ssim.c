/* SPDX-License-Identifier: MIT */
/* Structural similarity: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error
 * visibility to structural similarity", TIP 2004, in the three variants that papers of this field
 * use: a  11 x 11 Gaussian of sigma 1.5, zeros outside the picture (their sums are not
 * renormalised), biased moments, mean over every pixel and channel: the training and test code of
 * Easy2Hard and CSGIS-Net; b  7 x 7 uniform window, sample moments (x 49/48), windows wholly
 * inside, every channel: scikit-image's default; c  11 x 11 Gaussian, biased, windows wholly
 * inside, luma .299 .587 .114: the paper's own program. */
#include <math.h>
#include <string.h>

#include "metrics/metrics.h"

enum { ROWS = 16, MOST_TAPS = 11, MOMENTS = 5 };

struct ssim {
    const pln_view *a, *b;
    size_t channels; /* 1 when on luma */
    bool luma, inner;
    int radius;
    double taps[MOST_TAPS], bias; /* bias: factor of (co)variances */
    double *scratch;              /* a thread: two rows of values, five rows of moments */
    size_t y0, rows, tasks;       /* output rows; tasks a channel */
};

static void set_window(struct ssim *s, char variant)
{
    s->radius = variant == 'b' ? 3 : 5;
    int n = 2 * s->radius + 1;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double t = i - s->radius;
        s->taps[i] = variant == 'b' ? 1 : exp(-t * t / 4.5);
        sum += s->taps[i];
    }
    for (int i = 0; i < n; i++) s->taps[i] /= sum;
    s->bias = variant == 'b' ? 49.0 / 48 : 1;
    s->inner = variant != 'a';
}

static void load_row(const struct ssim *s, const pln_view *v, size_t y, size_t channel,
                     double *restrict to)
{
    const float *row = pln_row(v, y);
    if (s->luma)
        for (size_t x = 0; x < v->w; x++)
            to[x] = .299 * (double)row[3 * x] + .587 * (double)row[3 * x + 1] +
                    .114 * (double)row[3 * x + 2];
    else
        for (size_t x = 0; x < v->w; x++) to[x] = (double)row[x * v->c + channel];
}

/* Rows of weighted sums of a, b, aa, bb, ab down the columns around row y; rows outside count as
 * zeros. */
static void moments_down(const struct ssim *s, size_t y, size_t channel, double *restrict a,
                         double *restrict b, double *const *m)
{
    size_t w = s->a->w;
    for (int k = 0; k < MOMENTS; k++) memset(m[k], 0, w * sizeof(double));
    for (int i = -s->radius; i <= s->radius; i++) {
        ptrdiff_t q = (ptrdiff_t)y + i;
        if (q < 0 || q >= (ptrdiff_t)s->a->h) continue;
        double t = s->taps[i + s->radius];
        load_row(s, s->a, (size_t)q, channel, a);
        load_row(s, s->b, (size_t)q, channel, b);
        double *restrict ma = m[0], *restrict mb = m[1], *restrict maa = m[2], *restrict mbb = m[3],
                         *restrict mab = m[4];
        for (size_t x = 0; x < w; x++) {
            double ta = t * a[x], tb = t * b[x];
            ma[x] += ta;
            mb[x] += tb;
            maa[x] += ta * a[x];
            mbb[x] += tb * b[x];
            mab[x] += ta * b[x];
        }
    }
}

static double sum_rows(void *arg, size_t index, int thread)
{
    static const double C1 = 1e-4, C2 = 9e-4; /* (.01 L)^2, (.03 L)^2, L = 1 */
    const struct ssim *s = arg;
    size_t w = s->a->w, channel = index / s->tasks, first = index % s->tasks * ROWS,
           r = (size_t)s->radius;
    size_t x0 = s->inner ? r : 0, x1 = s->inner ? w - r : w;
    double *rows = s->scratch + (size_t)thread * (2 + MOMENTS) * w, *m[MOMENTS], sum = 0;

    for (int k = 0; k < MOMENTS; k++) m[k] = rows + (2 + (size_t)k) * w;
    for (size_t j = first; j < pln_min(s->rows, first + ROWS); j++) {
        moments_down(s, s->y0 + j, channel, rows, rows + w, m);
        for (size_t x = x0; x < x1; x++) {
            double e[MOMENTS] = {0};
            size_t left = x < r ? 0 : x - r, right = pln_min(w - 1, x + r);
            for (size_t q = left; q <= right; q++) {
                double t = s->taps[q + r - x];
                for (int k = 0; k < MOMENTS; k++) e[k] += t * m[k][q];
            }
            double ab = e[0] * e[1], aa = e[0] * e[0], bb = e[1] * e[1];
            double va = s->bias * (e[2] - aa), vb = s->bias * (e[3] - bb),
                   cov = s->bias * (e[4] - ab);
            sum += (2 * ab + C1) * (2 * cov + C2) / ((aa + bb + C1) * (va + vb + C2));
        }
    }
    return sum;
}

pln_status pln_ssim(pln_context *ctx, char variant, const pln_view *a, const pln_view *b,
                    double *result)
{
    struct ssim s = {.a = a, .b = b, .luma = variant == 'c' && a->c == 3};
    size_t w = a->w, h = a->h;
    double sum;
    pln_status e = PLN_OK;

    set_window(&s, variant);
    size_t window = 2 * (size_t)s.radius + 1, cut = s.inner ? window - 1 : 0;
    if (s.inner && (w < window || h < window))
        return pln_fail(ctx, PLN_E_SHAPE,
                        "SSIM-%c needs at least %zux%zu pixels: the pictures are %zux%zu",
                        variant - 'a' + 'A', window, window, w, h);
    s.channels = s.luma ? 1 : a->c;
    s.y0 = s.inner ? (size_t)s.radius : 0;
    s.rows = h - cut;
    s.tasks = pln_div_up(s.rows, ROWS);
    e = pln_alloc(ctx, (size_t)pln_context_threads(ctx) * (2 + MOMENTS), w * sizeof(double),
                  &s.scratch);
    if (!e) e = pln_parallel_sum(ctx, s.channels * s.tasks, sum_rows, &s, &sum);
    if (!e) *result = sum / ((double)s.channels * (double)(w - cut) * (double)s.rows);
    pln_free(s.scratch);
    return e;
}
