/* SPDX-License-Identifier: MIT */
/* Results on standard output. */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "cli/cli.h"

/* Digits that show 0.1 as 0.1; two doubles that differ less are the same in a report. */
#define DIGITS 15

json_t *cli_json_params(pln_context *ctx, const pln_params *params)
{
    const pln_method *m = pln_params_method(params);
    json_t *object = json_object();
    for (size_t i = 0; i < pln_method_param_count(m); i++) {
        const pln_param *p = pln_method_param(m, i);
        double v = 0;
        if (pln_params_get(ctx, params, p->flag, &v)) continue;
        json_object_set_new(object, p->flag,
                            p->type == PLN_TYPE_REAL  ? json_real(v)
                            : p->type == PLN_TYPE_INT ? json_integer((json_int_t)v)
                                                      : json_string(p->choices[(size_t)v]));
    }
    return object;
}

static int lost(const struct cli *cli, int error)
{
    return cli_fail(cli, CLI_EXIT_OUTPUT, "standard output: cannot be written: %s",
                    error ? g_strerror(error) : "unknown error");
}

int cli_json_print(const struct cli *cli, json_t *document, bool line)
{
    char *text =
        json_dumps(document, (line ? JSON_COMPACT : JSON_INDENT(1)) | JSON_REAL_PRECISION(DIGITS));
    json_decref(document);
    /* Names of files need not be UTF-8, all else is. */
    if (!text) return cli_fail(cli, CLI_EXIT_BUG, "--json: a text is not UTF-8");
    flockfile(stdout);
    errno = 0;
    bool ok = fputs(text, stdout) != EOF && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    int error = errno;
    funlockfile(stdout);
    free(text);
    return ok ? CLI_OK : lost(cli, error);
}

int cli_flush(const struct cli *cli)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return CLI_OK;
    return lost(cli, errno);
}
