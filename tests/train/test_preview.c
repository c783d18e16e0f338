/* SPDX-License-Identifier: Apache-2.0 */
/* unet_augment_draw(): what a person looks at is what training draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/dataset.h"
#include "support/folder.h"
#include "unet_train.h"

enum { SIDE = 24, IMAGE = 40 };

static unet_dataset *make_set(void)
{
    static uint8_t grey[IMAGE * IMAGE], classes[IMAGE * IMAGE];
    unet_dataset *set = NULL;
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < IMAGE * IMAGE; i++) {
            classes[i] = i % IMAGE / 4 % 2 && i / IMAGE > 4 + k; /* bars, 4 pixels apart */
            grey[i] = (uint8_t)(20 + 100 * classes[i] + i % 7);
        }
        unet_image image = {IMAGE, IMAGE, 1, UNET_U8, 0, grey};
        unet_image mask = {IMAGE, IMAGE, 1, UNET_U8, 0, classes};
        char name[16];
        sprintf(name, "i/%d.png", k);
        assert_int_equal(unet_image_write(in_folder(name), &image, NULL), UNET_OK);
        name[0] = 'm';
        assert_int_equal(unet_image_write(in_folder(name), &mask, NULL), UNET_OK);
    }
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), NULL, &set, NULL), UNET_OK);
    return set;
}

static void test_draw(void **state)
{
    (void)state;
    unet_dataset *set = make_set();
    unet_spec spec = unet_spec_default();
    unet_train_options options = unet_train_options_default(&spec);
    unet_image tile[3] = {{0}};
    uint8_t labels[3][SIDE * SIDE];
    float weights[3][SIDE * SIDE];
    int above = 0;
    options.augment = (unet_augment){.flip = 1};
    options.border = (unet_border){.weight = 10, .sigma = 5};
    for (int k = 0; k < 3; k++)
        assert_int_equal(unet_augment_draw(set, 1, &options, k == 2, SIDE, &tile[k], labels[k],
                                           weights[k], NULL),
                         UNET_OK);
    assert_memory_equal(tile[0].data, tile[1].data, SIDE * SIDE * sizeof(float));
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
    assert_memory_not_equal(tile[0].data, tile[2].data, SIDE * SIDE * sizeof(float));
    for (int i = 0; i < SIDE * SIDE; i++) {
        float v = ((const float *)tile[0].data)[i] * 255;
        /* bars of 4 pixels: d1 + d2 = 5 between two of them, 1 + 10 exp(-25 / 50) = 7.065 */
        if ((v > 110) != labels[0][i] || (labels[0][i] && weights[0][i] != 1) ||
            weights[0][i] > 7.0654f || weights[0][i] < 1)
            fail_msg("pixel %d: value %g, label %d, weight %g", i, (double)v, labels[0][i],
                     (double)weights[0][i]);
        above += weights[0][i] > 7.065f;
    }
    assert_true(above > 20);
    for (int k = 0; k < 3; k++)
        unet_image_release(&tile[k]);
    assert_int_equal(unet_augment_draw(set, 0, &options, 0, SIDE, &tile[0], NULL, NULL, NULL),
                     UNET_OK);
    unet_image_release(&tile[0]);
    unet_dataset_free(set);
}

static void test_refusals(void **state)
{
    (void)state;
    unet_dataset *set = make_set();
    unet_spec spec = unet_spec_default();
    unet_train_options options = unet_train_options_default(&spec), wrong = options;
    unet_image tile = {0};
    static const int places[][2] = {{-1, 8}, {2, 8}, {0, 0}, {0, 1 << 15}};
    for (size_t r = 0; r < sizeof places / sizeof *places; r++)
        assert_int_equal(unet_augment_draw(set, places[r][0], &options, 0, places[r][1], &tile,
                                           NULL, NULL, NULL),
                         UNET_EINVAL);
    wrong.augment.rotate = -1;
    assert_int_equal(unet_augment_draw(set, 0, &wrong, 0, 8, &tile, NULL, NULL, NULL), UNET_EINVAL);
    assert_int_equal(unet_augment_draw(NULL, 0, &options, 0, 8, &tile, NULL, NULL, NULL),
                     UNET_EINVAL);
    assert_null(tile.data);
    unet_dataset_free(set);
}

/* Each argument that an overlay needs is missed by name. */
static void test_overlay_refusals(void **state)
{
    static uint8_t pixels[4] = {0, 60, 120, 180}, mask[4], rgb[12];
    static const uint8_t colors[2][3] = {{0, 0, 0}, {255, 0, 0}};
    static const char *const names[] = {"image", "mask", "colors", "range", "rgb"};
    const unet_image image = {2, 2, 1, UNET_U8, 0, pixels};
    const float range[2] = {0, 255};
    (void)state;
    for (int missing = 0; missing < 6; missing++) {
        unet_error err = {0};
        unet_code code =
            unet_overlay_rows(missing == 0 ? NULL : &image, missing == 1 ? NULL : mask, NULL, NULL,
                              missing == 2 ? NULL : colors, 2, 0.5f, missing == 3 ? NULL : range,
                              missing == 4 ? NULL : rgb, &err);
        char want[40] = "";
        if (missing < 5)
            snprintf(want, sizeof want, "%s is NULL", names[missing]);
        if (code != (missing < 5 ? UNET_EINVAL : UNET_OK) || strcmp(err.text, want))
            fail_msg("code %d: '%s', wanted '%s'", (int)code, err.text, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_draw, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_refusals, folder_create, folder_destroy),
        cmocka_unit_test(test_overlay_refusals),
    };
    return cmocka_run_group_tests_name("preview", tests, NULL, NULL);
}
