/* SPDX-License-Identifier: MIT */
/* eval: every method judged by one protocol. The tuning points of each method are scored on
 * validation pairs, the best point of each (and methods that have no grid, as nets) on test pairs.
 * Outputs are judged as the 8-bit pictures that would be written. */
#ifndef PLN_EVAL_EVAL_H
#define PLN_EVAL_EVAL_H

#include "core/core.h"
#include "data/dataset.h"

/* What is reported, in this order. */
enum {
    PLN_EVAL_PSNR,
    PLN_EVAL_SSIM_A,
    PLN_EVAL_SSIM_B,
    PLN_EVAL_EDGES,
    PLN_EVAL_REVERSALS,
    PLN_EVAL_SCORES
};
extern const char *const pln_eval_score_names[PLN_EVAL_SCORES];  /* as `planish metric` says them */
extern const char *const pln_eval_score_titles[PLN_EVAL_SCORES]; /* heads of columns */

typedef enum pln_phase { PLN_TUNE, PLN_TEST, PLN_PHASES } pln_phase;

typedef struct pln_eval_options {
    const char *folder; /* of the reports and, in cache/, of every score; made if absent */
    /* "rtv": the best point of its grid; "rtv:seed", "fan:texture": this preset as it is. NULL at
     * the end; NULL: all but slow ones and networks without weights. */
    const char *const *methods;
    size_t tune_pairs;    /* validation pairs, drawn by the context's seed; 0: all */
    size_t test_pairs;    /* the same of the test pairs */
    size_t points;        /* tuning points a method, evenly from its grid; 0: all */
    size_t pictures;      /* test pairs shown on the page */
    bool by_ssim;         /* points are chosen by SSIM-A instead of PSNR */
    bool truncate;        /* 8 bits by truncation, as the scripts of Easy2Hard and CSGIS-Net */
    bool bf16;            /* networks with bfloat16 between their layers, else float32 */
    bool ensemble;        /* networks: the mean of all eight flips and turns */
    size_t shard, shards; /* this run does part `shard` (from 0) of `shards`; 0 of 1: all */
} pln_eval_options;

typedef struct pln_eval pln_eval;

/* The dataset must outlive the evaluation. PLN_E_ARG: an unknown method; PLN_E_MODEL: no
 * weights of a network that is named, or no test pairs; PLN_E_WRITE: the folder cannot be written,
 * or another run of this shard is at work there. A dataset without validation pairs (NKS) is tuned
 * on its test pairs: pln_eval_tuned_on_test. */
pln_status pln_eval_new(pln_context *ctx, const pln_dataset *dataset,
                        const pln_eval_options *options, pln_eval **eval) PLN_CHECK;
void pln_eval_free(pln_eval *eval);
bool pln_eval_tuned_on_test(const pln_eval *eval);
/* Pairs used of a phase, and how many there are. */
size_t pln_eval_pairs(const pln_eval *eval, pln_phase phase, size_t *of);
/* Methods and, over all of them, tuning points. */
size_t pln_eval_methods(const pln_eval *eval);
size_t pln_eval_points(const pln_eval *eval);

/* Reads what other shards have written. Nobody else may use eval meanwhile. */
pln_status pln_eval_reload(pln_context *ctx, pln_eval *eval) PLN_CHECK;
/* Numbers of this shard's units that are still to be done, *units to be freed by pln_free; *missing
 * (may be NULL): of all shards. PLN_TEST needs pln_eval_choose first. */
pln_status pln_eval_pending(pln_context *ctx, const pln_eval *eval, pln_phase phase, size_t **units,
                            size_t *count, size_t *missing) PLN_CHECK;

/* Keeps the pair at hand from one unit to the next: one a thread, zero at the start. */
struct pln_eval_worker {
    pln_phase phase;
    size_t pair;
    bool loaded;
    struct pln_pair pictures;
};
void pln_eval_worker_clear(struct pln_eval_worker *worker);
/* Scores one picture with one point and stores it. Any number of threads, each with a context and a
 * worker of its own. */
pln_status pln_eval_unit(pln_context *ctx, pln_eval *eval, struct pln_eval_worker *worker,
                         pln_phase phase, size_t unit) PLN_CHECK;

/* The best point of every method. PLN_E_INTERNAL while tuning units are missing. */
pln_status pln_eval_choose(pln_context *ctx, pln_eval *eval) PLN_CHECK;
/* table.csv, table.md, scores.csv (every test picture), grid.csv (every tuning point), index.html.
 * Needs all units of both phases. */
pln_status pln_eval_write(pln_context *ctx, pln_eval *eval) PLN_CHECK;

/* Row i of the table, best first, the unfiltered input before all: NULL past the end. */
struct pln_eval_row {
    const char *method; /* "original" for the input; with its preset if one was named */
    const char *params; /* of the chosen point; "" for the input */
    double mean[PLN_EVAL_SCORES], deviation[PLN_EVAL_SCORES];
};
const struct pln_eval_row *pln_eval_row(const pln_eval *eval, size_t i);

#endif
