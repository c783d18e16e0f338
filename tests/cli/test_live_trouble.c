/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong beside the training: an image or a class that goes, a disk that takes no more, an
 * export that is stopped.  Nothing of it may end the learning or lose what was learnt.
 */
#include <math.h>

#include "live_scene.h"
#include "studio/live/learner_inside.h"
#include "shared/progress.h"

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

static void wait_for_steps(struct live *live, long steps)
{
    const double until = seconds_now() + 120;
    while (live_steps(live) < steps) {
        if (seconds_now() > until)
            fail_msg("%ld steps wanted: %s", steps, json_dumps(live_state(live), 0));
        usleep(10000);
    }
}

static void wait_for_state(struct live *live, const char *state)
{
    pthread_mutex_lock(&live->lock);
    while (strcmp(live->state, state) || live->saving) {
        pthread_mutex_unlock(&live->lock);
        usleep(10000);
        pthread_mutex_lock(&live->lock);
    }
    pthread_mutex_unlock(&live->lock);
}

/* Both classes in image 0. */
static void paint_both(struct scene *scene)
{
    scene_paint(scene, 0, 0, 15, 10, 40);
    scene_paint(scene, 0, 1, 50, 10, 40);
}

/* An image that was removed while the server runs is passed over, and the others are learnt. */
static void test_image_goes(void **state)
{
    struct scene scene;
    struct learner *learner;
    struct learner_recipe recipe = learner_recipe(1, 2);
    const struct live_options options = {.threads = 1};
    unet_error err;
    (void)state;
    recipe.spec.width = 4;
    recipe.train.tile = 32;
    scene_make(&scene, 3, 64);
    paint_both(&scene);
    const struct studio_rect gone = scene_paint(&scene, 1, 1, 50, 10, 40);
    assert_int_equal(unlink(studio_image(scene.studio, 1)->path), 0);
    if (learner_create(scene.studio, &options, NULL, &recipe, &learner, &err))
        fail_msg("%s", err.text);
    assert_true(learner_can_learn(learner));
    if (learner_change(learner, 1, gone, NULL, NULL, NULL, 0, &err) ||
        learner_step(learner, NULL, &err) ||
        learner_change(learner, 0, scene_paint(&scene, 0, 1, 40, 10, 40), NULL, NULL, NULL, 0,
                       &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 250; i++) /* also when it would have its turn */
        if (learner_step(learner, NULL, &err))
            fail_msg("%s", err.text);
    learner_free(learner);
    scene_end(&scene);
}

/* The mean loss of the first steps on one float image, painted in its upper left corner. */
static double first_losses(const float *data, int side)
{
    struct scene scene = {.folder = "/tmp/test_live_XXXXXX"};
    char path[100], *paths[] = {path};
    const unet_image image = {side, side, 1, UNET_F32, 0, (void *)(uintptr_t)data};
    const struct live_options options = {.threads = 1};
    const struct studio_given given = {
        .folder = scene.folder, .paths = paths, .count = 1, .note = hear_nothing};
    struct learner *learner;
    double loss, sum = 0;
    unet_error err;
    assert_non_null(mkdtemp(scene.folder));
    snprintf(path, sizeof(path), "%s/a.tif", scene.folder);
    if (unet_image_write(path, &image, &err) || studio_open(&given, &scene.studio, &err))
        fail_msg("%s", err.text);
    paint_both(&scene);
    if (learner_create(scene.studio, &options, NULL, NULL, &learner, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++, sum += loss)
        if (learner_step(learner, &loss, &err))
            fail_msg("%s", err.text);
    learner_free(learner);
    scene_end(&scene);
    return sum / 3;
}

/* Float images with NaN where there is no data are learnt from, on the scale that the rest has,
 * also where there is none in the middle. */
static void test_no_data(void **state)
{
    enum { SIDE = 700 };
    float *data = malloc(SIDE * SIDE * sizeof(*data));
    (void)state;
    for (int hole = 0; hole < 2; hole++) {
        for (int i = 0; i < SIDE * SIDE; i++) {
            const int x = i % SIDE, y = i / SIDE;
            const int is_hole = x > 80 && y > 80 && x < SIDE - 80 && y < SIDE - 80;
            data[i] = i < 5 || (hole && is_hole) ? NAN : (float)(x < 32 ? 1000 + i % 7 : 5000);
        }
        const double loss = first_losses(data, SIDE);
        if (!(loss < 20))
            fail_msg("a loss of %g%s", loss, hole ? " with a hole in the middle" : "");
    }
    free(data);
}

/* Waits until nothing more is written; the model's file is of so many classes, and class 1 is
 * called so. */
static void check_file(struct live *live, const char *name, int classes)
{
    unet_model *model;
    unet_error err;
    uint8_t rgb[3];
    pthread_mutex_lock(&live->lock);
    while (live->classes_changed || live->saving)
        pthread_cond_wait(&live->work, &live->lock);
    pthread_mutex_unlock(&live->lock);
    if (unet_model_load(live->model_path, &model, &err))
        fail_msg("%s", err.text);
    assert_string_equal(unet_model_class(model, 1, rgb), name);
    assert_int_equal(unet_model_labels(model), classes);
    unet_model_free(model);
}

static void set_classes(struct scene *scene, json_t *classes)
{
    json_t *body = json_pack("{so}", "classes", classes);
    unet_error err;
    if (!classes || studio_set_classes(scene->studio, body, &err))
        fail_msg("%s", err.text);
    json_decref(body);
}

/* Other names of as many classes are the same network, and are in its file at once; one class more
 * is another, and nothing is segmented with the one of before. */
static void test_names_change(void **state)
{
    struct scene scene;
    unet_error err = {0};
    (void)state;
    json_t *all = json_pack("{sb}", "masks", 1);
    scene_make(&scene, 1, 64);
    paint_both(&scene);
    struct live *live = scene_start(&scene, 0);
    wait_for_steps(live, 3);
    live_train(live, 0);
    wait_for_state(live, "paused");
    const long steps = live_steps(live);
    set_classes(&scene, json_pack("[{ssss}{ssss}]", "name", "rest", "color", "#000000", "name",
                                  "cell", "color", "#010203"));
    check_file(live, "cell", 2);
    live_train(live, 1);
    while (live_steps(live) == steps)
        usleep(1000);
    assert_true(live_steps(live) > steps);
    live_train(live, 0);
    wait_for_state(live, "paused");
    set_classes(&scene,
                json_pack("[{ssss}{ssss}{ssss}]", "name", "rest", "color", "#000000", "name",
                          "cell", "color", "#010203", "name", "wall", "color", "#ffffff"));
    assert_int_equal(live_export(live, all, &err), UNET_ESTOPPED);
    assert_non_null(strstr(err.text, "classes of now"));
    assert_false(live->exporting);
    check_file(live, "cell", 2);
    scene_stop(&scene);
    json_decref(all);
    scene_end(&scene);
}

/* What could not begin begins when the person wants it again, with the network that there was. */
static void test_begins_again(void **state)
{
    struct scene scene;
    char path[200];
    unet_model *model;
    unet_error err;
    (void)state;
    const struct learner_recipe recipe = learner_recipe(1, 2);
    scene_make(&scene, 1, 64);
    paint_both(&scene);
    snprintf(path, sizeof(path), "%s/project/run", scene.folder);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof(path), "%s/project/run/best.safetensors", scene.folder);
    if (unet_model_create(&recipe.spec, 7, &model, &err) || unet_model_save(model, path, &err))
        fail_msg("%s", err.text);
    unet_model_free(model);
    assert_int_equal(unlink(studio_image(scene.studio, 0)->path), 0);
    struct live *live = scene_start(&scene, 0);
    wait_for_state(live, "failed");
    assert_non_null(live->begin);
    write_image(studio_image(scene.studio, 0)->path, 64, 1);
    live_train(live, 1);
    wait_for_steps(live, 1);
    scene_stop(&scene);
    scene_end(&scene);
}

/* Where files cannot be written, learning goes on, and the page is told. */
static void test_learns_without_a_disk(void **state)
{
    struct scene scene;
    char path[200], *text = NULL;
    uint64_t at;
    (void)state;
    scene_make(&scene, 1, 64);
    paint_both(&scene);
    snprintf(path, sizeof(path), "%s/project/run", scene.folder);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof(path), "%s/project/run/checkpoint", scene.folder);
    assert_int_equal(mkdir(path, 0777), 0); /* in its way */
    assert_int_equal(events_join(&scene.studio->events, 8, &at), 1);
    struct live *live = scene_start(&scene, 0);
    for (const double until = seconds_now() + 120;
         !(text && strstr(text, "event: trouble") && strstr(text, "checkpoint"));) {
        assert_true(seconds_now() < until);
        free(text);
        text = events_wait(&scene.studio->events, &at, 1);
    }
    free(text);
    wait_for_steps(live, live_steps(live) + 5);
    scene_stop(&scene);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_stops), cmocka_unit_test(test_image_goes),
        cmocka_unit_test(test_no_data),      cmocka_unit_test(test_names_change),
        cmocka_unit_test(test_begins_again), cmocka_unit_test(test_learns_without_a_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
