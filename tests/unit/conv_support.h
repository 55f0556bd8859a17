/* SPDX-License-Identifier: MIT */
/* What the tests of convolutions share. */
#ifndef PLN_TESTS_UNIT_CONV_SUPPORT_H
#define PLN_TESTS_UNIT_CONV_SUPPORT_H

#include "../support.h"
#include "core/core.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A buffer of n floats in (-1, 1), `stream` tells buffers apart. */
static inline float *filled(pln_context *ctx, size_t n, uint32_t stream)
{
    float *p = NULL;
    OK(ctx, pln_alloc(ctx, n, sizeof *p, &p));
    for (size_t i = 0; i < n; i++) p[i] = 2 * noise((uint32_t)i, (uint32_t)(i >> 20), stream) - 1;
    return p;
}

static inline double rms(const double *want, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += want[i] * want[i];
    return sqrt(sum / (double)n);
}

/* Contexts of every instruction set that the machine has, for one thread. */
static inline int contexts(pln_context *ctx[3])
{
    int n = 0;
    for (int isa = PLN_ISA_BASELINE; isa <= PLN_ISA_AVX512; isa++) {
        pln_context_options o = {sizeof o, .threads = 1, .isa = pln_isa_name((pln_isa)isa)};
        if ((pln_isa)isa <= pln_isa_machine()) OK(NULL, pln_context_new_with(&o, &ctx[n++]));
    }
    return n;
}

#endif
