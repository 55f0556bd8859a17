/* SPDX-License-Identifier: MIT */
/* DeepLab v3 on MobileNetV2: frozen segmenter of CSGIS-Net's semantic loss.
 * Chen, Papandreou, Schroff, Adam: "Rethinking Atrous Convolution for Semantic Image Segmentation",
 * 2017; Sandler et al.: "MobileNetV2", CVPR 2018. Output stride 16, head of a 1x1 convolution and
 * image pooling, no decoder; batch norm folded into the biases. */
#include "nets/layers.h"

/* NAME.weight and .bias, zero padding = dilation. */
static pnn_node conv(pnn_graph *g, pnn_node x, const char *name, long out, long k)
{
    return pnn_conv(g, x, name, (pnn_conv_spec){.out = out, .k = k, .pad = PNN_SAME});
}

static pnn_node relu6(pnn_graph *g, pnn_node x) { return pnn_unary(g, PNN_RELU6, x, 0, 0); }

/* 1x1 expansion, 3x3 depthwise, 1x1 linear; + input where that fits. */
static pnn_node inverted_residual(pnn_graph *g, pnn_node x, const char *name, long expand, long out,
                                  long stride, long dilation)
{
    long in = pnn_channels(g, x);
    pnn_node y = x;
    if (expand != 1) y = relu6(g, conv(g, y, pnn_name(g, "%s.expand", name), in * expand, 1));
    pnn_conv_spec depthwise = {.out = in * expand,
                               .k = 3,
                               .stride = stride,
                               .dilation = dilation,
                               .groups = in * expand,
                               .pad = PNN_SAME};
    y = relu6(g, pnn_conv(g, y, pnn_name(g, "%s.depthwise", name), depthwise));
    y = conv(g, y, pnn_name(g, "%s.project", name), out, 1);
    return stride == 1 && in == out ? pnn_add(g, x, y) : y;
}

static pnn_node mobilenet_v2(pnn_graph *g, pnn_node x)
{
    static const struct {
        long expand, out, repeats, stride, dilation;
    } stages[] = {{1, 16, 1, 1, 1}, {6, 24, 2, 2, 1},  {6, 32, 3, 2, 1}, {6, 64, 4, 2, 1},
                  {6, 96, 3, 1, 1}, {6, 160, 3, 1, 2}, {6, 320, 1, 1, 2}};
    pnn_conv_spec stem = {.out = 32, .k = 3, .stride = 2, .pad = 1};
    pnn_node y = relu6(g, pnn_conv(g, x, "stem", stem));
    long block = 0, dilation = 1;
    for (size_t s = 0; s < sizeof stages / sizeof *stages; s++) {
        for (long i = 0; i < stages[s].repeats; i++)
            /* A stage's first block still has the dilation of the stage before. */
            y = inverted_residual(g, y, pnn_name(g, "blocks.%ld", block++), stages[s].expand,
                                  stages[s].out, i ? 1 : stages[s].stride,
                                  i ? stages[s].dilation : dilation);
        dilation = stages[s].dilation;
    }
    return y;
}

pnn_node pnet_deeplabv3(pnn_graph *g, pnn_node x, const pnet_deeplabv3_options *o)
{
    /* (255 x - 128) / 128 */
    pnn_node f = mobilenet_v2(g, pnn_affine(g, x, 255.0 / 128, -1));
    pnn_node a = pnn_relu(g, conv(g, f, "aspp0", 256, 1));
    pnn_node p = pnn_reduce(g, PNN_MEAN, f, PNN_OVER_H | PNN_OVER_W);
    p = pnn_expand(g, pnn_relu(g, conv(g, p, "image_pooling", 256, 1)), a);
    pnn_node y = conv(g, pnn_concat2(g, PNN_AXIS_C, p, a), "concat_projection", 256, 1);
    y = conv(g, pnn_relu(g, y), "logits", o->classes, 1);
    return pnn_resize(g, y, x, true);
}

/* 257: cross entropy and accuracy on 128 x 128 crops are best there (0.87 against 1.67 as they
 * are). */
pnn_node pnet_deeplabv3_patch(pnn_graph *g, pnn_node x, const pnet_deeplabv3_options *o)
{
    pnn_dim size = pnn_dim_const(g, 257);
    return pnn_resize(g, pnet_deeplabv3(g, pnn_resize_to(g, x, size, size, true), o), x, true);
}

/* ---- Descriptor ---- */

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, deeplabv3, classes, .min = 1, .max = 1024, .init = "21",
                .help = "classes, PASCAL VOC's by default"),
    PNET_OPTIONS_END,
};
static const pnet_variant variants[] = {PNET_VARIANTS_END};

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    (void)mode;
    return pnet_deeplabv3(g, x, &o->deeplabv3);
}

const pnet_net pnet_net_deeplabv3 = {
    .name = "deeplabv3",
    .title = "DeepLab v3 on MobileNetV2",
    .paper = "Chen, Papandreou, Schroff, Adam: Rethinking Atrous Convolution for Semantic Image "
             "Segmentation, 2017",
    .summary = "logits of 21 classes; frozen part of CSGIS-Net's losses",
    .smooths = false,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = pnet_whole_picture,
    .multiple = pnet_any_size,
    .build = build,
};
