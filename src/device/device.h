/* SPDX-License-Identifier: MIT */
/* Where networks and operators run. The host needs no device; a GPU is one pln_device: its memory,
 * and one queue of work. A device serves one thread at a time, and outlives what was made for it.
 */
#ifndef PLN_DEVICE_DEVICE_H
#define PLN_DEVICE_DEVICE_H

#include "core/core.h"

typedef struct pln_device pln_device;

/* GPUs that can be used now; 0 without the module of CUDA (planish_cuda.so) or a driver. */
int pln_device_count(void);
/* Whether GPU `index` can be used; the errors of pln_device_open. */
pln_status pln_device_check(pln_context *ctx, int index) PLN_CHECK;
/* Opens GPU `index`. PLN_E_UNSUPPORTED: the module is missing, or another planish's; PLN_E_DEVICE:
 * no driver, no such device, or it failed; PLN_E_MEMORY. */
pln_status pln_device_open(pln_context *ctx, int index, pln_device **device) PLN_CHECK;
/* NULL is fine. */
void pln_device_close(pln_device *device);
/* "cuda:0" */
const char *pln_device_name(const pln_device *device);
/* Bytes that it can still give. */
uint64_t pln_device_available(pln_device *device);

/* ---- Groups: devices of several processes, one each, whose values become means without the host
 * ---- */

enum { PLN_GROUP_ID = 128 };
/* What the first process makes, and all join with; id NULL: only whether it could be made.
 * PLN_E_UNSUPPORTED: without NCCL. */
pln_status pln_device_group_id(pln_device *device, unsigned char *id) PLN_CHECK;
/* Waits for all. From now on plans that are made for the device take means over the group there. */
pln_status pln_device_join(pln_device *device, const unsigned char id[PLN_GROUP_ID], size_t rank,
                           size_t world) PLN_CHECK;
/* After such plans are gone. */
void pln_device_leave(pln_device *device);

/* ---- The context's ---- */

/* What a device is asked to do: operators are kernels of ours alone, networks take engines. */
typedef enum pln_device_use { PLN_USE_KERNELS, PLN_USE_ENGINES } pln_device_use;
/* The device that the context asks for, opened when it is asked for the first time and kept in the
 * context: NULL is the CPU. "auto" is GPU 0 if it can be opened and used so. */
pln_status pln_device_wanted(pln_context *ctx, pln_device_use use, pln_device **device) PLN_CHECK;
/* The CPU computes now, until the device is wanted again. */
void pln_device_rest(pln_context *ctx);
/* What computed last: the name of the device, or "cpu". */
const char *pln_device_used(const pln_context *ctx);

#endif
