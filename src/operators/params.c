/* SPDX-License-Identifier: MIT */
/* Parameters: a method's struct, filled and checked through its schema. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "operators/operators.h"

struct pln_params {
    const pln_method *method;
    char *values;       /* the method's struct */
    const char *preset; /* its name */
    pln_net_options net;
    char *weights; /* net.weights */
};

/* ---- One value ---- */

static double get(const char *values, const pln_param *p)
{
    if (p->type == PLN_TYPE_REAL) {
        double v;
        memcpy(&v, values + p->offset, sizeof v);
        return v;
    }
    int v;
    memcpy(&v, values + p->offset, sizeof v);
    return v;
}

static void put(char *values, const pln_param *p, double value)
{
    if (p->type == PLN_TYPE_REAL) {
        memcpy(values + p->offset, &value, sizeof value);
    } else {
        int v = (int)value;
        memcpy(values + p->offset, &v, sizeof v);
    }
}

static const pln_param *find(const pln_method *m, const char *flag)
{
    const pln_param *p = m->schema;
    while (p->type != PLN_TYPE_END && strcmp(p->flag, flag)) p++;
    return p->type == PLN_TYPE_END ? NULL : p;
}

static pln_status find_or_say(pln_context *ctx, const pln_method *m, const char *flag,
                              const pln_param **p)
{
    enum { MOST = 63 };
    const char *names[MOST + 1];
    size_t n = 0;

    *p = find(m, flag);
    if (*p) return PLN_OK;
    for (const pln_param *q = m->schema; q->type != PLN_TYPE_END && n < MOST; q++)
        names[n++] = q->flag;
    names[n] = NULL;
    const char *near = pln_nearest(flag, names);
    if (near)
        return pln_fail(ctx, PLN_E_ARG, "method '%s' has no parameter '%s': did you mean '%s'?",
                        m->name, flag, near);
    return pln_fail(ctx, PLN_E_ARG,
                    "method '%s' has no parameter '%s': 'planish methods %s' lists them", m->name,
                    flag, m->name);
}

/* "a real in [1e-5, 1] (default 0.02)" */
static void describe(const pln_param *p, char text[160])
{
    char min[32], max[32], init[32];
    pln_format_real(p->min, min);
    pln_format_real(p->max, max);
    pln_format_real(p->init, init);
    snprintf(text, 160, "expected %s in %c%s, %s] (default %s)",
             p->type == PLN_TYPE_INT ? "an integer" : "a real", p->min_open ? '(' : '[', min, max,
             init);
}

static pln_status put_checked(pln_context *ctx, char *values, const pln_param *p, double v)
{
    char text[160], value[32];
    if (p->type == PLN_TYPE_CHOICE)
        return pln_fail(ctx, PLN_E_ARG, "%s: takes a word, not a number", p->flag);
    describe(p, text);
    if (!isfinite(v))
        return pln_fail(ctx, PLN_E_RANGE, "%s: not a finite number: %s", p->flag, text);
    pln_format_real(v, value);
    if (p->type == PLN_TYPE_INT && v != floor(v))
        return pln_fail(ctx, PLN_E_ARG, "%s: %s is not an integer: %s", p->flag, value, text);
    if (v < p->min || v > p->max || (p->min_open && v == p->min))
        return pln_fail(ctx, PLN_E_RANGE, "%s: %s is out of range: %s", p->flag, value, text);
    put(values, p, v);
    return PLN_OK;
}

static pln_status put_text(pln_context *ctx, char *values, const pln_param *p, const char *value)
{
    char text[160];
    if (p->type == PLN_TYPE_CHOICE) {
        size_t n = 0;
        for (int i = 0; p->choices[i]; i++)
            if (!strcmp(p->choices[i], value)) {
                put(values, p, i);
                return PLN_OK;
            }
        text[0] = 0;
        for (int i = 0; p->choices[i] && n < sizeof text; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? ", " : "", p->choices[i]);
        return pln_fail(ctx, PLN_E_ARG, "%s: '%s' is unknown: expected one of %s (default %s)",
                        p->flag, value, text, p->choices[(int)p->init]);
    }
    double v;
    if (!pln_parse_real(value, &v)) {
        describe(p, text);
        return pln_fail(ctx, PLN_E_ARG, "%s: '%s' is not %s: %s", p->flag, value,
                        p->type == PLN_TYPE_INT ? "an integer" : "a number", text);
    }
    return put_checked(ctx, values, p, v);
}

/* "lambda=0.04 sigma=5" into values. */
static pln_status put_list(pln_context *ctx, const pln_method *m, char *values, const char *list)
{
    char flag[64], value[64];
    const pln_param *p;

    for (;;) {
        list += strspn(list, " ");
        if (!*list) return PLN_OK;
        size_t n = strcspn(list, "= "), k = 0;
        if (list[n] == '=') k = strcspn(list + n + 1, " ");
        if (list[n] != '=' || n >= sizeof flag || k >= sizeof value)
            return pln_fail(ctx, PLN_E_ARG,
                            "'%s': expected parameters as name=value, separated by spaces", list);
        memcpy(flag, list, n);
        flag[n] = 0;
        memcpy(value, list + n + 1, k);
        value[k] = 0;
        pln_status s = find_or_say(ctx, m, flag, &p);
        if (!s) s = put_text(ctx, values, p, value);
        if (s) return s;
        list += n + 1 + k;
    }
}

/* ---- Making ---- */

static pln_status unknown_method(pln_context *ctx, const char *name)
{
    enum { MOST = 255 };
    const char *names[MOST + 1];
    size_t n = 0;
    for (const pln_method *m = pln_method_first(ctx); m && n < MOST; m = pln_method_next(ctx, m))
        names[n++] = m->name;
    names[n] = NULL;
    const char *near = pln_nearest(name, names);
    if (near)
        return pln_fail(ctx, PLN_E_ARG,
                        "unknown method '%s': did you mean '%s'? 'planish methods' lists all", name,
                        near);
    return pln_fail(ctx, PLN_E_ARG, "unknown method '%s': 'planish methods' lists all", name);
}

static pln_status find_preset(pln_context *ctx, const pln_method *m, const char *name,
                              const pln_preset **preset)
{
    char text[256] = "";
    size_t n = 0;
    for (const pln_preset *p = m->presets; p->name; p++) {
        if (!strcmp(p->name, name)) {
            *preset = p;
            return PLN_OK;
        }
        if (n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", p->name);
    }
    return pln_fail(ctx, PLN_E_ARG, "method '%s' has no preset '%s': expected one of %s", m->name,
                    name, text);
}

pln_status pln_params_new(pln_context *ctx, const char *method, pln_params **result)
{
    char name[64];
    const pln_preset *preset = NULL;
    pln_params *params = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (!method) return pln_fail(ctx, PLN_E_ARG, "no method given: 'planish methods' lists all");
    size_t n = strcspn(method, ":");
    if (n >= sizeof name) return unknown_method(ctx, method);
    memcpy(name, method, n);
    name[n] = 0;
    const pln_method *m = pln_method_find(ctx, name);
    if (!m) return unknown_method(ctx, name);
    if (method[n] == ':') PLN_TRY(find_preset(ctx, m, method + n + 1, &preset));

    PLN_TRY(pln_calloc(ctx, 1, sizeof *params, &params));
    params->method = m;
    params->preset = preset ? preset->name : "default";
    params->net.size = sizeof params->net;
    PLN_TRY(pln_calloc(ctx, 1, pln_max(m->params_size, 1), &params->values));
    for (const pln_param *p = m->schema; p->type != PLN_TYPE_END; p++)
        put(params->values, p, p->init);
    if (preset) PLN_TRY(put_list(ctx, m, params->values, preset->values));
    *result = params;
    params = NULL;
done:
    pln_params_free(params);
    return s;
}

void pln_params_free(pln_params *params)
{
    if (!params) return;
    pln_free(params->values);
    pln_free(params->weights);
    pln_free(params);
}

const pln_method *pln_params_method(const pln_params *params) { return params->method; }

const void *pln_params_values(const pln_params *params) { return params->values; }

const char *pln_params_preset(const pln_params *params) { return params->preset; }

const pln_net_options *pln_params_net(const pln_params *params) { return &params->net; }

pln_status pln_params_set_net(pln_context *ctx, pln_params *params, const pln_net_options *options)
{
    pln_net_options o = {.size = sizeof o};
    char *weights = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    if (!params || !options)
        return pln_fail(ctx, PLN_E_ARG, "pln_params_set_net: params and options are needed");
    memcpy(&o, options, pln_min(options->size, sizeof o));
    o.size = sizeof o;
    if (!(params->method->caps & PLN_CAP_NET))
        return pln_fail(ctx, PLN_E_ARG, "method '%s' is no network: it has no weights",
                        params->method->name);
    if ((unsigned)o.precision > PLN_PRECISION_F16 || o.tile < -1 || o.samples < 0 ||
        !(o.noise >= 0 && o.noise < 1e3))
        return pln_fail(ctx, PLN_E_RANGE,
                        "pln_params_set_net: precision, tile, noise or samples is out of range");
    if (o.precision == PLN_PRECISION_F16)
        return pln_fail(ctx, PLN_E_UNSUPPORTED,
                        "precision f16: not on a processor: take f32 or bf16");
    if (o.weights) PLN_TRY(pln_strdup(ctx, o.weights, &weights));
    pln_free(params->weights);
    params->weights = weights;
    o.weights = weights;
    params->net = o;
done:
    return s;
}

/* ---- Setting and getting ---- */

pln_status pln_params_set_real(pln_context *ctx, pln_params *params, const char *flag, double value)
{
    const pln_param *p;
    pln_clear(ctx);
    pln_status s = find_or_say(ctx, params->method, flag, &p);
    return s ? s : put_checked(ctx, params->values, p, value);
}

pln_status pln_params_set_int(pln_context *ctx, pln_params *params, const char *flag, int value)
{
    return pln_params_set_real(ctx, params, flag, value);
}

pln_status pln_params_set(pln_context *ctx, pln_params *params, const char *flag, const char *text)
{
    const pln_param *p;
    pln_clear(ctx);
    pln_status s = find_or_say(ctx, params->method, flag, &p);
    return s ? s : put_text(ctx, params->values, p, text);
}

pln_status pln_params_apply(pln_context *ctx, pln_params *params, const char *values)
{
    const pln_method *m = params->method;
    char *scratch = NULL;
    pln_status s = PLN_OK;

    pln_clear(ctx);
    /* All or nothing: a bad entry leaves the earlier ones unset too. */
    PLN_TRY(pln_alloc(ctx, 1, pln_max(m->params_size, 1), &scratch));
    memcpy(scratch, params->values, m->params_size);
    PLN_TRY(put_list(ctx, m, scratch, values));
    memcpy(params->values, scratch, m->params_size);
done:
    pln_free(scratch);
    return s;
}

static double between(const pln_param *p, double a, double b, double t)
{
    if (p->type == PLN_TYPE_CHOICE) return t < 0.5 ? a : b;
    double v = p->scale == PLN_LOG && a > 0 && b > 0 ? exp(log(a) + t * (log(b) - log(a)))
                                                     : a + t * (b - a);
    if (a == b) v = a;
    return p->type == PLN_TYPE_INT ? floor(v + 0.5) : v;
}

pln_status pln_params_strength(pln_context *ctx, pln_params *params, double strength)
{
    const pln_method *m = params->method;
    char *low = NULL, *high = NULL;
    pln_status s = PLN_OK;
    size_t n = 0;

    pln_clear(ctx);
    if (!(strength >= 0 && strength <= 1))
        return pln_fail(ctx, PLN_E_RANGE,
                        "strength: expected a real in [0, 1], weakest to strongest");
    while (m->ladder && m->ladder[n]) n++;
    if (n == 0)
        return pln_fail(ctx, PLN_E_UNSUPPORTED,
                        "method '%s' has no scale of strengths: set its parameters", m->name);
    double position = strength * (double)(n - 1);
    size_t i = (size_t)position;
    double t = position - (double)i;

    PLN_TRY(pln_alloc(ctx, 1, pln_max(m->params_size, 1), &low));
    PLN_TRY(pln_alloc(ctx, 1, pln_max(m->params_size, 1), &high));
    memcpy(low, params->values, m->params_size);
    memcpy(high, params->values, m->params_size);
    PLN_TRY(put_list(ctx, m, low, m->ladder[i]));
    PLN_TRY(put_list(ctx, m, high, m->ladder[i + 1 < n ? i + 1 : i]));
    for (const pln_param *p = m->schema; p->type != PLN_TYPE_END; p++)
        put(params->values, p, between(p, get(low, p), get(high, p), t));
done:
    pln_free(high);
    pln_free(low);
    return s;
}

pln_status pln_params_get(pln_context *ctx, const pln_params *params, const char *flag,
                          double *value)
{
    const pln_param *p;
    pln_clear(ctx);
    pln_status s = find_or_say(ctx, params->method, flag, &p);
    if (!s) *value = get(params->values, p);
    return s;
}

pln_status pln_params_text(pln_context *ctx, const pln_params *params, const char *flag,
                           char text[32])
{
    const pln_param *p;
    pln_clear(ctx);
    pln_status s = find_or_say(ctx, params->method, flag, &p);
    if (s) return s;
    double v = get(params->values, p);
    if (p->type == PLN_TYPE_CHOICE)
        snprintf(text, 32, "%s", p->choices[(int)v]);
    else
        pln_format_real(v, text);
    return PLN_OK;
}
