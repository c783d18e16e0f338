/* SPDX-License-Identifier: Apache-2.0 */
/* test_reading.c - samples as the network takes them: channels by themselves, and limits */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "image/reading.h"

enum { H = 5, W = 7 };

/* An image of three channels on scales of their own. */
static unet_view make_view(float values[H * W * 3], int channels)
{
    for (int i = 0; i < H * W; i++)
        for (int c = 0; c < channels; c++)
            values[i * channels + c] =
                (float)(100 * c) + (float)((i * 31 + c * 7) % 23) * (float)(1 + 9 * c);
    return (unet_view){.height = H,
                       .width = W,
                       .channels = channels,
                       .sample = UNET_F32,
                       .data = values,
                       .row = (ptrdiff_t)(W * channels * (int)sizeof(float)),
                       .column = (ptrdiff_t)(channels * (int)sizeof(float)),
                       .channel = sizeof(float)};
}

static void moments(const float *values, int step, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (int i = 0; i < H * W; i++)
        *mean += (double)values[i * step] / (H * W);
    for (int i = 0; i < H * W; i++)
        *variance += pow((double)values[i * step] - *mean, 2) / (H * W);
}

static void test_apart(void **state)
{
    float values[H * W * 3], tile[H * W * 3];
    const struct un_scaling apart = {.per_image = true, .apart = true};
    const struct un_scaling together = {.per_image = true};
    double mean, variance;
    (void)state;
    const unet_view view = make_view(values, 3);
    struct un_reading r = un_reading_of(view, 3, &apart);
    un_tile_read(&r, 0, 0, H, W, tile);
    for (int c = 0; c < 3; c++) {
        moments(tile + c, 3, &mean, &variance);
        if (!(fabs(mean) < 1e-6 && fabs(variance - 1) < 1e-5))
            fail_msg("channel %d has mean %g and variance %g", c, mean, variance);
    }
    r = un_reading_of(view, 3, &together);
    un_tile_read(&r, 0, 0, H, W, tile);
    moments(tile, 3, &mean, &variance);
    assert_true(fabs(mean) > 0.5); /* the first channel is darker than all together */
    /* the same in parts, as of a file */
    struct un_moments_of all = {.count = {0}};
    for (int squares = 0; squares < 2; squares++)
        for (int y = 0; y < H; y++) {
            unet_view row = view;
            row.data = values + (ptrdiff_t)y * W * 3;
            row.height = 1;
            if (squares)
                un_tile_squares(row, apart.fill, true, &all);
            else
                un_tile_sum(row, apart.fill, true, &all);
        }
    const struct un_reading whole = un_reading_of(view, 3, &apart);
    un_reading_standardize(&r, true, &all);
    for (int c = 0; c < 3; c++)
        assert_true(r.offsets[c] == whole.offsets[c] && r.scales[c] == whole.scales[c]);
}

/* A grey image for a network of three channels has one mean. */
static void test_grey(void **state)
{
    float values[H * W * 3], tile[H * W * 3];
    const struct un_scaling apart = {.per_image = true, .apart = true};
    double mean, variance;
    (void)state;
    const struct un_reading r = un_reading_of(make_view(values, 1), 3, &apart);
    un_tile_read(&r, 0, 0, H, W, tile);
    for (int c = 0; c < 3; c++) {
        moments(tile + c, 3, &mean, &variance);
        assert_true(fabs(mean) < 1e-6 && fabs(variance - 1) < 1e-5);
    }
}

static void test_limits(void **state)
{
    float values[H * W * 3], tile[H * W];
    struct un_scaling scaling = {
        .set = true, .offset = 10, .scale = 0.5f, .clips = true, .low = 4, .high = 15};
    (void)state;
    const struct un_reading r = un_reading_of(make_view(values, 1), 1, &scaling);
    un_tile_read(&r, 0, 0, H, W, tile);
    for (int i = 0; i < H * W; i++) {
        const float held = fminf(fmaxf(values[i], 4), 15);
        assert_true(tile[i] == (held - 10) * 0.5f);
    }
    /* what is no data is 0, and not held to anything */
    scaling.fill = (struct un_fill){true, values[3]};
    const struct un_reading filled = un_reading_of(make_view(values, 1), 1, &scaling);
    un_tile_read(&filled, 0, 0, H, W, tile);
    assert_true(tile[3] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_grey),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests_name("reading", tests, NULL, NULL);
}
