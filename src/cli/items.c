/* SPDX-License-Identifier: MIT */
/* Inputs, and the names of outputs: files, folders, templates; what may not be overwritten. */
#include "cli/items.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image.h"

/* ---- Inputs ---- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void add(struct cli_items *items, const char *input, const char *folder)
{
    items->list = g_renew(struct cli_item, items->list, items->count + 1);
    items->list[items->count++] =
        (struct cli_item){.input = g_strdup(input), .folder = g_strdup(folder)};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* sub: the path below the argument, "." at its top. */
static int add_folder(const struct cli *cli, struct cli_items *items, const char *path,
                      const char *sub, bool recursive, const struct stat *exclude)
{
    GError *error = NULL;
    GDir *dir = g_dir_open(path, 0, &error);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    int code = CLI_OK;

    if (!dir) {
        code = cli_fail(cli, CLI_EXIT_INPUT, "%s: %s", path, error->message);
        g_error_free(error);
    }
    while (dir && (name = g_dir_read_name(dir)))
        if (name[0] != '.') g_ptr_array_add(names, g_strdup(name));
    if (dir) g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len && !code; i++) {
        name = names->pdata[i];
        char *full = g_build_filename(path, name, NULL);
        char *below = strcmp(sub, ".") ? g_build_filename(sub, name, NULL) : g_strdup(name);
        struct stat st, link;
        /* Links to folders are not followed: they may lead round in circles. */
        if (stat(full, &st) == 0 && lstat(full, &link) == 0) {
            if (S_ISREG(st.st_mode) && pln_format_of(name))
                add(items, full, sub);
            else if (S_ISDIR(st.st_mode) && recursive && !S_ISLNK(link.st_mode) &&
                     !(exclude && same_file(&st, exclude)))
                code = add_folder(cli, items, full, below, true, exclude);
        }
        g_free(below);
        g_free(full);
    }
    g_ptr_array_free(names, TRUE);
    return code;
}

int cli_items_collect(const struct cli *cli, const struct cli_list *args, bool recursive,
                      const char *exclude, struct cli_items *items)
{
    struct stat skipped;
    bool skips = exclude && stat(exclude, &skipped) == 0;
    int code = CLI_OK;

    for (size_t i = 0; i < args->count && !code; i++) {
        const char *path = args->words[i].text;
        size_t before = items->count;
        if (!strcmp(path, "-") || !is_folder(path)) {
            add(items, path, ".");
            continue;
        }
        code = add_folder(cli, items, path, ".", recursive, skips ? &skipped : NULL);
        items->batch = true;
        if (!code && items->count == before)
            code = cli_fail(cli, CLI_EXIT_INPUT, "%s: no picture in this folder%s", path,
                            recursive ? "" : ": -r looks below it too");
    }
    if (items->count > 1) items->batch = true;
    return code;
}

static void free_item(struct cli_item *item)
{
    g_free(item->input);
    g_free(item->folder);
    g_free(item->output);
    g_free(item->detail);
}

void cli_items_free(struct cli_items *items)
{
    for (size_t i = 0; i < items->count; i++) free_item(&items->list[i]);
    g_free(items->list);
}

void cli_items_share(struct cli_items *items, size_t shard, size_t shards)
{
    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++)
        if (i % shards == shard)
            items->list[kept++] = items->list[i];
        else
            free_item(&items->list[i]);
    items->count = kept;
}

/* ---- Names of outputs ---- */

/* "cat.tar.gz" -> "cat.tar" and "gz"; ".hidden" has no extension. */
static void split_name(const char *path, char **stem, const char **extension)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    if (!strcmp(path, "-")) base = "stdin", dot = NULL;
    if (dot == base) dot = NULL;
    *stem = dot ? g_strndup(base, (gsize)(dot - base)) : g_strdup(base);
    *extension = dot ? dot + 1 : "";
}

/* The extension of the output: the input's if it means the same format. */
static const char *output_extension(const struct cli *cli, const char *input, const char *extension,
                                    const char *format)
{
    const char *own = pln_format_of(input);
    if (format && !(own && !strcmp(own, format)))
        return strcmp(format, "jpeg") == 0 ? "jpg" : strcmp(format, "heif") == 0 ? "heic" : format;
    if (format || (own && pln_format_writable(own))) return extension;
    /* TIFF where floats would be lost. */
    const char *instead = own && !strcmp(own, "exr") ? "tif" : "png";
    if (own) cli_warn(cli, "%s: this build cannot write %s: the output is %s", input, own, instead);
    return instead;
}

static bool is_template(const char *target)
{
    for (const char *p = target; (p = strchr(p, '%')); p++)
        if (p[1] && strchr("nmed", p[1])) return true;
    return false;
}

static char *expand(const char *target, const struct cli_item *item, const char *stem,
                    const char *method, const char *extension)
{
    GString *path = g_string_new(NULL);
    for (const char *p = target; *p; p++) {
        if (*p != '%') {
            g_string_append_c(path, *p);
            continue;
        }
        switch (p[1]) {
        case 'n':
            g_string_append(path, stem);
            break;
        case 'm':
            g_string_append(path, method);
            break;
        case 'e':
            g_string_append(path, extension);
            break;
        case 'd':
            g_string_append(path, item->folder);
            break;
        case '%':
            g_string_append_c(path, '%');
            break;
        default:
            g_string_append_c(path, '%');
            continue;
        }
        p++;
    }
    return g_string_free(path, FALSE);
}

static char *name_output(const struct cli *cli, struct cli_items *items,
                         const struct cli_item *item, const struct cli_naming *naming)
{
    const char *target = naming->target, *extension;
    char *stem, *path, *base;

    if (target ? !strcmp(target, "-") : !strcmp(item->input, "-")) return g_strdup("-");
    if (!target && naming->in_place) return g_strdup(item->input);
    bool template = target && is_template(target);
    bool folder =
        target && !template && (items->batch || is_folder(target) || g_str_has_suffix(target, "/"));
    if (target && !template && !folder) return g_strdup(target);
    items->folders |= template || folder;

    split_name(item->input, &stem, &extension);
    extension = output_extension(cli, item->input, extension, naming->format);
    if (template) {
        path = expand(target, item, stem, naming->method, extension);
    } else if (folder) {
        base = g_strconcat(stem, ".", extension, NULL);
        path = strcmp(item->folder, ".") ? g_build_filename(target, item->folder, base, NULL)
                                         : g_build_filename(target, base, NULL);
        g_free(base);
    } else {
        char *beside = g_path_get_dirname(item->input);
        base = g_strconcat(stem, ".", naming->suffix, ".", extension, NULL);
        path = strchr(item->input, '/') ? g_build_filename(beside, base, NULL) : g_strdup(base);
        g_free(base);
        g_free(beside);
    }
    g_free(stem);
    return path;
}

/* The format is known before any work. */
static int check_format(const struct cli *cli, const struct cli_naming *naming, const char *path)
{
    const char *format = naming->format ? naming->format : pln_format_of(path);
    if (!strcmp(path, "-")) return CLI_OK;
    if (!format)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "%s: '%s': no format is known by this extension: --format names one",
                        naming->flag, path);
    if (!pln_format_writable(format))
        return cli_fail(cli, CLI_EXIT_UNAVAILABLE, "%s: '%s': this build cannot write %s",
                        naming->flag, path, format);
    return CLI_OK;
}

int cli_items_name(const struct cli *cli, struct cli_items *items, const struct cli_naming *naming,
                   bool detail)
{
    const char *target = naming->target;
    if (target && items->batch && !is_template(target)) {
        struct stat st;
        if (!strcmp(target, "-") && items->count > 1)
            return cli_fail(cli, CLI_EXIT_USAGE,
                            "%s: standard output takes one picture, there are %zu", naming->flag,
                            items->count);
        if (strcmp(target, "-") && stat(target, &st) == 0 && !S_ISDIR(st.st_mode))
            return cli_fail(cli, CLI_EXIT_USAGE,
                            "%s: '%s' is a file, there are %zu inputs: expected a folder or a "
                            "template as %%n.%%m.%%e",
                            naming->flag, target, items->count);
    }
    for (size_t i = 0; i < items->count; i++) {
        char *path = name_output(cli, items, &items->list[i], naming);
        if (detail)
            items->list[i].detail = path;
        else
            items->list[i].output = path;
        int code = check_format(cli, naming, path);
        if (code) return code;
    }
    return CLI_OK;
}

/* ---- Checks ---- */

/* One name for one place, whether the file is there or not. */
static char *place_of(const char *path)
{
    char *absolute = g_canonicalize_filename(path, NULL);
    char *folder = g_path_get_dirname(absolute), *base = g_path_get_basename(absolute);
    char *real = realpath(folder, NULL);
    char *place = g_build_filename(real ? real : folder, base, NULL);
    free(real);
    g_free(base);
    g_free(folder);
    g_free(absolute);
    return place;
}

static char *identity_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode)) return NULL;
    return g_strdup_printf("%llx:%llx", (unsigned long long)st.st_dev,
                           (unsigned long long)st.st_ino);
}

struct checks {
    GHashTable *outputs; /* place -> input that is written there */
    GHashTable *inputs;  /* identity -> input */
};

static int check_output(const struct cli *cli, struct checks *c, const struct cli_item *item,
                        const char *path, bool in_place)
{
    if (!strcmp(path, "-")) return CLI_OK;
    char *place = place_of(path), *identity = identity_of(path);
    const char *other = g_hash_table_lookup(c->outputs, place);
    const char *input = identity ? g_hash_table_lookup(c->inputs, identity) : NULL;
    int code = CLI_OK;

    if (other == item->input)
        code =
            cli_fail(cli, CLI_EXIT_USAGE,
                     "'%s' would be written to '%s' twice: as output and as detail", other, path);
    else if (other)
        code = cli_fail(cli, CLI_EXIT_USAGE,
                        "'%s' and '%s' would both be written to '%s': nothing was done", other,
                        item->input, path);
    else if (input && strcmp(input, item->input))
        code = cli_fail(cli, CLI_EXIT_USAGE,
                        "'%s' would be written over '%s', which is another input: nothing was done",
                        item->input, input);
    else if (input && !in_place)
        code =
            cli_fail(cli, CLI_EXIT_USAGE, "'%s' is input and output: --in-place allows that", path);
    g_hash_table_insert(c->outputs, place, item->input);
    g_free(identity);
    return code;
}

int cli_items_check(const struct cli *cli, const struct cli_items *items, bool in_place,
                    const char *const *others)
{
    struct checks c = {
        .outputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .inputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    int code = CLI_OK;

    for (size_t i = 0; i < items->count; i++) {
        char *identity = identity_of(items->list[i].input);
        if (identity) g_hash_table_insert(c.inputs, identity, items->list[i].input);
    }
    for (size_t i = 0; others[i]; i++) {
        char *identity = identity_of(others[i]);
        if (identity) g_hash_table_insert(c.inputs, identity, (void *)others[i]);
    }
    for (size_t i = 0; i < items->count && !code; i++) {
        const struct cli_item *item = &items->list[i];
        code = check_output(cli, &c, item, item->output, in_place);
        if (!code && item->detail) code = check_output(cli, &c, item, item->detail, false);
    }
    g_hash_table_destroy(c.inputs);
    g_hash_table_destroy(c.outputs);
    return code;
}

int cli_format_check(const struct cli *cli, const char *name, const char **format)
{
    *format = NULL;
    if (!name) return CLI_OK;
    char *path = g_strconcat("a.", name, NULL);
    *format = pln_format_of(path);
    g_free(path);
    if (!*format)
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--format: '%s' is unknown: 'planish --version' lists the formats", name);
    if (!pln_format_writable(*format))
        return cli_fail(cli, CLI_EXIT_UNAVAILABLE, "--format: this build cannot write %s", *format);
    return CLI_OK;
}

int cli_files_check(const struct cli *cli, const char *const *inputs, const char *const *outputs,
                    size_t count)
{
    int code = CLI_OK;
    for (size_t i = 0; i < count && !code; i++) {
        if (!outputs[i] || !strcmp(outputs[i], "-")) continue;
        char *place = place_of(outputs[i]), *identity = identity_of(outputs[i]);
        for (size_t k = 0; k < count && !code; k++) {
            char *input = identity && inputs[k] ? identity_of(inputs[k]) : NULL;
            char *other = k < i && outputs[k] ? place_of(outputs[k]) : NULL;
            if (input && !strcmp(input, identity))
                code = cli_fail(cli, CLI_EXIT_USAGE, "'%s' is input and output: nothing was done",
                                outputs[i]);
            else if (other && !strcmp(other, place))
                code = cli_fail(cli, CLI_EXIT_USAGE,
                                "'%s' would be written twice: nothing was done", outputs[i]);
            g_free(other);
            g_free(input);
        }
        g_free(identity);
        g_free(place);
    }
    return code;
}

static int make_folder(const struct cli *cli, const char *path)
{
    int code = CLI_OK;
    if (!path || !strcmp(path, "-")) return CLI_OK;
    char *folder = g_path_get_dirname(path);
    if (g_mkdir_with_parents(folder, 0777))
        code = cli_fail(cli, CLI_EXIT_OUTPUT, "%s: the folder cannot be made: %s", folder,
                        g_strerror(errno));
    g_free(folder);
    return code;
}

int cli_items_folders(const struct cli *cli, const struct cli_items *items)
{
    int code = CLI_OK;
    for (size_t i = 0; i < items->count && items->folders && !code; i++) {
        if (items->list[i].skip) continue;
        code = make_folder(cli, items->list[i].output);
        if (!code) code = make_folder(cli, items->list[i].detail);
    }
    return code;
}
