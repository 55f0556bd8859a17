/* SPDX-License-Identifier: MIT */
/* nn: ONNX models, read here by a reader of their own: nodes in order, names that meet, sizes left
 * open, values as given; errors name what is wrong and leave nothing. (Whether models compute what
 * they should is tools/onnx_parity.py's.) */
#include "support.h"

#include <stdatomic.h>

#include "nn/graph.h"
#include "nn/onnx.h"

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

/* ---- A reader ---- */

struct span {
    const uint8_t *at, *end;
};
struct field {
    int number;
    uint64_t value;
    struct span bytes;
};

static uint64_t varint(struct span *s)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(s->at < s->end && shift < 64);
        uint8_t b = *s->at++;
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return v;
    }
}

static bool next(struct span *s, struct field *f)
{
    if (s->at == s->end) return false;
    uint64_t key = varint(s);
    *f = (struct field){.number = (int)(key >> 3)};
    if ((key & 7) == 0) {
        f->value = varint(s);
        return true;
    }
    uint64_t n = (key & 7) == 5 ? 4 : varint(s);
    assert_true((key & 7) == 5 || (key & 7) == 2);
    assert_true(n <= (uint64_t)(s->end - s->at));
    f->bytes = (struct span){s->at, s->at + n};
    s->at += n;
    return true;
}

/* The i-th field of this number; at == NULL: none. */
static struct field nth(struct span s, int number, int i)
{
    struct field f;
    while (next(&s, &f))
        if (f.number == number && i-- == 0) return f;
    return (struct field){0};
}

static int count(struct span s, int number)
{
    struct field f;
    int n = 0;
    while (next(&s, &f)) n += f.number == number;
    return n;
}

static bool is(struct span s, const char *text)
{
    return s.at && (size_t)(s.end - s.at) == strlen(text) && !memcmp(s.at, text, strlen(text));
}

static bool same(struct span a, struct span b)
{
    return a.end - a.at == b.end - b.at && !memcmp(a.at, b.at, (size_t)(a.end - a.at));
}

/* Numbers of onnx.proto: graph 7; in it node 1, initializer 5, input 11, output 12; in a node input
 * 1, output 2, type 4, attribute 5; in a tensor dims 1, type 2, name 8, raw 9. */
static struct span graph_of(struct span model) { return nth(model, 7, 0).bytes; }

static struct span find_node(struct span graph, const char *type)
{
    for (int i = 0; i < count(graph, 1); i++) {
        struct span n = nth(graph, 1, i).bytes;
        if (is(nth(n, 4, 0).bytes, type)) return n;
    }
    fail_msg("no node of type %s", type);
    return (struct span){0};
}

static struct span find_initializer(struct span graph, const char *name)
{
    for (int i = 0; i < count(graph, 5); i++) {
        struct span t = nth(graph, 5, i).bytes;
        if (is(nth(t, 8, 0).bytes, name)) return t;
    }
    fail_msg("no initializer %s", name);
    return (struct span){0};
}

static struct span find_attribute(struct span node, const char *name)
{
    for (int i = 0; i < count(node, 5); i++) {
        struct span a = nth(node, 5, i).bytes;
        if (is(nth(a, 1, 0).bytes, name)) return a;
    }
    fail_msg("no attribute %s", name);
    return (struct span){0};
}

static void expect_ints(struct span node, const char *name, const int64_t *want, int n)
{
    struct span a = find_attribute(node, name);
    assert_int_equal(count(a, 8), n);
    for (int i = 0; i < n; i++) assert_int_equal(nth(a, 8, i).value, want[i]);
    assert_int_equal(nth(a, 20, 0).value, 7);
}

static void expect_dims(struct span tensor, const int64_t *want, int n)
{
    assert_int_equal(count(tensor, 1), n);
    for (int i = 0; i < n; i++) assert_int_equal(nth(tensor, 1, i).value, want[i]);
}

/* Every input of a node is an input of the graph, an initializer or the result of a node before it;
 * nothing is named twice; every output is there. */
static void expect_sound(struct span graph)
{
    enum { MOST = 512 };
    struct span names[MOST], s = graph;
    struct field f;
    int n = 0;
    for (int i = 0; i < count(graph, 11); i++)
        names[n++] = nth(nth(graph, 11, i).bytes, 1, 0).bytes;
    while (next(&s, &f)) {
        struct span made = {0};
        if (f.number == 5) made = nth(f.bytes, 8, 0).bytes;
        if (f.number == 1) {
            made = nth(f.bytes, 2, 0).bytes;
            for (int i = 0; i < count(f.bytes, 1); i++) {
                struct span in = nth(f.bytes, 1, i).bytes;
                bool known = in.at == in.end;
                for (int k = 0; k < n; k++) known = known || same(names[k], in);
                if (!known)
                    fail_msg("%.*s is used before it is made", (int)(in.end - in.at), in.at);
            }
        }
        if (!made.at) continue;
        for (int k = 0; k < n; k++)
            if (same(names[k], made))
                fail_msg("%.*s is made twice", (int)(made.end - made.at), made.at);
        assert_true(n < MOST);
        names[n++] = made;
    }
    for (int i = 0; i < count(graph, 12); i++) {
        bool known = false;
        for (int k = 0; k < n; k++)
            known = known || same(names[k], nth(nth(graph, 12, i).bytes, 1, 0).bytes);
        assert_true(known);
    }
}

static const char *dim_of(struct span info, int i, char text[32])
{
    struct span shape = nth(nth(nth(info, 2, 0).bytes, 1, 0).bytes, 2, 0).bytes;
    struct span d = nth(shape, 1, i).bytes, name = nth(d, 2, 0).bytes;
    if (name.at)
        snprintf(text, 32, "%.*s", (int)(name.end - name.at), name.at);
    else
        snprintf(text, 32, "%llu", (unsigned long long)nth(d, 1, 0).value);
    return text;
}

static void expect_shape(struct span info, const char *name, const char *const want[4])
{
    char text[32];
    assert_true(is(nth(info, 1, 0).bytes, name));
    for (int i = 0; i < 4; i++) assert_string_equal(dim_of(info, i, text), want[i]);
}

/* ---- Graphs ---- */

typedef pnn_node builder(pnn_graph *g, pnn_node x);

static pnn_node small(pnn_graph *g, pnn_node x)
{
    pnn_conv_spec spec = {.out = 4, .k = 3, .stride = 2, .dilation = 2, .pad = 3};
    return pnn_relu(g, pnn_norm(g, pnn_conv(g, x, "a", spec), "n", PNN_NORM_RUNNING, 0.1));
}

/* Every operation of inference. */
static pnn_node everything(pnn_graph *g, pnn_node x)
{
    const float three[3] = {1, 2, 3};
    pnn_node even = pnn_pad_to_multiple(g, x, 4, PNN_PAD_REFLECT);
    pnn_node y = pnn_sub(g, even, pnn_constant_vector(g, three, 3));
    for (int fn = 0; fn < PNN_UNARY_COUNT; fn++) y = pnn_unary(g, (pnn_unary_fn)fn, y, 0.5, 0.75);
    for (int fn = 0; fn < PNN_BINARY_COUNT; fn++) y = pnn_binary(g, (pnn_binary_fn)fn, y, even);
    y = pnn_haar_inverse(g, pnn_haar(g, y));
    y = pnn_conv(g, y, "c", (pnn_conv_spec){.out = 6, .k = 3, .groups = 3, .pad = PNN_SAME});
    pnn_node up = pnn_conv_transposed(g, pnn_max_pool(g, y, 2), "up",
                                      (pnn_conv_spec){.out = 6, .k = 4, .stride = 2, .pad = 1});
    y = pnn_norm(g, pnn_add(g, y, up), "own", PNN_NORM_IMAGE, 0.1);
    pnn_node gamma = pnn_constant(g, 2), beta = pnn_constant(g, 1), m = pnn_slice(g, y, 0, 1);
    y = pnn_norm_with(g, m, pnn_moments(g, y.id ? m : y, false), gamma, beta, 1e-3, false);
    y = pnn_concat2(g, PNN_AXIS_C, y, pnn_fill(g, y, 0.5));
    y = pnn_add(g, y, pnn_noise(g, y, 1));
    y = pnn_resize(g, pnn_average_pool(g, y, 4), x, true);
    y = pnn_resize(g, pnn_pad(g, y, 1, 2, 3, 4, PNN_PAD_REPLICATE), x, false);
    pnn_node matrix = pnn_gram(g, y, y), flat = pnn_matmul(g, y, matrix);
    pnn_shape s = pnn_shape_of(g, flat), swapped = s;
    swapped.h = s.w, swapped.w = s.h;
    y = pnn_reshape(g, pnn_reshape(g, flat, swapped), s);
    s.h = pnn_dim_add(g, s.h, 2);
    y = pnn_window(g, pnn_embed(g, y, (const long[4]){0, 1, 0, 0}, s), (const long[4]){0, 2, 0, 1},
                   (pnn_shape){s.n, pnn_dim_add(g, s.h, -3), s.w, pnn_dim_const(g, 1)});
    pnn_node sum = pnn_reduce(g, PNN_SUM, y, PNN_OVER_H),
             most = pnn_reduce(g, PNN_REDUCE_MAX, sum, PNN_OVER_W);
    return pnn_expand(g, pnn_reduce(g, PNN_MEAN, most, PNN_OVER_N), x);
}

static pln_status encode(pln_context *c, builder *build, const pnn_onnx_options *o, void **bytes,
                         size_t *length, pnn_store **kept)
{
    pnn_graph *g = NULL;
    pnn_store *store = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pnn_graph_new(c, &g));
    pnn_output(g, build(g, pnn_input(g, "x", 3)), "y");
    PLN_TRY(pnn_store_new(c, &store));
    PLN_TRY(pnn_store_init(store, g, 3));
    PLN_TRY(pnn_onnx_encode(c, g, store, o, bytes, length));
    if (kept) {
        *kept = store;
        store = NULL;
    }
done:
    pnn_store_free(store);
    pnn_graph_free(g);
    return s;
}

static struct span model_of(builder *build, const pnn_onnx_options *o, pnn_store **kept)
{
    void *bytes;
    size_t length;
    OK(ctx, encode(ctx, build, o, &bytes, &length, kept));
    return (struct span){bytes, (const uint8_t *)bytes + length};
}

static void free_model(struct span model) { pln_free((void *)(uintptr_t)model.at); }

/* ---- Tests ---- */

static void a_model_says_what_the_graph_is(void **state)
{
    (void)state;
    const pnn_st_text text = {"recipe", "none"};
    pnn_store *store = NULL;
    struct span model = model_of(small, &(pnn_onnx_options){"net", PNN_F32, &text, 1}, &store);
    struct span g = graph_of(model), pair = nth(model, 14, 0).bytes;
    assert_int_equal(nth(model, 1, 0).value, 8);
    assert_int_equal(nth(nth(model, 8, 0).bytes, 2, 0).value, PNN_ONNX_OPSET);
    assert_true(is(nth(model, 2, 0).bytes, "planish"));
    assert_true(is(nth(pair, 1, 0).bytes, "recipe") && is(nth(pair, 2, 0).bytes, "none"));
    assert_true(is(nth(g, 2, 0).bytes, "net"));
    expect_sound(g);
    expect_shape(nth(g, 11, 0).bytes, "x", (const char *const[]){"N", "3", "H", "W"});
    expect_shape(nth(g, 12, 0).bytes, "y", (const char *const[]){"N", "4", "(H+3)/2", "(W+3)/2"});

    struct span conv = find_node(g, "Conv");
    expect_ints(conv, "strides", (const int64_t[]){2, 2}, 2);
    expect_ints(conv, "dilations", (const int64_t[]){2, 2}, 2);
    expect_ints(conv, "pads", (const int64_t[]){3, 3, 3, 3}, 4);
    assert_int_equal(nth(find_attribute(conv, "group"), 3, 0).value, 1);
    assert_true(is(nth(conv, 1, 0).bytes, "x") && is(nth(conv, 1, 1).bytes, "a.weight") &&
                is(nth(conv, 1, 2).bytes, "a.bias"));

    /* Stored statistics need no node that joins them. */
    struct span norm = find_node(g, "BatchNormalization");
    static const char *const operands[] = {"n.weight", "n.bias", "n.running_mean", "n.running_var"};
    for (int i = 0; i < 4; i++) assert_true(is(nth(norm, 1, i + 1).bytes, operands[i]));
    assert_int_equal(count(g, 1), 4); /* and Relu, and the one that names y */

    struct span weight = find_initializer(g, "a.weight"), raw = nth(weight, 9, 0).bytes;
    size_t n;
    const float *values = pnn_store_find(store, "a.weight", &n);
    expect_dims(weight, (const int64_t[]){4, 3, 3, 3}, 4);
    expect_dims(find_initializer(g, "n.running_var"), (const int64_t[]){4}, 1);
    assert_int_equal(nth(weight, 2, 0).value, 1);
    assert_int_equal(raw.end - raw.at, 4 * n);
    assert_memory_equal(raw.at, values, 4 * n); /* on little-endian machines */
    free_model(model);
    pnn_store_free(store);
}

static void halves_are_widened_in_the_model(void **state)
{
    (void)state;
    static const struct {
        pnn_dtype type;
        uint64_t code;
        double close;
    } cases[] = {{PNN_F16, 10, 0x1p-11}, {PNN_BF16, 16, 0x1p-8}};
    for (int i = 0; i < 2; i++) {
        pnn_graph *graph;
        pnn_store *store = NULL, *again;
        const pnn_onnx_options o = {"net", cases[i].type, NULL, 0};
        struct span model = model_of(small, &o, &store), g = graph_of(model);
        struct span cast = find_node(g, "Cast"), t = find_initializer(g, "a.weight");
        expect_sound(g);
        assert_true(is(nth(cast, 1, 0).bytes, "a.weight"));
        assert_int_equal(nth(find_attribute(cast, "to"), 3, 0).value, 1);
        assert_int_equal(nth(t, 2, 0).value, cases[i].code);

        OK(ctx, pnn_graph_new(ctx, &graph));
        pnn_output(graph, small(graph, pnn_input(graph, "x", 3)), "y");
        OK(ctx, pnn_store_new(ctx, &again));
        OK(ctx, pnn_store_init(again, graph, 99));
        OK(ctx,
           pnn_onnx_read_weights(ctx, model.at, (size_t)(model.end - model.at), "m", graph, again));
        size_t n;
        const float *v = pnn_store_find(store, "a.weight", &n);
        const float *w = pnn_store_find(again, "a.weight", &n);
        for (size_t k = 0; k < n; k++)
            assert_true(fabsf(v[k] - w[k]) <= cases[i].close * fabsf(v[k]));
        /* Cut anywhere it is damaged, and says so. */
        for (const uint8_t *end = model.at; end < model.end; end += 41)
            assert_int_equal(
                pnn_onnx_read_weights(ctx, model.at, (size_t)(end - model.at), "m", graph, again),
                PLN_E_MODEL);
        pnn_store_free(again);
        pnn_store_free(store);
        pnn_graph_free(graph);
        free_model(model);
    }
}

static void every_operation_of_inference_is_there(void **state)
{
    (void)state;
    const pnn_onnx_options o = {"all", PNN_F32, NULL, 0};
    static const char *const types[] = {"Conv",         "ConvTranspose", "InstanceNormalization",
                                        "SpaceToDepth", "DepthToSpace",  "MaxPool",
                                        "AveragePool",  "Resize",        "MatMul",
                                        "Gather",       "Pad",           "Slice",
                                        "Expand",       "ReduceSum",     "ReduceMax",
                                        "ReduceMean",   "Softplus",      "RandomNormalLike",
                                        "Transpose",    "Concat",        "ConstantOfShape"};
    struct span a = model_of(everything, &o, NULL), b = model_of(everything, &o, NULL);
    expect_sound(graph_of(a));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) find_node(graph_of(a), types[i]);
    assert_true(same(a, b)); /* the same bytes again */
    free_model(a);
    free_model(b);
}

/* The gradient of a convolution with a stride: H may be 2 h or 2 h + 1. */
static pnn_node strided(pnn_graph *g, pnn_node x)
{
    const long dims[4] = {3, 2, 3, 3};
    pnn_node w = pnn_param(g, "w", PNN_TRAINED, dims, (pnn_init){PNN_INIT_UNIFORM, 1});
    pnn_shape like = pnn_shape_of(g, x);
    like.h = pnn_dim_mul(g, like.h, 2);
    like.w = pnn_dim_mul(g, like.w, 2);
    return pnn_conv_data(g, x, w, (pnn_node){0}, (pnn_conv_attr){3, 3, 2, 1, 1, 1, 1, 1, 1}, like);
}

static void open_sizes_of_transposed_convolutions_are_cut(void **state)
{
    (void)state;
    struct span model = model_of(strided, &(pnn_onnx_options){"t", PNN_F32, NULL, 0}, NULL);
    struct span g = graph_of(model), conv = find_node(g, "ConvTranspose");
    expect_sound(g);
    expect_ints(conv, "output_padding", (const int64_t[]){1, 1}, 2);
    expect_ints(conv, "pads", (const int64_t[]){0, 0, 0, 0}, 4);
    assert_true(same(nth(find_node(g, "Slice"), 1, 0).bytes, nth(conv, 2, 0).bytes));
    free_model(model);
}

static pnn_node broken(pnn_graph *g, pnn_node x)
{
    return pnn_add(g, x, pnn_haar(g, x)); /* of odd sizes */
}

static pnn_node gradient(pnn_graph *g, pnn_node x)
{
    pnn_node y = pnn_conv(g, x, "a", (pnn_conv_spec){.out = 1, .k = 1});
    pnn_node w = pnn_find(g, PNN_OP_PARAM, "a.weight"), dw = {0};
    pnn_gradients(g, pnn_reduce(g, PNN_MEAN, y, PNN_OVER_ALL), &w, 1, &dw);
    return dw;
}

static pnn_node training(pnn_graph *g, pnn_node x)
{
    return pnn_norm(g, x, "n", PNN_NORM_BATCH, 0.1);
}

static pnn_node large(pnn_graph *g, pnn_node x)
{
    const long dims[4] = {1, 1, 1, 3};
    return pnn_mul(g, x, pnn_param(g, "big", PNN_TRAINED, dims, (pnn_init){PNN_INIT_VALUE, 1e6}));
}

static void errors_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        builder *build;
        pnn_dtype type;
        pln_status status;
        const char *says;
    } cases[] = {{broken, PNN_F32, PLN_E_INTERNAL, "haar"},
                 {gradient, PNN_F32, PLN_E_UNSUPPORTED, "'conv_weight'"},
                 {training, PNN_F32, PLN_E_UNSUPPORTED, "trains"},
                 {large, PNN_F16, PLN_E_RANGE, "'big'"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *bytes = NULL;
        size_t length;
        const pnn_onnx_options o = {"net", cases[i].type, NULL, 0};
        assert_int_equal(encode(ctx, cases[i].build, &o, &bytes, &length, NULL), cases[i].status);
        assert_non_null(strstr(pln_context_message(ctx), cases[i].says));
        assert_null(bytes);
    }
}

/* ---- Memory that runs out ---- */

struct allocator {
    long left; /* negative: never fail */
    size_t blocks;
};

static void *take(void *user, size_t size, size_t align)
{
    struct allocator *a = user;
    void *p = NULL;
    if (a->left >= 0 && a->left-- <= 1) {
        a->left = 1; /* stays short */
        return NULL;
    }
    if (posix_memalign(&p, align, size)) return NULL;
    a->blocks++;
    return p;
}

static void give(void *user, void *p, size_t size)
{
    struct allocator *a = user;
    (void)size;
    if (p) a->blocks--;
    free(p);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    struct allocator a = {.left = -1};
    pln_context *c = NULL;
    const pnn_onnx_options o = {"net", PNN_F16, NULL, 0};
    const pln_context_options options = {.size = sizeof options,
                                         .threads = 1,
                                         .alloc = take,
                                         .free = give,
                                         .alloc_user = &a,
                                         .memory = (uint64_t)1 << 30};
    pln_status s = PLN_E_MEMORY;
    long n = 0;
    OK(NULL, pln_context_new_with(&options, &c));
    size_t held = a.blocks;
    while (s) {
        void *bytes = NULL;
        size_t length;
        a.left = ++n;
        s = encode(c, everything, &o, &bytes, &length, NULL);
        a.left = -1;
        if (s) {
            assert_int_equal(s, PLN_E_MEMORY);
            assert_null(bytes);
        }
        pln_free(bytes);
        assert_int_equal(a.blocks, held);
    }
    assert_true(n > 100);
    pln_context_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_says_what_the_graph_is, setup, teardown),
        cmocka_unit_test_setup_teardown(halves_are_widened_in_the_model, setup, teardown),
        cmocka_unit_test_setup_teardown(every_operation_of_inference_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(open_sizes_of_transposed_convolutions_are_cut, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(errors_name_what_is_wrong, setup, teardown),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
