/* SPDX-License-Identifier: MIT */
/* nets: the networks, one file each, readable beside the paper. A builder appends a network to a
 * graph (nn/nn.h) and returns the nodes that losses and callers need; a descriptor says what the
 * network is, which arguments its builder takes and what a picture must be. Parameters have the
 * names of the public checkpoints, so files need no translation. Errors stick in the graph. */
#ifndef PLN_NETS_NETS_H
#define PLN_NETS_NETS_H

#include "nn/nn.h"
#include "nn/safetensors.h"

/* Training: normalisation by the batch's statistics, the running ones updated. */
typedef enum pnet_mode { PNET_EVAL, PNET_TRAIN } pnet_mode;

/* ---- Arguments of builders. They stand as a JSON object in weights files (metadata `config`);
 * what is not said there is the default: the published network. ---- */

enum { PNET_LIST_MAX = 16 };
typedef struct pnet_list {
    long values[PNET_LIST_MAX];
    size_t count;
} pnet_list;

/* JESS-Net, its ablations, CSGIS-Net. */
typedef struct pnet_jess_options {
    long dim, num_block, n_smooth, n_refine;
} pnet_jess_options;

typedef enum pnet_fan_norm { PNET_FAN_PICTURE, PNET_FAN_RUNNING } pnet_fan_norm;
typedef struct pnet_fan_options {
    long width;
    pnet_list blocks; /* dilations */
    long last_kernel;
    bool relu_after_add, gain;
    double mean;
    int norm; /* pnet_fan_norm */
} pnet_fan_options;

typedef enum pnet_gate_norm { PNET_GATE_NONE, PNET_GATE_BN } pnet_gate_norm;
typedef enum pnet_sasnet_init {
    PNET_INIT_ZERO,
    PNET_INIT_SMALL,
    PNET_INIT_DEFAULT
} pnet_sasnet_init;
typedef struct pnet_sasnet_options {
    long width;
    pnet_list blocks; /* attentive invertible blocks of each level */
    bool attention;
    double clamp; /* 0: none */
    long reduction, kernel;
    int norm; /* pnet_gate_norm */
    double slope;
    int init;     /* pnet_sasnet_init */
    double noise; /* sigma of n */
    long samples; /* draws of n whose results are averaged */
} pnet_sasnet_options;

typedef struct pnet_unet_options {
    long width;
    double slope;
} pnet_unet_options;

typedef struct pnet_mi_options {
    long width, blocks;
    pnet_list dilations;
    double slope;
    bool edge_input;
    long eme_width; /* of the edge map extractor behind edge_input */
} pnet_mi_options;

typedef struct pnet_eme_options {
    long width;
} pnet_eme_options;

typedef struct pnet_vgg16_options {
    pnet_list widths;
} pnet_vgg16_options;

typedef struct pnet_deeplabv3_options {
    long classes;
} pnet_deeplabv3_options;

typedef union pnet_options {
    pnet_jess_options jess;
    pnet_fan_options fan;
    pnet_sasnet_options sasnet;
    pnet_unet_options unet;
    pnet_mi_options mi;
    pnet_eme_options eme;
    pnet_vgg16_options vgg16;
    pnet_deeplabv3_options deeplabv3;
} pnet_options;

/* ---- Builders. x: N x H x W x 3, RGB, any size. ---- */

typedef struct pnet_jess_nodes {
    pnn_node f;    /* descriptor */
    pnn_node edge; /* E, logits; {0} where the variant has none */
    pnn_node s0, r, s1;
} pnet_jess_nodes; /* s1: the smoothed picture of every variant */
pnet_jess_nodes pnet_jess(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode);
pnet_jess_nodes pnet_hdc_edge(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode);
pnet_jess_nodes pnet_hdc(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode);
pnet_jess_nodes pnet_baseline(pnn_graph *g, pnn_node x, const pnet_jess_options *o, pnet_mode mode);

typedef struct pnet_fan_nodes {
    pnn_node head, body, up, tail;
    pnn_node y; /* before the gain */
} pnet_fan_nodes;
/* x in 0..255. */
pnet_fan_nodes pnet_fan(pnn_graph *g, pnn_node x, const pnet_fan_options *o, pnet_mode mode);
/* Each channel of p by its least-squares factor onto x. */
pnn_node pnet_fan_gain(pnn_graph *g, pnn_node p, pnn_node x);

typedef struct pnet_sasnet_nodes {
    pnn_node y_cor, z; /* f(x) */
} pnet_sasnet_nodes;
/* Height and width of x: multiples of 2^levels. */
pnet_sasnet_nodes pnet_sasnet_f(pnn_graph *g, pnn_node x, const pnet_sasnet_options *o,
                                pnet_mode mode);
/* f^-1([y_cor, n]). */
pnn_node pnet_sasnet_inverse(pnn_graph *g, pnn_node y_cor, pnn_node n, const pnet_sasnet_options *o,
                             pnet_mode mode);
/* One residual block g with its gates. */
typedef struct pnet_sasnet_g_nodes {
    pnn_node r, channel_gated, spatial_gated, y;
} pnet_sasnet_g_nodes;
pnet_sasnet_g_nodes pnet_sasnet_g(pnn_graph *g, pnn_node x, long c_out, const char *name,
                                  const pnet_sasnet_options *o, pnet_mode mode);
/* y = f^-1([f_cor(x), n]) of any size; n: zeros, or o->noise times standard normal numbers,
 * averaged over o->samples draws. */
pnn_node pnet_sasnet(pnn_graph *g, pnn_node x, const pnet_sasnet_options *o, pnet_mode mode);

pnn_node pnet_unet(pnn_graph *g, pnn_node x, const pnet_unet_options *o);
pnn_node pnet_autoencoder(pnn_graph *g, pnn_node x, const pnet_unet_options *o);

/* edge: N x H x W x 1, for o->edge_input; else {0}. */
pnn_node pnet_mi(pnn_graph *g, pnn_node x, pnn_node edge, const pnet_mi_options *o);

enum { PNET_EME_STAGES = 4 };
typedef struct pnet_eme_nodes {
    pnn_node stage[PNET_EME_STAGES]; /* of x padded to multiples of 8 */
    pnn_node side[PNET_EME_STAGES];  /* logits, of x's size */
    pnn_node fused;                  /* logits */
    pnn_node edge;                   /* sigmoid(fused) */
} pnet_eme_nodes;
pnet_eme_nodes pnet_eme(pnn_graph *g, pnn_node x, const pnet_eme_options *o);

typedef struct pnet_vgg16_nodes {
    pnn_node relu1_2, relu2_2;
} pnet_vgg16_nodes;
pnet_vgg16_nodes pnet_vgg16(pnn_graph *g, pnn_node x, const pnet_vgg16_options *o);

/* Logits of x's size. */
pnn_node pnet_deeplabv3(pnn_graph *g, pnn_node x, const pnet_deeplabv3_options *o);
/* The same for a small patch: enlarged to 257 x 257, logits brought back. */
pnn_node pnet_deeplabv3_patch(pnn_graph *g, pnn_node x, const pnet_deeplabv3_options *o);

/* ---- Descriptors ---- */

typedef enum pnet_kind {
    PNET_END,
    PNET_INT,   /* long in [min, max], odd if said so */
    PNET_REAL,  /* double in [min, max]; null is 0 */
    PNET_BOOL,  /* bool */
    PNET_LIST,  /* pnet_list of integers in [min, max], at least one */
    PNET_CHOICE /* int: index into choices */
} pnet_kind;

typedef struct pnet_option {
    pnet_kind kind;
    const char *key;
    size_t offset; /* in pnet_options */
    double min, max;
    bool odd;
    size_t count;     /* of a list; 0: 1 to PNET_LIST_MAX */
    const char *init; /* JSON */
    const char *const *choices;
    const char *help;
} pnet_option;

/* A configuration with a name. */
typedef struct pnet_variant {
    const char *name, *config, *help;
} pnet_variant;

typedef struct pnet_net {
    const char *name, *title, *paper, *summary;
    bool smooths;               /* the result is the smoothed picture; else: an auxiliary network */
    double range;               /* what white is: 1 or 255 */
    const pnet_option *options; /* ends with kind PNET_END */
    const pnet_variant *variants; /* ends with name NULL */
    /* Values around a pixel that its result depends on, to each side; -1: the whole picture. Holds
     * for tiles whose edges are multiples of `multiple`. */
    long (*radius)(const pnet_options *o);
    /* Sizes that need no padding inside. */
    long (*multiple)(const pnet_options *o);
    /* The main result. */
    pnn_node (*build)(pnn_graph *g, pnn_node x, const pnet_options *o, pnet_mode mode);
} pnet_net;

/* All networks, the systems first; NULL at the end. */
extern const pnet_net *const pnet_nets[];
extern const pnet_net pnet_net_jess, pnet_net_hdc_edge, pnet_net_hdc, pnet_net_baseline,
    pnet_net_csgis, pnet_net_fan, pnet_net_sasnet, pnet_net_unet, pnet_net_autoencoder, pnet_net_mi,
    pnet_net_eme, pnet_net_vgg16, pnet_net_deeplabv3;

/* "jess", or "sasnet:x4" with a variant; its options. PLN_E_ARG: unknown, the nearest name is said.
 */
pln_status pnet_find(pln_context *ctx, const char *name, const pnet_net **net,
                     pnet_options *options) PLN_CHECK;
/* Defaults, then what the JSON object `config` says (NULL: nothing). PLN_E_MODEL: an unknown key, a
 * value of another kind or out of range; `where` starts the message. */
pln_status pnet_configure(pln_context *ctx, const pnet_net *net, const char *config,
                          const char *where, pnet_options *options) PLN_CHECK;
/* The same as text: all options. *text to pln_free. */
pln_status pnet_config_text(pln_context *ctx, const pnet_net *net, const pnet_options *options,
                            char **text) PLN_CHECK;
/* What a weights file is of: `system` (net: if it says none; NULL: it must), `config`, and options
 * that stand as metadata of their own. PLN_E_MODEL: of another system, channel order or range. */
pln_status pnet_of_weights(pln_context *ctx, const pnn_st *weights, const pnet_net *net,
                           const pnet_net **found, pnet_options *options) PLN_CHECK;
/* A graph of its own: input "x" (N x H x W x 3), output "y". */
pln_status pnet_graph(pln_context *ctx, const pnet_net *net, const pnet_options *options,
                      pnet_mode mode, pnn_graph **graph) PLN_CHECK;

#endif
