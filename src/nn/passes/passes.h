/* SPDX-License-Identifier: MIT */
/* Passes: a graph into one with the same outputs that costs less. A pass changes nodes where they
 * are, so that inputs still come before their users; only constants are appended, and the last pass
 * puts in copies. What nobody needs any more stays and is not run. */
#ifndef PLN_NN_PASSES_PASSES_H
#define PLN_NN_PASSES_PASSES_H

#include "nn/graph.h"
#include "nn/plan.h"

typedef struct pnn_pass {
    pln_context *ctx;
    pnn_graph *g;
    pnn_store *store;
    pnn_size size;
    bool train; /* parameters change, but for frozen ones */
    pnn_keep keep;
    int *users; /* of each node, outputs and effects counted; set by pnn_pass_count */
} pnn_pass;

pln_status pnn_pass_count(pnn_pass *p) PLN_CHECK;
/* The values of a node that are the same in every run; NULL if they are not. */
const float *pnn_pass_known(const pnn_pass *p, pnn_node x);

/* Constants computed now; a count of elements first of all. */
pln_status pnn_pass_fold(pnn_pass *p) PLN_CHECK;
/* Normalisation by known statistics goes into the weights of the convolution before it:
 * w' = w gamma / sqrt(var + eps), b' = (b - mean) gamma / sqrt(var + eps) + beta; or becomes a
 * multiplication and an addition. */
pln_status pnn_pass_fold_norm(pnn_pass *p) PLN_CHECK;
/* The convolution of a concatenation of few channels and many becomes two, where that is less work.
 * Of known weights, in f32. Not for device back ends. */
pln_status pnn_pass_split(pnn_pass *p) PLN_CHECK;
/* Activations and additions go into the convolution before them. */
pln_status pnn_pass_fuse_conv(pnn_pass *p) PLN_CHECK;
/* An addition and a ReLU go into the normalisation before them. Not for device back ends. */
pln_status pnn_pass_fuse_norm(pnn_pass *p) PLN_CHECK;
/* Sums of products are made without the products in memory. Not for device back ends. */
pln_status pnn_pass_fuse_products(pnn_pass *p) PLN_CHECK;
/* A concatenation of the maximum and the mean over channels, or over pixels, is made in one walk,
 * over a product by a factor of each channel without that in memory. Not for device back ends. */
pln_status pnn_pass_fuse_max_mean(pnn_pass *p) PLN_CHECK;
/* Chains element by element become one program, without the expansions that feed them. */
pln_status pnn_pass_fuse_pointwise(pnn_pass *p) PLN_CHECK;
/* Values for the backward pass that are not kept (pnn_keep) are made again where it reads them
 * first. Renumbers the nodes behind the loss. */
pln_status pnn_pass_recompute(pnn_pass *p) PLN_CHECK;
/* Marks the values that are kept in bf16: between convolutions and element-wise operations. */
pln_status pnn_pass_bf16(pnn_pass *p) PLN_CHECK;

#endif
