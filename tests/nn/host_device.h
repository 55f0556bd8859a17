/* SPDX-License-Identifier: MIT */
/* A device in the host's memory: kernels of the back end cuda as loops, in any order of their
 * indices, convolution engines and Fourier transforms by definition. */
#ifndef PLN_TESTS_NN_HOST_DEVICE_H
#define PLN_TESTS_NN_HOST_DEVICE_H

#include "device/ops.h"

typedef enum host_engines {
    HOST_ENGINES_NONE,    /* our own kernels compute convolutions */
    HOST_ENGINES_ALL,     /* any tensors, all that can be fused */
    HOST_ENGINES_UNFUSED, /* any tensors, nothing fused */
    HOST_ENGINES_PACKED,  /* dense ones whose channels fill 16 bytes; bf16 gives bf16 */
    HOST_ENGINES_COUNT
} host_engines;

pln_status host_device_open(pln_context *ctx, host_engines engines, pln_device **device) PLN_CHECK;
/* The n-th work from now on (launch, engine, transform, copy) fails as a device that was lost; 0:
 * none. */
void host_device_fail(pln_device *device, int n);
/* From now on it can be in a group; before, it says that it cannot. */
void host_device_groups(pln_device *device);
/* From now on its library of engines is missing. */
void host_device_without_engines(pln_device *device);
/* From now on its library of Fourier transforms is missing. */
void host_device_without_fourier(pln_device *device);
/* How many bytes it may still give. */
void host_device_limit(pln_device *device, uint64_t bytes);
/* Launches, engines and transforms run so far, replayed ones too; and how many replays. */
void host_device_counts(const pln_device *device, size_t *runs, size_t *replays);

#endif
