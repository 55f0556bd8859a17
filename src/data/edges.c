/* SPDX-License-Identifier: MIT */
/* Edge labels of the published sets (Easy2Hard's code): 3 x 3 Sobel of one channel, reflect-101,
 * each derivative saturated at 255, their mean rounded half to even. */
#include <math.h>
#include <stdlib.h>

#include "data/data.h"

enum { THRESHOLD = 50 }; /* authors' code */

static size_t reflect(ptrdiff_t i, size_t n)
{
    if (n == 1) return 0;
    if (i < 0) return (size_t)-i;
    return (size_t)i < n ? (size_t)i : 2 * n - 2 - (size_t)i;
}

void pln_edge_label(const uint8_t *rgb, size_t w, size_t h, size_t channel, uint8_t *edge)
{
    for (size_t y = 0; y < h; y++) {
        const uint8_t *above = rgb + 3 * w * reflect((ptrdiff_t)y - 1, h) + channel,
                      *here = rgb + 3 * w * y + channel,
                      *below = rgb + 3 * w * reflect((ptrdiff_t)y + 1, h) + channel;
        for (size_t x = 0; x < w; x++) {
            size_t l = 3 * reflect((ptrdiff_t)x - 1, w), r = 3 * reflect((ptrdiff_t)x + 1, w),
                   m = 3 * x;
            int gx = above[r] + 2 * here[r] + below[r] - above[l] - 2 * here[l] - below[l];
            int gy = below[l] + 2 * below[m] + below[r] - above[l] - 2 * above[m] - above[r];
            gx = abs(gx) > 255 ? 255 : abs(gx);
            gy = abs(gy) > 255 ? 255 : abs(gy);
            edge[y * w + x] = nearbyint(0.5 * gx + 0.5 * gy) >= THRESHOLD;
        }
    }
}
