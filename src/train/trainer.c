/* SPDX-License-Identifier: MIT */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "data/folder.h"
#include "train/checkpoint.h"
#include "train/objective.h"
#include "train/run.h"
#include "train/validate.h"

struct training {
    pln_context *ctx;
    const pln_trainer_options *o;
    const pln_recipe *r;
    pnn_graph *network; /* as it is used */
    pnn_store *store;
    pln_step *step;
    pln_loader *loader;
    pln_batch batch;
    pln_validation *validation;
    pln_run_folder *run; /* of the first process of a group */
    pln_training_state state;
};

static bool first(const struct training *t) { return !t->o->group || t->o->group->rank == 0; }

static pln_status open_data(struct training *t)
{
    const pln_loader_options o = {.dataset = t->o->dataset,
                                  .split = PLN_SPLIT_TRAIN,
                                  .augmentation = t->r->augmentation,
                                  .companions = pln_objective_companions(t->r),
                                  .batch = t->r->batch,
                                  .rank = t->o->group ? t->o->group->rank : 0,
                                  .world = t->o->group ? t->o->group->world : 0,
                                  .seed = t->o->seed};
    pln_status s = PLN_OK;
    PLN_TRY(pln_loader_new(t->ctx, &o, &t->loader));
    PLN_TRY(pln_batch_new(t->ctx, t->loader, &t->batch));
    if (first(t))
        PLN_TRY(pln_validation_new(t->ctx, t->r, t->o->dataset, t->o->seed, &t->validation));
done:
    return s;
}

static pln_status load_start(struct training *t)
{
    const pnet_net *net;
    pnet_options options;
    pnn_st *file = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pnn_st_open(t->ctx, t->r->start, 0, &file));
    PLN_TRY(pnet_of_weights(t->ctx, file, t->r->net, &net, &options));
    PLN_TRY(pnn_store_load(t->store, t->network, file, ""));
done:
    pnn_st_free(file);
    return s;
}

/* Every process reads the checkpoint; the first one writes. */
static pln_status open_run(struct training *t)
{
    bool found = false;
    pln_status s = PLN_OK;
    if (t->o->resume)
        PLN_TRY(
            pln_checkpoint_read(t->ctx, t->o->run, t->r, t->store, &t->state, t->o->seed, &found));
    if (!found && *t->r->start) PLN_TRY(load_start(t));
    PLN_TRY(pln_step_send(t->step));
    if (first(t))
        PLN_TRY(
            pln_run_open(t->ctx, t->o->run, t->r, t->o->resume, t->o->events, &t->state, &t->run));
done:
    return s;
}

/* Scores, and the weights if they are the best so far. */
static pln_status validate(struct training *t)
{
    pln_training_state *st = &t->state;
    pnn_store *used = NULL;
    char *path = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(pln_step_fetch(t->step));
    PLN_TRY(pln_step_used(t->step, t->network, &used));
    PLN_TRY(pln_validate(t->validation, t->network, used, st->scores));
    st->validated = true;
    if (st->best_step && !pln_is_better(pln_judge_of(t->r), st->scores[0], st->best)) goto done;
    st->best = st->scores[0];
    st->best_step = st->step;
    PLN_TRY(pln_text_of(t->ctx, &path, "%s/best.safetensors", t->o->run));
    PLN_TRY(pln_weights_write(t->ctx, path, t->r, t->network, used, st,
                              pln_dataset_hash(t->o->dataset), t->o->seed, PNN_F32));
done:
    pln_free(path);
    pnn_store_free(used);
    return s;
}

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

    st->rate = pln_recipe_rate(r, st->step);
    PLN_TRY(pln_loader_batch(t->ctx, t->loader, st->step, &t->batch));
    PLN_TRY(pln_step_run(t->step, st->step, &st->loss));
    if (!isfinite(st->loss)) {
        s = t->run ? pln_run_bad_batch(t->run, st, &t->batch, t->o->seed)
                   : pln_fail(t->ctx, PLN_E_MODEL, "the loss is not finite");
        goto done;
    }
    st->step++;
    st->seconds = now() - start;
    st->validated = false;
    if (!first(t)) goto done;
    if (st->step % r->every == 0 || st->step == r->steps) PLN_TRY(validate(t));
    PLN_TRY(pln_run_log(t->run, st));
done:
    return s;
}

static pln_status save(struct training *t)
{
    pln_status s = PLN_OK;
    if (!first(t)) return PLN_OK;
    PLN_TRY(pln_step_fetch(t->step));
    PLN_TRY(pln_checkpoint_write(t->ctx, t->o->run, t->r, t->store, &t->state, t->o->seed));
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
            PLN_TRY(save(t));
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
    const pln_step_options how = {options->group, options->seed, options->precision};
    pln_status s = PLN_OK;

    t.state.steps = t.r->steps;
    t.state.samples = t.r->batch;
    PLN_TRY(open_data(&t));
    PLN_TRY(pnn_store_new(ctx, &t.store));
    PLN_TRY(pln_step_new(ctx, t.r, &t.batch, t.store, &how, &t.step));
    PLN_TRY(pnet_graph(ctx, t.r->net, &t.r->options, PNET_EVAL, &t.network));
    PLN_TRY(open_run(&t));
    PLN_TRY(all_steps(&t));
done:
    pln_run_close(t.run);
    pln_step_free(t.step);
    pnn_store_free(t.store);
    pnn_graph_free(t.network);
    pln_batch_free(&t.batch);
    pln_loader_free(t.loader);
    pln_validation_free(t.validation);
    return s;
}
