/* SPDX-License-Identifier: Apache-2.0 */
/* Images whose samples are of another type than those of a model's training. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/samples.h"
#include "model/model.h"

enum { SIDE = 16 };

static unet_model *make_model(struct un_scaling scaling)
{
    const unet_spec spec = {
        .in_channels = 1, .classes = 2, .width = 2, .depth = 1, .padding = UNET_PADDING_SAME};
    unet_model *model;
    unet_error err;
    if (unet_model_create(&spec, 1, &model, &err))
        fail_msg("%s", err.text);
    model->trained = scaling.trained_on != 0;
    model->scaling = scaling;
    return model;
}

#define DEEP .set = true, .offset = 110, .scale = 1 / 3902.f

/* What each kind of image gets from each kind of training: NULL: it is taken. */
static void test_check(void **state)
{
    static const char on16[] =
        "8-bit samples, the model was trained on 16-bit samples (110 to 4012)";
    static const char on8[] = "16-bit samples, the model was trained on 8-bit samples";
    static const struct {
        struct un_scaling scaling;
        const char *said[4]; /* of 8-bit, 16-bit, float, prepared */
    } rows[] = {
        {{0}, {NULL, NULL, NULL, NULL}},
        {{DEEP}, {NULL, NULL, NULL, NULL}}, /* taken from another program's file: nothing known */
        {{.trained_on = UN_SAMPLES_U8}, {NULL, on8, "float samples, the model was", NULL}},
        {{DEEP, .trained_on = UN_SAMPLES_U16}, {on16, NULL, "float samples, the model was", NULL}},
        {{DEEP, .trained_on = UN_SAMPLES_U8 | UN_SAMPLES_U16},
         {NULL, NULL, "trained on 8-bit or 16-bit samples (110 to 4012)", NULL}},
        {{DEEP, .trained_on = UN_SAMPLES_F32}, {"on float samples (110", "16-bit", NULL, NULL}},
        {{.trained_on = UN_SAMPLES_PREPARED}, {"trained on prepared float", "16", "float", NULL}},
        {{.per_image = true, .trained_on = UN_SAMPLES_U16}, {NULL, NULL, NULL, NULL}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_model *model = make_model(rows[i].scaling);
        for (int k = 0; k < 4; k++) {
            const char *wanted = rows[i].said[k];
            unet_error err = {0};
            unet_code code =
                unet_model_check_samples(model, k < 3 ? (unet_sample)k : UNET_F32, k == 3, &err);
            if (code != (wanted ? UNET_EINVAL : UNET_OK) || (wanted && !strstr(err.text, wanted)))
                fail_msg("training %zu, image %d: code %d, \"%s\"; wanted \"%s\"", i, k, code,
                         err.text, wanted ? wanted : "");
        }
        unet_model_free(model);
    }
}

/* From C a picture of another type is refused, unless any is asked for; so is a page of a file, and
 * so it is by the second of two models. */
static void test_predict(void **state)
{
    unet_model *deep = make_model((struct un_scaling){DEEP, .trained_on = UN_SAMPLES_U16});
    unet_model *free_of_it = make_model((struct un_scaling){0});
    uint8_t pixels[SIDE * SIDE] = {9}, mask[SIDE * SIDE];
    uint16_t pixels16[SIDE * SIDE] = {900};
    const unet_image image = {SIDE, SIDE, 1, UNET_U8, 0, pixels};
    const unet_image fits = {SIDE, SIDE, 1, UNET_U16, 0, pixels16};
    const unet_model *others[] = {deep};
    const struct {
        const unet_model *first;
        unet_session_options options;
        unet_code code;
    } rows[] = {
        {deep, {.threads = 1}, UNET_EINVAL},
        {deep, {.threads = 1, .any_samples = 1}, UNET_OK},
        {free_of_it, {.threads = 1}, UNET_OK},
        {free_of_it, {.threads = 1, .others = others, .other_count = 1}, UNET_EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_session *session;
        unet_error err = {0};
        if (unet_session_create(rows[i].first, &rows[i].options, &session, &err))
            fail_msg("%s", err.text);
        unet_code code = unet_predict(session, &image, mask, &err);
        if (code != rows[i].code || (code && !strstr(err.text, "8-bit samples, the model was")))
            fail_msg("row %zu: code %d, wanted %d: %s", i, code, rows[i].code, err.text);
        assert_int_equal(unet_predict(session, &fits, mask, &err), UNET_OK);
        unet_session_free(session);
    }
    unet_model_free(deep);
    unet_model_free(free_of_it);
}

/* Through a file and back; and as a file of a version that did not know it is understood. */
static void test_file(void **state)
{
    static const struct {
        struct un_scaling scaling;
        unsigned without; /* the field */
    } rows[] = {
        {{DEEP, .trained_on = UN_SAMPLES_U8 | UN_SAMPLES_U16}, UN_SAMPLES_U16 | UN_SAMPLES_F32},
        {{.trained_on = UN_SAMPLES_U8}, UN_SAMPLES_U8 | UN_SAMPLES_PREPARED},
        {{.trained_on = UN_SAMPLES_PREPARED}, UN_SAMPLES_U8 | UN_SAMPLES_PREPARED},
        {{0}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_model *model = make_model(rows[i].scaling), *back = calloc(2, sizeof *back);
        char *text = un_metadata_text(model), *field = strstr(text, "\"trained_on\"");
        unet_error err;
        if (un_metadata_parse("m", text, &back[0], &err))
            fail_msg("%s", err.text);
        assert_int_equal(back[0].scaling.trained_on, rows[i].scaling.trained_on);
        assert_int_equal(field != NULL, rows[i].scaling.trained_on != 0);
        if (field)
            memcpy(field, "\"trained_by\"", 12); /* a field that nobody knows */
        if (un_metadata_parse("m", text, &back[1], &err))
            fail_msg("%s", err.text);
        assert_int_equal(back[1].scaling.trained_on, rows[i].without);
        free(text);
        free(back[0].settings);
        free(back[1].settings);
        free(back);
        unet_model_free(model);
    }
}

/* ---- values ------------------------------------------------------------------------------ */

/* Blobs of `bright` on a ground of `dark`, in waves of `deep` that differ from image to image. */
static void draw_blobs(float *pixels, int seed, float dark, float bright, float deep)
{
    enum { BIG = 64 };
    for (int y = 0; y < BIG; y++)
        for (int x = 0; x < BIG; x++) {
            const int dy = y % 32 - 10 - seed % 5, dx = x % 32 - 10 - seed % 7;
            const float wave = (float)((7 * x + 13 * y + 3 * seed) % 11 - 5) / 5;
            pixels[y * BIG + x] = (dy * dy + dx * dx < 36 ? bright : dark) + deep * wave;
        }
}

static unet_image float_image(float *pixels)
{
    return (unet_image){64, 64, 1, UNET_F32, 0, pixels};
}

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
        assert_int_equal(unet_model_check_values(model, &image, &far, NULL, 0, &err), UNET_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),  cmocka_unit_test(test_predict),  cmocka_unit_test(test_file),
        cmocka_unit_test(test_values), cmocka_unit_test(test_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
