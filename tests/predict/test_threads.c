/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads as programs have them around the library: sessions at once, handed from one thread to
 * another, made and freed again and again, beside a training; after fork(); and where no thread can
 * be started.  Whatever happens, the bits are those of one thread alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/chosen.h"
#include "support/few_threads.h"
#include "train/trainer.h"
#include "train/training_set.h"

enum { HEIGHT = 60, WIDTH = 70, PIXELS = HEIGHT * WIDTH, STEPS = 4 };

static unet_dataset *set;
static unet_model *model;
static float want[2 * PIXELS]; /* logits of the first image, by one thread */

static const unet_spec spec = {.in_channels = 1,
                               .classes = 2,
                               .width = 20,
                               .depth = 2,
                               .padding = UNET_PADDING_SAME,
                               .norm = UNET_NORM_BATCH};

/* Unlike cmocka's, of use in any thread and in a child: 0, or 1 when something was wrong. */
static int predict(unet_session *session)
{
    float *logits = malloc(sizeof want);
    unet_error err;
    int wrong = 1;
    if (unet_predict_logits(session, &set->pairs[0].image, logits, &err))
        fprintf(stderr, "predict: %s\n", err.text);
    else if (memcmp(logits, want, sizeof want))
        fprintf(stderr, "predict: other bits than those of one thread\n");
    else
        wrong = 0;
    free(logits);
    return wrong;
}

static unet_session *new_session(int threads)
{
    const unet_session_options options = {.threads = threads, .tile = 40};
    unet_session *session = NULL;
    unet_error err;
    if (unet_session_create(model, &options, &session, &err))
        fprintf(stderr, "session: %s\n", err.text);
    return session;
}

static int setup(void **state)
{
    (void)state;
    set = make_dataset(2, HEIGHT, WIDTH, 1);
    model = make_model(&spec, 3);
    unet_session *session = new_session(1);
    unet_error err;
    int failed = unet_predict_logits(session, &set->pairs[0].image, want, &err);
    unet_session_free(session);
    return failed;
}

static int teardown(void **state)
{
    (void)state;
    unet_model_free(model);
    free_dataset(set);
    return 0;
}

/* ---- beside each other ---- */

static void *predict_often(void *session)
{
    intptr_t wrong = 0;
    for (int i = 0; i < 4; i++)
        wrong += predict(session);
    return (void *)wrong;
}

static void *with_a_session(void *threads)
{
    unet_session *session = new_session((int)(intptr_t)threads);
    void *wrong = predict_often(session);
    unet_session_free(session);
    return wrong;
}

static void join(pthread_t thread)
{
    void *wrong;
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_int_equal((intptr_t)wrong, 0);
}

static void test_sessions_at_once(void **state)
{
    enum { AT_ONCE = 3 };
    pthread_t threads[AT_ONCE];
    (void)state;
    for (intptr_t i = 0; i < AT_ONCE; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, with_a_session, (void *)(i + 1)), 0);
    for (int i = 0; i < AT_ONCE; i++)
        join(threads[i]);
}

static void test_another_thread_than_its_maker(void **state)
{
    unet_session *session = new_session(3);
    pthread_t thread;
    (void)state;
    assert_int_equal(predict(session), 0);
    assert_int_equal(pthread_create(&thread, NULL, predict_often, session), 0);
    join(thread);
    assert_int_equal(predict(session), 0);
    unet_session_free(session);
}

static void test_made_and_freed(void **state)
{
    (void)state;
    if (chosen_has_threads())
        skip();
    for (int i = 0; i < 20; i++) {
        unet_session *session = new_session(1 + i % 4);
        assert_int_equal(predict(session), 0);
        unet_session_free(session);
    }
    assert_int_equal(count_threads(), 1);
}

/* ---- training ---- */

/* A few steps; then its weights, or NULL when something failed. */
static float *train(int threads)
{
    unet_train_options options = unet_train_options_default(&spec);
    unet_model *trained = NULL;
    unet_trainer *trainer = NULL;
    float *weights = NULL;
    unet_error err;
    int steps = 0;
    options.threads = threads;
    options.batch = 2;
    options.tile = 32;
    if (unet_model_create(&spec, 7, &trained, &err) ||
        unet_trainer_create(trained, set, &options, &trainer, &err)) {
        fprintf(stderr, "train: %s\n", err.text);
        goto done;
    }
    while (steps < STEPS && !unet_trainer_step(trainer, NULL, &err))
        steps++;
    if (steps == STEPS && (weights = malloc(trained->graph.values * sizeof *weights)))
        memcpy(weights, trained->values, trained->graph.values * sizeof *weights);
done:
    unet_trainer_free(trainer);
    unet_model_free(trained);
    return weights;
}

static void expect_weights(float *got, const float *wanted, const char *what)
{
    assert_non_null(got);
    assert_non_null(wanted);
    if (memcmp(got, wanted, model->graph.values * sizeof *got))
        fail_msg("%s: other weights than those of one thread", what);
    free(got);
}

static void *train_beside(void *unused)
{
    (void)unused;
    return train(3);
}

static void test_predict_while_training(void **state)
{
    float *alone = train(1);
    unet_session *session = new_session(2);
    pthread_t thread;
    void *weights;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, train_beside, NULL), 0);
    assert_null(predict_often(session));
    assert_int_equal(pthread_join(thread, &weights), 0);
    expect_weights(weights, alone, "training beside a prediction");
    unet_session_free(session);
    free(alone);
}

/* ---- small stacks: 128 KB, musl's own, in which a session and a training are made and run ---- */

#ifndef __SANITIZE_ADDRESS__ /* whose frames are larger */
static void *in_a_small_stack(void *unused)
{
    (void)unused;
    return with_a_session((void *)1) ? NULL : train(1);
}

static void test_small_stack(void **state)
{
    pthread_t thread;
    pthread_attr_t small;
    void *weights;
    float *wanted = train(1);
    (void)state;
    assert_int_equal(pthread_attr_init(&small), 0);
    assert_int_equal(pthread_attr_setstacksize(&small, 128 << 10), 0);
    assert_int_equal(pthread_create(&thread, &small, in_a_small_stack, NULL), 0);
    assert_int_equal(pthread_join(thread, &weights), 0);
    pthread_attr_destroy(&small);
    expect_weights(weights, wanted, "in a small stack");
    free(wanted);
}
#endif

/* ---- fork ---- */

static void test_fork(void **state)
{
    (void)state;
    skip_where_no_child_has_threads();
    if (chosen_has_threads())
        skip();
    for (int threads = 1; threads <= 3; threads++) {
        unet_session *session = new_session(threads);
        assert_int_equal(predict(session), 0);
        const pid_t child = fork();
        if (!child) {
            alarm(60);
            unet_session *other = new_session(threads);
            int wrong = predict(session) + predict(other);
            float *weights = train(threads);
            wrong += !weights;
            free(weights);
            unet_session_free(session);
            unet_session_free(other);
            _exit(wrong);
        }
        expect_exit(child);
        assert_int_equal(predict(session), 0);
        unet_session_free(session);
    }
}

/* ---- no threads ---- */

static void test_without_threads(void **state)
{
    float *alone = train(1);
    (void)state;
    for (int few = 0; few < 3; few++) {
        allowed_threads = few;
        unet_session *session = new_session(3);
        const int wrong = predict(session);
        unet_session_free(session);
        allowed_threads = few;
        float *weights = train(3);
        allowed_threads = -1;
        assert_int_equal(wrong, 0);
        expect_weights(weights, alone, "training with threads that cannot start");
    }
    free(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_at_once),
        cmocka_unit_test(test_another_thread_than_its_maker),
        cmocka_unit_test(test_made_and_freed),
        cmocka_unit_test(test_predict_while_training),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_small_stack),
#endif
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_without_threads),
    };
    return cmocka_run_group_tests_name("threads", tests, setup, teardown);
}
