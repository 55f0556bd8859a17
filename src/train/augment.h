/* SPDX-License-Identifier: MIT */
/* One sample: the draws, then the same geometry and colours for each of its pictures. */
#ifndef PLN_TRAIN_AUGMENT_H
#define PLN_TRAIN_AUGMENT_H

#include "data/data.h"
#include "train/loader.h"

enum { PLN_HUE, PLN_CONTRAST, PLN_BRIGHTNESS, PLN_COLOURS };

/* What was drawn for a sample. */
struct pln_draws {
    size_t x, y, w, h; /* the crop */
    bool left_right, upside_down;
    unsigned quarters; /* turns against the clock */
    double degrees;    /* against the clock */
    int hue;           /* shift of Pillow's 8-bit hue */
    float contrast, brightness;
    int order[PLN_COLOURS];
};
/* For a picture of w x h, both at least the patch. Draws what the augmentation has, in the order of
 * its fields. */
void pln_augment_draw(struct pln_rng *r, const pln_augmentation *a, size_t w, size_t h,
                      struct pln_draws *draws);

/* All pictures of a truth to a shortest side of `least`, if theirs is shorter: bilinear, labels by
 * nearest neighbours. */
pln_status pln_enlarge(pln_context *ctx, struct pln_truth *truth, size_t least) PLN_CHECK;

enum pln_plane {
    PLN_PLANE_RGB,
    PLN_PLANE_GREY,
    PLN_PLANE_LABEL,   /* 0 or 1 */
    PLN_PLANE_CLASSES, /* nearest neighbours; 255 outside */
};

/* Work space for one thread: floats. */
size_t pln_augment_space(const pln_augmentation *a);
/* crop: bytes of the crop of draws->w x draws->h, 3 a pixel (RGB) or 1. out: patch x patch floats:
 * RGB and grey in [0,1], labels 0 or 1, classes as they are. crop_only: neither turned nor
 * coloured. */
void pln_augment(const pln_augmentation *a, const struct pln_draws *draws, enum pln_plane plane,
                 bool crop_only, const uint8_t *crop, float *space, float *out);

#endif
