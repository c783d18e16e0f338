/* SPDX-License-Identifier: Apache-2.0 */
/* studio_day.h - the journal of a day of painting */
#ifndef STUDIO_DAY_H
#define STUDIO_DAY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "studio/labels/journal.h"
#include "studio/labels/stroke.h"

static uint32_t state_of_random = 7;
static inline int below(int limit)
{
    state_of_random = state_of_random * 1664525u + 1013904223u;
    return (int)((state_of_random >> 8) % (uint32_t)limit);
}

static inline void put32(FILE *stream, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        fputc((int)(value >> (8 * i) & 255), stream);
}

/* A journal of version 1, of lines of 60 points all over images of side x side. */
static inline void write_day(const char *path, int strokes, int images, int side)
{
    FILE *stream = fopen(path, "wb");
    int32_t points[2 * 60];

    fwrite("unet strokes 1\n", 1, 16, stream);
    for (int i = 0; i < strokes; i++) {
        struct stroke stroke = {.kind = STROKE_LINE,
                                .image = below(images),
                                .label = (uint8_t)below(3),
                                .seq = i + 1,
                                .client = "a-client",
                                .radius = 16 * 6,
                                .count = 60,
                                .points = points};
        size_t size;
        uint8_t *bytes;

        for (int k = 0; k < 120; k++)
            points[k] = k < 2 ? below(side * 16) : points[k - 2] + below(100) - 50;
        stroke_bound(&stroke, side, side);
        bytes = stroke_pack(&stroke, &size);
        put32(stream, 0x4b525453u);
        put32(stream, (uint32_t)size);
        put32(stream, crc32_of(0, bytes, size));
        fwrite(bytes, 1, size, stream);
        free(bytes);
    }
    fclose(stream);
}

#endif
