/* SPDX-License-Identifier: Apache-2.0 */
/* outline_trace.h - the rings around an object's pixels, along their edges */
#ifndef UN_OUTLINE_TRACE_H
#define UN_OUTLINE_TRACE_H

#include <stdbool.h>

#include "base/error.h"

/* Pixels of an object: rows from `top` on, each as runs from left to right with gaps between. */
struct un_pixels {
    int top, rows;
    size_t *first;  /* [rows] of the runs: where a row's begin */
    int (*runs)[2]; /* columns: the first one, and the one behind the last */
    size_t count, row_room, run_room;
};

/* Begins anew, the next row, a run of it; one that touches the run before makes it longer.
 * UNET_ENOMEM. */
void un_pixels_empty(struct un_pixels *pixels, int top);
unet_code un_pixels_row(struct un_pixels *pixels, unet_error *err);
unet_code un_pixels_run(struct un_pixels *pixels, int start, int end, unet_error *err);
void un_pixels_release(struct un_pixels *pixels);

/* The run behind the last one of a row, counted from 0. */
size_t un_pixels_end(const struct un_pixels *pixels, int row);

struct un_traced_ring {
    size_t first, count; /* of the points */
    uint32_t part;       /* from 1 */
    bool hole;
};

/* Rings along the edges of pixels, each corner once: of a part first the outer one, then its holes.
 */
struct un_traced {
    int (*points)[2]; /* x, y */
    struct un_traced_ring *rings;
    size_t point_count, point_room, ring_count, ring_room;
    uint32_t parts;
    uint64_t area; /* pixels */
};

/* About the most bytes that tracing so many runs takes. */
uint64_t un_trace_bytes(size_t runs);

/*
 * Traces the pixels.  `traced` is emptied first and keeps its room for the next one.  UNET_ENOMEM.
 *
 *   corners  pixels that touch by a corner alone hang together, and rings touch themselves there;
 *            else those of one part do by their sides, and rings are simple polygons
 */
unet_code un_trace(const struct un_pixels *pixels, bool corners, struct un_traced *traced,
                   unet_error *err);
void un_traced_release(struct un_traced *traced);

#endif
