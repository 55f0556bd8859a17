/* SPDX-License-Identifier: MIT */
/* Jobs: the launches of one call. */
#include <string.h>

#include "nn/backends/cuda/cuda.h"

enum { PARAMETERS = 1024, PATCHES = 6, LAUNCHES = 24, KEPT = 4 };

struct launch {
    pln_engine *engine; /* NULL: a kernel, or */
    float *mean;        /* a mean over the group; in work memory if `later` */
    bool later;
    pln_engine_operands operands;
    unsigned operand_patches;
    cu_kernel kernel;
    size_t n;
    int patches[PATCHES];
    size_t bytes;
    unsigned char *parameters;
};

struct cu_job {
    pln_context *ctx;
    pln_device *device;
    pnn_kernel *kernel; /* while the call is made ready */
    int launches, kept;
    struct launch launch[LAUNCHES];
    void *keep[KEPT];
};

static pln_status run_kernel(cu_job *job, const struct launch *l, char *work)
{
    unsigned char parameters[PARAMETERS];
    memcpy(parameters, l->parameters, l->bytes);
    for (int i = 0; i < PATCHES && l->patches[i] >= 0; i++) {
        uintptr_t offset;
        memcpy(&offset, parameters + l->patches[i], sizeof offset);
        if (!offset) continue;
        char *address = work + (offset - 1);
        memcpy(parameters + l->patches[i], &address, sizeof address);
    }
    return job->device->ops->launch(job->device, (int)l->kernel, parameters, l->n);
}

static pln_status run_engine(cu_job *job, const struct launch *l, char *work)
{
    pln_engine_operands o = l->operands;
    if (l->operand_patches & 1) o.x = work + ((uintptr_t)o.x - 1);
    if (l->operand_patches & 2) o.y = work + ((uintptr_t)o.y - 1);
    if (l->operand_patches & 4) o.w = work + ((uintptr_t)o.w - 1);
    if (l->operand_patches & 8) o.work = work + ((uintptr_t)o.work - 1);
    return job->device->ops->engine_run(job->device, l->engine, &o);
}

static pln_status run_mean(cu_job *job, const struct launch *l, char *work)
{
    float *values = l->later ? (float *)(void *)(work + ((uintptr_t)l->mean - 1)) : l->mean;
    return job->device->ops->mean(job->device, values, l->n);
}

static pln_status run(pln_context *ctx, const pnn_kernel *k, const pnn_call *call, void *work)
{
    cu_job *job = k->state;
    pln_status s = PLN_OK;
    (void)ctx, (void)call;
    for (int i = 0; i < job->launches && !s; i++)
        s = job->launch[i].engine ? run_engine(job, &job->launch[i], work)
            : job->launch[i].mean ? run_mean(job, &job->launch[i], work)
                                  : run_kernel(job, &job->launch[i], work);
    return s;
}

static void release(void *state)
{
    cu_job *job = state;
    for (int i = 0; i < job->launches; i++) {
        if (job->launch[i].engine) job->device->ops->engine_free(job->launch[i].engine);
        pln_free(job->launch[i].parameters);
    }
    for (int i = 0; i < job->kept; i++) job->device->ops->free(job->device, job->keep[i]);
    pln_free(job);
}

pln_status cu_job_new(pln_context *ctx, const pnn_call *call, const char *name, pnn_kernel *kernel,
                      cu_job **job)
{
    pln_status s = pln_calloc(ctx, 1, sizeof **job, job);
    if (s) return s;
    (*job)->ctx = ctx;
    (*job)->device = call->device;
    (*job)->kernel = kernel;
    *kernel = (pnn_kernel){.run = run, .release = release, .state = *job, .name = name};
    return PLN_OK;
}

pln_context *cu_job_context(const cu_job *job) { return job->ctx; }
void cu_job_name(cu_job *job, const char *name) { job->kernel->name = name; }

size_t cu_job_work(cu_job *job, size_t bytes)
{
    size_t at = cu_round_up(job->kernel->work_bytes);
    job->kernel->work_bytes = at + bytes;
    return at;
}

pln_status cu_job_keep(cu_job *job, size_t bytes, void **memory)
{
    if (job->kept == KEPT)
        return pln_fail(job->ctx, PLN_E_INTERNAL, "cuda: a call keeps more than %d blocks", KEPT);
    pln_status s = job->device->ops->alloc(job->device, bytes, false, "packed weights", memory);
    if (!s) job->keep[job->kept++] = *memory;
    return s;
}

static pln_status next(cu_job *job, struct launch **l)
{
    if (job->launches == LAUNCHES)
        return pln_fail(job->ctx, PLN_E_INTERNAL, "cuda: a call needs more than %d launches",
                        LAUNCHES);
    *l = &job->launch[job->launches++];
    return PLN_OK;
}

pln_status cu_job_launch(cu_job *job, cu_kernel kernel, const void *parameters, size_t bytes,
                         size_t n, const int *patches)
{
    struct launch *l = NULL;
    int count = 0;
    pln_status s = PLN_OK;

    if (n == 0) return PLN_OK;
    if (bytes > PARAMETERS)
        return pln_fail(job->ctx, PLN_E_INTERNAL, "cuda: %zu bytes of parameters", bytes);
    PLN_TRY(next(job, &l));
    *l = (struct launch){.kernel = kernel, .n = n, .bytes = bytes};
    for (; patches && patches[count] >= 0 && count < PATCHES; count++)
        l->patches[count] = patches[count];
    if (count < PATCHES) l->patches[count] = -1;
    PLN_TRY(pln_alloc(job->ctx, bytes, 1, &l->parameters));
    memcpy(l->parameters, parameters, bytes);
done:
    return s;
}

pln_status cu_job_engine(cu_job *job, pln_engine *engine, pln_engine_operands operands,
                         unsigned patches)
{
    struct launch *l = NULL;
    pln_status s = next(job, &l);
    if (s)
        job->device->ops->engine_free(engine);
    else
        *l = (struct launch){.engine = engine, .operands = operands, .operand_patches = patches};
    return s;
}

pln_status cu_job_mean(cu_job *job, float *values, size_t n, bool later)
{
    struct launch *l = NULL;
    pln_status s = next(job, &l);
    if (!s) *l = (struct launch){.mean = values, .n = n, .later = later};
    return s;
}

/* Launches so far run now, once: what is derived from fixed operands. They leave the job. */
pln_status cu_job_run_now(cu_job *job)
{
    pln_status s = PLN_OK;
    for (int i = 0; i < job->launches && !s; i++) s = run_kernel(job, &job->launch[i], NULL);
    for (int i = 0; i < job->launches; i++) pln_free(job->launch[i].parameters);
    job->launches = 0;
    return s;
}
