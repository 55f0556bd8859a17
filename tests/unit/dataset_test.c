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

/* ---- Sets from photographs ---- */

static void save(const char *path, const uint8_t *bytes, size_t w, size_t h, size_t c)
{
    pln_image *image;
    OK(ctx, pln_image_make(ctx, w, h, c, false, NULL, &image));
    image->depth = 8;
    for (size_t i = 0; i < w * h * c; i++) image->pixels.data[i] = (float)bytes[i] / 255;
    OK(ctx, pln_image_save(ctx, image, path, NULL));
    pln_image_free(image);
}

enum { W = 96, H = 80, PHOTOS = 7 };

/* Photographs p0 .. p6 of a box before a slope, with a little grain, and their class maps. p5 is
 * chequered, p6 no picture. */
static void take_photographs(const char *photos, const char *labels)
{
    static uint8_t rgb[W * H * 3], classes[W * H];
    assert_int_equal(mkdir(photos, 0777), 0);
    assert_int_equal(mkdir(labels, 0777), 0);
    for (size_t k = 0; k < PHOTOS; k++) {
        char path[200];
        for (size_t i = 0; i < W * H; i++) {
            size_t x = i % W, y = i / W;
            bool box = x > 50 + k && x < 80 && y > 30 && y < 60;
            classes[i] = box ? 7 : 0;
            for (size_t c = 0; c < 3; c++) {
                float v = box ? 200 : 90 + 0.2f * (float)x;
                if (k == 5 && c < 2 && ((x / 8 + y / 8) & 1)) v -= 80; /* labels see blue only */
                v += 6 * (noise((uint32_t)(3 * i + c), (uint32_t)k, 1) - 0.5f);
                rgb[3 * i + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
        }
        snprintf(path, sizeof path, "%s/p%zu.png", photos, k);
        if (k == 6)
            OK(ctx, pln_file_write(ctx, path, "no picture", 10));
        else
            save(path, rgb, W, H, 3);
        snprintf(path, sizeof path, "%s/p%zu.png", labels, k);
        save(path, classes, W, H, 1);
    }
}

static pln_make_options voc(const char *folder, const char *const *photos,
                            const char *const *labels)
{
    return (pln_make_options){.kind = "voc-smooth",
                              .folder = folder,
                              .photos = photos,
                              .labels = labels,
                              .seed = 4,
                              .texture_count = 6,
                              .easy = 1};
}

static void photographs_are_screened(void **state)
{
    (void)state;
    char photos[160], labels[160];
    strcpy(photos, place("photos"));
    strcpy(labels, place("classes"));
    const char *const from[] = {photos, NULL}, *const with[] = {labels, NULL};
    take_photographs(photos, labels);
    pln_make_options o = voc(place("voc"), from, with);
    pln_dataset *d;
    struct pln_pair p;
    OK(ctx, make(&o, false));
    OK(ctx, pln_dataset_open(ctx, o.folder, &d));
    assert_int_equal(pln_dataset_truths(d), 5);
    OK(ctx, pln_dataset_pair(ctx, d, PLN_SPLIT_TEST, 0, PLN_WITH_CLASSES | PLN_WITH_NEGATIVE, &p));
    assert_non_null(p.classes);
    assert_non_null(p.negative);
    pln_pair_free(&p);

    /* Left out: the rough one by the screening, the broken one by its file. */
    size_t n;
    char *text = contents(place("voc/manifest.json"), &n), *manifest = strndup(text, n);
    pln_free(text);
    const char *out = strstr(manifest, "\"left_out\"");
    assert_non_null(out);
    assert_non_null(strstr(out, "\"p5\""));
    assert_non_null(strstr(out, "no candidate passes the screening"));
    assert_non_null(strstr(out, "\"p6\""));
    free(manifest);

    /* The rough one's candidates can be looked at. */
    pln_reviews *reviews;
    struct pln_review r;
    OK(ctx, pln_reviews_open(ctx, d, from, &reviews));
    assert_in_range(pln_reviews_count(reviews), 1, 5);
    OK(ctx, pln_reviews_get(ctx, reviews, 0, &r));
    assert_string_equal(r.name, "p5");
    for (size_t k = 0; k < r.count; k++) {
        assert_false(r.candidates[k].passes);
        assert_int_equal(r.candidates[k].image->pixels.w, W);
    }
    pln_review_free(&r);
    assert_int_equal(pln_reviews_get(ctx, reviews, 99, &r), PLN_E_ARG);
    pln_reviews_free(reviews);
    const char *const wrong[] = {labels, NULL};
    assert_int_equal(unlink(place("classes/p5.png")), 0);
    assert_int_equal(pln_reviews_open(ctx, d, wrong, &reviews), PLN_E_READ);
    assert_non_null(strstr(pln_context_message(ctx), "p5"));
    pln_dataset_free(d);
}

/* One label is gone, of another size, no class map, no picture: each names the file. */
static void wrong_labels_are_errors(void **state)
{
    (void)state;
    static uint8_t bytes[W * H];
    char photos[160], labels[160];
    strcpy(photos, place("photos"));
    strcpy(labels, place("classes"));
    const char *const from[] = {photos, NULL}, *const with[] = {labels, NULL};
    const char *const says[] = {"classes/p5.png: no such label for", "p5.png: is 40x80",
                                "p5.png: pixel (3, 0) is no class", "p5.png"};
    for (int k = 0; k < 4; k++) {
        pln_make_options o = voc(place("labels"), from, with);
        memset(bytes, 0, sizeof bytes);
        if (k == 1) save(place("classes/p5.png"), bytes, 40, H, 1);
        if (k == 2) bytes[3] = 77, save(place("classes/p5.png"), bytes, W, H, 1);
        if (k == 3) OK(ctx, pln_file_write(ctx, place("classes/p5.png"), "label", 5));
        assert_int_equal(make(&o, false), k ? PLN_E_MODEL : PLN_E_READ);
        if (!strstr(pln_context_message(ctx), says[k]))
            fail_msg("%s: %s", says[k], pln_context_message(ctx));
    }
    pln_make_options none = voc(place("labels"), from, NULL);
    assert_int_equal(make(&none, false), PLN_E_ARG);
}

static void too_few_survivors_is_an_error(void **state)
{
    (void)state;
    static uint8_t rgb[W * H * 3];
    char photos[160];
    strcpy(photos, place("rough"));
    const char *const from[] = {photos, NULL};
    pln_make_options o = {.kind = "sps",
                          .folder = place("few"),
                          .photos = from,
                          .seed = 1,
                          .texture_count = 6,
                          .easy = 1};
    assert_int_equal(mkdir(photos, 0777), 0);
    for (uint32_t k = 0; k < 3; k++) {
        char path[200];
        for (uint32_t i = 0; i < W * H * 3; i++) rgb[i] = (uint8_t)(noise(i, k, 2) * 255);
        snprintf(path, sizeof path, "%s/r%u.png", photos, k);
        save(path, rgb, W, H, 3);
    }
    assert_int_equal(make(&o, false), PLN_E_FORMAT);
    if (!strstr(pln_context_message(ctx), "0 of 3 photographs can be used, none for 'train'"))
        fail_msg("%s", pln_context_message(ctx));
    assert_int_equal(access(place("few/manifest.json"), F_OK), -1);
}

/* Stopped after some steps of each round: what is there is not made again, and the end is the same
 * as in one go. */
static void a_stopped_run_goes_on(void **state)
{
    (void)state;
    pln_make_options o = scenes(place("stopped"));
    struct pln_make *m = NULL;
    struct stat first, again;
    size_t steps, n, k;
    pln_dataset *d;
    OK(ctx, pln_make_new(ctx, &o, &m));
    OK(ctx, pln_make_round(ctx, m, &steps));
    for (size_t i = 0; i < steps; i++) OK(ctx, pln_make_step(ctx, m, i));
    OK(ctx, pln_make_round(ctx, m, &steps));
    for (size_t i = 0; i < steps / 2; i++) OK(ctx, pln_make_step(ctx, m, i));
    pln_make_free(m);
    assert_int_equal(pln_dataset_open(ctx, o.folder, &d), PLN_E_MODEL);
    assert_int_equal(stat(place("stopped/gt/scene0000.png"), &first), 0);
    OK(ctx, make(&o, false));
    assert_int_equal(stat(place("stopped/gt/scene0000.png"), &again), 0);
    assert_int_equal(first.st_ino, again.st_ino); /* files are replaced by renaming */
    char *x = contents(place("a/manifest.json"), &n),
         *y = contents(place("stopped/manifest.json"), &k);
    assert_int_equal(n, k);
    assert_memory_equal(x, y, n);
    pln_free(x);
    pln_free(y);
    assert_int_equal(access(place("stopped/work"), F_OK), -1);
}

/* ---- Screening ---- */

/* A flat picture with one vertical edge: a constant is smooth and keeps its structure; noise where
 * nothing should be fails. */
static void screening_judges_flat_windows(void **state)
{
    (void)state;
    static uint8_t photo[W * H * 3], rough[W * H * 3], flat[W * H * 3];
    struct pln_screen same, r, f;
    for (size_t i = 0; i < W * H * 3; i++) {
        photo[i] = i / 3 % W < W / 2 ? 60 : 200;
        float v = (float)photo[i] + 60 * (noise((uint32_t)(i / 3), 0, 3) - 0.5f);
        rough[i] = (uint8_t)v;
        flat[i] = 130;
    }
    OK(ctx, pln_screen(ctx, photo, photo, W, H, &same));
    OK(ctx, pln_screen(ctx, photo, rough, W, H, &r));
    OK(ctx, pln_screen(ctx, photo, flat, W, H, &f));
    assert_true(same.passes);
    assert_float_equal(same.p90, 0, 1e-9);
    assert_float_equal(same.structure_ssim, 1, 1e-6);
    assert_int_equal(same.windows, r.windows); /* the photograph says where */
    /* Windows of 16 at every 8: 11 x 9; the two columns on both sides of the edge, and one before,
     * have an edge pixel. */
    assert_float_equal(same.edge_free_share, (double)same.windows / (11 * 9), 1e-12);
    assert_in_range(same.windows, 8 * 9, 9 * 9);
    assert_false(r.passes);
    assert_true(r.p90 > 0.05);
    assert_true(r.mean <= r.p90 && r.p90 <= r.max);
    /* Smooth enough, but the structure is gone. */
    assert_true(f.windows >= 3 && f.p90 < 0.05 && f.structure_ssim < 0.8);
    assert_false(f.passes);
    /* Edges everywhere: nothing to judge by. */
    OK(ctx, pln_screen(ctx, rough, photo, W, H, &r));
    assert_true(r.windows < 3);
    assert_false(r.passes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_in_any_order),
        cmocka_unit_test(splits_are_strict),
        cmocka_unit_test(pairs_are_blended),
        cmocka_unit_test(side_by_side_reads_back),
        cmocka_unit_test(published_split_is_a_tenth),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(photographs_are_screened),
        cmocka_unit_test(wrong_labels_are_errors),
        cmocka_unit_test(too_few_survivors_is_an_error),
        cmocka_unit_test(a_stopped_run_goes_on),
        cmocka_unit_test(screening_judges_flat_windows),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
