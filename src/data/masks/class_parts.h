/* SPDX-License-Identifier: Apache-2.0 */
/* class_parts.h - the connected parts of a class mask */
#ifndef UN_CLASS_PARTS_H
#define UN_CLASS_PARTS_H

#include "base/error.h"

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
