/* SPDX-License-Identifier: Apache-2.0 */
/* op_loss.h - losses, answers, optimisers, sums, the check for non-finite values */
#ifndef TEST_OP_LOSS_H
#define TEST_OP_LOSS_H

#include "base/tree.h"
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
 * What the overlap term's derivative by w p of a pixel is at most: |dT/dp| <= 2 / D for the pixel's
 * own class and <= false_positive / D for another, where D >= min(1, false_negative) * the weight
 * of the class's pixels + smooth.
 */
static double overlap_bound(const unet_loss *loss, int classes, const uint8_t *labels,
                            const float *weights, size_t pixels)
{
    const int first = classes == 1 ? 1 : loss->first_class, end = classes == 1 ? 2 : classes;
    double of_class[256] = {0}, most = 0;
    for (size_t i = 0; i < pixels; i++)
        of_class[labels[i]] += weights[i];
    for (int k = first; k < end; k++) {
        double least = fmin(1, loss->false_negative) * of_class[k] + loss->smooth;
        most = fmax(most, (2 + loss->false_positive) / least);
    }
    return loss->overlap > 0 ? loss->overlap * most / (end - first) : 0;
}

/* The sums of each image, and with those of all the loss. */
static void loss_steps(struct op_run *r, struct un_tensor logits, const uint8_t *labels,
                       const float *weights, const unet_loss *loss, double *result,
                       struct un_tensor d)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const size_t rows = (size_t)un_loss_rows(logits.shape.c);
    const size_t bytes = rows * (size_t)logits.shape.n * sizeof(double);
    double *sums = op_buffer(r, bytes), *host = op_host(r, bytes);
    ops->loss_sums(r->engine, logits, labels, weights, loss, sums, d);
    ops->get(r->engine, host, sums, bytes);
    un_tree_sum(host, logits.shape.n, rows);
    ops->put(r->engine, sums, host, bytes);
    ops->loss_of(r->engine, logits, labels, weights, loss, sums, result, d);
}

/*
 * A pixel's loss, a difference of logits plus a logarithm, errs by a few EPS of the largest logit;
 * its gradient, weight / total * a probability, by some EPS of weight / total, because exp() and
 * the division are that exact even where the logits are huge.  The focal factor is at most 1 and
 * has an error of some EPS, for x^gamma |gamma log x| <= 1 / e; its derivative is at most
 * 1 + gamma.  The sums over the pixels are doubles.  No weight is above 2.
 */
static void loss_case(struct op_run *r, const struct op_case *k, unet_loss loss)
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
    double scale = loss.pixel * (k->shape.c == 1 ? POS_WEIGHT : 1);
    double slope = 2 * overlap_bound(&loss, k->shape.c, l, w, pixels);
    if (total > 0)
        slope += 2 * scale * (1 + loss.focal) / total;
    for (int i = 0; i < 3; i++) { /* with gradients; without; with, in the steps of processes */
        struct un_tensor d = {k->shape, UN_PIXELS, NULL};
        if (i != 1)
            d = op_tensor(r, UN_PIXELS, k->shape, NULL);
        double *result = op_buffer(r, 2 * sizeof *result);
        op_workspace(r, ops->loss_workspace(r->engine, k->shape));
        if (i < 2)
            ops->loss(r->engine, logits, labels, weights, &loss, result, d);
        else
            loss_steps(r, logits, labels, weights, &loss, result, d);
        ops->get(r->engine, got, result, sizeof got);
        op_record_doubles(r, "loss", &got[0], 1,
                          8 * EPS * (scale * (1 + largest) + loss.overlap) * total);
        op_record_doubles(r, "weight sum", &got[1], 1, EPS * total * 0.01);
        if (i != 1)
            op_record_tensor(r, "dlogits", d, total > 0 ? 32 * EPS * slope : OP_EXACT);
    }
    float *after = op_fetch(r, logits);
    op_expect(r, "logits unchanged", memcmp(after, x, count * sizeof *x) != 0, 0, 0);
}

static void run_loss(struct op_run *r, const struct op_case *k)
{
    loss_case(r, k, (unet_loss){.pixel = 1, .pos_weight = POS_WEIGHT});
}

static void run_focal(struct op_run *r, const struct op_case *k)
{
    loss_case(r, k, (unet_loss){.pixel = 1, .pos_weight = POS_WEIGHT, .focal = 2});
    loss_case(r, k, (unet_loss){.pixel = 0.5f, .pos_weight = POS_WEIGHT, .focal = 0.5f});
}

static void run_overlap(struct op_run *r, const struct op_case *k)
{
    const unet_loss dice = {
        .overlap = 1, .false_positive = 0.5f, .false_negative = 0.5f, .smooth = 1};
    unet_loss tversky = {
        .overlap = 2, .false_positive = 0.3f, .false_negative = 0.7f, .smooth = 0.5f};
    tversky.first_class = 1;
    loss_case(r, k, dice);
    loss_case(r, k, tversky);
}

/* pixels and overlap together, with and without the focal factor */
static void run_mixed(struct op_run *r, const struct op_case *k)
{
    unet_loss loss = {1, 1, POS_WEIGHT, 0, 0.5f, 0.5f, 1, 1};
    loss_case(r, k, loss);
    loss.focal = 1.5f, loss.first_class = 0;
    loss_case(r, k, loss);
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

/* ---- optimisers: shape.w weights, several steps ---- */

#define STEPS 5
#define RATE 0.01f

enum { SGD, ADAM, ADAMW, NESTEROV, RMSPROP, RMSPROP_MOMENTUM };

static void optimizer_step(const struct op_run *r, int which, size_t count, float *w,
                           const float *g, float *m, float *v, long step)
{
    const struct un_engine_ops *ops = r->engine->ops;
    if (which == SGD || which == NESTEROV)
        ops->sgd_step(r->engine, count, w, g, m, RATE, 0.9f, 1e-2f, which == NESTEROV);
    else if (which == ADAM || which == ADAMW)
        ops->adam_step(r->engine, count, w, g, m, v, RATE, 0.9f, 0.999f, 1e-8f, 1e-2f,
                       which == ADAMW, step);
    else
        ops->rmsprop_step(r->engine, count, w, g, m, v, RATE, which == RMSPROP_MOMENTUM ? 0.9f : 0,
                          0.75f, 1e-8f, 1e-2f);
}

/*
 * A step moves a weight by about RATE in Adam, by up to 2 RATE |m| in RMSprop and by RATE * |m|,
 * |m| < 10, in SGD; either errs by some EPS of that.
 */
static void run_optimizer(struct op_run *r, const struct op_case *k)
{
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
        optimizer_step(r, k->variant, count, w, g, m, v, t);
        op_record_params(r, "gradient unchanged", g, count, OP_EXACT);
    }
    op_record_params(r, "w", w, count, STEPS * (2 * EPS + 32 * EPS * RATE));
    op_record_params(r, "m", m, count, STEPS * 8 * EPS);
    if (k->variant != SGD && k->variant != NESTEROV)
        op_record_params(r, "v", v, count, STEPS * 2 * EPS);
}

/* variant 1: b is 0 and x may not be read */
static void run_blend(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape);
    float *y = op_params(r, op_random(r, count, -1, 1), count);
    float *x = op_params(r, k->variant ? NULL : op_random(r, count, -1, 1), count);
    op_workspace(r, 0);
    ops->blend(r->engine, count, y, 0.75f, x, k->variant ? 0 : -0.3f);
    op_record_params(r, "y", y, count, 2 * EPS);
}

/*
 * Each product is exact in double, and each addition errs by 2^-53.  Some squares are no floats,
 * and the array begins anywhere.
 */
static void run_sum_squares(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape);
    float *x = op_random(r, count, -1, 1);
    if (k->variant)
        x[op_below(&r->random, (int)count)] = 1e30f;
    double *result = op_buffer(r, sizeof *result), got;
    float *p = op_params(r, NULL, count + 1) + 1;
    ops->put(r->engine, p, x, count * sizeof *x);
    op_workspace(r, 0);
    ops->sum_squares(r->engine, p, count, result);
    ops->get(r->engine, &got, result, sizeof got);
    op_record_doubles(r, "sum / its size",
                      (double[]){k->variant ? got / 1e60 : got / (double)count}, 1,
                      (double)count * 0x1p-52);
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
