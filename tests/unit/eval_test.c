/* SPDX-License-Identifier: MIT */
/* eval: the cache's journals, the choice of points, the tables and what they say about published
 * ones. Scores are made up; the command's tests compute real ones. */
#include <sys/stat.h>
#include <unistd.h>

#include "../support.h"

#include "eval/internal.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define VERSION  TEXT(PLN_VERSION_MAJOR) "." TEXT(PLN_VERSION_MINOR) "." TEXT(PLN_VERSION_PATCH)

static pln_context *ctx;
static char base[64];

static int setup(void **state)
{
    (void)state;
    strcpy(base, "/tmp/planish_eval_XXXXXX");
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

static void write_text(const char *name, const char *text)
{
    OK(ctx, pln_file_write(ctx, place(name), text, strlen(text)));
}

static void text_is(const char *name, const char *expected)
{
    char *text = NULL;
    size_t n;
    OK(ctx, pln_file_read(ctx, place(name), 1 << 20, (void **)&text, &n));
    if (n != strlen(expected) || memcmp(text, expected, n))
        fail_msg("%s:\n%.*s\nexpected:\n%s", name, (int)n, text, expected);
    pln_free(text);
}

/* ---- Cache ---- */

/* 64 hex digits. */
static const char *key_of(unsigned i)
{
    static char keys[4][65];
    static int next;
    char *key = keys[next++ % 4];
    snprintf(key, 65, "%064x", i * 2654435761u);
    return key;
}

static void is_kept(struct pln_cache *cache, unsigned i, const char *expected)
{
    char text[PLN_CACHE_TEXT];
    bool found = pln_cache_find(cache, key_of(i), text);
    if (!expected) return assert_false(found);
    assert_true(found);
    assert_string_equal(text, expected);
}

static void cache_keeps_texts(void **state)
{
    (void)state;
    enum { MANY = 3000 }; /* the table grows twice */
    struct pln_cache *a = NULL, *b = NULL;
    char text[32];
    OK(ctx, pln_cache_open(ctx, place("keep"), "a", &a));
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "score %u", i);
        OK(ctx, pln_cache_add(ctx, a, key_of(i), text));
    }
    OK(ctx, pln_cache_add(ctx, a, key_of(7), "newer"));
    is_kept(a, 7, "newer");

    /* Another process: sees what is there, and later what has come when it reads again. */
    OK(ctx, pln_cache_open(ctx, place("keep"), "b", &b));
    is_kept(b, 7, "newer");
    is_kept(b, MANY - 1, "score 2999");
    is_kept(b, MANY, NULL);
    OK(ctx, pln_cache_add(ctx, a, key_of(MANY), "late"));
    is_kept(b, MANY, NULL);
    OK(ctx, pln_cache_reload(ctx, b));
    is_kept(b, MANY, "late");
    pln_cache_free(b);
    pln_cache_free(a);
}

static void cache_is_one_process_s(void **state)
{
    (void)state;
    struct pln_cache *a = NULL, *b = NULL;
    OK(ctx, pln_cache_open(ctx, place("lock"), "a", &a));
    assert_int_equal(pln_cache_open(ctx, place("lock"), "a", &b), PLN_E_WRITE);
    assert_non_null(strstr(pln_context_message(ctx), "another evaluation is writing here"));
    assert_null(b);
    pln_cache_free(a);
    OK(ctx, pln_cache_open(ctx, place("lock"), "a", &b));
    pln_cache_free(b);
}

static void cache_reads_whole_lines_only(void **state)
{
    (void)state;
    struct pln_cache *c = NULL;
    char text[512];
    mkdir(place("half"), 0777);
    snprintf(text, sizeof text, "%s\tgood\nnot a key\n\n%s no tab\n%s\tha", key_of(1), key_of(2),
             key_of(3));
    write_text("half/a.tsv", text);
    write_text("half/other.tsv", text);
    OK(ctx, pln_cache_open(ctx, place("half"), "a", &c));
    is_kept(c, 1, "good");
    is_kept(c, 2, NULL);
    is_kept(c, 3, NULL);
    OK(ctx, pln_cache_add(ctx, c, key_of(3), "whole"));
    pln_cache_free(c);
    snprintf(text, sizeof text, "%s\tgood\nnot a key\n\n%s no tab\n%s\twhole\n", key_of(1),
             key_of(2), key_of(3));
    text_is("half/a.tsv", text);
    OK(ctx, pln_cache_open(ctx, place("half"), "b", &c));
    is_kept(c, 3, "whole");
    pln_cache_free(c);
}

/* ---- Tables ---- */

/* A dataset of a kind that papers have tables of, without its pictures: tables need none. */
static pln_dataset *dataset_of(const char *kind)
{
    char text[512];
    pln_dataset *d = NULL;
    mkdir(place(kind), 0777);
    snprintf(
        text, sizeof text,
        "{\"schema\": \"planish.dataset/1\", \"kind\": \"%s\", \"planish\": \"0\", \"seed\": "
        "3, \"split\": \"strict\", \"std\": 0.1, \"companions\": [], \"sources\": {}, "
        "\"parameters\": {}, \"truths\": [], \"textures\": [], \"skipped\": [], \"files\": {}}",
        kind);
    char name[64];
    snprintf(name, sizeof name, "%s/manifest.json", kind);
    write_text(name, text);
    OK(ctx, pln_dataset_open(ctx, place(kind), &d));
    return d;
}

static const pln_method *method_of(const char *name)
{
    pln_params *p = NULL;
    OK(ctx, pln_params_new(ctx, name, &p));
    const pln_method *m = pln_params_method(p);
    pln_params_free(p);
    return m;
}

enum { ROWS = 5, PAIRS = 2 };

/* An evaluation of the input and four methods on two pairs, as it is when all units are done. */
struct made_up {
    pln_eval eval;
    struct pln_point points[ROWS + 1];
    struct pln_entry entries[ROWS];
    struct pln_drawn drawn[PAIRS];
    size_t order[ROWS], tuned[2];
    double scores[ROWS][PAIRS][PLN_EVAL_SCORES];
};

static void make_up(struct made_up *m, const pln_dataset *dataset, const double psnr[ROWS])
{
    static const char *const methods[ROWS] = {NULL, "gf", "rtv", "wls", "l0"};
    static const char *const params[ROWS + 1] = {"", "radius=4", "lambda=0.01", "", "", "radius=8"};
    *m = (struct made_up){.tuned = {1, 5}};
    for (size_t i = 0; i < PAIRS; i++)
        snprintf(m->drawn[i].name, sizeof m->drawn[i].name, "pair%zu", i);
    for (size_t k = 0; k <= ROWS; k++)
        m->points[k] = (struct pln_point){.text = params[k], .mean = {psnr[k % ROWS], 0.5}};
    for (size_t k = 0; k < ROWS; k++) {
        struct pln_eval_row row = {.mean = {psnr[k], 0.75, 0.5, 0.25, 0.125},
                                   .deviation = {1.5, 0.25, 0, 0, 0}};
        m->entries[k] = (struct pln_entry){.method = methods[k] ? method_of(methods[k]) : NULL,
                                           .first = k,
                                           .count = 1,
                                           .best = k,
                                           .row = row,
                                           .scores = m->scores[k]};
        snprintf(m->entries[k].name, sizeof m->entries[k].name, "%s",
                 methods[k] ? methods[k] : "original");
        m->entries[k].row.method = m->entries[k].name;
        m->entries[k].row.params = params[k];
        for (size_t i = 0; i < PAIRS; i++) memcpy(m->scores[k][i], row.mean, sizeof row.mean);
        size_t at = k;
        for (; at > 1 && psnr[m->order[at - 1]] < psnr[k]; at--) m->order[at] = m->order[at - 1];
        m->order[at] = k;
    }
    m->eval = (pln_eval){.dataset = dataset,
                         .folder = base,
                         .entries = m->entries,
                         .points = m->points,
                         .entry_count = ROWS,
                         .point_count = ROWS + 1,
                         .tuned = m->tuned,
                         .tuned_count = 2,
                         .drawn = {m->drawn, m->drawn},
                         .drawn_count = {1, PAIRS},
                         .split = {PLN_SPLIT_VAL, PLN_SPLIT_TEST},
                         .order = m->order};
}

static void tables_in_another_order(void **state)
{
    (void)state;
    /* Published (SASNet, SPS): l0 28.48, rtv 26.89, gf 25.33; wls is not in it. */
    static const double psnr[ROWS] = {20.5, 25, 27.25, 26, 24};
    struct made_up m;
    pln_dataset *d = dataset_of("sps");
    make_up(&m, d, psnr);
    OK(ctx, pln_eval_write_tables(ctx, &m.eval));
    text_is("table.csv",
            "method,params,psnr,psnr_std,ssim-a,ssim-a_std,ssim-b,ssim-b_std,edges,edges_std,"
            "reversals,reversals_std,pairs\n"
            "original,,20.5000,1.5000,0.750000,0.250000,0.500000,0.000000,0.250000,0.000000,"
            "0.125000,0.000000,2\n"
            "rtv,lambda=0.01,27.2500,1.5000,0.750000,0.250000,0.500000,0.000000,0.250000,0.000000,"
            "0.125000,0.000000,2\n"
            "wls,,26.0000,1.5000,0.750000,0.250000,0.500000,0.000000,0.250000,0.000000,"
            "0.125000,0.000000,2\n"
            "gf,radius=4,25.0000,1.5000,0.750000,0.250000,0.500000,0.000000,0.250000,0.000000,"
            "0.125000,0.000000,2\n"
            "l0,,24.0000,1.5000,0.750000,0.250000,0.500000,0.000000,0.250000,0.000000,"
            "0.125000,0.000000,2\n");
    text_is(
        "table.md",
        "Dataset sps, seed 3, strict split. Parameters: 2 points of the methods' grids, the "
        "best of each method by mean PSNR over 1 of 0 validation pairs. Scores: means over 2 "
        "of 0 test pairs, of outputs rounded to 8 bits. planish " VERSION ".\n\n"
        "| | method | parameters | PSNR dB | SSIM-A | SSIM-B | edges | reversals | SASNet, "
        "table 1: PSNR dB | SSIM |\n"
        "|---:|---|---|---:|---:|---:|---:|---:|---:|---:|\n"
        "| | original (input) | | 20.50 | 0.7500 | 0.5000 | 0.2500 | 0.1250 | 20.28 | 0.26 |\n"
        "| 1 | `rtv` | `lambda=0.01` | 27.25 | 0.7500 | 0.5000 | 0.2500 | 0.1250 | 26.89 | 0.82 "
        "|\n"
        "| 2 | `wls` |  | 26.00 | 0.7500 | 0.5000 | 0.2500 | 0.1250 | | |\n"
        "| 3 | `gf` | `radius=4` | 25.00 | 0.7500 | 0.5000 | 0.2500 | 0.1250 | 25.33 | 0.65 |\n"
        "| 4 | `l0` |  | 24.00 | 0.7500 | 0.5000 | 0.2500 | 0.1250 | 28.48 | 0.78 |\n"
        "\n`rtv` is 1st here and 2nd there, `gf` is 2nd here and 3rd there, `l0` is 3rd here "
        "and 1st there, by PSNR among the 3 methods that SASNet, table 1 has too. The pictures "
        "are not the authors': the unfiltered input has 20.50 dB / 0.750 here, 20.28 / 0.26 "
        "there.\n"
        "\nOnly in SASNet, table 1 (PSNR dB / SSIM): rgf 25.86 / 0.64, sdf 27.06 / 0.80, ils "
        "25.46 / 0.62, pnls 25.43 / 0.66, iso 27.10 / 0.81, deaf 27.36 / 0.82, drf 27.01 / "
        "0.79, resnet 29.84 / 0.88, jess 31.73 / 0.92, sasnet 33.18 / 0.94.\n");
    text_is("scores.csv", "pair,method,params,psnr,ssim-a,ssim-b,edges,reversals\n"
                          "pair0,original,,20.5000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair0,rtv,lambda=0.01,27.2500,0.750000,0.500000,0.250000,0.125000\n"
                          "pair0,wls,,26.0000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair0,gf,radius=4,25.0000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair0,l0,,24.0000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair1,original,,20.5000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair1,rtv,lambda=0.01,27.2500,0.750000,0.500000,0.250000,0.125000\n"
                          "pair1,wls,,26.0000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair1,gf,radius=4,25.0000,0.750000,0.500000,0.250000,0.125000\n"
                          "pair1,l0,,24.0000,0.750000,0.500000,0.250000,0.125000\n");
    pln_dataset_free(d);
}

static void tables_in_the_published_order(void **state)
{
    (void)state;
    static const double psnr[ROWS] = {20.5, 23, 26, 30, 28};
    struct made_up m;
    char *text = NULL;
    size_t n;
    pln_dataset *d = dataset_of("sps");
    make_up(&m, d, psnr);
    OK(ctx, pln_eval_write_tables(ctx, &m.eval));
    OK(ctx, pln_file_read(ctx, place("table.md"), 1 << 20, (void **)&text, &n));
    static const char line[] = "\nBy PSNR the 3 methods that SASNet, table 1 has too stand in "
                               "the same order. ";
    assert_non_null(memmem(text, n, line, sizeof line - 1)); /* the file ends without a 0 */
    pln_free(text);
    pln_dataset_free(d);
}

static void published_tables(void **state)
{
    (void)state;
    const struct pln_published *t = pln_published_next("nks", NULL);
    assert_string_equal(t->source, "SASNet, table 1");
    assert_true(pln_published_row(t, "jess")->psnr == 34.24);
    assert_null(pln_published_row(t, "wls"));
    t = pln_published_next("nks", t);
    assert_string_equal(t->source, "CSGIS-Net, table 1");
    assert_true(pln_published_row(t, "original")->psnr == 28.0418);
    assert_null(pln_published_next("nks", t));
    assert_null(pln_published_next("scenes", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cache_keeps_texts),
        cmocka_unit_test(cache_is_one_process_s),
        cmocka_unit_test(cache_reads_whole_lines_only),
        cmocka_unit_test(tables_in_another_order),
        cmocka_unit_test(tables_in_the_published_order),
        cmocka_unit_test(published_tables),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
