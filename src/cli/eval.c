/* SPDX-License-Identifier: MIT */
/* planish eval: every method on a dataset, its parameters chosen on validation pairs, judged on
 * test pairs. */
#include "eval/eval.h"

#include <glib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cluster.h"

struct eval_values {
    const char *methods, *output, *shard;
    int limit, test_limit, points, pictures, jobs, by, quantize, precision;
    bool ensemble;
};

static const char *const by_names[] = {"psnr", "ssim-a", NULL};
static const char *const quantize_names[] = {"round", "truncate", NULL};
static const char *const precision_names[] = {"f32", "bf16", NULL};

#define OPTION(kind, member, ...) CLI_OPTION(kind, struct eval_values, member, __VA_ARGS__)

static const struct cli_option eval_options[] = {
    OPTION(CLI_TEXT, output, .letter = 'o', .name = "output", .arg = "DIR", .complete = "file",
           .help = "folder of the reports and of every score: a run that was stopped goes on"),
    OPTION(CLI_TEXT, methods, .name = "methods", .arg = "all|NAME[:PRESET],...", .init_text = "all",
           .help = "which methods, or presets of them as they are; all: but the slow ones and "
                   "networks without weights"),
    OPTION(CLI_INT, limit, .name = "limit", .arg = "N", .min = 0, .max = 1e6, .init = 40,
           .help = "validation pairs to choose parameters on, drawn by --seed; 0: all"),
    OPTION(CLI_INT, test_limit, .name = "test-limit", .arg = "N", .min = 0, .max = 1e6,
           .help = "test pairs, drawn by --seed; 0: all"),
    OPTION(CLI_INT, points, .name = "points", .arg = "N", .min = 0, .max = 1e6,
           .help = "points of each method's grid, evenly; 0: all"),
    OPTION(CLI_CHOICE, by, .name = "by", .choices = by_names,
           .help = "the score that chooses the parameters"),
    OPTION(CLI_CHOICE, quantize, .name = "quantize", .choices = quantize_names,
           .help = "how outputs become 8 bits; the scripts of Easy2Hard and CSGIS-Net truncate"),
    OPTION(CLI_CHOICE, precision, .name = "precision", .choices = precision_names, .rare = true,
           .help = "networks: of the values between layers"),
    OPTION(CLI_SWITCH, ensemble, .name = "ensemble", .rare = true,
           .help = "networks: mean of all eight flips and turns"),
    OPTION(CLI_INT, pictures, .name = "pictures", .arg = "N", .min = 0, .max = 1000, .init = 6,
           .help = "test pairs shown on the page"),
    OPTION(CLI_INT, jobs, .letter = 'j', .name = "jobs", .arg = "N", .min = 0, .max = 256,
           .init_text = "as many as threads",
           .help = "pictures at once; they share threads and memory"),
    OPTION(CLI_TEXT, shard, .name = "shard", .arg = "K/N",
           .help = "do part K of N and write no reports; under mpirun and in a Slurm array it is "
                   "found out"),
    CLI_OPTIONS_END,
};

struct command {
    const struct cli *cli;
    const struct eval_values *v;
    struct cli_cluster cluster;
    pln_context *ctx;
    pln_dataset *dataset;
    pln_eval *eval;
    int jobs;
};

/* ---- Work ---- */

struct crew {
    const struct command *c;
    struct cli_progress *progress;
    pln_phase phase;
    size_t *units, count;
    atomic_size_t next, done;
    atomic_int code;
};

static void *work(void *arg)
{
    struct crew *crew = arg;
    const struct cli *cli = crew->c->cli;
    struct pln_eval_worker worker = {0};
    pln_context *ctx = NULL;
    int code = cli_context(cli, crew->c->jobs, &ctx);

    if (code) atomic_store(&crew->code, code);
    while (!atomic_load(&crew->code)) {
        size_t i = atomic_fetch_add(&crew->next, 1);
        if (i >= crew->count) break;
        cli_progress_attach(crew->progress, ctx, i);
        pln_status s =
            cli_signal() ? PLN_E_CANCELLED
                         : pln_eval_unit(ctx, crew->c->eval, &worker, crew->phase, crew->units[i]);
        if (!s) atomic_fetch_add(&crew->done, 1);
        cli_progress_done(crew->progress, i);
        /* Only the first worker that fails says why. */
        int none = 0;
        code = cli_exit_code(s);
        if (code && atomic_compare_exchange_strong(&crew->code, &none, code) &&
            s != PLN_E_CANCELLED)
            cli_fail_status(cli, ctx, s, NULL);
    }
    pln_eval_worker_clear(&worker);
    pln_context_free(ctx);
    return NULL;
}

/* All units of this shard that are not done yet. */
static int run_phase(struct command *c, pln_phase phase)
{
    struct crew crew = {.c = c, .phase = phase};
    size_t jobs = (size_t)c->jobs;
    pln_status s = pln_eval_pending(c->ctx, c->eval, phase, &crew.units, &crew.count, NULL);
    if (s) return cli_fail_status(c->cli, c->ctx, s, NULL);
    cli_note(c->cli, 1, "%s: %zu scores to do", phase == PLN_TUNE ? "tuning" : "test", crew.count);
    GThread **threads = g_new0(GThread *, jobs);
    crew.progress = cli_progress_new(c->cli, crew.count);
    for (size_t i = 1; i < MIN(jobs, crew.count); i++)
        threads[i] = g_thread_try_new("eval", work, &crew, NULL);
    if (crew.count) work(&crew);
    for (size_t i = 1; i < jobs; i++)
        if (threads[i]) g_thread_join(threads[i]);
    cli_progress_free(crew.progress);
    g_free(threads);
    pln_free(crew.units);
    int code = atomic_load(&crew.code);
    if (code > CLI_EXIT_SIGNAL)
        cli_fail(c->cli, code, "stopped: %zu of %zu scores done: the same command goes on",
                 atomic_load(&crew.done), crew.count);
    return code;
}

/* Scores of a phase that no shard has done. */
static int missing(struct command *c, pln_phase phase, size_t *n)
{
    size_t *units = NULL, mine;
    pln_status s = pln_eval_reload(c->ctx, c->eval);
    if (!s) s = pln_eval_pending(c->ctx, c->eval, phase, &units, &mine, n);
    pln_free(units);
    return s ? cli_fail_status(c->cli, c->ctx, s, NULL) : CLI_OK;
}

/* ---- Results ---- */

static json_t *json_scores(const double scores[PLN_EVAL_SCORES])
{
    json_t *o = json_object();
    for (int q = 0; q < PLN_EVAL_SCORES; q++)
        json_object_set_new(o, pln_eval_score_names[q], json_real(scores[q]));
    return o;
}

static int show_json(const struct command *c)
{
    json_t *doc = json_object(), *rows = json_array();
    const struct pln_eval_row *r;
    size_t tune_of, test_of;
    for (size_t i = 0; (r = pln_eval_row(c->eval, i)); i++)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:o, s:o}", "method", r->method, "params",
                                              r->params, "mean", json_scores(r->mean), "std",
                                              json_scores(r->deviation)));
    json_object_set_new(doc, "schema", json_string("planish.eval/1"));
    json_object_set_new(doc, "dataset", json_string(pln_dataset_kind(c->dataset)));
    json_object_set_new(doc, "dataset_sha256", json_string(pln_dataset_hash(c->dataset)));
    json_object_set_new(doc, "tuning_points", json_integer((json_int_t)pln_eval_points(c->eval)));
    json_object_set_new(doc, "tuning_pairs",
                        json_integer((json_int_t)pln_eval_pairs(c->eval, PLN_TUNE, &tune_of)));
    json_object_set_new(doc, "test_pairs",
                        json_integer((json_int_t)pln_eval_pairs(c->eval, PLN_TEST, &test_of)));
    json_object_set_new(doc, "tuned_on",
                        json_string(pln_eval_tuned_on_test(c->eval) ? "test" : "val"));
    json_object_set_new(doc, "rows", rows);
    json_object_set_new(doc, "ok", json_true());
    return cli_json_print(c->cli, doc, false);
}

static int show(const struct command *c)
{
    const struct pln_eval_row *r;
    size_t tune_of, test_of, tune = pln_eval_pairs(c->eval, PLN_TUNE, &tune_of);
    size_t test = pln_eval_pairs(c->eval, PLN_TEST, &test_of);
    if (c->cli->json) return show_json(c);
    if (c->cli->quiet) return CLI_OK;
    size_t methods = pln_eval_methods(c->eval);
    printf("%s: %zu method%s, %zu tuning points on %zu of %zu %s pairs, %zu of %zu test pairs\n",
           pln_dataset_kind(c->dataset), methods, methods == 1 ? "" : "s", pln_eval_points(c->eval),
           tune, tune_of, pln_eval_tuned_on_test(c->eval) ? "test" : "validation", test, test_of);
    printf("%-9s %8s %7s %7s %7s %9s  %s\n", "method", "PSNR dB", "SSIM-A", "SSIM-B", "edges",
           "reversals", "parameters");
    for (size_t i = 0; (r = pln_eval_row(c->eval, i)); i++)
        printf("%-9s %8.3f %7.4f %7.4f %7.4f %9.4f%s%s\n", r->method, r->mean[PLN_EVAL_PSNR],
               r->mean[PLN_EVAL_SSIM_A], r->mean[PLN_EVAL_SSIM_B], r->mean[PLN_EVAL_EDGES],
               r->mean[PLN_EVAL_REVERSALS], *r->params ? "  " : "", r->params);
    printf("page: %s/index.html\n", c->v->output);
    return cli_flush(c->cli);
}

/* ---- The way through both phases ---- */

static int say_waiting(const struct command *c, const char *what, size_t n)
{
    if (c->cli->quiet) return CLI_OK;
    printf("part %zu of %zu: done; %zu %s scores of other parts are missing: when they have ended, "
           "run the same again\n",
           c->cluster.shard + 1, c->cluster.shards, n, what);
    return cli_flush(c->cli);
}

static int evaluate(struct command *c)
{
    size_t n;
    bool alone = c->cluster.shards == 1;
    int code = run_phase(c, PLN_TUNE);
    if (!code) cli_cluster_wait(&c->cluster);
    if (!code) code = missing(c, PLN_TUNE, &n);
    if (code) return code;
    if (n) return say_waiting(c, "tuning", n);
    pln_status s = pln_eval_choose(c->ctx, c->eval);
    if (s) return cli_fail_status(c->cli, c->ctx, s, NULL);
    code = run_phase(c, PLN_TEST);
    if (!code) cli_cluster_wait(&c->cluster);
    if (!code && !alone && !c->cluster.mpi) {
        if (c->cli->quiet) return CLI_OK;
        printf("part %zu of %zu: done; run without --shard to write the reports\n",
               c->cluster.shard + 1, c->cluster.shards);
        return cli_flush(c->cli);
    }
    if (code || c->cluster.shard) return code;
    code = missing(c, PLN_TEST, &n);
    if (code) return code;
    if (n)
        return cli_fail(c->cli, CLI_EXIT_INPUT,
                        "%zu test scores of other parts are missing: is %s one folder for all "
                        "machines?",
                        n, c->v->output);
    s = pln_eval_write(c->ctx, c->eval);
    return s ? cli_fail_status(c->cli, c->ctx, s, NULL) : show(c);
}

static int open_all(struct command *c)
{
    char **names = NULL;
    pln_eval_options o = {
        .folder = c->v->output,
        .tune_pairs = (size_t)c->v->limit,
        .test_pairs = (size_t)c->v->test_limit,
        .points = (size_t)c->v->points,
        .pictures = (size_t)c->v->pictures,
        .by_ssim = c->v->by == 1,
        .truncate = c->v->quantize == 1,
        .bf16 = c->v->precision == 1,
        .ensemble = c->v->ensemble,
        .shard = c->cluster.shard,
        .shards = c->cluster.shards,
    };
    pln_status s = pln_dataset_open(c->ctx, c->cli->args.words[0].text, &c->dataset);
    if (strcmp(c->v->methods, "all")) names = g_strsplit(c->v->methods, ",", -1);
    o.methods = (const char *const *)names;
    if (!s) s = pln_eval_new(c->ctx, c->dataset, &o, &c->eval);
    g_strfreev(names);
    if (!s && pln_eval_tuned_on_test(c->eval) && pln_eval_points(c->eval) && !c->cluster.shard)
        cli_warn(c->cli, "%s: no validation pairs: parameters are chosen on the test pairs",
                 c->cli->args.words[0].text);
    return s ? cli_fail_status(c->cli, c->ctx, s, NULL) : CLI_OK;
}

static int eval_run(struct cli *cli, void *values)
{
    struct command c = {.cli = cli, .v = values};

    if (!c.v->output)
        return cli_fail(cli, CLI_EXIT_USAGE, "-o is missing: where should the reports go?");
    int code = cli_cluster_begin(cli, c.v->shard, &c.cluster);
    if (code) return code;
    code = cli_context(cli, 1, &c.ctx);
    if (!code) {
        c.jobs = c.v->jobs ? c.v->jobs : pln_context_threads(c.ctx);
        if (c.cluster.from)
            cli_note(cli, 1, "part %zu of %zu, by %s", c.cluster.shard + 1, c.cluster.shards,
                     c.cluster.from);
        code = open_all(&c);
    }
    if (!code) code = evaluate(&c);
    pln_eval_free(c.eval);
    pln_dataset_free(c.dataset);
    pln_context_free(c.ctx);
    cli_cluster_end(&c.cluster, code);
    return code;
}

const struct cli_command cli_eval = {
    .name = "eval",
    .usage = "DATASET -o DIR [--methods all|NAME[:PRESET],...]",
    .summary = "all methods on a dataset: parameters chosen on validation, judged on test",
    .description =
        "Scores the points of each method's grid on validation pairs, takes the best point of each "
        "and scores it on the test pairs, beside the unfiltered input and what papers printed. "
        "Networks and presets (NAME:PRESET) have no grid and go to the test as they are.\n\n"
        "Writes to DIR: table.csv and table.md, scores.csv (every test picture), grid.csv (every "
        "point), index.html (all of it with pictures, in one file), and cache/ with every score. A "
        "score is keyed by method, parameters, weights, pixels and planish's version and is never "
        "computed "
        "twice: a run that was stopped goes on, another method computes only itself.\n\n"
        "Several machines: mpirun -n N planish eval ... does it at once. In a Slurm array each "
        "task "
        "does its part; run the array once more when all have ended (parameters are chosen now), "
        "then once without it for the reports. DIR must be one folder for all.",
    .examples = "planish eval sps/ -o results/\t# all methods\n"
                "planish eval sps/ -o results/ --methods rtv,l0 --limit 10\t# two, on few pairs\n"
                "planish eval sps/ -o results/ --methods rtv,rtv:mosaic,fan:texture\t# tuned, a "
                "preset, a network's variant\n"
                "planish eval sps/ -o results/ --shard 1/4\t# a quarter of the work\n"
                "mpirun -n 8 planish eval sps/ -o results/ -j 1\t# on eight machines",
    .options = eval_options,
    .values_size = sizeof(struct eval_values),
    .args_min = 1,
    .args_max = 1,
    .arg_complete = "file",
    .run = eval_run,
};
