/* SPDX-License-Identifier: MIT */
/* Element-wise programs, interpreted: a step is decoded once for CU_LANES elements of a thread, a
 * block's width apart, so that neighbours read neighbours whatever the alignment. An interpreter
 * needs no compiler at run time and no seconds of a plan's making, and what runs on the device is
 * what the tests run. */
#ifndef PLN_DEVICE_KERNELS_POINTWISE_H
#define PLN_DEVICE_KERNELS_POINTWISE_H

#include "device/kernels/base.h"

enum { CU_LANES = 4, CU_INPUTS = 8, CU_STEPS = 24, CU_SLOTS = CU_INPUTS + CU_STEPS };

typedef enum cu_fn {
    CU_FN_FILL, /* p */
    CU_FN_RELU,
    CU_FN_RELU6,
    CU_FN_LEAKY_RELU,
    CU_FN_SIGMOID,
    CU_FN_TANH,
    CU_FN_EXP,
    CU_FN_LOG,
    CU_FN_LOG_SIGMOID,
    CU_FN_ABS,
    CU_FN_SQRT,
    CU_FN_RECIPROCAL,
    CU_FN_SQUARE,
    CU_FN_AFFINE,
    CU_FN_CLAMP,
    CU_FN_STEP,
    CU_FN_SIGN,
    /* Slopes at a (of x, or of y where pnn_unary_uses_output says so) times b. */
    CU_FN_RELU_SLOPE,
    CU_FN_RELU6_SLOPE,
    CU_FN_LEAKY_RELU_SLOPE,
    CU_FN_SIGMOID_SLOPE,
    CU_FN_TANH_SLOPE,
    CU_FN_EXP_SLOPE,
    CU_FN_LOG_SLOPE,
    CU_FN_LOG_SIGMOID_SLOPE,
    CU_FN_ABS_SLOPE,
    CU_FN_SQRT_SLOPE,
    CU_FN_RECIPROCAL_SLOPE,
    CU_FN_SQUARE_SLOPE,
    CU_FN_AFFINE_SLOPE,
    CU_FN_CLAMP_SLOPE,
    CU_FN_FLAT_SLOPE,
    CU_FN_ADD,
    CU_FN_SUB,
    CU_FN_MUL,
    CU_FN_DIV,
    CU_FN_MIN,
    CU_FN_MAX,
    CU_FN_GREATER_EQUAL,
    CU_FN_EQUAL
} cu_fn;

/* slot y = fn(slot a, slot b) */
typedef struct cu_step {
    uint8_t fn, a, b, y;
    float p, q;
} cu_step;

typedef struct cu_pointwise {
    size_t d[4], count; /* elements of out */
    cu_view in[CU_INPUTS], out;
    int inputs, steps, result; /* slot of the result; inputs have the first slots */
    cu_step step[CU_STEPS];
} cu_pointwise;

/* Indices for so many elements: whole blocks. */
CU_BODY size_t cu_pointwise_threads(size_t count)
{
    const size_t each = (size_t)CU_BLOCK * CU_LANES;
    return (count + each - 1) / each * CU_BLOCK;
}

CU_BODY float cu_sigmoid(float x)
{
    float e = expf(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

CU_BODY void cu_run_step(const cu_step *s, float r[CU_SLOTS][CU_LANES])
{
    float *ra = r[s->a], *rb = r[s->b], *ry = r[s->y];
    const float p = s->p, q = s->q;
#define EACH(formula)                                                                              \
    for (int k = 0; k < CU_LANES; k++) {                                                           \
        const float a = ra[k], b = rb[k];                                                          \
        (void)a, (void)b;                                                                          \
        ry[k] = (formula);                                                                         \
    }                                                                                              \
    break
    switch ((cu_fn)s->fn) {
    case CU_FN_FILL:
        EACH(p);
    case CU_FN_RELU:
        EACH(a > 0 ? a : 0.0f);
    case CU_FN_RELU6:
        EACH(a > 6 ? 6.0f : a > 0 ? a : 0.0f);
    case CU_FN_LEAKY_RELU:
        EACH(a > 0 ? a : p * a);
    case CU_FN_SIGMOID:
        EACH(cu_sigmoid(a));
    case CU_FN_TANH:
        EACH(tanhf(a));
    case CU_FN_EXP:
        EACH(expf(a));
    case CU_FN_LOG:
        EACH(logf(a));
    case CU_FN_LOG_SIGMOID:
        EACH((a < 0 ? a : 0.0f) - log1pf(expf(-fabsf(a))));
    case CU_FN_ABS:
        EACH(fabsf(a));
    case CU_FN_SQRT:
        EACH(sqrtf(a));
    case CU_FN_RECIPROCAL:
        EACH(1.0f / a);
    case CU_FN_SQUARE:
        EACH(a * a);
    case CU_FN_AFFINE:
        EACH(p * a + q);
    case CU_FN_CLAMP:
        EACH(a < p ? p : a > q ? q : a);
    case CU_FN_STEP:
        EACH(a > 0 ? 1.0f : 0.0f);
    case CU_FN_SIGN:
        EACH(a > 0 ? 1.0f : a < 0 ? -1.0f : 0.0f);
    case CU_FN_RELU_SLOPE:
        EACH(a > 0 ? b : 0.0f);
    case CU_FN_RELU6_SLOPE:
        EACH(a > 0 && a < 6 ? b : 0.0f);
    case CU_FN_LEAKY_RELU_SLOPE:
        EACH(a > 0 ? b : p * b);
    case CU_FN_SIGMOID_SLOPE:
        EACH(a * (1 - a) * b);
    case CU_FN_TANH_SLOPE:
        EACH((1 - a * a) * b);
    case CU_FN_EXP_SLOPE:
        EACH(a * b);
    case CU_FN_LOG_SLOPE:
        EACH(b / a);
    case CU_FN_LOG_SIGMOID_SLOPE:
        EACH(-expm1f(a) * b);
    case CU_FN_ABS_SLOPE:
        EACH(a > 0 ? b : a < 0 ? -b : 0.0f);
    case CU_FN_SQRT_SLOPE:
        EACH(0.5f * b / a);
    case CU_FN_RECIPROCAL_SLOPE:
        EACH(-a * a * b);
    case CU_FN_SQUARE_SLOPE:
        EACH(2 * a * b);
    case CU_FN_AFFINE_SLOPE:
        EACH(p * b);
    case CU_FN_CLAMP_SLOPE:
        EACH(a >= p && a <= q ? b : 0.0f);
    case CU_FN_FLAT_SLOPE:
        EACH(0.0f);
    case CU_FN_ADD:
        EACH(a + b);
    case CU_FN_SUB:
        EACH(a - b);
    case CU_FN_MUL:
        EACH(a * b);
    case CU_FN_DIV:
        EACH(a / b);
    case CU_FN_MIN:
        EACH(a < b ? a : b);
    case CU_FN_MAX:
        EACH(a > b ? a : b);
    case CU_FN_GREATER_EQUAL:
        EACH(a >= b ? 1.0f : 0.0f);
    case CU_FN_EQUAL:
        EACH(a == b ? 1.0f : 0.0f);
    }
#undef EACH
}

CU_BODY void cu_pointwise_body(const cu_pointwise *p, size_t i)
{
    size_t first = i / CU_BLOCK * ((size_t)CU_BLOCK * CU_LANES) + i % CU_BLOCK, to[CU_LANES];
    float r[CU_SLOTS][CU_LANES];

    if (first >= p->count) return;
    for (int k = 0; k < CU_LANES; k++) {
        size_t e = first + (size_t)k * CU_BLOCK, at[4];
        /* A lane beyond the end computes the first one's element and writes nothing. */
        cu_indices(p->d, e < p->count ? e : first, at);
        to[k] = cu_offset(&p->out, at);
        for (int j = 0; j < p->inputs; j++) r[j][k] = cu_get(&p->in[j], cu_offset(&p->in[j], at));
    }
    for (int j = 0; j < p->steps; j++) cu_run_step(&p->step[j], r);
    for (int k = 0; k < CU_LANES; k++)
        if (first + (size_t)k * CU_BLOCK < p->count) cu_put(&p->out, to[k], r[p->result][k]);
}

#endif
