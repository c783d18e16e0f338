/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_tiles.c - the tiles of a frame, and the pixels that each is made of
 *
 * Neighbouring tiles that lie inside the map are handed to the kernel in one call, in place.  A
 * tile at the edge is handed over alone: rows outside are a row of zeros, and rows that leave the
 * map sideways are copied with zeros around them.
 */
#include "cpu/winograd/winograd.h"

#include <string.h>

bool un_winograd_takes(const struct un_engine *e, const struct un_conv *c)
{
    return !e->exact && c->kind == UN_CONV3X3 && c->src[0].tensor.layout == UN_FEATURES &&
           c->dst.layout == UN_FEATURES;
}

struct un_tiles un_tiles_of(struct un_shape frame)
{
    struct un_tiles t = {frame, un_ceil_div(frame.h, 4), un_ceil_div(frame.w, 4), 0};
    t.count = frame.n * t.rows * t.columns;
    return t;
}

struct un_channels un_channels_of(int channels0, int channels1, int block)
{
    int first = un_blocks(channels0);
    if (block < first)
        return (struct un_channels){0, block, block * UN_BLOCK,
                                    un_min(UN_BLOCK, channels0 - block * UN_BLOCK)};
    block -= first;
    return (struct un_channels){1, block, channels0 + block * UN_BLOCK,
                                un_min(UN_BLOCK, channels1 - block * UN_BLOCK)};
}

struct un_patch un_patch_at(float *memory)
{
    memset(memory, 0, 6 * UN_BLOCK * sizeof *memory);
    return (struct un_patch){memory, memory + 6 * UN_BLOCK};
}

/* A row of tiles of one image, and the map they are read from. */
struct run {
    const struct un_tensor *map;
    int n, block;
    int row, column; /* pixel of the map where the first tile begins */
    int side;        /* of a tile: 6 or 4 */
    float *sum;      /* of 4: [16] += its pixels, or NULL */
};

/* Points row[] at the pixels of tile t; false when some are not in the map. */
static bool in_place(const struct run *r, int t, const float *row[6])
{
    const struct un_shape *s = &r->map->shape;
    int x = r->column + 4 * t;
    if (r->row < 0 || r->row + r->side > s->h || x < 0 || x + r->side > s->w)
        return false;
    for (int i = 0; i < r->side; i++)
        row[i] = un_row(r->map, r->n, r->block, r->row + i) + (ptrdiff_t)x * UN_BLOCK;
    return true;
}

static void patched(const struct run *r, int t, const struct un_patch *patch, const float *row[6])
{
    const struct un_shape *s = &r->map->shape;
    int x = r->column + 4 * t;
    for (int i = 0; i < r->side; i++) {
        int y = r->row + i;
        float *copy = patch->copy + i * 6 * UN_BLOCK;
        if (y < 0 || y >= s->h)
            row[i] = patch->zeros;
        else if (x >= 0 && x + r->side <= s->w)
            row[i] = un_row(r->map, r->n, r->block, y) + (ptrdiff_t)x * UN_BLOCK;
        else {
            un_copy_padded(r->map, r->n, r->block, y, x, r->side, copy);
            row[i] = copy;
        }
    }
}

static void transform_run(const struct un_kernels *k, const struct run *r, int count,
                          const struct un_patch *patch, float *v, ptrdiff_t by_frequency)
{
    const float *row[6];
    for (int t = 0; t < count;) {
        int tiles = 1;
        if (in_place(r, t, row))
            tiles = un_min(count - t, (r->map->shape.w - r->side - r->column - 4 * t) / 4 + 1);
        else
            patched(r, t, patch, row);
        if (r->side == 6)
            k->winograd_source(row, tiles, v + t * UN_BLOCK, by_frequency);
        else
            k->winograd_gradient(row, tiles, v + t * UN_BLOCK, by_frequency, r->sum);
        t += tiles;
    }
}

static void transform_tiles(const struct un_kernels *k, const struct un_tiles *tiles,
                            const struct un_operand *src, int block, int side, int first, int count,
                            const struct un_patch *patch, float *v, ptrdiff_t by_frequency,
                            float *sum)
{
    for (int t = first, end = first + count; t < end;) {
        int row = t / tiles->columns, column = t % tiles->columns;
        struct run r = {&src->tensor,
                        row / tiles->rows,
                        block,
                        row % tiles->rows * 4 + src->top,
                        column * 4 + src->left,
                        side,
                        sum};
        int run = un_min(tiles->columns - column, end - t);
        transform_run(k, &r, run, patch, v + (t - first) * UN_BLOCK, by_frequency);
        t += run;
    }
}

void un_tiles_source(const struct un_kernels *k, const struct un_tiles *tiles,
                     const struct un_operand *src, int block, int first, int count,
                     const struct un_patch *patch, float *v, ptrdiff_t by_frequency)
{
    transform_tiles(k, tiles, src, block, 6, first, count, patch, v, by_frequency, NULL);
}

void un_tiles_gradient(const struct un_kernels *k, const struct un_tiles *tiles,
                       const struct un_tensor *d, int block, int first, int count,
                       const struct un_patch *patch, float *v, ptrdiff_t by_frequency, float *sum)
{
    struct un_operand src = {*d, 0, 0};
    transform_tiles(k, tiles, &src, block, 4, first, count, patch, v, by_frequency, sum);
}
