/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_geo.h - the tags of GeoTIFF (OGC 19-008r4): where on earth a page lies */
#ifndef UN_TIFF_GEO_H
#define UN_TIFF_GEO_H

#include "image/geometry.h"
#include "image/tiff/tiff_io.h"

enum {
    UN_GEO_SCALE,
    UN_GEO_TIES,
    UN_GEO_MATRIX,
    UN_GEO_KEYS,
    UN_GEO_DOUBLES,
    UN_GEO_TEXT,
    UN_GEOS
};

/* The tags as they stand in a file; count 0: not there. */
struct un_geo {
    struct {
        uint32_t count;
        void *data; /* doubles; uint16_t of UN_GEO_KEYS; char of UN_GEO_TEXT */
    } tag[UN_GEOS];
};

/* Those of the current IFD; what cannot be read is left out.  Release it. */
void un_geo_read(TIFF *tif, struct un_geo *geo);
void un_geo_release(struct un_geo *geo);

/* The place of a page of these sides that they tell of. */
void un_geo_place(const struct un_geo *geo, int height, int width, struct un_place *place);

/* Into the IFD that is being made. */
void un_geo_write(TIFF *tif, const struct un_geo *geo);

#endif
