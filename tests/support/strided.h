/* SPDX-License-Identifier: Apache-2.0 */
/* strided.h - the samples of an image laid out in memory in many ways, with views of them */
#ifndef TEST_STRIDED_H
#define TEST_STRIDED_H

#include <stdlib.h>
#include <string.h>

#include "image/image.h"

/* The layouts: C order, Fortran order, channels first, upside down and mirrored with channels
 * reversed, every second row, column and channel of a larger array, one byte off any alignment. */
enum { STRIDED_C, STRIDED_FORTRAN, STRIDED_PLANES, STRIDED_TURNED, STRIDED_GAPS, STRIDED_LOOSE };
enum { STRIDED_LAYOUTS = 6 };
static const char *const strided_names[] = {"C order",  "Fortran order", "planes",
                                            "reversed", "gaps",          "off by one byte"};

struct strided {
    unet_view view;
    char *memory; /* free() it */
};

/* What lies between the samples is not finite as float. */
static inline struct strided strided_make(const unet_image *image, int layout)
{
    const ptrdiff_t H = image->height, W = image->width, C = image->channels;
    const ptrdiff_t s = (ptrdiff_t)un_sample_bytes(image->sample);
    const ptrdiff_t steps[STRIDED_LAYOUTS][3] = {{W * C * s, C * s, s},
                                                 {s, H * s, H * W * s},
                                                 {W * s, s, H * W * s},
                                                 {-W * C * s, -C * s, -s},
                                                 {8 * W * C * s, 4 * C * s, 2 * s},
                                                 {W * C * s + 1, C * s, s}};
    const size_t bytes = (size_t)(16 * H * W * C * s + H + 1);
    struct strided made = {.memory = malloc(bytes)};
    char *first = made.memory;
    memset(made.memory, 0xff, bytes);
    if (layout == STRIDED_TURNED)
        first += (H * W * C - 1) * s;
    if (layout == STRIDED_LOOSE)
        first++;
    made.view = (unet_view){.data = first,
                            .height = image->height,
                            .width = image->width,
                            .channels = image->channels,
                            .row = steps[layout][0],
                            .column = steps[layout][1],
                            .channel = steps[layout][2],
                            .sample = image->sample,
                            .prepared = image->prepared};
    const char *from = image->data;
    for (ptrdiff_t y = 0; y < H; y++)
        for (ptrdiff_t x = 0; x < W; x++)
            for (ptrdiff_t c = 0; c < C; c++, from += s)
                memcpy(first + y * made.view.row + x * made.view.column + c * made.view.channel,
                       from, (size_t)s);
    return made;
}

#endif
