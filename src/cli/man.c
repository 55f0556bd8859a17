/* SPDX-License-Identifier: MIT */
/* planish man: manual pages from the tables, in roff. */
#include <ctype.h>
#include <glib.h>
#include <string.h>

#include "cli/cli.h"

struct man {
    char none; /* no flags of its own */
};

static const struct cli_option options[] = {CLI_OPTIONS_END};

/* Text in which roff finds no request, no escape and no ligature of its own. */
static void roff(const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
        start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\'')
            fputs("\\(aq", stdout);
        else if (*text == '~')
            fputs("\\(ti", stdout);
        else if (*text == '^')
            fputs("\\(ha", stdout);
        else
            putchar(*text);
    }
}

static void line(const char *text)
{
    roff(text);
    putchar('\n');
}

static void heading(const char *text) { printf(".SH %s\n", text); }

static void title(const char *name, const char *summary)
{
    char *page = g_ascii_strup(name, -1);
    printf(".\\\" Generated from the command's tables: do not edit.\n");
    printf(".TH %s 1 \"\" \"planish %s\" \"planish manual\"\n", page, pln_version());
    heading("NAME");
    /* "List the methods" -> "list the methods", as manual pages say it. */
    printf("%s \\- %c", name, tolower((unsigned char)summary[0]));
    line(summary + 1);
    g_free(page);
}

static void paragraphs(const char *text)
{
    char **all = g_strsplit(text, "\n\n", -1);
    for (char **p = all; *p; p++) {
        if (p != all) printf(".PP\n");
        line(*p);
    }
    g_strfreev(all);
}

static void option_items(const struct cli_option *o)
{
    for (; o->kind != CLI_END; o++) {
        char usage[160], init[80];
        if (o->kind == CLI_GROUP) {
            printf(".SS %s\n", o->help);
            continue;
        }
        cli_option_usage(o, usage);
        cli_option_default(o, init);
        printf(".TP\n.B ");
        line(g_strchug(usage));
        roff(o->help);
        if (*init) putchar(' ');
        roff(init);
        if (o->variable) printf("; variable %s", o->variable);
        printf(".\n");
    }
}

static void examples(const char *text)
{
    char **lines = g_strsplit(text, "\n", -1);
    heading("EXAMPLES");
    for (char **l = lines; *l; l++) {
        char *tab = strchr(*l, '\t');
        if (tab) *tab = 0;
        printf(".TP\n.B ");
        line(*l);
        line(tab ? tab + 1 + strspn(tab + 1, "# ") : "");
    }
    g_strfreev(lines);
}

static const struct {
    int code;
    const char *text;
} exits[] = {
    {CLI_OK, "all done"},
    {CLI_EXIT_SOME, "some items of a batch failed, each reported; the others are done"},
    {CLI_EXIT_USAGE, "unknown command, flag, method; a value out of range; a mistake in a config"},
    {CLI_EXIT_INPUT, "an input cannot be read, decoded, or does not fit"},
    {CLI_EXIT_OUTPUT, "the output cannot be written"},
    {CLI_EXIT_MEMORY, "a limit of memory or size"},
    {CLI_EXIT_UNAVAILABLE, "not available here: device, instruction set, part that was not built"},
    {CLI_EXIT_MODEL, "weights, recipe or manifest missing, damaged or of another kind"},
    {CLI_EXIT_CHECK, "a check that was asked for failed"},
    {CLI_EXIT_BUG, "a bug in planish"},
};

static void exit_codes(void)
{
    heading("EXIT STATUS");
    for (size_t i = 0; i < G_N_ELEMENTS(exits); i++)
        printf(".TP\n.B %d\n%s\n", exits[i].code, exits[i].text);
    printf(".TP\n.B 128+n\nended by signal n\n");
}

static void see_also(const struct cli_command *self)
{
    heading("SEE ALSO");
    printf(".BR planish (1)");
    for (size_t i = 0; cli_commands[i]; i++)
        if (cli_commands[i] != self) printf(",\n.BR planish\\-%s (1)", cli_commands[i]->name);
    putchar('\n');
}

static void command_page(const struct cli_command *c)
{
    char *name = g_strconcat("planish-", c->name, NULL);
    title(name, c->summary);
    heading("SYNOPSIS");
    printf(".B planish %s\n", c->name);
    line(c->usage);
    heading("DESCRIPTION");
    paragraphs(c->description);
    if (c->options->kind != CLI_END) {
        heading("OPTIONS");
        option_items(c->options);
    }
    if (c->settings) {
        heading("PARAMETERS OF THE METHODS");
        printf("Each is a flag with a value; \n.B planish methods\n.I NAME\ngives symbols, ranges "
               "and defaults.\n");
        for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
            printf(".TP\n.B %s\n", m->name);
            for (size_t i = 0; i < pln_method_param_count(m); i++) {
                roff(i ? " --" : "--");
                roff(pln_method_param(m, i)->flag);
            }
            putchar('\n');
        }
    }
    heading("OPTIONS OF ALL COMMANDS");
    option_items(cli_global_options);
    if (c->examples) examples(c->examples);
    exit_codes();
    see_also(c);
    g_free(name);
}

static void main_page(void)
{
    title("planish", "structure-preserving image smoothing");
    heading("SYNOPSIS");
    printf(".B planish\n");
    line("[FLAGS] COMMAND [ARGUMENTS]");
    heading("DESCRIPTION");
    paragraphs("Takes texture, noise and small detail out of pictures and leaves their edges.\n\n"
               "Options are GNU long options (--x V, --x=V; switches are undone by --no-x) and "
               "single letters, in any order; the last one wins; -- ends them; - is standard input "
               "or output. There are no abbreviated flags. Reals may be written as p/q.\n\n"
               "Results go to standard output, all else to standard error.");
    heading("COMMANDS");
    for (size_t i = 0; cli_commands[i]; i++) {
        printf(".TP\n.BR planish\\-%s (1)\n", cli_commands[i]->name);
        line(cli_commands[i]->summary);
    }
    heading("OPTIONS OF ALL COMMANDS");
    option_items(cli_global_options);
    heading("METHODS");
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
        printf(".TP\n.B %s\n", m->name);
        line(m->title);
    }
    exit_codes();
    heading("CONFIGURATION");
    paragraphs("A flag wins over a variable, that over --config FILE, that over the user's config, "
               "that over the default; -v tells where each value came from.\n\n"
               "A config is a key file: the group [planish] for the flags of all commands, a group "
               "for each command, one for each method with its parameters (used where neither a "
               "preset nor --strength is given). Unknown keys are errors.\n\n"
               "Variables besides those named above: PLANISH_ISA (baseline, avx2, avx512, amx: "
               "never above the machine), OMP_NUM_THREADS (an upper bound of PLANISH_THREADS), "
               "PLANISH_MODULES (a folder where planish_cuda.so, planish_mpi.so and "
               "planish_peers.so are looked for first), NO_COLOR.");
    heading("FILES");
    printf(".TP\n.I $XDG_CONFIG_HOME/planish/config\nthe user's config "
           "(~/.config/planish/config)\n");
    see_also(NULL);
}

static int run(struct cli *cli, void *values)
{
    (void)values;
    if (cli->args.count == 0) {
        main_page();
        return cli_flush(cli);
    }
    const char *name = cli->args.words[0].text;
    const struct cli_command *c = cli_find_command(name);
    if (!c)
        return cli_fail(cli, CLI_EXIT_USAGE, "unknown command '%s': 'planish --help' lists all",
                        name);
    command_page(c);
    return cli_flush(cli);
}

const struct cli_command cli_man = {
    .name = "man",
    .usage = "[COMMAND]",
    .summary = "Print a manual page",
    .description = "Prints the manual page of planish or of one of its commands, in roff, from the "
                   "tables that the command itself reads. Installed pages are made by this.",
    .examples = "planish man smooth | man -l -\tread it",
    .options = options,
    .values_size = sizeof(struct man),
    .args_max = 1,
    .arg_complete = "command",
    .run = run,
};
