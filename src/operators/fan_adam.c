/* SPDX-License-Identifier: MIT */
/* Fan's energy, minimised on one picture by Adam.
 * Fan, Yang, Wipf, Chen, Tong: "Image Smoothing via Unsupervised Learning", ACM TOG 37(6), 2018,
 * section 5: what the network learns to do in one pass. */
#include "operators/fan_solvers.h"

struct fan_adam_params {
    struct fan_energy_params e;
    int iterations, slopes;
    double rate, lambda_e;
};

/* ---- Parameters ---- */

static const pln_param fan_adam_schema[] = {
    PLN_INT(struct fan_adam_params, iterations, .flag = "iterations", .symbol = "N", .unit = "",
            .min = 0, .max = 100000, .init = 100, .scale = PLN_LOG,
            .help = "steps of Adam, from the input on"),
    PLN_REAL(struct fan_adam_params, rate, .flag = "rate", .symbol = "η", .unit = "levels",
             .min = 0, .min_open = true, .max = 100, .init = 3, .scale = PLN_LOG,
             .help = "length of a step; the paper prints none"),
    PLN_REAL(struct fan_adam_params, lambda_e, .flag = "lambda-e", .symbol = "λ_e", .unit = "",
             .min = 0, .max = 1e3, .init = 0.1, .scale = PLN_LOG,
             .help = "weight of keeping the response of edges"),
    PLN_CHOICE(struct fan_adam_params, slopes, .flag = "slopes", .symbol = "", .unit = "", .max = 2,
               .init = PLN_FAN_CLAMPED, .choices = pln_fan_slope_names,
               .help = "what is taken as the gradient: the authors', where a pair pulls no harder "
                       "than one of a grey level; the energy's own; the authors' with 0 at ties"),
    FAN_ENERGY_SCHEMA(struct fan_adam_params),
    PLN_PARAM_END,
};

static size_t fan_adam_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct fan_adam_params *p = params;
    (void)c, (void)threads;
    return pln_fan_picture_memory(w, h, pln_fan_adam_space(w, h, p->e.radius));
}

static double fan_adam_nanoseconds(const void *params, size_t c)
{
    const struct fan_adam_params *p = params;
    double side = 2 * p->e.radius + 1;
    (void)c;
    return p->iterations * (side * side + 50);
}

static bool fan_adam_identity(const void *params)
{
    return ((const struct fan_adam_params *)params)->iterations == 0;
}

/* ---- Filter ---- */

static pln_status fan_adam_run(pln_context *ctx, const pln_run *r)
{
    const struct fan_adam_params *p = r->params;
    struct fan_picture picture = {0};
    pln_status s = PLN_OK;
    PLN_TRY(pln_fan_picture_open(ctx, r, &p->e, p->lambda_e,
                                 pln_fan_adam_space(r->w, r->h, p->e.radius), &picture));
    picture.energy.slopes = p->slopes;
    PLN_TRY(pln_fan_adam(ctx, &picture.problem, p->iterations, p->rate, picture.space, picture.T));
    PLN_TRY(pln_fan_picture_put(ctx, &picture, r));
done:
    pln_fan_picture_close(&picture);
    return s;
}

/* ---- Descriptor ---- */

static const char *const fan_adam_ladder[] = {
    "radius=2 iterations=2 lambda=1",    "radius=5 iterations=10 lambda=1",
    "radius=10 iterations=30 lambda=1",  "radius=10 iterations=100 lambda=1",
    "radius=10 iterations=100 lambda=4", NULL,
};

const pln_method pln_method_fan_adam = {
    .size = sizeof(pln_method),
    .name = "fan-adam",
    .title = "Fan's energy by Adam",
    .paper = "Q. Fan, J. Yang, D. Wipf, B. Chen, X. Tong, \"Image Smoothing via Unsupervised "
             "Learning\", ACM TOG 2018",
    .year = 2018,
    .summary = "the energy that fan's network learns to make small, made small on the picture at "
               "hand",
    .formula =
        "    E = E_d + λ_f E_f + λ_e E_e, values 0 to 255\n"
        "\n"
        "    E_d = Σ_ic (T_ic - I_ic)² / 3N\n"
        "    E_f = Σ_i [B_i = 0] Σ_j w_ij Σ_c φ_i(T_ic - T_jc) / 3N,   j in the window of i\n"
        "    E_e = Σ_i B_i (E_i(T) - E_i(I))² / Σ_i B_i\n"
        "\n"
        "φ is |d|^0.8 with w_ij = exp(-|YUV_i - YUV_j|² / 2σ_r²), 0 below 0.3; where smoothing has "
        "made an edge stronger (E_i(I) < c₁, E_i(T) - E_i(I) > c₂) it is α d² with w_ij = "
        "exp(-|i - j|² / 2σ_s²). E_i is the response of edges, B marks those on long lines. N "
        "steps of Adam from T = I along the slopes of φ, w and the choice of φ held still in "
        "each; by default the slopes are those of a grey level at most, as in the authors' code: "
        "the exact ones leave halos and come to higher energies.\n",
    .use = "To see what fan's network was trained for, and for a few pictures where time does not "
           "count.",
    .avoid = "For anything else: fan's network does nearly the same in one pass.",
    .cost = "O(N r²) for each of N steps",
    .schema = fan_adam_schema,
    .params_size = sizeof(struct fan_adam_params),
    .presets = pln_fan_presets,
    .grid = pln_fan_grid,
    .ladder = fan_adam_ladder,
    .caps = PLN_CAP_UNIT_RANGE | PLN_CAP_SLOW,
    .memory = fan_adam_memory,
    .nanoseconds = fan_adam_nanoseconds,
    .identity = fan_adam_identity,
    .run = fan_adam_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = -1, /* the step's direction of a gradient near 0 hangs on rounding */
};
