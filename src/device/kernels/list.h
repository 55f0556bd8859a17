/* SPDX-License-Identifier: MIT */
/* Every kernel: CU_KERNELS(X) is X(name, parameters) for each; cu_NAME_body is the function. */
#ifndef PLN_DEVICE_KERNELS_LIST_H
#define PLN_DEVICE_KERNELS_LIST_H

#include "device/kernels/box.h"
#include "device/kernels/colour.h"
#include "device/kernels/conv.h"
#include "device/kernels/dt.h"
#include "device/kernels/fan.h"
#include "device/kernels/fgs.h"
#include "device/kernels/gradient.h"
#include "device/kernels/matmul.h"
#include "device/kernels/norm.h"
#include "device/kernels/pointwise.h"
#include "device/kernels/pool.h"
#include "device/kernels/reduce.h"
#include "device/kernels/resize.h"
#include "device/kernels/rtv.h"
#include "device/kernels/shape.h"
#include "device/kernels/spd.h"
#include "device/kernels/update.h"
#include "device/kernels/window.h"

#define CU_KERNELS(X)                                                                              \
    X(pointwise, cu_pointwise)                                                                     \
    X(reshape, cu_reshape)                                                                         \
    X(embed, cu_embed)                                                                             \
    X(pad, cu_pad)                                                                                 \
    X(pad_grad, cu_pad)                                                                            \
    X(haar, cu_haar)                                                                               \
    X(haar_inverse, cu_haar)                                                                       \
    X(max_pool, cu_pool)                                                                           \
    X(max_pool_grad, cu_pool)                                                                      \
    X(average_pool, cu_pool)                                                                       \
    X(average_pool_grad, cu_pool)                                                                  \
    X(resize, cu_resize)                                                                           \
    X(resize_grad, cu_resize)                                                                      \
    X(partial, cu_partial)                                                                         \
    X(fold, cu_fold)                                                                               \
    X(finish, cu_finish)                                                                           \
    X(max_grad, cu_max_grad)                                                                       \
    X(norm, cu_norm)                                                                               \
    X(norm_grad, cu_norm)                                                                          \
    X(matmul, cu_matmul)                                                                           \
    X(fan_edges, cu_fan_maps)                                                                      \
    X(fan_select, cu_fan_maps)                                                                     \
    X(fan_guide, cu_fan_maps)                                                                      \
    X(fan_pixel, cu_fan)                                                                           \
    X(fan_grow, cu_fan)                                                                            \
    X(fan_window, cu_fan)                                                                          \
    X(fan_total, cu_fan)                                                                           \
    X(noise, cu_noise)                                                                             \
    X(adam, cu_adam)                                                                               \
    X(pack, cu_pack)                                                                               \
    X(weights, cu_weights)                                                                         \
    X(weights_back, cu_weights)                                                                    \
    X(conv, cu_conv)                                                                               \
    X(conv_data, cu_conv)                                                                          \
    X(conv_weight, cu_conv)                                                                        \
    X(to_planes, cu_planes)                                                                        \
    X(to_pixels, cu_planes)                                                                        \
    X(window, cu_window)                                                                           \
    X(convolve, cu_convolve)                                                                       \
    X(box, cu_box)                                                                                 \
    X(transpose, cu_transpose)                                                                     \
    X(guided_solve, cu_guided)                                                                     \
    X(guided_apply, cu_guided)                                                                     \
    X(dt_transform, cu_dt)                                                                         \
    X(dt_nc, cu_dt_lines)                                                                          \
    X(dt_ic, cu_dt_lines)                                                                          \
    X(dt_rf, cu_dt_lines)                                                                          \
    X(gradient, cu_gradient)                                                                       \
    X(screen, cu_screen)                                                                           \
    X(lost, cu_means)                                                                              \
    X(restored, cu_means)                                                                          \
    X(rtv, cu_rtv)                                                                                 \
    X(spd_inverse, cu_spd)                                                                         \
    X(spd_start, cu_spd)                                                                           \
    X(spd_direction, cu_spd)                                                                       \
    X(spd_apply, cu_spd)                                                                           \
    X(spd_step, cu_spd)                                                                            \
    X(spd_alpha, cu_spd_decide)                                                                    \
    X(spd_beta, cu_spd_decide)                                                                     \
    X(fgs, cu_fgs)

typedef enum cu_kernel {
#define CU_ID(name, parameters) CU_##name,
    CU_KERNELS(CU_ID)
#undef CU_ID
        CU_KERNEL_COUNT
} cu_kernel;

#endif
