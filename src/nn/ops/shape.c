/* SPDX-License-Identifier: MIT */
/* Moving values about: parts, borders, the Haar lattice. */
#include <stdio.h>

#include "nn/graph.h"

static const long origin[4] = {0, 0, 0, 0};

static void set_axis(pnn_shape *s, pnn_axis axis, pnn_dim d)
{
    *(axis == PNN_AXIS_N   ? &s->n
      : axis == PNN_AXIS_H ? &s->h
      : axis == PNN_AXIS_W ? &s->w
                           : &s->c) = d;
}

/* ---- Concatenation ---- */

/* Sizes of which one is a number, or both are the same. */
static bool dim_sum(pnn_graph *g, pnn_dim a, pnn_dim b, pnn_dim *sum)
{
    long k;
    if (pnn_dim_is_const(g, b, &k))
        *sum = pnn_dim_add(g, a, k);
    else if (pnn_dim_is_const(g, a, &k))
        *sum = pnn_dim_add(g, b, k);
    else if (a.id == b.id)
        *sum = pnn_dim_mul(g, a, 2);
    else
        return false;
    return true;
}

static pnn_node concat_few(pnn_graph *g, pnn_axis axis, const pnn_node *parts, size_t count)
{
    pnn_vertex v = {.op = PNN_OP_CONCAT,
                    .shape = pnn_shape_of(g, parts[0]),
                    .n_inputs = (int)count,
                    .attr.axis = axis};
    v.in[0] = parts[0];
    for (size_t i = 1; i < count; i++) {
        pnn_shape s = pnn_shape_of(g, parts[i]), same = s;
        pnn_dim sum = {0};
        set_axis(&same, axis, pnn_shape_axis(v.shape, axis));
        if (!pnn_same_shape(same, v.shape) ||
            !dim_sum(g, pnn_shape_axis(v.shape, axis), pnn_shape_axis(s, axis), &sum)) {
            char first[120], other[120];
            pnn_shape_text(g, v.shape, first, sizeof first);
            pnn_shape_text(g, s, other, sizeof other);
            return pnn_error(g, PLN_E_INTERNAL, "concat along %c of %s and %s", "NHWC"[axis], first,
                             other);
        }
        set_axis(&v.shape, axis, sum);
        v.in[i] = parts[i];
    }
    return pnn_append(g, &v);
}

pnn_node pnn_concat(pnn_graph *g, pnn_axis axis, const pnn_node *parts, size_t count)
{
    pnn_node all = {0};
    if (pnn_any_invalid(parts, count)) return (pnn_node){0};
    if (count == 0) return pnn_error(g, PLN_E_INTERNAL, "concat of nothing");
    if (count == 1) return parts[0];
    for (size_t at = 0; at < count;) {
        pnn_node few[PNN_MAX_INPUTS];
        size_t n = 0;
        if (all.id) few[n++] = all;
        while (n < PNN_MAX_INPUTS && at < count) few[n++] = parts[at++];
        all = n == 1 ? few[0] : concat_few(g, axis, few, n);
        if (!all.id) return all;
    }
    return all;
}

pnn_node pnn_concat2(pnn_graph *g, pnn_axis axis, pnn_node a, pnn_node b)
{
    return pnn_concat(g, axis, (const pnn_node[]){a, b}, 2);
}

static void concat_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    long offset[4] = {0, 0, 0, 0}, k = 0;
    (void)y;
    for (int i = 0; i < v->n_inputs; i++) {
        pnn_shape s = pnn_shape_of(g, v->in[i]);
        if (needed[i]) dx[i] = pnn_window(g, dy, offset, s);
        if (i + 1 == v->n_inputs) break;
        if (!pnn_dim_is_const(g, pnn_shape_axis(s, v->attr.axis), &k)) {
            pnn_error(g, PLN_E_INTERNAL,
                      "gradient of a concat along %c: only the last part's size may be open",
                      "NHWC"[v->attr.axis]);
            return;
        }
        offset[v->attr.axis] += k;
    }
}

static void axis_print(const pnn_vertex *v, char *text, size_t room)
{
    snprintf(text, room, "along %c", "NHWC"[v->attr.axis]);
}

const pnn_op_info pnn_concat_info = {
    .name = "concat", .gradient = concat_gradient, .print = axis_print};

/* ---- Parts ---- */

static pnn_node box(pnn_graph *g, pnn_op op, pnn_node x, const long offset[4], pnn_shape shape)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_vertex v = {.op = op, .shape = shape, .n_inputs = 1, .in = {x}};
    const pnn_shape inner = op == PNN_OP_WINDOW ? shape : pnn_shape_of(g, x),
                    outer = op == PNN_OP_WINDOW ? pnn_shape_of(g, x) : shape;
    bool whole = pnn_same_shape(inner, outer);
    for (int i = 0; i < 4; i++) {
        long in, out;
        v.attr.box.offset[i] = offset[i];
        whole = whole && offset[i] == 0;
        if (offset[i] < 0 ||
            (pnn_dim_is_const(g, pnn_shape_axis(inner, (pnn_axis)i), &in) &&
             pnn_dim_is_const(g, pnn_shape_axis(outer, (pnn_axis)i), &out) && offset[i] + in > out))
            return pnn_error(g, PLN_E_INTERNAL, "%s: the box leaves the tensor along %c",
                             pnn_op_info_of(op)->name, "NHWC"[i]);
    }
    return whole ? x : pnn_append(g, &v);
}

pnn_node pnn_window(pnn_graph *g, pnn_node x, const long offset[4], pnn_shape shape)
{
    return box(g, PNN_OP_WINDOW, x, offset, shape);
}

pnn_node pnn_embed(pnn_graph *g, pnn_node x, const long offset[4], pnn_shape shape)
{
    return box(g, PNN_OP_EMBED, x, offset, shape);
}

pnn_node pnn_slice(pnn_graph *g, pnn_node x, long from, long count)
{
    pnn_shape s = pnn_shape_of(g, x);
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    s.c = pnn_dim_const(g, count);
    return pnn_window(g, x, (const long[4]){0, 0, 0, from}, s);
}

pnn_node pnn_crop_like(pnn_graph *g, pnn_node x, pnn_node like)
{
    if (pnn_any_invalid((pnn_node[]){x, like}, 2)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x), l = pnn_shape_of(g, like);
    s.h = l.h;
    s.w = l.w;
    return pnn_window(g, x, origin, s);
}

static void window_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    dx[0] = pnn_embed(g, dy, v->attr.box.offset, pnn_shape_of(g, v->in[0]));
}

static void embed_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                           const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    dx[0] = pnn_window(g, dy, v->attr.box.offset, pnn_shape_of(g, v->in[0]));
}

static void box_print(const pnn_vertex *v, char *text, size_t room)
{
    const long *o = v->attr.box.offset;
    snprintf(text, room, "at %ld,%ld,%ld,%ld", o[0], o[1], o[2], o[3]);
}

const pnn_op_info pnn_window_info = {
    .name = "window", .gradient = window_gradient, .print = box_print};
const pnn_op_info pnn_embed_info = {
    .name = "embed", .gradient = embed_gradient, .print = box_print};

pnn_node pnn_expand(pnn_graph *g, pnn_node x, pnn_node like)
{
    if (pnn_any_invalid((pnn_node[]){x, like}, 2)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x), l = pnn_shape_of(g, like);
    pnn_vertex v = {.op = PNN_OP_EXPAND, .shape = l, .n_inputs = 1, .in = {x}};
    for (int i = 0; i < 4; i++) {
        pnn_dim d = pnn_shape_axis(s, (pnn_axis)i);
        long k = 0;
        if (d.id != pnn_shape_axis(l, (pnn_axis)i).id && !(pnn_dim_is_const(g, d, &k) && k == 1))
            return pnn_error(g, PLN_E_INTERNAL, "expand: sizes along %c differ and are not 1",
                             "NHWC"[i]);
    }
    return pnn_same_shape(s, l) ? x : pnn_append(g, &v);
}

static void expand_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                            const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    dx[0] = pnn_sum_to(g, dy, pnn_shape_of(g, v->in[0]));
}

const pnn_op_info pnn_expand_info = {.name = "expand", .gradient = expand_gradient};

pnn_node pnn_reshape(pnn_graph *g, pnn_node x, pnn_shape shape)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_vertex v = {.op = PNN_OP_RESHAPE, .shape = shape, .n_inputs = 1, .in = {x}};
    return pnn_same_shape(shape, pnn_shape_of(g, x)) ? x : pnn_append(g, &v);
}

static void reshape_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                             const bool *needed, pnn_node *dx)
{
    (void)y, (void)needed;
    dx[0] = pnn_reshape(g, dy, pnn_shape_of(g, v->in[0]));
}

const pnn_op_info pnn_reshape_info = {.name = "reshape", .gradient = reshape_gradient};

/* ---- Borders ---- */

static pnn_node pad_to(pnn_graph *g, pnn_node x, long top, long left, pnn_shape shape,
                       pnn_pad_mode mode)
{
    if (top == 0 && left == 0 && pnn_same_shape(shape, pnn_shape_of(g, x))) return x;
    pnn_vertex v = {
        .op = PNN_OP_PAD, .shape = shape, .n_inputs = 1, .in = {x}, .attr.pad = {mode, top, left}};
    return pnn_append(g, &v);
}

pnn_node pnn_pad(pnn_graph *g, pnn_node x, long top, long left, long bottom, long right,
                 pnn_pad_mode mode)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    if (top < 0 || left < 0 || bottom < 0 || right < 0)
        return pnn_error(g, PLN_E_INTERNAL, "pad by %ld, %ld, %ld, %ld: must not be negative", top,
                         left, bottom, right);
    pnn_shape s = pnn_shape_of(g, x);
    s.h = pnn_dim_add(g, s.h, top + bottom);
    s.w = pnn_dim_add(g, s.w, left + right);
    return pad_to(g, x, top, left, s, mode);
}

pnn_node pnn_pad_to_multiple(pnn_graph *g, pnn_node x, long multiple, pnn_pad_mode mode)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x);
    s.h = pnn_dim_round_up(g, s.h, multiple);
    s.w = pnn_dim_round_up(g, s.w, multiple);
    return pad_to(g, x, 0, 0, s, mode);
}

static void pad_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                         const bool *needed, pnn_node *dx)
{
    pnn_shape s = pnn_shape_of(g, v->in[0]);
    (void)y, (void)needed;
    if (v->attr.pad.mode == PNN_PAD_ZERO) {
        dx[0] = pnn_window(g, dy, (const long[4]){0, v->attr.pad.top, v->attr.pad.left, 0}, s);
        return;
    }
    pnn_vertex grad = {
        .op = PNN_OP_PAD_GRAD, .shape = s, .n_inputs = 1, .in = {dy}, .attr = v->attr};
    dx[0] = pnn_append(g, &grad);
}

static void pad_print(const pnn_vertex *v, char *text, size_t room)
{
    static const char *const modes[] = {"zero", "reflect", "replicate"};
    snprintf(text, room, "%s at %ld,%ld", modes[v->attr.pad.mode], v->attr.pad.top,
             v->attr.pad.left);
}

const pnn_op_info pnn_pad_info = {.name = "pad", .gradient = pad_gradient, .print = pad_print};
const pnn_op_info pnn_pad_grad_info = {.name = "pad_grad", .print = pad_print};

/* ---- Haar ---- */

/* With gains 1/4, H H' = 1/4, so the inverse is 4 H': each is the other's gradient but for the
 * factor. */
pnn_node pnn_haar(pnn_graph *g, pnn_node x)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x);
    if (pnn_dim_round_up(g, s.h, 2).id != s.h.id || pnn_dim_round_up(g, s.w, 2).id != s.w.id) {
        char text[120];
        pnn_shape_text(g, s, text, sizeof text);
        return pnn_error(g, PLN_E_INTERNAL, "haar of %s: height and width must be even: pad first",
                         text);
    }
    s.h = pnn_dim_div(g, s.h, 2);
    s.w = pnn_dim_div(g, s.w, 2);
    s.c = pnn_dim_mul(g, s.c, 4);
    pnn_vertex v = {.op = PNN_OP_HAAR, .shape = s, .n_inputs = 1, .in = {x}};
    return pnn_append(g, &v);
}

pnn_node pnn_haar_inverse(pnn_graph *g, pnn_node x)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    pnn_shape s = pnn_shape_of(g, x);
    if (pnn_channels(g, x) % 4)
        return pnn_error(g, PLN_E_INTERNAL, "inverse haar of %ld channels: not a multiple of 4",
                         pnn_channels(g, x));
    s.h = pnn_dim_mul(g, s.h, 2);
    s.w = pnn_dim_mul(g, s.w, 2);
    s.c = pnn_dim_div(g, s.c, 4);
    pnn_vertex v = {.op = PNN_OP_HAAR_INVERSE, .shape = s, .n_inputs = 1, .in = {x}};
    return pnn_append(g, &v);
}

static void haar_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                          const bool *needed, pnn_node *dx)
{
    (void)v, (void)y, (void)needed;
    dx[0] = pnn_affine(g, pnn_haar_inverse(g, dy), 0.25, 0);
}

static void haar_inverse_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                                  const bool *needed, pnn_node *dx)
{
    (void)v, (void)y, (void)needed;
    dx[0] = pnn_affine(g, pnn_haar(g, dy), 4, 0);
}

const pnn_op_info pnn_haar_info = {.name = "haar", .gradient = haar_gradient};
const pnn_op_info pnn_haar_inverse_info = {.name = "haar_inverse",
                                           .gradient = haar_inverse_gradient};
