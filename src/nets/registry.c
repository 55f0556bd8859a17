/* SPDX-License-Identifier: MIT */
/* The list of networks and their configurations. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nets/layers.h"

const pnet_net *const pnet_nets[] = {
    &pnet_net_jess,        &pnet_net_hdc_edge,
    &pnet_net_hdc,         &pnet_net_baseline,
    &pnet_net_csgis,       &pnet_net_fan,
    &pnet_net_sasnet,      &pnet_net_unet,
    &pnet_net_autoencoder, &pnet_net_mi,
    &pnet_net_eme,         &pnet_net_vgg16,
    &pnet_net_deeplabv3,   NULL,
};

enum { NAMES_MAX = 32 };

/* ---- Configurations ---- */

struct reader {
    pln_context *ctx;
    const pnet_net *net;
    const char *where;
    pnet_options *options;
};

static pln_status wrong(const struct reader *r, const pnet_option *o)
{
    char min[32], max[32];
    pln_format_real(o->min, min);
    pln_format_real(o->max, max);
    switch (o->kind) {
    case PNET_BOOL:
        return pln_fail(r->ctx, PLN_E_MODEL, "%s: '%s' of %s: expected true or false", r->where,
                        o->key, r->net->name);
    case PNET_CHOICE: {
        char all[128] = "";
        for (size_t i = 0; o->choices[i]; i++) {
            strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
            strncat(all, o->choices[i], sizeof all - strlen(all) - 1);
        }
        return pln_fail(r->ctx, PLN_E_MODEL, "%s: '%s' of %s: expected one of %s", r->where, o->key,
                        r->net->name, all);
    }
    case PNET_LIST:
        return pln_fail(r->ctx, PLN_E_MODEL,
                        "%s: '%s' of %s: expected a list of %zu to %zu integers in [%s, %s]",
                        r->where, o->key, r->net->name, o->count ? o->count : 1,
                        o->count ? o->count : (size_t)PNET_LIST_MAX, min, max);
    default:
        return pln_fail(r->ctx, PLN_E_MODEL, "%s: '%s' of %s: expected %s in [%s, %s]", r->where,
                        o->key, r->net->name,
                        o->kind == PNET_REAL ? "a real"
                        : o->odd             ? "an odd integer"
                                             : "an integer",
                        min, max);
    }
}

static bool integer(const pnet_option *o, const json_t *v, long *to)
{
    if (!json_is_integer(v)) return false;
    json_int_t i = json_integer_value(v);
    if ((double)i < o->min || (double)i > o->max || (o->odd && i % 2 == 0)) return false;
    *to = (long)i;
    return true;
}

static bool list(const pnet_option *o, const json_t *v, pnet_list *to)
{
    size_t n = json_array_size(v);
    if (n < 1 || n > PNET_LIST_MAX || (o->count && n != o->count)) return false;
    pnet_list l = {.count = n};
    for (size_t i = 0; i < n; i++)
        if (!integer(o, json_array_get(v, i), &l.values[i])) return false;
    *to = l;
    return true;
}

static bool choice(const pnet_option *o, const char *text, int *to)
{
    for (int i = 0; text && o->choices[i]; i++)
        if (!strcmp(o->choices[i], text)) {
            *to = i;
            return true;
        }
    return false;
}

static pln_status store(const struct reader *r, const pnet_option *o, const json_t *v)
{
    void *member = (char *)r->options + o->offset;
    bool good = false;
    switch (o->kind) {
    case PNET_INT:
        good = integer(o, v, member);
        break;
    case PNET_REAL: {
        double x = json_number_value(v);
        good = json_is_null(v) || (json_is_number(v) && x >= o->min && x <= o->max);
        if (good) *(double *)member = x;
        break;
    }
    case PNET_BOOL:
        good = json_is_boolean(v);
        if (good) *(bool *)member = json_is_true(v);
        break;
    case PNET_LIST:
        good = list(o, v, member);
        break;
    case PNET_CHOICE:
        good = choice(o, json_string_value(v), member);
        break;
    case PNET_END:
        break;
    }
    return good ? PLN_OK : wrong(r, o);
}

static const pnet_option *find_option(const pnet_net *net, const char *key)
{
    for (const pnet_option *o = net->options; o->kind != PNET_END; o++)
        if (!strcmp(o->key, key)) return o;
    return NULL;
}

static pln_status unknown_key(const struct reader *r, const char *key)
{
    const char *keys[NAMES_MAX + 1];
    size_t n = 0;
    for (const pnet_option *o = r->net->options; o->kind != PNET_END && n < NAMES_MAX; o++)
        keys[n++] = o->key;
    keys[n] = NULL;
    const char *near = pln_nearest(key, keys);
    if (near)
        return pln_fail(r->ctx, PLN_E_MODEL, "%s: '%s' is no option of %s: did you mean '%s'?",
                        r->where, key, r->net->name, near);
    return pln_fail(r->ctx, PLN_E_MODEL, "%s: '%s' is no option of %s", r->where, key,
                    r->net->name);
}

static pln_status set_defaults(const struct reader *r)
{
    pln_status s = PLN_OK;
    memset(r->options, 0, sizeof *r->options);
    for (const pnet_option *o = r->net->options; !s && o->kind != PNET_END; o++) {
        json_t *v = json_loads(o->init, JSON_DECODE_ANY, NULL);
        s = v ? store(r, o, v) : pln_fail(r->ctx, PLN_E_MEMORY, "out of memory");
        json_decref(v);
    }
    return s;
}

static pln_status set_from_text(const struct reader *r, const char *config)
{
    json_error_t error;
    const char *key;
    json_t *v, *object = json_loads(config, JSON_REJECT_DUPLICATES, &error);
    pln_status s = PLN_OK;
    if (!json_is_object(object)) {
        json_decref(object);
        return pln_fail(r->ctx, PLN_E_MODEL, "%s: the configuration is no JSON object: %s",
                        r->where, object ? "it is another value" : error.text);
    }
    json_object_foreach(object, key, v) {
        const pnet_option *o = find_option(r->net, key);
        if ((s = o ? store(r, o, v) : unknown_key(r, key))) break;
    }
    json_decref(object);
    return s;
}

pln_status pnet_configure(pln_context *ctx, const pnet_net *net, const char *config,
                          const char *where, pnet_options *options)
{
    struct reader r = {ctx, net, where, options};
    pln_status s = set_defaults(&r);
    return s || !config ? s : set_from_text(&r, config);
}

static json_t *value_of(const pnet_option *o, const pnet_options *options)
{
    const void *member = (const char *)options + o->offset;
    json_t *array;
    switch (o->kind) {
    case PNET_INT:
        return json_integer(*(const long *)member);
    case PNET_REAL:
        return json_real(*(const double *)member);
    case PNET_BOOL:
        return json_boolean(*(const bool *)member);
    case PNET_CHOICE:
        return json_string(o->choices[*(const int *)member]);
    case PNET_LIST:
        array = json_array();
        for (size_t i = 0; i < ((const pnet_list *)member)->count; i++)
            json_array_append_new(array, json_integer(((const pnet_list *)member)->values[i]));
        return array;
    case PNET_END:
        break;
    }
    return NULL;
}

pln_status pnet_config_text(pln_context *ctx, const pnet_net *net, const pnet_options *options,
                            char **text)
{
    json_t *object = json_object();
    for (const pnet_option *o = net->options; o->kind != PNET_END; o++)
        json_object_set_new(object, o->key, value_of(o, options));
    char *dump = json_dumps(object, JSON_REAL_PRECISION(12));
    pln_status s =
        dump ? pln_strdup(ctx, dump, text) : pln_fail(ctx, PLN_E_MEMORY, "out of memory");
    free(dump);
    json_decref(object);
    return s;
}

/* ---- Finding ---- */

static const pnet_net *find_net(const char *name, size_t length)
{
    for (size_t i = 0; pnet_nets[i]; i++)
        if (strlen(pnet_nets[i]->name) == length && !memcmp(pnet_nets[i]->name, name, length))
            return pnet_nets[i];
    return NULL;
}

static pln_status unknown_net(pln_context *ctx, const char *name)
{
    const char *names[NAMES_MAX + 1];
    size_t n = 0;
    for (; pnet_nets[n] && n < NAMES_MAX; n++) names[n] = pnet_nets[n]->name;
    names[n] = NULL;
    const char *near = pln_nearest(name, names);
    if (near)
        return pln_fail(ctx, PLN_E_ARG, "unknown network '%s': did you mean '%s'?", name, near);
    return pln_fail(ctx, PLN_E_ARG, "unknown network '%s'", name);
}

static pln_status unknown_variant(pln_context *ctx, const pnet_net *net, const char *name)
{
    const char *names[NAMES_MAX + 1];
    size_t n = 0;
    for (; net->variants[n].name && n < NAMES_MAX; n++) names[n] = net->variants[n].name;
    names[n] = NULL;
    const char *near = pln_nearest(name, names);
    if (near)
        return pln_fail(ctx, PLN_E_ARG, "network '%s' has no variant '%s': did you mean '%s'?",
                        net->name, name, near);
    return pln_fail(ctx, PLN_E_ARG, "network '%s' has no variant '%s'", net->name, name);
}

pln_status pnet_find(pln_context *ctx, const char *name, const pnet_net **net,
                     pnet_options *options)
{
    size_t length = strcspn(name, ":");
    const char *config = NULL;
    *net = find_net(name, length);
    if (!*net) return unknown_net(ctx, name);
    if (name[length]) {
        const pnet_variant *v = (*net)->variants;
        while (v->name && strcmp(v->name, name + length + 1)) v++;
        if (!v->name) return unknown_variant(ctx, *net, name + length + 1);
        config = v->config;
    }
    return pnet_configure(ctx, *net, config, name, options);
}

/* ---- Weights files ---- */

static pln_status check_range(pln_context *ctx, const pnn_st *weights, const pnet_net *net)
{
    const char *range = pnn_st_metadata(weights, "range"),
               *order = pnn_st_metadata(weights, "channel_order");
    double white;
    if (order && strcmp(order, "RGB"))
        return pln_fail(ctx, PLN_E_MODEL, "%s: channel order '%s': expected RGB",
                        pnn_st_name(weights), order);
    if (range && (!pln_parse_real(range, &white) || white != net->range))
        return pln_fail(ctx, PLN_E_MODEL, "%s: range '%s': expected %g for %s",
                        pnn_st_name(weights), range, net->range, net->name);
    return PLN_OK;
}

/* An option that stands as metadata of its own: text of a choice. */
static pln_status set_from_metadata(const struct reader *r, const pnn_st *weights)
{
    for (const pnet_option *o = r->net->options; o->kind != PNET_END; o++) {
        const char *text = pnn_st_metadata(weights, o->key);
        if (o->kind != PNET_CHOICE || !text) continue;
        if (!choice(o, text, (int *)((char *)r->options + o->offset))) return wrong(r, o);
    }
    return PLN_OK;
}

pln_status pnet_of_weights(pln_context *ctx, const pnn_st *weights, const pnet_net *net,
                           const pnet_net **found, pnet_options *options)
{
    const char *where = pnn_st_name(weights), *system = pnn_st_metadata(weights, "system");
    pln_status s = PLN_OK;

    *found = system ? find_net(system, strlen(system)) : net;
    if (!*found && system)
        return pln_fail(ctx, PLN_E_MODEL, "%s: of an unknown network '%s'", where, system);
    if (!*found)
        return pln_fail(ctx, PLN_E_MODEL, "%s: does not say of which network it is", where);
    if (net && *found != net)
        return pln_fail(ctx, PLN_E_MODEL, "%s: weights of '%s': expected '%s'", where, system,
                        net->name);
    PLN_TRY(check_range(ctx, weights, *found));
    PLN_TRY(pnet_configure(ctx, *found, pnn_st_metadata(weights, "config"), where, options));
    PLN_TRY(set_from_metadata(&(struct reader){ctx, *found, where, options}, weights));
done:
    return s;
}

pln_status pnet_graph(pln_context *ctx, const pnet_net *net, const pnet_options *options,
                      pnet_mode mode, pnn_graph **graph)
{
    pnn_graph *g = NULL;
    pln_status s = PLN_OK;

    *graph = NULL;
    PLN_TRY(pnn_graph_new(ctx, &g));
    pnn_output(g, net->build(g, pnn_input(g, "x", 3), options, mode), "y");
    PLN_TRY(pnn_graph_status(g));
    *graph = g;
    g = NULL;
done:
    pnn_graph_free(g);
    return s;
}
