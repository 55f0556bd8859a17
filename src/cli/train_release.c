/* SPDX-License-Identifier: MIT */
/* planish train release: weights for others to use, and their card. */
#include <glib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/train.h"
#include "train/release.h"

int cli_train_release(const struct cli *cli, const struct cli_train_values *o, const char *run)
{
    static const pnn_dtype types[] = {PNN_F16, PNN_BF16, PNN_F32};
    pln_context *ctx = NULL;
    pln_dataset *dataset = NULL;
    char machine[128];
    pln_status s = PLN_OK;

    if (!o->output || !g_str_has_suffix(o->output, ".safetensors"))
        return cli_fail(cli, CLI_EXIT_USAGE, "train release: -o says where: NAME.safetensors");
    int code = cli_context(cli, 1, &ctx);
    if (code) return code;
    if (o->data) PLN_TRY(pln_dataset_open(ctx, o->data, &dataset));
    bench_cpu(machine);
    const pln_release_options release = {.run = run,
                                         .weights = o->weights,
                                         .output = o->output,
                                         .type = types[o->type],
                                         .dataset = dataset,
                                         .terms = o->terms,
                                         .results = o->results,
                                         .machine = machine};
    PLN_TRY(pln_release(ctx, &release));
    int stem = (int)(strlen(o->output) - strlen(".safetensors"));
    if (cli->json)
        code =
            cli_json_print(cli,
                           json_pack("{s:s, s:s, s:o}", "schema", "planish.train/1", "weights",
                                     o->output, "card", json_sprintf("%.*s.md", stem, o->output)),
                           false);
    else
        printf("%s\n%.*s.md\n", o->output, stem, o->output);
done:
    if (s) code = cli_fail_status(cli, ctx, s, NULL);
    pln_dataset_free(dataset);
    pln_context_free(ctx);
    return code ? code : cli_flush(cli);
}
