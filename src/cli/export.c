/* SPDX-License-Identifier: MIT */
/* planish export: a network with its weights for other programs. What was written is read again and
 * compared with what it was made of. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "nets/session.h"
#include "nn/onnx.h"
#include "nn/plan.h"

enum { TEXTS = 64 };

struct export_values {
    const char *output, *weights;
    int dtype;
};

static const char *const dtypes[] = {"f32", "f16", "bf16", NULL};
static const pnn_dtype types[] = {PNN_F32, PNN_F16, PNN_BF16};

static const struct cli_option export_options[] = {
    CLI_OPTION(CLI_TEXT, struct export_values, output, .letter = 'o', .name = "output",
               .arg = "FILE", .complete = "file", .help = "FILE.onnx or FILE.safetensors"),
    CLI_OPTION(CLI_TEXT, struct export_values, weights, .name = "weights", .arg = "FILE",
               .init_text = NULL, .complete = "file",
               .help = "a safetensors file; otherwise the one that is installed"),
    CLI_OPTION(CLI_CHOICE, struct export_values, dtype, .name = "dtype", .choices = dtypes,
               .help = "of the weights in the file; ONNX models compute with f32"),
    CLI_OPTIONS_END,
};

struct export
{
    struct cli *cli;
    const struct export_values *v;
    pln_context *ctx;
    bool onnx;
    const pnet_net *net;
    pnet_options options;
    pnn_st *weights;
    pnn_graph *graph;
    pnn_store *store;
    pnn_st_text texts[TEXTS];
    size_t text_count;
};

/* ---- What goes in ---- */

static pln_status load(struct export *e, const char *name)
{
    pln_context *ctx = e->ctx;
    const pnet_net *net;
    pnet_options said;
    char *path = NULL;
    const char *key, *text;
    pln_status s = PLN_OK;

    PLN_TRY(pnet_find(ctx, name, &net, &e->options));
    PLN_TRY(e->v->weights ? pln_strdup(ctx, e->v->weights, &path)
                          : pnet_find_model(ctx, net->name, &path));
    PLN_TRY(pnn_st_open(ctx, path, 0, &e->weights));
    PLN_TRY(pnet_of_weights(ctx, e->weights, net, &e->net, &said));
    if (!strchr(name, ':')) e->options = said; /* else the variant's */
    PLN_TRY(pnet_graph(ctx, e->net, &e->options, PNET_EVAL, &e->graph));
    PLN_TRY(pnn_store_new(ctx, &e->store));
    PLN_TRY(pnn_store_load(e->store, e->graph, e->weights, ""));
    for (size_t i = 0; pnn_st_metadata_at(e->weights, i, &key, &text); i++) {
        if (i == TEXTS)
            PLN_TRY(pln_fail(ctx, PLN_E_LIMIT, "%s: more than %d texts in its metadata", path,
                             (int)TEXTS));
        e->texts[e->text_count++] = (pnn_st_text){key, text};
    }
done:
    pln_free(path);
    return s;
}

/* ---- What comes out ---- */

static pln_status write_onnx(struct export *e)
{
    const pnn_onnx_options o = {.name = e->net->name,
                                .weights = types[e->v->dtype],
                                .metadata = e->texts,
                                .metadata_count = e->text_count};
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_onnx_encode(e->ctx, e->graph, e->store, &o, &bytes, &length));
    PLN_TRY(pln_file_write(e->ctx, e->v->output, bytes, length));
done:
    pln_free(bytes);
    return s;
}

/* Shapes stay those of the file that was read: vectors have one dimension there. */
static pln_status write_safetensors(struct export *e)
{
    size_t n = pnn_store_count(e->store), dims[4];
    pnn_st_source *tensors = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_calloc(e->ctx, n, sizeof *tensors, &tensors));
    for (size_t i = 0; i < n; i++) {
        pnn_st_source *t = &tensors[i];
        t->values = pnn_store_at(e->store, i, &t->name, dims);
        const pnn_st_tensor *was = pnn_st_find(e->weights, t->name);
        t->type = types[e->v->dtype];
        t->rank = was->rank;
        t->shape = was->shape;
    }
    PLN_TRY(pnn_st_write(e->ctx, e->v->output, tensors, n, e->texts, e->text_count));
done:
    pln_free(tensors);
    return s;
}

/* ---- What was written, read again ---- */

static double store_difference(const pnn_store *a, const pnn_store *b)
{
    double most = 0;
    for (size_t i = 0; i < pnn_store_count(a); i++) {
        const char *name;
        size_t dims[4], count;
        const float *x = pnn_store_at(a, i, &name, dims), *y = pnn_store_find(b, name, &count);
        for (size_t k = 0; k < count; k++) most = fmax(most, fabs((double)x[k] - (double)y[k]));
    }
    return most;
}

/* Output "y" of a square test pattern. */
static pln_status result_of(struct export *e, pnn_store *store, float **y, size_t *count)
{
    enum { SIDE = 48 };
    const pnn_plan_options o = {.size = {1, SIDE, SIDE}, .backend = PNN_BACKEND_CPU};
    pnn_plan *plan = NULL;
    float *x = NULL;
    size_t d[4];
    pln_status s = PLN_OK;

    PLN_TRY(pnn_plan_new(e->ctx, e->graph, store, &o, &plan));
    PLN_TRY(pln_alloc(e->ctx, SIDE * SIDE * 3, sizeof *x, &x));
    for (size_t i = 0; i < SIDE * SIDE * 3; i++)
        x[i] = (float)(e->net->range * pln_random(1, 2, i));
    if (!pnn_plan_dims(plan, "y", d))
        PLN_TRY(pln_fail(e->ctx, PLN_E_INTERNAL, "the network has no output y"));
    *count = d[0] * d[1] * d[2] * d[3];
    PLN_TRY(pln_alloc(e->ctx, *count, sizeof **y, y));
    PLN_TRY(pnn_plan_bind(plan, "x", x));
    PLN_TRY(pnn_plan_bind(plan, "y", *y));
    PLN_TRY(pnn_plan_run(plan));
done:
    pnn_plan_free(plan);
    pln_free(x);
    return s;
}

static pln_status read_back(struct export *e, pnn_store *again)
{
    void *bytes = NULL;
    size_t length;
    pnn_st *st = NULL;
    pln_status s = PLN_OK;

    if (!e->onnx) {
        PLN_TRY(pnn_st_open(e->ctx, e->v->output, 0, &st));
        PLN_TRY(pnn_store_load(again, e->graph, st, ""));
        goto done;
    }
    PLN_TRY(pnn_store_load(again, e->graph, e->weights, "")); /* what the model leaves out */
    PLN_TRY(pln_file_read(e->ctx, e->v->output, (size_t)1 << 31, &bytes, &length));
    PLN_TRY(pnn_onnx_read_weights(e->ctx, bytes, length, e->v->output, e->graph, again));
done:
    pnn_st_free(st);
    pln_free(bytes);
    return s;
}

struct parity {
    double weights, result; /* greatest differences; the result's of its largest value */
};

static pln_status compare(struct export *e, struct parity *p)
{
    pnn_store *again = NULL;
    float *y = NULL, *z = NULL;
    size_t count;
    double largest = 0;
    pln_status s = PLN_OK;

    *p = (struct parity){0, 0};
    PLN_TRY(pnn_store_new(e->ctx, &again));
    PLN_TRY(read_back(e, again));
    p->weights = store_difference(e->store, again);
    PLN_TRY(result_of(e, e->store, &y, &count));
    PLN_TRY(result_of(e, again, &z, &count));
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)y[i]));
        p->result = fmax(p->result, fabs((double)y[i] - (double)z[i]));
    }
    if (largest > 0) p->result /= largest;
done:
    pnn_store_free(again);
    pln_free(y);
    pln_free(z);
    return s;
}

/* ---- The command ---- */

static int say(struct export *e, const struct parity *p)
{
    const char *dtype = dtypes[e->v->dtype];
    unsigned long long count = pnn_parameters(e->graph);
    if (e->cli->json) {
        json_t *d = json_pack("{s:s, s:s, s:s, s:I, s:s, s:f, s:f}", "file", e->v->output, "net",
                              e->net->name, "format", e->onnx ? "onnx" : "safetensors",
                              "parameters", (json_int_t)count, "dtype", dtype, "weights_difference",
                              p->weights, "result_difference", p->result);
        if (d && e->onnx) json_object_set_new(d, "opset", json_integer(PNN_ONNX_OPSET));
        return cli_json_print(e->cli, d, false);
    }
    if (e->onnx)
        printf("%s: %s, ONNX operator set %d, x and y of N x C x H x W, any size, white is %g\n",
               e->v->output, e->net->name, PNN_ONNX_OPSET, e->net->range);
    else
        printf("%s: %s, safetensors\n", e->v->output, e->net->name);
    printf("%llu parameters as %s; greatest difference of a weight %.2g, of the result %.2g of its "
           "largest value\n",
           count, dtype, p->weights, p->result);
    return CLI_OK;
}

static int check(struct export *e)
{
    const char *out = e->v->output, *end = out ? strrchr(out, '.') : NULL;
    if (!out)
        return cli_fail(e->cli, CLI_EXIT_USAGE,
                        "export: no output: give -o FILE.onnx or -o FILE.safetensors");
    e->onnx = end && !strcmp(end, ".onnx");
    if (!e->onnx && !(end && !strcmp(end, ".safetensors")))
        return cli_fail(e->cli, CLI_EXIT_USAGE,
                        "--output: '%s': the name says the format: expected FILE.onnx or "
                        "FILE.safetensors",
                        out);
    return CLI_OK;
}

static int export_run(struct cli *cli, void *values)
{
    struct export e = {.cli = cli, .v = values};
    struct parity p;
    pln_status s = PLN_OK;
    int code = check(&e);
    if (!code) code = cli_context(cli, 1, &e.ctx);
    if (code) return code;
    PLN_TRY(load(&e, cli->args.words[0].text));
    PLN_TRY(e.onnx ? write_onnx(&e) : write_safetensors(&e));
    PLN_TRY(compare(&e, &p));
    code = say(&e, &p);
done:
    if (s) code = cli_fail_status(cli, e.ctx, s, NULL);
    pnn_store_free(e.store);
    pnn_graph_free(e.graph);
    pnn_st_free(e.weights);
    pln_context_free(e.ctx);
    return code;
}

const struct cli_command cli_export = {
    .name = "export",
    .usage = "NET -o FILE [--weights FILE]",
    .summary = "a network for other programs: ONNX, safetensors",
    .description =
        "NET is a network, as sasnet or fan, or a variant of it, as sasnet:x4; its options are the "
        "variant's, or what the weights file says.\n\n"
        "FILE.onnx: a model of operator set 17 for any height, width and number of pictures, N x 3 "
        "x H x W in RGB. FILE.safetensors: the weights, with all their metadata, as f32, f16 or "
        "bf16.\n\n"
        "The file is read again: printed are the greatest difference between its weights and those "
        "that were given, and between the network's results with the two.",
    .examples = "planish export sasnet -o sasnet.onnx\t# for ONNX Runtime, OpenVINO, TensorRT\n"
                "planish export fan --weights fan.safetensors -o fan.onnx --dtype f16\t# half the "
                "size\n"
                "planish export jess --weights j.safetensors -o j16.safetensors --dtype bf16\t# "
                "weights alone",
    .options = export_options,
    .values_size = sizeof(struct export_values),
    .args_min = 1,
    .args_max = 1,
    .run = export_run,
};
