/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norms.c - batch, instance and group normalisation
 *
 * The images of a batch are one part (batch normalisation) or a part each.  Sums over a channel of
 * an image are made in double of short sums (norm_kernel.h), over a fixed number of bands of rows
 * for each block of 16 channels, and the bands are added in order; those of the images of one part
 * are added pairwise (base/tree.h).  With double sums the variance may be the mean of the squares
 * less the square of the mean: 2^-53 relative to the squares is far below what float holds.
 */
#include <math.h>
#include <string.h>

#include "base/tree.h"
#include "cpu/engine_cpu.h"

/* of rows, for each block of an image */
enum { BANDS = 32 };

/* What a block of a part is made with: y = (x - mean) * scale + shift, and
 * dx = scale * dy - a - (x - mean) * b. */
struct factors {
    _Alignas(UN_ALIGN) float mean[UN_BLOCK], scale[UN_BLOCK], shift[UN_BLOCK], a[UN_BLOCK],
        b[UN_BLOCK];
};

static int parts(struct un_shape s, int groups)
{
    return groups ? s.n : 1;
}

size_t un_cpu_norm_workspace(struct un_engine *e, struct un_shape shape, int groups)
{
    (void)e;
    return (size_t)un_blocks(shape.c) * ((size_t)parts(shape, groups) * sizeof(struct factors) +
                                         (size_t)shape.n * BANDS * sizeof(un_moments));
}

static float gamma_of(const struct un_norm *norm, int c)
{
    return norm->gamma ? norm->gamma[c] : 1;
}

static float beta_of(const struct un_norm *norm, int c)
{
    return norm->beta ? norm->beta[c] : 0;
}

/* What the tasks of a pass share. */
struct pass {
    const struct un_kernels *k;
    const struct un_norm *norm;
    struct un_tensor x, y, dy, dx; /* those that there are */
    struct un_activation act;
    int groups, blocks;      /* of all parts */
    struct factors *factors; /* [blocks] */
    un_moments *sums;        /* [blocks of all images][BANDS] */
};

static struct pass pass_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm)
{
    struct pass p = {.k = un_cpu_kernels(e),
                     .norm = norm,
                     .x = x,
                     .groups = norm->groups,
                     .blocks = parts(x.shape, norm->groups) * un_blocks(x.shape.c),
                     .factors = e->workspace};
    p.sums = (un_moments *)(p.factors + p.blocks);
    return p;
}

/* The sums of a channel of a part, whose first image has them. */
static double *sum_at(un_moments *sums, struct un_shape s, int part, int c, int which)
{
    size_t block = (size_t)part * (size_t)un_blocks(s.c) + (size_t)(c / UN_BLOCK);
    return &sums[block * BANDS][which][c % UN_BLOCK];
}

/* A band of a block of an image.  The blocks of a band are neighbours, as a convolution's tasks go
 * by rows, too: see base/pool.c. */
static void sum_band(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c), block = task % blocks;
    const int band = task / blocks % BANDS, n = task / blocks / BANDS;
    un_moments *sums = &p->sums[(n * blocks + block) * BANDS + band];
    const struct factors *f = &p->factors[(p->groups ? n : 0) * blocks + block];
    (void)thread;
    memset(*sums, 0, sizeof *sums);
    for (int y = un_piece(s.h, BANDS, band); y < un_piece(s.h, BANDS, band + 1); y++) {
        const float *x = un_row(&p->x, n, block, y);
        if (p->dy.data)
            p->k->norm_sums_row(x, un_row(&p->dy, n, block, y), f->mean, *sums, s.w);
        else
            p->k->moments_row(x, *sums, s.w);
    }
}

static void add(un_moments *to, un_moments *sums)
{
    for (int which = 0; which < 2; which++)
        for (int c = 0; c < UN_BLOCK; c++)
            (*to)[which][c] += (*sums)[which][c];
}

/*
 * For each channel of each image the sums of x and x^2 or, where there is a gradient, of dy and
 * dy * (x - mean); they end in the first band of each block.
 */
static void sum_images(struct un_engine *e, struct pass *p)
{
    const int blocks = p->x.shape.n * un_blocks(p->x.shape.c);
    un_pool_run(e->pool, blocks * BANDS, sum_band, p);
    for (int block = 0; block < blocks; block++)
        for (int band = 1; band < BANDS; band++)
            add(&p->sums[block * BANDS], &p->sums[block * BANDS + band]);
}

/* The same for each part: those of the batch are pairwise added to the first image's. */
static void sum_moments(struct un_engine *e, struct pass *p)
{
    const int images = p->x.shape.n, blocks = un_blocks(p->x.shape.c);
    sum_images(e, p);
    for (int step = 1; step < images && !p->groups; step *= 2)
        for (int i = 0; i + step < images; i += 2 * step)
            for (int block = 0; block < blocks; block++)
                add(&p->sums[(i * blocks + block) * BANDS],
                    &p->sums[((i + step) * blocks + block) * BANDS]);
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

/* Of a sum of values and of their squares.  What is not a number stays so. */
static void measure(double sum, double squares, double count, float *mean, float *variance)
{
    const double m = sum / count, v = squares / count - m * m;
    *mean = (float)m;
    *variance = v < 0 ? 0 : (float)v;
}

void un_norm_measure(struct un_shape s, const struct un_norm *norm, const un_moments *sums,
                     int apart)
{
    const int together = shared(s, norm->groups), blocks = un_blocks(s.c);
    const double count = count_of(s, norm->groups) * together;
    for (int part = 0; part < parts(s, norm->groups); part++)
        for (int first = 0; first < s.c; first += together) {
            double sum = 0, squares = 0;
            for (int c = first; c < first + together; c++) {
                const un_moments *at = &sums[(part * blocks + c / UN_BLOCK) * apart];
                sum += (*at)[0][c % UN_BLOCK];
                squares += (*at)[1][c % UN_BLOCK];
            }
            for (int c = part * s.c + first; c < part * s.c + first + together; c++)
                measure(sum, squares, count, &norm->mean[c], &norm->variance[c]);
        }
}

void un_cpu_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm)
{
    struct pass p = pass_of(e, x, norm);
    sum_moments(e, &p);
    un_norm_measure(x.shape, norm, p.sums, BANDS);
}

void un_cpu_norm_measure(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm)
{
    (void)e;
    for (int c = 0; c < channels; c++)
        measure(sums[c], sums[channels + c], count, &norm->mean[c], &norm->variance[c]);
}

/* y = (x - mean) * scale + shift */
static void fill_forward(struct pass *p)
{
    const struct un_norm *norm = p->norm;
    const int channels = p->x.shape.c, blocks = un_blocks(channels);
    memset(p->factors, 0, (size_t)p->blocks * sizeof *p->factors);
    for (int block = 0; block < p->blocks; block++) {
        struct factors *f = &p->factors[block];
        const int first = block % blocks * UN_BLOCK, part = block / blocks * channels;
        for (int c = first; c < un_min(first + UN_BLOCK, channels); c++) {
            f->mean[c - first] = norm->mean[part + c];
            f->scale[c - first] =
                gamma_of(norm, c) / sqrtf(norm->variance[part + c] + norm->epsilon);
            f->shift[c - first] = beta_of(norm, c);
        }
    }
}

/* The factors of a block of image n. */
static const struct factors *factors_of(const struct pass *p, int n, int block)
{
    return &p->factors[(p->groups ? n : 0) * un_blocks(p->x.shape.c) + block];
}

/* A row of a block. */
static void forward_row(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c), block = task % blocks;
    const int n = task / blocks / s.h, y = task / blocks % s.h;
    const struct factors *f = factors_of(p, n, block);
    (void)thread;
    p->k->affine_row(un_row(&p->x, n, block, y), f->mean, f->scale, f->shift, p->act,
                     un_row(&p->y, n, block, y), s.w);
}

void un_cpu_norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y)
{
    struct pass p = pass_of(e, x, norm);
    p.y = y;
    p.act = act;
    fill_forward(&p);
    un_pool_run(e->pool, un_blocks(x.shape.c) * x.shape.n * x.shape.h, forward_row, &p);
}

static double inverse_deviation(const struct un_norm *norm, int at)
{
    return 1 / sqrt((double)norm->variance[at] + norm->epsilon);
}

/* dgamma and dbeta add up over all parts; then the sums of a channel make way for what the channels
 * of its group have together: sum(g) / M and sum(g * (x - mean)) / M * r^2, g = gamma * dy.
 * values: of one channel of a part. */
static void sum_parts(un_moments *sums, struct un_shape s, const struct un_norm *norm,
                      double values, float *dgamma, float *dbeta)
{
    const int together = shared(s, norm->groups);
    const double count = values * together;
    for (int c = 0; c < s.c; c++) {
        double beta = 0, gamma = 0;
        for (int part = 0; part < parts(s, norm->groups); part++) {
            beta += *sum_at(sums, s, part, c, 0);
            gamma += *sum_at(sums, s, part, c, 1) * inverse_deviation(norm, part * s.c + c);
        }
        if (dgamma) {
            dbeta[c] = (float)beta;
            dgamma[c] = (float)gamma;
        }
    }
    for (int part = 0; part < parts(s, norm->groups); part++)
        for (int first = 0; first < s.c; first += together) {
            const double r = inverse_deviation(norm, part * s.c + first);
            double sum = 0, product = 0;
            for (int c = first; c < first + together; c++) {
                sum += gamma_of(norm, c) * *sum_at(sums, s, part, c, 0);
                product += gamma_of(norm, c) * *sum_at(sums, s, part, c, 1);
            }
            for (int c = first; c < first + together; c++) {
                *sum_at(sums, s, part, c, 0) = sum / count;
                *sum_at(sums, s, part, c, 1) = product / count * r * r;
            }
        }
}

/* The means first, for the sums; then what is made of these. */
static void fill_means(struct pass *p)
{
    const int channels = p->x.shape.c, blocks = un_blocks(channels);
    memset(p->factors, 0, (size_t)p->blocks * sizeof *p->factors);
    for (int i = 0; i < p->blocks / blocks * channels; i++)
        p->factors[i / channels * blocks + i % channels / UN_BLOCK].mean[i % channels % UN_BLOCK] =
            p->norm->mean[i];
}

static void fill_backward(struct pass *p)
{
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c);
    for (int i = 0; i < p->blocks / blocks * s.c; i++) {
        const int part = i / s.c, c = i % s.c, lane = c % UN_BLOCK;
        struct factors *f = &p->factors[part * blocks + c / UN_BLOCK];
        const double r = inverse_deviation(p->norm, i);
        f->scale[lane] = (float)(gamma_of(p->norm, c) * r);
        f->a[lane] = (float)(*sum_at(p->sums, s, part, c, 0) * r);
        f->b[lane] = (float)(*sum_at(p->sums, s, part, c, 1) * r);
    }
}

/* A row of a block. */
static void backward_row(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c), block = task % blocks;
    const int n = task / blocks / s.h, y = task / blocks % s.h;
    const struct factors *f = factors_of(p, n, block);
    (void)thread;
    p->k->norm_back_row(un_row(&p->x, n, block, y), un_row(&p->dy, n, block, y), f->mean, f->scale,
                        f->a, f->b, p->act, un_row(&p->dx, n, block, y), s.w);
}

/*
 * With r = 1 / sqrt(variance + epsilon) and g = gamma * dy, over M values that share their mean:
 *   dx = r * (g - sum(g) / M - (x - mean) * r^2 * sum(g * (x - mean)) / M)
 */
static void go_back(struct un_engine *e, struct pass *p, double values, float *dgamma, float *dbeta)
{
    const struct un_shape s = p->x.shape;
    sum_parts(p->sums, s, p->norm, values, dgamma, dbeta);
    fill_backward(p);
    un_pool_run(e->pool, un_blocks(s.c) * s.n * s.h, backward_row, p);
}

void un_cpu_norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx)
{
    struct pass p = pass_of(e, x, norm);
    p.dy = dy;
    p.dx = dx;
    p.act = act;
    fill_means(&p);
    sum_moments(e, &p);
    go_back(e, &p, count_of(x.shape, norm->groups), dgamma, dbeta);
}

void un_cpu_norm_moments(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *moments)
{
    struct pass p = pass_of(e, x, norm);
    const int channels = x.shape.c;
    p.dy = dy;
    if (dy.data)
        fill_means(&p);
    sum_images(e, &p);
    for (int n = 0; n < x.shape.n; n++)
        for (int which = 0; which < 2; which++)
            for (int c = 0; c < channels; c++)
                *moments++ = *sum_at(p.sums, x.shape, n, c, which);
}

void un_cpu_norm_backward_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx)
{
    struct pass p = pass_of(e, x, norm);
    const int channels = x.shape.c;
    p.dy = dy;
    p.dx = dx;
    p.act = act;
    fill_means(&p);
    for (int which = 0; which < 2; which++)
        for (int c = 0; c < channels; c++)
            *sum_at(p.sums, x.shape, 0, c, which) = sums[which * channels + c];
    go_back(e, &p, count, dgamma, dbeta);
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
        scale[c] = gamma_of(norm, c) / sqrtf(norm->variance[c] + norm->epsilon);
        shift[c] = beta_of(norm, c) + ((bias ? bias[c] : 0) - norm->mean[c]) * scale[c];
    }
}
