/* SPDX-License-Identifier: MIT */
/* losses: what networks are trained on, one file each, as nodes of the network's graph: their
 * gradients are the graph's. Pictures N x H x W x C in [0, 1]; a loss is a scalar. Maps of the
 * truth (labels) carry no gradient. */
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

#endif
