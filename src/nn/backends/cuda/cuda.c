/* SPDX-License-Identifier: MIT */
/* The back end `cuda`: which family takes which operation. */
#include "nn/backends/cuda/cuda.h"

static const struct {
    cu_prepare *prepare;
    const char *name;
} table[PNN_OP_COUNT] = {
    [PNN_OP_FILL] = {cu_prepare_pointwise, "pointwise"},
    [PNN_OP_NOISE] = {cu_prepare_update, "philox"},
    [PNN_OP_CONV] = {cu_prepare_conv, "direct"},
    [PNN_OP_CONV_DATA] = {cu_prepare_conv, "direct"},
    [PNN_OP_CONV_WEIGHT] = {cu_prepare_conv, "direct"},
    [PNN_OP_MOMENTS] = {cu_prepare_norm, "sums"},
    [PNN_OP_NORM] = {cu_prepare_norm, "norm"},
    [PNN_OP_NORM_REDUCE] = {cu_prepare_norm, "sums"},
    [PNN_OP_NORM_GRAD] = {cu_prepare_norm, "norm"},
    [PNN_OP_UNARY] = {cu_prepare_pointwise, "pointwise"},
    [PNN_OP_UNARY_GRAD] = {cu_prepare_pointwise, "pointwise"},
    [PNN_OP_BINARY] = {cu_prepare_pointwise, "pointwise"},
    [PNN_OP_FUSED] = {cu_prepare_pointwise, "pointwise"},
    [PNN_OP_CAST] = {cu_prepare_pointwise, "copy"},
    [PNN_OP_EXPAND] = {cu_prepare_pointwise, "copy"},
    [PNN_OP_ASSIGN] = {cu_prepare_pointwise, "copy"},
    [PNN_OP_CONCAT] = {cu_prepare_shape, "copy"},
    [PNN_OP_WINDOW] = {cu_prepare_shape, "copy"},
    [PNN_OP_EMBED] = {cu_prepare_shape, "embed"},
    [PNN_OP_RESHAPE] = {cu_prepare_shape, "reshape"},
    [PNN_OP_PAD] = {cu_prepare_shape, "pad"},
    [PNN_OP_PAD_GRAD] = {cu_prepare_shape, "pad"},
    [PNN_OP_HAAR] = {cu_prepare_shape, "haar"},
    [PNN_OP_HAAR_INVERSE] = {cu_prepare_shape, "haar"},
    [PNN_OP_MAX_POOL] = {cu_prepare_pool, "cells"},
    [PNN_OP_MAX_POOL_GRAD] = {cu_prepare_pool, "cells"},
    [PNN_OP_AVERAGE_POOL] = {cu_prepare_pool, "cells"},
    [PNN_OP_AVERAGE_POOL_GRAD] = {cu_prepare_pool, "cells"},
    [PNN_OP_REDUCE] = {cu_prepare_reduce, "sums"},
    [PNN_OP_REDUCE_MAX_GRAD] = {cu_prepare_reduce, "sums"},
    [PNN_OP_RESIZE] = {cu_prepare_resize, "bilinear"},
    [PNN_OP_RESIZE_GRAD] = {cu_prepare_resize, "bilinear"},
    [PNN_OP_MATMUL] = {cu_prepare_matmul, "dots"},
    [PNN_OP_GRAM] = {cu_prepare_matmul, "sums"},
    [PNN_OP_GROUP_MEAN] = {cu_prepare_group, "group"},
    [PNN_OP_FAN_MAPS] = {cu_prepare_fan_maps, "fan"},
    [PNN_OP_FAN_ENERGY] = {cu_prepare_fan, "fan"},
    [PNN_OP_ADAM] = {cu_prepare_update, "adam"},
};

static pln_status prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    pnn_op op = call->v->op;
    cu_job *job = NULL;
    pln_status s = PLN_OK;

    *kernel = (pnn_kernel){0};
    if (!call->device) return pln_fail(ctx, PLN_E_INTERNAL, "cuda: a call without a device");
    bool alone = op == PNN_OP_GROUP_MEAN && !call->device->joined;
    if (alone || !table[op].prepare) return cu_prepare_host(ctx, call, kernel);
    PLN_TRY(cu_job_new(ctx, call, table[op].name, kernel, &job));
    PLN_TRY(table[op].prepare(job, call));
done:
    if (s && job) {
        kernel->release(job);
        *kernel = (pnn_kernel){0};
    }
    return s;
}

const pnn_backend_info pnn_backend_cuda = {.name = "cuda", .prepare = prepare};
