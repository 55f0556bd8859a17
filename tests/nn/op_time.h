/* SPDX-License-Identifier: MIT */
/* Times of the operations, at the sizes that networks have. */
#ifndef PLN_TESTS_NN_OP_TIME_H
#define PLN_TESTS_NN_OP_TIME_H

#include "core/core.h"

/* Prints a table: each operation of the cases whose names start with `prefix`, and of their
 * gradients, with its kernel, the median of its milliseconds and how fast it walks through its
 * operands, on the CPU and on the context's device, if that is a GPU. bf16: convolutions of the
 * device round their operands. */
pln_status op_times(pln_context *ctx, const char *prefix, bool bf16);

#endif
