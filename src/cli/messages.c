/* SPDX-License-Identifier: MIT */
/* Messages, exit codes, signals; contexts and parameters as the command line asks for them. */
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/progress.h"

/* ---- Messages ---- */

static bool coloured(void)
{
    const char *no = g_getenv("NO_COLOR"), *term = g_getenv("TERM");
    return !(no && *no) && isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

/* One line in one piece: several threads may have something to say. */
static void say(const char *kind, const char *colour, const char *format, va_list args)
{
    char *text = g_strdup_vprintf(format, args);
    bool colours = *kind && coloured();
    char *line = g_strdup_printf("planish: %s%s%s%s\n", colours ? colour : "", kind,
                                 colours ? "\033[0m" : "", text);
    cli_progress_hide();
    fputs(line, stderr);
    fflush(stderr);
    cli_progress_show();
    g_free(line);
    g_free(text);
}

int cli_fail(const struct cli *cli, int code, const char *format, ...)
{
    va_list args;
    (void)cli;
    va_start(args, format);
    say("error: ", "\033[1;31m", format, args);
    va_end(args);
    return code;
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
    va_list args;
    if (cli->quiet) return;
    va_start(args, format);
    say("warning: ", "\033[1;33m", format, args);
    va_end(args);
}

void cli_note(const struct cli *cli, int level, const char *format, ...)
{
    va_list args;
    if (cli->quiet || cli->verbose < level) return;
    va_start(args, format);
    say("", "", format, args);
    va_end(args);
}

int cli_exit_code(pln_status s)
{
    switch (s) {
    case PLN_OK:
        return CLI_OK;
    case PLN_E_ARG:
    case PLN_E_RANGE:
        return CLI_EXIT_USAGE;
    case PLN_E_SHAPE:
    case PLN_E_FORMAT:
    case PLN_E_READ:
        return CLI_EXIT_INPUT;
    case PLN_E_WRITE:
        return CLI_EXIT_OUTPUT;
    case PLN_E_MEMORY:
    case PLN_E_LIMIT:
        return CLI_EXIT_MEMORY;
    case PLN_E_UNSUPPORTED:
    case PLN_E_DEVICE:
        return CLI_EXIT_UNAVAILABLE;
    case PLN_E_MODEL:
        return CLI_EXIT_MODEL;
    case PLN_E_CANCELLED:
        return CLI_EXIT_SIGNAL + (cli_signal() ? cli_signal() : SIGINT);
    case PLN_E_INTERNAL:
        return CLI_EXIT_BUG;
    }
    return CLI_EXIT_BUG;
}

int cli_fail_status(const struct cli *cli, const pln_context *ctx, pln_status s, const char *what)
{
    const char *message = pln_context_message(ctx);
    if (!*message) message = pln_status_name(s);
    if (what && !g_str_has_prefix(message, what))
        return cli_fail(cli, cli_exit_code(s), "%s: %s", what, message);
    return cli_fail(cli, cli_exit_code(s), "%s", message);
}

/* ---- Signals ---- */

static volatile sig_atomic_t arrived;

static void on_signal(int number) { arrived = number; }

void cli_catch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    /* The first asks to stop, the second stops: the default action is back. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        struct sigaction old;
        /* nohup and shells with background jobs ignore some: leave it so. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

int cli_signal(void) { return (int)arrived; }

/* ---- Contexts ---- */

static void on_log(void *user, int level, const char *text)
{
    const struct cli *cli = user;
    if (level == 0)
        cli_warn(cli, "%s", text);
    else
        cli_note(cli, level, "%s", text);
}

static int on_progress(void *user, double fraction, const char *stage)
{
    (void)user;
    (void)fraction;
    (void)stage;
    return cli_signal();
}

int cli_context(const struct cli *cli, int share, pln_context **result)
{
    pln_context_options o = {.size = sizeof o,
                             .threads = cli->threads,
                             .seed = cli->seed,
                             .memory = cli->memory,
                             .device = cli->device};
    pln_context *ctx = NULL;

    pln_status s = pln_context_new_with(&o, &ctx);
    if (!s && share > 1) {
        int threads = pln_context_threads(ctx) / share;
        s = pln_context_set_threads(ctx, MAX(threads, 1));
        pln_context_set_memory(ctx, pln_memory_limit(ctx) / (uint64_t)share);
    }
    if (s) {
        int code = cli_fail_status(cli, ctx, s, NULL);
        pln_context_free(ctx);
        return code;
    }
    pln_context_on_log(ctx, on_log, (void *)cli);
    pln_context_on_progress(ctx, on_progress, NULL);
    *result = ctx;
    return CLI_OK;
}

/* ---- Parameters ---- */

/* The message starts with the parameter's name when its value is at fault: make it the flag. */
static int fail_param(const struct cli *cli, const pln_context *ctx, pln_status s,
                      const char *prefix, const char *flag)
{
    const char *message = pln_context_message(ctx);
    size_t n = strlen(flag);
    bool about_value = !strncmp(message, flag, n) && message[n] == ':';
    return cli_fail(cli, cli_exit_code(s), "%s%s", about_value ? prefix : "", message);
}

static int params_from_config(const struct cli *cli, pln_context *ctx, pln_params *p)
{
    const pln_method *m = pln_params_method(p);
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const char *flag = pln_method_param(m, i)->flag, *origin;
        const char *text = cli_config_param(cli, m->name, flag, &origin);
        if (!text) continue;
        pln_status s = pln_params_set(ctx, p, flag, text);
        if (s) {
            char *prefix = g_strdup_printf("%s: [%s] ", origin, m->name);
            int code = fail_param(cli, ctx, s, prefix, flag);
            g_free(prefix);
            return code;
        }
    }
    return CLI_OK;
}

int cli_params(const struct cli *cli, pln_context *ctx, const char *method, double strength,
               int from, int to, pln_params **result)
{
    pln_params *p = NULL;
    int code = CLI_OK;

    pln_status s = pln_params_new(ctx, method, &p);
    if (s) return cli_fail_status(cli, ctx, s, NULL);
    if (!strchr(method, ':') && strength < 0) code = params_from_config(cli, ctx, p);
    if (!code && strength >= 0 && (s = pln_params_strength(ctx, p, strength)))
        code = fail_param(cli, ctx, s, "--", "strength");
    for (size_t i = 0; i < cli->setting_count && !code; i++) {
        const struct cli_setting *one = &cli->settings[i];
        if (one->position < from || one->position >= to) continue;
        if ((s = pln_params_set(ctx, p, one->flag, one->value)))
            code = fail_param(cli, ctx, s, "--", one->flag);
    }
    if (code) {
        pln_params_free(p);
        return code;
    }
    *result = p;
    return CLI_OK;
}

void cli_note_params(const struct cli *cli, pln_context *ctx, const pln_params *params,
                     const char *method, double strength)
{
    const pln_method *m = pln_params_method(params);
    const char *preset = strchr(method, ':');
    if (cli->verbose < 1) return;
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const char *flag = pln_method_param(m, i)->flag, *origin = "default";
        char text[32];
        bool by_flag = false;
        if (pln_params_text(ctx, params, flag, text)) continue;
        for (size_t k = 0; k < cli->setting_count; k++)
            by_flag |= !strcmp(cli->settings[k].flag, flag);
        if (by_flag)
            origin = "flag";
        else if (strength >= 0)
            origin = "strength";
        else if (preset)
            origin = "preset";
        else
            cli_config_param(cli, m->name, flag, &origin);
        cli_note(cli, 1, "%s: %s = %s (%s)", m->name, flag, text, origin);
    }
}

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
