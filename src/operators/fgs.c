/* SPDX-License-Identifier: MIT */
/* Fast global smoother.
 * Min, Choi, Lu, Ham, Sohn, Do: "Fast Global Image Smoothing Based on Weighted Least Squares", TIP
 * 2014: weighted least squares along rows, then along columns, several times, each line solved
 * exactly. The authors' program is mexFGS.cpp, version 1.0. */
#include "operators/fgs.h"

#include <math.h>

#include "operators/fgs_kernels.h"

/* ---- Parameters ---- */

static const char *const fgs_guide_modes[] = {"input", "moving", NULL};

static const pln_param fgs_schema[] = {
    PLN_REAL(struct fgs_params, sigma, .flag = "sigma", .symbol = "σ", .unit = "range", .min = 1e-3,
             .max = 10, .init = 0.1, .scale = PLN_LOG,
             .help = "how different neighbours may be and still become alike"),
    PLN_REAL(struct fgs_params, lambda, .flag = "lambda", .symbol = "λ", .unit = "", .min = 0,
             .max = 1e6, .init = 900, .scale = PLN_LOG,
             .help =
                 "balance between data and smoothness; larger is smoother, 0 returns the input"),
    PLN_INT(struct fgs_params, iterations, .flag = "iterations", .symbol = "T", .unit = "",
            .min = 1, .max = 20, .init = 3,
            .help = "passes over rows and columns; more leave fewer streaks"),
    PLN_REAL(struct fgs_params, attenuation, .flag = "attenuation", .symbol = "", .unit = "",
             .min = 1, .max = 100, .init = 4, .scale = PLN_LOG,
             .help = "what λ is divided by after each iteration"),
    PLN_CHOICE(struct fgs_params, guide_mode, .flag = "guide-mode", .symbol = "g", .unit = "",
               .choices = fgs_guide_modes,
               .help = "what steers where no guide is given: the input (paper), or in each pass "
                       "its own picture (authors' program)"),
    PLN_PARAM_END,
};

/* Floats of a thread: lines of three channels, and what the solution keeps of them. */
static size_t lanes_of_thread(size_t w, size_t h) { return 4 * pln_max(w, h) * FGS_LANES; }

/* Floats of the weights along `count` lines of n pixels. */
static size_t weights_along(size_t count, size_t n)
{
    return pln_div_up(count, FGS_LANES) * FGS_LANES * n;
}

static size_t fgs_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    size_t floats =
        weights_along(h, w) + weights_along(w, h) + (size_t)threads * lanes_of_thread(w, h);
    (void)params;
    (void)c;
    return floats * sizeof(float) + 3 * 128;
}

static double fgs_nanoseconds(const void *params, size_t c)
{
    return ((const struct fgs_params *)params)->iterations * (c == 3 ? 6 : 3);
}

static bool fgs_identity(const void *params)
{
    return ((const struct fgs_params *)params)->lambda == 0;
}

/* ---- Weights: w_i = exp(-|g_i+1 - g_i| / sigma), of the iteration times its lambda ---- */

float pln_fgs_rate(const struct fgs_params *p)
{
    return (float)(-1.4426950408889634 / p->sigma); /* e^x = 2^(x log2 e) */
}

/* lambda_t = 3/2 lambda 4^(T-t) / (4^T - 1): all together lambda / 2. The authors' program keeps
 * the 4 of the first where the next ones fall by another factor. */
double pln_fgs_first_lambda(const struct fgs_params *p)
{
    return 1.5 * p->lambda * pow(4, p->iterations - 1) / (pow(4, p->iterations) - 1);
}

/* DIFF: the authors' program takes the squared difference of a moving guide as an integer, of
 * values up to 255, because it looks weights up in a table; the results differ by up to 3e-3. */
pln_view pln_fgs_guide(const pln_run *r)
{
    const struct fgs_params *p = r->params;
    if (r->guide.data) return r->guide;
    return p->guide_mode == FGS_GUIDE_INPUT ? r->in : (pln_view){0};
}

/* ---- Passes: (Id + lambda Lap(w)) u = f along each line (fgs_kernels.c) ---- */

struct pass {
    const struct fgs_kernels *k;
    const pln_view *f, *u, *guide; /* f and u may be one */
    bool columns;
    float *weights; /* of all lines; made where there are none yet */
    bool weighed;
    float rate, lambda;
    float *lanes; /* of all threads */
};

static struct fgs_lines lines_of(const pln_view *v, bool columns, size_t first)
{
    return (struct fgs_lines){
        .data = columns ? v->data + first * v->c : pln_row(v, first),
        .stride = v->stride,
        .columns = columns,
        .n = columns ? v->h : v->w,
        .c = v->c,
        .count = pln_min(FGS_LANES, (columns ? v->w : v->h) - first),
    };
}

static void pass_task(void *arg, size_t index, int thread)
{
    const struct pass *j = arg;
    size_t first = index * FGS_LANES, room = lanes_of_thread(j->f->w, j->f->h);
    struct fgs_lines f = lines_of(j->f, j->columns, first), u = lines_of(j->u, j->columns, first);
    float *lanes = j->lanes + (size_t)thread * room, *q = lanes + room / 4 * 3;
    float *weights = j->weights + first * f.n;
    bool steered = j->guide->data != NULL;

    if (!j->weighed) {
        struct fgs_lines g = steered ? lines_of(j->guide, j->columns, first) : f;
        j->k->gather(lanes, &g);
        j->k->weights(weights, lanes, g.n, g.c, j->rate);
    }
    if (steered) j->k->gather(lanes, &f); /* else they are there */
    j->k->solve(lanes, q, weights, j->lambda, f.n, f.c);
    j->k->scatter(&u, lanes);
}

static pln_status fgs_run(pln_context *ctx, const pln_run *r)
{
    const struct fgs_params *p = r->params;
    pln_view guide = pln_fgs_guide(r);
    struct pass j = {.k = PLN_KERNELS_PICK(ctx, pln_fgs_kernels),
                     .f = &r->in,
                     .u = &r->out,
                     .guide = &guide,
                     .rate = pln_fgs_rate(p)};
    float *weights[2] = {NULL, NULL}; /* along rows, along columns */
    double lambda = pln_fgs_first_lambda(p);
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, weights_along(r->h, r->w), sizeof(float), &weights[0]));
    PLN_TRY(pln_alloc(ctx, weights_along(r->w, r->h), sizeof(float), &weights[1]));
    PLN_TRY(pln_alloc(ctx, (size_t)pln_context_threads(ctx) * lanes_of_thread(r->w, r->h),
                      sizeof *j.lanes, &j.lanes));
    for (int t = 0; t < p->iterations; t++, lambda /= p->attenuation) {
        j.lambda = (float)lambda;
        j.weighed = t > 0 && guide.data;
        for (int columns = 0; columns < 2; columns++) {
            PLN_TRY(pln_progress(ctx, (t + 0.5 * columns) / p->iterations, "passes"));
            j.columns = columns;
            j.weights = weights[columns];
            PLN_TRY(pln_parallel(ctx, pln_div_up(columns ? r->w : r->h, FGS_LANES), pass_task, &j));
            j.f = &r->out;
        }
    }
done:
    pln_free(j.lanes);
    pln_free(weights[1]);
    pln_free(weights[0]);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset fgs_presets[] = {
    {"default", "", "the paper's weights, of the input"},
    {"benchmark", "guide-mode=moving",
     "as the benchmark scripts of csjunxu and MCG-NKU run the authors' program: without a guide"},
    {"fine", "sigma=0.03 lambda=400", "edges of low contrast stay"},
    {NULL, NULL, NULL},
};

static const char *const fgs_grid[] = {
    "sigma=0.03 lambda=400",
    "sigma=0.03 lambda=900",
    "sigma=0.05 lambda=400",
    "sigma=0.05 lambda=900",
    "sigma=0.1 lambda=400",
    "sigma=0.1 lambda=900",
    "sigma=0.1 lambda=2500",
    "sigma=0.2 lambda=900",
    "sigma=0.03 lambda=400 guide-mode=moving",
    "sigma=0.03 lambda=900 guide-mode=moving",
    "sigma=0.05 lambda=400 guide-mode=moving",
    "sigma=0.05 lambda=900 guide-mode=moving",
    "sigma=0.1 lambda=400 guide-mode=moving",
    "sigma=0.1 lambda=900 guide-mode=moving",
    "sigma=0.1 lambda=2500 guide-mode=moving",
    "sigma=0.2 lambda=900 guide-mode=moving",
    NULL,
};

static const char *const fgs_ladder[] = {
    "sigma=0.02 lambda=10",  "sigma=0.03 lambda=100", "sigma=0.03 lambda=400",
    "sigma=0.05 lambda=400", "sigma=0.05 lambda=900", "sigma=0.1 lambda=900",
    "sigma=0.1 lambda=2500", "sigma=0.2 lambda=2500", NULL,
};

const pln_method pln_method_fgs = {
    .size = sizeof(pln_method),
    .name = "fgs",
    .title = "Fast global smoother",
    .paper = "D. Min, S. Choi, J. Lu, B. Ham, K. Sohn, M. N. Do, \"Fast Global Image Smoothing "
             "Based on Weighted Least Squares\", IEEE TIP 2014",
    .year = 2014,
    .summary = "weighted least squares along rows and columns in turn, each line solved exactly",
    .formula =
        "For t = 1 … T, along every row, then along every column of the result:\n\n"
        "    min_u Σ_i (u_i − f_i)² + λ_t w_i (u_i − u_i+1)²\n"
        "    w_i = exp( −‖g_i+1 − g_i‖ / σ )\n"
        "    λ_1 = (3/2) λ 4^(T−1) / (4^T − 1),  λ_t+1 = λ_t / attenuation\n\n"
        "f is the result so far, first the input; ‖·‖ is over the channels, which share weights. "
        "Each line is a system with three entries a row, solved by one sweep forward and one back. "
        "The guide g is the input throughout, or a `--guide` picture; without one, "
        "`--guide-mode moving` takes in each pass its own f, as the authors' program does.",
    .use = "Take it for the strong, wide smoothing of `wls` at a small part of its cost: bases "
           "for tone mapping and detail enhancement, maps smoothed along the edges of a guide, "
           "video. The cost is the same for any λ and σ.",
    .avoid = "Edges are judged by single gradients: strong texture survives, and prefer `rtv` or "
             "`rgf` to remove it. Lines are smoothed in one direction at a time: streaks along "
             "rows and columns can stay where λ is large and the iterations are few.",
    .cost = "O(N T)",
    .schema = fgs_schema,
    .params_size = sizeof(struct fgs_params),
    .presets = fgs_presets,
    .grid = fgs_grid,
    .ladder = fgs_ladder,
    .caps = PLN_CAP_GUIDE,
    .memory = fgs_memory,
    .nanoseconds = fgs_nanoseconds,
    .identity = fgs_identity,
    .run = fgs_run,
    .constant_tolerance = 0,
    .flip_tolerance = 1e-5,
};
