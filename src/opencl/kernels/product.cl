/* SPDX-License-Identifier: Apache-2.0 */
/*
 * product.cl - batched matrix products, one for each frequency (dimension 2) or one alone
 *
 * A group of 64 work items makes a tile of the result, of which each has 8x8 values in registers.
 * Both factors come through local memory, a few columns at a time.  A value is the sum over all
 * columns in their order whatever the tile's shape, so the shape changes no bit.
 */

enum { PIXELS = 8, STEP = 2 }; /* of a work item; blocks of channels that lie in local memory */

/* Adds what a row of the second factor, eight channels, gives to the eight pixels.  Loops over sums
 * are unrolled: values that are numbered at run time are no registers. */
static inline void add_row(float4 sum[PIXELS][2], const float x[PIXELS], float4 b0, float4 b1)
{
#pragma unroll
    for (int i = 0; i < PIXELS; i++) {
        sum[i][0] = mad((float4)(x[i]), b0, sum[i][0]);
        sum[i][1] = mad((float4)(x[i]), b1, sum[i][1]);
    }
}

#define ADD_ROW(part, row)                                                                         \
    {                                                                                              \
        const float one[PIXELS] = {x[0].part, x[1].part, x[2].part, x[3].part,                     \
                                   x[4].part, x[5].part, x[6].part, x[7].part};                    \
        add_row(sum, one, b[(row)*wide + q], b[(row)*wide + columns + q]);                         \
    }

/*
 * m[K / 4][room] = v[C / 4][room] u[C][K / 4], four k in each place; the group's work items stand
 * in `columns` columns of two blocks of k, and 64 / columns rows of eight tiles.
 */
ALWAYS_INLINE void product(__global const float4 *v, __global const float4 *u, __global float4 *m,
                           int room, int blocks_c, int blocks_k, __local float4 *a,
                           __local float4 *b, const int columns)
{
    const int rows = GROUP / columns, tall = rows * PIXELS, wide = 2 * columns;
    const int lane = (int)get_local_id(0), r = lane / columns, q = lane % columns;
    const int first = (int)get_group_id(0) * tall, first_k = (int)get_group_id(1) * wide;
    const size_t f = get_global_id(2);
    v += f * (size_t)blocks_c * (size_t)room + (size_t)first;
    u += f * (size_t)blocks_c * 4 * (size_t)blocks_k;
    float4 sum[PIXELS][2];
#pragma unroll
    for (int i = 0; i < PIXELS; i++)
        sum[i][0] = sum[i][1] = 0.0f;
    for (int c = 0; c < blocks_c; c += STEP) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = lane; i < STEP * tall; i += GROUP)
            a[i] = c + i / tall < blocks_c ? v[(size_t)(c + i / tall) * (size_t)room + i % tall]
                                           : 0.0f;
        for (int i = lane; i < STEP * 4 * wide; i += GROUP) {
            const int row = 4 * c + i / wide, k = first_k + i % wide;
            b[i] =
                row < 4 * blocks_c && k < blocks_k ? u[(size_t)row * (size_t)blocks_k + k] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int s = 0; s < STEP; s++) {
            float4 x[PIXELS];
#pragma unroll
            for (int i = 0; i < PIXELS; i++)
                x[i] = a[s * tall + i * rows + r];
            ADD_ROW(x, 4 * s)
            ADD_ROW(y, 4 * s + 1)
            ADD_ROW(z, 4 * s + 2)
            ADD_ROW(w, 4 * s + 3)
        }
    }
    m += f * (size_t)blocks_k * (size_t)room + (size_t)first;
#pragma unroll
    for (int j = 0; j < 2; j++) {
        const int k = first_k + j * columns + q;
#pragma unroll
        for (int i = 0; i < PIXELS && k < blocks_k; i++)
            m[(size_t)k * (size_t)room + i * rows + r] = sum[i][j];
    }
}

#define PRODUCT(name, columns)                                                                     \
    KERNEL void name(IN(v), IN(u), OUT(m), const int room, const int blocks_c, const int blocks_k) \
    {                                                                                              \
        __local float4 a[STEP * GROUP / columns * PIXELS], b[STEP * 8 * columns];                  \
        product(AS(const float4, v), AS(const float4, u), AS(float4, m), room, blocks_c, blocks_k, \
                a, b, columns);                                                                    \
    }

PRODUCT(product_64, 8) /* 64 tiles by 64 channels */
PRODUCT(product_32, 4) /* 128 by 32 */
PRODUCT(product_16, 2) /* 256 by 16 */

/*
 * sums [pieces][4 K / 4][C / 4] of g[K / 4][room] v[C / 4][room]', the sum over the tiles of a
 * piece; added to what is there, or not.  side x side work items have two blocks of k and two of c
 * each; what is left of the group takes turns at the tiles, and is added up in order at the end.
 */
ALWAYS_INLINE void product_outer(__global const float4 *g, __global const float4 *v,
                                 __global float4 *sums, struct un_cl_sizes o, __local float4 *a,
                                 __local float4 *b, const int side, const int step)
{
    const int wide = 2 * side, pitch = wide + 1, turns = GROUP / (side * side);
    const int lane = (int)get_local_id(0), turn = lane / (side * side);
    const int r = lane / side % side, q = lane % side;
    const int groups_k = (o.blocks_k + wide - 1) / wide;
    const int first_k = (int)get_group_id(0) % groups_k * wide;
    const int first_c = (int)get_group_id(0) / groups_k * wide;
    const int piece = (int)get_group_id(1), steps = o.room / step;
    const int from = (int)((long)steps * piece / o.pieces) * step;
    const int to = (int)((long)steps * (piece + 1) / o.pieces) * step;
    const size_t f = get_global_id(2);
    float4 sum[8][2];
    g += f * (size_t)o.blocks_k * (size_t)o.room;
    v += f * (size_t)o.blocks_c * (size_t)o.room;
    sums +=
        ((size_t)piece * get_global_size(2) + f) * (size_t)(4 * o.blocks_k) * (size_t)o.blocks_c;
#pragma unroll
    for (int i = 0; i < 8; i++)
        sum[i][0] = sum[i][1] = 0.0f;
    for (int tile = from; tile < to; tile += step) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = lane; i < wide * step; i += GROUP) {
            const int block = i / step, s = i % step;
            a[s * pitch + block] = first_k + block < o.blocks_k
                                       ? g[(size_t)(first_k + block) * (size_t)o.room + tile + s]
                                       : 0.0f;
            b[s * pitch + block] = first_c + block < o.blocks_c
                                       ? v[(size_t)(first_c + block) * (size_t)o.room + tile + s]
                                       : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int s = turn; s < step; s += turns) {
            const float4 x[2] = {a[s * pitch + r], a[s * pitch + side + r]};
            const float4 y[2] = {b[s * pitch + q], b[s * pitch + side + q]};
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    sum[4 * i][j] = mad((float4)(x[i].x), y[j], sum[4 * i][j]);
                    sum[4 * i + 1][j] = mad((float4)(x[i].y), y[j], sum[4 * i + 1][j]);
                    sum[4 * i + 2][j] = mad((float4)(x[i].z), y[j], sum[4 * i + 2][j]);
                    sum[4 * i + 3][j] = mad((float4)(x[i].w), y[j], sum[4 * i + 3][j]);
                }
        }
    }
#pragma unroll
    for (int i = 0; i < 16; i++) {
        const int j = i % 2, block = first_k + i / 8 * side + r, c = first_c + j * side + q;
        float4 all = sum[i / 2][j];
        if (turns > 1) {
            barrier(CLK_LOCAL_MEM_FENCE);
            a[lane] = all;
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int other = 1; other < turns && turn == 0; other++)
                all += a[other * side * side + lane];
        }
        if (turn == 0 && block < o.blocks_k && c < o.blocks_c) {
            __global float4 *at =
                sums + (size_t)(4 * block + i / 2 % 4) * (size_t)o.blocks_c + (size_t)c;
            *at = o.adds ? *at + all : all;
        }
    }
}

#define PRODUCT_OUTER(name, side, step)                                                            \
    KERNEL void name(IN(g), IN(v), OUT(sums), const struct un_cl_sizes o)                          \
    {                                                                                              \
        __local float4 a[step * (2 * side + 1)], b[step * (2 * side + 1)];                         \
        product_outer(AS(const float4, g), AS(const float4, v), AS(float4, sums), o, a, b, side,   \
                      step);                                                                       \
    }

PRODUCT_OUTER(product_outer_64, 8, 8) /* 64 by 64 channels */
PRODUCT_OUTER(product_outer_32, 4, 16)
PRODUCT_OUTER(product_outer_16, 2, 64)
