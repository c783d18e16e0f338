/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_sums.h - sums over the images of a batch, part by part of a layer's weights
 *
 * A gradient of weights is made image by image and added up in the tree of base/tree.h as the
 * images go by: the sum of image i goes into slot tree.count of the part, then un_image_fold().
 * Behind the last one the sum of all is in slot 0.
 */
#ifndef UN_IMAGE_SUMS_H
#define UN_IMAGE_SUMS_H

#include "base/tree.h"

/* How many slots that takes. */
int un_image_rooms(int images);

/* Counts image i, and adds up the blocks that are complete with it. */
void un_image_fold(struct un_tree *tree, int image, float *slots, size_t slot_floats);

/* Counts it alone: every part of the layer has been folded from a copy of the tree. */
void un_image_push(struct un_tree *tree, int image);

#endif
