/* SPDX-License-Identifier: Apache-2.0 */
/* Images whose samples are of another type than those of a model's training. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/set/dataset.h"
#include "image/fill.h"
#include "image/samples.h"
#include "sample_models.h"
#include "unet_embed.h"
#include "unet_train.h"

enum { SIDE = 16 };

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
        /* of another program's file: nothing is known but that it scales its input itself */
        {{DEEP}, {NULL, NULL, NULL, "without this model's own scaling, (x - 110) * 0.000256"}},
        {{.trained_on = UN_SAMPLES_U8}, {NULL, on8, "32-bit samples, the model was", NULL}},
        {{DEEP, .trained_on = UN_SAMPLES_U16}, {on16, NULL, "32-bit samples, the model was", NULL}},
        {{DEEP, .trained_on = UN_SAMPLES_U8 | UN_SAMPLES_U16},
         {NULL, NULL, "trained on 8-bit or 16-bit samples (110 to 4012)", NULL}},
        {{DEEP, .trained_on = UN_SAMPLES_F32},
         {"on float, signed or 32-bit samples (110", "16-bit", NULL, NULL}},
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

/* ---- fill -------------------------------------------------------------------------------- */

static void test_fill_found(void **state)
{
    static const struct {
        const char *what;
        float low, high, fill; /* the values go from low to high */
        int share;             /* of fill: one in so many; 0: none */
        unet_sample sample;
        bool found;
    } rows[] = {
        {"CT", -1000, 900, -32768, 3, UNET_F32, true},
        {"CT, another scanner", -1000, 1900, -3024, 3, UNET_F32, true},
        {"a map", 0, 1, -9999, 20, UNET_F32, true},
        {"above", 0, 1, 1e20f, 20, UNET_F32, true},
        {"0 under an offset", 30000, 30150, 0, 3, UNET_U16, true},
        {"black where nothing is", 100, 4000, 0, 3, UNET_U16, false},
        {"a bright disc", 0, 200, 255, 3, UNET_F32, false},
        {"few broken pixels", 0, 1, -9999, 1000, UNET_F32, false},
        {"8 bits", 200, 210, 0, 3, UNET_U8, false},
        {"nothing", 0, 1, 0, 0, UNET_F32, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float real[64 * 64];
        uint16_t deep[64 * 64];
        uint8_t flat[64 * 64];
        for (int k = 0; k < 64 * 64; k++) {
            const float share = (float)(k * 37 % 4096) / 4095;
            real[k] = rows[i].share && k % rows[i].share == 0
                          ? rows[i].fill
                          : rows[i].low + share * (rows[i].high - rows[i].low);
            deep[k] = rows[i].sample == UNET_U16 ? (uint16_t)real[k] : 0;
            flat[k] = rows[i].sample == UNET_U8 ? (uint8_t)real[k] : 0;
        }
        void *const data[] = {flat, deep, real};
        const unet_image image = {64, 64, 1, rows[i].sample, 0, data[rows[i].sample]};
        const struct un_fill found = un_fill_find(&image);
        if (found.set != rows[i].found || (found.set && found.value != rows[i].fill))
            fail_msg("%s: %s, %g", rows[i].what, found.set ? "found" : "not found",
                     (double)found.value);
    }
}

/* The network sees 0 where the fill is, and everywhere else the same bits as without. */
static void test_fill_read(void **state)
{
    static const float fills[] = {-9999, NAN};
    (void)state;
    for (int way = 0; way < 4; way++) {
        const bool per_image = way & 1;
        const float fill = fills[way / 2];
        float with[64 * 64], without[64 * 64], seen[2][64 * 64];
        draw_blobs(without, way, 10, 20, 3);
        memcpy(with, without, sizeof with);
        for (int k = 0; k < 64 * 64; k += 3)
            with[k] = fill;
        const unet_image images[2] = {float_image(with), float_image(without)};
        struct un_scaling scaling = {.set = true, .offset = 10, .scale = 0.1f};
        scaling.per_image = per_image;
        for (int k = 0; k < 2; k++) {
            scaling.fill = (struct un_fill){k == 0, fill};
            const struct un_reading r = un_reading_of(un_view_of(&images[k]), 1, &scaling);
            un_tile_read(&r, 0, 0, 64, 64, seen[k]);
        }
        double sum = 0;
        for (int k = 0; k < 64 * 64; k++) {
            const float wanted = k % 3 ? seen[1][k] : 0;
            if (k % 3 && per_image)
                sum += (double)seen[0][k];
            if (per_image ? k % 3 == 0 && seen[0][k] != 0 : seen[0][k] != wanted)
                fail_msg("way %d, pixel %d: %g, wanted %g", way, k, (double)seen[0][k],
                         (double)wanted);
        }
        if (per_image && fabs(sum) > 1) /* the mean of the others is 0 */
            fail_msg("way %d: mean %g", way, sum / (64 * 64));
    }
}

struct plates {
    float pixels[4][64 * 64];
    uint8_t mask[64 * 64];
};

static unet_code give_plate(void *context, int i, unet_pair *pair, unet_error *err)
{
    struct plates *p = context;
    const unet_image image = float_image(p->pixels[i]);
    const unet_image mask = {64, 64, 1, UNET_U8, 0, p->mask};
    (void)err;
    pair->image = un_view_of(&image);
    pair->mask = un_view_of(&mask);
    return UNET_OK;
}

/* A set with a fill, its scaling, and the model that is trained on it, through a file. */
static void test_fill_kept(void **state)
{
    static const struct {
        float fill;
        const char *said, *kept;
    } rows[] = {{-32768, NULL, "-32768"}, {NAN, "nan", "nan"}, {12, "12", "12"}, {0, NULL, ""}};
    struct plates *p = calloc(1, sizeof *p);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_dataset_options options = {.size = sizeof options, .ignore = -1, .fill = rows[i].said};
        unet_train_options recipe = unet_train_options_default(NULL);
        unet_model *model = make_model((struct un_scaling){0}), *back = calloc(1, sizeof *back);
        unet_dataset *set;
        unet_trainer *trainer = NULL;
        unet_error err;
        char text[32];
        for (int k = 0; k < 4; k++) {
            draw_blobs(p->pixels[k], k, 100, 200, 10);
            for (int at = 0; *rows[i].kept && at < 64 * 64; at += 5)
                p->pixels[k][at] = rows[i].fill;
        }
        for (int at = 0; at < 64 * 64; at++)
            p->mask[at] = at % 2;
        if (unet_dataset_from_function(4, give_plate, p, &options, &set, &err) ||
            unet_trainer_create(model, set, &recipe, &trainer, &err))
            fail_msg("%s", err.text);
        assert_true(model->scaling.offset > 85 && model->scaling.offset < 95);
        assert_int_equal(strstr(unet_dataset_fill_text(set), "in 4 of 4 images") != NULL,
                         *rows[i].kept != 0);
        char *metadata = un_metadata_text(model);
        if (un_metadata_parse("m", metadata, back, &err))
            fail_msg("%s", err.text);
        unet_model_fill_text(back, text, sizeof text);
        assert_string_equal(text, rows[i].kept);
        assert_int_equal(strstr(metadata, "\"format\":4") != NULL, *rows[i].kept != 0);
        assert_true(back->seen.least[UN_VALUES_LOW][0] > -0.1f);
        free(metadata);
        free(back->settings);
        free(back);
        unet_trainer_free(trainer);
        unet_dataset_free(set);
        unet_model_free(model);
    }
    free(p);
}

/* Dim 8-bit images are stretched, others are not, nor by a model that knows 8-bit images. */
static void test_dim(void **state)
{
    static const struct {
        int bright;
        unsigned known;
        bool dim;
    } rows[] = {{40, 0, true}, {200, 0, false}, {40, UN_SAMPLES_U8, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_model *model = make_model((struct un_scaling){.trained_on = rows[i].known});
        unet_model *back = calloc(1, sizeof *back);
        uint8_t pixels[64 * 64], mask[64 * 64];
        struct un_sample_pair pair = {
            .image = {64, 64, 1, UNET_U8, 0, pixels}, .mask = mask, .name = (char *)"a"};
        unet_dataset set = {.pairs = &pair, .count = 1};
        unet_train_options recipe = unet_train_options_default(NULL);
        unet_trainer *trainer = NULL;
        unet_error err;
        float seen[64 * 64];
        for (int k = 0; k < 64 * 64; k++) {
            pixels[k] = (uint8_t)(k * 37 % 4096 * rows[i].bright / 4095);
            mask[k] = k % 2;
        }
        set.coding = un_model_coding(model);
        if (un_dataset_complete(&set, "masks", &err) ||
            unet_trainer_create(model, &set, &recipe, &trainer, &err))
            fail_msg("%s", err.text);
        char *metadata = un_metadata_text(model);
        if (un_metadata_parse("m", metadata, back, &err))
            fail_msg("%s", err.text);
        const struct un_reading r = un_reading_of(un_view_of(&pair.image), 1, &back->scaling);
        un_tile_read(&r, 0, 0, 64, 64, seen);
        const float last = (float)pixels[4095] / (rows[i].dim ? 40 : 255);
        if (fabsf(seen[4095] - last) > 0.03f || !strstr(metadata, "dim_scale") != !rows[i].dim)
            fail_msg("row %zu: %g, wanted %g", i, (double)seen[4095], (double)last);
        free(metadata);
        free(back->settings);
        free(back);
        unet_trainer_free(trainer);
        unet_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),     cmocka_unit_test(test_predict),
        cmocka_unit_test(test_file),      cmocka_unit_test(test_fill_found),
        cmocka_unit_test(test_fill_read), cmocka_unit_test(test_fill_kept),
        cmocka_unit_test(test_dim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
