/* SPDX-License-Identifier: MIT */
/* Guided filter.
 * He, Sun, Tang: "Guided Image Filtering", ECCV 2010, TPAMI 2013. Windows are cut at the border, as
 * in He's programs. */
#include "operators/guided.h"

/* ---- Parameters ---- */

static const pln_param gf_schema[] = {
    PLN_INT(struct gf_params, radius, .flag = "radius", .symbol = "r", .unit = "px", .min = 0,
            .max = 1024, .init = 4, .scale = PLN_LOG,
            .help = "radius of the square window; 0 returns the input"),
    PLN_REAL(struct gf_params, eps, .flag = "eps", .symbol = "ε", .unit = "range²", .min = 1e-8,
             .max = 10, .init = 0.01, .scale = PLN_LOG,
             .help = "variance below which a window counts as flat; larger is smoother"),
    PLN_CHOICE(struct gf_params, mode, .flag = "guide-mode", .symbol = "", .unit = "", .max = 2,
               .choices = pln_guided_modes,
               .help = "a colour guide as a vector, each channel guiding itself, or its luma"),
    PLN_PARAM_END,
};

static size_t gf_halo(const void *params)
{
    const struct gf_params *p = params;
    return 2 * (size_t)p->radius + pln_guided_block((size_t)p->radius) - 64;
}

static size_t gf_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct gf_params *p = params;
    size_t most = 0;
    for (size_t g = 0; g <= 3; g++) { /* without a guide, with a grey one, with one in colour */
        struct guided_plan plan;
        if (g == 2) continue;
        pln_guided_plan(&plan, p->mode, c, g);
        most = pln_max(most, pln_guided_memory(&plan, (size_t)p->radius, w, h, threads));
    }
    return most;
}

static double gf_nanoseconds(const void *params, size_t c)
{
    (void)params;
    return c == 3 ? 25 : 8;
}

static bool gf_identity(const void *params)
{
    return ((const struct gf_params *)params)->radius == 0;
}

/* ---- Filter ---- */

struct target {
    const struct guided *g;
    const struct guided_kernels *k;
    const pln_view *out;
};

static void emit(void *arg, size_t y, float *const *sources, float *const *means)
{
    const struct target *t = arg;
    t->k->apply(&t->g->plan, pln_row(t->out, y - t->g->y0), sources, means, t->g->w);
}

static pln_status gf_run(pln_context *ctx, const pln_run *r)
{
    const struct gf_params *p = r->params;
    struct guided g = {.radius = (size_t)p->radius,
                       .eps = p->eps,
                       .w = r->w,
                       .h = r->h,
                       .in = r->in,
                       .guide = r->guide,
                       .in_y = r->in_y,
                       .y0 = r->y0,
                       .y1 = r->y1,
                       .emit = emit};
    struct target t = {.g = &g, .k = PLN_KERNELS_PICK(ctx, pln_guided_kernels), .out = &r->out};

    g.arg = &t;
    pln_guided_plan(&g.plan, p->mode, r->in.c, r->guide.data ? r->guide.c : 0);
    return pln_guided_run(ctx, &g);
}

/* ---- Descriptor ---- */

static const pln_preset gf_presets[] = {
    {"default", "", "radius 4, eps 0.1²"},
    {"paper-smooth", "radius=4 eps=0.04", "the smoothing example of He's programs"},
    {"paper-enhance", "radius=16 eps=0.01 guide-mode=channel",
     "the base layer of their detail enhancement example"},
    {"paper-feather", "radius=60 eps=1e-6", "feathering a mask along a guide"},
    {NULL, NULL, NULL},
};

static const char *const gf_grid[] = {
    "radius=2 eps=0.01",
    "radius=4 eps=0.01",
    "radius=4 eps=0.04",
    "radius=8 eps=0.01",
    "radius=8 eps=0.04",
    "radius=4 eps=0.16",
    "radius=8 eps=0.16",
    "radius=12 eps=0.16",
    "radius=16 eps=0.04",
    "radius=8 eps=0.4",
    NULL,
};

static const char *const gf_ladder[] = {
    "radius=2 eps=0.0025",
    "radius=4 eps=0.01",
    "radius=4 eps=0.04",
    "radius=8 eps=0.04",
    "radius=8 eps=0.16",
    "radius=12 eps=0.4",
    NULL,
};

const pln_method pln_method_gf = {
    .size = sizeof(pln_method),
    .name = "gf",
    .title = "Guided filter",
    .paper = "K. He, J. Sun, X. Tang, \"Guided Image Filtering\", ECCV 2010 and TPAMI 2013",
    .year = 2010,
    .summary = "in every window the output is a linear function of the guide",
    .formula = "    a_k = (Σ_k + ε Id)⁻¹ (mean_k(I p) - mean_k(I) mean_k(p))\n"
               "    b_k = mean_k(p) - a_k · mean_k(I)\n"
               "    q_i = mean_i(a) · I_i + mean_i(b)\n"
               "\n"
               "mean_k is the mean over the square window of radius r around k, cut at the border "
               "of the picture; Σ_k is "
               "the covariance of the guide I in it. p is the picture; without a `--guide` file, I "
               "= p. A grey guide, "
               "`channel` and `luma` make Σ_k a number; with `color` it is a 3x3 matrix.\n",
    .use = "Fast smoothing of any strength at the same cost, base layers for detail enhancement "
           "without reversed edges, "
           "and carrying the edges of a guide into a mask, a depth map or a noisy picture.",
    .avoid = "Strong texture next to strong edges: the window that holds the edge keeps the "
             "texture too, so a halo of "
             "texture stays around edges (r wide) and eps blurs weak edges.",
    .cost = "O(N), independent of r",
    .schema = gf_schema,
    .params_size = sizeof(struct gf_params),
    .presets = gf_presets,
    .grid = gf_grid,
    .ladder = gf_ladder,
    .caps = PLN_CAP_GUIDE,
    .halo = gf_halo,
    .memory = gf_memory,
    .nanoseconds = gf_nanoseconds,
    .identity = gf_identity,
    .run = gf_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 2e-6,
};
