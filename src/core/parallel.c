/* SPDX-License-Identifier: MIT */
/* Parallel loops. Tasks are handed out in order as threads come free; results depend on indices
 * only. */
#include "core/internal.h"
#include "core/pool.h"

struct loop {
    pln_context *ctx;
    pln_task *task;
    void *arg;
    size_t n;
    atomic_size_t next;
    atomic_bool stop;
};

static void run_tasks(void *arg, int thread)
{
    struct loop *l = arg;
    while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        size_t i = atomic_fetch_add(&l->next, 1);
        if (i >= l->n) break;
        /* Thread 0 is the caller's: callbacks belong to it. */
        if (thread == 0 && pln_poll(l->ctx, (double)i / (double)l->n, false)) {
            atomic_store(&l->stop, true);
            break;
        }
        l->task(l->arg, i, thread);
    }
}

pln_status pln_parallel(pln_context *ctx, size_t n, pln_task *task, void *arg)
{
    int threads = (int)pln_min(n, (size_t)ctx->threads);

    if (ctx->in_loop) { /* nested: in the task's own thread */
        for (size_t i = 0; i < n; i++) task(arg, i, 0);
        return PLN_OK;
    }
    struct loop l = {.ctx = ctx, .task = task, .arg = arg, .n = n};
    ctx->in_loop = true;
    if (threads > 1)
        pln_pool_run(ctx->pool, threads, run_tasks, &l);
    else
        run_tasks(&l, 0);
    ctx->in_loop = false;
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
