/* SPDX-License-Identifier: MIT */
/* core: context, errors, allocation, parallel loops, random numbers, CPU features. Every room may
 * use it. */
#ifndef PLN_CORE_CORE_H
#define PLN_CORE_CORE_H

#include <stdarg.h>
#include <stdatomic.h>

#include "planish/planish.h"

/* ---- Errors: said where they arise, passed everywhere else ---- */

/* Leaves the message in ctx (NULL is fine) and returns `status`. One line, no full stop: what,
 * where, what would be right. */
pln_status pln_fail(pln_context *ctx, pln_status status, const char *format, ...) PLN_PRINTF(3, 4);
pln_status pln_vfail(pln_context *ctx, pln_status status, const char *format, va_list args);
/* Empties the message: every public function that can fail starts with it. */
void pln_clear(pln_context *ctx);
/* Warnings and details for the log callback, if there is one. */
void pln_log(pln_context *ctx, int level, const char *format, ...) PLN_PRINTF(3, 4);

/* The only control macro: needs `pln_status s` and a label `done` in the function. */
#define PLN_TRY(call)                                                                              \
    do {                                                                                           \
        if ((s = (call)) != PLN_OK) goto done;                                                     \
    } while (0)

/* ---- Memory: aligned to 64 bytes, counted, may be the user's ---- */

/* count x size bytes, uninitialised, product checked; *ptr is set to NULL on failure. 0 bytes give
 * a valid pointer. ptr is the address of a pointer of any type. */
pln_status pln_alloc(pln_context *ctx, size_t count, size_t size, void *ptr) PLN_CHECK;
/* The same, zero-filled. */
pln_status pln_calloc(pln_context *ctx, size_t count, size_t size, void *ptr) PLN_CHECK;
pln_status pln_strdup(pln_context *ctx, const char *text, char **copy) PLN_CHECK;
/* NULL is fine. Needs no context: every block knows where it came from, and may outlive the
 * context. */
void pln_free(void *ptr);
/* PLN_E_LIMIT with the figures if `bytes` more would pass the context's memory limit. `what` starts
 * the message. */
pln_status pln_reserve(pln_context *ctx, uint64_t bytes, const char *what) PLN_CHECK;
/* Bytes that may still be taken: the limit, or 80 % of free memory, less what is held. */
uint64_t pln_memory_limit(const pln_context *ctx);
/* a * b, false on overflow. */
bool pln_mul(size_t a, size_t b, size_t *product);

/* ---- Parallel loops ---- */

/* One piece of work: index in [0, n), thread in [0, pln_context_threads). Must not fail: allocate
 * before. */
typedef void pln_task(void *arg, size_t index, int thread);
/* Runs every index once on the context's threads; which thread takes which index is not fixed, so a
 * task's result may depend on its index only. Thread 0 is the caller and polls the progress
 * callback between tasks: keep one task below ~20 ms. Returns PLN_E_CANCELLED when the callback
 * said so (the rest of the tasks is skipped). Nested calls run in the caller's thread with thread =
 * 0: don't. */
pln_status pln_parallel(pln_context *ctx, size_t n, pln_task *task, void *arg) PLN_CHECK;
/* Tells the callback where the whole call is. Between parallel loops, from the calling thread. A
 * method of a single loop needs none: the loop reports itself. `stage`: a string literal. */
pln_status pln_progress(pln_context *ctx, double fraction, const char *stage) PLN_CHECK;
/* From now on loops and pln_progress report in [from, to] of the whole; nests nothing: the caller
 * restores (0, 1). */
void pln_progress_window(pln_context *ctx, double from, double to);

/* Sum of task results in index order: the same bytes for any number of threads. */
typedef double pln_sum_task(void *arg, size_t index, int thread);
pln_status pln_parallel_sum(pln_context *ctx, size_t n, pln_sum_task *task, void *arg,
                            double *sum) PLN_CHECK;

/* ---- Random numbers: value = f(seed, stream, index), so order and threads do not matter (Philox
 * 4x32-10) ---- */

void pln_random4(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);
/* In [0, 1), 53 bits. */
double pln_random(uint64_t seed, uint64_t stream, uint64_t index);
/* Standard normal (Box-Muller on one block). */
double pln_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

/* ---- CPU features ---- */

typedef enum pln_isa { PLN_ISA_BASELINE, PLN_ISA_AVX2, PLN_ISA_AVX512, PLN_ISA_AMX } pln_isa;
/* The best this machine has. */
pln_isa pln_isa_machine(void);
/* The level in force for this context. */
pln_isa pln_isa_of(const pln_context *ctx);
const char *pln_isa_name(pln_isa isa);

/* Kernel files (`kernel_sources` in meson.build) are compiled once for each ISA: baseline, avx2 (+
 * fma), avx512. In such a file PLN_KERNELS(name) is the name of this ISA's table; elsewhere
 * PLN_KERNELS_DECLARE(type, name) declares the three and PLN_KERNELS_PICK(ctx, name) takes the one
 * in force. The baseline compilation is the C twin that the tests compare the others with. */
#define PLN_KERNELS_PASTE_(name, isa) name##_##isa
#define PLN_KERNELS_PASTE(name, isa)  PLN_KERNELS_PASTE_(name, isa)
#ifdef PLN_KERNEL_ISA
#define PLN_KERNELS(name) PLN_KERNELS_PASTE(name, PLN_KERNEL_ISA)
#endif
#ifdef PLN_MULTI_ISA
#define PLN_KERNELS_DECLARE(type, name)                                                            \
    extern const type name##_baseline, name##_avx2, name##_avx512
#define PLN_KERNELS_PICK(ctx, name)                                                                \
    (pln_isa_of(ctx) >= PLN_ISA_AVX512 ? &name##_avx512                                            \
     : pln_isa_of(ctx) >= PLN_ISA_AVX2 ? &name##_avx2                                              \
                                       : &name##_baseline)
#else
#define PLN_KERNELS_DECLARE(type, name) extern const type name##_baseline
#define PLN_KERNELS_PICK(ctx, name)     ((void)(ctx), &name##_baseline)
#endif

/* ---- Methods registered with a context: kept here, judged by operators/method.c ---- */

/* The i-th; NULL past the end, or without a context. */
const pln_method *pln_context_method(const pln_context *ctx, size_t i);
pln_status pln_context_add_method(pln_context *ctx, const pln_method *method) PLN_CHECK;

/* ---- Where networks run ---- */

enum { PLN_DEVICE_AUTO = -2, PLN_DEVICE_CPU = -1 };
/* "auto", "cpu", "cuda" (the first GPU), "cuda:N": one of the above, or the index of a GPU. */
bool pln_parse_device(const char *text, int *device);
/* The context's. */
int pln_device_of(const pln_context *ctx);

/* ---- What rooms keep between calls: one value a context each ---- */

/* A later one may use an earlier one, and is released before it. */
typedef enum pln_kept { PLN_KEPT_DEVICE, PLN_KEPT_SESSION, PLN_KEPT_COUNT } pln_kept;
/* NULL: nothing kept. */
void *pln_context_kept(const pln_context *ctx, pln_kept which);
/* Releases what was kept before, and all later ones; `release` is called with the value at the next
 * one, at another device, or with the context. */
void pln_context_keep(pln_context *ctx, pln_kept which, void *value, void (*release)(void *value));

/* Before a loop of a kernel: its iterations are independent, whatever the compiler can prove about
 * the pointers (more streams than its alias checks allow). */
#ifdef __clang__
#define PLN_VECTORISE _Pragma("clang loop vectorize(assume_safety)")
#else
#define PLN_VECTORISE _Pragma("GCC ivdep")
#endif

/* ---- Strings ---- */

/* A real in the C locale whatever the process's: "0.1", "1e-3", "10/255"; the whole text must be
 * used. */
bool pln_parse_real(const char *text, double *value);
bool pln_parse_int(const char *text, long long *value);
/* "512M", "4G", "1.5GiB", plain bytes. */
bool pln_parse_size(const char *text, uint64_t *bytes);
/* Shortest text that pln_parse_real reads back as the same double; C locale. */
void pln_format_real(double value, char text[32]);
/* "1.5 GB": three significant digits, powers of 1000. */
void pln_format_bytes(uint64_t bytes, char text[32]);
/* The candidate (NULL-terminated list) nearest to `word` by edit distance, or NULL if none is near
 * enough to suggest. */
const char *pln_nearest(const char *word, const char *const *candidates);

/* ---- Whole files ---- */

/* Writes bytes under a temporary name in the target's folder, fsync, rename. "-" writes standard
 * output. */
pln_status pln_file_write(pln_context *ctx, const char *path, const void *bytes,
                          size_t length) PLN_CHECK;
/* Reads a whole file or "-". Refuses more than `limit` bytes. *bytes to be freed by pln_free. */
pln_status pln_file_read(pln_context *ctx, const char *path, size_t limit, void **bytes,
                         size_t *length) PLN_CHECK;

/* ---- Small helpers ---- */

static inline size_t pln_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t pln_max(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t pln_div_up(size_t a, size_t b) { return (a + b - 1) / b; }
/* Row y of a view. */
static inline float *pln_row(const pln_view *v, size_t y)
{
    return v->data + (ptrdiff_t)y * v->stride;
}

#endif
