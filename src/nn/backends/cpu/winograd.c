/* SPDX-License-Identifier: MIT */
/* Dilated Winograd convolution F(4x4, 3x3), NHWC.
 *
 *     y = A' [(G g G') . (B' x B)] A
 *
 * A tile of dilation d is the grid of pixels (y + d i, x + d j): sixteen channels of a pixel are
 * contiguous, so the grid costs nothing. Tiles are numbered along a row so that neighbouring
 * numbers start at neighbouring pixels: d tiles that interleave, then the next d. A block of tiles
 * is done at a time: inputs -> V[36][tile][cin]; 36 products M[p] = V[p] U[p]; M[36][tile][cout] ->
 * outputs. M[p] takes the place of V[p - 1], and while the products are made the next block's
 * inputs and this block's outputs are asked for: U, the block and its pixels stay in the
 * second-level cache for 64 channels. Pixels outside the image are zeros in the input transform and
 * not stored in the output transform.
 *
 * Of a transposed convolution 4x4 of stride 2 the outputs (2 x + q, 2 y + p) of each phase p, q in
 * {0, 1} are a convolution of the input whose filter is 2x2 of the 3x3 taps. A filter without its
 * last tap has no product at the point infinity, one without its first none at the point 0: 25 of
 * 36 remain, for 64 of the direct sum. */
#include "nn/backends/cpu/winograd_kernels.h"

#include <string.h>

/* ---- Weights ---- */

static size_t padded(size_t c) { return pln_div_up(c, WINO_PANEL) * WINO_PANEL; }

size_t pln_wino_weights_floats(size_t cin, size_t cout)
{
    /* Either may be the output: room for both directions. */
    return WINO_POINTS * pln_max(cin * padded(cout), cout * padded(cin));
}

/* G: a row (1, p, p^2) / N(p) for each point p, N(p) the product of the distances to the other
 * finite points. */
#define A ((double)WINO_A)
#define B ((double)WINO_B)
#define ROW(p, n)                                                                                  \
    {                                                                                              \
        1 / (n), (p) / (n), (p) * (p) / (n)                                                        \
    }
static const double wino_g[6][3] = {
    ROW(0, A *A *B *B),
    ROW(A, 2 * A * A * (A * A - B * B)),
    ROW(-A, 2 * A * A * (A * A - B * B)),
    ROW(B, 2 * B * B * (B * B - A * A)),
    ROW(-B, 2 * B * B * (B * B - A * A)),
    {0, 0, 1},
};

/* Place of tap t = 3 y + x of the filter (o, i). */
static size_t tap(pln_conv_order order, size_t cin, size_t o, size_t i, size_t t)
{
    return order == PLN_CONV_OIYX ? (o * cin + i) * 9 + t : (o * 9 + t) * cin + i;
}

/* Floats of U of one filter of each pair of channels. */
static size_t u_floats(size_t from, size_t to) { return WINO_POINTS * from * padded(to); }

struct transform {
    const float *w;
    pln_conv_order order;
    size_t from, to; /* channels that the convolution reads and writes */
    enum { FORWARD, DATA, TRANSPOSED } use;
    float *u;
};

/* Tap (y, x) of the filter from channel i to channel o, of a phase. */
static float filter_tap(const struct transform *f, size_t phase, size_t i, size_t o, size_t y,
                        size_t x)
{
    static const int rows[2][3] = {{3, 1, -1}, {-1, 2, 0}}; /* of a 4x4 filter; -1: none */
    if (f->use == FORWARD) return f->w[tap(f->order, f->from, o, i, 3 * y + x)];
    if (f->use == DATA) return f->w[tap(f->order, f->to, i, o, 8 - (3 * y + x))];
    int row = rows[phase / 2][y], column = rows[phase % 2][x];
    return row < 0 || column < 0 ? 0 : f->w[(i * f->to + o) * 16 + (size_t)(4 * row + column)];
}

/* A panel of outputs at once: both sides of u are lines of a cache. */
static void transform_panel(void *arg, size_t index, int thread)
{
    const struct transform *f = arg;
    size_t from = f->from, to = f->to, panels = padded(to) / WINO_PANEL, phase = index / panels;
    size_t first = index % panels * WINO_PANEL, lanes = pln_min(WINO_PANEL, to - first);

    (void)thread;
    for (size_t i = 0; i < from; i++) {
        double g[3][3][WINO_PANEL] = {0}, gg[6][3][WINO_PANEL]; /* gg = G g */
        float *p = f->u + phase * u_floats(from, to) + (first * from + i * WINO_PANEL);
        for (size_t t = 0; t < 9; t++)
            for (size_t k = 0; k < lanes; k++)
                g[t / 3][t % 3][k] = filter_tap(f, phase, i, first + k, t / 3, t % 3);
        for (size_t a = 0; a < 6; a++)
            for (size_t x = 0; x < 3; x++)
                for (size_t k = 0; k < WINO_PANEL; k++)
                    gg[a][x][k] = wino_g[a][0] * g[0][x][k] + wino_g[a][1] * g[1][x][k] +
                                  wino_g[a][2] * g[2][x][k];
        for (size_t a = 0; a < 6; a++)
            for (size_t b = 0; b < 6; b++, p += from * padded(to))
                for (size_t k = 0; k < WINO_PANEL; k++)
                    p[k] = (float)(gg[a][0][k] * wino_g[b][0] + gg[a][1][k] * wino_g[b][1] +
                                   gg[a][2][k] * wino_g[b][2]);
    }
}

pln_status pln_wino_weights(pln_context *ctx, const float *w, pln_conv_order order, size_t cin,
                            size_t cout, bool gradient, float *u)
{
    struct transform f = {
        w, order, gradient ? cout : cin, gradient ? cin : cout, gradient ? DATA : FORWARD, u};
    return pln_parallel(ctx, pln_div_up(f.to, WINO_PANEL), transform_panel, &f);
}

enum { PHASES = 4 };

size_t pln_wino_transposed_weights_floats(size_t cin, size_t cout)
{
    return PHASES * u_floats(cin, cout);
}

pln_status pln_wino_transposed_weights(pln_context *ctx, const float *w, size_t cin, size_t cout,
                                       float *u)
{
    struct transform f = {w, PLN_CONV_OIYX, cin, cout, TRANSPOSED, u};
    return pln_parallel(ctx, PHASES * pln_div_up(cout, WINO_PANEL), transform_panel, &f);
}

/* Whether the filters of a phase of a transposed convolution have a product at a point. */
static bool has_product(size_t phase, size_t point)
{
    return point / 6 != (phase / 2 ? 0 : 5) && point % 6 != (phase % 2 ? 0 : 5);
}

/* ---- Tiles ---- */

/* Tiles of a row or column of n pixels: groups of 4 d pixels hold d interleaved tiles, the last
 * group those that start inside. */
static size_t tiles_along(size_t n, size_t d) { return n / (4 * d) * d + pln_min(n % (4 * d), d); }

static size_t tiles_of(const pln_wino_shape *s)
{
    return s->n * tiles_along(s->h, s->dilation) * tiles_along(s->w, s->dilation);
}

/* The part of the six inputs and four outputs that lies in [0, n), for the tile that starts at
 * `from`. */
static void extent(size_t from, size_t n, size_t d, uint8_t *first, uint8_t *end, uint8_t *outputs)
{
    size_t inside = pln_div_up(n - from, d); /* grid points from the first output on */

    *first = from < d;
    *end = (uint8_t)pln_min(6, inside + 1);
    *outputs = (uint8_t)pln_min(4, inside);
}

/* Block b of the tiles; past the last one, tiles that are all zero. Outputs are those of a phase,
 * of an image `scale` times as high and wide. */
static void block_tiles(const pln_wino_shape *s, size_t b, size_t scale, size_t phase,
                        struct wino_tile t[WINO_TILES])
{
    size_t d = s->dilation, all = tiles_of(s);
    size_t tx = tiles_along(s->w, d), ty = tiles_along(s->h, d);

    for (size_t i = 0; i < WINO_TILES; i++) {
        size_t number = b * WINO_TILES + i, column = number % tx, row = number / tx % ty;
        t[i] = (struct wino_tile){0};
        if (number >= all) continue;
        size_t x = column / d * 4 * d + column % d, y = row / d * 4 * d + row % d;
        size_t line = number / tx / ty * s->h + y;
        t[i].at = line * s->w + x;
        t[i].out = (line * scale + phase / 2) * (s->w * scale) + x * scale + phase % 2;
        extent(y, s->h, d, &t[i].top, &t[i].bottom, &t[i].rows);
        extent(x, s->w, d, &t[i].left, &t[i].right, &t[i].cols);
    }
}

static struct wino_steps steps(const pln_wino_shape *s, size_t scale, size_t stride)
{
    size_t col = scale * s->dilation * stride;
    return (struct wino_steps){(ptrdiff_t)stride, (ptrdiff_t)(scale * s->w * col), (ptrdiff_t)col};
}

/* Blocks of a task: so much work that a task takes about a quarter of a millisecond with wide
 * vectors, and less than five without: many tasks a picture, or threads would wait for the last. */
static size_t blocks_of_task(const pln_wino_shape *s)
{
    size_t flop = 2 * WINO_POINTS * WINO_TILES * padded(s->cin) * padded(s->cout);
    return pln_max(1, ((size_t)25 << 20) / flop);
}

/* Asks the cache for the pixel at input or output (i, j) of each tile, if it lies in the image.
 * Expanded in place: gcc takes a function that does nothing else for one without effect. */
static inline __attribute__((always_inline)) void ask(const float *x, struct wino_steps s,
                                                      const struct wino_tile *t, size_t c,
                                                      ptrdiff_t i, ptrdiff_t j, const bool outputs,
                                                      const int write)
{
    for (const struct wino_tile *end = t + WINO_TILES; t < end; t++) {
        if (i + 1 < t->top || i + 1 >= t->bottom || j + 1 < t->left || j + 1 >= t->right) continue;
        const float *pixel =
            x + (ptrdiff_t)(outputs ? t->out : t->at) * s.pixel + i * s.row + j * s.col;
        for (size_t k = 0; k < c; k += WINO_PANEL) {
            if (write)
                __builtin_prefetch(pixel + k, 1, 2);
            else
                __builtin_prefetch(pixel + k, 0, 2);
        }
    }
}

/* ---- Forward ---- */

struct forward {
    const wino_kernels *k;
    const pln_wino_shape *shape;
    const pln_conv_epilogue *epilogue;
    const float *in, *u;
    float *out, *work;
    size_t in_stride, out_stride;
    size_t blocks, tasks; /* of a phase */
    size_t scale;         /* 2: transposed, of PHASES; else 1 and a single phase */
};

/* Floats from product to product of a block: a cache line more than the block, so that the 36
 * lines of a tile fall into different sets of the cache. */
static size_t plane_of(size_t c) { return WINO_TILES * padded(c) + WINO_PANEL; }

static size_t forward_floats(const pln_wino_shape *s)
{
    return (WINO_POINTS + 1) * plane_of(pln_max(s->cin, s->cout));
}

size_t pln_wino_forward_floats(const pln_wino_shape *shape, int threads)
{
    return (size_t)threads * forward_floats(shape);
}

static void forward_task(void *arg, size_t index, int thread)
{
    const struct forward *f = arg;
    const pln_wino_shape *s = f->shape;
    const pln_conv_epilogue *e = f->epilogue;
    const struct wino_steps in = steps(s, 1, f->in_stride), out = steps(s, f->scale, f->out_stride),
                            residual = steps(s, f->scale, e->residual_stride),
                            mask = steps(s, f->scale, e->mask_stride);
    size_t cin = padded(s->cin), cout = padded(s->cout);
    size_t plane = plane_of(pln_max(cin, cout));
    float *m = f->work + (size_t)thread * forward_floats(s), *v = m + plane;
    size_t phase = index / f->tasks, first = index % f->tasks * blocks_of_task(s);
    size_t end = pln_min(f->blocks, first + blocks_of_task(s));
    const float *u = f->u + phase * u_floats(s->cin, s->cout);
    struct wino_tile tiles[2][WINO_TILES];

    block_tiles(s, first, f->scale, phase, tiles[first % 2]);
    for (size_t b = first; b < end; b++) {
        const struct wino_tile *t = tiles[b % 2], *next = tiles[(b + 1) % 2];
        block_tiles(s, b + 1, f->scale, phase, tiles[(b + 1) % 2]);
        for (size_t i = 0; i < WINO_TILES; i++)
            f->k->input(f->in, in, t + i, s->cin, v + i * cin, plane);
        for (size_t p = 0; p < WINO_POINTS; p++) {
            ptrdiff_t i = (ptrdiff_t)(p / 6) - 1, j = (ptrdiff_t)(p % 6) - 1;
            /* The first two columns are the last two of the tile before. */
            if (j > 0) ask(f->in, in, next, s->cin, i, j, false, 0);
            if (i >= 0 && i < 4 && j >= 0 && j < 4) {
                ask(f->out, out, t, s->cout, i, j, true, 1);
                if (e->residual && e->residual != f->out)
                    ask(e->residual, residual, t, s->cout, i, j, true, 0);
                if (e->mask && e->mask != f->out) ask(e->mask, mask, t, s->cout, i, j, true, 0);
            }
            if (f->scale == 1 || has_product(phase, p))
                f->k->multiply(s->cin, cout / WINO_PANEL, v + p * plane, cin, u + p * s->cin * cout,
                               m + p * plane);
            else
                memset(m + p * plane, 0, WINO_TILES * cout * sizeof *m);
        }
        for (size_t i = 0; i < WINO_TILES; i++)
            f->k->output(m + i * cout, plane, t + i, s->cout, e, residual, mask, f->out, out);
    }
}

static pln_status run_forward(pln_context *ctx, const pln_wino_shape *shape, const float *in,
                              size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                              float *out, size_t out_stride, float *work, size_t scale)
{
    static const pln_conv_epilogue none = {0};
    struct forward f = {.shape = shape,
                        .k = PLN_KERNELS_PICK(ctx, pln_wino_kernels),
                        .epilogue = epilogue ? epilogue : &none,
                        .in = in,
                        .u = u,
                        .out = out,
                        .work = work,
                        .in_stride = in_stride,
                        .out_stride = out_stride,
                        .blocks = pln_div_up(tiles_of(shape), WINO_TILES),
                        .scale = scale};

    f.tasks = pln_div_up(f.blocks, blocks_of_task(shape));
    return pln_parallel(ctx, (scale == 2 ? PHASES : 1) * f.tasks, forward_task, &f);
}

pln_status pln_wino_forward(pln_context *ctx, const pln_wino_shape *shape, const float *in,
                            size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                            float *out, size_t out_stride, float *work)
{
    return run_forward(ctx, shape, in, in_stride, u, epilogue, out, out_stride, work, 1);
}

pln_status pln_wino_transposed(pln_context *ctx, const pln_wino_shape *shape, const float *in,
                               size_t in_stride, const float *u, const pln_conv_epilogue *epilogue,
                               float *out, size_t out_stride, float *work)
{
    return run_forward(ctx, shape, in, in_stride, u, epilogue, out, out_stride, work, 2);
}

/* ---- Gradient of the weights ----
 *
 *     dg = G' [sum over tiles of (B' x B) . (A dy A')] G
 *
 * The sums M[36][cin][cout] are cut into parts of at most IN_MOST x OUT_MOST channels, so that a
 * part stays in the second-level cache with a block of tiles, and into slots, each the sum over a
 * fixed share of the tiles: slots x parts are the tasks. A slot of few blocks would cost more to
 * clear and to add than to make. */

enum { IN_MOST = 80, OUT_MOST = 64, TASKS = 16, SLOT_BLOCKS = 12 };

struct weights_gradient {
    const wino_kernels *k;
    const pln_wino_shape *shape;
    const float *x, *dy;
    size_t x_stride, dy_stride;
    pln_conv_order order;
    float *dw;
    size_t in_parts, out_parts; /* of the channels */
    size_t in_part;             /* input channels of a part */
    size_t slots;
    size_t blocks; /* of WINO_TILES, in all */
    size_t share;  /* blocks of a slot in a round */
    size_t round;
    float *blocks_work; /* [thread][2][WINO_POINTS] of V and A dy A' */
    float *bias;        /* [slot][cout] */
    float *sums;        /* [slot][in part][out part][WINO_POINTS][cin][cout] */
};

enum {
    GRADIENT_PLANE = WINO_TILES * IN_MOST + WINO_PANEL,
    GRADIENT_WORK = 2 * WINO_POINTS * GRADIENT_PLANE,
    GRADIENT_SUMS = WINO_POINTS * IN_MOST * OUT_MOST,
};

static void plan_weights_gradient(const pln_wino_shape *s, struct weights_gradient *g)
{
    const size_t most = ((size_t)100 << 20) / (2 * GRADIENT_SUMS * WINO_TILES);

    g->shape = s;
    g->in_parts = pln_div_up(s->cin, IN_MOST);
    g->in_part = padded(pln_div_up(s->cin, g->in_parts));
    g->out_parts = pln_div_up(s->cout, OUT_MOST);
    g->blocks = pln_div_up(tiles_of(s), WINO_TILES);
    g->slots =
        pln_min(pln_div_up(g->blocks, SLOT_BLOCKS), pln_div_up(TASKS, g->in_parts * g->out_parts));
    size_t rounds = pln_div_up(g->blocks, g->slots * most);
    g->share = pln_div_up(g->blocks, g->slots * rounds);
}

size_t pln_wino_weights_gradient_floats(const pln_wino_shape *shape, int threads)
{
    struct weights_gradient g = {0};
    plan_weights_gradient(shape, &g);
    return (size_t)threads * GRADIENT_WORK + g.slots * g.out_parts * OUT_MOST +
           g.slots * g.in_parts * g.out_parts * GRADIENT_SUMS;
}

/* Channels of part i of c, `most` in each but the last. */
static size_t part_of(size_t c, size_t i, size_t most) { return pln_min(most, c - i * most); }

static void sum_task(void *arg, size_t index, int thread)
{
    const struct weights_gradient *g = arg;
    const pln_wino_shape *s = g->shape;
    size_t out_part = index % g->out_parts, in_part = index / g->out_parts % g->in_parts;
    size_t slot = index / g->out_parts / g->in_parts;
    const struct wino_steps in = steps(s, 1, g->x_stride), out = steps(s, 1, g->dy_stride);
    const float *x = g->x + in_part * g->in_part, *dy = g->dy + out_part * OUT_MOST;
    size_t cin = part_of(s->cin, in_part, g->in_part), cout = part_of(s->cout, out_part, OUT_MOST);
    float *v = g->blocks_work + (size_t)thread * GRADIENT_WORK;
    float *z = v + WINO_POINTS * GRADIENT_PLANE, *m = g->sums + index * GRADIENT_SUMS;
    float *bias = g->bias + (slot * g->out_parts + out_part) * OUT_MOST;
    float unused[OUT_MOST] = {0};
    size_t first = (g->round * g->slots + slot) * g->share;
    size_t end = pln_min(g->blocks, first + g->share);

    if (g->round == 0) {
        memset(m, 0, GRADIENT_SUMS * sizeof *m);
        if (in_part == 0) memset(bias, 0, OUT_MOST * sizeof *bias);
    }
    if (in_part != 0) bias = unused;
    struct wino_tile tiles[2][WINO_TILES];
    block_tiles(s, first, 1, 0, tiles[first % 2]);
    for (size_t b = first; b < end; b++) {
        const struct wino_tile *t = tiles[b % 2], *next = tiles[(b + 1) % 2];
        block_tiles(s, b + 1, 1, 0, tiles[(b + 1) % 2]);
        for (size_t i = 0; i < WINO_TILES; i++) {
            g->k->input(x, in, t + i, cin, v + i * padded(cin), GRADIENT_PLANE);
            g->k->output_gradient(dy, out, t + i, cout, z + i * padded(cout), GRADIENT_PLANE, bias);
        }
        for (size_t p = 0; p < WINO_POINTS; p++) {
            ptrdiff_t i = (ptrdiff_t)(p / 6) - 1, j = (ptrdiff_t)(p % 6) - 1;
            if (j > 0) ask(x, in, next, cin, i, j, false, 0);
            if (i >= 0 && i < 4 && j >= 0 && j < 4) ask(dy, out, next, cout, i, j, true, 0);
            g->k->accumulate(WINO_TILES, cin, padded(cout) / WINO_PANEL, v + p * GRADIENT_PLANE,
                             z + p * GRADIENT_PLANE, m + p * padded(cin) * padded(cout));
        }
    }
}

/* The gradients of all filters of input channel i: sum of the slots, then G' M G. */
static void filters_task(void *arg, size_t i, int thread)
{
    const struct weights_gradient *g = arg;
    const pln_wino_shape *s = g->shape;
    size_t parts = g->in_parts * g->out_parts, in_part = i / g->in_part;
    size_t rows = padded(part_of(s->cin, in_part, g->in_part));

    (void)thread;
    for (size_t part = 0; part < g->out_parts; part++) {
        double m[WINO_POINTS][OUT_MOST] = {{0}};
        size_t cout = part_of(s->cout, part, OUT_MOST);
        for (size_t slot = 0; slot < g->slots; slot++)
            for (size_t p = 0; p < WINO_POINTS; p++) {
                const float *sum = g->sums +
                                   (slot * parts + in_part * g->out_parts + part) * GRADIENT_SUMS +
                                   (p * rows + i % g->in_part) * padded(cout);
                for (size_t o = 0; o < cout; o++) m[p][o] += (double)sum[o];
            }
        for (size_t o = 0; o < cout; o++)
            for (size_t y = 0; y < 3; y++) {
                double gm[6] = {0}; /* row y of G' M */
                for (size_t a = 0; a < 6; a++)
                    for (size_t b = 0; b < 6; b++) gm[b] += wino_g[a][y] * m[6 * a + b][o];
                for (size_t x = 0; x < 3; x++) {
                    double sum = 0;
                    for (size_t b = 0; b < 6; b++) sum += gm[b] * wino_g[b][x];
                    g->dw[tap(g->order, s->cin, part * OUT_MOST + o, i, 3 * y + x)] = (float)sum;
                }
            }
    }
}

pln_status pln_wino_weights_gradient(pln_context *ctx, const pln_wino_shape *shape, const float *x,
                                     size_t x_stride, const float *dy, size_t dy_stride,
                                     pln_conv_order order, float *dw, float *db, float *work)
{
    pln_status s = PLN_OK;
    struct weights_gradient g = {.k = PLN_KERNELS_PICK(ctx, pln_wino_kernels),
                                 .x = x,
                                 .dy = dy,
                                 .x_stride = x_stride,
                                 .dy_stride = dy_stride,
                                 .order = order,
                                 .dw = dw,
                                 .blocks_work = work};
    plan_weights_gradient(shape, &g);
    g.bias = work + (size_t)pln_context_threads(ctx) * GRADIENT_WORK;
    g.sums = g.bias + g.slots * g.out_parts * OUT_MOST;
    for (; g.round * g.slots * g.share < g.blocks; g.round++)
        PLN_TRY(pln_parallel(ctx, g.slots * g.in_parts * g.out_parts, sum_task, &g));
    PLN_TRY(pln_parallel(ctx, shape->cin, filters_task, &g));
    for (size_t o = 0; db && o < shape->cout; o++) {
        double sum = 0;
        for (size_t slot = 0; slot < g.slots; slot++)
            sum += (double)g.bias[slot * g.out_parts * OUT_MOST + o];
        db[o] = (float)sum;
    }
done:
    return s;
}
