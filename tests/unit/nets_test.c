/* SPDX-License-Identifier: MIT */
/* nets: counts to the last digit, forward and backward passes against PyTorch, steps of Adam,
 * receptive fields, configurations. */
#include "fixture.h"

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

/* ---- Counts ---- */

static uint64_t values(const pnn_store *store)
{
    uint64_t total = 0;
    for (size_t i = 0; i < pnn_store_count(store); i++) {
        const char *name;
        size_t d[4];
        pnn_store_at(store, i, &name, d);
        total += d[0] * d[1] * d[2] * d[3];
    }
    return total;
}

/* The published counts of SASNet are of convolutions alone; these are the linear layers of the
 * gates in `blocks` blocks: width x hidden, twice, for mean and maximum, in three g's, in f and
 * f^-1. */
#define GATES(blocks) ((blocks)*2 * 3 * 2 * 2 * 64 * 4)

static void counts_are_those_of_the_papers(void **state)
{
    static const struct {
        const char *name;
        uint64_t parameters, statistics, macs;
    } nets[] = {
        {"jess", 3417863, 11776, 668492365824},
        {"hdc_edge", 2709764, 9344, 529992253440},
        {"hdc", 2300995, 7936, 450040430592},
        {"baseline", 1745155, 6016, 341324070912},
        {"csgis", 2528519, 8704, 494546190336},
        {"csgis:20", 3417863, 11776, 668492365824},
        {"fan", 920131, 3200, 56144953344},
        {"fan:port", 921667, 3200, 56446943232},
        {"sasnet", 2151984, 0, 208170123264 + GATES(16)},
        {"sasnet:bn", 2152032, 96, 208170123264 + GATES(16)},
        {"sasnet:plain", 2119392, 0, 207707701248},
        {"sasnet:x4", 2673552, 0, 142910226432 + GATES(16)},
        {"sasnet:x8", 4107864, 0, 116398393344 + GATES(16)},
        {"unet:w34", 2173725, 0, 31224102912},
        {"unet", 7697475, 0, 110301806592},
        {"unet:w88", 14550363, 0, 208344711168},
        {"autoencoder:w34", 1955241, 0, 25087574016},
        {"autoencoder", 6923331, 0, 88558534656},
        {"autoencoder:w88", 13086747, 0, 167236337664},
        {"mi", 1369859, 0, 268846497792},
        {"mi:edge", 1370435, 582537, 268959744000 + 8335785984},
        {"eme", 582537, 0, 8335785984},
        {"vgg16", 260160, 0, 18459131904},
        {"deeplabv3", 2097013, 0, 1952989184},
    };
    (void)state;
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        const pnet_net *net;
        pnet_options o;
        pnn_graph *g;
        pnn_store *store;
        OK(ctx, pnet_find(ctx, nets[i].name, &net, &o));
        /* Without outputs: all that is built counts, as it does in the papers. */
        OK(ctx, pnn_graph_new(ctx, &g));
        net->build(g, pnn_input(g, "x", 3), &o, PNET_EVAL);
        OK(ctx, pnn_store_new(ctx, &store));
        OK(ctx, pnn_store_init(store, g, 1));
        uint64_t p = pnn_parameters(g), macs = pnn_macs(g, (pnn_size){1, 384, 512}),
                 rest = values(store) - p;
        if (p != nets[i].parameters || macs != nets[i].macs || rest != nets[i].statistics)
            fail_msg("%s: %llu parameters, %llu other values, %llu MACs", nets[i].name,
                     (unsigned long long)p, (unsigned long long)rest, (unsigned long long)macs);
        pnn_store_free(store);
        pnn_graph_free(g);
    }
}

/* The detail that the last block of f makes is thrown away: 2 of 192 sub-networks are not run. */
static void what_sasnet_throws_away_is_not_computed(void **state)
{
    const uint64_t g3 = (uint64_t)49152 * 9 * (3 * 64 + 64 * 64 + 67 * 9), gate = 49152 * 98;
    const pnet_net *net;
    pnet_options o;
    pnn_graph *g;
    (void)state;
    OK(ctx, pnet_find(ctx, "sasnet", &net, &o));
    OK(ctx, pnet_graph(ctx, net, &o, PNET_EVAL, &g));
    assert_int_equal(pnn_macs(g, (pnn_size){1, 384, 512}),
                     208170123264 + GATES(16) - 2 * (g3 + gate + 2 * 2 * 64 * 4));
    pnn_graph_free(g);
}

/* ---- Against PyTorch ---- */

static void configure(fixture *f, const pnet_net *net, pnet_options *o)
{
    OK(ctx, pnet_configure(ctx, net, pnn_st_metadata(f->st, "config"), f->path, o));
}

/* The narrow JESS-Net of the fixtures. */
static const pnet_jess_options narrow_jess = {16, 2, 1, 2};

static void load_jess(fixture *f)
{
    fixture net;
    fixture_open(&net, ctx, "jess/net");
    OK(ctx, pnn_store_load(f->store, f->g, net.st, ""));
    fixture_close(&net);
}

static void jess_forward(void **state)
{
    static const char *const sizes[] = {"odd", "even", "tiny", "line"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fixture f;
        char name[64];
        fixture_open(&f, ctx, "jess/forward_eval");
        snprintf(name, sizeof name, "%s.x", sizes[i]);
        pnet_jess_nodes y = pnet_jess(f.g, fixture_input(&f, name), &narrow_jess, PNET_EVAL);
        const struct {
            const char *name;
            pnn_node node;
        } results[] = {{"edge", y.edge}, {"s0", y.s0}, {"r", y.r}, {"s1", y.s1}};
        for (size_t k = 0; k < 4; k++) {
            snprintf(name, sizeof name, "%s.%s", sizes[i], results[k].name);
            fixture_expect(&f, results[k].node, name, 5e-5, false);
        }
        load_jess(&f);
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

static void jess_ablations_forward(void **state)
{
    static const struct {
        const char *name, *result;
        pnet_jess_nodes (*build)(pnn_graph *, pnn_node, const pnet_jess_options *, pnet_mode);
        pnet_jess_options o;
    } nets[] = {{"Baseline", "s", pnet_baseline, {8, 2, 3, 0}},
                {"HDC", "s", pnet_hdc, {8, 2, 0, 0}},
                {"HDC_edge", "s0", pnet_hdc_edge, {8, 2, 1, 0}}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        char name[64];
        fixture_open(&f, ctx, "jess/variants");
        snprintf(name, sizeof name, "%s.x", nets[i].name);
        pnet_jess_nodes y = nets[i].build(f.g, fixture_input(&f, name), &nets[i].o, PNET_EVAL);
        snprintf(name, sizeof name, "%s.%s", nets[i].name, nets[i].result);
        fixture_expect(&f, y.s1, name, 1e-5, false);
        snprintf(name, sizeof name, "%s.edge", nets[i].name);
        if (y.edge.id) fixture_expect(&f, y.edge, name, 1e-5, false);
        snprintf(name, sizeof name, "%s.weights.", nets[i].name);
        fixture_load(&f, name);
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

/* Sum of y times an upstream gradient of the file. */
static pnn_node upstream(fixture *f, pnn_node y, const char *dy)
{
    return pnn_reduce(f->g, PNN_SUM, pnn_mul(f->g, y, fixture_input_like(f, dy, -1, y)),
                      PNN_OVER_ALL);
}

static bool bias_before_norm(const char *name)
{
    const char *end = strstr(name, ".conv.bias");
    return end && end[10] == 0;
}

static void fan_gradients(fixture *f, pnn_node loss, pnn_node x, bool picture)
{
    static pnn_node params[FIXTURE_MAX], grads[FIXTURE_MAX];
    size_t n = pnn_params(f->g, PNN_TRAINED, params, FIXTURE_MAX);
    double largest = 0;
    params[n] = x;
    pnn_gradients(f->g, loss, params, n + 1, grads);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < n; i++) {
            const char *name = pnn_name_of(f->g, params[i]);
            const char *full = pnn_name(f->g, "g.%s", name);
            bool zero = picture && bias_before_norm(name);
            if (zero != (pass == 1)) continue;
            fixture_expect_flat(f, grads[i], full, zero ? 1e-5 * largest : 3e-5, !zero);
            const fixture_value *v = &f->out[f->outs - 1];
            if (strstr(name, "weight"))
                for (size_t k = 0; k < v->count; k++) largest = fmax(largest, fabs(v->want[k]));
        }
    fixture_expect(f, grads[n], "dx", 5e-6, true);
}

static void fan_forward_and_backward(void **state)
{
    static const char *const files[] = {"fan/net_even", "fan/net_odd", "fan/net_odd_h",
                                        "fan/net_port"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        fixture f;
        pnet_options o;
        fixture_open(&f, ctx, files[i]);
        configure(&f, &pnet_net_fan, &o);
        bool running = !strcmp(pnn_st_metadata(f.st, "running"), "true");
        if (running) o.fan.norm = PNET_FAN_RUNNING;
        pnn_node x = fixture_input(&f, "x");
        pnn_node y = pnet_fan(f.g, x, &o.fan, PNET_EVAL).y;
        fixture_expect(&f, y, "y", 1e-6, true);
        fixture_expect(&f, pnet_fan_gain(f.g, y, x), "y_gain", 2e-6, true);
        fan_gradients(&f, upstream(&f, y, "dy"), x, !running);
        fixture_load(&f, "w.");
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

static void sasnet_forward_and_inverse(void **state)
{
    static const char *const files[] = {"sasnet/x2",          "sasnet/x2_bn_gate",
                                        "sasnet/x2_no_clamp", "sasnet/x2_no_attention",
                                        "sasnet/x4",          "sasnet/x8"};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        fixture f;
        pnet_options o;
        fixture_open(&f, ctx, files[i]);
        configure(&f, &pnet_net_sasnet, &o);
        pnn_node x = fixture_input(&f, "x");
        long multiple = pnet_net_sasnet.multiple(&o);
        pnn_node whole = pnn_pad_to_multiple(f.g, x, multiple, PNN_PAD_REFLECT);
        pnet_sasnet_nodes s = pnet_sasnet_f(f.g, whole, &o.sasnet, PNET_EVAL);
        fixture_expect(&f, s.y_cor, "y_cor", 2e-6, true);
        fixture_expect(&f, s.z, "z", 2e-6, true);
        pnn_node back = pnet_sasnet_inverse(f.g, s.y_cor, s.z, &o.sasnet, PNET_EVAL);
        size_t n;
        float *want = fixture_nhwc(&f, "x", -1, &n);
        fixture_expect_values(&f, back, "f^-1(f(x))", want, n, 2e-6, false);
        pnn_node noise = fixture_input_like(&f, "noise", -1, s.z);
        fixture_expect(&f, pnet_sasnet_inverse(f.g, s.y_cor, noise, &o.sasnet, PNET_EVAL),
                       "y_noise", 2e-6, true);
        fixture_expect(&f, pnet_sasnet(f.g, x, &o.sasnet, PNET_EVAL), "y_zero", 2e-6, true);
        fixture_load(&f, "w.");
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

static void sasnet_pads_odd_sizes(void **state)
{
    fixture f;
    pnet_options o;
    (void)state;
    fixture_open(&f, ctx, "sasnet/smooth_odd");
    configure(&f, &pnet_net_sasnet, &o);
    pnn_node y = pnet_sasnet(f.g, fixture_input(&f, "x"), &o.sasnet, PNET_EVAL);
    fixture_expect(&f, pnn_unary(f.g, PNN_CLAMP, y, 0, 1), "y", 2e-6, true);
    fixture_load(&f, "w.");
    fixture_run_all(&f, false);
    fixture_close(&f);
}

static void sasnet_block_forward_and_backward(void **state)
{
    fixture f;
    pnet_options o;
    pnn_node dx;
    (void)state;
    fixture_open(&f, ctx, "sasnet/resblock");
    OK(ctx, pnet_configure(ctx, &pnet_net_sasnet, "{\"width\": 8, \"reduction\": 4}", "test", &o));
    pnn_node x = fixture_input(&f, "x");
    /* The file's names are those of the block alone. */
    pnet_sasnet_g_nodes y = pnet_sasnet_g(f.g, x, 9, "", &o.sasnet, PNET_EVAL);
    fixture_expect(&f, y.r, "r", 2e-6, true);
    fixture_expect(&f, y.channel_gated, "channel_gated", 2e-6, true);
    fixture_expect(&f, y.spatial_gated, "spatial_gated", 2e-6, true);
    fixture_expect(&f, y.y, "out", 2e-6, true);
    pnn_node loss = upstream(&f, y.y, "dout");
    static pnn_node params[32], grads[32];
    size_t n = pnn_params(f.g, PNN_TRAINED, params, 32);
    pnn_gradients(f.g, loss, params, n, grads);
    assert_int_equal(n, 12);
    for (size_t i = 0; i < n; i++)
        fixture_expect_flat(&f, grads[i], pnn_name(f.g, "g%s", pnn_name_of(f.g, params[i])), 3e-5,
                            true);
    pnn_gradients(f.g, loss, &x, 1, &dx);
    fixture_expect(&f, dx, "dx", 3e-5, true);
    fixture_load(&f, "w");
    fixture_run_all(&f, false);
    fixture_close(&f);
}

static pnn_node mean_l1(pnn_graph *g, pnn_node a, pnn_node b)
{
    return pnn_reduce(g, PNN_MEAN, pnn_unary(g, PNN_ABS, pnn_sub(g, a, b), 0, 0), PNN_OVER_ALL);
}

/* y = f^-1([f_cor(x), noise]) and its loss, the noise being one of ten. */
static pnn_node sasnet_loss(fixture *f, const pnet_options *o, pnn_node *x, pnn_node *y)
{
    *x = fixture_input(f, "x");
    pnn_node even = pnn_pad_to_multiple(f->g, *x, 2, PNN_PAD_REFLECT);
    pnet_sasnet_nodes s = pnet_sasnet_f(f->g, even, &o->sasnet, PNET_TRAIN);
    pnn_node noise = fixture_input_like(f, "noise", 0, s.z);
    *y = pnet_sasnet_inverse(f->g, s.y_cor, noise, &o->sasnet, PNET_TRAIN);
    return mean_l1(f->g, *y, fixture_input_like(f, "target", -1, *y));
}

static void sasnet_gradients(const char *file, size_t parameters)
{
    fixture f;
    pnet_options o;
    pnn_node x, y, dx;
    fixture_open(&f, ctx, file);
    configure(&f, &pnet_net_sasnet, &o);
    pnn_node loss = sasnet_loss(&f, &o, &x, &y);
    fixture_expect(&f, y, "y", 2e-6, true);
    double value;
    assert_true(pln_parse_real(pnn_st_metadata(f.st, "loss"), &value));
    fixture_expect_scalar(&f, loss, "loss", value, 2e-6);
    assert_int_equal(fixture_expect_gradients(&f, loss, "g.", 3e-5), parameters);
    pnn_gradients(f.g, loss, &x, 1, &dx);
    fixture_expect(&f, dx, "dx", 3e-5, true);
    fixture_load(&f, "w0.");
    fixture_run_all(&f, false);
    fixture_close(&f);
}

/* Ten steps, step k with the k-th noise. */
static void sasnet_trace(const char *file, pnn_backend_id backend)
{
    fixture f;
    pnet_options o;
    pnn_node x, y;
    float rate[2] = {1e-3f, 0}, loss = 0;
    size_t steps;
    fixture_open(&f, ctx, file);
    configure(&f, &pnet_net_sasnet, &o);
    pnn_node l = sasnet_loss(&f, &o, &x, &y);
    pnn_output(f.g, l, "loss");
    fixture_adam(&f, l, NULL);
    fixture_load(&f, "w0.");
    float *losses = fixture_values(&f, "losses", &steps);
    pnn_plan *plan = fixture_plan(&f, backend, true);
    OK(ctx, pnn_plan_bind(plan, "rate", rate));
    OK(ctx, pnn_plan_bind(plan, "loss", &loss));
    for (size_t k = 0; k < steps; k++) {
        float *noise = fixture_nhwc(&f, "noise", (long)k, NULL);
        OK(ctx, pnn_plan_bind(plan, "noise", noise));
        rate[1] = (float)(k + 1);
        OK(ctx, pnn_plan_run(plan));
        if (fabs(loss / losses[k] - 1) > 1e-5)
            fail_msg("%s: loss of step %zu is %.8g, expected %.8g", file, k, loss, losses[k]);
        free(noise);
    }
    pnn_plan_free(plan);
    assert_true(fixture_compare_store(&f, "w10.", 1e-5, NULL) >= 72);
    free(losses);
    fixture_close(&f);
}

static void sasnet_trains(void **state)
{
    (void)state;
    sasnet_gradients("sasnet/train_none", 2 * 3 * 12);
    sasnet_trace("sasnet/train_none", PNN_BACKEND_REF);
    sasnet_trace("sasnet/train_none", PNN_BACKEND_CPU);
}

static void sasnet_trains_with_normalised_gates(void **state)
{
    (void)state;
    sasnet_gradients("sasnet/train_bn", 2 * 3 * 13);
    sasnet_trace("sasnet/train_bn", PNN_BACKEND_REF);
    sasnet_trace("sasnet/train_bn", PNN_BACKEND_CPU);
}

static void unets_forward(void **state)
{
    static const struct {
        const char *file;
        const pnet_net *net;
    } nets[] = {{"sasnet/unet", &pnet_net_unet}, {"sasnet/autoencoder", &pnet_net_autoencoder}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        pnet_options o;
        fixture_open(&f, ctx, nets[i].file);
        configure(&f, nets[i].net, &o);
        pnn_node y = nets[i].net->build(f.g, fixture_input(&f, "x"), &o, PNET_EVAL);
        fixture_expect(&f, y, "y", 2e-6, true);
        fixture_load(&f, "w.");
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

static void mi_forward(void **state)
{
    static const char *const files[] = {"mi_eme/mi", "mi_eme/mi_edge_input"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        pnet_options o;
        fixture_open(&f, ctx, files[i]);
        configure(&f, &pnet_net_mi, &o);
        pnn_node x = fixture_input(&f, "x"), edge = {0};
        if (i) edge = fixture_input(&f, "edge");
        fixture_expect(&f, pnet_mi(f.g, x, edge, &o.mi), "y", 2e-6, true);
        fixture_load(&f, "w.");
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

static void eme_forward(void **state)
{
    static const char *const files[] = {"mi_eme/eme_even", "mi_eme/eme_odd"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        pnet_options o;
        fixture_open(&f, ctx, files[i]);
        configure(&f, &pnet_net_eme, &o);
        pnet_eme_nodes y = pnet_eme(f.g, fixture_input(&f, "x"), &o.eme);
        for (int k = 0; k < PNET_EME_STAGES; k++) {
            fixture_expect(&f, y.side[k], pnn_name(f.g, "side%d", k), 2e-6, true);
            if (i == 0) fixture_expect(&f, y.stage[k], pnn_name(f.g, "stage%d", k), 2e-6, true);
        }
        fixture_expect(&f, y.fused, "fused", 2e-6, true);
        /* What the logits' tolerance, 2e-6 of up to 5, is after a slope of up to 1/4. */
        fixture_expect(&f, y.edge, "edge", 3e-6, false);
        fixture_load(&f, "w.");
        fixture_run_all(&f, false);
        fixture_close(&f);
    }
}

/* ---- Receptive fields ---- */

/* Columns of the result that a change of one column of the input reaches: the furthest to the left
 * and right. */
static void reach(const char *name, const char *config, size_t w, size_t at, long *left,
                  long *right)
{
    const pnet_net *net;
    pnet_options o;
    pnn_graph *g;
    pnn_store *store;
    pnn_plan *plan;
    size_t h = 16, n = h * w * 3, d[4];
    float *x = malloc(n * sizeof *x), *y[2];
    OK(ctx, pnet_find(ctx, name, &net, &o));
    OK(ctx, pnet_configure(ctx, net, config, "test", &o));
    OK(ctx, pnet_graph(ctx, net, &o, PNET_EVAL, &g));
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pnn_store_init(store, g, 1));
    for (size_t i = 0; i < pnn_store_count(store); i++) { /* nothing dies, nothing starts at 0 */
        const char *p;
        float *v = pnn_store_at(store, i, &p, d);
        bool var = strstr(p, "running_var"), mean = strstr(p, "running_mean");
        for (size_t k = 0; k < d[0] * d[1] * d[2] * d[3]; k++)
            v[k] = var ? 1 : mean ? 0 : (float)(0.1 + 0.2 * pln_random(5, i, k));
    }
    pnn_plan_options po = {.size = {1, h, w}, .backend = PNN_BACKEND_REF};
    OK(ctx, pnn_plan_new(ctx, g, store, &po, &plan));
    OK(ctx, pnn_plan_bind(plan, "x", x));
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < n; i++)
            x[i] = (float)pln_random(6, 0, i) + (k && i / 3 % w == at ? 1 : 0);
        y[k] = malloc(n * sizeof **y);
        OK(ctx, pnn_plan_bind(plan, "y", y[k]));
        OK(ctx, pnn_plan_run(plan));
    }
    *left = *right = 0;
    for (size_t i = 0; i < n; i++) {
        if (y[0][i] == y[1][i]) continue;
        long away = (long)(i / 3 % w) - (long)at;
        *left = away < -*left ? -away : *left;
        *right = away > *right ? away : *right;
    }
    pnn_plan_free(plan);
    pnn_store_free(store);
    pnn_graph_free(g);
    free(x);
    free(y[0]);
    free(y[1]);
}

static void receptive_fields_are_as_stated(void **state)
{
    static const struct {
        const char *name, *config;
        bool tight; /* reached to the last column; else float's digits end before */
    } nets[] = {
        {"jess", "{\"dim\": 2, \"num_block\": 1, \"n_smooth\": 1, \"n_refine\": 1}", true},
        {"hdc_edge", "{\"dim\": 2, \"num_block\": 2, \"n_smooth\": 1}", true},
        {"hdc", "{\"dim\": 2, \"num_block\": 2}", true},
        {"baseline", "{\"dim\": 2, \"num_block\": 1, \"n_smooth\": 1}", true},
        {"mi", "{\"width\": 2, \"blocks\": 2}", true},
        {"fan",
         "{\"width\": 2, \"blocks\": [2, 1], \"norm\": \"running\", \"gain\": false, \"mean\": 0}",
         false},
        {"sasnet", "{\"width\": 2, \"blocks\": [1], \"attention\": false}", false},
        {"sasnet", "{\"width\": 2, \"blocks\": [1, 1], \"attention\": false}", false},
        {"unet", "{\"width\": 1}", false},
        {"autoencoder", "{\"width\": 1}", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        const pnet_net *net;
        pnet_options o;
        long most = 0;
        OK(ctx, pnet_find(ctx, nets[i].name, &net, &o));
        OK(ctx, pnet_configure(ctx, net, nets[i].config, "test", &o));
        long radius = net->radius(&o), multiple = net->multiple(&o);
        assert_true(radius > 0 && multiple > 0);
        size_t middle = (size_t)((radius / multiple + 2) * multiple), w = 2 * middle + 32;
        for (long k = 0; k < multiple; k++) {
            long left, right;
            reach(nets[i].name, nets[i].config, w / 8 * 8, middle + (size_t)k, &left, &right);
            /* Seen from a tile's edge, the whole cell of the changed column lies beyond it. */
            long beyond_left = left - k, beyond_right = right - (multiple - 1 - k);
            long beyond = beyond_left > beyond_right ? beyond_left : beyond_right;
            if (beyond > radius)
                fail_msg("%s %s: column %ld of %ld reaches %ld and %ld, stated %ld", nets[i].name,
                         nets[i].config, k, multiple, left, right, radius);
            if (left > most) most = left;
            if (right > most) most = right;
        }
        if (nets[i].tight ? most != radius : most < radius / 2)
            fail_msg("%s %s: reaches %ld, stated %ld", nets[i].name, nets[i].config, most, radius);
    }
}

/* ---- Configurations ---- */

static void refused(const char *name, const char *config, const char *message)
{
    const pnet_net *net;
    pnet_options o;
    OK(ctx, pnet_find(ctx, name, &net, &o));
    assert_int_equal(pnet_configure(ctx, net, config, "a.safetensors", &o), PLN_E_MODEL);
    assert_string_equal(pln_context_message(ctx), message);
}

static void wrong_configurations_are_refused(void **state)
{
    const pnet_net *net;
    pnet_options o;
    (void)state;
    refused("jess", "{\"dims\": 8}",
            "a.safetensors: 'dims' is no option of jess: did you mean 'dim'?");
    refused("jess", "{\"dim\": 0}",
            "a.safetensors: 'dim' of jess: expected an integer in [1, 1024]");
    refused("jess", "{\"dim\": 8.5}",
            "a.safetensors: 'dim' of jess: expected an integer in [1, 1024]");
    refused("fan", "{\"last_kernel\": 2}",
            "a.safetensors: 'last_kernel' of fan: expected an odd integer in [1, 3]");
    refused("fan", "{\"norm\": 1}",
            "a.safetensors: 'norm' of fan: expected one of picture, running");
    refused("fan", "{\"gain\": 1}", "a.safetensors: 'gain' of fan: expected true or false");
    refused("sasnet", "{\"blocks\": []}",
            "a.safetensors: 'blocks' of sasnet: expected a list of 1 to 16 integers in [1, 64]");
    refused("sasnet", "{\"clamp\": -1}",
            "a.safetensors: 'clamp' of sasnet: expected a real in [0, 16]");
    refused("vgg16", "{\"widths\": [64]}",
            "a.safetensors: 'widths' of vgg16: expected a list of 2 to 2 integers in [1, 1024]");
    refused("eme", "[]", "a.safetensors: the configuration is no JSON object: it is another value");
    assert_int_equal(pnet_find(ctx, "sasnett", &net, &o), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx),
                        "unknown network 'sasnett': did you mean 'sasnet'?");
    assert_int_equal(pnet_find(ctx, "sasnet:x3", &net, &o), PLN_E_ARG);
    assert_string_equal(pln_context_message(ctx),
                        "network 'sasnet' has no variant 'x3': did you mean 'x4'?");
}

static void null_clamp_is_none(void **state)
{
    const pnet_net *net;
    pnet_options o;
    (void)state;
    OK(ctx, pnet_find(ctx, "sasnet", &net, &o));
    assert_true(o.sasnet.clamp == 1 && o.sasnet.blocks.count == 1 && o.sasnet.attention);
    OK(ctx, pnet_configure(ctx, net, "{\"clamp\": null, \"norm\": \"bn\"}", "test", &o));
    assert_true(o.sasnet.clamp == 0 && o.sasnet.norm == PNET_GATE_BN && o.sasnet.width == 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_the_papers),
        cmocka_unit_test(what_sasnet_throws_away_is_not_computed),
        cmocka_unit_test(jess_forward),
        cmocka_unit_test(jess_ablations_forward),
        cmocka_unit_test(fan_forward_and_backward),
        cmocka_unit_test(sasnet_forward_and_inverse),
        cmocka_unit_test(sasnet_pads_odd_sizes),
        cmocka_unit_test(sasnet_block_forward_and_backward),
        cmocka_unit_test(sasnet_trains),
        cmocka_unit_test(sasnet_trains_with_normalised_gates),
        cmocka_unit_test(unets_forward),
        cmocka_unit_test(mi_forward),
        cmocka_unit_test(eme_forward),
        cmocka_unit_test(receptive_fields_are_as_stated),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(null_clamp_is_none),
    };
    return cmocka_run_group_tests_name("nets", tests, setup, teardown);
}
