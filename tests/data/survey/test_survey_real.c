/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_survey_real.c - real folders: nothing is said of good pairs, and spoiled ones are found
 *
 * Needs ../shared/data; says so and passes where it is absent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "survey_set.h"

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)
#define SEG TEST_SHARED "/seg/"

/* Whether the folder is here and its format is read. */
static bool is_here(const char *folder, const char *sample)
{
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, SEG "%s", folder);
    if (stat(path, &status)) {
        print_message("skipped: %s is not here\n", path);
        return false;
    }
    if (!un_image_name(sample)) {
        print_message("skipped: %s: no reader for files such as %s yet\n", folder, sample);
        return false;
    }
    return true;
}

static unet_survey *survey_seg(const char *images, const char *masks, int ignore)
{
    char i[512], m[512];
    snprintf(i, sizeof i, SEG "%s", images);
    snprintf(m, sizeof m, SEG "%s", masks);
    return survey_of(i, m, ignore);
}

static double share(const unet_survey *survey, int label)
{
    const unet_survey_facts *facts = unet_survey_all(survey);
    double all = 0;
    for (int k = 0; k < facts->labels; k++)
        all += (double)facts->pixels[k];
    return (double)facts->pixels[label] / all;
}

static void expect_facts(const unet_survey *survey, int pairs, int channels, int labels)
{
    const unet_survey_facts *facts = unet_survey_all(survey);
    assert_int_equal(facts->pairs, pairs);
    assert_int_equal(facts->readable, pairs);
    assert_int_equal(facts->channels, channels);
    assert_int_equal(facts->labels, labels);
}

static void test_isbi2012(void **state)
{
    (void)state;
    if (!is_here("isbi2012", "a.png"))
        return;
    unet_survey *survey = survey_seg("isbi2012/image", "isbi2012/label", -1);
    expect_facts(survey, 20, 1, 2);
    survey_expect(survey, "background-small -\n");
    assert_true(fabs(share(survey, 0) - 0.2289) < 0.0001);
    unet_survey_free(survey);
}

static void test_dsb2018(void **state)
{
    (void)state;
    if (!is_here("dsb2018", "a.png"))
        return;
    unet_survey *survey = survey_seg("dsb2018/image", "dsb2018/mask", -1);
    expect_facts(survey, 112, 3, 2);
    survey_expect(survey, "");
    assert_int_equal(unet_survey_all(survey)->min_height, 256);
    assert_int_equal(unet_survey_all(survey)->max_width, 1024);
    unet_survey_free(survey);
}

/* Object numbers are never taken for classes. */
static void test_dsb2018_objects(void **state)
{
    (void)state;
    if (!is_here("dsb2018", "a.png"))
        return;
    unet_survey *survey = survey_seg("dsb2018/image", "dsb2018/label16", -1);
    expect_facts(survey, 112, 3, 2);
    survey_expect(survey, "");
    assert_non_null(strstr(unet_survey_all(survey)->coding, "object"));
    unet_survey_free(survey);
}

static void test_vnc(void **state)
{
    (void)state;
    if (!is_here("vnc", "a.tif"))
        return;
    unet_survey *survey = survey_seg("vnc/raw", "vnc/membranes", -1);
    expect_facts(survey, 3, 1, 2);
    survey_expect(survey, "");
    for (int i = 0; i < 3; i++)
        assert_true(unet_survey_at(survey, i)->fit > 15);
    unet_survey_free(survey);
}

/* One mask of one bit, two of 0 and 255 with a few pixels between. */
static void test_vnc_mitochondria(void **state)
{
    (void)state;
    if (!is_here("vnc", "a.tif"))
        return;
    unet_survey *survey = survey_seg("vnc/raw", "vnc/mitochondria", -1);
    expect_facts(survey, 3, 1, 2);
    survey_expect(survey, "mask-soft -\n");
    assert_true(fabs(share(survey, 1) - 0.0682) < 0.0001);
    unet_survey_free(survey);
}

/* labels00000000.png belongs to 00.tif: by their numbers. */
static void test_vnc_labels(void **state)
{
    (void)state;
    if (!is_here("vnc", "a.tif"))
        return;
    unet_survey *survey = survey_seg("vnc/raw", "vnc/labels", -1);
    expect_facts(survey, 3, 1, 9);
    survey_expect(survey, "");
    unet_survey_free(survey);
}

static void test_camvid(void **state)
{
    (void)state;
    if (!is_here("camvid", "a.png"))
        return;
    unet_survey *survey = survey_seg("camvid/image", "camvid/label", 11);
    expect_facts(survey, 12, 3, 11);
    survey_expect(survey, "");
    assert_true(unet_survey_all(survey)->ignored > 0);
    unet_survey_free(survey);
    survey = survey_seg("camvid/image", "camvid/label", -1);
    expect_facts(survey, 12, 3, 12);
    survey_expect(survey, "");
    assert_true(unet_survey_all(survey)->ignored == 0);
    unet_survey_free(survey);
}

/* Images and masks lie in one folder and differ in their endings. */
static void test_wbc1(void **state)
{
    (void)state;
    if (!is_here("wbc1", "a.bmp"))
        return;
    unet_survey *survey = survey_seg("wbc1", "wbc1", -1);
    expect_facts(survey, 60, 3, 3);
    survey_expect(survey, "saturated -\n");
    unet_survey_free(survey);
}

/* JPEG masks of a few tents: soft edges everywhere, and outlines that say nothing. */
static void test_sarpol_tents(void **state)
{
    (void)state;
    if (!is_here("sarpol_tents", "a.jpg"))
        return;
    unet_survey *survey = survey_seg("sarpol_tents/image", "sarpol_tents/label", -1);
    expect_facts(survey, 16, 3, 2);
    survey_expect(survey, "mask-soft -\n");
    unet_survey_free(survey);
}

/* ---- real pictures, spoiled ---- */

static void test_isbi2012_spoilt(void **state)
{
    (void)state;
    if (!is_here("isbi2012", "a.png"))
        return;
    struct set set = set_load("isbi2012/image", "isbi2012/label", 20);
    set_shift(&set.mask[2], 12, 6);
    set_shift(&set.mask[7], -40, 20);
    set_map(&set.mask[11], 0, 255, 0);
    unet_image mask = set.mask[4];
    set.mask[4] = set.mask[15];
    set.mask[15] = mask;
    set_expect(&set, "mask-shifted r02.png\nmask-shifted r07.png\nmask-inverted r11.png\n"
                     "mask-of-other r04.png\nmask-of-other r15.png\n");
}

static void test_camvid_spoilt(void **state)
{
    (void)state;
    if (!is_here("camvid", "a.png"))
        return;
    struct set set = set_load("camvid/image", "camvid/label", 12);
    set_shift(&set.mask[3], 12, 6);
    set_map(&set.mask[9], 0, 3, 0); /* sky and road */
    set_expect(&set, "mask-shifted r03.png\nclasses-swapped r09.png\n");
}

static void test_dsb2018_spoilt(void **state)
{
    (void)state;
    if (!is_here("dsb2018", "a.png"))
        return;
    struct set set = set_load("dsb2018/image", "dsb2018/mask", SET_MOST);
    set_shift(&set.mask[3], 40, 20);
    set_copy(&set.image[5], &set.image[9]);
    set_copy(&set.mask[5], &set.mask[9]);
    set_expect(&set, "mask-shifted r03.png\nsame-pair r09.png\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_isbi2012),         cmocka_unit_test(test_dsb2018),
        cmocka_unit_test(test_dsb2018_objects),  cmocka_unit_test(test_vnc),
        cmocka_unit_test(test_vnc_mitochondria), cmocka_unit_test(test_vnc_labels),
        cmocka_unit_test(test_camvid),           cmocka_unit_test(test_wbc1),
        cmocka_unit_test(test_sarpol_tents),     IN_FOLDER(test_isbi2012_spoilt),
        IN_FOLDER(test_camvid_spoilt),           IN_FOLDER(test_dsb2018_spoilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
