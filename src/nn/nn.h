/* SPDX-License-Identifier: MIT */
/* nn: networks as graphs. Builders (src/nets, src/losses) call the functions of this header in the
 * order of the paper's figure; pnn_gradients appends the gradient to the same graph; a plan
 * (nn/plan.h) compiles chosen outputs for one size, device and precision, and runs them.
 *
 * Every value is a tensor of four dimensions. Activations are N x H x W x C (C innermost in
 * memory); vectors over channels are 1 x 1 x 1 x C, scalars 1 x 1 x 1 x 1. Weights of convolutions
 * are O x I/groups x KH x KW in memory, as in every published checkpoint. N, H and W are symbolic:
 * a graph is built once and planned for any size.
 *
 * Errors stick in the graph: the first one is kept, later calls return the invalid node (id 0), and
 * pnn_graph_status says it. Builders need no checks. */
#ifndef PLN_NN_NN_H
#define PLN_NN_NN_H

#include "core/core.h"
#include "solve/fan.h"

typedef struct pnn_graph pnn_graph;
typedef struct pnn_node {
    int id; /* 0: no node */
} pnn_node;

/* ---- Symbolic sizes: a dimension is an expression of N, H, W, kept once (equal expressions have
 * equal ids) ---- */

typedef struct pnn_dim {
    int id;
} pnn_dim;
typedef struct pnn_shape {
    pnn_dim n, h, w, c;
} pnn_shape;
/* What N, H and W stand for. */
typedef struct pnn_size {
    size_t n, h, w;
} pnn_size;

pnn_dim pnn_dim_const(pnn_graph *g, long value);
pnn_dim pnn_dim_n(pnn_graph *g);
pnn_dim pnn_dim_h(pnn_graph *g);
pnn_dim pnn_dim_w(pnn_graph *g);
pnn_dim pnn_dim_add(pnn_graph *g, pnn_dim a, long k);
pnn_dim pnn_dim_mul(pnn_graph *g, pnn_dim a, long k);
/* floor(a / k) */
pnn_dim pnn_dim_div(pnn_graph *g, pnn_dim a, long k);
/* Smallest multiple of k that is not below a. */
pnn_dim pnn_dim_round_up(pnn_graph *g, pnn_dim a, long k);
/* The value for a size; may be 0 or negative where the graph does not fit the size. */
long pnn_dim_value(const pnn_graph *g, pnn_dim a, pnn_size size);

/* A shape of numbers. */
pnn_shape pnn_shape_const(pnn_graph *g, long n, long h, long w, long c);

/* ---- The graph ---- */

/* ctx: for memory and messages; must outlive the graph. */
pln_status pnn_graph_new(pln_context *ctx, pnn_graph **graph) PLN_CHECK;
void pnn_graph_free(pnn_graph *graph);
/* The first error of any builder call, said again in the context. */
pln_status pnn_graph_status(const pnn_graph *graph) PLN_CHECK;
/* For builders that find an error themselves; kept like any other. Returns the invalid node. */
pnn_node pnn_error(pnn_graph *g, pln_status status, const char *format, ...) PLN_PRINTF(3, 4);
/* printf into the graph's memory: names of layers. "" on error. */
const char *pnn_name(pnn_graph *g, const char *format, ...) PLN_PRINTF(2, 3);

pnn_shape pnn_shape_of(const pnn_graph *g, pnn_node x);
/* Of an input or a parameter; "" of others. */
const char *pnn_name_of(const pnn_graph *g, pnn_node x);
/* Number of channels of x; 0 of the invalid node. */
long pnn_channels(const pnn_graph *g, pnn_node x);

/* ---- Sources ---- */

/* A picture or map N x H x W x c that the caller binds when the plan runs. */
pnn_node pnn_input(pnn_graph *g, const char *name, long c);
pnn_node pnn_input_shaped(pnn_graph *g, const char *name, pnn_shape shape);

/* How a parameter starts. PyTorch's default of a convolution is UNIFORM with 1 / sqrt(fan in). */
typedef enum pnn_init_kind {
    PNN_INIT_VALUE,   /* all = a */
    PNN_INIT_UNIFORM, /* in (-a, a) */
    PNN_INIT_NORMAL   /* standard deviation a */
} pnn_init_kind;
typedef struct pnn_init {
    pnn_init_kind kind;
    double a;
} pnn_init;

/* Named values of a weights file. Asking twice for a name gives the same node (shared weights). */
typedef enum pnn_param_kind {
    PNN_TRAINED, /* has a gradient */
    PNN_FROZEN,  /* weights of an auxiliary network: never changed, no gradient */
    PNN_STATE    /* running statistics, moments of Adam: changed by effects, no gradient */
} pnn_param_kind;
/* From now on (true) parameters asked for as TRAINED are FROZEN: builders of auxiliary networks
 * need not know. */
void pnn_freeze(pnn_graph *g, bool frozen);
pnn_node pnn_param(pnn_graph *g, const char *name, pnn_param_kind kind, const long dims[4],
                   pnn_init init);
pnn_node pnn_constant(pnn_graph *g, double value);
/* 1 x 1 x 1 x n values, copied. */
pnn_node pnn_constant_vector(pnn_graph *g, const float *values, long n);
/* Any constant tensor (fixed filters), copied. */
pnn_node pnn_constant_tensor(pnn_graph *g, const float *values, const long dims[4]);
/* Standard normal numbers of like's shape: value = f(seed of the plan, stream, linear index in
 * N C H W order). */
pnn_node pnn_noise(pnn_graph *g, pnn_node like, uint64_t stream);
/* Like's shape filled with one value. */
pnn_node pnn_fill(pnn_graph *g, pnn_node like, double value);

/* ---- Convolutions ---- */

typedef struct pnn_conv_spec {
    long out, k;                   /* output channels; kernel k x k */
    long stride, dilation, groups; /* 0 means 1 */
    long pad;                      /* on all sides, zeros; PNN_SAME: dilation * (k - 1) / 2 */
    bool no_bias;
    pnn_init weight, bias; /* a = 0 and kind VALUE: PyTorch's default for both */
} pnn_conv_spec;
#define PNN_SAME (-1)

/* Convolution with parameters NAME.weight (O x I/groups x k x k) and NAME.bias. */
pnn_node pnn_conv(pnn_graph *g, pnn_node x, const char *name, pnn_conv_spec spec);
/* Transposed convolution with NAME.weight (I x O x k x k), NAME.bias; output (h - 1) stride - 2 pad
 * + dilation (k - 1) + 1. */
pnn_node pnn_conv_transposed(pnn_graph *g, pnn_node x, const char *name, pnn_conv_spec spec);
/* Fully connected on 1 x 1 maps: NAME.weight (O x I), NAME.bias. */
pnn_node pnn_linear(pnn_graph *g, pnn_node x, const char *name, long out);

/* The same with operands instead of names. bias: {0} for none. */
typedef struct pnn_conv_attr {
    int kh, kw, stride, dilation, groups;
    int pad_top, pad_left, pad_bottom, pad_right;
} pnn_conv_attr;
pnn_node pnn_conv_with(pnn_graph *g, pnn_node x, pnn_node weight, pnn_node bias,
                       pnn_conv_attr attr);
/* Gradient of pnn_conv_with to its input, and (so) the transposed convolution. like: gives H and W
 * of the result; C = I of the weight. */
pnn_node pnn_conv_data(pnn_graph *g, pnn_node dy, pnn_node weight, pnn_node bias,
                       pnn_conv_attr attr, pnn_shape like);
/* Gradient to the weight, of shape like. */
pnn_node pnn_conv_weight(pnn_graph *g, pnn_node x, pnn_node dy, pnn_conv_attr attr, pnn_node like);

/* ---- Normalisation: y = gamma (x - mean) / sqrt(var + eps) + beta per channel ---- */

typedef enum pnn_norm_kind {
    PNN_NORM_RUNNING, /* stored statistics: inference */
    PNN_NORM_BATCH,   /* of this batch (biased variance); the running ones are updated when the
                         graph trains */
    PNN_NORM_IMAGE    /* of each picture alone, never stored */
} pnn_norm_kind;
/* Parameters NAME.weight, .bias, .running_mean, .running_var (the last two not for IMAGE).
 * momentum: running = (1 - momentum) running + momentum batch, unbiased variance. eps 1e-5. */
pnn_node pnn_norm(pnn_graph *g, pnn_node x, const char *name, pnn_norm_kind kind, double momentum);
/* [mean | variance] of every channel over N, H, W, or over H, W of each picture: (1 or N) x 1 x 2 x
 * C. Two passes, sums in double precision. */
pnn_node pnn_moments(pnn_graph *g, pnn_node x, bool per_image);
/* With statistics `moments`; constant: they carry no gradient (running ones), else they must be x's
 * own and the gradient goes through them. */
pnn_node pnn_norm_with(pnn_graph *g, pnn_node x, pnn_node moments, pnn_node gamma, pnn_node beta,
                       double eps, bool constant);

/* ---- Element by element ---- */

typedef enum pnn_unary_fn {
    PNN_RELU,       /* max(x, 0); gradient at 0 is 0 */
    PNN_RELU6,      /* min(max(x, 0), 6) */
    PNN_LEAKY_RELU, /* x > 0 ? x : a x */
    PNN_SIGMOID,
    PNN_TANH,
    PNN_EXP,
    PNN_LOG,
    PNN_LOG_SIGMOID, /* without overflow for any x */
    PNN_ABS,         /* gradient at 0 is 0 */
    PNN_SQRT,
    PNN_RECIPROCAL,
    PNN_SQUARE,
    PNN_AFFINE, /* a x + b */
    PNN_CLAMP,  /* to [a, b]; gradient 1 inside and on the bounds */
    PNN_STEP,   /* x > 0 ? 1 : 0; no gradient */
    PNN_SIGN,   /* no gradient */
    PNN_UNARY_COUNT
} pnn_unary_fn;
pnn_node pnn_unary(pnn_graph *g, pnn_unary_fn fn, pnn_node x, double a, double b);

/* Shapes are equal, or a dimension is 1 and is repeated. */
typedef enum pnn_binary_fn {
    PNN_ADD,
    PNN_SUB,
    PNN_MUL,
    PNN_DIV,
    PNN_MIN, /* ties: the gradient goes to the first operand */
    PNN_MAX,
    PNN_GREATER_EQUAL, /* 1 or 0; no gradient */
    PNN_EQUAL,         /* 1 or 0; no gradient */
    PNN_BINARY_COUNT
} pnn_binary_fn;
pnn_node pnn_binary(pnn_graph *g, pnn_binary_fn fn, pnn_node a, pnn_node b);

static inline pnn_node pnn_relu(pnn_graph *g, pnn_node x)
{
    return pnn_unary(g, PNN_RELU, x, 0, 0);
}
static inline pnn_node pnn_leaky_relu(pnn_graph *g, pnn_node x, double slope)
{
    return pnn_unary(g, PNN_LEAKY_RELU, x, slope, 0);
}
static inline pnn_node pnn_affine(pnn_graph *g, pnn_node x, double a, double b)
{
    return pnn_unary(g, PNN_AFFINE, x, a, b);
}
static inline pnn_node pnn_add(pnn_graph *g, pnn_node a, pnn_node b)
{
    return pnn_binary(g, PNN_ADD, a, b);
}
static inline pnn_node pnn_sub(pnn_graph *g, pnn_node a, pnn_node b)
{
    return pnn_binary(g, PNN_SUB, a, b);
}
static inline pnn_node pnn_mul(pnn_graph *g, pnn_node a, pnn_node b)
{
    return pnn_binary(g, PNN_MUL, a, b);
}

/* ---- Shape ---- */

typedef enum pnn_axis { PNN_AXIS_N, PNN_AXIS_H, PNN_AXIS_W, PNN_AXIS_C } pnn_axis;
pnn_node pnn_concat(pnn_graph *g, pnn_axis axis, const pnn_node *parts, size_t count);
pnn_node pnn_concat2(pnn_graph *g, pnn_axis axis, pnn_node a, pnn_node b);
/* Channels [from, from + count). */
pnn_node pnn_slice(pnn_graph *g, pnn_node x, long from, long count);
/* The box of `shape` that starts at `offset` (n, h, w, c). */
pnn_node pnn_window(pnn_graph *g, pnn_node x, const long offset[4], pnn_shape shape);
/* The same height and width as like, cut at the bottom and right. */
pnn_node pnn_crop_like(pnn_graph *g, pnn_node x, pnn_node like);
/* x at `offset` of a tensor of zeros of `shape`: the gradient of pnn_window. */
pnn_node pnn_embed(pnn_graph *g, pnn_node x, const long offset[4], pnn_shape shape);
/* Repeats dimensions of size 1 to like's. */
pnn_node pnn_expand(pnn_graph *g, pnn_node x, pnn_node like);

/* The same values, in N H W C order, in another shape. */
pnn_node pnn_reshape(pnn_graph *g, pnn_node x, pnn_shape shape);

typedef enum pnn_pad_mode {
    PNN_PAD_ZERO,
    PNN_PAD_REFLECT, /* without repeating the edge; where a pad is not smaller than its side, both
                        axes replicate */
    PNN_PAD_REPLICATE
} pnn_pad_mode;
/* Bottom and right, up to multiples of `multiple`. */
pnn_node pnn_pad_to_multiple(pnn_graph *g, pnn_node x, long multiple, pnn_pad_mode mode);
pnn_node pnn_pad(pnn_graph *g, pnn_node x, long top, long left, long bottom, long right,
                 pnn_pad_mode mode);

/* N x H x W x C -> N x H/2 x W/2 x 4C, band-major (LL, LH, HL, HH), gains 1/4; H and W even. */
pnn_node pnn_haar(pnn_graph *g, pnn_node x);
/* Its exact inverse, gains 1. */
pnn_node pnn_haar_inverse(pnn_graph *g, pnn_node x);

/* ---- Pooling, reduction, resizing ---- */

/* k x k, stride k, floor; a tie's gradient goes to the first maximum in raster order. */
pnn_node pnn_max_pool(pnn_graph *g, pnn_node x, long k);
pnn_node pnn_average_pool(pnn_graph *g, pnn_node x, long k);

enum { PNN_OVER_N = 1, PNN_OVER_H = 2, PNN_OVER_W = 4, PNN_OVER_C = 8, PNN_OVER_ALL = 15 };
typedef enum pnn_reduce_fn {
    PNN_SUM,
    PNN_MEAN,
    PNN_REDUCE_MAX /* a tie's gradient goes to the first maximum in N H W C order */
} pnn_reduce_fn;
/* The axes become 1. Sums in double precision. PNN_OVER_H | PNN_OVER_W is global pooling. */
pnn_node pnn_reduce(pnn_graph *g, pnn_reduce_fn fn, pnn_node x, unsigned axes);

/* Bilinear, to like's height and width. Half-pixel centres (edge clamp), or align_corners: the
 * centres of the corner pixels coincide. */
pnn_node pnn_resize(pnn_graph *g, pnn_node x, pnn_node like, bool align_corners);
pnn_node pnn_resize_to(pnn_graph *g, pnn_node x, pnn_dim h, pnn_dim w, bool align_corners);

/* ---- Matrix products of each picture ---- */

/* a: N x H x W x K, b: N x 1 x K x M -> N x H x W x M. */
pnn_node pnn_matmul(pnn_graph *g, pnn_node a, pnn_node b);
/* a: N x H x W x K, b: N x H x W x M -> N x 1 x K x M, the sum over pixels of a^T b. Gram matrix:
 * pnn_gram(g, f, f). */
pnn_node pnn_gram(pnn_graph *g, pnn_node a, pnn_node b);

/* ---- Fan's energy (solve/fan.h) ---- */

/* G and B of pictures of 0..255: N x H x W x 2. saliency: N x H x W x 1, where the guide asks for
 * it. No gradient. */
pnn_node pnn_fan_maps(pnn_graph *g, pln_fan_guide guide, pnn_node x, pnn_node saliency);
/* E of each picture: N x 1 x 1 x 1. T has a gradient, I and maps have none. */
pnn_node pnn_fan_energy(pnn_graph *g, pnn_node T, pnn_node I, pnn_node maps,
                        const pln_fan_energy *energy);

/* ---- Outputs, gradients, training ---- */

void pnn_output(pnn_graph *g, pnn_node x, const char *name);
/* grads[i] = d loss / d wrt[i]; loss is a scalar. wrt that loss does not depend on: zeros. */
void pnn_gradients(pnn_graph *g, pnn_node loss, const pnn_node *wrt, size_t count, pnn_node *grads);
/* The parameters of a kind, in the order of their creation; returns how many, fills at most `max`.
 */
size_t pnn_params(const pnn_graph *g, pnn_param_kind kind, pnn_node *params, size_t max);

typedef struct pnn_adam {
    double beta1, beta2, eps; /* 0.9, 0.999, 1e-8 */
} pnn_adam;
/* One Adam step on `param` (bias-corrected, eps outside the root), with state NAME.adam_m and
 * NAME.adam_v; rate: scalar input 1 x 1 x 1 x 2 = (learning rate, step number from 1). All updates
 * happen after everything else has been computed. */
void pnn_adam_step(pnn_graph *g, pnn_node param, pnn_node grad, pnn_node rate, pnn_adam adam);
/* The state NAME.what of a parameter: of its shape, zeros at first. */
pnn_node pnn_state_of(pnn_graph *g, pnn_node param, const char *what);
/* After a run: param = x. */
void pnn_assign(pnn_graph *g, pnn_node param, pnn_node x);

/* ---- Several processes, each with its part of the batch ---- */

typedef struct pnn_group {
    size_t world; /* how many they are */
    /* The n values become the mean of all processes' values, which ask for the same means in the
     * same order. Fails with a message. */
    pln_status (*mean)(void *user, float *values, size_t n);
    void *user;
} pnn_group;
/* The graph is one of a group from now on: statistics of batches are those of all parts. What is
 * differentiated is the mean of the processes' losses. */
void pnn_graph_group(pnn_graph *g, const pnn_group *group);
/* 1: alone. */
double pnn_group_world(const pnn_graph *g);
/* Mean and sum over the processes, for losses that are no mean over the samples; x if alone. */
pnn_node pnn_group_mean(pnn_graph *g, pnn_node x);
pnn_node pnn_group_sum(pnn_graph *g, pnn_node x);

/* ---- Counting and looking ---- */

bool pnn_has_param(const pnn_graph *g, const char *name);

/* Trained parameters. */
uint64_t pnn_parameters(const pnn_graph *g);
/* Multiply-accumulates of all convolutions, linear and matrix products that the outputs need, all
 * of the graph's if it has no outputs (1 for each weight times input; none for bias, norm,
 * activation), for one size. */
uint64_t pnn_macs(const pnn_graph *g, pnn_size size);
/* A line a node: id, op, attributes, inputs, shape (symbols, or numbers if size.n > 0). *text is
 * pln_free'd by the caller. */
pln_status pnn_dump_text(pln_context *ctx, const pnn_graph *g, pnn_size size,
                         char **text) PLN_CHECK;
/* Graphviz. */
pln_status pnn_dump_dot(pln_context *ctx, const pnn_graph *g, pnn_size size, char **text) PLN_CHECK;

#endif
