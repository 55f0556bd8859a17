/* SPDX-License-Identifier: MIT */
/* The model around the nodes, and its parameters read back. */
#include <string.h>

#include "nn/graph_store.h"
#include "nn/half.h"
#include "nn/onnx/writer.h"

/* Field numbers of onnx.proto that only this file writes. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,
    GRAPH_NAME = 2,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    OPSET_VERSION = 2,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_SYMBOL = 2
};

/* A reader of protocol buffers takes no more. */
static const size_t most_bytes = ((size_t)1 << 31) - 1;

/* ---- Writing ---- */

/* Name, f32, sizes as numbers or expressions of N, H, W. */
static void put_value_info(struct onnx *o, int field, const char *name, pnn_shape s)
{
    struct pnn_proto *p = &o->out;
    size_t info = pnn_proto_open(p, field);
    pnn_proto_text(p, VALUE_NAME, name);
    size_t type = pnn_proto_open(p, VALUE_TYPE), tensor = pnn_proto_open(p, TYPE_TENSOR);
    pnn_proto_int(p, TENSOR_ELEMENT, ONNX_FLOAT);
    size_t shape = pnn_proto_open(p, TENSOR_SHAPE);
    for (int i = 0; i < 4; i++) {
        pnn_dim d = pnn_shape_axis(s, onnx_axis_at(i));
        char text[96];
        long k;
        size_t dim = pnn_proto_open(p, SHAPE_DIM);
        pnn_dim_text(o->g, d, text, sizeof text);
        if (pnn_dim_is_const(o->g, d, &k))
            pnn_proto_int(p, DIM_VALUE, k);
        else
            pnn_proto_text(p, DIM_SYMBOL, text);
        pnn_proto_close(p, dim);
    }
    pnn_proto_close(p, shape);
    pnn_proto_close(p, tensor);
    pnn_proto_close(p, type);
    pnn_proto_close(p, info);
}

/* What outputs depend on, but for the pairs of vectors that BatchNormalization takes apart. */
static void mark(const struct onnx *o, bool *needed)
{
    pnn_node a, b;
    for (size_t i = 0; i < pnn_output_count(o->g); i++) needed[pnn_output_node(o->g, i).id] = true;
    for (int i = pnn_count(o->g); i > 0; i--) {
        const pnn_vertex *v = pnn_vertex_of(o->g, (pnn_node){i});
        bool apart = v->op == PNN_OP_NORM && onnx_stored_moments(o->g, v, &a, &b);
        for (int k = 0; needed[i] && k < v->n_inputs; k++)
            if (!(apart && k == 1)) needed[v->in[k].id] = true;
    }
}

static void put_node(struct onnx *o, int id)
{
    const pnn_vertex v = *pnn_vertex_of(o->g, (pnn_node){id});
    onnx_rule *rule = onnx_rule_of(v.op);
    o->node = id;
    o->part = 0;
    if (v.op == PNN_OP_PARAM || v.op == PNN_OP_CONSTANT) return; /* at their first use */
    if (!rule)
        pnn_error(o->g, PLN_E_UNSUPPORTED,
                  "ONNX: node %d is '%s': only what inference needs is exported", id,
                  pnn_op_info_of(v.op)->name);
    else
        o->values[id] = rule(o, &v);
}

static void put_graph(struct onnx *o)
{
    size_t count = (size_t)pnn_count(o->g) + 1;
    bool *needed = pnn_graph_alloc(o->g, count, sizeof *needed);
    o->values = pnn_graph_alloc(o->g, count, sizeof *o->values);
    o->leaves = pnn_graph_alloc(o->g, count, sizeof *o->leaves);
    if (o->g->status) return;

    size_t graph = pnn_proto_open(&o->out, ONNX_MODEL_GRAPH);
    pnn_proto_text(&o->out, GRAPH_NAME, o->options->name);
    mark(o, needed);
    for (size_t id = 1; id < count; id++) {
        const pnn_vertex *v = pnn_vertex_of(o->g, (pnn_node){(int)id});
        if (v->op == PNN_OP_INPUT) put_value_info(o, GRAPH_INPUT, v->name, v->shape);
        if (needed[id] && !o->g->status && !o->out.status) put_node(o, (int)id);
    }
    for (size_t i = 0; i < pnn_output_count(o->g) && !o->g->status; i++) {
        pnn_node y = pnn_output_node(o->g, i);
        const char *name = pnn_output_name(o->g, i);
        put_value_info(o, GRAPH_OUTPUT, name, pnn_shape_of(o->g, y));
        onnx_node_named(o, "Identity", ONNX_IN(onnx_value(o, y)), NULL, name);
    }
    pnn_proto_close(&o->out, graph);
}

static void put_model(struct onnx *o)
{
    struct pnn_proto *p = &o->out;
    pnn_proto_int(p, MODEL_IR_VERSION, PNN_ONNX_IR);
    pnn_proto_text(p, MODEL_PRODUCER, "planish");
    pnn_proto_text(p, MODEL_PRODUCER_VERSION, pln_version());
    put_graph(o);
    size_t opset = pnn_proto_open(p, MODEL_OPSET);
    pnn_proto_int(p, OPSET_VERSION, PNN_ONNX_OPSET);
    pnn_proto_close(p, opset);
    for (size_t i = 0; i < o->options->metadata_count; i++) {
        size_t pair = pnn_proto_open(p, MODEL_METADATA);
        pnn_proto_text(p, PAIR_KEY, o->options->metadata[i].key);
        pnn_proto_text(p, PAIR_VALUE, o->options->metadata[i].text);
        pnn_proto_close(p, pair);
    }
}

pln_status pnn_onnx_encode(pln_context *ctx, const pnn_graph *g, const pnn_store *store,
                           const pnn_onnx_options *options, void **bytes, size_t *length)
{
    struct onnx o = {.store = store, .options = options, .out = {.ctx = ctx}};
    pln_status s = PLN_OK;

    *bytes = NULL;
    if (pnn_effect_count(g))
        PLN_TRY(pln_fail(ctx, PLN_E_UNSUPPORTED,
                         "ONNX: the graph trains: only what inference needs is exported"));
    PLN_TRY(pnn_graph_copy(ctx, g, &o.g));
    put_model(&o);
    PLN_TRY(pnn_graph_status(o.g));
    PLN_TRY(o.out.status);
    if (o.out.used > most_bytes)
        PLN_TRY(pln_fail(ctx, PLN_E_LIMIT, "ONNX: %zu bytes: a file holds %zu at most", o.out.used,
                         most_bytes));
    *bytes = o.out.bytes;
    *length = o.out.used;
    o.out.bytes = NULL;
done:
    pln_free(o.out.bytes);
    pln_free(o.sizes);
    pnn_graph_free(o.g);
    return s;
}

/* ---- Reading ---- */

struct tensor {
    size_t dims[4], rank;
    uint64_t type, raw_length;
    const uint8_t *name, *raw;
    size_t name_length;
};

static bool read_tensor(const struct pnn_proto_field *message, struct tensor *t)
{
    const uint8_t *at = message->bytes, *end = at + message->value;
    struct pnn_proto_field f;
    bool damaged = false;
    *t = (struct tensor){.rank = 0};
    while (pnn_proto_next(&at, end, &f, &damaged)) {
        if (f.number == ONNX_TENSOR_DIMS && !f.bytes) {
            if (t->rank == 4) return false;
            t->dims[t->rank++] = f.value;
        }
        if (f.number == ONNX_TENSOR_TYPE) t->type = f.value;
        if (f.number == ONNX_TENSOR_NAME && f.bytes) {
            t->name = f.bytes;
            t->name_length = f.value;
        }
        if (f.number == ONNX_TENSOR_RAW && f.bytes) {
            t->raw = f.bytes;
            t->raw_length = f.value;
        }
    }
    return !damaged && t->name && t->raw;
}

/* The initializer called `name`. */
static bool find_tensor(const uint8_t *at, size_t length, const char *name, struct tensor *t,
                        bool *damaged)
{
    const uint8_t *end = at + length;
    struct pnn_proto_field f;
    while (pnn_proto_next(&at, end, &f, damaged)) {
        if (f.number != ONNX_GRAPH_INITIALIZER || !f.bytes || !read_tensor(&f, t)) continue;
        if (t->name_length == strlen(name) && !memcmp(t->name, name, t->name_length)) return true;
    }
    return false;
}

static bool widen(const struct tensor *t, size_t count, float *to)
{
    size_t size = t->type == ONNX_FLOAT ? 4 : 2, held = 1;
    if (t->type != ONNX_FLOAT && t->type != ONNX_FLOAT16 && t->type != ONNX_BFLOAT16) return false;
    for (size_t i = 0; i < t->rank; i++)
        if (!pln_mul(held, t->dims[i], &held)) return false;
    if (held != count || t->raw_length != count * size) return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        for (size_t k = 0; k < size; k++) bits |= (uint32_t)t->raw[i * size + k] << (8 * k);
        to[i] = t->type == ONNX_FLOAT     ? pnn_f32_of_bits(bits)
                : t->type == ONNX_FLOAT16 ? pnn_f32_of_f16((uint16_t)bits)
                                          : pnn_f32_of_bf16((uint16_t)bits);
    }
    return true;
}

pln_status pnn_onnx_read_weights(pln_context *ctx, const void *bytes, size_t length,
                                 const char *name, const pnn_graph *g, pnn_store *store)
{
    const uint8_t *at = bytes, *end = at + length;
    struct pnn_proto_field f, graph = {0};
    bool damaged = false, *needed = NULL;
    pln_status s = PLN_OK;

    while (pnn_proto_next(&at, end, &f, &damaged))
        if (f.number == ONNX_MODEL_GRAPH && f.bytes) graph = f;
    if (damaged || !graph.bytes)
        return pln_fail(ctx, PLN_E_MODEL, "%s: no ONNX model, or a damaged one", name);
    PLN_TRY(pln_alloc(ctx, (size_t)pnn_count(g) + 1, sizeof *needed, &needed));
    pnn_mark_needed(g, needed);
    for (int id = 1; id <= pnn_count(g); id++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){id});
        struct tensor t = {.rank = 0};
        size_t count;
        if (v->op != PNN_OP_PARAM || !needed[id]) continue;
        float *to = pnn_store_find(store, v->name, &count);
        if (!to || !find_tensor(graph.bytes, graph.value, v->name, &t, &damaged))
            PLN_TRY(pln_fail(ctx, PLN_E_MODEL, "%s: no values of '%s'", name, v->name));
        if (!widen(&t, count, to))
            PLN_TRY(pln_fail(ctx, PLN_E_MODEL, "%s: '%s' does not have %zu values", name, v->name,
                             count));
    }
done:
    pln_free(needed);
    return s;
}
