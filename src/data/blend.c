/* SPDX-License-Identifier: MIT */
/* Texture blending as in the published training sets (Easy2Hard, CSGIS-Net): tiled, not resized;
 * the mean is taken after tiling and cropping; one grey layer on all channels; 8-bit rounding and
 * clipping are part of the data. */
#include <math.h>

#include "data/data.h"

pln_status pln_blend(pln_context *ctx, const uint8_t *truth, size_t w, size_t h,
                     const double *layer, size_t tw, size_t th, double std, uint8_t *in)
{
    double mean = 0, square = 0;

    if (tw == 0 || th == 0 || !(std >= 0))
        return pln_fail(ctx, PLN_E_ARG,
                        "blending needs a layer and a standard deviation of at least 0");
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) mean += layer[y % th * tw + x % tw];
    mean /= (double)(w * h);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            double d = layer[y % th * tw + x % tw] - mean;
            square += d * d;
        }
    double deviation = sqrt(square / (double)(w * h));
    double scale = std > 0 && deviation > 1e-6 ? 255 * std / deviation : 1;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            double d = (layer[y % th * tw + x % tw] - mean) * scale;
            for (size_t k = 0; k < 3; k++) {
                double v = nearbyint((double)truth[(y * w + x) * 3 + k] + d);
                in[(y * w + x) * 3 + k] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
        }
    return PLN_OK;
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
