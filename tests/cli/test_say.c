/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed can do nothing to a terminal, whatever a name or a file brings along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/say.h"

static void expect(const char *format, const char *text, const char *want)
{
    char *made;
    size_t size;
    FILE *out = open_memstream(&made, &size);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    say(out, format, text);
#pragma GCC diagnostic pop
    fclose(out);
    if (strcmp(made, want))
        fail_msg("\"%s\" printed as \"%s\", wanted \"%s\"", text, made, want);
    free(made);
}

static void test_say(void **state)
{
    static const char *const rows[][2] = {
        {"scan.tif", "scan.tif"},
        {"caf\xc3\xa9 \xe7\xb4\xb0\xe8\x83\x9e \xf0\x9f\x94\xac",
         "caf\xc3\xa9 \xe7\xb4\xb0\xe8\x83\x9e \xf0\x9f\x94\xac"},
        {"\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"},
        {"a\nerror: b\tc\rd\x7f", "a\\x0aerror: b\\x09c\\x0dd\\x7f"},
        {"\x01\x02\x03\n", "\\x01\\x02\\x03\\x0a"},
        {"\xff\xc3(\xed\xa0\x80\xe2\x82", "\\xff\\xc3(\\xed\\xa0\\x80\\xe2\\x82"},
        {"\xc0\xae\xf5\x80", "\\xc0\\xae\\xf5\\x80"},
        {"\xc2\x9b"
         "2J",
         "\\u009b2J"},
        {"x\xe2\x80\xaegnp", "x\\u202egnp"},
        {"a\xe2\x80\xa8"
         "b",
         "a\\u2028b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char want[128];

        expect("%s", rows[i][0], rows[i][1]);
        snprintf(want, sizeof(want), "unet:\t%s\nnext\n", rows[i][1]);
        expect("unet:\t%s\nnext\n", rows[i][0], want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_say)};

    return cmocka_run_group_tests_name("say", tests, NULL, NULL);
}
