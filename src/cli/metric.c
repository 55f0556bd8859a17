/* SPDX-License-Identifier: MIT */
/* planish metric: scores of two pictures, or of two folders with pictures of equal names. */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"

static const char *const quantize_names[] = {"none", "round", "truncate", NULL};

struct metric_values {
    const char *scores, *votes;
    struct cli_list min, max;
    int quantize;
};

static const struct cli_option metric_options[] = {
    CLI_OPTION(CLI_TEXT, struct metric_values, scores, .name = "scores", .arg = "LIST",
               .init_text = "psnr,ssim-a,ssim-b",
               .help =
                   "which, separated by commas: psnr, ssim-a, ssim-b, ssim-c, mae, rmse, edges, "
                   "reversals, fan-smooth, fan-abstraction, fan-detail, fan-texture"),
    CLI_OPTION(CLI_LIST, struct metric_values, min, .name = "min", .arg = "SCORE=V",
               .help = "exit 8 if a score is below V; may be repeated"),
    CLI_OPTION(CLI_LIST, struct metric_values, max, .name = "max", .arg = "SCORE=V",
               .help = "exit 8 if a score is above V; may be repeated"),
    CLI_OPTION(CLI_CHOICE, struct metric_values, quantize, .name = "quantize",
               .choices = quantize_names,
               .help = "clip OUT to [0,1] and to 8 bits first, as a written file would be"),
    CLI_OPTION(CLI_TEXT, struct metric_values, votes, .name = "votes", .arg = "N,N,...",
               .help = "several references with these weights: WMAE and WRMSE"),
    CLI_OPTIONS_END,
};

enum { SCORES = 12 };
static const struct {
    const char *name, *unit;
    pln_score kind;
} known[SCORES] = {
    {"psnr", "dB", PLN_SCORE_PSNR},
    {"ssim-a", "", PLN_SCORE_SSIM_A},
    {"ssim-b", "", PLN_SCORE_SSIM_B},
    {"ssim-c", "", PLN_SCORE_SSIM_C},
    {"mae", "", PLN_SCORE_MAE},
    {"rmse", "", PLN_SCORE_RMSE},
    {"edges", "", PLN_SCORE_EDGES},
    {"reversals", "", PLN_SCORE_REVERSALS},
    {"fan-smooth", "", PLN_SCORE_FAN_SMOOTH},
    {"fan-abstraction", "", PLN_SCORE_FAN_ABSTRACTION},
    {"fan-detail", "", PLN_SCORE_FAN_DETAIL},
    {"fan-texture", "", PLN_SCORE_FAN_TEXTURE},
};

/* The scores of one pair; NaN: not asked for, or the pictures are smaller than the window. */
struct scores {
    double value[SCORES];
};

struct metric {
    struct cli *cli;
    const struct metric_values *v;
    pln_context *ctx;
    bool wanted[SCORES];
    double min[SCORES], max[SCORES]; /* limits; NaN: none */
};

/* ---- What is asked ---- */

static int score_of(const char *name)
{
    for (int i = 0; i < SCORES; i++)
        if (!strcmp(known[i].name, name)) return i;
    return -1;
}

static int unknown_score(const struct metric *m, const char *flag, const char *name)
{
    const char *names[SCORES + 1] = {NULL};
    for (int i = 0; i < SCORES; i++) names[i] = known[i].name;
    const char *near = pln_nearest(name, names);
    if (near)
        return cli_fail(m->cli, CLI_EXIT_USAGE, "%s: unknown score '%s': did you mean '%s'?", flag,
                        name, near);
    return cli_fail(m->cli, CLI_EXIT_USAGE,
                    "%s: unknown score '%s': expected psnr, ssim-a, ssim-b, ssim-c, mae, rmse, "
                    "edges, reversals, fan-smooth, fan-abstraction, fan-detail or fan-texture",
                    flag, name);
}

static int parse_scores(struct metric *m)
{
    char **names = g_strsplit(m->v->scores, ",", -1);
    int code = CLI_OK;
    for (char **n = names; *n && !code; n++) {
        int i = score_of(*n);
        if (i < 0)
            code = unknown_score(m, "--scores", *n);
        else
            m->wanted[i] = true;
    }
    g_strfreev(names);
    return code;
}

static int parse_limits(struct metric *m, const char *flag, const struct cli_list *list,
                        double limits[SCORES])
{
    for (int i = 0; i < SCORES; i++) limits[i] = NAN;
    for (size_t k = 0; k < list->count; k++) {
        const char *text = list->words[k].text;
        char name[24];
        size_t n = strcspn(text, "=");
        if (text[n] != '=' || n >= sizeof name)
            return cli_fail(m->cli, CLI_EXIT_USAGE, "%s: '%s': expected SCORE=VALUE, as in psnr=30",
                            flag, text);
        memcpy(name, text, n);
        name[n] = 0;
        int i = score_of(name);
        if (i < 0) return unknown_score(m, flag, name);
        if (!pln_parse_real(text + n + 1, &limits[i]))
            return cli_fail(m->cli, CLI_EXIT_USAGE, "%s: '%s' is not a number", flag, text + n + 1);
        m->wanted[i] = true;
    }
    return CLI_OK;
}

/* ---- One pair ---- */

static int load(struct metric *m, const char *path, bool quantize, pln_image **image)
{
    pln_status s = pln_image_load(m->ctx, path, image);
    if (s) return cli_fail_status(m->cli, m->ctx, s, path);
    if (!quantize || m->v->quantize == 0) return CLI_OK;
    pln_view v = pln_image_pixels(*image);
    for (size_t y = 0; y < v.h; y++) {
        float *p = pln_row(&v, y);
        for (size_t i = 0; i < v.w * v.c; i++) {
            float u = p[i] < 0 ? 0 : p[i] > 1 ? 1 : p[i];
            p[i] = floorf(255 * u + (m->v->quantize == 1 ? 0.5f : 0)) / 255;
        }
    }
    return CLI_OK;
}

static int score_pair(struct metric *m, const char *out, const char *ref, struct scores *scores)
{
    pln_image *a = NULL, *b = NULL;
    int code = load(m, out, true, &a);
    if (!code) code = load(m, ref, false, &b);
    for (int i = 0; i < SCORES && !code; i++) {
        scores->value[i] = NAN;
        if (!m->wanted[i]) continue;
        pln_status s = pln_score_images(m->ctx, known[i].kind, a, b, &scores->value[i]);
        /* The default scores of a picture smaller than their window are left out. */
        pln_view v = pln_image_pixels(a);
        bool small = s == PLN_E_SHAPE && (v.w < 11 || v.h < 11) && !cli_given(m->cli, "scores") &&
                     isnan(m->min[i]) && isnan(m->max[i]);
        if (s && !small) code = cli_fail_status(m->cli, m->ctx, s, out);
        if (s) scores->value[i] = NAN;
    }
    pln_image_free(a);
    pln_image_free(b);
    return code;
}

static int check(struct metric *m, const char *name, const struct scores *scores)
{
    char value[32], limit[32];
    int code = CLI_OK;
    for (int i = 0; i < SCORES; i++) {
        bool low = scores->value[i]<m->min[i], high = scores->value[i]> m->max[i];
        if (!low && !high) continue;
        snprintf(value, sizeof value, "%.6g", scores->value[i]);
        pln_format_real(low ? m->min[i] : m->max[i], limit);
        code = cli_fail(m->cli, CLI_EXIT_CHECK, "%s: %s %s is %s the limit %s", name, known[i].name,
                        value, low ? "below" : "above", limit);
    }
    return code;
}

/* ---- Showing ---- */

static json_t *to_json(const char *out, const char *ref, const struct scores *scores, bool ok)
{
    json_t *values = json_object(), *doc = json_object();
    for (int i = 0; i < SCORES; i++)
        if (!isnan(scores->value[i]))
            json_object_set_new(values, known[i].name, json_real(scores->value[i]));
    json_object_set_new(doc, "schema", json_string("planish.metric/1"));
    json_object_set_new(doc, "output", json_string(out));
    json_object_set_new(doc, "reference", json_string(ref));
    json_object_set_new(doc, "scores", values);
    json_object_set_new(doc, "ok", json_boolean(ok));
    return doc;
}

static void print_row(const struct metric *m, const char *name, const struct scores *scores)
{
    printf("%s", name);
    for (int i = 0; i < SCORES; i++) {
        if (!m->wanted[i]) continue;
        if (isnan(scores->value[i]))
            printf("\t-");
        else
            printf("\t%.6f", scores->value[i]);
    }
    putchar('\n');
}

static int metric_files(struct metric *m, const char *out, const char *ref)
{
    struct scores scores;
    int code = score_pair(m, out, ref, &scores);
    if (code) return code;
    int checked = check(m, out, &scores);
    if (m->cli->json) return cli_json_print(m->cli, to_json(out, ref, &scores, !checked), false);
    for (int i = 0; i < SCORES; i++) {
        if (!m->wanted[i]) continue;
        if (isnan(scores.value[i]))
            printf("%-9s -\n", known[i].name);
        else
            printf("%-9s %.6f%s%s\n", known[i].name, scores.value[i], *known[i].unit ? " " : "",
                   known[i].unit);
    }
    code = cli_flush(m->cli);
    return code ? code : checked;
}

/* ---- Folders ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *files_in(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *path = g_build_filename(folder, name, NULL);
        if (*name != '.' && g_file_test(path, G_FILE_TEST_IS_REGULAR))
            g_ptr_array_add(names, g_strdup(name));
        g_free(path);
    }
    if (dir) g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    return names;
}

static size_t stem_length(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? (size_t)(dot - name) : strlen(name);
}

/* The file of `names` called `name`, else the only one with its stem; NULL. */
static const char *partner(const GPtrArray *names, const char *name)
{
    const char *found = NULL;
    size_t n = stem_length(name);
    for (guint i = 0; i < names->len; i++) {
        const char *other = g_ptr_array_index(names, i);
        if (!strcmp(other, name)) return other;
        if (stem_length(other) == n && !strncmp(other, name, n)) found = other;
    }
    return found;
}

static int metric_folders(struct metric *m, const char *out, const char *ref)
{
    GPtrArray *outs = files_in(out), *refs = files_in(ref);
    struct scores mean = {{0}}, scores;
    size_t counts[SCORES] = {0};
    int code = CLI_OK, checked = CLI_OK;

    if (outs->len == 0) code = cli_fail(m->cli, CLI_EXIT_INPUT, "%s: no files in this folder", out);
    if (!code && !m->cli->json) {
        printf("name");
        for (int i = 0; i < SCORES; i++)
            if (m->wanted[i]) printf("\t%s", known[i].name);
        putchar('\n');
    }
    for (guint k = 0; k < outs->len && !code; k++) {
        const char *name = g_ptr_array_index(outs, k), *other = partner(refs, name);
        if (!other) {
            code = cli_fail(m->cli, CLI_EXIT_INPUT, "%s/%s: no picture of this name in %s", out,
                            name, ref);
            break;
        }
        char *a = g_build_filename(out, name, NULL), *b = g_build_filename(ref, other, NULL);
        code = score_pair(m, a, b, &scores);
        if (!code) {
            int c = check(m, a, &scores);
            if (c) checked = c;
            if (m->cli->json)
                code = cli_json_print(m->cli, to_json(a, b, &scores, !c), true);
            else
                print_row(m, name, &scores);
            for (int i = 0; i < SCORES; i++)
                if (!isnan(scores.value[i])) mean.value[i] += scores.value[i], counts[i]++;
        }
        g_free(a);
        g_free(b);
    }
    for (int i = 0; i < SCORES; i++) mean.value[i] /= (double)counts[i]; /* 0 / 0: NaN, "-" */
    if (!code && m->cli->json) {
        json_t *doc = to_json(out, ref, &mean, !checked);
        json_object_set_new(doc, "items", json_integer(outs->len));
        json_object_set_new(doc, "mean", json_true());
        code = cli_json_print(m->cli, doc, true);
    } else if (!code) {
        print_row(m, "mean", &mean);
    }
    if (!code) code = cli_flush(m->cli);
    g_ptr_array_free(outs, TRUE);
    g_ptr_array_free(refs, TRUE);
    return code ? code : checked;
}

/* ---- Several references ---- */

static int metric_weighted(struct metric *m)
{
    size_t n = m->cli->args.count - 1;
    pln_image **images = g_new0(pln_image *, n + 1);
    double *weights = g_new0(double, n), wmae, wrmse;
    char **votes = g_strsplit(m->v->votes, ",", -1);
    int code = CLI_OK;

    if (g_strv_length(votes) != n)
        code =
            cli_fail(m->cli, CLI_EXIT_USAGE, "--votes: %u numbers for %zu references: give as many",
                     g_strv_length(votes), n);
    for (size_t i = 0; i < n && !code; i++)
        if (!pln_parse_real(votes[i], &weights[i]) || weights[i] < 0)
            code = cli_fail(m->cli, CLI_EXIT_USAGE, "--votes: '%s' is not a number of at least 0",
                            votes[i]);
    for (size_t i = 0; i <= n && !code; i++)
        code = load(m, m->cli->args.words[i].text, i == 0, &images[i]);
    if (!code) {
        pln_status s = pln_score_weighted(m->ctx, images[0], (const pln_image *const *)images + 1,
                                          weights, n, &wmae, &wrmse);
        if (s) code = cli_fail_status(m->cli, m->ctx, s, m->cli->args.words[0].text);
    }
    if (!code && m->cli->json) {
        code = cli_json_print(m->cli,
                              json_pack("{s:s, s:s, s:{s:f, s:f}, s:b}", "schema",
                                        "planish.metric/1", "output", m->cli->args.words[0].text,
                                        "scores", "wmae", wmae, "wrmse", wrmse, "ok", 1),
                              false);
    } else if (!code) {
        printf("wmae      %.6f\nwrmse     %.6f\n", wmae, wrmse);
        code = cli_flush(m->cli);
    }
    for (size_t i = 0; i <= n; i++) pln_image_free(images[i]);
    g_free(images);
    g_free(weights);
    g_strfreev(votes);
    return code;
}

/* ---- The command ---- */

static int metric_run(struct cli *cli, void *values)
{
    struct metric m = {.cli = cli, .v = values};
    const char *out = cli->args.words[0].text, *ref = cli->args.words[1].text;
    int code = parse_scores(&m);
    if (!code) code = parse_limits(&m, "--min", &m.v->min, m.min);
    if (!code) code = parse_limits(&m, "--max", &m.v->max, m.max);
    if (!code && cli->args.count > 2 && !m.v->votes)
        code =
            cli_fail(cli, CLI_EXIT_USAGE, "several references need their weights: --votes N,N,...");
    if (!code && m.v->votes && (m.v->min.count || m.v->max.count || cli_given(cli, "scores")))
        code = cli_fail(cli, CLI_EXIT_USAGE,
                        "--votes gives WMAE and WRMSE: it goes without --scores, --min and --max");
    if (!code) code = cli_context(cli, 1, &m.ctx);
    if (code) return code;
    bool out_folder = g_file_test(out, G_FILE_TEST_IS_DIR);
    if (m.v->votes)
        code = metric_weighted(&m);
    else if (out_folder != (bool)g_file_test(ref, G_FILE_TEST_IS_DIR))
        code = cli_fail(cli, CLI_EXIT_USAGE,
                        "%s is a folder and %s is not: give two files or two folders",
                        out_folder ? out : ref, out_folder ? ref : out);
    else
        code = out_folder ? metric_folders(&m, out, ref) : metric_files(&m, out, ref);
    pln_context_free(m.ctx);
    return code;
}

const struct cli_command cli_metric = {
    .name = "metric",
    .usage = "OUT REF",
    .summary = "scores of two pictures or two folders",
    .description =
        "Compares OUT with the reference REF: two files of equal size, or two folders whose files "
        "have equal names (or equal names but for the extension).\n\n"
        "SSIM-A is the one of the Easy2Hard and CSGIS-Net code (11x11 Gaussian, zero border, all "
        "pixels); SSIM-B is scikit-image's default (7x7, inner windows); SSIM-C is Wang et al. "
        "2004 "
        "(11x11 on luma, inner windows). They differ by up to 0.14 on textured pictures: say which "
        "one a table shows.\n\n"
        "fan-smooth, fan-abstraction, fan-detail and fan-texture are the energies of Fan et al. "
        "2018, with the bounded slopes of the authors' code, of OUT as a result of smoothing REF: "
        "small is good; files of 32-bit floats keep what 8 bits would add.\n\n"
        "Of folders the mean of the decibels is "
        "given, not the decibels of the mean error.",
    .examples = "planish metric out.png truth.png\t# PSNR, SSIM-A, SSIM-B\n"
                "planish metric out/ truth/ --min psnr=30\t# a check: exit 8 if one is below\n"
                "planish metric out.png a.png b.png --votes 3,1\t# WMAE and WRMSE",
    .options = metric_options,
    .values_size = sizeof(struct metric_values),
    .args_min = 2,
    .args_max = 64,
    .arg_complete = "file",
    .run = metric_run,
};
