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
 *          one group for a large part of the tiles.  U is the largest array here (four times the
 *          weights), so each task makes that of its group when it needs it
 *
 * U is kept between calls when it is small.  For deep layers it is never whole in memory.
 */
#include "cpu/winograd.h"

#include <string.h>

enum {
    KEPT_BYTES = 3 << 20,    /* U is packed once if it is no larger */
    SHARED_BYTES = 20 << 20, /* and may be made for a wide pass if it is no larger */
    DEEP_BYTES = 48 << 20,   /* V of a deep pass at most */
    WIDE_TASKS = 16,         /* fewer than these are better cut by channels */
    DEEP_TILES = 160,        /* of a deep task at most: M is then 0.7 MB, and making U costs 3 % */
    MOST_LANES = 2 * UN_BLOCK, /* of a group */
};

struct pass {
    const struct un_kernels *k;
    struct un_source src[2];
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
};

/* A thread's own memory, and how far frequencies of V and M lie apart in it. */
struct scratch {
    const float **segment;
    struct un_patch patch;
    float *u; /* deep: of one group */
    float *v; /* wide */
    float *m;
};

/* An odd number of cache lines, so that 36 frequencies do not meet in a few sets of the cache. */
static ptrdiff_t apart(int blocks, int tiles)
{
    return (ptrdiff_t)((blocks * tiles) | 1) * UN_BLOCK;
}

static int group_blocks(const struct pass *p, int group)
{
    return un_min(p->k->blocks, p->out_blocks - group * p->k->blocks);
}

/* floats from one frequency of a group's U to the next */
static ptrdiff_t u_apart(const struct pass *p)
{
    return apart(p->k->blocks, p->in_blocks * p->depth);
}

static size_t group_floats(const struct pass *p)
{
    return (size_t)(UN_FREQUENCIES * u_apart(p));
}

static bool kept(const struct pass *p)
{
    return p->u_floats * sizeof(float) <= KEPT_BYTES;
}

/* ---- the plan ---- */

static void plan_channels(struct pass *p)
{
    p->in_blocks = un_blocks(p->in[0]) + un_blocks(p->in[1]);
    p->depth = p->in[1] ? UN_BLOCK : un_min(p->in[0], UN_BLOCK);
    p->out_blocks = un_blocks(p->out[0]) + un_blocks(p->out[1]);
    p->groups = un_ceil_div(p->out_blocks, p->k->blocks);
    p->u_floats = group_floats(p) * (size_t)p->groups;
}

/* V, M and the U of a group share the second-level cache: as many tiles as leave U its part, but no
 * fewer than two steps of the kernel, for else U, which comes from farther away, costs too much. */
static int wide_block(const struct pass *p, size_t cache)
{
    size_t tile = UN_FREQUENCIES * (size_t)(p->in_blocks + p->k->blocks) * UN_BLOCK * sizeof(float);
    int steps = (int)(cache * 5 / 8 / tile) / p->k->tile;
    return un_min(un_max(steps, 2), 4) * p->k->tile;
}

/* The most tiles that go deep at once. */
static int deep_tiles(const struct pass *p, const struct un_engine *e)
{
    size_t tile = UN_FREQUENCIES * (size_t)(p->in_blocks * UN_BLOCK) * sizeof(float);
    int fit = un_max((int)(DEEP_BYTES / tile), p->k->tile);
    if (p->u_floats * sizeof(float) > SHARED_BYTES)
        return fit;
    return un_min(fit, WIDE_TASKS * wide_block(p, un_cpu_cache(e, 2)));
}

static void plan_tiles(struct pass *p, const struct un_engine *e)
{
    const int most = deep_tiles(p, e), count = p->tiles.count;
    p->deep = count <= most || p->u_floats * sizeof(float) > SHARED_BYTES;
    p->parts = un_max(un_ceil_div(un_min(count, most), DEEP_TILES), 1);
    p->part = un_min(un_min(count, most), DEEP_TILES);
    p->block = un_max(un_min(wide_block(p, un_cpu_cache(e, 2)), count), 1);
    p->tasks = un_ceil_div(count, p->block);
}

static struct pass plan_forward(const struct un_engine *e, const struct un_conv *c)
{
    const int in0 = c->src[0].tensor.shape.c, in1 = c->src[1].tensor.shape.c;
    struct pass p = {.k = un_cpu_kernels(e),
                     .src = {c->src[0], c->src[1]},
                     .to = {.target = {{.dst = c->dst}}, .act = c->act},
                     .tiles = un_tiles_of(c->dst.shape),
                     .scale = c->scale,
                     .weight = c->weight,
                     .by_out = (ptrdiff_t)(in0 + in1) * 9,
                     .by_in = 9,
                     .by_tap = 1,
                     .in = {in0, in1},
                     .out = {c->dst.shape.c, 0}};
    if (c->parts.pooled.shape.c) {
        p.to.target[0].dst = c->parts.window;
        p.to.target[0].top = -c->parts.top;
        p.to.target[0].left = -c->parts.left;
        p.to.pooled = c->parts.pooled;
    }
    plan_channels(&p);
    plan_tiles(&p, e);
    return p;
}

/* What of the convolution's frame, whose side is side + 2, lies in a source at all. */
static struct un_range reach(const struct un_conv *c, bool across)
{
    const int side = (across ? c->dst.shape.w : c->dst.shape.h) + 2;
    struct un_range r = {side, 0};
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const struct un_shape *shape = &c->src[s].tensor.shape;
        int offset = across ? c->src[s].left : c->src[s].top;
        int first = un_max(-offset, 0), end = (across ? shape->w : shape->h) - offset;
        r.first = un_min(r.first, un_min(first, side));
        r.end = un_max(r.end, un_min(end, side));
    }
    r.end = un_max(r.end, r.first);
    return r;
}

/* dsrc NULL: only to ask for sizes */
static struct pass plan_backward(const struct un_engine *e, const struct un_conv *c,
                                 struct un_tensor ddst, const struct un_gradient *dsrc)
{
    const int in0 = c->src[0].tensor.shape.c, in1 = c->src[1].tensor.shape.c;
    const struct un_range rows = reach(c, false), columns = reach(c, true);
    struct pass p = {.k = un_cpu_kernels(e),
                     .src = {{ddst, rows.first - 2, columns.first - 2}},
                     .weight = c->weight,
                     .base = 8,
                     .by_out = 9,
                     .by_in = (ptrdiff_t)(in0 + in1) * 9,
                     .by_tap = -1,
                     .in = {ddst.shape.c, 0},
                     .out = {in0, in1}};
    p.tiles = un_tiles_of(
        (struct un_shape){ddst.shape.n, rows.end - rows.first, columns.end - columns.first, 0});
    for (int s = 0; dsrc && s < 2; s++)
        p.to.target[s] = (struct un_target){.dst = dsrc[s].d,
                                            .y = dsrc[s].y,
                                            .finish = {dsrc[s].accumulate, dsrc[s].act},
                                            .top = rows.first + c->src[s].top,
                                            .left = columns.first + c->src[s].left};
    plan_channels(&p);
    plan_tiles(&p, e);
    return p;
}

/* ---- U ---- */

/* Copies the weights of one group and one block of inputs as [input][tap][lane]. */
static void copy_taps(const struct pass *p, int group, int block, int lanes, float *taps)
{
    const struct un_channels in = un_channels_of(p->in[0], p->in[1], block);
    memset(taps, 0, (size_t)(p->depth * 9 * lanes) * sizeof *taps);
    for (int b = 0; b < lanes / UN_BLOCK; b++) {
        struct un_channels out = un_channels_of(p->out[0], p->out[1], group * p->k->blocks + b);
        bool out_first = p->by_out > p->by_in; /* read in the order of memory */
        for (int i = 0; i < (out_first ? out.count : in.count); i++)
            for (int j = 0; j < (out_first ? in.count : out.count); j++) {
                int o = out_first ? i : j, c = out_first ? j : i;
                const float *from =
                    p->weight + p->base + (out.first + o) * p->by_out + (in.first + c) * p->by_in;
                float factor = p->scale ? p->scale[out.first + o] : 1;
                float *to = taps + c * 9 * lanes + b * UN_BLOCK + o;
                for (int t = 0; t < 9; t++)
                    to[t * lanes] = factor * from[t * p->by_tap];
            }
    }
}

/* u: that of the group, [frequency][input][lane] */
static void make_u(const struct pass *p, int group, int block, float *u)
{
    _Alignas(UN_ALIGN) float taps[UN_BLOCK * 9 * MOST_LANES];
    const int lanes = group_blocks(p, group) * UN_BLOCK;
    copy_taps(p, group, block, lanes, taps);
    for (int c = 0; c < p->depth; c++)
        p->k->winograd_weights(taps + c * 9 * lanes, lanes,
                               u + (ptrdiff_t)(block * p->depth + c) * lanes, u_apart(p));
}

static void make_all_u(const struct un_engine *e, const struct pass *p, float *u)
{
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (int unit = 0; unit < p->groups * p->in_blocks; unit++) {
        int group = unit / p->in_blocks;
        make_u(p, group, unit % p->in_blocks, u + group_floats(p) * (size_t)group);
    }
}

/* ---- memory ---- */

static size_t scratch_floats(const struct pass *p)
{
    int tiles = p->deep ? p->part : p->block;
    size_t floats = un_round_up((size_t)p->in_blocks * sizeof(float *), UN_ALIGN) / sizeof(float);
    floats += UN_PATCH_FLOATS;
    floats += (size_t)(UN_FREQUENCIES * apart(p->k->blocks, tiles));
    if (p->deep)
        return floats + (kept(p) ? 0 : group_floats(p));
    return floats + (size_t)(UN_FREQUENCIES * apart(p->in_blocks, tiles));
}

static struct scratch scratch_at(const struct pass *p, float *memory)
{
    int tiles = p->deep ? p->part : p->block;
    float *at = memory + scratch_floats(p) * (size_t)omp_get_thread_num();
    struct scratch s = {.segment = (const float **)at};
    at += un_round_up((size_t)p->in_blocks * sizeof(float *), UN_ALIGN) / sizeof(float);
    s.patch = un_patch_at(at);
    s.m = at += UN_PATCH_FLOATS;
    at += UN_FREQUENCIES * apart(p->k->blocks, tiles);
    s.u = s.v = at;
    return s;
}

static size_t workspace_floats(const struct un_engine *e, const struct pass *p)
{
    size_t shared = 0;
    if (p->deep) {
        int tiles = un_min(p->tiles.count, deep_tiles(p, e));
        shared = (size_t)(UN_FREQUENCIES * apart(p->in_blocks, tiles));
    } else if (!kept(p)) {
        shared = p->u_floats;
    }
    return un_round_up(shared, UN_BLOCK) + scratch_floats(p) * (size_t)e->threads;
}

/* What is planned for one number of tiles must do for fewer, which may go the other way. */
static size_t most_workspace(const struct un_engine *e, struct pass p)
{
    size_t floats = workspace_floats(e, &p);
    if (!p.deep) {
        p.tiles.count = deep_tiles(&p, e);
        plan_tiles(&p, e);
        size_t deep = workspace_floats(e, &p);
        floats = deep > floats ? deep : floats;
    }
    return floats * sizeof(float);
}

size_t un_winograd_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    return most_workspace(e, pass == UN_PASS_FORWARD ? plan_forward(e, c)
                                                     : plan_backward(e, c, c->dst, NULL));
}

/* ---- packed weights: U if it is kept, and for the result the biases in whole groups ---- */

static size_t kept_floats(const struct pass *p)
{
    return kept(p) ? p->u_floats : 0;
}

static size_t bias_floats(const struct pass *p)
{
    return (size_t)(p->out_blocks * UN_BLOCK);
}

size_t un_winograd_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    if (pass == UN_PASS_FORWARD) {
        struct pass p = plan_forward(e, c);
        return (kept_floats(&p) + bias_floats(&p)) * sizeof(float);
    }
    struct pass p = plan_backward(e, c, c->dst, NULL);
    return kept_floats(&p) * sizeof(float);
}

void un_winograd_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    bool forward = pass == UN_PASS_FORWARD;
    struct pass p = forward ? plan_forward(e, c) : plan_backward(e, c, c->dst, NULL);
    float *u = c->packed[pass], *bias = u + kept_floats(&p);
    if (kept(&p))
        make_all_u(e, &p, u);
    if (!forward)
        return;
    const float *from = c->scale ? c->shift : c->bias;
    memset(bias, 0, bias_floats(&p) * sizeof *bias);
    if (from)
        memcpy(bias, from, (size_t)c->dst.shape.c * sizeof *bias);
}

/* ---- the work ---- */

/* V of tiles first .. first + count - 1 for one block of inputs, as if v held `room` tiles. */
static void make_v(const struct pass *p, const struct un_patch *patch, int block, int first,
                   int count, int room, float *v)
{
    struct un_channels in = un_channels_of(p->in[0], p->in[1], block);
    un_tiles_source(p->k, &p->tiles, &p->src[in.source], in.block, first, count, patch,
                    v + (ptrdiff_t)block * room * UN_BLOCK, apart(p->in_blocks, room));
}

/* M = V U for one group; V has room for `room` tiles and begins at the first of `count`. */
static void multiply(const struct pass *p, const struct scratch *s, int group, const float *u,
                     const float *v, int room, int count, int m_room)
{
    const int blocks = group_blocks(p, group), tile = p->k->tile;
    const int steps = un_ceil_div(count, tile);
    struct un_gather g = {.segment = s->segment,
                          .segments = p->in_blocks,
                          .depth = p->depth,
                          .src_step = UN_BLOCK,
                          .weight = u,
                          .dst_step = UN_BLOCK,
                          .dst_block = (ptrdiff_t)m_room * UN_BLOCK};
    for (int f = 0; f < UN_FREQUENCIES; f++, g.weight += u_apart(p))
        for (int i = 0; i < steps; i++) {
            int t = un_piece(count, steps, i);
            const float *from = v + f * apart(p->in_blocks, room) + (ptrdiff_t)t * UN_BLOCK;
            for (int b = 0; b < p->in_blocks; b++)
                s->segment[b] = from + (ptrdiff_t)b * room * UN_BLOCK;
            g.dst = s->m + f * apart(p->k->blocks, m_room) + (ptrdiff_t)t * UN_BLOCK;
            p->k->gather(&g, un_piece(count, steps, i + 1) - t, blocks);
        }
}

static void write_group(const struct pass *p, const float *m, int group, int first, int count,
                        int m_room)
{
    const ptrdiff_t by_frequency = apart(p->k->blocks, m_room);
    for (int b = 0; b < group_blocks(p, group); b++)
        un_tiles_result(p->k, &p->tiles, &p->to, group * p->k->blocks + b, first, count,
                        m + (ptrdiff_t)b * m_room * UN_BLOCK, by_frequency);
}

static void run_wide(struct un_engine *e, const struct pass *p, const float *u)
{
    float *memory = e->workspace;
    if (!u) {
        float *made = memory;
        memory += un_round_up(p->u_floats, UN_BLOCK);
        make_all_u(e, p, made);
        u = made;
    }
#pragma omp parallel num_threads(e->threads)
    {
        const struct scratch s = scratch_at(p, memory);
#pragma omp for schedule(dynamic)
        for (int task = 0; task < p->tasks; task++) {
            int first = un_piece(p->tiles.count, p->tasks, task);
            int count = un_piece(p->tiles.count, p->tasks, task + 1) - first;
            for (int b = 0; b < p->in_blocks; b++)
                make_v(p, &s.patch, b, first, count, p->block, s.v);
            for (int g = 0; g < p->groups; g++) {
                multiply(p, &s, g, u + group_floats(p) * (size_t)g, s.v, p->block, count, p->block);
                write_group(p, s.m, g, first, count, p->block);
            }
        }
    }
}

/* One group for one part of the tiles first .. first + count - 1, whose V is there. */
static void run_deep_task(const struct pass *p, const struct scratch *s, const float *u,
                          const float *v, int room, int first, int count, int group, int part)
{
    const int from = un_piece(count, p->parts, part);
    const int tiles = un_piece(count, p->parts, part + 1) - from;
    if (u) {
        u += group_floats(p) * (size_t)group;
    } else {
        for (int b = 0; b < p->in_blocks; b++)
            make_u(p, group, b, s->u);
        u = s->u;
    }
    multiply(p, s, group, u, v + (ptrdiff_t)from * UN_BLOCK, room, tiles, p->part);
    write_group(p, s->m, group, first + from, tiles, p->part);
}

static void run_deep(struct un_engine *e, const struct pass *p, const float *u)
{
    const int room = un_min(p->tiles.count, deep_tiles(p, e)), step = 2 * p->k->tile;
    float *v = e->workspace;
    float *memory = v + un_round_up((size_t)(UN_FREQUENCIES * apart(p->in_blocks, room)), UN_BLOCK);
#pragma omp parallel num_threads(e->threads)
    {
        const struct scratch s = scratch_at(p, memory);
        for (int first = 0; first < p->tiles.count; first += room) {
            const int count = un_min(room, p->tiles.count - first);
            const int steps = un_ceil_div(count, step);
#pragma omp for schedule(dynamic)
            for (int i = 0; i < p->in_blocks * steps; i++) {
                int at = un_piece(count, steps, i % steps);
                int tiles = un_piece(count, steps, i % steps + 1) - at;
                make_v(p, &s.patch, i / steps, first + at, tiles, room, v + at * UN_BLOCK);
            }
#pragma omp for schedule(dynamic)
            for (int i = 0; i < p->groups * p->parts; i++)
                run_deep_task(p, &s, u, v, room, first, count, i / p->parts, i % p->parts);
        }
    }
}

static void run(struct un_engine *e, const struct pass *p, const float *packed)
{
    const float *u = kept(p) ? packed : NULL;
    if (p->tiles.count == 0)
        return;
    if (p->deep)
        run_deep(e, p, u);
    else
        run_wide(e, p, u);
}

void un_winograd_forward(struct un_engine *e, const struct un_conv *c)
{
    struct pass p = plan_forward(e, c);
    const float *packed = c->packed[UN_PASS_FORWARD];
    p.to.bias = packed + kept_floats(&p);
    run(e, &p, packed);
}

void un_winograd_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2])
{
    struct pass p = plan_backward(e, c, ddst, dsrc);
    run(e, &p, c->packed[UN_PASS_BACKWARD_DATA]);
    un_finish_beside(e, &p.tiles, &p.to);
}
