/* SPDX-License-Identifier: MIT */
/* The option tables of the command: every option has a name of its own and a line of help, and no
 * parameter of a method is called like an option of a command that takes parameters. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#undef main

static int problems;

static void problem(const char *command, const char *option, const char *what)
{
    printf("%s: --%s: %s\n", command, option, what);
    problems++;
}

static void check_option(const char *command, const struct cli_option *o)
{
    if (!o->name) { /* a letter alone, as -h */
        if (!o->letter || !o->help) problem(command, "?", "neither a name nor a letter");
        return;
    }
    if (!*o->name) problem(command, "?", "an empty name");
    for (const char *p = o->name; *p; p++)
        if (!(islower((unsigned char)*p) ||
              (p > o->name && (isdigit((unsigned char)*p) || *p == '-'))))
            problem(command, o->name, "not of a-z, 0-9, -");
    if (strncmp(o->name, "no-", 3) == 0 && o->kind == CLI_SWITCH &&
        strcmp(o->name, "no-clobber") != 0)
        problem(command, o->name, "a switch is negated by --no-NAME");
    if (!o->help || !*o->help || o->help[strlen(o->help) - 1] == '.')
        problem(command, o->name, "help: one line without a full stop");
    bool value = o->kind != CLI_SWITCH && o->kind != CLI_COUNT && o->kind != CLI_CHOICE;
    if (value && !o->arg) problem(command, o->name, "help cannot name its value");
    if (o->kind == CLI_CHOICE && (!o->choices || !o->choices[0]))
        problem(command, o->name, "no choices");
    if ((o->kind == CLI_INT || o->kind == CLI_REAL) && !(o->min < o->max))
        problem(command, o->name, "no range");
}

static void check_distinct(const char *command, const struct cli_option *a,
                           const struct cli_option *b)
{
    if (a->name && b->name && strcmp(a->name, b->name) == 0) problem(command, a->name, "twice");
    if (a->letter && a->letter == b->letter)
        problem(command, a->name, "its letter is another option's");
}

static void check_command(const struct cli_command *c)
{
    if (!c->summary || !c->description || !c->usage || !c->run) problem(c->name, "", "incomplete");
    for (const struct cli_option *o = c->options; o->kind != CLI_END; o++) {
        if (o->kind == CLI_GROUP) continue;
        check_option(c->name, o);
        for (const struct cli_option *p = o + 1; p->kind != CLI_END; p++)
            if (p->kind != CLI_GROUP) check_distinct(c->name, o, p);
        for (const struct cli_option *p = cli_global_options; p->kind != CLI_END; p++)
            if (p->kind != CLI_GROUP) check_distinct(c->name, o, p);
    }
    if (!c->settings) return;
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m))
        for (size_t i = 0; i < pln_method_param_count(m); i++) {
            const char *flag = pln_method_param(m, i)->flag;
            const struct cli_option *const tables[] = {c->options, cli_global_options};
            for (int t = 0; t < 2; t++)
                for (const struct cli_option *o = tables[t]; o->kind != CLI_END; o++)
                    if (o->kind != CLI_GROUP && o->name && strcmp(o->name, flag) == 0)
                        problem(c->name, flag, "is a parameter of a method too");
            if (strncmp(flag, "no-", 3) == 0) problem(c->name, flag, "reads like a negated switch");
        }
}

int main(void)
{
    size_t n = 0;
    for (const struct cli_option *o = cli_global_options; o->kind != CLI_END; o++)
        if (o->kind != CLI_GROUP) check_option("planish", o);
    for (; cli_commands[n]; n++) {
        check_command(cli_commands[n]);
        if (cli_find_command(cli_commands[n]->name) != cli_commands[n])
            problem(cli_commands[n]->name, "", "not found");
    }
    if (n < 6) problem("planish", "", "fewer than six commands");
    return problems != 0;
}
