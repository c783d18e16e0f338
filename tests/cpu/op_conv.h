/* SPDX-License-Identifier: Apache-2.0 */
/* op_conv.h - the convolutions: forward, both gradients, and that these belong together */
#ifndef TEST_OP_CONV_H
#define TEST_OP_CONV_H

#include "op_run.h"

struct conv_inputs {
    struct un_conv conv;
    int taps, in; /* products a output value sums up: taps * in */
    size_t weight_count;
    float *x[2], *w; /* host copies */
    const float *weight, *bias, *scale, *shift;
};

static int conv_taps(enum un_conv_kind kind)
{
    return un_conv_side(kind) * un_conv_side(kind);
}

static struct conv_inputs conv_make(struct op_run *r, const struct op_case *k)
{
    struct conv_inputs in = {.conv = {.kind = k->kind}, .taps = conv_taps(k->kind)};
    for (int s = 0; s < 2 && k->src[s].c; s++) {
        struct un_shape shape = {k->shape.n, k->src[s].h, k->src[s].w, k->src[s].c};
        in.x[s] = op_random(r, op_volume(shape), -1, 1);
        in.conv.src[s].tensor = op_tensor(r, k->src_layout, shape, in.x[s]);
        in.conv.src[s].top = k->src[s].top;
        in.conv.src[s].left = k->src[s].left;
        in.in += k->src[s].c;
    }
    int out = k->shape.c;
    in.weight_count = (size_t)in.taps * in.in * out;
    in.w = op_random(r, in.weight_count, -1, 1);
    in.weight = op_params(r, in.w, in.weight_count);
    in.bias = op_params(r, op_random(r, out, -1, 1), out);
    in.scale = op_params(r, op_random(r, out, -2, 2), out);
    in.shift = op_params(r, op_random(r, out, -1, 1), out);
    in.conv.weight = in.weight;
    in.conv.dst = (struct un_tensor){k->shape, k->dst_layout, NULL};
    return in;
}

/* What is made from pixels, or as pixels, is convolved directly. */
static bool conv_by_tiles(const struct op_case *k)
{
    return k->kind == UN_CONV3X3 && k->src_layout == UN_FEATURES && k->dst_layout == UN_FEATURES &&
           !k->variant;
}

/* The tolerance of a sum in any of the passes. */
static double conv_tolerance(const struct op_case *k, double terms)
{
    return (conv_by_tiles(k) ? OP_WINOGRAD : 1) * op_sum_tolerance(terms);
}

static void conv_prepare(struct op_run *r, struct un_conv *c, enum un_pass pass)
{
    const struct un_engine_ops *ops = r->engine->ops;
    if (pass != UN_PASS_BACKWARD_WEIGHTS) {
        c->packed[pass] = op_buffer(r, ops->conv_pack_bytes(r->engine, c, pass));
        ops->conv_pack(r->engine, c, pass);
    }
    op_workspace(r, ops->conv_workspace(r->engine, c, pass));
}

/* Plain sums; with bias and activation; with a folded norm.  Returns the plain sums. */
static float *conv_check_forward(struct op_run *r, const struct op_case *k,
                                 const struct conv_inputs *in)
{
    /* an up-convolution's output sums over the channels only */
    double terms = (k->kind == UN_UPCONV2X2 ? 1 : in->taps) * in->in;
    double tolerance = conv_tolerance(k, terms + 1);
    float *plain = NULL;
    static const char *const names[3] = {"sum", "act(sum + bias)", "act(scale * sum + shift)"};
    for (int i = 0; i < 3; i++) {
        struct un_conv c = in->conv;
        c.bias = i >= 1 ? in->bias : NULL;
        c.scale = i == 2 ? in->scale : NULL;
        c.shift = i == 2 ? in->shift : NULL;
        c.act = i ? k->act : (struct un_activation){UN_ACT_NONE, 0};
        c.dst = op_tensor(r, k->dst_layout, k->shape, NULL);
        conv_prepare(r, &c, UN_PASS_FORWARD);
        r->engine->ops->conv_forward(r->engine, &c);
        float *got = op_fetch(r, c.dst);
        op_record(r, names[i], got, op_volume(k->shape), i == 2 ? 2 * tolerance : tolerance);
        if (i == 0)
            plain = got;
    }
    return plain;
}

/*
 * Mean and variance of the result, as it is written: those that a norm would find in it.  They are
 * held to what their rounding is: the sums of up to 64 values in float, see norm_kernel.h.
 */
static void conv_check_measures(struct op_run *r, const struct op_case *k,
                                const struct conv_inputs *in, int groups)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const size_t count = (size_t)k->shape.c * (groups ? (size_t)k->shape.n : 1);
    struct un_conv c = in->conv;
    struct un_norm norm = {.groups = groups};
    float *got[2], *want[2];
    c.bias = in->bias;
    c.act = k->act;
    c.dst = op_tensor(r, k->dst_layout, k->shape, NULL);
    c.measures = true;
    c.norm.groups = groups;
    c.norm.mean = op_params(r, NULL, count);
    c.norm.variance = op_params(r, NULL, count);
    norm.mean = op_params(r, NULL, count);
    norm.variance = op_params(r, NULL, count);
    conv_prepare(r, &c, UN_PASS_FORWARD);
    ops->conv_forward(r->engine, &c);
    op_workspace(r, ops->norm_workspace(r->engine, k->shape, groups));
    ops->norm_statistics(r->engine, c.dst, &norm);
    got[0] = op_fetch_params(r, c.norm.mean, count);
    got[1] = op_fetch_params(r, c.norm.variance, count);
    want[0] = op_fetch_params(r, norm.mean, count);
    want[1] = op_fetch_params(r, norm.variance, count);
    for (size_t i = 0; i < count; i++)
        for (int which = 0; which < 2; which++)
            op_expect(r, which ? "variance of the result" : "mean of the result", got[which][i],
                      want[which][i],
                      8 * EPS * (which ? want[1][i] : fabs(want[0][i]) + sqrt(want[1][i])));
}

/*
 * The 2x2 maxima and a window of the result, instead of it: the same bits as the pooling of the
 * result, and as the pixels of the result.  round 0: all of it, as in a padded network.
 */
static void conv_check_parts(struct op_run *r, const struct op_case *k,
                             const struct conv_inputs *in, int round)
{
    const struct un_engine_ops *ops = r->engine->ops;
    const struct un_shape s = k->shape;
    struct un_conv c = in->conv;
    struct un_shape window = s, pooled = {s.n, s.h / 2, s.w / 2, s.c};
    c.bias = in->bias;
    c.scale = round ? in->scale : NULL;
    c.shift = round ? in->shift : NULL;
    c.act = k->act;
    if (round) {
        c.parts.top = op_below(&r->random, s.h);
        c.parts.left = op_below(&r->random, s.w);
        window.h = 1 + op_below(&r->random, s.h - c.parts.top);
        window.w = 1 + op_below(&r->random, s.w - c.parts.left);
    }
    c.dst = op_tensor(r, UN_FEATURES, s, NULL);
    conv_prepare(r, &c, UN_PASS_FORWARD);
    ops->conv_forward(r->engine, &c);
    float *all = op_fetch(r, c.dst);
    struct un_tensor most = op_tensor(r, UN_FEATURES, pooled, NULL);
    ops->maxpool_forward(r->engine, c.dst, most);
    float *want = op_fetch(r, most);

    c.dst.data = NULL;
    c.parts.window = op_tensor(r, UN_FEATURES, window, NULL);
    c.parts.pooled = op_tensor(r, UN_FEATURES, pooled, NULL);
    conv_prepare(r, &c, UN_PASS_FORWARD);
    ops->conv_forward(r->engine, &c);
    float *got = op_fetch(r, c.parts.pooled), *part = op_fetch(r, c.parts.window);
    for (size_t i = 0; i < op_volume(pooled); i++)
        if (got[i] != want[i])
            op_fail(r, "pooled by the convolution", i, got[i], want[i], 0);
    for (size_t i = 0, row = (size_t)window.w * s.c; i < op_volume(window); i++) {
        size_t n = i / row / window.h, y = i / row % window.h, x = i % row;
        float w = all[((n * s.h + y + c.parts.top) * s.w + c.parts.left) * s.c + x];
        if (part[i] != w)
            op_fail(r, "window", i, part[i], w, 0);
    }
    double tolerance = (1 + round) * conv_tolerance(k, 9 * in->in + 1);
    op_record(r, "pooled by the convolution", got, op_volume(pooled), tolerance);
    op_record(r, "window", part, op_volume(window), tolerance);
}

/* <A x, g>: what both adjoint identities compare with, and how exact that is. */
struct conv_product {
    double value, macs;
};

static struct un_tensor conv_image(struct op_run *r, struct un_tensor t, int i)
{
    const size_t floats = r->engine->ops->image_bytes(r->engine, t.layout, t.shape) / sizeof(float);
    t.shape.n = 1;
    if (t.data)
        t.data += floats * (size_t)i;
    return t;
}

/* The sum over the images has the bits of theirs, added in the tree of base/tree.h. */
static void conv_check_images(struct op_run *r, const struct op_case *k, const struct un_conv *c,
                              struct un_tensor g, const float *want, size_t count)
{
    const int images = k->shape.n;
    float *each[8];
    for (int i = 0; i < images; i++) {
        struct un_conv one = *c;
        for (int s = 0; s < 2 && k->src[s].c; s++)
            one.src[s].tensor = conv_image(r, c->src[s].tensor, i);
        one.dst = conv_image(r, c->dst, i);
        float *dweight = op_params(r, NULL, count);
        r->engine->ops->conv_backward_weights(r->engine, &one, conv_image(r, g, i), dweight, NULL);
        each[i] = op_fetch_params(r, dweight, count);
    }
    for (int step = 1; step < images; step *= 2)
        for (int i = 0; i + step < images; i += 2 * step)
            for (size_t j = 0; j < count; j++)
                each[i][j] += each[i + step][j];
    for (size_t j = 0; j < count; j++)
        if (each[0][j] != want[j])
            op_fail(r, "dweight, image by image", j, want[j], each[0][j], 0);
}

static void conv_check_weights(struct op_run *r, const struct op_case *k,
                               const struct conv_inputs *in, struct un_tensor g,
                               struct conv_product want)
{
    struct un_conv c = in->conv;
    size_t out = (size_t)k->shape.c;
    double terms = (double)k->shape.n * k->shape.h * k->shape.w;
    double tolerance = conv_tolerance(k, terms);
    conv_prepare(r, &c, UN_PASS_BACKWARD_WEIGHTS);
    for (int i = 0; i < 2; i++) {
        float *dweight = op_params(r, NULL, in->weight_count);
        float *dbias = i ? NULL : op_params(r, NULL, out);
        r->engine->ops->conv_backward_weights(r->engine, &c, g, dweight, dbias);
        float *got = op_fetch_params(r, dweight, in->weight_count);
        op_record(r, i ? "dweight, no dbias" : "dweight", got, in->weight_count, tolerance);
        if (dbias)
            op_record_params(r, "dbias", dbias, out, tolerance);
        else if (k->shape.n > 1)
            conv_check_images(r, k, &c, g, got, in->weight_count);
        op_expect(r, "adjoint <w, dw> = <A x, g>", op_dot(in->w, got, in->weight_count), want.value,
                  8 * EPS * (sqrt(terms) + sqrt(in->taps * in->in)) * sqrt(want.macs));
    }
}

static void conv_check_data(struct op_run *r, const struct op_case *k, const struct conv_inputs *in,
                            struct un_tensor g, struct conv_product want)
{
    struct un_conv c = in->conv;
    double terms = (double)in->taps * k->shape.c;
    double product = 0;
    conv_prepare(r, &c, UN_PASS_BACKWARD_DATA);
    for (int way = 0; way < OP_GRADIENT_WAYS; way++) {
        struct un_gradient d[2] = {0};
        for (int s = 0; s < 2 && k->src[s].c; s++)
            d[s] = op_gradient(r, (way + s) % OP_GRADIENT_WAYS, c.src[s].tensor.shape);
        r->engine->ops->conv_backward_data(r->engine, &c, g, d);
        for (int s = 0; s < 2 && k->src[s].c; s++) {
            struct un_shape shape = c.src[s].tensor.shape;
            float *got = op_fetch(r, d[s].d);
            int as = (way + s) % OP_GRADIENT_WAYS;
            op_record(r, op_gradient_ways[as].name, got, op_volume(shape),
                      conv_tolerance(k, terms + 1));
            if (as == 0)
                product += op_dot(in->x[s], got, op_volume(shape));
        }
    }
    op_expect(r, "adjoint <x, A' g> = <A x, g>", product, want.value,
              8 * EPS * (sqrt(terms) + sqrt(in->taps * in->in)) * sqrt(want.macs));
}

/*
 * shape is the destination's; variant 1 asks the engine to be exact.  The gradient with respect to
 * UN_PIXELS is not asked for: no network needs the gradient of its image.
 */
static void run_conv(struct op_run *r, const struct op_case *k)
{
    r->engine->exact = k->variant;
    struct conv_inputs in = conv_make(r, k);
    float *plain = conv_check_forward(r, k, &in);
    bool tiles = conv_by_tiles(k), small = k->shape.h < 2 || k->shape.w < 2;
    if (tiles)
        op_expect(r, "conv_parts", r->engine->ops->conv_parts(r->engine, &in.conv), 1, 0);
    for (int round = 0; round < (tiles && !small ? 2 : 0); round++)
        conv_check_parts(r, k, &in, round);
    for (int i = 0; i < (k->dst_layout == UN_FEATURES ? 2 : 0); i++)
        conv_check_measures(r, k, &in, i ? k->shape.c : 0);
    float *gradient = op_random(r, op_volume(k->shape), -1, 1);
    struct un_tensor g = op_tensor(r, k->dst_layout, k->shape, gradient);
    /* rounding of the sums on either side, of about sqrt(macs) / 5 large products (see
     * op_sum_tolerance); an element in the wrong place changes them by far more */
    struct conv_product want = {
        .value = op_dot(plain, gradient, op_volume(k->shape)),
        .macs = (double)op_volume(k->shape) * in.in * in.taps,
    };
    conv_check_weights(r, k, &in, g, want);
    if (k->src_layout == UN_FEATURES)
        conv_check_data(r, k, &in, g, want);
}

/* ---- random cases ---- */

static const int conv_channels[] = {1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 48, 64};
static const int conv_sides[] = {1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 15, 16, 17, 19, 23, 31, 33, 37};

#define PICK(list, state) (list)[op_below(state, (int)(sizeof(list) / sizeof *(list)))]

static struct op_source conv_random_source(uint64_t *state, int h, int w, int c)
{
    struct op_source s = {.c = c};
    switch (op_below(state, 4)) {
    case 0: /* unpadded: the frame itself */
        s = (struct op_source){h + 2, w + 2, c, 0, 0};
        break;
    case 1: /* cropped out of something larger */
        s.top = op_below(state, 6);
        s.left = op_below(state, 6);
        s.h = h + 2 + s.top + op_below(state, 4);
        s.w = w + 2 + s.left + op_below(state, 4);
        break;
    case 2: /* zero padding */
        s = (struct op_source){h, w, c, -1, -1};
        break;
    default: /* anything that touches the frame */
        s.h = 1 + op_below(state, h + 4);
        s.w = 1 + op_below(state, w + 4);
        s.top = op_below(state, h + 1 + s.h) - (h + 1);
        s.left = op_below(state, w + 1 + s.w) - (w + 1);
    }
    return s;
}

/* most: multiply-adds of one forward pass */
static struct op_case conv_random_case(uint64_t *state, double most)
{
    static const char *const names[] = {"conv3x3", "conv1x1", "upconv2x2"};
    static const struct un_activation acts[] = {
        {UN_ACT_NONE, 0}, {UN_ACT_RELU, 0}, {UN_ACT_LEAKY, 0.01f}};
    static const enum un_conv_kind kinds[] = {UN_CONV3X3, UN_CONV3X3, UN_CONV1X1, UN_UPCONV2X2};
    struct op_case k = {.run = run_conv, .src_layout = UN_FEATURES, .dst_layout = UN_FEATURES};
    k.kind = PICK(kinds, state);
    k.op = names[k.kind];
    k.act = PICK(acts, state);
    int h = PICK(conv_sides, state), w = PICK(conv_sides, state);
    int c0 = PICK(conv_channels, state), c1 = 0;
    k.shape = (struct un_shape){1 + op_below(state, 3), h, w, PICK(conv_channels, state)};
    if (k.kind == UN_CONV3X3) {
        c1 = op_below(state, 2) ? PICK(conv_channels, state) : 0;
        k.src[0] = conv_random_source(state, h, w, c0);
        if (c1)
            k.src[1] = conv_random_source(state, h, w, c1);
        else if (op_below(state, 4) == 0) {
            k.src_layout = UN_PIXELS;
            k.src[0].c = c0 = op_below(state, 5) ? 1 + op_below(state, 4) : 17;
        }
    } else {
        k.src[0] = (struct op_source){h, w, c0, 0, 0};
        if (k.kind == UN_UPCONV2X2) {
            k.shape.h = 2 * h;
            k.shape.w = 2 * w;
        } else if (op_below(state, 2))
            k.dst_layout = UN_PIXELS;
    }
    double macs = (double)op_volume(k.shape) * (c0 + c1) * (k.kind == UN_CONV3X3 ? 9 : 1);
    return macs <= most ? k : conv_random_case(state, most);
}

/* An up-convolution of 3x3, of one source or two. */
static struct op_case conv_random_up(uint64_t *state, double most)
{
    static const struct un_activation acts[] = {
        {UN_ACT_NONE, 0}, {UN_ACT_RELU, 0}, {UN_ACT_LEAKY, 0.01f}};
    const int h = PICK(conv_sides, state), w = PICK(conv_sides, state);
    const int c0 = PICK(conv_channels, state);
    const int c1 = op_below(state, 2) ? PICK(conv_channels, state) : 0;
    const struct op_case k = {
        .op = "upconv3x3",
        .run = run_conv,
        .shape = {1 + op_below(state, 3), 2 * h, 2 * w, PICK(conv_channels, state)},
        .kind = UN_UPCONV3X3,
        .src_layout = UN_FEATURES,
        .dst_layout = UN_FEATURES,
        .src = {{h, w, c0, 0, 0}, {h, w, c1, 0, 0}},
        .act = PICK(acts, state)};
    return (double)op_volume(k.shape) * (c0 + c1) * 3 <= most ? k : conv_random_up(state, most);
}

/* The same of stride 2; what: whose name kind is. */
static struct op_case conv_random_half(uint64_t *state, double most, const char *what,
                                       enum un_conv_kind kind)
{
    static const struct un_activation acts[] = {
        {UN_ACT_NONE, 0}, {UN_ACT_RELU, 0}, {UN_ACT_LEAKY, 0.01f}};
    const int h = PICK(conv_sides, state), w = PICK(conv_sides, state);
    const int side = un_conv_side(kind);
    const bool pixels = side > 1 && op_below(state, 3) == 0;
    const int c = pixels ? 1 + op_below(state, 4) : PICK(conv_channels, state);
    const struct op_case k = {
        .op = what,
        .run = run_conv,
        .shape = {1 + op_below(state, 3), (h + 1) / 2, (w + 1) / 2, PICK(conv_channels, state)},
        .kind = kind,
        .src_layout = pixels ? UN_PIXELS : UN_FEATURES,
        .dst_layout = UN_FEATURES,
        .src = {{h, w, c, -(side / 2), -(side / 2)}},
        .act = PICK(acts, state)};
    return (double)op_volume(k.shape) * c * side * side <= most
               ? k
               : conv_random_half(state, most, what, kind);
}

#endif
