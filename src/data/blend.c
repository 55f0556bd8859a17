/* SPDX-License-Identifier: MIT */
/* Texture blending as in the published training sets (Easy2Hard, CSGIS-Net): tiled, not resized;
 * the mean is taken after tiling and cropping; one grey layer on all channels; 8-bit rounding and
 * clipping are part of the data. */
#include <math.h>

#include "data/data.h"

void pln_lay_turn(struct pln_lay *lay, const double *layer, size_t w, size_t h, unsigned symmetry)
{
    ptrdiff_t sx = 1, sy = (ptrdiff_t)w;
    *lay = (struct pln_lay){.at = layer, .w = w, .h = h, .gain = 1};
    if (symmetry & 1) { /* transposed */
        ptrdiff_t t = sx;
        sx = sy;
        sy = t;
        lay->w = h;
        lay->h = w;
    }
    if (symmetry & 2) { /* left to right */
        lay->at += (ptrdiff_t)(lay->w - 1) * sx;
        sx = -sx;
    }
    if (symmetry & 4) { /* upside down */
        lay->at += (ptrdiff_t)(lay->h - 1) * sy;
        sy = -sy;
    }
    lay->sx = sx;
    lay->sy = sy;
}

static const double *lay_row(const struct pln_lay *lay, size_t y)
{
    return lay->at + (ptrdiff_t)((y + lay->oy) % lay->h) * lay->sy;
}

void pln_lay_fit(struct pln_lay *lay, size_t w, size_t h, double std)
{
    double mean = 0, square = 0;
    for (size_t y = 0; y < h; y++) {
        const double *row = lay_row(lay, y);
        for (size_t x = 0, i = lay->ox % lay->w; x < w; x++, i = i + 1 < lay->w ? i + 1 : 0)
            mean += row[(ptrdiff_t)i * lay->sx];
    }
    mean /= (double)(w * h);
    for (size_t y = 0; y < h && std > 0; y++) {
        const double *row = lay_row(lay, y);
        for (size_t x = 0, i = lay->ox % lay->w; x < w; x++, i = i + 1 < lay->w ? i + 1 : 0) {
            double d = row[(ptrdiff_t)i * lay->sx] - mean;
            square += d * d;
        }
    }
    double deviation = sqrt(square / (double)(w * h));
    lay->mean = mean;
    lay->gain = std > 0 && deviation > 1e-6 ? 255 * std / deviation : 1;
}

void pln_lay_over(const struct pln_lay *lay, const uint8_t *truth, size_t w, size_t x0, size_t y0,
                  size_t cw, size_t ch, uint8_t *in)
{
    for (size_t y = 0; y < ch; y++) {
        const double *row = lay_row(lay, y0 + y);
        const uint8_t *from = truth + 3 * ((y0 + y) * w + x0);
        uint8_t *to = in + 3 * y * cw;
        for (size_t x = 0, i = (x0 + lay->ox) % lay->w; x < cw;
             x++, i = i + 1 < lay->w ? i + 1 : 0) {
            double d = (row[(ptrdiff_t)i * lay->sx] - lay->mean) * lay->gain;
            for (size_t k = 0; k < 3; k++) {
                double v = nearbyint((double)from[3 * x + k] + d);
                to[3 * x + k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
        }
    }
}

pln_status pln_blend(pln_context *ctx, const uint8_t *truth, size_t w, size_t h,
                     const double *layer, size_t tw, size_t th, double std, uint8_t *in)
{
    struct pln_lay lay;
    if (tw == 0 || th == 0 || !(std >= 0))
        return pln_fail(ctx, PLN_E_ARG,
                        "blending needs a layer and a standard deviation of at least 0");
    pln_lay_turn(&lay, layer, tw, th, 0);
    pln_lay_fit(&lay, w, h, std);
    pln_lay_over(&lay, truth, w, 0, 0, w, h, in);
    return PLN_OK;
}

/* ---- Varied: own augmentation; the order of the draws is part of the definition ---- */

struct pln_varied pln_varied_draw(struct pln_rng *r, double lo, double hi)
{
    struct pln_varied v;
    v.std = lo + (hi - lo) * pln_rng_unit(r);
    v.scale = pln_rng_below(r, 2) ? 0.5 : 1;
    v.symmetry = (unsigned)pln_rng_below(r, 8);
    return v;
}

void pln_varied_lay(struct pln_rng *r, const struct pln_varied *v, const double *layer, size_t w,
                    size_t h, struct pln_lay *lay)
{
    pln_lay_turn(lay, layer, w, h, v->symmetry);
    lay->oy = (size_t)pln_rng_below(r, lay->h);
    lay->ox = (size_t)pln_rng_below(r, lay->w);
}

/* ---- Scales ---- */

/* Twice as long: element 2 i lies a quarter before i, 2 i + 1 a quarter after. */
static void stretch(const double *from, size_t n, size_t step, double *to, size_t to_step)
{
    for (size_t i = 0; i < n; i++) {
        double v = from[i * step], before = from[(i ? i - 1 : 0) * step],
               after = from[(i + 1 < n ? i + 1 : i) * step];
        to[2 * i * to_step] = 0.25 * before + 0.75 * v;
        to[(2 * i + 1) * to_step] = 0.75 * v + 0.25 * after;
    }
}

pln_status pln_rescale(pln_context *ctx, const double *layer, size_t w, size_t h, double scale,
                       double **result, size_t *rw, size_t *rh)
{
    double *out = NULL, *rows = NULL;
    size_t ow = scale == 0.5 ? w / 2
                : scale == 2 ? 2 * w
                             : w,
           oh = scale == 0.5 ? h / 2
                : scale == 2 ? 2 * h
                             : h;
    pln_status s = PLN_OK;

    if (scale != 0.5 && scale != 1 && scale != 2)
        return pln_fail(ctx, PLN_E_RANGE, "a texture's scale of %g: expected 0.5, 1 or 2", scale);
    if (!ow || !oh)
        return pln_fail(ctx, PLN_E_SHAPE, "a texture of %zux%zu has no pixels at scale %g", w, h,
                        scale);
    PLN_TRY(pln_alloc(ctx, ow * oh, sizeof *out, &out));
    if (scale == 1) {
        for (size_t i = 0; i < w * h; i++) out[i] = layer[i];
    } else if (scale == 0.5) {
        for (size_t y = 0; y < oh; y++)
            for (size_t x = 0; x < ow; x++) {
                const double *p = layer + 2 * y * w + 2 * x;
                out[y * ow + x] = (p[0] + p[w] + p[1] + p[w + 1]) * 0.25;
            }
    } else {
        PLN_TRY(pln_alloc(ctx, w * oh, sizeof *rows, &rows));
        for (size_t x = 0; x < w; x++) stretch(layer + x, h, w, rows + x, w);
        for (size_t y = 0; y < oh; y++) stretch(rows + y * w, w, 1, out + y * ow, 1);
    }
    *result = out;
    *rw = ow;
    *rh = oh;
    out = NULL;
done:
    pln_free(rows);
    pln_free(out);
    return s;
}
