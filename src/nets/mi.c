/* SPDX-License-Identifier: MIT */
/* MI, the main interpreter.
 * After Zhu, Wang, Xue, Xie, Cheng, Wang: "Structure-preserving image smoothing via contrastive
 * learning", The Visual Computer 40(8), 2024; reimplemented from the abstract:
 *
 *     h = head(x)    r = h; r = r + B(r), 12 times    r = h + body(r)    y = x + tail(r)
 *     B = conv (d 1), LeakyReLU, conv (d 2), LeakyReLU, conv (d 3) */
#include <math.h>

#include "nets/layers.h"

/* He's normal start times a gain, no bias. */
static pnn_node conv3(pnn_graph *g, pnn_node x, long out, long dilation, const char *name,
                      const pnet_mi_options *o, double gain)
{
    double fan_in = 9.0 * (double)pnn_channels(g, x),
           std = gain * sqrt(2 / ((1 + o->slope * o->slope) * fan_in));
    return pnn_conv(g, x, name,
                    (pnn_conv_spec){.out = out,
                                    .k = 3,
                                    .dilation = dilation,
                                    .pad = PNN_SAME,
                                    .weight = {PNN_INIT_NORMAL, std}});
}

/* x + conv_{d=3}(act(conv_{d=2}(act(conv_{d=1}(x))))) */
static pnn_node hybrid_block(pnn_graph *g, pnn_node x, const char *name, const pnet_mi_options *o)
{
    pnn_node r = x;
    for (size_t i = 0; i < o->dilations.count; i++) {
        bool last = i + 1 == o->dilations.count;
        r = conv3(g, r, o->width, o->dilations.values[i], pnn_name(g, "%s.convs.%zu", name, i), o,
                  last ? 0.1 : 1);
        if (!last) r = pnn_leaky_relu(g, r, o->slope);
    }
    return pnn_add(g, x, r);
}

pnn_node pnet_mi(pnn_graph *g, pnn_node x, pnn_node edge, const pnet_mi_options *o)
{
    pnn_node in = o->edge_input ? pnn_concat2(g, PNN_AXIS_C, x, edge) : x;
    pnn_node h = conv3(g, in, o->width, 1, "head", o, 1), r = h;
    for (long i = 0; i < o->blocks; i++) r = hybrid_block(g, r, pnn_name(g, "blocks.%ld", i), o);
    r = pnn_add(g, h, conv3(g, r, o->width, 1, "body", o, 1));
    /* tail = 0: y = x before training. */
    return pnn_add(g, x, conv3(g, pnn_leaky_relu(g, r, o->slope), 3, 1, "tail", o, 0));
}

/* ---- Descriptor ---- */

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, mi, width, .min = 1, .max = 1024, .init = "64",
                .help = "channels of the feature maps"),
    PNET_OPTION(PNET_INT, mi, blocks, .min = 0, .max = 256, .init = "12",
                .help = "residual blocks"),
    PNET_OPTION(PNET_LIST, mi, dilations, .min = 1, .max = 64, .init = "[1, 2, 3]",
                .help = "of a block's convolutions"),
    PNET_OPTION(PNET_REAL, mi, slope, .min = 0, .max = 1, .init = "0.2", .help = "of LeakyReLU"),
    PNET_OPTION(PNET_BOOL, mi, edge_input, .init = "false",
                .help = "the edge map of EME is a fourth channel of the input"),
    PNET_OPTION(PNET_INT, mi, eme_width, .min = 1, .max = 1024, .init = "32",
                .help = "width of that EME"),
    PNET_OPTIONS_END,
};

static const pnet_variant variants[] = {
    {"edge", "{\"edge_input\": true}", "with the edge map of EME as fourth channel of the input"},
    PNET_VARIANTS_END,
};

static long radius(const pnet_options *o)
{
    long block = 0;
    if (o->mi.edge_input) return -1; /* EME pads the whole picture */
    for (size_t i = 0; i < o->mi.dilations.count; i++) block += o->mi.dilations.values[i];
    return 3 + o->mi.blocks * block;
}

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    pnn_node edge = {0};
    (void)mode;
    if (o->mi.edge_input) { /* EME is never trained with MI */
        pnn_freeze(g, true);
        edge = pnet_eme(g, x, &(pnet_eme_options){o->mi.eme_width}).edge;
        pnn_freeze(g, false);
    }
    return pnet_mi(g, x, edge, &o->mi);
}

const pnet_net pnet_net_mi = {
    .name = "mi",
    .title = "Main interpreter",
    .paper = "after Zhu, Wang, Xue, Xie, Cheng, Wang: Structure-preserving image smoothing via "
             "contrastive learning, The Visual Computer 2024; reimplemented from the abstract",
    .summary = "residual network of hybrid dilated blocks without normalisation",
    .smooths = true,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = pnet_any_size,
    .build = build,
};
