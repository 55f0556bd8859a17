/* SPDX-License-Identifier: MIT */
/* Fan's energy with its gradient, and its guide maps (solve/fan.h says what they are). Index i is
 * that of a pixel of N x H x W; each pixel gathers what all pairs that it is in add to it.
 * Decisions are those of the CPU: in the same types, no product of them contracted. */
#ifndef PLN_DEVICE_KERNELS_FAN_H
#define PLN_DEVICE_KERNELS_FAN_H

#include "device/kernels/reduce.h"

/* a b, rounded before anything is added. */
CU_BODY float cu_product(float a, float b)
{
#ifdef __CUDA_ARCH__
    return __fmul_rn(a, b);
#else
    return a * b;
#endif
}

CU_BODY float cu_fan_sum(const cu_view *x, size_t n, size_t v, size_t u)
{
    size_t at = cu_at(x, n, v, u, 0);
    return cu_get(x, at) + cu_get(x, at + 1) + cu_get(x, at + 2);
}

/* The k-th of the 12 neighbours of (y, x); false: outside. */
CU_BODY bool cu_fan_beside(int k, size_t y, size_t x, size_t h, size_t w, size_t *v, size_t *u)
{
    const int down[12] = {-1, -1, -1, 0, 0, 1, 1, 1, -2, 2, 0, 0},
              right[12] = {-1, 0, 1, -1, 1, -1, 0, 1, 0, 0, -2, 2};
    *v = y + (size_t)down[k]; /* below 0: huge */
    *u = x + (size_t)right[k];
    return *v < h && *u < w;
}

/* 6 E */
CU_BODY float cu_fan_response(const cu_view *x, const size_t d[4], const size_t at[4])
{
    float here = cu_fan_sum(x, at[0], at[1], at[2]), e = 0;
    size_t v, u;
    for (int k = 0; k < 12; k++)
        if (cu_fan_beside(k, at[1], at[2], d[1], d[2], &v, &u))
            e += fabsf(here - cu_fan_sum(x, at[0], v, u));
    return e;
}

/* ---- Guide maps ---- */

typedef enum cu_fan_guide {
    CU_FAN_PLAIN,
    CU_FAN_TEXTURE,
    CU_FAN_SALIENT,
    CU_FAN_NOT_SALIENT
} cu_fan_guide;

typedef struct cu_fan_maps {
    cu_view x, saliency, y;
    size_t d[4]; /* N H W 1 */
    cu_fan_guide guide;
    float *e6;
    double *e; /* ties of sixths fall as in the authors' numbers */
    uint8_t *selected;
} cu_fan_maps;

CU_BODY void cu_fan_edges_body(const cu_fan_maps *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    p->e6[i] = cu_fan_response(&p->x, p->d, at);
    p->e[i] = (double)p->e6[i] / 6;
}

CU_BODY void cu_fan_select_body(const cu_fan_maps *p, size_t i)
{
    enum { WINDOW = 10, ABOVE_LEAST = 200, RESPONSE_LEAST = 25 };
    size_t at[4], h = p->d[1], w = p->d[2];
    double here = p->e[i], least = here >= 60 ? 30 : 20;
    int count = 0;
    cu_indices(p->d, i, at);
    size_t top = at[1] < WINDOW ? 0 : at[1] - WINDOW, bottom = cu_min(at[1] + WINDOW, h - 1),
           left = at[2] < WINDOW ? 0 : at[2] - WINDOW, right = cu_min(at[2] + WINDOW, w - 1);
    for (size_t v = top; v <= bottom; v++) {
        const double *e = p->e + (at[0] * h + v) * w;
        for (size_t u = left; u <= right; u++) count += here - e[u] > least;
    }
    p->selected[i] = here > RESPONSE_LEAST && count > ABOVE_LEAST;
}

/* How far a walk over candidates gets, at most 25: the first of three moves that leads to one.
 * free: a move out of the picture that is tried before ends it. */
CU_BODY int cu_fan_walk(const cu_fan_maps *p, const size_t at[4], const int *moves, bool free)
{
    enum { WALK = 25 };
    size_t h = p->d[1], w = p->d[2], y = at[1], x = at[2];
    const uint8_t *from = p->selected + at[0] * h * w;
    for (int length = 0; length < WALK; length++) {
        bool found = false;
        for (int k = 0; k < 3 && !found; k++) {
            size_t v = y + (size_t)moves[2 * k], u = x + (size_t)moves[2 * k + 1];
            if (v >= h || u >= w) {
                if (free) return length;
                continue;
            }
            if (!from[v * w + u]) continue;
            found = true;
            x = u;
            y = v;
        }
        if (!found) return length;
    }
    return WALK;
}

CU_BODY bool cu_fan_on_line(const cu_fan_maps *p, const size_t at[4])
{
    const int moves[4][2][6] = {{{1, -1, 1, 0, 1, 1}, {-1, -1, -1, 0, -1, 1}},
                                {{-1, 1, 0, 1, 1, 1}, {-1, -1, 0, -1, 1, -1}},
                                {{0, 1, 1, 0, 1, 1}, {0, -1, -1, 0, -1, -1}},
                                {{0, 1, -1, 0, -1, 1}, {0, -1, 1, 0, 1, -1}}};
    for (int k = 0; k < 4; k++)
        if (cu_fan_walk(p, at, moves[k][0], k > 1) + cu_fan_walk(p, at, moves[k][1], k > 1) >=
            (k == 3 ? 21 : 20)) /* as in the authors' code */
            return true;
    return false;
}

/* Mean of the grey values around the pixel two steps along (ux, uy), which is left out. */
CU_BODY double cu_fan_side_mean(const cu_fan_maps *p, const size_t at[4], double ux, double uy)
{
    long u = (long)trunc((double)at[2] + 2 * ux + 1e-4),
         v = (long)trunc((double)at[1] + 2 * uy + 1e-4);
    double sum = 0, n = 0;
    for (long j = v - 1; j <= v + 1; j++)
        for (long i = u - 1; i <= u + 1; i++) {
            if ((i == u && j == v) || i < 0 || j < 0 || i >= (long)p->d[2] || j >= (long)p->d[1])
                continue;
            sum += (double)cu_fan_sum(&p->x, at[0], (size_t)j, (size_t)i);
            n++;
        }
    return n > 0 ? sum / (3 * n) : 0;
}

CU_BODY double cu_fan_step(const cu_fan_maps *p, const size_t at[4], int v, int u)
{
    return (double)(cu_fan_sum(&p->x, at[0], at[1] + (size_t)v, at[2] + (size_t)u) -
                    cu_fan_sum(&p->x, at[0], at[1] - (size_t)v, at[2] - (size_t)u));
}

CU_BODY bool cu_fan_is_texture(const cu_fan_maps *p, const size_t at[4], float e6)
{
    if (!(e6 > 150) || at[2] == 0 || at[1] == 0 || at[2] + 1 == p->d[2] || at[1] + 1 == p->d[1])
        return false;
    double across = cu_fan_step(p, at, 1, 1), back = cu_fan_step(p, at, 1, -1);
    double gx = 2 * cu_fan_step(p, at, 0, 1) + across - back,
           gy = 2 * cu_fan_step(p, at, 1, 0) + across + back;
    double norm = hypot(gx, gy), ux = norm > 0 ? gx / norm : 0, uy = norm > 0 ? gy / norm : -1;
    return fabs(cu_fan_side_mean(p, at, ux, uy) - cu_fan_side_mean(p, at, -ux, -uy)) < 50;
}

/* G and B; what is put out is exactly 0: the energy asks for that. */
CU_BODY void cu_fan_guide_body(const cu_fan_maps *p, size_t i)
{
    size_t at[4];
    cu_indices(p->d, i, at);
    float e6 = p->e6[i], keep = 1, edge = 0;
    float S = p->saliency.data ? cu_get(&p->saliency, cu_offset(&p->saliency, at)) : 0;
    if (p->guide == CU_FAN_TEXTURE)
        keep = cu_fan_is_texture(p, at, e6) ? 0.0f : 1.0f;
    else
        edge = p->selected[i] && cu_fan_on_line(p, at) ? 1.0f : 0.0f;
    if (p->guide == CU_FAN_SALIENT) keep = S > 0.5f ? 1.0f : 0.0f;
    if (p->guide == CU_FAN_NOT_SALIENT) keep = S < 0.5f ? 1.0f : 0.0f;
    size_t to = cu_offset(&p->y, at);
    cu_put(&p->y, to, e6 / 6 * keep);
    cu_put(&p->y, to + 1, edge * keep);
}

/* ---- The energy ---- */

enum { CU_FAN_RADIUS = 16 };

/* T, YUV of I, [B = 0] and m of a pixel: two loads of 16 bytes. */
typedef struct cu_fan_pixel {
    CU_ALIGNAS(16) float t[3];
    float flat, y[3], m;
} cu_fan_pixel;

typedef struct cu_fan {
    cu_view T, I, maps, y; /* y: [gradient | energy] */
    size_t d[4];           /* N H W 1 */
    cu_fan_pixel *pixels;
    uint8_t *decided;    /* m before it grows */
    float *pull;         /* B (E(T) - G) */
    float *terms;        /* N x H x W x 4: shares of E_d, E_f, E_e, and B */
    const cu_pair *sums; /* N x 4: of the terms */
    int radius, grow;
    bool exact;                    /* the slopes of the value, else the authors' */
    float tie;                     /* the sign of 0 there; exact: 0 */
    float alpha, c1_6, c2_6;       /* c1_6 = 6 c1 */
    float nearness;                /* -1 / 2 sigma_r^2 */
    float near[CU_FAN_RADIUS + 1]; /* exp(-k^2 / 2 sigma_s^2) */
    double lambda_f, lambda_e;
} cu_fan;

CU_BODY void cu_fan_pixel_body(const cu_fan *p, size_t i)
{
    size_t at[4];
    cu_fan_pixel x;
    cu_indices(p->d, i, at);
    size_t t = cu_offset(&p->T, at), from = cu_offset(&p->I, at), gb = cu_offset(&p->maps, at);
    float r = cu_get(&p->I, from) / 255, g = cu_get(&p->I, from + 1) / 255,
          b = cu_get(&p->I, from + 2) / 255, guide = cu_get(&p->maps, gb);
    bool edge = cu_get(&p->maps, gb + 1) != 0;
    float e6 = cu_fan_response(&p->T, p->d, at), six = cu_product(6, guide);
    for (size_t c = 0; c < 3; c++) x.t[c] = cu_get(&p->T, t + c);
    x.y[0] = 0.299f * r + 0.587f * g + 0.114f * b;
    x.y[1] = 0.492f * (b - x.y[0]);
    x.y[2] = 0.877f * (r - x.y[0]);
    x.flat = edge ? 0.0f : 1.0f;
    x.m = 0;
    p->pixels[i] = x;
    p->decided[i] = (e6 - six > p->c2_6 && six < p->c1_6) || (guide == 0 && e6 > 0);
    p->pull[i] = edge ? (float)((double)e6 / 6 - (double)guide) : 0.0f;
}

CU_BODY void cu_fan_grow_body(const cu_fan *p, size_t i)
{
    size_t at[4], r = (size_t)p->grow, h = p->d[1], w = p->d[2];
    bool m = false;
    cu_indices(p->d, i, at);
    size_t top = at[1] < r ? 0 : at[1] - r, bottom = cu_min(at[1] + r, h - 1),
           left = at[2] < r ? 0 : at[2] - r, right = cu_min(at[2] + r, w - 1);
    for (size_t v = top; v <= bottom && !m; v++)
        for (size_t u = left; u <= right && !m; u++) m = p->decided[(at[0] * h + v) * w + u];
    p->pixels[i].m = m ? 1.0f : 0.0f;
}

CU_BODY float cu_fan_signed(float slope, float d, float tie)
{
    return d > 0 ? slope : d < 0 ? -slope : tie * slope;
}

/* What the pair adds to the value at i and to its gradient. */
CU_BODY void cu_fan_pair(const cu_fan *p, const cu_fan_pixel *i, const cu_fan_pixel *j, float ws,
                         float *value, float slope[3])
{
    float y0 = i->y[0] - j->y[0], y1 = i->y[1] - j->y[1], y2 = i->y[2] - j->y[2];
    float v = p->nearness * (y0 * y0 + y1 * y1 + y2 * y2);
    float wr = v < -1.2039728043f ? 0.0f : expf(v); /* log(0.3) */
    float qi = i->flat * i->m, li = i->flat - qi, qj = j->flat * j->m, lj = j->flat - qj;
    float wi = j->m > 0 ? ws : wr; /* the authors': of j as the centre */
    float hi = 2 * p->alpha * (qi + qj), lo = 0.8f * (li + lj);
    for (int c = 0; c < 3; c++) {
        float d = i->t[c] - j->t[c], a = fabsf(d);
        float root = exp2f(-0.2f * log2f(a > 1e-12f ? a : 1e-12f)); /* a^-0.2 */
        *value += p->alpha * ws * qi * d * d + wr * li * a * root;
        if (p->exact)
            slope[c] += ws * hi * d + wr * cu_fan_signed(lo * root, d, p->tie);
        else
            slope[c] += wi * cu_fan_signed(hi * (a < 1 ? a : 1.0f) + lo * (root < 1 ? root : 1.0f),
                                           d, p->tie);
    }
}

CU_BODY void cu_fan_window_body(const cu_fan *p, size_t i)
{
    size_t at[4], r = (size_t)p->radius, h = p->d[1], w = p->d[2];
    float value = 0, slope[3] = {0, 0, 0};
    const cu_fan_pixel here = p->pixels[i];
    cu_indices(p->d, i, at);
    size_t top = at[1] < r ? 0 : at[1] - r, bottom = cu_min(at[1] + r, h - 1),
           left = at[2] < r ? 0 : at[2] - r, right = cu_min(at[2] + r, w - 1);
    for (size_t v = top; v <= bottom; v++) {
        const cu_fan_pixel *row = p->pixels + (at[0] * h + v) * w;
        float down = p->near[v > at[1] ? v - at[1] : at[1] - v];
        for (size_t u = left; u <= right; u++) {
            if (v == at[1] && u == at[2]) continue;
            const cu_fan_pixel there = row[u];
            cu_fan_pair(p, &here, &there, down * p->near[u > at[2] ? u - at[2] : at[2] - u], &value,
                        slope);
        }
    }
    double n3 = 3 * (double)h * (double)w;
    float data = (float)(2 / n3), flat = (float)(p->lambda_f / n3), *term = p->terms + 4 * i,
          l = here.flat * (1 - here.m),
          self = -1.6f * p->tie * l; /* a tie of |d|^0.8 with itself */
    size_t from = cu_offset(&p->I, at), to = cu_offset(&p->y, at);
    term[0] = 0;
    for (size_t c = 0; c < 3; c++) {
        float d = here.t[c] - cu_get(&p->I, from + c);
        term[0] += d * d;
        cu_put(&p->y, to + c, data * d + flat * (slope[c] - self));
    }
    term[1] = value;
    term[2] = p->pull[i] * p->pull[i];
    term[3] = 1 - here.flat;
}

/* The slope of E_e, which the number of edges divides, and the value. */
CU_BODY void cu_fan_total_body(const cu_fan *p, size_t i)
{
    size_t at[4], h = p->d[1], w = p->d[2], v, u;
    cu_indices(p->d, i, at);
    const cu_pair *sums = p->sums + 4 * at[0];
    double n3 = 3 * (double)h * (double)w, edges = sums[3].a,
           total = sums[0].a / n3 + p->lambda_f * sums[1].a / n3 +
                   (edges > 0 ? p->lambda_e * sums[2].a / edges : 0);
    float tie = p->tie, pull = p->pull[i], sum = 2 * tie * pull,
          here = cu_fan_sum(&p->T, at[0], at[1], at[2]);
    size_t to = cu_offset(&p->y, at);
    cu_put(&p->y, to + 3, (float)total);
    if (!(edges > 0)) return;
    for (int k = 0; k < 12; k++)
        if (cu_fan_beside(k, at[1], at[2], h, w, &v, &u))
            sum += cu_fan_signed(pull + p->pull[(at[0] * h + v) * w + u],
                                 here - cu_fan_sum(&p->T, at[0], v, u), tie);
    float slope = (float)(p->lambda_e / edges) * (sum / 3);
    for (size_t c = 0; c < 3; c++) cu_put(&p->y, to + c, cu_get(&p->y, to + c) + slope);
}

#endif
