/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_result.c - the tiles of a result, and where their pixels go
 *
 * The frame of a pass is cut into tiles from its first pixel on; a target is a map that the frame
 * lies over in any way: smaller, larger, or beside.  The kernel is told which of the pixels of a
 * row of tiles there are.  Windows of a 2x2 pooling lie in tiles as a whole.
 */
#include "cpu/winograd/winograd.h"

/* Points r at the maxima of a row of tiles, whose first is pixel (y, x) of the pooled map. */
static void pool_run(const struct un_output *to, int n, int block, int y, int x, int count,
                     struct un_winograd_result *r)
{
    const struct un_shape *map = &to->pooled.shape;
    r->pools = true;
    r->pooled_pixels = un_min(map->w - x, 2 * count);
    for (int i = 0; i < 2 && y + i < map->h && x < map->w; i++)
        r->pooled[i] = un_row(&to->pooled, n, block, y + i) + (ptrdiff_t)x * UN_BLOCK;
}

/* A row of tiles of one output block. */
static void write_run(const struct un_kernels *k, const struct un_tiles *tiles,
                      const struct un_output *to, int block, int row, int column, int count,
                      const float *m, ptrdiff_t by_frequency, un_moments *sums)
{
    const struct un_channels out =
        un_channels_of(to->target[0].dst.shape.c, to->target[1].dst.shape.c, block);
    const struct un_target *t = &to->target[out.source];
    const struct un_shape *map = &t->dst.shape, *frame = &tiles->frame;
    const int n = row / tiles->rows, frame_y = row % tiles->rows * 4, frame_x = 4 * column;
    const int y = frame_y + t->top, x = frame_x + t->left;
    struct un_winograd_result r = {
        .m = m,
        .by_frequency = by_frequency,
        .column = x,
        .rows = {un_max(-y, 0), un_min(un_min(map->h - y, frame->h - frame_y), 4)},
        .columns = {un_max(-x, 0), un_min(un_min(map->w - x, frame->w - frame_x), 4 * count)},
        .bias = to->bias ? to->bias + block * UN_BLOCK : NULL,
        .act = to->act,
        .finish = t->finish};
    for (int i = r.rows.first; i < r.rows.end; i++) {
        r.dst[i] = un_row(&t->dst, n, out.block, y + i);
        if (!to->bias && t->finish.act.kind != UN_ACT_NONE)
            r.y[i] = un_row(&t->y, n, out.block, y + i);
    }
    if (to->pooled.shape.c)
        pool_run(to, n, block, frame_y / 2, frame_x / 2, count, &r);
    k->winograd_result(&r, count);
    /* what was written is still in the first-level cache */
    for (int i = r.rows.first; sums && i < r.rows.end; i++)
        k->moments_row(r.dst[i] + (ptrdiff_t)(x + r.columns.first) * UN_BLOCK, *sums,
                       r.columns.end - r.columns.first);
}

void un_tiles_result(const struct un_kernels *k, const struct un_tiles *tiles,
                     const struct un_output *to, int block, int first, int count, const float *m,
                     ptrdiff_t by_frequency, un_moments *sums)
{
    const int blocks = un_blocks(to->target[0].dst.shape.c);
    for (int t = 0; t < count;) {
        int row = (first + t) / tiles->columns, column = (first + t) % tiles->columns;
        int run = un_min(tiles->columns - column, count - t);
        write_run(k, tiles, to, block, row, column, run, m + (ptrdiff_t)t * UN_BLOCK, by_frequency,
                  sums ? sums + row * blocks + block : NULL);
        t += run;
    }
}

/* A target, and the rows and columns of its map that the frame covers. */
struct beside {
    const struct un_kernels *k;
    const struct un_target *to;
    struct un_range rows, columns;
};

static void finish_row(void *context, int i, int thread)
{
    const struct beside *s = context;
    const struct un_target *to = s->to;
    const struct un_shape *map = &to->dst.shape;
    const int n = i / map->h / un_blocks(map->c), b = i / map->h % un_blocks(map->c);
    const int y = i % map->h, right = s->columns.end * UN_BLOCK;
    const int end = y >= s->rows.first && y < s->rows.end ? s->columns.first : map->w;
    float *d = un_row(&to->dst, n, b, y);
    const float *v = to->finish.act.kind != UN_ACT_NONE ? un_row(&to->y, n, b, y) : NULL;
    (void)thread;
    s->k->finish_row(d, v, to->finish, end);
    if (end < map->w)
        s->k->finish_row(d + right, v ? v + right : NULL, to->finish, map->w - s->columns.end);
}

/* What of an axis of a map a frame covers that begins at `from`. */
static struct un_range covered(int from, int frame, int map)
{
    const int first = un_min(un_max(from, 0), map);
    return (struct un_range){first, un_max(un_min(from + frame, map), first)};
}

static void finish_beside(struct un_engine *e, const struct un_tiles *tiles,
                          const struct un_target *to)
{
    const struct un_shape *map = &to->dst.shape;
    struct beside s = {.k = un_cpu_kernels(e),
                       .to = to,
                       .rows = covered(to->top, tiles->frame.h, map->h),
                       .columns = covered(to->left, tiles->frame.w, map->w)};
    if (s.rows.end - s.rows.first < map->h || s.columns.end - s.columns.first < map->w)
        un_pool_run(e->pool, map->n * un_blocks(map->c) * map->h, finish_row, &s);
}

void un_finish_beside(struct un_engine *e, const struct un_tiles *tiles, const struct un_output *to)
{
    for (int s = 0; s < 2 && to->target[s].dst.shape.c; s++)
        finish_beside(e, tiles, &to->target[s]);
}
