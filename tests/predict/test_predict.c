/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prediction by overlap-tile: the result does not depend on the number of threads, nor (but for
 * rounding, or not at all) on the tile, and is what the definition says: mirror the image, run the
 * network once over all of it, crop.
 */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/draw/draw.h"
#include "predict/session.h"
#include "support/slow.h"
#include "unet_fields.h"

struct variant {
    const char *name;
    unet_spec spec;
};

static const struct variant variants[] = {
    {"valid", {.in_channels = 1, .classes = 2, .width = 6, .depth = 3}},
    {"valid bilinear",
     {.in_channels = 2,
      .classes = 3,
      .width = 5,
      .depth = 2,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_BILINEAR}},
    {"valid one class",
     {.in_channels = 3, .classes = 1, .width = 4, .depth = 2, .norm = UNET_NORM_BATCH}},
    {"same",
     {.in_channels = 1,
      .classes = 2,
      .width = 6,
      .depth = 3,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH}},
    {"same bilinear",
     {.in_channels = 1,
      .classes = 4,
      .width = 5,
      .depth = 2,
      .padding = UNET_PADDING_SAME,
      .up = UNET_UP_BILINEAR,
      .act = UNET_ACT_LEAKY_RELU,
      .leaky_slope = 0.1f}},
    {"same, wide up",
     {.in_channels = 1,
      .classes = 2,
      .width = 5,
      .depth = 3,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_BILINEAR,
      .norm_order = UNET_ACT_FIRST,
      .bias = UNET_BIAS_ALWAYS,
      .up_conv = UNET_UP_CONV3X3,
      .up_norm = 1,
      .up_act = 1,
      .concat = UNET_CONCAT_SKIP_UP}},
    {"valid nearest",
     {.in_channels = 2,
      .classes = 3,
      .width = 4,
      .depth = 2,
      .up = UNET_UP_NEAREST,
      .up_conv = UNET_UP_CONV3X3,
      .convs = 1,
      .channels = {.enc = {{3, 0}, {7, 0}, {9, 0}}, .up = {5, 6}}}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static unet_model *make_model(const unet_spec *spec)
{
    unet_model *model;
    unet_error err;
    if (unet_model_create(spec, 5, &model, &err))
        fail_msg("%s", err.text);
    /* biases and statistics that do something */
    for (size_t i = 0; i < model->graph.values; i++)
        model->values[i] += 0.05f * (un_rng_uniform(3, i) - 0.4f);
    return model;
}

static unet_image make_image(int height, int width, int channels)
{
    unet_image image = {height, width, channels, UNET_F32, 1, NULL};
    size_t count = (size_t)height * width * channels;
    float *data = malloc(count * sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[i] = un_rng_normal(9, i);
    image.data = data;
    return image;
}

static float *logits_of(const unet_model *model, const unet_image *image,
                        unet_session_options options)
{
    unet_session *session;
    unet_error err;
    size_t count = (size_t)model->graph.spec.classes * image->height * image->width;
    float *logits = malloc(count * sizeof *logits);
    for (size_t i = 0; i < count; i++)
        logits[i] = NAN; /* a pixel that no tile answers for stays like this */
    if (unet_session_create(model, &options, &session, &err) ||
        unet_predict_logits(session, image, logits, &err))
        fail_msg("%s", err.text);
    unet_session_free(session);
    return logits;
}

/* tolerance: of the largest logit; 0: every bit */
static void compare_logits(const char *name, unet_session_options o, const float *got,
                           const float *want, size_t count, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabs((double)want[i]) > largest) /* fmax() of such a float crashes gcc 12 for Arm */
            largest = fabs((double)want[i]);
    for (size_t i = 0; i < count; i++) {
        bool same = tolerance > 0 ? fabs((double)got[i] - (double)want[i]) <= tolerance * largest
                                  : !memcmp(&got[i], &want[i], sizeof *got);
        if (!same)
            fail_msg("%s, tile %d, %d threads%s: logit %zu is %.9g, wanted %.9g, largest %.9g",
                     name, o.tile, o.threads, o.exact ? ", exact" : "", i, (double)got[i],
                     (double)want[i], largest);
    }
}

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

static struct un_engine_ops poor; /* an engine that has no memory */

static void *no_memory(struct un_engine *e, size_t bytes)
{
    (void)e;
    (void)bytes;
    return NULL;
}

/* An image that there is no memory for is refused, and the next one is predicted as ever. */
static void test_whole_image_too_large(void **state)
{
    const unet_spec spec = {.in_channels = 1,
                            .classes = 2,
                            .width = 2,
                            .depth = 1,
                            .padding = UNET_PADDING_SAME,
                            .norm = UNET_NORM_INSTANCE};
    unet_model *model = make_model(&spec);
    unet_image large = make_image(30, 1300, 1), small = make_image(50, 40, 1);
    float logits[2 * 50 * 40], *unused = malloc((size_t)2 * 30 * 1300 * sizeof *unused);
    unet_session *session;
    unet_error err;
    (void)state;
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
    const struct un_engine_ops *ops = session->engine->ops;
    poor = *ops;
    poor.alloc = no_memory;
    session->engine->ops = &poor;
    assert_int_equal(unet_predict_logits(session, &large, unused, &err), UNET_ENOMEM);
    assert_int_equal(unet_predict_logits(session, &small, logits, &err), UNET_ENOMEM);
    session->engine->ops = ops;
    if (unet_predict_logits(session, &small, logits, &err))
        fail_msg("%s", err.text);
    if (session->width >= 1300) /* what was refused is not asked for again */
        fail_msg("a session of %d x %d", session->height, session->width);
    float *want = logits_of(model, &small, (unet_session_options){0});
    compare_logits("after a failure", (unet_session_options){0}, logits, want, 2 * 50 * 40, 1e-5);
    free(want);
    free(unused);
    unet_session_free(session);
    unet_image_release(&large);
    unet_image_release(&small);
    unet_model_free(model);
}

/* The whole image through the reference engine at once. */
static void reference(const unet_model *model, const unet_image *image, float *out)
{
    struct un_geometry g = model->graph.geometry;
    struct un_graph graph = model->graph;
    struct un_engine *engine = NULL;
    struct un_network net;
    unet_error err;
    const unet_spec *spec = &model->graph.spec;
    int h = image->height, w = image->width, border = g.valid ? g.border : 0;
    if (g.valid) {
        un_fit_output(&graph, image->height, &h);
        un_fit_output(&graph, image->width, &w);
    }
    struct un_reading reading = un_reading_of(un_view_of(image), spec->in_channels, NULL);
    float *input = malloc((size_t)h * w * spec->in_channels * sizeof *input);
    un_tile_read(&reading, -border, -border, h, w, input);
    if (un_graph_size(&graph, 1, h, w, &err) || un_engine_reference_create(&engine, &err) ||
        un_network_create(&net, engine, &graph, UN_PREDICT, model->values, &err))
        fail_msg("%s", err.text);
    engine->ops->upload(engine, un_network_input(&net), input);
    un_network_forward(&net, 0);
    struct un_tensor logits = un_network_output(&net);
    for (int k = 0; k < spec->classes; k++)
        for (int y = 0; y < image->height; y++)
            for (int x = 0; x < image->width; x++)
                *out++ = logits.data[((size_t)y * logits.shape.w + x) * spec->classes + k];
    un_network_release(&net);
    engine->ops->free(engine);
    free(input);
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

/* What unet_spec_cost() foretells is what a session holds. */
static void test_bytes(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const unet_spec *spec = &variants[v].spec;
        unet_model *model = make_model(spec);
        unet_session *session;
        unet_cost cost;
        unet_error err;
        if (unet_session_create(model, &(unet_session_options){.tile = 64}, &session, &err) ||
            unet_spec_cost(spec, session->height, session->width, 1, &cost, NULL, NULL, &err))
            fail_msg("%s", err.text);
        if (cost.predict_bytes != unet_session_bytes(session))
            fail_msg("%s: foretold %zu bytes, held %zu", variants[v].name, cost.predict_bytes,
                     unet_session_bytes(session));
        unet_session_free(session);
        unet_model_free(model);
    }
}

/* Arguments beyond all reason are refused, not computed with. */
static void test_limits(void **state)
{
    const unet_spec *spec = &variants[0].spec;
    unet_model *model = make_model(spec);
    uint8_t mask[4] = {0}, colors[2][3] = {{0}};
    unet_session *session;
    unet_cost cost;
    unet_error err;
    (void)state;
    static const unet_session_options wrong[] = {
        {.tile = INT_MAX}, {.tile = -1}, {.threads = 1 << 20}, {.threads = -1}, {.tta = 3}};
    for (int i = 0; i < 5; i++)
        assert_int_equal(unet_session_create(model, &wrong[i], &session, &err), UNET_EINVAL);
    assert_int_equal(unet_spec_cost(spec, 1 << 20, 1 << 20, 65536, &cost, NULL, NULL, &err),
                     UNET_EINVAL);
    assert_int_equal(unet_spec_cost(spec, -5, 0, 1, &cost, NULL, NULL, &err), UNET_EINVAL);
    const uint8_t(*palette)[3] = (const uint8_t(*)[3])colors;
    assert_int_equal(unet_mask_write("x.png", mask, 2, 2, palette, 300, &err), UNET_EINVAL);
    assert_int_equal(unet_mask_write("x.png", mask, 2, 2, palette, -1, &err), UNET_EINVAL);
    assert_int_equal(unet_mask_write("x.png", mask, -1, 2, palette, 2, &err), UNET_EINVAL);
    unet_model_free(model);
}

static void test_wrong_channels(void **state)
{
    (void)state;
    unet_model *model = make_model(&variants[0].spec);
    unet_image image = make_image(20, 20, 3);
    unet_session *session;
    unet_error err;
    uint8_t mask[400];
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
    assert_int_equal(unet_predict(session, &image, mask, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "3 channels"));
    assert_non_null(strstr(err.text, "the model takes 1"));
    unet_session_free(session);
    unet_image_release(&image);
    unet_model_free(model);
}

#if defined(__aarch64__)
#define PLAINEST "neon"
#else
#define PLAINEST "baseline"
#endif

/* UNET_ISA and UNET_ENGINE choose; every choice gives the same answer but for rounding. */
static void test_choice_of_engine(void **state)
{
    static const char *const choices[][2] = {{"UNET_ISA", "baseline"},
                                             {"UNET_ISA", "neon"},
                                             {"UNET_ISA", "avx2"},
                                             {"UNET_ISA", "avx512"},
                                             {"UNET_ENGINE", "reference"}};
    const unet_spec *spec = &variants[0].spec;
    unet_model *model = make_model(spec);
    unet_image image = make_image(70, 60, 1);
    size_t count = (size_t)spec->classes * image.height * image.width;
    float *usual =
        logits_of(model, &image, (unet_session_options){.threads = 1, .tile = 0, .exact = 0});
    double scale = 0;
    for (size_t k = 0; k < count; k++)
        if (fabs(usual[k]) > scale) /* not fmax(): see above */
            scale = fabs(usual[k]);
    unet_session *session;
    unet_error err;
    (void)state;
    for (int i = 0; i < 5; i++) {
        setenv(choices[i][0], choices[i][1], 1);
        if (i < 2)
            assert_string_equal(unet_isa(), PLAINEST);
        float *got =
            logits_of(model, &image, (unet_session_options){.threads = 1, .tile = 0, .exact = 0});
        for (size_t k = 0; k < count; k++)
            if (!(fabs((double)got[k] - usual[k]) <= 1e-5 * scale))
                fail_msg("%s=%s: logit %zu is %g, usually %g", choices[i][0], choices[i][1], k,
                         (double)got[k], (double)usual[k]);
        free(got);
        unsetenv(choices[i][0]);
    }
    setenv("UNET_ENGINE", "abacus", 1);
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "UNET_ENGINE=abacus"));
    unsetenv("UNET_ENGINE");
    setenv("UNET_ISA", "avx3", 1);
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "avx3"));
    assert_string_equal(unet_isa(), "none");
    unsetenv("UNET_ISA");
    free(usual);
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
    spec.depth = 7;
    assert_int_equal(unet_spec_cost(&spec, 512, 512, 1, &cost, NULL, NULL, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "depth is 7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_tile_any_threads),
        cmocka_unit_test(test_whole_image),
        cmocka_unit_test(test_whole_image_too_large),
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_answers_agree),
        cmocka_unit_test(test_tiny_images),
        cmocka_unit_test(test_one_pass),
        cmocka_unit_test(test_wrong_channels),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_paper),
        cmocka_unit_test(test_choice_of_engine),
    };
    return cmocka_run_group_tests_name("prediction", tests, NULL, NULL);
}
