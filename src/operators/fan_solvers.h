/* SPDX-License-Identifier: MIT */
/* What the methods that minimise Fan's energy on one picture share: its parameters, and the way
 * from a picture to a problem and back. */
#ifndef PLN_OPERATORS_FAN_SOLVERS_H
#define PLN_OPERATORS_FAN_SOLVERS_H

#include "core/core.h"
#include "solve/fan.h"

/* c1 is more than any response: it stands for infinity. */
#define FAN_RESPONSE_MOST 1530
struct fan_energy_params {
    int radius, grow, structure;
    double alpha, c1, c2, sigma_r, sigma_s, lambda_f;
};

extern const char *const pln_fan_structures[];
/* The published variants, and tuning points, in these parameters. */
extern const pln_preset pln_fan_presets[];
extern const char *const pln_fan_grid[];

/* Of a schema: `e`, a struct fan_energy_params in the method's own. */
#define FAN_ENERGY_SCHEMA(params_)                                                                 \
    PLN_INT(params_, e.radius, .flag = "radius", .symbol = "r", .unit = "px", .min = 1,            \
            .max = PLN_FAN_RADIUS, .init = 10,                                                     \
            .help = "of the window; the cost grows with its area"),                                \
        PLN_REAL(params_, e.lambda_f, .flag = "lambda", .symbol = "λ_f", .unit = "", .min = 0,     \
                 .max = 1e4, .init = 1, .scale = PLN_LOG,                                          \
                 .help = "weight of the flattening; larger is smoother"),                          \
        PLN_REAL(params_, e.sigma_r, .flag = "sigma-r", .symbol = "σ_r", .unit = "range",          \
                 .min = 0.001, .max = 10, .init = 0.1, .scale = PLN_LOG,                           \
                 .help = "colours further apart in YUV than 1.55 of it are not drawn together"),   \
        PLN_REAL(params_, e.sigma_s, .flag = "sigma-s", .symbol = "σ_s", .unit = "px", .min = 0.1, \
                 .max = 1e3, .init = 7, .scale = PLN_LOG, .help = "reach of the squares"),         \
        PLN_REAL(params_, e.alpha, .flag = "alpha", .symbol = "α", .unit = "", .min = 0,           \
                 .max = 1e3, .init = 5, .scale = PLN_LOG, .help = "weight of the squares"),        \
        PLN_REAL(params_, e.c1, .flag = "c1", .symbol = "c₁", .unit = "levels", .min = 0,          \
                 .max = 2000, .init = 20,                                                          \
                 .help = "squares act only where the input's response of edges is below; above "   \
                         "1530: everywhere"),                                                      \
        PLN_REAL(params_, e.c2, .flag = "c2", .symbol = "c₂", .unit = "levels", .min = 0,          \
                 .max = 2000, .init = 10,                                                          \
                 .help = "squares act where the response has grown by more"),                      \
        PLN_INT(params_, e.grow, .flag = "grow", .symbol = "", .unit = "px", .min = 0, .max = 32,  \
                .init = 0, .help = "squares act this far around as well"),                         \
        PLN_CHOICE(params_, e.structure, .flag = "structure", .symbol = "", .unit = "", .max = 1,  \
                   .choices = pln_fan_structures,                                                  \
                   .help = "what is kept: edges that the detector finds, or what the texture map " \
                           "leaves, with no edge kept for itself")

/* A picture as a problem; memory: pln_fan_picture_memory bytes, of the context. */
struct fan_picture {
    pln_fan_energy energy;
    pln_fan_problem problem;
    float *I, *T, *GB;
    void *space;
};
size_t pln_fan_picture_memory(size_t w, size_t h, size_t space);
/* lambda_e: of the edge term. space: bytes for the solver. */
pln_status pln_fan_picture_open(pln_context *ctx, const pln_run *r,
                                const struct fan_energy_params *e, double lambda_e, size_t space,
                                struct fan_picture *picture) PLN_CHECK;
/* T into the output. */
pln_status pln_fan_picture_put(pln_context *ctx, const struct fan_picture *picture,
                               const pln_run *r) PLN_CHECK;
void pln_fan_picture_close(struct fan_picture *picture);

#endif
