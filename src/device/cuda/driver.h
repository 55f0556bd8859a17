/* SPDX-License-Identifier: MIT */
/* A GPU as a pln_device: memory, one stream, recording, engines of cuDNN, transforms of cuFFT. */
#ifndef PLN_DEVICE_CUDA_DRIVER_H
#define PLN_DEVICE_CUDA_DRIVER_H

#include "device/ops.h"

/* As in cu_module. */
int cu_driver_count(void);
pln_status cu_driver_check(pln_context *ctx, int index) PLN_CHECK;
pln_status cu_driver_open(pln_context *ctx, int index, pln_device **device) PLN_CHECK;

/* loader.c: `file`, from where the system or the toolkit has it, and its functions of these names,
 * to NULL, as pointers in this order. PLN_E_UNSUPPORTED: `what` is not there. library NULL: it
 * stays; else it is the caller's to close, also after an error. */
#define CU_NAME(function)   #function,
#define CU_MEMBER(function) __typeof__(&function) function;
pln_status cu_load(pln_device *d, const char *what, const char *file, const char *const *names,
                   void *functions, void **library) PLN_CHECK;

/* cudnn.c: the library with its handle, loaded when engines are asked for. PLN_E_UNSUPPORTED: it is
 * not there. */
typedef struct cu_cudnn cu_cudnn;
pln_status cu_cudnn_new(pln_device *d, void *stream, cu_cudnn **cudnn) PLN_CHECK;
void cu_cudnn_free(cu_cudnn *cudnn);
pln_status cu_engine_new(pln_device *d, const cu_cudnn *cudnn, const pln_engine_spec *spec,
                         pln_engine **engine, size_t *work_bytes) PLN_CHECK;
pln_status cu_engine_run(pln_device *d, const cu_cudnn *cudnn, const pln_engine *engine,
                         const pln_engine_operands *operands) PLN_CHECK;
void cu_engine_free(pln_engine *engine);

/* cufft.c: a library that is loaded with the first plan. */
typedef struct cu_cufft cu_cufft;
pln_status cu_cufft_new(pln_device *d, cu_cufft **cufft) PLN_CHECK;
void cu_cufft_free(cu_cufft *cufft);
pln_status cu_fourier_new(pln_device *d, const cu_cufft *cufft, void *stream, size_t w, size_t h,
                          size_t planes, pln_fourier **fourier, size_t *work_bytes) PLN_CHECK;
pln_status cu_fourier_run(pln_device *d, const pln_fourier *fourier, bool inverse, void *in,
                          void *out, void *work) PLN_CHECK;
void cu_fourier_free(pln_fourier *fourier);

/* nccl.c: a library that is loaded when a group is asked for. PLN_E_UNSUPPORTED: it is not there.
 */
typedef struct cu_nccl cu_nccl;
/* id NULL: only the library. */
pln_status cu_nccl_id(pln_device *d, unsigned char *id) PLN_CHECK;
pln_status cu_nccl_join(pln_device *d, const unsigned char *id, size_t rank, size_t world,
                        cu_nccl **nccl) PLN_CHECK;
void cu_nccl_free(cu_nccl *nccl);
pln_status cu_nccl_mean(pln_device *d, const cu_nccl *nccl, float *values, size_t n,
                        void *stream) PLN_CHECK;

#endif
