/* SPDX-License-Identifier: MIT */
/* ops_bench [WORD [THREADS [ISA]]]: the operations of src/nn/backends/cpu that are no convolutions.
 * Milliseconds, bytes read and written a second, and that as a share of what memcpy reaches; for
 * matrix products 10^9 multiplications and additions a second. WORD: only the cases whose name has
 * it. The best of some runs, in processor time of the process. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/backends/backend.h"

enum { RUNS = 7 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static pln_context *ctx;

static void check(pln_status s)
{
    if (s) {
        fprintf(stderr, "ops_bench: %s\n", pln_context_message(ctx));
        exit(1);
    }
}

/* stride 0: dense. */
typedef struct shape {
    size_t d[4], stride;
} shape;

typedef struct bench {
    const char *name;
    pnn_vertex v;
    shape in[PNN_MAX_INPUTS], out;
} bench;

static pnn_tensor make(const shape *s)
{
    pnn_tensor t = {.d = {s->d[0], s->d[1], s->d[2], s->d[3]},
                    .stride = s->stride ? s->stride : s->d[3],
                    .type = PNN_F32};
    size_t n = pnn_positions(&t) * t.stride;
    if (!s->d[0]) return (pnn_tensor){0};
    check(pln_alloc(ctx, n, sizeof(float), &t.data));
    for (size_t i = 0; i < n; i++)
        ((float *)t.data)[i] = 0.1f + (float)(i * 2654435761u % 1000003) / 1000003;
    return t;
}

static double copy_rate(void)
{
    enum { N = 1 << 24 };
    float *a, *b;
    double best = INFINITY;
    check(pln_calloc(ctx, N, sizeof *a, &a));
    check(pln_calloc(ctx, N, sizeof *b, &b));
    for (int i = 0; i < RUNS; i++) {
        double from = seconds();
        a[i] = (float)i;
        memcpy(b, a, N * sizeof *a);
        best = fmin(best, seconds() - from);
    }
    pln_free(a);
    pln_free(b);
    return 2.0 * N * sizeof *a / best;
}

static void measure(const bench *c, double copy)
{
    pnn_call call = {.v = &c->v, .out = make(&c->out)};
    pnn_kernel k = {0};
    void *work;
    double best = INFINITY, bytes = 4 * (double)pnn_elements(&call.out);

    for (int i = 0; i < c->v.n_inputs; i++) {
        call.in[i] = make(&c->in[i]);
        bytes += 4 * (double)pnn_elements(&call.in[i]);
    }
    if (c->v.op == PNN_OP_ADAM) bytes *= 7.0 / 4;
    check(pnn_backend_cpu.prepare(ctx, &call, &k));
    check(pln_alloc(ctx, k.work_bytes, 1, &work));
    for (int i = 0; i < RUNS; i++) {
        double from = seconds();
        check(k.run(ctx, &k, &call, work));
        best = fmin(best, seconds() - from);
    }
    printf("%-34s %8.3f ms", c->name, 1e3 * best);
    if (c->v.op == PNN_OP_MATMUL || c->v.op == PNN_OP_GRAM) {
        double macs = (double)pnn_elements(&call.in[0]) *
                      (double)(c->v.op == PNN_OP_GRAM ? c->in[1].d[3] : c->out.d[3]);
        printf("  %6.1f GF/s\n", 2e-9 * macs / best);
    } else if (c->v.op >= PNN_OP_FAN_MAPS && c->v.op <= PNN_OP_FAN_ENERGY) {
        printf("\n"); /* hundreds of operations a byte */
    } else {
        printf("  %6.2f GB/s  %4.0f %% of memcpy\n", 1e-9 * bytes / best,
               100 * bytes / best / copy);
    }
    if (k.release) k.release(k.state);
    pln_free(work);
    pln_free(call.out.data);
    for (int i = 0; i < PNN_MAX_INPUTS; i++) pln_free(call.in[i].data);
}

#define MAP                                                                                        \
    {                                                                                              \
        1, 384, 512, 64                                                                            \
    }
#define WIDE                                                                                       \
    {                                                                                              \
        1, 384, 512, 128                                                                           \
    }
#define IMAGE                                                                                      \
    {                                                                                              \
        1, 384, 512, 3                                                                             \
    }
#define ROW                                                                                        \
    {                                                                                              \
        1, 1, 1, 64                                                                                \
    }
#define BATCH                                                                                      \
    {                                                                                              \
        8, 128, 128, 64                                                                            \
    }
#define SQUARE(c)                                                                                  \
    {                                                                                              \
        1, 224, 224, c                                                                             \
    }
#define FAN                                                                                        \
    {                                                                                              \
        .radius = 10, .alpha = 5, .c1 = 20, .c2 = 10, .sigma_r = 0.1, .sigma_s = 7, .lambda_f = 1, \
        .lambda_e = 0.1                                                                            \
    }
#define REDUCE(fn, axes) .v = {.op = PNN_OP_REDUCE, .n_inputs = 1, .attr.reduce = {fn, axes}}

static const pnn_instr gate[] = {{.binary = true, .fn = PNN_MUL, .a = 0, .b = 1},
                                 {.binary = true, .fn = PNN_ADD, .a = 3, .b = 2},
                                 {.fn = PNN_LEAKY_RELU, .a = 4, .p = 0.2}};

static const bench cases[] = {
    {"relu", {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {PNN_RELU, 0, 0}}, {{MAP}}, {MAP}},
    {"sigmoid",
     {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {PNN_SIGMOID, 0, 0}},
     {{MAP}},
     {MAP}},
    {"tanh", {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {PNN_TANH, 0, 0}}, {{MAP}}, {MAP}},
    {"exp", {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {PNN_EXP, 0, 0}}, {{MAP}}, {MAP}},
    {"log", {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {PNN_LOG, 0, 0}}, {{MAP}}, {MAP}},
    {"log_sigmoid",
     {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {PNN_LOG_SIGMOID, 0, 0}},
     {{MAP}},
     {MAP}},
    {"relu slope",
     {.op = PNN_OP_UNARY_GRAD, .n_inputs = 2, .attr.unary = {PNN_RELU, 0, 0}},
     {{MAP}, {MAP}},
     {MAP}},
    {"add", {.op = PNN_OP_BINARY, .n_inputs = 2, .attr.binary = PNN_ADD}, {{MAP}, {MAP}}, {MAP}},
    {"map times row",
     {.op = PNN_OP_BINARY, .n_inputs = 2, .attr.binary = PNN_MUL},
     {{MAP}, {ROW}},
     {MAP}},
    {"map times 1 channel",
     {.op = PNN_OP_BINARY, .n_inputs = 2, .attr.binary = PNN_MUL},
     {{MAP}, {{1, 384, 512, 1}}},
     {MAP}},
    {"image times 1 channel",
     {.op = PNN_OP_BINARY, .n_inputs = 2, .attr.binary = PNN_MUL},
     {{IMAGE}, {{1, 384, 512, 1}}},
     {IMAGE}},
    {"fused mul add leaky_relu",
     {.op = PNN_OP_FUSED, .n_inputs = 3, .attr.fused = {3, (pnn_instr *)(uintptr_t)gate}},
     {{MAP}, {ROW}, {MAP}},
     {MAP}},
    {"add, slices of 128",
     {.op = PNN_OP_BINARY, .n_inputs = 2, .attr.binary = PNN_ADD},
     {{MAP, 128}, {MAP, 128}},
     {MAP, 128}},
    {"moments", {.op = PNN_OP_MOMENTS, .n_inputs = 1}, {{BATCH}}, {{1, 1, 2, 64}}},
    {"moments of each picture",
     {.op = PNN_OP_MOMENTS, .n_inputs = 1, .attr.norm.per_image = true},
     {{BATCH}},
     {{8, 1, 2, 64}}},
    {"norm", {.op = PNN_OP_NORM, .n_inputs = 4}, {{BATCH}, {{1, 1, 2, 64}}, {ROW}, {ROW}}, {BATCH}},
    {"norm_reduce",
     {.op = PNN_OP_NORM_REDUCE, .n_inputs = 3},
     {{BATCH}, {{1, 1, 2, 64}}, {BATCH}},
     {{1, 1, 2, 64}}},
    {"norm_grad",
     {.op = PNN_OP_NORM_GRAD, .n_inputs = 5},
     {{BATCH}, {{1, 1, 2, 64}}, {ROW}, {BATCH}, {{1, 1, 2, 64}}},
     {BATCH}},
    {"concat of channels",
     {.op = PNN_OP_CONCAT, .n_inputs = 2, .attr.axis = PNN_AXIS_C},
     {{MAP}, {MAP}},
     {WIDE}},
    {"window of channels",
     {.op = PNN_OP_WINDOW, .n_inputs = 1, .attr.box = {{0, 0, 0, 32}}},
     {{WIDE}},
     {MAP}},
    {"expand a row", {.op = PNN_OP_EXPAND, .n_inputs = 1}, {{ROW}}, {MAP}},
    {"pad 16, reflect",
     {.op = PNN_OP_PAD, .n_inputs = 1, .attr.pad = {PNN_PAD_REFLECT, 16, 16}},
     {{MAP}},
     {{1, 416, 544, 64}}},
    {"haar", {.op = PNN_OP_HAAR, .n_inputs = 1}, {{MAP}}, {{1, 192, 256, 256}}},
    {"haar of an image", {.op = PNN_OP_HAAR, .n_inputs = 1}, {{IMAGE}}, {{1, 192, 256, 12}}},
    {"haar_inverse", {.op = PNN_OP_HAAR_INVERSE, .n_inputs = 1}, {{{1, 192, 256, 256}}}, {MAP}},
    {"noise", {.op = PNN_OP_NOISE}, {{{0}}}, {IMAGE}},
    {"max_pool 2",
     {.op = PNN_OP_MAX_POOL, .n_inputs = 1, .attr.k = 2},
     {{MAP}},
     {{1, 192, 256, 64}}},
    {"max_pool_grad 2",
     {.op = PNN_OP_MAX_POOL_GRAD, .n_inputs = 2, .attr.k = 2},
     {{MAP}, {{1, 192, 256, 64}}},
     {MAP}},
    {"average_pool 2",
     {.op = PNN_OP_AVERAGE_POOL, .n_inputs = 1, .attr.k = 2},
     {{MAP}},
     {{1, 192, 256, 64}}},
    {"sum over NHWC", REDUCE(PNN_SUM, 15), {{MAP}}, {{1, 1, 1, 1}}},
    {"sum over NHW", REDUCE(PNN_SUM, 7), {{BATCH}}, {ROW}},
    {"sum over NHW of 3 channels", REDUCE(PNN_SUM, 7), {{{8, 384, 512, 3}}}, {{1, 1, 1, 3}}},
    {"mean over HW", REDUCE(PNN_MEAN, 6), {{BATCH}}, {{8, 1, 1, 64}}},
    {"max over HW", REDUCE(PNN_REDUCE_MAX, 6), {{BATCH}}, {{8, 1, 1, 64}}},
    {"mean over C", REDUCE(PNN_MEAN, 8), {{MAP}}, {{1, 384, 512, 1}}},
    {"max over C", REDUCE(PNN_REDUCE_MAX, 8), {{MAP}}, {{1, 384, 512, 1}}},
    {"mean over C of an image", REDUCE(PNN_MEAN, 8), {{{8, 384, 512, 3}}}, {{8, 384, 512, 1}}},
    {"sum over N", REDUCE(PNN_SUM, 1), {{BATCH}}, {{1, 128, 128, 64}}},
    {"resize by 2", {.op = PNN_OP_RESIZE, .n_inputs = 1}, {{{1, 192, 256, 64}}}, {MAP}},
    {"resize an image by 2", {.op = PNN_OP_RESIZE, .n_inputs = 1}, {{{1, 192, 256, 3}}}, {IMAGE}},
    {"resize_grad by 2", {.op = PNN_OP_RESIZE_GRAD, .n_inputs = 1}, {{MAP}}, {{1, 192, 256, 64}}},
    {"adam",
     {.op = PNN_OP_ADAM, .n_inputs = 5, .attr.adam = {0.9, 0.999, 1e-8}},
     {{{1, 1, 1, 4000000}},
      {{1, 1, 1, 4000000}},
      {{1, 1, 1, 4000000}},
      {{1, 1, 1, 4000000}},
      {{1, 1, 1, 2}}},
     {{0}}},
    {"matmul 64 to 64", {.op = PNN_OP_MATMUL, .n_inputs = 2}, {{MAP}, {{1, 1, 64, 64}}}, {MAP}},
    {"matmul 512 to 512",
     {.op = PNN_OP_MATMUL, .n_inputs = 2},
     {{{1, 48, 64, 512}}, {{1, 1, 512, 512}}},
     {{1, 48, 64, 512}}},
    {"matmul 512 to 512, transposed",
     {.op = PNN_OP_MATMUL, .n_inputs = 2, .attr.transpose_b = true},
     {{{1, 48, 64, 512}}, {{1, 1, 512, 512}}},
     {{1, 48, 64, 512}}},
    {"gram 64", {.op = PNN_OP_GRAM, .n_inputs = 2}, {{MAP}, {MAP}}, {{1, 1, 64, 64}}},
    {"gram 512",
     {.op = PNN_OP_GRAM, .n_inputs = 2},
     {{{1, 48, 64, 512}}, {{1, 48, 64, 512}}},
     {{1, 1, 512, 512}}},
    {"fan_maps, 224x224", {.op = PNN_OP_FAN_MAPS, .n_inputs = 1}, {{SQUARE(3)}}, {SQUARE(2)}},
    {"fan_energy, 224x224, 21x21", /* value and gradient */
     {.op = PNN_OP_FAN_ENERGY, .n_inputs = 3, .attr.fan = FAN},
     {{SQUARE(3)}, {SQUARE(3)}, {SQUARE(2)}},
     {SQUARE(4)}},
};

int main(int argc, char **argv)
{
    const pln_context_options o = {sizeof o, .threads = argc > 2 ? atoi(argv[2]) : 1,
                                   .isa = argc > 3 ? argv[3] : NULL};
    if (pln_context_new_with(&o, &ctx)) {
        fprintf(stderr, "ops_bench: %s\n", pln_context_message(NULL));
        return 1;
    }
    double copy = copy_rate();
    printf("%s, memcpy %.1f GB/s\n", pln_context_isa(ctx), 1e-9 * copy);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc < 2 || strstr(cases[i].name, argv[1])) measure(&cases[i], copy);
    pln_context_free(ctx);
    return 0;
}
