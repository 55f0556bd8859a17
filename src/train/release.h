/* SPDX-License-Identifier: MIT */
/* From a run to weights that others use: rounded values, scores in the metadata, and beside them a
 * model card in Markdown. Every figure of the card is read from a file. */
#ifndef PLN_TRAIN_RELEASE_H
#define PLN_TRAIN_RELEASE_H

#include "data/dataset.h"
#include "nn/safetensors.h"

typedef struct pln_release_options {
    const char *run;            /* folder of the run */
    const char *weights;        /* NULL: RUN/best.safetensors */
    const char *output;         /* NAME.safetensors; the card is NAME.md */
    pnn_dtype type;             /* PNN_F32, PNN_F16, PNN_BF16; statistics stay f32 */
    const pln_dataset *dataset; /* what the weights were trained on; NULL: not at hand */
    const char *terms;          /* under which the data may be used; NULL: not said */
    const char *results;        /* table.csv of `planish eval`; NULL: no test scores */
    const char *machine;        /* this one: said if the log does not say where the run was */
} pln_release_options;

/* PLN_E_MODEL: no run, no weights of a network, a dataset of another hash than the weights say, or
 * a table without the network's row. PLN_E_RANGE: a value that the type cannot hold. */
pln_status pln_release(pln_context *ctx, const pln_release_options *options) PLN_CHECK;

#endif
