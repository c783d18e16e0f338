/* SPDX-License-Identifier: Apache-2.0 */
/* test_file.c - files: written beside their place, synced and renamed; mapped, cut and refused */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/temporary.h"

/* ---- each test runs in a fresh folder ---- */

static char folder[64], home[4096];

static int enter_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/unet-test-XXXXXX");
    return !getcwd(home, sizeof home) || !mkdtemp(folder) || chdir(folder);
}

static int leave_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            remove(entry->d_name);
    if (dir)
        closedir(dir);
    return chdir(home) || rmdir(folder);
}

static int files_here(void)
{
    int count = -2; /* . and .. */
    DIR *dir = opendir(".");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_file(const char *path, const char *text)
{
    char found[64] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

static void assert_empty(const struct un_save *save)
{
    assert_true(!save->file && !save->path && !save->temporary);
}

static void test_save(void **state)
{
    (void)state;
    struct un_save save = {0};
    struct stat status;
    char path[128];
    snprintf(path, sizeof path, "%s/absolute", folder);
    const char *const paths[] = {"plain", "./dotted", path, "with space \xc3\xa9"};
    mode_t mask = umask(027);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(un_save_begin(&save, paths[i], NULL), UNET_OK);
        fputs("new", save.file);
        assert_int_equal(access(paths[i], F_OK), -1); /* not there before it is whole */
        assert_int_equal(un_save_commit(&save, NULL), UNET_OK);
        assert_empty(&save);
        assert_file(paths[i], "new");
        assert_int_equal(stat(paths[i], &status), 0);
        assert_int_equal(status.st_mode & 0777, 0640);
    }
    umask(mask);
    assert_int_equal(files_here(), 4);
}

/* The mode is the old file's, or what the umask leaves, which no other thread sees changed. */
static void test_save_modes(void **state)
{
    (void)state;
    static const mode_t modes[] = {0, 0600, 0604, 0755};
    const mode_t mask = umask(077);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct stat status;
        unlink("file");
        if (modes[i]) {
            write_file("file", "old");
            assert_int_equal(chmod("file", modes[i]), 0);
        }
        assert_int_equal(un_file_replace("file", "new", 3, NULL), UNET_OK);
        assert_file("file", "new");
        assert_int_equal(stat("file", &status), 0);
        if ((status.st_mode & 0777) != (modes[i] ? modes[i] : 0600))
            fail_msg("mode %o, found %o", (unsigned)modes[i], status.st_mode & 0777);
    }
    umask(mask);
}

/* Who is killed leaves a file; the next to write there removes it, but not that of a live one. */
static void test_save_killed(void **state)
{
    (void)state;
    struct un_save live = {0};
    for (int i = 0; i < 3; i++) {
        const pid_t child = fork();
        if (!child) {
            struct un_save save;
            un_save_begin(&save, "mask.png", NULL);
            raise(SIGKILL);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(files_here(), 1); /* or a second one would have left two */
    }
    assert_int_equal(un_save_begin(&live, "mask.png", NULL), UNET_OK);
    assert_int_equal(files_here(), 1);
    assert_int_equal(un_file_replace("mask.png", "second", 6, NULL), UNET_OK);
    assert_int_equal(files_here(), 2);
    fputs("first", live.file);
    assert_int_equal(un_save_commit(&live, NULL), UNET_OK);
    assert_file("mask.png", "first");
    assert_int_equal(files_here(), 1);
}

/* One that began later and was killed goes with the commit; one at work stays, whoever looks. */
static void test_save_killed_beside(void **state)
{
    (void)state;
    struct un_save live = {0};
    assert_int_equal(un_save_begin(&live, "mask.png", NULL), UNET_OK);
    const pid_t child = fork();
    if (!child) {
        struct un_save save;
        un_save_begin(&save, "mask.png", NULL);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(files_here(), 2);
    un_temporary_clear("mask.png");
    assert_int_equal(files_here(), 1);
    assert_int_equal(un_file_replace("mask.png", "second", 6, NULL), UNET_OK);
    assert_int_equal(files_here(), 2);
    write_file("mask.png.unet2.tmp", "left");
    assert_int_equal(un_save_commit(&live, NULL), UNET_OK);
    assert_int_equal(files_here(), 1);
    write_file("mask.png.unet0.tmp", "left");
    write_file("mask.png.other.tmp", "somebody's");
    un_temporary_clear("mask.png");
    assert_int_equal(files_here(), 2);
    unlink("mask.png.other.tmp");
}

/* Two that write one file all the time, and a third that removes what seems left: all succeed. */
static void test_save_side_by_side(void **state)
{
    (void)state;
    pid_t child[2];
    for (int i = 0; i < 2; i++)
        if (!(child[i] = fork())) {
            for (int k = 0; k < 150; k++)
                if (un_file_replace("mask.png", "bytes", 5, NULL))
                    _exit(1);
            _exit(0);
        }
    int left = 2, status, failed = 0;
    while (left) {
        un_temporary_clear("mask.png");
        if (waitpid(-1, &status, WNOHANG) > 0) {
            left--;
            failed += status != 0;
        }
    }
    assert_int_equal(failed, 0);
    assert_file("mask.png", "bytes");
    assert_int_equal(files_here(), 1);
}

/* Names that leave no room for an ending of the temporary's own; one is not taken for another. */
static void test_save_long_names(void **state)
{
    (void)state;
    for (int length = 200; length <= 255; length++) {
        char name[256] = "", other[256], text[8];
        struct un_save save;
        unet_error err;
        for (int i = 0; i < length - 1; i += 2)
            strcat(name, i + 3 > length ? "a" : "\xc3\xa9");
        strcat(name, strlen(name) < (size_t)length ? "a" : "");
        strcpy(other, name);
        other[length - 1] = 'b';
        if (un_save_begin(&save, name, &err))
            fail_msg("%d bytes: %s", length, err.text);
        snprintf(text, sizeof text, "%d", length);
        fputs(text, save.file);
        if (length % 2) /* else half a letter */
            assert_int_equal(un_file_replace(other, "other", 5, NULL), UNET_OK);
        assert_int_equal(un_save_commit(&save, NULL), UNET_OK);
        assert_file(name, text);
        unlink(name);
        unlink(other);
    }
    assert_int_equal(files_here(), 0);
}

static void test_save_replaces(void **state)
{
    (void)state;
    struct un_save save = {0};
    write_file("a", "old");
    un_save_abort(&save); /* nothing begun */
    for (int aborted = 1; aborted >= 0; aborted--) {
        assert_int_equal(un_save_begin(&save, "a", NULL), UNET_OK);
        fputs("new", save.file);
        fflush(save.file);
        assert_file("a", "old");
        if (aborted)
            un_save_abort(&save);
        else
            assert_int_equal(un_save_commit(&save, NULL), UNET_OK);
        assert_empty(&save);
        assert_file("a", aborted ? "old" : "new");
        assert_int_equal(files_here(), 1);
    }
}

static void test_save_refused(void **state)
{
    (void)state;
    struct un_save save = {0};
    unet_error err = {0};
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(un_save_begin(&save, "folder", &err), UNET_EIO);
    assert_string_equal(err.text, "folder: is a folder, wanted the name of a file");
    assert_empty(&save);
    assert_int_equal(mkfifo("pipe", 0600), 0); /* a device would be lost just so */
    assert_int_equal(un_save_begin(&save, "pipe", &err), UNET_EIO);
    assert_string_equal(err.text, "pipe: is no regular file, and only those are replaced");
    assert_empty(&save);
    assert_int_equal(unlink("pipe"), 0);
    assert_int_equal(un_save_begin(&save, "missing/a", &err), UNET_EIO);
    assert_string_equal(err.text, "missing/a: cannot be written: No such file or directory");
    assert_empty(&save);
    assert_int_equal(un_save_begin(&save, "/proc/a", &err), UNET_EIO);
    assert_non_null(strstr(err.text, "/proc/a: cannot be written: "));
    /* no name at all is refused at the latest when it is to be put in place */
    if (!un_save_begin(&save, "", &err))
        assert_int_equal(un_save_commit(&save, &err), UNET_EIO);
    assert_empty(&save);
    if (geteuid() != 0) { /* root may write anywhere */
        chmod("folder", 0500);
        assert_int_equal(un_save_begin(&save, "folder/a", &err), UNET_EIO);
        assert_string_equal(err.text, "folder/a: cannot be written: Permission denied");
    }
    assert_int_equal(files_here(), 1);
}

/* A disk that fills up: writing fails, the old file stays, the temporary one goes. */
static void test_save_full(void **state)
{
    (void)state;
    static char block[8192];
    struct un_save save = {0};
    unet_error err = {0};
    struct rlimit old, small;
    write_file("a", "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 10000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    unet_code begun = un_save_begin(&save, "a", &err), committed = UNET_OK;
    for (int i = 0; !begun && i < 4; i++)
        fwrite(block, 1, sizeof block, save.file);
    if (!begun)
        committed = un_save_commit(&save, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(begun, UNET_OK);
    assert_int_equal(committed, UNET_EIO);
    assert_non_null(strstr(err.text, "a: cannot be written: "));
    assert_empty(&save);
    assert_file("a", "old");
    assert_int_equal(files_here(), 1);
}

/* Somebody puts a folder where the file is to go: the rename fails. */
static void test_save_late_folder(void **state)
{
    (void)state;
    struct un_save save = {0};
    unet_error err = {0};
    assert_int_equal(un_save_begin(&save, "a", &err), UNET_OK);
    assert_int_equal(mkdir("a", 0700), 0);
    assert_int_equal(un_save_commit(&save, &err), UNET_EIO);
    assert_non_null(strstr(err.text, "a: cannot be written: "));
    assert_empty(&save);
    assert_int_equal(files_here(), 1);
}

static void test_map(void **state)
{
    (void)state;
    struct un_mapping map = {0};
    write_file("a", "hello");
    assert_int_equal(un_map_open("a", &map, NULL), UNET_OK);
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.data, "hello", 5);
    un_map_release(&map);
    assert_true(!map.data && map.size == 0);
    un_map_release(&map);

    write_file("empty", "");
    map.size = 99;
    assert_int_equal(un_map_open("empty", &map, NULL), UNET_OK);
    assert_int_equal(map.size, 0);
    un_map_release(&map);
}

/* What is forgotten comes back from the file; memory that is not a mapping is left alone. */
static void test_map_forget(void **state)
{
    (void)state;
    enum { BYTES = 5 << 20 };
    static char own[BYTES + 1];
    struct un_mapping map = {0};
    memset(own, 'x', BYTES);
    un_map_forget(&map, own, BYTES);
    for (int i = 0; i < BYTES; i++)
        assert_int_equal(own[i], 'x');
    write_file("long", own);
    assert_int_equal(un_map_open("long", &map, NULL), UNET_OK);
    un_map_forget(&map, map.data + 1, BYTES - 2);
    assert_memory_equal(map.data, own, BYTES);
    un_map_release(&map);
}

/* A file that another program cuts is an error, or is not noticed, but never ends the process. */
static void test_map_cut(void **state)
{
    (void)state;
    static char big[5 << 20], found[64];
    struct un_mapping map = {0};
    unet_error err;
    write_file("small", "hello");
    assert_int_equal(un_map_open("small", &map, NULL), UNET_OK);
    assert_int_equal(truncate("small", 0), 0);
    assert_memory_equal(map.data, "hello", 5);
    assert_int_equal(un_map_check(&map, "small", NULL), UNET_OK);
    un_map_release(&map);

    memset(big, 'x', sizeof big - 1);
    for (int whole = 0; whole < 2; whole++) {
        write_file("big", big);
        assert_int_equal((whole ? un_map_whole : un_map_open)("big", &map, NULL), UNET_OK);
        assert_int_equal(un_map_check(&map, "big", NULL), UNET_OK);
        assert_int_equal(un_map_read(&map, "big", 4 << 20, found, sizeof found, NULL), UNET_OK);
        assert_memory_equal(found, big, sizeof found);
        assert_int_equal(truncate("big", 1000), 0);
        if (whole)
            assert_memory_equal(map.data, big, sizeof big - 1);
        const unet_code want = whole ? UNET_OK : UNET_EIO;
        assert_int_equal(un_map_read(&map, "big", 4 << 20, found, sizeof found, &err), want);
        assert_int_equal(un_map_check(&map, "big", &err), want);
        if (!whole)
            assert_string_equal(err.text, "big: was cut by another program while it was read");
        un_map_release(&map);
    }
}

static void test_map_refused(void **state)
{
    (void)state;
    struct un_mapping map = {(const unsigned char *)"as it was", 9, .borrowed = false};
    unet_error err = {0};
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    alarm(20); /* a pipe must not be waited for */
    assert_int_equal(un_map_open("missing", &map, &err), UNET_EIO);
    assert_string_equal(err.text, "missing: No such file or directory");
    assert_int_equal(un_map_open("folder", &map, &err), UNET_EIO);
    assert_string_equal(err.text, "folder: is a folder, not a file");
    assert_int_equal(un_map_open("pipe", &map, &err), UNET_EIO);
    assert_string_equal(err.text, "pipe: is a device or pipe, not a file");
    assert_int_equal(un_map_open("/dev/null", &map, NULL), UNET_EIO);
    alarm(0);
    assert_memory_equal(map.data, "as it was", 9);
    assert_int_equal(map.size, 9);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_save),
        IN_FOLDER(test_save_modes),
        IN_FOLDER(test_save_killed),
        IN_FOLDER(test_save_killed_beside),
        IN_FOLDER(test_save_side_by_side),
        IN_FOLDER(test_save_long_names),
        IN_FOLDER(test_save_replaces),
        IN_FOLDER(test_save_refused),
        IN_FOLDER(test_save_full),
        IN_FOLDER(test_save_late_folder),
        IN_FOLDER(test_map),
        IN_FOLDER(test_map_forget),
        IN_FOLDER(test_map_cut),
        IN_FOLDER(test_map_refused),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
