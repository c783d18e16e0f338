/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel_error.h - how far a pass of a convolution is from its definition, at a few places
 *
 * The places are drawn at random; what belongs there is summed up in double.  The error is the root
 * of the mean square of the differences, relative to that of the values.
 */
#ifndef BENCH_KERNEL_ERROR_H
#define BENCH_KERNEL_ERROR_H

#include <math.h>
#include <stdlib.h>

#include "engine/engine.h"

enum { ERROR_PLACES = 256, ERROR_WEIGHTS = 24 };

/* A tensor as plain [H][W][C], zero outside. */
struct plain {
    struct un_shape shape;
    float *data;
};

static struct plain fetch_plain(struct un_engine *e, struct un_tensor t)
{
    size_t count = (size_t)t.shape.h * (size_t)t.shape.w * (size_t)t.shape.c;
    struct plain p = {t.shape, count ? malloc(count * sizeof(float)) : NULL};
    if (p.data)
        e->ops->download(e, p.data, t);
    return p;
}

static double plain_at(const struct plain *p, int y, int x, int c)
{
    if (y < 0 || y >= p->shape.h || x < 0 || x >= p->shape.w)
        return 0;
    return p->data[((size_t)y * (size_t)p->shape.w + (size_t)x) * (size_t)p->shape.c + (size_t)c];
}

/* Everything of one convolution in plain arrays. */
struct plain_conv {
    const struct un_conv *conv;
    int taps; /* along a side */
    int in;
    struct plain src[2], dst, ddst;
};

/* Where the weight (out k, in c, row i, column j) is in the model's order. */
static size_t weight_index(const struct plain_conv *p, int k, int c, int i, int j)
{
    const int out = p->dst.shape.c;
    size_t pair = p->conv->kind == UN_UPCONV2X2 ? (size_t)c * (size_t)out + (size_t)k
                                                : (size_t)k * (size_t)p->in + (size_t)c;
    return pair * (size_t)(p->taps * p->taps) + (size_t)(i * p->taps + j);
}

static double weight_at(const struct plain_conv *p, int k, int c, int i, int j)
{
    return p->conv->weight[weight_index(p, k, c, i, j)];
}

/* Channel c of what the convolution reads at pixel (y, x) of its frame. */
static double frame_at(const struct plain_conv *p, int y, int x, int c)
{
    const int s = c >= p->src[0].shape.c;
    const struct un_operand *src = &p->conv->src[s];
    return plain_at(&p->src[s], y + src->top, x + src->left, s ? c - p->src[0].shape.c : c);
}

static double forward_value(const struct plain_conv *p, int y, int x, int k)
{
    double sum = p->conv->bias ? p->conv->bias[k] : 0;
    const bool up = p->conv->kind == UN_UPCONV2X2;
    for (int c = 0; c < p->in; c++)
        for (int i = 0; i < (up ? 1 : p->taps); i++)
            for (int j = 0; j < (up ? 1 : p->taps); j++)
                sum += up ? weight_at(p, k, c, y % 2, x % 2) * frame_at(p, y / 2, x / 2, c)
                          : weight_at(p, k, c, i, j) * frame_at(p, y + i, x + j, c);
    return p->conv->act.kind == UN_ACT_RELU && sum < 0 ? 0 : sum;
}

/* The gradient of channel c of source s at its pixel (y, x), which a ReLU made. */
static double data_value(const struct plain_conv *p, int s, int y, int x, int c)
{
    double sum = 0;
    const bool up = p->conv->kind == UN_UPCONV2X2;
    const int top = p->conv->src[s].top, left = p->conv->src[s].left;
    const int channel = s ? p->src[0].shape.c + c : c;
    if (plain_at(&p->src[s], y, x, c) <= 0)
        return 0;
    for (int k = 0; k < p->dst.shape.c; k++)
        for (int i = 0; i < p->taps; i++)
            for (int j = 0; j < p->taps; j++)
                sum += weight_at(p, k, channel, i, j) * plain_at(&p->ddst,
                                                                 up ? 2 * y + i : y - top - i,
                                                                 up ? 2 * x + j : x - left - j, k);
    return sum;
}

static double weight_value(const struct plain_conv *p, int k, int c, int i, int j)
{
    double sum = 0;
    const bool up = p->conv->kind == UN_UPCONV2X2;
    const struct un_shape over = up ? p->src[0].shape : p->dst.shape;
    for (int y = 0; y < over.h; y++)
        for (int x = 0; x < over.w; x++)
            sum += up ? plain_at(&p->ddst, 2 * y + i, 2 * x + j, k) * frame_at(p, y, x, c)
                      : plain_at(&p->ddst, y, x, k) * frame_at(p, y + i, x + j, c);
    return sum;
}

static void add_difference(double sums[2], double got, double want)
{
    sums[0] += (got - want) * (got - want);
    sums[1] += want * want;
}

static struct plain_conv fetch_conv(struct un_engine *e, const struct un_conv *c,
                                    struct un_tensor ddst)
{
    return (struct plain_conv){
        .conv = c,
        .taps = un_conv_side(c->kind),
        .in = c->src[0].tensor.shape.c + c->src[1].tensor.shape.c,
        .src = {fetch_plain(e, c->src[0].tensor), fetch_plain(e, c->src[1].tensor)},
        .dst = fetch_plain(e, c->dst),
        .ddst = fetch_plain(e, ddst)};
}

static void release_conv(struct plain_conv *p)
{
    free(p->src[0].data);
    free(p->src[1].data);
    free(p->dst.data);
    free(p->ddst.data);
}

/* The error of what a pass has written. */
static double kernel_error(struct un_engine *e, enum un_pass pass, const struct un_conv *c,
                           struct un_tensor ddst, const struct un_gradient dsrc[2],
                           const float *dweight)
{
    struct plain_conv p = fetch_conv(e, c, ddst);
    struct plain d[2] = {{{0}, NULL}, {{0}, NULL}};
    double sums[2] = {0, 0};
    for (int s = 0; s < 2 && pass == UN_PASS_BACKWARD_DATA; s++)
        d[s] = fetch_plain(e, dsrc[s].d);
    for (int n = 0; n < (pass == UN_PASS_BACKWARD_WEIGHTS ? ERROR_WEIGHTS : ERROR_PLACES); n++) {
        int s = d[1].data ? n % 2 : 0, i = rand() % p.taps, j = rand() % p.taps;
        const struct un_shape at = pass == UN_PASS_FORWARD ? p.dst.shape : p.src[s].shape;
        int y = rand() % at.h, x = rand() % at.w, k = rand() % p.dst.shape.c, in = rand() % p.in;
        if (pass == UN_PASS_FORWARD)
            add_difference(sums, plain_at(&p.dst, y, x, k), forward_value(&p, y, x, k));
        else if (pass == UN_PASS_BACKWARD_DATA)
            add_difference(sums, plain_at(&d[s], y, x, in % at.c),
                           data_value(&p, s, y, x, in % at.c));
        else
            add_difference(sums, dweight[weight_index(&p, k, in, i, j)],
                           weight_value(&p, k, in, i, j));
    }
    release_conv(&p);
    free(d[0].data);
    free(d[1].data);
    return sums[1] > 0 ? sqrt(sums[0] / sums[1]) : 0;
}

#endif
