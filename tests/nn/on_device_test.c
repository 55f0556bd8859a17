/* SPDX-License-Identifier: MIT */
/* Networks run and trained on a device, without one (host_device.h), against the CPU: a session
 * whole, in tiles and in bf16; steps alone and in a group; runs that go on on the other device. */
#include <unistd.h>

#include "../support.h"
#include "../weights.h"
#include "core/core.h"
#include "data/data.h"
#include "host_device.h"
#include "nets/session.h"
#include "train/trainer.h"

static pln_context *ctx;
static char base[64];

/* From now on networks run on the host's device, or on the CPU. */
static void use(bool device)
{
    pln_device *host = NULL;
    OK(ctx, pln_context_set_device(ctx, device ? "auto" : "cpu"));
    if (!device) return;
    OK(ctx, host_device_open(ctx, HOST_ENGINES_ALL, &host));
    pln_context_keep(ctx, PLN_KEPT_DEVICE, host, (void (*)(void *))pln_device_close);
}

static size_t runs_so_far(void)
{
    size_t runs = 0, replays;
    pln_device *device = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    if (device) host_device_counts(device, &runs, &replays);
    return runs;
}

static int setup(void **state)
{
    (void)state;
    strcpy(base, "/tmp/planish_device_XXXXXX");
    return !mkdtemp(base) || pln_context_new(&ctx);
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    pln_context_keep(ctx, PLN_KEPT_DEVICE, NULL, NULL);
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return system(command) || held != 0;
}

/* ---- Sessions ---- */

enum { W = 104, H = 34, SAMPLES = W * H * 3 };

static void smooth(const char *net, const char *path, pln_net_options o, const float *x, float *y)
{
    pln_params *p = NULL;
    o.size = sizeof o;
    o.weights = path;
    OK(ctx, pln_params_new(ctx, net, &p));
    OK(ctx, pln_params_set_net(ctx, p, &o));
    OK(ctx, pln_smooth_f32(ctx, p, x, W, H, 3, 0, y, 0));
    pln_params_free(p);
}

static void make_weights(const char *net, const char *config, char path[128])
{
    const pnet_net *found;
    pnet_options options;
    pnn_graph *g = NULL;
    pnn_store *store = NULL;
    char name[128];
    OK(ctx, pnet_find(ctx, net, &found, &options));
    OK(ctx, pnet_configure(ctx, found, config, net, &options));
    OK(ctx, pnet_graph(ctx, found, &options, PNET_EVAL, &g));
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pnn_store_init(store, g, 5));
    for (size_t i = 0; i < pnn_store_count(store); i++) { /* zeros would hide mistakes */
        const char *tensor;
        size_t d[4];
        float *v = pnn_store_at(store, i, &tensor, d);
        for (size_t k = 0; k < d[0] * d[1] * d[2] * d[3]; k++)
            v[k] += (float)(0.05 * pln_random_normal(6, i, k));
    }
    snprintf(name, sizeof name, "%s/%s.safetensors", base, net);
    OK(ctx, write_weights(ctx, store, net, config, name));
    strcpy(path, name);
    pnn_store_free(store);
    pnn_graph_free(g);
}

static double most_apart(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= most)) most = d; /* NaN stays */
    }
    return most;
}

static void sessions_agree(void **state)
{
    static const struct {
        const char *net, *config;
        pln_net_options how;
        double bound;
    } cases[] = {
        {"mi", "{\"width\": 8, \"blocks\": 1}", {.precision = PLN_PRECISION_F32}, 1e-5},
        {"mi", "{\"width\": 8, \"blocks\": 1}", {.precision = PLN_PRECISION_F32, .tile = 32}, 1e-5},
        {"mi",
         "{\"width\": 8, \"blocks\": 1}",
         {.precision = PLN_PRECISION_F32, .ensemble = true},
         1e-5},
        {"mi", "{\"width\": 8, \"blocks\": 1}", {.precision = PLN_PRECISION_BF16}, 0.02},
        {"sasnet", "{\"width\": 8, \"blocks\": [1]}", {.precision = PLN_PRECISION_F32}, 1e-5},
    };
    static float x[SAMPLES], on_cpu[SAMPLES], on_device[SAMPLES];
    char path[128];
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) x[i] = scene(i / 3 % W, i / 3 / W, i % 3, W, H);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pln_net_options how = cases[i].how;
        make_weights(cases[i].net, cases[i].config, path);
        use(true);
        size_t before = runs_so_far();
        smooth(cases[i].net, path, how, x, on_device);
        assert_true(runs_so_far() > before);
        assert_string_equal(pln_device_used(ctx), "host:0");
        use(false);
        how.precision = PLN_PRECISION_F32;
        smooth(cases[i].net, path, how, x, on_cpu);
        assert_string_equal(pln_device_used(ctx), "cpu");
        double apart = most_apart(on_cpu, on_device, SAMPLES);
        if (!(apart <= cases[i].bound)) fail_msg("case %zu: %g apart", i, apart);
        if (cases[i].bound > 1e-5 && apart < 1e-5) fail_msg("case %zu: bf16 rounds nothing", i);
    }
}

/* Less memory: tiles; far too little: an error, and the next picture is not the worse for it. */
static void memory_of_the_device_counts(void **state)
{
    static float x[SAMPLES], whole[SAMPLES], tiled[SAMPLES];
    const pln_net_options how = {.precision = PLN_PRECISION_F32};
    pln_params *p = NULL;
    char path[128];
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) x[i] = scene(i / 3 % W, i / 3 / W, i % 3, W, H);
    make_weights("mi", "{\"width\": 8, \"blocks\": 1}", path);
    use(true);
    pln_device *device = pln_context_kept(ctx, PLN_KEPT_DEVICE);
    host_device_limit(device, 1000);
    OK(ctx, pln_params_new(ctx, "mi", &p));
    OK(ctx, pln_params_set_net(ctx, p,
                               &(pln_net_options){.size = sizeof(pln_net_options),
                                                  .weights = path,
                                                  .precision = PLN_PRECISION_F32}));
    assert_int_equal(pln_smooth_f32(ctx, p, x, W, H, 3, 0, tiled, 0), PLN_E_LIMIT);
    assert_non_null(strstr(pln_context_message(ctx), "host:0 has"));
    pln_params_free(p);
    host_device_limit(device, (uint64_t)1 << 30);
    smooth("mi", path, how, x, whole);
    use(false);
    smooth("mi", path, how, x, tiled);
    assert_true(most_apart(whole, tiled, SAMPLES) <= 1e-5);
}

static void log_line(void *user, int level, const char *message)
{
    if (level == 1 && strstr(message, "the CPU computes")) snprintf(user, 256, "%s", message);
}

/* Without the library of engines a device still does for operators; networks are the CPU's where
 * the device was not asked for by name. */
static void engines_may_be_missing(void **state)
{
    static float x[SAMPLES], want[SAMPLES], y[SAMPLES];
    const pln_net_options how = {.precision = PLN_PRECISION_F32};
    pln_params *p = NULL;
    char path[128], line[256] = "";
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) x[i] = scene(i / 3 % W, i / 3 / W, i % 3, W, H);
    make_weights("mi", "{\"width\": 8, \"blocks\": 1}", path);
    use(false);
    smooth("mi", path, how, x, want);
    use(true);
    host_device_without_engines(pln_context_kept(ctx, PLN_KEPT_DEVICE));
    OK(ctx, pln_params_new(ctx, "gf", &p));
    OK(ctx, pln_smooth_f32(ctx, p, x, W, H, 3, 0, y, 0));
    assert_string_equal(pln_device_used(ctx), "host:0");
    size_t runs = runs_so_far();
    pln_context_on_log(ctx, log_line, line);
    smooth("mi", path, how, x, y);
    pln_context_on_log(ctx, NULL, NULL);
    assert_string_equal(line, "host:0: a library of engines is needed: the CPU computes");
    assert_string_equal(pln_device_used(ctx), "cpu");
    assert_int_equal(runs_so_far(), runs);
    assert_memory_equal(y, want, sizeof want);
    OK(ctx, pln_smooth_f32(ctx, p, x, W, H, 3, 0, y, 0));
    assert_string_equal(pln_device_used(ctx), "host:0");
    pln_params_free(p);

    pln_device *host = NULL;
    OK(ctx, pln_context_set_device(ctx, "cuda:1"));
    OK(ctx, host_device_open(ctx, HOST_ENGINES_ALL, &host));
    pln_context_keep(ctx, PLN_KEPT_DEVICE, host, (void (*)(void *))pln_device_close);
    host_device_without_engines(host);
    OK(ctx, pln_params_new(ctx, "mi", &p));
    OK(ctx, pln_params_set_net(ctx, p,
                               &(pln_net_options){.size = sizeof(pln_net_options),
                                                  .weights = path,
                                                  .precision = PLN_PRECISION_F32}));
    assert_int_equal(pln_smooth_f32(ctx, p, x, W, H, 3, 0, y, 0), PLN_E_UNSUPPORTED);
    assert_string_equal(pln_context_message(ctx), "host:0: a library of engines is needed");
    pln_params_free(p);
}

/* ---- Steps ---- */

static const char recipe_text[] = "[network]\nsystem=sasnet\n"
                                  "config={\"width\": 8, \"blocks\": [1], \"norm\": \"bn\"}\n"
                                  "[data]\npatch=16\nbatch=2\n"
                                  "[optimiser]\nsteps=4\nrate=1e-2\neps=1e-3\nema=0.5\nclip=1\n"
                                  "[loss]\nl1=1\n"
                                  "[validation]\nevery=2\npairs=2\npatch=16\nsave=2\n";

static void load_text(const char *text, pln_recipe *r)
{
    char path[128];
    snprintf(path, sizeof path, "%s/recipe.ini", base);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    OK(ctx, pln_recipe_load(ctx, path, NULL, 0, r));
}
static void load_recipe(pln_recipe *r) { load_text(recipe_text, r); }

/* Two processes of which the other one has the same values. */
static pln_status doubled(void *user, float *values, size_t n)
{
    (void)user;
    for (size_t i = 0; i < n; i++) values[i] *= 2;
    return PLN_OK;
}
static pln_status at_once(void *user)
{
    (void)user;
    return PLN_OK;
}

enum { PATCH = 16 * 16 * 2, STEPS = 4 };

/* Steps [from, to) with the store's values, which are what the steps made afterwards. */
static void run_steps(const pln_recipe *r, const pln_batch *b, const pln_group *group,
                      pnn_store *store, uint64_t from, uint64_t to, double losses[STEPS])
{
    const pln_step_options how = {group, 3, PLN_PRECISION_F32};
    pln_step *step = NULL;
    pnn_store *init = NULL;
    pln_clear(ctx);
    /* What the store holds now comes after the plans are made, as a checkpoint does. */
    OK(ctx, pnn_store_new(ctx, &init));
    OK(ctx, pln_step_new(ctx, r, b, init, &how, &step));
    for (size_t i = 0; i < pnn_store_count(store); i++) {
        const char *name;
        size_t d[4], n;
        const float *from_value = pnn_store_at(store, i, &name, d);
        float *to_value = pnn_store_find(init, name, &n);
        memcpy(to_value, from_value, n * sizeof *to_value);
    }
    OK(ctx, pln_step_send(step));
    for (uint64_t i = from; i < to; i++) OK(ctx, pln_step_run(step, i, &losses[i]));
    OK(ctx, pln_step_fetch(step));
    for (size_t i = 0; i < pnn_store_count(store); i++) {
        const char *name;
        size_t d[4], n;
        float *value = pnn_store_at(store, i, &name, d);
        memcpy(value, pnn_store_find(init, name, &n), d[0] * d[1] * d[2] * d[3] * sizeof *value);
    }
    pln_step_free(step);
    pnn_store_free(init);
}

/* A store with all that a step has. */
static pnn_store *fresh_store(const pln_recipe *r, const pln_batch *b)
{
    const pln_step_options how = {NULL, 3, PLN_PRECISION_F32};
    pnn_store *store = NULL;
    pln_step *step = NULL;
    use(false);
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pln_step_new(ctx, r, b, store, &how, &step));
    pln_step_free(step);
    return store;
}

static void compare_stores(const pnn_store *a, const pnn_store *b, const char *what)
{
    size_t changed = 0;
    for (size_t i = 0; i < pnn_store_count(a); i++) {
        const char *name;
        size_t d[4], n;
        const float *v = pnn_store_at(a, i, &name, d), *u = pnn_store_find(b, name, &n);
        double apart = most_apart(v, u, n), largest = 0;
        for (size_t k = 0; k < n; k++) largest = fmax(largest, fabs((double)v[k]));
        if (!(apart <= 1e-3 * fmax(largest, 1e-3)))
            fail_msg("%s: '%s' is %g apart of %g", what, name, apart, largest);
        changed += largest > 0;
    }
    assert_true(changed > 10);
}

static void steps_agree(void **state)
{
    static float in[PATCH * 3], truth[PATCH * 3];
    const pln_batch b = {.n = 2, .patch = 16, .in = in, .truth = truth};
    const pln_group two = {.rank = 0, .world = 2, .sum = doubled, .wait = at_once};
    pln_recipe r = {0};
    (void)state;
    load_recipe(&r);
    for (size_t i = 0; i < PATCH * 3; i++) {
        truth[i] = scene(i / 3 % 16, i / 48, i % 3, 16, 32);
        in[i] = truth[i] + 0.2f * noise((uint32_t)i, 1, 2);
    }
    /* where: for each half of the steps, on the device or not. */
    for (int where = 1; where < 4; where++)
        for (int grouped = 0; grouped < 2; grouped++) {
            const pln_group *group = grouped ? &two : NULL;
            double losses[STEPS] = {0}, expected[STEPS] = {0};
            char what[80];
            pnn_store *cpu = fresh_store(&r, &b), *store = fresh_store(&r, &b);
            snprintf(what, sizeof what, "%s then %s%s", where & 1 ? "device" : "cpu",
                     where & 2 ? "device" : "cpu", grouped ? ", group" : "");
            run_steps(&r, &b, group, cpu, 0, STEPS, expected);
            for (int half = 0; half < 2; half++) {
                use(where >> half & 1);
                run_steps(&r, &b, group, store, (uint64_t)half * STEPS / 2,
                          (uint64_t)(half + 1) * STEPS / 2, losses);
            }
            for (int i = 0; i < STEPS; i++)
                if (!(fabs(losses[i] - expected[i]) <= 1e-4 * expected[i]))
                    fail_msg("%s: step %d: loss %g, expected %g", what, i, losses[i], expected[i]);
            compare_stores(cpu, store, what);
            use(false);
            pnn_store_free(cpu);
            pnn_store_free(store);
        }
    pln_recipe_free(&r);
}

/* Values come from the device where a run has changed them, not again for each who needs them. */
static void values_are_fetched_once(void **state)
{
    static float in[PATCH * 3];
    const pln_batch b = {.n = 2, .patch = 16, .in = in, .truth = in};
    const pln_step_options how = {NULL, 3, PLN_PRECISION_F32};
    pnn_store *store = NULL;
    pln_step *step = NULL;
    pln_recipe r = {0};
    const char *name;
    size_t d[4];
    double loss;
    (void)state;
    load_recipe(&r);
    use(true);
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pln_step_new(ctx, &r, &b, store, &how, &step));
    float *value = pnn_store_at(store, 0, &name, d);
    for (int run = 0; run < 3; run++) {
        *value = 7;
        OK(ctx, pln_step_fetch(step));
        assert_true(*value == 7);
        OK(ctx, pln_step_run(step, (uint64_t)run, &loss));
        OK(ctx, pln_step_fetch(step));
        assert_true(*value != 7);
    }
    pln_step_free(step);
    pnn_store_free(store);
    pln_recipe_free(&r);
}

/* Nothing of a step is left to the host: the first one is asked for, each later one is one replay.
 */
static void steps_of_fan_are_replayed_whole(void **state)
{
    static float in[PATCH * 3];
    static const char *const variants[] = {"smooth", "texture"};
    const pln_batch b = {.n = 2, .patch = 16, .in = in, .truth = in};
    (void)state;
    for (size_t i = 0; i < PATCH * 3; i++)
        in[i] = scene(i / 3 % 16, i / 48, i % 3, 16, 32) + 0.2f * noise((uint32_t)i, 1, 2);
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
        double losses[STEPS], expected[STEPS];
        size_t before, after, runs;
        char text[400];
        pln_recipe r = {0};
        snprintf(text, sizeof text,
                 "[network]\nsystem=fan\nconfig={\"width\": 8, \"blocks\": [1, 1]}\n"
                 "[data]\naugmentation=fan\npatch=16\nbatch=2\n"
                 "[optimiser]\nsteps=4\nrate=1e-3\n[loss]\nfan=1\nvariant=%s\n"
                 "[validation]\nevery=4\npairs=2\npatch=16\nsave=4\n",
                 variants[k]);
        load_text(text, &r);
        pnn_store *cpu = fresh_store(&r, &b), *store = fresh_store(&r, &b);
        run_steps(&r, &b, NULL, cpu, 0, STEPS, expected);
        use(true);
        host_device_counts(pln_context_kept(ctx, PLN_KEPT_DEVICE), &runs, &before);
        run_steps(&r, &b, NULL, store, 0, STEPS, losses);
        host_device_counts(pln_context_kept(ctx, PLN_KEPT_DEVICE), &runs, &after);
        assert_int_equal(after - before, STEPS - 1);
        for (int i = 0; i < STEPS; i++)
            if (!(fabs(losses[i] - expected[i]) <= 1e-4 * expected[i]))
                fail_msg("%s, step %d: loss %g, expected %g", variants[k], i, losses[i],
                         expected[i]);
        use(false);
        pnn_store_free(cpu);
        pnn_store_free(store);
        pln_recipe_free(&r);
    }
}

static void steps_in_bf16(void **state)
{
    static float in[PATCH * 3], truth[PATCH * 3];
    const pln_batch b = {.n = 2, .patch = 16, .in = in, .truth = truth};
    const pln_step_options how = {NULL, 3, PLN_PRECISION_BF16};
    double loss;
    pln_recipe r = {0};
    pnn_store *store = NULL;
    pln_step *step = NULL;
    (void)state;
    load_recipe(&r);
    use(true);
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pln_step_new(ctx, &r, &b, store, &how, &step));
    OK(ctx, pln_step_run(step, 0, &loss));
    assert_true(isfinite(loss));
    pln_step_free(step);
    pnn_store_free(store);
    pln_recipe_free(&r);
}

/* ---- Runs ---- */

static pln_status make_scenes(const char *folder)
{
    const pln_make_options o = {.kind = "scenes",
                                .folder = folder,
                                .seed = 3,
                                .count = 9,
                                .texture_count = 6,
                                .w = 72,
                                .h = 56};
    struct pln_make *m = NULL;
    size_t steps = 1;
    pln_status s = pln_make_new(ctx, &o, &m);
    while (!s && steps) {
        s = pln_make_round(ctx, m, &steps);
        for (size_t i = 0; i < steps && !s; i++) s = pln_make_step(ctx, m, i);
    }
    if (!s) s = pln_make_finish(ctx, m);
    pln_make_free(m);
    return s;
}

struct seen {
    double loss[STEPS], score;
    uint64_t stop; /* after this step */
};

static int report(void *user, const pln_training_state *st)
{
    struct seen *seen = user;
    seen->loss[st->step - 1] = st->loss;
    if (st->validated) seen->score = st->scores[0];
    return st->step == seen->stop;
}

static void train(const pln_recipe *r, const pln_dataset *data, const char *run, bool resume,
                  struct seen *seen)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%s/%s", base, run);
    const pln_trainer_options o = {.recipe = r,
                                   .dataset = data,
                                   .run = folder,
                                   .resume = resume,
                                   .precision = PLN_PRECISION_F32,
                                   .report = report,
                                   .user = seen};
    pln_status s = pln_train(ctx, &o);
    if (s != (seen->stop ? PLN_E_CANCELLED : PLN_OK)) fail_msg("%s", pln_context_message(ctx));
}

static void runs_go_on_elsewhere(void **state)
{
    struct seen expected = {{0}, 0, 0};
    pln_dataset *data = NULL;
    pln_recipe r = {0};
    char folder[128];
    (void)state;
    load_recipe(&r);
    snprintf(folder, sizeof folder, "%s/scenes", base);
    OK(ctx, make_scenes(folder));
    OK(ctx, pln_dataset_open(ctx, folder, &data));
    use(false);
    train(&r, data, "cpu", false, &expected);
    for (int where = 1; where < 4; where++) {
        struct seen seen = {{0}, 0, 2};
        char run[16];
        snprintf(run, sizeof run, "run%d", where);
        use(where & 1);
        train(&r, data, run, false, &seen);
        if (where & 1) assert_true(runs_so_far() > 0);
        seen.stop = 0;
        use(where & 2);
        train(&r, data, run, true, &seen);
        for (int i = 0; i < STEPS; i++)
            if (!(fabs(seen.loss[i] - expected.loss[i]) <= 1e-4 * expected.loss[i]))
                fail_msg("%s: step %d: loss %g, expected %g", run, i, seen.loss[i],
                         expected.loss[i]);
        if (!(fabs(seen.score - expected.score) <= 1e-2))
            fail_msg("%s: %g dB, expected %g", run, seen.score, expected.score);
    }
    use(false);
    pln_dataset_free(data);
    pln_recipe_free(&r);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sessions_agree),          TEST(memory_of_the_device_counts),
        TEST(engines_may_be_missing),  TEST(steps_agree),
        TEST(values_are_fetched_once), TEST(steps_of_fan_are_replayed_whole),
        TEST(steps_in_bf16),           TEST(runs_go_on_elsewhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
