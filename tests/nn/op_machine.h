/* SPDX-License-Identifier: MIT */
/* Runs the nodes of a graph one by one on a back end, without a plan. */
#ifndef PLN_TESTS_NN_OP_MACHINE_H
#define PLN_TESTS_NN_OP_MACHINE_H

#include "nn/backends/backend.h"

typedef struct op_machine op_machine;
/* gaps: values lie at odd addresses with gaps between their channels; parameters, constants and
 * gradients of weights are dense, as they are in a plan. Everything starts as NaN. device: of the
 * back end cuda, else NULL. */
op_machine *op_machine_new(pln_context *ctx, const pnn_graph *g, pnn_size size, bool gaps,
                           pln_device *device);
void op_machine_free(op_machine *m);
size_t op_machine_elements(const op_machine *m, pnn_node x);
/* Dense values in and out. */
void op_machine_set(op_machine *m, pnn_node x, const float *values);
void op_machine_get(const op_machine *m, pnn_node x, float *values);
/* Readies all nodes for the back end; fixed: parameters do not change from now on. */
void op_machine_prepare(op_machine *m, const pnn_backend_info *backend, bool fixed, uint64_t seed);
/* Runs them in order of their ids, and looks at the gaps. */
void op_machine_run(op_machine *m);
/* The kernel that runs a node; NULL: none does. */
const char *op_machine_kernel(const op_machine *m, pnn_node x);

#endif
