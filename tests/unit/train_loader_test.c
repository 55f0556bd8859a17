/* SPDX-License-Identifier: MIT */
/* Training batches: augmentation against Pillow and OpenCV, the same bytes for any threads, ranks
 * and starting step. */
#include <sys/stat.h>
#include <unistd.h>

#include "../support.h"

#include "data/data.h"
#include "image/image.h"
#include "train/augment.h"
#include "train/loader.h"

static pln_context *ctx;
static pln_dataset *dataset;
static char base[64];

static pln_status make(const pln_make_options *o)
{
    struct pln_make *m = NULL;
    size_t steps = 1;
    pln_status s = pln_make_new(ctx, o, &m);
    while (!s && steps) {
        s = pln_make_round(ctx, m, &steps);
        for (size_t i = 0; i < steps && !s; i++) s = pln_make_step(ctx, m, i);
    }
    if (!s) s = pln_make_finish(ctx, m);
    pln_make_free(m);
    return s;
}

static int setup(void **state)
{
    (void)state;
    strcpy(base, "/tmp/planish_loader_XXXXXX");
    if (!mkdtemp(base) || pln_context_new(&ctx)) return 1;
    pln_make_options o = {.kind = "scenes",
                          .folder = base,
                          .seed = 3,
                          .count = 9,
                          .texture_count = 6,
                          .w = 72,
                          .h = 56};
    return make(&o) || pln_dataset_open(ctx, base, &dataset);
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    pln_dataset_free(dataset);
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    return system(command) || held != 0;
}

/* ---- One picture, against Pillow 13 and OpenCV 5 ---- */

enum { N = 16 };

static uint8_t *picture(size_t w, size_t h)
{
    uint8_t *p = malloc(3 * w * h);
    for (size_t i = 0; i < 3 * w * h; i++)
        p[i] =
            (uint8_t)(noise((uint32_t)(i / 3 % w), (uint32_t)(i / 3 / w), (uint32_t)(i % 3)) * 256);
    return p;
}

/* FNV-1a of the bytes that the patch's floats stand for. */
static uint64_t digest(const float *v, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ (uint64_t)lrintf(v[i] * 255)) * 0x100000001b3u;
    return hash;
}

static uint64_t augmented(const pln_augmentation *a, const struct pln_draws *d)
{
    static float space[2 * 3 * N * N], out[3 * N * N];
    uint8_t *p = picture(N, N);
    assert_int_equal(pln_augment_space(a), 2 * 3 * N * N);
    pln_augment(a, d, PLN_PLANE_RGB, false, p, space, out);
    free(p);
    return digest(out, 3 * N * N);
}

#define DRAWS                                                                                      \
    .w = N, .h = N, .contrast = 1, .brightness = 1, .order = {PLN_HUE, PLN_CONTRAST, PLN_BRIGHTNESS}

static void colours_are_pillows(void **state)
{
    (void)state;
    static const struct {
        struct pln_draws d;
        uint64_t digest;
    } cases[] = {
        {{DRAWS}, 0x89d9808b223dec71},
        {{DRAWS, .hue = -76}, 0x1fbd6b2ba7a28bd6},
        {{DRAWS, .hue = -1}, 0xdaf6818c6fca6ba8},
        {{DRAWS, .hue = 40}, 0x7254343afb02941b},
        {{.w = N, .h = N, .contrast = 0.3f, .brightness = 1, .order = {0, 1, 2}},
         0xcb59f82e1727e2bd},
        {{.w = N, .h = N, .contrast = 0.75f, .brightness = 1, .order = {0, 1, 2}},
         0x4fd7d385a3d4a67a},
        {{.w = N, .h = N, .contrast = 1.7f, .brightness = 1, .order = {0, 1, 2}},
         0xd3f134cb242f441d},
        {{.w = N, .h = N, .contrast = 1, .brightness = 0.3f, .order = {0, 1, 2}},
         0xf0735dfd9f4a8609},
        {{.w = N, .h = N, .contrast = 1, .brightness = 0.75f, .order = {0, 1, 2}},
         0x95c56301d69b2545},
        {{.w = N, .h = N, .contrast = 1, .brightness = 1.7f, .order = {0, 1, 2}},
         0x4b3055046eb5221c},
        {{.w = N, .h = N, .hue = 40, .contrast = 1.5f, .brightness = 0.6f, .order = {0, 1, 2}},
         0x767d04ec85b5465a},
        {{.w = N, .h = N, .hue = 40, .contrast = 1.5f, .brightness = 0.6f, .order = {2, 0, 1}},
         0xa7d6c4c3a819f481},
    };
    pln_augmentation a = {.patch = N};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (augmented(&a, &cases[i].d) != cases[i].digest)
            fail_msg("colours %zu: %016llx", i, (unsigned long long)augmented(&a, &cases[i].d));
}

static void rotation_is_pillows_and_opencvs(void **state)
{
    (void)state;
    static const int bilinear[4][4] = {
        {141, 107, 132, 202}, {99, 167, 133, 223}, {74, 208, 163, 117}, {70, 109, 75, 199}};
    static const double opencv[4][4] = {{99.047, 56.246, 79.906, 176.164},
                                        {164.281, 102.172, 116.625, 116.125},
                                        {172.188, 99.812, 21.0, 68.062},
                                        {154.582, 106.406, 79.562, 83.562}};
    static float space[2 * 3 * N * N], out[3 * N * N];
    pln_augmentation a = {.patch = N, .rotation = 45, .nearest = true};
    assert_true(augmented(&a, &(struct pln_draws){DRAWS, .degrees = 30}) == 0x4b9905e6099712da);
    assert_true(augmented(&a, &(struct pln_draws){DRAWS, .degrees = 17.3}) == 0xe75e62423c1337b9);
    uint8_t *p = picture(N, N);
    a.nearest = false;
    pln_augment(&a, &(struct pln_draws){DRAWS, .degrees = 30}, PLN_PLANE_RGB, false, p, space, out);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            assert_float_equal(255 * out[3 * ((6 + y) * N + 6 + x)], bilinear[y][x], 1.001);
    /* OpenCV places samples on a grid of 1/32 pixel: up to 4 grey levels on noise. */
    a.whole_degrees = true;
    pln_augment(&a, &(struct pln_draws){DRAWS, .degrees = 30}, PLN_PLANE_RGB, false, p, space, out);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            assert_float_equal(255 * out[3 * ((6 + y) * N + 6 + x) + 1], opencv[y][x], 5);
    assert_float_equal(out[0], 0, 0); /* outside is black */
    free(p);
}

static void resizing_is_opencvs(void **state)
{
    (void)state;
    static const double row[6] = {216.468, 137.608, 135.174, 87.43, 125.54, 139.015};
    static const double corner[4] = {80.875, 119.969, 150.156, 155.719};
    static float space[2 * 3 * N * N], out[3 * N * N];
    uint8_t *p = picture(19, 13), label[19 * 13];
    pln_augmentation a = {.patch = N, .crop_jitter = 0.25};
    struct pln_draws d = {DRAWS};
    d.w = 19, d.h = 13;
    pln_augment(&a, &d, PLN_PLANE_RGB, false, p, space, out);
    for (int x = 0; x < 6; x++) assert_float_equal(255 * out[3 * (3 * N + x)], row[x], 0.502);
    for (int x = 0; x < 4; x++)
        assert_float_equal(255 * out[3 * (15 * N + 12 + x) + 2], corner[x], 0.502);
    /* 1 where the resized share is at least a half (OpenCV's own bytes are coarser). */
    static const char *const rows[4] = {"0000111001110111", "0001100011000100", "0001110011000000",
                                        "1011010110010010"};
    for (int i = 0; i < 19 * 13; i++) label[i] = p[3 * i] > 128;
    pln_augment(&a, &d, PLN_PLANE_LABEL, false, label, space, out);
    for (int i = 0; i < 4 * N; i++) assert_float_equal(out[i], rows[i / N][i % N] - '0', 0);
    free(p);
}

/* Class maps: nearest neighbours only, 255 outside. Labels: 0 or 1. */
static void classes_stay_classes(void **state)
{
    (void)state;
    static float space[2 * 3 * N * N], out[3 * N * N];
    uint8_t map[20 * 18];
    pln_augmentation a = {.patch = N, .crop_jitter = 0.25, .rotation = 45, .turns = true};
    struct pln_draws d = {DRAWS, .degrees = 33, .quarters = 1, .upside_down = true};
    size_t outside = 0;
    d.w = 20, d.h = 18;
    for (int i = 0; i < 20 * 18; i++) map[i] = i % 7 == 0 ? 255 : (uint8_t)(i % 5 * 5);
    pln_augment(&a, &d, PLN_PLANE_CLASSES, false, map, space, out);
    for (int i = 0; i < N * N; i++) {
        float v = out[i];
        if (v != 255 && (fmodf(v, 5) != 0 || v > 20)) fail_msg("class %g at %d", (double)v, i);
        outside += v == 255;
    }
    assert_float_equal(out[0], 255, 0);
    assert_in_range(outside, N * N / 7 + 10, N * N / 2);
    pln_augment(&a, &d, PLN_PLANE_CLASSES, true, map, space, out);
    assert_float_equal(out[N + 1], map[20 + 1], 0); /* the crop alone: row 1 is row 1, column 1 */
}

static void turns_are_against_the_clock(void **state)
{
    (void)state;
    static float space[2 * 3 * N * N], out[3 * N * N];
    uint8_t map[N * N] = {0};
    pln_augmentation a = {.patch = N, .turns = true};
    map[N - 1] = 9; /* top right */
    static const size_t at[4] = {N - 1, 0, N * (N - 1), N * N - 1};
    for (unsigned q = 0; q < 4; q++) {
        struct pln_draws d = {DRAWS, .quarters = q};
        pln_augment(&a, &d, PLN_PLANE_CLASSES, false, map, space, out);
        assert_float_equal(out[at[q]], 9, 0);
    }
    struct pln_draws d = {DRAWS, .left_right = true};
    pln_augment(&a, &d, PLN_PLANE_CLASSES, false, map, space, out);
    assert_float_equal(out[0], 9, 0);
    d = (struct pln_draws){DRAWS, .upside_down = true};
    pln_augment(&a, &d, PLN_PLANE_CLASSES, false, map, space, out);
    assert_float_equal(out[N * N - 1], 9, 0);
}

static void draws_stay_in_range(void **state)
{
    (void)state;
    const pln_augmentation *a = pln_augmentation_find("jess");
    size_t least = 1000, most = 0, flips = 0;
    double low = 0, high = 0;
    float dark = 1, bright = 1;
    int hues[2] = {0, 0};
    for (size_t i = 0; i < 4000; i++) {
        struct pln_rng r = pln_rng(1, i);
        struct pln_draws d;
        pln_augment_draw(&r, a, 150, 400, &d);
        if (d.x + d.w > 150 || d.y + d.h > 400) fail_msg("outside: draw %zu", i);
        least = d.h < least ? d.h : least;
        most = d.h > most ? d.h : most;
        assert_in_range(d.w, 96, 150);
        assert_float_equal(d.degrees, floor(d.degrees), 0);
        low = fmin(low, d.degrees);
        high = fmax(high, d.degrees);
        dark = fminf(dark, d.contrast);
        bright = fmaxf(bright, d.brightness);
        hues[0] = d.hue < hues[0] ? d.hue : hues[0];
        hues[1] = d.hue > hues[1] ? d.hue : hues[1];
        flips += d.left_right;
    }
    assert_int_equal(least, 96);
    assert_int_equal(most, 160);
    assert_float_equal(low, -45, 0);
    assert_float_equal(high, 44, 0);
    assert_float_equal(dark, 0.3, 0.01);
    assert_float_equal(bright, 1.7, 0.01);
    assert_int_equal(hues[0], -76);
    assert_int_equal(hues[1], 76);
    assert_in_range(flips, 1850, 2150);
}

/* ---- Batches ---- */

static pln_loader_options options(const char *name)
{
    pln_loader_options o = {.dataset = dataset,
                            .split = PLN_SPLIT_TRAIN,
                            .augmentation = *pln_augmentation_find(name),
                            .companions = PLN_WITH_EDGE | PLN_WITH_CLASSES,
                            .batch = 4,
                            .seed = 11};
    o.augmentation.patch = 32;
    return o;
}

static pln_batch batch_of(pln_loader *l, uint64_t step)
{
    pln_batch b;
    OK(ctx, pln_batch_new(ctx, l, &b));
    OK(ctx, pln_loader_batch(ctx, l, step, &b));
    return b;
}

/* Sample i of a and sample j of b. */
static void same_sample(const pln_batch *a, size_t i, const pln_batch *b, size_t j)
{
    size_t n = a->patch * a->patch;
    assert_int_equal(a->pairs[i], b->pairs[j]);
    assert_memory_equal(a->in + 3 * n * i, b->in + 3 * n * j, 3 * n * sizeof(float));
    assert_memory_equal(a->truth + 3 * n * i, b->truth + 3 * n * j, 3 * n * sizeof(float));
    assert_memory_equal(a->edge + n * i, b->edge + n * j, n * sizeof(float));
    assert_memory_equal(a->classes + n * i, b->classes + n * j, n * sizeof(float));
}

static void threads_ranks_and_starts_do_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {"jess", "csgis", "sasnet"};
    for (size_t k = 0; k < 3; k++) {
        pln_loader_options o = options(names[k]);
        pln_loader *whole, *rank[2], *small;
        if (k == 2) o.augmentation.std_lo = 0.06, o.augmentation.std_hi = 0.14;
        OK(ctx, pln_context_set_threads(ctx, 2));
        OK(ctx, pln_loader_new(ctx, &o, &whole));
        size_t steps = pln_loader_steps(whole);
        assert_int_equal(steps, pln_dataset_pairs(dataset, PLN_SPLIT_TRAIN) / 4);
        o.world = 2;
        for (o.rank = 0; o.rank < 2; o.rank++) OK(ctx, pln_loader_new(ctx, &o, &rank[o.rank]));
        o.rank = 0, o.world = 1;
        o.cache = 1; /* nothing is kept */
        OK(ctx, pln_loader_new(ctx, &o, &small));
        for (uint64_t step = 0; step < steps + 2; step++) {
            OK(ctx, pln_context_set_threads(ctx, 2));
            pln_batch a = batch_of(whole, step);
            OK(ctx, pln_context_set_threads(ctx, 1));
            for (size_t r = 0; r < 2; r++) {
                pln_batch b = batch_of(rank[r], step);
                assert_int_equal(b.n, 2);
                for (size_t i = 0; i < 2; i++) same_sample(&a, 2 * r + i, &b, i);
                pln_batch_free(&b);
            }
            /* Backwards, without a cache. */
            pln_batch b = batch_of(small, steps + 1 - step);
            pln_batch c = batch_of(whole, steps + 1 - step);
            for (size_t i = 0; i < 4; i++) same_sample(&b, i, &c, i);
            pln_batch_free(&a);
            pln_batch_free(&b);
            pln_batch_free(&c);
        }
        pln_loader_free(small);
        pln_loader_free(rank[1]);
        pln_loader_free(rank[0]);
        pln_loader_free(whole);
    }
}

static void an_epoch_has_every_pair_once(void **state)
{
    (void)state;
    pln_loader_options o = options("plain");
    pln_loader *l;
    size_t pairs = pln_dataset_pairs(dataset, PLN_SPLIT_TRAIN), seen[64], other[64];
    bool moved = false;
    o.batch = 1;
    OK(ctx, pln_loader_new(ctx, &o, &l));
    assert_int_equal(pln_loader_steps(l), pairs);
    for (int epoch = 0; epoch < 2; epoch++) {
        memset(seen, 0, sizeof seen);
        for (size_t i = 0; i < pairs; i++) {
            pln_batch b = batch_of(l, (size_t)epoch * pairs + i);
            seen[b.pairs[0]]++;
            if (epoch == 0) other[i] = b.pairs[0];
            moved |= epoch == 1 && other[i] != b.pairs[0];
            pln_batch_free(&b);
        }
        for (size_t i = 0; i < pairs; i++) assert_int_equal(seen[i], 1);
    }
    assert_true(moved);
    pln_loader_free(l);
}

/* A crop without augmentation is a window of the pair. */
static void plain_crops_are_the_pairs_own_pixels(void **state)
{
    (void)state;
    pln_loader_options o = options("plain");
    pln_loader *l;
    struct pln_pair p;
    o.augmentation.centre = true;
    OK(ctx, pln_loader_new(ctx, &o, &l));
    pln_batch b = batch_of(l, 2);
    for (size_t i = 0; i < b.n; i++) {
        OK(ctx, pln_dataset_pair(ctx, dataset, PLN_SPLIT_TRAIN, b.pairs[i], o.companions, &p));
        for (size_t y = 0; y < 32; y++)
            for (size_t x = 0; x < 32; x++) {
                size_t from = (12 + y) * 72 + 20 + x, to = (i * 32 + y) * 32 + x;
                for (size_t k = 0; k < 3; k++) {
                    assert_float_equal(b.in[3 * to + k], p.in->pixels.data[3 * from + k], 0);
                    assert_float_equal(b.truth[3 * to + k], p.truth->pixels.data[3 * from + k], 0);
                }
                assert_float_equal(b.edge[to], p.edge->pixels.data[from], 0);
                assert_float_equal(b.classes[to], 255 * p.classes->pixels.data[from], 1e-4);
            }
        pln_pair_free(&p);
    }
    pln_batch_free(&b);
    pln_loader_free(l);
}

static void side_by_side_folders_train_too(void **state)
{
    (void)state;
    char folder[96], hex[65];
    pln_dataset *pairs;
    pln_loader *l, *m;
    snprintf(folder, sizeof folder, "%s/concat", base);
    for (size_t i = 0; i < pln_dataset_pairs(dataset, PLN_SPLIT_TRAIN); i++)
        OK(ctx, pln_dataset_write_pair(ctx, dataset, folder, PLN_SPLIT_TRAIN, i, hex));
    OK(ctx, pln_dataset_open(ctx, folder, &pairs));
    pln_loader_options o = options("jess");
    o.companions = PLN_WITH_EDGE;
    OK(ctx, pln_loader_new(ctx, &o, &l));
    o.dataset = pairs;
    OK(ctx, pln_loader_new(ctx, &o, &m));
    pln_batch a = batch_of(l, 1), b = batch_of(m, 1);
    assert_memory_equal(a.in, b.in, 4 * 32 * 32 * 3 * sizeof(float));
    assert_memory_equal(a.edge, b.edge, 4 * 32 * 32 * sizeof(float));
    pln_batch_free(&a);
    pln_batch_free(&b);
    pln_loader_free(l);
    pln_loader_free(m);
    pln_dataset_free(pairs);
}

static void photographs_without_truths_train_too(void **state)
{
    (void)state;
    char folder[96], path[160];
    pln_dataset *photos;
    pln_loader *l;
    struct pln_truth t;
    struct pln_pair pair;
    snprintf(folder, sizeof folder, "%s/photos", base);
    assert_int_equal(mkdir(folder, 0777), 0);
    snprintf(path, sizeof path, "%s/photo", folder);
    assert_int_equal(symlink("../gt", path), 0);
    snprintf(path, sizeof path, "%s/class", folder);
    assert_int_equal(symlink("../class", path), 0);
    OK(ctx, pln_dataset_open(ctx, folder, &photos));
    assert_string_equal(pln_dataset_kind(photos), "photos");
    assert_int_equal(pln_dataset_pairs(photos, PLN_SPLIT_TRAIN), 8);
    assert_int_equal(pln_dataset_pairs(photos, PLN_SPLIT_VAL), 1);
    assert_int_equal(pln_dataset_pair(ctx, photos, PLN_SPLIT_VAL, 0, 0, &pair), PLN_E_ARG);
    assert_non_null(strstr(pln_context_message(ctx), "photographs without truths make no pairs"));

    /* The middle of the photograph and of its class map, as they are. */
    pln_loader_options o = options("fan");
    o.dataset = photos;
    o.batch = 1;
    o.companions = PLN_WITH_CLASSES;
    OK(ctx, pln_loader_new(ctx, &o, &l));
    assert_int_equal(pln_loader_steps(l), 8);
    pln_batch b = batch_of(l, 3);
    OK(ctx, pln_dataset_truth(ctx, photos, b.pairs[0], PLN_WITH_CLASSES, &t));
    for (size_t y = 0; y < 32; y++)
        for (size_t x = 0; x < 32; x++) {
            size_t at = (y + (t.h - 32) / 2) * t.w + x + (t.w - 32) / 2;
            assert_true(b.classes[y * 32 + x] == (float)t.classes[at]);
            for (size_t c = 0; c < 3; c++)
                assert_true(b.in[(y * 32 + x) * 3 + c] == (float)t.rgb[3 * at + c] / 255);
        }
    pln_batch_free(&b);
    pln_loader_free(l);

    /* Enlarged to a shortest side of the patch: half the pixels twice as wide have the same means.
     */
    double large = 0, small = 0;
    o.augmentation.patch = 2 * t.h;
    OK(ctx, pln_loader_new(ctx, &o, &l));
    b = batch_of(l, 3);
    for (size_t i = 0; i < 12 * t.h * t.h; i++) large += (double)b.in[i] / (double)(12 * t.h * t.h);
    for (size_t y = 0; y < t.h; y++)
        for (size_t x = 0; x < 3 * t.h; x++)
            small += (double)t.rgb[3 * (y * t.w + (t.w - t.h) / 2) + x] / (double)(765 * t.h * t.h);
    assert_true(fabs(large - small) < 2e-3);
    for (size_t i = 0; i < 4 * t.h * t.h; i++) {
        size_t n = 0;
        while (n < t.w * t.h && (float)t.classes[n] != b.classes[i]) n++;
        assert_true(n < t.w * t.h);
    }
    pln_truth_free(&t);
    pln_batch_free(&b);
    pln_loader_free(l);

    o = options("sasnet");
    o.dataset = photos;
    o.batch = 1;
    o.companions = 0;
    assert_int_equal(pln_loader_new(ctx, &o, &l), PLN_E_ARG);
    assert_non_null(strstr(pln_context_message(ctx), "photographs without truths"));
    pln_dataset_free(photos);
}

static void noise_is_normal_and_belongs_to_the_sample(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static float a[COUNT], b[COUNT];
    pln_loader_options o = options("sasnet");
    pln_loader *l, *m;
    double mean = 0, square = 0;
    OK(ctx, pln_loader_new(ctx, &o, &l));
    o.world = 2, o.rank = 1;
    OK(ctx, pln_loader_new(ctx, &o, &m));
    pln_loader_noise(l, 9, 3, a, COUNT);
    pln_loader_noise(m, 9, 1, b, COUNT);
    assert_memory_equal(a, b, sizeof a);
    pln_loader_noise(l, 9, 2, b, COUNT);
    double product = 0;
    for (size_t i = 0; i < COUNT; i++) {
        mean += (double)a[i] / COUNT;
        square += (double)a[i] * (double)a[i] / COUNT;
        product += (double)a[i] * (double)b[i] / COUNT;
    }
    assert_float_equal(mean, 0, 0.03);
    assert_float_equal(square, 1, 0.04);
    assert_float_equal(product, 0, 0.03);
    pln_loader_free(l);
    pln_loader_free(m);
}

static void bad_options_are_named(void **state)
{
    (void)state;
    pln_loader *l = NULL;
    pln_loader_options good = options("jess");
    struct {
        pln_loader_options o;
        const char *says;
    } cases[12];
    size_t n = 0;
#define BAD(change, text)                                                                          \
    do {                                                                                           \
        cases[n].o = good;                                                                         \
        cases[n].o.change;                                                                         \
        cases[n++].says = text;                                                                    \
    } while (0)
    BAD(augmentation.patch = 64, "72x56, smaller than the patch of 64");
    BAD(augmentation.patch = 4, "a patch of 4");
    BAD(augmentation.hue = 0.6, "hue 0.6: expected 0 to 0.5");
    BAD(augmentation.rotation = NAN, "rotation nan");
    BAD(augmentation.std_lo = 0.2, "contrast of textures from 0.2 to 0");
    BAD(augmentation.natural = 0.5, "'scenes' has no photographs");
    BAD(companions = PLN_WITH_NEGATIVE, "'scenes' has no over-smoothed negatives");
    BAD(batch = 0, "a batch of 0");
    BAD(batch = 400, "fewer than a batch of 400");
    BAD(world = 3, "rank 0 of 3 and a batch of 4");
    BAD(rank = 1, "rank 1 of 1");
    for (size_t i = 0; i < n; i++) {
        if (!pln_loader_new(ctx, &cases[i].o, &l)) fail_msg("no error: %s", cases[i].says);
        if (!strstr(pln_context_message(ctx), cases[i].says))
            fail_msg("%s: %s", cases[i].says, pln_context_message(ctx));
    }
    OK(ctx, pln_loader_new(ctx, &good, &l));
    pln_batch wrong = {.n = 3, .patch = 32};
    assert_int_equal(pln_loader_batch(ctx, l, 0, &wrong), PLN_E_ARG);
    pln_loader_free(l);
    assert_null(pln_augmentation_find("jes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_are_pillows),
        cmocka_unit_test(rotation_is_pillows_and_opencvs),
        cmocka_unit_test(resizing_is_opencvs),
        cmocka_unit_test(classes_stay_classes),
        cmocka_unit_test(turns_are_against_the_clock),
        cmocka_unit_test(draws_stay_in_range),
        cmocka_unit_test(threads_ranks_and_starts_do_not_matter),
        cmocka_unit_test(an_epoch_has_every_pair_once),
        cmocka_unit_test(plain_crops_are_the_pairs_own_pixels),
        cmocka_unit_test(side_by_side_folders_train_too),
        cmocka_unit_test(photographs_without_truths_train_too),
        cmocka_unit_test(noise_is_normal_and_belongs_to_the_sample),
        cmocka_unit_test(bad_options_are_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
