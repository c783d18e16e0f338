/* SPDX-License-Identifier: Apache-2.0 */
/* elastic.c - a smooth random displacement of the pixels of a tile */
#include "data/draw/draw.h"

#include <math.h>

#include "base/rng.h"

void un_catmull_rom(float t, float weight[4])
{
    weight[0] = ((-0.5f * t + 1) * t - 0.5f) * t;
    weight[1] = (1.5f * t - 2.5f) * t * t + 1;
    weight[2] = ((-1.5f * t + 2) * t + 0.5f) * t;
    weight[3] = (0.5f * t - 0.5f) * t * t;
}

/* Pixels between two grid points. */
static double spacing_of(int side, float grid)
{
    double spacing = grid > 0 ? (double)grid : (side - 1) / 2.0;
    return spacing < 1 ? 1 : spacing;
}

/* A pixel lies between points floor(p / spacing) + 1 and the next; each end needs one more. */
static int points_of(int side, double spacing)
{
    return (int)floor((side - 1) / spacing) + 4;
}

size_t un_elastic_bytes(int side, float grid)
{
    size_t points = (size_t)points_of(side, spacing_of(side, grid));
    return (2 * points * points + 2 * points + 4 * (size_t)side) * sizeof(float) +
           (size_t)side * sizeof(int);
}

void un_elastic_draw(struct un_elastic *e, int side, float deviation, float grid, uint64_t key,
                     void *memory)
{
    e->side = side;
    e->spacing = spacing_of(side, grid);
    e->points = points_of(side, e->spacing);
    size_t count = 2 * (size_t)e->points * (size_t)e->points;
    e->vectors = memory;
    e->row = e->vectors + count;
    e->taps = e->row + 2 * (size_t)e->points;
    e->first = (int *)(e->taps + 4 * (size_t)side);
    for (size_t i = 0; i < count; i++)
        e->vectors[i] = deviation * un_rng_normal(key, i);
    for (int x = 0; x < side; x++) {
        double at = x / e->spacing;
        e->first[x] = (int)floor(at);
        un_catmull_rom((float)(at - e->first[x]), e->taps + 4 * (size_t)x);
    }
}

void un_elastic_row(const struct un_elastic *e, int y)
{
    const float *tap = e->taps + 4 * (size_t)y;
    const size_t stride = 2 * (size_t)e->points;
    const float *v = e->vectors + stride * (size_t)e->first[y];
    for (size_t i = 0; i < stride; i++)
        e->row[i] = tap[0] * v[i] + tap[1] * v[i + stride] + tap[2] * v[i + 2 * stride] +
                    tap[3] * v[i + 3 * stride];
}
