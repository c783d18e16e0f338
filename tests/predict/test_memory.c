/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - what a prediction by rows takes: memory, and the work of tiles */
#include "stream_scene.h"

/* What is promised is what is held, and the largest tile below the limit is taken. */
static void test_memory_plan(void **state)
{
    (void)state;
    unet_model *model = made_model(UNET_PADDING_SAME, UNET_NORM_NONE, 2, 1, 2);
    const unet_page page = {.height = 20000, .width = 30000, .channels = 1};
    const unet_stream stream = {.mask = 1};
    unet_session_options options = {.threads = 1};
    unet_memory_plan plan = {0}, none = {0};
    unet_session *session;
    unet_error err;
    uint64_t before = 0;
    for (uint64_t limit = 30000000; limit <= 960000000; limit *= 2) {
        options.tta = limit > 400000000 ? UNET_TTA_ROTATIONS : UNET_TTA_NONE;
        before = limit > 400000000 ? 0 : before;
        if (unet_plan_memory(model, &options, &page, &stream, limit, &plan, &err))
            fail_msg("%s", err.text);
        assert_true(plan.bytes <= limit && plan.bytes >= before && plan.tile >= 16);
        assert_int_equal(plan.blended, 0);
        before = plan.bytes;
        options.tile = plan.tile;
        assert_int_equal(unet_session_create(model, &options, &session, NULL), UNET_OK);
        int window = un_stream_window(session, page.height), tile = session->tile;
        uint64_t scores = un_session_sums(session) ? 2 * sizeof(float) : 0;
        uint64_t held = unet_session_bytes(session) +
                        ((uint64_t)(window + tile) + (uint64_t)tile * scores) * 30000;
        if (held > plan.bytes || plan.bytes - held > 30000 * 32)
            fail_msg("limit %llu: %llu promised, %llu held", (unsigned long long)limit,
                     (unsigned long long)plan.bytes, (unsigned long long)held);
        unet_session_free(session);
        options.tile = 0;
    }
    options.tta = UNET_TTA_NONE;
    assert_int_equal(unet_plan_memory(model, &options, &page, &stream, 1000000, &none, &err),
                     UNET_ENOMEM);
    assert_non_null(strstr(err.text, "at least"));
    assert_true(none.smallest > 1000000);
    assert_int_equal(unet_plan_memory(model, &options, &page, &stream, none.smallest, &plan, &err),
                     UNET_OK);
    assert_int_equal(
        unet_plan_memory(model, &options, &page, &stream, none.smallest - 1, &plan, &err),
        UNET_ENOMEM);
    unet_model_free(model);
    /* a network that sees the whole image: whole where it fits, else blended */
    model = made_model(UNET_PADDING_SAME, UNET_NORM_INSTANCE, 2, 1, 2);
    const unet_page small = {.height = 500, .width = 600, .channels = 1};
    assert_int_equal(unet_plan_memory(model, &options, &small, &stream, 500000000, &plan, &err),
                     UNET_OK);
    assert_int_equal(plan.blended, 0);
    assert_int_equal(plan.tile, 0);
    assert_int_equal(
        unet_plan_memory(model, &options, &small, &stream, plan.bytes - 1, &plan, &err), UNET_OK);
    assert_int_equal(plan.blended, 1);
    unet_model_free(model);
}

/* A long image is reckoned with the sides that it has, and its session holds what was promised. */
static void test_memory_of_long_images(void **state)
{
    (void)state;
    static const unet_norm norms[] = {UNET_NORM_INSTANCE, UNET_NORM_NONE};
    const unet_stream stream_of = {.mask = 1, .image = 1, .band = gather};
    for (int i = 0; i < 2; i++) {
        unet_model *model = made_model(UNET_PADDING_SAME, norms[i], 2, 1, 2);
        const unet_page square = {.height = 1500, .width = 1500, .channels = 1};
        const unet_page tall = {.height = 1500, .width = 30, .channels = 1};
        const unet_session_options options = {.threads = 1};
        unet_memory_plan whole, plan;
        unet_session *session;
        unet_error err;
        assert_int_equal(unet_plan_memory(model, &options, &square, &stream_of, 0, &whole, &err),
                         UNET_OK);
        if (norms[i] == UNET_NORM_NONE) {
            /* with a tile that is chosen, the plan says what such a session holds */
            assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_OK);
            if (whole.bytes < unet_session_bytes(session))
                fail_msg("%llu planned, %zu held", (unsigned long long)whole.bytes,
                         unet_session_bytes(session));
            unet_session_free(session);
            unet_model_free(model);
            continue;
        }
        assert_int_equal(
            unet_plan_memory(model, &options, &tall, &stream_of, whole.bytes / 10, &plan, &err),
            UNET_OK);
        assert_int_equal(plan.blended, 0);
        assert_int_equal(plan.tile, 0);
        unet_image image = made_image(1500, 30, 1);
        struct gathered got = make_room(&image, 2);
        assert_int_equal(unet_session_create(model, &options, &session, &err), UNET_OK);
        assert_int_equal(unet_predict_all(session, &image, &(unet_answers){.mask = got.mask}, &err),
                         UNET_OK);
        uint64_t held = unet_session_bytes(session);
        /* the image, its mask, and the scores that are summed */
        uint64_t walk = 1500 * 30 * (1 + 1 + 2 * sizeof(float));
        if (plan.bytes < held || plan.bytes > held + walk)
            fail_msg("%llu promised, %llu held", (unsigned long long)plan.bytes,
                     (unsigned long long)held);
        unet_session_free(session);
        release(&got);
        free(image.data);
        unet_model_free(model);
    }
}

/* Small tiles of a network with a wide border are said to be slow, and what would be quicker. */
static void test_work_of_tiles(void **state)
{
    (void)state;
    unet_model *model = made_model(UNET_PADDING_VALID, UNET_NORM_NONE, 4, 1, 2);
    const unet_page page = {.height = 3000, .width = 3000, .channels = 1};
    const unet_stream wanted = {.mask = 1};
    const unet_session_options options = {.threads = 1};
    unet_memory_plan plan = {0}, slow = {0}, useful = {0};
    unet_error err;
    assert_int_equal(unet_plan_memory(model, &options, &page, &wanted, 1, &plan, &err),
                     UNET_ENOMEM);
    assert_int_equal(unet_plan_memory(model, &options, &page, &wanted, 4000000000u, &plan, &err),
                     UNET_OK);
    assert_int_equal(plan.smallest_tile, 16);
    /* 16 + 4 pixels come out of 16 k + 60 = 204 */
    assert_true(plan.smallest_work > 100 && plan.smallest_work < 170);
    assert_true(plan.work < 2 && plan.tile >= 768);
    assert_true(plan.useful > plan.smallest);
    assert_int_equal(unet_plan_memory(model, &options, &page, &wanted, plan.useful, &useful, &err),
                     UNET_OK);
    assert_int_equal(useful.tile, plan.useful_tile);
    assert_true(useful.work <= 4);
    assert_int_equal(
        unet_plan_memory(model, &options, &page, &wanted, plan.useful - 1, &slow, &err), UNET_OK);
    assert_true(slow.work > 4 && slow.tile < useful.tile);
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_plan),
        cmocka_unit_test(test_memory_of_long_images),
        cmocka_unit_test(test_work_of_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
