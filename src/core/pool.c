/* SPDX-License-Identifier: MIT */
/* Worker threads of a context. Our own rather than OpenMP's, whose loops end only when every thread
 * has been given a processor: solvers run thousands of short loops, and on a machine with other
 * work each of them could cost a slice of the scheduler's time. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "core/internal.h"
#include "core/pool.h"

/* Looks at a change this often before it sleeps: loops that follow each other find the workers
 * awake. About 20 us. */
enum { SPINS = 600 };

struct worker {
    struct pln_pool *pool;
    pthread_t thread;
};

struct pln_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle; /* to workers: there is a loop; to the caller: nobody is in it */
    atomic_uint
        loop; /* number of the loop; changed under the lock, read without by spinning workers */
    atomic_int active; /* workers in the loop; changed under the lock */
    int seats, taken;  /* workers that may join the loop, that have */
    void (*body)(void *arg, int thread);
    void *arg;
    bool quit;
    int count;
    struct worker workers[PLN_MAX_THREADS];
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pln_pool *p = w->pool;
    unsigned seen = 0;

    pthread_mutex_lock(&p->lock);
    while (!p->quit) {
        if (atomic_load(&p->loop) != seen) {
            seen = atomic_load(&p->loop);
            if (p->taken < p->seats) {
                int thread = ++p->taken;
                atomic_fetch_add(&p->active, 1);
                void (*body)(void *, int) = p->body;
                void *body_arg = p->arg;
                pthread_mutex_unlock(&p->lock);
                body(body_arg, thread);
                pthread_mutex_lock(&p->lock);
                if (atomic_fetch_sub(&p->active, 1) == 1) pthread_cond_signal(&p->idle);
                continue;
            }
        }
        pthread_mutex_unlock(&p->lock);
        for (int i = 0; i < SPINS && atomic_load_explicit(&p->loop, memory_order_relaxed) == seen;
             i++)
            relax();
        pthread_mutex_lock(&p->lock);
        if (!p->quit && atomic_load(&p->loop) == seen) pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

size_t pln_pool_size(void) { return sizeof(struct pln_pool); }

void pln_pool_init(struct pln_pool *p)
{
    memset(p, 0, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
}

void pln_pool_end(struct pln_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->count; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->idle);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
}

/* Up to n workers; fewer if the system refuses more. They take no signals: those are the program's.
 */
static void hire(struct pln_pool *p, int n)
{
    sigset_t all, old;
    if (p->count >= n) return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (p->count < n) {
        struct worker *w = &p->workers[p->count];
        w->pool = p;
        if (pthread_create(&w->thread, NULL, work, w)) break;
        p->count++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void pln_pool_run(struct pln_pool *p, int threads, void (*body)(void *arg, int thread), void *arg)
{
    hire(p, threads - 1);
    pthread_mutex_lock(&p->lock);
    p->body = body;
    p->arg = arg;
    p->seats = threads - 1;
    p->taken = 0;
    atomic_fetch_add(&p->loop, 1);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);

    body(arg, 0);

    pthread_mutex_lock(&p->lock);
    p->seats = 0; /* too late to join */
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < SPINS && atomic_load(&p->active) > 0; i++) relax();
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->active) > 0) pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
