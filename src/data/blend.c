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
