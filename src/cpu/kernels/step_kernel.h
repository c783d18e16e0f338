/* SPDX-License-Identifier: Apache-2.0 */
/* step_kernel.h - loops over plain arrays of weights; the compiler makes the vectors */
#ifndef UN_STEP_KERNEL_H
#define UN_STEP_KERNEL_H

#include <math.h>
#include <string.h>

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec.h"

static void sgd(size_t count, float *restrict w, const float *restrict g, float *restrict m,
                float rate, float momentum, float decay, bool nesterov)
{
    for (size_t i = 0; i < count; i++) {
        float gradient = g[i] + decay * w[i];
        m[i] = momentum * m[i] + gradient;
        w[i] -= rate * (nesterov ? gradient + momentum * m[i] : m[i]);
    }
}

static void adam(size_t count, float *restrict w, const float *restrict g, float *restrict m,
                 float *restrict v, float rate, float beta1, float beta2, float epsilon,
                 float grad_decay, float keep, double correct1, double correct2)
{
    const float step = (float)(rate / correct1), spread = (float)(1 / correct2);
    for (size_t i = 0; i < count; i++) {
        float gradient = g[i] + grad_decay * w[i];
        m[i] = beta1 * m[i] + (1 - beta1) * gradient;
        v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
        w[i] = keep * w[i] - step * m[i] / (sqrtf(v[i]) * spread + epsilon);
    }
}

static void rmsprop(size_t count, float *restrict w, const float *restrict g, float *restrict m,
                    float *restrict v, float rate, float momentum, float alpha, float epsilon,
                    float decay)
{
    for (size_t i = 0; i < count; i++) {
        float gradient = g[i] + decay * w[i];
        v[i] = alpha * v[i] + (1 - alpha) * gradient * gradient;
        float move = gradient / (sqrtf(v[i]) + epsilon);
        if (momentum > 0)
            m[i] = move = momentum * m[i] + move;
        w[i] -= rate * move;
    }
}

static void blend(size_t count, float *restrict y, float a, const float *restrict x, float b)
{
    if (b == 0)
        for (size_t i = 0; i < count; i++)
            y[i] *= a;
    else
        for (size_t i = 0; i < count; i++)
            y[i] = a * y[i] + b * x[i];
}

/* Sum i takes the values i, i + VEC, i + 2 VEC ...; x is aligned to floats only. */
static double sum_squares(const float *x, size_t count)
{
    double sum[VEC] = {0}, all = 0;
    size_t i = 0;
    for (; i + VEC <= count; i += VEC)
        for (int lane = 0; lane < VEC; lane++)
            sum[lane] += (double)x[i + (size_t)lane] * x[i + (size_t)lane];
    for (; i < count; i++)
        all += (double)x[i] * x[i];
    for (int lane = 0; lane < VEC; lane++)
        all += sum[lane];
    return all;
}

/* not finite: all bits of the exponent are set */
static size_t nonfinite(const float *x, size_t count)
{
    uint32_t found = 0; /* the caller's pieces are shorter than 2^32 */
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        found += (bits & 0x7f800000u) == 0x7f800000u;
    }
    return found;
}

/* The accumulators of a whole tile, multiplied by what the compiler cannot guess. */
static float peak(long rounds)
{
    vec acc[TILE_PIXELS][TILE_VECS] = {{{0}}};
    float one = 1;
    __asm__ volatile("" : "+m"(one));
    vec zero = vec_all(one - 1);
    for (long r = 0; r < rounds; r++)
        UNROLL_FOR (int i = 0; i < TILE_PIXELS; i++)
            UNROLL_FOR (int j = 0; j < TILE_VECS; j++)
                acc[i][j] += acc[i][j] * zero;
    float sum = 0;
    for (int i = 0; i < TILE_PIXELS; i++)
        for (int j = 0; j < TILE_VECS; j++)
            sum += acc[i][j][0];
    return sum;
}

#endif
