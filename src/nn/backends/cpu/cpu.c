/* SPDX-License-Identifier: MIT */
/* The back end `cpu`: which family takes which operation. */
#include "nn/backends/cpu/cpu.h"

static pnn_prepare *const table[PNN_OP_COUNT] = {
    [PNN_OP_CONSTANT] = pnn_cpu_prepare_copy,
    [PNN_OP_FILL] = pnn_cpu_prepare_copy,
    [PNN_OP_NOISE] = pnn_cpu_prepare_noise,
    [PNN_OP_CONV] = pnn_cpu_prepare_conv,
    [PNN_OP_CONV_DATA] = pnn_cpu_prepare_conv,
    [PNN_OP_CONV_WEIGHT] = pnn_cpu_prepare_conv,
    [PNN_OP_MOMENTS] = pnn_cpu_prepare_norm,
    [PNN_OP_NORM] = pnn_cpu_prepare_norm,
    [PNN_OP_NORM_REDUCE] = pnn_cpu_prepare_norm,
    [PNN_OP_NORM_GRAD] = pnn_cpu_prepare_norm,
    [PNN_OP_UNARY] = pnn_cpu_prepare_pointwise,
    [PNN_OP_UNARY_GRAD] = pnn_cpu_prepare_pointwise,
    [PNN_OP_BINARY] = pnn_cpu_prepare_pointwise,
    [PNN_OP_FUSED] = pnn_cpu_prepare_pointwise,
    [PNN_OP_CONCAT] = pnn_cpu_prepare_copy,
    [PNN_OP_WINDOW] = pnn_cpu_prepare_copy,
    [PNN_OP_EMBED] = pnn_cpu_prepare_copy,
    [PNN_OP_EXPAND] = pnn_cpu_prepare_copy,
    [PNN_OP_RESHAPE] = pnn_cpu_prepare_copy,
    [PNN_OP_CAST] = pnn_cpu_prepare_copy,
    [PNN_OP_ASSIGN] = pnn_cpu_prepare_copy,
    [PNN_OP_PAD] = pnn_cpu_prepare_pad,
    [PNN_OP_PAD_GRAD] = pnn_cpu_prepare_pad,
    [PNN_OP_HAAR] = pnn_cpu_prepare_haar,
    [PNN_OP_HAAR_INVERSE] = pnn_cpu_prepare_haar,
    [PNN_OP_MAX_POOL] = pnn_cpu_prepare_pool,
    [PNN_OP_MAX_POOL_GRAD] = pnn_cpu_prepare_pool,
    [PNN_OP_AVERAGE_POOL] = pnn_cpu_prepare_pool,
    [PNN_OP_AVERAGE_POOL_GRAD] = pnn_cpu_prepare_pool,
    [PNN_OP_REDUCE] = pnn_cpu_prepare_reduce,
    [PNN_OP_REDUCE_MAX_GRAD] = pnn_cpu_prepare_reduce,
    [PNN_OP_MAX_MEAN] = pnn_cpu_prepare_max_mean,
    [PNN_OP_RESIZE] = pnn_cpu_prepare_resize,
    [PNN_OP_RESIZE_GRAD] = pnn_cpu_prepare_resize,
    [PNN_OP_MATMUL] = pnn_cpu_prepare_matmul,
    [PNN_OP_GRAM] = pnn_cpu_prepare_matmul,
    [PNN_OP_FAN_MAPS] = pnn_prepare_fan_maps,
    [PNN_OP_FAN_ENERGY] = pnn_cpu_prepare_fan,
    [PNN_OP_GROUP_MEAN] = pnn_prepare_group_mean,
    [PNN_OP_ADAM] = pnn_cpu_prepare_adam,
};

static pln_status prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    pnn_op op = call->v->op;
    *kernel = (pnn_kernel){0};
    if (!table[op])
        return pln_fail(ctx, PLN_E_INTERNAL, "cpu: %s is not computed", pnn_op_info_of(op)->name);
    return table[op](ctx, call, kernel);
}

const pnn_backend_info pnn_backend_cpu = {.name = "cpu", .prepare = prepare};
