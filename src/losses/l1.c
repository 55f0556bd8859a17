/* SPDX-License-Identifier: MIT */
#include "losses/losses.h"

pnn_node ploss_l1(pnn_graph *g, pnn_node x, pnn_node y)
{
    return pnn_reduce(g, PNN_MEAN, pnn_unary(g, PNN_ABS, pnn_sub(g, x, y), 0, 0), PNN_OVER_ALL);
}
