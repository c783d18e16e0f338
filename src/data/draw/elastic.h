/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elastic.h - a smooth random displacement of the pixels of a tile
 *
 * (Ronneberger, Fischer, Brox 2015, section 3.1): vectors on a coarse grid, each component normal
 * with mean 0 and the given standard deviation, and bicubic interpolation between them
 * (Catmull-Rom: the displacement at a grid point is its vector).
 */
#ifndef UN_ELASTIC_H
#define UN_ELASTIC_H

#include <stddef.h>
#include <stdint.h>

struct un_elastic {
    int side;       /* of the tile */
    double spacing; /* pixels between grid points; grid point (1, 1) is the tile's first pixel */
    int points;     /* grid points of a side, one ring beyond the tile on each side included */
    float *vectors; /* [points][points][2]: y, x */
    float *row;     /* [points][2]: the vectors, interpolated between rows for one row of pixels */
    float *taps;    /* [side][4]: Catmull-Rom's weights for each pixel of a side */
    int *first;     /* [side]: the grid point that the first of them is for */
};

/* Bytes of memory for a tile of this side; grid 0: 3x3 points over it. */
size_t un_elastic_bytes(int side, float grid);

/* Draws the vectors by stream key; everything lies in memory, which is 8-byte aligned. */
void un_elastic_draw(struct un_elastic *elastic, int side, float deviation, float grid,
                     uint64_t key, void *memory);

/* Prepares a row of pixels; then un_elastic_at() tells the displacement of each. */
void un_elastic_row(const struct un_elastic *elastic, int y);

static inline void un_elastic_at(const struct un_elastic *elastic, int x, double *dy, double *dx)
{
    const float *tap = elastic->taps + 4 * (size_t)x;
    const float *v = elastic->row + 2 * (size_t)elastic->first[x];
    *dy = (double)(tap[0] * v[0] + tap[1] * v[2] + tap[2] * v[4] + tap[3] * v[6]);
    *dx = (double)(tap[0] * v[1] + tap[1] * v[3] + tap[2] * v[5] + tap[3] * v[7]);
}

/* Catmull-Rom's weights for a point t in 0..1 between the second and the third of four. */
void un_catmull_rom(float t, float weight[4]);

#endif
