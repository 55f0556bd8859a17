/* SPDX-License-Identifier: MIT */
/* The table of operations. */
#include "nn/backends/ref/ref.h"

static const struct {
    pnn_ref_loop *loop;
    bool sums;
} table[PNN_OP_COUNT] = {
    [PNN_OP_CONSTANT] = {pnn_ref_constant, false},
    [PNN_OP_FILL] = {pnn_ref_fill_value, false},
    [PNN_OP_NOISE] = {pnn_ref_noise, false},
    [PNN_OP_CONV] = {pnn_ref_conv, false},
    [PNN_OP_CONV_DATA] = {pnn_ref_conv_data, false},
    [PNN_OP_CONV_WEIGHT] = {pnn_ref_conv_weight, false},
    [PNN_OP_MOMENTS] = {pnn_ref_moments, false},
    [PNN_OP_NORM] = {pnn_ref_norm, false},
    [PNN_OP_NORM_REDUCE] = {pnn_ref_norm_reduce, false},
    [PNN_OP_NORM_GRAD] = {pnn_ref_norm_grad, false},
    [PNN_OP_UNARY] = {pnn_ref_unary, false},
    [PNN_OP_UNARY_GRAD] = {pnn_ref_unary_grad, false},
    [PNN_OP_BINARY] = {pnn_ref_binary, false},
    [PNN_OP_CONCAT] = {pnn_ref_concat, false},
    [PNN_OP_WINDOW] = {pnn_ref_window, false},
    [PNN_OP_EMBED] = {pnn_ref_embed, false},
    [PNN_OP_EXPAND] = {pnn_ref_expand, false},
    [PNN_OP_RESHAPE] = {pnn_ref_copy, false},
    [PNN_OP_PAD] = {pnn_ref_pad, false},
    [PNN_OP_PAD_GRAD] = {pnn_ref_pad_grad, true},
    [PNN_OP_HAAR] = {pnn_ref_haar, false},
    [PNN_OP_HAAR_INVERSE] = {pnn_ref_haar_inverse, false},
    [PNN_OP_MAX_POOL] = {pnn_ref_max_pool, false},
    [PNN_OP_MAX_POOL_GRAD] = {pnn_ref_max_pool_grad, false},
    [PNN_OP_AVERAGE_POOL] = {pnn_ref_average_pool, false},
    [PNN_OP_AVERAGE_POOL_GRAD] = {pnn_ref_average_pool_grad, false},
    [PNN_OP_REDUCE] = {pnn_ref_reduce, false},
    [PNN_OP_MAX_MEAN] = {pnn_ref_max_mean, false},
    [PNN_OP_REDUCE_MAX_GRAD] = {pnn_ref_reduce_max_grad, false},
    [PNN_OP_RESIZE] = {pnn_ref_resize, false},
    [PNN_OP_RESIZE_GRAD] = {pnn_ref_resize_grad, true},
    [PNN_OP_MATMUL] = {pnn_ref_matmul, false},
    [PNN_OP_GRAM] = {pnn_ref_gram, false},
    [PNN_OP_FAN_ENERGY] = {pnn_ref_fan, false},
    [PNN_OP_ASSIGN] = {pnn_ref_assign, false},
    [PNN_OP_ADAM] = {pnn_ref_adam, false},
    [PNN_OP_FUSED] = {pnn_ref_fused, false},
    [PNN_OP_CAST] = {pnn_ref_copy, false},
};

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    (void)ctx, (void)k;
    table[call->v->op].loop(call, work);
    return PLN_OK;
}

static pln_status prepare(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    pnn_op op = call->v->op;
    size_t bytes = 0;
    if (op == PNN_OP_FAN_MAPS) return pnn_prepare_fan_maps(ctx, call, kernel);
    if (op == PNN_OP_GROUP_MEAN) return pnn_prepare_group_mean(ctx, call, kernel);
    if (!table[op].loop)
        return pln_fail(ctx, PLN_E_INTERNAL, "ref: %s is no operation to run",
                        pnn_op_info_of(op)->name);
    if (table[op].sums && !pln_mul(pnn_elements(&call->out), sizeof(double), &bytes))
        return pln_fail(ctx, PLN_E_LIMIT, "ref: %s of %zu values: too many",
                        pnn_op_info_of(op)->name, pnn_elements(&call->out));
    *kernel = (pnn_kernel){.run = run, .work_bytes = bytes, .name = "ref"};
    return PLN_OK;
}

const pnn_backend_info pnn_backend_ref = {"ref", prepare};
