/* SPDX-License-Identifier: MIT */
/* Parts that need libraries which planish does not link: modules, loaded when they are asked for.
 */
#ifndef PLN_CORE_MODULE_H
#define PLN_CORE_MODULE_H

#include <stdbool.h>

/* The address of `symbol` in FILE, looked for in $PLANISH_MODULES, beside the program and in bench/
 * there (where the build leaves modules), then where it is installed. global: for libraries whose
 * own plug-ins look for their symbols. NULL: why not is in `why`. The module stays loaded. */
void *pln_module(const char *file, const char *symbol, bool global, char why[256]);

#endif
