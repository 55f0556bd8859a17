/* SPDX-License-Identifier: MIT */
/* Constants into memory, and what changes parameters. */
#include <math.h>

#include "nn/backends/ref/ref.h"

void pnn_ref_constant(const pnn_call *call, double *sums)
{
    const pnn_tensor *out = &call->out;
    (void)sums;
    for (size_t i = 0; i < pnn_elements(out); i++)
        pnn_ref_put(out, pnn_ref_nth(out, i), (double)call->v->attr.constant.values[i]);
}

void pnn_ref_assign(const pnn_call *call, double *sums)
{
    const pnn_tensor *param = &call->in[0], *x = &call->in[1];
    (void)sums;
    for (size_t i = 0; i < pnn_elements(param); i++)
        pnn_ref_put(param, pnn_ref_nth(param, i), pnn_ref_get(x, pnn_ref_nth(x, i)));
}

/* m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * param -= rate / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps) */
void pnn_ref_adam(const pnn_call *call, double *sums)
{
    const pnn_adam *a = &call->v->attr.adam;
    const pnn_tensor *param = &call->in[0], *grad = &call->in[3], *rate = &call->in[4];
    double step = pnn_ref_get(rate, 1), unbias1 = 1 - pow(a->beta1, step),
           unbias2 = 1 - pow(a->beta2, step);
    (void)sums;
    for (size_t i = 0; i < pnn_elements(param); i++) {
        size_t p = pnn_ref_nth(param, i), at_m = pnn_ref_nth(&call->in[1], i),
               at_v = pnn_ref_nth(&call->in[2], i);
        double g = pnn_ref_get(grad, pnn_ref_nth(grad, i));
        double m = a->beta1 * pnn_ref_get(&call->in[1], at_m) + (1 - a->beta1) * g;
        double v = a->beta2 * pnn_ref_get(&call->in[2], at_v) + (1 - a->beta2) * g * g;
        pnn_ref_put(&call->in[1], at_m, m);
        pnn_ref_put(&call->in[2], at_v, v);
        pnn_ref_put(param, p,
                    pnn_ref_get(param, p) -
                        pnn_ref_get(rate, 0) / unbias1 * m / (sqrt(v / unbias2) + a->eps));
    }
}
