/* SPDX-License-Identifier: MIT */
/* Planes of Fan's energy. Comparisons that decide are made here, where no product is contracted. */
#include "solve/fan_field.h"

#include <math.h>
#include <string.h>

/* Far from every colour: weights of pixels outside the picture are 0. */
#define FAR 1000.0f

enum { PIECE = 512 }; /* pixels whose sums are made at once */

static size_t row_floats(size_t w)
{
    return FAN_ROOM + (w + FAN_LANES - 1) / FAN_LANES * FAN_LANES + FAN_ROOM;
}

/* A few lines of the cache more than the rows: planes a multiple of 4096 bytes apart would share
 * their places in it. */
static size_t plane_floats(size_t w, size_t h) { return h * row_floats(w) + 3 * FAN_LANES; }

size_t pln_fan_space(size_t w, size_t h)
{
    size_t floats = FAN_PLANES * plane_floats(w, h) + row_floats(w);
    return floats * sizeof(float) + h * FAN_SUMS * sizeof(double);
}

static void lay_out(fan_field *f, const pln_fan_problem *p, void *space)
{
    float *at = space;
    f->p = p;
    f->stride = row_floats(p->w);
    f->n = f->stride - 2 * FAN_ROOM;
    for (int k = 0; k < FAN_PLANES; k++, at += plane_floats(p->w, p->h))
        f->plane[k] = at + FAN_ROOM;
    f->in = at + FAN_ROOM;
    for (size_t x = 0; x < f->stride; x++) at[x] = x >= FAN_ROOM && x < FAN_ROOM + p->w;
    f->sums = (double *)(at + f->stride);
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

/* Pixels [from, from + n) of a row: the sums of a whole window stay in the nearest cache, and out
 * of lines that another thread writes. */
static void window_piece(const fan_field *f, size_t y, size_t from, size_t n,
                         pln_fan_pair_loop *loop, double eps)
{
    const pln_fan_energy *k = f->p->energy;
    ptrdiff_t r = k->radius, h = (ptrdiff_t)f->p->h, row = (ptrdiff_t)y;
    float sums[4][PIECE] = {{0}};
    pln_fan_pairs a = {.n = n,
                       .qi = fan_row(f, FAN_Q, y) + from,
                       .li = fan_row(f, FAN_L, y) + from,
                       .alpha = (float)k->alpha,
                       .nearness = (float)(-1 / (4 * k->sigma_r * k->sigma_r)),
                       .tie = k->slopes == PLN_FAN_AUTHORS ? -1 : 0,
                       .eps = (float)eps,
                       .g = {sums[0], sums[1], sums[2]},
                       .e = sums[3]};
    for (int c = 0; c < 3; c++) {
        a.ti[c] = fan_row(f, FAN_T + c, y) + from;
        a.yi[c] = fan_row(f, FAN_Y + c, y) + from;
        a.xi[c] = fan_row(f, FAN_X + c, y) + from;
    }
    for (ptrdiff_t dy = row < r ? -row : -r; dy <= r && row + dy < h; dy++)
        for (ptrdiff_t dx = -r; dx <= r; dx++) {
            if (dx == 0 && dy == 0) continue;
            size_t v = (size_t)(row + dy);
            ptrdiff_t at = (ptrdiff_t)from + dx;
            for (int c = 0; c < 3; c++) {
                a.tj[c] = fan_row(f, FAN_T + c, v) + at;
                a.yj[c] = fan_row(f, FAN_Y + c, v) + at;
                a.xj[c] = fan_row(f, FAN_X + c, v) + at;
            }
            a.qj = fan_row(f, FAN_Q, v) + at;
            a.lj = fan_row(f, FAN_L, v) + at;
            a.mj = fan_row(f, FAN_M, v) + at;
            a.in = f->in + at;
            a.ws = (float)exp(-(double)(dx * dx + dy * dy) / (2 * k->sigma_s * k->sigma_s));
            loop(&a);
        }
    for (int c = 0; c < 3; c++) memcpy(fan_row(f, FAN_G + c, y) + from, sums[c], n * sizeof(float));
    memcpy(fan_row(f, FAN_V, y) + from, sums[3], n * sizeof(float));
}

void pln_fan_window(const fan_field *f, size_t y, pln_fan_pair_loop *loop, double eps)
{
    for (size_t x = 0; x < f->n; x += PIECE)
        window_piece(f, y, x, pln_min(PIECE, f->n - x), loop, eps);
}

void pln_fan_add_rows(const fan_field *f, double sums[FAN_SUMS])
{
    for (int k = 0; k < FAN_SUMS; k++) sums[k] = 0;
    for (size_t y = 0; y < f->p->h; y++)
        for (int k = 0; k < FAN_SUMS; k++) sums[k] += f->sums[FAN_SUMS * y + (size_t)k];
}
