/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tile.h - from an image to a tile of network input
 *
 * Positions outside of an image are mirrored without repeating the edge pixel: -1 is 1, H is H - 2.
 */
#ifndef UN_TILE_H
#define UN_TILE_H

#include "data/dataset.h"

/* What one sample of an image is for the network; see struct un_scaling. */
struct un_reading {
    const unet_image *image; /* all of it, or some of its rows */
    int top, height;         /* the first row that image holds; the rows of all of it */
    int channels;            /* of the network; an image of another count is read as its grey */
    float offset, scale;
};

/*
 * Whether a network of `channels` can take this image: the same count, a grey image (replicated),
 * or for channels = 1 an image whose channels are all equal.  UNET_EINVAL: "name: 3 channels, the
 * model takes 1".
 */
unet_code un_reading_check(const unet_image *image, const char *name, int channels,
                           unet_error *err);

/* scaling may be NULL: the defaults for the sample type.  image is all of it; with
 * scaling->per_image all its samples are looked at. */
struct un_reading un_reading_of(const unet_image *image, int channels,
                                const struct un_scaling *scaling);

/* Mirrors position i into 0..n-1. */
int un_mirror(int i, int n);

/* Sums of samples and of their squared distances from a mean, in their order: what per_image needs
 * when an image comes in parts. */
void un_tile_sum(const unet_image *part, double *sum);
void un_tile_squares(const unet_image *part, double mean, double *sum);

/* Sets the offset and scale that bring samples of this mean and these squares to 0 and 1. */
void un_reading_standardize(struct un_reading *reading, double mean, double squares, double count);

/* The rectangle at (top, left), which may lie beyond the image, as [height][width][channels]; the
 * rows that it needs are there. */
void un_tile_read(const struct un_reading *reading, int top, int left, int height, int width,
                  float *tile);

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
struct un_place {
    const struct un_reading *reading; /* of a whole image */
    const uint8_t *mask;              /* [height][width] */
    const float *class_weights;       /* [labels], or NULL: all 1 */
    const float *extra;               /* [height][width], is added to that; or NULL */
    const struct un_focus *focus;     /* or NULL: places alike */
};

/* Bytes of scratch memory that drawing a tile takes; 0: none. */
size_t un_tile_scratch(const unet_augment *augment, int in_side, int out_side, int channels);

/*
 * Draws one training tile: a random place of the image at which the output's window lies inside it
 * (where it can), changed as augment says by random numbers of stream key; one resampling in all,
 * and none when only flips and quarter turns are asked for.  The same arguments give the same bits.
 */
void un_tile_draw(const struct un_place *place, const unet_augment *augment, uint64_t key,
                  const struct un_tile *tile);

#endif
