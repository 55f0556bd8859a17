/* SPDX-License-Identifier: MIT */
/* What differs from solve/spd.c: the diagonal is the preconditioner, so that steps are many, and
 * every one wholly parallel. The device decides what a step needs; the host looks every few steps
 * whether it is the last one. */
#include "operators/gpu/spd.h"

#include <math.h>

/* Steps from look to look. A channel that is done stays as it is: results do not depend on it. */
enum { LOOK = 8 };

void gpu_spd_take(struct gpu *g, size_t w, size_t h, size_t c, struct gpu_spd *m)
{
    size_t n = w * h;
    *m = (struct gpu_spd){.w = w, .h = h, .c = c, .right = gpu_floats(g, n)};
    m->down = gpu_floats(g, n);
    m->f = gpu_floats(g, n * c);
    m->u = gpu_floats(g, n * c);
    m->inverse = gpu_floats(g, n);
    m->r = gpu_floats(g, n * c);
    m->p = gpu_floats(g, n * c);
    m->q = gpu_floats(g, n * c);
    m->scalars = gpu_take(g, c, sizeof *m->scalars);
    gpu_sums_take(g, c, n, &m->sums);
}

static pln_status worst_of(struct gpu *g, const struct gpu_spd *m, double *worst)
{
    cu_spd_scalars scalars[3];
    pln_status s = g->d->ops->download(g->d, scalars, m->scalars, m->c * sizeof *scalars);
    *worst = 0;
    for (size_t k = 0; k < m->c && !s; k++)
        if (!(scalars[k].relative <= *worst)) *worst = scalars[k].relative;
    return s;
}

/* Residuals fall in geometric steps, the way to the tolerance is measured on that scale. */
static pln_status say(struct gpu *g, const pln_spd_options *o, double *reached, double way)
{
    if (way > *reached) *reached = way;
    return gpu_progress(g, o->progress_from + (o->progress_to - o->progress_from) * *reached,
                        "solve");
}

static pln_status step(struct gpu *g, const struct gpu_spd *m, const cu_spd *A,
                       const cu_spd_decide *decide)
{
    size_t parts = m->c * A->parts;
    pln_status s = PLN_OK;
    PLN_TRY(gpu_launch(g, spd_direction, A, m->c * A->n));
    PLN_TRY(gpu_launch(g, spd_apply, A, parts));
    PLN_TRY(gpu_sum(g, &m->sums));
    PLN_TRY(gpu_launch(g, spd_alpha, decide, m->c));
    PLN_TRY(gpu_launch(g, spd_step, A, parts));
    PLN_TRY(gpu_sum(g, &m->sums));
    PLN_TRY(gpu_launch(g, spd_beta, decide, m->c));
done:
    return s;
}

pln_status gpu_spd_solve(struct gpu *g, const struct gpu_spd *m, const pln_spd_options *options)
{
    cu_spd A = {.w = m->w,
                .n = m->w * m->h,
                .c = m->c,
                .parts = m->sums.parts,
                .right = m->right,
                .down = m->down,
                .inverse = m->inverse,
                .f = m->f,
                .u = m->u,
                .r = m->r,
                .p = m->p,
                .q = m->q,
                .warm = options->warm,
                .part = m->sums.part,
                .scalars = m->scalars};
    cu_spd_decide decide = {.total = m->sums.total,
                            .scalars = m->scalars,
                            .tolerance = options->tolerance,
                            .first = true,
                            .cold = !options->warm};
    double worst, first, reached = 0;
    int limit = options->max_iterations ? options->max_iterations : 20000, it = 0;
    pln_status s = PLN_OK;

    PLN_TRY(gpu_launch(g, spd_inverse, &A, A.n));
    PLN_TRY(gpu_launch(g, spd_start, &A, A.c * A.parts));
    PLN_TRY(gpu_sum(g, &m->sums));
    PLN_TRY(gpu_launch(g, spd_beta, &decide, A.c));
    decide.first = decide.cold = false;
    PLN_TRY(worst_of(g, m, &worst));
    for (first = worst; !(worst <= options->tolerance);) {
        PLN_TRY(say(g, options, &reached, log(worst / first) / log(options->tolerance / first)));
        /* The CPU's preconditioner is stronger: a run may go on there. */
        if (it >= limit || isnan(worst)) {
            s = pln_fail(g->ctx, PLN_E_UNSUPPORTED,
                         "%s: the linear solver stopped after %d steps with a relative residual of "
                         "%g (asked: %g)",
                         pln_device_name(g->d), it, worst, options->tolerance);
            goto done;
        }
        for (int i = 0; i < LOOK; i++, it++) PLN_TRY(step(g, m, &A, &decide));
        PLN_TRY(worst_of(g, m, &worst));
    }
    pln_log(g->ctx, 1, "%s: linear system of %zux%zu: %d steps to a relative residual of %.1e",
            pln_device_name(g->d), m->w, m->h, it, worst);
done:
    return s;
}
