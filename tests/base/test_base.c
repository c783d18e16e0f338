/* SPDX-License-Identifier: Apache-2.0 */
/* test_base: random numbers, arenas, errors, files */
#include <dirent.h>
#include <errno.h>
#include <math.h>
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

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/rng.h"

/* ---- random numbers ---- */

/* Philox4x32-10, once more, as section 3.3 of the paper draws it; x is the counter. */
static void philox(uint32_t x[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t left = 0xD2511F53ull * x[0], right = 0xCD9E8D57ull * x[2];
        uint32_t next[4] = {
            (uint32_t)(right >> 32) ^ x[1] ^ (k0 + round * 0x9E3779B9u), (uint32_t)right,
            (uint32_t)(left >> 32) ^ x[3] ^ (k1 + round * 0xBB67AE85u), (uint32_t)left};
        memcpy(x, next, sizeof next);
    }
}

/* The known answers that come with Random123: for zeros, for ones, for the digits of pi. */
static void test_philox(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t x[4];
        memcpy(x, known[i].counter, sizeof x);
        philox(x, known[i].key[0], known[i].key[1]);
        assert_memory_equal(x, known[i].want, sizeof x);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(un_rng_bits(0, i), known[0].want[i]);
}

static void test_rng_bits(void **state)
{
    (void)state;
    static const uint64_t keys[] = {0, 1, 0xfedcba9876543210u, UINT64_MAX};
    static const uint64_t places[] = {0, 3, 4, 0xffffffffu, 0x400000001u, UINT64_MAX};
    for (int k = 0; k < 4; k++)
        for (int p = 0; p < 6; p++) {
            uint64_t block = places[p] / 4;
            uint32_t x[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0, 0};
            philox(x, (uint32_t)keys[k], (uint32_t)(keys[k] >> 32));
            assert_int_equal(un_rng_bits(keys[k], places[p]), x[places[p] % 4]);
            float u = un_rng_uniform(keys[k], places[p]);
            assert_true(u >= 0 && u < 1 && u == (float)(x[places[p] % 4] / 256) / 16777216.0f);
        }
}

#define DRAWS (1 << 18)

/* Chi-squared with 255 degrees of freedom: mean 255, deviation 22.6; six deviations are allowed. */
static void test_rng_uniformity(void **state)
{
    (void)state;
    for (int shift = 0; shift < 32; shift += 8) {
        static int bins[256];
        memset(bins, 0, sizeof bins);
        for (int i = 0; i < DRAWS; i++)
            bins[un_rng_bits(42, i) >> shift & 255]++;
        double expected = DRAWS / 256.0, chi = 0;
        for (int b = 0; b < 256; b++)
            chi += (bins[b] - expected) * (bins[b] - expected) / expected;
        assert_true(chi > 255 - 6 * 22.6 && chi < 255 + 6 * 22.6);
    }
}

static double correlation(uint64_t key_a, uint64_t key_b, int lag)
{
    double sum = 0;
    for (int i = 0; i < DRAWS; i++)
        sum += (un_rng_uniform(key_a, i) - 0.5) * (un_rng_uniform(key_b, i + lag) - 0.5) * 12;
    return sum / DRAWS;
}

/* The correlation of independent numbers has the deviation 1 / sqrt(DRAWS) = 0.002. */
static void test_rng_independence(void **state)
{
    (void)state;
    assert_true(fabs(correlation(7, 7, 0) - 1) < 0.02);
    assert_true(fabs(correlation(7, 7, 1)) < 0.01);
    assert_true(fabs(correlation(7, 7, 4)) < 0.01);
    assert_true(fabs(correlation(7, 8, 0)) < 0.01);
    uint64_t base = un_rng_key(1, 2, 3, 4);
    static const uint64_t near[4][4] = {{2, 2, 3, 4}, {1, 3, 3, 4}, {1, 2, 4, 4}, {1, 2, 3, 5}};
    for (int i = 0; i < 4; i++) {
        uint64_t other = un_rng_key(near[i][0], near[i][1], near[i][2], near[i][3]);
        int different = __builtin_popcountll(base ^ other);
        assert_true(different > 12 && different < 52); /* 32 +- 5 deviations of 4 */
        assert_true(fabs(correlation(base, other, 0)) < 0.01);
    }
    assert_true(base == un_rng_key(1, 2, 3, 4));
    assert_true(un_rng_key(0, 1, 2, 3) != un_rng_key(0, 2, 1, 3));
}

static void test_rng_below(void **state)
{
    (void)state;
    int seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint32_t x = un_rng_below(5, i, 7);
        assert_true(x < 7);
        seen[x]++;
        assert_int_equal(un_rng_below(5, i, 1), 0);
        assert_true(un_rng_below(5, i, UINT32_MAX) < UINT32_MAX);
    }
    for (int i = 0; i < 7; i++) /* 1000 +- 5 deviations of 29 */
        assert_true(seen[i] >= 855 && seen[i] <= 1145);
}

/* Moments 0, 1, 0, 3 with their deviations 1, sqrt 2, sqrt 15, sqrt 96 over sqrt(DRAWS). */
static void test_rng_normal(void **state)
{
    (void)state;
    double sum[4] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double x = un_rng_normal(9, i), power = 1;
        assert_true(fabs(x) < 6.7); /* sqrt(-2 log 2^-32) */
        for (int j = 0; j < 4; j++)
            sum[j] += power *= x;
    }
    double unit = 5 / sqrt(DRAWS);
    assert_true(fabs(sum[0] / DRAWS) < unit);
    assert_true(fabs(sum[1] / DRAWS - 1) < unit * sqrt(2));
    assert_true(fabs(sum[2] / DRAWS) < unit * sqrt(15));
    assert_true(fabs(sum[3] / DRAWS - 3) < unit * sqrt(96));
}

/* ---- arenas ---- */

static void test_arena(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 7, 63, 64, 65, 4096, 1000003};
    struct un_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        unsigned char *pieces[8];
        for (int i = 0; i < 8; i++) {
            pieces[i] = un_arena_alloc(&arena, sizes[i]);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % UN_ALIGN, 0);
            for (size_t j = 0; j < sizes[i]; j++)
                assert_true(pieces[i][j] == 0);
            memset(pieces[i], 0xa0 + i, sizes[i]);
        }
        for (int i = 0; i < 8; i++)
            for (size_t j = 0; j < sizes[i]; j++)
                assert_true(pieces[i][j] == 0xa0 + i);
        un_arena_release(&arena);
        assert_null(arena.last);
    }
    assert_null(un_arena_alloc(&arena, SIZE_MAX));
    assert_null(un_arena_alloc(&arena, SIZE_MAX / 2 + 1));
    assert_null(un_aligned_alloc(SIZE_MAX));
    un_arena_release(&arena);

    void *block = un_aligned_alloc(0);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % UN_ALIGN, 0);
    free(block);
    assert_int_equal(un_round_up(0, 64), 0);
    assert_int_equal(un_round_up(1, 64), 64);
    assert_int_equal(un_round_up(64, 64), 64);
    assert_int_equal(un_round_up(65, 64), 128);
}

/* ---- errors ---- */

static void test_fail(void **state)
{
    (void)state;
    unet_error err;
    char tall[2000];

    assert_int_equal(un_fail(NULL, UNET_EFORMAT, "%d", 1), UNET_EFORMAT);
    assert_int_equal(un_fail(&err, UNET_EINVAL, "a.tif: %d channels, wanted %d", 4, 1),
                     UNET_EINVAL);
    assert_int_equal(err.code, UNET_EINVAL);
    assert_string_equal(err.text, "a.tif: 4 channels, wanted 1");

    un_fail(&err, UNET_EFORMAT, "b.pth: %s", err.text); /* an argument inside of err */
    assert_string_equal(err.text, "b.pth: a.tif: 4 channels, wanted 1");

    un_fail(&err, UNET_EIO, "%s", "a\nb\tc\x7f\x1b[31m\xc3\xa9");
    assert_string_equal(err.text, "a?b?c??[31m\xc3\xa9");

    memset(tall, 'x', sizeof tall);
    tall[sizeof tall - 1] = '\0';
    memset(&err, 0x55, sizeof err);
    un_fail(&err, UNET_EIO, "%s", tall);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    un_fail(&err, UNET_EIO, "%s", "");
    assert_string_equal(err.text, "");
}

static void test_fail_errno(void **state)
{
    (void)state;
    unet_error err;
    char tall[2000];
    errno = ENOENT;
    assert_int_equal(un_fail_errno(&err, "%s", "x.png"), UNET_EIO);
    assert_string_equal(err.text, "x.png: No such file or directory");
    errno = ENOMEM;
    assert_int_equal(un_fail_errno(&err, "x"), UNET_ENOMEM);
    assert_int_equal(err.code, UNET_ENOMEM);
    errno = EACCES;
    assert_int_equal(un_fail_errno(NULL, "x"), UNET_EIO);

    for (size_t length = sizeof err.text - 5; length < sizeof err.text + 5; length++) {
        memset(tall, 'x', length);
        tall[length] = '\0';
        errno = ENOENT;
        un_fail_errno(&err, "%s", tall);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
    }
    assert_int_equal(un_fail_memory(&err, 2500000, "model"), UNET_ENOMEM);
    assert_string_equal(err.text, "model: not enough memory for 2.5 MB");
    static const struct {
        double bytes;
        const char *want;
    } sizes[] = {{0, "0.0 MB"},
                 {999.9e6, "999.9 MB"},
                 {999.96e6, "1.0 GB"},
                 {30.4e12, "30.4 TB"},
                 {9e18, "9.0 EB"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char text[24];
        assert_string_equal(un_bytes_text(sizes[i].bytes, text), sizes[i].want);
    }
    assert_int_equal(un_fail_memory(&err, 30439684300000, "batch"), UNET_ENOMEM);
    assert_string_equal(err.text, "batch: not enough memory for 30.4 TB");
    assert_int_equal(un_fail_memory(NULL, 1, "model"), UNET_ENOMEM);
}

/* ---- files: each test runs in a fresh folder ---- */

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
        cmocka_unit_test(test_philox),
        cmocka_unit_test(test_rng_bits),
        cmocka_unit_test(test_rng_uniformity),
        cmocka_unit_test(test_rng_independence),
        cmocka_unit_test(test_rng_below),
        cmocka_unit_test(test_rng_normal),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_fail_errno),
        IN_FOLDER(test_save),
        IN_FOLDER(test_save_modes),
        IN_FOLDER(test_save_killed),
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
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
