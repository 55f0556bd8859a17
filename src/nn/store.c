/* SPDX-License-Identifier: MIT */
/* Values of parameters by name. */
#include <stdio.h>
#include <string.h>

#include "nn/graph.h"
#include "nn/plan.h"

struct value {
    char *name;
    size_t dims[4], count;
    float *data;
};
struct pnn_store {
    pln_context *ctx;
    struct value *values;
    size_t count, room;
};

pln_status pnn_store_new(pln_context *ctx, pnn_store **store)
{
    pnn_store *st = NULL;
    pln_status s = pln_calloc(ctx, 1, sizeof *st, &st);
    if (s) return s;
    st->ctx = ctx;
    *store = st;
    return PLN_OK;
}

void pnn_store_free(pnn_store *store)
{
    if (!store) return;
    for (size_t i = 0; i < store->count; i++) {
        pln_free(store->values[i].name);
        pln_free(store->values[i].data);
    }
    pln_free(store->values);
    pln_free(store);
}

static struct value *find(const pnn_store *store, const char *name)
{
    for (size_t i = 0; i < store->count; i++)
        if (!strcmp(store->values[i].name, name)) return &store->values[i];
    return NULL;
}

float *pnn_store_find(const pnn_store *store, const char *name, size_t *count)
{
    const struct value *v = find(store, name);
    if (count) *count = v ? v->count : 0;
    return v ? v->data : NULL;
}

size_t pnn_store_count(const pnn_store *store) { return store->count; }

float *pnn_store_at(const pnn_store *store, size_t i, const char **name, size_t dims[4])
{
    const struct value *v = &store->values[i];
    *name = v->name;
    memcpy(dims, v->dims, sizeof v->dims);
    return v->data;
}

/* Adds an unset value of this name, or finds it. */
static pln_status add(pnn_store *store, const char *name, const size_t dims[4], struct value **out,
                      bool *is_new)
{
    pln_context *ctx = store->ctx;
    size_t count = dims[0] * dims[1] * dims[2] * dims[3];
    struct value v = {.count = count}, *grown = NULL;
    pln_status s = PLN_OK;

    *out = find(store, name);
    *is_new = !*out;
    if (*out) {
        if ((*out)->count == count) return PLN_OK;
        return pln_fail(ctx, PLN_E_INTERNAL,
                        "parameter '%s' has %zu values and is asked for with %zu", name,
                        (*out)->count, count);
    }
    if (store->count == store->room) {
        size_t room = store->room ? 2 * store->room : 64;
        PLN_TRY(pln_alloc(ctx, room, sizeof *grown, &grown));
        if (store->count) memcpy(grown, store->values, store->count * sizeof *grown);
        pln_free(store->values);
        store->values = grown;
        store->room = room;
    }
    memcpy(v.dims, dims, sizeof v.dims);
    PLN_TRY(pln_strdup(ctx, name, &v.name));
    PLN_TRY(pln_calloc(ctx, count, sizeof *v.data, &v.data));
    store->values[store->count++] = v;
    *out = &store->values[store->count - 1];
    return PLN_OK;
done:
    pln_free(v.name);
    return s;
}

/* FNV-1a: the random stream of a name. */
static uint64_t stream_of(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

static void start(struct value *v, pnn_init init, uint64_t seed)
{
    uint64_t stream = stream_of(v->name);
    for (size_t i = 0; i < v->count; i++)
        v->data[i] =
            (float)(init.kind == PNN_INIT_VALUE     ? init.a
                    : init.kind == PNN_INIT_UNIFORM ? init.a * (2 * pln_random(seed, stream, i) - 1)
                                                    : init.a * pln_random_normal(seed, stream, i));
}

/* Calls each(...) for the parameters of g. */
static bool next_param(const pnn_graph *g, int *id, const pnn_vertex **v, size_t dims[4])
{
    while (++*id <= pnn_count(g)) {
        *v = pnn_vertex_of(g, (pnn_node){*id});
        if ((*v)->op == PNN_OP_PARAM && pnn_shape_values(g, (*v)->shape, (pnn_size){1, 1, 1}, dims))
            return true;
    }
    return false;
}

pln_status pnn_store_init(pnn_store *store, const pnn_graph *g, uint64_t seed)
{
    const pnn_vertex *p;
    size_t dims[4];
    pln_status s = pnn_graph_status(g);
    for (int id = 0; !s && next_param(g, &id, &p, dims);) {
        struct value *v;
        bool is_new;
        s = add(store, p->name, dims, &v, &is_new);
        if (!s && is_new) start(v, p->attr.param.init, seed);
    }
    return s;
}

/* ---- From files ---- */

/* Extents other than 1 must be the same: vectors and matrices are stored with fewer dimensions. */
static bool same_extents(const size_t dims[4], const pnn_st_tensor *t)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < 4 && dims[i] == 1) i++;
        while (k < t->rank && t->shape[k] == 1) k++;
        if (i == 4 || k == t->rank) return i == 4 && k == t->rank;
        if (dims[i++] != t->shape[k++]) return false;
    }
}

static bool of_optimiser(const char *name)
{
    size_t n = strlen(name);
    return n > 7 && (!strcmp(name + n - 7, ".adam_m") || !strcmp(name + n - 7, ".adam_v"));
}

static pln_status read_one(pnn_store *store, const pnn_st *file, const char *full, const char *name,
                           const size_t dims[4])
{
    pln_context *ctx = store->ctx;
    const pnn_st_tensor *t = pnn_st_find(file, full);
    const size_t shape[4] = {dims[0], dims[1], dims[2], dims[3]};
    bool vector = dims[0] == 1 && dims[1] == 1 && dims[2] == 1, is_new;
    struct value *v;
    pln_status s = PLN_OK;

    /* Missing, or of another shape: the reader's messages, with the shape as files have it. */
    if (!t || !same_extents(dims, t))
        PLN_TRY(vector ? pnn_st_expect(ctx, file, full, 1, shape + 3, &t)
                       : pnn_st_expect(ctx, file, full, 4, shape, &t));
    PLN_TRY(add(store, name, dims, &v, &is_new));
    PLN_TRY(pnn_st_read_f32(ctx, file, t, v->data));
done:
    return s;
}

/* A tensor of the file that the graph has no place for. */
static pln_status check_known(pln_context *ctx, const pnn_graph *g, const pnn_st *file,
                              const char *prefix)
{
    size_t skip = strlen(prefix);
    for (size_t i = 0; i < pnn_st_count(file); i++) {
        const char *full = pnn_st_at(file, i)->name;
        const char *end = strrchr(full, '.');
        if (strncmp(full, prefix, skip) || of_optimiser(full)) continue;
        if (end && !strcmp(end, ".num_batches_tracked")) continue; /* PyTorch's counter */
        if (!pnn_find(g, PNN_OP_PARAM, full + skip).id)
            return pln_fail(ctx, PLN_E_MODEL, "%s: tensor '%s': the network has no such parameter",
                            pnn_st_name(file), full);
    }
    return PLN_OK;
}

pln_status pnn_store_load(pnn_store *store, const pnn_graph *g, const pnn_st *file,
                          const char *prefix)
{
    pln_context *ctx = store->ctx;
    const pnn_vertex *p;
    size_t dims[4];
    char full[512];
    pln_status s = PLN_OK;

    PLN_TRY(pnn_graph_status(g));
    for (int id = 0; next_param(g, &id, &p, dims);) {
        if (of_optimiser(p->name)) continue;
        snprintf(full, sizeof full, "%s%s", prefix, p->name);
        PLN_TRY(read_one(store, file, full, p->name, dims));
    }
    PLN_TRY(check_known(ctx, g, file, prefix));
done:
    return s;
}
