/* SPDX-License-Identifier: MIT */
/* An evaluation's insides: for this room only. */
#ifndef PLN_EVAL_INTERNAL_H
#define PLN_EVAL_INTERNAL_H

#include <stdio.h>

#include "eval/cache.h"
#include "eval/eval.h"

/* One point of a method's grid. */
struct pln_point {
    const char *text;             /* as the descriptor writes it; "" for defaults */
    pln_params *params;           /* NULL: the unfiltered input */
    char *identity;               /* "rtv lambda=0.01 sigma=3 ...": all parameters */
    double mean[PLN_EVAL_SCORES]; /* over the tuning pairs, where there is a choice */
};

/* A method and its points; the first entry is the unfiltered input. */
struct pln_entry {
    char name[64];             /* "original", "rtv", "fan:texture" */
    const pln_method *method;  /* NULL: the input */
    size_t first, count, best; /* in points; best: of them */
    struct pln_eval_row row;
    double (*scores)[PLN_EVAL_SCORES]; /* of every test pair */
};

/* A pair that was drawn. */
struct pln_drawn {
    size_t index; /* in its split */
    bool shown;
    char name[256], key[65]; /* key: of its pixels' sha256 in the cache */
};

struct pln_eval {
    const pln_dataset *dataset;
    pln_eval_options o;
    char *folder, *cache_folder;
    struct pln_cache *cache;
    struct pln_entry *entries;
    struct pln_point *points;
    size_t entry_count, point_count;
    size_t *tuned, tuned_count; /* points of entries that have a choice */
    struct pln_drawn *drawn[PLN_PHASES];
    size_t drawn_count[PLN_PHASES];
    pln_split split[PLN_PHASES];
    size_t *order; /* entries, best first, the input before all */
};

/* The cached scores of a point on a drawn pair; false if there are none. */
bool pln_eval_find(const pln_eval *eval, pln_phase phase, size_t pair,
                   const struct pln_point *point, double scores[PLN_EVAL_SCORES]);
/* Where the picture of a point on a shown pair (point NULL: the truth) is kept; to be freed by
 * pln_free. */
pln_status pln_eval_picture_path(pln_context *ctx, const pln_eval *eval, size_t pair,
                                 const struct pln_point *point, char **path) PLN_CHECK;
/* Rows, scores of every test pair, order. */
pln_status pln_eval_summarise(pln_context *ctx, pln_eval *eval) PLN_CHECK;

/* tables.c and page.c. What was evaluated, and how: sentences on one line. */
void pln_eval_print_protocol(FILE *f, const pln_eval *eval);
pln_status pln_eval_write_tables(pln_context *ctx, const pln_eval *eval) PLN_CHECK;
pln_status pln_eval_write_page(pln_context *ctx, const pln_eval *eval) PLN_CHECK;
/* FOLDER/NAME, whole or not at all. */
pln_status pln_eval_write_file(pln_context *ctx, const pln_eval *eval, const char *name,
                               const char *text, size_t length) PLN_CHECK;

/* ---- Published figures (published.c) ---- */

/* One table of one paper. */
struct pln_published {
    const char *kind;   /* of dataset */
    const char *source; /* "SASNet, table 1" */
    const struct pln_published_row {
        const char *method; /* "original", or as planish names it where it has it */
        double psnr, ssim;
    } * rows; /* NULL method at the end */
};
/* The table after `table` (NULL: the first) about datasets of this kind; NULL past the last. */
const struct pln_published *pln_published_next(const char *kind, const struct pln_published *table);
/* NULL if the table has none. */
const struct pln_published_row *pln_published_row(const struct pln_published *table,
                                                  const char *method);

/* ---- The page (page_html.c), in two pieces around its data ---- */

extern const char pln_eval_page_head[], pln_eval_page_tail[];

#endif
