/* SPDX-License-Identifier: MIT */
/* planish_cuda.so. */
#include "device/cuda/module.h"

#include "device/cuda/driver.h"

__attribute__((visibility("default"))) extern const cu_module pln_cuda_module;
const cu_module pln_cuda_module = {.version = CU_MODULE_VERSION,
                                   .parameters = CU_MODULE_PARAMETERS,
                                   .begin = cu_services_begin,
                                   .count = cu_driver_count,
                                   .check = cu_driver_check,
                                   .open = cu_driver_open};
