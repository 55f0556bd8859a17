/* SPDX-License-Identifier: MIT */
/* What a plan and a back end agree on: tensors in memory, and calls of operations on them. */
#ifndef PLN_NN_BACKENDS_BACKEND_H
#define PLN_NN_BACKENDS_BACKEND_H

#include "device/device.h"
#include "nn/graph.h"

/* Element (n, h, w, c) is at ((n d[1] + h) d[2] + w) stride + c: stride >= d[3], so that a slice of
 * the channels of a wider tensor is a tensor too. The same for weights, O x I x KH x KW. */
typedef struct pnn_tensor {
    void *data; /* float, or uint16_t where type is bf16; NULL: no operand */
    size_t d[4];
    size_t stride;
    pnn_type type;
} pnn_tensor;

static inline size_t pnn_positions(const pnn_tensor *t) { return t->d[0] * t->d[1] * t->d[2]; }
static inline size_t pnn_elements(const pnn_tensor *t) { return pnn_positions(t) * t->d[3]; }
static inline bool pnn_dense(const pnn_tensor *t) { return t->stride == t->d[3]; }

/* One operation on given memory. Effects (ASSIGN, ADAM) write their first inputs; out is empty. */
typedef struct pnn_call {
    const pnn_vertex *v;
    pnn_tensor in[PNN_MAX_INPUTS];
    pnn_tensor out;
    /* in[i] has the same values in every run (weights at inference): what is derived from it may be
     * made when the call is prepared. */
    bool fixed[PNN_MAX_INPUTS];
    uint64_t seed; /* of NOISE */
    /* Of the back end cuda: where the tensors' memory is, and the seed. */
    pln_device *device;
    bool narrow; /* convolutions of f32 values may round their operands to bf16 */
} pnn_call;

/* A call made ready by a back end. work: at least work_bytes, aligned to 64, shared by all calls of
 * a plan. Running allocates nothing. */
typedef struct pnn_kernel pnn_kernel;
struct pnn_kernel {
    pln_status (*run)(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work);
    void (*release)(void *state); /* NULL: nothing to release */
    void *state;
    size_t work_bytes;
    bool host; /* of a device: computed by the host between the device's calls, never recorded */
    const char *name; /* which implementation, for `nets --plan` and tests: static */
};

typedef struct pnn_backend_info {
    const char *name;
    /* Makes every kind of call ready. */
    pln_status (*prepare)(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel);
} pnn_backend_info;
extern const pnn_backend_info pnn_backend_ref, pnn_backend_cpu, pnn_backend_cuda;
/* FAN_MAPS, of back ends in the host's memory. */
pln_status pnn_prepare_fan_maps(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel);
/* GROUP_MEAN, likewise. */
pln_status pnn_prepare_group_mean(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel);

#endif
