/* SPDX-License-Identifier: MIT */
/* planish_cuda.so of the tests: two devices in the host's memory in the place of GPUs. */
#include <stdio.h>

#include "../host_device.h"
#include "device/cuda/module.h"

#ifndef MODULE_VERSION
#define MODULE_VERSION CU_MODULE_VERSION
#endif

enum { COUNT = 2 };

static int count(void) { return COUNT; }

static pln_status check(pln_context *ctx, int index)
{
    if (index < COUNT) return PLN_OK;
    return pln_fail(ctx, PLN_E_DEVICE, "cuda:%d: no such device: there are %d, from cuda:0", index,
                    COUNT);
}

static pln_status open_device(pln_context *ctx, int index, pln_device **device)
{
    pln_status s = check(ctx, index);
    if (!s) s = host_device_open(ctx, HOST_ENGINES_ALL, device);
    if (!s) host_device_groups(*device);
    if (!s) snprintf((*device)->name, sizeof(*device)->name, "host:%d", index);
    return s;
}

__attribute__((visibility("default"))) extern const cu_module pln_cuda_module;
const cu_module pln_cuda_module = {.version = MODULE_VERSION,
                                   .parameters = CU_MODULE_PARAMETERS,
                                   .begin = cu_services_begin,
                                   .count = count,
                                   .check = check,
                                   .open = open_device};
