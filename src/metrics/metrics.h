/* SPDX-License-Identifier: MIT */
/* metrics: how near a picture is to its reference. Definitions and their sources stand in each
 * file. */
#ifndef PLN_METRICS_METRICS_H
#define PLN_METRICS_METRICS_H

#include "core/core.h"

/* Views of equal w, h, c (1 or 3), range [0,1], double accumulation in a fixed order. */
pln_status pln_psnr(pln_context *ctx, const pln_view *a, const pln_view *b, double *db) PLN_CHECK;
pln_status pln_mae(pln_context *ctx, const pln_view *a, const pln_view *b, double *mae) PLN_CHECK;
pln_status pln_rmse(pln_context *ctx, const pln_view *a, const pln_view *b, double *rmse) PLN_CHECK;
/* variant 'a', 'b' or 'c'; PLN_E_SHAPE when the picture is smaller than the window of b (7) or c
 * (11). */
pln_status pln_ssim(pln_context *ctx, char variant, const pln_view *a, const pln_view *b,
                    double *ssim) PLN_CHECK;
/* Correlation of the Laplacians, -1..1; two pictures without any edge: 1. */
pln_status pln_edge_preservation(pln_context *ctx, const pln_view *a, const pln_view *b,
                                 double *index) PLN_CHECK;
/* Share of the reference's (b's) steep steps that go the other way in a, 0..1; no steep step: 0. */
pln_status pln_gradient_reversals(pln_context *ctx, const pln_view *a, const pln_view *b,
                                  double *share) PLN_CHECK;

/* Fan's energy of a as the result of b, by the published variant of that number (solve/fan.h) that
 * asks for no saliency: any sizes, 0 or more. */
pln_status pln_fan_energy_of(pln_context *ctx, size_t variant, const pln_view *a, const pln_view *b,
                             double *energy) PLN_CHECK;

/* Two pictures that can be compared: equal sizes and kinds, or PLN_E_SHAPE (score.c). */
pln_status pln_score_check(pln_context *ctx, const pln_image *a, const pln_image *b) PLN_CHECK;

#endif
