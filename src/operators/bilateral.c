/* SPDX-License-Identifier: MIT */
/* The joint bilateral filter: the picture is cut into tiles, each with planes of its own with the
 * borders filled in. */
#include "operators/bilateral.h"
#include "image/image.h"
#include "operators/bilateral_kernels.h"
#include <math.h>

const char *const pln_bilateral_norms[] = {"l2", "l1", "channel", "lab", NULL};
const char *const pln_bilateral_windows[] = {"square", "disk", NULL};
const char *const pln_bilateral_borders[] = {"replicate", "reflect101", "shrink", NULL};

int pln_bilateral_radius(const struct pln_bilateral_params *p)
{
    /* ceil(2 sigma_s): MATLAB's imbilatfilt. DIFF: never above 256, the largest radius accepted. */
    return p->radius ? p->radius : (int)fmin(ceil(2 * p->sigma_s), 256);
}

/* ---- Tiles ---- */

/* Weights a tile: some 10 ms. */
#define TILE_WORK ((size_t)1 << 25)

struct shape {
    size_t rows, n; /* of a tile */
    size_t margin, row_stride, plane_stride, weights_stride;
    size_t pixels, sums, weights, thread; /* floats */
};

static struct shape shape_of(int radius, size_t w, size_t h)
{
    struct shape s = {.rows = 64, .n = 512};
    size_t side = 2 * (size_t)radius + 1;

    while (s.n > 128 && s.rows * s.n * side * side > TILE_WORK) s.n /= 2;
    while (s.rows > 1 && s.rows * s.n * side * side > TILE_WORK) s.rows /= 2;
    s.rows = pln_min(s.rows, h);
    s.n = pln_min(s.n, pln_div_up(w, BILATERAL_BLOCK) * BILATERAL_BLOCK);
    s.margin = pln_div_up((size_t)radius, BILATERAL_BLOCK) * BILATERAL_BLOCK;
    /* Odd numbers of cache lines, so that the rows of a column fall into different sets. */
    s.plane_stride = s.weights_stride = (s.n + 2 * s.margin) | BILATERAL_BLOCK;
    s.row_stride = s.plane_stride * BILATERAL_PLANES + BILATERAL_BLOCK;
    s.pixels = (s.rows + 2 * (size_t)radius) * s.row_stride;
    s.sums = s.rows * 4 * s.n;
    s.weights = side * s.weights_stride;
    s.thread = s.pixels + s.sums + s.weights;
    return s;
}

struct filter {
    const struct pln_bilateral *b;
    const struct bilateral_kernels *kernels;
    struct shape shape;
    int radius;
    pln_border border;
    bool self;        /* the data are their own guide */
    size_t across;    /* tiles in a row of tiles */
    float scale;      /* of the guide: its squared distances are exponents of two */
    float *scratch;   /* for each thread: pixels, sums, weights */
    bool *present;    /* for each thread: rows of the tile and its surroundings */
    float *log_space; /* bilateral_tile.log_space */
    ptrdiff_t *reach;
};

/* A guide value whose distance from any other makes the weight vanish, in columns that do not
 * count. */
#define OUTSIDE 1e16f

/* One row of `from` (absolute column x0 at its column `margin`) into planes, borders filled in. */
static void fill_row(const struct filter *f, const pln_view *from, size_t row, size_t x0,
                     float scale, float outside, float *planes)
{
    const struct shape *s = &f->shape;
    ptrdiff_t w = (ptrdiff_t)from->w, first = (ptrdiff_t)x0 - (ptrdiff_t)s->margin;
    ptrdiff_t end = first + (ptrdiff_t)(s->n + 2 * s->margin);
    ptrdiff_t inside = first < 0 ? 0 : first, inside_end = end < w ? end : w;
    const float *src = pln_row(from, row);
    size_t c = from->c;

    f->kernels->split(planes + (inside - first), s->plane_stride, src + (size_t)inside * c, c,
                      scale, (size_t)(inside_end - inside));
    for (ptrdiff_t x = first; x < end; x++) {
        if (x == inside) x = inside_end;
        if (x >= end) break;
        /* Beyond the window of the last column nothing is used: any value does. */
        ptrdiff_t at = pln_border_index(x, w, f->border);
        for (size_t k = 0; k < c; k++)
            planes[k * s->plane_stride + (size_t)(x - first)] =
                at < 0 ? outside : scale * src[(size_t)at * c + k];
    }
}

static void run_tile(void *arg, size_t index, int thread)
{
    const struct filter *f = arg;
    const struct pln_bilateral *b = f->b;
    const struct shape *s = &f->shape;
    size_t y0 = b->y0 + index / f->across * s->rows, x0 = index % f->across * s->n;
    size_t rows = pln_min(s->rows, b->y1 - y0), w = pln_min(s->n, b->w - x0);
    size_t c = b->data.c, guides = f->self ? c : b->guide.c;
    float *pixels = f->scratch + (size_t)thread * s->thread;
    float *sums = pixels + s->pixels, *weights = sums + s->sums;
    bool *present = f->present + (size_t)thread * (s->rows + 2 * (size_t)f->radius);
    bool by_channel = b->params->range_norm == PLN_NORM_CHANNEL && guides == 3 && c == 3;
    float back = f->self ? 1 / f->scale : 1;
    bool l1 = b->params->range_norm == PLN_NORM_L1;

    for (size_t i = 0; i < rows + 2 * (size_t)f->radius; i++) {
        ptrdiff_t y = pln_border_index((ptrdiff_t)(y0 + i) - f->radius, (ptrdiff_t)b->h, f->border);
        present[i] = y >= 0;
        if (y < 0) continue;
        size_t row = (size_t)y - b->in_y;
        float *planes = pixels + i * s->row_stride;
        fill_row(f, f->self ? &b->data : &b->guide, row, x0, f->scale, OUTSIDE, planes);
        if (!f->self) fill_row(f, &b->data, row, x0, 1, 0, planes + 3 * s->plane_stride);
    }
    struct bilateral_tile t = {
        .rows = rows,
        .n = s->n,
        .margin = s->margin,
        .radius = f->radius,
        .pixels = pixels,
        .row_stride = s->row_stride,
        .plane_stride = s->plane_stride,
        .present = present,
        .guide = {0, 1, 2},
        .data = {f->self ? 0 : 3, f->self ? 1 : 4, f->self ? 2 : 5},
        .reach = f->reach,
        .log_space = f->log_space,
        .sums = sums,
        .weights = weights,
        .weights_stride = s->weights_stride,
    };
    for (int k = 0; k < (by_channel ? 3 : 1); k++) {
        enum bilateral_distance d = guides == 1 || by_channel ? DISTANCE_GREY
                                    : l1                      ? DISTANCE_L1
                                                              : DISTANCE_L2;
        if (by_channel) {
            t.guide[0] = k;
            t.data[0] = f->self ? k : 3 + k;
        }
        (f->self ? f->kernels->self[d] : f->kernels->joint[d][c == 3 && !by_channel])(&t);
        for (size_t y = 0; y < rows; y++) {
            float *dst = pln_row(&b->out, y0 + y - b->y0) + x0 * c;
            if (by_channel || c == 1)
                f->kernels->divide(dst + k, c, sums + y * 4 * s->n, s->n, back, w);
            else
                f->kernels->divide3(dst, sums + y * 4 * s->n, s->n, back, w);
            if (b->to_rgb) pln_lab_to_rgb(dst, dst, w);
        }
    }
}

/* ---- The filter ---- */

void pln_bilateral_window(const struct pln_bilateral_params *p, float *log_space, ptrdiff_t *reach)
{
    ptrdiff_t radius = pln_bilateral_radius(p);

    for (ptrdiff_t dy = 0; dy <= radius; dy++) {
        reach[dy] = radius;
        if (p->window == PLN_WINDOW_DISK)
            while (reach[dy] * reach[dy] + dy * dy > radius * radius) reach[dy]--;
        for (ptrdiff_t dx = -radius; dx <= radius; dx++) {
            double e = (double)(dx * dx + dy * dy) / (2 * p->sigma_s * p->sigma_s) / log(2);
            log_space[dy * (2 * radius + 1) + radius + dx] = (float)-fmin(e, 1e30);
        }
    }
}

float pln_bilateral_scale(const struct pln_bilateral_params *p, size_t guides, bool flat)
{
    /* Distances are in the units of CIELAB, 100 times those of [0,1] (Lanman's code); grey guides
     * are not converted. */
    double sigma = p->sigma_r * (p->range_norm == PLN_NORM_LAB && guides == 3 ? 100 : 1);
    /* Bounded so that scaled values stay far below OUTSIDE and their squares finite. */
    return flat ? 1e-10f : (float)fmin(1 / (sigma * sqrt(2 * log(2))), 1e10);
}

pln_status pln_bilateral_filter(pln_context *ctx, const struct pln_bilateral *b)
{
    const struct pln_bilateral_params *p = b->params;
    struct filter f = {.b = b,
                       .kernels = PLN_KERNELS_PICK(ctx, pln_bilateral_kernels),
                       .radius = pln_bilateral_radius(p),
                       .border = (pln_border)p->border,
                       .self = !b->guide.data};
    size_t threads = (size_t)pln_context_threads(ctx), side = 2 * (size_t)f.radius + 1;
    pln_status s;

    f.shape = shape_of(f.radius, b->w, b->y1 - b->y0);
    f.across = pln_div_up(b->w, f.shape.n);
    f.scale = pln_bilateral_scale(p, f.self ? b->data.c : b->guide.c, b->flat);

    PLN_TRY(pln_alloc(ctx, threads * f.shape.thread, sizeof *f.scratch, &f.scratch));
    PLN_TRY(pln_alloc(ctx, threads * (f.shape.rows + side), sizeof *f.present, &f.present));
    PLN_TRY(pln_alloc(ctx, ((size_t)f.radius + 1) * side, sizeof *f.log_space, &f.log_space));
    PLN_TRY(pln_alloc(ctx, (size_t)f.radius + 1, sizeof *f.reach, &f.reach));
    pln_bilateral_window(p, f.log_space, f.reach);
    PLN_TRY(pln_parallel(ctx, f.across * pln_div_up(b->y1 - b->y0, f.shape.rows), run_tile, &f));
done:
    pln_free(f.reach);
    pln_free(f.log_space);
    pln_free(f.present);
    pln_free(f.scratch);
    return s;
}

size_t pln_bilateral_memory(const struct pln_bilateral_params *p, size_t w, size_t h, size_t c,
                            int threads)
{
    int radius = pln_bilateral_radius(p);
    struct shape s = shape_of(radius, w, h);
    size_t side = 2 * (size_t)radius + 1, bytes = 4096;

    (void)c; /* room for a guide and data of three channels */
    bytes += (size_t)threads * (s.thread * sizeof(float) + s.rows + side);
    return bytes + ((size_t)radius + 1) * (side * sizeof(float) + sizeof(ptrdiff_t));
}

double pln_bilateral_nanoseconds(const struct pln_bilateral_params *p, size_t c)
{
    double side = 2.0 * pln_bilateral_radius(p) + 1;
    double taps = side * side * (p->window == PLN_WINDOW_DISK ? 0.785 : 1);
    bool by_channel = p->range_norm == PLN_NORM_CHANNEL && c == 3;
    double tap = by_channel ? 0.31 : c == 3 ? 0.17 : 0.10; /* measured, AVX-512 at 4 GHz */

    return 2 + taps * tap + (p->range_norm == PLN_NORM_LAB && c == 3 ? 130 : 0);
}

/* ---- CIELAB ---- */

#define LAB_ROWS 16

struct lab {
    const pln_view *rgb, *lab;
};

static void convert_rows(void *arg, size_t index, int thread)
{
    const struct lab *l = arg;
    size_t end = pln_min((index + 1) * LAB_ROWS, l->rgb->h);

    (void)thread;
    for (size_t y = index * LAB_ROWS; y < end; y++)
        pln_rgb_to_lab(pln_row(l->lab, y), pln_row(l->rgb, y), l->rgb->w);
}

pln_status pln_bilateral_lab(pln_context *ctx, const pln_view *rgb, pln_view *lab)
{
    pln_view made = {.w = rgb->w, .h = rgb->h, .c = 3, .stride = (ptrdiff_t)(3 * rgb->w)};
    pln_status s;

    PLN_TRY(pln_alloc(ctx, rgb->w * rgb->h, 3 * sizeof(float), &made.data));
    struct lab arg = {rgb, &made};
    PLN_TRY(pln_parallel(ctx, pln_div_up(rgb->h, LAB_ROWS), convert_rows, &arg));
    *lab = made;
    made.data = NULL;
done:
    pln_free(made.data);
    return s;
}
