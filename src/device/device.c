/* SPDX-License-Identifier: MIT */
#include "device/device.h"

#include <stdio.h>

#include "core/module.h"
#include "device/cuda/module.h"
#include "device/ops.h"

/* ---- The module of CUDA: loaded when a GPU is asked for, so that nothing of CUDA is there else
 * ---- */

/* NULL: why not is in `why`. */
static const cu_module *load(char why[256])
{
    static const cu_services services = {pln_vfail, pln_alloc, pln_free, pln_format_bytes};
    const cu_module *m = pln_module(CU_MODULE_FILE, CU_MODULE_SYMBOL, false, why);
    if (m && (m->version != CU_MODULE_VERSION || m->parameters != CU_MODULE_PARAMETERS)) {
        snprintf(why, 256, "%s is another planish's", CU_MODULE_FILE);
        return NULL;
    }
    if (m) m->begin(&services);
    return m;
}

int pln_device_count(void)
{
    char why[256];
    const cu_module *m = load(why);
    return m ? m->count() : 0;
}

pln_status pln_device_check(pln_context *ctx, int index)
{
    char why[256];
    const cu_module *m = load(why);
    if (!m) return pln_fail(ctx, PLN_E_UNSUPPORTED, "cuda:%d: %s", index, why);
    return m->check(ctx, index);
}

pln_status pln_device_open(pln_context *ctx, int index, pln_device **device)
{
    char why[256];
    const cu_module *m = load(why);
    *device = NULL;
    if (!m) return pln_fail(ctx, PLN_E_UNSUPPORTED, "cuda:%d: %s", index, why);
    return m->open(ctx, index, device);
}

void pln_device_close(pln_device *device)
{
    if (!device) return;
    pln_device_leave(device);
    device->ops->close(device);
}

const char *pln_device_name(const pln_device *device) { return device->name; }

uint64_t pln_device_available(pln_device *device) { return device->ops->available(device); }

pln_status pln_device_group_id(pln_device *device, unsigned char *id)
{
    return device->ops->group_id(device, id);
}

pln_status pln_device_join(pln_device *device, const unsigned char id[PLN_GROUP_ID], size_t rank,
                           size_t world)
{
    pln_status s = device->ops->join(device, id, rank, world);
    device->joined = !s;
    return s;
}

void pln_device_leave(pln_device *device)
{
    if (device->joined) device->ops->leave(device);
    device->joined = false;
}

/* ---- The context's ---- */

static void close_kept(void *device) { pln_device_close(device); }

pln_status pln_device_wanted(pln_context *ctx, pln_device_use use, pln_device **device)
{
    int wanted = pln_device_of(ctx);
    pln_device *d = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    pln_status s = PLN_OK;
    *device = NULL;
    if (!d) {
        if (wanted == PLN_DEVICE_CPU) return PLN_OK;
        if (wanted == PLN_DEVICE_AUTO && !pln_device_count()) return PLN_OK;
        s = pln_device_open(ctx, wanted == PLN_DEVICE_AUTO ? 0 : wanted, &d);
        if (!s) pln_context_keep(ctx, PLN_KEPT_DEVICE, d, close_kept);
    }
    if (!s && use == PLN_USE_ENGINES) s = d->ops->engines(d);
    if (d) d->resting = s != PLN_OK;
    if (s && wanted == PLN_DEVICE_AUTO) {
        pln_log(ctx, 1, "%s: the CPU computes", pln_context_message(ctx));
        pln_clear(ctx);
        return PLN_OK;
    }
    if (!s) *device = d;
    return s;
}

void pln_device_rest(pln_context *ctx)
{
    pln_device *device = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    if (device) device->resting = true;
}

const char *pln_device_used(const pln_context *ctx)
{
    const pln_device *device = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    return device && !device->resting ? device->name : "cpu";
}
