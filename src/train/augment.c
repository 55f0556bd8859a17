/* SPDX-License-Identifier: MIT */
/* Augmentation as the published training codes do it (Easy2Hard / JESS-Net: OpenCV's resizing and
 * rotation; CSGIS-Net: Pillow's), colours by Pillow's 8-bit rules. */
#include "train/augment.h"

#include <math.h>
#include <string.h>

/* ---- Draws ---- */

static float factor(struct pln_rng *r, double range)
{
    return range > 0 ? (float)pln_rng_uniform(r, 1 - range, 1 + range) : 1;
}

static size_t side(struct pln_rng *r, const pln_augmentation *a, size_t most)
{
    if (!(a->crop_jitter > 0)) return a->patch;
    size_t by = (size_t)rint(a->crop_jitter * (double)a->patch);
    return pln_min(most, a->patch - by + (size_t)pln_rng_below(r, 2 * by + 1));
}

void pln_augment_draw(struct pln_rng *r, const pln_augmentation *a, size_t w, size_t h,
                      struct pln_draws *d)
{
    *d = (struct pln_draws){.order = {PLN_HUE, PLN_CONTRAST, PLN_BRIGHTNESS}};
    d->h = side(r, a, h);
    d->w = side(r, a, w);
    d->y = a->centre ? (h - d->h) / 2 : (size_t)pln_rng_below(r, h - d->h + 1);
    d->x = a->centre ? (w - d->w) / 2 : (size_t)pln_rng_below(r, w - d->w + 1);
    if (a->flip) d->left_right = pln_rng_below(r, 2);
    if (a->turns) {
        d->upside_down = pln_rng_below(r, 2);
        d->quarters = (unsigned)pln_rng_below(r, 4);
    }
    if (a->rotation > 0)
        d->degrees = a->whole_degrees ? floor(pln_rng_uniform(r, -a->rotation, a->rotation))
                                      : pln_rng_uniform(r, -a->rotation, a->rotation);
    if (a->hue > 0) d->hue = (int)(pln_rng_uniform(r, -a->hue, a->hue) * 255);
    d->contrast = factor(r, a->contrast);
    d->brightness = factor(r, a->brightness);
    for (size_t i = PLN_COLOURS - 1; a->shuffled && i > 0; i--) {
        size_t j = (size_t)pln_rng_below(r, i + 1);
        int t = d->order[i];
        d->order[i] = d->order[j];
        d->order[j] = t;
    }
}

/* ---- Geometry, on floats of 0..255 ---- */

/* Where sample i of n lies among `from` pixels: between `at` and the next, by `t`. */
static void tap(size_t i, size_t n, size_t from, size_t *at, size_t *next, float *t)
{
    double u = ((double)i + 0.5) * (double)from / (double)n - 0.5;
    u = u < 0 ? 0 : u > (double)(from - 1) ? (double)(from - 1) : u;
    *at = (size_t)u;
    *next = pln_min(*at + 1, from - 1);
    *t = (float)(u - (double)*at);
}

/* To m x n, width and height. With equal sizes the bytes are copied. */
static void resize(const uint8_t *from, size_t w, size_t h, size_t c, bool nearest, size_t m,
                   size_t n, float *to)
{
    for (size_t y = 0; y < n; y++) {
        size_t y0, y1;
        float v;
        tap(y, n, h, &y0, &y1, &v);
        if (nearest) v = 0, y0 = y1 = (2 * y + 1) * h / (2 * n);
        const uint8_t *top = from + y0 * w * c, *bottom = from + y1 * w * c;
        for (size_t x = 0; x < m; x++) {
            size_t x0, x1;
            float u;
            tap(x, m, w, &x0, &x1, &u);
            if (nearest) u = 0, x0 = x1 = (2 * x + 1) * w / (2 * m);
            for (size_t k = 0; k < c; k++) {
                float a = top[x0 * c + k], b = bottom[x0 * c + k];
                a += u * (top[x1 * c + k] - a);
                b += u * (bottom[x1 * c + k] - b);
                to[(y * m + x) * c + k] = a + v * (b - a);
            }
        }
    }
}

static pln_status enlarge_one(pln_context *ctx, uint8_t **bytes, size_t w, size_t h, size_t c,
                              bool nearest, size_t m, size_t n)
{
    uint8_t *larger = NULL;
    float *values = NULL;
    pln_status s = PLN_OK;

    if (!*bytes) return PLN_OK;
    PLN_TRY(pln_alloc(ctx, m * n, c * sizeof *values, &values));
    PLN_TRY(pln_alloc(ctx, m * n, c, &larger));
    resize(*bytes, w, h, c, nearest, m, n, values);
    for (size_t i = 0; i < m * n * c; i++) larger[i] = (uint8_t)(values[i] + 0.5f);
    pln_free(*bytes);
    *bytes = larger;
    larger = NULL;
done:
    pln_free(values);
    pln_free(larger);
    return s;
}

pln_status pln_enlarge(pln_context *ctx, struct pln_truth *t, size_t least)
{
    size_t shorter = pln_min(t->w, t->h), m = (t->w * least + shorter / 2) / shorter,
           n = (t->h * least + shorter / 2) / shorter;
    const struct {
        uint8_t **bytes;
        size_t c;
    } planes[] = {{&t->rgb, 3},  {&t->in, 3},      {&t->negative, 3}, {&t->photo, 3},
                  {&t->edge, 1}, {&t->classes, 1}, {&t->boundary, 1}};
    pln_status s = PLN_OK;

    if (shorter >= least) return PLN_OK;
    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++)
        PLN_TRY(enlarge_one(ctx, planes[i].bytes, t->w, t->h, planes[i].c, planes[i].c == 1, m, n));
    t->w = m;
    t->h = n;
done:
    return s;
}

/* Flips, then quarter turns against the clock. */
static void turn(const struct pln_draws *d, const float *from, size_t n, size_t c, float *to)
{
    for (size_t y = 0; y < n; y++)
        for (size_t x = 0; x < n; x++) {
            size_t i = x, j = y;
            if (d->quarters == 1) i = n - 1 - y, j = x;
            if (d->quarters == 2) i = n - 1 - x, j = n - 1 - y;
            if (d->quarters == 3) i = y, j = n - 1 - x;
            if (d->upside_down) j = n - 1 - j;
            if (d->left_right) i = n - 1 - i;
            for (size_t k = 0; k < c; k++) to[(y * n + x) * c + k] = from[(j * n + i) * c + k];
        }
}

static float at(const float *from, ptrdiff_t n, size_t c, ptrdiff_t x, ptrdiff_t y, size_t k,
                float fill)
{
    return x >= 0 && x < n && y >= 0 && y < n ? from[(size_t)(y * n + x) * c + k] : fill;
}

/* Pixels outside count as `fill`. */
static void rotate(const pln_augmentation *a, double degrees, const float *from, size_t c,
                   bool nearest, float fill, float *to)
{
    ptrdiff_t n = (ptrdiff_t)a->patch;
    double angle = degrees * (3.14159265358979323846 / 180), cosine = cos(angle), sine = sin(angle),
           middle = a->whole_degrees ? (double)(n / 2) : 0.5 * (double)(n - 1);
    for (ptrdiff_t y = 0; y < n; y++)
        for (ptrdiff_t x = 0; x < n; x++) {
            double dx = (double)x - middle, dy = (double)y - middle,
                   u = cosine * dx - sine * dy + middle, v = sine * dx + cosine * dy + middle;
            if (nearest) u = floor(u + 0.5), v = floor(v + 0.5);
            double fu = floor(u), fv = floor(v);
            ptrdiff_t i = (ptrdiff_t)fu, j = (ptrdiff_t)fv;
            float s = (float)(u - fu), t = (float)(v - fv);
            for (size_t k = 0; k < c; k++) {
                float q00 = at(from, n, c, i, j, k, fill), q01 = at(from, n, c, i + 1, j, k, fill),
                      q10 = at(from, n, c, i, j + 1, k, fill),
                      q11 = at(from, n, c, i + 1, j + 1, k, fill);
                float above = q00 + s * (q01 - q00), below = q10 + s * (q11 - q10);
                to[(size_t)(y * n + x) * c + k] = above + t * (below - above);
            }
        }
}

/* ---- Colour, on bytes ---- */

/* Pillow's blend with one grey value: truncated, clipped. */
static void mix_with(uint8_t *rgb, size_t n, float grey, float factor)
{
    uint8_t table[256];
    for (int i = 0; i < 256; i++) {
        float v = grey + factor * ((float)i - grey);
        table[i] = (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v);
    }
    for (size_t i = 0; i < 3 * n; i++) rgb[i] = table[rgb[i]];
}

/* Pillow's 8-bit luma, mean rounded. */
static float mean_grey(const uint8_t *rgb, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (19595u * rgb[3 * i] + 38470u * rgb[3 * i + 1] + 7471u * rgb[3 * i + 2] + 0x8000u) >>
               16;
    return (float)floor((double)sum / (double)n + 0.5);
}

static uint8_t rounded(float v) { return (uint8_t)(v + 0.5f); }

/* To Pillow's 8-bit HSV, hue shifted, and back. */
static void shift_hue(uint8_t *rgb, size_t n, int shift)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = rgb + 3 * i;
        int r = p[0], g = p[1], b = p[2], most = r > g ? r : g, least = r < g ? r : g;
        most = most > b ? most : b;
        least = least < b ? least : b;
        if (most == least) continue;
        float range = (float)(most - least), rc = (float)(most - r) / range,
              gc = (float)(most - g) / range, bc = (float)(most - b) / range;
        /* Rounded to floats where Pillow stores floats: one step of hue depends on it. */
        float sixth = (float)(r == most   ? (double)bc - (double)gc
                              : g == most ? 2 + (double)rc - (double)bc
                                          : 4 + (double)gc - (double)rc);
        double whole = (double)sixth / 6 + 1;
        float turn = (float)(whole < 1 ? whole : whole - 1);
        int hue = ((int)((double)turn * 255) + shift) & 255;
        float saturation = (float)(int)(range / (float)most * 255) / 255;
        float sixths = (float)hue * 6 / 255, value = (float)most;
        int sector = (int)sixths;
        float f = sixths - (float)sector;
        uint8_t v = (uint8_t)most, l = rounded(value * (1 - saturation)),
                falling = rounded(value * (1 - saturation * f)),
                rising = rounded(value * (1 - saturation * (1 - f)));
        const uint8_t results[6][3] = {{v, rising, l},  {falling, v, l}, {l, v, rising},
                                       {l, falling, v}, {rising, l, v},  {v, l, falling}};
        memcpy(p, results[sector % 6], 3);
    }
}

static void colour(const struct pln_draws *d, uint8_t *rgb, size_t n)
{
    for (int k = 0; k < PLN_COLOURS; k++) {
        if (d->order[k] == PLN_HUE && d->hue) shift_hue(rgb, n, d->hue);
        if (d->order[k] == PLN_CONTRAST && d->contrast != 1)
            mix_with(rgb, n, mean_grey(rgb, n), d->contrast);
        if (d->order[k] == PLN_BRIGHTNESS && d->brightness != 1) mix_with(rgb, n, 0, d->brightness);
    }
}

/* ---- One picture ---- */

size_t pln_augment_space(const pln_augmentation *a) { return 2 * 3 * a->patch * a->patch; }

void pln_augment(const pln_augmentation *a, const struct pln_draws *d, enum pln_plane plane,
                 bool crop_only, const uint8_t *crop, float *space, float *out)
{
    size_t c = plane == PLN_PLANE_RGB ? 3 : 1, n = a->patch, count = n * n * c;
    bool nearest = plane == PLN_PLANE_CLASSES || (plane == PLN_PLANE_LABEL && a->nearest_edges);
    bool turned = d->left_right || d->upside_down || d->quarters;
    float *now = space, *other = space + count, *swap;
    uint8_t *bytes;

    resize(crop, d->w, d->h, c, plane == PLN_PLANE_CLASSES, n, n, now);
    if (plane == PLN_PLANE_LABEL)
        for (size_t i = 0; i < count; i++) now[i] = now[i] >= 0.5f;
    if (turned && !crop_only) {
        turn(d, now, n, c, other);
        swap = now, now = other, other = swap;
    }
    if (d->degrees != 0 && !crop_only) {
        rotate(a, d->degrees, now, c, nearest || (a->nearest && plane != PLN_PLANE_LABEL),
               plane == PLN_PLANE_CLASSES ? 255 : 0, other);
        swap = now, now = other, other = swap;
    }
    if (plane == PLN_PLANE_CLASSES) {
        memcpy(out, now, count * sizeof *out);
    } else if (plane == PLN_PLANE_LABEL) {
        for (size_t i = 0; i < count; i++) out[i] = now[i] >= 0.5f;
    } else {
        bytes = (uint8_t *)other;
        float half = a->truncate ? 0 : 0.5f;
        for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)(now[i] + half);
        if (plane == PLN_PLANE_RGB && !crop_only) colour(d, bytes, n * n);
        for (size_t i = 0; i < count; i++) out[i] = (float)bytes[i] / 255;
    }
}
