/* SPDX-License-Identifier: MIT */
/* Batches for training: pairs of a dataset, cropped and augmented, as NHWC floats. Which pairs are
 * in a batch and every random number in it is a function of (seed, epoch, place in the epoch): a
 * batch does not depend on threads, on ranks, or on the batches asked for before, so that a run
 * goes on from any step. Files are decoded once, as far as memory allows. */
#ifndef PLN_TRAIN_LOADER_H
#define PLN_TRAIN_LOADER_H

#include "data/dataset.h"

/* ---- Augmentation: what happens to a pair, in this order ---- */

typedef struct pln_augmentation {
    const char *name;
    size_t patch; /* side of the square that comes out */

    /* Texture. natural: share of samples whose input is the photograph as it is (needs
     * PLN_WITH_PHOTO). over_photo: the other inputs are the photograph under a texture, not the
     * truth. std: contrast uniform in [lo, hi), scale 1 or 0.5, random offset, one of 8 symmetries
     * ("varied"); 0, 0: as the dataset blends. */
    double natural;
    bool over_photo;
    double std_lo, std_hi;

    /* Crop: height and width independently from the integers within patch (1 -+ crop_jitter), not
     * above the picture's; then resized, bilinear, half-pixel centres. Its place is uniform, or the
     * middle. */
    double crop_jitter;
    bool centre;
    bool enlarge; /* smaller pictures to the patch first, bilinear, instead of being refused */

    bool flip;  /* left to right, half of the time */
    bool turns; /* up to down, half of the time, and 0 to 3 quarter turns */

    /* Rotation uniform in [-rotation, rotation] degrees; outside is black, without edge, and of
     * class 255. whole_degrees: integers in [-rotation, rotation), about pixel (patch / 2,
     * patch / 2) instead of the middle. nearest: pictures too, not only class maps. nearest_edges:
     * edge labels by nearest neighbours; else bilinear, 1 from one half. */
    double rotation;
    bool whole_degrees, nearest, nearest_edges;
    bool truncate; /* to 8 bits; else rounded */

    /* Colour, on 8 bits as Pillow does it: hue shifted by up to `hue` turns; contrast times
     * 1 -+ contrast about the mean grey; brightness times 1 -+ brightness. In this order, or
     * shuffled. The same draws for every picture of a pair. */
    double hue, contrast, brightness;
    bool shuffled;

    bool negative_cropped_only; /* the over-smoothed negative takes part in the crop only */
} pln_augmentation;

/* "plain" (a crop, nothing else: validation), "jess", "csgis", "sasnet", "mi", "eme", "fan": what
 * the systems are trained with. NULL if there is none of that name. */
const pln_augmentation *pln_augmentation_find(const char *name);

/* ---- The loader ---- */

typedef struct pln_loader pln_loader;

typedef struct pln_loader_options {
    const pln_dataset *dataset; /* must outlive the loader */
    pln_split split;
    pln_augmentation augmentation;
    unsigned companions; /* PLN_WITH_...: wanted in the batch */
    size_t batch;        /* samples of all ranks together, a multiple of world */
    size_t rank, world;  /* world 0: one rank. Rank r has the r-th part of every batch */
    uint64_t seed;
    uint64_t cache; /* bytes of decoded files to keep; 0: half of the memory that is left */
} pln_loader_options;

/* PLN_E_ARG, PLN_E_RANGE: an option is off, or the dataset lacks a companion; PLN_E_SHAPE: a truth
 * is smaller than the patch; fewer pairs than a batch. */
pln_status pln_loader_new(pln_context *ctx, const pln_loader_options *options,
                          pln_loader **loader) PLN_CHECK;
void pln_loader_free(pln_loader *loader);
/* Batches in an epoch: every pair once, in a new order; what does not fill a batch is dropped. */
size_t pln_loader_steps(const pln_loader *loader);

/* n samples of this rank, patch x patch, interleaved; the caller's memory. NULL: not wanted. */
typedef struct pln_batch {
    size_t n, patch;
    float *in, *truth;       /* n x patch x patch x 3, multiples of 1/255 in [0,1] */
    float *edge;             /* n x patch x patch: 0 or 1 */
    float *classes;          /* n x patch x patch: number of the class; 255: nothing known */
    float *boundary;         /* n x patch x patch: share of the people */
    float *negative, *photo; /* as in and truth */
    size_t *pairs;           /* n: which pair of the split */
} pln_batch;

/* Memory for what the options want; pairs always. */
pln_status pln_batch_new(pln_context *ctx, const pln_loader *loader, pln_batch *batch) PLN_CHECK;
void pln_batch_free(pln_batch *batch);

/* Batch `step` of the whole training, counted from 0: epoch step / steps. Augments on the context's
 * threads. May run in a thread and context of its own beside the training, one call at a time.
 * PLN_E_MODEL, PLN_E_READ: a file of the dataset has changed or is gone. */
pln_status pln_loader_batch(pln_context *ctx, pln_loader *loader, uint64_t step,
                            pln_batch *batch) PLN_CHECK;
/* Standard normal numbers for sample i of this rank in batch `step`; n of them. */
void pln_loader_noise(const pln_loader *loader, uint64_t step, size_t i, float *noise, size_t n);

#endif
