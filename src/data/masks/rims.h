/* SPDX-License-Identifier: Apache-2.0 */
/* rims.h - how deep in its object each pixel of a mask lies, in a few steps */
#ifndef UN_RIMS_H
#define UN_RIMS_H

#include "data/masks/border_weight.h"

/*
 * Overwrites map [height][width] with the rim that a pixel of an object lies in: 1, the outermost,
 * to `rims`; 0: in the middle of its object, or in none.
 *
 *   mask     [height][width] class indices or UNET_IGNORE
 *   objects  [height][width] object numbers, 0: none; NULL: the parts of each class but 0
 *
 * UNET_ENOMEM.
 */
unet_code un_rims_make(const uint8_t *mask, const uint32_t *objects, int height, int width,
                       int rims, uint8_t *map, unet_error *err);

/* The areas of the objects that have a label, *count of them in any order; *areas from malloc. */
unet_code un_object_areas(const uint8_t *mask, const uint32_t *objects, int height, int width,
                          uint32_t **areas, size_t *count, unet_error *err);

#endif
