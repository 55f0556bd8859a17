/* SPDX-License-Identifier: MIT */
#include "train/validate.h"

#include <math.h>

#include "metrics/metrics.h"
#include "train/objective.h"

struct pln_validation {
    pln_context *ctx;
    const pln_recipe *r;
    pln_loader *loader;
    pln_batch batch;
    uint64_t seed;
    float *result;
    float *maps; /* of an energy: G and B, saliency, I, T */
    void *space;
};

/* Judged against boundaries that people drew. */
static bool finds_boundaries(const pln_recipe *r) { return !r->net->smooths; }

const pln_judge *pln_judge_of(const pln_recipe *recipe)
{
    if (pln_recipe_energy(recipe)) return &pln_judge_energy;
    return finds_boundaries(recipe) ? &pln_judge_boundaries : &pln_judge_smoothing;
}

pln_status pln_validation_new(pln_context *ctx, const pln_recipe *r, const pln_dataset *dataset,
                              uint64_t seed, pln_validation **validation)
{
    const pln_augmentation *plain = pln_augmentation_find("plain");
    pln_loader_options o = {.dataset = dataset,
                            .split = PLN_SPLIT_VAL,
                            .augmentation = *plain,
                            .companions = finds_boundaries(r) ? PLN_WITH_BOUNDARY : 0,
                            .batch = 1,
                            .seed = seed};
    pln_validation *v = NULL;
    pln_status s = PLN_OK;

    *validation = NULL;
    PLN_TRY(pln_calloc(ctx, 1, sizeof *v, &v));
    v->ctx = ctx;
    v->r = r;
    v->seed = seed;
    if (pln_recipe_energy(r)) {
        o.augmentation = r->augmentation;
        o.companions = pln_objective_companions(r);
    }
    o.augmentation.patch = r->val_patch;
    o.augmentation.centre = true;
    PLN_TRY(pln_loader_new(ctx, &o, &v->loader));
    PLN_TRY(pln_batch_new(ctx, v->loader, &v->batch));
    PLN_TRY(pln_alloc(ctx, r->val_patch * r->val_patch * 3, sizeof(float), &v->result));
    if (pln_recipe_energy(r)) {
        size_t p = r->val_patch, energy = pln_fan_space(p, p, pln_recipe_energy(r)->energy.radius);
        PLN_TRY(pln_alloc(ctx, 9 * p * p, sizeof *v->maps, &v->maps));
        PLN_TRY(pln_alloc(ctx, pln_max(energy, pln_fan_maps_space(p, p)), 1, &v->space));
    }
    *validation = v;
    v = NULL;
done:
    pln_validation_free(v);
    return s;
}

void pln_validation_free(pln_validation *v)
{
    if (!v) return;
    pln_batch_free(&v->batch);
    pln_loader_free(v->loader);
    pln_free(v->result);
    pln_free(v->maps);
    pln_free(v->space);
    pln_free(v);
}

/* ---- Smoothed pictures ---- */

/* Adds a share of the scores of a picture P x P x 3 in files' range. */
static pln_status judge_picture(const pln_validation *v, float *picture, double share,
                                double scores[2])
{
    size_t p = v->r->val_patch;
    const pln_view a = {picture, p, p, 3, (ptrdiff_t)(3 * p)},
                   b = {v->batch.truth, p, p, 3, (ptrdiff_t)(3 * p)};
    double one;
    pln_status s = PLN_OK;
    PLN_TRY(pln_psnr(v->ctx, &a, &b, &one));
    scores[0] += share * one;
    PLN_TRY(pln_ssim(v->ctx, 'a', &a, &b, &one));
    scores[1] += share * one;
done:
    return s;
}

/* ---- Energies ---- */

/* Adds a share of the energy that a picture has as the result of the input: that which the slopes
 * of the recipe descend. */
static pln_status judge_energy(pln_validation *v, const float *picture, double share,
                               double scores[2])
{
    const pln_fan_variant *variant = pln_recipe_energy(v->r);
    size_t p = v->r->val_patch, n = p * p;
    float *GB = v->maps, *S = GB + 2 * n, *I = S + n, *T = I + 3 * n;
    pln_fan_terms terms;
    pln_status s = PLN_OK;

    for (size_t i = 0; i < n && v->batch.classes; i++) {
        float c = v->batch.classes[i];
        S[i] = c == 255 ? 0.5f : c > 0;
    }
    for (size_t k = 0; k < 3 * n; k++) {
        I[k] = 255 * v->batch.in[k];
        T[k] = 255 * picture[k];
    }
    PLN_TRY(pln_fan_maps(v->ctx, variant->guide, p, p, I, 3, S, 1, v->space, GB, 2));
    const pln_fan_problem problem = {&variant->energy, p, p, I, T, GB, 3, 3, 2};
    PLN_TRY(v->r->slopes == PLN_FAN_EXACT
                ? pln_fan_evaluate(v->ctx, &problem, v->space, 0, NULL, 0, &terms)
                : pln_fan_bounded(v->ctx, &problem, v->space, &terms));
    scores[0] += share * terms.total;
done:
    return s;
}

/* ---- Boundaries: average precision of pixels; a pixel is right within 2 pixels of a boundary that
 * `high` of the people drew. Values of [0, 1] are sorted into bins. ---- */

enum { BINS = 1024, REACH = 2 };
struct counts {
    uint64_t all[BINS], right[BINS];
};

static bool near_boundary(const float *label, size_t p, size_t y, size_t x, double high)
{
    for (size_t j = y < REACH ? 0 : y - REACH; j <= pln_min(y + REACH, p - 1); j++)
        for (size_t i = x < REACH ? 0 : x - REACH; i <= pln_min(x + REACH, p - 1); i++)
            if (label[j * p + i] > 0 && label[j * p + i] >= (float)high) return true;
    return false;
}

static void count_boundaries(const pln_validation *v, struct counts *c)
{
    size_t p = v->r->val_patch;
    for (size_t y = 0; y < p; y++)
        for (size_t x = 0; x < p; x++) {
            size_t bin = (size_t)(v->result[y * p + x] * (BINS - 1));
            c->all[bin]++;
            c->right[bin] += near_boundary(v->batch.boundary, p, y, x, v->r->high);
        }
}

/* The mean over right pixels of the share of right ones among those that score as high. */
static double average_precision(const struct counts *c)
{
    double all = 0, right = 0, sum = 0;
    for (size_t i = BINS; i-- > 0;) {
        all += (double)c->all[i];
        right += (double)c->right[i];
        if (all > 0) sum += (double)c->right[i] * right / all;
    }
    return right > 0 ? sum / right : 0;
}

/* ---- Pairs ---- */

static pln_status plan_of(pln_validation *v, const pnn_graph *network, pnn_store *store,
                          pnn_plan **plan)
{
    size_t p = v->r->val_patch;
    pnn_plan_options o = {.size = {1, p, p}, .seed = v->seed};
    pln_status s = PLN_OK;
    PLN_TRY(pln_device_wanted(v->ctx, PLN_USE_ENGINES, &o.device));
    PLN_TRY(pnn_plan_new(v->ctx, network, store, &o, plan));
    PLN_TRY(pnn_plan_bind(*plan, "x", v->batch.in));
    PLN_TRY(pnn_plan_bind(*plan, "y", v->result));
done:
    return s;
}

/* Input and result of pair i, in files' range; the result clamped as there. */
static pln_status run_pair(pln_validation *v, pnn_plan *plan, size_t i)
{
    size_t p = v->r->val_patch, values = p * p * (finds_boundaries(v->r) ? 1 : 3);
    float white = (float)v->r->net->range;
    pln_status s = PLN_OK;
    PLN_TRY(pln_loader_batch(v->ctx, v->loader, i, &v->batch));
    for (size_t k = 0; k < p * p * 3 && white != 1; k++) v->batch.in[k] *= white;
    PLN_TRY(pnn_plan_run(plan));
    for (size_t k = 0; k < p * p * 3 && white != 1; k++) v->batch.in[k] /= white;
    if (finds_boundaries(v->r)) white = 1;
    for (size_t k = 0; k < values; k++) v->result[k] = fminf(fmaxf(v->result[k] / white, 0), 1);
done:
    return s;
}

size_t pln_validation_pairs(const pln_validation *v)
{
    return pln_min(v->r->val_pairs, pln_loader_steps(v->loader));
}

pln_status pln_validate(pln_validation *v, const pnn_graph *network, pnn_store *store,
                        double scores[2])
{
    size_t pairs = pln_validation_pairs(v);
    pnn_plan *plan = NULL;
    struct counts *counts = NULL;
    pln_status s = PLN_OK;

    scores[0] = scores[1] = 0;
    PLN_TRY(pln_calloc(v->ctx, 1, sizeof *counts, &counts));
    PLN_TRY(plan_of(v, network, store, &plan));
    for (size_t i = 0; i < pairs; i++) {
        PLN_TRY(run_pair(v, plan, i));
        if (pln_recipe_energy(v->r))
            PLN_TRY(judge_energy(v, v->result, 1 / (double)pairs, scores));
        else if (finds_boundaries(v->r))
            count_boundaries(v, counts);
        else
            PLN_TRY(judge_picture(v, v->result, 1 / (double)pairs, scores));
    }
    if (finds_boundaries(v->r)) scores[0] = average_precision(counts);
done:
    pnn_plan_free(plan);
    pln_free(counts);
    return s;
}

pln_status pln_validate_pair(pln_validation *v, const pnn_graph *network, pnn_store *store,
                             size_t i, pln_judged *judged)
{
    bool boundaries = finds_boundaries(v->r);
    pnn_plan *plan = NULL;
    pln_status s = PLN_OK;

    PLN_TRY(plan_of(v, network, store, &plan));
    PLN_TRY(run_pair(v, plan, i));
    *judged = (pln_judged){.pair = v->batch.pairs[0],
                           .patch = v->r->val_patch,
                           .c = boundaries ? 1 : 3,
                           .in = v->batch.in,
                           .result = v->result,
                           .truth = boundaries ? v->batch.boundary : v->batch.truth};
    if (boundaries) goto done;
    if (pln_recipe_energy(v->r)) {
        judged->truth = NULL;
        PLN_TRY(judge_energy(v, v->batch.in, 1, judged->before));
        PLN_TRY(judge_energy(v, v->result, 1, judged->after));
        goto done;
    }
    PLN_TRY(judge_picture(v, v->batch.in, 1, judged->before));
    PLN_TRY(judge_picture(v, v->result, 1, judged->after));
done:
    pnn_plan_free(plan);
    return s;
}
