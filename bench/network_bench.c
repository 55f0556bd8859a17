/* SPDX-License-Identifier: MIT */
/* network_bench WEIGHTS WxH f32|bf16 [--steps]: a network at batch 1 on the device of
 * PLANISH_DEVICE: median and least milliseconds of 50 runs, by the device's clock where there is
 * one; --steps: where they go, step by step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nets/nets.h"
#include "nn/plan.h"

enum { RUNS = 50, WARM = 5 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

static pln_status measure(pln_context *ctx, const pnn_graph *g, pnn_store *store,
                          const pnn_plan_options *o)
{
    pnn_plan *plan = NULL;
    float *x = NULL, *y = NULL;
    double device[RUNS], wall[RUNS];
    char *text = NULL;
    size_t d[4], n = 3 * o->size.h * o->size.w;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_plan_new(ctx, g, store, o, &plan));
    pnn_plan_dims(plan, "y", d);
    PLN_TRY(pln_alloc(ctx, n, sizeof *x, &x));
    PLN_TRY(pln_alloc(ctx, d[0] * d[1] * d[2] * d[3], sizeof *y, &y));
    for (size_t i = 0; i < n; i++) x[i] = (float)pln_random(1, 2, i);
    PLN_TRY(pnn_plan_bind(plan, "x", x));
    PLN_TRY(pnn_plan_bind(plan, "y", y));
    for (int i = -WARM; i < RUNS; i++) {
        double start = now_ms();
        PLN_TRY(pnn_plan_run(plan));
        if (i < 0) continue;
        wall[i] = now_ms() - start;
        device[i] = pnn_plan_device_ms(plan);
    }
    if (o->timed) {
        PLN_TRY(pnn_plan_text(plan, &text));
        fputs(text, stdout);
    }
    qsort(wall, RUNS, sizeof *wall, ascending);
    qsort(device, RUNS, sizeof *device, ascending);
    printf("%s %zux%zu %s: ", pln_device_used(ctx), o->size.w, o->size.h,
           o->precision == PNN_PRECISION_BF16 ? "bf16" : "f32");
    if (o->device) printf("%.3f ms of the device (at best %.3f), ", device[RUNS / 2], device[0]);
    printf("%.3f ms with copies\n", wall[RUNS / 2]);
done:
    pnn_plan_free(plan);
    pln_free(x);
    pln_free(y);
    pln_free(text);
    return s;
}

int main(int argc, char **argv)
{
    pln_context *ctx = NULL;
    pnn_st *weights = NULL;
    const pnet_net *net;
    pnet_options options;
    pnn_graph *g = NULL;
    pnn_store *store = NULL;
    pnn_plan_options o = {.size = {.n = 1}};
    bool half = argc > 3 && !strcmp(argv[3], "bf16");
    pln_status s = PLN_OK;

    if (argc < 4 || argc > 5 || sscanf(argv[2], "%zux%zu", &o.size.w, &o.size.h) != 2 ||
        (!half && strcmp(argv[3], "f32")) || (argc == 5 && strcmp(argv[4], "--steps"))) {
        fprintf(stderr, "usage: network_bench WEIGHTS WxH f32|bf16 [--steps]\n");
        return 2;
    }
    PLN_TRY(pln_context_new(&ctx));
    PLN_TRY(pnn_st_open(ctx, argv[1], 0, &weights));
    PLN_TRY(pnet_of_weights(ctx, weights, NULL, &net, &options));
    PLN_TRY(pnet_graph(ctx, net, &options, PNET_EVAL, &g));
    PLN_TRY(pnn_store_new(ctx, &store));
    PLN_TRY(pnn_store_load(store, g, weights, ""));
    PLN_TRY(pln_device_wanted(ctx, PLN_USE_ENGINES, &o.device));
    if (half) o.precision = PNN_PRECISION_BF16;
    o.timed = argc == 5;
    PLN_TRY(measure(ctx, g, store, &o));
done:
    if (s) fprintf(stderr, "network_bench: %s\n", pln_context_message(ctx));
    pnn_store_free(store);
    pnn_graph_free(g);
    pnn_st_free(weights);
    pln_context_free(ctx);
    return s != PLN_OK;
}
