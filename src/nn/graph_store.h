/* SPDX-License-Identifier: MIT */
/* The graph's own memory: only graph.c, dim.c, dump.c and onnx/ look inside. */
#ifndef PLN_NN_GRAPH_STORE_H
#define PLN_NN_GRAPH_STORE_H

#include "nn/graph.h"

typedef enum pnn_dim_op {
    PNN_DIM_CONST,
    PNN_DIM_SYMBOL, /* k: 0 N, 1 H, 2 W */
    PNN_DIM_ADD,    /* a + k */
    PNN_DIM_MUL,    /* a k */
    PNN_DIM_DIV     /* floor(a / k) */
} pnn_dim_op;
struct pnn_dim_node {
    pnn_dim_op op;
    int a;
    long k;
};
struct pnn_named {
    pnn_node node;
    const char *name;
};
struct block;

struct pnn_graph {
    pln_context *ctx;
    pln_status status;
    char message[256];
    bool frozen;
    pnn_group group; /* world 0: alone */
    struct block *blocks;
    pnn_vertex *vertices; /* id - 1; inputs come before their users */
    size_t vertex_count, vertex_room;
    int forward; /* nodes behind this one are gradients and what is made of them; 0: there are none
                  */
    struct pnn_dim_node *dims; /* id - 1 */
    size_t dim_count, dim_room;
    struct pnn_named *outputs;
    size_t output_count, output_room;
    pnn_node *effects;
    size_t effect_count, effect_room;
};

/* array: address of a pointer of the graph. */
bool pnn_grow(pnn_graph *g, void *array, size_t *room, size_t used, size_t size);
/* needed[0 .. count]: what outputs and effects depend on. */
void pnn_mark_needed(const pnn_graph *g, bool *needed);

#endif
