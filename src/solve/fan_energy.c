/* SPDX-License-Identifier: MIT */
/* The value and the gradient of Fan's energy. */
#include "solve/fan_field.h"

struct job {
    fan_field f;
    double factor, edges; /* edges: sum of B */
    float *grad;
    size_t grad_step;
};

enum { DATA, FLAT, EDGE, EDGES, SHARE };

/* Terms of a row; V becomes B (E(T) - G). */
static void value_row(void *arg, size_t y, int thread)
{
    const struct job *job = arg;
    const fan_field *f = &job->f;
    const pln_fan_problem *p = f->p;
    const float *t = p->T + y * p->w * p->T_step, *i = p->I + y * p->w * p->I_step,
                *gb = p->GB + y * p->w * p->GB_step, *e = fan_row(f, FAN_E, y),
                *m = fan_row(f, FAN_M, y);
    float *v = fan_row(f, FAN_V, y);
    double *sums = f->sums + FAN_SUMS * y;

    (void)thread;
    for (int k = 0; k < FAN_SUMS; k++) sums[k] = 0;
    for (size_t x = 0; x < p->w; x++, t += p->T_step, i += p->I_step, gb += p->GB_step) {
        bool edge = gb[1] != 0;
        double r = edge ? (double)e[x] / 6 - (double)gb[0] : 0;
        for (int c = 0; c < 3; c++) {
            double d = (double)t[c] - (double)i[c];
            sums[DATA] += d * d;
        }
        sums[FLAT] += (double)v[x];
        sums[EDGE] += r * r;
        sums[EDGES] += edge;
        sums[SHARE] += (double)m[x];
        v[x] = (float)r;
    }
}

/* E becomes dE_e/dT times N_e: sum over neighbours of sgn(s_i - s_j)(q_i + q_j) / 6, q = 2 B (E -
 * G); a tie, and in the authors' code every pixel to itself, counts as negative there. */
static void edge_row(const fan_field *f, size_t y, float *sum)
{
    static const int offsets[12][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1},  {1, -1},
                                       {1, 0},   {1, 1},  {-2, 0}, {2, 0},  {0, -2}, {0, 2}};
    size_t w = f->p->w, h = f->p->h;
    const float *si = fan_row(f, FAN_S, y), *ri = fan_row(f, FAN_V, y);
    const float tie = f->p->energy->slopes == PLN_FAN_AUTHORS ? -1 : 0;
    for (size_t x = 0; x < w; x++) sum[x] = tie * 2 * ri[x];
    for (int k = 0; k < 12; k++) {
        ptrdiff_t dx = offsets[k][1], v = (ptrdiff_t)y + offsets[k][0];
        if (v < 0 || v >= (ptrdiff_t)h) continue;
        const float *sj = fan_row(f, FAN_S, (size_t)v) + dx,
                    *rj = fan_row(f, FAN_V, (size_t)v) + dx;
        size_t from = dx < 0 ? (size_t)-dx : 0, to = dx > 0 ? w - pln_min(w, (size_t)dx) : w;
        for (size_t x = from; x < to; x++) {
            float sign = si[x] > sj[x] ? 1 : si[x] < sj[x] ? -1 : tie;
            sum[x] += sign * (ri[x] + rj[x]);
        }
    }
    for (size_t x = 0; x < w; x++) sum[x] /= 3;
}

static void gradient_row(void *arg, size_t y, int thread)
{
    const struct job *job = arg;
    const fan_field *f = &job->f;
    const pln_fan_problem *p = f->p;
    const pln_fan_energy *k = p->energy;
    const float *t = p->T + y * p->w * p->T_step, *i = p->I + y * p->w * p->I_step,
                *l = fan_row(f, FAN_L, y);
    const float *g[3] = {fan_row(f, FAN_G, y), fan_row(f, FAN_G + 1, y), fan_row(f, FAN_G + 2, y)};
    float *grad = job->grad + y * p->w * job->grad_step, *edge = fan_row(f, FAN_E, y);
    double per_value = 1 / (3 * (double)p->w * (double)p->h);
    float data = (float)(job->factor * 2 * per_value),
          flat = (float)(job->factor * k->lambda_f * per_value),
          edges = job->edges > 0 ? (float)(job->factor * k->lambda_e / job->edges) : 0;
    float self =
        k->slopes == PLN_FAN_AUTHORS ? 1.6f : 0; /* i among its own window: a tie of |d|^0.8 */

    (void)thread;
    if (edges != 0) edge_row(f, y, edge);
    for (size_t x = 0; x < p->w; x++, t += p->T_step, i += p->I_step, grad += job->grad_step) {
        float both = edges != 0 ? edges * edge[x] : 0;
        for (int c = 0; c < 3; c++)
            grad[c] = data * (t[c] - i[c]) + flat * (g[c][x] - self * l[x]) + both;
    }
}

static pln_status sum_terms(pln_context *ctx, struct job *job, pln_fan_pair_loop *loop,
                            pln_fan_terms *terms)
{
    const pln_fan_problem *p = job->f.p;
    double sums[FAN_SUMS], n = (double)p->w * (double)p->h;
    pln_status s = PLN_OK;

    PLN_TRY(pln_fan_window(ctx, &job->f, loop, 0));
    PLN_TRY(pln_parallel(ctx, p->h, value_row, job));
    pln_fan_add_rows(&job->f, sums);
    job->edges = sums[EDGES];
    *terms = (pln_fan_terms){.data = sums[DATA] / (3 * n),
                             .flat = sums[FLAT] / (3 * n),
                             .edge = sums[EDGES] > 0 ? sums[EDGE] / sums[EDGES] : 0,
                             .share = sums[SHARE] / n};
    terms->total =
        terms->data + p->energy->lambda_f * terms->flat + p->energy->lambda_e * terms->edge;
done:
    return s;
}

pln_status pln_fan_evaluate(pln_context *ctx, const pln_fan_problem *p, void *space, double factor,
                            float *grad, size_t grad_step, pln_fan_terms *terms)
{
    struct job job = {.factor = factor, .grad = grad, .grad_step = grad_step};
    pln_status s = PLN_OK;

    PLN_TRY(pln_fan_field_fill(ctx, p, space, &job.f));
    const fan_kernels *k = job.f.kernels;
    PLN_TRY(sum_terms(ctx, &job,
                      !grad                                ? k->value
                      : p->energy->slopes == PLN_FAN_EXACT ? k->exact
                                                           : k->code,
                      terms));
    if (grad) PLN_TRY(pln_parallel(ctx, p->h, gradient_row, &job));
done:
    return s;
}

pln_status pln_fan_bounded(pln_context *ctx, const pln_fan_problem *p, void *space,
                           pln_fan_terms *terms)
{
    struct job job = {0};
    pln_status s = PLN_OK;

    PLN_TRY(pln_fan_field_fill(ctx, p, space, &job.f));
    PLN_TRY(sum_terms(ctx, &job, job.f.kernels->bounded, terms));
done:
    return s;
}
