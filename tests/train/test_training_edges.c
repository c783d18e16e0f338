/* SPDX-License-Identifier: Apache-2.0 */
/* Training at the edges: images smaller than a tile, options that teach nothing, numbers that
 * overflow.  What cannot work is said, and a checkpoint that can be read stays. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/folder.h"
#include "train/trainer.h"
#include "training_set.h"

static unet_code train(unet_model *model, const unet_dataset *set, const unet_train_options *o,
                       int resume, unet_error *err)
{
    const unet_train_job job = {.model = model,
                                .dataset = set,
                                .validation = set,
                                .last_path = in_folder("last"),
                                .checkpoint_path = in_folder("checkpoint"),
                                .resume = resume};
    return unet_train(&job, o, err);
}

static unet_train_options few_steps(const unet_spec *spec)
{
    unet_train_options o = unet_train_options_default(spec);
    o.steps = 4;
    o.steps_per_epoch = 2;
    o.tile = 16;
    o.threads = 1;
    return o;
}

/* Everything that looks at sides at once; a sanitizer sees what they get wrong. */
static unet_train_options everything(const unet_spec *spec, int k)
{
    static const float grids[] = {0, 0.5f, 5000};
    unet_train_options o = few_steps(spec);
    o.batch = 3;
    o.accumulate = 2;
    o.augment.elastic = 10;
    o.augment.elastic_grid = grids[k % 3];
    o.augment.rotate = 180;
    o.augment.scale = k % 2 ? 10 : 0.3f;
    o.augment.blur = 20;
    o.augment.noise = 3;
    o.augment.curve = 1;
    o.augment.channel = 2;
    o.augment.cubic = k % 2;
    o.augment.at_foreground = 1;
    o.border.weight = 10;
    o.border.near_weight = 1;
    o.border.gap = 1;
    o.average = 0.9f;
    o.clip = 1;
    o.bias_rate = 2;
    return o;
}

static void test_small_images(void **state)
{
    static const int sides[][2] = {{1, 1}, {1, 7}, {3, 2}, {5, 40}, {17, 16}, {200, 3}};
    static const int tiles[] = {0, 1, 9};
    (void)state;
    for (int k = 0; k < 6; k++)
        for (int i = 0; i < 6; i++) {
            const unet_spec *spec = i % 2 ? &small_valid : &small_same;
            unet_train_options o = everything(spec, k);
            unet_dataset *set = make_dataset(1, sides[k][0], sides[k][1], 1);
            unet_model *model = make_model(spec, 1);
            unet_error err;
            o.tile = tiles[i / 2];
            if (train(model, set, &o, 0, &err))
                fail_msg("%d x %d, tile %d, network %d: %s", sides[k][0], sides[k][1], o.tile,
                         i % 2, err.text);
            unet_model_free(model);
            free_dataset(set);
        }
}

static void test_nothing_to_learn(void **state)
{
    const float none[2] = {0, 0}, one[2] = {0, 1};
    unet_train_options o = few_steps(&small_valid);
    unet_error err;
    (void)state;
    unet_dataset *set = make_dataset(1, 40, 40, 1);
    unet_model *model = make_model(&small_valid, 1);
    o.class_weights = none;
    assert_int_equal(train(model, set, &o, 0, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "class_weights"));
    o.class_weights = one;
    assert_int_equal(train(model, set, &o, 0, &err), UNET_OK);
    o.class_weights = NULL;
    o.loss = (unet_loss){.overlap = 1, .pos_weight = 1, .smooth = 1};
    assert_int_equal(train(model, set, &o, 0, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "false_positive"));
    unet_model_free(model);
    free_dataset(set);
}

/* What is for prediction is kept in the model. */
static void test_views_are_kept(void **state)
{
    unet_train_options o = few_steps(&small_valid);
    unet_error err;
    (void)state;
    unet_dataset *set = make_dataset(1, 40, 40, 1);
    unet_model *model = make_model(&small_valid, 1);
    o.steps = 1;
    o.tta = UNET_TTA_FLIPS;
    assert_int_equal(train(model, set, &o, 0, &err), UNET_OK);
    if (!strstr(unet_model_settings(model), "\"tta\":\"flips\""))
        fail_msg("%s", unet_model_settings(model));
    o.tta = (unet_tta)3;
    assert_int_equal(train(model, set, &o, 0, &err), UNET_EINVAL);
    unet_model_free(model);
    free_dataset(set);
}

/* Statistics of norms that overflow, though loss and gradients do not. */
static void test_statistics_overflow(void **state)
{
    unet_train_options o = few_steps(&small_same);
    unet_error err = {0};
    (void)state;
    unet_dataset *set = make_dataset(2, 40, 50, 1);
    unet_model *model = make_model(&small_same, 1), *last;
    o.optimizer = UNET_OPTIMIZER_SGD;
    o.learning_rate = 1e6f;
    o.steps = 40;
    assert_int_equal(train(model, set, &o, 0, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "step "));
    assert_non_null(strstr(err.text, "learning rate"));
    if (unet_model_load(in_folder("last"), &last, &err))
        fail_msg("the newest good weights: %s", err.text);
    unet_model_free(last);
    unet_model_free(model);
    model = make_model(&small_same, 1);
    if (train(model, set, &o, 1, &err) == UNET_EFORMAT)
        fail_msg("the checkpoint: %s", err.text);
    unet_model_free(model);
    free_dataset(set);
}

/* The same pictures as other numbers: 16 bits, 100 times the sample and 5000. */
static unet_dataset *in_other_numbers(const unet_dataset *set)
{
    unet_dataset *other = make_dataset(set->count, 40, 40, 1);
    for (int i = 0; i < set->count; i++) {
        const uint8_t *from = set->pairs[i].image.data;
        uint16_t *to = malloc(40 * 40 * sizeof *to);
        for (int p = 0; p < 40 * 40; p++)
            to[p] = (uint16_t)(5000 + 100 * from[p]);
        free(other->pairs[i].image.data);
        other->pairs[i].image.data = to;
        other->pairs[i].image.sample = UNET_U16;
    }
    return other;
}

/* Training and prediction see no difference between them, and a model keeps to what it learnt. */
static void test_standardize(void **state)
{
    unet_dataset *sets[2] = {make_dataset(2, 40, 40, 1)};
    unet_train_options o = few_steps(&small_valid);
    unet_model *model[2];
    float logits[2][40 * 40 * 2];
    unet_error err;
    (void)state;
    sets[1] = in_other_numbers(sets[0]);
    o.tile = 0;
    o.optimizer = UNET_OPTIMIZER_SGD; /* Adam divides by gradients that are all but 0 */
    o.standardize = 1;
    for (int k = 0; k < 2; k++) {
        unet_session *session = NULL;
        const unet_image *image = &sets[!k]->pairs[0].image; /* of the other's training */
        model[k] = make_model(&small_valid, 1);
        memset(logits[k], 0, sizeof logits[k]);
        if (train(model[k], sets[k], &o, 0, &err) ||
            unet_session_create(model[k], NULL, &session, &err) ||
            unet_predict_logits(session, image, logits[k], &err))
            fail_msg("%s", err.text);
        unet_session_free(session);
    }
    for (size_t i = 0; i < sizeof logits[0] / sizeof logits[0][0]; i++)
        if (!(fabsf(logits[0][i] - logits[1][i]) <= 1e-3f))
            fail_msg("logit %zu: %g and %g", i, (double)logits[0][i], (double)logits[1][i]);
    unet_model_free(model[1]);
    o.standardize = 0; /* not asked for again: the model knows */
    assert_int_equal(train(model[0], sets[0], &o, 0, &err), UNET_OK);
    assert_true(model[0]->scaling.per_image);
    model[1] = make_model(&small_valid, 1);
    assert_int_equal(train(model[1], sets[0], &o, 0, &err), UNET_OK);
    o.standardize = 1;
    assert_int_equal(train(model[1], sets[0], &o, 0, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "standardize"));
    o.augment.curve = 1;
    assert_int_equal(unet_train_options_check(&o, &small_valid, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "curve"));
    for (int k = 0; k < 2; k++) {
        unet_model_free(model[k]);
        free_dataset(sets[k]);
    }
}

/* What a training is said to take before there is a trainer, with feature maps kept or made twice:
 * they differ by what trainers differ by. */
static void test_foretold_bytes(void **state)
{
    unet_train_options o = few_steps(&small_same);
    size_t told[2], held[2];
    unet_cost cost;
    unet_error err;
    (void)state;
    unet_dataset *set = make_dataset(1, 80, 80, 1);
    unet_model *model = make_model(&small_same, 1);
    o.tile = 80;
    o.threads = 0;
    for (int k = 0; k < 2; k++) {
        unet_trainer *trainer = NULL;
        o.recompute = k;
        if (unet_train_bytes(&small_same, &o, o.tile, &told[k], &err) ||
            unet_trainer_create(model, set, &o, &trainer, &err))
            fail_msg("%s", err.text);
        held[k] = unet_trainer_all(trainer).bytes;
        unet_trainer_free(trainer);
    }
    assert_int_equal(unet_spec_cost(&small_same, 80, 80, o.batch, &cost, NULL, NULL, &err),
                     UNET_OK);
    assert_int_equal(told[0], cost.train_bytes);
    assert_int_equal(told[0] - told[1], held[0] - held[1]);
    if (told[1] >= told[0] || told[0] > held[0])
        fail_msg("foretold %zu and %zu, held %zu and %zu", told[0], told[1], held[0], held[1]);
    /* averaged weights and sums of passes, of as many numbers as the network has to learn */
    o.average = 0.9f;
    o.accumulate = 2;
    assert_int_equal(unet_train_bytes(&small_same, &o, o.tile, &held[1], &err), UNET_OK);
    assert_int_equal(held[1] - told[1], 2 * cost.parameters * sizeof(float));
    assert_int_equal(unet_train_bytes(NULL, &o, 80, told, &err), UNET_EINVAL);
    assert_int_equal(unet_train_bytes(&small_same, &o, -1, told, &err), UNET_EINVAL);
    unet_model_free(model);
    free_dataset(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_images),   cmocka_unit_test(test_nothing_to_learn),
        cmocka_unit_test(test_views_are_kept), cmocka_unit_test(test_statistics_overflow),
        cmocka_unit_test(test_standardize),    cmocka_unit_test(test_foretold_bytes),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
