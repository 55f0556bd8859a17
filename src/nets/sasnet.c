/* SPDX-License-Identifier: MIT */
/* SASNet.
 * Li, Qin, Xu, Ji: "Deep Scale-Aware Image Smoothing", ICASSP 2022, with the blocks of its
 * ancestors where the text leaves them open. An invertible f, Haar transforms and attentive
 * invertible blocks (AIB), splits a picture into coarse structure and detail; the detail is
 * replaced:
 *
 *     f(x) = [y_cor, z]    y = f^-1([y_cor, n])
 *
 * f^-1 has the weights of f. */
#include <math.h>

#include "nets/layers.h"

enum { C = 3 }; /* channels of a_1, of the picture */

struct sasnet {
    pnn_graph *g;
    const pnet_sasnet_options *o;
    pnet_mode mode;
};

/* ---- g: residual block with channel and spatial gate (CBAM: Woo et al., ECCV 2018) ---- */

/* M(v) = W2 ReLU(W1 v + b1) + b2 of every pixel: the mean and the maximum are two of them. */
static pnn_node mlp(const struct sasnet *n, pnn_node v, const char *name)
{
    long w = n->o->width, hidden = w / n->o->reduction > 1 ? w / n->o->reduction : 1;
    v = pnn_relu(n->g, pnn_linear(n->g, v, pnn_name(n->g, "%s.ca.fc1", name), hidden));
    return pnn_linear(n->g, v, pnn_name(n->g, "%s.ca.fc2", name), w);
}

static pnn_node channel_gate(const struct sasnet *n, pnn_node r, const char *name)
{
    const unsigned pixels = PNN_OVER_H | PNN_OVER_W;
    pnn_node both = pnn_concat2(n->g, PNN_AXIS_W, pnn_reduce(n->g, PNN_REDUCE_MAX, r, pixels),
                                pnn_reduce(n->g, PNN_MEAN, r, pixels));
    pnn_node gate = pnn_reduce(n->g, PNN_SUM, mlp(n, both, name), PNN_OVER_W);
    return pnn_mul(n->g, r, pnn_unary(n->g, PNN_SIGMOID, gate, 0, 0));
}

static pnn_node spatial_gate(const struct sasnet *n, pnn_node r, const char *name)
{
    pnn_node m = pnn_concat2(n->g, PNN_AXIS_C, pnn_reduce(n->g, PNN_REDUCE_MAX, r, PNN_OVER_C),
                             pnn_reduce(n->g, PNN_MEAN, r, PNN_OVER_C));
    bool bn = n->o->norm == PNET_GATE_BN;
    pnn_conv_spec spec = {.out = 1, .k = n->o->kernel, .pad = PNN_SAME, .no_bias = bn};
    m = pnn_conv(n->g, m, pnn_name(n->g, "%s.sa.conv", name), spec);
    if (bn)
        m = pnn_norm(n->g, m, pnn_name(n->g, "%s.sa.bn", name),
                     n->mode == PNET_TRAIN ? PNN_NORM_BATCH : PNN_NORM_RUNNING, 0.01);
    return pnn_mul(n->g, r, pnn_unary(n->g, PNN_SIGMOID, m, 0, 0));
}

/* Xavier's normal start times a gain, no bias. */
static pnn_node conv3(const struct sasnet *n, pnn_node x, long out, const char *name, double gain)
{
    pnn_conv_spec spec = {.out = out, .k = 3, .pad = 1};
    if (n->o->init != PNET_INIT_DEFAULT) {
        double fans = 9.0 * (double)(pnn_channels(n->g, x) + out);
        spec.weight = (pnn_init){PNN_INIT_NORMAL, gain * sqrt(2 / fans)};
    }
    return pnn_conv(n->g, x, name, spec);
}

static pnet_sasnet_g_nodes residual_block(const struct sasnet *n, pnn_node x, long c_out,
                                          const char *name)
{
    pnet_sasnet_g_nodes y;
    long w = n->o->width;
    pnn_node r = conv3(n, x, w, pnn_name(n->g, "%s.conv1", name), 0.1);
    r = pnn_leaky_relu(n->g, r, n->o->slope);
    y.r = conv3(n, r, w, pnn_name(n->g, "%s.conv2", name), 0.1);
    y.channel_gated = n->o->attention ? channel_gate(n, y.r, name) : y.r;
    y.spatial_gated = n->o->attention ? spatial_gate(n, y.channel_gated, name) : y.r;
    pnn_node xr = pnn_concat2(n->g, PNN_AXIS_C, x, y.spatial_gated);
    /* conv3 = 0: f starts as the Haar transform. */
    y.y = conv3(n, xr, c_out, pnn_name(n->g, "%s.conv3", name),
                n->o->init == PNET_INIT_SMALL ? 0.01 : 0);
    return y;
}

pnet_sasnet_g_nodes pnet_sasnet_g(pnn_graph *g, pnn_node x, long c_out, const char *name,
                                  const pnet_sasnet_options *o, pnet_mode mode)
{
    struct sasnet n = {g, o, mode};
    return residual_block(&n, x, c_out, name);
}

/* ---- AIB ---- */

/* g1: a_2 -> a_1; g2, g3: a_1 -> a_2. */
static pnn_node g_of(const struct sasnet *n, pnn_node x, long c_out, const char *block, int i)
{
    return residual_block(n, x, c_out, pnn_name(n->g, "%s.g%d", block, i)).y;
}

/* s = clamp tanh(g2(a_1) / 2) */
static pnn_node log_scale(const struct sasnet *n, pnn_node a1, long c2, const char *block)
{
    pnn_node h = g_of(n, a1, c2, block, 2);
    if (n->o->clamp == 0) return h;
    h = pnn_unary(n->g, PNN_TANH, pnn_affine(n->g, h, 0.5, 0), 0, 0);
    return pnn_affine(n->g, h, n->o->clamp, 0);
}

/* a_1' = a_1 + g1(a_2), a_2' = a_2 exp(s(a_1')) + g3(a_1') */
static void forward(const struct sasnet *n, pnn_node *a1, pnn_node *a2, const char *block)
{
    pnn_graph *g = n->g;
    long c2 = pnn_channels(g, *a2);
    *a1 = pnn_add(g, *a1, g_of(n, *a2, C, block, 1));
    pnn_node e = pnn_unary(g, PNN_EXP, log_scale(n, *a1, c2, block), 0, 0);
    *a2 = pnn_add(g, pnn_mul(g, *a2, e), g_of(n, *a1, c2, block, 3));
}

/* a_2 = (a_2' - g3(a_1')) exp(-s(a_1')), a_1 = a_1' - g1(a_2) */
static void inverse(const struct sasnet *n, pnn_node *a1, pnn_node *a2, const char *block)
{
    pnn_graph *g = n->g;
    long c2 = pnn_channels(g, *a2);
    pnn_node s = pnn_affine(g, log_scale(n, *a1, c2, block), -1, 0);
    *a2 = pnn_mul(g, pnn_sub(g, *a2, g_of(n, *a1, c2, block, 3)), pnn_unary(g, PNN_EXP, s, 0, 0));
    *a1 = pnn_sub(g, *a1, g_of(n, *a2, C, block, 1));
}

/* ---- f and f^-1 ---- */

static pnn_node join(pnn_graph *g, pnn_node a1, pnn_node a2)
{
    return pnn_concat2(g, PNN_AXIS_C, a1, a2);
}

/* a_1: the first C channels, the low band of the previous a_1; a_2: the rest. */
static void split(pnn_graph *g, pnn_node a, pnn_node *a1, pnn_node *a2)
{
    *a1 = pnn_slice(g, a, 0, C);
    *a2 = pnn_slice(g, a, C, pnn_channels(g, a) - C);
}

pnet_sasnet_nodes pnet_sasnet_f(pnn_graph *g, pnn_node x, const pnet_sasnet_options *o,
                                pnet_mode mode)
{
    struct sasnet n = {g, o, mode};
    pnn_node a = x, a1 = {0}, a2 = {0};
    for (size_t level = 0; level < o->blocks.count; level++) {
        if (level) a = join(g, a1, a2);
        split(g, pnn_haar(g, a), &a1, &a2);
        for (long l = 0; l < o->blocks.values[level]; l++)
            forward(&n, &a1, &a2, pnn_name(g, "levels.%zu.%ld", level, l));
    }
    return (pnet_sasnet_nodes){.y_cor = a1, .z = a2};
}

pnn_node pnet_sasnet_inverse(pnn_graph *g, pnn_node y_cor, pnn_node noise,
                             const pnet_sasnet_options *o, pnet_mode mode)
{
    struct sasnet n = {g, o, mode};
    pnn_node a = {0}, a1 = y_cor, a2 = noise;
    for (size_t level = o->blocks.count; level-- > 0;) {
        if (a.id) split(g, a, &a1, &a2);
        for (long l = o->blocks.values[level]; l-- > 0;)
            inverse(&n, &a1, &a2, pnn_name(g, "levels.%zu.%ld", level, l));
        a = pnn_haar_inverse(g, join(g, a1, a2));
    }
    return a;
}

static long scale(const pnet_sasnet_options *o) { return 1L << o->blocks.count; }

pnn_node pnet_sasnet(pnn_graph *g, pnn_node x, const pnet_sasnet_options *o, pnet_mode mode)
{
    pnn_node padded = pnn_pad_to_multiple(g, x, scale(o), PNN_PAD_REFLECT), y = {0};
    pnet_sasnet_nodes f = pnet_sasnet_f(g, padded, o, mode);
    long draws = o->noise == 0 ? 1 : o->samples;
    for (long k = 0; k < draws; k++) {
        pnn_node n = o->noise == 0 ? pnn_fill(g, f.z, 0)
                                   : pnn_affine(g, pnn_noise(g, f.z, (uint64_t)k), o->noise, 0);
        pnn_node one = pnet_sasnet_inverse(g, f.y_cor, n, o, mode);
        y = k ? pnn_add(g, y, one) : one;
    }
    if (draws > 1) y = pnn_affine(g, y, 1 / (double)draws, 0);
    return pnn_crop_like(g, y, x);
}

/* ---- Descriptor ---- */

static const char *const gate_norms[] = {"none", "bn", NULL};
static const char *const inits[] = {"zero", "small", "default", NULL};

static const pnet_option options[] = {
    PNET_OPTION(PNET_INT, sasnet, width, .min = 1, .max = 1024, .init = "64",
                .help = "channels of the feature maps"),
    PNET_OPTION(PNET_LIST, sasnet, blocks, .min = 1, .max = 64, .init = "[16]",
                .help = "invertible blocks of each level; n levels take x to scale 2^n"),
    PNET_OPTION(PNET_BOOL, sasnet, attention, .init = "true", .help = "channel and spatial gates"),
    PNET_OPTION(PNET_REAL, sasnet, clamp, .min = 0, .max = 16, .init = "1",
                .help = "bound of the log scale; null: none, as the paper prints it"),
    PNET_OPTION(PNET_INT, sasnet, reduction, .min = 1, .max = 1024, .init = "16",
                .help = "width over hidden width of the channel gate"),
    PNET_OPTION(PNET_INT, sasnet, kernel, .min = 1, .max = 31, .odd = true, .init = "7",
                .help = "side of the spatial gate's kernel"),
    PNET_OPTION(PNET_CHOICE, sasnet, norm, .init = "\"none\"", .choices = gate_norms,
                .help = "normalisation in the spatial gate"),
    PNET_OPTION(PNET_REAL, sasnet, slope, .min = 0, .max = 1, .init = "0.2",
                .help = "of LeakyReLU"),
    PNET_OPTION(PNET_CHOICE, sasnet, init, .init = "\"zero\"", .choices = inits,
                .help = "start of training: the Haar transform, near it, or PyTorch's"),
    PNET_OPTION(PNET_REAL, sasnet, noise, .min = 0, .max = 16, .init = "0",
                .help = "standard deviation of n"),
    PNET_OPTION(PNET_INT, sasnet, samples, .min = 1, .max = 64, .init = "1",
                .help = "draws of n whose results are averaged"),
    PNET_OPTIONS_END,
};

static const pnet_variant variants[] = {
    {"x4", "{\"blocks\": [8, 8]}", "two levels"},
    {"x8", "{\"blocks\": [6, 5, 5]}", "three levels"},
    {"plain", "{\"attention\": false}", "no attention"},
    {"bn", "{\"norm\": \"bn\"}", "normalisation in the gates, as the published count has"},
    PNET_VARIANTS_END,
};

static long multiple(const pnet_options *o) { return scale(&o->sasnet); }

static long round_up(long a, long k) { return (a + k - 1) / k * k; }

/* Through f^-1 and back through f: a block is two sub-networks of three convolutions deep. */
static long radius(const pnet_options *o)
{
    const pnet_list *blocks = &o->sasnet.blocks;
    long r = 0;
    if (o->sasnet.attention) return -1; /* the channel gate sees all */
    for (size_t k = 0; k < blocks->count; k++)
        r = round_up(r, 2L << k) + 6 * blocks->values[k] * (2L << k);
    for (size_t k = blocks->count; k-- > 0;)
        r = round_up(r, 2L << k) + 6 * blocks->values[k] * (2L << k);
    return r;
}

static pnn_node build(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode)
{
    return pnet_sasnet(g, x, &o->sasnet, mode);
}

const pnet_net pnet_net_sasnet = {
    .name = "sasnet",
    .title = "SASNet",
    .paper = "Li, Qin, Xu, Ji: Deep Scale-Aware Image Smoothing, ICASSP 2022",
    .summary = "invertible network: detail is separated, left out, and the picture rebuilt",
    .smooths = true,
    .range = 1,
    .options = options,
    .variants = variants,
    .radius = radius,
    .multiple = multiple,
    .build = build,
};
