/* SPDX-License-Identifier: Apache-2.0 */
/* test_fields: settings by name: every field of each table there and back, what is refused and how
 * that is said, and numbers under a locale with a decimal comma */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/decimal.h"
#include "unet_fields.h"

/* One of the three structs, as its functions see it. */
struct kind {
    const char *name;
    size_t size;
    const unet_field *(*field)(int i);
    unet_code (*set)(void *object, const char *field, const char *text, unet_error *err);
    unet_code (*get)(const void *object, const char *field, char *text, size_t size,
                     unet_error *err);
};

#define KIND(type)                                                                                 \
    static unet_code type##_to(void *object, const char *field, const char *text, unet_error *err) \
    {                                                                                              \
        return unet_##type##_set(object, field, text, err);                                        \
    }                                                                                              \
    static unet_code type##_from(const void *object, const char *field, char *text, size_t size,   \
                                 unet_error *err)                                                  \
    {                                                                                              \
        return unet_##type##_get(object, field, text, size, err);                                  \
    }
KIND(spec)
KIND(train_options)
KIND(session_options)

static const struct kind kinds[] = {
    {"spec", sizeof(unet_spec), unet_spec_field, spec_to, spec_from},
    {"train_options", sizeof(unet_train_options), unet_train_options_field, train_options_to,
     train_options_from},
    {"session_options", sizeof(unet_session_options), unet_session_options_field,
     session_options_to, session_options_from},
};

static void there_and_back(const struct kind *kind, const unet_field *field, const char *text)
{
    union {
        unet_spec spec;
        unet_train_options train;
        unet_session_options session;
    } object;
    unet_error err = {0};
    char back[32] = "";
    memset(&object, 0, sizeof object);
    object.spec.size = kind->size;
    if (kind->set(&object, field->name, text, &err) ||
        kind->get(&object, field->name, back, sizeof back, &err))
        fail_msg("%s.%s: \"%s\" is refused: %s", kind->name, field->name, text, err.text);
    if (strcmp(back, text))
        fail_msg("%s.%s: \"%s\" comes back as \"%s\"", kind->name, field->name, text, back);
}

static void check_field(const struct kind *kind, const unet_field *field)
{
    char text[UN_DECIMAL_TEXT];
    if (!field->help[0] || strlen(field->help) > 60)
        fail_msg("%s.%s: the help is \"%s\"", kind->name, field->name, field->help);
    for (int i = 0; field->words && field->words[i]; i++)
        there_and_back(kind, field, field->words[i]);
    if (field->words)
        return;
    for (int end = 0; end < 2; end++) {
        const double value = end ? field->high : field->low;
        const bool single = field->type == UNET_FIELD_FLOAT;
        if ((end ? field->below : field->above) || field->type == UNET_FIELD_SEED)
            continue;
        un_decimal_write(value, single, text);
        there_and_back(kind, field, text);
    }
}

static void test_every_field(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        int count = 0;
        for (const unet_field *field; (field = kinds[k].field(count)); count++)
            check_field(&kinds[k], field);
        if (count < 5 || kinds[k].field(-1))
            fail_msg("%s has %d fields", kinds[k].name, count);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        int kind;
        const char *field, *text, *want;
    } rows[] = {
        {0, "norm", "btch", "norm: found \"btch\", wanted none, batch, instance or group"},
        {0, "width", "0", "width: found \"0\", wanted a whole number, 1 to 1024"},
        {0, "width", "2.5", "width: found \"2.5\", wanted a whole number, 1 to 1024"},
        {0, "dropout", "1", "dropout: found \"1\", wanted a number, at least 0 and less than 1"},
        {0, "leaky_slope", "0",
         "leaky_slope: found \"0\", wanted a number, more than 0 and less than 1"},
        {0, "dropout", "0.99999999999", /* which is 1 as a float */
         "dropout: found \"0.99999999999\", wanted a number, at least 0 and less than 1"},
        {0, "dropout", "0,5",
         "dropout: found \"0,5\", wanted a number, at least 0 and less than 1"},
        {0, "dropout", "nan",
         "dropout: found \"nan\", wanted a number, at least 0 and less than 1"},
        {0, "single-act", "maybe", "single_act: found \"maybe\", wanted no or yes"},
        {0, "size", "1", "size: there is no such field"},
        {1, "augment.elastic", "-1", "augment.elastic: found \"-1\", wanted a number, 0 to 10000"},
        {1, "seed", "18446744073709551616",
         "seed: found \"18446744073709551616\", wanted a whole number, 0 to "
         "18446744073709551615"},
        {2, "tta", "", "tta: found \"\", wanted none, flips or rotations"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_train_options object; /* the largest of the three */
        unet_error err = {0};
        memset(&object, 0x11, sizeof object);
        unet_train_options before = object;
        if (kinds[rows[i].kind].set(&object, rows[i].field, rows[i].text, &err) != UNET_EINVAL ||
            strcmp(err.text, rows[i].want))
            fail_msg("%s = \"%s\": found \"%s\", wanted \"%s\"", rows[i].field, rows[i].text,
                     err.text, rows[i].want);
        if (memcmp(&object, &before, sizeof object))
            fail_msg("%s = \"%s\" is refused, but changes the struct", rows[i].field, rows[i].text);
    }
}

static void test_said_otherwise(void **state)
{
    (void)state;
    unet_spec spec = {0};
    unet_train_options options = {0};
    unet_error err = {0};
    char text[32], little[4];
    assert_int_equal(unet_spec_set(&spec, "leaky-slope", "0.25", &err), UNET_OK);
    assert_true(spec.leaky_slope == 0.25f);
    assert_int_equal(unet_spec_set(&spec, "act", "leaky-relu", &err), UNET_OK);
    assert_int_equal(spec.act, UNET_ACT_LEAKY_RELU);
    assert_int_equal(unet_spec_set(&spec, "single_act", "1", &err), UNET_OK);
    assert_int_equal(spec.single_act, 1);
    assert_int_equal(unet_train_options_set(&options, "seed", "18446744073709551615", &err),
                     UNET_OK);
    assert_true(options.seed == UINT64_MAX);
    assert_int_equal(unet_train_options_get(&options, "seed", text, sizeof text, &err), UNET_OK);
    assert_string_equal(text, "18446744073709551615");
    assert_int_equal(unet_spec_get(&spec, "act", little, sizeof little, &err), UNET_EINVAL);
    assert_string_equal(err.text, "act: 4 bytes do not hold \"leaky_relu\"");
    assert_int_equal(unet_spec_set(NULL, "act", "relu", &err), UNET_EINVAL);
}

/* unet_known has some of the spec's fields, by the spec's names and words. */
static void test_known(void **state)
{
    (void)state;
    unet_known known = unet_known_nothing();
    unet_error err = {0};
    assert_int_equal(unet_known_set(&known, "norm-order", "act-first", &err), UNET_OK);
    assert_int_equal(unet_known_set(&known, "leaky_slope", "0.25", &err), UNET_OK);
    assert_int_equal(known.norm_order, UNET_ACT_FIRST);
    assert_true(known.leaky_slope == 0.25f && isnan(known.norm_epsilon));
    assert_int_equal(known.act, -1);
    assert_int_equal(unet_known_set(&known, "act", "tanh", &err), UNET_EINVAL);
    assert_string_equal(err.text, "act: found \"tanh\", wanted relu, leaky_relu or prelu");
    assert_int_equal(unet_known_set(&known, "width", "8", &err), UNET_EINVAL);
    assert_string_equal(err.text, "width: there is no such field");
    assert_int_equal(known.act, -1);
}

/* What is written is read back bit for bit, and no locale puts a comma in. */
static void test_numbers(void **state)
{
    (void)state;
    static const double values[] = {0.1, 1e-5, 1e-8, 0.999999, 1.0 / 3, 1e15, 12345678, 0, -0.5};
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
    for (size_t l = 0; l < sizeof locales / sizeof *locales; l++) {
        if (!setlocale(LC_ALL, locales[l]))
            continue; /* not on this machine */
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            for (int single = 0; single < 2; single++) {
                char text[UN_DECIMAL_TEXT];
                const char *end;
                double back = 0;
                un_decimal_write(values[i], single, text);
                if (!un_decimal_read_plain(text, &end, &back) || *end ||
                    (single ? (float)back != (float)values[i] : back != values[i]))
                    fail_msg("%s: %.17g is written \"%s\", read %.17g", locales[l], values[i], text,
                             back);
            }
    }
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_said_otherwise), cmocka_unit_test(test_known),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
