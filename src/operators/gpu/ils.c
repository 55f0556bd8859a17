/* SPDX-License-Identifier: MIT */
/* Iterative least squares on a device. What differs from operators/ils.c: gradients are changed
 * pixel by pixel, and whole planes are transformed. */
#include "operators/gpu/gradient.h"

extern const pln_method pln_method_ils;

struct layout {
    float *pixels; /* the input, then the output */
    float *f, *u;  /* planes; f: of anchor input */
    struct gpu_poisson poisson;
    struct gpu_sums sums;
};

static struct layout lay_out(struct gpu *g, const struct ils_params *p, size_t n, size_t c,
                             const struct gpu_poisson *poisson)
{
    struct layout m = {.pixels = gpu_floats(g, n * c), .poisson = *poisson};
    m.u = gpu_floats(g, n * c);
    m.f = p->anchor == ILS_INPUT ? gpu_floats(g, n * c) : m.u;
    gpu_poisson_take(g, &m.poisson);
    gpu_sums_take(g, c, n, &m.sums);
    return m;
}

static size_t bytes_with(const struct ils_params *p, size_t n, size_t c,
                         const struct gpu_poisson *poisson)
{
    struct gpu g = {NULL};
    lay_out(&g, p, n, c, poisson);
    return g.used;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    struct gpu_poisson poisson = gpu_poisson_of(w, h, c, false);
    (void)guide;
    return bytes_with(params, w * h, c, &poisson);
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct ils_params *p = r->params;
    size_t n = r->w * r->h, c = r->in.c;
    struct gpu_poisson poisson = gpu_poisson_of(r->w, r->h, c, false);
    struct gpu g = {NULL};
    pln_status s = PLN_OK;

    PLN_TRY(gpu_poisson_open(d, &poisson));
    PLN_TRY(gpu_begin(&g, ctx, d, bytes_with(p, n, c, &poisson), "ils"));
    struct layout m = lay_out(&g, p, n, c, &poisson);
    PLN_TRY(gpu_progress(&g, 0, "steps"));
    PLN_TRY(gpu_poisson_fill(&g, &m.poisson));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    PLN_TRY(gpu_to_planes(&g, m.pixels, m.u, n, c, CU_COLOUR_SAME, 1));
    if (p->anchor == ILS_INPUT) PLN_TRY(gpu_to_planes(&g, m.pixels, m.f, n, c, CU_COLOUR_SAME, 1));
    double bound = pln_ils_bound(p);
    cu_gradient q = {.change =
                         p->penalty == ILS_CHARBONNIER ? CU_CHANGE_CHARBONNIER : CU_CHANGE_WELSCH,
                     .w = r->w,
                     .h = r->h,
                     .c = c,
                     .u = m.u,
                     .row = r->w,
                     .plane = n,
                     .base = m.f,
                     .f = m.poisson.f,
                     .k = (float)(p->lambda / 2),
                     .p = (float)p->power,
                     .eps = (float)p->eps,
                     .gamma = (float)p->gamma,
                     .bound = (float)bound};

    for (int i = 0; i < p->iterations; i++) {
        PLN_TRY(gpu_progress(&g, (double)i / p->iterations, "steps"));
        PLN_TRY(gpu_launch(&g, gradient, &q, n));
        PLN_TRY(gpu_poisson_solve(&g, &m.poisson, bound * p->lambda / 2, m.u));
    }
    PLN_TRY(gpu_keep_mean(&g, &m.sums, &q, m.pixels));
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    gpu_poisson_close(d, &poisson);
    return s;
}

const struct gpu_method gpu_ils = {&pln_method_ils, bytes, run};
