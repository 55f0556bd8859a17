/* SPDX-License-Identifier: MIT */
/* planish nets: the networks, what one costs, its graph, and whether a weights file works. */
#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "nets/session.h"
#include "nn/plan.h"

struct nets_values {
    const char *size;
    bool text, dot, verify;
};

static const struct cli_option options[] = {
    CLI_OPTION(CLI_TEXT, struct nets_values, size, .name = "size", .arg = "WxH",
               .init_text = "512x384", .help = "of the picture that operations and memory are for"),
    CLI_OPTION(CLI_SWITCH, struct nets_values, text, .name = "text",
               .help = "the graph, a line an operation; sizes are symbols unless --size is given"),
    CLI_OPTION(CLI_SWITCH, struct nets_values, dot, .name = "dot",
               .help = "the graph for Graphviz"),
    CLI_OPTION(CLI_SWITCH, struct nets_values, verify, .name = "verify",
               .help = "run it on both back ends and compare"),
    CLI_OPTIONS_END,
};

/* One network with its options, and the weights if they come from a file. */
struct subject {
    pln_context *ctx;
    const char *name; /* "sasnet:x4" or the file's */
    const pnet_net *net;
    pnet_options options;
    pnn_st *weights;
    pnn_graph *graph;
    pnn_store *store;
    pnn_size size;
    uint64_t parameters, others, published, macs, bytes_f32, bytes_bf16;
    long radius;
};

static void forget(struct subject *n)
{
    pnn_store_free(n->store);
    pnn_graph_free(n->graph);
    pnn_st_free(n->weights);
}

/* ---- What it costs ---- */

/* All that the builder makes, as the papers count it; the graph that runs may need less. */
static pln_status count_published(struct subject *n)
{
    pnn_graph *g = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pnn_graph_new(n->ctx, &g));
    n->net->build(g, pnn_input(g, "x", 3), &n->options, PNET_EVAL);
    PLN_TRY(pnn_graph_status(g));
    n->published = pnn_macs(g, n->size);
done:
    pnn_graph_free(g);
    return s;
}

static void count_values(struct subject *n)
{
    n->parameters = pnn_parameters(n->graph);
    n->others = 0;
    for (size_t i = 0; i < pnn_store_count(n->store); i++) {
        const char *name;
        size_t d[4];
        pnn_store_at(n->store, i, &name, d);
        n->others += d[0] * d[1] * d[2] * d[3];
    }
    n->others -= n->parameters;
}

static pln_status load(struct subject *n)
{
    pln_status s = PLN_OK;
    PLN_TRY(pnet_graph(n->ctx, n->net, &n->options, PNET_EVAL, &n->graph));
    PLN_TRY(pnn_store_new(n->ctx, &n->store));
    PLN_TRY(n->weights ? pnn_store_load(n->store, n->graph, n->weights, "")
                       : pnn_store_init(n->store, n->graph, 1));
    count_values(n);
    PLN_TRY(count_published(n));
    n->macs = pnn_macs(n->graph, n->size);
    n->radius = n->net->radius(&n->options);
done:
    return s;
}

static pln_status estimate(struct subject *n)
{
    pnn_plan_options o = {.size = n->size, .backend = PNN_BACKEND_CPU};
    pln_status s = PLN_OK;
    PLN_TRY(pnn_plan_estimate(n->ctx, n->graph, n->store, &o, &n->bytes_f32));
    o.precision = PNN_PRECISION_BF16;
    PLN_TRY(pnn_plan_estimate(n->ctx, n->graph, n->store, &o, &n->bytes_bf16));
done:
    return s;
}

/* ---- Whether it works ---- */

enum { SIDE = 48 };

static pln_status result_of(struct subject *n, pnn_backend_id backend, pln_device *device,
                            float **y, size_t *count)
{
    const pnn_plan_options o = {.size = {1, SIDE, SIDE}, .backend = backend, .device = device};
    pnn_plan *plan = NULL;
    float *x = NULL;
    size_t d[4];
    pln_status s = PLN_OK;

    PLN_TRY(pnn_plan_new(n->ctx, n->graph, n->store, &o, &plan));
    PLN_TRY(pln_alloc(n->ctx, (size_t)SIDE * SIDE * 3, sizeof *x, &x));
    for (size_t i = 0; i < (size_t)SIDE * SIDE * 3; i++)
        x[i] = (float)(n->net->range * pln_random(1, 2, i));
    pnn_plan_dims(plan, "y", d);
    *count = d[0] * d[1] * d[2] * d[3];
    PLN_TRY(pln_alloc(n->ctx, *count, sizeof **y, y));
    PLN_TRY(pnn_plan_bind(plan, "x", x));
    PLN_TRY(pnn_plan_bind(plan, "y", *y));
    PLN_TRY(pnn_plan_run(plan));
done:
    pnn_plan_free(plan);
    pln_free(x);
    return s;
}

/* Greatest difference of the CPU, or of the device in use, from the reference, of the largest
 * value; NaN where values are not finite. */
static pln_status difference(struct subject *n, double *error)
{
    float *a = NULL, *b = NULL;
    size_t count = 0;
    double most = 0, largest = 0;
    pln_device *device;
    pln_status s = PLN_OK;

    PLN_TRY(pln_device_wanted(n->ctx, PLN_USE_ENGINES, &device));
    PLN_TRY(result_of(n, PNN_BACKEND_REF, NULL, &a, &count));
    PLN_TRY(result_of(n, PNN_BACKEND_CPU, device, &b, &count));
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        most = d <= most ? most : d; /* NaN stays */
        largest = fmax(largest, fabs((double)a[i]));
    }
    *error = largest > 0 ? most / largest : most;
done:
    pln_free(a);
    pln_free(b);
    return s;
}

static int verify(const struct cli *cli, struct subject *n)
{
    const double bound = 1e-4;
    double error;
    pln_status s = difference(n, &error);
    if (s) return cli_fail_status(cli, n->ctx, s, n->name);
    if (isnan(error)) return cli_fail(cli, CLI_EXIT_CHECK, "%s: the result is not finite", n->name);
    if (error > bound)
        return cli_fail(cli, CLI_EXIT_CHECK,
                        "%s: the back ends differ by %.2g of the largest value: at most %g",
                        n->name, error, bound);
    if (!cli->json) printf("%s: every tensor fits, the back ends agree to %g\n", n->name, bound);
    return CLI_OK;
}

/* ---- Text ---- */

static void print_radius(long radius)
{
    if (radius < 0)
        printf("the whole picture");
    else
        printf("%ld pixels to each side", radius);
}

static void print_row(const struct subject *n)
{
    char radius[32] = "whole";
    if (n->radius >= 0) g_snprintf(radius, sizeof radius, "%ld", n->radius);
    printf("%-16s %10" PRIu64 " %10.4f G %6s  %s\n", n->name, n->parameters,
           1e-9 * (double)n->published, radius, n->net->title);
}

static void print_metadata(const pnn_st *weights)
{
    const char *key, *text;
    if (!pnn_st_metadata_at(weights, 0, &key, &text)) return;
    printf("\nSaid in the file\n");
    for (size_t i = 0; pnn_st_metadata_at(weights, i, &key, &text); i++)
        printf("  %-16s%s\n", key, text);
}

static void print_one(const struct subject *n)
{
    const pnet_net *net = n->net;
    char f32[32], bf16[32];
    pln_format_bytes(n->bytes_f32, f32);
    pln_format_bytes(n->bytes_bf16, bf16);
    printf("%s: %s\n\n%s\n\n%s\n\nPictures\n", n->name, net->title, net->summary, net->paper);
    printf("  RGB, white is %g; any size, multiples of %ld without padding\n", net->range,
           net->multiple(&n->options));
    printf("  a result depends on ");
    print_radius(n->radius);
    printf("\n\nCost at %zux%zu\n", n->size.w, n->size.h);
    printf("  parameters      %" PRIu64 "\n", n->parameters);
    if (n->others) printf("  other values    %" PRIu64 "\n", n->others);
    printf("  operations      %.4f G multiply-accumulates\n", 1e-9 * (double)n->published);
    if (n->macs != n->published)
        printf("  of these run    %.4f G: the rest of the network does not reach the result\n",
               1e-9 * (double)n->macs);
    printf("  memory          %s in f32, %s in bf16, beside weights and work memory\n", f32, bf16);
    printf("\nOptions\n");
    for (const pnet_option *o = net->options; o->kind != PNET_END; o++)
        printf("  %-16s%s (default %s)\n", o->key, o->help, o->init);
    if (net->variants->name) printf("\nVariants\n");
    for (const pnet_variant *v = net->variants; v->name; v++)
        printf("  %s:%-*s%s: %s\n", net->name, (int)MAX(1, 15 - (int)strlen(net->name)), v->name,
               v->config, v->help);
    if (n->weights) print_metadata(n->weights);
}

/* ---- JSON ---- */

static json_t *json_metadata(const pnn_st *weights)
{
    json_t *o = json_object();
    const char *key, *text;
    for (size_t i = 0; pnn_st_metadata_at(weights, i, &key, &text); i++)
        json_object_set_new(o, key, json_string(text));
    return o;
}

static json_t *json_subject(const struct subject *n)
{
    json_t *opts = json_array();
    for (const pnet_option *o = n->net->options; o->kind != PNET_END; o++)
        json_array_append_new(opts, json_pack("{s:s, s:o, s:s}", "name", o->key, "default",
                                              json_loads(o->init, JSON_DECODE_ANY, NULL), "help",
                                              o->help));
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "name",
        n->name, "net", n->net->name, "title", n->net->title, "paper", n->net->paper, "summary",
        n->net->summary, "smooths", n->net->smooths, "range", n->net->range, "width",
        (json_int_t)n->size.w, "height", (json_int_t)n->size.h, "parameters",
        (json_int_t)n->parameters, "other_values", (json_int_t)n->others, "macs",
        (json_int_t)n->published, "macs_run", (json_int_t)n->macs, "radius", (json_int_t)n->radius,
        "multiple", (json_int_t)n->net->multiple(&n->options), "options", opts);
    if (n->bytes_f32) {
        json_object_set_new(o, "arena_f32", json_integer((json_int_t)n->bytes_f32));
        json_object_set_new(o, "arena_bf16", json_integer((json_int_t)n->bytes_bf16));
    }
    if (n->weights) json_object_set_new(o, "metadata", json_metadata(n->weights));
    return o;
}

/* ---- Command ---- */

static int parse_size(const struct cli *cli, const char *text, pnn_size *size)
{
    unsigned long w, h;
    char after;
    if (sscanf(text, "%lux%lu%c", &w, &h, &after) != 2 || w < 1 || h < 1 || w > 1u << 20 ||
        h > 1u << 20 || strchr(text, '-'))
        return cli_fail(cli, CLI_EXIT_USAGE,
                        "--size: '%s': expected WIDTHxHEIGHT, both from 1 to %u (default 512x384)",
                        text, 1u << 20);
    *size = (pnn_size){1, h, w};
    return CLI_OK;
}

static bool is_file(const char *name)
{
    return strchr(name, '/') || g_str_has_suffix(name, ".safetensors");
}

static pln_status open_subject(struct subject *n)
{
    pln_status s = PLN_OK;
    if (is_file(n->name)) {
        PLN_TRY(pnn_st_open(n->ctx, n->name, 0, &n->weights));
        PLN_TRY(pnet_of_weights(n->ctx, n->weights, NULL, &n->net, &n->options));
    } else {
        PLN_TRY(pnet_find(n->ctx, n->name, &n->net, &n->options));
    }
    PLN_TRY(load(n));
done:
    return s;
}

static int print_graph(const struct cli *cli, const struct subject *n, const struct nets_values *v)
{
    pnn_size size = cli_given(cli, "size") ? n->size : (pnn_size){0};
    char *text = NULL;
    pln_status s = v->dot ? pnn_dump_dot(n->ctx, n->graph, size, &text)
                          : pnn_dump_text(n->ctx, n->graph, size, &text);
    if (s) return cli_fail_status(cli, n->ctx, s, n->name);
    fputs(text, stdout);
    pln_free(text);
    return CLI_OK;
}

static int show_one(const struct cli *cli, struct subject *n, const struct nets_values *v,
                    json_t *array)
{
    pln_status s = open_subject(n);
    if (!s && !v->text && !v->dot && !v->verify) s = estimate(n);
    if (s == PLN_E_ARG)
        return cli_fail(cli, CLI_EXIT_USAGE, "%s%s 'planish nets' lists all",
                        pln_context_message(n->ctx),
                        g_str_has_suffix(pln_context_message(n->ctx), "?") ? "" : ":");
    if (s) return cli_fail_status(cli, n->ctx, s, n->name);
    if (v->text || v->dot) return print_graph(cli, n, v);
    int code = v->verify ? verify(cli, n) : CLI_OK;
    if (code) return code;
    if (array)
        json_array_append_new(array, json_subject(n));
    else if (!v->verify)
        print_one(n);
    return CLI_OK;
}

/* One line a network and variant. */
static int show_row(const struct cli *cli, pln_context *ctx, const char *name, pnn_size size,
                    json_t *array)
{
    struct subject n = {.ctx = ctx, .name = name, .size = size};
    pln_status s = open_subject(&n);
    int code = s ? cli_fail_status(cli, ctx, s, name) : CLI_OK;
    if (!s && array)
        json_array_append_new(array, json_subject(&n));
    else if (!s)
        print_row(&n);
    forget(&n);
    return code;
}

static int show_all(const struct cli *cli, pln_context *ctx, pnn_size size, json_t *array)
{
    int code = CLI_OK;
    if (!array) printf("%-16s %10s %12s %6s\n", "network", "parameters", "MACs", "radius");
    for (size_t i = 0; pnet_nets[i] && !code; i++) {
        code = show_row(cli, ctx, pnet_nets[i]->name, size, array);
        for (const pnet_variant *v = pnet_nets[i]->variants; v->name && !code; v++) {
            char *name = g_strdup_printf("%s:%s", pnet_nets[i]->name, v->name);
            code = show_row(cli, ctx, name, size, array);
            g_free(name);
        }
    }
    return code;
}

/* ---- Weights that -m and the trainer find ---- */

static int show_model(const struct cli *cli, pln_context *ctx, const char *name, json_t *models,
                      bool *any)
{
    char *path = NULL;
    pnn_st *weights = NULL;
    if (pnet_find_model(ctx, name, &path)) return CLI_OK; /* not there: no row */
    pln_status s = pnn_st_open(ctx, path, 0, &weights);
    int code = s ? cli_fail_status(cli, ctx, s, NULL) : CLI_OK;
    const char *scores = s ? NULL : pnn_st_metadata(weights, "scores");
    if (!s && models)
        json_array_append_new(models,
                              json_pack("{s:s, s:s, s:o}", "name", name, "file", path, "scores",
                                        scores ? json_loads(scores, 0, NULL) : json_null()));
    else if (!s)
        printf("%s%-16s %s  %s\n", *any ? "" : "\nweights\n", name, path,
               scores ? scores : "no scores");
    *any = true;
    pnn_st_free(weights);
    pln_free(path);
    return code;
}

static int show_models(const struct cli *cli, pln_context *ctx, json_t *models)
{
    bool any = false;
    int code = CLI_OK;
    char name[64];
    for (const pln_method *m = pln_method_first(ctx); m && !code; m = pln_method_next(ctx, m))
        for (const pln_preset *p = m->caps & PLN_CAP_NET ? m->presets : NULL; p && p->name && !code;
             p++) {
            pnet_model_name(m, p->name, name);
            code = show_model(cli, ctx, name, models, &any);
        }
    for (size_t i = 0; pnet_nets[i] && !code; i++)
        if (!pnet_nets[i]->smooths) code = show_model(cli, ctx, pnet_nets[i]->name, models, &any);
    if (!any && !models)
        printf("\nweights: none installed; --weights FILE of smooth takes a file\n");
    return code;
}

static int run(struct cli *cli, void *values)
{
    const struct nets_values *v = values;
    const char *name = cli->args.count ? cli->args.words[0].text : NULL;
    json_t *array = NULL, *models = NULL;
    pln_context *ctx = NULL;
    pnn_size size;
    int code = parse_size(cli, v->size, &size);

    if (!code && v->text + v->dot + v->verify > 1)
        code = cli_fail(cli, CLI_EXIT_USAGE, "nets: --text, --dot and --verify: choose one");
    if (!code && !name && (v->text || v->dot || v->verify))
        code = cli_fail(cli, CLI_EXIT_USAGE, "nets: --%s needs the name of a network",
                        v->text  ? "text"
                        : v->dot ? "dot"
                                 : "verify");
    if (!code && cli->json && (v->text || v->dot))
        code = cli_fail(cli, CLI_EXIT_USAGE, "nets: --%s is no JSON: leave out --json",
                        v->text ? "text" : "dot");
    if (!code) code = cli_context(cli, 1, &ctx);
    if (!code && cli->json) array = json_array();
    if (!code && name) {
        struct subject n = {.ctx = ctx, .name = name, .size = size};
        code = show_one(cli, &n, v, array);
        forget(&n);
    } else if (!code) {
        if (array) models = json_array();
        code = show_all(cli, ctx, size, array);
        if (!code) code = show_models(cli, ctx, models);
    }
    if (!code && array)
        code = cli_json_print(cli,
                              json_pack("{s:s, s:O, s:O*}", "schema", "planish.nets/1", "nets",
                                        array, "models", models),
                              false);
    json_decref(models);
    json_decref(array);
    pln_context_free(ctx);
    return code;
}

const struct cli_command cli_nets = {
    .name = "nets",
    .usage = "[NAME|FILE] [--text|--dot|--verify]",
    .summary = "List the networks, or explain one or a weights file",
    .description =
        "Without NAME: one line a network and variant: parameters, multiply-accumulates at --size "
        "as its paper counts them, and the radius in pixels of what a result depends on; then the "
        "weights that -m and recipes find, and what they scored.\n\n"
        "With NAME, as sasnet or sasnet:x4: paper, cost, memory, options, variants; or its graph. "
        "FILE is a weights file: the network it is of, and what it says about itself.\n\n"
        "--verify runs the network, with the file's weights, on a small picture by both back ends: "
        "plain loops in double precision, and the fast one. Where they differ the exit code is 8.",
    .examples = "planish nets\tall\n"
                "planish nets sasnet:x4 --size 1280x720\tone\n"
                "planish nets jess --dot | dot -Tsvg > jess.svg\ta picture of it\n"
                "planish nets my.safetensors --verify\tis this file good",
    .options = options,
    .values_size = sizeof(struct nets_values),
    .args_max = 1,
    .arg_complete = "jess hdc_edge hdc baseline csgis fan sasnet unet autoencoder mi eme vgg16 "
                    "deeplabv3",
    .run = run,
};
