/* SPDX-License-Identifier: MIT */
#include "operators/gpu/gpu.h"

#include "image/image.h"
#include "solve/solve.h"

_Static_assert((int)CU_BORDER_REPLICATE == (int)PLN_BORDER_REPLICATE &&
                   (int)CU_BORDER_REFLECT101 == (int)PLN_BORDER_REFLECT101 &&
                   (int)CU_BORDER_SHRINK == (int)PLN_BORDER_SHRINK &&
                   (int)CU_BORDER_ZERO == (int)PLN_BORDER_ZERO,
               "borders have one order");

static const struct gpu_method *const methods[] = {&gpu_bf,  &gpu_dt_ic, &gpu_dt_nc, &gpu_dt_rf,
                                                   &gpu_fgs, &gpu_gf,    &gpu_ils,   &gpu_l0,
                                                   &gpu_rgf, &gpu_rtv};

const struct gpu_method *gpu_method_of(const pln_method *method)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i]->method == method) return methods[i];
    return NULL;
}

bool pln_method_runs_on_devices(const pln_method *method) { return gpu_method_of(method) != NULL; }

pln_status gpu_fits(pln_context *ctx, pln_device *d, const struct gpu_method *m, size_t bytes)
{
    uint64_t available = pln_device_available(d);
    char need[32], have[32];
    if (bytes <= available) return PLN_OK;
    pln_format_bytes(bytes, need);
    pln_format_bytes(available, have);
    return pln_fail(ctx, PLN_E_LIMIT, "%s: %s are needed, %s has %s free", m->method->name, need,
                    pln_device_name(d), have);
}

/* ---- A run ---- */

enum { ALIGN = 256 };

void *gpu_take(struct gpu *g, size_t count, size_t size)
{
    void *at = g->memory ? g->memory + g->used : NULL;
    g->used += pln_div_up(count * size, ALIGN) * ALIGN;
    return at;
}

pln_status gpu_begin(struct gpu *g, pln_context *ctx, pln_device *d, size_t bytes, const char *what)
{
    void *memory = NULL;
    *g = (struct gpu){.ctx = ctx, .d = d};
    pln_status s = d->ops->alloc(d, bytes, false, what, &memory);
    g->memory = s ? NULL : memory;
    return s;
}

void gpu_end(struct gpu *g)
{
    if (g->memory) g->d->ops->free(g->d, g->memory);
}

pln_status gpu_upload(struct gpu *g, void *to, const void *from, size_t bytes)
{
    return g->d->ops->upload(g->d, to, from, bytes);
}

pln_status gpu_upload_view(struct gpu *g, float *to, const pln_view *from)
{
    size_t row = from->w * from->c;
    bool dense = from->stride == (ptrdiff_t)row;
    pln_status s = PLN_OK;
    for (size_t y = 0; y < (dense ? 1 : from->h) && !s; y++)
        s = gpu_upload(g, to + y * row, pln_row(from, y),
                       (dense ? from->h : 1) * row * sizeof(float));
    return s;
}

pln_status gpu_download_view(struct gpu *g, const pln_view *to, const float *from)
{
    size_t row = to->w * to->c;
    bool dense = to->stride == (ptrdiff_t)row;
    pln_status s = PLN_OK;
    for (size_t y = 0; y < (dense ? 1 : to->h) && !s; y++)
        s = g->d->ops->download(g->d, pln_row(to, y), from + y * row,
                                (dense ? to->h : 1) * row * sizeof(float));
    return s;
}

pln_status gpu_progress(struct gpu *g, double fraction, const char *stage)
{
    pln_status s = g->d->ops->wait(g->d);
    return s ? s : pln_progress(g->ctx, fraction, stage);
}

/* ---- Planes ---- */

pln_status gpu_to_planes(struct gpu *g, const float *in, float *out, size_t n, size_t c,
                         cu_colour colour, float scale)
{
    cu_planes p = {.in = in, .out = out, .n = n, .c = c, .scale = scale, .colour = colour};
    if (colour == CU_COLOUR_LAB) pln_lab_matrices(p.matrix, NULL);
    return gpu_launch(g, to_planes, &p, n);
}

pln_status gpu_to_pixels(struct gpu *g, const float *in, float *out, size_t n, size_t c,
                         cu_colour colour, float scale)
{
    cu_planes p = {.in = in, .out = out, .n = n, .c = c, .scale = scale, .colour = colour};
    if (colour == CU_COLOUR_LAB) pln_lab_matrices(NULL, p.matrix);
    return gpu_launch(g, to_pixels, &p, n);
}

/* ---- Gaussian ---- */

pln_status gpu_gaussian(struct gpu *g, const cu_convolve *blur, double sigma, size_t planes,
                        float *taps, float *work)
{
    size_t count = 2 * (size_t)blur->radius + 1, samples = planes * blur->w * blur->h;
    cu_convolve down = *blur, across = *blur;
    float *host = NULL;
    pln_status s = PLN_OK;

    down.taps = across.taps = taps;
    down.down = true;
    down.out = work;
    down.scale = 1;
    across.in = work;
    PLN_TRY(pln_alloc(g->ctx, count, sizeof *host, &host));
    pln_gaussian_taps(sigma, blur->radius, host);
    PLN_TRY(gpu_upload(g, taps, host, count * sizeof *host));
    PLN_TRY(gpu_launch(g, convolve, &down, samples));
    PLN_TRY(gpu_launch(g, convolve, &across, samples));
done:
    pln_free(host);
    return s;
}

/* ---- Sums ---- */

/* Parts at most, elements of one at least, parts after the first fold. */
enum { PARTS = 1 << 14, LEAST = 4, FOLDED = 128 };

void gpu_sums_take(struct gpu *g, size_t outs, size_t count, struct gpu_sums *s)
{
    s->outs = outs;
    s->parts = pln_min(PARTS, pln_div_up(count, LEAST));
    s->part = gpu_take(g, s->parts * outs, sizeof *s->part);
    s->fold = gpu_take(g, FOLDED * outs, sizeof *s->fold);
    s->total = gpu_take(g, outs, sizeof *s->total);
}

pln_status gpu_sum(struct gpu *g, const struct gpu_sums *s)
{
    size_t folded = pln_min(FOLDED, s->parts);
    cu_fold first = {.in = s->part,
                     .out = s->fold,
                     .outs = s->outs,
                     .parts = s->parts,
                     .folded = folded},
            second = {
                .in = s->fold, .out = s->total, .outs = s->outs, .parts = folded, .folded = 1};
    pln_status e = gpu_launch(g, fold, &first, folded * s->outs);
    return e ? e : gpu_launch(g, fold, &second, s->outs);
}
