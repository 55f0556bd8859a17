/* SPDX-License-Identifier: MIT */
/* Fast guided filter.
 * He, Sun: "Fast Guided Filter", 2015. Nearest subsampling and bilinear enlargement follow MATLAB's
 * imresize, which the authors call. */
#include <math.h>

#include "image/image.h"
#include "operators/guided.h"

struct fgf_params {
    double eps;
    int radius, subsample, mode;
};

/* ---- Parameters ---- */

static const pln_param fgf_schema[] = {
    PLN_INT(struct fgf_params, radius, .flag = "radius", .symbol = "r", .unit = "px", .min = 1,
            .max = 1024, .init = 8, .scale = PLN_LOG,
            .help = "radius of the square window, in pixels of the whole picture"),
    PLN_REAL(struct fgf_params, eps, .flag = "eps", .symbol = "ε", .unit = "range²", .min = 1e-8,
             .max = 10, .init = 0.01, .scale = PLN_LOG,
             .help = "variance below which a window counts as flat; larger is smoother"),
    PLN_INT(struct fgf_params, subsample, .flag = "subsample", .symbol = "s", .unit = "", .min = 1,
            .max = 16, .init = 4, .scale = PLN_LOG,
            .help = "every s-th row and column takes part in the models; 1 equals gf"),
    PLN_CHOICE(struct fgf_params, mode, .flag = "guide-mode", .symbol = "", .unit = "", .max = 2,
               .choices = pln_guided_modes,
               .help = "a colour guide as a vector, each channel guiding itself, or its luma"),
    PLN_PARAM_END,
};

/* r / s, halves up, at least 1. */
static size_t small_radius(const struct fgf_params *p)
{
    return pln_max(1, (size_t)((double)p->radius / p->subsample + 0.5));
}

enum { ROWS = 16 }; /* a task of the enlargement */

struct columns {
    size_t left, right;
    float t;
};

static size_t enlarge_bytes(const struct guided_plan *plan, size_t w, size_t sw)
{
    return ((size_t)plan->coefs * (sw + w) + GUIDED_SOURCES * w) * sizeof(float) + 64;
}

static size_t fgf_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct fgf_params *p = params;
    size_t s = (size_t)p->subsample, sw = pln_div_up(w, s), sh = pln_div_up(h, s), most = 0;
    for (size_t g = 0; g <= 3; g++) {
        struct guided_plan plan;
        if (g == 2) continue;
        pln_guided_plan(&plan, p->mode, c, g);
        size_t planes = sw * sh * (c + g + (size_t)plan.coefs) * sizeof(float);
        size_t run = pln_guided_memory(&plan, small_radius(p), sw, sh, threads);
        size_t rows = (size_t)threads * enlarge_bytes(&plan, w, sw) + w * sizeof(struct columns);
        most = pln_max(most, planes + run + rows + 1024);
    }
    return most;
}

static double fgf_nanoseconds(const void *params, size_t c)
{
    const struct fgf_params *p = params;
    return (c == 3 ? 12 : 4) + (c == 3 ? 25.0 : 8.0) / (p->subsample * p->subsample);
}

/* ---- Down ---- */

/* Row i of the small picture is row min(floor((i + 1/2) s), H - 1): the middle of its s rows. */
static size_t nearest(size_t i, size_t s, size_t n) { return pln_min((2 * i + 1) * s / 2, n - 1); }

static pln_status subsample(pln_context *ctx, const pln_view *in, size_t s, pln_view *small)
{
    pln_view v = {.w = pln_div_up(in->w, s), .h = pln_div_up(in->h, s), .c = in->c};
    v.stride = (ptrdiff_t)(v.w * v.c);
    pln_status e = pln_alloc(ctx, v.w * v.h, v.c * sizeof *v.data, &v.data);
    if (e) return e;
    for (size_t y = 0; y < v.h; y++) {
        const float *from = pln_row(in, nearest(y, s, in->h));
        float *to = pln_row(&v, y);
        for (size_t x = 0; x < v.w; x++)
            for (size_t k = 0; k < v.c; k++) to[x * v.c + k] = from[nearest(x, s, in->w) * v.c + k];
    }
    *small = v;
    return PLN_OK;
}

/* ---- And up ---- */

struct job {
    const struct guided *g; /* on the small grid */
    const struct guided_kernels *k;
    const pln_run *r;
    float *means; /* rows x coefs x width of the small grid */
    struct columns *columns;
    char *scratch;
    size_t scratch_bytes;
};

static void keep(void *arg, size_t y, float *const *sources, float *const *means)
{
    const struct job *job = arg;
    size_t n = (size_t)job->g->plan.coefs, sw = job->g->w;
    (void)sources;
    for (size_t i = 0; i < n; i++)
        for (size_t x = 0; x < sw; x++) job->means[(y * n + i) * sw + x] = means[i][x];
}

/* u = (i + 1/2) h/H - 1/2 between clamped neighbours. */
static struct columns between(size_t i, size_t small, size_t large)
{
    double u = ((double)i + 0.5) * (double)small / (double)large - 0.5, j = floor(u);
    ptrdiff_t left = (ptrdiff_t)j, last = (ptrdiff_t)small - 1;
    struct columns c = {.t = (float)(u - j)};
    c.left = (size_t)(left < 0 ? 0 : left > last ? last : left);
    c.right = (size_t)(left + 1 > last ? last : left + 1);
    return c;
}

static void enlarge_row(const struct job *job, size_t y, float *line, float *const *wide)
{
    size_t n = (size_t)job->g->plan.coefs, sw = job->g->w, w = job->r->w;
    struct columns at = between(y, job->g->h, job->r->h);
    const float *restrict top = job->means + at.left * n * sw, *restrict bottom =
                                                                   job->means + at.right * n * sw;
    for (size_t x = 0; x < n * sw; x++) line[x] = top[x] + at.t * (bottom[x] - top[x]);
    for (size_t i = 0; i < n; i++) {
        const float *restrict from = line + i * sw;
        float *restrict to = wide[i];
        for (size_t x = 0; x < w; x++) {
            struct columns c = job->columns[x];
            to[x] = from[c.left] + c.t * (from[c.right] - from[c.left]);
        }
    }
}

static void enlarge(void *arg, size_t index, int thread)
{
    const struct job *job = arg;
    const struct guided_plan *plan = &job->g->plan;
    const pln_run *r = job->r;
    const pln_view *guide = r->guide.data ? &r->guide : &r->in;
    float *line = (float *)(job->scratch + (size_t)thread * job->scratch_bytes);
    float *wide[GUIDED_COEFS], *sources[GUIDED_SOURCES],
        *next = line + (size_t)plan->coefs * job->g->w;

    for (int i = 0; i < plan->coefs; i++, next += r->w) wide[i] = next;
    for (int i = 0; i < GUIDED_SOURCES; i++, next += r->w) sources[i] = next;
    for (size_t y = index * ROWS; y < pln_min(r->h, (index + 1) * ROWS); y++) {
        enlarge_row(job, y, line, wide);
        if (plan->luma)
            pln_luma(sources[0], pln_row(guide, y), r->w);
        else
            job->k->split(sources, pln_row(guide, y), guide->c, r->w);
        job->k->apply(plan, pln_row(&r->out, y), sources, wide, r->w);
    }
}

static pln_status fgf_run(pln_context *ctx, const pln_run *r)
{
    const struct fgf_params *p = r->params;
    size_t step = (size_t)p->subsample, threads = (size_t)pln_context_threads(ctx);
    struct guided g = {.radius = small_radius(p), .eps = p->eps, .emit = keep};
    struct job job = {.g = &g, .k = PLN_KERNELS_PICK(ctx, pln_guided_kernels), .r = r};
    pln_view in = {0}, guide = {0};
    pln_status s = PLN_OK;

    PLN_TRY(pln_progress(ctx, 0, "models"));
    PLN_TRY(subsample(ctx, &r->in, step, &in));
    if (r->guide.data) PLN_TRY(subsample(ctx, &r->guide, step, &guide));
    pln_guided_plan(&g.plan, p->mode, r->in.c, r->guide.data ? r->guide.c : 0);
    g.in = in;
    g.guide = guide;
    g.w = in.w;
    g.h = g.y1 = in.h;
    g.arg = &job;
    PLN_TRY(pln_alloc(ctx, in.w * in.h, (size_t)g.plan.coefs * sizeof(float), &job.means));
    PLN_TRY(pln_guided_run(ctx, &g));

    PLN_TRY(pln_progress(ctx, 0.5, "enlarging"));
    PLN_TRY(pln_alloc(ctx, r->w, sizeof *job.columns, &job.columns));
    for (size_t x = 0; x < r->w; x++) job.columns[x] = between(x, in.w, r->w);
    job.scratch_bytes = pln_div_up(enlarge_bytes(&g.plan, r->w, in.w), 64) * 64;
    PLN_TRY(pln_alloc(ctx, threads, job.scratch_bytes, &job.scratch));
    PLN_TRY(pln_parallel(ctx, pln_div_up(r->h, ROWS), enlarge, &job));
done:
    pln_free(job.scratch);
    pln_free(job.columns);
    pln_free(job.means);
    pln_free(guide.data);
    pln_free(in.data);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset fgf_presets[] = {
    {"default", "", "radius 8, eps 0.1², every fourth row and column"},
    {"fine", "radius=8 eps=0.01 subsample=2", "every second row and column: nearer to gf"},
    {NULL, NULL, NULL},
};

static const char *const fgf_grid[] = {
    "radius=8 eps=0.01 subsample=4",
    "radius=8 eps=0.04 subsample=4",
    "radius=8 eps=0.16 subsample=2",
    "radius=8 eps=0.16 subsample=4",
    "radius=16 eps=0.04 subsample=4",
    "radius=12 eps=0.16 subsample=3",
    NULL,
};

static const char *const fgf_ladder[] = {
    "radius=4 eps=0.0025", "radius=8 eps=0.01", "radius=8 eps=0.04",
    "radius=8 eps=0.16",   "radius=12 eps=0.4", NULL,
};

const pln_method pln_method_fgf = {
    .size = sizeof(pln_method),
    .name = "fgf",
    .title = "Fast guided filter",
    .paper = "K. He, J. Sun, \"Fast Guided Filter\", arXiv 1505.00996, 2015",
    .year = 2015,
    .summary = "the guided filter with its linear models computed on a subsampled grid",
    .formula = "    I', p' = every s-th row and column of I and p,  r' = r / s\n"
               "    a, b   = models of the guided filter on I', p' with radius r' and ε, averaged "
               "over windows\n"
               "    q_i    = enlarge(a)_i · I_i + enlarge(b)_i\n"
               "\n"
               "Subsampling takes the middle of s rows, the enlargement is bilinear; I in the last "
               "line is the whole guide, "
               "so edges stay as sharp as they are.\n",
    .use = "What gf does, in a fraction of the time: previews, video, large radii.",
    .avoid = "Removing strong texture: the subsampled picture aliases it, and the models become "
             "noisy. Take gf.",
    .cost = "O(N / s²) for the models, O(N) for the rest",
    .schema = fgf_schema,
    .params_size = sizeof(struct fgf_params),
    .presets = fgf_presets,
    .grid = fgf_grid,
    .ladder = fgf_ladder,
    .caps = PLN_CAP_GUIDE,
    .memory = fgf_memory,
    .nanoseconds = fgf_nanoseconds,
    .run = fgf_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = -1, /* the middle of an even number of rows is not in the middle */
};
