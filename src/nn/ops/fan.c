/* SPDX-License-Identifier: MIT */
/* Fan's energy (solve/fan.h): as nodes its window alone would be hundreds. Value and gradient come
 * out of the same loop over it. */
#include <stdio.h>

#include "nn/graph.h"

static bool same_pixels(pnn_shape a, pnn_shape b)
{
    return a.n.id == b.n.id && a.h.id == b.h.id && a.w.id == b.w.id;
}

pnn_node pnn_fan_maps(pnn_graph *g, pln_fan_guide guide, pnn_node x, pnn_node saliency)
{
    bool salient = guide == PLN_FAN_SALIENT || guide == PLN_FAN_NOT_SALIENT;
    if (pnn_any_invalid(&x, 1) || (salient && pnn_any_invalid(&saliency, 1))) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x);
    if (pnn_channels(g, x) != 3 ||
        (salient && (pnn_channels(g, saliency) != 1 || !same_pixels(s, pnn_shape_of(g, saliency)))))
        return pnn_error(g, PLN_E_INTERNAL,
                         "fan_maps: expected pictures of 3 channels, saliency of 1");
    s.c = pnn_dim_const(g, 2);
    pnn_vertex v = {.op = PNN_OP_FAN_MAPS,
                    .shape = s,
                    .n_inputs = salient ? 2 : 1,
                    .in = {x, saliency},
                    .attr.fan_guide = guide};
    return pnn_append(g, &v);
}

pnn_node pnn_fan_energy(pnn_graph *g, pnn_node T, pnn_node I, pnn_node maps,
                        const pln_fan_energy *energy)
{
    if (pnn_any_invalid((pnn_node[]){T, I, maps}, 3)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, T);
    if (pnn_channels(g, T) != 3 || !pnn_same_shape(s, pnn_shape_of(g, I)) ||
        pnn_channels(g, maps) != 2 || !same_pixels(s, pnn_shape_of(g, maps)))
        return pnn_error(g, PLN_E_INTERNAL,
                         "fan_energy: expected two pictures of 3 channels and maps of 2");
    if (energy->radius < 1 || energy->radius > PLN_FAN_RADIUS)
        return pnn_error(g, PLN_E_INTERNAL, "fan_energy: a window of radius %d: expected 1 to %d",
                         energy->radius, PLN_FAN_RADIUS);
    const long value[4] = {0, 0, 0, 3};
    s.c = pnn_dim_const(g, 4);
    pnn_vertex v = {.op = PNN_OP_FAN_ENERGY,
                    .shape = s,
                    .n_inputs = 3,
                    .in = {T, I, maps},
                    .attr.fan = *energy};
    pnn_node y = pnn_append(g, &v);
    s.h = s.w = s.c = pnn_dim_const(g, 1);
    return pnn_window(g, y, value, s);
}

/* To T alone: I and its maps are data. Of dE/dT no gradient passes. */
static void energy_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    (void)v;
    if (!needed[0]) return;
    pnn_node factor = pnn_reduce(g, PNN_SUM, pnn_slice(g, dy, 3, 1), PNN_OVER_H | PNN_OVER_W);
    dx[0] = pnn_mul(g, pnn_slice(g, y, 0, 3), factor);
}

static void maps_print(const pnn_vertex *v, char *text, size_t room)
{
    static const char *const names[] = {"plain", "texture", "salient", "not salient"};
    snprintf(text, room, "%s", names[v->attr.fan_guide]);
}

static void energy_print(const pnn_vertex *v, char *text, size_t room)
{
    static const char *const slopes[] = {"authors'", "exact", "clamped"};
    const pln_fan_energy *e = &v->attr.fan;
    snprintf(text, room, "window %d alpha %g c %g %g grow %d, %s slopes", 2 * e->radius + 1,
             e->alpha, e->c1, e->c2, e->grow, slopes[e->slopes]);
}

const pnn_op_info pnn_fan_maps_info = {.name = "fan_maps", .print = maps_print};
const pnn_op_info pnn_fan_energy_info = {
    .name = "fan_energy", .gradient = energy_gradient, .print = energy_print};
