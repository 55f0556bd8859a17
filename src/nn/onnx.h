/* SPDX-License-Identifier: MIT */
/* onnx: graphs as ONNX models (onnx.ai, "Open Neural Network Exchange Intermediate Representation
 * Specification"), operator set 17. Activations are N x C x H x W there, so inputs and outputs are
 * too, with N, H and W open: what depends on them is computed in the model from the input's shape.
 * Weights keep their names and the shapes of published checkpoints. */
#ifndef PLN_NN_ONNX_H
#define PLN_NN_ONNX_H

#include "nn/nn.h"
#include "nn/plan.h"
#include "nn/safetensors.h"

enum { PNN_ONNX_OPSET = 17, PNN_ONNX_IR = 8 };

typedef struct pnn_onnx_options {
    const char *name;  /* of the network */
    pnn_dtype weights; /* PNN_F32, PNN_F16 or PNN_BF16 in the file; computed with as F32 */
    const pnn_st_text *metadata;
    size_t metadata_count;
} pnn_onnx_options;

/* The file in memory, *bytes to be freed by pln_free; the same bytes for the same graph and values.
 * Values of parameters come from the store. NOISE becomes RandomNormalLike: other numbers of the
 * same distribution. PLN_E_UNSUPPORTED names an operation that inference has no use for (gradients,
 * what passes make), PLN_E_RANGE a value that the type asked for cannot hold. */
pln_status pnn_onnx_encode(pln_context *ctx, const pnn_graph *g, const pnn_store *store,
                           const pnn_onnx_options *options, void **bytes, size_t *length) PLN_CHECK;

/* The parameters that the outputs of g need, as they stand in such a file, widened, into the store,
 * which has them already: for checks of what was written. PLN_E_MODEL: damaged, or a parameter is
 * missing or of another size. `name` stands in messages. */
pln_status pnn_onnx_read_weights(pln_context *ctx, const void *bytes, size_t length,
                                 const char *name, const pnn_graph *g, pnn_store *store) PLN_CHECK;

#endif
