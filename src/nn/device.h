/* SPDX-License-Identifier: MIT */
/* Where networks run. The host needs no device; a GPU is one pnn_device: its memory, and one queue
 * of work. A device serves one thread at a time, and outlives the plans made for it. */
#ifndef PLN_NN_DEVICE_H
#define PLN_NN_DEVICE_H

#include "nn/nn.h"

typedef struct pnn_device pnn_device;

/* True if this build can use GPUs. */
bool pnn_device_built(void);
/* GPUs that can be used now; 0 without a driver. */
int pnn_device_count(void);
/* Opens GPU `index`. PLN_E_UNSUPPORTED: not in this build; PLN_E_DEVICE: no such device, or it
 * failed; PLN_E_MEMORY. */
pln_status pnn_device_open(pln_context *ctx, int index, pnn_device **device) PLN_CHECK;
/* NULL is fine. */
void pnn_device_close(pnn_device *device);
/* "cuda:0" */
const char *pnn_device_name(const pnn_device *device);

#endif
