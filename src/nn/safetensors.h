/* SPDX-License-Identifier: MIT */
/* safetensors: named tensors in a file, the format of all weights. Layout: 8 bytes, the length L of
 * the header, little endian; L bytes of JSON, one object {"NAME": {"dtype": "F32", "shape": [..],
 * "data_offsets": [begin, end]}, ..., "__metadata__": {"KEY": "TEXT", ...}}; then the values,
 * little endian, C order, offsets counted from there. (github.com/huggingface/safetensors,
 * "Format".)
 *
 * What planish writes into the metadata, and what each key means. All are text, all may be missing
 * except `system`:
 *     system         the network: jess, csgis, fan, sasnet, mi, eme, vgg16, deeplabv3, ...
 *     version        of the network's layout, counted from 1
 *     config         JSON object: the arguments of the network's builder, e.g. {"width": 64}
 *     channel_order  RGB: order of the colours that go in and come out (the only one accepted)
 *     range          1 or 255: what white is for the network
 *     recipe, seed, steps, data_hash    how it was trained: name of the recipe, seed, optimiser
 *                    steps, hash of the data set's manifest
 *     scores         JSON object: {"sps_test": "33.18/0.94", ...}, PSNR/SSIM
 *     source         of imported weights: whose they are, from where */
#ifndef PLN_NN_SAFETENSORS_H
#define PLN_NN_SAFETENSORS_H

#include "core/core.h"

typedef enum pnn_dtype {
    PNN_F64,
    PNN_F32,
    PNN_F16,
    PNN_BF16,
    PNN_I64,
    PNN_I32,
    PNN_I16,
    PNN_I8,
    PNN_U64,
    PNN_U32,
    PNN_U16,
    PNN_U8,
    PNN_BOOL
} pnn_dtype;

/* "F32" */
const char *pnn_dtype_name(pnn_dtype type);
/* Bytes a value. */
size_t pnn_dtype_size(pnn_dtype type);

/* ---- Reading ---- */

typedef struct pnn_st pnn_st;

enum { PNN_ST_RANK_MAX = 8 }; /* most dimensions, read and written */

typedef struct pnn_st_tensor {
    const char *name;
    pnn_dtype type;
    size_t rank;         /* 0: one value */
    const size_t *shape; /* rank extents; 0 is allowed */
    size_t count;        /* their product */
    const void *values;  /* as in the file: little endian, at any address */
} pnn_st_tensor;

enum {
    PNN_ST_ANY_VALUE = 1 /* NaN and infinity pass; otherwise they are an error */
};

/* Reads and checks the whole file: header, names, types, shape x size = range, ranges that cover
 * the values without overlap or hole, finite values. PLN_E_READ if there is no such file,
 * PLN_E_LIMIT over the memory limit, else PLN_E_MODEL: "FILE: tensor 'NAME': what, what would be
 * right". */
pln_status pnn_st_open(pln_context *ctx, const char *path, unsigned flags, pnn_st **st) PLN_CHECK;
/* The same of bytes that stay the caller's and outlive *st; `name` stands in messages. */
pln_status pnn_st_open_bytes(pln_context *ctx, const void *bytes, size_t length, const char *name,
                             unsigned flags, pnn_st **st) PLN_CHECK;
void pnn_st_free(pnn_st *st);
/* As it was opened: for messages. */
const char *pnn_st_name(const pnn_st *st);

/* Tensors in the order of their names (bytewise). */
size_t pnn_st_count(const pnn_st *st);
const pnn_st_tensor *pnn_st_at(const pnn_st *st, size_t i);
/* NULL if there is none. */
const pnn_st_tensor *pnn_st_find(const pnn_st *st, const char *name);
/* The tensor of this name and shape; PLN_E_MODEL if it is missing (the nearest name is said) or
 * shaped otherwise. */
pln_status pnn_st_expect(pln_context *ctx, const pnn_st *st, const char *name, size_t rank,
                         const size_t *shape, const pnn_st_tensor **tensor) PLN_CHECK;
/* Its values as f32. PLN_E_MODEL for integers and for F64 values that no f32 can hold. */
pln_status pnn_st_read_f32(pln_context *ctx, const pnn_st *st, const pnn_st_tensor *tensor,
                           float *to) PLN_CHECK;

/* NULL if there is no such key. */
const char *pnn_st_metadata(const pnn_st *st, const char *key);
/* The i-th pair in the order of the keys; false past the end. */
bool pnn_st_metadata_at(const pnn_st *st, size_t i, const char **key, const char **text);

/* ---- Writing ---- */

typedef struct pnn_st_source {
    const char *name;
    pnn_dtype type; /* in the file */
    size_t rank;
    const size_t *shape;
    const void *values; /* float for F32, F16, BF16 (rounded to nearest even); int64_t for I64;
                           uint8_t for U8 */
} pnn_st_source;

typedef struct pnn_st_text {
    const char *key, *text;
} pnn_st_text;

/* The file in memory, *bytes to be freed by pln_free: the same bytes for the same tensors and texts
 * in any order. Wide types first, then by name, so that every tensor is aligned; the header padded
 * with spaces to a multiple of 8. `name` stands in messages. PLN_E_ARG: a name or key twice or not
 * UTF-8, or another type. PLN_E_RANGE: a value that is not finite, or not in the type asked for. */
pln_status pnn_st_encode(pln_context *ctx, const pnn_st_source *tensors, size_t n,
                         const pnn_st_text *metadata, size_t m, const char *name, void **bytes,
                         size_t *length) PLN_CHECK;
/* Writes it under a temporary name, syncs, renames. PLN_E_WRITE. */
pln_status pnn_st_write(pln_context *ctx, const char *path, const pnn_st_source *tensors, size_t n,
                        const pnn_st_text *metadata, size_t m) PLN_CHECK;

#endif
