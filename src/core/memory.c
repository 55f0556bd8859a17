/* SPDX-License-Identifier: MIT */
/* Memory: every block carries its heap and size in the 64 bytes before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

#define HEADER 64

struct header {
    struct pln_heap *heap;
    size_t size; /* with the header */
};

bool pln_mul(size_t a, size_t b, size_t *product) { return !__builtin_mul_overflow(a, b, product); }

pln_status pln_alloc(pln_context *ctx, size_t count, size_t size, void *ptr)
{
    struct pln_heap *heap = ctx->heap;
    void *null = NULL, *block;
    struct header h = {.heap = heap};

    memcpy(ptr, &null, sizeof null);
    if (!pln_mul(count, size, &h.size) || h.size > SIZE_MAX / 2)
        return pln_fail(ctx, PLN_E_LIMIT, "%zu x %zu bytes do not fit the address space", count,
                        size);
    h.size = (h.size + HEADER + 63) / 64 * 64;
    block = heap->alloc(heap->user, h.size, 64);
    if (!block) {
        char text[32];
        pln_format_bytes(h.size, text);
        return pln_fail(ctx, PLN_E_MEMORY, "out of memory: %s could not be had", text);
    }
    memcpy(block, &h, sizeof h);
    atomic_fetch_add(&heap->references, 1);
    size_t held = atomic_fetch_add(&heap->bytes, h.size) + h.size, peak = atomic_load(&heap->peak);
    while (held > peak && !atomic_compare_exchange_weak(&heap->peak, &peak, held)) continue;
    block = (char *)block + HEADER;
    memcpy(ptr, &block, sizeof block);
    return PLN_OK;
}

pln_status pln_calloc(pln_context *ctx, size_t count, size_t size, void *ptr)
{
    pln_status s = pln_alloc(ctx, count, size, ptr);
    if (s) return s;
    void *block;
    memcpy(&block, ptr, sizeof block);
    memset(block, 0, count * size);
    return PLN_OK;
}

pln_status pln_strdup(pln_context *ctx, const char *text, char **copy)
{
    size_t n = strlen(text) + 1;
    pln_status s = pln_alloc(ctx, n, 1, copy);
    if (!s) memcpy(*copy, text, n);
    return s;
}

void pln_free(void *ptr)
{
    if (!ptr) return;
    struct header h;
    void *block = (char *)ptr - HEADER;
    memcpy(&h, block, sizeof h);
    atomic_fetch_sub(&h.heap->bytes, h.size);
    h.heap->free(h.heap->user, block, h.size);
    if (atomic_fetch_sub(&h.heap->references, 1) == 1)
        h.heap->free(h.heap->user, h.heap, sizeof *h.heap);
}

uint64_t pln_context_bytes(const pln_context *ctx) { return atomic_load(&ctx->heap->bytes); }

uint64_t pln_context_peak(const pln_context *ctx) { return atomic_load(&ctx->heap->peak); }

void pln_context_reset_peak(pln_context *ctx)
{
    atomic_store(&ctx->heap->peak, atomic_load(&ctx->heap->bytes));
}

/* ---- Limits ---- */

/* One number of a file such as "MemAvailable:  123 kB" or a cgroup's "123"; 0 if it is not there.
 */
static uint64_t number_in_file(const char *path, const char *key)
{
    char line[256];
    uint64_t value = 0;
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    while (fgets(line, sizeof line, f)) {
        size_t n = strlen(key);
        if (strncmp(line, key, n)) continue;
        value = strtoull(line + n, NULL, 10);
        break;
    }
    fclose(f);
    return value;
}

/* Memory that can be had without swapping: the kernel's estimate, less where a control group says
 * so. */
static uint64_t free_memory(void)
{
    uint64_t free_bytes = number_in_file("/proc/meminfo", "MemAvailable:") * 1024;
    uint64_t max = number_in_file("/sys/fs/cgroup/memory.max", "");
    uint64_t now = number_in_file("/sys/fs/cgroup/memory.current", "");
    if (max && max > now && max - now < free_bytes) free_bytes = max - now;
    return free_bytes ? free_bytes : UINT64_MAX / 2;
}

uint64_t pln_memory_limit(const pln_context *ctx)
{
    if (!ctx->memory) return free_memory() / 5 * 4;
    uint64_t held = pln_context_bytes(ctx);
    return ctx->memory > held ? ctx->memory - held : 0;
}

pln_status pln_reserve(pln_context *ctx, uint64_t bytes, const char *what)
{
    char need[32], have[32];
    uint64_t limit = pln_memory_limit(ctx);
    if (bytes <= limit) return PLN_OK;
    pln_format_bytes(bytes, need);
    pln_format_bytes(limit, have);
    return pln_fail(ctx, PLN_E_LIMIT, "%s needs %s, %s may be used: give more with --memory", what,
                    need, have);
}
