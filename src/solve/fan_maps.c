/* SPDX-License-Identifier: MIT */
/* Guide maps of Fan's energy: response of edges, edge detector, texture map, and the variants that
 * they make. The detector is that of the authors' code; the paper leaves it to a supplement. */
#include "solve/fan_field.h"

#include <math.h>

const char *const pln_fan_slope_names[] = {"authors", "exact", "clamped", NULL};

/* ---- The variants: section 4 and 7 of the paper, scripts of the authors' code ---- */

#define COMMON .sigma_r = 0.1, .sigma_s = 7, .lambda_f = 1, .lambda_e = 0.1
const pln_fan_variant pln_fan_variants[PLN_FAN_VARIANTS] = {
    {"smooth", PLN_FAN_PLAIN, {.radius = 10, .alpha = 5, .c1 = 20, .c2 = 10, COMMON}},
    {"abstraction",
     PLN_FAN_PLAIN,
     {.radius = 10, .grow = 3, .alpha = 5, .c1 = 20, .c2 = 10, COMMON}},
    {"detail", PLN_FAN_PLAIN, {.radius = 10, .alpha = 15, .c1 = INFINITY, .c2 = 0, COMMON}},
    {"texture", PLN_FAN_TEXTURE, {.radius = 2, .alpha = 20, .c1 = 20, .c2 = 10, COMMON}},
    {"background", PLN_FAN_SALIENT, {.radius = 2, .alpha = 5, .c1 = 20, .c2 = 10, COMMON}},
    {"foreground", PLN_FAN_NOT_SALIENT, {.radius = 1, .alpha = 5, .c1 = 20, .c2 = 10, COMMON}},
};

/* ---- E, section 3.1 ---- */

void pln_fan_response_row(const float *s, size_t stride, size_t w, size_t h, size_t y, float *e)
{
    static const int offsets[12][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1},  {1, -1},
                                       {1, 0},   {1, 1},  {-2, 0}, {2, 0},  {0, -2}, {0, 2}};
    for (size_t x = 0; x < w; x++) e[x] = 0;
    for (int k = 0; k < 12; k++) {
        ptrdiff_t dx = offsets[k][1], v = (ptrdiff_t)y + offsets[k][0];
        if (v < 0 || v >= (ptrdiff_t)h) continue;
        const float *a = s + y * stride, *b = s + (size_t)v * stride;
        size_t from = dx < 0 ? (size_t)-dx : 0, to = dx > 0 ? w - pln_min(w, (size_t)dx) : w;
        for (size_t x = from; x < to; x++) e[x] += fabsf(a[x] - b[(ptrdiff_t)x + dx]);
    }
}

struct maps {
    const fan_kernels *kernels;
    size_t w, h, step, S_step, GB_step;
    const float *x, *S;
    float *sum, *e6, *GB;
    double *e, *count;
    const uint8_t *from; /* selected, or texture, or edges; NULL: no edges */
    uint8_t *to;
    pln_fan_guide guide;
};

static void sum_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    const float *x = m->x + y * m->w * m->step;
    (void)thread;
    for (size_t i = 0; i < m->w; i++, x += m->step) m->sum[y * m->w + i] = x[0] + x[1] + x[2];
}

static void response_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    (void)thread;
    pln_fan_response_row(m->sum, m->w, m->w, m->h, y, m->e6 + y * m->w);
}

pln_status pln_fan_response(pln_context *ctx, size_t w, size_t h, const float *x, size_t step,
                            float *sum, float *e6)
{
    struct maps m = {.w = w, .h = h, .x = x, .step = step, .sum = sum, .e6 = e6};
    pln_status s = pln_parallel(ctx, h, sum_row, &m);
    return s ? s : pln_parallel(ctx, h, response_row, &m);
}

/* ---- B: candidates ---- */

enum { WINDOW = 10, ABOVE_LEAST = 200 };
#define RESPONSE_LEAST 25

/* In double: ties of sixths fall as in the authors' numbers. */
static void sixth_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    (void)thread;
    for (size_t i = y * m->w; i < (y + 1) * m->w; i++) m->e[i] = (double)m->e6[i] / 6;
}

static void select_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    size_t w = m->w, last = pln_min(y + WINDOW, m->h - 1);
    double *count = m->count + y * w;
    const double *ei = m->e + y * w;
    (void)thread;
    for (size_t x = 0; x < w; x++) count[x] = 0;
    for (size_t v = y < WINDOW ? 0 : y - WINDOW; v <= last; v++)
        for (ptrdiff_t dx = -WINDOW; dx <= WINDOW; dx++) {
            size_t from = dx < 0 ? (size_t)-dx : 0, to = dx > 0 ? w - pln_min(w, (size_t)dx) : w;
            const double *ej = m->e + v * w + dx;
            if (from < to) m->kernels->above(to - from, ei + from, ej + from, count + from);
        }
    for (size_t x = 0; x < w; x++)
        m->to[y * w + x] = ei[x] > RESPONSE_LEAST && count[x] > ABOVE_LEAST;
}

pln_status pln_fan_select(pln_context *ctx, size_t w, size_t h, const float *e6, double *space,
                          uint8_t *selected)
{
    struct maps m = {.kernels = PLN_KERNELS_PICK(ctx, pln_fan_kernels),
                     .w = w,
                     .h = h,
                     .e6 = (float *)e6,
                     .e = space,
                     .count = space + w * h,
                     .to = selected};
    pln_status s = pln_parallel(ctx, h, sixth_row, &m);
    return s ? s : pln_parallel(ctx, h, select_row, &m);
}

/* ---- B: candidates on lines ---- */

enum { WALK = 25, RUN = 20, MOVES = 3 };

/* How far a walk gets over candidates: the first move, in this order, that leads to one. free: a
 * move out of the picture that is tried before ends the walk; else it is passed over. */
static int walk(const struct maps *m, size_t x, size_t y, const int moves[MOVES][2], bool free)
{
    for (int length = 0; length < WALK; length++) {
        bool found = false;
        for (int k = 0; k < MOVES && !found; k++) {
            size_t v = y + (size_t)moves[k][0], u = x + (size_t)moves[k][1]; /* below 0: huge */
            if (v >= m->h || u >= m->w) {
                if (free) return length;
                continue;
            }
            if (!m->from[v * m->w + u]) continue;
            found = true;
            x = u;
            y = v;
        }
        if (!found) return length;
    }
    return WALK;
}

static bool on_line(const struct maps *m, size_t x, size_t y)
{
    static const struct {
        int there[MOVES][2], back[MOVES][2]; /* rows, columns */
        bool free;
        int least;
    } tests[] = {
        {{{1, -1}, {1, 0}, {1, 1}}, {{-1, -1}, {-1, 0}, {-1, 1}}, false, RUN},
        {{{-1, 1}, {0, 1}, {1, 1}}, {{-1, -1}, {0, -1}, {1, -1}}, false, RUN},
        {{{0, 1}, {1, 0}, {1, 1}}, {{0, -1}, {-1, 0}, {-1, -1}}, true, RUN},
        {{{0, 1}, {-1, 0}, {-1, 1}},
         {{0, -1}, {1, 0}, {1, -1}},
         true,
         RUN + 1}, /* as in the code */
    };
    for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)
        if (walk(m, x, y, tests[k].there, tests[k].free) +
                walk(m, x, y, tests[k].back, tests[k].free) >=
            tests[k].least)
            return true;
    return false;
}

/* DIFF: the authors' code prunes in place, in the order of a GPU's threads; here every walk sees
 * all candidates. */
static void prune_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    (void)thread;
    for (size_t x = 0; x < m->w; x++)
        m->to[y * m->w + x] = m->from[y * m->w + x] && on_line(m, x, y);
}

pln_status pln_fan_prune(pln_context *ctx, size_t w, size_t h, const uint8_t *selected,
                         uint8_t *edges)
{
    struct maps m = {.w = w, .h = h, .from = selected, .to = edges};
    return pln_parallel(ctx, h, prune_row, &m);
}

/* ---- Texture, section 7.3 of the paper ---- */

#define CONTRAST_LEAST 50
#define REACH          2

/* Mean of the grey values around the pixel at (x, y) + REACH u, which is left out. 1e-4 keeps axes
 * of directions on their side of the truncation. */
static double side_mean(const struct maps *m, size_t x, size_t y, double ux, double uy)
{
    ptrdiff_t u = (ptrdiff_t)trunc((double)x + REACH * ux + 1e-4),
              v = (ptrdiff_t)trunc((double)y + REACH * uy + 1e-4);
    double sum = 0, n = 0;
    for (ptrdiff_t j = v - 1; j <= v + 1; j++)
        for (ptrdiff_t i = u - 1; i <= u + 1; i++) {
            if ((i == u && j == v) || i < 0 || j < 0 || i >= (ptrdiff_t)m->w ||
                j >= (ptrdiff_t)m->h)
                continue;
            sum += (double)m->sum[j * (ptrdiff_t)m->w + i];
            n++;
        }
    return n > 0 ? sum / (3 * n) : 0;
}

static bool is_texture(const struct maps *m, size_t x, size_t y)
{
    const float *g = m->sum + y * m->w + x;
    ptrdiff_t down = (ptrdiff_t)m->w;
    if (!(m->e6[y * m->w + x] > 6 * RESPONSE_LEAST) || x == 0 || y == 0 || x + 1 == m->w ||
        y + 1 == m->h)
        return false;
    double gx = 2.0 * (double)(g[1] - g[-1]) + (double)(g[down + 1] - g[down - 1]) +
                (double)(g[1 - down] - g[-1 - down]);
    double gy = 2.0 * (double)(g[down] - g[-down]) + (double)(g[down + 1] - g[1 - down]) +
                (double)(g[down - 1] - g[-1 - down]);
    double norm = hypot(gx, gy), ux = norm > 0 ? gx / norm : 0, uy = norm > 0 ? gy / norm : -1;
    return fabs(side_mean(m, x, y, ux, uy) - side_mean(m, x, y, -ux, -uy)) < CONTRAST_LEAST;
}

static void texture_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    (void)thread;
    for (size_t x = 0; x < m->w; x++) m->to[y * m->w + x] = is_texture(m, x, y);
}

pln_status pln_fan_texture(pln_context *ctx, size_t w, size_t h, const float *sum, const float *e6,
                           uint8_t *texture)
{
    struct maps m = {.w = w, .h = h, .sum = (float *)sum, .e6 = (float *)e6, .to = texture};
    return pln_parallel(ctx, h, texture_row, &m);
}

/* ---- G and B of a variant ---- */

/* 0 or 1, so that what is put out is exactly 0: the energy asks for that. */
static float kept(const struct maps *m, size_t i)
{
    float S = m->S ? m->S[i * m->S_step] : 0;
    switch (m->guide) {
    case PLN_FAN_PLAIN:
        break;
    case PLN_FAN_TEXTURE:
        return m->from[i] ? 0 : 1;
    case PLN_FAN_SALIENT:
        return S > 0.5f ? 1 : 0;
    case PLN_FAN_NOT_SALIENT:
        return S < 0.5f ? 1 : 0;
    }
    return 1;
}

static void guide_row(void *arg, size_t y, int thread)
{
    const struct maps *m = arg;
    (void)thread;
    for (size_t x = 0; x < m->w; x++) {
        size_t i = y * m->w + x;
        float keep = kept(m, i), edge = m->guide == PLN_FAN_TEXTURE ? 0 : (float)m->from[i];
        m->GB[i * m->GB_step] = m->e6[i] / 6 * keep;
        m->GB[i * m->GB_step + 1] = edge * keep;
    }
}

size_t pln_fan_maps_space(size_t w, size_t h)
{
    return w * h * (2 * sizeof(double) + 2 * sizeof(float) + 2);
}

pln_status pln_fan_maps(pln_context *ctx, pln_fan_guide guide, size_t w, size_t h, const float *x,
                        size_t step, const float *S, size_t S_step, void *space, float *GB,
                        size_t GB_step)
{
    double *doubles = space;
    float *sum = (float *)(doubles + 2 * w * h), *e6 = sum + w * h;
    uint8_t *selected = (uint8_t *)(e6 + w * h), *map = selected + w * h;
    struct maps m = {.w = w,
                     .h = h,
                     .e6 = e6,
                     .S = S,
                     .S_step = S_step,
                     .GB = GB,
                     .GB_step = GB_step,
                     .from = map,
                     .guide = guide};
    pln_status s = PLN_OK;
    PLN_TRY(pln_fan_response(ctx, w, h, x, step, sum, e6));
    if (guide == PLN_FAN_TEXTURE) {
        PLN_TRY(pln_fan_texture(ctx, w, h, sum, e6, map));
    } else {
        PLN_TRY(pln_fan_select(ctx, w, h, e6, doubles, selected));
        PLN_TRY(pln_fan_prune(ctx, w, h, selected, map));
    }
    PLN_TRY(pln_parallel(ctx, h, guide_row, &m));
done:
    return s;
}
