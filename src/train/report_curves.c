/* SPDX-License-Identifier: MIT */
#include "train/report_parts.h"

enum { PARTS = 400, REACH = 12, MARGIN = 8 };

/* What is drawn. Steps: the log in at most PARTS parts, each the mean of its steps. */
struct points {
    double *x, *loss, *smooth, *rate; /* n of each */
    double *at, *score[2];            /* `validations` of each */
    size_t n, validations;
};

/* A part and its neighbours, which weigh less the farther they are. */
static double smoothed(const double *v, size_t n, size_t k)
{
    double sum = 0, weights = 0;
    for (size_t i = k > REACH ? k - REACH : 0; i < n && i <= k + REACH; i++) {
        double w = 1 - (double)(i > k ? i - k : k - i) / (REACH + 1);
        sum += w * v[i];
        weights += w;
    }
    return sum / weights;
}

static void fill(const pln_history *h, struct points *p)
{
    p->n = pln_min(h->count, PARTS);
    for (size_t k = 0; k < p->n; k++) {
        size_t from = k * h->count / p->n, to = (k + 1) * h->count / p->n;
        double sum = 0;
        for (size_t i = from; i < to; i++) sum += h->lines[i].loss;
        p->x[k] = (double)h->lines[to - 1].step;
        p->loss[k] = sum / (double)(to - from);
        p->rate[k] = h->lines[to - 1].rate;
    }
    for (size_t k = 0; k < p->n; k++) p->smooth[k] = smoothed(p->loss, p->n, k);
    for (size_t i = 0; i < h->count; i++) {
        if (!h->lines[i].judge) continue;
        p->at[p->validations] = (double)h->lines[i].step;
        p->score[0][p->validations] = h->lines[i].scores[0];
        p->score[1][p->validations++] = h->lines[i].scores[1];
    }
}

struct place {
    FILE *f;
    bool alone;
    int count;
};

static void plot(struct place *to, const char *title, const pln_curve *curves, size_t count)
{
    if (!to->alone) fprintf(to->f, "<figure>\n");
    pln_plot(to->f, to->count % 2 * (PLN_PLOT_W + MARGIN), to->count / 2 * (PLN_PLOT_H + MARGIN),
             title, curves, count);
    if (!to->alone) fprintf(to->f, "</figure>\n");
    to->count++;
}

static void plot_all(struct place *to, const struct points *p, const pln_judge *judge)
{
    char title[64];
    plot(to, "loss; smoothed",
         (const pln_curve[]){{"two", p->x, p->loss, p->n}, {"one", p->x, p->smooth, p->n}}, 2);
    for (int i = 0; i < 2 && judge->key[i] && p->validations; i++) {
        snprintf(title, sizeof title, "validation: %s",
                 i == 0 && judge->key[1] ? "PSNR, dB" : judge->unit[i]);
        plot(to, title, &(pln_curve){"one", p->at, p->score[i], p->validations}, 1);
    }
    plot(to, "learning rate", &(pln_curve){"one", p->x, p->rate, p->n}, 1);
}

pln_status pln_report_curves(pln_context *ctx, FILE *f, const pln_history *h,
                             const pln_judge *judge, bool alone)
{
    struct place to = {.f = f, .alone = alone};
    struct points p = {.n = 0};
    double *all = NULL;
    pln_status s = PLN_OK;

    if (!h->count) return PLN_OK;
    PLN_TRY(pln_alloc(ctx, 4 * PARTS + 3 * h->count, sizeof *all, &all));
    p.x = all;
    p.loss = all + PARTS;
    p.smooth = all + 2 * PARTS;
    p.rate = all + 3 * PARTS;
    p.at = all + 4 * PARTS;
    p.score[0] = p.at + h->count;
    p.score[1] = p.score[0] + h->count;
    fill(h, &p);
    if (alone)
        fprintf(f,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\">\n<style>\n"
                "%s</style>\n",
                2 * PLN_PLOT_W + MARGIN, 2 * PLN_PLOT_H + MARGIN, pln_plot_style);
    plot_all(&to, &p, judge);
    if (alone) fprintf(f, "</svg>\n");
done:
    pln_free(all);
    return s;
}
