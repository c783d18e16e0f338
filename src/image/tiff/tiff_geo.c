/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_geo.c - GeoTIFF's tags, read for the place of a page and kept for what is made of it
 *
 *     x = X + (column - I) * scale x,   y = Y - (row - J) * scale y     of one tie I, J, K, X, Y, Z
 *     x, y = matrix * (column, row, 0, 1)
 *
 * Columns and rows count from the corner of the first pixel, or from its middle where the keys say
 * that a pixel is a point.
 */
#include "image/tiff/tiff_geo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 65536 /* values of a tag */
#define RASTER_TYPE 1025
#define RASTER_POINT 2
#define GEOGRAPHIC_SYSTEM 2048
#define PROJECTED_SYSTEM 3072
#define OWN_SYSTEM 32767 /* told by other keys */

static const struct {
    uint32_t number;
    TIFFDataType type;
    size_t bytes;
    const char *name;
} tags[UN_GEOS] = {
    [UN_GEO_SCALE] = {33550, TIFF_DOUBLE, 8, "ModelPixelScale"},
    [UN_GEO_TIES] = {33922, TIFF_DOUBLE, 8, "ModelTiepoint"},
    [UN_GEO_MATRIX] = {34264, TIFF_DOUBLE, 8, "ModelTransformation"},
    [UN_GEO_KEYS] = {34735, TIFF_SHORT, 2, "GeoKeyDirectory"},
    [UN_GEO_DOUBLES] = {34736, TIFF_DOUBLE, 8, "GeoDoubleParams"},
    [UN_GEO_TEXT] = {34737, TIFF_ASCII, 1, "GeoAsciiParams"},
};

void un_geo_release(struct un_geo *geo)
{
    for (int i = 0; i < UN_GEOS; i++)
        free(geo->tag[i].data);
    *geo = (struct un_geo){0};
}

/* libtiff does not know these tags, so it hands them over with the type that they have. */
void un_geo_read(TIFF *tif, struct un_geo *geo)
{
    *geo = (struct un_geo){0};
    for (int i = 0; i < UN_GEOS; i++) {
        const TIFFField *field = TIFFFindField(tif, tags[i].number, TIFF_ANY);
        uint32_t count = 0;
        void *data = NULL;
        if (!field || TIFFFieldDataType(field) != tags[i].type || !TIFFFieldPassCount(field) ||
            TIFFFieldReadCount(field) != TIFF_VARIABLE2 ||
            !TIFFGetField(tif, tags[i].number, &count, &data) || !data || !count || count > MOST)
            continue;
        if (!(geo->tag[i].data = calloc(count + 1, tags[i].bytes)))
            continue;
        memcpy(geo->tag[i].data, data, count * tags[i].bytes);
        geo->tag[i].count = count;
    }
}

/* The value of a key that is a number of its own; 0: it is not there. */
static int find_key(const struct un_geo *geo, int key)
{
    const uint16_t *k = geo->tag[UN_GEO_KEYS].data;
    for (uint32_t i = 4; i + 3 < geo->tag[UN_GEO_KEYS].count; i += 4)
        if (k[i] == key && k[i + 1] == 0)
            return k[i + 3];
    return 0;
}

void un_geo_place(const struct un_geo *geo, int height, int width, struct un_place *place)
{
    const double *scale = geo->tag[UN_GEO_SCALE].data, *tie = geo->tag[UN_GEO_TIES].data;
    const double *matrix = geo->tag[UN_GEO_MATRIX].data;
    struct un_place made = {.kind = UN_PLACE_MAP, .count = {width, height, 1}, .step[2][2] = 1};
    if (geo->tag[UN_GEO_MATRIX].count == 16) {
        for (int i = 0; i < 2; i++) {
            made.step[0][i] = matrix[4 * i];
            made.step[1][i] = matrix[4 * i + 1];
            made.origin[i] = matrix[4 * i + 3];
        }
    } else if (geo->tag[UN_GEO_SCALE].count >= 2 && geo->tag[UN_GEO_TIES].count == 6) {
        made.step[0][0] = scale[0];
        made.step[1][1] = -scale[1];
        made.origin[0] = tie[3] - tie[0] * scale[0];
        made.origin[1] = tie[4] + tie[1] * scale[1];
    } else {
        return;
    }
    bool finite = true;
    for (int i = 0; i < 2; i++) {
        if (find_key(geo, RASTER_TYPE) != RASTER_POINT)
            made.origin[i] += (made.step[0][i] + made.step[1][i]) / 2;
        finite = finite && isfinite(made.origin[i]);
    }
    int system = find_key(geo, PROJECTED_SYSTEM);
    system = system ? system : find_key(geo, GEOGRAPHIC_SYSTEM);
    made.system = system == OWN_SYSTEM ? 0 : system;
    if (finite)
        *place = made;
}

void un_geo_write(TIFF *tif, const struct un_geo *geo)
{
    for (int i = 0; i < UN_GEOS; i++) {
        const bool text = tags[i].type == TIFF_ASCII;
        const TIFFFieldInfo info = {tags[i].number, TIFF_VARIABLE2,      TIFF_VARIABLE2,
                                    tags[i].type,   FIELD_CUSTOM,        1,
                                    !text,          (char *)tags[i].name /* only read */};
        if (!geo->tag[i].count)
            continue;
        TIFFMergeFieldInfo(tif, &info, 1);
        if (text)
            TIFFSetField(tif, tags[i].number, geo->tag[i].data);
        else
            TIFFSetField(tif, tags[i].number, geo->tag[i].count, geo->tag[i].data);
    }
}
