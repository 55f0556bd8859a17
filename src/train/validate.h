/* SPDX-License-Identifier: MIT */
/* How good a network is: mean scores over the same pairs of the validation split each time, values
 * clamped as in files, the whole protocol of `planish metric`. */
#ifndef PLN_TRAIN_VALIDATE_H
#define PLN_TRAIN_VALIDATE_H

#include "nn/plan.h"
#include "train/trainer.h"

typedef struct pln_validation pln_validation;

/* PLN_E_SHAPE, PLN_E_ARG: the dataset does not fit. */
pln_status pln_validation_new(pln_context *ctx, const pln_recipe *recipe,
                              const pln_dataset *dataset, uint64_t seed,
                              pln_validation **validation) PLN_CHECK;
void pln_validation_free(pln_validation *validation);
/* The scores of `network` with the values of `store`. Networks that smooth: PSNR in dB and SSIM.
 * EME: average precision, in `ssim`'s place nothing. */
pln_status pln_validate(pln_validation *validation, const pnn_graph *network, pnn_store *store,
                        double scores[2]) PLN_CHECK;

#endif
