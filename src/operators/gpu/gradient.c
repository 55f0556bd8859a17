/* SPDX-License-Identifier: MIT */
#include "operators/gpu/gradient.h"

pln_status gpu_keep_mean(struct gpu *g, const struct gpu_sums *sums, const cu_gradient *q,
                         float *pixels)
{
    cu_means m = {.of = pixels,
                  .u = q->u,
                  .w = q->w,
                  .h = q->h,
                  .c = q->c,
                  .row = q->row,
                  .plane = q->plane,
                  .parts = sums->parts,
                  .part = sums->part,
                  .total = sums->total,
                  .out = pixels};
    pln_status s = PLN_OK;

    PLN_TRY(gpu_launch(g, lost, &m, m.c * m.parts));
    PLN_TRY(gpu_sum(g, sums));
    PLN_TRY(gpu_launch(g, restored, &m, m.w * m.h));
done:
    return s;
}
