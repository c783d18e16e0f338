/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/cl_product.h"
#include "opencl/cl_call.h"
#include "opencl/kernels/arguments.h"

enum {
    CHUNK = 32 << 20, /* bytes of both factors: less than the second-level caches of large cards */
    SUMS = 64 << 20,  /* bytes of the sums of a part, and more where a block of them is larger */
    GROUPS = 2048,    /* that a large device is busy with */
    PIECE = 128,      /* columns of a piece, at least */
    FLOAT4 = 4 * sizeof(float)
};

static int min(int a, int b)
{
    return a < b ? a : b;
}

static int parts_of(int all, int each)
{
    return (all + each - 1) / each;
}

int un_cl_chunk(size_t columns, int blocks, int frequencies)
{
    const size_t each = un_cl_room_bytes(1, blocks, frequencies);
    const size_t most = CHUNK / each / UN_CL_ROOM * UN_CL_ROOM;
    const size_t all = (columns + UN_CL_ROOM - 1) / UN_CL_ROOM * UN_CL_ROOM;
    const size_t least = most ? most : UN_CL_ROOM;
    return (int)(all < least ? all : least);
}

size_t un_cl_room_bytes(int columns, int blocks, int frequencies)
{
    return (size_t)frequencies * (size_t)blocks * FLOAT4 * (size_t)columns;
}

/* The shapes of a group's tile (kernels/product.cl), by the blocks of channels that a product
 * makes. */
static const struct {
    enum un_cl_kernel kernel;
    int columns, blocks;
} shapes[] = {{UN_CL_PRODUCT_16, 256, 4}, {UN_CL_PRODUCT_32, 128, 8}, {UN_CL_PRODUCT_64, 64, 16}};

void un_cl_product(struct un_engine *e, const void *v, const void *u, void *m, int room,
                   int blocks_in, int blocks_out, int frequencies)
{
    int shape = 0;
    while (shape < 2 && blocks_out > shapes[shape].blocks)
        shape++;
    struct un_cl_call c = un_cl_begin(e, shapes[shape].kernel);
    un_cl_address(&c, v);
    un_cl_address(&c, u);
    un_cl_address(&c, m);
    un_cl_int(&c, room);
    un_cl_int(&c, blocks_in);
    un_cl_int(&c, blocks_out);
    un_cl_run(&c, (size_t)(room / shapes[shape].columns) * UN_CL_GROUP,
              (size_t)parts_of(blocks_out, shapes[shape].blocks), (size_t)frequencies);
}

static size_t sum_bytes(const struct un_cl_cut *u)
{
    return (size_t)u->pieces * (size_t)u->frequencies * 4 * (size_t)u->part * (size_t)u->blocks_c *
           FLOAT4;
}

struct un_cl_cut un_cl_cut_of(int blocks_k, int blocks_c, int frequencies, size_t columns)
{
    struct un_cl_cut u = {.blocks_k = blocks_k,
                          .blocks_c = blocks_c,
                          .frequencies = frequencies,
                          .pieces = 1,
                          .part = 1};
    const size_t each = sum_bytes(&u), most = SUMS / each / 16 * 16;
    const int narrow = min(blocks_k, blocks_c);
    u.side = narrow <= 4 ? 2 : narrow <= 8 ? 4 : 8;
    u.chunk = un_cl_chunk(columns, blocks_k + blocks_c, frequencies);
    u.part = min(blocks_k, most > 16 ? (int)most : 16);
    const int wide = 2 * u.side;
    const int groups = frequencies * parts_of(u.part, wide) * parts_of(blocks_c, wide);
    const size_t room = SUMS / (each * (size_t)u.part);
    u.pieces = min(parts_of(GROUPS, groups), parts_of(u.chunk, PIECE));
    u.pieces = min(u.pieces, room > 1 ? (int)room : 1);
    return u;
}

float *un_cl_cut_g(const struct un_cl_cut *u, float *v)
{
    return v + un_cl_room_bytes(u->chunk, u->blocks_c, u->frequencies) / sizeof(float);
}

float *un_cl_cut_sums(const struct un_cl_cut *u, float *v)
{
    return un_cl_cut_g(u, v) +
           un_cl_room_bytes(u->chunk, u->blocks_k, u->frequencies) / sizeof(float);
}

size_t un_cl_cut_floats(const struct un_cl_cut *u)
{
    return (un_cl_room_bytes(u->chunk, u->blocks_k + u->blocks_c, u->frequencies) + sum_bytes(u)) /
           sizeof(float);
}

void un_cl_product_outer(struct un_engine *e, const struct un_cl_cut *u, const void *g,
                         const void *v, void *sums, int room, int blocks_k, bool adds)
{
    static const enum un_cl_kernel kernels[] = {
        [2] = UN_CL_PRODUCT_OUTER_16, [4] = UN_CL_PRODUCT_OUTER_32, [8] = UN_CL_PRODUCT_OUTER_64};
    const struct un_cl_sizes sizes = {room, blocks_k, u->blocks_c, u->pieces, adds};
    const int wide = 2 * u->side;
    struct un_cl_call c = un_cl_begin(e, kernels[u->side]);
    un_cl_address(&c, g);
    un_cl_address(&c, v);
    un_cl_address(&c, sums);
    un_cl_value(&c, &sizes, sizeof sizes);
    un_cl_run(&c,
              (size_t)parts_of(blocks_k, wide) * (size_t)parts_of(u->blocks_c, wide) * UN_CL_GROUP,
              (size_t)u->pieces, (size_t)u->frequencies);
}
