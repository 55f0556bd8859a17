/* SPDX-License-Identifier: MIT */
/* Fan's energy without its edge term, minimised on one picture by iteratively re-weighted least
 * squares.
 * Fan, Yang, Wipf, Chen, Tong: "Image Smoothing via Unsupervised Learning", ACM TOG 37(6), 2018,
 * section 5; the system and its solver are ours, the paper prints none. */
#include "operators/fan_solvers.h"

struct fan_irls_params {
    struct fan_energy_params e;
    int iterations, solver_steps;
    double eps;
};

#define FAN_IRLS_TOLERANCE 1e-6

/* ---- Parameters ---- */

static const pln_param fan_irls_schema[] = {
    PLN_INT(struct fan_irls_params, iterations, .flag = "iterations", .symbol = "N", .unit = "",
            .min = 0, .max = 1000, .init = 10, .scale = PLN_LOG,
            .help = "rounds of re-weighting, from the input on"),
    PLN_REAL(struct fan_irls_params, eps, .flag = "eps", .symbol = "ε", .unit = "levels",
             .min = 0.001, .max = 100, .init = 1, .scale = PLN_LOG,
             .help = "differences count as this at least; smaller comes nearer to the energy"),
    PLN_INT(struct fan_irls_params, solver_steps, .flag = "solver-steps", .symbol = "", .unit = "",
            .min = 1, .max = 10000, .init = 50, .scale = PLN_LOG,
            .help = "most steps of conjugate gradients a round"),
    FAN_ENERGY_SCHEMA(struct fan_irls_params),
    PLN_PARAM_END,
};

static size_t fan_irls_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct fan_irls_params *p = params;
    (void)c, (void)threads;
    return pln_fan_picture_memory(w, h, pln_fan_irls_space(w, h, p->e.radius));
}

static double fan_irls_nanoseconds(const void *params, size_t c)
{
    const struct fan_irls_params *p = params;
    double side = 2 * p->e.radius + 1;
    (void)c;
    return p->iterations * (p->solver_steps + 1) * (side * side + 50);
}

static bool fan_irls_identity(const void *params)
{
    return ((const struct fan_irls_params *)params)->iterations == 0;
}

/* ---- Filter ---- */

static pln_status fan_irls_run(pln_context *ctx, const pln_run *r)
{
    const struct fan_irls_params *p = r->params;
    const pln_fan_rounds rounds = {.rounds = p->iterations,
                                   .solver_steps = p->solver_steps,
                                   .eps = p->eps,
                                   .tolerance = FAN_IRLS_TOLERANCE};
    struct fan_picture picture = {0};
    pln_status s = PLN_OK;
    PLN_TRY(pln_fan_picture_open(ctx, r, &p->e, 0, pln_fan_irls_space(r->w, r->h, p->e.radius),
                                 &picture));
    PLN_TRY(pln_fan_irls(ctx, &picture.problem, &rounds, picture.space, picture.T));
    PLN_TRY(pln_fan_picture_put(ctx, &picture, r));
done:
    pln_fan_picture_close(&picture);
    return s;
}

/* ---- Descriptor ---- */

static const char *const fan_irls_ladder[] = {
    "radius=2 iterations=2 solver-steps=10 lambda=1",
    "radius=5 iterations=2 solver-steps=20 lambda=1",
    "radius=10 iterations=3 solver-steps=50 lambda=1",
    "radius=10 iterations=10 solver-steps=50 lambda=1",
    "radius=10 iterations=10 solver-steps=50 lambda=4",
    NULL,
};

const pln_method pln_method_fan_irls = {
    .size = sizeof(pln_method),
    .name = "fan-irls",
    .title = "Fan's energy by re-weighted least squares",
    .paper = "Q. Fan, J. Yang, D. Wipf, B. Chen, X. Tong, \"Image Smoothing via Unsupervised "
             "Learning\", ACM TOG 2018",
    .year = 2018,
    .summary = "the energy that fan's network learns to make small, without its edge term, by "
               "linear systems",
    .formula =
        "E_d + λ_f E_f as `fan-adam` has them. N rounds: m and the weights\n"
        "\n"
        "    a_ij = α where φ_i is quadratic, else 0.4 max(|T_ic - T_jc|, ε)^-1.2\n"
        "    s_ij = λ_f ([B_i = 0] w_ij a_ij + [B_j = 0] w_ji a_ji)\n"
        "\n"
        "from the last T, then x_i + Σ_j s_ij (x_i - x_j) = I_i for each channel by conjugate "
        "gradients, until the residual is 10⁻⁶ of |I| or the steps are up.\n",
    .use = "Where the energy itself is studied: it comes lower than Adam in tens of rounds.",
    .avoid = "For anything else: fan's network does nearly the same in one pass.",
    .cost = "O(N r²) for each of N rounds times up to 50 steps",
    .schema = fan_irls_schema,
    .params_size = sizeof(struct fan_irls_params),
    .presets = pln_fan_presets,
    .grid = pln_fan_grid,
    .ladder = fan_irls_ladder,
    .caps = PLN_CAP_UNIT_RANGE | PLN_CAP_SLOW,
    .memory = fan_irls_memory,
    .nanoseconds = fan_irls_nanoseconds,
    .identity = fan_irls_identity,
    .run = fan_irls_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = -1, /* the walks of the edge detector prefer a side */
};
