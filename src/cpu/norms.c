/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norms.c - batch, instance and group normalisation
 *
 * The images of a batch are one part (batch normalisation) or a part each.  Sums over a channel of
 * a part are made in double, over a fixed number of bands of rows for each block of 16 channels,
 * and the bands are added in order.  With double sums the variance may be the mean of the squares
 * less the square of the mean: 2^-53 relative to the squares is far below what float holds.
 */
#include <math.h>
#include <string.h>

#include "cpu/engine_cpu.h"

enum { BANDS = 32 };

typedef double moments[2][UN_BLOCK];

static int parts(struct un_shape s, int groups)
{
    return groups ? s.n : 1;
}

size_t un_cpu_norm_workspace(struct un_engine *e, struct un_shape shape, int groups)
{
    (void)e;
    return (size_t)parts(shape, groups) * (size_t)un_blocks(shape.c) * BANDS * sizeof(moments);
}

/* channels first .. first + 15 of an array of `channels`, filled up with zeros */
static void load_block(float to[UN_BLOCK], const float *from, int first, int channels)
{
    for (int c = 0; c < UN_BLOCK; c++)
        to[c] = first + c < channels ? from[first + c] : 0;
}

/* The sums of a channel of a part. */
static double *sum_at(moments *sums, struct un_shape s, int part, int c, int which)
{
    size_t block = (size_t)part * (size_t)un_blocks(s.c) + (size_t)(c / UN_BLOCK);
    return &sums[block * BANDS][which][c % UN_BLOCK];
}

/* What the tasks of a pass share. */
struct pass {
    const struct un_kernels *k;
    const struct un_norm *norm;
    struct un_tensor x, y, dy, dx; /* those that there are */
    struct un_activation act;
    moments *sums;
    const float *origin; /* of the sums of dy * (x - origin) */
    int groups;
};

/* A band of a block of a part. */
static void sum_band(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c), rows = p->groups ? s.h : s.n * s.h;
    const int band = task % BANDS, block = task / BANDS % blocks, part = task / BANDS / blocks;
    _Alignas(UN_ALIGN) float zero[UN_BLOCK] = {0};
    (void)thread;
    if (p->origin)
        load_block(zero, p->origin + (size_t)part * (size_t)s.c, block * UN_BLOCK, s.c);
    memset(p->sums[task], 0, sizeof p->sums[task]);
    for (int i = un_piece(rows, BANDS, band); i < un_piece(rows, BANDS, band + 1); i++) {
        const int row = part * rows + i;
        p->k->moments_row(un_row(&p->dy, row / s.h, block, row % s.h),
                          un_row(&p->x, row / s.h, block, row % s.h), zero, p->sums[task], s.w);
    }
}

/*
 * For each channel of each part the sums of dy and of dy * (x - origin); they end in the first band
 * of each block.  origin [parts][C], or NULL.
 */
static moments *sum_moments(struct un_engine *e, struct un_tensor dy, struct un_tensor x,
                            int groups, const float *origin)
{
    moments *sums = e->workspace;
    struct pass p = {
        .k = un_cpu_kernels(e), .x = x, .dy = dy, .sums = sums, .origin = origin, .groups = groups};
    const int all = parts(x.shape, groups) * un_blocks(x.shape.c);
    un_pool_run(e->pool, all * BANDS, sum_band, &p);
    for (int block = 0; block < all; block++)
        for (int band = 1; band < BANDS; band++)
            for (int i = 0; i < 2 * UN_BLOCK; i++)
                sums[block * BANDS][i / UN_BLOCK][i % UN_BLOCK] +=
                    sums[block * BANDS + band][i / UN_BLOCK][i % UN_BLOCK];
    return sums;
}

/* How many values of one channel of a part. */
static double count_of(struct un_shape s, int groups)
{
    return (double)(groups ? 1 : s.n) * s.h * s.w;
}

/* How many neighbouring channels share their statistics. */
static int shared(struct un_shape s, int groups)
{
    return groups ? s.c / groups : 1;
}

void un_cpu_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm)
{
    const struct un_shape s = x.shape;
    const int together = shared(s, norm->groups);
    moments *sums = sum_moments(e, x, x, norm->groups, NULL);
    const double count = count_of(s, norm->groups) * together;
    for (int part = 0; part < parts(s, norm->groups); part++)
        for (int first = 0; first < s.c; first += together) {
            double sum = 0, squares = 0;
            for (int c = first; c < first + together; c++) {
                sum += *sum_at(sums, s, part, c, 0);
                squares += *sum_at(sums, s, part, c, 1);
            }
            double m = sum / count, v = squares / count - m * m;
            for (int c = first; c < first + together; c++) {
                norm->mean[part * s.c + c] = (float)m;
                /* what is not a number stays so */
                norm->variance[part * s.c + c] = v < 0 ? 0 : (float)v;
            }
        }
}

/* A row of a block. */
static void forward_row(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_norm *norm = p->norm;
    const struct un_shape s = p->x.shape;
    const int rows = s.n * s.h, block = task / rows, row = task % rows, first = block * UN_BLOCK;
    const int part = norm->groups ? row / s.h * s.c : 0;
    _Alignas(UN_ALIGN) float m[UN_BLOCK], scale[UN_BLOCK], shift[UN_BLOCK];
    (void)thread;
    load_block(m, norm->mean + part, first, s.c);
    load_block(shift, norm->beta, first, s.c);
    for (int c = 0; c < UN_BLOCK; c++)
        scale[c] = first + c < s.c ? norm->gamma[first + c] /
                                         sqrtf(norm->variance[part + first + c] + norm->epsilon)
                                   : 0;
    p->k->affine_row(un_row(&p->x, row / s.h, block, row % s.h), m, scale, shift, p->act,
                     un_row(&p->y, row / s.h, block, row % s.h), s.w);
}

void un_cpu_norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y)
{
    struct pass p = {.k = un_cpu_kernels(e), .norm = norm, .x = x, .y = y, .act = act};
    un_pool_run(e->pool, un_blocks(x.shape.c) * x.shape.n * x.shape.h, forward_row, &p);
}

static double inverse_deviation(const struct un_norm *norm, int at)
{
    return 1 / sqrt((double)norm->variance[at] + norm->epsilon);
}

/* dgamma and dbeta add up over all parts; then the sums of a channel make way for what the channels
 * of its group have together: sum(g) / M and sum(g * (x - mean)) / M * r^2, g = gamma * dy. */
static void sum_parts(moments *sums, struct un_shape s, const struct un_norm *norm, float *dgamma,
                      float *dbeta)
{
    const int together = shared(s, norm->groups);
    const double count = count_of(s, norm->groups) * together;
    for (int c = 0; c < s.c; c++) {
        double beta = 0, gamma = 0;
        for (int part = 0; part < parts(s, norm->groups); part++) {
            beta += *sum_at(sums, s, part, c, 0);
            gamma += *sum_at(sums, s, part, c, 1) * inverse_deviation(norm, part * s.c + c);
        }
        dbeta[c] = (float)beta;
        dgamma[c] = (float)gamma;
    }
    for (int part = 0; part < parts(s, norm->groups); part++)
        for (int first = 0; first < s.c; first += together) {
            const double r = inverse_deviation(norm, part * s.c + first);
            double sum = 0, product = 0;
            for (int c = first; c < first + together; c++) {
                sum += norm->gamma[c] * *sum_at(sums, s, part, c, 0);
                product += norm->gamma[c] * *sum_at(sums, s, part, c, 1);
            }
            for (int c = first; c < first + together; c++) {
                *sum_at(sums, s, part, c, 0) = sum / count;
                *sum_at(sums, s, part, c, 1) = product / count * r * r;
            }
        }
}

/* A row of a block. */
static void backward_row(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_norm *norm = p->norm;
    const struct un_shape s = p->x.shape;
    const int rows = s.n * s.h, block = task / rows, row = task % rows, first = block * UN_BLOCK;
    const int part = norm->groups ? row / s.h : 0;
    _Alignas(UN_ALIGN) float m[UN_BLOCK], scale[UN_BLOCK] = {0}, a[UN_BLOCK] = {0},
                                          b[UN_BLOCK] = {0};
    (void)thread;
    load_block(m, norm->mean + (size_t)part * (size_t)s.c, first, s.c);
    for (int c = first; c < un_min(first + UN_BLOCK, s.c); c++) {
        const double r = inverse_deviation(norm, part * s.c + c);
        scale[c - first] = (float)(norm->gamma[c] * r);
        a[c - first] = (float)(*sum_at(p->sums, s, part, c, 0) * r);
        b[c - first] = (float)(*sum_at(p->sums, s, part, c, 1) * r);
    }
    p->k->norm_back_row(un_row(&p->x, row / s.h, block, row % s.h),
                        un_row(&p->dy, row / s.h, block, row % s.h), m, scale, a, b, p->act,
                        un_row(&p->dx, row / s.h, block, row % s.h), s.w);
}

/*
 * With r = 1 / sqrt(variance + epsilon) and g = gamma * dy, over M values that share their mean:
 *   dx = r * (g - sum(g) / M - (x - mean) * r^2 * sum(g * (x - mean)) / M)
 */
void un_cpu_norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx)
{
    struct pass p = {.k = un_cpu_kernels(e), .norm = norm, .x = x, .dy = dy, .dx = dx, .act = act};
    p.sums = sum_moments(e, dy, x, norm->groups, norm->mean);
    sum_parts(p.sums, x.shape, norm, dgamma, dbeta);
    un_pool_run(e->pool, un_blocks(x.shape.c) * x.shape.n * x.shape.h, backward_row, &p);
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

void un_cpu_norm_fold(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift)
{
    (void)e;
    for (int c = 0; c < channels; c++) {
        scale[c] = norm->gamma[c] / sqrtf(norm->variance[c] + norm->epsilon);
        shift[c] = norm->beta[c] + ((bias ? bias[c] : 0) - norm->mean[c]) * scale[c];
    }
}
