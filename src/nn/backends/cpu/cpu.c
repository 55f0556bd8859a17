/* SPDX-License-Identifier: MIT */
#include "nn/backends/cpu/cpu.h"
static pln_status prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    if (call->v->op == PNN_OP_CONV || call->v->op == PNN_OP_CONV_DATA ||
        call->v->op == PNN_OP_CONV_WEIGHT)
        return pnn_cpu_prepare_conv(ctx, call, kernel);
    return pnn_backend_ref.prepare(ctx, call, kernel);
}
const pnn_backend_info pnn_backend_cpu = {"cpu", prepare};
