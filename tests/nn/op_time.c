/* SPDX-License-Identifier: MIT */
#include "op_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/plan.h"
#include "op_cases.h"

enum { LEAST = 5, MOST = 51, BACKENDS = 2, STEPS = 64 };
#define ENOUGH 0.3 /* seconds of a case on a back end */

struct measured {
    size_t count;
    pnn_step_info step[STEPS];
    double ms[STEPS]; /* medians */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- A case as a graph ---- */

static pln_status build(pln_context *ctx, const op_case *c, op_build *b)
{
    pnn_node grad[OP_MAX_VARS];
    pln_status s = PLN_OK;
    *b = (op_build){NULL};
    PLN_TRY(pnn_graph_new(ctx, &b->g));
    pnn_graph *g = b->g;
    pnn_node y = c->build(b, c->arg);
    pnn_output(g, y, "y");
    if (!(c->flags & OP_NO_GRADIENT)) {
        pnn_node r = pnn_input_shaped(g, "r", pnn_shape_of(g, y));
        pnn_node loss = pnn_reduce(g, PNN_SUM, pnn_mul(g, y, r), PNN_OVER_ALL);
        pnn_gradients(g, loss, b->vars, (size_t)b->count, grad);
        for (int i = 0; i < b->count; i++) pnn_output(g, grad[i], pnn_name(g, "g%d", i));
    }
    s = pnn_graph_status(g);
done:
    return s;
}

static op_values values_of(const op_build *b, const char *name)
{
    for (int i = 0; i < b->count; i++)
        if (!strcmp(pnn_name_of(b->g, b->vars[i]), name)) return b->values[i];
    return OP_ANY;
}

static void fill(const op_build *b, const char *name, float *values, size_t n)
{
    op_values kind = values_of(b, name);
    for (size_t i = 0; i < n; i++) values[i] = op_value(kind, 1, i, n);
}

/* Inputs with values, in `memory`. */
static pln_status bind(pln_context *ctx, const op_build *b, pnn_plan *plan, float *memory[STEPS])
{
    size_t count = 0;
    for (int i = 1; i <= pnn_count(b->g); i++) {
        const pnn_vertex *v = pnn_vertex_of(b->g, (pnn_node){i});
        size_t d[4];
        if (v->op != PNN_OP_INPUT || !pnn_plan_dims(plan, v->name, d)) continue;
        size_t n = d[0] * d[1] * d[2] * d[3];
        pln_status s = pln_alloc(ctx, n, sizeof **memory, &memory[count]);
        if (s) return s;
        fill(b, v->name, memory[count], n);
        s = pnn_plan_bind(plan, v->name, memory[count++]);
        if (s) return s;
    }
    return PLN_OK;
}

/* ---- Measuring ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static pln_status measure(pln_context *ctx, const op_build *b, pnn_store *store, pln_device *device,
                          bool bf16, struct measured *m)
{
    const pnn_plan_options o = {.size = {1, 1, 1},
                                .device = device,
                                .precision =
                                    device && bf16 ? PNN_PRECISION_BF16 : PNN_PRECISION_F32,
                                .train = true,
                                .plain = true,
                                .timed = true};
    static double ms[STEPS][MOST];
    pnn_plan *plan = NULL;
    float *memory[STEPS] = {NULL};
    size_t runs = 0;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_plan_new(ctx, b->g, store, &o, &plan));
    PLN_TRY(bind(ctx, b, plan, memory));
    m->count = pln_min(pnn_plan_steps(plan), STEPS);
    PLN_TRY(pnn_plan_run(plan));
    for (double start = now(); runs < MOST && (runs < LEAST || now() - start < ENOUGH); runs++) {
        PLN_TRY(pnn_plan_run(plan));
        for (size_t i = 0; i < m->count; i++) ms[i][runs] = pnn_plan_step(plan, i).ms;
    }
    for (size_t i = 0; i < m->count; i++) {
        qsort(ms[i], runs, sizeof **ms, ascending);
        m->step[i] = pnn_plan_step(plan, i);
        m->ms[i] = ms[i][runs / 2];
    }
done:
    for (size_t i = 0; i < STEPS; i++) pln_free(memory[i]);
    pnn_plan_free(plan);
    return s;
}

/* ---- The table ---- */

static void print_backend(const struct measured *m, size_t i)
{
    printf(" %-20.20s %10.4f %8.1f", m->step[i].kernel, m->ms[i],
           m->ms[i] > 0 ? (double)m->step[i].bytes / m->ms[i] * 1e-6 : 0);
}

static void print_step(const char *name, const struct measured m[BACKENDS], int backends, size_t i)
{
    const pnn_step_info *step = &m[0].step[i];
    const size_t *d = step->out[0] ? step->out : step->in; /* of effects: what they change */
    char sizes[64];
    snprintf(sizes, sizeof sizes, "%zux%zux%zux%zu", d[0], d[1], d[2], d[3]);
    printf("%-32.32s %-16s %-18s", name, step->op, sizes);
    for (int k = 0; k < backends; k++) print_backend(&m[k], i);
    if (backends == 2) printf(" %7.1f", m[0].ms[i] / m[1].ms[i]);
    printf("\n");
}

static void print_head(const char *device)
{
    printf("%-32s %-16s %-18s %-20s %10s %8s", "case", "operation", "sizes", "cpu", "ms", "GB/s");
    if (device) printf(" %-20s %10s %8s %7s", device, "ms", "GB/s", "times");
    printf("\n");
}

/* What the sum around a case adds is told once, by the cases of its own. */
static bool of_case(const op_case *c, const char *op)
{
    static const char *const around[] = {"binary", "reduce", "expand", "fill",
                                         "unary",  "concat", "window", "embed"};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++)
        if (!strcmp(op, around[i])) return !strncmp(c->name, op, strlen(op));
    return true;
}

pln_status op_times(pln_context *ctx, const char *prefix, bool bf16)
{
    struct measured m[BACKENDS];
    pln_device *device = NULL;
    op_build b = {NULL};
    pnn_store *store = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_device_wanted(ctx, PLN_USE_ENGINES, &device));
    int backends = device ? 2 : 1;
    print_head(device ? pln_device_name(device) : NULL);
    for (size_t c = 0; c < op_timed_count; c++) {
        if (strncmp(op_timed[c].name, prefix, strlen(prefix)) != 0) continue;
        int there = op_timed[c].flags & OP_HOST ? 1 : backends;
        PLN_TRY(build(ctx, &op_timed[c], &b));
        PLN_TRY(pnn_store_new(ctx, &store));
        PLN_TRY(pnn_store_init(store, b.g, 1));
        for (size_t i = 0; i < pnn_store_count(store); i++) {
            const char *name;
            size_t d[4];
            float *values = pnn_store_at(store, i, &name, d);
            fill(&b, name, values, d[0] * d[1] * d[2] * d[3]);
        }
        for (int k = 0; k < there; k++)
            PLN_TRY(measure(ctx, &b, store, k ? device : NULL, bf16, &m[k]));
        for (size_t i = 0; i < m[0].count; i++)
            if (of_case(&op_timed[c], m[0].step[i].op)) print_step(op_timed[c].name, m, there, i);
        fflush(stdout);
        pnn_store_free(store);
        store = NULL;
        pnn_graph_free(b.g);
        b.g = NULL;
    }
done:
    pnn_store_free(store);
    pnn_graph_free(b.g);
    return s;
}
