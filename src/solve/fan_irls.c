/* SPDX-License-Identifier: MIT */
/* Iteratively re-weighted least squares of Fan's data and flattening terms: a baseline of the
 * paper's section 5. Given T, with a_ij = alpha where m_i = 1 and 0.4 max(|T_i - T_j|, eps)^-1.2
 * elsewhere, and s_ij = lambda_f ([B_i = 0] w_ij a_ij + [B_j = 0] w_ji a_ji), solved for x, each
 * channel alone:
 *
 *     x_i + sum_j s_ij (x_i - x_j) = I_i
 */
#include <math.h>
#include <string.h>

#include "solve/fan_field.h"

struct rounds {
    fan_field f; /* its x holds what the system is applied to, X below */
    double eps;
    float step[3]; /* of each channel, in the direction; or of the direction before */
    float *x, *r;  /* result, residual: 3 w h each, dense */
};

static float *x_row(const fan_field *f, int c, size_t y) { return f->x[c] + y * f->stride; }

/* G becomes A X; in sums, X A X. */
static void apply_row(void *arg, size_t y, int thread)
{
    const struct rounds *k = arg;
    const fan_field *f = &k->f;
    float lambda = (float)f->p->energy->lambda_f;
    double *sums = f->sums + FAN_SUMS * y;
    (void)thread;
    for (int c = 0; c < 3; c++) {
        const float *x = x_row(f, c, y);
        float *g = fan_row(f, FAN_G + c, y);
        double sum = 0;
        for (size_t i = 0; i < f->p->w; i++) {
            g[i] = x[i] + lambda * g[i];
            sum += (double)x[i] * (double)g[i];
        }
        sums[c] = sum;
    }
}

/* x += step X, r -= step G; sums: r r. */
static void advance_row(void *arg, size_t y, int thread)
{
    const struct rounds *k = arg;
    const fan_field *f = &k->f;
    size_t w = f->p->w;
    double *sums = f->sums + FAN_SUMS * y;
    (void)thread;
    for (int c = 0; c < 3; c++) {
        const float *d = x_row(f, c, y), *g = fan_row(f, FAN_G + c, y);
        float *x = k->x + 3 * w * y + c, *r = k->r + 3 * w * y + c;
        double sum = 0;
        for (size_t i = 0; i < w; i++) {
            x[3 * i] += k->step[c] * d[i];
            r[3 * i] -= k->step[c] * g[i];
            sum += (double)r[3 * i] * (double)r[3 * i];
        }
        sums[c] = sum;
    }
}

/* X = r + step X */
static void turn_row(void *arg, size_t y, int thread)
{
    const struct rounds *k = arg;
    size_t w = k->f.p->w;
    (void)thread;
    for (int c = 0; c < 3; c++) {
        float *d = x_row(&k->f, c, y);
        const float *r = k->r + 3 * w * y + c;
        for (size_t i = 0; i < w; i++) d[i] = r[3 * i] + k->step[c] * d[i];
    }
}

/* X = x, 0 around; x is where the round starts. */
static void start_row(void *arg, size_t y, int thread)
{
    const struct rounds *k = arg;
    const fan_field *f = &k->f;
    (void)thread;
    for (int c = 0; c < 3; c++) {
        float *d = x_row(f, c, y);
        memset(d - FAN_ROOM, 0, f->stride * sizeof *d);
        for (size_t i = 0; i < f->p->w; i++) d[i] = k->x[3 * (f->p->w * y + i) + (size_t)c];
    }
}

/* r = I - G; sums: r r. */
static void residual_row(void *arg, size_t y, int thread)
{
    const struct rounds *k = arg;
    const fan_field *f = &k->f;
    size_t w = f->p->w, step = f->p->I_step;
    double *sums = f->sums + FAN_SUMS * y;
    (void)thread;
    for (int c = 0; c < 3; c++) {
        const float *I = f->p->I + y * w * step + c, *g = fan_row(f, FAN_G + c, y);
        float *r = k->r + 3 * w * y + c;
        double sum = 0;
        for (size_t i = 0; i < w; i++) {
            r[3 * i] = I[i * step] - g[i];
            sum += (double)r[3 * i] * (double)r[3 * i];
        }
        sums[c] = sum;
    }
}

/* Squares of I in sums. */
static void square_row(void *arg, size_t y, int thread)
{
    const struct rounds *k = arg;
    const pln_fan_problem *p = k->f.p;
    double *sums = k->f.sums + FAN_SUMS * y;
    (void)thread;
    for (int c = 0; c < 3; c++) {
        const float *I = p->I + y * p->w * p->I_step + c;
        sums[c] = 0;
        for (size_t i = 0; i < p->w; i++)
            sums[c] += (double)I[i * p->I_step] * (double)I[i * p->I_step];
    }
}

static pln_status rows(pln_context *ctx, struct rounds *k, pln_task *task, double sums[FAN_SUMS])
{
    for (size_t i = 0; i < FAN_SUMS * k->f.p->h; i++) k->f.sums[i] = 0;
    pln_status s = pln_parallel(ctx, k->f.p->h, task, k);
    pln_fan_add_rows(&k->f, sums);
    return s;
}

static pln_status apply(pln_context *ctx, struct rounds *k, double sums[FAN_SUMS])
{
    pln_status s = pln_fan_window(ctx, &k->f, k->f.kernels->apply, k->eps);
    return s ? s : rows(ctx, k, apply_row, sums);
}

static bool done_with(const double squares[FAN_SUMS], const double stop[FAN_SUMS])
{
    return squares[0] <= stop[0] && squares[1] <= stop[1] && squares[2] <= stop[2];
}

/* One system, from k->x on. from, to: of pln_progress. */
static pln_status solve(pln_context *ctx, struct rounds *k, const pln_fan_rounds *o, double from,
                        double to)
{
    double stop[FAN_SUMS], squares[FAN_SUMS], next[FAN_SUMS], curve[FAN_SUMS];
    pln_status s = PLN_OK;

    PLN_TRY(rows(ctx, k, square_row, stop));
    for (int c = 0; c < 3; c++) stop[c] *= o->tolerance * o->tolerance;
    PLN_TRY(pln_parallel(ctx, k->f.p->h, start_row, k));
    PLN_TRY(apply(ctx, k, curve));
    PLN_TRY(rows(ctx, k, residual_row, squares));
    for (int c = 0; c < 3; c++) k->step[c] = 0;
    PLN_TRY(pln_parallel(ctx, k->f.p->h, turn_row, k));
    for (int i = 0; i < o->solver_steps && !done_with(squares, stop); i++) {
        PLN_TRY(pln_progress(ctx, from + (to - from) * i / o->solver_steps, "rounds"));
        PLN_TRY(apply(ctx, k, curve));
        for (int c = 0; c < 3; c++) k->step[c] = curve[c] > 0 ? (float)(squares[c] / curve[c]) : 0;
        PLN_TRY(rows(ctx, k, advance_row, next));
        for (int c = 0; c < 3; c++) k->step[c] = squares[c] > 0 ? (float)(next[c] / squares[c]) : 0;
        PLN_TRY(pln_parallel(ctx, k->f.p->h, turn_row, k));
        memcpy(squares, next, sizeof squares);
    }
done:
    return s;
}

static size_t residual_floats(size_t w, size_t h) { return (3 * w * h + 15) / 16 * 16; }

size_t pln_fan_irls_space(size_t w, size_t h, int radius)
{
    return residual_floats(w, h) * sizeof(float) + pln_fan_planes_space(w, h) +
           pln_fan_space(w, h, radius);
}

pln_status pln_fan_irls(pln_context *ctx, const pln_fan_problem *problem, const pln_fan_rounds *o,
                        void *space, float *T)
{
    pln_fan_problem p = *problem;
    struct rounds k = {.eps = o->eps, .x = T, .r = space};
    float *x = k.r + residual_floats(p.w, p.h);
    void *rest = (char *)x + pln_fan_planes_space(p.w, p.h);
    pln_status s = PLN_OK;

    for (size_t i = 0; i < p.w * p.h; i++) memcpy(T + 3 * i, p.I + p.I_step * i, 3 * sizeof *T);
    p.T = T;
    p.T_step = 3;
    for (int i = 0; i < o->rounds; i++) {
        PLN_TRY(pln_fan_field_fill(ctx, &p, rest, &k.f));
        pln_fan_planes(&k.f, x);
        PLN_TRY(solve(ctx, &k, o, (double)i / o->rounds, (double)(i + 1) / o->rounds));
    }
done:
    return s;
}
