/* SPDX-License-Identifier: MIT */
#include "device/cuda/driver.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <string.h>

enum { MARKS = 8192 };

struct gpu {
    pln_device d;
    int index;
    cudaStream_t stream;
    cu_cudnn *cudnn; /* NULL: no engine was asked for */
    cu_cufft *cufft; /* NULL: no transform was asked for */
    cu_nccl *nccl;   /* NULL: in no group */
    cudaEvent_t marks[MARKS];
};

struct pln_recording {
    cudaGraphExec_t exec;
};

int cu_launch(int kernel, const void *parameters, size_t n, void *stream);

/* The runtime's current device is the thread's, and a context may move between threads. */
static struct gpu *gpu(pln_device *d)
{
    struct gpu *g = (struct gpu *)(void *)d;
    cudaSetDevice(g->index);
    return g;
}

static pln_status failed(const pln_device *d, cudaError_t e, const char *what)
{
    if (e == cudaSuccess) return PLN_OK;
    cudaGetLastError(); /* forgotten, if it can be */
    return pln_fail(d->ctx, e == cudaErrorMemoryAllocation ? PLN_E_MEMORY : PLN_E_DEVICE,
                    "%s: %s: %s", d->name, what, cudaGetErrorString(e));
}

#define CUDA(what, call) PLN_TRY(failed(d, call, what))

int cu_driver_count(void)
{
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

/* ---- Memory ---- */

static uint64_t available(pln_device *d)
{
    size_t free_bytes = 0, total = 0;
    gpu(d);
    return cudaMemGetInfo(&free_bytes, &total) == cudaSuccess ? free_bytes : 0;
}

static pln_status device_alloc(pln_device *d, size_t bytes, bool shared, const char *what,
                               void **memory)
{
    size_t wanted = bytes ? bytes : 1;
    gpu(d);
    cudaError_t e = shared ? cudaMallocManaged(memory, wanted, cudaMemAttachGlobal)
                           : cudaMalloc(memory, wanted);
    if (e == cudaErrorMemoryAllocation) {
        char need[32], have[32];
        cudaGetLastError();
        pln_format_bytes(bytes, need);
        pln_format_bytes(available(d), have);
        return pln_fail(d->ctx, PLN_E_LIMIT, "%s: %s are needed, %s has %s free", what, need,
                        d->name, have);
    }
    return failed(d, e, what);
}

static void device_free(pln_device *d, void *memory)
{
    gpu(d);
    cudaFree(memory);
}

static pln_status wait_for(pln_device *d)
{
    return failed(d, cudaStreamSynchronize(gpu(d)->stream), "computing");
}

static pln_status upload(pln_device *d, void *to, const void *from, size_t bytes)
{
    return failed(d, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, gpu(d)->stream),
                  "copying to the device");
}

static pln_status download(pln_device *d, void *to, const void *from, size_t bytes)
{
    pln_status s = PLN_OK;
    CUDA("copying from the device",
         cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, gpu(d)->stream));
    s = wait_for(d);
done:
    return s;
}

/* ---- Work ---- */

static pln_status launch(pln_device *d, int kernel, const void *parameters, size_t n)
{
    return failed(d, (cudaError_t)cu_launch(kernel, parameters, n, gpu(d)->stream), "a kernel");
}

static pln_status engines(pln_device *d)
{
    struct gpu *g = gpu(d);
    return g->cudnn ? PLN_OK : cu_cudnn_new(d, g->stream, &g->cudnn);
}

static pln_status engine_new(pln_device *d, const pln_engine_spec *spec, pln_engine **engine,
                             size_t *work_bytes)
{
    pln_status s = engines(d);
    return s ? s : cu_engine_new(d, gpu(d)->cudnn, spec, engine, work_bytes);
}

static pln_status engine_run(pln_device *d, const pln_engine *engine,
                             const pln_engine_operands *operands)
{
    return cu_engine_run(d, gpu(d)->cudnn, engine, operands);
}

static pln_status fourier_new(pln_device *d, size_t w, size_t h, size_t planes,
                              pln_fourier **fourier, size_t *work_bytes)
{
    struct gpu *g = gpu(d);
    pln_status s = g->cufft ? PLN_OK : cu_cufft_new(d, &g->cufft);
    return s ? s : cu_fourier_new(d, g->cufft, g->stream, w, h, planes, fourier, work_bytes);
}

static pln_status fourier_run(pln_device *d, const pln_fourier *fourier, bool inverse, void *in,
                              void *out, void *work)
{
    gpu(d);
    return cu_fourier_run(d, fourier, inverse, in, out, work);
}

/* ---- Groups ---- */

#ifdef PLN_NCCL
static pln_status group_id(pln_device *d, unsigned char *id)
{
    gpu(d);
    return cu_nccl_id(d, id);
}

static pln_status join(pln_device *d, const unsigned char *id, size_t rank, size_t world)
{
    return cu_nccl_join(d, id, rank, world, &gpu(d)->nccl);
}

static void leave(pln_device *d)
{
    struct gpu *g = gpu(d);
    cudaStreamSynchronize(g->stream);
    cu_nccl_free(g->nccl);
    g->nccl = NULL;
}

static pln_status mean(pln_device *d, float *values, size_t n)
{
    return cu_nccl_mean(d, gpu(d)->nccl, values, n, gpu(d)->stream);
}
#else
static pln_status group_id(pln_device *d, unsigned char *id)
{
    (void)id;
    return pln_fail(d->ctx, PLN_E_UNSUPPORTED, "%s: this build has no NCCL", d->name);
}

static pln_status join(pln_device *d, const unsigned char *id, size_t rank, size_t world)
{
    (void)rank, (void)world;
    return group_id(d, (unsigned char *)id);
}

static void leave(pln_device *d) { (void)d; }

static pln_status mean(pln_device *d, float *values, size_t n)
{
    (void)values, (void)n;
    return group_id(d, NULL);
}
#endif

/* ---- Recordings ---- */

static pln_status record_begin(pln_device *d)
{
    return failed(d, cudaStreamBeginCapture(gpu(d)->stream, cudaStreamCaptureModeThreadLocal),
                  "recording");
}

static pln_status record_end(pln_device *d, pln_recording **recording)
{
    cudaGraph_t graph = NULL;
    pln_recording *r = NULL;
    pln_status s = PLN_OK;
    CUDA("recording", cudaStreamEndCapture(gpu(d)->stream, &graph));
    PLN_TRY(pln_calloc(d->ctx, 1, sizeof *r, &r));
    CUDA("recording", cudaGraphInstantiate(&r->exec, graph, 0));
    *recording = r;
    r = NULL;
done:
    if (graph) cudaGraphDestroy(graph);
    pln_free(r);
    return s;
}

static pln_status replay(pln_device *d, pln_recording *recording)
{
    return failed(d, cudaGraphLaunch(recording->exec, gpu(d)->stream), "a replay");
}

static void recording_free(pln_recording *recording)
{
    if (recording) cudaGraphExecDestroy(recording->exec);
    pln_free(recording);
}

/* ---- Time ---- */

static pln_status mark(pln_device *d, size_t i)
{
    struct gpu *g = gpu(d);
    pln_status s = PLN_OK;
    if (i >= MARKS) return pln_fail(d->ctx, PLN_E_INTERNAL, "%s: %zu marks", d->name, i);
    if (!g->marks[i]) CUDA("timing", cudaEventCreate(&g->marks[i]));
    CUDA("timing", cudaEventRecord(g->marks[i], g->stream));
done:
    return s;
}

static pln_status between(pln_device *d, size_t i, size_t j, double *ms)
{
    float elapsed = 0;
    pln_status s = PLN_OK;
    CUDA("timing", cudaEventSynchronize(gpu(d)->marks[j]));
    CUDA("timing", cudaEventElapsedTime(&elapsed, gpu(d)->marks[i], gpu(d)->marks[j]));
    *ms = (double)elapsed;
done:
    return s;
}

/* ---- Opening ---- */

static void close_device(pln_device *d)
{
    struct gpu *g = gpu(d);
    if (g->stream) cudaStreamSynchronize(g->stream);
    cu_cufft_free(g->cufft);
    cu_cudnn_free(g->cudnn);
    for (size_t i = 0; i < MARKS; i++)
        if (g->marks[i]) cudaEventDestroy(g->marks[i]);
    cudaFree(d->seed);
    if (g->stream) cudaStreamDestroy(g->stream);
    pln_free(g);
}

static const pln_device_ops ops = {
    .close = close_device,
    .alloc = device_alloc,
    .free = device_free,
    .available = available,
    .upload = upload,
    .download = download,
    .wait = wait_for,
    .launch = launch,
    .engines = engines,
    .engine_new = engine_new,
    .engine_run = engine_run,
    .engine_free = cu_engine_free,
    .fourier_new = fourier_new,
    .fourier_run = fourier_run,
    .fourier_free = cu_fourier_free,
    .group_id = group_id,
    .join = join,
    .leave = leave,
    .mean = mean,
    .record_begin = record_begin,
    .record_end = record_end,
    .replay = replay,
    .recording_free = recording_free,
    .mark = mark,
    .between = between,
};

/* Without a driver the runtime calls it an old one. */
static pln_status no_driver(pln_context *ctx, int index)
{
    int has = 0, needs = CUDART_VERSION;
    cudaDriverGetVersion(&has);
    if (!has)
        return pln_fail(ctx, PLN_E_DEVICE, "cuda:%d: NVIDIA's driver is not installed", index);
    return pln_fail(ctx, PLN_E_DEVICE, "cuda:%d: the driver is for CUDA %d.%d: %d.%d is needed",
                    index, has / 1000, has % 1000 / 10, needs / 1000, needs % 1000 / 10);
}

pln_status cu_driver_check(pln_context *ctx, int index)
{
    int count = 0;
    cudaError_t e = cudaGetDeviceCount(&count);
    if (e == cudaErrorInsufficientDriver) return no_driver(ctx, index);
    if (e != cudaSuccess)
        return pln_fail(ctx, PLN_E_DEVICE, "cuda:%d: no CUDA device: %s", index,
                        cudaGetErrorString(e));
    if (index < 0 || index >= count)
        return pln_fail(ctx, PLN_E_DEVICE, "cuda:%d: no such device: there are %d, from cuda:0",
                        index, count);
    return PLN_OK;
}

pln_status cu_driver_open(pln_context *ctx, int index, pln_device **device)
{
    struct gpu *g = NULL;
    void *seed = NULL;
    pln_device *d;
    pln_status s = PLN_OK;

    *device = NULL;
    PLN_TRY(cu_driver_check(ctx, index));
    PLN_TRY(pln_calloc(ctx, 1, sizeof *g, &g));
    d = &g->d;
    *d = (pln_device){.ops = &ops, .ctx = ctx};
    g->index = index;
    snprintf(d->name, sizeof d->name, "cuda:%d", index);
    CUDA("opening", cudaSetDevice(index));
    CUDA("opening", cudaStreamCreateWithFlags(&g->stream, cudaStreamNonBlocking));
    PLN_TRY(device_alloc(d, sizeof *d->seed, false, "a seed", &seed));
    d->seed = seed;
    *device = d;
    g = NULL;
done:
    if (g) close_device(&g->d);
    return s;
}
