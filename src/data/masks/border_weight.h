/* SPDX-License-Identifier: Apache-2.0 */
/*
 * border_weight.h - weights and gaps between objects that are near each other (unet_border in
 * unet.h)
 */
#ifndef UN_BORDER_WEIGHT_H
#define UN_BORDER_WEIGHT_H

#include <stdbool.h>

#include "base/error.h"
#include "unet_train.h"

/*
 * Overwrites extra [height][width] with what unet_border adds to the weights of pixels of class 0
 * (and the first term to those of objects, too, where on_objects is set: d1 is 0 there), and 0
 * elsewhere.
 *
 *   mask     [height][width] class indices or UNET_IGNORE
 *   objects  [height][width] object numbers, 0: none; NULL: the objects are the connected parts of
 *            one class, not class 0, joined by sides or corners
 *
 * The two distances are exact.  Time and memory grow with height * width, not with the number of
 * objects.  UNET_ENOMEM.
 */
unet_code un_border_map(const unet_border *border, bool on_objects, const uint8_t *mask,
                        const uint32_t *objects, int height, int width, float *extra,
                        unet_error *err);

/*
 * Makes every pixel of an object that touches (by a side or a corner) a pixel of another object
 * class 0, in mask and in objects (0).  Looks at the objects as they were.  objects NULL: leaves
 * mask as it is, since parts of one class that touch are one object.  UNET_ENOMEM.
 */
unet_code un_border_gap(uint8_t *mask, uint32_t *objects, int height, int width, unet_error *err);

/*
 * Overwrites distance [height][width] with the distance of each pixel of a number to the nearest
 * pixel of another one, INFINITY where there is none.  Pixels of number 0 count as nothing, as what
 * lies beyond the image's edge, and what is said of them is of no use.  UNET_ENOMEM.
 */
unet_code un_rim_distance(const uint32_t *numbers, int height, int width, float *distance,
                          unet_error *err);

/* ---- class_parts.c: the connected parts of a class mask ---- */

/*
 * Numbers the connected parts of each class but 0 and UNET_IGNORE; pixels that touch by a side or a
 * corner are of one part.
 *
 *   mask     [height][width]
 *   numbers  [height][width], overwritten: 0 where there is no part; two pixels have the same
 * number if and only if they are of the same part; numbers may be left out
 *
 * UNET_ENOMEM.
 */
unet_code un_class_parts(const uint8_t *mask, int height, int width, uint32_t *numbers,
                         unet_error *err);

#endif
