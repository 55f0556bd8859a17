/* SPDX-License-Identifier: MIT */
/* Static / dynamic guidance filter.
 * Ham, Cho, Ponce: "Robust Image Filtering Using Joint Static and Dynamic Guidance", CVPR 2015, and
 * "Robust Guided Image Filtering Using Nonconvex Potentials", TPAMI 2018; normalisations as in the
 * authors' sdfilter.m: distances are taken relative to the smallest and largest of the picture, and
 * 1e-5 is added to each weight. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "image/image.h"
#include "operators/sdf_kernels.h"
#include "solve/solve.h"

struct sdf_params {
    double lambda, mu, nu, guide_sigma, tolerance;
    int iterations, neighbors;
};

/* ---- Parameters ---- */

static const char *const neighborhoods[] = {"8", "4", NULL};

static const pln_param sdf_schema[] = {
    PLN_REAL(struct sdf_params, lambda, .flag = "lambda", .symbol = "λ", .unit = "", .min = 0,
             .max = 1e8, .init = 30, .scale = PLN_LOG,
             .help = "weight of smoothness; larger is smoother"),
    PLN_REAL(struct sdf_params, mu, .flag = "mu", .symbol = "μ",
             .unit = "normalised squared distance", .min = 0, .max = 1e5, .init = 50,
             .scale = PLN_LOG, .help = "how well edges of the static guide stop the smoothing"),
    PLN_REAL(struct sdf_params, nu, .flag = "nu", .symbol = "ν",
             .unit = "normalised squared distance", .min = 0, .max = 1e5, .init = 400,
             .scale = PLN_LOG, .help = "how well edges of the evolving output stop it"),
    PLN_INT(struct sdf_params, iterations, .flag = "iterations", .symbol = "N", .unit = "",
            .min = 0, .max = 100, .init = 10,
            .help = "steps; not converged at 10: the number belongs to the result"),
    PLN_CHOICE(struct sdf_params, neighbors, .flag = "neighbors", .symbol = "", .unit = "",
               .max = 1, .choices = neighborhoods, .help = "neighbours of a pixel"),
    PLN_REAL(struct sdf_params, guide_sigma, .flag = "guide-sigma", .symbol = "σ_g", .unit = "px",
             .min = 0, .max = 64, .init = 0,
             .help = "blurs the static guide first; about 2 removes texture"),
    PLN_REAL(struct sdf_params, tolerance, .flag = "tolerance", .symbol = "tol", .unit = "",
             .min = 1e-8, .max = 0.1, .init = 1e-5, .scale = PLN_LOG,
             .help = "relative residual of the linear solver"),
    PLN_PARAM_END,
};

enum { EIGHT, FOUR };

static int blur_radius(const struct sdf_params *p) { return (int)ceil(3 * p->guide_sigma); }

static size_t sdf_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct sdf_params *p = params;
    size_t n = w * h, directions = p->neighbors == FOUR ? 2 : 4,
           taps = 2 * (size_t)blur_radius(p) + 1;
    /* Static and current weights, and besides either colours for distances (of a colour guide, too)
     * or the solver. */
    size_t weights = 2 * directions * n * sizeof(float), colours = 2 * 3 * n * sizeof(float);
    size_t rows =
        (size_t)threads * ((3 * w + 6 * taps + 64) * sizeof(float) + taps * sizeof(float *));
    (void)c;
    rows +=
        (size_t)threads * (w + 32) * sizeof(float) + 2 * sizeof(float) * pln_div_up(h, 32) + 8192;
    return weights +
           pln_max(colours + rows, pln_spd_memory(w, h, c, p->neighbors == EIGHT, threads) + rows) +
           taps * sizeof(float);
}

static double sdf_nanoseconds(const void *params, size_t c)
{
    const struct sdf_params *p = params;
    return p->iterations * (c == 3 ? 300 : 160);
}

static bool sdf_identity(const void *params)
{
    const struct sdf_params *p = params;
    return p->lambda == 0 || p->iterations == 0;
}

/* ---- Edges: right, down, down-right, down-left of every pixel ---- */

enum { ROWS = 32, MOST = 4 };
static const int dx[MOST] = {1, 0, 1, -1}, dy[MOST] = {0, 1, 1, 1};

struct edges {
    const struct sdf_kernels *k;
    const pln_view *colours; /* T of the distances */
    size_t directions;
    float *row;  /* a thread: distances */
    float *work; /* room for T, or NULL: allocated */
    size_t row_size;
    float *min, *max; /* a task */
    float *weights[MOST];
    const float *times[MOST]; /* or NULL */
    float rate, lowest, scale, factor;
};

/* Squared distances of direction k in row y: those of the pixels [*x0, *x0 + count). */
static size_t distances(const struct edges *e, size_t y, size_t k, float *d, size_t *x0)
{
    const pln_view *v = e->colours;
    if ((dy[k] && y + 1 == v->h) || (dx[k] && v->w == 1)) return 0;
    size_t first = dx[k] < 0, n = v->w - (dx[k] != 0);
    const float *a = pln_row(v, y) + first * v->c;
    const float *b = pln_row(v, y + (size_t)dy[k]) + (ptrdiff_t)v->c * ((ptrdiff_t)first + dx[k]);
    e->k->distance(d, a, b, v->c, n);
    *x0 = first;
    return n;
}

static void find_extremes(void *arg, size_t index, int thread)
{
    const struct edges *e = arg;
    float *d = e->row + (size_t)thread * e->row_size, min = FLT_MAX, max = -1;
    size_t x0;
    for (size_t y = index * ROWS; y < pln_min(e->colours->h, (index + 1) * ROWS); y++)
        for (size_t k = 0; k < e->directions; k++)
            e->k->extremes(d, distances(e, y, k, d, &x0), &min, &max);
    e->min[index] = min;
    e->max[index] = max;
}

static void weigh_rows(void *arg, size_t index, int thread)
{
    const struct edges *e = arg;
    float *d = e->row + (size_t)thread * e->row_size;
    size_t w = e->colours->w;
    for (size_t y = index * ROWS; y < pln_min(e->colours->h, (index + 1) * ROWS); y++)
        for (size_t k = 0; k < e->directions; k++) {
            size_t x0 = 0, n = distances(e, y, k, d, &x0);
            float *to = e->weights[k] + y * w;
            if (n < w) memset(to, 0, w * sizeof *to); /* the edge that leaves the picture */
            e->k->weight(to + x0, d, e->times[k] ? e->times[k] + y * w + x0 : NULL, n, e->rate,
                         e->lowest, e->scale, e->factor);
        }
}

/* weights = factor times (exp(-rate d') + 1e-5), d' = (d - min) / (max - min) over all edges of the
 * picture; d itself where all are equal. */
static pln_status weigh(pln_context *ctx, struct edges *e, double rate, double factor)
{
    size_t tasks = pln_div_up(e->colours->h, ROWS);
    float min = FLT_MAX, max = -1;
    pln_status s = PLN_OK;

    PLN_TRY(pln_parallel(ctx, tasks, find_extremes, e));
    for (size_t i = 0; i < tasks; i++) {
        min = e->min[i] < min ? e->min[i] : min;
        max = e->max[i] > max ? e->max[i] : max;
    }
    bool spread = max > min;
    e->lowest = spread ? min : 0;
    e->scale = spread ? 1 / (max - min) : 1;
    e->rate = (float)rate;
    e->factor = (float)factor;
    PLN_TRY(pln_parallel(ctx, tasks, weigh_rows, e));
done:
    return s;
}

/* ---- T(V): CIELAB for colour, the values themselves for grey ---- */

struct lab {
    const pln_view *from, *to;
};

static void lab_rows(void *arg, size_t index, int thread)
{
    const struct lab *j = arg;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(j->from->h, (index + 1) * ROWS); y++)
        pln_rgb_to_lab(pln_row(j->to, y), pln_row(j->from, y), j->from->w);
}

/* *made: what to free, NULL when T is V itself. */
static pln_status transform(pln_context *ctx, const pln_view *v, pln_view *t, float *work,
                            float **made)
{
    *t = *v;
    if (v->c == 1) return PLN_OK;
    t->stride = (ptrdiff_t)(3 * v->w);
    pln_status s = work ? PLN_OK : pln_alloc(ctx, v->w * v->h, 3 * sizeof(float), made);
    t->data = work ? work : *made;
    struct lab j = {v, t};
    return s ? s : pln_parallel(ctx, pln_div_up(v->h, ROWS), lab_rows, &j);
}

/* Weights of the distances in V. */
static pln_status weigh_picture(pln_context *ctx, struct edges *e, const pln_view *v, double rate,
                                double factor)
{
    float *made = NULL;
    pln_view t;
    pln_status s = PLN_OK;

    PLN_TRY(transform(ctx, v, &t, e->work, &made));
    e->colours = &t;
    PLN_TRY(weigh(ctx, e, rate, factor));
done:
    pln_free(made);
    return s;
}

/* w_g = exp(-mu d'(g)) + 1e-5 */
static pln_status weigh_guide(pln_context *ctx, struct edges *e, const pln_view *guide,
                              const struct sdf_params *p)
{
    int radius = blur_radius(p);
    pln_view g = *guide;
    float *taps = NULL, *blurred = NULL;
    pln_status s = PLN_OK;

    if (radius > 0) {
        PLN_TRY(pln_alloc(ctx, 2 * (size_t)radius + 1, sizeof *taps, &taps));
        PLN_TRY(pln_alloc(ctx, g.w * g.h, g.c * sizeof *blurred, &blurred));
        g.data = blurred;
        g.stride = (ptrdiff_t)(g.w * g.c);
        pln_gaussian_taps(p->guide_sigma, radius, taps);
        PLN_TRY(pln_convolve_separable(ctx, guide, &g, taps, radius, PLN_BORDER_REPLICATE));
    }
    PLN_TRY(weigh_picture(ctx, e, &g, p->mu, 1));
done:
    pln_free(blurred);
    pln_free(taps);
    return s;
}

/* ---- Filter ---- */

static pln_status sdf_run(pln_context *ctx, const pln_run *r)
{
    const struct sdf_params *p = r->params;
    const pln_view *guide = r->guide.data ? &r->guide : &r->in;
    size_t n = r->w * r->h, tasks = pln_div_up(r->h, ROWS);
    struct edges e = {.k = PLN_KERNELS_PICK(ctx, pln_sdf_kernels),
                      .directions = p->neighbors == FOUR ? 2 : 4};
    float *guide_weights = NULL, *weights = NULL;
    pln_status s = PLN_OK;

    e.row_size = pln_div_up(r->w, 16) * 16;
    PLN_TRY(pln_progress(ctx, 0, "guide"));
    PLN_TRY(pln_alloc(ctx, e.directions * n, sizeof *guide_weights, &guide_weights));
    PLN_TRY(pln_alloc(ctx, e.directions * n, sizeof *weights, &weights));
    PLN_TRY(pln_alloc(ctx, (size_t)pln_context_threads(ctx), e.row_size * sizeof *e.row, &e.row));
    PLN_TRY(pln_alloc(ctx, tasks, sizeof *e.min, &e.min));
    PLN_TRY(pln_alloc(ctx, tasks, sizeof *e.max, &e.max));
    for (size_t k = 0; k < e.directions; k++) e.weights[k] = guide_weights + k * n;
    PLN_TRY(weigh_guide(ctx, &e, guide, p));

    /* The solver's memory; between solves it holds T of the current picture. */
    PLN_TRY(pln_alloc(
        ctx, pln_spd_memory(r->w, r->h, r->in.c, e.directions == 4, pln_context_threads(ctx)), 1,
        &e.work));
    pln_spd A = {.w = r->w, .h = r->h, .right = weights, .down = weights + n};
    if (e.directions == 4) A.down_right = weights + 2 * n, A.down_left = weights + 3 * n;
    for (size_t k = 0; k < e.directions; k++)
        e.weights[k] = weights + k * n, e.times[k] = guide_weights + k * n;
    for (int i = 0; i < p->iterations; i++) {
        double from = (double)i / p->iterations, to = (double)(i + 1) / p->iterations;
        PLN_TRY(pln_progress(ctx, from, "weights"));
        if (i == 0) { /* u = 1 everywhere: exp(0) + 1e-5 for all edges */
            float once = (float)(p->lambda * 1.00001);
            for (size_t q = 0; q < e.directions * n; q++) weights[q] = once * guide_weights[q];
        } else {
            PLN_TRY(weigh_picture(ctx, &e, &r->out, p->nu, p->lambda));
        }
        pln_spd_options o = {.tolerance = p->tolerance,
                             .warm = i > 0,
                             .progress_from = from,
                             .progress_to = to,
                             .workspace = e.work};
        PLN_TRY(pln_spd_solve(ctx, &A, &r->in, &r->out, &o, NULL));
    }
done:
    pln_free(e.work);
    pln_free(e.max);
    pln_free(e.min);
    pln_free(e.row);
    pln_free(weights);
    pln_free(guide_weights);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset sdf_presets[] = {
    {"default", "", "λ 30, μ 50, ν 400, 10 steps: also Easy2Hard's over-smoothing"},
    {"scale1", "lambda=30", "the authors' scale space, finest"},
    {"scale2", "lambda=4e3", "the authors' scale space, middle"},
    {"scale3", "lambda=3e5", "the authors' scale space, coarsest"},
    {"texture", "guide-sigma=2 lambda=300 iterations=5", "texture removal with a blurred guide"},
    {"depth", "neighbors=4 lambda=10 mu=500 nu=200 iterations=20",
     "depth maps along a photograph: give it as --guide"},
    {"denoise", "lambda=15 mu=60 nu=30 iterations=5", "noise of multi-spectral pictures"},
    {NULL, NULL, NULL},
};

static const char *const sdf_grid[] = {
    "lambda=3",
    "lambda=10",
    "lambda=30",
    "lambda=100",
    "lambda=300",
    "lambda=1000",
    "lambda=3000",
    "lambda=100 guide-sigma=2 iterations=5",
    "lambda=300 guide-sigma=2 iterations=5",
    "lambda=1000 guide-sigma=2 iterations=5",
    NULL,
};

static const char *const sdf_ladder[] = {"lambda=1",    "lambda=10",    "lambda=100",
                                         "lambda=1000", "lambda=10000", NULL};

const pln_method pln_method_sdf = {
    .size = sizeof(pln_method),
    .name = "sdf",
    .title = "Static / dynamic guidance filter",
    .paper = "B. Ham, M. Cho, J. Ponce, \"Robust Guided Image Filtering Using Nonconvex "
             "Potentials\", TPAMI 2018 (CVPR 2015)",
    .year = 2015,
    .summary = "least squares whose weights come from a fixed guide and from the evolving output",
    .formula = "    min_u Σ_i (u_i - f_i)² + λ Σ_(i,j) φ_μ(g_i - g_j) ψ_ν(u_i - u_j)\n"
               "    φ_μ(x) = exp(-μ x²),   ψ_ν(x) = (1 - exp(-ν x²)) / ν\n"
               "\n"
               "From u = 1, N times:\n"
               "\n"
               "    w_ij = (exp(-μ d'_ij(g)) + 1e-5) (exp(-ν d'_ij(u)) + 1e-5)\n"
               "    (Id + λ Lap(w)) u = f\n"
               "\n"
               "d' are squared distances in CIELAB (grey: of the values) between 8 or 4 "
               "neighbours, scaled so that the smallest of "
               "the whole picture is 0 and the largest 1: one strong edge anywhere changes the "
               "smoothing everywhere.\n",
    .use = "Scale spaces with sharp boundaries, texture removal (preset `texture`), depth maps "
           "cleaned along a photograph.",
    .avoid = "Hurry: it is the slowest of the classical methods here. Parts of a picture filtered "
             "alone give other results, "
             "because distances are relative to the largest.",
    .cost = "N sparse linear systems of 9 points",
    .schema = sdf_schema,
    .params_size = sizeof(struct sdf_params),
    .presets = sdf_presets,
    .grid = sdf_grid,
    .ladder = sdf_ladder,
    .caps = PLN_CAP_GUIDE | PLN_CAP_UNIT_RANGE,
    .memory = sdf_memory,
    .nanoseconds = sdf_nanoseconds,
    .identity = sdf_identity,
    .run = sdf_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance =
        2e-3, /* the outer loop is not convex and magnifies the solver's last digits */
};
