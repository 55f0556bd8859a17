/* SPDX-License-Identifier: MIT */
/* Views of tensors, of all back ends. */
#ifndef PLN_NN_BACKENDS_VIEW_H
#define PLN_NN_BACKENDS_VIEW_H

#include "nn/backends/backend.h"

/* A tensor with any step along each dimension; 0 repeats. */
typedef struct pnn_view {
    void *data;
    pnn_type type;
    size_t step[4];
} pnn_view;

/* t as it lies in memory. */
static inline pnn_view pnn_view_of(const pnn_tensor *t)
{
    size_t w = t->stride, h = t->d[2] * w, n = t->d[1] * h;
    return (pnn_view){t->data, t->type, {n, h, w, 1}};
}

/* t repeated to the sizes d along its dimensions of size 1. */
static inline pnn_view pnn_view_as(const pnn_tensor *t, const size_t d[4])
{
    pnn_view v = pnn_view_of(t);
    for (int i = 0; i < 4; i++)
        if (t->d[i] != d[i]) v.step[i] = 0;
    return v;
}

/* v from element `offset` on. */
static inline pnn_view pnn_view_at(pnn_view v, size_t offset)
{
    size_t size = v.type == PNN_BF16 ? sizeof(uint16_t) : sizeof(float);
    v.data = (char *)v.data + offset * size;
    return v;
}

/* Merges neighbouring ones of the dimensions d where all n operands step evenly, so that a dense
 * tensor is one long row; sizes of 1 come first. step[j]: the steps of operand j, changed alike. */
void pnn_merge_steps(size_t d[4], size_t *const step[], int n);

#endif
