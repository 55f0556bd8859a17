/* SPDX-License-Identifier: MIT */
/* Between the files of `planish train`. */
#ifndef PLN_CLI_TRAIN_H
#define PLN_CLI_TRAIN_H

#include "cli/cli.h"

struct cli_train_values {
    const char *output, *data, *weights, *terms, *results;
    struct cli_list settings;
    bool resume, tensorboard;
    int precision; /* pln_precision */
    int type;      /* f16, bf16, f32 */
};

/* Exit codes, the error printed. */
int cli_train_report(const struct cli *cli, const struct cli_train_values *o, const char *run);
int cli_train_release(const struct cli *cli, const struct cli_train_values *o, const char *run);

#endif
