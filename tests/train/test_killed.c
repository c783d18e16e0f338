/* SPDX-License-Identifier: Apache-2.0 */
/* test_killed.c - trainings that the system ends: a disk that is full, and kill -9 at any moment;
 * what is there goes on to the same results */
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

#include "resume_scene.h"
#include "support/slow.h"
#include "weights/safetensors.h"

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
        execl("/proc/self/exe", "test_killed", "--train", folder, (char *)NULL);
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
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_killed),
    };
    if (argc == 3 && !strcmp(argv[1], "--train"))
        return train_in(argv[2]);
    return cmocka_run_group_tests_name("killed", tests, folder_create, folder_destroy);
}
