/* SPDX-License-Identifier: MIT */
/* Matrix products of each picture. The networks have few and small ones (Gram matrices of a loss
 * and their gradients): sums of this back end do, and no further library is needed. */
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

/* a: N x H x W x K, b: N x H x W x M -> N x 1 x K x M */
static pln_status gram(cu_job *job, const pnn_call *call)
{
    static const int patches[] = {offsetof(cu_finish, in), -1};
    const pnn_tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out;
    size_t pairs;
    cu_partial p = {.fn = CU_PRODUCT,
                    .x = cu_view_of(a),
                    .y = cu_view_of(b),
                    .kept = {a->d[0], a->d[3], 1, b->d[3]},
                    .box = {1, 1, a->d[1] * a->d[2], 1}};
    /* Kept are n, k, m in the places 0, 1, 3; pixels go along place 2. */
    p.x.step[1] = 1;
    p.x.step[3] = 0;
    p.y.step[1] = 0;
    pln_status s = cu_launch_sums(job, p, false, &pairs);
    if (s) return s;
    cu_finish f = {.fn = CU_PRODUCT, .in = cu_later(pairs), .y = cu_view_of(out), .factor = 1};
    cu_copy4(f.kept, out->d);
    return cu_job_launch(job, CU_finish, &f, sizeof f, cu_count(out->d), patches);
}

pln_status cu_prepare_matmul(cu_job *job, const pnn_call *call)
{
    const pnn_tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out;
    if (call->v->op == PNN_OP_GRAM) return gram(job, call);
    cu_matmul p = {.a = cu_view_of(a), .b = cu_view_of(b), .y = cu_view_of(out), .k = a->d[3]};
    cu_copy4(p.d, out->d);
    if (b->d[0] == 1) p.b.step[0] = 0;
    if (call->v->attr.transpose_b) {
        p.b.step[3] = p.b.step[2];
        p.b.step[2] = 1;
    }
    return cu_job_launch(job, CU_matmul, &p, sizeof p, pnn_elements(out), NULL);
}
