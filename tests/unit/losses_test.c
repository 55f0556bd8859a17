/* SPDX-License-Identifier: MIT */
/* losses: values and gradients against PyTorch, and ten steps of training of the systems. */
#include "fixture.h"

#include "losses/losses.h"
#include "nets/nets.h"

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

static void finish(fixture *f, bool train)
{
    fixture_run_all(f, train);
    fixture_close(f);
}

/* ---- Losses of JESS-Net ---- */

static void expect_loss(fixture *f, pnn_node loss, pnn_node wrt, const char *name)
{
    pnn_node grad;
    pnn_gradients(f->g, loss, &wrt, 1, &grad);
    fixture_expect_flat(f, loss, pnn_name(f->g, "%s.value", name), 3e-6, true);
    fixture_expect(f, grad, pnn_name(f->g, "%s.grad", name), 1e-4, true);
}

static void losses_of_pictures(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "jess/losses");
    pnn_graph *g = f.g;
    pnn_node x = fixture_input_fixed(&f, "x"), gt = fixture_input_fixed(&f, "gt"),
             label = fixture_input_fixed(&f, "edge_label");
    expect_loss(&f, ploss_l1(g, x, gt), x, "l1");
    expect_loss(&f, ploss_ssim(g, x, gt), x, "ssim");
    expect_loss(&f, ploss_ms_ssim(g, x, gt, 4), x, "ms_ssim_pool");
    expect_loss(&f, ploss_dtv(g, x, gt, label), x, "dtv");
    for (int i = 0; i < 4; i++) {
        fixture_expect_flat(&f, ploss_ssim(g, x, gt), pnn_name(g, "ssim_level%d", i), 3e-6, true);
        x = pnn_max_pool(g, x, 2);
        gt = pnn_max_pool(g, gt, 2);
    }
    finish(&f, false);
}

static void losses_of_edges(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "jess/losses");
    pnn_graph *g = f.g;
    pnn_node logits = fixture_input(&f, "logits"), label = fixture_input(&f, "edge_label"),
             big = pnn_affine(g, logits, 60, 0);
    expect_loss(&f, ploss_edge_bce(g, logits, label), logits, "edge_bce");
    expect_loss(&f, ploss_edge_bce(g, big, label), big, "edge_bce_big");
    expect_loss(&f, ploss_edge_bce(g, logits, pnn_fill(g, label, 0)), logits, "edge_bce_none");
    expect_loss(&f, ploss_edge_bce(g, logits, pnn_fill(g, label, 1)), logits, "edge_bce_all");
    finish(&f, false);
}

/* ---- Parts of the training graphs ---- */

/* Parameters of a network from a file under a prefix. */
static void load_net(fixture *f, const pnet_net *net, const char *config, const char *path,
                     const char *prefix)
{
    fixture from;
    pnet_options o;
    pnn_graph *g;
    fixture_open(&from, ctx, path);
    OK(ctx, pnet_configure(ctx, net, config, "test", &o));
    OK(ctx, pnet_graph(ctx, net, &o, PNET_EVAL, &g));
    OK(ctx, pnn_store_load(f->store, g, from.st, prefix));
    pnn_graph_free(g);
    fixture_close(&from);
}

#define NARROW "{\"dim\": 16, \"num_block\": 2, \"n_smooth\": 1, \"n_refine\": 2}"
static const pnet_jess_options narrow = {16, 2, 1, 2};

static ploss_features vgg_of(pnn_graph *g, pnn_node x)
{
    static const pnet_vgg16_options o = {{{8, 12}, 2}};
    pnn_freeze(g, true);
    pnet_vgg16_nodes v = pnet_vgg16(g, x, &o);
    pnn_freeze(g, false);
    return (ploss_features){.x = x, .f = {v.relu1_2, v.relu2_2}, .layers = 2};
}

static void load_vgg(fixture *f)
{
    load_net(f, &pnet_net_vgg16, "{\"widths\": [8, 12]}", "csgis/contrast", "vgg.");
}

static ploss_features eme_of(pnn_graph *g, pnn_node x)
{
    static const pnet_eme_options o = {4};
    pnn_freeze(g, true);
    pnet_eme_nodes e = pnet_eme(g, x, &o);
    pnn_freeze(g, false);
    return (ploss_features){.x = x, .f = {e.stage[0], e.stage[1], e.stage[2]}, .layers = 3};
}

static void load_eme(fixture *f) { load_net(f, &pnet_net_eme, "{\"width\": 4}", f->path, "eme."); }

struct terms {
    pnn_node l1, mssim, edge, dtv, total; /* weighted: 1, 0.1, 0.001, 1; total: the first three */
};

static struct terms jess_terms(pnn_graph *g, const pnet_jess_nodes *n, pnn_node gt, pnn_node label)
{
    struct terms t;
    t.l1 = pnn_add(g, ploss_l1(g, n->s0, gt), ploss_l1(g, n->s1, gt));
    t.mssim = pnn_affine(
        g, pnn_add(g, ploss_ms_ssim(g, n->s0, gt, 4), ploss_ms_ssim(g, n->s1, gt, 4)), 0.1, 0);
    t.edge = pnn_affine(g, ploss_edge_bce(g, n->edge, label), 1e-3, 0);
    t.dtv = pnn_add(g, ploss_dtv(g, n->s0, gt, label), ploss_dtv(g, n->s1, gt, label));
    t.total = pnn_add(g, pnn_add(g, t.l1, t.mssim), t.edge);
    return t;
}

/* ---- JESS-Net ---- */

static void jess_forward_and_backward(void **state)
{
    fixture f;
    pnn_node dx;
    (void)state;
    fixture_open(&f, ctx, "jess/forward_train");
    pnn_node x = fixture_input_fixed(&f, "x"), gt = fixture_input_fixed(&f, "gt"),
             label = fixture_input_fixed(&f, "edge_label");
    pnet_jess_nodes n = pnet_jess(f.g, x, &narrow, PNET_TRAIN);
    struct terms t = jess_terms(f.g, &n, gt, label);
    fixture_expect(&f, n.edge, "edge", 2e-5, false);
    fixture_expect(&f, n.s0, "s0", 2e-5, false);
    fixture_expect(&f, n.r, "r", 2e-5, false);
    fixture_expect_flat(&f, t.l1, "term.l1", 2e-6, true);
    fixture_expect_flat(&f, t.mssim, "term.mssim", 2e-6, true);
    fixture_expect_flat(&f, t.edge, "term.edge", 2e-6, true);
    fixture_expect_flat(&f, t.dtv, "term.dtv", 2e-6, true);
    pnn_node total = pnn_add(f.g, t.total, t.dtv);
    assert_true(fixture_expect_gradients(&f, total, "grad.", 1e-4) > 60);
    pnn_gradients(f.g, total, &x, 1, &dx);
    fixture_expect(&f, dx, "grad.x", 1e-4, true);
    for (int b = 0; b < 2; b++) {
        load_net(&f, &pnet_net_jess, NARROW, "jess/net", "");
        fixture_run(&f, b ? PNN_BACKEND_CPU : PNN_BACKEND_REF, true);
        assert_int_equal(fixture_compare_store(&f, "after.", 1e-5, NULL), 2 * 20);
    }
    fixture_close(&f);
}

/* ---- Traces of Adam. The large ones on the fast back end alone: ref has no gradient of its own
 * that the passes before do not show. ---- */

static const double jess_tolerance[10] = {1e-6, 5e-5, 5e-5, 5e-5, 5e-5,
                                          1e-3, 1e-3, 1e-3, 1e-3, 1e-3};
/* Without fused multiplications and additions rounding is another from the first step on, and the
 * first steps of Adam make up to the learning rate of gradients that are 0 but for it. */
static const double jess_baseline_tolerance[10] = {1e-6, 5e-5, 2e-4, 2e-4, 2e-4,
                                                   1e-3, 1e-3, 1e-3, 1e-3, 1e-3};
static const double csgis_tolerance[10] = {1e-6, 1e-3, 1e-3, 1e-3, 1e-3,
                                           5e-3, 5e-3, 5e-3, 5e-3, 5e-3};
/* Winograd's sums leave 1e-9 where a gradient is 0 but for rounding, here of dead features on maps
 * of 3 x 4 pixels; Adam's first steps make up to the learning rate of it. */
static const double eme_cpu_tolerance[10] = {1e-5, 1e-4, 1e-3, 1e-3, 1e-3,
                                             1e-2, 1e-2, 1e-2, 1e-2, 1e-2};
static const double mi_tolerance[10] = {1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5};

static bool ends(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* A convolution's bias before a normalisation has no gradient but rounding, which Adam enlarges;
 * the files leave it out. Entry i of the store; after it comes what the network uses next. */
static bool without_gradient(const pnn_store *store, size_t i)
{
    const char *name;
    size_t d[4];
    pnn_store_at(store, i, &name, d);
    if (!ends(name, ".bias") || i + 3 >= pnn_store_count(store)) return false;
    pnn_store_at(store, i + 1, &name, d);
    if (!ends(name, ".weight") || d[0] * d[1] * d[2] != 1) return false;
    pnn_store_at(store, i + 3, &name, d);
    return ends(name, ".running_mean");
}

/* Mean and standard deviation of the parameters, in the order of the checkpoint. */
static void compare_moments(const fixture *f, double tolerance)
{
    size_t n, at = 0;
    float *mean = fixture_values(f, "final.mean", &n), *std = fixture_values(f, "final.std", NULL);
    for (size_t i = 0; i < pnn_store_count(f->store); i++) {
        const char *name;
        size_t d[4];
        const float *v = pnn_store_at(f->store, i, &name, d);
        size_t count = d[0] * d[1] * d[2] * d[3];
        double sum = 0, squares = 0;
        if (strstr(name, ".adam_") || !strncmp(name, "features.", 9) ||
            without_gradient(f->store, i))
            continue;
        assert_true(at < n);
        for (size_t k = 0; k < count; k++) sum += v[k];
        double m = sum / (double)count;
        for (size_t k = 0; k < count; k++) squares += (v[k] - m) * (v[k] - m);
        double s = sqrt(squares / (double)count);
        if (!(fabs(m - mean[at]) <= tolerance) || !(fabs(s - std[at]) <= tolerance))
            fail_msg("%s: '%s' has mean %g and deviation %g, expected %g and %g", f->path, name, m,
                     s, mean[at], std[at]);
        at++;
    }
    assert_int_equal(at, n);
    free(mean);
    free(std);
}

static void jess_trains(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "jess/adam");
    pnn_node x = fixture_input_fixed(&f, "x"), gt = fixture_input_fixed(&f, "gt"),
             label = fixture_input_fixed(&f, "edge_label");
    pnet_jess_nodes n = pnet_jess(f.g, x, &narrow, PNET_TRAIN);
    struct terms t = jess_terms(f.g, &n, gt, label);
    pnn_output(f.g, t.total, "loss");
    fixture_adam(&f, t.total, NULL);
    load_net(&f, &pnet_net_jess, NARROW, "jess/net", "");
    pnn_plan *plan = fixture_plan(&f, PNN_BACKEND_CPU, true);
    bool baseline = pln_isa_of(ctx) == PLN_ISA_BASELINE;
    fixture_trace(&f, plan, "loss", 1e-3f, baseline ? jess_baseline_tolerance : jess_tolerance,
                  NULL, NULL);
    pnn_plan_free(plan);
    assert_int_equal(fixture_compare_store(&f, "final.", 3e-3, NULL), 5);
    compare_moments(&f, 3e-3);
    fixture_close(&f);
}

/* ---- CSGIS-Net ---- */

static void contrast_of_pictures(void **state)
{
    static const struct {
        const char *name, *negative;
    } cases[] = {
        {"input", "input"}, {"over", "over"}, {"input_gram_on", "input"}, {"both_off", "input"}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fixture f;
        pnn_node da;
        char name[64];
        fixture_open(&f, ctx, "csgis/contrast");
        pnn_graph *g = f.g;
        ploss_features anchor = vgg_of(g, fixture_input(&f, "anchor")),
                       positive = vgg_of(g, fixture_input(&f, "positive")),
                       negative = vgg_of(g, fixture_input(&f, cases[i].negative));
        snprintf(name, sizeof name, "case.%s.margins", cases[i].name);
        float *margins = fixture_values(&f, name, NULL);
        snprintf(name, sizeof name, "case.%s.value", cases[i].name);
        float *value = fixture_values(&f, name, NULL);
        snprintf(name, sizeof name, "case.%s.distances", cases[i].name);
        float *d = fixture_values(&f, name, NULL);
        pnn_node loss = ploss_contrast(g, &anchor, &positive, &negative, margins[0], margins[1]);
        fixture_expect_scalar(&f, loss, "contrast", value[0], 1e-5);
        fixture_expect_scalar(&f, ploss_gram_distance(g, anchor.f, positive.f, 2), "gram+", d[0],
                              1e-5);
        fixture_expect_scalar(&f, ploss_gram_distance(g, anchor.f, negative.f, 2), "gram-", d[1],
                              1e-5);
        fixture_expect_scalar(&f, ploss_mean_distance(g, anchor.x, positive.x), "mean+", d[2],
                              1e-5);
        fixture_expect_scalar(&f, ploss_mean_distance(g, anchor.x, negative.x), "mean-", d[3],
                              1e-5);
        pnn_gradients(g, loss, &anchor.x, 1, &da);
        snprintf(name, sizeof name, "case.%s.grad", cases[i].name);
        fixture_expect(&f, da, name, 1e-4, true);
        load_vgg(&f);
        free(margins);
        free(value);
        free(d);
        finish(&f, false);
    }
}

static pnn_node csgis_contrast(pnn_graph *g, pnn_node s1, pnn_node gt, pnn_node negative)
{
    ploss_features a = vgg_of(g, s1), p = vgg_of(g, gt), n = vgg_of(g, negative);
    return ploss_contrast(g, &a, &p, &n, 0.04, 0.3);
}

static void csgis_forward_and_backward(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "csgis/step");
    pnn_node x = fixture_input_fixed(&f, "x"), gt = fixture_input_fixed(&f, "gt"),
             label = fixture_input_fixed(&f, "edge_label"), over = fixture_input_fixed(&f, "over");
    pnet_jess_nodes n = pnet_jess(f.g, x, &narrow, PNET_TRAIN);
    struct terms t = jess_terms(f.g, &n, gt, label);
    pnn_node contrast = csgis_contrast(f.g, n.s1, gt, x);
    fixture_expect_flat(&f, t.l1, "input.term.l1", 2e-6, true);
    fixture_expect_flat(&f, t.mssim, "input.term.mssim", 2e-6, true);
    fixture_expect_flat(&f, t.edge, "input.term.edge", 2e-6, true);
    fixture_expect_flat(&f, t.dtv, "input.term.dtv", 2e-6, true);
    fixture_expect_flat(&f, contrast, "input.term.contrast", 2e-6, true);
    fixture_expect_flat(&f, csgis_contrast(f.g, n.s1, gt, over), "over.term.contrast", 2e-6, true);
    pnn_node total = pnn_add(f.g, pnn_add(f.g, t.total, t.dtv), contrast);
    assert_true(fixture_expect_gradients(&f, total, "grad.", 1e-4) > 60);
    load_net(&f, &pnet_net_jess, NARROW, "jess/net", "");
    load_vgg(&f);
    fixture_run(&f, PNN_BACKEND_REF, true);
    /* Two inputs of ReLUs are within 5e-7 of 0 here: rounding decides which way they go, and the
     * gradient of two pixels with them. */
    for (size_t i = 0; i < f.outs; i++)
        if (!strncmp(f.out[i].name, "grad.", 5)) f.out[i].tolerance = 2e-2;
    load_net(&f, &pnet_net_jess, NARROW, "jess/net", "");
    fixture_run(&f, PNN_BACKEND_CPU, true);
    fixture_close(&f);
}

static void other_negative(void *arg, pnn_plan *plan, size_t k)
{
    fixture *f = arg;
    for (size_t i = 0; i < f->ins; i++)
        if (!strcmp(f->in[i].name, k % 2 ? "over" : "x"))
            OK(ctx, pnn_plan_bind(plan, "negative", f->in[i].data));
}

static void csgis_trains(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "csgis/adam");
    pnn_node x = fixture_input_fixed(&f, "x"), gt = fixture_input_fixed(&f, "gt"),
             label = fixture_input_fixed(&f, "edge_label"), over = fixture_input_fixed(&f, "over"),
             negative = pnn_input_shaped(f.g, "negative", pnn_shape_of(f.g, x));
    pnet_jess_nodes n = pnet_jess(f.g, x, &narrow, PNET_TRAIN);
    struct terms t = jess_terms(f.g, &n, gt, label);
    pnn_node total =
        pnn_add(f.g, pnn_add(f.g, t.total, t.dtv), csgis_contrast(f.g, n.s1, gt, negative));
    pnn_output(f.g, total, "loss");
    pnn_output(f.g, over, "the over-smoothed picture is an input of the plan");
    fixture_adam(&f, total, NULL);
    load_net(&f, &pnet_net_jess, NARROW, "jess/net", "");
    load_vgg(&f);
    pnn_plan *plan = fixture_plan(&f, PNN_BACKEND_CPU, true);
    fixture_trace(&f, plan, "loss", 1e-3f, csgis_tolerance, other_negative, &f);
    pnn_plan_free(plan);
    assert_int_equal(fixture_compare_store(&f, "final.", 1e-2, NULL), 5);
    compare_moments(&f, 1e-2);
    fixture_close(&f);
}

/* Against the definition, in double precision; one pixel in five is ignored. */
static void segmentation_is_cross_entropy(void **state)
{
    enum { H = 4, W = 5, K = 7, N = H * W };
    float z[N * K], label[N], value, grad[N * K];
    double want = 0, slopes[N * K] = {0};
    int counted = 0;
    (void)state;
    for (int all = 0; all < 2; all++) {
        pnn_graph *g;
        pnn_store *store;
        pnn_plan *plan;
        pnn_node dz;
        want = counted = 0;
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int c = 0; c < K; c++)
                z[i * K + c] = (float)(80 * (pln_random(1, 0, (uint64_t)(i * K + c)) - 0.5));
            label[i] = all || i % 5 == 0 ? 255 : (float)(i % K);
            for (int c = 0; c < K; c++) sum += exp((double)z[i * K + c]);
            for (int c = 0; c < K; c++) slopes[i * K + c] = 0;
            if (label[i] == 255) continue;
            counted++;
            want += log(sum) - z[i * K + i % K];
            for (int c = 0; c < K; c++)
                slopes[i * K + c] = exp((double)z[i * K + c]) / sum - (c == i % K);
        }
        OK(ctx, pnn_graph_new(ctx, &g));
        OK(ctx, pnn_store_new(ctx, &store));
        pnn_node logits = pnn_input(g, "z", K),
                 loss = ploss_segmentation(g, logits, pnn_input(g, "label", 1));
        pnn_gradients(g, loss, &logits, 1, &dz);
        pnn_output(g, loss, "loss");
        pnn_output(g, dz, "dz");
        OK(ctx, pnn_graph_status(g));
        for (int b = 0; b < 2; b++) {
            pnn_plan_options o = {.size = {1, H, W},
                                  .backend = b ? PNN_BACKEND_CPU : PNN_BACKEND_REF};
            OK(ctx, pnn_plan_new(ctx, g, store, &o, &plan));
            OK(ctx, pnn_plan_bind(plan, "z", z));
            OK(ctx, pnn_plan_bind(plan, "label", label));
            OK(ctx, pnn_plan_bind(plan, "loss", &value));
            OK(ctx, pnn_plan_bind(plan, "dz", grad));
            OK(ctx, pnn_plan_run(plan));
            pnn_plan_free(plan);
            int n = counted ? counted : 1;
            assert_true(fabs(value - want / n) <= 1e-6 * fabs(want / n));
            for (int i = 0; i < N * K; i++) assert_true(fabs(grad[i] - slopes[i] / n) <= 1e-6 / n);
        }
        pnn_store_free(store);
        pnn_graph_free(g);
    }
}

/* ---- Fan ---- */

struct pictures {
    float *I[2], *B[2];
};

static void next_picture(void *arg, pnn_plan *plan, size_t k)
{
    struct pictures *p = arg;
    OK(ctx, pnn_plan_bind(plan, "I0", p->I[k % 2]));
    OK(ctx, pnn_plan_bind(plan, "B0", p->B[k % 2]));
}

/* Gradients of biases in front of a normalisation are rounding alone: the trace leaves them out. */
static bool normalised_away(const char *name)
{
    size_t n = strlen(name);
    return n > 10 && !strcmp(name + n - 10, ".conv.bias");
}

static bool changes_none(const char *name)
{
    return normalised_away(name) || strstr(name, ".running_");
}

/* The energy of a small network's result T of I, with maps whose B is the fixture's. */
static pnn_node energy_of_network(fixture *f)
{
    const pnet_net *net;
    pnet_options o;
    fixture_open(f, ctx, "fan/train");
    OK(ctx, pnet_find(ctx, "fan", &net, &o));
    OK(ctx, pnet_configure(ctx, net, "{\"width\": 4, \"blocks\": [2, 1]}", f->path, &o));
    pnn_node I = fixture_input_fixed(f, "I0"), B = fixture_input_fixed(f, "B0");
    pnn_node maps = pnn_fan_maps(f->g, PLN_FAN_PLAIN, I, (pnn_node){0});
    maps = pnn_concat2(f->g, PNN_AXIS_C, pnn_slice(f->g, maps, 0, 1), B);
    pnn_node T = net->build(f->g, I, &o, PNET_TRAIN);
    return ploss_fan(f->g, T, I, maps, &pln_fan_variants[0].energy);
}

static void fan_trains(void **state)
{
    static const double tolerance[10] = {1e-5, 1e-4, 1e-4, 1e-4, 1e-4,
                                         1e-4, 1e-4, 1e-4, 1e-4, 1e-4};
    fixture f;
    (void)state;
    pnn_node loss = energy_of_network(&f);
    struct pictures pictures = {{f.in[0].data, fixture_nhwc(&f, "I1", -1, NULL)},
                                {f.in[1].data, fixture_nhwc(&f, "B1", -1, NULL)}};
    pnn_output(f.g, loss, "loss");
    fixture_adam(&f, loss, normalised_away);
    fixture_load(&f, "w0.");
    pnn_plan *plan = fixture_plan(&f, PNN_BACKEND_CPU, true);
    fixture_trace(&f, plan, "losses", 0.01f, tolerance, next_picture, &pictures);
    pnn_plan_free(plan);
    assert_int_equal(fixture_compare_store(&f, "w10.", 2e-2, changes_none), 29);
    free(pictures.I[1]);
    free(pictures.B[1]);
    fixture_close(&f);
}

static void fan_first_gradients(void **state)
{
    fixture f;
    (void)state;
    pnn_node loss = energy_of_network(&f);
    /* Where pixels are alike, rounding decides their order, and so the sign of their pull. */
    assert_true(fixture_expect_gradients(&f, loss, "g.", 1e-3) > 30);
    for (size_t i = 0; i < f.outs; i++) /* of rounding: small beside those of weights */
        if (normalised_away(f.out[i].name)) {
            f.out[i].relative = false;
            f.out[i].tolerance = 1e-3;
        }
    fixture_load(&f, "w0.");
    fixture_run_all(&f, true);
    fixture_close(&f);
}

/* ---- MI and EME ---- */

static void expect_with_gradient(fixture *f, pnn_node loss, pnn_node y, const char *name)
{
    pnn_node dy;
    pnn_gradients(f->g, loss, &y, 1, &dy);
    fixture_expect_flat(f, loss, name, 2e-6, true);
    fixture_expect(f, dy, pnn_name(f->g, "d%s", name), 2e-5, true);
}

static void losses_of_mi(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "mi_eme/losses");
    pnn_graph *g = f.g;
    ploss_features y = eme_of(g, fixture_input(&f, "y")), pos = eme_of(g, fixture_input(&f, "pos")),
                   neg = eme_of(g, fixture_input(&f, "neg"));
    pnn_node edge = fixture_input(&f, "edge");
    expect_with_gradient(&f, ploss_l1(g, y.x, pos.x), y.x, "rec");
    expect_with_gradient(&f, ploss_ternary(g, &y, &pos, &neg, 0.5, 1), y.x, "ternary");
    expect_with_gradient(&f, ploss_ternary(g, &y, &pos, &neg, 1, 1), y.x, "ternary_margin_1");
    expect_with_gradient(&f, ploss_ternary(g, &y, &pos, &neg, 0.5, 0), y.x, "ternary_pixels_only");
    expect_with_gradient(&f, ploss_eatv(g, y.x, pos.x, edge), y.x, "eatv");
    fixture_expect_flat(&f, ploss_distances(g, &y, &pos, 1), "d_y_pos", 2e-6, true);
    fixture_expect_flat(&f, ploss_distances(g, &y, &neg, 1), "d_y_neg", 2e-6, true);
    fixture_expect_flat(&f, ploss_distances(g, &pos, &neg, 1), "d_pos_neg", 2e-6, true);
    /* The ratio of the two, from the file's own distances. */
    float *near = fixture_values(&f, "d_y_pos", NULL), *far = fixture_values(&f, "d_y_neg", NULL);
    fixture_expect_scalar(&f, ploss_ternary_ratio(g, &y, &pos, &neg, 1), "ratio",
                          (near[0] / far[0] + near[1] / far[1]) / 2, 4e-6);
    free(near);
    free(far);
    load_eme(&f);
    finish(&f, false);
}

struct mi_terms {
    pnn_node y, rec, ternary, eatv, total;
};

static struct mi_terms mi_terms(fixture *f)
{
    pnn_graph *g = f->g;
    static const pnet_eme_options eme = {4};
    pnet_options o;
    struct mi_terms t;
    OK(ctx, pnet_configure(ctx, &pnet_net_mi, pnn_st_metadata(f->st, "config"), f->path, &o));
    pnn_node x = fixture_input(f, "x"), pos = fixture_input(f, "pos");
    t.y = pnet_mi(g, x, (pnn_node){0}, &o.mi);
    ploss_features anchor = eme_of(g, t.y), positive = eme_of(g, pos), negative = eme_of(g, x);
    pnn_freeze(g, true);
    pnn_node edge = pnet_eme(g, pos, &eme).edge;
    pnn_freeze(g, false);
    t.rec = ploss_l1(g, t.y, pos);
    t.ternary = ploss_ternary(g, &anchor, &positive, &negative, 0.5, 1);
    t.eatv = ploss_eatv(g, t.y, pos, edge);
    t.total = pnn_add(g, pnn_add(g, t.rec, pnn_affine(g, t.ternary, 0.1, 0)),
                      pnn_affine(g, t.eatv, 0.05, 0));
    return t;
}

static void load_mi(fixture *f)
{
    load_eme(f);
    load_net(f, &pnet_net_mi, pnn_st_metadata(f->st, "config"), f->path, "w0.");
}

static void mi_forward_and_backward(void **state)
{
    fixture f;
    (void)state;
    fixture_open(&f, ctx, "mi_eme/mi_train");
    struct mi_terms t = mi_terms(&f);
    fixture_expect(&f, t.y, "y", 2e-6, true);
    fixture_expect_flat(&f, t.rec, "loss.rec", 2e-6, true);
    fixture_expect_flat(&f, t.ternary, "loss.ternary", 2e-6, true);
    fixture_expect_flat(&f, t.eatv, "loss.eatv", 2e-6, true);
    assert_int_equal(fixture_expect_gradients(&f, t.total, "g.", 2e-5), 18);
    load_mi(&f);
    finish(&f, false);
}

static void mi_trains(void **state)
{
    (void)state;
    for (int b = 0; b < 2; b++) {
        fixture f;
        fixture_open(&f, ctx, "mi_eme/mi_train");
        struct mi_terms t = mi_terms(&f);
        pnn_output(f.g, t.total, "loss");
        fixture_adam(&f, t.total, NULL);
        load_mi(&f);
        pnn_plan *plan = fixture_plan(&f, b ? PNN_BACKEND_CPU : PNN_BACKEND_REF, true);
        fixture_trace(&f, plan, "losses", 1e-3f, mi_tolerance, NULL, NULL);
        pnn_plan_free(plan);
        assert_int_equal(fixture_compare_store(&f, "w10.", 1e-5, NULL), 18);
        fixture_close(&f);
    }
}

static void eme_trains(void **state)
{
    (void)state;
    for (int b = 0; b < 3; b++) { /* forward and backward on both; then the trace on each */
        fixture f;
        pnet_options o;
        fixture_open(&f, ctx, "mi_eme/eme_train");
        OK(ctx, pnet_configure(ctx, &pnet_net_eme, "{\"width\": 4}", f.path, &o));
        pnet_eme_nodes y = pnet_eme(f.g, fixture_input(&f, "x"), &o.eme);
        const pnn_node maps[] = {y.side[0], y.side[1], y.side[2], y.side[3], y.fused};
        pnn_node loss = ploss_boundary_bce(f.g, maps, 5, fixture_input(&f, "label"), 0, 0.5);
        if (b == 2) {
            double value;
            assert_true(pln_parse_real(pnn_st_metadata(f.st, "loss"), &value));
            fixture_expect_scalar(&f, loss, "boundaries", value, 2e-6);
            assert_int_equal(fixture_expect_gradients(&f, loss, "g.", 2e-5), 26);
            fixture_load(&f, "w0.");
            finish(&f, false);
            continue;
        }
        pnn_output(f.g, loss, "loss");
        fixture_adam(&f, loss, NULL);
        fixture_load(&f, "w0.");
        pnn_plan *plan = fixture_plan(&f, b ? PNN_BACKEND_CPU : PNN_BACKEND_REF, true);
        fixture_trace(&f, plan, "losses", 1e-3f, b ? eme_cpu_tolerance : mi_tolerance, NULL, NULL);
        pnn_plan_free(plan);
        if (!b) assert_int_equal(fixture_compare_store(&f, "w10.", 1e-5, NULL), 26);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_of_pictures),
        cmocka_unit_test(losses_of_edges),
        cmocka_unit_test(jess_forward_and_backward),
        cmocka_unit_test(jess_trains),
        cmocka_unit_test(contrast_of_pictures),
        cmocka_unit_test(csgis_forward_and_backward),
        cmocka_unit_test(csgis_trains),
        cmocka_unit_test(segmentation_is_cross_entropy),
        cmocka_unit_test(fan_first_gradients),
        cmocka_unit_test(fan_trains),
        cmocka_unit_test(losses_of_mi),
        cmocka_unit_test(mi_forward_and_backward),
        cmocka_unit_test(mi_trains),
        cmocka_unit_test(eme_trains),
    };
    return cmocka_run_group_tests_name("losses", tests, setup, teardown);
}
