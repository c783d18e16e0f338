/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_plan.h - a pass of a convolution by tiles: how it is cut, and its transformed weights
 *
 * The result of a convolution and the gradient of its source are the same pass; see winograd.c.
 */
#ifndef UN_WINOGRAD_PLAN_H
#define UN_WINOGRAD_PLAN_H

#include "cpu/winograd/winograd.h"

struct un_winograd {
    const struct un_kernels *k;
    struct un_operand src[2];
    struct un_output to;
    struct un_tiles tiles;
    const float *scale; /* [out], or NULL */
    /* the weight (out, in, tap) is weight[base + out * by_out + in * by_in + tap * by_tap] */
    const float *weight;
    ptrdiff_t base, by_out, by_in, by_tap;
    /* derived from channels */
    int in[2], out[2]; /* channels */
    int in_blocks, depth, out_blocks, groups;
    size_t u_floats;
    /* derived from the number of tiles as well */
    bool deep;
    int part, parts;  /* deep: most tiles of a part (more never take less), and parts */
    int block, tasks; /* wide: tiles of a task, and tasks */
    int room;         /* deep: tiles that go at once */
    /* the result is measured: its sums, see winograd_moments.c */
    bool measures;
    un_moments *sums;
};

/* An odd number of cache lines, so that 36 frequencies do not meet in a few sets of the cache. */
static inline ptrdiff_t un_apart(int blocks, int tiles)
{
    return (ptrdiff_t)((blocks * tiles) | 1) * UN_BLOCK;
}

static inline int un_group_blocks(const struct un_winograd *p, int group)
{
    return un_min(p->k->blocks, p->out_blocks - group * p->k->blocks);
}

/* floats from one frequency of a group's U to the next */
static inline ptrdiff_t un_u_apart(const struct un_winograd *p)
{
    return un_apart(p->k->blocks, p->in_blocks * p->depth);
}

/* deep: the first tile of a part of `count` tiles; of the one behind the last: how many there are.
 * Parts consist of whole steps of the kernel. */
static inline int un_part_first(const struct un_winograd *p, int count, int part)
{
    const int steps = un_ceil_div(count, p->k->tile);
    return steps ? un_piece(count, steps, un_piece(steps, p->parts, part)) : 0;
}

static inline size_t un_u_floats(const struct un_winograd *p)
{
    return (size_t)(UN_FREQUENCIES * un_u_apart(p));
}

struct un_winograd un_winograd_plan_forward(const struct un_engine *e, const struct un_conv *c);
/* dsrc NULL: only to ask for sizes */
struct un_winograd un_winograd_plan_backward(const struct un_engine *e, const struct un_conv *c,
                                             struct un_tensor ddst, const struct un_gradient *dsrc);
/* Decides how p->tiles.count tiles are cut. */
void un_winograd_plan_tiles(struct un_winograd *p, const struct un_engine *e);
/* The most tiles that go deep at once. */
int un_winograd_deep_tiles(const struct un_winograd *p, const struct un_engine *e);

/* ---- winograd_moments.c: mean and variance of a result, from what the tasks that wrote it saw
 * ----
 */

/* floats of p->sums, which un_sums_clear() readies */
size_t un_sums_floats(const struct un_winograd *p);
void un_sums_clear(const struct un_winograd *p);
/* those of a task, whose number is that of its first tile's among all tasks; NULL: not wanted */
un_moments *un_sums_of(const struct un_winograd *p, int task);
void un_sums_measure(const struct un_winograd *p, const struct un_norm *norm);

/* Whether U is kept between calls; its floats, 0 when it is not. */
bool un_winograd_keeps(const struct un_winograd *p);
size_t un_winograd_kept_floats(const struct un_winograd *p);
/* U of one group for one block of inputs, to its place in the group's [frequency][input][lane]. */
void un_winograd_make_u(const struct un_winograd *p, int group, int block, float *u);
/* U of all groups. */
void un_winograd_make_all_u(const struct un_engine *e, const struct un_winograd *p, float *u);

#endif
