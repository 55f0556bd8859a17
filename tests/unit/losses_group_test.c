/* SPDX-License-Identifier: MIT */
/* Two processes, each with half of a batch, have the losses and gradients of one with the whole:
 * the mean of their losses, and gradients that are twice its own, for they are averaged later. */
#include "support.h"

#include <pthread.h>

#include "losses/losses.h"
#include "nn/plan.h"

enum { N = 4, SIDE = 16, PARTS = 2, VALUES = N * SIDE * SIDE * 3 };

/* ---- The losses ---- */

struct lesson {
    pnn_node x, truth, label;
};
typedef pnn_node loss_of(pnn_graph *g, const struct lesson *l);

static pnn_node l1(pnn_graph *g, const struct lesson *l) { return ploss_l1(g, l->x, l->truth); }
static pnn_node ms_ssim(pnn_graph *g, const struct lesson *l)
{
    return ploss_ms_ssim(g, l->x, l->truth, 2);
}
static pnn_node dtv(pnn_graph *g, const struct lesson *l)
{
    return ploss_dtv(g, l->x, l->truth, l->label);
}
static pnn_node edge(pnn_graph *g, const struct lesson *l)
{
    return ploss_edge_bce(g, pnn_slice(g, l->x, 0, 1), l->label);
}
static pnn_node boundary(pnn_graph *g, const struct lesson *l)
{
    const pnn_node maps[] = {pnn_slice(g, l->x, 0, 1), pnn_slice(g, l->x, 2, 1)};
    return ploss_boundary_bce(g, maps, 2, l->label, 0, 0.5);
}
/* Class 2 where the label is 1; where the truth is dark nothing is known. */
static pnn_node segmentation(pnn_graph *g, const struct lesson *l)
{
    pnn_node dark =
        pnn_binary(g, PNN_GREATER_EQUAL, pnn_constant(g, 0.3), pnn_slice(g, l->truth, 0, 1));
    pnn_node known = pnn_affine(g, dark, -1, 1);
    return ploss_segmentation(g, l->x,
                              pnn_add(g, pnn_affine(g, dark, PLOSS_IGNORED, 0),
                                      pnn_mul(g, known, pnn_affine(g, l->label, 2, 0))));
}
/* One half of the batch lies near the positive, the other near the negative: alone, one would have
 * no loss. */
static pnn_node contrast(pnn_graph *g, const struct lesson *l)
{
    const pnn_node pictures[] = {l->x, l->truth, pnn_affine(g, l->truth, 0.5, 0.1)};
    ploss_features f[3];
    for (int i = 0; i < 3; i++)
        f[i] = (ploss_features){
            .x = pictures[i], .f = {pnn_unary(g, PNN_SQUARE, pictures[i], 0, 0)}, .layers = 1};
    return ploss_contrast(g, &f[0], &f[1], &f[2], 0.002, 0.05);
}
static pnn_node ternary(pnn_graph *g, const struct lesson *l)
{
    const ploss_features y = {.x = l->x}, positive = {.x = l->truth},
                         negative = {.x = pnn_affine(g, l->truth, 0.5, 0.1)};
    return ploss_ternary(g, &y, &positive, &negative, 0.5, 0);
}
static pnn_node eatv(pnn_graph *g, const struct lesson *l)
{
    return ploss_eatv(g, l->x, l->truth, l->label);
}
static pnn_node norm(pnn_graph *g, const struct lesson *l)
{
    pnn_node y = pnn_norm(g, l->x, "norm", PNN_NORM_BATCH, 0.1);
    return ploss_dtv(g, y, l->truth, l->label);
}

/* ---- A process: the whole batch, or a part ---- */

struct exchange {
    pthread_barrier_t all;
    float *values[PARTS];
};

struct process {
    loss_of *loss;
    size_t rank, world;
    struct exchange *exchange;
    float value, gradient[VALUES], statistics[2][3];
    size_t means;
    pln_status status;
};

static pln_status mean(void *user, float *values, size_t n)
{
    struct process *p = user;
    float sum[64];
    if (n > 64) return PLN_E_INTERNAL;
    p->means++;
    p->exchange->values[p->rank] = values;
    pthread_barrier_wait(&p->exchange->all);
    for (size_t i = 0; i < n; i++) {
        sum[i] = 0;
        for (size_t k = 0; k < PARTS; k++) sum[i] += p->exchange->values[k][i] / PARTS;
    }
    pthread_barrier_wait(&p->exchange->all);
    memcpy(values, sum, n * sizeof *values);
    return PLN_OK;
}

static void batch(size_t rank, size_t n, float *x, float *truth, float *label)
{
    for (size_t i = 0; i < n * SIDE * SIDE; i++) {
        uint32_t at = (uint32_t)(i + rank * n * SIDE * SIDE);
        bool first = at < N * SIDE * SIDE / 2;
        label[i] = noise(at, 1, 7) < (first ? 0.1f : 0.6f);
        for (size_t k = 0; k < 3; k++) {
            float t = noise(at, 2, (uint32_t)k), far = 0.5f * t + 0.1f;
            truth[3 * i + k] = t;
            x[3 * i + k] = (first ? t : far) + 0.05f * (noise(at, 3, (uint32_t)k) - 0.5f);
        }
    }
}

static pln_status run(pln_context *ctx, struct process *p)
{
    long n = N / (long)p->world;
    static const char *const states[] = {"norm.running_mean", "norm.running_var"};
    const pnn_plan_options o = {
        .size = {(size_t)n, SIDE, SIDE}, .backend = PNN_BACKEND_CPU, .train = true};
    float x[VALUES], truth[VALUES], label[VALUES / 3];
    pnn_graph *g = NULL;
    pnn_store *store = NULL;
    pnn_plan *plan = NULL;
    pnn_node gradient;
    pln_status s = PLN_OK;

    batch(p->rank, (size_t)n, x, truth, label);
    PLN_TRY(pnn_graph_new(ctx, &g));
    if (p->world > 1) pnn_graph_group(g, &(pnn_group){p->world, mean, p});
    pnn_shape picture = pnn_shape_const(g, n, SIDE, SIDE, 3),
              map = pnn_shape_const(g, n, SIDE, SIDE, 1);
    const struct lesson l = {pnn_input_shaped(g, "x", picture),
                             pnn_input_shaped(g, "truth", picture),
                             pnn_input_shaped(g, "label", map)};
    pnn_node loss = p->loss(g, &l);
    pnn_gradients(g, loss, &l.x, 1, &gradient);
    pnn_output(g, loss, "loss");
    pnn_output(g, gradient, "gradient");
    PLN_TRY(pnn_graph_status(g));
    PLN_TRY(pnn_store_new(ctx, &store));
    PLN_TRY(pnn_plan_new(ctx, g, store, &o, &plan));
    PLN_TRY(pnn_plan_bind(plan, "x", x));
    size_t d[4];
    if (pnn_plan_dims(plan, "truth", d)) PLN_TRY(pnn_plan_bind(plan, "truth", truth));
    if (pnn_plan_dims(plan, "label", d)) PLN_TRY(pnn_plan_bind(plan, "label", label));
    PLN_TRY(pnn_plan_bind(plan, "loss", &p->value));
    PLN_TRY(pnn_plan_bind(plan, "gradient", p->gradient));
    PLN_TRY(pnn_plan_run(plan));
    for (int i = 0; i < 2; i++) {
        const float *v = pnn_store_find(store, states[i], NULL);
        if (v) memcpy(p->statistics[i], v, sizeof p->statistics[i]);
    }
done:
    pnn_plan_free(plan);
    pnn_store_free(store);
    pnn_graph_free(g);
    return s;
}

static void *process(void *arg)
{
    struct process *p = arg;
    const pln_context_options o = {.size = sizeof o, .threads = 1};
    pln_context *ctx = NULL;
    p->status = pln_context_new_with(&o, &ctx);
    if (!p->status) p->status = run(ctx, p);
    pln_context_free(ctx);
    return NULL;
}

/* ---- The comparison ---- */

static float gap(const float *a, const float *b, float factor, size_t n)
{
    float far = 0;
    for (size_t i = 0; i < n; i++) far = fmaxf(far, fabsf(a[i] - factor * b[i]));
    return far;
}

static float largest(const float *a, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(a[i]));
    return most;
}

static void parts_are_the_whole(loss_of *loss, bool communicates)
{
    static struct process whole, part[PARTS];
    struct exchange exchange;
    pthread_t threads[PARTS];

    whole = (struct process){.loss = loss, .world = 1};
    process(&whole);
    assert_int_equal(whole.status, PLN_OK);
    assert_int_equal(pthread_barrier_init(&exchange.all, NULL, PARTS), 0);
    for (size_t r = 0; r < PARTS; r++) {
        part[r] = (struct process){.loss = loss, .rank = r, .world = PARTS, .exchange = &exchange};
        assert_int_equal(pthread_create(&threads[r], NULL, process, &part[r]), 0);
    }
    for (size_t r = 0; r < PARTS; r++) pthread_join(threads[r], NULL);
    pthread_barrier_destroy(&exchange.all);

    float value = 0, most = largest(whole.gradient, VALUES);
    assert_true(most > 0);
    for (size_t r = 0; r < PARTS; r++) {
        assert_int_equal(part[r].status, PLN_OK);
        assert_int_equal(part[r].means > 0, communicates);
        value += part[r].value / PARTS;
        float far = gap(whole.gradient + r * VALUES / PARTS, part[r].gradient, 1.0f / PARTS,
                        VALUES / PARTS);
        if (!(far <= 2e-5f * most))
            fail_msg("gradient of part %zu: %g off of %g", r, (double)far, (double)most);
        for (int i = 0; i < 2; i++) {
            far = gap(whole.statistics[i], part[r].statistics[i], 1, 3);
            if (!(far <= 1e-6f)) fail_msg("statistics of part %zu: %g off", r, (double)far);
        }
    }
    if (!(fabsf(value - whole.value) <= 1e-5f * fabsf(whole.value)) || whole.value == 0)
        fail_msg("loss %.9g, of the whole %.9g", (double)value, (double)whole.value);
}

#define CASE(loss_, communicates_)                                                                 \
    static void test_##loss_(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        parts_are_the_whole(loss_, communicates_);                                                 \
    }
CASE(l1, false)
CASE(ms_ssim, false)
CASE(dtv, false)
CASE(edge, true)
CASE(boundary, true)
CASE(segmentation, true)
CASE(contrast, true)
CASE(ternary, false)
CASE(eatv, false)
CASE(norm, true)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_l1),       cmocka_unit_test(test_ms_ssim),
        cmocka_unit_test(test_dtv),      cmocka_unit_test(test_edge),
        cmocka_unit_test(test_boundary), cmocka_unit_test(test_segmentation),
        cmocka_unit_test(test_contrast), cmocka_unit_test(test_ternary),
        cmocka_unit_test(test_eatv),     cmocka_unit_test(test_norm),
    };
    return cmocka_run_group_tests_name("losses of a group", tests, NULL, NULL) != 0;
}
