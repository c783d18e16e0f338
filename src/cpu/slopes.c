/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slopes.c - activations whose slope is learnt
 *
 * The gradient of a slope is summed as a norm's sums are: in double, over a fixed number of bands
 * of rows for each block of 16 channels of an image, and these are added in order.
 */
#include <string.h>

#include "cpu/engine_cpu.h"

/* of rows, for each block of an image */
enum { BANDS = 32 };

typedef double sums[UN_BLOCK];

/* What the tasks share. */
struct pass {
    const struct un_kernels *k;
    struct un_tensor x, y, dy, dx; /* those that there are */
    float slope;
    sums *sums; /* [blocks of all images][BANDS] */
};

static int blocks_of(struct un_shape s)
{
    return s.n * un_blocks(s.c);
}

/* A band of a block of an image. */
static void forward_band(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c), band = task % BANDS;
    const int block = task / BANDS % blocks, n = task / BANDS / blocks;
    (void)thread;
    for (int y = un_piece(s.h, BANDS, band); y < un_piece(s.h, BANDS, band + 1); y++)
        p->k->prelu_row(un_row(&p->x, n, block, y), p->slope, un_row(&p->y, n, block, y), s.w);
}

void un_cpu_prelu_forward(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y)
{
    struct pass p = {.k = un_cpu_kernels(e), .x = x, .y = y, .slope = *slope};
    un_pool_run(e->pool, blocks_of(x.shape) * BANDS, forward_band, &p);
}

static void backward_band(void *context, int task, int thread)
{
    const struct pass *p = context;
    const struct un_shape s = p->x.shape;
    const int blocks = un_blocks(s.c), band = task % BANDS;
    const int block = task / BANDS % blocks, n = task / BANDS / blocks;
    (void)thread;
    memset(p->sums[task], 0, sizeof p->sums[task]);
    for (int y = un_piece(s.h, BANDS, band); y < un_piece(s.h, BANDS, band + 1); y++)
        p->k->prelu_back_row(un_row(&p->x, n, block, y), un_row(&p->dy, n, block, y), p->slope,
                             un_row(&p->dx, n, block, y), p->sums[task], s.w);
}

size_t un_cpu_prelu_workspace(struct un_engine *e, struct un_shape shape)
{
    (void)e;
    return (size_t)blocks_of(shape) * BANDS * sizeof(sums);
}

/* The sum of a channel over all images. */
static double channel_sum(const struct pass *p, int c)
{
    const struct un_shape s = p->x.shape;
    double sum = 0;
    for (int n = 0; n < s.n; n++)
        for (int band = 0; band < BANDS; band++)
            sum += p->sums[(n * un_blocks(s.c) + c / UN_BLOCK) * BANDS + band][c % UN_BLOCK];
    return sum;
}

void un_cpu_prelu_backward(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx)
{
    struct pass p = {
        .k = un_cpu_kernels(e), .x = x, .dy = dy, .dx = dx, .slope = *slope, .sums = e->workspace};
    un_pool_run(e->pool, blocks_of(x.shape) * BANDS, backward_band, &p);
    double all = 0;
    for (int c = 0; c < x.shape.c; c++)
        all += channel_sum(&p, c);
    *dslope = (float)all;
}
