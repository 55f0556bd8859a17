/* SPDX-License-Identifier: MIT */
/* Structural similarity. Wang, Bovik, Sheikh, Simoncelli, TIP 2004; as the public code of Easy2Hard
 * computes it. */
#include <math.h>

#include "losses/losses.h"

enum { SIZE = 11 };
#define SIGMA 1.5
#define C1    (0.01 * 0.01)
#define C2    (0.03 * 0.03)

/* Every channel alone, separable; zeros outside. */
static pnn_node blur(pnn_graph *g, pnn_node x)
{
    enum { MOST = 4 };
    long c = pnn_channels(g, x);
    double w[SIZE], sum = 0;
    float taps[MOST * SIZE];
    if (c < 1 || c > MOST) return pnn_error(g, PLN_E_INTERNAL, "ssim of %ld channels: 1 to 4", c);
    for (int k = 0; k < SIZE; k++) {
        w[k] = exp(-(k - SIZE / 2) * (k - SIZE / 2) / (2 * SIGMA * SIGMA));
        sum += w[k];
    }
    for (long i = 0; i < c * SIZE; i++) taps[i] = (float)(w[i % SIZE] / sum);
    pnn_node rows = pnn_constant_tensor(g, taps, (const long[4]){c, 1, 1, SIZE}),
             columns = pnn_constant_tensor(g, taps, (const long[4]){c, 1, SIZE, 1});
    pnn_conv_attr across = {.kh = 1,
                            .kw = SIZE,
                            .stride = 1,
                            .dilation = 1,
                            .groups = (int)c,
                            .pad_left = SIZE / 2,
                            .pad_right = SIZE / 2},
                  down = {.kh = SIZE,
                          .kw = 1,
                          .stride = 1,
                          .dilation = 1,
                          .groups = (int)c,
                          .pad_top = SIZE / 2,
                          .pad_bottom = SIZE / 2};
    x = pnn_conv_with(g, x, rows, (pnn_node){0}, across);
    return pnn_conv_with(g, x, columns, (pnn_node){0}, down);
}

static pnn_node square(pnn_graph *g, pnn_node x) { return pnn_unary(g, PNN_SQUARE, x, 0, 0); }

pnn_node ploss_ssim(pnn_graph *g, pnn_node x, pnn_node y)
{
    pnn_node mx = blur(g, x), my = blur(g, y);
    pnn_node mxy = pnn_mul(g, mx, my), mx2 = square(g, mx), my2 = square(g, my);
    pnn_node vx = pnn_sub(g, blur(g, square(g, x)), mx2),
             vy = pnn_sub(g, blur(g, square(g, y)), my2),
             cxy = pnn_sub(g, blur(g, pnn_mul(g, x, y)), mxy);
    pnn_node num = pnn_mul(g, pnn_affine(g, mxy, 2, C1), pnn_affine(g, cxy, 2, C2));
    pnn_node den = pnn_mul(g, pnn_affine(g, pnn_add(g, mx2, my2), 1, C1),
                           pnn_affine(g, pnn_add(g, vx, vy), 1, C2));
    return pnn_reduce(g, PNN_MEAN, pnn_binary(g, PNN_DIV, num, den), PNN_OVER_ALL);
}

pnn_node ploss_ms_ssim(pnn_graph *g, pnn_node x, pnn_node y, int levels)
{
    pnn_node total = pnn_constant(g, levels);
    for (int i = 0; i < levels; i++) {
        if (i) {
            x = pnn_max_pool(g, x, 2);
            y = pnn_max_pool(g, y, 2);
        }
        total = pnn_sub(g, total, ploss_ssim(g, x, y));
    }
    return total;
}
