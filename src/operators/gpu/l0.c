/* SPDX-License-Identifier: MIT */
/* L0 gradient minimisation on a device. What differs from operators/l0.c: gradients are changed
 * pixel by pixel, and whole planes are transformed; S is as large as those. */
#include "operators/gpu/gradient.h"

extern const pln_method pln_method_l0;

struct layout {
    float *pixels; /* the input, then the output */
    float *I, *S;  /* planes */
    struct gpu_poisson poisson;
    struct gpu_sums sums;
};

static struct layout lay_out(struct gpu *g, size_t n, size_t c, const struct gpu_poisson *poisson)
{
    struct layout m = {.pixels = gpu_floats(g, n * c), .poisson = *poisson};
    m.I = gpu_floats(g, n * c);
    m.S = gpu_floats(g, poisson->w * poisson->h * c);
    gpu_poisson_take(g, &m.poisson);
    gpu_sums_take(g, c, n, &m.sums);
    return m;
}

static size_t bytes_with(size_t n, size_t c, const struct gpu_poisson *poisson)
{
    struct gpu g = {NULL};
    lay_out(&g, n, c, poisson);
    return g.used;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    const struct l0_params *p = params;
    struct gpu_poisson poisson = gpu_poisson_of(w, h, c, p->border == L0_REFLECT);
    (void)guide;
    return bytes_with(w * h, c, &poisson);
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct l0_params *p = r->params;
    size_t n = r->w * r->h, c = r->in.c;
    bool reflect = p->border == L0_REFLECT;
    struct gpu_poisson poisson = gpu_poisson_of(r->w, r->h, c, reflect);
    struct gpu g = {NULL};
    pln_status s = PLN_OK;

    PLN_TRY(gpu_poisson_open(d, &poisson));
    PLN_TRY(gpu_begin(&g, ctx, d, bytes_with(n, c, &poisson), "l0"));
    struct layout m = lay_out(&g, n, c, &poisson);
    PLN_TRY(gpu_progress(&g, 0, "steps"));
    PLN_TRY(gpu_poisson_fill(&g, &m.poisson));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    PLN_TRY(gpu_to_planes(&g, m.pixels, m.I, n, c, CU_COLOUR_SAME, 1));
    cu_gradient q = {.change = CU_CHANGE_THRESHOLD,
                     .w = r->w,
                     .h = r->h,
                     .c = c,
                     .reflect = reflect,
                     .u = m.I,
                     .row = r->w,
                     .plane = n,
                     .base = m.I,
                     .f = m.poisson.f};

    int step = 0, steps = pln_l0_steps(p);
    for (double beta = 2 * p->lambda; beta < p->beta_max; beta *= p->kappa, step++) {
        PLN_TRY(gpu_progress(&g, (double)step / steps, "steps"));
        q.threshold = (float)(p->lambda / beta);
        q.k = (float)beta;
        PLN_TRY(gpu_launch(&g, gradient, &q, n));
        PLN_TRY(gpu_poisson_solve(&g, &m.poisson, beta, m.S));
        q.u = m.S;
        q.row = poisson.w;
        q.plane = poisson.w * poisson.h;
    }
    if (step > 0) PLN_TRY(gpu_keep_mean(&g, &m.sums, &q, m.pixels));
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    gpu_poisson_close(d, &poisson);
    return s;
}

const struct gpu_method gpu_l0 = {&pln_method_l0, bytes, run};
