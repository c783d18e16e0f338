/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shade.h - random changes to the values of a tile
 *
 * In this order: grey curve, grey jitter, each channel by itself, blur, noise.  docs/training.md
 * has their formulas.
 */
#ifndef UN_SHADE_H
#define UN_SHADE_H

#include <stddef.h>

#include "base/error.h"
#include "unet_train.h"

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
