/* SPDX-License-Identifier: MIT */
/* Relative total variation.
 * Xu, Yan, Xia, Jia: "Structure Extraction from Texture via Relative Total Variation", SIGGRAPH
 * Asia 2012; steps as in the authors' tsmooth.m.
 *
 * DIFF: the linear systems are solved accurately, as the program's direct branch does. Its other
 * branch (MATLAB with ichol) stops at a relative residual of 0.1 and gives visibly other pictures.
 * DIFF: the paper blurs the weights once more (u_x = G * 1/(|G * dx S| + eps)); the program does
 * not, nor do we. */
#include <math.h>
#include <string.h>

#include "operators/rtv.h"
#include "operators/rtv_kernels.h"
#include "solve/solve.h"

/* ---- Parameters ---- */

static const pln_param rtv_schema[] = {
    PLN_REAL(struct rtv_params, lambda, .flag = "lambda", .symbol = "λ", .unit = "", .min = 0,
             .max = 1, .init = 0.01, .scale = PLN_LOG,
             .help = "weight of the relative variation; larger is smoother, mostly up to 0.05"),
    PLN_REAL(struct rtv_params, sigma, .flag = "sigma", .symbol = "σ", .unit = "px", .min = 0.5,
             .max = 32, .init = 3, .scale = PLN_LOG,
             .help = "size of the texture elements to remove"),
    PLN_REAL(struct rtv_params, sharpness, .flag = "sharpness", .symbol = "ε_s", .unit = "range",
             .min = 1e-4, .max = 1, .init = 0.02, .scale = PLN_LOG,
             .help = "gradients below this are all alike; smaller keeps edges sharper"),
    PLN_INT(struct rtv_params, iterations, .flag = "iterations", .symbol = "N", .unit = "",
            .min = 0, .max = 20, .init = 4, .help = "steps; sigma is halved after each"),
    PLN_REAL(struct rtv_params, tolerance, .flag = "tolerance", .symbol = "tol", .unit = "",
             .min = 1e-8, .max = 0.1, .init = 1e-4, .scale = PLN_LOG,
             .help = "relative residual of the linear solver"),
    PLN_PARAM_END,
};

int pln_rtv_radius(double sigma) { return ((int)floor(5 * sigma + 0.5) | 1) / 2; }
double pln_rtv_next(double sigma) { return sigma / 2 > 0.5 ? sigma / 2 : 0.5; }

static size_t rtv_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct rtv_params *p = params;
    size_t taps = 2 * (size_t)pln_rtv_radius(p->sigma) + 1;
    size_t weights = 2 * w * h * sizeof(float);
    /* The rows of the convolution. */
    size_t rows =
        (size_t)threads * ((w * c + 2 * c * taps + 64) * sizeof(float) + taps * sizeof(float *)) +
        4096;
    /* The blurred picture lies in the solver's memory. */
    return weights + rows + pln_spd_memory(w, h, c, false, threads) + taps * sizeof(float) + 1024;
}

static double rtv_nanoseconds(const void *params, size_t c)
{
    const struct rtv_params *p = params;
    return p->iterations * (c == 3 ? 150 + 8 * p->sigma : 80 + 3 * p->sigma);
}

static bool rtv_identity(const void *params)
{
    const struct rtv_params *p = params;
    return p->lambda == 0 || p->iterations == 0;
}

/* ---- Weights: w_x = 1 / (max(mean_c |grad S|, eps_s) max(mean_c |dx (G * S)|, 1e-3)), w_y alike
 * ---- */

enum { ROWS = 32 };

struct weights {
    const struct rtv_kernels *k;
    const pln_view *x, *blurred;
    float *wx, *wy, factor, eps_s;
};

static void weigh_rows(void *arg, size_t index, int thread)
{
    const struct weights *j = arg;
    size_t w = j->x->w, h = j->x->h;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(h, (index + 1) * ROWS); y++) {
        bool below = y + 1 < h;
        j->k->weights(j->wx + y * w, j->wy + y * w, pln_row(j->x, y),
                      below ? pln_row(j->x, y + 1) : NULL, pln_row(j->blurred, y),
                      below ? pln_row(j->blurred, y + 1) : NULL, j->x->c, w, j->factor, j->eps_s);
    }
}

/* `work` has room for the blurred picture. */
static pln_status weigh(pln_context *ctx, struct weights *j, double sigma, float *work)
{
    int radius = pln_rtv_radius(sigma);
    pln_view blurred = *j->x;
    float *taps = NULL;
    pln_status s = PLN_OK;

    blurred.data = work;
    blurred.stride = (ptrdiff_t)(blurred.w * blurred.c);
    PLN_TRY(pln_alloc(ctx, 2 * (size_t)radius + 1, sizeof *taps, &taps));
    pln_gaussian_taps(sigma, radius, taps);
    /* Zeros outside, not renormalised: weights along the border are small, and edges there stay. */
    PLN_TRY(pln_convolve_separable(ctx, j->x, &blurred, taps, radius, PLN_BORDER_ZERO));
    j->blurred = &blurred;
    PLN_TRY(pln_parallel(ctx, pln_div_up(blurred.h, ROWS), weigh_rows, j));
done:
    pln_free(taps);
    return s;
}

/* ---- Filter ---- */

static pln_status rtv_run(pln_context *ctx, const pln_run *r)
{
    const struct rtv_params *p = r->params;
    /* (Id + lambda/2 Lap(w)) x = I, always with the input on the right. */
    struct weights j = {.k = PLN_KERNELS_PICK(ctx, pln_rtv_kernels),
                        .x = &r->in,
                        .factor = (float)(p->lambda / 2),
                        .eps_s = (float)p->sharpness};
    pln_spd A = {.w = r->w, .h = r->h};
    double sigma = p->sigma;
    float *work = NULL; /* of the solver, between solves of the blurred picture */
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, r->w * r->h, sizeof *j.wx, &j.wx));
    PLN_TRY(pln_alloc(ctx, r->w * r->h, sizeof *j.wy, &j.wy));
    PLN_TRY(pln_alloc(ctx, pln_spd_memory(r->w, r->h, r->in.c, false, pln_context_threads(ctx)), 1,
                      &work));
    A.right = j.wx;
    A.down = j.wy;
    for (int i = 0; i < p->iterations; i++) {
        double from = (double)i / p->iterations, to = (double)(i + 1) / p->iterations;
        PLN_TRY(pln_progress(ctx, from, "weights"));
        PLN_TRY(weigh(ctx, &j, sigma, work));
        /* The previous picture is near the next one. */
        pln_spd_options o = {.tolerance = p->tolerance,
                             .warm = i > 0,
                             .progress_from = from,
                             .progress_to = to,
                             .workspace = work};
        PLN_TRY(pln_spd_solve(ctx, &A, &r->in, &r->out, &o, NULL));
        j.x = &r->out;
        sigma = pln_rtv_next(sigma);
    }
done:
    pln_free(work);
    pln_free(j.wy);
    pln_free(j.wx);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset rtv_presets[] = {
    {"default", "", "λ 0.01, σ 3, 4 steps: the authors' defaults"},
    {"mosaic", "lambda=0.015 sigma=3 sharpness=0.02 iterations=3", "their mosaic example"},
    {"seed", "lambda=0.01 sigma=3 sharpness=0.02 iterations=3", "the figures of CSGIS-Net"},
    {"over", "lambda=0.04 sigma=5 sharpness=0.02 iterations=4",
     "over-smoothed, as in the training data of Easy2Hard"},
    {NULL, NULL, NULL},
};

static const char *const rtv_grid[] = {
    "lambda=0.005 sigma=2",
    "lambda=0.005 sigma=3",
    "lambda=0.01 sigma=2",
    "lambda=0.01 sigma=3",
    "lambda=0.01 sigma=5",
    "lambda=0.02 sigma=2",
    "lambda=0.02 sigma=3",
    "lambda=0.02 sigma=5",
    "lambda=0.04 sigma=2",
    "lambda=0.04 sigma=3",
    "lambda=0.04 sigma=5",
    "lambda=0.08 sigma=3",
    NULL,
};

static const char *const rtv_ladder[] = {
    "lambda=0.002 sigma=1", "lambda=0.005 sigma=2", "lambda=0.01 sigma=3",
    "lambda=0.02 sigma=4",  "lambda=0.04 sigma=5",  NULL,
};

const pln_method pln_method_rtv = {
    .size = sizeof(pln_method),
    .name = "rtv",
    .title = "Relative total variation",
    .paper = "L. Xu, Q. Yan, Y. Xia, J. Jia, \"Structure Extraction from Texture via Relative "
             "Total Variation\", SIGGRAPH "
             "Asia 2012",
    .year = 2012,
    .summary = "removes variation that has no net direction within a window: texture, whatever its "
               "contrast",
    .formula =
        "    min_S Σ_p (S_p - I_p)² + λ (D_x(p) / (L_x(p) + ε) + D_y(p) / (L_y(p) + ε))\n"
        "    D_x(p) = Σ_q g_pq |∂x S_q|,   L_x(p) = |Σ_q g_pq ∂x S_q|,   g Gaussian of width σ\n"
        "\n"
        "N times, σ halved each time down to 0.5:\n"
        "\n"
        "    w_x = 1 / (max(mean_c √(∂x S² + ∂y S²), ε_s) · max(mean_c |∂x(G_σ S)|, 0.001)),   w_y "
        "alike\n"
        "    (Id + λ/2 Lap(w)) S = I\n",
    .use = "Removing texture of any contrast while keeping the shapes it covers: mosaics, cloth, "
           "brick, graffiti, weathered "
           "walls. With sdf the best of the classical methods at that.",
    .avoid = "Structures about as thin as σ: they count as texture. Fine smooth shading becomes "
             "patchy for large λ.",
    .cost = "N sparse linear systems, O(N_pixels) each",
    .schema = rtv_schema,
    .params_size = sizeof(struct rtv_params),
    .presets = rtv_presets,
    .grid = rtv_grid,
    .ladder = rtv_ladder,
    .caps = PLN_CAP_UNIT_RANGE,
    .memory = rtv_memory,
    .nanoseconds = rtv_nanoseconds,
    .identity = rtv_identity,
    .run = rtv_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance =
        -1, /* w takes the forward differences of a pixel together: a mirror pairs others */
};
