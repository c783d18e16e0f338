/* SPDX-License-Identifier: Apache-2.0 */
/* test_sessions.c - what a session takes, allows and refuses */
#include "predict_scene.h"

static struct un_engine_ops poor; /* an engine that has no memory */

static void *no_memory(struct un_engine *e, size_t bytes)
{
    (void)e;
    (void)bytes;
    return NULL;
}

/* An image that there is no memory for is refused, and the next one is predicted as ever. */
static void test_whole_image_too_large(void **state)
{
    const unet_spec spec = {.in_channels = 1,
                            .classes = 2,
                            .width = 2,
                            .depth = 1,
                            .padding = UNET_PADDING_SAME,
                            .norm = UNET_NORM_INSTANCE};
    unet_model *model = make_model(&spec);
    unet_image large = make_image(30, 1300, 1), small = make_image(50, 40, 1);
    float logits[2 * 50 * 40], *unused = malloc((size_t)2 * 30 * 1300 * sizeof *unused);
    unet_session *session;
    unet_error err;
    (void)state;
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
    const struct un_engine_ops *ops = session->engine->ops;
    poor = *ops;
    poor.alloc = no_memory;
    session->engine->ops = &poor;
    assert_int_equal(unet_predict_logits(session, &large, unused, &err), UNET_ENOMEM);
    assert_int_equal(unet_predict_logits(session, &small, logits, &err), UNET_ENOMEM);
    session->engine->ops = ops;
    if (unet_predict_logits(session, &small, logits, &err))
        fail_msg("%s", err.text);
    if (session->width >= 1300) /* what was refused is not asked for again */
        fail_msg("a session of %d x %d", session->height, session->width);
    float *want = logits_of(model, &small, (unet_session_options){0});
    compare_logits("after a failure", (unet_session_options){0}, logits, want, 2 * 50 * 40, 1e-5);
    free(want);
    free(unused);
    unet_session_free(session);
    unet_image_release(&large);
    unet_image_release(&small);
    unet_model_free(model);
}

static const unet_spec sees_all = {.in_channels = 1,
                                   .classes = 2,
                                   .width = 16,
                                   .depth = 2,
                                   .padding = UNET_PADDING_SAME,
                                   .norm = UNET_NORM_INSTANCE};

static int input_side(const unet_model *model, int height, int width)
{
    unet_error err;
    size_t bytes;
    int sides[2];
    if (un_session_foretell(model, &(unet_session_options){.threads = 1}, height, width, &bytes,
                            sides, &err))
        fail_msg("%s", err.text);
    return sides[1];
}

/* Rounding depends on the tile, so the tile must not depend on the number of threads, though each
 * has memory of its own. */
static void test_tile_of_any_threads(void **state)
{
    const unet_spec wide = {.in_channels = 3,
                            .classes = 2,
                            .width = 64,
                            .depth = 4,
                            .padding = UNET_PADDING_SAME,
                            .norm = UNET_NORM_BATCH};
    unet_model *model = make_model(&wide);
    unet_error err;
    size_t bytes[2];
    int sides[2][2];
    (void)state;
    for (int i = 0; i < 2; i++)
        if (un_session_foretell(model, &(unet_session_options){.threads = i ? 64 : 1}, 3000, 3000,
                                &bytes[i], sides[i], &err))
            fail_msg("%s", err.text);
    assert_true(bytes[1] > bytes[0]);
    assert_int_equal(sides[1][0], sides[0][0]);
    assert_int_equal(sides[1][1], sides[0][1]);
    unet_model_free(model);
}

/* A network that learnt from tiles sees 1024 x 1024 at once and no more, whatever the machine has;
 * one from elsewhere the whole image. */
static void test_most_at_once(void **state)
{
    unet_model *model = make_model(&sees_all);
    (void)state;
    assert_int_equal(input_side(model, 2048, 2050), 2048);
    assert_int_equal(input_side(model, 2500, 2500), 2500);
    model->trained = true;
    assert_int_equal(input_side(model, 1024, 1024), 1024);
    assert_int_equal(input_side(model, 4096, 256), 4096);
    const int side = input_side(model, 1100, 1100);
    if (side < 950 || side > 1024 || side != input_side(model, 90000, 70000))
        fail_msg("tiles of %d", side);
    unet_model_free(model);
}

/* Images that are seen at once and others, in turns, by one session: as by one for each. */
static void test_whole_and_tiles(void **state)
{
    static const int sizes[][2] = {{40, 44}, {200, 150}, {44, 40}, {90, 300}, {40, 44}};
    enum { MOST = 160 * 160 };
    unet_model *model = make_model(&sees_all);
    unet_session *session, *fresh;
    unet_error err;
    (void)state;
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
    session->most = MOST;
    for (int i = 0; i < 5; i++) {
        const size_t count = (size_t)sizes[i][0] * (size_t)sizes[i][1] * 2;
        unet_image image = make_image(sizes[i][0], sizes[i][1], 1);
        float *got = malloc(count * sizeof *got), *want = malloc(count * sizeof *want);
        assert_int_equal(unet_session_create(model, NULL, &fresh, &err), UNET_OK);
        fresh->most = MOST;
        if (unet_predict_logits(session, &image, got, &err) ||
            unet_predict_logits(fresh, &image, want, &err))
            fail_msg("%s", err.text);
        compare_logits("in turns", (unet_session_options){0}, got, want, count, 1e-5);
        const bool tiles = sizes[i][0] * sizes[i][1] > MOST;
        if (tiles != (fresh->overlap > 0) || fresh->overlap != session->overlap)
            fail_msg("%d x %d: tiles of %d share %d and %d", sizes[i][0], sizes[i][1], fresh->tile,
                     fresh->overlap, session->overlap);
        unet_session_free(fresh);
        unet_image_release(&image);
        free(got);
        free(want);
    }
    unet_session_free(session);
    unet_model_free(model);
}

/* What unet_spec_cost() foretells is what a session holds. */
static void test_bytes(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const unet_spec *spec = &variants[v].spec;
        unet_model *model = make_model(spec);
        unet_session *session;
        unet_cost cost;
        unet_error err;
        if (unet_session_create(model, &(unet_session_options){.tile = 64}, &session, &err) ||
            unet_spec_cost(spec, session->height, session->width, 1, &cost, NULL, NULL, &err))
            fail_msg("%s", err.text);
        if (cost.predict_bytes != unet_session_bytes(session))
            fail_msg("%s: foretold %zu bytes, held %zu", variants[v].name, cost.predict_bytes,
                     unet_session_bytes(session));
        unet_session_free(session);
        unet_model_free(model);
    }
}

/* Arguments beyond all reason are refused, not computed with. */
static void test_limits(void **state)
{
    const unet_spec *spec = &variants[0].spec;
    unet_model *model = make_model(spec);
    uint8_t mask[4] = {0}, colors[2][3] = {{0}};
    unet_session *session;
    unet_cost cost;
    unet_error err;
    (void)state;
    static const unet_session_options wrong[] = {
        {.tile = INT_MAX}, {.tile = -1}, {.threads = 1 << 20}, {.threads = -1}, {.tta = 3}};
    for (int i = 0; i < 5; i++)
        assert_int_equal(unet_session_create(model, &wrong[i], &session, &err), UNET_EINVAL);
    assert_int_equal(unet_spec_cost(spec, 1 << 20, 1 << 20, 65536, &cost, NULL, NULL, &err),
                     UNET_EINVAL);
    assert_int_equal(unet_spec_cost(spec, -5, 0, 1, &cost, NULL, NULL, &err), UNET_EINVAL);
    const uint8_t(*palette)[3] = (const uint8_t(*)[3])colors;
    assert_int_equal(unet_mask_write("x.png", mask, 2, 2, palette, 300, &err), UNET_EINVAL);
    assert_int_equal(unet_mask_write("x.png", mask, 2, 2, palette, -1, &err), UNET_EINVAL);
    assert_int_equal(unet_mask_write("x.png", mask, -1, 2, palette, 2, &err), UNET_EINVAL);
    unet_model_free(model);
}

static void test_wrong_channels(void **state)
{
    (void)state;
    unet_model *model = make_model(&variants[0].spec);
    unet_image image = make_image(20, 20, 3);
    unet_session *session;
    unet_error err;
    uint8_t mask[400];
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_OK);
    assert_int_equal(unet_predict(session, &image, mask, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "3 channels"));
    assert_non_null(strstr(err.text, "the model takes 1"));
    unet_session_free(session);
    unet_image_release(&image);
    unet_model_free(model);
}

#if defined(__aarch64__)
#define PLAINEST "neon"
#else
#define PLAINEST "baseline"
#endif

/* UNET_ISA and UNET_DEVICE choose; every choice gives the same answer but for rounding. */
static void test_choice_of_engine(void **state)
{
    static const char *const choices[][2] = {{"UNET_ISA", "baseline"},
                                             {"UNET_ISA", "neon"},
                                             {"UNET_ISA", "avx2"},
                                             {"UNET_ISA", "avx512"},
                                             {"UNET_DEVICE", "reference"}};
    const unet_spec *spec = &variants[0].spec;
    unet_model *model = make_model(spec);
    unet_image image = make_image(70, 60, 1);
    size_t count = (size_t)spec->classes * image.height * image.width;
    float *usual =
        logits_of(model, &image, (unet_session_options){.threads = 1, .tile = 0, .exact = 0});
    double scale = 0;
    for (size_t k = 0; k < count; k++)
        if (fabs(usual[k]) > scale) /* not fmax(): see above */
            scale = fabs(usual[k]);
    const char *device = getenv("UNET_DEVICE");
    char *before = device ? strdup(device) : NULL;
    unet_session *session;
    unet_error err;
    (void)state;
    for (int i = 0; i < 5; i++) {
        setenv(choices[i][0], choices[i][1], 1);
        if (i < 2)
            assert_string_equal(unet_isa(), PLAINEST);
        float *got =
            logits_of(model, &image, (unet_session_options){.threads = 1, .tile = 0, .exact = 0});
        for (size_t k = 0; k < count; k++)
            if (!(fabs((double)got[k] - usual[k]) <= 1e-5 * scale))
                fail_msg("%s=%s: logit %zu is %g, usually %g", choices[i][0], choices[i][1], k,
                         (double)got[k], (double)usual[k]);
        free(got);
        unsetenv(choices[i][0]);
    }
    setenv("UNET_DEVICE", "abacus", 1);
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "device \"abacus\""));
    unsetenv("UNET_DEVICE"); /* only the CPU engine looks at UNET_ISA */
    setenv("UNET_ISA", "avx3", 1);
    assert_int_equal(unet_session_create(model, NULL, &session, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "avx3"));
    assert_string_equal(unet_isa(), "none");
    unsetenv("UNET_ISA");
    if (before)
        setenv("UNET_DEVICE", before, 1);
    free(before);
    free(usual);
    unet_image_release(&image);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_image_too_large),
        cmocka_unit_test(test_tile_of_any_threads),
        cmocka_unit_test(test_most_at_once),
        cmocka_unit_test(test_whole_and_tiles),
        cmocka_unit_test(test_wrong_channels),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_choice_of_engine),
    };
    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
