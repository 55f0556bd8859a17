/* SPDX-License-Identifier: MIT */
/* Fuzz target: the safetensors reader takes any bytes, gives tensors or an error, and what it gives
 * can be read, written as f32 and read back the same. */
#include <stdlib.h>
#include <string.h>

#include "nn/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every float tensor of `st` as f32, and the metadata; returns how many. */
static size_t collect(pln_context *ctx, const pnn_st *st, pnn_st_source *to, float **values)
{
    size_t n = 0;
    for (size_t i = 0; i < pnn_st_count(st); i++) {
        const pnn_st_tensor *t = pnn_st_at(st, i), *found = NULL;
        if (pnn_st_expect(ctx, st, t->name, t->rank, t->shape, &found) || found != t) abort();
        if (pln_alloc(ctx, t->count, sizeof(float), values + n)) abort();
        if (pnn_st_read_f32(ctx, st, t, values[n])) {
            pln_free(values[n]);
            values[n] = NULL;
            continue;
        }
        to[n] = (pnn_st_source){t->name, PNN_F32, t->rank, t->shape, values[n]};
        n++;
    }
    return n;
}

static void write_and_read_back(pln_context *ctx, const pnn_st *st)
{
    size_t most = pnn_st_count(st), pairs = 0, length = 0, n;
    pnn_st_source *sources = NULL;
    pnn_st_text *texts = NULL;
    float **values = NULL;
    pnn_st *again = NULL;
    void *bytes = NULL;
    const char *key, *text;

    while (pnn_st_metadata_at(st, pairs, &key, &text)) pairs++;
    if (pln_alloc(ctx, most, sizeof *sources, &sources) ||
        pln_calloc(ctx, most, sizeof *values, &values) ||
        pln_alloc(ctx, pairs, sizeof *texts, &texts))
        abort();
    n = collect(ctx, st, sources, values);
    for (size_t i = 0; i < pairs; i++) {
        pnn_st_metadata_at(st, i, &key, &text);
        texts[i] = (pnn_st_text){key, text};
    }
    if (pnn_st_encode(ctx, sources, n, texts, pairs, "fuzz", &bytes, &length)) abort();
    if (pnn_st_open_bytes(ctx, bytes, length, "again", 0, &again)) abort();
    if (pnn_st_count(again) != n) abort();
    for (size_t i = 0; i < n; i++) {
        const pnn_st_tensor *t = pnn_st_find(again, sources[i].name);
        if (!t || t->rank != sources[i].rank) abort();
        if (t->count && memcmp(t->values, values[i], t->count * sizeof(float))) abort();
    }
    for (size_t i = 0; i < pairs; i++)
        if (strcmp(pnn_st_metadata(again, texts[i].key), texts[i].text)) abort();
    pnn_st_free(again);
    pln_free(bytes);
    for (size_t i = 0; i < most; i++) pln_free(values[i]);
    pln_free(values);
    pln_free(texts);
    pln_free(sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pln_context_options o = {.size = sizeof o, .threads = 1, .memory = (uint64_t)1 << 28};
    pln_context *ctx = NULL;
    pnn_st *st = NULL;

    if (pln_context_new_with(&o, &ctx)) abort();
    for (unsigned flags = 0; flags <= PNN_ST_ANY_VALUE; flags++) {
        if (pnn_st_open_bytes(ctx, data, size, "fuzz", flags, &st)) {
            /* An error says something and leaves nothing. */
            if (!*pln_context_message(ctx) || st) abort();
        } else if (flags == 0) {
            write_and_read_back(ctx, st);
        }
        pnn_st_free(st);
        st = NULL;
    }
    if (pln_context_bytes(ctx)) abort();
    pln_context_free(ctx);
    return 0;
}
