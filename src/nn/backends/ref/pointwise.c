/* SPDX-License-Identifier: MIT */
/* Element by element, and values from nothing. The functions are those of nn/ops/pointwise.c. */
#include "nn/backends/ref/ref.h"

void pnn_ref_unary(const pnn_call *call, double *sums)
{
    const pnn_tensor *x = &call->in[0], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++)
        pnn_ref_put(out, pnn_ref_nth(out, i),
                    pnn_unary_value(call->v->attr.unary.fn, pnn_ref_get(x, pnn_ref_nth(x, i)),
                                    call->v->attr.unary.a, call->v->attr.unary.b));
}

void pnn_ref_unary_grad(const pnn_call *call, double *sums)
{
    const pnn_tensor *v = &call->in[0], *dy = &call->in[1], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        double slope = pnn_unary_slope(call->v->attr.unary.fn, pnn_ref_get(v, pnn_ref_nth(v, i)),
                                       call->v->attr.unary.a, call->v->attr.unary.b);
        pnn_ref_put(out, pnn_ref_nth(out, i), slope * pnn_ref_get(dy, pnn_ref_nth(dy, i)));
    }
}

void pnn_ref_binary(const pnn_call *call, double *sums)
{
    const pnn_tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        pnn_ref_indices(out, i, at);
        pnn_ref_put(out, pnn_ref_nth(out, i),
                    pnn_binary_value(call->v->attr.binary, pnn_ref_get(a, pnn_ref_repeated(a, at)),
                                     pnn_ref_get(b, pnn_ref_repeated(b, at))));
    }
}

void pnn_ref_fused(const pnn_call *call, double *sums)
{
    const pnn_tensor *out = &call->out;
    const pnn_instr *code = call->v->attr.fused.code;
    int inputs = call->v->n_inputs, count = call->v->attr.fused.count;
    double r[PNN_MAX_INPUTS + PNN_PROGRAM_MAX];
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        pnn_ref_indices(out, i, at);
        for (int k = 0; k < inputs; k++)
            r[k] = pnn_ref_get(&call->in[k], pnn_ref_repeated(&call->in[k], at));
        for (int k = 0; k < count; k++) {
            const pnn_instr *c = &code[k];
            r[inputs + k] = c->binary  ? pnn_binary_value(c->fn, r[c->a], r[c->b])
                            : c->slope ? pnn_unary_slope(c->fn, r[c->a], c->p, c->q) * r[c->b]
                                       : pnn_unary_value(c->fn, r[c->a], c->p, c->q);
        }
        pnn_ref_put(out, pnn_ref_nth(out, i), r[inputs + count - 1]);
    }
}

void pnn_ref_fill_value(const pnn_call *call, double *sums)
{
    (void)sums;
    pnn_ref_fill(&call->out, call->v->attr.fill);
}

void pnn_ref_noise(const pnn_call *call, double *sums)
{
    const pnn_tensor *out = &call->out;
    const size_t *d = out->d;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++) {
        size_t at[4];
        pnn_ref_indices(out, i, at);
        size_t index = ((at[0] * d[3] + at[3]) * d[1] + at[1]) * d[2] + at[2];
        pnn_ref_put(out, pnn_ref_nth(out, i),
                    pln_random_normal(call->seed, call->v->attr.stream, index));
    }
}
