/* SPDX-License-Identifier: MIT */
/* Where values come from: flag > variable > --config > user's config > default. Config files are
 * GLib key files: the group [planish] for global flags, one for each command and each method; keys
 * are the names of flags and parameters, unknown ones are errors. */
#include <glib.h>
#include <string.h>

#include "cli/cli.h"

enum { FILES = 2 }; /* --config, then the user's */

struct cli_values {
    GHashTable *origins; /* struct cli_option * -> char *, absent: default */
    GKeyFile *files[FILES];
    char *names[FILES];
    GPtrArray *texts; /* values read from files: options point to them */
};

#define GLOBAL_GROUP "planish"

static struct cli_values *values_of(struct cli *cli)
{
    if (!cli->set) {
        cli->set = g_new0(struct cli_values, 1);
        cli->set->origins = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        cli->set->texts = g_ptr_array_new_with_free_func(g_free);
    }
    return cli->set;
}

void cli_values_free(struct cli_values *v)
{
    if (!v) return;
    for (int i = 0; i < FILES; i++) {
        if (v->files[i]) g_key_file_free(v->files[i]);
        g_free(v->names[i]);
    }
    g_hash_table_destroy(v->origins);
    g_ptr_array_free(v->texts, TRUE);
    g_free(v);
}

/* ---- Origins ---- */

void cli_set_origin(struct cli *cli, const struct cli_option *o, const char *origin)
{
    g_hash_table_replace(values_of(cli)->origins, (void *)o, g_strdup(origin));
}

static const char *origin_of(const struct cli *cli, const struct cli_option *o)
{
    const char *origin = cli->set ? g_hash_table_lookup(cli->set->origins, o) : NULL;
    return origin ? origin : "default";
}

static const struct cli_option *find_option(const struct cli_option *o, const char *name)
{
    for (; o->kind != CLI_END; o++)
        if (o->name && !strcmp(o->name, name)) return o;
    return NULL;
}

const char *cli_origin(const struct cli *cli, const char *name)
{
    const struct cli_option *o = find_option(cli->command->options, name);
    if (!o) o = find_option(cli_global_options, name);
    return o ? origin_of(cli, o) : "default";
}

bool cli_given(const struct cli *cli, const char *name)
{
    return strcmp(cli_origin(cli, name), "default") != 0;
}

/* ---- Files ---- */

/* Flags that make no sense in a file. */
static bool in_files(const struct cli_option *o)
{
    return o->name && strcmp(o->name, "config") && strcmp(o->name, "help") &&
           strcmp(o->name, "version");
}

/* The option of a key: its name, or "no-NAME" of a switch. */
static const struct cli_option *find_key(const struct cli_option *options, const char *key,
                                         bool *negated)
{
    const struct cli_option *o = find_option(options, key);
    *negated = false;
    if (!o && g_str_has_prefix(key, "no-")) {
        o = find_option(options, key + 3);
        *negated = true;
        if (o && o->kind != CLI_SWITCH) o = NULL;
    }
    return o && in_files(o) ? o : NULL;
}

static int unknown(const struct cli *cli, const char *file, const char *group, const char *what,
                   const char *word, GPtrArray *names)
{
    char place[80] = "";
    if (group) g_snprintf(place, sizeof place, " [%s]", group);
    g_ptr_array_add(names, NULL);
    const char *near = pln_nearest(word, (const char *const *)names->pdata);
    int code =
        near ? cli_fail(cli, CLI_EXIT_USAGE, "%s:%s unknown %s '%s': did you mean '%s'?", file,
                        place, what, word, near)
             : cli_fail(cli, CLI_EXIT_USAGE, "%s:%s unknown %s '%s'", file, place, what, word);
    g_ptr_array_free(names, TRUE);
    return code;
}

static int check_keys(const struct cli *cli, const char *file, GKeyFile *k, const char *group,
                      const struct cli_option *options, const pln_method *m)
{
    int code = CLI_OK;
    char **keys = g_key_file_get_keys(k, group, NULL, NULL);
    for (char **key = keys; key && *key && !code; key++) {
        GPtrArray *names = g_ptr_array_new();
        bool negated, found = options && find_key(options, *key, &negated);
        for (const struct cli_option *o = options; o && o->kind != CLI_END; o++)
            if (in_files(o)) g_ptr_array_add(names, (void *)o->name);
        for (size_t i = 0; m && i < pln_method_param_count(m); i++) {
            const pln_param *p = pln_method_param(m, i);
            found |= !strcmp(p->flag, *key);
            g_ptr_array_add(names, (void *)p->flag);
        }
        if (found)
            g_ptr_array_free(names, TRUE);
        else
            code = unknown(cli, file, group, "key", *key, names);
    }
    g_strfreev(keys);
    return code;
}

static int check_file(const struct cli *cli, const char *file, GKeyFile *k)
{
    int code = CLI_OK;
    char **groups = g_key_file_get_groups(k, NULL);
    for (char **g = groups; *g && !code; g++) {
        const struct cli_command *c = cli_find_command(*g);
        const pln_method *m = pln_method_find(NULL, *g);
        if (!strcmp(*g, GLOBAL_GROUP)) {
            code = check_keys(cli, file, k, *g, cli_global_options, NULL);
        } else if (c || m) {
            code = check_keys(cli, file, k, *g, c ? c->options : NULL, m);
        } else {
            GPtrArray *names = g_ptr_array_new();
            g_ptr_array_add(names, GLOBAL_GROUP);
            for (size_t i = 0; cli_commands[i]; i++)
                g_ptr_array_add(names, (void *)cli_commands[i]->name);
            for (m = pln_method_first(NULL); m; m = pln_method_next(NULL, m))
                g_ptr_array_add(names, (void *)m->name);
            code = unknown(cli, file, NULL, "group", *g, names);
        }
    }
    g_strfreev(groups);
    return code;
}

/* must: the file was asked for by name. */
static int read_file(struct cli *cli, int index, const char *file, bool must)
{
    struct cli_values *v = values_of(cli);
    GError *error = NULL;
    GKeyFile *k = g_key_file_new();
    int code = CLI_OK;

    if (g_key_file_load_from_file(k, file, G_KEY_FILE_NONE, &error)) {
        v->files[index] = k;
        v->names[index] = g_strdup(file);
        return check_file(cli, file, k);
    }
    if (must || !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        code = cli_fail(cli, CLI_EXIT_USAGE, "%s: %s", file, error->message);
    g_error_free(error);
    g_key_file_free(k);
    return code;
}

/* ---- Filling ---- */

static int store_words(struct cli *cli, const struct cli_option *o, void *base, const char *label,
                       const char *text)
{
    /* Several values of a list are separated as in all key files. */
    char **words = o->kind == CLI_LIST ? g_strsplit(text, ";", -1) : NULL;
    int code = CLI_OK;
    if (!words) {
        char *copy = g_strdup(text);
        g_ptr_array_add(values_of(cli)->texts, copy);
        return cli_store(cli, o, base, label, copy);
    }
    for (char **w = words; *w && !code; w++) {
        char *copy = g_strstrip(g_strdup(*w));
        g_ptr_array_add(values_of(cli)->texts, copy);
        if (*copy) code = cli_store(cli, o, base, label, copy);
    }
    g_strfreev(words);
    return code;
}

/* The first file that has the key. */
static int fill_from_files(struct cli *cli, const char *group, const struct cli_option *o,
                           void *base)
{
    struct cli_values *v = cli->set;
    for (int i = 0; i < FILES; i++) {
        if (!v->files[i]) continue;
        char *negated = g_strconcat("no-", o->name, NULL);
        char *text = g_key_file_get_string(v->files[i], group, o->name, NULL);
        char *no =
            o->kind == CLI_SWITCH ? g_key_file_get_string(v->files[i], group, negated, NULL) : NULL;
        char *label = g_strdup_printf("%s: [%s] %s", v->names[i], group, text ? o->name : negated);
        bool found = text || no;
        int code = CLI_OK;
        if (text || no) code = store_words(cli, o, base, label, text ? text : no);
        if (!text && no && !code) {
            bool *member = (bool *)((char *)base + o->offset);
            *member = !*member;
        }
        if (found && !code) cli_set_origin(cli, o, v->names[i]);
        g_free(label);
        g_free(no);
        g_free(text);
        g_free(negated);
        if (found) return code;
    }
    return CLI_OK;
}

static int fill(struct cli *cli, const char *group, const struct cli_option *options, void *base)
{
    for (const struct cli_option *o = options; o->kind != CLI_END; o++) {
        if (!o->name || o->kind == CLI_GROUP || !in_files(o)) continue;
        if (g_hash_table_contains(cli->set->origins, o)) continue;
        const char *text = o->variable ? g_getenv(o->variable) : NULL;
        int code = CLI_OK;
        if (text && *text) {
            code = cli_store(cli, o, base, o->variable, text);
            if (!code) cli_set_origin(cli, o, o->variable);
        } else {
            code = fill_from_files(cli, group, o, base);
        }
        if (code) return code;
    }
    return CLI_OK;
}

int cli_configure(struct cli *cli, void *values)
{
    int code = CLI_OK;
    char *user = g_build_filename(g_get_user_config_dir(), "planish", "config", NULL);

    values_of(cli);
    if (cli->config) code = read_file(cli, 0, cli->config, true);
    if (!code) code = read_file(cli, 1, user, false);
    if (!code) code = fill(cli, GLOBAL_GROUP, cli_global_options, cli);
    if (!code) code = fill(cli, cli->command->name, cli->command->options, values);
    g_free(user);
    return code;
}

const char *cli_config_param(const struct cli *cli, const char *method, const char *flag,
                             const char **origin)
{
    struct cli_values *v = cli->set;
    for (int i = 0; v && i < FILES; i++) {
        char *text = v->files[i] ? g_key_file_get_string(v->files[i], method, flag, NULL) : NULL;
        if (!text) continue;
        g_ptr_array_add(v->texts, text);
        *origin = v->names[i];
        return text;
    }
    return NULL;
}

/* ---- What was set ---- */

static void note(const struct cli *cli, const struct cli_option *options, const void *base)
{
    for (const struct cli_option *o = options; o->kind != CLI_END; o++) {
        const void *member = (const char *)base + o->offset;
        GString *text = g_string_new(NULL);
        char number[32];
        if (!o->name || !in_files(o)) {
            g_string_free(text, TRUE);
            continue;
        }
        switch (o->kind) {
        case CLI_SWITCH:
            g_string_append(text, *(const bool *)member ? "yes" : "no");
            break;
        case CLI_COUNT:
        case CLI_INT:
            g_string_printf(text, "%d", *(const int *)member);
            break;
        case CLI_TEXT:
            if (*(const char *const *)member) g_string_append(text, *(const char *const *)member);
            break;
        case CLI_REAL:
            pln_format_real(*(const double *)member, number);
            g_string_append(text, number);
            break;
        case CLI_UINT64:
        case CLI_SIZE:
            g_string_printf(text, "%" G_GUINT64_FORMAT, *(const uint64_t *)member);
            break;
        case CLI_CHOICE:
            g_string_append(text, o->choices[*(const int *)member]);
            break;
        case CLI_LIST: {
            const struct cli_list *list = member;
            for (size_t i = 0; i < list->count; i++)
                g_string_append_printf(text, "%s%s", i ? " " : "", list->words[i].text);
            break;
        }
        case CLI_END:
        case CLI_GROUP:
            break;
        }
        const char *origin = origin_of(cli, o);
        bool is_default = !strcmp(origin, "default");
        if (is_default && o->init_text && o->kind != CLI_TEXT) g_string_assign(text, o->init_text);
        if (text->len) cli_note(cli, 1, "%s = %s (%s)", o->name, text->str, origin);
        g_string_free(text, TRUE);
    }
}

void cli_note_origins(const struct cli *cli, const void *values)
{
    if (cli->verbose < 1) return;
    note(cli, cli_global_options, cli);
    note(cli, cli->command->options, values);
}
