/* SPDX-License-Identifier: MIT */
#include "host_device.h"

#include <stdlib.h>
#include <string.h>

#include "../support.h"
#include "device/kernels/list.h"
#include "host_group.h"

/* ---- Work ---- */

struct work {
    int kernel; /* or one of these */
#define ENGINE  (-1)
#define MEAN    (-2)
#define FOURIER (-3)
    size_t n, bytes;
    unsigned char parameters[1024];
    const pln_engine *engine;
    pln_engine_operands operands;
    float *values; /* of MEAN */
    const pln_fourier *fourier;
    bool inverse; /* of FOURIER */
    void *in, *out, *work;
};

struct pln_recording {
    size_t count, room;
    struct work *works;
};

struct pln_engine {
    pln_engine_spec s;
};

struct host_device {
    pln_device d;
    host_engines engines;
    pln_recording *recording; /* being made */
    int fail;
    uint64_t limit, held;
    size_t runs, replays;
    bool groups, no_engines, no_fourier;
    host_group *group;
};

static struct host_device *host(pln_device *d) { return (struct host_device *)(void *)d; }

static pln_status broken(struct host_device *h)
{
    if (!h->fail || --h->fail) return PLN_OK;
    return pln_fail(h->d.ctx, PLN_E_DEVICE, "%s: lost", h->d.name);
}

static const size_t sizes[] = {
#define SIZE(name, parameters) sizeof(parameters),
    CU_KERNELS(SIZE)
#undef SIZE
};

/* Odd ones from the end, then even ones: no kernel may depend on the order. */
#define LOOP(name, parameters)                                                                     \
    static void loop_##name(const void *p, size_t n)                                               \
    {                                                                                              \
        parameters q;                                                                              \
        memcpy(&q, p, sizeof q);                                                                   \
        for (size_t i = n; i-- > 0;)                                                               \
            if (i % 2) cu_##name##_body(&q, i);                                                    \
        for (size_t i = 0; i < n; i += 2) cu_##name##_body(&q, i);                                 \
    }
CU_KERNELS(LOOP)
static void (*const loops[])(const void *p, size_t n) = {
#define ENTRY(name, parameters) loop_##name,
    CU_KERNELS(ENTRY)
#undef ENTRY
};

/* ---- Engines ---- */

static double get(const void *data, bool half, size_t at)
{
    return half ? (double)cu_widen(((const uint16_t *)data)[at])
                : (double)((const float *)data)[at];
}

static void put(void *data, bool half, size_t at, double value)
{
    if (half)
        ((uint16_t *)data)[at] = cu_narrow((float)value);
    else
        ((float *)data)[at] = (float)value;
}

/* f(x at, y at, w at) of every product of the convolution. */
typedef void each_product(const struct work *w, size_t x, size_t y, size_t at);

static void walk(const struct work *work, each_product *f)
{
    const pln_engine_spec *s = &work->engine->s;
    size_t per = s->c / (size_t)s->groups, outs = s->o / (size_t)s->groups;
    for (size_t n = 0; n < s->n; n++)
        for (size_t y = 0; y < s->oh; y++)
            for (size_t x = 0; x < s->ow; x++)
                for (long ky = 0; ky < s->kh; ky++)
                    for (long kx = 0; kx < s->kw; kx++) {
                        long v = (long)y * s->stride + ky * s->dilation - s->pad_top,
                             u = (long)x * s->stride + kx * s->dilation - s->pad_left;
                        if (v < 0 || u < 0 || v >= (long)s->h || u >= (long)s->w) continue;
                        for (size_t o = 0; o < s->o; o++)
                            for (size_t i = 0; i < per; i++)
                                f(work,
                                  ((n * s->h + (size_t)v) * s->w + (size_t)u) * s->x_stride +
                                      o / outs * per + i,
                                  ((n * s->oh + y) * s->ow + x) * s->y_stride + o,
                                  ((o * (size_t)s->kh + (size_t)ky) * (size_t)s->kw + (size_t)kx) *
                                          per +
                                      i);
                    }
}

static double *sums;
static void to_y(const struct work *w, size_t x, size_t y, size_t at)
{
    bool half = w->engine->s.half;
    sums[y] += get(w->operands.x, half, x) * get(w->operands.w, half, at);
}
static void to_x(const struct work *w, size_t x, size_t y, size_t at)
{
    bool half = w->engine->s.half;
    sums[x] += get(w->operands.y, half, y) * get(w->operands.w, half, at);
}
static void to_w(const struct work *w, size_t x, size_t y, size_t at)
{
    bool half = w->engine->s.half;
    sums[at] += get(w->operands.y, half, y) * get(w->operands.x, half, x);
}

static double finish(const struct work *w, double sum, size_t pixel, size_t c)
{
    const pln_engine_spec *s = &w->engine->s;
    if (s->bias) sum += (double)((const float *)w->operands.bias)[c];
    if (s->residual)
        sum += get(w->operands.residual, s->residual_half, pixel * s->residual_stride + c);
    return s->act && sum < 0 ? s->slope * sum : sum;
}

static void run_engine(const struct work *w)
{
    const pln_engine_spec *s = &w->engine->s;
    static each_product *const to[] = {to_y, to_x, to_w};
    size_t per = s->c / (size_t)s->groups, pixels, c, stride;
    void *result;
    if (s->kind == PLN_ENGINE_FORWARD) {
        pixels = s->n * s->oh * s->ow, c = s->o, stride = s->y_stride, result = w->operands.y;
    } else if (s->kind == PLN_ENGINE_DATA) {
        pixels = s->n * s->h * s->w, c = s->c, stride = s->x_stride, result = w->operands.x;
    } else {
        pixels = s->o, c = stride = (size_t)s->kh * (size_t)s->kw * per, result = w->operands.w;
    }
    sums = calloc(pixels * stride + 1, sizeof *sums);
    assert_non_null(sums);
    walk(w, to[s->kind]);
    for (size_t p = 0; p < pixels; p++)
        for (size_t k = 0; k < c; k++)
            put(result, s->result_half, p * stride + k,
                s->kind == PLN_ENGINE_FORWARD ? finish(w, sums[p * stride + k], p, k)
                                              : sums[p * stride + k]);
    free(sums);
    sums = NULL;
}

static pln_status engines(pln_device *d)
{
    if (!host(d)->no_engines) return PLN_OK;
    return pln_fail(d->ctx, PLN_E_UNSUPPORTED, "%s: a library of engines is needed", d->name);
}

static pln_status engine_new(pln_device *d, const pln_engine_spec *s, pln_engine **engine,
                             size_t *bytes)
{
    struct host_device *h = host(d);
    bool fused = s->bias || s->residual || s->act, take = h->engines != HOST_ENGINES_NONE;
    if (h->engines == HOST_ENGINES_UNFUSED) take = !fused;
    if (h->engines == HOST_ENGINES_PACKED)
        take = s->x_stride == s->c && s->y_stride == s->o && s->align == 16 && !fused &&
               s->half == s->result_half;
    *engine = NULL;
    *bytes = 0;
    if (!take) return PLN_OK;
    pln_status status = pln_calloc(d->ctx, 1, sizeof **engine, engine);
    if (status) return status;
    (*engine)->s = *s;
    *bytes = 24;
    return PLN_OK;
}

static void engine_free(pln_engine *engine) { pln_free(engine); }

/* ---- Fourier transforms: rows, then columns; backwards columns, then rows ---- */

enum { FOURIER_WORK = 40 };

struct pln_fourier {
    size_t w, h, planes;
};

/* e^(2 pi i k / n) for k in [0, n) */
static double *roots_of(size_t n)
{
    double *roots = malloc(2 * n * sizeof *roots);
    assert_non_null(roots);
    for (size_t k = 0; k < n; k++) {
        roots[2 * k] = cos(6.283185307179586 * (double)k / (double)n);
        roots[2 * k + 1] = sin(6.283185307179586 * (double)k / (double)n);
    }
    return roots;
}

/* z[k] of n numbers in `from`, `step` doubles apart; sign: of the exponent. */
static void fourier_sum(const double *from, size_t step, size_t n, const double *roots, size_t k,
                        double sign, double z[2])
{
    z[0] = z[1] = 0;
    for (size_t j = 0, at = 0; j < n; j++) {
        double re = from[j * step], im = from[j * step + 1], c = roots[2 * at],
               s = sign * roots[2 * at + 1];
        z[0] += re * c - im * s;
        z[1] += re * s + im * c;
        at += k;
        if (at >= n) at -= n;
    }
}

static void fourier_columns(const double *in, double *out, size_t columns, size_t h, double sign)
{
    double *roots = roots_of(h);
    for (size_t x = 0; x < columns; x++)
        for (size_t y = 0; y < h; y++)
            fourier_sum(in + 2 * x, 2 * columns, h, roots, y, sign, out + 2 * (y * columns + x));
    free(roots);
}

/* The rows are whole ones here, of w complex numbers. */
static void run_fourier(const struct work *work)
{
    const struct pln_fourier *f = work->fourier;
    size_t w = f->w, h = f->h, columns = w / 2 + 1;
    double *a = calloc(2 * w * h, sizeof *a), *b = calloc(2 * w * h, sizeof *b),
           *roots = roots_of(w), z[2];
    assert_true(a && b);
    for (size_t plane = 0; plane < f->planes; plane++) {
        float *real = (float *)(work->inverse ? work->out : work->in) + plane * w * h,
              *half = (float *)(work->inverse ? work->in : work->out) + plane * 2 * columns * h;
        if (work->inverse) {
            for (size_t i = 0; i < 2 * columns * h; i++) a[i] = (double)half[i];
            fourier_columns(a, b, columns, h, 1);
            for (size_t y = 0; y < h; y++) {
                for (size_t x = 0; x < w; x++) { /* the other half is conjugate */
                    size_t from = 2 * (y * columns + (x < columns ? x : w - x));
                    bool own = x == 0 || 2 * x == w; /* taken for real */
                    a[2 * x] = b[from];
                    a[2 * x + 1] = own ? 0 : x < columns ? b[from + 1] : -b[from + 1];
                }
                for (size_t x = 0; x < w; x++) {
                    fourier_sum(a, 2, w, roots, x, 1, z);
                    real[y * w + x] = (float)z[0];
                }
            }
            memset(half, 0xff, 2 * columns * h * sizeof *half);
        } else {
            for (size_t y = 0; y < h; y++) {
                for (size_t x = 0; x < w; x++) a[2 * x] = (double)real[y * w + x], a[2 * x + 1] = 0;
                for (size_t x = 0; x < columns; x++)
                    fourier_sum(a, 2, w, roots, x, -1, b + 2 * (y * columns + x));
            }
            fourier_columns(b, a, columns, h, -1);
            for (size_t i = 0; i < 2 * columns * h; i++) half[i] = (float)a[i];
        }
    }
    free(roots);
    free(b);
    free(a);
}

static pln_status fourier_new(pln_device *d, size_t w, size_t h, size_t planes,
                              pln_fourier **fourier, size_t *bytes)
{
    *bytes = FOURIER_WORK;
    if (host(d)->no_fourier)
        return pln_fail(d->ctx, PLN_E_UNSUPPORTED, "%s: no transforms", d->name);
    pln_status s = pln_calloc(d->ctx, 1, sizeof **fourier, fourier);
    if (!s) **fourier = (pln_fourier){w, h, planes};
    return s;
}

static void fourier_free(pln_fourier *fourier) { pln_free(fourier); }

/* ---- The queue ---- */

static pln_status do_work(struct host_device *h, const struct work *w)
{
    pln_status s = broken(h);
    if (s) return s;
    h->runs++;
    if (w->kernel == MEAN) {
        if (!host_group_mean(h->group, w->values, w->n))
            return pln_fail(h->d.ctx, PLN_E_DEVICE, "%s: the group does not answer", h->d.name);
    } else if (w->kernel == ENGINE) {
        memset(w->operands.work, 0xff, 24);
        run_engine(w);
    } else if (w->kernel == FOURIER) {
        memset(w->work, 0xff, FOURIER_WORK);
        run_fourier(w);
    } else {
        loops[w->kernel](w->parameters, w->n);
    }
    return PLN_OK;
}

static pln_status enqueue(struct host_device *h, const struct work *w)
{
    pln_recording *r = h->recording;
    if (!r) return do_work(h, w);
    if (r->count == r->room) {
        r->room = 2 * r->room + 16;
        r->works = realloc(r->works, r->room * sizeof *r->works);
        assert_non_null(r->works);
    }
    r->works[r->count++] = *w;
    return PLN_OK;
}

static pln_status launch(pln_device *d, int kernel, const void *parameters, size_t n)
{
    struct work w = {.kernel = kernel, .n = n, .bytes = sizes[kernel]};
    assert_true(w.bytes <= sizeof w.parameters);
    memcpy(w.parameters, parameters, w.bytes);
    return enqueue(host(d), &w);
}

static pln_status engine_run(pln_device *d, const pln_engine *engine,
                             const pln_engine_operands *operands)
{
    struct work w = {.kernel = ENGINE, .engine = engine, .operands = *operands};
    return enqueue(host(d), &w);
}

static pln_status fourier_run(pln_device *d, const pln_fourier *fourier, bool inverse, void *in,
                              void *out, void *work)
{
    struct work w = {.kernel = FOURIER,
                     .fourier = fourier,
                     .inverse = inverse,
                     .in = in,
                     .out = out,
                     .work = work};
    return enqueue(host(d), &w);
}

static pln_status group_id(pln_device *d, unsigned char *id)
{
    if (!host(d)->groups) return pln_fail(d->ctx, PLN_E_UNSUPPORTED, "%s: no groups", d->name);
    if (!id) return PLN_OK;
    memset(id, 0, PLN_GROUP_ID);
    host_group_name((char *)id, PLN_GROUP_ID);
    return PLN_OK;
}

static pln_status join(pln_device *d, const unsigned char *id, size_t rank, size_t world)
{
    host(d)->group = host_group_join((const char *)id, rank, world);
    return host(d)->group ? PLN_OK : pln_fail(d->ctx, PLN_E_DEVICE, "%s: no group", d->name);
}

static void leave(pln_device *d)
{
    host_group_leave(host(d)->group);
    host(d)->group = NULL;
}

static pln_status mean(pln_device *d, float *values, size_t n)
{
    struct work w = {.kernel = MEAN, .values = values, .n = n};
    return enqueue(host(d), &w);
}

static pln_status record_begin(pln_device *d)
{
    return pln_calloc(d->ctx, 1, sizeof *host(d)->recording, &host(d)->recording);
}

static pln_status record_end(pln_device *d, pln_recording **recording)
{
    *recording = host(d)->recording;
    host(d)->recording = NULL;
    return PLN_OK;
}

static pln_status replay(pln_device *d, pln_recording *r)
{
    pln_status s = PLN_OK;
    host(d)->replays++;
    for (size_t i = 0; i < r->count && !s; i++) s = do_work(host(d), &r->works[i]);
    return s;
}

static void recording_free(pln_recording *r)
{
    free(r->works);
    pln_free(r);
}

/* ---- Memory ---- */

struct block {
    size_t bytes;
    char fill[56];
};

static pln_status device_alloc(pln_device *d, size_t bytes, bool shared, const char *what,
                               void **memory)
{
    struct host_device *h = host(d);
    struct block *b = NULL;
    (void)shared;
    if (bytes > h->limit - h->held)
        return pln_fail(d->ctx, PLN_E_LIMIT, "%s: %zu bytes are needed, %s has %zu free", what,
                        bytes, d->name, (size_t)(h->limit - h->held));
    pln_status s = pln_alloc(d->ctx, 1, sizeof *b + bytes, &b);
    if (s) return s;
    b->bytes = bytes;
    h->held += bytes;
    memset(b + 1, 0xff, bytes);
    *memory = b + 1;
    return PLN_OK;
}

static void device_free(pln_device *d, void *memory)
{
    if (!memory) return;
    struct block *b = (struct block *)memory - 1;
    host(d)->held -= b->bytes;
    pln_free(b);
}

static uint64_t available(pln_device *d) { return host(d)->limit - host(d)->held; }

static pln_status copy(pln_device *d, void *to, const void *from, size_t bytes)
{
    pln_status s = broken(host(d));
    if (!s) memcpy(to, from, bytes);
    return s;
}

static pln_status wait_for(pln_device *d)
{
    (void)d;
    return PLN_OK;
}

static pln_status mark(pln_device *d, size_t i)
{
    (void)d, (void)i;
    return PLN_OK;
}

static pln_status between(pln_device *d, size_t i, size_t j, double *ms)
{
    (void)d;
    *ms = (double)(j - i);
    return PLN_OK;
}

static void close_device(pln_device *d)
{
    device_free(d, d->seed);
    assert_int_equal(host(d)->held, 0);
    pln_free(d);
}

static const pln_device_ops ops = {
    .close = close_device,
    .alloc = device_alloc,
    .free = device_free,
    .available = available,
    .upload = copy,
    .download = copy,
    .wait = wait_for,
    .launch = launch,
    .engines = engines,
    .engine_new = engine_new,
    .engine_run = engine_run,
    .engine_free = engine_free,
    .fourier_new = fourier_new,
    .fourier_run = fourier_run,
    .fourier_free = fourier_free,
    .group_id = group_id,
    .join = join,
    .leave = leave,
    .mean = mean,
    .record_begin = record_begin,
    .record_end = record_end,
    .replay = replay,
    .recording_free = recording_free,
    .mark = mark,
    .between = between,
};

pln_status host_device_open(pln_context *ctx, host_engines engines, pln_device **device)
{
    struct host_device *h = NULL;
    pln_status s = pln_calloc(ctx, 1, sizeof *h, &h);
    if (s) return s;
    h->d = (pln_device){.ops = &ops, .ctx = ctx, .name = "host:0"};
    h->engines = engines;
    h->limit = (uint64_t)1 << 40;
    void *seed = NULL;
    s = device_alloc(&h->d, sizeof *h->d.seed, false, "seed", &seed);
    h->d.seed = seed;
    if (s)
        pln_free(h);
    else
        *device = &h->d;
    return s;
}

void host_device_fail(pln_device *device, int n) { host(device)->fail = n; }
void host_device_groups(pln_device *device) { host(device)->groups = true; }
void host_device_without_engines(pln_device *device) { host(device)->no_engines = true; }
void host_device_without_fourier(pln_device *device) { host(device)->no_fourier = true; }
void host_device_limit(pln_device *device, uint64_t bytes)
{
    host(device)->limit = host(device)->held + bytes;
}
void host_device_counts(const pln_device *device, size_t *runs, size_t *replays)
{
    const struct host_device *h = (const struct host_device *)(const void *)device;
    *runs = h->runs;
    *replays = h->replays;
}
