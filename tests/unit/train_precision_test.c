/* SPDX-License-Identifier: MIT */
/* Convolutions in training that round their operands to bf16: each direction is the exact one of
 * the rounded operands, and a training by them goes the way of f32, goes on from a stop to the same
 * bytes, and has them with any number of threads. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "nn/backends/backend.h"
#include "nn/half.h"
#include "train/step.h"

static pln_context *contexts[2]; /* one thread, two */

static int setup(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const pln_context_options o = {sizeof o, .threads = k + 1};
        if (pln_context_new_with(&o, &contexts[k])) return 1;
    }
    return 0;
}

static int teardown(void **state)
{
    bool held = false;
    (void)state;
    for (int k = 0; k < 2; k++) {
        pln_clear(contexts[k]);
        held = held || pln_context_bytes(contexts[k]);
        pln_context_free(contexts[k]);
    }
    return held;
}

static bool too_slow(void) { return pln_isa_of(contexts[0]) < PLN_ISA_AVX512; }

/* ---- Calls ---- */

/* Numbers of (-1, 1) that bf16 cannot hold; rounded: what it makes of them. */
static pnn_tensor operand(const size_t d[4], uint64_t stream, bool rounded)
{
    size_t n = d[0] * d[1] * d[2] * d[3];
    pnn_tensor t = {.d = {d[0], d[1], d[2], d[3]}, .stride = d[3]};
    float *v = malloc(n * sizeof *v);
    for (size_t i = 0; i < n; i++) {
        v[i] = (float)(2 * pln_random(5, stream, i) - 1);
        if (rounded) v[i] = pnn_f32_of_bf16(pnn_bf16_of_f32(v[i]));
    }
    t.data = v;
    return t;
}

static void run_call(pln_context *ctx, const pnn_backend_info *backend, pnn_call *call)
{
    pnn_kernel k;
    void *work;
    OK(ctx, backend->prepare(ctx, call, &k));
    OK(ctx, pln_alloc(ctx, k.work_bytes + 1, 1, &work));
    OK(ctx, k.run(ctx, &k, call, work));
    if (call->narrow && !strstr(k.name, "bf16")) fail_msg("%s is no kernel of bf16", k.name);
    pln_free(work);
    if (k.release) k.release(k.state);
}

/* One convolution, x: n x h x w x cin, of which `op` computes y, x or the weights. */
struct shape {
    size_t n, h, w, cin, cout;
    int k, stride, dilation, pad;
};

static void check_call(const struct shape *c, pnn_op op)
{
    size_t reach = (size_t)(c->dilation * (c->k - 1) + 1), pad = 2 * (size_t)c->pad,
           oh = (c->h + pad - reach) / (size_t)c->stride + 1,
           ow = (c->w + pad - reach) / (size_t)c->stride + 1;
    const size_t x[4] = {c->n, c->h, c->w, c->cin}, y[4] = {c->n, oh, ow, c->cout},
                 weight[4] = {c->cout, c->cin, (size_t)c->k, (size_t)c->k};
    const size_t *first = op == PNN_OP_CONV_DATA ? y : x,
                 *second = op == PNN_OP_CONV_WEIGHT ? y : weight,
                 *out = op == PNN_OP_CONV        ? y
                        : op == PNN_OP_CONV_DATA ? x
                                                 : weight;
    const pnn_vertex v = {
        .op = op,
        .n_inputs = 2,
        .attr.conv.a = {c->k, c->k, c->stride, c->dilation, 1, c->pad, c->pad, c->pad, c->pad}};
    size_t n = out[0] * out[1] * out[2] * out[3];
    pnn_tensor results[3];
    double largest = 0;
    for (int way = 0; way < 3; way++) { /* ref of what is rounded; one thread; two */
        pnn_call call = {.v = &v,
                         .in = {operand(first, 1, way == 0), operand(second, 2, way == 0)},
                         .out = operand(out, 3, false),
                         .narrow = way > 0};
        run_call(contexts[way == 2], way ? &pnn_backend_cpu : &pnn_backend_ref, &call);
        results[way] = call.out;
        free(call.in[0].data);
        free(call.in[1].data);
    }
    const float *want = results[0].data, *is = results[1].data;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)is[i] - (double)want[i]) <= 2e-6 * largest))
            fail_msg(
                "operation %d, %zu to %zu channels, side %d, stride %d: %g at %zu, expected %g", op,
                c->cin, c->cout, c->k, c->stride, (double)is[i], i, (double)want[i]);
    assert_memory_equal(results[2].data, results[1].data, n * sizeof *is);
    for (int way = 0; way < 3; way++) free(results[way].data);
}

static void convolutions(void **state)
{
    static const struct shape shapes[] = {
        {4, 9, 11, 64, 64, 3, 1, 2, 2}, {3, 8, 7, 73, 16, 3, 1, 1, 1},
        {2, 10, 6, 9, 64, 3, 1, 1, 1},  {1, 12, 10, 32, 48, 3, 2, 1, 1},
        {18, 6, 6, 32, 32, 4, 2, 1, 1}, {5, 5, 7, 64, 16, 1, 1, 1, 0}};
    (void)state;
    if (too_slow()) skip();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_call(&shapes[i], PNN_OP_CONV);
        check_call(&shapes[i], PNN_OP_CONV_DATA);
        check_call(&shapes[i], PNN_OP_CONV_WEIGHT);
    }
}

/* ---- Steps ---- */

enum { PATCH = 24, BATCH = 2, VALUES = BATCH * PATCH * PATCH * 3 };

static void load_recipe(pln_recipe *r)
{
    char path[] = "/tmp/planish-precision-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    assert_non_null(f);
    fprintf(f,
            "[network]\nsystem=sasnet\nconfig={\"width\": 32, \"blocks\": [1]}\n[data]\npatch=%d\n"
            "batch=%d\n[optimiser]\nsteps=8\nrate=1e-3\n[loss]\nl1=1\n",
            PATCH, BATCH);
    fclose(f);
    OK(contexts[0], pln_recipe_load(contexts[0], path, NULL, 0, r));
    unlink(path);
}

/* Steps [from, to) on what `store` holds, by a step made anew; the last one's loss. */
static double train(pln_context *ctx, pln_precision precision, pnn_store *store, uint64_t from,
                    uint64_t to)
{
    static float in[VALUES], truth[VALUES];
    const pln_batch batch = {.n = BATCH, .patch = PATCH, .in = in, .truth = truth};
    const pln_step_options how = {NULL, 3, precision};
    pln_recipe r;
    pln_step *step = NULL;
    double loss = 0;
    for (size_t i = 0; i < VALUES; i++) {
        truth[i] = (float)(i / 900 % 2);
        in[i] = truth[i] + 0.2f * (float)pln_random(9, 1, i);
    }
    load_recipe(&r);
    OK(ctx, pln_step_new(ctx, &r, &batch, store, &how, &step));
    for (uint64_t i = from; i < to; i++) OK(ctx, pln_step_run(step, i, &loss));
    pln_step_free(step);
    pln_recipe_free(&r);
    return loss;
}

static pnn_store *trained(pln_context *ctx, pln_precision precision, uint64_t steps, double *loss)
{
    pnn_store *store;
    OK(ctx, pnn_store_new(ctx, &store));
    *loss = train(ctx, precision, store, 0, steps);
    return store;
}

/* After the first step Adam's first moments are the gradients times 0.1. */
static void gradients_are_near(void **state)
{
    double loss[2], ab = 0, aa = 0, bb = 0;
    (void)state;
    if (too_slow()) skip();
    pnn_store *a = trained(contexts[0], PLN_PRECISION_F32, 1, &loss[0]),
              *b = trained(contexts[0], PLN_PRECISION_BF16, 1, &loss[1]);
    for (size_t i = 0; i < pnn_store_count(a); i++) {
        const char *name;
        size_t d[4], n;
        const float *v = pnn_store_at(a, i, &name, d), *u = pnn_store_find(b, name, &n);
        if (!strstr(name, ".adam_m")) continue;
        for (size_t k = 0; k < n; k++) {
            ab += (double)v[k] * (double)u[k];
            aa += (double)v[k] * (double)v[k];
            bb += (double)u[k] * (double)u[k];
        }
    }
    double cosine = ab / sqrt(aa * bb);
    print_message("losses %g, %g; cosine of gradients %.6f\n", loss[0], loss[1], cosine);
    assert_true(fabs(loss[1] / loss[0] - 1) < 1e-2);
    assert_true(cosine > 0.999 && cosine < 1 - 1e-9);
    pnn_store_free(a);
    pnn_store_free(b);
}

static void training_goes_on(void **state)
{
    double first, whole, parts, f32;
    (void)state;
    if (too_slow()) skip();
    pnn_store *start = trained(contexts[0], PLN_PRECISION_BF16, 1, &first),
              *a = trained(contexts[0], PLN_PRECISION_BF16, 8, &whole),
              *b = trained(contexts[1], PLN_PRECISION_BF16, 5, &parts),
              *c = trained(contexts[0], PLN_PRECISION_F32, 8, &f32);
    parts = train(contexts[1], PLN_PRECISION_BF16, b, 5, 8);
    print_message("loss %g, %g after 8 steps, %g in f32\n", first, whole, f32);
    assert_true(whole < 0.95 * first && fabs(whole / f32 - 1) < 2e-2);
    assert_true(whole == parts);
    for (size_t i = 0; i < pnn_store_count(a); i++) {
        const char *name;
        size_t d[4], n;
        const float *v = pnn_store_at(a, i, &name, d), *u = pnn_store_find(b, name, &n);
        assert_memory_equal(v, u, n * sizeof *v);
    }
    pnn_store_free(start);
    pnn_store_free(a);
    pnn_store_free(b);
    pnn_store_free(c);
}

static void refused_where_it_would_be_slow(void **state)
{
    const pln_context_options o = {sizeof o, .threads = 1, .isa = "baseline"};
    const pln_batch batch = {.n = BATCH, .patch = PATCH};
    const pln_step_options how = {NULL, 3, PLN_PRECISION_BF16};
    pln_context *ctx;
    pnn_store *store;
    pln_step *step = NULL;
    pln_recipe r;
    (void)state;
    OK(NULL, pln_context_new_with(&o, &ctx));
    load_recipe(&r);
    OK(ctx, pnn_store_new(ctx, &store));
    assert_int_equal(pln_step_new(ctx, &r, &batch, store, &how, &step), PLN_E_UNSUPPORTED);
    pnn_store_free(store);
    pln_recipe_free(&r);
    pln_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(gradients_are_near),
        cmocka_unit_test(training_goes_on),
        cmocka_unit_test(refused_where_it_would_be_slow),
    };
    return cmocka_run_group_tests_name("train_precision", tests, setup, teardown);
}
