/* SPDX-License-Identifier: MIT */
/* Domain transform: three filters of lines that are stretched where colours change.
 * Gastal, Oliveira: "Domain Transform for Edge-Aware Image and Video Processing", SIGGRAPH 2011;
 * steps as in the authors' NC.m, IC.m and RF.m 1.0. */
#include "operators/dt.h"

#include <math.h>
#include <string.h>

/* ---- Parameters ---- */

static const pln_param dt_schema[] = {
    PLN_REAL(struct dt_params, sigma_s, .flag = "sigma-s", .symbol = "σ_s", .unit = "px", .min = 1,
             .max = 4096, .init = 60, .scale = PLN_LOG,
             .help = "reach within flat regions; larger is smoother"),
    PLN_REAL(struct dt_params, sigma_r, .flag = "sigma-r", .symbol = "σ_r", .unit = "range",
             .min = 1e-3, .max = 10, .init = 0.4, .scale = PLN_LOG,
             .help =
                 "change of colour, summed over the channels, that is as far as sigma-s pixels"),
    PLN_INT(struct dt_params, iterations, .flag = "iterations", .symbol = "N", .unit = "", .min = 1,
            .max = 16, .init = 3,
            .help = "passes over rows and columns; more leave less of the stripes of one"),
    PLN_PARAM_END,
};

/* Two planes of distances; of the boxes, also a line a thread. */
static size_t transform_memory(size_t w, size_t h) { return 2 * w * h * sizeof(float) + 1024; }

static size_t line_room(size_t w, size_t h, size_t c)
{
    return pln_div_up(pln_max(w, h) * (1 + c), 8) * 8;
}

static size_t box_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    (void)params;
    return transform_memory(w, h) + (size_t)threads * line_room(w, h, c) * sizeof(double);
}

static size_t rf_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    (void)params, (void)c, (void)threads;
    return transform_memory(w, h);
}

static double nc_nanoseconds(const void *params, size_t c)
{
    return ((const struct dt_params *)params)->iterations * (c == 3 ? 23 : 20);
}

static double ic_nanoseconds(const void *params, size_t c)
{
    return ((const struct dt_params *)params)->iterations * (c == 3 ? 33 : 27);
}

static double rf_nanoseconds(const void *params, size_t c)
{
    return ((const struct dt_params *)params)->iterations * (c == 3 ? 8 : 4);
}

/* ---- Domain transform: ct(x) = d(0) + ... + d(x), d = 1 + sigma_s / sigma_r |change of I| ---- */

double pln_dt_sigma(const struct dt_params *p, int pass)
{
    return p->sigma_s * sqrt(3) * pow(2, p->iterations - 1 - pass) /
           sqrt(pow(4, p->iterations) - 1);
}

/* A box this wide to each side has the standard deviation sigma. */
double pln_dt_box(double sigma) { return sqrt(3) * sigma; }

/* ln a of the recursive filter: a = exp(-sqrt(2) / sigma) */
double pln_dt_feedback(double sigma) { return -sqrt(2) / sigma; }

enum { BAND = 16 }; /* rows a task */

typedef void line_filter(float *out, ptrdiff_t step, const double *F, const double *ct, size_t n,
                         size_t c, double r);

struct job {
    const pln_run *run;
    const struct dt_kernels *k;
    float *dx, *dy; /* along rows, along columns; of the recursion: V */
    float ratio, log2_a;
    line_filter *filter; /* NULL: the recursion */
    struct dt_lines lines;
    size_t together; /* lines of a task */
    double r;        /* half the width of the box */
    double *scratch; /* a line a thread: ct, F */
};

/* The distances of some rows, and their pixels into the output, where they are filtered. */
static void transform_task(void *arg, size_t index, int thread)
{
    const struct job *j = arg;
    const pln_view *in = &j->run->in, *I = j->run->guide.data ? &j->run->guide : in;
    size_t w = I->w, y1 = pln_min(I->h, (index + 1) * BAND);
    (void)thread;

    for (size_t y = index * BAND; y < y1; y++) {
        const float *row = pln_row(I, y);
        float *dx = j->dx + y * w, *dy = j->dy + y * w;
        dx[0] = 1;
        j->k->distance(dx + 1, row + I->c, row, I->c, w - 1, j->ratio);
        j->k->distance(dy, row, pln_row(I, y ? y - 1 : 0), I->c, w, j->ratio);
        if (!j->filter) {
            j->k->power(dx, w, j->log2_a);
            j->k->power(dy, w, j->log2_a);
        }
        memcpy(pln_row(&j->run->out, y), pln_row(in, y), w * in->c * sizeof(float));
    }
}

/* ---- Normalised convolution: the mean of the pixels within r. Sums of floats in double are exact,
 * so that what enters leaves again ---- */

static inline void nc_line(float *out, ptrdiff_t step, const double *F, const double *ct, size_t n,
                           size_t c, double r)
{
    double sum[3] = {0};
    size_t l = 0, u = 0; /* the box is [l, u): exactly r away, left is out and right is in */

    for (size_t x = 0; x < n; x++, out += step) {
        for (; l < x && ct[l] <= ct[x] - r; l++)
            for (size_t k = 0; k < c; k++) sum[k] -= F[l * c + k];
        for (; u < n && ct[u] <= ct[x] + r; u++)
            for (size_t k = 0; k < c; k++) sum[k] += F[u * c + k];
        double mean = 1 / (double)(u - l);
        for (size_t k = 0; k < c; k++) out[k] = (float)(sum[k] * mean);
    }
}

static void nc(float *out, ptrdiff_t step, const double *F, const double *ct, size_t n, size_t c,
               double r)
{
    c == 3 ? nc_line(out, step, F, ct, n, 3, r) : nc_line(out, step, F, ct, n, 1, r);
}

/* ---- Interpolated convolution: the mean over [ct(x) - r, ct(x) + r] of the line that joins the
 * pixels, level beyond the ends ---- */

/* The integral of the line between pixels i and i + 1. */
static inline double trapezoid(const double *F, const double *ct, size_t i, size_t c, size_t k)
{
    return 0.5 * (F[i * c + k] + F[(i + 1) * c + k]) * (ct[i + 1] - ct[i]);
}

/* The value `part` of the way from a to b. */
static inline double between(double a, double b, double part) { return a + (b - a) * part; }

static inline void ic_line(float *out, ptrdiff_t step, const double *F, const double *ct, size_t n,
                           size_t c, double r)
{
    double C[3] = {0}, scale = 1 / (2 * r);
    size_t l = 0, u = 0;

    for (size_t x = 0; x < n; x++, out += step) {
        for (; l < x && ct[l] <= ct[x] - r; l++)
            if (l + 1 < u)
                for (size_t k = 0; k < c; k++) C[k] -= trapezoid(F, ct, l, c, k);
        for (; u < n && ct[u] <= ct[x] + r; u++)
            if (l < u)
                for (size_t k = 0; k < c; k++) C[k] += trapezoid(F, ct, u - 1, c, k);
        /* What is left of the box beyond the outermost pixels in it: lengths, and which part of
         * the way to the next pixels their middles are. Without a next pixel the line is level. */
        size_t last = u - 1, before = l ? l - 1 : l, after = u < n ? u : last;
        double left = ct[l] - (ct[x] - r), right = ct[x] + r - ct[last];
        double to_before = l ? left / (2 * (ct[l] - ct[before])) : 0;
        double to_after = u < n ? right / (2 * (ct[after] - ct[last])) : 0;
        for (size_t k = 0; k < c; k++) {
            double L = left * between(F[l * c + k], F[before * c + k], to_before);
            double R = right * between(F[last * c + k], F[after * c + k], to_after);
            out[k] = (float)((L + C[k] + R) * scale);
        }
    }
}

static void ic(float *out, ptrdiff_t step, const double *F, const double *ct, size_t n, size_t c,
               double r)
{
    c == 3 ? ic_line(out, step, F, ct, n, 3, r) : ic_line(out, step, F, ct, n, 1, r);
}

/* ---- Recursive filter: F(x) += a^d(x) (F(x - 1) - F(x)) to the right, and back alike, in place.
 * sigma halves from pass to pass, so that a^d is squared: one power a pixel in all ---- */

static void recur_task(void *arg, size_t index, int thread)
{
    const struct job *j = arg;
    struct dt_lines l = j->lines;
    ptrdiff_t first = (ptrdiff_t)(index * j->together);
    (void)thread;
    l.count = pln_min(l.count - (size_t)first, j->together);
    l.F += first * l.across;
    l.d += first * l.d_across;
    j->k->recur(&l);
}

/* ---- Filter ---- */

/* A line's positions and a copy of its pixels. */
static inline void load(const struct dt_lines *l, const float *line, const float *d, double *ct,
                        double *F, size_t c)
{
    double sum = 0;
    for (size_t x = 0; x < l->n; x++, line += l->along, d += l->d_along) {
        ct[x] = sum += (double)*d;
        for (size_t k = 0; k < c; k++) F[x * c + k] = (double)line[k];
    }
}

/* Some lines, filtered to where they come from. */
static void line_task(void *arg, size_t index, int thread)
{
    const struct job *j = arg;
    const struct dt_lines *l = &j->lines;
    double *ct = j->scratch + (size_t)thread * line_room(j->run->w, j->run->h, l->c);
    double *F = ct + l->n;

    for (size_t i = index * j->together; i < pln_min(l->count, (index + 1) * j->together); i++) {
        float *line = l->F + (ptrdiff_t)i * l->across;
        const float *d = l->d + (ptrdiff_t)i * l->d_across;
        l->c == 3 ? load(l, line, d, ct, F, 3) : load(l, line, d, ct, F, 1);
        j->filter(line, l->along, F, ct, l->n, l->c, j->r);
    }
}

enum { ROWS = 8, COLUMNS = 32 }; /* of a task */

static pln_status dt_run(pln_context *ctx, const pln_run *r, line_filter *filter)
{
    const struct dt_params *p = r->params;
    size_t w = r->w, h = r->h, c = r->in.c;
    struct job j = {.run = r,
                    .k = PLN_KERNELS_PICK(ctx, pln_dt_kernels),
                    .ratio = (float)(p->sigma_s / p->sigma_r),
                    .log2_a = (float)(pln_dt_feedback(pln_dt_sigma(p, 0)) / log(2)),
                    .filter = filter};
    pln_status s = PLN_OK;

    PLN_TRY(pln_progress(ctx, 0, "transform"));
    PLN_TRY(pln_alloc(ctx, w * h, sizeof *j.dx, &j.dx));
    PLN_TRY(pln_alloc(ctx, w * h, sizeof *j.dy, &j.dy));
    if (filter)
        PLN_TRY(pln_alloc(ctx, (size_t)pln_context_threads(ctx) * line_room(w, h, c),
                          sizeof *j.scratch, &j.scratch));
    PLN_TRY(pln_parallel(ctx, pln_div_up(h, BAND), transform_task, &j));

    const struct dt_lines rows = {.count = h,
                                  .n = w,
                                  .c = c,
                                  .F = r->out.data,
                                  .along = (ptrdiff_t)c,
                                  .across = r->out.stride,
                                  .d = j.dx,
                                  .d_along = 1,
                                  .d_across = (ptrdiff_t)w},
                          columns = {.count = w,
                                     .n = h,
                                     .c = c,
                                     .F = r->out.data,
                                     .along = r->out.stride,
                                     .across = (ptrdiff_t)c,
                                     .d = j.dy,
                                     .d_along = (ptrdiff_t)w,
                                     .d_across = 1};
    pln_task *task = filter ? line_task : recur_task;
    for (int i = 0; i < p->iterations; i++) {
        PLN_TRY(pln_progress(ctx, (i + 0.2) / (p->iterations + 0.2), "passes"));
        j.r = pln_dt_box(pln_dt_sigma(p, i));
        j.lines = rows;
        j.together = ROWS;
        PLN_TRY(pln_parallel(ctx, pln_div_up(h, ROWS), task, &j));
        j.lines = columns;
        j.together = COLUMNS;
        PLN_TRY(pln_parallel(ctx, pln_div_up(w, COLUMNS), task, &j));
    }
done:
    pln_free(j.scratch);
    pln_free(j.dy);
    pln_free(j.dx);
    return s;
}

static pln_status nc_run(pln_context *ctx, const pln_run *r) { return dt_run(ctx, r, nc); }
static pln_status ic_run(pln_context *ctx, const pln_run *r) { return dt_run(ctx, r, ic); }
static pln_status rf_run(pln_context *ctx, const pln_run *r) { return dt_run(ctx, r, NULL); }

/* ---- Descriptors ---- */

static const pln_preset dt_presets[] = {
    {"default", "", "the authors' example: σ_s 60, σ_r 0.4, 3 passes"},
    {"fine", "sigma-s=10 sigma-r=0.1", "takes the finest detail only"},
    {"strong", "sigma-s=100 sigma-r=1", "leaves large shapes"},
    {NULL, NULL, NULL},
};

static const char *const dt_grid[] = {
    "sigma-s=10 sigma-r=0.1", "sigma-s=20 sigma-r=0.2", "sigma-s=20 sigma-r=0.4",
    "sigma-s=40 sigma-r=0.4", "sigma-s=60 sigma-r=0.4", "sigma-s=60 sigma-r=0.8",
    "sigma-s=100 sigma-r=1",  "sigma-s=30 sigma-r=1.5", NULL,
};

static const char *const dt_ladder[] = {
    "sigma-s=5 sigma-r=0.05",
    "sigma-s=10 sigma-r=0.1",
    "sigma-s=20 sigma-r=0.2",
    "sigma-s=40 sigma-r=0.4",
    "sigma-s=60 sigma-r=0.8",
    "sigma-s=100 sigma-r=1.5",
    NULL,
};

#define DT_PAPER                                                                                   \
    "E. S. L. Gastal, M. M. Oliveira, \"Domain Transform for Edge-Aware Image and Video "          \
    "Processing\", SIGGRAPH 2011"

#define DT_TRANSFORM                                                                               \
    "Rows and columns in turn are stretched to\n\n"                                                \
    "    ct(x) = d(0) + ... + d(x),   d(x) = 1 + (σ_s / σ_r) Σ_c |I_c(x) − I_c(x−1)|\n\n"   \
    "and filtered there N times, rows before columns, in pass i = 0 ... N−1 with\n\n"            \
    "    σ_i = σ_s √3 · 2^(N−1−i) / √(4^N − 1).\n\n"                                  \
    "I is the input, or a `--guide` picture, in all passes.\n\n"

#define DT_AVOID                                                                                   \
    " Strong texture survives: distances grow with every change of colour, whatever its size. "    \
    "Prefer `rtv` or `rgf` to remove it."

#define DT_METHOD                                                                                  \
    .size = sizeof(pln_method), .paper = DT_PAPER, .year = 2011, .cost = "O(N) for each pass",     \
    .schema = dt_schema, .params_size = sizeof(struct dt_params), .presets = dt_presets,           \
    .grid = dt_grid, .ladder = dt_ladder, .caps = PLN_CAP_GUIDE

const pln_method pln_method_dt_nc = {
    DT_METHOD,
    .name = "dt-nc",
    .title = "Domain transform, normalised convolution",
    .summary = "means of the pixels that are near along stretched rows and columns",
    .formula = DT_TRANSFORM "    F'(x) = mean of F(y) with −r < ct(y) − ct(x) <= r,   r = √3 σ_i\n",
    .use = "Stylisation and abstraction: regions become flat, edges stay sharp. The cost is the "
           "same for any σ_s.",
    .avoid = "Soft shading gets contours, as pixels enter and leave the box whole." DT_AVOID,
    .memory = box_memory,
    .nanoseconds = nc_nanoseconds,
    .run = nc_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 1e-6,
};

const pln_method pln_method_dt_ic = {
    DT_METHOD,
    .name = "dt-ic",
    .title = "Domain transform, interpolated convolution",
    .summary = "means of the line that joins the pixels of stretched rows and columns",
    .formula = DT_TRANSFORM
    "    F'(x) = 1 / 2r · ∫ L(t) dt over |t − ct(x)| <= r,   r = √3 σ_i\n\n"
    "L joins the points (ct(y), F(y)) by straight lines, and is level beyond the ends.\n",
    .use = "Smoothing without contours: like diffusion, gentle slopes stay gentle. Tone mapping "
           "and detail enhancement at any σ_s for the same cost.",
    .avoid = "Edges are a little softer than with `dt-nc`." DT_AVOID,
    .memory = box_memory,
    .nanoseconds = ic_nanoseconds,
    .run = ic_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 1e-6,
};

const pln_method pln_method_dt_rf = {
    DT_METHOD,
    .name = "dt-rf",
    .title = "Domain transform, recursive filter",
    .summary = "two sweeps of a recursive filter along rows and columns, held up by edges",
    .formula =
        DT_TRANSFORM "    F(x) += a^d(x) (F(x−1) − F(x)),     from the first pixel to the last,\n"
                     "    F(x) += a^d(x+1) (F(x+1) − F(x)),   and back,   a = exp(−√2 / σ_i)\n",
    .use = "The fastest of the three, at any strength: previews, large pictures, and spreading "
           "values along a guide, as its weights never end.",
    .avoid = "Nothing stops all at an edge: some of every weight leaks through weak ones." DT_AVOID,
    .memory = rf_memory,
    .nanoseconds = rf_nanoseconds,
    .run = rf_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = -1, /* which sweep is the first shows near edges */
};
