/* SPDX-License-Identifier: MIT */
/* Domain transform on a device. What differs from operators/dt.c: a thread a line and channel of
 * planes, boxes from one set of planes to another, a^d from d in every pass. */
#include "operators/dt.h"
#include "operators/gpu/gpu.h"

extern const pln_method pln_method_dt_nc, pln_method_dt_ic, pln_method_dt_rf;

struct layout {
    float *pixels, *guide_pixels;
    float *F, *next; /* planes; of the recursion one */
    float *dx, *dy;
};

static struct layout lay_out(struct gpu *g, bool box, size_t n, size_t c, size_t guide)
{
    struct layout m = {.pixels = gpu_floats(g, n * c)};
    m.guide_pixels = guide ? gpu_floats(g, n * guide) : m.pixels;
    m.F = gpu_floats(g, n * c);
    m.next = box ? gpu_floats(g, n * c) : m.F;
    m.dx = gpu_floats(g, n);
    m.dy = gpu_floats(g, n);
    return m;
}

static size_t bytes_of(bool box, size_t n, size_t c, size_t guide)
{
    struct gpu g = {NULL};
    lay_out(&g, box, n, c, guide);
    return g.used;
}

static size_t box_bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    (void)params;
    return bytes_of(true, w * h, c, guide);
}

static size_t rf_bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    (void)params;
    return bytes_of(false, w * h, c, guide);
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r, cu_kernel filter)
{
    const struct dt_params *p = r->params;
    size_t w = r->w, h = r->h, n = w * h, c = r->in.c, guide = r->guide.data ? r->guide.c : 0;
    bool box = filter != CU_dt_rf;
    struct gpu g;
    pln_status s = PLN_OK;

    PLN_TRY(gpu_begin(&g, ctx, d, bytes_of(box, n, c, guide), "dt"));
    struct layout m = lay_out(&g, box, n, c, guide);
    PLN_TRY(gpu_progress(&g, 0, "transform"));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    if (guide) PLN_TRY(gpu_upload_view(&g, m.guide_pixels, &r->guide));
    cu_dt transform = {.I = m.guide_pixels,
                       .w = w,
                       .h = h,
                       .c = guide ? guide : c,
                       .ratio = (float)(p->sigma_s / p->sigma_r),
                       .far = DT_FAR,
                       .dx = m.dx,
                       .dy = m.dy};
    PLN_TRY(gpu_launch(&g, dt_transform, &transform, n));
    PLN_TRY(gpu_to_planes(&g, m.pixels, m.F, n, c, CU_COLOUR_SAME, 1));

    cu_dt_lines rows = {.count = h,
                        .n = w,
                        .along = 1,
                        .across = w,
                        .plane = n,
                        .in = m.F,
                        .out = m.next,
                        .d = m.dx},
                columns = {.count = w,
                           .n = h,
                           .along = w,
                           .across = 1,
                           .plane = n,
                           .in = m.next,
                           .out = m.F,
                           .d = m.dy};
    for (int i = 0; i < p->iterations; i++) {
        double sigma = pln_dt_sigma(p, i);
        PLN_TRY(gpu_progress(&g, (double)i / p->iterations, "passes"));
        rows.r = columns.r = pln_dt_box(sigma);
        rows.log_a = columns.log_a = (float)pln_dt_feedback(sigma);
        PLN_TRY(d->ops->launch(d, filter, &rows, c * rows.count));
        PLN_TRY(d->ops->launch(d, filter, &columns, c * columns.count));
    }
    PLN_TRY(gpu_to_pixels(&g, m.F, m.pixels, n, c, CU_COLOUR_SAME, 1));
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    return s;
}

static pln_status nc_run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    return run(ctx, d, r, CU_dt_nc);
}

static pln_status ic_run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    return run(ctx, d, r, CU_dt_ic);
}

static pln_status rf_run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    return run(ctx, d, r, CU_dt_rf);
}

const struct gpu_method gpu_dt_nc = {&pln_method_dt_nc, box_bytes, nc_run};
const struct gpu_method gpu_dt_ic = {&pln_method_dt_ic, box_bytes, ic_run};
const struct gpu_method gpu_dt_rf = {&pln_method_dt_rf, rf_bytes, rf_run};
