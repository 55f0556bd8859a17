/* SPDX-License-Identifier: MIT */
#include "train/step.h"

#include <stdio.h>
#include <string.h>

#include "train/objective.h"

enum { TRAINED_MOST = 2048 };

struct pln_step {
    pln_context *ctx;
    const pln_recipe *r;
    const pln_batch *batch;
    pnn_store *store;
    const pln_group *group;
    uint64_t seed;
    pln_device *device;              /* NULL: the CPU */
    bool joined;                     /* of a group: its GPUs take the means */
    bool bf16;                       /* convolutions round their operands */
    pnn_graph *graph, *update_graph; /* the second: of a group that the host sums for */
    pnn_plan *plan, *update;
    pnn_node params[TRAINED_MOST], grads[TRAINED_MOST], rates[2];
    size_t trained;
    float rate[2], loss;
    float *sums; /* of a group: all gradients, then the loss */
    size_t values;
    pln_status failed;
};

/* ---- The group ---- */

static pln_status lost(const struct pln_step *t)
{
    return pln_fail(t->ctx, PLN_E_DEVICE, "process %zu of %zu cannot reach the others",
                    t->group->rank + 1, t->group->world);
}

static pln_status mean(void *user, float *values, size_t n)
{
    struct pln_step *t = user;
    const pln_group *group = t->group;
    if (group->sum(group->user, values, n) || group->wait(group->user)) return lost(t);
    for (size_t i = 0; i < n; i++) values[i] /= (float)group->world;
    return PLN_OK;
}

/* How many processes say yes. */
static pln_status ask_all(const struct pln_step *t, bool yes, size_t *count)
{
    const pln_group *group = t->group;
    float sum = yes;
    if (group->sum(group->user, &sum, 1) || group->wait(group->user)) return lost(t);
    *count = (size_t)sum;
    return PLN_OK;
}

/* Of what the first process has, all have a copy: the others add zeros. */
static pln_status share(const struct pln_step *t, unsigned char id[PLN_GROUP_ID])
{
    const pln_group *group = t->group;
    float bytes[PLN_GROUP_ID];
    for (size_t i = 0; i < PLN_GROUP_ID; i++) bytes[i] = group->rank ? 0 : id[i];
    if (group->sum(group->user, bytes, PLN_GROUP_ID) || group->wait(group->user)) return lost(t);
    for (size_t i = 0; i < PLN_GROUP_ID; i++) id[i] = (unsigned char)bytes[i];
    return PLN_OK;
}

/* Where every process has a GPU of its own and NCCL, the GPUs take the means; else the host sums. A
 * GPU's plan has another order than the CPU's, in which processes would wait for different sums. */
static pln_status join(struct pln_step *t)
{
    unsigned char id[PLN_GROUP_ID] = {0};
    size_t world = t->group->world, count;
    pln_status s = PLN_OK, can = PLN_OK;

    PLN_TRY(ask_all(t, t->device != NULL, &count));
    if (count == 0) return PLN_OK;
    if (count < world) {
        s = pln_fail(t->ctx, PLN_E_DEVICE,
                     "%zu of %zu processes have a GPU: give all one, or none with --device cpu",
                     count, world);
        goto done;
    }
    can = pln_device_group_id(t->device, t->group->rank == 0 ? id : NULL);
    PLN_TRY(ask_all(t, !can, &count));
    if (count == world) {
        PLN_TRY(share(t, id));
        can = pln_device_join(t->device, id, t->group->rank, world);
        PLN_TRY(ask_all(t, !can, &count));
        if (count < world) pln_device_leave(t->device);
    }
    t->joined = count == world;
    if (t->joined)
        pln_log(t->ctx, 2, "means over processes are the GPUs' work");
    else if (can)
        pln_log(t->ctx, 1, "%s: means over processes are the host's work",
                pln_context_message(t->ctx));
    pln_clear(t->ctx);
done:
    return s;
}

/* ---- Graphs ---- */

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

/* The input of learning rate and number of the step. */
static pnn_node rate_of(struct pln_step *t, pnn_graph *g)
{
    pnn_node *rate = &t->rates[g == t->update_graph];
    if (!rate->id) *rate = pnn_input_shaped(g, "rate", pnn_shape_const(g, 1, 1, 1, 2));
    return *rate;
}

/* ema = d ema + (1 - d) param, with d = min(decay, (t - 1) / (t + 9)) in step t: the first one
 * takes the start. param is that before the step. */
static void average(pnn_graph *g, pnn_node param, pnn_node rate, double decay)
{
    pnn_node ema = pnn_state_of(g, param, "ema"), t = pnn_slice(g, rate, 1, 1);
    pnn_node d = pnn_unary(g, PNN_CLAMP,
                           pnn_binary(g, PNN_DIV, pnn_affine(g, t, 1, -1), pnn_affine(g, t, 1, 9)),
                           0, decay);
    pnn_assign(g, ema, pnn_add(g, param, pnn_mul(g, d, pnn_sub(g, ema, param))));
}

/* Averaged weights need statistics of as many batches: the running ones are of the last few, and
 * what they are off by grows from layer to layer. */
static void average_statistics(struct pln_step *t, pnn_graph *g)
{
    pnn_node states[TRAINED_MOST];
    size_t count = pnn_params(g, PNN_STATE, states, TRAINED_MOST);
    for (size_t i = 0; i < pln_min(count, TRAINED_MOST); i++)
        average(g, states[i], rate_of(t, g), t->r->ema);
}

static pln_status add_update(struct pln_step *t, pnn_graph *g, const pnn_node *params,
                             pnn_node *grads)
{
    const pln_recipe *r = t->r;
    pnn_node rate = rate_of(t, g);
    if (r->clip > 0) clip(g, grads, t->trained, r->clip);
    for (size_t i = 0; i < t->trained; i++) {
        pnn_adam_step(g, params[i], grads[i], rate, (pnn_adam){r->beta1, r->beta2, r->eps});
        if (r->ema > 0) average(g, params[i], rate, r->ema);
    }
    return pnn_graph_status(g);
}

static void dims_of(const pnn_graph *g, pnn_node param, long d[4])
{
    const pnn_size any = {1, 1, 1};
    pnn_shape s = pnn_shape_of(g, param);
    d[0] = pnn_dim_value(g, s.n, any);
    d[1] = pnn_dim_value(g, s.h, any);
    d[2] = pnn_dim_value(g, s.w, any);
    d[3] = pnn_dim_value(g, s.c, any);
}

/* The gradients and, as the last value, the loss become means over the group, in one piece: a mean
 * of its own for each would take longer to start than to take. */
static void take_means(struct pln_step *t, pnn_graph *g, pnn_node *loss)
{
    pnn_node parts[TRAINED_MOST + 1];
    long d[4], n, at = 0;
    for (size_t i = 0; i < t->trained; i++) {
        dims_of(g, t->params[i], d);
        parts[i] =
            pnn_reshape(g, t->grads[i], pnn_shape_const(g, 1, 1, 1, d[0] * d[1] * d[2] * d[3]));
    }
    parts[t->trained] = *loss;
    pnn_node all = pnn_group_mean(g, pnn_concat(g, PNN_AXIS_C, parts, t->trained + 1));
    for (size_t i = 0; i < t->trained; i++, at += n) {
        dims_of(g, t->params[i], d);
        n = d[0] * d[1] * d[2] * d[3];
        t->grads[i] =
            pnn_reshape(g, pnn_slice(g, all, at, n), pnn_shape_const(g, d[0], d[1], d[2], d[3]));
    }
    *loss = pnn_slice(g, all, at, 1);
}

static pln_status make_gradients(struct pln_step *t)
{
    const pln_batch *b = t->batch;
    long n = (long)b->n, p = (long)b->patch;
    unsigned with = pln_objective_companions(t->r);
    pln_frozen frozen;
    pln_status s = PLN_OK;

    PLN_TRY(pln_frozen_load(t->ctx, t->r, t->store, &frozen));
    PLN_TRY(pnn_graph_new(t->ctx, &t->graph));
    pnn_graph *g = t->graph;
    if (t->group) pnn_graph_group(g, &(pnn_group){t->group->world, mean, t});
    pnn_shape picture = pnn_shape_const(g, n, p, p, 3), map = pnn_shape_const(g, n, p, p, 1);
    pln_lesson in = {.x = pnn_input_shaped(g, "in", picture),
                     .truth = pnn_input_shaped(g, "truth", picture)};
    if (with & PLN_WITH_EDGE) in.edge = pnn_input_shaped(g, "edge", map);
    if (with & PLN_WITH_CLASSES) in.classes = pnn_input_shaped(g, "classes", map);
    if (with & PLN_WITH_BOUNDARY) in.boundary = pnn_input_shaped(g, "boundary", map);
    if (t->r->contrast > 0) in.negative = pnn_input_shaped(g, "negative", picture);
    pnn_node loss = pln_objective(g, t->r, &frozen, &in);
    PLN_TRY(pnn_graph_status(g));
    t->trained = pnn_params(g, PNN_TRAINED, t->params, TRAINED_MOST);
    if (t->trained > TRAINED_MOST) {
        s = pln_fail(t->ctx, PLN_E_LIMIT, "a network of %zu tensors: expected at most %d",
                     t->trained, TRAINED_MOST);
        goto done;
    }
    pnn_gradients(g, loss, t->params, t->trained, t->grads);
    if (t->joined) take_means(t, g, &loss);
    pnn_output(g, loss, "loss");
    if (t->r->ema > 0) average_statistics(t, g);
    PLN_TRY(pnn_graph_status(g));
    PLN_TRY(pnn_store_init(t->store, g, t->seed));
done:
    return s;
}

/* The second graph of a group: parameters and, as inputs, the sums of their gradients. */
static pln_status make_update(struct pln_step *t)
{
    pnn_node params[TRAINED_MOST], grads[TRAINED_MOST];
    const pnn_init zero = {PNN_INIT_VALUE, 0};
    pln_status s = PLN_OK;

    PLN_TRY(pnn_graph_new(t->ctx, &t->update_graph));
    pnn_graph *g = t->update_graph;
    for (size_t i = 0; i < t->trained; i++) {
        const char *name = pnn_name(g, "%s", pnn_name_of(t->graph, t->params[i]));
        long d[4];
        dims_of(t->graph, t->params[i], d);
        pnn_output(t->graph, t->grads[i], pnn_name(t->graph, "gradient.%zu", i));
        params[i] = pnn_param(g, name, PNN_TRAINED, d, zero);
        grads[i] = pnn_affine(g,
                              pnn_input_shaped(g, pnn_name(g, "gradient.%zu", i),
                                               pnn_shape_const(g, d[0], d[1], d[2], d[3])),
                              1.0 / (double)t->group->world, 0);
        t->values += (size_t)d[0] * (size_t)d[1] * (size_t)d[2] * (size_t)d[3];
    }
    PLN_TRY(pnn_graph_status(t->graph));
    PLN_TRY(add_update(t, g, params, grads));
    PLN_TRY(pnn_store_init(t->store, g, t->seed));
    PLN_TRY(pln_alloc(t->ctx, t->values + 1, sizeof *t->sums, &t->sums));
done:
    return s;
}

/* ---- Plans ---- */

static void on_output(void *user, const char *name, float *values, size_t n)
{
    struct pln_step *t = user;
    (void)name;
    if (!t->failed) t->failed = t->group->sum(t->group->user, values, n);
}

static pln_status bind_group(struct pln_step *t)
{
    pln_status s = PLN_OK;
    float *at = t->sums;
    for (size_t i = 0; i < t->trained; i++) {
        char name[32];
        size_t d[4];
        snprintf(name, sizeof name, "gradient.%zu", i);
        PLN_TRY(pnn_plan_bind(t->plan, name, at));
        PLN_TRY(pnn_plan_bind(t->update, name, at));
        pnn_plan_dims(t->plan, name, d);
        at += d[0] * d[1] * d[2] * d[3];
    }
    PLN_TRY(pnn_plan_bind(t->plan, "loss", at));
    PLN_TRY(pnn_plan_bind(t->update, "rate", t->rate));
    if (t->rates[0].id) PLN_TRY(pnn_plan_bind(t->plan, "rate", t->rate));
    pnn_plan_on_output(t->plan, on_output, t);
done:
    return s;
}

/* Where the host sums, the update is its own too. */
static pln_status make_plans(struct pln_step *t)
{
    const pln_batch *b = t->batch;
    const pnn_plan_options update = {.size = {b->n, b->patch, b->patch},
                                     .train = true,
                                     .keep = (pnn_keep)t->r->keep,
                                     .seed = t->seed};
    pnn_plan_options o = update;
    const struct {
        const char *name;
        float *values;
    } inputs[] = {{"in", b->in},           {"truth", b->truth},       {"edge", b->edge},
                  {"classes", b->classes}, {"boundary", b->boundary}, {"negative", b->negative}};
    pln_status s = PLN_OK;
    size_t d[4];

    o.device = t->device;
    if (t->bf16) o.precision = PNN_PRECISION_BF16;
    PLN_TRY(pnn_plan_new(t->ctx, t->graph, t->store, &o, &t->plan));
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (inputs[i].values && pnn_plan_dims(t->plan, inputs[i].name, d))
            PLN_TRY(pnn_plan_bind(t->plan, inputs[i].name, inputs[i].values));
    if (t->update_graph) {
        PLN_TRY(pnn_plan_new(t->ctx, t->update_graph, t->store, &update, &t->update));
        PLN_TRY(bind_group(t));
    } else {
        PLN_TRY(pnn_plan_bind(t->plan, "rate", t->rate));
        PLN_TRY(pnn_plan_bind(t->plan, "loss", &t->loss));
    }
done:
    return s;
}

static pln_status choose_device(struct pln_step *t, pln_precision precision)
{
    pln_status s = pln_device_wanted(t->ctx, PLN_USE_ENGINES, &t->device);
    bool fast = t->device || pln_isa_of(t->ctx) >= PLN_ISA_AMX;
    if (s) return s;
    t->bf16 = precision == PLN_PRECISION_AUTO ? fast : precision != PLN_PRECISION_F32;
    return PLN_OK;
}

pln_status pln_step_new(pln_context *ctx, const pln_recipe *recipe, const pln_batch *batch,
                        pnn_store *store, const pln_step_options *options, pln_step **step)
{
    struct pln_step *t = NULL;
    pln_status s = PLN_OK;

    *step = NULL;
    PLN_TRY(pln_calloc(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    t->r = recipe;
    t->batch = batch;
    t->store = store;
    t->group = options->group;
    t->seed = options->seed;
    PLN_TRY(choose_device(t, options->precision));
    if (t->group) PLN_TRY(join(t));
    PLN_TRY(make_gradients(t));
    if (t->group && !t->joined)
        PLN_TRY(make_update(t));
    else
        PLN_TRY(add_update(t, t->graph, t->params, t->grads));
    PLN_TRY(pnn_store_init(store, t->graph, t->seed));
    PLN_TRY(make_plans(t));
    *step = t;
    t = NULL;
done:
    pln_step_free(t);
    return s;
}

void pln_step_free(pln_step *t)
{
    if (!t) return;
    pnn_plan_free(t->plan);
    pnn_plan_free(t->update);
    if (t->joined) pln_device_leave(t->device);
    pnn_graph_free(t->graph);
    pnn_graph_free(t->update_graph);
    pln_free(t->sums);
    pln_free(t);
}

/* ---- Running ---- */

/* CSGIS-Net's code: one fair coin a batch says whether the input or the over-smoothed picture is
 * what the result is pushed away from. */
static pln_status toss(struct pln_step *t, uint64_t done)
{
    enum { STREAM = 0x636f696e };
    uint32_t u[4];
    size_t d[4];
    if (!pnn_plan_dims(t->plan, "negative", d)) return PLN_OK;
    pln_random4(t->seed, STREAM, done, u);
    bool input =
        t->r->negative == PLN_NEGATIVE_INPUT || (t->r->negative == PLN_NEGATIVE_COIN && (u[0] & 1));
    return pnn_plan_bind(t->plan, "negative", input ? t->batch->in : t->batch->negative);
}

pln_status pln_step_run(pln_step *t, uint64_t done, double *loss)
{
    pln_status s = PLN_OK;
    t->rate[0] = (float)pln_recipe_rate(t->r, done);
    t->rate[1] = (float)(done + 1);
    PLN_TRY(toss(t, done));
    pnn_plan_seed(t->plan, (t->seed + done) ^ (t->group ? (uint64_t)t->group->rank << 32 : 0));
    t->failed = PLN_OK;
    PLN_TRY(pnn_plan_run(t->plan));
    if (t->update) {
        if (t->failed || t->group->wait(t->group->user)) {
            s = lost(t);
            goto done;
        }
        t->loss = t->sums[t->values] / (float)t->group->world;
        PLN_TRY(pnn_plan_fetch(t->plan));
        PLN_TRY(pnn_plan_run(t->update));
        PLN_TRY(pnn_plan_send(t->plan));
    }
    *loss = t->loss;
done:
    return s;
}

const pnn_plan *pln_step_plan(const pln_step *t) { return t->plan; }

pln_status pln_step_fetch(pln_step *t) { return pnn_plan_fetch(t->plan); }
pln_status pln_step_send(pln_step *t) { return pnn_plan_send(t->plan); }

pln_status pln_step_used(const pln_step *t, const pnn_graph *network, pnn_store **used)
{
    pnn_store *to = NULL;
    pln_status s = PLN_OK;
    PLN_TRY(pnn_store_new(t->ctx, &to));
    PLN_TRY(pnn_store_init(to, network, 0));
    for (size_t i = 0; i < pnn_store_count(to); i++) {
        const char *name;
        char average_name[512];
        size_t d[4], n;
        float *v = pnn_store_at(to, i, &name, d);
        snprintf(average_name, sizeof average_name, "%s.ema", name);
        const float *from = pnn_store_find(t->store, average_name, &n);
        if (!from) from = pnn_store_find(t->store, name, &n);
        if (from) memcpy(v, from, n * sizeof *v);
    }
    *used = to;
    to = NULL;
done:
    pnn_store_free(to);
    return s;
}
