/* SPDX-License-Identifier: MIT */
#include "nn/device.h"

#include "nn/backends/device.h"

#ifdef PLN_CUDA
#include "nn/backends/cuda/driver.h"

bool pnn_device_built(void) { return true; }
int pnn_device_count(void) { return cu_driver_count(); }

pln_status pnn_device_check(pln_context *ctx, int index) { return cu_driver_check(ctx, index); }

pln_status pnn_device_open(pln_context *ctx, int index, pnn_device **device)
{
    return cu_driver_open(ctx, index, device);
}
#else
bool pnn_device_built(void) { return false; }
int pnn_device_count(void) { return 0; }

pln_status pnn_device_check(pln_context *ctx, int index)
{
    return pln_fail(ctx, PLN_E_UNSUPPORTED, "cuda:%d: this build has no CUDA", index);
}

pln_status pnn_device_open(pln_context *ctx, int index, pnn_device **device)
{
    *device = NULL;
    return pnn_device_check(ctx, index);
}
#endif

void pnn_device_close(pnn_device *device)
{
    if (device) device->ops->close(device);
}

const char *pnn_device_name(const pnn_device *device) { return device->name; }

uint64_t pnn_device_available(pnn_device *device) { return device->ops->available(device); }

/* ---- The context's ---- */

static void close_kept(void *device) { pnn_device_close(device); }

pln_status pnn_context_device(pln_context *ctx, pnn_device **device)
{
    int wanted = pln_device_of(ctx);
    pln_status s = PLN_OK;
    *device = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    if (*device || wanted == PLN_DEVICE_CPU) return PLN_OK;
    if (wanted == PLN_DEVICE_AUTO && !pnn_device_count()) return PLN_OK;
    s = pnn_device_open(ctx, wanted == PLN_DEVICE_AUTO ? 0 : wanted, device);
    if (s && wanted == PLN_DEVICE_AUTO) {
        pln_log(ctx, 1, "%s: networks run on the CPU", pln_context_message(ctx));
        pln_clear(ctx);
        return PLN_OK;
    }
    if (!s) pln_context_keep(ctx, PLN_KEPT_DEVICE, *device, close_kept);
    return s;
}

const char *pnn_context_device_name(const pln_context *ctx)
{
    const pnn_device *device = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    return device ? device->name : "cpu";
}
