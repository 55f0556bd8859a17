/* SPDX-License-Identifier: MIT */
/* Cross entropy of boundaries that several people drew, balanced, for several maps at once. Xie,
 * Tu: "Holistically-Nested Edge Detection", ICCV 2015, eq. 2. */
#include "losses/losses.h"

pnn_node ploss_boundary_bce(pnn_graph *g, const pnn_node *logits, size_t maps, pnn_node label,
                            double low, double high)
{
    pnn_node positive = pnn_binary(g, PNN_GREATER_EQUAL, label, pnn_constant(g, high)),
             negative = pnn_binary(g, PNN_GREATER_EQUAL, pnn_constant(g, low), label);
    pnn_node p = pnn_group_sum(g, pnn_reduce(g, PNN_SUM, positive, PNN_OVER_ALL)),
             n = pnn_group_sum(g, pnn_reduce(g, PNN_SUM, negative, PNN_OVER_ALL));
    pnn_node counted = pnn_binary(g, PNN_MAX, pnn_add(g, p, n), pnn_constant(g, 1));
    pnn_node beta = pnn_binary(g, PNN_DIV, n, counted);
    pnn_node weight =
        pnn_add(g, pnn_mul(g, positive, beta), pnn_mul(g, negative, pnn_affine(g, beta, -1, 1)));
    pnn_node total = {0};
    for (size_t i = 0; i < maps; i++) {
        /* softplus(z) - y z, softplus(z) = -log sigmoid(-z) */
        pnn_node z = logits[i], minus = pnn_affine(g, z, -1, 0);
        pnn_node log_not = pnn_unary(g, PNN_LOG_SIGMOID, minus, 0, 0);
        pnn_node entropy = pnn_add(g, log_not, pnn_mul(g, positive, z));
        pnn_node sum = pnn_reduce(g, PNN_SUM, pnn_mul(g, weight, entropy), PNN_OVER_ALL);
        total = i ? pnn_add(g, total, sum) : sum;
    }
    return pnn_affine(g, pnn_binary(g, PNN_DIV, total, counted), -pnn_group_world(g), 0);
}
