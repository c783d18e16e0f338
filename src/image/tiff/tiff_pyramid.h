/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_pyramid.h - the smaller levels of a page, made of its rows as they come
 *
 * Each level has half the sides of the one before, rounded up; the last one's are at most
 * UN_PYRAMID_LAST.  A pixel is made of the four (at the edges two, or one) that it covers: what
 * most of them are, and of equally many the first by rows; of pictures and floats their mean.
 */
#ifndef UN_TIFF_PYRAMID_H
#define UN_TIFF_PYRAMID_H

#include "base/scratch.h"
#include "image/sink.h"

enum { UN_PYRAMID_LAST = 512, UN_PYRAMID_LEVELS = 12 /* of 1,048,576 pixels */ };

struct un_level {
    struct un_sink_page page; /* that of the whole, with its own sides */
    struct un_scratch file;
    uint8_t *waiting, *row; /* of what the level is made of, and of itself */
    int taken;              /* rows of what it is made of */
};

struct un_pyramid {
    struct un_sink_page page;
    int count;
    struct un_level level[UN_PYRAMID_LEVELS];
};

/* How many levels there are below a page. */
int un_pyramid_count(const struct un_sink_page *page);

/* Their rows wait in unnamed files in the folder of path.  Release it in any case. */
unet_code un_pyramid_begin(struct un_pyramid *pyramid, const struct un_sink_page *page,
                           const char *path, unet_error *err);
/* The next row of the page. */
unet_code un_pyramid_row(struct un_pyramid *pyramid, const void *row, unet_error *err);
/* Row y of a level, when all rows of the page are there. */
unet_code un_pyramid_read(struct un_pyramid *pyramid, int level, int y, void *row, unet_error *err);
void un_pyramid_release(struct un_pyramid *pyramid);

/* Bytes that it holds. */
size_t un_pyramid_working(const struct un_sink_page *page);

#endif
