/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.h - a person's images and masks, in memory and understood */
#ifndef UN_DATASET_H
#define UN_DATASET_H

#include "data/image.h"

struct un_sample_pair {
    unet_image image; /* as read */
    uint8_t *mask;    /* [height][width] class indices or UNET_IGNORE */
    char *name;       /* file name of the image, without folder */
};

struct unet_dataset {
    struct un_sample_pair *pairs; /* sorted by name */
    int count;
    int channels; /* 1 when every image is grey in truth, else 3 (or what .npy has) */
    struct un_coding coding;
    struct un_scaling scaling; /* for 16-bit and float samples */
};

#endif
