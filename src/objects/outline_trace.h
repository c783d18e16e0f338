/* SPDX-License-Identifier: Apache-2.0 */
/* outline_trace.h - the rings around an object's pixels, along their edges */
#ifndef UN_OUTLINE_TRACE_H
#define UN_OUTLINE_TRACE_H

#include <stdbool.h>

#include "base/error.h"

struct un_traced_ring {
    size_t first, count; /* of the points */
    uint32_t part;       /* from 1; pixels of one part hang together by their sides */
    bool hole;
};

/* Rings of simple polygons, each corner once: of a part first the outer one, then its holes. */
struct un_traced {
    int (*points)[2]; /* x, y */
    struct un_traced_ring *rings;
    size_t point_count, point_room, ring_count, ring_room;
    uint32_t parts;
    uint64_t area; /* pixels */
};

/* Bytes that tracing a box takes. */
uint64_t un_trace_bytes(int height, int width);

/*
 * Traces what is not 0 in inside [height][width], which is changed; top and left are added to the
 * points.  `traced` is emptied first and keeps its room for the next one.  UNET_ENOMEM.
 */
unet_code un_trace(uint8_t *inside, int height, int width, int top, int left,
                   struct un_traced *traced, unet_error *err);
void un_traced_release(struct un_traced *traced);

#endif
