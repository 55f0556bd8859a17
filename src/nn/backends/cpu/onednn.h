/* SPDX-License-Identifier: MIT */
/* Convolutions by oneDNN's direct kernels: the only file that knows dnnl.h is onednn.c. */
#ifndef PLN_NN_BACKENDS_CPU_ONEDNN_H
#define PLN_NN_BACKENDS_CPU_ONEDNN_H

#include "nn/backends/backend.h"

/* CONV, CONV_DATA or CONV_WEIGHT. bf16 arithmetic with f32 accumulation where an operand or the
 * result is kept in bf16, or where the call says so (narrow): operands are rounded then, results
 * f32. kernel->name is the implementation's, as oneDNN says it. The instruction
 * set in force is taken over by the first call of a process. */
pln_status pnn_onednn_prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel) PLN_CHECK;

#endif
