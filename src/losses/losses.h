/* SPDX-License-Identifier: MIT */
/* losses: what networks are trained on, one file each, as nodes of the network's graph: their
 * gradients are the graph's. Pictures N x H x W x C in [0, 1]; a loss is a scalar. Maps of the
 * truth (labels) carry no gradient. In a group of processes (pnn_graph_group) the mean of their
 * losses is the loss of the whole batch. */
#ifndef PLN_LOSSES_LOSSES_H
#define PLN_LOSSES_LOSSES_H

#include "nn/nn.h"

/* mean |x - y| */
pnn_node ploss_l1(pnn_graph *g, pnn_node x, pnn_node y);

/* Mean SSIM over pictures, channels and all pixels: 11 x 11 Gaussian of sigma 1.5, zero border, not
 * renormalised there; variances E[x^2] - E[x]^2. (SSIM-A of the metrics.) */
pnn_node ploss_ssim(pnn_graph *g, pnn_node x, pnn_node y);
/* levels - sum over i < levels of SSIM of both pictures after i max poolings 2 x 2. */
pnn_node ploss_ms_ssim(pnn_graph *g, pnn_node x, pnn_node y, int levels);

/* Class-balanced cross entropy of edge logits, summed over the batch; label 0 or 1, N x H x W x 1.
 * Positives weigh |E-| / |E|, negatives |E+| / |E|; 1 if there are positives only. Easy2Hard, eq.
 * of L_edge. */
pnn_node ploss_edge_bce(pnn_graph *g, pnn_node logits, pnn_node label);

/* Distinctive total variation: L1 to the truth on edges, squared differences to the next pixel
 * elsewhere (around the border). H and W of x must be numbers. Easy2Hard, L_DTV. */
pnn_node ploss_dtv(pnn_graph *g, pnn_node x, pnn_node y, pnn_node edge);

/* A picture and what a frozen network sees in it. */
enum { PLOSS_LAYERS_MAX = 4 };
typedef struct ploss_features {
    pnn_node x, f[PLOSS_LAYERS_MAX];
    size_t layers;
} ploss_features;

/* Squared differences of Gram matrices, each divided by C H W, summed over layers and batch. */
pnn_node ploss_gram_distance(pnn_graph *g, const pnn_node *fx, const pnn_node *fy, size_t layers);
/* mean |mean_c x - mean_c y| */
pnn_node ploss_mean_distance(pnn_graph *g, pnn_node x, pnn_node y);
/* Sum of two hinges max(d(anchor, positive) - d(anchor, negative) + margin, 0) over the batch: d of
 * Gram matrices and d of means. CSGIS-Net: features relu1_2 and relu2_2 of VGG16, margins 0.04 and
 * 0.3. */
pnn_node ploss_contrast(pnn_graph *g, const ploss_features *anchor, const ploss_features *positive,
                        const ploss_features *negative, double margin_gram, double margin_mean);

/* Mean cross entropy of logits, N x H x W x classes, over the pixels whose label, N x H x W x 1, is
 * not PLOSS_IGNORED; 0 without any. */
#define PLOSS_IGNORED 255
pnn_node ploss_segmentation(pnn_graph *g, pnn_node logits, pnn_node label);

/* Edge-aware total variation with a map e in [0, 1], N x H x W x 1, constant: per value, |forward
 * differences inside the picture| times 1 - max of the two e, and e |y - truth|. H, W at least 2.
 */
pnn_node ploss_eatv(pnn_graph *g, pnn_node y, pnn_node truth, pnn_node e);

/* d(a, b) of each picture, N x 1 x 1 x 1: mean |a - b| + weight times the layers' mean of the same
 * for features. */
pnn_node ploss_distances(pnn_graph *g, const ploss_features *a, const ploss_features *b,
                         double weight);
/* mean_n max(0, d(y, +) - d(y, -) + margin d(+, -)). MI: margin 0.5, weight 1, three stages of EME.
 */
pnn_node ploss_ternary(pnn_graph *g, const ploss_features *y, const ploss_features *positive,
                       const ploss_features *negative, double margin, double weight);
/* mean_n d(y, +) / (d(y, -) + 1e-7): a variant; it starts at infinity where y = x. */
pnn_node ploss_ternary_ratio(pnn_graph *g, const ploss_features *y, const ploss_features *positive,
                             const ploss_features *negative, double weight);

/* Class-balanced cross entropy of several maps of logits, added; label: mean of the people's maps.
 * Positive from `high`, negative up to `low`, between: ignored; divided by the number of the two
 * over the batch. EME: four sides and the fused map, 0 and 0.5. */
pnn_node ploss_boundary_bce(pnn_graph *g, const pnn_node *logits, size_t maps, pnn_node label,
                            double low, double high);

/* Fan's energy E of the result T and the picture I (both of 0..255), mean over the batch; maps G
 * and B of I, from pnn_fan_maps. Its gradient is what energy->slopes says. */
pnn_node ploss_fan(pnn_graph *g, pnn_node T, pnn_node I, pnn_node maps,
                   const pln_fan_energy *energy);

#endif
