/* SPDX-License-Identifier: Apache-2.0 */
/* Which device a word stands for, on a machine with two cards (tests/far/far_more.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/choose.h"

static void test_words(void **state)
{
    static const struct {
        const char *wanted;
        unet_code code;
        const char *says; /* the kind, or a part of the error */
        int device;
    } cases[] = {
        {NULL, UNET_OK, "cpu", 0},
        {"", UNET_OK, "cpu", 0},
        {"cpu", UNET_OK, "cpu", 0},
        {"0", UNET_OK, "cpu", 0},
        {"toy card", UNET_OK, "toys", 1},
        {"array", UNET_OK, "toys", 0},
        {"toys", UNET_OK, "toys", 0},
        {"toys:1", UNET_OK, "toys", 1},
        {"toys:3000", UNET_OK, "toys", 1},
        {"toys:2", UNET_EDEVICE, "toys has 2", 0},
        {"TOYS:1", UNET_OK, "toys", 1},
        {" ", UNET_EINVAL, "nothing is called so", 0},
        {"a", UNET_EINVAL, "are called so, such as ", 0}, /* Array 9, Toy Card 3000 */
        {"abacus", UNET_EINVAL, "device \"abacus\": nothing is called so, wanted auto, cpu", 0},
        {"cpu:1", UNET_EDEVICE, "cpu has 1, counted from 0", 0},
    };
    (void)state;
    setenv("UNET_TEST_CARDS", "1", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = cases[i].wanted ? cases[i].wanted : "nothing";
        struct un_choice choice;
        unet_error err = {.text = ""};
        const unet_code code = un_choice_of(cases[i].wanted, &choice, &err);
        if (code != cases[i].code)
            fail_msg("%s: code %d, wanted %d (%s)", name, code, cases[i].code, err.text);
        if (!strstr(code ? err.text : choice.kind->name, cases[i].says))
            fail_msg("%s: %s, wanted %s", name, code ? err.text : choice.kind->name, cases[i].says);
        if (!code && choice.device != cases[i].device)
            fail_msg("%s: device %d, wanted %d", name, choice.device, cases[i].device);
    }
    unsetenv("UNET_TEST_CARDS");
}

/* The cards of the tests are the last. */
static void test_numbers(void **state)
{
    struct un_choice choice;
    unet_error err;
    char number[16];
    (void)state;
    setenv("UNET_TEST_CARDS", "1", 1);
    const int count = un_device_count();
    for (int device = 0; device < 2; device++) {
        snprintf(number, sizeof number, "%d", count - 2 + device);
        assert_int_equal(un_choice_of(number, &choice, &err), UNET_OK);
        assert_string_equal(choice.kind->name, "toys");
        assert_int_equal(choice.device, device);
    }
    snprintf(number, sizeof number, "%d", count);
    assert_int_equal(un_choice_of(number, &choice, &err), UNET_EDEVICE);
    assert_non_null(strstr(err.text, "there is none, the last is "));
    assert_non_null(strstr(err.text, ", Toy Card 3000"));
    unsetenv("UNET_TEST_CARDS");
}

/* A graphics card that is no toy. */
static bool has_card(void)
{
    for (int i = 1; i < un_device_count(); i++) {
        unet_device device;
        assert_true(un_device_at(i, &device));
        if (!strcmp(device.type, "gpu"))
            return true;
    }
    return false;
}

/* A card is taken by itself only where it is faster. */
static void test_fastest(void **state)
{
    struct un_choice choice;
    unet_error err;
    (void)state;
    if (has_card())
        skip();
    setenv("UNET_TEST_CARDS", "fast", 1);
    assert_int_equal(un_choice_of("gpu", &choice, &err), UNET_OK);
    assert_string_equal(choice.kind->name, "toys");
    assert_int_equal(choice.device, 1);
    assert_int_equal(un_choice_of("auto", &choice, &err), UNET_OK);
    assert_string_equal(choice.kind->name, "toys");
    assert_int_equal(choice.device, 1); /* the other one is no graphics card */
    setenv("UNET_TEST_CARDS", "slow", 1);
    assert_int_equal(un_choice_of("auto", &choice, &err), UNET_OK);
    assert_string_equal(choice.kind->name, "cpu");
    unsetenv("UNET_TEST_CARDS");
}

static void test_no_card(void **state)
{
    struct un_choice choice;
    unet_error err;
    (void)state;
    if (has_card())
        skip();
    assert_int_equal(un_choice_of("gpu", &choice, &err), UNET_EDEVICE);
    assert_int_equal(err.hints, UNET_HINT_DEVICE);
    assert_int_equal(un_choice_of("auto", &choice, &err), UNET_OK);
    assert_string_equal(choice.kind->name, "cpu");
}

static void test_list(void **state)
{
    unet_device device;
    unet_error err;
    (void)state;
    setenv("UNET_TEST_CARDS", "1", 1);
    const int count = unet_device_count();
    assert_true(count >= 3);
    assert_int_equal(unet_device_get(0, &device, &err), UNET_OK);
    assert_string_equal(device.type, "cpu");
    assert_string_equal(device.driver, unet_isa());
    assert_true(*device.name && device.units > 0);
    assert_int_equal(unet_device_get(count - 1, &device, &err), UNET_OK);
    assert_string_equal(device.name, "Toy Card 3000");
    assert_int_equal(unet_device_get(count, &device, &err), UNET_EINVAL);
    assert_int_equal(unet_device_get(-1, &device, &err), UNET_EINVAL);
    setenv("UNET_DEVICE", "gpu", 1);
    assert_int_equal(unet_device_chosen(&device, &err), UNET_OK);
    assert_string_equal(device.name, "Toy Card 3000");
    unsetenv("UNET_DEVICE");
    unsetenv("UNET_TEST_CARDS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_fastest), cmocka_unit_test(test_no_card),
        cmocka_unit_test(test_list),
    };
    unsetenv("UNET_DEVICE"); /* of the tests that run with another engine */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
