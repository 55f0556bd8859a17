/* SPDX-License-Identifier: MIT */
/* safetensors, writing: the same bytes for the same tensors and texts, in whatever order they come.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/half.h"
#include "nn/safetensors.h"

/* ---- Order ---- */

static int wide_first(const void *a, const void *b)
{
    const pnn_st_source *s = *(const pnn_st_source *const *)a,
                        *t = *(const pnn_st_source *const *)b;
    size_t m = pnn_dtype_size(s->type), n = pnn_dtype_size(t->type);
    return m != n ? (m < n ? 1 : -1) : strcmp(s->name, t->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const pnn_st_text *const *)a)->key, (*(const pnn_st_text *const *)b)->key);
}

static pln_status count_values(pln_context *ctx, const pnn_st_source *t, const char *name,
                               size_t *count)
{
    *count = 1;
    for (size_t i = 0; i < t->rank; i++)
        if (!pln_mul(*count, t->shape[i], count)) *count = SIZE_MAX;
    if (t->rank > PNN_ST_RANK_MAX || *count > SIZE_MAX / 8 / 2)
        return pln_fail(ctx, PLN_E_ARG,
                        "%s: tensor '%s': more than %d dimensions, or larger than any memory", name,
                        t->name, (int)PNN_ST_RANK_MAX);
    return PLN_OK;
}

/* ---- Header ---- */

static pln_status add(pln_context *ctx, json_t *object, const char *key, json_t *value,
                      const char *name)
{
    if (json_object_get(object, key)) {
        json_decref(value);
        return pln_fail(ctx, PLN_E_ARG, "%s: '%s' is there twice: give every name once", name, key);
    }
    if (json_object_set_new(object, key, value))
        return pln_fail(ctx, PLN_E_ARG, "%s: '%s' or its text is not UTF-8", name, key);
    return PLN_OK;
}

static pln_status describe(pln_context *ctx, json_t *root, const pnn_st_source *t, const char *name,
                           size_t *offset)
{
    json_t *shape = json_array();
    size_t count;
    pln_status s = PLN_OK;

    if (t->type != PNN_F32 && t->type != PNN_F16 && t->type != PNN_BF16 && t->type != PNN_I64 &&
        t->type != PNN_U8) {
        s = pln_fail(ctx, PLN_E_ARG,
                     "%s: tensor '%s': %s is not written: F32, F16, BF16, I64 or U8 is", name,
                     t->name, pnn_dtype_name(t->type));
        goto done;
    }
    PLN_TRY(count_values(ctx, t, name, &count));
    for (size_t i = 0; i < t->rank; i++)
        if (json_array_append_new(shape, json_integer((json_int_t)t->shape[i]))) {
            s = pln_fail(ctx, PLN_E_MEMORY, "%s: no memory for its header", name);
            goto done;
        }
    size_t end = *offset + count * pnn_dtype_size(t->type);
    json_t *entry = json_pack("{s:s, s:O, s:[I,I]}", "dtype", pnn_dtype_name(t->type), "shape",
                              shape, "data_offsets", (json_int_t)*offset, (json_int_t)end);
    PLN_TRY(add(ctx, root, t->name, entry, name));
    *offset = end;
done:
    json_decref(shape);
    return s;
}

/* ---- Values ---- */

static void store(uint8_t *to, size_t i, size_t size, uint64_t value)
{
    for (size_t k = 0; k < size; k++) to[i * size + k] = (uint8_t)(value >> (8 * k));
}

static pln_status put_floats(pln_context *ctx, const pnn_st_source *t, const char *name,
                             size_t count, uint8_t *to)
{
    const float *from = t->values;
    for (size_t i = 0; i < count; i++) {
        float v = from[i];
        uint16_t half = 0;
        if (!isfinite(v))
            return pln_fail(ctx, PLN_E_RANGE,
                            "%s: tensor '%s': value %zu of %zu is NaN or infinite: numbers are "
                            "expected",
                            name, t->name, i, count);
        if (t->type == PNN_F32) {
            store(to, i, 4, pnn_bits_of_f32(v));
            continue;
        }
        half = t->type == PNN_F16 ? pnn_f16_of_f32(v) : pnn_bf16_of_f32(v);
        store(to, i, 2, half);
        if (isinf(t->type == PNN_F16 ? pnn_f32_of_f16(half) : pnn_f32_of_bf16(half)))
            return pln_fail(ctx, PLN_E_RANGE,
                            "%s: tensor '%s': value %zu of %zu is %g: %s ends at %s", name, t->name,
                            i, count, (double)v, pnn_dtype_name(t->type),
                            t->type == PNN_F16 ? "65504: write BF16 or F32" : "3.39e38: write F32");
    }
    return PLN_OK;
}

static pln_status put(pln_context *ctx, const pnn_st_source *t, const char *name, size_t count,
                      uint8_t *to)
{
    if (t->type == PNN_I64) {
        const int64_t *from = t->values;
        for (size_t i = 0; i < count; i++) store(to, i, 8, (uint64_t)from[i]);
    } else if (t->type == PNN_U8) {
        if (count) memcpy(to, t->values, count);
    } else {
        return put_floats(ctx, t, name, count, to);
    }
    return PLN_OK;
}

/* ---- The file ---- */

pln_status pnn_st_encode(pln_context *ctx, const pnn_st_source *tensors, size_t n,
                         const pnn_st_text *metadata, size_t m, const char *name, void **bytes,
                         size_t *length)
{
    const pnn_st_source **order = NULL;
    const pnn_st_text **texts = NULL;
    json_t *root = json_object(), *pairs = json_object();
    char *header = NULL;
    uint8_t *out = NULL;
    size_t values = 0, count;
    pln_status s = PLN_OK;

    PLN_TRY(pln_alloc(ctx, n, sizeof *order, &order));
    PLN_TRY(pln_alloc(ctx, m, sizeof *texts, &texts));
    for (size_t i = 0; i < n; i++) order[i] = tensors + i;
    for (size_t i = 0; i < m; i++) texts[i] = metadata + i;
    qsort(order, n, sizeof *order, wide_first);
    qsort(texts, m, sizeof *texts, by_key);

    for (size_t i = 0; i < m; i++)
        PLN_TRY(add(ctx, pairs, texts[i]->key, json_string(texts[i]->text), name));
    if (json_object_set(root, "__metadata__", pairs)) {
        s = pln_fail(ctx, PLN_E_MEMORY, "%s: no memory for its header", name);
        goto done;
    }
    for (size_t i = 0; i < n; i++) PLN_TRY(describe(ctx, root, order[i], name, &values));
    header = json_dumps(root, JSON_COMPACT);
    if (!header) {
        s = pln_fail(ctx, PLN_E_MEMORY, "%s: no memory for its header", name);
        goto done;
    }

    size_t used = strlen(header), padded = (used + 7) / 8 * 8;
    PLN_TRY(pln_alloc(ctx, 8 + padded + values, 1, &out));
    store(out, 0, 8, padded);
    memset(out + 8, ' ', padded);
    memcpy(out + 8, header, used);
    uint8_t *at = out + 8 + padded;
    for (size_t i = 0; i < n; i++) {
        PLN_TRY(count_values(ctx, order[i], name, &count));
        PLN_TRY(put(ctx, order[i], name, count, at));
        at += count * pnn_dtype_size(order[i]->type);
    }
    *bytes = out;
    *length = 8 + padded + values;
    out = NULL;
done:
    pln_free(out);
    free(header);
    json_decref(pairs);
    json_decref(root);
    pln_free(texts);
    pln_free(order);
    return s;
}

pln_status pnn_st_write(pln_context *ctx, const char *path, const pnn_st_source *tensors, size_t n,
                        const pnn_st_text *metadata, size_t m)
{
    void *bytes = NULL;
    size_t length;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_st_encode(ctx, tensors, n, metadata, m, path, &bytes, &length));
    PLN_TRY(pln_file_write(ctx, path, bytes, length));
done:
    pln_free(bytes);
    return s;
}
