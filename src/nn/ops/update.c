/* SPDX-License-Identifier: MIT */
/* What changes parameters: assignments and steps of Adam (Kingma, Ba: "Adam", ICLR 2015). Effects:
 * they run after everything else. */
#include <stdio.h>

#include "nn/graph.h"

static bool is_param(const pnn_graph *g, pnn_node x)
{
    return x.id > 0 && pnn_vertex_of(g, x)->op == PNN_OP_PARAM;
}

pnn_node pnn_assigned(const pnn_graph *g, pnn_node param)
{
    for (size_t i = pnn_effect_count(g); i-- > 0;) {
        const pnn_vertex *v = pnn_vertex_of(g, pnn_effect_node(g, i));
        if (v->op == PNN_OP_ASSIGN && v->in[0].id == param.id) return v->in[1];
    }
    return param;
}

void pnn_assign(pnn_graph *g, pnn_node param, pnn_node x)
{
    if (pnn_any_invalid((pnn_node[]){param, x}, 2)) return;
    if (!is_param(g, param) || !pnn_same_shape(pnn_shape_of(g, param), pnn_shape_of(g, x))) {
        pnn_error(g, PLN_E_INTERNAL, "assignment to what is no parameter, or of another shape");
        return;
    }
    pnn_vertex v = {
        .op = PNN_OP_ASSIGN, .shape = pnn_shape_of(g, param), .n_inputs = 2, .in = {param, x}};
    pnn_add_effect(g, pnn_append(g, &v));
}

pnn_node pnn_state_of(pnn_graph *g, pnn_node param, const char *what)
{
    size_t d[4];
    if (pnn_any_invalid(&param, 1) ||
        !pnn_shape_values(g, pnn_shape_of(g, param), (pnn_size){1, 1, 1}, d))
        return (pnn_node){0};
    return pnn_param(g, pnn_name(g, "%s.%s", pnn_name_of(g, param), what), PNN_STATE,
                     (const long[]){(long)d[0], (long)d[1], (long)d[2], (long)d[3]},
                     (pnn_init){PNN_INIT_VALUE, 0});
}

void pnn_adam_step(pnn_graph *g, pnn_node param, pnn_node grad, pnn_node rate, pnn_adam adam)
{
    if (pnn_any_invalid((pnn_node[]){param, grad, rate}, 3)) return;
    if (!is_param(g, param) || !pnn_same_shape(pnn_shape_of(g, param), pnn_shape_of(g, grad)) ||
        !pnn_same_shape(pnn_shape_of(g, rate), pnn_shape_const(g, 1, 1, 1, 2))) {
        pnn_error(g, PLN_E_INTERNAL, "adam: parameter, gradient and rate do not fit");
        return;
    }
    pnn_node m = pnn_state_of(g, param, "adam_m"), var = pnn_state_of(g, param, "adam_v");
    if (pnn_any_invalid((pnn_node[]){m, var}, 2)) return;
    pnn_vertex v = {.op = PNN_OP_ADAM,
                    .shape = pnn_shape_of(g, param),
                    .n_inputs = 5,
                    .in = {param, m, var, grad, rate},
                    .attr.adam = adam};
    pnn_add_effect(g, pnn_append(g, &v));
}

static void adam_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "beta %g %g eps %g", v->attr.adam.beta1, v->attr.adam.beta2,
             v->attr.adam.eps);
}

const pnn_op_info pnn_assign_info = {.name = "assign"};
const pnn_op_info pnn_adam_info = {.name = "adam", .print = adam_print};
