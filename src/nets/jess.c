/* SPDX-License-Identifier: MIT */
/* JESS-Net and its ablations.
 * Feng, Deng, Yan, Yang, Wei, Liu: "Easy2Hard: Learning to Solve the Intractables From a Synthetic
 * Dataset for Structure-Preserving Image Smoothing", IEEE TNNLS 2021; the public code's layers and
 * names (class HDC_edge_refine):
 *
 *     F = descriptor(x)    E = interpreter1(F)    S0 = interpreter2(F|E)    R = refine(F|E|S0)
 *     S1 = S0 + R
 *
 * Every convolution is 3x3 with bias and zero padding = dilation. */
#include "nets/layers.h"

struct jess {
    pnn_graph *g;
    long dim;
    pnn_norm_kind norm;
};

static struct jess start(pnn_graph *g, const pnet_jess_options *o, pnet_mode mode)
{
    return (struct jess){g, o->dim, mode == PNET_TRAIN ? PNN_NORM_BATCH : PNN_NORM_RUNNING};
}

/* Convolution, batch normalisation (eps 1e-5, momentum 0.1), ReLU: to dim channels. */
static pnn_node cbr(const struct jess *n, pnn_node x, long dilation, const char *conv,
                    const char *bn)
{
    x = pnet_conv3(n->g, x, n->dim, dilation, conv);
    return pnn_relu(n->g, pnn_norm(n->g, x, bn, n->norm, 0.1));
}

/* Layers i and i + 1 of a sequence. */
static pnn_node cbr_at(const struct jess *n, pnn_node x, const char *sequence, long i)
{
    return cbr(n, x, 1, pnn_name(n->g, "%s.%ld", sequence, i),
               pnn_name(n->g, "%s.%ld", sequence, i + 1));
}

static pnn_node conv_at(const struct jess *n, pnn_node x, const char *sequence, long i, long out)
{
    return pnet_conv3(n->g, x, out, 1, pnn_name(n->g, "%s.%ld", sequence, i));
}

/* A residual block of three CBR. */
typedef pnn_node block_fn(const struct jess *n, pnn_node x, const char *name);

/* x + CBR_{d=3}(CBR_{d=2}(CBR_{d=1}(x))): the residual hybrid dilated convolution. */
static pnn_node rhdc(const struct jess *n, pnn_node x, const char *name)
{
    pnn_node y = x;
    for (int d = 1; d <= 3; d++)
        y = cbr(n, y, d, pnn_name(n->g, "%s.conv_3x3_%d", name, d),
                pnn_name(n->g, "%s.bn_conv_3x3_%d", name, d));
    return pnn_add(n->g, x, y);
}

/* The same without dilation: layers 0, 3, 6 of triple_conv. */
static pnn_node resblock(const struct jess *n, pnn_node x, const char *name)
{
    const char *sequence = pnn_name(n->g, "%s.triple_conv", name);
    pnn_node y = x;
    for (int i = 0; i < 3; i++) y = cbr_at(n, y, sequence, 3 * i);
    return pnn_add(n->g, x, y);
}

/* The list is called res16 whatever its length. */
static pnn_node descriptor(const struct jess *n, pnn_node x, block_fn *block, long blocks)
{
    pnn_node f = pnet_conv3(n->g, x, n->dim, 1, "descriptor.conv_in");
    for (long i = 0; i < blocks; i++) f = block(n, f, pnn_name(n->g, "descriptor.res16.%ld", i));
    return f;
}

/* CBR, CBR, convolution: E, and S of HDC. */
static pnn_node short_interpreter(const struct jess *n, pnn_node f, const char *name, long out)
{
    f = cbr_at(n, f, name, 0);
    f = cbr_at(n, f, name, 3);
    return conv_at(n, f, name, 6, out);
}

/* CBR, blocks, CBR, convolution. */
static pnn_node interpreter(const struct jess *n, pnn_node f, const char *name, block_fn *block,
                            long blocks)
{
    f = cbr_at(n, f, name, 0);
    for (long i = 0; i < blocks; i++) f = block(n, f, pnn_name(n->g, "%s.%ld", name, 3 + i));
    f = cbr_at(n, f, name, 3 + blocks);
    return conv_at(n, f, name, 6 + blocks, 3);
}

static pnn_node refine(const struct jess *n, pnn_node fes, long blocks)
{
    fes = cbr_at(n, fes, "refine", 0);
    for (long i = 0; i < blocks; i++) fes = rhdc(n, fes, pnn_name(n->g, "refine.%ld", 3 + i));
    return conv_at(n, fes, "refine", 3 + blocks, 3);
}

pnet_jess_nodes pnet_jess(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode)
{
    struct jess n = start(g, o, mode);
    pnet_jess_nodes y = {.f = descriptor(&n, x, rhdc, o->num_block)};
    y.edge = short_interpreter(&n, y.f, "interpreter1", 1);
    /* E as logits, with its gradient. */
    pnn_node fe = pnn_concat2(g, PNN_AXIS_C, y.f, y.edge);
    y.s0 = interpreter(&n, fe, "interpreter2", rhdc, o->n_smooth);
    y.r = refine(&n, pnn_concat2(g, PNN_AXIS_C, fe, y.s0), o->n_refine);
    y.s1 = pnn_add(g, y.s0, y.r);
    return y;
}

pnet_jess_nodes pnet_hdc_edge(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode)
{
    struct jess n = start(g, o, mode);
    pnet_jess_nodes y = {.f = descriptor(&n, x, rhdc, o->num_block)};
    y.edge = short_interpreter(&n, y.f, "interpreter1", 1);
    y.s0 =
        interpreter(&n, pnn_concat2(g, PNN_AXIS_C, y.f, y.edge), "interpreter2", rhdc, o->n_smooth);
    y.s1 = y.s0;
    return y;
}

pnet_jess_nodes pnet_hdc(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode)
{
    struct jess n = start(g, o, mode);
    pnet_jess_nodes y = {.f = descriptor(&n, x, rhdc, o->num_block)};
    y.s0 = y.s1 = short_interpreter(&n, y.f, "interpreter", 3);
    return y;
}

pnet_jess_nodes pnet_baseline(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode)
{
    struct jess n = start(g, o, mode);
    pnet_jess_nodes y = {.f = descriptor(&n, x, resblock, o->num_block)};
    y.s0 = y.s1 = interpreter(&n, y.f, "interpreter", resblock, o->n_smooth);
    return y;
}

/* ---- Descriptors ---- */

#define DIM                                                                                        \
    PNET_OPTION(PNET_INT, jess, dim, .min = 1, .max = 1024, .init = "64",                          \
                .help = "channels of the feature maps")
#define BLOCKS(init_)                                                                              \
    PNET_OPTION(PNET_INT, jess, num_block, .min = 0, .max = 256, .init = init_,                    \
                .help = "blocks of the descriptor")
#define SMOOTH                                                                                     \
    PNET_OPTION(PNET_INT, jess, n_smooth, .min = 0, .max = 64, .init = "3",                        \
                .help = "blocks of the smooth interpreter")
#define REFINE                                                                                     \
    PNET_OPTION(PNET_INT, jess, n_refine, .min = 0, .max = 64, .init = "6",                        \
                .help = "blocks of the enhancement")

static const pnet_option jess_options[] = {DIM, BLOCKS("20"), SMOOTH, REFINE, PNET_OPTIONS_END};
static const pnet_option hdc_edge_options[] = {DIM, BLOCKS("20"), SMOOTH, PNET_OPTIONS_END};
static const pnet_option hdc_options[] = {DIM, BLOCKS("20"), PNET_OPTIONS_END};
static const pnet_option baseline_options[] = {DIM, BLOCKS("12"), SMOOTH, PNET_OPTIONS_END};

static const pnet_variant none[] = {PNET_VARIANTS_END};

/* conv_in 1; a block of rHDC 1 + 2 + 3, of ResBlock 3; each other convolution 1. */
static long hdc_radius(const pnet_options *o) { return 1 + 6 * o->jess.num_block + 3; }
static long hdc_edge_radius(const pnet_options *o)
{
    return hdc_radius(o) + 3 + 6 * o->jess.n_smooth;
}
static long jess_radius(const pnet_options *o)
{
    return hdc_edge_radius(o) + 2 + 6 * o->jess.n_refine;
}
static long baseline_radius(const pnet_options *o)
{
    return 1 + 3 * o->jess.num_block + 3 + 3 * o->jess.n_smooth;
}

#define BUILD(net)                                                                                 \
    static pnn_node build_##net(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)   \
    {                                                                                              \
        return pnet_##net(g, x, &o->jess, mode).s1;                                                \
    }
BUILD(jess)
BUILD(hdc_edge)
BUILD(hdc)
BUILD(baseline)

#define PAPER                                                                                      \
    "Feng, Deng, Yan, Yang, Wei, Liu: Easy2Hard: Learning to Solve the Intractables From a "       \
    "Synthetic Dataset for Structure-Preserving Image Smoothing, IEEE TNNLS 2021"

const pnet_net pnet_net_jess = {
    .name = "jess",
    .title = "JESS-Net",
    .paper = PAPER,
    .summary = "descriptor of hybrid dilated blocks, edge and smooth interpreters, enhancement",
    .smooths = true,
    .range = 1,
    .options = jess_options,
    .variants = none,
    .radius = jess_radius,
    .multiple = pnet_any_size,
    .build = build_jess,
};
const pnet_net pnet_net_hdc_edge = {
    .name = "hdc_edge",
    .title = "JESS-Net without the enhancement",
    .paper = PAPER,
    .summary = "ablation of JESS-Net: the result is S0",
    .smooths = true,
    .range = 1,
    .options = hdc_edge_options,
    .variants = none,
    .radius = hdc_edge_radius,
    .multiple = pnet_any_size,
    .build = build_hdc_edge,
};
const pnet_net pnet_net_hdc = {
    .name = "hdc",
    .title = "JESS-Net without edges",
    .paper = PAPER,
    .summary = "ablation of JESS-Net: hybrid dilated descriptor, short interpreter",
    .smooths = true,
    .range = 1,
    .options = hdc_options,
    .variants = none,
    .radius = hdc_radius,
    .multiple = pnet_any_size,
    .build = build_hdc,
};
const pnet_net pnet_net_baseline = {
    .name = "baseline",
    .title = "JESS-Net's baseline",
    .paper = PAPER,
    .summary = "ablation of JESS-Net: plain residual blocks, no edges",
    .smooths = true,
    .range = 1,
    .options = baseline_options,
    .variants = none,
    .radius = baseline_radius,
    .multiple = pnet_any_size,
    .build = build_baseline,
};
