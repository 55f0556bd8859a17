/* SPDX-License-Identifier: MIT */
/* planish train report: what a run looks like. */
#include <glib.h>

#include "cli/train.h"
#include "train/report.h"

int cli_train_report(const struct cli *cli, const struct cli_train_values *o, const char *run)
{
    pln_context *ctx = NULL;
    int code = cli_context(cli, 1, &ctx);
    if (code) return code;
    char *beside = g_build_filename(run, "report.html", NULL);
    const char *output = o->output ? o->output : beside;
    const pln_report_options report = {.run = run, .output = output, .data = o->data};
    pln_status s = pln_report(ctx, &report);
    if (s)
        code = cli_fail_status(cli, ctx, s, NULL);
    else if (cli->json)
        code = cli_json_print(
            cli, json_pack("{s:s, s:s}", "schema", "planish.train/1", "report", output), false);
    else
        printf("%s\n", output);
    g_free(beside);
    pln_context_free(ctx);
    return code ? code : cli_flush(cli);
}
