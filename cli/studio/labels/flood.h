/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.h - the pixels that are joined with one by their sides and have its label
 *
 * Labels come tile by tile from a function, so nothing is read but what the area touches.
 */
#ifndef FLOOD_H
#define FLOOD_H

#include "studio/labels/stroke.h"

struct flood_source {
    int height, width;
    /* Labels [rect.height][rect.width] of a tile. */
    unet_code (*read)(void *context, struct studio_rect rect, uint8_t *labels, unet_error *err);
    void *context;
};

enum { FLOOD_PIXELS = 16 << 20, FLOOD_TILES = 1024 }; /* most that it takes */

/*
 * Fills from (x, y), which lies within, and makes runs of stroke, whose label they get, and its
 * rect; use_found: 1: the label that was found at (x, y) instead.  Where that is UNET_IGNORE and
 * use_found, there is nothing to take: EINVAL, as for an area that is too large.
 */
unet_code flood(const struct flood_source *source, int x, int y, int use_found,
                struct stroke *stroke, unet_error *err);

#endif
