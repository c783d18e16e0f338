/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 beside the sums of FIPS 180-4, and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"

static void test_sha256(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char found[UN_SHA256_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        un_sha256_text(rows[i].text, strlen(rows[i].text), found);
        assert_string_equal(found, rows[i].want);
    }
    /* in pieces of any size */
    unsigned char bytes[1000];
    char want[UN_SHA256_TEXT];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 >> 3);
    un_sha256_text(bytes, sizeof bytes, want);
    for (size_t piece = 1; piece <= 200; piece++) {
        struct un_sha256 sum;
        un_sha256_begin(&sum);
        for (size_t at = 0; at < sizeof bytes; at += piece)
            un_sha256_add(&sum, bytes + at, sizeof bytes - at < piece ? sizeof bytes - at : piece);
        un_sha256_end(&sum, found);
        assert_string_equal(found, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
