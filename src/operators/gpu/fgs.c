/* SPDX-License-Identifier: MIT */
/* Fast global smoother on a device. What differs from operators/fgs.c: a line is one thread's, in
 * the picture itself, and weights are made again in each pass. */
#include "operators/fgs.h"
#include "operators/gpu/gpu.h"

extern const pln_method pln_method_fgs;

struct layout {
    float *pixels, *guide; /* guide: NULL where the picture steers itself */
    float *q;
};

/* guide: channels of what steers throughout, 0: nothing does. */
static struct layout lay_out(struct gpu *g, size_t n, size_t c, size_t guide)
{
    struct layout m = {.pixels = gpu_floats(g, n * c)};
    m.guide = guide ? gpu_floats(g, n * guide) : NULL;
    m.q = gpu_floats(g, n);
    return m;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    const struct fgs_params *p = params;
    struct gpu g = {NULL};
    lay_out(&g, w * h, c, (guide || p->guide_mode == FGS_GUIDE_MOVING) ? guide : c);
    return g.used;
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct fgs_params *p = r->params;
    pln_view guide = pln_fgs_guide(r);
    double lambda = pln_fgs_first_lambda(p);
    struct gpu g;
    pln_status s = PLN_OK;

    PLN_TRY(gpu_begin(&g, ctx, d, bytes(p, r->w, r->h, r->in.c, r->guide.data ? r->guide.c : 0),
                      "fgs"));
    struct layout m = lay_out(&g, r->w * r->h, r->in.c, guide.data ? guide.c : 0);
    PLN_TRY(gpu_progress(&g, 0, "passes"));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    if (guide.data) PLN_TRY(gpu_upload_view(&g, m.guide, &guide));
    for (int t = 0; t < p->iterations; t++, lambda /= p->attenuation) {
        cu_fgs rows = {.u = m.pixels,
                       .c = r->in.c,
                       .guide = m.guide,
                       .guides = guide.c,
                       .q = m.q,
                       .lines = r->h,
                       .n = r->w,
                       .across = r->w,
                       .along = 1,
                       .rate = pln_fgs_rate(p),
                       .lambda = (float)lambda};
        cu_fgs columns = rows;
        columns.lines = columns.along = r->w;
        columns.n = r->h;
        columns.across = 1;
        PLN_TRY(gpu_progress(&g, (double)t / p->iterations, "passes"));
        PLN_TRY(gpu_launch(&g, fgs, &rows, rows.lines));
        PLN_TRY(gpu_launch(&g, fgs, &columns, columns.lines));
    }
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    return s;
}

const struct gpu_method gpu_fgs = {&pln_method_fgs, bytes, run};
