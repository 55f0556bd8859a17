/* SPDX-License-Identifier: MIT */
/* 5- and 9-point symmetric positive definite systems: conjugate gradients, preconditioned by an
 * approximate Cholesky factorisation whose fill is sampled.
 *
 * Kyng, Sachdeva: "Approximate Gaussian elimination for Laplacians - fast, sparse, and simple",
 * FOCS 2016; the variant that sorts the neighbours by weight and joins each to a heavier one: Gao,
 * Kyng, Spielman, "Robust and practical solution of Laplacian equations by approximate
 * elimination", 2023.
 *
 * A node is its excess e (the row sum of the matrix: the weight of its tie to zero, 1 at the start)
 * and its edges. Eliminating it with D = e + sum of its weights w_j hands e w_j / D of excess to
 * neighbour j and would join every two neighbours by w_j w_k / D. Instead, in the order of growing
 * weight, each neighbour j is joined to one later neighbour k, drawn with probability w_k / W, by
 * weight w_j W / D, W the sum of the weights after j: the same in expectation, and the number of
 * edges never grows. Nothing is ever subtracted, so float arithmetic is enough, and strong chains
 * one pixel wide, on which multigrid with regular coarsening fails, keep their joints. Weights are
 * rounded to 16 bits before a node is eliminated: the row sums, on which all depends, stay exact.
 *
 * Order and parallel work. Five points: the red pixels ((x + y) odd) touch black ones only and are
 * eliminated exactly; conjugate gradients run on the black half, a graph of eight neighbours. The
 * plane is cut into tiles of fixed size, whose first rows and columns separate them (the
 * interface). Tiles are eliminated independently, each in a fixed order from fine to coarse and
 * with random numbers of its own, then the interface in one piece: 3 to 4 percent of the nodes. So
 * all results are the same for any number of threads.
 *
 * DIFF: the papers eliminate in random order or by least degree; a fixed order needs no degrees,
 * and measured on WLS, RTV and SDF systems it costs a tenth more steps. DIFF: columns have at most
 * six entries. The papers keep all neighbours (7.8 on average here); tying the lightest to the
 * heavy ones instead costs a tenth more steps and makes each a third cheaper. */
#include "solve/solve.h"
#include "solve/spd_kernels.h"

#include <math.h>
#include <string.h>

struct shape {
    size_t rows, columns, border; /* of a tile */
    size_t inner, all;            /* nodes; [inner, all) are the interface around and in the tile */
    uint16_t *node;               /* rows x columns: cell -> node */
    uint16_t *cell;               /* inner: node -> row * columns + column */
    int16_t *outer;               /* 2 (all - inner): row, column of an interface node */
    struct spd_later *later;
};

struct solver {
    const spd_kernels *k;
    const pln_spd *A;
    const pln_view *f, *u;
    bool nine;
    size_t w, h, c, v; /* v: floats a node in the preconditioner, 1 or 4 */
    size_t columns;    /* cells of the longest row */
    size_t stride, plane;
    size_t band, bands; /* rows a task, tasks */
    size_t tx, ty, tiles;
    struct shape shape;

    float *x, *r, *p, *q; /* c planes each */
    float *excess, *right, *down2, *dr, *dl,
        *inverse; /* 5 points: reduced system, 1 / D of red nodes */
    float *zero;  /* one row */
    float *split; /* rows of split weights, a thread */

    struct spd_tile *tile;
    float *vectors;
    uint32_t *blocks;
    uint32_t *outer; /* all - inner a tile: number in the interface or SPD_NIL */
    /* scratch, one a thread */
    float *weights, *excesses;
    uint32_t *heads;
    uint8_t *slots, *insides;
    struct spd_edge *edges;

    struct spd_interface face;
    uint32_t *face_cell; /* y * columns + x */
    float *face_v;

    double *partial; /* 4 a task */
    float alpha[3], beta[3];
    size_t from, to; /* part of a serial loop */
    double face_sum[4];
};

/* ---- Geometry ---- */

static size_t row_length(const struct solver *s, size_t y)
{
    return s->nine ? s->w : (s->w + 1 - (y & 1)) / 2;
}
static size_t at(const struct solver *s, size_t y, size_t x) { return SPD_PAD + y * s->stride + x; }

/* Offsets of the four forward neighbours: right, below, lower right, lower left. */
static void neighbour(bool nine, size_t y, int k, ptrdiff_t *dy, ptrdiff_t *dx)
{
    ptrdiff_t odd = (ptrdiff_t)(y & 1);
    *dy = k == 0 ? 0 : k == 1 && !nine ? 2 : 1;
    *dx = k == 0 ? 1 : k == 1 ? 0 : nine ? (k == 2 ? 1 : -1) : k == 2 ? odd : odd - 1;
}

/* Place of a cell in the order of elimination: finest lattice first. Of a lattice's nodes those
 * with both coordinates odd come first, then one odd, and the even ones are the next lattice. Black
 * nodes are a lattice turned by 45 degrees. */
static unsigned level_of(bool nine, size_t y, size_t x)
{
    size_t u = x, v = y;
    if (!nine) {
        size_t px = 2 * x + (y & 1);
        u = (px + y) / 2;
        v = (px + ((size_t)1 << 40) - y) / 2;
    }
    unsigned level = 0;
    while (level < 15 && !((u | v) >> level & 1)) level++;
    unsigned type = (unsigned)(u >> level & 1) + 2 * (unsigned)(v >> level & 1);
    return level * 4 + (type == 3 && !nine ? 0 : type);
}

enum { LEVELS = 64 };

static size_t weight_stride(const struct shape *t) { return t->columns + 16; }

static void shape_fill(struct shape *t, bool nine)
{
    size_t count[LEVELS + 1] = {0}, n = t->inner;
    for (size_t y = t->border; y < t->rows; y++)
        for (size_t x = 1; x < t->columns; x++) count[level_of(nine, y, x) + 1]++;
    for (size_t l = 0; l < LEVELS; l++) count[l + 1] += count[l];
    for (size_t y = t->border; y < t->rows; y++)
        for (size_t x = 1; x < t->columns; x++) {
            size_t i = count[level_of(nine, y, x)]++;
            t->cell[i] = (uint16_t)(y * t->columns + x);
            t->node[y * t->columns + x] = (uint16_t)i;
        }
    for (size_t y = 0; y < t->rows + t->border; y++)
        for (size_t x = 0; x <= t->columns; x++) {
            if (y >= t->border && y < t->rows && x > 0 && x < t->columns) continue;
            if (y < t->rows && x < t->columns) t->node[y * t->columns + x] = (uint16_t)n;
            t->outer[2 * (n - t->inner)] = (int16_t)y;
            t->outer[2 * (n - t->inner) + 1] = (int16_t)x;
            n++;
        }
}

/* Node of any cell a tile's inner node can touch. */
static size_t shape_node(const struct shape *t, size_t y, size_t x)
{
    if (y < t->rows && x < t->columns) return t->node[y * t->columns + x];
    for (size_t i = 0; i < t->all - t->inner; i++)
        if (t->outer[2 * i] == (int16_t)y && t->outer[2 * i + 1] == (int16_t)x) return t->inner + i;
    return t->all;
}

static void shape_link(struct shape *t, bool nine)
{
    size_t ws = weight_stride(t), plane = t->rows * ws;
    for (size_t i = 0; i < t->inner; i++) {
        struct spd_later *l = t->later + i;
        size_t y = t->cell[i] / t->columns, x = t->cell[i] % t->columns;
        l->n = 0;
        for (int k = 0; k < 4; k++) {
            ptrdiff_t dy, dx;
            neighbour(nine, y, k, &dy, &dx);
            size_t j = shape_node(t, y + (size_t)dy, x + (size_t)dx);
            if (j > i) {
                l->weight[l->n] = (uint16_t)((size_t)k * plane + y * ws + x);
                l->node[l->n++] = (uint16_t)j;
            }
            size_t yy = y - (size_t)dy; /* the cell whose forward neighbour k this one is */
            neighbour(nine, yy, k, &dy, &dx);
            size_t xx = x - (size_t)dx;
            j = shape_node(t, yy, xx);
            if (j > i) {
                l->weight[l->n] = (uint16_t)((size_t)k * plane + yy * ws + xx);
                l->node[l->n++] = (uint16_t)j;
            }
        }
    }
}

/* Halved while a picture fits in less. */
static struct shape shape_of(size_t w, size_t h, bool nine)
{
    struct shape t = {.rows = nine ? 64 : 128, .columns = 64, .border = nine ? 1 : 2};
    size_t columns = nine ? w : (w + 1) / 2;
    while (t.rows > 16 && t.rows / 2 >= h) t.rows /= 2;
    while (t.columns > 16 && t.columns / 2 >= columns) t.columns /= 2;
    t.inner = (t.rows - t.border) * (t.columns - 1);
    t.all = (t.rows + t.border) * (t.columns + 1);
    return t;
}

/* ---- Sizes: what is allocated and what pln_spd_memory says ---- */

/* Edges the interface can hold a node. Measured: 7 to 9. */
enum { FACE_EDGES = 16 };

struct sizes {
    size_t plane, row, pool, weights, faces, partial;
};

static struct sizes sizes_of(struct solver *s)
{
    struct shape *t = &s->shape;
    struct sizes z;
    s->columns = s->nine ? s->w : (s->w + 1) / 2;
    s->v = s->c == 1 ? 1 : 4;
    s->stride = (s->columns + 15) / 16 * 16 + SPD_PAD;
    s->plane = SPD_PAD + s->h * s->stride;
    s->band = pln_max(1, 32768 / s->stride);
    s->bands = pln_div_up(s->h, s->band);
    s->tx = pln_div_up(s->columns, t->columns);
    s->ty = pln_div_up(s->h, t->rows);
    s->tiles = s->tx * s->ty;
    z.plane = s->plane;
    z.row = s->stride + 2 * SPD_PAD;
    z.pool = 4 * (t->all + t->rows);
    z.weights = 4 * t->rows * weight_stride(t);
    /* interface cells: the first rows of each tile row, the first column of each tile column */
    z.faces = 0;
    for (size_t y = 0; y < s->h; y++)
        z.faces +=
            y % t->rows < t->border ? row_length(s, y) : pln_div_up(row_length(s, y), t->columns);
    z.partial = 4 * pln_max(s->bands, s->tiles);
    return z;
}

struct block {
    void *where; /* address of the pointer */
    size_t count, size;
};
enum { BLOCKS = 40 };

static size_t block_list(struct solver *s, int threads, struct block b[BLOCKS])
{
    struct sizes z = sizes_of(s);
    struct shape *t = &s->shape;
    size_t n = 0, th = (size_t)threads, f = sizeof(float), border = t->all - t->inner;
#define BLOCK(where_, count_, size_) b[n++] = (struct block){&(where_), count_, size_}
    BLOCK(t->node, t->rows * t->columns, sizeof *t->node);
    BLOCK(t->cell, t->inner, sizeof *t->cell);
    BLOCK(t->outer, 2 * border, sizeof *t->outer);
    BLOCK(t->later, t->inner, sizeof *t->later);
    BLOCK(s->x, s->c * z.plane, f);
    BLOCK(s->r, s->c * z.plane, f);
    BLOCK(s->p, s->c * z.plane, f);
    BLOCK(s->q, s->c * z.plane, f);
    BLOCK(s->zero, z.row, f);
    if (!s->nine) {
        BLOCK(s->excess, z.plane, f);
        BLOCK(s->right, z.plane, f);
        BLOCK(s->down2, z.plane, f);
        BLOCK(s->dr, z.plane, f);
        BLOCK(s->dl, z.plane, f);
        BLOCK(s->inverse, z.plane, f);
        BLOCK(s->split, th * 3 * (4 + 2 * s->c) * z.row, f);
    }
    BLOCK(s->tile, s->tiles, sizeof *s->tile);
    BLOCK(s->vectors, s->tiles * t->all * s->v, f);
    BLOCK(s->blocks, s->tiles * t->inner, SPD_BLOCK * sizeof *s->blocks);
    BLOCK(s->outer, s->tiles * border, sizeof *s->outer);
    BLOCK(s->weights, th * z.weights, f);
    BLOCK(s->excesses, th * t->all, f);
    BLOCK(s->heads, th * t->all, sizeof *s->heads);
    BLOCK(s->insides, th * t->inner, sizeof *s->insides);
    BLOCK(s->slots, th * t->all, sizeof *s->slots);
    BLOCK(s->edges, th * z.pool, sizeof *s->edges);
    BLOCK(s->face_cell, z.faces, sizeof *s->face_cell);
    BLOCK(s->face_v, z.faces * s->v, f);
    BLOCK(s->face.excess, z.faces, f);
    BLOCK(s->face.head, z.faces, sizeof *s->face.head);
    BLOCK(s->face.slot, z.faces, sizeof *s->face.slot);
    BLOCK(s->face.pool.edge, z.faces * FACE_EDGES, sizeof *s->face.pool.edge);
    BLOCK(s->face.column, z.faces, SPD_FACE_COLUMN * sizeof *s->face.column);
    BLOCK(s->face.inverse, z.faces, f);
    BLOCK(s->partial, z.partial, sizeof *s->partial);
#undef BLOCK
    s->face.n = z.faces;
    return n;
}

static size_t block_size(const struct block *b) { return (b->count * b->size + 63) / 64 * 64; }

size_t pln_spd_memory(size_t w, size_t h, size_t c, bool nine_points, int threads)
{
    struct solver s = {
        .nine = nine_points, .w = w, .h = h, .c = c, .shape = shape_of(w, h, nine_points)};
    struct block b[BLOCKS];
    size_t n = block_list(&s, threads, b), sum = 128; /* the allocator's header and rounding */
    for (size_t i = 0; i < n; i++) sum += block_size(&b[i]);
    return sum;
}

/* ---- From the picture to the system and back ---- */

static size_t band_end(const struct solver *s, size_t band)
{
    return pln_min(s->h, (band + 1) * s->band);
}

static void zero_row_ends(const struct solver *s, float *plane, size_t y)
{
    size_t i = at(s, y, row_length(s, y));
    memset(plane + i, 0, (at(s, y + 1, 0) - i) * sizeof *plane);
    if (y == 0) memset(plane, 0, SPD_PAD * sizeof *plane);
}

/* Zeros what is read before it is written, or beside what is written. Also the first touch of most
 * of the memory, shared by the threads. */
static void zero_rows(const struct solver *s, size_t y)
{
    float *const reduced[] = {s->excess, s->right, s->down2, s->dr, s->dl};
    for (size_t i = 0; i < 5 && !s->nine; i++) zero_row_ends(s, reduced[i], y);
    for (size_t b = 0; b < s->c; b++) {
        zero_row_ends(s, s->r + b * s->plane, y);
        zero_row_ends(s, s->x + b * s->plane, y);
        zero_row_ends(s, s->p + b * s->plane, y);
        zero_row_ends(s, s->q + b * s->plane, y);
        memset(s->p + b * s->plane + at(s, y, 0), 0, row_length(s, y) * sizeof(float));
        memset(s->x + b * s->plane + at(s, y, 0), 0, row_length(s, y) * sizeof(float));
    }
}

/* Row y of A and f split by colour into the thread's place y % 3; rows outside the picture give
 * zeros. */
static struct spd_split split_row(const struct solver *s, ptrdiff_t y, int thread, bool fill)
{
    size_t row = s->stride + 2 * SPD_PAD, rows = 4 + 2 * s->c;
    float *base = s->split + ((size_t)thread * 3 + (size_t)(y + 3) % 3) * rows * row;
    float *at_row[10];
    for (size_t i = 0; i < 10; i++) at_row[i] = base + (i < rows ? i : 0) * row + SPD_PAD;
    struct spd_split out = {
        .right_black = at_row[0],
        .right_red = at_row[1],
        .down_black = at_row[2],
        .down_red = at_row[3],
        .f_black = {at_row[4], at_row[5], at_row[6]},
        .f_red = {at_row[4 + s->c], at_row[5 + s->c], at_row[6 + s->c]},
    };
    if (fill) {
        memset(base, 0, rows * row * sizeof *base);
        if (y >= 0 && y < (ptrdiff_t)s->h) {
            size_t at_y = (size_t)y * s->w;
            s->k->split(s->w, (int)(y & 1), s->c, s->A->right + at_y,
                        y + 1 < (ptrdiff_t)s->h ? s->A->down + at_y : NULL,
                        pln_row(s->f, (size_t)y), &out);
        }
    }
    return out;
}

static void red_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    size_t y0 = band * s->band, y1 = band_end(s, band);
    split_row(s, (ptrdiff_t)y0 - 1, thread, true);
    for (size_t y = y0; y < y1; y++) {
        struct spd_split here = split_row(s, (ptrdiff_t)y, thread, true);
        struct spd_split above = split_row(s, (ptrdiff_t)y - 1, thread, false);
        float *inverse = s->inverse + at(s, y, 0);
        size_t n = s->w - row_length(s, y);
        s->k->red(n, (int)(y & 1), &here, &above, inverse);
        memset(inverse + n, 0, (s->stride - n) * sizeof *inverse);
        if (y == 0) memset(s->inverse, 0, SPD_PAD * sizeof *inverse);
    }
}

/* The reduced system; r = its right side; partial = |f|². */
static void reduce_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    size_t y0 = band * s->band, y1 = band_end(s, band), c = s->c, n16 = (s->columns + 15) / 16 * 16;
    const float *zero = s->zero + SPD_PAD;
    double *sum = s->partial + 4 * band;
    memset(sum, 0, 4 * sizeof *sum);
    split_row(s, (ptrdiff_t)y0 - 1, thread, true);
    split_row(s, (ptrdiff_t)y0, thread, true);
    for (size_t y = y0; y < y1; y++) {
        struct spd_split below = split_row(s, (ptrdiff_t)y + 1, thread, true);
        struct spd_split here = split_row(s, (ptrdiff_t)y, thread, false);
        struct spd_split above = split_row(s, (ptrdiff_t)y - 1, thread, false);
        size_t i = at(s, y, 0);
        struct spd_reduced to = {s->excess + i, s->right + i, s->down2 + i,
                                 s->dr + i,     s->dl + i,    {NULL}};
        for (size_t b = 0; b < c; b++) {
            to.r[b] = s->r + b * s->plane + i;
            sum[b] += s->k->dot(n16, here.f_black[b], here.f_black[b]);
            sum[b] += s->k->dot(n16, here.f_red[b], here.f_red[b]);
        }
        zero_rows(s, y);
        s->k->reduce(row_length(s, y), (int)(y & 1), c, &above, &here, &below,
                     y > 0 ? s->inverse + i - s->stride : zero, s->inverse + i,
                     y + 1 < s->h ? s->inverse + i + s->stride : zero, &to);
    }
}

/* Nine points: r = f, partial = |f|². */
static void load_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    double *sum = s->partial + 4 * band;
    size_t n16 = (s->w + 15) / 16 * 16;
    (void)thread;
    memset(sum, 0, 4 * sizeof *sum);
    for (size_t y = band * s->band; y < band_end(s, band); y++) {
        const float *f = pln_row(s->f, y);
        zero_rows(s, y);
        for (size_t b = 0; b < s->c; b++) {
            float *r = s->r + b * s->plane + at(s, y, 0);
            for (size_t x = 0; x < s->w; x++) r[x] = f[x * s->c + b];
            sum[b] += s->k->dot(n16, r, r);
        }
    }
}

/* p = u */
static void start_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    (void)thread;
    for (size_t y = band * s->band; y < band_end(s, band); y++)
        for (size_t b = 0; b < s->c; b++) {
            const float *u = pln_row(s->u, y);
            float *p = s->p + b * s->plane + at(s, y, 0);
            size_t step = s->nine ? 1 : 2, first = s->nine ? 0 : y & 1;
            for (size_t i = 0; i < row_length(s, y); i++) p[i] = u[(step * i + first) * s->c + b];
        }
}

/* u = x, and the red pixels from their neighbours. */
static void store_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    const float *zero = s->zero + SPD_PAD;
    size_t y0 = band * s->band, c = s->c;
    if (!s->nine) split_row(s, (ptrdiff_t)y0 - 1, thread, true);
    for (size_t y = y0; y < band_end(s, band); y++) {
        float *u = pln_row(s->u, y);
        size_t i = at(s, y, 0), n = row_length(s, y), odd = y & 1;
        if (s->nine) {
            for (size_t b = 0; b < c; b++) {
                const float *x = s->x + b * s->plane + i;
                for (size_t j = 0; j < n; j++) u[j * c + b] = x[j];
            }
            continue;
        }
        struct spd_split here = split_row(s, (ptrdiff_t)y, thread, true);
        struct spd_split above = split_row(s, (ptrdiff_t)y - 1, thread, false);
        for (size_t b = 0; b < c; b++) {
            const float *x = s->x + b * s->plane + i;
            float *red = here.f_black[b]; /* free now */
            s->k->expand(s->w - n, (int)odd, &here, &above, s->inverse + i, here.f_red[b],
                         y > 0 ? x - s->stride : zero, x, y + 1 < s->h ? x + s->stride : zero, red);
            for (size_t j = 0; j < n; j++) u[(2 * j + odd) * c + b] = x[j];
            for (size_t j = 0; j < s->w - n; j++) u[(2 * j + 1 - odd) * c + b] = red[j];
        }
    }
}

/* ---- Preconditioner: setup ---- */

/* Interface cells in their order of elimination, and each tile's map to it. */
static void face_number(struct solver *s)
{
    struct shape *t = &s->shape;
    size_t count[LEVELS + 1] = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t y = 0; y < s->h; y++) {
            size_t n = row_length(s, y), step = y % t->rows < t->border ? 1 : t->columns;
            for (size_t x = 0; x < n; x += step) {
                unsigned l = level_of(s->nine, y, x);
                if (pass == 0) {
                    count[l + 1]++;
                } else {
                    size_t i = count[l]++, tile = y / t->rows * s->tx + x / t->columns;
                    size_t node = t->node[y % t->rows * t->columns + x % t->columns];
                    s->face_cell[i] = (uint32_t)(y * s->columns + x);
                    s->outer[tile * (t->all - t->inner) + node - t->inner] = (uint32_t)i;
                }
            }
        }
        if (pass == 0)
            for (size_t l = 0; l < LEVELS; l++) count[l + 1] += count[l];
    }
    for (size_t tile = 0; tile < s->tiles; tile++)
        for (size_t i = 0; i < t->all - t->inner; i++) {
            size_t ly = (size_t)t->outer[2 * i], lx = (size_t)t->outer[2 * i + 1];
            size_t y = tile / s->tx * t->rows + ly, x = tile % s->tx * t->columns + lx;
            uint32_t *out = s->outer + tile * (t->all - t->inner) + i;
            if (y >= s->h || x >= row_length(s, y))
                *out = SPD_NIL;
            else if (ly >= t->rows || lx >= t->columns)
                *out = s->outer[(y / t->rows * s->tx + x / t->columns) * (t->all - t->inner) +
                                t->node[y % t->rows * t->columns + x % t->columns] - t->inner];
        }
}

/* The weights of forward neighbour k of n cells from (y, x) on. */
static void copy_weights(const struct solver *s, int k, size_t y, size_t x, size_t n, float *out)
{
    memset(out, 0, n * sizeof *out);
    if (y >= s->h || x >= row_length(s, y)) return;
    n = pln_min(n, row_length(s, y) - x);
    if (!s->nine) {
        const float *src[4] = {s->right, s->down2, s->dr, s->dl};
        memcpy(out, src[k] + at(s, y, x), n * sizeof *out);
        return;
    }
    if (k > 0 && y + 1 == s->h) return;
    const float *src[4] = {s->A->right, s->A->down, s->A->down_right, s->A->down_left};
    memcpy(out, src[k] + y * s->w + x, n * sizeof *out);
    if ((k == 0 || k == 2) && x + n == s->w) out[n - 1] = 0;
    if (k == 3 && x == 0) out[0] = 0;
}

static void eliminate_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    struct shape *t = &s->shape;
    struct spd_tile *tile = s->tile + index;
    struct sizes z = {.pool = 4 * (t->all + t->rows), .weights = 4 * t->rows * weight_stride(t)};
    size_t th = (size_t)thread, y0 = index / s->tx * t->rows, x0 = index % s->tx * t->columns;
    size_t border = t->all - t->inner;
    float *weight = s->weights + th * z.weights, *excess = s->excesses + th * t->all;
    float *handed = s->vectors + index * t->all * s->v;
    uint8_t *inside = s->insides + th * t->inner;
    *tile = (struct spd_tile){
        .inner = t->inner,
        .all = t->all,
        .later = t->later,
        .weight = weight,
        .excess = excess,
        .head = s->heads + th * t->all,
        .slot = s->slots + th * t->all,
        .pool = {.edge = s->edges + th * z.pool, .free = SPD_NIL, .capacity = (uint32_t)z.pool},
        .seed = 2654435761u * (uint32_t)(index + 1) | 1,
        .inside = inside,
        .block = s->blocks + index * t->inner * SPD_BLOCK,
        /* what the interface gets waits where the vectors will be */
        .capacity = (t->all * s->v - border) * sizeof(float) / sizeof(struct spd_join),
        .edge = (struct spd_join *)(void *)(handed + border),
    };
    for (int k = 0; k < 4; k++)
        for (size_t y = 0; y < t->rows; y++)
            copy_weights(s, k, y0 + y, x0, t->columns + 1,
                         weight + ((size_t)k * t->rows + y) * weight_stride(t));
    for (size_t i = 0; i < t->inner; i++) {
        size_t y = y0 + t->cell[i] / t->columns, x = x0 + t->cell[i] % t->columns;
        inside[i] = y < s->h && x < row_length(s, y);
        excess[i] = !inside[i] ? 0 : s->nine ? 1 : s->excess[at(s, y, x)];
    }
    memset(excess + t->inner, 0, border * sizeof *excess);
    for (size_t i = 0; i < t->all; i++) tile->head[i] = SPD_NIL;
    memset(tile->slot, 0, t->all);
    s->k->eliminate_tile(tile);
    memcpy(handed, excess + t->inner, border * sizeof *excess);
}

/* Interface nodes [from, to): excess and edges of the system. */
static void face_cells_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    struct shape *t = &s->shape;
    struct spd_interface *g = &s->face;
    size_t border = t->all - t->inner;
    (void)index, (void)thread;
    for (size_t i = s->from; i < s->to; i++) {
        size_t y = s->face_cell[i] / s->columns, x = s->face_cell[i] % s->columns;
        g->excess[i] = s->nine ? 1 : s->excess[at(s, y, x)];
        for (int k = 0; k < 4; k++) {
            ptrdiff_t dy, dx;
            float w;
            neighbour(s->nine, y, k, &dy, &dx);
            copy_weights(s, k, y, x, 1, &w);
            if (!(w > 0)) continue;
            size_t yy = y + (size_t)dy, xx = x + (size_t)dx;
            if (yy % t->rows >= t->border && xx % t->columns > 0) continue;
            size_t tile = yy / t->rows * s->tx + xx / t->columns;
            size_t node = t->node[yy % t->rows * t->columns + xx % t->columns];
            spd_push(&g->pool, g->head, (uint32_t)i, s->outer[tile * border + node - t->inner], w);
        }
    }
}

/* What tiles [from, to) hand to the interface. */
static void face_tiles_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    struct shape *t = &s->shape;
    struct spd_interface *g = &s->face;
    size_t border = t->all - t->inner;
    (void)index, (void)thread;
    for (size_t tile = s->from; tile < s->to; tile++) {
        const struct spd_tile *from = s->tile + tile;
        const uint32_t *outer = s->outer + tile * border;
        const float *excess = s->vectors + tile * t->all * s->v;
        for (size_t i = 0; i < border; i++)
            if (outer[i] != SPD_NIL) g->excess[outer[i]] += excess[i];
        for (size_t e = 0; e < from->edges; e++)
            spd_push(&g->pool, g->head, outer[from->edge[e].a - t->inner],
                     outer[from->edge[e].b - t->inner], from->edge[e].weight);
    }
}

static void face_eliminate_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    (void)index, (void)thread;
    s->k->eliminate_interface(&s->face, s->from, s->to);
}

/* A serial loop in chunks, so that a stop is heard between them. */
static pln_status in_chunks(pln_context *ctx, struct solver *s, size_t n, size_t chunk,
                            pln_task *task)
{
    pln_status st = PLN_OK;
    for (s->from = 0; st == PLN_OK && s->from < n; s->from = s->to) {
        s->to = pln_min(n, s->from + chunk);
        st = pln_parallel(ctx, 1, task, s);
    }
    return st;
}

static pln_status factor(pln_context *ctx, struct solver *s)
{
    struct spd_interface *g = &s->face;
    pln_status st = PLN_OK;
    shape_fill(&s->shape, s->nine);
    shape_link(&s->shape, s->nine);
    face_number(s);
    g->pool.capacity = (uint32_t)(FACE_EDGES * g->n);
    g->pool.free = SPD_NIL;
    g->seed = 0x9e3779b9u;
    for (size_t i = 0; i < g->n; i++) g->head[i] = SPD_NIL;
    memset(g->slot, 0, g->n);
    st = pln_parallel(ctx, s->tiles, eliminate_task, s);
    if (st == PLN_OK) st = in_chunks(ctx, s, g->n, 65536, face_cells_task);
    if (st == PLN_OK) st = in_chunks(ctx, s, s->tiles, 128, face_tiles_task);
    if (st == PLN_OK) st = in_chunks(ctx, s, g->n, 16384, face_eliminate_task);
    return st;
}

/* ---- Conjugate gradients ---- */

/* q = A p and partial = p q */
static void apply_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    double *sum = s->partial + 4 * band;
    const float *zero = s->zero + SPD_PAD;
    (void)thread;
    memset(sum, 0, 4 * sizeof *sum);
    for (size_t y = band * s->band; y < band_end(s, band); y++) {
        size_t n = row_length(s, y), i = at(s, y, 0), st = s->stride, n16 = (n + 15) / 16 * 16;
        bool up = y > 0, up2 = y > 1, down = y + 1 < s->h, down2 = y + 2 < s->h;
        for (size_t b = 0; b < s->c; b++) {
            const float *p = s->p + b * s->plane + i;
            float *q = s->q + b * s->plane + i;
            if (s->nine) {
                const pln_spd *A = s->A;
                size_t j = y * s->w, above = up ? j - s->w : j;
                s->k->apply9(n, up, down, A->right + j, A->down + j, A->down_right + j,
                             A->down_left + j, A->down + above, A->down_right + above,
                             A->down_left + above, up ? p - st : p, p, down ? p + st : p, q);
            } else {
                s->k->apply5(n16, (int)(y & 1), s->excess + i, s->right + i, s->down2 + i,
                             up2 ? s->down2 + i - 2 * st : zero, s->dr + i, s->dl + i,
                             up ? s->dl + i - st : zero, up ? s->dr + i - st : zero,
                             up2 ? p - 2 * st : p, up ? p - st : p, p, down ? p + st : p,
                             down2 ? p + 2 * st : p, q);
            }
            sum[b] += s->k->dot(n16, p, q);
        }
    }
}

/* x += alpha p, r -= alpha q; partial = |r|² */
static void step_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    double *sum = s->partial + 4 * band;
    (void)thread;
    memset(sum, 0, 4 * sizeof *sum);
    for (size_t y = band * s->band; y < band_end(s, band); y++)
        for (size_t b = 0; b < s->c; b++) {
            size_t i = b * s->plane + at(s, y, 0), n16 = (row_length(s, y) + 15) / 16 * 16;
            sum[b] += s->k->step(n16, s->alpha[b], s->p + i, s->q + i, s->x + i, s->r + i);
        }
}

/* partial = |r|² */
static void residual_task(void *arg, size_t band, int thread)
{
    struct solver *s = arg;
    double *sum = s->partial + 4 * band;
    (void)thread;
    memset(sum, 0, 4 * sizeof *sum);
    for (size_t y = band * s->band; y < band_end(s, band); y++)
        for (size_t b = 0; b < s->c; b++) {
            const float *r = s->r + b * s->plane + at(s, y, 0);
            sum[b] += s->k->dot((row_length(s, y) + 15) / 16 * 16, r, r);
        }
}

enum { AHEAD = 16 }; /* rows */

/* Asks for the tile's part of row y of c planes: rows of a tile are too short for the machine to
 * see them coming. */
static inline void prefetch_row(const struct solver *s, const float *planes, size_t y, size_t x0)
{
    if (y >= s->h || x0 >= row_length(s, y)) return;
    for (size_t b = 0; b < s->c; b++)
        for (size_t x = 0; x < s->shape.columns; x += 16)
            __builtin_prefetch(planes + b * s->plane + at(s, y, x0 + x));
}

/* Forward substitution in a tile; partial = its share of r M^-1 r. */
static void forward_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    struct shape *t = &s->shape;
    size_t y0 = index / s->tx * t->rows, x0 = index % s->tx * t->columns;
    float *v = s->vectors + index * t->all * s->v;
    double *sum = s->partial + 4 * index;
    (void)thread;
    memset(sum, 0, 4 * sizeof *sum);
    for (size_t y = y0; y < y0 + AHEAD; y++) prefetch_row(s, s->r, y, x0);
    bool clipped = y0 + t->rows > s->h || x0 + t->columns > row_length(s, y0 | 1);
    size_t kept = clipped ? 0 : t->inner; /* all written below */
    memset(v + kept * s->v, 0, (t->all - kept) * s->v * sizeof *v);
    for (size_t y = y0; y < pln_min(s->h, y0 + t->rows); y++) {
        size_t n = row_length(s, y), i = at(s, y, x0);
        prefetch_row(s, s->r, y + AHEAD, x0);
        if (n <= x0) continue;
        const float *r[3] = {s->r + i, s->r + (s->c > 1 ? s->plane : 0) + i,
                             s->r + (s->c > 1 ? 2 * s->plane : 0) + i};
        s->k->gather(pln_min(n - x0, t->columns), s->c, t->node + (y - y0) * t->columns, r, v);
    }
    s->k->forward(s->tile + index, s->v, v, sum);
}

static void face_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    struct shape *t = &s->shape;
    size_t border = t->all - t->inner;
    (void)index, (void)thread;
    memset(s->face_sum, 0, sizeof s->face_sum);
    memset(s->face_v, 0, s->face.n * s->v * sizeof(float));
    for (size_t tile = 0; tile < s->tiles; tile++) {
        const uint32_t *outer = s->outer + tile * border;
        const float *v = s->vectors + (tile * t->all + t->inner) * s->v;
        for (size_t i = 0; i < border; i++)
            if (outer[i] != SPD_NIL)
                for (size_t b = 0; b < s->v; b++) s->face_v[outer[i] * s->v + b] += v[i * s->v + b];
    }
    s->k->forward_interface(&s->face, s->v, s->face_v, s->face_sum);
    s->k->backward_interface(&s->face, s->v, s->face_v);
}

/* Backward substitution in a tile, then p = z + beta p. */
static void backward_task(void *arg, size_t index, int thread)
{
    struct solver *s = arg;
    struct shape *t = &s->shape;
    size_t y0 = index / s->tx * t->rows, x0 = index % s->tx * t->columns,
           border = t->all - t->inner;
    float *v = s->vectors + index * t->all * s->v;
    const uint32_t *outer = s->outer + index * border;
    (void)thread;
    for (size_t i = 0; i < border; i++)
        if (outer[i] != SPD_NIL)
            memcpy(v + (t->inner + i) * s->v, s->face_v + outer[i] * s->v, s->v * sizeof *v);
    for (size_t y = y0; y < y0 + t->rows; y++) prefetch_row(s, s->p, y, x0);
    s->k->backward(s->tile + index, s->v, v);
    for (size_t y = y0; y < pln_min(s->h, y0 + t->rows); y++) {
        size_t n = row_length(s, y), i = at(s, y, x0);
        if (n <= x0) continue;
        float *p[3] = {s->p + i, s->p + (s->c > 1 ? s->plane : 0) + i,
                       s->p + (s->c > 1 ? 2 * s->plane : 0) + i};
        s->k->scatter(pln_min(n - x0, t->columns), s->c, t->node + (y - y0) * t->columns, v,
                      s->beta, p);
    }
}

/* Runs a task over n pieces and adds their partial sums in order. */
static pln_status sum_over(pln_context *ctx, struct solver *s, size_t n, pln_task *task,
                           double sum[3])
{
    pln_status st = pln_parallel(ctx, n, task, s);
    for (size_t b = 0; b < s->c; b++) {
        sum[b] = 0;
        for (size_t i = 0; i < n && st == PLN_OK; i++) sum[b] += s->partial[4 * i + b];
    }
    return st;
}

/* NaN, of values that overflowed, stays. */
static double worst_of(const struct solver *s, const double *squares, const double *norm,
                       double *relative)
{
    double worst = 0;
    for (size_t b = 0; b < s->c; b++) {
        relative[b] = norm[b] == 0 ? 0 : sqrt(squares[b] / norm[b]);
        if (!(relative[b] <= worst) && !isnan(worst)) worst = relative[b];
    }
    return worst;
}

/* Residuals fall in geometric steps, the way to the tolerance is measured on that scale; setting up
 * costs about as much as a third of the steps. */
static pln_status say(pln_context *ctx, const pln_spd_options *o, double *reached, double way)
{
    if (!(o->progress_from < o->progress_to)) return PLN_OK;
    if (way > *reached) *reached = way;
    return pln_progress(
        ctx, o->progress_from + (o->progress_to - o->progress_from) * (0.25 + 0.75 * *reached),
        "solve");
}

pln_status pln_spd_solve(pln_context *ctx, const pln_spd *A, const pln_view *f, const pln_view *u,
                         const pln_spd_options *options, pln_spd_report *report)
{
    pln_status s = PLN_OK;
    struct solver m = {.k = PLN_KERNELS_PICK(ctx, pln_spd_kernels),
                       .A = A,
                       .f = f,
                       .u = u,
                       .nine = A->down_right != NULL,
                       .w = A->w,
                       .h = A->h,
                       .c = f->c,
                       .shape = shape_of(A->w, A->h, A->down_right != NULL)};
    struct block block[BLOCKS];
    size_t blocks = block_list(&m, pln_context_threads(ctx), block);
    double norm[3], rr[3], rho[3] = {0}, pq[3], next[3], relative[3], worst, reached = 0;
    int limit = options->max_iterations ? options->max_iterations : 2000, it = 0;

    char *memory = NULL, *next_block;
    size_t bytes = 0;
    for (size_t i = 0; i < blocks; i++) bytes += block_size(&block[i]);
    if (!options->workspace) PLN_TRY(pln_alloc(ctx, bytes, 1, &memory));
    next_block = memory ? memory : options->workspace;
    for (size_t i = 0; i < blocks; i++, next_block += block_size(&block[i - 1]))
        memcpy(block[i].where, &next_block, sizeof next_block);
    memset(m.zero, 0, (m.stride + 2 * SPD_PAD) * sizeof(float));
    if (!m.nine) PLN_TRY(pln_parallel(ctx, m.bands, red_task, &m));
    PLN_TRY(sum_over(ctx, &m, m.bands, m.nine ? load_task : reduce_task, norm));
    if (options->warm) { /* r = f - A u */
        PLN_TRY(pln_parallel(ctx, m.bands, start_task, &m));
        PLN_TRY(pln_parallel(ctx, m.bands, apply_task, &m));
        for (size_t b = 0; b < m.c; b++) m.alpha[b] = 1;
        PLN_TRY(sum_over(ctx, &m, m.bands, step_task, rr));
    } else {
        PLN_TRY(sum_over(ctx, &m, m.bands, residual_task, rr));
    }
    for (size_t b = 0; b < m.c; b++)
        if (norm[b] <= 0) { /* f = 0: so is the answer */
            memset(m.x + b * m.plane, 0, m.plane * sizeof(float));
            memset(m.r + b * m.plane, 0, m.plane * sizeof(float));
        }
    worst = worst_of(&m, rr, norm, relative);
    if (worst > options->tolerance) PLN_TRY(factor(ctx, &m));
    double first = worst;
    for (; !(worst <= options->tolerance); it++) {
        if (it == limit || isnan(worst)) {
            s = pln_fail(ctx, PLN_E_INTERNAL,
                         "the linear solver stopped after %d step%s with a relative residual of %g "
                         "(asked: %g)",
                         it, it == 1 ? "" : "s", worst, options->tolerance);
            goto done;
        }
        PLN_TRY(say(ctx, options, &reached, log(worst / first) / log(options->tolerance / first)));
        PLN_TRY(sum_over(ctx, &m, m.tiles, forward_task, next));
        PLN_TRY(pln_parallel(ctx, 1, face_task, &m));
        for (size_t b = 0; b < m.c; b++) {
            next[b] += m.face_sum[b];
            m.beta[b] = it > 0 && rho[b] > 0 ? (float)(next[b] / rho[b]) : 0;
            rho[b] = next[b];
        }
        PLN_TRY(pln_parallel(ctx, m.tiles, backward_task, &m));
        PLN_TRY(sum_over(ctx, &m, m.bands, apply_task, pq));
        for (size_t b = 0; b < m.c; b++)
            m.alpha[b] =
                relative[b] > options->tolerance && !(pq[b] <= 0) ? (float)(rho[b] / pq[b]) : 0;
        PLN_TRY(sum_over(ctx, &m, m.bands, step_task, rr));
        worst = worst_of(&m, rr, norm, relative);
    }
    PLN_TRY(pln_parallel(ctx, m.bands, store_task, &m));
    pln_log(ctx, 1, "linear system of %zux%zu: %d step%s to a relative residual of %.1e", A->w,
            A->h, it, it == 1 ? "" : "s", worst);
    if (report) *report = (pln_spd_report){.iterations = it, .residual = worst};
done:
    pln_free(memory);
    return s;
}
