/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.cl - the transforms of Winograd's F(4x4, 3x3); cpu/winograd/winograd.h tells it from the
 * beginning
 *
 *   source    V = B' d B   6x6 pixels -> 36 frequencies    result   y = A' M A   36 -> 4x4 pixels
 *   gradient  A dy A'      4x4 pixels -> 36 frequencies    weights  U = G g G'   3x3 -> 36
 *                                                          and back dg = G' dU G
 *
 * A work item makes a tile of four channels.  Frequencies are [36][blocks][room] of float4, so that
 * neighbouring work items read and write neighbouring tiles, and a matrix product (product.cl)
 * finds its columns side by side.
 */

/* Points 0, 2/3, -2/3, 3/2, -3/2 and infinity, as in cpu/winograd/winograd_kernel.h */
#define WINO_P (2 / 3.0f)
#define WINO_Q (3 / 2.0f)
#define WINO_PP (4 / 9.0f)
#define WINO_QQ (9 / 4.0f)
#define WINO_SUM (97 / 36.0f)

/* B' d: a column of six, in place */
static inline void source_column(float4 *d, int by)
{
    const float4 a = d[0], b = d[by], c = d[2 * by], e = d[3 * by], f = d[4 * by], g = d[5 * by];
    const float4 even1 = f - WINO_QQ * c, odd1 = WINO_P * (e - WINO_QQ * b);
    const float4 even2 = f - WINO_PP * c, odd2 = WINO_Q * (e - WINO_PP * b);
    d[0] = a + f - WINO_SUM * c;
    d[by] = even1 + odd1;
    d[2 * by] = even1 - odd1;
    d[3 * by] = even2 + odd2;
    d[4 * by] = even2 - odd2;
    d[5 * by] = b + g - WINO_SUM * e;
}

/* A y: four make six */
static inline void gradient_column(float4 *d, int by)
{
    const float4 a = d[0], b = d[by], c = d[2 * by], e = d[3 * by];
    const float4 even1 = WINO_Q * a + WINO_P * c, odd1 = b + WINO_PP * e;
    const float4 even2 = WINO_PP * a + c, odd2 = WINO_P * (b + WINO_QQ * e);
    d[by] = even1 + odd1;
    d[2 * by] = even1 - odd1;
    d[3 * by] = even2 + odd2;
    d[4 * by] = even2 - odd2;
    d[5 * by] = e;
}

/* A' m: six make four */
static inline void result_column(float4 *m, int by)
{
    const float4 near = m[by] + m[2 * by], far = m[3 * by] + m[4 * by];
    const float4 near_odd = m[by] - m[2 * by], far_odd = m[3 * by] - m[4 * by];
    m[0] = m[0] + WINO_Q * near + WINO_PP * far;
    m[by] = near_odd + WINO_P * far_odd;
    m[2 * by] = far + WINO_P * near;
    m[3 * by] = m[5 * by] + WINO_PP * near_odd + WINO_Q * far_odd;
}

/* Four channels of a pixel of the map; zero outside of it. */
static inline float4 pixel(__global const float4 *plane, const struct un_cl_map *m, int y, int x)
{
    return y >= 0 && y < m->h && x >= 0 && x < m->w ? plane[y * m->w + x] : 0.0f;
}

static inline void store_frequencies(const float4 d[36], __global float4 *to,
                                     const struct un_cl_tiles *t, int block, int tile)
{
    to += (size_t)(t->first_block + block) * (size_t)t->room + (size_t)tile;
#pragma unroll
    for (int f = 0; f < 36; f++)
        to[(size_t)f * (size_t)t->all_blocks * (size_t)t->room] = d[f];
}

/* The first pixel of a tile, and its plane of the map. */
static inline __global const float4 *tile_at(const struct un_cl_tiles *t,
                                             __global const float4 *map, int tile, int block,
                                             int *y, int *x)
{
    const int n = (t->first + tile) / t->per_image, within = (t->first + tile) % t->per_image;
    *y = within / t->columns * 4 + t->top;
    *x = within % t->columns * 4 + t->left;
    return map +
           ((size_t)n * (size_t)t->map.blocks + (size_t)block) * (size_t)(t->map.h * t->map.w);
}

/* dimensions: tile, those up to the room becoming zero; block */
KERNEL void winograd_source(IN(src), OUT(v), const struct un_cl_tiles t)
{
    const int tile = (int)get_global_id(0), block = (int)get_global_id(1);
    float4 d[36];
    int y = 0, x = 0;
    if (tile >= t.room)
        return;
    __global const float4 *plane = tile_at(&t, AS(const float4, src), tile, block, &y, &x);
#pragma unroll
    for (int i = 0; i < 36; i++)
        d[i] = tile < t.count ? pixel(plane, &t.map, y + i / 6, x + i % 6) : 0.0f;
#pragma unroll
    for (int i = 0; i < 6; i++)
        source_column(d + i, 6);
#pragma unroll
    for (int i = 0; i < 6; i++)
        source_column(d + 6 * i, 1);
    store_frequencies(d, AS(float4, v), &t, block, tile);
}

KERNEL void winograd_gradient(IN(g), OUT(v), const struct un_cl_tiles t, const int from_block)
{
    const int tile = (int)get_global_id(0), block = (int)get_global_id(1);
    float4 d[36];
    int y = 0, x = 0;
    if (tile >= t.room)
        return;
    __global const float4 *plane =
        tile_at(&t, AS(const float4, g), tile, from_block + block, &y, &x);
#pragma unroll
    for (int i = 0; i < 16; i++)
        d[i / 4 * 6 + i % 4] = tile < t.count ? pixel(plane, &t.map, y + i / 4, x + i % 4) : 0.0f;
#pragma unroll
    for (int i = 0; i < 4; i++)
        gradient_column(d + i, 6);
#pragma unroll
    for (int i = 0; i < 6; i++)
        gradient_column(d + 6 * i, 1);
    store_frequencies(d, AS(float4, v), &t, block, tile);
}

/* t: of the result, whose map is g.dst's; bias: packed, or missing */
KERNEL void winograd_result(IN(m), IN(bias), OUT(dst), OUT(pooled), OUT(window), IN(y),
                            const struct un_cl_tiles t, const struct un_cl_gather g)
{
    const int tile = (int)get_global_id(0), block = (int)get_global_id(1);
    if (tile >= t.count)
        return;
    const int n = (t.first + tile) / t.per_image, within = (t.first + tile) % t.per_image;
    const int top = within / t.columns * 4, left = within % t.columns * 4;
    float4 d[36];
    __global const float4 *from =
        AS(const float4, m) + (size_t)block * (size_t)t.room + (size_t)tile;
#pragma unroll
    for (int f = 0; f < 36; f++)
        d[f] = from[(size_t)f * (size_t)t.all_blocks * (size_t)t.room];
#pragma unroll
    for (int i = 0; i < 6; i++)
        result_column(d + i, 6);
#pragma unroll
    for (int i = 0; i < 4; i++)
        result_column(d + 6 * i, 1);
    const float4 b = bias_base ? AS(const float4, bias)[block] : 0.0f;
#pragma unroll
    for (int i = 0; i < 4 && !g.gives; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            d[6 * i + j] = activate(d[6 * i + j] + b, g.act, g.slope);
#pragma unroll
    for (int i = 0; i < 4 && g.parts; i++) {
        const int row = i / 2 * 2, column = i % 2 * 2;
        const float4 quad[4] = {d[6 * row + column], d[6 * row + column + 1],
                                d[6 * row + column + 6], d[6 * row + column + 7]};
        store_parts(&g, AS(float4, pooled), AS(float4, window),
                    (size_t)n * (size_t)g.dst.blocks + (size_t)block, top + row, left + column,
                    quad);
    }
#pragma unroll
    for (int i = 0; i < 16 && !g.parts; i++)
        if (top + i / 4 < g.dst.h && left + i % 4 < g.dst.w)
            store_pixel(&g, AS(float, dst), n, block, (top + i / 4) * g.dst.w + left + i % 4,
                        d[i / 4 * 6 + i % 4], AS(const float4, y));
}

/* G g: three make six */
static inline void weights_column(float4 *g, int by)
{
    const float4 a = g[0], b = g[by], c = g[2 * by];
    const float4 near = a * (-54 / 130.0f) - c * (24 / 130.0f), near_odd = b * (36 / 130.0f);
    const float4 far = a * (36 / 130.0f) + c * (81 / 130.0f), far_odd = b * (54 / 130.0f);
    g[by] = near - near_odd;
    g[2 * by] = near + near_odd;
    g[3 * by] = far + far_odd;
    g[4 * by] = far - far_odd;
    g[5 * by] = c;
}

/* G' u: six make three */
static inline void back_column(float4 *u, int by)
{
    const float4 a = u[by] + u[2 * by], b = u[by] - u[2 * by];
    const float4 c = u[3 * by] + u[4 * by], d = u[3 * by] - u[4 * by];
    u[0] = u[0] - a * (54 / 130.0f) + c * (36 / 130.0f);
    u[by] = d * (54 / 130.0f) - b * (36 / 130.0f);
    u[2 * by] = u[5 * by] - a * (24 / 130.0f) + c * (81 / 130.0f);
}

/*
 * Packs weights as U [36][4 C / 4 blocks of both sources][K / 4] of four k: weight (k, c, tap) is
 * from[first + k * by_k + c * by_c + tap], or the tap's mirror image.  dimensions: block of k,
 * place of c.
 */
KERNEL void winograd_weights(IN(from), IN(scale), OUT(to), const int out, const int in0,
                             const int in1, const int first, const int by_k, const int by_c,
                             const int mirror)
{
    const int blocks_k = (out + 3) / 4, blocks0 = (in0 + 3) / 4;
    const int places = 4 * (blocks0 + (in1 + 3) / 4);
    const int block = (int)get_global_id(0), place = (int)get_global_id(1);
    const int second = place >= 4 * blocks0, k = 4 * block;
    const int c = second ? place - 4 * blocks0 : place;
    float4 g[36];
    if (block >= blocks_k)
        return;
#pragma unroll
    for (int i = 0; i < 36; i++)
        g[i] = 0.0f;
    if (c < (second ? in1 : in0))
#pragma unroll
        for (int tap = 0; tap < 9; tap++) {
            __global const float *w = AS(const float, from) + first +
                                      (size_t)(c + (second ? in0 : 0)) * by_c + (size_t)k * by_k +
                                      (mirror ? 8 - tap : tap);
            float4 v = 0.0f;
            v.x = w[0];
            if (k + 1 < out)
                v.y = w[by_k];
            if (k + 2 < out)
                v.z = w[2 * by_k];
            if (k + 3 < out)
                v.w = w[3 * by_k];
            if (scale_base)
                v *= load_channels(AS(const float, scale), k, out);
            g[tap / 3 * 6 + tap % 3] = v;
        }
#pragma unroll
    for (int i = 0; i < 3; i++)
        weights_column(g + i, 6);
#pragma unroll
    for (int i = 0; i < 6; i++)
        weights_column(g + 6 * i, 1);
#pragma unroll
    for (int f = 0; f < 36; f++)
        AS(float4, to)
    [((size_t)f * (size_t)places + (size_t)place) * (size_t)blocks_k + block] = g[f];
}

/*
 * Gradients of weights from sums [pieces][36][4 K / 4 blocks][C / 4] of four c: those of k from
 * first_k on and of c from first_c on of all `in`, in PyTorch's order.  dimensions: block of c, k.
 */
KERNEL void winograd_back(IN(sums), OUT(to), const int pieces, const int places_k,
                          const int channels, const int first_k, const int out, const int first_c,
                          const int in)
{
    const int blocks = (channels + 3) / 4;
    const int block = (int)get_global_id(0), k = (int)get_global_id(1);
    const size_t by_f = (size_t)places_k * (size_t)blocks;
    float4 u[36];
    if (block >= blocks || first_k + k >= out)
        return;
    __global const float4 *from = AS(const float4, sums) + (size_t)k * (size_t)blocks + block;
#pragma unroll
    for (int f = 0; f < 36; f++) {
        u[f] = from[(size_t)f * by_f];
        for (int piece = 1; piece < pieces; piece++)
            u[f] += from[((size_t)piece * 36 + (size_t)f) * by_f];
    }
#pragma unroll
    for (int i = 0; i < 6; i++)
        back_column(u + i, 6);
#pragma unroll
    for (int i = 0; i < 3; i++)
        back_column(u + 6 * i, 1);
    __global float *w =
        AS(float, to) + ((size_t)(first_k + k) * (size_t)in + (size_t)(first_c + 4 * block)) * 9;
#pragma unroll
    for (int tap = 0; tap < 9; tap++) {
        const float4 v = u[tap / 3 * 6 + tap % 3];
        w[tap] = v.x;
        if (4 * block + 1 < channels)
            w[9 + tap] = v.y;
        if (4 * block + 2 < channels)
            w[18 + tap] = v.z;
        if (4 * block + 3 < channels)
            w[27 + tap] = v.w;
    }
}
