/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer.cl - gradients of weights, directly; what struct un_cl_outer says
 *
 * A work item holds the sums of four channels of a times four of b at the taps of one row of the
 * kernel, and walks over the pixels of a piece.  Pieces are then added in their order.
 */

static inline float4 load_pixel(__global const float *map, const struct un_cl_map *m, int n,
                                int block, int y, int x)
{
    if (y < 0 || y >= m->h || x < 0 || x >= m->w)
        return 0.0f;
    const size_t plane = (size_t)(m->h * m->w), at = (size_t)(y * m->w + x);
    if (m->plain)
        return load_plain(map + ((size_t)n * plane + at) * (size_t)m->channels + 4 * block,
                          m->channels - 4 * block);
    return ((__global const float4 *)
                map)[((size_t)n * (size_t)m->blocks + (size_t)block) * plane + at];
}

/* dimensions: row of taps and block of b and of a, piece */
KERNEL void outer_sums(IN(a), IN(b), OUT(sums), const struct un_cl_outer o)
{
    const int i = (int)get_global_id(0), row = i % o.side, piece = (int)get_global_id(1);
    const int block_b = i / o.side % o.b.blocks, block_a = i / o.side / o.b.blocks;
    if (block_a >= o.a.blocks)
        return;
    const int from = (int)((long)o.a.h * piece / o.pieces);
    const int to = (int)((long)o.a.h * (piece + 1) / o.pieces);
    float4 sum[3][4]; /* [tap][channel of a], over those of b */
    for (int j = 0; j < 3; j++)
        for (int k = 0; k < 4; k++)
            sum[j][k] = 0.0f;
    for (int y = from; y < to; y++)
        for (int x = 0; x < o.a.w; x++) {
            const float4 v = load_pixel(AS(const float, a), &o.a, o.n, block_a, y, x);
#pragma unroll
            for (int j = 0; j < 3; j++) { /* sums that are numbered at run time are no registers */
                if (j >= o.side)
                    continue;
                const float4 u = load_pixel(AS(const float, b), &o.b, o.n, block_b,
                                            y * o.mul + row + o.top, x * o.mul + j + o.left);
                sum[j][0] = mad(v.x, u, sum[j][0]);
                sum[j][1] = mad(v.y, u, sum[j][1]);
                sum[j][2] = mad(v.z, u, sum[j][2]);
                sum[j][3] = mad(v.w, u, sum[j][3]);
            }
        }
    const int taps = o.side * o.side;
    __global float *all =
        AS(float, sums) +
        ((size_t)piece * (size_t)o.rows + (size_t)o.first_row) * (size_t)(o.all * taps);
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int j = 0; j < 3; j++) {
            __global float *at =
                all + ((size_t)(4 * block_a + k) * o.all + (o.first + 4 * block_b)) * taps +
                row * o.side + j;
            const int left = o.b.channels - 4 * block_b;
            if (j >= o.side || 4 * block_a + k >= o.a.channels)
                continue;
            at[0] = sum[j][k].x;
            if (left > 1)
                at[taps] = sum[j][k].y;
            if (left > 2)
                at[2 * taps] = sum[j][k].z;
            if (left > 3)
                at[3 * taps] = sum[j][k].w;
        }
}

/* to[i] = the sum over the pieces of sums[piece][i] */
KERNEL void outer_fold(IN(sums), OUT(to), const ulong count, const int pieces)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    float sum = 0.0f;
    for (int piece = 0; piece < pieces; piece++)
        sum += AS(const float, sums)[(ulong)piece * count + i];
    AS(float, to)[i] = sum;
}

/* The sums over the pixels of image n, each group a block of channels. */
KERNEL void outer_bias(IN(g), OUT(to), const struct un_cl_map m, const int n)
{
    __local float4 part[GROUP];
    const int lane = (int)get_local_id(0), block = (int)get_group_id(0);
    float4 sum = 0.0f;
    for (int p = lane; p < m.h * m.w; p += GROUP)
        sum += load_pixel(AS(const float, g), &m, n, block, p / m.w, p % m.w);
    part[lane] = sum;
    for (int step = GROUP / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < step)
            part[lane] += part[lane + step];
    }
    if (lane == 0)
        store_plain(AS(float, to) + 4 * block, part[0], m.channels - 4 * block);
}
