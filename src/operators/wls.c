/* SPDX-License-Identifier: MIT */
/* Weighted least squares smoothing.
 * Farbman, Fattal, Lischinski, Szeliski: "Edge-Preserving Decompositions for Multi-Scale Tone and
 * Detail Manipulation", SIGGRAPH 2008, section 3: solve (I + lambda L_g) u = g, L_g weighted by the
 * log luminance of the picture. */
#include <string.h>

#include "image/image.h"
#include "operators/wls_kernels.h"
#include "solve/solve.h"

struct wls_params {
    double lambda, alpha, tolerance;
    int affinity, guide_mode;
};

enum { AFFINITY_LOG, AFFINITY_LINEAR };
enum { GUIDE_LUMA, GUIDE_CHANNEL };

/* ---- Parameters ---- */

static const char *const wls_affinities[] = {"log", "linear", NULL};
static const char *const wls_guide_modes[] = {"luma", "channel", NULL};

static const pln_param wls_schema[] = {
    PLN_REAL(struct wls_params, lambda, .flag = "lambda", .symbol = "λ", .unit = "", .min = 0,
             .max = 1e6, .init = 1, .scale = PLN_LOG,
             .help =
                 "balance between data and smoothness; larger is smoother, 0 returns the input"),
    PLN_REAL(struct wls_params, alpha, .flag = "alpha", .symbol = "α", .unit = "", .min = 0,
             .max = 4, .init = 1.2,
             .help = "sensitivity to gradients; larger keeps strong edges and flattens weak ones"),
    PLN_CHOICE(struct wls_params, affinity, .flag = "affinity", .symbol = "L", .unit = "",
               .choices = wls_affinities,
               .help =
                   "scale on which neighbours are compared: logarithm, or the values themselves"),
    PLN_CHOICE(struct wls_params, guide_mode, .flag = "guide-mode", .symbol = "g", .unit = "",
               .choices = wls_guide_modes,
               .help = "what steers: the luma for all channels, or each channel for itself"),
    PLN_REAL(struct wls_params, tolerance, .flag = "tolerance", .symbol = "ε", .unit = "",
             .min = 1e-8, .max = 1e-1, .init = 1e-4, .scale = PLN_LOG,
             .help = "relative residual at which the linear solver stops"),
    PLN_PARAM_END,
};

/* Each channel has a matrix of its own. */
static bool by_channel(const struct wls_params *p, const pln_view *in, const pln_view *steer)
{
    return p->guide_mode == GUIDE_CHANNEL && in->c == 3 && steer->c == 3;
}

static size_t wls_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct wls_params *p = params;
    bool split = p->guide_mode == GUIDE_CHANNEL && c == 3;
    size_t planes = split ? 4 : 2; /* two of weights; f and u of the channel */
    size_t rows = (size_t)threads * 2 * (w + 16);

    /* A grey guide for a coloured picture makes one system of three channels also in that mode. */
    return (planes * w * h + rows) * sizeof(float) + 5 * 128 +
           pln_spd_memory(w, h, c, false, threads);
}

static double wls_nanoseconds(const void *params, size_t c)
{
    const struct wls_params *p = params;
    /* Steps of the solver at tolerance 1e-4; they grow with the digits asked for. */
    double steps = p->lambda < 0.2 ? 14 : p->lambda < 4 ? 20 : 28;
    steps *= p->tolerance < 1e-6 ? 1.8 : p->tolerance < 1e-4 ? 1.4 : 1;
    double single = 75 + 4.5 * steps;
    if (c == 1) return single;
    return p->guide_mode == GUIDE_CHANNEL ? 3 * single : 110 + 8 * steps;
}

static bool wls_identity(const void *params)
{
    const struct wls_params *p = params;
    return p->lambda == 0;
}

/* ---- Weights: a_x(p) = 1 / (|L(x + 1, y) - L(x, y)|^alpha + 1e-4), a_y alike ---- */

struct weights {
    const struct wls_kernels *k;
    const struct wls_params *p;
    pln_view steer;
    int channel; /* of `steer`, -1: its luma */
    float *rows; /* two of L a thread */
    float *right, *down;
};

enum { BAND = 32 }; /* rows a task */

static void level_row(const struct weights *j, size_t y, float *level)
{
    const float *src = pln_row(&j->steer, y);
    size_t n = j->steer.w, c = j->steer.c;
    if (c == 3 && j->channel < 0)
        pln_luma(level, src, n);
    else
        for (size_t x = 0; x < n; x++) level[x] = src[x * c + (size_t)(c == 3 ? j->channel : 0)];
    if (j->p->affinity == AFFINITY_LOG) j->k->log(level, n);
}

static void weights_task(void *arg, size_t index, int thread)
{
    const struct weights *j = arg;
    size_t w = j->steer.w, h = j->steer.h;
    float *here = j->rows + (size_t)thread * 2 * (w + 16), *below = here + w + 16;
    float alpha = (float)j->p->alpha, lambda = (float)j->p->lambda;

    level_row(j, index * BAND, here);
    for (size_t y = index * BAND; y < pln_min(h, (index + 1) * BAND); y++) {
        j->k->weights(j->right + y * w, here, here + 1, w - 1, alpha, lambda);
        j->right[y * w + w - 1] = 0;
        if (y + 1 == h) {
            memset(j->down + y * w, 0, w * sizeof *j->down);
            break;
        }
        level_row(j, y + 1, below);
        j->k->weights(j->down + y * w, here, below, w, alpha, lambda);
        float *swap = here;
        here = below;
        below = swap;
    }
}

/* ---- Filter ---- */

struct channel {
    const pln_view *from, *to;
    size_t channel_from, channel_to;
};

static void copy_channel(void *arg, size_t y, int thread)
{
    const struct channel *j = arg;
    const float *src = pln_row(j->from, y) + j->channel_from;
    float *dst = pln_row(j->to, y) + j->channel_to;
    (void)thread;
    for (size_t x = 0; x < j->from->w; x++) dst[x * j->to->c] = src[x * j->from->c];
}

static pln_status wls_run(pln_context *ctx, const pln_run *r)
{
    const struct wls_params *p = r->params;
    struct weights j = {.k = PLN_KERNELS_PICK(ctx, pln_wls_kernels),
                        .p = p,
                        .steer = r->guide.data ? r->guide : r->in,
                        .channel = -1};
    pln_spd A = {.w = r->w, .h = r->h};
    pln_spd_options options = {.tolerance = p->tolerance, .progress_to = 1};
    pln_view f = {.w = r->w, .h = r->h, .c = 1, .stride = (ptrdiff_t)r->w}, u = f;
    size_t n = r->w * r->h, bands = pln_div_up(r->h, BAND);
    pln_status s = PLN_OK;

    PLN_TRY(pln_progress(ctx, 0, "weights"));
    PLN_TRY(pln_alloc(ctx, n, sizeof *j.right, &j.right));
    PLN_TRY(pln_alloc(ctx, n, sizeof *j.down, &j.down));
    PLN_TRY(pln_alloc(ctx, (size_t)pln_context_threads(ctx) * 2 * (r->w + 16), sizeof *j.rows,
                      &j.rows));
    A.right = j.right;
    A.down = j.down;
    if (!by_channel(p, &r->in, &j.steer)) {
        PLN_TRY(pln_parallel(ctx, bands, weights_task, &j));
        PLN_TRY(pln_spd_solve(ctx, &A, &r->in, &r->out, &options, NULL));
        goto done;
    }
    PLN_TRY(pln_alloc(ctx, n, sizeof *f.data, &f.data));
    PLN_TRY(pln_alloc(ctx, n, sizeof *u.data, &u.data));
    for (int b = 0; b < 3; b++) {
        struct channel in = {&r->in, &f, (size_t)b, 0}, out = {&u, &r->out, 0, (size_t)b};
        j.channel = b;
        options.progress_from = b / 3.0;
        options.progress_to = (b + 1) / 3.0;
        PLN_TRY(pln_progress(ctx, options.progress_from, "weights"));
        PLN_TRY(pln_parallel(ctx, bands, weights_task, &j));
        PLN_TRY(pln_parallel(ctx, r->h, copy_channel, &in));
        PLN_TRY(pln_spd_solve(ctx, &A, &f, &u, &options, NULL));
        PLN_TRY(pln_parallel(ctx, r->h, copy_channel, &out));
    }
done:
    pln_free(u.data);
    pln_free(f.data);
    pln_free(j.rows);
    pln_free(j.down);
    pln_free(j.right);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset wls_presets[] = {
    {"default", "", "the authors' values"},
    {"fine", "lambda=0.125", "takes the finest detail only"},
    {"medium", "lambda=0.5", "between fine and coarse"},
    {"coarse", "lambda=8", "leaves large shapes"},
    {"sharp", "alpha=1.8", "edges stay harder, weak ones vanish sooner"},
    {NULL},
};

static const char *const wls_grid[] = {
    "lambda=0.1",         "lambda=0.25",        "lambda=0.5", "lambda=1",
    "lambda=2",           "lambda=4",           "lambda=8",   "lambda=0.4 alpha=1.8",
    "lambda=1 alpha=1.8", "lambda=2 alpha=1.8", NULL,
};

static const char *const wls_ladder[] = {
    "lambda=0.03", "lambda=0.06", "lambda=0.125", "lambda=0.25", "lambda=0.5", "lambda=1",
    "lambda=2",    "lambda=4",    "lambda=8",     "lambda=16",   "lambda=32",  NULL,
};

const pln_method pln_method_wls = {
    .size = sizeof(pln_method),
    .name = "wls",
    .title = "Weighted least squares",
    .paper = "Z. Farbman, R. Fattal, D. Lischinski, R. Szeliski, \"Edge-Preserving Decompositions "
             "for Multi-Scale Tone and Detail Manipulation\", SIGGRAPH 2008",
    .year = 2008,
    .summary = "quadratic smoothing, weaker where the logarithm of the luma changes",
    .formula =
        "The result minimises\n\n"
        "    Σ_p (u_p − g_p)² + λ ( a_x(p) (∂_x u)²_p + a_y(p) (∂_y u)²_p )\n"
        "    a_x(p) = 1 / ( |L(x+1, y) − L(x, y)|^α + 10⁻⁴ ),  a_y alike\n\n"
        "with L = ln(luma + 2.2·10⁻¹⁶), or the luma itself (`--affinity linear`). The minimum is "
        "the "
        "solution of one linear system with five entries a row, (Id + λ Lap(a)) u = g, the same "
        "matrix for the three channels. With `--guide-mode channel` every channel steers itself; a "
        "`--guide` picture takes the place of the input in L.\n\n"
        "The system is solved by conjugate gradients, preconditioned by an approximate Cholesky "
        "factorisation with sampled fill: about 20 steps at any size and strength.",
    .use = "Take it to split a picture into a base and details at several scales, for tone mapping "
           "and detail enhancement: larger λ gives coarser bases without halos, because the whole "
           "picture is solved for at once. It also flattens gentle shading without staircases.",
    .avoid =
        "It judges edges by single gradients: strong texture survives, and long weak edges "
        "fade together with the texture next to them. Prefer `rtv` or `rgf` to remove texture. "
        "Very dark pixels count as strong edges on the logarithmic scale; take "
        "`--affinity linear` for noisy shadows.",
    .cost = "O(N)",
    .schema = wls_schema,
    .params_size = sizeof(struct wls_params),
    .presets = wls_presets,
    .grid = wls_grid,
    .ladder = wls_ladder,
    .caps = PLN_CAP_GUIDE,
    .memory = wls_memory,
    .nanoseconds = wls_nanoseconds,
    .identity = wls_identity,
    .run = wls_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 5e-4,
};
