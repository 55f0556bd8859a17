/* SPDX-License-Identifier: MIT */
/* Cross entropy of edges, balanced by how many there are. */
#include "losses/losses.h"

pnn_node ploss_edge_bce(pnn_graph *g, pnn_node logits, pnn_node label)
{
    /* |E| and |E+| over the whole batch */
    double parts = pnn_group_world(g);
    pnn_node n = pnn_reduce(g, PNN_SUM, pnn_fill(g, label, parts), PNN_OVER_ALL),
             positives = pnn_group_sum(g, pnn_reduce(g, PNN_SUM, label, PNN_OVER_ALL));
    pnn_node share = pnn_binary(g, PNN_DIV, positives, n);
    pnn_node alpha = pnn_affine(g, share, -1, 1); /* |E-| / |E| */
    pnn_node only = pnn_binary(g, PNN_EQUAL, positives, n);
    /* y = 1: alpha, or 1 without negatives; y = 0: 1 - alpha */
    pnn_node weight = pnn_add(g, pnn_mul(g, label, pnn_add(g, alpha, only)),
                              pnn_mul(g, pnn_affine(g, label, -1, 1), share));
    /* softplus(z) - y z = -log sigmoid(-z) - y z */
    pnn_node softplus =
        pnn_affine(g, pnn_unary(g, PNN_LOG_SIGMOID, pnn_affine(g, logits, -1, 0), 0, 0), -1, 0);
    pnn_node entropy = pnn_sub(g, softplus, pnn_mul(g, label, logits));
    return pnn_affine(g, pnn_reduce(g, PNN_SUM, pnn_mul(g, weight, entropy), PNN_OVER_ALL), parts,
                      0);
}
