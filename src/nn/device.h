/* SPDX-License-Identifier: MIT */
/* Where networks run. The host needs no device; a GPU is one pnn_device: its memory, and one queue
 * of work. A device serves one thread at a time, and outlives the plans made for it. */
#ifndef PLN_NN_DEVICE_H
#define PLN_NN_DEVICE_H

#include "nn/nn.h"

typedef struct pnn_device pnn_device;

/* GPUs that can be used now; 0 without the module of CUDA (planish_cuda.so) or a driver. */
int pnn_device_count(void);
/* Whether GPU `index` can be used; the errors of pnn_device_open. */
pln_status pnn_device_check(pln_context *ctx, int index) PLN_CHECK;
/* Opens GPU `index`. PLN_E_UNSUPPORTED: the module is missing, or another planish's; PLN_E_DEVICE:
 * no driver, no such device, or it failed; PLN_E_MEMORY. */
pln_status pnn_device_open(pln_context *ctx, int index, pnn_device **device) PLN_CHECK;
/* NULL is fine. */
void pnn_device_close(pnn_device *device);
/* "cuda:0" */
const char *pnn_device_name(const pnn_device *device);
/* Bytes that it can still give. */
uint64_t pnn_device_available(pnn_device *device);

/* ---- Groups: devices of several processes, one each, whose values become means without the host
 * ---- */

enum { PNN_GROUP_ID = 128 };
/* What the first process makes, and all join with; id NULL: only whether it could be made.
 * PLN_E_UNSUPPORTED: without NCCL. */
pln_status pnn_device_group_id(pnn_device *device, unsigned char *id) PLN_CHECK;
/* Waits for all. From now on plans that are made for the device take means over the group there. */
pln_status pnn_device_join(pnn_device *device, const unsigned char id[PNN_GROUP_ID], size_t rank,
                           size_t world) PLN_CHECK;
/* After such plans are gone. */
void pnn_device_leave(pnn_device *device);

/* ---- The context's ---- */

/* The device that the context asks for, opened when it is asked for the first time and kept in the
 * context: NULL is the CPU. "auto" is GPU 0 if it can be opened. */
pln_status pnn_context_device(pln_context *ctx, pnn_device **device) PLN_CHECK;
/* What computed last: the name of the device that is open, or "cpu". */
const char *pnn_context_device_name(const pln_context *ctx);

#endif
