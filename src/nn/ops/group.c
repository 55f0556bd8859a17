/* SPDX-License-Identifier: MIT */
/* Values that processes which train together have in common. The loss of all is the mean of what
 * each computes, and so are its gradients: a mean passes on the mean of what arrives. */
#include "nn/graph.h"
#include "nn/graph_store.h"

void pnn_graph_group(pnn_graph *g, const pnn_group *group) { g->group = *group; }

double pnn_group_world(const pnn_graph *g)
{
    return g->group.world > 1 ? (double)g->group.world : 1;
}

pnn_node pnn_group_mean(pnn_graph *g, pnn_node x)
{
    if (pnn_group_world(g) == 1 || pnn_any_invalid(&x, 1)) return x;
    pnn_vertex v = {.op = PNN_OP_GROUP_MEAN,
                    .shape = pnn_shape_of(g, x),
                    .n_inputs = 1,
                    .in = {x},
                    .attr.group = g->group};
    return pnn_append(g, &v);
}

pnn_node pnn_group_sum(pnn_graph *g, pnn_node x)
{
    double world = pnn_group_world(g);
    return world == 1 ? x : pnn_affine(g, pnn_group_mean(g, x), world, 0);
}

static void group_mean_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                                const bool *needed, pnn_node *dx)
{
    (void)y;
    if (!needed[0]) return;
    pnn_vertex mean = *v;
    mean.in[0] = dy;
    dx[0] = pnn_append(g, &mean);
}

const pnn_op_info pnn_group_mean_info = {
    .name = "group_mean", .gradient = group_mean_gradient, .in_place = true};
