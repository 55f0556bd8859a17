/* SPDX-License-Identifier: MIT */
/* The front of VGG16: frozen features of CSGIS-Net's contrastive loss.
 * Simonyan, Zisserman: "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
 * 2015: conv1_1, conv1_2, pool, conv2_1, conv2_2 with ReLU; torchvision's names. */
#include "nets/layers.h"

static pnn_node conv_relu(pnn_graph *g, pnn_node x, long out, int layer)
{
    return pnn_relu(g, pnet_conv3(g, x, out, 1, pnn_name(g, "features.%d", layer)));
}

/* (x - mean) / std of ImageNet, RGB; the mean as VGG had it. */
static pnn_node normalise(pnn_graph *g, pnn_node x)
{
    static const float mean[3] = {123.68f / 255, 116.779f / 255, 103.939f / 255},
                       std[3] = {0.229f, 0.224f, 0.225f};
    x = pnn_sub(g, x, pnn_constant_vector(g, mean, 3));
    return pnn_binary(g, PNN_DIV, x, pnn_constant_vector(g, std, 3));
}

pnet_vgg16_nodes pnet_vgg16(pnn_graph *g, pnn_node x, const pnet_vgg16_options *o)
{
    pnet_vgg16_nodes y;
    long a = o->widths.values[0], b = o->widths.values[1];
    y.relu1_2 = conv_relu(g, conv_relu(g, normalise(g, x), a, 0), a, 2);
    y.relu2_2 = conv_relu(g, conv_relu(g, pnn_max_pool(g, y.relu1_2, 2), b, 5), b, 7);
    return y;
}

/* ---- Descriptor ---- */

static const pnet_option options[] = {
    PNET_OPTION(PNET_LIST, vgg16, widths, .min = 1, .max = 1024, .count = 2, .init = "[64, 128]",
                .help = "channels of the two stages"),
    PNET_OPTIONS_END,
};
static const pnet_variant variants[] = {PNET_VARIANTS_END};

/* relu2_2 at half size: two convolutions at full size, two at half. */
static long radius(const pnet_options *o)
{
    (void)o;
    return 6;
}

static long multiple(const pnet_options *o)
{
    (void)o;
    return 2;
}

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    (void)mode;
    return pnet_vgg16(g, x, &o->vgg16).relu2_2;
}

const pnet_net pnet_net_vgg16 = {
    .name = "vgg16",
    .title = "Front of VGG16",
    .paper = "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image "
             "Recognition, ICLR 2015",
    .summary = "features relu1_2 and relu2_2; frozen part of CSGIS-Net's losses",
    .smooths = false,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = multiple,
    .build = build,
};
