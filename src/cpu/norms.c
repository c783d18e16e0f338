/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norms.c - batch normalisation
 *
 * Sums over a channel are made in double, over a fixed number of bands of rows for each block of 16
 * channels, and the bands are added in order.  With double sums the variance may be the mean of the
 * squares less the square of the mean: 2^-53 relative to the squares is far below what float holds.
 */
#include <math.h>
#include <string.h>

#include "cpu/engine_cpu.h"

enum { BANDS = 32 };

typedef double moments[2][UN_BLOCK];

size_t un_cpu_norm_workspace(struct un_engine *e, struct un_shape shape)
{
    (void)e;
    return (size_t)un_blocks(shape.c) * BANDS * sizeof(moments);
}

/* channels first .. first + 15 of an array of `channels`, filled up with zeros */
static void load_block(float to[UN_BLOCK], const float *from, int first, int channels)
{
    for (int c = 0; c < UN_BLOCK; c++)
        to[c] = first + c < channels ? from[first + c] : 0;
}

/* For each channel the sums of p and of p * (q - origin); they end in the first band of each block.
 */
static moments *sum_moments(struct un_engine *e, const struct un_tensor *p,
                            const struct un_tensor *q, const float *origin)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    const struct un_shape s = p->shape;
    const int rows = s.n * s.h, blocks = un_blocks(s.c);
    moments *sums = e->workspace;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (int task = 0; task < blocks * BANDS; task++) {
        const int block = task / BANDS, band = task % BANDS;
        _Alignas(UN_ALIGN) float zero[UN_BLOCK] = {0};
        if (origin)
            load_block(zero, origin, block * UN_BLOCK, s.c);
        memset(sums[task], 0, sizeof sums[task]);
        for (int row = un_piece(rows, BANDS, band); row < un_piece(rows, BANDS, band + 1); row++)
            k->moments_row(un_row(p, row / s.h, block, row % s.h),
                           un_row(q, row / s.h, block, row % s.h), zero, sums[task], s.w);
    }
    for (int block = 0; block < blocks; block++)
        for (int band = 1; band < BANDS; band++)
            for (int i = 0; i < 2 * UN_BLOCK; i++)
                sums[block * BANDS][i / UN_BLOCK][i % UN_BLOCK] +=
                    sums[block * BANDS + band][i / UN_BLOCK][i % UN_BLOCK];
    return sums;
}

static double count_of(struct un_shape s)
{
    return (double)s.n * s.h * s.w;
}

void un_cpu_norm_statistics(struct un_engine *e, struct un_tensor x, float *mean, float *variance)
{
    moments *sums = sum_moments(e, &x, &x, NULL);
    const double count = count_of(x.shape);
    for (int c = 0; c < x.shape.c; c++) {
        double *first = sums[c / UN_BLOCK * BANDS][0], *second = sums[c / UN_BLOCK * BANDS][1];
        double m = first[c % UN_BLOCK] / count, v = second[c % UN_BLOCK] / count - m * m;
        mean[c] = (float)m;
        variance[c] = v < 0 ? 0 : (float)v; /* what is not a number stays so */
    }
}

void un_cpu_norm_forward(struct un_engine *e, struct un_tensor x, const float *mean,
                         const float *variance, float epsilon, const float *gamma,
                         const float *beta, struct un_activation act, struct un_tensor y)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    const struct un_shape s = x.shape;
    const int rows = s.n * s.h;
#pragma omp parallel for num_threads(e->threads)
    for (int task = 0; task < un_blocks(s.c) * rows; task++) {
        const int block = task / rows, row = task % rows, first = block * UN_BLOCK;
        _Alignas(UN_ALIGN) float m[UN_BLOCK], scale[UN_BLOCK], shift[UN_BLOCK];
        load_block(m, mean, first, s.c);
        load_block(shift, beta, first, s.c);
        for (int c = 0; c < UN_BLOCK; c++)
            scale[c] =
                first + c < s.c ? gamma[first + c] / sqrtf(variance[first + c] + epsilon) : 0;
        k->affine_row(un_row(&x, row / s.h, block, row % s.h), m, scale, shift, act,
                      un_row(&y, row / s.h, block, row % s.h), s.w);
    }
}

/*
 * With xhat = (x - mean) * r, r = 1 / sqrt(variance + epsilon), over M pixels:
 *   dbeta = sum dy, dgamma = sum dy * xhat
 *   dx = gamma * r * (dy - dbeta / M - xhat * dgamma / M)
 */
void un_cpu_norm_backward(struct un_engine *e, struct un_tensor x, const float *mean,
                          const float *variance, float epsilon, const float *gamma,
                          struct un_tensor dy, float *dgamma, float *dbeta, struct un_tensor dx)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    const struct un_shape s = x.shape;
    const int rows = s.n * s.h;
    const double count = count_of(s);
    moments *sums = sum_moments(e, &dy, &x, mean);
    for (int c = 0; c < s.c; c++) {
        double *first = sums[c / UN_BLOCK * BANDS][0], *second = sums[c / UN_BLOCK * BANDS][1];
        dbeta[c] = (float)first[c % UN_BLOCK];
        dgamma[c] = (float)(second[c % UN_BLOCK] / sqrt((double)variance[c] + epsilon));
    }
#pragma omp parallel for num_threads(e->threads)
    for (int task = 0; task < un_blocks(s.c) * rows; task++) {
        const int block = task / rows, row = task % rows, first = block * UN_BLOCK;
        _Alignas(UN_ALIGN) float m[UN_BLOCK], scale[UN_BLOCK] = {0}, a[UN_BLOCK] = {0},
                                              b[UN_BLOCK] = {0};
        load_block(m, mean, first, s.c);
        for (int c = 0; c < un_min(UN_BLOCK, s.c - first); c++) {
            double r = 1 / sqrt((double)variance[first + c] + epsilon);
            scale[c] = (float)(gamma[first + c] * r);
            a[c] = (float)(sums[block * BANDS][0][c] / count);
            b[c] = (float)(sums[block * BANDS][1][c] / count * r * r);
        }
        k->norm_back_row(un_row(&x, row / s.h, block, row % s.h),
                         un_row(&dy, row / s.h, block, row % s.h), m, scale, a, b,
                         un_row(&dx, row / s.h, block, row % s.h), s.w);
    }
}

void un_cpu_norm_running(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance)
{
    (void)e;
    const double unbiased = count > 1 ? count / (count - 1) : 1;
    for (int c = 0; c < channels; c++) {
        running_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c];
        running_variance[c] =
            (1 - momentum) * running_variance[c] + momentum * (float)(variance[c] * unbiased);
    }
}

void un_cpu_norm_fold(struct un_engine *e, int channels, float epsilon, const float *gamma,
                      const float *beta, const float *mean, const float *variance, float *scale,
                      float *shift)
{
    (void)e;
    for (int c = 0; c < channels; c++) {
        scale[c] = gamma[c] / sqrtf(variance[c] + epsilon);
        shift[c] = beta[c] - mean[c] * scale[c];
    }
}
