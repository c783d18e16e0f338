/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv.cl - convolutions and the gradients of their sources, directly; what struct un_cl_gather
 * says
 *
 * A work item makes 2x2 pixels of four channels: of these four every tap of an up-convolution
 * belongs to one, and their maximum is what a pooling wants.  Weights are packed as
 * [K / 4][C / 4 of both sources][taps][4 of C] of float4 over K, so all that a work item reads of
 * them lies in a row, and is the same for all work items of a group.
 */

/* Where in a plane of the source a tap of a pixel lies, or -1. */
static inline int tap_at(const struct un_cl_gather *g, int s, int y, int x, int i, int j)
{
    const int sy = y * g->mul + i * g->step + g->top[s], sx = x * g->mul + j * g->step + g->left[s];
    const int odd = g->div - 1, shift = odd; /* div is 1 or 2 */
    const int py = sy >> shift, px = sx >> shift;
    if ((sy & odd) || (sx & odd) || py < 0 || py >= g->src[s].h || px < 0 || px >= g->src[s].w)
        return -1;
    return py * g->src[s].w + px;
}

static inline float4 load(__global const float *image, const struct un_cl_map *m, int block, int at)
{
    if (at < 0)
        return 0.0f;
    if (m->plain)
        return load_plain(image + (size_t)at * (size_t)m->channels + 4 * block,
                          m->channels - 4 * block);
    return ((__global const float4 *)image)[(size_t)block * (size_t)(m->h * m->w) + at];
}

static inline float4 multiply(float4 sum, float4 v, __global const float4 *w)
{
    sum = mad((float4)(v.x), w[0], sum);
    sum = mad((float4)(v.y), w[1], sum);
    sum = mad((float4)(v.z), w[2], sum);
    return mad((float4)(v.w), w[3], sum);
}

/* Adds what source s gives to the four pixels; w: its first block's weights. */
static inline void add_source(const struct un_cl_gather *g, int s, __global const float *image,
                              __global const float4 *w, int y, int x, float4 sum[4])
{
    const int taps = g->side * g->side;
    for (int tap = 0; tap < taps; tap++) {
        const int i = tap / g->side, j = tap % g->side;
        const int a = tap_at(g, s, y, x, i, j), b = tap_at(g, s, y, x + 1, i, j);
        const int c = tap_at(g, s, y + 1, x, i, j), d = tap_at(g, s, y + 1, x + 1, i, j);
        if ((a & b & c & d) == -1)
            continue;
        for (int block = 0; block < g->src[s].blocks; block++) {
            __global const float4 *here = w + (block * taps + tap) * 4;
            if (a >= 0)
                sum[0] = multiply(sum[0], load(image, &g->src[s], block, a), here);
            if (b >= 0)
                sum[1] = multiply(sum[1], load(image, &g->src[s], block, b), here);
            if (c >= 0)
                sum[2] = multiply(sum[2], load(image, &g->src[s], block, c), here);
            if (d >= 0)
                sum[3] = multiply(sum[3], load(image, &g->src[s], block, d), here);
        }
    }
}

static inline size_t image_floats(const struct un_cl_map *m)
{
    return (size_t)(m->h * m->w) * (size_t)(m->plain ? m->channels : 4 * m->blocks);
}

/* dimensions: four pixels, block of channels, image; bias: packed as the weights are, or missing */
KERNEL void conv_gather(IN(src0), IN(src1), IN(packed), IN(bias), OUT(dst), OUT(pooled),
                        OUT(window), IN(y), const struct un_cl_gather g)
{
    const int wide = (g.dst.w + 1) / 2, quad = (int)get_global_id(0);
    const int top = quad / wide * 2, left = quad % wide * 2;
    const int block = (int)get_global_id(1), n = (int)get_global_id(2);
    const int taps = g.side * g.side, blocks = g.src[0].blocks + g.src[1].blocks;
    if (top >= g.dst.h)
        return;
    __global const float4 *w = AS(const float4, packed) + (size_t)block * (blocks * taps * 4);
    float4 sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    add_source(&g, 0, AS(const float, src0) + n * image_floats(&g.src[0]), w, top, left, sum);
    if (g.src[1].blocks)
        add_source(&g, 1, AS(const float, src1) + n * image_floats(&g.src[1]),
                   w + g.src[0].blocks * taps * 4, top, left, sum);
    if (!g.gives) {
        const float4 b = bias_base ? AS(const float4, bias)[block] : 0.0f;
        for (int q = 0; q < 4; q++)
            sum[q] = activate(sum[q] + b, g.act, g.slope);
    }
    if (g.parts) {
        store_parts(&g, AS(float4, pooled), AS(float4, window),
                    (size_t)n * (size_t)g.dst.blocks + (size_t)block, top, left, sum);
        return;
    }
    for (int q = 0; q < 4; q++)
        if (top + q / 2 < g.dst.h && left + q % 2 < g.dst.w)
            store_pixel(&g, AS(float, dst), n, block, (top + q / 2) * g.dst.w + left + q % 2,
                        sum[q], AS(const float4, y));
}

/*
 * Packs the weights of `out` results from in0 + in1 sources: weight (k, c, tap) is
 * from[first + k * by_k + c * by_c + tap].  A work item makes a float4.
 */
KERNEL void conv_pack(IN(from), IN(scale), OUT(to), const int out, const int in0, const int in1,
                      const int taps, const int first, const int by_k, const int by_c,
                      const int count)
{
    const int i = (int)get_global_id(0), blocks0 = (in0 + 3) / 4, blocks = blocks0 + (in1 + 3) / 4;
    if (i >= count)
        return;
    const int lane = i % 4, tap = i / 4 % taps, block = i / 4 / taps % blocks;
    const int k = i / 4 / taps / blocks * 4, second = block >= blocks0;
    const int c = (second ? block - blocks0 : block) * 4 + lane;
    float4 v = 0.0f;
    if (c < (second ? in1 : in0)) {
        __global const float *w =
            AS(const float, from) + first + (size_t)(c + (second ? in0 : 0)) * by_c + tap;
        const size_t at = (size_t)k * by_k;
        v.x = w[at];
        if (k + 1 < out)
            v.y = w[at + by_k];
        if (k + 2 < out)
            v.z = w[at + 2 * by_k];
        if (k + 3 < out)
            v.w = w[at + 3 * by_k];
        if (scale_base)
            v *= load_channels(AS(const float, scale), k, out);
    }
    AS(float4, to)[i] = v;
}

/* A float4 for each block; from: shift or bias, or missing. */
KERNEL void conv_pack_bias(IN(from), OUT(to), const int out)
{
    const int block = (int)get_global_id(0);
    if (4 * block < out)
        AS(float4, to)[block] =
            from_base ? load_channels(AS(const float, from), 4 * block, out) : 0.0f;
}
