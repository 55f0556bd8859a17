/* SPDX-License-Identifier: MIT */
/* What a run looks like: a page that needs no other file (figures, curves, pictures, recipe), the
 * curves alone, or a table. Written whole or not at all. */
#ifndef PLN_TRAIN_REPORT_H
#define PLN_TRAIN_REPORT_H

#include "core/core.h"

typedef struct pln_report_options {
    const char *run;    /* folder of the run */
    const char *output; /* .html: the page; .svg: the curves; .md: the validations as a table */
    const char *data;   /* dataset for pictures on the page; NULL: the recipe's, if it names one */
} pln_report_options;

/* PLN_E_MODEL: no run, or its log, recipe or weights are damaged, or the dataset is another.
 * PLN_E_ARG: an output of another kind, or data for one without pictures. */
pln_status pln_report(pln_context *ctx, const pln_report_options *options) PLN_CHECK;

#endif
