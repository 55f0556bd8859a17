/* SPDX-License-Identifier: MIT */
/* The context's worker threads: for this room only. */
#ifndef PLN_CORE_POOL_H
#define PLN_CORE_POOL_H

#include "core/core.h"

/* Workers are made when a loop first wants them and end with the pool. A loop never waits for a
 * worker that has not taken a task: on a busy machine the caller simply does more of them itself.
 */
struct pln_pool;

/* A pool lives in memory of its owner. */
size_t pln_pool_size(void);
void pln_pool_init(struct pln_pool *pool);
/* Ends the workers. */
void pln_pool_end(struct pln_pool *pool);
/* Runs body(arg, thread) in the caller as thread 0 and in up to threads - 1 workers, numbered from
 * 1; returns when all that began have returned. `body` takes pieces of work until there are none.
 */
void pln_pool_run(struct pln_pool *pool, int threads, void (*body)(void *arg, int thread),
                  void *arg);

#endif
