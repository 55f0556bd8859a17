/* SPDX-License-Identifier: MIT */
/* Datasets on disk: a folder with manifest.json (sources, parameters, seed, splits, sha256 of every
 * file), ground truths, textures and companions. Pairs are not stored: a pair is a truth with a
 * texture blended in when it is asked for, and always has the same bytes.
 *
 *     gt/NAME.png  edge/NAME.png  class/NAME.png  negative/NAME.png  boundary/NAME.png  tx/NAME.png
 *
 * A folder of pictures [truth | input] side by side, as the authors published theirs, opens too;
 * and photographs without truths, for what learns without: FOLDER/photo/NAME.EXT, with class maps
 * (VOC's) FOLDER/class/NAME.png if there is that folder. Every tenth is kept for validation. */
#ifndef PLN_DATA_DATASET_H
#define PLN_DATA_DATASET_H

#include "core/core.h"

/* ---- Splits ---- */

/* A strict split shares neither truth nor texture with another; the two diagnostics cross test with
 * train. The published split takes a random tenth of all pairs for validation, so that every truth
 * and texture is seen in training; its test pairs are the first 100 of these; no diagnostics. */
typedef enum pln_split {
    PLN_SPLIT_TRAIN,
    PLN_SPLIT_VAL,
    PLN_SPLIT_TEST,
    PLN_SPLIT_TEST_TRUTHS,   /* test truths with train textures */
    PLN_SPLIT_TEST_TEXTURES, /* train truths with test textures */
    PLN_SPLITS
} pln_split;

/* "train", "val", "test", "test-truths", "test-textures". */
const char *pln_split_name(pln_split split);
/* False if there is none of that name. */
bool pln_split_find(const char *name, pln_split *split);

/* ---- Opening ---- */

typedef struct pln_dataset pln_dataset;

/* What a truth may have beside it. */
enum {
    PLN_WITH_EDGE = 1,     /* Sobel label of the truth, 0 or 1 */
    PLN_WITH_CLASSES = 2,  /* class map: 0..20 of VOC, 255 nothing known; scenes: kind of shape */
    PLN_WITH_NEGATIVE = 4, /* the photograph smoothed far too much */
    PLN_WITH_BOUNDARY = 8, /* share of people who drew a boundary here */
    PLN_WITH_PHOTO = 16    /* the photograph that the truth was made from */
};

/* path: the folder, its manifest.json, or a folder of side-by-side pictures (themselves, or in
 * train/, val/, test/) or of photographs. Reads the manifest only; files are read when a pair is
 * asked for. PLN_E_READ: no such folder; PLN_E_MODEL: no dataset, an interrupted one, or a damaged
 * manifest. The dataset may be used by several contexts at once. */
pln_status pln_dataset_open(pln_context *ctx, const char *path, pln_dataset **dataset) PLN_CHECK;
void pln_dataset_free(pln_dataset *dataset);

const char *pln_dataset_folder(const pln_dataset *dataset);
/* "sps", "voc-smooth", "nks", "bsds-ext", "scenes", "textures", "pairs" (side by side), "photos".
 */
const char *pln_dataset_kind(const pln_dataset *dataset);
/* 64 hex digits that change when anything in the dataset does. */
const char *pln_dataset_hash(const pln_dataset *dataset);
uint64_t pln_dataset_seed(const pln_dataset *dataset);
/* True for the authors' random split: a table must say so. */
bool pln_dataset_published_split(const pln_dataset *dataset);
/* PLN_WITH_...: what every truth has. */
unsigned pln_dataset_companions(const pln_dataset *dataset);
/* Standard deviation of the texture layer in [0,1]; 0: raw contrast. */
double pln_dataset_std(const pln_dataset *dataset);
/* Larger photographs were shrunk to this side; 0: there were none. */
size_t pln_dataset_longest(const pln_dataset *dataset);
size_t pln_dataset_pairs(const pln_dataset *dataset, pln_split split);

/* ---- Pairs ---- */

/* All pictures float in [0,1], multiples of 1/255, of one size. NULL: not asked for, or not there.
 */
struct pln_pair {
    char name[256];                        /* "TRUTH+TEXTURE@SCALE": unique in the dataset */
    const char *truth_name, *texture_name; /* live as long as the dataset */
    double scale;                          /* of the texture: 0.5, 1 or 2 */
    pln_image *in;                         /* textured input, RGB */
    pln_image *truth;                      /* RGB */
    pln_image *edge;                       /* grey: 0 or 1 */
    pln_image *classes;                    /* grey: class / 255 */
    pln_image *negative;                   /* RGB */
    pln_image *boundary;                   /* grey: share of the people */
    pln_image *photo;                      /* RGB */
};

/* Pair i of a split, i < pln_dataset_pairs: truths run fastest (truth = i mod number of truths).
 * companions: PLN_WITH_... wanted. Every file read is compared with its sha256: PLN_E_MODEL names
 * one that has changed, PLN_E_READ one that is gone. Free with pln_pair_free. */
pln_status pln_dataset_pair(pln_context *ctx, const pln_dataset *dataset, pln_split split, size_t i,
                            unsigned companions, struct pln_pair *pair) PLN_CHECK;
/* The names only, no file is read. */
pln_status pln_dataset_pair_name(pln_context *ctx, const pln_dataset *dataset, pln_split split,
                                 size_t i, struct pln_pair *pair) PLN_CHECK;
void pln_pair_free(struct pln_pair *pair);

/* ---- Parts, for those who blend themselves (the training loader) ---- */

/* 8-bit pictures of one truth, w x h; NULL: not asked for, or not there. rgb, in, negative, photo:
 * 3 bytes a pixel. in: of a side-by-side dataset, whose edge labels are made when asked for. */
struct pln_truth {
    size_t w, h;
    uint8_t *rgb, *in, *edge, *classes, *negative, *boundary, *photo;
};
/* Truths and textures are numbered over the whole dataset; a side-by-side dataset has no textures:
 * its truth t is half of a pair. */
size_t pln_dataset_truths(const pln_dataset *dataset);
size_t pln_dataset_textures(const pln_dataset *dataset);
/* 0 x 0: side by side, not known before it is read. */
void pln_dataset_truth_size(const pln_dataset *dataset, size_t truth, size_t *w, size_t *h);
const char *pln_dataset_truth_name(const pln_dataset *dataset, size_t truth);
const char *pln_dataset_texture_name(const pln_dataset *dataset, size_t texture);
/* Which truth, which texture (SIZE_MAX: side by side) at which scale pair i of a split is. */
void pln_dataset_parts(const pln_dataset *dataset, pln_split split, size_t i, size_t *truth,
                       size_t *texture, double *scale);
pln_status pln_dataset_truth(pln_context *ctx, const pln_dataset *dataset, size_t truth,
                             unsigned companions, struct pln_truth *parts) PLN_CHECK;
void pln_truth_free(struct pln_truth *parts);
/* Grey layer in 0..255, w x h, at `scale`; to be freed by pln_free. */
pln_status pln_dataset_texture(pln_context *ctx, const pln_dataset *dataset, size_t texture,
                               double scale, double **layer, size_t *w, size_t *h) PLN_CHECK;

/* ---- Checking ---- */

/* Files that the manifest names; 0 for side-by-side folders. */
size_t pln_dataset_files(const pln_dataset *dataset);
/* The i-th, from the folder; NULL past the end. */
const char *pln_dataset_file(const pln_dataset *dataset, size_t i);
/* PLN_E_MODEL if it has changed, PLN_E_READ if it is gone. */
pln_status pln_dataset_check_file(pln_context *ctx, const pln_dataset *dataset, size_t i) PLN_CHECK;
/* Writes pair i of a split as the authors did, FOLDER/SPLIT/I.png = [truth | input]; folders are
 * made. sha256: of the input's RGB bytes. */
pln_status pln_dataset_write_pair(pln_context *ctx, const pln_dataset *dataset, const char *folder,
                                  pln_split split, size_t i, char sha256[65]) PLN_CHECK;

/* ---- Candidates of the screening, made again to be looked at ---- */

struct pln_candidate {
    const char *method;
    double p90, structure_ssim; /* roughness where nothing should be; likeness where structure is */
    bool passes, winner;
    pln_image *image;
};
struct pln_review {
    const char *name; /* of the photograph; lives as long as the reviews */
    size_t level;     /* 0, 1, 2: strengths once, twice, four times */
    pln_image *photo;
    struct pln_candidate candidates[5];
    size_t count; /* fewer than 5: too few windows without an edge to go on */
};
typedef struct pln_reviews pln_reviews;

/* Photographs with a rejected candidate, those without any truth first. photos: the folders the
 * dataset was made from, NULL at the end. PLN_E_ARG: nothing was screened for this kind;
 * PLN_E_READ: a photograph is not there. */
pln_status pln_reviews_open(pln_context *ctx, const pln_dataset *dataset, const char *const *photos,
                            pln_reviews **reviews) PLN_CHECK;
void pln_reviews_free(pln_reviews *reviews);
size_t pln_reviews_count(const pln_reviews *reviews);
/* Free with pln_review_free. */
pln_status pln_reviews_get(pln_context *ctx, const pln_reviews *reviews, size_t i,
                           struct pln_review *review) PLN_CHECK;
void pln_review_free(struct pln_review *review);

/* ---- Making ---- */

struct pln_make;

typedef struct pln_make_options {
    const char *kind, *folder;   /* where it goes; made if absent */
    const char *const *photos;   /* folders, NULL at the end; NULL: none */
    const char *const *textures; /* the same */
    const char *const *labels;   /* class maps or boundaries, one folder for each of photos */
    uint64_t seed;
    size_t count;         /* scenes; 0: 40 */
    size_t texture_count; /* procedural textures; 0: none beside others, 24 without */
    size_t w, h;          /* of scenes; 0: 320 x 240 */
    double std;           /* of the layer; 0: the kind's */
    double easy;          /* share of the photographs, the easiest; 0: the kind's */
    size_t longest;       /* larger photographs are shrunk to this side; 0: 500 */
    bool published;       /* the authors' random split */
    bool bgr_weights;     /* textures become grey as in the authors' script, R and B exchanged */
} pln_make_options;

/* Work comes in rounds of independent steps. A round must be over before the next begins.
 *
 *     pln_make_new; while (pln_make_round(ctx, make, &steps), steps)
 *         for i in 0 .. steps - 1, in any order, any thread: pln_make_step(that thread's ctx, ...)
 *     pln_make_finish: writes the manifest, last; a folder without one is an interrupted dataset.
 *
 * A step whose result is in the folder already is not done again. The same options and seed give
 * the same bytes in every file. Options are not copied. */
pln_status pln_make_new(pln_context *ctx, const pln_make_options *options,
                        struct pln_make **make) PLN_CHECK;
pln_status pln_make_round(pln_context *ctx, struct pln_make *make, size_t *steps) PLN_CHECK;
pln_status pln_make_step(pln_context *ctx, struct pln_make *make, size_t i) PLN_CHECK;
pln_status pln_make_finish(pln_context *ctx, struct pln_make *make) PLN_CHECK;
void pln_make_free(struct pln_make *make);
/* Number of pictures that cannot be used; *name and *why of the i-th if there is one. After the
 * rounds. */
size_t pln_make_left_out(const struct pln_make *make, size_t i, const char **name,
                         const char **why);
/* The names of the kinds, NULL at the end. */
extern const char *const pln_dataset_kinds[];

#endif
