/* SPDX-License-Identifier: MIT */
/* Windows around pixels: the joint bilateral sum (operators/bilateral.h says which), and one
 * direction of a separable convolution. Index i is that of a pixel, or of a sample; neighbours read
 * the same lines of memory a step apart. */
#ifndef PLN_DEVICE_KERNELS_WINDOW_H
#define PLN_DEVICE_KERNELS_WINDOW_H

#include "device/kernels/base.h"

/* In the order of pln_border. */
typedef enum cu_border {
    CU_BORDER_REPLICATE,
    CU_BORDER_REFLECT101,
    CU_BORDER_SHRINK,
    CU_BORDER_ZERO
} cu_border;

/* Index in [0, n) that stands for i, or -1. */
CU_BODY int cu_border_index(int i, int n, cu_border border)
{
    if (i >= 0 && i < n) return i;
    if (border == CU_BORDER_REPLICATE) return i < 0 ? 0 : n - 1;
    if (border != CU_BORDER_REFLECT101) return -1;
    if (n == 1) return 0;
    int period = 2 * (n - 1), r = i % period;
    if (r < 0) r += period;
    return r < n ? r : period - r;
}

typedef struct cu_window {
    const float *guide, *data; /* planes of w x h; the guide is scaled, so that squared distances
                                  are exponents of two */
    float *out;                /* planes */
    size_t w, h, first;        /* first: pixels before index 0 */
    int guides, datas, radius; /* 1 or 3 planes each */
    cu_border border;
    bool l1;
    const float *log_space; /* [|dy| (2 radius + 1) + radius + dx] */
    const ptrdiff_t *reach; /* [|dy|]: the window has |dx| <= reach */
    float factor;           /* of what is put out */
} cu_window;

/* guides, datas, l1: known when it is compiled. */
CU_BODY void cu_window_sum(const cu_window *p, size_t i, int guides, int datas, bool l1)
{
    const size_t n = p->w * p->h, at = p->first + i, row = cu_quotient(at, p->w);
    const int w = (int)p->w, h = (int)p->h, y = (int)row, x = (int)(at - row * p->w), r = p->radius;
    const bool inside = x >= r && w - x > r;
    float here[3] = {0, 0, 0}, sum[3] = {0, 0, 0}, total = 0;

    for (int k = 0; k < guides; k++) here[k] = p->guide[(size_t)k * n + at];
    for (int dy = -r; dy <= r; dy++) {
        int v = cu_border_index(y + dy, h, p->border), down = dy < 0 ? -dy : dy;
        if (v < 0) continue;
        const float *space = p->log_space + (size_t)down * (size_t)(2 * r + 1) + r;
        const int reach = (int)p->reach[down];
        for (int dx = -reach; dx <= reach; dx++) {
            int u = inside ? x + dx : cu_border_index(x + dx, w, p->border);
            if (u < 0) continue;
            size_t to = (size_t)v * p->w + (size_t)u;
            float d = here[0] - p->guide[to], e = 0;
            if (guides == 1) {
                e = d * d;
            } else {
                float f = here[1] - p->guide[n + to], g = here[2] - p->guide[2 * n + to];
                if (l1) {
                    d = fabsf(d) + fabsf(f) + fabsf(g);
                    e = d * d;
                } else {
                    e = d * d + f * f + g * g;
                }
            }
            float weight = exp2f(space[dx] - e);
            for (int k = 0; k < datas; k++) sum[k] += weight * p->data[(size_t)k * n + to];
            total += weight;
        }
    }
    for (int k = 0; k < datas; k++) p->out[(size_t)k * n + at] = p->factor * (sum[k] / total);
}

CU_BODY void cu_window_body(const cu_window *p, size_t i)
{
    if (p->guides == 1 && p->datas == 1)
        cu_window_sum(p, i, 1, 1, false);
    else if (p->guides == 1)
        cu_window_sum(p, i, 1, 3, false);
    else if (p->datas == 1)
        cu_window_sum(p, i, 3, 1, p->l1);
    else
        cu_window_sum(p, i, 3, 3, p->l1);
}

/* Along the columns or the rows of planes of w x h; shrink divides by the sum of the taps used. */
typedef struct cu_convolve {
    const float *in;
    float *out;
    size_t w, h;
    const float *taps; /* 2 radius + 1 */
    int radius;
    bool down; /* the columns */
    cu_border border;
    float scale; /* of what is put out */
} cu_convolve;

CU_BODY void cu_convolve_body(const cu_convolve *p, size_t i)
{
    const size_t line = cu_quotient(i, p->w), plane = cu_quotient(line, p->h),
                 y = line - plane * p->h, x = i - line * p->w;
    const int n = (int)(p->down ? p->h : p->w), here = (int)(p->down ? y : x);
    const size_t step = p->down ? p->w : 1, first = i - (size_t)here * step;
    float sum = 0, used = 0;
    for (int k = -p->radius; k <= p->radius; k++) {
        int at = cu_border_index(here + k, n, p->border);
        if (at < 0) continue;
        float tap = p->taps[k + p->radius];
        sum += tap * p->in[first + (size_t)at * step];
        used += tap;
    }
    p->out[i] = p->scale * (p->border == CU_BORDER_SHRINK ? sum / used : sum);
}

#endif
