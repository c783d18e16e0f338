/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norms.cl - batch, instance and group normalisation
 *
 * Sums over the pixels of a channel of an image: each work item of a band adds up its values as two
 * floats, whose sum has 48 bits and more (Dekker 1971; Knuth, The Art of Computer Programming 2,
 * 4.2.2), since many devices are slow with doubles; the work items of a band, then the bands, are
 * added in order in double.  So the variance may be the mean of the squares less the square of the
 * mean.
 */

/* Of four channels. */
typedef struct {
    float4 high, low;
} pairs;

static inline void pairs_add(pairs *sum, float4 v)
{
#pragma OPENCL FP_CONTRACT OFF
    const float4 all = sum->high + v, added = all - sum->high;
    sum->low += (sum->high - (all - added)) + (v - added);
    sum->high = all;
}

/* Adds a * (b + rest). */
static inline void pairs_add_product(pairs *sum, float4 a, float4 b, float4 rest)
{
#pragma OPENCL FP_CONTRACT OFF
    const float4 p = a * b;
    sum->low += fma(a, b, -p) + a * rest;
    pairs_add(sum, p);
}

/* x - m = the result + *rest */
static inline float4 difference(float4 x, float4 m, float4 *rest)
{
#pragma OPENCL FP_CONTRACT OFF
    const float4 d = x - m, taken = d - x;
    *rest = (x - (d - taken)) - (m + taken);
    return d;
}

static inline real real_pair(float high, float low)
{
    return real_add(real_of(high), real_of(low));
}

/*
 * dimensions: band, block of an image.  sums [blocks of all images][bands][2][4]: of x and x^2 or,
 * with dy, of dy and dy * (x - mean).
 */
KERNEL void norm_bands(IN(x), IN(dy), IN(mean), OUT(sums), const int plane, const int bands,
                       const int channels, const int blocks, const int groups)
{
    __local real part[GROUP];
    const int lane = (int)get_local_id(0), band = (int)get_group_id(0);
    const size_t which = get_global_id(1);
    const int block = (int)(which % (size_t)blocks), n = (int)(which / (size_t)blocks);
    const int from = (int)((long)plane * band / bands), to = (int)((long)plane * (band + 1) / bands);
    __global const float4 *values = AS(const float4, x) + which * (size_t)plane;
    __global const float4 *slopes = AS(const float4, dy) + which * (size_t)plane;
    const pairs none = {0.0f, 0.0f};
    pairs first = none, second = none;
    float4 m = 0.0f, rest = 0.0f;
    if (dy_base)
        m = load_channels(AS(const float, mean) + (groups ? n * channels : 0), 4 * block, channels);
    for (int p = from + lane; p < to; p += GROUP) {
        const float4 d = difference(values[p], m, &rest), g = dy_base ? slopes[p] : d;
        pairs_add(&first, g);
        pairs_add_product(&second, g, d, rest);
    }
    const real ends[8] = {
        real_pair(first.high.x, first.low.x),   real_pair(first.high.y, first.low.y),
        real_pair(first.high.z, first.low.z),   real_pair(first.high.w, first.low.w),
        real_pair(second.high.x, second.low.x), real_pair(second.high.y, second.low.y),
        real_pair(second.high.z, second.low.z), real_pair(second.high.w, second.low.w)};
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const real sum = group_sum(part, ends[i]);
        if (lane == 0)
            AS(real, sums)[(which * (size_t)bands + (size_t)band) * 8 + (size_t)i] = sum;
    }
}

/* moments [N][2][C]: the bands of each added up; dimensions: channel, image */
KERNEL void norm_images(IN(sums), OUT(moments), const int bands, const int channels,
                        const int blocks)
{
    const int c = (int)get_global_id(0), n = (int)get_global_id(1);
    if (c >= channels)
        return;
    __global const real *s = AS(const real, sums) +
                             ((size_t)n * (size_t)blocks + (size_t)(c / 4)) * (size_t)(bands * 8);
    for (int which = 0; which < 2; which++) {
        real sum = s[which * 4 + c % 4];
        for (int band = 1; band < bands; band++)
            sum = real_add(sum, s[band * 8 + which * 4 + c % 4]);
        AS(real, moments)[((size_t)n * 2 + (size_t)which) * (size_t)channels + (size_t)c] = sum;
    }
}

/* The images' rows of `width` values, pairwise added to the first (base/tree.h). */
KERNEL void norm_tree(OUT(rows), const int images, const int width)
{
    const int i = (int)get_global_id(0);
    if (i >= width)
        return;
    __global real *at = AS(real, rows) + i;
    for (int step = 1; step < images; step *= 2)
        for (int n = 0; n + step < images; n += 2 * step)
            at[(size_t)n * (size_t)width] = real_add(at[(size_t)n * (size_t)width],
                                                     at[(size_t)(n + step) * (size_t)width]);
}

/* mean and variance of part n's channel c, from the sums of the channels of its group; count: of
 * values that share them */
KERNEL void norm_measure(IN(sums), OUT(mean), OUT(variance), const int channels, const int together,
                         const int parts, const float2 count)
{
    const int i = (int)get_global_id(0), part = i / channels, c = i % channels;
    if (part >= parts)
        return;
    __global const real *row = AS(const real, sums) + (size_t)part * (size_t)(2 * channels);
    const real n = real_add(real_of(count.x), real_of(count.y));
    real sum = real_of(0.0f), squares = sum;
    for (int k = c / together * together; k < c / together * together + together; k++) {
        sum = real_add(sum, row[k]);
        squares = real_add(squares, row[channels + k]);
    }
    const real m = real_div(sum, n), v = real_sub(real_div(squares, n), real_mul(m, m));
    AS(float, mean)[i] = real_float(m);
    AS(float, variance)[i] = real_negative(v) ? 0.0f : real_float(v);
}

static inline real deviation(__global const float *variance, int i, float epsilon)
{
    return real_sqrt(real_add(real_of(variance[i]), real_of(epsilon)));
}

/* dgamma and dbeta: sums over all parts */
KERNEL void norm_parameters(IN(sums), IN(variance), OUT(dgamma), OUT(dbeta), const int channels,
                            const int parts, const float epsilon)
{
    const int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    real beta = real_of(0.0f), gamma = beta;
    for (int part = 0; part < parts; part++) {
        __global const real *row = AS(const real, sums) + (size_t)part * (size_t)(2 * channels);
        const real r = deviation(AS(const float, variance), part * channels + c, epsilon);
        beta = real_add(beta, row[c]);
        gamma = real_add(gamma, real_div(row[channels + c], r));
    }
    AS(float, dbeta)[c] = real_float(beta);
    AS(float, dgamma)[c] = real_float(gamma);
}

/*
 * factors [parts][3][C] of dx = scale * dy - a - (x - mean) * b: with r = 1 / deviation and g =
 * gamma * dy, dx = r * (g - sum(g) / M - (x - mean) * r^2 * sum(g * (x - mean)) / M)
 */
KERNEL void norm_factors(IN(sums), IN(variance), IN(gamma), OUT(factors), const int channels,
                         const int together, const int parts, const float epsilon,
                         const float2 count)
{
    const int i = (int)get_global_id(0), part = i / channels, c = i % channels;
    if (part >= parts)
        return;
    __global const real *row = AS(const real, sums) + (size_t)part * (size_t)(2 * channels);
    __global float *to = AS(float, factors) + (size_t)part * (size_t)(3 * channels);
    const real n = real_add(real_of(count.x), real_of(count.y));
    const real r = real_div(real_of(1.0f), deviation(AS(const float, variance), i, epsilon));
    real sum = real_of(0.0f), product = sum;
    for (int k = c / together * together; k < c / together * together + together; k++) {
        const real g = real_of(gamma_base ? AS(const float, gamma)[k] : 1.0f);
        sum = real_add(sum, real_mul(g, row[k]));
        product = real_add(product, real_mul(g, row[channels + k]));
    }
    const real own = real_of(gamma_base ? AS(const float, gamma)[c] : 1.0f);
    to[c] = real_float(real_mul(own, r));
    to[channels + c] = real_float(real_mul(real_div(sum, n), r));
    to[2 * channels + c] =
        real_float(real_mul(real_mul(real_div(product, n), r), real_mul(r, r)));
}

/* dimensions: pixel, block of an image; y may be x */
KERNEL void norm_forward(OUT(x), OUT(y), IN(mean), IN(variance), IN(gamma), IN(beta),
                         const int plane, const int channels, const int blocks, const int groups,
                         const float epsilon, const int act, const float slope)
{
    const int p = (int)get_global_id(0), block = (int)get_global_id(1) % blocks;
    const int part = groups ? (int)get_global_id(1) / blocks * channels : 0;
    if (p >= plane)
        return;
    const size_t at = get_global_id(1) * (size_t)plane + (size_t)p;
    const float4 m = load_channels(AS(const float, mean) + part, 4 * block, channels);
    const float4 v = load_channels(AS(const float, variance) + part, 4 * block, channels);
    const float4 g = gamma_base ? load_channels(AS(const float, gamma), 4 * block, channels) : 1.0f;
    const float4 b = beta_base ? load_channels(AS(const float, beta), 4 * block, channels) : 0.0f;
    const float4 result = (AS(float4, x)[at] - m) * (g / sqrt(v + epsilon)) + b;
    AS(float4, y)[at] = activate(result, act, slope);
}

/* dx may be dy */
KERNEL void norm_backward(IN(x), OUT(dy), OUT(dx), IN(mean), IN(factors), const int plane,
                          const int channels, const int blocks, const int groups, const int act,
                          const float slope)
{
    const int p = (int)get_global_id(0), block = (int)get_global_id(1) % blocks;
    const int part = groups ? (int)get_global_id(1) / blocks : 0;
    if (p >= plane)
        return;
    const size_t at = get_global_id(1) * (size_t)plane + (size_t)p;
    __global const float *f = AS(const float, factors) + (size_t)part * (size_t)(3 * channels);
    const float4 m =
        load_channels(AS(const float, mean) + (size_t)part * (size_t)channels, 4 * block, channels);
    const float4 scale = load_channels(f, 4 * block, channels);
    const float4 a = load_channels(f + channels, 4 * block, channels);
    const float4 b = load_channels(f + 2 * channels, 4 * block, channels);
    const float4 v = AS(const float4, x)[at];
    const float4 d = scale * AS(float4, dy)[at] - a - (v - m) * b;
    AS(float4, dx)[at] = act ? select(slope * d, d, v > 0.0f) : d;
}

KERNEL void norm_running(IN(mean), IN(variance), OUT(running_mean), OUT(running_variance),
                         const int channels, const float momentum, const float unbiased)
{
    const int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    __global float *m = AS(float, running_mean) + c, *v = AS(float, running_variance) + c;
    *m = (1.0f - momentum) * *m + momentum * AS(const float, mean)[c];
    *v = (1.0f - momentum) * *v + momentum * (AS(const float, variance)[c] * unbiased);
}

KERNEL void norm_fold(IN(mean), IN(variance), IN(gamma), IN(beta), IN(bias), OUT(scale), OUT(shift),
                      const int channels, const float epsilon)
{
    const int c = (int)get_global_id(0);
    if (c >= channels)
        return;
    const float g = gamma_base ? AS(const float, gamma)[c] : 1.0f;
    const float factor = g / sqrt(AS(const float, variance)[c] + epsilon);
    AS(float, scale)[c] = factor;
    AS(float, shift)[c] =
        (beta_base ? AS(const float, beta)[c] : 0.0f) +
        ((bias_base ? AS(const float, bias)[c] : 0.0f) - AS(const float, mean)[c]) * factor;
}
