/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.c - the result of a 3x3 convolution, and the gradient of its source; read winograd.h
 * first
 *
 * Both are the same pass: a source (two blocks of channels side by side count as one), a frame cut
 * into tiles, and one or two targets that the frame is written to.  The products of a few tiles
 * with one group of output channels are made frequency by frequency by the kernel that also
 * convolves directly (un_gather), with the blocks of input channels as its segments:
 *
 *     V [frequency][block of inputs][tile][16]  x  U [frequency][input][group]
 *                                               =  M [frequency][block of group][tile][16]
 *
 * U is laid out group by group, so that what a group needs lies together.  The work is cut in one
 * of two ways, by shape alone:
 *
 *   wide   many tiles: a task is a run of tiles few enough that V and M stay in the second-level
 *          cache; it makes V, and goes through all groups, while U streams by
 *   deep   few tiles, many channels: V of all tiles is made first, by all threads; then a task is
 *          one group for a part of the tiles: a large one, because U is the largest array here
 *          (four times the weights), and each task makes that of its group when it needs it; or a
 *          few steps of the kernel where U is kept
 *
 * U is kept between calls when it is small.  For deep layers it is never whole in memory.
 */
#include "cpu/winograd/winograd_plan.h"

enum { SOURCE_STEPS = 2 /* of the kernel: tiles of which a deep task makes V */ };

/* A thread's own memory. */
struct scratch {
    const float **segment;
    struct un_patch patch;
    float *u; /* deep: of one group */
    float *v; /* wide */
    float *m;
};

static size_t scratch_floats(const struct un_winograd *p)
{
    int tiles = p->deep ? p->part : p->block;
    size_t floats = un_round_up((size_t)p->in_blocks * sizeof(float *), UN_ALIGN) / sizeof(float);
    floats += UN_PATCH_FLOATS;
    floats += (size_t)(UN_FREQUENCIES * un_apart(p->k->blocks, tiles));
    if (p->deep)
        return floats + (un_winograd_keeps(p) ? 0 : un_u_floats(p));
    return floats + (size_t)(UN_FREQUENCIES * un_apart(p->in_blocks, tiles));
}

static struct scratch scratch_at(const struct un_winograd *p, float *memory, int thread)
{
    int tiles = p->deep ? p->part : p->block;
    float *at = memory + scratch_floats(p) * (size_t)thread;
    struct scratch s = {.segment = (const float **)at};
    at += un_round_up((size_t)p->in_blocks * sizeof(float *), UN_ALIGN) / sizeof(float);
    s.patch = un_patch_at(at);
    s.m = at += UN_PATCH_FLOATS;
    at += UN_FREQUENCIES * un_apart(p->k->blocks, tiles);
    s.u = s.v = at;
    return s;
}

static size_t workspace_floats(const struct un_engine *e, const struct un_winograd *p)
{
    size_t shared = 0;
    if (p->deep) {
        shared = (size_t)(UN_FREQUENCIES * un_apart(p->in_blocks, p->room));
    } else if (!un_winograd_keeps(p)) {
        shared = p->u_floats;
    }
    return un_sums_floats(p) + un_round_up(shared, UN_BLOCK) +
           scratch_floats(p) * (size_t)e->threads;
}

/* What is planned for one number of tiles must do for fewer, which may go the other way. */
static size_t most_workspace(const struct un_engine *e, struct un_winograd p)
{
    size_t floats = workspace_floats(e, &p);
    if (!p.deep) {
        p.tiles.count = un_winograd_deep_tiles(&p, e);
        un_winograd_plan_tiles(&p, e);
        size_t deep = workspace_floats(e, &p);
        floats = deep > floats ? deep : floats;
    }
    return floats * sizeof(float);
}

size_t un_winograd_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    return most_workspace(e, pass == UN_PASS_FORWARD
                                 ? un_winograd_plan_forward(e, c)
                                 : un_winograd_plan_backward(e, c, c->dst, NULL));
}

/* V of tiles first .. first + count - 1 for one block of inputs, as if v held `room` tiles. */
static void make_v(const struct un_winograd *p, const struct un_patch *patch, int block, int first,
                   int count, int room, float *v)
{
    struct un_channels in = un_channels_of(p->in[0], p->in[1], block);
    un_tiles_source(p->k, &p->tiles, &p->src[in.source], in.block, first, count, patch,
                    v + (ptrdiff_t)block * room * UN_BLOCK, un_apart(p->in_blocks, room));
}

/* M = V U for one group; V has room for `room` tiles and begins at the first of `count`. */
static void multiply(const struct un_winograd *p, const struct scratch *s, int group,
                     const float *u, const float *v, int room, int count, int m_room)
{
    const int blocks = un_group_blocks(p, group), tile = p->k->tile;
    const int steps = un_ceil_div(count, tile);
    struct un_gather g = {.segment = s->segment,
                          .segments = p->in_blocks,
                          .depth = p->depth,
                          .src_step = UN_BLOCK,
                          .weight = u,
                          .dst_step = UN_BLOCK,
                          .dst_block = (ptrdiff_t)m_room * UN_BLOCK};
    for (int f = 0; f < UN_FREQUENCIES; f++, g.weight += un_u_apart(p))
        for (int i = 0; i < steps; i++) {
            int t = un_piece(count, steps, i);
            const float *from = v + f * un_apart(p->in_blocks, room) + (ptrdiff_t)t * UN_BLOCK;
            for (int b = 0; b < p->in_blocks; b++)
                s->segment[b] = from + (ptrdiff_t)b * room * UN_BLOCK;
            g.dst = s->m + f * un_apart(p->k->blocks, m_room) + (ptrdiff_t)t * UN_BLOCK;
            p->k->gather(&g, un_piece(count, steps, i + 1) - t, blocks);
        }
}

/* task: see un_sums_of() */
static void write_group(const struct un_winograd *p, const float *m, int group, int first,
                        int count, int m_room, int task)
{
    const ptrdiff_t by_frequency = un_apart(p->k->blocks, m_room);
    for (int b = 0; b < un_group_blocks(p, group); b++)
        un_tiles_result(p->k, &p->tiles, &p->to, group * p->k->blocks + b, first, count,
                        m + (ptrdiff_t)b * m_room * UN_BLOCK, by_frequency, un_sums_of(p, task));
}

/* What the tasks of a pass share. */
struct job {
    const struct un_winograd *plan;
    const float *u; /* of all groups; deep: NULL, each task makes that of its group */
    float *memory;  /* the scratch of all threads */
    /* deep: the tiles at work, and V of them, which has room for `room` */
    float *v;
    int room, first, count, steps;
};

static void run_wide_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct un_winograd *p = job->plan;
    const struct scratch s = scratch_at(p, job->memory, thread);
    const int first = un_piece(p->tiles.count, p->tasks, task);
    const int count = un_piece(p->tiles.count, p->tasks, task + 1) - first;
    for (int b = 0; b < p->in_blocks; b++)
        make_v(p, &s.patch, b, first, count, p->block, s.v);
    for (int g = 0; g < p->groups; g++) {
        multiply(p, &s, g, job->u + un_u_floats(p) * (size_t)g, s.v, p->block, count, p->block);
        write_group(p, s.m, g, first, count, p->block, task);
    }
}

static void run_wide(struct un_engine *e, const struct un_winograd *p, const float *u,
                     float *memory)
{
    struct job job = {.plan = p, .u = u, .memory = memory};
    if (!u) {
        float *made = job.memory;
        job.memory += un_round_up(p->u_floats, UN_BLOCK);
        un_winograd_make_all_u(e, p, made);
        job.u = made;
    }
    un_pool_run(e->pool, p->tasks, run_wide_task, &job);
}

/* V of a few tiles for one block of inputs. */
static void run_deep_source(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct scratch s = scratch_at(job->plan, job->memory, thread);
    const int i = task % job->steps, at = un_piece(job->count, job->steps, i);
    make_v(job->plan, &s.patch, task / job->steps, job->first + at,
           un_piece(job->count, job->steps, i + 1) - at, job->room, job->v + at * UN_BLOCK);
}

/* One group for one part of the tiles at work, whose V is there. */
static void run_deep_task(void *context, int task, int thread)
{
    const struct job *job = context;
    const struct un_winograd *p = job->plan;
    const struct scratch s = scratch_at(p, job->memory, thread);
    const int group = task / p->parts, part = task % p->parts;
    const int from = un_part_first(p, job->count, part);
    const int tiles = un_part_first(p, job->count, part + 1) - from;
    if (tiles == 0)
        return;
    const float *u = job->u ? job->u + un_u_floats(p) * (size_t)group : s.u;
    for (int b = 0; !job->u && b < p->in_blocks; b++)
        un_winograd_make_u(p, group, b, s.u);
    multiply(p, &s, group, u, job->v + (ptrdiff_t)from * UN_BLOCK, job->room, tiles, p->part);
    write_group(p, s.m, group, job->first + from, tiles, p->part,
                job->first / job->room * p->parts + part);
}

static void run_deep(struct un_engine *e, const struct un_winograd *p, const float *u,
                     float *memory)
{
    struct job job = {.plan = p, .u = u, .v = memory, .room = p->room};
    job.memory =
        job.v + un_round_up((size_t)(UN_FREQUENCIES * un_apart(p->in_blocks, job.room)), UN_BLOCK);
    for (; job.first < p->tiles.count; job.first += job.room) {
        job.count = un_min(job.room, p->tiles.count - job.first);
        job.steps = un_ceil_div(job.count, SOURCE_STEPS * p->k->tile);
        un_pool_run(e->pool, p->in_blocks * job.steps, run_deep_source, &job);
        un_pool_run(e->pool, p->groups * p->parts, run_deep_task, &job);
    }
}

static void run(struct un_engine *e, const struct un_winograd *p, const float *packed)
{
    const float *u = un_winograd_keeps(p) ? packed : NULL;
    float *memory = (float *)e->workspace + un_sums_floats(p);
    if (p->tiles.count == 0)
        return;
    if (p->deep)
        run_deep(e, p, u, memory);
    else
        run_wide(e, p, u, memory);
}

void un_winograd_forward(struct un_engine *e, const struct un_conv *c)
{
    struct un_winograd p = un_winograd_plan_forward(e, c);
    const float *packed = c->packed[UN_PASS_FORWARD];
    p.to.bias = packed + un_winograd_kept_floats(&p);
    p.sums = e->workspace;
    un_sums_clear(&p);
    run(e, &p, packed);
    if (c->measures)
        un_sums_measure(&p, &c->norm);
}

void un_winograd_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2])
{
    struct un_winograd p = un_winograd_plan_backward(e, c, ddst, dsrc);
    run(e, &p, c->packed[UN_PASS_BACKWARD_DATA]);
    un_finish_beside(e, &p.tiles, &p.to);
}
