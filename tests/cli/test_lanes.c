/* SPDX-License-Identifier: Apache-2.0 */
/* test_lanes.c - how many images unet predict takes side by side */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predict/predict_lanes.h" /* it has a fail() of its own */

#include <cmocka.h>

enum { MOST = 200, SIDE = 32 };

static char picture[] = "lanes-32.pgm";
static struct predict_job jobs[MOST];
static unet_model *model;

static int make(void **state)
{
    const unet_spec spec = {.in_channels = 1, .classes = 2, .width = 2, .depth = 1};
    FILE *file = fopen(picture, "wb");
    (void)state;
    setenv("UNET_DEVICE", "cpu", 1);
    if (!file || unet_model_create(&spec, 1, &model, NULL))
        return -1;
    fprintf(file, "P5 %d %d 255\n", SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE; i++)
        fputc(i % 251, file);
    for (int i = 0; i < MOST; i++)
        jobs[i] = (struct predict_job){.input = picture,
                                       .output = {[PRODUCT_MASK] = picture},
                                       .pages = 1,
                                       .height = SIDE,
                                       .width = SIDE};
    return fclose(file);
}

static int clean(void **state)
{
    (void)state;
    unet_model_free(model);
    return remove(picture);
}

static int count(struct predict_plan plan, size_t images, int threads, double memory)
{
    const struct predict_settings settings = {.memory = memory};
    const unet_session_options work = {.size = sizeof(work), .threads = threads};
    struct predict_lanes lanes;
    plan.jobs = jobs;
    plan.count = plan.inputs.count = images;
    assert_int_equal(predict_lanes_open(&settings, &plan, model, &work, NULL, &lanes), 0);
    const int found = lanes.count;
    for (int i = 0; i < found; i++)
        assert_non_null(lanes.session[i]);
    predict_lanes_release(&lanes);
    return found;
}

static void test_by_images(void **state)
{
    const struct predict_plan plan = {0};
    (void)state;
    assert_int_equal(count(plan, 0, 4, 0), 1);
    assert_int_equal(count(plan, 1, 4, 0), 1);
    assert_int_equal(count(plan, 15, 4, 0), 1);
    assert_int_equal(count(plan, 16, 4, 0), 2);
    assert_int_equal(count(plan, 31, 4, 0), 2); /* three would leave a thread idle */
    assert_int_equal(count(plan, 24, 3, 0), 3);
    assert_int_equal(count(plan, 200, 4, 0), 4);
    assert_int_equal(count(plan, 200, 3, 0), 3);
    assert_int_equal(count(plan, 200, 1, 0), 1);
}

/* One that takes as long as all others would be alone at the end. */
static void test_one_large(void **state)
{
    (void)state;
    jobs[70].height = jobs[70].width = 16 * SIDE;
    assert_int_equal(count((struct predict_plan){0}, 200, 4, 0), 1);
    jobs[70].height = jobs[70].width = SIDE;
    jobs[70].pages = 12; /* 211 pages in all: 17 times this one */
    assert_int_equal(count((struct predict_plan){0}, 200, 4, 0), 2);
    jobs[70].pages = 1;
}

/* A promise of memory is one session's, and only COCO is put together of parts. */
static void test_one_after_the_other(void **state)
{
    struct predict_plan plan = {0};
    (void)state;
    assert_int_equal(count(plan, 200, 4, 5e8), 1);
    plan.joined[PRODUCT_MEASURE] = 1;
    assert_int_equal(count(plan, 200, 4, 0), 4);
    plan.joined[PRODUCT_ROIS] = 1;
    plan.outlines = OUTLINE_COCO;
    assert_int_equal(count(plan, 200, 4, 0), 4);
    plan.outlines = OUTLINE_GEOJSON;
    assert_int_equal(count(plan, 200, 4, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_images),
        cmocka_unit_test(test_one_large),
        cmocka_unit_test(test_one_after_the_other),
    };
    return cmocka_run_group_tests_name("lanes", tests, make, clean);
}
