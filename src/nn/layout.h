/* SPDX-License-Identifier: MIT */
/* Where values lie: views, values made in place, parts made where the whole will be, and offsets in
 * one arena by lifetimes. */
#ifndef PLN_NN_LAYOUT_H
#define PLN_NN_LAYOUT_H

#include "nn/backends/backend.h"

/* A node's value: in the memory of node `root`, `offset` elements from its start. */
typedef struct pnn_place {
    int root;
    size_t offset;
    pnn_tensor tensor; /* sizes, stride, type; data not set */
    bool view;         /* nothing to run */
} pnn_place;

/* The memory of a root in the arena. */
typedef struct pnn_extent {
    size_t bytes, at;
    int first, last; /* steps that need it; last < first: not in the arena */
} pnn_extent;

typedef struct pnn_layout {
    int steps;
    int *order;          /* nodes to run, `steps` of them */
    pnn_place *places;   /* of each node; [0] unused */
    pnn_extent *extents; /* of each node that is a root of the arena */
    size_t arena_bytes;
} pnn_layout;

/* PLN_E_SHAPE where the graph does not fit the size. plain: every value in memory of its own. */
pln_status pnn_layout_make(pln_context *ctx, const pnn_graph *g, pnn_size size, bool plain,
                           pnn_layout *layout) PLN_CHECK;
void pnn_layout_free(pnn_layout *layout);

#endif
