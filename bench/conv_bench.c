/* SPDX-License-Identifier: MIT */
/* conv_bench [WORD [THREADS]]: the convolutions of src/nn/backends/cpu beside oneDNN's direct ones,
 * f32 and bf16, channels last: 10^9 operations of the direct sum a second of processor time, and
 * ours as a multiple. WORD: only the cases whose name has it. The best of some runs, the engines
 * taking turns. */
#include <inttypes.h>
#include <math.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/backends/cpu/conv_few.h"
#include "nn/backends/cpu/winograd.h"

void omp_set_num_threads(int threads); /* of oneDNN's loops */

#define CHECK(call)                                                                                \
    do {                                                                                           \
        int failed_ = (int)(call);                                                                 \
        if (failed_) {                                                                             \
            fprintf(stderr, "conv_bench: %s gives %d\n", #call, failed_);                          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum direction { FORWARD, DATA, WEIGHTS };
static const char *const direction_names[] = {"forward", "data", "weights"};

struct conv {
    size_t n, h, w, cin, cout, kernel, stride, dilation;
};

static const struct conv cases[] = {
    {1, 384, 512, 64, 64, 3, 1, 1},   {1, 384, 512, 64, 64, 3, 1, 2},
    {1, 384, 512, 64, 64, 3, 1, 4},   {1, 384, 512, 64, 64, 3, 1, 8},
    {1, 384, 512, 64, 64, 3, 1, 16},  {1, 192, 256, 128, 128, 3, 1, 1},
    {1, 192, 256, 256, 256, 3, 1, 1}, {1, 384, 512, 32, 32, 3, 1, 1},
    {1, 384, 512, 48, 48, 3, 1, 1},   {1, 384, 512, 64, 16, 3, 1, 1},
    {1, 384, 512, 128, 64, 3, 1, 1},  {1, 384, 512, 3, 64, 3, 1, 1},
    {1, 384, 512, 64, 3, 3, 1, 1},    {1, 384, 512, 64, 1, 3, 1, 1},
    {1, 384, 512, 3, 64, 3, 2, 1},    {1, 384, 512, 4, 64, 3, 1, 4},
    {1, 384, 512, 256, 64, 1, 1, 1},  {8, 128, 128, 64, 64, 3, 1, 1},
    {8, 128, 128, 64, 64, 3, 1, 2},   {8, 128, 128, 64, 64, 3, 1, 8},
    {8, 128, 128, 3, 64, 3, 1, 1},    {8, 128, 128, 64, 3, 3, 1, 1},
};

static size_t out_of(size_t n, size_t stride) { return (n - 1) / stride + 1; }

/* Everything both engines read and write; sizes fit every direction. */
struct problem {
    struct conv c;
    enum direction direction;
    size_t oh, ow;
    float *x, *y, *w, *bias, *db, *u, *work;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *filled(pln_context *ctx, size_t n)
{
    float *p = NULL;
    CHECK(pln_alloc(ctx, n, sizeof *p, &p));
    for (size_t i = 0; i < n; i++) p[i] = (float)(pln_random(1, 1, i) - 0.5);
    return p;
}

/* ---- Ours ---- */

struct ours {
    pln_wino_shape wino;
    pln_few_shape few;
    bool is_few, none;
};

static struct ours ours_new(pln_context *ctx, struct problem *p)
{
    const struct conv *c = &p->c;
    int threads = pln_context_threads(ctx);
    size_t pad = c->kernel / 2 * c->dilation;
    struct ours o = {.wino = {c->n, c->h, c->w, c->cin, c->cout, c->dilation},
                     .few = {.n = c->n,
                             .in_h = c->h,
                             .in_w = c->w,
                             .out_h = p->oh,
                             .out_w = p->ow,
                             .cin = c->cin,
                             .cout = c->cout,
                             .kernel_h = c->kernel,
                             .kernel_w = c->kernel,
                             .stride = c->stride,
                             .dilation = c->dilation,
                             .top = pad,
                             .left = pad}};
    o.is_few = pln_few_supported(&o.few);
    o.none = !o.is_few && (c->kernel != 3 || c->stride != 1);
    if (o.none) return o;
    if (o.is_few) {
        p->u = filled(ctx, pln_few_weights_floats(&o.few));
        pln_few_weights(&o.few, p->w, PLN_CONV_OIYX, p->u);
        p->work = filled(ctx, pln_few_weights_gradient_floats(&o.few));
        return o;
    }
    pln_wino_shape back = o.wino;
    back.cin = c->cout, back.cout = c->cin;
    p->u = filled(ctx, pln_wino_weights_floats(c->cin, c->cout));
    CHECK(pln_wino_weights(ctx, p->w, PLN_CONV_OIYX, c->cin, c->cout, p->direction == DATA, p->u));
    p->work =
        filled(ctx, p->direction == FORWARD ? pln_wino_forward_floats(&o.wino, threads)
                    : p->direction == DATA  ? pln_wino_forward_floats(&back, threads)
                                            : pln_wino_weights_gradient_floats(&o.wino, threads));
    if (p->direction == DATA) o.wino = back;
    return o;
}

static void ours_run(pln_context *ctx, const struct ours *o, const struct problem *p)
{
    const size_t cin = p->c.cin, cout = p->c.cout;
    const pln_conv_epilogue e = {.bias = p->bias, .activate = true};

    if (o->is_few && p->direction == FORWARD)
        CHECK(pln_few_forward(ctx, &o->few, p->x, cin, p->u, &e, p->y, cout));
    else if (o->is_few && p->direction == DATA)
        CHECK(pln_few_gradient(ctx, &o->few, p->y, cout, p->u, NULL, p->x, cin));
    else if (o->is_few)
        CHECK(pln_few_weights_gradient(ctx, &o->few, p->x, cin, p->y, cout, PLN_CONV_OIYX, p->w,
                                       p->db, p->work));
    else if (p->direction == FORWARD)
        CHECK(pln_wino_forward(ctx, &o->wino, p->x, cin, p->u, &e, p->y, cout, p->work));
    else if (p->direction == DATA)
        CHECK(pln_wino_forward(ctx, &o->wino, p->y, cout, p->u, NULL, p->x, cin, p->work));
    else
        CHECK(pln_wino_weights_gradient(ctx, &o->wino, p->x, cin, p->y, cout, PLN_CONV_OIYX, p->w,
                                        p->db, p->work));
}

/* ---- oneDNN ---- */

struct peer {
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[5];
    dnnl_exec_arg_t args[5];
    int n;
};

static void peer_add(struct peer *q, dnnl_engine_t engine, int arg, const dnnl_memory_desc_t *md)
{
    CHECK(dnnl_memory_create(&q->memory[q->n], md, engine, DNNL_MEMORY_ALLOCATE));
    void *bytes = NULL;
    CHECK(dnnl_memory_get_data_handle(q->memory[q->n], &bytes));
    memset(bytes, 0, dnnl_memory_desc_get_size(md));
    q->args[q->n] = (dnnl_exec_arg_t){arg, q->memory[q->n]};
    q->n++;
}

static struct peer peer_new(dnnl_engine_t engine, const struct problem *p, dnnl_data_type_t type)
{
    const struct conv *c = &p->c;
    struct peer q = {0};
    dnnl_memory_desc_t x, w, b, y;
    dnnl_convolution_desc_t cd;
    dnnl_primitive_desc_t hint = NULL, pd = NULL;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    const dnnl_dims_t xd = {(int64_t)c->n, (int64_t)c->cin, (int64_t)c->h, (int64_t)c->w},
                      wd = {(int64_t)c->cout, (int64_t)c->cin, (int64_t)c->kernel,
                            (int64_t)c->kernel},
                      bd = {(int64_t)c->cout},
                      yd = {(int64_t)c->n, (int64_t)c->cout, (int64_t)p->oh, (int64_t)p->ow};
    const int64_t pad = (int64_t)(c->kernel / 2 * c->dilation);
    const dnnl_dims_t strides = {(int64_t)c->stride, (int64_t)c->stride},
                      dilates = {(int64_t)c->dilation - 1, (int64_t)c->dilation - 1},
                      before = {pad, pad};
    const int64_t reach = (int64_t)((c->kernel - 1) * c->dilation + 1) - pad;
    const dnnl_dims_t after = {(int64_t)((p->oh - 1) * c->stride) + reach - (int64_t)c->h,
                               (int64_t)((p->ow - 1) * c->stride) + reach - (int64_t)c->w};

    CHECK(dnnl_stream_create(&q.stream, engine, dnnl_stream_default_flags));
    CHECK(dnnl_memory_desc_init_by_tag(&x, 4, xd, type, dnnl_nhwc));
    CHECK(dnnl_memory_desc_init_by_tag(&y, 4, yd, type, dnnl_nhwc));
    CHECK(dnnl_memory_desc_init_by_tag(&w, 4, wd, type, dnnl_format_tag_any));
    CHECK(dnnl_memory_desc_init_by_tag(&b, 1, bd, dnnl_f32, dnnl_a));
    CHECK(dnnl_primitive_attr_create(&attr));
    CHECK(dnnl_post_ops_create(&ops));
    CHECK(dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0));
    CHECK(dnnl_primitive_attr_set_post_ops(attr, ops));
    CHECK(dnnl_dilated_convolution_forward_desc_init(
        &cd, p->direction == FORWARD ? dnnl_forward_inference : dnnl_forward_training,
        dnnl_convolution_direct, &x, &w, &b, &y, strides, dilates, before, after));
    CHECK(dnnl_primitive_desc_create(&hint, &cd, p->direction == FORWARD ? attr : NULL, engine,
                                     NULL));
    pd = hint;
    if (p->direction == DATA)
        CHECK(dnnl_dilated_convolution_backward_data_desc_init(
            &cd, dnnl_convolution_direct, &x, &w, &y, strides, dilates, before, after));
    if (p->direction == WEIGHTS)
        CHECK(dnnl_dilated_convolution_backward_weights_desc_init(
            &cd, dnnl_convolution_direct, &x, &w, &b, &y, strides, dilates, before, after));
    if (p->direction != FORWARD) CHECK(dnnl_primitive_desc_create(&pd, &cd, NULL, engine, hint));
    CHECK(dnnl_primitive_create(&q.primitive, pd));

    if (p->direction == WEIGHTS) {
        peer_add(&q, engine, DNNL_ARG_SRC, &x);
        peer_add(&q, engine, DNNL_ARG_DIFF_DST, &y);
        peer_add(&q, engine, DNNL_ARG_DIFF_WEIGHTS,
                 dnnl_primitive_desc_query_md(pd, dnnl_query_diff_weights_md, 0));
        peer_add(&q, engine, DNNL_ARG_DIFF_BIAS, &b);
    } else {
        bool forward = p->direction == FORWARD;
        peer_add(&q, engine, forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_SRC, &x);
        peer_add(&q, engine, forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, &y);
        peer_add(&q, engine, DNNL_ARG_WEIGHTS,
                 dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
        if (forward) peer_add(&q, engine, DNNL_ARG_BIAS, &b);
    }
    if (pd != hint) dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_desc_destroy(hint);
    dnnl_post_ops_destroy(ops);
    dnnl_primitive_attr_destroy(attr);
    return q;
}

static void peer_run(const struct peer *q)
{
    CHECK(dnnl_primitive_execute(q->primitive, q->stream, q->n, q->args));
    CHECK(dnnl_stream_wait(q->stream));
}

static void peer_free(struct peer *q)
{
    for (int i = 0; i < q->n; i++) dnnl_memory_destroy(q->memory[i]);
    dnnl_primitive_destroy(q->primitive);
    dnnl_stream_destroy(q->stream);
}

/* ---- One line ---- */

static void bench(pln_context *ctx, dnnl_engine_t engine, const struct conv *c, enum direction d,
                  const char *name)
{
    struct problem p = {.c = *c, .direction = d};
    p.oh = out_of(c->h, c->stride), p.ow = out_of(c->w, c->stride);
    size_t in = c->n * c->h * c->w, out = c->n * p.oh * p.ow;
    p.x = filled(ctx, in * c->cin), p.y = filled(ctx, out * c->cout);
    p.w = filled(ctx, c->cin * c->cout * c->kernel * c->kernel);
    p.bias = filled(ctx, c->cout), p.db = filled(ctx, c->cout);
    struct ours o = ours_new(ctx, &p);
    struct peer peers[2] = {peer_new(engine, &p, dnnl_f32), peer_new(engine, &p, dnnl_bf16)};
    double flop = 2 * (double)(out * c->cin * c->cout * c->kernel * c->kernel);
    double best[3] = {INFINITY, INFINITY, INFINITY};

    for (int run = 0; run < 8; run++)
        for (int who = o.none; who < 3; who++) {
            double start = seconds();
            if (who == 0)
                ours_run(ctx, &o, &p);
            else
                peer_run(&peers[who - 1]);
            double took = seconds() - start;
            if (run && took < best[who]) best[who] = took;
        }
    printf("%-8s %-32s", direction_names[d], name);
    if (o.none)
        printf("%10s", "-");
    else
        printf("%10.1f", 1e-9 * flop / best[0]);
    printf("%10.1f%10.1f", 1e-9 * flop / best[1], 1e-9 * flop / best[2]);
    if (!o.none) printf("%9.2f%9.2f", best[1] / best[0], best[2] / best[0]);
    printf("\n");
    fflush(stdout);
    for (int i = 0; i < 2; i++) peer_free(&peers[i]);
    void *all[] = {p.x, p.y, p.w, p.bias, p.db, p.u, p.work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pln_free(all[i]);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    pln_context_options options = {sizeof options, .threads = argc > 2 ? atoi(argv[2]) : 1};
    pln_context *ctx = NULL;
    dnnl_engine_t engine;

    CHECK(pln_context_new_with(&options, &ctx));
    CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));
    omp_set_num_threads(pln_context_threads(ctx));
    printf("%s, %d threads; GF/s of processor time\n", pln_context_isa(ctx),
           pln_context_threads(ctx));
    printf("%-8s %-32s%10s%10s%10s%9s%9s\n", "", "images size channels kernel", "planish", "f32",
           "bf16", "x f32", "x bf16");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum direction d = FORWARD; d <= (cases[i].n > 1 ? WEIGHTS : FORWARD); d++) {
            const struct conv *c = &cases[i];
            char name[64], key[80];
            snprintf(name, sizeof name, "%zux%zux%zu %zu-%zu k%zu s%zu d%zu", c->n, c->w, c->h,
                     c->cin, c->cout, c->kernel, c->stride, c->dilation);
            snprintf(key, sizeof key, "%s %s", direction_names[d], name);
            if (strstr(key, word)) bench(ctx, engine, c, d, name);
        }
    dnnl_engine_destroy(engine);
    pln_context_free(ctx);
    return 0;
}
