/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as JSON, and what of it is refused. */
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/yaml.h"

static void expect_yaml(const char *text, const char *want)
{
    json_t *value = NULL;
    unet_error err = {0};
    if (!un_yaml_parse("x", text, strlen(text), &value, &err)) {
        char *found = un_json_text(value);
        assert_string_equal(found, want);
        free(found);
        json_decref(value);
    } else if (!strstr(err.text, want)) {
        fail_msg("found \"%s\", wanted \"%s\"", err.text, want);
    }
}

static void test_yaml(void **state)
{
    char chain[4096] = "a0: &a0 [x]\n";
    (void)state;
    expect_yaml("a: [1, -2, 1.5, 1e-6, '1', ~, true, No, 0.4.10, \"x\\ny\"]",
                "{\"a\":[1,-2,1.5,1e-6,\"1\",null,true,\"No\",\"0.4.10\",\"x\\ny\"]}");
    expect_yaml("a: &x [1, 2]\nb: *x\nc: !!python/object/apply:os.system [ls]\nd: !!str 5",
                "{\"a\":[1,2],\"b\":[1,2],\"c\":[\"ls\"],\"d\":\"5\"}");
    expect_yaml("a: 1\na: 2", "the key \"a\" for the second time");
    expect_yaml("a: *x", "stands for nothing");
    expect_yaml("a: &x [*x]", "stands for nothing");
    expect_yaml("a: [1", "not valid YAML");
    expect_yaml("a: 1\n---\nb: 1", "a second document");
    expect_yaml("? [a]\n: 1", "a key that is a list or map");
    expect_yaml("", "nothing is in it");
    for (int i = 1; i < 40; i++)
        snprintf(chain + strlen(chain), sizeof chain - strlen(chain), "a%d: &a%d [*a%d]\n", i, i,
                 i - 1);
    expect_yaml(chain, "nested deeper");
    strcpy(chain, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++)
        snprintf(chain + strlen(chain), sizeof chain - strlen(chain),
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1);
    expect_yaml(chain, "more than 100000 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),
    };
    if (!un_yaml_reads()) {
        puts("without libyaml nothing is read: skipped");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
