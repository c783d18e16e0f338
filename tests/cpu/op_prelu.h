/* SPDX-License-Identifier: Apache-2.0 */
/* op_prelu.h - activations whose slope is learnt */
#ifndef TEST_OP_PRELU_H
#define TEST_OP_PRELU_H

#include "op_run.h"

/*
 * y is linear in x and slope where no sign changes: so <y, g> = <x, dx>, and less what positive
 * values give it is slope * dslope.  Both also in place.
 */
static void run_prelu(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const size_t count = op_volume(k->shape);
    float *x = op_random(r, count, -1, 1), *g = op_random(r, count, -1, 1);
    float *a = op_random(r, 1, -0.5, 1.5);
    const float *slope = op_params(r, a, 1);
    const double tolerance = op_sum_tolerance(1) + 1e-12 * (double)count;
    struct un_tensor src = op_tensor(r, UN_FEATURES, k->shape, x);
    op_workspace(r, ops->prelu_workspace(r->engine, k->shape));
    for (int way = 0; way < 2; way++) {
        struct un_tensor dst = way ? op_tensor(r, UN_FEATURES, k->shape, x)
                                   : op_tensor(r, UN_FEATURES, k->shape, NULL);
        ops->prelu_forward(r->engine, way ? dst : src, slope, dst);
        float *y = op_fetch(r, dst);
        op_record(r, way ? "y in the place of x" : "y", y, count, 2 * EPS);
        struct un_tensor dy = op_tensor(r, UN_FEATURES, k->shape, g);
        struct un_tensor dx = way ? dy : op_tensor(r, UN_FEATURES, k->shape, NULL);
        float *dslope = op_params(r, NULL, 1);
        ops->prelu_backward(r->engine, src, slope, dy, dslope, dx);
        float *got = op_fetch(r, dx), *da = op_fetch_params(r, dslope, 1);
        op_record(r, way ? "dx in the place of dy" : "dx", got, count, 2 * EPS);
        op_record(r, "dslope", da, 1, tolerance);
        op_expect(r, "adjoint <x, dx> = <y, g>", op_dot(x, got, count), op_dot(y, g, count),
                  4 * EPS * sqrt((double)count));
        double above = 0;
        for (size_t i = 0; i < count; i++)
            above += x[i] > 0 ? (double)x[i] * g[i] : 0;
        op_expect(r, "slope * dslope = <y, g> of what is not above 0", (double)a[0] * da[0],
                  op_dot(y, g, count) - above, 8 * EPS * sqrt((double)count));
    }
}

#endif
