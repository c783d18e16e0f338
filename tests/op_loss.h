/* SPDX-License-Identifier: Apache-2.0 */
/* op_loss.h - losses, answers, optimisers, the check for non-finite values */
#ifndef TEST_OP_LOSS_H
#define TEST_OP_LOSS_H

#include "op_run.h"

enum loss_variant { LOSS_PLAIN, LOSS_SOME_IGNORED, LOSS_ALL_IGNORED, LOSS_EXTREME, LOSS_TIES };

/* logits [N][H][W][K]; the largest one's size is what exp and log must cope with */
static float *loss_logits(struct op_run *r, const struct op_case *k, double *largest)
{
    size_t count = op_volume(k->shape);
    *largest = 4;
    if (k->variant == LOSS_TIES)
        return op_random_whole(r, count, 2);
    if (k->variant != LOSS_EXTREME)
        return op_random(r, count, -4, 4);
    static const float extremes[] = {-1e4f, 1e4f, 1e4f, 0, 88.8f, -104.5f, 1e-30f};
    float *x = op_host(r, count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = extremes[op_below(&r->random, 7)];
    *largest = 1e4;
    return x;
}

static void loss_pixels(struct op_run *r, const struct op_case *k, uint8_t *labels, float *weights,
                        double *total)
{
    size_t pixels = op_volume(k->shape) / k->shape.c;
    int classes = k->shape.c == 1 ? 2 : k->shape.c;
    *total = 0;
    for (size_t i = 0; i < pixels; i++) {
        labels[i] = (uint8_t)op_below(&r->random, classes);
        weights[i] = 0.25f * (1 + op_below(&r->random, 8));
        if (k->variant == LOSS_ALL_IGNORED ||
            (k->variant != LOSS_PLAIN && op_below(&r->random, 4) == 0)) {
            labels[i] = UNET_IGNORE;
            weights[i] = 0;
        }
        *total += weights[i];
    }
}

#define POS_WEIGHT 3.0f

/*
 * Softmax loss for shape.c >= 2, BCE for 1.  A pixel's loss, a difference of logits plus a
 * logarithm, errs by a few EPS of the largest logit; its gradient, weight / total * a probability,
 * by some EPS of weight / total, because exp() and the division are that exact even where the
 * logits are huge.  The sum over the pixels is a double.
 */
static void run_loss(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape), pixels = count / k->shape.c;
    double largest, total, got[2];
    float *x = loss_logits(r, k, &largest), *w = op_host(r, pixels * sizeof *w);
    uint8_t *l = op_host(r, pixels);
    loss_pixels(r, k, l, w, &total);
    struct un_tensor logits = op_tensor(r, UN_PIXELS, k->shape, x);
    uint8_t *labels = op_bytes(r, l, pixels);
    float *weights = op_params(r, w, pixels);
    double scale = k->shape.c == 1 ? POS_WEIGHT : 1;
    for (int i = 0; i < 2; i++) {
        struct un_tensor d = {k->shape, UN_PIXELS, NULL};
        if (i == 0)
            d = op_tensor(r, UN_PIXELS, k->shape, NULL);
        double *result = op_buffer(r, 2 * sizeof *result);
        op_workspace(r, ops->loss_workspace(r->engine, k->shape));
        const unet_loss loss = {.pixel = 1, .pos_weight = POS_WEIGHT};
        ops->loss(r->engine, logits, labels, weights, &loss, result, d);
        ops->get(r->engine, got, result, sizeof got);
        op_record_doubles(r, "loss", &got[0], 1, 8 * EPS * scale * (1 + largest) * total);
        op_record_doubles(r, "weight sum", &got[1], 1, EPS * total * 0.01);
        if (i == 0)
            op_record_tensor(r, "dlogits", d, total > 0 ? 32 * EPS * scale * 2 / total : OP_EXACT);
    }
    float *after = op_fetch(r, logits);
    op_expect(r, "logits unchanged", memcmp(after, x, count * sizeof *x) != 0, 0, 0);
}

static void run_answers(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape), pixels = count / k->shape.c;
    double largest;
    float *x = loss_logits(r, k, &largest);
    struct un_tensor logits = op_tensor(r, UN_PIXELS, k->shape, x);
    uint8_t *labels = op_bytes(r, NULL, pixels), *host = op_host(r, pixels);
    float *values = op_host(r, pixels * sizeof *values);
    op_workspace(r, 0);
    ops->argmax(r->engine, logits, labels);
    ops->get(r->engine, host, labels, pixels);
    for (size_t i = 0; i < pixels; i++)
        values[i] = host[i];
    op_record(r, "argmax", values, pixels, OP_EXACT);
    ops->probabilities(r->engine, logits);
    op_record_tensor(r, "probabilities", logits, 16 * EPS);
}

/* ---- optimisers: shape.w weights, several steps; variant: 0 sgd, 1 adam, 2 adamw ---- */

#define STEPS 5
#define RATE 0.01f

/*
 * A step moves a weight by about RATE in Adam and by RATE * |m|, |m| < 10, in SGD; either errs by
 * some EPS of that.
 */
static void run_optimizer(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape);
    float *zeros = op_random(r, count, 0, 0);
    float *w = op_params(r, op_random(r, count, -1, 1), count);
    float *m = op_params(r, zeros, count), *v = op_params(r, zeros, count);
    op_workspace(r, 0);
    for (long step = 1; step <= STEPS; step++) {
        float *host = op_random(r, count, -1, 1);
        for (size_t i = 0; i < count; i++)
            host[i] *= i % 5 == 4 ? 0 : i % 5 == 3 ? 1e-6f : 1; /* no and small gradients, too */
        float *g = op_params(r, host, count);
        long t = step == STEPS ? 1000000 : step; /* the corrections are over */
        if (k->variant == 0)
            ops->sgd_step(r->engine, count, w, g, m, RATE, 0.9f, 1e-2f, false);
        else
            ops->adam_step(r->engine, count, w, g, m, v, RATE, 0.9f, 0.999f, 1e-8f, 1e-2f,
                           k->variant == 2, t);
        op_record_params(r, "gradient unchanged", g, count, OP_EXACT);
    }
    op_record_params(r, "w", w, count, STEPS * (2 * EPS + 32 * EPS * RATE));
    op_record_params(r, "m", m, count, STEPS * 8 * EPS);
    if (k->variant)
        op_record_params(r, "v", v, count, STEPS * 2 * EPS);
}

/* shape.w values; variant: how many of them are spoilt (at most all) */
static void run_count_nonfinite(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    size_t count = op_volume(k->shape);
    float *x = op_random(r, count, -3e38, 3e38);
    x[op_below(&r->random, (int)count)] = 1e-42f;
    for (int i = 0; i < k->variant; i++)
        x[op_below(&r->random, (int)count)] = odd[i % 3];
    if (k->variant)
        x[count - 1] = NAN;
    uint64_t *result = op_buffer(r, sizeof *result), got;
    float *p = op_params(r, x, count);
    op_workspace(r, 0);
    ops->count_nonfinite(r->engine, p, count, result);
    ops->get(r->engine, &got, result, sizeof got);
    double value = (double)got;
    op_record_doubles(r, "count", &value, 1, OP_EXACT);
}

#endif
