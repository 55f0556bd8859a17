/* SPDX-License-Identifier: MIT */
/* Bilateral filter on a device. What differs from operators/bf.c: planes, and the whole picture at
 * once. */
#include "operators/gpu/bilateral.h"

extern const pln_method pln_method_bf;

struct layout {
    float *in, *guide_in;         /* pixels */
    float *data, *guide, *result; /* planes; data and guide are one where the data are scaled too */
    struct gpu_window window;
};

static struct layout lay_out(struct gpu *g, const struct bf_params *p, size_t n, size_t c,
                             size_t guide)
{
    struct layout m = {.in = gpu_floats(g, n * c)};
    m.data = gpu_floats(g, n * c);
    m.result = gpu_floats(g, n * c);
    m.guide_in = guide ? gpu_floats(g, n * guide) : m.in;
    m.guide = guide ? gpu_floats(g, n * guide) : m.data;
    gpu_window_take(g, &p->b, &m.window);
    return m;
}

static size_t bytes(const void *params, size_t w, size_t h, size_t c, size_t guide)
{
    struct gpu g = {NULL};
    lay_out(&g, params, w * h, c, guide);
    return g.used;
}

static pln_status run(pln_context *ctx, pln_device *d, const pln_run *r)
{
    const struct bf_params *p = r->params;
    size_t n = r->w * r->h, c = r->in.c, guide = r->guide.data ? r->guide.c : 0;
    size_t guides = guide ? guide : c;
    bool lab = p->b.range_norm == PLN_NORM_LAB;
    cu_colour data_colour = lab && c == 3 ? CU_COLOUR_LAB : CU_COLOUR_SAME,
              guide_colour = lab && guides == 3 ? CU_COLOUR_LAB : CU_COLOUR_SAME;
    float scale = pln_bilateral_scale(&p->b, guides, false), back = guide ? 1 : 1 / scale;
    struct gpu g;
    pln_status s = PLN_OK;

    PLN_TRY(gpu_begin(&g, ctx, d, bytes(p, r->w, r->h, c, guide), "bf"));
    struct layout m = lay_out(&g, p, n, c, guide);
    PLN_TRY(gpu_progress(&g, 0, "averaging"));
    PLN_TRY(gpu_window_fill(&g, &m.window));
    PLN_TRY(gpu_upload_view(&g, m.in, &r->in));
    if (guide) {
        PLN_TRY(gpu_upload_view(&g, m.guide_in, &r->guide));
        PLN_TRY(gpu_to_planes(&g, m.guide_in, m.guide, n, guide, guide_colour, scale));
    }
    PLN_TRY(gpu_to_planes(&g, m.in, m.data, n, c, data_colour, guide ? 1 : scale));
    PLN_TRY(gpu_bilateral(&g, &m.window, r->w, r->h, m.guide, guides, m.data, c, m.result, back, 0,
                          1, "averaging"));
    PLN_TRY(gpu_to_pixels(&g, m.result, m.in, n, c, data_colour, 1));
    PLN_TRY(gpu_download_view(&g, &r->out, m.in));
done:
    gpu_end(&g);
    return s;
}

const struct gpu_method gpu_bf = {&pln_method_bf, bytes, run};
