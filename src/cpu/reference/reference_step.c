/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of an optimiser on an array of weights, and the check for non-finite values.
 *
 * SGD with momentum as PyTorch has it (no dampening; m starts at 0):
 *
 *   g <- g + decay * w         m <- momentum * m + g         w <- w - rate * m
 *
 * or, with Nesterov's momentum, w <- w - rate * (g + momentum * m).
 *
 * RMSprop (Tieleman & Hinton 2012, lecture 6.5) in PyTorch's form, not centred:
 *
 *   g <- g + decay * w         v <- alpha * v + (1 - alpha) * g^2         u = g / (sqrt(v) +
 * epsilon) m <- momentum * m + u      w <- w - rate * m       (without momentum: w <- w - rate * u)
 *
 * Adam (Kingma & Ba 2015, algorithm 1), step t = 1, 2, ...:
 *
 *   m <- beta1 * m + (1 - beta1) * g          mhat = m / (1 - beta1^t)
 *   v <- beta2 * v + (1 - beta2) * g^2        vhat = v / (1 - beta2^t)
 *   w <- w - rate * mhat / (sqrt(vhat) + epsilon)
 *
 * with g + decay * w in place of g; or decoupled (AdamW: Loshchilov & Hutter 2019, algorithm 2 in
 * PyTorch's form), with w first multiplied by 1 - rate * decay and g left alone.
 */
#include "cpu/reference/reference.h"

#include <math.h>

void un_ref_sgd_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov)
{
    (void)e;
    for (size_t i = 0; i < count; i++) {
        double gradient = g[i] + (double)decay * w[i];
        double velocity = (double)momentum * m[i] + gradient;
        w[i] =
            (float)(w[i] - rate * (nesterov ? gradient + (double)momentum * velocity : velocity));
        m[i] = (float)velocity;
    }
}

void un_ref_adam_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step)
{
    (void)e;
    double correct1 = 1 - pow(beta1, (double)step), correct2 = 1 - pow(beta2, (double)step);
    for (size_t i = 0; i < count; i++) {
        double weight = w[i], gradient = g[i];
        if (decoupled)
            weight *= 1 - (double)rate * decay;
        else
            gradient += (double)decay * weight;
        double first = (double)beta1 * m[i] + (1.0 - beta1) * gradient;
        double second = (double)beta2 * v[i] + (1.0 - beta2) * gradient * gradient;
        weight -= rate * (first / correct1) / (sqrt(second / correct2) + epsilon);
        w[i] = (float)weight;
        m[i] = (float)first;
        v[i] = (float)second;
    }
}

void un_ref_rmsprop_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay)
{
    (void)e;
    for (size_t i = 0; i < count; i++) {
        double gradient = g[i] + (double)decay * w[i];
        double square = (double)alpha * v[i] + (1.0 - alpha) * gradient * gradient;
        double move = gradient / (sqrt(square) + epsilon);
        if (momentum > 0) {
            move += (double)momentum * m[i];
            m[i] = (float)move;
        }
        w[i] = (float)(w[i] - rate * move);
        v[i] = (float)square;
    }
}

void un_ref_blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b)
{
    (void)e;
    for (size_t i = 0; i < count; i++)
        y[i] = (float)((double)a * y[i] + (b != 0 ? (double)b * x[i] : 0));
}

void un_ref_sum_squares(struct un_engine *e, const float *x, size_t count, double *result)
{
    (void)e;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * x[i];
    *result = sum;
}

void un_ref_count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result)
{
    (void)e;
    uint64_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += !isfinite(x[i]);
    *result = found;
}
