/* SPDX-License-Identifier: MIT */
/* The authors' layout: one picture a pair, [truth | input] side by side, N.png. */
#ifndef PLN_DATA_PAIRS_H
#define PLN_DATA_PAIRS_H

#include "data/dataset.h"

struct pln_side_by_side {
    char *folder;
    char **files; /* train first, then val, then test; numbers in their order */
    size_t count; /* of files */
    size_t counts[PLN_SPLIT_TEST + 1]; /* of each split */
    bool photos, classes;              /* photographs instead, with class maps (photo_folder.h) */
};

/* Pictures of FOLDER (then all are test pairs) or of FOLDER/train, val, test. hash: of names, sizes
 * and times. PLN_E_MODEL if there is none. */
pln_status pln_side_by_side_open(pln_context *ctx, const char *folder,
                                 struct pln_side_by_side *pairs, char hash[65]) PLN_CHECK;
/* Of names, sizes and times. */
pln_status pln_side_by_side_hash(pln_context *ctx, const struct pln_side_by_side *pairs,
                                 char hash[65]) PLN_CHECK;
void pln_side_by_side_close(struct pln_side_by_side *pairs);
/* RGB bytes of the left half, the truth, and of the right one; both go to pln_free. */
pln_status pln_side_by_side_read(pln_context *ctx, const struct pln_side_by_side *pairs, size_t i,
                                 uint8_t **truth, uint8_t **in, size_t *w, size_t *h) PLN_CHECK;
#endif
