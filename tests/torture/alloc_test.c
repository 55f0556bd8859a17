/* SPDX-License-Identifier: MIT */
/* The n-th allocation fails, for every n: contexts, parameters, every method, plain and with all
 * options, load and save, weights files, networks, datasets, training batches, trainings,
 * evaluations. Each time: PLN_E_MEMORY, a message, the result untouched, and nothing held
 * afterwards. */
#include "support.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/make.h"
#include "eval/eval.h"
#include "train/report.h"
#include "train/trainer.h"
#include "weights.h"

/* Counts; fails the one that brings `left` to 0 and, after it, every other. */
struct allocator {
    atomic_long left; /* negative: never fail */
    atomic_size_t bytes, blocks;
    atomic_long failed;
};

static void *take(void *user, size_t size, size_t align)
{
    struct allocator *a = user;
    void *p = NULL;
    if (atomic_load(&a->left) >= 0 && atomic_fetch_sub(&a->left, 1) <= 1) {
        atomic_store(&a->left, 1); /* memory stays short */
        atomic_fetch_add(&a->failed, 1);
        return NULL;
    }
    if (posix_memalign(&p, align, size)) return NULL;
    atomic_fetch_add(&a->bytes, size);
    atomic_fetch_add(&a->blocks, 1);
    return p;
}

static void give(void *user, void *p, size_t size)
{
    struct allocator *a = user;
    if (!p) return;
    atomic_fetch_sub(&a->bytes, size);
    atomic_fetch_sub(&a->blocks, 1);
    free(p);
}

static void init(struct allocator *a)
{
    memset(a, 0, sizeof *a);
    atomic_store(&a->left, -1);
}

static pln_context_options options_of(struct allocator *a)
{
    return (pln_context_options){.size = sizeof(pln_context_options),
                                 .threads = 1,
                                 .alloc = take,
                                 .free = give,
                                 .alloc_user = a,
                                 .memory = (uint64_t)1 << 30};
}

/* One operation under test: done = true if it succeeded; it frees what it made. */
typedef pln_status operation(pln_context *ctx, const void *arg);

/* Runs op with the 1st, 2nd, ... allocation failing until it passes; returns how many it made.
 * rare: with steps that grow by 1/rare of what is behind (0: every one). */
static long some_allocations(const char *name, operation *op, const void *arg, long rare)
{
    enum { MANY = 20000 };
    struct allocator a;
    pln_context *ctx = NULL;

    init(&a);
    pln_context_options o = options_of(&a);
    assert_int_equal(pln_context_new_with(&o, &ctx), PLN_OK);
    /* What the context or a library keeps from the first call on is no leak. */
    OK(ctx, op(ctx, arg));
    size_t bytes = a.bytes, blocks = a.blocks;

    for (long n = 1; n < MANY; n += rare ? 1 + n / rare : 1) {
        atomic_store(&a.failed, 0);
        atomic_store(&a.left, n);
        pln_status s = op(ctx, arg);
        atomic_store(&a.left, -1);
        if (!a.failed) {
            if (s) fail_msg("%s: %s although no allocation failed", name, pln_context_message(ctx));
            pln_context_free(ctx);
            if (a.bytes || a.blocks)
                fail_msg("%s: %zu bytes are left when the context is gone", name, (size_t)a.bytes);
            return n - 1;
        }
        if (s != PLN_E_MEMORY)
            fail_msg("%s: allocation %ld failed: status %s (%s), expected memory", name, n,
                     pln_status_name(s), pln_context_message(ctx));
        if (!*pln_context_message(ctx))
            fail_msg("%s: allocation %ld failed without a message", name, n);
        if (a.bytes != bytes || a.blocks != blocks)
            fail_msg("%s: allocation %ld failed: %zu bytes in %zu blocks leak", name, n,
                     (size_t)a.bytes - bytes, (size_t)a.blocks - blocks);
    }
    fail_msg("%s: more than %d allocations", name, (int)MANY);
    return 0;
}

static long each_allocation(const char *name, operation *op, const void *arg)
{
    return some_allocations(name, op, arg, 0);
}

/* ---- Contexts ---- */

static void contexts(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct allocator a;
        pln_context *ctx = NULL;
        init(&a);
        atomic_store(&a.left, n);
        pln_context_options o = options_of(&a);
        pln_status s = pln_context_new_with(&o, &ctx);
        if (!a.failed) {
            assert_int_equal(s, PLN_OK);
            atomic_store(&a.left, -1);
            pln_context_free(ctx);
            assert_int_equal(a.blocks, 0);
            assert_true(n > 1);
            return;
        }
        assert_int_equal(s, PLN_E_MEMORY);
        assert_null(ctx);
        assert_true(*pln_context_message(NULL));
        assert_int_equal(a.blocks, 0);
    }
}

/* ---- Methods ---- */

struct job {
    const pln_method *method;
    const char *values;
    size_t w, h, c;
    bool all_options; /* alpha, linear light, mask, luma, guide */
};

static pln_status fill(pln_context *ctx, size_t w, size_t h, size_t c, pln_image **image)
{
    pln_status s = pln_image_new_f32(ctx, w, h, c, image);
    if (s) return s;
    pln_view v = pln_image_pixels(*image), a = pln_image_alpha(*image);
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            for (size_t k = 0; k < v.c; k++) at(v, x, y)[k] = 1.5f * scene(x, y, k, w, h);
            if (a.data) *at(a, x, y) = x % 5 == 0 ? 0 : 0.2f + 0.8f * (float)y / (float)h;
        }
    return PLN_OK;
}

static pln_status smooth_job(pln_context *ctx, const void *arg)
{
    const struct job *j = arg;
    pln_params *p = NULL;
    pln_image *in = NULL, *guide = NULL, *mask = NULL, *out = NULL;
    pln_smooth_options o = {.size = sizeof o};
    pln_status s;

    if ((s = pln_params_new(ctx, j->method->name, &p)) ||
        (s = pln_params_apply(ctx, p, j->values)) ||
        (s = fill(ctx, j->w, j->h, j->all_options ? j->c + 1 : j->c, &in)))
        goto done;
    if (j->all_options) {
        o.space = PLN_SPACE_LINEAR;
        o.transparency = PLN_ALPHA_FILTER;
        o.channels = j->c == 3 ? PLN_CHANNELS_LAB : PLN_CHANNELS_RGB;
        o.strip = 64;
        if ((s = fill(ctx, j->w, j->h, 1, &mask)) || (s = fill(ctx, j->w, j->h, 3, &guide)))
            goto done;
        o.mask = mask;
    }
    s = pln_smooth_with(ctx, p, in, j->method->caps & PLN_CAP_GUIDE ? guide : NULL, &o, &out);
    if (s && out) fail_msg("%s: the result is set although the call failed", j->method->name);
done:
    pln_image_free(out);
    pln_image_free(mask);
    pln_image_free(guide);
    pln_image_free(in);
    pln_params_free(p);
    return s;
}

static void methods(void **state)
{
    const pln_method *m = *state;
    for (const pln_preset *preset = m->presets; preset->name; preset++) {
        struct job j = {.method = m, .values = preset->values, .w = 11, .h = 67, .c = 1};
        long n = each_allocation(m->name, smooth_job, &j);
        assert_true(n >= 3); /* parameters, input, output at least */
        if (preset != m->presets) continue;
        j.c = 3;
        j.all_options = true;
        each_allocation(m->name, smooth_job, &j);
        j = (struct job){.method = m, .values = "", .w = 21, .h = 83, .c = 3};
        each_allocation(m->name, smooth_job, &j);
    }
}

/* ---- Files ---- */

static char folder[] = "planish-alloc-XXXXXX";

static pln_status round_trip(pln_context *ctx, const void *arg)
{
    const char *extension = arg;
    char path[256];
    pln_image *in = NULL, *out = NULL;
    pln_save_options o = {.size = sizeof o, .depth = strcmp(extension, "npy") == 0 ? 32 : 8};
    pln_status s;

    snprintf(path, sizeof path, "%s/picture.%s", folder, extension);
    unlink(path);
    if ((s = fill(ctx, 37, 23, 3, &in))) goto done;
    if ((s = pln_image_save(ctx, in, path, &o))) {
        if (access(path, F_OK) == 0) fail_msg("%s is there although saving it failed", path);
        goto done;
    }
    s = pln_image_load(ctx, path, &out);
    if (s && out) fail_msg("%s: the picture is set although loading failed", path);
done:
    pln_image_free(out);
    pln_image_free(in);
    return s;
}

static void files(void **state)
{
    const char *extension = *state;
    char path[256];
    each_allocation(extension, round_trip, extension);
    snprintf(path, sizeof path, "%s/picture.%s", folder, extension);
    unlink(path);
    /* No temporary file stayed behind. */
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            fail_msg("%s was left behind", e->d_name);
    closedir(d);
}

/* ---- Weights ---- */

static pln_status weights_job(pln_context *ctx, const void *arg)
{
    static const float values[4] = {1, 2, 3, 4};
    static const size_t shape[2] = {2, 2};
    static const pnn_st_source sources[] = {{"a", PNN_F16, 2, shape, values},
                                            {"b", PNN_F32, 2, shape, values}};
    static const pnn_st_text text = {"system", "jess"};
    pnn_st *st = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_st_write(ctx, arg, sources, 2, &text, 1));
    s = pnn_st_open(ctx, arg, 0, &st);
    if (s && st) fail_msg("the weights are set although opening failed");
done:
    pnn_st_free(st);
    unlink(arg);
    return s;
}

static void weights(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    assert_true(each_allocation("weights", weights_job, path) > 8);
}

/* ---- Networks ---- */

/* Small ones, in tiles and in eight views. */
static const struct network {
    const char *name, *config;
    int tile;
    bool ensemble;
    pln_precision precision;
} networks[] = {
    {"jess", "{\"dim\": 16, \"num_block\": 1, \"n_smooth\": 1, \"n_refine\": 1}", 16, false,
     PLN_PRECISION_F32},
    {"fan", "{\"width\": 16, \"blocks\": [2, 1]}", -1, true, PLN_PRECISION_F32},
    {"sasnet", "{\"width\": 16, \"blocks\": [1]}", -1, false, PLN_PRECISION_F32},
    {"mi", "{\"width\": 16, \"blocks\": 2}", -1, false, PLN_PRECISION_AUTO},
};

static void weights_of(const struct network *n, char path[64])
{
    pln_context *ctx = NULL;
    const pnet_net *net;
    pnet_options options;
    pnn_graph *g = NULL;
    pnn_store *store = NULL;

    snprintf(path, 64, "%s/%s.safetensors", folder, n->name);
    OK(NULL, pln_context_new(&ctx));
    OK(ctx, pnet_find(ctx, n->name, &net, &options));
    OK(ctx, pnet_configure(ctx, net, n->config, n->name, &options));
    OK(ctx, pnet_graph(ctx, net, &options, PNET_EVAL, &g));
    OK(ctx, pnn_store_new(ctx, &store));
    OK(ctx, pnn_store_init(store, g, 1));
    OK(ctx, write_weights(ctx, store, n->name, n->config, path));
    pnn_store_free(store);
    pnn_graph_free(g);
    pln_context_free(ctx);
}

static pln_status network_job(pln_context *ctx, const void *arg)
{
    const struct network *n = arg;
    enum { W = 90, H = 7 };
    float x[W * H * 3], y[W * H * 3];
    char path[64];
    pln_params *p = NULL;
    pln_status s = PLN_OK;

    snprintf(path, sizeof path, "%s/%s.safetensors", folder, n->name);
    const pln_net_options o = {.size = sizeof o,
                               .weights = path,
                               .tile = n->tile,
                               .ensemble = n->ensemble,
                               .precision = n->precision};
    for (size_t i = 0; i < W * H * 3; i++) x[i] = scene(i / 3 % W, i / 3 / W, i % 3, W, H);
    PLN_TRY(pln_params_new(ctx, n->name, &p));
    PLN_TRY(pln_params_set_net(ctx, p, &o));
    PLN_TRY(pln_smooth_f32(ctx, p, x, W, H, 3, 0, y, 0));
done:
    pln_params_free(p);
    pln_context_keep(ctx, PLN_KEPT_DEVICE, NULL, NULL);
    return s;
}

static void network(void **state)
{
    const struct network *n = *state;
    char path[64];
    weights_of(n, path);
    assert_true(each_allocation(n->name, network_job, n) > 50);
    unlink(path);
}

/* ---- Datasets ---- */

static pln_status make_job(pln_context *ctx, const void *arg)
{
    pln_make_options o = {.kind = "scenes",
                          .folder = arg,
                          .seed = 1,
                          .count = 3,
                          .texture_count = 3,
                          .w = 40,
                          .h = 32};
    struct pln_make *make = NULL;
    char command[128];
    size_t steps = 1;
    pln_status s = PLN_OK;

    snprintf(command, sizeof command, "rm -rf '%s'", o.folder);
    if (system(command)) fail_msg("%s", command);
    PLN_TRY(pln_make_new(ctx, &o, &make));
    while (steps) {
        PLN_TRY(pln_make_round(ctx, make, &steps));
        for (size_t i = 0; i < steps; i++) PLN_TRY(pln_make_step(ctx, make, i));
    }
    s = pln_make_finish(ctx, make);
done:
    pln_make_free(make);
    return s;
}

static pln_status batch_job(pln_context *ctx, const void *arg)
{
    pln_dataset *dataset = NULL;
    pln_loader *loader = NULL;
    pln_batch batch = {0};
    struct pln_pair pair = {0};
    pln_status s = PLN_OK;

    PLN_TRY(pln_dataset_open(ctx, arg, &dataset));
    PLN_TRY(pln_dataset_pair(ctx, dataset, PLN_SPLIT_TEST, 0, PLN_WITH_EDGE, &pair));
    pln_loader_options o = {.dataset = dataset,
                            .augmentation = *pln_augmentation_find("jess"),
                            .companions = PLN_WITH_EDGE | PLN_WITH_CLASSES,
                            .batch = 1};
    o.augmentation.patch = 16;
    PLN_TRY(pln_loader_new(ctx, &o, &loader));
    PLN_TRY(pln_batch_new(ctx, loader, &batch));
    s = pln_loader_batch(ctx, loader, 0, &batch);
done:
    pln_batch_free(&batch);
    pln_loader_free(loader);
    pln_pair_free(&pair);
    pln_dataset_free(dataset);
    return s;
}

static void datasets(void **state)
{
    char path[64], command[128];
    (void)state;
    snprintf(path, sizeof path, "%s/scenes", folder);
    assert_true(some_allocations("dataset make", make_job, path, 4) > 100);
    assert_true(each_allocation("training batch", batch_job, path) > 30);
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* ---- Evaluations ---- */

static void make_dataset(const char *path)
{
    const pln_make_options o = {.kind = "scenes",
                                .folder = path,
                                .seed = 5,
                                .count = 5,
                                .texture_count = 4,
                                .w = 40,
                                .h = 32};
    pln_context *ctx = NULL;
    struct pln_make *m = NULL;
    size_t steps = 1;
    assert_int_equal(pln_context_new(&ctx), PLN_OK);
    OK(ctx, pln_make_new(ctx, &o, &m));
    while (steps) {
        OK(ctx, pln_make_round(ctx, m, &steps));
        for (size_t i = 0; i < steps; i++) OK(ctx, pln_make_step(ctx, m, i));
    }
    OK(ctx, pln_make_finish(ctx, m));
    pln_make_free(m);
    pln_context_free(ctx);
}

static void remove_folder(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static pln_status do_phase(pln_context *ctx, pln_eval *eval, pln_phase phase)
{
    struct pln_eval_worker worker = {0};
    size_t *units = NULL, count;
    pln_status s = PLN_OK;

    PLN_TRY(pln_eval_pending(ctx, eval, phase, &units, &count, NULL));
    for (size_t i = 0; i < count; i++) PLN_TRY(pln_eval_unit(ctx, eval, &worker, phase, units[i]));
done:
    pln_eval_worker_clear(&worker);
    pln_free(units);
    return s;
}

static pln_status eval_job(pln_context *ctx, const void *arg)
{
    static const char *const methods[] = {"gf", NULL};
    char reports[64];
    const pln_eval_options o = {.folder = reports,
                                .methods = methods,
                                .tune_pairs = 1,
                                .test_pairs = 1,
                                .points = 2,
                                .pictures = 1};
    pln_dataset *dataset = NULL;
    pln_eval *eval = NULL;
    pln_status s = PLN_OK;

    snprintf(reports, sizeof reports, "%s/reports", folder);
    PLN_TRY(pln_dataset_open(ctx, arg, &dataset));
    PLN_TRY(pln_eval_new(ctx, dataset, &o, &eval));
    PLN_TRY(do_phase(ctx, eval, PLN_TUNE));
    PLN_TRY(pln_eval_choose(ctx, eval));
    PLN_TRY(do_phase(ctx, eval, PLN_TEST));
    PLN_TRY(pln_eval_write(ctx, eval));
done:
    pln_eval_free(eval);
    pln_dataset_free(dataset);
    remove_folder(reports);
    return s;
}

/* ---- Training ---- */

static pln_status train_job(pln_context *ctx, const void *arg)
{
    static const char *const settings[] = {"optimiser.steps=2"};
    char run[64], recipe[64], report[80];
    pln_recipe r = {0};
    pln_dataset *dataset = NULL;
    pln_status s = PLN_OK;

    snprintf(run, sizeof run, "%s/run", folder);
    snprintf(recipe, sizeof recipe, "%s/r.ini", folder);
    snprintf(report, sizeof report, "%s/report.html", run);
    PLN_TRY(pln_recipe_load(ctx, recipe, settings, 1, &r));
    PLN_TRY(pln_dataset_open(ctx, arg, &dataset));
    pln_trainer_options o = {.recipe = &r, .dataset = dataset, .run = run, .events = true};
    PLN_TRY(pln_train(ctx, &o));
    o.resume = true;
    PLN_TRY(pln_train(ctx, &o));
    s = pln_report(ctx, &(pln_report_options){.run = run, .output = report, .data = arg});
done:
    pln_dataset_free(dataset);
    pln_recipe_free(&r);
    remove_folder(run);
    return s;
}

static void training(void **state)
{
    char path[64], recipe[64];
    (void)state;
    snprintf(path, sizeof path, "%s/set", folder);
    snprintf(recipe, sizeof recipe, "%s/r.ini", folder);
    make_dataset(path);
    FILE *f = fopen(recipe, "w");
    assert_non_null(f);
    fputs("[network]\nsystem=sasnet\nconfig={\"width\": 4, \"blocks\": [1]}\n"
          "[data]\npatch=16\nbatch=1\n[optimiser]\nema=0.9\nclip=1\n[loss]\nl1=1\n"
          "[validation]\nevery=1\npairs=1\npatch=16\nsave=1\n",
          f);
    fclose(f);
    assert_true(some_allocations("training", train_job, path, 12) > 300);
    unlink(recipe);
    remove_folder(path);
}

static void evaluations(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/set", folder);
    make_dataset(path);
    assert_true(each_allocation("eval", eval_job, path) > 50);
    remove_folder(path);
}

int main(void)
{
    static const char *const extensions[] = {"npy", "png", "jpg", "tiff"};
    enum {
        FILES = sizeof extensions / sizeof *extensions,
        NETWORKS = sizeof networks / sizeof *networks,
        MOST = 128
    };
    struct CMUnitTest tests[5 + FILES + NETWORKS + MOST] = {
        {.name = "contexts", .test_func = contexts},
        {.name = "weights", .test_func = weights},
        {.name = "datasets", .test_func = datasets},
        {.name = "eval", .test_func = evaluations},
        {.name = "training", .test_func = training}};
    char names[MOST][64];
    size_t n = 5, k = 0;

    if (!mkdtemp(folder)) return 1;
    for (size_t i = 0; i < FILES; i++)
        tests[n++] = (struct CMUnitTest){
            .name = extensions[i], .test_func = files, .initial_state = (void *)extensions[i]};
    for (size_t i = 0; i < NETWORKS; i++)
        tests[n++] = (struct CMUnitTest){
            .name = networks[i].name, .test_func = network, .initial_state = (void *)&networks[i]};
    for (const pln_method *m = pln_method_first(NULL); m && k < MOST;
         m = pln_method_next(NULL, m)) {
        if (m->caps & PLN_CAP_NET) continue; /* needs weights: above */
        snprintf(names[k], sizeof names[k], "smooth/%s", m->name);
        tests[n++] =
            (struct CMUnitTest){.name = names[k], .test_func = methods, .initial_state = (void *)m};
        k++;
    }
    int failed = _cmocka_run_group_tests("n-th allocation", tests, n, NULL, NULL);
    rmdir(folder);
    return failed != 0;
}
