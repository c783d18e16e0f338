/* SPDX-License-Identifier: Apache-2.0 */
/* augment_sheet.h - training tiles side by side on one picture */
#ifndef AUGMENT_SHEET_H
#define AUGMENT_SHEET_H

#include "unet.h"

/* Each sample is two or three panels: the tile, the tile with outlines, the weights. */
struct sheet {
    unet_image image; /* U8 RGB */
    int side, heat;   /* of a panel; 1: weights are drawn */
    int columns;      /* samples beside each other */
    int count;
    float most;           /* largest weight of all samples */
    float *weights;       /* [count][side][side]; NULL: none */
    uint8_t (*colors)[3]; /* [UNET_MAX_CLASSES] */
};

/* Room for `count` samples.  Release it in any case. */
unet_code sheet_create(struct sheet *sheet, int count, int side, int heat, int labels,
                       unet_error *err);
void sheet_release(struct sheet *sheet);

/* Draws sample k, of image i; options as unet_augment_draw() takes them. */
unet_code sheet_draw(struct sheet *sheet, const unet_dataset *dataset, int i,
                     const unet_train_options *options, int k, unet_error *err);

/* Colours the weights, all on one scale of square roots: 0 is black, the largest
 * white. */
void sheet_finish(struct sheet *sheet);

#endif
