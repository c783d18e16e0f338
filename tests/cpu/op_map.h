/* SPDX-License-Identifier: Apache-2.0 */
/* op_map.h - pooling, sums, doubling, dropout, normalisation, transfers */
#ifndef TEST_OP_MAP_H
#define TEST_OP_MAP_H

#include "base/rng.h"
#include "base/tree.h"
#include "op_run.h"

/* The same by memory of host_alloc, which holds something else after the fence. */
static void run_host_transfer(struct op_run *r, const struct op_case *k, const float *x)
{
    const struct un_engine_ops *ops = r->engine->ops;
    size_t count = op_volume(k->shape);
    float *host = ops->host_alloc(r->engine, count * sizeof *host);
    unet_error err = {0};
    op_expect(r, "host_alloc is aligned", (double)((uintptr_t)host % 64), 0, 0);
    memcpy(host, x, count * sizeof *host);
    struct un_tensor t = op_tensor(r, k->variant ? UN_PIXELS : UN_FEATURES, k->shape, host);
    float *p = op_params(r, host, count);
    if (ops->finish(r->engine, &err))
        op_fail(r, err.text, 0, 1, 0, 0);
    memset(host, 0xff, count * sizeof *host);
    ops->download(r->engine, host, t);
    op_record(r, "host_alloc, upload, download", host, count, OP_EXACT);
    ops->get(r->engine, host, p, count * sizeof *host);
    op_record(r, "host_alloc, put, get", host, count, OP_EXACT);
    ops->host_release(r->engine, host);
}

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
    float *other = op_params(r, NULL, count);
    ops->copy(r->engine, other, memory, count * sizeof *memory);
    op_record_params(r, "copy", other, count, OP_EXACT);
    ops->release(r->engine, memory);
    op_expect(r, "copy = put", memcmp(op_fetch_params(r, other, count), x, count * sizeof *x) != 0,
              0, 0);
    run_host_transfer(r, k, x);
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

/* The same of 3x3, where a pixel gets up to four gradients, which are added. */
static void run_maxpool3(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct un_shape s = k->shape, d = {s.n, (s.h + 1) / 2, (s.w + 1) / 2, s.c};
    size_t count = op_volume(s), pooled = op_volume(d);
    float *x = k->variant ? op_random_whole(r, count, 1) : op_random(r, count, -1, 1);
    float *g = op_random(r, pooled, -1, 1);
    struct un_tensor src = op_tensor(r, UN_FEATURES, s, x);
    struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    op_workspace(r, 0);
    ops->maxpool3_forward(r->engine, src, dst);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, pooled, OP_EXACT);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient dsrc = op_gradient(r, way, s);
        ops->maxpool3_backward(r->engine, src, ddst, &dsrc);
        float *got = op_fetch(r, dsrc.d);
        op_record(r, op_gradient_ways[way].name, got, count, 8 * EPS);
        if (way == 0)
            op_expect(r, "adjoint", op_dot(x, got, count), op_dot(y, g, pooled),
                      8 * EPS * sqrt((double)pooled));
    }
}

/* Three additions forward; for the gradient none, and those of struct un_gradient. */
static void run_meanpool(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    struct un_shape s = k->shape, d = {s.n, s.h / 2, s.w / 2, s.c};
    size_t count = op_volume(s), pooled = op_volume(d);
    float *x = op_random(r, count, -1, 1), *g = op_random(r, pooled, -1, 1);
    struct un_tensor src = op_tensor(r, UN_FEATURES, s, x);
    struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    op_workspace(r, 0);
    ops->meanpool_forward(r->engine, src, dst);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, pooled, 2 * EPS);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient dsrc = op_gradient(r, way, s);
        ops->meanpool_backward(r->engine, ddst, &dsrc);
        float *got = op_fetch(r, dsrc.d);
        op_record(r, op_gradient_ways[way].name, got, count, 2 * EPS);
        if (way == 0)
            op_expect(r, "adjoint", op_dot(x, got, count), op_dot(y, g, pooled),
                      4 * EPS * sqrt((double)pooled));
    }
}

/*
 * variant: where the sources lie, see sources[].  Their pixels beyond the frame get no gradient,
 * and the frame's beyond them are zero.  One addition; for the gradient none, and those of struct
 * un_gradient.
 */
static void run_add(struct op_run *r, const struct op_case *k)
{
    static const struct {
        int grow[2]; /* sides more than the frame's */
        int top[2], left[2];
    } sources[] = {{{0, 0}, {0, 0}, {0, 0}},    /* equal */
                   {{0, 5}, {0, 2}, {0, 3}},    /* copy and crop */
                   {{0, -1}, {0, 0}, {0, 0}},   /* one that ends earlier */
                   {{-2, 3}, {-1, 1}, {-1, 2}}, /* in the middle, and cropped */
                   {{9, -3}, {9, -3}, {0, 0}}}; /* of which some rows, or none, are in the frame */
    static const struct un_activation acts[] = {
        {UN_ACT_NONE, 0}, {UN_ACT_RELU, 0}, {UN_ACT_LEAKY, 0.125f}};
    const struct un_engine_ops *ops = r->engine->ops;
    struct un_shape d = k->shape;
    struct un_operand src[2];
    float *x[2], *y = NULL, *g = op_random(r, op_volume(d), -1, 1);
    double forward = 0, backward = 0;
    op_workspace(r, 0);
    for (int s = 0; s < 2; s++) {
        const int h = d.h + sources[k->variant].grow[s], w = d.w + sources[k->variant].grow[s];
        struct un_shape shape = {d.n, h > 1 ? h : 1, w > 1 ? w : 1, d.c};
        x[s] = op_random(r, op_volume(shape), -1, 1);
        src[s] = (struct un_operand){op_tensor(r, UN_FEATURES, shape, x[s]),
                                     sources[k->variant].top[s], sources[k->variant].left[s]};
    }
    for (int a = 2; a >= 0; a--) { /* without activation last */
        struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
        ops->add_forward(r->engine, src, acts[a], dst);
        y = op_fetch(r, dst);
        op_record(r, "dst", y, op_volume(d), 2 * EPS);
    }
    forward = op_dot(y, g, op_volume(d));
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    for (int s = 0; s < 2; s++)
        for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
            struct un_gradient dsrc = op_gradient(r, way, src[s].tensor.shape);
            ops->add_backward(r->engine, ddst, src[s].top, src[s].left, &dsrc);
            float *got = op_fetch(r, dsrc.d);
            op_record(r, op_gradient_ways[way].name, got, op_volume(dsrc.d.shape), 2 * EPS);
            if (way == 0)
                backward += op_dot(x[s], got, op_volume(dsrc.d.shape));
        }
    op_expect(r, "adjoint", backward, forward, 4 * EPS * sqrt((double)op_volume(d)));
}

/* The answer of a network: the sum of two maps, or (variant 1) one map, in pixels. */
static void run_add_pixels(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const struct un_activation none = {UN_ACT_NONE, 0};
    const size_t count = op_volume(k->shape);
    struct un_operand src[2] = {{{{0}, UN_FEATURES, NULL}, 0, 0}};
    float *x[2], *g = op_random(r, count, -1, 1);
    double backward = 0;
    op_workspace(r, 0);
    for (int s = 0; s < 2 - k->variant; s++) {
        x[s] = op_random(r, count, -1, 1);
        src[s].tensor = op_tensor(r, UN_FEATURES, k->shape, x[s]);
    }
    struct un_tensor dst = op_tensor(r, UN_PIXELS, k->shape, NULL);
    struct un_tensor ddst = op_tensor(r, UN_PIXELS, k->shape, g);
    ops->add_forward(r->engine, src, none, dst);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, count, k->variant ? OP_EXACT : 2 * EPS);
    for (int s = 0; s < 2 - k->variant; s++)
        for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
            struct un_gradient dsrc = op_gradient(r, way, k->shape);
            ops->add_backward(r->engine, ddst, 0, 0, &dsrc);
            float *got = op_fetch(r, dsrc.d);
            op_record(r, op_gradient_ways[way].name, got, count, 2 * EPS);
            if (way == 0)
                backward += op_dot(x[s], got, count);
        }
    op_expect(r, "adjoint", backward, op_dot(y, g, count), 4 * EPS * sqrt((double)count));
}

/*
 * variant: 1: trimmed; 2: corners on corners; 3: nearest.  Weights add up to 1 forward, to less
 * than 9 backward (3 along an axis: corners of a side of 2).
 */
static void run_upsample(struct op_run *r, const struct op_case *k)
{
    const struct un_engine_ops *ops = r->engine->ops;
    static const enum un_doubling ways[] = {UN_BILINEAR, UN_BILINEAR, UN_CORNERS, UN_NEAREST};
    enum un_doubling how = ways[k->variant];
    int trim = k->variant == 1;
    struct un_shape s = k->shape, d = {s.n, 2 * s.h - 2 * trim, 2 * s.w - 2 * trim, s.c};
    size_t count = op_volume(s), doubled = op_volume(d);
    float *x = op_random(r, count, -1, 1), *g = op_random(r, doubled, -1, 1);
    struct un_tensor src = op_tensor(r, UN_FEATURES, s, x);
    struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    op_workspace(r, 0);
    ops->upsample_forward(r->engine, src, dst, how, trim);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, doubled, 4 * EPS);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient dsrc = op_gradient(r, way, s);
        ops->upsample_backward(r->engine, ddst, how, trim, &dsrc);
        float *got = op_fetch(r, dsrc.d);
        op_record(r, op_gradient_ways[way].name, got, count, 36 * EPS);
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
        ops->dropout(r->engine, t, rate, key, 0);
        got[i] = op_fetch(r, t);
        op_record(r, i ? "dx" : "x", got[i], count, 0);
    }
    op_expect(r, "adjoint", op_dot(x, got[1], count), op_dot(got[0], g, count),
              8 * EPS / (1 - rate) * sqrt((double)count));
    /* the last image alone, as the number that it has among all */
    const struct un_shape one = {1, k->shape.h, k->shape.w, k->shape.c};
    const size_t before = count - op_volume(one);
    struct un_tensor last = op_tensor(r, UN_FEATURES, one, x + before);
    ops->dropout(r->engine, last, rate, key, before);
    op_expect(r, "one image of the batch",
              memcmp(op_fetch(r, last), got[0] + before, op_volume(one) * sizeof *x) != 0, 0, 0);
}

/* ---- normalisation ---- */

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
