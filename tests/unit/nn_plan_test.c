/* SPDX-License-Identifier: MIT */
/* nn: the same graph, with passes and without, on both back ends, gives the same. */
#include "support.h"

#include "nn/plan.h"

static pln_context *ctx;

static int setup(void **state)
{
    (void)state;
    return pln_context_new(&ctx);
}

static int teardown(void **state)
{
    (void)state;
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return held != 0;
}

enum { H = 13, W = 18, MOST = 2 * H * W * 3 };

/* Of the maximum and the mean over some axes. */
static pnn_node gate_of(pnn_graph *g, pnn_node x, pnn_axis axis, unsigned over, long c)
{
    pnn_node both = pnn_concat2(g, axis, pnn_reduce(g, PNN_REDUCE_MAX, x, over),
                                pnn_reduce(g, PNN_MEAN, x, over));
    both = pnn_conv(g, both, c == 1 ? "spatial" : "channel", (pnn_conv_spec){.out = c, .k = 1});
    if (axis == PNN_AXIS_W) both = pnn_reduce(g, PNN_SUM, both, PNN_OVER_W);
    return pnn_unary(g, PNN_SIGMOID, both, 0, 0);
}

/* All that passes look for: normalisation after a convolution and alone, activations, additions
 * before and after them and behind a normalisation, slices, nested concatenations, chains, an
 * expansion, gates, two Haar levels, few channels beside many. */
static pnn_node network(pnn_graph *g, pnn_node x, pnn_norm_kind kind)
{
    const pnn_conv_spec spec = {.out = 32, .k = 3, .dilation = 2, .pad = PNN_SAME};
    pnn_node first =
        pnn_relu(g, pnn_conv(g, x, "first", (pnn_conv_spec){.out = 32, .k = 3, .pad = PNN_SAME}));
    pnn_node a = pnn_relu(g, pnn_norm(g, pnn_conv(g, first, "a", spec), "a_norm", kind, 0.1));
    pnn_node b = pnn_norm(g, a, "b_norm", kind, 0.1);
    pnn_node c = pnn_add(g, pnn_leaky_relu(g, pnn_conv(g, b, "c", spec), 0.2), a);
    pnn_node d = pnn_relu(g, pnn_add(g, pnn_conv(g, c, "d", spec), first));
    d = pnn_relu(
        g, pnn_add(g, d, pnn_norm(g, pnn_conv(g, d, "e", spec), "e_norm", PNN_NORM_IMAGE, 0)));
    pnn_node parts = pnn_concat2(g, PNN_AXIS_C, pnn_slice(g, d, 8, 8), pnn_slice(g, c, 0, 8));
    pnn_node all = pnn_concat(g, PNN_AXIS_C, (const pnn_node[]){parts, d, a}, 3);
    pnn_node gate = pnn_unary(
        g, PNN_SIGMOID,
        pnn_linear(g, pnn_reduce(g, PNN_MEAN, all, PNN_OVER_H | PNN_OVER_W), "gate", 80), 0, 0);
    all = pnn_mul(g, all, pnn_expand(g, gate, all));
    all = pnn_mul(g, all, gate_of(g, all, PNN_AXIS_W, PNN_OVER_H | PNN_OVER_W, 80));
    all = pnn_mul(g, all, gate_of(g, all, PNN_AXIS_C, PNN_OVER_C, 1));
    pnn_node mixed = pnn_conv(g, all, "mix", (pnn_conv_spec){.out = 16, .k = 1});
    pnn_node even = pnn_pad_to_multiple(g, mixed, 2, PNN_PAD_REFLECT);
    pnn_node low =
        pnn_conv(g, pnn_haar(g, even), "low", (pnn_conv_spec){.out = 64, .k = 3, .pad = PNN_SAME});
    pnn_node up = pnn_crop_like(g, pnn_haar_inverse(g, low), x);
    pnn_node soft = pnn_unary(g, PNN_TANH, pnn_affine(g, pnn_mul(g, up, mixed), 0.5, 0.1), 0, 0);
    pnn_node beside = pnn_concat2(g, PNN_AXIS_C, x, pnn_add(g, soft, up));
    return pnn_conv(g, beside, "last", (pnn_conv_spec){.out = 3, .k = 3, .pad = 1});
}

/* Values in every row of statistics, so that folding them is seen. */
static void unsettle(pnn_store *store)
{
    const char *name;
    size_t dims[4];
    for (size_t i = 0; i < pnn_store_count(store); i++) {
        float *v = pnn_store_at(store, i, &name, dims);
        if (!strstr(name, "norm")) continue;
        for (size_t k = 0; k < dims[3]; k++)
            v[k] = (float)(0.5 + pln_random(7, i, k)) * (strstr(name, "mean") ? 0.2f : 1);
    }
}

static float *picture(void)
{
    static float x[MOST];
    for (size_t i = 0; i < MOST; i++) x[i] = (float)pln_random(1, 2, i);
    return x;
}

static void run_once(pnn_plan_options o, float *y)
{
    pnn_graph *g;
    pnn_store *store;
    pnn_plan *plan = NULL;
    size_t dims[4];
    assert_int_equal(pnn_graph_new(ctx, &g), 0);
    pnn_output(g, network(g, pnn_input(g, "x", 3), PNN_NORM_RUNNING), "y");
    assert_int_equal(pnn_store_new(ctx, &store), 0);
    assert_int_equal(pnn_store_init(store, g, 3), 0);
    unsettle(store);
    o.size = (pnn_size){2, H, W};
    if (pnn_plan_new(ctx, g, store, &o, &plan)) fail_msg("%s", pln_context_message(ctx));
    pnn_graph_free(g);
    assert_true(pnn_plan_dims(plan, "y", dims));
    assert_int_equal(dims[0] * dims[1] * dims[2] * dims[3], MOST);
    assert_int_equal(pnn_plan_bind(plan, "x", picture()), 0);
    assert_int_equal(pnn_plan_bind(plan, "y", y), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(pnn_plan_run(plan), 0);
    pnn_plan_free(plan);
    pnn_store_free(store);
}

static double furthest(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)a[i] - b[i]));
    return most;
}

static void inference_is_the_same_with_passes(void **state)
{
    static float plain[MOST], y[MOST];
    (void)state;
    run_once((pnn_plan_options){.backend = PNN_BACKEND_REF, .plain = true}, plain);
    run_once((pnn_plan_options){.backend = PNN_BACKEND_REF}, y);
    assert_in_range((int)(1e8 * furthest(plain, y, MOST)), 0, 100);
    run_once((pnn_plan_options){.backend = PNN_BACKEND_CPU, .plain = true}, y);
    assert_in_range((int)(1e8 * furthest(plain, y, MOST)), 0, 1000);
    run_once((pnn_plan_options){.backend = PNN_BACKEND_CPU}, y);
    assert_in_range((int)(1e8 * furthest(plain, y, MOST)), 0, 1000);
}

/* Three steps of Adam; the parameters afterwards. */
static uint64_t train_bytes; /* of the last plan */
static pnn_store *train(pnn_plan_options o, float *losses)
{
    enum { MAX = 64 };
    pnn_graph *g;
    pnn_store *store;
    pnn_plan *plan = NULL;
    pnn_node params[MAX], grads[MAX];
    float rate[2] = {1e-3f, 0};
    assert_int_equal(pnn_graph_new(ctx, &g), 0);
    pnn_node x = pnn_input(g, "x", 3), y = network(g, x, PNN_NORM_BATCH);
    pnn_node error = pnn_unary(g, PNN_ABS, pnn_sub(g, y, x), 0, 0);
    pnn_node loss = pnn_reduce(g, PNN_MEAN, error, PNN_OVER_ALL);
    pnn_node r = pnn_input_shaped(g, "rate",
                                  (pnn_shape){pnn_dim_const(g, 1), pnn_dim_const(g, 1),
                                              pnn_dim_const(g, 1), pnn_dim_const(g, 2)});
    size_t n = pnn_params(g, PNN_TRAINED, params, MAX);
    pnn_gradients(g, loss, params, n, grads);
    for (size_t i = 0; i < n; i++)
        pnn_adam_step(g, params[i], grads[i], r, (pnn_adam){0.9, 0.999, 1e-8});
    pnn_output(g, loss, "loss");
    assert_int_equal(pnn_store_new(ctx, &store), 0);
    o.size = (pnn_size){2, H, W};
    o.train = true;
    if (pnn_store_init(store, g, 3) || pnn_plan_new(ctx, g, store, &o, &plan))
        fail_msg("%s", pln_context_message(ctx));
    pnn_graph_free(g);
    train_bytes = pnn_plan_bytes(plan);
    assert_int_equal(pnn_plan_bind(plan, "x", picture()), 0);
    assert_int_equal(pnn_plan_bind(plan, "rate", rate), 0);
    for (int i = 0; i < 3; i++) {
        rate[1] += 1;
        assert_int_equal(pnn_plan_bind(plan, "loss", &losses[i]), 0);
        assert_int_equal(pnn_plan_run(plan), 0);
    }
    pnn_plan_free(plan);
    return store;
}

static void training_is_the_same_with_passes(void **state)
{
    const pnn_plan_options others[] = {{.backend = PNN_BACKEND_REF},
                                       {.backend = PNN_BACKEND_CPU, .plain = true},
                                       {.backend = PNN_BACKEND_CPU}};
    float plain[3], losses[3];
    (void)state;
    pnn_store *truth = train((pnn_plan_options){.backend = PNN_BACKEND_REF, .plain = true}, plain);
    assert_true(plain[2] < plain[0]);
    for (size_t i = 0; i < 3; i++) {
        pnn_store *store = train(others[i], losses);
        for (int k = 0; k < 3; k++)
            assert_in_range((int)(1e6 * fabs(losses[k] / plain[k] - 1)), 0, 100);
        assert_int_equal(pnn_store_count(store), pnn_store_count(truth));
        for (size_t p = 0; p < pnn_store_count(store); p++) {
            const char *name;
            size_t dims[4], count;
            const float *value = pnn_store_at(store, p, &name, dims),
                        *want = pnn_store_find(truth, name, &count);
            /* Where a gradient is nearly zero, Adam's first steps turn rounding into direction;
             * running statistics follow the weights. */
            double off = furthest(value, want, count);
            if (strstr(name, "running") ? off > 3e-4 : off > 7e-3) fail_msg("%s: %g", name, off);
        }
        pnn_store_free(store);
    }
    pnn_store_free(truth);
}

/* Values made again are the values: the same bytes out of less memory. */
static void training_keeps_what_it_is_told(void **state)
{
    static const pnn_keep less[] = {PNN_KEEP_DEAR, PNN_KEEP_HALF, PNN_KEEP_CUTS};
    float all[3], losses[3];
    (void)state;
    pnn_store *truth =
        train((pnn_plan_options){.backend = PNN_BACKEND_CPU, .keep = PNN_KEEP_ALL}, all);
    uint64_t most = train_bytes;
    for (size_t i = 0; i < 3; i++) {
        pnn_store *store =
            train((pnn_plan_options){.backend = PNN_BACKEND_CPU, .keep = less[i]}, losses);
        assert_memory_equal(losses, all, sizeof all);
        assert_true(train_bytes < most);
        for (size_t p = 0; p < pnn_store_count(store); p++) {
            const char *name;
            size_t dims[4], count;
            const float *value = pnn_store_at(store, p, &name, dims),
                        *want = pnn_store_find(truth, name, &count);
            assert_memory_equal(value, want, count * sizeof *want);
        }
        pnn_store_free(store);
    }
    pnn_store_free(truth);
}

/* What a chain of convolutions, normalised, keeps. */
static void less_is_kept_of_a_chain(void **state)
{
    enum { DEPTH = 12, MAX = 64 };
    pnn_graph *g;
    pnn_store *store;
    pnn_node params[MAX], grads[MAX];
    uint64_t bytes[PNN_KEEP_ALL + 1];
    (void)state;
    assert_int_equal(pnn_graph_new(ctx, &g), 0);
    pnn_node x = pnn_input(g, "x", 16);
    for (int i = 0; i < DEPTH; i++) {
        x = pnn_conv(g, x, pnn_name(g, "conv%d", i),
                     (pnn_conv_spec){.out = 16, .k = 3, .pad = PNN_SAME});
        x = pnn_relu(g, pnn_norm(g, x, pnn_name(g, "norm%d", i), PNN_NORM_BATCH, 0.1));
    }
    pnn_node loss = pnn_reduce(g, PNN_MEAN, x, PNN_OVER_ALL);
    size_t n = pnn_params(g, PNN_TRAINED, params, MAX);
    pnn_gradients(g, loss, params, n, grads);
    for (size_t i = 0; i < n; i++) pnn_output(g, grads[i], pnn_name(g, "grad%zu", i));
    assert_int_equal(pnn_store_new(ctx, &store), 0);
    for (int keep = 0; keep <= PNN_KEEP_ALL; keep++) {
        const pnn_plan_options o = {
            .size = {1, 64, 64}, .backend = PNN_BACKEND_CPU, .train = true, .keep = (pnn_keep)keep};
        assert_int_equal(pnn_plan_estimate(ctx, g, store, &o, &bytes[keep]), 0);
        bytes[keep] /= 64 * 64 * 16 * sizeof(float); /* in maps */
    }
    assert_in_range(bytes[PNN_KEEP_ALL], 2 * DEPTH, 2 * DEPTH + 3);
    assert_in_range(bytes[PNN_KEEP_DEAR], DEPTH, DEPTH + 3);
    assert_in_range(bytes[PNN_KEEP_HALF], DEPTH / 2, DEPTH / 2 + 4);
    assert_true(bytes[PNN_KEEP_CUTS] < bytes[PNN_KEEP_DEAR]);
    pnn_store_free(store);
    pnn_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inference_is_the_same_with_passes),
        cmocka_unit_test(training_is_the_same_with_passes),
        cmocka_unit_test(training_keeps_what_it_is_told),
        cmocka_unit_test(less_is_kept_of_a_chain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
