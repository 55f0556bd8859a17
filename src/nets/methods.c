/* SPDX-License-Identifier: MIT */
/* The networks that smooth, as methods: what `planish smooth -m NAME` runs. */
#include <stdio.h>
#include <string.h>

#include "nets/session.h"

static const pln_param no_params[] = {PLN_PARAM_END};

void pnet_model_name(const pln_method *m, const char *preset, char name[64])
{
    bool plain = !preset || !strcmp(preset, "default");
    snprintf(name, 64, plain ? "%s" : "%s-%s", m->name, preset);
}

static pln_status run(pln_context *ctx, const pln_method *m, const pnet_net *const *nets,
                      const pln_run *r)
{
    static const pln_net_options none = {.size = sizeof none};
    pnet_session *session;
    char model[64];
    pnet_model_name(m, r->preset, model);
    pln_status s = pnet_session_get(ctx, nets, model, r->net ? r->net : &none, &session);
    return s ? s : pnet_session_run(ctx, session, &r->in, &r->out);
}

/* Bytes beyond input and output. arena: bytes a pixel of all that lives at once inside the network;
 * above two gigabytes tiles keep it there. */
static size_t memory(size_t pixels, size_t arena, bool tiles)
{
    const size_t dense = pixels * 4 * 3 * sizeof(float), /* picture, result, a turned pair */
        fixed = (size_t)96 << 20;                        /* weights, packed weights, work */
    size_t bytes = pixels * arena;
    if (tiles && bytes > (size_t)2 << 30) bytes = (size_t)2 << 30;
    return dense + fixed + bytes;
}

/* A method of networks (NAME_nets): arena in bytes a pixel, cost in thousands of
 * multiply-accumulates a pixel.
 */
#define NET_METHOD(name_, arena_, tiles_, macs_)                                                   \
    static pln_status name_##_run(pln_context *ctx, const pln_run *r)                              \
    {                                                                                              \
        return run(ctx, &pln_method_##name_, name_##_nets, r);                                     \
    }                                                                                              \
    static size_t name_##_memory(const void *params, size_t w, size_t h, size_t c, int threads)    \
    {                                                                                              \
        (void)params, (void)c, (void)threads;                                                      \
        return memory(w * h, arena_, tiles_);                                                      \
    }                                                                                              \
    static double name_##_nanoseconds(const void *params, size_t c)                                \
    {                                                                                              \
        (void)params, (void)c;                                                                     \
        return 1e3 * (macs_) / 110; /* 110 multiply-accumulates a nanosecond */                    \
    }

#define NET_FIELDS(name_)                                                                          \
    .size = sizeof(pln_method), .name = #name_, .schema = no_params, .params_size = 0,             \
    .grid = (const char *const[]){"", NULL}, .ladder = (const char *const[]){"", NULL},            \
    .caps = PLN_CAP_UNIT_RANGE | PLN_CAP_NET, .memory = name_##_memory,                            \
    .nanoseconds = name_##_nanoseconds, .run = name_##_run, .constant_tolerance = -1,              \
    .flip_tolerance = -1

#define NET_PRESETS(name_, help_)                                                                  \
    static const pln_preset name_##_presets[] = {{"default", "", help_}, {NULL, NULL, NULL}}

extern const pln_method pln_method_jess, pln_method_csgis, pln_method_fan, pln_method_sasnet,
    pln_method_mi;

/* ---- Fan et al. 2018 ---- */

static const pnet_net *const fan_nets[] = {&pnet_net_fan, NULL};
NET_METHOD(fan, 700, false, 286)

static const pln_preset fan_presets[] = {
    {"default", "", "edge-preserving smoothing"},
    {"abstraction", "", "strong, for abstraction"},
    {"detail", "", "light, for detail enhancement"},
    {"texture", "", "removes texture"},
    {"background", "", "smooths what is not salient"},
    {"foreground", "", "smooths what is salient"},
    {NULL, NULL, NULL},
};

const pln_method pln_method_fan = {
    NET_FIELDS(fan),
    .title = "Unsupervised smoothing network",
    .paper = "Fan, Yang, Wipf, Chen, Tong: Image Smoothing via Unsupervised Learning, ACM TOG 2018",
    .year = 2018,
    .summary = "a residual network trained to minimise a spatially variant energy",
    .formula = "A residual network at half size, dilations up to 16, predicts what to add to the "
               "picture. It is trained without examples: its loss is an energy of data, "
               "spatially variant L_p flattening over a 21 x 21 window, and edges.",
    .use = "For effects that an energy can describe and no example shows: edge-preserving "
           "smoothing, abstraction, detail layers.",
    .avoid = "For regular texture of high contrast: take sasnet, or the texture preset.",
    .cost = "O(N)",
    .presets = fan_presets,
};

/* ---- JESS-Net ---- */

static const pnet_net *const jess_nets[] = {&pnet_net_jess, &pnet_net_hdc_edge, &pnet_net_hdc,
                                            &pnet_net_baseline, NULL};
NET_METHOD(jess, 1100, true, 3400)
NET_PRESETS(jess, "trained on blended textures (SPS)");

const pln_method pln_method_jess = {
    NET_FIELDS(jess),
    .title = "JESS-Net",
    .paper =
        "Feng, Deng, Yan, Yang, Wei, Liu: Easy2Hard: Learning to Solve the Intractables From a "
        "Synthetic Dataset for Structure-Preserving Image Smoothing, TNNLS 2021",
    .year = 2021,
    .summary = "edges and smoothed picture are estimated together by dilated residual blocks",
    .formula = "A descriptor F of hybrid dilated blocks; an edge interpreter E from F; a smooth "
               "interpreter S0 from F and E; an enhancement S1 = S0 + R.",
    .use = "For texture of any kind over clear structure.",
    .avoid = "Where seconds count: sasnet takes a fifth of the work, mi two fifths.",
    .cost = "O(N)",
    .presets = jess_presets,
};

/* ---- CSGIS-Net ---- */

static const pnet_net *const csgis_nets[] = {&pnet_net_csgis, NULL};
NET_METHOD(csgis, 1100, true, 2520)
NET_PRESETS(csgis, "trained on VOC-smooth-like pairs");

const pln_method pln_method_csgis = {
    NET_FIELDS(csgis),
    .title = "CSGIS-Net",
    .paper = "Wang, Wang, Feng, Yan, Deng, Xie, Wang: Contrastive Semantic-Guided Image Smoothing "
             "Network, CGF 2022",
    .year = 2022,
    .summary = "JESS-Net's network, trained by contrast and semantics",
    .formula = "As JESS-Net with 12 descriptor blocks. The loss pulls the result to the truth and "
               "pushes it from texture and from over-smoothing in VGG features, and asks that "
               "a segmentation network sees the same classes.",
    .use = "For photographs of people, animals and things whose outlines must stay.",
    .avoid = "Where seconds count: sasnet takes a fifth of the work, mi two fifths.",
    .cost = "O(N)",
    .presets = csgis_presets,
};

/* ---- SASNet ---- */

static const pnet_net *const sasnet_nets[] = {&pnet_net_sasnet, &pnet_net_unet,
                                              &pnet_net_autoencoder, NULL};
NET_METHOD(sasnet, 900, false, 1060)
NET_PRESETS(sasnet, "trained on blended textures (SPS)");

const pln_method pln_method_sasnet = {
    NET_FIELDS(sasnet),
    .title = "SASNet",
    .paper = "Li, Qin, Xu, Ji: Deep Scale-Aware Image Smoothing, ICASSP 2022",
    .year = 2022,
    .summary = "an invertible network parts structure from detail; the picture is rebuilt without "
               "the detail",
    .formula = "f(x) = [y, z] through Haar lattices and attentive invertible blocks; the result is "
               "f⁻¹([y, n]) with n = 0, or n drawn as `--noise` says.",
    .use = "For texture removal first of all.",
    .avoid = "Tiles are not possible: its gates see the whole picture.",
    .cost = "O(N)",
    .presets = sasnet_presets,
};

/* ---- Main interpreter ---- */

static const pnet_net *const mi_nets[] = {&pnet_net_mi, NULL};
NET_METHOD(mi, 1100, true, 1368)
NET_PRESETS(mi, "trained by contrast with edge maps");

const pln_method pln_method_mi = {
    NET_FIELDS(mi),
    .title = "Main interpreter",
    .paper = "after Zhu, Wang, Xue, Xie, Cheng, Wang: Structure-preserving image smoothing via "
             "contrastive learning, The Visual Computer 2023",
    .year = 2023,
    .summary = "a residual network of dilated blocks, trained by contrast and edge maps",
    .formula = "Residual blocks with dilations; the loss compares edge maps that a frozen "
               "extractor finds in the result and in the truth, and contrasts features.",
    .use = "For texture over thin structure.",
    .avoid = "For very coarse texture: take sasnet.",
    .cost = "O(N)",
    .presets = mi_presets,
};
