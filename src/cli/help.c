/* SPDX-License-Identifier: MIT */
/* --help from the option tables. */
#include <glib.h>
#include <string.h>

#include "cli/cli.h"

enum { COLUMN = 34, WIDTH = 100 };

/* Words of text from column `indent` on, the cursor at column `at`. */
static void wrap(FILE *f, const char *text, int at, int indent)
{
    int column = at;
    while (*text) {
        size_t n = strcspn(text, " \n");
        int length = (int)g_utf8_strlen(text, (gssize)n);
        if (column > indent && column + 1 + length > WIDTH) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', f);
            column++;
        } else {
            fprintf(f, "%*s", indent - column, "");
            column = indent;
        }
        fwrite(text, 1, n, f);
        column += length;
        text += n;
        text += strspn(text, " \n");
    }
    fputc('\n', f);
}

static void paragraphs(FILE *f, const char *text)
{
    char **all = g_strsplit(text, "\n\n", -1);
    for (char **p = all; *p; p++) {
        fputc('\n', f);
        wrap(f, *p, 0, 0);
    }
    g_strfreev(all);
}

static void option_line(FILE *f, const struct cli_option *o)
{
    char usage[160], init[80];
    cli_option_usage(o, usage);
    cli_option_default(o, init);
    char *text =
        g_strdup_printf("%s%s%s%s%s%s", o->help, *init ? " " : "", init, o->variable ? " [" : "",
                        o->variable ? o->variable : "", o->variable ? "]" : "");
    int at = fprintf(f, "  %s", usage);
    if (at >= COLUMN - 1) {
        fputc('\n', f);
        at = 0;
    }
    wrap(f, text, at, COLUMN);
    g_free(text);
}

/* A heading is written with its first option. */
static void option_lines(FILE *f, const struct cli_option *o, const char *heading, bool all)
{
    for (; o->kind != CLI_END; o++) {
        if (o->kind == CLI_GROUP) {
            heading = o->help;
            continue;
        }
        if (o->rare && !all) continue;
        if (heading) fprintf(f, "\n%s:\n", heading);
        heading = NULL;
        option_line(f, o);
    }
}

static void method_flags(FILE *f)
{
    fprintf(f, "\nParameters of the methods ('planish methods NAME' explains them):\n");
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
        GString *flags = g_string_new(NULL);
        for (size_t i = 0; i < pln_method_param_count(m); i++)
            g_string_append_printf(flags, "%s--%s", i ? " " : "", pln_method_param(m, i)->flag);
        int at = fprintf(f, "  %s", m->name);
        wrap(f, flags->str, at, 10);
        g_string_free(flags, TRUE);
    }
}

static void overview(FILE *f, bool all)
{
    fprintf(f, "Usage: planish [FLAGS] COMMAND [ARGUMENTS]\n\nStructure-preserving image "
               "smoothing.\n\nCommands:\n");
    for (size_t i = 0; cli_commands[i]; i++)
        fprintf(f, "  %-12s%s\n", cli_commands[i]->name, cli_commands[i]->summary);
    option_lines(f, cli_global_options, "Flags of all commands", all);
    fprintf(f, "\n'planish COMMAND --help' explains a command, 'planish methods' lists the "
               "methods.\n");
}

void cli_print_help(FILE *f, const struct cli_command *c, bool all)
{
    if (!c) {
        overview(f, all);
        return;
    }
    fprintf(f, "Usage: planish %s%s%s\n", c->name, *c->usage ? " " : "", c->usage);
    if (all)
        paragraphs(f, c->description);
    else
        fprintf(f, "\n%s.\n", c->summary);
    option_lines(f, c->options, "Flags", all);
    if (all && c->settings) method_flags(f);
    option_lines(f, cli_global_options, "Flags of all commands", all);
    if (c->examples) {
        char **lines = g_strsplit(c->examples, "\n", -1);
        fprintf(f, "\nExamples:\n");
        for (char **line = lines; *line; line++) {
            char *tab = strchr(*line, '\t');
            if (tab) *tab = 0;
            fprintf(f, "  %s\n", *line);
            if (tab) fprintf(f, "      %s\n", tab + 1 + strspn(tab + 1, "# "));
        }
        g_strfreev(lines);
    }
    if (!all) fprintf(f, "\n'planish %s --help' lists all flags.\n", c->name);
}
