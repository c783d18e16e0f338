/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_conv.c - convolutions and the gradients of their sources, directly: kernels/conv.cl
 *
 * Packed weights are, forward, [K / 4][C / 4 of both sources][taps][4 of C][4 of K] and then the
 * bias [K / 4][4]; backward, for each source by itself, the same with K and C exchanged.
 */
#include "opencl/cl_conv.h"
#include "opencl/cl_call.h"
#include "opencl/cl_norms.h"
#include "opencl/cl_winograd.h"

/* Where in the weights' array the next output, and the next input, lies. */
static void strides(const struct un_conv *c, int *by_out, int *by_in)
{
    const int side = un_conv_side(c->kind), taps = side * side;
    *by_out = un_conv_is_up(c->kind) ? taps : un_cl_in(c) * taps;
    *by_in = un_conv_is_up(c->kind) ? c->dst.shape.c * taps : taps;
}

static int source_count(const struct un_conv *c)
{
    return c->src[1].tensor.shape.c ? 2 : 1;
}

/* float4s of the weights packed forward, or backward for one source */
static size_t packed_count(const struct un_conv *c, int blocks)
{
    const int side = un_conv_side(c->kind);
    return (size_t)un_cl_blocks(c->dst.shape.c) * (size_t)blocks * (size_t)(side * side) * 4;
}

static size_t forward_count(const struct un_conv *c)
{
    return packed_count(c, un_cl_source_blocks(c, 0) + un_cl_source_blocks(c, 1));
}

enum { FLOAT4 = 4 * sizeof(float) };

static size_t conv_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    if (pass == UN_PASS_BACKWARD_WEIGHTS)
        return 0;
    if (un_cl_winograd_takes(e, c))
        return un_cl_winograd_pack_bytes(c, pass);
    size_t count = forward_count(c);
    if (pass == UN_PASS_FORWARD)
        count += (size_t)un_cl_blocks(c->dst.shape.c);
    return (count * FLOAT4 + 63) / 64 * 64;
}

/* The norm's comes after the convolution, in the same place. */
static size_t conv_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    if (pass == UN_PASS_BACKWARD_WEIGHTS)
        return un_cl_outer_workspace(e, c);
    size_t norm = 0, tiles = 0;
    if (pass == UN_PASS_FORWARD && c->dst.layout == UN_FEATURES)
        norm = un_cl_norm_workspace(e, c->dst.shape, c->measures ? c->norm.groups : 1);
    if (un_cl_winograd_takes(e, c))
        tiles = un_cl_winograd_workspace(c, pass);
    return norm > tiles ? norm : tiles;
}

/* in0 and in1 inputs to `out` outputs; first, by_out, by_in: in the array of weights */
static void pack(struct un_engine *e, const struct un_conv *c, void *to, int out, int in0, int in1,
                 int first, int by_out, int by_in)
{
    const int side = un_conv_side(c->kind);
    const size_t count = (size_t)un_cl_blocks(out) *
                         (size_t)(un_cl_blocks(in0) + un_cl_blocks(in1)) * (size_t)(side * side) *
                         4;
    struct un_cl_call call = un_cl_begin(e, UN_CL_CONV_PACK);
    un_cl_address(&call, c->weight);
    un_cl_address(&call, c->scale);
    un_cl_address(&call, to);
    un_cl_int(&call, out);
    un_cl_int(&call, in0);
    un_cl_int(&call, in1);
    un_cl_int(&call, side * side);
    un_cl_int(&call, first);
    un_cl_int(&call, by_out);
    un_cl_int(&call, by_in);
    un_cl_int(&call, (int)count);
    un_cl_run(&call, count, 1, 1);
}

static void *after(void *packed, size_t float4s)
{
    return (char *)packed + float4s * FLOAT4;
}

void un_cl_pack_bias(struct un_engine *e, const struct un_conv *c, void *to)
{
    struct un_cl_call call = un_cl_begin(e, UN_CL_CONV_PACK_BIAS);
    un_cl_address(&call, c->scale ? c->shift : c->bias);
    un_cl_address(&call, to);
    un_cl_int(&call, c->dst.shape.c);
    un_cl_run(&call, (size_t)un_cl_blocks(c->dst.shape.c), 1, 1);
}

static void pack_forward(struct un_engine *e, const struct un_conv *c, int by_out, int by_in)
{
    const int out = c->dst.shape.c;
    void *to = c->packed[UN_PASS_FORWARD];
    pack(e, c, to, out, c->src[0].tensor.shape.c, c->src[1].tensor.shape.c, 0, by_out, by_in);
    un_cl_pack_bias(e, c, after(to, forward_count(c)));
}

static void conv_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    int by_out, by_in;
    strides(c, &by_out, &by_in);
    if (un_cl_winograd_takes(e, c)) {
        un_cl_winograd_pack(e, c, pass);
        return;
    }
    if (pass == UN_PASS_FORWARD) {
        pack_forward(e, c, by_out, by_in);
        return;
    }
    void *to = c->packed[pass];
    int first = 0;
    for (int s = 0; s < source_count(c); s++) {
        const int channels = c->src[s].tensor.shape.c;
        pack(e, c, to, channels, c->dst.shape.c, 0, first * by_in, by_in, by_out);
        to = after(to, packed_count(c, un_cl_source_blocks(c, s)));
        first += channels;
    }
}

static bool conv_parts(struct un_engine *e, const struct un_conv *c)
{
    (void)e;
    return c->kind == UN_CONV3X3 && c->dst.layout == UN_FEATURES;
}

/* What the kinds differ in (kernels/arguments.h); [1]: for the gradient. */
static const struct {
    int side, mul, step, div;
    int top; /* more than the operand's */
} ways[][2] = {[UN_CONV3X3] = {{3, 1, 1, 1, 0}, {3, 1, -1, 1, 0}},
               [UN_CONV1X1] = {{1, 1, 1, 1, 0}, {1, 1, 1, 1, 0}},
               [UN_UPCONV2X2] = {{2, 1, -1, 2, 0}, {2, 2, 1, 1, 0}},
               [UN_CONV3X3_HALF] = {{3, 2, 1, 1, 0}, {3, 1, -1, 2, 0}},
               [UN_CONV7X7_HALF] = {{7, 2, 1, 1, 0}, {7, 1, -1, 2, 0}},
               [UN_CONV1X1_HALF] = {{1, 2, 1, 1, 0}, {1, 1, -1, 2, 0}},
               [UN_UPCONV3X3] = {{3, 1, -1, 2, 1}, {3, 2, 1, 1, -1}}};

static struct un_cl_gather gather_of(const struct un_conv *c, bool back)
{
    return (struct un_cl_gather){.side = ways[c->kind][back].side,
                                 .mul = ways[c->kind][back].mul,
                                 .step = ways[c->kind][back].step,
                                 .div = ways[c->kind][back].div};
}

static void run(struct un_engine *e, const struct un_cl_gather *g, const struct un_cl_places *p,
                int n)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_CONV_GATHER);
    un_cl_address(&c, p->src[0]);
    un_cl_address(&c, p->src[1]);
    un_cl_address(&c, p->packed);
    un_cl_address(&c, p->bias);
    un_cl_address(&c, p->dst);
    un_cl_address(&c, p->pooled);
    un_cl_address(&c, p->window);
    un_cl_address(&c, p->y);
    un_cl_value(&c, g, sizeof *g);
    un_cl_run(&c, (size_t)((g->dst.h + 1) / 2) * (size_t)((g->dst.w + 1) / 2),
              (size_t)g->dst.blocks, (size_t)n);
}

static void set_parts(struct un_cl_gather *g, struct un_cl_places *p, const struct un_parts *parts)
{
    g->parts = parts->pooled.shape.c != 0;
    if (!g->parts)
        return;
    g->pooled_h = parts->pooled.shape.h;
    g->pooled_w = parts->pooled.shape.w;
    g->window_h = parts->window.shape.h;
    g->window_w = parts->window.shape.w;
    g->window_top = parts->top;
    g->window_left = parts->left;
    p->pooled = parts->pooled.data;
    p->window = parts->window.data;
}

static void conv_forward(struct un_engine *e, const struct un_conv *c)
{
    struct un_cl_gather g = gather_of(c, false);
    struct un_cl_places p = {.packed = c->packed[UN_PASS_FORWARD], .dst = c->dst.data};
    const int blocks = un_cl_source_blocks(c, 0) + un_cl_source_blocks(c, 1);
    const bool tiles = un_cl_winograd_takes(e, c);
    p.bias = tiles ? un_cl_winograd_after(p.packed, blocks, un_cl_blocks(c->dst.shape.c))
                   : after(c->packed[UN_PASS_FORWARD], forward_count(c));
    for (int s = 0; s < source_count(c); s++) {
        g.src[s] = un_cl_map_of(&c->src[s].tensor);
        g.top[s] = c->src[s].top + ways[c->kind][false].top;
        g.left[s] = c->src[s].left + ways[c->kind][false].top;
        p.src[s] = c->src[s].tensor.data;
    }
    g.dst = un_cl_map_of(&c->dst);
    g.act = c->act.kind != UN_ACT_NONE;
    g.slope = un_cl_slope(c->act);
    set_parts(&g, &p, &c->parts);
    if (tiles)
        un_cl_winograd_run(e, &g, &p, c->dst.shape.n);
    else
        run(e, &g, &p, c->dst.shape.n);
    if (c->measures)
        un_cl_norm_statistics(e, c->dst, &c->norm, e->workspace);
}

static void conv_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2])
{
    const bool tiles = un_cl_winograd_takes(e, c);
    const void *packed = c->packed[UN_PASS_BACKWARD_DATA];
    for (int s = 0; s < source_count(c); s++) {
        const struct un_gradient *d = &dsrc[s];
        struct un_cl_gather g = gather_of(c, true);
        const struct un_cl_places p = {.src = {ddst.data},
                                       .packed = packed,
                                       .y = d->act.kind != UN_ACT_NONE ? d->y.data : NULL,
                                       .dst = d->d.data};
        g.src[0] = un_cl_map_of(&ddst);
        g.dst = un_cl_map_of(&d->d);
        /* tiles: mirrored, taps count from there */
        const int top = tiles ? -2 : ways[c->kind][true].top;
        g.top[0] = -c->src[s].top + top;
        g.left[0] = -c->src[s].left + top;
        g.gives = 1;
        g.accumulate = d->accumulate;
        g.act = d->act.kind != UN_ACT_NONE;
        g.slope = un_cl_slope(d->act);
        if (tiles)
            un_cl_winograd_run(e, &g, &p, ddst.shape.n);
        else
            run(e, &g, &p, ddst.shape.n);
        packed = tiles ? un_cl_winograd_after(packed, g.src[0].blocks, g.dst.blocks)
                       : after((void *)packed, packed_count(c, un_cl_source_blocks(c, s)));
    }
}

void un_cl_conv_operations(struct un_engine_ops *ops)
{
    ops->conv_pack_bytes = conv_pack_bytes;
    ops->conv_workspace = conv_workspace;
    ops->conv_pack = conv_pack;
    ops->conv_parts = conv_parts;
    ops->conv_forward = conv_forward;
    ops->conv_backward_data = conv_backward_data;
}
