/* SPDX-License-Identifier: MIT */
/* EME, the edge map extractor of MI: four stages of two conv3x3 + ReLU at scales 1, 1/2, 1/4, 1/8,
 * widths w, 2w, 4w, 4w; a side logit each, enlarged and fused. After Zhu et al., The Visual
 * Computer 2024 (its abstract) and Xie, Tu: "Holistically-Nested Edge Detection", ICCV 2015. */
#include <math.h>

#include "nets/layers.h"

/* He's normal start, no bias. */
static pnn_node conv3_relu(pnn_graph *g, pnn_node x, long out, const char *name)
{
    double fan_in = 9.0 * (double)pnn_channels(g, x);
    pnn_conv_spec spec = {
        .out = out, .k = 3, .pad = 1, .weight = {PNN_INIT_NORMAL, sqrt(2 / fan_in)}};
    return pnn_relu(g, pnn_conv(g, x, name, spec));
}

static pnn_node conv1(pnn_graph *g, pnn_node x, const char *name, pnn_init start)
{
    return pnn_conv(g, x, name, (pnn_conv_spec){.out = 1, .k = 1, .weight = start});
}

pnet_eme_nodes pnet_eme(pnn_graph *g, pnn_node x, const pnet_eme_options *o)
{
    static const long factor[PNET_EME_STAGES] = {1, 2, 4, 4};
    pnet_eme_nodes y;
    pnn_node side[PNET_EME_STAGES];
    pnn_node padded = pnn_pad_to_multiple(g, x, 8, PNN_PAD_REFLECT);
    pnn_node v = pnn_affine(g, padded, 1, -0.5);
    for (int k = 0; k < PNET_EME_STAGES; k++) {
        if (k) v = pnn_max_pool(g, v, 2);
        for (int i = 0; i < 2; i++)
            v = conv3_relu(g, v, factor[k] * o->width, pnn_name(g, "stages.%d.%d", k, i));
        y.stage[k] = v;
        side[k] = conv1(g, v, pnn_name(g, "sides.%d", k), (pnn_init){PNN_INIT_NORMAL, 0.01});
        side[k] = pnn_resize(g, side[k], padded, false);
    }
    pnn_node all = pnn_concat(g, PNN_AXIS_C, side, PNET_EME_STAGES);
    pnn_node fused = conv1(g, all, "fuse", (pnn_init){PNN_INIT_VALUE, 0.25});
    for (int k = 0; k < PNET_EME_STAGES; k++) y.side[k] = pnn_crop_like(g, side[k], x);
    y.fused = pnn_crop_like(g, fused, x);
    y.edge = pnn_unary(g, PNN_SIGMOID, y.fused, 0, 0);
    return y;
}

/* ---- Descriptor ---- */

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, eme, width, .min = 1, .max = 1024, .init = "32",
                .help = "channels of the first stage"),
    PNET_OPTIONS_END,
};
static const pnet_variant variants[] = {PNET_VARIANTS_END};

/* Two convolutions a stage, 2 (1 + 2 + 4 + 8), and the next cell of 8 pixels by enlarging; in whole
 * cells. */
static long radius(const pnet_options *o)
{
    (void)o;
    return 40;
}

static long multiple(const pnet_options *o)
{
    (void)o;
    return 8;
}

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    (void)mode;
    return pnet_eme(g, x, &o->eme).edge;
}

const pnet_net pnet_net_eme = {
    .name = "eme",
    .title = "Edge map extractor",
    .paper = "after Zhu, Wang, Xue, Xie, Cheng, Wang: Structure-preserving image smoothing via "
             "contrastive learning, The Visual Computer 2024; reimplemented from the abstract",
    .summary = "edge probabilities from four scales; frozen part of MI's losses",
    .smooths = false,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = multiple,
    .build = build,
};
