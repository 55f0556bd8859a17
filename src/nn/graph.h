/* SPDX-License-Identifier: MIT */
/* Inside the room nn: nodes, the table of operations, and what operations' files use to make nodes.
 * Passes and back ends see graphs through this header. */
#ifndef PLN_NN_GRAPH_H
#define PLN_NN_GRAPH_H

#include "nn/nn.h"
#include "nn/safetensors.h"

enum { PNN_MAX_INPUTS = 8, PNN_PROGRAM_MAX = 24 };

/* Operations. Inputs in order; [..] may be absent (id 0). */
typedef enum pnn_op {
    PNN_OP_NONE,
    PNN_OP_INPUT,
    PNN_OP_PARAM,
    PNN_OP_CONSTANT,
    PNN_OP_FILL,
    PNN_OP_NOISE,
    PNN_OP_CONV,        /* x, weight, [bias], [residual] */
    PNN_OP_CONV_DATA,   /* dy, weight, [bias] */
    PNN_OP_CONV_WEIGHT, /* x, dy */
    PNN_OP_MOMENTS,     /* x */
    PNN_OP_NORM,        /* x, moments, gamma, beta, [residual: made by passes] */
    PNN_OP_NORM_REDUCE, /* x, moments, dy -> [sum dy | sum dy xhat], shaped as moments */
    PNN_OP_NORM_GRAD,   /* x, moments, gamma, dy, sums -> dx */
    PNN_OP_UNARY,       /* x */
    PNN_OP_UNARY_GRAD,  /* x or y (unary_uses_output), dy */
    PNN_OP_BINARY,      /* a, b */
    PNN_OP_CONCAT,      /* parts */
    PNN_OP_WINDOW,      /* x */
    PNN_OP_EMBED,       /* x */
    PNN_OP_EXPAND,      /* x */
    PNN_OP_RESHAPE,     /* x: same elements in the same memory order */
    PNN_OP_PAD,         /* x */
    PNN_OP_PAD_GRAD,    /* dy */
    PNN_OP_HAAR,        /* x */
    PNN_OP_HAAR_INVERSE,
    PNN_OP_MAX_POOL,      /* x */
    PNN_OP_MAX_POOL_GRAD, /* x, dy */
    PNN_OP_AVERAGE_POOL,
    PNN_OP_AVERAGE_POOL_GRAD, /* dy */
    PNN_OP_REDUCE,            /* x, [what it is multiplied by first: made by passes] */
    PNN_OP_REDUCE_MAX_GRAD,   /* x, dy */
    PNN_OP_MAX_MEAN, /* made by passes: x, [a factor of each channel] -> [maximum | mean], over C
                        (then along C) or over H and W (then along W) */
    PNN_OP_RESIZE,
    PNN_OP_RESIZE_GRAD, /* dy */
    PNN_OP_MATMUL,      /* a, b */
    PNN_OP_GRAM,        /* a, b */
    PNN_OP_FAN_MAPS,    /* x, [saliency] */
    PNN_OP_FAN_ENERGY,  /* T, I, maps -> [dE/dT | E at every pixel] */
    PNN_OP_GROUP_MEAN,  /* x: the mean over processes */
    PNN_OP_ASSIGN,      /* param, x: effect */
    PNN_OP_ADAM,        /* param, m, v, grad, rate: effect */
    PNN_OP_FUSED,       /* made by passes: an element-wise program over its inputs */
    PNN_OP_CAST,        /* made by passes: to attr.cast.type */
    PNN_OP_COUNT
} pnn_op;

/* How a value lies in memory: PNN_F32 everywhere but where a pass chose PNN_BF16. */
typedef pnn_dtype pnn_type;

/* Fused into a convolution by a pass: y = act(conv + bias [+ residual]) [+ residual]. */
typedef enum pnn_act { PNN_ACT_NONE, PNN_ACT_RELU, PNN_ACT_LEAKY_RELU, PNN_ACT_RELU6 } pnn_act;
typedef struct pnn_epilogue {
    pnn_act act;
    double slope;
    bool residual_before, residual_after; /* the activation; at most one */
} pnn_epilogue;

/* One instruction of a fused program: register r = fn(operands). Registers 0.. hold the inputs,
 * instruction i writes register inputs + i; the last one is the result. */
typedef struct pnn_instr {
    bool binary;
    bool slope; /* of a unary function at register a, times register b */
    int fn;     /* pnn_unary_fn or pnn_binary_fn */
    int a, b;
    double p, q; /* of the unary function */
} pnn_instr;

typedef struct pnn_box {
    long offset[4];
} pnn_box;
typedef struct pnn_pad_attr {
    pnn_pad_mode mode;
    long top, left; /* the rest follows from the shapes */
} pnn_pad_attr;

typedef union pnn_attr {
    struct {
        pnn_param_kind kind;
        pnn_init init;
    } param;
    struct {
        float *values; /* the graph's */
    } constant;
    double fill;
    uint64_t stream;
    struct {
        pnn_conv_attr a;
        pnn_epilogue e;
    } conv;
    struct {
        bool per_image, constant;
        double eps;
        bool relu; /* of NORM, by a pass: max(y [+ residual], 0) */
    } norm;
    struct {
        int fn;
        double a, b;
    } unary;
    int binary;
    pnn_axis axis;
    pnn_box box;
    pnn_pad_attr pad;
    long k;
    struct {
        pnn_reduce_fn fn;
        unsigned axes;
    } reduce;
    bool align_corners;
    bool transpose_b;
    pln_fan_guide fan_guide;
    pln_fan_energy fan;
    pnn_adam adam;
    pnn_group group;
    struct {
        int count;
        pnn_instr *code; /* the graph's */
    } fused;
    pnn_type cast;
} pnn_attr;

typedef struct pnn_vertex {
    pnn_op op;
    pnn_type type;
    pnn_shape shape;
    int n_inputs;
    pnn_node in[PNN_MAX_INPUTS];
    pnn_attr attr;
    const char *name; /* of inputs, parameters; else NULL */
} pnn_vertex;

/* What an operation is. The table is made of one constant for each family file (ops/). */
typedef struct pnn_op_info {
    const char *name;
    /* Contributions to d loss / d inputs, for the inputs with needed[i]; leaves {0} where there is
     * none. NULL: no gradient passes (all inputs). v is a copy of node y. */
    void (*gradient)(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy, const bool *needed,
                     pnn_node *dx);
    /* Multiply-accumulates; NULL: none. */
    uint64_t (*macs)(const pnn_graph *g, const pnn_vertex *v, pnn_size size);
    /* Attributes as text into at most `room` bytes; NULL: none. */
    void (*print)(const pnn_vertex *v, char *text, size_t room);
    /* The output may overwrite this input's memory, element by element. */
    bool in_place;
} pnn_op_info;
const pnn_op_info *pnn_op_info_of(pnn_op op);
extern const pnn_op_info pnn_conv_info, pnn_conv_data_info, pnn_conv_weight_info;
extern const pnn_op_info pnn_max_mean_info, pnn_moments_info, pnn_norm_info, pnn_norm_reduce_info,
    pnn_norm_grad_info;
extern const pnn_op_info pnn_unary_info, pnn_unary_grad_info, pnn_binary_info, pnn_fused_info;
extern const pnn_op_info pnn_concat_info, pnn_window_info, pnn_embed_info, pnn_expand_info,
    pnn_reshape_info, pnn_pad_info, pnn_pad_grad_info, pnn_haar_info, pnn_haar_inverse_info;
extern const pnn_op_info pnn_max_pool_info, pnn_max_pool_grad_info, pnn_average_pool_info,
    pnn_average_pool_grad_info, pnn_reduce_info, pnn_reduce_max_grad_info, pnn_resize_info,
    pnn_resize_grad_info;
extern const pnn_op_info pnn_matmul_info, pnn_gram_info;
extern const pnn_op_info pnn_fan_maps_info, pnn_fan_energy_info;
extern const pnn_op_info pnn_adam_info, pnn_assign_info, pnn_group_mean_info;

/* Appends a node; {0} if an input is invalid or memory is short. v's name must be the graph's. */
pnn_node pnn_append(pnn_graph *g, const pnn_vertex *v);
const pnn_vertex *pnn_vertex_of(const pnn_graph *g, pnn_node x);
pnn_vertex *pnn_vertex_mut(pnn_graph *g, pnn_node x);
/* Ids run from 1 to this. */
int pnn_count(const pnn_graph *g);
/* True if any of the nodes is {0}: the builder returns {0} then. */
bool pnn_any_invalid(const pnn_node *nodes, size_t count);
/* Memory that lives as long as the graph; NULL on failure (kept as the graph's error). */
void *pnn_graph_alloc(pnn_graph *g, size_t count, size_t size);
pln_context *pnn_graph_context(const pnn_graph *g);

size_t pnn_output_count(const pnn_graph *g);
pnn_node pnn_output_node(const pnn_graph *g, size_t i);
const char *pnn_output_name(const pnn_graph *g, size_t i);
size_t pnn_effect_count(const pnn_graph *g); /* assignments, optimiser steps */
pnn_node pnn_effect_node(const pnn_graph *g, size_t i);
pnn_node pnn_find(const pnn_graph *g, pnn_op op, const char *name);
/* A copy that shares nothing, ids unchanged. */
pln_status pnn_graph_copy(pln_context *ctx, const pnn_graph *g, pnn_graph **copy) PLN_CHECK;
void pnn_set_output(pnn_graph *g, size_t i, pnn_node x);
void pnn_add_effect(pnn_graph *g, pnn_node x);

/* Symbols, for messages and dumps: "(H + 1) / 2". */
void pnn_dim_text(const pnn_graph *g, pnn_dim d, char *text, size_t room);
bool pnn_dim_is_const(const pnn_graph *g, pnn_dim d, long *value);
bool pnn_same_shape(pnn_shape a, pnn_shape b);
pnn_dim pnn_shape_axis(pnn_shape s, pnn_axis axis);
/* "2 x H x W x 64" */
void pnn_shape_text(const pnn_graph *g, pnn_shape s, char *text, size_t room);
/* Element counts and sizes for one size; false if a dimension is below 1 or the product overflows.
 */
bool pnn_shape_values(const pnn_graph *g, pnn_shape s, pnn_size size, size_t dims[4]);

/* What the last pnn_assign so far makes of a parameter; the parameter itself if there is none. */
pnn_node pnn_assigned(const pnn_graph *g, pnn_node param);
/* Gradient that arrives at a broadcast operand, summed to the operand's shape. */
pnn_node pnn_sum_to(pnn_graph *g, pnn_node dy, pnn_shape shape);
/* How many elements of x lie along these axes: a scalar, known when the graph is planned. */
pnn_node pnn_count_over(pnn_graph *g, pnn_node x, unsigned axes);
/* The gradient of unary functions: which saved value it takes, and its formula. */
bool pnn_unary_uses_output(int fn);
const char *pnn_unary_name(int fn);
const char *pnn_binary_name(int fn);
/* The functions themselves, in double: what every back end must agree with. v: x or y. */
double pnn_unary_value(int fn, double x, double a, double b);
double pnn_unary_slope(int fn, double v, double a, double b);
double pnn_binary_value(int fn, double a, double b);

#endif
