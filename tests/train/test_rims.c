/* SPDX-License-Identifier: Apache-2.0 */
/* A network that learns what parts objects, from numbered masks to the objects of a new image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unet_embed.h"
#include "unet_objects.h"
#include "unet_scores.h"

enum { SIDE = 64, IMAGES = 6, PIXELS = SIDE * SIDE };

/*
 * Pairs of blocks that touch along a whole side, where a thin dark line is all that tells them
 * apart: without a neck there is nothing that a shape could say.
 */
struct picture {
    uint8_t image[PIXELS];
    uint32_t objects[PIXELS];
};

static void draw(uint64_t seed, struct picture *p)
{
    memset(p->objects, 0, sizeof p->objects);
    for (uint32_t k = 0; k < 4; k++) {
        const int top = 3 + 32 * (int)(k / 2) + (int)un_rng_below(seed, 4 * k, 6);
        const int left = 3 + 32 * (int)(k % 2) + (int)un_rng_below(seed, 4 * k + 1, 4);
        const int high = 12 + (int)un_rng_below(seed, 4 * k + 2, 8);
        const bool turned = un_rng_below(seed, 4 * k + 3, 2);
        for (int y = 0; y < high; y++)
            for (int x = 0; x < 20; x++) {
                const int at = turned ? (top + x) * SIDE + left + y : (top + y) * SIDE + left + x;
                p->objects[at] = 1 + 2 * k + (x >= 10);
            }
    }
    for (int i = 0; i < PIXELS; i++) {
        const uint32_t own = p->objects[i];
        const bool line =
            own && ((i % SIDE && p->objects[i - 1] && p->objects[i - 1] != own) ||
                    (i >= SIDE && p->objects[i - SIDE] && p->objects[i - SIDE] != own));
        p->image[i] = (uint8_t)((line  ? 90
                                 : own ? 180
                                       : 40) +
                                (int)un_rng_below(seed, 999 + i, 30));
    }
}

static unet_view view_of(const void *data, unet_sample sample, int bytes)
{
    return (unet_view){.data = data,
                       .height = SIDE,
                       .width = SIDE,
                       .channels = 1,
                       .row = SIDE * bytes,
                       .column = bytes,
                       .sample = sample};
}

static unet_dataset *make_set(const struct picture *pictures)
{
    const unet_dataset_options options = {
        .size = sizeof options, .ignore = -1, .labels = "instances"};
    unet_pair pairs[IMAGES];
    unet_dataset *set;
    unet_error err;
    for (int i = 0; i < IMAGES; i++)
        pairs[i] = (unet_pair){.image = view_of(pictures[i].image, UNET_U8, 1),
                               .mask = view_of(pictures[i].objects, UNET_U32, 4)};
    if (unet_dataset_from_arrays(pairs, IMAGES, &options, &set, &err))
        fail_msg("%s", err.text);
    return set;
}

static unet_train_options recipe(int threads)
{
    unet_train_options options = unet_train_options_default(NULL);
    options.learning_rate = 3e-3f;
    options.border = (unet_border){.weight = 5, .sigma = 3};
    options.threads = threads;
    return options;
}

/* So many steps, of which those from `first` on go on from a file; -1: in one go. */
static unet_model *train(const unet_dataset *set, long steps, long first, int threads,
                         const char *checkpoint)
{
    const unet_spec spec = {.size = sizeof spec,
                            .in_channels = 1,
                            .classes = 2,
                            .width = 6,
                            .depth = 2,
                            .padding = UNET_PADDING_SAME,
                            .rims = 3};
    unet_train_options options = recipe(threads);
    unet_model *model;
    unet_trainer *trainer;
    unet_error err = {0};
    assert_int_equal(unet_model_create(&spec, 3, &model, &err), UNET_OK);
    if (unet_trainer_create(model, set, &options, &trainer, &err))
        fail_msg("%s", err.text);
    for (long step = 0; step < steps; step++) {
        if (step == first) { /* from a file, in a trainer of its own */
            assert_int_equal(unet_trainer_save(trainer, checkpoint, &err), UNET_OK);
            unet_trainer_free(trainer);
            unet_model_free(model);
            assert_int_equal(unet_model_create(&spec, 3, &model, &err), UNET_OK);
            assert_int_equal(unet_trainer_create(model, set, &options, &trainer, &err), UNET_OK);
            if (unet_trainer_load(trainer, checkpoint, &err))
                fail_msg("%s", err.text);
        }
        if (unet_trainer_step(trainer, NULL, &err))
            fail_msg("%s", err.text);
    }
    unet_trainer_free(trainer);
    return model;
}

/* The objects of a picture by `options`, scored. */
static double f1_of(const struct picture *p, const uint8_t *mask, const uint8_t *inner,
                    const unet_objects_options *options)
{
    const unet_band band = {.rows = SIDE, .width = SIDE, .mask = mask, .inner = inner};
    static const uint8_t all[PIXELS];
    unet_objects *objects;
    unet_matches matches = {0};
    unet_error err;
    uint32_t ids[PIXELS];
    if (unet_objects_create(options, SIDE, SIDE, 2, &objects, &err) ||
        unet_objects_add(objects, &band, &err) || unet_objects_finish(objects, &err) ||
        unet_objects_rows(objects, 0, SIDE, ids, &err) ||
        unet_matches_add(&matches, ids, p->objects, all, PIXELS, &err))
        fail_msg("%s", err.text);
    unet_objects_free(objects);
    return 2.0 * (double)matches.matched[0] / (double)(matches.truth + matches.predicted);
}

static void test_touching(void **state)
{
    static struct picture pictures[IMAGES + 1];
    const struct picture *fresh = &pictures[IMAGES];
    static uint8_t mask[PIXELS], inner[PIXELS];
    unet_objects_options split = {.size = sizeof split, .split = 1};
    unet_objects_options learnt = {.size = sizeof learnt};
    unet_session *session;
    unet_error err = {0};
    (void)state;
    for (uint64_t i = 0; i <= IMAGES; i++)
        draw(i + 1, &pictures[i]);
    unet_dataset *set = make_set(pictures);
    unet_model *model = train(set, 400, -1, 2, NULL);
    const unet_image image = {SIDE, SIDE, 1, UNET_U8, 0, (void *)fresh->image};
    const unet_answers answers = {.size = sizeof answers, .mask = mask, .inner = inner};
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
    if (unet_predict_all(session, &image, &answers, &err))
        fail_msg("%s", err.text);
    unet_model_objects(model, &learnt);
    assert_int_equal(learnt.inner, 1);
    assert_in_range(learnt.minimum_area, 58, 65); /* of blocks of 120 pixels and more */
    int wrong = 0;
    for (int i = 0; i < PIXELS; i++)
        wrong += mask[i] != (fresh->objects[i] > 0); /* rims are of their object */
    const double with = f1_of(fresh, mask, inner, &learnt),
                 by_necks = f1_of(fresh, mask, NULL, &split);
    print_message("F1 %.3f, by necks %.3f, %d pixels wrong\n", with, by_necks, wrong);
    assert_true(wrong < PIXELS / 50);
    assert_true(with == 1 && by_necks < 0.5);
    unet_session_free(session);
    unet_model_free(model);
    unet_dataset_free(set);
}

/* A run that goes on from its checkpoint ends with the bits of one that nothing stopped. */
static void test_resumed(void **state)
{
    static struct picture pictures[IMAGES];
    static float logits[2][2 * PIXELS];
    char checkpoint[] = "/tmp/unet_rims_XXXXXX";
    const int fd = mkstemp(checkpoint);
    unet_error err = {0};
    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (uint64_t i = 0; i < IMAGES; i++)
        draw(i + 1, &pictures[i]);
    unet_dataset *set = make_set(pictures);
    const unet_image image = {SIDE, SIDE, 1, UNET_U8, 0, pictures[0].image};
    for (int k = 0; k < 2; k++) {
        unet_model *model = train(set, 12, k ? 7 : -1, k ? 1 : 2, checkpoint);
        unet_session *session;
        assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
        assert_int_equal(unet_predict_logits(session, &image, logits[k], &err), UNET_OK);
        unet_session_free(session);
        unet_model_free(model);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    unet_dataset_free(set);
    remove(checkpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_touching),
        cmocka_unit_test(test_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
