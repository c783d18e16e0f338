/* SPDX-License-Identifier: Apache-2.0 */
/* Values: what augmentation does to a tile's greys, and that the same key gives the same bits. */
#include "augment_scene.h"

#include <math.h>

#include "data/draw/draw.h"

enum { SIDE = 64 };

/* Draws a tile of SIDE x SIDE, all of the image, without and with the change. */
static void draw_both(const unet_augment *augment, const float *data, int channels, uint64_t key,
                      float *before, float *after)
{
    static const uint8_t mask[SIDE * SIDE];
    static const unet_augment none = {0};
    unet_image image = {SIDE, SIDE, channels, UNET_F32, 1, (void *)(uintptr_t)data};
    struct un_reading reading = un_reading_of(un_view_of(&image), channels, NULL);
    for (int t = 0; t < 2; t++) {
        struct drawn d = drawn_create(t ? augment : &none, SIDE, SIDE, channels);
        un_tile_draw(&(struct un_example){.reading = &reading, .mask = mask}, t ? augment : &none,
                     key, &d.tile);
        memcpy(t ? after : before, d.tile.input, sizeof(float) * SIDE * SIDE * (size_t)channels);
        drawn_release(&d);
    }
}

static void fill(float *data, int count, uint64_t seed)
{
    for (int i = 0; i < count; i++)
        data[i] = un_rng_uniform(seed, (uint64_t)i);
}

static void test_curve(void **state)
{
    double black[2] = {1, -1}, slope[2] = {9, 0};
    (void)state;
    for (uint64_t n = 0; n < 2000; n++) {
        float u[4], strength = n % 4 ? 1 : 0.25f * (float)(n % 16 / 4);
        for (uint64_t i = 0; i < 4; i++)
            u[i] = n < 16 ? (float)(n >> i & 1) : un_rng_uniform(71, 4 * n + i); /* corners, too */
        struct un_curve c = un_curve_draw(strength, u);
        double s = (double)strength, step = 1e-2, last = -INFINITY;
        double f0 = (double)un_curve_at(&c, 0), f1 = (double)un_curve_at(&c, 1);
        double d0 = ((double)un_curve_at(&c, 1e-3f) - f0) / 1e-3;
        double d1 = (f1 - (double)un_curve_at(&c, 1 - 1e-3f)) / 1e-3;
        if (fabs(f0) > 0.05 * s + 1e-6 || fabs(f1 - 1) > 0.05 * s + 1e-6 ||
            fabs(d0 - 1) > 0.2 * s + 5e-3 || fabs(d1 - 1) > 0.2 * s + 5e-3)
            fail_msg("curve %d of strength %g: %g at 0, %g at 1, slopes %g, %g", (int)n, s, f0, f1,
                     d0, d1);
        for (double v = -0.5; v < 1.5; v += step) {
            double f = (double)un_curve_at(&c, (float)v);
            if (!(f > last) || (v >= 0 && v <= 1 && (f < f0 - 1e-6 || f > f1 + 1e-6)))
                fail_msg("curve %d: %g at %g after %g; ends %g, %g", (int)n, f, v, last, f0, f1);
            last = f;
        }
        black[0] = fmin(black[0], f0);
        black[1] = fmax(black[1], f0);
        slope[0] = fmin(slope[0], d0);
        slope[1] = fmax(slope[1], d0);
    }
    if (black[0] > -0.045 || black[1] < 0.045 || slope[0] > 0.82 || slope[1] < 1.18)
        fail_msg("black %g..%g, slopes %g..%g: all of the range wanted", black[0], black[1],
                 slope[0], slope[1]);
}

/* In a tile: brighter stays brighter, and white and black move by no more than is said. */
static void test_curve_of_a_tile(void **state)
{
    static float data[SIDE * SIDE], before[SIDE * SIDE], after[SIDE * SIDE];
    const unet_augment a = {.curve = 1};
    double change = 0;
    (void)state;
    fill(data, SIDE * SIDE, 5);
    for (uint64_t key = 0; key < 30; key++) {
        draw_both(&a, data, 1, key, before, after);
        for (int i = 1; i < SIDE * SIDE; i++)
            if ((before[i] > before[i - 1] && after[i] < after[i - 1]) || after[i] < -0.0501f ||
                after[i] > 1.0501f)
                fail_msg("key %d: %g, %g became %g, %g", (int)key, (double)before[i - 1],
                         (double)before[i], (double)after[i - 1], (double)after[i]);
        change += fabs((double)after[7] - (double)before[7]);
    }
    assert_true(change > 0.1);
}

static void test_noise(void **state)
{
    enum { KEYS = 400 };
    static float data[SIDE * SIDE], before[SIDE * SIDE], after[SIDE * SIDE];
    const unet_augment a = {.noise = 0.5f};
    const double n = SIDE * SIDE;
    double mean = 0, deviation = 0, shares = 0, squares = 0;
    (void)state;
    fill(data, SIDE * SIDE, 6);
    for (int i = 0; i < SIDE * SIDE; i++)
        mean += (double)data[i] / n;
    for (int i = 0; i < SIDE * SIDE; i++)
        deviation += pow((double)data[i] - mean, 2) / n;
    deviation = sqrt(deviation);
    for (uint64_t key = 0; key < KEYS; key++) {
        double sum = 0, second = 0, fourth = 0;
        draw_both(&a, data, 1, key, before, after);
        for (int i = 0; i < SIDE * SIDE; i++) {
            double d = (double)after[i] - (double)before[i];
            sum += d;
            second += d * d;
            fourth += d * d * d * d;
        }
        double variance = second / n, share = sqrt(variance) / deviation;
        /* kurtosis 3; its standard error is sqrt(24 / n) = 0.077 */
        if (share > 0.5 * (1 + 5 / sqrt(2 * n)) || fabs(sum / n) > 5 * sqrt(variance / n) ||
            (share > 0.01 && fabs(fourth / n / (variance * variance) - 3) > 0.5))
            fail_msg("key %d: noise of %g deviations, mean %g, kurtosis %g", (int)key, share,
                     sum / n, fourth / n / (variance * variance));
        shares += share / KEYS;
        squares += share * share / KEYS;
    }
    /* uniform in 0..0.5: mean 1/4, mean square 1/12; standard errors 0.0072 and 0.0037 */
    if (fabs(shares - 0.25) > 0.036 || fabs(squares - 1.0 / 12) > 0.019)
        fail_msg("strengths: mean %g, mean square %g; wanted 0.25, 0.0833", shares, squares);
}

/* A point becomes a bell of sum 1, alike in all directions; what is even stays so, up to the edge.
 */
static void test_blur(void **state)
{
    enum { KEYS = 200, MIDDLE = SIDE / 2 };
    static float data[SIDE * SIDE * 2], before[SIDE * SIDE * 2], after[SIDE * SIDE * 2];
    const unet_augment a = {.blur = 3};
    double sigmas = 0;
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) {
        data[2 * i] = i == MIDDLE * SIDE + MIDDLE;
        data[2 * i + 1] = 0.7f;
    }
    for (uint64_t key = 0; key < KEYS; key++) {
        double sum = 0, spread[2] = {0};
        draw_both(&a, data, 2, key, before, after);
        for (int i = 0; i < SIDE * SIDE; i++) {
            double v = (double)after[2 * i];
            int y = i / SIDE - MIDDLE, x = i % SIDE - MIDDLE;
            sum += v;
            spread[0] += v * y * y;
            spread[1] += v * x * x;
            if (fabs((double)after[2 * i + 1] - 0.7) > 1e-5 || v < 0 ||
                (y > -MIDDLE && x > -MIDDLE &&
                 fabs(v - (double)after[2 * ((MIDDLE + x) * SIDE + MIDDLE - y)]) > 1e-6))
                fail_msg("key %d, row %d, column %d: %g of the point, %g of an even 0.7", (int)key,
                         y, x, v, (double)after[2 * i + 1]);
        }
        if (fabs(sum - 1) > 1e-5 || spread[0] > 9.01 || fabs(spread[0] - spread[1]) > 1e-4)
            fail_msg("key %d: sum %g, spread %g, %g", (int)key, sum, spread[0], spread[1]);
        sigmas += sqrt(spread[0]) / KEYS;
    }
    /* uniform in 0..3, standard error 0.061; cut at 3 sigma it is 1.3 % narrower, and below 1/3 of
     * a pixel a bell has no width on pixels */
    if (fabs(sigmas - 1.45) > 0.25)
        fail_msg("mean sigma %g, wanted about 1.45", sigmas);
}

/* Each channel is a line of what it was, with numbers of its own. */
static void test_channels(void **state)
{
    static float data[SIDE * SIDE * 3], before[SIDE * SIDE * 3], after[SIDE * SIDE * 3];
    const unet_augment a = {.channel = 1};
    (void)state;
    fill(data, SIDE * SIDE * 3, 7);
    for (uint64_t key = 0; key < 30; key++) {
        double gains[3];
        draw_both(&a, data, 3, key, before, after);
        for (int c = 0; c < 3; c++) {
            double rise = (double)before[9 + c] - (double)before[c];
            gains[c] = ((double)after[9 + c] - (double)after[c]) / rise;
            for (int i = 0; i < SIDE * SIDE; i++) {
                double want =
                    (double)after[c] + gains[c] * ((double)before[3 * i + c] - (double)before[c]);
                if (fabs((double)after[3 * i + c] - want) > 1e-4 || !(gains[c] > 0.5) ||
                    gains[c] > 2)
                    fail_msg("key %d, channel %d, pixel %d: %g, wanted %g (gain %g)", (int)key, c,
                             i, (double)after[3 * i + c], want, gains[c]);
            }
        }
        if (fabs(gains[0] - gains[1]) < 1e-5 && fabs(gains[1] - gains[2]) < 1e-5)
            fail_msg("key %d: all channels have gain %g", (int)key, gains[0]);
    }
}

/* Same key, same bits; another key, others.  What changes values does not move labels. */
static void test_keys(void **state)
{
    enum { H = 90, W = 75, T = 48, O = 32 };
    static const unet_augment all = {1,    40,   0.3f, 5,    20, 1,    0.4f,
                                     0.7f, 0.1f, 1.5f, 0.5f, 1,  0.2f, 0};
    static float data[H * W], extra[H * W];
    static uint8_t mask[H * W];
    unet_augment moves = all;
    unet_image image = {H, W, 1, UNET_F32, 0, data};
    struct un_reading reading = un_reading_of(un_view_of(&image), 1, NULL);
    struct un_focus focus;
    (void)state;
    moves.grey = moves.curve = moves.noise = moves.blur = moves.channel = 0;
    fill(data, H * W, 8);
    fill(extra, H * W, 9);
    for (int i = 0; i < H * W; i++)
        mask[i] = (uint8_t)un_rng_below(10, (uint64_t)i, 3);
    assert_int_equal(un_focus_make(&all, mask, H, W, &focus, NULL), UNET_OK);
    const struct un_example example = {
        .reading = &reading, .mask = mask, .extra = extra, .focus = &focus};
    struct drawn d[4];
    for (int k = 0; k < 4; k++)
        d[k] = drawn_create(k == 3 ? &moves : &all, T, O, 1);
    for (uint64_t key = 0; key < 20; key++) {
        for (uint64_t k = 0; k < 4; k++)
            un_tile_draw(&example, k == 3 ? &moves : &all, key + 1000 * (k == 2), &d[k].tile);
        assert_memory_equal(d[0].tile.input, d[1].tile.input, T * T * sizeof(float));
        assert_memory_equal(d[0].tile.weights, d[1].tile.weights, O * O * sizeof(float));
        assert_memory_equal(d[0].tile.labels, d[1].tile.labels, O * O);
        assert_memory_not_equal(d[0].tile.input, d[2].tile.input, T * T * sizeof(float));
        assert_memory_not_equal(d[0].tile.labels, d[2].tile.labels, O * O);
        assert_memory_equal(d[0].tile.labels, d[3].tile.labels, O * O);
        assert_memory_equal(d[0].tile.weights, d[3].tile.weights, O * O * sizeof(float));
        assert_memory_not_equal(d[0].tile.input, d[3].tile.input, T * T * sizeof(float));
    }
    for (int k = 0; k < 4; k++)
        drawn_release(&d[k]);
    free(focus.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve),    cmocka_unit_test(test_curve_of_a_tile),
        cmocka_unit_test(test_noise),    cmocka_unit_test(test_blur),
        cmocka_unit_test(test_channels), cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests_name("shading", tests, NULL, NULL);
}
