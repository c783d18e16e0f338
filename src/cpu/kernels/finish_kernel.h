/* SPDX-License-Identifier: Apache-2.0 */
/* finish_kernel.h - activation, maximum, and the last step of a gradient, on one register */
#ifndef UN_FINISH_KERNEL_H
#define UN_FINISH_KERNEL_H

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec.h"

/* A value that is not a number stays one, so that a broken network is noticed. */
INLINE vec vec_act(vec x, const enum un_act act, vec slope)
{
    const vec zero = {0};
    if (act == UN_ACT_RELU)
        return vec_keep(~(x < zero), x);
    if (act == UN_ACT_LEAKY)
        return vec_select(x > zero, x, slope * x);
    return x;
}

/* the larger, and not a number when either is not one (as PyTorch does) */
INLINE vec vec_max(vec a, vec b)
{
    return vec_select((a > b) | (a != a), a, b);
}

/* d[at] = act'(y[at]) * (accumulate ? d[at] + v : v) */
INLINE void vec_finish(vec v, float *d, const float *y, ptrdiff_t at, struct un_finish finish)
{
    const vec zero = {0};
    if (finish.accumulate)
        v = vec_load(d + at) + v;
    if (finish.act.kind == UN_ACT_RELU)
        v = vec_keep(vec_load(y + at) > zero, v);
    else if (finish.act.kind == UN_ACT_LEAKY)
        v = vec_select(vec_load(y + at) > zero, v, finish.act.slope * v);
    vec_store(d + at, v);
}

#endif
