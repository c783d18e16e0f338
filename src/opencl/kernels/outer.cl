/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer.cl - gradients of weights directly: maps become matrices (struct un_cl_taps), whose product
 * is product.cl's, and sums become weights
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
    return (
        (__global const float4 *)map)[((size_t)n * (size_t)m->blocks + (size_t)block) * plane + at];
}

/* Row `row` of a plain map's matrix. */
static inline float plain_tap(__global const float *map, const struct un_cl_taps *t, int row, int y,
                              int x)
{
    const int channels = t->map.channels, tap = row / channels;
    const int sy = y + tap / t->side, sx = x + tap % t->side;
    if (tap >= t->side * t->side || sy < 0 || sy >= t->map.h || sx < 0 || sx >= t->map.w)
        return 0.0f;
    return map[((size_t)t->n * (size_t)(t->map.h * t->map.w) + (size_t)(sy * t->map.w + sx)) *
                   (size_t)channels +
               (size_t)(row % channels)];
}

/* to [blocks of rows][room]; dimensions: pixel, block */
KERNEL void outer_taps(IN(map), OUT(to), const struct un_cl_taps t)
{
    const int i = (int)get_global_id(0), block = (int)get_global_id(1), p = t.first + i;
    if (i >= t.room)
        return;
    float4 v = 0.0f;
    const int y = p / t.columns * t.mul + t.top, x = p % t.columns * t.mul + t.left;
    if (i < t.count && t.map.plain) {
        v.x = plain_tap(AS(const float, map), &t, 4 * block, y, x);
        v.y = plain_tap(AS(const float, map), &t, 4 * block + 1, y, x);
        v.z = plain_tap(AS(const float, map), &t, 4 * block + 2, y, x);
        v.w = plain_tap(AS(const float, map), &t, 4 * block + 3, y, x);
    } else if (i < t.count) {
        const int tap = block / t.map.blocks;
        v = load_pixel(AS(const float, map), &t.map, t.n, block % t.map.blocks, y + tap / t.side,
                       x + tap % t.side);
    }
    AS(float4, to)[(size_t)block * (size_t)t.room + (size_t)i] = v;
}

/*
 * Gradients of weights from sums [pieces][rows of a][blocks of b's rows] of four: those of a's
 * channels from first_a on, in the order [a][all of b's channels][tap].  dimensions: block, channel
 * of a.
 */
KERNEL void outer_back(IN(sums), OUT(to), const struct un_cl_taps t, const int pieces,
                       const int rows_a, const int first_a, const int channels_a, const int first,
                       const int all)
{
    const int taps = t.side * t.side, blocks = UN_CL_TAP_BLOCKS(t.map, taps);
    const int block = (int)get_global_id(0), k = (int)get_global_id(1);
    if (block >= blocks || first_a + k >= channels_a)
        return;
    __global const float4 *from = AS(const float4, sums) + (size_t)k * (size_t)blocks + block;
    float4 v = from[0];
    for (int piece = 1; piece < pieces; piece++)
        v += from[(size_t)piece * (size_t)rows_a * (size_t)blocks];
    const float sum[4] = {v.x, v.y, v.z, v.w};
    __global float *row = AS(float, to) + (size_t)(first_a + k) * (size_t)(all * taps);
#pragma unroll
    for (int lane = 0; lane < 4; lane++) {
        const int place = 4 * block + lane;
        const int tap = t.map.plain ? place / t.map.channels : block / t.map.blocks;
        const int c = t.map.plain ? place % t.map.channels : place - 4 * tap * t.map.blocks;
        if (tap < taps && c < t.map.channels)
            row[(first + c) * taps + tap] = sum[lane];
    }
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
