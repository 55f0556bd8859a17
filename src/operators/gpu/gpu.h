/* SPDX-License-Identifier: MIT */
/* Methods on a device. Each file here reads beside the one of the same name above: same symbols,
 * same order of steps; the whole picture at once, in the device's memory. */
#ifndef PLN_OPERATORS_GPU_GPU_H
#define PLN_OPERATORS_GPU_GPU_H

#include "device/kernels/list.h"
#include "device/ops.h"
#include "operators/operators.h"

struct gpu_method {
    const pln_method *method;
    /* Of the device's memory, for a picture of c channels and a guide of `guide` (0: none). */
    size_t (*bytes)(const void *params, size_t w, size_t h, size_t c, size_t guide);
    /* The whole picture. PLN_E_LIMIT, PLN_E_UNSUPPORTED: nothing is done yet, the CPU can. */
    pln_status (*run)(pln_context *ctx, pln_device *d, const pln_run *r);
};
/* NULL: the method has no version for devices. */
const struct gpu_method *gpu_method_of(const pln_method *method);

/* PLN_E_LIMIT with both figures where the device has less than `bytes`. */
pln_status gpu_fits(pln_context *ctx, pln_device *d, const struct gpu_method *m,
                    size_t bytes) PLN_CHECK;

extern const struct gpu_method gpu_bf, gpu_dt_ic, gpu_dt_nc, gpu_dt_rf, gpu_fgs, gpu_gf, gpu_ils,
    gpu_l0, gpu_rgf, gpu_rtv;

/* ---- One run: one block of the device's memory, dealt out by the method's layout ---- */

struct gpu {
    pln_context *ctx;
    pln_device *d;
    char *memory; /* NULL: only counted, for gpu_method.bytes */
    size_t used;
};

/* Room for count x size bytes. The same takes that were counted are made from the block. */
void *gpu_take(struct gpu *g, size_t count, size_t size);
static inline float *gpu_floats(struct gpu *g, size_t count)
{
    return gpu_take(g, count, sizeof(float));
}
/* Opens a run with a block of so many bytes. */
pln_status gpu_begin(struct gpu *g, pln_context *ctx, pln_device *d, size_t bytes,
                     const char *what) PLN_CHECK;
void gpu_end(struct gpu *g);

/* cu_NAME_body(parameters, i) for i in [0, n). */
#define gpu_launch(g, name, parameters, n)                                                         \
    ((g)->d->ops->launch((g)->d, CU_##name, (parameters), (n)))
pln_status gpu_upload(struct gpu *g, void *to, const void *from, size_t bytes) PLN_CHECK;
/* Rows of a view, dense, and back; at the end of a run. */
pln_status gpu_upload_view(struct gpu *g, float *to, const pln_view *from) PLN_CHECK;
pln_status gpu_download_view(struct gpu *g, const pln_view *to, const float *from) PLN_CHECK;
/* Waits for the device, and tells how far the run is: what is asked for later is not done once the
 * callback has said stop. */
pln_status gpu_progress(struct gpu *g, double fraction, const char *stage) PLN_CHECK;

/* ---- Planes ---- */

/* Pixels to planes with a change of colours, and planes to pixels with it undone. */
pln_status gpu_to_planes(struct gpu *g, const float *in, float *out, size_t n, size_t c,
                         cu_colour colour, float scale) PLN_CHECK;
pln_status gpu_to_pixels(struct gpu *g, const float *in, float *out, size_t n, size_t c,
                         cu_colour colour, float scale) PLN_CHECK;

/* ---- Gaussian (solve/gaussian.c) ---- */

/* Planes blur->in to blur->out, through work, as large. taps: room for the 2 radius + 1 of sigma;
 * they and the directions are set here. */
pln_status gpu_gaussian(struct gpu *g, const cu_convolve *blur, double sigma, size_t planes,
                        float *taps, float *work) PLN_CHECK;

/* ---- Sums: of parts, which kernels make (kernels/reduce.h), in an order that sizes fix ---- */

struct gpu_sums {
    size_t outs, parts;
    cu_pair *part;  /* parts x outs */
    cu_pair *fold;  /* some of them together */
    cu_pair *total; /* outs */
};
/* Of `outs` results, each over `count` elements. */
void gpu_sums_take(struct gpu *g, size_t outs, size_t count, struct gpu_sums *s);
/* part -> total */
pln_status gpu_sum(struct gpu *g, const struct gpu_sums *s) PLN_CHECK;

#endif
