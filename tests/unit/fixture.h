/* SPDX-License-Identifier: MIT */
/* A graph under test with a file of tests/fixtures: inputs are tensors of the file, results are
 * compared with tensors of the file, on every back end. */
#ifndef PLN_TESTS_FIXTURE_H
#define PLN_TESTS_FIXTURE_H

#include "support.h"

#include "nn/plan.h"
#include "nn/safetensors.h"

enum { FIXTURE_MAX = 1024 };

typedef struct fixture_value {
    const char *name; /* in the graph */
    float *data;      /* N x H x W x C */
    float *want;      /* NULL: not compared */
    size_t count;
    double tolerance;
    bool relative;   /* to the largest value */
    double fraction; /* least part of the values that must be within the tolerance; 0: all */
} fixture_value;

typedef struct fixture {
    pln_context *ctx;
    const char *path;
    pnn_st *st;
    pnn_graph *g;
    pnn_store *store;
    fixture_value in[FIXTURE_MAX], out[FIXTURE_MAX];
    size_t ins, outs;
    pnn_size size;
} fixture;

static inline void fixture_open(fixture *f, pln_context *ctx, const char *path)
{
    char full[512];
    memset(f, 0, sizeof *f);
    f->ctx = ctx;
    f->path = path;
    snprintf(full, sizeof full, "%s/fixtures/%s.safetensors", TEST_DATA, path);
    OK(ctx, pnn_st_open(ctx, full, 0, &f->st));
    OK(ctx, pnn_graph_new(ctx, &f->g));
    OK(ctx, pnn_store_new(ctx, &f->store));
}

static inline void fixture_close(fixture *f)
{
    for (size_t i = 0; i < f->ins; i++) free(f->in[i].data);
    for (size_t i = 0; i < f->outs; i++) {
        free(f->out[i].data);
        free(f->out[i].want);
    }
    pnn_store_free(f->store);
    pnn_graph_free(f->g);
    pnn_st_free(f->st);
}

static inline const pnn_st_tensor *fixture_find(const fixture *f, const char *name)
{
    const pnn_st_tensor *t = pnn_st_find(f->st, name);
    if (!t) fail_msg("%s: no tensor '%s'", f->path, name);
    return t;
}

/* Values of a tensor as floats, in the file's order. */
static inline float *fixture_values(const fixture *f, const char *name, size_t *count)
{
    const pnn_st_tensor *t = fixture_find(f, name);
    float *v = malloc((t->count ? t->count : 1) * sizeof *v);
    if (t->type == PNN_U8)
        for (size_t i = 0; i < t->count; i++) v[i] = ((const uint8_t *)t->values)[i];
    else if (t->type == PNN_I64)
        for (size_t i = 0; i < t->count; i++) {
            int64_t k;
            memcpy(&k, (const char *)t->values + 8 * i, 8);
            v[i] = (float)k;
        }
    else
        OK(f->ctx, pnn_st_read_f32(f->ctx, f->st, t, v));
    if (count) *count = t->count;
    return v;
}

/* The last four extents (1 where there are fewer); `skip` leading ones are an index. */
static inline void fixture_dims(const pnn_st_tensor *t, size_t skip, size_t d[4])
{
    size_t rank = t->rank - skip;
    for (size_t i = 0; i < 4; i++) d[i] = i + rank >= 4 ? t->shape[skip + i + rank - 4] : 1;
}

/* The same, N x H x W x C. at: which of the first extent, or -1 for a tensor without index. */
static inline float *fixture_nhwc(const fixture *f, const char *name, long at, size_t *count)
{
    const pnn_st_tensor *t = fixture_find(f, name);
    size_t d[4];
    fixture_dims(t, at >= 0, d);
    size_t n = d[0] * d[1] * d[2] * d[3];
    float *all = fixture_values(f, name, NULL), *v = malloc(n * sizeof *v);
    const float *from = all + (at >= 0 ? (size_t)at * n : 0);
    for (size_t i = 0; i < n; i++) {
        size_t x = i % d[3], y = i / d[3] % d[2], c = i / (d[3] * d[2]) % d[1],
               k = i / (d[3] * d[2] * d[1]);
        v[((k * d[2] + y) * d[3] + x) * d[1] + c] = from[i];
    }
    free(all);
    if (count) *count = n;
    return v;
}

static inline void fixture_bind(fixture *f, const char *tensor, long at, const char *name)
{
    fixture_value *v = &f->in[f->ins++];
    assert_true(f->ins < FIXTURE_MAX);
    *v = (fixture_value){.name = pnn_name(f->g, "%s", name)};
    v->data = fixture_nhwc(f, tensor, at, &v->count);
}

/* An input of the graph, N x H x W x C, with the values of a tensor, which sets the size. */
static inline pnn_node fixture_input(fixture *f, const char *tensor)
{
    size_t d[4];
    fixture_dims(fixture_find(f, tensor), 0, d);
    f->size = (pnn_size){d[0], d[2], d[3]};
    fixture_bind(f, tensor, -1, tensor);
    return pnn_input(f->g, tensor, (long)d[1]);
}

/* The same of a fixed height and width. */
static inline pnn_node fixture_input_fixed(fixture *f, const char *tensor)
{
    size_t d[4];
    fixture_dims(fixture_find(f, tensor), 0, d);
    f->size = (pnn_size){d[0], d[2], d[3]};
    fixture_bind(f, tensor, -1, tensor);
    return pnn_input_shaped(f->g, tensor,
                            (pnn_shape){pnn_dim_n(f->g), pnn_dim_const(f->g, (long)d[2]),
                                        pnn_dim_const(f->g, (long)d[3]),
                                        pnn_dim_const(f->g, (long)d[1])});
}

static inline pnn_node fixture_input_like(fixture *f, const char *tensor, long at, pnn_node like)
{
    fixture_bind(f, tensor, at, tensor);
    return pnn_input_shaped(f->g, tensor, pnn_shape_of(f->g, like));
}

static inline fixture_value *fixture_expect_values(fixture *f, pnn_node x, const char *name,
                                                   float *want, size_t count, double tolerance,
                                                   bool relative)
{
    fixture_value *v = &f->out[f->outs++];
    assert_true(f->outs < FIXTURE_MAX);
    pnn_output(f->g, x, name);
    *v = (fixture_value){.name = pnn_name(f->g, "%s", name),
                         .data = malloc(count * sizeof(float)),
                         .want = want,
                         .count = count,
                         .tolerance = tolerance,
                         .relative = relative};
    return v;
}

/* x, a picture or a map, must be the tensor. */
static inline fixture_value *fixture_expect(fixture *f, pnn_node x, const char *tensor,
                                            double tolerance, bool relative)
{
    size_t n;
    float *want = fixture_nhwc(f, tensor, -1, &n);
    return fixture_expect_values(f, x, tensor, want, n, tolerance, relative);
}

/* A number. */
static inline void fixture_expect_scalar(fixture *f, pnn_node x, const char *name, double value,
                                         double tolerance)
{
    float *want = malloc(sizeof *want);
    *want = (float)value;
    fixture_expect_values(f, x, name, want, 1, tolerance, true);
}

/* A tensor of any shape in the order of the file: weights, vectors, numbers. */
static inline void fixture_expect_flat(fixture *f, pnn_node x, const char *tensor, double tolerance,
                                       bool relative)
{
    size_t n;
    float *want = fixture_values(f, tensor, &n);
    fixture_expect_values(f, x, tensor, want, n, tolerance, relative);
}

/* The gradients of loss to all trained parameters that the file has under this prefix; how many. */
static inline size_t fixture_expect_gradients(fixture *f, pnn_node loss, const char *prefix,
                                              double tolerance)
{
    static pnn_node params[FIXTURE_MAX], grads[FIXTURE_MAX];
    size_t n = pnn_params(f->g, PNN_TRAINED, params, FIXTURE_MAX), found = 0;
    assert_true(n && n <= FIXTURE_MAX);
    pnn_gradients(f->g, loss, params, n, grads);
    for (size_t i = 0; i < n; i++) {
        const char *name = pnn_name(f->g, "%s%s", prefix, pnn_name_of(f->g, params[i]));
        if (!pnn_st_find(f->st, name)) continue;
        fixture_expect_flat(f, grads[i], name, tolerance, true);
        found++;
    }
    return found;
}

static inline void fixture_load(fixture *f, const char *prefix)
{
    OK(f->ctx, pnn_graph_status(f->g));
    OK(f->ctx, pnn_store_load(f->store, f->g, f->st, prefix));
}

static inline double fixture_compare(const fixture *f, const fixture_value *v, const char *how)
{
    double most = 0, error = 0;
    size_t worst = 0, out = 0;
    for (size_t i = 0; i < v->count; i++) most = fmax(most, fabs((double)v->want[i]));
    double scale = v->relative && most > 0 ? most : 1;
    for (size_t i = 0; i < v->count; i++) {
        double e = fabs((double)v->data[i] - v->want[i]) / scale;
        out += !(e <= v->tolerance);
        if (!(e <= error)) {
            error = e;
            worst = i;
        }
    }
    if ((double)out > (1 - (v->fraction > 0 ? v->fraction : 1)) * (double)v->count)
        fail_msg("%s, %s: '%s' differs by %g%s at %zu of %zu (%g, expected %g): at most %g",
                 f->path, how, v->name, error, v->relative ? " of the largest" : "", worst,
                 v->count, (double)v->data[worst], (double)v->want[worst], v->tolerance);
    return error;
}

static inline pnn_plan *fixture_plan(fixture *f, pnn_backend_id backend, bool train)
{
    pnn_plan *plan;
    pnn_plan_options o = {.size = f->size, .backend = backend, .train = train, .seed = 1};
    OK(f->ctx, pnn_graph_status(f->g));
    OK(f->ctx, pnn_plan_new(f->ctx, f->g, f->store, &o, &plan));
    for (size_t i = 0; i < f->ins; i++)
        OK(f->ctx, pnn_plan_bind(plan, f->in[i].name, f->in[i].data));
    for (size_t i = 0; i < f->outs; i++) {
        size_t d[4];
        assert_true(pnn_plan_dims(plan, f->out[i].name, d));
        if (d[0] * d[1] * d[2] * d[3] != f->out[i].count)
            fail_msg("%s: '%s' is %zux%zux%zux%zu, expected %zu values", f->path, f->out[i].name,
                     d[0], d[1], d[2], d[3], f->out[i].count);
        OK(f->ctx, pnn_plan_bind(plan, f->out[i].name, f->out[i].data));
    }
    return plan;
}

/* The input "rate" of Adam: learning rate and step. */
static inline pnn_node fixture_rate(fixture *f)
{
    pnn_dim one = pnn_dim_const(f->g, 1);
    return pnn_input_shaped(f->g, "rate", (pnn_shape){one, one, one, pnn_dim_const(f->g, 2)});
}

/* Steps of Adam on the trained parameters but those `leave_out` names. */
static inline void fixture_adam(fixture *f, pnn_node loss, bool (*leave_out)(const char *name))
{
    static pnn_node params[FIXTURE_MAX], grads[FIXTURE_MAX];
    pnn_node rate = fixture_rate(f);
    size_t n = pnn_params(f->g, PNN_TRAINED, params, FIXTURE_MAX);
    assert_true(n && n <= FIXTURE_MAX);
    pnn_gradients(f->g, loss, params, n, grads);
    for (size_t i = 0; i < n; i++)
        if (!leave_out || !leave_out(pnn_name_of(f->g, params[i])))
            pnn_adam_step(f->g, params[i], grads[i], rate, (pnn_adam){0.9, 0.999, 1e-8});
}

/* All parameters of the store that the file has under this prefix. */
static inline size_t fixture_compare_store(const fixture *f, const char *prefix, double tolerance,
                                           bool (*leave_out)(const char *name))
{
    size_t found = 0;
    for (size_t i = 0; i < pnn_store_count(f->store); i++) {
        const char *name;
        char full[512];
        size_t d[4], n;
        float *is = pnn_store_at(f->store, i, &name, d);
        snprintf(full, sizeof full, "%s%s", prefix, name);
        if (!pnn_st_find(f->st, full) || (leave_out && leave_out(name))) continue;
        fixture_value v = {.name = full, .data = is, .tolerance = tolerance};
        v.want = fixture_values(f, full, &n);
        v.count = n;
        fixture_compare(f, &v, "after training");
        free(v.want);
        found++;
    }
    return found;
}

/* A trace of Adam: `before` may bind other inputs before step k (from 0); the losses must be those
 * of the tensor, tolerance[k]. The store is left as the steps made it. */
static inline void fixture_trace(fixture *f, pnn_plan *plan, const char *tensor, float rate,
                                 const double *tolerance,
                                 void (*before)(void *arg, pnn_plan *plan, size_t k), void *arg)
{
    float lr[2] = {rate, 0}, loss = 0;
    size_t steps;
    float *losses = fixture_values(f, tensor, &steps);
    OK(f->ctx, pnn_plan_bind(plan, "rate", lr));
    OK(f->ctx, pnn_plan_bind(plan, "loss", &loss));
    for (size_t k = 0; k < steps; k++) {
        if (before) before(arg, plan, k);
        lr[1] = (float)(k + 1);
        OK(f->ctx, pnn_plan_run(plan));
        if (!(fabs(loss / losses[k] - 1) <= tolerance[k]))
            fail_msg("%s: loss of step %zu is %.8g, expected %.8g to %g", f->path, k, loss,
                     losses[k], tolerance[k]);
    }
    free(losses);
}

/* One run on a back end; all that is expected is compared. */
static inline void fixture_run(fixture *f, pnn_backend_id backend, bool train)
{
    pnn_plan *plan = fixture_plan(f, backend, train);
    OK(f->ctx, pnn_plan_run(plan));
    pnn_plan_free(plan);
    for (size_t i = 0; i < f->outs; i++)
        if (f->out[i].want)
            fixture_compare(f, &f->out[i], backend == PNN_BACKEND_REF ? "ref" : "cpu");
}

static inline void fixture_run_all(fixture *f, bool train)
{
    fixture_run(f, PNN_BACKEND_REF, train);
    fixture_run(f, PNN_BACKEND_CPU, train);
}

#endif
