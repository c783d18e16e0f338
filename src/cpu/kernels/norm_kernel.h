/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norm_kernel.h - rows of normalisation
 *
 * Moments are made in two levels: in float over a run of pixels, whose sums are added up in double.
 * The values of a run are taken from an origin near them, so that their squares are as small as
 * they spread: an origin d away from the mean of four of them costs rounding in proportion to d^2,
 * which these four have added to the sum of squares as well.
 */
#ifndef UN_NORM_KERNEL_H
#define UN_NORM_KERNEL_H

#include "cpu/kernels/finish_kernel.h"

enum { SUM_RUN = 64, SUM_WAYS = 4 };

INLINE void widen_both(vec x, vec_double wide[2])
{
    _Alignas(VEC * 4) float lanes[VEC];
    vec_store(lanes, x);
    wide[0] = vec_widen(lanes);
    wide[1] = vec_widen(lanes + VEC / 2);
}

/* sum of x and of x^2 over a run, where x = origin + v: v's sums made those of x */
INLINE void moments_run(const float *x, int pixels, double *sum, double *squares)
{
    vec first[SUM_WAYS] = {{0}}, second[SUM_WAYS] = {{0}}, origin = vec_load(x);
    vec_double wide[2][2], zero[2], *to[2] = {(vec_double *)sum, (vec_double *)squares};
    int i = 0;
    if (pixels >= SUM_WAYS)
        origin = 0.25f * ((vec_load(x) + vec_load(x + UN_BLOCK)) +
                          (vec_load(x + 2 * UN_BLOCK) + vec_load(x + 3 * UN_BLOCK)));
    for (; i + SUM_WAYS <= pixels; i += SUM_WAYS, x += SUM_WAYS * UN_BLOCK)
        UNROLL_FOR (int w = 0; w < SUM_WAYS; w++) {
            vec v = vec_load(x + w * UN_BLOCK) - origin;
            first[w] += v;
            second[w] += v * v;
        }
    for (; i < pixels; i++, x += UN_BLOCK) {
        vec v = vec_load(x) - origin;
        first[0] += v;
        second[0] += v * v;
    }
    widen_both((first[0] + first[1]) + (first[2] + first[3]), wide[0]);
    widen_both((second[0] + second[1]) + (second[2] + second[3]), wide[1]);
    widen_both(origin, zero);
    UNROLL_FOR (int h = 0; h < 2; h++) {
        vec_double base = pixels * zero[h];
        to[0][h] += wide[0][h] + base;
        to[1][h] += wide[1][h] + zero[h] * (2 * wide[0][h] + base);
    }
}

static void moments_row(const float *x, double sum[2][16], int pixels)
{
    for (int i = 0; i < pixels; i += SUM_RUN)
        for (int j = 0; j < UN_BLOCK; j += VEC)
            moments_run(x + (ptrdiff_t)i * UN_BLOCK + j,
                        pixels - i < SUM_RUN ? pixels - i : SUM_RUN, sum[0] + j, sum[1] + j);
}

/* All in double: a gradient's sums may be far smaller than what they are made of. */
static void norm_sums_row(const float *x, const float *dy, const float *mean, double sum[2][16],
                          int pixels)
{
    enum { WAYS = 2, HALF = VEC / 2 };
    for (int j = 0; j < UN_BLOCK; j += HALF) {
        const vec_double zero = vec_widen(mean + j);
        vec_double first[WAYS] = {{0}}, second[WAYS] = {{0}};
        int i = 0;
        for (; i + WAYS <= pixels; i += WAYS)
            UNROLL_FOR (int w = 0; w < WAYS; w++) {
                ptrdiff_t at = (ptrdiff_t)(i + w) * UN_BLOCK + j;
                vec_double d = vec_widen(dy + at);
                first[w] += d;
                second[w] += d * (vec_widen(x + at) - zero);
            }
        if (i < pixels) {
            ptrdiff_t at = (ptrdiff_t)i * UN_BLOCK + j;
            vec_double d = vec_widen(dy + at);
            first[0] += d;
            second[0] += d * (vec_widen(x + at) - zero);
        }
        *(vec_double *)(sum[0] + j) += first[0] + first[1];
        *(vec_double *)(sum[1] + j) += second[0] + second[1];
    }
}

INLINE void affine_lanes(const float *x, vec mean, vec scale, vec shift, const enum un_act act,
                         vec slope, float *y, int pixels)
{
    for (ptrdiff_t at = 0; at < (ptrdiff_t)pixels * UN_BLOCK; at += UN_BLOCK)
        vec_store(y + at, vec_act((vec_load(x + at) - mean) * scale + shift, act, slope));
}

static void affine_row(const float *x, const float *mean, const float *scale, const float *shift,
                       struct un_activation act, float *y, int pixels)
{
    for (int j = 0; j < UN_BLOCK; j += VEC) {
        vec m = vec_load(mean + j), a = vec_load(scale + j), b = vec_load(shift + j);
        vec slope = vec_all(act.slope);
        if (act.kind == UN_ACT_RELU)
            affine_lanes(x + j, m, a, b, UN_ACT_RELU, slope, y + j, pixels);
        else if (act.kind == UN_ACT_LEAKY)
            affine_lanes(x + j, m, a, b, UN_ACT_LEAKY, slope, y + j, pixels);
        else
            affine_lanes(x + j, m, a, b, UN_ACT_NONE, slope, y + j, pixels);
    }
}

static void norm_back_row(const float *x, const float *dy, const float *mean, const float *scale,
                          const float *a, const float *b, struct un_activation act, float *dx,
                          int pixels)
{
    const struct un_finish finish = {false, act};
    for (int j = 0; j < UN_BLOCK; j += VEC) {
        const vec m = vec_load(mean + j), s = vec_load(scale + j), f = vec_load(a + j),
                  g = vec_load(b + j);
        for (ptrdiff_t at = j; at < (ptrdiff_t)pixels * UN_BLOCK; at += UN_BLOCK)
            vec_finish(s * vec_load(dy + at) - f - (vec_load(x + at) - m) * g, dx, x, at, finish);
    }
}

#endif
