/* SPDX-License-Identifier: MIT */
/* Rolling guidance filter on a device. What differs from operators/rgf.c: every step is of the
 * whole picture, and leaves its result as the next one's scaled guide. */
#include "operators/gpu/bilateral.h"

extern const pln_method pln_method_rgf;

struct layout {
    float *pixels, *data, *guide[2]; /* planes but for the first */
    float *taps;
    struct gpu_window window;
};

static size_t taps_of(const struct rgf_params *p)
{
    return 2 * (size_t)pln_bilateral_radius(&p->b) + 1;
}

static struct layout lay_out(struct gpu *g, const struct rgf_params *p, size_t n, size_t c)
{
    struct layout m = {.pixels = gpu_floats(g, n * c)};
    m.data = gpu_floats(g, n * c);
    for (int k = 0; k < 2; k++) m.guide[k] = gpu_floats(g, n * c);
    m.taps = gpu_floats(g, taps_of(p));
    gpu_window_take(g, &p->b, &m.window);
    return m;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    struct gpu g = {NULL};
    (void)guide;
    lay_out(&g, params, w * h, c);
    return g.used;
}

/* J^1 times scale in guide[0], where the first step is separable. */
static pln_status gaussian_step(struct gpu *g, const struct layout *m, const struct rgf_params *p,
                                size_t w, size_t h, size_t c, float scale)
{
    const cu_convolve blur = {.in = m->data,
                              .out = m->guide[0],
                              .w = w,
                              .h = h,
                              .radius = pln_bilateral_radius(&p->b),
                              .border = (cu_border)p->b.border,
                              .scale = scale};
    return gpu_gaussian(g, &blur, p->b.sigma_s, c, m->taps, m->pixels);
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct rgf_params *p = r->params;
    size_t n = r->w * r->h, c = r->in.c;
    bool in_lab = p->b.range_norm == PLN_NORM_LAB && c == 3;
    cu_colour colour = in_lab ? CU_COLOUR_LAB : CU_COLOUR_SAME;
    float scale = pln_bilateral_scale(&p->b, c, false), factor = scale;
    struct gpu g;
    pln_status s = PLN_OK;

    PLN_TRY(gpu_begin(&g, ctx, d, bytes(p, r->w, r->h, c, 0), "rgf"));
    struct layout m = lay_out(&g, p, n, c);
    PLN_TRY(gpu_progress(&g, 0, "rolling"));
    PLN_TRY(gpu_window_fill(&g, &m.window));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    PLN_TRY(gpu_to_planes(&g, m.pixels, m.data, n, c, colour, 1));
    for (int t = 1; t <= p->iterations; t++) {
        float *guide = m.guide[t % 2], *next = m.guide[(t - 1) % 2];
        if (t == p->iterations) factor = 1;
        if (t == 1 && p->init == RGF_INIT_CONSTANT && p->b.window == PLN_WINDOW_SQUARE) {
            PLN_TRY(gaussian_step(&g, &m, p, r->w, r->h, c, factor));
            continue;
        }
        if (t == 1) /* the input, or one that is as good as constant */
            PLN_TRY(gpu_to_planes(&g, m.pixels, guide, n, c, colour,
                                  p->init == RGF_INIT_CONSTANT ? pln_bilateral_scale(&p->b, c, true)
                                                               : scale));
        PLN_TRY(gpu_bilateral(&g, &m.window, r->w, r->h, guide, c, m.data, c, next, factor,
                              (double)(t - 1) / p->iterations, (double)t / p->iterations,
                              "rolling"));
    }
    PLN_TRY(gpu_to_pixels(&g, m.guide[(p->iterations - 1) % 2], m.pixels, n, c, colour, 1));
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    return s;
}

const struct gpu_method gpu_rgf = {&pln_method_rgf, bytes, run};
