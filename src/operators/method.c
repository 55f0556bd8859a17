/* SPDX-License-Identifier: MIT */
/* Finding methods: the built-in list, then the context's own. */
#include <string.h>

#include "operators/operators.h"

const pln_method *pln_method_first(const pln_context *ctx)
{
    if (pln_builtin_methods[0]) return pln_builtin_methods[0];
    return pln_context_method(ctx, 0);
}

const pln_method *pln_method_next(const pln_context *ctx, const pln_method *method)
{
    for (size_t i = 0; pln_builtin_methods[i]; i++) {
        if (pln_builtin_methods[i] != method) continue;
        if (pln_builtin_methods[i + 1]) return pln_builtin_methods[i + 1];
        return pln_context_method(ctx, 0);
    }
    for (size_t i = 0; pln_context_method(ctx, i); i++)
        if (pln_context_method(ctx, i) == method) return pln_context_method(ctx, i + 1);
    return NULL;
}

const pln_method *pln_method_find(const pln_context *ctx, const char *name)
{
    const pln_method *m = pln_method_first(ctx);
    while (m && strcmp(m->name, name)) m = pln_method_next(ctx, m);
    return m;
}

size_t pln_method_param_count(const pln_method *method)
{
    size_t n = 0;
    while (method->schema[n].type != PLN_TYPE_END) n++;
    return n;
}

const pln_param *pln_method_param(const pln_method *method, size_t i)
{
    return i < pln_method_param_count(method) ? &method->schema[i] : NULL;
}

pln_status pln_register_method(pln_context *ctx, const pln_method *m)
{
    pln_clear(ctx);
    if (!m || m->size < sizeof *m || !m->name || !*m->name || !m->schema || !m->presets ||
        !m->memory || !m->run)
        return pln_fail(ctx, PLN_E_ARG,
                        "a method needs size, name, schema, presets, memory and run before it can "
                        "be registered");
    if (pln_method_find(ctx, m->name))
        return pln_fail(ctx, PLN_E_ARG, "there is a method '%s' already: choose another name",
                        m->name);
    return pln_context_add_method(ctx, m);
}
