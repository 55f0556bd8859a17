/* SPDX-License-Identifier: MIT */
/* safetensors, reading: nothing of a file is believed before it is checked. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/half.h"
#include "nn/safetensors.h"

enum {
    HEADER_MAX = 1 << 24, /* 16 MiB: some 150 000 tensors */
    HEADER_COST = 64,     /* bytes that the parser may hold for one byte of JSON, at the worst */
};

struct pnn_st {
    char *name;  /* of the file, for messages */
    void *owned; /* its bytes, if we read them */
    size_t count, texts;
    pnn_st_tensor *tensors;
    size_t *shapes;
    pnn_st_text *metadata;
    char *letters; /* all names, keys and texts */
};

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [PNN_F64] = {"F64", 8},   [PNN_F32] = {"F32", 4}, [PNN_F16] = {"F16", 2},
    [PNN_BF16] = {"BF16", 2}, [PNN_I64] = {"I64", 8}, [PNN_I32] = {"I32", 4},
    [PNN_I16] = {"I16", 2},   [PNN_I8] = {"I8", 1},   [PNN_U64] = {"U64", 8},
    [PNN_U32] = {"U32", 4},   [PNN_U16] = {"U16", 2}, [PNN_U8] = {"U8", 1},
    [PNN_BOOL] = {"BOOL", 1},
};

const char *pnn_dtype_name(pnn_dtype type) { return types[type].name; }

size_t pnn_dtype_size(pnn_dtype type) { return types[type].size; }

/* ---- Messages: names come from the file, so they are cut and stripped of control characters ----
 */

struct quoted {
    char text[72];
};

static struct quoted quote(const char *name)
{
    struct quoted q;
    size_t n = strlen(name), room = sizeof q.text - sizeof "...";
    bool cut = n > room;
    if (cut)
        for (n = room; n && (name[n] & 0xc0) == 0x80; n--) continue; /* not inside a letter */
    for (size_t i = 0; i < n; i++)
        q.text[i] = (unsigned char)name[i] < 32 || name[i] == 127 ? '?' : name[i];
    memcpy(q.text + n, cut ? "..." : "", cut ? sizeof "..." : 1);
    return q;
}

/* "FILE: tensor 'NAME': ..." */
static pln_status PLN_PRINTF(4, 5)
    refuse(pln_context *ctx, const pnn_st *st, const char *name, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return pln_fail(ctx, PLN_E_MODEL, "%s: tensor '%s': %s", st->name, quote(name).text, text);
}

struct shape_text {
    char text[PNN_ST_RANK_MAX * 22];
};

/* "64x3x3x3"; "()" of a single value. */
static struct shape_text write_shape(size_t rank, const size_t *shape)
{
    struct shape_text t = {"()"};
    for (size_t i = 0, n = 0; i < rank; i++)
        n += (size_t)snprintf(t.text + n, sizeof t.text - n, i ? "x%zu" : "%zu", shape[i]);
    return t;
}

/* ---- Values, little endian at any address ---- */

static uint64_t load(const void *values, size_t i, size_t size)
{
    const uint8_t *p = (const uint8_t *)values + i * size;
    uint64_t v = 0;
    for (size_t k = 0; k < size; k++) v |= (uint64_t)p[k] << (8 * k);
    return v;
}

static double load_f64(const void *values, size_t i)
{
    union {
        uint64_t u;
        double f;
    } v = {.u = load(values, i, 8)};
    return v.f;
}

static bool is_float(pnn_dtype type) { return type <= PNN_BF16; }

/* All ones in the exponent: infinite or NaN. */
static bool is_finite(const pnn_st_tensor *t, size_t i)
{
    static const uint64_t exponent[] = {[PNN_F64] = 0x7ff0000000000000,
                                        [PNN_F32] = 0x7f800000,
                                        [PNN_F16] = 0x7c00,
                                        [PNN_BF16] = 0x7f80};
    uint64_t e = exponent[t->type];
    return (load(t->values, i, types[t->type].size) & e) != e;
}

static pln_status check_values(pln_context *ctx, const pnn_st *st, const pnn_st_tensor *t,
                               unsigned flags)
{
    if (is_float(t->type) && !(flags & PNN_ST_ANY_VALUE))
        for (size_t i = 0; i < t->count; i++)
            if (!is_finite(t, i))
                return refuse(ctx, st, t->name,
                              "value %zu of %zu is NaN or infinite: numbers are expected", i,
                              t->count);
    if (t->type == PNN_BOOL)
        for (size_t i = 0; i < t->count; i++)
            if (load(t->values, i, 1) > 1)
                return refuse(ctx, st, t->name, "value %zu of %zu is %d: BOOL is 0 or 1", i,
                              t->count, (int)load(t->values, i, 1));
    return PLN_OK;
}

/* ---- Header ---- */

/* Its length, and that it is there. */
static pln_status read_length(pln_context *ctx, const char *name, const void *bytes, size_t length,
                              size_t *header)
{
    if (length < 8)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: %zu bytes are no safetensors file: it starts with 8 bytes, the length "
                        "of its header",
                        name, length);
    uint64_t n = load(bytes, 0, 8);
    if (n > HEADER_MAX)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: no safetensors file: its header would have %llu bytes, at most %d are "
                        "allowed",
                        name, (unsigned long long)n, (int)HEADER_MAX);
    if (n > length - 8)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: cut short: the header has %llu bytes, %zu of them are there", name,
                        (unsigned long long)n, length - 8);
    if (n == 0 || ((const char *)bytes)[8] != '{')
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: no safetensors file: its header does not start with '{'", name);
    *header = (size_t)n;
    return PLN_OK;
}

static pln_status parse_header(pln_context *ctx, const char *name, const char *text, size_t length,
                               json_t **root)
{
    static const char *const problems[] = {
        [json_error_invalid_utf8] = "not UTF-8",
        [json_error_premature_end_of_input] = "JSON that does not end",
        [json_error_end_of_input_expected] = "more than one JSON object",
        [json_error_null_character] = "a NUL in a text",
        [json_error_null_byte_in_key] = "a NUL in a text",
        [json_error_duplicate_key] = "the same key twice",
        [json_error_numeric_overflow] = "a number over 2^63",
        [json_error_stack_overflow] = "JSON nested too deeply",
    };
    json_error_t error = {0};
    char what[256];

    snprintf(what, sizeof what, "%s: its header", name);
    pln_status s = pln_reserve(ctx, (uint64_t)length * HEADER_COST, what);
    if (s) return s;
    *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (*root) return PLN_OK;
    enum json_error_code code = json_error_code(&error);
    if (code == json_error_unknown || code == json_error_out_of_memory)
        return pln_fail(ctx, PLN_E_MEMORY, "%s: no memory for its header", name);
    const char *problem = (size_t)code < sizeof problems / sizeof *problems ? problems[code] : NULL;
    return pln_fail(ctx, PLN_E_MODEL, "%s: header, byte %d: %s", name, error.position,
                    problem ? problem : "not JSON");
}

/* A whole number from 0. */
static bool take_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

/* ---- One tensor's entry ---- */

static pln_status read_type(pln_context *ctx, const pnn_st *st, const json_t *entry,
                            pnn_st_tensor *t)
{
    const char *text = json_string_value(json_object_get(entry, "dtype"));
    if (!text) return refuse(ctx, st, t->name, "no dtype: a text such as \"F32\" is expected");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(text, types[i].name)) {
            t->type = (pnn_dtype)i;
            return PLN_OK;
        }
    return refuse(ctx, st, t->name,
                  "dtype '%s' is unknown: F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, "
                  "U8 or BOOL is expected",
                  quote(text).text);
}

/* Into `shape`, which has room for the list; and the bytes that the values take. */
static pln_status read_shape(pln_context *ctx, const pnn_st *st, const json_t *entry,
                             pnn_st_tensor *t, size_t *shape, size_t *bytes)
{
    const json_t *list = json_object_get(entry, "shape");
    bool good = json_is_array(list), fits = true;

    t->rank = json_array_size(list);
    if (t->rank > PNN_ST_RANK_MAX)
        return refuse(ctx, st, t->name, "%zu dimensions, at most %d are allowed", t->rank,
                      (int)PNN_ST_RANK_MAX);
    for (size_t i = 0; i < t->rank; i++)
        good = good && take_size(json_array_get(list, i), shape + i);
    if (!good)
        return refuse(ctx, st, t->name,
                      "no shape: a list of whole numbers such as [64,3,3,3] is expected");
    t->shape = shape;
    t->count = 1;
    for (size_t i = 0; i < t->rank; i++) fits = fits && pln_mul(t->count, shape[i], &t->count);
    if (!fits || !pln_mul(t->count, types[t->type].size, bytes))
        return refuse(ctx, st, t->name, "shape %s is larger than any memory",
                      write_shape(t->rank, shape).text);
    return PLN_OK;
}

static pln_status read_tensor(pln_context *ctx, const pnn_st *st, const json_t *entry,
                              const uint8_t *values, size_t length, size_t *shape, pnn_st_tensor *t)
{
    size_t begin, end, bytes;
    pln_status s = PLN_OK;
    const char *key;
    json_t *value;

    if (!json_is_object(entry))
        return refuse(ctx, st, t->name, "no object: dtype, shape and data_offsets are expected");
    json_object_foreach((json_t *)entry, key, value)
        if (strcmp(key, "dtype") && strcmp(key, "shape") && strcmp(key, "data_offsets"))
            return refuse(ctx, st, t->name,
                          "key '%s': only dtype, shape and "
                          "data_offsets are expected",
                          quote(key).text);
    PLN_TRY(read_type(ctx, st, entry, t));
    PLN_TRY(read_shape(ctx, st, entry, t, shape, &bytes));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (json_array_size(offsets) != 2 || !take_size(json_array_get(offsets, 0), &begin) ||
        !take_size(json_array_get(offsets, 1), &end))
        return refuse(ctx, st, t->name, "no data_offsets: [begin, end] in bytes is expected");
    if (begin > end)
        return refuse(ctx, st, t->name,
                      "data_offsets [%zu,%zu] run backwards: the begin comes first", begin, end);
    if (end > length)
        return refuse(ctx, st, t->name,
                      "data_offsets [%zu,%zu] pass the end: %zu bytes follow the header", begin,
                      end, length);
    if (end - begin != bytes)
        return refuse(ctx, st, t->name,
                      "data_offsets [%zu,%zu] hold %zu bytes: %s of shape %s takes %zu", begin, end,
                      end - begin, types[t->type].name, write_shape(t->rank, shape).text, bytes);
    t->values = values + begin;
done:
    return s;
}

/* ---- All of them ---- */

static int by_place(const void *a, const void *b)
{
    const pnn_st_tensor *s = a, *t = b;
    if (s->values != t->values) return (const char *)s->values < (const char *)t->values ? -1 : 1;
    return (s->count > 0) - (t->count > 0); /* the empty ones first */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pnn_st_tensor *)a)->name, ((const pnn_st_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const pnn_st_text *)a)->key, ((const pnn_st_text *)b)->key);
}

/* Every byte of the values belongs to one tensor. */
static pln_status check_cover(pln_context *ctx, const pnn_st *st, const uint8_t *values,
                              size_t length)
{
    size_t end = 0;
    for (size_t i = 0; i < st->count; i++) {
        const pnn_st_tensor *t = st->tensors + i;
        size_t begin = (size_t)((const uint8_t *)t->values - values);
        if (begin < end)
            return refuse(ctx, st, t->name, "starts at byte %zu, inside of '%s': %zu is expected",
                          begin, quote(t[-1].name).text, end);
        if (begin > end)
            return refuse(ctx, st, t->name,
                          "starts at byte %zu, and %zu bytes before it belong to no tensor: %zu is "
                          "expected",
                          begin, begin - end, end);
        end = begin + t->count * types[t->type].size;
    }
    if (end != length)
        return pln_fail(ctx, PLN_E_MODEL,
                        "%s: %zu bytes follow the header: the tensors hold %zu of them", st->name,
                        length, end);
    return PLN_OK;
}

static const char *keep(char **letters, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = memcpy(*letters, text, n);
    *letters += n;
    return copy;
}

static pln_status make_room(pln_context *ctx, json_t *root, json_t *metadata, pnn_st *st)
{
    size_t letters = 0, extents = 0;
    pln_status s = PLN_OK;
    const char *key;
    json_t *value;

    if (metadata && !json_is_object(metadata))
        return pln_fail(ctx, PLN_E_MODEL, "%s: __metadata__: an object of texts is expected",
                        st->name);
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return pln_fail(ctx, PLN_E_MODEL, "%s: metadata '%s': a text is expected", st->name,
                            quote(key).text);
        letters += strlen(key) + json_string_length(value) + 2;
    }
    json_object_foreach(root, key, value)
        if (value != metadata) {
            letters += strlen(key) + 1;
            extents += pln_min(json_array_size(json_object_get(value, "shape")), PNN_ST_RANK_MAX);
        }
    size_t tensors = json_object_size(root) - (metadata != NULL);
    PLN_TRY(pln_alloc(ctx, tensors, sizeof *st->tensors, &st->tensors));
    PLN_TRY(pln_alloc(ctx, extents, sizeof *st->shapes, &st->shapes));
    PLN_TRY(pln_alloc(ctx, json_object_size(metadata), sizeof *st->metadata, &st->metadata));
    PLN_TRY(pln_alloc(ctx, letters, 1, &st->letters));
done:
    return s;
}

pln_status pnn_st_open_bytes(pln_context *ctx, const void *bytes, size_t length, const char *name,
                             unsigned flags, pnn_st **result)
{
    pnn_st *st = NULL;
    json_t *root = NULL, *value;
    const char *key;
    size_t header = 0;
    pln_status s = PLN_OK;

    PLN_TRY(read_length(ctx, name, bytes, length, &header));
    PLN_TRY(parse_header(ctx, name, (const char *)bytes + 8, header, &root));
    PLN_TRY(pln_calloc(ctx, 1, sizeof *st, &st));
    PLN_TRY(pln_strdup(ctx, name, &st->name));
    const uint8_t *values = (const uint8_t *)bytes + 8 + header;
    length -= 8 + header;

    json_t *metadata = json_object_get(root, "__metadata__");
    PLN_TRY(make_room(ctx, root, metadata, st));
    char *letters = st->letters;
    size_t *shape = st->shapes;
    json_object_foreach(metadata, key, value) {
        pnn_st_text *pair = st->metadata + st->texts++;
        pair->key = keep(&letters, key);
        pair->text = keep(&letters, json_string_value(value));
    }
    json_object_foreach(root, key, value) {
        if (value == metadata) continue;
        pnn_st_tensor *t = st->tensors + st->count++;
        *t = (pnn_st_tensor){.name = keep(&letters, key)};
        PLN_TRY(read_tensor(ctx, st, value, values, length, shape, t));
        shape += t->rank;
    }
    qsort(st->tensors, st->count, sizeof *st->tensors, by_place);
    PLN_TRY(check_cover(ctx, st, values, length));
    qsort(st->tensors, st->count, sizeof *st->tensors, by_name);
    qsort(st->metadata, st->texts, sizeof *st->metadata, by_key);
    for (size_t i = 0; i < st->count; i++) PLN_TRY(check_values(ctx, st, st->tensors + i, flags));
    *result = st;
    st = NULL;
done:
    pnn_st_free(st);
    json_decref(root);
    return s;
}

pln_status pnn_st_open(pln_context *ctx, const char *path, unsigned flags, pnn_st **st)
{
    void *bytes = NULL;
    size_t length = 0;
    pln_status s = PLN_OK;

    PLN_TRY(pln_file_read(ctx, path, (size_t)pln_memory_limit(ctx), &bytes, &length));
    PLN_TRY(pnn_st_open_bytes(ctx, bytes, length, strcmp(path, "-") ? path : "standard input",
                              flags, st));
    (*st)->owned = bytes;
    bytes = NULL;
done:
    pln_free(bytes);
    return s;
}

void pnn_st_free(pnn_st *st)
{
    if (!st) return;
    pln_free(st->letters);
    pln_free(st->metadata);
    pln_free(st->shapes);
    pln_free(st->tensors);
    pln_free(st->owned);
    pln_free(st->name);
    pln_free(st);
}

/* ---- Asking ---- */

const char *pnn_st_name(const pnn_st *st) { return st->name; }
size_t pnn_st_count(const pnn_st *st) { return st->count; }

const pnn_st_tensor *pnn_st_at(const pnn_st *st, size_t i)
{
    return i < st->count ? st->tensors + i : NULL;
}

const pnn_st_tensor *pnn_st_find(const pnn_st *st, const char *name)
{
    const pnn_st_tensor key = {.name = name};
    return bsearch(&key, st->tensors, st->count, sizeof key, by_name);
}

pln_status pnn_st_expect(pln_context *ctx, const pnn_st *st, const char *name, size_t rank,
                         const size_t *shape, const pnn_st_tensor **tensor)
{
    const pnn_st_tensor *t = pnn_st_find(st, name);
    if (!t) {
        const char *system = pnn_st_metadata(st, "system");
        return refuse(ctx, st, name, "missing: the file says it is of '%s'",
                      system ? quote(system).text : "");
    }
    if (t->rank != rank || (rank && memcmp(t->shape, shape, rank * sizeof *shape)))
        return refuse(ctx, st, name, "shape %s: %s is expected",
                      write_shape(t->rank, t->shape).text, write_shape(rank, shape).text);
    *tensor = t;
    return PLN_OK;
}

pln_status pnn_st_read_f32(pln_context *ctx, const pnn_st *st, const pnn_st_tensor *t, float *to)
{
    size_t n = t->count;
    const void *v = t->values;
    switch (t->type) {
    case PNN_F32:
        for (size_t i = 0; i < n; i++) to[i] = pnn_f32_of_bits((uint32_t)load(v, i, 4));
        break;
    case PNN_F16:
        for (size_t i = 0; i < n; i++) to[i] = pnn_f32_of_f16((uint16_t)load(v, i, 2));
        break;
    case PNN_BF16:
        for (size_t i = 0; i < n; i++) to[i] = pnn_f32_of_bf16((uint16_t)load(v, i, 2));
        break;
    case PNN_F64:
        for (size_t i = 0; i < n; i++) {
            double d = load_f64(v, i);
            to[i] = (float)d;
            if (isinf(to[i]) && !isinf(d))
                return refuse(ctx, st, t->name, "value %zu of %zu is %g: f32 ends at 3.4e38", i, n,
                              d);
        }
        break;
    default:
        return refuse(ctx, st, t->name, "is of type %s: F32, F16, BF16 or F64 is expected",
                      types[t->type].name);
    }
    return PLN_OK;
}

const char *pnn_st_metadata(const pnn_st *st, const char *key)
{
    const pnn_st_text wanted = {.key = key};
    const pnn_st_text *found = bsearch(&wanted, st->metadata, st->texts, sizeof wanted, by_key);
    return found ? found->text : NULL;
}

bool pnn_st_metadata_at(const pnn_st *st, size_t i, const char **key, const char **text)
{
    if (i >= st->texts) return false;
    *key = st->metadata[i].key;
    *text = st->metadata[i].text;
    return true;
}
