/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reference: the specification itself is checked
 *
 * Every gradient of the reference engine must agree with central differences of its forward pass,
 *
 *   df/dx ~ (f(x + h) - f(x - h)) / 2h,     f = sum of r * output, r random
 *
 * Outputs are floats near 1, so a difference of two sums of n of them errs by sqrt(n) EPS / h; the
 * curvature of f adds about h^2.  With h = 2^-6 and n < 200 both are below 1e-3.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/rng.h"
#include "engine/engine.h"

#define STEP 0x1p-6f
#define TOLERANCE 1e-3

static struct un_engine *engine;
static const struct un_engine_ops *ops;
static struct un_arena arena;
static uint64_t stream;

static int set_up(void **state)
{
    (void)state;
    int code = un_engine_reference_create(&engine, NULL);
    ops = code ? NULL : engine->ops;
    return code;
}

static int tear_down(void **state)
{
    (void)state;
    un_arena_release(&arena);
    ops->free(engine);
    return 0;
}

/* Multiples of STEP in [-1, 1], so that x + STEP is exact. */
static float *numbers(size_t count)
{
    float *x = un_arena_alloc(&arena, count * sizeof *x);
    stream++;
    for (size_t i = 0; i < count; i++)
        x[i] = ((float)un_rng_below(stream, i, 129) - 64) * STEP;
    return x;
}

static size_t volume(struct un_tensor t)
{
    return (size_t)t.shape.n * t.shape.h * t.shape.w * t.shape.c;
}

static struct un_tensor tensor(int n, int h, int w, int c)
{
    struct un_tensor t = {{n, h, w, c}, UN_FEATURES, NULL};
    t.data = numbers(volume(t));
    return t;
}

static struct un_tensor like(struct un_tensor t)
{
    return tensor(t.shape.n, t.shape.h, t.shape.w, t.shape.c);
}

static double dot(struct un_tensor a, struct un_tensor b)
{
    double sum = 0;
    for (size_t i = 0; i < volume(a); i++)
        sum += (double)a.data[i] * b.data[i];
    return sum;
}

static struct un_gradient into(struct un_tensor d)
{
    return (struct un_gradient){.d = d};
}

/* Compares a gradient with central differences of f over x. */
static void check_step(const char *name, double (*f)(void *), void *context, float *x,
                       const float *gradient, size_t count, float step)
{
    for (size_t i = 0; i < count; i++) {
        float old = x[i];
        x[i] = old + step;
        double above = f(context);
        x[i] = old - step;
        double below = f(context);
        x[i] = old;
        double want = (above - below) / (2 * step), scale = 1 + fabs(want);
        if (!(fabs(gradient[i] - want) <= TOLERANCE * scale))
            fail_msg("%s[%zu]: got %.9g, finite difference %.9g", name, i, gradient[i], want);
    }
}

static void check(const char *name, double (*f)(void *), void *context, float *x,
                  const float *gradient, size_t count)
{
    check_step(name, f, context, x, gradient, count, STEP);
}

/* ---- convolutions ---- */

struct conv_context {
    struct un_conv conv;
    struct un_tensor r;
};

static double conv_value(void *context)
{
    struct conv_context *t = context;
    ops->conv_forward(engine, &t->conv);
    return dot(t->conv.dst, t->r);
}

static void check_conv(enum un_conv_kind kind, struct un_operand a, struct un_operand b,
                       struct un_tensor dst)
{
    size_t side = (size_t)un_conv_side(kind), taps = side * side;
    size_t out = dst.shape.c, count = taps * (a.tensor.shape.c + b.tensor.shape.c) * out;
    float *w = numbers(count), *bias = numbers(out), *dw = numbers(count), *dbias = numbers(out);
    struct conv_context t = {{.kind = kind, .src = {a, b}, .dst = dst, .weight = w, .bias = bias},
                             like(dst)};
    ops->conv_backward_weights(engine, &t.conv, t.r, dw, dbias);
    check("dweight", conv_value, &t, w, dw, count);
    check("dbias", conv_value, &t, bias, dbias, out);
    struct un_gradient dsrc[2] = {into(like(a.tensor)), into(like(b.tensor))};
    ops->conv_backward_data(engine, &t.conv, t.r, dsrc);
    for (int s = 0; s < 2 && t.conv.src[s].tensor.shape.c; s++) {
        struct un_tensor x = t.conv.src[s].tensor;
        check(s ? "dsrc1" : "dsrc0", conv_value, &t, x.data, dsrc[s].d.data, volume(x));
    }
}

static void test_conv(void **state)
{
    (void)state;
    struct un_operand none = {0};
    check_conv(UN_CONV3X3, (struct un_operand){tensor(2, 5, 6, 2), 0, 0}, none, tensor(2, 3, 4, 3));
    check_conv(UN_CONV3X3, (struct un_operand){tensor(1, 4, 3, 2), -1, -1}, none,
               tensor(1, 4, 3, 2));
    check_conv(UN_CONV3X3, (struct un_operand){tensor(1, 9, 8, 2), 2, 1},
               (struct un_operand){tensor(1, 2, 3, 3), -2, -1}, tensor(1, 3, 4, 2));
    check_conv(UN_CONV1X1, (struct un_operand){tensor(2, 3, 4, 5), 0, 0}, none, tensor(2, 3, 4, 2));
    check_conv(UN_UPCONV2X2, (struct un_operand){tensor(2, 2, 3, 4), 0, 0}, none,
               tensor(2, 4, 6, 3));
    check_conv(UN_CONV3X3_HALF, (struct un_operand){tensor(2, 4, 6, 2), -1, -1}, none,
               tensor(2, 2, 3, 3));
    check_conv(UN_CONV3X3_HALF, (struct un_operand){tensor(1, 5, 1, 2), -1, -1}, none,
               tensor(1, 3, 1, 2));
    check_conv(UN_CONV7X7_HALF, (struct un_operand){tensor(2, 6, 5, 2), -3, -3}, none,
               tensor(2, 3, 3, 3));
    check_conv(UN_CONV1X1_HALF, (struct un_operand){tensor(2, 5, 4, 3), 0, 0}, none,
               tensor(2, 3, 2, 2));
    check_conv(UN_UPCONV3X3, (struct un_operand){tensor(2, 2, 3, 4), 0, 0}, none,
               tensor(2, 4, 6, 3));
    check_conv(UN_UPCONV3X3, (struct un_operand){tensor(1, 3, 1, 2), 0, 0},
               (struct un_operand){tensor(1, 3, 1, 3), 0, 0}, tensor(1, 6, 2, 2));
}

/* ---- maps ---- */

struct map_context {
    struct un_tensor x, y, r;
    enum un_doubling how;
    int trim;
};

static double upsample_value(void *context)
{
    struct map_context *t = context;
    ops->upsample_forward(engine, t->x, t->y, t->how, t->trim);
    return dot(t->y, t->r);
}

static void test_upsample(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        enum un_doubling how = i < 2 ? UN_BILINEAR : i < 3 ? UN_CORNERS : UN_NEAREST;
        int trim = i == 1;
        struct un_tensor y = tensor(2, 6 - 2 * trim, 8 - 2 * trim, 2);
        struct map_context t = {tensor(2, 3, 4, 2), y, like(y), how, trim};
        struct un_tensor dx = like(t.x);
        struct un_gradient g = into(dx);
        ops->upsample_backward(engine, t.r, how, trim, &g);
        check("dsrc", upsample_value, &t, t.x.data, dx.data, volume(t.x));
    }
}

/* What PyTorch's interpolate(scale_factor=2, mode="bilinear", align_corners=False) gives. */
static void test_upsample_values(void **state)
{
    (void)state;
    static const float want[16] = {1,    1.25f, 1.75f, 2,    1.5f, 1.75f, 2.25f, 2.5f,
                                   2.5f, 2.75f, 3.25f, 3.5f, 3,    3.25f, 3.75f, 4};
    struct un_tensor x = tensor(1, 2, 2, 1), y = tensor(1, 4, 4, 1), inner = tensor(1, 2, 2, 1);
    for (int i = 0; i < 4; i++)
        x.data[i] = (float)(i + 1);
    ops->upsample_forward(engine, x, y, UN_BILINEAR, 0);
    ops->upsample_forward(engine, x, inner, UN_BILINEAR, 1);
    assert_memory_equal(y.data, want, sizeof want);
    assert_true(inner.data[0] == 1.75f && inner.data[1] == 2.25f);
    assert_true(inner.data[2] == 2.75f && inner.data[3] == 3.25f);

    /* align_corners=True: the corners stay, and thirds lie between them; mode="nearest" */
    ops->upsample_forward(engine, x, y, UN_CORNERS, 0);
    for (int i = 0; i < 16; i++)
        assert_true(fabs(y.data[i] - (1 + (i / 4 * 2 + i % 4) / 3.0)) < 1e-6);
    ops->upsample_forward(engine, x, y, UN_NEAREST, 0);
    for (int i = 0; i < 16; i++)
        assert_true(y.data[i] == x.data[i / 8 * 2 + i % 4 / 2]);
}

struct norm_context {
    struct un_tensor x, y, r;
    struct un_norm norm;
    struct un_activation act; /* x = act(what is varied) */
    float *values;            /* that are varied */
};

static double norm_value(void *context)
{
    struct norm_context *t = context;
    struct un_activation none = {UN_ACT_NONE, 0};
    for (size_t i = 0; i < volume(t->x); i++)
        t->x.data[i] = t->values[i] > 0 || t->act.kind == UN_ACT_NONE ? t->values[i]
                                                                      : t->act.slope * t->values[i];
    ops->norm_statistics(engine, t->x, &t->norm);
    ops->norm_forward(engine, t->x, &t->norm, none, t->y);
    return dot(t->y, t->r);
}

static void test_norm(void **state)
{
    (void)state;
    static const int groups[] = {0, 4, 2, 1}; /* batch, instance, groups of two, all channels */
    for (int i = 0; i < 8; i++) {
        struct un_tensor x = tensor(2, 4, 5, 4), dx = like(x), y = like(x);
        struct norm_context t = {
            .x = x,
            .y = y,
            .r = like(x),
            .norm = {groups[i % 4], 0.01f, numbers(4), numbers(4), numbers(8), numbers(8)},
            .values = numbers(volume(x))};
        if (i >= 4)
            t.act = (struct un_activation){UN_ACT_LEAKY, 0.25f};
        for (size_t j = 0; j < volume(x); j++)
            t.values[j] += STEP / 2; /* not at the bend */
        float dgamma[4], dbeta[4];
        norm_value(&t);
        ops->norm_backward(engine, x, &t.norm, t.r, t.act, dgamma, dbeta, dx);
        check_step("dx", norm_value, &t, t.values, dx.data, volume(x), 0x1p-10f);
        check("dgamma", norm_value, &t, (float *)t.norm.gamma, dgamma, 4);
        check("dbeta", norm_value, &t, (float *)t.norm.beta, dbeta, 4);
    }
}

/* ---- losses ---- */

struct loss_context {
    struct un_tensor logits;
    uint8_t labels[30];
    float weights[30];
    unet_loss loss;
};

static double loss_value(void *context)
{
    struct loss_context *t = context;
    struct un_tensor none = {t->logits.shape, UN_PIXELS, NULL};
    double result[2];
    ops->loss(engine, t->logits, t->labels, t->weights, &t->loss, result, none);
    return result[0] / result[1];
}

static void test_losses(void **state)
{
    (void)state;
    static const unet_loss losses[] = {
        {.pixel = 1, .pos_weight = 3},
        {.pixel = 1, .pos_weight = 3, .focal = 2},
        {.pixel = 2, .pos_weight = 3, .focal = 0.5f},
        {.overlap = 1, .false_positive = 0.5f, .false_negative = 0.5f, .smooth = 1},
        {.overlap = 3, .false_positive = 0.3f, .false_negative = 0.7f, .smooth = 2},
        {1, 1, 3, 2, 0.25f, 1.5f, 0.5f, 1},
    };
    const int count = sizeof losses / sizeof *losses;
    for (int i = 0; i < 4 * count; i++) {
        const int classes = 1 + i % 4, kind = i / 4;
        struct loss_context t = {.logits = tensor(2, 3, 5, classes), .loss = losses[kind]};
        struct un_tensor d = like(t.logits);
        double result[2];
        for (int j = 0; j < 30; j++) {
            bool ignored = j % 7 == 3;
            t.labels[j] = ignored ? UNET_IGNORE : (uint8_t)(j % (classes == 1 ? 2 : classes));
            t.weights[j] = ignored ? 0 : 0.5f + (float)(j % 3);
        }
        ops->loss(engine, t.logits, t.labels, t.weights, &t.loss, result, d);
        assert_true(fabs(result[0] / result[1] - loss_value(&t)) < 1e-12);
        /* the mean over 30 pixels makes gradients small; look at 30 times as much */
        for (size_t j = 0; j < volume(d); j++) {
            float *x = &t.logits.data[j], old = *x;
            *x = old + STEP;
            double above = loss_value(&t);
            *x = old - STEP;
            double want = (above - loss_value(&t)) / (2 * STEP);
            *x = old;
            if (!(fabs(d.data[j] - want) * 30 <= TOLERANCE))
                fail_msg("loss %d, %d classes: dlogits[%zu]: got %.9g, finite difference %.9g",
                         kind, classes, j, d.data[j], want);
        }
    }
}

/* By hand: K equal logits cost log K each; logits (0, log 3) cost log 4 or log 4/3. */
static void test_loss_values(void **state)
{
    (void)state;
    struct un_tensor x = {{1, 1, 2, 2}, UN_PIXELS, (float[]){0, logf(3), 0, logf(3)}};
    struct un_tensor none = {x.shape, UN_PIXELS, NULL};
    double result[2];
    unet_loss loss = {.pixel = 1, .pos_weight = 5};
    ops->loss(engine, x, (uint8_t[]){0, 1}, (float[]){1, 2}, &loss, result, none);
    assert_true(fabs(result[0] - (log(4) + 2 * log(4.0 / 3))) < 1e-6);
    assert_true(result[1] == 3);

    struct un_tensor y = {{1, 1, 2, 1}, UN_PIXELS, (float[]){logf(3), logf(3)}};
    const struct un_tensor no_d = {y.shape, UN_PIXELS, NULL};
    ops->loss(engine, y, (uint8_t[]){0, 1}, (float[]){1, 2}, &loss, result, no_d);
    assert_true(fabs(result[0] - (log(4) + 2 * 5 * log(4.0 / 3))) < 1e-6);

    /* p = 3/4: one pixel of class 0, weight 1; one of class 1, weight 2.  tp = 3/2, fp = 3/4,
     * fn = 1/2; T = (3/2 + 1) / (3/2 + 3/4 a + 1/2 b + 1) */
    loss = (unet_loss){.overlap = 1, .false_positive = 0.5f, .false_negative = 0.5f, .smooth = 1};
    ops->loss(engine, y, (uint8_t[]){0, 1}, (float[]){1, 2}, &loss, result, no_d);
    assert_true(fabs(result[0] / 3 - (1 - 2.5 / 3.125)) < 1e-6);
    loss.false_positive = 2, loss.false_negative = 1;
    ops->loss(engine, y, (uint8_t[]){0, 1}, (float[]){1, 2}, &loss, result, no_d);
    assert_true(fabs(result[0] / 3 - (1 - 2.5 / 4.5)) < 1e-6);
    /* two classes, class 0 counts, too: tp = 1/4, fp = 1/2, fn = 3/4 */
    ops->loss(engine, x, (uint8_t[]){0, 1}, (float[]){1, 2}, &loss, result, none);
    assert_true(fabs(result[0] / 3 - (1 - (2.5 / 4.5 + 1.25 / 3) / 2)) < 1e-6);
    loss.first_class = 1;
    ops->loss(engine, x, (uint8_t[]){0, 1}, (float[]){1, 2}, &loss, result, none);
    assert_true(fabs(result[0] / 3 - (1 - 2.5 / 4.5)) < 1e-6);
}

/* ---- a U of one level: how gradients of one value add up and pass its activation ----
 *
 *   a = leaky(conv3x3(x)),  b = maxpool(a),  c = upsample(b),  y = conv3x3(a cropped, c)
 *
 * da comes from two places: y's first source, which writes it, and the pooling, which adds to it
 * and finishes it with the derivative of a's activation.
 */
struct u_context {
    struct un_conv first, last;
    struct un_tensor b, r;
};

static double u_value(void *context)
{
    struct u_context *t = context;
    ops->conv_forward(engine, &t->first);
    ops->maxpool_forward(engine, t->first.dst, t->b);
    ops->upsample_forward(engine, t->b, t->last.src[1].tensor, UN_BILINEAR, 0);
    ops->conv_forward(engine, &t->last);
    return dot(t->last.dst, t->r);
}

static void test_small_u(void **state)
{
    (void)state;
    struct un_activation leaky = {UN_ACT_LEAKY, 0.25f};
    struct un_tensor a = tensor(1, 6, 4, 2), b = tensor(1, 3, 2, 2), c = tensor(1, 6, 4, 2);
    struct un_tensor y = tensor(1, 4, 2, 2), da = like(a), db = like(b), dc = like(c);
    struct u_context t = {
        .first = {.kind = UN_CONV3X3,
                  .src = {{tensor(1, 8, 6, 1), 0, 0}},
                  .dst = a,
                  .weight = numbers(18),
                  .bias = numbers(2),
                  .act = leaky},
        .last = {.kind = UN_CONV3X3,
                 .src = {{a, 0, 0}, {c, 0, 0}},
                 .dst = y,
                 .weight = numbers(72)},
        .b = b,
        .r = like(y),
    };
    struct un_gradient last[2] = {into(da), into(dc)}, deep = into(db);
    struct un_gradient pool = {.d = da, .accumulate = true, .act = leaky, .y = a};
    float dw[18], dbias[2];
    u_value(&t);
    ops->conv_backward_data(engine, &t.last, t.r, last);
    ops->upsample_backward(engine, dc, UN_BILINEAR, 0, &deep);
    ops->maxpool_backward(engine, a, db, &pool);
    ops->conv_backward_weights(engine, &t.first, da, dw, dbias);
    /* small, lest a value crosses the bend of its activation or another one becomes the maximum */
    float step = 0x1p-10f;
    check_step("dbias", u_value, &t, (float *)t.first.bias, dbias, 2, step);
    check_step("dweight", u_value, &t, (float *)t.first.weight, dw, 18, step);
}

/* ---- optimisers, against numbers worked out by hand ---- */

static void test_optimisers(void **state)
{
    (void)state;
    float w = 1, m = 0, v = 0, g = 0.5f;
    ops->sgd_step(engine, 1, &w, &g, &m, 0.1f, 0.9f, 0, false);
    assert_true(fabs(w - 0.95) < 1e-7 && fabs(m - 0.5) < 1e-7);
    ops->sgd_step(engine, 1, &w, &g, &m, 0.1f, 0.9f, 0, false);
    assert_true(fabs(w - 0.855) < 1e-7 && fabs(m - 0.95) < 1e-7);

    /* the first step of Adam is the rate, whatever the gradient's size */
    w = 1, m = 0;
    ops->adam_step(engine, 1, &w, &g, &m, &v, 0.01f, 0.9f, 0.999f, 1e-8f, 0, false, 1);
    assert_true(fabs(w - 0.99) < 1e-6 && fabs(m - 0.05) < 1e-7 && fabs(v - 0.00025) < 1e-8);
    w = 1, m = 0, v = 0;
    ops->adam_step(engine, 1, &w, &g, &m, &v, 0.01f, 0.9f, 0.999f, 1e-8f, 0.5f, true, 1);
    assert_true(fabs(w - (0.995 - 0.01)) < 1e-6);

    /* Nesterov: the step from where the momentum leads */
    w = 1, m = 0;
    ops->sgd_step(engine, 1, &w, &g, &m, 0.1f, 0.9f, 0, true);
    assert_true(fabs(w - (1 - 0.1 * 0.95)) < 1e-7 && fabs(m - 0.5) < 1e-7);

    /* the first step of RMSprop is rate / sqrt(1 - alpha); without momentum m is not touched */
    w = 1, m = 7, v = 0;
    ops->rmsprop_step(engine, 1, &w, &g, &m, &v, 0.01f, 0, 0.75f, 1e-8f, 0);
    assert_true(fabs(w - 0.98) < 1e-6 && m == 7 && fabs(v - 0.0625) < 1e-8);
    ops->rmsprop_step(engine, 1, &w, &g, &m, &v, 0.01f, 0.5f, 0.75f, 1e-8f, 0);
    assert_true(fabs(m - (3.5 + 0.5 / sqrt(0.109375))) < 1e-6);

    float y[2] = {1, 2}, x[2] = {3, 5};
    double sum;
    ops->blend(engine, 2, y, 0.5f, x, 2);
    assert_true(y[0] == 6.5f && y[1] == 11);
    ops->blend(engine, 2, y, 2, NULL, 0);
    assert_true(y[0] == 13 && y[1] == 22);
    ops->sum_squares(engine, x, 2, &sum);
    assert_true(sum == 34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_upsample),
        cmocka_unit_test(test_upsample_values),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_loss_values),
        cmocka_unit_test(test_small_u),
        cmocka_unit_test(test_optimisers),
    };
    return cmocka_run_group_tests_name("reference", tests, set_up, tear_down);
}
