/* SPDX-License-Identifier: MIT */
/* Iterative least squares.
 * Liu, Zhang, Huang, Yang, Shen, Reid: "Real-time Image Smoothing via Iterative Least Squares", TOG
 * 2020; steps as in the authors' ILS_LNorm.m and ILS_Welsch.m. */
#include <math.h>
#include <string.h>

#include "operators/gradient.h"
#include "solve/solve.h"

/* ---- Parameters ---- */

static const char *const penalties[] = {"charbonnier", "welsch", NULL};
static const char *const anchors[] = {"previous", "input", NULL};

static const pln_param ils_schema[] = {
    PLN_CHOICE(struct ils_params, penalty, .flag = "penalty", .symbol = "φ", .unit = "", .max = 1,
               .choices = penalties,
               .help = "of gradients: (x² + ε)^(p/2), or Welsch's, which forgets large ones"),
    PLN_REAL(struct ils_params, lambda, .flag = "lambda", .symbol = "λ", .unit = "", .min = 0,
             .max = 1e6, .init = 1, .scale = PLN_LOG,
             .help = "weight of the penalty; with anchor previous the iterations matter more"),
    PLN_REAL(struct ils_params, power, .flag = "power", .symbol = "p", .unit = "", .min = 0,
             .min_open = true, .max = 2, .init = 0.8,
             .help = "exponent of charbonnier; smaller keeps edges sharper"),
    PLN_REAL(struct ils_params, eps, .flag = "eps", .symbol = "ε", .unit = "range²", .min = 1e-8,
             .max = 1, .init = 1e-4, .scale = PLN_LOG, .help = "charbonnier's rounding of the tip"),
    PLN_REAL(struct ils_params, gamma, .flag = "gamma", .symbol = "γ", .unit = "range", .min = 0,
             .min_open = true, .max = 10, .init = 10.0 / 255, .scale = PLN_LOG,
             .help = "welsch: gradients well above this stay"),
    PLN_INT(struct ils_params, iterations, .flag = "iterations", .symbol = "N", .unit = "",
            .min = 0, .max = 1000, .init = 4, .scale = PLN_LOG, .help = "steps; more is smoother"),
    PLN_CHOICE(struct ils_params, anchor, .flag = "anchor", .symbol = "", .unit = "", .max = 1,
               .choices = anchors,
               .help = "what a step stays near to: the previous result (authors' program) or the "
                       "input (paper)"),
    PLN_PARAM_END,
};

static size_t ils_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct ils_params *p = params;
    size_t planes = c * h * pln_poisson_stride(w) * sizeof(float);
    return (p->anchor == ILS_INPUT ? 2 : 1) * planes + pln_poisson_memory(w, h, c, false, threads) +
           1024;
}

static double ils_nanoseconds(const void *params, size_t c)
{
    return ((const struct ils_params *)params)->iterations * (double)c * 10;
}

static bool ils_identity(const void *params)
{
    const struct ils_params *p = params;
    return p->lambda == 0 || p->iterations == 0;
}

/* ---- Filter ---- */

double pln_ils_bound(const struct ils_params *p)
{
    return p->penalty == ILS_CHARBONNIER ? p->power * pow(p->eps, p->power / 2 - 1) : 2;
}

static pln_status ils_run(pln_context *ctx, const pln_run *r)
{
    const struct ils_params *p = r->params;
    size_t c = r->in.c, stride = pln_poisson_stride(r->w);
    struct ils_penalty penalty = {
        .p = (float)p->power, .eps = (float)p->eps, .gamma = (float)p->gamma};
    float *f = NULL, *u = NULL;
    pln_poisson *poisson = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_progress(ctx, 0, "steps"));
    PLN_TRY(pln_alloc(ctx, c * r->h, stride * sizeof *u, &u));
    PLN_TRY(pln_poisson_new(ctx, r->w, r->h, c, false, &poisson));
    PLN_TRY(pln_planes_from(ctx, &r->in, u, stride));
    if (p->anchor == ILS_INPUT) {
        PLN_TRY(pln_alloc(ctx, c * r->h, stride * sizeof *f, &f));
        PLN_TRY(pln_planes_from(ctx, &r->in, f, stride));
    }
    double bound = pln_ils_bound(p);
    penalty.c = (float)bound;
    struct gradient g = {.kernels = PLN_KERNELS_PICK(ctx, pln_gradient_kernels),
                         .params = &penalty,
                         .w = r->w,
                         .h = r->h,
                         .c = c,
                         .u = u,
                         .stride = stride,
                         .base = f ? f : u,
                         .k = (float)(p->lambda / 2)};
    g.change = p->penalty == ILS_CHARBONNIER ? g.kernels->charbonnier : g.kernels->welsch;

    for (int i = 0; i < p->iterations; i++) {
        PLN_TRY(pln_progress(ctx, (double)i / p->iterations, "steps"));
        /* (1 + c lambda/2 D) u' = a + lambda/2 div(mu), a = u or f */
        PLN_TRY(pln_poisson_solve(ctx, poisson, bound * p->lambda / 2, pln_gradient_fill, &g, u));
    }
    /* The exact steps keep the mean; c lambda/2 times a divergence that sums to nearly 0 does not.
     */
    PLN_TRY(pln_planes_keep_mean(ctx, &r->in, u, stride));
    PLN_TRY(pln_planes_to(ctx, u, stride, &r->out));
done:
    pln_free(f);
    pln_poisson_free(poisson);
    pln_free(u);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset ils_presets[] = {
    {"default", "", "the authors' detail enhancement: charbonnier, λ 1, p 0.8, 4 steps"},
    {"clipart", "penalty=welsch lambda=30 gamma=10/255 iterations=10",
     "the authors' clip-art restoration; also the NKS figure of later papers"},
    {"voc", "penalty=welsch lambda=30 gamma=13/255 iterations=10",
     "the VOC-smooth figure of CSGIS-Net"},
    {NULL, NULL, NULL},
};

static const char *const ils_grid[] = {
    "iterations=2",
    "iterations=4",
    "iterations=8",
    "iterations=16",
    "iterations=24",
    "iterations=32",
    "penalty=welsch lambda=5 gamma=10/255 iterations=10",
    "penalty=welsch lambda=5 gamma=20/255 iterations=4",
    "penalty=welsch lambda=5 gamma=20/255 iterations=10",
    "penalty=welsch lambda=30 gamma=10/255 iterations=4",
    "penalty=welsch lambda=30 gamma=10/255 iterations=10",
    "penalty=welsch lambda=30 gamma=20/255 iterations=4",
    "penalty=welsch lambda=1 gamma=20/255 iterations=20",
    "penalty=welsch lambda=1 gamma=40/255 iterations=10",
    "penalty=welsch lambda=5 gamma=40/255 iterations=4",
    NULL,
};

static const char *const ils_ladder[] = {
    "penalty=charbonnier lambda=1 iterations=1",  "penalty=charbonnier lambda=1 iterations=4",
    "penalty=charbonnier lambda=1 iterations=8",  "penalty=charbonnier lambda=1 iterations=16",
    "penalty=charbonnier lambda=1 iterations=32", NULL,
};

const pln_method pln_method_ils = {
    .size = sizeof(pln_method),
    .name = "ils",
    .title = "Iterative least squares",
    .paper = "W. Liu, P. Zhang, X. Huang, J. Yang, C. Shen, I. Reid, \"Real-time Image Smoothing "
             "via Iterative Least "
             "Squares\", ACM TOG 2020",
    .year = 2020,
    .summary = "a non-convex gradient penalty, majorised by a quadratic with constant coefficients",
    .formula = "    min_u Σ_p (u_p - f_p)² + λ (φ(∂x u_p) + φ(∂y u_p)),   each channel alone\n"
               "\n"
               "| penalty | φ(x) | c |\n"
               "|---|---|---|\n"
               "| `charbonnier` | (x² + ε)^(p/2) | p ε^(p/2 - 1) |\n"
               "| `welsch` | 2γ² (1 - exp(-x² / 2γ²)) | 2 |\n"
               "\n"
               "N times: μ = c ∂u - φ'(∂u), then (1 + (cλ/2) D) u = a + (λ/2) div μ by FFT, "
               "periodic. a is the previous u, as in "
               "the authors' program (the data term fades: N is the strength), or f with `--anchor "
               "input`, as in the paper.\n",
    .use = "Fast smoothing of large pictures with even cost; detail enhancement and tone mapping "
           "(charbonnier), clip-art "
           "restoration (welsch).",
    .avoid = "Colours: channels are filtered alone and may shift at edges. Results are near a "
             "Gaussian blur for many steps; "
             "strong texture keeps its large gradients.",
    .cost = "N FFT pairs a channel",
    .schema = ils_schema,
    .params_size = sizeof(struct ils_params),
    .presets = ils_presets,
    .grid = ils_grid,
    .ladder = ils_ladder,
    .caps = PLN_CAP_UNIT_RANGE,
    .memory = ils_memory,
    .nanoseconds = ils_nanoseconds,
    .identity = ils_identity,
    .run = ils_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 2e-4,
};
