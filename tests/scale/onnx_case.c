/* SPDX-License-Identifier: MIT */
/* onnx_case NET FOLDER HxW...: what tools/onnx_parity.py compares ONNX Runtime with. Writes random
 * weights of NET (weights.safetensors), and for each size a picture and the network's result on it
 * (x_HxW.f32, y_HxW.f32: C x H x W); prints "HxW CxHxW" of the result. NET may be op:NAME, a small
 * graph around one operation: then the model itself is written (net.onnx). onnx_case ops: these. */
#include <stdio.h>
#include <string.h>

#include "nets/nets.h"
#include "nn/graph.h"
#include "nn/onnx.h"
#include "nn/plan.h"

enum { MOST_TENSORS = 4096 };

/* ---- Operations that few networks use, or none ---- */

static pnn_node conv_same(pnn_graph *g, pnn_node x, const char *name, long out, long stride)
{
    return pnn_conv(g, x, name, (pnn_conv_spec){.out = out, .k = 3, .stride = stride, .pad = 1});
}

static pnn_node op_unary(pnn_graph *g, pnn_node x)
{
    pnn_node y = x, s = pnn_affine(g, x, 4, -2);
    for (int fn = 0; fn < PNN_UNARY_COUNT; fn++) {
        bool positive = fn == PNN_LOG || fn == PNN_SQRT || fn == PNN_RECIPROCAL;
        pnn_node v = positive ? pnn_affine(g, x, 1, 0.1) : s;
        y = pnn_concat2(g, PNN_AXIS_C, y, pnn_unary(g, (pnn_unary_fn)fn, v, 0.5, 0.75));
    }
    return y;
}

static pnn_node op_binary(pnn_graph *g, pnn_node x)
{
    pnn_node y = x, m = pnn_reduce(g, PNN_MEAN, x, PNN_OVER_C | PNN_OVER_W);
    for (int fn = 0; fn < PNN_BINARY_COUNT; fn++) {
        y = pnn_concat2(g, PNN_AXIS_C, y, pnn_binary(g, (pnn_binary_fn)fn, x, m));
        y = pnn_concat2(g, PNN_AXIS_C, y, pnn_binary(g, (pnn_binary_fn)fn, x, x));
    }
    return y;
}

static pnn_node op_transposed(pnn_graph *g, pnn_node x)
{
    const pnn_conv_spec spec = {.out = 4, .k = 3, .stride = 2, .groups = 2, .pad = 1};
    pnn_node y = pnn_conv_transposed(g, conv_same(g, x, "a", 4, 2), "up", spec);
    /* The gradient to x of a convolution with a stride: x's size is not a formula of dy's. */
    const long dims[4] = {4, 3, 3, 3};
    pnn_node w = pnn_param(g, "w", PNN_TRAINED, dims, (pnn_init){PNN_INIT_UNIFORM, 1});
    pnn_node bias = pnn_constant_vector(g, (const float[]){1, 2, 3}, 3);
    pnn_conv_attr attr = {3, 3, 3, 2, 1, 1, 2, 3, 2};
    pnn_node dy = pnn_conv_with(g, x, w, (pnn_node){0}, attr);
    pnn_node dx = pnn_conv_data(g, dy, w, bias, attr, pnn_shape_of(g, x));
    return pnn_concat2(g, PNN_AXIS_C, dx, pnn_resize(g, y, x, false));
}

/* Of other values than x's own, as a formula; and x's own. */
static pnn_node op_moments(pnn_graph *g, pnn_node x)
{
    pnn_node y = conv_same(g, x, "a", 4, 1),
             v = pnn_constant_vector(g, (const float[]){1, 2, 3, 4}, 4);
    pnn_node of_twice = pnn_moments(g, pnn_affine(g, y, 2, 0), true);
    pnn_node z = pnn_norm_with(g, y, of_twice, v, v, 1e-3, true);
    return pnn_concat2(g, PNN_AXIS_C, z, pnn_norm(g, pnn_mul(g, y, y), "n", PNN_NORM_IMAGE, 0));
}

static pnn_node op_pads(pnn_graph *g, pnn_node x)
{
    pnn_node y = pnn_pad(g, x, 1, 2, 3, 4, PNN_PAD_REFLECT);
    y = pnn_concat2(g, PNN_AXIS_C, y, pnn_pad(g, x, 1, 2, 3, 4, PNN_PAD_REPLICATE));
    return pnn_concat2(g, PNN_AXIS_C, y, pnn_pad(g, x, 1, 2, 3, 4, PNN_PAD_ZERO));
}

static pnn_node op_multiples(pnn_graph *g, pnn_node x)
{
    pnn_node y = pnn_pad_to_multiple(g, x, 8, PNN_PAD_REFLECT);
    y = pnn_concat2(g, PNN_AXIS_C, y, pnn_pad_to_multiple(g, x, 8, PNN_PAD_REPLICATE));
    return pnn_concat2(g, PNN_AXIS_C, y, pnn_pad_to_multiple(g, x, 8, PNN_PAD_ZERO));
}

static pnn_node op_shapes(pnn_graph *g, pnn_node x)
{
    pnn_shape s = pnn_shape_of(g, x), turned = {s.n, s.w, s.h, s.c}, larger = s, cut = s;
    pnn_node y = pnn_reshape(g, pnn_unary(g, PNN_TANH, pnn_reshape(g, x, turned), 0, 0), s);
    larger.h = pnn_dim_add(g, s.h, 3);
    larger.w = pnn_dim_mul(g, s.w, 2);
    cut.c = pnn_dim_const(g, 2);
    cut.w = pnn_dim_add(g, larger.w, -1);
    y = pnn_embed(g, y, (const long[4]){0, 2, 0, 0}, larger);
    y = pnn_mul(g, pnn_window(g, y, (const long[4]){0, 1, 1, 1}, cut),
                pnn_window(g, pnn_concat2(g, PNN_AXIS_W, x, x), (const long[4]){0, 0, 1, 0}, cut));
    return pnn_add(g, y, pnn_expand(g, pnn_reduce(g, PNN_SUM, y, PNN_OVER_H), y));
}

/* Over all axes but N: pictures are apart. */
static pnn_node op_reduce(pnn_graph *g, pnn_node x)
{
    pnn_node y = x;
    for (int fn = PNN_SUM; fn <= PNN_REDUCE_MAX; fn++)
        for (unsigned axes = 2; axes < 16; axes += 2)
            y = pnn_add(g, y, pnn_reduce(g, (pnn_reduce_fn)fn, x, axes));
    return y;
}

static pnn_node op_matrices(pnn_graph *g, pnn_node x)
{
    pnn_node f = conv_same(g, x, "a", 5, 1), y = pnn_matmul(g, f, pnn_gram(g, f, x)), dx = {0};
    /* With the second factor transposed, as gradients have it. */
    pnn_gradients(g, pnn_reduce(g, PNN_SUM, y, PNN_OVER_ALL), &f, 1, &dx);
    return pnn_concat2(g, PNN_AXIS_C, y, dx);
}

static pnn_node op_pools(pnn_graph *g, pnn_node x)
{
    pnn_node y = pnn_add(g, pnn_max_pool(g, x, 3), pnn_average_pool(g, x, 3));
    y = pnn_resize(g, y, x, true);
    y = pnn_concat2(g, PNN_AXIS_C, y, pnn_resize(g, pnn_average_pool(g, x, 2), x, false));
    pnn_dim seven = pnn_dim_const(g, 7);
    return pnn_resize_to(g, y, seven, pnn_dim_mul(g, pnn_shape_of(g, x).w, 2), false);
}

static pnn_node op_haar(pnn_graph *g, pnn_node x)
{
    pnn_node even = pnn_pad_to_multiple(g, x, 4, PNN_PAD_REFLECT);
    pnn_node two = pnn_haar(g, pnn_haar(g, even));
    return pnn_haar_inverse(g, pnn_mul(g, two, two));
}

static const struct {
    const char *name;
    pnn_node (*build)(pnn_graph *g, pnn_node x);
} ops[] = {
    {"op:unary", op_unary},     {"op:binary", op_binary}, {"op:transposed", op_transposed},
    {"op:moments", op_moments}, {"op:pads", op_pads},     {"op:multiples", op_multiples},
    {"op:shapes", op_shapes},   {"op:reduce", op_reduce}, {"op:matrices", op_matrices},
    {"op:pools", op_pools},     {"op:haar", op_haar},
};
enum { OPS = sizeof ops / sizeof *ops };

static const pnet_net of_ops = {.name = "op", .range = 1};

static pln_status op_graph(pln_context *ctx, const char *name, pnn_graph **g)
{
    pln_status s = PLN_OK;
    size_t i = 0;
    while (i < OPS && strcmp(ops[i].name, name)) i++;
    if (i == OPS) return pln_fail(ctx, PLN_E_ARG, "unknown operation '%s'", name);
    PLN_TRY(pnn_graph_new(ctx, g));
    pnn_output(*g, ops[i].build(*g, pnn_input(*g, "x", 3)), "y");
    PLN_TRY(pnn_graph_status(*g));
done:
    return s;
}

static pln_status write_model(pln_context *ctx, const pnn_graph *g, const pnn_store *store,
                              const char *folder)
{
    const pnn_onnx_options o = {.name = "op", .weights = PNN_F32};
    char path[4096];
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;
    snprintf(path, sizeof path, "%s/net.onnx", folder);
    PLN_TRY(pnn_onnx_encode(ctx, g, store, &o, &bytes, &length));
    PLN_TRY(pln_file_write(ctx, path, bytes, length));
done:
    pln_free(bytes);
    return s;
}

/* ---- Weights, pictures, results ---- */

static const char *config_of(const pnet_net *net, const char *name)
{
    const char *variant = strchr(name, ':');
    for (const pnet_variant *v = net->variants; variant && v->name; v++)
        if (!strcmp(v->name, variant + 1)) return v->config;
    return "{}";
}

/* Zeros and ones, as normalisation and invertible blocks start, would hide mistakes. */
static void unsettle(pnn_store *store)
{
    for (size_t i = 0; i < pnn_store_count(store); i++) {
        const char *name;
        size_t d[4], n;
        float *v = pnn_store_at(store, i, &name, d);
        n = d[0] * d[1] * d[2] * d[3];
        bool level = true;
        for (size_t k = 0; k < n; k++) level = level && v[k] == v[0];
        for (size_t k = 0; level && k < n; k++)
            v[k] = (float)(v[k] * (0.8 + 0.4 * pln_random(5, i, k)) +
                           0.02 * pln_random_normal(6, i, k));
    }
}

static pln_status write_weights(pln_context *ctx, const pnet_net *net, const char *name,
                                const pnn_store *store, const char *path)
{
    const pnn_st_text texts[] = {
        {"system", net->name}, {"config", config_of(net, name)}, {"recipe", "random"}};
    static pnn_st_source tensors[MOST_TENSORS];
    static size_t shapes[MOST_TENSORS][4];
    size_t n = pnn_store_count(store);
    for (size_t i = 0; i < n && i < MOST_TENSORS; i++) {
        tensors[i].values = pnn_store_at(store, i, &tensors[i].name, shapes[i]);
        tensors[i].type = PNN_F32;
        tensors[i].rank = 4;
        tensors[i].shape = shapes[i];
    }
    return pnn_st_write(ctx, path, tensors, n, texts, 3);
}

/* From H x W x C. */
static pln_status write_planes(pln_context *ctx, const char *path, const float *v,
                               const size_t d[4])
{
    size_t count = d[1] * d[2] * d[3];
    float *planes = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pln_alloc(ctx, count, sizeof *planes, &planes));
    for (size_t i = 0; i < count; i++) planes[i % d[3] * d[1] * d[2] + i / d[3]] = v[i];
    PLN_TRY(pln_file_write(ctx, path, planes, count * sizeof *planes));
done:
    pln_free(planes);
    return s;
}

static pln_status run(pln_context *ctx, const pnet_net *net, const pnn_graph *g, pnn_store *store,
                      const char *folder, size_t h, size_t w)
{
    pnn_plan *plan = NULL;
    float *x = NULL, *y = NULL;
    size_t in[4], out[4];
    char path[4096];
    pln_status s = PLN_OK;

    PLN_TRY(pnn_plan_new(
        ctx, g, store, &(pnn_plan_options){.size = {1, h, w}, .backend = PNN_BACKEND_CPU}, &plan));
    if (!pnn_plan_dims(plan, "x", in) || !pnn_plan_dims(plan, "y", out))
        PLN_TRY(pln_fail(ctx, PLN_E_INTERNAL, "no x or y"));
    PLN_TRY(pln_alloc(ctx, in[1] * in[2] * in[3], sizeof *x, &x));
    PLN_TRY(pln_alloc(ctx, out[1] * out[2] * out[3], sizeof *y, &y));
    for (size_t i = 0; i < in[1] * in[2] * in[3]; i++)
        x[i] = (float)(net->range *
                       (0.25 + 0.5 * pln_random(1, 2, i / 64) + 0.25 * pln_random(1, 3, i)));
    PLN_TRY(pnn_plan_bind(plan, "x", x));
    PLN_TRY(pnn_plan_bind(plan, "y", y));
    PLN_TRY(pnn_plan_run(plan));
    snprintf(path, sizeof path, "%s/x_%zux%zu.f32", folder, h, w);
    PLN_TRY(write_planes(ctx, path, x, in));
    snprintf(path, sizeof path, "%s/y_%zux%zu.f32", folder, h, w);
    PLN_TRY(write_planes(ctx, path, y, out));
    printf("%zux%zu %zux%zux%zu\n", h, w, out[3], out[1], out[2]);
done:
    pnn_plan_free(plan);
    pln_free(x);
    pln_free(y);
    return s;
}

int main(int argc, char **argv)
{
    pln_context *ctx = NULL;
    const pnet_net *net = &of_ops;
    pnet_options options;
    pnn_graph *g = NULL;
    pnn_store *store = NULL;
    char path[4096];
    pln_status s = PLN_OK;

    if (argc == 2 && !strcmp(argv[1], "ops"))
        for (size_t i = 0; i < OPS; i++) puts(ops[i].name);
    if (argc < 3) return 2 * (argc != 2);
    bool op = !strncmp(argv[1], "op:", 3);
    PLN_TRY(pln_context_new(&ctx));
    if (!op) PLN_TRY(pnet_find(ctx, argv[1], &net, &options));
    PLN_TRY(op ? op_graph(ctx, argv[1], &g) : pnet_graph(ctx, net, &options, PNET_EVAL, &g));
    PLN_TRY(pnn_store_new(ctx, &store));
    PLN_TRY(pnn_store_init(store, g, 11));
    unsettle(store);
    snprintf(path, sizeof path, "%s/weights.safetensors", argv[2]);
    PLN_TRY(op ? write_model(ctx, g, store, argv[2])
               : write_weights(ctx, net, argv[1], store, path));
    for (int i = 3; i < argc; i++) {
        size_t h, w;
        if (sscanf(argv[i], "%zux%zu", &h, &w) != 2) return 2;
        PLN_TRY(run(ctx, net, g, store, argv[2], h, w));
    }
done:
    if (s) fprintf(stderr, "onnx_case %s: %s\n", argv[1], pln_context_message(ctx));
    pnn_store_free(store);
    pnn_graph_free(g);
    pln_context_free(ctx);
    return s != PLN_OK;
}
