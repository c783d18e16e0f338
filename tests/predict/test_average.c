/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_average.c - several models in one session: the average of their probabilities, in memory and
 * from a file, with views, blended tiles and whole images; the memory that is promised; models that
 * do not go together
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "model/model.h"
#include "predict/session.h"
#include "support/folder.h"
#include "unet.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

enum { H = 75, W = 58 };

struct kind {
    const char *name;
    unet_padding padding;
    unet_norm norm;
    int depth, classes;
    unet_tta tta;
    int tile;
};

static const struct kind kinds[] = {
    {"padded", UNET_PADDING_SAME, UNET_NORM_BATCH, 2, 3, UNET_TTA_NONE, 24},
    {"unpadded", UNET_PADDING_VALID, UNET_NORM_NONE, 3, 2, UNET_TTA_NONE, 16},
    {"one class", UNET_PADDING_SAME, UNET_NORM_NONE, 2, 1, UNET_TTA_NONE, 0},
    {"views", UNET_PADDING_VALID, UNET_NORM_NONE, 2, 2, UNET_TTA_ROTATIONS, 32},
    {"whole", UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, 3, UNET_TTA_NONE, 0},
    {"whole views", UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, 2, UNET_TTA_FLIPS, 0},
};

/* Members differ in width, weights, and how they read an image. */
static unet_model *make_member(const struct kind *kind, int number)
{
    unet_spec spec = unet_spec_default();
    unet_model *model;
    unet_error err;
    spec.in_channels = 1;
    spec.classes = kind->classes;
    spec.width = 3 + number;
    spec.depth = kind->depth;
    spec.padding = kind->padding;
    spec.norm = kind->norm;
    if (unet_model_create(&spec, 11 + (uint64_t)number, &model, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < model->graph.values; i++)
        model->values[i] += 0.1f * (un_rng_uniform(3 + (uint64_t)number, i) - 0.4f);
    model->scaling = (struct un_scaling){.set = true,
                                         .per_image = number == 2,
                                         .offset = 900.f * (float)number,
                                         .scale = 1 / 4000.f};
    return model;
}

static unet_image make_image(void)
{
    unet_image image = {H, W, 1, UNET_U16, 0, NULL};
    uint16_t *data = image.data = malloc(H * W * sizeof *data);
    for (size_t i = 0; i < H * W; i++)
        data[i] = (uint16_t)(3000 + 2500 * un_rng_uniform(9, i) + 1500 * sin((double)i / 900));
    return image;
}

static void predict(const unet_model *model, const unet_session_options *options,
                    const unet_image *image, const unet_answers *answers)
{
    unet_session *session;
    unet_error err;
    if (unet_session_create(model, options, &session, &err) ||
        unet_predict_all(session, image, answers, &err))
        fail_msg("%s", err.text);
    unet_session_free(session);
}

static float *probabilities_of(const struct kind *kind, const unet_model *model,
                               const unet_model *const *others, int count, const unet_image *image)
{
    float *p = malloc((size_t)kind->classes * H * W * sizeof *p);
    const unet_session_options options = {
        .threads = 1, .tile = kind->tile, .tta = kind->tta, .others = others, .other_count = count};
    predict(model, &options, image, &(unet_answers){.probabilities = p});
    return p;
}

static void expect_near(const char *name, const char *what, const float *got, const double *want,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= 1e-6))
            fail_msg("%s, %s: value %zu is %.9g, wanted %.9g", name, what, i, (double)got[i],
                     want[i]);
}

/* Three models together give the mean of what each gives alone, one twice what it gives once; masks
 * and logits go with the probabilities. */
static void test_mean(void **state)
{
    (void)state;
    unet_image image = make_image();
    for (size_t r = 0; r < COUNT(kinds); r++) {
        const struct kind *kind = &kinds[r];
        const size_t n = (size_t)kind->classes * H * W;
        unet_model *models[3];
        double *mean = calloc(n, sizeof *mean), *single = calloc(n, sizeof *single);
        for (int m = 0; m < 3; m++) {
            models[m] = make_member(kind, m);
            float *one = probabilities_of(kind, models[m], NULL, 0, &image);
            double spread = 0;
            for (size_t i = 0; i < n; i++) {
                spread = fmax(spread, fabs((double)one[i] - single[i]));
                single[i] = m == 0 ? (double)one[i] : single[i];
                mean[i] += (double)one[i] / 3;
            }
            assert_true(spread > 0.01); /* else the test could not fail */
            free(one);
        }
        const unet_model *const others[2] = {models[1], models[2]};
        const unet_model *const same[1] = {models[0]};
        float *got = probabilities_of(kind, models[0], others, 2, &image);
        expect_near(kind->name, "mean of three", got, mean, n);
        free(got);
        got = probabilities_of(kind, models[0], same, 1, &image);
        expect_near(kind->name, "one twice", got, single, n);

        float *logits = malloc(n * sizeof *logits);
        uint8_t *mask = malloc(H * W);
        const unet_session_options options = {
            .tile = kind->tile, .tta = kind->tta, .others = others, .other_count = 2};
        predict(models[0], &options, &image,
                &(unet_answers){.mask = mask, .logits = logits, .probabilities = got});
        for (size_t i = 0; i < H * W; i++) {
            size_t best = 0;
            for (size_t k = 1; k < (size_t)kind->classes; k++)
                best = logits[k * H * W + i] > logits[best * H * W + i] ? k : best;
            best = kind->classes == 1 ? logits[i] > 0 : best;
            if (mask[i] != best)
                fail_msg("%s: pixel %zu is %d, its logits say %zu", kind->name, i, mask[i], best);
            double p = kind->classes == 1 ? 1 / (1 + exp(-(double)logits[i]))
                                          : exp((double)logits[best * H * W + i]);
            size_t at = kind->classes == 1 ? i : best * H * W + i;
            if (fabs(p - mean[at]) > 2e-6)
                fail_msg("%s: pixel %zu: exp of logit %.9g, wanted %.9g", kind->name, i, p,
                         mean[at]);
        }
        free(mask);
        free(logits);
        free(got);
        free(mean);
        free(single);
        for (int m = 0; m < 3; m++)
            unet_model_free(models[m]);
    }
    unet_image_release(&image);
}

struct gathered {
    uint8_t mask[H * W];
    float *probabilities;
    int classes, next;
};

static unet_code gather(void *context, const unet_band *band, unet_error *err)
{
    struct gathered *g = context;
    size_t n = (size_t)band->rows * W, at = (size_t)band->top * W;
    (void)err;
    assert_int_equal(band->top, g->next);
    g->next += band->rows;
    memcpy(g->mask + at, band->mask, n);
    for (size_t k = 0; k < (size_t)g->classes; k++)
        memcpy(g->probabilities + k * H * W + at, band->probabilities + k * n, n * sizeof(float));
    return UNET_OK;
}

/* From a file, and with other numbers of threads, every bit is the same. */
static void test_stream_is_memory(void **state)
{
    (void)state;
    unet_image image = make_image();
    assert_int_equal(unet_image_write(in_folder("a.tif"), &image, NULL), UNET_OK);
    for (size_t r = 0; r < COUNT(kinds); r++) {
        const struct kind *kind = &kinds[r];
        const size_t n = (size_t)kind->classes * H * W;
        unet_model *models[3];
        for (int m = 0; m < 3; m++)
            models[m] = make_member(kind, m);
        const unet_model *const others[2] = {models[1], models[2]};
        unet_session_options options = {
            .threads = 1, .tile = kind->tile, .tta = kind->tta, .others = others, .other_count = 2};
        struct gathered got = {.classes = kind->classes,
                               .probabilities = malloc(n * sizeof(float))};
        float *want = malloc(n * sizeof *want);
        uint8_t mask[H * W];
        unet_session *session;
        unet_source *source = NULL;
        unet_error err;
        const unet_stream wanted = {.mask = 1, .probabilities = 1, .band = gather, .context = &got};
        predict(models[0], &options, &image, &(unet_answers){.mask = mask, .probabilities = want});
        options.threads = 3;
        if (unet_session_create(models[0], &options, &session, &err) ||
            unet_source_open(in_folder("a.tif"), &source, &err) ||
            unet_predict_stream(session, source, 0, &wanted, &err))
            fail_msg("%s: %s", kind->name, err.text);
        unet_source_close(source);
        unet_session_free(session);
        assert_int_equal(got.next, H);
        if (memcmp(got.mask, mask, sizeof mask) ||
            memcmp(got.probabilities, want, n * sizeof *want))
            fail_msg("%s: other bits from a file", kind->name);
        free(got.probabilities);
        free(want);
        for (int m = 0; m < 3; m++)
            unet_model_free(models[m]);
    }
    unet_image_release(&image);
}

/* A session of several models holds what the plan promised, the memory of all of them. */
static void test_memory(void **state)
{
    (void)state;
    const unet_page page = {.height = 3000, .width = 400, .channels = 1};
    const unet_stream wanted = {.mask = 1};
    for (size_t r = 0; r < COUNT(kinds); r++) {
        unet_model *models[3];
        for (int m = 0; m < 3; m++)
            models[m] = make_member(&kinds[r], m);
        const unet_model *const others[2] = {models[1], models[2]};
        unet_session_options options = {.threads = 1, .tta = kinds[r].tta};
        unet_memory_plan one, three;
        unet_session *session;
        unet_error err;
        assert_int_equal(
            unet_plan_memory(models[0], &options, &page, &wanted, 60000000, &one, &err), UNET_OK);
        options.others = others;
        options.other_count = 2;
        assert_int_equal(
            unet_plan_memory(models[0], &options, &page, &wanted, 60000000, &three, &err), UNET_OK);
        const uint64_t weights = models[0]->graph.values * sizeof(float);
        assert_true(three.bytes <= 60000000 && three.smallest > one.smallest + 2 * weights);
        options.tile = three.tile;
        assert_int_equal(unet_session_create(models[0], &options, &session, &err), UNET_OK);
        uint64_t held = unet_session_bytes(session);
        if (held > three.bytes || 4 * held < three.bytes)
            fail_msg("%s: %llu promised, %llu held", kinds[r].name, (unsigned long long)three.bytes,
                     (unsigned long long)held);
        unet_session_free(session);
        for (int m = 0; m < 3; m++)
            unet_model_free(models[m]);
    }
}

/* What does not go together is refused, and the message says why. */
static void test_strangers(void **state)
{
    (void)state;
    static const struct {
        unet_spec other;
        const char *text;
    } rows[] = {
        {{.in_channels = 3, .classes = 2, .width = 4, .depth = 2}, "in_channels is 3"},
        {{.in_channels = 1, .classes = 3, .width = 4, .depth = 2}, "classes is 3"},
        {{.in_channels = 1, .classes = 2, .width = 4, .depth = 3}, "depth is 3"},
        {{.in_channels = 1, .classes = 2, .width = 4, .depth = 2, .padding = UNET_PADDING_SAME},
         "padding is same"},
        {{.in_channels = 1, .classes = 2, .width = 4, .depth = 2, .norm = UNET_NORM_INSTANCE},
         "whole image"},
        {{.in_channels = 1, .classes = 2, .width = 4, .depth = 2, .convs = 1}, "border"},
    };
    const unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 2};
    unet_model *model, *other;
    unet_session *session = NULL;
    unet_error err;
    assert_int_equal(unet_model_create(&spec, 1, &model, &err), UNET_OK);
    for (size_t r = 0; r < COUNT(rows); r++) {
        assert_int_equal(unet_model_create(&rows[r].other, 1, &other, &err), UNET_OK);
        const unet_model *const others[2] = {model, other};
        unet_session_options options = {.others = others, .other_count = 2};
        assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_EINVAL);
        if (strncmp(err.text, "model 3: ", 9) != 0 || !strstr(err.text, rows[r].text))
            fail_msg("row %zu: '%s', wanted 'model 3: ' and '%s'", r, err.text, rows[r].text);
        options.others = others + 1;
        options.other_count = 1;
        assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_EINVAL);
        assert_null(strstr(err.text, "model 3"));
        unet_model_free(other);
    }
    assert_int_equal(unet_model_create(&spec, 2, &other, &err), UNET_OK);
    const unet_model *const others[1] = {other}, *const none[1] = {NULL};
    unet_session_options options = {.others = others, .other_count = 1};
    assert_int_equal(unet_model_set_class(model, 1, "cell", NULL, &err), UNET_OK);
    assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_OK);
    unet_session_free(session);
    assert_int_equal(unet_model_set_class(other, 1, "road", NULL, &err), UNET_OK);
    assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "class 1 is 'road', of the first model 'cell'"));
    options.others = none;
    assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_EINVAL);
    options.other_count = 3;
    options.others = NULL;
    assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "others is NULL, wanted 3 models"));
    options.others = others;
    options.other_count = -1;
    assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_EINVAL);
    unet_model_free(model);
    unet_model_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean),
        IN_FOLDER(test_stream_is_memory),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests_name("averages", tests, NULL, NULL);
}
