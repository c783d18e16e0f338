/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data set that grows while it is trained on: the same patches at the same steps give the same
 * bits for any number of threads, a patch is what the next step learns from, and what does not fit
 * changes nothing.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "train/trainer.h"
#include "training_set.h"
#include "unet_embed.h"

enum { SIDE = 64, PIXELS = SIDE * SIDE };

/* A patch of noise in which the left half is one class and the right half the other. */
struct piece {
    uint8_t samples[PIXELS], mask[PIXELS];
    float weights[PIXELS];
    unet_patch patch;
};

static void make_piece(struct piece *p, uint64_t seed, bool turned)
{
    for (int i = 0; i < PIXELS; i++) {
        const bool right = i % SIDE >= SIDE / 2;
        p->samples[i] = (uint8_t)((right ? 150 : 40) + un_rng_below(seed, (uint64_t)i, 60));
        p->mask[i] = i / SIDE % 8 == 3 ? right != turned : UNET_IGNORE; /* a few strokes */
        p->weights[i] = i % 3 ? 1 : 2.5f;
    }
    p->patch = (unet_patch){.size = sizeof p->patch,
                            .image = {.data = p->samples,
                                      .height = SIDE,
                                      .width = SIDE,
                                      .channels = 1,
                                      .row = SIDE,
                                      .column = 1},
                            .mask = p->mask,
                            .weights = p->weights};
}

static unet_train_options few_options(int threads)
{
    unet_train_options options = unet_train_options_default(&small_same);
    options.threads = threads;
    options.batch = 2;
    options.tile = 32;
    options.seed = 5;
    options.average = 0.9f;
    options.augment.rotate = 10;
    options.augment.at_foreground = options.augment.at_background = 1;
    return options;
}

static unet_trainer *make_trainer(unet_model *model, const unet_dataset *set, int threads)
{
    const unet_train_options options = few_options(threads);
    unet_trainer *trainer;
    unet_error err;
    if (unet_trainer_create(model, set, &options, &trainer, &err))
        fail_msg("%s", err.text);
    return trainer;
}

static void put(unet_trainer *trainer, int i, const struct piece *piece)
{
    unet_error err;
    if (unet_trainer_put(trainer, i, &piece->patch, &err))
        fail_msg("image %d: %s", i, err.text);
}

static void step(unet_trainer *trainer, int count)
{
    unet_error err;
    for (int i = 0; i < count; i++)
        if (unet_trainer_step(trainer, NULL, &err))
            fail_msg("step %d: %s", i, err.text);
}

/* Steps with patches that come, are replaced and become empty on the way. */
static unet_model *grow(const unet_dataset *set, int threads, int first)
{
    unet_model *model = make_model(&small_same, 1), *copy;
    unet_trainer *trainer = make_trainer(model, set, threads);
    struct piece piece;
    unet_error err;
    step(trainer, first);
    for (int i = 0; i < 6; i++) {
        make_piece(&piece, (uint64_t)i, false);
        put(trainer, i < 4 ? 1 + i : i - 3, &piece);
        step(trainer, 2);
    }
    memset(piece.mask, UNET_IGNORE, sizeof piece.mask);
    put(trainer, 0, &piece);
    step(trainer, 3);
    if (unet_trainer_copy(trainer, &copy, &err))
        fail_msg("%s", err.text);
    unet_trainer_free(trainer);
    unet_model_free(model);
    return copy;
}

static void test_same_bits(void **state)
{
    static const int threads[] = {2, 3, 8};
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *one = grow(set, 1, 2), *later = grow(set, 1, 3);
    const size_t bytes = one->graph.values * sizeof(float);
    (void)state;
    for (int t = 0; t < 3; t++) {
        unet_model *many = grow(set, threads[t], 2);
        if (memcmp(one->values, many->values, bytes))
            fail_msg("the weights differ between 1 and %d threads", threads[t]);
        unet_model_free(many);
    }
    if (!memcmp(one->values, later->values, bytes))
        fail_msg("patches that came a step later made no difference");
    unet_model_free(one);
    unet_model_free(later);
    free_dataset(set);
}

/* What a model says of the right half of a piece, as a share of class 1. */
static double share_right(const unet_model *model, const struct piece *p)
{
    const unet_image image = {SIDE, SIDE, 1, UNET_U8, 0, (void *)p->samples};
    uint8_t mask[PIXELS];
    unet_session *session;
    unet_error err;
    int ones = 0;
    if (unet_session_create(model, NULL, &session, &err) ||
        unet_predict(session, &image, mask, &err))
        fail_msg("%s", err.text);
    unet_session_free(session);
    for (int i = 0; i < PIXELS; i++)
        ones += i % SIDE >= SIDE / 2 && mask[i] == 1;
    return ones / (PIXELS / 2.0);
}

/* Strokes that say the opposite of what was learnt so far are what the next steps learn. */
static void test_a_patch_is_learnt(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *model = make_model(&small_same, 3), *copy;
    unet_trainer *trainer = make_trainer(model, set, 2);
    struct piece piece;
    unet_error err;
    double share[2];
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        make_piece(&piece, 9, turned);
        put(trainer, 0, &piece);
        for (int round = 0; round < 20; round++) { /* not on one seed's luck */
            step(trainer, 20);
            if (unet_trainer_copy(trainer, &copy, &err))
                fail_msg("%s", err.text);
            share[turned] = share_right(copy, &piece);
            if (memcmp(&copy->seen, &model->seen, sizeof copy->seen))
                fail_msg("the copy does not know the values of the training's images");
            unet_model_free(copy);
            if (turned ? share[turned] < 0.2 : share[turned] > 0.8)
                break;
        }
    }
    if (!(share[0] > 0.8 && share[1] < 0.2))
        fail_msg("class 1 has %.2f of the right half, then %.2f; more than 0.8 and less than 0.2 "
                 "wanted",
                 share[0], share[1]);
    unet_trainer_free(trainer);
    unet_model_free(model);
    free_dataset(set);
}

static void test_no_label_is_left(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1);
    unet_trainer *trainer = make_trainer(model, set, 2);
    struct piece piece;
    unet_error err;
    (void)state;
    step(trainer, 1);
    make_piece(&piece, 1, false);
    memset(piece.mask, UNET_IGNORE, sizeof piece.mask);
    put(trainer, 0, &piece);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unet_trainer_step(trainer, NULL, &err), UNET_EINVAL);
        if (!strstr(err.text, "no image has a pixel with a label"))
            fail_msg("\"%s\"", err.text);
    }
    make_piece(&piece, 1, false);
    put(trainer, 1, &piece);
    step(trainer, 3);
    assert_int_equal(unet_trainer_all(trainer).step, 4);
    unet_trainer_free(trainer);
    unet_model_free(model);
    free_dataset(set);
}

static void expect(unet_trainer *trainer, int i, const struct piece *piece, const char *text)
{
    unet_error err = {0};
    const unet_code code = unet_trainer_put(trainer, i, &piece->patch, &err);
    if (code != UNET_EINVAL || !strstr(err.text, text))
        fail_msg("code %d, \"%s\"; wanted \"%s\"", code, err.text, text);
}

static void test_what_does_not_fit(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1), *plain = make_model(&small_same, 1);
    unet_trainer *trainer = make_trainer(model, set, 2), *other = make_trainer(plain, set, 2);
    struct piece piece;
    (void)state;
    make_piece(&piece, 1, false);
    expect(trainer, 2, &piece, "image 2; 0..1 wanted");
    expect(trainer, -1, &piece, "image -1");
    piece.mask[7] = 2;
    expect(trainer, 1, &piece, "image 1: class 2 in its mask, the model has 0..1");
    make_piece(&piece, 1, false);
    piece.patch.name = "a.png";
    piece.weights[3 * SIDE] = -1;
    expect(trainer, 1, &piece, "a.png: weight -1");
    piece.weights[3 * SIDE] = NAN;
    expect(trainer, 1, &piece, "a.png: weight nan");
    make_piece(&piece, 1, false);
    piece.patch.draws = -1;
    expect(trainer, 1, &piece, "draws -1");
    piece.patch.draws = INT32_MAX;
    expect(trainer, 1, &piece, "tiles of 32 pixels");
    make_piece(&piece, 1, false);
    piece.patch.image.channels = 3;
    piece.patch.image.column = piece.patch.image.channel = 1;
    expect(trainer, 1, &piece, "3 channels");
    step(trainer, 3);
    step(other, 3);
    if (memcmp(weights_of(model), weights_of(plain), model->graph.values * sizeof(float)))
        fail_msg("patches that were refused made a difference");
    unet_trainer_free(trainer);
    unet_trainer_free(other);
    unet_model_free(model);
    unet_model_free(plain);
    free_dataset(set);
}

/* Who stops between two strokes and puts the same patches again goes on with the same bits. */
static void test_goes_on(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1), *none = make_dataset(2, 50, 50, 1);
    unet_model *model[2] = {make_model(&small_same, 1), make_model(&small_same, 2)};
    unet_trainer *trainer[2];
    struct piece piece;
    unet_error err;
    char path[] = "/tmp/test_patch_XXXXXX";
    (void)state;
    close(mkstemp(path));
    for (int i = 0; i < 2; i++) {
        trainer[i] = make_trainer(model[i], i ? none : set, 1 + i);
        make_piece(&piece, 1, false);
        put(trainer[i], 0, &piece);
        make_piece(&piece, 2, false);
        put(trainer[i], 1, &piece);
        if (!i)
            step(trainer[i], 4);
        if (i ? unet_trainer_load(trainer[i], path, &err)
              : unet_trainer_save(trainer[i], path, &err))
            fail_msg("%s", err.text);
        step(trainer[i], 4);
    }
    if (memcmp(weights_of(model[0]), weights_of(model[1]), model[0]->graph.values * sizeof(float)))
        fail_msg("the weights differ from those of a run without a stop");
    for (int i = 0; i < 2; i++) {
        unet_trainer_free(trainer[i]);
        unet_model_free(model[i]);
    }
    remove(path);
    free_dataset(set);
    free_dataset(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),        cmocka_unit_test(test_a_patch_is_learnt),
        cmocka_unit_test(test_no_label_is_left), cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
