/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles that are small and would grow: bombs made here. */
#include "pickle_wrap.h"

static void test_nesting(void **state)
{
    (void)state;
    enum { DEEP = 1000000 };
    struct bytes p = {0};
    bytes_add(&p, "\x80\2", 2);
    for (int i = 0; i < DEEP; i++)
        bytes_add(&p, "]", 1);
    for (int i = 1; i < DEEP; i++)
        bytes_add(&p, "a", 1);
    bytes_add(&p, ".", 1);
    char want[1024] = "evil.pth: \"0", *at = want + strlen(want);
    for (int i = 1; i < 50; i++)
        at += sprintf(at, ".0");
    strcpy(at, ".\" is nested deeper than 64 levels"); /* messages show 100 bytes of a name */
    expect_refused(p.data, p.size, want);
    free(p.data);
}

static void test_contains_itself(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("\x80\2}q\1X\1\0\0\0ah\1s.", "\"a\" contains itself"),
        ROW("\x80\2}q\1X\1\0\0\0a]h\1as.", "\"a.0\" contains itself"),
        ROW("\x80\2]q\1(h\1h\1e.", "\"0\" contains itself"),
    };
    EXPECT_ROWS(rows);
}

/* Each of 60 lists has the one before it twice: 2^60 ways to the first. */
static void test_many_ways(void **state)
{
    (void)state;
    struct bytes p = {0};
    bytes_add(&p, "\x80\2]q\1", 5);
    for (int i = 0; i < 60; i++)
        bytes_add(&p, "](h\1h\1eq\1", 9);
    bytes_add(&p, ".", 1);
    expect_refused(p.data, p.size, "evil.pth: its pickle leads to few values on too many ways");
    free(p.data);
}

static void test_many_values(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *want;
    } rows[] = {
        {"]", "evil.pth: pickle: byte 4194302: has more than 4194304 values"},
        {"N", "evil.pth: pickle: byte 4194306: has more than 4194304 values"},
        {"(", "evil.pth: pickle: byte 4194306: has more than 4194304 marks"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes p = {0};
        bytes_add(&p, "\x80\2", 2);
        for (int n = 0; n < 5000000; n++)
            bytes_text(&p, rows[i].pattern);
        expect_refused(p.data, p.size, rows[i].want);
        free(p.data);
    }
}

/* One tensor under very many names. */
static void test_many_tensors(void **state)
{
    (void)state;
    static const char tensor[] = TENSOR("K\0", "K\4", "K\1");
    struct bytes p = {0};
    bytes_add(&p, "\x80\2](", 4);
    bytes_add(&p, tensor, sizeof tensor - 1);
    bytes_add(&p, "q\1", 2);
    for (int i = 0; i < 70000; i++)
        bytes_add(&p, "h\1", 2);
    bytes_add(&p, "e.", 2);
    expect_refused(p.data, p.size, "evil.pth: has more than 65536 tensors");
    free(p.data);
}

static void test_long_names(void **state)
{
    (void)state;
    struct bytes p = {0};
    bytes_add(&p, "\x80\2}X", 4);
    bytes_number(&p, 512, 4);
    for (int i = 0; i < 512; i++)
        bytes_add(&p, "n", 1);
    bytes_add(&p, "}s.", 3);
    expect_refused(p.data, p.size,
                   "evil.pth: a name of 512 bytes below \"\"; at most 511 are read, and no zero "
                   "byte in it");
    free(p.data);
    static const struct row rows[] = {
        ROW("\x80\2}X\3\0\0\0a\0b}s.", "a name of 3 bytes below \"\"; at most 511 are read, and no "
                                       "zero byte in it"),
        ROW("\x80\2}(" TEXT("\3", "a.b") TENSOR("K\0", "", "") TEXT("\1", "a") "}" TEXT("\1", "b")
                TENSOR("K\0", "", "") "su.",
            "two tensors are called a.b"),
    };
    EXPECT_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),      cmocka_unit_test(test_contains_itself),
        cmocka_unit_test(test_many_ways),    cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_many_tensors), cmocka_unit_test(test_long_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
