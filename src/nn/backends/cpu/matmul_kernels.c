/* SPDX-License-Identifier: MIT */
/* Inner loops of matrix products: blocks of ROWS x two vectors stay in registers over all terms. */
#include "nn/backends/cpu/matmul_kernels.h"

#include <string.h>

extern const matmul_kernels PLN_KERNELS(pln_matmul_kernels);

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 12 };
#elif defined(__AVX2__)
enum { LANES = 8, ROWS = 6 };
#else
enum { LANES = 4, ROWS = 6 };
#endif
enum { VECS = 2, PANEL = VECS * LANES };
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v) { memcpy(p, &v, sizeof v); }

INLINE void block(size_t rows, size_t cols, size_t terms, const float *a, size_t a_row,
                  size_t a_term, const float *b, size_t b_term, float *y, size_t y_row, bool add)
{
    vec s[ROWS][VECS];

    for (size_t i = 0; i < rows; i++)
        for (int j = 0; j < VECS; j++) s[i][j] = (vec){0};
    for (size_t t = 0; t < terms; t++, a += a_term, b += b_term) {
        vec v[VECS];
        for (int j = 0; j < VECS; j++) v[j] = load(b + j * LANES);
        for (size_t i = 0; i < rows; i++)
            for (int j = 0; j < VECS; j++) s[i][j] += a[i * a_row] * v[j];
    }
    for (size_t i = 0; i < rows; i++, y += y_row) {
        float part[PANEL];
        float *to = cols == PANEL ? y : part;
        for (int j = 0; j < VECS; j++) {
            if (cols == PANEL && add) s[i][j] += load(y + j * LANES);
            store(to + j * LANES, s[i][j]);
        }
        if (cols < PANEL)
            for (size_t j = 0; j < cols; j++) y[j] = add ? y[j] + part[j] : part[j];
    }
}

static void product(size_t rows, size_t cols, size_t terms, const float *a, size_t a_row,
                    size_t a_term, const float *b, size_t b_term, float *y, size_t y_row, bool add)
{
    size_t i = 0;
    for (; i + ROWS <= rows; i += ROWS)
        block(ROWS, cols, terms, a + i * a_row, a_row, a_term, b, b_term, y + i * y_row, y_row,
              add);
    for (; i + 4 <= rows; i += 4)
        block(4, cols, terms, a + i * a_row, a_row, a_term, b, b_term, y + i * y_row, y_row, add);
    for (; i < rows; i++)
        block(1, cols, terms, a + i * a_row, a_row, a_term, b, b_term, y + i * y_row, y_row, add);
}

const matmul_kernels PLN_KERNELS(pln_matmul_kernels) = {.panel = PANEL, .product = product};
