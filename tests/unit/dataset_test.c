/* SPDX-License-Identifier: MIT */
/* Datasets: made, opened, split, blended, damaged. Everything from scenes and tiny pictures. */
#include <sys/stat.h>
#include <unistd.h>

#include "../support.h"

#include "data/data.h"
#include "data/dataset.h"
#include "data/make.h"
#include "image/image.h"

static pln_context *ctx;
static char base[64];

static int setup(void **state)
{
    (void)state;
    strcpy(base, "/tmp/planish_dataset_XXXXXX");
    return !mkdtemp(base) || pln_context_new(&ctx);
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return system(command) || held != 0;
}

static const char *place(const char *name)
{
    static char paths[8][160];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", base, name);
    return path;
}

/* One after another, or backwards: the order of steps must not matter. */
static pln_status make(const pln_make_options *o, bool backwards)
{
    struct pln_make *m = NULL;
    size_t steps = 1;
    pln_status s = pln_make_new(ctx, o, &m);
    while (!s && steps) {
        s = pln_make_round(ctx, m, &steps);
        for (size_t i = 0; i < steps && !s; i++)
            s = pln_make_step(ctx, m, backwards ? steps - 1 - i : i);
    }
    if (!s) s = pln_make_finish(ctx, m);
    pln_make_free(m);
    return s;
}

static pln_make_options scenes(const char *folder)
{
    return (pln_make_options){.kind = "scenes",
                              .folder = folder,
                              .seed = 5,
                              .count = 7,
                              .texture_count = 6,
                              .w = 64,
                              .h = 48};
}

static char *contents(const char *path, size_t *n)
{
    void *bytes = NULL;
    OK(ctx, pln_file_read(ctx, path, 1 << 26, &bytes, n));
    return bytes;
}

static void same_bytes_in_any_order(void **state)
{
    (void)state;
    size_t n, m;
    pln_make_options a = scenes(place("a")), b = scenes(place("b"));
    OK(ctx, make(&a, false));
    OK(ctx, make(&b, true));
    /* The manifest has the sha256 of every file. */
    char *x = contents(place("a/manifest.json"), &n), *y = contents(place("b/manifest.json"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    pln_free(x);
    pln_free(y);
    assert_int_equal(make(&a, false), PLN_E_ARG); /* it is there already */
}

static void splits_are_strict(void **state)
{
    (void)state;
    pln_dataset *d = NULL;
    bool truth[3][7] = {{false}}, texture[3][6] = {{false}};
    OK(ctx, pln_dataset_open(ctx, place("a"), &d));
    assert_string_equal(pln_dataset_kind(d), "scenes");
    assert_int_equal(pln_dataset_seed(d), 5);
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_TRAIN), 5 * 4);
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_VAL), 1);
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_TEST), 1);
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_TEST_TRUTHS), 4);
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_TEST_TEXTURES), 5);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < pln_dataset_pairs(d, (pln_split)k); i++) {
            size_t g, t;
            double scale;
            pln_dataset_parts(d, (pln_split)k, i, &g, &t, &scale);
            truth[k][g] = texture[k][t] = true;
        }
    for (int i = 0; i < 7; i++) assert_int_equal(truth[0][i] + truth[1][i] + truth[2][i], 1);
    for (int i = 0; i < 6; i++) assert_int_equal(texture[0][i] + texture[1][i] + texture[2][i], 1);
    pln_dataset_free(d);
}

/* A pair is the scene, the texture stored with 16 bits, blended by the definition. */
static void pairs_are_blended(void **state)
{
    (void)state;
    enum { W = 64, H = 48 };
    static uint8_t rgb[W * H * 3], classes[W * H], in[W * H * 3], edge[W * H];
    pln_dataset *d = NULL;
    struct pln_pair p;
    size_t g, t, w, h;
    double scale, *layer = NULL;
    OK(ctx, pln_dataset_open(ctx, place("a"), &d));
    OK(ctx, pln_dataset_pair(ctx, d, PLN_SPLIT_TRAIN, 7, PLN_WITH_EDGE | PLN_WITH_CLASSES, &p));
    pln_dataset_parts(d, PLN_SPLIT_TRAIN, 7, &g, &t, &scale);
    OK(ctx, pln_scene(ctx, 5, g, W, H, rgb, classes));
    OK(ctx, pln_dataset_texture(ctx, d, t, 1, &layer, &w, &h));
    OK(ctx, pln_blend(ctx, rgb, W, H, layer, w, h, 0.1, in));
    pln_edge_label(rgb, W, H, 2, edge);
    assert_null(p.negative);
    for (size_t i = 0; i < W * H * 3; i++) {
        assert_float_equal(p.truth->pixels.data[i], (float)rgb[i] / 255, 0);
        assert_float_equal(p.in->pixels.data[i], (float)in[i] / 255, 0);
    }
    for (size_t i = 0; i < W * H; i++) {
        assert_float_equal(p.edge->pixels.data[i], edge[i], 0);
        assert_float_equal(p.classes->pixels.data[i], (float)classes[i] / 255, 0);
    }
    pln_free(layer);
    pln_pair_free(&p);
    assert_int_equal(pln_dataset_pair(ctx, d, PLN_SPLIT_TEST, 1, 0, &p), PLN_E_ARG);
    pln_dataset_free(d);
}

static void side_by_side_reads_back(void **state)
{
    (void)state;
    pln_dataset *d = NULL, *e = NULL;
    struct pln_pair p, q;
    char hex[65];
    OK(ctx, pln_dataset_open(ctx, place("a"), &d));
    for (size_t i = 0; i < 12; i++)
        OK(ctx, pln_dataset_write_pair(ctx, d, place("pairs"), PLN_SPLIT_TRAIN, i, hex));
    OK(ctx, pln_dataset_write_pair(ctx, d, place("pairs"), PLN_SPLIT_TEST, 0, hex));
    OK(ctx, pln_dataset_open(ctx, place("pairs"), &e));
    assert_string_equal(pln_dataset_kind(e), "pairs");
    assert_int_equal(pln_dataset_pairs(e, PLN_SPLIT_TRAIN), 12);
    assert_int_equal(pln_dataset_pairs(e, PLN_SPLIT_TEST), 1);
    OK(ctx, pln_dataset_pair(ctx, d, PLN_SPLIT_TRAIN, 11, 0, &p)); /* 11.png after 2.png */
    OK(ctx, pln_dataset_pair(ctx, e, PLN_SPLIT_TRAIN, 11, 0, &q));
    assert_memory_equal(p.in->pixels.data, q.in->pixels.data, 64 * 48 * 3 * sizeof(float));
    assert_memory_equal(p.truth->pixels.data, q.truth->pixels.data, 64 * 48 * 3 * sizeof(float));
    pln_pair_free(&p);
    pln_pair_free(&q);
    pln_dataset_free(e);
    pln_dataset_free(d);
}

static void published_split_is_a_tenth(void **state)
{
    (void)state;
    pln_make_options o = scenes(place("published"));
    pln_dataset *d = NULL;
    bool seen[42] = {false};
    o.published = true;
    OK(ctx, make(&o, false));
    OK(ctx, pln_dataset_open(ctx, o.folder, &d));
    assert_true(pln_dataset_published_split(d));
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_TRAIN), 38);
    assert_int_equal(pln_dataset_pairs(d, PLN_SPLIT_VAL), 4);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < pln_dataset_pairs(d, (pln_split)k); i++) {
            size_t g, t;
            double scale;
            pln_dataset_parts(d, (pln_split)k, i, &g, &t, &scale);
            assert_false(seen[t * 7 + g]);
            seen[t * 7 + g] = true;
        }
    pln_dataset_free(d);
}

/* ---- Damage ---- */

static void rewrite(const char *path, const char *from, const char *to)
{
    size_t n;
    char *text = contents(path, &n), *out = calloc(1, n + 200);
    char *whole = calloc(1, n + 1);
    memcpy(whole, text, n);
    char *at = strstr(whole, from);
    assert_non_null(at);
    *at = 0;
    sprintf(out, "%s%s%s", whole, to, at + strlen(from));
    OK(ctx, pln_file_write(ctx, path, out, strlen(out)));
    pln_free(text);
    free(whole);
    free(out);
}

static void damage_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"planish.dataset/1", "planish.dataset/9", "schema 'planish.dataset/9'"},
        {"\"seed\": 5", "\"seed\": five", "line"},
        {"scene0001", "../scene0001", "a truth has no name"},
        {"scene0001", "scene0002", "a truth is listed twice"},
        {"\"train\",\n   \"width\": 64", "\"train\",\n   \"width\": 0", "no width and height"},
        {"gt/scene0001.png\": \"", "gt/scene0001.png\": \"zz", "not 64 hex digits"},
        {"\"edge\"", "\"hedge\"", "a companion is unknown"},
    };
    pln_dataset *d = NULL;
    struct pln_pair p;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pln_make_options o = scenes(place("damaged"));
        OK(ctx, make(&o, false));
        rewrite(place("damaged/manifest.json"), cases[i].from, cases[i].to);
        assert_int_equal(pln_dataset_open(ctx, o.folder, &d), PLN_E_MODEL);
        if (!strstr(pln_context_message(ctx), cases[i].says) ||
            !strstr(pln_context_message(ctx), "manifest.json"))
            fail_msg("%s: %s", cases[i].to, pln_context_message(ctx));
        assert_int_equal(unlink(place("damaged/manifest.json")), 0);
    }
    /* Interrupted: no manifest. */
    assert_int_equal(pln_dataset_open(ctx, place("damaged"), &d), PLN_E_MODEL);
    assert_non_null(strstr(pln_context_message(ctx), "interrupted"));
    assert_int_equal(pln_dataset_open(ctx, place("nowhere"), &d), PLN_E_READ);
    /* A changed file. */
    pln_make_options o = scenes(place("damaged"));
    OK(ctx, make(&o, false));
    OK(ctx, pln_dataset_open(ctx, o.folder, &d));
    size_t n, g, t;
    double scale;
    pln_dataset_parts(d, PLN_SPLIT_TEST, 0, &g, &t, &scale);
    char name[64];
    snprintf(name, sizeof name, "damaged/gt/%s.png", pln_dataset_truth_name(d, g));
    char *bytes = contents(place(name), &n);
    bytes[n / 2] ^= 1;
    OK(ctx, pln_file_write(ctx, place(name), bytes, n));
    pln_free(bytes);
    assert_int_equal(pln_dataset_pair(ctx, d, PLN_SPLIT_TEST, 0, 0, &p), PLN_E_MODEL);
    if (!strstr(pln_context_message(ctx), name + 8)) fail_msg("%s", pln_context_message(ctx));
    size_t bad = 0;
    for (size_t i = 0; i < pln_dataset_files(d); i++) bad += pln_dataset_check_file(ctx, d, i) != 0;
    assert_int_equal(bad, 1);
    pln_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_in_any_order),    cmocka_unit_test(splits_are_strict),
        cmocka_unit_test(pairs_are_blended),          cmocka_unit_test(side_by_side_reads_back),
        cmocka_unit_test(published_split_is_a_tenth), cmocka_unit_test(damage_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
