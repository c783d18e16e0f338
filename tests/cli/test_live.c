/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Training beside drawing: the same strokes at the same steps make the same network, memory stays
 * bounded however much is painted, and threads that paint, look and train at once get on with each
 * other (build with -fsanitize=thread to see how well).
 */
#include "live_scene.h"
#include "shared/progress.h"

/* A network that a test has time for. */
static struct learner_recipe small_recipe(const struct scene *scene)
{
    struct learner_recipe r = learner_recipe(learner_channels(scene->studio), 2);
    r.spec.width = 4;
    r.spec.depth = 2;
    r.train.tile = 32;
    r.train.batch = 2;
    return r;
}

static struct learner *make_learner(struct scene *scene, const struct learner_recipe *recipe,
                                    int threads)
{
    const struct live_options options = {.threads = threads, .seed = 4};
    struct learner *learner;
    unet_error err;
    if (learner_create(scene->studio, &options, NULL, recipe, &learner, &err))
        fail_msg("%s", err.text);
    return learner;
}

static void change(struct learner *learner, int image, struct studio_rect rect)
{
    unet_error err;
    if (learner_change(learner, image, rect, NULL, NULL, NULL, 0, &err))
        fail_msg("%s", err.text);
}

static void step(struct learner *learner, int count)
{
    unet_error err;
    for (int i = 0; i < count; i++)
        if (learner_step(learner, NULL, &err))
            fail_msg("%s", err.text);
}

/* The bytes of the model's file. */
static char *model_bytes(struct learner *learner, const char *folder, size_t *size)
{
    char path[100], *bytes;
    unet_model *model;
    unet_error err;
    snprintf(path, sizeof(path), "%s/m.safetensors", folder);
    if (learner_copy(learner, &model, &err) || unet_model_save(model, path, &err))
        fail_msg("%s", err.text);
    unet_model_free(model);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Strokes on a project of its own, between steps. */
static char *paint_and_learn(int threads, size_t *size)
{
    struct scene scene;
    scene_make(&scene, 3, 64);
    const struct learner_recipe recipe = small_recipe(&scene);
    struct learner *learner = make_learner(&scene, &recipe, threads);
    assert_false(learner_can_learn(learner));
    change(learner, 0, scene_paint(&scene, 0, 0, 10, 8, 40));
    assert_false(learner_can_learn(learner));
    change(learner, 0, scene_paint(&scene, 0, 1, 50, 8, 40));
    assert_true(learner_can_learn(learner));
    for (int i = 1; i < 3; i++) {
        step(learner, 3);
        change(learner, i, scene_paint(&scene, i, 1, 40 + 5 * i, 20, 10));
    }
    step(learner, 3);
    char *bytes = model_bytes(learner, scene.folder, size);
    learner_free(learner);
    scene_end(&scene);
    return bytes;
}

static void test_same_strokes_same_network(void **state)
{
    size_t size, other;
    char *one = paint_and_learn(1, &size);
    (void)state;
    for (int threads = 2; threads < 5; threads++) {
        char *many = paint_and_learn(threads, &other);
        if (size != other || memcmp(one, many, size))
            fail_msg("the models differ between 1 and %d threads", threads);
        free(many);
    }
    free(one);
}

/* Undone to nothing and painted again, it goes on. */
static void test_nothing_is_left(void **state)
{
    struct scene scene;
    (void)state;
    scene_make(&scene, 1, 64);
    const struct learner_recipe recipe = small_recipe(&scene);
    struct learner *learner = make_learner(&scene, &recipe, 2);
    change(learner, 0, scene_paint(&scene, 0, 0, 10, 8, 40));
    change(learner, 0, scene_paint(&scene, 0, 1, 50, 8, 40));
    step(learner, 2);
    for (int i = 0; i < 2; i++) {
        json_t *reply, *body = json_pack("{sssi}", "client", "test-live", "seq", ++scene.seq);
        unet_error err;
        if (studio_turn(scene.studio, 0, 1, body, &reply, &err))
            fail_msg("%s", err.text);
        json_decref(reply);
        json_decref(body);
        change(learner, 0, (struct studio_rect){0, 0, 64, 64});
    }
    assert_false(learner_can_learn(learner));
    change(learner, 0, scene_paint(&scene, 0, 0, 10, 8, 40));
    change(learner, 0, scene_paint(&scene, 0, 1, 50, 8, 40));
    assert_true(learner_can_learn(learner));
    step(learner, 2);
    assert_int_equal(learner_steps(learner), 4);
    learner_free(learner);
    scene_end(&scene);
}

/* Cells that do not fit take turns; a model still comes of it. */
static void test_memory_is_bounded(void **state)
{
    enum { SIDE = 1600, MOST = 2 << 20 };
    struct scene scene;
    size_t most = 0;
    (void)state;
    scene_make(&scene, 1, SIDE);
    struct learner_recipe recipe = small_recipe(&scene);
    recipe.patch_bytes = MOST;
    struct learner *learner = make_learner(&scene, &recipe, 2);
    const size_t before = learner_bytes(learner);
    for (int y = 100; y < SIDE; y += 300)
        for (int x = 100; x < SIDE; x += 300)
            change(learner, 0, scene_paint(&scene, 0, x >= SIDE / 2, x, y, 20));
    for (int i = 0; i < 6; i++) {
        step(learner, 100);
        most = learner_bytes(learner) > most ? learner_bytes(learner) : most;
    }
    if (most > before + MOST + (MOST >> 2))
        fail_msg("%zu bytes at first, then %zu, though patches may take %d", before, most, MOST);
    learner_free(learner);
    scene_end(&scene);
}

/* ---- all threads at once ------------------------------------------------------------------ */

/* Waits for a prediction of image 0 of at least this generation; the share of it that is right. */
static double wait_for(struct live *live, long generation, int side)
{
    static uint8_t classes[STUDIO_TILE * STUDIO_TILE];
    const double until = seconds_now() + 240;
    long found;
    while ((found = live_prediction(live, 0, 0, 0, 0, classes, NULL)) < generation) {
        if (seconds_now() > until) {
            json_t *state = live_state(live);
            fail_msg("no prediction %ld after 4 minutes: %s", generation, json_dumps(state, 0));
        }
        usleep(20000);
    }
    int right = 0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            right += classes[y * STUDIO_TILE + x] == (x >= side / 2);
    return (double)right / (side * side);
}

/* What is seen of an image is what the whole image would give, and levels are every second pixel.
 */
static void check_looks(unet_norm norm, int side)
{
    struct scene scene;
    char path[200];
    const size_t pixels = (size_t)side * side;
    uint8_t *classes = malloc(pixels), *sure = malloc(pixels), *mask = malloc(pixels);
    static uint8_t half[STUDIO_TILE * STUDIO_TILE];
    float *p = malloc(2 * pixels * sizeof(*p));
    unet_image image;
    unet_model *model;
    unet_session *session;
    unet_error err;
    scene_make(&scene, 1, side);
    struct learner_recipe recipe = learner_recipe(1, 2);
    recipe.spec.norm = norm;
    snprintf(path, sizeof(path), "mkdir %s/project/run", scene.folder);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof(path), "%s/project/run/best.safetensors", scene.folder);
    const unet_answers answers = {.size = sizeof(answers), .mask = mask, .probabilities = p};
    if (unet_model_create(&recipe.spec, 7, &model, &err) || unet_model_save(model, path, &err) ||
        unet_image_read(studio_image(scene.studio, 0)->path, &image, &err) ||
        unet_session_create(model, NULL, &session, &err) ||
        unet_predict_all(session, &image, &answers, &err))
        fail_msg("%s", err.text);
    struct live *live = scene_start(&scene, 1);
    if (live_predict_now(live, 0, (struct studio_rect){0, 0, side, side}, classes, sure, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < pixels; i++) {
        const double want = 255 * (2 * (double)p[(size_t)mask[i] * pixels + i] - 1);
        if (want - sure[i] > 1 || want - sure[i] < -1 || (classes[i] != mask[i] && want > 1))
            fail_msg("row %zu, column %zu: class %d by %d / 255, the whole image says %d by %.2f",
                     i / (size_t)side, i % (size_t)side, classes[i], sure[i], mask[i], want);
    }
    const int last = (side - 1) / (2 * STUDIO_TILE);
    assert_true(live_prediction(live, 0, 1, last, 1, half, NULL) > 0);
    for (int y = 0; y < STUDIO_TILE; y++)
        for (int x = 0; x < STUDIO_TILE; x++) {
            const int v = 2 * (STUDIO_TILE + y), u = 2 * (last * STUDIO_TILE + x);
            const int want = v < side && u < side ? classes[v * side + u] : UNET_IGNORE;
            assert_int_equal(half[y * STUDIO_TILE + x], want);
        }
    assert_int_equal(live_prediction(live, 0, 0, 6, 0, half, NULL), 0); /* there is no image */
    scene_stop(&scene);
    unet_session_free(session);
    unet_model_free(model);
    unet_image_release(&image);
    free(classes);
    free(sure);
    free(mask);
    free(p);
    scene_end(&scene);
}

/* Blocks of a network that sees no further than they reach, and a network whose statistics are
 * those of the image. */
static void test_looks_are_predictions(void **state)
{
    (void)state;
    check_looks(UNET_NORM_NONE, 1300);
    check_looks(UNET_NORM_INSTANCE, 1000);
}

static void test_paint_look_and_train(void **state)
{
    enum { SIDE = 96 };
    struct scene scene;
    uint8_t classes[SIDE * SIDE];
    const char *why;
    double right = 0;
    unet_error err = {0};
    (void)state;
    scene_make(&scene, 3, SIDE);
    struct live *live = scene_start(&scene, 0);
    live_looks_at(live, 0, (struct studio_rect){0, 0, SIDE, SIDE});
    assert_int_equal(
        live_predict_now(live, 0, (struct studio_rect){0, 0, SIDE, SIDE}, classes, NULL, &err),
        UNET_ESTOPPED);
    scene_paint(&scene, 0, 0, 20, 10, 70);
    scene_paint(&scene, 0, 1, 70, 10, 70);
    const double begun = seconds_now();
    for (long generation = 1; seconds_now() - begun < 400 && right < 0.95; generation++) {
        right = wait_for(live, generation, SIDE);
        if (generation < 5)
            scene_paint(&scene, 1, generation % 2, generation % 2 ? 60 : 30, 10, 20);
        if (live_predict_now(live, 2, (struct studio_rect){5, 5, 60, 60}, classes, NULL, &err))
            fail_msg("%s", err.text);
    }
    if (right < 0.95)
        fail_msg("%.3f of the pixels are right, 0.95 wanted", right);
    assert_true(live_next(live, 0, &why) != 0);
    json_t *scores = live_scores(live);
    assert_true(json_is_array(json_object_get(scores, "dice")));
    json_decref(scores);
    scene_stop(&scene);

    /* who starts again goes on where this ended, and sees at once what it saw */
    live = scene_start(&scene, 1);
    live_looks_at(live, 0, (struct studio_rect){0, 0, SIDE, SIDE});
    wait_for(live, 1, SIDE);
    assert_int_equal(
        live_predict_now(live, 0, (struct studio_rect){0, 0, SIDE, SIDE}, classes, NULL, &err),
        UNET_OK);
    live_train(live, 1);
    const double until = begun + 500;
    while (live_steps(live) < 26 && seconds_now() < until)
        usleep(20000);
    assert_true(live_steps(live) > 25);
    scene_stop(&scene);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_strokes_same_network),
        cmocka_unit_test(test_nothing_is_left),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_looks_are_predictions),
        cmocka_unit_test(test_paint_look_and_train),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
