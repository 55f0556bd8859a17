/* SPDX-License-Identifier: MIT */
/* planish train: a network by a recipe; what a run has done. */
#include <glib.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cluster.h"
#include "cli/train.h"
#include "data/dataset.h"
#include "device/device.h"
#include "train/trainer.h"

static const char *const precisions[] = {"auto", "f32", "bf16", NULL};
static const char *const types[] = {"f16", "bf16", "f32", NULL};

static const struct cli_option options[] = {
    CLI_OPTION(CLI_TEXT, struct cli_train_values, output, .letter = 'o', .name = "output",
               .arg = "RUN", .complete = "file",
               .help = "folder of the run: checkpoints, log, best weights; else the file"),
    CLI_OPTION(CLI_TEXT, struct cli_train_values, data, .name = "data", .arg = "MANIFEST",
               .complete = "file",
               .help = "dataset: its folder or manifest.json; absent: the recipe's"),
    CLI_OPTION(CLI_LIST, struct cli_train_values, settings, .name = "set", .arg = "SECTION.KEY=V",
               .help = "instead of what the recipe says, e.g. optimiser.steps=1000"),
    CLI_OPTION(CLI_SWITCH, struct cli_train_values, resume, .name = "resume",
               .help = "go on from the newest checkpoint, as if never stopped"),
    CLI_OPTION(CLI_SWITCH, struct cli_train_values, tensorboard, .name = "tensorboard",
               .help = "write the log as an event file for TensorBoard too"),
    CLI_OPTION(CLI_CHOICE, struct cli_train_values, precision, .name = "precision",
               .choices = precisions, .rare = true,
               .help =
                   "of operands of convolutions, sums stay f32; auto: bf16 on a GPU and with AMX"),
    CLI_HEADING("Release"),
    CLI_OPTION(CLI_TEXT, struct cli_train_values, weights, .name = "weights", .arg = "FILE",
               .complete = "file", .help = "instead of the run's best.safetensors"),
    CLI_OPTION(CLI_CHOICE, struct cli_train_values, type, .name = "type", .choices = types,
               .help = "of the values; statistics of normalisation stay f32"),
    CLI_OPTION(CLI_TEXT, struct cli_train_values, terms, .name = "data-terms", .arg = "TEXT",
               .help = "under which terms the data may be used: stands in the card"),
    CLI_OPTION(CLI_TEXT, struct cli_train_values, results, .name = "results", .arg = "TABLE",
               .complete = "file", .help = "table.csv of planish eval: the test scores"),
    CLI_OPTIONS_END,
};

struct reporter {
    const struct cli *cli;
    const pln_judge *judge;
    const struct cli_cluster *cluster;
    bool terminal;
    double mean_seconds;
};

/* Set by the handlers that cli_context installs would stop a call at once: here a step is finished
 * and saved first. */
static volatile sig_atomic_t asked;
static void on_signal(int number) { asked = number; }

/* ---- Several processes ---- */

static pln_status sum(void *user, float *values, size_t n)
{
    const struct cli_cluster *c = user;
    return c->mpi->sum(values, n) ? PLN_E_DEVICE : PLN_OK;
}

static pln_status summed(void *user)
{
    const struct cli_cluster *c = user;
    return c->mpi->summed() ? PLN_E_DEVICE : PLN_OK;
}

/* A signal to one of them stops all after the same step. */
static int stop(const struct reporter *r)
{
    float any = asked;
    if (!r->cluster->mpi) return asked;
    if (r->cluster->mpi->sum(&any, 1) || r->cluster->mpi->summed()) return asked;
    if (any > 0 && !asked) asked = SIGTERM;
    return asked;
}

/* ---- Reporting ---- */

static int report(void *user, const pln_training_state *st)
{
    struct reporter *r = user;
    if (r->cluster->shard) return stop(r);
    r->mean_seconds =
        r->mean_seconds > 0 ? 0.95 * r->mean_seconds + 0.05 * st->seconds : st->seconds;
    double left = r->mean_seconds * (double)(st->steps - st->step);
    if (r->cli->json && st->validated) {
        printf("{\"step\":%llu,\"steps\":%llu,\"loss\":%.9g", (unsigned long long)st->step,
               (unsigned long long)st->steps, st->loss);
        for (int i = 0; i < 2 && r->judge->key[i]; i++)
            printf(",\"%s\":%.6f", r->judge->key[i], st->scores[i]);
        printf("}\n");
    }
    if (r->terminal && !r->cli->quiet)
        fprintf(stderr,
                "\r%llu/%llu  loss %.5f  %.1f pictures/s  %.0f min left  best %.4g %s \x1b[K",
                (unsigned long long)st->step, (unsigned long long)st->steps, st->loss,
                (double)st->samples / r->mean_seconds, left / 60, st->best, r->judge->unit[0]);
    if (st->validated) {
        if (r->terminal && !r->cli->quiet) fprintf(stderr, "\n");
        char scores[64];
        pln_scores_text(r->judge, st->scores, scores);
        cli_note(r->cli, 0, "step %llu: loss %.5f, validation %s", (unsigned long long)st->step,
                 st->loss, scores);
    }
    fflush(stdout);
    return stop(r);
}

/* ---- Status ---- */

static json_t *line_json(const pln_history_line *l)
{
    json_t *o = json_pack("{s:I, s:f, s:f, s:f}", "step", (json_int_t)l->step, "loss", l->loss,
                          "rate", l->rate, "seconds", l->seconds);
    for (int i = 0; o && l->judge && i < 2 && l->judge->key[i]; i++)
        json_object_set_new(o, l->judge->key[i], json_real(l->scores[i]));
    return o;
}

static void print_status(const char *run, const pln_history *h)
{
    if (!h->count) {
        printf("%s: no step yet\n", run);
        return;
    }
    const pln_history_line *last = &h->lines[h->count - 1], *best = &h->lines[h->best];
    printf("%s: step %llu, loss %.5f\n", run, (unsigned long long)last->step, last->loss);
    if (h->best == h->count) return;
    char scores[64];
    pln_scores_text(best->judge, best->scores, scores);
    printf("best: step %llu, %s\n", (unsigned long long)best->step, scores);
}

static int status(const struct cli *cli, const char *run)
{
    pln_context *ctx = NULL;
    pln_history h = {0};
    int code = cli_context(cli, 1, &ctx);
    if (code) return code;
    pln_status s = pln_history_read(ctx, run, &h);
    if (s)
        code = cli_fail_status(cli, ctx, s, NULL);
    else if (cli->json)
        code =
            cli_json_print(cli,
                           json_pack("{s:s, s:s, s:o*, s:o*}", "schema", "planish.train/1", "run",
                                     run, "last", h.count ? line_json(&h.lines[h.count - 1]) : NULL,
                                     "best", h.best < h.count ? line_json(&h.lines[h.best]) : NULL),
                           false);
    else
        print_status(run, &h);
    pln_history_free(&h);
    pln_context_free(ctx);
    return code ? code : cli_flush(cli);
}

/* ---- Command ---- */

/* Processes of a group take one GPU after the other, unless the flag names one. */
static pln_status share_devices(const struct cli *cli, pln_context *ctx,
                                const struct cli_cluster *cluster)
{
    int count = pln_device_of(ctx) == PLN_DEVICE_CPU ? 0 : pln_device_count();
    char name[32];
    if (!cluster->mpi || !count || strchr(cli->device, ':')) return PLN_OK;
    g_snprintf(name, sizeof name, "cuda:%d", (int)(cluster->shard % (size_t)count));
    return pln_context_set_device(ctx, name);
}

static pln_status train_with(struct cli *cli, const struct cli_train_values *o,
                             const pln_recipe *recipe, pln_context *ctx,
                             const struct cli_cluster *cluster, int *code)
{
    struct reporter reporter = {.cli = cli,
                                .judge = pln_judge_of(recipe),
                                .cluster = cluster,
                                .terminal = isatty(STDERR_FILENO)};
    const pln_group group = {.rank = cluster->shard,
                             .world = cluster->shards,
                             .user = (void *)cluster,
                             .sum = sum,
                             .wait = summed};
    const char *data = o->data ? o->data : recipe->manifest;
    pln_dataset *dataset = NULL;
    pln_status s = PLN_OK;

    if (!*data) {
        *code = cli_fail(cli, CLI_EXIT_USAGE,
                         "train: the recipe names no dataset: --data MANIFEST does");
        return PLN_OK;
    }
    PLN_TRY(pln_dataset_open(ctx, data, &dataset));
    const pln_trainer_options how = {.recipe = recipe,
                                     .dataset = dataset,
                                     .run = o->output,
                                     .resume = o->resume,
                                     .events = o->tensorboard,
                                     .seed = pln_context_seed(ctx),
                                     .precision = (pln_precision)o->precision,
                                     .group = cluster->mpi ? &group : NULL,
                                     .report = report,
                                     .user = &reporter};
    PLN_TRY(share_devices(cli, ctx, cluster));
    s = pln_train(ctx, &how);
done:
    pln_dataset_free(dataset);
    return s;
}

static int train(struct cli *cli, const struct cli_train_values *o, const char *path)
{
    struct cli_cluster cluster = {.shards = 1};
    const char *settings[64];
    pln_context *ctx = NULL;
    pln_recipe recipe = {0};
    pln_status s = PLN_OK;
    size_t n = 0;

    if (!o->output)
        return cli_fail(cli, CLI_EXIT_USAGE, "train: no folder for the run: -o names one");
    if (o->settings.count > G_N_ELEMENTS(settings))
        return cli_fail(cli, CLI_EXIT_USAGE, "--set: at most %zu times", G_N_ELEMENTS(settings));
    for (; n < o->settings.count; n++) settings[n] = o->settings.words[n].text;
    int code = cli_context(cli, 1, &ctx);
    if (code) return code;
    struct sigaction old_int, old_term, action = {.sa_handler = on_signal};
    asked = 0;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    pln_context_on_progress(ctx, NULL, NULL); /* a step is not left half done */
    if ((s = pln_recipe_load(ctx, path, settings, n, &recipe))) goto done;
    if ((code = cli_cluster_begin(cli, NULL, &cluster))) goto done;
    if (!cluster.mpi) cluster = (struct cli_cluster){.shards = 1}; /* an array shares no training */
    s = train_with(cli, o, &recipe, ctx, &cluster, &code);
done:
    if (s == PLN_E_CANCELLED && asked) {
        if (!cluster.shard) cli_note(cli, 0, "%s", pln_context_message(ctx));
        code = 128 + asked;
    } else if (s) {
        code = cli_fail_status(cli, ctx, s, NULL);
    }
    cli_cluster_end(&cluster, s == PLN_E_CANCELLED ? 0 : code);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    pln_recipe_free(&recipe);
    pln_context_free(ctx);
    return code;
}

/* Flags that another verb takes are not passed over. */
static int check_flags(const struct cli *cli, const char *verb)
{
    static const struct {
        const char *flag, *verbs;
    } of[] = {
        {"output", " train report release "},
        {"data", " train report release "},
        {"set", " train "},
        {"resume", " train "},
        {"tensorboard", " train "},
        {"precision", " train "},
        {"weights", " release "},
        {"type", " release "},
        {"data-terms", " release "},
        {"results", " release "},
    };
    char spaced[32];
    snprintf(spaced, sizeof spaced, " %s ", verb);
    for (size_t i = 0; i < G_N_ELEMENTS(of); i++)
        if (cli_given(cli, of[i].flag) && !strstr(of[i].verbs, spaced))
            return cli_fail(cli, CLI_EXIT_USAGE, "--%s: not of '%s': 'planish help train'",
                            of[i].flag, verb);
    return CLI_OK;
}

static int run(struct cli *cli, void *values)
{
    static const char *const verbs[] = {"status", "report", "release", NULL};
    const char *first = cli->args.words[0].text,
               *second = cli->args.count == 2 ? cli->args.words[1].text : NULL;
    size_t k = 0;
    while (verbs[k] && strcmp(verbs[k], first)) k++;
    if (!verbs[k] == (second != NULL))
        return cli_fail(
            cli, CLI_EXIT_USAGE,
            "train: expected RECIPE -o RUN, status RUN, report RUN, or release RUN -o FILE: "
            "'planish help train'");
    int code = check_flags(cli, verbs[k] ? verbs[k] : "train");
    if (code) return code;
    if (!verbs[k]) return train(cli, values, first);
    if (!strcmp(first, "report")) return cli_train_report(cli, values, second);
    if (!strcmp(first, "release")) return cli_train_release(cli, values, second);
    return status(cli, second);
}

const struct cli_command cli_train = {
    .name = "train",
    .usage = "RECIPE -o RUN [--data MANIFEST] [--resume] | status RUN | report RUN | release RUN "
             "-o FILE",
    .summary = "Train a network by a recipe",
    .description =
        "A recipe is a key file: network, data, optimiser, losses, validation; recipes/ holds "
        "those of "
        "the papers. RUN becomes a folder with recipe.ini, log.jsonl (a line a step), the last two "
        "checkpoints and best.safetensors, the weights that scored best in validation: what "
        "'planish smooth --weights' takes.\n\n"
        "Interrupted (Ctrl-C), the running step is finished and saved; --resume goes on, with the "
        "same "
        "bytes as if it had never stopped.\n\n"
        "Under mpirun every process takes its part of each batch and gradients are averaged; the "
        "first one validates, saves and reports.\n\n"
        "On a GPU (--device) whole steps run there; checkpoints are the same as the CPU's, and a "
        "run may go on on another device.\n\n"
        "status: the last step and the best. report: a page that needs no other file, -o or "
        "RUN/report.html: figures, curves, the recipe, and validation pairs through the best "
        "weights (of --data, or of the recipe's dataset); -o FILE.svg: its curves; -o FILE.md: the "
        "validations as a table. release: best.safetensors rounded, with its scores, for others to "
        "use, and beside it a model card: the data (with --data), recipe, steps, hours, hardware, "
        "scores. Put into a folder of models as NAME.safetensors, 'planish smooth -m NAME' finds "
        "it.",
    .examples =
        "planish dataset make sps --photos photos/ -o sps/\ta dataset\n"
        "planish train recipes/sasnet.ini --data sps/ -o run/\tfrom the start\n"
        "planish train recipes/sasnet.ini --data sps/ -o run/ --resume\tgo on\n"
        "mpirun -n 2 planish train recipes/sasnet.ini --data sps/ -o run/\tby two processes\n"
        "planish train status run/\twhere it is\n"
        "planish train report run/ --data sps/\tcurves and pictures: run/report.html\n"
        "planish train release run/ --data sps/ --results eval/table.csv -o "
        "models/sasnet.safetensors\tweights and card",
    .options = options,
    .values_size = sizeof(struct cli_train_values),
    .args_min = 1,
    .args_max = 2,
    .arg_complete = "file",
    .run = run,
};
