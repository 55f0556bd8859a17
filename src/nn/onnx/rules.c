/* SPDX-License-Identifier: MIT */
/* How each operation of inference is said in ONNX. Axes N, H, W, C are 0, 2, 3, 1 there. */
#include <string.h>

#include "nn/onnx/writer.h"

static const char *value_in(struct onnx *o, const pnn_vertex *v, int i)
{
    return onnx_value(o, v->in[i]);
}

static struct onnx_size size_at(struct onnx *o, pnn_shape s, int place)
{
    return onnx_dim(o, pnn_shape_axis(s, onnx_axis_at(place)));
}

static const char *reshape(struct onnx *o, const char *x, const long *shape, size_t rank)
{
    return onnx_node(o, "Reshape", ONNX_IN(x, onnx_ints(o, shape, rank)), NULL);
}

static const char *transpose(struct onnx *o, const char *x, const long *perm, size_t rank)
{
    return onnx_node(o, "Transpose", ONNX_IN(x), ONNX_ATTR(ONNX_ATTR_INTS("perm", perm, rank)));
}

static const char *as_real(struct onnx *o, const char *truth)
{
    return onnx_node(o, "Cast", ONNX_IN(truth), ONNX_ATTR(ONNX_ATTR_INT("to", ONNX_FLOAT)));
}

/* ---- Sources ---- */

static const char *input(struct onnx *o, const pnn_vertex *v)
{
    (void)o;
    return v->name;
}

static const char *filled(struct onnx *o, pnn_shape shape, double value)
{
    /* Zeros of the shape are what ConstantOfShape gives without an attribute. */
    const char *zeros = onnx_node(o, "ConstantOfShape", ONNX_IN(onnx_shape(o, shape)), NULL);
    return value == 0 ? zeros : onnx_node(o, "Add", ONNX_IN(zeros, onnx_real(o, value)), NULL);
}

static const char *fill(struct onnx *o, const pnn_vertex *v)
{
    return filled(o, v->shape, v->attr.fill);
}

static const char *noise(struct onnx *o, const pnn_vertex *v)
{
    return onnx_node(o, "RandomNormalLike", ONNX_IN(filled(o, v->shape, 0)), NULL);
}

/* ---- Convolutions ---- */

static const char *windows(struct onnx *o, const pnn_vertex *v, const char *type,
                           const long pads[4], long grow)
{
    const pnn_conv_attr *a = &v->attr.conv.a;
    const char *x = value_in(o, v, 0), *weight = onnx_kernel(o, v->in[1]);
    const char *bias = v->in[2].id ? onnx_vector(o, v->in[2]) : NULL;
    const long dilations[2] = {a->dilation, a->dilation}, strides[2] = {a->stride, a->stride},
               kernel[2] = {a->kh, a->kw}, more[2] = {grow, grow};
    const struct onnx_attr attr[] = {
        ONNX_ATTR_INTS("dilations", dilations, 2),
        ONNX_ATTR_INT("group", a->groups),
        ONNX_ATTR_INTS("kernel_shape", kernel, 2),
        ONNX_ATTR_INTS("pads", pads, 4),
        ONNX_ATTR_INTS("strides", strides, 2),
        grow ? (struct onnx_attr)ONNX_ATTR_INTS("output_padding", more, 2)
             : (struct onnx_attr){.kind = ONNX_END},
        {.kind = ONNX_END},
    };
    return onnx_node(o, type, ONNX_IN(x, weight, bias), attr);
}

static const char *conv(struct onnx *o, const pnn_vertex *v)
{
    const pnn_conv_attr *a = &v->attr.conv.a;
    const pnn_epilogue *e = &v->attr.conv.e;
    if (e->act != PNN_ACT_NONE || e->residual_before || e->residual_after) {
        pnn_error(
            o->g, PLN_E_UNSUPPORTED,
            "ONNX: a convolution with its activation fused: export the graph as it was built");
        return "";
    }
    return windows(o, v, "Conv",
                   (const long[4]){a->pad_top, a->pad_left, a->pad_bottom, a->pad_right}, 0);
}

/* The box of `shape` at offset (n, c, h, w) of x, whose shape is `whole`. */
static const char *slice(struct onnx *o, const char *x, pnn_shape whole, const long offset[4],
                         pnn_shape shape)
{
    struct onnx_size ends[4];
    long starts[4], axes[4];
    size_t n = 0;
    for (int i = 0; i < 4; i++) {
        pnn_dim d = pnn_shape_axis(shape, onnx_axis_at(i));
        if (offset[i] == 0 && d.id == pnn_shape_axis(whole, onnx_axis_at(i)).id) continue;
        ends[n] = onnx_size_of(o, "Add", onnx_dim(o, d), onnx_known(offset[i]));
        starts[n] = offset[i];
        axes[n++] = i;
    }
    if (!n) return x;
    const char *from = onnx_ints(o, starts, n), *to = onnx_sizes(o, ends, n);
    return onnx_node(o, "Slice", ONNX_IN(x, from, to, onnx_ints(o, axes, n)), NULL);
}

/* Rows of the transposed convolution before its padding is cut off. */
static pnn_dim whole_dim(struct onnx *o, pnn_dim d, const pnn_conv_attr *a, int k)
{
    long grow = (long)a->dilation * (k - 1) + 1 - a->stride;
    return pnn_dim_add(o->g, pnn_dim_mul(o->g, d, a->stride), grow);
}

/* Where the size is what ONNX computes from the paddings, these; else (gradients of convolutions
 * with a stride) the largest that gives the same input, cut. */
static const char *conv_data(struct onnx *o, const pnn_vertex *v)
{
    const pnn_conv_attr *a = &v->attr.conv.a;
    pnn_shape in = pnn_shape_of(o->g, v->in[0]), whole = v->shape;
    const long pads[4] = {a->pad_top, a->pad_left, a->pad_bottom, a->pad_right}, none[4] = {0};
    whole.h = whole_dim(o, in.h, a, a->kh);
    whole.w = whole_dim(o, in.w, a, a->kw);
    if (pnn_dim_add(o->g, whole.h, -pads[0] - pads[2]).id == v->shape.h.id &&
        pnn_dim_add(o->g, whole.w, -pads[1] - pads[3]).id == v->shape.w.id)
        return windows(o, v, "ConvTranspose", pads, 0);
    whole.h = pnn_dim_add(o->g, whole.h, a->stride - 1);
    whole.w = pnn_dim_add(o->g, whole.w, a->stride - 1);
    const char *x = windows(o, v, "ConvTranspose", none, a->stride - 1);
    return slice(o, x, whole, (const long[4]){0, 0, a->pad_top, a->pad_left}, v->shape);
}

/* ---- Normalisation ---- */

static const char *mean_over(struct onnx *o, const char *x, const long *axes, size_t n)
{
    return onnx_node(o, "ReduceMean", ONNX_IN(x), ONNX_ATTR(ONNX_ATTR_INTS("axes", axes, n)));
}

static const char *moments(struct onnx *o, const pnn_vertex *v)
{
    static const long axes[3] = {2, 3, 0};
    size_t n = v->attr.norm.per_image ? 2 : 3;
    const char *x = value_in(o, v, 0), *mean = mean_over(o, x, axes, n);
    const char *d = onnx_node(o, "Sub", ONNX_IN(x, mean), NULL);
    const char *variance = mean_over(o, onnx_node(o, "Mul", ONNX_IN(d, d), NULL), axes, n);
    return onnx_node(o, "Concat", ONNX_IN(mean, variance), ONNX_ATTR(ONNX_ATTR_INT("axis", 3)));
}

static bool is_row(const pnn_graph *g, pnn_node x)
{
    pnn_op op = pnn_vertex_of(g, x)->op;
    long w;
    return (op == PNN_OP_PARAM || op == PNN_OP_CONSTANT) &&
           pnn_dim_is_const(g, pnn_shape_of(g, x).w, &w) && w == 1;
}

bool onnx_stored_moments(const pnn_graph *g, const pnn_vertex *norm, pnn_node *mean,
                         pnn_node *variance)
{
    const pnn_vertex *pair = pnn_vertex_of(g, norm->in[1]);
    if (pair->op != PNN_OP_CONCAT || pair->attr.axis != PNN_AXIS_W || pair->n_inputs != 2 ||
        !is_row(g, pair->in[0]) || !is_row(g, pair->in[1]))
        return false;
    *mean = pair->in[0];
    *variance = pair->in[1];
    return true;
}

/* Of any moments: gamma (x - mean) / sqrt(var + eps) + beta. */
static const char *norm_with(struct onnx *o, const pnn_vertex *v)
{
    const char *x = value_in(o, v, 0), *pair = value_in(o, v, 1), *part[2];
    for (long i = 0; i < 2; i++) {
        const char *from = onnx_ints(o, &i, 1), *to = onnx_ints(o, (const long[1]){i + 1}, 1);
        const char *axis = onnx_ints(o, (const long[1]){3}, 1);
        part[i] = onnx_node(o, "Slice", ONNX_IN(pair, from, to, axis), NULL);
    }
    const char *eps = onnx_real(o, v->attr.norm.eps);
    const char *root =
        onnx_node(o, "Sqrt", ONNX_IN(onnx_node(o, "Add", ONNX_IN(part[1], eps), NULL)), NULL);
    const char *d = onnx_node(o, "Sub", ONNX_IN(x, part[0]), NULL);
    const char *xhat = onnx_node(o, "Div", ONNX_IN(d, root), NULL);
    const char *scaled = onnx_node(o, "Mul", ONNX_IN(xhat, value_in(o, v, 2)), NULL);
    return onnx_node(o, "Add", ONNX_IN(scaled, value_in(o, v, 3)), NULL);
}

static const char *norm(struct onnx *o, const pnn_vertex *v)
{
    const pnn_vertex *m = pnn_vertex_of(o->g, v->in[1]);
    bool stored,
        own = m->op == PNN_OP_MOMENTS && m->attr.norm.per_image && m->in[0].id == v->in[0].id;
    pnn_node mean, variance;
    const struct onnx_attr eps[] = {ONNX_ATTR_REAL("epsilon", v->attr.norm.eps),
                                    {.kind = ONNX_END}};
    stored = onnx_stored_moments(o->g, v, &mean, &variance);
    if (!stored && !own) return norm_with(o, v);
    const char *x = value_in(o, v, 0), *gamma = onnx_vector(o, v->in[2]),
               *beta = onnx_vector(o, v->in[3]);
    if (own) return onnx_node(o, "InstanceNormalization", ONNX_IN(x, gamma, beta), eps);
    const char *mu = onnx_vector(o, mean), *var = onnx_vector(o, variance);
    return onnx_node(o, "BatchNormalization", ONNX_IN(x, gamma, beta, mu, var), eps);
}

/* ---- Element by element ---- */

static const char *affine(struct onnx *o, const char *x, double a, double b)
{
    if (a != 1) x = onnx_node(o, "Mul", ONNX_IN(x, onnx_real(o, a)), NULL);
    if (b != 0) x = onnx_node(o, "Add", ONNX_IN(x, onnx_real(o, b)), NULL);
    return a != 1 || b != 0 ? x : onnx_node(o, "Identity", ONNX_IN(x), NULL);
}

static const char *clip(struct onnx *o, const char *x, double a, double b)
{
    const char *low = onnx_real(o, a), *high = onnx_real(o, b);
    return onnx_node(o, "Clip", ONNX_IN(x, low, high), NULL);
}

static const char *unary(struct onnx *o, const pnn_vertex *v)
{
    static const char *const same[PNN_UNARY_COUNT] = {
        [PNN_RELU] = "Relu", [PNN_SIGMOID] = "Sigmoid", [PNN_TANH] = "Tanh",
        [PNN_EXP] = "Exp",   [PNN_LOG] = "Log",         [PNN_ABS] = "Abs",
        [PNN_SQRT] = "Sqrt", [PNN_SIGN] = "Sign",       [PNN_RECIPROCAL] = "Reciprocal",
    };
    const char *x = value_in(o, v, 0);
    double a = v->attr.unary.a, b = v->attr.unary.b;
    switch ((pnn_unary_fn)v->attr.unary.fn) {
    case PNN_RELU6:
        return clip(o, x, 0, 6);
    case PNN_LEAKY_RELU:
        return onnx_node(o, "LeakyRelu", ONNX_IN(x), ONNX_ATTR(ONNX_ATTR_REAL("alpha", a)));
    case PNN_LOG_SIGMOID: /* -log(1 + exp(-x)) */
        x = onnx_node(o, "Softplus", ONNX_IN(onnx_node(o, "Neg", ONNX_IN(x), NULL)), NULL);
        return onnx_node(o, "Neg", ONNX_IN(x), NULL);
    case PNN_SQUARE:
        return onnx_node(o, "Mul", ONNX_IN(x, x), NULL);
    case PNN_AFFINE:
        return affine(o, x, a, b);
    case PNN_CLAMP:
        return clip(o, x, a, b);
    case PNN_STEP:
        return as_real(o, onnx_node(o, "Greater", ONNX_IN(x, onnx_real(o, 0)), NULL));
    default:
        return onnx_node(o, same[v->attr.unary.fn], ONNX_IN(x), NULL);
    }
}

static const char *binary(struct onnx *o, const pnn_vertex *v)
{
    static const char *const names[PNN_BINARY_COUNT] = {
        [PNN_ADD] = "Add",     [PNN_SUB] = "Sub",
        [PNN_MUL] = "Mul",     [PNN_DIV] = "Div",
        [PNN_MIN] = "Min",     [PNN_MAX] = "Max",
        [PNN_EQUAL] = "Equal", [PNN_GREATER_EQUAL] = "GreaterOrEqual",
    };
    int fn = v->attr.binary;
    const char *a = value_in(o, v, 0), *b = value_in(o, v, 1);
    const char *y = onnx_node(o, names[fn], ONNX_IN(a, b), NULL);
    return fn == PNN_EQUAL || fn == PNN_GREATER_EQUAL ? as_real(o, y) : y;
}

/* ---- Shape ---- */

static const char *concat(struct onnx *o, const pnn_vertex *v)
{
    const char *in[PNN_MAX_INPUTS + 1] = {NULL};
    for (int i = 0; i < v->n_inputs; i++) in[i] = value_in(o, v, i);
    return onnx_node(o, "Concat", in, ONNX_ATTR(ONNX_ATTR_INT("axis", onnx_axis(v->attr.axis))));
}

static const char *window(struct onnx *o, const pnn_vertex *v)
{
    const long *at = v->attr.box.offset;
    return slice(o, value_in(o, v, 0), pnn_shape_of(o->g, v->in[0]),
                 (const long[4]){at[0], at[3], at[1], at[2]}, v->shape);
}

/* The border around x at offset (n, c, h, w) of the result. */
static const char *pad_around(struct onnx *o, const pnn_vertex *v, const long offset[4],
                              const char *mode)
{
    pnn_shape in = pnn_shape_of(o->g, v->in[0]);
    struct onnx_size pads[8];
    for (int i = 0; i < 4; i++) {
        bool same =
            pnn_shape_axis(in, onnx_axis_at(i)).id == pnn_shape_axis(v->shape, onnx_axis_at(i)).id;
        struct onnx_size more =
            same ? onnx_known(0)
                 : onnx_size_of(o, "Sub", size_at(o, v->shape, i), size_at(o, in, i));
        pads[i] = onnx_known(offset[i]);
        pads[4 + i] = offset[i] ? onnx_size_of(o, "Sub", more, onnx_known(offset[i])) : more;
    }
    const char *x = value_in(o, v, 0), *sizes = onnx_sizes(o, pads, 8);
    return onnx_node(o, "Pad", ONNX_IN(x, sizes), ONNX_ATTR(ONNX_ATTR_TEXT("mode", mode)));
}

static const char *embed(struct onnx *o, const pnn_vertex *v)
{
    const long *at = v->attr.box.offset;
    return pad_around(o, v, (const long[4]){at[0], at[3], at[1], at[2]}, "constant");
}

static const char *squeezed(struct onnx *o, struct onnx_size a)
{
    return onnx_node(o, "Squeeze", ONNX_IN(onnx_size_value(o, a)), NULL);
}

/* One axis of a reflected border: the rows that the result's rows come from. */
struct mirror {
    const char *reflected, *clamped;
    const char *fits; /* no pad reaches the side */
};

/* i from -before; last: side - 1. Reflected: last - |last - |i||. */
static struct mirror mirror(struct onnx *o, pnn_dim in, pnn_dim out, long before)
{
    struct onnx_size side = onnx_dim(o, in), padded = onnx_dim(o, out);
    struct onnx_size end = onnx_size_of(o, "Sub", padded, onnx_known(before));
    struct onnx_size last = onnx_size_of(o, "Sub", side, onnx_known(1));
    struct onnx_size after = onnx_size_of(o, "Sub", end, side);
    const char *from = squeezed(o, onnx_known(-before)), *to = squeezed(o, end),
               *one = squeezed(o, onnx_known(1)), *n = onnx_size_value(o, last),
               *zero = onnx_ints(o, (const long[1]){0}, 1);
    const char *i = onnx_node(o, "Range", ONNX_IN(from, to, one), NULL);
    const char *j = onnx_node(o, "Sub", ONNX_IN(n, onnx_node(o, "Abs", ONNX_IN(i), NULL)), NULL);
    const char *k = onnx_node(o, "Abs", ONNX_IN(j), NULL);
    const char *not_before = onnx_node(o, "Max", ONNX_IN(i, zero), NULL);
    const char *most =
        onnx_node(o, "Max", ONNX_IN(onnx_ints(o, &before, 1), onnx_size_value(o, after)), NULL);
    return (struct mirror){
        .reflected = onnx_node(o, "Sub", ONNX_IN(n, k), NULL),
        .clamped = onnx_node(o, "Min", ONNX_IN(not_before, n), NULL),
        .fits = onnx_node(o, "LessOrEqual", ONNX_IN(most, n), NULL),
    };
}

/* Both axes replicate where one cannot reflect, which the model must find out. */
static const char *reflect(struct onnx *o, const pnn_vertex *v)
{
    pnn_shape in = pnn_shape_of(o->g, v->in[0]);
    const char *x = value_in(o, v, 0);
    struct mirror rows = mirror(o, in.h, v->shape.h, v->attr.pad.top),
                  columns = mirror(o, in.w, v->shape.w, v->attr.pad.left);
    const char *fits = onnx_node(o, "And", ONNX_IN(rows.fits, columns.fits), NULL);
    const char *row = onnx_node(o, "Where", ONNX_IN(fits, rows.reflected, rows.clamped), NULL),
               *column =
                   onnx_node(o, "Where", ONNX_IN(fits, columns.reflected, columns.clamped), NULL);
    x = onnx_node(o, "Gather", ONNX_IN(x, row), ONNX_ATTR(ONNX_ATTR_INT("axis", 2)));
    return onnx_node(o, "Gather", ONNX_IN(x, column), ONNX_ATTR(ONNX_ATTR_INT("axis", 3)));
}

static const char *pad(struct onnx *o, const pnn_vertex *v)
{
    const pnn_pad_attr *p = &v->attr.pad;
    if (p->mode == PNN_PAD_REFLECT) return reflect(o, v);
    return pad_around(o, v, (const long[4]){0, 0, p->top, p->left},
                      p->mode == PNN_PAD_ZERO ? "constant" : "edge");
}

static const char *expand(struct onnx *o, const pnn_vertex *v)
{
    const char *x = value_in(o, v, 0), *shape = onnx_shape(o, v->shape);
    return onnx_node(o, "Expand", ONNX_IN(x, shape), NULL);
}

/* The order of elements is that of memory, N H W C. */
static const char *reshaped(struct onnx *o, const pnn_vertex *v)
{
    struct onnx_size d[4];
    const char *x = transpose(o, value_in(o, v, 0), (const long[4]){0, 2, 3, 1}, 4);
    for (int i = 0; i < 4; i++) d[i] = onnx_dim(o, pnn_shape_axis(v->shape, (pnn_axis)i));
    x = onnx_node(o, "Reshape", ONNX_IN(x, onnx_sizes(o, d, 4)), NULL);
    return transpose(o, x, (const long[4]){0, 3, 1, 2}, 4);
}

/* ---- Haar: 4 x 4 signs times the cell's pixels, or the bands, of all channels and cells ---- */

static const char *bands(struct onnx *o, const char *x, float gain, pnn_shape shape)
{
    static const float signs[16] = {1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1};
    float h[16];
    for (int i = 0; i < 16; i++) h[i] = gain * signs[i];
    const char *rows = reshape(o, x, (const long[3]){0, 4, -1}, 3);
    const char *haar = onnx_reals(o, h, (const long[2]){4, 4}, 2);
    const char *product = onnx_node(o, "MatMul", ONNX_IN(haar, rows), NULL);
    return onnx_node(o, "Reshape", ONNX_IN(product, onnx_shape(o, shape)), NULL);
}

static const char *haar(struct onnx *o, const pnn_vertex *v)
{
    const char *pixels = onnx_node(o, "SpaceToDepth", ONNX_IN(value_in(o, v, 0)),
                                   ONNX_ATTR(ONNX_ATTR_INT("blocksize", 2)));
    return bands(o, pixels, 0.25f, v->shape);
}

static const char *haar_inverse(struct onnx *o, const pnn_vertex *v)
{
    const char *pixels = bands(o, value_in(o, v, 0), 1, pnn_shape_of(o->g, v->in[0]));
    return onnx_node(o, "DepthToSpace", ONNX_IN(pixels),
                     ONNX_ATTR(ONNX_ATTR_INT("blocksize", 2), ONNX_ATTR_TEXT("mode", "DCR")));
}

/* ---- Pooling, reduction, resizing ---- */

static const char *pool(struct onnx *o, const pnn_vertex *v)
{
    const long k[2] = {v->attr.k, v->attr.k};
    return onnx_node(
        o, v->op == PNN_OP_MAX_POOL ? "MaxPool" : "AveragePool", ONNX_IN(value_in(o, v, 0)),
        ONNX_ATTR(ONNX_ATTR_INTS("kernel_shape", k, 2), ONNX_ATTR_INTS("strides", k, 2)));
}

static const char *reduce(struct onnx *o, const pnn_vertex *v)
{
    const char *x = value_in(o, v, 0);
    long axes[4];
    size_t n = 0;
    for (int i = 0; i < 4; i++)
        if (v->attr.reduce.axes & 1u << onnx_axis_at(i)) axes[n++] = i;
    if (v->attr.reduce.fn == PNN_MEAN) return mean_over(o, x, axes, n);
    if (v->attr.reduce.fn == PNN_SUM)
        return onnx_node(o, "ReduceSum", ONNX_IN(x, onnx_ints(o, axes, n)), NULL);
    return onnx_node(o, "ReduceMax", ONNX_IN(x), ONNX_ATTR(ONNX_ATTR_INTS("axes", axes, n)));
}

static const char *resize(struct onnx *o, const pnn_vertex *v)
{
    const char *x = value_in(o, v, 0), *sizes = onnx_shape(o, v->shape);
    return onnx_node(
        o, "Resize", ONNX_IN(x, "", "", sizes),
        ONNX_ATTR(ONNX_ATTR_TEXT("coordinate_transformation_mode",
                                 v->attr.align_corners ? "align_corners" : "half_pixel"),
                  ONNX_ATTR_TEXT("mode", "linear")));
}

/* ---- Matrix products: a map is C x HW, a matrix 1 x K x M lies as M x 1 x K ---- */

static const char *flat(struct onnx *o, const pnn_vertex *v, int i)
{
    return reshape(o, value_in(o, v, i), (const long[3]){0, 0, -1}, 3);
}

static const char *matmul(struct onnx *o, const pnn_vertex *v)
{
    const char *a = flat(o, v, 0), *b = flat(o, v, 1);
    if (v->attr.transpose_b) b = transpose(o, b, (const long[3]){0, 2, 1}, 3);
    const char *y = onnx_node(o, "MatMul", ONNX_IN(b, a), NULL);
    return onnx_node(o, "Reshape", ONNX_IN(y, onnx_shape(o, v->shape)), NULL);
}

static const char *gram(struct onnx *o, const pnn_vertex *v)
{
    const char *a = flat(o, v, 0), *b = flat(o, v, 1);
    const char *y =
        onnx_node(o, "MatMul", ONNX_IN(b, transpose(o, a, (const long[3]){0, 2, 1}, 3)), NULL);
    return onnx_node(o, "Unsqueeze", ONNX_IN(y, onnx_ints(o, (const long[1]){2}, 1)), NULL);
}

onnx_rule *onnx_rule_of(pnn_op op)
{
    static onnx_rule *const rules[PNN_OP_COUNT] = {
        [PNN_OP_INPUT] = input,
        [PNN_OP_FILL] = fill,
        [PNN_OP_NOISE] = noise,
        [PNN_OP_CONV] = conv,
        [PNN_OP_CONV_DATA] = conv_data,
        [PNN_OP_MOMENTS] = moments,
        [PNN_OP_NORM] = norm,
        [PNN_OP_UNARY] = unary,
        [PNN_OP_BINARY] = binary,
        [PNN_OP_CONCAT] = concat,
        [PNN_OP_WINDOW] = window,
        [PNN_OP_EMBED] = embed,
        [PNN_OP_EXPAND] = expand,
        [PNN_OP_RESHAPE] = reshaped,
        [PNN_OP_PAD] = pad,
        [PNN_OP_HAAR] = haar,
        [PNN_OP_HAAR_INVERSE] = haar_inverse,
        [PNN_OP_MAX_POOL] = pool,
        [PNN_OP_AVERAGE_POOL] = pool,
        [PNN_OP_REDUCE] = reduce,
        [PNN_OP_RESIZE] = resize,
        [PNN_OP_MATMUL] = matmul,
        [PNN_OP_GRAM] = gram,
    };
    return rules[op];
}
