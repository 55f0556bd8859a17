/* SPDX-License-Identifier: MIT */
/* Bilateral filter.
 * Tomasi, Manduchi: "Bilateral Filtering for Gray and Color Images", ICCV 1998. Window, border and
 * distance are choices: the paper has an infinite domain and recommends CIELAB, OpenCV a disk, the
 * sum of absolute differences and reflect101, D. Lanman's code CIELAB and a window cut at the
 * border. */
#include "operators/bilateral.h"

/* ---- Parameters ---- */

static const pln_param bf_schema[] = {
    PLN_REAL(struct bf_params, b.sigma_s, .flag = "sigma-s", .symbol = "σ_s", .unit = "px",
             .min = 0, .min_open = true, .max = 1e4, .init = 3, .scale = PLN_LOG,
             .help = "how far neighbours count, standard deviation of the spatial Gaussian"),
    PLN_REAL(struct bf_params, b.sigma_r, .flag = "sigma-r", .symbol = "σ_r", .unit = "range",
             .min = 0, .min_open = true, .max = 100, .init = 0.1, .scale = PLN_LOG,
             .help = "how different neighbours may be, standard deviation of the range Gaussian"),
    PLN_INT(struct bf_params, b.radius, .flag = "radius", .symbol = "R", .unit = "px", .min = 0,
            .max = 256, .init = 0, .help = "radius of the window; 0 means ceil(2 sigma-s)"),
    PLN_CHOICE(struct bf_params, b.range_norm, .flag = "range-norm", .symbol = "d", .unit = "",
               .choices = pln_bilateral_norms,
               .help = "distance of colours: l2 or l1 over the channels, each channel alone, or l2 "
                       "in CIELAB"),
    PLN_CHOICE(struct bf_params, b.window, .flag = "window", .symbol = "W", .unit = "",
               .choices = pln_bilateral_windows, .help = "shape of the window"),
    PLN_CHOICE(struct bf_params, b.border, .flag = "border", .symbol = "", .unit = "",
               .choices = pln_bilateral_borders,
               .help = "what lies outside: the last pixel, the mirrored picture, or nothing"),
    PLN_PARAM_END,
};

static size_t bf_halo(const void *params)
{
    const struct bf_params *p = params;
    return (size_t)pln_bilateral_radius(&p->b);
}

static size_t bf_memory(const void *params, size_t w, size_t h, size_t c, int threads)
{
    const struct bf_params *p = params;
    size_t bytes = pln_bilateral_memory(&p->b, w, h, c, threads);

    /* The picture and the guide in CIELAB. */
    if (p->b.range_norm == PLN_NORM_LAB)
        bytes += (c == 3 ? 2 : 1) * (w * h * 3 * sizeof(float) + 128);
    return bytes;
}

static double bf_nanoseconds(const void *params, size_t c)
{
    const struct bf_params *p = params;
    return pln_bilateral_nanoseconds(&p->b, c);
}

/* ---- Filter ---- */

static pln_status bf_run(pln_context *ctx, const pln_run *r)
{
    const struct bf_params *p = r->params;
    struct pln_bilateral b = {.params = &p->b,
                              .w = r->w,
                              .h = r->h,
                              .data = r->in,
                              .guide = r->guide,
                              .in_y = r->in_y,
                              .out = r->out,
                              .y0 = r->y0,
                              .y1 = r->y1};
    pln_view data = {0}, guide = {0};
    pln_status s = PLN_OK;

    if (p->b.range_norm == PLN_NORM_LAB) {
        PLN_TRY(pln_progress(ctx, 0, "colours"));
        if (r->guide.data && r->guide.c == 3) {
            PLN_TRY(pln_bilateral_lab(ctx, &r->guide, &guide));
            b.guide = guide;
        }
        if (r->in.c == 3) {
            PLN_TRY(pln_bilateral_lab(ctx, &r->in, &data));
            b.data = data;
            b.to_rgb = true;
        }
    }
    if (data.data || guide.data) PLN_TRY(pln_progress(ctx, 0.1, "averaging"));
    PLN_TRY(pln_bilateral_filter(ctx, &b));
done:
    pln_free(guide.data);
    pln_free(data.data);
    return s;
}

/* ---- Descriptor ---- */

static const pln_preset bf_presets[] = {
    {"default", "", "joint colour distance, radius 2 sigma-s"},
    {"opencv", "range-norm=l1 window=disk border=reflect101 radius=4",
     "as OpenCV's bilateralFilter; the radius is its round(1.5 sigma-s) for sigma-s 3"},
    {"lanman", "range-norm=lab border=shrink radius=5", "as D. Lanman's bfilter2, in CIELAB"},
    {"over", "sigma-s=1000 sigma-r=200/255 radius=22 range-norm=l1 window=disk border=reflect101",
     "over-smoothed, as in the training data of Easy2Hard and CSGIS-Net"},
    {NULL, NULL, NULL},
};

static const char *const bf_grid[] = {
    "sigma-s=2 sigma-r=0.1",
    "sigma-s=3 sigma-r=0.1",
    "sigma-s=3 sigma-r=0.2",
    "sigma-s=4 sigma-r=0.2",
    "sigma-s=4 sigma-r=0.4",
    "sigma-s=6 sigma-r=0.2",
    "sigma-s=6 sigma-r=0.4",
    "sigma-s=8 sigma-r=0.4",
    "sigma-s=6 sigma-r=0.8",
    "sigma-s=10 sigma-r=0.4",
    NULL,
};

static const char *const bf_ladder[] = {
    "sigma-s=1.5 sigma-r=0.05",
    "sigma-s=3 sigma-r=0.1",
    "sigma-s=4 sigma-r=0.2",
    "sigma-s=6 sigma-r=0.4",
    "sigma-s=8 sigma-r=0.6",
    "sigma-s=10 sigma-r=0.8",
    NULL,
};

const pln_method pln_method_bf = {
    .size = sizeof(pln_method),
    .name = "bf",
    .title = "Bilateral filter",
    .paper = "C. Tomasi, R. Manduchi, \"Bilateral Filtering for Gray and Color Images\", ICCV 1998",
    .year = 1998,
    .summary = "averages the neighbours that are near in space and in colour",
    .formula =
        "    O_p = Σ_q w_pq I_q / Σ_q w_pq\n"
        "    w_pq = exp(-|p - q|² / (2 σ_s²)) · exp(-d(G_p, G_q)² / (2 σ_r²))\n"
        "\n"
        "q runs over the window of radius R around p, a square or a disk. G is the picture itself, "
        "or the guide (joint bilateral filter).\n"
        "\n"
        "| `--range-norm` | d |\n"
        "|---|---|\n"
        "| `l2` | √ Σ_c (G_p,c - G_q,c)², one weight for all channels |\n"
        "| `l1` | Σ_c \\|G_p,c - G_q,c\\|, as OpenCV |\n"
        "| `channel` | each channel with weights of its own, from the guide's same channel |\n"
        "| `lab` | Euclidean in CIELAB with 100 σ_r; colours are averaged in CIELAB and brought "
        "back "
        "into [0,1] |\n"
        "\n"
        "Grey pictures and guides are never converted. All weights are computed; nothing is "
        "subsampled or tabulated.",
    .use = "Noise and faint texture, when edges must stay where they are and one pass with two "
           "easily understood parameters should do. With a guide: smoothing a noisy picture along "
           "the edges of a clean one.",
    .avoid =
        "Texture of high contrast: it survives, or σ_r becomes so large that edges blur. Large "
        "windows: the cost grows with R². Steep edges can become steeper (gradient reversal) "
        "when the detail layer is amplified; the guided filter or wls are safer there.",
    .cost = "O(N R²)",
    .schema = bf_schema,
    .params_size = sizeof(struct bf_params),
    .presets = bf_presets,
    .grid = bf_grid,
    .ladder = bf_ladder,
    .caps = PLN_CAP_GUIDE,
    .halo = bf_halo,
    .memory = bf_memory,
    .nanoseconds = bf_nanoseconds,
    .run = bf_run,
    .constant_tolerance = 1e-6,
    .flip_tolerance = 2e-6,
};
