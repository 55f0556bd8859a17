/* SPDX-License-Identifier: MIT */
/* What a module uses of core, as core declares it: calls of the library that loaded the module. */
#include <string.h>

#include "device/cuda/module.h"

static const cu_services *library;

void cu_services_begin(const cu_services *services) { library = services; }

pln_status pln_fail(pln_context *ctx, pln_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    library->vfail(ctx, status, format, args);
    va_end(args);
    return status;
}

pln_status pln_alloc(pln_context *ctx, size_t count, size_t size, void *ptr)
{
    return library->alloc(ctx, count, size, ptr);
}

pln_status pln_calloc(pln_context *ctx, size_t count, size_t size, void *ptr)
{
    void *block;
    pln_status s = pln_alloc(ctx, count, size, ptr);
    if (s) return s;
    memcpy(&block, ptr, sizeof block);
    memset(block, 0, count * size);
    return PLN_OK;
}

void pln_free(void *ptr) { library->free(ptr); }

void pln_format_bytes(uint64_t bytes, char text[32]) { library->format_bytes(bytes, text); }
