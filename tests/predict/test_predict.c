/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prediction by overlap-tile: the result does not depend on the number of threads, nor (but for
 * rounding, or not at all) on the tile, and is what the definition says: mirror the image, run the
 * network once over all of it, crop.
 */
#include "predict_scene.h"

/* Any number of threads gives the same bits.  Another tile gives the same to rounding, and the same
 * bits when asked to be exact. */
static void test_any_tile_any_threads(void **state)
{
    static const int sides[][2] = {{150, 131}, {64, 64}, {17, 200}, {97, 33}};
    static const int tiles[][2] = {{16, 2}, {40, 2}, {64, 3}, {100, 4}, {400, 8}};
    (void)state;
    for (int v = 0; v < VARIANTS; v++)
        for (int s = 0; s < 4; s++) {
            if (slow_machine() && s != 1 + v % 3)
                continue;
            const unet_spec *spec = &variants[v].spec;
            unet_model *model = make_model(spec);
            unet_image image = make_image(sides[s][0], sides[s][1], spec->in_channels);
            size_t count = (size_t)spec->classes * image.height * image.width;
            float *whole = logits_of(model, &image,
                                     (unet_session_options){.threads = 1, .tile = 512, .exact = 0});
            float *exact = logits_of(model, &image,
                                     (unet_session_options){.threads = 1, .tile = 512, .exact = 1});
            for (int t = 0; t < 5; t++) {
                unet_session_options o = {.threads = 1, .tile = tiles[t][0]};
                float *one = logits_of(model, &image, o);
                compare_logits(variants[v].name, o, one, whole, count, 1e-5);
                o.threads = tiles[t][1];
                float *many = logits_of(model, &image, o);
                compare_logits(variants[v].name, o, many, one, count, 0);
                o.exact = 1;
                free(many);
                many = logits_of(model, &image, o);
                compare_logits(variants[v].name, o, many, exact, count, 0);
                free(many);
                free(one);
            }
            free(whole);
            free(exact);
            unet_image_release(&image);
            unet_model_free(model);
        }
}

/* A network that sees the whole image gets it as one tile, however large, unless told otherwise. */
static void test_whole_image(void **state)
{
    static const int sides[][2] = {{70, 60}, {1100, 36}, {36, 1130}, {80, 80}};
    unet_spec spec = {.in_channels = 1,
                      .classes = 2,
                      .width = 3,
                      .depth = 2,
                      .padding = UNET_PADDING_SAME,
                      .norm = UNET_NORM_INSTANCE};
    unet_session *session;
    unet_error err;
    (void)state;
    for (int i = 0; i < 2; i++) {
        if (i) {
            spec.norm = UNET_NORM_NONE;
            spec.up = UNET_UP_BILINEAR;
            spec.align_corners = 1;
        }
        unet_model *model = make_model(&spec);
        if (unet_session_create(model, NULL, &session, &err))
            fail_msg("%s", err.text);
        size_t largest = unet_session_bytes(session);
        for (int s = 0; s < 4; s++) {
            size_t foretold;
            unet_image image = make_image(sides[s][0], sides[s][1], 1);
            size_t count = (size_t)2 * image.height * image.width;
            float *got = malloc(count * sizeof *got);
            if (unet_predict_logits(session, &image, got, &err))
                fail_msg("%s", err.text);
            unet_session_options o = {.tile = 1136};
            float *want = logits_of(model, &image, o);
            compare_logits(spec.align_corners ? "corners" : "instance", o, got, want, count, 1e-5);
            /* an image makes it hold what its own sides need, not those of images before it */
            assert_int_equal(
                un_session_foretell(model, NULL, image.height, image.width, &foretold, NULL, &err),
                UNET_OK);
            largest = foretold > largest ? foretold : largest;
            if (unet_session_bytes(session) > largest)
                fail_msg("image %d: %zu bytes, foretold %zu", s, unet_session_bytes(session),
                         largest);
            if ((s == 1 || s == 2) && unet_session_bytes(session) != foretold)
                fail_msg("image %d: %zu bytes, foretold %zu", s, unet_session_bytes(session),
                         foretold);
            free(want);
            free(got);
            unet_image_release(&image);
        }
        unet_session_free(session);
        unet_model_free(model);
    }
}

static void test_definition(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const unet_spec *spec = &variants[v].spec;
        unet_model *model = make_model(spec);
        unet_image image = make_image(61, 38, spec->in_channels);
        size_t count = (size_t)spec->classes * image.height * image.width;
        float *got = logits_of(model, &image,
                               (unet_session_options){.threads = 2, .tile = 16, .exact = 0}),
              *want = malloc(count * sizeof *want);
        double scale = 0;
        reference(model, &image, want);
        for (size_t i = 0; i < count; i++)
            scale = fmax(scale, fabs(want[i]));
        for (size_t i = 0; i < count; i++)
            if (!(fabs((double)got[i] - want[i]) <= 1e-5 * scale))
                fail_msg("%s: logit %zu is %.9g, the definition gives %.9g", variants[v].name, i,
                         (double)got[i], (double)want[i]);
        free(got);
        free(want);
        unet_image_release(&image);
        unet_model_free(model);
    }
}

/* Masks and probabilities say the same as the logits. */
static void test_answers_agree(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const unet_spec *spec = &variants[v].spec;
        unet_model *model = make_model(spec);
        unet_image image = make_image(50, 44, spec->in_channels);
        size_t pixels = (size_t)image.height * image.width;
        unet_session *session;
        unet_error err;
        float *logits = logits_of(model, &image, (unet_session_options){0});
        float *p = malloc(spec->classes * pixels * sizeof *p);
        uint8_t *mask = malloc(pixels);
        if (unet_session_create(model, NULL, &session, &err) ||
            unet_predict(session, &image, mask, &err) ||
            unet_predict_probabilities(session, &image, p, &err))
            fail_msg("%s", err.text);
        for (size_t i = 0; i < pixels; i++) {
            int best = 0;
            double sum = 0;
            for (int k = 0; k < spec->classes; k++) {
                best = logits[k * pixels + i] > logits[best * pixels + i] ? k : best;
                sum += (double)p[k * pixels + i];
            }
            if (spec->classes == 1) {
                best = logits[i] > 0;
                assert_true(fabs((double)p[i] - 1 / (1 + exp(-(double)logits[i]))) < 1e-6);
            } else {
                assert_true(fabs(sum - 1) < 1e-5);
            }
            assert_int_equal(mask[i], best);
        }
        unet_session_free(session);
        free(logits);
        free(p);
        free(mask);
        unet_image_release(&image);
        unet_model_free(model);
    }
}

/* Sides that the network could not take by themselves. */
static void test_tiny_images(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++)
        for (int side = 1; side < 12; side++) {
            const unet_spec *spec = &variants[v].spec;
            unet_model *model = make_model(spec);
            unet_image image = make_image(side, 2 * side - 1, spec->in_channels);
            size_t count = (size_t)spec->classes * image.height * image.width;
            float *got = logits_of(model, &image,
                                   (unet_session_options){.threads = 2, .tile = 0, .exact = 0});
            for (size_t i = 0; i < count; i++)
                assert_true(isfinite(got[i]));
            free(got);
            unet_image_release(&image);
            unet_model_free(model);
        }
}

static int stop_at_second(void *context, double share)
{
    int *calls = context;
    assert_true(share > 0 && share < 1.0001);
    return ++*calls == 2;
}

/* One pass gives what three give; a progress function sees every tile and may stop. */
static void test_one_pass(void **state)
{
    const unet_spec *spec = &variants[0].spec;
    unet_model *model = make_model(spec);
    unet_image image = make_image(90, 70, 1);
    size_t pixels = 90 * 70, scores = pixels * spec->classes * sizeof(float);
    float *logits = malloc(scores), *p = malloc(scores), *want = malloc(scores);
    uint8_t *mask = malloc(pixels), *want_mask = malloc(pixels);
    int calls = 0;
    unet_answers answers = {.mask = mask, .logits = logits, .probabilities = p};
    unet_session *session;
    unet_error err;
    (void)state;
    if (unet_session_create(model, &(unet_session_options){.tile = 32}, &session, &err) ||
        unet_predict_all(session, &image, &answers, &err) ||
        unet_predict(session, &image, want_mask, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(mask, want_mask, pixels);
    assert_int_equal(unet_predict_logits(session, &image, want, &err), UNET_OK);
    assert_memory_equal(logits, want, scores);
    assert_int_equal(unet_predict_probabilities(session, &image, want, &err), UNET_OK);
    assert_memory_equal(p, want, scores);
    answers.progress = stop_at_second;
    answers.context = &calls;
    assert_int_equal(unet_predict_all(session, &image, &answers, &err), UNET_ESTOPPED);
    assert_int_equal(calls, 2);
    assert_int_equal(unet_predict_all(session, &image, &(unet_answers){0}, &err), UNET_EINVAL);
    unet_session_free(session);
    free(logits);
    free(p);
    free(want);
    free(mask);
    free(want_mask);
    unet_image_release(&image);
    unet_model_free(model);
}

/* The paper's figure 1, and the parameter counts that PyTorch gives. */
static void test_paper(void **state)
{
    unet_spec spec = unet_spec_default();
    unet_cost cost;
    unet_error err;
    (void)state;
    assert_int_equal(unet_spec_cost(&spec, 572, 572, 1, &cost, NULL, NULL, &err), UNET_OK);
    assert_int_equal(cost.in_height, 572);
    assert_int_equal(cost.out_height, 388);
    assert_int_equal(cost.out_width, 388);
    assert_int_equal(cost.parameters, 31030658);
    assert_true(fabs((double)cost.macs - 150.43e9) < 0.01e9);
    spec.classes = 1;
    assert_int_equal(unet_spec_cost(&spec, 1, 573, 1, &cost, NULL, NULL, &err), UNET_OK);
    assert_int_equal(cost.parameters, 31030593);
    assert_int_equal(cost.in_height, 188);
    assert_int_equal(cost.out_height, 4);
    assert_int_equal(cost.in_width, 588);
    /* milesial's layout: padded, batch norm, no bias in the blocks */
    spec = (unet_spec){.in_channels = 3,
                       .classes = 2,
                       .width = 64,
                       .depth = 4,
                       .padding = UNET_PADDING_SAME,
                       .norm = UNET_NORM_BATCH};
    assert_int_equal(unet_spec_cost(&spec, 512, 512, 1, &cost, NULL, NULL, &err), UNET_OK);
    assert_int_equal(cost.parameters, 31037698);
    spec.depth = UNET_MAX_DEPTH + 1;
    assert_int_equal(unet_spec_cost(&spec, 512, 512, 1, &cost, NULL, NULL, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "depth is 9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_tile_any_threads),
        cmocka_unit_test(test_whole_image),
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_answers_agree),
        cmocka_unit_test(test_tiny_images),
        cmocka_unit_test(test_one_pass),
        cmocka_unit_test(test_paper),
    };
    return cmocka_run_group_tests_name("prediction", tests, NULL, NULL);
}
