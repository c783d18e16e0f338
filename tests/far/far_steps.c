/* SPDX-License-Identifier: Apache-2.0 */
/* far_steps.c - losses, answers, optimisers and sums, written down and done as in far_layers.c */
#include "far.h"

#include <string.h>

/* ---- loss and answers ---- */

static void loss_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->loss(e, c->t[0], c->p[0], c->p[1], &c->loss, c->p[2], c->t[1]);
}

static void loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *loss_options, double *result,
                 struct un_tensor dlogits)
{
    struct far_call *c = far_queue(e, loss_now);
    const size_t pixels = far_values(logits.shape) / (size_t)logits.shape.c;
    c->t[0] = far_tensor(e, logits);
    c->p[0] = far_near(e, labels, pixels);
    c->p[1] = far_floats(e, weights, pixels);
    c->loss = *loss_options;
    c->p[2] = far_near(e, result, 2 * sizeof *result);
    c->t[1] = far_tensor(e, dlogits);
}

/* Both steps of a loss are told the same. */
static struct far_call *loss_step(struct un_engine *e,
                                  void (*run)(struct un_engine *e, const struct far_call *c),
                                  struct un_tensor logits, const uint8_t *labels,
                                  const float *weights, const unet_loss *loss_options,
                                  struct un_tensor dlogits)
{
    struct far_call *c = far_queue(e, run);
    const size_t pixels = far_values(logits.shape) / (size_t)logits.shape.c;
    c->t[0] = far_tensor(e, logits);
    c->p[0] = far_near(e, labels, pixels);
    c->p[1] = far_floats(e, weights, pixels);
    c->loss = *loss_options;
    c->t[1] = far_tensor(e, dlogits);
    return c;
}

static void loss_sums_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->loss_sums(e, c->t[0], c->p[0], c->p[1], &c->loss, c->p[2], c->t[1]);
}

static void loss_sums(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *loss_options, double *sums,
                      struct un_tensor dlogits)
{
    struct far_call *c =
        loss_step(e, loss_sums_now, logits, labels, weights, loss_options, dlogits);
    const size_t rows = (size_t)(un_loss_rows(logits.shape.c) * logits.shape.n);
    c->p[2] = far_near(e, sums, rows * sizeof *sums);
}

static void loss_of_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->loss_of(e, c->t[0], c->p[0], c->p[1], &c->loss, c->p[2], c->p[3], c->t[1]);
}

static void loss_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *loss_options, const double *sums,
                    double *result, struct un_tensor dlogits)
{
    struct far_call *c = loss_step(e, loss_of_now, logits, labels, weights, loss_options, dlogits);
    c->p[2] = far_near(e, sums, (size_t)un_loss_rows(logits.shape.c) * sizeof *sums);
    c->p[3] = far_near(e, result, 2 * sizeof *result);
}

static void probabilities_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->probabilities(e, c->t[0]);
}

static void probabilities(struct un_engine *e, struct un_tensor logits)
{
    struct far_call *c = far_queue(e, probabilities_now);
    c->t[0] = far_tensor(e, logits);
}

static void argmax_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->argmax(e, c->t[0], c->p[0]);
}

static void argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    struct far_call *c = far_queue(e, argmax_now);
    c->t[0] = far_tensor(e, logits);
    c->p[0] = far_near(e, labels, far_values(logits.shape) / (size_t)logits.shape.c);
}

/* ---- steps and sums ---- */

static void sgd_step_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->sgd_step(e, c->count, c->p[0], c->p[1], c->p[2], c->f[0], c->f[1], c->f[2], c->flag);
}

static void sgd_step(struct un_engine *e, size_t count, float *weight, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov)
{
    struct far_call *c = far_queue(e, sgd_step_now);
    const float f[] = {rate, momentum, decay};
    c->count = count;
    c->p[0] = far_floats(e, weight, count);
    c->p[1] = far_floats(e, g, count);
    c->p[2] = far_floats(e, m, count);
    memcpy(c->f, f, sizeof f);
    c->flag = nesterov;
}

static void adam_step_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->adam_step(e, c->count, c->p[0], c->p[1], c->p[2], c->p[3], c->f[0], c->f[1], c->f[2],
                      c->f[3], c->f[4], c->flag, c->step);
}

static void adam_step(struct un_engine *e, size_t count, float *weight, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step)
{
    struct far_call *c = far_queue(e, adam_step_now);
    const float f[] = {rate, beta1, beta2, epsilon, decay};
    c->count = count;
    c->p[0] = far_floats(e, weight, count);
    c->p[1] = far_floats(e, g, count);
    c->p[2] = far_floats(e, m, count);
    c->p[3] = far_floats(e, v, count);
    memcpy(c->f, f, sizeof f);
    c->flag = decoupled;
    c->step = step;
}

static void rmsprop_step_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->rmsprop_step(e, c->count, c->p[0], c->p[1], c->p[2], c->p[3], c->f[0], c->f[1], c->f[2],
                         c->f[3], c->f[4]);
}

static void rmsprop_step(struct un_engine *e, size_t count, float *weight, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay)
{
    struct far_call *c = far_queue(e, rmsprop_step_now);
    const float f[] = {rate, momentum, alpha, epsilon, decay};
    c->count = count;
    c->p[0] = far_floats(e, weight, count);
    c->p[1] = far_floats(e, g, count);
    c->p[2] = far_floats(e, m, momentum > 0 ? count : 0);
    c->p[3] = far_floats(e, v, count);
    memcpy(c->f, f, sizeof f);
}

static void blend_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->blend(e, c->count, c->p[0], c->f[0], c->p[1], c->f[1]);
}

static void blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b)
{
    struct far_call *c = far_queue(e, blend_now);
    c->count = count;
    c->p[0] = far_floats(e, y, count);
    c->f[0] = a;
    c->p[1] = b != 0 ? far_floats(e, x, count) : NULL;
    c->f[1] = b;
}

static void sum_squares_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->sum_squares(e, c->p[0], c->count, c->p[1]);
}

static void sum_squares(struct un_engine *e, const float *x, size_t count, double *result)
{
    struct far_call *c = far_queue(e, sum_squares_now);
    c->p[0] = far_floats(e, x, count);
    c->count = count;
    c->p[1] = far_near(e, result, sizeof *result);
}

static void count_nonfinite_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->count_nonfinite(e, c->p[0], c->count, c->p[1]);
}

static void count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result)
{
    struct far_call *c = far_queue(e, count_nonfinite_now);
    c->p[0] = far_floats(e, x, count);
    c->count = count;
    c->p[1] = far_near(e, result, sizeof *result);
}

void far_step_operations(struct un_engine_ops *ops)
{
    ops->loss = loss;
    ops->loss_sums = loss_sums;
    ops->loss_of = loss_of;
    ops->probabilities = probabilities;
    ops->argmax = argmax;
    ops->sgd_step = sgd_step;
    ops->adam_step = adam_step;
    ops->rmsprop_step = rmsprop_step;
    ops->blend = blend;
    ops->sum_squares = sum_squares;
    ops->count_nonfinite = count_nonfinite;
}
