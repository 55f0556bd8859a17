/* SPDX-License-Identifier: MIT */
/* Inside onnx: what the rules of the operations (rules.c) write nodes with. Values are names; a
 * rule returns the name of its result. The first error stays in the graph. */
#ifndef PLN_NN_ONNX_WRITER_H
#define PLN_NN_ONNX_WRITER_H

#include "nn/graph.h"
#include "nn/onnx.h"
#include "nn/onnx/protobuf.h"

/* Field numbers and codes of onnx.proto. */
enum {
    ONNX_MODEL_GRAPH = 7,
    ONNX_GRAPH_INITIALIZER = 5,
    ONNX_TENSOR_DIMS = 1,
    ONNX_TENSOR_TYPE = 2,
    ONNX_TENSOR_NAME = 8,
    ONNX_TENSOR_RAW = 9,
    ONNX_FLOAT = 1,
    ONNX_INT64 = 7,
    ONNX_FLOAT16 = 10,
    ONNX_BFLOAT16 = 16
};

/* A parameter or constant in the file. */
struct onnx_leaf {
    const char *name; /* widened; NULL: not written */
    size_t rank;      /* 1: a vector; 4: in the order of memory */
};

struct onnx {
    pnn_graph *g; /* a copy: names and sizes are added to it */
    const pnn_store *store;
    const pnn_onnx_options *options;
    struct pnn_proto out;
    const char **values; /* of a node, N x C x H x W; NULL: not written */
    struct onnx_leaf *leaves;
    const char **sizes; /* of a dimension, one int64 */
    size_t size_count, size_room;
    int node, part; /* the rule at work, names it has given */
};

/* ---- Nodes ---- */

struct onnx_attr {
    const char *name;
    enum { ONNX_END, ONNX_REAL, ONNX_INT, ONNX_TEXT, ONNX_INTS } kind;
    double real;
    long integer;
    const char *text;
    const long *integers;
    size_t count;
};
#define ONNX_ATTR_REAL(name_, v)                                                                   \
    {                                                                                              \
        .name = name_, .kind = ONNX_REAL, .real = v                                                \
    }
#define ONNX_ATTR_INT(name_, v)                                                                    \
    {                                                                                              \
        .name = name_, .kind = ONNX_INT, .integer = v                                              \
    }
#define ONNX_ATTR_TEXT(name_, v)                                                                   \
    {                                                                                              \
        .name = name_, .kind = ONNX_TEXT, .text = v                                                \
    }
#define ONNX_ATTR_INTS(name_, v, n)                                                                \
    {                                                                                              \
        .name = name_, .kind = ONNX_INTS, .integers = v, .count = n                                \
    }
/* Inputs of a node ("": an optional one that is absent), its attributes. */
#define ONNX_IN(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define ONNX_ATTR(...) ((const struct onnx_attr[]){__VA_ARGS__, {.kind = ONNX_END}})

const char *onnx_node(struct onnx *o, const char *type, const char *const *in,
                      const struct onnx_attr *attr);
/* The same with a result called `name`. */
void onnx_node_named(struct onnx *o, const char *type, const char *const *in,
                     const struct onnx_attr *attr, const char *name);

/* ---- Constants ---- */

const char *onnx_real(struct onnx *o, double value); /* no dimension */
const char *onnx_ints(struct onnx *o, const long *values, size_t count);
const char *onnx_reals(struct onnx *o, const float *values, const long *dims, size_t rank);

/* ---- Operands ---- */

/* N x C x H x W. */
const char *onnx_value(struct onnx *o, pnn_node x);
/* Of 1 x 1 x 1 x C: one dimension. */
const char *onnx_vector(struct onnx *o, pnn_node x);
/* In the order of memory, as weights of convolutions lie: O x I x KH x KW. */
const char *onnx_kernel(struct onnx *o, pnn_node x);

/* ---- Sizes: numbers, or values of one int64 where they are open ---- */

struct onnx_size {
    long known; /* name == NULL */
    const char *name;
};
struct onnx_size onnx_dim(struct onnx *o, pnn_dim d);
struct onnx_size onnx_known(long value);
/* fn: Add, Sub, Mul or Div. */
struct onnx_size onnx_size_of(struct onnx *o, const char *fn, struct onnx_size a,
                              struct onnx_size b);
/* As a value with one element. */
const char *onnx_size_value(struct onnx *o, struct onnx_size a);
/* A vector of them. */
const char *onnx_sizes(struct onnx *o, const struct onnx_size *sizes, size_t count);
/* N, C, H, W. */
const char *onnx_shape(struct onnx *o, pnn_shape s);

/* Axis of ours in N C H W. */
long onnx_axis(pnn_axis axis);
pnn_axis onnx_axis_at(int place);

/* Writes one operation; NULL in the table: none. */
typedef const char *onnx_rule(struct onnx *o, const pnn_vertex *v);
onnx_rule *onnx_rule_of(pnn_op op);
/* NORM with stored statistics: two vectors, kept as a CONCAT that no other node needs written. */
bool onnx_stored_moments(const pnn_graph *g, const pnn_vertex *norm, pnn_node *mean,
                         pnn_node *variance);

#endif
