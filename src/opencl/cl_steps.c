/* SPDX-License-Identifier: Apache-2.0 */
/* cl_steps.c - optimisers and sums: kernels/steps.cl.  How an array is dealt out to work items
 * depends on its length alone. */
#include <math.h>

#include "opencl/cl_call.h"

enum { GROUPS = 512 };

static size_t groups_of(size_t count)
{
    const size_t groups = (count + 4 * UN_CL_GROUP - 1) / (4 * UN_CL_GROUP);
    return groups < GROUPS ? groups : GROUPS;
}

static void run_over(struct un_cl_call *c, size_t count)
{
    un_cl_run(c, groups_of(count) * UN_CL_GROUP, 1, 1);
}

static void sgd_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_SGD);
    un_cl_address(&c, w);
    un_cl_address(&c, g);
    un_cl_address(&c, m);
    un_cl_ulong(&c, count);
    un_cl_float(&c, rate);
    un_cl_float(&c, momentum);
    un_cl_float(&c, decay);
    un_cl_int(&c, nesterov);
    run_over(&c, count);
}

static void adam_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_ADAM);
    un_cl_address(&c, w);
    un_cl_address(&c, g);
    un_cl_address(&c, m);
    un_cl_address(&c, v);
    un_cl_ulong(&c, count);
    un_cl_float(&c, (float)(rate / (1 - pow(beta1, (double)step))));
    un_cl_float(&c, beta1);
    un_cl_float(&c, beta2);
    un_cl_float(&c, epsilon);
    un_cl_float(&c, decoupled ? 0 : decay);
    un_cl_float(&c, decoupled ? 1 - rate * decay : 1);
    un_cl_float(&c, (float)(1 / sqrt(1 - pow(beta2, (double)step))));
    run_over(&c, count);
}

static void rmsprop_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_RMSPROP);
    un_cl_address(&c, w);
    un_cl_address(&c, g);
    un_cl_address(&c, momentum > 0 ? m : NULL);
    un_cl_address(&c, v);
    un_cl_ulong(&c, count);
    un_cl_float(&c, rate);
    un_cl_float(&c, momentum);
    un_cl_float(&c, alpha);
    un_cl_float(&c, epsilon);
    un_cl_float(&c, decay);
    run_over(&c, count);
}

static void blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b)
{
    struct un_cl_call c = un_cl_begin(e, UN_CL_BLEND);
    un_cl_address(&c, y);
    un_cl_address(&c, b != 0 ? x : NULL);
    un_cl_ulong(&c, count);
    un_cl_float(&c, a);
    un_cl_float(&c, b);
    run_over(&c, count);
}

/* Each group's sum, which the scratch memory keeps, then the sum of these. */
static void sum_groups(struct un_engine *e, const float *x, size_t count, void *result,
                       enum un_cl_kernel groups, enum un_cl_kernel all)
{
    void *sums = un_cl(e)->scratch;
    struct un_cl_call c = un_cl_begin(e, groups);
    un_cl_address(&c, x);
    un_cl_address(&c, sums);
    un_cl_ulong(&c, count);
    run_over(&c, count);
    c = un_cl_begin(e, all);
    un_cl_address(&c, sums);
    un_cl_address(&c, result);
    un_cl_int(&c, (int)groups_of(count));
    un_cl_run(&c, 1, 1, 1);
}

static void sum_squares(struct un_engine *e, const float *x, size_t count, double *result)
{
    sum_groups(e, x, count, result, UN_CL_SQUARE_GROUPS, UN_CL_SQUARE_ALL);
}

static void count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result)
{
    sum_groups(e, x, count, result, UN_CL_NONFINITE_GROUPS, UN_CL_NONFINITE_ALL);
}

void un_cl_step_operations(struct un_engine_ops *ops)
{
    ops->sgd_step = sgd_step;
    ops->adam_step = adam_step;
    ops->rmsprop_step = rmsprop_step;
    ops->blend = blend;
    ops->sum_squares = sum_squares;
    ops->count_nonfinite = count_nonfinite;
}
