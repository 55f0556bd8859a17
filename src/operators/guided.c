/* SPDX-License-Identifier: MIT */
/* Blocks of rows of the guided filter. Two sliding windows follow each other down the block: sums
 * of the sources give a row of coefficients, which enters a ring of 2 r + 1 rows, whose sums give
 * the mean coefficients of the row r above. */
#include <string.h>

#include "image/image.h"
#include "operators/guided.h"

const char *const pln_guided_modes[] = {"color", "channel", "luma", NULL};

void pln_guided_plan(struct guided_plan *p, int mode, size_t c, size_t g)
{
    *p = (struct guided_plan){.self = g == 0, .inputs = (int)c};
    size_t guide = g ? g : c;
    int n = 0;
#define TERM(a, b) (p->term[n][0] = (a), p->term[n][1] = (b), n++)

    if (guide == 3 && mode == PLN_GUIDED_COLOR) {
        p->kind = p->self ? GUIDED_SELF_COLOR : GUIDED_JOINT_COLOR;
        p->guides = 3;
        for (int i = 0; i < 3; i++) TERM(i, -1);
        for (int i = 0; i < 3; i++)
            for (int j = i; j < 3; j++) TERM(i, j);
        for (int k = 0; k < p->inputs && !p->self; k++) {
            TERM(3 + k, -1);
            for (int i = 0; i < 3; i++) TERM(i, 3 + k);
        }
        p->coefs = p->self ? 9 : 4 * p->inputs;
    } else {
        p->kind = GUIDED_SCALAR;
        p->luma = guide == 3 && (mode == PLN_GUIDED_LUMA || (mode == PLN_GUIDED_CHANNEL && c == 1));
        p->guides = guide == 1 || p->luma ? 1 : 3;
        if (p->luma) p->self = false;
        for (int i = 0; i < p->guides; i++) {
            TERM(i, -1);
            TERM(i, i);
        }
        for (int k = 0; k < p->inputs && !p->self; k++) {
            TERM(3 + k, -1);
            TERM(p->guides == 1 ? 0 : k, 3 + k);
        }
        p->coefs = 2 * p->inputs;
    }
    p->terms = n;
#undef TERM
}

/* At least the height of the window: the sums of a block start with a whole window, which must not
 * cost more than the block itself. */
size_t pln_guided_block(size_t radius)
{
    size_t block = 64;
    while (block < 2 * radius) block *= 2;
    return block;
}

/* One thread's rows. */
struct scratch {
    float *source[2][GUIDED_SOURCES]; /* the row that enters, the row that leaves */
    double *down[GUIDED_TERMS];       /* sums of columns, zeros around them */
    double *window[GUIDED_TERMS];     /* sums of windows */
    double *coef_down[GUIDED_COEFS];
    float *mean[GUIDED_COEFS];
    double *scale;
    float *ring; /* rows x coefs x w */
};

struct shape {
    size_t rx, ry, row, padded,
        ring; /* radii inside the picture; floats of a row; doubles of a padded row; ring rows */
};

static struct shape shape_of(size_t radius, size_t w, size_t h)
{
    struct shape s = {.rx = pln_min(radius, w - 1), .ry = pln_min(radius, h - 1)};
    s.row = pln_div_up(w, 16) * 16;
    s.padded = pln_div_up(s.rx + 1, 8) * 8 + s.row + pln_div_up(s.rx, 8) * 8;
    s.ring = 2 * s.ry + 1;
    return s;
}

static size_t scratch_bytes(const struct guided_plan *p, const struct shape *s)
{
    size_t coefs = (size_t)p->coefs, terms = (size_t)p->terms;
    size_t doubles =
        (terms + coefs) * s->padded + (terms > coefs ? terms : coefs) * s->row + s->row;
    size_t floats = (2 * GUIDED_SOURCES + coefs + s->ring * coefs) * s->row;
    return doubles * sizeof(double) + floats * sizeof(float);
}

size_t pln_guided_memory(const struct guided_plan *p, size_t radius, size_t w, size_t h,
                         int threads)
{
    struct shape s = shape_of(radius, w, h);
    size_t tasks = pln_div_up(h, pln_guided_block(radius)) + 1;
    return pln_min((size_t)threads, tasks) * (scratch_bytes(p, &s) + 128 + sizeof(struct scratch)) +
           w * sizeof(double) + 4096;
}

static void lay_out(struct scratch *t, char *memory, const struct guided_plan *p,
                    const struct shape *s)
{
    double *d = (double *)memory;
    for (int i = 0; i < p->terms; i++, d += s->padded)
        t->down[i] = d + pln_div_up(s->rx + 1, 8) * 8;
    for (int i = 0; i < p->coefs; i++, d += s->padded)
        t->coef_down[i] = d + pln_div_up(s->rx + 1, 8) * 8;
    for (int i = 0; i < (p->terms > p->coefs ? p->terms : p->coefs); i++, d += s->row)
        t->window[i] = d;
    t->scale = d;
    float *f = (float *)(d + s->row);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < GUIDED_SOURCES; i++, f += s->row) t->source[k][i] = f;
    for (int i = 0; i < p->coefs; i++, f += s->row) t->mean[i] = f;
    t->ring = f;
}

struct job {
    const struct guided *g;
    const struct guided_kernels *k;
    struct shape shape;
    struct scratch *scratch;
    double *columns;     /* 1 / columns of the windows around x */
    size_t block, first; /* number of the first block */
};

/* Source planes of row y. */
static void load_row(const struct job *job, size_t y, float *const *planes)
{
    const struct guided *g = job->g;
    const pln_view *guide = g->guide.data ? &g->guide : &g->in;
    const float *row = pln_row(guide, y - g->in_y);
    if (g->plan.luma)
        pln_luma(planes[0], row, g->w);
    else
        job->k->split(planes, row, guide->c, g->w);
    if (!g->plan.self) job->k->split(planes + 3, pln_row(&g->in, y - g->in_y), g->in.c, g->w);
}

static void add_row(const struct job *job, struct scratch *t, size_t y)
{
    const struct guided_plan *p = &job->g->plan;
    load_row(job, y, t->source[0]);
    for (int i = 0; i < p->terms; i++)
        job->k->add(t->down[i], t->source[0][p->term[i][0]],
                    p->term[i][1] < 0 ? NULL : t->source[0][p->term[i][1]], job->g->w);
}

/* `enter` or `leave` may lie outside the picture. */
static void slide_rows(const struct job *job, struct scratch *t, ptrdiff_t enter, ptrdiff_t leave)
{
    const struct guided *g = job->g;
    const struct guided_plan *p = &g->plan;
    bool in = enter < (ptrdiff_t)g->h, out = leave >= 0;
    for (int k = 0; k < 2; k++) {
        if (k ? out : in)
            load_row(job, (size_t)(k ? leave : enter), t->source[k]);
        else
            for (int i = 0; i < GUIDED_SOURCES; i++)
                memset(t->source[k][i], 0, g->w * sizeof(float));
    }
    for (int i = 0; i < p->terms; i++) {
        int a = p->term[i][0], b = p->term[i][1];
        job->k->slide(t->down[i], t->source[0][a], b < 0 ? NULL : t->source[0][b], t->source[1][a],
                      b < 0 ? NULL : t->source[1][b], g->w);
    }
}

/* 1 / pixels of the windows of row y. */
static void set_scale(const struct job *job, struct scratch *t, size_t y)
{
    size_t h = job->g->h, ry = job->shape.ry;
    double rows = (double)(pln_min(h - 1, y + ry) - (y > ry ? y - ry : 0) + 1);
    for (size_t x = 0; x < job->g->w; x++) t->scale[x] = job->columns[x] / rows;
}

static float *ring_row(const struct job *job, struct scratch *t, size_t y, int coef)
{
    return t->ring +
           ((y % job->shape.ring) * (size_t)job->g->plan.coefs + (size_t)coef) * job->shape.row;
}

/* Rows [y0, y1) of one block; the sums start at its first row. */
static void run_block(void *arg, size_t index, int thread)
{
    const struct job *job = arg;
    const struct guided *g = job->g;
    const struct guided_plan *p = &g->plan;
    struct scratch *t = &job->scratch[thread];
    size_t ry = job->shape.ry, rx = job->shape.rx, w = g->w;
    size_t start = (job->first + index) * job->block, end = pln_min(g->y1, start + job->block);
    size_t top = start > ry ? start - ry : 0,
           bottom = pln_min(g->h, end + ry); /* rows of coefficients */
    float *coefs[GUIDED_COEFS];

    for (int i = 0; i < p->terms; i++)
        memset(t->down[i] - rx - 1, 0, (2 * rx + 1 + w) * sizeof(double));
    for (int i = 0; i < p->coefs; i++)
        memset(t->coef_down[i] - rx - 1, 0, (2 * rx + 1 + w) * sizeof(double));
    for (size_t y = top > ry ? top - ry : 0; y <= pln_min(g->h - 1, top + ry); y++)
        add_row(job, t, y);
    for (size_t y = top; y < bottom; y++) {
        if (y > top) slide_rows(job, t, (ptrdiff_t)(y + ry), (ptrdiff_t)y - (ptrdiff_t)ry - 1);
        job->k->across(t->window, (const double *const *)t->down, p->terms, w, rx);
        set_scale(job, t, y);
        /* The ring's row of y held y - 2 ry - 1, which leaves the second window now. */
        for (int i = 0; i < p->coefs; i++) {
            coefs[i] = ring_row(job, t, y, i);
            if (y >= top + job->shape.ring) job->k->leave(t->coef_down[i], coefs[i], w);
        }
        job->k->solve(p, t->window, t->scale, g->eps, coefs, w);
        for (int i = 0; i < p->coefs; i++) job->k->add(t->coef_down[i], coefs[i], NULL, w);

        /* Row y - ry is complete; near the bottom of the picture all remaining rows are, one after
         * the other. */
        bool last = y + 1 == bottom;
        for (size_t q = y >= ry ? y - ry : SIZE_MAX; q != SIZE_MAX && q < end; q++) {
            if (q > y - ry) /* past the last row of coefficients: rows only leave */
                for (int i = 0; i < p->coefs && q >= top + ry + 1; i++) {
                    job->k->leave(t->coef_down[i], ring_row(job, t, q - ry - 1, i), w);
                }
            if (q >= pln_max(start, g->y0) && q < g->y1) {
                load_row(job, q, t->source[0]);
                job->k->across(t->window, (const double *const *)t->coef_down, p->coefs, w, rx);
                set_scale(job, t, q);
                for (int i = 0; i < p->coefs; i++)
                    job->k->mean(t->mean[i], t->window[i], t->scale, w);
                g->emit(g->arg, q, t->source[0], t->mean);
            }
            if (!(last && bottom == g->h)) break;
        }
    }
}

pln_status pln_guided_run(pln_context *ctx, const struct guided *g)
{
    struct job job = {.g = g,
                      .k = PLN_KERNELS_PICK(ctx, pln_guided_kernels),
                      .shape = shape_of(g->radius, g->w, g->h),
                      .block = pln_guided_block(g->radius)};
    size_t bytes = scratch_bytes(&g->plan, &job.shape);
    char *memory = NULL;
    pln_status s = PLN_OK;

    job.first = g->y0 / job.block;
    size_t blocks = pln_div_up(g->y1, job.block) - job.first;
    size_t threads = pln_min((size_t)pln_context_threads(ctx), blocks);
    bytes = pln_div_up(bytes, 64) * 64;
    PLN_TRY(pln_alloc(ctx, threads, sizeof *job.scratch, &job.scratch));
    PLN_TRY(pln_alloc(ctx, g->w, sizeof *job.columns, &job.columns));
    for (size_t x = 0, r = job.shape.rx; x < g->w; x++)
        job.columns[x] = 1 / (double)(pln_min(g->w - 1, x + r) - (x > r ? x - r : 0) + 1);
    PLN_TRY(pln_alloc(ctx, threads, bytes, &memory));
    for (size_t i = 0; i < threads; i++)
        lay_out(&job.scratch[i], memory + i * bytes, &g->plan, &job.shape);
    PLN_TRY(pln_parallel(ctx, blocks, run_block, &job));
done:
    pln_free(memory);
    pln_free(job.columns);
    pln_free(job.scratch);
    return s;
}
