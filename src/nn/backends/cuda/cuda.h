/* SPDX-License-Identifier: MIT */
/* Inside the back end `cuda`: how each family makes its calls ready. A call becomes a few launches
 * of kernels (kernels/list.h) with fixed parameters, and of engines of cuDNN; running it puts them
 * into the device's queue. Nothing here includes a header of CUDA: the tests run all of it on the
 * host. */
#ifndef PLN_NN_BACKENDS_CUDA_CUDA_H
#define PLN_NN_BACKENDS_CUDA_CUDA_H

#include "device/kernels/list.h"
#include "device/ops.h"
#include "nn/backends/backend.h"
#include "nn/backends/view.h"

enum { CU_ALIGN = 256 };

static inline size_t cu_round_up(size_t bytes)
{
    return (bytes + CU_ALIGN - 1) / CU_ALIGN * CU_ALIGN;
}

/* What one call does, in order. Owned by its kernel. */
typedef struct cu_job cu_job;
pln_status cu_job_new(pln_context *ctx, const pnn_call *call, const char *name, pnn_kernel *kernel,
                      cu_job **job) PLN_CHECK;
pln_context *cu_job_context(const cu_job *job);
/* Which implementation; static. */
void cu_job_name(cu_job *job, const char *name);
/* Reserves bytes of the work memory that calls share, at the returned offset. */
size_t cu_job_work(cu_job *job, size_t bytes);
/* Memory of the device that the call keeps. */
pln_status cu_job_keep(cu_job *job, size_t bytes, void **memory) PLN_CHECK;
/* Another launch. patches: offsets within `parameters` of pointers, -1 at the end, that hold an
 * offset into work memory + 1 and become addresses; NULL: none. n = 0: none is made. */
pln_status cu_job_launch(cu_job *job, cu_kernel kernel, const void *parameters, size_t bytes,
                         size_t n, const int *patches) PLN_CHECK;
/* The engine, which the job owns from now on, with memory of its own `work` bytes into the work
 * memory; operands' bits in `patches` (1 x, 2 y, 4 w, 8 work) are offsets + 1. */
pln_status cu_job_engine(cu_job *job, pln_engine *engine, pln_engine_operands operands,
                         unsigned patches) PLN_CHECK;

/* The n values become their means over the group; `later`: they lie in work memory, an offset + 1.
 */
pln_status cu_job_mean(cu_job *job, float *values, size_t n, bool later) PLN_CHECK;

/* Kernels launched so far, which use no work memory, run now and leave the job: what is derived
 * from fixed operands. */
pln_status cu_job_run_now(cu_job *job) PLN_CHECK;

typedef pln_status cu_prepare(cu_job *job, const pnn_call *call);
cu_prepare cu_prepare_conv;      /* CONV, CONV_DATA, CONV_WEIGHT */
cu_prepare cu_prepare_pointwise; /* UNARY, UNARY_GRAD, BINARY, FUSED, FILL, CAST, EXPAND, ASSIGN */
cu_prepare cu_prepare_norm;      /* MOMENTS, NORM, NORM_REDUCE, NORM_GRAD */
cu_prepare cu_prepare_shape;     /* CONCAT, WINDOW, EMBED, RESHAPE, PAD, PAD_GRAD, HAAR.. */
cu_prepare cu_prepare_pool;
cu_prepare cu_prepare_reduce;
cu_prepare cu_prepare_resize;
cu_prepare cu_prepare_matmul; /* MATMUL, GRAM */
cu_prepare cu_prepare_update; /* NOISE, ADAM */
cu_prepare cu_prepare_group;  /* GROUP_MEAN, of devices that are in a group */
cu_prepare cu_prepare_fan_maps;
cu_prepare cu_prepare_fan; /* FAN_ENERGY */
/* Of what no family takes: the back end cpu computes it. */
pln_status cu_prepare_host(pln_context *ctx, const pnn_call *call, pnn_kernel *kernel) PLN_CHECK;

/* ---- Parts that families share ---- */

/* A view as kernels have it. */
static inline cu_view cu_view_from(pnn_view v)
{
    return (cu_view){v.data, {v.step[0], v.step[1], v.step[2], v.step[3]}, v.type == PNN_BF16};
}
static inline cu_view cu_view_of(const pnn_tensor *t) { return cu_view_from(pnn_view_of(t)); }
static inline cu_view cu_view_as(const pnn_tensor *t, const size_t d[4])
{
    return cu_view_from(pnn_view_as(t, d));
}

static inline size_t cu_count(const size_t d[4]) { return d[0] * d[1] * d[2] * d[3]; }
static inline void cu_copy4(size_t to[4], const size_t from[4])
{
    for (int i = 0; i < 4; i++) to[i] = from[i];
}

/* Registers 0 .. inputs hold the inputs, instruction i writes register inputs + i. */
pln_status cu_launch_program(cu_job *job, const pnn_instr *code, int count, const cu_view *in,
                             int inputs, cu_view out, const size_t d[4],
                             const int *patches) PLN_CHECK;
/* y = x */
pln_status cu_launch_copy(cu_job *job, cu_view x, cu_view y, const size_t d[4]) PLN_CHECK;
/* Folds p's parts into one; p.out and the rest of the chain lie in work memory, and p.x if `later`:
 * an offset + 1. *pairs: where the outs pairs are, likewise. */
pln_status cu_launch_sums(cu_job *job, cu_partial p, bool later, size_t *pairs) PLN_CHECK;
pln_status cu_launch_folds(cu_job *job, bool maximum, size_t from, size_t outs, size_t parts,
                           size_t *pairs) PLN_CHECK;
/* How many indices a box is dealt out to. */
size_t cu_parts(size_t outs, size_t count);

/* An offset + 1 in place of an address. */
static inline void *cu_later(size_t offset_1) { return (void *)(uintptr_t)offset_1; }

#endif
