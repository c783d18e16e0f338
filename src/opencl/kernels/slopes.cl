/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slopes.cl - activations whose slope is learnt
 *
 * The gradient of a slope: the work items of a band add up what is in it, then those of one group
 * the bands of all images, all in double.  Channels that a last block has too many are zero, and
 * add nothing.
 */

/* dimensions: pixel, block of an image; y may be x */
KERNEL void prelu_forward(OUT(x), IN(slope), OUT(y), const int plane)
{
    const int p = (int)get_global_id(0);
    if (p >= plane)
        return;
    const size_t at = get_global_id(1) * (size_t)plane + (size_t)p;
    const float4 v = AS(float4, x)[at];
    const float4 s = AS(const float, slope)[0];
    AS(float4, y)[at] = select(s * v, v, v > 0.0f);
}

/* The same; dx may be dy. */
KERNEL void prelu_backward(IN(x), IN(slope), OUT(dy), OUT(dx), const int plane)
{
    const int p = (int)get_global_id(0);
    if (p >= plane)
        return;
    const size_t at = get_global_id(1) * (size_t)plane + (size_t)p;
    const float4 d = AS(float4, dy)[at];
    const float4 s = AS(const float, slope)[0];
    AS(float4, dx)[at] = select(s * d, d, AS(const float4, x)[at] > 0.0f);
}

static inline real product(float x, float d)
{
    return x > 0.0f ? real_of(0.0f) : real_mul(real_of(x), real_of(d));
}

/* dimensions: band, block of an image; sums [blocks of all images][bands][4] */
KERNEL void prelu_bands(IN(x), IN(dy), OUT(sums), const int plane, const int bands)
{
    __local real part[GROUP];
    const int lane = (int)get_local_id(0), band = (int)get_group_id(0);
    const size_t which = get_global_id(1);
    const int from = (int)((long)plane * band / bands),
              to = (int)((long)plane * (band + 1) / bands);
    __global const float4 *values = AS(const float4, x) + which * (size_t)plane;
    __global const float4 *gradients = AS(const float4, dy) + which * (size_t)plane;
    real sum[4];
    for (int c = 0; c < 4; c++)
        sum[c] = real_of(0.0f);
    for (int p = from + lane; p < to; p += GROUP) {
        const float4 v = values[p], d = gradients[p];
        sum[0] = real_add(sum[0], product(v.x, d.x));
        sum[1] = real_add(sum[1], product(v.y, d.y));
        sum[2] = real_add(sum[2], product(v.z, d.z));
        sum[3] = real_add(sum[3], product(v.w, d.w));
    }
    for (int c = 0; c < 4; c++) {
        const real all = group_sum(part, sum[c]);
        if (lane == 0)
            AS(real, sums)[(which * (size_t)bands + (size_t)band) * 4 + (size_t)c] = all;
    }
}

/* dslope [1]; one group adds all sums of bands */
KERNEL void prelu_sums(IN(sums), OUT(dslope), const ulong count)
{
    __local real part[GROUP];
    const int lane = (int)get_local_id(0);
    real sum = real_of(0.0f);
    for (ulong i = (ulong)lane; i < count; i += GROUP)
        sum = real_add(sum, AS(const real, sums)[i]);
    sum = group_sum(part, sum);
    if (lane == 0)
        AS(float, dslope)[0] = real_float(sum);
}
