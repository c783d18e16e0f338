/* SPDX-License-Identifier: Apache-2.0 */
/* A run that was stopped and went on gives the bits of one that was not; a checkpoint of another
 * run, or a damaged one, is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resume_scene.h"
#include "train/checkpoint.h"

static void test_from_every_step(void **state)
{
    struct scene s = scene_create();
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const bool validate = v != 2;
        unet_train_options o = variant(v);
        struct history whole = {.stop_at = 0};
        size_t bytes;
        float *want = run(&s, &o, 0, validate, &whole, &bytes);
        assert_int_equal(whole.end, UNET_END_LIMIT);
        for (int stop = 1; stop <= ALL; stop++) {
            struct history parts = {.stop_at = stop};
            o.threads = 1;
            free(run(&s, &o, 0, validate, &parts, &bytes));
            assert_int_equal(parts.end, UNET_END_ASKED);
            parts.stop_at = 0;
            o.threads = 1 << (stop % 3); /* 1, 2 or 4 */
            float *got = run(&s, &o, 1, validate, &parts, &bytes);
            assert_int_equal(parts.begin_step, stop);
            assert_int_equal(parts.begin_epoch, (stop - 1) / STEPS);
            expect_same(&whole, &parts, v, stop);
            if (memcmp(want, got, bytes))
                fail_msg("variant %d, stopped at %d: other weights", v, stop);
            free(got);
        }
        free(want);
    }
    scene_release(&s);
}

/* Stopped after each step, on 1, 2, 4 threads in turn; and never, on 4. */
static void test_many_stops_and_threads(void **state)
{
    struct scene s = scene_create();
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        unet_train_options o = variant(v);
        struct history whole = {.stop_at = 0}, other = whole, parts = whole;
        size_t bytes;
        float *want = run(&s, &o, 0, true, &whole, &bytes);
        o.threads = 4;
        float *got = run(&s, &o, 0, true, &other, &bytes);
        expect_same(&whole, &other, v, 0);
        assert_memory_equal(want, got, bytes);
        for (int i = 0; i <= ALL; i++) {
            free(got);
            o.threads = 1 << (i % 3);
            parts.stop_at = i < ALL ? i + 1 : 0;
            got = run(&s, &o, i > 0, true, &parts, &bytes);
        }
        expect_same(&whole, &parts, v, -1);
        assert_memory_equal(want, got, bytes);
        free(want);
        free(got);
    }
    scene_release(&s);
}

/* A trainer by itself: save after some steps, load into another one. */
static void test_save_and_load(void **state)
{
    struct scene s = scene_create();
    unet_train_options o = variant(1);
    unet_model *a = make_model(&small_same, 1), *b = make_model(&small_same, 2);
    unet_trainer *first, *second;
    unet_error err;
    const char *path = in_folder("saved");
    (void)state;
    if (unet_trainer_create(a, s.set, &o, &first, &err) ||
        unet_trainer_create(b, s.set, &o, &second, &err) || unet_trainer_step(first, NULL, &err) ||
        unet_trainer_step(second, NULL, &err) || unet_trainer_step(first, NULL, &err) ||
        unet_trainer_save(first, path, &err) || unet_trainer_load(second, path, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_trainer_all(second).step, 2);
    for (int i = 0; i < 3; i++) {
        double x = 0, y = 0;
        if (unet_trainer_step(first, &x, &err) || unet_trainer_step(second, &y, &err))
            fail_msg("%s", err.text);
        assert_true(x == y);
    }
    assert_memory_equal(weights_of(a), weights_of(b), a->graph.values * sizeof(float));
    unet_trainer_free(first);
    unet_trainer_free(second);
    unet_model_free(a);
    unet_model_free(b);
    scene_release(&s);
}

/* ---- what must be refused ---- */

static void expect_refused(const struct scene *s, const unet_train_options *o, const char *path,
                           unet_code want, const char *words)
{
    unet_model *model = make_model(&small_same, 5);
    const size_t bytes = model->graph.values * sizeof(float);
    float *before = malloc(bytes);
    unet_trainer *t;
    unet_error err;
    memcpy(before, model->values, bytes);
    if (unet_trainer_create(model, s->set, o, &t, &err))
        fail_msg("%s", err.text);
    unet_code code = unet_trainer_load(t, path, &err);
    if (code != want || !strstr(err.text, words))
        fail_msg("code %d: \"%s\", wanted %d with \"%s\"", code, err.text, want, words);
    assert_memory_equal(before, weights_of(model), bytes);
    assert_int_equal(unet_trainer_all(t).step, 0);
    if (unet_trainer_step(t, NULL, &err))
        fail_msg("after a refused checkpoint: %s", err.text);
    unet_trainer_free(t);
    unet_model_free(model);
    free(before);
}

static void test_another_run(void **state)
{
    struct scene s = scene_create();
    unet_train_options o = base_options(), other;
    struct history h = {.stop_at = 2};
    size_t bytes;
    const char *path = in_folder("checkpoint");
    float weights[] = {1, 2};
    (void)state;
    free(run(&s, &o, 0, false, &h, &bytes));
    other = o;
    other.batch = 3;
    expect_refused(&s, &other, path, UNET_EINVAL, "batch 2, this run has 3");
    other = o;
    other.optimizer = UNET_OPTIMIZER_SGD;
    expect_refused(&s, &other, path, UNET_EINVAL, "optimizer \"adam\", this run has \"sgd\"");
    other = o;
    other.augment.elastic = 3;
    expect_refused(&s, &other, path, UNET_EINVAL, "augment.elastic");
    other = o;
    other.class_weights = weights;
    expect_refused(&s, &other, path, UNET_EINVAL, "class_weights");
    s.set->pairs[1].mask[7] ^= 1;
    expect_refused(&s, &o, path, UNET_EINVAL, "other masks");
    s.set->pairs[1].mask[7] ^= 1;
    ((uint8_t *)s.set->pairs[0].image.data)[1999] ^= 1;
    expect_refused(&s, &o, path, UNET_EINVAL, "other pixels");
    ((uint8_t *)s.set->pairs[0].image.data)[1999] ^= 1;
    s.set->count = 1;
    expect_refused(&s, &o, path, UNET_EINVAL, "2 training images, this run has 1");
    s.set->count = 2;
    expect_refused(&s, &o, in_folder("nowhere"), UNET_EIO, "nowhere");
    expect_refused(&s, &o, in_folder("last.safetensors"), UNET_EFORMAT, "is no checkpoint");
    scene_release(&s);
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Cut anywhere, or with any byte of the header changed: refused, or the change did not matter;
 * never a trainer that is half the one, half the other. */
static void test_damaged(void **state)
{
    struct scene s = scene_create();
    unet_train_options o = base_options();
    struct history h = {.stop_at = 2};
    size_t size, length;
    unet_error err;
    (void)state;
    free(run(&s, &o, 0, false, &h, &length));
    unsigned char *bytes = read_bytes(in_folder("checkpoint"), &size);
    const char *path = in_folder("damaged");
    unet_model *model = make_model(&small_same, 5);
    unet_trainer *t;
    if (unet_trainer_create(model, s.set, &o, &t, &err))
        fail_msg("%s", err.text);
    for (size_t cut = 0; cut < size; cut += 1 + size / 60) {
        write_bytes(path, bytes, cut);
        if (!unet_trainer_load(t, path, &err))
            fail_msg("cut to %zu of %zu bytes it was read", cut, size);
        assert_int_equal(unet_trainer_all(t).step, 0);
    }
    for (int i = 0; i < 300; i++) {
        size_t at = un_rng_below(3, (uint64_t)i, 3000);
        unsigned char old = bytes[at];
        bytes[at] ^= (unsigned char)(1 << un_rng_below(4, (uint64_t)i, 7));
        write_bytes(path, bytes, size);
        bytes[at] = old;
        if (unet_trainer_load(t, path, &err) == UNET_OK)
            continue;
        if (!strstr(err.text, "damaged"))
            fail_msg("byte %zu: \"%s\" does not name the file", at, err.text);
    }
    memset(bytes + size - 4, 255, 4);
    write_bytes(path, bytes, size);
    assert_int_equal(unet_trainer_load(t, path, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "nan"));
    unet_trainer_free(t);
    unet_model_free(model);
    free(bytes);
    scene_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_every_step), cmocka_unit_test(test_many_stops_and_threads),
        cmocka_unit_test(test_save_and_load),   cmocka_unit_test(test_another_run),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("resume", tests, folder_create, folder_destroy);
}
