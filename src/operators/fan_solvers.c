/* SPDX-License-Identifier: MIT */
#include "operators/fan_solvers.h"

#include <math.h>

const char *const pln_fan_structures[] = {"edges", "no-texture", NULL};

const pln_preset pln_fan_presets[] = {
    {"default", "", "edge-preserving smoothing"},
    {"abstraction", "grow=3", "strong, for abstraction"},
    {"detail", "alpha=15 c1=2000 c2=0", "light, for detail enhancement"},
    {"texture", "structure=no-texture radius=2 alpha=20", "removes texture"},
    {NULL, NULL, NULL},
};

const char *const pln_fan_grid[] = {
    "lambda=0.3", "lambda=1", "lambda=3", "structure=no-texture radius=2 alpha=20", NULL,
};

struct rows {
    const pln_view *view;
    float *values; /* three a pixel, of 0..255 */
};

static void take_row(void *arg, size_t y, int thread)
{
    const struct rows *r = arg;
    size_t w = r->view->w, c = r->view->c;
    const float *from = pln_row(r->view, y);
    float *to = r->values + 3 * w * y;
    (void)thread;
    for (size_t i = 0; i < 3 * w; i++) to[i] = 255 * from[c == 3 ? i : i / 3];
}

static void put_row(void *arg, size_t y, int thread)
{
    const struct rows *r = arg;
    size_t w = r->view->w, c = r->view->c;
    const float *from = r->values + 3 * w * y;
    float *to = pln_row(r->view, y);
    (void)thread;
    for (size_t i = 0; i < c * w; i++) to[i] = from[c == 3 ? i : 3 * i] / 255;
}

size_t pln_fan_picture_memory(size_t w, size_t h, size_t space)
{
    return 8 * w * h * sizeof(float) + pln_max(space, pln_fan_maps_space(w, h)) + 1024;
}

pln_status pln_fan_picture_open(pln_context *ctx, const pln_run *r,
                                const struct fan_energy_params *e, double lambda_e, size_t space,
                                struct fan_picture *p)
{
    size_t n = r->w * r->h;
    pln_status s = PLN_OK;

    *p = (struct fan_picture){.energy = {.radius = e->radius,
                                         .grow = e->grow,
                                         .alpha = e->alpha,
                                         .c1 = e->c1 > FAN_RESPONSE_MOST ? INFINITY : e->c1,
                                         .c2 = e->c2,
                                         .sigma_r = e->sigma_r,
                                         .sigma_s = e->sigma_s,
                                         .lambda_f = e->lambda_f,
                                         .lambda_e = lambda_e,
                                         .slopes = PLN_FAN_EXACT}};
    PLN_TRY(pln_alloc(ctx, n, 3 * sizeof(float), &p->I));
    PLN_TRY(pln_alloc(ctx, n, 3 * sizeof(float), &p->T));
    PLN_TRY(pln_alloc(ctx, n, 2 * sizeof(float), &p->GB));
    PLN_TRY(pln_alloc(ctx, pln_max(space, pln_fan_maps_space(r->w, r->h)), 1, &p->space));
    struct rows rows = {&r->in, p->I};
    PLN_TRY(pln_progress(ctx, 0, "guide maps"));
    PLN_TRY(pln_parallel(ctx, r->h, take_row, &rows));
    PLN_TRY(pln_fan_maps(ctx, e->structure ? PLN_FAN_TEXTURE : PLN_FAN_PLAIN, r->w, r->h, p->I, 3,
                         NULL, 0, p->space, p->GB, 2));
    p->problem = (pln_fan_problem){.energy = &p->energy,
                                   .w = r->w,
                                   .h = r->h,
                                   .I = p->I,
                                   .GB = p->GB,
                                   .I_step = 3,
                                   .GB_step = 2};
done:
    return s;
}

pln_status pln_fan_picture_put(pln_context *ctx, const struct fan_picture *p, const pln_run *r)
{
    struct rows rows = {&r->out, p->T};
    return pln_parallel(ctx, r->h, put_row, &rows);
}

void pln_fan_picture_close(struct fan_picture *p)
{
    pln_free(p->I);
    pln_free(p->T);
    pln_free(p->GB);
    pln_free(p->space);
}
