/* SPDX-License-Identifier: MIT */
/* A recipe: what is trained, on what, how long. A key file (GLib), one for each system and variant
 * in recipes/. */
#ifndef PLN_TRAIN_RECIPE_H
#define PLN_TRAIN_RECIPE_H

#include "nets/nets.h"
#include "train/loader.h"

enum { PLN_HALVES_MAX = 16 };

typedef enum pln_negative { PLN_NEGATIVE_COIN, PLN_NEGATIVE_INPUT, PLN_NEGATIVE_OVER } pln_negative;
typedef enum pln_edge_source { PLN_EDGES_TRUTH, PLN_EDGES_INPUT, PLN_EDGES_NONE } pln_edge_source;
typedef enum pln_ternary { PLN_TERNARY_HINGE, PLN_TERNARY_RATIO } pln_ternary;
typedef enum pln_statistics { PLN_STATISTICS_BATCH, PLN_STATISTICS_RUNNING } pln_statistics;
typedef enum pln_schedule { PLN_SCHEDULE_HALVE, PLN_SCHEDULE_COSINE } pln_schedule;

typedef struct pln_recipe {
    char *text; /* the whole recipe as it is used: written into the run and into checkpoints */
    /* [network] */
    char *system;   /* "jess", "sasnet:x4" */
    char *config;   /* JSON, or "" */
    char *start;    /* weights file to start from; "": parameters are drawn from the seed */
    int statistics; /* pln_statistics: what normalises in training: each batch's own, or the running
                       ones of the start, which then stay, as in inference */
    const pnet_net *net;
    pnet_options options;
    /* [data] */
    char *manifest; /* may be "": given by the caller */
    char *augmented;
    pln_augmentation augmentation;
    uint64_t patch, batch;
    double std_lo, std_hi; /* textures of varied contrast, scale, offset, symmetry; 0, 0: as the
                              augmentation has them */
    /* [optimiser] */
    uint64_t steps;
    double rate;
    int schedule;    /* pln_schedule: how the rate falls from `rate` */
    uint64_t warmup; /* the rate rises linearly to `rate` over so many first steps */
    uint64_t halve;  /* the rate is halved every so many steps; 0: never */
    char *halve_at;  /* and after these shares of all steps: "0.6, 0.85" */
    double halves[PLN_HALVES_MAX];
    size_t n_halves;
    double beta1, beta2, eps;
    double clip; /* largest norm of all gradients together; 0: none */
    double ema;  /* decay of the weights' moving average, which is what is validated and kept; 0:
                    the weights themselves */
    int keep;    /* pnn_keep: values that stay in memory until the backward pass */
    /* [loss]: weights of the terms, 0: not there */
    double l1, ms_ssim, edge, dtv, contrast, segmentation, ternary, eatv, boundary, fan;
    double margin_gram, margin_mean; /* of contrast */
    int negative;                    /* of contrast: pln_negative */
    double margin, features;         /* of ternary: relative margin, weight of EME's stages */
    int ternary_form;                /* pln_ternary */
    int edges;                       /* of eatv: pln_edge_source */
    double low, high;                /* of boundary: labels that are negative, positive */
    int variant;                     /* of fan: which of pln_fan_variants */
    int slopes;                      /* of fan: pln_fan_slopes */
    /* [frozen]: weights of the networks that losses look through; "": none given */
    char *vgg16, *deeplabv3, *eme;
    /* [validation] */
    uint64_t every;     /* steps */
    uint64_t val_pairs; /* how many, from the first */
    uint64_t val_patch; /* side of the square in their middle */
    uint64_t save;      /* steps between checkpoints */
} pln_recipe;

/* Reads a file, then `settings` ("section.key=value", n of them). PLN_E_READ; PLN_E_MODEL: unknown
 * key, value of another kind or out of range, both with file and key. */
pln_status pln_recipe_load(pln_context *ctx, const char *path, const char *const *settings,
                           size_t n, pln_recipe *recipe) PLN_CHECK;
void pln_recipe_free(pln_recipe *recipe);
/* The energy that is learned and judged by; NULL: there are truths. */
const pln_fan_variant *pln_recipe_energy(const pln_recipe *recipe);
/* The learning rate of the step after `step` are done. */
double pln_recipe_rate(const pln_recipe *recipe, uint64_t step);

#endif
