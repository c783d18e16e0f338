/* SPDX-License-Identifier: Apache-2.0 */
/* From gradients to weights: passes that make one batch, clipping, averages, biases; and options.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "train/checkpoint.h"
#include "training_set.h"

static unet_train_options plain_options(const unet_spec *spec)
{
    unet_train_options o = unet_train_options_default(spec);
    o.optimizer = UNET_OPTIMIZER_SGD;
    o.momentum = 0;
    o.learning_rate = 0.125f;
    o.tile = 40;
    o.threads = 2;
    return o;
}

/* Weights after some steps; from malloc. */
static float *weights_after(const unet_dataset *set, const unet_spec *spec,
                            const unet_train_options *o, int steps, double *loss, double *norm)
{
    unet_model *model = make_model(spec, 1);
    unet_trainer *t;
    unet_error err;
    if (unet_trainer_create(model, set, o, &t, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < steps; i++)
        if (unet_trainer_step(t, loss, &err))
            fail_msg("%s", err.text);
    if (norm)
        *norm = unet_trainer_all(t).gradient_norm;
    unet_trainer_free(t);
    float *values = malloc(model->graph.values * sizeof *values);
    memcpy(values, model->values, model->graph.values * sizeof *values);
    unet_model_free(model);
    return values;
}

static size_t trainable_of(const unet_spec *spec)
{
    unet_model *model = make_model(spec, 1);
    size_t count = model->graph.trainable;
    unet_model_free(model);
    return count;
}

/* Tiles with other numbers of labelled pixels, so that a plain mean of gradients would show. */
static void test_accumulated_passes(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    const size_t count = trainable_of(&small_valid);
    unet_train_options o = plain_options(&small_valid);
    float class_weights[] = {1, 7};
    double one_loss, many_loss, one_norm, many_norm;
    (void)state;
    memset(set->pairs[0].mask, UNET_IGNORE, 70 * 60);
    o.class_weights = class_weights;
    o.batch = 6;
    float *start = weights_after(set, &small_valid, &o, 0, NULL, NULL);
    float *one = weights_after(set, &small_valid, &o, 1, &one_loss, &one_norm);
    o.batch = 2;
    o.accumulate = 3;
    float *many = weights_after(set, &small_valid, &o, 1, &many_loss, &many_norm);
    double largest = 0, moved = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)one[i] - (double)many[i]));
        moved = fmax(moved, fabs((double)one[i] - (double)start[i]));
    }
    /* sums of some 1e4 terms in single precision */
    if (!(largest <= 1e-4 * moved) || fabs(one_loss - many_loss) > 1e-5 * one_loss ||
        fabs(one_norm - many_norm) > 1e-4 * one_norm)
        fail_msg("weights differ by %g where they moved by %g; losses %.9g, %.9g; norms %.9g, %.9g",
                 largest, moved, one_loss, many_loss, one_norm, many_norm);
    free(start);
    free(one);
    free(many);
    free_dataset(set);
}

/* Plain SGD moves the weights by rate * gradient: the gradient can be read off. */
static void test_clip(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    const size_t count = trainable_of(&small_valid);
    unet_train_options o = plain_options(&small_valid);
    double norm, clipped_norm, squares = 0;
    (void)state;
    float *start = weights_after(set, &small_valid, &o, 0, NULL, NULL);
    float *free_step = weights_after(set, &small_valid, &o, 1, NULL, &norm);
    for (size_t i = 0; i < count; i++) {
        double g = ((double)start[i] - (double)free_step[i]) / 0.125;
        squares += g * g;
    }
    if (fabs(sqrt(squares) - norm) > 1e-3 * norm)
        fail_msg("the norm is said to be %g, it is %g", norm, sqrt(squares));
    o.clip = (float)(norm * 2); /* above: nothing happens */
    float *loose = weights_after(set, &small_valid, &o, 1, NULL, &clipped_norm);
    assert_memory_equal(free_step, loose, count * sizeof *loose);
    o.clip = (float)(norm / 4);
    float *tight = weights_after(set, &small_valid, &o, 1, NULL, &clipped_norm);
    assert_true(clipped_norm == norm);
    for (size_t i = 0; i < count; i++) {
        double want = ((double)start[i] - (double)free_step[i]) / 4;
        double got = (double)start[i] - (double)tight[i];
        if (fabs(got - want) > 1e-6 + 1e-3 * fabs(want))
            fail_msg("weight %zu moved by %g, wanted %g", i, got, want);
    }
    free(start);
    free(free_step);
    free(loose);
    free(tight);
    free_dataset(set);
}

static void test_bias_rate(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1);
    unet_spec spec = small_same;
    spec.dropout = 0;
    unet_train_options o = plain_options(&spec);
    (void)state;
    float *start = weights_after(set, &spec, &o, 0, NULL, NULL);
    float *one = weights_after(set, &spec, &o, 1, NULL, NULL);
    o.bias_rate = 2;
    float *two = weights_after(set, &spec, &o, 1, NULL, NULL);
    for (int p = 0; p < model->graph.param_count; p++) {
        const struct un_param *param = &model->graph.params[p];
        const double factor = strstr(param->name, ".bias") ? 2 : 1;
        for (size_t i = param->offset; param->trainable && i < param->offset + param->count; i++) {
            double want = factor * ((double)one[i] - (double)start[i]);
            double got = (double)two[i] - (double)start[i];
            if (fabs(got - want) > 1e-6 + 1e-3 * fabs(want))
                fail_msg("%s moved by %g, wanted %g", param->name, got, want);
        }
    }
    free(start);
    free(one);
    free(two);
    unet_model_free(model);
    free_dataset(set);
}

/* a = d a + (1 - d) w by hand, beside a trainer that does it. */
static void test_average(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1);
    unet_train_options o = plain_options(&small_same);
    unet_trainer *t;
    unet_error err;
    const size_t count = model->graph.trainable;
    double *want = malloc(count * sizeof *want);
    (void)state;
    o.average = 0.3f;
    if (unet_trainer_create(model, set, &o, &t, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        want[i] = model->values[i];
    for (int step = 1; step <= 6; step++) {
        const double d = fmin((double)o.average, (1.0 + step) / (10.0 + step));
        if (unet_trainer_step(t, NULL, &err))
            fail_msg("%s", err.text);
        for (size_t i = 0; i < count; i++)
            want[i] = d * want[i] + (1 - d) * weights_of(model)[i];
    }
    float *newest = malloc(count * sizeof *newest);
    memcpy(newest, weights_of(model), count * sizeof *newest);
    un_trainer_show_average(t, true);
    const float *average = weights_of(model);
    for (size_t i = 0; i < count; i++)
        if (fabs((double)average[i] - want[i]) > 1e-6 + 1e-5 * fabs(want[i]))
            fail_msg("average %zu is %g, wanted %g", i, (double)average[i], want[i]);
    un_trainer_show_average(t, false);
    assert_memory_equal(newest, weights_of(model), count * sizeof *newest);
    unet_trainer_free(t);
    unet_model_free(model);
    free(newest);
    free(want);
    free_dataset(set);
}

/* A weight that is not finite spoils the layers behind it; the message names one and how many. */
static void test_not_finite_names_the_layer(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1);
    unet_train_options o = plain_options(&small_same);
    const size_t bytes = model->graph.values * sizeof(float);
    float *before = malloc(bytes);
    unet_trainer *t;
    unet_error err;
    (void)state;
    o.freeze_encoder = 1;
    model->values[model->graph.trainable - 1] = INFINITY; /* the bias of the last layer */
    memcpy(before, model->values, bytes);
    if (unet_trainer_create(model, set, &o, &t, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_trainer_step(t, NULL, &err), UNET_EINVAL);
    if (!strstr(err.text, "step 1: ") || !strstr(err.text, " gradient values of upconv_1 are") ||
        !strstr(err.text, "lower learning rate") || err.hints != UNET_HINT_CLIP)
        fail_msg("%s, hints %u", err.text, err.hints);
    assert_memory_equal(before, weights_of(model), bytes);
    assert_int_equal(unet_trainer_all(t).step, 0);
    unet_trainer_free(t);
    unet_model_free(model);
    free(before);
    free_dataset(set);
}

/* Threads that draw end whenever they are asked to. */
static void test_freed_while_drawing(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    unet_train_options o = plain_options(&small_valid);
    (void)state;
    for (int i = 0; i < 40; i++) {
        unet_model *model = make_model(&small_valid, 1);
        unet_trainer *t;
        unet_error err;
        o.batch = 1 + i % 5;
        o.augment.rotate = 45;
        o.threads = i % 2 ? 2 : 32; /* one, or five that draw */
        if (unet_trainer_create(model, set, &o, &t, &err) ||
            (i % 3 == 0 && unet_trainer_step(t, NULL, &err)))
            fail_msg("%s", err.text);
        assert_true(unet_trainer_all(t).bytes > 0);
        unet_trainer_free(t);
        unet_model_free(model);
    }
    free_dataset(set);
}

static void test_options(void **state)
{
    const struct {
        const char *name;
        size_t offset;
        float value;
    } wrong[] = {
#define FIELD(name, value) {#name, offsetof(unet_train_options, name), value}
        FIELD(loss.pixel, -1),
        FIELD(loss.overlap, NAN),
        FIELD(loss.focal, -0.5f),
        FIELD(loss.smooth, 0),
        FIELD(border.weight, -1),
        FIELD(border.near_sigma, NAN),
        FIELD(learning_rate, -1),
        FIELD(momentum, 1.5f),
        FIELD(beta1, 1),
        FIELD(alpha, 1),
        FIELD(clip, -1),
        FIELD(bias_rate, NAN),
        FIELD(average, 1),
        FIELD(power, -1),
        FIELD(factor, 0),
        FIELD(factor, 2),
        FIELD(lowest, 1.5f),
        FIELD(augment.rotate, 181),
        FIELD(augment.elastic, -1),
        FIELD(augment.noise, INFINITY),
        FIELD(augment.channel, -1),
        FIELD(augment.at_ignored, -1),
#undef FIELD
    };
    unet_train_options o = unet_train_options_default(&small_same);
    unet_error err;
    (void)state;
    if (unet_train_options_check(&o, &small_same, &err))
        fail_msg("the defaults: %s", err.text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o = unet_train_options_default(&small_same);
        memcpy((char *)&o + wrong[i].offset, &wrong[i].value, sizeof(float));
        if (unet_train_options_check(&o, &small_same, &err) != UNET_EINVAL ||
            !strstr(err.text, wrong[i].name))
            fail_msg("%s = %g: %s", wrong[i].name, (double)wrong[i].value, err.text);
    }
    o = unet_train_options_default(&small_same);
    o.loss.pixel = 0;
    assert_int_equal(unet_train_options_check(&o, &small_same, &err), UNET_EINVAL);
    o.loss.overlap = 1;
    assert_int_equal(unet_train_options_check(&o, &small_same, &err), UNET_OK);
    o.schedule = UNET_SCHEDULE_PLATEAU;
    o.every = 0;
    assert_int_equal(unet_train_options_check(&o, &small_same, &err), UNET_EINVAL);
    o.every = 2;
    o.seed = UINT64_MAX; /* more than a JSON reader takes for a number */
    char *json = un_train_options_json(&o, 2, 64, 5);
    unet_model *model = make_model(&small_same, 1);
    assert_int_equal(un_model_set_settings(model, json, &err), UNET_OK);
    assert_non_null(strstr(json, "\"schedule\":\"plateau\""));
    assert_non_null(strstr(json, "\"overlap\":1"));
    free(json);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accumulated_passes),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_bias_rate),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_not_finite_names_the_layer),
        cmocka_unit_test(test_freed_while_drawing),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
