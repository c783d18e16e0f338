/* SPDX-License-Identifier: Apache-2.0 */
/* op_map.h - pooling, bilinear doubling, dropout, batch normalisation, transfers */
#ifndef TEST_OP_MAP_H
#define TEST_OP_MAP_H

#include "base/rng.h"
#include "op_run.h"

/* Host [N][H][W][C] goes in and comes out again.  variant: 1: UN_PIXELS. */
static void run_transfer(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape);
    float *x = op_random(r, count, -1, 1);
    struct un_tensor t = op_tensor(r, k->variant ? UN_PIXELS : UN_FEATURES, k->shape, x);
    float *back = op_fetch(r, t);
    op_record(r, "download", back, count, OP_EXACT);
    op_expect(r, "download = upload", memcmp(x, back, count * sizeof *x) != 0, 0, 0);
    op_expect(r, "tensor_bytes is a multiple of 64",
              ops->tensor_bytes(r->engine, t.layout, k->shape) % 64, 0, 0);

    float *memory = ops->alloc(r->engine, count * sizeof *memory);
    float *host = op_fetch_params(r, memory, count);
    double sum = op_dot(host, host, count);
    op_expect(r, "alloc is zeroed", sum, 0, 0);
    op_expect(r, "alloc is aligned", (double)((uintptr_t)memory % 64), 0, 0);
    ops->put(r->engine, memory, x, count * sizeof *memory);
    op_record_params(r, "put, get", memory, count, OP_EXACT);
    ops->release(r->engine, memory);
}

/*
 * variant: 1: whole numbers, with many ties.  Pooling is homogeneous (the maximum of t x is t times
 * the maximum of x for t > 0), so by Euler's theorem <pool(x), g> = <x, pool'(x)' g>.
 */
static void run_maxpool(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct un_shape s = k->shape, d = {s.n, s.h / 2, s.w / 2, s.c};
    size_t count = op_volume(s), pooled = op_volume(d);
    float *x = k->variant ? op_random_whole(r, count, 1) : op_random(r, count, -1, 1);
    float *g = op_random(r, pooled, -1, 1);
    struct un_tensor src = op_tensor(r, UN_FEATURES, s, x);
    struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    op_workspace(r, 0);
    ops->maxpool_forward(r->engine, src, dst);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, pooled, OP_EXACT);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient dsrc = op_gradient(r, way, s);
        ops->maxpool_backward(r->engine, src, ddst, &dsrc);
        float *got = op_fetch(r, dsrc.d);
        op_record(r, op_gradient_ways[way].name, got, count, 2 * EPS);
        if (way == 0) /* the same products on both sides, each exact in double */
            op_expect(r, "adjoint", op_dot(x, got, count), op_dot(y, g, pooled),
                      1e-12 * (double)count);
    }
}

/* variant: trim.  Weights are quarters and add up to 1 forward, to 4 at most backward. */
static void run_upsample(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    int trim = k->variant;
    struct un_shape s = k->shape, d = {s.n, 2 * s.h - 2 * trim, 2 * s.w - 2 * trim, s.c};
    size_t count = op_volume(s), doubled = op_volume(d);
    float *x = op_random(r, count, -1, 1), *g = op_random(r, doubled, -1, 1);
    struct un_tensor src = op_tensor(r, UN_FEATURES, s, x);
    struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    op_workspace(r, 0);
    ops->upsample_forward(r->engine, src, dst, trim);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, doubled, 4 * EPS);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient dsrc = op_gradient(r, way, s);
        ops->upsample_backward(r->engine, ddst, trim, &dsrc);
        float *got = op_fetch(r, dsrc.d);
        op_record(r, op_gradient_ways[way].name, got, count, 16 * EPS);
        if (way == 0)
            op_expect(r, "adjoint", op_dot(x, got, count), op_dot(y, g, doubled),
                      16 * EPS * sqrt((double)doubled));
    }
}

/*
 * variant: rate in eighths; 8: exactly the number that decides about element 0, which stays.
 * Dropping is a diagonal matrix, so it is its own adjoint.
 */
static void run_dropout(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape);
    uint64_t key = 0x0123456789abcdefu + r->seed;
    float rate = k->variant < 8 ? (float)k->variant / 8 : un_rng_uniform(key, 0);
    float *x = op_random(r, count, -1, 1), *g = op_random(r, count, -1, 1), *got[2];
    op_workspace(r, 0);
    for (int i = 0; i < 2; i++) {
        struct un_tensor t = op_tensor(r, UN_FEATURES, k->shape, i ? g : x);
        ops->dropout(r->engine, t, rate, key);
        got[i] = op_fetch(r, t);
        op_record(r, i ? "dx" : "x", got[i], count, 0);
    }
    op_expect(r, "adjoint", op_dot(x, got[1], count), op_dot(got[0], g, count),
              8 * EPS / (1 - rate) * sqrt((double)count));
}

/* ---- batch normalisation ---- */

struct norm_inputs {
    size_t pixels, count, channels;
    float *x;       /* host */
    float *hm, *hv; /* host: mean, variance */
    float *mean, *variance, *gamma, *beta;
    struct un_tensor tensor;
    float epsilon;
    double deviation; /* the smallest sqrt(variance + epsilon) */
};

/*
 * variant: 0: an epsilon that is large enough for its place in the formula to matter; 1: each
 * channel is constant, its variance zero, and epsilon is all there is.  |x| < 6.
 */
static struct norm_inputs norm_make(struct op_run *r, const struct op_case *k)
{
    struct norm_inputs in = {.channels = (size_t)k->shape.c, .count = op_volume(k->shape)};
    in.pixels = in.count / in.channels;
    in.epsilon = k->variant ? 1e-5f : 0.02f;
    in.x = op_random(r, in.count, 4, 6);
    if (k->variant)
        for (size_t i = in.channels; i < in.count; i++)
            in.x[i] = in.x[i - in.channels];
    in.hm = op_host(r, in.channels * sizeof(float));
    in.hv = op_host(r, in.channels * sizeof(float));
    in.deviation = INFINITY;
    for (size_t c = 0; c < in.channels; c++) {
        double mean = 0, variance = 0;
        for (size_t i = c; i < in.count; i += in.channels)
            mean += in.x[i] / (double)in.pixels;
        for (size_t i = c; i < in.count; i += in.channels)
            variance += (in.x[i] - mean) * (in.x[i] - mean) / (double)in.pixels;
        in.hm[c] = (float)mean;
        in.hv[c] = (float)variance;
        in.deviation = fmin(in.deviation, sqrt(in.hv[c] + (double)in.epsilon));
    }
    in.mean = op_params(r, in.hm, in.channels);
    in.variance = op_params(r, in.hv, in.channels);
    in.gamma = op_params(r, op_random(r, in.channels, -1.5, 1.5), in.channels);
    in.beta = op_params(r, op_random(r, in.channels, -1, 1), in.channels);
    in.tensor = op_tensor(r, UN_FEATURES, k->shape, in.x);
    return in;
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
    float *mean = op_params(r, NULL, in.channels), *variance = op_params(r, NULL, in.channels);
    double root = sqrt((double)in.pixels);
    op_workspace(r, ops->norm_workspace(r->engine, k->shape));
    ops->norm_statistics(r->engine, in.tensor, mean, variance);
    op_record_params(r, "mean", mean, in.channels, 5 * root * EPS);
    op_record_params(r, "variance", variance, in.channels, root * EPS);
}

/* y = x * scale - mean * scale + beta, in whatever order: |x| + |mean| < 12, |gamma| <= 1.5. */
static void run_norm_forward(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    static const struct un_activation acts[] = {
        {UN_ACT_NONE, 0}, {UN_ACT_RELU, 0}, {UN_ACT_LEAKY, 0.01f}};
    struct norm_inputs in = norm_make(r, k);
    double tolerance = 4 * EPS * (1 + 12 * 1.5 / in.deviation);
    for (int i = 0; i < 3; i++) {
        struct un_tensor y = op_tensor(r, UN_FEATURES, k->shape, NULL);
        op_workspace(r, ops->norm_workspace(r->engine, k->shape));
        ops->norm_forward(r->engine, in.tensor, in.mean, in.variance, in.epsilon, in.gamma, in.beta,
                          acts[i], y);
        op_record_tensor(r, "y", y, tolerance);
    }
}

/*
 * xhat errs by 12 EPS / deviation (see above), the sums over M pixels by sqrt(M) times that plus
 * their own rounding.  The Jacobian of x -> xhat is symmetric, so <J a, b> = <a, J b>.
 */
static void run_norm_backward(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct norm_inputs in = norm_make(r, k);
    double root = sqrt((double)in.pixels), xhat = 12 / in.deviation;
    double sums = 4 * EPS * root * (xhat + root);
    double dx_tolerance = 4 * EPS * 1.5 / in.deviation * (4 + 3 * xhat);
    float *a = op_random(r, in.count, -1, 1), *b = op_random(r, in.count, -1, 1), *got[3];
    for (int i = 0; i < 3; i++) { /* a; b; and a again, in place */
        struct un_tensor dy = op_tensor(r, UN_FEATURES, k->shape, i == 1 ? b : a);
        struct un_tensor dx = i == 2 ? dy : op_tensor(r, UN_FEATURES, k->shape, NULL);
        float *dgamma = op_params(r, NULL, in.channels), *dbeta = op_params(r, NULL, in.channels);
        op_workspace(r, ops->norm_workspace(r->engine, k->shape));
        ops->norm_backward(r->engine, in.tensor, in.mean, in.variance, in.epsilon, in.gamma, dy,
                           dgamma, dbeta, dx);
        got[i] = op_fetch(r, dx);
        op_record(r, i == 2 ? "dx in place" : "dx", got[i], in.count, dx_tolerance);
        op_record_params(r, "dgamma", dgamma, in.channels, sums);
        op_record_params(r, "dbeta", dbeta, in.channels, 4 * EPS * (double)in.pixels);
    }
    op_expect(r, "adjoint", op_dot(got[0], b, in.count), op_dot(a, got[1], in.count),
              dx_tolerance * sqrt((double)in.count));
    op_expect(r, "in place", memcmp(got[0], got[2], in.count * sizeof(float)) != 0, 0, 0);
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
    ops->norm_running(r->engine, k->shape.c, 7, 0.1f, in.mean, in.variance, mean, variance);
    op_record_params(r, "running mean", mean, n, 8 * EPS);
    op_record_params(r, "running variance", variance, n, 8 * EPS);

    float *scale = op_params(r, NULL, n), *shift = op_params(r, NULL, n);
    ops->norm_fold(r->engine, k->shape.c, in.epsilon, in.gamma, in.beta, in.mean, in.variance,
                   scale, shift);
    op_record_params(r, "scale", scale, n, 4 * EPS * 1.5 / in.deviation);
    op_record_params(r, "shift", shift, n, 4 * EPS * (1 + 6 * 1.5 / in.deviation));
}

#endif
