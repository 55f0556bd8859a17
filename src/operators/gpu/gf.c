/* SPDX-License-Identifier: MIT */
/* Guided filter on a device. What differs from operators/gf.c and guided.c: each of the two window
 * sums is two passes down columns, with the picture transposed between them, over whole planes. */
#include <string.h>

#include "operators/gpu/gpu.h"
#include "operators/guided.h"

_Static_assert((int)CU_BOX_TERMS >= GUIDED_TERMS, "all terms have room");

extern const pln_method pln_method_gf;

struct layout {
    float *pixels, *guide_pixels;
    float *sources; /* planes: guides from 0, inputs from 3 */
    float *coefs;
    double *a, *b; /* planes, of terms or coefficients */
};

static struct layout lay_out(struct gpu *g, const struct guided_plan *plan, size_t n, size_t c,
                             size_t guide)
{
    size_t most = (size_t)(plan->terms > plan->coefs ? plan->terms : plan->coefs);
    struct layout m = {.pixels = gpu_floats(g, n * c)};
    m.guide_pixels = guide ? gpu_floats(g, n * guide) : m.pixels;
    m.sources = gpu_floats(g, n * (plan->self ? (size_t)plan->guides : 3 + c));
    m.coefs = gpu_floats(g, n * (size_t)plan->coefs);
    m.a = gpu_take(g, n * most, sizeof *m.a);
    m.b = gpu_take(g, n * most, sizeof *m.b);
    return m;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    const struct gf_params *p = params;
    struct guided_plan plan;
    struct gpu g = {NULL};
    pln_guided_plan(&plan, p->mode, c, guide);
    lay_out(&g, &plan, w * h, c, guide);
    return g.used;
}

/* Sums of `planes` planes of w x h down their columns. */
static pln_status box(struct gpu *g, cu_box *p, int planes, size_t radius)
{
    p->segment = pln_guided_block(p->radius = pln_min(radius, p->h - 1));
    return gpu_launch(g, box, p, (size_t)planes * pln_div_up(p->h, p->segment) * p->w);
}

static pln_status transpose(struct gpu *g, const double *in, double *out, size_t w, size_t h,
                            int planes)
{
    cu_transpose p = {.in = in, .out = out, .w = w, .h = h};
    return gpu_launch(g, transpose, &p,
                      (size_t)planes * pln_div_up(w, 16) * pln_div_up(h, 16) * 256);
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct gf_params *p = r->params;
    size_t w = r->w, h = r->h, n = w * h, c = r->in.c, guide = r->guide.data ? r->guide.c : 0;
    size_t radius = (size_t)p->radius;
    struct guided_plan plan;
    struct gpu g;
    pln_status s = PLN_OK;

    pln_guided_plan(&plan, p->mode, c, guide);
    PLN_TRY(gpu_begin(&g, ctx, d, bytes(p, w, h, c, guide), "gf"));
    struct layout m = lay_out(&g, &plan, n, c, guide);
    PLN_TRY(gpu_progress(&g, 0, "models"));
    PLN_TRY(gpu_upload_view(&g, m.pixels, &r->in));
    if (guide) PLN_TRY(gpu_upload_view(&g, m.guide_pixels, &r->guide));
    PLN_TRY(gpu_to_planes(&g, m.guide_pixels, m.sources, n, guide ? guide : c,
                          plan.luma ? CU_COLOUR_LUMA : CU_COLOUR_SAME, 1));
    if (!plan.self)
        PLN_TRY(gpu_to_planes(&g, m.pixels, m.sources + 3 * n, n, c, CU_COLOUR_SAME, 1));

    cu_box down = {.in = m.sources, .out = m.a, .w = w, .h = h};
    memcpy(down.term, plan.term, sizeof plan.term);
    PLN_TRY(box(&g, &down, plan.terms, radius));
    PLN_TRY(transpose(&g, m.a, m.b, w, h, plan.terms));
    cu_box across = {.sums = m.b, .out = m.a, .w = h, .h = w};
    PLN_TRY(box(&g, &across, plan.terms, radius));
    cu_guided q = {.kind = (cu_guided_kind)plan.kind,
                   .self = plan.self,
                   .guides = plan.guides,
                   .inputs = plan.inputs,
                   .w = h,
                   .h = w,
                   .rx = pln_min(radius, h - 1),
                   .ry = pln_min(radius, w - 1),
                   .eps = p->eps,
                   .sums = m.a,
                   .coef = m.coefs,
                   .in = m.sources,
                   .out = m.pixels};
    PLN_TRY(gpu_launch(&g, guided_solve, &q, n));

    PLN_TRY(gpu_progress(&g, 0.6, "means"));
    /* From the transposed coefficients back. */
    cu_box back = {.in = m.coefs, .out = m.b, .w = h, .h = w};
    for (int i = 0; i < plan.coefs; i++) back.term[i][0] = i, back.term[i][1] = -1;
    PLN_TRY(box(&g, &back, plan.coefs, radius));
    PLN_TRY(transpose(&g, m.b, m.a, h, w, plan.coefs));
    cu_box means = {.sums = m.a, .out = m.b, .w = w, .h = h};
    PLN_TRY(box(&g, &means, plan.coefs, radius));
    q.w = w;
    q.h = h;
    q.rx = pln_min(radius, w - 1);
    q.ry = pln_min(radius, h - 1);
    q.sums = m.b;
    PLN_TRY(gpu_launch(&g, guided_apply, &q, n));
    PLN_TRY(gpu_download_view(&g, &r->out, m.pixels));
done:
    gpu_end(&g);
    return s;
}

const struct gpu_method gpu_gf = {&pln_method_gf, bytes, run};
