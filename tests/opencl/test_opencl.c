/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenCL engine by itself: its devices, its memory, what it keeps in the cache folder, and that
 * a device which is lost is an error.  Its operations: test_ops with UNET_DEVICE=opencl.
 *
 *   test_opencl lacks    says why there is no device, and fails; says nothing where there is one
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "opencl/engine_opencl.h"
#include "support/folder.h"

/* NULL: there is no device, and the test is skipped. */
static struct un_engine *make_engine(void)
{
    struct un_engine *e;
    unet_error err;
    if (!un_opencl_devices()) {
        print_message("skipped: %s\n", un_opencl_lacks());
        return NULL;
    }
    if (un_engine_opencl_create(0, 2, &e, &err))
        fail_msg("%s", err.text);
    return e;
}

static void test_devices(void **state)
{
    const int count = un_opencl_devices();
    struct un_opencl_device device;
    struct un_engine *e;
    unet_error err = {0};
    (void)state;
    assert_int_equal(count > 0, !*un_opencl_lacks());
    assert_false(un_opencl_device(-1, &device));
    assert_false(un_opencl_device(count, &device));
    for (int i = 0; i < count; i++) {
        assert_true(un_opencl_device(i, &device));
        assert_true(*device.name && *device.driver && !strncmp(device.version, "OpenCL ", 7));
        assert_true(device.memory > 0 && device.largest > 0 && device.compute_units > 0);
    }
    assert_int_equal(un_engine_opencl_create(count, 1, &e, &err), UNET_EDEVICE);
    if (!strstr(err.text, count ? "OpenCL has no device" : "OpenCL"))
        fail_msg("%s", err.text);
}

/* A child is refused, as soon as its parent asked a driver: it would wait for threads for ever. */
static void test_fork(void **state)
{
    int status = 0;
    (void)state;
    if (!un_opencl_devices())
        skip();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct un_engine *e;
        unet_error err = {0};
        alarm(20);
        _exit(un_engine_opencl_create(0, 1, &e, &err) != UNET_EDEVICE ||
              !strstr(err.text, "before this process was forked"));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        fail_msg("the child ended with status %d", status);
}

/* An address that was added to is that many bytes behind the beginning. */
static void test_addresses(void **state)
{
    struct un_engine *e = make_engine();
    float from[256], to[256] = {0};
    unet_error err;
    (void)state;
    if (!e)
        return;
    for (int i = 0; i < 256; i++)
        from[i] = (float)i;
    float *a = e->ops->alloc(e, sizeof from), *b = e->ops->alloc(e, sizeof from);
    e->ops->put(e, a, from, sizeof from);
    e->ops->copy(e, b + 7, a + 100, 50 * sizeof *a);
    e->ops->blend(e, 3, b + 8, 2, NULL, 0);
    e->ops->get(e, to, b, sizeof to);
    for (int i = 0; i < 256; i++) {
        const float moved = i >= 7 && i < 57 ? (float)(i + 93) : 0;
        assert_true(to[i] == (i >= 8 && i < 11 ? 2 * moved : moved));
    }
    assert_int_equal(e->ops->finish(e, &err), UNET_OK);
    e->ops->free(e); /* takes what was not released along */
}

/* More than there is is refused, and nothing else happens. */
static void test_too_much(void **state)
{
    struct un_engine *e = make_engine();
    unet_error err;
    (void)state;
    if (!e)
        return;
    assert_null(e->ops->alloc(e, (size_t)1 << 50));
    assert_null(e->ops->alloc(e, SIZE_MAX));
    assert_int_equal(un_fail_engine_memory(e, (size_t)1 << 50, "a map", &err), UNET_ENOMEM);
    if (strncmp(err.text, "a map: not enough memory for 1.1 PB: ", 37) ||
        !strstr(err.text, "gives up to"))
        fail_msg("%s", err.text);
    assert_int_equal(e->ops->finish(e, &err), UNET_OK);
    void *memory = e->ops->alloc(e, 0);
    assert_non_null(memory);
    e->ops->release(e, memory);
    e->ops->free(e);
}

static void test_lost(void **state)
{
    struct un_engine *e = make_engine();
    float own = 0;
    double got = 17;
    unet_error err;
    (void)state;
    if (!e)
        return;
    double *result = e->ops->alloc(e, sizeof *result);
    e->ops->sum_squares(e, &own, 1, result); /* the host's memory, which it cannot have */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(e->ops->finish(e, &err), UNET_EDEVICE);
        if (!strstr(err.text, "memory that is not the engine's"))
            fail_msg("%s", err.text);
        e->ops->get(e, &got, result, sizeof got);
        assert_true(got == 17);
    }
    assert_null(e->ops->alloc(e, 64));
    e->ops->release(e, result);
    e->ops->free(e);
}

/* ---- the cache folder ---- */

/* Spoils every file of the cache, and returns how many there are. */
static int spoil_files(void)
{
    DIR *dir = opendir(in_folder("unet"));
    int count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            char name[160];
            snprintf(name, sizeof name, "unet/%.150s", entry->d_name);
            put_file(in_folder(name), "no program", 10);
            count++;
        }
    if (dir)
        closedir(dir);
    return count;
}

static void test_cache(void **state)
{
    const char *before = getenv("XDG_CACHE_HOME");
    char *kept = before ? strdup(before) : NULL;
    (void)state;
    for (int round = 0; round < 3; round++) { /* made; made anew; and no folder to make it in */
        setenv("XDG_CACHE_HOME", round < 2 ? in_folder("") : "/dev/null", 1);
        struct un_engine *e = make_engine();
        if (!e)
            break;
        e->ops->free(e);
        if (round < 2)
            assert_int_equal(spoil_files(), 1);
    }
    if (kept)
        setenv("XDG_CACHE_HOME", kept, 1);
    else
        unsetenv("XDG_CACHE_HOME");
    free(kept);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_lost),
        cmocka_unit_test_setup_teardown(test_cache, folder_create, folder_destroy),
    };
    if (argc > 1 && !strcmp(argv[1], "lacks")) {
        if (!un_opencl_devices())
            printf("%s\n", un_opencl_lacks());
        return !un_opencl_devices();
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
