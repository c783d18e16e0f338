/* SPDX-License-Identifier: Apache-2.0 */
/* draw.h - training tiles: what they are drawn from, and how */
#ifndef UN_DRAW_H
#define UN_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "image/reading.h"
#include "unet_train.h"

/* What a training step needs of one sample. */
struct un_tile {
    int in_side, out_side; /* square; the output lies in the middle of the input */
    float *input;          /* [in_side][in_side][channels] */
    uint8_t *labels;       /* [out_side][out_side]: outputs of the network, or UNET_IGNORE */
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
    const float *factor;              /* [height][width], times the sum of those; or NULL: 1 */
    const uint8_t *rims;              /* [height][width] as un_rims_make() has them; or NULL */
    int classes;                      /* of the network, where there are rims */
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

/* ---- elastic.c: a smooth random displacement of the pixels of a tile ---- */

/*
 * (Ronneberger, Fischer, Brox 2015, section 3.1): vectors on a coarse grid, each component normal
 * with mean 0 and the given standard deviation, and bicubic interpolation between them
 * (Catmull-Rom: the displacement at a grid point is its vector).
 */

struct un_elastic {
    int side;       /* of the tile */
    double spacing; /* pixels between grid points; grid point (1, 1) is the tile's first pixel */
    int points;     /* grid points of a side, one ring beyond the tile on each side included */
    float *vectors; /* [points][points][2]: y, x */
    float *row;     /* [points][2]: the vectors, interpolated between rows for one row of pixels */
    float *taps;    /* [side][4]: Catmull-Rom's weights for each pixel of a side */
    int *first;     /* [side]: the grid point that the first of them is for */
};

/* Bytes of memory for a tile of this side; grid 0: 3x3 points over it. */
size_t un_elastic_bytes(int side, float grid);

/* Draws the vectors by stream key; everything lies in memory, which is 8-byte aligned. */
void un_elastic_draw(struct un_elastic *elastic, int side, float deviation, float grid,
                     uint64_t key, void *memory);

/* Prepares a row of pixels; then un_elastic_at() tells the displacement of each. */
void un_elastic_row(const struct un_elastic *elastic, int y);

static inline void un_elastic_at(const struct un_elastic *elastic, int x, double *dy, double *dx)
{
    const float *tap = elastic->taps + 4 * (size_t)x;
    const float *v = elastic->row + 2 * (size_t)elastic->first[x];
    *dy = (double)(tap[0] * v[0] + tap[1] * v[2] + tap[2] * v[4] + tap[3] * v[6]);
    *dx = (double)(tap[0] * v[1] + tap[1] * v[3] + tap[2] * v[5] + tap[3] * v[7]);
}

/* Catmull-Rom's weights for a point t in 0..1 between the second and the third of four. */
void un_catmull_rom(float t, float weight[4]);

/* ---- shade.c: random changes to the values of a tile ---- */

/*
 * In this order: grey curve, grey jitter, each channel by itself, blur, noise.  docs/training.md
 * has their formulas.
 */

/* Bytes of memory that un_shade() needs. */
size_t un_shade_bytes(const unet_augment *augment, int side, int channels);

/*
 * tile: [side][side][channels], values as the network takes them; key: of the tile's random
 * numbers. memory is 4-byte aligned.
 */
void un_shade(const unet_augment *augment, uint64_t key, int side, int channels, float *tile,
              void *memory);

/* The grey curve of strength c on the scale on which the data lie in 0..1: u holds four uniform
 * numbers 0..1, for black, white and the slopes at both. */
struct un_curve {
    float black, white, dark_slope, bright_slope;
};
struct un_curve un_curve_draw(float strength, const float u[4]);
float un_curve_at(const struct un_curve *curve, float value);

#endif
