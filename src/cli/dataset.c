/* SPDX-License-Identifier: MIT */
/* planish dataset: make, check, describe and show datasets. */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "data/dataset.h"
#include "image/image.h"

struct dataset_values {
    const char *output, *size, *part;
    struct cli_list photos, textures, labels;
    int count, texture_count, jobs, longest, pairs, split;
    double std, easy;
    bool materialize, rejected, bgr_weights;
};

static const char *const splits[] = {"strict", "published", NULL};

static const struct cli_option dataset_options[] = {
    CLI_OPTION(CLI_TEXT, struct dataset_values, output, .letter = 'o', .name = "output",
               .arg = "DIR|FILE", .complete = "file",
               .help = "make: folder of the dataset; show: the sheet"),
    CLI_OPTION(CLI_LIST, struct dataset_values, photos, .name = "photos", .arg = "DIR",
               .complete = "file",
               .help = "photographs or drawings; with train.txt, val.txt, test.txt beside them the "
                       "split is theirs; may be repeated"),
    CLI_OPTION(CLI_LIST, struct dataset_values, textures, .name = "textures", .arg = "DIR",
               .complete = "file",
               .help = "pictures of textures, also with lists; procedural ones otherwise; may be "
                       "repeated"),
    CLI_OPTION(CLI_LIST, struct dataset_values, labels, .name = "labels", .arg = "DIR",
               .complete = "file",
               .help = "class maps (voc-smooth) or human boundaries (bsds-ext), one for each "
                       "--photos, files of equal names"),
    CLI_OPTION(CLI_CHOICE, struct dataset_values, split, .name = "split", .choices = splits,
               .help = "strict: no truth and no texture in two splits; published: a random tenth "
                       "of the pairs, as the authors did"),
    CLI_OPTION(CLI_REAL, struct dataset_values, easy, .name = "easy", .arg = "SHARE", .min = 0,
               .min_open = true, .max = 1, .init_text = "of the kind",
               .help = "take this share of the photographs, those with the most flat area"),
    CLI_OPTION(CLI_REAL, struct dataset_values, std, .name = "std", .arg = "S", .min = 0,
               .min_open = true, .max = 1, .init_text = "of the kind",
               .help = "standard deviation of the textures, before clipping"),
    CLI_OPTION(CLI_SWITCH, struct dataset_values, bgr_weights, .name = "bgr-weights", .rare = true,
               .help = "grey of the textures as in the authors' script, which takes blue for red"),
    CLI_OPTION(CLI_INT, struct dataset_values, longest, .name = "longest", .arg = "PIXELS",
               .min = 64, .max = 16384, .init = 500, .rare = true,
               .help = "larger photographs are shrunk to this side"),
    CLI_OPTION(CLI_INT, struct dataset_values, count, .name = "count", .arg = "N", .min = 3,
               .max = 100000, .init = 40, .help = "scenes: how many"),
    CLI_OPTION(CLI_INT, struct dataset_values, texture_count, .name = "texture-count", .arg = "N",
               .min = 3, .max = 100000, .init_text = "24 without --textures, none beside them",
               .help = "procedural textures: how many"),
    CLI_OPTION(CLI_TEXT, struct dataset_values, size, .name = "size", .arg = "WxH",
               .init_text = "320x240", .help = "pixels of a scene"),
    CLI_OPTION(CLI_SWITCH, struct dataset_values, materialize, .name = "materialize",
               .help = "also write every pair in the authors' layout, DIR/concat/SPLIT/N.png"),
    CLI_OPTION(CLI_INT, struct dataset_values, jobs, .letter = 'j', .name = "jobs", .arg = "N",
               .min = 1, .max = 256, .init = 1, .help = "pictures at once"),
    CLI_OPTION(CLI_INT, struct dataset_values, pairs, .name = "pairs", .arg = "N", .min = 0,
               .max = 1e6, .init = 100,
               .help = "stats: pairs of each split to score; show: rows; 0: all"),
    CLI_OPTION(CLI_SWITCH, struct dataset_values, rejected, .name = "rejected",
               .help = "show: photographs with a candidate that the screening rejected, and all "
                       "their candidates; needs the --photos of 'make'"),
    CLI_OPTION(CLI_TEXT, struct dataset_values, part, .name = "part", .arg = "SPLIT",
               .init_text = "train", .help = "show: which split"),
    CLI_OPTIONS_END,
};

struct dataset {
    struct cli *cli;
    struct dataset_values *v;
    pln_context *ctx;
};

/* ---- Many steps at once ---- */

struct crew {
    struct dataset *d;
    struct cli_progress *progress;
    pln_status (*step)(pln_context *ctx, void *arg, size_t i);
    void *arg;
    size_t steps;
    atomic_size_t next;
    atomic_int code;
};

static void *worker(void *arg)
{
    struct crew *c = arg;
    pln_context *ctx = NULL;
    int code = cli_context(c->d->cli, c->d->v->jobs, &ctx);
    while (!code && !atomic_load(&c->code)) {
        size_t i = atomic_fetch_add(&c->next, 1);
        if (i >= c->steps) break;
        cli_progress_attach(c->progress, ctx, i);
        pln_status s = cli_signal() ? PLN_E_CANCELLED : c->step(ctx, c->arg, i);
        cli_progress_done(c->progress, i);
        if (s == PLN_E_CANCELLED)
            code = cli_exit_code(s);
        else if (s)
            code = cli_fail_status(c->d->cli, ctx, s, NULL);
    }
    if (code) atomic_store(&c->code, code);
    pln_context_free(ctx);
    return NULL;
}

static int run_steps(struct dataset *d, size_t steps,
                     pln_status (*step)(pln_context *ctx, void *arg, size_t i), void *arg)
{
    struct crew c = {.d = d, .step = step, .arg = arg, .steps = steps};
    size_t jobs = MIN((size_t)d->v->jobs, steps);
    GThread **threads = g_new0(GThread *, jobs + 1);

    c.progress = cli_progress_new(d->cli, steps);
    for (size_t i = 1; i < jobs; i++) threads[i] = g_thread_try_new("step", worker, &c, NULL);
    if (steps) worker(&c);
    for (size_t i = 1; i < jobs; i++)
        if (threads[i]) g_thread_join(threads[i]);
    cli_progress_free(c.progress);
    g_free(threads);
    return atomic_load(&c.code);
}

/* ---- make ---- */

static const char **texts(const struct cli_list *list)
{
    const char **t = g_new0(const char *, list->count + 1);
    for (size_t i = 0; i < list->count; i++) t[i] = list->words[i].text;
    return t;
}

static pln_status make_step(pln_context *ctx, void *arg, size_t i)
{
    return pln_make_step(ctx, arg, i);
}

struct pairs_to_write {
    const pln_dataset *dataset;
    const char *folder;
    char (*sha256)[65];
};

/* Pair i of train, val and test in a row. */
static pln_split split_of(const pln_dataset *dataset, size_t *i)
{
    int k = PLN_SPLIT_TRAIN;
    for (; k < PLN_SPLIT_TEST && *i >= pln_dataset_pairs(dataset, (pln_split)k); k++)
        *i -= pln_dataset_pairs(dataset, (pln_split)k);
    return (pln_split)k;
}

static pln_status write_step(pln_context *ctx, void *arg, size_t i)
{
    struct pairs_to_write *p = arg;
    size_t n = i;
    pln_split split = split_of(p->dataset, &n);
    return pln_dataset_write_pair(ctx, p->dataset, p->folder, split, n, p->sha256[i]);
}

/* DIR/concat: the pairs, then pairs.tsv, last. */
static int materialize(struct dataset *d, const char *folder)
{
    pln_dataset *dataset = NULL;
    char *concat = g_build_filename(folder, "concat", NULL), *table = NULL;
    GString *text = g_string_new("split\tk\ttruth\ttexture\tstd\tscale\tsha256_of_input_rgb\n");
    struct pairs_to_write p = {.folder = concat};
    size_t n = 0;
    int code = CLI_OK;

    pln_status s = pln_dataset_open(d->ctx, folder, &dataset);
    if (s) code = cli_fail_status(d->cli, d->ctx, s, folder);
    for (int k = 0; !code && k <= PLN_SPLIT_TEST; k++)
        n += pln_dataset_pairs(dataset, (pln_split)k);
    p.dataset = dataset;
    p.sha256 = g_malloc0_n(n + 1, sizeof *p.sha256);
    if (!code) code = run_steps(d, n, write_step, &p);
    for (size_t i = 0; !code && i < n; i++) {
        struct pln_pair pair;
        size_t k = i;
        pln_split split = split_of(dataset, &k);
        s = pln_dataset_pair_name(d->ctx, dataset, split, k, &pair);
        if (s) code = cli_fail_status(d->cli, d->ctx, s, folder);
        if (!code)
            g_string_append_printf(text, "%s\t%zu\t%s\t%s\t%g\t%g\t%s\n", pln_split_name(split), k,
                                   pair.truth_name, pair.texture_name, pln_dataset_std(dataset),
                                   pair.scale, p.sha256[i]);
    }
    table = g_build_filename(concat, "pairs.tsv", NULL);
    if (!code) {
        s = pln_file_write(d->ctx, table, text->str, text->len);
        if (s) code = cli_fail_status(d->cli, d->ctx, s, table);
    }
    pln_dataset_free(dataset);
    g_free(p.sha256);
    g_free(table);
    g_free(concat);
    g_string_free(text, TRUE);
    return code;
}

static int parse_size(struct dataset *d, pln_make_options *o)
{
    unsigned w, h;
    char end;
    if (!d->v->size) return CLI_OK;
    if (sscanf(d->v->size, "%ux%u%c", &w, &h, &end) != 2 || w < 32 || h < 32 || w > 4096 ||
        h > 4096)
        return cli_fail(d->cli, CLI_EXIT_USAGE,
                        "--size: '%s': expected WxH from 32x32 to 4096x4096, as in 320x240",
                        d->v->size);
    o->w = w;
    o->h = h;
    return CLI_OK;
}

static int summary(struct dataset *d, const char *folder, size_t left_out);

static int make_rounds(struct dataset *d, struct pln_make *make)
{
    size_t steps;
    int code = CLI_OK;
    while (!code) {
        pln_status s = pln_make_round(d->ctx, make, &steps);
        if (s) code = cli_fail_status(d->cli, d->ctx, s, NULL);
        if (code || !steps) break;
        code = run_steps(d, steps, make_step, make);
    }
    return code;
}

static int dataset_make(struct dataset *d, const char *kind)
{
    const char **photos = texts(&d->v->photos), **textures = texts(&d->v->textures),
               **labels = texts(&d->v->labels), *name, *why;
    pln_make_options o = {
        .kind = kind,
        .folder = d->v->output,
        .photos = photos,
        .textures = textures,
        .labels = labels,
        .seed = d->cli->seed,
        .count = (size_t)d->v->count,
        .texture_count = cli_given(d->cli, "texture-count") ? (size_t)d->v->texture_count : 0,
        .std = d->v->std,
        .easy = d->v->easy,
        .longest = (size_t)d->v->longest,
        .published = d->v->split == 1,
        .bgr_weights = d->v->bgr_weights,
    };
    struct pln_make *make = NULL;
    int code = parse_size(d, &o);
    if (!code && !d->v->output)
        code = cli_fail(d->cli, CLI_EXIT_USAGE, "-o is missing: where should the dataset go?");
    if (!code) {
        pln_status s = pln_make_new(d->ctx, &o, &make);
        if (s) code = cli_fail_status(d->cli, d->ctx, s, NULL);
    }
    if (!code) code = make_rounds(d, make);
    size_t n = code ? 0 : pln_make_left_out(make, 0, &name, &why);
    for (size_t i = 0; i < n; i++) {
        pln_make_left_out(make, i, &name, &why);
        cli_warn(d->cli, "%s: left out: %s", name, why);
    }
    if (!code) {
        pln_status s = pln_make_finish(d->ctx, make);
        if (s) code = cli_fail_status(d->cli, d->ctx, s, NULL);
    }
    if (!code && d->v->materialize) code = materialize(d, d->v->output);
    if (!code) code = summary(d, d->v->output, n);
    if (code >= CLI_EXIT_SIGNAL)
        cli_fail(d->cli, code, "%s: interrupted, no manifest yet: the same command goes on",
                 d->v->output);
    pln_make_free(make);
    g_free(labels);
    g_free(textures);
    g_free(photos);
    return code;
}

/* ---- stats ---- */

static int open_dataset(struct dataset *d, const char *path, pln_dataset **dataset)
{
    pln_status s = pln_dataset_open(d->ctx, path, dataset);
    return s ? cli_fail_status(d->cli, d->ctx, s, path) : CLI_OK;
}

/* Pair k of n that stand for all `total`, spread evenly. */
static size_t spread(size_t k, size_t n, size_t total)
{
    static const double golden = 0.6180339887498949;
    if (n == total) return k;
    double at = (double)(k + 1) * golden;
    return (size_t)((at - floor(at)) * (double)total);
}

struct originals {
    size_t pairs;
    double psnr, ssim_a, ssim_b, edge;
};

/* Mean scores of the inputs of a split, as the published tables' row "Original". */
static int score_originals(struct dataset *d, const pln_dataset *dataset, pln_split split,
                           struct originals *o)
{
    size_t total = pln_dataset_pairs(dataset, split),
           n = d->v->pairs ? MIN((size_t)d->v->pairs, total) : total;
    unsigned edge = pln_dataset_companions(dataset) & PLN_WITH_EDGE;
    pln_status s = PLN_OK;
    *o = (struct originals){.pairs = n};
    for (size_t k = 0; k < n && !s; k++) {
        struct pln_pair p = {0};
        double psnr = 0, a = 0, b = 0, edges = 0;
        s = pln_dataset_pair(d->ctx, dataset, split, spread(k, n, total), edge, &p);
        if (!s) s = pln_score_images(d->ctx, PLN_SCORE_PSNR, p.in, p.truth, &psnr);
        if (!s) s = pln_score_images(d->ctx, PLN_SCORE_SSIM_A, p.in, p.truth, &a);
        if (!s) s = pln_score_images(d->ctx, PLN_SCORE_SSIM_B, p.in, p.truth, &b);
        if (!s && p.edge) {
            pln_view v = pln_image_pixels(p.edge);
            for (size_t i = 0; i < v.w * v.h; i++) edges += v.data[i];
            edges /= (double)(v.w * v.h);
        }
        o->psnr += psnr / (double)n;
        o->ssim_a += a / (double)n;
        o->ssim_b += b / (double)n;
        o->edge += edges / (double)n;
        pln_pair_free(&p);
    }
    return s ? cli_fail_status(d->cli, d->ctx, s, NULL) : CLI_OK;
}

static json_t *describe(const pln_dataset *dataset)
{
    json_t *doc =
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:f, s:I, s:I}", "schema", "planish.dataset-stats/1",
                  "kind", pln_dataset_kind(dataset), "hash", pln_dataset_hash(dataset), "seed",
                  (json_int_t)pln_dataset_seed(dataset), "split",
                  pln_dataset_published_split(dataset) ? "published" : "strict", "std",
                  pln_dataset_std(dataset), "truths", (json_int_t)pln_dataset_truths(dataset),
                  "textures", (json_int_t)pln_dataset_textures(dataset));
    return doc;
}

static void print_head(const pln_dataset *dataset)
{
    printf("%s  seed %llu  %s split%s\n", pln_dataset_kind(dataset),
           (unsigned long long)pln_dataset_seed(dataset),
           pln_dataset_published_split(dataset) ? "published" : "strict",
           pln_dataset_published_split(dataset)
               ? ": every truth and texture of val and test is seen in training"
               : "");
    printf("%zu truths, %zu textures, layer std %g\n", pln_dataset_truths(dataset),
           pln_dataset_textures(dataset), pln_dataset_std(dataset));
}

static int dataset_stats(struct dataset *d, const char *path)
{
    pln_dataset *dataset = NULL;
    int code = open_dataset(d, path, &dataset);
    if (code) return code;
    json_t *doc = describe(dataset), *rows = json_object();
    if (!d->cli->json) {
        print_head(dataset);
        printf("%-14s %8s %8s %8s %8s %8s %8s\n", "split", "pairs", "scored", "PSNR", "SSIM-A",
               "SSIM-B", "edges");
    }
    for (int k = 0; k < PLN_SPLITS && !code; k++) {
        struct originals o;
        size_t total = pln_dataset_pairs(dataset, (pln_split)k);
        if (total == 0) continue;
        code = score_originals(d, dataset, (pln_split)k, &o);
        if (code) break;
        if (d->cli->json)
            json_object_set_new(rows, pln_split_name((pln_split)k),
                                json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "pairs",
                                          (json_int_t)total, "scored", (json_int_t)o.pairs, "psnr",
                                          o.psnr, "ssim-a", o.ssim_a, "ssim-b", o.ssim_b, "edges",
                                          o.edge));
        else
            printf("%-14s %8zu %8zu %8.2f %8.4f %8.4f %7.2f%%\n", pln_split_name((pln_split)k),
                   total, o.pairs, o.psnr, o.ssim_a, o.ssim_b, 100 * o.edge);
    }
    json_object_set_new(doc, "splits", rows);
    pln_dataset_free(dataset);
    if (code || !d->cli->json) {
        json_decref(doc);
        return code ? code : cli_flush(d->cli);
    }
    return cli_json_print(d->cli, doc, false);
}

static int summary(struct dataset *d, const char *folder, size_t left_out)
{
    pln_dataset *dataset = NULL;
    int code = open_dataset(d, folder, &dataset);
    if (code) return code;
    if (d->cli->json) {
        json_t *doc = describe(dataset);
        json_object_set_new(doc, "left_out", json_integer((json_int_t)left_out));
        pln_dataset_free(dataset);
        return cli_json_print(d->cli, doc, false);
    }
    print_head(dataset);
    for (int k = 0; k <= PLN_SPLIT_TEST; k++)
        if (pln_dataset_pairs(dataset, (pln_split)k))
            printf("%s %zu pairs\n", pln_split_name((pln_split)k),
                   pln_dataset_pairs(dataset, (pln_split)k));
    if (left_out) printf("%zu picture%s left out\n", left_out, left_out == 1 ? "" : "s");
    pln_dataset_free(dataset);
    return cli_flush(d->cli);
}

/* ---- check ---- */

static int dataset_check(struct dataset *d, const char *path)
{
    pln_dataset *dataset = NULL;
    size_t bad = 0;
    int code = open_dataset(d, path, &dataset);
    if (code) return code;
    size_t n = pln_dataset_files(dataset);
    for (size_t i = 0; i < n && !cli_signal(); i++)
        if (pln_dataset_check_file(d->ctx, dataset, i)) {
            cli_fail(d->cli, CLI_EXIT_CHECK, "%s", pln_context_message(d->ctx));
            bad++;
        }
    /* Side by side there are no sums to compare: every pair must at least load. */
    for (int k = 0; k <= PLN_SPLIT_TEST && n == 0 && !code; k++)
        for (size_t i = 0; i < pln_dataset_pairs(dataset, (pln_split)k); i++, n++) {
            struct pln_pair p = {0};
            if (pln_dataset_pair(d->ctx, dataset, (pln_split)k, i, 0, &p)) {
                cli_fail(d->cli, CLI_EXIT_CHECK, "%s", pln_context_message(d->ctx));
                bad++;
            }
            pln_pair_free(&p);
        }
    if (cli_signal()) {
        code = CLI_EXIT_SIGNAL + cli_signal();
    } else if (d->cli->json) {
        json_t *doc = describe(dataset);
        json_object_set_new(doc, "files", json_integer((json_int_t)n));
        json_object_set_new(doc, "bad", json_integer((json_int_t)bad));
        json_object_set_new(doc, "ok", json_boolean(bad == 0));
        code = cli_json_print(d->cli, doc, false);
    } else if (!bad) {
        printf("%zu files as the dataset was made\n", n);
        code = cli_flush(d->cli);
    }
    if (bad)
        code = cli_fail(d->cli, CLI_EXIT_CHECK,
                        "%s: %zu of %zu files are not as the dataset was "
                        "made",
                        path, bad, n);
    pln_dataset_free(dataset);
    return code;
}

/* ---- show ---- */

enum { MARGIN = 8, LINE = 18, TEXT_PX = 12, SIDE = 240, PICTURES = 7 };

/* The first SIDE rows and columns from (left, top) of a picture. */
static void paste_view(const pln_view *sheet, const pln_view *v, size_t left, size_t top, size_t x,
                       size_t y)
{
    for (size_t j = 0; j < SIDE && top + j < v->h; j++)
        for (size_t i = 0; i < SIDE && left + i < v->w; i++)
            for (size_t k = 0; k < 3; k++)
                pln_row(sheet, y + j)[3 * (x + i) + k] =
                    pln_row(v, top + j)[(left + i) * v->c + (v->c == 3 ? k : 0)];
}

static pln_status paste(pln_context *ctx, const pln_view *sheet, const pln_image *image, size_t x,
                        size_t y)
{
    pln_image *small = NULL;
    pln_status s = pln_image_shrink(ctx, image, SIDE, &small);
    if (s) return s;
    pln_view v = pln_image_pixels(small);
    paste_view(sheet, &v, 0, 0, x, y);
    pln_image_free(small);
    return PLN_OK;
}

/* Its middle, pixel for pixel: remains of texture are small. */
static void paste_middle(const pln_view *sheet, const pln_image *image, size_t x, size_t y)
{
    pln_view v = pln_image_pixels(image);
    paste_view(sheet, &v, v.w > SIDE ? (v.w - SIDE) / 2 : 0, v.h > SIDE ? (v.h - SIDE) / 2 : 0, x,
               y);
}

static pln_status write_text(pln_context *ctx, const pln_view *sheet, const char *text, size_t x,
                             size_t y)
{
    pln_view t = {NULL, 0, 0, 0, 0};
    pln_status s = pln_text(ctx, text, TEXT_PX, &t);
    if (s) return s;
    for (size_t j = 0; j < t.h && y + j < sheet->h; j++)
        for (size_t i = 0; i < t.w && x + i < sheet->w; i++)
            for (size_t k = 0; k < 3; k++) {
                float *p = pln_row(sheet, y + j) + 3 * (x + i) + k;
                *p += (0.9f - *p) * pln_row(&t, j)[i];
            }
    pln_free(t.data);
    return PLN_OK;
}

/* Small numbers of classes become visible greys. */
static void stretch_classes(pln_image *classes)
{
    pln_view v = pln_image_pixels(classes);
    for (size_t i = 0; i < v.w * v.h; i++) v.data[i] = v.data[i] > 0.9f ? 1 : v.data[i] * 255 / 25;
}

static pln_status draw_row(pln_context *ctx, const pln_dataset *dataset, pln_split split, size_t i,
                           const pln_view *sheet, size_t y)
{
    struct pln_pair p = {0};
    pln_status s = pln_dataset_pair(ctx, dataset, split, i, pln_dataset_companions(dataset), &p);
    if (s) return s;
    if (p.classes) stretch_classes(p.classes);
    const pln_image *const pictures[PICTURES] = {p.in,       p.truth,    p.photo,  p.edge,
                                                 p.boundary, p.negative, p.classes};
    size_t x = MARGIN;
    for (int k = 0; k < PICTURES && !s; k++) {
        if (!pictures[k]) continue;
        s = paste(ctx, sheet, pictures[k], x, y);
        x += SIDE + MARGIN;
    }
    if (!s) s = write_text(ctx, sheet, p.name, MARGIN, y + SIDE + 2);
    pln_pair_free(&p);
    return s;
}

static pln_status new_sheet(struct dataset *d, size_t columns, size_t rows, pln_image **sheet)
{
    pln_status s = pln_image_make(d->ctx, columns * (SIDE + MARGIN) + MARGIN,
                                  rows * (SIDE + LINE + MARGIN) + MARGIN, 3, false, NULL, sheet);
    if (s) return s;
    (*sheet)->depth = 8;
    pln_view v = pln_image_pixels(*sheet);
    for (size_t i = 0; i < 3 * v.w * v.h; i++) v.data[i] = 0.17f;
    return PLN_OK;
}

static size_t rows_wanted(const struct dataset *d, size_t total)
{
    return MIN(cli_given(d->cli, "pairs") && d->v->pairs ? (size_t)d->v->pairs : 12, total);
}

static int show_pairs(struct dataset *d, const pln_dataset *dataset)
{
    pln_image *sheet = NULL;
    pln_split split = PLN_SPLIT_TRAIN;
    pln_status s = PLN_OK;

    if (d->v->part && !pln_split_find(d->v->part, &split))
        return cli_fail(d->cli, CLI_EXIT_USAGE,
                        "--part: '%s': expected train, val, test, test-truths or test-textures",
                        d->v->part);
    size_t total = pln_dataset_pairs(dataset, split), columns = 2, n = rows_wanted(d, total);
    for (unsigned bits = pln_dataset_companions(dataset); bits; bits &= bits - 1) columns++;
    if (n == 0)
        return cli_fail(d->cli, CLI_EXIT_INPUT, "%s: no pairs in '%s'", pln_dataset_folder(dataset),
                        pln_split_name(split));
    PLN_TRY(new_sheet(d, columns, n, &sheet));
    pln_view v = pln_image_pixels(sheet);
    for (size_t k = 0; k < n; k++)
        PLN_TRY(draw_row(d->ctx, dataset, split, spread(k, n, total), &v,
                         MARGIN + k * (SIDE + LINE + MARGIN)));
    PLN_TRY(pln_image_save(d->ctx, sheet, d->v->output, NULL));
done:
    pln_image_free(sheet);
    return s ? cli_fail_status(d->cli, d->ctx, s, NULL) : CLI_OK;
}

static pln_status draw_review(pln_context *ctx, const struct pln_review *r, const pln_view *sheet,
                              size_t y)
{
    static const char *const strengths[] = {"", " x2", " x4"};
    char text[128];
    pln_status s;
    paste_middle(sheet, r->photo, MARGIN, y);
    snprintf(text, sizeof text, "%.34s", r->name);
    s = write_text(ctx, sheet, text, MARGIN, y + SIDE + 2);
    for (size_t k = 0; k < r->count && !s; k++) {
        const struct pln_candidate *c = &r->candidates[k];
        size_t x = MARGIN + (k + 1) * (SIDE + MARGIN);
        paste_middle(sheet, c->image, x, y);
        snprintf(text, sizeof text, "%s%s p90 %.3f ssim %.3f %s", c->method, strengths[r->level],
                 c->p90, c->structure_ssim,
                 c->winner   ? "WINS"
                 : c->passes ? "passes"
                             : "rejected");
        s = write_text(ctx, sheet, text, x, y + SIDE + 2);
    }
    return s;
}

static int show_rejected(struct dataset *d, const pln_dataset *dataset)
{
    const char **photos = texts(&d->v->photos);
    pln_reviews *reviews = NULL;
    struct pln_review r = {0};
    pln_image *sheet = NULL;
    int code = CLI_OK;
    pln_status s = PLN_OK;

    if (!photos[0]) {
        code = cli_fail(d->cli, CLI_EXIT_USAGE,
                        "--rejected needs the photographs: --photos as for 'make'");
        goto done;
    }
    PLN_TRY(pln_reviews_open(d->ctx, dataset, photos, &reviews));
    size_t total = pln_reviews_count(reviews), n = rows_wanted(d, total);
    if (n == 0) {
        code = cli_fail(d->cli, CLI_EXIT_INPUT, "%s: no candidate was rejected",
                        pln_dataset_folder(dataset));
        goto done;
    }
    PLN_TRY(new_sheet(d, sizeof r.candidates / sizeof *r.candidates + 1, n, &sheet));
    pln_view v = pln_image_pixels(sheet);
    for (size_t k = 0; k < n; k++) {
        PLN_TRY(pln_reviews_get(d->ctx, reviews, k, &r));
        PLN_TRY(draw_review(d->ctx, &r, &v, MARGIN + k * (SIDE + LINE + MARGIN)));
        pln_review_free(&r);
    }
    PLN_TRY(pln_image_save(d->ctx, sheet, d->v->output, NULL));
done:
    if (s) code = cli_fail_status(d->cli, d->ctx, s, NULL);
    pln_review_free(&r);
    pln_reviews_free(reviews);
    pln_image_free(sheet);
    g_free(photos);
    return code;
}

static int dataset_show(struct dataset *d, const char *path)
{
    pln_dataset *dataset = NULL;
    if (!d->v->output)
        return cli_fail(d->cli, CLI_EXIT_USAGE, "-o is missing: where should the sheet go?");
    int code = open_dataset(d, path, &dataset);
    if (code) return code;
    code = d->v->rejected ? show_rejected(d, dataset) : show_pairs(d, dataset);
    pln_dataset_free(dataset);
    return code;
}

/* ---- The command ---- */

static int dataset_run(struct cli *cli, void *values)
{
    static const char *const verbs[] = {"make", "check", "stats", "show", NULL};
    static int (*const runs[])(struct dataset *, const char *) = {dataset_make, dataset_check,
                                                                  dataset_stats, dataset_show};
    struct dataset d = {.cli = cli, .v = values};
    const char *verb = cli->args.words[0].text;
    size_t k = 0;

    while (verbs[k] && strcmp(verbs[k], verb)) k++;
    if (!verbs[k]) {
        const char *near = pln_nearest(verb, verbs);
        return cli_fail(cli, CLI_EXIT_USAGE,
                        near ? "dataset: unknown verb '%s': did you mean '%s'?"
                             : "dataset: unknown verb '%s': expected make, check, stats or show",
                        verb, near);
    }
    int code = cli_context(cli, 1, &d.ctx);
    if (code) return code;
    code = runs[k](&d, cli->args.words[1].text);
    pln_context_free(d.ctx);
    return code;
}

const struct cli_command cli_dataset = {
    .name = "dataset",
    .usage = "make KIND -o DIR | check DIR | stats DIR | show DIR -o FILE",
    .summary = "training and test sets: made, checked, part",
    .description =
        "make: a folder with manifest.json, truths, textures and what lies beside them. Kinds: "
        "sps, "
        "voc-smooth and bsds-ext from photographs, nks from drawings, scenes and textures from a "
        "seed alone. A killed run is gone on with by the same command; a folder without a manifest "
        "is not complete. The same seed and sources give the same files for any -j.\n\n"
        "check: compares every file with its sha256 in the manifest. stats: splits, and the scores "
        "of the inputs themselves, the row \"Original\" of published tables. show: a sheet of "
        "pairs, or with --rejected of candidates that the screening turned down.\n\n"
        "check, stats and show also read a folder of pictures [truth | input] side by side.",
    .examples = "planish dataset make scenes -o scenes --seed 1\t# needs no data\n"
                "planish dataset make sps -o sps --photos photos --textures textures -j 4\t# from "
                "pictures\n"
                "planish dataset stats sps\t# splits, PSNR and SSIM of the inputs\n"
                "planish dataset show sps -o sheet.png --part test\t# look at it",
    .options = dataset_options,
    .values_size = sizeof(struct dataset_values),
    .args_min = 2,
    .args_max = 2,
    .arg_complete = "file",
    .run = dataset_run,
};
