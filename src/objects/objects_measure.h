/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_measure.h - sums over the pixels of each object, row by row, and what follows from them
 *
 * All sums but those of float samples are of integers, and exact; floats are added in raster order.
 * docs/objects.md has the formulas.
 */
#ifndef UN_OBJECTS_MEASURE_H
#define UN_OBJECTS_MEASURE_H

#include "objects/objects_scratch.h"
#include "unet_objects.h"

__extension__ typedef unsigned __int128 un_wide;

struct un_sums {
    un_wide yy, xx, yx; /* of the squares and products of coordinates */
    uint64_t area, y, x;
    /* pixels whose neighbour there is of the object, too: what is left of area are entries of the
     * object along lines of that direction */
    uint64_t left, up, up_left, up_right;
    uint64_t whole; /* of integer samples */
    double real;    /* of float samples */
    float low, high;
    int top, first, bottom, last; /* rows and columns of the bounding box */
    uint8_t label, edge;
};

/* Sums in blocks that never move. */
struct un_sums_table {
    struct un_sums **blocks;
    size_t count, room; /* sums; blocks there is a place for */
};

struct un_sums *un_sums_at(const struct un_sums_table *table, size_t i);
unet_code un_sums_add(struct un_sums_table *table, uint8_t label, unet_error *err);
size_t un_sums_bytes(size_t count);
void un_sums_release(struct un_sums_table *table);

/* One row of runs; ids are 1 + places in the table, 0: background. */
struct un_measured_row {
    const struct un_run *runs, *above;
    size_t count, above_count;
    int y, height, width;
    unet_sample sample;
    const void *samples; /* [width]; NULL: no image */
};

void un_sums_row(struct un_sums_table *table, const struct un_measured_row *row);

struct un_scale {
    double height, width; /* of a pixel; 0: not known */
};

void un_sums_object(const struct un_sums *sums, const unet_sample *sample, struct un_scale scale,
                    unet_object *object);

#endif
