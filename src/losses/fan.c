/* SPDX-License-Identifier: MIT */
/* Fan's energy, in place of a truth. Fan et al., TOG 2018, section 3. */
#include "losses/losses.h"

pnn_node ploss_fan(pnn_graph *g, pnn_node T, pnn_node I, pnn_node maps,
                   const pln_fan_energy *energy)
{
    return pnn_reduce(g, PNN_MEAN, pnn_fan_energy(g, T, I, maps, energy), PNN_OVER_N);
}
