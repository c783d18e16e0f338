/* SPDX-License-Identifier: Apache-2.0 */
/*
 * augment_scene.h - tiles for tests of augmentation
 *
 * Where a tile's pixels come from is not told by un_tile_draw(), but shown by it: an image whose
 * two channels are its own rows and columns, drawn with the same key, has the positions as its
 * values, since linear interpolation of a ramp is that ramp (and mirrored where the image is).
 */
#ifndef AUGMENT_SCENE_H
#define AUGMENT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/draw/draw.h"

/* A drawn tile and all its memory. */
struct drawn {
    struct un_tile tile;
    size_t scratch;
};

enum { CANARY = 16 };

static inline struct drawn drawn_create(const unet_augment *augment, int in_side, int out_side,
                                        int channels)
{
    size_t in = (size_t)in_side * (size_t)in_side, out = (size_t)out_side * (size_t)out_side;
    struct drawn d = {.tile = {in_side, out_side, malloc(in * (size_t)channels * sizeof(float)),
                               malloc(out), malloc(out * sizeof(float)), NULL},
                      .scratch = un_tile_scratch(augment, in_side, out_side, channels)};
    d.tile.scratch = malloc(d.scratch + CANARY);
    memset(d.tile.scratch, 0x5a, d.scratch + CANARY);
    return d;
}

/* Fails when something was written beyond the scratch memory asked for. */
static inline void drawn_release(struct drawn *d)
{
    const unsigned char *end = (unsigned char *)d->tile.scratch + d->scratch;
    for (int i = 0; i < CANARY; i++)
        assert_int_equal(end[i], 0x5a);
    free(d->tile.input);
    free(d->tile.labels);
    free(d->tile.weights);
    free(d->tile.scratch);
}

/* An image of rows and columns. */
static inline unet_image positions_image(int height, int width)
{
    size_t count = (size_t)height * (size_t)width;
    float *data = malloc(2 * count * sizeof *data);
    for (size_t i = 0; i < count; i++) {
        data[2 * i] = (float)(i / (size_t)width);
        data[2 * i + 1] = (float)(i % (size_t)width);
    }
    return (unet_image){height, width, 2, UNET_F32, 1, data};
}

/* positions [in_side][in_side][2] of a tile that is drawn with this key; what changes values is
 * left out, and so is cubic: they have no say in places. */
static inline void find_positions(const unet_augment *augment, const uint8_t *mask, int height,
                                  int width, const struct un_focus *focus, int in_side,
                                  int out_side, uint64_t key, float *positions)
{
    unet_augment plain = *augment;
    plain.cubic = 0;
    plain.grey = plain.curve = plain.noise = plain.blur = plain.channel = 0;
    unet_image image = positions_image(height, width);
    struct un_reading reading = un_reading_of(un_view_of(&image), 2, NULL);
    struct drawn d = drawn_create(&plain, in_side, out_side, 2);
    un_tile_draw(&(struct un_example){.reading = &reading, .mask = mask, .focus = focus}, &plain,
                 key, &d.tile);
    memcpy(positions, d.tile.input, (size_t)in_side * (size_t)in_side * 2 * sizeof *positions);
    drawn_release(&d);
    free(image.data);
}

#endif
