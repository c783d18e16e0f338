/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that was stopped, or killed, and went on gives the bits of one that was not; and every file
 * is whole at any moment.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/folder.h"
#include "support/slow.h"
#include "train/checkpoint.h"
#include "training_set.h"
#include "weights/safetensors.h"

enum { EPOCHS = 2, STEPS = 4, ALL = EPOCHS * STEPS };

static unet_train_options base_options(void)
{
    unet_train_options o = unet_train_options_default(&small_same);
    o.epochs = EPOCHS;
    o.steps_per_epoch = STEPS;
    o.tile = 32;
    o.batch = 2;
    o.augment.rotate = 10;
    o.threads = 1;
    return o;
}

/* Every kind of state that a step can depend on. */
static unet_train_options variant(int i)
{
    unet_train_options o = base_options();
    if (i == 1) {
        o.optimizer = UNET_OPTIMIZER_SGD;
        o.nesterov = 1;
        o.average = 0.9f;
        o.accumulate = 3;
        o.schedule = UNET_SCHEDULE_COSINE;
        o.warmup = 3;
    } else if (i == 2) {
        o.optimizer = UNET_OPTIMIZER_RMSPROP;
        o.schedule = UNET_SCHEDULE_PLATEAU;
        o.clip = 0.5f;
        o.bias_rate = 2;
        o.weight_decay = 0.01f;
    }
    return o;
}

enum { VARIANTS = 3 };

/* What one or more runs reported. */
struct history {
    double loss[ALL + 1]; /* of step 1, 2, ... */
    double score[EPOCHS + 1], epoch_loss[EPOCHS + 1];
    int stop_at, begin_epoch;
    long begin_step;
    unet_train_end end;
};

static int record(void *context, const unet_progress *p)
{
    struct history *h = context;
    if (p->event == UNET_EVENT_BEGIN) {
        h->begin_epoch = p->epoch;
        h->begin_step = p->step;
    }
    if (p->event == UNET_EVENT_STEP)
        h->loss[p->step] = p->step_loss;
    if (p->event == UNET_EVENT_EPOCH) {
        h->score[p->epoch] = p->score;
        h->epoch_loss[p->epoch] = p->loss;
    }
    h->end = p->end;
    return p->event == UNET_EVENT_STEP && h->stop_at && p->step >= h->stop_at;
}

struct scene {
    unet_dataset *set, *val;
};

static struct scene scene_create(void)
{
    return (struct scene){make_dataset(2, 40, 50, 1), make_dataset(1, 40, 50, 1)};
}

static void scene_release(struct scene *s)
{
    free_dataset(s->set);
    free_dataset(s->val);
}

/* Trains a new model; its weights, for the caller to free. */
static float *run(const struct scene *s, const unet_train_options *o, int resume, bool validate,
                  struct history *h, size_t *bytes)
{
    unet_model *model = make_model(&small_same, resume ? 99 : 1);
    unet_error err;
    const unet_train_job job = {.model = model,
                                .dataset = s->set,
                                .validation = validate ? s->val : NULL,
                                .best_path = in_folder("best.safetensors"),
                                .last_path = in_folder("last.safetensors"),
                                .checkpoint_path = in_folder("checkpoint"),
                                .resume = resume,
                                .progress = record,
                                .context = h};
    if (unet_train(&job, o, &err))
        fail_msg("%s", err.text);
    *bytes = model->graph.values * sizeof(float);
    float *values = malloc(*bytes);
    memcpy(values, model->values, *bytes);
    unet_model_free(model);
    return values;
}

static void expect_same(const struct history *a, const struct history *b, int v, int stop)
{
    for (int i = 1; i <= ALL; i++)
        if (memcmp(&a->loss[i], &b->loss[i], sizeof(double)))
            fail_msg("variant %d, stopped at %d: loss of step %d is %.17g, wanted %.17g", v, stop,
                     i, b->loss[i], a->loss[i]);
    for (int i = 1; i <= EPOCHS; i++)
        if (memcmp(&a->score[i], &b->score[i], sizeof(double)) ||
            memcmp(&a->epoch_loss[i], &b->epoch_loss[i], sizeof(double)))
            fail_msg("variant %d, stopped at %d: epoch %d scores %.17g, loss %.17g, wanted %.17g, "
                     "%.17g",
                     v, stop, i, b->score[i], b->epoch_loss[i], a->score[i], a->epoch_loss[i]);
}

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

static unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    unsigned char *bytes = malloc(*size + 1);
    rewind(file);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
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

/* ---- a full disk ---- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    struct scene s = scene_create();
    unet_train_options o = base_options();
    struct history whole = {.stop_at = 0}, parts = {.stop_at = 3};
    size_t bytes, size, after;
    unet_error err = {0};
    (void)state;
    float *want = run(&s, &o, 0, true, &whole, &bytes);
    free(run(&s, &o, 0, true, &parts, &bytes));
    unsigned char *before = read_bytes(in_folder("checkpoint"), &size);
    unet_model *model = make_model(&small_same, 5);
    parts.stop_at = 0;
    const unet_train_job job = {.model = model,
                                .dataset = s.set,
                                .validation = s.val,
                                .best_path = in_folder("best.safetensors"),
                                .last_path = in_folder("last.safetensors"),
                                .checkpoint_path = in_folder("checkpoint"),
                                .resume = 1,
                                .progress = record,
                                .context = &parts};
    signal(SIGXFSZ, SIG_IGN);
    limit_files(1000);
    unet_code code = unet_train(&job, &o, &err);
    limit_files(RLIM_INFINITY);
    signal(SIGXFSZ, SIG_DFL);
    if (code != UNET_EIO || !strstr(err.text, "last.safetensors"))
        fail_msg("code %d: %s", code, err.text);
    unsigned char *now = read_bytes(in_folder("checkpoint"), &after);
    assert_int_equal(size, after);
    assert_memory_equal(before, now, size);
    unet_model_free(model);
    float *got = run(&s, &o, 1, true, &parts, &bytes);
    expect_same(&whole, &parts, 0, 3);
    assert_memory_equal(want, got, bytes);
    free(want);
    free(got);
    free(before);
    free(now);
    scene_release(&s);
}

/* ---- kill -9 ---- */

/* In a process of its own: trains in a folder, goes on where there is a checkpoint. */
static int train_in(const char *folder)
{
    struct scene s = scene_create();
    unet_train_options o = variant(1);
    unet_model *model = make_model(&small_same, 1);
    unet_error err;
    strcpy(folder_root, folder);
    const unet_train_job job = {.model = model,
                                .dataset = s.set,
                                .validation = s.val,
                                .best_path = in_folder("best.safetensors"),
                                .last_path = in_folder("last.safetensors"),
                                .checkpoint_path = in_folder("checkpoint"),
                                .checkpoint_seconds = 1e-9,
                                .resume = access(in_folder("checkpoint"), F_OK) == 0};
    o.epochs = 4;
    o.steps_per_epoch = 10;
    o.threads = 2;
    unet_code code = unet_train(&job, &o, &err);
    if (code)
        fprintf(stderr, "%s\n", err.text);
    unet_model_free(model);
    scene_release(&s);
    return code;
}

static pid_t start_training(const char *folder)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_resume", "--train", folder, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void expect_whole(const char *folder, int kill_number)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "checkpoint"};
    for (int i = 0; i < 3; i++) {
        char path[400];
        struct un_safetensors file;
        unet_error err;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (access(path, F_OK))
            continue;
        if (un_safetensors_open(path, &file, &err))
            fail_msg("after kill %d: %s", kill_number, err.text);
        un_safetensors_release(&file);
    }
}

static void test_killed(void **state)
{
    char whole[200], parts[200], path[400];
    int status, kills = 0;
    (void)state;
    if (slow_machine())
        skip();
    snprintf(whole, sizeof whole, "%s/whole", folder_root);
    snprintf(parts, sizeof parts, "%s/parts", folder_root);
    mkdir(whole, 0700);
    mkdir(parts, 0700);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(waitpid(start_training(whole), &status, 0) > 0 && status == 0, 1);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double took =
        (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    for (int i = 0;; i++) {
        pid_t pid = start_training(parts);
        if (kills < 20) { /* after 0 to a quarter of the time that all of it takes */
            useconds_t wait = (useconds_t)(took * 250000 * (double)un_rng_uniform(11, i));
            usleep(wait);
            kill(pid, SIGKILL);
            kills++;
        }
        assert_true(waitpid(pid, &status, 0) == pid);
        expect_whole(parts, kills);
        if (WIFEXITED(status) && WEXITSTATUS(status))
            fail_msg("run %d ends with %d", i, WEXITSTATUS(status));
        if (WIFEXITED(status))
            break;
    }
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "best.safetensors" : "last.safetensors";
        size_t a, b;
        snprintf(path, sizeof path, "%s/%s", whole, name);
        unsigned char *want = read_bytes(path, &a);
        snprintf(path, sizeof path, "%s/%s", parts, name);
        unsigned char *got = read_bytes(path, &b);
        if (a != b || memcmp(want, got, a))
            fail_msg("%s has other bytes after %d kills", name, kills);
        free(want);
        free(got);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_every_step), cmocka_unit_test(test_many_stops_and_threads),
        cmocka_unit_test(test_save_and_load),   cmocka_unit_test(test_another_run),
        cmocka_unit_test(test_damaged),         cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_killed),
    };
    if (argc == 3 && !strcmp(argv[1], "--train"))
        return train_in(argv[2]);
    return cmocka_run_group_tests_name("resume", tests, folder_create, folder_destroy);
}
