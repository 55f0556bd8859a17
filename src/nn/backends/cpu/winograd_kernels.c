/* SPDX-License-Identifier: MIT */
/* Inner loops of the Winograd convolution. The method is described in winograd.c. */
#include "nn/backends/cpu/winograd_kernels.h"
#include "nn/backends/cpu/vectors.h"

extern const wino_kernels PLN_KERNELS(pln_wino_kernels);

enum { VECS = WINO_PANEL / LANES }; /* of a panel */

/* ---- Transforms, for the points 0, a, -a, b, -b, infinity ---- */

#define A  WINO_A
#define A2 (A * A)
#define A3 (A * A * A)
#define B  WINO_B
#define B2 (B * B)
#define B3 (B * B * B)

/* y = B' x */
INLINE void b_transform(const vec x[6], vec y[6])
{
    vec even_a = x[4] - B2 * x[2], odd_a = x[3] - B2 * x[1];
    vec even_b = x[4] - A2 * x[2], odd_b = x[3] - A2 * x[1];

    y[0] = A2 * B2 * x[0] + (x[4] - (A2 + B2) * x[2]);
    y[1] = even_a + A * odd_a;
    y[2] = even_a - A * odd_a;
    y[3] = even_b + B * odd_b;
    y[4] = even_b - B * odd_b;
    y[5] = A2 * B2 * x[1] + (x[5] - (A2 + B2) * x[3]);
}

/* y = A' m */
INLINE void a_transform(const vec m[6], vec y[4])
{
    vec sum_a = m[1] + m[2], sum_b = m[3] + m[4];
    vec dif_a = m[1] - m[2], dif_b = m[3] - m[4];

    y[0] = m[0] + sum_a + sum_b;
    y[1] = A * dif_a + B * dif_b;
    y[2] = A2 * sum_a + B2 * sum_b;
    y[3] = A3 * dif_a + (B3 * dif_b + m[5]);
}

/* B' x B of n <= LANES channels; x: of the tile's first input. inside: all of them lie in the
 * image. */
INLINE void input_vec(const float *x, struct wino_steps s, const struct wino_tile *t, size_t n,
                      bool inside, float *v, size_t plane)
{
    vec rows[6][6];

    for (int j = 0; j < 6; j++) {
        vec col[6], y[6];
        bool in = inside || (j >= t->left && j < t->right);
        for (int i = 0; i < 6; i++) {
            if (inside || (in && i >= t->top && i < t->bottom))
                col[i] = load_n(x + i * s.row + j * s.col, n);
            else
                col[i] = (vec){0};
        }
        b_transform(col, y);
        for (int i = 0; i < 6; i++) rows[i][j] = y[i];
    }
    for (size_t i = 0; i < 6; i++) {
        vec y[6];
        b_transform(rows[i], y);
        for (size_t j = 0; j < 6; j++) store(v + (6 * i + j) * plane, y[j]);
    }
}

static void input(const float *x, struct wino_steps s, const struct wino_tile *t, size_t c,
                  float *v, size_t plane)
{
    size_t k = 0, end = pln_div_up(c, WINO_PANEL) * WINO_PANEL;

    x += (ptrdiff_t)t->at * s.pixel - s.row - s.col;
    if (t->top == 0 && t->left == 0 && t->bottom == 6 && t->right == 6)
        for (; k + LANES <= c; k += LANES) input_vec(x + k, s, t, LANES, true, v + k, plane);
    else
        for (; k + LANES <= c; k += LANES) input_vec(x + k, s, t, LANES, false, v + k, plane);
    for (; k < end; k += LANES) input_vec(x + k, s, t, c > k ? c - k : 0, false, v + k, plane);
}

INLINE void output_vec(const float *m, size_t plane, const struct wino_tile *t, size_t k, size_t n,
                       const pln_conv_epilogue *e, struct wino_steps r, struct wino_steps q,
                       float *y, struct wino_steps s)
{
    vec cols[4][6], bias = e->bias ? load_n(e->bias + k, n) : (vec){0};
    const float *residual = e->residual ? e->residual + (ptrdiff_t)t->out * r.pixel + k : NULL;
    const float *mask = e->mask ? e->mask + (ptrdiff_t)t->out * q.pixel + k : NULL;

    m += k;
    y += (ptrdiff_t)t->out * s.pixel + k;
    for (size_t j = 0; j < 6; j++) {
        vec col[6], o[4];
        for (size_t i = 0; i < 6; i++) col[i] = load(m + (6 * i + j) * plane);
        a_transform(col, o);
        for (size_t i = 0; i < 4; i++) cols[i][j] = o[i];
    }
    for (int i = 0; i < 4; i++) {
        vec o[4];
        if (i >= t->rows) break;
        a_transform(cols[i], o);
        for (int j = 0; j < 4; j++)
            if (j < t->cols)
                store_n(y + i * s.row + j * s.col,
                        finish(o[j] + bias, e, residual ? residual + i * r.row + j * r.col : NULL,
                               mask ? mask + i * q.row + j * q.col : NULL, n),
                        n);
    }
}

static void output(const float *m, size_t plane, const struct wino_tile *t, size_t c,
                   const pln_conv_epilogue *e, struct wino_steps r, struct wino_steps q, float *y,
                   struct wino_steps s)
{
    size_t k = 0;

    if (!t->rows) return;
    for (; k + LANES <= c; k += LANES) output_vec(m, plane, t, k, LANES, e, r, q, y, s);
    if (k < c) output_vec(m, plane, t, k, c - k, e, r, q, y, s);
}

/* y = A m */
INLINE void a_gradient(const vec m[4], vec y[6])
{
    vec even_a = m[0] + A2 * m[2], odd_a = A * m[1] + A3 * m[3];
    vec even_b = m[0] + B2 * m[2], odd_b = B * m[1] + B3 * m[3];

    y[0] = m[0];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = m[3];
}

/* A y A' of n <= LANES channels; inside: all sixteen outputs lie in the image. */
INLINE void output_gradient_vec(const float *y, struct wino_steps s, const struct wino_tile *t,
                                size_t n, bool inside, float *z, size_t plane, float *bias)
{
    vec rows[6][4], sum = load(bias);

    for (int j = 0; j < 4; j++) {
        vec col[4], o[6];
        for (int i = 0; i < 4; i++) {
            if (inside || (i < t->rows && j < t->cols))
                col[i] = load_n(y + i * s.row + j * s.col, n);
            else
                col[i] = (vec){0};
        }
        sum += (col[0] + col[1]) + (col[2] + col[3]);
        a_gradient(col, o);
        for (int i = 0; i < 6; i++) rows[i][j] = o[i];
    }
    store(bias, sum);
    for (size_t i = 0; i < 6; i++) {
        vec o[6];
        a_gradient(rows[i], o);
        for (size_t j = 0; j < 6; j++) store(z + (6 * i + j) * plane, o[j]);
    }
}

static void output_gradient(const float *y, struct wino_steps s, const struct wino_tile *t,
                            size_t c, float *z, size_t plane, float *bias)
{
    size_t k = 0, end = pln_div_up(c, WINO_PANEL) * WINO_PANEL;

    y += (ptrdiff_t)t->at * s.pixel;
    if (t->rows == 4 && t->cols == 4)
        for (; k + LANES <= c; k += LANES)
            output_gradient_vec(y + k, s, t, LANES, true, z + k, plane, bias + k);
    else
        for (; k + LANES <= c; k += LANES)
            output_gradient_vec(y + k, s, t, LANES, false, z + k, plane, bias + k);
    for (; k < end; k += LANES)
        output_gradient_vec(y + k, s, t, c > k ? c - k : 0, false, z + k, plane, bias + k);
}

/* ---- Products ---- */

/* rows x panels of m = v u, in registers; rows and panels are constants where this is expanded. */
INLINE void product(const size_t rows, const size_t panels, size_t k, const float *v,
                    size_t v_stride, const float *u, float *m, size_t m_stride)
{
    vec sum[24][VECS];

#pragma GCC unroll 24
    for (size_t i = 0; i < rows * panels; i++)
#pragma GCC unroll 4
        for (size_t a = 0; a < VECS; a++) sum[i][a] = (vec){0};
    for (size_t c = 0; c < k; c++) {
        vec b[4][VECS];
#pragma GCC unroll 4
        for (size_t j = 0; j < panels; j++)
#pragma GCC unroll 4
            for (size_t a = 0; a < VECS; a++)
                b[j][a] = load(u + (j * k + c) * WINO_PANEL + a * LANES);
#pragma GCC unroll 24
        for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (size_t j = 0; j < panels; j++)
#pragma GCC unroll 4
                for (size_t a = 0; a < VECS; a++)
                    sum[i * panels + j][a] += v[i * v_stride + c] * b[j][a];
    }
#pragma GCC unroll 24
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < panels; j++)
#pragma GCC unroll 4
            for (size_t a = 0; a < VECS; a++)
                store(m + i * m_stride + j * WINO_PANEL + a * LANES, sum[i * panels + j][a]);
}

INLINE void products(const size_t rows, const size_t panels, size_t k, const float *v,
                     size_t v_stride, const float *u, float *m, size_t m_stride)
{
    for (size_t i = 0; i < WINO_TILES; i += rows)
        product(rows, panels, k, v + i * v_stride, v_stride, u, m + i * m_stride, m_stride);
}

static void multiply(size_t k, size_t panels, const float *v, size_t v_stride, const float *u,
                     float *m)
{
    size_t m_stride = panels * WINO_PANEL, q = 0;

#if defined(__AVX512F__)
    for (; q + 4 <= panels; q += 4)
        products(6, 4, k, v, v_stride, u + q * k * WINO_PANEL, m + q * WINO_PANEL, m_stride);
    u += q * k * WINO_PANEL;
    m += q * WINO_PANEL;
    if (panels - q == 3) products(6, 3, k, v, v_stride, u, m, m_stride);
    if (panels - q == 2) products(12, 2, k, v, v_stride, u, m, m_stride);
    if (panels - q == 1) products(12, 1, k, v, v_stride, u, m, m_stride);
#elif defined(__AVX2__)
    for (; q < panels; q++)
        products(6, 1, k, v, v_stride, u + q * k * WINO_PANEL, m + q * WINO_PANEL, m_stride);
#else
    for (; q < panels; q++)
        products(2, 1, k, v, v_stride, u + q * k * WINO_PANEL, m + q * WINO_PANEL, m_stride);
#endif
}

/* rows x panels of m += v' z, in registers: with those of a turn, about half of them. Rows and
 * panels are constants where this is expanded. */
INLINE void outer_product(const size_t rows, const size_t panels, size_t tiles, size_t v_stride,
                          const float *v, size_t m_stride, const float *z, float *m)
{
    vec sum[16][VECS];

#pragma GCC unroll 16
    for (size_t i = 0; i < rows * panels; i++)
#pragma GCC unroll 4
        for (size_t a = 0; a < VECS; a++) sum[i][a] = (vec){0};
    for (size_t t = 0; t < tiles; t++, v += v_stride, z += m_stride) {
        vec b[4][VECS];
#pragma GCC unroll 4
        for (size_t j = 0; j < panels; j++)
#pragma GCC unroll 4
            for (size_t a = 0; a < VECS; a++) b[j][a] = load(z + j * WINO_PANEL + a * LANES);
#pragma GCC unroll 16
        for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (size_t j = 0; j < panels; j++)
#pragma GCC unroll 4
                for (size_t a = 0; a < VECS; a++) sum[i * panels + j][a] += v[i] * b[j][a];
    }
    /* Sums of sums: a single long one would be less exact. */
#pragma GCC unroll 16
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t j = 0; j < panels; j++)
#pragma GCC unroll 4
            for (size_t a = 0; a < VECS; a++) {
                float *all = m + i * m_stride + j * WINO_PANEL + a * LANES;
                store(all, load(all) + sum[i * panels + j][a]);
            }
}

INLINE void outer_products(const size_t rows, const size_t panels, size_t tiles, size_t v_stride,
                           size_t k, const float *v, size_t m_stride, const float *z, float *m)
{
    size_t i = 0;
    for (; i + rows <= k; i += rows)
        outer_product(rows, panels, tiles, v_stride, v + i, m_stride, z, m + i * m_stride);
    for (; i < k; i += 4)
        outer_product(4, panels, tiles, v_stride, v + i, m_stride, z, m + i * m_stride);
}

static void accumulate(size_t tiles, size_t k, size_t panels, const float *v, const float *z,
                       float *m)
{
    size_t v_stride = pln_div_up(k, WINO_PANEL) * WINO_PANEL, m_stride = panels * WINO_PANEL, q = 0;

#if defined(__AVX512F__)
    for (; q + 4 <= panels; q += 4)
        outer_products(4, 4, tiles, v_stride, k, v, m_stride, z + q * WINO_PANEL,
                       m + q * WINO_PANEL);
    for (; q + 2 <= panels; q += 2)
        outer_products(8, 2, tiles, v_stride, k, v, m_stride, z + q * WINO_PANEL,
                       m + q * WINO_PANEL);
    if (q < panels)
        outer_products(16, 1, tiles, v_stride, k, v, m_stride, z + q * WINO_PANEL,
                       m + q * WINO_PANEL);
#else
    for (; q < panels; q++)
        outer_products(4, 1, tiles, v_stride, k, v, m_stride, z + q * WINO_PANEL,
                       m + q * WINO_PANEL);
#endif
}

const wino_kernels PLN_KERNELS(pln_wino_kernels) = {
    .input = input,
    .multiply = multiply,
    .output = output,
    .output_gradient = output_gradient,
    .accumulate = accumulate,
};
