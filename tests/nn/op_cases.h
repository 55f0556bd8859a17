/* SPDX-License-Identifier: MIT */
/* The table of cases: graphs of one operation or a few. */
#ifndef PLN_TESTS_NN_OP_CASES_H
#define PLN_TESTS_NN_OP_CASES_H

#include "nn/graph.h"

/* What the values of a variable look like: multiples of 1/4096 of at most 16, so that small steps
 * are exact, and away from where the operation has no slope. */
typedef enum op_values {
    OP_ANY,      /* (-1, 1) */
    OP_APART,    /* |x| in [1/8, 1) */
    OP_POSITIVE, /* [1/2, 3/2) */
    OP_DISTINCT, /* all different, 1/16 apart */
    OP_EVEN,     /* multiples of 1/8 */
    OP_ODD,      /* half way between these */
    OP_WIDE,     /* k + 1/2, |k| < 10 */
} op_values;

enum { OP_MAX_VARS = 8, OP_MAX_ARGS = 16 };

typedef struct op_build {
    pnn_graph *g;
    pnn_node vars[OP_MAX_VARS];
    op_values values[OP_MAX_VARS];
    int count;
} op_build;

enum {
    OP_NO_GRADIENT = 1, /* an operand or the operation has none */
    OP_KINKS = 2,       /* not differentiable everywhere: no finite differences */
    OP_LARGE = 4,       /* compared between back ends only */
    OP_BF16 = 8,        /* values in between are bf16: wider bound */
    OP_HOST = 16,       /* what passes make for back ends of the host alone */
};

typedef struct op_case {
    const char *name;
    pnn_node (*build)(op_build *b, const long *arg);
    long arg[OP_MAX_ARGS];
    unsigned flags;
} op_case;
extern const op_case op_cases[];
extern const size_t op_case_count;
/* Every operation at sizes that networks have: what is timed. */
extern const op_case op_timed[];
extern const size_t op_timed_count;

/* Value i of n of the variable; different for every `stream`. */
float op_value(op_values values, uint32_t stream, size_t i, size_t n);

#endif
