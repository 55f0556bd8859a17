/* SPDX-License-Identifier: MIT */
/* planish_cuda.so, as the library that loads it sees it. The module links nothing of planish: what
 * it uses of it is handed over. */
#ifndef PLN_DEVICE_CUDA_MODULE_H
#define PLN_DEVICE_CUDA_MODULE_H

#include "device/kernels/list.h"
#include "device/ops.h"

#define CU_MODULE_FILE    "planish_cuda.so"
#define CU_MODULE_SYMBOL  "pln_cuda_module"
#define CU_MODULE_VERSION 5 /* of this header and of device/ops.h */

/* Bytes of the parameters of all kernels, and how many they are: library and module must agree on
 * more than a number that people keep. */
#define CU_MODULE_ADD(name, parameters) +sizeof(parameters)
#define CU_MODULE_PARAMETERS            ((CU_KERNELS(CU_MODULE_ADD)) * 1000 + CU_KERNEL_COUNT)

/* Of core: pln_vfail, pln_alloc, pln_free, pln_format_bytes. */
typedef struct cu_services {
    pln_status (*vfail)(pln_context *ctx, pln_status status, const char *format, va_list args);
    pln_status (*alloc)(pln_context *ctx, size_t count, size_t size, void *ptr);
    void (*free)(void *ptr);
    void (*format_bytes)(uint64_t bytes, char text[32]);
} cu_services;

typedef struct cu_module {
    int version;
    size_t parameters;
    /* Before anything else. */
    void (*begin)(const cu_services *services);
    /* GPUs that can be used now. */
    int (*count)(void);
    /* PLN_E_DEVICE: no driver, an old one, or no such GPU. */
    pln_status (*check)(pln_context *ctx, int index);
    pln_status (*open)(pln_context *ctx, int index, pln_device **device);
} cu_module;

/* services.c: core's functions, of the same names, within a module. */
void cu_services_begin(const cu_services *services);

#endif
