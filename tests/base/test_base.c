/* SPDX-License-Identifier: Apache-2.0 */
/* test_base: random numbers, arenas, errors */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
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
    un_aligned_free(block);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox),         cmocka_unit_test(test_rng_bits),
        cmocka_unit_test(test_rng_uniformity), cmocka_unit_test(test_rng_independence),
        cmocka_unit_test(test_rng_below),      cmocka_unit_test(test_rng_normal),
        cmocka_unit_test(test_arena),          cmocka_unit_test(test_fail),
        cmocka_unit_test(test_fail_errno),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
