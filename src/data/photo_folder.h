/* SPDX-License-Identifier: MIT */
/* Photographs without truths: FOLDER/photo/NAME.EXT, and if there is FOLDER/class, of each one
 * class/NAME.png (VOC's JPEGImages and SegmentationClass under these names). Every tenth is kept
 * for validation. */
#ifndef PLN_DATA_PHOTO_FOLDER_H
#define PLN_DATA_PHOTO_FOLDER_H

#include "data/pairs.h"

/* False: there is no FOLDER/photo. */
bool pln_is_photo_folder(pln_context *ctx, const char *folder);
/* Files of `list` are photographs; with a folder of class maps only those that have one. */
pln_status pln_photo_folder_open(pln_context *ctx, const char *folder,
                                 struct pln_side_by_side *list, char hash[65]) PLN_CHECK;
/* RGB bytes, and the class map unless classes is NULL; both go to pln_free. */
pln_status pln_photo_folder_read(pln_context *ctx, const struct pln_side_by_side *list, size_t i,
                                 uint8_t **rgb, uint8_t **classes, size_t *w, size_t *h) PLN_CHECK;
#endif
