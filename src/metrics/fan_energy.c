/* SPDX-License-Identifier: MIT */
/* The energy of Fan, Yang, Wipf, Chen, Tong: "Image Smoothing via Unsupervised Learning", ACM TOG
 * 37(6), 2018, section 3, of a result T of the picture I: what the network `fan` learns to make
 * small and what `fan-adam` makes small. With the bounded slopes of the authors' code
 * (solve/fan.h): without them the authors' own results score worse than the picture untouched. */
#include "metrics/metrics.h"
#include "solve/fan.h"

/* 0..255 and three channels, as the energy's constants are meant. */
static void take(const pln_view *v, float *rgb)
{
    for (size_t y = 0; y < v->h; y++) {
        const float *p = pln_row(v, y);
        for (size_t i = 0; i < 3 * v->w; i++) *rgb++ = 255 * p[v->c == 3 ? i : i / 3];
    }
}

pln_status pln_fan_energy_of(pln_context *ctx, size_t variant, const pln_view *a, const pln_view *b,
                             double *energy)
{
    const pln_fan_variant *v = &pln_fan_variants[variant];
    size_t w = a->w, h = a->h, n = w * h;
    float *T = NULL, *I = NULL, *GB = NULL;
    void *space = NULL;
    pln_fan_terms terms;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, 3 * n, sizeof *T, &T));
    PLN_TRY(pln_alloc(ctx, 3 * n, sizeof *I, &I));
    PLN_TRY(pln_alloc(ctx, 2 * n, sizeof *GB, &GB));
    PLN_TRY(pln_alloc(
        ctx, 1, pln_max(pln_fan_space(w, h, v->energy.radius), pln_fan_maps_space(w, h)), &space));
    take(a, T);
    take(b, I);
    PLN_TRY(pln_fan_maps(ctx, v->guide, w, h, I, 3, NULL, 0, space, GB, 2));
    const pln_fan_problem problem = {&v->energy, w, h, I, T, GB, 3, 3, 2};
    PLN_TRY(pln_fan_bounded(ctx, &problem, space, &terms));
    *energy = terms.total;
done:
    pln_free(space);
    pln_free(GB);
    pln_free(I);
    pln_free(T);
    return s;
}
