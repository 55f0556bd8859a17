/* SPDX-License-Identifier: MIT */
/* Parallel loops. Tasks are handed out in order as threads come free; results depend on indices
 * only. */
#ifdef _OPENMP
#include <omp.h>
#endif

#include "core/internal.h"

static bool nested(void)
{
#ifdef _OPENMP
    return omp_in_parallel();
#else
    return false;
#endif
}

pln_status pln_parallel(pln_context *ctx, size_t n, pln_task *task, void *arg)
{
    int threads = ctx->threads < (int)pln_min(n, PLN_MAX_THREADS)
                      ? ctx->threads
                      : (int)pln_min(n, PLN_MAX_THREADS);
    if (nested()) {
        for (size_t i = 0; i < n; i++) task(arg, i, 0);
        return PLN_OK;
    }
    if (threads <= 1) {
        for (size_t i = 0; i < n && !pln_poll(ctx, (double)i / (double)n, false); i++)
            task(arg, i, 0);
    } else {
        atomic_size_t next;
        atomic_bool stop;
        atomic_init(&next, 0);
        atomic_init(&stop, pln_poll(ctx, 0, false));
#pragma omp parallel num_threads(threads)
        {
#ifdef _OPENMP
            int thread = omp_get_thread_num();
#else
            int thread = 0;
#endif
            for (;;) {
                if (thread == 0 && pln_poll(ctx, (double)atomic_load(&next) / (double)n, false))
                    atomic_store(&stop, true);
                if (atomic_load_explicit(&stop, memory_order_relaxed)) break;
                size_t i = atomic_fetch_add(&next, 1);
                if (i >= n) break;
                task(arg, i, thread);
            }
        }
    }
    if (!ctx->cancelled) return PLN_OK;
    ctx->cancelled = false;
    return pln_fail(ctx, PLN_E_CANCELLED, "cancelled");
}

struct sum {
    pln_sum_task *task;
    void *arg;
    double *partial;
};

static void sum_task(void *arg, size_t index, int thread)
{
    struct sum *p = arg;
    p->partial[index] = p->task(p->arg, index, thread);
}

pln_status pln_parallel_sum(pln_context *ctx, size_t n, pln_sum_task *task, void *arg, double *sum)
{
    enum { FEW = 256 };
    double few[FEW], *many = NULL, total = 0;
    pln_status s = PLN_OK;

    if (n > FEW) PLN_TRY(pln_alloc(ctx, n, sizeof *many, &many));
    struct sum p = {.task = task, .arg = arg, .partial = many ? many : few};
    PLN_TRY(pln_parallel(ctx, n, sum_task, &p));
    for (size_t i = 0; i < n; i++) total += p.partial[i];
    *sum = total;
done:
    pln_free(many);
    return s;
}
