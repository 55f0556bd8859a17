/* SPDX-License-Identifier: MIT */
/* Every operation on every back end. Tests are called TEST/CASE; an argument picks some: op_test
 * 'gradients/conv', op_test 'backends'. op_test --time [--device cuda] [--bf16] [PREFIX]: a table
 * of times (op_time.h). */
#include "../support.h"
#include "host_device.h"
#include "nn/plan.h"
#include "op_cases.h"
#include "op_machine.h"
#include "op_time.h"

enum { SEED = 11 };

/* The largest error of each test, printed at its end. */
static double worst_error;
static char worst_where[160];

static void note(double error, const char *what, const char *name)
{
    if (error < worst_error) return;
    worst_error = error;
    snprintf(worst_where, sizeof worst_where, "%s of %s", what, name);
}

/* ---- Cases as graphs ---- */

struct problem {
    const op_case *c;
    pln_context *ctx;
    op_build b;
    pnn_node y, r; /* r: weights of the loss sum y r */
    pnn_node grad[OP_MAX_VARS];
    bool gradients;
};

static bool has_slope(const struct problem *p, int i)
{
    const pnn_vertex *v = pnn_vertex_of(p->b.g, p->b.vars[i]);
    return v->op != PNN_OP_PARAM || v->attr.param.kind == PNN_TRAINED;
}

static struct problem make_problem(pln_context *ctx, const op_case *c, bool gradients)
{
    struct problem p = {.c = c, .ctx = ctx, .gradients = gradients};
    OK(ctx, pnn_graph_new(ctx, &p.b.g));
    pnn_graph *g = p.b.g;
    p.y = c->build(&p.b, c->arg);
    OK(ctx, pnn_graph_status(g));
    pnn_output(g, p.y, "y");
    if (p.gradients) {
        p.r = pnn_input_shaped(g, "r", pnn_shape_of(g, p.y));
        pnn_node loss = pnn_reduce(g, PNN_SUM, pnn_mul(g, p.y, p.r), PNN_OVER_ALL);
        pnn_gradients(g, loss, p.b.vars, (size_t)p.b.count, p.grad);
        for (int i = 0; i < p.b.count; i++) pnn_output(g, p.grad[i], pnn_name(g, "g%d", i));
    }
    OK(ctx, pnn_graph_status(g));
    return p;
}

static struct problem problem_new(pln_context *ctx, const op_case *c)
{
    return make_problem(ctx, c, !(c->flags & OP_NO_GRADIENT));
}

static struct problem problem_without_gradients(pln_context *ctx, const op_case *c)
{
    return make_problem(ctx, c, false);
}

static void problem_free(struct problem *p) { pnn_graph_free(p->b.g); }

/* The value of an input or parameter of n elements. */
static float *values_of(const struct problem *p, pnn_node x, size_t n)
{
    float *values = NULL;
    op_values kind = OP_ANY;
    uint32_t stream = 100 + (uint32_t)x.id;
    for (int i = 0; i < p->b.count; i++)
        if (p->b.vars[i].id == x.id) {
            kind = p->b.values[i];
            stream = (uint32_t)i + 1;
        }
    OK(p->ctx, pln_alloc(p->ctx, n, sizeof *values, &values));
    for (size_t i = 0; i < n; i++) values[i] = op_value(kind, stream, i, n);
    return values;
}

static op_machine *machine_on(const struct problem *p, pln_context *ctx,
                              const pnn_backend_info *backend, pln_device *device, bool gaps,
                              bool fixed)
{
    op_machine *m = op_machine_new(ctx, p->b.g, (pnn_size){1, 1, 1}, gaps, device);
    for (int i = 1; i <= pnn_count(p->b.g); i++) {
        pnn_node x = {i};
        pnn_op op = pnn_vertex_of(p->b.g, x)->op;
        if (op != PNN_OP_INPUT && op != PNN_OP_PARAM) continue;
        float *values = values_of(p, x, op_machine_elements(m, x));
        op_machine_set(m, x, values);
        pln_free(values);
    }
    op_machine_prepare(m, backend, fixed, SEED);
    return m;
}

static op_machine *machine_new(const struct problem *p, pln_context *ctx,
                               const pnn_backend_info *backend, bool gaps, bool fixed)
{
    return machine_on(p, ctx, backend, NULL, gaps, fixed);
}

static float *read_node(pln_context *ctx, const op_machine *m, pnn_node x)
{
    float *values = NULL;
    OK(ctx, pln_alloc(ctx, op_machine_elements(m, x), sizeof *values, &values));
    op_machine_get(m, x, values);
    return values;
}

/* Largest difference, relative to the rms of `want`. Where both are the same infinity, none. */
static double difference(const float *want, const float *got, size_t n)
{
    double squares = 0, worst = 0;
    for (size_t i = 0; i < n; i++) squares += (double)want[i] * want[i];
    double scale = fmax(sqrt(squares / (double)n), 1e-2);
    for (size_t i = 0; i < n; i++) {
        double e = want[i] == got[i] ? 0 : fabs((double)want[i] - got[i]) / scale;
        if (!(e <= worst)) worst = isnan(e) ? INFINITY : e;
    }
    return worst;
}

static void expect(const float *want, const float *got, size_t n, double bound, const char *what,
                   const char *name)
{
    double e = difference(want, got, n);
    note(e, what, name);
    if (e <= bound) return;
    size_t at = 0;
    while (at + 1 < n && fabs((double)want[at] - got[at]) < 0.99 * e * 1e-2 &&
           want[at] == want[at] && got[at] == got[at])
        at++;
    fail_msg("%s: error %g of the rms; first at %zu: %.9g instead of %.9g", what, e, at,
             (double)got[at], (double)want[at]);
}

/* ---- Contexts: of the instruction set that PLANISH_ISA names. One for a process: oneDNN keeps to
 * the first. ---- */

static pln_context *context_new(int threads)
{
    pln_context *ctx = NULL;
    pln_context_options o = {sizeof o, .threads = threads};
    OK(NULL, pln_context_new_with(&o, &ctx));
    return ctx;
}

/* Everything that was allocated has been released. */
static void context_end(pln_context *ctx)
{
    uint64_t held = pln_context_bytes(ctx);
    pln_context_free(ctx);
    assert_int_equal(held, 0);
}

/* ---- Vectors of PyTorch ---- */

static pnn_st *vectors;

static const pnn_st_tensor *vector_of(const op_case *c, const char *part)
{
    char name[160];
    snprintf(name, sizeof name, "%s: %s", c->name, part);
    return pnn_st_find(vectors, name);
}

static float *vector_values(pln_context *ctx, const op_case *c, const char *part, size_t n)
{
    const pnn_st_tensor *t = vector_of(c, part);
    float *values = NULL;
    if (!t) fail_msg("no tensor '%s: %s': run tools/op_vectors.py", c->name, part);
    if (t->count != n) fail_msg("'%s: %s' has %zu values, not %zu", c->name, part, t->count, n);
    OK(ctx, pln_alloc(ctx, n, sizeof *values, &values));
    OK(ctx, pnn_st_read_f32(ctx, vectors, t, values));
    return values;
}

static void set_vector(pln_context *ctx, const struct problem *p, op_machine *m, pnn_node x,
                       const char *part)
{
    float *values = vector_values(ctx, p->c, part, op_machine_elements(m, x));
    op_machine_set(m, x, values);
    pln_free(values);
}

static void expect_vector(pln_context *ctx, const struct problem *p, op_machine *m, pnn_node x,
                          const char *part, double bound)
{
    size_t n = op_machine_elements(m, x);
    float *want = vector_values(ctx, p->c, part, n), *got = read_node(ctx, m, x);
    expect(want, got, n, bound, part, p->c->name);
    pln_free(want);
    pln_free(got);
}

static void agrees_with_pytorch(void **state)
{
    pln_context *ctx = context_new(1);
    struct problem p = problem_new(ctx, *state);
    op_machine *m = machine_new(&p, ctx, &pnn_backend_ref, true, false);
    char part[16];
    for (int i = 0; i < p.b.count; i++) {
        snprintf(part, sizeof part, "x%d", i);
        set_vector(ctx, &p, m, p.b.vars[i], part);
    }
    if (p.gradients) set_vector(ctx, &p, m, p.r, "r");
    op_machine_run(m);
    expect_vector(ctx, &p, m, p.y, "y", 1e-6);
    for (int i = 0; i < p.b.count && p.gradients; i++) {
        if (!has_slope(&p, i)) continue;
        snprintf(part, sizeof part, "g%d", i);
        expect_vector(ctx, &p, m, p.grad[i], part, 3e-6);
    }
    op_machine_free(m);
    problem_free(&p);
    context_end(ctx);
}

/* ---- Gradients ---- */

/* sum y r in double. */
static double loss_of(const struct problem *p, op_machine *m, const float *r)
{
    size_t n = op_machine_elements(m, p->y);
    double sum = 0;
    op_machine_run(m);
    float *y = read_node(p->ctx, m, p->y);
    for (size_t i = 0; i < n; i++) sum += (double)y[i] * r[i];
    pln_free(y);
    return sum;
}

/* Slope along a random direction by central differences of fourth order; steps are exact. */
static void check_direction(const struct problem *p, op_machine *m, int var, uint32_t direction)
{
    const double h = 1.0 / 128;
    pnn_node x = p->b.vars[var];
    size_t n = op_machine_elements(m, x), outputs = op_machine_elements(m, p->y);
    float *at = values_of(p, x, n), *moved = values_of(p, x, n), *r = values_of(p, p->r, outputs);
    double loss[5], want = 0, squares = 0, reached = 0;

    op_machine_run(m);
    float *grad = read_node(p->ctx, m, p->grad[var]);
    for (int k = -2; k <= 2; k++) {
        for (size_t i = 0; i < n; i++)
            moved[i] = at[i] + (float)(k * h) * op_value(OP_EVEN, 1000 + direction, i, n);
        op_machine_set(m, x, moved);
        loss[k + 2] = loss_of(p, m, r);
    }
    double slope = (8 * (loss[3] - loss[1]) - (loss[4] - loss[0])) / (12 * h);
    for (size_t i = 0; i < n; i++) {
        double d = op_value(OP_EVEN, 1000 + direction, i, n);
        want += grad[i] * d;
        squares += (double)grad[i] * grad[i];
        reached += d * d;
    }
    /* What rounding of y does to the slope: 2^-24 of |y r| / h, of random sign. */
    double noise_floor = 0;
    float *y = read_node(p->ctx, m, p->y);
    for (size_t i = 0; i < outputs; i++) noise_floor += pow((double)y[i] * r[i], 2);
    noise_floor = sqrt(noise_floor) * 0x1p-24 / h;
    double scale = sqrt(squares * reached / (double)n), error = fabs(slope - want);
    op_machine_set(m, x, at);
    char what[80];
    snprintf(what, sizeof what, "gradient to variable %d", var);
    error /= scale + 2e5 * noise_floor + 1e-9;
    note(error, what, p->c->name);
    if (!(error <= 2e-5))
        fail_msg("%s, direction %u: slope %.9g, gradient says %.9g (scale %g, rounding %g)", what,
                 direction, slope, want, scale, noise_floor);
    pln_free(y);
    pln_free(grad);
    pln_free(at);
    pln_free(moved);
    pln_free(r);
}

static void gradients_are_slopes(void **state)
{
    pln_context *ctx = context_new(1);
    struct problem p = problem_new(ctx, *state);
    op_machine *m = machine_new(&p, ctx, &pnn_backend_ref, false, false);
    for (int i = 0; i < p.b.count; i++)
        for (uint32_t direction = 0; direction < 4 && has_slope(&p, i); direction++)
            check_direction(&p, m, i, direction);
    op_machine_free(m);
    problem_free(&p);
    context_end(ctx);
}

/* ---- Back ends ---- */

static double bound_of(const op_case *c) { return c->flags & OP_BF16 ? 3e-2 : 2e-5; }

/* bf16 is chosen only where the instruction set has it. */
static bool has_bf16(const pln_context *ctx) { return pln_isa_of(ctx) >= PLN_ISA_AVX512; }

static void expect_same(const struct problem *p, pln_context *ctx, op_machine *want,
                        op_machine *got, double bound, const char *how)
{
    char what[120];
    for (int i = -1; i < p->b.count && (i < 0 || p->gradients); i++) {
        pnn_node x = i < 0 ? p->y : p->grad[i];
        const char *kernel = op_machine_kernel(got, x);
        float *a = read_node(p->ctx, want, x), *b = read_node(ctx, got, x);
        if (i < 0)
            snprintf(what, sizeof what, "y by %s, %s", kernel ? kernel : "nothing", how);
        else
            snprintf(what, sizeof what, "g%d by %s, %s", i, kernel ? kernel : "nothing", how);
        expect(a, b, op_machine_elements(got, x), bound, what, p->c->name);
        pln_free(a);
        pln_free(b);
    }
}

static void back_ends_agree(void **state)
{
    static const char *const how[] = {"dense", "gaps", "fixed weights", "gaps and fixed weights"};
    pln_context *ctx = context_new(1), *two = context_new(2);
    struct problem p = problem_new(ctx, *state);
    op_machine *want = machine_new(&p, ctx, &pnn_backend_ref, false, false),
               *apart = machine_new(&p, ctx, &pnn_backend_ref, true, false);
    op_machine_run(want);
    op_machine_run(apart);
    expect_same(&p, ctx, want, apart, 0, "gaps");
    for (int way = 0; way < 4; way++) {
        if (p.c->flags & OP_BF16 && !has_bf16(ctx)) break;
        op_machine *one = machine_new(&p, ctx, &pnn_backend_cpu, way & 1, way & 2);
        op_machine_run(one);
        expect_same(&p, ctx, want, one, bound_of(p.c), how[way]);
        if (way == 0 || way == 3) { /* the same bytes from two threads and from a second run */
            op_machine *many = machine_new(&p, two, &pnn_backend_cpu, way & 1, way & 2);
            op_machine_run(many);
            op_machine_run(many);
            expect_same(&p, two, one, many, 0, "two threads, second run");
            op_machine_free(many);
        }
        op_machine_free(one);
    }
    op_machine_free(want);
    op_machine_free(apart);
    problem_free(&p);
    context_end(ctx);
    context_end(two);
}

/* ---- The back end cuda: on the host's device with every kind of engine, and on a GPU ---- */

static void check_device(const struct problem *p, pln_context *ctx, pln_device *device,
                         op_machine *want, double bound, const char *where)
{
    for (int way = 0; way < 4; way += p->c->flags & OP_LARGE ? 3 : 1) {
        char how[120];
        snprintf(how, sizeof how, "%s%s%s", where, way & 1 ? ", gaps" : "",
                 way & 2 ? ", fixed weights" : "");
        op_machine *one = machine_on(p, ctx, &pnn_backend_cuda, device, way & 1, way & 2);
        op_machine_run(one);
        expect_same(p, ctx, want, one, bound, how);
        if (way == 3) { /* the same bytes once more */
            op_machine *again = machine_on(p, ctx, &pnn_backend_cuda, device, true, true);
            for (int run = 0; run < 2; run++) op_machine_run(again);
            expect_same(p, ctx, one, again, 0, "second run");
            op_machine_free(again);
        }
        op_machine_free(one);
    }
}

static void host_device_agrees(void **state)
{
    static const char *const names[] = {"host device", "host device, engines",
                                        "host device, engines that fuse nothing",
                                        "host device, engines of dense tensors"};
    pln_context *ctx = context_new(1);
    struct problem p = problem_new(ctx, *state);
    op_machine *want = machine_new(&p, ctx, &pnn_backend_ref, false, false);
    bool convolves = false;
    op_machine_run(want);
    for (int i = 1; i <= pnn_count(p.b.g); i++) {
        pnn_op op = pnn_vertex_of(p.b.g, (pnn_node){i})->op;
        convolves = convolves || op == PNN_OP_CONV || op == PNN_OP_CONV_DATA;
    }
    for (int e = 0; e < (convolves ? HOST_ENGINES_COUNT : 1); e++) {
        pln_device *device = NULL;
        OK(ctx, host_device_open(ctx, (host_engines)e, &device));
        check_device(&p, ctx, device, want, bound_of(p.c), names[e]);
        pln_device_close(device);
    }
    op_machine_free(want);
    problem_free(&p);
    context_end(ctx);
}

static void gpu_agrees(void **state)
{
    pln_context *ctx = context_new(1);
    pln_device *device = NULL;
    OK(ctx, pln_device_open(ctx, 0, &device));
    struct problem p = problem_new(ctx, *state);
    op_machine *want = machine_new(&p, ctx, &pnn_backend_ref, false, false);
    op_machine_run(want);
    check_device(&p, ctx, device, want, bound_of(p.c), pln_device_name(device));
    op_machine_free(want);
    problem_free(&p);
    pln_device_close(device);
    context_end(ctx);
}

/* ---- Plans ---- */

struct bound_plan {
    pnn_store *store;
    pnn_plan *plan;
    float *memory[64];
    int count;
};

/* Values of the parameters, and (second call) memory for inputs and outputs. */
static struct bound_plan plan_new(const struct problem *p, pln_context *ctx, pnn_plan_options o)
{
    struct bound_plan b = {0};
    pnn_graph *g = p->b.g;
    size_t d[4];
    OK(ctx, pnn_store_new(ctx, &b.store));
    OK(ctx, pnn_store_init(b.store, g, SEED));
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        size_t n = 0;
        if (v->op != PNN_OP_PARAM) continue;
        float *to = pnn_store_find(b.store, v->name, &n), *values = values_of(p, (pnn_node){i}, n);
        memcpy(to, values, n * sizeof *to);
        pln_free(values);
    }
    OK(ctx, pnn_plan_new(ctx, g, b.store, &o, &b.plan));
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        if (v->op != PNN_OP_INPUT || !pnn_plan_dims(b.plan, v->name, d)) continue;
        b.memory[b.count] = values_of(p, (pnn_node){i}, d[0] * d[1] * d[2] * d[3]);
        OK(ctx, pnn_plan_bind(b.plan, v->name, b.memory[b.count++]));
    }
    return b;
}

static void plan_free(struct bound_plan *b)
{
    for (int i = 0; i < b->count; i++) pln_free(b->memory[i]);
    pnn_plan_free(b->plan);
    pnn_store_free(b->store);
}

static void run_plan(const struct problem *p, pln_context *ctx, op_machine *want,
                     pnn_plan_options o, double bound, const char *how)
{
    struct bound_plan b = plan_new(p, ctx, o);
    size_t outputs = pnn_output_count(p->b.g);
    int first = b.count;
    for (size_t i = 0; i < outputs; i++) {
        size_t d[4];
        const char *name = pnn_output_name(p->b.g, i);
        assert_true(pnn_plan_dims(b.plan, name, d));
        OK(ctx, pln_alloc(ctx, d[0] * d[1] * d[2] * d[3], sizeof(float), &b.memory[b.count]));
        OK(ctx, pnn_plan_bind(b.plan, name, b.memory[b.count++]));
    }
    for (int run = 0; run < 2; run++) OK(ctx, pnn_plan_run(b.plan));
    for (size_t i = 0; i < outputs; i++) {
        char what[120];
        pnn_node x = i ? p->grad[i - 1] : p->y;
        float *values = read_node(p->ctx, want, x);
        snprintf(what, sizeof what, "%s, %s", pnn_output_name(p->b.g, i), how);
        expect(values, b.memory[first + (int)i], op_machine_elements(want, x), bound, what,
               p->c->name);
        pln_free(values);
    }
    plan_free(&b);
}

static void plans_agree(void **state)
{
    static const char *const how[] = {"with passes", "training, with passes", "node by node",
                                      "training, node by node"};
    pln_context *ctx = context_new(1), *two = context_new(2);
    struct problem p = problem_new(ctx, *state);
    bool narrow = p.c->flags & OP_BF16;
    op_machine *want = machine_new(&p, ctx, &pnn_backend_ref, false, false);
    op_machine_run(want);
    /* Nothing comes after the pass that narrows, so nothing knows narrow values. */
    for (int way = narrow ? 2 : 0; way < 4; way++) {
        pnn_plan_options o = {.size = {1, 1, 1}, .train = way & 1, .plain = way & 2, .seed = SEED};
        char what[80];
        o.backend = PNN_BACKEND_REF;
        run_plan(&p, ctx, want, o, o.plain ? 0 : 3e-6, how[way]);
        snprintf(what, sizeof what, "cpu, %s", how[way]);
        o.backend = PNN_BACKEND_CPU;
        if (!narrow || has_bf16(two)) run_plan(&p, two, want, o, bound_of(p.c), what);
    }
    op_machine_free(want);
    problem_free(&p);
    context_end(ctx);
    context_end(two);
}

/* On a device: the first run step by step, the second recorded and replayed. */
static void check_device_plans(const struct problem *p, pln_context *ctx, pln_device *device,
                               const char *where)
{
    op_machine *want = machine_new(p, ctx, &pnn_backend_ref, false, false);
    op_machine_run(want);
    for (int way = p->c->flags & OP_BF16 ? 2 : 0; way < 4; way++) {
        pnn_plan_options o = {
            .size = {1, 1, 1}, .device = device, .train = way & 1, .plain = way & 2, .seed = SEED};
        run_plan(p, ctx, want, o, bound_of(p->c), where);
    }
    op_machine_free(want);
}

static void host_device_plans_agree(void **state)
{
    pln_context *ctx = context_new(1);
    struct problem p = problem_new(ctx, *state);
    for (int e = 0; e < HOST_ENGINES_COUNT; e += HOST_ENGINES_PACKED) {
        pln_device *device = NULL;
        OK(ctx, host_device_open(ctx, (host_engines)e, &device));
        check_device_plans(&p, ctx, device, "host device");
        pln_device_close(device);
    }
    problem_free(&p);
    context_end(ctx);
}

static void gpu_plans_agree(void **state)
{
    pln_context *ctx = context_new(1);
    pln_device *device = NULL;
    OK(ctx, pln_device_open(ctx, 0, &device));
    struct problem p = problem_new(ctx, *state);
    check_device_plans(&p, ctx, device, pln_device_name(device));
    problem_free(&p);
    pln_device_close(device);
    context_end(ctx);
}

/* bf16 between convolutions, by the pass. */
static void narrow_plans_agree(void **state)
{
    pln_context *ctx = context_new(2);
    struct problem p = problem_without_gradients(ctx, *state);
    op_machine *want = machine_new(&p, ctx, &pnn_backend_ref, false, false);
    op_machine_run(want);
    pnn_plan_options o = {.size = {1, 1, 1}, .seed = SEED, .precision = PNN_PRECISION_BF16};
    o.backend = PNN_BACKEND_REF;
    run_plan(&p, ctx, want, o, 3e-2, "bf16");
    o.backend = PNN_BACKEND_CPU;
    if (has_bf16(ctx)) run_plan(&p, ctx, want, o, 3e-2, "cpu, bf16");
    op_machine_free(want);
    problem_free(&p);
    context_end(ctx);
}

/* ---- Fused forms against their parts ---- */

static const op_case *case_named(const char *name)
{
    for (size_t i = 0; i < op_case_count; i++)
        if (!strcmp(op_cases[i].name, name)) return &op_cases[i];
    return NULL;
}

static void epilogue_is_its_parts(void **state)
{
    const op_case *whole = *state;
    char name[120];
    snprintf(name, sizeof name, "conv_parts/%s", strchr(whole->name, '/') + 1);
    const op_case *parts = case_named(name);
    if (!parts) fail_msg("%s has no %s", whole->name, name);
    pln_context *ctx = context_new(1);
    struct problem a = problem_new(ctx, whole), b = problem_new(ctx, parts);
    op_machine *m = machine_new(&a, ctx, &pnn_backend_ref, true, false),
               *n = machine_new(&b, ctx, &pnn_backend_ref, false, false);
    op_machine_run(m);
    op_machine_run(n);
    float *got = read_node(ctx, m, a.y), *want = read_node(ctx, n, b.y);
    expect(want, got, op_machine_elements(m, a.y), 5e-7, "y", whole->name);
    pln_free(got);
    pln_free(want);
    op_machine_free(m);
    op_machine_free(n);
    problem_free(&a);
    problem_free(&b);
    context_end(ctx);
}

/* ---- The table itself ---- */

/* Operations of all cases, effects too. */
static void every_operation_is_timed(void **state)
{
    bool ops[PNN_OP_COUNT] = {[PNN_OP_NONE] = true};
    pln_context *ctx = context_new(1);
    (void)state;
    for (size_t i = 0; i < op_timed_count; i++) {
        struct problem p = problem_new(ctx, &op_timed[i]);
        for (int k = 1; k <= pnn_count(p.b.g); k++)
            ops[pnn_vertex_of(p.b.g, (pnn_node){k})->op] = true;
        problem_free(&p);
    }
    for (int i = 0; i < PNN_OP_COUNT; i++)
        if (!ops[i])
            fail_msg("no timed case has the operation %s", pnn_op_info_of((pnn_op)i)->name);
    context_end(ctx);
}

static void every_operation_has_a_case(void **state)
{
    bool ops[PNN_OP_COUNT] = {false}, unary[PNN_UNARY_COUNT] = {false},
         binary[PNN_BINARY_COUNT] = {false};
    pln_context *ctx = context_new(1);
    (void)state;
    /* Sources are not run; effects are in op_exact_test.c. */
    ops[PNN_OP_NONE] = ops[PNN_OP_ASSIGN] = ops[PNN_OP_ADAM] = true;
    for (size_t i = 0; i < op_case_count; i++) {
        struct problem p = problem_new(ctx, &op_cases[i]);
        for (int k = 1; k <= pnn_count(p.b.g); k++) {
            const pnn_vertex *v = pnn_vertex_of(p.b.g, (pnn_node){k});
            ops[v->op] = true;
            if (v->op == PNN_OP_UNARY) unary[v->attr.unary.fn] = true;
            if (v->op == PNN_OP_BINARY) binary[v->attr.binary] = true;
        }
        for (size_t k = 0; k < i; k++)
            if (!strcmp(op_cases[i].name, op_cases[k].name))
                fail_msg("two cases are called '%s'", op_cases[i].name);
        problem_free(&p);
    }
    for (int i = 0; i < PNN_OP_COUNT; i++)
        if (!ops[i]) fail_msg("no case has the operation %s", pnn_op_info_of((pnn_op)i)->name);
    for (int i = 0; i < PNN_UNARY_COUNT; i++)
        if (!unary[i]) fail_msg("no case has the function %s", pnn_unary_name(i));
    for (int i = 0; i < PNN_BINARY_COUNT; i++)
        if (!binary[i]) fail_msg("no case has the function %s", pnn_binary_name(i));
    context_end(ctx);
}

/* Vectors of cases that are gone, or changed their names. */
static void every_vector_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < pnn_st_count(vectors); i++) {
        const char *name = pnn_st_at(vectors, i)->name, *end = strrchr(name, ':');
        char only[160];
        assert_non_null(end);
        snprintf(only, sizeof only, "%.*s", (int)(end - name), name);
        if (!case_named(only)) fail_msg("'%s' is of no case: run tools/op_vectors.py", name);
    }
}

/* ---- Programs ---- */

static bool has_vectors(const op_case *c) { return vector_of(c, "y") != NULL; }
static bool can_step(const op_case *c)
{
    return !(c->flags & (OP_NO_GRADIENT | OP_KINKS | OP_LARGE));
}
static bool any(const op_case *c)
{
    (void)c;
    return true;
}
static bool on_devices(const op_case *c) { return !(c->flags & OP_HOST); }
static bool has_convolutions(const op_case *c)
{
    return !(c->flags & OP_BF16) &&
           (!strncmp(c->name, "conv", 4) || !strncmp(c->name, "together/", 9));
}
static bool has_parts(const op_case *c) { return !strncmp(c->name, "conv_epilogue/", 14); }

static const struct {
    const char *name;
    CMUnitTestFunction test;
    bool (*takes)(const op_case *c);
} tests_of_cases[] = {
    {"vectors", agrees_with_pytorch, has_vectors},
    {"gradients", gradients_are_slopes, can_step},
    {"epilogues", epilogue_is_its_parts, has_parts},
    {"backends", back_ends_agree, any},
    {"host_calls", host_device_agrees, on_devices},
    {"gpu_calls", gpu_agrees, on_devices},
    {"host_plans", host_device_plans_agree, on_devices},
    {"gpu_plans", gpu_plans_agree, on_devices},
    {"plans", plans_agree, any},
    {"narrow", narrow_plans_agree, has_convolutions},
};

static size_t add_cases(struct CMUnitTest *tests, char (*names)[120], const char *prefix)
{
    static const struct CMUnitTest of_the_table[] = {
        {.name = "table/every operation has a case", .test_func = every_operation_has_a_case},
        {.name = "table/every operation is timed", .test_func = every_operation_is_timed},
        {.name = "table/every vector has a case", .test_func = every_vector_has_a_case},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof of_the_table / sizeof *of_the_table; i++)
        if (!strncmp(of_the_table[i].name, prefix, strlen(prefix))) tests[n++] = of_the_table[i];
    for (size_t t = 0; t < sizeof tests_of_cases / sizeof *tests_of_cases; t++)
        for (size_t i = 0; i < op_case_count; i++) {
            if (!strncmp(tests_of_cases[t].name, "gpu", 3) && !pln_device_count()) break;
            if (!tests_of_cases[t].takes(&op_cases[i])) continue;
            snprintf(names[n], sizeof names[n], "%s/%s", tests_of_cases[t].name, op_cases[i].name);
            if (strncmp(names[n], prefix, strlen(prefix)) != 0) continue;
            tests[n] = (struct CMUnitTest){.name = names[n],
                                           .test_func = tests_of_cases[t].test,
                                           .initial_state = (void *)&op_cases[i]};
            n++;
        }
    return n;
}

/* op_test --time [--device auto|cpu|cuda[:N]] [--bf16] [PREFIX] */
static int times(int argc, char **argv)
{
    const char *prefix = "", *device = NULL;
    pln_context *ctx = NULL;
    bool bf16 = false;
    pln_status s = pln_context_new(&ctx);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--device") && i + 1 < argc)
            device = argv[++i];
        else if (!strcmp(argv[i], "--bf16"))
            bf16 = true;
        else
            prefix = argv[i];
    }
    if (!s) s = pln_context_set_device(ctx, device);
    if (!s) s = op_times(ctx, prefix, bf16);
    if (s) fprintf(stderr, "op_test: %s\n", pln_context_message(ctx));
    pln_context_free(ctx);
    return s != PLN_OK;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--time")) return times(argc, argv);
    const char *isa = getenv("PLANISH_ISA");
    for (int i = (int)pln_isa_machine() + 1; isa && i <= PLN_ISA_AMX; i++)
        if (!strcmp(isa, pln_isa_name((pln_isa)i))) return 77; /* skipped: the machine lacks it */
    size_t room = 3 + op_case_count * sizeof tests_of_cases / sizeof *tests_of_cases;
    struct CMUnitTest *tests = calloc(room, sizeof *tests);
    char(*names)[120] = calloc(room, sizeof *names);
    pln_context *ctx = NULL;
    const char *prefix = argc > 1 ? argv[1] : "";
    if (!strncmp(prefix, "gpu", 3) && !pln_device_count()) {
        printf("skipped: no CUDA device\n");
        free(tests);
        free(names);
        return 77;
    }
    if (!tests || !names || pln_context_new(&ctx) ||
        pnn_st_open(ctx, TEST_DATA "/nn/ops.safetensors", 0, &vectors)) {
        fprintf(stderr, "%s\n", pln_context_message(ctx));
        return 1;
    }
    size_t n = add_cases(tests, names, prefix);
    if (!n) fprintf(stderr, "no test of a case starts with '%s'\n", prefix);
    int failed = n ? _cmocka_run_group_tests("ops", tests, n, NULL, NULL) : 1;
    if (worst_where[0]) printf("largest error %g: %s\n", worst_error, worst_where);
    pnn_st_free(vectors);
    pln_context_free(ctx);
    free(names);
    free(tests);
    return failed != 0;
}
