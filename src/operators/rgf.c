/* SPDX-License-Identifier: MIT */
/* Rolling guidance filter.
 * Zhang, Shen, Xu, Jia: "Rolling Guidance Filter", ECCV 2014. Exact joint bilateral steps.
 * DIFF: the authors' MATLAB release approximates each step by a bilateral grid, each channel alone
 * (--range-norm channel); OpenCV's version starts from the picture itself (--init input). */
#include <string.h>

#include "image/image.h"
#include "operators/bilateral.h"

/* ---- Parameters ---- */

static const char *const rgf_inits[] = {"constant", "input", NULL};

static const pln_param rgf_schema[] = {
    PLN_REAL(struct rgf_params, b.sigma_s, .flag = "sigma-s", .symbol = "σ_s", .unit = "px",
             .min = 0, .min_open = true, .max = 1e4, .init = 3, .scale = PLN_LOG,
             .help = "size of the structures to remove, standard deviation of the Gaussian"),
    PLN_REAL(struct rgf_params, b.sigma_r, .flag = "sigma-r", .symbol = "σ_r", .unit = "range",
             .min = 0, .min_open = true, .max = 100, .init = 0.1, .scale = PLN_LOG,
             .help = "how different in the guide neighbours may be; small brings edges back sharp"),
    PLN_INT(struct rgf_params, iterations, .flag = "iterations", .symbol = "N", .unit = "",
            .min = 0, .max = 50, .init = 4,
            .help = "number of steps, the first (Gaussian) one included; 0 returns the input"),
    PLN_INT(struct rgf_params, b.radius, .flag = "radius", .symbol = "R", .unit = "px", .min = 0,
            .max = 256, .init = 0, .help = "radius of the window; 0 means ceil(2 sigma-s)"),
    PLN_CHOICE(struct rgf_params, init, .flag = "init", .symbol = "J⁰", .unit = "",
               .choices = rgf_inits,
               .help = "first guide: constant, so that the first step is a Gaussian, or the input"),
    PLN_CHOICE(struct rgf_params, b.range_norm, .flag = "range-norm", .symbol = "d", .unit = "",
               .choices = pln_bilateral_norms,
               .help = "distance of colours: l2 or l1 over the channels, each channel alone, or l2 "
                       "in CIELAB"),
    PLN_CHOICE(struct rgf_params, b.window, .flag = "window", .symbol = "W", .unit = "",
               .choices = pln_bilateral_windows, .help = "shape of the window"),
    PLN_CHOICE(struct rgf_params, b.border, .flag = "border", .symbol = "", .unit = "",
               .choices = pln_bilateral_borders,
               .help = "what lies outside: the last pixel, the mirrored picture, or nothing"),
    PLN_PARAM_END,
};

static size_t rgf_halo(const void *params)
{
    const struct rgf_params *p = params;
    return (size_t)p->iterations * (size_t)pln_bilateral_radius(&p->b);
}

/* The first step of a constant guide is a Gaussian, separable when the window is a square: the same
 * sum of the same products. */
static bool starts_separable(const struct rgf_params *p)
{
    return p->init == RGF_INIT_CONSTANT && p->b.window == PLN_WINDOW_SQUARE;
}

/* Guides held: the last step writes the output, and two are enough to roll. The separable Gaussian
 * always needs one. */
static size_t guides_of(const struct rgf_params *p)
{
    size_t least = starts_separable(p) ? 1 : 0;
    return pln_max(least, pln_min(2, (size_t)p->iterations - 1));
}

static size_t rgf_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct rgf_params *p = params;
    size_t plane = w * h * c * sizeof(float) + 128;
    size_t gaussian = (size_t)threads * (w * c + 2 * 256 * c + 64) * sizeof(float) + w * 4;

    return guides_of(p) * plane + (p->b.range_norm == PLN_NORM_LAB && c == 3 ? plane : 0) +
           pln_max(gaussian, pln_bilateral_memory(&p->b, w, h, c, threads));
}

static double rgf_nanoseconds(const void *params, size_t c)
{
    const struct rgf_params *p = params;
    int joint = p->iterations - (p->iterations > 0 && starts_separable(p));

    /* The separable Gaussian costs next to nothing, a guide of its own a fifth. */
    return 1.6 * (double)c + 1.2 * joint * pln_bilateral_nanoseconds(&p->b, c);
}

static bool rgf_identity(const void *params)
{
    const struct rgf_params *p = params;
    return p->iterations == 0;
}

/* ---- Filter ---- */

/* Rows that step t must give so that the steps after it have their windows. */
struct rows {
    size_t begin, end;
};

static struct rows rows_of(const pln_run *r, const struct rgf_params *p, int t)
{
    size_t more = (size_t)(p->iterations - t) * (size_t)pln_bilateral_radius(&p->b);
    return (struct rows){r->y0 > more ? r->y0 - more : 0, pln_min(r->h, r->y1 + more)};
}

/* Rows of the whole picture out of a view that starts with row `first`. */
static pln_view cut(const pln_view *v, size_t first, struct rows rows)
{
    pln_view part = *v;
    part.data = pln_row(v, rows.begin - first);
    part.h = rows.end - rows.begin;
    return part;
}

/* J^1 of the rows begin .. end - 1 in `guide`. */
static pln_status gaussian_step(pln_context *ctx, const struct pln_bilateral_params *p,
                                const pln_view *data, const pln_view *guide)
{
    int radius = pln_bilateral_radius(p);
    float taps[2 * 256 + 1];

    pln_gaussian_taps(p->sigma_s, radius, taps);
    return pln_convolve_separable(ctx, data, guide, taps, radius, (pln_border)p->border);
}

/* The result of a lone Gaussian step. */
static void copy_out(const pln_run *r, const pln_view *from, bool to_rgb)
{
    for (size_t y = 0; y < r->out.h; y++) {
        float *dst = pln_row(&r->out, y);
        if (to_rgb)
            pln_lab_to_rgb(dst, pln_row(from, y), r->w);
        else
            memcpy(dst, pln_row(from, y), r->w * r->out.c * sizeof *dst);
    }
}

static pln_status rgf_run(pln_context *ctx, const pln_run *r)
{
    const struct rgf_params *p = r->params;
    struct rows all = rows_of(r, p, 0);
    pln_view data = cut(&r->in, r->in_y, all), lab = {0}, guide[2] = {{0}, {0}};
    pln_status s = PLN_OK;

    PLN_TRY(pln_progress(ctx, 0, "rolling"));
    /* All steps in CIELAB: between them a colour would only be clipped. */
    bool in_lab = p->b.range_norm == PLN_NORM_LAB && r->in.c == 3;
    if (in_lab) {
        PLN_TRY(pln_bilateral_lab(ctx, &data, &lab));
        data = lab;
    }
    for (size_t k = 0; k < guides_of(p); k++) {
        guide[k] = data;
        guide[k].stride = (ptrdiff_t)(r->w * data.c);
        guide[k].data = NULL;
        PLN_TRY(pln_alloc(ctx, data.h * r->w, data.c * sizeof(float), &guide[k].data));
    }

    pln_view previous = data; /* J^{t-1}, from row `previous_rows.begin` */
    struct rows previous_rows = all;
    int t = 1;
    if (starts_separable(p)) {
        PLN_TRY(gaussian_step(ctx, &p->b, &data, &guide[0]));
        previous = guide[0];
        t = 2;
        if (p->iterations == 1) {
            pln_view part = cut(&previous, all.begin, rows_of(r, p, 1));
            copy_out(r, &part, in_lab);
        }
    }
    for (; t <= p->iterations; t++) {
        struct rows rows = rows_of(r, p, t);
        bool last = t == p->iterations;
        pln_view *next = &guide[(t - 1) % 2];
        struct pln_bilateral b = {.params = &p->b,
                                  .w = r->w,
                                  .h = r->h,
                                  .data = cut(&data, all.begin, previous_rows),
                                  .guide = previous,
                                  .in_y = previous_rows.begin,
                                  .out = last ? r->out : *next,
                                  .y0 = rows.begin,
                                  .y1 = rows.end,
                                  .flat = t == 1 && p->init == RGF_INIT_CONSTANT,
                                  .to_rgb = last && in_lab};
        if (t == 1) b.guide = (pln_view){0};
        PLN_TRY(pln_progress(ctx, (double)(t - 1) / p->iterations, "rolling"));
        PLN_TRY(pln_bilateral_filter(ctx, &b));
        previous = *next;
        previous_rows = rows;
    }
done:
    pln_free(guide[1].data);
    pln_free(guide[0].data);
    pln_free(lab.data);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset rgf_presets[] = {
    {"default", "", "joint colour distance, four steps"},
    {"paper", "sigma-s=3 sigma-r=0.05 iterations=4", "the authors' example"},
    {"seed", "sigma-s=6 sigma-r=0.3 iterations=4", "stronger, as in figures of learned smoothers"},
    {"over",
     "sigma-s=1000 sigma-r=150/255 radius=22 iterations=4 init=input range-norm=l1 window=disk "
     "border=reflect101",
     "over-smoothed, as in the training data of Easy2Hard"},
    {NULL, NULL, NULL},
};

static const char *const rgf_grid[] = {
    "sigma-s=2 sigma-r=0.1",  "sigma-s=3 sigma-r=0.05", "sigma-s=3 sigma-r=0.1",
    "sigma-s=3 sigma-r=0.2",  "sigma-s=4 sigma-r=0.1",  "sigma-s=4 sigma-r=0.2",
    "sigma-s=6 sigma-r=0.05", "sigma-s=6 sigma-r=0.1",  "sigma-s=6 sigma-r=0.2",
    "sigma-s=6 sigma-r=0.3",  "sigma-s=8 sigma-r=0.1",  NULL,
};

static const char *const rgf_ladder[] = {
    "sigma-s=1 sigma-r=0.05",
    "sigma-s=2 sigma-r=0.1",
    "sigma-s=3 sigma-r=0.1",
    "sigma-s=4 sigma-r=0.2",
    "sigma-s=6 sigma-r=0.2",
    "sigma-s=8 sigma-r=0.3",
    NULL,
};

const pln_method pln_method_rgf = {
    .size = sizeof(pln_method),
    .name = "rgf",
    .title = "Rolling guidance filter",
    .paper = "Q. Zhang, X. Shen, L. Xu, J. Jia, \"Rolling Guidance Filter\", ECCV 2014",
    .year = 2014,
    .summary = "removes small structures by a Gaussian, then lets joint filtering bring the edges "
               "of large ones back",
    .formula =
        "    J⁰ = constant\n"
        "    Jᵗ⁺¹_p = Σ_q w_pq I_q / Σ_q w_pq,   t = 0 .. N - 1\n"
        "    w_pq = exp(-|p - q|² / (2 σ_s²)) · exp(-d(Jᵗ_p, Jᵗ_q)² / (2 σ_r²))\n"
        "\n"
        "The input I is averaged every time; only the guide J rolls. With a constant guide the "
        "first step is a Gaussian blur: structures smaller than σ_s vanish. Each further step is a "
        "joint bilateral filter and sharpens the edges that are left. `--init input` starts from "
        "the input, so that small structures of high contrast survive (OpenCV).\n"
        "\n"
        "d, window and border are those of [bf](bf.md). With `--range-norm lab` all steps are in "
        "CIELAB; the result is brought back into [0,1].",
    .use = "Removing everything below a certain size whatever its contrast, and keeping larger "
           "shapes with their edges: texture of known scale, fine grain, halftones.",
    .avoid = "Thin lines and small text: they are structures below σ_s and go. Corners of large "
             "shapes are rounded. With σ_r too small for the blurred guide the edges do not come "
             "back.",
    .cost = "O(k N R²)",
    .schema = rgf_schema,
    .params_size = sizeof(struct rgf_params),
    .presets = rgf_presets,
    .grid = rgf_grid,
    .ladder = rgf_ladder,
    .halo = rgf_halo,
    .memory = rgf_memory,
    .nanoseconds = rgf_nanoseconds,
    .identity = rgf_identity,
    .run = rgf_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 1e-5,
};
