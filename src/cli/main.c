/* SPDX-License-Identifier: MIT */
/* planish: the list of commands, the flags that all of them take, and the way from argv to one of
 * them. */
#include <glib.h>
#include <signal.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "device/device.h"

const struct cli_command *const cli_commands[] = {
    &cli_smooth, &cli_methods, &cli_compare, &cli_metric, &cli_sample,     &cli_dataset, &cli_eval,
    &cli_train,  &cli_nets,    &cli_export,  &cli_bench,  &cli_completion, &cli_man,     NULL,
};

static const char *const progress_choices[] = {"auto", "none", "bar", "json", NULL};

const struct cli_option cli_global_options[] = {
    CLI_OPTION(CLI_SWITCH, struct cli, help, .letter = 'h', .name = "help",
               .help = "with -h the usual flags, with --help all"),
    CLI_OPTION(CLI_SWITCH, struct cli, version, .letter = 'V', .name = "version",
               .help = "version, built parts, instruction sets, devices"),
    CLI_OPTION(CLI_SWITCH, struct cli, quiet, .letter = 'q', .name = "quiet",
               .help = "only errors"),
    CLI_OPTION(CLI_COUNT, struct cli, verbose, .letter = 'v', .name = "verbose",
               .help = "say more: where each value comes from; twice: what the methods do"),
    CLI_OPTION(CLI_INT, struct cli, threads, .letter = 't', .name = "threads", .arg = "N", .min = 1,
               .max = 256, .init_text = "all processors", .variable = "PLANISH_THREADS",
               .help = "threads in all; the results are the same for any number"),
    CLI_OPTION(CLI_TEXT, struct cli, device, .name = "device", .arg = "auto|cpu|cuda[:N]",
               .init_text = "auto", .variable = "PLANISH_DEVICE", .rare = true,
               .help = "where networks, and methods that can, run; auto: on a GPU if there is one"),
    CLI_OPTION(CLI_UINT64, struct cli, seed, .name = "seed", .arg = "N", .rare = true,
               .help = "key of all random numbers"),
    CLI_OPTION(CLI_SIZE, struct cli, memory, .name = "memory", .arg = "SIZE",
               .init_text = "80 % of what is free", .variable = "PLANISH_MEMORY", .rare = true,
               .help = "most memory to use, as 512M or 4G"),
    CLI_OPTION(CLI_TEXT, struct cli, config, .name = "config", .arg = "FILE", .complete = "file",
               .rare = true, .help = "values for flags, before those of the user's own config"),
    CLI_OPTION(CLI_SWITCH, struct cli, json, .name = "json",
               .help = "results as JSON on standard output"),
    CLI_OPTION(CLI_CHOICE, struct cli, progress, .name = "progress", .choices = progress_choices,
               .rare = true, .help = "on standard error; a bar only on a terminal"),
    CLI_OPTIONS_END,
};

/* A GPU that was asked for and cannot be used ends the program before anything is read. */
static int check_device(const struct cli *cli)
{
    const char *origin = cli_origin(cli, "device");
    const char *label = strcmp(origin, "flag") ? origin : "--device";
    int device;
    if (!pln_parse_device(cli->device, &device))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "%s: '%s' is unknown: expected one of auto, cpu, cuda, cuda:N (default "
                        "auto)",
                        label, cli->device);
    if (device >= 0 && pln_device_check(NULL, device))
        return cli_fail(cli, CLI_EXIT_UNAVAILABLE, "%s: %s: expected auto or cpu", label,
                        pln_context_message(NULL));
    return CLI_OK;
}

/* OMP_NUM_THREADS is an upper bound of what a variable or a config asks for, not of the flag. */
static void bound_threads(struct cli *cli)
{
    long long bound;
    const char *omp = g_getenv("OMP_NUM_THREADS");
    if (!cli->threads || !strcmp(cli_origin(cli, "threads"), "flag")) return;
    if (omp && pln_parse_int(omp, &bound) && bound >= 1 && bound < cli->threads)
        cli->threads = (int)bound;
}

/* Libraries below have no say on standard error. */
static void on_glib_log(const char *domain, GLogLevelFlags level, const char *text, void *cli)
{
    (void)level;
    cli_note(cli, 2, "%s: %s", domain ? domain : "GLib", text);
}

static int run(struct cli *cli, void *values)
{
    if (cli->help) {
        cli_print_help(stdout, cli->command, !cli->help_short);
        return cli_flush(cli);
    }
    if (cli->version) return cli_print_version(cli);
    int code = cli_configure(cli, values);
    if (!code) code = cli_join_params(cli, values);
    if (!code) code = check_device(cli);
    if (code) return code;
    bound_threads(cli);
    cli_note_origins(cli, values);
    cli_catch_signals();
    return cli->command->run(cli, values);
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    void *values = NULL;
    g_log_set_default_handler(on_glib_log, &cli);
    int code = cli_parse(&cli, argc, argv, &values);
    if (!code) code = run(&cli, values);
    if (!code) code = cli_flush(&cli);
    cli_release(&cli, values);
    return code;
}
