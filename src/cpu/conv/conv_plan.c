/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_plan.c - states each pass as a window, and packs the weights in the order the kernel reads
 *
 *   [copy][group of output channels][source][block][tap that it has][channel][group's channels]
 *
 * and behind them, for the forward pass, the biases.  The last group is one block of 16 channels
 * when the kernels take two and the number of blocks is odd.
 */
#include "cpu/conv/conv_plan.h"

#include <string.h>

/* How many pixels before pixel u of a result of stride 2 the first one lies that pixel 2u or 2u + 1
 * of its source went into. */
static int half_reach(int side)
{
    return (side - 1) / 4;
}

/* The tap of a kernel along one axis that pixel `odd` (0, 1) of a 2x2 reads through tap t of a
 * window of what was made from it with stride 2.  Of 3x3: pixel 2u is in the middle of u's kernel,
 * 2u + 1 at the end of u's and the beginning of that of u + 1. */
static int half_tap(int side, int odd, int t)
{
    const int tap = odd + side / 2 + 2 * (half_reach(side) - t);
    return tap < 0 || tap >= side ? UN_NO_TAP : tap;
}

static void set_taps(struct un_conv_plan *p, const struct un_conv *c, bool forward)
{
    const int side = un_conv_side(c->kind);
    for (int copy = 0; copy < p->copies; copy++)
        for (int t = 0; t < p->taps * p->taps; t++) {
            int at = t;
            if (c->kind == UN_UPCONV2X2 && forward) {
                at = copy;
            } else if (c->kind == UN_CONV3X3 && !forward) {
                at = 8 - t;
            } else if (p->copies > 1) {
                const int i = half_tap(side, copy / 2, t / p->taps);
                const int j = half_tap(side, copy % 2, t % p->taps);
                at = i < 0 || j < 0 ? UN_NO_TAP : i * side + j;
            }
            p->at[copy][t] = (signed char)at;
        }
}

static void set_strides(struct un_conv_plan *p, const struct un_conv *c, bool forward)
{
    const ptrdiff_t in = c->src[0].tensor.shape.c + c->src[1].tensor.shape.c;
    const ptrdiff_t out = c->dst.shape.c;
    const ptrdiff_t side = un_conv_side(c->kind), taps = side * side;
    ptrdiff_t k = un_conv_is_up(c->kind) ? taps : in * taps;  /* stride of the layer's outputs */
    ptrdiff_t i = un_conv_is_up(c->kind) ? out * taps : taps; /* and of its inputs */
    p->by_out = forward ? k : i;
    p->by_in = forward ? i : k;
    set_taps(p, c, forward);
}

static void derive(struct un_conv_plan *p)
{
    p->segments = 0;
    const struct un_tensor *first = &p->src[0].tensor;
    if (first->layout == UN_PIXELS) {
        p->segments = p->taps;
        p->depth = p->taps * first->shape.c;
    } else {
        for (int s = 0; s < p->sources; s++)
            p->segments += un_blocks(p->src[s].tensor.shape.c) * p->taps * p->taps;
        p->depth = p->sources == 1 ? un_min(first->shape.c, UN_BLOCK) : UN_BLOCK;
    }
    const int taps = p->taps * p->taps;
    for (int copy = 0; copy < p->copies; copy++) {
        int count = 0;
        for (int t = 0; t < taps; t++)
            count += p->at[copy][t] != UN_NO_TAP;
        p->used[copy] = count == taps ? p->segments : p->segments / taps * count;
    }
    p->packed = un_plan_packed_at(p, p->copies, 0);
}

size_t un_plan_packed_at(const struct un_conv_plan *p, int copy, int block)
{
    size_t segments = 0;
    for (int before = 0; before < copy; before++)
        segments += (size_t)p->used[before] * (size_t)un_blocks(p->frame.c);
    if (copy < p->copies)
        segments += (size_t)p->used[copy] * (size_t)block;
    return segments * (size_t)p->depth * UN_BLOCK;
}

struct un_conv_plan un_plan_forward(const struct un_conv *c)
{
    const bool up = un_conv_is_up(c->kind);
    struct un_conv_plan p = {.src = {c->src[0], c->src[1]},
                             .sources = c->src[1].tensor.shape.c ? 2 : 1,
                             .taps = c->kind == UN_UPCONV2X2   ? 1
                                     : c->kind == UN_UPCONV3X3 ? 2
                                                               : un_conv_side(c->kind),
                             .step = un_conv_halves(c->kind) ? 2 : 1,
                             .copies = up ? 4 : 1,
                             .frame = up ? c->src[0].tensor.shape : c->dst.shape};
    p.frame.c = c->dst.shape.c;
    set_strides(&p, c, true);
    derive(&p);
    return p;
}

struct un_conv_plan un_plan_backward(const struct un_conv *c, int source)
{
    const struct un_operand *src = &c->src[source];
    const bool half = un_conv_halves(c->kind), up = un_conv_is_up(c->kind);
    const int side = un_conv_side(c->kind);
    const int reach = c->kind == UN_CONV3X3 ? 2 : c->kind == UN_UPCONV3X3;
    struct un_conv_plan p = {.src = {{c->dst, -src->top - reach, -src->left - reach}},
                             .sources = 1,
                             .taps = half ? (side + 1) / 2 : side,
                             .step = up ? 2 : 1,
                             .copies = half ? 4 : 1,
                             .frame = src->tensor.shape};
    if (half) { /* a frame of 2x2 pixels, which may end beyond the map */
        p.src[0].top = p.src[0].left = -half_reach(side);
        p.frame.h = c->dst.shape.h;
        p.frame.w = c->dst.shape.w;
    }
    set_strides(&p, c, false);
    p.base = source ? p.by_out * c->src[0].tensor.shape.c : 0;
    derive(&p);
    return p;
}

static size_t bias_floats(const struct un_conv_plan *p)
{
    return un_round_up((size_t)p->frame.c, 2 * UN_BLOCK);
}

size_t un_direct_pack_bytes(const struct un_conv *c, enum un_pass pass)
{
    size_t floats = 0;
    if (pass == UN_PASS_FORWARD) {
        struct un_conv_plan p = un_plan_forward(c);
        floats = p.packed + bias_floats(&p);
    } else if (pass == UN_PASS_BACKWARD_DATA) {
        for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++)
            floats += un_plan_backward(c, s).packed;
    }
    return floats * sizeof(float);
}

/* One block of one source for one group: [tap][channel][width], read in the order of memory.
 * Returns its floats. */
static ptrdiff_t pack_block(const struct un_conv_plan *p, const signed char *at,
                            const float *weight, const float *scale, int channels, int out0,
                            int outs, int width, float *to)
{
    const int taps = p->taps * p->taps, pixels = p->src[0].tensor.layout == UN_PIXELS;
    const int tap_step = pixels ? channels : p->depth; /* rows of `to` from one tap to the next */
    const bool out_first = p->by_out > p->by_in;
    int count = 0, place[UN_MAX_TAPS]; /* of the taps that there are */
    for (int t = 0; t < taps; t++)
        place[t] = at[t] == UN_NO_TAP ? -1 : count++;
    memset(to, 0, (size_t)count * (size_t)tap_step * (size_t)width * sizeof *to);
    for (int a = 0; a < (out_first ? outs : channels); a++)
        for (int b = 0; b < (out_first ? channels : outs); b++) {
            int k = out_first ? a : b, c = out_first ? b : a;
            const float *from = weight + (out0 + k) * p->by_out + c * p->by_in;
            float factor = scale ? scale[out0 + k] : 1;
            for (int t = 0; t < taps; t++)
                if (place[t] >= 0)
                    to[((ptrdiff_t)place[t] * tap_step + c) * width + k] = factor * from[at[t]];
        }
    return (ptrdiff_t)count * tap_step * width;
}

static void pack_group(const struct un_conv_plan *p, const signed char *at, const float *weight,
                       const float *scale, int out0, int width, float *to)
{
    int outs = un_min(width, p->frame.c - out0);
    for (int s = 0, in = 0; s < p->sources; s++) {
        const struct un_tensor *t = &p->src[s].tensor;
        int block = t->layout == UN_PIXELS ? t->shape.c : UN_BLOCK;
        for (int c = 0; c < t->shape.c; c += block) {
            int channels = un_min(block, t->shape.c - c);
            to += pack_block(p, at, weight + (in + c) * p->by_in, scale, channels, out0, outs,
                             width, to);
        }
        in += t->shape.c;
    }
}

/* What the tasks of a packing share; each packs a group of one copy. */
struct packing {
    const struct un_conv_plan *plan;
    const float *weight, *scale;
    float *to;
    int blocks, groups; /* of a group; of a copy */
};

static void pack_unit(void *context, int unit, int thread)
{
    const struct packing *k = context;
    const struct un_conv_plan *p = k->plan;
    const int copy = unit / k->groups, block = unit % k->groups * k->blocks;
    const int all = un_blocks(p->frame.c), width = un_min(k->blocks, all - block) * UN_BLOCK;
    (void)thread;
    pack_group(p, p->at[copy], k->weight + p->base, k->scale, block * UN_BLOCK, width,
               k->to + un_plan_packed_at(p, copy, block));
}

static void pack(struct un_engine *e, const struct un_conv_plan *p, const float *weight,
                 const float *scale, float *to)
{
    struct packing k = {
        .plan = p, .weight = weight, .scale = scale, .to = to, .blocks = un_cpu_kernels(e)->blocks};
    k.groups = un_ceil_div(un_blocks(p->frame.c), k.blocks);
    un_pool_run(e->pool, p->copies * k.groups, pack_unit, &k);
}

void un_direct_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    float *to = c->packed[pass];
    if (pass == UN_PASS_BACKWARD_DATA) {
        for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
            struct un_conv_plan p = un_plan_backward(c, s);
            pack(e, &p, c->weight, NULL, to);
            to += p.packed;
        }
        return;
    }
    struct un_conv_plan p = un_plan_forward(c);
    pack(e, &p, c->weight, c->scale, to);
    float *bias = to + p.packed;
    const float *from = c->scale ? c->shift : c->bias;
    memset(bias, 0, bias_floats(&p) * sizeof *bias);
    if (from)
        memcpy(bias, from, (size_t)p.frame.c * sizeof *bias);
}
