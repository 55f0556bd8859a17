/* SPDX-License-Identifier: MIT */
/* data: procedural scenes and textures, and how a texture is laid over a truth. Everything is a
 * function of a seed and an index: any order, any thread. */
#ifndef PLN_DATA_DATA_H
#define PLN_DATA_DATA_H

#include "core/core.h"

/* ---- Random numbers of this room: splitmix64, so that other programs can make the same pictures
 * ---- */

struct pln_rng {
    uint64_t state;
};
struct pln_rng pln_rng(uint64_t seed, uint64_t stream);
uint64_t pln_rng_next(struct pln_rng *r);
double pln_rng_unit(struct pln_rng *r);                /* [0, 1), 53 bits */
uint64_t pln_rng_below(struct pln_rng *r, uint64_t n); /* 0 .. n - 1 */
double pln_rng_uniform(struct pln_rng *r, double lo, double hi);
double pln_rng_log_uniform(struct pln_rng *r, double lo, double hi);
/* n uniform numbers from one draw. */
void pln_rng_field(struct pln_rng *r, double *field, size_t n);

/* ---- Scenes (scenes.c): 6 to 18 shapes over a background, no texture; every edge is structure
 * ---- */

/* rgb: w x h x 3 bytes. classes: w x h bytes or NULL; 0 background, 1 ellipse, 2 polygon, 3 band, 4
 * blob, 5 stroke, 6 ring, 7 glyph. */
pln_status pln_scene(pln_context *ctx, uint64_t seed, uint64_t index, size_t w, size_t h,
                     uint8_t *rgb, uint8_t *classes) PLN_CHECK;

/* ---- Textures (textures.c): periodic layers of mean 0 and standard deviation 1, within about 2.5
 * ---- */

/* The families' names, NULL at the end. */
extern const char *const pln_texture_families[];
/* layer: n x n. family: a name, or NULL for one chosen by the seed; *chosen (may be NULL) is which.
 */
pln_status pln_texture(pln_context *ctx, uint64_t seed, uint64_t index, size_t n,
                       const char *family, double *layer, const char **chosen) PLN_CHECK;

/* ---- Blending (blend.c), as the published training sets do it ---- */

/* in = truth + layer on all three channels: the layer (tw x th) repeated from its top left corner
 * over w x h, its mean over the picture removed, then scaled to the standard deviation `std` (range
 * [0,1]; 0: as it is, in 0..255); rounded half to even, clipped. w x h x 3 bytes each; in may be
 * truth. */
pln_status pln_blend(pln_context *ctx, const uint8_t *truth, size_t w, size_t h,
                     const double *layer, size_t tw, size_t th, double std, uint8_t *in) PLN_CHECK;

/* The same in parts, for a window of a picture and a layer that is turned and shifted: element
 * (x, y) of the turned layer, w x h, is at[x sx + y sy]; pixel (x, y) of the picture gets element
 * ((x + ox) mod w, (y + oy) mod h), less `mean`, times `gain`. */
struct pln_lay {
    const double *at;
    ptrdiff_t sx, sy;
    size_t w, h, ox, oy;
    double mean, gain;
};
/* symmetry: bit 0 transposes, then bit 1 swaps left and right, then bit 2 up and down. */
void pln_lay_turn(struct pln_lay *lay, const double *layer, size_t w, size_t h, unsigned symmetry);
/* mean and gain for a whole picture of w x h; std as in pln_blend. */
void pln_lay_fit(struct pln_lay *lay, size_t w, size_t h, double std);
/* in (cw x ch): the window at (x0, y0) of the truth, which is w wide, under the layer. */
void pln_lay_over(const struct pln_lay *lay, const uint8_t *truth, size_t w, size_t x0, size_t y0,
                  size_t cw, size_t ch, uint8_t *in);

/* "Varied" blending for training: contrast in [lo, hi), scale 1 or 0.5, one of 8 symmetries, drawn
 * in this order; then, with the layer at that scale, the offsets down and across. */
struct pln_varied {
    double std, scale;
    unsigned symmetry;
};
struct pln_varied pln_varied_draw(struct pln_rng *r, double lo, double hi);
void pln_varied_lay(struct pln_rng *r, const struct pln_varied *varied, const double *layer,
                    size_t w, size_t h, struct pln_lay *lay);

/* A layer at scale 0.5 (2 x 2 means, an odd last row or column is dropped), 1 or 2 (bilinear, half
 * pixel centres, clamped). *result goes to pln_free. */
pln_status pln_rescale(pln_context *ctx, const double *layer, size_t w, size_t h, double scale,
                       double **result, size_t *rw, size_t *rh) PLN_CHECK;

/* ---- Edge labels (edges.c) of the published sets ---- */

/* edge: w x h, 1 where the Sobel strength of one channel (the authors': 2, blue) is at least 50. */
void pln_edge_label(const uint8_t *rgb, size_t w, size_t h, size_t channel, uint8_t *edge);

#endif
