/* SPDX-License-Identifier: MIT */
/* Fan's network.
 * Fan, Yang, Wipf, Chen, Tong: "Image Smoothing via Unsupervised Learning", ACM TOG 37(6), 2018;
 * layers of the authors' Torch7 code: 26 convolutions that predict a residual, values 0..255,
 *
 *     head: conv N ReLU, conv N ReLU, conv (stride 2) N ReLU
 *     body: ten blocks x -> ReLU(x + N(conv_d(ReLU(N(conv_d(x)))))), d = 2 2 4 4 8 8 16 16 1 1
 *     up:   transposed conv 4x4 (stride 2) N ReLU    tail: conv N ReLU    last: conv 1x1
 *     T = I + last
 *
 * N normalises by the statistics of the picture at hand, also at test time. */
#include <math.h>

#include "nets/layers.h"

struct fan {
    pnn_graph *g;
    const pnet_fan_options *o;
    pnn_norm_kind norm;
};

static pnn_norm_kind norm_of(const pnet_fan_options *o, pnet_mode mode)
{
    if (mode == PNET_TRAIN) return PNN_NORM_BATCH; /* of one picture: its own statistics */
    return o->norm == PNET_FAN_PICTURE ? PNN_NORM_IMAGE : PNN_NORM_RUNNING;
}

static pnn_node normalise(const struct fan *n, pnn_node x, const char *name)
{
    if (n->norm == PNN_NORM_IMAGE && x.id > 0) { /* files carry what is not used here */
        const long dims[4] = {1, 1, 1, n->o->width};
        pnn_param(n->g, pnn_name(n->g, "%s.running_mean", name), PNN_STATE, dims,
                  (pnn_init){PNN_INIT_VALUE, 0});
        pnn_param(n->g, pnn_name(n->g, "%s.running_var", name), PNN_STATE, dims,
                  (pnn_init){PNN_INIT_VALUE, 1});
    }
    return pnn_norm(n->g, x, name, n->norm, 0.1);
}

/* The authors' start, U(+-sqrt(12 / (k k (in + out)))) and no bias; their loop over the layers
 * misses the dilated ones, which keep Torch's default. */
static pnn_init start(long k, long in, long out)
{
    return (pnn_init){PNN_INIT_UNIFORM, sqrt(12.0 / (double)(k * k * (in + out)))};
}

static pnn_node unit(const struct fan *n, pnn_node x, const char *name, long stride)
{
    long w = n->o->width;
    pnn_conv_spec spec = {
        .out = w, .k = 3, .stride = stride, .pad = 1, .weight = start(3, pnn_channels(n->g, x), w)};
    x = pnn_conv(n->g, x, pnn_name(n->g, "%s.conv", name), spec);
    return pnn_relu(n->g, normalise(n, x, pnn_name(n->g, "%s.norm", name)));
}

static pnn_node up(const struct fan *n, pnn_node x)
{
    long w = n->o->width;
    pnn_conv_spec spec = {.out = w, .k = 4, .stride = 2, .pad = 1, .weight = start(4, w, w)};
    x = pnn_conv_transposed(n->g, x, "up.conv", spec);
    return pnn_relu(n->g, normalise(n, x, "up.norm"));
}

static pnn_node block(const struct fan *n, pnn_node x, const char *name, long dilation)
{
    pnn_graph *g = n->g;
    pnn_node y = pnet_conv3(g, x, n->o->width, dilation, pnn_name(g, "%s.a.conv", name));
    y = pnn_relu(g, normalise(n, y, pnn_name(g, "%s.a.norm", name)));
    y = pnet_conv3(g, y, n->o->width, dilation, pnn_name(g, "%s.b.conv", name));
    y = pnn_add(g, x, normalise(n, y, pnn_name(g, "%s.b.norm", name)));
    return n->o->relu_after_add ? pnn_relu(g, y) : y;
}

pnet_fan_nodes pnet_fan(pnn_graph *g, pnn_node x, const pnet_fan_options *o, pnet_mode mode)
{
    struct fan n = {g, o, norm_of(o, mode)};
    pnet_fan_nodes y;
    y.head = unit(&n, pnn_affine(g, x, 1, -o->mean), "head.0", 1);
    y.head = unit(&n, y.head, "head.1", 1);
    y.head = unit(&n, y.head, "head.2", 2);
    y.body = y.head;
    for (size_t i = 0; i < o->blocks.count; i++)
        y.body = block(&n, y.body, pnn_name(g, "body.%zu", i), o->blocks.values[i]);
    y.up = up(&n, y.body);
    /* DIFF: odd sizes. The authors' code fails; the row and column too many are cut. */
    y.tail = unit(&n, pnn_crop_like(g, y.up, x), "tail", 1);
    pnn_conv_spec last = {.out = 3,
                          .k = o->last_kernel,
                          .pad = PNN_SAME,
                          .weight = start(o->last_kernel, o->width, 3)};
    y.y = pnn_add(g, x, pnn_conv(g, y.tail, "last", last));
    return y;
}

/* k_c = <p_c, x_c> / <p_c, p_c>. */
pnn_node pnet_fan_gain(pnn_graph *g, pnn_node p, pnn_node x)
{
    const unsigned pixels = PNN_OVER_H | PNN_OVER_W;
    pnn_node px = pnn_reduce(g, PNN_SUM, pnn_mul(g, p, x), pixels);
    pnn_node pp = pnn_reduce(g, PNN_SUM, pnn_unary(g, PNN_SQUARE, p, 0, 0), pixels);
    return pnn_mul(g, p, pnn_binary(g, PNN_DIV, px, pp));
}

/* ---- Descriptor ---- */

static const char *const norms[] = {"picture", "running", NULL};

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, fan, width, .min = 1, .max = 1024, .init = "64",
                .help = "channels of the feature maps"),
    PNET_OPTION(PNET_LIST, fan, blocks, .min = 1, .max = 64,
                .init = "[2, 2, 4, 4, 8, 8, 16, 16, 1, 1]",
                .help = "dilations of the body's blocks"),
    PNET_OPTION(PNET_INT, fan, last_kernel, .min = 1, .max = 3, .odd = true, .init = "1",
                .help = "side of the last convolution's kernel"),
    PNET_OPTION(PNET_BOOL, fan, relu_after_add, .init = "true", .help = "ReLU after a block's sum"),
    PNET_OPTION(PNET_REAL, fan, mean, .min = 0, .max = 255, .init = "115",
                .help = "subtracted from the picture, 0 to 255"),
    PNET_OPTION(PNET_CHOICE, fan, norm, .init = "\"picture\"", .choices = norms,
                .help = "statistics of the picture at hand, or those of training"),
    PNET_OPTION(PNET_BOOL, fan, gain, .init = "true",
                .help = "scale each channel of the result onto the input's by least squares"),
    PNET_OPTIONS_END,
};

static const pnet_variant variants[] = {
    {"port",
     "{\"last_kernel\": 3, \"relu_after_add\": false, \"mean\": 128, \"norm\": \"running\"}",
     "as a known PyTorch port has it"},
    PNET_VARIANTS_END,
};

/* At half size: the blocks, two convolutions each, and the transposed one; at full size: head 1, 1,
 * 1, tail 1, last. */
static long radius(const pnet_options *o)
{
    long half = 0;
    if (o->fan.norm == PNET_FAN_PICTURE || o->fan.gain) return -1;
    for (size_t i = 0; i < o->fan.blocks.count; i++) half += 2 * o->fan.blocks.values[i];
    return 2 * half + 6 + o->fan.last_kernel / 2;
}

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    pnn_node y = pnet_fan(g, x, &o->fan, mode).y;
    return o->fan.gain && mode == PNET_EVAL ? pnet_fan_gain(g, y, x) : y;
}

static long multiple(const pnet_options *o)
{
    (void)o;
    return 2;
}

const pnet_net pnet_net_fan = {
    .name = "fan",
    .title = "Unsupervised smoothing network",
    .paper = "Fan, Yang, Wipf, Chen, Tong: Image Smoothing via Unsupervised Learning, ACM TOG 2018",
    .summary = "residual network at half size with dilations up to 16, trained on an energy",
    .smooths = true,
    .range = 255,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = multiple,
    .build = build,
};
