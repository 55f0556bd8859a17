/* SPDX-License-Identifier: MIT */
/* Convolution with few channels on one side, the narrow one; the other is the wide one.
 *
 * Weights are u[tap][narrow channel][wide channel] in both directions, so that a vector holds wide
 * channels: if the output is wide, a vector of weights is multiplied by one number of the input; if
 * it is narrow, vectors are multiplied lane by lane and the lanes added up at the end.
 *
 * Both directions walk over one side, here called `here`, and gather from the other, `there`. With
 * stride s, padding q, dilation d,
 *
 *     forward   out(y) = sum over i of in(s y + d i - q),
 *     gradient  in(y)  = sum over i of out((y + q - d i) / s), where that is whole;
 *
 * in the gradient the pixels of one phase y mod s use the same taps, at distances that do not
 * depend on y. A row of a phase is cut into runs of pixels that reach the same taps inside the
 * image: the inner loops know no border. */
#include "nn/backends/cpu/conv_few_kernels.h"

#include <string.h>

static size_t padded(size_t c) { return pln_div_up(c, FEW_PANEL) * FEW_PANEL; }

static size_t taps_of(const pln_few_shape *s) { return s->kernel_h * s->kernel_w; }
static bool narrow_in(const pln_few_shape *s) { return s->cin <= s->cout; }
static size_t narrow_channels(const pln_few_shape *s) { return pln_min(s->cin, s->cout); }
static size_t wide_channels(const pln_few_shape *s) { return pln_max(s->cin, s->cout); }

bool pln_few_supported(const pln_few_shape *s)
{
    return s->n && s->in_h && s->in_w && s->out_h && s->out_w && s->kernel_h && s->kernel_w &&
           s->stride && s->dilation && s->kernel_h <= FEW_KERNEL && s->kernel_w <= FEW_KERNEL &&
           narrow_channels(s) && narrow_channels(s) <= FEW_MOST;
}

/* ---- Weights ---- */

size_t pln_few_weights_floats(const pln_few_shape *s)
{
    return taps_of(s) * narrow_channels(s) * padded(wide_channels(s));
}

/* Place of w[o][i][t], t = kernel_w y + x, in the user's order, and in ours. */
static size_t place(const pln_few_shape *s, pln_conv_order order, size_t o, size_t i, size_t t)
{
    return order == PLN_CONV_OIYX ? (o * s->cin + i) * taps_of(s) + t
                                  : (o * taps_of(s) + t) * s->cin + i;
}

static size_t our_place(const pln_few_shape *s, size_t o, size_t i, size_t t)
{
    size_t narrow = narrow_in(s) ? i : o, wide = narrow_in(s) ? o : i;
    return (t * narrow_channels(s) + narrow) * padded(wide_channels(s)) + wide;
}

void pln_few_weights(const pln_few_shape *s, const float *w, pln_conv_order order, float *u)
{
    memset(u, 0, pln_few_weights_floats(s) * sizeof *u);
    for (size_t o = 0; o < s->cout; o++)
        for (size_t i = 0; i < s->cin; i++)
            for (size_t t = 0; t < taps_of(s); t++)
                u[our_place(s, o, i, t)] = w[place(s, order, o, i, t)];
}

/* ---- Which pixels meet which ---- */

/* Pixels first, first + stride, ... `points` of them along an axis; tap number tap[i] of point p is
 * at p there_stride + at[i] of the other side, which has `there` pixels. */
struct axis {
    size_t points, first, here_stride, there_stride, there;
    size_t taps;
    size_t tap[FEW_KERNEL];
    ptrdiff_t at[FEW_KERNEL];
};

/* in, out: sizes of both sides; forward: here is the output, else the input. */
static struct axis axis_of(const pln_few_shape *s, bool forward, size_t in, size_t out,
                           size_t kernel, size_t pad, size_t phase)
{
    struct axis a = {.here_stride = 1, .there_stride = s->stride, .points = out, .there = in};

    for (size_t i = 0; i < kernel && forward; i++) {
        a.tap[i] = i;
        a.at[i] = (ptrdiff_t)(i * s->dilation) - (ptrdiff_t)pad;
        a.taps++;
    }
    if (forward) return a;
    a = (struct axis){.first = phase, .here_stride = s->stride, .there_stride = 1, .there = out};
    if (in > phase) a.points = pln_div_up(in - phase, s->stride);
    for (size_t i = 0; i < kernel; i++) {
        ptrdiff_t far = (ptrdiff_t)(phase + pad) - (ptrdiff_t)(i * s->dilation);
        if (far % (ptrdiff_t)s->stride) continue;
        a.tap[a.taps] = i;
        a.at[a.taps++] = far / (ptrdiff_t)s->stride;
    }
    return a;
}

static bool reaches(const struct axis *a, size_t i, size_t point)
{
    ptrdiff_t at = (ptrdiff_t)(point * a->there_stride) + a->at[i];
    return at >= 0 && at < (ptrdiff_t)a->there;
}

/* End of the run of points from `from` on that reach the same taps. */
static size_t run_end(const struct axis *a, size_t from)
{
    size_t end = a->points, step = a->there_stride;

    for (size_t i = 0; i < a->taps; i++) {
        ptrdiff_t at = a->at[i], limit = (ptrdiff_t)a->there - at;
        size_t enter = at < 0 ? pln_div_up((size_t)-at, step) : 0;
        size_t leave = limit > 0 ? pln_div_up((size_t)limit, step) : 0;
        if (enter > from && enter < end) end = enter;
        if (leave > from && leave < end) end = leave;
    }
    return end;
}

/* ---- A row at a time ---- */

struct few {
    const few_kernels *k;
    const pln_few_shape *shape;
    bool forward; /* here is the output */
    size_t here_h, here_w, there_h, there_w;
    const float *there;
    size_t here_stride, there_stride; /* floats from pixel to pixel */
    const float *u;
    const pln_conv_epilogue *epilogue;
    float *out;  /* here */
    size_t rows; /* of a task */
};

static struct few few_of(pln_context *ctx, const pln_few_shape *s, bool forward)
{
    struct few f = {.k = PLN_KERNELS_PICK(ctx, pln_few_kernels), .shape = s, .forward = forward};

    f.here_h = forward ? s->out_h : s->in_h;
    f.here_w = forward ? s->out_w : s->in_w;
    f.there_h = forward ? s->in_h : s->out_h;
    f.there_w = forward ? s->in_w : s->out_w;
    /* A tenth of a millisecond with wide vectors, a few without. */
    size_t flop = 2 * f.here_w * taps_of(s) * s->cin * s->cout;
    f.rows = pln_max(1, ((size_t)16 << 20) / flop);
    return f;
}

/* The taps that point `y` of the rows and `x` of the columns reach; each a term for every narrow
 * channel, or a single one. at: of the first narrow channel, from pixel (0, 0) of the image. */
static void terms_of(const struct few *f, const struct axis *rows, size_t y,
                     const struct axis *columns, size_t x, bool channels, struct few_terms *t)
{
    size_t narrow = narrow_channels(f->shape), terms = channels ? narrow : 1, n = 0, reached = 0;
    size_t column_tap[FEW_KERNEL];
    ptrdiff_t column_at[FEW_KERNEL];

    for (size_t j = 0; j < columns->taps; j++) {
        if (!reaches(columns, j, x)) continue;
        column_at[reached] = (ptrdiff_t)(x * columns->there_stride) + columns->at[j];
        column_tap[reached++] = columns->tap[j];
    }
    for (size_t i = 0; i < rows->taps; i++) {
        if (!reaches(rows, i, y)) continue;
        ptrdiff_t row = (ptrdiff_t)(y * rows->there_stride) + rows->at[i];
        for (size_t j = 0; j < reached; j++) {
            ptrdiff_t pixel = row * (ptrdiff_t)f->there_w + column_at[j];
            size_t tap = rows->tap[i] * f->shape->kernel_w + column_tap[j];
            for (size_t k = 0; k < terms; k++, n++) {
                t->at[n] = pixel * (ptrdiff_t)f->there_stride + (ptrdiff_t)k;
                t->row[n] = tap * narrow + k;
            }
        }
    }
    t->n = n;
    t->step = (ptrdiff_t)(columns->there_stride * f->there_stride);
}

/* A run of pixels: `pixel` is the number of the first among all pixels here, `step` the distance to
 * the next. */
typedef void run_function(const struct few *f, const struct few_terms *t, const float *there,
                          size_t pixel, size_t step, size_t pixels, void *arg);

/* Calls `run` for all runs of row `row` of all rows here. */
static void each_run(const struct few *f, size_t row, bool channels, run_function *run, void *arg)
{
    const pln_few_shape *s = f->shape;
    size_t image = row / f->here_h, y = row % f->here_h, stride = f->forward ? 1 : s->stride;
    struct axis rows = axis_of(s, f->forward, s->in_h, s->out_h, s->kernel_h, s->top, y % stride);
    const float *there = f->there + image * f->there_h * f->there_w * f->there_stride;
    struct few_terms t;

    for (size_t phase = 0; phase < stride; phase++) {
        struct axis columns =
            axis_of(s, f->forward, s->in_w, s->out_w, s->kernel_w, s->left, phase);
        for (size_t x = 0, end; x < columns.points; x = end) {
            end = run_end(&columns, x);
            terms_of(f, &rows, y / stride, &columns, x, channels, &t);
            run(f, &t, there, row * f->here_w + phase + x * stride, stride, end - x, arg);
        }
    }
}

/* ---- Forward and gradient of the data ---- */

static void convolve_run(const struct few *f, const struct few_terms *t, const float *there,
                         size_t pixel, size_t step, size_t pixels, void *arg)
{
    const pln_few_shape *s = f->shape;
    const pln_conv_epilogue *e = f->epilogue;
    size_t wide = wide_channels(s);
    struct few_out out = {.y = f->out + pixel * f->here_stride,
                          .step = (ptrdiff_t)(step * f->here_stride),
                          .residual_step = (ptrdiff_t)(step * e->residual_stride),
                          .mask_step = (ptrdiff_t)(step * e->mask_stride),
                          .epilogue = *e};

    (void)arg;
    if (e->residual) out.epilogue.residual += pixel * e->residual_stride;
    if (e->mask) out.epilogue.mask += pixel * e->mask_stride;
    if (narrow_in(s) == f->forward)
        f->k->widen(t, there, f->u, padded(wide), wide, pixels, &out);
    else
        f->k->narrow(t, there, f->u, padded(wide), wide, narrow_channels(s), pixels, &out);
}

static void convolve_task(void *arg, size_t index, int thread)
{
    const struct few *f = arg;
    size_t end = pln_min(f->shape->n * f->here_h, (index + 1) * f->rows);

    (void)thread;
    for (size_t row = index * f->rows; row < end; row++)
        each_run(f, row, narrow_in(f->shape) == f->forward, convolve_run, NULL);
}

static pln_status convolve(pln_context *ctx, const pln_few_shape *s, bool forward,
                           const float *there, size_t there_stride, const float *u,
                           const pln_conv_epilogue *epilogue, float *out, size_t out_stride)
{
    const pln_conv_epilogue none = {0};
    struct few f = few_of(ctx, s, forward);

    f.there = there;
    f.there_stride = there_stride;
    f.here_stride = out_stride;
    f.u = u;
    f.epilogue = epilogue ? epilogue : &none;
    f.out = out;
    return pln_parallel(ctx, pln_div_up(s->n * f.here_h, f.rows), convolve_task, &f);
}

pln_status pln_few_forward(pln_context *ctx, const pln_few_shape *shape, const float *in,
                           size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                           float *out, size_t out_stride)
{
    return convolve(ctx, shape, true, in, in_stride, u, epilogue, out, out_stride);
}

pln_status pln_few_gradient(pln_context *ctx, const pln_few_shape *shape, const float *dy,
                            size_t dy_stride, const float *u, const pln_conv_epilogue *epilogue,
                            float *dx, size_t dx_stride)
{
    return convolve(ctx, shape, false, dy, dy_stride, u, epilogue, dx, dx_stride);
}

/* ---- Gradient of the weights: here is the wide side ---- */

enum {
    SLOTS = 16, /* sums, each over a fixed share of the rows */
    STRIP = 64  /* pixels whose wide channels stay in the first-level cache for all terms */
};

struct sums {
    const float *here;
    float *du, *wide; /* sums of the products, and of the wide channels or NULL */
};

struct weights_gradient {
    struct few few;
    const float *here;
    size_t slots, chunks, round; /* chunk c of the rows belongs to slot c mod slots */
    const float *dy;
    size_t dy_stride;
    float *sums; /* [slot][weights, wide, narrow] */
};

static size_t slot_floats(const pln_few_shape *s)
{
    return pln_few_weights_floats(s) + padded(wide_channels(s)) + FEW_PANEL;
}

size_t pln_few_weights_gradient_floats(const pln_few_shape *shape)
{
    return SLOTS * slot_floats(shape);
}

static void correlate_run(const struct few *f, const struct few_terms *t, const float *there,
                          size_t pixel, size_t step, size_t pixels, void *arg)
{
    const struct sums *g = arg;
    ptrdiff_t y_step = (ptrdiff_t)(step * f->here_stride);
    size_t wide = wide_channels(f->shape);

    for (size_t p = 0; p < pixels; p += STRIP)
        f->k->correlate(t, there + (ptrdiff_t)p * t->step,
                        g->here + pixel * f->here_stride + (ptrdiff_t)p * y_step, y_step,
                        padded(wide), wide, pln_min(STRIP, pixels - p), g->du, g->wide);
}

static void weights_task(void *arg, size_t slot, int thread)
{
    const struct weights_gradient *g = arg;
    const struct few *f = &g->few;
    const pln_few_shape *s = f->shape;
    size_t chunk = g->round * g->slots + slot, all = s->n * f->here_h;
    float *du = g->sums + slot * slot_floats(s);
    struct sums sums = {g->here, du, narrow_in(s) ? du + pln_few_weights_floats(s) : NULL};
    float *narrow = du + slot_floats(s) - FEW_PANEL;

    (void)thread;
    if (g->round == 0) memset(du, 0, slot_floats(s) * sizeof *du);
    if (chunk >= g->chunks) return;
    for (size_t row = chunk * f->rows; row < pln_min(all, (chunk + 1) * f->rows); row++)
        each_run(f, row, true, correlate_run, &sums);
    if (narrow_in(s)) return; /* dy is the wide side, summed already */
    size_t pixels = s->n * s->out_h * s->out_w;
    size_t from = pixels / g->chunks * chunk + pln_min(chunk, pixels % g->chunks);
    size_t end = from + pixels / g->chunks + (chunk < pixels % g->chunks);
    for (size_t o = 0; o < s->cout; o++) {
        double sum = 0;
        for (size_t p = from; p < end; p++) sum += (double)g->dy[p * g->dy_stride + o];
        narrow[o] += (float)sum;
    }
}

pln_status pln_few_weights_gradient(pln_context *ctx, const pln_few_shape *shape, const float *x,
                                    size_t x_stride, const float *dy, size_t dy_stride,
                                    pln_conv_order order, float *dw, float *db, float *work)
{
    pln_status s = PLN_OK;
    bool forward = narrow_in(shape); /* here, the wide side, is the output */
    struct weights_gradient g = {.few = few_of(ctx, shape, forward),
                                 .here = forward ? dy : x,
                                 .dy = dy,
                                 .dy_stride = dy_stride,
                                 .sums = work};
    g.few.here_stride = forward ? dy_stride : x_stride;
    g.few.there = forward ? x : dy;
    g.few.there_stride = forward ? x_stride : dy_stride;
    g.chunks = pln_div_up(shape->n * g.few.here_h, g.few.rows);
    g.slots = pln_min(SLOTS, g.chunks);
    for (; g.round * g.slots < g.chunks; g.round++)
        PLN_TRY(pln_parallel(ctx, g.slots, weights_task, &g));
    for (size_t o = 0; o < shape->cout; o++)
        for (size_t i = 0; i < shape->cin; i++)
            for (size_t t = 0; t < taps_of(shape); t++) {
                double sum = 0;
                for (size_t k = 0; k < g.slots; k++)
                    sum += (double)work[k * slot_floats(shape) + our_place(shape, o, i, t)];
                dw[place(shape, order, o, i, t)] = (float)sum;
            }
    for (size_t o = 0; db && o < shape->cout; o++) {
        size_t at =
            forward ? pln_few_weights_floats(shape) + o : slot_floats(shape) - FEW_PANEL + o;
        double sum = 0;
        for (size_t k = 0; k < g.slots; k++) sum += (double)work[k * slot_floats(shape) + at];
        db[o] = (float)sum;
    }
done:
    return s;
}
