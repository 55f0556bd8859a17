/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "train/report_parts.h"

enum { W = PLN_PLOT_W, H = PLN_PLOT_H, LEFT = 64, RIGHT = 24, TOP = 28, BOTTOM = 26 };

const char pln_plot_style[] = "  svg { font: 12px system-ui, sans-serif; }\n"
                              "  svg text { fill: #777; }\n"
                              "  svg .grid { stroke: #8884; }\n"
                              "  svg polyline { fill: none; stroke-linejoin: round; }\n"
                              "  svg .one { stroke: #28c; stroke-width: 2; }\n"
                              "  svg .two { stroke: #e82; opacity: .5; }\n";

struct range {
    double lo, hi;
};

static struct range range_of(const pln_curve *curves, size_t count, bool x)
{
    struct range r = {INFINITY, -INFINITY};
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < curves[k].n; i++) {
            double v = x ? curves[k].x[i] : curves[k].y[i];
            r.lo = fmin(r.lo, v);
            r.hi = fmax(r.hi, v);
        }
    if (r.hi - r.lo < 1e-12 * fmax(1, fabs(r.hi))) {
        double d = r.hi == 0 ? 1 : 0.1 * fabs(r.hi);
        r.lo -= d;
        r.hi += d;
    }
    return r;
}

/* 1, 2 or 5 times a power of ten: four to nine of them in the range. */
static double tick(struct range r)
{
    double raw = (r.hi - r.lo) / 6, ten = pow(10, floor(log10(raw))), m = raw / ten;
    return ten * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
}

static double at_x(struct range r, double v)
{
    return LEFT + (v - r.lo) / (r.hi - r.lo) * (W - LEFT - RIGHT);
}
static double at_y(struct range r, double v)
{
    return H - BOTTOM - (v - r.lo) / (r.hi - r.lo) * (H - TOP - BOTTOM);
}

static void axes(FILE *f, struct range rx, struct range ry)
{
    double step = fmax(1, tick(rx)); /* x counts */
    for (double v = ceil(rx.lo / step) * step; v <= rx.hi; v += step)
        fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n", at_x(rx, v),
                H - 8, fabs(v) < step / 2 ? 0 : v);
    step = tick(ry);
    for (double v = ceil(ry.lo / step) * step; v <= ry.hi; v += step) {
        double y = at_y(ry, v);
        fprintf(f,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
                LEFT, W - RIGHT, y, y, LEFT - 6, y + 4, fabs(v) < step / 2 ? 0 : v);
    }
}

static void line(FILE *f, const pln_curve *c, struct range rx, struct range ry)
{
    fprintf(f, "<polyline class=\"%s\" points=\"", c->style);
    for (size_t i = 0; i < c->n; i++)
        fprintf(f, "%s%.1f,%.1f", i ? " " : "", at_x(rx, c->x[i]), at_y(ry, c->y[i]));
    fprintf(f, "\"/>\n");
    if (c->n == 1)
        fprintf(f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>\n", c->style,
                at_x(rx, c->x[0]), at_y(ry, c->y[0]));
}

void pln_plot(FILE *f, int x, int y, const char *title, const pln_curve *curves, size_t count)
{
    const struct range rx = range_of(curves, count, true), ry = range_of(curves, count, false);
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" x=\"%d\" y=\"%d\" viewBox=\"0 0 %d %d\" "
            "width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n"
            "<text x=\"%d\" y=\"16\">%s</text>\n",
            x, y, W, H, W, H, title, LEFT, title);
    axes(f, rx, ry);
    for (size_t k = 0; k < count; k++) line(f, &curves[k], rx, ry);
    fprintf(f, "</svg>\n");
}
