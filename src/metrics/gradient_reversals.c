/* SPDX-License-Identifier: MIT */
/* Gradient reversals: where a smoother turns the slope of an edge around, the fault of filters that
 * He, Sun, Tang, "Guided Image Filtering", TPAMI 2013, section 3.4 and Farbman et al., SIGGRAPH
 * 2008, section 2 show as halos of enhanced detail. They give no figure; ours is the share, among
 * all pairs of horizontal and vertical neighbours (every channel) whose values differ by at least
 * STEEP in the reference, of those that differ the other way in the picture. */
#include <math.h>

#include "metrics/metrics.h"

enum { ROWS = 32 };
static const double STEEP = 0.02;           /* five grey levels: a step that is seen */
static const double OTHER_WAY = 0.5 / 255.; /* half a grey level: more than a rounded flat area */

struct slopes {
    const pln_view *a, *b;
    bool reversed; /* count the reversed pairs, else all steep ones */
};

static bool counts(const struct slopes *s, double da, double db)
{
    if (fabs(db) < STEEP) return false;
    return !s->reversed || (db > 0 ? -da : da) > OTHER_WAY;
}

static double count_rows(void *arg, size_t index, int thread)
{
    const struct slopes *s = arg;
    size_t c = s->a->c, n = s->a->w * c, count = 0;
    (void)thread;
    for (size_t y = index * ROWS; y < pln_min(s->a->h, (index + 1) * ROWS); y++) {
        const float *a = pln_row(s->a, y), *b = pln_row(s->b, y);
        for (size_t i = c; i < n; i++)
            count += counts(s, (double)a[i] - (double)a[i - c], (double)b[i] - (double)b[i - c]);
        if (y == 0) continue;
        const float *up_a = pln_row(s->a, y - 1), *up_b = pln_row(s->b, y - 1);
        for (size_t i = 0; i < n; i++)
            count += counts(s, (double)a[i] - (double)up_a[i], (double)b[i] - (double)up_b[i]);
    }
    return (double)count;
}

pln_status pln_gradient_reversals(pln_context *ctx, const pln_view *a, const pln_view *b,
                                  double *share)
{
    struct slopes s = {a, b, false};
    size_t tasks = pln_div_up(a->h, ROWS);
    double steep, reversed;
    pln_status e = pln_parallel_sum(ctx, tasks, count_rows, &s, &steep);
    s.reversed = true;
    if (!e) e = pln_parallel_sum(ctx, tasks, count_rows, &s, &reversed);
    if (!e) *share = steep > 0 ? reversed / steep : 0;
    return e;
}
