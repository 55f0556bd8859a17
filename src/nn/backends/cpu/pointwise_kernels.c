/* SPDX-License-Identifier: MIT */
/* Inner loops of element-wise programs. Functions have relative errors of a few 1e-7. */
#include "nn/backends/cpu/pointwise_kernels.h"

#include "core/vmath.h"
#include "nn/half.h"

extern const pointwise_kernels PLN_KERNELS(pln_pointwise_kernels);

#define INLINE static inline __attribute__((always_inline))

/* ---- Functions that libm would compute one at a time ---- */

/* x = n ln 2 + r, |r| <= ln 2 / 2; returns e^r - 1 by its series to the 7th power. Adding 1.5 2^23
 * leaves the nearest integer in the last places: *bits is n modulo 512, so that a NaN needs no
 * care. */
INLINE float reduce(float x, uint32_t *bits)
{
    float rounded = x * 1.442695041f + 12582912.0f, n = rounded - 12582912.0f;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
    float p = 1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040));
    *bits = pnn_bits_of_f32(rounded);
    return r + r * r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * p)));
}

/* 2^n for -126 <= n < 128 */
INLINE float power(uint32_t n) { return pnn_f32_of_bits((n + 127) << 23); }

/* 0 below -87, infinite above 88.72. */
INLINE float exponential(float x)
{
    uint32_t n;
    float y = x < -87 ? -87 : x > 89 ? 89 : x, p = reduce(y, &n);
    p = 2 * ((1 + p) * power(n - 1));
    return x < -87 ? 0 : p;
}

/* e^x - 1 for x <= 0, with the small relative error of e^x near 0 too. */
INLINE float exponential_m1(float x)
{
    uint32_t n;
    float y = x < -50 ? -50 : x, p = reduce(y, &n), t = power(n);
    return t * p + (t - 1);
}

INLINE float logarithm(float x)
{
    bool small = x < 0x1p-126f;
    float positive = fabsf(small ? x * 0x1p24f : x);
    float y = (pln_log2(positive) - (small ? 24 : 0)) * 0.6931471806f;
    y = x > 0 ? y : -INFINITY;
    return x >= 0 ? x < INFINITY ? y : x : NAN;
}

/* log(1 + u) for u in [0, 1]: 2 artanh(u / (2 + u)) by its series. */
INLINE float logarithm_p1(float u)
{
    float s = u / (2 + u), q = s * s;
    float p = 1.0f / 9 + q * (1.0f / 11 + q * (1.0f / 13 + q * (1.0f / 15)));
    p = 1.0f / 3 + q * (1.0f / 5 + q * (1.0f / 7 + q * p));
    return 2 * (s + s * q * p);
}

INLINE float sigmoid_of(float x)
{
    float e = exponential(-fabsf(x));
    return (x < 0 ? e : 1) / (1 + e);
}

INLINE float tanh_of(float x)
{
    float e = exponential_m1(-2 * fabsf(x));
    return copysignf(e / (2 + e), x);
}

INLINE float log_sigmoid_of(float x)
{
    return (x < 0 ? x : 0) - logarithm_p1(exponential(-fabsf(x)));
}

/* ---- Maps ---- */

#define MAP(name, formula)                                                                         \
    static void name(size_t n, const float *a, const float *b, float p, float q, float *y)         \
    {                                                                                              \
        (void)a, (void)b, (void)p, (void)q;                                                        \
        PLN_VECTORISE                                                                              \
        for (size_t i = 0; i < n; i++) y[i] = formula;                                             \
    }

MAP(relu, a[i] > 0 ? a[i] : 0)
MAP(relu6, a[i] > 6 ? 6 : a[i] > 0 ? a[i] : 0)
MAP(leaky_relu, a[i] > 0 ? a[i] : p * a[i])
MAP(sigmoid, sigmoid_of(a[i]))
MAP(tanh_map, tanh_of(a[i]))
MAP(exp_map, exponential(a[i]))
MAP(log_map, logarithm(a[i]))
MAP(log_sigmoid, log_sigmoid_of(a[i]))
MAP(abs_map, fabsf(a[i]))
MAP(sqrt_map, sqrtf(a[i]))
MAP(reciprocal, 1 / a[i])
MAP(square, a[i] * a[i])
MAP(affine, p *a[i] + q)
MAP(clamp, a[i]<p ? p : a[i]> q ? q : a[i])
MAP(step, a[i] > 0 ? 1 : 0)
MAP(sign, a[i] > 0 ? 1 : a[i] < 0 ? -1 : 0)

/* Slopes: of x, or of y where pnn_unary_uses_output says so. */
MAP(relu_slope, a[i] > 0 ? b[i] : 0)
MAP(relu6_slope, a[i] > 0 && a[i] < 6 ? b[i] : 0)
MAP(leaky_relu_slope, a[i] > 0 ? b[i] : p * b[i])
MAP(sigmoid_slope, a[i] * (1 - a[i]) * b[i])
MAP(tanh_slope, (1 - a[i] * a[i]) * b[i])
MAP(exp_slope, a[i] * b[i])
MAP(log_slope, b[i] / a[i])
MAP(log_sigmoid_slope, -exponential_m1(a[i]) * b[i])
MAP(abs_slope, a[i] > 0 ? b[i] : a[i] < 0 ? -b[i] : 0)
MAP(sqrt_slope, 0.5f * b[i] / a[i])
MAP(reciprocal_slope, -a[i] * a[i] * b[i])
MAP(square_slope, 2 * a[i] * b[i])
MAP(affine_slope, p *b[i])
MAP(clamp_slope, a[i] >= p && a[i] <= q ? b[i] : 0)
MAP(flat_slope, 0)

MAP(add, a[i] + b[i])
MAP(sub, a[i] - b[i])
MAP(mul, a[i] * b[i])
MAP(div_map, a[i] / b[i])
MAP(min_map, a[i] < b[i] ? a[i] : b[i])
MAP(max_map, a[i] > b[i] ? a[i] : b[i])
MAP(greater_equal, a[i] >= b[i] ? 1 : 0)
MAP(equal, a[i] == b[i] ? 1 : 0)

/* ---- Between memory and blocks ---- */

INLINE float widen(float v) { return v; }
INLINE float widen_half(uint16_t v) { return pnn_f32_of_bf16(v); }
INLINE float narrow(float v) { return v; }
INLINE uint16_t narrow_half(float v) { return pnn_bf16_of_f32(v); }

/* Few columns are a loop of known length; many are contiguous, repeated, or apart. */
#define LOAD(name, type, convert)                                                                  \
    INLINE void name##_few(float *restrict block, const type *restrict x, pnn_patch p,             \
                           size_t cols)                                                            \
    {                                                                                              \
        for (size_t r = 0; r < p.rows; r++)                                                        \
            for (size_t c = 0; c < cols; c++)                                                      \
                block[r * cols + c] = convert(x[r * p.row_step + c * p.col_step]);                 \
    }                                                                                              \
    static void name(float *restrict block, const void *memory, pnn_patch p)                       \
    {                                                                                              \
        const type *restrict x = memory;                                                           \
        if (p.cols == 1) {                                                                         \
            name##_few(block, x, p, 1);                                                            \
        } else if (p.cols == 2) {                                                                  \
            name##_few(block, x, p, 2);                                                            \
        } else if (p.cols == 3) {                                                                  \
            name##_few(block, x, p, 3);                                                            \
        } else if (p.cols == 4) {                                                                  \
            name##_few(block, x, p, 4);                                                            \
        } else {                                                                                   \
            for (size_t r = 0; r < p.rows; r++, block += p.cols, x += p.row_step) {                \
                if (p.col_step == 1)                                                               \
                    for (size_t c = 0; c < p.cols; c++) block[c] = convert(x[c]);                  \
                else if (p.col_step == 0)                                                          \
                    for (size_t c = 0; c < p.cols; c++) block[c] = convert(x[0]);                  \
                else                                                                               \
                    for (size_t c = 0; c < p.cols; c++) block[c] = convert(x[c * p.col_step]);     \
            }                                                                                      \
        }                                                                                          \
    }
LOAD(load, float, widen)
LOAD(load_half, uint16_t, widen_half)

#define STORE(name, type, convert)                                                                 \
    INLINE void name##_few(const float *restrict block, type *restrict y, pnn_patch p,             \
                           size_t cols)                                                            \
    {                                                                                              \
        for (size_t r = 0; r < p.rows; r++)                                                        \
            for (size_t c = 0; c < cols; c++)                                                      \
                y[r * p.row_step + c * p.col_step] = convert(block[r * cols + c]);                 \
    }                                                                                              \
    static void name(const float *restrict block, void *memory, pnn_patch p)                       \
    {                                                                                              \
        type *restrict y = memory;                                                                 \
        if (p.cols == 1) {                                                                         \
            name##_few(block, y, p, 1);                                                            \
        } else if (p.cols == 2) {                                                                  \
            name##_few(block, y, p, 2);                                                            \
        } else if (p.cols == 3) {                                                                  \
            name##_few(block, y, p, 3);                                                            \
        } else if (p.cols == 4) {                                                                  \
            name##_few(block, y, p, 4);                                                            \
        } else {                                                                                   \
            for (size_t r = 0; r < p.rows; r++, block += p.cols, y += p.row_step) {                \
                if (p.col_step == 1)                                                               \
                    for (size_t c = 0; c < p.cols; c++) y[c] = convert(block[c]);                  \
                else                                                                               \
                    for (size_t c = 0; c < p.cols; c++) y[c * p.col_step] = convert(block[c]);     \
            }                                                                                      \
        }                                                                                          \
    }
STORE(store, float, narrow)
STORE(store_half, uint16_t, narrow_half)

static void adam(size_t n, const float *restrict g, pnn_adam_factors s, float *restrict m,
                 float *restrict v, float *restrict w)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = s.keep1 * m[i] + s.take1 * g[i];
        v[i] = s.keep2 * v[i] + s.take2 * (g[i] * g[i]);
        w[i] -= s.rate * m[i] / (sqrtf(v[i]) * s.root + s.eps);
    }
}

const pointwise_kernels PLN_KERNELS(pln_pointwise_kernels) = {
    .unary = {[PNN_RELU] = relu,
              [PNN_RELU6] = relu6,
              [PNN_LEAKY_RELU] = leaky_relu,
              [PNN_SIGMOID] = sigmoid,
              [PNN_TANH] = tanh_map,
              [PNN_EXP] = exp_map,
              [PNN_LOG] = log_map,
              [PNN_LOG_SIGMOID] = log_sigmoid,
              [PNN_ABS] = abs_map,
              [PNN_SQRT] = sqrt_map,
              [PNN_RECIPROCAL] = reciprocal,
              [PNN_SQUARE] = square,
              [PNN_AFFINE] = affine,
              [PNN_CLAMP] = clamp,
              [PNN_STEP] = step,
              [PNN_SIGN] = sign},
    .slope = {[PNN_RELU] = relu_slope,
              [PNN_RELU6] = relu6_slope,
              [PNN_LEAKY_RELU] = leaky_relu_slope,
              [PNN_SIGMOID] = sigmoid_slope,
              [PNN_TANH] = tanh_slope,
              [PNN_EXP] = exp_slope,
              [PNN_LOG] = log_slope,
              [PNN_LOG_SIGMOID] = log_sigmoid_slope,
              [PNN_ABS] = abs_slope,
              [PNN_SQRT] = sqrt_slope,
              [PNN_RECIPROCAL] = reciprocal_slope,
              [PNN_SQUARE] = square_slope,
              [PNN_AFFINE] = affine_slope,
              [PNN_CLAMP] = clamp_slope,
              [PNN_STEP] = flat_slope,
              [PNN_SIGN] = flat_slope},
    .binary = {[PNN_ADD] = add,
               [PNN_SUB] = sub,
               [PNN_MUL] = mul,
               [PNN_DIV] = div_map,
               [PNN_MIN] = min_map,
               [PNN_MAX] = max_map,
               [PNN_GREATER_EQUAL] = greater_equal,
               [PNN_EQUAL] = equal},
    .load = load,
    .load_half = load_half,
    .store = store,
    .store_half = store_half,
    .adam = adam};
