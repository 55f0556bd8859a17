/* SPDX-License-Identifier: MIT */
/* Inside the room train: what a report is made of. */
#ifndef PLN_TRAIN_REPORT_PARTS_H
#define PLN_TRAIN_REPORT_PARTS_H

#include <stdio.h>

#include "train/history.h"
#include "train/report.h"
#include "train/trainer.h"

/* ---- Curves, as SVG (report_plot.c) ---- */

typedef struct pln_curve {
    const char *style; /* a class of pln_plot_style */
    const double *x, *y;
    size_t n;
} pln_curve;

/* Rules of CSS: one, two (curves), grid, text. */
extern const char pln_plot_style[];
enum { PLN_PLOT_W = 640, PLN_PLOT_H = 240 };
/* An element <svg> of that size at (x, y) of its parent with title, axes, ticks at round numbers,
 * and a line a curve. At least one curve has a point. */
void pln_plot(FILE *f, int x, int y, const char *title, const pln_curve *curves, size_t count);

/* ---- Of a run (report_curves.c) ---- */

/* Loss, validation scores, rate; each in a <figure> of its own, or all in one <svg>. */
pln_status pln_report_curves(pln_context *ctx, FILE *f, const pln_history *history,
                             const pln_judge *judge, bool alone) PLN_CHECK;

/* ---- Pictures (report_pictures.c) ---- */

/* Validation pairs as the trainer judges them, through RUN/best.safetensors: input, result, truth
 * as <figure>s, JPEG inside. data: the dataset; "": says how to name it. */
pln_status pln_report_pictures(pln_context *ctx, FILE *f, const char *run, const pln_recipe *recipe,
                               const char *data) PLN_CHECK;

/* Text where HTML is. */
void pln_report_escaped(FILE *f, const char *text);

#endif
