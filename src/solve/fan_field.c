/* SPDX-License-Identifier: MIT */
/* Planes of Fan's energy. Comparisons that decide are made here, where no product is contracted. */
#include "solve/fan_field.h"

#include <math.h>
#include <string.h>

/* Far from every colour: weights of pixels outside the picture are 0. */
#define FAR 1000.0f

enum { PIECE = 256 }; /* pixels whose sums are made at once */

static size_t row_floats(size_t w)
{
    return FAN_ROOM + (w + FAN_LANES - 1) / FAN_LANES * FAN_LANES + FAN_ROOM;
}

/* A few lines of the cache more than the rows: planes a multiple of 4096 bytes apart would share
 * their places in it. */
static size_t plane_floats(size_t w, size_t h) { return h * row_floats(w) + 3 * FAN_LANES; }

static size_t bands_of(size_t h) { return (h + FAN_BAND - 1) / FAN_BAND; }
static size_t below_floats(size_t w, size_t h, int radius)
{
    return 3 * bands_of(h) * (size_t)radius * row_floats(w);
}

size_t pln_fan_space(size_t w, size_t h, int radius)
{
    size_t floats = FAN_PLANES * plane_floats(w, h) + row_floats(w) + below_floats(w, h, radius);
    return floats * sizeof(float) + h * FAN_SUMS * sizeof(double);
}

static void lay_out(fan_field *f, const pln_fan_problem *p, void *space)
{
    float *at = space;
    *f = (fan_field){.p = p};
    f->stride = row_floats(p->w);
    f->n = f->stride - 2 * FAN_ROOM;
    for (int k = 0; k < FAN_PLANES; k++, at += plane_floats(p->w, p->h))
        f->plane[k] = at + FAN_ROOM;
    f->in = at + FAN_ROOM;
    for (size_t x = 0; x < f->stride; x++) at[x] = x >= FAN_ROOM && x < FAN_ROOM + p->w;
    f->bands = bands_of(p->h);
    f->below = at + f->stride;
    f->sums = (double *)(f->below + below_floats(p->w, p->h, p->energy->radius));
}

static void surround(const fan_field *f, int plane, size_t y, float value)
{
    float *row = fan_row(f, plane, y);
    for (size_t x = 0; x < FAN_ROOM; x++) row[(ptrdiff_t)x - FAN_ROOM] = value;
    for (size_t x = f->p->w; x < f->n + FAN_ROOM; x++) row[x] = value;
}

static void load_row(void *arg, size_t y, int thread)
{
    const fan_field *f = arg;
    const pln_fan_problem *p = f->p;
    const float *t = p->T + y * p->w * p->T_step, *i = p->I + y * p->w * p->I_step;
    float *T[3], *Y[3], *s = fan_row(f, FAN_S, y);
    (void)thread;
    for (int c = 0; c < 3; c++) {
        T[c] = fan_row(f, FAN_T + c, y);
        Y[c] = fan_row(f, FAN_Y + c, y);
        surround(f, FAN_T + c, y, 0);
        surround(f, FAN_Y + c, y, FAR);
    }
    for (size_t x = 0; x < p->w; x++, t += p->T_step, i += p->I_step) {
        for (int c = 0; c < 3; c++) T[c][x] = t[c];
        s[x] = t[0] + t[1] + t[2];
        float r = i[0] / 255, g = i[1] / 255, b = i[2] / 255;
        float luma = 0.299f * r + 0.587f * g + 0.114f * b;
        Y[0][x] = luma;
        Y[1][x] = 0.492f * (b - luma);
        Y[2][x] = 0.877f * (r - luma);
    }
}

/* m before it grows. */
static void decide_row(void *arg, size_t y, int thread)
{
    const fan_field *f = arg;
    const pln_fan_problem *p = f->p;
    const float *gb = p->GB + y * p->w * p->GB_step;
    float *m = fan_row(f, FAN_M, y), *e = fan_row(f, FAN_E, y);
    float c1 = (float)(6 * p->energy->c1), c2 = (float)(6 * p->energy->c2);
    (void)thread;
    pln_fan_response_row(f->plane[FAN_S], f->stride, p->w, p->h, y, e);
    surround(f, FAN_M, y, 0);
    for (size_t x = 0; x < p->w; x++, gb += p->GB_step) {
        float guide = 6 * gb[0];
        m[x] = (e[x] - guide > c2 && guide < c1) || (gb[0] == 0 && e[x] > 0);
    }
}

static void grow_across(void *arg, size_t y, int thread)
{
    const fan_field *f = arg;
    size_t r = (size_t)f->p->energy->grow, w = f->p->w;
    const float *m = fan_row(f, FAN_M, y);
    float *to = fan_row(f, FAN_V, y);
    (void)thread;
    for (size_t x = 0; x < w; x++) {
        to[x] = 0;
        for (size_t u = x < r ? 0 : x - r; u <= pln_min(x + r, w - 1); u++)
            to[x] = m[u] > 0 ? 1 : to[x];
    }
}

static void grow_down(void *arg, size_t y, int thread)
{
    const fan_field *f = arg;
    size_t r = (size_t)f->p->energy->grow, w = f->p->w;
    float *m = fan_row(f, FAN_M, y);
    (void)thread;
    for (size_t v = y < r ? 0 : y - r; v <= pln_min(y + r, f->p->h - 1); v++) {
        const float *from = fan_row(f, FAN_V, v);
        for (size_t x = 0; x < w; x++) m[x] = from[x] > 0 ? 1 : m[x];
    }
}

static void part_row(void *arg, size_t y, int thread)
{
    const fan_field *f = arg;
    const pln_fan_problem *p = f->p;
    const float *gb = p->GB + y * p->w * p->GB_step, *m = fan_row(f, FAN_M, y);
    float *q = fan_row(f, FAN_Q, y), *l = fan_row(f, FAN_L, y);
    (void)thread;
    surround(f, FAN_Q, y, 0);
    surround(f, FAN_L, y, 0);
    for (size_t x = 0; x < p->w; x++, gb += p->GB_step) {
        float flat = gb[1] == 0;
        q[x] = flat * m[x];
        l[x] = flat * (1 - m[x]);
    }
}

pln_status pln_fan_field_fill(pln_context *ctx, const pln_fan_problem *p, void *space, fan_field *f)
{
    pln_status s = PLN_OK;
    if (p->energy->radius < 1 || p->energy->radius > PLN_FAN_RADIUS)
        return pln_fail(ctx, PLN_E_RANGE, "a window of radius %d: expected 1 to %d",
                        p->energy->radius, PLN_FAN_RADIUS);
    lay_out(f, p, space);
    f->kernels = PLN_KERNELS_PICK(ctx, pln_fan_kernels);
    PLN_TRY(pln_parallel(ctx, p->h, load_row, f));
    PLN_TRY(pln_parallel(ctx, p->h, decide_row, f));
    if (p->energy->grow > 0) {
        PLN_TRY(pln_parallel(ctx, p->h, grow_across, f));
        PLN_TRY(pln_parallel(ctx, p->h, grow_down, f));
    }
    PLN_TRY(pln_parallel(ctx, p->h, part_row, f));
done:
    return s;
}

/* ---- The window: each pair of pixels once, by the offsets below and to the right ---- */

struct window {
    const fan_field *f;
    pln_fan_pair_loop *loop;
    double eps;
    bool flows; /* the loop adds to G */
};

/* G of row y for what band b adds: its own row, or one of those below that are the next bands'. */
static float *row_to_add_to(const fan_field *f, size_t band, int c, size_t y)
{
    size_t below = (band + 1) * FAN_BAND;
    if (y < below) return fan_row(f, FAN_G + c, y);
    return f->below +
           (((size_t)c * f->bands + band) * (size_t)f->p->energy->radius + y - below) * f->stride +
           FAN_ROOM;
}

static void end_at(const fan_field *f, size_t y, ptrdiff_t at, pln_fan_end *end)
{
    for (int c = 0; c < 3; c++) {
        end->t[c] = fan_row(f, FAN_T + c, y) + at;
        end->y[c] = fan_row(f, FAN_Y + c, y) + at;
        end->x[c] = f->x[c] ? f->x[c] + y * f->stride + at : NULL;
    }
    end->q = fan_row(f, FAN_Q, y) + at;
    end->l = fan_row(f, FAN_L, y) + at;
    end->m = fan_row(f, FAN_M, y) + at;
    end->in = f->in + at;
}

/* Pixels [from, from + n) of a row: the sums of a whole window stay in the nearest cache. */
static void window_piece(const struct window *w, size_t band, size_t y, size_t from, size_t n)
{
    const fan_field *f = w->f;
    const pln_fan_energy *k = f->p->energy;
    ptrdiff_t r = k->radius;
    float sums[4][PIECE] = {{0}};
    pln_fan_pairs a = {.n = n,
                       .alpha = (float)k->alpha,
                       .nearness = (float)(-1 / (4 * k->sigma_r * k->sigma_r)),
                       .tie = k->slopes == PLN_FAN_AUTHORS ? -1 : 0,
                       .eps = (float)w->eps,
                       .e = sums[3]};
    end_at(f, y, (ptrdiff_t)from, &a.i);
    for (int c = 0; c < 3; c++) a.i.g[c] = sums[c];
    for (ptrdiff_t dy = 0; dy <= r && y + (size_t)dy < f->p->h; dy++)
        for (ptrdiff_t dx = dy ? -r : 1; dx <= r; dx++) {
            ptrdiff_t at = (ptrdiff_t)from + dx;
            end_at(f, y + (size_t)dy, at, &a.j);
            for (int c = 0; c < 3; c++) a.j.g[c] = row_to_add_to(f, band, c, y + (size_t)dy) + at;
            a.ws = (float)exp(-(double)(dx * dx + dy * dy) / (2 * k->sigma_s * k->sigma_s));
            w->loop(&a);
        }
    for (int c = 0; c < 3 && w->flows; c++) {
        float *g = fan_row(f, FAN_G + c, y) + from;
        for (size_t x = 0; x < n; x++) g[x] += sums[c][x];
    }
    memcpy(fan_row(f, FAN_V, y) + from, sums[3], n * sizeof(float));
}

static void window_band(void *arg, size_t band, int thread)
{
    const struct window *w = arg;
    const fan_field *f = w->f;
    size_t top = band * FAN_BAND, bottom = pln_min(top + FAN_BAND, f->p->h),
           last = pln_min(bottom + (size_t)f->p->energy->radius, f->p->h);
    (void)thread;
    for (size_t y = top; y < last && w->flows; y++)
        for (int c = 0; c < 3; c++)
            memset(row_to_add_to(f, band, c, y) - FAN_ROOM, 0, f->stride * sizeof(float));
    for (size_t y = top; y < bottom; y++)
        for (size_t x = 0; x < f->n; x += PIECE)
            window_piece(w, band, y, x, pln_min(PIECE, f->n - x));
}

/* What the bands above added for a row. */
static void gather_row(void *arg, size_t y, int thread)
{
    const fan_field *f = arg;
    size_t radius = (size_t)f->p->energy->radius, band = y / FAN_BAND;
    (void)thread;
    for (size_t b = y < radius ? 0 : (y - radius) / FAN_BAND; b < band; b++)
        for (int c = 0; c < 3; c++) {
            const float *from = row_to_add_to(f, b, c, y);
            float *g = fan_row(f, FAN_G + c, y);
            for (size_t x = 0; x < f->n; x++) g[x] += from[x];
        }
}

pln_status pln_fan_window(pln_context *ctx, fan_field *f, pln_fan_pair_loop *loop, double eps)
{
    struct window w = {f, loop, eps, loop != f->kernels->value && loop != f->kernels->bounded};
    pln_status s = PLN_OK;
    PLN_TRY(pln_parallel(ctx, f->bands, window_band, &w));
    if (w.flows) PLN_TRY(pln_parallel(ctx, f->p->h, gather_row, f));
done:
    return s;
}

size_t pln_fan_planes_space(size_t w, size_t h) { return 3 * plane_floats(w, h) * sizeof(float); }

void pln_fan_planes(fan_field *f, void *space)
{
    for (int c = 0; c < 3; c++)
        f->x[c] = (float *)space + (size_t)c * plane_floats(f->p->w, f->p->h) + FAN_ROOM;
}

void pln_fan_add_rows(const fan_field *f, double sums[FAN_SUMS])
{
    for (int k = 0; k < FAN_SUMS; k++) sums[k] = 0;
    for (size_t y = 0; y < f->p->h; y++)
        for (int k = 0; k < FAN_SUMS; k++) sums[k] += f->sums[FAN_SUMS * y + (size_t)k];
}
