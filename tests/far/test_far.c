/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the seam asks of those above it, seen from an engine that is strict about it (far/far.h):
 * that it catches what it is there to catch, and that a device which is lost is an error that costs
 * nothing but the steps since the last checkpoint.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "far.h"
#include "predict/session.h"
#include "support/folder.h"
#include "train/trainer.h"
#include "train/training_set.h"

static struct un_engine *make_engine(int device)
{
    struct un_engine *e;
    unet_error err;
    if (un_far.create(device, 2, &e, &err))
        fail_msg("%s", err.text);
    return e;
}

/* ---- what the engine catches ---- */

static void read_memory(struct un_engine *e)
{
    volatile float *memory = e->ops->alloc(e, 64);
    (void)memory[0];
}

static void take_host_memory(struct un_engine *e)
{
    float x[16] = {0}, *result = e->ops->alloc(e, sizeof(double));
    e->ops->sum_squares(e, x, 16, (double *)result);
}

static void take_too_much(struct un_engine *e)
{
    float *x = e->ops->alloc(e, 16 * sizeof *x);
    double *result = e->ops->alloc(e, sizeof *result);
    e->ops->sum_squares(e, x, 17, result);
}

static void leave_memory(struct un_engine *e)
{
    e->ops->alloc(e, 64);
    e->ops->free(e);
}

/* Each in a process of its own, whose last words nobody wants to read. */
static void test_caught(void **state)
{
    static void (*const faults[])(struct un_engine * e) = {read_memory, take_host_memory,
                                                           take_too_much, leave_memory};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL);
            signal(SIGABRT, SIG_DFL);
            close(STDERR_FILENO);
            faults[i](make_engine(1));
            _exit(0);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            fail_msg("fault %zu was not caught", i);
    }
}

/* What lies in host_alloc's memory is read late, what lies elsewhere at once. */
static void test_fence(void **state)
{
    struct un_engine *e = make_engine(0);
    float *pinned = e->ops->host_alloc(e, sizeof *pinned), plain = 1, got;
    float *memory = e->ops->alloc(e, 2 * sizeof *memory);
    unet_error err;
    (void)state;
    *pinned = 1;
    e->ops->put(e, memory, pinned, sizeof *pinned);
    e->ops->put(e, memory + 1, &plain, sizeof plain);
    e->ops->put(e, memory, pinned, sizeof *pinned);
    *pinned = plain = 2;
    e->ops->get(e, &got, memory, sizeof got);
    assert_true(got == 2);
    e->ops->get(e, &got, memory + 1, sizeof got);
    assert_true(got == 1);
    e->ops->put(e, memory, pinned, sizeof *pinned);
    assert_int_equal(e->ops->finish(e, &err), UNET_OK);
    *pinned = 3;
    e->ops->get(e, &got, memory, sizeof got);
    assert_true(got == 2);
    assert_true(e->ops->memory(e) > 0);
    e->ops->release(e, memory);
    e->ops->host_release(e, pinned);
    e->ops->free(e);
}

/* ---- which device ---- */

static void test_choice(void **state)
{
    static const struct {
        const char *wanted;
        unet_code code;
        const char *says; /* the engine's name, or a part of the error */
    } cases[] = {
        {"far", UNET_OK, "far"},
        {"far:1", UNET_OK, "far"},
        {"far:REFERENCE", UNET_OK, "far"},
        {"reference", UNET_OK, "reference"},
        {"cpu:0", UNET_OK, "cpu"},
        {"", UNET_OK, "cpu"},
        {"far:2", UNET_EDEVICE, "far has 2, counted from 0; the first is the CPU engine"},
        {"far:abacus", UNET_EDEVICE, "UNET_ENGINE=far:abacus: no such device"},
        {"fa", UNET_EINVAL, "no such engine, wanted cpu or reference or opencl or far"},
    };
    const char *before = getenv("UNET_ENGINE");
    char *kept = before ? strdup(before) : NULL;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct un_engine *e;
        unet_error err;
        setenv("UNET_ENGINE", cases[i].wanted, 1);
        unet_code code = un_engine_choose(1, &e, &err);
        if (code != cases[i].code)
            fail_msg("%s: code %d", cases[i].wanted, code);
        if (!strstr(code ? err.text : e->ops->name, cases[i].says))
            fail_msg("%s: %s", cases[i].wanted, code ? err.text : e->ops->name);
        if (!code)
            e->ops->free(e);
    }
    if (kept)
        setenv("UNET_ENGINE", kept, 1);
    else
        unsetenv("UNET_ENGINE");
    free(kept);
}

/* ---- a device that is lost ---- */

static int set_far(void **state)
{
    (void)state;
    return setenv("UNET_ENGINE", "far", 1);
}

static int unset_far(void **state)
{
    (void)state;
    un_far_lost = false;
    return unsetenv("UNET_ENGINE");
}

static void expect_lost(unet_code code, const unet_error *err)
{
    if (code != UNET_EDEVICE || !strstr(err->text, "is lost"))
        fail_msg("code %d: %s", code, err->text);
}

/* The weights stay where they are until somebody asks; what was asked for last is what is left. */
static void test_lost_trainer(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1);
    unet_train_options o = unet_train_options_default(&small_same);
    const size_t bytes = model->graph.values * sizeof(float);
    float *known = malloc(bytes);
    const char *path = in_folder("model"), *checkpoint = in_folder("checkpoint");
    unet_tensor tensor;
    unet_trainer *t;
    unet_error err;
    (void)state;
    if (unet_trainer_create(model, set, &o, &t, &err))
        fail_msg("%s", err.text);
    memcpy(known, model->values, bytes);
    if (unet_trainer_step(t, NULL, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(known, model->values, bytes); /* nobody has asked */
    if (unet_model_tensor(model, 0, &tensor, &err))
        fail_msg("%s", err.text);
    assert_memory_not_equal(known, model->values, bytes);
    memcpy(known, model->values, bytes);
    if (unet_trainer_step(t, NULL, &err) || unet_model_save(model, path, &err) ||
        unet_trainer_save(t, checkpoint, &err))
        fail_msg("%s", err.text);
    memcpy(known, model->values, bytes);
    if (unet_trainer_step(t, NULL, &err))
        fail_msg("%s", err.text);
    un_far_lost = true;
    expect_lost(unet_trainer_step(t, NULL, &err), &err);
    un_far_lost = false; /* for others: a device that was lost does not come back */
    expect_lost(unet_trainer_step(t, NULL, &err), &err);
    expect_lost(unet_model_save(model, path, &err), &err);
    expect_lost(unet_trainer_save(t, checkpoint, &err), &err);
    expect_lost(unet_model_tensor(model, 0, &tensor, &err), &err);
    assert_memory_equal(known, model->values, bytes);
    unet_trainer_free(t);
    if (unet_trainer_create(model, set, &o, &t, &err) || unet_trainer_load(t, checkpoint, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_trainer_all(t).step, 2);
    assert_memory_equal(known, weights_of(model), bytes);
    unet_trainer_free(t);
    free(known);
    unet_model_free(model);
    free_dataset(set);
}

/* A step without labels changes no weight, but what norms remember. */
static void test_statistics(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_spec spec = small_same;
    spec.norm = UNET_NORM_BATCH;
    unet_model *model = make_model(&spec, 1);
    unet_train_options o = unet_train_options_default(&spec);
    const size_t count = model->graph.values, first = model->graph.trainable;
    float *before = malloc(count * sizeof *before);
    unet_trainer *t;
    unet_error err;
    (void)state;
    memset(set->pairs[0].mask, UNET_IGNORE, 70 * 90);
    memcpy(before, model->values, count * sizeof *before);
    if (unet_trainer_create(model, set, &o, &t, &err) || unet_trainer_step(t, NULL, &err))
        fail_msg("%s", err.text);
    const float *after = weights_of(model);
    assert_memory_equal(before, after, first * sizeof *before);
    assert_memory_not_equal(before + first, after + first, (count - first) * sizeof *before);
    free(before);
    unet_trainer_free(t);
    unet_model_free(model);
    free_dataset(set);
}

static int lose(void *context, const unet_progress *progress)
{
    (void)context;
    un_far_lost = progress->event == UNET_EVENT_STEP && progress->step == 6;
    return 0;
}

/* unet_train() ends with an error, and goes on from its last checkpoint. */
static void test_lost_training(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1), *val = make_dataset(1, 50, 60, 1);
    unet_model *model = make_model(&small_same, 1), *last;
    unet_train_options o = unet_train_options_default(&small_same);
    unet_train_job job = {.model = model,
                          .dataset = set,
                          .validation = val,
                          .last_path = in_folder("last"),
                          .checkpoint_path = in_folder("checkpoint"),
                          .progress = lose};
    unet_error err;
    (void)state;
    o.steps_per_epoch = 4;
    o.epochs = 3;
    o.average = 0.9f;
    expect_lost(unet_train(&job, &o, &err), &err);
    un_far_lost = false;
    if (unet_model_load(job.last_path, &last, &err))
        fail_msg("%s", err.text);
    job.resume = 1;
    job.progress = NULL;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    float *resumed = malloc(model->graph.values * sizeof *resumed);
    memcpy(resumed, model->values, model->graph.values * sizeof *resumed);
    unet_model_free(model);
    job.model = model = make_model(&small_same, 1);
    job.resume = 0;
    if (unet_train(&job, &o, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(resumed, model->values, model->graph.values * sizeof *resumed);
    free(resumed);
    unet_model_free(last);
    unet_model_free(model);
    free_dataset(set);
    free_dataset(val);
}

static void test_lost_prediction(void **state)
{
    unet_dataset *set = make_dataset(1, 70, 90, 1);
    unet_model *model = make_model(&small_same, 1);
    uint8_t mask[70 * 90];
    (void)state;
    for (int views = 0; views < 2; views++) {
        const unet_session_options o = {.tile = 32, .tta = views ? UNET_TTA_FLIPS : UNET_TTA_NONE};
        unet_session *session;
        unet_error err;
        un_far_lost = false;
        if (unet_session_create(model, &o, &session, &err) ||
            unet_predict(session, &set->pairs[0].image, mask, &err))
            fail_msg("%s", err.text);
        un_far_lost = true;
        expect_lost(unet_predict(session, &set->pairs[0].image, mask, &err), &err);
        unet_session_free(session);
    }
    unet_model_free(model);
    free_dataset(set);
}

/* An image that needs more than the device has left is refused before anything is allocated. */
static struct un_engine_ops small_device;

static size_t little(struct un_engine *e)
{
    (void)e;
    return 1 << 20;
}

static void test_free_memory(void **state)
{
    unet_spec spec = small_same;
    spec.norm = UNET_NORM_INSTANCE; /* sees whole images */
    unet_model *model = make_model(&spec, 1);
    unet_dataset *set = make_dataset(1, 700, 900, 1);
    uint8_t *mask = malloc(700 * 900);
    unet_session *session;
    unet_error err;
    (void)state;
    if (unet_session_create(model, NULL, &session, &err))
        fail_msg("%s", err.text);
    const struct un_engine_ops *ops = session->engine->ops;
    small_device = *ops;
    small_device.memory = little;
    session->engine->ops = &small_device;
    unet_code code = unet_predict(session, &set->pairs[0].image, mask, &err);
    session->engine->ops = ops;
    if (code != UNET_ENOMEM || !strstr(err.text, "set a tile"))
        fail_msg("code %d: %s", code, err.text);
    unet_session_free(session);
    unet_model_free(model);
    free_dataset(set);
    free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caught),
        cmocka_unit_test(test_fence),
        cmocka_unit_test(test_choice),
        cmocka_unit_test_setup_teardown(test_lost_trainer, set_far, unset_far),
        cmocka_unit_test_setup_teardown(test_statistics, set_far, unset_far),
        cmocka_unit_test_setup_teardown(test_lost_training, set_far, unset_far),
        cmocka_unit_test_setup_teardown(test_lost_prediction, set_far, unset_far),
        cmocka_unit_test_setup_teardown(test_free_memory, set_far, unset_far),
    };
    return cmocka_run_group_tests_name("an engine far away", tests, folder_create, folder_destroy);
}
