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
 * EME: average precision, and those that learn by an energy: its mean, with nothing in SSIM's
 * place.
 */
pln_status pln_validate(pln_validation *validation, const pnn_graph *network, pnn_store *store,
                        double scores[2]) PLN_CHECK;

/* How many pairs are judged. */
size_t pln_validation_pairs(const pln_validation *validation);
/* One of them, to be looked at: P x P squares, values of [0, 1]. */
typedef struct pln_judged {
    size_t pair;                      /* of the validation split */
    size_t patch, c;                  /* c: channels of result and truth; the input has 3 */
    const float *in, *result, *truth; /* until the next call; truth of EME: shares of people, of an
                                         energy NULL */
    double before[2], after[2];       /* PSNR and SSIM of input and result, or energy; of EME 0 */
} pln_judged;
pln_status pln_validate_pair(pln_validation *validation, const pnn_graph *network, pnn_store *store,
                             size_t i, pln_judged *judged) PLN_CHECK;

#endif
