/* SPDX-License-Identifier: MIT */
/* What a run has done: RUN/log.jsonl, a line a step. */
#ifndef PLN_TRAIN_HISTORY_H
#define PLN_TRAIN_HISTORY_H

#include "core/core.h"

/* The scores of a validation: keys of the log, and how they are said. The first decides which
 * weights are best. */
typedef struct pln_judge {
    const char *key[2], *unit[2]; /* the second may be NULL */
    bool least;                   /* less is better */
} pln_judge;
extern const pln_judge pln_judge_smoothing, pln_judge_boundaries, pln_judge_energy;
/* Is a first score better than another? */
bool pln_is_better(const pln_judge *judge, double score, double than);

/* "28.38 dB, SSIM 0.8132", "average precision 0.5210". */
void pln_scores_text(const pln_judge *judge, const double scores[2], char text[64]);

typedef struct pln_history_line {
    uint64_t step;
    double loss, rate, seconds;
    const pln_judge *judge; /* NULL: not validated */
    double scores[2];
} pln_history_line;

typedef struct pln_history {
    pln_history_line *lines;
    size_t count;
    size_t best;    /* the line of the best validation; count: there is none */
    double seconds; /* of all steps */
} pln_history;

/* A last line that was cut off by a kill is left out. PLN_E_MODEL: RUN holds no run, or a line of
 * its log is damaged. */
pln_status pln_history_read(pln_context *ctx, const char *run, pln_history *history) PLN_CHECK;
void pln_history_free(pln_history *history);

#endif
