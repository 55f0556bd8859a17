/* SPDX-License-Identifier: MIT */
/* Adam (Kingma, Ba, ICLR 2015) on Fan's energy of one picture: a baseline of the paper's section 5;
 * the step length is ours, the paper prints none. */
#include <math.h>
#include <string.h>

#include "solve/fan.h"

#define BETA1 0.9f
#define BETA2 0.999f
#define EPS   1e-8f

struct adam {
    size_t w, I_step;
    const float *I;
    float *T, *grad, *m, *v;
    float rate; /* with the correction of both moments' bias */
};

/* T = I, no moments: in rows, for the pages' first touch takes a while that a stop must not wait.
 */
static void start_row(void *arg, size_t y, int thread)
{
    const struct adam *a = arg;
    size_t from = a->w * y;
    (void)thread;
    for (size_t i = from; i < from + a->w; i++)
        memcpy(a->T + 3 * i, a->I + a->I_step * i, 3 * sizeof *a->T);
    memset(a->m + 3 * from, 0, 3 * a->w * sizeof *a->m);
    memset(a->v + 3 * from, 0, 3 * a->w * sizeof *a->v);
}

static void step_row(void *arg, size_t y, int thread)
{
    const struct adam *a = arg;
    (void)thread;
    for (size_t i = 3 * a->w * y; i < 3 * a->w * (y + 1); i++) {
        float g = a->grad[i];
        a->m[i] = BETA1 * a->m[i] + (1 - BETA1) * g;
        a->v[i] = BETA2 * a->v[i] + (1 - BETA2) * g * g;
        a->T[i] -= a->rate * a->m[i] / (sqrtf(a->v[i]) + EPS);
    }
}

size_t pln_fan_adam_space(size_t w, size_t h, int radius)
{
    return pln_fan_space(w, h, radius) + 3 * (3 * w * h + 16) * sizeof(float);
}

pln_status pln_fan_adam(pln_context *ctx, const pln_fan_problem *problem, int steps, double rate,
                        void *space, float *T)
{
    pln_fan_problem p = *problem;
    size_t n = 3 * p.w * p.h, part = (n + 15) / 16 * 16;
    struct adam a = {.w = p.w, .I_step = p.I_step, .I = p.I, .T = T, .grad = space};
    pln_fan_terms terms;
    pln_status s = PLN_OK;

    a.m = a.grad + part;
    a.v = a.m + part;
    void *rest = a.v + part;
    PLN_TRY(pln_progress(ctx, 0, "steps"));
    PLN_TRY(pln_parallel(ctx, p.h, start_row, &a));
    p.T = T;
    p.T_step = 3;
    for (int t = 1; t <= steps; t++) {
        PLN_TRY(pln_progress(ctx, (double)(t - 1) / steps, "steps"));
        PLN_TRY(pln_fan_evaluate(ctx, &p, rest, 1, a.grad, 3, &terms));
        a.rate = (float)(rate * sqrt(1 - pow((double)BETA2, t)) / (1 - pow((double)BETA1, t)));
        PLN_TRY(pln_parallel(ctx, p.h, step_row, &a));
    }
done:
    return s;
}
