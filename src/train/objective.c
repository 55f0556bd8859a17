/* SPDX-License-Identifier: MIT */
#include "train/objective.h"

#include <string.h>

#include "losses/losses.h"
#include "nets/session.h"

/* ---- Frozen networks ---- */

static bool needs_eme(const pln_recipe *r)
{
    return (r->ternary > 0 && r->features > 0) || (r->eatv > 0 && r->edges != PLN_EDGES_NONE);
}

static pln_status load(pln_context *ctx, const char *path, const pnet_net *net, pnn_store *store,
                       pnet_options *options)
{
    const pnet_net *found;
    pnn_graph *g = NULL;
    pnn_st *file = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pnn_st_open(ctx, path, 0, &file));
    PLN_TRY(pnet_of_weights(ctx, file, net, &found, options));
    PLN_TRY(pnet_graph(ctx, net, options, PNET_EVAL, &g));
    PLN_TRY(pnn_store_load(store, g, file, ""));
done:
    pnn_graph_free(g);
    pnn_st_free(file);
    return s;
}

static pln_status unnamed(pln_context *ctx, const char *term, const char *key)
{
    return pln_fail(
        ctx, PLN_E_MODEL,
        "[loss] %s looks through a frozen network: [frozen] %s = FILE names its weights", term,
        key);
}

pln_status pln_frozen_load(pln_context *ctx, const pln_recipe *r, pnn_store *store,
                           pln_frozen *frozen)
{
    pnet_options o;
    char *path = NULL;
    pln_status s = PLN_OK;

    *frozen = (pln_frozen){0};
    if (r->contrast > 0) {
        if (!*r->vgg16) return unnamed(ctx, "contrast", "vgg16");
        PLN_TRY(load(ctx, r->vgg16, &pnet_net_vgg16, store, &o));
        frozen->vgg16 = o.vgg16;
    }
    if (r->segmentation > 0) {
        if (!*r->deeplabv3) return unnamed(ctx, "segmentation", "deeplabv3");
        PLN_TRY(load(ctx, r->deeplabv3, &pnet_net_deeplabv3, store, &o));
        frozen->deeplabv3 = o.deeplabv3;
    }
    bool input = r->net == &pnet_net_mi && r->options.mi.edge_input;
    if (needs_eme(r) || input) {
        if (*r->eme)
            PLN_TRY(pln_strdup(ctx, r->eme, &path));
        else
            PLN_TRY(pnet_find_model(ctx, "eme", &path));
        PLN_TRY(load(ctx, path, &pnet_net_eme, store, &o));
        frozen->eme = o.eme;
        if (input && o.eme.width != r->options.mi.eme_width)
            s = pln_fail(ctx, PLN_E_MODEL, "%s: EME of width %ld: expected %ld, the network's",
                         path, o.eme.width, r->options.mi.eme_width);
    }
done:
    pln_free(path);
    return s;
}

bool pln_energy_looks_at_objects(const pln_recipe *r)
{
    const pln_fan_variant *v = pln_recipe_energy(r);
    return v && (v->guide == PLN_FAN_SALIENT || v->guide == PLN_FAN_NOT_SALIENT);
}

unsigned pln_objective_companions(const pln_recipe *r)
{
    unsigned c = 0;
    if (r->edge > 0 || r->dtv > 0) c |= PLN_WITH_EDGE;
    if (r->segmentation > 0 || pln_energy_looks_at_objects(r)) c |= PLN_WITH_CLASSES;
    if (r->boundary > 0) c |= PLN_WITH_BOUNDARY;
    if (r->contrast > 0 && r->negative != PLN_NEGATIVE_INPUT) c |= PLN_WITH_NEGATIVE;
    return c;
}

/* ---- What the network gives ---- */

enum { MAPS = PNET_EME_STAGES + 1 };
struct results {
    pnn_node y[2]; /* smoothed pictures, the final one last */
    size_t n;
    pnn_node edge;       /* logits of edges, {0} of networks that find none */
    pnn_node maps[MAPS]; /* EME's logits of boundaries */
};

static struct results results_of(pnn_graph *g, const pln_recipe *r, pnn_node x)
{
    const pnet_net *net = r->net;
    struct results y = {.n = 1};
    pnet_mode mode = r->statistics == PLN_STATISTICS_BATCH ? PNET_TRAIN : PNET_EVAL;
    pnn_node in = net->range == 1 ? x : pnn_affine(g, x, net->range, 0);
    if (net == &pnet_net_jess || net == &pnet_net_csgis) {
        pnet_jess_nodes n = pnet_jess(g, in, &r->options.jess, mode);
        y = (struct results){.y = {n.s0, n.s1}, .n = 2, .edge = n.edge};
    } else if (net == &pnet_net_hdc_edge) {
        pnet_jess_nodes n = pnet_hdc_edge(g, in, &r->options.jess, mode);
        y = (struct results){.y = {n.s1}, .n = 1, .edge = n.edge};
    } else if (net == &pnet_net_eme) {
        pnet_eme_nodes n = pnet_eme(g, in, &r->options.eme);
        y.n = 0;
        memcpy(y.maps, n.side, sizeof n.side);
        y.maps[PNET_EME_STAGES] = n.fused;
    } else {
        y.y[0] = net->build(g, in, &r->options, mode);
    }
    for (size_t i = 0; i < y.n && net->range != 1; i++)
        y.y[i] = pnn_affine(g, y.y[i], 1 / net->range, 0);
    return y;
}

/* ---- Terms that look through a frozen network ---- */

static ploss_features vgg16_of(pnn_graph *g, const pln_frozen *f, pnn_node x)
{
    pnn_freeze(g, true);
    pnet_vgg16_nodes v = pnet_vgg16(g, x, &f->vgg16);
    pnn_freeze(g, false);
    return (ploss_features){.x = x, .f = {v.relu1_2, v.relu2_2}, .layers = 2};
}

static pnn_node contrast(pnn_graph *g, const pln_recipe *r, const pln_frozen *f, pnn_node y,
                         const pln_lesson *in)
{
    ploss_features anchor = vgg16_of(g, f, y), positive = vgg16_of(g, f, in->truth),
                   negative = vgg16_of(g, f, in->negative);
    return ploss_contrast(g, &anchor, &positive, &negative, r->margin_gram, r->margin_mean);
}

static pnn_node segmentation(pnn_graph *g, const pln_frozen *f, pnn_node y, const pln_lesson *in)
{
    pnn_freeze(g, true);
    pnn_node logits = pnet_deeplabv3_patch(g, y, &f->deeplabv3);
    pnn_freeze(g, false);
    return ploss_segmentation(g, logits, in->classes);
}

static pnet_eme_nodes eme_of(pnn_graph *g, const pln_frozen *f, pnn_node x)
{
    pnn_freeze(g, true);
    pnet_eme_nodes e = pnet_eme(g, x, &f->eme);
    pnn_freeze(g, false);
    return e;
}

static ploss_features eme_features(pnn_graph *g, const pln_recipe *r, const pln_frozen *f,
                                   pnn_node x)
{
    ploss_features y = {.x = x};
    if (!(r->features > 0)) return y;
    pnet_eme_nodes e = eme_of(g, f, x);
    for (y.layers = 0; y.layers < 3; y.layers++) y.f[y.layers] = e.stage[y.layers];
    return y;
}

static pnn_node ternary(pnn_graph *g, const pln_recipe *r, const pln_frozen *f, pnn_node y,
                        const pln_lesson *in)
{
    ploss_features anchor = eme_features(g, r, f, y), positive = eme_features(g, r, f, in->truth),
                   negative = eme_features(g, r, f, in->x);
    return r->ternary_form == PLN_TERNARY_RATIO
               ? ploss_ternary_ratio(g, &anchor, &positive, &negative, r->features)
               : ploss_ternary(g, &anchor, &positive, &negative, r->margin, r->features);
}

static pnn_node eatv(pnn_graph *g, const pln_recipe *r, const pln_frozen *f, pnn_node y,
                     const pln_lesson *in)
{
    pnn_node e = r->edges == PLN_EDGES_NONE
                     ? pnn_fill(g, pnn_slice(g, in->x, 0, 1), 0)
                     : eme_of(g, f, r->edges == PLN_EDGES_INPUT ? in->x : in->truth).edge;
    return ploss_eatv(g, y, in->truth, e);
}

/* ---- The term without a truth ---- */

/* DIFF: the paper's saliency is a detector's; here what people labelled as objects is salient, the
 * rims they left open (255) are neither. */
static pnn_node saliency_of(pnn_graph *g, pnn_node classes)
{
    pnn_node open = pnn_binary(g, PNN_EQUAL, classes, pnn_constant(g, PLOSS_IGNORED));
    return pnn_sub(g, pnn_unary(g, PNN_STEP, classes, 0, 0), pnn_affine(g, open, 0.5, 0));
}

static pnn_node fan(pnn_graph *g, const pln_recipe *r, pnn_node y, const pln_lesson *in)
{
    const pln_fan_variant *v = pln_recipe_energy(r);
    pln_fan_energy energy = v->energy;
    pnn_node T = pnn_affine(g, y, 255, 0), I = pnn_affine(g, in->x, 255, 0), S = {0};
    energy.slopes = r->slopes;
    if (pln_energy_looks_at_objects(r)) S = saliency_of(g, in->classes);
    return ploss_fan(g, T, I, pnn_fan_maps(g, v->guide, I, S), &energy);
}

/* ---- All terms ---- */

static pnn_node plus(pnn_graph *g, pnn_node total, double weight, pnn_node term)
{
    term = pnn_affine(g, term, weight, 0);
    return total.id ? pnn_add(g, total, term) : term;
}

static pnn_node no_such(pnn_graph *g, const pln_recipe *r, const char *term, const char *what)
{
    return pnn_error(g, PLN_E_MODEL, "[loss] %s: network '%s' finds no %s", term, r->net->name,
                     what);
}

pnn_node pln_objective(pnn_graph *g, const pln_recipe *r, const pln_frozen *f, const pln_lesson *in)
{
    struct results y = results_of(g, r, in->x);
    pnn_node last = y.n ? y.y[y.n - 1] : (pnn_node){0}, total = {0};

    if (r->edge > 0 && !y.edge.id) return no_such(g, r, "edge", "edges");
    if (r->boundary > 0 && y.n) return no_such(g, r, "boundary", "boundaries");
    if (!y.n && (r->boundary == 0 || r->l1 + r->ms_ssim + r->dtv + r->contrast + r->segmentation +
                                             r->ternary + r->eatv + r->fan >
                                         0))
        return pnn_error(g, PLN_E_MODEL,
                         "[loss] network '%s' gives no picture: expected boundary alone",
                         r->net->name);
    /* Easy2Hard, CSGIS-Net: L1, SSIM and DTV of both interpreters' pictures. */
    for (size_t i = 0; i < y.n; i++) {
        if (r->l1 > 0) total = plus(g, total, r->l1, ploss_l1(g, y.y[i], in->truth));
        if (r->ms_ssim > 0)
            total = plus(g, total, r->ms_ssim, ploss_ms_ssim(g, y.y[i], in->truth, 4));
        if (r->dtv > 0) total = plus(g, total, r->dtv, ploss_dtv(g, y.y[i], in->truth, in->edge));
    }
    if (r->edge > 0) total = plus(g, total, r->edge, ploss_edge_bce(g, y.edge, in->edge));
    if (r->contrast > 0) total = plus(g, total, r->contrast, contrast(g, r, f, last, in));
    if (r->segmentation > 0) total = plus(g, total, r->segmentation, segmentation(g, f, last, in));
    if (r->ternary > 0) total = plus(g, total, r->ternary, ternary(g, r, f, last, in));
    if (r->eatv > 0) total = plus(g, total, r->eatv, eatv(g, r, f, last, in));
    if (r->fan > 0) total = plus(g, total, r->fan, fan(g, r, last, in));
    if (r->boundary > 0)
        total = plus(g, total, r->boundary,
                     ploss_boundary_bce(g, y.maps, MAPS, in->boundary, r->low, r->high));
    return total;
}
