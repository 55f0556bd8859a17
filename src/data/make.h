/* SPDX-License-Identifier: MIT */
/* Making datasets. A kind is one file: sps.c, voc_smooth.c, bsds_ext.c, nks.c,
 * synthetic.c; make.c runs any of them. */
#ifndef PLN_DATA_MAKE_H
#define PLN_DATA_MAKE_H

#include "data/folder.h"
#include "data/manifest.h"

struct pln_make;

/* A photograph, drawing, scene or texture to be. */
struct pln_source {
    char *name;  /* stem of its files in the dataset */
    char *path;  /* NULL: procedural */
    char *label; /* class map or human boundaries, or NULL */
    pln_split split;
    size_t index; /* of the procedural picture */
    bool chosen;  /* goes on to the next round */
    /* What the rounds found out, objects: "skip": why it is left out; else sizes and measures. */
    json_t *survey, *result;
};

enum pln_texture_rule {
    PLN_TEXTURES_ALL,   /* as they are */
    PLN_TEXTURES_FINE,  /* local ratio of at least 0.7: the scales that reach it */
    PLN_TEXTURES_TURNS, /* scale 1 and 1/2 by turns */
};

struct pln_kind {
    const char *name;
    unsigned companions;
    double std;  /* of the layer, calibrated (the kind's file says how) */
    double easy; /* share of the photographs, the easiest; 1: all, in any order */
    enum pln_texture_rule textures;
    bool photographs; /* needs --photos; else scenes */
    bool labels;      /* needs --labels, one folder for each of photos */
    bool test_only;   /* no split: everything is test */
    bool pairs;       /* false: textures only */
    const char *what; /* "photographs", "drawings", "scenes" */
    /* Writes gt/NAME.png and the companions of one source; fills `result`: width, height, whatever
     * belongs into the manifest, "rows" for screening.tsv, or "skip". */
    pln_status (*truth)(pln_context *ctx, const struct pln_make *make,
                        const struct pln_source *source, json_t *result);
};

extern const struct pln_kind pln_kind_sps, pln_kind_voc_smooth, pln_kind_nks, pln_kind_bsds_ext,
    pln_kind_scenes, pln_kind_textures;

struct pln_sources {
    struct pln_source *list;
    size_t count;
};

struct pln_make {
    pln_make_options o; /* defaults filled in */
    const struct pln_kind *kind;
    int round;
    struct pln_sources truths, textures;
    size_t *order, steps; /* sources of the round: truths, then textures */
};

/* NULL if there is none of that kind. */
const struct pln_kind *pln_kind_find(const char *kind);

/* ---- For kinds ---- */

/* RGB bytes of a photograph, no side longer than make->o.longest. PLN_E_FORMAT, PLN_E_READ: cannot
 * be used. */
pln_status pln_make_photo(pln_context *ctx, const struct pln_make *make, const char *path,
                          uint8_t **rgb, size_t *w, size_t *h) PLN_CHECK;
/* A grey map of the same picture as bytes, shrunk to w x h by nearest neighbours. `classes`: a VOC
 * palette is turned back into its indices. PLN_E_MODEL: unreadable, of another aspect, or no class:
 * unlike a photograph that cannot be used this is an error. */
pln_status pln_make_label(pln_context *ctx, const char *path, bool classes, size_t w, size_t h,
                          uint8_t **map) PLN_CHECK;
/* DIR/SUB/NAME.png. */
pln_status pln_make_save(pln_context *ctx, const struct pln_make *make, const char *sub,
                         const char *name, const uint8_t *bytes, size_t w, size_t h,
                         size_t c) PLN_CHECK;
/* gt/NAME.png, its edge label, and width and height into `result`. */
pln_status pln_make_truth(pln_context *ctx, const struct pln_make *make, const char *name,
                          const uint8_t *rgb, size_t w, size_t h, json_t *result) PLN_CHECK;
/* The screened truth of a photograph (sps, voc-smooth, bsds-ext) with whatever the kind's
 * companions are. */
pln_status pln_make_screened(pln_context *ctx, const struct pln_make *make,
                             const struct pln_source *source, json_t *result) PLN_CHECK;
/* Candidate k at a level of strength: 8-bit RGB. The methods in the order they are tried. */
enum { PLN_CANDIDATES = 5, PLN_CANDIDATE_LEVELS = 3 };
const char *pln_candidate_method(size_t k);
pln_status pln_make_candidate(pln_context *ctx, const pln_image *photo, size_t level, size_t k,
                              uint8_t **rgb) PLN_CHECK;
/* A texture: tx/NAME.png and its grain into `result`. */
pln_status pln_make_texture(pln_context *ctx, const struct pln_make *make,
                            const struct pln_source *source, json_t *result) PLN_CHECK;

/* sources.c: fills make->truths and make->textures from the options. */
pln_status pln_make_sources(pln_context *ctx, struct pln_make *make) PLN_CHECK;
/* Photographs only, without their labels. */
pln_status pln_make_photo_sources(pln_context *ctx, struct pln_make *make) PLN_CHECK;
void pln_sources_free(struct pln_sources *sources);
/* Sets the split of sources that have none (PLN_SPLITS): 15 % of them test, 15 % val, at least one
 * each of three or more, by the seed. */
pln_status pln_split_sources(pln_context *ctx, struct pln_sources *sources,
                             uint64_t seed) PLN_CHECK;

/* 0 .. n - 1 in an order that depends on the seed: Fisher-Yates as the published pairs' (data
 * room's generator, stream 2^32 - 1). */
void pln_shuffle(uint64_t seed, size_t n, size_t *order);
/* Luma in 0..255 of a texture picture: .299 R + .587 G + .114 B; to be freed by pln_free.
 * bgr_weights: of R and B exchanged. */
pln_status pln_texture_grey(pln_context *ctx, const pln_image *image, bool bgr_weights,
                            double **grey) PLN_CHECK;

/* ---- Screening (screening.c) ---- */

/* Share of pixels, 8 px border cut, whose local standard deviation of luma under the 11 x 11
 * Gaussian of 1.5 is below 0.02: how easy a photograph is. */
pln_status pln_flat_share(pln_context *ctx, const uint8_t *rgb, size_t w, size_t h,
                          double *share) PLN_CHECK;
/* Grain of a grey layer in 0..255: *std in [0,1]; *local_ratio: mean local variance under the same
 * Gaussian / total variance; 1: all the energy is finer than the window. */
pln_status pln_grain(pln_context *ctx, const double *grey, size_t w, size_t h, double *std,
                     double *local_ratio) PLN_CHECK;

struct pln_screen {
    double edge_free_share; /* of the windows */
    size_t windows;         /* edge-free ones; fewer than 3: fails */
    double mean, p90, max;  /* smooth_value of these */
    double structure_ssim;  /* over the windows with an edge */
    bool passes;
};
/* A candidate for the truth of `photo` by its windows of 16 x 16, stride 8: smooth where the photo
 * has no edge (90th percentile of std + mean |Laplacian| < 0.05), undistorted where it has one
 * (SSIM of at least 0.8). */
pln_status pln_screen(pln_context *ctx, const uint8_t *photo, const uint8_t *candidate, size_t w,
                      size_t h, struct pln_screen *result) PLN_CHECK;

#endif
