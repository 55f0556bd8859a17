/* SPDX-License-Identifier: MIT */
/* The joint bilateral filter. What differs from operators/bilateral.c: a pixel's sum is one
 * index's, from whole planes, and borders are looked up instead of filled in. */
#include "operators/gpu/bilateral.h"

/* Weights a launch, so that a stop is heard: some milliseconds; pixels that it has at least. */
#define LAUNCH_WORK   ((size_t)1 << 30)
#define LAUNCH_PIXELS ((size_t)1 << 16)

static size_t side_of(const struct pln_bilateral_params *p)
{
    return 2 * (size_t)pln_bilateral_radius(p) + 1;
}

void gpu_window_take(struct gpu *g, const struct pln_bilateral_params *p, struct gpu_window *w)
{
    size_t side = side_of(p), rows = side / 2 + 1;
    w->params = p;
    w->log_space = gpu_floats(g, rows * side);
    w->reach = gpu_take(g, rows, sizeof *w->reach);
}

pln_status gpu_window_fill(struct gpu *g, const struct gpu_window *w)
{
    size_t side = side_of(w->params), rows = side / 2 + 1;
    float *log_space = NULL;
    ptrdiff_t *reach = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(g->ctx, rows * side, sizeof *log_space, &log_space));
    PLN_TRY(pln_alloc(g->ctx, rows, sizeof *reach, &reach));
    pln_bilateral_window(w->params, log_space, reach);
    PLN_TRY(gpu_upload(g, w->log_space, log_space, rows * side * sizeof *log_space));
    PLN_TRY(gpu_upload(g, w->reach, reach, rows * sizeof *reach));
done:
    pln_free(reach);
    pln_free(log_space);
    return s;
}

pln_status gpu_bilateral(struct gpu *g, const struct gpu_window *window, size_t w, size_t h,
                         const float *guide, size_t guides, const float *data, size_t datas,
                         float *out, float factor, double from, double to, const char *stage)
{
    const struct pln_bilateral_params *p = window->params;
    size_t n = w * h, side = side_of(p);
    size_t most = pln_max(LAUNCH_PIXELS, LAUNCH_WORK / (side * side));
    bool by_channel = p->range_norm == PLN_NORM_CHANNEL && guides == 3 && datas == 3;
    size_t times = by_channel ? 3 : 1;
    cu_window q = {.w = w,
                   .h = h,
                   .guides = by_channel ? 1 : (int)guides,
                   .datas = by_channel ? 1 : (int)datas,
                   .radius = pln_bilateral_radius(p),
                   .border = (cu_border)p->border,
                   .l1 = p->range_norm == PLN_NORM_L1,
                   .log_space = window->log_space,
                   .reach = window->reach,
                   .factor = factor};
    pln_status s = PLN_OK;

    for (size_t k = 0; k < times; k++) {
        q.guide = guide + k * n;
        q.data = data + k * n;
        q.out = out + k * n;
        for (q.first = 0; q.first < n; q.first += most) {
            double done = ((double)k + (double)q.first / (double)n) / (double)times;
            PLN_TRY(gpu_progress(g, from + (to - from) * done, stage));
            PLN_TRY(gpu_launch(g, window, &q, pln_min(most, n - q.first)));
        }
    }
done:
    return s;
}
