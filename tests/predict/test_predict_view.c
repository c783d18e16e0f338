/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_predict_view.c - samples that are predicted where they lie have the bits of an image; a stop
 * from another thread; notes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "image/samples.h"
#include "model/model.h"
#include "support/folder.h"
#include "support/strided.h"

enum { H = 37, W = 45, PIXELS = H * W };

static unet_model *made_model(int channels, unet_norm norm)
{
    unet_spec spec = unet_spec_default();
    unet_model *model;
    unet_error err;
    spec.in_channels = channels;
    spec.width = 4;
    spec.depth = 2;
    spec.padding = UNET_PADDING_SAME;
    spec.norm = norm;
    if (unet_model_create(&spec, 5, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static unet_session *made_session(const unet_model *model, unet_session_options options)
{
    unet_session *session;
    unet_error err;
    if (unet_session_create(model, &options, &session, &err))
        fail_msg("%s", err.text);
    return session;
}

/* grey: all channels of a pixel are equal. */
static unet_image made_image(int channels, unet_sample sample, bool grey)
{
    unet_image image = {H, W, channels, sample, 0, NULL};
    const size_t n = (size_t)PIXELS * (size_t)channels;
    image.data = malloc(n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = un_rng_bits(9, grey ? i / (size_t)channels : i);
        if (sample == UNET_U8)
            ((uint8_t *)image.data)[i] = (uint8_t)bits;
        else if (sample == UNET_U16)
            ((uint16_t *)image.data)[i] = (uint16_t)bits;
        else
            ((float *)image.data)[i] = (float)(bits & 0xffff) / 65536;
    }
    return image;
}

static void expect_same_bits(unet_session *session, const unet_image *image, const char *what)
{
    static float want[2 * PIXELS], got[2 * PIXELS];
    static uint8_t want_mask[PIXELS], mask[PIXELS];
    const unet_answers wanted = {.mask = want_mask, .logits = want};
    const unet_answers answers = {.mask = mask, .logits = got};
    unet_error err;
    if (unet_predict_all(session, image, &wanted, &err))
        fail_msg("%s: %s", what, err.text);
    for (int layout = 0; layout < STRIDED_LAYOUTS; layout++) {
        struct strided s = strided_make(image, layout);
        memset(got, 0xff, sizeof got);
        if (unet_predict_view(session, &s.view, &answers, &err))
            fail_msg("%s, %s: %s", what, strided_names[layout], err.text);
        if (memcmp(want, got, sizeof want) || memcmp(want_mask, mask, sizeof mask))
            fail_msg("%s, %s: other bits than from an image", what, strided_names[layout]);
        free(s.memory);
    }
    const unet_view whole = unet_view_of(image);
    assert_int_equal(unet_predict_view(session, &whole, &answers, &err), UNET_OK);
    assert_memory_equal(want, got, sizeof want);
}

static void test_same_bits(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2)
        for (int sample = UNET_U8; sample <= UNET_F32; sample++) {
            unet_model *model = made_model(channels, UNET_NORM_BATCH);
            unet_image image = made_image(channels, (unet_sample)sample, false);
            unet_session *session =
                made_session(model, (unet_session_options){.tile = sample == UNET_U16 ? 0 : 16});
            expect_same_bits(session, &image, "tiles");
            model->scaling.per_image = true;
            expect_same_bits(session, &image, "each image by itself");
            unet_session_free(session);
            unet_model_free(model);
            unet_image_release(&image);
        }
}

/* Views of tiles that are averaged, a network that sees whole images, grey in three channels. */
static void test_other_ways(void **state)
{
    (void)state;
    unet_model *model = made_model(1, UNET_NORM_INSTANCE);
    unet_image image = made_image(3, UNET_U16, true), color = made_image(3, UNET_U8, false);
    unet_session *session = made_session(model, (unet_session_options){.tta = UNET_TTA_ROTATIONS});
    expect_same_bits(session, &image, "averaged");
    uint8_t mask[PIXELS];
    unet_error err;
    const unet_view view = unet_view_of(&color);
    assert_int_equal(unet_predict_view(session, &view, &(unet_answers){.mask = mask}, &err),
                     UNET_EINVAL);
    assert_string_equal(err.text, "3 channels (in colour), the model takes 1");
    unet_session_free(session);
    unet_model_free(model);
    unet_image_release(&image);
    unet_image_release(&color);
}

static void test_refused(void **state)
{
    (void)state;
    unet_model *model = made_model(1, UNET_NORM_NONE);
    unet_session *session = made_session(model, (unet_session_options){.tile = 16});
    unet_image image = made_image(1, UNET_F32, false);
    unet_view view = unet_view_of(&image);
    uint8_t mask[PIXELS];
    const unet_answers answers = {.mask = mask};
    unet_error err;
    assert_int_equal(unet_predict_view(NULL, &view, &answers, &err), UNET_EINVAL);
    assert_int_equal(unet_predict_view(session, NULL, &answers, &err), UNET_EINVAL);
    assert_int_equal(unet_predict_view(session, &view, NULL, &err), UNET_EINVAL);
    assert_int_equal(unet_predict_view(session, &view, &(unet_answers){0}, &err), UNET_EINVAL);
    view.column = 0;
    assert_int_equal(unet_predict_view(session, &view, &answers, &err), UNET_EINVAL);
    assert_string_equal(err.text, "a stride of 0 between 45 columns; bytes from one to the next "
                                  "wanted");
    view = unet_view_of(&image);
    view.sample = UNET_U32;
    assert_int_equal(unet_predict_view(session, &view, &answers, &err), UNET_EINVAL);
    view = unet_view_of(NULL);
    assert_int_equal(unet_predict_view(session, &view, &answers, &err), UNET_EINVAL);
    assert_string_equal(err.text, "data is NULL");
    view = unet_view_of(&image);
    ((float *)image.data)[W + 3] = INFINITY;
    assert_int_equal(unet_predict_view(session, &view, &answers, &err), UNET_EINVAL);
    assert_string_equal(err.text, "an infinite value in row 1, column 3; finite values wanted");
    unet_session_free(session);
    unet_model_free(model);
    unet_image_release(&image);
}

/* ---- a stop from another thread ---------------------------------------------------------- */

static unet_cancel cancel;
static pthread_barrier_t begun;

static void *set_cancel(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&begun);
    unet_cancel_set(&cancel);
    return NULL;
}

/* Lets the other thread go on after the first tile. */
static int at_tile(void *context, double share)
{
    (void)share;
    if (++*(int *)context == 1)
        pthread_barrier_wait(&begun);
    return 0;
}

static unet_code band_seen(void *context, const unet_band *band, unet_error *err)
{
    (void)context;
    (void)band;
    (void)err;
    return UNET_OK;
}

/* The prediction is repeated until the other thread has been heard; the session is as good as new
 * then. */
static void test_cancel(void **state)
{
    (void)state;
    unet_model *model = made_model(1, UNET_NORM_BATCH);
    unet_image image = made_image(1, UNET_U8, false);
    unet_view view = unet_view_of(&image);
    unet_session *session = made_session(
        model, (unet_session_options){.tile = 16, .tta = UNET_TTA_FLIPS, .cancel = &cancel});
    uint8_t mask[PIXELS], want[PIXELS];
    int tiles = 0;
    unet_answers answers = {.mask = want};
    pthread_t other;
    unet_error err = {0};
    unet_code code;
    unet_cancel_init(&cancel);
    if (unet_predict_view(session, &view, &answers, &err))
        fail_msg("%s", err.text);
    answers = (unet_answers){.mask = mask, .progress = at_tile, .context = &tiles};
    pthread_barrier_init(&begun, NULL, 2);
    pthread_create(&other, NULL, set_cancel, NULL);
    for (int i = 0; !(code = unet_predict_view(session, &view, &answers, &err)) && i < 10000; i++)
        ;
    pthread_join(other, NULL);
    pthread_barrier_destroy(&begun);
    assert_int_equal(code, UNET_ESTOPPED);
    assert_string_equal(err.text, "stopped");

    /* it stays set, for files, too, and before the first tile */
    unet_source *source;
    const unet_stream stream = {.mask = 1, .band = band_seen};
    tiles = 0;
    assert_int_equal(unet_image_write(in_folder("a.png"), &image, &err), UNET_OK);
    assert_int_equal(unet_source_open(in_folder("a.png"), &source, &err), UNET_OK);
    assert_int_equal(unet_predict_stream(session, source, 0, &stream, &err), UNET_ESTOPPED);
    assert_int_equal(unet_predict_view(session, &view, &answers, &err), UNET_ESTOPPED);
    assert_int_equal(tiles, 0);
    unet_cancel_init(&cancel);
    assert_int_equal(unet_predict_stream(session, source, 0, &stream, &err), UNET_OK);
    tiles = 1;
    assert_int_equal(unet_predict_view(session, &view, &answers, &err), UNET_OK);
    assert_memory_equal(mask, want, sizeof mask);
    unet_source_close(source);
    unet_session_free(session);
    unet_model_free(model);
    unet_image_release(&image);
}

/* ---- notes ------------------------------------------------------------------------------- */

static void keep_note(void *context, unet_severity severity, const char *text)
{
    assert_int_equal(severity, UNET_WARNING);
    snprintf(context, 200, "%s", text);
}

static void test_note(void **state)
{
    (void)state;
    unet_model *model = made_model(1, UNET_NORM_NONE);
    unet_image image = made_image(1, UNET_U8, false);
    char text[200] = "";
    const unet_log log = {keep_note, text};
    unet_session *session =
        made_session(model, (unet_session_options){.any_samples = 1, .log = &log});
    uint8_t mask[PIXELS];
    assert_int_equal(unet_predict(session, &image, mask, NULL), UNET_OK);
    assert_string_equal(text, "");
    model->scaling.trained_on = UN_SAMPLES_U16;
    assert_int_equal(unet_predict(session, &image, mask, NULL), UNET_OK);
    assert_string_equal(text, "8-bit samples, the model was trained on 16-bit samples");
    unet_session_free(session);
    unet_model_free(model);
    unet_image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_other_ways),
        cmocka_unit_test(test_refused),
        cmocka_unit_test_setup_teardown(test_cancel, folder_create, folder_destroy),
        cmocka_unit_test(test_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
