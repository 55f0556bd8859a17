/* SPDX-License-Identifier: MIT */
/* The command line, parsed by the option tables: GNU long options, short letters, "--" ends
 * options, the last one wins, no abbreviations (scripts must survive new flags). */
#include <glib.h>
#include <string.h>

#include "cli/cli.h"

/* ---- Tables ---- */

/* The NULL-terminated names of a list that grows. */
static void add_name(GPtrArray *names, const char *name) { g_ptr_array_add(names, (void *)name); }

const pln_param *cli_any_param(size_t i)
{
    /* A parameter counts at its first method. */
    size_t n = 0;
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m))
        for (size_t j = 0; j < pln_method_param_count(m); j++) {
            const pln_param *p = pln_method_param(m, j);
            bool seen = false;
            for (const pln_method *q = pln_method_first(NULL); q != m && !seen;
                 q = pln_method_next(NULL, q))
                for (size_t k = 0; k < pln_method_param_count(q) && !seen; k++)
                    seen = !strcmp(pln_method_param(q, k)->flag, p->flag);
            if (!seen && n++ == i) return p;
        }
    return NULL;
}

static const pln_param *find_param(const char *flag)
{
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m))
        for (size_t i = 0; i < pln_method_param_count(m); i++)
            if (!strcmp(pln_method_param(m, i)->flag, flag)) return pln_method_param(m, i);
    return NULL;
}

static const struct cli_option *find_long(const struct cli_option *o, const char *name)
{
    for (; o->kind != CLI_END; o++)
        if (o->name && !strcmp(o->name, name)) return o;
    return NULL;
}

static const struct cli_option *find_letter(const struct cli_option *o, char letter)
{
    for (; o->kind != CLI_END; o++)
        if (o->letter && o->letter == letter) return o;
    return NULL;
}

/* An option and the struct its member is in. */
struct target {
    const struct cli_option *option;
    void *base;
};

static bool takes_value(const struct cli_option *o)
{
    return o->kind != CLI_SWITCH && o->kind != CLI_COUNT;
}

const struct cli_command *cli_find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (!strcmp(cli_commands[i]->name, name)) return cli_commands[i];
    return NULL;
}

/* ---- Help on options ---- */

static size_t put(char *text, size_t size, size_t n, const char *more)
{
    size_t length = strlen(more);
    if (n + length >= size) length = size - n - 1;
    memcpy(text + n, more, length);
    text[n + length] = 0;
    return n + length;
}

void cli_option_usage(const struct cli_option *o, char text[160])
{
    char letter[8] = {'-', o->letter, 0};
    size_t n = put(text, 160, 0, o->letter ? letter : "    ");
    if (o->name) {
        n = put(text, 160, n, o->letter ? ", --" : "--");
        /* A switch that is on by default is only ever cleared. */
        if (o->kind == CLI_SWITCH && o->init != 0) n = put(text, 160, n, "no-");
        n = put(text, 160, n, o->name);
    }
    if (!takes_value(o)) return;
    n = put(text, 160, n, " ");
    if (o->kind != CLI_CHOICE) {
        put(text, 160, n, o->arg ? o->arg : "N");
        return;
    }
    for (int i = 0; o->choices[i]; i++) {
        n = put(text, 160, n, i ? "|" : "");
        n = put(text, 160, n, o->choices[i]);
    }
}

void cli_option_default(const struct cli_option *o, char text[80])
{
    char number[32];
    text[0] = 0;
    if (o->init_text) {
        g_snprintf(text, 80, "(default %s)", o->init_text);
    } else if (o->kind == CLI_CHOICE) {
        g_snprintf(text, 80, "(default %s)", o->choices[(int)o->init]);
    } else if (o->kind == CLI_INT || o->kind == CLI_REAL || o->kind == CLI_UINT64) {
        pln_format_real(o->init, number);
        g_snprintf(text, 80, "(default %s)", number);
    }
}

/* "expected an integer in [1, 256] (default automatic)" */
static void expected(const struct cli_option *o, char text[320])
{
    char min[32], max[32], init[80];
    cli_option_default(o, init);
    pln_format_real(o->min, min);
    pln_format_real(o->max, max);
    if (o->kind == CLI_UINT64)
        g_snprintf(text, 320, "expected a whole number from 0 to 2^64 - 1");
    else if (o->kind == CLI_SIZE)
        g_snprintf(text, 320, "expected a size as 512M, 4G or a number of bytes");
    else if (o->kind == CLI_SWITCH)
        g_snprintf(text, 320, "expected true or false");
    else if (o->kind == CLI_CHOICE) {
        char list[200];
        size_t n = 0;
        for (int i = 0; o->choices[i]; i++) {
            n = put(list, sizeof list, n, i ? ", " : "");
            n = put(list, sizeof list, n, o->choices[i]);
        }
        g_snprintf(text, 320, "expected one of %s", list);
    } else
        g_snprintf(text, 320, "expected %s in %c%s, %s]",
                   o->kind == CLI_REAL ? "a real" : "an integer", o->min_open ? '(' : '[', min,
                   max);
    if (*init) {
        g_strlcat(text, " ", 320);
        g_strlcat(text, init, 320);
    }
}

/* ---- Values ---- */

static int store_number(const struct cli *cli, const struct cli_option *o, void *member,
                        const char *label, const char *text)
{
    char want[320];
    long long whole = 0;
    double v;

    expected(o, want);
    bool is_real = o->kind == CLI_REAL;
    bool ok = is_real ? pln_parse_real(text, &v) : pln_parse_int(text, &whole);
    if (!ok)
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: '%s' is not %s: %s", label, text,
                        is_real ? "a number" : "an integer", want);
    if (!is_real) v = (double)whole;
    if (v < o->min || v > o->max || (o->min_open && v == o->min))
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: %s is out of range: %s", label, text, want);
    if (is_real)
        *(double *)member = v;
    else
        *(int *)member = (int)whole;
    return CLI_OK;
}

static bool parse_switch(const char *text, bool *on)
{
    static const char *const yes[] = {"true", "yes", "on", "1", NULL}, *const no[] = {"false", "no",
                                                                                      "off", "0",
                                                                                      NULL};
    for (size_t i = 0; yes[i]; i++) {
        if (!strcmp(text, yes[i])) return *on = true, true;
        if (!strcmp(text, no[i])) return *on = false, true;
    }
    return false;
}

static bool parse_uint64(const char *text, uint64_t *value)
{
    guint64 v;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &v, NULL)) return false;
    *value = v;
    return true;
}

static void append_word(struct cli_list *list, const char *text, int position)
{
    list->words = g_renew(struct cli_word, list->words, list->count + 1);
    list->words[list->count++] = (struct cli_word){text, position};
}

int cli_store(const struct cli *cli, const struct cli_option *o, void *base, const char *label,
              const char *text)
{
    void *member = (char *)base + o->offset;
    char want[320];

    expected(o, want);
    if (!*text) return cli_fail(cli, CLI_EXIT_USAGE, "%s: the value is empty", label);
    switch (o->kind) {
    case CLI_SWITCH:
        if (parse_switch(text, member)) return CLI_OK;
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: '%s' is unknown: %s", label, text, want);
    case CLI_TEXT:
        *(const char **)member = text;
        return CLI_OK;
    case CLI_LIST:
        append_word(member, text, 0);
        return CLI_OK;
    case CLI_COUNT:
    case CLI_INT:
    case CLI_REAL:
        return store_number(cli, o, member, label, text);
    case CLI_UINT64:
        if (parse_uint64(text, member)) return CLI_OK;
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: '%s' is not a whole number: %s", label, text,
                        want);
    case CLI_SIZE:
        if (pln_parse_size(text, member)) return CLI_OK;
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: '%s' is not a size: %s", label, text, want);
    case CLI_CHOICE:
        for (int i = 0; o->choices[i]; i++)
            if (!strcmp(o->choices[i], text)) return *(int *)member = i, CLI_OK;
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: '%s' is unknown: %s", label, text, want);
    case CLI_END:
    case CLI_GROUP:
        break;
    }
    return cli_fail(cli, CLI_EXIT_BUG, "%s: this option has no kind", label);
}

static void store_defaults(const struct cli_option *o, void *base)
{
    for (; o->kind != CLI_END; o++) {
        void *member = (char *)base + o->offset;
        switch (o->kind) {
        case CLI_SWITCH:
            *(bool *)member = o->init != 0;
            break;
        case CLI_COUNT:
        case CLI_CHOICE:
        case CLI_INT:
            *(int *)member = (int)o->init;
            break;
        case CLI_TEXT:
            *(const char **)member = o->init_text;
            break;
        case CLI_REAL:
            *(double *)member = o->init;
            break;
        case CLI_UINT64:
        case CLI_SIZE:
            *(uint64_t *)member = (uint64_t)o->init;
            break;
        case CLI_LIST:
            *(struct cli_list *)member = (struct cli_list){NULL, 0};
            break;
        case CLI_END:
        case CLI_GROUP:
            break;
        }
    }
}

static void free_lists(const struct cli_option *o, void *base)
{
    for (; o->kind != CLI_END; o++)
        if (o->kind == CLI_LIST) g_free(((struct cli_list *)((char *)base + o->offset))->words);
}

void cli_release(struct cli *cli, void *values)
{
    if (values) free_lists(cli->command->options, values);
    g_free(values);
    g_free(cli->args.words);
    g_free(cli->settings);
    cli_values_free(cli->set);
}

/* ---- Words of the command line ---- */

struct parser {
    struct cli *cli;
    void *values;
    char **argv;
    int argc, i; /* i: the word at hand */
};

static struct target look_up(const struct parser *p, const char *name, char letter)
{
    const struct cli_option *o = NULL;
    if (p->cli->command) {
        const struct cli_option *own = p->cli->command->options;
        o = name ? find_long(own, name) : find_letter(own, letter);
        if (o) return (struct target){o, p->values};
    }
    o = name ? find_long(cli_global_options, name) : find_letter(cli_global_options, letter);
    return (struct target){o, p->cli};
}

static int unknown_flag(const struct parser *p, const char *name)
{
    const struct cli_command *command = p->cli->command;
    GPtrArray *names = g_ptr_array_new();
    if (command) {
        for (const struct cli_option *o = command->options; o->kind != CLI_END; o++)
            if (o->name) add_name(names, o->name);
        const pln_param *q;
        for (size_t i = 0; command->settings && (q = cli_any_param(i)); i++)
            add_name(names, q->flag);
    }
    for (const struct cli_option *o = cli_global_options; o->kind != CLI_END; o++)
        if (o->name) add_name(names, o->name);
    add_name(names, NULL);
    const char *near = pln_nearest(name, (const char *const *)names->pdata);
    /* Abbreviations are no flags, but what they stand for is no riddle. */
    for (guint i = 0; !near && i + 1 < names->len; i++)
        if (g_str_has_prefix(names->pdata[i], name)) near = names->pdata[i];
    char *help = g_strdup_printf("'planish %s%s--help' lists all", command ? command->name : "",
                                 command ? " " : "");
    int code = near ? cli_fail(p->cli, CLI_EXIT_USAGE,
                               "unknown flag '--%s': did you mean '--%s'? %s", name, near, help)
                    : cli_fail(p->cli, CLI_EXIT_USAGE, "unknown flag '--%s': %s", name, help);
    g_free(help);
    g_ptr_array_free(names, TRUE);
    return code;
}

static int unknown_command(const struct cli *cli, const char *name)
{
    GPtrArray *names = g_ptr_array_new();
    for (size_t i = 0; cli_commands[i]; i++) add_name(names, cli_commands[i]->name);
    add_name(names, NULL);
    const char *near = pln_nearest(name, (const char *const *)names->pdata);
    g_ptr_array_free(names, TRUE);
    if (near)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "unknown command '%s': did you mean '%s'? 'planish --help' lists all", name,
                        near);
    return cli_fail(cli, CLI_EXIT_USAGE, "unknown command '%s': 'planish --help' lists all", name);
}

static void add_setting(struct cli *cli, const char *flag, const char *value, int position)
{
    cli->settings = g_renew(struct cli_setting, cli->settings, cli->setting_count + 1);
    cli->settings[cli->setting_count++] = (struct cli_setting){flag, value, position};
}

/* Sets one option. `value` is what follows "=" or sticks to the letter; NULL: the next word. */
static int apply(struct parser *p, struct target t, const char *label, const char *value, bool on)
{
    const struct cli_option *o = t.option;
    void *member = (char *)t.base + o->offset;
    int position = p->i;

    cli_set_origin(p->cli, o, "flag");
    if (!takes_value(o)) {
        if (value) return cli_fail(p->cli, CLI_EXIT_USAGE, "%s: takes no value", label);
        if (o->kind == CLI_SWITCH)
            *(bool *)member = on;
        else
            *(int *)member = on ? *(int *)member + 1 : 0;
        return CLI_OK;
    }
    if (!value) {
        if (++p->i >= p->argc)
            return cli_fail(p->cli, CLI_EXIT_USAGE, "%s: needs a value%s%s", label,
                            o->arg ? ": " : "", o->arg ? o->arg : "");
        value = p->argv[p->i];
    }
    if (o->kind == CLI_LIST && *value) return append_word(member, value, position), CLI_OK;
    return cli_store(p->cli, o, t.base, label, value);
}

/* "--name", "--name=value", "--no-name", "--PARAM value" */
static int parse_long(struct parser *p, const char *word)
{
    const char *equals = strchr(word, '=');
    char *name = equals ? g_strndup(word, (gsize)(equals - word)) : g_strdup(word);
    char *label = g_strconcat("--", name, NULL);
    const char *value = equals ? equals + 1 : NULL;
    struct target t = look_up(p, name, 0);
    int code = CLI_OK;

    if (t.option) {
        code = apply(p, t, label, value, true);
        goto done;
    }
    if (g_str_has_prefix(name, "no-")) {
        t = look_up(p, name + 3, 0);
        if (t.option && !takes_value(t.option)) {
            code = apply(p, t, label, value, false);
            goto done;
        }
    }
    const pln_param *param = p->cli->command && p->cli->command->settings ? find_param(name) : NULL;
    if (!param) {
        code = unknown_flag(p, name);
        goto done;
    }
    int position = p->i;
    if (!value) {
        if (++p->i >= p->argc) {
            code = cli_fail(p->cli, CLI_EXIT_USAGE, "%s: needs a value", label);
            goto done;
        }
        value = p->argv[p->i];
    }
    add_setting(p->cli, param->flag, value, position);
done:
    g_free(label);
    g_free(name);
    return code;
}

/* "-qv", "-t4", "-t 4" */
static int parse_short(struct parser *p, const char *word)
{
    for (const char *c = word; *c; c++) {
        struct target t = look_up(p, NULL, *c);
        char label[3] = {'-', *c, 0};
        if (!t.option)
            return cli_fail(
                p->cli, CLI_EXIT_USAGE, "unknown flag '%s': 'planish %s%s--help' lists all", label,
                p->cli->command ? p->cli->command->name : "", p->cli->command ? " " : "");
        bool rest = takes_value(t.option) && c[1];
        int code = apply(p, t, label, rest ? c + 1 : NULL, true);
        if (*c == 'h') p->cli->help_short = p->cli->help;
        if (code || takes_value(t.option)) return code;
    }
    return CLI_OK;
}

/* -p NAME=VALUE of the option table into settings, so that both spellings are one thing; all of
 * them in the order of the command line, those of the config (position 0) first. */
int cli_join_params(struct cli *cli, void *values)
{
    const struct cli_option *o = find_long(cli->command->options, "param");
    if (!o || !cli->command->settings) return CLI_OK;
    struct cli_list *list = (struct cli_list *)((char *)values + o->offset);
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->words[i].text, *equals = strchr(text, '=');
        if (!equals || equals == text)
            return cli_fail(cli, CLI_EXIT_USAGE, "--param: '%s': expected NAME=VALUE", text);
        char *flag = g_strndup(text, (gsize)(equals - text));
        add_setting(cli, g_intern_string(flag), equals + 1, list->words[i].position);
        g_free(flag);
    }
    for (size_t i = 1; i < cli->setting_count; i++) {
        struct cli_setting one = cli->settings[i];
        size_t k = i;
        for (; k && cli->settings[k - 1].position > one.position; k--)
            cli->settings[k] = cli->settings[k - 1];
        cli->settings[k] = one;
    }
    return CLI_OK;
}

static int check_args(const struct cli *cli)
{
    const struct cli_command *c = cli->command;
    if (cli->args.count < c->args_min)
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: too few arguments: planish %s %s", c->name,
                        c->name, c->usage);
    if (cli->args.count > c->args_max)
        return cli_fail(cli, CLI_EXIT_USAGE, "%s: '%s' is one argument too many: planish %s %s",
                        c->name, cli->args.words[c->args_max].text, c->name, c->usage);
    return CLI_OK;
}

int cli_parse(struct cli *cli, int argc, char **argv, void **values)
{
    struct parser p = {.cli = cli, .argv = argv, .argc = argc};
    bool options = true;
    int code = CLI_OK;

    store_defaults(cli_global_options, cli);
    for (p.i = 1; p.i < argc && !code; p.i++) {
        const char *word = argv[p.i];
        if (options && !strcmp(word, "--")) {
            options = false;
        } else if (options && word[0] == '-' && word[1] == '-') {
            code = parse_long(&p, word + 2);
        } else if (options && word[0] == '-' && word[1]) {
            code = parse_short(&p, word + 1);
        } else if (!cli->command) {
            cli->command = cli_find_command(word);
            if (!cli->command) return unknown_command(cli, word);
            p.values = *values = g_malloc0(MAX(cli->command->values_size, 1));
            store_defaults(cli->command->options, p.values);
        } else if (!*word) {
            code = cli_fail(cli, CLI_EXIT_USAGE, "%s: an argument is empty", cli->command->name);
        } else {
            append_word(&cli->args, word, p.i);
        }
    }
    if (code || cli->help || cli->version) return code;
    if (!cli->command)
        return cli_fail(cli, CLI_EXIT_USAGE, "no command: 'planish --help' lists them");
    return check_args(cli);
}
