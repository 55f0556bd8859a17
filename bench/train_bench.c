/* SPDX-License-Identifier: MIT */
/* train_bench [--profile] [--threads N] [--steps N] [--precision f32|bf16] RECIPE
 * [section.key=value..]: a step of training on random pictures: milliseconds (median), processor
 * seconds, peak memory of the process. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "train/step.h"

enum { STEPS_MOST = 100, ROWS_MOST = 512 };

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

/* ---- The batch ---- */

static pln_status fill(pln_context *ctx, size_t n, double threshold, float **values)
{
    pln_status s = pln_alloc(ctx, n, sizeof **values, values);
    if (s) return s;
    for (size_t i = 0; i < n; i++) {
        double u = pln_random(1, n, i);
        (*values)[i] = threshold > 0 ? u < threshold : (float)u;
    }
    return PLN_OK;
}

static pln_status make_batch(pln_context *ctx, const pln_recipe *r, pln_batch *b)
{
    size_t pixels = (size_t)(r->batch * r->patch * r->patch);
    pln_status s = PLN_OK;
    *b = (pln_batch){.n = (size_t)r->batch, .patch = (size_t)r->patch};
    PLN_TRY(fill(ctx, 3 * pixels, 0, &b->in));
    PLN_TRY(fill(ctx, 3 * pixels, 0, &b->truth));
    PLN_TRY(fill(ctx, 3 * pixels, 0, &b->negative));
    PLN_TRY(fill(ctx, pixels, 0.05, &b->edge));
    PLN_TRY(fill(ctx, pixels, 0.05, &b->boundary));
    PLN_TRY(fill(ctx, pixels, 0.05, &b->classes));
done:
    return s;
}

/* ---- Where the time goes ---- */

/* Steps of one operation and size. */
struct row {
    pnn_step_info of;
    size_t count;
};

static bool alike(const pnn_step_info *a, const pnn_step_info *b)
{
    return !strcmp(a->op, b->op) && !strcmp(a->kernel, b->kernel) &&
           !memcmp(a->in, b->in, sizeof a->in) && !memcmp(a->out, b->out, sizeof a->out);
}

static int slowest(const void *a, const void *b)
{
    const struct row *p = a, *q = b;
    return (p->of.ms < q->of.ms) - (p->of.ms > q->of.ms);
}

static void profile(const pnn_plan *plan)
{
    static struct row rows[ROWS_MOST];
    size_t n = 0;
    double all = 0;
    for (size_t i = 0; i < pnn_plan_steps(plan); i++) {
        const pnn_step_info of = pnn_plan_step(plan, i);
        size_t k = 0;
        while (k < n && !alike(&rows[k].of, &of)) k++;
        if (k == ROWS_MOST) continue;
        if (k == n)
            rows[n++] = (struct row){of, 1};
        else {
            rows[k].of.ms += of.ms;
            rows[k].of.macs += of.macs;
            rows[k].of.bytes += of.bytes;
            rows[k].count++;
        }
        all += of.ms;
    }
    qsort(rows, n, sizeof *rows, slowest);
    printf("      ms     %%  steps   GF/s   GB/s  operation, kernel, first operand -> result\n");
    for (size_t i = 0; i < n; i++) {
        const pnn_step_info *r = &rows[i].of;
        printf("%8.1f %5.1f %6zu %6.1f %6.1f  %s (%s) %zux%zux%zux%zu -> %zux%zux%zux%zu\n", r->ms,
               100 * r->ms / all, rows[i].count, 2e-6 * (double)r->macs / r->ms,
               1e-6 * (double)r->bytes / r->ms, r->op, r->kernel, r->in[0], r->in[1], r->in[2],
               r->in[3], r->out[0], r->out[1], r->out[2], r->out[3]);
    }
}

/* ---- Measuring ---- */

static pln_status measure(pln_context *ctx, pln_step *step, size_t steps, bool with_profile)
{
    double wall[STEPS_MOST], cpu = 0, loss = 0;
    struct rusage use;
    pln_status s = PLN_OK;
    PLN_TRY(pln_step_run(step, 0, &loss));
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < steps; i++) {
        double start = now(CLOCK_MONOTONIC);
        PLN_TRY(pln_step_run(step, i + 1, &loss));
        wall[i] = 1e3 * (now(CLOCK_MONOTONIC) - start);
    }
    cpu = (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)steps;
    qsort(wall, steps, sizeof *wall, ascending);
    getrusage(RUSAGE_SELF, &use);
    printf("%s %.1f ms, at best %.1f ms, %.2f processor seconds, peak %.0f MB, plan %.0f MB, "
           "loss %.6g\n",
           pln_context_isa(ctx), wall[steps / 2], wall[0], cpu, (double)use.ru_maxrss / 1024,
           1e-6 * (double)pnn_plan_bytes(pln_step_plan(step)), loss);
    if (pnn_plan_device_ms(pln_step_plan(step)) > 0)
        printf("%s %.2f ms of the device\n", pln_device_used(ctx),
               pnn_plan_device_ms(pln_step_plan(step)));
    if (with_profile) profile(pln_step_plan(step));
done:
    return s;
}

static void usage(void)
{
    fprintf(stderr, "usage: train_bench [--profile] [--threads N] [--steps N] "
                    "[--precision f32|bf16] RECIPE [section.key=value..]\n");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"profile", no_argument, NULL, 'p'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"steps", required_argument, NULL, 's'},
                                            {"precision", required_argument, NULL, 'b'},
                                            {0}};
    pln_context *ctx = NULL;
    pln_recipe recipe = {0};
    pln_batch batch = {0};
    pnn_store *store = NULL;
    pln_step *step = NULL;
    pln_step_options how = {.seed = 1};
    bool with_profile = false;
    int threads = 0, steps = 5, c;
    pln_status s = PLN_OK;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'p') with_profile = true;
        if (c == 't') threads = atoi(optarg);
        if (c == 's') steps = atoi(optarg);
        if (c == 'b')
            how.precision = strcmp(optarg, "bf16") ? PLN_PRECISION_F32 : PLN_PRECISION_BF16;
        if (c == '?') steps = 0;
    }
    if (optind == argc || steps < 1 || steps > STEPS_MOST || threads < 0) {
        usage();
        return 2;
    }
    const pln_context_options o = {.size = sizeof o, .threads = threads};
    PLN_TRY(pln_context_new_with(&o, &ctx));
    PLN_TRY(pln_recipe_load(ctx, argv[optind], (const char *const *)argv + optind + 1,
                            (size_t)(argc - optind - 1), &recipe));
    PLN_TRY(make_batch(ctx, &recipe, &batch));
    PLN_TRY(pnn_store_new(ctx, &store));
    PLN_TRY(pln_step_new(ctx, &recipe, &batch, store, &how, &step));
    PLN_TRY(measure(ctx, step, (size_t)steps, with_profile));
done:
    if (s) fprintf(stderr, "train_bench: %s\n", pln_context_message(ctx));
    pln_step_free(step);
    pnn_store_free(store);
    pln_batch_free(&batch);
    pln_recipe_free(&recipe);
    pln_context_free(ctx);
    return s != PLN_OK;
}
