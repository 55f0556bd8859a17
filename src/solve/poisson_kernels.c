/* SPDX-License-Identifier: MIT */
/* Transposition and division of columns of a spectrum. */
#include <stdint.h>
#include <string.h>

#include "solve/poisson_kernels.h"

enum { LANES = POISSON_LANES, ROWS = 8 };

/* A complex number moves as one word. */
static inline uint64_t load(const float *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float *p, uint64_t v) { memcpy(p, &v, sizeof v); }

static void gather(float *restrict columns, size_t column, const float *restrict rows, size_t row,
                   size_t n)
{
    size_t y = 0;
    for (; y + ROWS <= n; y += ROWS)
        for (size_t i = 0; i < LANES; i++)
            for (size_t j = 0; j < ROWS; j++)
                store(columns + i * column + 2 * (y + j), load(rows + (y + j) * row + 2 * i));
    for (; y < n; y++)
        for (size_t i = 0; i < LANES; i++)
            store(columns + i * column + 2 * y, load(rows + y * row + 2 * i));
}

static void scatter(float *restrict rows, size_t row, const float *restrict columns, size_t column,
                    size_t n)
{
    size_t y = 0;
    for (; y + ROWS <= n; y += ROWS)
        for (size_t j = 0; j < ROWS; j++)
            for (size_t i = 0; i < LANES; i++)
                store(rows + (y + j) * row + 2 * i, load(columns + i * column + 2 * (y + j)));
    for (; y < n; y++)
        for (size_t i = 0; i < LANES; i++)
            store(rows + y * row + 2 * i, load(columns + i * column + 2 * y));
}

static void divide(float *restrict z, const float *restrict dy, float dx, float k, float scale,
                   size_t n)
{
    for (size_t y = 0; y < n; y++) {
        float f = scale / (1 + k * (dx + dy[y]));
        z[2 * y] *= f;
        z[2 * y + 1] *= f;
    }
}

const struct poisson_kernels PLN_KERNELS(pln_poisson_kernels) = {
    .gather = gather,
    .scatter = scatter,
    .divide = divide,
};
