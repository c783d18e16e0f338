/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles: labels lie on the pixels they belong to, whatever a draw turns, mirrors, zooms or shades.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/draw/draw.h"

static void test_mirror(void **state)
{
    static const int five[] = {2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1, 0, 1};
    (void)state;
    for (int i = -6; i < 10; i++)
        assert_int_equal(un_mirror(i, 5), five[i + 6]);
    for (int i = -3; i < 4; i++)
        assert_int_equal(un_mirror(i, 1), 0);
}

/*
 * The image's values are its mask's: so whatever a draw does to a tile, without resampling each
 * output pixel of the input must be its label, and the weights the labels' weights.
 */
static void check_tile(int height, int width, int in_side, int out_side, uint64_t key)
{
    size_t pixels = (size_t)height * width;
    uint8_t *mask = malloc(pixels), *data = malloc(pixels);
    const float class_weights[3] = {1, 2, 3};
    for (size_t i = 0; i < pixels; i++) {
        uint32_t draw = un_rng_below(5, i, 4);
        mask[i] = draw == 3 ? UNET_IGNORE : (uint8_t)draw;
        data[i] = mask[i];
    }
    unet_image image = {height, width, 1, UNET_U8, 1, data};
    struct un_reading reading = un_reading_of(un_view_of(&image), 1, NULL);
    unet_augment augment = {.flip = 1};
    struct un_tile tile = {in_side,
                           out_side,
                           malloc((size_t)in_side * in_side * sizeof(float)),
                           malloc((size_t)out_side * out_side),
                           malloc((size_t)out_side * out_side * sizeof(float)),
                           NULL};
    un_tile_draw(
        &(struct un_example){.reading = &reading, .mask = mask, .class_weights = class_weights},
        &augment, key, &tile);
    int border = (in_side - out_side) / 2;
    for (int y = 0; y < out_side; y++)
        for (int x = 0; x < out_side; x++) {
            float in = tile.input[(size_t)(y + border) * in_side + x + border];
            uint8_t label = tile.labels[(size_t)y * out_side + x];
            float weight = tile.weights[(size_t)y * out_side + x];
            if (in != label || weight != (label == UNET_IGNORE ? 0 : class_weights[label]))
                fail_msg("image %d x %d, tile %d -> %d, key %d: at %d, %d the input shows %g, the "
                         "label is %d, its weight %g",
                         height, width, in_side, out_side, (int)key, y, x, (double)in, label,
                         (double)weight);
        }
    free(mask);
    free(data);
    free(tile.input);
    free(tile.labels);
    free(tile.weights);
}

static void test_labels_lie_on_their_pixels(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < 40; key++) {
        check_tile(61, 90, 44, 4, key);
        check_tile(30, 31, 48, 8, key); /* the input reaches beyond the image */
        check_tile(5, 7, 32, 32, key);  /* the image is smaller than the tile */
        check_tile(64, 64, 64, 64, key);
    }
}

/* With turns and zooms in between, a smooth picture still lies under its labels. */
static void test_resampling_keeps_places(void **state)
{
    enum { SIDE = 80, TILE = 40 };
    static uint8_t mask[SIDE * SIDE];
    static float data[SIDE * SIDE], input[TILE * TILE], weights[TILE * TILE];
    static uint8_t labels[TILE * TILE];
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) {
        mask[i] = (uint8_t)(i / SIDE + i % SIDE); /* a ramp, 0..158 */
        data[i] = mask[i];
    }
    unet_image image = {SIDE, SIDE, 1, UNET_F32, 1, data};
    struct un_reading reading = un_reading_of(un_view_of(&image), 1, NULL);
    unet_augment augment = {.flip = 1, .rotate = 30, .scale = 0.2f};
    struct un_tile tile = {TILE, TILE, input, labels, weights, NULL};
    for (uint64_t key = 0; key < 50; key++) {
        un_tile_draw(&(struct un_example){.reading = &reading, .mask = mask}, &augment, key, &tile);
        for (int i = 0; i < TILE * TILE; i++)
            if (fabs((double)input[i] - labels[i]) > 1.5) /* nearest: half a pixel each way */
                fail_msg("key %d: pixel %d: input %g, label %d", (int)key, i, (double)input[i],
                         labels[i]);
    }
}

/* A dark image is shaded as much as a bright one: ten times the grey gives ten times the tile. */
static void test_shading_is_relative(void **state)
{
    enum { SIDE = 40 };
    static float dark[SIDE * SIDE], bright[SIDE * SIDE], tiles[2][SIDE * SIDE];
    static float weights[SIDE * SIDE];
    static uint8_t mask[SIDE * SIDE], labels[SIDE * SIDE];
    const unet_augment augment = {.flip = 1, .grey = 1};
    double change = 0;
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) {
        dark[i] = 0.01f + 0.05f * un_rng_uniform(8, (uint64_t)i);
        bright[i] = 10 * dark[i];
    }
    for (uint64_t key = 0; key < 20; key++) {
        for (int t = 0; t < 2; t++) {
            unet_image image = {SIDE, SIDE, 1, UNET_F32, 1, t ? bright : dark};
            struct un_reading reading = un_reading_of(un_view_of(&image), 1, NULL);
            struct un_tile tile = {SIDE, SIDE, tiles[t], labels, weights, NULL};
            un_tile_draw(&(struct un_example){.reading = &reading, .mask = mask}, &augment, key,
                         &tile);
        }
        for (int i = 0; i < SIDE * SIDE; i++)
            if (fabs(tiles[1][i] - 10 * (double)tiles[0][i]) > 1e-4)
                fail_msg("key %d, pixel %d: %g of the dark image, %g of the bright one", (int)key,
                         i, (double)tiles[0][i], (double)tiles[1][i]);
        change += fabs((double)tiles[0][0] - (double)dark[0]);
    }
    assert_true(change > 0.01); /* and it is shaded at all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirror),
        cmocka_unit_test(test_labels_lie_on_their_pixels),
        cmocka_unit_test(test_resampling_keeps_places),
        cmocka_unit_test(test_shading_is_relative),
    };
    return cmocka_run_group_tests_name("tiles", tests, NULL, NULL);
}
