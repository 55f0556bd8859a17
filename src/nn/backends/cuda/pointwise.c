/* SPDX-License-Identifier: MIT */
/* Element-wise programs; copies are programs without steps. */
#include <stddef.h>

#include "nn/backends/cuda/cuda.h"

static const uint8_t unary_fn[PNN_UNARY_COUNT] = {
    [PNN_RELU] = CU_FN_RELU,
    [PNN_RELU6] = CU_FN_RELU6,
    [PNN_LEAKY_RELU] = CU_FN_LEAKY_RELU,
    [PNN_SIGMOID] = CU_FN_SIGMOID,
    [PNN_TANH] = CU_FN_TANH,
    [PNN_EXP] = CU_FN_EXP,
    [PNN_LOG] = CU_FN_LOG,
    [PNN_LOG_SIGMOID] = CU_FN_LOG_SIGMOID,
    [PNN_ABS] = CU_FN_ABS,
    [PNN_SQRT] = CU_FN_SQRT,
    [PNN_RECIPROCAL] = CU_FN_RECIPROCAL,
    [PNN_SQUARE] = CU_FN_SQUARE,
    [PNN_AFFINE] = CU_FN_AFFINE,
    [PNN_CLAMP] = CU_FN_CLAMP,
    [PNN_STEP] = CU_FN_STEP,
    [PNN_SIGN] = CU_FN_SIGN,
};
static const uint8_t slope_fn[PNN_UNARY_COUNT] = {
    [PNN_RELU] = CU_FN_RELU_SLOPE,
    [PNN_RELU6] = CU_FN_RELU6_SLOPE,
    [PNN_LEAKY_RELU] = CU_FN_LEAKY_RELU_SLOPE,
    [PNN_SIGMOID] = CU_FN_SIGMOID_SLOPE,
    [PNN_TANH] = CU_FN_TANH_SLOPE,
    [PNN_EXP] = CU_FN_EXP_SLOPE,
    [PNN_LOG] = CU_FN_LOG_SLOPE,
    [PNN_LOG_SIGMOID] = CU_FN_LOG_SIGMOID_SLOPE,
    [PNN_ABS] = CU_FN_ABS_SLOPE,
    [PNN_SQRT] = CU_FN_SQRT_SLOPE,
    [PNN_RECIPROCAL] = CU_FN_RECIPROCAL_SLOPE,
    [PNN_SQUARE] = CU_FN_SQUARE_SLOPE,
    [PNN_AFFINE] = CU_FN_AFFINE_SLOPE,
    [PNN_CLAMP] = CU_FN_CLAMP_SLOPE,
    [PNN_STEP] = CU_FN_FLAT_SLOPE,
    [PNN_SIGN] = CU_FN_FLAT_SLOPE,
};
static const uint8_t binary_fn[PNN_BINARY_COUNT] = {
    [PNN_ADD] = CU_FN_ADD,     [PNN_SUB] = CU_FN_SUB,
    [PNN_MUL] = CU_FN_MUL,     [PNN_DIV] = CU_FN_DIV,
    [PNN_MIN] = CU_FN_MIN,     [PNN_MAX] = CU_FN_MAX,
    [PNN_EQUAL] = CU_FN_EQUAL, [PNN_GREATER_EQUAL] = CU_FN_GREATER_EQUAL,
};
_Static_assert((int)CU_STEPS == (int)PNN_PROGRAM_MAX && (int)CU_INPUTS == (int)PNN_MAX_INPUTS,
               "every program fits");

/* A dense tensor's indices need no division. */
static void merge(cu_pointwise *p)
{
    size_t *step[CU_INPUTS + 1];
    int n = p->inputs;
    for (int j = 0; j < n; j++) step[j] = p->in[j].step;
    step[n] = p->out.step;
    pnn_merge_steps(p->d, step, n + 1);
}

/* Inputs have a slot each; a step takes the first whose value nobody reads after it (each lane is
 * read before it is written), so that a thread's slots stay few and near. */
static void set_slots(cu_pointwise *p, const pnn_instr *code, int count)
{
    int slot_of[CU_SLOTS], last[CU_SLOTS] = {0};
    for (int j = 0; j < p->inputs; j++) slot_of[j] = j;
    for (int i = 0; i < count; i++) {
        last[code[i].a] = i;
        if (code[i].binary || code[i].slope) last[code[i].b] = i;
    }
    for (int i = 0; i < count; i++) {
        bool used[CU_SLOTS] = {false};
        int slot = p->inputs;
        for (int j = 0; j < i; j++)
            if (last[p->inputs + j] > i) used[slot_of[p->inputs + j]] = true;
        while (used[slot]) slot++;
        slot_of[p->inputs + i] = slot;
        const pnn_instr *c = &code[i];
        p->step[i] = (cu_step){.fn = c->binary  ? binary_fn[c->fn]
                                     : c->slope ? slope_fn[c->fn]
                                                : unary_fn[c->fn],
                               .a = (uint8_t)slot_of[c->a],
                               .b = (uint8_t)slot_of[c->binary || c->slope ? c->b : c->a],
                               .y = (uint8_t)slot,
                               .p = (float)c->p,
                               .q = (float)c->q};
    }
    p->steps = count;
    p->result = slot_of[count ? p->inputs + count - 1 : 0];
}

pln_status cu_launch_program(cu_job *job, const pnn_instr *code, int count, const cu_view *in,
                             int inputs, cu_view out, const size_t d[4], const int *patches)
{
    cu_pointwise p = {.count = cu_count(d), .out = out, .inputs = inputs};
    cu_copy4(p.d, d);
    for (int i = 0; i < inputs; i++) p.in[i] = in[i];
    set_slots(&p, code, count);
    if (p.count) merge(&p);
    return cu_job_launch(job, CU_pointwise, &p, sizeof p, cu_pointwise_threads(p.count), patches);
}

pln_status cu_launch_copy(cu_job *job, cu_view x, cu_view y, const size_t d[4])
{
    return cu_launch_program(job, NULL, 0, &x, 1, y, d, NULL);
}

static pln_status launch_fill(cu_job *job, const pnn_tensor *out, double value)
{
    cu_pointwise p = {.count = pnn_elements(out),
                      .out = cu_view_of(out),
                      .steps = 1,
                      .step = {{.fn = CU_FN_FILL, .p = (float)value}}};
    cu_copy4(p.d, out->d);
    if (p.count) merge(&p);
    return cu_job_launch(job, CU_pointwise, &p, sizeof p, cu_pointwise_threads(p.count), NULL);
}

pln_status cu_prepare_pointwise(cu_job *job, const pnn_call *call)
{
    const pnn_vertex *v = call->v;
    const pnn_tensor *out = &call->out;
    cu_view in[PNN_MAX_INPUTS];
    pnn_instr one = {.a = 0, .b = 1};

    if (v->op == PNN_OP_FILL) return launch_fill(job, out, v->attr.fill);
    if (v->op == PNN_OP_ASSIGN)
        return cu_launch_copy(job, cu_view_as(&call->in[1], call->in[0].d),
                              cu_view_of(&call->in[0]), call->in[0].d);
    for (int i = 0; i < v->n_inputs; i++) in[i] = cu_view_as(&call->in[i], out->d);
    switch (v->op) {
    case PNN_OP_FUSED:
        return cu_launch_program(job, v->attr.fused.code, v->attr.fused.count, in, v->n_inputs,
                                 cu_view_of(out), out->d, NULL);
    case PNN_OP_BINARY:
        one.binary = true;
        one.fn = v->attr.binary;
        break;
    case PNN_OP_UNARY:
    case PNN_OP_UNARY_GRAD:
        one.slope = v->op == PNN_OP_UNARY_GRAD;
        one.fn = v->attr.unary.fn;
        one.p = v->attr.unary.a;
        one.q = v->attr.unary.b;
        break;
    default: /* CAST, EXPAND */
        return cu_launch_copy(job, in[0], cu_view_of(out), out->d);
    }
    return cu_launch_program(job, &one, 1, in, v->n_inputs, cu_view_of(out), out->d, NULL);
}
