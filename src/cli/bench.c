/* SPDX-License-Identifier: MIT */
/* planish bench: how fast the methods are here, beside other libraries where they are installed. */
#include "cli/bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commit.h"
#include "nets/session.h"

enum { MOST_COUNTS = 8, SWEEP_SIZES = 4, MOST_SIDE = 32768 };

/* 0.25, 1, 4, 16 MP: the sides of the growth table. */
static const size_t sweep_sides[SWEEP_SIZES] = {512, 1024, 2048, 4096};

struct bench_values {
    const char *size, *counts;
    int repeat;
    bool peers, spd, sweep, fixed, markdown;
};

static const struct cli_option bench_options[] = {
    CLI_OPTION(CLI_TEXT, struct bench_values, size, .name = "size", .arg = "WxH",
               .init_text = "1024x1024", .help = "size of the picture"),
    CLI_OPTION(CLI_TEXT, struct bench_values, counts, .name = "thread-counts", .arg = "N,N...",
               .init_text = "1,2",
               .help = "numbers of threads to measure with; --threads N means only N"),
    CLI_OPTION(CLI_INT, struct bench_values, repeat, .name = "repeat", .arg = "N", .min = 0,
               .max = 100, .init = 0, .init_text = "5, or 3 where one run takes seconds",
               .help = "timed runs of each, 0 for the default"),
    CLI_OPTION(CLI_SWITCH, struct bench_values, peers, .name = "peers", .init = 1,
               .help = "without OpenCV and CHOLMOD, even where they are installed"),
    CLI_OPTION(CLI_SWITCH, struct bench_values, fixed, .name = "fixed", .init = 1,
               .help = "only what --system and --sweep add"),
    CLI_OPTION(CLI_SWITCH, struct bench_values, spd, .name = "system",
               .help = "also the linear system of RTV, beside CHOLMOD"),
    CLI_OPTION(CLI_SWITCH, struct bench_values, sweep, .name = "sweep",
               .help = "also 0.25, 1, 4 and 16 MP, and the exponent of the growth"),
    CLI_OPTION(CLI_SWITCH, struct bench_values, markdown, .name = "markdown",
               .help = "tables in Markdown"),
    CLI_OPTIONS_END,
};

/* The values, understood. */
struct request {
    const pln_method **methods;
    size_t method_count, w, h;
    int threads[MOST_COUNTS];
    size_t thread_count;
    int repeat;
    bool spd, sweep, fixed;
};

/* ---- Measuring ---- */

static pln_status add_line(pln_context *ctx, const struct request *q, const pln_method *m,
                           const pln_peer *peer, const float *rgb, size_t w, size_t h, int threads,
                           bool sweep, bench_report *r)
{
    pln_params *params = NULL;
    bench_line line = {.method = m->name,
                       .values = peer ? peer->values : "",
                       .peer = peer ? peer->name : NULL,
                       .w = w,
                       .h = h,
                       .threads = threads,
                       .sweep = sweep};
    pln_status s = PLN_OK;

    PLN_TRY(pln_params_new(ctx, m->name, &params));
    PLN_TRY(pln_params_apply(ctx, params, line.values));
    PLN_TRY(pln_context_set_threads(ctx, threads));
    PLN_TRY(bench_method(ctx, params, peer, rgb, w, h, q->repeat, &line.row));
    r->lines[r->line_count++] = line;
done:
    pln_params_free(params);
    return s;
}

static pln_status measure_fixed(pln_context *ctx, const struct request *q, const pln_peers *peers,
                                bench_report *r)
{
    float *rgb = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(bench_picture(ctx, q->w, q->h, &rgb));
    for (size_t i = 0; i < q->method_count && q->fixed; i++)
        for (size_t t = 0; t < q->thread_count; t++) {
            const pln_method *m = q->methods[i];
            PLN_TRY(add_line(ctx, q, m, NULL, rgb, q->w, q->h, q->threads[t], false, r));
            for (const pln_peer *p = peers ? peers->peers : NULL; p && p->method; p++)
                if (strcmp(p->method, m->name) == 0)
                    PLN_TRY(add_line(ctx, q, m, p, rgb, q->w, q->h, q->threads[t], false, r));
        }
    for (size_t t = 0; t < q->thread_count && q->spd; t++) {
        const pln_spd_peer *p = peers ? peers->spd : NULL;
        bench_spd_line *l = &r->spd[r->spd_count];
        *l = (bench_spd_line){
            .peer = p ? p->name : NULL, .w = q->w, .h = q->h, .threads = q->threads[t]};
        PLN_TRY(pln_context_set_threads(ctx, q->threads[t]));
        PLN_TRY(bench_spd(ctx, p, rgb, q->w, q->h, q->repeat, &l->row));
        r->spd_count++;
    }
done:
    pln_free(rgb);
    return s;
}

/* Slope of log time over log pixels. */
static double exponent(const bench_line *lines, size_t n)
{
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < n; i++) {
        double x = log((double)lines[i].w * (double)lines[i].h), y = log(lines[i].row.own.median);
        sx += x, sy += y, sxx += x * x, sxy += x * y;
    }
    return ((double)n * sxy - sx * sy) / ((double)n * sxx - sx * sx);
}

static pln_status measure_sweep(pln_context *ctx, const struct request *q, bench_report *r)
{
    float *rgb = NULL;
    pln_status s = PLN_OK;

    for (size_t i = 0; i < q->method_count; i++)
        for (size_t t = 0; t < q->thread_count; t++) {
            size_t first = r->line_count;
            for (size_t k = 0; k < SWEEP_SIZES; k++) {
                PLN_TRY(bench_picture(ctx, sweep_sides[k], sweep_sides[k], &rgb));
                PLN_TRY(add_line(ctx, q, q->methods[i], NULL, rgb, sweep_sides[k], sweep_sides[k],
                                 q->threads[t], true, r));
                pln_free(rgb);
                rgb = NULL;
            }
            const bench_line *a = &r->lines[first], *b = &r->lines[r->line_count - 1];
            r->slopes[r->slope_count++] = (bench_slope){.method = a->method,
                                                        .threads = q->threads[t],
                                                        .from = 1e-6 * (double)(a->w * a->h),
                                                        .to = 1e-6 * (double)(b->w * b->h),
                                                        .exponent = exponent(a, SWEEP_SIZES)};
        }
done:
    pln_free(rgb);
    return s;
}

/* Rows for everything asked for. */
static pln_status make_room(pln_context *ctx, const struct request *q, const pln_peers *peers,
                            bench_report *r)
{
    size_t peer_count = 0, points = q->method_count * q->thread_count;
    pln_status s = PLN_OK;

    for (const pln_peer *p = peers ? peers->peers : NULL; p && p->method; p++) peer_count++;
    PLN_TRY(pln_alloc(ctx, points * (1 + peer_count + SWEEP_SIZES), sizeof *r->lines, &r->lines));
    PLN_TRY(pln_alloc(ctx, points, sizeof *r->slopes, &r->slopes));
    PLN_TRY(pln_alloc(ctx, q->thread_count, sizeof *r->spd, &r->spd));
done:
    return s;
}

/* ---- The command line ---- */

static int parse_size(const struct cli *cli, const char *text, struct request *q)
{
    char w[32];
    long long width, height;
    const char *x = strchr(text, 'x');

    if (x && (size_t)(x - text) < sizeof w) {
        snprintf(w, sizeof w, "%.*s", (int)(x - text), text);
        if (pln_parse_int(w, &width) && pln_parse_int(x + 1, &height) && width >= 1 &&
            height >= 1 && width <= MOST_SIDE && height <= MOST_SIDE) {
            q->w = (size_t)width;
            q->h = (size_t)height;
            return CLI_OK;
        }
    }
    return cli_fail(cli, CLI_EXIT_USAGE,
                    "--size: '%s' is not a size: expected for example 1024x768, up to %dx%d", text,
                    MOST_SIDE, MOST_SIDE);
}

static int parse_counts(const struct cli *cli, const char *text, struct request *q)
{
    /* The variable and the config say how many threads unless the flag --thread-counts does. */
    if (cli->threads &&
        (!strcmp(cli_origin(cli, "threads"), "flag") || !cli_given(cli, "thread-counts"))) {
        q->threads[q->thread_count++] = cli->threads;
        return CLI_OK;
    }
    for (const char *p = text;; p++) {
        char word[16];
        long long n;
        size_t length = strcspn(p, ",");
        if (length == 0 || length >= sizeof word || q->thread_count == MOST_COUNTS) break;
        snprintf(word, sizeof word, "%.*s", (int)length, p);
        if (!pln_parse_int(word, &n) || n < 1 || n > 256) break;
        q->threads[q->thread_count++] = (int)n;
        p += length;
        if (!*p) return CLI_OK;
    }
    return cli_fail(cli, CLI_EXIT_USAGE,
                    "--thread-counts: '%s' is no list of thread counts: expected up to %d numbers "
                    "in [1, 256], for "
                    "example 1,2,4",
                    text, MOST_COUNTS);
}

/* Of all methods, slow ones and networks without weights are left out. */
static bool can_run(pln_context *ctx, const pln_method *m)
{
    char *path = NULL;
    if (m->caps & PLN_CAP_SLOW) return false;
    bool found = !(m->caps & PLN_CAP_NET) || pnet_find_model(ctx, m->name, &path) == PLN_OK;
    pln_free(path);
    return found;
}

static int parse_methods(const struct cli *cli, pln_context *ctx, struct request *q)
{
    size_t n = 0;
    for (const pln_method *m = pln_method_first(ctx); m; m = pln_method_next(ctx, m)) n++;
    if (cli->args.count > n) n = cli->args.count;
    pln_status s = pln_alloc(ctx, n, sizeof *q->methods, &q->methods);
    if (s) return cli_fail_status(cli, ctx, s, NULL);
    for (size_t i = 0; i < cli->args.count; i++) {
        pln_params *params = NULL; /* for its message on unknown names */
        s = pln_params_new(ctx, cli->args.words[i].text, &params);
        if (s) return cli_fail_status(cli, ctx, s, NULL);
        q->methods[q->method_count++] = pln_params_method(params);
        pln_params_free(params);
    }
    for (const pln_method *m = pln_method_first(ctx); m && !cli->args.count;
         m = pln_method_next(ctx, m))
        if (can_run(ctx, m)) q->methods[q->method_count++] = m;
    return CLI_OK;
}

static int bench_command(struct cli *cli, void *values)
{
    const struct bench_values *v = values;
    struct request q = {.repeat = v->repeat, .spd = v->spd, .sweep = v->sweep, .fixed = v->fixed};
    bench_report report = {.commit = PLN_COMMIT};
    const pln_peers *peers = NULL;
    pln_context *ctx = NULL;
    char why[256];
    int code = cli_context(cli, 1, &ctx);
    pln_status s;

    if (!code && !v->fixed && !v->spd && !v->sweep)
        code = cli_fail(cli, CLI_EXIT_USAGE,
                        "--no-fixed: nothing is left to time: expected --system or --sweep");
    if (!code) code = parse_size(cli, v->size, &q);
    if (!code) code = parse_counts(cli, v->counts, &q);
    if (!code) code = parse_methods(cli, ctx, &q);
    if (code) goto done;
    bench_cpu(report.cpu);
    report.isa = pln_context_isa(ctx);
    report.processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (v->peers && !(peers = bench_load_peers(why))) report.no_peers = why;

    if ((s = make_room(ctx, &q, peers, &report)) || (s = measure_fixed(ctx, &q, peers, &report)) ||
        (q.sweep && (s = measure_sweep(ctx, &q, &report)))) {
        code = cli_fail_status(cli, ctx, s, NULL);
        goto done;
    }
    if (cli->json) {
        code = cli_json_print(cli, bench_json(&report), false);
    } else {
        bench_print(&report, v->markdown);
        code = cli_flush(cli);
    }
done:
    if (ctx) {
        pln_free(report.spd);
        pln_free(report.slopes);
        pln_free(report.lines);
        pln_free(q.methods);
    }
    pln_context_free(ctx);
    return code;
}

const struct cli_command cli_bench = {
    .name = "bench",
    .usage = "[METHOD...]",
    .summary = "times and ratios here",
    .description = "Times methods, all or those named, on a procedural picture in float RGB: "
                   "medians of wall time after one run "
                   "to warm up.\n\n"
                   "Where OpenCV's contrib modules or CHOLMOD are installed and planish was built "
                   "with its bench peers, each peer "
                   "is timed in turn with planish, in the same process, at parameters that mean "
                   "the same; the ratio is the peer's "
                   "time over planish's.",
    .examples = "planish bench\t# every method, with 1 and 2 threads\n"
                "planish bench bf gf --size 4000x3000 -t 2\t# two methods, one size, two threads\n"
                "planish bench rtv --no-fixed --system\t# the linear system of RTV\n"
                "planish bench gf --sweep --no-fixed\t# how time grows with the picture",
    .options = bench_options,
    .values_size = sizeof(struct bench_values),
    .args_min = 0,
    .args_max = 64,
    .arg_complete = "method",
    .run = bench_command,
};
