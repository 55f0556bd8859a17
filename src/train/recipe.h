/* SPDX-License-Identifier: MIT */
/* A recipe: what is trained, on what, how long. A key file (GLib), one for each system and variant
 * in recipes/. */
#ifndef PLN_TRAIN_RECIPE_H
#define PLN_TRAIN_RECIPE_H

#include "nets/nets.h"
#include "train/loader.h"

typedef struct pln_recipe {
    char *text; /* the whole recipe as it is used: written into the run and into checkpoints */
    /* [network] */
    const pnet_net *net;
    pnet_options options;
    char *config; /* JSON, or "" */
    /* [data] */
    char *manifest; /* may be "": given by the caller */
    pln_augmentation augmentation;
    size_t batch;
    /* [optimiser] */
    uint64_t steps;
    double rate;
    uint64_t halve; /* the rate is halved every so many steps; 0: never */
    double beta1, beta2, eps;
    double clip; /* largest norm of all gradients together; 0: none */
    /* [loss]: weights of the terms, 0: not there */
    double l1, ms_ssim, edge, dtv;
    /* [validation] */
    uint64_t every;   /* steps */
    size_t val_pairs; /* how many, from the first */
    size_t val_patch; /* side of the square in their middle */
    uint64_t save;    /* steps between checkpoints */
} pln_recipe;

/* Reads a file, then `settings` ("section.key=value", n of them). PLN_E_READ; PLN_E_MODEL: unknown
 * key, value of another kind or out of range, both with file and key. */
pln_status pln_recipe_load(pln_context *ctx, const char *path, const char *const *settings,
                           size_t n, pln_recipe *recipe) PLN_CHECK;
void pln_recipe_free(pln_recipe *recipe);

#endif
