/* SPDX-License-Identifier: MIT */
/* The context's insides: for this room only. */
#ifndef PLN_CORE_INTERNAL_H
#define PLN_CORE_INTERNAL_H

#include "core/core.h"

#define PLN_MESSAGE_SIZE 1024
#define PLN_MAX_THREADS  256

/* Where memory comes from and how much is out. Shared by a context and every block it gave out, so
 * that images may outlive their context; freed with the last of them. */
struct pln_heap {
    atomic_size_t references, bytes, peak;
    pln_alloc_fn alloc;
    pln_free_fn free;
    void *user;
};

struct pln_context {
    struct pln_heap *heap;
    int threads, default_threads;
    uint64_t seed, memory;
    pln_isa isa, default_isa;
    int device, default_device; /* pln_parse_device */
    char device_text[16];
    pln_progress_fn progress;
    void *progress_user;
    pln_log_fn log;
    void *log_user;
    struct pln_pool *pool;      /* its threads begin when a loop first wants them */
    bool in_loop;               /* a parallel loop of this context is running */
    const pln_method **methods; /* registered by the user */
    size_t method_count;
    struct {
        void *value;
        void (*release)(void *value);
    } kept[PLN_KEPT_COUNT];
    /* Progress of the running call. */
    double window_from, window_to, fraction;
    const char *stage;
    uint64_t polled; /* monotonic nanoseconds of the last callback */
    bool cancelled;
    char message[PLN_MESSAGE_SIZE];
};

/* Calls back if it is time to (or `force`); sets and returns ctx->cancelled. Calling thread only.
 * `loop` is how far the running loop is: it stands for the whole call until the method itself names
 * a stage. */
bool pln_poll(pln_context *ctx, double loop, bool force);

#endif
