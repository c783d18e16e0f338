/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_split.h - one component cut where it is narrow
 *
 * Watershed on the distance to what is not the object: pixels are taken from the innermost to the
 * outermost, those of equal distance in raster order.  One without neighbours of a part begins a
 * part; others go to the neighbour that lies deepest.  Where two parts meet, the part whose
 * greatest distance is less than `depth` above the distance there becomes one with the other (Meyer
 * and Beucher's flooding, with the h-maxima as markers).  At last parts smaller than minimum_area
 * become one with the part that they meet deepest inside.
 */
#ifndef UN_OBJECTS_SPLIT_H
#define UN_OBJECTS_SPLIT_H

#include "objects/objects_window.h"

#define UN_SPLIT_BYTES 24 /* for a pixel of the component's box and the ring around it */

struct un_split {
    int top, left, height, width; /* the box, with a ring of one pixel where the image has one */
    uint32_t id;                  /* of the component */
    double depth;
    int minimum_area;
};

/*
 * parts [height][width], from malloc: 0: not the component, else 1..*count in raster order of first
 * pixels.  The window holds the rows.
 */
unet_code un_split_component(const struct un_split *split, const struct un_window *window,
                             uint32_t **parts, uint32_t *count, unet_error *err);

#endif
