/* SPDX-License-Identifier: MIT */
/* planish methods: what there is, and all about one, from the descriptors. */
#include <glib.h>
#include <string.h>

#include "cli/cli.h"

/* Costs are shown for this picture. */
enum { SIDE = 1024, CHANNELS = 3 };

struct methods {
    char none; /* no flags of its own */
};

static const struct cli_option options[] = {CLI_OPTIONS_END};

/* ---- Text ---- */

/* g_strdup_printf("%-*s") counts bytes; symbols are Greek. */
static void column(const char *text, int width)
{
    int length = (int)g_utf8_strlen(text, -1);
    printf("%s%*s", text, width > length ? width - length : 0, "");
}

static void describe_range(const pln_param *p, GString *text)
{
    char min[32], max[32], init[32];
    if (p->type == PLN_TYPE_CHOICE) {
        for (size_t i = 0; p->choices[i]; i++)
            g_string_append_printf(text, "%s%s", i ? "|" : "", p->choices[i]);
        g_string_append_printf(text, " (default %s)", p->choices[(size_t)p->init]);
        return;
    }
    pln_format_real(p->min, min);
    pln_format_real(p->max, max);
    pln_format_real(p->init, init);
    g_string_append_printf(text, "%s in %c%s, %s] (default %s)",
                           p->type == PLN_TYPE_INT ? "integer" : "real", p->min_open ? '(' : '[',
                           min, max, init);
}

static void print_parameters(const pln_method *m)
{
    printf("\nParameters\n");
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *p = pln_method_param(m, i);
        GString *range = g_string_new(NULL);
        char *flag = g_strconcat("  --", p->flag, NULL);
        describe_range(p, range);
        if (p->unit && *p->unit) g_string_append_printf(range, ", %s", p->unit);
        column(flag, 20);
        column(p->symbol ? p->symbol : "", 8);
        printf("%s\n%28s%s\n", range->str, "", p->help);
        g_string_free(range, TRUE);
        g_free(flag);
    }
    if (pln_method_param_count(m) == 0) printf("  none\n");
}

static const char *said(const char *values) { return *values ? values : "all defaults"; }

static void print_points(const pln_method *m)
{
    int width = 20;
    printf("\nPresets\n");
    for (const pln_preset *p = m->presets; p && p->name; p++) {
        int n = (int)(strlen(m->name) + strlen(p->name)) + 5;
        width = n > width ? n : width;
    }
    for (const pln_preset *p = m->presets; p && p->name; p++) {
        char *name = g_strdup_printf("  %s:%s", m->name, p->name);
        column(name, width);
        printf("%s\n%*s%s\n", said(p->values), width, "", p->help);
        g_free(name);
    }
    if (m->ladder && m->ladder[0]) {
        printf("\n--strength, from 0 to 1\n");
        for (size_t i = 0; m->ladder[i]; i++) printf("  %s\n", said(m->ladder[i]));
    }
    if (m->grid && m->grid[0]) {
        printf("\nTuning grid\n");
        for (size_t i = 0; m->grid[i]; i++) printf("  %s\n", said(m->grid[i]));
    }
}

static void print_cost(const pln_method *m, const void *values)
{
    char bytes[32];
    pln_format_bytes(m->memory(values, SIDE, SIDE, CHANNELS, 1), bytes);
    printf("\nCost\n  %s; %dx%d RGB: %s beyond input and output, about %.2g s in one thread\n",
           m->cost, SIDE, SIDE, bytes, 1e-9 * m->nanoseconds(values, CHANNELS) * SIDE * SIDE);
    if (m->halo)
        printf("  local: %zu rows around an output row matter, so any picture goes in strips\n",
               m->halo(values));
    else
        printf("  global: the picture is held whole\n");
    printf("\nCapabilities\n  guide picture: %s\n  values above 1: %s\n",
           m->caps & PLN_CAP_GUIDE ? "yes" : "no",
           m->caps & PLN_CAP_UNIT_RANGE ? "scaled into [0, 1] and back" : "filtered as they are");
}

static void print_one(const pln_method *m, const void *values)
{
    printf("%s: %s\n\n%s\n\n%s\n", m->name, m->title, m->summary, m->paper);
    print_parameters(m);
    print_points(m);
    print_cost(m, values);
    printf("\nUse\n  %s\n\nAvoid\n  %s\n", m->use, m->avoid);
}

static void print_list(void)
{
    int names = 0, titles = 0;
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
        names = MAX(names, (int)strlen(m->name));
        titles = MAX(titles, (int)g_utf8_strlen(m->title, -1));
    }
    for (const pln_method *m = pln_method_first(NULL); m; m = pln_method_next(NULL, m)) {
        column(m->name, names + 2);
        column(m->title, titles + 2);
        printf("%d  %s\n", m->year, m->summary);
    }
}

/* ---- JSON ---- */

static json_t *json_texts(const char *const *list)
{
    json_t *array = json_array();
    for (size_t i = 0; list && list[i]; i++) json_array_append_new(array, json_string(list[i]));
    return array;
}

static json_t *json_param(const pln_param *p)
{
    static const char *const types[] = {
        [PLN_TYPE_REAL] = "real", [PLN_TYPE_INT] = "int", [PLN_TYPE_CHOICE] = "choice"};
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", p->flag, "symbol",
                          p->symbol ? p->symbol : "", "type", types[p->type], "unit",
                          p->unit ? p->unit : "", "help", p->help);
    if (p->type == PLN_TYPE_CHOICE) {
        json_object_set_new(o, "choices", json_texts(p->choices));
        json_object_set_new(o, "default", json_string(p->choices[(size_t)p->init]));
        return o;
    }
    bool whole = p->type == PLN_TYPE_INT;
    json_object_set_new(o, "min", whole ? json_integer((json_int_t)p->min) : json_real(p->min));
    json_object_set_new(o, "max", whole ? json_integer((json_int_t)p->max) : json_real(p->max));
    json_object_set_new(o, "min_open", json_boolean(p->min_open));
    json_object_set_new(o, "default",
                        whole ? json_integer((json_int_t)p->init) : json_real(p->init));
    json_object_set_new(o, "scale", json_string(p->scale == PLN_LOG ? "log" : "linear"));
    return o;
}

static json_t *json_method(const pln_method *m, const void *values)
{
    json_t *params = json_array(), *presets = json_array();
    for (size_t i = 0; i < pln_method_param_count(m); i++)
        json_array_append_new(params, json_param(pln_method_param(m, i)));
    for (const pln_preset *p = m->presets; p && p->name; p++)
        json_array_append_new(presets, json_pack("{s:s, s:s, s:s}", "name", p->name, "values",
                                                 p->values, "help", p->help));
    json_t *cost = json_pack("{s:s, s:I, s:I, s:f}", "order", m->cost, "bytes_1mp",
                             (json_int_t)m->memory(values, SIDE, SIDE, CHANNELS, 1), "halo",
                             (json_int_t)(m->halo ? (json_int_t)m->halo(values) : -1),
                             "ns_per_pixel", m->nanoseconds(values, CHANNELS));
    json_t *caps =
        json_pack("{s:b, s:b, s:b, s:b, s:b}", "guide", m->caps & PLN_CAP_GUIDE, "unit_range",
                  m->caps & PLN_CAP_UNIT_RANGE, "net", m->caps & PLN_CAP_NET, "local",
                  m->halo != NULL, "strength", m->ladder && m->ladder[0]);
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
                     m->name, "title", m->title, "paper", m->paper, "year", m->year, "summary",
                     m->summary, "use", m->use, "avoid", m->avoid, "params", params, "presets",
                     presets, "grid", json_texts(m->grid), "ladder", json_texts(m->ladder), "cost",
                     cost, "capabilities", caps);
}

/* ---- Command ---- */

/* One method or all, as text or JSON, with its default parameters for the cost. */
static int show(const struct cli *cli, pln_context *ctx, const char *name, json_t *array)
{
    pln_params *p = NULL;
    pln_status s = pln_params_new(ctx, name, &p);
    if (s) return cli_fail_status(cli, ctx, s, NULL);
    if (array)
        json_array_append_new(array, json_method(pln_params_method(p), pln_params_values(p)));
    else
        print_one(pln_params_method(p), pln_params_values(p));
    pln_params_free(p);
    return CLI_OK;
}

static int run(struct cli *cli, void *values)
{
    const char *name = cli->args.count ? cli->args.words[0].text : NULL;
    json_t *array = cli->json ? json_array() : NULL;
    pln_context *ctx = NULL;
    int code = cli_context(cli, 1, &ctx);

    (void)values;
    if (!code && name)
        code = show(cli, ctx, name, array);
    else if (!code && !array)
        print_list();
    for (const pln_method *m = pln_method_first(NULL); !name && array && m && !code;
         m = pln_method_next(NULL, m))
        code = show(cli, ctx, m->name, array);
    if (!code && array)
        code = cli_json_print(
            cli, json_pack("{s:s, s:O}", "schema", "planish.methods/1", "methods", array), false);
    json_decref(array);
    pln_context_free(ctx);
    return code;
}

const struct cli_command cli_methods = {
    .name = "methods",
    .usage = "[NAME]",
    .summary = "List the methods, or explain one: paper, parameters, presets, cost",
    .description =
        "Without NAME: one line a method. With NAME: its paper, its parameters with the paper's "
        "symbols, ranges and defaults, presets, the steps of --strength, the tuning points of "
        "published comparisons, its cost in time and memory, and what it can do.\n\n"
        "With --json: one document of the schema planish.methods/1.",
    .examples = "planish methods\tall\n"
                "planish methods rtv\tone\n"
                "planish methods rtv --json\tthe same for programs",
    .options = options,
    .values_size = sizeof(struct methods),
    .args_max = 1,
    .arg_complete = "method",
    .run = run,
};
