/* SPDX-License-Identifier: MIT */
/* Methods that are networks, with random weights of full size: any size of picture against the
 * reference back end, tiles against the whole, bf16 against f32, what a session keeps, and which
 * kernels are chosen. */
#include "support.h"

#include <unistd.h>

#include "nets/session.h"
#include "weights.h"

static const char *const names[] = {"jess", "csgis", "fan", "sasnet", "mi"};
enum { NETS = sizeof names / sizeof *names };

struct net {
    const pnet_net *net;
    pnet_options options;
    pnn_graph *g;
    pnn_store *store;
    char path[64];
};

static pln_context *ctx;
static struct net nets[NETS];

/* Zeros and ones, as normalisation and invertible blocks start, would hide mistakes. */
static void unsettle(pnn_store *store)
{
    for (size_t i = 0; i < pnn_store_count(store); i++) {
        const char *name;
        size_t d[4];
        float *v = pnn_store_at(store, i, &name, d);
        size_t n = d[0] * d[1] * d[2] * d[3];
        bool level = true;
        for (size_t k = 0; k < n; k++) level = level && v[k] == v[0];
        for (size_t k = 0; level && k < n; k++)
            v[k] = (float)(v[k] * (0.8 + 0.4 * pln_random(5, i, k)) +
                           0.02 * pln_random_normal(6, i, k));
    }
}

static int setup(void **state)
{
    (void)state;
    OK(NULL, pln_context_new(&ctx));
    OK(ctx, pln_context_set_threads(ctx, 1)); /* small pictures: others would only wait */
    for (size_t i = 0; i < NETS; i++) {
        struct net *n = &nets[i];
        OK(ctx, pnet_find(ctx, names[i], &n->net, &n->options));
        OK(ctx, pnet_graph(ctx, n->net, &n->options, PNET_EVAL, &n->g));
        OK(ctx, pnn_store_new(ctx, &n->store));
        OK(ctx, pnn_store_init(n->store, n->g, 11));
        unsettle(n->store);
        snprintf(n->path, sizeof n->path, "/tmp/planish-%ld-%s.safetensors", (long)getpid(),
                 names[i]);
        OK(ctx, write_weights(ctx, n->store, n->net->name, "{}", n->path));
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        pnn_store_free(nets[i].store);
        pnn_graph_free(nets[i].g);
        unlink(nets[i].path);
    }
    pln_context_free(ctx);
    return 0;
}

/* ---- Running ---- */

/* Blocks under noise, in [0, 1]. */
static float *picture(size_t w, size_t h)
{
    float *x = malloc(w * h * 3 * sizeof *x);
    for (size_t i = 0; i < w * h * 3; i++)
        x[i] = (float)(0.25 + 0.5 * pln_random(1, 2, i / 64) + 0.25 * pln_random(1, 3, i));
    return x;
}

static pln_status smooth(const struct net *n, pln_net_options o, const float *x, size_t w, size_t h,
                         float *y)
{
    pln_params *p = NULL;
    pln_status s = PLN_OK;
    o.size = sizeof o;
    o.weights = n->path;
    PLN_TRY(pln_params_new(ctx, n->net->name, &p));
    PLN_TRY(pln_params_set_net(ctx, p, &o));
    PLN_TRY(pln_smooth_f32(ctx, p, x, w, h, 3, 0, y, 0));
done:
    pln_params_free(p);
    return s;
}

/* Plain loops, no passes. */
static void truth(const struct net *n, const float *x, size_t w, size_t h, float *y)
{
    const pnn_plan_options o = {.size = {1, h, w}, .backend = PNN_BACKEND_REF, .plain = true};
    pnn_plan *plan = NULL;
    float *scaled = malloc(w * h * 3 * sizeof *scaled);
    for (size_t i = 0; i < w * h * 3; i++) scaled[i] = (float)n->net->range * x[i];
    OK(ctx, pnn_plan_new(ctx, n->g, n->store, &o, &plan));
    OK(ctx, pnn_plan_bind(plan, "x", scaled));
    OK(ctx, pnn_plan_bind(plan, "y", y));
    OK(ctx, pnn_plan_run(plan));
    for (size_t i = 0; i < w * h * 3; i++) y[i] /= (float)n->net->range;
    pnn_plan_free(plan);
    free(scaled);
}

/* Largest difference, in units of the largest value where that is above 1. */
static double apart(const float *a, const float *b, size_t n)
{
    double most = 0, largest = 1;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= most)) most = d; /* NaN stays */
        largest = fmax(largest, fabs((double)b[i]));
    }
    return most / largest;
}

/* ---- Tests ---- */

/* How far the truth moves when the picture is rounded to 20 bits. Statistics of few pixels divide
 * by differences that cancel: at 2x3 Fan's network magnifies rounding by a thousand. */
static double magnified(const struct net *n, const float *x, size_t w, size_t h, const float *want)
{
    float *rounded = malloc(w * h * 3 * sizeof *rounded), *y = malloc(w * h * 3 * sizeof *y);
    for (size_t i = 0; i < w * h * 3; i++) rounded[i] = rintf(x[i] * 0x1p20f) * 0x1p-20f;
    truth(n, rounded, w, h, y);
    double d = apart(y, want, w * h * 3);
    free(rounded);
    free(y);
    return d;
}

static void near_truth(const struct net *n, size_t w, size_t h)
{
    float *x = picture(w, h), *y = malloc(w * h * 3 * sizeof *y),
          *want = malloc(w * h * 3 * sizeof *want);
    OK(ctx, smooth(n, (pln_net_options){.precision = PLN_PRECISION_F32}, x, w, h, y));
    truth(n, x, w, h, want);
    double d = apart(y, want, w * h * 3);
    if (!(d < 1e-4 || d < 4 * magnified(n, x, w, h, want)))
        fail_msg("%s at %zux%zu: %g from ref", n->net->name, w, h, d);
    free(x);
    free(y);
    free(want);
}

static void any_size_is_near_the_reference(void **state)
{
    static const size_t sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {2, 3}, {13, 11}};
    (void)state;
    for (size_t i = 0; i < NETS; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            near_truth(&nets[i], sizes[k][0], sizes[k][1]);
}

/* Tiles of all dilations lie within and across the border. */
static void winograd_over_all_of_jess_is_near_the_reference(void **state)
{
    (void)state;
    near_truth(&nets[0], 23, 20);
}

/* PSNR; the peak is 1 or the largest value. */
static double decibels(const float *y, const float *want, size_t n)
{
    double sum = 0, peak = 1;
    for (size_t k = 0; k < n; k++) {
        sum += pow((double)y[k] - want[k], 2);
        peak = fmax(peak, fabs((double)want[k]));
    }
    return 10 * log10(peak * peak * (double)n / sum);
}

static void bf16_is_45_db_from_f32(void **state)
{
    const size_t w = 61, h = 48;
    (void)state;
    if (pln_isa_of(ctx) < PLN_ISA_AVX512) skip();
    for (size_t i = 0; i < NETS; i++) {
        float *x = picture(w, h), *y = malloc(w * h * 3 * sizeof *y),
              *want = malloc(w * h * 3 * sizeof *want);
        OK(ctx, smooth(&nets[i], (pln_net_options){.precision = PLN_PRECISION_F32}, x, w, h, want));
        /* In the same context at the same size: a plan of f32 must not be taken again. */
        OK(ctx, smooth(&nets[i], (pln_net_options){.precision = PLN_PRECISION_BF16}, x, w, h, y));
        double db = decibels(y, want, w * h * 3);
        if (!(db >= 45)) fail_msg("%s: bf16 is %.2f dB from f32", nets[i].net->name, db);
        if (db > 150) fail_msg("%s: bf16 and f32 are the same", nets[i].net->name);
        free(x);
        free(y);
        free(want);
    }
}

static void bf16_below_avx512_is_refused(void **state)
{
    const char *const isas[] = {"baseline", "avx2"};
    float x[12] = {0}, y[12];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        if (pln_context_set_isa(ctx, isas[i])) continue;
        pln_status s =
            smooth(&nets[2], (pln_net_options){.precision = PLN_PRECISION_BF16}, x, 2, 2, y);
        assert_int_equal(s, PLN_E_UNSUPPORTED);
        assert_non_null(strstr(pln_context_message(ctx), "bf16 needs AVX-512"));
        assert_non_null(strstr(pln_context_message(ctx), isas[i]));
        OK(ctx, smooth(&nets[2], (pln_net_options){.precision = PLN_PRECISION_AUTO}, x, 2, 2, y));
    }
    OK(ctx, pln_context_set_isa(ctx, NULL));
}

/* Memory for a part of the picture only: tiles are chosen, and nobody sees it. */
static void tiles_where_memory_is_scarce(void **state)
{
    enum { W = 700, H = 12, MI = 4 };
    const pnet_net *const mi[] = {nets[MI].net, NULL};
    const pln_net_options o = {
        .size = sizeof o, .weights = nets[MI].path, .precision = PLN_PRECISION_F32};
    float *x = picture(W, H), *y[2];
    uint64_t peak[2];
    (void)state;
    for (int scarce = 0; scarce < 2; scarce++) {
        pln_context *own = NULL;
        pnet_session *session;
        y[scarce] = malloc(W * H * 3 * sizeof *x);
        const pln_view in = {x, W, H, 3, (ptrdiff_t)3 * W},
                       out = {y[scarce], W, H, 3, (ptrdiff_t)3 * W};
        OK(NULL, pln_context_new(&own));
        OK(own, pln_context_set_threads(own, 1));
        if (scarce) pln_context_set_memory(own, peak[0]);
        OK(own, pnet_session_get(own, mi, "mi", &o, &session));
        OK(own, pnet_session_run(own, session, &in, &out));
        peak[scarce] = pln_context_peak(own);
        pln_context_free(own);
    }
    assert_true(peak[1] < peak[0]);
    double d = apart(y[0], y[1], W * H * 3);
    if (!(d < 1e-5)) fail_msg("tiles are %g from the whole", d);
    free(x);
    free(y[0]);
    free(y[1]);
}

static void tiles_are_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        const struct net *n = &nets[i];
        long radius = n->net->radius(&n->options);
        size_t w = radius < 0 ? 64 : 2 * (size_t)radius + 160, h = 12;
        float *x = picture(w, h), *y = malloc(w * h * 3 * sizeof *y),
              *want = malloc(w * h * 3 * sizeof *want);
        pln_status s =
            smooth(n, (pln_net_options){.precision = PLN_PRECISION_F32, .tile = 48}, x, w, h, y);
        if (radius < 0) {
            assert_int_equal(s, PLN_E_ARG);
            assert_non_null(strstr(pln_context_message(ctx), "no tiles"));
        } else {
            OK(ctx, s);
            OK(ctx, smooth(n, (pln_net_options){.precision = PLN_PRECISION_F32, .tile = -1}, x, w,
                           h, want));
            double d = apart(y, want, w * h * 3);
            if (!(d < 1e-5)) fail_msg("%s: tiles are %g from the whole", n->net->name, d);
        }
        free(x);
        free(y);
        free(want);
    }
}

/* ---- All networks, those that do not smooth too ---- */

static const char *const all[] = {
    "jess",        "hdc_edge", "hdc",       "baseline",  "csgis",        "csgis:20",  "fan",
    "fan:port",    "sasnet",   "sasnet:x4", "sasnet:x8", "sasnet:plain", "sasnet:bn", "unet",
    "autoencoder", "mi",       "eme",       "vgg16",     "deeplabv3"};

static pnn_plan *plan_of(const struct net *n, size_t w, size_t h, pnn_precision precision)
{
    const pnn_plan_options o = {
        .size = {1, h, w}, .backend = PNN_BACKEND_CPU, .precision = precision};
    pnn_plan *plan = NULL;
    OK(ctx, pnn_plan_new(ctx, n->g, n->store, &o, &plan));
    return plan;
}

/* oneDNN's reference loops and products of unfolded pictures are many times slower. Below AVX2 it
 * has nothing else for some transposed convolutions. */
static void no_kernel_is_slow(const struct net *n, pnn_precision precision)
{
    if (pln_isa_of(ctx) < PLN_ISA_AVX2) return;
    pnn_plan *plan = plan_of(n, 512, 384, precision);
    char *text = NULL;
    OK(ctx, pnn_plan_text(plan, &text));
    if (strstr(text, "ref:") || strstr(text, "gemm:")) fail_msg("%s:\n%s", n->net->name, text);
    pln_free(text);
    pnn_plan_free(plan);
}

static float *result_of(const struct net *n, size_t w, size_t h, pnn_precision precision,
                        size_t *count)
{
    pnn_plan *plan = plan_of(n, w, h, precision);
    float *x = picture(w, h);
    size_t d[4];
    for (size_t i = 0; i < w * h * 3; i++) x[i] *= (float)n->net->range;
    assert_true(pnn_plan_dims(plan, "y", d));
    *count = d[0] * d[1] * d[2] * d[3];
    float *y = malloc(*count * sizeof *y);
    OK(ctx, pnn_plan_bind(plan, "x", x));
    OK(ctx, pnn_plan_bind(plan, "y", y));
    OK(ctx, pnn_plan_run(plan));
    pnn_plan_free(plan);
    free(x);
    return y;
}

static void every_network_in_both_precisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct net n = {0};
        size_t count;
        OK(ctx, pnet_find(ctx, all[i], &n.net, &n.options));
        OK(ctx, pnet_graph(ctx, n.net, &n.options, PNET_EVAL, &n.g));
        OK(ctx, pnn_store_new(ctx, &n.store));
        OK(ctx, pnn_store_init(n.store, n.g, 11));
        unsettle(n.store);
        no_kernel_is_slow(&n, PNN_PRECISION_F32);
        if (pln_isa_of(ctx) >= PLN_ISA_AVX512) {
            no_kernel_is_slow(&n, PNN_PRECISION_BF16);
            float *want = result_of(&n, 40, 33, PNN_PRECISION_F32, &count),
                  *y = result_of(&n, 40, 33, PNN_PRECISION_BF16, &count);
            double db = decibels(y, want, count);
            if (!(db >= 45)) fail_msg("%s: bf16 is %.2f dB from f32", all[i], db);
            free(want);
            free(y);
        }
        pnn_store_free(n.store);
        pnn_graph_free(n.g);
    }
}

/* Nobody ships weights of csgis: to be without them is an error, and no more than that. */
static void what_is_kept_outlives_an_error(void **state)
{
    enum { W = 9, H = 7, N = W * H * 3 };
    float *x = picture(W, H), before[N], after[N];
    pln_params *p = NULL;
    (void)state;
    OK(ctx, smooth(&nets[0], (pln_net_options){0}, x, W, H, before));
    OK(ctx, pln_params_new(ctx, "csgis", &p));
    assert_int_equal(pln_smooth_f32(ctx, p, x, W, H, 3, 0, after, 0), PLN_E_MODEL);
    OK(ctx, smooth(&nets[0], (pln_net_options){0}, x, W, H, after));
    assert_memory_equal(before, after, sizeof before);
    pln_params_free(p);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_size_is_near_the_reference),
        cmocka_unit_test(winograd_over_all_of_jess_is_near_the_reference),
        cmocka_unit_test(bf16_is_45_db_from_f32),
        cmocka_unit_test(bf16_below_avx512_is_refused),
        cmocka_unit_test(tiles_are_the_whole),
        cmocka_unit_test(tiles_where_memory_is_scarce),
        cmocka_unit_test(what_is_kept_outlives_an_error),
        cmocka_unit_test(every_network_in_both_precisions),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
