/* SPDX-License-Identifier: MIT */
/* The table of operations: one line each, filled by the families. */
#include "nn/graph.h"

static const pnn_op_info none = {"none"}, input = {"input"}, param = {"param"},
                         constant = {"constant"}, fill = {"fill"}, noise = {"noise"},
                         cast = {"cast"};

static const pnn_op_info *const table[PNN_OP_COUNT] = {
    [PNN_OP_NONE] = &none,
    [PNN_OP_INPUT] = &input,
    [PNN_OP_PARAM] = &param,
    [PNN_OP_CONSTANT] = &constant,
    [PNN_OP_FILL] = &fill,
    [PNN_OP_NOISE] = &noise,
    [PNN_OP_CONV] = &pnn_conv_info,
    [PNN_OP_CONV_DATA] = &pnn_conv_data_info,
    [PNN_OP_CONV_WEIGHT] = &pnn_conv_weight_info,
    [PNN_OP_MOMENTS] = &pnn_moments_info,
    [PNN_OP_NORM] = &pnn_norm_info,
    [PNN_OP_NORM_REDUCE] = &pnn_norm_reduce_info,
    [PNN_OP_NORM_GRAD] = &pnn_norm_grad_info,
    [PNN_OP_UNARY] = &pnn_unary_info,
    [PNN_OP_UNARY_GRAD] = &pnn_unary_grad_info,
    [PNN_OP_BINARY] = &pnn_binary_info,
    [PNN_OP_CONCAT] = &pnn_concat_info,
    [PNN_OP_WINDOW] = &pnn_window_info,
    [PNN_OP_EMBED] = &pnn_embed_info,
    [PNN_OP_EXPAND] = &pnn_expand_info,
    [PNN_OP_RESHAPE] = &pnn_reshape_info,
    [PNN_OP_PAD] = &pnn_pad_info,
    [PNN_OP_PAD_GRAD] = &pnn_pad_grad_info,
    [PNN_OP_HAAR] = &pnn_haar_info,
    [PNN_OP_HAAR_INVERSE] = &pnn_haar_inverse_info,
    [PNN_OP_MAX_POOL] = &pnn_max_pool_info,
    [PNN_OP_MAX_POOL_GRAD] = &pnn_max_pool_grad_info,
    [PNN_OP_AVERAGE_POOL] = &pnn_average_pool_info,
    [PNN_OP_AVERAGE_POOL_GRAD] = &pnn_average_pool_grad_info,
    [PNN_OP_REDUCE] = &pnn_reduce_info,
    [PNN_OP_REDUCE_MAX_GRAD] = &pnn_reduce_max_grad_info,
    [PNN_OP_RESIZE] = &pnn_resize_info,
    [PNN_OP_RESIZE_GRAD] = &pnn_resize_grad_info,
    [PNN_OP_MATMUL] = &pnn_matmul_info,
    [PNN_OP_GRAM] = &pnn_gram_info,
    [PNN_OP_FAN_MAPS] = &pnn_fan_maps_info,
    [PNN_OP_FAN_ENERGY] = &pnn_fan_energy_info,
    [PNN_OP_GROUP_MEAN] = &pnn_group_mean_info,
    [PNN_OP_ASSIGN] = &pnn_assign_info,
    [PNN_OP_ADAM] = &pnn_adam_info,
    [PNN_OP_FUSED] = &pnn_fused_info,
    [PNN_OP_CAST] = &cast,
};

const pnn_op_info *pnn_op_info_of(pnn_op op) { return table[op]; }
