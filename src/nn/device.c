/* SPDX-License-Identifier: MIT */
#include "nn/device.h"

#include "nn/backends/device.h"

#ifdef PLN_CUDA
#include "nn/backends/cuda/driver.h"

bool pnn_device_built(void) { return true; }
int pnn_device_count(void) { return cu_driver_count(); }

pln_status pnn_device_open(pln_context *ctx, int index, pnn_device **device)
{
    return cu_driver_open(ctx, index, device);
}
#else
bool pnn_device_built(void) { return false; }
int pnn_device_count(void) { return 0; }

pln_status pnn_device_open(pln_context *ctx, int index, pnn_device **device)
{
    *device = NULL;
    return pln_fail(ctx, PLN_E_UNSUPPORTED, "cuda:%d: this build has no CUDA", index);
}
#endif

void pnn_device_close(pnn_device *device)
{
    if (device) device->ops->close(device);
}

const char *pnn_device_name(const pnn_device *device) { return device->name; }
