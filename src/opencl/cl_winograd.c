/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_winograd.c - the result and the gradient of the source
 *
 * Packed weights: forward U [36][4 C / 4 blocks of both sources][K / 4][4] and then the bias
 * [K / 4][4]; backward, for each source by itself, the same with K and C exchanged and the kernel
 * mirrored.  The workspace: V [36][C / 4][room] and M [36][K / 4][room] of four floats.
 */
#include "opencl/cl_winograd.h"
#include "opencl/cl_call.h"
#include "opencl/cl_product.h"

enum {
    LEAST_CHANNELS = 8, /* below, transforms cost more than products */
    FLOAT4 = 4 * sizeof(float)
};

bool un_cl_winograd_takes(const struct un_engine *e, const struct un_conv *c)
{
    return c->kind == UN_CONV3X3 && !e->exact && c->src[0].tensor.layout == UN_FEATURES &&
           c->dst.layout == UN_FEATURES && un_cl_in(c) >= LEAST_CHANNELS &&
           c->dst.shape.c >= LEAST_CHANNELS;
}

/* float4s of U for so many blocks on both sides */
static size_t packed_count(int blocks_in, int blocks_out)
{
    return (size_t)UN_CL_FREQUENCIES * 4 * (size_t)blocks_in * (size_t)blocks_out;
}

size_t un_cl_winograd_pack_bytes(const struct un_conv *c, enum un_pass pass)
{
    const int out = un_cl_blocks(c->dst.shape.c);
    size_t count = packed_count(un_cl_source_blocks(c, 0) + un_cl_source_blocks(c, 1), out);
    if (pass == UN_PASS_FORWARD)
        count += (size_t)out;
    return (count * FLOAT4 + 63) / 64 * 64;
}

static void pack(struct un_engine *e, const struct un_conv *c, void *to, int out, int in0, int in1,
                 int first, int by_out, int by_in, bool mirror)
{
    struct un_cl_call call = un_cl_begin(e, UN_CL_WINOGRAD_WEIGHTS);
    un_cl_address(&call, c->weight);
    un_cl_address(&call, c->scale);
    un_cl_address(&call, to);
    un_cl_int(&call, out);
    un_cl_int(&call, in0);
    un_cl_int(&call, in1);
    un_cl_int(&call, first);
    un_cl_int(&call, by_out);
    un_cl_int(&call, by_in);
    un_cl_int(&call, mirror);
    un_cl_run(&call, (size_t)un_cl_blocks(out), 4 * (size_t)(un_cl_blocks(in0) + un_cl_blocks(in1)),
              1);
}

void un_cl_winograd_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass)
{
    const int by_out = un_cl_in(c) * 9, by_in = 9, out = c->dst.shape.c;
    char *to = c->packed[pass];
    if (pass == UN_PASS_FORWARD) {
        const int blocks = un_cl_source_blocks(c, 0) + un_cl_source_blocks(c, 1);
        pack(e, c, to, out, c->src[0].tensor.shape.c, c->src[1].tensor.shape.c, 0, by_out, by_in,
             false);
        un_cl_pack_bias(e, c, to + packed_count(blocks, un_cl_blocks(out)) * FLOAT4);
        return;
    }
    for (int s = 0, first = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const int channels = c->src[s].tensor.shape.c;
        pack(e, c, to, channels, out, 0, first * by_in, by_in, by_out, true);
        to += packed_count(un_cl_blocks(out), un_cl_blocks(channels)) * FLOAT4;
        first += channels;
    }
}

const void *un_cl_winograd_after(const void *packed, int blocks_in, int blocks_out)
{
    return (const char *)packed + packed_count(blocks_in, blocks_out) * FLOAT4;
}

/* ---- tiles ---- */

struct un_cl_tiles un_cl_tiles_of(struct un_cl_map map, int h, int w, int top, int left)
{
    struct un_cl_tiles t = {.map = map, .top = top, .left = left, .columns = (w + 3) / 4};
    t.per_image = (h + 3) / 4 * t.columns;
    return t;
}

static size_t tile_count(int images, int h, int w)
{
    return (size_t)images * (size_t)((h + 3) / 4) * (size_t)((w + 3) / 4);
}

static size_t chunk_bytes(size_t tiles, int blocks)
{
    return un_cl_room_bytes(un_cl_chunk(tiles, blocks, UN_CL_FREQUENCIES), blocks,
                            UN_CL_FREQUENCIES);
}

size_t un_cl_winograd_workspace(const struct un_conv *c, enum un_pass pass)
{
    const int out = un_cl_blocks(c->dst.shape.c), images = c->dst.shape.n;
    size_t most = 0;
    if (pass == UN_PASS_FORWARD)
        return chunk_bytes(tile_count(images, c->dst.shape.h, c->dst.shape.w),
                           out + un_cl_source_blocks(c, 0) + un_cl_source_blocks(c, 1));
    for (int s = 0; s < 2 && c->src[s].tensor.shape.c; s++) {
        const struct un_shape d = c->src[s].tensor.shape;
        const size_t bytes = chunk_bytes(tile_count(images, d.h, d.w), out + un_cl_blocks(d.c));
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* ---- the three steps ---- */

static void transform(struct un_engine *e, const void *src, void *v, const struct un_cl_tiles *t)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_WINOGRAD_SOURCE);
    un_cl_address(&c, src);
    un_cl_address(&c, v);
    un_cl_value(&c, t, sizeof *t);
    un_cl_run(&c, (size_t)t->room, (size_t)t->map.blocks, 1);
}

static void transform_back(struct un_engine *e, const void *m, const struct un_cl_places *p,
                           const struct un_cl_tiles *t, const struct un_cl_gather *g)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_WINOGRAD_RESULT);
    un_cl_address(&c, m);
    un_cl_address(&c, p->bias);
    un_cl_address(&c, p->dst);
    un_cl_address(&c, p->pooled);
    un_cl_address(&c, p->window);
    un_cl_address(&c, p->y);
    un_cl_value(&c, t, sizeof *t);
    un_cl_value(&c, g, sizeof *g);
    un_cl_run(&c, (size_t)t->count, (size_t)g->dst.blocks, 1);
}

void un_cl_winograd_run(struct un_engine *e, const struct un_cl_gather *g,
                        const struct un_cl_places *p, int images)
{
    const int in = g->src[0].blocks + g->src[1].blocks, out = g->dst.blocks;
    const size_t tiles = tile_count(images, g->dst.h, g->dst.w);
    const int chunk = un_cl_chunk(tiles, in + out, UN_CL_FREQUENCIES);
    float *v = e->workspace, *m = v + (size_t)UN_CL_FREQUENCIES * (size_t)in * 4 * (size_t)chunk;
    for (size_t first = 0; first < tiles; first += (size_t)chunk) {
        const int count = (int)(tiles - first < (size_t)chunk ? tiles - first : (size_t)chunk);
        struct un_cl_tiles t;
        for (int s = 0, block = 0; s < 2 && g->src[s].blocks; s++) {
            t = un_cl_tiles_of(g->src[s], g->dst.h, g->dst.w, g->top[s], g->left[s]);
            t.first = (int)first;
            t.count = count;
            t.room = un_cl_room(count);
            t.first_block = block;
            t.all_blocks = in;
            transform(e, p->src[s], v, &t);
            block += g->src[s].blocks;
        }
        un_cl_product(e, v, p->packed, m, t.room, in, out, UN_CL_FREQUENCIES);
        t.first_block = 0;
        t.all_blocks = out;
        transform_back(e, m, p, &t, g);
    }
}
