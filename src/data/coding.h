/* SPDX-License-Identifier: Apache-2.0 */
/* coding.h - what the numbers in a person's files mean: mask values to classes, samples to input */
#ifndef UN_CODING_H
#define UN_CODING_H

#include <stdbool.h>

#include "base/error.h"

/* How mask values become class indices. */
struct un_coding {
    uint8_t map[256]; /* mask value -> class index or UNET_IGNORE */
    bool known[256];  /* false: a value that no mask may have */
    int labels;       /* class indices in use: 0..labels-1 */
};

/* Value v is class v for v < labels; UNET_IGNORE is ignored. */
struct un_coding un_coding_identity(int labels);

/*
 * Finds the coding of a set of masks from the values that occur in them.
 *
 *   seen      [256]: occurs in some mask, in file example[v]
 *   ignore    mask value without a label, -1: none besides UNET_IGNORE
 *   classes   labels expected, 0: not known
 *
 * {0, 255} and its subsets with 255 -> two classes; otherwise class indices, where 255 and `ignore`
 * are UNET_IGNORE.  UNET_EINVAL, naming a file and the values, for anything else: values with gaps
 * that look like grey codes or an anti-aliased mask, more classes than expected.
 */
unet_code un_coding_find(const bool seen[256], const char *const example[256], int ignore,
                         int classes, struct un_coding *coding, unet_error *err);

/*
 * How a sample becomes the network's input: (sample - offset) * scale.  8-bit samples always use
 * offset 0, scale 1/255; 16-bit and float ones use these values, found in the training images (the
 * 0.1 and 99.9 percentiles go to 0 and 1) and stored in the model; before any training 16-bit uses
 * 0 and 1/65535, float 0 and 1.
 *
 * per_image: instead of all that, each image is brought to mean 0 and variance 1 over its samples.
 */
struct un_scaling {
    bool set; /* false: the defaults above */
    bool per_image;
    float offset, scale;
};

#endif
