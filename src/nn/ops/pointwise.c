/* SPDX-License-Identifier: MIT */
/* Element by element: functions of one value and of two, with their slopes. */
#include <math.h>
#include <stdio.h>

#include "nn/graph.h"

static const char *const unary_names[PNN_UNARY_COUNT] = {
    [PNN_RELU] = "relu",       [PNN_RELU6] = "relu6",   [PNN_LEAKY_RELU] = "leaky_relu",
    [PNN_SIGMOID] = "sigmoid", [PNN_TANH] = "tanh",     [PNN_EXP] = "exp",
    [PNN_LOG] = "log",         [PNN_ABS] = "abs",       [PNN_LOG_SIGMOID] = "log_sigmoid",
    [PNN_SQRT] = "sqrt",       [PNN_SQUARE] = "square", [PNN_RECIPROCAL] = "reciprocal",
    [PNN_AFFINE] = "affine",   [PNN_CLAMP] = "clamp",   [PNN_STEP] = "step",
    [PNN_SIGN] = "sign",
};
static const char *const binary_names[PNN_BINARY_COUNT] = {
    [PNN_ADD] = "add",
    [PNN_SUB] = "sub",
    [PNN_MUL] = "mul",
    [PNN_DIV] = "div",
    [PNN_MIN] = "min",
    [PNN_MAX] = "max",
    [PNN_GREATER_EQUAL] = "greater_equal",
    [PNN_EQUAL] = "equal",
};
const char *pnn_unary_name(int fn) { return unary_names[fn]; }
const char *pnn_binary_name(int fn) { return binary_names[fn]; }

double pnn_unary_value(int fn, double x, double a, double b)
{
    switch ((pnn_unary_fn)fn) {
    case PNN_RELU:
        return x > 0 ? x : 0;
    case PNN_RELU6:
        return x > 6 ? 6 : x > 0 ? x : 0;
    case PNN_LEAKY_RELU:
        return x > 0 ? x : a * x;
    case PNN_SIGMOID:
        return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
    case PNN_TANH:
        return tanh(x);
    case PNN_EXP:
        return exp(x);
    case PNN_LOG:
        return log(x);
    case PNN_LOG_SIGMOID:
        return fmin(x, 0) - log1p(exp(-fabs(x)));
    case PNN_ABS:
        return fabs(x);
    case PNN_SQRT:
        return sqrt(x);
    case PNN_RECIPROCAL:
        return 1 / x;
    case PNN_SQUARE:
        return x * x;
    case PNN_AFFINE:
        return a * x + b;
    case PNN_CLAMP:
        return x < a ? a : x > b ? b : x;
    case PNN_STEP:
        return x > 0;
    case PNN_SIGN:
        return (x > 0) - (x < 0);
    case PNN_UNARY_COUNT:
        break;
    }
    return 0;
}

bool pnn_unary_uses_output(int fn)
{
    switch ((pnn_unary_fn)fn) {
    case PNN_RELU:
    case PNN_RELU6:
    case PNN_LEAKY_RELU:
    case PNN_SIGMOID:
    case PNN_TANH:
    case PNN_EXP:
    case PNN_LOG_SIGMOID:
    case PNN_SQRT:
    case PNN_RECIPROCAL:
        return true;
    default:
        return false;
    }
}

double pnn_unary_slope(int fn, double v, double a, double b)
{
    switch ((pnn_unary_fn)fn) {
    case PNN_RELU:
        return v > 0;
    case PNN_RELU6:
        return v > 0 && v < 6;
    case PNN_LEAKY_RELU:
        return v > 0 ? 1 : a;
    case PNN_SIGMOID:
        return v * (1 - v);
    case PNN_TANH:
        return 1 - v * v;
    case PNN_EXP:
        return v;
    case PNN_LOG:
        return 1 / v;
    case PNN_LOG_SIGMOID:
        return -expm1(v);
    case PNN_ABS:
        return (v > 0) - (v < 0);
    case PNN_SQRT:
        return 0.5 / v;
    case PNN_RECIPROCAL:
        return -v * v;
    case PNN_SQUARE:
        return 2 * v;
    case PNN_AFFINE:
        return a;
    case PNN_CLAMP:
        return v >= a && v <= b;
    case PNN_STEP:
    case PNN_SIGN:
    case PNN_UNARY_COUNT:
        break;
    }
    return 0;
}

double pnn_binary_value(int fn, double a, double b)
{
    switch ((pnn_binary_fn)fn) {
    case PNN_ADD:
        return a + b;
    case PNN_SUB:
        return a - b;
    case PNN_MUL:
        return a * b;
    case PNN_DIV:
        return a / b;
    case PNN_MIN:
        return a < b ? a : b;
    case PNN_MAX:
        return a > b ? a : b;
    case PNN_GREATER_EQUAL:
        return a >= b;
    case PNN_EQUAL:
        return a == b;
    case PNN_BINARY_COUNT:
        break;
    }
    return 0;
}

/* ---- One value ---- */

pnn_node pnn_unary(pnn_graph *g, pnn_unary_fn fn, pnn_node x, double a, double b)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    if (fn == PNN_LEAKY_RELU && a < 0)
        return pnn_error(g, PLN_E_INTERNAL, "leaky_relu: slope %g, must be at least 0", a);
    pnn_vertex v = {.op = PNN_OP_UNARY,
                    .shape = pnn_shape_of(g, x),
                    .n_inputs = 1,
                    .in = {x},
                    .attr.unary = {fn, a, b}};
    return pnn_append(g, &v);
}

static void unary_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                           const bool *needed, pnn_node *dx)
{
    int fn = v->attr.unary.fn;
    (void)needed;
    if (fn == PNN_STEP || fn == PNN_SIGN) return;
    if (fn == PNN_AFFINE) {
        dx[0] = pnn_affine(g, dy, v->attr.unary.a, 0);
        return;
    }
    pnn_vertex grad = {.op = PNN_OP_UNARY_GRAD,
                       .shape = v->shape,
                       .n_inputs = 2,
                       .in = {pnn_unary_uses_output(fn) ? y : v->in[0], dy},
                       .attr = v->attr};
    dx[0] = pnn_append(g, &grad);
}

static void unary_print(const pnn_vertex *v, char *text, size_t room)
{
    int fn = v->attr.unary.fn;
    if (fn == PNN_LEAKY_RELU)
        snprintf(text, room, "%s %g", unary_names[fn], v->attr.unary.a);
    else if (fn == PNN_AFFINE || fn == PNN_CLAMP)
        snprintf(text, room, "%s %g %g", unary_names[fn], v->attr.unary.a, v->attr.unary.b);
    else
        snprintf(text, room, "%s", unary_names[fn]);
}

const pnn_op_info pnn_unary_info = {
    .name = "unary", .gradient = unary_gradient, .print = unary_print, .in_place = true};
const pnn_op_info pnn_unary_grad_info = {
    .name = "unary_grad", .print = unary_print, .in_place = true};

/* ---- Two values ---- */

static bool broadcast(pnn_graph *g, pnn_dim a, pnn_dim b, pnn_dim *out)
{
    long one = 0;
    if (a.id == b.id || (pnn_dim_is_const(g, b, &one) && one == 1)) {
        *out = a;
        return true;
    }
    *out = b;
    return pnn_dim_is_const(g, a, &one) && one == 1;
}

pnn_node pnn_binary(pnn_graph *g, pnn_binary_fn fn, pnn_node a, pnn_node b)
{
    if (pnn_any_invalid((pnn_node[]){a, b}, 2)) return (pnn_node){0};
    pnn_shape p = pnn_shape_of(g, a), q = pnn_shape_of(g, b), s;
    if (!broadcast(g, p.n, q.n, &s.n) || !broadcast(g, p.h, q.h, &s.h) ||
        !broadcast(g, p.w, q.w, &s.w) || !broadcast(g, p.c, q.c, &s.c)) {
        char first[120], second[120];
        pnn_shape_text(g, p, first, sizeof first);
        pnn_shape_text(g, q, second, sizeof second);
        return pnn_error(g, PLN_E_INTERNAL, "%s of %s and %s", binary_names[fn], first, second);
    }
    pnn_vertex v = {
        .op = PNN_OP_BINARY, .shape = s, .n_inputs = 2, .in = {a, b}, .attr.binary = fn};
    return pnn_append(g, &v);
}

pnn_node pnn_sum_to(pnn_graph *g, pnn_node dy, pnn_shape shape)
{
    unsigned axes = 0;
    if (pnn_any_invalid(&dy, 1)) return (pnn_node){0};
    for (int i = 0; i < 4; i++)
        if (pnn_shape_axis(pnn_shape_of(g, dy), (pnn_axis)i).id !=
            pnn_shape_axis(shape, (pnn_axis)i).id)
            axes |= 1u << i;
    return axes ? pnn_reduce(g, PNN_SUM, dy, axes) : dy;
}

static void binary_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    pnn_node a = v->in[0], b = v->in[1], da = {0}, db = {0};
    switch ((pnn_binary_fn)v->attr.binary) {
    case PNN_ADD:
        da = dy;
        db = dy;
        break;
    case PNN_SUB:
        da = dy;
        if (needed[1]) db = pnn_affine(g, dy, -1, 0);
        break;
    case PNN_MUL:
        if (needed[0]) da = pnn_mul(g, dy, b);
        if (needed[1]) db = pnn_mul(g, dy, a);
        break;
    case PNN_DIV: /* d(a/b)/db = -y / b */
        da = pnn_binary(g, PNN_DIV, dy, b);
        if (needed[1]) db = pnn_affine(g, pnn_mul(g, da, y), -1, 0);
        break;
    case PNN_MIN:
    case PNN_MAX: {
        pnn_node first = v->attr.binary == PNN_MAX ? pnn_binary(g, PNN_GREATER_EQUAL, a, b)
                                                   : pnn_binary(g, PNN_GREATER_EQUAL, b, a);
        da = pnn_mul(g, dy, first);
        if (needed[1]) db = pnn_sub(g, dy, da);
        break;
    }
    case PNN_GREATER_EQUAL:
    case PNN_EQUAL:
    case PNN_BINARY_COUNT:
        return;
    }
    if (needed[0]) dx[0] = pnn_sum_to(g, da, pnn_shape_of(g, a));
    if (needed[1]) dx[1] = pnn_sum_to(g, db, pnn_shape_of(g, b));
}

static void binary_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "%s", binary_names[v->attr.binary]);
}

const pnn_op_info pnn_binary_info = {
    .name = "binary", .gradient = binary_gradient, .print = binary_print, .in_place = true};

static void fused_print(const pnn_vertex *v, char *text, size_t room)
{
    size_t at = 0;
    for (int i = 0; i < v->attr.fused.count && at + 40 < room; i++) {
        const pnn_instr *c = &v->attr.fused.code[i];
        if (c->binary)
            at += (size_t)snprintf(text + at, room - at, "%s%s %d %d", i ? "; " : "",
                                   binary_names[c->fn], c->a, c->b);
        else
            at += (size_t)snprintf(text + at, room - at, "%s%s%s %d", i ? "; " : "",
                                   c->slope ? "slope of " : "", unary_names[c->fn], c->a);
    }
}

const pnn_op_info pnn_fused_info = {.name = "fused", .print = fused_print, .in_place = true};
