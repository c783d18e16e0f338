/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_abi: programs that were built for another version of the header.  Each struct below is laid
 * out as an older header would have had it (up to some member) or a newer one (with a member more),
 * and given to this library with its size.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unet_exchange.h"
#include "unet_fields.h"
#include "unet_image.h"

/* A spec before its blocks could be described: what follows in memory is not the library's. */
struct old_spec {
    size_t size;
    int in_channels, classes, width, depth;
    unet_padding padding;
    unet_norm norm;
    unet_up up;
    unet_act act;
    float leaky_slope, dropout;
};

struct old_session_options {
    size_t size;
    int threads, tile;
};

/* As it may be one day. */
struct new_session_options {
    unet_session_options now;
    double more;
};

struct new_spec {
    unet_spec now;
    int more[4];
};

enum { GUARD = 0x5a };

static unet_model *make(const void *spec, unet_error *err)
{
    unet_model *model = NULL;
    if (unet_model_create(spec, 1, &model, err))
        fail_msg("%s", err->text);
    return model;
}

static void test_older_spec(void **state)
{
    (void)state;
    unet_error err;
    struct {
        struct old_spec spec;
        unsigned char beyond[sizeof(unet_spec)];
    } program;
    memset(&program, GUARD, sizeof program);
    unet_spec_init((unet_spec *)&program.spec, sizeof program.spec);
    for (size_t i = 0; i < sizeof program.beyond; i++)
        if (program.beyond[i] != GUARD)
            fail_msg("unet_spec_init() wrote %zu bytes beyond the struct", i + 1);
    assert_int_equal(program.spec.size, sizeof program.spec);
    assert_int_equal(program.spec.width, 64);
    assert_int_equal(unet_spec_set((unet_spec *)&program.spec, "width", "4", &err), UNET_OK);
    assert_int_equal(unet_spec_set((unet_spec *)&program.spec, "convs", "1", &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "convs: the struct has "));
    program.spec.depth = 2;

    unet_model *model = make(&program.spec, &err);
    const unet_spec *spec = unet_model_spec(model);
    assert_int_equal(spec->width, 4);
    assert_int_equal(spec->convs, 0); /* not GUARD */
    assert_int_equal(spec->channels.enc[0][0], 0);

    struct old_spec copy;
    unet_model_copy_spec(model, (unet_spec *)&copy, sizeof copy);
    assert_int_equal(copy.width, 4);
    assert_int_equal(copy.size, sizeof copy);
    unet_model_free(model);
}

static void test_zeroed(void **state)
{
    (void)state;
    unet_error err;
    unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 1, .convs = 1};
    unet_model *model = make(&spec, &err);
    assert_int_equal(unet_model_spec(model)->convs, 1);
    char text[32]; /* a model's spec has all fields, whatever its maker knew of */
    assert_int_equal(unet_spec_get(unet_model_spec(model), "rims", text, sizeof text, &err),
                     UNET_OK);
    assert_string_equal(text, "0");
    unet_model_free(model);
}

static void expect_session(const unet_model *model, const void *options, unet_code want,
                           const char *text)
{
    unet_error err = {0};
    unet_session *session = NULL;
    unet_code code = unet_session_create(model, options, &session, &err);
    unet_session_free(session);
    if (code != want || !strstr(err.text, text))
        fail_msg("code %d, \"%s\"; wanted %d, \"%s\"", code, err.text, want, text);
}

static void test_session(void **state)
{
    (void)state;
    unet_error err;
    unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 1};
    unet_model *model = make(&spec, &err);
    struct {
        struct old_session_options options;
        unsigned char beyond[sizeof(unet_session_options)];
    } program;
    memset(&program, GUARD, sizeof program);
    program.options = (struct old_session_options){sizeof program.options, 1, 32};
    expect_session(model, &program.options, UNET_OK, "");

    char text[96];
    struct new_session_options later = {.now = {.size = sizeof later, .threads = 1, .tile = 32}};
    expect_session(model, &later, UNET_OK, "");
    later.more = 1;
    snprintf(text, sizeof text, "unet_session_options: has %zu bytes and sets some beyond the %zu",
             sizeof later, sizeof later.now);
    expect_session(model, &later, UNET_EINVAL, text);
    later.now.size = 3;
    expect_session(model, &later, UNET_EINVAL, "size is 3, wanted sizeof(unet_session_options)");
    unet_model_free(model);
}

static void test_newer_spec(void **state)
{
    (void)state;
    unet_error err;
    unet_cost cost;
    struct new_spec spec;
    memset(&spec, GUARD, sizeof spec);
    unet_spec_init(&spec.now, sizeof spec);
    for (int i = 0; i < 4; i++)
        assert_int_equal(spec.more[i], 0);
    assert_int_equal(unet_spec_cost(&spec.now, 32, 32, 1, &cost, NULL, NULL, &err), UNET_OK);
    spec.more[3] = 1;
    assert_int_equal(unet_spec_cost(&spec.now, 32, 32, 1, &cost, NULL, NULL, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "the program wants a later one"));
}

static void test_training(void **state)
{
    (void)state;
    unet_error err;
    const unet_spec spec = unet_spec_default();
    unet_train_options options = {.size = offsetof(unet_train_options, batch)};
    options.epochs = 3;
    options.batch = -1; /* beyond what this program has: not looked at */
    assert_int_equal(unet_train_options_check(&options, &spec, &err), UNET_OK);
    options.epochs = -1;
    assert_int_equal(unet_train_options_check(&options, &spec, &err), UNET_EINVAL);
    options = unet_train_options_default(&spec);
    assert_int_equal(options.size, sizeof options);
    options.batch = -1;
    assert_int_equal(unet_train_options_check(&options, &spec, &err), UNET_EINVAL);
    unet_known known = unet_known_nothing();
    assert_int_equal(known.padding, -1);
    assert_int_equal(known.size, sizeof known);
}

static void test_features(void **state)
{
    (void)state;
    static const char *const there[] = {"cpu", "reference", "png", "tif", "npy", "onnx"};
    static const char *const missing[] = {"", "webp", "cp", "avx1024", "."};
    assert_string_equal(unet_version(), UNET_VERSION);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (!unet_has(there[i]))
            fail_msg("there is no %s", there[i]);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (unet_has(missing[i]))
            fail_msg("there is a \"%s\"", missing[i]);
    if (!unet_has("baseline") && !unet_has("neon"))
        fail_msg("there is no plain instruction set");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older_spec), cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_session),    cmocka_unit_test(test_newer_spec),
        cmocka_unit_test(test_training),   cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
