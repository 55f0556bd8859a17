/* SPDX-License-Identifier: MIT */
/* Element-wise programs over views: what pointwise operations, normalisation and every copy are
 * made of. Runs on blocks that stay in the first-level cache. */
#ifndef PLN_NN_BACKENDS_CPU_POINTWISE_H
#define PLN_NN_BACKENDS_CPU_POINTWISE_H

#include "nn/backends/cpu/cpu.h"
#include "nn/backends/cpu/pointwise_kernels.h"

typedef struct pnn_pointwise {
    const pointwise_kernels *kernels;
    int inputs, steps;
    int slots; /* blocks of work memory a thread */
    struct pnn_pointwise_step {
        pnn_map *map;
        int a, b; /* registers: inputs, then results of steps */
        int slot;
        float p, q;
    } step[PNN_PROGRAM_MAX];
} pnn_pointwise;

/* count = 0: a copy of the input. */
void pnn_pointwise_compile(pln_context *ctx, const pnn_instr *code, int count, int inputs,
                           pnn_pointwise *program);
/* Bytes of work memory. */
size_t pnn_pointwise_bytes(const pln_context *ctx, const pnn_pointwise *program);
/* out may be one of the inputs (same memory, same steps). */
pln_status pnn_pointwise_run(pln_context *ctx, const pnn_pointwise *program, const size_t d[4],
                             const pnn_view *in, pnn_view out, void *work) PLN_CHECK;
/* y = x; x and y lie apart. */
pln_status pnn_copy(pln_context *ctx, const size_t d[4], pnn_view x, pnn_view y,
                    void *work) PLN_CHECK;
size_t pnn_copy_bytes(const pln_context *ctx);

#endif
