/* SPDX-License-Identifier: MIT */
/* Every operation of the back end cpu, convolutions apart, against ref: shapes with edges, operands
 * that are slices of wider tensors, every instruction set, one thread and two. Compiled with
 * TEST_CUDA: the same of the back end cuda on the host's device. */
#include "../support.h"
#include "nn/backends/backend.h"
#ifdef TEST_CUDA
#include "../nn/host_device.h"
#define BACKEND &pnn_backend_cuda
#else
#define BACKEND &pnn_backend_cpu
#endif
#include "nn/half.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define D(...)                                                                                     \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

typedef struct operand {
    size_t d[4];
    size_t gap; /* elements between pixels that belong to nobody */
    pnn_type type;
} operand;

/* One call. Operands that are absent have d[0] = 0. */
typedef struct problem {
    const char *name;
    pnn_vertex v;
    operand in[PNN_MAX_INPUTS], out;
    double low, high; /* of inputs; both 0: (-1, 1) */
    double tolerance; /* of |error| / (|value| + 1); 0: 2e-6 */
    bool in_place;    /* out is the first input */
    bool ties;        /* inputs are rounded to tenths, so that values repeat */
} problem;

static pln_context *contexts[3]; /* by instruction set; 2 threads */
static int isas;
static pln_device *device;

static int setup(void **state)
{
    (void)state;
    for (int isa = PLN_ISA_BASELINE; isa <= PLN_ISA_AVX512; isa++) {
        pln_context_options o = {sizeof o, .threads = 2, .isa = pln_isa_name((pln_isa)isa)};
        if ((pln_isa)isa > pln_isa_machine()) break;
        if (pln_context_new_with(&o, &contexts[isas++])) return 1;
#ifdef TEST_CUDA
        const uint64_t seed = 5;
        return host_device_open(contexts[0], HOST_ENGINES_NONE, &device) ||
               device->ops->upload(device, device->seed, &seed, sizeof seed);
#endif
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pln_device_close(device);
    for (int i = 0; i < isas; i++) {
        if (pln_context_bytes(contexts[i])) return 1;
        pln_context_free(contexts[i]);
    }
    return 0;
}

static size_t size_of(pnn_type type) { return type == PNN_BF16 ? 2 : 4; }
static size_t bytes_of(const pnn_tensor *t)
{
    return pnn_positions(t) * t->stride * size_of(t->type);
}

static float get(const pnn_tensor *t, size_t i)
{
    return t->type == PNN_BF16 ? pnn_f32_of_bf16(((uint16_t *)t->data)[i]) : ((float *)t->data)[i];
}

static pnn_tensor make(const problem *p, const operand *o, uint32_t stream)
{
    pnn_type type = o->type ? o->type : PNN_F32;
    pnn_tensor t = {
        .d = {o->d[0], o->d[1], o->d[2], o->d[3]}, .stride = o->d[3] + o->gap, .type = type};
    double low = p->low, high = p->high;
    if (low == 0 && high == 0) low = -1, high = 1;
    /* Something behind the end, which nobody may touch. */
    OK(contexts[0], pln_alloc(contexts[0], bytes_of(&t) + 64, 1, &t.data));
    for (size_t i = 0; i < bytes_of(&t) / size_of(type) + 64 / size_of(type); i++) {
        float v = (float)(low + (high - low) * (double)noise((uint32_t)i, stream, 3));
        if (p->ties) v = floorf(v * 10) / 10;
        if (type == PNN_BF16)
            ((uint16_t *)t.data)[i] = pnn_bf16_of_f32(v);
        else
            ((float *)t.data)[i] = v;
    }
    return t;
}

static void make_call(const problem *p, pnn_call *call)
{
    *call = (pnn_call){.v = &p->v, .seed = 5};
    for (int i = 0; i < PNN_MAX_INPUTS; i++)
        if (p->in[i].d[0]) call->in[i] = make(p, &p->in[i], (uint32_t)i);
    if (p->in_place)
        call->out = call->in[0];
    else if (p->out.d[0])
        call->out = make(p, &p->out, 99);
}

static void free_call(const problem *p, pnn_call *call)
{
    for (int i = 0; i < PNN_MAX_INPUTS; i++) pln_free(call->in[i].data);
    if (!p->in_place) pln_free(call->out.data);
}

static void run(pln_context *ctx, const pnn_backend_info *backend, const pnn_call *call)
{
    pnn_kernel k = {0};
    void *work = NULL;
    pnn_call on_device = *call;
    on_device.device = device;
    call = &on_device;
    OK(ctx, backend->prepare(ctx, call, &k));
    assert_non_null(k.name);
    OK(ctx, pln_alloc(ctx, k.work_bytes, 1, &work));
    memset(work, 0xff, k.work_bytes); /* NaN: nobody may rely on it */
    OK(ctx, k.run(ctx, &k, call, work));
    if (k.release) k.release(k.state);
    pln_free(work);
}

static void compare(const problem *p, const char *isa, const char *what, const pnn_tensor *got,
                    const pnn_tensor *want)
{
    size_t n = bytes_of(got) / size_of(got->type) + 64 / size_of(got->type);
    double tolerance = p->tolerance > 0 ? p->tolerance : 2e-6;

    if (!got->data) return;
    for (size_t i = 0; i < n; i++) {
        double a = (double)get(got, i), b = (double)get(want, i);
        bool value = i < n - 64 / size_of(got->type) && i % got->stride < got->d[3];
        double e = a == b ? 0 : fabs(a - b) / (1 + fabs(b));
        if (got->type == PNN_BF16) e *= e < 0.005 ? 0 : 1;
        if (!(e <= (value ? tolerance : 0)))
            fail_msg("%s, %s, %s of %zux%zux%zux%zu stride %zu: %.9g instead of %.9g at %zu%s",
                     p->name, isa, what, got->d[0], got->d[1], got->d[2], got->d[3], got->stride, a,
                     b, i, value ? "" : ", which is not the tensor's");
    }
}

static void check(const problem *p)
{
    pnn_call want;
    make_call(p, &want);
    run(contexts[0], &pnn_backend_ref, &want);
    for (int i = 0; i < isas; i++) {
        pnn_call one, two;
        const char *isa = pln_context_isa(contexts[i]);
        make_call(p, &one);
        make_call(p, &two);
        run(contexts[i], BACKEND, &two);
        OK(contexts[i], pln_context_set_threads(contexts[i], 1));
        run(contexts[i], BACKEND, &one);
        OK(contexts[i], pln_context_set_threads(contexts[i], 2));
        compare(p, isa, "result", &one.out, &want.out);
        if (one.out.data && memcmp(one.out.data, two.out.data, bytes_of(&one.out)) != 0)
            fail_msg("%s, %s: two threads give other bytes", p->name, isa);
        for (int k = 0; k < PNN_MAX_INPUTS; k++)
            compare(p, isa, "operand", &one.in[k], &want.in[k]);
        free_call(p, &one);
        free_call(p, &two);
    }
    free_call(p, &want);
}

/* Also with gaps between the pixels of each operand in turn and of all. */
static void check_with_gaps(problem p)
{
    int n = 0;
    check(&p);
    while (n < PNN_MAX_INPUTS && p.in[n].d[0]) n++;
    for (int i = 0; i <= n + 1; i++) {
        problem q = p;
        for (int k = 0; k < n; k++)
            if (k == i || i == n + 1) q.in[k].gap = (size_t)(k + 5);
        if (i >= n && q.out.d[0]) q.out.gap = 3;
        check(&q);
    }
}

/* ---- Element by element ---- */

static const size_t shapes[][4] = {
    {1, 1, 1, 1},   {1, 1, 1, 3},    {2, 3, 1, 7},  {1, 37, 53, 1},
    {2, 31, 29, 3}, {1, 19, 23, 64}, {3, 7, 5, 40}, {1, 1, 3, 1500},
};

static problem unary_problem(pnn_unary_fn fn, bool slope, const size_t d[4])
{
    problem p = {.name = pnn_unary_name(fn),
                 .v = {.op = slope ? PNN_OP_UNARY_GRAD : PNN_OP_UNARY,
                       .n_inputs = slope ? 2 : 1,
                       .attr.unary = {fn, 0.25, 0.75}},
                 .low = -8,
                 .high = 8};
    bool positive = fn == PNN_LOG || fn == PNN_SQRT || fn == PNN_RECIPROCAL;
    if (positive) p.low = 0.01;
    if (slope && (fn == PNN_SIGMOID || fn == PNN_TANH)) p.low = 0, p.high = 1;
    if (slope && fn == PNN_LOG_SIGMOID) p.high = -1e-9;
    for (int i = 0; i < 1 + slope; i++) memcpy(p.in[i].d, d, sizeof p.in[i].d);
    memcpy(p.out.d, d, sizeof p.out.d);
    return p;
}

static void unary(void **state)
{
    (void)state;
    for (int fn = 0; fn < PNN_UNARY_COUNT; fn++)
        for (int slope = 0; slope < 2; slope++)
            for (size_t i = 0; i < COUNT(shapes); i++) {
                if (fn == PNN_SIGMOID && i > 2)
                    check_with_gaps(unary_problem((pnn_unary_fn)fn, slope, shapes[i]));
                problem p = unary_problem((pnn_unary_fn)fn, slope, shapes[i]);
                check(&p);
                p.in_place = true;
                check(&p);
            }
}

/* Over the whole range of floats the relative error is that of f32 itself. */
static void unary_precision(void **state)
{
    static const struct {
        pnn_unary_fn fn;
        double from, to;
        bool geometric; /* also towards 0, and negative */
    } ranges[] = {{PNN_EXP, -86, 88.7, false},       {PNN_EXP, 1e-30, 1, true},
                  {PNN_LOG, 1e-44, 3e38, true},      {PNN_LOG, 0.9, 1.1, false},
                  {PNN_SIGMOID, -86, 86, false},     {PNN_SIGMOID, 1e-30, 20, true},
                  {PNN_TANH, 1e-30, 20, true},       {PNN_TANH, -12, 12, false},
                  {PNN_LOG_SIGMOID, -86, 86, false}, {PNN_LOG_SIGMOID, 1e-30, 20, true}};
    enum { N = 20000 };
    float x[2 * N], y[2 * N];
    (void)state;
    for (size_t r = 0; r < COUNT(ranges); r++)
        for (int i = 0; i < isas; i++) {
            bool odd = ranges[r].geometric && ranges[r].fn != PNN_LOG;
            size_t n = odd ? 2 * N : N;
            pnn_vertex v = {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {ranges[r].fn, 0, 0}};
            pnn_call call = {.v = &v,
                             .in = {{x, {1, 1, 1, n}, n, PNN_F32}},
                             .out = {y, {1, 1, 1, n}, n, PNN_F32}};
            for (size_t k = 0; k < N; k++) {
                double t = (double)k / (N - 1), a = ranges[r].from, b = ranges[r].to;
                x[k] = (float)(ranges[r].geometric ? a * pow(b / a, t) : a + (b - a) * t);
                x[N + k] = -x[k];
            }
            run(contexts[i], BACKEND, &call);
            for (size_t k = 0; k < n; k++) {
                double want = pnn_unary_value(ranges[r].fn, (double)x[k], 0, 0);
                if (!(fabs((double)y[k] - want) <= 5e-7 * fabs(want)))
                    fail_msg("%s of %.9g, %s: %.9g instead of %.9g", pnn_unary_name(ranges[r].fn),
                             (double)x[k], pln_context_isa(contexts[i]), (double)y[k], want);
            }
        }
}

static void unary_extremes(void **state)
{
    static const struct {
        pnn_unary_fn fn;
        float x, y;
    } cases[] = {{PNN_EXP, 100, INFINITY},
                 {PNN_EXP, INFINITY, INFINITY},
                 {PNN_EXP, -200, 0},
                 {PNN_EXP, -INFINITY, 0},
                 {PNN_LOG, 0, -INFINITY},
                 {PNN_LOG, INFINITY, INFINITY},
                 {PNN_SIGMOID, -INFINITY, 0},
                 {PNN_SIGMOID, INFINITY, 1},
                 {PNN_TANH, -INFINITY, -1},
                 {PNN_TANH, 1e30f, 1},
                 {PNN_LOG_SIGMOID, 1e30f, 0},
                 {PNN_LOG_SIGMOID, -1e30f, -1e30f},
                 {PNN_RELU, -INFINITY, 0},
                 {PNN_RELU6, INFINITY, 6},
                 {PNN_RECIPROCAL, 0, INFINITY},
                 {PNN_SQRT, 0, 0}};
    static const pnn_unary_fn quiet[] = {PNN_EXP, PNN_LOG, PNN_SIGMOID, PNN_TANH, PNN_LOG_SIGMOID};
    (void)state;
    for (int i = 0; i < isas; i++) {
        for (size_t k = 0; k < COUNT(cases) + COUNT(quiet); k++) {
            bool nan = k >= COUNT(cases);
            pnn_unary_fn fn = nan ? quiet[k - COUNT(cases)] : cases[k].fn;
            float x[16], y[16];
            for (int j = 0; j < 16; j++) x[j] = nan ? NAN : cases[k].x;
            pnn_vertex v = {.op = PNN_OP_UNARY, .n_inputs = 1, .attr.unary = {fn, 0, 0}};
            pnn_call call = {.v = &v,
                             .in = {{x, {1, 1, 1, 16}, 16, PNN_F32}},
                             .out = {y, {1, 1, 1, 16}, 16, PNN_F32}};
            run(contexts[i], BACKEND, &call);
            for (int j = 0; j < 16; j++)
                if (nan ? !isnan(y[j]) : !(y[j] == cases[k].y))
                    fail_msg("%s of %g, %s: %.9g", pnn_unary_name(fn), (double)x[j],
                             pln_context_isa(contexts[i]), (double)y[j]);
        }
    }
}

/* Each dimension of either operand whole or 1. */
static void binary(void **state)
{
    static const size_t whole[][4] = {{2, 7, 9, 5}, {3, 4, 1, 33}, {2, 11, 70, 3}, {1, 6, 5, 700}};
    (void)state;
    for (int fn = 0; fn < PNN_BINARY_COUNT; fn++)
        for (size_t i = 0; i < COUNT(whole); i++)
            for (int mask = 0; mask < 256; mask += fn == PNN_MUL ? 1 : 37) {
                problem p = {.name = pnn_binary_name(fn),
                             .v = {.op = PNN_OP_BINARY, .n_inputs = 2, .attr.binary = fn},
                             .low = 0.1,
                             .high = 2,
                             .ties = fn == PNN_EQUAL};
                for (int k = 0; k < 4; k++) {
                    p.in[0].d[k] = mask >> k & 1 ? 1 : whole[i][k];
                    p.in[1].d[k] = mask >> (k + 4) & 1 ? 1 : whole[i][k];
                    p.out.d[k] = p.in[0].d[k] > p.in[1].d[k] ? p.in[0].d[k] : p.in[1].d[k];
                }
                if (mask % 5 == 0)
                    check_with_gaps(p);
                else
                    check(&p);
                p.in_place = !memcmp(p.in[0].d, p.out.d, sizeof p.out.d);
                if (p.in_place) check(&p);
            }
}

static void fused(void **state)
{
    static pnn_instr code[PNN_PROGRAM_MAX] = {
        {.binary = true, .fn = PNN_MUL, .a = 0, .b = 1},    /* 4 */
        {.binary = true, .fn = PNN_ADD, .a = 4, .b = 2},    /* 5 */
        {.fn = PNN_SIGMOID, .a = 5},                        /* 6 */
        {.binary = true, .fn = PNN_MUL, .a = 6, .b = 4},    /* 7 */
        {.slope = true, .fn = PNN_SIGMOID, .a = 6, .b = 3}, /* 8 */
        {.fn = PNN_AFFINE, .a = 8, .p = 2, .q = -0.5},      /* 9 */
        {.binary = true, .fn = PNN_MAX, .a = 9, .b = 7},    /* 10 */
        {.fn = PNN_LEAKY_RELU, .a = 10, .p = 0.1},          /* 11 */
        {.binary = true, .fn = PNN_SUB, .a = 11, .b = 0},   /* 12 */
        {.binary = true, .fn = PNN_MUL, .a = 12, .b = 12},  /* 13 */
    };
    static const size_t whole[][4] = {{2, 7, 9, 5}, {2, 13, 21, 64}, {1, 1, 1, 2000}, {3, 5, 1, 1}};
    (void)state;
    /* The longest program: the rest are additions of an early value, which stays alive. */
    for (int i = 10; i < PNN_PROGRAM_MAX; i++)
        code[i] = (pnn_instr){.binary = true, .fn = PNN_ADD, .a = i + 3, .b = 4};
    for (int count = 1; count <= PNN_PROGRAM_MAX; count += count < 10 ? 1 : 14)
        for (size_t i = 0; i < COUNT(whole); i++)
            for (int half = 0; half < 4; half++) {
                problem p = {.name = "fused",
                             .v = {.op = PNN_OP_FUSED, .n_inputs = 4, .attr.fused = {count, code}},
                             .tolerance = 1e-5};
                for (int k = 0; k < 4; k++) {
                    p.in[0].d[k] = p.in[3].d[k] = p.out.d[k] = whole[i][k];
                    p.in[1].d[k] = k == 3 ? whole[i][k] : 1;
                    p.in[2].d[k] = k == 0 ? whole[i][k] : 1;
                }
                if (half & 1) p.in[0].type = p.in[1].type = PNN_BF16;
                if (half & 2) p.out.type = PNN_BF16;
                check_with_gaps(p);
                p.in_place = half == 0 || half == 3;
                if (p.in_place) check(&p);
            }
}

/* ---- Normalisation ---- */

#ifndef TEST_CUDA
/* With what passes put into it, which they do for the host only. */
static void fused_norm(problem p)
{
    for (int bits = 1; bits < 16; bits++) {
        if ((bits & 6) == 4) continue; /* the type of a residual that is not there */
        p.v.attr.norm.relu = bits & 1;
        p.v.n_inputs = bits & 2 ? 5 : 4;
        p.in[4] = bits & 2 ? p.in[0] : (operand){{0}};
        if (bits & 4) p.in[4].type = PNN_BF16;
        p.out.type = bits & 8 ? PNN_BF16 : PNN_F32;
        p.tolerance = bits & 8 ? 8e-3 : 1e-5; /* one in the last place of bf16 */
        check(&p);
        p.in[0].gap = p.in[4].gap = p.out.gap = 5;
        check(&p);
        p.in[0].gap = p.out.gap = 0;
    }
}
#endif

static void norm(void **state)
{
    static const size_t whole[][4] = {{1, 1, 1, 1},    {2, 5, 7, 3},    {3, 17, 19, 16},
                                      {2, 40, 50, 64}, {1, 6, 9, 37},   {2, 3, 3, 130},
                                      {1, 90, 91, 12}, {4, 64, 33, 24}, {2, 2, 2, 600}};
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++)
        for (int per_image = 0; per_image < 2; per_image++)
            for (int constant = 0; constant < 2; constant++) {
                const size_t *d = whole[i];
                size_t rows = per_image ? d[0] : 1;
                operand x = {.d = D(d[0], d[1], d[2], d[3])}, m = {.d = D(rows, 1, 2, d[3])},
                        vector = {.d = D(1, 1, 1, d[3])};
                problem p = {.name = "moments",
                             .v = {.op = PNN_OP_MOMENTS,
                                   .n_inputs = 1,
                                   .attr.norm = {per_image, constant, 1e-5}},
                             .in = {x},
                             .out = m,
                             .low = 3,
                             .high = 5};
                check_with_gaps(p);
                p = (problem){.name = "norm",
                              .v = {.op = PNN_OP_NORM, .n_inputs = 4, .attr = p.v.attr},
                              .in = {x, m, vector, vector},
                              .out = x,
                              .low = 0.1,
                              .high = 2,
                              .tolerance = 1e-5};
                check_with_gaps(p);
                p.in_place = true;
                check(&p);
                p.in_place = false;
#ifndef TEST_CUDA
                if (per_image && !constant) fused_norm(p);
#endif
                p = (problem){.name = "norm_reduce",
                              .v = {.op = PNN_OP_NORM_REDUCE, .n_inputs = 3, .attr = p.v.attr},
                              .in = {x, m, x},
                              .out = m,
                              .low = 0.1,
                              .high = 2};
                check_with_gaps(p);
                p = (problem){
                    .name = "norm_grad",
                    .v = {.op = PNN_OP_NORM_GRAD, .n_inputs = constant ? 4 : 5, .attr = p.v.attr},
                    .in = {x, m, vector, x, constant ? (operand){{0}} : m},
                    .out = x,
                    .low = 0.1,
                    .high = 2,
                    .tolerance = 1e-5};
                check_with_gaps(p);
            }
}

/* A large mean with a small deviation, and a constant: what one pass of squares would lose. */
static void moments_far_from_zero(void **state)
{
    problem p = {.name = "moments far from 0",
                 .v = {.op = PNN_OP_MOMENTS, .n_inputs = 1},
                 .in = {{.d = D(1, 70, 80, 20)}},
                 .out = {.d = D(1, 1, 2, 20)},
                 .low = 4000,
                 .high = 4001};
    (void)state;
    check(&p);
    p.low = p.high = 4000.3;
    check(&p);
}

/* ---- Shape ---- */

static void concat(void **state)
{
    (void)state;
    for (int axis = 0; axis < 4; axis++)
        for (int half = 0; half < 2; half++) {
            problem p = {.name = "concat",
                         .v = {.op = PNN_OP_CONCAT, .n_inputs = 4, .attr.axis = (pnn_axis)axis},
                         .out = {.d = D(2, 9, 11, 20)}};
            p.out.d[axis] = 0;
            for (int i = 0; i < 4; i++) {
                p.in[i] = (operand){.d = D(2, 9, 11, 20)};
                p.in[i].d[axis] = (size_t)(1 + 3 * i);
                p.in[i].type = half ? PNN_BF16 : PNN_F32;
                p.out.d[axis] += p.in[i].d[axis];
            }
            p.out.type = half ? PNN_BF16 : PNN_F32;
            check_with_gaps(p);
        }
}

/* A part that was computed in its place stays as it is. */
static void concat_in_place(void **state)
{
    enum { PIXELS = 30, C = 12 };
    float out[PIXELS * C], first[PIXELS * 4];
    pnn_vertex v = {.op = PNN_OP_CONCAT, .n_inputs = 2, .attr.axis = PNN_AXIS_C};
    pnn_call call = {.v = &v,
                     .in = {{first, {1, 5, 6, 4}, 4, PNN_F32}, {out + 4, {1, 5, 6, 8}, C, PNN_F32}},
                     .out = {out, {1, 5, 6, C}, C, PNN_F32}};
    (void)state;
    for (int i = 0; i < PIXELS * C; i++) out[i] = (float)i;
    for (int i = 0; i < PIXELS * 4; i++) first[i] = (float)-i;
    run(contexts[isas - 1], BACKEND, &call);
    for (int i = 0; i < PIXELS * C; i++)
        assert_true(out[i] == (float)(i % C < 4 ? -(i / C * 4 + i % C) : i));
}

static void boxes(void **state)
{
    static const struct {
        size_t whole[4];
        long at[4];
        size_t part[4];
    } cases[] = {{{2, 9, 11, 20}, {0, 0, 0, 3}, {2, 9, 11, 5}},
                 {{2, 9, 11, 20}, {0, 2, 3, 0}, {2, 6, 5, 20}},
                 {{3, 9, 11, 20}, {1, 2, 3, 4}, {2, 7, 8, 16}},
                 {{1, 60, 70, 3}, {0, 0, 0, 0}, {1, 51, 63, 3}},
                 {{1, 1, 2, 64}, {0, 0, 1, 0}, {1, 1, 1, 64}},
                 {{2, 50, 60, 1}, {1, 10, 20, 0}, {1, 1, 1, 1}},
                 {{1, 30, 33, 128}, {0, 0, 0, 64}, {1, 30, 33, 64}}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int embed = 0; embed < 2; embed++) {
            problem p = {.name = embed ? "embed" : "window",
                         .v = {.op = embed ? PNN_OP_EMBED : PNN_OP_WINDOW, .n_inputs = 1}};
            memcpy(p.v.attr.box.offset, cases[i].at, sizeof cases[i].at);
            memcpy(p.in[0].d, embed ? cases[i].part : cases[i].whole, sizeof p.out.d);
            memcpy(p.out.d, embed ? cases[i].whole : cases[i].part, sizeof p.out.d);
            check_with_gaps(p);
            p.in[0].type = p.out.type = PNN_BF16;
            check_with_gaps(p);
        }
}

static void expand(void **state)
{
    (void)state;
    for (int mask = 0; mask < 16; mask++) {
        problem p = {.name = "expand",
                     .v = {.op = PNN_OP_EXPAND, .n_inputs = 1},
                     .out = {.d = D(2, 30, 9, 40)}};
        for (int k = 0; k < 4; k++) p.in[0].d[k] = mask >> k & 1 ? 1 : p.out.d[k];
        check_with_gaps(p);
        p.out.d[3] = 3;
        p.in[0].d[3] = mask & 8 ? 1 : 3;
        check_with_gaps(p);
    }
}

static void reshape_cast_fill(void **state)
{
    static const size_t pairs[][2][4] = {{{2, 3, 4, 6}, {1, 1, 1, 144}},
                                         {{1, 6, 8, 10}, {1, 4, 30, 4}},
                                         {{2, 5, 7, 9}, {2, 35, 1, 9}},
                                         {{1, 1, 1, 4000}, {1, 20, 40, 5}}};
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        problem p = {.name = "reshape", .v = {.op = PNN_OP_RESHAPE, .n_inputs = 1}};
        memcpy(p.in[0].d, pairs[i][0], sizeof p.out.d);
        memcpy(p.out.d, pairs[i][1], sizeof p.out.d);
        check_with_gaps(p);
    }
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (int half = 0; half < 2; half++) {
            problem p = {.name = "cast", .v = {.op = PNN_OP_CAST, .n_inputs = 1}};
            memcpy(p.in[0].d, shapes[i], sizeof p.out.d);
            memcpy(p.out.d, shapes[i], sizeof p.out.d);
            p.in[0].type = half ? PNN_BF16 : PNN_F32;
            p.out.type = half ? PNN_F32 : PNN_BF16;
            p.v.attr.cast = p.out.type;
            check_with_gaps(p);
            p = (problem){.name = "fill", .v = {.op = PNN_OP_FILL, .attr.fill = 0.3}};
            memcpy(p.out.d, shapes[i], sizeof p.out.d);
            check_with_gaps(p);
            p = (problem){.name = "noise", .v = {.op = PNN_OP_NOISE, .attr.stream = 7}};
            memcpy(p.out.d, shapes[i], sizeof p.out.d);
            check_with_gaps(p);
#ifndef TEST_CUDA /* constants are memory of the device from the start */
            float values[37 * 53 * 64];
            for (size_t k = 0; k < COUNT(values); k++) values[k] = (float)k;
            p = (problem){.name = "constant",
                          .v = {.op = PNN_OP_CONSTANT, .attr.constant = {values}}};
            memcpy(p.out.d, shapes[i], sizeof p.out.d);
            check_with_gaps(p);
#endif
        }
}

static void pad(void **state)
{
    static const struct {
        size_t x[4];
        long top, left;
        size_t bottom, right;
    } cases[] = {{{2, 7, 9, 5}, 0, 0, 1, 3},   {{1, 8, 6, 3}, 3, 2, 1, 4},
                 {{1, 4, 40, 64}, 3, 5, 3, 5}, {{2, 3, 5, 3}, 4, 1, 1, 2},
                 {{1, 1, 1, 2}, 2, 1, 1, 3},   {{1, 50, 60, 1}, 5, 5, 6, 6},
                 {{1, 5, 4, 17}, 0, 3, 0, 3}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int mode = 0; mode < 3; mode++)
            for (int grad = 0; grad < 2; grad++) {
                operand x = {.d = D(cases[i].x[0], cases[i].x[1], cases[i].x[2], cases[i].x[3])};
                operand y = x;
                if (grad && mode == PNN_PAD_ZERO) continue;
                y.d[1] += (size_t)cases[i].top + cases[i].bottom;
                y.d[2] += (size_t)cases[i].left + cases[i].right;
                problem p = {.name = grad ? "pad_grad" : "pad",
                             .v = {.op = grad ? PNN_OP_PAD_GRAD : PNN_OP_PAD,
                                   .n_inputs = 1,
                                   .attr.pad = {(pnn_pad_mode)mode, cases[i].top, cases[i].left}},
                             .in = {grad ? y : x},
                             .out = grad ? x : y};
                check_with_gaps(p);
            }
}

/* ---- Cells ---- */

static void haar(void **state)
{
    static const size_t fine[][4] = {{1, 2, 2, 1},   {2, 6, 4, 3},     {1, 10, 14, 8},
                                     {3, 20, 2, 17}, {1, 64, 120, 64}, {1, 200, 310, 3}};
    (void)state;
    for (size_t i = 0; i < COUNT(fine); i++) {
        const size_t *d = fine[i];
        operand x = {.d = D(d[0], d[1], d[2], d[3])},
                y = {.d = D(d[0], d[1] / 2, d[2] / 2, 4 * d[3])};
        check_with_gaps((problem){
            .name = "haar", .v = {.op = PNN_OP_HAAR, .n_inputs = 1}, .in = {x}, .out = y});
        check_with_gaps((problem){.name = "haar_inverse",
                                  .v = {.op = PNN_OP_HAAR_INVERSE, .n_inputs = 1},
                                  .in = {y},
                                  .out = x});
    }
}

static void pool(void **state)
{
    static const size_t fine[][4] = {{1, 3, 3, 1},   {2, 7, 5, 3},    {1, 10, 14, 8},
                                     {3, 20, 6, 17}, {1, 64, 63, 64}, {1, 100, 131, 3},
                                     {1, 9, 9, 200}};
    (void)state;
    for (size_t i = 0; i < COUNT(fine); i++)
        for (long k = 1; k <= 3; k++)
            for (int ties = 0; ties < 2; ties++) {
                const size_t *d = fine[i];
                operand x = {.d = D(d[0], d[1], d[2], d[3])},
                        y = {.d = D(d[0], d[1] / (size_t)k, d[2] / (size_t)k, d[3])};
                problem p = {.name = "max_pool",
                             .v = {.op = PNN_OP_MAX_POOL, .n_inputs = 1, .attr.k = k},
                             .in = {x},
                             .out = y,
                             .ties = ties};
                check_with_gaps(p);
                p.name = "average_pool";
                p.v.op = PNN_OP_AVERAGE_POOL;
                check_with_gaps(p);
                p = (problem){.name = "max_pool_grad",
                              .v = {.op = PNN_OP_MAX_POOL_GRAD, .n_inputs = 2, .attr.k = k},
                              .in = {x, y},
                              .out = x,
                              .ties = ties};
                check_with_gaps(p);
                p = (problem){.name = "average_pool_grad",
                              .v = {.op = PNN_OP_AVERAGE_POOL_GRAD, .n_inputs = 1, .attr.k = k},
                              .in = {y},
                              .out = x};
                check_with_gaps(p);
            }
}

/* ---- Reductions ---- */

static void reduce(void **state)
{
    static const size_t whole[][4] = {
        {1, 1, 1, 1},   {2, 3, 4, 5},    {3, 17, 19, 16}, {2, 40, 50, 64}, {1, 200, 190, 3},
        {2, 90, 91, 1}, {1, 1, 1, 5000}, {5, 4, 1, 2100}, {1, 300, 1, 7},  {40, 3, 3, 9}};
    static const char *const names[] = {"sum", "mean", "max"};
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++)
        for (unsigned axes = 1; axes < 16; axes++)
            for (int fn = 0; fn < 4; fn++) {
                operand x = {.d = D(whole[i][0], whole[i][1], whole[i][2], whole[i][3])}, y = x;
                for (int k = 0; k < 4; k++)
                    if (axes >> k & 1) y.d[k] = 1;
                problem p = {
                    .name = fn < 3 ? names[fn] : "reduce_max_grad",
                    .v = {.op = fn < 3 ? PNN_OP_REDUCE : PNN_OP_REDUCE_MAX_GRAD,
                          .n_inputs = fn < 3 ? 1 : 2,
                          .attr.reduce = {fn < 3 ? (pnn_reduce_fn)fn : PNN_REDUCE_MAX, axes}},
                    .in = {x, fn < 3 ? (operand){{0}} : y},
                    .out = fn < 3 ? y : x,
                    .ties = fn >= 2 && i % 2};
                check_with_gaps(p);
            }
}

/* ---- Resizing ---- */

#ifndef TEST_CUDA
/* Passes make it for the host only. */
static void max_mean(void **state)
{
    static const size_t whole[][4] = {{1, 1, 1, 1},    {2, 5, 7, 3},    {1, 37, 53, 64},
                                      {3, 17, 19, 37}, {2, 90, 91, 12}, {1, 3, 5, 2500}};
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++)
        for (int factor = 0; factor < 3; factor++)
            for (int pixels = 0; pixels < 2; pixels++) {
                const size_t *d = whole[i];
                problem p = {.name = pixels ? "max_mean over pixels" : "max_mean over channels",
                             .v = {.op = PNN_OP_MAX_MEAN, .n_inputs = factor ? 2 : 1},
                             .in = {{.d = D(d[0], d[1], d[2], d[3])}}};
                p.v.attr.reduce.axes = pixels ? PNN_OVER_H | PNN_OVER_W : PNN_OVER_C;
                if (pixels && factor) continue;
                if (factor) p.in[1] = (operand){.d = D(factor > 1 ? d[0] : 1, 1, 1, d[3])};
                p.out = pixels ? (operand){.d = D(d[0], 1, 2, d[3])}
                               : (operand){.d = D(d[0], d[1], d[2], 2)};
                check_with_gaps(p);
            }
}
#endif

static void resize(void **state)
{
    static const struct {
        size_t x[4], h, w;
    } cases[] = {{{1, 1, 1, 5}, 7, 9},       {{2, 7, 9, 3}, 14, 18},  {{1, 8, 6, 64}, 13, 25},
                 {{1, 40, 33, 8}, 9, 10},    {{1, 5, 7, 1}, 1, 1},    {{2, 6, 6, 17}, 6, 11},
                 {{1, 30, 41, 24}, 120, 77}, {{1, 2, 3, 300}, 16, 24}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int corners = 0; corners < 2; corners++)
            for (int grad = 0; grad < 2; grad++) {
                operand x = {.d = D(cases[i].x[0], cases[i].x[1], cases[i].x[2], cases[i].x[3])};
                operand y = {.d = D(x.d[0], cases[i].h, cases[i].w, x.d[3])};
                check_with_gaps((problem){.name = grad ? "resize_grad" : "resize",
                                          .v = {.op = grad ? PNN_OP_RESIZE_GRAD : PNN_OP_RESIZE,
                                                .n_inputs = 1,
                                                .attr.align_corners = corners},
                                          .in = {grad ? y : x},
                                          .out = grad ? x : y});
            }
}

/* ---- Matrix products ---- */

static void matmul(void **state)
{
    static const struct {
        size_t n, h, w, k, m;
        bool one; /* matrix for all pictures */
    } cases[] = {{1, 1, 1, 1, 1, false},     {2, 3, 5, 7, 9, false},    {2, 3, 5, 7, 9, true},
                 {1, 20, 31, 64, 64, true},  {3, 9, 9, 33, 70, false},  {1, 30, 40, 3, 3, true},
                 {1, 13, 11, 130, 49, true}, {2, 25, 40, 16, 2, false}, {1, 7, 9, 256, 100, true}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        operand a = {.d = D(cases[i].n, cases[i].h, cases[i].w, cases[i].k)};
        operand y = a, b = {.d = D(cases[i].one ? 1 : cases[i].n, 1, cases[i].k, cases[i].m)};
        y.d[3] = cases[i].m;
        for (int transpose = 0; transpose < 2; transpose++) {
            operand t = b;
            if (transpose) t.d[2] = cases[i].m, t.d[3] = cases[i].k;
            check_with_gaps(
                (problem){.name = transpose ? "matmul with b transposed" : "matmul",
                          .v = {.op = PNN_OP_MATMUL, .n_inputs = 2, .attr.transpose_b = transpose},
                          .in = {a, t},
                          .out = y,
                          .tolerance = 1e-5});
        }
        b.d[0] = cases[i].n;
        check_with_gaps((problem){.name = "gram",
                                  .v = {.op = PNN_OP_GRAM, .n_inputs = 2},
                                  .in = {a, y},
                                  .out = b,
                                  .tolerance = 1e-5});
    }
}

/* ---- Updates ---- */

static void update(void **state)
{
    static const size_t whole[][4] = {
        {1, 1, 1, 1}, {64, 3, 3, 3}, {1, 1, 1, 70000}, {300, 64, 3, 3}};
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++) {
        operand x = {.d = D(whole[i][0], whole[i][1], whole[i][2], whole[i][3])};
        problem p = {.name = "adam",
                     .v = {.op = PNN_OP_ADAM, .n_inputs = 5, .attr.adam = {0.9, 0.999, 1e-8}},
                     .in = {x, x, x, x, {.d = D(1, 1, 1, 2)}},
                     .low = 0.01,
                     .high = 3};
        check_with_gaps(p);
        check_with_gaps(
            (problem){.name = "assign", .v = {.op = PNN_OP_ASSIGN, .n_inputs = 2}, .in = {x, x}});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary),
        cmocka_unit_test(unary_precision),
        cmocka_unit_test(unary_extremes),
        cmocka_unit_test(binary),
        cmocka_unit_test(fused),
        cmocka_unit_test(norm),
        cmocka_unit_test(moments_far_from_zero),
        cmocka_unit_test(concat),
        cmocka_unit_test(concat_in_place),
        cmocka_unit_test(boxes),
        cmocka_unit_test(expand),
        cmocka_unit_test(reshape_cast_fill),
        cmocka_unit_test(pad),
        cmocka_unit_test(haar),
        cmocka_unit_test(pool),
        cmocka_unit_test(reduce),
#ifndef TEST_CUDA
        cmocka_unit_test(max_mean),
#endif
        cmocka_unit_test(resize),
        cmocka_unit_test(matmul),
        cmocka_unit_test(update),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
