/* SPDX-License-Identifier: Apache-2.0 */
/* prelu_kernel.h - rows of an activation whose slope is learnt */
#ifndef UN_PRELU_KERNEL_H
#define UN_PRELU_KERNEL_H

#include "cpu/kernels/finish_kernel.h"
#include "cpu/kernels/norm_kernel.h"

static void prelu_row(const float *x, float slope, float *y, int pixels)
{
    const vec s = vec_all(slope);
    for (ptrdiff_t at = 0; at < (ptrdiff_t)pixels * UN_BLOCK; at += VEC)
        vec_store(y + at, vec_act(vec_load(x + at), UN_ACT_LEAKY, s));
}

/* Products and sums are double: what a whole map gives may be far less than its parts. */
static void prelu_back_row(const float *x, const float *dy, float slope, float *dx, double sum[16],
                           int pixels)
{
    const vec zero = {0}, s = vec_all(slope);
    for (int j = 0; j < UN_BLOCK; j += VEC) {
        vec_double part[2] = {{0}}, below[2], wide[2];
        for (ptrdiff_t at = j; at < (ptrdiff_t)pixels * UN_BLOCK; at += UN_BLOCK) {
            const vec v = vec_load(x + at), d = vec_load(dy + at);
            const vec_mask above = v > zero;
            widen_both(vec_keep(~above, v), below);
            widen_both(d, wide);
            UNROLL_FOR (int h = 0; h < 2; h++)
                part[h] += below[h] * wide[h];
            vec_store(dx + at, vec_select(above, d, s * d));
        }
        UNROLL_FOR (int h = 0; h < 2; h++)
            *(vec_double *)(sum + j + h * VEC / 2) += part[h];
    }
}

#endif
