/* SPDX-License-Identifier: MIT */
/* What differs from solve/poisson.c: whole planes are transformed at once, and the mirror images of
 * reflecting borders are all in memory. */
#include "operators/gpu/poisson.h"

#include "solve/solve.h"

struct gpu_poisson gpu_poisson_of(size_t w, size_t h, size_t planes, bool reflect)
{
    struct gpu_poisson p = {.w = reflect ? 2 * w : w, .h = reflect ? 2 * h : h, .planes = planes};
    p.columns = p.w / 2 + 1;
    p.work_bytes = planes * p.h * p.columns * sizeof *p.spectrum;
    return p;
}

pln_status gpu_poisson_open(pln_device *d, struct gpu_poisson *p)
{
    return d->ops->fourier_new(d, p->w, p->h, p->planes, &p->fourier, &p->work_bytes);
}

void gpu_poisson_close(pln_device *d, struct gpu_poisson *p)
{
    if (p->fourier) d->ops->fourier_free(p->fourier);
}

void gpu_poisson_take(struct gpu *g, struct gpu_poisson *p)
{
    p->f = gpu_floats(g, p->planes * p->h * p->w);
    p->spectrum = gpu_take(g, p->planes * p->h * p->columns, sizeof *p->spectrum);
    p->dx = gpu_floats(g, p->columns);
    p->dy = gpu_floats(g, p->h);
    p->work = gpu_take(g, p->work_bytes, 1);
}

pln_status gpu_poisson_fill(struct gpu *g, const struct gpu_poisson *p)
{
    float *d = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(g->ctx, pln_max(p->columns, p->h), sizeof *d, &d));
    pln_poisson_eigenvalues(d, p->columns, p->w);
    PLN_TRY(gpu_upload(g, p->dx, d, p->columns * sizeof *d));
    pln_poisson_eigenvalues(d, p->h, p->h);
    PLN_TRY(gpu_upload(g, p->dy, d, p->h * sizeof *d));
done:
    pln_free(d);
    return s;
}

pln_status gpu_poisson_solve(struct gpu *g, const struct gpu_poisson *p, double k, float *u)
{
    const pln_device_ops *ops = g->d->ops;
    cu_screen q = {.spectrum = p->spectrum,
                   .dx = p->dx,
                   .dy = p->dy,
                   .columns = p->columns,
                   .h = p->h,
                   .k = (float)k,
                   .scale = (float)(1 / ((double)p->w * (double)p->h))};
    pln_status s = PLN_OK;

    PLN_TRY(ops->fourier_run(g->d, p->fourier, false, p->f, p->spectrum, p->work));
    PLN_TRY(gpu_launch(g, screen, &q, p->planes * p->h * p->columns));
    PLN_TRY(ops->fourier_run(g->d, p->fourier, true, p->spectrum, u, p->work));
done:
    return s;
}
