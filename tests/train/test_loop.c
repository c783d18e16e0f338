/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: which events come when, what they say, patience, time, alarms, validation's loss. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/folder.h"
#include "train/loop.h"
#include "training_set.h"
#include "unet_scores.h"

struct story {
    char text[400]; /* B, S, E, C, X: an event each; v: an image */
    unet_progress last, epoch;
    int stop_image, images;
    uint64_t pixels;
    bool files; /* at the end of an epoch, best and last are there */
};

static int on_progress(void *context, const unet_progress *p)
{
    struct story *story = context;
    static const char letters[] = "BSECX";
    size_t used = strlen(story->text);
    if (used + 1 < sizeof story->text)
        story->text[used] = letters[p->event];
    story->last = *p;
    if (p->event == UNET_EVENT_EPOCH) {
        story->epoch = *p;
        story->files = !access(in_folder("last"), F_OK) && !access(in_folder("best"), F_OK);
        assert_true(p->one_class >= 0 && p->best_epoch >= 1);
    }
    return 0;
}

static int on_validated(void *context, const unet_validated *v)
{
    struct story *story = context;
    size_t used = strlen(story->text);
    story->text[used] = 'v';
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            story->pixels += unet_scores_pixels(v->scores, i, j);
    assert_int_equal(v->count, 2);
    assert_int_equal(v->index, story->images++ % 2);
    return story->stop_image && story->images >= story->stop_image;
}

static unet_train_job job_of(unet_model *model, const unet_dataset *set, const unet_dataset *val,
                             struct story *story)
{
    return (unet_train_job){.model = model,
                            .dataset = set,
                            .validation = val,
                            .best_path = in_folder("best"),
                            .last_path = in_folder("last"),
                            .checkpoint_path = in_folder("checkpoint"),
                            .progress = on_progress,
                            .validated = on_validated,
                            .context = story};
}

static unet_train_options options_of(int epochs, int steps)
{
    unet_train_options o = unet_train_options_default(&small_same);
    o.epochs = epochs;
    o.steps_per_epoch = steps;
    o.tile = 32;
    return o;
}

static void test_events(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1), *val = make_dataset(2, 50, 60, 1);
    unet_train_options o = options_of(2, 3);
    unet_model *model = make_model(&small_same, 1);
    struct story story = {.stop_image = 0};
    unet_train_job job = job_of(model, set, val, &story);
    unet_error err;
    (void)state;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_string_equal(story.text, "BSSSvvECSSSvvECX");
    assert_int_equal(story.last.end, UNET_END_LIMIT);
    assert_int_equal(story.pixels, 2 * 2 * 50 * 60);
    assert_true(story.files);
    assert_true(story.epoch.val_loss > 0 && story.epoch.score > 0);
    assert_int_equal(story.epoch.epoch, 2);
    assert_true(story.epoch.waited >= 0 && story.epoch.waited <= 1);
    assert_true(story.epoch.gradient_norm > 0);

    /* to go on from the end is to be there at once */
    story = (struct story){.stop_image = 0};
    job.resume = 1;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_string_equal(story.text, "BX");
    assert_int_equal(story.last.step, 6);
    assert_int_equal(story.last.epoch, 2);

    /* an end asked for in validation leaves the epoch open; it is validated again */
    story = (struct story){.stop_image = 1};
    job.resume = 0;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_string_equal(story.text, "BSSSvCX");
    assert_int_equal(story.last.end, UNET_END_ASKED);
    story = (struct story){.stop_image = 0};
    job.resume = 1;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_string_equal(story.text, "BvvECSSSvvECX");
    unet_model_free(model);
    free_dataset(set);
    free_dataset(val);
}

static int stop_at_begin(void *context, const unet_progress *p)
{
    *(unet_progress *)context = *p;
    return p->event == UNET_EVENT_BEGIN;
}

/* A run that is made longer tells what its rate would be, and can be left as it was. */
static void test_longer_run(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    unet_train_options o = options_of(0, 2);
    unet_model *model = make_model(&small_same, 1);
    struct story story = {.stop_image = 0};
    unet_train_job job = job_of(model, set, NULL, &story);
    unet_progress seen = {0};
    unet_error err;
    (void)state;
    o.steps = 4;
    o.schedule = UNET_SCHEDULE_POLY;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    unlink(in_folder("last"));
    o.steps = 8;
    job.resume = 1;
    job.progress = stop_at_begin;
    job.context = &seen;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    const double before = (double)o.learning_rate * pow(0.25, (double)o.power);
    const double after = (double)o.learning_rate * pow(0.5, (double)o.power);
    if (fabs(seen.rate - before) > 1e-6 * before || fabs(seen.next_rate - after) > 1e-6 * after)
        fail_msg("rates %g and %g, wanted %g and %g", seen.rate, seen.next_rate, before, after);
    assert_int_equal(seen.end, UNET_END_ASKED);
    assert_int_not_equal(access(in_folder("last"), F_OK), 0);
    unet_model_free(model);
    free_dataset(set);
}

/* With a rate of 0 no epoch is better than the first; the score of a network with norms moves
 * though, so this one has none. */
static void test_patience_and_time(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1), *val = make_dataset(2, 50, 60, 1);
    unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 2, .padding = 1};
    unet_train_options o = options_of(50, 2);
    unet_model *model = make_model(&spec, 1);
    struct story story = {.stop_image = 0};
    unet_train_job job = job_of(model, set, val, &story);
    unet_error err;
    (void)state;
    o.learning_rate = 0;
    o.patience = 3;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_int_equal(story.last.end, UNET_END_PATIENCE);
    assert_int_equal(story.last.epoch, 4);
    assert_int_equal(story.last.best_epoch, 1);
    assert_int_equal(story.epoch.improved, 0);

    o.patience = 0;
    o.epochs = 0;
    o.seconds = 0.2;
    story = (struct story){.stop_image = 0};
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_int_equal(story.last.end, UNET_END_TIME);
    assert_true(story.last.seconds >= 0.2);
    /* the time that was worked counts, up to the last checkpoint: the limit may have passed between
     * that and the end */
    story = (struct story){.stop_image = 0};
    o.seconds = 0.05;
    job.resume = 1;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_string_equal(story.text, "BX");
    unet_model_free(model);
    free_dataset(set);
    free_dataset(val);
}

/* The last layer's bias makes the network say class 1 everywhere. */
static void test_one_class(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1), *val = make_dataset(2, 50, 60, 1);
    (void)state;
    for (int with = 0; with < 2; with++) {
        unet_train_options o = options_of(3, 2);
        unet_model *model = make_model(&small_same, 1);
        struct story story = {.stop_image = 0};
        unet_train_job job = job_of(model, set, with ? val : NULL, &story);
        unet_error err;
        o.learning_rate = 0;
        o.batch = 8;
        model->values[model->graph.trainable - 1] = 1e4f;
        if (unet_train(&job, &o, &err))
            fail_msg("%s", err.text);
        if (story.epoch.one_class != 3)
            fail_msg("validation %d: %d epochs of one class", with, story.epoch.one_class);
        unet_model_free(model);
    }
    free_dataset(set);
    free_dataset(val);
}

static void test_validation_loss(void **state)
{
    const float two[] = {1, 100, 0, -2, 3, -100, 0, 5}; /* [2][2][2] */
    const float one[] = {0, 2, -3, 1000};
    const uint8_t truth[] = {1, 0, 0, UNET_IGNORE}, binary[] = {1, 0, 1, 0};
    struct un_pool *pool = un_pool_create(2);
    double rows[2], want;
    uint64_t count;
    (void)state;
    want = log(1 + exp(-2.0)) + 0 + log(2.0);
    double got = un_validation_loss(two, truth, 2, 2, 2, pool, rows, &count);
    if (count != 3 || fabs(got - want) > 1e-12)
        fail_msg("%.17g over %d pixels, wanted %.17g", got, (int)count, want);
    want = log(2.0) + log(1 + exp(2.0)) + log(1 + exp(3.0)) + 1000;
    got = un_validation_loss(one, binary, 1, 2, 2, pool, rows, &count);
    if (count != 4 || fabs(got - want) > 1e-9)
        fail_msg("%.17g over %d pixels, wanted %.17g", got, (int)count, want);
    un_pool_free(pool);
}

/* A step that fails keeps the good weights in last, and the checkpoint as it was. */
static void test_failed_step(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1);
    unet_train_options o = options_of(100, 4);
    unet_model *model = make_model(&small_valid, 1), *kept;
    struct story story = {.stop_image = 0};
    unet_train_job job = job_of(model, set, NULL, &story);
    unet_error err;
    (void)state;
    unlink(in_folder("last"));
    o.tile = 60;
    o.optimizer = UNET_OPTIMIZER_SGD;
    o.learning_rate = 1e6f;
    assert_int_equal(unet_train(&job, &o, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "learning rate"));
    if (unet_model_load(in_folder("last"), &kept, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(kept->values, model->values, model->graph.values * sizeof(float));
    unet_model_free(kept);
    unet_model_free(model);
    free_dataset(set);
}

/* Without held-out images the loss of one tile is no match for that of a whole epoch, and what only
 * held-out images have cannot be learned. */
static void test_cut_short(void **state)
{
    unet_dataset *set = make_dataset(2, 70, 90, 1), *val = make_dataset(1, 50, 60, 1);
    unet_train_options o = options_of(0, 4);
    unet_model *model = make_model(&small_same, 1);
    struct story story = {.stop_image = 0};
    unet_train_job job = job_of(model, set, NULL, &story);
    unet_error err;
    (void)state;
    for (o.steps = 41; o.steps <= 43; o.steps++) { /* of three, one will have a low loss */
        story = (struct story){.stop_image = 0};
        if (unet_train(&job, &o, &err))
            fail_msg("%s", err.text);
        assert_int_equal(story.epoch.epoch, 11);
        if (story.epoch.improved || story.last.best_epoch == 11)
            fail_msg("%ld steps: the best is the epoch that was cut short", o.steps);
    }
    for (int i = 0; i < set->count; i++)
        memset(set->pairs[i].mask, 0, 70 * 90);
    job.validation = val;
    assert_int_equal(unet_train(&job, &o, &err), UNET_EINVAL);
    assert_string_equal(err.text, "the images to train on have class 0 alone; all others are in "
                                  "held-out images");
    unet_model_free(model);
    free_dataset(val);
    free_dataset(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longer_run),        cmocka_unit_test(test_events),
        cmocka_unit_test(test_patience_and_time), cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_one_class),         cmocka_unit_test(test_validation_loss),
        cmocka_unit_test(test_failed_step),
    };
    return cmocka_run_group_tests_name("loop", tests, folder_create, folder_destroy);
}
