/* SPDX-License-Identifier: MIT */
/* Procedural scenes. Shapes are painted in order through their signed distance; the order of the
 * random draws is part of the definition. */
#include <math.h>
#include <string.h>

#include "data/data.h"

enum { ELLIPSE, POLYGON, BAND, BLOB, STROKE, RING, GLYPH, KINDS };
static const double share[KINDS] = {0.18, 0.20, 0.10, 0.20, 0.16, 0.06, 0.10};
static const double two_pi = 6.283185307179586;

static double clip(double v, double lo, double hi) { return v < lo ? lo : v > hi ? hi : v; }

static double lesser(double a, double b) { return a < b ? a : b; }

/* ---- Outlines: all random draws first, distances after ---- */

enum { MOST_POINTS = 48, MOST_BARS = 6 };

struct shape {
    int kind;
    double cx, cy, size, angle;
    double a, b; /* half axes; half width; ... */
    size_t points;
    double px[MOST_POINTS], py[MOST_POINTS];
    size_t bars;
    int bar[MOST_BARS], column[MOST_BARS];
    double line[MOST_BARS];
};

static void draw_points(struct shape *s, struct pln_rng *r)
{
    double radius[MOST_POINTS];
    size_t n = s->kind == POLYGON ? 3 + pln_rng_below(r, 5) : 48;
    if (s->kind == POLYGON) {
        for (size_t i = 0; i < n; i++) radius[i] = pln_rng_uniform(r, 0.55, 1.1);
    } else {
        static const int waves[] = {2, 3, 4, 5, 7};
        for (size_t i = 0; i < n; i++) radius[i] = 1;
        for (size_t j = 0; j < 5; j++) {
            double amplitude = pln_rng_uniform(r, 0, 0.36 / waves[j]),
                   phase = pln_rng_uniform(r, 0, two_pi);
            for (size_t i = 0; i < n; i++)
                radius[i] += amplitude * cos(waves[j] * (two_pi * (double)i / (double)n) + phase);
        }
    }
    for (size_t i = 0; i < n; i++) {
        double t = two_pi * (double)i / (double)n;
        s->px[i] = s->size * radius[i] * cos(t);
        s->py[i] = s->size * radius[i] * sin(t);
    }
    s->points = n;
}

static void draw_stroke(struct shape *s, struct pln_rng *r)
{
    s->points = 25;
    double amplitude = s->size * pln_rng_uniform(r, 0.1, 0.6), frequency = pln_rng_uniform(r, 1, 5);
    double phase = pln_rng_uniform(r, 0, 6.3);
    for (size_t i = 0; i < s->points; i++) {
        double t = -1 + 2 * (double)i / (double)(s->points - 1);
        s->px[i] = 1.6 * s->size * t;
        s->py[i] = amplitude * sin(frequency * t + phase);
    }
    s->a = pln_rng_log_uniform(r, 0.6, 5);
}

static void draw_shape(struct shape *s, struct pln_rng *r, int kind, double w, double h)
{
    s->kind = kind;
    s->cx = pln_rng_uniform(r, 0, w);
    s->cy = pln_rng_uniform(r, 0, h);
    s->size = pln_rng_log_uniform(r, 0.05, 0.38) * lesser(w, h);
    s->angle = pln_rng_uniform(r, 0, two_pi);
    switch (kind) {
    case ELLIPSE:
        s->b = s->size * pln_rng_uniform(r, 0.4, 1);
        break;
    case POLYGON:
    case BLOB:
        draw_points(s, r);
        break;
    case BAND:
        s->a = s->size * pln_rng_uniform(r, 0.08, 0.5);
        break;
    case STROKE:
        draw_stroke(s, r);
        break;
    case RING:
        s->a = fmax(0.75, s->size * pln_rng_uniform(r, 0.04, 0.3));
        break;
    default:
        s->a = s->size * pln_rng_uniform(r, 0.05, 0.14);
        s->bars = 3 + pln_rng_below(r, 4);
        for (size_t i = 0; i < s->bars; i++) {
            s->column[i] = (int)pln_rng_below(r, 3) - 1;
            s->line[i] = (double)pln_rng_below(r, 4) - 1.5;
            s->bar[i] = (int)pln_rng_below(r, 4);
        }
    }
}

static double segment(double x, double y, double x0, double y0, double x1, double y1)
{
    double ex = x1 - x0, ey = y1 - y0;
    double t = clip(((x - x0) * ex + (y - y0) * ey) / fmax(ex * ex + ey * ey, 1e-9), 0, 1);
    return hypot(x - x0 - t * ex, y - y0 - t * ey);
}

/* Distance to the polyline; closed outlines are negative inside (even-odd). */
static double polyline(const struct shape *s, double x, double y, bool closed)
{
    double d = 1e9;
    bool inside = false;
    for (size_t i = 0; i < (closed ? s->points : s->points - 1); i++) {
        size_t j = (i + 1) % s->points;
        d = lesser(d, segment(x, y, s->px[i], s->py[i], s->px[j], s->py[j]));
        if (closed && (s->py[i] > y) != (s->py[j] > y))
            inside ^= x < (s->px[j] - s->px[i]) * (y - s->py[i]) / (s->py[j] - s->py[i]) + s->px[i];
    }
    return inside ? -d : d;
}

static double glyph(const struct shape *s, double u, double v)
{
    double d = 1e9, c = s->size / 3;
    for (size_t i = 0; i < s->bars; i++) {
        double j = s->line[i] * c, k = s->column[i] * c, e;
        switch (s->bar[i]) {
        case 0:
            e = segment(u, v, k, -1.5 * c, k, 1.5 * c);
            break;
        case 1:
            e = segment(u, v, -c, j, c, j);
            break;
        case 2:
            e = segment(u, v, -c, -1.5 * c, c, 1.5 * c);
            break;
        default:
            e = fabs(hypot(u, v - j * 0.5) - c);
        }
        d = lesser(d, e - s->a);
    }
    return d;
}

static double distance(const struct shape *s, double x, double y)
{
    double ca = cos(s->angle), sa = sin(s->angle), dx = x - s->cx, dy = y - s->cy;
    double u = dx * ca + dy * sa, v = -dx * sa + dy * ca;
    switch (s->kind) {
    case ELLIPSE: {
        double k = hypot(u / s->size, v / s->b);
        return (k - 1) * k / fmax(hypot(u / (s->size * s->size), v / (s->b * s->b)), 1e-9);
    }
    case POLYGON:
    case BLOB:
        return polyline(s, u, v, true);
    case BAND:
        return fabs(v) - s->a;
    case STROKE:
        return polyline(s, u, v, false) - s->a;
    case RING:
        return fabs(hypot(u, v) - s->size) - s->a;
    default:
        return glyph(s, u, v);
    }
}

/* ---- Colours ---- */

static void hsv(double h, double s, double v, double rgb[3])
{
    static const double shift[3] = {5, 3, 1};
    for (int i = 0; i < 3; i++) {
        double k = fmod(shift[i] + h * 6, 6);
        rgb[i] = v - v * s * fmax(0, fmin(fmin(k, 4 - k), 1));
    }
}

static void draw_colour(struct pln_rng *r, double base, double rgb[3])
{
    double h = base + pln_rng_uniform(r, -0.12, 0.12);
    h += pln_rng_unit(r) < 0.3 ? 0.5 : 0; /* the complement */
    h -= floor(h);
    double s = pln_rng_uniform(r, 0.05, 0.85), v = pln_rng_uniform(r, 0.15, 1);
    hsv(h, s, v, rgb);
}

/* Flat, or a gradient from `from` to `to`, linear or radial. */
struct fill {
    enum { FLAT, LINEAR, RADIAL } kind;
    double from[3], to[3], angle, x, y;
};

static void draw_fill(struct pln_rng *r, const double colour[3], double w, double h, struct fill *f)
{
    double q = pln_rng_unit(r);
    f->angle = pln_rng_uniform(r, 0, two_pi);
    memcpy(f->from, colour, sizeof f->from);
    f->kind = q < 0.5 ? FLAT : q < 0.85 ? LINEAR : RADIAL;
    if (f->kind == FLAT) return;
    double lighter = pln_rng_uniform(r, -0.25, 0.25);
    for (int k = 0; k < 3; k++)
        f->to[k] = clip(colour[k] + lighter + pln_rng_uniform(r, -0.06, 0.06), 0, 1);
    if (f->kind == LINEAR) return;
    f->x = pln_rng_uniform(r, 0, w);
    f->y = pln_rng_uniform(r, 0, h);
}

static void fill_at(const struct fill *f, double x, double y, double w, double h, double rgb[3])
{
    double t = 0;
    if (f->kind == LINEAR)
        t = clip(0.5 + ((x - w / 2) * cos(f->angle) + (y - h / 2) * sin(f->angle)) / (w + h), 0, 1);
    if (f->kind == RADIAL) t = clip(hypot(x - f->x, y - f->y) / hypot(w, h), 0, 1);
    for (int k = 0; k < 3; k++)
        rgb[k] = f->kind == FLAT ? f->from[k] : f->from[k] + (f->to[k] - f->from[k]) * t;
}

/* ---- Painting ---- */

struct canvas {
    size_t w, h;
    double *rgb, *distance;
    uint8_t *classes;
};

/* A colour that stands out from what lies under the shape, or for some shapes is nearly that. */
static void adjust_colour(const struct canvas *c, struct pln_rng *r, bool weak, double colour[3])
{
    double under[3] = {0}, square = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->w * c->h; i++) {
        if (c->distance[i] >= 0) continue;
        for (int k = 0; k < 3; k++) under[k] += c->rgb[3 * i + (size_t)k];
        n++;
    }
    if (n == 0) return;
    for (int k = 0; k < 3; k++) {
        under[k] /= (double)n;
        square += (colour[k] - under[k]) * (colour[k] - under[k]) / 3;
    }
    double dist = sqrt(square) + 1e-6,
           want = weak ? pln_rng_uniform(r, 0.03, 0.10) : fmax(dist, 0.14);
    for (int k = 0; k < 3; k++)
        colour[k] = clip(under[k] + (colour[k] - under[k]) * want / dist, 0, 1);
}

static void paint(struct canvas *c, struct pln_rng *r, double base)
{
    double w = (double)c->w, h = (double)c->h, colour[3], q = pln_rng_unit(r);
    struct shape s = {0};
    struct fill f = {0};
    int kind = 0;

    while (kind < KINDS - 1 && q >= share[kind]) q -= share[kind++];
    draw_shape(&s, r, kind, w, h);
    for (size_t y = 0; y < c->h; y++)
        for (size_t x = 0; x < c->w; x++)
            c->distance[y * c->w + x] = distance(&s, (double)x + 0.5, (double)y + 0.5);
    bool weak = pln_rng_unit(r) < 0.2, soft = pln_rng_unit(r) < 0.15;
    draw_colour(r, base, colour);
    adjust_colour(c, r, weak, colour);
    double width = soft ? pln_rng_uniform(r, 2, 6) : 0.5; /* half of the edge's */
    draw_fill(r, colour, w, h, &f);
    for (size_t y = 0; y < c->h; y++)
        for (size_t x = 0; x < c->w; x++) {
            size_t i = y * c->w + x;
            double alpha = clip(0.5 - c->distance[i] / (2 * width), 0, 1), rgb[3];
            if (soft) alpha = alpha * alpha * (3 - 2 * alpha);
            if (alpha == 0) continue;
            fill_at(&f, (double)x + 0.5, (double)y + 0.5, w, h, rgb);
            for (size_t k = 0; k < 3; k++)
                c->rgb[3 * i + k] += (rgb[k] - c->rgb[3 * i + k]) * alpha;
            if (c->classes && alpha > 0.5) c->classes[i] = (uint8_t)(kind + 1);
        }
}

pln_status pln_scene(pln_context *ctx, uint64_t seed, uint64_t index, size_t w, size_t h,
                     uint8_t *rgb, uint8_t *classes)
{
    struct pln_rng r = pln_rng(seed, index);
    struct canvas c = {.w = w, .h = h, .classes = classes};
    struct fill f = {0};
    double colour[3];
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h, 3 * sizeof(double), &c.rgb));
    PLN_TRY(pln_alloc(ctx, w * h, sizeof(double), &c.distance));
    if (classes) memset(classes, 0, w * h);
    double base = pln_rng_uniform(&r, 0, 1);
    draw_colour(&r, base, colour);
    draw_fill(&r, colour, (double)w, (double)h, &f);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            fill_at(&f, (double)x + 0.5, (double)y + 0.5, (double)w, (double)h,
                    c.rgb + 3 * (y * w + x));
    size_t shapes = 6 + pln_rng_below(&r, 13);
    for (size_t i = 0; i < shapes; i++) {
        PLN_TRY(pln_progress(ctx, (double)i / (double)shapes, "scene"));
        paint(&c, &r, base);
    }
    for (size_t i = 0; i < 3 * w * h; i++) rgb[i] = (uint8_t)nearbyint(clip(c.rgb[i], 0, 1) * 255);
done:
    pln_free(c.distance);
    pln_free(c.rgb);
    return s;
}
