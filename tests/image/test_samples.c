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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_predict),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
