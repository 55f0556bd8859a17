/* SPDX-License-Identifier: MIT */
/* CSGIS-Net.
 * Wang, Wang, Feng, Yan, Deng, Xie, Wang: "Contrastive Semantic-Guided Image Smoothing Network",
 * Computer Graphics Forum 41(7), 2022: JESS-Net's network with 12 descriptor blocks (the public
 * training script; 20 in its test script), trained with a contrastive and a semantic term. */
#include "nets/layers.h"

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, jess, dim, .min = 1, .max = 1024, .init = "64",
                .help = "channels of the feature maps"),
    PNET_OPTION(PNET_INT, jess, num_block, .min = 0, .max = 256, .init = "12",
                .help = "blocks of the descriptor"),
    PNET_OPTION(PNET_INT, jess, n_smooth, .min = 0, .max = 64, .init = "3",
                .help = "blocks of the smooth interpreter"),
    PNET_OPTION(PNET_INT, jess, n_refine, .min = 0, .max = 64, .init = "6",
                .help = "blocks of the enhancement"),
    PNET_OPTIONS_END,
};

static const pnet_variant variants[] = {
    {"20", "{\"num_block\": 20}", "20 descriptor blocks, as the public test script has"},
    PNET_VARIANTS_END,
};

static long radius(const pnet_options *o) { return pnet_net_jess.radius(o); }

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    return pnet_jess(g, x, &o->jess, mode).s1;
}

const pnet_net pnet_net_csgis = {
    .name = "csgis",
    .title = "CSGIS-Net",
    .paper = "Wang, Wang, Feng, Yan, Deng, Xie, Wang: Contrastive Semantic-Guided Image Smoothing "
             "Network, Computer Graphics Forum 2022",
    .summary = "JESS-Net's network with 12 descriptor blocks, trained by contrast and semantics",
    .smooths = true,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = pnet_any_size,
    .build = build,
};
