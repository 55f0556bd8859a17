/* SPDX-License-Identifier: MIT */
/* Operations that the host computes between those of the device: communication between processes.
 * Operands are copied there, the result back. */
#include "nn/backends/cuda/cuda.h"

struct host_call {
    pln_device *device;
    pnn_call call; /* operands in the host's memory */
    pnn_kernel kernel;
    void *work;
};

static size_t bytes_of(const pnn_tensor *t)
{
    size_t elements = (pnn_positions(t) - 1) * t->stride + t->d[3];
    return elements * (t->type == PNN_BF16 ? sizeof(uint16_t) : sizeof(float));
}

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    struct host_call *h = k->state;
    const pln_device_ops *ops = h->device->ops;
    size_t bytes = bytes_of(&call->out);
    pln_status s = PLN_OK;
    (void)work;
    for (int i = 0; i < PNN_MAX_INPUTS; i++)
        if (call->in[i].data)
            PLN_TRY(ops->download(h->device, h->call.in[i].data, call->in[i].data,
                                  bytes_of(&call->in[i])));
    if (!pnn_dense(&call->out)) /* what is between its channels stays */
        PLN_TRY(ops->download(h->device, h->call.out.data, call->out.data, bytes));
    PLN_TRY(h->kernel.run(ctx, &h->kernel, &h->call, h->work));
    PLN_TRY(ops->upload(h->device, call->out.data, h->call.out.data, bytes));
    PLN_TRY(ops->wait(h->device));
done:
    return s;
}

static void release(void *state)
{
    struct host_call *h = state;
    if (h->kernel.release) h->kernel.release(h->kernel.state);
    for (int i = 0; i < PNN_MAX_INPUTS; i++) pln_free(h->call.in[i].data);
    pln_free(h->call.out.data);
    pln_free(h->work);
    pln_free(h);
}

static pln_status room_for(pln_context *ctx, const pnn_tensor *t, void **data)
{
    return t->data ? pln_alloc(ctx, bytes_of(t), 1, data) : PLN_OK;
}

pln_status cu_prepare_host(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel)
{
    struct host_call *h = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(ctx, 1, sizeof *h, &h));
    h->device = call->device;
    h->call = *call;
    h->call.device = NULL;
    h->call.out.data = NULL;
    for (int i = 0; i < PNN_MAX_INPUTS; i++) {
        h->call.in[i].data = NULL;
        h->call.fixed[i] = false;
    }
    for (int i = 0; i < PNN_MAX_INPUTS; i++)
        PLN_TRY(room_for(ctx, &call->in[i], &h->call.in[i].data));
    PLN_TRY(room_for(ctx, &call->out, &h->call.out.data));
    PLN_TRY(pnn_backend_cpu.prepare(ctx, &h->call, &h->kernel));
    PLN_TRY(pln_alloc(ctx, h->kernel.work_bytes, 1, &h->work));
    *kernel = (pnn_kernel){
        .run = run, .release = release, .state = h, .host = true, .name = h->kernel.name};
    h = NULL;
done:
    if (h) release(h);
    return s;
}
