/* SPDX-License-Identifier: MIT */
/* The joint bilateral filter behind bf and rgf on a device. */
#ifndef PLN_OPERATORS_GPU_BILATERAL_H
#define PLN_OPERATORS_GPU_BILATERAL_H

#include "operators/bilateral.h"
#include "operators/gpu/gpu.h"

/* Window and spatial weights in the device's memory. */
struct gpu_window {
    const struct pln_bilateral_params *params;
    float *log_space;
    ptrdiff_t *reach;
};

void gpu_window_take(struct gpu *g, const struct pln_bilateral_params *p, struct gpu_window *w);
pln_status gpu_window_fill(struct gpu *g, const struct gpu_window *w) PLN_CHECK;

/* out = factor times the filtered planes. guide: multiplied by pln_bilateral_scale. Tells its
 * progress in [from, to]. */
pln_status gpu_bilateral(struct gpu *g, const struct gpu_window *window, size_t w, size_t h,
                         const float *guide, size_t guides, const float *data, size_t datas,
                         float *out, float factor, double from, double to,
                         const char *stage) PLN_CHECK;

#endif
