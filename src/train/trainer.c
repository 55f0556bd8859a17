/* SPDX-License-Identifier: MIT */
#include "train/trainer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data/folder.h"
#include "losses/losses.h"
#include "metrics/metrics.h"
#include "nn/plan.h"
#include "train/checkpoint.h"

enum { TRAINED_MOST = 2048 };

struct training {
    pln_context *ctx;
    const pln_trainer_options *o;
    const pln_recipe *r;
    pnn_graph *graph, *network; /* the step; the network alone, as it is used */
    pnn_store *store;
    pnn_plan *plan, *validation;
    pln_loader *loader, *val_loader;
    pln_batch batch, val_batch;
    float *result; /* of the validation */
    float loss, rate[2];
    pln_training_state state;
    FILE *log;
    char *log_path;
};

/* ---- The graph of a step ---- */

static pnn_node weighted(pnn_graph *g, pnn_node total, double weight, pnn_node term)
{
    term = pnn_affine(g, term, weight, 0);
    return total.id ? pnn_add(g, total, term) : term;
}

/* The sum of the recipe's terms over the results of the network. */
static pnn_node loss_of(pnn_graph *g, const pln_recipe *r, const pnn_node *results, size_t count,
                        pnn_node edge_logits, pnn_node truth, pnn_node edge)
{
    pnn_node total = {0};
    for (size_t i = 0; i < count; i++) {
        if (r->l1 > 0) total = weighted(g, total, r->l1, ploss_l1(g, results[i], truth));
        if (r->ms_ssim > 0)
            total = weighted(g, total, r->ms_ssim, ploss_ms_ssim(g, results[i], truth, 4));
        if (r->dtv > 0) total = weighted(g, total, r->dtv, ploss_dtv(g, results[i], truth, edge));
    }
    if (r->edge > 0) total = weighted(g, total, r->edge, ploss_edge_bce(g, edge_logits, edge));
    return total;
}

static bool has_edges(const pln_recipe *r) { return r->edge > 0 || r->dtv > 0; }

/* Results that are compared with the truth, and the logits of edges. */
static size_t network(pnn_graph *g, const pln_recipe *r, pnn_node x, pnn_node results[2],
                      pnn_node *edge_logits)
{
    const pnet_net *net = r->net;
    if (net == &pnet_net_jess || net == &pnet_net_csgis || net == &pnet_net_hdc_edge) {
        pnet_jess_nodes n = net == &pnet_net_hdc_edge
                                ? pnet_hdc_edge(g, x, &r->options.jess, PNET_TRAIN)
                                : pnet_jess(g, x, &r->options.jess, PNET_TRAIN);
        *edge_logits = n.edge;
        results[0] = n.s0;
        results[1] = n.s1;
        return net == &pnet_net_hdc_edge ? 1 : 2;
    }
    results[0] = net->build(g, x, &r->options, PNET_TRAIN);
    return 1;
}

/* All gradients times min(1, clip / their norm). */
static void clip(pnn_graph *g, pnn_node *grads, size_t n, double most)
{
    pnn_node sum = {0};
    for (size_t i = 0; i < n; i++) {
        pnn_node square = pnn_unary(g, PNN_SQUARE, grads[i], 0, 0);
        pnn_node s = pnn_reduce(g, PNN_SUM, square, PNN_OVER_ALL);
        sum = sum.id ? pnn_add(g, sum, s) : s;
    }
    pnn_node norm = pnn_unary(g, PNN_SQRT, pnn_affine(g, sum, 1, 1e-12), 0, 0);
    pnn_node factor = pnn_unary(
        g, PNN_CLAMP, pnn_affine(g, pnn_unary(g, PNN_RECIPROCAL, norm, 0, 0), most, 0), 0, 1);
    for (size_t i = 0; i < n; i++) grads[i] = pnn_mul(g, grads[i], factor);
}

static pln_status make_step(struct training *t)
{
    const pln_recipe *r = t->r;
    long n = (long)t->batch.n, p = (long)t->batch.patch;
    pnn_node *params = NULL, *grads = NULL, results[2], edge_logits = {0}, edge = {0};
    pnn_graph *g;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_graph_new(t->ctx, &t->graph));
    g = t->graph;
    PLN_TRY(pln_alloc(t->ctx, TRAINED_MOST, sizeof *params, &params));
    PLN_TRY(pln_alloc(t->ctx, TRAINED_MOST, sizeof *grads, &grads));
    pnn_node x = pnn_input_shaped(g, "in", pnn_shape_const(g, n, p, p, 3)),
             truth = pnn_input_shaped(g, "truth", pnn_shape_const(g, n, p, p, 3)),
             rate = pnn_input_shaped(g, "rate", pnn_shape_const(g, 1, 1, 1, 2));
    if (has_edges(r)) edge = pnn_input_shaped(g, "edge", pnn_shape_const(g, n, p, p, 1));
    double white = r->net->range;
    size_t count =
        network(g, r, white == 1 ? x : pnn_affine(g, x, white, 0), results, &edge_logits);
    if (r->edge > 0 && !edge_logits.id) {
        s = pnn_graph_status(g);
        if (!s)
            s = pln_fail(t->ctx, PLN_E_MODEL, "[loss] edge: network '%s' finds no edges",
                         r->net->name);
        goto done;
    }
    for (size_t i = 0; i < count && white != 1; i++)
        results[i] = pnn_affine(g, results[i], 1 / white, 0);
    pnn_node loss = loss_of(g, r, results, count, edge_logits, truth, edge);
    size_t trained = pnn_trained(g, params, TRAINED_MOST);
    pnn_gradients(g, loss, params, trained, grads);
    if (r->clip > 0) clip(g, grads, trained, r->clip);
    for (size_t i = 0; i < trained; i++)
        pnn_adam_step(g, params[i], grads[i], rate, (pnn_adam){r->beta1, r->beta2, r->eps});
    pnn_output(g, loss, "loss");
    PLN_TRY(pnn_graph_status(g));
    PLN_TRY(pnn_store_init(t->store, g, t->o->seed));
done:
    pln_free(params);
    pln_free(grads);
    return s;
}

static pln_status make_plan(struct training *t)
{
    const pnn_plan_options o = {.size = {t->batch.n, t->batch.patch, t->batch.patch},
                                .backend = PNN_BACKEND_CPU,
                                .train = true,
                                .seed = t->o->seed};
    pln_status s = PLN_OK;
    PLN_TRY(pnn_plan_new(t->ctx, t->graph, t->store, &o, &t->plan));
    PLN_TRY(pnn_plan_bind(t->plan, "in", t->batch.in));
    PLN_TRY(pnn_plan_bind(t->plan, "truth", t->batch.truth));
    PLN_TRY(pnn_plan_bind(t->plan, "rate", t->rate));
    PLN_TRY(pnn_plan_bind(t->plan, "loss", &t->loss));
    if (has_edges(t->r)) PLN_TRY(pnn_plan_bind(t->plan, "edge", t->batch.edge));
done:
    return s;
}

/* ---- Data ---- */

static pln_status open_data(struct training *t)
{
    const pln_recipe *r = t->r;
    const pln_augmentation *plain = pln_augmentation_find("plain");
    pln_loader_options train = {.dataset = t->o->dataset,
                                .split = PLN_SPLIT_TRAIN,
                                .augmentation = r->augmentation,
                                .companions = has_edges(r) ? PLN_WITH_EDGE : 0,
                                .batch = r->batch,
                                .seed = t->o->seed},
                       val = {.dataset = t->o->dataset,
                              .split = PLN_SPLIT_VAL,
                              .augmentation = *plain,
                              .batch = 1,
                              .seed = t->o->seed};
    pln_status s = PLN_OK;
    val.augmentation.patch = r->val_patch;
    val.augmentation.centre = true;
    PLN_TRY(pln_loader_new(t->ctx, &train, &t->loader));
    PLN_TRY(pln_loader_new(t->ctx, &val, &t->val_loader));
    PLN_TRY(pln_batch_new(t->ctx, t->loader, &t->batch));
    PLN_TRY(pln_batch_new(t->ctx, t->val_loader, &t->val_batch));
    PLN_TRY(pln_alloc(t->ctx, r->val_patch * r->val_patch * 3, sizeof(float), &t->result));
done:
    return s;
}

/* ---- Validation: mean scores over the same pairs each time, values clamped as in files ---- */

static pln_status validate(struct training *t)
{
    const pln_recipe *r = t->r;
    size_t p = r->val_patch, n = p * p * 3,
           pairs = pln_min(r->val_pairs, pln_loader_steps(t->val_loader));
    const pnn_plan_options o = {.size = {1, p, p}, .backend = PNN_BACKEND_CPU, .seed = t->o->seed};
    double psnr = 0, ssim = 0;
    float white = (float)r->net->range;
    pln_status s = PLN_OK;

    PLN_TRY(pnn_plan_new(t->ctx, t->network, t->store, &o, &t->validation));
    PLN_TRY(pnn_plan_bind(t->validation, "x", t->val_batch.in));
    PLN_TRY(pnn_plan_bind(t->validation, "y", t->result));
    for (size_t i = 0; i < pairs; i++) {
        const pln_view a = {t->result, p, p, 3, (ptrdiff_t)(3 * p)},
                       b = {t->val_batch.truth, p, p, 3, (ptrdiff_t)(3 * p)};
        double one;
        PLN_TRY(pln_loader_batch(t->ctx, t->val_loader, i, &t->val_batch));
        for (size_t k = 0; k < n && white != 1; k++) t->val_batch.in[k] *= white;
        PLN_TRY(pnn_plan_run(t->validation));
        for (size_t k = 0; k < n; k++) t->result[k] = fminf(fmaxf(t->result[k] / white, 0), 1);
        PLN_TRY(pln_psnr(t->ctx, &a, &b, &one));
        psnr += one / (double)pairs;
        PLN_TRY(pln_ssim(t->ctx, 'a', &a, &b, &one));
        ssim += one / (double)pairs;
    }
    t->state.psnr = psnr;
    t->state.ssim = ssim;
    t->state.validated = true;
done:
    pnn_plan_free(t->validation);
    t->validation = NULL;
    return s;
}

static pln_status keep_best(struct training *t)
{
    char *path = NULL;
    pln_status s = PLN_OK;
    if (t->state.psnr <= t->state.best_psnr && t->state.best_step) return PLN_OK;
    t->state.best_psnr = t->state.psnr;
    t->state.best_step = t->state.step;
    PLN_TRY(pln_text_of(t->ctx, &path, "%s/best.safetensors", t->o->run));
    PLN_TRY(pln_weights_write(t->ctx, path, t->r, t->network, t->store, &t->state,
                              pln_dataset_hash(t->o->dataset), t->o->seed, PNN_F32));
done:
    pln_free(path);
    return s;
}

/* ---- The run's folder ---- */

/* Lines of steps that were done after the checkpoint are dropped: they will be done again. */
static pln_status trim_log(struct training *t)
{
    FILE *f = fopen(t->log_path, "r+");
    char line[512];
    long end = 0;
    if (!f) return PLN_OK;
    while (fgets(line, sizeof line, f)) {
        uint64_t step = 0;
        if (!strchr(line, '\n') || sscanf(line, "{\"step\":%" SCNu64, &step) != 1 ||
            step > t->state.step)
            break;
        end = ftell(f);
    }
    bool good = ftruncate(fileno(f), end) == 0;
    fclose(f);
    return good ? PLN_OK : pln_fail(t->ctx, PLN_E_WRITE, "%s: %s", t->log_path, strerror(errno));
}

static pln_status open_run(struct training *t)
{
    char *path = NULL;
    bool found = false;
    pln_status s = PLN_OK;

    PLN_TRY(pln_make_folder(t->ctx, t->o->run));
    PLN_TRY(pln_text_of(t->ctx, &t->log_path, "%s/log.jsonl", t->o->run));
    if (!t->o->resume && pln_is_file(t->log_path)) {
        s = pln_fail(t->ctx, PLN_E_WRITE, "%s: holds a run: --resume goes on with it", t->o->run);
        goto done;
    }
    if (t->o->resume)
        PLN_TRY(
            pln_checkpoint_read(t->ctx, t->o->run, t->r, t->store, &t->state, t->o->seed, &found));
    PLN_TRY(trim_log(t));
    PLN_TRY(pln_text_of(t->ctx, &path, "%s/recipe.ini", t->o->run));
    PLN_TRY(pln_file_write(t->ctx, path, t->r->text, strlen(t->r->text)));
    t->log = fopen(t->log_path, "a");
    if (!t->log) s = pln_fail(t->ctx, PLN_E_WRITE, "%s: %s", t->log_path, strerror(errno));
done:
    pln_free(path);
    return s;
}

static pln_status write_line(struct training *t)
{
    const pln_training_state *st = &t->state;
    int n = fprintf(t->log, "{\"step\":%" PRIu64 ",\"loss\":%.9g,\"rate\":%.6g,\"seconds\":%.4f",
                    st->step, st->loss, st->rate, st->seconds);
    if (n > 0 && st->validated)
        n = fprintf(t->log, ",\"psnr\":%.6f,\"ssim\":%.6f", st->psnr, st->ssim);
    if (n > 0) n = fprintf(t->log, "}\n");
    if (n < 0 || fflush(t->log))
        return pln_fail(t->ctx, PLN_E_WRITE, "%s: %s", t->log_path, strerror(errno));
    return PLN_OK;
}

static pln_status bad_batch(struct training *t)
{
    char *path = NULL, text[4096];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{\"step\":%" PRIu64 ",\"seed\":%" PRIu64 ",\"pairs\":[",
                                t->state.step, t->o->seed);
    pln_status s = PLN_OK;
    for (size_t i = 0; i < t->batch.n && n + 32 < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%zu", i ? "," : "", t->batch.pairs[i]);
    n += (size_t)snprintf(text + n, sizeof text - n, "]}\n");
    PLN_TRY(pln_text_of(t->ctx, &path, "%s/bad-batch.json", t->o->run));
    PLN_TRY(pln_file_write(t->ctx, path, text, n));
    s = pln_fail(t->ctx, PLN_E_MODEL,
                 "the loss of step %" PRIu64 " is not finite: %s says which pairs",
                 t->state.step + 1, path);
done:
    pln_free(path);
    return s;
}

/* ---- Steps ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static pln_status one_step(struct training *t)
{
    const pln_recipe *r = t->r;
    pln_training_state *st = &t->state;
    double start = now();
    pln_status s = PLN_OK;

    st->rate = r->halve ? ldexp(r->rate, -(int)(st->step / r->halve)) : r->rate;
    t->rate[0] = (float)st->rate;
    t->rate[1] = (float)(st->step + 1);
    PLN_TRY(pln_loader_batch(t->ctx, t->loader, st->step, &t->batch));
    pnn_plan_seed(t->plan, t->o->seed + st->step);
    PLN_TRY(pnn_plan_run(t->plan));
    st->loss = t->loss;
    if (!isfinite(st->loss)) {
        s = bad_batch(t);
        goto done;
    }
    st->step++;
    st->seconds = now() - start;
    st->validated = false;
    if (st->step % r->every == 0 || st->step == r->steps) {
        PLN_TRY(validate(t));
        PLN_TRY(keep_best(t));
    }
    PLN_TRY(write_line(t));
done:
    return s;
}

static pln_status all_steps(struct training *t)
{
    pln_status s = PLN_OK;
    bool stop = false;
    while (t->state.step < t->r->steps && !stop) {
        PLN_TRY(one_step(t));
        stop = t->o->report && t->o->report(t->o->user, &t->state);
        if (stop || t->state.step % t->r->save == 0 || t->state.step == t->r->steps)
            PLN_TRY(pln_checkpoint_write(t->ctx, t->o->run, t->r, t->store, &t->state, t->o->seed));
    }
    if (stop && t->state.step < t->r->steps)
        s = pln_fail(t->ctx, PLN_E_CANCELLED, "stopped after step %" PRIu64 ", saved in %s",
                     t->state.step, t->o->run);
done:
    return s;
}

pln_status pln_train(pln_context *ctx, const pln_trainer_options *options)
{
    struct training t = {.ctx = ctx, .o = options, .r = options->recipe};
    pln_status s = PLN_OK;

    t.state.steps = t.r->steps;
    t.state.samples = t.r->batch;
    PLN_TRY(open_data(&t));
    PLN_TRY(pnn_store_new(ctx, &t.store));
    PLN_TRY(make_step(&t));
    PLN_TRY(pnet_graph(ctx, t.r->net, &t.r->options, PNET_EVAL, &t.network));
    PLN_TRY(open_run(&t));
    PLN_TRY(make_plan(&t));
    PLN_TRY(all_steps(&t));
done:
    if (t.log) fclose(t.log);
    pln_free(t.log_path);
    pln_free(t.result);
    pnn_plan_free(t.plan);
    pnn_store_free(t.store);
    pnn_graph_free(t.graph);
    pnn_graph_free(t.network);
    pln_batch_free(&t.batch);
    pln_batch_free(&t.val_batch);
    pln_loader_free(t.loader);
    pln_loader_free(t.val_loader);
    return s;
}
