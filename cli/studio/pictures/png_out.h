/* SPDX-License-Identifier: Apache-2.0 */
/*
 * png_out.h - small pictures as PNG in memory
 *
 * Nothing is compressed: they go no further than to the browser beside us, and take a tenth of the
 * time so.
 */
#ifndef PNG_OUT_H
#define PNG_OUT_H

#include <stddef.h>
#include <stdint.h>

struct png_bytes {
    uint8_t *bytes; /* from malloc */
    size_t size;
};

/* pixels [height][width][channels], channels 1 or 3; rows `stride` bytes apart.  0: no memory. */
int png_picture(const uint8_t *pixels, int height, int width, int channels, size_t stride,
                struct png_bytes *png);

/* indices [height][width] into rgb; clear: the index that is transparent, -1: none. */
int png_indexed(const uint8_t *indices, int height, int width, size_t stride,
                const uint8_t (*rgb)[3], int colors, int clear, struct png_bytes *png);

#endif
