/* SPDX-License-Identifier: MIT */
/* Sizes are N, H, W, C. tools/op_vectors.py reads the table from this file and has a function for
 * each builder that PyTorch can do. */
#include "op_cases.h"

#include "../support.h"

/* ---- Values ---- */

static uint32_t number(uint32_t stream, size_t i, uint32_t below)
{
    return (uint32_t)(noise((uint32_t)i, (uint32_t)(i >> 20), stream) * (float)below);
}

/* Where i goes in a permutation of n. */
static size_t place(uint32_t stream, size_t i, size_t n)
{
    size_t step = 1 + number(stream, 1, (uint32_t)n), a, b;
    for (;; step++) {
        for (a = step, b = n; b;) {
            size_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) return (i * step + number(stream, 2, (uint32_t)n)) % n;
    }
}

float op_value(op_values values, uint32_t stream, size_t i, size_t n)
{
    int k = (int)number(stream, i, 1024);
    switch (values) {
    case OP_ANY:
        return (float)(k - 512) / 512;
    case OP_APART:
        return (k < 512 ? -1.0f : 1.0f) * (64 + 0.875f * (float)(k % 512)) / 512;
    case OP_POSITIVE:
        return 0.5f + (float)k / 1024;
    case OP_DISTINCT:
        return ((float)place(stream, i, n) - (float)(n / 2)) / 16;
    case OP_EVEN:
        return (float)(k % 17 - 8) / 8;
    case OP_ODD:
        return (float)(k % 17 - 8) / 8 + 0.0625f;
    case OP_WIDE:
        return (float)(k % 19 - 9) + 0.5f;
    }
    return 0;
}

/* ---- Variables ---- */

static pnn_node keep(op_build *b, pnn_node x, op_values values)
{
    if (b->count == OP_MAX_VARS) return pnn_error(b->g, PLN_E_INTERNAL, "too many variables");
    b->vars[b->count] = x;
    b->values[b->count++] = values;
    return x;
}

/* d: N, H, W, C. */
static pnn_node input(op_build *b, const long d[4], op_values values)
{
    const char *name = pnn_name(b->g, "x%d", b->count);
    return keep(b, pnn_input_shaped(b->g, name, pnn_shape_const(b->g, d[0], d[1], d[2], d[3])),
                values);
}

static pnn_node param(op_build *b, long n, long h, long w, long c, op_values values)
{
    const char *name = pnn_name(b->g, "x%d", b->count);
    return keep(b,
                pnn_param(b->g, name, PNN_TRAINED, (const long[4]){n, h, w, c},
                          (pnn_init){PNN_INIT_VALUE, 0}),
                values);
}

/* Statistics: no gradient. */
static pnn_node state(op_build *b, long c, op_values values)
{
    const char *name = pnn_name(b->g, "x%d", b->count);
    return keep(b,
                pnn_param(b->g, name, PNN_STATE, (const long[4]){1, 1, 1, c},
                          (pnn_init){PNN_INIT_VALUE, 0}),
                values);
}

static pnn_node vector(op_build *b, long c, op_values values)
{
    return param(b, 1, 1, 1, c, values);
}

/* ---- Convolutions ---- */

/* x[4], out, kh, kw, stride, dilation, groups, pad top left bottom right, bias */
static pnn_node conv(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), bias = {0},
             w = param(b, a[4], a[3] / a[9], a[5], a[6], OP_ANY);
    if (a[14]) bias = vector(b, a[4], OP_ANY);
    return pnn_conv_with(b->g, x, w, bias,
                         (pnn_conv_attr){(int)a[5], (int)a[6], (int)a[7], (int)a[8], (int)a[9],
                                         (int)a[10], (int)a[11], (int)a[12], (int)a[13]});
}

/* x[4], out, k, stride, dilation, groups, pad, output padding, bias */
static pnn_node conv_transposed(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), bias = {0},
             w = param(b, a[3], a[4] / a[8], a[5], a[5], OP_ANY);
    pnn_shape like = pnn_shape_of(b->g, x);
    long grow = a[7] * (a[5] - 1) + 1 - 2 * a[9] - a[6] + a[10];
    like.h = pnn_dim_const(b->g, a[1] * a[6] + grow);
    like.w = pnn_dim_const(b->g, a[2] * a[6] + grow);
    if (a[11]) bias = vector(b, a[4], OP_ANY);
    return pnn_conv_data(b->g, x, w, bias,
                         (pnn_conv_attr){(int)a[5], (int)a[5], (int)a[6], (int)a[7], (int)a[8],
                                         (int)a[9], (int)a[9], (int)a[9], (int)a[9]},
                         like);
}

/* x[4], out: a fully connected layer */
static pnn_node linear(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY);
    pnn_node y = pnn_linear(b->g, x, "fc", a[4]);
    keep(b, pnn_find(b->g, PNN_OP_PARAM, "fc.weight"), OP_ANY);
    keep(b, pnn_find(b->g, PNN_OP_PARAM, "fc.bias"), OP_ANY);
    return y;
}

/* x[4], out, k, dilation, bias, activation, residual (1 before, 2 after the activation) */
static pnn_node conv_epilogue(op_build *b, const long *a)
{
    long pad = a[6] * (a[5] - 1) / 2;
    const long arg[] = {a[0], a[1], a[2], a[3], a[4], a[5], a[5], 1,
                        a[6], 1,    pad,  pad,  pad,  pad,  a[7]};
    pnn_node y = conv(b, arg);
    pnn_vertex v = *pnn_vertex_of(b->g, y);
    v.attr.conv.e = (pnn_epilogue){(pnn_act)a[8], 0.2, a[9] == 1, a[9] == 2};
    if (a[9]) {
        v.in[3] = input(b, (const long[4]){a[0], a[1], a[2], a[4]}, OP_ANY);
        v.n_inputs = 4;
    }
    return pnn_append(b->g, &v);
}

/* The same from its parts. */
static pnn_node conv_then_parts(op_build *b, const long *a)
{
    static const int fn[] = {-1, PNN_RELU, PNN_LEAKY_RELU, PNN_RELU6};
    long pad = a[6] * (a[5] - 1) / 2;
    const long arg[] = {a[0], a[1], a[2], a[3], a[4], a[5], a[5], 1,
                        a[6], 1,    pad,  pad,  pad,  pad,  a[7]};
    pnn_node y = conv(b, arg), r = {0};
    if (a[9]) r = input(b, (const long[4]){a[0], a[1], a[2], a[4]}, OP_ANY);
    if (a[9] == 1) y = pnn_add(b->g, y, r);
    if (a[8]) y = pnn_unary(b->g, (pnn_unary_fn)fn[a[8]], y, 0.2, 0);
    return a[9] == 2 ? pnn_add(b->g, y, r) : y;
}

/* ---- Normalisation ---- */

/* x[4], per image */
static pnn_node moments(op_build *b, const long *a)
{
    return pnn_moments(b->g, input(b, a, OP_ANY), a[4]);
}

/* x[4], pnn_norm_kind */
static pnn_node norm(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), gamma = vector(b, a[3], OP_APART),
             beta = vector(b, a[3], OP_ANY), stats;
    if (a[4] == PNN_NORM_RUNNING) {
        pnn_node mean = state(b, a[3], OP_ANY), var = state(b, a[3], OP_POSITIVE);
        stats = pnn_concat2(b->g, PNN_AXIS_W, mean, var);
    } else {
        stats = pnn_moments(b->g, x, a[4] == PNN_NORM_IMAGE);
    }
    return pnn_norm_with(b->g, x, stats, gamma, beta, 1e-5, a[4] == PNN_NORM_RUNNING);
}

/* ---- Element by element ---- */

/* x[4], pnn_unary_fn, op_values, a and b in eighths */
static pnn_node unary(op_build *b, const long *a)
{
    return pnn_unary(b->g, (pnn_unary_fn)a[4], input(b, a, (op_values)a[5]), (double)a[6] / 8,
                     (double)a[7] / 8);
}

/* Shape[4], pnn_binary_fn, op_values of both, dimensions (bits) that are 1 of the first and of the
 * second */
static pnn_node binary(op_build *b, const long *a)
{
    long p[4], q[4];
    for (int i = 0; i < 4; i++) {
        p[i] = a[7] >> i & 1 ? 1 : a[i];
        q[i] = a[8] >> i & 1 ? 1 : a[i];
    }
    pnn_node x = input(b, p, (op_values)a[5]), y = input(b, q, (op_values)a[6]);
    return pnn_binary(b->g, (pnn_binary_fn)a[4], x, y);
}

/* A program over x (N H W C), a row per channel and a map of one channel, that uses every kind of
 * instruction: sigmoid(x) row + slope of tanh at map times x. */
static pnn_node fused(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), row = vector(b, a[3], OP_ANY),
             map = input(b, (const long[4]){a[0], a[1], a[2], 1}, OP_ANY);
    pnn_instr *code = pnn_graph_alloc(b->g, 4, sizeof *code);
    if (!code) return (pnn_node){0};
    code[0] = (pnn_instr){.fn = PNN_SIGMOID, .a = 0};
    code[1] = (pnn_instr){.binary = true, .fn = PNN_MUL, .a = 3, .b = 1};
    code[2] = (pnn_instr){.slope = true, .fn = PNN_TANH, .a = 2, .b = 0};
    code[3] = (pnn_instr){.binary = true, .fn = PNN_ADD, .a = 4, .b = 5};
    pnn_vertex v = {.op = PNN_OP_FUSED,
                    .type = PNN_F32,
                    .shape = pnn_shape_of(b->g, x),
                    .n_inputs = 3,
                    .in = {x, row, map},
                    .attr.fused = {4, code}};
    return pnn_append(b->g, &v);
}

/* ---- Shape ---- */

/* x[4], axis, parts: part i is i longer along the axis */
static pnn_node concat(op_build *b, const long *a)
{
    pnn_node parts[OP_MAX_VARS];
    for (long i = 0; i < a[5]; i++) {
        long d[4] = {a[0], a[1], a[2], a[3]};
        d[a[4]] += i;
        parts[i] = input(b, d, OP_ANY);
    }
    return pnn_concat(b->g, (pnn_axis)a[4], parts, (size_t)a[5]);
}

/* x[4], offset[4], size[4] */
static pnn_node window(op_build *b, const long *a)
{
    return pnn_window(b->g, input(b, a, OP_ANY), a + 4,
                      pnn_shape_const(b->g, a[8], a[9], a[10], a[11]));
}

static pnn_node embed(op_build *b, const long *a)
{
    return pnn_embed(b->g, input(b, a, OP_ANY), a + 4,
                     pnn_shape_const(b->g, a[8], a[9], a[10], a[11]));
}

/* Shape[4], dimensions (bits) that are 1 */
static pnn_node expand(op_build *b, const long *a)
{
    long d[4];
    for (int i = 0; i < 4; i++) d[i] = a[4] >> i & 1 ? 1 : a[i];
    pnn_node x = input(b, d, OP_ANY);
    return pnn_expand(
        b->g, x, pnn_input_shaped(b->g, "like", pnn_shape_const(b->g, a[0], a[1], a[2], a[3])));
}

/* x[4], shape[4] */
static pnn_node reshape(op_build *b, const long *a)
{
    return pnn_reshape(b->g, input(b, a, OP_ANY), pnn_shape_const(b->g, a[4], a[5], a[6], a[7]));
}

/* x[4], top, left, bottom, right, mode */
static pnn_node pad(op_build *b, const long *a)
{
    return pnn_pad(b->g, input(b, a, OP_ANY), a[4], a[5], a[6], a[7], (pnn_pad_mode)a[8]);
}

static pnn_node haar(op_build *b, const long *a) { return pnn_haar(b->g, input(b, a, OP_ANY)); }
static pnn_node haar_inverse(op_build *b, const long *a)
{
    return pnn_haar_inverse(b->g, input(b, a, OP_ANY));
}

/* ---- Pooling, reduction, resizing ---- */

/* x[4], k */
static pnn_node max_pool(op_build *b, const long *a)
{
    return pnn_max_pool(b->g, input(b, a, OP_DISTINCT), a[4]);
}
static pnn_node average_pool(op_build *b, const long *a)
{
    return pnn_average_pool(b->g, input(b, a, OP_ANY), a[4]);
}

/* x[4], axes, rows of factors: 0: none */
static pnn_node max_mean(op_build *b, const long *a)
{
    pnn_vertex v = {.op = PNN_OP_MAX_MEAN,
                    .type = PNN_F32,
                    .shape = a[4] == PNN_OVER_C ? pnn_shape_const(b->g, a[0], a[1], a[2], 2)
                                                : pnn_shape_const(b->g, a[0], 1, 2, a[3]),
                    .n_inputs = a[5] ? 2 : 1,
                    .in = {input(b, a, OP_DISTINCT)},
                    .attr.reduce = {.axes = (unsigned)a[4]}};
    if (a[5]) v.in[1] = input(b, (const long[4]){a[5], 1, 1, a[3]}, OP_POSITIVE);
    return pnn_append(b->g, &v);
}

/* x[4], pnn_reduce_fn, axes */
static pnn_node reduce(op_build *b, const long *a)
{
    return pnn_reduce(b->g, (pnn_reduce_fn)a[4],
                      input(b, a, a[4] == PNN_REDUCE_MAX ? OP_DISTINCT : OP_ANY), (unsigned)a[5]);
}

/* x[4], H, W, align corners */
static pnn_node resize(op_build *b, const long *a)
{
    return pnn_resize_to(b->g, input(b, a, OP_ANY), pnn_dim_const(b->g, a[4]),
                         pnn_dim_const(b->g, a[5]), a[6]);
}

/* ---- Matrix products ---- */

/* a[4], columns of b, one b for all pictures */
static pnn_node matmul(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY),
             y = input(b, (const long[4]){a[5] ? 1 : a[0], 1, a[3], a[4]}, OP_ANY);
    return pnn_matmul(b->g, x, y);
}

/* a[4], channels of b; 0: b is a */
static pnn_node gram(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY),
             y = a[4] ? input(b, (const long[4]){a[0], a[1], a[2], a[4]}, OP_ANY) : x;
    return pnn_gram(b->g, x, y);
}

/* ---- Fan's energy ---- */

/* d: N, H, W. value(y, x, c) is the same for every picture. */
static pnn_node drawn(op_build *b, const long *d, long c, float (*value)(long y, long x, long c))
{
    long dims[4] = {d[0], d[1], d[2], c}, n = d[0] * d[1] * d[2] * c;
    float *v = pnn_graph_alloc(b->g, (size_t)n, sizeof *v);
    for (long i = 0; v && i < n; i++) v[i] = value(i / (c * d[2]) % d[1], i / c % d[2], i % c);
    return v ? pnn_constant_tensor(b->g, v, dims) : (pnn_node){0};
}

/* No two pixels of a window alike, so that nothing ties. */
static float ramp(long y, long x, long c) { return (float)(40 * y + 7 * x + 3 * c); }
/* Steeper than that on the left, flatter on the right. */
static float two_slopes(long y, long x, long c) { return ramp(y, x, c) * (x < 3 ? 1.5f : 0.25f); }
static float some(long y, long x, long c)
{
    (void)c;
    return (x + 2 * y) % 3 == 0;
}
/* Steps along columns and along a diagonal. */
static float steps(long y, long x, long c)
{
    return (float)(60 * (x > 20) + 90 * (x + y > 60) + 8 * c);
}
static float disc(long y, long x, long c)
{
    (void)c;
    return (y - 20) * (y - 20) + (x - 20) * (x - 20) < 150 ? 1 : 0.5f * (float)(x % 2);
}

/* N, H, W, radius, grow, pln_fan_slopes, 0: E is larger on the right, or 1: everywhere, edges, ties
 */
static pnn_node fan_energy(op_build *b, const long *a)
{
    const long d[4] = {a[0], a[1], a[2], 3};
    pnn_graph *g = b->g;
    pnn_node x = input(b, d, a[8] ? OP_EVEN : OP_ANY);
    pnn_node T = a[8] ? pnn_affine(g, x, 40, 100) : pnn_add(g, x, drawn(b, d, 3, ramp));
    pnn_node I = drawn(b, d, 3, two_slopes);
    pnn_node maps = pnn_fan_maps(g, PLN_FAN_PLAIN, I, (pnn_node){0});
    if (a[7]) maps = pnn_concat2(g, PNN_AXIS_C, pnn_slice(g, maps, 0, 1), drawn(b, d, 1, some));
    const pln_fan_energy e = {.radius = (int)a[3],
                              .grow = (int)a[4],
                              .alpha = 0.25,
                              .c1 = a[6] ? INFINITY : 200,
                              .c2 = a[6] ? -1 : 0,
                              .sigma_r = 1,
                              .sigma_s = 3,
                              .lambda_f = 1,
                              .lambda_e = 0.1,
                              .slopes = (int)a[5]};
    return pnn_fan_energy(g, T, I, maps, &e);
}

/* N, H, W, pln_fan_guide */
static pnn_node fan_maps(op_build *b, const long *a)
{
    const long d[4] = {a[0], a[1], a[2], 3};
    pnn_node x = pnn_affine(b->g, input(b, d, OP_EVEN), 8, 40);
    return pnn_fan_maps(b->g, (pln_fan_guide)a[3], pnn_add(b->g, x, drawn(b, d, 3, steps)),
                        drawn(b, d, 1, disc));
}

/* ---- Groups ---- */

/* The other process has only zeros. */
static pln_status half(void *user, float *values, size_t n)
{
    (void)user;
    for (size_t i = 0; i < n; i++) values[i] /= 2;
    return PLN_OK;
}

/* Shape[4]; 0: the mean, 1: the sum */
static pnn_node group_of(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY);
    pnn_graph_group(b->g, &(pnn_group){.world = 2, .mean = half});
    return a[4] ? pnn_group_sum(b->g, x) : pnn_group_mean(b->g, x);
}

/* ---- From nothing; types ---- */

/* Shape[4], stream */
static pnn_node noise_map(op_build *b, const long *a)
{
    pnn_node like = input(b, a, OP_ANY);
    return pnn_add(b->g, like, pnn_noise(b->g, like, (uint64_t)a[4]));
}

/* x[4]: a fixed filter, rows read as one channel */
static pnn_node fixed_filter(op_build *b, const long *a)
{
    static const float sobel[9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1};
    pnn_node filter = pnn_constant_tensor(b->g, sobel, (const long[4]){1, 1, 3, 3});
    pnn_node x =
        pnn_reshape(b->g, input(b, a, OP_ANY), pnn_shape_const(b->g, a[0], a[1], a[2] * a[3], 1));
    return pnn_conv_with(b->g, x, filter, (pnn_node){0},
                         (pnn_conv_attr){3, 3, 1, 1, 1, 1, 1, 1, 1});
}

static pnn_node cast(op_build *b, pnn_node x, pnn_type type)
{
    pnn_vertex v = {.op = PNN_OP_CAST,
                    .type = type,
                    .shape = pnn_shape_of(b->g, x),
                    .n_inputs = 1,
                    .in = {x},
                    .attr.cast = type};
    pnn_node y = pnn_append(b->g, &v);
    if (y.id) pnn_vertex_mut(b->g, y)->type = type;
    return y;
}

/* x[4]: to bf16 and back */
static pnn_node cast_there_and_back(op_build *b, const long *a)
{
    return cast(b, cast(b, input(b, a, OP_POSITIVE), PNN_BF16), PNN_F32);
}

/* As conv_epilogue, operands and result in bf16. */
static pnn_node conv_bf16(op_build *b, const long *a)
{
    long pad = a[6] * (a[5] - 1) / 2;
    pnn_node x = input(b, a, OP_ANY), w = param(b, a[4], a[3], a[5], a[5], OP_ANY), bias = {0},
             r = {0};
    if (a[7]) bias = vector(b, a[4], OP_ANY);
    if (a[9]) r = input(b, (const long[4]){a[0], a[1], a[2], a[4]}, OP_ANY);
    int k = (int)a[5], p = (int)pad;
    pnn_node y = pnn_conv_with(b->g, cast(b, x, PNN_BF16), w, bias,
                               (pnn_conv_attr){k, k, 1, (int)a[6], 1, p, p, p, p});
    if (r.id) r = cast(b, r, PNN_BF16);
    if (!y.id) return y;
    pnn_vertex v = *pnn_vertex_of(b->g, y);
    v.attr.conv.e = (pnn_epilogue){(pnn_act)a[8], 0.2, a[9] == 1, a[9] == 2};
    v.in[3] = r;
    v.n_inputs = 4;
    v.type = PNN_BF16;
    y = pnn_append(b->g, &v);
    if (y.id) pnn_vertex_mut(b->g, y)->type = PNN_BF16;
    return cast(b, y, PNN_F32);
}

/* ---- Together: what passes change ---- */

static pnn_node conv3(op_build *b, pnn_node x, long out)
{
    pnn_node w = param(b, out, pnn_channels(b->g, x), 3, 3, OP_ANY), bias = vector(b, out, OP_ANY);
    return pnn_conv_with(b->g, x, w, bias, (pnn_conv_attr){3, 3, 1, 1, 1, 1, 1, 1, 1});
}

/* x[4], out: leaky_relu(norm(conv)) with known statistics, which are folded into the weights */
static pnn_node conv_norm(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), y = conv3(b, x, a[4]);
    pnn_node gamma = vector(b, a[4], OP_APART), beta = vector(b, a[4], OP_ANY),
             mean = state(b, a[4], OP_ANY), var = state(b, a[4], OP_POSITIVE);
    pnn_node stats = pnn_concat2(b->g, PNN_AXIS_W, mean, var);
    y = pnn_norm_with(b->g, y, stats, gamma, beta, 1e-5, true);
    return pnn_leaky_relu(b->g, y, 0.2);
}

/* x[4]: x + tanh(conv(relu(conv(x))) / 64), the first result used twice */
static pnn_node residual(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), y = pnn_relu(b->g, conv3(b, x, a[3]));
    pnn_node z = pnn_affine(b->g, conv3(b, y, a[3]), 1.0 / 64, 0);
    z = pnn_unary(b->g, PNN_TANH, z, 0, 0);
    return pnn_add(b->g, pnn_add(b->g, x, z), y);
}

/* x[4]: two convolutions concatenated with x, halves multiplied: parts made where the whole is */
static pnn_node halves(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), p = conv3(b, x, a[3]), q = pnn_relu(b->g, conv3(b, x, a[3]));
    pnn_node all = pnn_concat(b->g, PNN_AXIS_C, (const pnn_node[]){q, x, p, x}, 4);
    return pnn_mul(b->g, pnn_slice(b->g, all, 0, 2 * a[3]),
                   pnn_slice(b->g, all, 2 * a[3], 2 * a[3]));
}

/* x[4], axes: sums of products with channels out of the middle of others */
static pnn_node products(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY),
             wide = input(b, (const long[4]){a[0], a[1], a[2], a[3] + 3}, OP_ANY);
    pnn_node product = pnn_mul(b->g, x, pnn_slice(b->g, wide, 2, a[3]));
    return pnn_reduce(b->g, PNN_SUM, product, (unsigned)a[4]);
}

/* x[4]: x sigmoid(mean(x) w) exp(map), as attention gates are */
static pnn_node gate(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), w = vector(b, a[3], OP_ANY),
             map = input(b, (const long[4]){a[0], a[1], a[2], 1}, OP_ANY);
    pnn_node mean = pnn_reduce(b->g, PNN_MEAN, x, PNN_OVER_H | PNN_OVER_W);
    pnn_node s = pnn_unary(b->g, PNN_SIGMOID, pnn_mul(b->g, mean, w), 0, 0);
    pnn_node e = pnn_unary(b->g, PNN_EXP, pnn_affine(b->g, map, 0.5, -0.25), 0, 0);
    return pnn_mul(b->g, pnn_mul(b->g, x, pnn_expand(b->g, s, x)), e);
}

/* x[4]: a chain of more instructions than one program holds */
static pnn_node chain(op_build *b, const long *a)
{
    pnn_node x = input(b, a, OP_ANY), y = x, row = vector(b, a[3], OP_ANY);
    for (int i = 0; i < 12; i++) {
        y = pnn_unary(b->g, PNN_TANH, pnn_add(b->g, pnn_affine(b->g, y, 1.25, 0.125), row), 0, 0);
        y = pnn_mul(b->g, y, x);
    }
    return y;
}

/* O, I, KH, KW: a step of Adam, and what it takes as the gradient assigned to a state */
static pnn_node adam(op_build *b, const long *a)
{
    pnn_node w = param(b, a[0], a[1], a[2], a[3], OP_ANY), grad = input(b, a, OP_ANY),
             rate = input(b, (const long[4]){1, 1, 1, 2}, OP_POSITIVE);
    pnn_adam_step(b->g, w, grad, rate, (pnn_adam){0.9, 0.999, 1e-8});
    pnn_assign(b->g, pnn_state_of(b->g, w, "other"), grad);
    return rate;
}

/* ---- The table ---- */

const op_case op_cases[] = {
    {"conv/1x1 picture", conv, {1, 1, 1, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, 0},
    {"conv/3x3", conv, {2, 5, 7, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, 0},
    {"conv/1x1 kernel", conv, {1, 4, 5, 6, 3, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, 0},
    {"conv/row", conv, {1, 1, 9, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, 0},
    {"conv/column", conv, {1, 9, 1, 2, 3, 3, 3, 1, 2, 1, 2, 2, 2, 2, 1}, 0},
    {"conv/2x3 kernel, uneven pads", conv, {1, 5, 6, 2, 3, 2, 3, 1, 1, 1, 1, 0, 2, 3, 1}, 0},
    {"conv/stride 2", conv, {1, 6, 9, 3, 4, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1}, 0},
    {"conv/stride 2, last row unread", conv, {2, 6, 8, 3, 2, 3, 3, 2, 1, 1, 0, 0, 0, 0, 0}, 0},
    {"conv/stride 3, 1x1 kernel", conv, {1, 7, 8, 3, 2, 1, 1, 3, 1, 1, 0, 0, 0, 0, 1}, 0},
    {"conv/dilation 2", conv, {1, 6, 7, 2, 3, 3, 3, 1, 2, 1, 2, 2, 2, 2, 1}, 0},
    {"conv/dilation beyond the picture", conv, {1, 3, 4, 2, 3, 3, 3, 1, 8, 1, 8, 8, 8, 8, 1}, 0},
    {"conv/groups", conv, {1, 5, 4, 6, 4, 3, 3, 1, 1, 2, 1, 1, 1, 1, 1}, 0},
    {"conv/depthwise", conv, {1, 5, 6, 5, 5, 3, 3, 1, 1, 5, 1, 1, 1, 1, 0}, 0},
    {"conv/depthwise, two each", conv, {1, 5, 6, 3, 6, 3, 3, 2, 1, 3, 1, 1, 1, 1, 1}, 0},
    {"conv/7x7", conv, {1, 8, 9, 2, 1, 7, 7, 1, 1, 1, 3, 3, 3, 3, 1}, 0},
    {"conv/no pad", conv, {1, 5, 5, 2, 2, 3, 3, 1, 2, 1, 0, 0, 0, 0, 1}, 0},
    {"conv/16 to 16", conv, {2, 7, 9, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, 0},
    {"conv/32 to 20, dilation 3", conv, {1, 9, 8, 32, 20, 3, 3, 1, 3, 1, 3, 3, 3, 3, 0}, 0},
    {"conv/3 to 64", conv, {1, 13, 18, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, OP_LARGE},
    {"conv/64 to 3", conv, {1, 13, 18, 64, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, OP_LARGE},
    {"conv/64 to 1", conv, {1, 11, 17, 64, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, OP_LARGE},
    {"conv/64 to 64", conv, {1, 19, 23, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, OP_LARGE},
    {"conv/64 to 64, dilation 4",
     conv,
     {2, 17, 16, 64, 64, 3, 3, 1, 4, 1, 4, 4, 4, 4, 1},
     OP_LARGE},
    {"conv/65 to 67, dilation 2",
     conv,
     {1, 14, 15, 65, 67, 3, 3, 1, 2, 1, 2, 2, 2, 2, 1},
     OP_LARGE},
    {"conv/64 to 128, stride 2",
     conv,
     {1, 15, 16, 64, 128, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1},
     OP_LARGE},
    {"conv/128 to 64, 1x1 kernel",
     conv,
     {1, 12, 17, 128, 64, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},
     OP_LARGE},
    {"conv/24 to 24, 9x9 kernel",
     conv,
     {1, 12, 11, 24, 24, 9, 9, 1, 1, 1, 4, 4, 4, 4, 1},
     OP_LARGE},
    {"conv/2 to 1, 7x7 kernel", conv, {2, 21, 19, 2, 1, 7, 7, 1, 1, 1, 3, 3, 3, 3, 1}, OP_LARGE},
    {"conv/48 depthwise", conv, {1, 14, 13, 48, 48, 3, 3, 1, 1, 48, 1, 1, 1, 1, 1}, OP_LARGE},
    {"conv/48 depthwise, dilation 2, stride 2",
     conv,
     {1, 15, 18, 48, 48, 3, 3, 2, 2, 48, 2, 2, 2, 2, 1},
     OP_LARGE},
    {"conv/32 in 4 groups", conv, {2, 9, 11, 32, 32, 3, 3, 1, 1, 4, 1, 1, 1, 1, 1}, OP_LARGE},
    {"conv/16 to 16, dilation beyond the picture",
     conv,
     {1, 5, 6, 16, 16, 3, 3, 1, 12, 1, 12, 12, 12, 12, 1},
     OP_LARGE},
    {"conv/64 to 64, 1x1 picture", conv, {1, 1, 1, 64, 64, 3, 3, 1, 2, 1, 2, 2, 2, 2, 1}, OP_LARGE},

    {"conv_transposed/4x4, stride 2", conv_transposed, {1, 3, 4, 4, 3, 4, 2, 1, 1, 1, 0, 1}, 0},
    {"conv_transposed/3x3", conv_transposed, {2, 4, 5, 3, 4, 3, 1, 1, 1, 1, 0, 1}, 0},
    {"conv_transposed/larger output", conv_transposed, {1, 3, 4, 2, 3, 3, 2, 1, 1, 1, 1, 1}, 0},
    {"conv_transposed/dilation 2, groups",
     conv_transposed,
     {1, 5, 4, 4, 6, 3, 1, 2, 2, 2, 0, 0},
     0},
    {"conv_transposed/stride beyond the kernel",
     conv_transposed,
     {1, 3, 2, 2, 2, 2, 3, 1, 1, 0, 1, 1},
     0},
    {"conv_transposed/1x1 picture", conv_transposed, {1, 1, 1, 3, 2, 4, 2, 1, 1, 1, 0, 1}, 0},
    {"conv_transposed/64 to 64, stride 2",
     conv_transposed,
     {1, 9, 8, 64, 64, 4, 2, 1, 1, 1, 0, 1},
     OP_LARGE},
    {"conv_transposed/64 to 3, stride 2",
     conv_transposed,
     {1, 9, 8, 64, 3, 4, 2, 1, 1, 1, 0, 1},
     OP_LARGE},
    {"conv_transposed/64 to 64, 3x3",
     conv_transposed,
     {1, 11, 13, 64, 64, 3, 1, 2, 1, 2, 0, 1},
     OP_LARGE},

    {"linear/one", linear, {1, 1, 1, 5, 3}, 0},
    {"linear/batch", linear, {3, 1, 1, 8, 4}, 0},

    {"conv_epilogue/relu",
     conv_epilogue,
     {1, 5, 6, 3, 4, 3, 1, 1, PNN_ACT_RELU, 0},
     OP_NO_GRADIENT},
    {"conv_epilogue/relu6 of sums",
     conv_epilogue,
     {1, 6, 7, 24, 16, 3, 1, 1, PNN_ACT_RELU6, 1},
     OP_NO_GRADIENT},
    {"conv_epilogue/before leaky",
     conv_epilogue,
     {2, 5, 6, 16, 16, 3, 2, 1, PNN_ACT_LEAKY_RELU, 1},
     OP_NO_GRADIENT},
    {"conv_epilogue/after relu",
     conv_epilogue,
     {1, 9, 8, 64, 64, 3, 1, 1, PNN_ACT_RELU, 2},
     OP_NO_GRADIENT},
    {"conv_epilogue/after leaky, no bias",
     conv_epilogue,
     {1, 7, 6, 20, 36, 3, 4, 0, PNN_ACT_LEAKY_RELU, 2},
     OP_NO_GRADIENT},
    {"conv_epilogue/residual alone",
     conv_epilogue,
     {1, 7, 6, 17, 5, 1, 1, 1, PNN_ACT_NONE, 1},
     OP_NO_GRADIENT},
    {"conv_epilogue/64 to 3",
     conv_epilogue,
     {1, 7, 6, 64, 3, 3, 1, 1, PNN_ACT_RELU, 1},
     OP_NO_GRADIENT},
    {"conv_epilogue/3 to 64",
     conv_epilogue,
     {1, 7, 6, 3, 64, 3, 1, 1, PNN_ACT_LEAKY_RELU, 0},
     OP_NO_GRADIENT},
    {"conv_parts/relu", conv_then_parts, {1, 5, 6, 3, 4, 3, 1, 1, PNN_ACT_RELU, 0}, OP_KINKS},
    {"conv_parts/relu6 of sums",
     conv_then_parts,
     {1, 6, 7, 24, 16, 3, 1, 1, PNN_ACT_RELU6, 1},
     OP_KINKS},
    {"conv_parts/before leaky",
     conv_then_parts,
     {2, 5, 6, 16, 16, 3, 2, 1, PNN_ACT_LEAKY_RELU, 1},
     OP_KINKS},
    {"conv_parts/after relu",
     conv_then_parts,
     {1, 9, 8, 64, 64, 3, 1, 1, PNN_ACT_RELU, 2},
     OP_KINKS},
    {"conv_parts/after leaky, no bias",
     conv_then_parts,
     {1, 7, 6, 20, 36, 3, 4, 0, PNN_ACT_LEAKY_RELU, 2},
     OP_KINKS},
    {"conv_parts/residual alone",
     conv_then_parts,
     {1, 7, 6, 17, 5, 1, 1, 1, PNN_ACT_NONE, 1},
     OP_KINKS},
    {"conv_parts/64 to 3", conv_then_parts, {1, 7, 6, 64, 3, 3, 1, 1, PNN_ACT_RELU, 1}, OP_KINKS},
    {"conv_parts/3 to 64",
     conv_then_parts,
     {1, 7, 6, 3, 64, 3, 1, 1, PNN_ACT_LEAKY_RELU, 0},
     OP_KINKS},

    {"moments/batch", moments, {2, 5, 7, 6, 0}, OP_NO_GRADIENT},
    {"moments/image", moments, {3, 4, 5, 17, 1}, OP_NO_GRADIENT},
    {"moments/1x1", moments, {1, 1, 1, 3, 0}, OP_NO_GRADIENT},
    {"norm/running", norm, {2, 3, 4, 5, PNN_NORM_RUNNING}, 0},
    {"norm/batch", norm, {2, 3, 5, 4, PNN_NORM_BATCH}, 0},
    {"norm/image", norm, {3, 4, 3, 5, PNN_NORM_IMAGE}, 0},
    {"norm/one picture of its own", norm, {1, 4, 3, 33, PNN_NORM_IMAGE}, 0},
    {"norm/64 channels", norm, {2, 19, 17, 64, PNN_NORM_BATCH}, OP_LARGE},

    {"group/mean", group_of, {1, 1, 2, 7, 0}, 0},
    {"group/sum", group_of, {1, 1, 1, 1, 1}, 0},

    {"unary/relu", unary, {2, 3, 5, 7, PNN_RELU, OP_APART}, 0},
    {"unary/relu6", unary, {1, 4, 5, 16, PNN_RELU6, OP_WIDE}, 0},
    {"unary/leaky_relu", unary, {1, 4, 5, 9, PNN_LEAKY_RELU, OP_APART, 2}, 0},
    {"unary/sigmoid", unary, {1, 4, 5, 9, PNN_SIGMOID, OP_WIDE}, 0},
    {"unary/tanh", unary, {1, 4, 5, 9, PNN_TANH, OP_ANY}, 0},
    {"unary/tanh, wide", unary, {1, 4, 5, 9, PNN_TANH, OP_WIDE}, 0},
    {"unary/exp", unary, {1, 4, 5, 9, PNN_EXP, OP_ANY}, 0},
    {"unary/log", unary, {1, 4, 5, 9, PNN_LOG, OP_POSITIVE}, 0},
    {"unary/log_sigmoid", unary, {1, 4, 5, 9, PNN_LOG_SIGMOID, OP_WIDE}, 0},
    {"unary/abs", unary, {1, 4, 5, 9, PNN_ABS, OP_APART}, 0},
    {"unary/sqrt", unary, {1, 4, 5, 9, PNN_SQRT, OP_POSITIVE}, 0},
    {"unary/reciprocal", unary, {1, 4, 5, 9, PNN_RECIPROCAL, OP_POSITIVE}, 0},
    {"unary/square", unary, {1, 4, 5, 9, PNN_SQUARE, OP_ANY}, 0},
    {"unary/affine", unary, {1, 1, 1, 1, PNN_AFFINE, OP_ANY, -12, 3}, 0},
    {"unary/clamp", unary, {1, 4, 5, 9, PNN_CLAMP, OP_ODD, -4, 5}, 0},
    {"unary/step", unary, {1, 4, 5, 9, PNN_STEP, OP_APART}, 0},
    {"unary/sign", unary, {1, 4, 5, 9, PNN_SIGN, OP_APART}, 0},
    {"unary/large", unary, {1, 37, 53, 21, PNN_SIGMOID, OP_ANY}, OP_LARGE},

    {"binary/add", binary, {2, 3, 4, 5, PNN_ADD, OP_ANY, OP_ANY, 0, 0}, 0},
    {"binary/sub, a row per channel", binary, {2, 3, 4, 5, PNN_SUB, OP_ANY, OP_ANY, 0, 7}, 0},
    {"binary/mul by a map", binary, {2, 3, 4, 5, PNN_MUL, OP_ANY, OP_ANY, 0, 8}, 0},
    {"binary/mul, both repeated", binary, {2, 3, 4, 5, PNN_MUL, OP_ANY, OP_ANY, 6, 9}, 0},
    {"binary/mul by a number", binary, {2, 3, 4, 5, PNN_MUL, OP_ANY, OP_ANY, 0, 15}, 0},
    {"binary/number sub", binary, {2, 3, 4, 5, PNN_SUB, OP_ANY, OP_ANY, 15, 0}, 0},
    {"binary/div", binary, {2, 3, 4, 5, PNN_DIV, OP_ANY, OP_POSITIVE, 0, 0}, 0},
    {"binary/div by a row per picture",
     binary,
     {2, 3, 4, 5, PNN_DIV, OP_ANY, OP_POSITIVE, 0, 6},
     0},
    {"binary/min", binary, {2, 3, 4, 5, PNN_MIN, OP_EVEN, OP_ODD, 0, 0}, 0},
    {"binary/max, repeated", binary, {2, 3, 4, 5, PNN_MAX, OP_EVEN, OP_ODD, 0, 7}, 0},
    {"binary/greater_equal", binary, {2, 3, 4, 5, PNN_GREATER_EQUAL, OP_EVEN, OP_ODD, 0, 0}, 0},
    {"binary/greater_equal with ties",
     binary,
     {2, 3, 4, 5, PNN_GREATER_EQUAL, OP_EVEN, OP_EVEN, 0, 0},
     OP_NO_GRADIENT},
    {"binary/equal", binary, {2, 3, 4, 5, PNN_EQUAL, OP_EVEN, OP_EVEN, 0, 0}, OP_NO_GRADIENT},
    {"binary/large", binary, {1, 37, 53, 21, PNN_MUL, OP_ANY, OP_ANY, 0, 8}, OP_LARGE},
    {"fused/all kinds of instruction", fused, {2, 5, 6, 19}, OP_NO_GRADIENT},
    {"fused/one value", fused, {1, 1, 1, 1}, OP_NO_GRADIENT},

    {"concat/channels", concat, {2, 3, 4, 2, PNN_AXIS_C, 3}, 0},
    {"concat/rows", concat, {2, 3, 4, 2, PNN_AXIS_H, 2}, 0},
    {"concat/columns", concat, {1, 3, 4, 2, PNN_AXIS_W, 2}, 0},
    {"concat/pictures", concat, {1, 3, 4, 2, PNN_AXIS_N, 2}, 0},
    {"window/channels", window, {2, 3, 4, 6, 0, 0, 0, 2, 2, 3, 4, 3}, 0},
    {"window/box", window, {2, 4, 5, 6, 1, 1, 2, 3, 1, 2, 3, 2}, 0},
    {"embed/box", embed, {1, 2, 3, 2, 1, 1, 2, 3, 2, 4, 5, 6}, 0},
    {"expand/channels", expand, {2, 3, 4, 5, 8}, 0},
    {"expand/number", expand, {2, 3, 4, 5, 15}, 0},
    {"expand/pictures and pixels", expand, {2, 3, 4, 5, 7}, 0},
    {"reshape/to a row", reshape, {2, 3, 4, 5, 2, 1, 1, 60}, 0},
    {"pad/zero", pad, {2, 3, 4, 2, 1, 0, 2, 3, PNN_PAD_ZERO}, 0},
    {"pad/reflect", pad, {1, 4, 5, 3, 2, 1, 3, 4, PNN_PAD_REFLECT}, 0},
    {"pad/reflect, too small", pad, {1, 3, 5, 2, 3, 1, 0, 2, PNN_PAD_REFLECT}, 0},
    {"pad/reflect of 1x1", pad, {1, 1, 1, 2, 1, 1, 1, 1, PNN_PAD_REFLECT}, 0},
    {"pad/replicate", pad, {2, 3, 4, 2, 4, 1, 2, 5, PNN_PAD_REPLICATE}, 0},
    {"haar/odd cells", haar, {2, 6, 10, 3}, 0},
    {"haar/one cell", haar, {1, 2, 2, 1}, 0},
    {"haar_inverse/odd cells", haar_inverse, {2, 3, 5, 12}, 0},
    {"haar_inverse/one cell", haar_inverse, {1, 1, 1, 4}, 0},

    {"max_pool/2", max_pool, {2, 4, 6, 3, 2}, 0},
    {"max_pool/2, last row unread", max_pool, {1, 5, 7, 3, 2}, 0},
    {"max_pool/3", max_pool, {1, 7, 9, 17, 3}, 0},
    {"average_pool/2, last row unread", average_pool, {2, 5, 7, 3, 2}, 0},
    {"average_pool/3", average_pool, {1, 6, 9, 17, 3}, 0},
    {"max_mean/pixels", max_mean, {2, 9, 7, 70, 6, 0}, OP_NO_GRADIENT | OP_HOST},
    {"max_mean/channels", max_mean, {2, 3, 5, 37, 8, 0}, OP_NO_GRADIENT | OP_HOST},
    {"max_mean/channels of a product", max_mean, {2, 3, 5, 64, 8, 2}, OP_NO_GRADIENT | OP_HOST},
    {"reduce/sum of all", reduce, {2, 3, 4, 5, PNN_SUM, PNN_OVER_ALL}, 0},
    {"reduce/sum of pictures and pixels", reduce, {2, 3, 4, 5, PNN_SUM, 7}, 0},
    {"reduce/sum of rows", reduce, {2, 3, 4, 5, PNN_SUM, PNN_OVER_H}, 0},
    {"reduce/mean of pixels", reduce, {2, 3, 4, 5, PNN_MEAN, 6}, 0},
    {"reduce/mean of channels", reduce, {2, 3, 4, 5, PNN_MEAN, PNN_OVER_C}, 0},
    {"reduce/max of pixels", reduce, {2, 3, 4, 5, PNN_REDUCE_MAX, 6}, 0},
    {"reduce/max of channels", reduce, {2, 3, 4, 5, PNN_REDUCE_MAX, PNN_OVER_C}, 0},
    {"reduce/max of all", reduce, {1, 3, 4, 5, PNN_REDUCE_MAX, PNN_OVER_ALL}, 0},
    {"reduce/max of columns and pictures", reduce, {2, 3, 4, 5, PNN_REDUCE_MAX, 5}, 0},
    {"reduce/large", reduce, {1, 61, 67, 33, PNN_MEAN, 6}, OP_LARGE},
    {"resize/up", resize, {2, 3, 4, 2, 7, 9, 0}, 0},
    {"resize/down", resize, {1, 9, 8, 3, 4, 3, 0}, 0},
    {"resize/up, corners", resize, {2, 3, 4, 2, 7, 9, 1}, 0},
    {"resize/down, corners", resize, {1, 9, 8, 3, 4, 3, 1}, 0},
    {"resize/from one pixel", resize, {1, 1, 1, 3, 4, 5, 0}, 0},
    {"resize/from one row, corners", resize, {1, 1, 3, 3, 4, 5, 1}, 0},
    {"resize/to one pixel", resize, {1, 5, 4, 3, 1, 1, 0}, 0},
    {"resize/to one pixel, corners", resize, {1, 5, 4, 3, 1, 1, 1}, 0},
    {"resize/large", resize, {1, 17, 19, 21, 68, 76, 1}, OP_LARGE},

    {"matmul/each", matmul, {2, 3, 4, 5, 6, 0}, 0},
    {"matmul/one for all", matmul, {2, 3, 4, 5, 6, 1}, 0},
    {"matmul/one column", matmul, {1, 1, 7, 3, 1, 0}, 0},
    {"matmul/large", matmul, {2, 9, 11, 64, 48, 0}, OP_LARGE},
    {"gram/two", gram, {2, 3, 4, 5, 6}, 0},
    {"gram/itself", gram, {2, 5, 4, 6, 0}, 0},
    {"gram/large", gram, {1, 23, 21, 64, 0}, OP_LARGE},

    {"fan_energy/both powers", fan_energy, {2, 5, 6, 2, 0, 1, 0, 0, 0}, 0},
    {"fan_energy/squares", fan_energy, {1, 4, 7, 3, 0, 1, 1, 0, 0}, 0},
    {"fan_energy/edges", fan_energy, {1, 6, 5, 1, 0, 1, 0, 1, 0}, 0},
    {"fan_energy/grown", fan_energy, {1, 7, 8, 1, 1, 1, 0, 1, 0}, 0},
    {"fan_energy/one pixel", fan_energy, {2, 1, 1, 4, 0, 1, 0, 0, 0}, 0},
    {"fan_energy/authors' gradient", fan_energy, {2, 5, 19, 2, 0, 0, 0, 0, 0}, OP_KINKS},
    {"fan_energy/authors' gradient, edges and ties",
     fan_energy,
     {1, 9, 11, 4, 0, 0, 0, 1, 1},
     OP_KINKS},
    {"fan_energy/clamped", fan_energy, {1, 9, 11, 4, 1, 2, 0, 1, 1}, OP_KINKS},
    {"fan_energy/ties", fan_energy, {1, 9, 11, 4, 1, 1, 0, 1, 1}, OP_KINKS},
    {"fan_maps/edges", fan_maps, {2, 47, 52, PLN_FAN_PLAIN}, OP_NO_GRADIENT},
    {"fan_maps/texture", fan_maps, {1, 33, 40, PLN_FAN_TEXTURE}, OP_NO_GRADIENT},
    {"fan_maps/salient", fan_maps, {1, 47, 41, PLN_FAN_SALIENT}, OP_NO_GRADIENT},
    {"fan_maps/not salient", fan_maps, {1, 47, 41, PLN_FAN_NOT_SALIENT}, OP_NO_GRADIENT},

    {"noise", noise_map, {2, 3, 5, 4, 7}, OP_NO_GRADIENT},
    {"constant/filter", fixed_filter, {2, 5, 6, 1}, 0},
    {"bf16/cast", cast_there_and_back, {2, 3, 4, 9}, OP_NO_GRADIENT | OP_BF16},
    {"bf16/conv", conv_bf16, {1, 7, 9, 32, 32, 3, 1, 1, PNN_ACT_RELU, 0}, OP_NO_GRADIENT | OP_BF16},
    {"bf16/conv, dilation 2",
     conv_bf16,
     {2, 9, 8, 64, 64, 3, 2, 1, PNN_ACT_LEAKY_RELU, 1},
     OP_NO_GRADIENT | OP_BF16},
    {"bf16/conv, residual after",
     conv_bf16,
     {1, 9, 8, 64, 64, 3, 1, 0, PNN_ACT_RELU, 2},
     OP_NO_GRADIENT | OP_BF16},

    {"together/conv norm leaky", conv_norm, {2, 5, 6, 3, 4}, OP_KINKS},
    {"together/conv norm leaky, 16", conv_norm, {1, 9, 7, 16, 32}, OP_KINKS},
    {"together/residual", residual, {1, 6, 7, 4}, OP_KINKS},
    {"together/residual, 32", residual, {1, 9, 7, 32}, OP_KINKS},
    {"together/halves", halves, {2, 5, 4, 3}, OP_KINKS},
    {"together/halves, 16", halves, {1, 5, 7, 16}, OP_KINKS},
    {"together/products, channels", products, {2, 5, 7, 67, PNN_OVER_C}, 0},
    {"together/products, pixels", products, {2, 5, 7, 33, PNN_OVER_H | PNN_OVER_W}, 0},
    {"together/products, one channel", products, {2, 5, 7, 1, PNN_OVER_W}, 0},
    {"together/products, all", products, {2, 5, 7, 6, PNN_OVER_ALL}, 0},
    {"together/gate", gate, {2, 4, 3, 5}, 0},
    {"together/gate, 33", gate, {1, 9, 7, 33}, 0},
    {"together/chain", chain, {1, 3, 4, 5}, 0},
};
const size_t op_case_count = sizeof op_cases / sizeof *op_cases;

/* ---- What is timed ---- */

#define TIMED(name, build, flags, ...)                                                             \
    {                                                                                              \
        name, build, {__VA_ARGS__}, flags                                                          \
    }
const op_case op_timed[] = {
    TIMED("conv/64 to 64", conv, 0, 1, 384, 512, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
    TIMED("conv/64 to 64, dilation 4", conv, 0, 1, 384, 512, 64, 64, 3, 3, 1, 4, 1, 4, 4, 4, 4, 1),
    TIMED("conv/64 to 64, batch of 8", conv, 0, 8, 128, 128, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
    TIMED("conv/3 to 64", conv, 0, 1, 384, 512, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
    TIMED("conv/64 to 3", conv, 0, 1, 384, 512, 64, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1),
    TIMED("conv/128 to 64, 1x1 kernel", conv, 0, 1, 384, 512, 128, 64, 1, 1, 1, 1, 1, 0, 0, 0, 0,
          1),
    TIMED("conv/64 to 128, stride 2", conv, 0, 1, 384, 512, 64, 128, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1),
    TIMED("conv_transposed/64, stride 2", conv_transposed, 0, 1, 192, 256, 64, 64, 4, 2, 1, 1, 1, 0,
          1),
    TIMED("conv_epilogue/after relu", conv_epilogue, OP_NO_GRADIENT, 1, 384, 512, 64, 64, 3, 1, 1,
          PNN_ACT_RELU, 2),
    TIMED("norm/batch", norm, 0, 8, 128, 128, 64, PNN_NORM_BATCH),
    TIMED("norm/image", norm, 0, 1, 384, 512, 64, PNN_NORM_IMAGE),
    TIMED("unary/relu", unary, 0, 1, 384, 512, 64, PNN_RELU, OP_APART),
    TIMED("unary/sigmoid", unary, 0, 1, 384, 512, 64, PNN_SIGMOID, OP_ANY),
    TIMED("binary/add", binary, 0, 1, 384, 512, 64, PNN_ADD, OP_ANY, OP_ANY, 0, 0),
    TIMED("binary/mul by a map", binary, 0, 1, 384, 512, 64, PNN_MUL, OP_ANY, OP_ANY, 0, 8),
    TIMED("fused", fused, OP_NO_GRADIENT, 1, 384, 512, 64),
    TIMED("concat/channels", concat, 0, 1, 384, 512, 64, PNN_AXIS_C, 2),
    TIMED("window/channels", window, 0, 1, 384, 512, 128, 0, 0, 0, 64, 1, 384, 512, 64),
    TIMED("expand/pixels", expand, 0, 1, 384, 512, 64, 6),
    TIMED("reshape", reshape, 0, 8, 128, 128, 64, 1, 1024, 128, 64),
    TIMED("pad/reflect", pad, 0, 1, 384, 512, 3, 8, 8, 8, 8, PNN_PAD_REFLECT),
    TIMED("haar", haar, 0, 1, 384, 512, 16),
    TIMED("haar_inverse", haar_inverse, 0, 1, 192, 256, 64),
    TIMED("max_pool/2", max_pool, 0, 1, 384, 512, 64, 2),
    TIMED("average_pool/2", average_pool, 0, 1, 384, 512, 64, 2),
    TIMED("max_mean/pixels", max_mean, OP_NO_GRADIENT | OP_HOST, 1, 384, 512, 64, 6, 0),
    TIMED("max_mean/channels", max_mean, OP_NO_GRADIENT | OP_HOST, 1, 384, 512, 64, 8, 1),
    TIMED("reduce/mean of pixels", reduce, 0, 1, 384, 512, 64, PNN_MEAN, 6),
    TIMED("reduce/max of channels", reduce, 0, 1, 384, 512, 64, PNN_REDUCE_MAX, PNN_OVER_C),
    TIMED("resize/up", resize, 0, 1, 192, 256, 64, 384, 512, 0),
    TIMED("matmul", matmul, 0, 1, 384, 512, 64, 64, 0),
    TIMED("gram", gram, 0, 1, 384, 512, 64, 0),
    TIMED("fan_energy", fan_energy, 0, 1, 224, 224, 10, 3, 0, 0, 1, 0),
    TIMED("fan_maps/texture", fan_maps, OP_NO_GRADIENT, 1, 224, 224, PLN_FAN_TEXTURE),
    TIMED("noise", noise_map, OP_NO_GRADIENT, 1, 384, 512, 64, 7),
    TIMED("cast", cast_there_and_back, OP_NO_GRADIENT, 1, 384, 512, 64),
    TIMED("group/mean", group_of, OP_NO_GRADIENT, 1, 1, 1, 65536, 0),
    TIMED("adam", adam, OP_NO_GRADIENT, 1024, 64, 3, 3),
};
const size_t op_timed_count = sizeof op_timed / sizeof *op_timed;
