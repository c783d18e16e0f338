/* SPDX-License-Identifier: Apache-2.0 */
/* op_map.h - pooling, sums, doubling, dropout, transfers */
#ifndef TEST_OP_MAP_H
#define TEST_OP_MAP_H

#include "base/rng.h"
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
 * the maximum of x for t > 0), so by Euler's theorem <pool(x), g> = <x, pool'(x)' g>.  d: of the
 * result; error: of a gradient, adjoint: of both sides.
 */
static void check_maxpool(struct op_run *r, const struct op_case *k, struct un_shape d, bool wide,
                          double error, double adjoint)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const struct un_shape s = k->shape;
    size_t count = op_volume(s), pooled = op_volume(d);
    float *x = k->variant ? op_random_whole(r, count, 1) : op_random(r, count, -1, 1);
    float *g = op_random(r, pooled, -1, 1);
    struct un_tensor src = op_tensor(r, UN_FEATURES, s, x);
    struct un_tensor dst = op_tensor(r, UN_FEATURES, d, NULL);
    struct un_tensor ddst = op_tensor(r, UN_FEATURES, d, g);
    op_workspace(r, 0);
    (wide ? ops->maxpool3_forward : ops->maxpool_forward)(r->engine, src, dst);
    float *y = op_fetch(r, dst);
    op_record(r, "dst", y, pooled, OP_EXACT);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient dsrc = op_gradient(r, way, s);
        (wide ? ops->maxpool3_backward : ops->maxpool_backward)(r->engine, src, ddst, &dsrc);
        float *got = op_fetch(r, dsrc.d);
        op_record(r, op_gradient_ways[way].name, got, count, error);
        if (way == 0)
            op_expect(r, "adjoint", op_dot(x, got, count), op_dot(y, g, pooled), adjoint);
    }
}

/* The same products on both sides, each exact in double. */
static void run_maxpool(struct op_run *r, const struct op_case *k)
{
    const struct un_shape s = k->shape;
    check_maxpool(r, k, (struct un_shape){s.n, s.h / 2, s.w / 2, s.c}, false, 2 * EPS,
                  1e-12 * (double)op_volume(s));
}

/* Of 3x3, where a pixel gets up to four gradients, which are added. */
static void run_maxpool3(struct op_run *r, const struct op_case *k)
{
    const struct un_shape s = k->shape, d = {s.n, (s.h + 1) / 2, (s.w + 1) / 2, s.c};
    check_maxpool(r, k, d, true, 8 * EPS, 8 * EPS * sqrt((double)op_volume(d)));
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

#endif
