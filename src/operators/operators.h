/* SPDX-License-Identifier: MIT */
/* operators: one classical operator a file, all of one shape (source -> struct -> schema ->
 * equations -> run -> descriptor), the list of them, and the framework that runs any method on any
 * picture. */
#ifndef PLN_OPERATORS_OPERATORS_H
#define PLN_OPERATORS_OPERATORS_H

#include "core/core.h"

/* The built-in methods, NULL at the end: one line each in registry.c. */
extern const pln_method *const pln_builtin_methods[];

/* Whether a device can run the method (gpu/); networks ask theirs. */
bool pln_method_runs_on_devices(const pln_method *method);

/* What methods see of params beyond their struct. The preset's name is static. */
const char *pln_params_preset(const pln_params *params);
const pln_net_options *pln_params_net(const pln_params *params);

#endif
