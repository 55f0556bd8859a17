/* SPDX-License-Identifier: MIT */
/* The framework: any method on any picture. Checks shapes and memory, cuts strips for methods with
 * a halo, and keeps what the methods need not know: alpha, colour handling, bright values, masks,
 * pages. */
#include <math.h>
#include <string.h>

#include "device/device.h"
#include "image/image.h"
#include "operators/gpu/gpu.h"
#include "operators/operators.h"

#define STRIP_ALIGN 64u
#define STRIP_BUDGET                                                                               \
    ((size_t)256 << 20) /* working bytes above which a picture is cut into strips */
#define ROWS 32u        /* rows a task of the pointwise passes */

/* ---- Strips and memory ---- */

static bool is_identity(const pln_params *params)
{
    const pln_method *m = pln_params_method(params);
    return m->identity && m->identity(pln_params_values(params));
}

/* Rows a strip, a multiple of 64 or h; *bytes what the method then holds. */
static size_t choose_strip(const pln_params *params, size_t w, size_t h, size_t c, int threads,
                           size_t wanted, size_t *bytes)
{
    const pln_method *m = pln_params_method(params);
    const void *values = pln_params_values(params);
    *bytes = m->memory(values, w, h, c, threads);
    if (!m->halo) return h;
    size_t halo = m->halo(values), strip = h;
    if (wanted)
        strip = pln_div_up(wanted, STRIP_ALIGN) * STRIP_ALIGN;
    else if (*bytes > STRIP_BUDGET) {
        /* The halo is computed again for each strip: below four halos a strip that costs more than
         * it saves. */
        size_t least = pln_max(pln_div_up(4 * halo, STRIP_ALIGN), 1) * STRIP_ALIGN;
        strip = pln_div_up(h, STRIP_ALIGN) * STRIP_ALIGN;
        while (strip / 2 >= least &&
               m->memory(values, w, strip + 2 * halo, c, threads) > STRIP_BUDGET)
            strip = pln_div_up(strip / 2, STRIP_ALIGN) * STRIP_ALIGN;
    }
    if (strip >= h) return h;
    size_t rows = pln_min(h, strip + 2 * halo);
    *bytes = m->memory(values, w, rows, c, threads);
    return strip;
}

static pln_view rows_of(const pln_view *v, size_t y0, size_t y1)
{
    pln_view r = *v;
    r.data = pln_row(v, y0);
    r.h = y1 - y0;
    return r;
}

struct copy {
    const pln_view *from, *to;
};

static void copy_rows(void *arg, size_t index, int thread)
{
    const struct copy *p = arg;
    size_t y1 = pln_min(p->from->h, (index + 1) * ROWS);
    (void)thread;
    for (size_t y = index * ROWS; y < y1; y++)
        memcpy(pln_row(p->to, y), pln_row(p->from, y), p->from->w * p->from->c * sizeof(float));
}

static pln_status copy_view(pln_context *ctx, const pln_view *from, const pln_view *to)
{
    struct copy arg = {from, to};
    return pln_parallel(ctx, pln_div_up(from->h, ROWS), copy_rows, &arg);
}

static pln_run run_of(const pln_params *params, const pln_view *in, const pln_view *guide,
                      const pln_view *out)
{
    pln_run run = {
        .size = sizeof run,
        .params = pln_params_values(params),
        .w = in->w,
        .h = in->h,
        .in = *in,
        .out = *out,
        .y1 = in->h,
        .preset = pln_params_preset(params),
        .net = pln_params_net(params),
    };
    if (guide) run.guide = *guide;
    return run;
}

/* On the device that is wanted, if there is one and the method runs there. "auto" leaves to the CPU
 * what the device has too little memory or no library for. */
static pln_status run_on_device(pln_context *ctx, const pln_params *params, const pln_run *run,
                                bool *done)
{
    const struct gpu_method *m = gpu_method_of(pln_params_method(params));
    size_t guide = run->guide.data ? run->guide.c : 0;
    pln_device *d = NULL;
    pln_status s = PLN_OK;

    *done = false;
    if (!m) return PLN_OK;
    PLN_TRY(pln_device_wanted(ctx, PLN_USE_KERNELS, &d));
    if (!d) return PLN_OK;
    s = gpu_fits(ctx, d, m, m->bytes(run->params, run->w, run->h, run->in.c, guide));
    if (!s) s = m->run(ctx, d, run);
    *done = !s;
    if (pln_device_of(ctx) == PLN_DEVICE_AUTO && (s == PLN_E_LIMIT || s == PLN_E_UNSUPPORTED)) {
        pln_log(ctx, 1, "%s: the CPU computes", pln_context_message(ctx));
        pln_clear(ctx);
        pln_device_rest(ctx);
        s = PLN_OK;
    }
done:
    return s;
}

/* The method on plain pixels. [from, to] is this part's share of the progress. */
static pln_status run_view(pln_context *ctx, const pln_params *params, const pln_view *in,
                           const pln_view *guide, const pln_view *out, size_t wanted, double from,
                           double to)
{
    const pln_method *m = pln_params_method(params);
    pln_status s = PLN_OK;
    size_t bytes;

    pln_device_rest(ctx);
    if (is_identity(params)) return copy_view(ctx, in, out);
    pln_run whole = run_of(params, in, guide, out);
    bool done;
    pln_progress_window(ctx, from, to);
    PLN_TRY(run_on_device(ctx, params, &whole, &done));
    if (done) goto done;
    size_t strip =
        choose_strip(params, in->w, in->h, in->c, pln_context_threads(ctx), wanted, &bytes);
    PLN_TRY(pln_reserve(ctx, bytes, m->name));
    for (size_t y0 = 0; y0 < in->h; y0 += strip) {
        size_t y1 = pln_min(in->h, y0 + strip),
               halo = strip < in->h ? m->halo(pln_params_values(params)) : 0;
        size_t top = y0 > halo ? y0 - halo : 0, bottom = pln_min(in->h, y1 + halo);
        pln_run run = whole;
        run.in = rows_of(in, top, bottom);
        run.out = rows_of(out, y0, y1);
        run.in_y = top;
        run.y0 = y0;
        run.y1 = y1;
        if (guide) run.guide = rows_of(guide, top, bottom);
        pln_progress_window(ctx, from + (to - from) * (double)y0 / (double)in->h,
                            from + (to - from) * (double)y1 / (double)in->h);
        PLN_TRY(m->run(ctx, &run));
    }
done:
    pln_progress_window(ctx, 0, 1);
    return s;
}

static pln_status check_shape(pln_context *ctx, size_t w, size_t h, size_t c)
{
    size_t n;
    if (w == 0 || h == 0)
        return pln_fail(ctx, PLN_E_SHAPE, "the picture is %zux%zu: nothing to smooth", w, h);
    if (c != 1 && c != 3)
        return pln_fail(ctx, PLN_E_SHAPE, "%zu channels: expected 1 (grey) or 3 (RGB)", c);
    if (!pln_mul(w, h, &n) || !pln_mul(n, c, &n) || n > (size_t)1 << 31)
        return pln_fail(ctx, PLN_E_LIMIT, "%zux%zux%zu is over 2^31 samples", w, h, c);
    return PLN_OK;
}

pln_status pln_smooth_f32(pln_context *ctx, const pln_params *params, const float *src, size_t w,
                          size_t h, size_t c, ptrdiff_t stride, float *dst, ptrdiff_t dst_stride)
{
    pln_clear(ctx);
    if (!params || !src || !dst)
        return pln_fail(ctx, PLN_E_ARG, "pln_smooth_f32: params, src and dst are needed");
    pln_status s = check_shape(ctx, w, h, c);
    if (s) return s;
    ptrdiff_t row = (ptrdiff_t)(w * c);
    if ((stride && stride < row) || (dst_stride && dst_stride < row))
        return pln_fail(ctx, PLN_E_SHAPE, "a stride below %td floats cannot hold rows of %zu x %zu",
                        row, w, c);
    pln_view in = {.data = (float *)src, .w = w, .h = h, .c = c, .stride = stride ? stride : row};
    pln_view out = {.data = dst, .w = w, .h = h, .c = c, .stride = dst_stride ? dst_stride : row};
    return run_view(ctx, params, &in, NULL, &out, 0, 0, 1);
}

pln_status pln_plan_smooth(pln_context *ctx, const pln_params *params, size_t w, size_t h, size_t c,
                           pln_plan *result)
{
    pln_plan plan = {.size = sizeof plan};
    size_t bytes = 0;

    pln_clear(ctx);
    if (!params || !result || result->size < sizeof plan)
        return pln_fail(ctx, PLN_E_ARG,
                        "pln_plan_smooth: params and a plan with its size set are needed");
    pln_status s = check_shape(ctx, w, h, c);
    if (s) return s;
    const pln_method *m = pln_params_method(params);
    const void *values = pln_params_values(params);
    int threads = pln_context_threads(ctx);
    plan.strip = h;
    if (!is_identity(params)) {
        plan.strip = choose_strip(params, w, h, c, threads, 0, &bytes);
        plan.halo = m->halo ? m->halo(values) : 0;
        if (m->nanoseconds)
            plan.seconds = 1e-9 * m->nanoseconds(values, c) * (double)(w * h) / threads;
    }
    plan.bytes = bytes;
    plan.total = bytes + 2 * (uint64_t)(w * h * c) * sizeof(float);
    plan.limit = pln_memory_limit(ctx);
    plan.fits = plan.total <= plan.limit;
    *result = plan;
    return PLN_OK;
}

/* ---- Around the method: pointwise passes ----
 *
 *   colours -> linear light -> plane(s) to filter -> premultiplied -> scaled into [0,1]
 *   method, of the plane(s) and of alpha
 *   scaled back, divided by the filtered alpha -> into the picture -> encoded -> only in the mask
 *
 * So a visible pixel becomes an average of visible ones: neither hidden colours nor the black of
 * nothing reach it. Methods that are not linear smooth colours and alpha each in its own way: the
 * range of the visible colours bounds what the division makes of that. */

struct frame {
    const pln_smooth_options *o;
    pln_view in, alpha, mask; /* of one page; alpha.data NULL: opaque; mask.data NULL: everywhere */
    pln_view colour;          /* prepared colours (c = in.c); may be `in` itself */
    pln_view plane;           /* what the method sees; may be `colour` */
    pln_view result;          /* what the method made */
    pln_view weight;          /* the filtered alpha, where there is alpha */
    pln_view out, out_alpha;  /* out_alpha.data NULL: alpha stays */
    float scale;              /* of plane */
    float least[3], most[3];  /* of what can be seen of plane, per channel */
};

#define EACH_ROW(frame, index, y)                                                                  \
    for (size_t y = (index)*ROWS, end_ = pln_min((frame)->in.h, y + ROWS); y < end_; y++)

static void prepare_colours(void *arg, size_t index, int thread)
{
    struct frame *f = arg;
    (void)thread;
    EACH_ROW(f, index, y)
    pln_srgb_to_linear(pln_row(&f->colour, y), pln_row(&f->in, y), f->in.w * f->in.c);
}

/* Row buffer for L, a, b; pixels a time. */
enum { LAB_BLOCK = 256 };

static void prepare_plane(void *arg, size_t index, int thread)
{
    struct frame *f = arg;
    (void)thread;
    EACH_ROW(f, index, y)
    {
        const float *colour = pln_row(&f->colour, y);
        float *plane = pln_row(&f->plane, y);
        size_t w = f->in.w;
        if (f->o->channels == PLN_CHANNELS_LUMA) {
            pln_luma(plane, colour, w);
            continue;
        }
        float lab[3 * LAB_BLOCK];
        for (size_t x = 0; x < w; x += LAB_BLOCK) {
            size_t n = pln_min(LAB_BLOCK, w - x);
            pln_rgb_to_lab(lab, colour + 3 * x, n);
            for (size_t i = 0; i < n; i++) plane[x + i] = lab[3 * i] / 100;
        }
    }
}

/* Before plane is premultiplied. Serial: a reduction in fixed order. */
static void visible_range(struct frame *f)
{
    for (size_t k = 0; k < 3; k++) f->least[k] = INFINITY, f->most[k] = -INFINITY;
    for (size_t y = 0; y < f->plane.h; y++) {
        const float *p = pln_row(&f->plane, y), *a = pln_row(&f->alpha, y);
        for (size_t x = 0; x < f->plane.w; x++)
            for (size_t k = 0; k < f->plane.c && a[x] > 0; k++) {
                float v = p[x * f->plane.c + k];
                f->least[k] = fminf(f->least[k], v);
                f->most[k] = fmaxf(f->most[k], v);
            }
    }
}

static void premultiply_plane(void *arg, size_t index, int thread)
{
    struct frame *f = arg;
    (void)thread;
    EACH_ROW(f, index, y)
    {
        const float *a = pln_row(&f->alpha, y);
        float *p = pln_row(&f->plane, y);
        for (size_t x = 0; x < f->plane.w; x++)
            for (size_t k = 0; k < f->plane.c; k++) p[x * f->plane.c + k] *= a[x];
    }
}

static void scale_plane(void *arg, size_t index, int thread)
{
    struct frame *f = arg;
    (void)thread;
    EACH_ROW(f, index, y)
    {
        float *p = pln_row(&f->plane, y);
        for (size_t i = 0; i < f->plane.w * f->plane.c; i++) p[i] *= f->scale;
    }
}

/* Less alpha than this says nothing about colour. */
#define LEAST_WEIGHT 1e-3f

/* result -> out, one row. */
static void finish_row(struct frame *f, size_t y)
{
    size_t w = f->in.w, c = f->in.c, n = w * c;
    const float *colour = pln_row(&f->colour, y), *in = pln_row(&f->in, y),
                *weight = f->alpha.data ? pln_row(&f->weight, y) : NULL;
    float *out = pln_row(&f->out, y), *result = pln_row(&f->result, y), back = 1 / f->scale;

    for (size_t x = 0; x < w && weight; x++) {
        float factor = back / fmaxf(weight[x], LEAST_WEIGHT), *r = result + x * f->result.c;
        for (size_t k = 0; k < f->result.c; k++)
            r[k] = fminf(fmaxf(r[k] * factor, f->least[k]), f->most[k]);
    }
    for (size_t i = 0; i < w * f->result.c && !weight && f->scale != 1; i++) result[i] *= back;
    if (f->plane.c == c) {
        if (out != result) memcpy(out, result, n * sizeof *out);
    } else if (f->o->channels == PLN_CHANNELS_LUMA) {
        /* The change of Y is added to all channels: chroma differences stay. */
        for (size_t x = 0; x < w; x++) {
            float luma;
            pln_luma(&luma, colour + 3 * x, 1);
            for (size_t k = 0; k < 3; k++) out[3 * x + k] = colour[3 * x + k] + result[x] - luma;
        }
    } else {
        float lab[3 * LAB_BLOCK];
        for (size_t x = 0; x < w; x += LAB_BLOCK) {
            size_t m = pln_min(LAB_BLOCK, w - x);
            pln_rgb_to_lab(lab, colour + 3 * x, m);
            for (size_t i = 0; i < m; i++) lab[3 * i] = 100 * result[x + i];
            pln_lab_to_rgb(out + 3 * x, lab, m);
        }
    }
    if (f->o->space == PLN_SPACE_LINEAR) pln_linear_to_srgb(out, out, n);
    if (weight) {
        /* Colours of pixels that stay fully transparent stay as they were: nobody sees them, and
         * files keep them. */
        const float *a = pln_row(f->out_alpha.data ? &f->out_alpha : &f->alpha, y);
        for (size_t x = 0; x < w; x++)
            for (size_t k = 0; k < c && (a[x] <= 0 || weight[x] < LEAST_WEIGHT); k++)
                out[x * c + k] = in[x * c + k];
    }
    if (f->mask.data) {
        const float *mask = pln_row(&f->mask, y);
        for (size_t x = 0; x < w; x++) {
            bool inside = false;
            for (size_t k = 0; k < f->mask.c; k++) inside |= mask[x * f->mask.c + k] > 0;
            for (size_t k = 0; !inside && k < c; k++) out[x * c + k] = in[x * c + k];
            if (!inside && f->out_alpha.data)
                pln_row(&f->out_alpha, y)[x] = pln_row(&f->alpha, y)[x];
        }
    }
}

static void finish(void *arg, size_t index, int thread)
{
    struct frame *f = arg;
    (void)thread;
    EACH_ROW(f, index, y) finish_row(f, y);
}

static float largest(const pln_view *v)
{
    float max = 0;
    for (size_t y = 0; y < v->h; y++) {
        const float *p = pln_row(v, y);
        for (size_t i = 0; i < v->w * v->c; i++) max = p[i] > max ? p[i] : max;
    }
    return max;
}

static pln_status make_view(pln_context *ctx, size_t w, size_t h, size_t c, pln_view *v)
{
    *v = (pln_view){.w = w, .h = h, .c = c, .stride = (ptrdiff_t)(w * c)};
    return pln_alloc(ctx, w * h, c * sizeof(float), &v->data);
}

/* The guide as the method sees it: in linear light, below 1, if the picture is. *made is NULL when
 * that is the guide itself. */
static pln_status prepare_guide(pln_context *ctx, const pln_smooth_options *o, bool unit,
                                const pln_view *guide, pln_view *view, float **made)
{
    float max = unit ? largest(guide) : 0;
    pln_status s = PLN_OK;

    *view = *guide;
    if (o->space == PLN_SPACE_ENCODED && max <= 1) return PLN_OK;
    PLN_TRY(make_view(ctx, guide->w, guide->h, guide->c, view));
    *made = view->data;
    for (size_t y = 0; y < guide->h; y++) {
        float *to = pln_row(view, y);
        size_t n = guide->w * guide->c;
        memcpy(to, pln_row(guide, y), n * sizeof *to);
        if (o->space == PLN_SPACE_LINEAR) pln_srgb_to_linear(to, to, n);
        if (max > 1)
            for (size_t i = 0; i < n; i++) to[i] /= max;
    }
done:
    return s;
}

/* One page. */
static pln_status smooth_frame(pln_context *ctx, const pln_params *params, struct frame *f,
                               const pln_view *guide, double from, double to)
{
    const pln_method *m = pln_params_method(params);
    const pln_smooth_options *o = f->o;
    bool unit = (m->caps & PLN_CAP_UNIT_RANGE) && o->range == PLN_RANGE_AUTO;
    bool one_plane = o->channels != PLN_CHANNELS_RGB && f->in.c == 3;
    float *colour = NULL, *plane = NULL, *result = NULL, *made_guide = NULL, *weight = NULL;
    size_t w = f->in.w, h = f->in.h, c = f->in.c, tasks = pln_div_up(h, ROWS);
    pln_view guide_view;
    pln_status s = PLN_OK;

    f->colour = f->in;
    if (o->space == PLN_SPACE_LINEAR) {
        PLN_TRY(make_view(ctx, w, h, c, &f->colour));
        colour = f->colour.data;
        PLN_TRY(pln_parallel(ctx, tasks, prepare_colours, f));
    }
    f->plane = f->colour;
    if (one_plane) {
        PLN_TRY(make_view(ctx, w, h, 1, &f->plane));
        plane = f->plane.data;
        PLN_TRY(pln_parallel(ctx, tasks, prepare_plane, f));
    }
    float max = unit && !f->alpha.data ? largest(&f->plane) : 0;
    if ((f->alpha.data || max > 1) && f->plane.data == f->in.data) {
        PLN_TRY(make_view(ctx, w, h, c, &f->plane));
        plane = f->plane.data;
        PLN_TRY(copy_view(ctx, &f->in, &f->plane));
    }
    if (f->alpha.data) {
        visible_range(f);
        PLN_TRY(pln_parallel(ctx, tasks, premultiply_plane, f));
        max = unit ? largest(&f->plane) : 0; /* of what can be seen */
    }
    f->scale = max > 1 ? 1 / max : 1;
    if (f->scale != 1) PLN_TRY(pln_parallel(ctx, tasks, scale_plane, f));
    if (guide) PLN_TRY(prepare_guide(ctx, o, unit, guide, &guide_view, &made_guide));

    f->result = f->out;
    if (one_plane) {
        PLN_TRY(make_view(ctx, w, h, 1, &f->result));
        result = f->result.data;
    }
    double middle = f->alpha.data ? from + 0.75 * (to - from) : to;
    PLN_TRY(run_view(ctx, params, &f->plane, guide ? &guide_view : NULL, &f->result, o->strip, from,
                     middle));
    if (f->alpha.data) {
        /* With the weights of the colours where the method can, so that their ratio is an average.
         */
        const pln_view *steer = guide ? &guide_view : m->caps & PLN_CAP_GUIDE ? &f->plane : NULL;
        f->weight = f->out_alpha;
        if (!f->weight.data) {
            PLN_TRY(make_view(ctx, w, h, 1, &f->weight));
            weight = f->weight.data;
        }
        PLN_TRY(run_view(ctx, params, &f->alpha, steer, &f->weight, o->strip, middle, to));
    }
    bool plain = !one_plane && f->scale == 1 && !f->alpha.data && !f->mask.data &&
                 o->space == PLN_SPACE_ENCODED;
    if (!plain) PLN_TRY(pln_parallel(ctx, tasks, finish, f));
done:
    pln_free(weight);
    pln_free(made_guide);
    pln_free(result);
    pln_free(plane);
    pln_free(colour);
    return s;
}

/* ---- Public ---- */

pln_status pln_smooth(pln_context *ctx, const pln_params *params, const pln_image *in,
                      const pln_image *guide, pln_image **out)
{
    return pln_smooth_with(ctx, params, in, guide, NULL, out);
}

static pln_status check_images(pln_context *ctx, const pln_params *params, const pln_image *in,
                               const pln_image *guide, const pln_smooth_options *o)
{
    if (!params || !in)
        return pln_fail(ctx, PLN_E_ARG, "pln_smooth: params and a picture are needed");
    const pln_method *m = pln_params_method(params);
    size_t w = in->pixels.w, h = in->pixels.h / in->pages;
    pln_status s = check_shape(ctx, w, in->pixels.h, in->pixels.c);
    if (s) return s;
    if (guide) {
        size_t gh = guide->pixels.h / guide->pages;
        if (!(m->caps & PLN_CAP_GUIDE))
            return pln_fail(ctx, PLN_E_ARG, "method '%s' takes no guide picture", m->name);
        if (guide->pixels.w != w || gh != h)
            return pln_fail(ctx, PLN_E_SHAPE,
                            "guide is %zux%zu but the image is %zux%zu: resize the guide to match",
                            guide->pixels.w, gh, w, h);
        if (guide->pages != 1 && guide->pages != in->pages)
            return pln_fail(ctx, PLN_E_SHAPE,
                            "guide has %zu pages but the image has %zu: give one, or as many",
                            guide->pages, in->pages);
    }
    if (o->mask && (o->mask->pixels.w != w || o->mask->pixels.h / o->mask->pages != h))
        return pln_fail(ctx, PLN_E_SHAPE,
                        "mask is %zux%zu but the image is %zux%zu: resize the mask to match",
                        o->mask->pixels.w, o->mask->pixels.h / o->mask->pages, w, h);
    if ((unsigned)o->channels > PLN_CHANNELS_LAB || (unsigned)o->space > PLN_SPACE_LINEAR ||
        (unsigned)o->transparency > PLN_ALPHA_DROP || (unsigned)o->range > PLN_RANGE_AS_IS)
        return pln_fail(ctx, PLN_E_ARG,
                        "pln_smooth: an option is none of its enumeration's values");
    return PLN_OK;
}

static bool is_opaque(const pln_view *alpha)
{
    for (size_t y = 0; y < alpha->h; y++) {
        const float *a = pln_row(alpha, y);
        for (size_t x = 0; x < alpha->w; x++)
            if (a[x] != 1) return false;
    }
    return true;
}

pln_status pln_smooth_with(pln_context *ctx, const pln_params *params, const pln_image *in,
                           const pln_image *guide, const pln_smooth_options *options,
                           pln_image **result)
{
    pln_smooth_options o = {.size = sizeof o};
    pln_image *out = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (options) memcpy(&o, options, pln_min(options->size, sizeof o));
    if (!result) return pln_fail(ctx, PLN_E_ARG, "pln_smooth: the result pointer is NULL");
    PLN_TRY(check_images(ctx, params, in, guide, &o));
    bool has_alpha = in->alpha.data && o.transparency != PLN_ALPHA_DROP;
    PLN_TRY(pln_image_make(ctx, in->pixels.w, in->pixels.h, in->pixels.c, has_alpha, in, &out));
    if (has_alpha) PLN_TRY(copy_view(ctx, &in->alpha, &out->alpha));
    if (is_identity(params)) {
        pln_device_rest(ctx);
        PLN_TRY(copy_view(ctx, &in->pixels, &out->pixels));
        *result = out;
        out = NULL;
        goto done;
    }

    for (size_t page = 0; page < in->pages; page++) {
        double from = (double)page / (double)in->pages, to = (double)(page + 1) / (double)in->pages;
        struct frame f = {
            .o = &o,
            .in = pln_page(in->pixels, in->pages, page),
            .out = pln_page(out->pixels, in->pages, page),
        };
        pln_view guide_page;
        if (guide) guide_page = pln_page(guide->pixels, guide->pages, guide->pages == 1 ? 0 : page);
        if (o.mask)
            f.mask = pln_page(o.mask->pixels, o.mask->pages, o.mask->pages == in->pages ? page : 0);
        if (in->alpha.data) {
            pln_view alpha = pln_page(in->alpha, in->pages, page);
            if (!is_opaque(&alpha)) f.alpha = alpha;
        }
        if (f.alpha.data && o.transparency == PLN_ALPHA_FILTER)
            f.out_alpha = pln_page(out->alpha, in->pages, page);
        PLN_TRY(smooth_frame(ctx, params, &f, guide ? &guide_page : NULL, from, to));
    }
    *result = out;
    out = NULL;
done:
    pln_image_free(out);
    return s;
}
