/* SPDX-License-Identifier: Apache-2.0 */
/* test_values.c - images whose values, or pixels, are unlike those of a model's training */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/samples.h"
#include "sample_models.h"

/* A model that knows the values of blobs, and of which the metadata have been through a file. */
static unet_model *make_seeing(void)
{
    unet_model *model = make_model((struct un_scaling){.trained_on = UN_SAMPLES_F32}), *back;
    float pixels[64 * 64];
    unet_error err;
    for (int i = 0; i < 4; i++) {
        unet_image image = float_image(pixels);
        struct un_values values;
        draw_blobs(pixels, i, 0.16f, 0.45f, 0.05f);
        const struct un_reading reading = un_reading_of(un_view_of(&image), 1, NULL);
        if (un_values_of(&reading, &values, &err))
            fail_msg("%s", err.text);
        values.size = (struct un_size){UN_SIZE_LENGTH, 0.5f};
        un_seen_add(&model->seen, &values);
    }
    char *text = un_metadata_text(model);
    back = calloc(1, sizeof *back);
    if (!text || !back || un_metadata_parse("m", text, back, &err))
        fail_msg("%s", text ? err.text : "no metadata");
    assert_int_equal(back->seen.images, 4);
    assert_memory_equal(&back->seen, &model->seen, sizeof back->seen);
    free(text);
    unet_model_free(model);
    return back;
}

static void test_values(void **state)
{
    static const struct {
        const char *what;
        float dark, bright, deep, offset, factor;
        int far;
        const char *said;
    } rows[] = {
        {"another image", 0.16f, 0.45f, 0.05f, 0, 1, 0, ""},
        {"somewhat darker", 0.14f, 0.41f, 0.05f, 0, 1, 0, ""},
        {"no blobs", 0.16f, 0.16f, 0.05f, 0, 1, 0, ""},
        {"0 to 255", 0.16f, 0.45f, 0.05f, 0, 255, 1, "; divided by 255 they would fit"},
        {"a quarter", 0.16f, 0.45f, 0.05f, 0, 0.25f, 1, "; multiplied by 4 they would fit"},
        {"12 bits in 16", 0.16f, 0.45f, 0.05f, 0, 0.0625f, 1, "; multiplied by 16 they"},
        {"brighter by as much", 0.56f, 1.0f, 0.12f, 0, 1, 1, "in the training"},
        {"an offset", 0.16f, 0.45f, 0.05f, -32768, 4095, 1, "values of -32"},
        {"inverted", 0.45f, 0.16f, 0.05f, 0, 1, 1, "; they look inverted"},
    };
    (void)state;
    unet_model *model = make_seeing();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float pixels[64 * 64];
        const unet_image image = float_image(pixels);
        double far = -1;
        char text[200];
        unet_error err;
        draw_blobs(pixels, 9, rows[i].dark, rows[i].bright, rows[i].deep);
        for (int k = 0; k < 64 * 64; k++)
            pixels[k] = pixels[k] * rows[i].factor + rows[i].offset;
        if (unet_model_check_values(model, &image, &far, text, sizeof text, &err))
            fail_msg("%s: %s", rows[i].what, err.text);
        if ((far >= 1) != rows[i].far || (rows[i].far ? !strstr(text, rows[i].said) : *text))
            fail_msg("%s: distance %g, \"%s\"", rows[i].what, far, text);
        if (*rows[i].said != ';' && strchr(text, ';'))
            fail_msg("%s: \"%s\", no way wanted", rows[i].what, text);
        assert_int_equal(unet_model_check_values(model, &image, &far, NULL, 0, &err), UNET_OK);
    }
    unet_model_free(model);
}

/* A field that no image of the training had, below, above, and of samples that are all fill. */
static void test_field(void **state)
{
    static const struct {
        const char *what, *said;
        float value;
        int rows; /* of 64 that have it */
        bool is_fill;
    } rows[] = {
        {"below", "pixels are exactly 0, ", 0, 16, false},
        {"above", "give 3 as its fill", 3, 16, false},
        {"told as fill", "", 3, 16, true},
        {"a line", "", 0.09f, 1, false},
        {"none", "", 0, 0, false},
    };
    (void)state;
    unet_model *model = make_seeing();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float pixels[64 * 64];
        const unet_image image = float_image(pixels);
        double far = -1;
        char text[300];
        unet_error err;
        draw_blobs(pixels, 9, 0.16f, 0.45f, 0.05f);
        for (int k = 0; k < 64 * rows[i].rows; k++)
            pixels[k] = rows[i].value;
        model->scaling.fill = (struct un_fill){rows[i].is_fill, rows[i].value};
        if (unet_model_check_values(model, &image, &far, text, sizeof text, &err))
            fail_msg("%s: %s", rows[i].what, err.text);
        if ((far >= 1) != (*rows[i].said != 0) || !strstr(text, rows[i].said))
            fail_msg("%s: distance %g, \"%s\"", rows[i].what, far, text);
    }
    unet_model_free(model);
}

/* Pixels of another size than the training's, and of a set that has several. */
static void test_pixel_sizes(void **state)
{
    static const struct {
        struct un_size size;
        const char *said, *of_set; /* alone; beside one of 0.5 um */
    } rows[] = {
        {{UN_SIZE_NONE, 0}, "", ""},
        {{UN_SIZE_LENGTH, 0.55f}, "", ""},
        {{UN_SIZE_LENGTH, 1}, "pixels of 1 um by its header, in the training 0.5 um", "1 um in b"},
        {{UN_SIZE_LENGTH, 0.25f}, "2 times as large as there", "0.25 um in b, 0.5 um in a"},
        {{UN_SIZE_MAP, 10}, "", ""},
    };
    (void)state;
    unet_model *model = make_seeing();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_values values = {.channels = 1, .scale = 1, .size = rows[i].size};
        struct un_sizes sizes = {0};
        char text[300];
        for (int k = 0; k < UN_VALUES; k++)
            values.at[k][0] = model->seen.least[k][0];
        const double far = un_values_distance(&model->seen, &values, false, text, sizeof text);
        if ((far >= 1) != (*rows[i].said != 0) || !strstr(text, rows[i].said))
            fail_msg("row %zu: distance %g, \"%s\"", i, far, text);
        un_sizes_add(&sizes, (struct un_size){UN_SIZE_LENGTH, 0.5f}, "a");
        un_sizes_add(&sizes, rows[i].size, "b");
        un_sizes_text(&sizes, text, sizeof text);
        if (!*text != !*rows[i].of_set || !strstr(text, rows[i].of_set))
            fail_msg("row %zu: of a set \"%s\"", i, text);
    }
    unet_model_free(model);
}

/* A model of the other mind: it brings images to mean 0 and variance 1, but not what is prepared.
 */
static void test_prepared(void **state)
{
    static const struct {
        float mean, deep;
        int prepared, far;
    } rows[] = {{0, 1.58f, 1, 0}, {0.5f, 0.3f, 1, 1}, {120, 40, 1, 1}, {120, 40, 0, 0}};
    (void)state;
    unet_model *model = make_model((struct un_scaling){.per_image = true});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float pixels[64 * 64];
        unet_image image = float_image(pixels);
        double far = -1;
        char text[200];
        image.prepared = rows[i].prepared;
        draw_blobs(pixels, 1, rows[i].mean, rows[i].mean, rows[i].deep);
        assert_int_equal(unet_model_check_values(model, &image, &far, text, sizeof text, NULL),
                         UNET_OK);
        if ((far >= 1) != rows[i].far || !strstr(text, "the model takes mean 0") != !rows[i].far)
            fail_msg("row %zu: distance %g, \"%s\"", i, far, text);
    }
    unet_model_free(model);
}

/* A model that does not know its training says so. */
static void test_unknown(void **state)
{
    (void)state;
    unet_model *model = make_model((struct un_scaling){0});
    float pixels[64 * 64];
    const unet_image image = float_image(pixels);
    double far = 0;
    char text[40];
    draw_blobs(pixels, 1, 0.2f, 0.5f, 0.1f);
    assert_int_equal(unet_model_check_values(model, &image, &far, text, sizeof text, NULL),
                     UNET_OK);
    assert_true(far == -1);
    assert_string_equal(text, "");
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_field),    cmocka_unit_test(test_pixel_sizes),
        cmocka_unit_test(test_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
