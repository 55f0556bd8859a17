/* SPDX-License-Identifier: MIT */
/* What random values do not show: ties, bounds, zeros, large numbers, noise, optimiser steps. On
 * ref, on the instruction set that PLANISH_ISA names, and on the back end cuda in the host's
 * memory.
 */
#include "../support.h"
#include "host_device.h"
#include "nn/plan.h"
#include "op_machine.h"

static const pnn_backend_info *const backends[] = {&pnn_backend_ref, &pnn_backend_cpu,
                                                   &pnn_backend_cuda};
enum { BACKENDS = sizeof backends / sizeof *backends };

static pln_context *ctx;
static pnn_graph *g;
static pln_device *device;

static int setup(void **state)
{
    (void)state;
    return pln_context_new(&ctx) || pnn_graph_new(ctx, &g) ||
                   host_device_open(ctx, HOST_ENGINES_ALL, &device)
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    pnn_graph_free(g);
    pln_device_close(device);
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return held != 0;
}

static pnn_node input(const char *name, long n, long h, long w, long c)
{
    return pnn_input_shaped(g, name, pnn_shape_const(g, n, h, w, c));
}

/* Sum of y times the row r: gradients of y with chosen dy. */
static pnn_node weighted(pnn_node y, pnn_node r)
{
    return pnn_reduce(g, PNN_SUM, pnn_mul(g, y, r), PNN_OVER_ALL);
}

/* Values of node y where the inputs are those given, on back end k. */
struct bound {
    pnn_node x;
    const float *values;
};
static op_machine *run(int k, const struct bound *inputs, size_t count)
{
    OK(ctx, pnn_graph_status(g));
    op_machine *m = op_machine_new(ctx, g, (pnn_size){1, 1, 1}, true,
                                   backends[k] == &pnn_backend_cuda ? device : NULL);
    for (size_t i = 0; i < count; i++) op_machine_set(m, inputs[i].x, inputs[i].values);
    op_machine_prepare(m, backends[k], false, 5);
    op_machine_run(m);
    return m;
}

static void expect(const op_machine *m, pnn_node x, const float *want, double relative,
                   const char *what, int k)
{
    size_t n = op_machine_elements(m, x);
    float *got = NULL;
    OK(ctx, pln_alloc(ctx, n, sizeof *got, &got));
    op_machine_get(m, x, got);
    for (size_t i = 0; i < n; i++)
        if (!(got[i] == want[i] || fabs((double)got[i] - want[i]) <= relative * fabs(want[i])))
            fail_msg("%s on %s: %.9g instead of %.9g at %zu", what, backends[k]->name,
                     (double)got[i], (double)want[i], i);
    pln_free(got);
}

static void ties_of_pooling_go_to_the_first(void **state)
{
    (void)state;
    /* Rows of 2 x 4 x 1: cells (2 2 / 2 1) and (0 3 / 3 3). */
    static const float values[] = {2, 2, 0, 3, 2, 1, 3, 3}, up[] = {5, 7};
    static const float want[] = {5, 0, 0, 7, 0, 0, 0, 0};
    pnn_node x = input("x", 1, 2, 4, 1), r = input("r", 1, 1, 2, 1), dx;
    pnn_gradients(g, weighted(pnn_max_pool(g, x, 2), r), &x, 1, &dx);
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k, (struct bound[]){{x, values}, {r, up}}, 2);
        expect(m, dx, want, 0, "gradient of max_pool", k);
        op_machine_free(m);
    }
}

static void ties_of_maxima_go_to_the_first_in_memory(void **state)
{
    (void)state;
    /* 2 x 1 x 2 x 3; the largest value, 4, is in many places. */
    static const float values[] = {1, 4, 2, 4, 4, 0, 4, 4, 4, 4, 4, 4}, up[] = {3, 5, 7, 11};
    static const float all[] = {0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    /* Of picture 0: channel 0 at pixel 1, channels 1 and 2 at pixel 0. */
    static const float pixels[] = {0, 5, 7, 3, 0, 0, 3, 5, 7, 0, 0, 0};
    static const float channels[] = {0, 3, 0, 5, 0, 0, 7, 0, 0, 11, 0, 0};
    pnn_node x = input("x", 2, 1, 2, 3), r1 = input("r1", 1, 1, 1, 1), r2 = input("r2", 1, 1, 1, 3),
             r3 = input("r3", 2, 1, 2, 1), a, b, c;
    pnn_gradients(g, weighted(pnn_reduce(g, PNN_REDUCE_MAX, x, PNN_OVER_ALL), r1), &x, 1, &a);
    pnn_gradients(g, weighted(pnn_reduce(g, PNN_REDUCE_MAX, x, PNN_OVER_H | PNN_OVER_W), r2), &x, 1,
                  &b);
    pnn_gradients(g, weighted(pnn_reduce(g, PNN_REDUCE_MAX, x, PNN_OVER_C), r3), &x, 1, &c);
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k, (struct bound[]){{x, values}, {r1, up}, {r2, up}, {r3, up}}, 4);
        expect(m, a, all, 0, "gradient of the maximum of all", k);
        expect(m, b, pixels, 0, "gradient of the maximum of pixels", k);
        expect(m, c, channels, 0, "gradient of the maximum of channels", k);
        op_machine_free(m);
    }
}

static void ties_of_min_and_max_go_to_the_first_operand(void **state)
{
    (void)state;
    static const float p[] = {1, 2, 3}, q[] = {2, 2, 2}, up[] = {3, 5, 7};
    static const float min_first[] = {3, 5, 0}, min_second[] = {0, 0, 7}, max_first[] = {0, 5, 7},
                       max_second[] = {3, 0, 0};
    pnn_node ab[] = {input("a", 1, 1, 1, 3), input("b", 1, 1, 1, 3)}, r = input("r", 1, 1, 1, 3);
    pnn_node min[2], max[2];
    pnn_gradients(g, weighted(pnn_binary(g, PNN_MIN, ab[0], ab[1]), r), ab, 2, min);
    pnn_gradients(g, weighted(pnn_binary(g, PNN_MAX, ab[0], ab[1]), r), ab, 2, max);
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k, (struct bound[]){{ab[0], p}, {ab[1], q}, {r, up}}, 3);
        expect(m, min[0], min_first, 0, "gradient of min to the first", k);
        expect(m, min[1], min_second, 0, "gradient of min to the second", k);
        expect(m, max[0], max_first, 0, "gradient of max to the first", k);
        expect(m, max[1], max_second, 0, "gradient of max to the second", k);
        op_machine_free(m);
    }
}

static void slopes_at_kinks(void **state)
{
    (void)state;
    static const struct {
        pnn_unary_fn fn;
        double a, b;
        float x[4], slope[4];
    } rows[] = {
        {PNN_RELU, 0, 0, {-1, 0, 1, 2}, {0, 0, 1, 1}},
        {PNN_RELU6, 0, 0, {0, 6, 5, 7}, {0, 0, 1, 0}},
        {PNN_LEAKY_RELU, 0.25, 0, {-1, 0, 1, -2}, {0.25f, 0.25f, 1, 0.25f}},
        {PNN_ABS, 0, 0, {-1, 0, 1, 2}, {-1, 0, 1, 1}},
        {PNN_CLAMP, -1, 2, {-1, 2, -1.5f, 2.5f}, {1, 1, 0, 0}},
        {PNN_STEP, 0, 0, {-1, 0, 1, 2}, {0, 0, 0, 0}},
        {PNN_SIGN, 0, 0, {-1, 0, 1, 2}, {0, 0, 0, 0}},
    };
    enum { ROWS = sizeof rows / sizeof *rows };
    pnn_node x[ROWS], dx[ROWS];
    struct bound inputs[ROWS];
    for (int i = 0; i < ROWS; i++) {
        x[i] = input(pnn_name(g, "x%d", i), 1, 1, 1, 4);
        inputs[i] = (struct bound){x[i], rows[i].x};
        pnn_node y = pnn_unary(g, rows[i].fn, x[i], rows[i].a, rows[i].b);
        pnn_gradients(g, pnn_reduce(g, PNN_SUM, y, PNN_OVER_ALL), &x[i], 1, &dx[i]);
    }
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k, inputs, ROWS);
        for (int i = 0; i < ROWS; i++)
            expect(m, dx[i], rows[i].slope, 0, pnn_unary_name(rows[i].fn), k);
        op_machine_free(m);
    }
}

/* Values where formulas that are right on paper overflow or lose everything. */
static void functions_of_large_and_tiny_numbers(void **state)
{
    (void)state;
    static const float x[8] = {-1000, -80, -30, -1e-20f, 0, 1e-20f, 30, 80};
    static const float sigmoid[8] =
        {0, 1.8048513878454153e-35f, 9.3576229688393e-14f, 0.5f, 0.5f, 0.5f, 1, 1},
                       tanh_[8] = {-1, -1, -1, -1e-20f, 0, 1e-20f, 1, 1},
                       exp_[8] = {0, 1.8048513878454153e-35f, 9.3576229688401746e-14f, 1, 1,
                                  1, 1.0686474581524463e13f,  5.5406223843935098e34f},
                       log_sigmoid[8] = {-1000,
                                         -80,
                                         -30,
                                         -0.69314718f,
                                         -0.69314718f,
                                         -0.69314718f,
                                         -9.3576229688397e-14f,
                                         -1.8048513878454153e-35f};
    static const struct {
        pnn_unary_fn fn;
        const float *want;
    } rows[] = {
        {PNN_SIGMOID, sigmoid}, {PNN_TANH, tanh_}, {PNN_EXP, exp_}, {PNN_LOG_SIGMOID, log_sigmoid}};
    enum { ROWS = sizeof rows / sizeof *rows };
    pnn_node in = input("x", 1, 1, 1, 8), y[ROWS];
    for (int i = 0; i < ROWS; i++) y[i] = pnn_unary(g, rows[i].fn, in, 0, 0);
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k, (struct bound[]){{in, x}}, 1);
        for (int i = 0; i < ROWS; i++)
            expect(m, y[i], rows[i].want, 1e-6, pnn_unary_name(rows[i].fn), k);
        op_machine_free(m);
    }
}

static void noise_depends_on_seed_stream_and_place_in_planes(void **state)
{
    enum { N = 2, H = 3, W = 5, C = 4 };
    (void)state;
    pnn_node like = input("like", N, H, W, C), a = pnn_noise(g, like, 7), b = pnn_noise(g, like, 8);
    static const float zeros[N * H * W * C];
    float want[2][N * H * W * C];
    for (uint64_t n = 0, i = 0; n < N; n++)
        for (uint64_t h = 0; h < H; h++)
            for (uint64_t w = 0; w < W; w++)
                for (uint64_t c = 0; c < C; c++, i++)
                    for (uint64_t s = 0; s < 2; s++)
                        want[s][i] =
                            (float)pln_random_normal(5, 7 + s, ((n * C + c) * H + h) * W + w);
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k, (struct bound[]){{like, zeros}}, 1);
        expect(m, a, want[0], 1e-6, "noise of stream 7", k);
        expect(m, b, want[1], 1e-6, "noise of stream 8", k);
        op_machine_free(m);
    }
}

/* Three steps of torch.optim.Adam(lr 0.1, eps 1e-8) in double, float gradients. */
static void adam_steps_are_those_of_pytorch(void **state)
{
    (void)state;
    static const float start[] = {0.5f, -1.25f, 1, 2}, zeros[4];
    static const float grads[3][4] = {
        {1, -0.5f, 0.25f, 0}, {0.5f, 0.75f, -2, 0}, {-1, 0.125f, 0.5f, 1}};
    static const float want_p[] = {0.2957037312938717f, -1.2025162872283748f, 0.9993097314831182f,
                                   1.936118641166053f},
                       want_m[] = {0.026f, 0.0395f, -0.10975f, 0.1f},
                       want_v[] = {0.002247751f, 0.00082706275f, 0.0043083750625f, 0.001f};
    const pnn_init zero = {PNN_INIT_VALUE, 0};
    pnn_node p = pnn_param(g, "p", PNN_TRAINED, (const long[4]){1, 1, 1, 4}, zero),
             grad = input("grad", 1, 1, 1, 4), rate = input("rate", 1, 1, 1, 2);
    pnn_adam_step(g, p, grad, rate, (pnn_adam){0.9, 0.999, 1e-8});
    pnn_node mean = pnn_find(g, PNN_OP_PARAM, "p.adam_m"),
             var = pnn_find(g, PNN_OP_PARAM, "p.adam_v");
    for (int k = 0; k < BACKENDS; k++) {
        op_machine *m = run(k,
                            (struct bound[]){{p, start},
                                             {mean, zeros},
                                             {var, zeros},
                                             {grad, grads[0]},
                                             {rate, (const float[]){0.1f, 1}}},
                            5);
        for (int t = 1; t < 3; t++) {
            op_machine_set(m, grad, grads[t]);
            op_machine_set(m, rate, (const float[]){0.1f, (float)(t + 1)});
            op_machine_run(m);
        }
        expect(m, p, want_p, 5e-7, "parameter after Adam", k);
        expect(m, mean, want_m, 1e-6, "first moment", k);
        expect(m, var, want_v, 1e-6, "second moment", k);
        op_machine_free(m);
    }
}

/* What reads a parameter reads it before its assignment, whatever the order of the calls. */
static void assignments_come_last(void **state)
{
    (void)state;
    const pnn_init one = {PNN_INIT_VALUE, 1};
    pnn_node p = pnn_param(g, "p", PNN_STATE, (const long[4]){1, 1, 1, 2}, one);
    pnn_node part = pnn_slice(g, p, 1, 1);
    pnn_assign(g, p, pnn_affine(g, p, 3, 0));
    pnn_output(g, pnn_affine(g, p, 1, 0.5), "y");
    pnn_output(g, pnn_affine(g, part, 2, 0), "z"); /* through a view */
    OK(ctx, pnn_graph_status(g));
    for (int k = 0; k < BACKENDS; k++)
        for (int plain = 0; plain < 2; plain++) {
            pnn_store *store = NULL;
            pnn_plan *plan = NULL;
            float y[2], z;
            pnn_plan_options o = {.size = {1, 1, 1},
                                  .train = true,
                                  .plain = plain,
                                  .backend = k ? PNN_BACKEND_CPU : PNN_BACKEND_REF};
            OK(ctx, pnn_store_new(ctx, &store));
            OK(ctx, pnn_plan_new(ctx, g, store, &o, &plan));
            OK(ctx, pnn_plan_bind(plan, "y", y));
            OK(ctx, pnn_plan_bind(plan, "z", &z));
            for (float want = 1; want < 30; want *= 3) {
                OK(ctx, pnn_plan_run(plan));
                assert_true(y[0] == want + 0.5f && y[1] == want + 0.5f && z == 2 * want);
            }
            assert_true(pnn_store_find(store, "p", NULL)[1] == 81);
            pnn_plan_free(plan);
            pnn_store_free(store);
        }
}

int main(void)
{
    const char *isa = getenv("PLANISH_ISA");
    for (int i = (int)pln_isa_machine() + 1; isa && i <= PLN_ISA_AMX; i++)
        if (!strcmp(isa, pln_isa_name((pln_isa)i))) return 77; /* skipped: the machine lacks it */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(ties_of_pooling_go_to_the_first),
        TEST(ties_of_maxima_go_to_the_first_in_memory),
        TEST(ties_of_min_and_max_go_to_the_first_operand),
        TEST(slopes_at_kinks),
        TEST(functions_of_large_and_tiny_numbers),
        TEST(noise_depends_on_seed_stream_and_place_in_planes),
        TEST(adam_steps_are_those_of_pytorch),
        TEST(assignments_come_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
