/* SPDX-License-Identifier: MIT */
/* Fan's guide maps and his energy. */
#include <math.h>
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

_Static_assert((int)CU_FAN_RADIUS == (int)PLN_FAN_RADIUS &&
                   (int)CU_FAN_TEXTURE == (int)PLN_FAN_TEXTURE &&
                   (int)CU_FAN_SALIENT == (int)PLN_FAN_SALIENT &&
                   (int)CU_FAN_NOT_SALIENT == (int)PLN_FAN_NOT_SALIENT,
               "kernels/fan.h has them as solve/fan.h");

static void pixels_of(const pnn_tensor *y, size_t d[4])
{
    cu_copy4(d, y->d);
    d[3] = 1;
}

pln_status cu_prepare_fan_maps(cu_job *job, const pnn_call *call)
{
    static const int patches[] = {offsetof(cu_fan_maps, e6), offsetof(cu_fan_maps, e),
                                  offsetof(cu_fan_maps, selected), -1};
    cu_fan_maps p = {.x = cu_view_of(&call->in[0]),
                     .y = cu_view_of(&call->out),
                     .guide = (cu_fan_guide)call->v->attr.fan_guide};
    pln_status s = PLN_OK;
    pixels_of(&call->out, p.d);
    size_t n = cu_count(p.d);
    if (call->in[1].data) p.saliency = cu_view_of(&call->in[1]);
    p.e6 = cu_later(cu_job_work(job, n * sizeof *p.e6) + 1);
    p.e = cu_later(cu_job_work(job, n * sizeof *p.e) + 1);
    p.selected = cu_later(cu_job_work(job, n * sizeof *p.selected) + 1);
    PLN_TRY(cu_job_launch(job, CU_fan_edges, &p, sizeof p, n, patches));
    if (p.guide != CU_FAN_TEXTURE)
        PLN_TRY(cu_job_launch(job, CU_fan_select, &p, sizeof p, n, patches));
    s = cu_job_launch(job, CU_fan_guide, &p, sizeof p, n, patches);
done:
    return s;
}

pln_status cu_prepare_fan(cu_job *job, const pnn_call *call)
{
    static const int patches[] = {offsetof(cu_fan, pixels), offsetof(cu_fan, decided),
                                  offsetof(cu_fan, pull),   offsetof(cu_fan, terms),
                                  offsetof(cu_fan, sums),   -1};
    const pln_fan_energy *k = &call->v->attr.fan;
    cu_fan p = {.T = cu_view_of(&call->in[0]),
                .I = cu_view_of(&call->in[1]),
                .maps = cu_view_of(&call->in[2]),
                .y = cu_view_of(&call->out),
                .radius = k->radius,
                .grow = k->grow,
                .exact = k->slopes == PLN_FAN_EXACT,
                .tie = k->slopes == PLN_FAN_AUTHORS ? -1 : 0,
                .alpha = (float)k->alpha,
                .c1_6 = (float)(6 * k->c1),
                .c2_6 = (float)(6 * k->c2),
                .nearness = (float)(-1 / (2 * k->sigma_r * k->sigma_r)),
                .lambda_f = k->lambda_f,
                .lambda_e = k->lambda_e};
    size_t pairs;
    pln_status s = PLN_OK;
    pixels_of(&call->out, p.d);
    size_t n = cu_count(p.d);
    for (int i = 0; i <= k->radius; i++)
        p.near[i] = (float)exp(-(double)(i * i) / (2 * k->sigma_s * k->sigma_s));
    p.pixels = cu_later(cu_job_work(job, n * sizeof *p.pixels) + 1);
    p.decided = cu_later(cu_job_work(job, n * sizeof *p.decided) + 1);
    p.pull = cu_later(cu_job_work(job, n * sizeof *p.pull) + 1);
    size_t terms = cu_job_work(job, 4 * n * sizeof *p.terms) + 1;
    p.terms = cu_later(terms);
    PLN_TRY(cu_job_launch(job, CU_fan_pixel, &p, sizeof p, n, patches));
    PLN_TRY(cu_job_launch(job, CU_fan_grow, &p, sizeof p, n, patches));
    PLN_TRY(cu_job_launch(job, CU_fan_window, &p, sizeof p, n, patches));
    const cu_partial sums = {
        .fn = CU_SUM,
        .x = {.data = cu_later(terms), .step = {4 * p.d[1] * p.d[2], 4 * p.d[2], 4, 1}},
        .kept = {p.d[0], 1, 1, 4},
        .box = {1, p.d[1], p.d[2], 1}};
    PLN_TRY(cu_launch_sums(job, sums, true, &pairs));
    p.sums = cu_later(pairs);
    s = cu_job_launch(job, CU_fan_total, &p, sizeof p, n, patches);
done:
    return s;
}
