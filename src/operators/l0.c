/* SPDX-License-Identifier: MIT */
/* L0 gradient minimisation.
 * Xu, Lu, Xu, Jia: "Image Smoothing via L0 Gradient Minimization", SIGGRAPH Asia 2011; steps as in
 * the authors' L0Smoothing.m. */
#include "operators/gradient.h"
#include "solve/solve.h"

/* ---- Parameters ---- */

static const char *const borders[] = {"periodic", "reflect", NULL};

static const pln_param l0_schema[] = {
    PLN_REAL(struct l0_params, lambda, .flag = "lambda", .symbol = "λ", .unit = "range²", .min = 0,
             .max = 1, .init = 0.02, .scale = PLN_LOG,
             .help = "weight of the number of non-zero gradients; larger is flatter"),
    PLN_REAL(struct l0_params, kappa, .flag = "kappa", .symbol = "κ", .unit = "", .min = 1,
             .min_open = true, .max = 4, .init = 2,
             .help = "growth of beta in each step; nearer to 1 is sharper and slower"),
    PLN_REAL(struct l0_params, beta_max, .flag = "beta-max", .symbol = "β_max", .unit = "",
             .min = 1, .max = 1e9, .init = 1e5, .scale = PLN_LOG,
             .help = "beta at which the steps end"),
    PLN_CHOICE(
        struct l0_params, border, .flag = "border", .symbol = "", .unit = "", .max = 1,
        .choices = borders,
        .help =
            "left edge meets right edge, as the authors do, or no difference across the border"),
    PLN_PARAM_END,
};

static size_t l0_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct l0_params *p = params;
    size_t planes = c * h * pln_poisson_stride(w) * sizeof(float);
    return 2 * planes + pln_poisson_memory(w, h, c, p->border == L0_REFLECT, threads) + 1024;
}

int pln_l0_steps(const struct l0_params *p)
{
    int n = 0;
    for (double beta = 2 * p->lambda; beta < p->beta_max && n < 1000000; beta *= p->kappa) n++;
    return n;
}

static double l0_nanoseconds(const void *params, size_t c)
{
    const struct l0_params *p = params;
    return pln_l0_steps(p) * (double)c * (p->border == L0_REFLECT ? 30 : 8);
}

static bool l0_identity(const void *params)
{
    return ((const struct l0_params *)params)->lambda == 0;
}

/* ---- Filter ---- */

static pln_status l0_run(pln_context *ctx, const pln_run *r)
{
    const struct l0_params *p = r->params;
    size_t c = r->in.c, stride = pln_poisson_stride(r->w);
    bool reflect = p->border == L0_REFLECT;
    float *I = NULL, *S = NULL, threshold;
    pln_poisson *poisson = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_progress(ctx, 0, "steps"));
    PLN_TRY(pln_alloc(ctx, c * r->h, stride * sizeof *I, &I));
    PLN_TRY(pln_alloc(ctx, c * r->h, stride * sizeof *S, &S));
    PLN_TRY(pln_poisson_new(ctx, r->w, r->h, c, reflect, &poisson));
    PLN_TRY(pln_planes_from(ctx, &r->in, I, stride));
    struct gradient g = {.kernels = PLN_KERNELS_PICK(ctx, pln_gradient_kernels),
                         .params = &threshold,
                         .w = r->w,
                         .h = r->h,
                         .c = c,
                         .u = I,
                         .stride = stride,
                         .base = I,
                         .reflect = reflect};
    g.change = g.kernels->threshold;

    int step = 0, steps = pln_l0_steps(p);
    for (double beta = 2 * p->lambda; beta < p->beta_max; beta *= p->kappa, step++) {
        PLN_TRY(pln_progress(ctx, (double)step / steps, "steps"));
        /* (h, v) = gradients of S, 0 where their squares sum to less than lambda / beta; then
         * (1 + beta D) S = I + beta div(h, v). */
        threshold = (float)(p->lambda / beta);
        g.k = (float)beta;
        PLN_TRY(pln_poisson_solve(ctx, poisson, beta, pln_gradient_fill, &g, S));
        g.u = S;
    }
    /* The exact steps keep the mean; beta = 1e5 times a divergence that sums to nearly 0 does not.
     */
    if (g.u == S) PLN_TRY(pln_planes_keep_mean(ctx, &r->in, S, stride));
    PLN_TRY(pln_planes_to(ctx, g.u, stride, &r->out));
done:
    pln_poisson_free(poisson);
    pln_free(S);
    pln_free(I);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset l0_presets[] = {
    {"default", "", "λ 0.02, κ 2"},
    {"sharp", "kappa=1.05", "the paper's small steps: sharper, some 14 times slower"},
    {"clipart", "lambda=0.02", "restoring clip-art from JPEG"},
    {NULL, NULL, NULL},
};

static const char *const l0_grid[] = {
    "lambda=0.002", "lambda=0.005", "lambda=0.01", "lambda=0.02", "lambda=0.03",
    "lambda=0.05",  "lambda=0.08",  "lambda=0.12", "lambda=0.2",  NULL,
};

static const char *const l0_ladder[] = {"lambda=0.001", "lambda=0.005", "lambda=0.02",
                                        "lambda=0.06",  "lambda=0.2",   NULL};

const pln_method pln_method_l0 = {
    .size = sizeof(pln_method),
    .name = "l0",
    .title = "L0 gradient minimisation",
    .paper = "L. Xu, C. Lu, Y. Xu, J. Jia, \"Image Smoothing via L0 Gradient Minimization\", "
             "SIGGRAPH Asia 2011",
    .year = 2011,
    .summary = "as few non-zero gradients as possible: flat regions, sharp steps",
    .formula = "    min_S Σ_p |S_p - I_p|² + λ #{p : |∂x S_p| + |∂y S_p| ≠ 0}\n"
               "\n"
               "Half-quadratic splitting, β = 2λ, 2λκ, 2λκ², ... while β < β_max:\n"
               "\n"
               "    (h, v) = (∂x S, ∂y S), set to 0 where Σ_c (h² + v²) < λ/β\n"
               "    (1 + β D) S = I + β div(h, v)        by FFT, D = -(∂x² + ∂y²)\n"
               "\n"
               "Squares are summed over the channels. The border is periodic, as in the authors' "
               "program and every published "
               "result: the left and right edges see each other. `--border reflect` solves with no "
               "difference across the border.\n",
    .use = "Flat, poster-like regions with crisp edges; clip-art and cartoons damaged by JPEG; a "
           "base for edge detection.",
    .avoid =
        "Soft shading turns into steps; strong texture survives, because its gradients are as "
        "large as those of "
        "edges. The result depends on [0,1] values: brighter pictures are scaled before and after.",
    .cost = "k FFT pairs a channel, k = log(β_max / 2λ) / log κ: 22 by default",
    .schema = l0_schema,
    .params_size = sizeof(struct l0_params),
    .presets = l0_presets,
    .grid = l0_grid,
    .ladder = l0_ladder,
    .caps = PLN_CAP_UNIT_RANGE,
    .memory = l0_memory,
    .nanoseconds = l0_nanoseconds,
    .identity = l0_identity,
    .run = l0_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = -1, /* a threshold, and forward differences: a pixel's pair of differences is
                             not mirrored */
};
