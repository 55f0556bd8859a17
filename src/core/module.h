/* SPDX-License-Identifier: MIT */
/* Parts of the command that need libraries which planish does not link: modules, loaded when they
 * are asked for. */
#ifndef PLN_CLI_MODULE_H
#define PLN_CLI_MODULE_H

#include <stdbool.h>

/* The address of `symbol` in FILE, looked for beside the command and in bench/ there (where the
 * build leaves modules), then where it is installed. global: for libraries whose own plug-ins look
 * for their symbols. NULL: why not is in `why`. The module stays loaded. */
void *cli_module(const char *file, const char *symbol, bool global, char why[256]);

#endif
