/* SPDX-License-Identifier: MIT */
/* Fewer walks through memory: what follows a convolution goes into it, what is done element by
 * element is done together. */
#include <string.h>

#include "nn/passes/passes.h"

/* ---- Into convolutions ---- */

/* The convolution that makes x, if x is its only user and nothing stands in the way. */
static bool open_conv(const pnn_pass *p, pnn_node x)
{
    const pnn_vertex *v = pnn_vertex_of(p->g, x);
    return v->op == PNN_OP_CONV && p->users[x.id] == 1;
}

static bool fuse_activation(pnn_pass *p, pnn_vertex *v)
{
    static const pnn_act act_of[PNN_UNARY_COUNT] = {[PNN_RELU] = PNN_ACT_RELU,
                                                    [PNN_RELU6] = PNN_ACT_RELU6,
                                                    [PNN_LEAKY_RELU] = PNN_ACT_LEAKY_RELU};
    pnn_act act = act_of[v->attr.unary.fn];
    if (!act || !open_conv(p, v->in[0])) return false;
    pnn_vertex conv = *pnn_vertex_of(p->g, v->in[0]);
    if (conv.attr.conv.e.act || conv.attr.conv.e.residual_after) return false;
    conv.attr.conv.e.act = act;
    conv.attr.conv.e.slope = v->attr.unary.a;
    *v = conv;
    return true;
}

static bool fuse_residual(pnn_pass *p, pnn_vertex *v)
{
    /* Of two convolutions the later one takes the other's result. */
    int first = v->in[0].id > v->in[1].id ? 0 : 1;
    for (int t = 0; t < 2; t++) {
        int k = t == 0 ? first : 1 - first;
        if (!open_conv(p, v->in[k]) || v->in[0].id == v->in[1].id) continue;
        pnn_vertex conv = *pnn_vertex_of(p->g, v->in[k]);
        pnn_node other = v->in[1 - k];
        if (conv.in[3].id || !pnn_same_shape(conv.shape, v->shape) ||
            !pnn_same_shape(pnn_shape_of(p->g, other), v->shape))
            continue;
        conv.n_inputs = 4;
        conv.in[3] = other;
        if (conv.attr.conv.e.act)
            conv.attr.conv.e.residual_after = true;
        else
            conv.attr.conv.e.residual_before = true;
        *v = conv;
        return true;
    }
    return false;
}

pln_status pnn_pass_fuse_conv(pnn_pass *p)
{
    for (int i = 1; i <= pnn_count(p->g); i++) {
        pnn_vertex *v = pnn_vertex_mut(p->g, (pnn_node){i});
        if (!p->users[i]) continue;
        if (v->op == PNN_OP_UNARY) fuse_activation(p, v);
        if (v->op == PNN_OP_BINARY && v->attr.binary == PNN_ADD) fuse_residual(p, v);
    }
    return PLN_OK;
}

/* ---- Into normalisations ---- */

/* The normalisation that makes x, if x is its only user and no ReLU came before. */
static const pnn_vertex *open_norm(const pnn_pass *p, pnn_node x)
{
    const pnn_vertex *v = pnn_vertex_of(p->g, x);
    return v->op == PNN_OP_NORM && p->users[x.id] == 1 && !v->attr.norm.relu ? v : NULL;
}

static void fuse_norm_residual(const pnn_pass *p, pnn_vertex *v)
{
    for (int k = 0; k < 2; k++) {
        const pnn_vertex *norm = open_norm(p, v->in[k]);
        pnn_node other = v->in[1 - k];
        if (!norm || norm->n_inputs > 4 || !pnn_same_shape(norm->shape, v->shape) ||
            !pnn_same_shape(pnn_shape_of(p->g, other), v->shape))
            continue;
        *v = *norm;
        v->n_inputs = 5;
        v->in[4] = other;
        return;
    }
}

pln_status pnn_pass_fuse_norm(pnn_pass *p)
{
    for (int i = 1; i <= pnn_count(p->g); i++) {
        pnn_vertex *v = pnn_vertex_mut(p->g, (pnn_node){i});
        if (!p->users[i]) continue;
        if (v->op == PNN_OP_BINARY && v->attr.binary == PNN_ADD) fuse_norm_residual(p, v);
        if (v->op != PNN_OP_UNARY || v->attr.unary.fn != PNN_RELU) continue;
        const pnn_vertex *norm = open_norm(p, v->in[0]);
        if (!norm) continue;
        *v = *norm;
        v->attr.norm.relu = true;
    }
    return PLN_OK;
}

/* ---- Into sums ---- */

pln_status pnn_pass_fuse_products(pnn_pass *p)
{
    for (int i = 1; i <= pnn_count(p->g); i++) {
        pnn_vertex *v = pnn_vertex_mut(p->g, (pnn_node){i});
        if (!p->users[i] || v->op != PNN_OP_REDUCE || v->attr.reduce.fn == PNN_REDUCE_MAX ||
            p->users[v->in[0].id] != 1)
            continue;
        const pnn_vertex *m = pnn_vertex_of(p->g, v->in[0]);
        if (m->op != PNN_OP_BINARY || m->attr.binary != PNN_MUL ||
            !pnn_same_shape(pnn_shape_of(p->g, m->in[0]), m->shape) ||
            !pnn_same_shape(pnn_shape_of(p->g, m->in[1]), m->shape))
            continue;
        v->n_inputs = 2;
        v->in[1] = m->in[1];
        v->in[0] = m->in[0];
    }
    return PLN_OK;
}

/* ---- Maximum and mean at once ---- */

/* The other operand of the product x if that is a factor of each channel, and the product goes into
 * two reductions and what is done element by element: nothing then needs it in memory. */
static pnn_node channel_factor(const pnn_pass *p, pnn_node x)
{
    const pnn_vertex *v = pnn_vertex_of(p->g, x);
    bool elementwise = false;
    if (v->op != PNN_OP_BINARY || v->attr.binary != PNN_MUL || p->users[x.id] != 3 ||
        !pnn_same_shape(pnn_shape_of(p->g, v->in[0]), v->shape))
        return (pnn_node){0};
    pnn_shape f = pnn_shape_of(p->g, v->in[1]);
    if (pnn_dim_value(p->g, f.h, p->size) != 1 || pnn_dim_value(p->g, f.w, p->size) != 1 ||
        f.c.id != v->shape.c.id)
        return (pnn_node){0};
    for (int i = x.id + 1; i <= pnn_count(p->g) && !elementwise; i++) {
        const pnn_vertex *user = pnn_vertex_of(p->g, (pnn_node){i});
        for (int k = 0; k < user->n_inputs; k++)
            elementwise =
                elementwise || (user->in[k].id == x.id && p->users[i] &&
                                user->op == PNN_OP_BINARY && pnn_same_shape(user->shape, v->shape));
    }
    return elementwise ? v->in[1] : (pnn_node){0};
}

pln_status pnn_pass_fuse_max_mean(pnn_pass *p)
{
    for (int i = 1; i <= pnn_count(p->g); i++) {
        pnn_vertex *v = pnn_vertex_mut(p->g, (pnn_node){i});
        if (!p->users[i] || v->op != PNN_OP_CONCAT || v->n_inputs != 2) continue;
        const pnn_vertex *max = pnn_vertex_of(p->g, v->in[0]),
                         *mean = pnn_vertex_of(p->g, v->in[1]);
        const unsigned pixels = PNN_OVER_H | PNN_OVER_W;
        unsigned axes = v->attr.axis == PNN_AXIS_C ? PNN_OVER_C : pixels;
        if ((axes == pixels && v->attr.axis != PNN_AXIS_W) || max->op != PNN_OP_REDUCE ||
            mean->op != PNN_OP_REDUCE || max->attr.reduce.fn != PNN_REDUCE_MAX ||
            mean->attr.reduce.fn != PNN_MEAN || max->in[0].id != mean->in[0].id ||
            max->attr.reduce.axes != axes || mean->attr.reduce.axes != axes ||
            p->users[v->in[0].id] != 1 || p->users[v->in[1].id] != 1)
            continue;
        pnn_node x = max->in[0];
        pnn_node factor = axes == PNN_OVER_C ? channel_factor(p, x) : (pnn_node){0};
        if (factor.id) x = pnn_vertex_of(p->g, x)->in[0];
        *v = (pnn_vertex){.op = PNN_OP_MAX_MEAN,
                          .type = v->type,
                          .shape = v->shape,
                          .n_inputs = factor.id ? 2 : 1,
                          .in = {x, factor},
                          .attr.reduce = {.axes = axes}};
    }
    return PLN_OK;
}

/* ---- Element by element ---- */

struct program {
    int inputs, count;
    pnn_node in[PNN_MAX_INPUTS];
    pnn_instr code[PNN_PROGRAM_MAX];
};

/* Registers of inputs are 0, 1, ..; of instructions, while the number of inputs is open, LATER + i.
 */
enum { LATER = 1000 };

static int input_register(struct program *m, pnn_node x)
{
    for (int i = 0; i < m->inputs; i++)
        if (m->in[i].id == x.id) return i;
    if (m->inputs == PNN_MAX_INPUTS) return -1;
    m->in[m->inputs] = x;
    return m->inputs++;
}

static bool pointwise(pnn_op op)
{
    return op == PNN_OP_UNARY || op == PNN_OP_UNARY_GRAD || op == PNN_OP_BINARY ||
           op == PNN_OP_FUSED;
}

/* Writes v's own work with its operands in the given registers. */
static bool emit(struct program *m, const pnn_vertex *v, const int *reg)
{
    int made = v->op == PNN_OP_FUSED ? v->attr.fused.count : 1;
    if (m->count + made > PNN_PROGRAM_MAX) return false;
    if (v->op == PNN_OP_FUSED) {
        int base = m->count;
        for (int i = 0; i < made; i++) {
            pnn_instr c = v->attr.fused.code[i];
            c.a = c.a < v->n_inputs ? reg[c.a] : LATER + base + c.a - v->n_inputs;
            c.b = c.b < v->n_inputs ? reg[c.b] : LATER + base + c.b - v->n_inputs;
            m->code[m->count++] = c;
        }
        return true;
    }
    bool binary = v->op == PNN_OP_BINARY;
    m->code[m->count++] = (pnn_instr){
        .binary = binary,
        .slope = v->op == PNN_OP_UNARY_GRAD,
        .fn = binary ? v->attr.binary : v->attr.unary.fn,
        .a = reg[0],
        .b = v->n_inputs > 1 ? reg[1] : reg[0],
        .p = binary ? 0 : v->attr.unary.a,
        .q = binary ? 0 : v->attr.unary.b,
    };
    return true;
}

/* v with the producers of its operands pulled in where only v uses them. */
static bool build(const pnn_pass *p, const pnn_vertex *v, struct program *m, bool *changed)
{
    int reg[PNN_MAX_INPUTS];
    for (int k = 0; k < v->n_inputs; k++) {
        pnn_node x = v->in[k];
        const pnn_vertex *from = pnn_vertex_of(p->g, x);
        if (from->op == PNN_OP_EXPAND) {
            x = from->in[0];
            *changed = true;
            from = pnn_vertex_of(p->g, x);
        }
        reg[k] = -1;
        if (pointwise(from->op) && p->users[x.id] == 1 && pnn_same_shape(from->shape, v->shape)) {
            struct program before = *m;
            int inner[PNN_MAX_INPUTS];
            bool fits = true;
            for (int i = 0; i < from->n_inputs && fits; i++)
                fits = (inner[i] = input_register(m, from->in[i])) >= 0;
            if (fits && emit(m, from, inner))
                reg[k] = LATER + m->count - 1, *changed = true;
            else
                *m = before;
        }
        if (reg[k] < 0 && (reg[k] = input_register(m, x)) < 0) return false;
    }
    return emit(m, v, reg);
}

pln_status pnn_pass_fuse_pointwise(pnn_pass *p)
{
    pnn_graph *g = p->g;
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex v = *pnn_vertex_of(g, (pnn_node){i});
        struct program m = {0};
        bool changed = false;
        if (!p->users[i] || !pointwise(v.op) || !build(p, &v, &m, &changed) || !changed) continue;
        pnn_instr *code = pnn_graph_alloc(g, (size_t)m.count, sizeof *code);
        if (!code) break;
        for (int k = 0; k < m.count; k++) {
            code[k] = m.code[k];
            if (code[k].a >= LATER) code[k].a += m.inputs - LATER;
            if (code[k].b >= LATER) code[k].b += m.inputs - LATER;
        }
        pnn_vertex fused = {.op = PNN_OP_FUSED,
                            .type = v.type,
                            .shape = v.shape,
                            .n_inputs = m.inputs,
                            .attr.fused = {m.count, code}};
        memcpy(fused.in, m.in, sizeof fused.in);
        *pnn_vertex_mut(g, (pnn_node){i}) = fused;
    }
    return pnn_graph_status(g);
}

/* ---- Precision ---- */

static bool makes_bf16(pnn_op op)
{
    return pointwise(op) || op == PNN_OP_CONV || op == PNN_OP_NORM;
}

/* Operand k: a normalisation reads f32, but for the residual. */
static bool takes_bf16(pnn_op op, int k) { return makes_bf16(op) && (op != PNN_OP_NORM || k == 4); }

pln_status pnn_pass_bf16(pnn_pass *p)
{
    pnn_graph *g = p->g;
    bool changed = true;
    for (int i = 1; i <= pnn_count(g); i++) {
        pnn_vertex *v = pnn_vertex_mut(g, (pnn_node){i});
        bool wide = pnn_channels(g, (pnn_node){i}) > 4;
        if (p->users[i] && wide && (makes_bf16(v->op) || v->op == PNN_OP_CONCAT))
            v->type = PNN_BF16;
    }
    for (size_t i = 0; i < pnn_output_count(g); i++)
        pnn_vertex_mut(g, pnn_output_node(g, i))->type = PNN_F32;
    while (changed) {
        changed = false;
        for (int i = 1; i <= pnn_count(g); i++) {
            pnn_vertex *v = pnn_vertex_mut(g, (pnn_node){i});
            if (!p->users[i]) continue;
            /* Parts of a concatenation and the whole are of one type; others read f32 only. */
            bool narrow = v->op == PNN_OP_CONCAT && v->type == PNN_BF16;
            for (int k = 0; k < v->n_inputs && narrow; k++)
                narrow = v->in[k].id && pnn_vertex_of(g, v->in[k])->type == PNN_BF16;
            if (narrow) continue;
            if (!makes_bf16(v->op)) {
                changed = changed || v->type != PNN_F32;
                v->type = PNN_F32;
            }
            for (int k = 0; k < v->n_inputs; k++) {
                if (takes_bf16(v->op, k) || !v->in[k].id ||
                    pnn_vertex_of(g, v->in[k])->type == PNN_F32)
                    continue;
                pnn_vertex_mut(g, v->in[k])->type = PNN_F32;
                changed = true;
            }
        }
    }
    return PLN_OK;
}
