/* SPDX-License-Identifier: MIT */
/* Nodes, constants, operands and sizes of a model. */
#include "nn/onnx/writer.h"

#include <math.h>
#include <string.h>

#include "nn/graph_store.h"
#include "nn/half.h"

/* Field numbers of onnx.proto that only this file writes. */
enum {
    GRAPH_NODE = 1,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20
};

/* "%12" as in the graph's dump, then "%12.2". */
static const char *new_name(struct onnx *o)
{
    int part = ++o->part;
    return part == 1 ? pnn_name(o->g, "%%%d", o->node) : pnn_name(o->g, "%%%d.%d", o->node, part);
}

/* ---- Nodes ---- */

static void put_attribute(struct pnn_proto *p, const struct onnx_attr *a)
{
    static const int types[] = {[ONNX_REAL] = 1, [ONNX_INT] = 2, [ONNX_TEXT] = 3, [ONNX_INTS] = 7};
    size_t mark = pnn_proto_open(p, NODE_ATTRIBUTE);
    pnn_proto_text(p, ATTRIBUTE_NAME, a->name);
    if (a->kind == ONNX_REAL) pnn_proto_float(p, ATTRIBUTE_F, (float)a->real);
    if (a->kind == ONNX_INT) pnn_proto_int(p, ATTRIBUTE_I, a->integer);
    if (a->kind == ONNX_TEXT) pnn_proto_text(p, ATTRIBUTE_S, a->text);
    for (size_t i = 0; i < a->count; i++) pnn_proto_int(p, ATTRIBUTE_INTS, a->integers[i]);
    pnn_proto_int(p, ATTRIBUTE_TYPE, types[a->kind]);
    pnn_proto_close(p, mark);
}

void onnx_node_named(struct onnx *o, const char *type, const char *const *in,
                     const struct onnx_attr *attr, const char *name)
{
    struct pnn_proto *p = &o->out;
    size_t mark = pnn_proto_open(p, GRAPH_NODE);
    for (; *in; in++) pnn_proto_text(p, NODE_INPUT, *in);
    pnn_proto_text(p, NODE_OUTPUT, name);
    pnn_proto_text(p, NODE_NAME, name);
    pnn_proto_text(p, NODE_TYPE, type);
    for (; attr && attr->kind != ONNX_END; attr++) put_attribute(p, attr);
    pnn_proto_close(p, mark);
}

const char *onnx_node(struct onnx *o, const char *type, const char *const *in,
                      const struct onnx_attr *attr)
{
    const char *name = new_name(o);
    onnx_node_named(o, type, in, attr, name);
    return name;
}

/* ---- Constants ---- */

static void put_bits(uint8_t *to, uint64_t bits, size_t size)
{
    for (size_t k = 0; k < size; k++) to[k] = (uint8_t)(bits >> (8 * k));
}

static size_t open_tensor(struct pnn_proto *p, const char *name, int type, const long *dims,
                          size_t rank)
{
    size_t mark = pnn_proto_open(p, ONNX_GRAPH_INITIALIZER);
    for (size_t i = 0; i < rank; i++) pnn_proto_int(p, ONNX_TENSOR_DIMS, dims[i]);
    pnn_proto_int(p, ONNX_TENSOR_TYPE, type);
    pnn_proto_text(p, ONNX_TENSOR_NAME, name);
    return mark;
}

static void put_tensor(struct onnx *o, const char *name, pnn_dtype type, const float *values,
                       const long *dims, size_t rank)
{
    struct pnn_proto *p = &o->out;
    size_t count = 1, size = pnn_dtype_size(type);
    for (size_t i = 0; i < rank; i++) count *= (size_t)dims[i];
    size_t tensor = open_tensor(p, name,
                                type == PNN_F16    ? ONNX_FLOAT16
                                : type == PNN_BF16 ? ONNX_BFLOAT16
                                                   : ONNX_FLOAT,
                                dims, rank);
    size_t raw = pnn_proto_open(p, ONNX_TENSOR_RAW);
    uint8_t *to = pnn_proto_room(p, count * size);
    for (size_t i = 0; to && i < count; i++) {
        uint16_t half = type == PNN_F16 ? pnn_f16_of_f32(values[i]) : pnn_bf16_of_f32(values[i]);
        if (isinf(type == PNN_F16 ? pnn_f32_of_f16(half) : pnn_f32_of_bf16(half)) &&
            type != PNN_F32)
            pnn_error(o->g, PLN_E_RANGE,
                      "ONNX: '%s': value %zu of %zu is %g: %s cannot hold it: write F32", name, i,
                      count, (double)values[i], pnn_dtype_name(type));
        put_bits(to + i * size, type == PNN_F32 ? pnn_bits_of_f32(values[i]) : half, size);
    }
    pnn_proto_close(p, raw);
    pnn_proto_close(p, tensor);
}

const char *onnx_reals(struct onnx *o, const float *values, const long *dims, size_t rank)
{
    const char *name = new_name(o);
    put_tensor(o, name, PNN_F32, values, dims, rank);
    return name;
}

const char *onnx_real(struct onnx *o, double value)
{
    float v = (float)value;
    return onnx_reals(o, &v, NULL, 0);
}

const char *onnx_ints(struct onnx *o, const long *values, size_t count)
{
    struct pnn_proto *p = &o->out;
    const char *name = new_name(o);
    size_t tensor = open_tensor(p, name, ONNX_INT64, (const long[1]){(long)count}, 1);
    size_t raw = pnn_proto_open(p, ONNX_TENSOR_RAW);
    uint8_t *to = pnn_proto_room(p, 8 * count);
    for (size_t i = 0; to && i < count; i++) put_bits(to + 8 * i, (uint64_t)values[i], 8);
    pnn_proto_close(p, raw);
    pnn_proto_close(p, tensor);
    return name;
}

/* ---- Operands ---- */

static bool is_leaf(pnn_op op) { return op == PNN_OP_PARAM || op == PNN_OP_CONSTANT; }

static const float *leaf_values(struct onnx *o, const pnn_vertex *v, size_t count)
{
    size_t held;
    if (v->op == PNN_OP_CONSTANT) return v->attr.constant.values;
    const float *values = pnn_store_find(o->store, v->name, &held);
    if (values && held == count) return values;
    pnn_error(o->g, PLN_E_INTERNAL, "ONNX: the store has no '%s' with %zu values", v->name, count);
    return NULL;
}

/* A parameter or constant, written at its first use with the rank it is needed in there. Halves are
 * widened by the model. */
static const char *leaf(struct onnx *o, pnn_node x, size_t rank)
{
    const pnn_vertex *v = pnn_vertex_of(o->g, x);
    struct onnx_leaf *l = &o->leaves[x.id];
    size_t d[4], count;
    if (!pnn_shape_values(o->g, v->shape, (pnn_size){1, 1, 1}, d)) {
        pnn_error(o->g, PLN_E_INTERNAL, "ONNX: a constant without elements");
        return "";
    }
    count = d[0] * d[1] * d[2] * d[3];
    const long dims[4] = {(long)d[0], (long)d[1], (long)d[2], (long)d[3]};
    if (!l->name) {
        const float *values = leaf_values(o, v, count);
        const char *name = v->op == PNN_OP_PARAM ? v->name : new_name(o);
        pnn_dtype type = v->op == PNN_OP_PARAM ? o->options->weights : PNN_F32;
        if (!values) return "";
        *l = (struct onnx_leaf){name, rank};
        if (rank == 1)
            put_tensor(o, name, type, values, (const long[1]){(long)count}, 1);
        else
            put_tensor(o, name, type, values, dims, 4);
        if (type != PNN_F32)
            l->name =
                onnx_node(o, "Cast", ONNX_IN(name), ONNX_ATTR(ONNX_ATTR_INT("to", ONNX_FLOAT)));
    }
    if (l->rank == rank) return l->name;
    const char *shape = rank == 1 ? onnx_ints(o, (const long[1]){-1}, 1) : onnx_ints(o, dims, 4);
    return onnx_node(o, "Reshape", ONNX_IN(l->name, shape), NULL);
}

static bool is_vector(const struct onnx *o, pnn_node x)
{
    pnn_shape s = pnn_shape_of(o->g, x);
    long n, h, w;
    return pnn_dim_is_const(o->g, s.n, &n) && n == 1 && pnn_dim_is_const(o->g, s.h, &h) && h == 1 &&
           pnn_dim_is_const(o->g, s.w, &w) && w == 1;
}

const char *onnx_value(struct onnx *o, pnn_node x)
{
    const char **value = &o->values[x.id];
    if (*value || !is_leaf(pnn_vertex_of(o->g, x)->op)) return *value ? *value : "";
    if (is_vector(o, x)) {
        const char *shape = onnx_ints(o, (const long[4]){1, -1, 1, 1}, 4);
        *value = onnx_node(o, "Reshape", ONNX_IN(leaf(o, x, 1), shape), NULL);
    } else {
        *value = onnx_node(o, "Transpose", ONNX_IN(leaf(o, x, 4)),
                           ONNX_ATTR(ONNX_ATTR_INTS("perm", ((const long[]){0, 3, 1, 2}), 4)));
    }
    return *value;
}

const char *onnx_vector(struct onnx *o, pnn_node x)
{
    if (is_leaf(pnn_vertex_of(o->g, x)->op)) return leaf(o, x, 1);
    return onnx_node(o, "Reshape", ONNX_IN(onnx_value(o, x), onnx_ints(o, (const long[1]){-1}, 1)),
                     NULL);
}

const char *onnx_kernel(struct onnx *o, pnn_node x)
{
    if (is_leaf(pnn_vertex_of(o->g, x)->op)) return leaf(o, x, 4);
    return onnx_node(o, "Transpose", ONNX_IN(onnx_value(o, x)),
                     ONNX_ATTR(ONNX_ATTR_INTS("perm", ((const long[]){0, 2, 3, 1}), 4)));
}

/* ---- Sizes ---- */

long onnx_axis(pnn_axis axis)
{
    return axis == PNN_AXIS_N ? 0 : axis == PNN_AXIS_C ? 1 : axis == PNN_AXIS_H ? 2 : 3;
}

pnn_axis onnx_axis_at(int place)
{
    return (pnn_axis[]){PNN_AXIS_N, PNN_AXIS_C, PNN_AXIS_H, PNN_AXIS_W}[place];
}

struct onnx_size onnx_known(long value) { return (struct onnx_size){.known = value}; }

const char *onnx_size_value(struct onnx *o, struct onnx_size a)
{
    return a.name ? a.name : onnx_ints(o, &a.known, 1);
}

struct onnx_size onnx_size_of(struct onnx *o, const char *fn, struct onnx_size a,
                              struct onnx_size b)
{
    if (!a.name && !b.name) {
        long x = a.known, y = b.known;
        return onnx_known(fn[0] == 'A'   ? x + y
                          : fn[0] == 'S' ? x - y
                          : fn[0] == 'M' ? x * y
                                         : x / y);
    }
    const char *p = onnx_size_value(o, a), *q = onnx_size_value(o, b);
    return (struct onnx_size){.name = onnx_node(o, fn, ONNX_IN(p, q), NULL)};
}

/* N, H or W: the extent of an input that has it bare. */
static const char *symbol(struct onnx *o, pnn_dim d)
{
    for (int i = 1; i <= pnn_count(o->g); i++) {
        const pnn_vertex *v = pnn_vertex_of(o->g, (pnn_node){i});
        for (int k = 0; v->op == PNN_OP_INPUT && k < 4; k++)
            if (pnn_shape_axis(v->shape, onnx_axis_at(k)).id == d.id)
                return onnx_node(o, "Shape", ONNX_IN(v->name),
                                 ONNX_ATTR(ONNX_ATTR_INT("start", k), ONNX_ATTR_INT("end", k + 1)));
    }
    char text[96];
    pnn_dim_text(o->g, d, text, sizeof text);
    pnn_error(o->g, PLN_E_UNSUPPORTED, "ONNX: no input has the extent %s", text);
    return "";
}

/* Sizes are not negative where the graph fits, so Div, which cuts, is floor. */
struct onnx_size onnx_dim(struct onnx *o, pnn_dim d)
{
    static const char *const fn[] = {
        [PNN_DIM_ADD] = "Add", [PNN_DIM_MUL] = "Mul", [PNN_DIM_DIV] = "Div"};
    size_t at = (size_t)d.id;
    if (o->g->status || d.id <= 0) return onnx_known(0);
    struct pnn_dim_node v = o->g->dims[d.id - 1];
    if (v.op == PNN_DIM_CONST) return onnx_known(v.k);
    while (o->size_count <= at) {
        if (!pnn_grow(o->g, &o->sizes, &o->size_room, o->size_count, sizeof *o->sizes))
            return onnx_known(0);
        o->sizes[o->size_count++] = NULL;
    }
    if (!o->sizes[at]) {
        const char *name =
            v.op == PNN_DIM_SYMBOL
                ? symbol(o, d)
                : onnx_size_of(o, fn[v.op], onnx_dim(o, (pnn_dim){v.a}), onnx_known(v.k)).name;
        o->sizes[at] = name;
    }
    return (struct onnx_size){.name = o->sizes[at]};
}

const char *onnx_sizes(struct onnx *o, const struct onnx_size *sizes, size_t count)
{
    const char *in[9] = {NULL};
    long known[8];
    bool open = false;
    for (size_t i = 0; i < count; i++) {
        known[i] = sizes[i].known;
        open = open || sizes[i].name;
    }
    if (!open) return onnx_ints(o, known, count);
    for (size_t i = 0; i < count; i++) in[i] = onnx_size_value(o, sizes[i]);
    return onnx_node(o, "Concat", in, ONNX_ATTR(ONNX_ATTR_INT("axis", 0)));
}

const char *onnx_shape(struct onnx *o, pnn_shape s)
{
    struct onnx_size d[4];
    for (int i = 0; i < 4; i++) d[i] = onnx_dim(o, pnn_shape_axis(s, onnx_axis_at(i)));
    return onnx_sizes(o, d, 4);
}
