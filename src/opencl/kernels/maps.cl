/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.cl - pooling, sums, doubling, dropout: a work item is a pixel of a block of channels of what
 * is written; dimension 1 counts blocks of all images
 */

KERNEL void maxpool_forward(IN(src), OUT(dst), const int sh, const int sw, const int h, const int w)
{
    const int p = (int)get_global_id(0), y = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    __global const float4 *s =
        AS(const float4, src) + plane * (size_t)(sh * sw) + (2 * y * sw + 2 * x);
    float4 most = s[0];
    most = select(most, s[1], s[1] > most);
    most = select(most, s[sw], s[sw] > most);
    most = select(most, s[sw + 1], s[sw + 1] > most);
    AS(float4, dst)[plane * (size_t)(h * w) + p] = most;
}

/* h, w: of the source; the first of the largest takes the gradient */
KERNEL void maxpool_backward(IN(src), IN(ddst), OUT(d), IN(y), const int h, const int w,
                             const int dh, const int dw, const int accumulate, const int act,
                             const float slope)
{
    const int p = (int)get_global_id(0), row = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    float4 v = 0.0f;
    if (row / 2 < dh && x / 2 < dw) {
        __global const float4 *s =
            AS(const float4, src) + plane * (size_t)(h * w) + (row / 2 * 2 * w + x / 2 * 2);
        float4 most = s[0];
        int4 best = 0;
        best = select(best, (int4)1, s[1] > most);
        most = select(most, s[1], s[1] > most);
        best = select(best, (int4)2, s[w] > most);
        most = select(most, s[w], s[w] > most);
        best = select(best, (int4)3, s[w + 1] > most);
        const float4 g = AS(const float4, ddst)[plane * (size_t)(dh * dw) + (row / 2 * dw + x / 2)];
        v = select(v, g, best == row % 2 * 2 + x % 2);
    }
    give(AS(float4, d), plane * (size_t)(h * w) + p, v, accumulate, act, slope,
         AS(const float4, y));
}

/* The largest of the nine pixels around pixel (2y, 2x) of a map of h x w, those that are inside, and
 * in *best which it is, the first of them: 3 * row + column. */
static inline float4 largest_of_nine(__global const float4 *s, int h, int w, int y, int x,
                                     int4 *best)
{
    float4 most = s[2 * y * w + 2 * x]; /* replaced by the first of the nine that is inside */
    bool found = false;
    for (int i = 0; i < 9; i++) {
        const int row = 2 * y + i / 3 - 1, column = 2 * x + i % 3 - 1;
        if (row < 0 || row >= h || column < 0 || column >= w)
            continue;
        const float4 v = s[row * w + column];
        const int4 more = found ? v > most : (int4)-1;
        *best = select(*best, (int4)i, more);
        most = select(most, v, more);
        found = true;
    }
    return most;
}

KERNEL void maxpool3_forward(IN(src), OUT(dst), const int sh, const int sw, const int h,
                             const int w)
{
    const int p = (int)get_global_id(0);
    const size_t plane = get_global_id(1);
    int4 best;
    if (p < h * w)
        AS(float4, dst)
        [plane * (size_t)(h * w) + p] = largest_of_nine(
            AS(const float4, src) + plane * (size_t)(sh * sw), sh, sw, p / w, p % w, &best);
}

/* h, w: of the source, whose odd rows and columns belong to two windows */
KERNEL void maxpool3_backward(IN(src), IN(ddst), OUT(d), IN(y), const int h, const int w,
                              const int dh, const int dw, const int accumulate, const int act,
                              const float slope)
{
    const int p = (int)get_global_id(0), row = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    __global const float4 *s = AS(const float4, src) + plane * (size_t)(h * w);
    __global const float4 *g = AS(const float4, ddst) + plane * (size_t)(dh * dw);
    float4 sum = 0.0f;
    for (int v = row / 2; v <= (row + 1) / 2 && v < dh; v++)
        for (int u = x / 2; u <= (x + 1) / 2 && u < dw; u++) {
            int4 best;
            largest_of_nine(s, h, w, v, u, &best);
            sum += select((float4)0.0f, g[v * dw + u],
                          best == 3 * (row - 2 * v + 1) + x - 2 * u + 1);
        }
    give(AS(float4, d), plane * (size_t)(h * w) + p, sum, accumulate, act, slope,
         AS(const float4, y));
}

KERNEL void meanpool_forward(IN(src), OUT(dst), const int sh, const int sw, const int h,
                             const int w)
{
    const int p = (int)get_global_id(0), y = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    __global const float4 *s =
        AS(const float4, src) + plane * (size_t)(sh * sw) + (2 * y * sw + 2 * x);
    AS(float4, dst)[plane * (size_t)(h * w) + p] = 0.25f * (s[0] + s[1] + s[sw] + s[sw + 1]);
}

/* h, w: of the source */
KERNEL void meanpool_backward(IN(ddst), OUT(d), IN(y), const int h, const int w, const int dh,
                              const int dw, const int accumulate, const int act, const float slope)
{
    const int p = (int)get_global_id(0), row = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    float4 v = 0.0f;
    if (row / 2 < dh && x / 2 < dw)
        v = 0.25f * AS(const float4, ddst)[plane * (size_t)(dh * dw) + (row / 2 * dw + x / 2)];
    give(AS(float4, d), plane * (size_t)(h * w) + p, v, accumulate, act, slope,
         AS(const float4, y));
}

/* Where in plain pixels the channels of a block lie; plane counts blocks of all images. */
static inline size_t plain_at(size_t plane, int blocks, int pixels, int p, int channels)
{
    return (plane / (size_t)blocks * (size_t)pixels + (size_t)p) * (size_t)channels +
           plane % (size_t)blocks * 4;
}

/* channels: of dst where it is plain pixels, else 0 */
KERNEL void add_forward(IN(src0), IN(src1), OUT(dst), const int h0, const int w0, const int top0,
                        const int left0, const int h1, const int w1, const int top1,
                        const int left1, const int h, const int w, const int act,
                        const float slope, const int channels, const int blocks)
{
    const int p = (int)get_global_id(0), y = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    const int y0 = y + top0, x0 = x + left0, y1 = y + top1, x1 = x + left1;
    float4 sum = 0.0f;
    if (y0 >= 0 && y0 < h0 && x0 >= 0 && x0 < w0)
        sum = AS(const float4, src0)[plane * (size_t)(h0 * w0) + (y0 * w0 + x0)];
    if (y1 >= 0 && y1 < h1 && x1 >= 0 && x1 < w1)
        sum += AS(const float4, src1)[plane * (size_t)(h1 * w1) + (y1 * w1 + x1)];
    sum = activate(sum, act, slope);
    if (channels)
        store_plain(AS(float, dst) + plain_at(plane, blocks, h * w, p, channels), sum,
                    channels - (int)(plane % (size_t)blocks) * 4);
    else
        AS(float4, dst)[plane * (size_t)(h * w) + p] = sum;
}

/* h, w: of the source, of which ddst is a frame; channels: of ddst where it is plain pixels */
KERNEL void add_backward(IN(ddst), OUT(d), IN(y), const int gh, const int gw, const int top,
                         const int left, const int h, const int w, const int accumulate,
                         const int act, const float slope, const int channels, const int blocks)
{
    const int p = (int)get_global_id(0), gy = p / w - top, gx = p % w - left;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    float4 v = 0.0f;
    const bool there = gy >= 0 && gy < gh && gx >= 0 && gx < gw;
    if (there && channels)
        v = load_plain(AS(const float, ddst) +
                           plain_at(plane, blocks, gh * gw, gy * gw + gx, channels),
                       channels - (int)(plane % (size_t)blocks) * 4);
    else if (there)
        v = AS(const float4, ddst)[plane * (size_t)(gh * gw) + (gy * gw + gx)];
    give(AS(float4, d), plane * (size_t)(h * w) + p, v, accumulate, act, slope,
         AS(const float4, y));
}

/* ---- doubling ---- */

enum { BILINEAR, CORNERS, NEAREST }; /* enum un_doubling */

/* Output position p lies at source position q + *part, of `size`; in whole numbers, since a float
 * has not enough digits for both. */
static inline int doubled(int how, int p, int size, float *part)
{
    *part = 0.0f;
    if (how == NEAREST)
        return p / 2;
    if (how == CORNERS) {
        const long parts = 2 * size - 1, position = (long)p * (size - 1);
        *part = (float)(position % parts) / (float)parts;
        return (int)(position / parts);
    }
    const int quarters = clamp(2 * p - 1, 0, 4 * (size - 1));
    *part = (float)(quarters % 4) * 0.25f;
    return quarters / 4;
}

/* The weight of source pixel i in output position p. */
static inline float share(int how, int p, int i, int size)
{
    float part;
    const int q = doubled(how, p, size, &part);
    return i == q ? 1.0f - part : i == q + 1 ? part : 0.0f;
}

KERNEL void upsample_forward(IN(src), OUT(dst), const int sh, const int sw, const int h,
                             const int w, const int how, const int trim)
{
    const int p = (int)get_global_id(0), y = p / w, x = p % w;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    float down, right;
    const int sy = doubled(how, y + trim, sh, &down), sx = doubled(how, x + trim, sw, &right);
    const int below = min(sy + 1, sh - 1) * sw, beside = min(sx + 1, sw - 1);
    __global const float4 *s = AS(const float4, src) + plane * (size_t)(sh * sw);
    const float4 upper = (1.0f - right) * s[sy * sw + sx] + right * s[sy * sw + beside];
    const float4 lower = (1.0f - right) * s[below + sx] + right * s[below + beside];
    AS(float4, dst)[plane * (size_t)(h * w) + p] = (1.0f - down) * upper + down * lower;
}

/* h, w: of the source; its pixel i reaches outputs 2i - 2 to 2i + 3 at most */
KERNEL void upsample_backward(IN(ddst), OUT(d), IN(y), const int h, const int w, const int how,
                              const int trim, const int accumulate, const int act,
                              const float slope)
{
    const int p = (int)get_global_id(0), row = p / w, x = p % w;
    const int gh = 2 * h - 2 * trim, gw = 2 * w - 2 * trim;
    const size_t plane = get_global_id(1);
    if (p >= h * w)
        return;
    __global const float4 *g = AS(const float4, ddst) + plane * (size_t)(gh * gw);
    float4 sum = 0.0f;
    for (int i = max(2 * row - 2, trim); i <= min(2 * row + 3, gh + trim - 1); i++) {
        const float down = share(how, i, row, h);
        float4 line = 0.0f;
        for (int j = max(2 * x - 2, trim); j <= min(2 * x + 3, gw + trim - 1); j++) {
            const float right = share(how, j, x, w);
            if (right != 0.0f)
                line += right * g[(i - trim) * gw + (j - trim)];
        }
        if (down != 0.0f)
            sum += down * line;
    }
    give(AS(float4, d), plane * (size_t)(h * w) + p, sum, accumulate, act, slope,
         AS(const float4, y));
}

/* ---- dropout: Philox4x32-10 (Salmon et al. 2011), as base/rng.c has it ---- */

static inline uint4 philox(ulong key, ulong counter)
{
    uint4 c = (uint4)((uint)counter, (uint)(counter >> 32), 0u, 0u);
    uint k0 = (uint)key, k1 = (uint)(key >> 32);
    for (int round = 0; round < 10; round++) {
        const uint high0 = mul_hi(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
        const uint high1 = mul_hi(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
        c = (uint4)(high1 ^ c.y ^ k0, low1, high0 ^ c.w ^ k1, low0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

static inline float uniform_of(uint4 bits, ulong i)
{
    const int lane = (int)(i & 3);
    const uint b = lane == 0 ? bits.x : lane == 1 ? bits.y : lane == 2 ? bits.z : bits.w;
    return (float)(b >> 8) * 0x1p-24f;
}

/* keep: 1 / (1 - rate) */
KERNEL void dropout(OUT(x), const int plane, const int channels, const int blocks, const float rate,
                    const float keep, const ulong key, const ulong first)
{
    const int p = (int)get_global_id(0), image = (int)get_global_id(1) / blocks;
    const int block = (int)get_global_id(1) % blocks;
    if (p >= plane)
        return;
    const size_t at = get_global_id(1) * (size_t)plane + p;
    const ulong i =
        first + ((ulong)image * (ulong)plane + (ulong)p) * (ulong)channels + (ulong)(4 * block);
    const uint4 here = philox(key, i >> 2), behind = i & 3 ? philox(key, (i >> 2) + 1) : here;
    float4 v = AS(float4, x)[at], u;
    u.x = uniform_of(here, i);
    u.y = uniform_of((i + 1) >> 2 == i >> 2 ? here : behind, i + 1);
    u.z = uniform_of((i + 2) >> 2 == i >> 2 ? here : behind, i + 2);
    u.w = uniform_of((i + 3) >> 2 == i >> 2 ? here : behind, i + 3);
    AS(float4, x)[at] = select(v * keep, (float4)0.0f, u < rate);
}
