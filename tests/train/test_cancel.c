/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A training that is stopped by a unet_cancel leaves what one leaves that a progress function
 * stopped, and goes on bit for bit; a training on arrays has the weights of one on files.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/folder.h"
#include "training_set.h"
#include "unet_embed.h"
#include "unet_train.h"

enum { HEIGHT = 50, WIDTH = 60 };

/* When the token is set: at this step, or with this validation image; 0: never. */
struct story {
    unet_cancel cancel;
    int at_step, at_image, steps, images, ends;
    unet_train_end end;
    pthread_barrier_t *begun; /* the other thread waits for the first step; NULL: there is none */
};

static int on_progress(void *context, const unet_progress *p)
{
    struct story *story = context;
    if (p->event == UNET_EVENT_STEP && ++story->steps == story->at_step)
        unet_cancel_set(&story->cancel);
    if (p->event == UNET_EVENT_STEP && story->steps == 1 && story->begun)
        pthread_barrier_wait(story->begun);
    story->ends += p->event == UNET_EVENT_END;
    story->end = p->end;
    return 0;
}

static int on_validated(void *context, const unet_validated *v)
{
    struct story *story = context;
    (void)v;
    if (++story->images == story->at_image)
        unet_cancel_set(&story->cancel);
    return 0;
}

static unet_code train(unet_model *model, const unet_dataset *set, const unet_dataset *val,
                       struct story *story, int epochs, int resume, unet_error *err)
{
    unet_train_options o = unet_train_options_default(&small_same);
    o.epochs = epochs;
    o.steps_per_epoch = 3;
    o.tile = 32;
    const unet_train_job job = {.model = model,
                                .dataset = set,
                                .validation = val,
                                .best_path = in_folder("best"),
                                .last_path = in_folder("last"),
                                .checkpoint_path = in_folder("checkpoint"),
                                .resume = resume,
                                .progress = on_progress,
                                .validated = on_validated,
                                .context = story,
                                .cancel = &story->cancel};
    return unet_train(&job, &o, err);
}

static void expect_same_weights(const char *what, const unet_model *a, const unet_model *b)
{
    if (memcmp(weights_of(a), weights_of(b), a->graph.values * sizeof(float)))
        fail_msg("%s: other weights", what);
}

/* Stopped at a step, in the middle of an epoch or at its end, between validation images, and before
 * anything: then resumed. */
static void test_stop_and_resume(void **state)
{
    static const struct {
        const char *what;
        int at_step, at_image, steps, images;
    } rows[] = {{"at step 2", 2, 0, 2, 0},
                {"at step 3, the last of its epoch", 3, 0, 3, 0},
                {"at a validation image", 0, 1, 3, 1},
                {"at the last validation image", 0, 2, 3, 2}};
    unet_dataset *set = make_dataset(2, HEIGHT, WIDTH, 1), *val = make_dataset(2, 40, 44, 1);
    unet_model *whole = make_model(&small_same, 1);
    struct story none = {.at_step = 0};
    unet_error err;
    (void)state;
    if (train(whole, set, val, &none, 2, 0, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct story story = {.at_step = rows[i].at_step, .at_image = rows[i].at_image};
        unet_model *model = make_model(&small_same, 1);
        unlink(in_folder("last"));
        unet_code code = train(model, set, val, &story, 2, 0, &err);
        if (code != UNET_ESTOPPED || strcmp(err.text, "stopped") != 0)
            fail_msg("%s: code %d, %s", rows[i].what, code, err.text);
        if (story.steps != rows[i].steps || story.images != rows[i].images || story.ends != 1 ||
            story.end != UNET_END_ASKED)
            fail_msg("%s: %d steps, %d images, %d ends (%d)", rows[i].what, story.steps,
                     story.images, story.ends, story.end);
        assert_int_equal(access(in_folder("last"), F_OK), 0);
        unet_cancel_init(&story.cancel);
        story.at_step = story.at_image = 0;
        if (train(model, set, val, &story, 2, 1, &err))
            fail_msg("%s, resumed: %s", rows[i].what, err.text);
        expect_same_weights(rows[i].what, model, whole);
        unet_model_free(model);
    }
    unet_model_free(whole);
    free_dataset(set);
    free_dataset(val);
}

static void *set_cancel(void *context)
{
    struct story *story = context;
    pthread_barrier_wait(story->begun);
    unet_cancel_set(&story->cancel);
    return NULL;
}

static void test_other_thread(void **state)
{
    unet_dataset *set = make_dataset(2, HEIGHT, WIDTH, 1);
    unet_model *model = make_model(&small_same, 1);
    pthread_barrier_t begun;
    struct story story = {.begun = &begun};
    pthread_t other;
    unet_error err;
    (void)state;
    pthread_barrier_init(&begun, NULL, 2);
    pthread_create(&other, NULL, set_cancel, &story);
    unet_code code = train(model, set, set, &story, 100000, 0, &err);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&begun);
    assert_int_equal(code, UNET_ESTOPPED);
    assert_int_equal(story.end, UNET_END_ASKED);
    unet_model_free(model);
    free_dataset(set);
}

/* The same images and masks by files and by arrays: the same weights. */
static void test_arrays_as_files(void **state)
{
    unet_dataset *made = make_dataset(2, HEIGHT, WIDTH, 1), *sets[2];
    unet_model *models[2];
    unet_pair pairs[2] = {{0}};
    char name[32];
    unet_error err;
    (void)state;
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    for (int i = 0; i < 2; i++) {
        const struct un_sample_pair *pair = &made->pairs[i];
        const unet_image mask = {HEIGHT, WIDTH, 1, UNET_U8, 0, pair->mask};
        snprintf(name, sizeof name, "i/%d.png", i);
        assert_int_equal(unet_image_write(in_folder(name), &pair->image, &err), UNET_OK);
        snprintf(name, sizeof name, "m/%d.png", i);
        assert_int_equal(unet_image_write(in_folder(name), &mask, &err), UNET_OK);
        pairs[i].image = unet_view_of(&pair->image);
        pairs[i].mask = unet_view_of(&mask);
    }
    if (unet_dataset_open(in_folder("i"), in_folder("m"), NULL, &sets[0], &err) ||
        unet_dataset_from_arrays(pairs, 2, NULL, &sets[1], &err))
        fail_msg("%s", err.text);
    for (int k = 0; k < 2; k++) {
        struct story story = {.at_step = 0};
        models[k] = make_model(&small_same, 1);
        if (train(models[k], sets[k], NULL, &story, 2, 0, &err))
            fail_msg("%s", err.text);
        unet_dataset_free(sets[k]);
    }
    expect_same_weights("arrays", models[1], models[0]);
    unet_model_free(models[0]);
    unet_model_free(models[1]);
    free_dataset(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stop_and_resume, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_other_thread, folder_create, folder_destroy),
        cmocka_unit_test_setup_teardown(test_arrays_as_files, folder_create, folder_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
