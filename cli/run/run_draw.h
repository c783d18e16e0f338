/* SPDX-License-Identifier: Apache-2.0 */
/* run_draw.h - an image, its truth and what was predicted, small and for a person's eye */
#ifndef RUN_DRAW_H
#define RUN_DRAW_H

#include "run/run_images.h"

/*
 * Draws the three views: the image with the outlines of the truth, the image with what was
 * predicted in colour, and a dim image with the errors.  The caller releases them; after a failure
 * there are none.
 *
 *   colors  [labels]
 */
unet_code draw_views(const unet_validated *validated, const uint8_t (*colors)[3], int labels,
                     unet_image view[VIEWS], unet_error *err);

#endif
