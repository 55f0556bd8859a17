/* SPDX-License-Identifier: MIT */
/* Relative total variation on a device. What differs from operators/rtv.c: planes, and another
 * preconditioner of the linear systems. */
#include "operators/rtv.h"
#include "operators/gpu/spd.h"

extern const pln_method pln_method_rtv;

struct layout {
    float *pixels, *taps;
    struct gpu_spd A;
};

static size_t taps_of(double sigma) { return 2 * (size_t)pln_rtv_radius(sigma) + 1; }

static struct layout lay_out(struct gpu *g, const struct rtv_params *p, size_t w, size_t h,
                             size_t c)
{
    struct layout m = {.pixels = gpu_floats(g, w * h * c)};
    m.taps = gpu_floats(g, taps_of(p->sigma));
    gpu_spd_take(g, w, h, c, &m.A);
    return m;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    struct gpu g = {NULL};
    (void)guide;
    lay_out(&g, params, w, h, c);
    return g.used;
}

/* Weights from the picture x. */
static pln_status weigh(struct gpu *g, const struct layout *m, const struct rtv_params *p,
                        const float *x, double sigma)
{
    const struct gpu_spd *A = &m->A;
    size_t n = A->w * A->h;
    const cu_convolve blur = {.in = x,
                              .out = A->p,
                              .w = A->w,
                              .h = A->h,
                              .radius = pln_rtv_radius(sigma),
                              .border = CU_BORDER_ZERO,
                              .scale = 1};
    cu_rtv weights = {.x = x,
                      .blurred = A->p,
                      .right = A->right,
                      .down = A->down,
                      .w = A->w,
                      .h = A->h,
                      .c = A->c,
                      .factor = (float)(p->lambda / 2),
                      .eps = RTV_EPS,
                      .eps_s = (float)p->sharpness};
    pln_status s = PLN_OK;

    PLN_TRY(gpu_gaussian(g, &blur, sigma, A->c, m->taps, A->q));
    PLN_TRY(gpu_launch(g, rtv, &weights, n));
done:
    return s;
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct rtv_params *p = r->params;
    size_t n = r->w * r->h, c = r->in.c;
    double sigma = p->sigma;
    struct gpu g;
    pln_status s = PLN_OK;

    PLN_TRY(gpu_begin(&g, ctx, d, bytes(p, r->w, r->h, c, 0), "rtv"));
    struct layout m = lay_out(&g, p, r->w, r->h, c);
    PLN_TRY(gpu_progress(&g, 0, "weights"));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    PLN_TRY(gpu_to_planes(&g, m.pixels, m.A.f, n, c, CU_COLOUR_SAME, 1));
    for (int i = 0; i < p->iterations; i++) {
        pln_spd_options o = {.tolerance = p->tolerance,
                             .warm = i > 0,
                             .progress_from = (double)i / p->iterations,
                             .progress_to = (double)(i + 1) / p->iterations};
        PLN_TRY(gpu_progress(&g, o.progress_from, "weights"));
        PLN_TRY(weigh(&g, &m, p, i > 0 ? m.A.u : m.A.f, sigma));
        PLN_TRY(gpu_spd_solve(&g, &m.A, &o));
        sigma = pln_rtv_next(sigma);
    }
    PLN_TRY(gpu_to_pixels(&g, m.A.u, m.pixels, n, c, CU_COLOUR_SAME, 1));
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    return s;
}

const struct gpu_method gpu_rtv = {&pln_method_rtv, bytes, run};
