/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the screen beside the training: which blocks are predicted next, what is taken over of
 * them, and which strokes are corrections of what was shown.
 */
#include <math.h>

#include "live_scene.h"
#include "studio/live/learner_inside.h"
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

/* Predicts by hand what is next in a view, and says where it was. */
static int look_once(struct live_tiles *tiles, const struct studio_image *what,
                     struct studio_rect view, long generation, struct live_spot *spot)
{
    if (!live_view_next(tiles, 0, what, view, generation, spot))
        return 0;
    for (int i = 0; i < 4; i++)
        live_tiles_take(tiles, 0, spot->core.x / STUDIO_TILE + i % 2,
                        spot->core.y / STUDIO_TILE + i / 2)
            ->generation = generation;
    return 1;
}

/* A view of thousands of blocks is predicted by and by: around its middle, as many as are kept,
 * those of the middle with every network, and the others in turns. */
static void test_large_view(void **state)
{
    enum { SIDE = 40000 };
    const struct studio_image what = {.height = SIDE, .width = SIDE, .channels = 1};
    const struct studio_rect views[] = {
        {0, 0, SIDE, SIDE}, {700, 9000, 39000, 1000}, {36000, 0, 4000, SIDE}, {5, 5, 600, 600}};
    (void)state;
    for (size_t v = 0; v < sizeof(views) / sizeof(*views); v++) {
        struct live_tiles *tiles = calloc(1, sizeof(*tiles));
        struct live_spot spot;
        double before = 0;
        int count = 0, close = 0;
        for (; look_once(tiles, &what, views[v], 1, &spot); count++) {
            assert_int_equal(spot.generation, 0);
            assert_true(spot.distance >= before || spot.is_far);
            assert_true(spot.core.x < views[v].x + views[v].width &&
                        spot.core.y < views[v].y + views[v].height);
            assert_int_equal(close, spot.is_far ? close : count);
            close += !spot.is_far;
            before = spot.is_far && count == close ? 0 : spot.distance;
        }
        assert_true(4 * count <= LIVE_TILES && count == tiles->count / 4);
        assert_true(v == 3 ? count == 4 : count > 72);
        for (int i = 0; i < close + (v != 3); i++) /* the middle, and one of the others */
            assert_true(look_once(tiles, &what, views[v], 2, &spot));
        assert_int_equal(spot.is_far, v != 3);
        const struct studio_rect renewed = spot.core;
        for (int i = 0; v != 3 && i < close + 1; i++)
            assert_true(look_once(tiles, &what, views[v], 3, &spot));
        assert_true(v == 3 || spot.core.x != renewed.x || spot.core.y != renewed.y);
        live_tiles_release(tiles);
        free(tiles);
    }
}

/* What the tile of image 0 shows by hand: class 1 everywhere. */
static void show_ones(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    struct live_tile *tile = live_tiles_take(&live->tiles, 0, 0, 0);
    memset(tile->classes, 1, sizeof(tile->classes));
    tile->generation = 1;
    pthread_mutex_unlock(&live->lock);
}

/* How many pixels of image 0 count more, as the project and as the learner have it. */
static int count_strong(struct scene *scene, int side)
{
    const struct live_options options = {.threads = 1};
    struct learner *learner;
    uint8_t *corrected = malloc((size_t)side * side);
    unet_error err;
    int count = 0, strong = 0;
    if (studio_corrected(scene->studio, 0, (struct studio_rect){0, 0, side, side}, corrected,
                         &err) ||
        learner_create(scene->studio, &options, NULL, NULL, &learner, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < side * side; i++) {
        count += corrected[i];
        strong += learner->cells.list[0].strong[i];
    }
    assert_int_equal(count, strong);
    learner_free(learner);
    free(corrected);
    return count;
}

/* What was painted because the prediction was wrong counts more, also after a restart, and not what
 * was taken back or painted over. */
static void test_corrections_stay(void **state)
{
    enum { SIDE = 64 };
    struct scene scene;
    char project[100];
    unet_error err;
    (void)state;
    scene_make(&scene, 1, SIDE);
    struct live *live = scene_start(&scene, 1);
    show_ones(live);
    scene_paint(&scene, 0, 1, 50, 10, 40); /* as it is shown */
    assert_int_equal(count_strong(&scene, SIDE), 0);
    scene_paint(&scene, 0, 0, 15, 10, 40);
    const int line = count_strong(&scene, SIDE);
    assert_true(line > 8 * 40);
    scene_paint(&scene, 0, 0, 30, 10, 40);
    assert_int_equal(count_strong(&scene, SIDE), 2 * line);
    scene_paint(&scene, 0, 1, 30, 10, 40); /* over it */
    assert_int_equal(count_strong(&scene, SIDE), line);
    scene_stop(&scene);
    studio_close(scene.studio);
    snprintf(project, sizeof(project), "%s/project", scene.folder);
    const struct studio_given again = {.folder = project, .note = hear_nothing};
    if (studio_open(&again, &scene.studio, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count_strong(&scene, SIDE), line);
    for (int i = 0; i < 3; i++) {
        json_t *reply, *body = json_pack("{sssi}", "client", "test-live", "seq", ++scene.seq);
        if (studio_turn(scene.studio, 0, 1, body, &reply, &err))
            fail_msg("%s", err.text);
        json_decref(reply);
        json_decref(body);
        assert_int_equal(count_strong(&scene, SIDE), i == 0 ? 2 * line : i == 1 ? line : 0);
    }
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone_class_is_not_taken),
        cmocka_unit_test(test_large_view),
        cmocka_unit_test(test_corrections_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
