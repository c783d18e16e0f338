/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_plan.c - cuts a pass into tasks by its shapes, and transforms its weights
 *
 * U is laid out group by group of output channels, so that what a group needs lies together.  It is
 * kept between calls when it is small, else made when it is needed.
 */
#include "cpu/winograd/winograd_plan.h"

#include <string.h>

enum {
    KEPT_BYTES = 3 << 20,    /* U is packed once if it is no larger */
    SHARED_BYTES = 20 << 20, /* and may be made for a wide pass if it is no larger */
    DEEP_BYTES = 48 << 20,   /* V of a deep pass at most */
    WIDE_TASKS = 16,         /* fewer than these are better cut by channels */
    DEEP_TILES = 160,        /* of a deep task at most: M is then 0.7 MB, and making U costs 3 % */
    DEEP_TASKS = 64,         /* wanted where U is kept, and smaller tasks cost nothing */
    MOST_LANES = 2 * UN_BLOCK, /* of a group */
};

bool un_winograd_keeps(const struct un_winograd *p)
{
    return p->u_floats * sizeof(float) <= KEPT_BYTES;
}

static void plan_channels(struct un_winograd *p)
{
    p->in_blocks = un_blocks(p->in[0]) + un_blocks(p->in[1]);
    p->depth = p->in[1] ? UN_BLOCK : un_min(p->in[0], UN_BLOCK);
    p->out_blocks = un_blocks(p->out[0]) + un_blocks(p->out[1]);
    p->groups = un_ceil_div(p->out_blocks, p->k->blocks);
    p->u_floats = un_u_floats(p) * (size_t)p->groups;
}

/* V, M and the U of a group share the second-level cache: as many tiles as leave U its part, but no
 * fewer than two steps of the kernel, for else U, which comes from farther away, costs too much. */
static int wide_block(const struct un_winograd *p, size_t cache)
{
    size_t tile = UN_FREQUENCIES * (size_t)(p->in_blocks + p->k->blocks) * UN_BLOCK * sizeof(float);
    int steps = (int)(cache * 5 / 8 / tile) / p->k->tile;
    return un_min(un_max(steps, 2), 4) * p->k->tile;
}

int un_winograd_deep_tiles(const struct un_winograd *p, const struct un_engine *e)
{
    size_t tile = UN_FREQUENCIES * (size_t)(p->in_blocks * UN_BLOCK) * sizeof(float);
    int fit = un_max((int)(DEEP_BYTES / tile), p->k->tile);
    if (p->u_floats * sizeof(float) > SHARED_BYTES)
        return fit;
    return un_min(fit, WIDE_TASKS * wide_block(p, un_cpu_cache(e)));
}

void un_winograd_plan_tiles(struct un_winograd *p, const struct un_engine *e)
{
    const int most = un_winograd_deep_tiles(p, e), count = p->tiles.count;
    p->deep = count <= most || p->u_floats * sizeof(float) > SHARED_BYTES;
    p->parts = un_max(un_ceil_div(un_min(count, most), DEEP_TILES), 1);
    if (un_winograd_keeps(p))
        p->parts = un_max(
            p->parts, un_min(un_ceil_div(DEEP_TASKS, p->groups), un_min(count, most) / p->k->tile));
    /* a part has whole steps, so one of DEEP_TILES may end a step later */
    p->part = un_min(un_min(count, most), DEEP_TILES + p->k->tile);
    p->block = un_max(un_min(wide_block(p, un_cpu_cache(e)), count), 1);
    p->tasks = un_ceil_div(count, p->block);
    p->room = un_min(count, most);
}

struct un_winograd un_winograd_plan_forward(const struct un_engine *e, const struct un_conv *c)
{
    const int in0 = c->src[0].tensor.shape.c, in1 = c->src[1].tensor.shape.c;
    struct un_winograd p = {.k = un_cpu_kernels(e),
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
    p.measures = c->measures;
    plan_channels(&p);
    un_winograd_plan_tiles(&p, e);
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

struct un_winograd un_winograd_plan_backward(const struct un_engine *e, const struct un_conv *c,
                                             struct un_tensor ddst, const struct un_gradient *dsrc)
{
    const int in0 = c->src[0].tensor.shape.c, in1 = c->src[1].tensor.shape.c;
    const struct un_range rows = reach(c, false), columns = reach(c, true);
    struct un_winograd p = {.k = un_cpu_kernels(e),
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
    un_winograd_plan_tiles(&p, e);
    return p;
}

/* ---- U ---- */

/* Copies the weights of one block of outputs and one of inputs as [input][tap][lane].  Forward all
 * weights of an output lie side by side, backward those of an input and an output, mirrored. */
static void copy_block(const struct un_winograd *p, struct un_channels out, struct un_channels in,
                       int lanes, float *taps)
{
    const float *from = p->weight + p->base + out.first * p->by_out + in.first * p->by_in;
    if (p->by_tap == 1) {
        p->k->transpose(from, p->by_out, out.count, in.count * 9, taps, lanes);
        return;
    }
    for (int c = 0; c < in.count; c++, from += p->by_in, taps += 9 * lanes)
        p->k->transpose(from - 8, p->by_out, out.count, 9, taps + 8 * lanes, -lanes);
}

/* Those of one group and one block of inputs. */
static void copy_taps(const struct un_winograd *p, int group, int block, int lanes, float *taps)
{
    const struct un_channels in = un_channels_of(p->in[0], p->in[1], block);
    memset(taps, 0, (size_t)(p->depth * 9 * lanes) * sizeof *taps);
    for (int b = 0; b < lanes / UN_BLOCK; b++) {
        const struct un_channels out =
            un_channels_of(p->out[0], p->out[1], group * p->k->blocks + b);
        copy_block(p, out, in, lanes, taps + b * UN_BLOCK);
        for (int i = 0; p->scale && i < in.count * 9; i++)
            for (int o = 0; o < out.count; o++)
                taps[i * lanes + b * UN_BLOCK + o] *= p->scale[out.first + o];
    }
}

/* u: that of the group, [frequency][input][lane] */
void un_winograd_make_u(const struct un_winograd *p, int group, int block, float *u)
{
    _Alignas(UN_ALIGN) float taps[UN_BLOCK * 9 * MOST_LANES];
    const int lanes = un_group_blocks(p, group) * UN_BLOCK;
    copy_taps(p, group, block, lanes, taps);
    for (int c = 0; c < p->depth; c++)
        p->k->winograd_weights(taps + c * 9 * lanes, lanes,
                               u + (ptrdiff_t)(block * p->depth + c) * lanes, un_u_apart(p));
}

struct making {
    const struct un_winograd *plan;
    float *u;
};

static void make_unit(void *context, int unit, int thread)
{
    const struct making *m = context;
    const int group = unit / m->plan->in_blocks;
    (void)thread;
    un_winograd_make_u(m->plan, group, unit % m->plan->in_blocks,
                       m->u + un_u_floats(m->plan) * (size_t)group);
}

void un_winograd_make_all_u(const struct un_engine *e, const struct un_winograd *p, float *u)
{
    struct making m = {p, u};
    un_pool_run(e->pool, p->groups * p->in_blocks, make_unit, &m);
}

/* ---- packed weights: U if it is kept, and for the result the biases in whole blocks ---- */

size_t un_winograd_kept_floats(const struct un_winograd *p)
{
    return un_winograd_keeps(p) ? p->u_floats : 0;
}

static size_t bias_floats(const struct un_winograd *p)
{
    return (size_t)(p->out_blocks * UN_BLOCK);
}

size_t un_winograd_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    if (pass == UN_PASS_FORWARD) {
        struct un_winograd p = un_winograd_plan_forward(e, c);
        return (un_winograd_kept_floats(&p) + bias_floats(&p)) * sizeof(float);
    }
    struct un_winograd p = un_winograd_plan_backward(e, c, c->dst, NULL);
    return un_winograd_kept_floats(&p) * sizeof(float);
}

void un_winograd_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    bool forward = pass == UN_PASS_FORWARD;
    struct un_winograd p =
        forward ? un_winograd_plan_forward(e, c) : un_winograd_plan_backward(e, c, c->dst, NULL);
    float *u = c->packed[pass], *bias = u + un_winograd_kept_floats(&p);
    if (un_winograd_keeps(&p))
        un_winograd_make_all_u(e, &p, u);
    if (!forward)
        return;
    const float *from = c->scale ? c->shift : c->bias;
    memset(bias, 0, bias_floats(&p) * sizeof *bias);
    if (from)
        memcpy(bias, from, (size_t)c->dst.shape.c * sizeof *bias);
}

int un_winograd_tasks(const struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    struct un_winograd p = pass == UN_PASS_FORWARD ? un_winograd_plan_forward(e, c)
                                                   : un_winograd_plan_backward(e, c, c->dst, NULL);
    return p.deep ? p.groups * p.parts : p.tasks;
}
