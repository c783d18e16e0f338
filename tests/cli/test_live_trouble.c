/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong beside the training: an image or a class that goes, a disk that takes no more, an
 * export that is stopped.  Nothing of it may end the learning or lose what was learnt.
 */
#include "live_scene.h"
#include "shared/progress.h"

/* A prediction of the first tile of image 0. */
static void wait_for_tile(struct live *live)
{
    static uint8_t classes[STUDIO_TILE * STUDIO_TILE];
    const double until = seconds_now() + 120;
    while (!live_prediction(live, 0, 0, 0, 0, classes, NULL)) {
        assert_true(seconds_now() < until);
        usleep(10000);
    }
}

/* A prediction of before a class went is not taken over as one of that class. */
static void test_gone_class_is_not_taken(void **state)
{
    enum { SIDE = 64 };
    struct scene scene;
    char path[200];
    uint8_t classes[STUDIO_TILE * STUDIO_TILE];
    int64_t counts[UNET_MAX_CLASSES];
    unet_model *model;
    unet_error err;
    (void)state;
    const struct learner_recipe recipe = learner_recipe(1, 2);
    scene_make(&scene, 1, SIDE);
    snprintf(path, sizeof(path), "%s/project/run", scene.folder);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof(path), "%s/project/run/best.safetensors", scene.folder);
    if (unet_model_create(&recipe.spec, 7, &model, &err) || unet_model_save(model, path, &err))
        fail_msg("%s", err.text);
    struct live *live = scene_start(&scene, 1);
    wait_for_tile(live);
    pthread_mutex_lock(&live->lock);
    struct live_tile *tile = live_tiles_find(&live->tiles, 0, 0, 0);
    memset(tile->classes, 2, sizeof(tile->classes));
    memset(tile->classes, 1, STUDIO_TILE); /* the upper row */
    pthread_mutex_unlock(&live->lock);
    assert_true(live_prediction(live, 0, 0, 0, 0, classes, NULL) > 0);
    assert_int_equal(classes[0], 1);
    assert_int_equal(classes[STUDIO_TILE], UNET_IGNORE);
    json_t *reply, *body = json_pack("{sssissss}", "client", "test-live", "seq", 1, "tool",
                                     "accept", "what", "image");
    if (studio_stroke(scene.studio, 0, body, &reply, &err))
        fail_msg("%s", err.text);
    assert_int_equal(studio_painted(scene.studio, 0, counts), SIDE);
    assert_int_equal(counts[1], SIDE);
    json_decref(reply);
    json_decref(body);
    scene_stop(&scene);
    unet_model_free(model);
    scene_end(&scene);
}

/* The last event "export" that is not of one that runs; waits for it. */
static json_t *wait_for_export(struct scene *scene, uint64_t *at)
{
    static const char begin[] = "event: export\ndata: ";
    json_t *found = NULL;
    for (const double until = seconds_now() + 120; !found && seconds_now() < until;) {
        char *text = events_wait(&scene->studio->events, at, 1);
        if (!strncmp(text, begin, strlen(begin)))
            found = json_loads(text + strlen(begin), JSON_DISABLE_EOF_CHECK, NULL);
        free(text);
        if (found && !strcmp(json_string_value(json_object_get(found, "state")), "running")) {
            json_decref(found);
            found = NULL;
        }
    }
    assert_non_null(found);
    return found;
}

/* What is stopped before its process began says so, and the next one is none the worse; what is
 * refused meanwhile leaves the one that runs to be waited for. */
static void test_export_stops(void **state)
{
    struct scene scene;
    char path[200];
    unet_model *model;
    unet_error err;
    uint64_t at;
    (void)state;
    json_t *all = json_pack("{sb}", "masks", 1), *stop_it = json_pack("{sb}", "stop", 1);
    const struct learner_recipe recipe = learner_recipe(1, 2);
    scene_make(&scene, 2, 64);
    struct live *live = scene_start(&scene, 1);
    snprintf(path, sizeof(path), "%s/project/run/best.safetensors", scene.folder);
    if (unet_model_create(&recipe.spec, 7, &model, &err) || unet_model_save(model, path, &err))
        fail_msg("%s", err.text);
    assert_int_equal(events_join(&scene.studio->events, 8, &at), 1);
    assert_int_equal(live_export(live, stop_it, &err), UNET_OK); /* there is none */
    pthread_mutex_lock(&live->lock);
    while (strcmp(live->state, "paused") || live->saving) /* the trainer rests */
        pthread_cond_wait(&live->work, &live->lock);
    live->saving = 1; /* so that the export waits for it */
    pthread_mutex_unlock(&live->lock);
    if (live_export(live, all, &err))
        fail_msg("%s", err.text);
    assert_int_equal(live_export(live, all, &err), UNET_EINVAL);
    assert_true(live->exporter_running);
    assert_int_equal(live_export(live, stop_it, &err), UNET_OK);
    json_t *event = wait_for_export(&scene, &at);
    assert_string_equal(json_string_value(json_object_get(event, "state")), "stopped");
    assert_true(json_string_length(json_object_get(event, "message")) > 0);
    json_decref(event);
    json_decref(all);
    json_decref(stop_it);
    scene_stop(&scene);
    unet_model_free(model);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone_class_is_not_taken),
        cmocka_unit_test(test_export_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
