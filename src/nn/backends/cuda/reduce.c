/* SPDX-License-Identifier: MIT */
/* Sums in a tree whose shape depends on sizes only. */
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

enum {
    THREADS = 1 << 16, /* wanted at once */
    LEAST = 16,        /* elements of a part */
    FAN_IN = 32        /* parts folded into one */
};

size_t cu_parts(size_t outs, size_t count)
{
    size_t most = pln_max(1, count / LEAST), wanted = pln_max(1, THREADS / pln_max(outs, 1));
    return pln_min(most, wanted);
}

pln_status cu_launch_folds(cu_job *job, bool maximum, size_t from, size_t outs, size_t parts,
                           size_t *pairs)
{
    static const int patches[] = {offsetof(cu_fold, in), offsetof(cu_fold, out), -1};
    pln_status s = PLN_OK;
    while (parts > 1 && !s) {
        cu_fold f = {
            .maximum = maximum, .outs = outs, .parts = parts, .folded = pln_div_up(parts, FAN_IN)};
        size_t to = cu_job_work(job, f.folded * outs * sizeof(cu_pair)) + 1;
        f.in = cu_later(from);
        f.out = cu_later(to);
        s = cu_job_launch(job, CU_fold, &f, sizeof f, f.folded * outs, patches);
        from = to;
        parts = f.folded;
    }
    *pairs = from;
    return s;
}

pln_status cu_launch_sums(cu_job *job, cu_partial p, bool later, size_t *pairs)
{
    static const int patches[] = {offsetof(cu_partial, out), offsetof(cu_partial, x.data), -1},
                     out_patch[] = {offsetof(cu_partial, out), -1};
    p.outs = cu_count(p.kept);
    p.count = cu_count(p.box);
    p.parts = cu_parts(p.outs, p.count);
    size_t from = cu_job_work(job, p.parts * p.outs * sizeof(cu_pair)) + 1;
    p.out = cu_later(from);
    pln_status s =
        cu_job_launch(job, CU_partial, &p, sizeof p, p.parts * p.outs, later ? patches : out_patch);
    if (s) return s;
    return cu_launch_folds(job, p.fn == CU_MAXIMUM, from, p.outs, p.parts, pairs);
}

pln_status cu_prepare_reduce(cu_job *job, const pnn_call *call)
{
    static const int finish_patches[] = {offsetof(cu_finish, in), -1},
                     grad_patches[] = {offsetof(cu_max_grad, in), -1};
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    pnn_reduce_fn fn = call->v->attr.reduce.fn;
    cu_partial p = {.fn = fn == PNN_REDUCE_MAX ? CU_MAXIMUM : CU_SUM, .x = cu_view_of(x)};
    size_t pairs;
    for (int k = 0; k < 4; k++) {
        bool over = call->v->attr.reduce.axes & 1u << k;
        p.kept[k] = over ? 1 : x->d[k];
        p.box[k] = over ? x->d[k] : 1;
    }
    pln_status s = cu_launch_sums(job, p, false, &pairs);
    if (s) return s;
    if (call->v->op == PNN_OP_REDUCE_MAX_GRAD) {
        cu_max_grad g = {
            .in = cu_later(pairs), .dy = cu_view_of(&call->in[1]), .y = cu_view_of(out)};
        cu_copy4(g.d, out->d);
        cu_copy4(g.kept, p.kept);
        cu_copy4(g.box, p.box);
        return cu_job_launch(job, CU_max_grad, &g, sizeof g, pnn_elements(out), grad_patches);
    }
    cu_finish f = {.fn = p.fn,
                   .in = cu_later(pairs),
                   .x = p.x,
                   .y = cu_view_of(out),
                   .factor = fn == PNN_MEAN ? 1 / (double)cu_count(p.box) : 1};
    cu_copy4(f.kept, p.kept);
    return cu_job_launch(job, CU_finish, &f, sizeof f, cu_count(p.kept), finish_patches);
}
