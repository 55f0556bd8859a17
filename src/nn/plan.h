/* SPDX-License-Identifier: MIT */
/* Running graphs. A store holds the values of parameters by name; a plan is a graph compiled for
 * one size, back end and precision: passes, order, one arena. Running a plan allocates nothing. */
#ifndef PLN_NN_PLAN_H
#define PLN_NN_PLAN_H

#include "device/device.h"
#include "nn/nn.h"
#include "nn/safetensors.h"

/* ---- Values of parameters ---- */

typedef struct pnn_store pnn_store;
pln_status pnn_store_new(pln_context *ctx, pnn_store **store) PLN_CHECK;
void pnn_store_free(pnn_store *store);
/* Adds the parameters of g that the store lacks, started as the graph says: value = f(seed, name,
 * index), so adding a layer changes no other. A parameter with another number of elements is
 * PLN_E_INTERNAL. */
pln_status pnn_store_init(pnn_store *store, const pnn_graph *g, uint64_t seed) PLN_CHECK;
/* All parameters of g from a file, whose names and shapes must be the graph's: what is missing,
 * superfluous or of another shape is PLN_E_MODEL and names the tensor and the file. States of
 * optimisers are not looked for. prefix: before each name of the graph, e.g. ""; names of the file
 * without it are no concern. */
pln_status pnn_store_load(pnn_store *store, const pnn_graph *g, const pnn_st *file,
                          const char *prefix) PLN_CHECK;
/* The value: O x I x KH x KW or 1 x 1 x 1 x C, f32; NULL if there is none. */
float *pnn_store_find(const pnn_store *store, const char *name, size_t *count);
size_t pnn_store_count(const pnn_store *store);
/* The i-th in the order in which they were added. */
float *pnn_store_at(const pnn_store *store, size_t i, const char **name, size_t dims[4]);

/* ---- Plans ---- */

/* On the host: the fast one, or plain loops, the truth for tests. */
typedef enum pnn_backend_id { PNN_BACKEND_CPU, PNN_BACKEND_REF } pnn_backend_id;
/* bf16: values at inference; in training the operands of convolutions alone. */
typedef enum pnn_precision { PNN_PRECISION_F32, PNN_PRECISION_BF16 } pnn_precision;

/* What is kept of the network's values until the backward pass reads them; what is not is made
 * again from it. The results are the same bytes. */
typedef enum pnn_keep {
    PNN_KEEP_DEAR, /* all but what one walk or two through memory make: about half, little time */
    PNN_KEEP_HALF, /* and one of two convolutions in a row is made again: a third, half a forward
                      pass */
    PNN_KEEP_CUTS, /* what crosses the narrowest places: a small part, one more forward pass */
    PNN_KEEP_ALL
} pnn_keep;

typedef struct pnn_plan_options {
    pnn_size size;
    pln_device *device;     /* NULL: the host; outlives the plan */
    pnn_backend_id backend; /* of the host */
    pnn_precision precision;
    /* Inference: parameters are constants of the plan (folded, packed; later changes of the store
     * are not seen). Training: they are read and updated in the store at every run. */
    bool train;
    pnn_keep keep; /* of graphs with gradients */
    bool plain;    /* no passes: every node as it was written */
    uint64_t seed;
    bool timed; /* on a device: steps are timed one by one, never replayed as a whole */
} pnn_plan_options;

typedef struct pnn_plan pnn_plan;
/* PLN_E_ARG where the graph does not fit the size, PLN_E_LIMIT where memory does not suffice,
 * PLN_E_UNSUPPORTED for bf16 below AVX-512 on the CPU (there it would be slower than f32). The plan
 * holds no reference to the graph. */
pln_status pnn_plan_new(pln_context *ctx, const pnn_graph *g, pnn_store *store,
                        const pnn_plan_options *options, pnn_plan **plan) PLN_CHECK;
void pnn_plan_free(pnn_plan *plan);
/* Bytes of the arena that such a plan would have, without making it. */
pln_status pnn_plan_estimate(pln_context *ctx, const pnn_graph *g, pnn_store *store,
                             const pnn_plan_options *options, uint64_t *bytes) PLN_CHECK;

/* Inputs and outputs are dense N x H x W x C of f32 in the caller's memory, bound before a run; the
 * binding stays. Unbound outputs are not computed any differently, only not kept. */
pln_status pnn_plan_bind(pnn_plan *plan, const char *name, float *data) PLN_CHECK;
/* Sizes of an input or output; false if there is no such name. */
bool pnn_plan_dims(const pnn_plan *plan, const char *name, size_t dims[4]);
/* Called within pnn_plan_run as soon as a bound output has its values, in the order of the plan's
 * steps: the rest is computed afterwards. fn NULL: no more. */
typedef void pnn_output_fn(void *user, const char *name, float *values, size_t n);
void pnn_plan_on_output(pnn_plan *plan, pnn_output_fn *fn, void *user);
/* The seed of NOISE nodes of later runs. */
void pnn_plan_seed(pnn_plan *plan, uint64_t seed);
pln_status pnn_plan_run(pnn_plan *plan) PLN_CHECK;
/* On a device parameters live there. While training: into the store what runs have changed since
 * the last of these calls, before it is saved or used by another plan; out of the store, after it
 * was changed otherwise. Else nothing. */
pln_status pnn_plan_fetch(pnn_plan *plan) PLN_CHECK;
pln_status pnn_plan_send(pnn_plan *plan) PLN_CHECK;

/* Milliseconds of the last run by the device's own clock, without copies of inputs and outputs; on
 * the CPU 0. */
double pnn_plan_device_ms(const pnn_plan *plan);
/* Bytes of the arena, of work memory and of packed weights. */
uint64_t pnn_plan_bytes(const pnn_plan *plan);
/* One step, what it is and what it took in the last run. Strings live as long as the plan. */
typedef struct pnn_step_info {
    const char *op, *kernel;
    size_t in[4], out[4]; /* sizes of the first operand and of the result; out of effects: zeros */
    double ms;
    uint64_t macs;
    uint64_t bytes; /* of all operands and of the result, once */
} pnn_step_info;
size_t pnn_plan_steps(const pnn_plan *plan);
pnn_step_info pnn_plan_step(const pnn_plan *plan, size_t i);
/* A line a step: operation, kernel, shape, milliseconds of the last run if `times`. pln_free it. */
pln_status pnn_plan_text(const pnn_plan *plan, char **text) PLN_CHECK;

#endif
