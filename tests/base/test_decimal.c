/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text: the same where the host program has set a locale with a decimal comma. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/error.h"
#include "base/json.h"
#include "support/comma.h"
#include "weights/torch/torch_file.h"

static void check_reading(void)
{
    static const struct {
        const char *text;
        double want;
        const char *rest;
    } rows[] = {
        {"1e-5", 1e-5, ""},
        {"0.325 um", 0.325, " um"},
        {"-2.5E3,7", -2500, ",7"},
        {"1,5", 1, ",5"},
        {"x", 0, "x"},
        {"", 0, ""},
        {" .5.5", 0.5, ".5"},
        {"1.", 1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double value = -1;
        const char *rest = un_decimal_read(rows[i].text, &value);
        if (value != rows[i].want || strcmp(rest, rows[i].rest))
            fail_msg("\"%s\" read as %.17g and \"%s\"", rows[i].text, value, rest);
    }
}

static void check_printing(void)
{
    char text[64];
    assert_int_equal(un_decimal_print(text, sizeof text, 9, 0.1), 3);
    assert_string_equal(text, "0.1");
    un_decimal_print(text, sizeof text, 3, 12345.678);
    assert_string_equal(text, "1.23e+04");
    un_decimal_print_float(text, sizeof text, 1e-5f);
    assert_string_equal(text, "1e-05");
    un_decimal_format(text, sizeof text, "%s is %.2f", "x", 0.5);
    assert_string_equal(text, "x is 0.50");
    for (float value = 1e-30f; value < 1e30f; value *= 1.7f) {
        double back;
        un_decimal_print_float(text, sizeof text, value);
        un_decimal_read(text, &back);
        if ((float)back != value)
            fail_msg("%.9g printed as %s", (double)value, text);
    }
}

/* What is built on them: errors, JSON both ways, the kinds of samples, what a module tells. */
static void check_users(void)
{
    static const char module[] =
        "class BatchNorm2d(Module):\n  def forward(self, x: Tensor) -> Tensor:\n"
        "    return torch.batch_norm(x, w, b, m, v, True, 0.1, 1e-05, True)\n"
        "class LeakyReLU(Module):\n  negative_slope : Final[float] = 0.25\n";
    unet_error err;
    un_fail(&err, UNET_EINVAL, "%g", 0.5);
    assert_string_equal(err.text, "0.5");

    json_t *object;
    float value = 0;
    const char text[] = "{\"epsilon\": 1.5e-3}";
    if (un_json_parse("text", text, strlen(text), &object, &err))
        fail_msg("%s", err.text);
    assert_int_equal(
        un_json_float(&(struct un_json_at){"text", "", object}, "epsilon", &value, &err), UNET_OK);
    assert_true(value == 1.5e-3f);
    json_object_set_new(object, "epsilon", un_json_from_float(0.1f));
    char *printed = un_json_text(object);
    assert_string_equal(printed, "{\"epsilon\":0.1}");
    free(printed);
    json_decref(object);

    struct un_torch_hints hints = {.told = un_hints_none(), .steps_left = 1000};
    un_torch_take_code(&hints, module, module + strlen(module));
    assert_true(hints.told.leaky_slope == 0.25f);
    if (hints.told.norm_epsilon != 1e-5f)
        fail_msg("epsilon 1e-05 read as %g", (double)hints.told.norm_epsilon);
}

static void test_numbers(void **state)
{
    (void)state;
    check_reading();
    check_printing();
    check_users();
}

static void test_numbers_comma(void **state)
{
    char text[16];
    (void)state;
    comma_begin();
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* or the test is none */
    check_reading();
    check_printing();
    check_users();
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* the host's locale stays */
}

static int leave(void **state)
{
    comma_end();
    return folder_destroy(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test_setup_teardown(test_numbers_comma, folder_create, leave),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
