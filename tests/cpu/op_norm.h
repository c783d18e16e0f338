/* SPDX-License-Identifier: Apache-2.0 */
/* op_norm.h - normalisation */
#ifndef TEST_OP_NORM_H
#define TEST_OP_NORM_H

#include "base/tree.h"
#include "op_run.h"

struct norm_inputs {
    size_t count, channels, statistics; /* values, channels, means */
    double values;                      /* that share a mean */
    float *x;                           /* host */
    struct un_norm norm;
    struct un_tensor tensor;
    double deviation; /* the smallest sqrt(variance + epsilon) */
};

/* Two groups, three, or one. */
static int some_groups(int channels)
{
    return channels % 2 == 0 ? 2 : channels % 3 == 0 ? 3 : 1;
}

/* The mean and variance of the values that share those at index i. */
static void norm_moments(const struct norm_inputs *in, struct un_shape s, size_t i, double *mean,
                         double *variance)
{
    const size_t pixels = (size_t)s.h * s.w, channels = in->channels;
    const size_t together = in->norm.groups ? channels / (size_t)in->norm.groups : 1;
    const size_t first = i % channels / together * together;
    const size_t from = in->norm.groups ? i / channels * pixels : 0;
    const size_t to = in->norm.groups ? from + pixels : (size_t)s.n * pixels;
    *mean = *variance = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t p = from; p < to; p++)
            for (size_t c = first; c < first + together; c++) {
                double x = in->x[p * channels + c];
                if (pass == 0)
                    *mean += x / in->values;
                else
                    *variance += (x - *mean) * (x - *mean) / in->values;
            }
}

/*
 * variant: 0: over the batch, with an epsilon that is large enough for its place in the formula to
 * matter; 1: each channel is constant, its variance zero, and epsilon is all there is; 2: each
 * channel of each image; 3: groups of channels of each image.  |x| < 6.
 */
static struct norm_inputs norm_make(struct op_run *r, const struct op_case *k)
{
    struct norm_inputs in = {.channels = (size_t)k->shape.c, .count = op_volume(k->shape)};
    const int groups = k->variant == 2 ? k->shape.c : k->variant == 3 ? some_groups(k->shape.c) : 0;
    in.norm.groups = groups;
    in.norm.epsilon = k->variant == 1 ? 1e-5f : 0.02f;
    in.statistics = groups ? in.channels * (size_t)k->shape.n : in.channels;
    in.values = (double)in.count / (groups ? groups * k->shape.n : k->shape.c);
    in.x = op_random(r, in.count, 4, 6);
    if (k->variant == 1)
        for (size_t i = in.channels; i < in.count; i++)
            in.x[i] = in.x[i - in.channels];
    float *mean = op_host(r, in.statistics * sizeof(float));
    float *variance = op_host(r, in.statistics * sizeof(float));
    in.deviation = INFINITY;
    for (size_t i = 0; i < in.statistics; i++) {
        double m, v;
        norm_moments(&in, k->shape, i, &m, &v);
        mean[i] = (float)m;
        variance[i] = (float)v;
        in.deviation = fmin(in.deviation, sqrt((double)variance[i] + (double)in.norm.epsilon));
    }
    in.norm.mean = op_params(r, mean, in.statistics);
    in.norm.variance = op_params(r, variance, in.statistics);
    in.norm.gamma = op_params(r, op_random(r, in.channels, -1.5, 1.5), in.channels);
    in.norm.beta = op_params(r, op_random(r, in.channels, -1, 1), in.channels);
    in.tensor = op_tensor(r, UN_FEATURES, k->shape, in.x);
    return in;
}

static void norm_workspace(struct op_run *r, const struct op_case *k, const struct norm_inputs *in)
{
    op_workspace(r, r->engine->ops->norm_workspace(r->engine, k->shape, in->norm.groups));
}

/* The sums of all images' moments, by the steps that several processes go; groups 0. */
static double *norm_sums(struct op_run *r, const struct norm_inputs *in, struct un_tensor dy)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const int images = in->tensor.shape.n;
    const size_t width = 2 * in->channels, bytes = (size_t)images * width * sizeof(double);
    double *moments = op_buffer(r, bytes), *host = op_host(r, bytes);
    ops->norm_moments(r->engine, in->tensor, &in->norm, dy, moments);
    ops->get(r->engine, host, moments, bytes);
    un_tree_sum(host, images, width);
    ops->put(r->engine, moments, host, bytes);
    return moments;
}

/*
 * Sums over the pixels: the mean of numbers near 5 errs by 5 sqrt(M) EPS at most when they are
 * added up in float.  The variance (1/3) is held to its own size: the mean of squares minus the
 * square of the mean, in float, would lose a hundred times that and fails here on purpose.
 */
static void run_norm_statistics(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct norm_inputs in = norm_make(r, k);
    struct un_norm norm = in.norm;
    double root = sqrt(in.values);
    norm.mean = op_params(r, NULL, in.statistics);
    norm.variance = op_params(r, NULL, in.statistics);
    norm_workspace(r, k, &in);
    ops->norm_statistics(r->engine, in.tensor, &norm);
    op_record_params(r, "mean", norm.mean, in.statistics, 5 * root * EPS);
    op_record_params(r, "variance", norm.variance, in.statistics, root * EPS);
    if (norm.groups)
        return;
    double *sums = norm_sums(r, &in, (struct un_tensor){.data = NULL});
    norm.mean = op_params(r, NULL, in.statistics);
    norm.variance = op_params(r, NULL, in.statistics);
    ops->norm_measure(r->engine, k->shape.c, sums, in.values, &norm);
    op_record_params(r, "mean in steps", norm.mean, in.statistics, 5 * root * EPS);
    op_record_params(r, "variance in steps", norm.variance, in.statistics, root * EPS);
}

static const struct un_activation norm_acts[] = {
    {UN_ACT_NONE, 0}, {UN_ACT_RELU, 0}, {UN_ACT_LEAKY, 0.01f}};

/* y = x * scale - mean * scale + beta, in whatever order: |x| + |mean| < 12, |gamma| <= 1.5.  The
 * last run is in place. */
static void run_norm_forward(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct norm_inputs in = norm_make(r, k);
    double tolerance = 4 * EPS * (1 + 12 * 1.5 / in.deviation);
    for (int i = 0; i < 4; i++) {
        struct un_tensor y = i < 3 ? op_tensor(r, UN_FEATURES, k->shape, NULL) : in.tensor;
        norm_workspace(r, k, &in);
        ops->norm_forward(r->engine, in.tensor, &in.norm, norm_acts[i % 3], y);
        op_record_tensor(r, "y", y, tolerance);
    }
}

/*
 * xhat errs by 12 EPS / deviation (see above), the sums over M pixels by sqrt(M) times that plus
 * their own rounding.  The Jacobian of x -> gamma * xhat is symmetric when gamma is the same for
 * all values that share a mean, which it is unless they are several channels; then <J a, b> = <a, J
 * b>. All x are positive but those of the last run, an activation's with values of both signs.
 */
static void run_norm_backward(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct norm_inputs in = norm_make(r, k);
    double root = sqrt(in.values), xhat = 12 / in.deviation;
    double sums = 4 * EPS * sqrt((double)in.count / (double)in.channels) * (xhat + root);
    double dx_tolerance = 4 * EPS * 1.5 / in.deviation * (4 + 3 * xhat);
    float *a = op_random(r, in.count, -1, 1), *b = op_random(r, in.count, -1, 1), *got[5];
    float *signs = op_random(r, in.count, -6, 6);
    for (int i = 0; i < 5; i++) { /* a; b; a again, in place; and with activations before it */
        struct un_tensor x = i < 3 ? in.tensor : op_tensor(r, UN_FEATURES, k->shape, signs);
        struct un_tensor dy = op_tensor(r, UN_FEATURES, k->shape, i == 1 ? b : a);
        struct un_tensor dx = i == 2 ? dy : op_tensor(r, UN_FEATURES, k->shape, NULL);
        float *dgamma = op_params(r, NULL, in.channels), *dbeta = op_params(r, NULL, in.channels);
        norm_workspace(r, k, &in);
        ops->norm_backward(r->engine, x, &in.norm, dy, norm_acts[i < 3 ? 0 : i - 2], dgamma, dbeta,
                           dx);
        got[i] = op_fetch(r, dx);
        op_record(r, i == 2 ? "dx in place" : "dx", got[i], in.count, dx_tolerance);
        op_record_params(r, "dgamma", dgamma, in.channels, sums);
        op_record_params(r, "dbeta", dbeta, in.channels, 4 * EPS * (double)in.count);
    }
    if (!in.norm.groups) {
        struct un_tensor dy = op_tensor(r, UN_FEATURES, k->shape, a);
        float *dgamma = op_params(r, NULL, in.channels), *dbeta = op_params(r, NULL, in.channels);
        double *all = norm_sums(r, &in, dy);
        ops->norm_backward_of(r->engine, in.tensor, &in.norm, dy, norm_acts[0], all, in.values,
                              dgamma, dbeta, dy);
        op_record_tensor(r, "dx in steps", dy, dx_tolerance);
        op_record_params(r, "dgamma in steps", dgamma, in.channels, sums);
        op_record_params(r, "dbeta in steps", dbeta, in.channels, 4 * EPS * (double)in.count);
    }
    if (k->variant < 3)
        op_expect(r, "adjoint", op_dot(got[0], b, in.count), op_dot(a, got[1], in.count),
                  dx_tolerance * sqrt((double)in.count));
    op_expect(r, "in place", memcmp(got[0], got[2], in.count * sizeof(float)) != 0, 0, 0);
    for (size_t i = 0; i < in.count; i++)
        if (signs[i] <= 0) {
            op_expect(r, "dx behind ReLU", got[3][i], 0, 0);
            break;
        }
}

/* shape.c channels, one number each. */
static void run_norm_channels(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct norm_inputs in = norm_make(r, k);
    size_t n = in.channels;
    op_workspace(r, 0);
    float *mean = op_params(r, op_random(r, n, -1, 1), n);
    float *variance = op_params(r, op_random(r, n, 0, 2), n);
    float *bias = op_params(r, op_random(r, n, -1, 1), n);
    ops->norm_running(r->engine, k->shape.c, 7, 0.1f, in.norm.mean, in.norm.variance, mean,
                      variance);
    op_record_params(r, "running mean", mean, n, 8 * EPS);
    op_record_params(r, "running variance", variance, n, 8 * EPS);

    for (int i = 0; i < 2; i++) {
        float *scale = op_params(r, NULL, n), *shift = op_params(r, NULL, n);
        ops->norm_fold(r->engine, k->shape.c, &in.norm, i ? bias : NULL, scale, shift);
        op_record_params(r, "scale", scale, n, 4 * EPS * 1.5 / in.deviation);
        op_record_params(r, "shift", shift, n, 4 * EPS * (1 + 7 * 1.5 / in.deviation));
    }
}

#endif
