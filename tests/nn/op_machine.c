/* SPDX-License-Identifier: MIT */
#include "op_machine.h"

#include "../support.h"
#include "device/ops.h"
#include "nn/half.h"

enum { GUARD32 = 0x7fc5a5a5, GUARD16 = 0x7fa5 }; /* NaNs of f32 and bf16 */

struct node {
    pnn_tensor t;
    void *memory;
    size_t room; /* elements of memory, gaps included */
    pnn_call call;
    pnn_kernel kernel;
    bool runs;
};

struct op_machine {
    pln_context *ctx;
    const pnn_graph *g;
    pln_device *device;
    struct node *nodes; /* [id] */
    int count;
    void *work;
};

/* The host reads and writes it too, while the device rests. */
static void *memory_new(op_machine *m, size_t bytes)
{
    void *memory = NULL;
    if (m->device)
        OK(m->ctx, m->device->ops->alloc(m->device, bytes, true, "a test", &memory));
    else
        OK(m->ctx, pln_alloc(m->ctx, bytes, 1, &memory));
    return memory;
}

static void memory_free(op_machine *m, void *memory)
{
    if (m->device)
        m->device->ops->free(m->device, memory);
    else
        pln_free(memory);
}

static bool is_source(pnn_op op)
{
    return op == PNN_OP_INPUT || op == PNN_OP_PARAM || op == PNN_OP_CONSTANT;
}
static bool is_effect(pnn_op op) { return op == PNN_OP_ASSIGN || op == PNN_OP_ADAM; }

static bool stays_dense(pnn_op op)
{
    return op == PNN_OP_PARAM || op == PNN_OP_CONSTANT || op == PNN_OP_CONV_WEIGHT;
}

static void guard(struct node *n)
{
    for (size_t i = 0; i < n->room; i++)
        if (n->t.type == PNN_BF16)
            ((uint16_t *)n->memory)[i] = GUARD16;
        else
            ((uint32_t *)n->memory)[i] = GUARD32;
}

static bool guarded(const struct node *n, size_t i)
{
    return n->t.type == PNN_BF16 ? ((const uint16_t *)n->memory)[i] == GUARD16
                                 : ((const uint32_t *)n->memory)[i] == GUARD32;
}

static size_t first_element(const struct node *n)
{
    return (size_t)((char *)n->t.data - (char *)n->memory) / (n->t.type == PNN_BF16 ? 2 : 4);
}

op_machine *op_machine_new(pln_context *ctx, const pnn_graph *g, pnn_size size, bool gaps,
                           pln_device *device)
{
    op_machine *m = NULL;
    OK(ctx, pln_calloc(ctx, 1, sizeof *m, &m));
    m->ctx = ctx;
    m->device = device;
    m->g = g;
    m->count = pnn_count(g);
    OK(ctx, pln_calloc(ctx, (size_t)m->count + 1, sizeof *m->nodes, &m->nodes));
    for (int i = 1; i <= m->count; i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        struct node *n = &m->nodes[i];
        bool gap = gaps && !stays_dense(v->op);
        size_t before = gap ? (size_t)i % 4 : 0;
        if (is_effect(v->op)) continue;
        assert_true(pnn_shape_values(g, v->shape, size, n->t.d));
        n->t.type = v->type;
        n->t.stride = n->t.d[3] + (gap ? (size_t)(3 * i + 2) % 6 : 0);
        n->room = before + pnn_positions(&n->t) * n->t.stride;
        size_t bytes = n->t.type == PNN_BF16 ? 2 : 4;
        n->memory = memory_new(m, n->room * bytes);
        n->t.data = (char *)n->memory + before * bytes;
        guard(n);
        if (v->op == PNN_OP_CONSTANT) op_machine_set(m, (pnn_node){i}, v->attr.constant.values);
    }
    return m;
}

static void release(op_machine *m)
{
    for (int i = 1; i <= m->count; i++) {
        struct node *n = &m->nodes[i];
        if (n->runs && n->kernel.release) n->kernel.release(n->kernel.state);
        n->runs = false;
    }
    memory_free(m, m->work);
    m->work = NULL;
}

void op_machine_free(op_machine *m)
{
    release(m);
    for (int i = 1; i <= m->count; i++) memory_free(m, m->nodes[i].memory);
    pln_free(m->nodes);
    pln_free(m);
}

size_t op_machine_elements(const op_machine *m, pnn_node x)
{
    return pnn_elements(&m->nodes[x.id].t);
}

void op_machine_set(op_machine *m, pnn_node x, const float *values)
{
    const pnn_tensor *t = &m->nodes[x.id].t;
    assert_true(t->type != PNN_BF16);
    for (size_t i = 0; i < pnn_positions(t); i++)
        memcpy((float *)t->data + i * t->stride, values + i * t->d[3], t->d[3] * sizeof *values);
}

void op_machine_get(const op_machine *m, pnn_node x, float *values)
{
    const pnn_tensor *t = &m->nodes[x.id].t;
    for (size_t i = 0; i < pnn_positions(t); i++)
        for (size_t c = 0; c < t->d[3]; c++)
            values[i * t->d[3] + c] =
                t->type == PNN_BF16
                    ? pnn_f32_of_bf16(((const uint16_t *)t->data)[i * t->stride + c])
                    : ((const float *)t->data)[i * t->stride + c];
}

void op_machine_prepare(op_machine *m, const pnn_backend_info *backend, bool fixed, uint64_t seed)
{
    size_t bytes = 0;
    release(m);
    for (int i = 1; i <= m->count; i++) {
        const pnn_vertex *v = pnn_vertex_of(m->g, (pnn_node){i});
        struct node *n = &m->nodes[i];
        if (is_source(v->op)) continue;
        n->call = (pnn_call){.v = v, .out = n->t, .seed = seed, .device = m->device};
        if (is_effect(v->op)) n->call.out = (pnn_tensor){0};
        for (int k = 0; k < v->n_inputs; k++) {
            if (!v->in[k].id) continue;
            pnn_op op = pnn_vertex_of(m->g, v->in[k])->op;
            n->call.in[k] = m->nodes[v->in[k].id].t;
            n->call.fixed[k] = op == PNN_OP_CONSTANT || (op == PNN_OP_PARAM && fixed);
        }
        OK(m->ctx, backend->prepare(m->ctx, &n->call, &n->kernel));
        n->runs = true;
        bytes = pln_max(bytes, n->kernel.work_bytes);
    }
    m->work = memory_new(m, bytes);
    if (m->device)
        OK(m->ctx, m->device->ops->upload(m->device, m->device->seed, &seed, sizeof seed));
}

static void check_gaps(const op_machine *m, int id)
{
    const struct node *n = &m->nodes[id];
    size_t first = first_element(n);
    if (!n->memory) return;
    for (size_t i = 0; i < n->room; i++) {
        bool inside = i >= first && (i - first) % n->t.stride < n->t.d[3];
        if (!inside && !guarded(n, i))
            fail_msg("node %d, %s by %s: wrote into the gap after position %zu", id,
                     pnn_op_info_of(pnn_vertex_of(m->g, (pnn_node){id})->op)->name, n->kernel.name,
                     i < first ? 0 : (i - first) / n->t.stride);
    }
}

void op_machine_run(op_machine *m)
{
    for (int i = 1; i <= m->count; i++) {
        struct node *n = &m->nodes[i];
        if (!n->runs) continue;
        if (n->memory) guard(n);
        OK(m->ctx, n->kernel.run(m->ctx, &n->kernel, &n->call, m->work));
        if (m->device) OK(m->ctx, m->device->ops->wait(m->device));
        check_gaps(m, i);
    }
}

const char *op_machine_kernel(const op_machine *m, pnn_node x)
{
    return m->nodes[x.id].runs ? m->nodes[x.id].kernel.name : NULL;
}
