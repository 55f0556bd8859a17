/* SPDX-License-Identifier: MIT */
#include "nn/plan.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "device/ops.h"
#include "nn/graph_store.h"
#include "nn/layout.h"
#include "nn/passes/passes.h"

struct step {
    int id;
    pnn_call call;
    pnn_kernel kernel;
    pln_recording *recording; /* on a device: from here to the next step of the host */
    double ms;
};

struct binding {
    const char *name;
    int id;
    bool output;
    float *data;
    size_t ready; /* an output's values are there before this step */
};

struct pnn_plan {
    pln_context *ctx;
    pnn_graph *g;
    pnn_store *store;
    pnn_plan_options o;
    pnn_layout layout;
    struct step *steps;
    size_t step_count;
    struct binding *bindings;
    size_t binding_count;
    char *arena, *work;
    size_t work_bytes;
    pnn_output_fn *on_output;
    void *user;
    /* On a device: parameters, constants and inputs, each at its node's offset; what runs did. */
    pln_device *device;
    char *values;
    size_t *value_at, values_bytes;
    float *span;       /* in the host's memory: an output that has gaps */
    bool ran, changed; /* changed: values differ from the store's */
    double ms;         /* of the last run */
};

/* ---- Passes ---- */

static pln_status run_passes(pnn_plan *p)
{
    bool on_host = !p->device, host_trains = p->o.train && on_host;
    const struct {
        pln_status (*run)(pnn_pass *);
        bool wanted;
    } all[] = {{pnn_pass_fold, true},
               {pnn_pass_fold_norm, true},
               {pnn_pass_split, on_host && p->o.precision == PNN_PRECISION_F32},
               {pnn_pass_fuse_conv, true},
               {pnn_pass_fuse_norm, on_host},
               {pnn_pass_fuse_products, host_trains},
               {pnn_pass_fuse_max_mean, on_host && !p->o.train},
               {pnn_pass_fuse_pointwise, true},
               {pnn_pass_recompute, true}};
    pnn_pass pass = {p->ctx, p->g, p->store, p->o.size, p->o.train, p->o.keep, NULL};
    pln_status s = PLN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].wanted) continue;
        PLN_TRY(pnn_pass_count(&pass));
        PLN_TRY(all[i].run(&pass));
    }
    if (p->o.precision == PNN_PRECISION_BF16 && !p->o.train) {
        PLN_TRY(pnn_pass_count(&pass));
        PLN_TRY(pnn_pass_bf16(&pass));
    }
done:
    pln_free(pass.users);
    return s;
}

/* ---- Memory ---- */

static pln_status memory_new(pnn_plan *p, size_t bytes, const char *what, char **memory)
{
    void *on_device = NULL;
    pln_status s = PLN_OK;
    if (p->device) {
        s = p->device->ops->alloc(p->device, bytes, false, what, &on_device);
        *memory = on_device;
        return s;
    }
    PLN_TRY(pln_reserve(p->ctx, bytes, what));
    PLN_TRY(pln_alloc(p->ctx, bytes, 1, memory));
done:
    return s;
}

static void memory_free(pnn_plan *p, char *memory)
{
    if (p->device && memory)
        p->device->ops->free(p->device, memory);
    else
        pln_free(memory);
}

static bool has_value(const pnn_plan *p, int id)
{
    pnn_op op = pnn_vertex_of(p->g, (pnn_node){id})->op;
    return p->layout.places[id].root == id &&
           (op == PNN_OP_PARAM || op == PNN_OP_CONSTANT || op == PNN_OP_INPUT);
}

/* Elements from the first to the last. */
static size_t span_of(const pnn_tensor *t) { return (pnn_positions(t) - 1) * t->stride + t->d[3]; }

/* A place on the device for each source. */
static pln_status make_values(pnn_plan *p)
{
    size_t count = (size_t)pnn_count(p->g) + 1, span = 0;
    pln_status s = PLN_OK;
    if (!p->device) return PLN_OK;
    PLN_TRY(pln_calloc(p->ctx, count, sizeof *p->value_at, &p->value_at));
    for (int i = 1; i <= pnn_count(p->g); i++) {
        if (!has_value(p, i)) continue;
        p->value_at[i] = p->values_bytes;
        p->values_bytes +=
            (pnn_elements(&p->layout.places[i].tensor) * sizeof(float) + 255) / 256 * 256;
    }
    PLN_TRY(memory_new(p, p->values_bytes, "parameters of a network", &p->values));
    for (size_t i = 0; i < p->binding_count; i++) {
        const pnn_tensor *t = &p->layout.places[p->bindings[i].id].tensor;
        if (p->bindings[i].output && !pnn_dense(t)) span = pln_max(span, span_of(t));
    }
    if (span) PLN_TRY(pln_alloc(p->ctx, span, sizeof *p->span, &p->span));
done:
    return s;
}

static void *memory_of(const pnn_plan *p, int root)
{
    const pnn_vertex *v = pnn_vertex_of(p->g, (pnn_node){root});
    if (p->device && has_value(p, root)) return p->values + p->value_at[root];
    switch (v->op) {
    case PNN_OP_PARAM:
        return pnn_store_find(p->store, v->name, NULL);
    case PNN_OP_CONSTANT:
        return v->attr.constant.values;
    case PNN_OP_INPUT:
        for (size_t i = 0; i < p->binding_count; i++)
            if (p->bindings[i].id == root && !p->bindings[i].output && p->bindings[i].data)
                return p->bindings[i].data;
        return p->arena; /* not bound yet: present, and not read */
    default:
        return p->arena + p->layout.extents[root].at;
    }
}

static pnn_tensor tensor_of(const pnn_plan *p, int id)
{
    const pnn_place *place = &p->layout.places[id];
    pnn_tensor t = place->tensor;
    t.data = (char *)memory_of(p, place->root) + place->offset * (t.type == PNN_BF16 ? 2 : 4);
    return t;
}

static bool is_fixed(const pnn_plan *p, int id)
{
    const pnn_vertex *v = pnn_vertex_of(p->g, (pnn_node){id});
    return v->op == PNN_OP_CONSTANT ||
           (v->op == PNN_OP_PARAM && (!p->o.train || v->attr.param.kind == PNN_FROZEN));
}

/* fixed: also what no step changes. */
static pln_status send_values(pnn_plan *p, bool fixed)
{
    pln_status s = PLN_OK;
    for (int i = 1; p->device && i <= pnn_count(p->g); i++) {
        const pnn_vertex *v = pnn_vertex_of(p->g, (pnn_node){i});
        size_t bytes = pnn_elements(&p->layout.places[i].tensor) * sizeof(float);
        if (!has_value(p, i) || v->op == PNN_OP_INPUT || (!fixed && is_fixed(p, i))) continue;
        const float *from = v->op == PNN_OP_PARAM ? pnn_store_find(p->store, v->name, NULL)
                                                  : v->attr.constant.values;
        PLN_TRY(p->device->ops->upload(p->device, memory_of(p, i), from, bytes));
    }
    if (p->device) s = p->device->ops->wait(p->device);
done:
    return s;
}

static void set_operands(const pnn_plan *p, struct step *step)
{
    const pnn_vertex *v = step->call.v;
    for (int k = 0; k < v->n_inputs; k++) {
        if (!v->in[k].id) continue;
        step->call.in[k] = tensor_of(p, v->in[k].id);
        step->call.fixed[k] = is_fixed(p, v->in[k].id);
    }
    if (v->op != PNN_OP_ASSIGN && v->op != PNN_OP_ADAM) step->call.out = tensor_of(p, step->id);
}

static pln_status make_bindings(pnn_plan *p)
{
    pnn_graph *g = p->g;
    size_t n = pnn_output_count(g);
    pln_status s = PLN_OK;
    for (int i = 1; i <= pnn_count(g); i++)
        n += pnn_vertex_of(g, (pnn_node){i})->op == PNN_OP_INPUT;
    PLN_TRY(pln_calloc(p->ctx, n, sizeof *p->bindings, &p->bindings));
    for (int i = 1; i <= pnn_count(g); i++) {
        const pnn_vertex *v = pnn_vertex_of(g, (pnn_node){i});
        if (v->op == PNN_OP_INPUT && p->layout.places[i].root)
            p->bindings[p->binding_count++] = (struct binding){.name = v->name, .id = i};
    }
    for (size_t i = 0; i < pnn_output_count(g); i++)
        p->bindings[p->binding_count++] = (struct binding){
            .name = pnn_output_name(g, i), .id = pnn_output_node(g, i).id, .output = true};
done:
    return s;
}

static pln_status make_steps(pnn_plan *p)
{
    static const pnn_backend_info *const host[] = {
        [PNN_BACKEND_CPU] = &pnn_backend_cpu, [PNN_BACKEND_REF] = &pnn_backend_ref};
    const pnn_backend_info *backend = p->device ? &pnn_backend_cuda : host[p->o.backend];
    pln_status s = PLN_OK;
    PLN_TRY(pln_calloc(p->ctx, (size_t)p->layout.steps, sizeof *p->steps, &p->steps));
    for (int i = 0; i < p->layout.steps; i++) {
        int id = p->layout.order[i];
        if (p->layout.places[id].view) continue;
        struct step *step = &p->steps[p->step_count++];
        *step = (struct step){
            .id = id, .call = {.v = pnn_vertex_of(p->g, (pnn_node){id}), .seed = p->o.seed}};
        step->call.device = p->device;
        step->call.narrow = p->o.train && p->o.precision == PNN_PRECISION_BF16;
        set_operands(p, step);
        PLN_TRY(backend->prepare(p->ctx, &step->call, &step->kernel));
        p->work_bytes = pln_max(p->work_bytes, step->kernel.work_bytes);
    }
    PLN_TRY(memory_new(p, p->work_bytes, "a network's work memory", &p->work));
done:
    return s;
}

/* Views have no step of their own: they are there at the end. */
static void find_ready(pnn_plan *p)
{
    for (size_t k = 0; k < p->binding_count; k++) {
        p->bindings[k].ready = p->step_count;
        for (size_t i = 0; i < p->step_count; i++)
            if (p->steps[i].id == p->bindings[k].id) p->bindings[k].ready = i + 1;
    }
}

/* The graph after its passes, and its layout. */
static pln_status compile(pln_context *ctx, const pnn_graph *g, pnn_store *store,
                          const pnn_plan_options *options, pnn_plan **plan)
{
    pnn_plan *p = NULL;
    pln_status s = PLN_OK;

    *plan = NULL;
    PLN_TRY(pln_calloc(ctx, 1, sizeof *p, &p));
    p->ctx = ctx;
    p->store = store;
    p->o = *options;
    p->device = options->device;
    PLN_TRY(pnn_graph_copy(ctx, g, &p->g));
    PLN_TRY(pnn_store_init(store, g, options->seed));
    if (!options->train) p->g->effect_count = 0;
    if (!options->plain) PLN_TRY(run_passes(p));
    PLN_TRY(pnn_layout_make(ctx, p->g, options->size, options->plain, &p->layout));
    *plan = p;
    p = NULL;
done:
    pnn_plan_free(p);
    return s;
}

pln_status pnn_plan_new(pln_context *ctx, const pnn_graph *g, pnn_store *store,
                        const pnn_plan_options *options, pnn_plan **plan)
{
    pnn_plan *p = NULL;
    char what[80];
    pln_status s = PLN_OK;

    *plan = NULL;
    if (options->precision == PNN_PRECISION_BF16 && options->backend == PNN_BACKEND_CPU &&
        !options->device && pln_isa_of(ctx) < PLN_ISA_AVX512)
        return pln_fail(
            ctx, PLN_E_UNSUPPORTED,
            "precision bf16 needs AVX-512, but %s is the instruction set in use: take f32",
            pln_isa_name(pln_isa_of(ctx)));
    PLN_TRY(compile(ctx, g, store, options, &p));
    snprintf(what, sizeof what, "a network at %zux%zu", options->size.w, options->size.h);
    PLN_TRY(memory_new(p, p->layout.arena_bytes, what, &p->arena));
    PLN_TRY(make_bindings(p));
    PLN_TRY(make_values(p));
    PLN_TRY(send_values(p, true));
    PLN_TRY(make_steps(p));
    find_ready(p);
    *plan = p;
    p = NULL;
done:
    pnn_plan_free(p);
    return s;
}

pln_status pnn_plan_estimate(pln_context *ctx, const pnn_graph *g, pnn_store *store,
                             const pnn_plan_options *options, uint64_t *bytes)
{
    pnn_plan *p;
    pln_status s = compile(ctx, g, store, options, &p);
    if (s) return s;
    *bytes = p->layout.arena_bytes;
    pnn_plan_free(p);
    return PLN_OK;
}

void pnn_plan_free(pnn_plan *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->step_count; i++) {
        struct step *step = &p->steps[i];
        if (step->recording) p->device->ops->recording_free(step->recording);
        if (step->kernel.release) step->kernel.release(step->kernel.state);
    }
    pln_free(p->steps);
    pln_free(p->bindings);
    pln_free(p->value_at);
    pln_free(p->span);
    memory_free(p, p->arena);
    memory_free(p, p->work);
    memory_free(p, p->values);
    pnn_layout_free(&p->layout);
    pnn_graph_free(p->g);
    pln_free(p);
}

/* ---- Running ---- */

static struct binding *find_binding(const pnn_plan *p, const char *name)
{
    for (size_t i = 0; i < p->binding_count; i++)
        if (!strcmp(p->bindings[i].name, name)) return &p->bindings[i];
    return NULL;
}

pln_status pnn_plan_bind(pnn_plan *p, const char *name, float *data)
{
    struct binding *b = find_binding(p, name);
    if (!b) return pln_fail(p->ctx, PLN_E_INTERNAL, "the plan has no input or output '%s'", name);
    b->data = data;
    if (!b->output && !p->device)
        for (size_t i = 0; i < p->step_count; i++) set_operands(p, &p->steps[i]);
    return PLN_OK;
}

bool pnn_plan_dims(const pnn_plan *p, const char *name, size_t dims[4])
{
    const struct binding *b = find_binding(p, name);
    if (b) memcpy(dims, p->layout.places[b->id].tensor.d, 4 * sizeof *dims);
    return b != NULL;
}

void pnn_plan_seed(pnn_plan *p, uint64_t seed)
{
    p->o.seed = seed;
    for (size_t i = 0; i < p->step_count; i++) p->steps[i].call.seed = seed;
}

/* Outputs are f32: the pass leaves them so. */
static void copy_out(const struct binding *b, pnn_tensor t)
{
    const float *from = t.data;
    size_t n = pnn_positions(&t), c = t.d[3];
    if (pnn_dense(&t)) {
        memcpy(b->data, from, n * c * sizeof *from);
        return;
    }
    for (size_t i = 0; i < n; i++) memcpy(b->data + i * c, from + i * t.stride, c * sizeof *from);
}

static void say_output(const pnn_plan *p, const struct binding *b)
{
    if (p->on_output)
        p->on_output(p->user, b->name, b->data, pnn_elements(&p->layout.places[b->id].tensor));
}

static void give_outputs(const pnn_plan *p, size_t ready)
{
    for (size_t i = 0; i < p->binding_count; i++) {
        const struct binding *b = &p->bindings[i];
        if (!b->output || !b->data || b->ready != ready) continue;
        copy_out(b, tensor_of(p, b->id));
        say_output(p, b);
    }
}

void pnn_plan_on_output(pnn_plan *p, pnn_output_fn *fn, void *user)
{
    p->on_output = fn;
    p->user = user;
}

/* ---- Running on a device: the first time step by step, then as a whole ---- */

pln_status pnn_plan_send(pnn_plan *p)
{
    p->changed = false;
    return send_values(p, false);
}

pln_status pnn_plan_fetch(pnn_plan *p)
{
    pln_status s = PLN_OK;
    for (int i = 1; p->changed && i <= pnn_count(p->g); i++) {
        const pnn_vertex *v = pnn_vertex_of(p->g, (pnn_node){i});
        size_t bytes = pnn_elements(&p->layout.places[i].tensor) * sizeof(float);
        if (!has_value(p, i) || v->op != PNN_OP_PARAM || is_fixed(p, i)) continue;
        PLN_TRY(p->device->ops->download(p->device, pnn_store_find(p->store, v->name, NULL),
                                         memory_of(p, i), bytes));
    }
    p->changed = false;
done:
    return s;
}

static pln_status ask(pnn_plan *p, size_t from, size_t to)
{
    pln_status s = PLN_OK;
    for (size_t i = from; i < to && !s; i++) {
        struct step *step = &p->steps[i];
        s = step->kernel.run(p->ctx, &step->kernel, &step->call, p->work);
    }
    return s;
}

static pln_status ask_timed(pnn_plan *p)
{
    const pln_device_ops *ops = p->device->ops;
    pln_status s = PLN_OK;
    for (size_t i = 0; i < p->step_count; i++) {
        PLN_TRY(ask(p, i, i + 1));
        PLN_TRY(ops->mark(p->device, i + 1));
    }
    for (size_t i = 0; i < p->step_count; i++)
        PLN_TRY(ops->between(p->device, i, i + 1, &p->steps[i].ms));
done:
    return s;
}

static pln_status record(pnn_plan *p, size_t from, size_t to, pln_recording **kept)
{
    const pln_device_ops *ops = p->device->ops;
    pln_recording *recording = NULL;
    pln_status s = ops->record_begin(p->device), end;
    if (s) return s;
    s = ask(p, from, to);
    end = ops->record_end(p->device, &recording); /* in any case */
    if (s && !end) ops->recording_free(recording);
    if (!s && !end) *kept = recording;
    return s ? s : end;
}

static pln_status replay(pnn_plan *p)
{
    pln_status s = PLN_OK;
    for (size_t i = 0, end; i < p->step_count; i = end) {
        struct step *step = &p->steps[i];
        end = i + 1;
        if (step->kernel.host) {
            PLN_TRY(ask(p, i, end));
            continue;
        }
        while (end < p->step_count && !p->steps[end].kernel.host) end++;
        if (!step->recording) PLN_TRY(record(p, i, end, &step->recording));
        PLN_TRY(p->device->ops->replay(p->device, step->recording));
    }
done:
    return s;
}

static pln_status download_output(pnn_plan *p, const struct binding *b)
{
    pnn_tensor t = tensor_of(p, b->id);
    float *to = pnn_dense(&t) ? b->data : p->span;
    pln_status s = p->device->ops->download(p->device, to, t.data, span_of(&t) * sizeof *to);
    if (s) return s;
    t.data = to;
    if (to != b->data) copy_out(b, t);
    say_output(p, b);
    return PLN_OK;
}

static pln_status run_on_device(pnn_plan *p)
{
    const pln_device_ops *ops = p->device->ops;
    pln_status s = PLN_OK;
    PLN_TRY(pln_progress(p->ctx, 0, "layers"));
    PLN_TRY(ops->upload(p->device, p->device->seed, &p->o.seed, sizeof p->o.seed));
    for (size_t i = 0; i < p->binding_count; i++) {
        const struct binding *b = &p->bindings[i];
        const pnn_tensor *t = &p->layout.places[b->id].tensor;
        if (!b->output)
            PLN_TRY(ops->upload(p->device, memory_of(p, b->id), b->data,
                                pnn_elements(t) * sizeof(float)));
    }
    size_t last = p->o.timed ? p->step_count : 1;
    PLN_TRY(ops->mark(p->device, 0));
    PLN_TRY(p->o.timed ? ask_timed(p) : p->ran ? replay(p) : ask(p, 0, p->step_count));
    if (!p->o.timed) PLN_TRY(ops->mark(p->device, 1));
    p->ran = p->changed = true;
    PLN_TRY(ops->between(p->device, 0, last, &p->ms));
    PLN_TRY(ops->wait(p->device));
    for (size_t ready = 0; ready <= p->step_count; ready++) /* in the order of the steps */
        for (size_t i = 0; i < p->binding_count; i++) {
            const struct binding *b = &p->bindings[i];
            if (b->output && b->data && b->ready == ready) PLN_TRY(download_output(p, b));
        }
done:
    return s;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

pln_status pnn_plan_run(pnn_plan *p)
{
    pln_status s = PLN_OK;
    for (size_t i = 0; i < p->binding_count; i++)
        if (!p->bindings[i].output && !p->bindings[i].data)
            return pln_fail(p->ctx, PLN_E_INTERNAL, "the plan's input '%s' is not bound",
                            p->bindings[i].name);
    if (p->device) return run_on_device(p);
    double before = now_ms();
    for (size_t i = 0; i < p->step_count; i++) {
        struct step *step = &p->steps[i];
        PLN_TRY(pln_progress(p->ctx, (double)i / (double)p->step_count, "layers"));
        PLN_TRY(step->kernel.run(p->ctx, &step->kernel, &step->call, p->work));
        double after = now_ms();
        step->ms = after - before;
        before = after;
        give_outputs(p, i + 1);
    }
    if (p->step_count == 0) give_outputs(p, 0);
done:
    return s;
}

/* ---- Looking ---- */

double pnn_plan_device_ms(const pnn_plan *p) { return p->ms; }

uint64_t pnn_plan_bytes(const pnn_plan *p)
{
    return (uint64_t)p->layout.arena_bytes + p->work_bytes;
}

size_t pnn_plan_steps(const pnn_plan *p) { return p->step_count; }

static uint64_t bytes_of(const pnn_tensor *t)
{
    return t->data ? (uint64_t)pnn_elements(t) * (t->type == PNN_BF16 ? 2 : 4) : 0;
}

pnn_step_info pnn_plan_step(const pnn_plan *p, size_t i)
{
    const struct step *step = &p->steps[i];
    const pnn_op_info *op = pnn_op_info_of(step->call.v->op);
    pnn_step_info info = {.op = op->name,
                          .kernel = step->kernel.name ? step->kernel.name : "",
                          .ms = step->ms,
                          .macs = op->macs ? op->macs(p->g, step->call.v, p->o.size) : 0,
                          .bytes = bytes_of(&step->call.out)};
    memcpy(info.in, step->call.in[0].d, sizeof info.in);
    memcpy(info.out, step->call.out.d, sizeof info.out);
    for (int k = 0; k < step->call.v->n_inputs; k++) info.bytes += bytes_of(&step->call.in[k]);
    return info;
}

pln_status pnn_plan_text(const pnn_plan *p, char **text)
{
    size_t room = (p->step_count + 2) * 512, at = 0;
    char *t = NULL, attr[300];
    pln_status s = pln_alloc(p->ctx, room, 1, &t);
    if (s) return s;
    at += (size_t)snprintf(t, room, "# %zu steps, arena %zu bytes, work %zu bytes\n", p->step_count,
                           p->layout.arena_bytes, p->work_bytes);
    for (size_t i = 0; i < p->step_count; i++) {
        const struct step *step = &p->steps[i];
        const pnn_op_info *info = pnn_op_info_of(step->call.v->op);
        const size_t *d = step->call.out.d;
        attr[0] = 0;
        if (info->print) info->print(step->call.v, attr, sizeof attr);
        at += (size_t)snprintf(t + at, room - at, "%8.3f ms  %-12s %-20s %zux%zux%zux%zu %.200s\n",
                               step->ms, info->name, step->kernel.name ? step->kernel.name : "",
                               d[0], d[1], d[2], d[3], attr);
    }
    *text = t;
    return PLN_OK;
}
