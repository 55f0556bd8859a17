/* SPDX-License-Identifier: MIT */
/* U-Net and auto-encoder: the baselines of SASNet's ablation table, which does not describe them.
 * Ours: four stages of two conv3x3 + LeakyReLU at scales 1 to 1/8, widths w, 2w, 4w, 8w; 2x2
 * max-pooling down, 2x2 transposed convolution up; the auto-encoder has no skips. After
 * Ronneberger, Fischer, Brox: "U-Net", MICCAI 2015. */
#include "nets/layers.h"

enum { STAGES = 4 };

static pnn_node stage(pnn_graph *g, pnn_node x, const pnet_unet_options *o, long out,
                      const char *name)
{
    for (int i = 0; i < 2; i++)
        x = pnn_leaky_relu(g, pnet_conv3(g, x, out, 1, pnn_name(g, "%s.%d", name, i)), o->slope);
    return x;
}

static pnn_node unet(pnn_graph *g, pnn_node x, const pnet_unet_options *o, bool skip)
{
    pnn_node keep[STAGES], y = pnn_pad_to_multiple(g, x, 1 << (STAGES - 1), PNN_PAD_REFLECT);
    for (int i = 0; i < STAGES; i++) {
        if (i) y = pnn_max_pool(g, y, 2);
        y = keep[i] = stage(g, y, o, o->width << i, pnn_name(g, "down.%d", i));
    }
    for (int i = STAGES - 1; i-- > 0;) {
        long w = o->width << i;
        y = pnn_conv_transposed(g, y, pnn_name(g, "up.%d", i),
                                (pnn_conv_spec){.out = w, .k = 2, .stride = 2});
        if (skip) y = pnn_concat2(g, PNN_AXIS_C, keep[i], y);
        y = stage(g, y, o, w, pnn_name(g, "dec.%d", i));
    }
    y = pnn_conv(g, y, "last", (pnn_conv_spec){.out = 3, .k = 1});
    return pnn_crop_like(g, y, x);
}

pnn_node pnet_unet(pnn_graph *g, pnn_node x, const pnet_unet_options *o)
{
    return unet(g, x, o, true);
}

pnn_node pnet_autoencoder(pnn_graph *g, pnn_node x, const pnet_unet_options *o)
{
    return unet(g, x, o, false);
}

/* ---- Descriptors ---- */

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, unet, width, .min = 1, .max = 1024, .init = "64",
                .help = "channels of the first stage"),
    PNET_OPTION(PNET_REAL, unet, slope, .min = 0, .max = 1, .init = "0.2", .help = "of LeakyReLU"),
    PNET_OPTIONS_END,
};

static const pnet_variant variants[] = {
    {"w34", "{\"width\": 34}", "about SASNet's parameters with skips"},
    {"w88", "{\"width\": 88}", "about SASNet's operations with skips"},
    PNET_VARIANTS_END,
};

/* Two convolutions a stage: 2 (1 + 2 + 4 + 8) down and 2 (4 + 2 + 1) up. */
static long radius(const pnet_options *o)
{
    (void)o;
    return 48; /* 44, rounded up to whole cells of 8 pixels */
}

static long multiple(const pnet_options *o)
{
    (void)o;
    return 1 << (STAGES - 1);
}

static pnn_node build_unet(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    (void)mode;
    return pnet_unet(g, x, &o->unet);
}

static pnn_node build_autoencoder(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    (void)mode;
    return pnet_autoencoder(g, x, &o->unet);
}

#define PAPER                                                                                      \
    "ablation of SASNet, defined here; after Ronneberger, Fischer, Brox: U-Net, MICCAI 2015"

const pnet_net pnet_net_unet = {
    .name = "unet",
    .title = "U-Net",
    .paper = PAPER,
    .summary = "four scales with skips",
    .smooths = true,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = multiple,
    .build = build_unet,
};
const pnet_net pnet_net_autoencoder = {
    .name = "autoencoder",
    .title = "Auto-encoder",
    .paper = PAPER,
    .summary = "four scales without skips",
    .smooths = true,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = multiple,
    .build = build_autoencoder,
};
