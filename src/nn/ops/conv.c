/* SPDX-License-Identifier: MIT */
/* Convolutions. The gradient to the input is the transposed convolution, so that is the same
 * operation; with the gradient to the weight the three close under differentiation. */
#include <math.h>
#include <stdio.h>

#include "nn/graph.h"

static pnn_dim conv_dim(pnn_graph *g, pnn_dim d, long before, long after, long k, long stride,
                        long dilation)
{
    d = pnn_dim_add(g, d, before + after - dilation * (k - 1) - 1);
    return pnn_dim_add(g, pnn_dim_div(g, d, stride), 1);
}

static bool check_attr(pnn_graph *g, const pnn_conv_attr *a)
{
    bool good = a->kh >= 1 && a->kw >= 1 && a->stride >= 1 && a->dilation >= 1 && a->groups >= 1 &&
                a->pad_top >= 0 && a->pad_left >= 0 && a->pad_bottom >= 0 && a->pad_right >= 0;
    if (!good)
        pnn_error(g, PLN_E_INTERNAL,
                  "convolution: kernel %dx%d, stride %d, dilation %d, groups %d: all must be at "
                  "least 1 and paddings at least 0",
                  a->kh, a->kw, a->stride, a->dilation, a->groups);
    return good;
}

/* Weight O x I/groups x kh x kw against what comes in and goes out. */
static bool check_weight(pnn_graph *g, pnn_node weight, const pnn_conv_attr *a, long in, long out)
{
    pnn_shape want = pnn_shape_const(g, out, in / a->groups, a->kh, a->kw);
    char is[200], should[200];
    if (in % a->groups == 0 && out % a->groups == 0 &&
        pnn_same_shape(pnn_shape_of(g, weight), want))
        return true;
    pnn_shape_text(g, pnn_shape_of(g, weight), is, sizeof is);
    pnn_shape_text(g, want, should, sizeof should);
    pnn_error(g, PLN_E_INTERNAL, "convolution of %ld channels in %d groups: weight is %s, not %s",
              in, a->groups, is, should);
    return false;
}

static bool check_bias(pnn_graph *g, pnn_node bias, long out)
{
    if (!bias.id || pnn_same_shape(pnn_shape_of(g, bias), pnn_shape_const(g, 1, 1, 1, out)))
        return true;
    pnn_error(g, PLN_E_INTERNAL, "convolution to %ld channels: the bias has another shape", out);
    return false;
}

pnn_node pnn_conv_with(pnn_graph *g, pnn_node x, pnn_node weight, pnn_node bias, pnn_conv_attr a)
{
    if (pnn_any_invalid((pnn_node[]){x, weight}, 2) || bias.id < 0 || !check_attr(g, &a))
        return (pnn_node){0};
    long out = 0;
    pnn_shape xs = pnn_shape_of(g, x);
    if (!pnn_dim_is_const(g, pnn_shape_of(g, weight).n, &out) ||
        !check_weight(g, weight, &a, pnn_channels(g, x), out) || !check_bias(g, bias, out))
        return (pnn_node){0};
    pnn_vertex v = {
        .op = PNN_OP_CONV,
        .shape = {xs.n, conv_dim(g, xs.h, a.pad_top, a.pad_bottom, a.kh, a.stride, a.dilation),
                  conv_dim(g, xs.w, a.pad_left, a.pad_right, a.kw, a.stride, a.dilation),
                  pnn_dim_const(g, out)},
        .n_inputs = 3,
        .in = {x, weight, bias},
        .attr.conv.a = a,
    };
    return pnn_append(g, &v);
}

pnn_node pnn_conv_data(pnn_graph *g, pnn_node dy, pnn_node weight, pnn_node bias, pnn_conv_attr a,
                       pnn_shape like)
{
    if (pnn_any_invalid((pnn_node[]){dy, weight}, 2) || bias.id < 0 || !check_attr(g, &a))
        return (pnn_node){0};
    long in = 0;
    if (!pnn_dim_is_const(g, pnn_shape_of(g, weight).h, &in)) return (pnn_node){0};
    in *= a.groups;
    if (!check_weight(g, weight, &a, in, pnn_channels(g, dy)) || !check_bias(g, bias, in))
        return (pnn_node){0};
    pnn_vertex v = {
        .op = PNN_OP_CONV_DATA,
        .shape = {pnn_shape_of(g, dy).n, like.h, like.w, pnn_dim_const(g, in)},
        .n_inputs = 3,
        .in = {dy, weight, bias},
        .attr.conv.a = a,
    };
    return pnn_append(g, &v);
}

pnn_node pnn_conv_weight(pnn_graph *g, pnn_node x, pnn_node dy, pnn_conv_attr a, pnn_node like)
{
    if (pnn_any_invalid((pnn_node[]){x, dy, like}, 3) || !check_attr(g, &a) ||
        !check_weight(g, like, &a, pnn_channels(g, x), pnn_channels(g, dy)))
        return (pnn_node){0};
    pnn_vertex v = {.op = PNN_OP_CONV_WEIGHT,
                    .shape = pnn_shape_of(g, like),
                    .n_inputs = 2,
                    .in = {x, dy},
                    .attr.conv.a = a};
    return pnn_append(g, &v);
}

/* ---- With parameters by name ---- */

static pnn_conv_spec complete(pnn_conv_spec s, double fan_in)
{
    /* PyTorch's default: kaiming_uniform(a = sqrt 5) is a bound of 1 / sqrt(fan in). */
    pnn_init start = {PNN_INIT_UNIFORM, 1 / sqrt(fan_in)};
    if (!s.stride) s.stride = 1;
    if (!s.dilation) s.dilation = 1;
    if (!s.groups) s.groups = 1;
    if (s.pad == PNN_SAME) s.pad = s.dilation * (s.k - 1) / 2;
    if (s.weight.kind == PNN_INIT_VALUE && s.weight.a == 0) {
        s.weight = start;
        if (s.bias.kind == PNN_INIT_VALUE && s.bias.a == 0) s.bias = start;
    }
    return s;
}

static pnn_conv_attr attr_of(const pnn_conv_spec *s)
{
    return (pnn_conv_attr){.kh = (int)s->k,
                           .kw = (int)s->k,
                           .stride = (int)s->stride,
                           .dilation = (int)s->dilation,
                           .groups = (int)s->groups,
                           .pad_top = (int)s->pad,
                           .pad_left = (int)s->pad,
                           .pad_bottom = (int)s->pad,
                           .pad_right = (int)s->pad};
}

static pnn_node weight_param(pnn_graph *g, const char *name, const long dims[4], pnn_init init)
{
    return pnn_param(g, pnn_name(g, "%s.weight", name), PNN_TRAINED, dims, init);
}

static pnn_node bias_param(pnn_graph *g, const char *name, long c, pnn_init init)
{
    return pnn_param(g, pnn_name(g, "%s.bias", name), PNN_TRAINED, (const long[4]){1, 1, 1, c},
                     init);
}

pnn_node pnn_conv(pnn_graph *g, pnn_node x, const char *name, pnn_conv_spec spec)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    long in = pnn_channels(g, x), groups = spec.groups ? spec.groups : 1;
    spec = complete(spec, (double)(spec.k * spec.k * in / groups));
    const long dims[4] = {spec.out, in / spec.groups, spec.k, spec.k};
    pnn_node weight = weight_param(g, name, dims, spec.weight), bias = {0};
    if (!spec.no_bias) bias = bias_param(g, name, spec.out, spec.bias);
    return pnn_conv_with(g, x, weight, bias, attr_of(&spec));
}

pnn_node pnn_conv_transposed(pnn_graph *g, pnn_node x, const char *name, pnn_conv_spec spec)
{
    if (pnn_any_invalid(&x, 1)) return (pnn_node){0};
    /* PyTorch counts the fan in of a transposed convolution over its outputs. */
    spec = complete(spec, (double)(spec.k * spec.k * spec.out));
    const long dims[4] = {pnn_channels(g, x), spec.out / spec.groups, spec.k, spec.k};
    long grow = spec.dilation * (spec.k - 1) + 1 - 2 * spec.pad - spec.stride;
    pnn_shape xs = pnn_shape_of(g, x), like = xs;
    like.h = pnn_dim_add(g, pnn_dim_mul(g, xs.h, spec.stride), grow);
    like.w = pnn_dim_add(g, pnn_dim_mul(g, xs.w, spec.stride), grow);
    pnn_node weight = weight_param(g, name, dims, spec.weight), bias = {0};
    if (!spec.no_bias) bias = bias_param(g, name, spec.out, spec.bias);
    return pnn_conv_data(g, x, weight, bias, attr_of(&spec), like);
}

pnn_node pnn_linear(pnn_graph *g, pnn_node x, const char *name, long out)
{
    return pnn_conv(g, x, name, (pnn_conv_spec){.out = out, .k = 1});
}

/* ---- Rules ---- */

static pnn_node bias_gradient(pnn_graph *g, pnn_node dy)
{
    return pnn_reduce(g, PNN_SUM, dy, PNN_OVER_N | PNN_OVER_H | PNN_OVER_W);
}

static void conv_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                          const bool *needed, pnn_node *dx)
{
    pnn_conv_attr a = v->attr.conv.a;
    (void)y;
    if (needed[0])
        dx[0] = pnn_conv_data(g, dy, v->in[1], (pnn_node){0}, a, pnn_shape_of(g, v->in[0]));
    if (needed[1]) dx[1] = pnn_conv_weight(g, v->in[0], dy, a, v->in[1]);
    if (needed[2]) dx[2] = bias_gradient(g, dy);
}

/* y = conv_data(x): the adjoint of conv with the same attributes, so its adjoint is conv. */
static void conv_data_gradient(pnn_graph *g, const pnn_vertex *v, pnn_node y, pnn_node dy,
                               const bool *needed, pnn_node *dx)
{
    pnn_conv_attr a = v->attr.conv.a;
    (void)y;
    if (needed[0]) {
        /* A convolution may read past what the output formula says; the sizes agree because x's
         * size came from it. */
        pnn_node d = pnn_conv_with(g, dy, v->in[1], (pnn_node){0}, a);
        dx[0] = d.id && !pnn_same_shape(pnn_shape_of(g, d), pnn_shape_of(g, v->in[0]))
                    ? pnn_crop_like(g, d, v->in[0])
                    : d;
    }
    if (needed[1]) dx[1] = pnn_conv_weight(g, dy, v->in[0], a, v->in[1]);
    if (needed[2]) dx[2] = bias_gradient(g, dy);
}

static uint64_t per_output(const pnn_graph *g, pnn_node weight, bool by_rows)
{
    size_t d[4];
    if (!pnn_shape_values(g, pnn_shape_of(g, weight), (pnn_size){1, 1, 1}, d)) return 0;
    return (uint64_t)(by_rows ? d[1] : d[0]) * d[2] * d[3];
}

static uint64_t elements(const pnn_graph *g, pnn_node x, pnn_size size)
{
    size_t d[4];
    if (!pnn_shape_values(g, pnn_shape_of(g, x), size, d)) return 0;
    return (uint64_t)d[0] * d[1] * d[2] * d[3];
}

static uint64_t conv_macs(const pnn_graph *g, const pnn_vertex *v, pnn_size size)
{
    size_t d[4];
    if (!pnn_shape_values(g, v->shape, size, d)) return 0;
    return (uint64_t)d[0] * d[1] * d[2] * d[3] * per_output(g, v->in[1], true);
}

/* Every input value meets the whole kernel of its output channels. */
static uint64_t conv_data_macs(const pnn_graph *g, const pnn_vertex *v, pnn_size size)
{
    return elements(g, v->in[0], size) * per_output(g, v->in[1], true);
}

static uint64_t conv_weight_macs(const pnn_graph *g, const pnn_vertex *v, pnn_size size)
{
    size_t d[4];
    if (!pnn_shape_values(g, v->shape, (pnn_size){1, 1, 1}, d)) return 0;
    return elements(g, v->in[1], size) * d[1] * d[2] * d[3];
}

static void conv_print(const pnn_vertex *v, char *text, size_t room)
{
    const pnn_conv_attr *a = &v->attr.conv.a;
    const pnn_epilogue *e = &v->attr.conv.e;
    static const char *const act[] = {"", " +relu", " +leaky_relu", " +relu6"};
    snprintf(text, room, "%dx%d stride %d dilation %d pad %d,%d,%d,%d groups %d%s%s%s", a->kh,
             a->kw, a->stride, a->dilation, a->pad_top, a->pad_left, a->pad_bottom, a->pad_right,
             a->groups, e->residual_before ? " +residual" : "", act[e->act],
             e->residual_after ? " +residual" : "");
}

const pnn_op_info pnn_conv_info = {"conv", conv_gradient, conv_macs, conv_print, false};
const pnn_op_info pnn_conv_data_info = {"conv_data", conv_data_gradient, conv_data_macs, conv_print,
                                        false};
const pnn_op_info pnn_conv_weight_info = {"conv_weight", NULL, conv_weight_macs, conv_print, false};
