/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_moments.c - mean and variance of a result, while its pixels are in the cache
 *
 * A task writes a run of neighbouring tiles, which touches a few rows of tiles; two tasks may share
 * one.  Tasks are numbered in the order of their tiles, so with each step from a row, or a task, to
 * the next, row + task grows: what a task writes of a row has the slot row + task for itself.  The
 * slots are added up in order, so the number of threads has no say.
 */
#include "cpu/winograd/winograd_plan.h"

#include <string.h>

static int images_rows(const struct un_winograd *p)
{
    return p->tiles.frame.n * p->tiles.rows;
}

static int task_count(const struct un_winograd *p)
{
    return p->deep ? un_ceil_div(p->tiles.count, p->room) * p->parts : p->tasks;
}

/* The first tile of a task; of the one behind the last: how many there are. */
static int first_tile(const struct un_winograd *p, int task)
{
    if (!p->deep)
        return un_piece(p->tiles.count, p->tasks, task);
    const int at = un_min(task / p->parts * p->room, p->tiles.count);
    return at + un_part_first(p, un_min(p->room, p->tiles.count - at), task % p->parts);
}

static size_t slots(const struct un_winograd *p)
{
    return (size_t)(images_rows(p) + task_count(p)) * (size_t)p->out_blocks;
}

/* The totals of each image come first. */
static size_t totals(const struct un_winograd *p)
{
    return (size_t)p->tiles.frame.n * (size_t)p->out_blocks;
}

size_t un_sums_floats(const struct un_winograd *p)
{
    return p->measures ? (totals(p) + slots(p)) * (sizeof(un_moments) / sizeof(float)) : 0;
}

void un_sums_clear(const struct un_winograd *p)
{
    if (p->measures)
        memset(p->sums, 0, un_sums_floats(p) * sizeof(float));
}

un_moments *un_sums_of(const struct un_winograd *p, int task)
{
    return p->measures ? p->sums + totals(p) + (size_t)task * (size_t)p->out_blocks : NULL;
}

static void add(un_moments *to, const un_moments *sums, int blocks)
{
    for (int b = 0; b < blocks; b++)
        for (int c = 0; c < UN_BLOCK; c++) {
            to[b][0][c] += sums[b][0][c];
            to[b][1][c] += sums[b][1][c];
        }
}

void un_sums_measure(const struct un_winograd *p, const struct un_norm *norm)
{
    const struct un_tiles *tiles = &p->tiles;
    for (int task = 0; task < task_count(p); task++) {
        const int first = first_tile(p, task), end = first_tile(p, task + 1);
        for (int row = first / tiles->columns; row * tiles->columns < end; row++)
            add(p->sums + (norm->groups ? row / tiles->rows : 0) * p->out_blocks,
                un_sums_of(p, task) + (ptrdiff_t)row * p->out_blocks, p->out_blocks);
    }
    un_norm_measure(p->to.target[0].dst.shape, norm, p->sums, 1);
}
