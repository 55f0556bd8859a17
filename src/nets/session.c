/* SPDX-License-Identifier: MIT */
#include "nets/session.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/plan.h"

struct pnet_session {
    pln_context *ctx;
    const pnet_net *const *asked; /* what the weights may be of */
    const pnet_net *net;
    pnet_options options;
    char *path;
    struct stat file;
    pln_net_options how;
    pnn_graph *graph;
    pnn_store *store;
    pln_device *device; /* NULL: the CPU */
    pnn_plan *plan;     /* of the last size */
    /* What the plan was made for beside the network. */
    pnn_plan_options planned;
    pln_isa isa;
    int threads;
};

/* ---- Getting ---- */

static void release(void *value)
{
    pnet_session *n = value;
    if (!n) return;
    pnn_plan_free(n->plan);
    pnn_store_free(n->store);
    pnn_graph_free(n->graph);
    pln_free(n->path);
    pln_free(n);
}

/* A file that was replaced is another file. */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool same_network(const pnet_session *n, const pnet_net *const *nets,
                         const struct stat *file, const pln_net_options *o)
{
    return n->asked == nets && same_file(&n->file, file) && n->how.noise == o->noise &&
           n->how.samples == o->samples;
}

/* n of SASNet: what the caller asks for instead of what the file says. */
static pln_status set_noise(pln_context *ctx, pnet_session *n, const pln_net_options *o)
{
    if (o->noise == 0 && o->samples == 0) {
        if (n->net == &pnet_net_sasnet) n->options.sasnet.noise = 0;
        return PLN_OK;
    }
    if (n->net != &pnet_net_sasnet)
        return pln_fail(ctx, PLN_E_ARG,
                        "net '%s' draws no numbers: --noise and --samples are for "
                        "sasnet",
                        n->net->name);
    /* Trained without noise, any draw ruins the picture. */
    if (o->noise > n->options.sasnet.noise)
        return pln_fail(ctx, PLN_E_RANGE,
                        "%s: --noise %g is above %g, with which the network was "
                        "trained",
                        n->path, o->noise, n->options.sasnet.noise);
    n->options.sasnet.noise = o->noise;
    n->options.sasnet.samples = o->samples ? o->samples : 1;
    return PLN_OK;
}

static pln_status load(pln_context *ctx, pnet_session *n)
{
    pnn_st *weights = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_st_open(ctx, n->path, 0, &weights));
    bool says = pnn_st_metadata(weights, "system") != NULL;
    PLN_TRY(pnet_of_weights(ctx, weights, says ? NULL : n->asked[0], &n->net, &n->options));
    const pnet_net *const *known = n->asked;
    while (*known && *known != n->net) known++;
    if (!*known) {
        s = pln_fail(ctx, PLN_E_MODEL, "%s: weights of '%s': expected '%s'", n->path, n->net->name,
                     n->asked[0]->name);
        goto done;
    }
    PLN_TRY(set_noise(ctx, n, &n->how));
    PLN_TRY(pnet_graph(ctx, n->net, &n->options, PNET_EVAL, &n->graph));
    PLN_TRY(pnn_store_new(ctx, &n->store));
    PLN_TRY(pnn_store_load(n->store, n->graph, weights, ""));
done:
    pnn_st_free(weights);
    return s;
}

pln_status pnet_session_get(pln_context *ctx, const pnet_net *const *nets, const char *model,
                            const pln_net_options *options, pnet_session **session)
{
    pnet_session *kept, *n = NULL;
    pln_device *device;
    char *path = NULL;
    struct stat file;
    pln_status s = PLN_OK;

    /* First of all: what is kept after the device goes when one is opened. */
    PLN_TRY(pln_device_wanted(ctx, PLN_USE_ENGINES, &device));
    PLN_TRY(options->weights ? pln_strdup(ctx, options->weights, &path)
                             : pnet_find_model(ctx, model, &path));
    if (stat(path, &file)) memset(&file, 0, sizeof file); /* opening it says why */
    kept = pln_context_kept(ctx, PLN_KEPT_SESSION);
    if (kept && same_network(kept, nets, &file, options)) {
        kept->how = *options;
        *session = kept;
        goto done;
    }
    PLN_TRY(pln_calloc(ctx, 1, sizeof *n, &n));
    *n = (pnet_session){
        .ctx = ctx, .asked = nets, .path = path, .file = file, .how = *options, .device = device};
    path = NULL;
    PLN_TRY(load(ctx, n));
    pln_context_keep(ctx, PLN_KEPT_SESSION, n, release);
    *session = n;
    n = NULL;
done:
    release(n);
    pln_free(path);
    return s;
}

/* ---- Running a dense picture ---- */

static pnn_plan_options plan_options(const pnet_session *n, pnn_size size)
{
    bool fast = n->device || pln_isa_of(n->ctx) >= PLN_ISA_AMX;
    bool bf16 =
        n->how.precision == PLN_PRECISION_BF16 || (n->how.precision == PLN_PRECISION_AUTO && fast);
    return (pnn_plan_options){.size = size,
                              .device = n->device,
                              .precision = bf16 ? PNN_PRECISION_BF16 : PNN_PRECISION_F32,
                              .seed = pln_context_seed(n->ctx)};
}

static bool same_plan(const pnet_session *n, const pnn_plan_options *o)
{
    return n->plan && n->planned.size.h == o->size.h && n->planned.size.w == o->size.w &&
           n->planned.precision == o->precision && n->planned.device == o->device &&
           n->isa == pln_isa_of(n->ctx) && n->threads == pln_context_threads(n->ctx);
}

/* x and y: h x w x 3. */
static pln_status run_whole(pnet_session *n, size_t w, size_t h, float *x, float *y)
{
    const pnn_plan_options o = plan_options(n, (pnn_size){1, h, w});
    pln_status s = PLN_OK;
    if (!same_plan(n, &o)) {
        pnn_plan_free(n->plan);
        n->plan = NULL;
        PLN_TRY(pnn_plan_new(n->ctx, n->graph, n->store, &o, &n->plan));
        n->planned = o;
        n->isa = pln_isa_of(n->ctx);
        n->threads = pln_context_threads(n->ctx);
    }
    pnn_plan_seed(n->plan, pln_context_seed(n->ctx));
    PLN_TRY(pnn_plan_bind(n->plan, "x", x));
    PLN_TRY(pnn_plan_bind(n->plan, "y", y));
    PLN_TRY(pnn_plan_run(n->plan));
done:
    return s;
}

/* ---- Tiles ---- */

/* One axis cut into `count` windows of the same length, which start at multiples of the network's
 * and overlap by twice the radius or more: what is kept of each, up to the middles of its overlaps,
 * sees all it depends on. */
struct axis {
    size_t size, window, count, multiple;
};

static struct axis axis_of(size_t size, size_t count, size_t radius, size_t multiple)
{
    size_t window = pln_div_up(size + (count - 1) * (2 * radius + multiple), count);
    if (window < size) window += (size - window) % multiple; /* the last one starts at a multiple */
    if (window >= size) return (struct axis){size, size, 1, multiple};
    return (struct axis){size, window, count, multiple};
}

/* Windows that hold a tile and its surroundings. */
static struct axis axis_of_tile(size_t size, size_t tile, size_t radius, size_t multiple)
{
    struct axis a = axis_of(size, 1, radius, multiple);
    for (size_t n = 2; a.window > tile + 2 * (radius + multiple); n++)
        a = axis_of(size, n, radius, multiple);
    return a;
}

static size_t axis_start(const struct axis *a, size_t i)
{
    if (a->count == 1) return 0;
    return (a->size - a->window) * i / (a->count - 1) / a->multiple * a->multiple;
}

/* Part i: the window from `from`, of which [first, last) is kept. */
static void axis_part(const struct axis *a, size_t i, size_t *from, size_t *first, size_t *last)
{
    *from = axis_start(a, i);
    *first = i ? (axis_start(a, i - 1) + a->window + *from) / 2 : 0;
    *last = i + 1 < a->count ? (*from + a->window + axis_start(a, i + 1)) / 2 : a->size;
}

struct tiles {
    struct axis x, y;
};

static bool whole(const struct tiles *t) { return t->x.count * t->y.count == 1; }

static pln_status run_tiled(pnet_session *n, const struct tiles *tiles, const float *x, float *y,
                            double from, double to)
{
    const struct axis ax = tiles->x, ay = tiles->y;
    size_t w = ax.size, nx = ax.count, ny = ay.count, window = ax.window * ay.window * 3;
    float *part = NULL, *result = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(n->ctx, window, sizeof *part, &part));
    PLN_TRY(pln_alloc(n->ctx, window, sizeof *result, &result));
    for (size_t t = 0; t < nx * ny; t++) {
        size_t x0, xa, xb, y0, ya, yb;
        axis_part(&ax, t % nx, &x0, &xa, &xb);
        axis_part(&ay, t / nx, &y0, &ya, &yb);
        for (size_t r = 0; r < ay.window; r++)
            memcpy(part + r * ax.window * 3, x + ((y0 + r) * w + x0) * 3,
                   ax.window * 3 * sizeof *part);
        double share = (to - from) / (double)(nx * ny);
        pln_progress_window(n->ctx, from + share * (double)t, from + share * (double)(t + 1));
        PLN_TRY(run_whole(n, ax.window, ay.window, part, result));
        for (size_t r = ya; r < yb; r++)
            memcpy(y + (r * w + xa) * 3, result + ((r - y0) * ax.window + xa - x0) * 3,
                   (xb - xa) * 3 * sizeof *y);
    }
done:
    pln_free(part);
    pln_free(result);
    return s;
}

/* On the CPU the arena is made smaller by tiles above this, though memory may be there: caches and
 * neighbours. */
#define MOST_ARENA ((uint64_t)2 << 30)
enum { LEAST_TILE = 128 };

/* Half of what there is: the rest is for weights and work. */
static uint64_t most_arena(const pnet_session *n)
{
    uint64_t half = pln_memory_limit(n->ctx) / 2;
    if (n->device)
        return (pln_device_available(n->device) + (n->plan ? pnn_plan_bytes(n->plan) : 0)) / 2;
    return half < MOST_ARENA ? half : MOST_ARENA;
}

static pln_status arena_of(pnet_session *n, size_t w, size_t h, uint64_t *bytes)
{
    pnn_plan_options o = plan_options(n, (pnn_size){1, h, w});
    return pnn_plan_estimate(n->ctx, n->graph, n->store, &o, bytes);
}

/* The tiles of at most so many pixels that are the least work in all; the smallest ones where none
 * are so small. */
static struct tiles best_tiles(size_t w, size_t h, size_t radius, size_t multiple, double pixels)
{
    size_t most_x = pln_div_up(w, LEAST_TILE), most_y = pln_div_up(h, LEAST_TILE);
    struct tiles best = {axis_of(w, most_x, radius, multiple),
                         axis_of(h, most_y, radius, multiple)};
    double least = INFINITY;

    for (size_t i = 1; i <= most_x; i++)
        for (size_t j = 1; j <= most_y; j++) {
            struct tiles t = {axis_of(w, i, radius, multiple), axis_of(h, j, radius, multiple)};
            double each = (double)t.x.window * (double)t.y.window;
            double all = each * (double)t.x.count * (double)t.y.count;
            if (each > pixels || all >= least) continue;
            least = all;
            best = t;
        }
    return best;
}

static pln_status choose_tiles(pnet_session *n, size_t w, size_t h, struct tiles *t)
{
    long sees = n->net->radius(&n->options);
    size_t radius = (size_t)sees, multiple = (size_t)n->net->multiple(&n->options);
    uint64_t most = most_arena(n), bytes = 0;
    pln_status s = PLN_OK;

    *t = (struct tiles){axis_of(w, 1, 0, 1), axis_of(h, 1, 0, 1)};
    if (n->how.tile < 0) return PLN_OK;
    if (n->how.tile > 0) {
        if (sees < 0)
            return pln_fail(n->ctx, PLN_E_ARG,
                            "net '%s' sees the whole picture at once: no tiles: use --tile off",
                            n->net->name);
        t->x = axis_of_tile(w, (size_t)n->how.tile, radius, multiple);
        t->y = axis_of_tile(h, (size_t)n->how.tile, radius, multiple);
        return PLN_OK;
    }
    PLN_TRY(arena_of(n, w, h, &bytes));
    if (sees < 0) return PLN_OK;
    /* Bytes are nearly proportional to pixels. */
    while (bytes > most) {
        const struct tiles before = *t;
        double pixels = (double)t->x.window * (double)t->y.window;
        pixels *= fmin(0.99, (double)most / (double)bytes);
        *t = best_tiles(w, h, radius, multiple, pixels);
        if (before.x.window == t->x.window && before.y.window == t->y.window) break; /* smallest */
        PLN_TRY(arena_of(n, t->x.window, t->y.window, &bytes));
    }
done:
    return s;
}

static pln_status run_any(pnet_session *n, size_t w, size_t h, float *x, float *y, double from,
                          double to)
{
    struct tiles tiles;
    pln_status s = choose_tiles(n, w, h, &tiles);
    if (s) return s;
    if (!whole(&tiles)) return run_tiled(n, &tiles, x, y, from, to);
    pln_progress_window(n->ctx, from, to);
    return run_whole(n, w, h, x, y);
}

/* ---- Flips and turns ---- */

/* to = from seen through symmetry t of the square: bit 0 flips x, bit 1 flips y, bit 2 exchanges
 * the axes first. w, h: of `from`. */
static void turn(const float *from, size_t w, size_t h, int t, float *to)
{
    size_t tw = t & 4 ? h : w, th = t & 4 ? w : h;
    for (size_t y = 0; y < th; y++)
        for (size_t x = 0; x < tw; x++) {
            size_t u = t & 1 ? tw - 1 - x : x, v = t & 2 ? th - 1 - y : y;
            const float *p = from + (t & 4 ? u * w + v : v * w + u) * 3;
            memcpy(to + (y * tw + x) * 3, p, 3 * sizeof *to);
        }
}

/* sum += the picture whose view through t is `from`. w, h: of sum. */
static void add_back(const float *from, size_t w, size_t h, int t, float *sum)
{
    size_t tw = t & 4 ? h : w, th = t & 4 ? w : h;
    for (size_t y = 0; y < th; y++)
        for (size_t x = 0; x < tw; x++) {
            size_t u = t & 1 ? tw - 1 - x : x, v = t & 2 ? th - 1 - y : y;
            float *p = sum + (t & 4 ? u * w + v : v * w + u) * 3;
            for (int k = 0; k < 3; k++) p[k] += from[(y * tw + x) * 3 + (size_t)k] / 8;
        }
}

static pln_status run_ensemble(pnet_session *n, size_t w, size_t h, const float *x, float *y)
{
    size_t samples = w * h * 3;
    float *view = NULL, *result = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_alloc(n->ctx, samples, sizeof *view, &view));
    PLN_TRY(pln_alloc(n->ctx, samples, sizeof *result, &result));
    memset(y, 0, samples * sizeof *y);
    for (int t = 0; t < 8; t++) {
        size_t tw = t & 4 ? h : w, th = t & 4 ? w : h;
        turn(x, w, h, t, view);
        PLN_TRY(run_any(n, tw, th, view, result, t / 8.0, (t + 1) / 8.0));
        add_back(result, w, h, t, y);
    }
done:
    pln_free(view);
    pln_free(result);
    return s;
}

/* ---- Pictures ---- */

pln_status pnet_session_run(pln_context *ctx, pnet_session *n, const pln_view *in,
                            const pln_view *out)
{
    size_t w = in->w, h = in->h;
    float white = (float)n->net->range, *x = NULL, *y = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, w * h * 3, sizeof *x, &x));
    PLN_TRY(pln_alloc(ctx, w * h * 3, sizeof *y, &y));
    for (size_t r = 0; r < h; r++) {
        const float *row = pln_row(in, r);
        for (size_t i = 0; i < w * 3; i++)
            x[r * w * 3 + i] = white * (in->c == 3 ? row[i] : row[i / 3]);
    }
    PLN_TRY(n->how.ensemble ? run_ensemble(n, w, h, x, y) : run_any(n, w, h, x, y, 0, 1));
    for (size_t r = 0; r < h; r++) {
        float *row = pln_row(out, r);
        const float *p = y + r * w * 3;
        for (size_t i = 0; i < w * out->c; i++)
            row[i] = (out->c == 3 ? p[i] : (p[3 * i] + p[3 * i + 1] + p[3 * i + 2]) / 3) / white;
    }
done:
    pln_progress_window(ctx, 0, 1);
    pln_free(x);
    pln_free(y);
    return s;
}
