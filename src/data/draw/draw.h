/* SPDX-License-Identifier: Apache-2.0 */
/* draw.h - training tiles: what they are drawn from, and how */
#ifndef UN_DRAW_H
#define UN_DRAW_H

#include "image/reading.h"
#include "unet_train.h"

/* What a training step needs of one sample. */
struct un_tile {
    int in_side, out_side; /* square; the output lies in the middle of the input */
    float *input;          /* [in_side][in_side][channels] */
    uint8_t *labels;       /* [out_side][out_side] */
    float *weights;        /* [out_side][out_side]: 0 where there is no label */
    void *scratch;         /* un_tile_scratch() bytes; two tiles drawn at a time have two */
};

/* Where centres of tiles lie, for one image: a pixel's chance is its weight over the sum of all. */
struct un_focus {
    double *rows; /* [height]: sum of the weights of all pixels of rows 0 .. y; from malloc */
    float at_foreground, at_background, at_ignored;
};

/* Makes the table; rows NULL where all weights are 0 or no pixel of the image has one.  The caller
 * frees rows.  UNET_ENOMEM. */
unet_code un_focus_make(const unet_augment *augment, const uint8_t *mask, int height, int width,
                        struct un_focus *focus, unet_error *err);

/* Draws a pixel; a and b are 32 random bits each. */
void un_focus_draw(const struct un_focus *focus, const uint8_t *mask, int height, int width,
                   uint32_t a, uint32_t b, int *y, int *x);

/* An image as training knows it. */
struct un_example {
    const struct un_reading *reading; /* of a whole image that the data set has */
    const uint8_t *mask;              /* [height][width] */
    const float *class_weights;       /* [labels], or NULL: all 1 */
    const float *extra;               /* [height][width], is added to that; or NULL */
    const struct un_focus *focus;     /* or NULL: all pixels alike */
};

/* Bytes of scratch memory that drawing a tile takes; 0: none. */
size_t un_tile_scratch(const unet_augment *augment, int in_side, int out_side, int channels);

/*
 * Draws one training tile: a random place of the image at which the output's window lies inside it
 * (where it can), changed as augment says by random numbers of stream key; one resampling in all,
 * and none when only flips and quarter turns are asked for.  The same arguments give the same bits.
 */
void un_tile_draw(const struct un_example *example, const unet_augment *augment, uint64_t key,
                  const struct un_tile *tile);

#endif
