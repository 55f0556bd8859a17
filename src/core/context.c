/* SPDX-License-Identifier: MIT */
/* The context: options, messages, progress. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/internal.h"
#include "core/pool.h"

#define CONTEXT_SIZE ((sizeof(pln_context) + 63) / 64 * 64)
#define POLL_NS      20000000u /* 20 ms between progress callbacks */

const char *pln_version(void) { return "0.1.0"; }

const char *pln_status_name(pln_status s)
{
    static const char *const names[] = {
        [PLN_OK] = "ok",
        [PLN_E_ARG] = "argument",
        [PLN_E_RANGE] = "range",
        [PLN_E_SHAPE] = "shape",
        [PLN_E_FORMAT] = "format",
        [PLN_E_READ] = "read",
        [PLN_E_WRITE] = "write",
        [PLN_E_MEMORY] = "memory",
        [PLN_E_LIMIT] = "limit",
        [PLN_E_UNSUPPORTED] = "unsupported",
        [PLN_E_DEVICE] = "device",
        [PLN_E_MODEL] = "model",
        [PLN_E_CANCELLED] = "cancelled",
        [PLN_E_INTERNAL] = "internal",
    };
    return (unsigned)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

/* Processors this process may run on. */
static int available_processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > PLN_MAX_THREADS ? PLN_MAX_THREADS : n;
}

/* PLANISH_THREADS, else the processors; OMP_NUM_THREADS is an upper bound of both. */
static pln_status default_threads(pln_context *ctx, int *threads)
{
    long long n = available_processors(), bound;
    const char *text = getenv("PLANISH_THREADS");
    if (text && *text && (!pln_parse_int(text, &n) || n < 1 || n > PLN_MAX_THREADS))
        return pln_fail(ctx, PLN_E_ARG,
                        "PLANISH_THREADS: '%s' is not a number of threads in [1, %d]", text,
                        PLN_MAX_THREADS);
    const char *omp = getenv("OMP_NUM_THREADS");
    if (omp && pln_parse_int(omp, &bound) && bound >= 1 && bound < n) n = bound;
    *threads = (int)n;
    return PLN_OK;
}

static pln_status parse_isa(pln_context *ctx, const char *where, const char *text, pln_isa *isa)
{
    for (int i = PLN_ISA_BASELINE; i <= PLN_ISA_AMX; i++) {
        if (strcmp(text, pln_isa_name((pln_isa)i))) continue;
        if ((pln_isa)i > pln_isa_machine())
            return pln_fail(ctx, PLN_E_UNSUPPORTED,
                            "%s: this machine has no %s: the best here is %s", where, text,
                            pln_isa_name(pln_isa_machine()));
        *isa = (pln_isa)i;
        return PLN_OK;
    }
    return pln_fail(ctx, PLN_E_ARG,
                    "%s: unknown instruction set '%s': expected baseline, avx2, avx512 or amx",
                    where, text);
}

bool pln_parse_device(const char *text, int *device)
{
    long long index = 0;
    *device = !strcmp(text, "cpu") ? PLN_DEVICE_CPU : PLN_DEVICE_AUTO;
    if (!strcmp(text, "auto") || !strcmp(text, "cpu")) return true;
    if (strncmp(text, "cuda", 4)) return false;
    if (text[4] && (text[4] != ':' || text[5] < '0' || text[5] > '9' ||
                    !pln_parse_int(text + 5, &index) || index > 255))
        return false;
    *device = (int)index;
    return true;
}

static pln_status parse_device(pln_context *ctx, const char *where, const char *text, int *device)
{
    if (pln_parse_device(text, device)) return PLN_OK;
    return pln_fail(ctx, PLN_E_ARG, "%s: unknown device '%s': expected auto, cpu, cuda or cuda:N",
                    where, text);
}

static pln_status default_memory(pln_context *ctx, uint64_t *bytes)
{
    const char *text = getenv("PLANISH_MEMORY");
    *bytes = 0;
    if (text && *text && !pln_parse_size(text, bytes))
        return pln_fail(ctx, PLN_E_ARG,
                        "PLANISH_MEMORY: '%s' is not a size: expected for example 512M or 4G",
                        text);
    return PLN_OK;
}

static void *system_alloc(void *user, size_t size, size_t align)
{
    (void)user;
    void *p = NULL;
#ifdef MADV_HUGEPAGE
    /* Large blocks live in huge pages where the system has them: the first touch of fresh memory, 4
     * KiB at a time, takes longer than many a kernel's pass over it. */
    const size_t huge = (size_t)2 << 20;
    if (size >= 2 * huge) {
        if (posix_memalign(&p, huge, size) != 0) return NULL;
        (void)madvise(p, size / huge * huge, MADV_HUGEPAGE);
        return p;
    }
#endif
    return posix_memalign(&p, align, size) == 0 ? p : NULL;
}

static void system_free(void *user, void *ptr, size_t size)
{
    (void)user;
    (void)size;
    free(ptr);
}

/* Why the last context of this process could not be made: the one message that has no context to
 * live in. */
static char orphan_message[PLN_MESSAGE_SIZE];

pln_status pln_context_new(pln_context **ctx) { return pln_context_new_with(NULL, ctx); }

pln_status pln_context_new_with(const pln_context_options *given, pln_context **result)
{
    pln_context_options o = {.size = sizeof o};
    pln_status s = PLN_OK;
    struct pln_heap *heap = NULL;
    pln_context *ctx = NULL;

    if (!result) return pln_fail(NULL, PLN_E_ARG, "pln_context_new: the result pointer is NULL");
    if (given) memcpy(&o, given, given->size < sizeof o ? given->size : sizeof o);
    if (!o.alloc != !o.free)
        return pln_fail(NULL, PLN_E_ARG, "pln_context_new: give both alloc and free, or neither");
    if (!o.alloc) o.alloc = system_alloc, o.free = system_free;

    heap = o.alloc(o.alloc_user, sizeof *heap, 64);
    if (!heap) return pln_fail(NULL, PLN_E_MEMORY, "out of memory: no room for a context");
    memset(heap, 0, sizeof *heap);
    atomic_init(&heap->references, 1);
    heap->alloc = o.alloc;
    heap->free = o.free;
    heap->user = o.alloc_user;
    /* The context and, behind it, its threads. */
    ctx = o.alloc(o.alloc_user, CONTEXT_SIZE + pln_pool_size(), 64);
    if (!ctx) {
        o.free(o.alloc_user, heap, sizeof *heap);
        return pln_fail(NULL, PLN_E_MEMORY, "out of memory: no room for a context");
    }
    memset(ctx, 0, sizeof *ctx);
    ctx->pool = (struct pln_pool *)((char *)ctx + CONTEXT_SIZE);
    pln_pool_init(ctx->pool);
    ctx->heap = heap;
    ctx->seed = o.seed;
    ctx->window_to = 1;

    PLN_TRY(default_threads(ctx, &ctx->default_threads));
    ctx->threads = ctx->default_threads;
    if (o.threads) PLN_TRY(pln_context_set_threads(ctx, o.threads));
    PLN_TRY(default_memory(ctx, &ctx->memory));
    if (o.memory) ctx->memory = o.memory;
    ctx->default_isa = pln_isa_machine();
    const char *isa = getenv("PLANISH_ISA");
    if (isa && *isa) PLN_TRY(parse_isa(ctx, "PLANISH_ISA", isa, &ctx->default_isa));
    ctx->isa = ctx->default_isa;
    if (o.isa) PLN_TRY(pln_context_set_isa(ctx, o.isa));
    const char *device = getenv("PLANISH_DEVICE");
    if (!device || !*device) device = "auto";
    PLN_TRY(parse_device(ctx, "PLANISH_DEVICE", device, &ctx->default_device));
    PLN_TRY(pln_context_set_device(ctx, o.device));
    *result = ctx;
    ctx = NULL;
done:
    if (ctx) pln_fail(NULL, s, "%s", ctx->message);
    pln_context_free(ctx);
    return s;
}

void pln_context_free(pln_context *ctx)
{
    if (!ctx) return;
    struct pln_heap *heap = ctx->heap;
    pln_context_keep(ctx, PLN_KEPT_DEVICE, NULL, NULL);
    pln_pool_end(ctx->pool);
    pln_free(ctx->methods);
    heap->free(heap->user, ctx, CONTEXT_SIZE + pln_pool_size());
    if (atomic_fetch_sub(&heap->references, 1) == 1) heap->free(heap->user, heap, sizeof *heap);
}

void *pln_context_kept(const pln_context *ctx, pln_kept which) { return ctx->kept[which].value; }

void pln_context_keep(pln_context *ctx, pln_kept which, void *value, void (*release)(void *value))
{
    for (int i = PLN_KEPT_COUNT; i-- > (int)which;) {
        if (ctx->kept[i].release) ctx->kept[i].release(ctx->kept[i].value);
        ctx->kept[i].release = NULL;
        ctx->kept[i].value = NULL;
    }
    ctx->kept[which].value = value;
    ctx->kept[which].release = release;
}

/* ---- Messages ---- */

pln_status pln_vfail(pln_context *ctx, pln_status status, const char *format, va_list args)
{
    char *message = ctx ? ctx->message : orphan_message;
    vsnprintf(message, PLN_MESSAGE_SIZE, format, args);
    /* One line: texts of other libraries may hold several. */
    size_t n = strlen(message);
    while (n && (message[n - 1] == '\n' || message[n - 1] == ' ')) message[--n] = 0;
    for (size_t i = 0; i < n; i++)
        if (message[i] == '\n') message[i] = ' ';
    return status;
}

pln_status pln_fail(pln_context *ctx, pln_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pln_vfail(ctx, status, format, args);
    va_end(args);
    return status;
}

void pln_clear(pln_context *ctx)
{
    if (ctx) ctx->message[0] = 0;
}

const char *pln_context_message(const pln_context *ctx)
{
    return ctx ? ctx->message : orphan_message;
}

void pln_log(pln_context *ctx, int level, const char *format, ...)
{
    if (!ctx || !ctx->log) return;
    char text[PLN_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctx->log(ctx->log_user, level, text);
}

/* ---- Options ---- */

void pln_context_on_progress(pln_context *ctx, pln_progress_fn fn, void *user)
{
    ctx->progress = fn;
    ctx->progress_user = user;
}

void pln_context_on_log(pln_context *ctx, pln_log_fn fn, void *user)
{
    ctx->log = fn;
    ctx->log_user = user;
}

pln_status pln_context_set_threads(pln_context *ctx, int n)
{
    pln_clear(ctx);
    if (n < 0 || n > PLN_MAX_THREADS)
        return pln_fail(ctx, PLN_E_RANGE, "%d threads: expected 1 to %d", n, PLN_MAX_THREADS);
    ctx->threads = n ? n : ctx->default_threads;
    return PLN_OK;
}

int pln_context_threads(const pln_context *ctx) { return ctx->threads; }

void pln_context_set_seed(pln_context *ctx, uint64_t seed) { ctx->seed = seed; }

uint64_t pln_context_seed(const pln_context *ctx) { return ctx->seed; }

void pln_context_set_memory(pln_context *ctx, uint64_t bytes) { ctx->memory = bytes; }

pln_status pln_context_set_isa(pln_context *ctx, const char *isa)
{
    pln_clear(ctx);
    if (isa) return parse_isa(ctx, "isa", isa, &ctx->isa);
    ctx->isa = ctx->default_isa;
    return PLN_OK;
}

const char *pln_context_isa(const pln_context *ctx) { return pln_isa_name(ctx->isa); }

pln_isa pln_isa_of(const pln_context *ctx) { return ctx->isa; }

static void name_device(pln_context *ctx)
{
    if (ctx->device >= 0)
        snprintf(ctx->device_text, sizeof ctx->device_text, "cuda:%d", ctx->device);
    else
        strcpy(ctx->device_text, ctx->device == PLN_DEVICE_CPU ? "cpu" : "auto");
}

pln_status pln_context_set_device(pln_context *ctx, const char *text)
{
    int device = ctx->default_device;
    pln_status s = PLN_OK;
    pln_clear(ctx);
    if (text) PLN_TRY(parse_device(ctx, "device", text, &device));
    if (device != ctx->device) pln_context_keep(ctx, PLN_KEPT_DEVICE, NULL, NULL);
    ctx->device = device;
    name_device(ctx);
done:
    return s;
}

const char *pln_context_device(const pln_context *ctx) { return ctx->device_text; }

int pln_device_of(const pln_context *ctx) { return ctx->device; }

/* ---- Registered methods ---- */

const pln_method *pln_context_method(const pln_context *ctx, size_t i)
{
    return ctx && i < ctx->method_count ? ctx->methods[i] : NULL;
}

pln_status pln_context_add_method(pln_context *ctx, const pln_method *method)
{
    const pln_method **grown = NULL;
    pln_status s = pln_alloc(ctx, ctx->method_count + 1, sizeof *grown, &grown);
    if (s) return s;
    if (ctx->method_count) memcpy(grown, ctx->methods, ctx->method_count * sizeof *grown);
    grown[ctx->method_count++] = method;
    pln_free(ctx->methods);
    ctx->methods = grown;
    return PLN_OK;
}

/* ---- Progress ---- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool pln_poll(pln_context *ctx, double loop, bool force)
{
    if (!ctx->progress || ctx->cancelled) return ctx->cancelled;
    uint64_t now = now_ns();
    if (!force && now - ctx->polled < POLL_NS) return false;
    ctx->polled = now;
    double f = ctx->stage ? ctx->fraction : loop;
    f = ctx->window_from + f * (ctx->window_to - ctx->window_from);
    if (ctx->progress(ctx->progress_user, f, ctx->stage ? ctx->stage : "")) ctx->cancelled = true;
    return ctx->cancelled;
}

pln_status pln_progress(pln_context *ctx, double fraction, const char *stage)
{
    bool force = fraction >= 1 || stage != ctx->stage;
    ctx->fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
    ctx->stage = stage;
    if (!pln_poll(ctx, 0, force)) return PLN_OK;
    ctx->cancelled = false;
    return pln_fail(ctx, PLN_E_CANCELLED, "cancelled");
}

void pln_progress_window(pln_context *ctx, double from, double to)
{
    ctx->window_from = from;
    ctx->window_to = to;
    ctx->fraction = 0;
    ctx->stage = NULL;
}
